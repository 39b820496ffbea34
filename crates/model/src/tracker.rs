//! Computes the metrics of a run, row by row.

use crate::figures::Standing;
use crate::fixed::from_q32;
use crate::metrics::{
    DEAD, LONG_WINDOW, Metrics, SHORT_WINDOW, STARVING, above, below_fair, cv, entropy, median_share,
};
use crate::row::{Fair, VariantRow};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Loads summed over several steps, with their fair share.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Sums {
    loads: Vec<u64>,
    fair: Fair,
}

impl Sums {
    fn of(experts: usize) -> Self {
        Self { loads: vec![0; experts], fair: Fair::default() }
    }

    fn add(&mut self, loads: &[u32], fair: Fair) {
        self.loads.iter_mut().zip(loads).for_each(|(s, &l)| *s += u64::from(l));
        self.fair.add(fair);
    }

    fn take(&mut self, loads: &[u32], fair: Fair) {
        // What is subtracted was added before, except where the sums come from a file that says otherwise.
        self.loads.iter_mut().zip(loads).for_each(|(s, &l)| *s = s.saturating_sub(u64::from(l)));
        self.fair.take(fair);
    }

    fn fair(&self) -> f64 {
        self.fair.share(self.loads.len())
    }

    fn max_vio(&self) -> f64 {
        above(&self.loads, self.fair())
    }
}

/// Computes the metrics of a run, row by row.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Tracker {
    recent: VecDeque<(Vec<u32>, u32)>,
    /// The fair share of each step in `recent`.
    fair: VecDeque<Fair>,
    /// Assignments that each expert dropped in each of the last [`SHORT_WINDOW`] steps; empty lists without a capacity.
    #[serde(default)]
    dropped_by: VecDeque<Vec<u32>>,
    short: Sums,
    long: Sums,
    all: Sums,
    standing: Standing,
}

impl Tracker {
    /// Adds the next step and returns its metrics.
    pub fn push(&mut self, row: &VariantRow) -> Metrics {
        let metrics = self.measure(row);
        self.standing.push(&metrics);
        metrics
    }

    fn measure(&mut self, row: &VariantRow) -> Metrics {
        let experts = row.loads.len().saturating_sub(row.zero_experts as usize);
        let loads = &row.loads[..experts];
        if self.all.loads.len() != experts {
            let none = Sums::of(experts);
            let standing = std::mem::take(&mut self.standing);
            *self = Self { short: none.clone(), long: none.clone(), all: none, standing, ..Self::default() };
        }
        let fair = row.fair();
        for sums in [&mut self.short, &mut self.long, &mut self.all] {
            sums.add(loads, fair);
        }
        self.recent.push_back((loads.to_vec(), row.dropped));
        self.fair.push_back(fair);
        if self.recent.len() > SHORT_WINDOW {
            let old = self.recent.len() - 1 - SHORT_WINDOW;
            self.short.take(&self.recent[old].0, self.fair[old]);
        }
        if self.recent.len() > LONG_WINDOW
            && let (Some(old), Some(fair)) = (self.recent.pop_front(), self.fair.pop_front())
        {
            self.long.take(&old.0, fair);
        }
        self.dropped_by.push_back(row.dropped_by.get(..experts).unwrap_or_default().to_vec());
        if self.dropped_by.len() > SHORT_WINDOW {
            self.dropped_by.pop_front();
        }
        let batch: Vec<u64> = loads.iter().map(|&l| u64::from(l)).collect();
        let assigned = batch.iter().sum::<u64>() as f64 + f64::from(row.dropped);
        let batch_fair = fair.share(experts);
        let long_fair = self.long.fair();
        let below = |share: f64| self.long.loads.iter().filter(|&&l| (l as f64) < share * long_fair).count() as u32;
        let mut sorted = row.bias.clone();
        sorted.sort_unstable();
        let bias = |i: usize| sorted.get(i).map_or(0.0, |&b| from_q32(b));
        Metrics {
            fair: batch_fair,
            // The row does not know its token source; the caller fills the floor in.
            floor: 0.0,
            max_vio: above(&batch, batch_fair),
            max_vio_16: self.short.max_vio(),
            came_vio_16: self.came_vio(),
            max_vio_global: self.all.max_vio(),
            min_vio: below_fair(&batch, batch_fair),
            load_median: median_share(&mut batch.clone(), batch_fair),
            cv: cv(&batch),
            entropy: if experts > 1 { entropy(&batch) / (experts as f64).ln() } else { 1.0 },
            effective: entropy(&self.long.loads).exp(),
            starving: below(STARVING),
            dead: below(DEAD),
            moved: if row.moved_of == 0 { 0.0 } else { f64::from(row.moved) / f64::from(row.moved_of) },
            dropped: f64::from(row.dropped) / assigned.max(1.0),
            active: assigned / f64::from(row.tokens.max(1)),
            bias_min: bias(0),
            bias_median: (bias(sorted.len().saturating_sub(1) / 2) + bias(sorted.len() / 2)) / 2.0,
            bias_max: bias(sorted.len().saturating_sub(1)),
            saturated: row.saturated,
            learning: row.learning,
        }
    }

    /// MaxVio of the short window with the assignments that were dropped.
    fn came_vio(&self) -> f64 {
        if self.dropped_by.iter().all(Vec::is_empty) {
            return self.short.max_vio();
        }
        let mut came = self.short.loads.clone();
        for dropped in &self.dropped_by {
            came.iter_mut().zip(dropped).for_each(|(c, &d)| *c += u64::from(d));
        }
        above(&came, self.short.fair())
    }

    /// Whether a tracker that was read from a file can continue with rows of this many experts.
    #[must_use]
    pub fn fits(&self, experts: usize) -> bool {
        let sums = [&self.short, &self.long, &self.all].map(|s| s.loads.len());
        let all = sums.into_iter().chain(self.recent.iter().map(|(loads, _)| loads.len()));
        let fits = |n: usize| n == sums[0] && n <= experts;
        self.fair.len() == self.recent.len() && self.recent.len() <= LONG_WINDOW && all.into_iter().all(fits)
    }

    /// The loads of the last [`LONG_WINDOW`] steps and the number of assignments that each dropped, oldest first, without identity experts.
    #[must_use]
    pub fn recent(&self) -> &VecDeque<(Vec<u32>, u32)> {
        &self.recent
    }

    /// The figures of the run since the last mark.
    #[must_use]
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Notes that a setting changes before the next step.
    pub fn change(&mut self) {
        self.standing.change();
    }

    /// Restarts MaxVio_global and the figures since the mark.
    pub fn mark(&mut self) {
        self.all = Sums::of(self.all.loads.len());
        self.standing = Standing::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Experiment, Source};
    use crate::metrics::{Floors, sampling_floor};

    #[test]
    fn identity_experts_are_nobody_s_violation() {
        let mut tracker = Tracker::default();
        let metrics = tracker.push(&VariantRow { zero_experts: 2, ..row(&[6, 2, 90, 0]) });
        assert_eq!((metrics.max_vio, metrics.max_vio_16, metrics.min_vio), (0.5, 0.5, 0.5));
        assert_eq!((metrics.starving, metrics.dead), (0, 0));
        assert!((metrics.effective - 1.755).abs() < 1e-3);
    }

    #[test]
    fn an_aim_of_its_own_is_the_fair_share() {
        // Each of two experts should get 2 of 10 tokens; one gets 6 and the other 2.
        let aimed = |loads: &[u32]| VariantRow { zero_experts: 1, share: (1 << 30) / 5, tokens: 10, ..row(loads) };
        let mut tracker = Tracker::default();
        let m = tracker.push(&aimed(&[6, 2, 2]));
        assert!((m.fair - 2.0).abs() < 1e-6 && (m.max_vio - 2.0).abs() < 1e-6 && m.min_vio.abs() < 1e-6, "{m:?}");
        assert!((m.max_vio_16 - 2.0).abs() < 1e-6);
        // Where more tokens than intended go to identity experts, no expert is above its fair share.
        let mut tracker = Tracker::default();
        let m = tracker.push(&aimed(&[1, 1, 8]));
        assert_eq!((m.max_vio, m.max_vio_16), (0.0, 0.0));
        assert!((m.min_vio - 0.5).abs() < 1e-6);
        // The target share changes: a window uses each step's own.
        let mut tracker = Tracker::default();
        tracker.push(&aimed(&[2, 2, 6]));
        let m = tracker.push(&VariantRow { zero_experts: 1, tokens: 10, ..row(&[6, 2, 2]) });
        assert!((m.max_vio_16 - (8.0 / 6.0 - 1.0)).abs() < 1e-6, "{}", m.max_vio_16);
    }

    #[test]
    fn no_room_for_the_fair_share_is_no_negative_violation() {
        let m = Tracker::default().push(&VariantRow { dropped: 40, tokens: 80, ..row(&[10, 10, 10, 10]) });
        assert_eq!((m.fair, m.max_vio, m.max_vio_16, m.max_vio_global, m.min_vio), (20.0, 0.0, 0.0, 0.0, 0.5));
        assert_eq!(m.dropped, 0.5);
    }

    #[test]
    fn a_floor_is_that_of_the_step() {
        use crate::config::{Rule, Synthetic, Variant};
        let (source, variants) = (Source::Synthetic(Synthetic::default()), vec![Variant::default()]);
        let mut experiment = Experiment { seed: 1, source, variants };
        let mut floors = Floors::default();
        let v = experiment.variants[0].router.clone();
        assert_eq!(floors.of(&experiment, 0, 4096), sampling_floor(v.experts, v.top_k, 4096));
        experiment.variants[0].router.top_k = 1;
        assert_eq!(floors.of(&experiment, 0, 4096), sampling_floor(v.experts, 1, 4096));
        experiment.variants[0].balancer.rule = Rule::Bip;
        assert_eq!(floors.of(&experiment, 0, 4096), 0.0);
    }

    fn row(loads: &[u32]) -> VariantRow {
        VariantRow {
            top_k: 1,
            loads: loads.to_vec(),
            bias: vec![0; loads.len()],
            moved: 1,
            moved_of: 4,
            saturated: 0,
            ..VariantRow::default()
        }
    }

    #[test]
    fn figures_of_a_simple_batch() {
        let mut tracker = Tracker::default();
        let m = tracker.push(&row(&[40, 20, 20, 0]));
        assert_eq!(m.max_vio, 1.0);
        assert_eq!(m.min_vio, 1.0);
        assert_eq!(m.load_median, 1.0);
        assert!((m.cv - 0.5f64.sqrt()).abs() < 1e-12);
        assert!((m.effective - 2.0 * 2f64.sqrt()).abs() < 1e-12);
        assert_eq!((m.starving, m.dead), (1, 1));
        assert_eq!(m.moved, 0.25);
    }

    #[test]
    fn balance_is_judged_on_what_came() {
        // Every expert is full, but twice as many tokens came to the first.
        let mut tracker = Tracker::default();
        let full = VariantRow { dropped: 20, dropped_by: vec![20, 0, 0, 0], tokens: 60, ..row(&[20, 10, 10, 20]) };
        let m = tracker.push(&full);
        assert!((m.max_vio_16 - 0.0).abs() < 1e-12 && (m.came_vio_16 - 1.0).abs() < 1e-12, "{m:?}");
        assert!(!m.in_balance());
        assert_eq!(tracker.standing().figures().in_balance, Some(0.0));
        // Sixteen steps later nothing is dropped any more.
        let even = VariantRow { tokens: 60, ..row(&[20, 20, 20, 20]) };
        let last = (0..SHORT_WINDOW).map(|_| tracker.push(&even)).last().unwrap();
        assert!(last.in_balance() && last.came_vio_16 == last.max_vio_16);
    }

    #[test]
    fn what_is_dropped_counts_as_fair_share() {
        let mut tracker = Tracker::default();
        let m = tracker.push(&VariantRow { dropped: 20, tokens: 50, ..row(&[25, 25, 25, 5]) });
        assert_eq!((m.max_vio, m.max_vio_16, m.min_vio), (0.0, 0.0, 0.8));
        assert_eq!((m.dropped, m.active), (0.2, 2.0));
        for _ in 0..80 {
            tracker.push(&row(&[30, 20, 20, 10]));
        }
        assert_eq!(tracker.push(&row(&[30, 20, 20, 10])).max_vio_16, 0.5, "it has left the window");
    }

    #[test]
    fn windows_slide() {
        let mut tracker = Tracker::default();
        for _ in 0..70 {
            tracker.push(&row(&[4, 0]));
        }
        let mut last = Metrics::default();
        for _ in 0..16 {
            last = tracker.push(&row(&[2, 2]));
        }
        assert_eq!(last.max_vio_16, 0.0, "the last 16 steps are balanced");
        assert!(last.max_vio_global > 0.5);
        assert_eq!(last.starving, 0, "exactly a quarter of fair over the last 64 steps is not under it");
    }
}
