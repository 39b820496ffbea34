//! What happened, in bounded memory: the last few thousand steps exactly, and the whole run at a resolution that halves as it
//! grows (each overview column is the mean of a power of two of steps).

use crate::model::fixed::from_q32;
use crate::model::learn::LearningRow;
use crate::model::metrics::{Metrics, Tracker};
use crate::model::step::StepRow;
use std::collections::VecDeque;

/// Memory for the columns of all variants together.
const BUDGET_BYTES: usize = 96 << 20;
/// More columns than any screen has pixels would be wasted.
const MOST_COLUMNS: usize = 4096;
/// Fewer columns than this would look coarse.
const LEAST_COLUMNS: usize = 256;

/// One or several consecutive steps of one variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The first step it covers.
    pub step: u64,
    /// How many steps it covers.
    pub steps: u64,
    /// Means of the figures; counts are rounded means.
    pub metrics: Metrics,
    /// Largest MaxVio of a batch within the column.
    pub max_vio_peak: f64,
    /// Smallest MaxVio of a batch within the column.
    pub max_vio_low: f64,
    /// Mean load over fair share, per expert.
    pub load: Box<[f32]>,
    /// Mean bias per expert, score units.
    pub bias: Box<[f32]>,
}

impl Column {
    fn joined(&self, next: &Self) -> Self {
        let (a, b) = (self.steps as f64, next.steps as f64);
        let mean = |x: f64, y: f64| (x * a + y * b) / (a + b);
        let count = |x: u32, y: u32| mean(f64::from(x), f64::from(y)).round() as u32;
        let all = |x: &[f32], y: &[f32]| {
            x.iter().zip(y).map(|(&x, &y)| mean(f64::from(x), f64::from(y)) as f32).collect::<Box<[f32]>>()
        };
        let (m, n) = (&self.metrics, &next.metrics);
        Self {
            step: self.step,
            steps: self.steps + next.steps,
            metrics: Metrics {
                max_vio: mean(m.max_vio, n.max_vio),
                max_vio_16: mean(m.max_vio_16, n.max_vio_16),
                max_vio_global: mean(m.max_vio_global, n.max_vio_global),
                min_vio: mean(m.min_vio, n.min_vio),
                load_median: mean(m.load_median, n.load_median),
                cv: mean(m.cv, n.cv),
                entropy: mean(m.entropy, n.entropy),
                effective: mean(m.effective, n.effective),
                starving: count(m.starving, n.starving),
                dead: count(m.dead, n.dead),
                moved: mean(m.moved, n.moved),
                bias_min: mean(m.bias_min, n.bias_min),
                bias_median: mean(m.bias_median, n.bias_median),
                bias_max: mean(m.bias_max, n.bias_max),
                saturated: m.saturated.max(n.saturated),
                learning: LearningRow::mean(m.learning, a, n.learning, b),
            },
            max_vio_peak: self.max_vio_peak.max(next.max_vio_peak),
            max_vio_low: self.max_vio_low.min(next.max_vio_low),
            load: all(&self.load, &next.load),
            bias: all(&self.bias, &next.bias),
        }
    }
}

/// The history of one variant.
#[derive(Clone, Debug, Default)]
pub struct VariantHistory {
    /// The whole run. Every column but the last covers `stride` steps.
    pub overview: Vec<Column>,
    /// The last steps, one column each.
    pub recent: VecDeque<Column>,
    /// Steps per overview column, a power of two.
    pub stride: u64,
}

/// The history of a run.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// One per variant.
    pub variants: Vec<VariantHistory>,
    /// Steps in it: the next row to come is this step's.
    pub head: u64,
    /// Grows with every change, so that a reader knows when to look again.
    pub version: u64,
    columns: usize,
    trackers: Vec<Tracker>,
}

impl History {
    /// An empty history for variants with these numbers of experts, starting at `step`.
    #[must_use]
    pub fn new(experts: &[usize], step: u64) -> Self {
        let bytes: usize = experts.iter().map(|e| 16 * e + 256).sum();
        let columns = (BUDGET_BYTES / bytes.max(1)).clamp(LEAST_COLUMNS, MOST_COLUMNS) & !1;
        let one = VariantHistory { stride: 1, ..VariantHistory::default() };
        let n = experts.len();
        Self { variants: vec![one; n], head: step, version: 0, columns, trackers: vec![Tracker::default(); n] }
    }

    /// Takes in the next row. Rows before the head are already known and change nothing.
    pub fn push(&mut self, row: &StepRow) {
        if row.step != self.head {
            return;
        }
        let columns = self.columns;
        for ((history, tracker), v) in self.variants.iter_mut().zip(&mut self.trackers).zip(&row.variants) {
            let metrics = tracker.push(v);
            let fair = f64::from(row.tokens) * f64::from(v.top_k) / v.loads.len().max(1) as f64;
            history.push(
                Column {
                    step: row.step,
                    steps: 1,
                    metrics,
                    max_vio_peak: metrics.max_vio,
                    max_vio_low: metrics.max_vio,
                    load: v
                        .loads
                        .iter()
                        .map(|&l| if fair > 0.0 { (f64::from(l) / fair) as f32 } else { 0.0 })
                        .collect(),
                    bias: v.bias.iter().map(|&b| from_q32(b) as f32).collect(),
                },
                columns,
            );
        }
        self.head += 1;
        self.version += 1;
    }

    /// Forgets everything from `step` on: the past was changed. `trackers` are those of that step.
    pub fn truncate(&mut self, step: u64, trackers: Vec<Tracker>) {
        for v in &mut self.variants {
            v.overview.retain(|c| c.step + c.steps <= step);
            v.recent.retain(|c| c.step < step);
            // The overview must stay without a gap: what it lost of its last column comes from the exact steps, if they are there.
            let covered = v.overview.last().map_or(0, |c| c.step + c.steps);
            let missing: Vec<Column> = v.recent.iter().filter(|c| c.step >= covered).cloned().collect();
            if let Some(joined) = missing.into_iter().reduce(|a, b| a.joined(&b)) {
                v.overview.push(joined);
            }
        }
        self.trackers = trackers;
        self.head = step;
        self.version += 1;
    }

    /// Starts MaxVio_global afresh in every variant.
    pub fn mark(&mut self) {
        self.trackers.iter_mut().for_each(Tracker::mark);
    }

    /// The trackers at the head.
    #[must_use]
    pub fn trackers(&self) -> &[Tracker] {
        &self.trackers
    }
}

impl VariantHistory {
    fn push(&mut self, column: Column, most: usize) {
        match self.overview.last_mut() {
            Some(last) if last.steps < self.stride => *last = last.joined(&column),
            _ => self.overview.push(column.clone()),
        }
        if self.overview.len() > most {
            let old = std::mem::take(&mut self.overview);
            let mut pairs = old.into_iter();
            while let Some(a) = pairs.next() {
                self.overview.push(match pairs.next() {
                    Some(b) => a.joined(&b),
                    None => a,
                });
            }
            self.stride *= 2;
        }
        self.recent.push_back(column);
        if self.recent.len() > most {
            self.recent.pop_front();
        }
    }

    /// The columns to draw for steps in [from, to): the exact ones where they reach back far enough, else the overview.
    pub fn columns(&self, from: u64, to: u64) -> impl Iterator<Item = &Column> {
        let exact = self.recent.front().is_some_and(|c| c.step <= from) || self.stride == 1;
        let (recent, overview) =
            if exact { (Some(self.recent.iter()), None) } else { (None, Some(self.overview.iter())) };
        recent
            .into_iter()
            .flatten()
            .chain(overview.into_iter().flatten())
            .skip_while(move |c| c.step + c.steps <= from)
            .take_while(move |c| c.step < to)
    }

    /// The exact column of a step, if it is recent enough.
    #[must_use]
    pub fn exact(&self, step: u64) -> Option<&Column> {
        let first = self.recent.front()?.step;
        self.recent.get(step.checked_sub(first)? as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::step::VariantRow;

    fn row(step: u64) -> StepRow {
        let loads = vec![step as u32 % 7, 10, 10, 10];
        let bias = vec![step as i64; 4];
        StepRow {
            step,
            tokens: 10,
            variants: vec![VariantRow { top_k: 4, loads, bias, moved: 0, moved_of: 4, saturated: 0, learning: None }],
        }
    }

    #[test]
    fn memory_is_bounded_and_nothing_is_skipped() {
        let mut h = History::new(&[4], 0);
        for step in 0..20_000 {
            h.push(&row(step));
        }
        let v = &h.variants[0];
        assert!(v.overview.len() <= MOST_COLUMNS && v.recent.len() <= MOST_COLUMNS);
        let mut next = 0;
        for c in &v.overview {
            assert_eq!(c.step, next);
            next += c.steps;
        }
        assert_eq!(next, 20_000);
        assert_eq!(v.columns(19_990, 20_000).count(), 10, "the recent end is exact");
        assert_eq!(v.exact(19_999).unwrap().step, 19_999);
        assert!(v.exact(5).is_none());
    }

    #[test]
    fn changing_the_past_keeps_what_was_before() {
        let mut h = History::new(&[4], 0);
        for step in 0..5000 {
            h.push(&row(step));
        }
        h.truncate(4321, vec![Tracker::default()]);
        assert_eq!(h.head, 4321);
        let v = &h.variants[0];
        assert_eq!(v.recent.back().unwrap().step, 4320);
        assert_eq!(v.overview.last().map(|c| c.step + c.steps), Some(4321));
        h.push(&row(4321));
        assert_eq!(h.variants[0].overview.iter().map(|c| c.steps).sum::<u64>(), 4322);
    }
}
