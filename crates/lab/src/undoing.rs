//! Carrying out undo and redo. The stacks of entries are in [`undo`](super::undo); here entries become requests to the worker.

use super::Lab;
use super::command::Command;
use super::notices::{Level, NoticeAction};
use super::runs::Announcement;
use super::undo::{Asked, Entry, Origin, Undo};
use moebias_model::change::{Change, Target};
use moebias_model::step::check;

/// The state of undo and redo.
#[derive(Debug, Default)]
pub(super) struct Undoing {
    pub(super) entries: Undo,
    /// The number of undos that wait for the worker: it is not known yet which biases they must restore.
    pub(super) waits: u32,
    /// Whether the last action was to undo a value or a name, rather than a new change or a new run.
    pub(super) past_values: bool,
}

impl Lab {
    /// Undoes the newest entry: a changed value or name is set back at the present step, a new run makes way for the run before it.
    pub(super) fn undo(&mut self) {
        let past_values = std::mem::take(&mut self.undoing.past_values);
        match self.undoing.entries.next_undo() {
            Some(Entry::Run { what, .. }) if past_values => {
                // A user who presses undo repeatedly to restore values probably does not mean to leave the run: say so first, and leave it on
                // the next undo.
                let text = format!(
                    "Every change of this run is taken back. Undo once more returns to the run before “{what}”"
                );
                self.tell(Level::Info, text);
                return;
            }
            Some(Entry::Value { to, .. }) if puts_biases_aside(to) && self.next_undo_is_unanswered() => {
                self.undoing.waits += 1;
                return;
            }
            _ => {}
        }
        match self.undoing.entries.undo() {
            Some((number, Entry::Value { from, .. })) => {
                self.undoing.past_values = true;
                self.set_again(number, from, Asked::Undone);
            }
            Some((number, Entry::Name { variant, from, .. })) => {
                self.undoing.past_values = true;
                self.call(variant, from, Origin::of(number, Asked::Undone));
            }
            Some((_, Entry::Run { from, what, .. })) => {
                let action = NoticeAction { label: "Redo".into(), command: Command::Redo };
                let text = format!("Back in the run before “{what}”");
                self.resume(from, Some(Announcement { level: Level::Info, step: None, text, action: Some(action) }));
            }
            None => {}
        }
    }

    /// Whether the worker has not yet answered some change of the next entry to undo, so that the biases it discarded are still unknown.
    fn next_undo_is_unanswered(&self) -> bool {
        let next = self.undoing.entries.next_number();
        self.requests.changes.values().any(|o| o.entry == next && next.is_some() && o.asked != Asked::Undone)
    }

    /// Carries out the undos that waited for the worker's answer, as far as it has answered.
    pub(super) fn undo_what_waited(&mut self) {
        while self.undoing.waits > 0 && !self.next_undo_is_unanswered() {
            self.undoing.waits -= 1;
            self.undo();
        }
    }

    /// Does again what was undone last. If an undo is still waiting for the worker's answer, that undo is dropped instead.
    pub(super) fn redo(&mut self) {
        self.undoing.past_values = false;
        if self.undoing.waits > 0 {
            self.undoing.waits -= 1;
            return;
        }
        match self.undoing.entries.redo() {
            Some((number, Entry::Value { to, .. })) => self.set_again(number, to, Asked::Redone),
            Some((number, Entry::Name { variant, to, .. })) => {
                self.call(variant, to, Origin::of(number, Asked::Redone));
            }
            Some((_, Entry::Run { to, what, .. })) => {
                let text = format!("{what}: once more in the run after it");
                self.resume(to, Some(Announcement { step: None, ..Announcement::undoable(0, text) }));
            }
            None => {}
        }
    }

    /// Sends the values of an undone or redone entry to the worker: all of them, or none if one does not fit the present settings.
    fn set_again(&mut self, number: u64, values: Vec<(Target, Change)>, asked: Asked) {
        let mut settings = self.settings.clone();
        let trace = self.sheet.authored.trace.clone();
        for (target, change) in &values {
            if let Err(e) = check::change(&mut settings, trace.as_deref(), *target, change) {
                self.undoing.entries.drop_next(if asked == Asked::Undone { Asked::Redone } else { Asked::Undone });
                let what = if asked == Asked::Undone { "taken back" } else { "done again" };
                let why = e.in_words(&self.settings.names());
                self.tell(Level::Warning, format!("That can't be {what} with the settings as they are now: {why}"));
                return;
            }
        }
        self.settings = settings;
        for (target, change) in values {
            self.ask(target, change, Origin::of(number, asked));
        }
    }

    /// What undo would take back.
    #[must_use]
    pub fn undo_label(&self) -> Option<String> {
        self.undoing.entries.next_undo().map(Entry::label)
    }

    /// What redo would do again.
    #[must_use]
    pub fn redo_label(&self) -> Option<String> {
        self.undoing.entries.next_redo().map(Entry::label)
    }

    /// Ends the present gesture, because pointer and keyboard are idle: the next change is an undo entry of its own.
    pub fn end_gesture(&mut self) {
        self.undoing.entries.end_gesture();
    }
}

/// Whether a change may discard biases that only the worker knows.
fn puts_biases_aside(changes: &[(Target, Change)]) -> bool {
    changes.iter().any(|(_, c)| matches!(c, Change::ResetBias | Change::SetRule(_)))
}
