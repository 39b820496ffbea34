//! The figures of a whole run: settling time, steady MaxVio, oscillation, share moved, time in balance.
//!
//! Steps are counted from the start of the run, or from the mark that a person set. [`Standing`] is updated at every step and is small
//! enough to be part of every checkpoint; the oscillation is computed only where it is shown, from the biases of the last [`RECENT`] steps.

use super::metrics::{LONG_WINDOW, Metrics};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Number of steps for the steady figures and the oscillation.
pub const RECENT: usize = 100;
/// With fewer steps no oscillation can be judged.
const FEWEST: usize = 16;
/// The autocorrelation of n independent values exceeds this divided by √n at one lag in forty.
const BEYOND_CHANCE: f64 = 1.96;

/// The figures of a run, as shown in a table. `None` where a run has no such value yet.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// Number of steps counted.
    pub steps: u64,
    /// The first step, counted from 0, from which the run stayed in balance for 64 steps.
    pub settling: Option<u64>,
    /// Number of steps done when a setting last changed; 0 if none has.
    pub changed: u64,
    /// Whether the run has settled since that change.
    pub settled: bool,
    /// Mean MaxVio of the last 100 steps after settling, or of the last 100 steps if the run has not settled. In both cases only steps
    /// since the last change of a setting count.
    pub steady: Option<f64>,
    /// Share of steps in balance.
    pub in_balance: Option<f64>,
    /// Mean share of assignments moved by the bias, over the steps of `steady`.
    pub moved: Option<f64>,
    /// Mean share of assignments dropped for lack of room, over the steps of `steady`.
    pub dropped: Option<f64>,
    /// How the biases swing.
    pub oscillation: Option<Oscillation>,
}

/// The oscillation of a run's biases around their trend.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Oscillation {
    /// Median over experts of half the range from the 5 % to the 95 % quantile, in score units.
    pub amplitude: f64,
    /// Median over experts of the period, in steps; `None` where fewer than half of the experts have one.
    pub period: Option<f64>,
}

/// The settling of a run since a change of a setting.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settled {
    /// Number of steps done when the setting changed.
    changed: u64,
    since: Option<u64>,
    settling: Option<u64>,
}

/// The figures of a run, updated step by step.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    steps: u64,
    in_balance: u64,
    since: Option<u64>,
    settling: Option<u64>,
    /// As `since` and `settling`, but counted from the last change of a setting.
    after: Settled,
    /// MaxVio, the share moved and the share dropped of the last [`RECENT`] steps.
    recent: VecDeque<(f64, f64, f64)>,
}

impl Standing {
    /// Adds the metrics of the next step.
    pub fn push(&mut self, metrics: &Metrics) {
        if !metrics.in_balance() {
            (self.since, self.after.since) = (None, None);
        } else {
            self.in_balance += 1;
            let long = |since: u64| self.steps - since + 1 >= LONG_WINDOW as u64;
            let since = *self.since.get_or_insert(self.steps);
            self.settling = self.settling.or(Some(since).filter(|s| long(*s)));
            let since = *self.after.since.get_or_insert(self.steps);
            self.after.settling = self.after.settling.or(Some(since).filter(|s| long(*s)));
        }
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((metrics.max_vio, metrics.moved, metrics.dropped));
        self.steps += 1;
    }

    /// Notes that a setting changes before the next step: earlier steps no longer count for the steady figures.
    pub fn change(&mut self) {
        self.after = Settled { changed: self.steps, ..Settled::default() };
    }

    /// The figures so far, without the oscillation.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let after = (self.steps - self.after.settling.unwrap_or(self.after.changed)) as usize;
        let last = self.recent.iter().rev().take(after);
        let n = last.len();
        let sum = |(v, m, d), &(vio, moved, dropped): &(f64, f64, f64)| (v + vio, m + moved, d + dropped);
        let (vio, moved, dropped) = last.fold((0.0, 0.0, 0.0), sum);
        let mean = |sum: f64| (n > 0).then(|| sum / n as f64);
        Figures {
            steps: self.steps,
            settling: self.settling,
            changed: self.after.changed,
            settled: self.after.settling.is_some(),
            steady: mean(vio),
            in_balance: (self.steps > 0).then(|| self.in_balance as f64 / self.steps as f64),
            moved: mean(moved),
            dropped: mean(dropped),
            oscillation: None,
        }
    }
}

/// The oscillation of the biases. Each series holds one expert's bias over the same last steps, oldest first, in score units. `None` for
/// too few steps.
pub fn oscillation(experts: impl IntoIterator<Item = Vec<f64>>) -> Option<Oscillation> {
    let mut amplitudes = vec![];
    let mut periods = vec![];
    for mut series in experts {
        if series.len() < FEWEST {
            return None;
        }
        remove_trend(&mut series);
        periods.extend(period(&series));
        series.sort_by(f64::total_cmp);
        amplitudes.push((quantile(&series, 0.95) - quantile(&series, 0.05)) / 2.0);
    }
    let enough = 2 * periods.len() >= amplitudes.len();
    Some(Oscillation { amplitude: median(&mut amplitudes)?, period: median(&mut periods).filter(|_| enough) })
}

/// Subtracts the least-squares line.
pub(super) fn remove_trend(series: &mut [f64]) {
    let n = series.len() as f64;
    let middle = (n - 1.0) / 2.0;
    let mean = series.iter().sum::<f64>() / n;
    let along: f64 = series.iter().enumerate().map(|(i, v)| (i as f64 - middle) * (v - mean)).sum();
    let slope = along / (n * (n * n - 1.0) / 12.0);
    series.iter_mut().enumerate().for_each(|(i, v)| *v -= mean + slope * (i as f64 - middle));
}

/// The period in steps: the first maximum of the autocorrelation beyond lag 1 that exceeds chance.
fn period(series: &[f64]) -> Option<f64> {
    let all: f64 = series.iter().map(|v| v * v).sum();
    let at = |lag: usize| series.iter().zip(&series[lag..]).map(|(a, b)| a * b).sum::<f64>();
    let least = BEYOND_CHANCE / (series.len() as f64).sqrt() * all;
    let (mut before, mut here) = (at(1), at(2));
    for lag in 2..=series.len() / 2 {
        let next = at(lag + 1);
        if here > before && here >= next && here > least {
            return Some(lag as f64);
        }
        (before, here) = (here, next);
    }
    None
}

/// A quantile of sorted values, with linear interpolation as in NumPy's default.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let place = q * (sorted.len() - 1) as f64;
    let (low, part) = (place.floor() as usize, place.fract());
    let high = (low + 1).min(sorted.len() - 1);
    sorted[low] + part * (sorted[high] - sorted[low])
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    (!values.is_empty()).then(|| quantile(values, 0.5))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(steps: impl IntoIterator<Item = (f64, f64)>) -> Figures {
        let mut standing = Standing::default();
        for (max_vio, max_vio_16) in steps {
            standing.push(&Metrics { max_vio, max_vio_16, moved: max_vio / 10.0, ..Metrics::default() });
        }
        standing.figures()
    }

    #[test]
    fn what_is_not_reached_has_no_number() {
        let none = pushed([]);
        assert_eq!((none.settling, none.steady, none.in_balance, none.moved), (None, None, None, None));
        let restless = pushed((0..200).map(|_| (1.0, 0.3)));
        assert_eq!((restless.settling, restless.steady, restless.in_balance), (None, Some(1.0), Some(0.0)));
    }

    #[test]
    fn steady_figures_are_of_what_came_after_settling() {
        // Out of balance for 30 steps, then in balance: settled at step 30 once 64 steps have shown it.
        let run = |n: usize| pushed((0..n).map(|i| if i < 30 { (2.0, 0.5) } else { (0.1, 0.1) }));
        assert_eq!(run(93).settling, None);
        let short = run(94);
        assert_eq!(short.settling, Some(30));
        assert!((short.steady.unwrap() - 0.1).abs() < 1e-12, "only the 64 steps since");
        assert!((short.moved.unwrap() - 0.01).abs() < 1e-12);
        assert_eq!(short.in_balance, Some(64.0 / 94.0));
    }

    #[test]
    fn what_came_before_a_change_is_not_steady() {
        // In balance from the start; a change at 100 disturbs it for 20 steps.
        let run = |n: usize| {
            let mut standing = Standing::default();
            for i in 0..n {
                if i == 100 {
                    standing.change();
                }
                let (max_vio, max_vio_16) = if (100..120).contains(&i) { (2.0, 0.5) } else { (0.1, 0.1) };
                standing.push(&Metrics { max_vio, max_vio_16, ..Metrics::default() });
            }
            standing.figures()
        };
        assert!((run(100).steady.unwrap() - 0.1).abs() < 1e-12);
        let soon = run(110);
        assert_eq!((soon.settling, soon.changed, soon.settled), (Some(0), 100, false));
        assert!((soon.steady.unwrap() - 2.0).abs() < 1e-12, "nothing of before the change");
        let later = run(190);
        assert!(later.settled && (later.steady.unwrap() - 0.1).abs() < 1e-12, "{later:?}");
    }

    #[test]
    fn a_swing_is_measured_round_its_trend() {
        let square = |period: usize, slope: f64| {
            let value = move |i: usize| slope * i as f64 + if i % period < period / 2 { 0.25 } else { -0.25 };
            (0..RECENT).map(value).collect::<Vec<f64>>()
        };
        let two = oscillation([square(2, 0.0), square(2, 0.0)]).unwrap();
        assert!((two.amplitude - 0.25).abs() < 0.01, "{two:?}");
        assert_eq!(two.period, Some(2.0));
        let ten = oscillation([square(10, 0.3), square(10, -0.3)]).unwrap();
        assert!((ten.amplitude - 0.25).abs() < 0.03, "{ten:?}");
        assert_eq!(ten.period, Some(10.0));
        assert_eq!(oscillation([vec![0.0; 3]]), None);
    }

    #[test]
    fn what_stands_still_does_not_swing() {
        let still = oscillation([vec![0.5; RECENT], (0..RECENT).map(|i| i as f64).collect()]).unwrap();
        assert!(still.amplitude < 1e-9);
        assert_eq!(oscillation([vec![0.5; RECENT]]).unwrap().period, None);
    }
}
