//! Changing a setting of a run: which events the run has afterwards, and in which state it is.
//!
//! When a setting is changed in the past, changes that the user made at later steps are set aside. Later events of the scenario stay as
//! long as the settings allow them, so undoing the change restores all of them.

use super::{Checkpoint, Run, lock};
use moebias_model::change::{self, Biases, Change, Event, Target};
use moebias_model::config::ConfigError;
use moebias_model::step::check;
use moebias_model::step::{Simulation, VariantState};
use std::sync::Arc;

/// The result of a change.
#[derive(Debug, Default)]
pub struct Applied {
    /// The events from the present step on; `None` if they have not changed.
    pub events: Option<Vec<Event>>,
    /// Later events of the scenario that the new settings do not allow, so they are dropped.
    pub left_out: Vec<Event>,
    /// Changes that would restore the biases discarded by this change: it reset them, or they have another meaning under the new rule.
    pub biases: Vec<(Target, Change)>,
    /// The run before the change, if it had later steps.
    pub set_aside: Option<Box<Run>>,
}

/// The events of the present step, and the simulation after they are applied.
struct Here {
    events: Vec<Event>,
    simulation: Simulation,
    /// The checkpoint from which they were applied afresh; `None` if the new event was applied on top of the others.
    from: Option<Checkpoint>,
}

impl Run {
    /// Changes a setting before the present step is routed. If later steps exist, the run as it was is returned in [`Applied::set_aside`],
    /// and this run continues without them.
    ///
    /// # Errors
    /// The change is not valid; the run is unchanged.
    pub fn change(&mut self, target: Target, change: Change) -> Result<Applied, ConfigError> {
        let step = self.step();
        let event = Event { step, target, change };
        let mut trial = self.simulation.clone();
        trial.apply_event(&event)?;
        let Here { events: here, simulation, from } = self.with(&event, trial);
        let due = change::due(&self.events, step);
        if here == due {
            return Ok(Applied::default());
        }
        let first_here = due.is_empty();
        let before = self.simulation.state().variants.clone();
        let set_aside = (self.head > step).then(|| Box::new(self.copy()));
        self.forget_after(step);
        if let Some(from) = from {
            self.go_to(&from);
        } else if first_here {
            // Checkpoint before the first event of this step, so that its events can be applied afresh later.
            self.save_checkpoint();
        }
        self.simulation = simulation;
        let left_out = self.take_events(step, here);
        let biases = put_aside(&event.change, &before, &self.simulation.state().variants);
        let events = self.events.iter().filter(|e| e.step >= step).cloned().collect();
        Ok(Applied { events: Some(events), left_out, biases, set_aside })
    }

    /// The present step's events with a new one added. Of several events of the same setting only the last is kept, and an event that makes
    /// no difference is dropped. `trial` is the simulation with the new event applied on top of the others.
    fn with(&self, event: &Event, trial: Simulation) -> Here {
        let due = change::due(&self.events, event.step);
        if due.is_empty() {
            let events = if alike(&trial, &self.simulation) { vec![] } else { vec![event.clone()] };
            return Here { events, simulation: trial, from: None };
        }
        let from = self.checkpoints.iter().find(|c| c.state.step == event.step).cloned();
        from.and_then(|from| self.afresh(event, due, from)).unwrap_or_else(|| {
            // The checkpoint before this step's events is gone, or biases set after a change of rule need that rule: all events are kept
            // and applied one after the other, as a replay will do.
            let events = due.iter().chain([event]).cloned().collect();
            Here { events, simulation: trial, from: None }
        })
    }

    /// As [`Self::with`], applying all events from the checkpoint before this step. `None` if the others are not valid without the event
    /// that the new one replaces.
    fn afresh(&self, event: &Event, due: &[Event], from: Checkpoint) -> Option<Here> {
        let name = event.change.name();
        let same = |e: &Event| e.target == event.target && e.change.name() == name;
        // The new event goes to the end, so that it also overrides a change of a single variant made in between.
        let mut events: Vec<Event> = due.iter().filter(|e| !same(e)).chain([event]).cloned().collect();
        let mut simulation = self.after(&from, &events)?;
        let mut at = 0;
        while let Some(candidate) = events.get(at) {
            let others = || events.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, e)| e.clone());
            let fewer: Option<Vec<Event>> = (candidate.change.name() == name).then(|| others().collect());
            match fewer.and_then(|fewer| Some((self.after(&from, &fewer)?, fewer))) {
                Some((without, fewer)) if alike(&without, &simulation) => (simulation, events) = (without, fewer),
                _ => at += 1,
            }
        }
        Some(Here { events, simulation, from: Some(from) })
    }

    /// The simulation after these events are applied to a checkpoint of the present step. `None` if one of them is not valid.
    fn after(&self, from: &Checkpoint, events: &[Event]) -> Option<Simulation> {
        let mut simulation = self.simulation.clone();
        simulation.restore(Arc::clone(&from.experiment), from.state.clone()).ok()?;
        events.iter().all(|e| simulation.apply_event(e).is_ok()).then_some(simulation)
    }

    /// Drops what was computed after a step.
    fn forget_after(&mut self, step: u64) {
        self.checkpoints.retain(|c| c.state.step <= step);
        if self.head > step {
            lock(&self.history).truncate(step);
            self.head = step;
            self.marks.retain(|m| *m <= step);
        }
    }

    /// Sets the events: `here` at the present step, and after it those of the scenario that the settings allow. Returns the later events of
    /// the scenario that were in effect until now and are no longer allowed.
    fn take_events(&mut self, step: u64, here: Vec<Event>) -> Vec<Event> {
        let mut settings = self.simulation.experiment().clone();
        let trace = self.start.trace.as_deref();
        let planned = self.start.sorted().into_iter().filter(|e| e.step > step);
        let (to_come, unfit): (Vec<Event>, Vec<Event>) =
            planned.partition(|e| check::change(&mut settings, trace, e.target, &e.change).is_ok());
        let known = |e: &Event| self.events.contains(e) && !self.ignored.iter().any(|i| i.event == *e);
        let left_out = unfit.into_iter().filter(known).collect();
        let before = self.events.iter().filter(|e| e.step < step).cloned();
        self.events = Arc::new(before.chain(here).chain(to_come).collect());
        Arc::make_mut(&mut self.ignored).retain(|i| i.event.step <= step);
        left_out
    }
}

/// Whether two simulations at the same step have the same settings and state, so that they continue alike.
fn alike(a: &Simulation, b: &Simulation) -> bool {
    a.experiment() == b.experiment() && a.state() == b.state()
}

/// The changes that would restore the biases (and memories) that a change discarded, one per variant concerned.
fn put_aside(change: &Change, before: &[VariantState], after: &[VariantState]) -> Vec<(Target, Change)> {
    let forgets = matches!(change, Change::ResetBias | Change::SetBias(_));
    let lost = |(b, a): (&VariantState, &VariantState)| b.bias != a.bias || (forgets && b.memory != a.memory);
    let all = before.iter().zip(after).enumerate().filter(|(_, pair)| lost(*pair));
    all.map(|(i, (b, _))| {
        let biases = Biases { bias: b.bias.clone(), memory: b.memory.clone() };
        (Target::Variant(i), Change::SetBias(Box::new(biases)))
    })
    .collect()
}
