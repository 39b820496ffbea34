//! Recorded router scores of a real model, in memory. Reading the files is `scenario::trace`'s work.

use super::config::Gate;
use super::gate::scores_of_recorded;
use std::sync::{Arc, OnceLock};

/// Router logits of one layer: `steps` batches of `tokens` tokens at `experts` experts.
#[derive(Debug)]
pub struct Trace {
    /// Batches; after the last one the trace starts again.
    pub steps: usize,
    /// Tokens per batch.
    pub tokens: usize,
    /// Experts.
    pub experts: usize,
    /// Before the gate: [steps, tokens, experts], row-major. All finite. Empty where only who was chosen is known.
    pub logits: Vec<f32>,
    /// Which group each token belongs to (domain of its text), [steps, tokens]; empty where not recorded.
    pub groups: Vec<u32>,
    /// Names of the groups.
    pub group_names: Vec<String>,
    /// The text of each token, [steps, tokens]; empty where not recorded.
    pub token_ids: Vec<i32>,
    /// Take the gate in every step, from logits in Q14 by the integer gate, instead of once and exactly. That needs no second copy of
    /// the trace, and it is what peers that read logits are compared with (`moebias bench --given-logits`).
    pub gate_each_step: bool,
    /// The selection bias that the model had learned, score units, \[experts\]; empty where not recorded.
    pub learned_bias: Vec<f64>,
    /// Only who was chosen is known, this many experts per token: it can be watched, but not routed again.
    pub selected: Option<u32>,
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
            selected: None,
            sigmoid: OnceLock::new(),
            softmax: OnceLock::new(),
            sqrt_softplus: OnceLock::new(),
        }
    }

    /// A log of selections as a trace: `ids` are [steps, tokens, top_k], best first. Scores that fall with the rank, and
    /// nothing for who was not chosen, make an unbiased router choose the very same experts.
    #[must_use]
    pub fn of_selections(steps: usize, tokens: usize, experts: usize, top_k: u32, ids: &[u16]) -> Self {
        let k = top_k.max(1) as usize;
        let mut by_rank = vec![];
        let logits = (0..k).map(|rank| f64::from(4.0 - 0.1 * rank as f32)).chain([-8.0]);
        scores_of_recorded(Gate::Sigmoid, logits, &mut by_rank);
        // Only the scores are kept, under the one gate that such a log is watched with: logits would take as much again.
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

    /// Every score, Q20, [steps, tokens, experts]: the f64 gate of the recorded logit, rounded once.
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

    /// The logits of one token as recorded, per expert.
    #[must_use]
    pub fn logits_of(&self, step: usize, token: usize) -> &[f32] {
        let at = (step * self.tokens + token) * self.experts;
        self.logits.get(at..at + self.experts).unwrap_or_default()
    }

    /// The group of a token, 0 where none is recorded.
    #[must_use]
    pub fn group(&self, step: usize, token: usize) -> u32 {
        self.groups.get(step * self.tokens + token).copied().unwrap_or(0)
    }
}
