//! The state of a run: what changes from step to step.

use crate::digest::Digest;
use crate::learn::parameters::{Learned, optional};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Everything that changes from step to step. It is small unless something learns, so it serves as a checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Updates done.
    pub step: u64,
    /// How far the topics have drifted: Q32 topic lifetimes, or turns of popularity in a world to learn from.
    pub phase: u64,
    /// One per variant.
    pub variants: Vec<VariantState>,
}

/// The state of one variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariantState {
    /// Bias of each expert, Q32.
    pub bias: Vec<i64>,
    /// The step at which the schedule was set; n in its formula is step − `schedule_from` + 1.
    pub schedule_from: u64,
    /// Digest of all loads and biases so far.
    pub digest: Digest,
    /// The rule's memory of each expert (SMEBU: its momentum, Q32; ID Balancing: the last error, Q20); empty for other rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub memory: Vec<i64>,
    /// Parameters and the optimiser's state, where the variant learns.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "optional")]
    pub learned: Option<Arc<Learned>>,
}

impl State {
    /// Approximate size in memory, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let learned = |v: &VariantState| v.learned.as_ref().map_or(0, |l| l.bytes());
        self.variants.iter().map(|v| 8 * (v.bias.len() + v.memory.len()) + learned(v)).sum()
    }
}
