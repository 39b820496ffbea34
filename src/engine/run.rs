//! A run: a simulation, the events that steer it, checkpoints to go back to, and its history.
//!
//! Going back is exact recomputation: restore the nearest checkpoint, apply the same events at the same steps.

mod fork;

use super::detail::DETAIL_BYTES;
use super::history::History;
use super::message::{RunId, Start};
use super::{Engine, EngineError};
use crate::model::change::{self, Change, Event, Target};
use crate::model::config::{ConfigError, Experiment};
use crate::model::diagnose::{Context, Diagnosis, Finding};
use crate::model::figures::{self, Figures, RECENT};
use crate::model::fixed::from_q32;
use crate::model::metrics::{Floors, Metrics, Tracker};
use crate::model::step::{Simulation, State, StepRow};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Recomputing from one checkpoint to the next takes about this long.
const CHECKPOINT_EVERY: Duration = Duration::from_millis(150);
/// Memory for the checkpoints of a run.
const CHECKPOINT_BYTES: usize = 64 << 20;

/// A place to go back to.
#[derive(Clone, Debug)]
struct Checkpoint {
    /// Settings before the events of this step.
    experiment: Experiment,
    state: State,
    trackers: Vec<Tracker>,
    diagnoses: Vec<Diagnosis>,
    metrics: Vec<Metrics>,
    loads: Vec<Vec<u32>>,
    /// Tokens of the step before it; its settings are `experiment`, to which the events of this step are still to come.
    tokens: u32,
}

/// A run and everything needed to show any of its steps again.
#[derive(Debug)]
pub struct Run {
    /// Its name.
    pub id: RunId,
    /// Settings and state at the start, and where to stop.
    pub start: Start,
    /// Every event, in order of steps.
    pub events: Vec<Event>,
    /// The furthest step computed.
    pub head: u64,
    /// What happened up to the head.
    pub history: Arc<Mutex<History>>,
    /// Figures of the last step routed, one per variant.
    pub metrics: Vec<Metrics>,
    /// Loads of the last step routed, one list per variant.
    pub loads: Vec<Vec<u32>>,
    /// Biases after each of the last steps routed, without a gap, one list per variant, Q32.
    biases: VecDeque<(u64, Vec<Vec<i64>>)>,
    /// The settings with which the last step was routed, and how many tokens it had; those of the first step before it is routed.
    pub routed: (Arc<Experiment>, u32),
    /// Whether somebody looks at the last step of what is advanced next: then what it takes to look is kept.
    pub watched: bool,
    /// Settings and state before the last step, where it is watched.
    before: Option<Box<(Experiment, State)>>,
    floors: Floors,
    /// MaxVio_global counts from the last of these steps.
    marks: Vec<u64>,
    simulation: Simulation,
    trackers: Vec<Tracker>,
    diagnoses: Vec<Diagnosis>,
    checkpoints: Vec<Checkpoint>,
    /// Compute time since the last checkpoint.
    since_checkpoint: Duration,
    every: Duration,
}

/// What a change did.
#[derive(Debug)]
pub struct Applied {
    /// The event as recorded.
    pub event: Event,
    /// What brings the setting back.
    pub inverse: Option<Change>,
    /// If the past was changed: the run as it was.
    pub set_aside: Option<Box<Run>>,
}

impl Run {
    /// A run at its first step.
    ///
    /// # Errors
    /// Settings, events or a start state that do not fit.
    pub fn new(id: RunId, start: Start) -> Result<Self, ConfigError> {
        let mut simulation = Simulation::new(start.experiment.clone(), start.trace.clone())?;
        if let Some(state) = &start.state {
            simulation.restore(start.experiment.clone(), state.clone())?;
        }
        let first = simulation.step();
        let mut events = start.events.clone();
        events.sort_by_key(|e| e.step);
        let mut check = start.experiment.clone();
        for event in &events {
            if event.step < first {
                return Err(ConfigError {
                    setting: format!("event at step {}", event.step),
                    value: event.change.name().into(),
                    allowed: format!("at step {first} or later, where the run starts"),
                });
            }
            change::apply(&mut check, event.target, &event.change)?;
        }
        let experts: Vec<usize> = start.experiment.variants.iter().map(|v| v.router.experts as usize).collect();
        let n = experts.len();
        let mut run = Self {
            id,
            events,
            head: first,
            history: Arc::new(Mutex::new(History::new(&experts, first))),
            metrics: vec![Metrics::default(); n],
            loads: vec![vec![]; n],
            biases: VecDeque::new(),
            routed: (Arc::new(start.experiment.clone()), 0),
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
        run.routed.1 = run.simulation.batch();
        run.save_checkpoint();
        run.apply_due();
        Ok(run)
    }

    /// The simulation at the present step.
    #[must_use]
    pub fn simulation(&self) -> &Simulation {
        &self.simulation
    }

    /// As [`Self::simulation`], to make pictures from, which needs its caches.
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

    /// Advances by at most `most` steps, stopping where an event is due, and hands each row to `each`. Returns the steps done.
    ///
    /// # Errors
    /// The engine's; the run stands after the last row handed out.
    pub fn advance(
        &mut self,
        engine: &mut dyn Engine,
        most: u32,
        mut each: impl FnMut(&StepRow, &[Metrics]),
    ) -> Result<u32, EngineError> {
        let here = self.step();
        let next_event = self.events.iter().map(|e| e.step).find(|&s| s > here);
        let room = next_event.map_or(u64::MAX, |s| s - here);
        let steps = u64::from(most).min(room).max(1) as u32;
        self.judge_afresh();
        let schedules: Vec<u64> = self.simulation.state().variants.iter().map(|v| v.schedule_from).collect();
        let started = Instant::now();
        let mut rows = Vec::with_capacity(steps as usize);
        let settings = self.simulation.experiment().clone();
        let outcome = self.route(engine, steps, &mut rows);
        self.since_checkpoint += started.elapsed();
        let done = rows.len() as u32;
        if let Some(row) = rows.last() {
            self.routed = (Arc::new(settings), row.tokens);
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

    /// Has the engine do some steps. Where the last of them is watched it is done by itself, and the state before it kept.
    fn route(&mut self, engine: &mut dyn Engine, steps: u32, rows: &mut Vec<StepRow>) -> Result<(), EngineError> {
        self.before = None;
        if !self.watched {
            return engine.advance(&mut self.simulation, steps, rows);
        }
        if steps > 1 {
            engine.advance(&mut self.simulation, steps - 1, rows)?;
        }
        self.before = Some(Box::new((self.simulation.experiment().clone(), self.simulation.state().clone())));
        engine.advance(&mut self.simulation, 1, rows)
    }

    /// Keeps the biases of the last steps, exactly; costs nothing, as the row would be let go of.
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

    /// What each variant comes to since the mark, at the present step.
    #[must_use]
    pub fn figures(&self) -> Vec<Figures> {
        let of = |(i, tracker): (usize, &Tracker)| {
            let figures = tracker.standing().figures();
            Figures { oscillation: self.swing(i, figures.steps), ..figures }
        };
        self.trackers.iter().enumerate().map(of).collect()
    }

    /// How the biases of a variant swing over the last steps, of which `counted` count. Where one went back, some of them are in the
    /// history alone, and there in single precision; `None` where they are not even there.
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

    /// What is found in a variant now, and what was.
    #[must_use]
    pub fn findings(&self, variant: usize) -> Arc<Vec<Finding>> {
        self.diagnoses.get(variant).map(|d| Arc::clone(d.findings())).unwrap_or_default()
    }

    /// Where a setting changes before this step, what was seen before it proves nothing.
    fn judge_afresh(&mut self) {
        let step = self.step();
        for event in self.events.iter().filter(|e| e.step == step) {
            match event.target {
                Target::Variant(i) => self.diagnoses.get_mut(i).into_iter().for_each(|d| d.reset(step)),
                Target::Source | Target::AllVariants => self.diagnoses.iter_mut().for_each(|d| d.reset(step)),
            }
        }
    }

    /// Applies the events of the present step. They were checked when they were taken in.
    fn apply_due(&mut self) {
        let step = self.step();
        for event in self.events.iter().filter(|e| e.step == step) {
            if let Err(e) = self.simulation.apply_event(event) {
                log::error!("event at step {step} no longer fits: {e}");
            }
        }
    }

    /// Keeps the present state, before the events of this step, if it is further than any kept.
    fn save_checkpoint(&mut self) {
        self.since_checkpoint = Duration::ZERO;
        let step = self.step();
        if self.checkpoints.last().is_some_and(|c| c.state.step >= step) {
            return;
        }
        self.checkpoints.push(Checkpoint {
            experiment: self.simulation.experiment().clone(),
            state: self.simulation.state().clone(),
            trackers: self.trackers.clone(),
            diagnoses: self.diagnoses.clone(),
            metrics: self.metrics.clone(),
            loads: self.loads.clone(),
            tokens: self.routed.1,
        });
        let state = self.simulation.state();
        let experts: usize = state.variants.iter().map(|v| v.bias.len()).sum();
        if self.checkpoints.len() * (experts * 300 + state.bytes()) > CHECKPOINT_BYTES && self.checkpoints.len() > 8 {
            // Every other one goes, and from now on they are twice as far apart.
            let (mut index, last) = (0, self.checkpoints.len());
            self.checkpoints.retain(|_| {
                index += 1;
                index % 2 == 1 || index == last
            });
            self.every *= 2;
        }
    }

    /// Goes to the last kept state at or before `target`, if that is nearer than going on from here. Then [`Self::advance`]
    /// does the rest.
    pub fn rewind_towards(&mut self, target: u64) {
        let here = self.step();
        // A change there would cut the history: what is kept of the steps just before only together with later ones is wanted too.
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
        if let Err(e) = self.simulation.restore(checkpoint.experiment.clone(), checkpoint.state.clone()) {
            log::error!("a checkpoint does not fit its own run: {e}");
        }
        self.trackers.clone_from(&checkpoint.trackers);
        self.diagnoses.clone_from(&checkpoint.diagnoses);
        self.metrics.clone_from(&checkpoint.metrics);
        self.loads.clone_from(&checkpoint.loads);
        self.routed = (Arc::new(checkpoint.experiment.clone()), checkpoint.tokens);
        self.since_checkpoint = Duration::ZERO;
    }

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
        let mut replay = Replay { simulation, events: self.events.clone() };
        replay.apply_due();
        while replay.simulation.step() < step {
            replay.advance(engine, step - replay.simulation.step()).ok()?;
        }
        Some(replay)
    }

    /// Changes a setting before the present step is routed. Where later steps or events exist, the run as it was is handed
    /// back and this one goes on from here without them.
    ///
    /// # Errors
    /// A change that does not fit; the run is untouched.
    pub fn change(&mut self, target: Target, change: Change) -> Result<Applied, ConfigError> {
        let step = self.step();
        let event = Event { step, target, change };
        let inverse = change::inverse(self.simulation.experiment(), target, &event.change);
        let mut trial = self.simulation.clone();
        trial.apply_event(&event)?;
        let later = self.events.iter().any(|e| e.step > step);
        let set_aside = (self.head > step || later).then(|| Box::new(self.copy()));
        self.events.retain(|e| e.step <= step);
        self.checkpoints.retain(|c| c.state.step <= step);
        if self.head > step {
            lock(&self.history).truncate(step);
            self.head = step;
            self.marks.retain(|m| *m <= step);
        }
        let same = |e: &Event| e.step == step && e.target == event.target && e.change.name() == event.change.name();
        if let Some(old) = self.events.iter().position(same) {
            // The same setting again at the same step: only the last value counts, so start this step's events afresh. It goes to
            // the end: what was asked of one variant in between must not have the last word.
            self.events.remove(old);
            self.events.push(event.clone());
            match self.checkpoints.last().filter(|c| c.state.step == step).cloned() {
                Some(before) => {
                    self.go_to(&before);
                    self.apply_due();
                }
                None => self.simulation = trial,
            }
        } else {
            // Kept before the first event of this step, so that its events can start afresh.
            if !self.events.iter().any(|e| e.step == step) {
                self.save_checkpoint();
            }
            self.events.push(event.clone());
            self.simulation = trial;
        }
        Ok(Applied { event, inverse, set_aside })
    }

    /// Calls a variant otherwise, at every step of the run: a name is no change, and nothing is set aside for it.
    pub fn rename(&mut self, variant: usize, name: Option<&str>) {
        self.start.experiment.rename(variant, name);
        self.simulation.rename(variant, name);
        Arc::make_mut(&mut self.routed.0).rename(variant, name);
        self.checkpoints.iter_mut().for_each(|c| c.experiment.rename(variant, name));
        if let Some((experiment, _)) = self.before.as_deref_mut() {
            experiment.rename(variant, name);
        }
    }

    /// Counts MaxVio_global from here, also when this step is computed again after going back. The curve of what is known already
    /// stays as it is.
    pub fn mark(&mut self) {
        let step = self.step();
        self.marks.push(step);
        self.trackers.iter_mut().for_each(Tracker::mark);
        self.checkpoints.retain(|c| c.state.step <= step);
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
            events: self.events.iter().filter(|e| e.step <= to).cloned().collect(),
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

    /// Everything needed to repeat the run.
    #[must_use]
    pub fn as_start(&self) -> Start {
        Start { events: self.events.clone(), ..self.start.clone() }
    }

    fn copy(&self) -> Self {
        Self {
            id: self.id,
            start: self.start.clone(),
            events: self.events.clone(),
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

/// A stretch of a run, done again beside it.
#[derive(Debug)]
pub struct Replay {
    /// At the present step of the replay.
    pub simulation: Simulation,
    events: Vec<Event>,
}

impl Replay {
    /// Advances by at most `most` steps, up to the next event.
    ///
    /// # Errors
    /// The engine's.
    pub fn advance(&mut self, engine: &mut dyn Engine, most: u64) -> Result<(), EngineError> {
        let here = self.simulation.step();
        let room = self.events.iter().map(|e| e.step).find(|&s| s > here).map_or(u64::MAX, |s| s - here);
        engine.advance(&mut self.simulation, most.min(room).clamp(1, 256) as u32, &mut vec![])?;
        self.apply_due();
        Ok(())
    }

    /// Applies the events of the present step, after the simulation was advanced to it.
    pub fn apply_due(&mut self) {
        let step = self.simulation.step();
        for event in self.events.iter().filter(|e| e.step == step) {
            if let Err(e) = self.simulation.apply_event(event) {
                log::error!("event at step {step} no longer fits: {e}");
            }
        }
    }
}

/// Locks, also after a panic elsewhere: the history is only drawn from.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::cpu::CpuEngine;
    use crate::model::config::{Rule, Source, Synthetic, Variant};
    use crate::model::diagnose::Kind;

    fn run() -> Run {
        let experiment = Experiment {
            seed: 3,
            source: Source::Synthetic(Synthetic { batch: 64, ..Default::default() }),
            variants: vec![Variant {
                name: "a".into(),
                router: Default::default(),
                balancer: Default::default(),
                learning: Default::default(),
            }],
        };
        Run::new(RunId(1), Start { experiment, trace: None, state: None, events: vec![], stop: None }).unwrap()
    }

    fn play_to(run: &mut Run, step: u64) {
        let mut engine = CpuEngine::new("");
        while run.step() < step {
            run.advance(&mut engine, (step - run.step()) as u32, |_, _| {}).unwrap();
        }
    }

    #[test]
    fn going_back_is_exact() {
        let mut run = run();
        play_to(&mut run, 50);
        run.change(Target::AllVariants, Change::SetRate(0.02)).unwrap();
        play_to(&mut run, 120);
        let (digest, metrics) = (run.simulation().digest(), run.metrics.clone());
        for target in [100, 50, 49, 0, 7] {
            run.rewind_towards(target);
            play_to(&mut run, target);
            assert_eq!(run.step(), target);
        }
        play_to(&mut run, 120);
        assert_eq!(run.simulation().digest(), digest);
        assert_eq!(run.metrics, metrics);
        assert_eq!(run.head, 120);
    }

    #[test]
    fn what_is_found_is_that_of_the_step_and_ends_with_its_settings() {
        let mut run = run();
        run.change(Target::AllVariants, Change::SetRate(0.3)).unwrap();
        play_to(&mut run, 150);
        let swing = |run: &Run| run.findings(0).iter().find(|f| f.kind == Kind::Oscillating).cloned();
        let found = swing(&run).expect("u = 0.3 swings");
        assert_eq!(found.until, None);
        run.rewind_towards(20);
        play_to(&mut run, 20);
        assert_eq!(swing(&run), None);
        play_to(&mut run, 150);
        assert_eq!(swing(&run), Some(found));
        run.change(Target::AllVariants, Change::SetRate(0.001)).unwrap();
        play_to(&mut run, 151);
        assert_eq!(swing(&run).and_then(|f| f.until), Some(150));
    }

    #[test]
    fn at_one_step_the_last_value_counts() {
        let mut a = run();
        play_to(&mut a, 10);
        for rule in [Rule::Multiplicative, Rule::Proportional, Rule::Sign] {
            a.change(Target::AllVariants, Change::SetRule(rule)).unwrap();
        }
        a.change(Target::AllVariants, Change::SetTopK(3)).unwrap();
        a.change(Target::AllVariants, Change::SetTopK(4)).unwrap();
        assert_eq!(a.events.len(), 2);
        play_to(&mut a, 30);
        let mut again = Run::new(RunId(2), a.as_start()).unwrap();
        play_to(&mut again, 30);
        assert_eq!(a.simulation().digest(), again.simulation().digest());
    }

    #[test]
    fn changing_the_past_sets_the_future_aside() {
        let mut run = run();
        play_to(&mut run, 20);
        run.change(Target::AllVariants, Change::SetTopK(3)).unwrap();
        play_to(&mut run, 40);
        let digest = run.simulation().digest();
        run.rewind_towards(10);
        play_to(&mut run, 10);
        let aside = run.change(Target::Source, Change::SetSkew(0.5)).unwrap().set_aside.unwrap();
        assert_eq!((run.head, run.events.len()), (10, 1));
        assert_eq!((aside.head, aside.events.len()), (40, 1));
        let mut aside = *aside;
        play_to(&mut aside, 40);
        assert_eq!(aside.simulation().digest(), digest);
        assert!(run.change(Target::AllVariants, Change::SetTopK(65)).is_err());
        assert_eq!(run.events.len(), 1);
    }
}
