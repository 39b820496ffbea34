//! The state of a group of runs in progress, from which a sweep can continue after it was killed.

use super::Seen;
use moebias_model::change;
use moebias_model::config::ConfigError;
use moebias_model::step::{Simulation, State};
use moebias_model::sweep::{Group, Plan};
use moebias_model::trace::Trace;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A group in progress, to be saved.
#[derive(Debug, Serialize)]
pub struct Halfway<'a> {
    pub(super) runs: &'a [usize],
    pub(super) state: &'a State,
    pub(super) seen: &'a [Seen],
}

impl Halfway<'_> {
    /// The state as JSON text, for [`Begun::read`].
    #[must_use]
    pub fn text(&self) -> String {
        // Numbers and lists only, so serialising cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The step that the runs have reached.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.state.step
    }
}

/// A group that an earlier sweep had in progress.
#[derive(Debug, Deserialize)]
pub struct Begun {
    pub(super) runs: Vec<usize>,
    state: State,
    pub(super) seen: Vec<Seen>,
}

impl Begun {
    /// Reads what [`Halfway::text`] wrote. `None` if the text is damaged or does not belong to this plan.
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

    /// The numbers of the runs in the plan.
    #[must_use]
    pub fn runs(&self) -> &[usize] {
        &self.runs
    }

    /// The step that the runs have reached.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.state.step
    }

    /// The simulation at that step, and what was recorded of each run until then.
    pub(super) fn restore(
        self,
        group: &Group,
        trace: Option<Arc<Trace>>,
    ) -> Result<(Simulation, Vec<Seen>), ConfigError> {
        let mut simulation = Simulation::new(group.experiment.clone(), trace)?;
        // The settings in force: events of this very step are not applied yet.
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
