//! What is drawn of a sweep: one measure of every cell, laid out in columns and rows.

use super::scale::Scale;
use crate::ui::kit::theme::Theme;
use crate::ui::kit::widgets::slider::figure;
use eframe::egui::Color32;
use moebias_engine::sweep::Found;
use moebias_lab::sweep::LabSweep;
use moebias_model::sweep::{Axis, Kind, Measure, Plan, Published, Spread, published};
use std::sync::Arc;

/// What a grid was made from: sweep, version of its outcomes, measure and variant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Key {
    number: u64,
    version: u64,
    measure: Measure,
    variant: usize,
}

/// One measure of every cell of a sweep, for one variant.
#[derive(Debug)]
pub(super) struct Grid {
    pub key: Key,
    pub plan: Arc<Plan>,
    pub variant: usize,
    pub measure: Measure,
    /// The setting on the horizontal axis.
    pub x: Axis,
    /// The setting on the vertical axis; `None` if only one setting is swept.
    pub y: Option<Axis>,
    /// Numbers of the cells in the plan, row by row.
    pub cells: Vec<usize>,
    /// The measure of each cell: median and spread over the seeds. `None` if no seed is done.
    pub spreads: Vec<Option<Spread>>,
    /// Whether more than half of each cell's finished seeds settled.
    pub settled: Vec<bool>,
    /// The colour scale over all medians.
    pub scale: Scale,
    /// Values that papers chose, for x and for y.
    pub published: [Vec<Published>; 2],
}

impl Key {
    pub(super) fn of(of: &LabSweep, found: &Found, measure: Measure, variant: usize) -> Self {
        let variant = variant.min(of.sweep.plan().base().variants.len().saturating_sub(1));
        Self { number: of.number, version: found.version, measure, variant }
    }
}

impl Grid {
    pub(super) fn new(key: Key, plan: &Arc<Plan>, found: &Found) -> Option<Self> {
        let axes = plan.axes();
        let names = |i: usize| axes.get(i).is_some_and(|a| matches!(a.parameter.kind(), Kind::Choice));
        // Names are easier to read below each other, so an axis of names is vertical if the other one has numbers.
        let (right, up) = match axes.len() {
            0 => return None,
            1 => (0, None),
            _ if names(0) && !names(1) => (1, Some(0)),
            _ => (0, Some(1)),
        };
        let (x, y) = (axes[right].clone(), up.map(|i| axes[i].clone()));
        let rows = y.as_ref().map_or(1, |y| y.values.len());
        let number = |i: usize, j: usize| {
            // Axes beyond the second, which only the command line can sweep, stay at their first value.
            let place = |a: usize| {
                if a == right {
                    i
                } else if Some(a) == up {
                    j
                } else {
                    0
                }
            };
            (0..axes.len()).fold(0, |cell, a| cell * axes[a].values.len() + place(a))
        };
        let cells: Vec<usize> =
            (0..rows).flat_map(|j| (0..x.values.len()).map(move |i| (i, j))).map(|(i, j)| number(i, j)).collect();
        let (measure, variant) = (key.measure, key.variant);
        let spreads: Vec<Option<Spread>> =
            cells.iter().map(|&c| plan.spread(&found.outcomes, c, variant, measure)).collect();
        let settled = |&cell: &usize| {
            let (settled, done) = plan.settled(&found.outcomes, cell, variant);
            2 * settled > done
        };
        let settled = cells.iter().map(settled).collect();
        let scale = Scale::of_colours(spreads.iter().flatten().filter_map(|s| s.median));
        let of = plan.base().variants.get(variant)?;
        let published =
            [published(x.parameter, of), y.as_ref().map(|y| published(y.parameter, of)).unwrap_or_default()];
        Some(Self { key, plan: Arc::clone(plan), variant, measure, x, y, cells, spreads, settled, scale, published })
    }

    /// The colour of a value. If smaller values are better, the ramp is reversed, so that its strong end is the better one.
    pub(super) fn colour(&self, theme: &Theme, value: f64) -> Color32 {
        let share = self.scale.share(value);
        theme.ramp(if self.measure.less_is_better() == Some(true) { 1.0 - share } else { share })
    }

    /// The words for a cell that has no settling time: its runs did not settle within their steps.
    pub(super) fn not_within(&self) -> String {
        format!("not within {} steps", figure(self.plan.steps() as f64, true))
    }

    /// The number of columns.
    pub(super) fn columns(&self) -> usize {
        self.x.values.len()
    }

    /// The number of rows.
    pub(super) fn rows(&self) -> usize {
        self.y.as_ref().map_or(1, |y| y.values.len())
    }

    /// The index of a cell in `cells`, `spreads` and `settled`.
    pub(super) fn at(&self, column: usize, row: usize) -> usize {
        row * self.columns() + column
    }

    /// Whether the first row is at the top: rows of names go down, rows of numbers go up.
    pub(super) fn downwards(&self) -> bool {
        self.y.as_ref().is_some_and(|y| matches!(y.parameter.kind(), Kind::Choice))
    }

    /// The values at which the axes that are not shown are held, in words.
    pub(super) fn held(&self) -> String {
        let shown =
            |a: &&Axis| a.parameter != self.x.parameter && self.y.as_ref().is_none_or(|y| y.parameter != a.parameter);
        let held = self
            .plan
            .axes()
            .iter()
            .filter(shown)
            .map(|a| format!(" · {} {}", a.parameter.title(), a.values[0].in_words()));
        held.collect()
    }
}
