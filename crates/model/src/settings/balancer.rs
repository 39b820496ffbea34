//! The settings of a balancer: how the biases move.

use super::{ConfigError, Gate, limits};
use serde::{Deserialize, Serialize};
use strum::{EnumIter, IntoStaticStr};

/// The settings of a balancer: how the biases move.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Balancer {
    /// The update rule.
    pub rule: Rule,
    /// Step size, in score units: u, or what the rule calls λ, K_i or μ.
    pub rate: f64,
    /// How the step size depends on the number of updates since the schedule was set.
    pub schedule: Schedule,
    /// Whether the mean bias is subtracted after every update. Selection does not change.
    pub centred: bool,
    /// The step from which the step size is 0; DeepSeek-V3 froze its biases for the last 500 of 14,800 billion tokens.
    pub freeze: Option<u64>,
    /// Momentum β of SMEBU: the share of the previous step that is repeated.
    pub momentum: f64,
    /// Steepness κ of SMEBU: the larger it is, the smaller the error that causes a full step.
    pub steepness: f64,
    /// Gain K_d of ID Balancing on the change of the error, in score units.
    pub derivative: f64,
    /// Identity experts of LongCat-Flash's rule, Z: the last of the experts. Their biases never move.
    pub zero_experts: u32,
    /// The mean number of computing experts per token that LongCat-Flash's rule aims at, K_e.
    pub real_experts: f64,
    /// Weight a of the old β in Quantile Balancing's moving average β ← a·β + (1−a)·β̂. 0, Megatron-LM's default, means no averaging.
    pub average: f64,
    /// Passes that BIP makes over a batch before routing it.
    pub iterations: u32,
}

impl Default for Balancer {
    fn default() -> Self {
        Self {
            rule: Rule::Sign,
            rate: 0.001,
            schedule: Schedule::Constant,
            centred: false,
            freeze: None,
            momentum: 0.5,
            steepness: 2.0,
            derivative: 0.006,
            zero_experts: 0,
            real_experts: 8.0,
            average: 0.0,
            iterations: 4,
        }
    }
}

/// The update rule of the biases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, EnumIter, IntoStaticStr)]
pub enum Rule {
    /// Biases never move.
    None,
    /// b ← b + u·sign(c̄ − c): Wang et al. 2024, Algorithm 1.
    #[default]
    Sign,
    /// b ← b + u·(c̄ − c)/c̄: a variant of Wang et al. 2024, here with the error normalised.
    Proportional,
    /// Selection by s·b, where b starts at 1, and b ← b + u·sign(c̄ − c): a variant of Wang et al. 2024.
    Multiplicative,
    /// b ← b + δ − mean δ with δ = u·sign(c̄ − c): torchtitan.
    CentredSign,
    /// b ← b + u·(c̄ − c)/RMS(c̄ − c): Jianlin Su's MoE series.
    Rms,
    /// Soft-clamped, centred error with momentum: SMEBU of Trinity Large, arXiv 2602.17004.
    Smebu,
    /// Integral and gated derivative of the error: ID Balancing, arXiv 2609.39137.
    IdBalancing,
    /// Identity experts, and a target for the mean number of experts that compute: LongCat-Flash, arXiv 2509.01322.
    LongCat,
    /// b = −β, where β is a quantile of the batch's margins: Quantile Balancing, Su's post 11619 and Megatron-LM.
    Quantile,
    /// As Quantile, but with β ≥ 0 and computed before the batch is routed: BIP, arXiv 2502.15451.
    Bip,
    /// Each expert chooses its best tokens; no biases: Expert Choice, arXiv 2202.09368.
    ExpertChoice,
    /// Dynamic K: a token gets every expert with s + b > 0, about K of them (Su's MoE series).
    Threshold,
    /// Scores are scaled by Sinkhorn's iteration until all experts have the same total, then top-K; no biases (Megatron-LM).
    Sinkhorn,
    /// The balanced assignment with the largest sum of logits, one expert per token; no biases (BASE layers).
    Base,
    /// A word always goes to the same K experts, whatever its meaning; no biases (hash layers).
    Hash,
}

impl Rule {
    /// The published step size of this rule with this gate, or the best one in the published table; `None` where nothing is published.
    #[must_use]
    pub fn published_rate(self, gate: Gate) -> Option<f64> {
        match (self, gate) {
            (Self::Proportional, Gate::Softmax) => Some(0.001),
            (_, Gate::Softmax) | (Self::None | Self::LongCat | Self::Sinkhorn | Self::Base | Self::Hash, _) => None,
            (Self::Quantile | Self::Bip | Self::ExpertChoice, _) => None,
            (Self::Threshold, _) => Some(0.001),
            (Self::Sign | Self::CentredSign | Self::Rms | Self::Multiplicative, _) => Some(0.001),
            (Self::Proportional, _) => Some(0.01),
            (Self::Smebu, _) => Some(0.0005),
            (Self::IdBalancing, _) => Some(0.006),
        }
    }

    /// Whether the rule moves biases.
    #[must_use]
    pub fn moves_biases(self) -> bool {
        !matches!(self, Self::None | Self::ExpertChoice | Self::Sinkhorn | Self::Base | Self::Hash)
    }

    /// Whether a token's experts are those with its K largest keys.
    #[must_use]
    pub fn is_top_k(self) -> bool {
        !matches!(self, Self::ExpertChoice | Self::Threshold | Self::Sinkhorn | Self::Base | Self::Hash)
    }

    /// Whether the rule needs the logits of a whole batch at once, [T, E].
    #[must_use]
    pub fn takes_whole_batch(self) -> bool {
        matches!(self, Self::Sinkhorn | Self::Base)
    }

    /// A number that is the same for rules whose biases mean the same. A change to a rule of another kind resets the biases.
    #[must_use]
    pub fn kind_of_bias(self) -> u8 {
        match self {
            Self::Multiplicative => 1,
            Self::Threshold => 2,
            Self::ExpertChoice | Self::Sinkhorn | Self::Base | Self::Hash => 3,
            _ => 0,
        }
    }
}

/// How the step size changes; n counts updates from the step at which the schedule was set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, EnumIter, IntoStaticStr)]
pub enum Schedule {
    /// u
    #[default]
    Constant,
    /// u/√n
    InverseSqrt,
    /// u/n
    Inverse,
}

impl Balancer {
    /// Number of identity experts; 0 for every rule but LongCat-Flash's.
    #[must_use]
    pub fn identity_experts(&self) -> u32 {
        if self.rule == Rule::LongCat { self.zero_experts } else { 0 }
    }

    /// Checks every setting, for a router of `experts` experts.
    ///
    /// # Errors
    /// Names the first setting that is out of range.
    pub fn validate(&self, path: &str, experts: u32) -> Result<(), ConfigError> {
        limits::RATE.check(path, self.rate)?;
        if let Some(step) = self.freeze {
            limits::FREEZE.check(path, step as f64)?;
        }
        limits::MOMENTUM.check(path, self.momentum)?;
        limits::STEEPNESS.check(path, self.steepness)?;
        limits::DERIVATIVE.check(path, self.derivative)?;
        limits::ZERO_EXPERTS.check(path, f64::from(self.zero_experts))?;
        limits::REAL_EXPERTS.check(path, self.real_experts)?;
        limits::AVERAGE.check(path, self.average)?;
        limits::ITERATIONS.check(path, f64::from(self.iterations))?;
        if self.zero_experts >= experts {
            return Err(ConfigError {
                setting: format!("{path}.zero_experts"),
                value: self.zero_experts.to_string(),
                allowed: format!("less than the number of experts, {experts}"),
            });
        }
        Ok(())
    }
}
