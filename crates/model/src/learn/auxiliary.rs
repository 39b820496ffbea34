//! Auxiliary losses, which pull the router itself towards balance: α·Σ_i f_i·P_i, with f held constant.
//!
//! c_i are the loads of the batch as routed, T the tokens, K the experts per token, E the experts, s_ti the scores and z_t the logits of
//! token t.
//!
//! | loss | f_i | P_i | source |
//! |---|---|---|---|
//! | plain | E·c_i/(K·T) | 1/T Σ_t s_ti | Wang et al. 2024 (arXiv 2408.15664), there per sequence |
//! | normalised | E·c_i/(K·T) | 1/T Σ_t s_ti/Σ_j s_tj | Megatron-LM's `aux_loss` with sigmoid scores, up to a constant |
//! | Switch | E·(share of tokens whose highest score is i) | 1/T Σ_t softmax(z_t)_i | Fedus et al. 2021 (arXiv 2101.03961); GShard's (arXiv 2006.16668) is 1/E² of it, per group |
//! | sequence-wise | as normalised, per sequence, from the unbiased top-K | per sequence | DeepSeek-V3 |
//! | global batch | E·Σc_i/Σ(K·T) over the last batches | as normalised | Qwen (arXiv 2501.11873) |
//!
//! The value of Σ f P has no meaningful minimum; only its gradient matters. Where F are the load shares, it is the gradient of ½|F − 1/E|²,
//! passed straight through the selection (Su). Plain P has a drawback that shows here: its gradient α f_i/T is positive for every expert
//! even at perfect balance, so it mainly shrinks all scores.
//!
//! The z-loss of ST-MoE (arXiv 2202.08906), 1/T Σ_t (ln Σ_i e^z_ti)², does not balance loads; it keeps logits small.

use super::score::sum;
use super::settings::{Auxiliary, Learning};
use super::spread::Spread;
use crate::select::{MAX_K, Selector, expert_of};
use crate::settings::Gate;

/// What P is a mean of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Scores,
    Shares,
    Softmax,
}

/// An auxiliary loss for one batch; only the token is still to be given.
#[derive(Clone, Debug)]
pub struct Pull {
    form: Form,
    /// f of each sequence, [sequences, experts]; a loss over the whole batch has a single sequence.
    f: Vec<f32>,
    /// Tokens in a sequence.
    sequence: usize,
    tokens: usize,
    experts: usize,
}

/// What f is computed from: a routed batch.
#[derive(Clone, Copy, Debug)]
pub struct Routed<'a> {
    /// Scores, Q20, [tokens, experts].
    pub scores: &'a [i32],
    /// Experts per token.
    pub top_k: usize,
    /// Loads of this batch.
    pub loads: &'a [u32],
    /// Loads of the last batches, this one included, for the global-batch loss.
    pub recent: &'a [Vec<u32>],
}

impl Pull {
    /// The auxiliary loss that is chosen, or the normalised one where none is.
    #[must_use]
    pub fn new(settings: &Learning, routed: Routed<'_>, spread: &impl Spread) -> Self {
        let experts = routed.loads.len();
        let tokens = routed.scores.len() / experts.max(1);
        let whole = |form, f| Self { form, f, sequence: tokens.max(1), tokens, experts };
        let loads = || fractions(routed.loads.iter().map(|&c| u64::from(c)));
        match settings.auxiliary {
            Auxiliary::None | Auxiliary::Normalised => whole(Form::Shares, loads()),
            Auxiliary::Plain => whole(Form::Scores, loads()),
            Auxiliary::GlobalBatch => {
                let sum = |e: usize| routed.recent.iter().map(|l| u64::from(l[e])).sum::<u64>();
                let f = if routed.recent.is_empty() { loads() } else { fractions((0..experts).map(sum)) };
                whole(Form::Shares, f)
            }
            Auxiliary::Switch => whole(Form::Softmax, counted(routed.scores, 1, tokens.max(1), experts, spread)),
            Auxiliary::SequenceWise => {
                let sequence = (settings.sequence as usize).clamp(1, tokens.max(1));
                let f = counted(routed.scores, routed.top_k, sequence, experts, spread);
                Self { form: Form::Shares, f, sequence, tokens, experts }
            }
        }
    }

    /// Whether [`Self::gradient`] needs the softmax of the logits.
    #[must_use]
    pub fn needs_logits(&self) -> bool {
        self.form == Form::Softmax
    }

    /// ∂(Σ f P)/∂z of one token, from its scores `s` and, where needed, the softmax of its logits. Written to `out`, one number per expert.
    #[inline]
    pub fn gradient(&self, gate: Gate, token: usize, s: &[f32], softmax: &[f32], out: &mut [f32]) {
        let at = token / self.sequence;
        let f = &self.f[at * self.experts..][..self.experts];
        // P is a mean within each sequence and then over sequences; the last sequence may be shorter.
        let here = self.sequence.min(self.tokens - at * self.sequence) * self.tokens.div_ceil(self.sequence);
        let weight = 1.0 / here as f32;
        match self.form {
            Form::Scores => {
                for (out, f) in out.iter_mut().zip(f) {
                    *out = f * weight;
                }
                through(gate, s, out);
            }
            Form::Shares => {
                let total = sum(s.iter().copied());
                let mean = sum(s.iter().zip(f).map(|(s, f)| s * f)) / total;
                let weight = if total > 0.0 { weight / total } else { 0.0 };
                for (out, f) in out.iter_mut().zip(f) {
                    *out = (f - mean) * weight;
                }
                through(gate, s, out);
            }
            Form::Softmax => {
                let mean = sum(softmax.iter().zip(f).map(|(p, f)| p * f));
                for ((out, f), p) in out.iter_mut().zip(f).zip(softmax) {
                    *out = (f - mean) * weight * p;
                }
            }
        }
    }
}

/// Turns a gradient with respect to scores into one with respect to logits, in place.
#[inline]
pub fn through(gate: Gate, s: &[f32], gradient: &mut [f32]) {
    if gate == Gate::Softmax {
        let mean = sum(s.iter().zip(&*gradient).map(|(s, g)| s * g));
        for (g, s) in gradient.iter_mut().zip(s) {
            *g = s * (*g - mean);
        }
    } else {
        for (g, s) in gradient.iter_mut().zip(s) {
            *g *= s * (1.0 - s);
        }
    }
}

/// E times each expert's share of the counts.
fn fractions(counts: impl Iterator<Item = u64> + Clone) -> Vec<f32> {
    let (experts, total) = counts.clone().fold((0u64, 0u64), |(n, sum), c| (n + 1, sum + c));
    let scale = experts as f64 / total.max(1) as f64;
    counts.map(|c| (c as f64 * scale) as f32).collect()
}

/// f of each sequence, counted from the unbiased top `k` of its tokens.
fn counted(scores: &[i32], k: usize, sequence: usize, experts: usize, spread: &impl Spread) -> Vec<f32> {
    let selector = Selector::unbiased(experts);
    let sequences: Vec<&[i32]> = scores.chunks((sequence * experts).max(1)).collect();
    let mut f = vec![0.0; sequences.len() * experts];
    let parts: Vec<_> = f.chunks_mut(experts.max(1)).zip(sequences).collect();
    spread.each(parts, |(f, scores)| {
        let mut counts = vec![0u64; experts];
        let mut top = [0; MAX_K];
        for row in scores.chunks_exact(experts) {
            selector.top_k(row, k, &mut top);
            top[..k].iter().for_each(|&key| counts[expert_of(key)] += 1);
        }
        f.copy_from_slice(&fractions(counts.iter().copied()));
    });
    f
}
