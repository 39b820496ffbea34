//! The online setting: how far the biases are from the optimum of the source, and what that has cost so far.

use super::super::PaneContext;
use super::super::shared::time_plot::{self, Axis, Curve, TimePlot};
use super::{figures, message, pair, places, row, row_in, words};
use crate::ui::kit::style::{TINY, text};
use crate::ui::kit::widgets::slider::figure;
use eframe::egui::{self, Ui};
use moebias_engine::history::Column;
use moebias_engine::run::lock;
use moebias_engine::theory::{Examined, Online, Theory, regret};
use moebias_model::config::{Rule, Schedule, Source, Variant};
use moebias_model::metrics::sampling_floor;
use moebias_model::theory::online::{Distance, Setting, Shrinks};
use std::sync::Arc;

/// Smaller values are drawn at this one.
const SMALLEST: f64 = 1e-6;

pub(super) fn show(ui: &mut Ui, cx: &mut PaneContext<'_>, theory: &Arc<Theory>, other: &mut bool) {
    let (Some(examined), Some(online)) = (theory.examined.clone(), theory.online.clone()) else {
        return message(ui, cx.theme, "Finding the optimum of the source on a sample of its tokens…");
    };
    let snapshot = cx.lab.snapshot().clone();
    let Some(variant) = snapshot.experiment.variants.get(cx.link.variant).cloned() else { return };
    let (place, column) = places(ui.max_rect());
    let bound = Bound::new(
        &online,
        &variant,
        snapshot.batch,
        snapshot.events.iter().any(|e| e.step > online.from && e.step <= snapshot.step),
    );
    let mut first = |ui: &mut Ui, cx: &mut PaneContext<'_>| distance(ui, cx, &online);
    let mut second = |ui: &mut Ui, cx: &mut PaneContext<'_>| regrets(ui, cx, &online, &bound, snapshot.batch);
    let captions = [
        "distance of the biases to the optimum, rms(p − p*), score units",
        "regret Σ f(pₙ) − f(p*), score units, since n = 1",
    ];
    pair(ui, cx, place, other, [(captions[0], &mut first), (captions[1], &mut second)]);
    figures(ui, column, |ui| column_of(ui, cx, &examined, &online, &variant, &bound));
}

fn distance(ui: &mut Ui, cx: &mut PaneContext<'_>, online: &Online) {
    let snapshot = cx.lab.snapshot().clone();
    let span = time_plot::span(cx.link, &snapshot);
    let log = |v: f64| v.max(SMALLEST).log10();
    let points = {
        let history = lock(&snapshot.history);
        let Some(of) = history.variants.get(cx.link.variant) else { return };
        // The last of the columns that share a pixel.
        let read = |group: &[&Column]| {
            let bias: Vec<f64> =
                group.last().map(|c| c.bias.iter().map(|&b| f64::from(b)).collect()).unwrap_or_default();
            [time_plot::middle(group), log(Distance::between(&bias, &online.prices).rms)]
        };
        time_plot::grouped(of, span, ui.available_width() / 2.0, read)
    };
    let curves = vec![Curve { points: points.clone(), colour: cx.theme.accent, width: 1.5, ..Curve::default() }];
    let plot = TimePlot {
        id: "distance to the optimum",
        y: "",
        bands: vec![],
        curves,
        marks: vec![],
        axis: Axis::Log,
        include: vec![],
    };
    let (response, transform) = plot.show(ui, cx);
    if let Some(pointer) = response.hover_pos() {
        let x = transform.value_from_position(pointer).x;
        if let Some(p) = points.iter().min_by(|a, b| (a[0] - x).abs().total_cmp(&(b[0] - x).abs())) {
            let words = format!("step {}  {}", figure(p[0].floor(), true), figure(10f64.powf(p[1]), false));
            time_plot::readout(ui, cx, *transform.frame(), &words);
        }
    }
}

/// The bound on the regret, or why there is none.
struct Bound {
    setting: Setting,
    shrinks: Shrinks,
    /// Why there is no bound.
    hidden: Option<&'static str>,
}

impl Bound {
    fn new(online: &Online, variant: &Variant, tokens: u32, changed: bool) -> Self {
        let shrinks = match variant.balancer.schedule {
            Schedule::InverseSqrt => Shrinks::Sqrt,
            Schedule::Inverse => Shrinks::Inverse,
            _ => Shrinks::Not,
        };
        let (experts, top_k) = (f64::from(variant.router.experts), f64::from(variant.router.top_k));
        let radius = online.nodes.iter().map(|n| n.distance.rms * experts.sqrt()).fold(0.0, f64::max);
        let modulus = online.curvature.map_or(0.0, |c| c.lambda * f64::from(tokens));
        let setting =
            Setting { experts, top_k, tokens: f64::from(tokens), rate: variant.balancer.rate, modulus, radius };
        let hidden = match variant.balancer.rule {
            Rule::Sign => {
                Some("The sign rule is not a gradient step: its regret has no bound, and it does not converge.")
            }
            Rule::Proportional if changed => {
                Some("Settings have changed since n = 1: the bound is for one schedule from its start.")
            }
            Rule::Proportional if shrinks == Shrinks::Inverse && setting.rate < setting.least_inverse_rate() => {
                Some("u/n guarantees ln N only for u ≥ L/μ: smaller step sizes may take extremely long.")
            }
            Rule::Proportional => None,
            _ => Some("The bound is for the proportional rule, a gradient step."),
        };
        Self { setting, shrinks, hidden }
    }

    fn at(&self, n: f64) -> Option<f64> {
        if self.hidden.is_some() { None } else { self.setting.bound(self.shrinks, n) }
    }
}

fn regrets(ui: &mut Ui, cx: &mut PaneContext<'_>, online: &Online, bound: &Bound, tokens: u32) {
    let theme = cx.theme;
    let log = |v: f64| v.max(1e-3).log10();
    let all = regret(&online.nodes, tokens);
    let points: Vec<[f64; 2]> = all.iter().map(|&(step, r)| [step as f64, log(r)]).collect();
    let limit: Vec<[f64; 2]> = all
        .iter()
        .filter_map(|&(step, _)| Some([step as f64, log(bound.at((step - online.from) as f64 + 1.0)?)]))
        .collect();
    let mut curves = vec![];
    if !limit.is_empty() {
        curves.push(Curve {
            points: limit,
            colour: theme.fair,
            width: 1.3,
            name: "bound".into(),
            dashed: true,
            ..Curve::default()
        });
    }
    curves.push(Curve { points, colour: theme.accent, width: 1.5, name: "regret".into(), ..Curve::default() });
    let plot = TimePlot { id: "regret", y: "", bands: vec![], curves, marks: vec![], axis: Axis::Log, include: vec![] };
    let (response, transform) = plot.show(ui, cx);
    if let Some(pointer) = response.hover_pos() {
        let x = transform.value_from_position(pointer).x;
        let near = all.iter().min_by(|a, b| (a.0 as f64 - x).abs().total_cmp(&(b.0 as f64 - x).abs()));
        if let Some(&(step, r)) = near {
            let limit = bound.at((step - online.from) as f64 + 1.0);
            let limit = limit.map(|b| format!("  bound {}", figure(b.round(), true))).unwrap_or_default();
            let words = format!("after {} steps  regret {}{limit}", figure(step as f64, true), figure(r, r >= 100.0));
            time_plot::readout(ui, cx, *transform.frame(), &words);
        }
    }
}

/// How far the biases are from the optimum, and how many steps that takes.
fn distance_rows(ui: &mut Ui, cx: &PaneContext<'_>, online: &Online, variant: &Variant) {
    let snapshot = cx.lab.snapshot();
    if let Some(now) = online.nodes.last() {
        row(
            ui,
            cx,
            "rms(p − p*)",
            &figure(now.distance.rms, false),
            "Distance of the biases to those of the smallest f found, both with mean 0, score units",
        );
        row(
            ui,
            cx,
            "largest gap Δ to go",
            &figure(now.distance.gap, false),
            "Range of p* − p over the experts, score units",
        );
        let rate = snapshot.variants.get(cx.link.variant).map_or(0.0, |v| v.rate);
        let steps =
            now.distance.steps(rate).map_or("never: u is 0".into(), |s| format!("{} steps", figure(s.ceil(), true)));
        let name = if variant.balancer.rule == Rule::Sign { "settles in Δ/2u" } else { "Δ/2u, by the sign rule" };
        row(
            ui,
            cx,
            name,
            &steps,
            "Two biases move apart by at most 2u per step, so a gap Δ takes about Δ/(2u) steps of the sign rule at the present u",
        );
    }
}

/// The curvature of the dual function, and the step size that it asks for.
fn curvature_rows(ui: &mut Ui, cx: &PaneContext<'_>, (examined, online): (&Examined, &Online), bound: &Bound) {
    let theme = cx.theme;
    match online.curvature {
        Some(c) => {
            let tip = format!(
                "T·λ₂ of the graph of ties: {} of {} sampled tokens have their K-th and (K+1)-th expert within {} of each other",
                figure(f64::from(c.ties), true),
                figure(online.tokens as f64, true),
                figure(c.within, false)
            );
            row(ui, cx, "curvature μ = T·λ₂", &figure(bound.setting.modulus, false), &tip);
            row_in(ui, cx, theme.dim, "  ties within", &figure(c.within, false), &tip);
            let least = bound.setting.least_inverse_rate();
            let value = if least.is_finite() { figure(least, false) } else { "–".into() };
            row_in(
                ui,
                cx,
                theme.dim,
                "u/n needs u ≥ L/μ",
                &value,
                "From there on u/n of the proportional rule guarantees a regret of order ln N",
            );
        }
        None => {
            let value = if examined.fixed { "none: one batch" } else { "not estimated" };
            let tip = "The dual function of one batch is made of flat pieces. Of fresh batches it is not estimated where every token goes \
                       to every expert, or above 512 experts";
            row_in(ui, cx, theme.dim, "curvature μ", value, tip);
        }
    }
}

/// The regret so far, and its bound.
fn regret_rows(ui: &mut Ui, cx: &PaneContext<'_>, online: &Online, bound: &Bound) {
    let (theme, snapshot) = (cx.theme, cx.lab.snapshot());
    if let (Some(&(_, r)), Some(last)) = (regret(&online.nodes, snapshot.batch).last(), online.nodes.last()) {
        row(
            ui,
            cx,
            "regret so far",
            &figure(r, r >= 100.0),
            "Σ f(pₙ) − f(p*) over all tokens: evaluated at some steps, closer together at first, and summed between them",
        );
        if let Some(limit) = bound.at((last.step - online.from) as f64 + 1.0) {
            let tip = match bound.shrinks {
                Shrinks::Inverse => "K·T²·(1 − K/E)·ε/2·(1 + ln N), ε = u/L ≥ 1/μ",
                _ => "R²/(2ε_N) + K·T²·(1 − K/E)/2·Σεₙ, ε = u/L, with the largest distance seen as R",
            };
            row_in(ui, cx, theme.dim, "its bound", &figure(limit, true), tip);
        }
    }
}

fn column_of(
    ui: &mut Ui,
    cx: &PaneContext<'_>,
    examined: &Examined,
    online: &Online,
    variant: &Variant,
    bound: &Bound,
) {
    let theme = cx.theme;
    let snapshot = cx.lab.snapshot();
    distance_rows(ui, cx, online, variant);
    let floor = sampling_floor(variant.router.experts, variant.router.top_k, snapshot.batch);
    let fresh = matches!(&snapshot.experiment.source, Source::Synthetic(s) if s.burst == 1);
    if fresh {
        row(
            ui,
            cx,
            "sampling floor",
            &format!("MaxVio {floor:.3}"),
            "MaxVio of independent tokens at perfect balance: E[max of E normals] × √((1 − K/E)/L)",
        );
    } else {
        let why = if examined.fixed { "none: one batch" } else { "tokens not independent" };
        row_in(ui, cx, theme.dim, "sampling floor", why, "The formula is for independent tokens, fresh in every step");
    }
    curvature_rows(ui, cx, (examined, online), bound);
    regret_rows(ui, cx, online, bound);
    if let Some(why) = bound.hidden {
        words(ui, cx, text(TINY), &format!("No bound: {why}"));
    }
    let sample = format!(
        "f and p* are estimated on {} tokens of the same source{}.",
        figure(online.tokens as f64, true),
        if examined.fixed { ", its one batch" } else { "" }
    );
    ui.add(egui::Label::new(egui::RichText::new(sample).font(text(TINY)).color(theme.faint)).wrap());
}
