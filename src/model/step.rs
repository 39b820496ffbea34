//! One step: route a batch with the biases there are, count the loads, let the balancer move the biases.
//!
//! State n is the state after n updates. Step n routes with state n's biases and makes state n + 1; row n of any output holds
//! step n's loads and the biases after its update.

use super::balance::{self, Step};
use super::change::{self, Change, Event, Target};
use super::config::{ConfigError, DIM, Experiment, Gate, Router, Rule, Source};
use super::digest::Digest;
use super::expert_choice;
use super::gate;
use super::order::Order;
use super::select::{By, MAX_K, Selector, expert_of};
use super::tokens::{self, Embedding, TokenKey, Topics};
use super::trace::Trace;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;

/// The share moved by the bias is estimated on at most this many evenly spaced tokens of a batch.
pub const MOVED_SAMPLE: u32 = 512;
/// Random-counter step of the probe: a batch that no run reaches.
pub const PROBE_STEP: u32 = u32::MAX;

/// Everything that changes from step to step; small, so that it serves as a checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Updates done.
    pub step: u64,
    /// How far the topics have drifted, Q32 lifetimes.
    pub phase: u64,
    /// One per variant.
    pub variants: Vec<VariantState>,
}

/// The balancer's memory and the digest of one variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariantState {
    /// Bias of each expert, Q32.
    pub bias: Vec<i64>,
    /// The step at which the schedule was chosen; n = step − this + 1.
    pub schedule_from: u64,
    /// Digest of all loads and biases so far.
    pub digest: Digest,
}

/// What one step did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepRow {
    /// The step that was routed.
    pub step: u64,
    /// Tokens in the batch.
    pub tokens: u32,
    /// One per variant.
    pub variants: Vec<VariantRow>,
}

/// What one step did in one variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariantRow {
    /// Experts per token at this step.
    pub top_k: u32,
    /// Tokens that each expert got.
    pub loads: Vec<u32>,
    /// Bias of each expert after the update, Q32.
    pub bias: Vec<i64>,
    /// Of the sampled assignments, how many the bias moved.
    pub moved: u32,
    /// Sampled assignments.
    pub moved_of: u32,
    /// Experts whose bias was too far below the largest to be exact in the key.
    pub saturated: u32,
}

/// What the host prepares for one step; with the biases it decides everything.
#[derive(Clone, Debug)]
pub struct StepInputs {
    /// Where the tokens come from.
    pub tokens: TokenInputs,
    /// Tokens in the batch.
    pub batch: u32,
    /// Step size of each variant's update, Q32.
    pub rates: Vec<i64>,
}

/// Where the tokens of one step come from.
#[derive(Clone, Debug)]
pub enum TokenInputs {
    /// Drawn from the topics.
    Synthetic {
        /// The random counter's fixed words.
        key: TokenKey,
        /// This step's topics.
        topics: Arc<Topics>,
    },
    /// Batch number `index` of the trace.
    Trace {
        /// In [0, steps).
        index: usize,
    },
}

/// A running experiment: settings and state. Engines advance it; this is also the scalar reference engine.
#[derive(Clone, Debug)]
pub struct Simulation {
    experiment: Experiment,
    trace: Option<Arc<Trace>>,
    state: State,
    centroids: Arc<Vec<Embedding>>,
    widened: Arc<Vec<[i16; DIM]>>,
    topics: Option<(u64, Arc<Topics>)>,
}

impl Simulation {
    /// A simulation at step 0.
    ///
    /// # Errors
    /// A setting out of range, or a trace that is missing or has another number of experts.
    pub fn new(experiment: Experiment, trace: Option<Arc<Trace>>) -> Result<Self, ConfigError> {
        experiment.validate()?;
        if matches!(experiment.source, Source::Trace(_)) {
            let Some(trace) = &trace else {
                return Err(error("source", "a trace that is not loaded", "the path of a trace with scores"));
            };
            for (i, v) in experiment.variants.iter().enumerate() {
                if v.router.experts as usize != trace.experts {
                    let allowed = format!("{}, the number of experts in the trace", trace.experts);
                    return Err(error(
                        &format!("variants[{i}].router.experts"),
                        &v.router.experts.to_string(),
                        &allowed,
                    ));
                }
            }
            routes_again(&experiment, trace)?;
        }
        let start = |v: &super::config::Variant| VariantState {
            bias: vec![balance::initial_bias(v.balancer.rule); v.router.experts as usize],
            schedule_from: 0,
            digest: Digest::default(),
        };
        let state = State { step: 0, phase: 0, variants: experiment.variants.iter().map(start).collect() };
        let most = experiment.variants.iter().map(|v| v.router.experts).max().unwrap_or(0);
        let centroids = Arc::new(tokens::centroids(most, experiment.seed));
        let widened = Arc::new(centroids.iter().map(tokens::widened).collect());
        Ok(Self { experiment, trace, state, centroids, widened, topics: None })
    }

    /// The settings as they are now.
    #[must_use]
    pub fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    /// The trace being replayed, if any.
    #[must_use]
    pub fn trace(&self) -> Option<&Arc<Trace>> {
        self.trace.as_ref()
    }

    /// The state.
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

    /// One digest over all variants.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut all = Digest::default();
        for v in &self.state.variants {
            all.word(v.digest.value());
        }
        all
    }

    /// Goes to a state of this same run: a checkpoint. `experiment` holds the settings in force there.
    ///
    /// # Errors
    /// A state whose shape does not fit the settings.
    pub fn restore(&mut self, experiment: Experiment, state: State) -> Result<(), ConfigError> {
        experiment.validate()?;
        let fits = state.variants.len() == experiment.variants.len()
            && state.variants.iter().zip(&experiment.variants).all(|(s, v)| s.bias.len() == v.router.experts as usize);
        if !fits {
            return Err(error("start state", "of another shape", "one bias per expert of every variant"));
        }
        if state.variants.iter().flat_map(|v| &v.bias).any(|b| b.unsigned_abs() > 1 << 52) {
            return Err(error("start state", "a bias beyond ±2²⁰", "biases within ±2²⁰"));
        }
        self.experiment = experiment;
        self.state = state;
        self.topics = None;
        Ok(())
    }

    /// Applies a change before the next step. Nothing changes when this fails.
    ///
    /// # Errors
    /// As [`change::apply`].
    pub fn apply(&mut self, target: Target, change: &Change) -> Result<(), ConfigError> {
        let mut next = self.experiment.clone();
        change::apply(&mut next, target, change)?;
        if let Some(trace) = &self.trace {
            routes_again(&next, trace)?;
        }
        let before = std::mem::replace(&mut self.experiment, next);
        self.topics = None;
        let step = self.state.step;
        let changed = self.state.variants.iter_mut().zip(before.variants.iter().zip(&self.experiment.variants));
        for (i, (state, (old, new))) in changed.enumerate() {
            let meant = match target {
                Target::Source => false,
                Target::Variant(v) => v == i,
                Target::AllVariants => true,
            };
            if !meant {
                continue;
            }
            if matches!(change, Change::SetSchedule(_)) {
                state.schedule_from = step;
            }
            let other_kind = (old.balancer.rule == Rule::Multiplicative) != (new.balancer.rule == Rule::Multiplicative);
            if matches!(change, Change::ResetBias) || other_kind {
                state.bias.fill(balance::initial_bias(new.balancer.rule));
            }
        }
        Ok(())
    }

    /// Applies an event, whatever its step.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub fn apply_event(&mut self, event: &Event) -> Result<(), ConfigError> {
        self.apply(event.target, &event.change)
    }

    /// Tokens in the next batch.
    #[must_use]
    pub fn batch(&self) -> u32 {
        match (self.experiment.synthetic(), &self.trace) {
            (Some(s), _) => s.batch,
            (None, Some(trace)) => trace.tokens as u32,
            (None, None) => 0,
        }
    }

    /// Drift per step, Q32 lifetimes.
    fn drift(&self) -> u64 {
        match &self.experiment.source {
            Source::Synthetic(s) => libm::round(s.drift / 1000.0 * 4_294_967_296.0) as u64,
            _ => 0,
        }
    }

    /// The inputs of the step `ahead` steps from now, if no event comes between.
    pub fn inputs(&mut self, ahead: u64) -> StepInputs {
        let step = self.state.step + ahead;
        let rate = |(v, s): (&super::config::Variant, &VariantState)| {
            balance::rate_at(&v.balancer, step.saturating_sub(s.schedule_from) + 1)
        };
        let rates = self.experiment.variants.iter().zip(&self.state.variants).map(rate).collect();
        let batch = self.batch();
        let phase = self.state.phase.wrapping_add(self.drift().wrapping_mul(ahead));
        let key_step = if matches!(self.experiment.source, Source::Fixed(_)) { 0 } else { step as u32 };
        let tokens = match self.token_key(key_step) {
            Some(key) => TokenInputs::Synthetic { key, topics: self.topics(phase) },
            None => TokenInputs::Trace { index: self.trace_index(step) },
        };
        StepInputs { tokens, batch, rates }
    }

    fn trace_index(&self, step: u64) -> usize {
        self.trace.as_ref().map_or(0, |t| (step % t.steps.max(1) as u64) as usize)
    }

    fn token_key(&self, step: u32) -> Option<TokenKey> {
        self.experiment.synthetic().map(|s| TokenKey::new(s, self.experiment.seed, step))
    }

    fn topics(&mut self, phase: u64) -> Arc<Topics> {
        if let Some((at, topics)) = &self.topics
            && *at == phase
        {
            return Arc::clone(topics);
        }
        let source = self.experiment.synthetic().cloned().unwrap_or_default();
        let topics = Arc::new(Topics::new(&source, self.experiment.seed, phase));
        self.topics = Some((phase, Arc::clone(&topics)));
        topics
    }

    /// The next batch, ready to be routed in any order and on any number of threads.
    pub fn next_batch(&mut self) -> Batch {
        let inputs = self.inputs(0);
        self.batch_of(inputs)
    }

    /// The fixed probe: a batch that is the same at every step of a synthetic run but for drift, and the first batch of a
    /// trace or of a fixed source.
    pub fn probe(&mut self) -> Batch {
        let mut inputs = self.inputs(0);
        match &mut inputs.tokens {
            TokenInputs::Synthetic { key, .. } if matches!(self.experiment.source, Source::Synthetic(_)) => {
                key.step = PROBE_STEP;
            }
            TokenInputs::Synthetic { .. } => {}
            TokenInputs::Trace { index } => *index = 0,
        }
        self.batch_of(inputs)
    }

    fn batch_of(&self, inputs: StepInputs) -> Batch {
        let variants = self.experiment.variants.iter().zip(&self.state.variants);
        let variants = variants
            .map(|(v, s)| Routing {
                router: v.router.clone(),
                selector: Selector::new(v.balancer.rule, &s.bias),
                unbiased: Selector::unbiased(v.router.experts as usize),
                recorded: self.trace.as_ref().map(|t| t.scores(v.router.gate)),
                rule: v.balancer.rule,
                iterations: v.balancer.iterations,
                bias: s.bias.clone(),
                order: Order::default(),
            })
            .collect();
        Batch { inputs, variants, centroids: Arc::clone(&self.widened), trace: self.trace.clone() }
    }

    /// Takes the counts of a batch made by [`Self::next_batch`], lets the balancers act, and moves on.
    pub fn finish(&mut self, batch: &Batch, counts: Counts) -> StepRow {
        let sampled = batch.sample_size();
        let mut rows = Vec::with_capacity(self.state.variants.len());
        let all = self.experiment.variants.iter().zip(&mut self.state.variants).zip(&batch.variants);
        for (((v, state), routing), (i, loads)) in all.zip(counts.loads.into_iter().enumerate()) {
            let step = Step {
                experts: u64::from(v.router.experts),
                assignments: u64::from(v.router.top_k) * u64::from(batch.inputs.batch),
                rate: batch.inputs.rates[i],
            };
            if !batch.reorder(i, v.balancer.average, &mut state.bias) {
                balance::update(v.balancer.rule, v.balancer.centred, &mut state.bias, &loads, step);
            }
            state.digest.step(&loads, &state.bias);
            rows.push(VariantRow {
                top_k: v.router.top_k,
                loads,
                bias: state.bias.clone(),
                moved: counts.moved[i],
                moved_of: if routing.is_plain() { sampled * v.router.top_k } else { 0 },
                saturated: routing.selector.saturated(),
            });
        }
        let row = StepRow { step: self.state.step, tokens: batch.inputs.batch, variants: rows };
        self.move_on();
        row
    }

    /// Takes a row that another engine computed for the present step.
    pub fn adopt(&mut self, row: &StepRow) {
        for (state, made) in self.state.variants.iter_mut().zip(&row.variants) {
            state.bias.clone_from(&made.bias);
            state.digest.step(&made.loads, &made.bias);
        }
        self.move_on();
    }

    fn move_on(&mut self) {
        self.state.phase = self.state.phase.wrapping_add(self.drift());
        self.state.step += 1;
    }

    /// One step on this thread: the oracle.
    pub fn advance(&mut self) -> StepRow {
        let mut batch = self.next_batch();
        batch.settle();
        let mut counts = Counts::new(&batch);
        batch.route(0..batch.inputs.batch, &mut counts);
        batch.count_moved_where(Routing::is_plain, 0..batch.sample_size(), &mut counts);
        self.finish(&batch, counts)
    }
}

/// A log of selections without scores can be watched as it was recorded, and no other way.
fn routes_again(experiment: &Experiment, trace: &Trace) -> Result<(), ConfigError> {
    let Some(k) = trace.selected else { return Ok(()) };
    for v in &experiment.variants {
        let as_it_was = v.balancer.rule == Rule::None && v.router.top_k == k && v.router.gate == Gate::Sigmoid;
        if !as_it_was {
            let value = format!("{} with K {} and rule {}", v.router.gate, v.router.top_k, v.balancer.rule);
            let allowed = format!("left at K {k} without a balancer: this log holds selections without scores");
            return Err(error("the router", &value, &allowed));
        }
    }
    Ok(())
}

fn error(setting: &str, value: &str, allowed: &str) -> ConfigError {
    ConfigError { setting: setting.into(), value: value.into(), allowed: allowed.into() }
}

/// One batch of tokens and the routers it meets. Shared by all threads that route it.
#[derive(Clone, Debug)]
pub struct Batch {
    /// What the host prepared.
    pub inputs: StepInputs,
    /// One per variant.
    pub variants: Vec<Routing>,
    centroids: Arc<Vec<[i16; DIM]>>,
    trace: Option<Arc<Trace>>,
}

/// One variant's router with the biases of one step.
#[derive(Clone, Debug)]
pub struct Routing {
    /// The router.
    pub router: Router,
    /// Selection with the biases.
    pub selector: Selector,
    /// Selection without.
    pub unbiased: Selector,
    /// The rule, where it says more than the selection does.
    pub rule: Rule,
    /// Passes that BIP makes on the batch before it routes it.
    pub iterations: u32,
    /// The biases at the start of the step, Q32.
    pub bias: Vec<i64>,
    /// What it has to know of the whole batch.
    pub order: Order,
    recorded: Option<Arc<Vec<i32>>>,
}

impl Routing {
    /// Whether a token's experts are the K largest of its keys and nothing else: what the kernels and shaders know. Other ways to
    /// choose go through [`Batch::choose`].
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.rule != Rule::ExpertChoice
    }

    /// The trace's scores, Q20, [steps, tokens, experts]; `None` for synthetic tokens.
    #[must_use]
    pub fn recorded(&self) -> Option<&[i32]> {
        self.recorded.as_ref().map(|s| s.as_slice())
    }
}

/// What routing a batch counts; sums of parts are the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tokens per expert, per variant.
    pub loads: Vec<Vec<u32>>,
    /// Assignments moved by the bias among the sampled tokens, per variant.
    pub moved: Vec<u32>,
    /// How many tokens have which digit, per variant, [experts, bins]; empty but while a batch is put in order (`model::order`).
    pub digits: Vec<Vec<u32>>,
}

impl Counts {
    /// Zeros of the batch's shape.
    #[must_use]
    pub fn new(batch: &Batch) -> Self {
        Self {
            loads: batch.variants.iter().map(|v| vec![0; v.router.experts as usize]).collect(),
            moved: vec![0; batch.variants.len()],
            digits: vec![],
        }
    }

    /// Adds another part.
    #[must_use]
    pub fn merged(mut self, other: &Self) -> Self {
        for (a, b) in self.loads.iter_mut().flatten().zip(other.loads.iter().flatten()) {
            *a += b;
        }
        for (a, b) in self.moved.iter_mut().zip(&other.moved) {
            *a += b;
        }
        for (a, b) in self.digits.iter_mut().flatten().zip(other.digits.iter().flatten()) {
            *a += b;
        }
        self
    }
}

/// Room for one token's numbers, kept between tokens.
#[derive(Debug, Default)]
pub struct Scratch {
    logits: Vec<i32>,
    /// Scores of the token at the experts of the variant last asked for, Q20.
    pub scores: Vec<i32>,
}

impl Batch {
    /// The centroid of each expert of the largest variant, in 16 bits.
    #[must_use]
    pub fn centroids(&self) -> &Arc<Vec<[i16; DIM]>> {
        &self.centroids
    }

    /// The topic (or the trace's group) of a token.
    #[must_use]
    pub fn topic(&self, token: u32) -> u32 {
        match &self.inputs.tokens {
            TokenInputs::Synthetic { key, topics } => topics.of_token(token, key) as u32,
            TokenInputs::Trace { index } => self.trace.as_ref().map_or(0, |t| t.group(*index, token as usize)),
        }
    }

    /// Calls `f` with every variant's index and the token's scores there.
    pub(super) fn with_scores(&self, token: u32, scratch: &mut Scratch, mut f: impl FnMut(usize, &[i32])) {
        match &self.inputs.tokens {
            TokenInputs::Trace { index } => {
                let Some(trace) = &self.trace else { return };
                let at = (index * trace.tokens + token as usize) * trace.experts;
                for (i, v) in self.variants.iter().enumerate() {
                    if let Some(recorded) = &v.recorded {
                        f(i, &recorded[at..at + trace.experts]);
                    }
                }
            }
            TokenInputs::Synthetic { key, topics } => {
                let x = tokens::widened(&topics.token(token, key).1);
                scratch.logits.clear();
                scratch.logits.extend(self.centroids.iter().map(|c| tokens::logit(&x, c)));
                let mut made: Option<(Gate, u32)> = None;
                for (i, v) in self.variants.iter().enumerate() {
                    let wanted = (v.router.gate, v.router.experts);
                    if made != Some(wanted) {
                        gate::scores(wanted.0, &scratch.logits[..wanted.1 as usize], &mut scratch.scores);
                        made = Some(wanted);
                    }
                    f(i, &scratch.scores);
                }
            }
        }
    }

    /// The scores of one token at one variant's experts, Q20.
    #[must_use]
    pub fn scores(&self, token: u32, variant: usize) -> Vec<i32> {
        let mut out = vec![];
        self.with_scores(token, &mut Scratch::default(), |i, s| {
            if i == variant {
                out = s.to_vec();
            }
        });
        out
    }

    /// The experts that a token gets in one variant, best first, into `out`. `scores` are its own there ([`Self::scores`]).
    pub fn choose(&self, variant: usize, by: By, token: u32, scores: &[i32], out: &mut Vec<usize>) {
        let routing = &self.variants[variant];
        if by == By::Bias && routing.rule == Rule::ExpertChoice {
            return expert_choice::experts(self.cuts(variant), token, scores, out);
        }
        let selector = match by {
            By::Bias => &routing.selector,
            By::Score => &routing.unbiased,
        };
        let k = routing.router.top_k as usize;
        let mut top = [0; MAX_K];
        selector.top_k(scores, k, &mut top);
        out.clear();
        out.extend(top[..k].iter().map(|&key| expert_of(key)));
    }

    /// Routes a range of tokens and adds to the loads.
    pub fn route(&self, range: Range<u32>, counts: &mut Counts) {
        self.route_where(|_| true, range, counts);
    }

    /// As [`Self::route`], in the variants that `wanted` picks.
    pub fn route_where(&self, wanted: impl Fn(&Routing) -> bool, range: Range<u32>, counts: &mut Counts) {
        let mut scratch = Scratch::default();
        let mut chosen = vec![];
        for token in range {
            self.with_scores(token, &mut scratch, |i, scores| {
                if wanted(&self.variants[i]) {
                    self.choose(i, By::Bias, token, scores, &mut chosen);
                    chosen.iter().for_each(|&e| counts.loads[i][e] += 1);
                }
            });
        }
    }

    /// How many tokens the share moved by the bias is estimated on.
    #[must_use]
    pub fn sample_size(&self) -> u32 {
        self.inputs.batch.min(MOVED_SAMPLE)
    }

    /// The `i`-th of `of` evenly spaced tokens.
    #[must_use]
    pub fn spaced(&self, i: u32, of: u32) -> u32 {
        (u64::from(i) * u64::from(self.inputs.batch) / u64::from(of.max(1))) as u32
    }

    /// Counts assignments that the bias moved, over a range of the sample.
    pub fn count_moved(&self, range: Range<u32>, counts: &mut Counts) {
        self.count_moved_where(|_| true, range, counts);
    }

    /// As [`Self::count_moved`], in the variants that `wanted` picks.
    pub fn count_moved_where(&self, wanted: impl Fn(&Routing) -> bool, range: Range<u32>, counts: &mut Counts) {
        let of = self.sample_size();
        let mut scratch = Scratch::default();
        let (mut with, mut without) = (vec![], vec![]);
        for i in range {
            let token = self.spaced(i, of);
            self.with_scores(token, &mut scratch, |v, scores| {
                if wanted(&self.variants[v]) {
                    self.choose(v, By::Bias, token, scores, &mut with);
                    self.choose(v, By::Score, token, scores, &mut without);
                    counts.moved[v] += with.iter().filter(|e| !without.contains(e)).count() as u32;
                }
            });
        }
    }
}
