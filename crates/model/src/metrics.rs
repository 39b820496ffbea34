//! What is measured at each step: MaxVio and related metrics, as the literature defines them.
//!
//! The fair share of an expert is the mean load, dropped assignments included, L = K·T/E; under a rule that sets a target share it is that
//! share ([`Fair`](crate::row::Fair) decides which). Identity experts, which no rule balances, are left out. Before a window is filled, a metric covers the
//! steps there are.

use super::balance::aimed_share;
use super::config::{Experiment, Source};
use crate::row::LearningRow;

/// Steps in the window of MaxVio_16.
pub const SHORT_WINDOW: usize = 16;
/// Steps in the window for starving, dead and effective experts.
pub const LONG_WINDOW: usize = 64;
/// A run is in balance where MaxVio_16, of the assignments that came, is at most this.
pub const IN_BALANCE: f64 = 0.2;
/// An expert below this fraction of its fair share is starving.
pub const STARVING: f64 = 0.25;
/// An expert below this fraction of its fair share is dead.
pub const DEAD: f64 = 0.01;

/// The metrics of one step of one variant.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Metrics {
    /// Fair share of an expert in this batch, in tokens.
    pub fair: f64,
    /// The sampling floor: the expected MaxVio of independent tokens at perfect balance, with the K, E and T of this step; 0 where it does
    /// not apply.
    pub floor: f64,
    /// MaxVio: how far the largest load of this batch exceeds the fair share, max/L − 1 (Wang et al. 2024). 0 where every load is below the
    /// fair share, for example with a capacity factor below 1.
    pub max_vio: f64,
    /// MaxVio of the loads summed over the last 16 steps.
    pub max_vio_16: f64,
    /// MaxVio of the last 16 steps of the assignments that came, dropped ones included. Without a capacity it is [`Self::max_vio_16`]; with
    /// one, an expert that is full can look even although twice as many tokens chose it.
    pub came_vio_16: f64,
    /// MaxVio of all loads since the mark.
    pub max_vio_global: f64,
    /// How far the smallest load of this batch is below the fair share: 1 − min/L (ID Balancing).
    pub min_vio: f64,
    /// Median load divided by the fair share.
    pub load_median: f64,
    /// Standard deviation of the loads divided by their mean.
    pub cv: f64,
    /// Entropy of the load shares divided by ln E, in [0, 1].
    pub entropy: f64,
    /// Effective experts: e to the entropy of the load shares over the last 64 steps.
    pub effective: f64,
    /// Number of experts below 25 % of their fair share over the last 64 steps.
    pub starving: u32,
    /// Number of experts below 1 % of their fair share over the last 64 steps.
    pub dead: u32,
    /// Share of assignments that differ from the unbiased top-K, estimated on a sample of the tokens.
    pub moved: f64,
    /// Share of assignments dropped because the expert had no room.
    pub dropped: f64,
    /// Mean number of experts that a token chose, dropped ones included.
    pub active: f64,
    /// Smallest bias, in score units.
    pub bias_min: f64,
    /// Median bias, in score units.
    pub bias_median: f64,
    /// Largest bias, in score units.
    pub bias_max: f64,
    /// Number of experts whose bias was too far below the largest to be exact in the key.
    pub saturated: u32,
    /// What learning measured; `None` where nothing learns, or where the layer has diverged.
    pub learning: Option<LearningRow>,
}

/// Finds the settling time: the first step from which a run stays in balance for [`LONG_WINDOW`] steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settling {
    since: Option<u64>,
    settled: Option<u64>,
}

impl Metrics {
    /// Whether this step is in balance. It is judged by the tokens that chose each expert, not by those that it had room for.
    #[must_use]
    pub fn in_balance(&self) -> bool {
        self.max_vio_16.max(self.came_vio_16) <= IN_BALANCE
    }
}

impl Settling {
    /// Adds the next step.
    pub fn push(&mut self, step: u64, metrics: &Metrics) {
        if !metrics.in_balance() {
            self.since = None;
        } else {
            let since = *self.since.get_or_insert(step);
            if self.settled.is_none() && step - since + 1 >= LONG_WINDOW as u64 {
                self.settled = Some(since);
            }
        }
    }

    /// The settling time; `None` until the run has settled.
    #[must_use]
    pub fn step(&self) -> Option<u64> {
        self.settled
    }
}

fn fair(loads: &[u64]) -> f64 {
    loads.iter().sum::<u64>() as f64 / loads.len().max(1) as f64
}

/// MaxVio of these loads, max/L − 1; 0 for an empty batch.
#[must_use]
pub fn max_vio(loads: &[u64]) -> f64 {
    above(loads, fair(loads))
}

pub(crate) fn above(loads: &[u64], fair: f64) -> f64 {
    if fair == 0.0 { 0.0 } else { (loads.iter().copied().max().unwrap_or(0) as f64 / fair - 1.0).max(0.0) }
}

/// 1 − min/L of these loads; 0 for an empty batch.
#[must_use]
pub fn min_vio(loads: &[u64]) -> f64 {
    below_fair(loads, fair(loads))
}

pub(crate) fn below_fair(loads: &[u64], fair: f64) -> f64 {
    if fair == 0.0 { 0.0 } else { 1.0 - loads.iter().copied().min().unwrap_or(0) as f64 / fair }
}

/// Median load divided by the fair share; 0 for an empty batch.
pub(crate) fn median_share(loads: &mut [u64], fair: f64) -> f64 {
    if fair == 0.0 {
        return 0.0;
    }
    loads.sort_unstable();
    let n = loads.len();
    (loads[(n - 1) / 2] + loads[n / 2]) as f64 / 2.0 / fair
}

/// Standard deviation of the loads divided by their mean; 0 for an empty batch.
#[must_use]
pub fn cv(loads: &[u64]) -> f64 {
    let fair = fair(loads);
    if fair == 0.0 {
        return 0.0;
    }
    let variance = loads.iter().map(|&l| (l as f64 - fair).powi(2)).sum::<f64>() / loads.len() as f64;
    variance.sqrt() / fair
}

/// Entropy of the load shares, in nats.
#[must_use]
pub fn entropy(loads: &[u64]) -> f64 {
    let total = loads.iter().sum::<u64>() as f64;
    let part = |&l: &u64| if l == 0 { 0.0 } else { -(l as f64 / total) * (l as f64 / total).ln() };
    loads.iter().map(part).sum()
}

/// The expected MaxVio of independent tokens at perfect balance: E[max of E standard normals]·√((1 − K/E)/L). 0 for an empty batch.
#[must_use]
pub fn sampling_floor(experts: u32, top_k: u32, tokens: u32) -> f64 {
    let (e, k, t) = (f64::from(experts), f64::from(top_k), f64::from(tokens));
    if t == 0.0 { 0.0 } else { expected_maximum(experts) * ((1.0 - k / e) * e / (k * t)).sqrt() }
}

/// The sampling floors of the steps of a run. Each distinct floor is computed once.
#[derive(Clone, Debug, Default)]
pub struct Floors(Vec<([u32; 4], f64)>);

impl Floors {
    /// The most floors kept: variants differ, and settings change while a slider is dragged.
    const MOST: usize = 64;

    /// The floor of one variant's batch of this many tokens; 0 where tokens are not independent or the floor does not apply. Every place
    /// that shows or uses a floor uses this one.
    pub fn of(&mut self, experiment: &Experiment, variant: usize, tokens: u32) -> f64 {
        let fresh = match &experiment.source {
            Source::Synthetic(s) => s.burst == 1,
            Source::Learning(world) => world.burst == 1,
            Source::Fixed(_) | Source::Trace(_) => false,
        };
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
