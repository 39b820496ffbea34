//! What every setting and its values are called on screen. Undo, event marks, messages, the comparison, sweeps and the panel all read it; files, JSON and the columns of sweeps keep the names by which settings are written.

use crate::settings::learning::{Auxiliary, Gating, Optimiser};
use crate::settings::{ConfigError, Gate, Rule, Schedule, Stays, TABLE, Term};
use std::fmt;

/// What files name and no change of a running experiment sets.
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

/// Every setting that has a name.
pub fn terms() -> impl Iterator<Item = &'static Term> {
    TABLE.iter().chain(OTHERS)
}

/// What the setting is called that files write as `key`.
#[must_use]
pub fn term(key: &str) -> Option<&'static Term> {
    terms().find(|t| t.key == key)
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
