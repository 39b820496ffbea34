//! The settings of the source of tokens.

use super::{Desk, Row, fold};
use crate::ui::kit::theme::ROW;
use crate::ui::kit::widgets::button::icon_button;
use crate::ui::kit::widgets::choice::{Item, choice};
use crate::ui::kit::widgets::group;
use crate::ui::kit::widgets::slider::Scale;
use eframe::egui::{Align, DragValue, Layout, RichText, Ui};
use egui_material_icons::icons::ICON_CASINO;
use moebias_files::{BUILTIN, shipped};
use moebias_lab::command::Command;
use moebias_model::change::Change;
use moebias_model::config::{Source, Synthetic, limits};

/// The kinds of source.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Synthetic,
    Fixed,
    Trace,
    Learning,
}

pub(super) fn show(ui: &mut Ui, desk: &mut Desk<'_>) {
    let theme = desk.theme;
    group(ui, theme, "Tokens");
    let source = desk.lab.settings().source.clone();
    let now = match source {
        Source::Synthetic(_) => Kind::Synthetic,
        Source::Fixed(_) => Kind::Fixed,
        Source::Trace(_) => Kind::Trace,
        Source::Learning(_) => Kind::Learning,
    };
    let tip = "Synthetic tokens belong to topics. A repeated batch is the deterministic setting of the theory. \
               A recording replays what a real router did.";
    let mut items = vec![
        Item::new(Kind::Synthetic, "Synthetic topics", "A fresh batch of tokens every step"),
        Item::new(Kind::Fixed, "One batch, repeated", "The first batch again in every step"),
        Item::new(Kind::Trace, "Recording", "Router scores, chosen experts or loads of a real model"),
        Item::new(Kind::Learning, "A world to learn from", "Tokens with targets: experts and routers learn"),
    ];
    match now {
        Kind::Trace => {
            let why = "The tokens of a recording are fixed. Open a scenario with synthetic tokens to change them";
            items.iter_mut().take(2).for_each(|i| i.blocked = Some(why.into()));
        }
        Kind::Learning => {
            let why =
                "What has been learned belongs to these tokens. Open a scenario with synthetic tokens to use others";
            items.iter_mut().take(2).for_each(|i| i.blocked = Some(why.into()));
        }
        _ => {}
    }
    if now != Kind::Trace {
        items[2].blocked = Some("Open a recording (Ctrl+O), or the scenario of the recorded real model".into());
    }
    if now != Kind::Learning {
        items[3].blocked = Some("Open “The auxiliary-loss dilemma”, or another scenario that learns".into());
    }
    if let Some(kind) = choice(ui, theme, "Token source", tip, &now, &items) {
        desk.change(Change::SetFixed(kind == Kind::Fixed));
    }
    match source {
        Source::Synthetic(s) => synthetic(ui, desk, &s, false),
        Source::Fixed(s) => synthetic(ui, desk, &s, true),
        Source::Learning(w) => {
            super::learning::world(ui, desk, &w);
            seed(ui, desk);
        }
        Source::Trace(t) => {
            let ships = |id: &str| shipped::traces().iter().find(|s| s.id == id).map(|s| s.name);
            let name = t.file.strip_prefix(BUILTIN).and_then(ships).unwrap_or(&t.file);
            let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
            let shape = desk.lab.snapshot().trace.as_ref().map(|t| (t.steps, t.tokens, t.experts));
            ui.label(RichText::new(name).small());
            if let Some((steps, tokens, experts)) = shape {
                let loads = desk.lab.snapshot().trace.as_ref().is_some_and(|t| !t.counts.is_empty());
                let tokens = if loads { String::new() } else { format!(" × {tokens} tokens") };
                let unit = if steps == 1 { "step" } else { "steps" };
                let what = format!("{steps} {unit}{tokens} × {experts} experts, then again from the start");
                ui.label(RichText::new(what).small().color(theme.dim));
            }
            super::recording::show(ui, desk);
        }
    }
}

/// The numbers of synthetic tokens. A `fixed` batch, which repeats the first one, has no drift.
pub(super) fn rows(s: &Synthetic, fixed: bool) -> Vec<Row<'static>> {
    let mut rows: Vec<Row<'static>> = vec![
        Row {
            name: "Batch",
            limits: limits::BATCH,
            scale: Scale::Doubling,
            value: f64::from(s.batch),
            tip: "T, tokens per step, 1 to 1 048 576. The fair load of an expert is L = K·T/E tokens",
            change: |v| Change::SetBatch(v as u32),
        },
        Row {
            name: "Topics",
            limits: limits::TOPICS,
            scale: Scale::LogWhole,
            value: f64::from(s.topics),
            tip: "Topics that tokens belong to, 1 to 256. Each has a centre in 32 dimensions",
            change: |v| Change::SetTopics(v as u32),
        },
        Row {
            name: "Skew",
            limits: limits::SKEW,
            scale: Scale::Linear(0.05),
            value: s.skew,
            tip: "Zipf exponent of topic popularity, 0 to 3: the r-th topic has a share ∝ 1/rˢ. 0 makes all equally popular",
            change: Change::SetSkew,
        },
        Row {
            name: "Noise",
            limits: limits::NOISE,
            scale: Scale::Linear(0.05),
            value: s.noise,
            tip: "Spread of tokens around their topic's centre, 0 to 4, in units of the spread of the centres",
            change: Change::SetNoise,
        },
        Row {
            name: "Drift",
            limits: limits::DRIFT,
            scale: Scale::Log,
            value: s.drift,
            tip: "How fast the topics drift, 0 to 100 topic lifetimes per 1 000 steps. In one lifetime every centre moves to a new place",
            change: Change::SetDrift,
        },
        Row {
            name: "Burst",
            limits: limits::BURST,
            scale: Scale::Doubling,
            value: f64::from(s.burst),
            tip: "Consecutive tokens that share a topic, 1 to 65 536. Above 1 tokens are not independent, and batches are more uneven",
            change: |v| Change::SetBurst(v as u32),
        },
    ];
    if fixed {
        rows.retain(|row| row.name != "Drift");
    }
    rows
}

/// The rows that are folded away while they have their default values.
const FOLDED: [&str; 2] = ["Drift", "Burst"];

fn synthetic(ui: &mut Ui, desk: &mut Desk<'_>, s: &Synthetic, fixed: bool) {
    let (folded, shown): (Vec<_>, Vec<_>) = rows(s, fixed).into_iter().partition(|row| FOLDED.contains(&row.name));
    desk.rows(ui, &shown);
    let plain = Synthetic::default();
    let set = (s.drift, s.burst) != (plain.drift, plain.burst);
    fold(ui, desk.theme, "Drift, bursts, seed", set, &FOLDED, |ui| {
        desk.rows(ui, &folded);
        seed(ui, desk);
    });
}

/// Draws the field of the seed, and a button for a random new one.
fn seed(ui: &mut Ui, desk: &mut Desk<'_>) {
    let theme = desk.theme;
    let now = desk.lab.settings().seed;
    ui.horizontal(|ui| {
        ui.set_height(ROW);
        let tip = "Seed of tokens, topics and centroids, 0 to 4 294 967 295. The same seed gives the same run on every machine. \
                   Another one starts a new run; undo brings this one back";
        let label = ui.label(RichText::new("Seed").color(theme.dim)).on_hover_text(tip);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let tip = "A run with a random new seed (Ctrl+Shift+R)";
            if icon_button(ui, theme, ICON_CASINO, 16.0, true, "New seed", tip).clicked() {
                desk.lab.send(Command::NewSeed);
            }
            let mut typed = now;
            let field = DragValue::new(&mut typed).speed(0.05).update_while_editing(false);
            let response = ui.add(field).labelled_by(label.id).on_hover_text(tip);
            let done = response.lost_focus() || response.drag_stopped();
            let key = response.id.with("pending");
            if response.changed() {
                ui.data_mut(|d| d.insert_temp(key, typed));
            }
            if (done || !response.dragged() && !response.has_focus())
                && let Some(seed) = ui.data_mut(|d| d.remove_temp::<u32>(key))
                && seed != now
            {
                desk.lab.send(Command::SetSeed(seed));
            }
        });
    });
}
