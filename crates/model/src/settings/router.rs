//! The settings of a router: how scores are made, how many experts a token gets and which ones it may choose.

use super::{ConfigError, Rule, limits};
use serde::{Deserialize, Serialize};
use strum::{EnumIter, IntoStaticStr};

/// The settings of a router.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Router {
    /// Number of experts, E.
    pub experts: u32,
    /// Experts per token, K.
    pub top_k: u32,
    /// How logits become scores.
    pub gate: Gate,
    /// Groups of experts, of which a token chooses among the best; `None` lets it choose among all experts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Groups>,
    /// The most tokens that an expert takes of a batch; `None` for no bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Capacity>,
    /// Shared experts, which every token gets in addition to the K chosen ones. They do not affect loads.
    #[serde(skip_serializing_if = "is_default")]
    pub shared: u32,
    /// Whether a token's gating values are divided by their sum.
    #[serde(skip_serializing_if = "is_default")]
    pub renormalise: bool,
    /// Route scale: multiplies every gating value.
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

/// Group-limited routing (DeepSeek-V3): experts form groups of equal size; a group's score is the sum of the two largest biased scores in
/// it, and a token chooses among the experts of its best groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Groups {
    /// Number of groups; must divide E.
    pub groups: u32,
    /// Number of groups that a token chooses among.
    pub kept: u32,
}

/// Capacity: an expert takes at most ⌈T·K/E · factor⌉ tokens of a batch. Further assignments are dropped (Switch, GShard; Megatron-LM).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capacity {
    /// Capacity as a multiple of the fair share.
    pub factor: f64,
    /// Which tokens an overfull expert keeps.
    #[serde(default)]
    pub by: Stays,
}

/// Which tokens an overfull expert keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, EnumIter, IntoStaticStr)]
pub enum Stays {
    /// Those with the highest scores there; among equal scores the earlier tokens.
    #[default]
    Score,
    /// The earliest in the batch.
    Position,
}

/// The gate: how logits become scores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, EnumIter, IntoStaticStr)]
pub enum Gate {
    /// s = 1/(1 + e⁻ˣ), each expert separately (Wang et al. 2024).
    #[default]
    Sigmoid,
    /// s = eˣ/Σeˣ over the experts of a token.
    Softmax,
    /// s = √ln(1 + eˣ), each expert separately (`sqrtsoftplus` in Megatron-LM). Stored as s/4, so that it fits the score format.
    SqrtSoftplus,
}

impl Gate {
    /// The unit in which scores are stored: the true score of a stored 1.0. Biases are in true score units whatever the gate.
    #[must_use]
    pub fn unit(self) -> f64 {
        f64::from(1u32 << self.unit_bits())
    }

    /// The unit as a power of two; a bias is shifted to the right by this many bits before it enters the key.
    #[must_use]
    pub fn unit_bits(self) -> u32 {
        match self {
            Self::Sigmoid | Self::Softmax => 0,
            Self::SqrtSoftplus => 2,
        }
    }
}

impl Router {
    /// Experts per group; without groups, all of them.
    #[must_use]
    pub fn group_size(&self) -> u32 {
        self.groups.map_or(self.experts, |g| self.experts / g.groups.max(1))
    }

    /// Number of experts that a token chooses among.
    #[must_use]
    pub fn eligible(&self) -> u32 {
        self.groups.map_or(self.experts, |g| g.kept * self.group_size())
    }

    /// Checks groups, capacity and gating values.
    pub(crate) fn validate_more(&self, path: &str, rule: Rule) -> Result<(), ConfigError> {
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
                let allowed = format!("left out: {} {why}", rule.short());
                return wrong("groups", format!("{} of {}", g.kept, g.groups), allowed);
            }
        }
        if let Some(c) = self.capacity {
            limits::CAPACITY.check(&format!("{path}.capacity"), c.factor)?;
            if rule == Rule::ExpertChoice {
                let allowed = "left out: under Expert Choice an expert takes its fair share, no more and no less";
                return wrong("capacity", c.factor.to_string(), allowed.into());
            }
        }
        limits::SHARED.check(path, f64::from(self.shared))?;
        limits::SCALE.check(path, self.scale)?;
        if rule == Rule::Base && self.top_k != 1 {
            return wrong("top_k", self.top_k.to_string(), "1: BASE gives a token one expert".into());
        }
        Ok(())
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn is_one(value: &f64) -> bool {
    *value == 1.0
}
