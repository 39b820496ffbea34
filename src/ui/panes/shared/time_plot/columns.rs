//! Chooses the columns of the history that a plot draws, says how coarse they are, and requests finer ones.

use super::span;
use crate::ui::kit::widgets::slider::figure;
use crate::ui::link::Span;
use crate::ui::panes::PaneContext;
use moebias_engine::detail::Stage;
use moebias_engine::history::{Column, RATIO, VariantHistory};
use moebias_engine::run::lock;
use moebias_lab::command::Command;
use std::sync::Arc;

/// Finer columns are requested if a plot would show fewer columns than this, even if it has fewer pixels.
const WANTED: f32 = 1024.0;

/// How many steps share one point, so that a plot has about one point per pixel: one to four times a power of [`RATIO`]. It depends only on
/// the width of the span, and points begin at its multiples, so points stay the same while the run goes on.
fn bin((from, to): (f64, f64), pixels: f32) -> u64 {
    let width = ((to - from) / f64::from(pixels.max(1.0))).ceil().max(1.0) as u64;
    let ratio = RATIO as u64;
    let mut level = 1;
    while level * ratio <= width {
        level *= ratio;
    }
    width.div_ceil(level) * level
}

/// Calls `read` for each group of columns in the span, about one group per pixel, and returns the results in order. The number of groups
/// depends only on `pixels`, not on the length of the run.
pub fn grouped<T>(
    history: &VariantHistory,
    (from, to): (f64, f64),
    pixels: f32,
    mut read: impl FnMut(&[&Column]) -> T,
) -> Vec<T> {
    let bin = bin((from, to), pixels);
    // One point beyond each edge, so that lines run out of the plot instead of ending inside it.
    let margin = bin.max(history.width(from.max(0.0) as u64, to.max(0.0) as u64));
    let columns = history.columns((from.max(0.0) as u64).saturating_sub(margin), to.max(0.0) as u64 + margin, bin);
    let columns: Vec<&Column> = columns.iter().map(Arc::as_ref).collect();
    columns.chunk_by(|a, b| a.step / bin == b.step / bin).map(&mut read).collect()
}

/// The middle of the steps that a group of columns covers.
#[must_use]
pub fn middle(group: &[&Column]) -> f64 {
    match (group.first(), group.last()) {
        (Some(a), Some(b)) => (a.step as f64 + b.end() as f64) / 2.0,
        _ => 0.0,
    }
}

/// The steps that a column covers, for a readout.
#[must_use]
pub fn steps_of(column: &Column) -> String {
    let step = figure(column.step as f64, true);
    if column.steps == 1 {
        format!("step {step}")
    } else {
        format!("steps {step} – {}", figure(column.end() as f64 - 1.0, true))
    }
}

/// The number of steps per column where the history of the span is coarsest.
fn kept(cx: &PaneContext<'_>, span: (f64, f64)) -> u64 {
    let history = lock(&cx.lab.snapshot().history);
    let to = (span.1.max(0.0) as u64).min(history.head);
    history.variants.get(cx.link.variant).map_or(1, |v| v.width(span.0.max(0.0) as u64, to))
}

/// How many steps one point stands for, in words; `None` if the plot is not zoomed and every step is shown.
#[must_use]
pub fn resolution(cx: &PaneContext<'_>, pixels: f32) -> Option<String> {
    let snapshot = cx.lab.snapshot();
    let span = span(cx.link, snapshot);
    let (bin, kept) = (bin(span, pixels), kept(cx, span));
    let steps = bin.max(kept);
    if steps <= 1 {
        return matches!(cx.link.span, Span::Part(..)).then(|| "every step, exact".into());
    }
    let mut words = format!("{} steps a point, min – max", figure(steps as f64, true));
    if kept > bin
        && let Some(detail) = snapshot.detail.as_ref().filter(|d| covers(d.range, span, snapshot.head))
    {
        match detail.stage() {
            Stage::Working(share) => words = format!("{words} · computing each, {:.0} %", 100.0 * share),
            Stage::TooLong => words = format!("{words} · zoom in for each"),
            Stage::Failed => words = format!("{words} · computing each failed"),
            Stage::Done => {}
        }
    }
    Some(words)
}

fn covers(range: (u64, u64), (from, to): (f64, f64), head: u64) -> bool {
    range.0 as f64 <= from && range.1 as f64 >= to.min(head as f64)
}

/// Requests the steps in the span one by one if the history keeps them more coarsely than the plot could show them. Until they arrive, the
/// plot shows the coarse columns. Does nothing unless the plot is zoomed.
pub fn ask_detail(cx: &mut PaneContext<'_>, pixels: f32) {
    let Span::Part(from, to) = cx.link.span else { return };
    let (bin, kept) = (bin((from, to), pixels.max(WANTED)), kept(cx, (from, to)));
    if kept <= bin {
        return;
    }
    // The range has round edges, so that panning a little requests nothing new.
    let grid = ((to - from) / 2.0).max(16.0) as u64;
    let grid = 1u64 << grid.ilog2();
    let range = (from.max(0.0) as u64 / grid * grid, (to.max(0.0) as u64).div_ceil(grid) * grid);
    let snapshot = cx.lab.snapshot();
    let enough = snapshot.detail.as_ref().is_some_and(|d| {
        let close = (d.range.1 - d.range.0) / 3 <= range.1 - range.0;
        covers(d.range, (from, to), snapshot.head) && (close || matches!(d.stage(), Stage::Working(_)))
    });
    if !enough && snapshot.detail.as_ref().is_none_or(|d| d.range != range) {
        cx.lab.send(Command::Detail(range.0, range.1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_about_as_many_as_pixels() {
        for steps in [10.0, 1000.0, 3e4, 1e6, 3.7e7] {
            let points = steps / bin((5.0, 5.0 + steps), 1000.0) as f64;
            assert!(points <= 1000.0 && (points >= 250.0 || steps < 1000.0), "{steps}: {points}");
        }
        assert_eq!(bin((0.0, 7000.0), 1000.0), 8);
    }
}
