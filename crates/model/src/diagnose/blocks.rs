//! Blocks of sixteen steps, and what is kept of each.

use super::super::fixed::from_q32;
use super::super::metrics::Metrics;
use super::{BLOCK, MOST};
use crate::row::VariantRow;
use std::collections::VecDeque;
use std::sync::Arc;

/// The block in progress.
#[derive(Clone, Debug, Default)]
pub(super) struct Open {
    start: u64,
    steps: usize,
    /// Each expert's sum over the steps of load / fair share − 1.
    sums: Vec<f32>,
    square: f64,
    fair: f64,
    tokens: f64,
    floor: f64,
    max_vio: f64,
    saturated: u32,
    diverged: u32,
    dropped: f64,
    dropped_by: Vec<u64>,
}

/// A finished block. Its lists are shared, so that a checkpoint needs almost no memory for it.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub start: u64,
    /// Each expert's mean of load / fair share − 1.
    pub load: Arc<[f32]>,
    /// Each expert's bias after the block, in score units, minus their mean, because a common shift has no effect.
    pub bias: Arc<[f32]>,
    /// Mean over experts and steps of (load / fair share − 1)².
    pub square: f64,
    /// Mean fair share, in tokens.
    pub fair: f64,
    /// Mean number of tokens per batch.
    pub tokens: f64,
    /// Mean sampling floor of its batches.
    pub floor: f64,
    /// Mean MaxVio of its batches.
    pub max_vio: f64,
    /// MaxVio of the block's loads summed up.
    pub max_vio_16: f64,
    /// Number of steps in which a bias was beyond the range of the key.
    pub saturated: u32,
    /// Number of experts with such a bias in the last step.
    pub saturated_now: u32,
    /// Number of steps in which the layer had diverged, where the source is a world to learn from.
    pub diverged: u32,
    /// Mean share of assignments dropped.
    pub dropped: f64,
    /// Assignments that each expert dropped; empty without a capacity.
    pub dropped_by: Arc<[u64]>,
}

/// The last blocks since a setting last changed, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Blocks(VecDeque<Block>);

impl Open {
    pub fn is_empty(&self) -> bool {
        self.steps == 0
    }

    pub fn steps(&self) -> usize {
        self.steps
    }

    pub fn begin(&mut self, step: u64, experts: usize) {
        let mut sums = std::mem::take(&mut self.sums);
        sums.clear();
        sums.resize(experts, 0.0);
        *self = Self { start: step, sums, ..Self::default() };
    }

    /// Adds a step, in one pass over its loads.
    pub fn add(&mut self, row: &VariantRow, metrics: &Metrics, learns: bool) {
        let loads = &row.loads[..self.sums.len().min(row.loads.len())];
        let fair = row.fair_share();
        let scale = if fair > 0.0 { (1.0 / fair) as f32 } else { 0.0 };
        let mut square = 0.0f32;
        for (sum, &load) in self.sums.iter_mut().zip(loads) {
            let error = load as f32 * scale - 1.0;
            *sum += error;
            square += error * error;
        }
        self.square += f64::from(square) / loads.len().max(1) as f64;
        self.fair += fair;
        self.tokens += f64::from(row.tokens);
        self.floor += metrics.floor;
        self.max_vio += metrics.max_vio;
        self.saturated += u32::from(row.saturated > 0);
        self.diverged += u32::from(learns && row.learning.is_none());
        self.dropped += metrics.dropped;
        if !row.dropped_by.is_empty() {
            self.dropped_by.resize(self.sums.len(), 0);
            self.dropped_by.iter_mut().zip(&row.dropped_by).for_each(|(all, &d)| *all += u64::from(d));
        }
        self.steps += 1;
    }
}

impl Blocks {
    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub fn experts(&self) -> Option<usize> {
        self.0.back().map(|b| b.load.len())
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The last `count` blocks, oldest first; `None` while there are fewer.
    pub fn last(&self, count: usize) -> Option<impl DoubleEndedIterator<Item = &Block> + Clone> {
        Some(self.0.range(self.0.len().checked_sub(count)?..))
    }

    pub fn newest(&self) -> Option<&Block> {
        self.0.back()
    }

    pub fn get(&self, index: usize) -> Option<&Block> {
        self.0.get(index)
    }

    /// The first step of the last `count` blocks, or of all blocks if there are fewer.
    pub fn start_of(&self, count: usize) -> u64 {
        self.0.get(self.0.len().saturating_sub(count)).map_or(0, |b| b.start)
    }

    pub fn close(&mut self, open: &mut Open, row: &VariantRow, metrics: &Metrics) {
        let n = BLOCK as f64;
        let computing = &row.bias[..open.sums.len().min(row.bias.len())];
        let mean = computing.iter().map(|&b| from_q32(b)).sum::<f64>() / computing.len().max(1) as f64;
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back(Block {
            start: open.start,
            load: open.sums.iter().map(|s| s / BLOCK as f32).collect(),
            bias: computing.iter().map(|&b| (from_q32(b) - mean) as f32).collect(),
            square: open.square / n,
            fair: open.fair / n,
            tokens: open.tokens / n,
            floor: open.floor / n,
            max_vio: open.max_vio / n,
            max_vio_16: metrics.max_vio_16,
            saturated: open.saturated,
            saturated_now: row.saturated,
            diverged: open.diverged,
            dropped: open.dropped / n,
            dropped_by: open.dropped_by.as_slice().into(),
        });
        open.steps = 0;
    }
}
