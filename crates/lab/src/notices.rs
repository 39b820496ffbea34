//! Messages to the user: each is shown for a while as a toast and kept in the message history.

use super::Lab;
use super::command::Command;
use moebias_engine::start::RunId;
use std::collections::VecDeque;
use std::time::Instant;

/// The importance of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Information; nothing needs to be done.
    Info,
    /// A command was carried out.
    Success,
    /// Something is not as expected, but work continues.
    Warning,
    /// A command failed.
    Error,
}

/// A button on a notice.
#[derive(Clone, Debug, PartialEq)]
pub struct NoticeAction {
    /// The button's text.
    pub label: String,
    /// The command that the button sends.
    pub command: Command,
}

/// A message.
#[derive(Clone, Debug)]
pub struct Notice {
    /// A number that rises with every message.
    pub id: u64,
    /// The importance of the message.
    pub level: Level,
    /// One or two sentences.
    pub text: String,
    /// A button that does something about it, if there is one.
    pub action: Option<NoticeAction>,
    /// The time of the message.
    pub at: Instant,
    /// The run that was shown at that time.
    pub run: RunId,
    /// The step of the run that the message belongs to.
    pub step: u64,
}

/// The messages that are kept, newest last.
#[derive(Debug, Default)]
pub struct Notices {
    kept: VecDeque<Notice>,
    next: u64,
    run: RunId,
}

/// The largest number of messages kept.
const KEPT: usize = 500;

impl Notices {
    /// Sets the run that new messages belong to.
    pub(super) fn follow(&mut self, run: RunId) {
        self.run = run;
    }

    /// Adds a message.
    pub fn add(&mut self, level: Level, step: u64, text: impl Into<String>, action: Option<NoticeAction>) {
        let text = text.into();
        match level {
            Level::Error => log::error!("{text}"),
            Level::Warning => log::warn!("{text}"),
            Level::Info | Level::Success => log::info!("{text}"),
        }
        self.kept.push_back(Notice { id: self.next, level, text, action, at: Instant::now(), run: self.run, step });
        self.next += 1;
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
    }

    /// All messages kept, oldest first.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Notice> + ExactSizeIterator {
        self.kept.iter()
    }

    /// The number of messages so far, including those no longer kept.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.next
    }
}

impl Lab {
    /// Whether a message is still true. A message about another run no longer is, unless it reports a success: a saved file stays saved. An
    /// offer to continue is out of date once the run has continued.
    #[must_use]
    pub fn still_holds(&self, notice: &Notice) -> bool {
        if notice.run != self.run && notice.level != Level::Success {
            return false;
        }
        let snapshot = self.snapshot();
        match notice.action.as_ref().map(|a| &a.command) {
            // The worker's answer may arrive before the snapshot of the step that it speaks of.
            Some(Command::Play) => snapshot.step == notice.step || (snapshot.playing && snapshot.step < notice.step),
            _ => true,
        }
    }
}
