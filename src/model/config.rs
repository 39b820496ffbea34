//! The settings of an experiment: plain data, validated before anything runs.
//!
//! Every limit stands here once; the sliders, the file reader and the command line all read it from here.

pub mod limits;

use super::learn::settings::{Learning, World};
use super::presets::Preset;
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
    /// Tokens with targets, from which experts and routers learn.
    Learning(World),
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "WrittenVariant")]
pub struct Variant {
    /// What it is called on screen and in exports.
    pub name: String,
    /// The router.
    pub router: Router,
    /// The rule that moves the biases.
    pub balancer: Balancer,
    /// How it learns, where the source is one to learn from.
    #[serde(default, skip_serializing_if = "Learning::is_default")]
    pub learning: Learning,
}

/// [`Variant`] as it stands in a file: what is left out has its default, or that of the model named by `preset`.
#[derive(Deserialize)]
#[serde(rename = "Variant", deny_unknown_fields)]
struct WrittenVariant {
    name: String,
    #[serde(default)]
    preset: Option<Preset>,
    #[serde(default)]
    router: Option<Router>,
    #[serde(default)]
    balancer: Option<Balancer>,
    #[serde(default)]
    learning: Learning,
}

impl TryFrom<WrittenVariant> for Variant {
    type Error = &'static str;

    fn try_from(w: WrittenVariant) -> Result<Self, Self::Error> {
        let Some(preset) = w.preset else {
            let (router, balancer) = (w.router.unwrap_or_default(), w.balancer.unwrap_or_default());
            return Ok(Self { name: w.name, router, balancer, learning: w.learning });
        };
        if w.router.is_some() || w.balancer.is_some() {
            return Err("a variant with a preset has its router and balancer; leave those out, or the preset");
        }
        let (router, balancer) = preset.settings();
        Ok(Self { name: w.name, router, balancer, learning: w.learning })
    }
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
    /// Only experts of a token's best groups can be chosen; `None` lets it choose among all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Groups>,
    /// The most tokens an expert takes; `None` lets it take all that come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Capacity>,
    /// Shared experts, which every token gets beside the K chosen ones. They change no load.
    #[serde(skip_serializing_if = "is_default")]
    pub shared: u32,
    /// Whether the gating values of a token are divided by their sum.
    #[serde(skip_serializing_if = "is_default")]
    pub renormalise: bool,
    /// Route scale: the factor of every gating value.
    #[serde(skip_serializing_if = "is_one")]
    pub scale: f64,
}

impl Default for Router {
    fn default() -> Self {
        Self {
            experts: 64,
            top_k: 6,
            gate: Gate::Sigmoid,
            groups: None,
            capacity: None,
            shared: 0,
            renormalise: false,
            scale: 1.0,
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn is_one(value: &f64) -> bool {
    *value == 1.0
}

/// Group-limited routing (DeepSeek-V3): experts stand in equal groups; a group's score is the sum of the two largest biased scores
/// in it, and a token chooses among the experts of its best groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Groups {
    /// Number of groups; divides E.
    pub groups: u32,
    /// Groups that a token chooses among.
    pub kept: u32,
}

/// How many tokens an expert takes: ⌈T·K/E · factor⌉. What comes beyond is dropped (Switch, GShard; Megatron-LM).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capacity {
    /// Capacity over the fair share.
    pub factor: f64,
    /// Which tokens stay.
    #[serde(default)]
    pub by: Stays,
}

/// Which of an overfull expert's tokens stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, EnumIter, Display)]
pub enum Stays {
    /// Those with the highest scores there; of equal ones the earlier.
    #[default]
    Score,
    /// Those that come first in the batch.
    Position,
}

/// From logit to score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, EnumIter, Display)]
pub enum Gate {
    /// s = 1/(1 + e⁻ˣ), each expert on its own (Wang et al. 2024).
    #[default]
    Sigmoid,
    /// s = eˣ/Σeˣ over the experts of a token.
    Softmax,
    /// s = √ln(1 + eˣ), each expert on its own (`sqrtsoftplus` in Megatron-LM). Held as s/4, so that it fits the score format.
    SqrtSoftplus,
}

impl Gate {
    /// What a held score of 1.0 stands for: scores are held in this unit. Biases are in true score units whatever the gate.
    #[must_use]
    pub fn unit(self) -> f64 {
        f64::from(1u32 << self.unit_bits())
    }

    /// The same as a power of two: a bias enters the key shifted to the right by so many bits.
    #[must_use]
    pub fn unit_bits(self) -> u32 {
        match self {
            Self::Sigmoid | Self::Softmax => 0,
            Self::SqrtSoftplus => 2,
        }
    }
}

/// How the biases move.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Balancer {
    /// The update rule.
    pub rule: Rule,
    /// Step size, in score units: u, or what the rule calls λ, K_i or μ.
    pub rate: f64,
    /// How u changes with the steps since the schedule was chosen.
    pub schedule: Schedule,
    /// Subtract the mean bias after every update. Selection does not change.
    pub centred: bool,
    /// The step from which the step size is 0; DeepSeek-V3 froze its biases for the last 500 of 14,800 billion tokens.
    pub freeze: Option<u64>,
    /// Momentum β of SMEBU: the share of the last step that is taken again.
    pub momentum: f64,
    /// Steepness κ of SMEBU: how small an error already makes a full step.
    pub steepness: f64,
    /// Gain K_d of ID Balancing on the change of the error, in score units.
    pub derivative: f64,
    /// Identity experts of LongCat-Flash's rule, Z: the last of all experts. Their biases never move.
    pub zero_experts: u32,
    /// Experts per token that are to compute under LongCat-Flash's rule, K_e, on average.
    pub real_experts: f64,
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
    /// b ← b + δ − mean δ with δ = u·sign(c̄ − c): torchtitan.
    CentredSign,
    /// b ← b + u·(c̄ − c)/RMS(c̄ − c): Jianlin Su's MoE series.
    Rms,
    /// Soft-clamped, centred, with momentum: Trinity Large, arXiv 2602.17004.
    Smebu,
    /// Integral and gated derivative of the error: arXiv 2609.39137.
    IdBalancing,
    /// Identity experts and a wished mean number of computing ones: LongCat-Flash, arXiv 2509.01322.
    LongCat,
    /// β as the quantile of the batch's margins, b = −β: Quantile Balancing, Su's post 11619 and Megatron-LM.
    Quantile,
    /// The same with β ≥ 0 and before the batch is routed: BIP, arXiv 2502.15451.
    Bip,
    /// Experts choose their best tokens; no biases: Expert Choice, arXiv 2202.09368.
    ExpertChoice,
    /// Dynamic K: a token gets every expert with s + b > 0, about K of them (Su's MoE series).
    Threshold,
    /// Scores scaled by Sinkhorn's iteration until every expert has the same total, then top-K; no biases (Megatron-LM).
    Sinkhorn,
    /// The balanced assignment with the largest total of logits, one expert per token; no biases (BASE layers).
    Base,
    /// A word goes to the same K experts for ever, whatever it means; no biases (hash layers).
    Hash,
}

impl Rule {
    /// The step size published for it with this gate, or the one that balances best in the published table; `None` where there is
    /// none.
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

    /// Whether there are biases that the rule moves.
    #[must_use]
    pub fn moves_biases(self) -> bool {
        !matches!(self, Self::None | Self::ExpertChoice | Self::Sinkhorn | Self::Base | Self::Hash)
    }

    /// Whether a token's experts are its K largest keys.
    #[must_use]
    pub fn is_top_k(self) -> bool {
        !matches!(self, Self::ExpertChoice | Self::Threshold | Self::Sinkhorn | Self::Base | Self::Hash)
    }

    /// Whether it needs the logits of a whole batch at once, [T, E].
    #[must_use]
    pub fn takes_whole_batch(self) -> bool {
        matches!(self, Self::Sinkhorn | Self::Base)
    }

    /// Biases of rules of one kind mean the same; a change to another kind starts them afresh.
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
        match &self.source {
            Source::Learning(world) => {
                world.validate("source")?;
                world.validate_variants(&self.variants)?;
            }
            _ => {
                if let Some(i) = self.variants.iter().position(|v| !v.learning.is_default()) {
                    return Err(ConfigError {
                        setting: format!("variants[{i}].learning"),
                        value: "set".into(),
                        allowed: "left out: only where the source is Learning(…) does anything learn".into(),
                    });
                }
            }
        }
        self.synthetic().map_or(Ok(()), |s| self.validate_batch(s.batch))
    }

    /// Checks that batches of so many tokens are not too large for what looks at a whole batch.
    ///
    /// # Errors
    /// Names the first variant that they are too large for.
    pub fn validate_batch(&self, tokens: u32) -> Result<(), ConfigError> {
        for (i, v) in self.variants.iter().enumerate() {
            v.validate_batch(&format!("variants[{i}]"), u64::from(tokens))?;
        }
        Ok(())
    }

    /// The settings of a synthetic source; `None` for a trace, whose file says, and for a world to learn from.
    #[must_use]
    pub fn synthetic(&self) -> Option<&Synthetic> {
        match &self.source {
            Source::Synthetic(s) | Source::Fixed(s) => Some(s),
            Source::Trace(_) | Source::Learning(_) => None,
        }
    }

    /// As [`Self::synthetic`], to change.
    pub fn synthetic_mut(&mut self) -> Option<&mut Synthetic> {
        match &mut self.source {
            Source::Synthetic(s) | Source::Fixed(s) => Some(s),
            Source::Trace(_) | Source::Learning(_) => None,
        }
    }

    /// The world to learn from, where the source is one.
    #[must_use]
    pub fn world(&self) -> Option<&World> {
        if let Source::Learning(world) = &self.source { Some(world) } else { None }
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

impl Balancer {
    /// Identity experts there are: only LongCat-Flash's rule has any.
    #[must_use]
    pub fn identity_experts(&self) -> u32 {
        if self.rule == Rule::LongCat { self.zero_experts } else { 0 }
    }

    /// Checks every setting, for a router of so many experts.
    ///
    /// # Errors
    /// The first setting that is out of range.
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

impl Variant {
    /// Whether the sampling floor of independent tokens means anything: not where a batch is assigned as a whole or seen before it
    /// is routed, nor where experts choose or tokens of one word go together.
    #[must_use]
    pub fn has_floor(&self) -> bool {
        self.balancer.rule.is_top_k() && self.balancer.rule != Rule::Bip && self.router.capacity.is_none()
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
        self.router.validate_more(&router, self.balancer.rule)?;
        self.balancer.validate(&format!("{path}.balancer"), self.router.experts)?;
        self.learning.validate(&format!("{path}.learning"))?;
        if self.name.chars().count() > 80 {
            return Err(ConfigError {
                setting: format!("{path}.name"),
                value: format!("{} characters long", self.name.chars().count()),
                allowed: "at most 80 characters long".into(),
            });
        }
        Ok(())
    }

    fn validate_batch(&self, path: &str, tokens: u64) -> Result<(), ConfigError> {
        let wrong = |setting: &str, value: String, allowed: String| {
            Err(ConfigError { setting: format!("{path}.{setting}"), value, allowed })
        };
        let (rule, pairs) = (self.balancer.rule, tokens * u64::from(self.router.experts));
        let bound = if rule == Rule::Base { limits::BASE_PAIRS } else { limits::WHOLE_PAIRS };
        if rule.takes_whole_batch() && pairs > bound {
            let (experts, most) = (self.router.experts, bound / u64::from(self.router.experts));
            let value = format!("{rule} with {tokens} tokens at {experts} experts");
            let allowed = format!("{rule} with at most {most} tokens: it needs a whole batch at once");
            return wrong("balancer.rule", value, allowed);
        }
        // A token with a threshold may choose every expert.
        let most = if rule == Rule::Threshold { self.router.experts } else { self.router.top_k };
        let assignments = tokens * u64::from(most);
        if self.router.capacity.is_some() && assignments > limits::CAPACITY_ASSIGNMENTS {
            let allowed = format!("at most {} where experts have a capacity", limits::CAPACITY_ASSIGNMENTS);
            return wrong("router.capacity", format!("set with up to {assignments} assignments per step"), allowed);
        }
        Ok(())
    }
}

impl Router {
    /// Experts per group; all of them without groups.
    #[must_use]
    pub fn group_size(&self) -> u32 {
        self.groups.map_or(self.experts, |g| self.experts / g.groups.max(1))
    }

    /// Experts that a token chooses among.
    #[must_use]
    pub fn eligible(&self) -> u32 {
        self.groups.map_or(self.experts, |g| g.kept * self.group_size())
    }

    /// Checks groups, capacity and gating values.
    fn validate_more(&self, path: &str, rule: Rule) -> Result<(), ConfigError> {
        let wrong = |setting: &str, value: String, allowed: String| {
            Err(ConfigError { setting: format!("{path}.{setting}"), value, allowed })
        };
        if let Some(g) = self.groups {
            let path = format!("{path}.groups");
            limits::GROUPS.check(&path, f64::from(g.groups))?;
            limits::KEPT.check(&path, f64::from(g.kept))?;
            if !self.experts.is_multiple_of(g.groups) {
                let allowed = format!("a divisor of the number of experts, {}", self.experts);
                return wrong("groups.groups", g.groups.to_string(), allowed);
            }
            if g.kept > g.groups {
                return wrong("groups.kept", g.kept.to_string(), format!("at most the number of groups, {}", g.groups));
            }
            if self.top_k > self.eligible() {
                let allowed = format!("at most {}, the experts of the kept groups", self.eligible());
                return wrong("top_k", self.top_k.to_string(), allowed);
            }
            if !rule.is_top_k() || rule.orders() {
                let why =
                    if rule.orders() { "puts tokens in order over all experts" } else { "does not choose by groups" };
                let allowed = format!("left out: rule {rule} {why}");
                return wrong("groups", format!("{} of {}", g.kept, g.groups), allowed);
            }
        }
        if let Some(c) = self.capacity {
            limits::CAPACITY.check(&format!("{path}.capacity"), c.factor)?;
            if rule == Rule::ExpertChoice {
                let allowed = "left out: in rule ExpertChoice an expert takes its fair share, no more and no less";
                return wrong("capacity", c.factor.to_string(), allowed.into());
            }
        }
        limits::SHARED.check(path, f64::from(self.shared))?;
        limits::SCALE.check(path, self.scale)?;
        if rule == Rule::Base && self.top_k != 1 {
            return wrong("top_k", self.top_k.to_string(), "1: rule Base gives a token one expert".into());
        }
        Ok(())
    }
}
