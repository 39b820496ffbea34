//! How a recording is read: the answers to what a file does not say about itself, and what is left out of it. Part of a scenario, so that a
//! run of it repeats.

use super::Gate;
use serde::{Deserialize, Serialize};
use std::fmt;
use strum::{EnumIter, IntoStaticStr};

/// What was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, EnumIter, IntoStaticStr)]
pub enum RecordedKind {
    /// The router's output for every token and expert: it can be routed again.
    Scores,
    /// The experts that every token chose.
    Selections,
    /// How many tokens every expert received.
    Loads,
}

impl RecordedKind {
    /// The kind in lower case, as the command line writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Scores => "scores",
            Self::Selections => "selections",
            Self::Loads => "loads",
        }
    }
}

impl fmt::Display for RecordedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Tokens that are left out of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LeaveOut {
    /// Runs of consecutive tokens with identical rows, such as warm-up, dummy or padding tokens.
    Identical,
    /// Tokens with this token id.
    TokenId(i64),
}

/// How a recording is read. The default takes what the file says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reading {
    /// What was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<RecordedKind>,
    /// The meaning of each axis of the array, separated by commas: steps, layers, batch, tokens, experts, ranks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub axes: Option<String>,
    /// The number of experts per token, K.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
    /// The number of experts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experts: Option<u32>,
    /// The gate of the recorded router.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
    /// The recorded values are scores that have passed this gate, so they are turned back into logits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gated: Option<Gate>,
    /// Tokens per step, where the file does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
    /// The tokens that are taken: from the first number to before the second, counted in the file from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<(u64, u64)>,
    /// Tokens that are left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub leave_out: Vec<LeaveOut>,
    /// The array or column that holds the token ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_ids: Option<String>,
    /// Biases start from the bias that the model had learned, where it was recorded, instead of 0. This holds for rules that add biases
    /// to scores in every variant with as many experts, and for rule `None`, which then keeps the recorded bias.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub from_bias: bool,
    /// Further files: of later steps, of other layers, or with `sum` of other ranks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// Add up the counts of all files.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub sum: bool,
}

impl Reading {
    /// Whether nothing was decided: the file is read as it describes itself.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// How another recording of the same tokens is read: as this one, but without what describes the layout of this one's file.
    #[must_use]
    pub fn for_another(&self) -> Self {
        Self { kind: None, axes: None, gated: None, token_ids: None, also: vec![], sum: false, ..self.clone() }
    }
}
