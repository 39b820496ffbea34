//! What a run starts from, and the check of it. The lab checks a [`Start`] before it shows the new run;
//! [`Run::new`](crate::run::Run::new) makes the same check before it creates the run.

use moebias_model::change::{self, Event};
use moebias_model::config::{ConfigError, Experiment};
use moebias_model::step::State;
use moebias_model::step::check::{self, Ignored};
use moebias_model::trace::Trace;
use std::sync::Arc;

/// Identifies a run for as long as the worker lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(pub u64);

/// Everything that determines a run: two runs from the same start are equal, bit for bit.
#[derive(Clone, Debug)]
pub struct Start {
    /// The settings at the first step.
    pub experiment: Experiment,
    /// The trace, if the source of the experiment is a trace.
    pub trace: Option<Arc<Trace>>,
    /// The state to start from; `None` for step 0 with fresh biases.
    pub state: Option<State>,
    /// The changes that are applied during the run; any order, [`Start::check`] sorts them by step.
    pub events: Vec<Event>,
    /// The step at which the run pauses.
    pub stop: Option<u64>,
}

impl Start {
    /// The first step of a run that starts from here.
    #[must_use]
    pub fn first_step(&self) -> u64 {
        self.state.as_ref().map_or(0, |s| s.step)
    }

    /// Makes every check that [`Run::new`](crate::run::Run::new) needs, and returns the events sorted by step.
    ///
    /// # Errors
    /// The settings, the trace, an event or the start state is not valid.
    pub fn check(&self) -> Result<Vec<Event>, ConfigError> {
        check::settings(&self.experiment, self.trace.as_deref())?;
        if let Some(state) = &self.state {
            check::state(&self.experiment, state)?;
        }
        let first = self.first_step();
        let events = self.sorted();
        let mut settings = self.experiment.clone();
        for event in &events {
            if event.step < first {
                return Err(ConfigError {
                    setting: format!("event at step {}", event.step),
                    value: event.change.name().into(),
                    allowed: format!("at step {first} or later, where the run starts"),
                });
            }
            change::apply(&mut settings, event.target, &event.change)?;
        }
        Ok(events)
    }

    /// The events that a run skips because its trace does not allow them.
    #[must_use]
    pub fn ignored(&self) -> Vec<Ignored> {
        check::ignored(&self.experiment, self.trace.as_deref(), &self.sorted())
    }

    /// The events, sorted by step.
    pub(super) fn sorted(&self) -> Vec<Event> {
        let mut events = self.events.clone();
        events.sort_by_key(|e| e.step);
        events
    }
}
