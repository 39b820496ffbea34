//! One table of what every setting is called on screen, and what its values are. Undo, event marks, messages, the comparison, sweeps
//! and the panel all read it; files, JSON and the columns of sweeps keep the names by which settings are written.

use crate::settings::learning::{Auxiliary, Gating, Optimiser};
use crate::settings::{ConfigError, Gate, Rule, Schedule, Stays};
use std::fmt;

/// What a setting is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// As it is written in files: the last part of its path.
    pub key: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its sign, or the shortest name there is, for marks and lists.
    pub sign: &'static str,
}

const fn entry(key: &'static str, name: &'static str, sign: &'static str) -> Term {
    Term { key, name, sign }
}

/// Every setting.
pub const TERMS: &[Term] = &[
    entry("source", "token source", "tokens"),
    entry("seed", "seed", "seed"),
    entry("batch", "tokens per batch T", "T"),
    entry("topics", "topics", "topics"),
    entry("skew", "skew", "skew"),
    entry("noise", "noise", "noise"),
    entry("drift", "drift", "drift"),
    entry("burst", "burst", "burst"),
    entry("fixed", "repeated batch", "repeated batch"),
    entry("domains", "domains", "domains"),
    entry("rich", "richness", "richness"),
    entry("kinship", "kinship", "kinship"),
    entry("common", "common part", "common part"),
    entry("target_noise", "target noise ε", "ε"),
    entry("variants", "variants", "variants"),
    entry("name", "name", "name"),
    entry("experts", "experts E", "E"),
    entry("top_k", "experts per token K", "K"),
    entry("gate", "gate", "gate"),
    entry("groups", "groups", "groups"),
    entry("kept", "groups kept", "groups kept"),
    entry("capacity", "capacity", "capacity"),
    entry("factor", "capacity factor", "capacity"),
    entry("by", "who stays", "stays"),
    entry("shared", "shared experts", "shared"),
    entry("renormalise", "renormalised", "renormalised"),
    entry("scale", "route scale", "scale"),
    entry("rule", "rule", "rule"),
    entry("rate", "step size u", "u"),
    entry("schedule", "schedule", "schedule"),
    entry("centred", "centring", "centring"),
    entry("freeze", "freezing", "freezing"),
    entry("momentum", "momentum β", "β"),
    entry("steepness", "steepness κ", "κ"),
    entry("derivative", "gain K_d", "K_d"),
    entry("zero_experts", "identity experts", "Z"),
    entry("real_experts", "computing experts", "K_e"),
    entry("average", "moving average", "average"),
    entry("iterations", "passes", "passes"),
    entry("bias", "biases", "biases"),
    entry("optimiser", "optimiser", "optimiser"),
    entry("expert_rate", "expert rate", "expert rate"),
    entry("router_rate", "router rate", "router rate"),
    entry("horizon", "horizon", "horizon"),
    entry("gating", "gating values", "gating values"),
    entry("auxiliary", "auxiliary loss", "loss"),
    entry("alpha", "weight α", "α"),
    entry("z_loss", "z-loss", "z-loss"),
    entry("sequence", "sequence", "sequence"),
    entry("batches", "batches", "batches"),
    entry("learning", "learning", "learning"),
];

/// What the setting is called that files write as `key`.
#[must_use]
pub fn term(key: &str) -> Option<&'static Term> {
    TERMS.iter().find(|t| t.key == key)
}

/// The setting that a path in a file names, for a person who has no file before them: "experts per token K of No balancing".
/// `names` are those of the variants.
#[must_use]
pub fn path_in_words(path: &str, names: &[String]) -> String {
    let last = path.rsplit('.').next().unwrap_or(path);
    let last = last.split('[').next().unwrap_or(last);
    let named = term(last).map_or_else(|| last.replace('_', " "), |t| t.name.to_owned());
    let variant = path.strip_prefix("variants[").and_then(|rest| rest.split(']').next()?.parse::<usize>().ok());
    match variant.and_then(|i| names.get(i)) {
        Some(name) if names.len() > 1 => format!("{named} of “{name}”"),
        _ => named,
    }
}

/// A number as short as it can be and still be the same: 0.001, 5e-5.
#[must_use]
pub fn number(x: f64) -> String {
    if x != 0.0 && x.abs() < 1e-4 { format!("{x:e}") } else { x.to_string() }
}

/// Words at the start of a sentence. A sign of one letter stays as it is.
#[must_use]
pub fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|c| c.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A switch.
pub(crate) fn on_off(on: bool) -> String {
    if on { "on" } else { "off" }.into()
}

impl Rule {
    /// Its name, as on its choice.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::None => "No balancing",
            Self::Sign => "Loss-free, sign",
            Self::Proportional => "Loss-free, proportional",
            Self::Multiplicative => "Multiplicative",
            Self::CentredSign => "Sign, step centred",
            Self::Rms => "Error over its RMS",
            Self::Smebu => "SMEBU",
            Self::IdBalancing => "ID Balancing",
            Self::LongCat => "LongCat-Flash",
            Self::Quantile => "Quantile Balancing",
            Self::Bip => "BIP",
            Self::ExpertChoice => "Expert Choice",
            Self::Threshold => "Dynamic K, threshold",
            Self::Sinkhorn => "Sinkhorn",
            Self::Base => "BASE, balanced assignment",
            Self::Hash => "Hash of the word",
        }
    }

    /// The shortest name that tells it from the others, for names of variants and marks.
    #[must_use]
    pub fn short(self) -> &'static str {
        match self {
            Self::Sign => "Sign",
            Self::Proportional => "Proportional",
            Self::CentredSign => "Centred sign",
            Self::Rms => "RMS",
            Self::Threshold => "Dynamic K",
            Self::Base => "BASE",
            Self::Hash => "Hash",
            other => other.title(),
        }
    }

    /// What its papers call the step size.
    #[must_use]
    pub fn step_sign(self) -> &'static str {
        match self {
            Self::Smebu => "λ",
            Self::IdBalancing => "Kᵢ",
            Self::LongCat => "μ",
            _ => "u",
        }
    }
}

impl Gate {
    /// Its name.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Sigmoid => "Sigmoid",
            Self::Softmax => "Softmax",
            Self::SqrtSoftplus => "√softplus",
        }
    }
}

impl Schedule {
    /// Its name.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::InverseSqrt => "1/√n",
            Self::Inverse => "1/n",
        }
    }
}

impl Stays {
    /// Its name.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Score => "by score",
            Self::Position => "by position",
        }
    }
}

impl Optimiser {
    /// Its name.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Adam => "Adam",
            Self::Sgd => "SGD with momentum",
        }
    }
}

impl Gating {
    /// Its name.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Raw => "plain",
            Self::Normalised => "normalised",
        }
    }
}

impl Auxiliary {
    /// Its name.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::None => "no auxiliary loss",
            Self::Plain => "plain loss",
            Self::Normalised => "normalised loss",
            Self::Switch => "Switch loss",
            Self::SequenceWise => "sequence-wise loss",
            Self::GlobalBatch => "global-batch loss",
        }
    }
}

/// On screen a value is called by its name; `key` is how files, JSON and columns write it.
macro_rules! named {
    ($($of:ty),*) => {$(
        impl $of {
            /// As it is written in files.
            #[must_use]
            pub fn key(self) -> &'static str {
                self.into()
            }
        }

        impl fmt::Display for $of {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.title())
            }
        }
    )*};
}

named!(Rule, Gate, Schedule, Stays, Optimiser, Gating, Auxiliary);

impl ConfigError {
    /// For a person who has no file before them: the setting by its name, and what stands against the value. `names` are those of
    /// the variants.
    #[must_use]
    pub fn in_words(&self, names: &[String]) -> String {
        let what = capitalised(&path_in_words(&self.setting, names));
        let why = ["left out: ", "left alone: "].iter().find_map(|start| self.allowed.strip_prefix(start));
        match why {
            Some(why) => format!("{what} can't be {}: {why}", self.value),
            None => format!("{what} can't be {}: it must be {}", self.value, self.allowed),
        }
    }
}
