//! Recomputing parts of a run beside it: its last step, a stretch of it, or a range of steps for the plots.

use super::{Run, lock};
use crate::history::History;
use crate::{Engine, EngineError};
use moebias_model::change::{self, Event};
use moebias_model::metrics::Floors;
use moebias_model::step::Simulation;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The memory budget for the columns of a detail, in bytes; a range that exceeds it is stored in coarser levels, as the history is.
const DETAIL_BYTES: usize = 32 << 20;

impl Run {
    /// The simulation as it was before the last step was routed; `None` at the first step. Recomputed if that state was not kept.
    pub fn before_last(&self, engine: &mut dyn Engine) -> Option<Simulation> {
        let step = self.step().checked_sub(1).filter(|s| *s >= self.first_step())?;
        let kept = self.before.as_deref().filter(|(_, state)| state.step == step);
        let Some((experiment, state)) = kept else { return Some(self.replay(step, engine)?.simulation) };
        let mut simulation = self.simulation.clone();
        simulation.restore(experiment.clone(), state.clone()).ok()?;
        Some(simulation)
    }

    /// A copy of this run at an earlier step, to be advanced beside it. `None` before the first step, or if the engine fails.
    pub fn replay(&self, step: u64, engine: &mut dyn Engine) -> Option<Replay> {
        let at = self.checkpoints.partition_point(|c| c.state.step <= step);
        let checkpoint = self.checkpoints.get(at.checked_sub(1)?)?;
        let mut simulation = self.simulation.clone();
        simulation.restore(checkpoint.experiment.clone(), checkpoint.state.clone()).ok()?;
        let mut replay = Replay { simulation, events: Arc::clone(&self.events) };
        replay.apply_due();
        while replay.simulation.step() < step {
            replay.advance(engine, step - replay.simulation.step()).ok()?;
        }
        Some(replay)
    }

    /// A run that recomputes a range of known steps (first and end), and the step at which to stop. The replica stands at the last
    /// checkpoint before the range, and its history is empty. The range is widened to whole columns of the history. `None` if there is
    /// nothing to compute.
    #[must_use]
    pub fn replica(&self, (from, to): (u64, u64)) -> Option<(Self, u64)> {
        let (from, to) = {
            let history = lock(&self.history);
            let to = to.min(self.head);
            let of = history.variants.first()?;
            let end = of.at(to.checked_sub(1)?).map_or(to, |c| c.end());
            (history.boundary(from.max(self.first_step()))?, end.min(self.head))
        };
        let at = self.checkpoints.partition_point(|c| c.state.step <= from);
        let checkpoint = self.checkpoints.get(at.checked_sub(1)?).filter(|_| from < to)?;
        let experts: Vec<usize> = checkpoint.state.variants.iter().map(|v| v.bias.len()).collect();
        let mut replica = Self {
            id: self.id,
            start: self.start.clone(),
            events: Arc::new(self.events.iter().filter(|e| e.step <= to).cloned().collect()),
            ignored: Arc::clone(&self.ignored),
            head: from,
            history: Arc::new(Mutex::new(History::within(&experts, from, DETAIL_BYTES))),
            metrics: vec![],
            loads: vec![],
            biases: VecDeque::new(),
            routed: self.routed.clone(),
            watched: false,
            before: None,
            floors: Floors::default(),
            marks: self.marks.clone(),
            simulation: self.simulation.clone(),
            trackers: vec![],
            diagnoses: vec![],
            checkpoints: vec![],
            since_checkpoint: Duration::ZERO,
            every: Duration::MAX,
        };
        replica.go_to(checkpoint);
        replica.apply_due();
        Some((replica, to))
    }
}

/// A stretch of a run, recomputed beside it.
#[derive(Debug)]
pub struct Replay {
    /// The simulation at the present step of the replay.
    pub simulation: Simulation,
    events: Arc<Vec<Event>>,
}

impl Replay {
    /// Advances by at most `most` steps (and at most 256), stopping at the next event.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn advance(&mut self, engine: &mut dyn Engine, most: u64) -> Result<(), EngineError> {
        let here = self.simulation.step();
        let room = change::next_step(&self.events, here).map_or(u64::MAX, |s| s - here);
        engine.advance(&mut self.simulation, most.min(room).clamp(1, 256) as u32, &mut vec![])?;
        self.apply_due();
        Ok(())
    }

    /// Applies the events of the present step, after the simulation has been advanced to it.
    pub fn apply_due(&mut self) {
        let step = self.simulation.step();
        for event in change::due(&self.events, step) {
            if let Err(e) = self.simulation.apply_event(event) {
                log::debug!("event at step {step} is ignored: {e}");
            }
        }
    }
}
