//! The rows of a run in bounded memory: a pyramid of levels of detail that keeps the smallest, mean and largest value of every figure and
//! of the load and bias of every expert.
//!
//! Level 0 has one exact column per step. Every four columns of a level are joined into one of the next, so level k has one column per
//! 4ᵏ steps; adding a step costs O(experts) on average. The columns of all levels and variants together use at most
//! [`budget`] bytes, whatever the number of steps: from 24 MiB for few experts (a column for each of the last thousand steps and at
//! least some eight thousand more columns) to 384 MiB for 64 variants of 1024 experts. When the budget is exceeded, the finest level that
//! has more than its share drops its oldest columns, four at a time, which the next level has already joined. So the last steps are exact,
//! the whole run is there, and it is coarser the further back it is. Any range is read at about one column per pixel
//! ([`VariantHistory::columns`]), at the same cost after a thousand steps and after a million.
//!
//! Where the history is too coarse for a plot that is zoomed in, the steps are recomputed from a checkpoint beside the run and read
//! instead of the coarse columns, as detail ([`super::detail`]).
//!
//! Columns are shared and immutable. A clone of a history copies no figures, and a reader clones the columns that it needs and releases
//! the lock.

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

/// Number of joined columns, over all levels, for which a history of many experts has room.
const COLUMNS: usize = 4096;
/// The smallest memory budget, in bytes.
const LEAST_BYTES: usize = 24 << 20;
/// The largest memory budget, in bytes.
const MOST_BYTES: usize = 384 << 20;
/// The largest share of a level, in columns. When memory runs short, the finest level with more than its share drops columns first.
const MOST_KEPT: usize = 1024;
/// The smallest share of a level. A level with no more columns than this drops none.
const LEAST_KEPT: usize = 2 * RATIO;

/// The memory budget, in bytes, for the columns of a run whose variants have these numbers of experts.
#[must_use]
pub fn budget(experts: &[usize]) -> usize {
    let joined: usize = experts.iter().map(|&e| Column::bytes(e)[1]).sum();
    (COLUMNS * joined).clamp(LEAST_BYTES, MOST_BYTES)
}

/// The history of a run.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// One history per variant; all have columns for the same steps.
    pub variants: Vec<VariantHistory>,
    /// The first step of the run.
    pub first: u64,
    /// The step of the next row to come; all rows before it are known.
    pub head: u64,
    /// Increases with every change, so that a reader knows when to read again.
    pub version: u64,
    /// Bytes of one column, summed over the variants: a column of one step, and a joined column.
    bytes: [usize; 2],
    budget: usize,
    /// Recomputed steps, joined into one column per variant. It begins where the finest column that contains these steps begins.
    again: Vec<Column>,
}

impl History {
    /// An empty history for variants with these numbers of experts, starting at `step`.
    #[must_use]
    pub fn new(experts: &[usize], step: u64) -> Self {
        Self::within(experts, step, budget(experts))
    }

    /// As [`Self::new`], with another memory budget in bytes.
    #[must_use]
    pub fn within(experts: &[usize], step: u64, budget: usize) -> Self {
        let bytes = [0, 1].map(|i| experts.iter().map(|&e| Column::bytes(e)[i]).sum());
        let variants = vec![VariantHistory::default(); experts.len()];
        Self { variants, first: step, head: step, bytes, budget, ..Self::default() }
    }

    /// Appends the next row with its figures. A row before the head is already known; it is kept only as far as [`Self::truncate`] may need
    /// it.
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
            // The last level is not joined into another, so it never drops columns.
            let inner = &lengths[..lengths.len().saturating_sub(1)];
            let over = inner.iter().position(|&n| n > kept);
            let longest = || (0..inner.len()).filter(|&i| inner[i] > LEAST_KEPT).max_by_key(|&i| inner[i]);
            let Some(level) = over.or_else(longest) else { break };
            self.variants.iter_mut().for_each(|v| v.drop_oldest(level));
        }
    }

    /// Collects recomputed rows that lie inside a coarse column, so that the history can be truncated in the middle of that column.
    fn push_again(&mut self, row: &StepRow, metrics: &[Metrics]) {
        // Where every step has a column of its own, truncating needs nothing.
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

    /// The first step of the finest column that contains `step`. To truncate the history at `step` without a gap, recompute from there.
    #[must_use]
    pub fn boundary(&self, step: u64) -> Option<u64> {
        self.variants.first().and_then(|v| v.boundary(step))
    }

    /// Drops everything from `step` on, because the past was changed. If `step` lies inside a coarse column, the part before `step` is
    /// replaced by what was recomputed on the way to `step`; if it was not recomputed, those few steps are missing from then on.
    pub fn truncate(&mut self, step: u64) {
        let mut again = std::mem::take(&mut self.again).into_iter();
        for v in &mut self.variants {
            v.truncate(step, again.next());
        }
        self.head = step;
        self.version += 1;
    }

    /// A copy with one more variant that has the past of variant `of`; `experts` are the numbers of experts of all variants, including the
    /// new one. The columns are shared.
    #[must_use]
    pub fn forked(&self, of: usize, experts: &[usize]) -> Self {
        let Self { bytes, budget, .. } = Self::new(experts, self.first);
        let mut out = Self { bytes, budget, version: self.version + 1, ..self.clone() };
        out.variants.extend(self.variants.get(of).cloned());
        out.again.extend(self.again.get(of).cloned());
        out
    }

    /// Bytes used by the columns, without the detail.
    #[must_use]
    pub fn bytes_used(&self) -> usize {
        let Some(v) = self.variants.first() else { return 0 };
        v.lengths().enumerate().map(|(level, n)| n * self.bytes[usize::from(level > 0)]).sum()
    }

    /// Shows the columns of another history of the same run instead of coarser ones of this; `None` removes them.
    pub fn set_detail(&mut self, detail: Option<&Self>) {
        for (i, v) in self.variants.iter_mut().enumerate() {
            v.set_detail(detail.and_then(|d| d.variants.get(i)).map(|d| Arc::new(d.clone())));
        }
        self.version += 1;
    }
}

/// The columns of a single step, one per variant.
fn columns_of<'a>(row: &'a StepRow, metrics: &'a [Metrics]) -> impl Iterator<Item = Column> + 'a {
    row.variants.iter().zip(metrics).map(|(v, metrics)| {
        let fair = v.fair_share();
        let share = |&l: &u32| if fair > 0.0 { (f64::from(l) / fair) as f32 } else { 0.0 };
        let bias = v.bias.iter().map(|&b| from_q32(b) as f32).collect();
        Column::single(row.step, *metrics, v.loads.iter().map(share).collect(), bias)
    })
}
