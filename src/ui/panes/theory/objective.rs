//! Λ over time with the exact optimum below it, and its two changes per step: what the prices take, and the benefit of tokens that switch.

use super::super::PaneContext;
use super::super::shared::time_plot::{self, Axis, Curve, Mark, TimePlot};
use super::{curves as over, figures, in_sight, pair, places, row, row_in, signed, words};
use crate::ui::kit::style::{TINY, text};
use crate::ui::kit::widgets::slider::figure;
use eframe::egui::{Color32, Shape, Ui, pos2};
use egui_plot::PlotTransform;
use moebias_engine::theory::{Examined, Point, Solved, Theory};
use std::sync::Arc;

/// Smaller values are drawn at this one on the logarithmic axis.
const SMALLEST: f64 = 1e-9;

pub(super) fn show(ui: &mut Ui, cx: &mut PaneContext<'_>, theory: &Arc<Theory>, other: &mut bool) {
    let Some(examined) = theory.examined.clone() else { return };
    let (place, column) = places(ui.max_rect());
    let span = time_plot::span(cx.link, cx.lab.snapshot());
    let points = in_sight(theory, span, place.width());
    let caption = if examined.fixed {
        "Λ = D, score units per token; ▲ marks where it rose"
    } else {
        "Λ = D, score units per token, every step on another batch; ▲ marks where it rose"
    };
    let mut first = |ui: &mut Ui, cx: &mut PaneContext<'_>| value(ui, cx, theory, &examined, &points);
    let mut second = |ui: &mut Ui, cx: &mut PaneContext<'_>| balance(ui, cx, &points);
    let captions = [caption, "what the prices take, and the benefit that moving tokens give back"];
    pair(ui, cx, place, other, [(captions[0], &mut first), (captions[1], &mut second)]);
    figures(ui, column, |ui| column_of(ui, cx, theory, &examined));
}

fn value(ui: &mut Ui, cx: &mut PaneContext<'_>, theory: &Theory, examined: &Examined, points: &[Point]) {
    let theme = cx.theme;
    let mut curves = vec![];
    let mut marks = vec![];
    let solved = points.iter().filter(|p| p.optimum.is_some()).count();
    match &theory.optimum {
        Solved::Exactly(best) if examined.fixed => {
            marks.push(Mark { value: examined.score(best.value), name: "optimum".into(), ..Mark::default() });
        }
        _ if solved > 1 => {
            let look = Curve { colour: theme.fair, width: 1.0, name: "optimum".into(), ..Curve::default() };
            curves.extend(over(points, |p| p.optimum, look));
        }
        _ => {}
    }
    let include: Vec<f64> = marks.iter().map(|m| m.value).collect();
    let look = Curve { colour: theme.accent, width: 1.5, name: "Λ = D".into(), ..Curve::default() };
    curves.extend(over(points, |p| Some(p.value), look));
    let plot = TimePlot { id: "Lagrangian", y: "", bands: vec![], curves, marks, axis: Axis::Linear, include };
    let (response, transform) = plot.show(ui, cx);
    rises(ui, cx, &transform, points);
    if let Some(p) = response.hover_pos().and_then(|at| nearest(points, transform.value_from_position(at).x)) {
        let best = p.optimum.map(|o| format!("  optimum {o:.5}  gap {:.5}", p.value - o)).unwrap_or_default();
        let words = format!("step {}  Λ {:.5} → {:.5}{best}", figure(p.step as f64, true), p.value, p.after);
        time_plot::readout(ui, cx, *transform.frame(), &words);
    }
}

fn balance(ui: &mut Ui, cx: &mut PaneContext<'_>, points: &[Point]) {
    let theme = cx.theme;
    let log = |v: f64| v.max(SMALLEST).log10();
    let curve = |of: fn(&Point) -> f64, colour: Color32, name: &str| {
        let look = Curve { colour, width: 1.3, name: name.into(), ..Curve::default() };
        over(points, |p| Some(of(p)).filter(|v| *v > SMALLEST).map(log), look)
    };
    let taken = if cx.lab.settings().variants.get(cx.link.variant).map(|v| v.balancer.rule)
        == Some(moebias_model::config::Rule::Sign)
    {
        "u Σ|load − L|"
    } else {
        "−ΣΔp·(load − L)"
    };
    let mut curves = curve(|p| p.taken, theme.under, taken);
    curves.extend(curve(|p| p.benefit, theme.over, "benefit Σb"));
    let plot = TimePlot {
        id: "what moves the Lagrangian",
        y: "score units per token",
        bands: vec![],
        curves,
        marks: vec![],
        axis: Axis::Log,
        include: vec![],
    };
    let (response, transform) = plot.show(ui, cx);
    rises(ui, cx, &transform, points);
    if let Some(p) = response.hover_pos().and_then(|at| nearest(points, transform.value_from_position(at).x)) {
        let verdict = if p.rises { "Λ rose" } else { "Λ did not rise" };
        let words = format!(
            "step {}  taken {}  benefit {}  {verdict}",
            figure(p.step as f64, true),
            figure(p.taken, false),
            figure(p.benefit, false)
        );
        time_plot::readout(ui, cx, *transform.frame(), &words);
    }
}

/// Draws small triangles along the bottom at the steps in which Λ rose.
fn rises(ui: &Ui, cx: &PaneContext<'_>, transform: &PlotTransform, points: &[Point]) {
    let frame = *transform.frame();
    let painter = ui.painter().with_clip_rect(frame.expand(1.0));
    let y = frame.bottom() - 7.0;
    let mut last = f32::NEG_INFINITY;
    for p in points.iter().filter(|p| p.rises) {
        let x = transform.position_from_point_x(middle(p));
        // Triangles less than three points apart are drawn as one.
        if !frame.x_range().contains(x) || x - last < 3.0 {
            continue;
        }
        last = x;
        let corners = vec![pos2(x - 3.0, y + 5.0), pos2(x + 3.0, y + 5.0), pos2(x, y)];
        painter.add(Shape::convex_polygon(corners, cx.theme.over, eframe::egui::Stroke::NONE));
    }
}

/// The x position of a step: in the middle of the range that it covers, as for every other curve.
pub(super) fn middle(point: &Point) -> f64 {
    point.step as f64 + 0.5
}

pub(super) fn nearest(points: &[Point], step: f64) -> Option<Point> {
    points.iter().min_by(|a, b| (middle(a) - step).abs().total_cmp(&(middle(b) - step).abs())).copied()
}

/// The exact optimum and the gap to it, or why they are not known.
fn optimum_rows(ui: &mut Ui, cx: &PaneContext<'_>, theory: &Theory, examined: &Examined) {
    let (theme, point) = (cx.theme, examined.point());
    match &theory.optimum {
        Solved::Exactly(best) => {
            let value = examined.score(best.value);
            row(
                ui,
                cx,
                "exact optimum",
                &format!("{value:.6}"),
                "Σγ·x of the best assignment with ⌊L⌋ or ⌈L⌉ tokens per expert, solved exactly as a min-cost flow",
            );
            row(
                ui,
                cx,
                "gap D − optimum",
                &signed(point.bound - value, 6),
                "From the dual bound before the update, corrected where E does not divide K·T; never negative",
            );
        }
        other => {
            let why = match other {
                Solved::TooLarge => "too large to solve",
                Solved::Failed => "solving failed",
                Solved::WhenPaused => "when paused",
                _ => "being solved …",
            };
            row_in(
                ui,
                cx,
                theme.dim,
                "exact optimum",
                why,
                "Solved for up to 4.2 million possible moves T·K·(E − K); of fresh batches while paused",
            );
        }
    }
}

fn column_of(ui: &mut Ui, cx: &PaneContext<'_>, theory: &Theory, examined: &Examined) {
    let theme = cx.theme;
    let point = examined.point();
    row(
        ui,
        cx,
        "Λ = D, before",
        &format!("{:.6}", point.value),
        "Σγ·x + Σp·(load − L) at the router's own choice, per token",
    );
    row_in(
        ui,
        cx,
        theme.under,
        "the prices take",
        &signed(-point.taken, 6),
        "ΣΔp·(load − L): −u Σ|load − L| for the sign rule, per token",
    );
    row_in(
        ui,
        cx,
        theme.over_text,
        "switching benefit",
        &signed(point.benefit, 6),
        "Σb(i) ≥ 0: what moving tokens gain at the new prices, per token",
    );
    let (colour, tip) = if point.rises {
        (theme.over_text, "The benefit was more than the prices took: Λ rose")
    } else {
        (theme.text, "The benefit was no more than what the prices took: Λ did not rise")
    };
    row_in(ui, cx, colour, "Λ after", &format!("{:.6}", point.after), tip);
    optimum_rows(ui, cx, theory, examined);
    let rose = theory.points.iter().filter(|p| p.rises).count();
    let looked = theory.points.len();
    row_in(
        ui,
        cx,
        if rose > 0 { theme.over_text } else { theme.text },
        "Λ rose in",
        &format!("{} of {} steps", figure(rose as f64, true), figure(looked as f64, true)),
        "Of the steps examined. Falling is a condition, not a law",
    );
    let each = match (theory.points.first(), theory.points.last()) {
        (Some(a), Some(b)) => b.step - a.step + 1 == looked as u64,
        _ => true,
    };
    if !each {
        words(
            ui,
            cx,
            text(TINY),
            "Where there is a gap, steps went by unexamined: too fast, or while this pane was out of sight.",
        );
    }
}
