//! A batch of tokens and the routers that it meets: which experts each token gets, and what is counted.

mod order;
mod whole;

use crate::balance::Rates;
use crate::config::{DIM, Gate, Router, Rule};
use crate::fixed::{BIAS_BITS, SCORE_BITS};
use crate::learn::score::Scorer;
use crate::learn::world::Draw;
use crate::learn::world::Examples;
use crate::select::{By, MAX_K, Selector, expert_of};
use crate::tokens::{TokenKey, Topics};
use crate::trace::Trace;
use crate::{expert_choice, gate, groups, hash, tokens};
use order::Order;
use std::ops::Range;
use std::sync::Arc;
use whole::Whole;

/// The share moved by the bias is estimated on at most this many evenly spaced tokens of a batch.
pub const MOVED_SAMPLE: u32 = 512;

/// What the host prepares for one step; with the biases it decides everything.
#[derive(Clone, Debug)]
pub struct StepInputs {
    /// Where the tokens come from.
    pub tokens: TokenInputs,
    /// Tokens in the batch.
    pub batch: u32,
    /// Step sizes of each variant's update.
    pub rates: Vec<Rates>,
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
    /// Drawn from a world to learn from.
    Learning(Draw),
}

/// One batch of tokens and the routers it meets. Shared by all threads that route it.
#[derive(Clone, Debug)]
pub struct Batch {
    /// What the host prepared.
    pub inputs: StepInputs,
    /// One per variant.
    pub variants: Vec<Routing>,
    pub(crate) centroids: Arc<Vec<[i16; DIM]>>,
    pub(crate) trace: Option<Arc<Trace>>,
    pub(crate) seed: u32,
    /// The tokens that count as the whole batch, rising; all of them where `None`.
    pub(crate) members: Option<Arc<Vec<u32>>>,
    pub(crate) examples: Option<Arc<Examples>>,
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
    pub(crate) recorded: Option<Arc<Vec<i32>>>,
    /// The rule, which says how experts are chosen.
    pub rule: Rule,
    /// Passes that BIP makes on the batch before it routes it.
    pub iterations: u32,
    /// Whether the rule may move the biases: not once they are frozen.
    pub moves: bool,
    /// The biases at the start of the step, Q32.
    pub bias: Vec<i64>,
    /// What the rules that put a batch in order know of it.
    pub order: Order,
    /// The biases of rule `Threshold`, Q32: there it matters where they stand, not only how they differ.
    pub(crate) absolute: Vec<i64>,
    /// What is known of the whole batch.
    pub(crate) whole: Arc<Whole>,
    /// What makes the scores of a router that learns.
    pub(crate) scorer: Option<Arc<Scorer>>,
}

impl Routing {
    /// Whether a token's experts are the K largest of its keys and nothing else: what the kernels and shaders know. Other ways to
    /// choose go through [`Batch::choose`].
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.rule.is_top_k() && self.router.groups.is_none() && self.router.capacity.is_none()
    }

    /// Whether tokens cannot tell by themselves where they go.
    #[must_use]
    pub fn sees_whole_batch(&self) -> bool {
        self.rule.takes_whole_batch() || self.rule == Rule::ExpertChoice || self.router.capacity.is_some()
    }

    /// Whether it is counted what the bias moves: not where experts choose, who have none.
    #[must_use]
    pub fn is_moved(&self) -> bool {
        self.rule != Rule::ExpertChoice
    }

    /// Every expert with s + b > 0, the largest sum first, ties to the lower index.
    fn above_threshold(&self, scores: &[i32], out: &mut Vec<usize>) {
        let sum = |e: usize| (i64::from(scores[e]) << (BIAS_BITS - SCORE_BITS)) + self.absolute[e];
        out.clear();
        out.extend((0..scores.len()).filter(|&e| sum(e) > 0));
        out.sort_unstable_by_key(|&e| (-sum(e), e));
    }

    /// The trace's scores, Q20, [steps, tokens, experts], or those of a batch to learn from that is ready, [tokens, experts]; `None`
    /// where scores are made of logits in every step.
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
    /// Assignments of the sampled tokens, per variant that is not plain; a plain one has K for each.
    pub sampled: Vec<u32>,
    /// Assignments that found no room, per variant and expert; empty without a capacity.
    pub dropped: Vec<Vec<u32>>,
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
            sampled: vec![0; batch.variants.len()],
            dropped: batch
                .variants
                .iter()
                .map(|v| vec![0; v.router.capacity.map_or(0, |_| v.router.experts) as usize])
                .collect(),
            digits: vec![],
        }
    }

    /// Adds another part.
    #[must_use]
    pub fn merged(mut self, other: &Self) -> Self {
        for (a, b) in self.loads.iter_mut().flatten().zip(other.loads.iter().flatten()) {
            *a += b;
        }
        for (a, b) in self.dropped.iter_mut().flatten().zip(other.dropped.iter().flatten()) {
            *a += b;
        }
        for (a, b) in self.moved.iter_mut().zip(&other.moved).chain(self.sampled.iter_mut().zip(&other.sampled)) {
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
    reals: Vec<f32>,
    /// Scores of the token at the experts of the variant last asked for, Q20.
    pub scores: Vec<i32>,
}

impl Batch {
    /// The centroid of each expert of the largest variant, in 16 bits.
    #[must_use]
    pub fn centroids(&self) -> &Arc<Vec<[i16; DIM]>> {
        &self.centroids
    }

    /// The trace, where its gate is taken in every step.
    #[must_use]
    pub fn given_logits(&self) -> Option<&Trace> {
        self.trace.as_deref().filter(|t| t.gate_each_step)
    }

    /// The topic (or the trace's group, or the domain of a world to learn from) of a token.
    #[must_use]
    pub fn topic(&self, token: u32) -> u32 {
        match &self.inputs.tokens {
            TokenInputs::Synthetic { key, topics } => topics.of_token(token, key) as u32,
            TokenInputs::Trace { index } => self.trace.as_ref().map_or(0, |t| t.group(*index, token as usize)),
            TokenInputs::Learning(draw) => draw.topic(token).0 as u32,
        }
    }

    /// The token id of a trace that has recorded them.
    #[must_use]
    pub fn token_id(&self, token: u32) -> Option<i64> {
        let TokenInputs::Trace { index } = &self.inputs.tokens else { return None };
        let trace = self.trace.as_ref()?;
        trace.token_ids.get(index * trace.tokens + token as usize).map(|&id| i64::from(id))
    }

    /// Calls `f` with every variant's index and the token's scores there.
    pub(crate) fn with_scores(&self, token: u32, scratch: &mut Scratch, mut f: impl FnMut(usize, &[i32])) {
        match &self.inputs.tokens {
            TokenInputs::Trace { index } => {
                let Some(trace) = &self.trace else { return };
                if trace.gate_each_step {
                    scratch.logits.clear();
                    scratch.logits.extend(trace.logits_of(*index, token as usize).iter().map(|&x| gate::quantised(x)));
                    return self.with_gates(scratch, f);
                }
                let at = (index * trace.tokens + token as usize) * trace.experts;
                for (i, v) in self.variants.iter().enumerate() {
                    if let Some(recorded) = &v.recorded {
                        f(i, &recorded[at..at + trace.experts]);
                    }
                }
            }
            TokenInputs::Learning(draw) => {
                let mut made = None;
                for (i, v) in self.variants.iter().enumerate() {
                    let experts = v.router.experts as usize;
                    match (&v.recorded, &v.scorer) {
                        (Some(scores), _) => f(i, &scores[token as usize * experts..][..experts]),
                        (None, Some(scorer)) => {
                            scratch.scores.resize(experts, 0);
                            let x = made.get_or_insert_with(|| draw.token(token).1);
                            scorer.scores(x, &mut scratch.reals, &mut scratch.scores);
                            f(i, &scratch.scores);
                        }
                        (None, None) => {}
                    }
                }
            }
            TokenInputs::Synthetic { key, topics } => {
                let x = tokens::widened(&topics.token(token, key).1);
                scratch.logits.clear();
                scratch.logits.extend(self.centroids.iter().map(|c| tokens::logit(&x, c)));
                self.with_gates(scratch, f);
            }
        }
    }

    /// Makes scores of the logits in `scratch`, once for neighbours that share them.
    fn with_gates(&self, scratch: &mut Scratch, mut f: impl FnMut(usize, &[i32])) {
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

    /// The experts that a token chooses in one variant, best first, into `out`. `scores` are its own there ([`Self::scores`]).
    /// Whether they have room for it says [`Self::keeps`].
    pub fn choose(&self, variant: usize, by: By, token: u32, scores: &[i32], out: &mut Vec<usize>) {
        let routing = &self.variants[variant];
        let k = routing.router.top_k as usize;
        let selector = match (by, routing.rule) {
            (By::Score, _) => &routing.unbiased,
            (_, Rule::Threshold) => return routing.above_threshold(scores, out),
            (_, Rule::ExpertChoice) => return expert_choice::experts(self.cuts(variant), token, scores, out),
            (_, Rule::Hash) => return hash::experts(self.word(token), scores.len(), k, self.seed, out),
            (_, Rule::Sinkhorn | Rule::Base) => return self.listed(variant, token, out),
            _ => &routing.selector,
        };
        let mut top = [0; MAX_K];
        match routing.router.groups {
            Some(groups) => groups::top_k(selector, groups, scores, k, &mut top),
            None => selector.top_k(scores, k, &mut top),
        }
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
                    for &e in &chosen {
                        if self.keeps(i, token, e, scores[e]) {
                            counts.loads[i][e] += 1;
                        } else {
                            counts.dropped[i][e] += 1;
                        }
                    }
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
                    counts.sampled[v] += with.len() as u32;
                    counts.moved[v] += with.iter().filter(|e| !without.contains(e)).count() as u32;
                }
            });
        }
    }
}

/// Selection with the biases of one step. Scores are held in units of the gate; so are the biases in their keys.
pub(crate) fn selector(rule: Rule, router: &Router, bias: &[i64]) -> Selector {
    if router.gate.unit_bits() == 0 || rule == Rule::Multiplicative {
        return Selector::new(rule, bias);
    }
    Selector::new(rule, &in_units(router, bias))
}

/// Biases in the units in which the gate's scores are held, Q32.
pub(crate) fn in_units(router: &Router, bias: &[i64]) -> Vec<i64> {
    bias.iter().map(|b| b >> router.gate.unit_bits()).collect()
}
