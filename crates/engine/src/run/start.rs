//! Whether a run can start: asked by the lab before it believes in a new run, and by [`Run::new`](super::Run::new) before it makes one.

use crate::message::Start;
use moebias_model::change::{self, Event};
use moebias_model::config::ConfigError;
use moebias_model::step::check::{self, Ignored};

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

    fn sorted(&self) -> Vec<Event> {
        let mut events = self.events.clone();
        events.sort_by_key(|e| e.step);
        events
    }
}
