//! A layer that really learns, so that balancing can be seen to cost something: experts are small linear maps, tokens carry
//! targets, and the router's centroids follow the task loss and, where chosen, an auxiliary loss.
//!
//! One MoE layer learns a regression by gradient descent. For token t with embedding x, target y and router scores s:
//!
//! ```text
//! z_i = C_i·x     s_i = σ(z_i)     A = top-K of s_i + b_i     g_i = s_i, or s_i / Σ_A s_j
//! ŷ = S x + Σ_A g_i W_i x          L = 1/(2·T·OUT) Σ_t |ŷ − y|²
//! ```
//!
//! The selection is held fixed in the gradient, as everywhere in the literature. Everything here is f32 and happens in a fixed
//! order: partial sums over fixed chunks of tokens, added in the order of the chunks, without fused operations and without any
//! platform's own exponential. So a run repeats bit for bit on any number of threads. Scores become Q20 integers once, and from
//! there a learned router is routed, balanced and counted like every other.

pub mod auxiliary;
pub mod evaluate;
pub mod layer;
pub mod optimise;
pub mod parameters;
pub mod score;
pub use crate::settings::learning as settings;
pub mod spread;
pub mod train;
pub mod world;

use serde::{Deserialize, Serialize};

/// Dimensions of a target.
pub const OUT: usize = 8;

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
