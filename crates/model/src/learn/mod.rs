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

/// Dimensions of a target.
pub const OUT: usize = 8;
