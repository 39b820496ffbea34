//! What is measured: MaxVio and its kin, as the literature defines them.
//!
//! Fair share L = K·T/E tokens. Identity experts, which nothing balances, are left out: L is then the mean load of the others.
//! Where a window has not filled, the metric is over the steps there are.

use super::figures::Standing;
use super::learn::LearningRow;
use super::step::VariantRow;
use std::collections::VecDeque;

/// Steps in the window of MaxVio_16.
pub const SHORT_WINDOW: usize = 16;
/// Steps in the window of starving and dead experts and of effective experts.
pub const LONG_WINDOW: usize = 64;
/// In balance where MaxVio_16 is at most this.
pub const IN_BALANCE: f64 = 0.2;
/// A starving expert has less than this share of its fair load.
pub const STARVING: f64 = 0.25;
/// A dead expert has less than this share of its fair load.
pub const DEAD: f64 = 0.01;

/// The figures of one step of one variant.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Metrics {
    /// Worst expert above fair share in this batch: max/L − 1 (Wang et al. 2024).
    pub max_vio: f64,
    /// The same over the loads summed over the last 16 steps.
    pub max_vio_16: f64,
    /// The same over all loads since the mark.
    pub max_vio_global: f64,
    /// Emptiest expert below fair share: 1 − min/L (ID Balancing).
    pub min_vio: f64,
    /// Median load over fair share.
    pub load_median: f64,
    /// Standard deviation of the loads over their mean.
    pub cv: f64,
    /// Entropy of the load shares over ln E, in [0, 1].
    pub entropy: f64,
    /// e to the entropy of the load shares over the last 64 steps.
    pub effective: f64,
    /// Experts under 25 % of fair over the last 64 steps.
    pub starving: u32,
    /// Experts under 1 % of fair over the last 64 steps.
    pub dead: u32,
    /// Share of assignments that differ from the unbiased top-K; estimated on a sample.
    pub moved: f64,
    /// Share of assignments that no expert had room for.
    pub dropped: f64,
    /// Mean number of experts that a token chose.
    pub active: f64,
    /// Smallest bias, score units.
    pub bias_min: f64,
    /// Median bias, score units.
    pub bias_median: f64,
    /// Largest bias, score units.
    pub bias_max: f64,
    /// Experts whose bias was too far below the largest to be exact.
    pub saturated: u32,
    /// What learning showed; `None` where nothing learns, or where the layer has diverged.
    pub learning: Option<LearningRow>,
}

/// Loads summed over some steps, and what was dropped in them.
#[derive(Clone, Debug, Default)]
struct Sums {
    loads: Vec<u64>,
    dropped: u64,
}

impl Sums {
    fn of(experts: usize) -> Self {
        Self { loads: vec![0; experts], dropped: 0 }
    }

    fn add(&mut self, loads: &[u32], dropped: u32) {
        self.loads.iter_mut().zip(loads).for_each(|(s, &l)| *s += u64::from(l));
        self.dropped += u64::from(dropped);
    }

    fn take(&mut self, (loads, dropped): &(Vec<u32>, u32)) {
        self.loads.iter_mut().zip(loads).for_each(|(s, &l)| *s -= u64::from(l));
        self.dropped -= u64::from(*dropped);
    }

    /// The fair share counts what was dropped: no expert had to drop it at perfect balance.
    fn fair(&self) -> f64 {
        (self.loads.iter().sum::<u64>() + self.dropped) as f64 / self.loads.len().max(1) as f64
    }

    fn max_vio(&self) -> f64 {
        above(&self.loads, self.fair())
    }
}

/// Makes the metrics of a run, row by row.
#[derive(Clone, Debug, Default)]
pub struct Tracker {
    recent: VecDeque<(Vec<u32>, u32)>,
    short: Sums,
    long: Sums,
    all: Sums,
    standing: Standing,
}

impl Tracker {
    /// Takes in the next step.
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
        for sums in [&mut self.short, &mut self.long, &mut self.all] {
            sums.add(loads, row.dropped);
        }
        self.recent.push_back((loads.to_vec(), row.dropped));
        if self.recent.len() > SHORT_WINDOW {
            self.short.take(&self.recent[self.recent.len() - 1 - SHORT_WINDOW]);
        }
        if self.recent.len() > LONG_WINDOW
            && let Some(old) = self.recent.pop_front()
        {
            self.long.take(&old);
        }
        let batch: Vec<u64> = loads.iter().map(|&l| u64::from(l)).collect();
        let assigned = batch.iter().sum::<u64>() as f64 + f64::from(row.dropped);
        let batch_fair = assigned / experts.max(1) as f64;
        let long_fair = self.long.fair();
        let below = |share: f64| self.long.loads.iter().filter(|&&l| (l as f64) < share * long_fair).count() as u32;
        let mut sorted = row.bias.clone();
        sorted.sort_unstable();
        let bias = |i: usize| sorted.get(i).map_or(0.0, |&b| super::fixed::from_q32(b));
        Metrics {
            max_vio: above(&batch, batch_fair),
            max_vio_16: self.short.max_vio(),
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

    /// The loads of the last [`LONG_WINDOW`] steps and what each of them dropped, oldest first, without identity experts.
    #[must_use]
    pub fn recent(&self) -> &VecDeque<(Vec<u32>, u32)> {
        &self.recent
    }

    /// What the run comes to since the mark.
    #[must_use]
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Starts MaxVio_global and the standing afresh.
    pub fn mark(&mut self) {
        self.all = Sums::of(self.all.loads.len());
        self.standing = Standing::default();
    }
}

/// Finds the settling time: the first step from which a run stays in balance for [`LONG_WINDOW`] steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settling {
    since: Option<u64>,
    settled: Option<u64>,
}

impl Settling {
    /// Takes in the next step.
    pub fn push(&mut self, step: u64, metrics: &Metrics) {
        if metrics.max_vio_16 > IN_BALANCE {
            self.since = None;
        } else {
            let since = *self.since.get_or_insert(step);
            if self.settled.is_none() && step - since + 1 >= LONG_WINDOW as u64 {
                self.settled = Some(since);
            }
        }
    }

    /// The settling time, once it is known.
    #[must_use]
    pub fn step(&self) -> Option<u64> {
        self.settled
    }
}

fn fair(loads: &[u64]) -> f64 {
    loads.iter().sum::<u64>() as f64 / loads.len().max(1) as f64
}

/// max/L − 1; 0 for an empty batch.
#[must_use]
pub fn max_vio(loads: &[u64]) -> f64 {
    above(loads, fair(loads))
}

fn above(loads: &[u64], fair: f64) -> f64 {
    if fair == 0.0 { 0.0 } else { loads.iter().copied().max().unwrap_or(0) as f64 / fair - 1.0 }
}

/// 1 − min/L; 0 for an empty batch.
#[must_use]
pub fn min_vio(loads: &[u64]) -> f64 {
    below_fair(loads, fair(loads))
}

fn below_fair(loads: &[u64], fair: f64) -> f64 {
    if fair == 0.0 { 0.0 } else { 1.0 - loads.iter().copied().min().unwrap_or(0) as f64 / fair }
}

/// Median over the fair share; 0 for an empty batch.
fn median_share(loads: &mut [u64], fair: f64) -> f64 {
    if fair == 0.0 {
        return 0.0;
    }
    loads.sort_unstable();
    let n = loads.len();
    (loads[(n - 1) / 2] + loads[n / 2]) as f64 / 2.0 / fair
}

/// Standard deviation over mean.
#[must_use]
pub fn cv(loads: &[u64]) -> f64 {
    let fair = fair(loads);
    if fair == 0.0 {
        return 0.0;
    }
    let variance = loads.iter().map(|&l| (l as f64 - fair).powi(2)).sum::<f64>() / loads.len() as f64;
    variance.sqrt() / fair
}

/// Entropy of the load shares, nats.
#[must_use]
pub fn entropy(loads: &[u64]) -> f64 {
    let total = loads.iter().sum::<u64>() as f64;
    let part = |&l: &u64| if l == 0 { 0.0 } else { -(l as f64 / total) * (l as f64 / total).ln() };
    loads.iter().map(part).sum()
}

/// MaxVio that independent tokens show at perfect balance: E[max of E standard normals]·√((1 − K/E)/L).
#[must_use]
pub fn sampling_floor(experts: u32, top_k: u32, tokens: u32) -> f64 {
    let (e, k, t) = (f64::from(experts), f64::from(top_k), f64::from(tokens));
    if t == 0.0 { 0.0 } else { expected_maximum(experts) * ((1.0 - k / e) * e / (k * t)).sqrt() }
}

/// Expected maximum of `n` independent standard normals, by the trapezoid rule on ∫ (1 − Φⁿ) − ∫ Φⁿ.
fn expected_maximum(n: u32) -> f64 {
    let h = 0.01;
    let phi = |x: f64| 0.5 * libm::erfc(-x / std::f64::consts::SQRT_2);
    (1..1000)
        .map(|i| {
            let x = f64::from(i) * h;
            (1.0 - phi(x).powf(f64::from(n)) - phi(-x).powf(f64::from(n))) * h
        })
        .sum::<f64>()
        + 0.5 * h * (1.0 - 2.0 * 0.5f64.powf(f64::from(n)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_experts_are_nobody_s_violation() {
        let mut tracker = Tracker::default();
        let metrics = tracker.push(&VariantRow { zero_experts: 2, ..row(&[6, 2, 90, 0]) });
        assert_eq!((metrics.max_vio, metrics.max_vio_16, metrics.min_vio), (0.5, 0.5, 0.5));
        assert_eq!((metrics.starving, metrics.dead), (0, 0));
        assert!((metrics.effective - 1.755).abs() < 1e-3);
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

    #[test]
    fn settling_needs_a_whole_window_in_balance() {
        let mut settling = Settling::default();
        for step in 0..200 {
            let max_vio_16 = if step < 10 || step == 70 { 0.3 } else { 0.2 };
            settling.push(step, &Metrics { max_vio_16, ..Metrics::default() });
            assert_eq!(settling.step().is_some(), step >= 71 + 63);
        }
        assert_eq!(settling.step(), Some(71));
    }

    #[test]
    fn floor_agrees_with_the_published_check() {
        assert!((sampling_floor(64, 6, 4096) - 0.113).abs() < 0.003);
        assert!((sampling_floor(16, 8, 4096) - 0.030).abs() < 0.003);
        assert!((expected_maximum(2) - 0.5642).abs() < 1e-3);
    }
}
