//! Judges a task on every step since the last call, from the columns of the history, so that no step is missed at any speed. Where a column
//! of the history joins several steps, because thousands were done between two calls, they count only if all of them meet the condition.
//!
//! A task can't be done by waiting, unless it says so: only steps after a change that the user made on this page count.

use moebias_engine::message::Snapshot;
use moebias_engine::run::lock;
use moebias_engine::start::RunId;
use moebias_files::lesson::{Condition, Setting, Task};
use moebias_model::change::{Change, Event};

/// The state of a task.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Standing {
    /// The number of steps in a row for which the condition has held.
    pub streak: u64,
    /// Whether the user has changed nothing on this page yet, so that none of these steps count.
    pub untouched: bool,
    /// Whether the task is done.
    pub done: bool,
}

/// Whether the user has changed the experiment on this page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Hand {
    #[default]
    Still,
    /// It was changed since the last call: steps count from where the change took effect.
    Moved,
    /// It was changed, and steps are being counted.
    Counted,
}

/// Counts the steps in a row for which a condition holds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Judge {
    run: RunId,
    /// The next step to judge; `None` until the page's run is in a snapshot.
    next: Option<u64>,
    pub(super) streak: u64,
    /// Whether the run is new, so that it is judged from its first step.
    fresh: bool,
    hand: Hand,
}

impl Judge {
    /// A judge for a page whose run is `run`; `fresh` says whether the run is new or was in progress when the page was opened.
    pub(super) fn of(run: RunId, fresh: bool) -> Self {
        Self { run, fresh, ..Self::default() }
    }

    /// Notes that the user has changed something.
    pub(super) fn touch(&mut self) {
        self.hand = Hand::Moved;
    }

    pub(super) fn untouched(&self) -> bool {
        self.hand == Hand::Still
    }

    /// Judges the steps since the last call. Returns true once the task is done.
    pub(super) fn look(&mut self, task: &Task, snapshot: &Snapshot) -> bool {
        let step = snapshot.step;
        if snapshot.run != self.run {
            // Another run: a new run is judged from its first step, a run that was brought back from its present step.
            let fresh = snapshot.run > self.run;
            *self = Self { run: snapshot.run, next: None, streak: 0, fresh, hand: self.hand };
        }
        let history = lock(&snapshot.history);
        let mut next = self.next.unwrap_or(if self.fresh { history.first } else { step });
        if step < next {
            (next, self.streak) = (step, 0);
        }
        if self.hand == Hand::Moved {
            let last = snapshot.events.iter().rev().map(|e| e.step).find(|s| *s <= step);
            (next, self.streak) = (next.max(last.unwrap_or(next)), 0);
            self.hand = Hand::Counted;
        }
        self.next = Some(step);
        let (until, variant) = (&task.until, task.variant);
        if !until.settings_hold(&snapshot.experiment, variant, step) {
            self.streak = 0;
            return false;
        }
        // Steps before the last change of such a setting were made with another value, so they do not count.
        let changed = |e: &Event| e.step > next && e.step <= step && concerns(until, &e.change);
        if let Some(event) = snapshot.events.iter().rev().find(|e| changed(e)) {
            (next, self.streak) = (event.step, 0);
        }
        let earned = task.wait || self.hand == Hand::Counted;
        if !until.of_figures() {
            self.streak += step - next;
            return earned && self.streak >= task.for_steps;
        }
        let Some(history) = history.variants.get(variant) else { return false };
        for column in history.columns(next, step, 1) {
            let steps = column.end().min(step).saturating_sub(column.step.max(next));
            if until.figures_hold(column.low(), column.high()) {
                self.streak += steps;
            } else {
                self.streak = 0;
            }
            if earned && self.streak >= task.for_steps.max(1) {
                return true;
            }
        }
        false
    }
}

/// Whether a change is of a setting that the condition names.
fn concerns(until: &Condition, change: &Change) -> bool {
    until.parts().iter().any(|part| {
        let name = match part {
            Condition::Between(Setting::Batch, ..) => "batch",
            Condition::Between(Setting::Skew, ..) => "skew",
            Condition::Between(Setting::Noise, ..) => "noise",
            Condition::Between(Setting::Drift, ..) => "drift",
            Condition::Between(Setting::TopK, ..) => "top_k",
            Condition::Between(Setting::Rate, ..) => "rate",
            Condition::Between(Setting::Alpha, ..) => "alpha",
            Condition::RuleIs(_) => "rule",
            Condition::ScheduleIs(_) => "schedule",
            _ => return false,
        };
        change.name() == name
    })
}
