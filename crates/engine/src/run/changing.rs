//! A change of a running experiment: which events there are afterwards, and where the run stands.
//!
//! What a person changed at later steps is set aside when the past is changed. What the scenario has planned for later steps stays, as
//! long as it fits the settings; so taking a change back restores all of it.

use super::{Checkpoint, Run, lock};
use moebias_model::change::{self, Biases, Change, Event, Target};
use moebias_model::config::ConfigError;
use moebias_model::step::check;
use moebias_model::step::{Simulation, VariantState};
use std::sync::Arc;

/// What a change did.
#[derive(Debug, Default)]
pub struct Applied {
    /// The events from the present step on, where they are others than before.
    pub events: Option<Vec<Event>>,
    /// What the scenario had planned for later and the new settings do not allow.
    pub left_out: Vec<Event>,
    /// What brings the biases back, where they were put aside: to their start, or because they mean something else under another rule.
    pub biases: Vec<(Target, Change)>,
    /// If the past was changed: the run as it was.
    pub set_aside: Option<Box<Run>>,
}

/// The events of a step, and the simulation once they are applied.
struct Here {
    events: Vec<Event>,
    simulation: Simulation,
    /// The state before them, where they were applied afresh.
    from: Option<Checkpoint>,
}

impl Run {
    /// Changes a setting before the present step is routed. Where later steps exist, the run as it was is handed back and this one
    /// goes on from here without them.
    ///
    /// # Errors
    /// A change that does not fit; the run is untouched.
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
            // Kept before the first event of this step, so that its events can start afresh.
            self.save_checkpoint();
        }
        self.simulation = simulation;
        let left_out = self.take_events(step, here);
        let biases = put_aside(&event.change, &before, &self.simulation.state().variants);
        let events = self.events.iter().filter(|e| e.step >= step).cloned().collect();
        Ok(Applied { events: Some(events), left_out, biases, set_aside })
    }

    /// The present step's events with one more. Of the same setting only the last value counts, and an event that makes no difference
    /// is none. `trial` is the simulation with the new event applied on top of what was there.
    fn with(&self, event: &Event, trial: Simulation) -> Here {
        let due = change::due(&self.events, event.step);
        if due.is_empty() {
            let events = if alike(&trial, &self.simulation) { vec![] } else { vec![event.clone()] };
            return Here { events, simulation: trial, from: None };
        }
        let from = self.checkpoints.iter().find(|c| c.state.step == event.step).cloned();
        from.and_then(|from| self.afresh(event, due, from)).unwrap_or_else(|| {
            // The state before this step's events is no longer kept, or biases that were set after a rule need that rule: all are
            // applied, one after the other, as a replay will do.
            let events = due.iter().chain([event]).cloned().collect();
            Here { events, simulation: trial, from: None }
        })
    }

    /// As [`Self::with`], from the state before the events of this step. `None` where they do not fit without what the new one replaces.
    fn afresh(&self, event: &Event, due: &[Event], from: Checkpoint) -> Option<Here> {
        let name = event.change.name();
        let same = |e: &Event| e.target == event.target && e.change.name() == name;
        // It goes to the end: what was asked of one variant in between must not have the last word.
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

    /// The simulation after these events of the present step. `None` where they do not fit.
    fn after(&self, from: &Checkpoint, events: &[Event]) -> Option<Simulation> {
        let mut simulation = self.simulation.clone();
        simulation.restore(Arc::clone(&from.experiment), from.state.clone()).ok()?;
        events.iter().all(|e| simulation.apply_event(e).is_ok()).then_some(simulation)
    }

    /// Forgets what was computed after a step.
    fn forget_after(&mut self, step: u64) {
        self.checkpoints.retain(|c| c.state.step <= step);
        if self.head > step {
            lock(&self.history).truncate(step);
            self.head = step;
            self.marks.retain(|m| *m <= step);
        }
    }

    /// Has these events at the present step, and later those that the scenario has planned, as far as they fit the settings. Hands back
    /// those that were still to come and no longer do.
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

/// Whether two simulations of one step go on alike.
fn alike(a: &Simulation, b: &Simulation) -> bool {
    a.experiment() == b.experiment() && a.state() == b.state()
}

/// What brings the biases back that a change replaced.
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
