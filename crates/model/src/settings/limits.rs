//! The limits of the settings, except those of learning ([`super::learning::limits`]).

use super::Limits;
/// Tokens per batch.
pub const BATCH: Limits = Limits { name: "batch", min: 1.0, max: 1_048_576.0 };
/// Topics.
pub const TOPICS: Limits = Limits { name: "topics", min: 1.0, max: 256.0 };
/// Zipf exponent.
pub const SKEW: Limits = Limits { name: "skew", min: 0.0, max: 3.0 };
/// Spread of tokens around their topic's centre.
pub const NOISE: Limits = Limits { name: "noise", min: 0.0, max: 4.0 };
/// Drift, in topic lifetimes per thousand steps.
pub const DRIFT: Limits = Limits { name: "drift", min: 0.0, max: 100.0 };
/// Consecutive tokens that share a topic.
pub const BURST: Limits = Limits { name: "burst", min: 1.0, max: 65_536.0 };
/// Experts.
pub const EXPERTS: Limits = Limits { name: "experts", min: 2.0, max: 1024.0 };
/// Experts per token; also at most the number of experts.
pub const TOP_K: Limits = Limits { name: "top_k", min: 1.0, max: 32.0 };
/// Step size.
pub const RATE: Limits = Limits { name: "rate", min: 0.0, max: 1.0 };
/// Momentum of SMEBU.
pub const MOMENTUM: Limits = Limits { name: "momentum", min: 0.0, max: 0.999 };
/// Steepness of SMEBU.
pub const STEEPNESS: Limits = Limits { name: "steepness", min: 0.0, max: 100.0 };
/// Gain K_d of ID Balancing on the change of the error.
pub const DERIVATIVE: Limits = Limits { name: "derivative", min: 0.0, max: 1.0 };
/// Identity experts; also less than the number of experts.
pub const ZERO_EXPERTS: Limits = Limits { name: "zero_experts", min: 0.0, max: 1023.0 };
/// Target for the mean number of computing experts per token.
pub const REAL_EXPERTS: Limits = Limits { name: "real_experts", min: 0.0, max: 32.0 };
/// The step at which biases freeze: up to 2⁴⁸, nine years at a million steps per second.
pub const FREEZE: Limits = Limits { name: "freeze", min: 0.0, max: 281_474_976_710_656.0 };
/// Groups of experts; also a divisor of the number of experts.
pub const GROUPS: Limits = Limits { name: "groups", min: 1.0, max: 512.0 };
/// Groups that a token chooses among; also at most the number of groups.
pub const KEPT: Limits = Limits { name: "kept", min: 1.0, max: 512.0 };
/// Capacity as a multiple of the fair share.
pub const CAPACITY: Limits = Limits { name: "factor", min: 0.1, max: 8.0 };
/// Shared experts.
pub const SHARED: Limits = Limits { name: "shared", min: 0.0, max: 16.0 };
/// Route scale.
pub const SCALE: Limits = Limits { name: "scale", min: 0.0, max: 32.0 };
/// Token–expert pairs of a batch under rules that need all its logits at once: 8 MiB of them.
pub const WHOLE_PAIRS: u64 = 1 << 20;
/// The same for rule `Base`, whose exact solution takes seconds beyond this.
pub const BASE_PAIRS: u64 = 1 << 18;
/// Assignments of a batch where experts have a capacity: 64 MiB of claims.
pub const CAPACITY_ASSIGNMENTS: u64 = 1 << 23;
/// Weight of the old β in Quantile Balancing's moving average.
pub const AVERAGE: Limits = Limits { name: "average", min: 0.0, max: 0.999 };
/// Passes of BIP over a batch.
pub const ITERATIONS: Limits = Limits { name: "iterations", min: 1.0, max: 16.0 };
/// Variants in one experiment.
pub const VARIANTS: Limits = Limits { name: "variants", min: 1.0, max: 64.0 };
