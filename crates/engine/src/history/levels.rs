//! The levels of detail of one variant, and how a range of steps is read from them.

use super::column::Column;
use std::collections::VecDeque;
use std::sync::Arc;

/// Number of columns of one level that are joined into one of the next.
pub const RATIO: usize = 4;

/// The history of one variant. Level 0 has one column per step; a column of any other level joins four of the level below. Each level
/// keeps only its newest columns, so the older a step is, the coarser is the finest column that still contains it.
#[derive(Clone, Debug, Default)]
pub struct VariantHistory {
    levels: Vec<Level>,
    /// Finer columns of an older range, which were recomputed.
    detail: Option<Arc<VariantHistory>>,
}

#[derive(Clone, Debug, Default)]
struct Level {
    columns: VecDeque<Arc<Column>>,
    /// How many of the last columns have not been joined into a column of the next level.
    pending: usize,
}

impl Level {
    fn end(&self) -> Option<u64> {
        self.columns.back().map(|c| c.end())
    }

    /// The index of the column that contains a step.
    fn find(&self, step: u64) -> Option<usize> {
        let i = self.columns.partition_point(|c| c.end() <= step);
        self.columns.get(i).filter(|c| c.step <= step).map(|_| i)
    }
}

impl VariantHistory {
    /// Appends the next step.
    pub(super) fn push(&mut self, column: Column) {
        self.append(0, Arc::new(column));
        let mut at = 0;
        while self.levels[at].pending >= RATIO {
            self.lift(at);
            at += 1;
        }
    }

    fn append(&mut self, level: usize, column: Arc<Column>) {
        while self.levels.len() <= level {
            self.levels.push(Level::default());
        }
        self.levels[level].columns.push_back(column);
        self.levels[level].pending += 1;
    }

    /// Joins the pending columns of a level into one column of the next level, or into several if steps are missing between them.
    fn lift(&mut self, level: usize) {
        let Level { columns, pending } = &mut self.levels[level];
        let parts: Vec<Arc<Column>> = columns.range(columns.len() - *pending..).cloned().collect();
        *pending = 0;
        for part in parts.chunk_by(|a, b| a.end() == b.step) {
            if let Some(column) = Column::joined(part) {
                self.append(level + 1, Arc::new(column));
            }
        }
    }

    /// The number of columns of each level, finest first.
    pub(super) fn lengths(&self) -> impl Iterator<Item = usize> {
        self.levels.iter().map(|l| l.columns.len())
    }

    /// Drops the oldest columns of a level: those joined in the same column of the next level as its very oldest one.
    pub(super) fn drop_oldest(&mut self, level: usize) {
        let Some(front) = self.levels[level].columns.front().map(|c| c.step) else { return };
        let Some(above) = self.levels.get(level + 1) else { return };
        let Some(end) = above.find(front).and_then(|i| above.columns.get(i)).map(|c| c.end()) else { return };
        let columns = &mut self.levels[level].columns;
        while columns.front().is_some_and(|c| c.end() <= end) {
            columns.pop_front();
        }
    }

    /// The first step of the finest column that contains `step`.
    pub(super) fn boundary(&self, step: u64) -> Option<u64> {
        self.levels.iter().find_map(|l| l.find(step).map(|i| l.columns[i].step))
    }

    /// Drops everything from `step` on. If `step` lies inside a coarse column, that column is dropped whole; `missing` then replaces its
    /// part before `step`.
    pub(super) fn truncate(&mut self, step: u64, missing: Option<Column>) {
        self.detail = self.detail.take().filter(|d| d.end().is_some_and(|end| end <= step));
        for below in 0..self.levels.len() {
            let level = &mut self.levels[below];
            while level.end().is_some_and(|end| end > step) {
                level.columns.pop_back();
            }
        }
        // Appending continues at the finest level that is not empty. Columns that coarser levels lost are joined again from it.
        let finest = self.levels.iter().position(|l| !l.columns.is_empty()).unwrap_or(0);
        if let Some(missing) = missing.filter(|m| {
            let end = self.levels.get(finest).and_then(Level::end);
            m.end() == step && end.is_none_or(|end| end == m.step)
        }) {
            self.append(finest, Arc::new(missing));
        }
        for level in finest..self.levels.len() {
            let above = self.levels.get(level + 1).and_then(Level::end);
            let columns = &self.levels[level].columns;
            let last_above = above.unwrap_or_else(|| columns.front().map_or(0, |c| c.step));
            self.levels[level].pending = columns.len() - columns.partition_point(|c| c.end() <= last_above);
            let has_more = self.levels[level + 1..].iter().any(|l| !l.columns.is_empty());
            if self.levels[level].pending > 0 && has_more {
                self.lift(level);
            }
        }
        for level in &mut self.levels[..finest] {
            level.pending = 0;
        }
        while self.levels.last().is_some_and(|l| l.columns.is_empty()) {
            self.levels.pop();
        }
    }

    /// The first step in the history.
    #[must_use]
    pub fn first(&self) -> Option<u64> {
        self.levels.iter().filter_map(|l| l.columns.front()).map(|c| c.step).min()
    }

    /// The step after the last one in the history.
    #[must_use]
    pub fn end(&self) -> Option<u64> {
        self.levels.iter().filter_map(Level::end).max()
    }

    /// The newest steps that are kept as single steps, oldest first.
    pub fn recent(&self) -> impl DoubleEndedIterator<Item = &Arc<Column>> + ExactSizeIterator {
        static NONE: VecDeque<Arc<Column>> = VecDeque::new();
        self.levels.first().map_or(&NONE, |l| &l.columns).iter()
    }

    /// The column of a single step, if it is recent enough to be kept as one.
    #[must_use]
    pub fn exact(&self, step: u64) -> Option<&Arc<Column>> {
        let level = self.levels.first()?;
        level.find(step).map(|i| &level.columns[i])
    }

    /// The finest column that contains a step.
    #[must_use]
    pub fn at(&self, step: u64) -> Option<&Arc<Column>> {
        let own = || self.levels.iter().find_map(|l| l.find(step).map(|i| &l.columns[i]));
        let fine = self.detail.as_ref().and_then(|d| d.at(step));
        match (fine, own()) {
            (Some(fine), Some(own)) => Some(if fine.steps < own.steps { fine } else { own }),
            (fine, own) => fine.or(own),
        }
    }

    /// Columns for the steps in \[from, to), in order and without overlap; no step that the history has is left out. A column covers at
    /// most `width` steps and at least a quarter of that, so a plot gets about one column per pixel whatever the length of the run.
    /// Exceptions: columns are wider where the past is kept more coarsely, narrower at the very end of the run, and the first may begin
    /// before `from`.
    #[must_use]
    pub fn columns(&self, from: u64, to: u64, width: u64) -> Vec<Arc<Column>> {
        let level = (0..).take_while(|&k| (RATIO as u64).saturating_pow(k + 1) <= width).count();
        let Some(detail) = self.detail.as_ref().filter(|d| {
            let (a, b) = (d.first().unwrap_or(0), d.end().unwrap_or(0));
            a < to && b > from && self.own_width(a.max(from)) > d.own_width(a.max(from))
        }) else {
            return self.own(from, to, level);
        };
        let (a, b) = (detail.first().unwrap_or(0), detail.end().unwrap_or(0));
        let mut out = if from < a { self.own(from, a, level) } else { vec![] };
        while out.last().is_some_and(|c| c.end() > a) {
            out.pop();
        }
        out.extend(detail.own(from.max(a), to.min(b), level));
        if to > b {
            out.extend(self.own(b, to, level).into_iter().filter(|c| c.step >= b));
        }
        out
    }

    /// The number of steps per column, at the finest, where a range of steps is kept most coarsely.
    #[must_use]
    pub fn width(&self, from: u64, to: u64) -> u64 {
        let own = self.own_width(from);
        let fine = self.detail.as_ref().filter(|d| {
            d.first().is_some_and(|f| f <= from) && d.end().is_some_and(|end| end >= to.min(self.end().unwrap_or(to)))
        });
        fine.map_or(own, |d| d.own_width(from).min(own))
    }

    /// The width of the finest column at `from`. Older steps are kept more coarsely, so this is the widest of a range that begins there.
    fn own_width(&self, from: u64) -> u64 {
        let from = from.max(self.first().unwrap_or(0));
        self.levels.iter().find_map(|l| l.find(from).map(|i| l.columns[i].steps)).unwrap_or(1)
    }

    /// As [`Self::columns`] without detail, with columns of `level` or coarser.
    fn own(&self, from: u64, to: u64, level: usize) -> Vec<Arc<Column>> {
        let mut out = vec![];
        let level = level.min(self.levels.len().saturating_sub(1));
        let mut at = from;
        while at < to {
            // Columns of the level asked for; coarser ones where these were dropped; finer ones where they are not complete yet.
            let order = (level..self.levels.len()).chain((0..level).rev());
            let Some((k, i)) = order.into_iter().find_map(|k| self.levels[k].find(at).map(|i| (k, i))) else {
                // No column contains this step: continue with the next step that has one.
                let next = self.levels.iter().filter_map(|l| {
                    let i = l.columns.partition_point(|c| c.step <= at);
                    l.columns.get(i).map(|c| c.step)
                });
                match next.min() {
                    Some(next) => at = next,
                    None => break,
                }
                continue;
            };
            let finer = (k > level).then(|| self.levels[level..k].iter().filter_map(|l| l.columns.front()));
            let until = finer.and_then(|fronts| fronts.map(|c| c.step).min()).filter(|s| *s > at).unwrap_or(to).min(to);
            for c in self.levels[k].columns.range(i..) {
                // Stop at a gap: the next column does not begin where this one ends.
                if c.step >= until || c.step > at {
                    break;
                }
                at = c.end();
                out.push(Arc::clone(c));
            }
        }
        out
    }

    /// Replaces the detail: columns that are read instead of the coarser ones of the levels.
    pub(super) fn set_detail(&mut self, detail: Option<Arc<Self>>) {
        self.detail = detail;
    }
}
