//! Assumptions about a recording, made where its file does not state something.

use std::fmt;
use strum::{EnumIter, IntoStaticStr};

/// The subject of an assumption. Each can be settled by a [`Reading`](super::Reading).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, IntoStaticStr)]
pub enum Question {
    /// What was recorded: scores, selections or loads.
    Kind,
    /// What each axis of an array means.
    Axes,
    /// Experts per token.
    TopK,
    /// The gate of the router.
    Gate,
    /// The number of experts.
    Experts,
    /// Tokens per step.
    Step,
    /// The token ids.
    TokenIds,
    /// How several files belong together.
    Files,
    /// What the numbers are, for example fractions that were rounded.
    Values,
}

impl Question {
    /// The command-line option that settles the question.
    #[must_use]
    pub fn option(self) -> &'static str {
        match self {
            Self::Kind => "--kind",
            Self::Axes => "--axes",
            Self::TopK => "--top-k",
            Self::Gate => "--gate",
            Self::Experts => "--experts",
            Self::Step => "--step-tokens",
            Self::TokenIds => "--token-ids",
            Self::Files => "--sum",
            Self::Values => "",
        }
    }
}

/// Something that a file does not state, and what was assumed instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assumption {
    /// The subject of the assumption.
    pub about: Question,
    /// The assumption and its reason, as a sentence.
    pub text: String,
    /// Whether another meaning is likely enough that a person should be asked.
    pub ask: bool,
}

impl Assumption {
    /// An assumption that is nearly always right.
    pub fn usual(about: Question, text: impl Into<String>) -> Self {
        Self { about, text: text.into(), ask: false }
    }

    /// An assumption that a person should confirm.
    pub fn open(about: Question, text: impl Into<String>) -> Self {
        Self { about, text: text.into(), ask: true }
    }
}

impl fmt::Display for Assumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.about.option() {
            "" => f.write_str(&self.text),
            option => write!(f, "{} ({option} changes it)", self.text),
        }
    }
}
