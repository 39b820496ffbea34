//! A layer that really learns, so that the cost of balancing can be measured: experts are small linear maps, tokens have targets, and the
//! router's centroids follow the gradient of the task loss and, where chosen, of an auxiliary loss.
//!
//! One MoE layer learns a regression by gradient descent. For token t with embedding x, target y and router scores s (σ is the sigmoid
//! gate; the softmax gate is possible too):
//!
//! ```text
//! z_i = C_i·x     s_i = σ(z_i)     A = top-K of s_i + b_i     g_i = s_i, or s_i / Σ_A s_j
//! ŷ = S x + Σ_A g_i W_i x          L = 1/(2·T·OUT) Σ_t |ŷ − y|²
//! ```
//!
//! The selection is held fixed in the gradient, as is usual. All computation is in f32 and in a fixed order: partial sums over fixed chunks
//! of tokens, added in the order of the chunks, without fused operations and without the platform's exponential. So a run repeats bit for
//! bit on any number of threads. Scores are rounded to Q20 integers once; from there a router that learns is routed, balanced and counted
//! like any other.

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

/// Dimensions of a target.
pub const OUT: usize = 8;
