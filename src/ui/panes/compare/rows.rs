//! The rows of the table: the name, meaning and format of each figure, and which value of a row is best.

use moebias_model::figures::Figures;
use moebias_model::metrics::IN_BALANCE;
use moebias_model::sweep::Measure;

/// A variant is out of balance if its steady MaxVio is this many times the least of all variants, unless it is small in itself.
const FAR: f64 = 1.5;

/// A figure of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumIter)]
pub enum Row {
    /// Settling time.
    Settling,
    /// Steady MaxVio.
    Steady,
    /// Time in balance.
    InBalance,
    /// Oscillation amplitude.
    Amplitude,
    /// Oscillation period.
    Period,
    /// Share moved by the bias.
    Moved,
    /// Share dropped because of the capacity.
    Dropped,
}

impl Row {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Settling => Measure::Settling.name(),
            Self::Steady => Measure::Steady.name(),
            Self::InBalance => Measure::InBalance.name(),
            Self::Amplitude => Measure::Amplitude.name(),
            Self::Period => "Period of the swing",
            Self::Moved => Measure::Moved.name(),
            Self::Dropped => Measure::Dropped.name(),
        }
    }

    /// The name in the table, with the unit or with what the figure is measured on.
    #[must_use]
    pub fn heading(self) -> String {
        match self {
            Self::Settling | Self::Period => format!("{}, {}", self.name(), self.unit()),
            Self::InBalance => format!("{} (16 steps)", self.name()),
            Self::Steady | Self::Amplitude | Self::Moved | Self::Dropped => self.name().to_owned(),
        }
    }

    /// Its unit, for files.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Settling | Self::Period => "steps",
            Self::Steady => "",
            Self::InBalance | Self::Moved | Self::Dropped => "%",
            Self::Amplitude => "score units",
        }
    }

    /// What it means.
    #[must_use]
    pub fn tip(self) -> &'static str {
        match self {
            Self::Settling => {
                "The first step from which the run stays in balance, MaxVio of 16 steps at most 0.2, for 64 steps. Less is better"
            }
            Self::Steady => {
                "Mean MaxVio of the last 100 steps after settling; of the last 100 of all where it has not settled. Only steps since the \
                 last change of a setting count. Less is better"
            }
            Self::InBalance => {
                "Share of all steps with MaxVio of 16 steps at most 0.2. Loads that swing cancel out over 16 steps, so a variant \
                 that ends out of balance gets no star. More is better"
            }
            Self::Amplitude => {
                "How far biases swing around their trend over the last 100 steps: half the range from 5 % to 95 %, median over experts, \
                 score units. Less is calmer"
            }
            Self::Period => {
                "Steps from one swing to the next: the first maximum of the autocorrelation beyond lag 1 that is more than chance, \
                 median over experts; none where fewer than half of them have one"
            }
            Self::Dropped => {
                "Share of assignments dropped because their expert was full, mean over the steps of the steady MaxVio; 0 without a \
                 capacity. Less is better"
            }
            Self::Moved => {
                "Share of assignments that differ from what the plain scores would choose, mean over the steps of the steady \
                 MaxVio; estimated on a sample. Neither more nor less is better: it is what balance costs"
            }
        }
    }

    /// The value; `None` if it was not reached.
    #[must_use]
    pub fn value(self, f: &Figures) -> Option<f64> {
        match self {
            Self::Settling => f.settling.map(|n| n as f64),
            Self::Steady => f.steady,
            Self::InBalance => f.in_balance.map(|x| 100.0 * x),
            Self::Amplitude => f.oscillation.map(|o| o.amplitude),
            Self::Period => f.oscillation.and_then(|o| o.period),
            Self::Moved => f.moved.map(|x| 100.0 * x),
            Self::Dropped => f.dropped.map(|x| 100.0 * x),
        }
    }

    /// The value as the table shows it.
    #[must_use]
    pub fn written(self, f: &Figures) -> String {
        match self.value(f) {
            None if self == Self::Settling && f.steps > 0 => "not yet".into(),
            None => "–".into(),
            Some(x) => match self {
                Self::Settling | Self::Period => format!("{x:.0}"),
                Self::Steady => format!("{x:.3}"),
                Self::InBalance | Self::Moved | Self::Dropped => format!("{x:.1} %"),
                Self::Amplitude => format!("±{}", amount(x)),
            },
        }
    }

    /// The difference of a value from that of the reference, and the same in percent; without percent for shares and for a reference of 0. A
    /// difference that rounds to 0 gives "=".
    #[must_use]
    pub fn apart(self, value: Option<f64>, reference: Option<f64>) -> Option<[String; 2]> {
        let (value, reference) = (value?, reference?);
        let off = value - reference;
        let sign = if off < 0.0 { "−" } else { "+" };
        let size = off.abs();
        let difference = match self {
            Self::Settling | Self::Period => format!("{size:.0}"),
            Self::Steady => format!("{size:.3}"),
            Self::InBalance | Self::Moved | Self::Dropped => format!("{size:.1} pt"),
            Self::Amplitude => amount(size),
        };
        let percent = 100.0 * size / reference.abs();
        let shares = matches!(self, Self::InBalance | Self::Moved | Self::Dropped);
        let relative = if shares || reference == 0.0 { String::new() } else { format!("{sign}{percent:.0} %") };
        if difference.trim_start_matches(['0', '.']).trim_end_matches(" pt").is_empty() {
            return Some(["=".into(), String::new()]);
        }
        Some([format!("{sign}{difference}"), relative])
    }

    /// The variants with the best value; none if all values are equal or no value is better than another.
    #[must_use]
    pub fn best(self, all: &[Figures]) -> Vec<bool> {
        let sign = match self {
            Self::Settling | Self::Steady | Self::Amplitude | Self::Dropped => 1.0,
            Self::InBalance => -1.0,
            Self::Period | Self::Moved => return vec![false; all.len()],
        };
        let steadiest = all.iter().filter_map(|f| f.steady).fold(f64::INFINITY, f64::min);
        let counts = |f: &Figures, x: f64| match self {
            // Biases that no rule moves are not rated for their oscillation.
            Self::Amplitude => x > 0.0,
            // Both are averages over 16 steps, in which oscillating loads look even.
            Self::Settling | Self::InBalance => f.steady.is_none_or(|s| s <= IN_BALANCE.max(FAR * steadiest)),
            _ => true,
        };
        let value = |f: &Figures| self.value(f).filter(|x| counts(f, *x)).map(|x| sign * x);
        let values: Vec<Option<f64>> = all.iter().map(value).collect();
        let best = values.iter().flatten().copied().fold(f64::INFINITY, f64::min);
        let differ = values.iter().any(|v| *v != values[0]);
        values.iter().map(|v| differ && *v == Some(best)).collect()
    }
}

/// A number with four decimals; below 0.001 with two significant digits in scientific notation.
fn amount(x: f64) -> String {
    match x {
        0.0 => "0".into(),
        x if x < 1e-3 => format!("{x:.1e}"),
        x => format!("{x:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use moebias_model::figures::Oscillation;

    fn figures(settling: Option<u64>, steady: f64, amplitude: f64) -> Figures {
        let oscillation = Some(Oscillation { amplitude, period: None });
        Figures {
            steps: 200,
            settling,
            steady: Some(steady),
            in_balance: Some(0.5),
            moved: Some(0.1),
            oscillation,
            ..Figures::default()
        }
    }

    #[test]
    fn the_best_of_a_row_is_marked_where_there_is_one() {
        let all = [figures(Some(30), 0.3, 0.0), figures(Some(90), 0.2, 0.01), figures(None, 0.2, 0.02)];
        assert_eq!(Row::Settling.best(&all), [true, false, false]);
        assert_eq!(Row::Steady.best(&all), [false, true, true]);
        assert_eq!(Row::InBalance.best(&all), [false; 3], "all are alike");
        assert_eq!(Row::Amplitude.best(&all), [false, true, false], "no bias moves in the first");
        assert_eq!(Row::Moved.best(&all), [false; 3]);
        // Oscillations that cancel over 16 steps: the figures say settled and in balance, but no batch is.
        let mut swings = figures(Some(18), 0.5, 0.03);
        swings.in_balance = Some(0.9);
        let all = [figures(Some(90), 0.2, 0.01), swings];
        assert_eq!([Row::Settling.best(&all), Row::InBalance.best(&all)], [[true, false]; 2]);
        assert_eq!(Row::Settling.best(&[]), Vec::<bool>::new());
    }

    #[test]
    fn values_and_differences_have_signs_and_units() {
        let [a, b] = [figures(Some(30), 0.3, 2e-5), figures(None, 0.24, 0.01)];
        assert_eq!([Row::Settling.written(&a), Row::Settling.written(&b)], ["30", "not yet"]);
        assert_eq!(Row::Amplitude.written(&a), "±2.0e-5");
        assert_eq!(Row::Steady.apart(Some(0.24), Some(0.3)).unwrap(), ["−0.060", "−20 %"]);
        assert_eq!(Row::Moved.apart(Some(10.0), Some(10.0)).unwrap(), ["=", ""]);
        assert_eq!(Row::InBalance.apart(Some(62.0), Some(50.0)).unwrap(), ["+12.0 pt", ""]);
        assert_eq!(Row::Period.apart(None, Some(1.0)), None);
    }
}
