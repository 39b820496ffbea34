//! What a run starts from, and whether it can: asked by the lab before it believes in a new run, and by [`Run::new`](crate::run::Run::new)
//! before it makes one.

use moebias_model::change::{self, Event};
use moebias_model::config::{ConfigError, Experiment};
use moebias_model::step::State;
use moebias_model::step::check::{self, Ignored};
use moebias_model::trace::Trace;
use std::sync::Arc;

/// Names a run for as long as the worker lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunId(pub u64);

/// Everything a run starts from. With it and nothing else, the run repeats.
#[derive(Clone, Debug)]
pub struct Start {
    /// The settings at the first step.
    pub experiment: Experiment,
    /// The trace, where the source is one.
    pub trace: Option<Arc<Trace>>,
    /// The state to start from; step 0 and fresh biases where there is none.
    pub state: Option<State>,
    /// Changes to come, in order of their steps.
    pub events: Vec<Event>,
    /// Pause on reaching this step.
    pub stop: Option<u64>,
}

impl Start {
    /// The first step of a run from here.
    #[must_use]
    pub fn first_step(&self) -> u64 {
        self.state.as_ref().map_or(0, |s| s.step)
    }

    /// Checks everything that making a run of it checks, and hands back its events in order of their steps.
    ///
    /// # Errors
    /// Settings, a trace, events or a start state that do not fit.
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

    /// The events that a run from here leaves out, because its trace does not allow them.
    #[must_use]
    pub fn ignored(&self) -> Vec<Ignored> {
        check::ignored(&self.experiment, self.trace.as_deref(), &self.sorted())
    }

    /// Its events in order of their steps.
    pub(super) fn sorted(&self) -> Vec<Event> {
        let mut events = self.events.clone();
        events.sort_by_key(|e| e.step);
        events
    }
}
