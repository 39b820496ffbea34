//! What is measured: MaxVio and its kin, as the literature defines them.
//!
//! The fair share of an expert is the mean of the tokens that came, L = K·T/E; where a rule aims at a share of its own, it is that
//! ([`Fair`] alone says so). Identity experts, which nothing balances, are left out. Where a window has not filled, the metric is over
//! the steps there are.

use super::balance::aimed_share;
use super::config::{Experiment, Source};
use super::figures::Standing;
use super::learn::LearningRow;
use super::step::VariantRow;
use serde::{Deserialize, Serialize};
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

/// What the experts that are balanced would get at perfect balance, over one step or several. In integers, so that steps can be taken
/// away again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fair {
    /// Assignments of the steps whose aim is the mean, those that no expert had room for among them.
    came: u64,
    /// Tokens that each expert was to get in the others, Q30.
    aim: u64,
}

impl Fair {
    /// Of one step: how many assignments came, and the share of its tokens (Q30) that each expert is to get, 0 where the aim is the mean.
    #[must_use]
    pub fn of_step(came: u64, share: u32, tokens: u32) -> Self {
        match share {
            0 => Self { came, aim: 0 },
            share => Self { came: 0, aim: u64::from(share) * u64::from(tokens) },
        }
    }

    /// The fair share of each of so many experts, tokens.
    #[must_use]
    pub fn share(self, experts: usize) -> f64 {
        self.came as f64 / experts.max(1) as f64 + self.aim as f64 / f64::from(1u32 << 30)
    }

    fn add(&mut self, other: Self) {
        self.came += other.came;
        self.aim += other.aim;
    }

    fn take(&mut self, other: Self) {
        self.came = self.came.saturating_sub(other.came);
        self.aim = self.aim.saturating_sub(other.aim);
    }
}

/// The figures of one step of one variant.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Metrics {
    /// Fair share of an expert in this batch, tokens.
    pub fair: f64,
    /// What MaxVio independent tokens show at perfect balance with the K, E and T of this step; 0 where there is no such floor.
    pub floor: f64,
    /// Worst expert above fair share in this batch: max/L − 1 (Wang et al. 2024); 0 where every expert is under it, as where capacity
    /// is under 1.
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

/// Loads summed over some steps, and the fair share in them.
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
        // What is taken was added before; sums that were read from a file may say otherwise.
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

/// Makes the metrics of a run, row by row.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Tracker {
    recent: VecDeque<(Vec<u32>, u32)>,
    /// The fair share of each of those steps.
    fair: VecDeque<Fair>,
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
        let batch: Vec<u64> = loads.iter().map(|&l| u64::from(l)).collect();
        let assigned = batch.iter().sum::<u64>() as f64 + f64::from(row.dropped);
        let batch_fair = fair.share(experts);
        let long_fair = self.long.fair();
        let below = |share: f64| self.long.loads.iter().filter(|&&l| (l as f64) < share * long_fair).count() as u32;
        let mut sorted = row.bias.clone();
        sorted.sort_unstable();
        let bias = |i: usize| sorted.get(i).map_or(0.0, |&b| super::fixed::from_q32(b));
        Metrics {
            fair: batch_fair,
            // The row does not know where its tokens come from: whoever does adds it.
            floor: 0.0,
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

    /// Whether it can go on with rows of so many experts, for one that was read from a file.
    #[must_use]
    pub fn fits(&self, experts: usize) -> bool {
        let sums = [&self.short, &self.long, &self.all].map(|s| s.loads.len());
        let all = sums.into_iter().chain(self.recent.iter().map(|(loads, _)| loads.len()));
        let fits = |n: usize| n == sums[0] && n <= experts;
        self.fair.len() == self.recent.len() && self.recent.len() <= LONG_WINDOW && all.into_iter().all(fits)
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

/// max/L − 1; 0 for an empty batch and where every expert is under it.
#[must_use]
pub fn max_vio(loads: &[u64]) -> f64 {
    above(loads, fair(loads))
}

fn above(loads: &[u64], fair: f64) -> f64 {
    if fair == 0.0 { 0.0 } else { (loads.iter().copied().max().unwrap_or(0) as f64 / fair - 1.0).max(0.0) }
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

/// The sampling floors of a run's steps, one variant's after another: each is worked out once.
#[derive(Clone, Debug, Default)]
pub struct Floors(Vec<([u32; 4], f64)>);

impl Floors {
    /// So many are remembered: variants differ, and sliders are dragged.
    const MOST: usize = 64;

    /// The floor of a batch of so many tokens; 0 where they are not independent or the variant has none.
    pub fn of(&mut self, experiment: &Experiment, variant: usize, tokens: u32) -> f64 {
        let fresh = matches!(&experiment.source, Source::Synthetic(s) if s.burst == 1);
        let Some(v) = experiment.variants.get(variant).filter(|v| fresh && v.has_floor()) else { return 0.0 };
        let (experts, share) = (v.router.experts - v.balancer.identity_experts(), aimed_share(&v.balancer, &v.router));
        let key = [experts, v.router.top_k, share, tokens];
        if let Some((_, floor)) = self.0.iter().find(|(k, _)| *k == key) {
            return *floor;
        }
        let floor = if share == 0 {
            sampling_floor(experts, v.router.top_k, tokens)
        } else {
            let p = f64::from(share) / f64::from(1u32 << 30);
            expected_maximum(experts) * ((1.0 - p).max(0.0) / (p * f64::from(tokens)).max(1e-9)).sqrt()
        };
        if self.0.len() == Self::MOST {
            self.0.remove(0);
        }
        self.0.push((key, floor));
        floor
    }
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

    #[test]
    fn an_aim_of_its_own_is_the_fair_share() {
        // 2 of 10 tokens for each of two experts, of which one gets 6 and one 2.
        let aimed = |loads: &[u32]| VariantRow { zero_experts: 1, share: (1 << 30) / 5, tokens: 10, ..row(loads) };
        let mut tracker = Tracker::default();
        let m = tracker.push(&aimed(&[6, 2, 2]));
        assert!((m.fair - 2.0).abs() < 1e-6 && (m.max_vio - 2.0).abs() < 1e-6 && m.min_vio.abs() < 1e-6, "{m:?}");
        assert!((m.max_vio_16 - 2.0).abs() < 1e-6);
        // Where more tokens than wished go to identity experts, nobody is above it.
        let mut tracker = Tracker::default();
        let m = tracker.push(&aimed(&[1, 1, 8]));
        assert_eq!((m.max_vio, m.max_vio_16), (0.0, 0.0));
        assert!((m.min_vio - 0.5).abs() < 1e-6);
        // The aim changes: a window judges each step by its own.
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
