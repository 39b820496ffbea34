//! The state of a group of runs that is not done: what a killed sweep goes on from.

use super::Seen;
use moebias_model::change;
use moebias_model::config::ConfigError;
use moebias_model::step::{Simulation, State};
use moebias_model::sweep::{Group, Plan};
use moebias_model::trace::Trace;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A group half way, to be kept.
#[derive(Debug, Serialize)]
pub struct Halfway<'a> {
    pub(super) runs: &'a [usize],
    pub(super) state: &'a State,
    pub(super) seen: &'a [Seen],
}

impl Halfway<'_> {
    /// As text, for [`Begun::read`].
    #[must_use]
    pub fn text(&self) -> String {
        // Numbers and lists: JSON can write them all.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The step that its runs have reached.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.state.step
    }
}

/// A group that was begun before.
#[derive(Debug, Deserialize)]
pub struct Begun {
    pub(super) runs: Vec<usize>,
    state: State,
    pub(super) seen: Vec<Seen>,
}

impl Begun {
    /// Reads what [`Halfway::text`] wrote. `None` for anything that is not of this plan.
    #[must_use]
    pub fn read(text: &str, plan: &Plan) -> Option<Self> {
        let begun: Self = serde_json::from_str(text).ok()?;
        let mut runs = begun.runs.clone();
        runs.sort_unstable();
        runs.dedup();
        let fits = !runs.is_empty()
            && runs.len() == begun.runs.len()
            && runs.iter().all(|&n| n < plan.len())
            && begun.seen.len() == runs.len()
            && begun.state.step < plan.steps()
            && plan.group(&begun.runs).experiment.validate().is_ok();
        fits.then_some(begun)
    }

    /// Its runs, by their numbers.
    #[must_use]
    pub fn runs(&self) -> &[usize] {
        &self.runs
    }

    /// The step that they have reached.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.state.step
    }

    /// The simulation as it was, and what had been seen.
    pub(super) fn restore(
        self,
        group: &Group,
        trace: Option<Arc<Trace>>,
    ) -> Result<(Simulation, Vec<Seen>), ConfigError> {
        let mut simulation = Simulation::new(group.experiment.clone(), trace)?;
        // The settings in force: what happens at this very step is still to come.
        let mut experiment = group.experiment.clone();
        let mut past: Vec<_> = group.events.iter().filter(|e| e.step < self.state.step).collect();
        past.sort_by_key(|e| e.step);
        past.into_iter().try_for_each(|e| change::apply(&mut experiment, e.target, &e.change))?;
        let sound = self.state.variants.iter().zip(&self.seen).all(|(v, seen)| seen.fits(v.bias.len()));
        simulation.restore(experiment, self.state)?;
        if !sound {
            return Err(ConfigError {
                setting: "the kept state".into(),
                value: "of another shape".into(),
                allowed: "of the shape of its runs".into(),
            });
        }
        Ok((simulation, self.seen))
    }
}
