//! The settings of an experiment: plain data, validated before anything runs.
//!
//! Every limit stands here once; the sliders, the file reader and the command line all read it from here.

mod balancer;
pub mod limits;
mod router;

pub use balancer::{Balancer, Rule, Schedule};
pub use router::{Capacity, Gate, Groups, Router, Stays};

use super::learn::settings::{Learning, World};
use super::naming::{self, Name};
use super::presets::Preset;
use serde::{Deserialize, Serialize};

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
    /// What it is called on screen and in exports: written, typed, or made from the settings.
    pub name: Name,
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
    #[serde(default)]
    name: Name,
    /// The name stays whatever is changed.
    #[serde(default)]
    keep_name: bool,
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
        if w.keep_name && w.name.trim().is_empty() {
            return Err("a variant with `keep_name` has no name to keep; write one, or leave `keep_name` out");
        }
        let name = if w.keep_name { Name::kept(&w.name) } else { w.name };
        let Some(preset) = w.preset else {
            let (router, balancer) = (w.router.unwrap_or_default(), w.balancer.unwrap_or_default());
            return Ok(Self { name, router, balancer, learning: w.learning });
        };
        if w.router.is_some() || w.balancer.is_some() {
            return Err("a variant with a preset has its router and balancer; leave those out, or the preset");
        }
        let (router, balancer) = preset.settings();
        Ok(Self { name, router, balancer, learning: w.learning })
    }
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

impl ConfigError {
    /// For a person who has no file before them: the setting by its name, and what stands against the value. `names` are those of
    /// the variants.
    #[must_use]
    pub fn in_words(&self, names: &[String]) -> String {
        let what = naming::capitalised(&naming::path_in_words(&self.setting, names));
        let why = ["left out: ", "left alone: "].iter().find_map(|start| self.allowed.strip_prefix(start));
        match why {
            Some(why) => format!("{what} can't be {}: {why}", self.value),
            None => format!("{what} can't be {}: it must be {}", self.value, self.allowed),
        }
    }
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
                        allowed: "left out: only in a world to learn from, source: Learning(…), does anything learn"
                            .into(),
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

    /// Takes the name that a person types for a variant; `None` lets it follow the settings again.
    pub fn rename(&mut self, variant: usize, name: Option<&str>) {
        naming::settle(&mut self.variants);
        if let Some(v) = self.variants.get_mut(variant) {
            v.name.type_in(name);
        }
        naming::settle(&mut self.variants);
    }

    /// What the variants are called.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.variants.iter().map(|v| v.name.to_string()).collect()
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
        if self.name.longest() > naming::LONGEST {
            return Err(ConfigError {
                setting: format!("{path}.name"),
                value: format!("{} characters long", self.name.longest()),
                allowed: format!("at most {} characters long", naming::LONGEST),
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
            let name = rule.short();
            let value = format!("{name} with {tokens} tokens at {experts} experts");
            let allowed = format!("{name} with at most {most} tokens: it needs a whole batch at once");
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
