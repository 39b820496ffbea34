//! The settings that only some rules have, and the step from which biases are frozen.

use super::{Desk, Row};
use crate::ui::kit::style::{SMALL, mono, text};
use crate::ui::kit::theme::ROW;
use crate::ui::kit::widgets::slider::{Scale, figure};
use eframe::egui::{Align, DragValue, Layout, RichText, Ui};
use moebias_model::balance::longcat;
use moebias_model::change::Change;
use moebias_model::config::{Balancer, Limits, Router, Rule, limits};

/// Draws the numbers that the rule has besides its step size.
pub(super) fn show(ui: &mut Ui, desk: &mut Desk<'_>, router: &Router, balancer: &Balancer) {
    desk.rows(ui, &rows(router, balancer));
    if balancer.rule == Rule::LongCat {
        reached(ui, desk, router, balancer);
    }
}

/// The numbers that the rule has besides its step size.
pub(super) fn rows(router: &Router, balancer: &Balancer) -> Vec<Row<'static>> {
    let computing =
        Limits { max: limits::ZERO_EXPERTS.max.min(f64::from(router.experts) - 1.0), ..limits::ZERO_EXPERTS };
    match balancer.rule {
        Rule::Smebu => vec![
            Row {
                name: "Steep κ",
                limits: limits::STEEPNESS,
                scale: Scale::Log,
                value: balancer.steepness,
                tip: "Steepness κ of the clamp, 0 to 100: an error of 1/κ of the fair share already causes three quarters of a full step. \
                     Trinity Large: 2",
                change: Change::SetSteepness,
            },
            Row {
                name: "Mom. β",
                limits: limits::MOMENTUM,
                scale: Scale::Linear(0.01),
                value: balancer.momentum,
                tip: "Momentum β, 0 to 0.999: the share of the previous step that is repeated. Trinity Large: 0.5",
                change: Change::SetMomentum,
            },
        ],
        Rule::IdBalancing => vec![Row {
            name: "Gain K_d",
            limits: limits::DERIVATIVE,
            scale: Scale::Log,
            value: balancer.derivative,
            tip: "Gain K_d on the change of the error while it grows, score units, 0 to 1. The paper uses 0.006, as for Kᵢ",
            change: Change::SetDerivative,
        }],
        Rule::LongCat => vec![
            Row {
                name: "Zero Z",
                limits: computing,
                scale: Scale::Whole,
                value: f64::from(balancer.zero_experts),
                tip: "Identity experts, Z, the last of all E: a token that goes there is passed through unchanged. Their biases never change. \
                     LongCat-Flash: 256 of 768",
                change: |v| Change::SetZeroExperts(v as u32),
            },
            Row {
                name: "Real K_e",
                limits: limits::REAL_EXPERTS,
                scale: Scale::Linear(0.1),
                value: balancer.real_experts,
                tip: "Experts per token that should compute on average, K_e, 0 to 32; held between K − Z and K. LongCat-Flash: about 8 of 12",
                change: Change::SetRealExperts,
            },
        ],
        _ => vec![],
    }
}

/// Draws how many computing experts a token got in the last step, on average, and the target.
fn reached(ui: &mut Ui, desk: &Desk<'_>, router: &Router, balancer: &Balancer) {
    let zero = balancer.zero_experts;
    let Some(view) = desk.lab.snapshot().variants.get(desk.shown).filter(|v| !v.loads.is_empty()) else { return };
    let now = longcat::reached(&view.loads, router.top_k, zero);
    let wished = longcat::reachable(balancer.real_experts, router.experts, router.top_k, zero);
    let what = format!("K_e reached {now:.2} of {}", figure(wished, false));
    let tip =
        "Experts per token that computed in the last step, on average, and the target, as far as it can be reached";
    ui.label(RichText::new(what).font(mono(SMALL)).color(desk.theme.dim)).on_hover_text(tip);
}

/// Draws a checkbox, and a field for the step from which the biases stay as they are.
pub(super) fn freeze(ui: &mut Ui, desk: &mut Desk<'_>, now: Option<u64>) {
    let theme = desk.theme;
    let step = desk.lab.snapshot().step;
    let mut on = now.is_some();
    ui.horizontal(|ui| {
        ui.set_height(ROW);
        let label = RichText::new("Freeze from step").font(text(SMALL)).color(theme.dim);
        let tip = "From this step on the step size is 0 and the biases no longer change. DeepSeek-V3: γ = 0.001, then 0 for the last 500 \
                   of 14 800 billion tokens. Ticking it freezes them now";
        if desk.tick(ui, &mut on, label, &Change::SetFreeze(now)).on_hover_text(tip).changed() {
            desk.change(Change::SetFreeze(on.then_some(step)));
        }
        let Some(at) = now.filter(|_| desk.differs(&Change::SetFreeze(now)).is_none()) else { return };
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let mut at = at;
            let field = DragValue::new(&mut at).range(0..=limits::FREEZE.max as u64).speed(1.0).update_while_editing(false);
            let response = ui.add(field).on_hover_text(tip);
            response.widget_info(|| {
                let mut info = eframe::egui::WidgetInfo::drag_value(ui.is_enabled(), at as f64);
                info.label = Some("Freeze step".into());
                info
            });
            if response.changed() && Some(at) != now {
                desk.change(Change::SetFreeze(Some(at)));
            }
        });
    });
}
