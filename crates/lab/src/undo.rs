//! Undo and redo. Undoing a value is itself a change at the current step, so a recording replays it; undoing a new run brings
//! the old one back.

use moebias_engine::start::RunId;
use moebias_model::change::{Change, Target};

/// One thing that can be taken back.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// One or several settings went from one value to another, in one or several variants.
    Value {
        /// The values before, and the biases that the change put aside.
        from: Vec<(Target, Change)>,
        /// The values after; the first names the entry.
        to: Vec<(Target, Change)>,
    },
    /// A variant was called otherwise.
    Name {
        /// Which.
        variant: usize,
        /// What a person had typed before.
        from: Option<String>,
        /// What they typed.
        to: Option<String>,
        /// What it was called before.
        was: String,
    },
    /// One run took the place of another.
    Run {
        /// The run before.
        from: RunId,
        /// The run after.
        to: RunId,
        /// What made it: "Reset", "64 → 128 experts".
        what: String,
    },
}

impl Entry {
    /// What it did, for menus.
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

/// How a change came to be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A person made it.
    Done,
    /// Undo sent it.
    Undone,
    /// Redo sent it.
    Redone,
}

/// Where a change that was sent to the worker came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The number of the undo entry that the change belongs to; `None` if the change can't be undone, as those that a lesson makes.
    pub entry: Option<u64>,
    /// How the change came to be asked for.
    pub asked: Asked,
}

impl Origin {
    /// The origin of a change that belongs to the undo entry with this number.
    #[must_use]
    pub fn of(entry: u64, asked: Asked) -> Self {
        Self { entry: Some(entry), asked }
    }
}

/// An entry with what the worker has said of it.
#[derive(Clone, Debug)]
struct Noted {
    number: u64,
    entry: Entry,
    /// The worker has applied some of it since it was last done, undone or redone.
    applied: bool,
}

/// Two stacks and an open gesture.
#[derive(Debug, Default)]
pub struct Undo {
    done: Vec<Noted>,
    undone: Vec<Noted>,
    gesture: bool,
    next: u64,
}

/// Entries kept.
const DEPTH: usize = 200;

/// Which settings of what were changed.
fn names(of: &[(Target, Change)]) -> impl Iterator<Item = (Target, &'static str)> {
    of.iter().map(|(target, change)| (*target, change.name()))
}

fn names_run(noted: &Noted, run: RunId) -> bool {
    matches!(&noted.entry, Entry::Run { from, to, .. } if *from == run || *to == run)
}

impl Undo {
    /// Takes note of what was done. Within one gesture (a slider drag), the same setting is one entry. Hands back the entry's number.
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

    /// Pointer and keyboard are idle: what comes next is a new entry.
    pub fn end_gesture(&mut self) {
        self.gesture = false;
    }

    /// What undo would take back.
    #[must_use]
    pub fn next_undo(&self) -> Option<&Entry> {
        self.done.last().map(|n| &n.entry)
    }

    /// The number of what undo would take back.
    #[must_use]
    pub fn next_number(&self) -> Option<u64> {
        self.done.last().map(|n| n.number)
    }

    /// What redo would do again.
    #[must_use]
    pub fn next_redo(&self) -> Option<&Entry> {
        self.undone.last().map(|n| &n.entry)
    }

    /// Moves the cursor back and says what to take back, and its number.
    pub fn undo(&mut self) -> Option<(u64, Entry)> {
        self.gesture = false;
        let mut noted = self.done.pop()?;
        noted.applied = false;
        self.undone.push(noted.clone());
        Some((noted.number, noted.entry))
    }

    /// Moves the cursor forward and says what to do again, and its number.
    pub fn redo(&mut self) -> Option<(u64, Entry)> {
        self.gesture = false;
        let mut noted = self.undone.pop()?;
        noted.applied = false;
        if let Entry::Value { from, .. } = &mut noted.entry {
            // Done again, it puts other biases aside.
            from.retain(|(_, c)| !matches!(c, Change::SetBias(_)));
        }
        self.done.push(noted.clone());
        Some((noted.number, noted.entry))
    }

    /// Some of an entry was applied. `biases` is what it put aside: to be brought back with it, unless a change before it in the same gesture
    /// has put biases aside already.
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

    /// A change of an entry was refused, and no other of it is under way: where nothing of it was applied, it is as if it had not been
    /// done, undone or redone.
    pub fn refused(&mut self, number: u64, asked: Asked) {
        let is = |n: &Noted| n.number == number && !n.applied;
        match asked {
            Asked::Done => self.done.retain(|n| !is(n)),
            Asked::Undone if self.undone.last().is_some_and(is) => self.done.extend(self.undone.pop()),
            Asked::Redone if self.done.last().is_some_and(is) => self.undone.extend(self.done.pop()),
            Asked::Undone | Asked::Redone => {}
        }
    }

    /// What undo or redo would do can't be done any more: it goes.
    pub fn drop_next(&mut self, asked: Asked) {
        if asked == Asked::Redone {
            self.undone.pop()
        } else {
            self.done.pop()
        };
    }

    /// A run is no longer in memory: what would bring it back goes.
    pub fn forget(&mut self, run: RunId) {
        // What lies beyond it in either direction was done to runs that can no longer be reached.
        for side in [&mut self.done, &mut self.undone] {
            if let Some(last) = side.iter().rposition(|n| names_run(n, run)) {
                side.drain(..=last);
            }
        }
    }

    /// A run never began: nothing leads to it or from it.
    pub fn never(&mut self, run: RunId) {
        for side in [&mut self.done, &mut self.undone] {
            side.retain(|n| !names_run(n, run));
        }
    }

    /// The run `to` took the place of `before`, and not of `believed`, which never ran.
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
