//! What the app tells a person: shown for a while as a toast, kept in the message history.

use super::Lab;
use super::command::Command;
use moebias_engine::start::RunId;
use std::collections::VecDeque;
use std::time::Instant;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Good to know.
    Info,
    /// Done as asked.
    Success,
    /// Something is not as it should be; work goes on.
    Warning,
    /// Something was not done.
    Error,
}

/// What can be done about a notice with one click.
#[derive(Clone, Debug, PartialEq)]
pub struct NoticeAction {
    /// The button's text.
    pub label: String,
    /// What it does.
    pub command: Command,
}

/// One message.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Rising number.
    pub id: u64,
    /// How much it matters.
    pub level: Level,
    /// One or two sentences.
    pub text: String,
    /// What can be done about it.
    pub action: Option<NoticeAction>,
    /// When it came.
    pub at: Instant,
    /// The run that was shown then.
    pub run: RunId,
    /// The step of the run at which it came.
    pub step: u64,
}

/// Messages, newest last.
#[derive(Debug, Default)]
pub struct Notices {
    kept: VecDeque<Notice>,
    next: u64,
    run: RunId,
}

/// Messages kept.
const KEPT: usize = 500;

impl Notices {
    /// Messages are of this run from now on.
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

    /// How many there ever were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.next
    }
}

impl Lab {
    /// Whether what a message tells is still so. What was told of another run is over; a file that was saved stays saved. An offer to go on
    /// is over once the run goes on.
    #[must_use]
    pub fn still_holds(&self, notice: &Notice) -> bool {
        if notice.run != self.run && notice.level != Level::Success {
            return false;
        }
        let snapshot = self.snapshot();
        match notice.action.as_ref().map(|a| &a.command) {
            // The worker's word may be ahead of its snapshot.
            Some(Command::Play) => snapshot.step == notice.step || (snapshot.playing && snapshot.step < notice.step),
            _ => true,
        }
    }
}
