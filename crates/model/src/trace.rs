//! Recorded router scores of a real model, in memory. `moebias_files::trace` reads the files.

use super::config::Gate;
use super::gate::scores_of_recorded;
use std::sync::{Arc, OnceLock};

/// Router logits of one layer: `steps` batches of `tokens` tokens at `experts` experts.
#[derive(Debug)]
pub struct Trace {
    /// Batches. After the last one the trace starts again from the first.
    pub steps: usize,
    /// Tokens per batch.
    pub tokens: usize,
    /// Experts.
    pub experts: usize,
    /// Logits before the gate: [steps, tokens, experts], row-major, all finite. Empty where only the chosen experts were recorded.
    pub logits: Vec<f32>,
    /// The group of each token (the domain of its text), [steps, tokens]; empty where not recorded.
    pub groups: Vec<u32>,
    /// Names of the groups, by group number.
    pub group_names: Vec<String>,
    /// The token id of each token, [steps, tokens]; empty where not recorded.
    pub token_ids: Vec<i32>,
    /// Apply the integer gate to Q14 logits in every step instead of applying the exact gate once in advance. This needs no second copy of
    /// the trace, and makes timings comparable with programs that read logits (`moebias bench --given-logits`).
    pub gate_each_step: bool,
    /// The selection bias that the model had learned, in score units, \[experts\]; empty where not recorded.
    pub learned_bias: Vec<f64>,
    /// Whether biases start from `learned_bias` instead of 0.
    pub starts_from_bias: bool,
    /// `Some(K)` where only the K chosen experts per token were recorded: such a trace can be shown, but not routed again.
    pub selected: Option<u32>,
    /// The number of tokens of every expert, [steps, experts], where nothing else was recorded: such a trace has no tokens to show.
    pub counts: Vec<u64>,
    sigmoid: OnceLock<Arc<Vec<i32>>>,
    softmax: OnceLock<Arc<Vec<i32>>>,
    sqrt_softplus: OnceLock<Arc<Vec<i32>>>,
}

impl Trace {
    /// A trace of finite logits. `logits.len()` must be `steps·tokens·experts`.
    #[must_use]
    pub fn new(steps: usize, tokens: usize, experts: usize, logits: Vec<f32>) -> Self {
        debug_assert_eq!(logits.len(), steps * tokens * experts);
        Self {
            steps,
            tokens,
            experts,
            logits,
            groups: vec![],
            group_names: vec![],
            token_ids: vec![],
            gate_each_step: false,
            learned_bias: vec![],
            starts_from_bias: false,
            selected: None,
            counts: vec![],
            sigmoid: OnceLock::new(),
            softmax: OnceLock::new(),
            sqrt_softplus: OnceLock::new(),
        }
    }

    /// A log of selections as a trace: `ids` are [steps, tokens, top_k], best first. The chosen experts get scores that fall with their
    /// rank and all others a low score, so that an unbiased router chooses exactly the recorded experts.
    #[must_use]
    pub fn of_selections(steps: usize, tokens: usize, experts: usize, top_k: u32, ids: &[u16]) -> Self {
        let k = top_k.max(1) as usize;
        let mut by_rank = vec![];
        let logits = (0..k).map(|rank| f64::from(4.0 - 0.1 * rank as f32)).chain([-8.0]);
        scores_of_recorded(Gate::Sigmoid, logits, &mut by_rank);
        // Only sigmoid scores are kept, because such a log is always shown with that gate; logits would double the memory.
        let mut scores = vec![by_rank.last().copied().unwrap_or(0); steps * tokens * experts];
        for (token, chosen) in scores.chunks_exact_mut(experts.max(1)).zip(ids.chunks_exact(k)) {
            for (&e, score) in chosen.iter().zip(&by_rank) {
                if let Some(place) = token.get_mut(usize::from(e)) {
                    *place = *score;
                }
            }
        }
        let sigmoid = OnceLock::from(Arc::new(scores));
        Self { selected: Some(top_k), sigmoid, steps, tokens, experts, ..Self::new(0, 0, 0, vec![]) }
    }

    /// Scores that have passed this gate, Q20, [steps, tokens, experts]. Such a trace has no logits and is routed with this gate only.
    #[must_use]
    pub fn of_scores(steps: usize, tokens: usize, experts: usize, gate: Gate, scores: Vec<i32>) -> Self {
        debug_assert_eq!(scores.len(), steps * tokens * experts);
        let made = Self { steps, tokens, experts, ..Self::new(0, 0, 0, vec![]) };
        let cache = match gate {
            Gate::Sigmoid => &made.sigmoid,
            Gate::Softmax => &made.softmax,
            Gate::SqrtSoftplus => &made.sqrt_softplus,
        };
        // The trace was made here, so there are no scores in it yet.
        cache.set(Arc::new(scores)).ok();
        made
    }

    /// Whether the trace can only be shown as it was recorded, because no scores were recorded.
    #[must_use]
    pub fn is_only_watched(&self) -> bool {
        self.selected.is_some() || !self.counts.is_empty()
    }

    /// The counts of a step, one per expert; `None` where tokens were recorded.
    #[must_use]
    pub fn counts_of(&self, step: usize) -> Option<&[u64]> {
        self.counts.get(step * self.experts..(step + 1) * self.experts).filter(|c| !c.is_empty())
    }

    /// Counts alone as a trace: `counts` are [steps, experts].
    #[must_use]
    pub fn of_counts(experts: usize, counts: Vec<u64>) -> Self {
        let steps = counts.len() / experts.max(1);
        Self { steps, tokens: 1, experts, counts, ..Self::new(0, 0, 0, vec![]) }
    }

    /// Every score, Q20, [steps, tokens, experts]: the gate of the recorded logit in f64, rounded once. Computed on first use for each
    /// gate.
    #[must_use]
    pub fn scores(&self, gate: Gate) -> Arc<Vec<i32>> {
        let cache = match gate {
            Gate::Sigmoid => &self.sigmoid,
            Gate::Softmax => &self.softmax,
            Gate::SqrtSoftplus => &self.sqrt_softplus,
        };
        let make = || {
            let mut out = Vec::with_capacity(self.logits.len());
            for token in self.logits.chunks_exact(self.experts.max(1)) {
                scores_of_recorded(gate, token.iter().map(|&x| f64::from(x)), &mut out);
            }
            Arc::new(out)
        };
        Arc::clone(cache.get_or_init(make))
    }

    /// The recorded logits of one token, one per expert.
    #[must_use]
    pub fn logits_of(&self, step: usize, token: usize) -> &[f32] {
        let at = (step * self.tokens + token) * self.experts;
        self.logits.get(at..at + self.experts).unwrap_or_default()
    }

    /// The group of a token; 0 where groups were not recorded.
    #[must_use]
    pub fn group(&self, step: usize, token: usize) -> u32 {
        self.groups.get(step * self.tokens + token).copied().unwrap_or(0)
    }
}
