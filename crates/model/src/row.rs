//! What one step did, and the fair share of its experts.

use serde::{Deserialize, Serialize};

/// The result of one step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepRow {
    /// The step that was routed.
    pub step: u64,
    /// Tokens in the batch.
    pub tokens: u32,
    /// One per variant.
    pub variants: Vec<VariantRow>,
}

/// The result of one step in one variant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VariantRow {
    /// Experts per token at this step, K; for rule `Threshold` the mean number that it aims at.
    pub top_k: u32,
    /// Tokens in the batch.
    pub tokens: u32,
    /// Assignments dropped because the expert had no room.
    pub dropped: u32,
    /// Assignments that each expert dropped; empty without a capacity.
    pub dropped_by: Vec<u32>,
    /// Tokens that each expert kept.
    pub loads: Vec<u32>,
    /// Bias of each expert after the update, Q32.
    pub bias: Vec<i64>,
    /// How many of the sampled assignments the bias moved.
    pub moved: u32,
    /// Sampled assignments.
    pub moved_of: u32,
    /// Number of experts whose bias was too far below the largest to be exact in the key.
    pub saturated: u32,
    /// How many of the last experts are identity experts, which no rule balances.
    pub zero_experts: u32,
    /// The share of the batch's tokens that each other expert should get, Q30, where the rule sets one; else 0.
    pub share: u32,
    /// What learning measured; `None` where nothing learns, or where the layer has diverged.
    pub learning: Option<LearningRow>,
}

impl VariantRow {
    /// The fair share of this step: what each expert would get at perfect balance.
    #[must_use]
    pub fn fair(&self) -> Fair {
        let computing = self.loads.len().saturating_sub(self.zero_experts as usize);
        let kept: u64 = self.loads[..computing].iter().map(|&l| u64::from(l)).sum();
        Fair::of_step(kept + u64::from(self.dropped), self.share, self.tokens)
    }

    /// The fair share in tokens of each expert that is not an identity expert.
    #[must_use]
    pub fn fair_share(&self) -> f64 {
        self.fair().share(self.loads.len().saturating_sub(self.zero_experts as usize))
    }
}

/// The fair share over one step or several: what each expert that is balanced would get at perfect balance. It is kept in integers, so that
/// steps can be subtracted again exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fair {
    /// Assignments of the steps whose fair share is the mean, dropped ones included.
    came: u64,
    /// Tokens that each expert should get in the other steps, Q30.
    aim: u64,
}

impl Fair {
    /// The fair share of one step: `came` assignments, dropped ones included, of `tokens` tokens; `share` (Q30) is the share of the tokens
    /// that each expert should get, or 0 where the fair share is the mean.
    #[must_use]
    pub fn of_step(came: u64, share: u32, tokens: u32) -> Self {
        match share {
            0 => Self { came, aim: 0 },
            share => Self { came: 0, aim: u64::from(share) * u64::from(tokens) },
        }
    }

    /// The fair share of each of `experts` experts, in tokens.
    #[must_use]
    pub fn share(self, experts: usize) -> f64 {
        self.came as f64 / experts.max(1) as f64 + self.aim as f64 / f64::from(1u32 << 30)
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.came += other.came;
        self.aim += other.aim;
    }

    pub(crate) fn take(&mut self, other: Self) {
        self.came = self.came.saturating_sub(other.came);
        self.aim = self.aim.saturating_sub(other.aim);
    }
}

/// What learning measured at one step of one variant. All values are finite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LearningRow {
    /// Task loss L of the batch, before the step's update: half the mean squared error of a target's coordinate.
    pub loss: f64,
    /// Σ|ŷ − y|² / Σ|y|² of the batch: 1 for a prediction of 0.
    pub nmse: f64,
    /// Cosine of the angle between the gradients of the task loss and of the auxiliary loss over the whole router. Where no auxiliary loss
    /// is chosen, it is that of the normalised loss, which is measured but not applied.
    pub cosine: f64,
    /// α·|auxiliary gradient| / |task gradient| over the whole router: the relative strength of the auxiliary loss.
    pub force: f64,
    /// Mean score of all tokens at all experts.
    pub mean_score: f64,
}

impl LearningRow {
    /// e^L: up to the constant √(2π), the perplexity per coordinate of a Gaussian of variance 1 around the prediction. A figure of this
    /// project for readers who think in perplexities; it is not the perplexity of a language model.
    #[must_use]
    pub fn perplexity(&self) -> f64 {
        libm::exp(self.loss.min(700.0))
    }

    /// Two rows combined, value by value; where one is missing, the other.
    #[must_use]
    pub fn combined(a: Option<Self>, b: Option<Self>, value: impl Fn(f64, f64) -> f64) -> Option<Self> {
        let (Some(a), Some(b)) = (a, b) else { return a.or(b) };
        Some(Self {
            loss: value(a.loss, b.loss),
            nmse: value(a.nmse, b.nmse),
            cosine: value(a.cosine, b.cosine),
            force: value(a.force, b.force),
            mean_score: value(a.mean_score, b.mean_score),
        })
    }
}
