//! What is done again beside a run: its last step, a stretch of it, or a range of steps for the plots.

use super::{Run, lock};
use crate::history::History;
use crate::{Engine, EngineError};
use moebias_model::change::{self, Event};
use moebias_model::metrics::Floors;
use moebias_model::step::Simulation;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Memory for the columns of a detail; a longer range is kept in levels again.
const DETAIL_BYTES: usize = 32 << 20;

impl Run {
    /// The simulation as it stood before the last step was routed; `None` at the first step.
    pub fn before_last(&self, engine: &mut dyn Engine) -> Option<Simulation> {
        let step = self.step().checked_sub(1).filter(|s| *s >= self.first_step())?;
        let kept = self.before.as_deref().filter(|(_, state)| state.step == step);
        let Some((experiment, state)) = kept else { return Some(self.replay(step, engine)?.simulation) };
        let mut simulation = self.simulation.clone();
        simulation.restore(experiment.clone(), state.clone()).ok()?;
        Some(simulation)
    }

    /// This run at an earlier step, to be done again beside it. `None` before the first step.
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

    /// A run that computes a range of known steps again, with no history but theirs: it stands at the last checkpoint before. Also the step
    /// at which to stop. The range is widened to whole columns of the history. `None` where there is nothing to compute.
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

/// A stretch of a run, done again beside it.
#[derive(Debug)]
pub struct Replay {
    /// At the present step of the replay.
    pub simulation: Simulation,
    events: Arc<Vec<Event>>,
}

impl Replay {
    /// Advances by at most `most` steps, up to the next event.
    ///
    /// # Errors
    /// The engine's.
    pub fn advance(&mut self, engine: &mut dyn Engine, most: u64) -> Result<(), EngineError> {
        let here = self.simulation.step();
        let room = change::next_step(&self.events, here).map_or(u64::MAX, |s| s - here);
        engine.advance(&mut self.simulation, most.min(room).clamp(1, 256) as u32, &mut vec![])?;
        self.apply_due();
        Ok(())
    }

    /// Applies the events of the present step, after the simulation was advanced to it.
    pub fn apply_due(&mut self) {
        let step = self.simulation.step();
        for event in change::due(&self.events, step) {
            if let Err(e) = self.simulation.apply_event(event) {
                log::debug!("event at step {step} is ignored: {e}");
            }
        }
    }
}
