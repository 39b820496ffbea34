//! Undo and redo. Undoing a value is itself a change at the current step, so a recording replays it; undoing a new run brings
//! the old one back.

use crate::engine::message::RunId;
use crate::model::change::{Change, Target};

/// One thing that can be taken back.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// One or several settings went from one value to another, in one or several variants.
    Value {
        /// The values before.
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
            Self::Value { to, .. } => to.first().map(|(_, change)| change.words()).unwrap_or_default(),
            Self::Name { to: Some(name), .. } => format!("name “{name}”"),
            Self::Name { to: None, was, .. } => format!("automatic name for “{was}”"),
            Self::Run { what, .. } => what.clone(),
        }
    }
}

/// Two stacks and an open gesture.
#[derive(Debug, Default)]
pub struct Undo {
    done: Vec<Entry>,
    undone: Vec<Entry>,
    gesture: bool,
}

/// Entries kept.
const DEPTH: usize = 200;

/// Which settings of what were changed.
fn names(of: &[(Target, Change)]) -> impl Iterator<Item = (Target, &'static str)> {
    of.iter().map(|(target, change)| (*target, change.name()))
}

impl Undo {
    /// Takes note of what was done. Within one gesture (a slider drag), the same setting is one entry.
    pub fn did(&mut self, entry: Entry) {
        self.undone.clear();
        if let (true, Some(Entry::Value { to: last, .. }), Entry::Value { to, .. }) =
            (self.gesture, self.done.last_mut(), &entry)
            && names(last).eq(names(to))
        {
            *last = to.clone();
            return;
        }
        self.gesture = true;
        self.done.push(entry);
        if self.done.len() > DEPTH {
            self.done.remove(0);
        }
    }

    /// Pointer and keyboard are idle: what comes next is a new entry.
    pub fn end_gesture(&mut self) {
        self.gesture = false;
    }

    /// What undo would take back.
    #[must_use]
    pub fn next_undo(&self) -> Option<&Entry> {
        self.done.last()
    }

    /// What redo would do again.
    #[must_use]
    pub fn next_redo(&self) -> Option<&Entry> {
        self.undone.last()
    }

    /// Moves the cursor back and says what to take back.
    pub fn undo(&mut self) -> Option<Entry> {
        self.gesture = false;
        let entry = self.done.pop()?;
        self.undone.push(entry.clone());
        Some(entry)
    }

    /// Moves the cursor forward and says what to do again.
    pub fn redo(&mut self) -> Option<Entry> {
        self.gesture = false;
        let entry = self.undone.pop()?;
        self.done.push(entry.clone());
        Some(entry)
    }

    /// A run is no longer in memory: what would bring it back goes.
    pub fn forget(&mut self, run: RunId) {
        // What lies beyond it in either direction was done to runs that can no longer be reached.
        let names = |e: &Entry| matches!(e, Entry::Run { from, to, .. } if *from == run || *to == run);
        for side in [&mut self.done, &mut self.undone] {
            if let Some(last) = side.iter().rposition(names) {
                side.drain(..=last);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(from: f64, to: f64) -> Entry {
        let t = Target::AllVariants;
        Entry::Value { from: vec![(t, Change::SetRate(from))], to: vec![(t, Change::SetRate(to))] }
    }

    #[test]
    fn a_drag_is_one_step() {
        let mut undo = Undo::default();
        for i in 0..50 {
            undo.did(value(f64::from(i), f64::from(i + 1)));
        }
        undo.end_gesture();
        undo.did(value(50.0, 60.0));
        assert_eq!(undo.undo(), Some(value(50.0, 60.0)));
        assert_eq!(undo.undo(), Some(value(0.0, 50.0)));
        assert_eq!(undo.undo(), None);
        assert_eq!(undo.redo(), Some(value(0.0, 50.0)));
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
        assert_eq!(undo.undo(), Some(value(0.2, 0.3)));
        assert_eq!(undo.undo(), None, "0.9 was set in a run that is gone");
    }
}
