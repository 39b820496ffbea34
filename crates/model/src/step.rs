//! One step: route a batch with the current biases, count the loads, let the balancer update the biases.
//!
//! State n is the state after n updates. Step n routes with state n's biases and makes state n + 1; row n of any output holds step n's
//! loads and the biases after its update.

pub mod check;
mod inputs;
mod learning;
mod state;

pub use check::routes_again;
pub use inputs::PROBE_STEP;
pub use state::{State, VariantState};

use super::balance::{self, Step};
use super::change::{Change, Event, Target};
use super::config::{ConfigError, DIM, Experiment, Rule};
use super::digest::Digest;
use super::fixed::to_q32;
use super::learn::parameters::Learned;
use super::learn::spread::{Alone, Spread};
use super::learn::train::Room;
use super::learn::world::Teacher;
use super::naming;
use super::tokens::{self, Embedding, Topics};
use super::trace::Trace;
use crate::batch::{Batch, Counts, Routing};
use crate::change::LearningChange;
use crate::row::{StepRow, VariantRow};
use std::sync::Arc;

/// A running experiment: settings and state. Engines advance it; this is also the scalar reference engine.
///
/// Two runs with the same settings have the same digest at every step, and a change of a setting shows in it:
///
/// ```
/// use moebias_model::change::{Change, Target};
/// use moebias_model::config::{Experiment, Source, Synthetic, Variant};
/// use moebias_model::step::Simulation;
///
/// let source = Source::Synthetic(Synthetic { batch: 128, ..Synthetic::default() });
/// let experiment = Experiment { seed: 7, source, variants: vec![Variant::default()] };
/// let mut one = Simulation::new(experiment.clone(), None)?;
/// let mut other = Simulation::new(experiment, None)?;
/// for _ in 0..3 {
///     one.advance();
///     other.advance();
/// }
/// assert_eq!(one.digest(), other.digest());
///
/// other.apply(Target::Variant(0), &Change::SetRate(0.01))?;
/// one.advance();
/// other.advance();
/// assert_ne!(one.digest(), other.digest());
/// # Ok::<(), moebias_model::config::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Simulation {
    experiment: Arc<Experiment>,
    trace: Option<Arc<Trace>>,
    state: State,
    centroids: Arc<Vec<Embedding>>,
    widened: Arc<Vec<[i16; DIM]>>,
    topics: Option<(u64, Arc<Topics>)>,
    teacher: Option<Arc<Teacher>>,
    room: Room,
}

impl Simulation {
    /// A simulation at step 0.
    ///
    /// # Errors
    /// A setting out of range, or a trace that is missing or has another number of experts.
    pub fn new(mut experiment: Experiment, trace: Option<Arc<Trace>>) -> Result<Self, ConfigError> {
        naming::settle(&mut experiment.variants);
        check::settings(&experiment, trace.as_deref())?;
        let learns = experiment.world().is_some();
        let untrained = |experts: u32| Arc::new(Learned::untrained(experts as usize, experiment.seed));
        let start = |v: &super::config::Variant| VariantState {
            bias: vec![balance::initial_bias(v.balancer.rule); v.router.experts as usize],
            schedule_from: 0,
            digest: Digest::default(),
            memory: vec![],
            learned: learns.then(|| untrained(v.router.experts)),
        };
        let state = State { step: 0, phase: 0, variants: experiment.variants.iter().map(start).collect() };
        let most = experiment.variants.iter().map(|v| v.router.experts).max().unwrap_or(0);
        let centroids = Arc::new(tokens::centroids(most, experiment.seed));
        let widened = Arc::new(centroids.iter().map(tokens::widened).collect());
        let (teacher, room) = (None, Room::default());
        let mut made =
            Self { experiment: Arc::new(experiment), trace, state, centroids, widened, topics: None, teacher, room };
        for i in 0..made.state.variants.len() {
            made.state.variants[i].bias = made.initial_bias(i);
        }
        Ok(made)
    }

    /// The biases that a variant starts from, Q32, one per expert: the recorded ones if the trace says so, or else those of its rule. Rule
    /// `Threshold` estimates its own from the tokens of a step, which are not these.
    #[must_use]
    pub fn start_bias(&self, variant: usize) -> Vec<i64> {
        let Some(v) = self.experiment.variants.get(variant) else { return vec![] };
        let (rule, experts) = (v.balancer.rule, v.router.experts as usize);
        let recorded = self.trace.as_ref().filter(|t| t.starts_from_bias && t.learned_bias.len() == experts);
        match recorded {
            Some(trace) if rule.kind_of_bias() == 0 => trace.learned_bias.iter().map(|&b| to_q32(b)).collect(),
            _ => vec![balance::initial_bias(rule); experts],
        }
    }

    /// The biases that a variant would start from at the present step, Q32, one per expert.
    fn initial_bias(&mut self, variant: usize) -> Vec<i64> {
        let (rule, router) = {
            let v = &self.experiment.variants[variant];
            (v.balancer.rule, v.router.clone())
        };
        if rule != Rule::Threshold {
            return self.start_bias(variant);
        }
        let batch = self.next_batch();
        let (mut all, of) = (vec![], batch.sample_size());
        (0..of).for_each(|i| all.extend(batch.scores(batch.spaced(i, of), variant)));
        let start = balance::threshold::start(all, router.experts, router.top_k) << router.gate.unit_bits();
        vec![start; router.experts as usize]
    }

    /// The settings in force.
    #[must_use]
    pub fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    /// The settings in force, shared.
    #[must_use]
    pub fn shared_experiment(&self) -> &Arc<Experiment> {
        &self.experiment
    }

    /// The trace being replayed, if any.
    #[must_use]
    pub fn trace(&self) -> Option<&Arc<Trace>> {
        self.trace.as_ref()
    }

    /// The present state.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Centroids of the largest variant's experts; the others use the first of them.
    #[must_use]
    pub fn centroids(&self) -> &Arc<Vec<Embedding>> {
        &self.centroids
    }

    /// Updates done.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.state.step
    }

    /// One digest of all variants' digests.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut all = Digest::default();
        for v in &self.state.variants {
            all.word(v.digest.value());
        }
        all
    }

    /// Restores a state of this same run, as from a checkpoint. `experiment` holds the settings in force at that step.
    ///
    /// # Errors
    /// A setting out of range, or a state whose shape does not fit the settings.
    pub fn restore(&mut self, experiment: impl Into<Arc<Experiment>>, state: State) -> Result<(), ConfigError> {
        let experiment = experiment.into();
        experiment.validate()?;
        check::state(&experiment, &state)?;
        self.experiment = experiment;
        self.state = state;
        self.topics = None;
        Ok(())
    }

    /// Applies a change before the next step. Nothing changes when this fails.
    ///
    /// # Errors
    /// As [`change::apply`](crate::change::apply).
    pub fn apply(&mut self, target: Target, change: &Change) -> Result<(), ConfigError> {
        let mut next = (*self.experiment).clone();
        check::change(&mut next, self.trace.as_deref(), target, change)?;
        let before = std::mem::replace(&mut self.experiment, Arc::new(next));
        self.topics = None;
        let step = self.state.step;
        for (i, old) in before.variants.iter().enumerate() {
            let meant = match target {
                Target::Source => false,
                Target::Variant(v) => v == i,
                Target::AllVariants => true,
            };
            if !meant {
                continue;
            }
            if matches!(change, Change::SetSchedule(_)) {
                self.state.variants[i].schedule_from = step;
            }
            let kind = self.experiment.variants[i].balancer.rule.kind_of_bias();
            if matches!(change, Change::ResetBias) || kind != old.balancer.rule.kind_of_bias() {
                self.state.variants[i].bias = self.initial_bias(i);
            }
            if matches!(change, Change::ResetBias) || old.balancer.rule != self.experiment.variants[i].balancer.rule {
                self.state.variants[i].memory.clear();
            }
            if let Change::SetBias(set) = change {
                self.state.variants[i].bias.clone_from(&set.bias);
                self.state.variants[i].memory.clone_from(&set.memory);
            }
            if let (Change::SetLearning(LearningChange::Optimiser(_)), Some(learned)) =
                (change, &mut self.state.variants[i].learned)
            {
                Arc::make_mut(learned).forget();
            }
        }
        Ok(())
    }

    /// Sets the name that a person typed for a variant; `None` lets it follow the settings again. The simulation is not affected.
    pub fn rename(&mut self, variant: usize, name: Option<&str>) {
        Arc::make_mut(&mut self.experiment).rename(variant, name);
    }

    /// Applies an event now, whatever its step.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub fn apply_event(&mut self, event: &Event) -> Result<(), ConfigError> {
        self.apply(event.target, &event.change)
    }

    /// Tokens in the next batch.
    #[must_use]
    pub fn batch(&self) -> u32 {
        if let Some(world) = self.experiment.world() {
            return world.batch;
        }
        match (self.experiment.synthetic(), &self.trace) {
            (Some(s), _) => s.batch,
            (None, Some(trace)) => trace.tokens as u32,
            (None, None) => 0,
        }
    }

    /// Completes a step from the counts of a batch made by [`Self::next_batch`]: updates biases, memories and digests, and goes to the next
    /// step.
    pub fn finish(&mut self, batch: &Batch, counts: Counts) -> StepRow {
        self.finish_on(batch, counts, &Alone)
    }

    /// As [`Self::finish`]; `spread` runs the parts of the learning, for example on several threads.
    pub fn finish_on(&mut self, batch: &Batch, counts: Counts, spread: &impl Spread) -> StepRow {
        let mut ready = None;
        if !batch.is_ready() {
            ready.insert(batch.clone()).make_ready(spread);
        }
        let batch = ready.as_ref().unwrap_or(batch);
        let sampled = batch.sample_size();
        let mut rows = Vec::with_capacity(self.state.variants.len());
        let all = self.experiment.variants.iter().zip(&mut self.state.variants).zip(&batch.variants);
        for (((v, state), routing), (i, loads)) in all.zip(counts.loads.into_iter().enumerate()) {
            let examples = batch.examples.as_deref();
            let learning =
                learning::learn(v, state, (routing, examples), &loads, (self.state.step, &mut self.room), spread);
            let step = Step::new(&v.router, batch.inputs.batch, batch.inputs.rates[i]);
            let dropped = &counts.dropped[i];
            // The balancer sees all assignments, dropped ones included.
            let routed: Vec<u32> = loads.iter().zip(dropped).map(|(l, d)| l + d).collect();
            let seen = if dropped.is_empty() { &loads } else { &routed };
            if !batch.reorder(i, v.balancer.average, &mut state.bias) {
                balance::update(&v.balancer, &mut state.bias, &mut state.memory, seen, step);
            }
            state.digest.step(&loads, &state.bias);
            rows.push(VariantRow {
                top_k: v.router.top_k,
                tokens: batch.inputs.batch,
                dropped: dropped.iter().sum(),
                dropped_by: dropped.clone(),
                loads,
                bias: state.bias.clone(),
                moved: counts.moved[i],
                moved_of: if routing.is_plain() { sampled * v.router.top_k } else { counts.sampled[i] },
                saturated: if routing.rule.is_top_k() { routing.selector.saturated() } else { 0 },
                zero_experts: v.balancer.identity_experts(),
                share: balance::aimed_share(&v.balancer, &v.router),
                learning,
            });
        }
        let row = StepRow { step: self.state.step, tokens: batch.inputs.batch, variants: rows };
        self.move_on();
        row
    }

    /// Completes the present step with a row that another engine computed. The rules' memories are computed from its loads.
    pub fn adopt(&mut self, row: &StepRow) {
        let rates = self.rates(self.state.step);
        let all = self.experiment.variants.iter().zip(&mut self.state.variants).zip(&row.variants).zip(rates);
        for (((v, state), made), rates) in all {
            let step = Step::new(&v.router, row.tokens, rates);
            balance::remember(&v.balancer, &mut state.memory, &made.loads, step);
            state.bias.clone_from(&made.bias);
            state.digest.step(&made.loads, &made.bias);
        }
        self.move_on();
    }

    /// Replaces the trace by another with as many experts: a recording that is read step by step gives each step as a trace of its own.
    pub fn show(&mut self, trace: Arc<Trace>) {
        self.trace = Some(trace);
    }

    /// Lets every variant whose rule adds biases to scores start from these biases, in score units, if it has as many experts: the start of a
    /// layer whose steps come by [`Self::show`].
    pub fn start_from(&mut self, bias: &[f64]) {
        for (state, v) in self.state.variants.iter_mut().zip(&self.experiment.variants) {
            if v.balancer.rule.kind_of_bias() == 0 && bias.len() == state.bias.len() {
                state.bias = bias.iter().map(|&b| to_q32(b)).collect();
            }
        }
    }

    /// Does the present step of a trace that holds counts alone: the loads are what was recorded. `None` for every other source.
    pub fn counted(&mut self) -> Option<StepRow> {
        let trace = self.trace.clone().filter(|t| !t.counts.is_empty())?;
        let mut batch = self.next_batch();
        let recorded = trace.counts_of(self.trace_index(self.state.step))?;
        let most = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let all: u64 = recorded.iter().sum();
        let top_k = batch.variants.first().map_or(1, |v| v.router.top_k.max(1));
        batch.inputs.batch = most(all / u64::from(top_k));
        let mut counts = Counts::new(&batch);
        for loads in &mut counts.loads {
            loads.iter_mut().zip(recorded).for_each(|(load, &count)| *load = most(count));
        }
        Some(self.finish(&batch, counts))
    }

    fn move_on(&mut self) {
        self.state.phase = self.state.phase.wrapping_add(self.drift());
        self.state.step += 1;
    }

    /// One whole step on this thread: the reference that engines are tested against.
    pub fn advance(&mut self) -> StepRow {
        if let Some(row) = self.counted() {
            return row;
        }
        let mut batch = self.next_batch();
        batch.make_ready(&Alone);
        batch.look_ahead();
        let mut counts = Counts::new(&batch);
        batch.route(0..batch.inputs.batch, &mut counts);
        batch.count_moved_where(Routing::is_moved, 0..batch.sample_size(), &mut counts);
        self.finish(&batch, counts)
    }
}

fn error(setting: &str, value: &str, allowed: &str) -> ConfigError {
    ConfigError { setting: setting.into(), value: value.into(), allowed: allowed.into() }
}
