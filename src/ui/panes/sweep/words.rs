//! The words that describe a cell.

use super::grid::Grid;
use super::scale::{label, short};
use moebias_engine::sweep::Found;
use moebias_model::sweep::Measure;
use strum::IntoEnumIterator as _;

/// The settings of a cell, for example "step size u 0.001, experts per token K 6".
pub(super) fn name(grid: &Grid, column: usize, row: usize) -> String {
    let x = format!("{} {}", grid.x.parameter.title(), label(grid.x.values[column]));
    match &grid.y {
        Some(y) => format!("{x}, {} {}", y.parameter.title(), label(y.values[row])),
        None => x,
    }
}

/// A value with ± or a percent sign, as in the Comparison.
fn amount(measure: Measure, value: f64) -> String {
    match measure {
        Measure::Settling | Measure::Steady => short(value),
        Measure::Amplitude => format!("±{}", short(value)),
        Measure::InBalance | Measure::Moved | Measure::Dropped => format!("{value:.1} %"),
    }
}

/// The measures of a cell: the one that is drawn, and all others.
pub(super) fn figures(grid: &Grid, found: &Found, cell: usize) -> (String, String) {
    let of = |measure: Measure| {
        let spread = grid.plan.spread(&found.outcomes, cell, grid.variant, measure)?;
        let value = match spread.median {
            Some(m) if spread.known > 1 && spread.low < spread.high => {
                format!("{} ({} – {})", amount(measure, m), amount(measure, spread.low), amount(measure, spread.high))
            }
            Some(m) => amount(measure, m),
            None if measure == Measure::Settling => grid.not_within(),
            None => "none".into(),
        };
        let unit = if measure == Measure::Settling && spread.median.is_some() { " steps" } else { "" };
        Some(format!("{} {value}{unit}", measure.in_sentence()))
    };
    let (settled, done) = grid.plan.settled(&found.outcomes, cell, grid.variant);
    if done == 0 {
        return ("not yet done".into(), String::new());
    }
    let first = of(grid.measure).unwrap_or_default();
    let others: Vec<String> = Measure::iter().filter(|m| *m != grid.measure).filter_map(of).collect();
    let others = others.join(" · ");
    if done == 1 && grid.measure == Measure::Settling {
        return (first, others);
    }
    let seeds = if done > 1 {
        format!("settled with {settled} of {done} seeds")
    } else if settled == 1 {
        "settled".into()
    } else {
        format!("settled {}", grid.not_within())
    };
    (format!("{first}; {seeds}"), others)
}
