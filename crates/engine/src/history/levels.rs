//! The levels of detail of one variant, and how a range of steps is read from them.

use super::column::Column;
use std::collections::VecDeque;
use std::sync::Arc;

/// Columns of one level that become one of the next.
pub const RATIO: usize = 4;

/// The history of one variant. Level 0 has a column per step; a column of any other level joins four of the one below. A level
/// keeps its latest columns: the older a step, the coarser the finest column that still holds it.
#[derive(Clone, Debug, Default)]
pub struct VariantHistory {
    levels: Vec<Level>,
    /// Finer columns of an older range, computed again.
    detail: Option<Arc<VariantHistory>>,
}

#[derive(Clone, Debug, Default)]
struct Level {
    columns: VecDeque<Arc<Column>>,
    /// How many of the last columns are in no column of the next level.
    pending: usize,
}

impl Level {
    fn end(&self) -> Option<u64> {
        self.columns.back().map(|c| c.end())
    }

    /// The place of the column that holds a step.
    fn find(&self, step: u64) -> Option<usize> {
        let i = self.columns.partition_point(|c| c.end() <= step);
        self.columns.get(i).filter(|c| c.step <= step).map(|_| i)
    }
}

impl VariantHistory {
    /// Takes in the next step.
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

    /// Joins what a level has pending into a column of the next; into two where steps are missing between them.
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

    /// How many columns each level has, the finest first.
    pub(super) fn lengths(&self) -> impl Iterator<Item = usize> {
        self.levels.iter().map(|l| l.columns.len())
    }

    /// Lets go of a level's oldest columns: those that the next level's oldest column but for the lost ones joins.
    pub(super) fn drop_oldest(&mut self, level: usize) {
        let Some(front) = self.levels[level].columns.front().map(|c| c.step) else { return };
        let Some(above) = self.levels.get(level + 1) else { return };
        let Some(end) = above.find(front).and_then(|i| above.columns.get(i)).map(|c| c.end()) else { return };
        let columns = &mut self.levels[level].columns;
        while columns.front().is_some_and(|c| c.end() <= end) {
            columns.pop_front();
        }
    }

    /// Where the finest column that holds a step begins.
    pub(super) fn boundary(&self, step: u64) -> Option<u64> {
        self.levels.iter().find_map(|l| l.find(step).map(|i| l.columns[i].step))
    }

    /// Forgets everything from `step` on. `missing` is what lies between the last column that ends before `step` and `step`,
    /// where that was known only as a part of a coarser column.
    pub(super) fn truncate(&mut self, step: u64, missing: Option<Column>) {
        self.detail = self.detail.take().filter(|d| d.end().is_some_and(|end| end <= step));
        for below in 0..self.levels.len() {
            let level = &mut self.levels[below];
            while level.end().is_some_and(|end| end > step) {
                level.columns.pop_back();
            }
        }
        // The finest level that still has something goes on from there; what a level lost above comes from below.
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

    /// The first step there is.
    #[must_use]
    pub fn first(&self) -> Option<u64> {
        self.levels.iter().filter_map(|l| l.columns.front()).map(|c| c.step).min()
    }

    /// The step after the last one there is.
    #[must_use]
    pub fn end(&self) -> Option<u64> {
        self.levels.iter().filter_map(Level::end).max()
    }

    /// The latest steps, one column each, the oldest first.
    pub fn recent(&self) -> impl DoubleEndedIterator<Item = &Arc<Column>> + ExactSizeIterator {
        static NONE: VecDeque<Arc<Column>> = VecDeque::new();
        self.levels.first().map_or(&NONE, |l| &l.columns).iter()
    }

    /// The column of one step alone, if it is recent enough.
    #[must_use]
    pub fn exact(&self, step: u64) -> Option<&Arc<Column>> {
        let level = self.levels.first()?;
        level.find(step).map(|i| &level.columns[i])
    }

    /// The finest column that holds a step.
    #[must_use]
    pub fn at(&self, step: u64) -> Option<&Arc<Column>> {
        let own = || self.levels.iter().find_map(|l| l.find(step).map(|i| &l.columns[i]));
        let fine = self.detail.as_ref().and_then(|d| d.at(step));
        match (fine, own()) {
            (Some(fine), Some(own)) => Some(if fine.steps < own.steps { fine } else { own }),
            (fine, own) => fine.or(own),
        }
    }

    /// Columns for the steps in [from, to), in order, without overlap and none left out that there is: of at most `width` steps where such are
    /// kept and of at least a quarter of it, so that about as many come as a plot has pixels, whatever the length of the run. Where
    /// the past is kept more coarsely, and at the very end of the run, they are what there is. The first may begin before `from`.
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

    /// The widest of the finest columns there are for a range of steps.
    #[must_use]
    pub fn width(&self, from: u64, to: u64) -> u64 {
        let own = self.own_width(from);
        let fine = self.detail.as_ref().filter(|d| {
            d.first().is_some_and(|f| f <= from) && d.end().is_some_and(|end| end >= to.min(self.end().unwrap_or(to)))
        });
        fine.map_or(own, |d| d.own_width(from).min(own))
    }

    /// The older the wider: a range's first steps tell.
    fn own_width(&self, from: u64) -> u64 {
        let from = from.max(self.first().unwrap_or(0));
        self.levels.iter().find_map(|l| l.find(from).map(|i| l.columns[i].steps)).unwrap_or(1)
    }

    /// The same of the levels alone, from `level` on.
    fn own(&self, from: u64, to: u64, level: usize) -> Vec<Arc<Column>> {
        let mut out = vec![];
        let level = level.min(self.levels.len().saturating_sub(1));
        let mut at = from;
        while at < to {
            // As wanted, else coarser where that is dropped, else finer where the coarser ones are not finished.
            let order = (level..self.levels.len()).chain((0..level).rev());
            let Some((k, i)) = order.into_iter().find_map(|k| self.levels[k].find(at).map(|i| (k, i))) else {
                // Nothing holds this step: on with the next that there is.
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
                // A hole behind a column ends the run of them.
                if c.step >= until || c.step > at {
                    break;
                }
                at = c.end();
                out.push(Arc::clone(c));
            }
        }
        out
    }

    /// Shows finer columns where they have them.
    pub(super) fn set_detail(&mut self, detail: Option<Arc<Self>>) {
        self.detail = detail;
    }
}
