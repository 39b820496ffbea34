//! The stacks of undo and redo. Undoing a value is itself a change at the present step, so a recording replays it; undoing a new run
//! returns to the run before it.

use moebias_engine::start::RunId;
use moebias_model::change::{Change, Target};

/// Something that can be undone.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// One or several settings went from one value to another, in one or several variants.
    Value {
        /// The values before, and the biases that the change discarded.
        from: Vec<(Target, Change)>,
        /// The values after. The first of them names the entry.
        to: Vec<(Target, Change)>,
    },
    /// A variant was renamed.
    Name {
        /// The index of the variant.
        variant: usize,
        /// The name that the user had typed before; `None` if the name was automatic.
        from: Option<String>,
        /// The name that the user typed; `None` to make the name automatic.
        to: Option<String>,
        /// The name before, typed or automatic.
        was: String,
    },
    /// One run took the place of another.
    Run {
        /// The run before.
        from: RunId,
        /// The run after.
        to: RunId,
        /// What started the run after: "Reset", "64 → 128 experts".
        what: String,
    },
}

impl Entry {
    /// What the entry did, as menus show it.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Value { to, .. } => match to.first() {
                Some((_, Change::ResetBias)) => "Reset biases".into(),
                Some((_, change)) => change.words(),
                None => String::new(),
            },
            Self::Name { to: Some(name), .. } => format!("name “{name}”"),
            Self::Name { to: None, was, .. } => format!("automatic name for “{was}”"),
            Self::Run { what, .. } => what.clone(),
        }
    }
}

/// Why a change was sent to the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The user made it.
    Done,
    /// Undo sent it.
    Undone,
    /// Redo sent it.
    Redone,
}

/// The undo entry of a change that was sent to the worker, and why it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The number of the undo entry that the change belongs to; `None` if the change can't be undone, as those that a lesson makes.
    pub entry: Option<u64>,
    /// Why the change was sent.
    pub asked: Asked,
}

impl Origin {
    /// The origin of a change that belongs to the undo entry with this number.
    #[must_use]
    pub fn of(entry: u64, asked: Asked) -> Self {
        Self { entry: Some(entry), asked }
    }
}

/// An entry, and whether the worker has applied it.
#[derive(Clone, Debug)]
struct Noted {
    number: u64,
    entry: Entry,
    /// Whether the worker has applied some of its changes since the entry was last done, undone or redone.
    applied: bool,
}

/// The stacks of done and undone entries, and whether a gesture is in progress.
#[derive(Debug, Default)]
pub struct Undo {
    done: Vec<Noted>,
    undone: Vec<Noted>,
    gesture: bool,
    next: u64,
}

/// The largest number of entries on the stack.
const DEPTH: usize = 200;

/// The target and the name of each changed setting.
fn names(of: &[(Target, Change)]) -> impl Iterator<Item = (Target, &'static str)> {
    of.iter().map(|(target, change)| (*target, change.name()))
}

fn names_run(noted: &Noted, run: RunId) -> bool {
    matches!(&noted.entry, Entry::Run { from, to, .. } if *from == run || *to == run)
}

impl Undo {
    /// Adds an entry and clears redo. Within one gesture, such as dragging a slider, changes of the same setting become one entry. Returns
    /// the number of the entry.
    pub fn did(&mut self, entry: Entry) -> u64 {
        self.undone.clear();
        if let (true, Some(last), Entry::Value { to, .. }) = (self.gesture, self.done.last_mut(), &entry)
            && let Entry::Value { to: before, .. } = &mut last.entry
            && names(before).eq(names(to))
        {
            before.clone_from(to);
            return last.number;
        }
        self.gesture = true;
        self.next += 1;
        self.done.push(Noted { number: self.next, entry, applied: false });
        if self.done.len() > DEPTH {
            self.done.remove(0);
        }
        self.next
    }

    /// Ends the present gesture: the next change is an entry of its own.
    pub fn end_gesture(&mut self) {
        self.gesture = false;
    }

    /// The entry that undo would undo next.
    #[must_use]
    pub fn next_undo(&self) -> Option<&Entry> {
        self.done.last().map(|n| &n.entry)
    }

    /// The number of the entry that undo would undo next.
    #[must_use]
    pub fn next_number(&self) -> Option<u64> {
        self.done.last().map(|n| n.number)
    }

    /// The entry that redo would do again next.
    #[must_use]
    pub fn next_redo(&self) -> Option<&Entry> {
        self.undone.last().map(|n| &n.entry)
    }

    /// Moves the newest done entry to the undone ones. Returns its number and the entry.
    pub fn undo(&mut self) -> Option<(u64, Entry)> {
        self.gesture = false;
        let mut noted = self.done.pop()?;
        noted.applied = false;
        self.undone.push(noted.clone());
        Some((noted.number, noted.entry))
    }

    /// Moves the newest undone entry back to the done ones. Returns its number and the entry.
    pub fn redo(&mut self) -> Option<(u64, Entry)> {
        self.gesture = false;
        let mut noted = self.undone.pop()?;
        noted.applied = false;
        if let Entry::Value { from, .. } = &mut noted.entry {
            // Done again at another step, the change discards other biases.
            from.retain(|(_, c)| !matches!(c, Change::SetBias(_)));
        }
        self.done.push(noted.clone());
        Some((noted.number, noted.entry))
    }

    /// Notes that the worker applied a change of an entry. `biases` are the biases that the change discarded; undo restores them, unless an
    /// earlier change of the same gesture has discarded biases already: then undo restores those.
    pub fn applied(&mut self, number: u64, asked: Asked, biases: Vec<(Target, Change)>) {
        let Some(noted) = self.done.iter_mut().chain(&mut self.undone).find(|n| n.number == number) else { return };
        noted.applied = true;
        if asked == Asked::Undone {
            return;
        }
        if let Entry::Value { from, .. } = &mut noted.entry {
            for (target, change) in biases {
                if !from.iter().any(|(t, c)| *t == target && matches!(c, Change::SetBias(_))) {
                    from.push((target, change));
                }
            }
        }
    }

    /// Notes that the worker refused a change of an entry, and no other change of the entry is waiting for an answer. If none of its
    /// changes was applied, the entry is moved back to where it was before it was done, undone or redone.
    pub fn refused(&mut self, number: u64, asked: Asked) {
        let is = |n: &Noted| n.number == number && !n.applied;
        match asked {
            Asked::Done => self.done.retain(|n| !is(n)),
            Asked::Undone if self.undone.last().is_some_and(is) => self.done.extend(self.undone.pop()),
            Asked::Redone if self.done.last().is_some_and(is) => self.undone.extend(self.done.pop()),
            Asked::Undone | Asked::Redone => {}
        }
    }

    /// Drops the entry that redo (`Asked::Redone`) or undo (anything else) would carry out next, because that is no longer possible.
    pub fn drop_next(&mut self, asked: Asked) {
        if asked == Asked::Redone {
            self.undone.pop()
        } else {
            self.done.pop()
        };
    }

    /// Drops the entries that would return to a run that is no longer in memory.
    pub fn forget(&mut self, run: RunId) {
        // Entries beyond it in either direction belong to runs that can no longer be reached.
        for side in [&mut self.done, &mut self.undone] {
            if let Some(last) = side.iter().rposition(|n| names_run(n, run)) {
                side.drain(..=last);
            }
        }
    }

    /// Drops the entries to and from a run that the worker declined.
    pub fn never(&mut self, run: RunId) {
        for side in [&mut self.done, &mut self.undone] {
            side.retain(|n| !names_run(n, run));
        }
    }

    /// Corrects the entry of a run: `to` followed `before`, not `believed`, which the worker declined.
    pub fn redirect(&mut self, to: RunId, believed: RunId, before: RunId) {
        for noted in self.done.iter_mut().chain(&mut self.undone) {
            if let Entry::Run { from, to: after, .. } = &mut noted.entry
                && (*from, *after) == (believed, to)
            {
                *from = before;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use moebias_model::change::Biases;

    fn value(from: f64, to: f64) -> Entry {
        let t = Target::AllVariants;
        Entry::Value { from: vec![(t, Change::SetRate(from))], to: vec![(t, Change::SetRate(to))] }
    }

    fn undone(undo: &mut Undo) -> Option<Entry> {
        undo.undo().map(|(_, e)| e)
    }

    #[test]
    fn a_drag_is_one_step() {
        let mut undo = Undo::default();
        for i in 0..50 {
            undo.did(value(f64::from(i), f64::from(i + 1)));
        }
        undo.end_gesture();
        undo.did(value(50.0, 60.0));
        assert_eq!(undone(&mut undo), Some(value(50.0, 60.0)));
        assert_eq!(undone(&mut undo), Some(value(0.0, 50.0)));
        assert_eq!(undone(&mut undo), None);
        assert_eq!(undo.redo().map(|(_, e)| e), Some(value(0.0, 50.0)));
        undo.did(value(0.0, 1.0));
        assert_eq!(undo.redo(), None, "doing something new forgets what was undone");
    }

    #[test]
    fn what_was_done_before_a_forgotten_run_goes_with_it() {
        let mut undo = Undo::default();
        undo.did(value(0.1, 0.9));
        undo.end_gesture();
        undo.did(Entry::Run { from: RunId(0), to: RunId(1), what: "Reset".into() });
        undo.end_gesture();
        undo.did(value(0.2, 0.3));
        undo.forget(RunId(0));
        assert_eq!(undone(&mut undo), Some(value(0.2, 0.3)));
        assert_eq!(undone(&mut undo), None, "0.9 was set in a run that is gone");
    }

    #[test]
    fn what_was_refused_was_not_done() {
        let mut undo = Undo::default();
        let kept = undo.did(value(0.1, 0.2));
        undo.end_gesture();
        let refused = undo.did(value(0.2, 0.3));
        undo.applied(kept, Asked::Done, vec![]);
        undo.refused(refused, Asked::Done);
        assert_eq!(undo.next_number(), Some(kept));
        undo.undo();
        undo.refused(kept, Asked::Undone);
        assert_eq!((undo.next_number(), undo.next_redo()), (Some(kept), None), "taking it back was refused");
        undo.did(Entry::Run { from: RunId(0), to: RunId(1), what: "Reset".into() });
        undo.did(Entry::Run { from: RunId(1), to: RunId(2), what: "Reset".into() });
        undo.redirect(RunId(2), RunId(1), RunId(0));
        undo.never(RunId(1));
        let expected = Entry::Run { from: RunId(0), to: RunId(2), what: "Reset".into() };
        assert_eq!(undone(&mut undo), Some(expected));
        assert_eq!(undo.next_number(), Some(kept));
    }

    #[test]
    fn biases_come_back_with_the_change_that_put_them_aside() {
        let set = |b: i64| (Target::Variant(0), Change::SetBias(Box::new(Biases { bias: vec![b], memory: vec![] })));
        let all = Target::AllVariants;
        let mut undo = Undo::default();
        let number = undo.did(Entry::Value { from: vec![], to: vec![(all, Change::ResetBias)] });
        undo.applied(number, Asked::Done, vec![set(5)]);
        undo.applied(number, Asked::Done, vec![set(0)]);
        let from = |e: Option<(u64, Entry)>| match e {
            Some((_, Entry::Value { from, .. })) => from,
            _ => vec![],
        };
        assert_eq!(from(undo.undo()), [set(5)], "of a gesture the biases before its first change");
        assert_eq!(from(undo.redo()), []);
        undo.applied(number, Asked::Redone, vec![set(7)]);
        assert_eq!(from(undo.undo()), [set(7)]);
    }
}
