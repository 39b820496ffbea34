//! What happened, in bounded memory: a pyramid of levels of detail with the smallest, mean and largest of every figure and of every
//! expert's load and bias.
//!
//! Level 0 has one column per step, exactly as it was. Every four columns of a level become one of the next, so level k has a column per
//! 4ᵏ steps; adding a step costs O(experts) on average. Together the columns of all levels and variants take at most
//! [`budget`] bytes, whatever the number of steps: from 24 MiB for few experts (a column per step of the last thousand steps and at
//! least some eight thousand columns besides) to 384 MiB for 64 variants of 1024 experts. When they would take more, the finest level that has more
//! than its share lets go of its oldest columns, four at a time, which the next level has joined. So the last steps are exact, the whole run
//! is there, and the further back, the coarser it is. Any range is read at about one column per pixel ([`VariantHistory::columns`]), at
//! the same cost at a thousand steps and at a million.
//!
//! What is kept too coarsely for a close look is computed again from a checkpoint beside the run, and lies over the levels as
//! detail ([`super::detail`]).
//!
//! Columns are shared, never changed: a copy of a history copies no figures, and who draws takes what it needs and lets go of the lock.

mod column;
mod levels;

#[cfg(test)]
mod tests;

pub use column::Column;
pub use levels::{RATIO, VariantHistory};

use moebias_model::fixed::from_q32;
use moebias_model::metrics::Metrics;
use moebias_model::row::StepRow;
use std::sync::Arc;

/// Columns of all levels that a history of many experts has room for.
const COLUMNS: usize = 4096;
/// Memory for any history.
const LEAST_BYTES: usize = 24 << 20;
/// Memory for the largest.
const MOST_BYTES: usize = 384 << 20;
/// A level keeps its columns beyond this many only as long as there is room.
const MOST_KEPT: usize = 1024;
/// No level has fewer once it had them.
const LEAST_KEPT: usize = 2 * RATIO;

/// Bytes that the columns of a run with these numbers of experts may take.
#[must_use]
pub fn budget(experts: &[usize]) -> usize {
    let joined: usize = experts.iter().map(|&e| Column::bytes(e)[1]).sum();
    (COLUMNS * joined).clamp(LEAST_BYTES, MOST_BYTES)
}

/// The history of a run.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// One per variant; all have the same columns.
    pub variants: Vec<VariantHistory>,
    /// Its first step.
    pub first: u64,
    /// Steps in it: the next row to come is this step's.
    pub head: u64,
    /// Grows with every change, so that a reader knows when to look again.
    pub version: u64,
    /// Bytes of a column of all variants: of one step, and joined.
    bytes: [usize; 2],
    budget: usize,
    /// Known steps that were computed again: one column per variant from where the finest column begins that holds them.
    again: Vec<Column>,
}

impl History {
    /// An empty history for variants with these numbers of experts, starting at `step`.
    #[must_use]
    pub fn new(experts: &[usize], step: u64) -> Self {
        Self::within(experts, step, budget(experts))
    }

    /// The same in less memory.
    #[must_use]
    pub fn within(experts: &[usize], step: u64, budget: usize) -> Self {
        let bytes = [0, 1].map(|i| experts.iter().map(|&e| Column::bytes(e)[i]).sum());
        let variants = vec![VariantHistory::default(); experts.len()];
        Self { variants, first: step, head: step, bytes, budget, ..Self::default() }
    }

    /// Takes in the next row with its figures. A row before the head is known; it is remembered as long as it may be needed to
    /// cut the history there ([`Self::truncate`]).
    pub fn push(&mut self, row: &StepRow, metrics: &[Metrics]) {
        if row.step < self.head {
            return self.push_again(row, metrics);
        }
        if row.step > self.head {
            return;
        }
        for (history, column) in self.variants.iter_mut().zip(columns_of(row, metrics)) {
            history.push(column);
        }
        self.head += 1;
        self.version += 1;
        while self.bytes_used() > self.budget {
            let lengths: Vec<usize> = self.variants.first().map(|v| v.lengths().collect()).unwrap_or_default();
            let kept = (self.budget / (6 * self.bytes[1]).max(1)).clamp(LEAST_KEPT, MOST_KEPT);
            // The last level joins everything and is in no other.
            let inner = &lengths[..lengths.len().saturating_sub(1)];
            let over = inner.iter().position(|&n| n > kept);
            let longest = || (0..inner.len()).filter(|&i| inner[i] > LEAST_KEPT).max_by_key(|&i| inner[i]);
            let Some(level) = over.or_else(longest) else { break };
            self.variants.iter_mut().for_each(|v| v.drop_oldest(level));
        }
    }

    /// Rows before the head: what a cut at the present step would have to know of the column it falls into.
    fn push_again(&mut self, row: &StepRow, metrics: &[Metrics]) {
        // Where every step has a column of its own, a cut needs nothing.
        if self.variants.first().is_some_and(|v| v.exact(row.step).is_some()) {
            return self.again.clear();
        }
        let Some(start) = self.boundary(row.step) else { return };
        let goes_on = self.again.first().is_some_and(|c| c.end() == row.step && c.step == start);
        if start == row.step {
            self.again = columns_of(row, metrics).collect();
        } else if goes_on {
            let both = self.again.drain(..).zip(columns_of(row, metrics)).map(|(a, b)| [Arc::new(a), Arc::new(b)]);
            self.again = both.filter_map(|both| Column::joined(&both)).collect();
        } else {
            self.again.clear();
        }
    }

    /// Where the finest column begins that holds a step. To cut the history at that step, steps must be computed again from there.
    #[must_use]
    pub fn boundary(&self, step: u64) -> Option<u64> {
        self.variants.first().and_then(|v| v.boundary(step))
    }

    /// Forgets everything from `step` on: the past was changed. The run stands there, so what is left of a column that is cut in two
    /// was computed again on the way; where it was not, those few steps are missing from then on.
    pub fn truncate(&mut self, step: u64) {
        let mut again = std::mem::take(&mut self.again).into_iter();
        for v in &mut self.variants {
            v.truncate(step, again.next());
        }
        self.head = step;
        self.version += 1;
    }

    /// The same with one more variant, whose past is that of another; `experts` are those of all. The columns are shared.
    #[must_use]
    pub fn forked(&self, of: usize, experts: &[usize]) -> Self {
        let Self { bytes, budget, .. } = Self::new(experts, self.first);
        let mut out = Self { bytes, budget, version: self.version + 1, ..self.clone() };
        out.variants.extend(self.variants.get(of).cloned());
        out.again.extend(self.again.get(of).cloned());
        out
    }

    /// Bytes that the columns take, but for a detail.
    #[must_use]
    pub fn bytes_used(&self) -> usize {
        let Some(v) = self.variants.first() else { return 0 };
        v.lengths().enumerate().map(|(level, n)| n * self.bytes[usize::from(level > 0)]).sum()
    }

    /// Lays the columns of another history of the same run over this one, or takes them away.
    pub fn set_detail(&mut self, detail: Option<&Self>) {
        for (i, v) in self.variants.iter_mut().enumerate() {
            v.set_detail(detail.and_then(|d| d.variants.get(i)).map(|d| Arc::new(d.clone())));
        }
        self.version += 1;
    }
}

/// A column per variant.
fn columns_of<'a>(row: &'a StepRow, metrics: &'a [Metrics]) -> impl Iterator<Item = Column> + 'a {
    row.variants.iter().zip(metrics).map(|(v, metrics)| {
        let fair = v.fair_share();
        let share = |&l: &u32| if fair > 0.0 { (f64::from(l) / fair) as f32 } else { 0.0 };
        let bias = v.bias.iter().map(|&b| from_q32(b) as f32).collect();
        Column::single(row.step, *metrics, v.loads.iter().map(share).collect(), bias)
    })
}
