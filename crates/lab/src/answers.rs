//! The worker's answers: what each changes in the lab, and what happens when the worker's thread has ended.

use super::notices::Level;
use super::undo::Asked;
use super::{DEAD, Lab};
use moebias_engine::message::Echo;

impl Lab {
    /// Takes in one answer of the worker.
    pub(super) fn hear(&mut self, echo: Echo) {
        match echo {
            Echo::Running { run, .. } => self.confirmed(run),
            Echo::Declined { run, running, reason } => self.declined(run, running, &reason),
            Echo::Applied { id, step, events, left_out, biases, .. } => {
                self.sheet.applied(id);
                self.shelf.runs.values_mut().for_each(|s| s.sheet.applied(id));
                if let Some((entry, asked)) = self.answered_entry(id) {
                    self.undoing.entries.applied(entry, asked, biases);
                }
                if let Some(events) = events {
                    self.journal_events(step, events);
                }
                self.tell_left_out(&left_out);
            }
            Echo::Exported { tag, run } => self.take_export(tag, run),
            Echo::Renamed { id } => {
                if let Some((entry, asked)) = self.answered_entry(id) {
                    self.undoing.entries.applied(entry, asked, vec![]);
                }
                self.keep_journal();
            }
            Echo::Refused { id, reason } => {
                self.refused(id);
                self.tell(Level::Warning, reason);
            }
            Echo::Branched { run, step, parked, events } => self.branched(run, step, parked, &events),
            Echo::Forgotten(run) => self.forgotten(run),
            Echo::Engine(info) => log::info!("engine: {} ({}): {}", info.kind, info.adapter, info.reason),
            // In a lesson, the page's own text says why the run stopped.
            Echo::Stopped { .. } if self.lesson().is_some() => {}
            Echo::SeekCancelled { step } => self.tell(Level::Info, format!("Stopped at step {step}")),
            Echo::Stopped { step } => self.tell_end(step),
            Echo::Notice(text) => self.tell(Level::Info, text),
            Echo::Trouble(text) => self.tell(Level::Warning, text),
        }
    }

    /// Removes an answered change from the requests under way. Returns the undo entry that it belongs to, if any, and how it was asked for.
    fn answered_entry(&mut self, id: u64) -> Option<(u64, Asked)> {
        let origin = self.requests.changes.remove(&id)?;
        origin.entry.map(|entry| (entry, origin.asked))
    }

    /// The worker refused a change: sheets and undo are as if it had not been asked for.
    fn refused(&mut self, id: u64) {
        self.sheet.refused(id);
        self.shelf.runs.values_mut().for_each(|s| s.sheet.refused(id));
        let Some((entry, asked)) = self.answered_entry(id) else { return };
        if !self.requests.changes.values().any(|other| other.entry == Some(entry)) {
            self.undoing.entries.refused(entry, asked);
        }
    }

    /// The worker's thread has ended unexpectedly. Its last snapshot can still be saved; requests that it did not answer count as refused.
    pub(super) fn worker_died(&mut self) {
        if std::mem::replace(&mut self.dead, true) {
            return;
        }
        self.snapshot = self.worker.snapshot();
        let unanswered: Vec<u64> = self.requests.changes.keys().copied().collect();
        unanswered.into_iter().for_each(|id| self.refused(id));
        self.requests.switches.clear();
        self.show_again(self.snapshot.run, None);
        self.requests.count = self.snapshot.answered;
        self.undoing.waits = 0;
        self.tell(Level::Error, DEAD);
        self.answer_without_worker();
    }
}
