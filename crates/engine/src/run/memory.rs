//! How much memory a run uses, so that parked runs can be kept within a budget.

use super::{Checkpoint, Run, lock};
use std::mem::size_of;

/// Bytes that a checkpoint uses per expert in addition to its state: tracker, diagnosis and load.
const PER_EXPERT: usize = 300;

impl Checkpoint {
    fn bytes(&self) -> usize {
        let experts: usize = self.state.variants.iter().map(|v| v.bias.len()).sum();
        experts * PER_EXPERT + self.state.bytes()
    }
}

impl Run {
    pub(super) fn checkpoint_bytes(&self) -> usize {
        self.checkpoints.iter().map(Checkpoint::bytes).sum()
    }

    /// About how many bytes of memory the run uses. Memory shared with another run counts in both.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let biases: usize = self.biases.iter().flat_map(|(_, all)| all).map(|b| 8 * b.len()).sum();
        let events = self.events.len() * size_of::<moebias_model::change::Event>();
        let before = self.before.as_ref().map_or(0, |b| b.1.bytes());
        let history = lock(&self.history).bytes_used();
        history + self.checkpoint_bytes() + self.simulation.state().bytes() + biases + events + before
    }

    /// Drops everything that can be recomputed: all checkpoints but the first, the state before the last step, and the detail.
    pub fn slim(&mut self) {
        self.checkpoints.truncate(1);
        self.before = None;
        lock(&self.history).set_detail(None);
    }
}
