//! The router: gate, experts, K.

use super::super::widgets::choice::{Item, choice};
use super::super::widgets::group;
use super::super::widgets::slider::{Number, Scale, number};
use super::Desk;
use crate::lab::command::Command;
use crate::model::change::{Change, largest_top_k};
use crate::model::config::{Gate, limits};
use eframe::egui::Ui;

pub(super) fn show(ui: &mut Ui, desk: &mut Desk<'_>) {
    let theme = desk.theme;
    let Some(router) = desk.variant().map(|v| v.router.clone()) else { return };
    group(ui, theme, "Router");
    super::presets::show(ui, desk);
    let frozen = desk.frozen();
    ui.add_enabled_ui(frozen.is_none(), |ui| {
        let tip = "From logit x = u·e to score s. The bias is added to the score for selection alone, never to the gating value";
        let items = [
            Item::new(Gate::Sigmoid, "Sigmoid gate", "s = 1/(1 + e⁻ˣ), each expert on its own. Wang et al. 2024 use it"),
            Item::new(Gate::Softmax, "Softmax gate", "s = eˣ/Σeˣ over a token's experts: scores are about 1/E, so suitable steps are smaller"),
            Item::new(
                Gate::SqrtSoftplus,
                "√softplus gate",
                "s = √ln(1 + eˣ), each expert on its own: from 0.02 at x = −8 to 2.8 at x = 8, where synthetic logits saturate. \
                 Megatron-LM's sqrtsoftplus. Held as s/4, 18 bits of it behind the point; biases are in the units of s",
            ),
        ];
        if let Some(gate) = choice(ui, theme, "Gate", tip, &router.gate, &items) {
            desk.change(Change::SetGate(gate));
        }
    })
    .response
    .on_disabled_hover_text(frozen.unwrap_or_default());

    let of_trace = desk.lab.snapshot().trace.is_some();
    ui.add_enabled_ui(!of_trace, |ui| {
        let what = Number {
            name: "Experts",
            tip: if of_trace {
                "A recorded trace has as many experts as it has"
            } else {
                "E, 2 to 1 024. Another number starts a new run; undo brings this one back"
            },
            min: limits::EXPERTS.min,
            max: limits::EXPERTS.max,
            scale: Scale::Doubling,
            restarts: true,
        };
        if let Some(v) = number(ui, theme, what, f64::from(router.experts)) {
            desk.lab.send(Command::SetExperts(v as u32));
        }
    });
    let fewest = desk.lab.settings().variants.iter().map(|v| v.router.experts).min().unwrap_or(router.experts);
    ui.add_enabled_ui(frozen.is_none(), |ui| {
        let what = Number {
            name: "K",
            tip: frozen.unwrap_or(
                "Experts per token, 1 to 32 and at most E. Every token goes to the K experts with the largest s + b",
            ),
            min: limits::TOP_K.min,
            max: f64::from(largest_top_k(fewest)),
            scale: Scale::Whole,
            restarts: false,
        };
        if let Some(v) = number(ui, theme, what, f64::from(router.top_k)) {
            desk.change(Change::SetTopK(v as u32));
        }
    });
}
