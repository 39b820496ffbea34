//! What every setting and its values are called on screen. Undo, event marks, messages, the comparison, sweeps and the panel use these
//! names; files, JSON and the columns of sweeps use keys instead.

use crate::settings::learning::{Auxiliary, Gating, Optimiser};
use crate::settings::{ConfigError, Gate, Rule, Schedule, Stays, TABLE, Term};
use std::fmt;

/// Settings that occur in files but that no change of a running experiment sets.
const OTHERS: &[Term] = &[
    Term::new("source", "token source", "tokens"),
    Term::new("seed", "seed", "seed"),
    Term::new("fixed", "repeated batch", "repeated batch"),
    Term::new("variants", "variants", "variants"),
    Term::new("name", "name", "name"),
    Term::new("experts", "experts E", "E"),
    Term::new("kept", "groups kept", "groups kept"),
    Term::new("factor", "capacity factor", "capacity"),
    Term::new("by", "who stays", "stays"),
    Term::new("bias", "biases", "biases"),
    Term::new("learning", "learning", "learning"),
];

/// The terms of all settings.
pub fn terms() -> impl Iterator<Item = &'static Term> {
    TABLE.iter().chain(OTHERS)
}

/// The term of the setting that files write as `key`.
#[must_use]
pub fn term(key: &str) -> Option<&'static Term> {
    terms().find(|t| t.key == key)
}

/// The setting that a path in a file points to, in words for a reader who does not see the file: "experts per token K of “No balancing”".
/// `names` are the names of the variants; a single variant is not named.
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

/// A number as briefly as it can be written without loss: 0.001, 5e-5.
#[must_use]
pub fn number(x: f64) -> String {
    if x != 0.0 && x.abs() < 1e-4 { format!("{x:e}") } else { x.to_string() }
}

/// The words with their first letter in upper case, for the start of a sentence.
#[must_use]
pub fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|c| c.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A switch in words.
pub(crate) fn on_off(on: bool) -> String {
    if on { "on" } else { "off" }.into()
}

impl Rule {
    /// The name on screen.
    #[must_use]
    pub const fn title(self) -> &'static str {
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

    /// The shortest name that distinguishes the rule from the others, for names of variants and marks.
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

    /// The symbol of the step size in the rule's source.
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
    /// The name on screen.
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
    /// The name on screen.
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
    /// The name on screen.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Score => "by score",
            Self::Position => "by position",
        }
    }
}

impl Optimiser {
    /// The name on screen.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Adam => "Adam",
            Self::Sgd => "SGD with momentum",
        }
    }
}

impl Gating {
    /// The name on screen.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Raw => "plain",
            Self::Normalised => "normalised",
        }
    }
}

impl Auxiliary {
    /// The name on screen.
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

/// Implements, for a setting's type, `Display` with the name on screen and `key` with the name in files, JSON and columns.
macro_rules! named {
    ($($of:ty),*) => {$(
        impl $of {
            /// The name in files.
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
    /// The error in words for a reader who does not see the file: the setting by its name on screen, and what is wrong with the value.
    /// `names` are the names of the variants.
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
