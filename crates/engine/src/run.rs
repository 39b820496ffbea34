//! A run: a simulation, its events, its checkpoints and its history.
//!
//! Going back recomputes exactly: the nearest checkpoint is restored and the same events are applied at the same steps.

mod changing;
mod fork;
mod memory;
mod replay;

pub use changing::Applied;
pub use replay::Replay;

use super::history::History;
use super::start::{RunId, Start};
use super::{Engine, EngineError};
use moebias_model::change::{self, Event, Target};
use moebias_model::config::{ConfigError, Experiment};
use moebias_model::diagnose::{Context, Diagnosis, Finding};
use moebias_model::figures::{self, Figures, RECENT};
use moebias_model::fixed::from_q32;
use moebias_model::metrics::{Floors, Metrics};
use moebias_model::row::StepRow;
use moebias_model::step::check::Ignored;
use moebias_model::step::{Simulation, State};
use moebias_model::tracker::Tracker;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Recomputing the steps between two checkpoints takes about this long.
const CHECKPOINT_EVERY: Duration = Duration::from_millis(150);
/// The memory budget for the checkpoints of a run, in bytes.
const CHECKPOINT_BYTES: usize = 64 << 20;

/// Everything needed to continue a run from one of its steps.
#[derive(Clone, Debug)]
struct Checkpoint {
    /// The settings before the events of this step are applied.
    experiment: Arc<Experiment>,
    state: State,
    trackers: Vec<Tracker>,
    diagnoses: Vec<Diagnosis>,
    metrics: Vec<Metrics>,
    loads: Vec<Vec<u32>>,
    /// The number of tokens in the step before. That step was routed with the settings in `experiment`.
    tokens: u32,
}

/// A run and everything needed to show any of its steps again.
///
/// Going back is exact: recomputed steps equal the original ones, bit for bit.
///
/// ```
/// use moebias_engine::cpu::CpuEngine;
/// use moebias_engine::start::{RunId, Start};
/// use moebias_engine::run::Run;
/// use moebias_model::config::{Experiment, Source, Synthetic, Variant};
///
/// let source = Source::Synthetic(Synthetic { batch: 256, ..Synthetic::default() });
/// let experiment = Experiment { seed: 7, source, variants: vec![Variant::default()] };
/// let mut run = Run::new(RunId(0), Start { experiment, trace: None, state: None, events: vec![], stop: None })?;
/// let mut engine = CpuEngine::new("no GPU is needed");
/// let mut to = |run: &mut Run, step: u64| {
///     while run.step() < step {
///         run.advance(&mut engine, (step - run.step()) as u32, |_, _| ()).expect("the CPU engine can do all");
///     }
/// };
/// to(&mut run, 12);
/// let digest = run.simulation().digest();
/// run.rewind_towards(5);
/// assert!(run.step() <= 5);
/// to(&mut run, 12);
/// assert_eq!(run.simulation().digest(), digest);
/// # Ok::<(), moebias_model::config::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct Run {
    /// The id of the run.
    pub id: RunId,
    /// The settings and the state at the first step, and the step at which to pause.
    pub start: Start,
    /// Every event, sorted by step.
    pub events: Arc<Vec<Event>>,
    /// The events that have no effect.
    pub ignored: Arc<Vec<Ignored>>,
    /// The furthest step reached so far; greater than the present step after going back.
    pub head: u64,
    /// The rows of all steps up to `head`.
    pub history: Arc<Mutex<History>>,
    /// Figures of the last step routed, one per variant.
    pub metrics: Vec<Metrics>,
    /// Loads of the last step routed, one list per variant.
    pub loads: Vec<Vec<u32>>,
    /// Biases after each of the last [`RECENT`] steps routed, Q32: (step, \[variant\]\[expert\]). Consecutive steps only.
    biases: VecDeque<(u64, Vec<Vec<i64>>)>,
    /// The settings with which the last step was routed, and the tokens in its batch. Before the first step: those of the start.
    pub routed: (Arc<Experiment>, u32),
    /// Whether the state before the last step of the next `advance` is kept, because something is going to show that step.
    pub watched: bool,
    /// Settings and state before the last step, if that step was `watched`.
    before: Option<Box<(Arc<Experiment>, State)>>,
    floors: Floors,
    /// Steps from which MaxVio_global is counted anew; the last one reached is in force.
    marks: Vec<u64>,
    simulation: Simulation,
    trackers: Vec<Tracker>,
    diagnoses: Vec<Diagnosis>,
    checkpoints: Vec<Checkpoint>,
    /// Compute time spent since the last checkpoint.
    since_checkpoint: Duration,
    every: Duration,
}

impl Run {
    /// Creates a run at its first step.
    ///
    /// # Errors
    /// The settings, the trace, an event or the start state is not valid.
    pub fn new(id: RunId, start: Start) -> Result<Self, ConfigError> {
        let events = start.check()?;
        let ignored = start.ignored();
        let mut simulation = Simulation::new(start.experiment.clone(), start.trace.clone())?;
        if let Some(state) = &start.state {
            simulation.restore(start.experiment.clone(), state.clone())?;
        }
        let first = simulation.step();
        let experts: Vec<usize> = start.experiment.variants.iter().map(|v| v.router.experts as usize).collect();
        let n = experts.len();
        let mut run = Self {
            id,
            events: Arc::new(events),
            ignored: Arc::new(ignored),
            head: first,
            history: Arc::new(Mutex::new(History::new(&experts, first))),
            metrics: vec![Metrics::default(); n],
            loads: vec![vec![]; n],
            biases: VecDeque::new(),
            routed: (Arc::clone(simulation.shared_experiment()), simulation.batch()),
            watched: false,
            before: None,
            floors: Floors::default(),
            marks: vec![],
            simulation,
            trackers: vec![Tracker::default(); n],
            diagnoses: vec![Diagnosis::default(); n],
            checkpoints: vec![],
            since_checkpoint: Duration::ZERO,
            every: CHECKPOINT_EVERY,
            start,
        };
        run.save_checkpoint();
        run.apply_due();
        Ok(run)
    }

    /// The simulation at the present step.
    #[must_use]
    pub fn simulation(&self) -> &Simulation {
        &self.simulation
    }

    /// The simulation at the present step, mutable because making pictures fills its caches.
    pub fn simulation_mut(&mut self) -> &mut Simulation {
        &mut self.simulation
    }

    /// The present step.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.simulation.step()
    }

    /// The first step of the run.
    #[must_use]
    pub fn first_step(&self) -> u64 {
        self.start.state.as_ref().map_or(0, |s| s.step)
    }

    /// Advances by at most `most` steps, stops where an event is due, and passes each row to `each`. Returns the number of steps done.
    ///
    /// # Errors
    /// Those of the engine; the run then stands after the last row passed to `each`.
    pub fn advance(
        &mut self,
        engine: &mut dyn Engine,
        most: u32,
        mut each: impl FnMut(&StepRow, &[Metrics]),
    ) -> Result<u32, EngineError> {
        let here = self.step();
        let next_event = change::next_step(&self.events, here);
        let room = next_event.map_or(u64::MAX, |s| s - here);
        let steps = u64::from(most).min(room).max(1) as u32;
        self.judge_afresh();
        let schedules: Vec<u64> = self.simulation.state().variants.iter().map(|v| v.schedule_from).collect();
        let started = Instant::now();
        let mut rows = Vec::with_capacity(steps as usize);
        let settings = Arc::clone(self.simulation.shared_experiment());
        let outcome = self.route(engine, steps, &mut rows);
        self.since_checkpoint += started.elapsed();
        let done = rows.len() as u32;
        if let Some(row) = rows.last() {
            self.routed = (settings, row.tokens);
        }
        for row in rows {
            if self.marks.contains(&row.step) {
                self.trackers.iter_mut().for_each(Tracker::mark);
                self.diagnoses.iter_mut().for_each(|d| d.reset(row.step));
            }
            for ((tracker, metrics), v) in self.trackers.iter_mut().zip(&mut self.metrics).zip(&row.variants) {
                *metrics = tracker.push(v);
            }
            for (i, metrics) in self.metrics.iter_mut().enumerate() {
                metrics.floor = self.floors.of(&self.routed.0, i, row.tokens);
            }
            let judged = self.trackers.iter().zip(&mut self.diagnoses).zip(&self.metrics).zip(&row.variants);
            for (i, (((tracker, diagnosis), metrics), v)) in judged.enumerate() {
                if let Some(cx) = Context::new(self.simulation.experiment(), i, row.step, schedules[i]) {
                    diagnosis.push(row.step, v, metrics, tracker.recent(), &cx);
                }
            }
            lock(&self.history).push(&row, &self.metrics);
            self.head = self.head.max(row.step + 1);
            each(&row, &self.metrics);
            self.loads.clear();
            let mut biases = Vec::with_capacity(row.variants.len());
            for v in row.variants {
                self.loads.push(v.loads);
                biases.push(v.bias);
            }
            self.remember_biases(row.step, biases);
        }
        if self.since_checkpoint >= self.every || next_event == Some(self.step()) {
            self.save_checkpoint();
        }
        self.apply_due();
        outcome.map(|()| done)
    }

    /// Has the engine do `steps` steps. If the last step is watched, it is done separately and the state before it is kept.
    fn route(&mut self, engine: &mut dyn Engine, steps: u32, rows: &mut Vec<StepRow>) -> Result<(), EngineError> {
        self.before = None;
        if !self.watched {
            return engine.advance(&mut self.simulation, steps, rows);
        }
        if steps > 1 {
            engine.advance(&mut self.simulation, steps - 1, rows)?;
        }
        let settings = Arc::clone(self.simulation.shared_experiment());
        self.before = Some(Box::new((settings, self.simulation.state().clone())));
        engine.advance(&mut self.simulation, 1, rows)
    }

    /// Keeps the exact biases of the last [`RECENT`] steps. The rows are moved here, not copied, so this costs no time.
    fn remember_biases(&mut self, step: u64, biases: Vec<Vec<i64>>) {
        while self.biases.back().is_some_and(|(last, _)| *last >= step) {
            self.biases.pop_back();
        }
        if self.biases.back().is_some_and(|(last, _)| last + 1 != step) {
            self.biases.clear();
        }
        if self.biases.len() == RECENT {
            self.biases.pop_front();
        }
        self.biases.push_back((step, biases));
    }

    /// The figures of each variant since the mark, at the present step.
    #[must_use]
    pub fn figures(&self) -> Vec<Figures> {
        let of = |(i, tracker): (usize, &Tracker)| {
            let figures = tracker.standing().figures();
            Figures { oscillation: self.swing(i, figures.steps), ..figures }
        };
        self.trackers.iter().enumerate().map(of).collect()
    }

    /// The oscillation of a variant's biases over the last [`RECENT`] steps, or over the last `counted` if these are fewer. After going
    /// back, some of these steps are only in the history, in single precision; `None` if they are not there either.
    fn swing(&self, variant: usize, counted: u64) -> Option<figures::Oscillation> {
        let end = self.step();
        let from = end - counted.min(RECENT as u64).min(end);
        let kept: Vec<&Vec<i64>> =
            self.biases.iter().filter(|(s, _)| (from..end).contains(s)).filter_map(|(_, b)| b.get(variant)).collect();
        let missing = (end - from) as usize - kept.len().min((end - from) as usize);
        let history = lock(&self.history);
        let older = history.variants.get(variant)?;
        let older: Option<Vec<_>> = (from..from + missing as u64).map(|s| older.exact(s).cloned()).collect();
        drop(history);
        let older = older?;
        let experts = self.simulation.state().variants.get(variant)?.bias.len();
        let series = (0..experts).map(|e| {
            let before = older.iter().map(|c| c.bias.get(e).copied().map_or(0.0, f64::from));
            before.chain(kept.iter().map(|b| b.get(e).copied().map_or(0.0, from_q32))).collect()
        });
        figures::oscillation(series)
    }

    /// The findings of a variant: those that hold now, followed by those that no longer hold.
    #[must_use]
    pub fn findings(&self, variant: usize) -> Arc<Vec<Finding>> {
        self.diagnoses.get(variant).map(|d| Arc::clone(d.findings())).unwrap_or_default()
    }

    /// Resets the diagnosis of variants whose settings change before this step: earlier steps are no evidence for the new settings.
    fn judge_afresh(&mut self) {
        let step = self.step();
        for event in change::due(&self.events, step) {
            let of = match event.target {
                Target::Variant(i) => i..i + 1,
                Target::Source | Target::AllVariants => 0..self.diagnoses.len(),
            };
            self.diagnoses.get_mut(of.clone()).into_iter().flatten().for_each(|d| d.reset(step));
            self.trackers.get_mut(of).into_iter().flatten().for_each(Tracker::change);
        }
    }

    /// Applies the events of the present step. Events without effect were listed when the run began: [`Self::ignored`].
    fn apply_due(&mut self) {
        let step = self.step();
        for event in change::due(&self.events, step) {
            if let Err(e) = self.simulation.apply_event(event) {
                log::debug!("event at step {step} is ignored: {e}");
            }
        }
    }

    /// Saves a checkpoint of the present state, before the events of this step, unless there is one of this step or a later one.
    fn save_checkpoint(&mut self) {
        self.since_checkpoint = Duration::ZERO;
        let step = self.step();
        if self.checkpoints.last().is_some_and(|c| c.state.step >= step) {
            return;
        }
        self.checkpoints.push(Checkpoint {
            experiment: Arc::clone(self.simulation.shared_experiment()),
            state: self.simulation.state().clone(),
            trackers: self.trackers.clone(),
            diagnoses: self.diagnoses.clone(),
            metrics: self.metrics.clone(),
            loads: self.loads.clone(),
            tokens: self.routed.1,
        });
        while self.checkpoint_bytes() > CHECKPOINT_BYTES && self.checkpoints.len() > 2 {
            // Over budget: drop every other checkpoint and save new ones half as often.
            let (mut index, last) = (0, self.checkpoints.len());
            self.checkpoints.retain(|_| {
                index += 1;
                index % 2 == 1 || index == last
            });
            self.every *= 2;
        }
    }

    /// Restores the last checkpoint at or before `target`, if that is nearer than continuing from the present step. [`Self::advance`] then
    /// does the remaining steps.
    pub fn rewind_towards(&mut self, target: u64) {
        let here = self.step();
        // A change at `target` truncates the history there. The column that contains `target` may join it with later steps and
        // would be removed whole, so recomputing starts at the beginning of that column.
        let from = if target < self.head { lock(&self.history).boundary(target).unwrap_or(target) } else { target };
        let at = self.checkpoints.partition_point(|c| c.state.step <= from.max(self.first_step()));
        let Some(checkpoint) = at.checked_sub(1).map(|i| &self.checkpoints[i]) else { return };
        if here <= target && checkpoint.state.step <= here {
            return;
        }
        let checkpoint = checkpoint.clone();
        self.go_to(&checkpoint);
        self.apply_due();
    }

    fn go_to(&mut self, checkpoint: &Checkpoint) {
        if let Err(e) = self.simulation.restore(Arc::clone(&checkpoint.experiment), checkpoint.state.clone()) {
            log::error!("a checkpoint does not fit its own run: {e}");
        }
        self.trackers.clone_from(&checkpoint.trackers);
        self.diagnoses.clone_from(&checkpoint.diagnoses);
        self.metrics.clone_from(&checkpoint.metrics);
        self.loads.clone_from(&checkpoint.loads);
        self.routed = (Arc::clone(&checkpoint.experiment), checkpoint.tokens);
        self.since_checkpoint = Duration::ZERO;
    }

    /// Calls a variant otherwise, at every step of the run: a name is no change, and nothing is set aside for it.
    pub fn rename(&mut self, variant: usize, name: Option<&str>) {
        self.start.experiment.rename(variant, name);
        self.simulation.rename(variant, name);
        Arc::make_mut(&mut self.routed.0).rename(variant, name);
        self.checkpoints.iter_mut().for_each(|c| Arc::make_mut(&mut c.experiment).rename(variant, name));
        if let Some((experiment, _)) = self.before.as_deref_mut() {
            Arc::make_mut(experiment).rename(variant, name);
        }
    }

    /// Counts MaxVio_global from the present step on, also when this step is recomputed after going back. The part of the curve that is
    /// already in the history does not change.
    pub fn mark(&mut self) {
        let step = self.step();
        self.marks.push(step);
        self.trackers.iter_mut().for_each(Tracker::mark);
        self.checkpoints.retain(|c| c.state.step <= step);
    }

    /// Everything needed to repeat the run, with all its events.
    #[must_use]
    pub fn as_start(&self) -> Start {
        Start { events: self.events.to_vec(), ..self.start.clone() }
    }

    fn copy(&self) -> Self {
        Self {
            id: self.id,
            start: self.start.clone(),
            events: Arc::clone(&self.events),
            ignored: Arc::clone(&self.ignored),
            head: self.head,
            history: Arc::new(Mutex::new(lock(&self.history).clone())),
            metrics: self.metrics.clone(),
            loads: self.loads.clone(),
            biases: self.biases.clone(),
            routed: self.routed.clone(),
            watched: false,
            before: None,
            floors: Floors::default(),
            marks: self.marks.clone(),
            simulation: self.simulation.clone(),
            trackers: self.trackers.clone(),
            diagnoses: self.diagnoses.clone(),
            checkpoints: self.checkpoints.clone(),
            since_checkpoint: self.since_checkpoint,
            every: self.every,
        }
    }
}

/// Locks, also after a panic elsewhere: the history is only drawn from.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
