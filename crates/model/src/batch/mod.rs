//! A batch of tokens and the variants' routers: which experts each token gets, and the counts of it.

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

/// The share of assignments moved by the bias is estimated from at most this many evenly spaced tokens of a batch.
pub const MOVED_SAMPLE: u32 = 512;

/// What the host prepares for one step. With the biases, it determines the result of the step.
#[derive(Clone, Debug)]
pub struct StepInputs {
    /// Where the tokens come from.
    pub tokens: TokenInputs,
    /// Tokens in the batch.
    pub batch: u32,
    /// Step sizes of each variant's update; see [`crate::balance::told_at`].
    pub rates: Vec<Rates>,
}

/// Where the tokens of one step come from.
#[derive(Clone, Debug)]
pub enum TokenInputs {
    /// Drawn from the topics.
    Synthetic {
        /// The words of the random counter that are the same for all tokens.
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

/// One batch of tokens and the routers of all variants, shared by all threads that route it.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The inputs that the host prepared.
    pub inputs: StepInputs,
    /// The routers, one per variant.
    pub variants: Vec<Routing>,
    pub(crate) centroids: Arc<Vec<[i16; DIM]>>,
    pub(crate) trace: Option<Arc<Trace>>,
    pub(crate) seed: u32,
    /// The tokens that count as the whole batch, by rising index; all of them where `None`.
    pub(crate) members: Option<Arc<Vec<u32>>>,
    pub(crate) examples: Option<Arc<Examples>>,
}

/// One variant's router with the biases of one step.
#[derive(Clone, Debug)]
pub struct Routing {
    /// The router.
    pub router: Router,
    /// Selection keys with the biases.
    pub selector: Selector,
    /// Selection keys without biases.
    pub unbiased: Selector,
    pub(crate) recorded: Option<Arc<Vec<i32>>>,
    /// The rule, which determines how experts are chosen.
    pub rule: Rule,
    /// Passes that BIP makes over the batch before routing it.
    pub iterations: u32,
    /// Whether the rule may move the biases; false once they are frozen.
    pub moves: bool,
    /// The biases at the start of the step, Q32.
    pub bias: Vec<i64>,
    /// The order statistics of the batch, for the rules that need them.
    pub order: Order,
    /// The biases of rule `Threshold`, Q32 in units of the gate: that rule depends on their absolute values, not only on their differences.
    pub(crate) absolute: Vec<i64>,
    /// What the router needs from the whole batch.
    pub(crate) whole: Arc<Whole>,
    /// Computes the scores of a router that learns.
    pub(crate) scorer: Option<Arc<Scorer>>,
}

impl Routing {
    /// Whether a token's experts are simply those with the K largest keys, which is what the kernels and shaders implement. All other ways
    /// to choose go through [`Batch::choose`].
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.rule.is_top_k() && self.router.groups.is_none() && self.router.capacity.is_none()
    }

    /// Whether routing a token depends on the whole batch.
    #[must_use]
    pub fn sees_whole_batch(&self) -> bool {
        self.rule.takes_whole_batch() || self.rule == Rule::ExpertChoice || self.router.capacity.is_some()
    }

    /// Whether assignments moved by the bias are counted; not under Expert Choice, which has no bias.
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

    /// Scores known in advance, Q20: those of a trace, [steps, tokens, experts], or those of a batch of a world to learn from that has been
    /// made ready, [tokens, experts]. `None` where scores are computed from logits in every step.
    #[must_use]
    pub fn recorded(&self) -> Option<&[i32]> {
        self.recorded.as_ref().map(|s| s.as_slice())
    }
}

/// The counts from routing a batch or a part of it; the counts of the parts add up to those of the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Assignments that experts kept, per variant and expert.
    pub loads: Vec<Vec<u32>>,
    /// Assignments moved by the bias among the sampled tokens, per variant.
    pub moved: Vec<u32>,
    /// Assignments of the sampled tokens, per variant. Not counted for plain variants, which have K for each token.
    pub sampled: Vec<u32>,
    /// Assignments dropped for lack of room, per variant and expert; empty without a capacity.
    pub dropped: Vec<Vec<u32>>,
    /// How many tokens have each digit, per variant, [experts, bins]; used only while order statistics are computed ([`crate::order`]).
    pub digits: Vec<Vec<u32>>,
}

impl Counts {
    /// Counts of 0 in the batch's shape.
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

    /// Adds the counts of another part.
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

/// Buffers for one token's numbers, reused from token to token.
#[derive(Debug, Default)]
pub struct Scratch {
    logits: Vec<i32>,
    reals: Vec<f32>,
    /// Scores of the current token at the experts of the last variant computed, Q20.
    pub scores: Vec<i32>,
}

impl Batch {
    /// The centroids of the largest variant's experts, in 16 bits; other variants use the first of them.
    #[must_use]
    pub fn centroids(&self) -> &Arc<Vec<[i16; DIM]>> {
        &self.centroids
    }

    /// The trace, where the gate is applied to its logits in every step.
    #[must_use]
    pub fn given_logits(&self) -> Option<&Trace> {
        self.trace.as_deref().filter(|t| t.gate_each_step)
    }

    /// The topic of a token; in a trace its group, in a world to learn from its domain.
    #[must_use]
    pub fn topic(&self, token: u32) -> u32 {
        match &self.inputs.tokens {
            TokenInputs::Synthetic { key, topics } => topics.of_token(token, key) as u32,
            TokenInputs::Trace { index } => self.trace.as_ref().map_or(0, |t| t.group(*index, token as usize)),
            TokenInputs::Learning(draw) => draw.topic(token).0 as u32,
        }
    }

    /// The id of a token, where the trace has recorded ids.
    #[must_use]
    pub fn token_id(&self, token: u32) -> Option<i64> {
        let TokenInputs::Trace { index } = &self.inputs.tokens else { return None };
        let trace = self.trace.as_ref()?;
        trace.token_ids.get(index * trace.tokens + token as usize).map(|&id| i64::from(id))
    }

    /// Calls `f` with each variant's index and the token's scores there.
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

    /// Computes scores from the logits in `scratch`, only once for consecutive variants with the same gate and number of experts.
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

    /// Writes the experts that a token chooses in one variant to `out`, best first. `scores` are the token's scores there
    /// ([`Self::scores`]). Whether the experts have room for it is decided by [`Self::keeps`].
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

    /// Routes a range of tokens in all variants and adds to the loads and dropped assignments.
    pub fn route(&self, range: Range<u32>, counts: &mut Counts) {
        self.route_where(|_| true, range, counts);
    }

    /// As [`Self::route`], for the variants that satisfy `wanted`.
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

    /// The number of tokens from which the share moved by the bias is estimated.
    #[must_use]
    pub fn sample_size(&self) -> u32 {
        self.inputs.batch.min(MOVED_SAMPLE)
    }

    /// The index of the `i`-th of `of` evenly spaced tokens.
    #[must_use]
    pub fn spaced(&self, i: u32, of: u32) -> u32 {
        (u64::from(i) * u64::from(self.inputs.batch) / u64::from(of.max(1))) as u32
    }

    /// Counts the assignments that the bias moved, over a range of the sampled tokens.
    pub fn count_moved(&self, range: Range<u32>, counts: &mut Counts) {
        self.count_moved_where(|_| true, range, counts);
    }

    /// As [`Self::count_moved`], for the variants that satisfy `wanted`.
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

/// The selection keys with the biases of one step. Scores are stored in units of the gate, so the biases are converted to them.
pub(crate) fn selector(rule: Rule, router: &Router, bias: &[i64]) -> Selector {
    if router.gate.unit_bits() == 0 || rule == Rule::Multiplicative {
        return Selector::new(rule, bias);
    }
    Selector::new(rule, &in_units(router, bias))
}

/// Converts biases to the units of the gate's scores, Q32.
pub(crate) fn in_units(router: &Router, bias: &[i64]) -> Vec<i64> {
    bias.iter().map(|b| b >> router.gate.unit_bits()).collect()
}
