//! The settings of an experiment: plain data, validated before anything runs.
//!
//! Every limit stands here once; the sliders, the file reader and the command line all read it from here.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter};

/// Dimensions of a token and of a centroid.
pub const DIM: usize = 32;

/// A whole experiment: one token source and one or several variants that see the very same tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// Seed of tokens, topics and centroids.
    pub seed: u32,
    /// Where the tokens come from.
    pub source: Source,
    /// The routers to compare; at least one.
    pub variants: Vec<Variant>,
}

/// Where tokens come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Source {
    /// A fresh batch of topic-shaped tokens every step.
    Synthetic(Synthetic),
    /// The first synthetic batch repeated for ever: the deterministic setting of the theory.
    Fixed(Synthetic),
    /// Router scores recorded from a real model.
    Trace(TraceSource),
}

/// Tokens that belong to topics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Synthetic {
    /// Tokens per batch, T.
    pub batch: u32,
    /// Number of topics.
    pub topics: u32,
    /// Zipf exponent of topic popularity; 0 makes all topics equally popular.
    pub skew: f64,
    /// Spread of tokens round their topic's centre, in units of the centres' own spread.
    pub noise: f64,
    /// How far the topics wander per thousand steps, in topic lifetimes.
    pub drift: f64,
    /// Consecutive tokens that share a topic.
    pub burst: u32,
}

impl Default for Synthetic {
    fn default() -> Self {
        Self { batch: 4096, topics: 32, skew: 1.1, noise: 0.8, drift: 0.0, burst: 1 }
    }
}

/// Which recorded trace to route.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceSource {
    /// A path relative to the scenario file, or `builtin:NAME` for a trace that ships with Moebias.
    pub file: String,
    /// Which tensor, where the file holds several layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
}

/// One router with its balancer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// What it is called on screen and in exports.
    pub name: String,
    /// The router.
    #[serde(default)]
    pub router: Router,
    /// The rule that moves the biases.
    #[serde(default)]
    pub balancer: Balancer,
}

/// How scores are made and how many experts a token gets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Router {
    /// Number of experts, E.
    pub experts: u32,
    /// Experts per token, K.
    pub top_k: u32,
    /// From logit to score.
    pub gate: Gate,
}

impl Default for Router {
    fn default() -> Self {
        Self { experts: 64, top_k: 6, gate: Gate::Sigmoid }
    }
}

/// From logit to score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, EnumIter, Display)]
pub enum Gate {
    /// s = 1/(1 + e⁻ˣ), each expert on its own (Wang et al. 2024).
    #[default]
    Sigmoid,
    /// s = eˣ/Σeˣ over the experts of a token.
    Softmax,
}

/// How the biases move.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Balancer {
    /// The update rule.
    pub rule: Rule,
    /// Step size u, in score units.
    pub rate: f64,
    /// How u changes with the steps since the schedule was chosen.
    pub schedule: Schedule,
    /// Subtract the mean bias after every update. Selection does not change.
    pub centred: bool,
    /// Weight a of the old β in Quantile Balancing's moving average β ← a·β + (1−a)·β̂. Megatron-LM's default is 0: none.
    pub average: f64,
    /// Passes that BIP makes on a batch before it routes it.
    pub iterations: u32,
}

impl Default for Balancer {
    fn default() -> Self {
        Self {
            rule: Rule::Sign,
            rate: 0.001,
            schedule: Schedule::Constant,
            centred: false,
            average: 0.0,
            iterations: 4,
        }
    }
}

/// The update rule of the biases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, EnumIter, Display)]
pub enum Rule {
    /// Biases stay where they are.
    None,
    /// b ← b + u·sign(c̄ − c): Wang et al. 2024, Algorithm 1.
    #[default]
    Sign,
    /// b ← b + u·(c̄ − c)/c̄: the variant table of Wang et al. 2024, error normalised.
    Proportional,
    /// Selection by s·b, b starting at 1, b ← b + u·sign(c̄ − c): the variant table of Wang et al. 2024.
    Multiplicative,
    /// β as the quantile of the batch's margins, b = −β: Quantile Balancing, Su's post 11619 and Megatron-LM.
    Quantile,
    /// The same with β ≥ 0 and before the batch is routed: BIP, arXiv 2502.15451.
    Bip,
    /// Experts choose their best tokens; no biases: Expert Choice, arXiv 2202.09368.
    ExpertChoice,
}

/// How the step size changes; n counts from the step at which the schedule was chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, EnumIter, Display)]
pub enum Schedule {
    /// u
    #[default]
    Constant,
    /// u/√n
    InverseSqrt,
    /// u/n
    Inverse,
}

/// The allowed range of one setting.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The setting's name in files and messages.
    pub name: &'static str,
    /// Smallest allowed value.
    pub min: f64,
    /// Largest allowed value.
    pub max: f64,
}

/// Every limit of every setting.
pub mod limits {
    use super::Limits;
    /// Tokens per batch.
    pub const BATCH: Limits = Limits { name: "batch", min: 1.0, max: 1_048_576.0 };
    /// Topics.
    pub const TOPICS: Limits = Limits { name: "topics", min: 1.0, max: 256.0 };
    /// Zipf exponent.
    pub const SKEW: Limits = Limits { name: "skew", min: 0.0, max: 3.0 };
    /// Spread round a topic.
    pub const NOISE: Limits = Limits { name: "noise", min: 0.0, max: 4.0 };
    /// Topic lifetimes per thousand steps.
    pub const DRIFT: Limits = Limits { name: "drift", min: 0.0, max: 100.0 };
    /// Tokens that share a topic.
    pub const BURST: Limits = Limits { name: "burst", min: 1.0, max: 65_536.0 };
    /// Experts.
    pub const EXPERTS: Limits = Limits { name: "experts", min: 2.0, max: 1024.0 };
    /// Experts per token; also at most the number of experts.
    pub const TOP_K: Limits = Limits { name: "top_k", min: 1.0, max: 32.0 };
    /// Step size.
    pub const RATE: Limits = Limits { name: "rate", min: 0.0, max: 1.0 };
    /// Weight of the old β in a moving average.
    pub const AVERAGE: Limits = Limits { name: "average", min: 0.0, max: 0.999 };
    /// Inner passes of BIP.
    pub const ITERATIONS: Limits = Limits { name: "iterations", min: 1.0, max: 16.0 };
    /// Variants in one experiment.
    pub const VARIANTS: Limits = Limits { name: "variants", min: 1.0, max: 64.0 };
}

/// A setting outside its range. Its text names the setting, the value and the range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{setting} is {value}, but must be {allowed}")]
pub struct ConfigError {
    /// Path of the setting, as `variants[0].router.top_k`.
    pub setting: String,
    /// The value found.
    pub value: String,
    /// The allowed range or set, in words.
    pub allowed: String,
}

impl Limits {
    /// The largest value as an integer.
    #[must_use]
    pub fn max_u32(&self) -> u32 {
        self.max as u32
    }

    /// Checks a value; NaN and infinities are never allowed.
    ///
    /// # Errors
    /// Names `path`, the value and the range.
    pub fn check(&self, path: &str, value: f64) -> Result<(), ConfigError> {
        if value.is_finite() && value >= self.min && value <= self.max {
            return Ok(());
        }
        let place = if path.is_empty() { self.name.to_owned() } else { format!("{path}.{}", self.name) };
        Err(ConfigError {
            setting: place,
            value: value.to_string(),
            allowed: format!("from {} to {}", self.min, self.max),
        })
    }
}

impl Experiment {
    /// Checks every setting against its limits, and those that depend on each other.
    ///
    /// # Errors
    /// The first setting that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if let Source::Synthetic(s) | Source::Fixed(s) = &self.source {
            s.validate("source")?;
        }
        limits::VARIANTS.check("", self.variants.len() as f64)?;
        for (i, v) in self.variants.iter().enumerate() {
            v.validate(&format!("variants[{i}]"))?;
        }
        Ok(())
    }

    /// Tokens per batch of a synthetic source; `None` for a trace, whose file says.
    #[must_use]
    pub fn synthetic(&self) -> Option<&Synthetic> {
        match &self.source {
            Source::Synthetic(s) | Source::Fixed(s) => Some(s),
            Source::Trace(_) => None,
        }
    }

    /// As [`Self::synthetic`], to change.
    pub fn synthetic_mut(&mut self) -> Option<&mut Synthetic> {
        match &mut self.source {
            Source::Synthetic(s) | Source::Fixed(s) => Some(s),
            Source::Trace(_) => None,
        }
    }
}

impl Synthetic {
    /// Checks every setting.
    ///
    /// # Errors
    /// The first setting that is out of range.
    pub fn validate(&self, path: &str) -> Result<(), ConfigError> {
        limits::BATCH.check(path, f64::from(self.batch))?;
        limits::TOPICS.check(path, f64::from(self.topics))?;
        limits::SKEW.check(path, self.skew)?;
        limits::NOISE.check(path, self.noise)?;
        limits::DRIFT.check(path, self.drift)?;
        limits::BURST.check(path, f64::from(self.burst))
    }
}

impl Variant {
    /// Whether the sampling floor of independent tokens means anything: not where experts choose, nor where the batch was seen before
    /// it was routed.
    #[must_use]
    pub fn has_floor(&self) -> bool {
        !matches!(self.balancer.rule, Rule::ExpertChoice | Rule::Bip)
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// The first setting that is out of range.
    pub fn validate(&self, path: &str) -> Result<(), ConfigError> {
        let router = format!("{path}.router");
        limits::EXPERTS.check(&router, f64::from(self.router.experts))?;
        limits::TOP_K.check(&router, f64::from(self.router.top_k))?;
        if self.router.top_k > self.router.experts {
            return Err(ConfigError {
                setting: format!("{router}.top_k"),
                value: self.router.top_k.to_string(),
                allowed: format!("at most the number of experts, {}", self.router.experts),
            });
        }
        limits::RATE.check(&format!("{path}.balancer"), self.balancer.rate)?;
        limits::AVERAGE.check(&format!("{path}.balancer"), self.balancer.average)?;
        limits::ITERATIONS.check(&format!("{path}.balancer"), f64::from(self.balancer.iterations))?;
        if self.name.chars().count() > 80 {
            return Err(ConfigError {
                setting: format!("{path}.name"),
                value: format!("{} characters long", self.name.chars().count()),
                allowed: "at most 80 characters long".into(),
            });
        }
        Ok(())
    }
}
