//! The results of a sweep's runs, and of the seeds of one cell together.

use super::Plan;
use crate::digest::Digest;
use crate::figures::Figures;
use strum::EnumIter;

/// The result of one run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// The run's figures, over all its steps.
    pub figures: Figures,
    /// Digest of all its loads and biases.
    pub digest: Digest,
}

/// A figure by which the runs of a sweep can be compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, EnumIter)]
pub enum Measure {
    /// Steps until the loads stay in balance.
    #[default]
    Settling,
    /// Mean MaxVio of the last steps.
    Steady,
    /// How far the biases swing.
    Amplitude,
    /// Share of steps in balance.
    InBalance,
    /// Share of assignments that the bias moves.
    Moved,
    /// Share of assignments that are dropped for lack of room.
    Dropped,
}

impl Measure {
    /// Its name in sentence case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Settling => "Settling time",
            Self::Steady => "Steady MaxVio",
            Self::Amplitude => "Swing of biases",
            Self::InBalance => "Time in balance",
            Self::Moved => "Moved by the bias",
            Self::Dropped => "Dropped",
        }
    }

    /// Its unit.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Settling => "steps",
            Self::Steady => "× fair share",
            Self::Amplitude => "score units",
            Self::InBalance | Self::Moved | Self::Dropped => "%",
        }
    }

    /// Its name for use within a sentence.
    #[must_use]
    pub fn in_sentence(self) -> String {
        self.name().to_lowercase().replace("maxvio", "MaxVio")
    }

    /// Its name in data; see [`Self::per_unit`] for the value.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Settling => "settling_time",
            Self::Steady => "steady_maxvio",
            Self::Amplitude => "oscillation_amplitude",
            Self::InBalance => "time_in_balance",
            Self::Moved => "moved_share",
            Self::Dropped => "dropped_share",
        }
    }

    /// The factor from its value in data to its value in [`Self::unit`]: shares are fractions in data and percentages on screen.
    #[must_use]
    pub fn per_unit(self) -> f64 {
        if matches!(self, Self::InBalance | Self::Moved | Self::Dropped) { 100.0 } else { 1.0 }
    }

    /// What it measures, in a sentence.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Settling => "The first step from which MaxVio over 16 steps stays at most 0.2 for 64 steps",
            Self::Steady => {
                "Mean MaxVio of the last 100 steps after settling; of the last 100 of all where it does not settle within the run. Only \
                 steps since the last change of a setting count"
            }
            Self::Amplitude => {
                "How far a bias swings round its trend in the last 100 steps: half the range from 5 % to 95 %, median over experts"
            }
            Self::InBalance => {
                "Share of the steps whose MaxVio over 16 steps is at most 0.2; with a capacity, MaxVio of all tokens that came"
            }
            Self::Dropped => "Share of assignments dropped for lack of room, over the steps of steady MaxVio",
            Self::Moved => {
                "Share of assignments that the bias moved to another expert, over the steps of steady MaxVio"
            }
        }
    }

    /// Whether smaller values are better; `None` where that depends on what is wanted.
    #[must_use]
    pub fn less_is_better(self) -> Option<bool> {
        match self {
            Self::Settling | Self::Steady | Self::Dropped => Some(true),
            Self::InBalance => Some(false),
            Self::Amplitude | Self::Moved => None,
        }
    }

    /// The value in a run, in its unit; `None` where the run has none.
    #[must_use]
    pub fn of(self, outcome: &Outcome) -> Option<f64> {
        let f = &outcome.figures;
        match self {
            Self::Settling => f.settling.map(|s| s as f64),
            Self::Steady => f.steady,
            Self::Amplitude => f.oscillation.map(|o| o.amplitude),
            Self::InBalance => f.in_balance.map(|x| self.per_unit() * x),
            Self::Moved => f.moved.map(|x| self.per_unit() * x),
            Self::Dropped => f.dropped.map(|x| self.per_unit() * x),
        }
    }
}

/// A figure over the seeds of one cell.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    /// The median, where a run without a value counts as larger than all others. `None` where that makes the median such a run.
    pub median: Option<f64>,
    /// The smallest value.
    pub low: f64,
    /// The largest value.
    pub high: f64,
    /// Number of runs that have a value.
    pub known: usize,
    /// Number of runs that are done.
    pub done: usize,
}

impl Spread {
    /// The spread of these values; `None` where there are no runs.
    pub fn of(values: impl IntoIterator<Item = Option<f64>>) -> Option<Self> {
        let all: Vec<Option<f64>> = values.into_iter().collect();
        let mut known: Vec<f64> = all.iter().copied().flatten().collect();
        known.sort_by(f64::total_cmp);
        let done = all.len();
        // For an even number of runs, the mean of the middle two, if both have a value.
        let at = |i: usize| known.get(i).copied();
        let median = match done {
            0 => return None,
            n if n % 2 == 1 => at(n / 2),
            n => at(n / 2 - 1).zip(at(n / 2)).map(|(a, b)| f64::midpoint(a, b)),
        };
        let (low, high) = (at(0).unwrap_or_default(), known.last().copied().unwrap_or_default());
        Some(Self { median, low, high, known: known.len(), done })
    }
}

impl Plan {
    /// A figure of one variant in a cell over the seeds that are done; `None` where none is.
    #[must_use]
    pub fn spread(&self, outcomes: &[Option<Outcome>], cell: usize, variant: usize, of: Measure) -> Option<Spread> {
        let done = self.runs_of(cell, variant).filter_map(|n| outcomes.get(n).copied().flatten());
        Spread::of(done.map(|o| of.of(&o)))
    }

    /// Of a cell's runs that are done, the number in which the loads settled, and the number of all.
    #[must_use]
    pub fn settled(&self, outcomes: &[Option<Outcome>], cell: usize, variant: usize) -> (usize, usize) {
        let all = self.spread(outcomes, cell, variant, Measure::Settling).unwrap_or_default();
        (all.known, all.done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_value_lies_beyond_all_others() {
        let of = |all: &[Option<f64>]| Spread::of(all.iter().copied()).unwrap();
        assert_eq!(Spread::of([]), None);
        assert_eq!(of(&[Some(3.0), Some(1.0), Some(2.0)]).median, Some(2.0));
        let most = of(&[Some(3.0), None, Some(1.0)]);
        assert_eq!((most.median, most.low, most.high, most.known, most.done), (Some(3.0), 1.0, 3.0, 2, 3));
        assert_eq!(of(&[None, None, Some(1.0)]).median, None);
        assert_eq!(of(&[Some(1.0), Some(2.0)]).median, Some(1.5));
        assert_eq!(of(&[Some(1.0), None]).median, None);
    }
}
