//! The settings of a world to learn from and of a layer that learns, with their limits.

use crate::settings::ConfigError;
use serde::{Deserialize, Serialize};
use strum::{EnumIter, IntoStaticStr};

/// A source of tokens with targets, with a fresh batch at every step.
///
/// Each topic belongs to a domain. The popularity of domains follows Zipf's law; a domain holds several topics, each with its own centre
/// and its own linear map from token to target. By default there are more topics than experts, so experts have to specialise and share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct World {
    /// Tokens per batch, T.
    pub batch: u32,
    /// Number of topics, each with its own map to learn.
    pub topics: u32,
    /// Number of domains; 0 makes every topic its own domain.
    pub domains: u32,
    /// Zipf exponent of domain popularity.
    pub skew: f64,
    /// Zipf exponent of the number of topics in a domain. Where it equals the skew, all topics are about equally popular, and popular
    /// domains have more to learn.
    pub rich: f64,
    /// Share of the variance of a topic's centre and map that comes from its domain.
    pub kinship: f64,
    /// Share of a token's variance that is common to all tokens, as in the hidden states of language models.
    pub common: f64,
    /// Share of a token's variance that is its own noise.
    pub noise: f64,
    /// Standard deviation of the noise in each coordinate of a target.
    pub target_noise: f64,
    /// Cycles of rising and falling popularity of each domain per thousand steps.
    pub drift: f64,
    /// Number of consecutive tokens that share a domain.
    pub burst: u32,
}

impl Default for World {
    fn default() -> Self {
        Self {
            batch: 2048,
            topics: 256,
            domains: 16,
            skew: 1.0,
            rich: 1.0,
            kinship: 0.5,
            common: 0.3,
            noise: 0.3,
            target_noise: 0.1,
            drift: 0.0,
            burst: 1,
        }
    }
}

/// How one variant's layer learns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Learning {
    /// The optimiser.
    pub optimiser: Optimiser,
    /// Learning rate of the experts and the shared expert.
    pub expert_rate: f64,
    /// Learning rate of the centroids.
    pub router_rate: f64,
    /// Steps from the start over which the rates fall along a cosine to a tenth, where they then stay; with 0 they do not fall. In any case
    /// the first 50 steps are a warm-up.
    pub horizon: u32,
    /// How scores become gating values.
    pub gating: Gating,
    /// The auxiliary loss.
    pub auxiliary: Auxiliary,
    /// Weight α of the auxiliary loss.
    pub alpha: f64,
    /// Weight of the z-loss, 1/T Σ (ln Σ eᶻ)² (0.001 in ST-MoE).
    pub z_loss: f64,
    /// Tokens in a sequence, for the sequence-wise loss.
    pub sequence: u32,
    /// Number of batches over which the global-batch loss averages the load shares.
    pub batches: u32,
}

impl Default for Learning {
    fn default() -> Self {
        Self {
            optimiser: Optimiser::Adam,
            expert_rate: 3e-3,
            router_rate: 1e-3,
            horizon: 2000,
            gating: Gating::Raw,
            auxiliary: Auxiliary::None,
            alpha: 0.1,
            z_loss: 0.0,
            sequence: 256,
            batches: 16,
        }
    }
}

impl Learning {
    /// Whether these are the defaults, which files leave out.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// α if an auxiliary loss is chosen, else 0.
    #[must_use]
    pub fn weight(&self) -> f64 {
        if self.auxiliary == Auxiliary::None { 0.0 } else { self.alpha }
    }
}

/// The optimiser, which turns gradients into parameter updates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, EnumIter, IntoStaticStr)]
pub enum Optimiser {
    /// m ← 0.9 m + 0.1 g, v ← 0.99 v + 0.01 g², θ ← θ − η m̂/(√v̂ + 10⁻⁸).
    #[default]
    Adam,
    /// m ← 0.9 m + g, θ ← θ − η m. Needs an η near 1, because the loss is a mean over many tokens.
    Sgd,
}

/// How scores become gating values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, EnumIter, IntoStaticStr)]
pub enum Gating {
    /// g = s (Wang et al. 2024).
    #[default]
    Raw,
    /// g = s divided by the sum of the chosen scores (DeepSeek-V3).
    Normalised,
}

/// The auxiliary loss α·Σ f P: f is held constant, P carries the gradient. See [`crate::learn::auxiliary`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, EnumIter, IntoStaticStr)]
pub enum Auxiliary {
    /// No auxiliary loss. The gradient that the normalised loss would have is measured all the same.
    #[default]
    None,
    /// P is the mean score (Wang et al. 2024).
    Plain,
    /// P is the mean of each score divided by the token's sum of scores (P of Megatron-LM and DeepSeek-V3, over the whole batch).
    Normalised,
    /// f counts the tokens whose highest score is at each expert, P is the mean softmax of the logits (Switch Transformers).
    Switch,
    /// As normalised, but for each sequence separately, with f from the unbiased top-K (DeepSeek-V3).
    SequenceWise,
    /// As normalised, with f from the last batches together (Qwen's global-batch loss).
    GlobalBatch,
}

/// The limits of these settings.
pub mod limits {
    use crate::settings::Limits;
    /// Tokens per batch of a world.
    pub const BATCH: Limits = Limits { name: "batch", min: 1.0, max: 65_536.0 };
    /// Topics of a world.
    pub const TOPICS: Limits = Limits { name: "topics", min: 1.0, max: 1024.0 };
    /// Domains of a world.
    pub const DOMAINS: Limits = Limits { name: "domains", min: 0.0, max: 256.0 };
    /// Zipf exponent of the number of topics in a domain.
    pub const RICH: Limits = Limits { name: "rich", min: 0.0, max: 3.0 };
    /// Share of variance from the domain.
    pub const KINSHIP: Limits = Limits { name: "kinship", min: 0.0, max: 1.0 };
    /// Share of variance common to all tokens.
    pub const COMMON: Limits = Limits { name: "common", min: 0.0, max: 1.0 };
    /// Share of variance that is noise; together with the common share at most 1.
    pub const NOISE: Limits = Limits { name: "noise", min: 0.0, max: 1.0 };
    /// Noise of a target.
    pub const TARGET_NOISE: Limits = Limits { name: "target_noise", min: 0.0, max: 4.0 };
    /// Learning rate of experts.
    pub const EXPERT_RATE: Limits = Limits { name: "expert_rate", min: 0.0, max: 10.0 };
    /// Learning rate of centroids.
    pub const ROUTER_RATE: Limits = Limits { name: "router_rate", min: 0.0, max: 10.0 };
    /// Steps of the rates' cosine.
    pub const HORIZON: Limits = Limits { name: "horizon", min: 0.0, max: 1_000_000.0 };
    /// Weight of the auxiliary loss.
    pub const ALPHA: Limits = Limits { name: "alpha", min: 0.0, max: 10.0 };
    /// Weight of the z-loss.
    pub const Z_LOSS: Limits = Limits { name: "z_loss", min: 0.0, max: 1.0 };
    /// Tokens in a sequence.
    pub const SEQUENCE: Limits = Limits { name: "sequence", min: 1.0, max: 65_536.0 };
    /// Batches of the global-batch loss.
    pub const BATCHES: Limits = Limits { name: "batches", min: 1.0, max: 256.0 };
    /// Scores of one batch kept in memory: tokens × experts, summed over the variants.
    pub const SCORES: u64 = 1 << 26;
}

impl World {
    /// Checks every setting.
    ///
    /// # Errors
    /// Names the first setting that is out of range.
    pub fn validate(&self, path: &str) -> Result<(), ConfigError> {
        use crate::settings::limits as of;
        limits::BATCH.check(path, f64::from(self.batch))?;
        limits::TOPICS.check(path, f64::from(self.topics))?;
        limits::DOMAINS.check(path, f64::from(self.domains))?;
        of::SKEW.check(path, self.skew)?;
        limits::RICH.check(path, self.rich)?;
        limits::KINSHIP.check(path, self.kinship)?;
        limits::COMMON.check(path, self.common)?;
        limits::NOISE.check(path, self.noise)?;
        limits::TARGET_NOISE.check(path, self.target_noise)?;
        of::DRIFT.check(path, self.drift)?;
        of::BURST.check(path, f64::from(self.burst))?;
        let wrong = |name: &str, value: String, allowed: String| ConfigError {
            setting: format!("{path}.{name}"),
            value,
            allowed,
        };
        if self.domains > self.topics {
            let allowed = format!("at most the number of topics, {}", self.topics);
            return Err(wrong("domains", self.domains.to_string(), allowed));
        }
        if self.common + self.noise > 1.0 {
            let allowed =
                format!("at most {}: with the common share it is all of a token's variance", 1.0 - self.common);
            return Err(wrong("noise", self.noise.to_string(), allowed));
        }
        Ok(())
    }
}

impl Learning {
    /// Checks every setting.
    ///
    /// # Errors
    /// Names the first setting that is out of range.
    pub fn validate(&self, path: &str) -> Result<(), ConfigError> {
        limits::EXPERT_RATE.check(path, self.expert_rate)?;
        limits::ROUTER_RATE.check(path, self.router_rate)?;
        limits::HORIZON.check(path, f64::from(self.horizon))?;
        limits::ALPHA.check(path, self.alpha)?;
        limits::Z_LOSS.check(path, self.z_loss)?;
        limits::SEQUENCE.check(path, f64::from(self.sequence))?;
        limits::BATCHES.check(path, f64::from(self.batches))
    }
}
