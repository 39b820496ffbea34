//! The balancer: rule, step size, schedule, and its equation with one sentence and the source.

use super::super::style::{SMALL, mono, text};
use super::super::widgets::choice::{Item, choice};
use super::super::widgets::group;
use super::super::widgets::slider::{Number, Scale, figure, number};
use super::Desk;
use super::explain::of_rule;
use crate::model::change::Change;
use crate::model::config::{Balancer, Rule, Schedule, limits};
use crate::model::expert_choice::leak;
use eframe::egui::{self, RichText, Ui};
use strum::IntoEnumIterator as _;

pub(super) fn show(ui: &mut Ui, desk: &mut Desk<'_>) {
    let theme = desk.theme;
    let Some(balancer) = desk.variant().map(|v| v.balancer.clone()) else { return };
    group(ui, theme, "Balancer");
    let frozen = desk.frozen();
    let rule = balancer.rule;
    ui.add_enabled_ui(frozen.is_none(), |ui| {
        let items: Vec<Item<Rule>> = Rule::iter()
            .map(|r| {
                let about = of_rule(r);
                Item::new(r, about.name, format!("{}\n{}", about.equation, about.sentence))
            })
            .collect();
        if let Some(rule) = choice(ui, theme, "Rule", "How the loads of one step become the biases of the next", &rule, &items) {
            desk.change(Change::SetRule(rule));
        }
        settings_of_order(ui, desk, &balancer);
        ui.add_enabled_ui(rule.has_step(), |ui| {
            let what = Number {
                name: "Step u",
                tip: "Step size u of the bias, in score units, 0 to 1; the track begins at 10⁻⁵. Wang et al. 2024 chose 0.001",
                min: limits::RATE.min,
                max: limits::RATE.max,
                scale: Scale::Log,
                restarts: false,
            };
            if let Some(u) = number(ui, theme, what, balancer.rate) {
                desk.change(Change::SetRate(u));
            }
            let tip = "How the step size changes; n counts from the step at which the schedule was chosen. A constant step \
                       keeps a floor that grows with u; a decreasing one does not";
            let items = [
                Item::new(Schedule::Constant, "Constant rate", "u at every step"),
                Item::new(Schedule::InverseSqrt, "Rate u/√n", "u/√n: travels on for ever, ever slower"),
                Item::new(Schedule::Inverse, "Rate u/n", "u/n: travels only about u·ln n in n steps, so it wants a larger u"),
            ];
            if let Some(schedule) = choice(ui, theme, "Schedule", tip, &balancer.schedule, &items) {
                desk.change(Change::SetSchedule(schedule));
            }
            if let (true, Some(now)) = (balancer.schedule != Schedule::Constant, desk.lab.snapshot().variants.get(desk.shown)) {
                let what = format!("now {} at n = {}", figure(now.rate, false), figure(now.schedule_n as f64, true));
                ui.label(RichText::new(what).font(mono(SMALL)).color(theme.dim));
            }
            centred(ui, desk, balancer.centred, rule);
        })
        .response
        .on_disabled_hover_text("This rule has no step size");
    })
    .response
    .on_disabled_hover_text(frozen.unwrap_or_default());

    let about = of_rule(rule);
    ui.add_space(8.0);
    ui.label(RichText::new(about.equation).font(mono(SMALL)).color(theme.text));
    ui.spacing_mut().item_spacing.x = 3.0;
    let sentence = if frozen.is_some() {
        "Who was chosen is all that was recorded; it is shown as it was."
    } else {
        about.sentence
    };
    ui.add(egui::Label::new(RichText::new(sentence).font(text(SMALL)).color(theme.dim)).wrap());
    if let Some((name, url)) = about.source {
        ui.hyperlink_to(RichText::new(name).font(text(SMALL)), url).on_hover_text(url);
    }
    ui.add_space(4.0);
    ui.add_enabled_ui(frozen.is_none(), |ui| {
        let button = ui.button(RichText::new("Reset biases").font(text(SMALL)));
        if button
            .on_hover_text("Puts every bias back to its start, now. It is recorded like any other change")
            .clicked()
        {
            desk.change(Change::ResetBias);
        }
    });
}

/// What only the rules have that put a whole batch in order.
fn settings_of_order(ui: &mut Ui, desk: &mut Desk<'_>, balancer: &Balancer) {
    let theme = desk.theme;
    match balancer.rule {
        Rule::Quantile => {
            let what = Number {
                name: "Average",
                tip: "Weight a of the old β in β ← a·β + (1−a)·β̂, 0 to 0.999. 0, Megatron-LM’s default, forgets every batch but the last; \
                      a larger one calms the biases and follows drift more slowly",
                min: limits::AVERAGE.min,
                max: limits::AVERAGE.max,
                scale: Scale::Linear(0.01),
                restarts: false,
            };
            if let Some(a) = number(ui, theme, what, balancer.average) {
                desk.change(Change::SetAverage(a));
            }
        }
        Rule::Bip => {
            let what = Number {
                name: "Passes",
                tip: "Passes over each batch before it is routed, 1 to 16. How many the authors make is not known to us; 4 is our choice",
                min: limits::ITERATIONS.min,
                max: limits::ITERATIONS.max,
                scale: Scale::Whole,
                restarts: false,
            };
            if let Some(n) = number(ui, theme, what, f64::from(balancer.iterations)) {
                desk.change(Change::SetIterations(n as u32));
            }
        }
        Rule::ExpertChoice => {
            let Some(router) = desk.variant().map(|v| v.router.clone()) else { return };
            let bits = leak(router.top_k, router.experts);
            let tip = "K · log₂((1−R)/R) with R = K/E: what one layer’s routing can tell a token of later tokens, at least (Wang et al. 2024, \
                       section on Expert Choice). Where half of the experts or more are active the bound says nothing";
            let words = format!("leaks {bits:.1} bits per token and layer, or more");
            ui.label(RichText::new(words).font(mono(SMALL)).color(theme.over_text)).on_hover_text(tip);
        }
        _ => {}
    }
}

fn centred(ui: &mut Ui, desk: &mut Desk<'_>, now: bool, rule: Rule) {
    let mut on = now;
    ui.add_enabled_ui(rule != Rule::Multiplicative, |ui| {
        let label = RichText::new("Centre the biases").font(text(SMALL)).color(desk.theme.dim);
        let tip = "Subtracts the mean bias after every update. No token goes elsewhere: selection does not change under a common \
                   shift. It stops the biases from drifting together";
        let why = "Centring a factor would change the selection, so it is for additive rules alone";
        if ui.checkbox(&mut on, label).on_hover_text(tip).on_disabled_hover_text(why).changed() {
            desk.change(Change::SetCentred(on));
        }
    });
}
