//! Several variants in one plot. For each: thin lines for the smallest and largest value of any expert, and a thick line for the median, or
//! for the expert that is pinned or under the pointer.

use super::super::compared;
use super::super::time_plot::{self, Axis, Band, Curve, Mark, TimePlot};
use super::{NEAR, Quantity, joins, mean_band, short};
use crate::ui::kit::theme::Theme;
use crate::ui::panes::PaneContext;
use eframe::egui::Ui;
use moebias_engine::history::Column;
use moebias_engine::run::lock;
use std::sync::Arc;

/// Draws the plot.
pub(super) fn show(ui: &mut Ui, cx: &mut PaneContext<'_>, quantity: Quantity<'_>) {
    let snapshot = cx.lab.snapshot().clone();
    let span = time_plot::span(cx.link, &snapshot);
    let pixels = ui.available_width() / 2.0;
    let theme = cx.theme;
    let expert = cx.link.expert();
    let variants = compared::beside(cx);
    let main = |c: &Column| match expert.and_then(|e| (quantity.of)(c).get(e)) {
        Some(&value) => f64::from(value) - (quantity.from)(&c.metrics),
        None => (quantity.band)(c)[1],
    };
    let (mut bands, mut thin, mut thick): (Vec<Band>, Vec<Curve>, Vec<Curve>) = (vec![], vec![], vec![]);
    let history = lock(&snapshot.history);
    if history.variants.iter().all(|v| v.recent().len() == 0) {
        drop(history);
        return time_plot::empty(ui, cx);
    }
    for &i in &variants {
        let Some(of) = history.variants.get(i) else { continue };
        let colour = compared::colour(cx, i);
        let edges = time_plot::grouped(of, span, pixels, |g| (time_plot::middle(g), mean_band(g, quantity)));
        let faded = Theme::mix(theme.pane, colour, 0.55);
        for edge in [0, 2] {
            let points = edges.iter().map(|(x, b)| [*x, b[edge]]).collect();
            thin.push(Curve { points, colour: faded, width: 1.0, ..Curve::default() });
        }
        if joins(of, span, 2.0 * pixels) && cx.link.hovered_variant == Some(i) {
            bands.push(Band {
                steps: edges.iter().map(|e| e.0).collect(),
                low: edges.iter().map(|e| e.1[0]).collect(),
                high: edges.iter().map(|e| e.1[2]).collect(),
                colour: colour.gamma_multiply(0.12),
            });
        }
        let points = time_plot::grouped(of, span, pixels, |g| {
            let steps: f64 = g.iter().map(|c| c.steps as f64).sum();
            let mean = g.iter().map(|c| main(c) * c.steps as f64).sum::<f64>() / steps.max(1.0);
            [time_plot::middle(g), mean]
        });
        let width = if cx.link.hovered_variant == Some(i) { 2.4 } else { 1.7 };
        thick.push(Curve {
            points,
            colour,
            width,
            name: compared::name(cx, i),
            mark: compared::mark(cx, i),
            ..Curve::default()
        });
    }
    drop(history);
    let marks =
        quantity.mark.map(|(value, name)| Mark { value, name: name.into(), ..Mark::default() }).into_iter().collect();
    thin.extend(thick);
    let include = quantity.include.to_vec();
    let plot = TimePlot { id: quantity.id, y: quantity.title, bands, curves: thin, marks, axis: Axis::Linear, include };
    let (response, transform) = plot.show(ui, cx);
    let Some(pointer) = response.hover_pos() else { return };
    let step = transform.value_from_position(pointer).x.max(0.0) as u64;
    let history = lock(&snapshot.history);
    let column = |i: &usize| Some((*i, Arc::clone(history.variants.get(*i)?.at(step)?)));
    let here: Vec<(usize, Arc<Column>)> = variants.iter().filter_map(column).collect();
    drop(history);
    let far = |c: &Column| (transform.position_from_point_y(main(c)) - pointer.y).abs();
    if let Some((nearest, c)) = here.iter().min_by(|a, b| far(&a.1).total_cmp(&far(&b.1)))
        && far(c) < NEAR
    {
        cx.link.hover_variant(*nearest);
    }
    let Some((_, first)) = here.first() else { return };
    let what = expert.map_or("median".into(), |e| format!("expert {e}"));
    let values: Vec<String> = here.iter().map(|(_, c)| short(main(c))).collect();
    let words = format!("{}  {what}  {}", time_plot::steps_of(first), values.join("  "));
    time_plot::readout(ui, cx, *transform.frame(), &words);
}
