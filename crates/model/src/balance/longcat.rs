//! LongCat-Flash (arXiv 2509.01322): N experts that compute and Z identity experts, which cost nothing and which a token may choose
//! instead. Δb = μ·((K_e/K)·(1/N) − c/(K·T)) for the experts that compute, 0 for the identity experts, so on average K_e of a token's K
//! experts compute. The update integrates the error, whatever name it is given; neither μ nor its decay is published.
//!
//! K_e/N and c/T are Q30, and every division is truncated toward zero.

use super::Step;

/// Fraction bits of a share of the batch.
pub const SHARE_BITS: u32 = 30;

/// Which experts compute, and the share of the batch that each should get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// N, the number of experts that compute; they come first.
    pub computing: u32,
    /// K_e/N, the share of the batch's tokens that each should get, Q30.
    pub share: u32,
}

/// The nearest K_e to the one wished for that is possible: at least K − Z experts of a token must compute, and at most K and at most N can.
#[must_use]
pub fn reachable(wished: f64, experts: u32, top_k: u32, zero_experts: u32) -> f64 {
    let computing = experts.saturating_sub(zero_experts).max(1);
    let least = top_k.saturating_sub(zero_experts);
    wished.clamp(f64::from(least), f64::from(top_k.min(computing).max(least)))
}

impl Target {
    /// The target for E experts, the last `zero_experts` of which are identity experts. `wished` is K_e; see [`reachable`].
    #[must_use]
    pub fn new(wished: f64, experts: u32, top_k: u32, zero_experts: u32) -> Self {
        let computing = experts.saturating_sub(zero_experts).max(1);
        let share = reachable(wished, experts, top_k, zero_experts) / f64::from(computing);
        Self { computing, share: libm::round(share * f64::from(1u32 << SHARE_BITS)) as u32 }
    }
}

/// μ·(K_e/N − c/T)/K, Q32, truncated toward zero.
#[must_use]
pub fn increment(step: Step, target: Target, load: u32) -> i64 {
    let top_k = step.top_k.max(1);
    let tokens = (step.assignments / top_k).max(1);
    let error = i64::from(target.share) - ((u64::from(load) << SHARE_BITS) / tokens) as i64;
    let size = (step.rate as u64 * error.unsigned_abs() / top_k) >> SHARE_BITS;
    size as i64 * error.signum()
}

/// The mean number of computing experts per token that these loads amount to.
#[must_use]
pub fn reached(loads: &[u32], top_k: u32, zero_experts: u32) -> f64 {
    let all: u64 = loads.iter().map(|&l| u64::from(l)).sum();
    let computing = loads.len().saturating_sub(zero_experts as usize);
    let some: u64 = loads.iter().take(computing).map(|&l| u64::from(l)).sum();
    f64::from(top_k) * some as f64 / all.max(1) as f64
}
