//! The distance of the worst load from the fair share, the band, and whether the band is guaranteed here.

use super::super::PaneContext;
use super::super::shared::time_plot::{self, Axis, Curve, Mark, TimePlot};
use super::objective::nearest;
use super::{captioned, curves as over, figures, in_sight, places, row, row_in, words};
use crate::ui::kit::style::{TINY, text};
use crate::ui::kit::widgets::slider::figure;
use eframe::egui::Ui;
use moebias_engine::theory::{Examined, Theory};
use moebias_model::config::{Rule, Schedule};
use moebias_model::fixed::SCORE_ONE;
use std::sync::Arc;

pub(super) fn show(ui: &mut Ui, cx: &mut PaneContext<'_>, theory: &Arc<Theory>) {
    let Some(examined) = theory.examined.clone() else { return };
    let (place, column) = places(ui.max_rect());
    let span = time_plot::span(cx.link, cx.lab.snapshot());
    let points = in_sight(theory, span, place.width());
    let width = (examined.problem.experts() - 1) as f64;
    captioned(ui, cx, place, "largest |load − L|, tokens", |ui, cx| {
        let log = |v: f64| v.max(0.1).log10();
        let look = Curve { colour: cx.theme.accent, width: 1.5, ..Curve::default() };
        let curves = over(&points, |p| Some(log(p.furthest)), look);
        let marks = vec![Mark { value: log(width), name: format!("E − 1 = {width}"), ..Mark::default() }];
        let plot = TimePlot {
            id: "the band",
            y: "",
            bands: vec![],
            curves,
            marks,
            axis: Axis::Log,
            include: vec![log(width), 0.0],
        };
        let (response, transform) = plot.show(ui, cx);
        if let Some(p) = response.hover_pos().and_then(|at| nearest(&points, transform.value_from_position(at).x)) {
            let words = format!("step {}  {:.2} tokens from fair", figure(p.step as f64, true), p.furthest);
            time_plot::readout(ui, cx, *transform.frame(), &words);
        }
    });
    figures(ui, column, |ui| column_of(ui, cx, theory, &examined, width));
}

fn column_of(ui: &mut Ui, cx: &PaneContext<'_>, theory: &Theory, examined: &Examined, width: f64) {
    let theme = cx.theme;
    let fair = examined.fair();
    row(ui, cx, "fair share L", &format!("{fair:.2} tokens"), "K·T/E");
    let band = format!("{:.1} … {:.1}", (fair - width).max(0.0), fair + width);
    row(ui, cx, "band L ± (E − 1)", &band, "Where all loads end, if the precondition holds");
    let inside = examined.furthest() <= width;
    let now = format!("{:.2}, {}", examined.furthest(), if inside { "inside" } else { "outside" });
    row_in(
        ui,
        cx,
        if inside { theme.text } else { theme.over_text },
        "worst load is off by",
        &now,
        "Largest |load − L| of the last step, tokens",
    );
    let variant = cx.lab.snapshot().experiment.variants.get(cx.link.variant).cloned();
    let constant = variant.as_ref().is_some_and(|v| v.balancer.schedule == Schedule::Constant);
    let largest = theory.largest_step.map(|q| q as f64 / f64::from(SCORE_ONE));
    let separated = largest.map(|most| examined.rate <= most && most > 0.0);
    let conditions = [
        ("K = 1", Some(examined.problem.top_k() == 1), "Every token has one expert"),
        ("one batch, repeated", Some(examined.fixed), "The source repeats its batch"),
        ("sign rule", Some(examined.rule == Rule::Sign), "b ← b + u·sign(c̄ − c)"),
        ("constant u", Some(constant), "No schedule"),
        ("gaps over 2u apart", separated, "For every two experts, any two tokens' score gaps lie more than 2u apart"),
    ];
    for (name, holds, tip) in conditions {
        let (value, colour) = match holds {
            Some(true) => ("yes", theme.under),
            Some(false) => ("no", theme.over_text),
            None => ("–", theme.dim),
        };
        row_in(ui, cx, colour, name, value, tip);
    }
    let most = match largest {
        Some(0.0) => "none".into(),
        Some(most) => figure(most, false),
        None => "–".into(),
    };
    row(
        ui,
        cx,
        "largest admissible u",
        &most,
        "Half the smallest distance between two gaps. With random scores u = 1e-5 is admissible for about 85 % of batches of 32 tokens and 5 experts, and for none of 512 tokens",
    );
    let promised = conditions.iter().all(|c| c.1 == Some(true));
    let verdict = match (promised, inside) {
        (true, true) => "The precondition holds: the loads are in the band and stay there.",
        (true, false) => "The precondition holds: the loads are on their way into the band.",
        (false, _) => {
            "The precondition does not hold here: the band is not guaranteed, though loads often stay within it."
        }
    };
    words(ui, cx, text(TINY), verdict);
}
