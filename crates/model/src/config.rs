//! The settings of an experiment: plain data, validated before anything runs.
//!
//! Limits are defined once, in [`crate::settings`]; the sliders, the file reader and the command line all use them.

pub use crate::settings::{
    Balancer, Capacity, ConfigError, DIM, Gate, Groups, Limits, Router, Rule, Schedule, Stays, Synthetic, TraceSource,
    limits,
};

use crate::name::{self, Name};
use crate::presets::Preset;
use crate::settings::learning::{self, Learning, World};
use serde::{Deserialize, Serialize};

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
    /// A fresh batch of synthetic tokens every step.
    Synthetic(Synthetic),
    /// The first synthetic batch, repeated for ever: the deterministic setting of the theory.
    Fixed(Synthetic),
    /// Router scores recorded from a real model.
    Trace(TraceSource),
    /// Tokens with targets, from which experts and routers learn.
    Learning(World),
}

/// One variant of an experiment: a router with its balancer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "WrittenVariant")]
pub struct Variant {
    /// The variant's name on screen and in exports: from a file, typed, or made from the settings.
    pub name: Name,
    /// The router.
    pub router: Router,
    /// The rule that moves the biases.
    pub balancer: Balancer,
    /// How the variant learns, where the source is [`Source::Learning`].
    #[serde(default, skip_serializing_if = "Learning::is_default")]
    pub learning: Learning,
}

/// [`Variant`] as written in a file: what is left out takes its default, or the value of the model named by `preset`.
#[derive(Deserialize)]
#[serde(rename = "Variant", deny_unknown_fields)]
struct WrittenVariant {
    #[serde(default)]
    name: Name,
    /// The name stays whatever settings change.
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

impl Experiment {
    /// Checks every setting against its limits, and settings that depend on each other.
    ///
    /// # Errors
    /// Names the first setting that is out of range.
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
                self.validate_learning(world)?;
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

    /// Checks that the variants can learn from a world: each has a plain top-K router and a gate with a gradient, and all scores fit in
    /// memory.
    fn validate_learning(&self, world: &World) -> Result<(), ConfigError> {
        for (i, v) in self.variants.iter().enumerate() {
            let (rule, router) = (v.balancer.rule, &v.router);
            if !rule.is_top_k() || router.groups.is_some() || router.capacity.is_some() {
                return Err(ConfigError {
                    setting: format!("variants[{i}]"),
                    value: format!("set to {}, or has groups or a capacity", rule.short()),
                    allowed: "a plain top-K router where it learns".into(),
                });
            }
            if !matches!(v.router.gate, Gate::Sigmoid | Gate::Softmax) {
                return Err(ConfigError {
                    setting: format!("variants[{i}].router.gate"),
                    value: v.router.gate.to_string(),
                    allowed: "Sigmoid or Softmax where the router learns".into(),
                });
            }
        }
        let experts: u64 = self.variants.iter().map(|v| u64::from(v.router.experts)).sum();
        let scores = u64::from(world.batch) * experts;
        if scores > learning::limits::SCORES {
            return Err(ConfigError {
                setting: "source.batch".into(),
                value: world.batch.to_string(),
                allowed: format!(
                    "at most {} with {experts} experts in all variants together",
                    learning::limits::SCORES / experts
                ),
            });
        }
        Ok(())
    }

    /// Checks that batches of this many tokens are not too large for the rules and capacities that need a whole batch at once.
    ///
    /// # Errors
    /// Names the first variant for which they are too large.
    pub fn validate_batch(&self, tokens: u32) -> Result<(), ConfigError> {
        for (i, v) in self.variants.iter().enumerate() {
            v.validate_batch(&format!("variants[{i}]"), u64::from(tokens))?;
        }
        Ok(())
    }

    /// The names of the variants.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.variants.iter().map(|v| v.name.to_string()).collect()
    }

    /// The settings of a synthetic source; `None` for a trace and for a world to learn from.
    #[must_use]
    pub fn synthetic(&self) -> Option<&Synthetic> {
        match &self.source {
            Source::Synthetic(s) | Source::Fixed(s) => Some(s),
            Source::Trace(_) | Source::Learning(_) => None,
        }
    }

    /// As [`Self::synthetic`], but mutable.
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

impl Variant {
    /// Whether the sampling floor, which assumes that tokens are routed independently, applies to this variant. It does not to BIP, to
    /// rules that do not choose by top-K ([`Rule::is_top_k`]), nor where experts have a capacity.
    #[must_use]
    pub fn has_floor(&self) -> bool {
        self.balancer.rule.is_top_k() && self.balancer.rule != Rule::Bip && self.router.capacity.is_none()
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// Names the first setting that is out of range. Setting names start with `path`.
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
        if self.name.longest() > name::LONGEST {
            return Err(ConfigError {
                setting: format!("{path}.name"),
                value: format!("{} characters long", self.name.longest()),
                allowed: format!("at most {} characters long", name::LONGEST),
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
        // Under a threshold a token may choose every expert.
        let most = if rule == Rule::Threshold { self.router.experts } else { self.router.top_k };
        let assignments = tokens * u64::from(most);
        if self.router.capacity.is_some() && assignments > limits::CAPACITY_ASSIGNMENTS {
            let allowed = format!("at most {} where experts have a capacity", limits::CAPACITY_ASSIGNMENTS);
            return wrong("router.capacity", format!("set with up to {assignments} assignments per step"), allowed);
        }
        Ok(())
    }
}
