//! Our biases against those that the recorded model had learned.

use super::super::PaneContext;
use super::super::shared::time_plot::{self, Axis as TimeAxis, Curve, TimePlot};
use super::xy::{Axis, Scale, Xy};
use super::{figures, message, pair, places, row, words};
use crate::ui::kit::style::{TINY, text};
use crate::ui::kit::widgets::slider::figure;
use eframe::egui::{Stroke, Ui};
use moebias_engine::history::Column;
use moebias_engine::run::lock;
use moebias_model::fixed::from_q32;
use moebias_model::theory::correlation;
use moebias_model::theory::online::Distance;

pub(super) fn show(ui: &mut Ui, cx: &mut PaneContext<'_>, other: &mut bool) {
    let snapshot = cx.lab.snapshot().clone();
    let Some(trace) = snapshot.trace.clone() else { return };
    let Some(view) = snapshot.variants.get(cx.link.variant).filter(|v| v.bias.len() == trace.learned_bias.len()) else {
        return message(ui, cx.theme, "This trace has no learned bias for these experts");
    };
    let ours = centred(&view.bias.iter().map(|&b| from_q32(b)).collect::<Vec<_>>());
    let learned = centred(&trace.learned_bias);
    let (place, column) = places(ui.max_rect());
    let mut first = |ui: &mut Ui, cx: &mut PaneContext<'_>| scatter(ui, cx, &learned, &ours);
    let mut second = |ui: &mut Ui, cx: &mut PaneContext<'_>| over_time(ui, cx, &learned);
    let captions = ["our bias, around its mean, score units", "correlation of our biases with the learned ones"];
    pair(ui, cx, place, other, [(captions[0], &mut first), (captions[1], &mut second)]);
    figures(ui, column, |ui| {
        let now = correlation(&ours, &learned);
        let text_of = now.map_or("–".into(), |r| format!("{r:.4}").replace('-', "−"));
        row(ui, cx, "correlation", &text_of, "Pearson's, over the experts; none while all biases are equal");
        let off = Distance::between(&ours, &learned);
        row(
            ui,
            cx,
            "rms difference",
            &figure(off.rms, false),
            "Of our biases and the learned ones, both around their means, score units",
        );
        let spread = Distance::between(&vec![0.0; learned.len()], &learned);
        row(
            ui,
            cx,
            "spread of the learned",
            &figure(spread.rms, false),
            "Standard deviation of the learned biases, score units",
        );
        let rate = view.rate;
        let steps = off.steps(rate).map_or("never: u is 0".into(), |s| format!("{} steps", figure(s.ceil(), true)));
        row(
            ui,
            cx,
            "largest gap, Δ/2u",
            &steps,
            "Steps that the sign rule would need for the largest difference still there",
        );
        words(ui, cx, text(TINY), "They need not be equal: training balanced other batches, with scores that changed.");
    });
}

/// The values minus their mean.
fn centred(bias: &[f64]) -> Vec<f64> {
    let mean = bias.iter().sum::<f64>() / bias.len().max(1) as f64;
    bias.iter().map(|b| b - mean).collect()
}

fn scatter(ui: &mut Ui, cx: &mut PaneContext<'_>, learned: &[f64], ours: &[f64]) {
    let theme = cx.theme;
    let most = learned.iter().chain(ours).fold(0.01, |m: f64, v| m.max(v.abs())) * 1.08;
    let axis = |name| Axis { name, scale: Scale::Linear, range: (-most, most) };
    let plot = Xy::new(
        ui,
        theme,
        "our biases against the learned ones",
        axis("learned bias, around its mean"),
        axis("our bias, around its mean"),
    );
    plot.curve(ui, &[(-most, -most), (most, most)], Stroke::new(1.0, theme.fair), true);
    let linked = cx.link.expert();
    for (e, (&x, &y)) in learned.iter().zip(ours).enumerate() {
        let colour = if x > 0.0 { theme.under } else { theme.over };
        let lit = linked == Some(e);
        plot.dot(ui, x, y, if lit { 5.5 } else { 3.2 }, if lit { theme.accent } else { colour });
    }
    let Some(pointer) = plot.response.hover_pos() else { return };
    let far = |e: &usize| (plot.at(learned[*e], ours[*e]) - pointer).length();
    let Some(e) = (0..ours.len()).min_by(|a, b| far(a).total_cmp(&far(b))).filter(|e| far(e) < 14.0) else { return };
    cx.link.hover_expert(e);
    if plot.response.clicked() {
        cx.link.toggle_pin(e);
    }
    let words = format!("expert {e}  learned {:+.3}  ours {:+.3}", learned[e], ours[e]).replace('-', "−");
    time_plot::readout(ui, cx, plot.frame, &words);
}

fn over_time(ui: &mut Ui, cx: &mut PaneContext<'_>, learned: &[f64]) {
    let snapshot = cx.lab.snapshot().clone();
    let span = time_plot::span(cx.link, &snapshot);
    let points: Vec<[f64; 2]> = {
        let history = lock(&snapshot.history);
        let Some(of) = history.variants.get(cx.link.variant) else { return };
        let read = |group: &[&Column]| {
            let bias: Vec<f64> =
                group.last().map(|c| c.bias.iter().map(|&b| f64::from(b)).collect()).unwrap_or_default();
            correlation(&bias, learned).map(|r| [time_plot::middle(group), r])
        };
        time_plot::grouped(of, span, ui.available_width() / 2.0, read).into_iter().flatten().collect()
    };
    if points.is_empty() {
        return time_plot::empty(ui, cx);
    }
    let curves = vec![Curve { points: points.clone(), colour: cx.theme.accent, width: 1.5, ..Curve::default() }];
    let plot = TimePlot {
        id: "correlation",
        y: "",
        bands: vec![],
        curves,
        marks: vec![],
        axis: TimeAxis::Linear,
        include: vec![0.0, 1.0],
    };
    let (response, transform) = plot.show(ui, cx);
    if let Some(pointer) = response.hover_pos() {
        let x = transform.value_from_position(pointer).x;
        if let Some(p) = points.iter().min_by(|a, b| (a[0] - x).abs().total_cmp(&(b[0] - x).abs())) {
            let words = format!("step {}  correlation {:.3}", figure(p[0].floor(), true), p[1]);
            time_plot::readout(ui, cx, *transform.frame(), &words);
        }
    }
}
