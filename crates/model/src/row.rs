//! What one step did, and what would have been fair.

use serde::{Deserialize, Serialize};

/// What one step did.
#[derive(Clone, Debug, PartialEq)]
pub struct StepRow {
    /// The step that was routed.
    pub step: u64,
    /// Tokens in the batch.
    pub tokens: u32,
    /// One per variant.
    pub variants: Vec<VariantRow>,
}

/// What one step did in one variant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VariantRow {
    /// Experts per token at this step; what rule `Threshold` aims at.
    pub top_k: u32,
    /// Tokens in the batch.
    pub tokens: u32,
    /// Assignments that no expert had room for.
    pub dropped: u32,
    /// Tokens that each expert got and kept.
    pub loads: Vec<u32>,
    /// Bias of each expert after the update, Q32.
    pub bias: Vec<i64>,
    /// Of the sampled assignments, how many the bias moved.
    pub moved: u32,
    /// Sampled assignments.
    pub moved_of: u32,
    /// Experts whose bias was too far below the largest to be exact in the key.
    pub saturated: u32,
    /// The last so many experts are identity experts: nothing balances them.
    pub zero_experts: u32,
    /// The share of the batch's tokens that each of the others is to get, Q30, where a rule aims at one; else 0.
    pub share: u32,
    /// What learning showed; `None` where nothing learns, or where the layer has diverged.
    pub learning: Option<LearningRow>,
}

impl VariantRow {
    /// What each expert would get at perfect balance.
    #[must_use]
    pub fn fair(&self) -> Fair {
        let computing = self.loads.len().saturating_sub(self.zero_experts as usize);
        let kept: u64 = self.loads[..computing].iter().map(|&l| u64::from(l)).sum();
        Fair::of_step(kept + u64::from(self.dropped), self.share, self.tokens)
    }

    /// The fair share of an expert that is balanced, tokens.
    #[must_use]
    pub fn fair_share(&self) -> f64 {
        self.fair().share(self.loads.len().saturating_sub(self.zero_experts as usize))
    }
}

/// What the experts that are balanced would get at perfect balance, over one step or several. In integers, so that steps can be taken
/// away again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fair {
    /// Assignments of the steps whose aim is the mean, those that no expert had room for among them.
    came: u64,
    /// Tokens that each expert was to get in the others, Q30.
    aim: u64,
}

impl Fair {
    /// Of one step: how many assignments came, and the share of its tokens (Q30) that each expert is to get, 0 where the aim is the mean.
    #[must_use]
    pub fn of_step(came: u64, share: u32, tokens: u32) -> Self {
        match share {
            0 => Self { came, aim: 0 },
            share => Self { came: 0, aim: u64::from(share) * u64::from(tokens) },
        }
    }

    /// The fair share of each of so many experts, tokens.
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

/// What learning showed at one step of one variant. All finite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LearningRow {
    /// Task loss L of the batch, before the step's update: half the mean squared error of a target's coordinate.
    pub loss: f64,
    /// Σ|ŷ − y|² / Σ|y|² of the batch: 1 is what predicting nothing comes to.
    pub nmse: f64,
    /// Cosine of the angle between the task's and the auxiliary loss's gradient over the whole router. Where no auxiliary loss is
    /// chosen, it is the normalised one's, measured but not applied.
    pub cosine: f64,
    /// α·|auxiliary gradient| / |task gradient| over the whole router: how hard the auxiliary loss pulls.
    pub force: f64,
    /// Mean score of all tokens at all experts.
    pub mean_score: f64,
}

impl LearningRow {
    /// e^L: up to the constant √(2π) the perplexity per coordinate of a Gaussian of variance 1 round the prediction. A figure of
    /// this project, for those who think in perplexities; it is not the perplexity of any language model.
    #[must_use]
    pub fn perplexity(&self) -> f64 {
        libm::exp(self.loss.min(700.0))
    }

    /// Two joined, figure by figure; what is there where one is missing.
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
