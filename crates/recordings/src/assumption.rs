//! What was assumed about a recording because its file does not say it.

use std::fmt;
use strum::{EnumIter, IntoStaticStr};

/// What an assumption is about. Each can be answered by a [`Reading`](super::Reading).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, IntoStaticStr)]
pub enum Question {
    /// What was recorded: scores, selections or loads.
    Kind,
    /// What each axis of an array means.
    Axes,
    /// Experts per token.
    TopK,
    /// The gate.
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
    /// The option of the command line that answers it.
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

/// Something that a file does not say, and what was assumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assumption {
    /// What it is about.
    pub about: Question,
    /// What was assumed and why: a sentence.
    pub text: String,
    /// Whether the file could well mean something else, so that a person should be asked.
    pub ask: bool,
}

impl Assumption {
    /// Something that is nearly always so.
    pub fn usual(about: Question, text: impl Into<String>) -> Self {
        Self { about, text: text.into(), ask: false }
    }

    /// Something that should be asked.
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
