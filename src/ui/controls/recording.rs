//! The settings of a recording: its layer, what is odd about it with remedies, and what was assumed about it.

use super::{Desk, Label};
use crate::ui::kit::style::{SMALL, TINY, text};
use crate::ui::kit::theme::ROW;
use crate::ui::kit::widgets::choice::{Item, choice};
use eframe::egui::{Align, Button, CollapsingHeader, DragValue, Layout, RichText, TextEdit, Ui, vec2};
use moebias_files::Examined;
use moebias_lab::command::Command;
use moebias_model::config::{Gate, limits};
use moebias_model::settings::reading::{LeaveOut, Reading, RecordedKind};
use moebias_recordings::Question;
use strum::IntoEnumIterator as _;

/// Draws the settings of the open recording; nothing for a trace that ships with Moebias.
pub(super) fn show(ui: &mut Ui, desk: &mut Desk<'_>) {
    let Some(examined) = desk.lab.examined().cloned() else { return };
    layer(ui, desk, &examined);
    oddities(ui, desk, &examined);
    left_out(ui, desk, &examined);
    assumptions(ui, desk, &examined);
}

/// Reads the recording again in another way.
fn read_as(desk: &mut Desk<'_>, reading: Reading) {
    desk.lab.send(Command::ReadAs(Box::new(reading)));
}

/// Draws the choice of the layer that the run shows, if there are several.
fn layer(ui: &mut Ui, desk: &mut Desk<'_>, examined: &Examined) {
    let layers = &examined.recording.layers;
    if layers.len() < 2 {
        return;
    }
    let item = |l: &moebias_recordings::Layer| {
        let tokens = if l.tokens() > 0 { format!("{} tokens, ", l.tokens()) } else { String::new() };
        Item::new(l.name.clone(), format!("Layer {}", l.name), format!("{tokens}{} experts", l.experts))
    };
    let items: Vec<Item<String>> = layers.iter().map(item).collect();
    let tip = "The layer of the recording that all panes show. The Layers pane shows all of them at once";
    if let Some(name) = choice(ui, desk.theme, "Layer", tip, &examined.layer, &items) {
        desk.lab.send(Command::ShowLayer(name));
    }
}

/// Draws what is odd about the recording, each with a button for its remedy if it has one.
fn oddities(ui: &mut Ui, desk: &mut Desk<'_>, examined: &Examined) {
    let theme = desk.theme;
    for oddity in &examined.oddities {
        ui.label(RichText::new(capital(&oddity.text)).font(text(SMALL)).color(theme.over_text));
        if let Some(remedy) = oddity.remedy {
            let button = Button::new(RichText::new(remedy.words()).font(text(SMALL))).min_size(vec2(0.0, ROW));
            let tip = "Reads the recording again so. It is written into the scenario, and undo takes it back";
            if ui.add(button).on_hover_text(tip).clicked() {
                read_as(desk, remedy.applied(&examined.reading));
            }
        }
    }
}

/// Draws what is left out or read differently, each with a button that takes it back.
fn left_out(ui: &mut Ui, desk: &mut Desk<'_>, examined: &Examined) {
    let reading = &examined.reading;
    let mut rows: Vec<(String, Reading)> = vec![];
    for what in &reading.leave_out {
        let words = match what {
            LeaveOut::Identical => "Identical tokens are left out".to_owned(),
            LeaveOut::TokenId(id) => format!("Tokens with id {id} are left out"),
        };
        let leave_out = reading.leave_out.iter().copied().filter(|other| other != what).collect();
        rows.push((words, Reading { leave_out, ..reading.clone() }));
    }
    if let Some(gate) = reading.gated {
        let words = format!("The values are {} scores", gate.to_string().to_lowercase());
        rows.push((words, Reading { gated: None, ..reading.clone() }));
    }
    if let Some((from, to)) = reading.tokens {
        let to = if to == u64::MAX { "the end".to_owned() } else { to.to_string() };
        rows.push((format!("Tokens {from} to {to}"), Reading { tokens: None, ..reading.clone() }));
    }
    for (words, without) in rows {
        ui.horizontal(|ui| {
            ui.set_height(ROW);
            ui.label(RichText::new(&words).font(text(SMALL)).color(desk.theme.dim));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui
                    .button(RichText::new("Undo this").font(text(TINY)))
                    .on_hover_text("Reads the recording without it")
                    .clicked()
                {
                    read_as(desk, without);
                }
            });
        });
    }
}

/// Draws what was assumed because the file does not say it, and fields to correct it. It is open at first if the person should be asked.
fn assumptions(ui: &mut Ui, desk: &mut Desk<'_>, examined: &Examined) {
    let asked = examined.assumptions.iter().any(|a| a.ask);
    if examined.assumptions.is_empty() && examined.reading.is_plain() {
        return;
    }
    let words = RichText::new("How it is read").font(text(SMALL)).color(desk.theme.dim);
    CollapsingHeader::new(words).id_salt(("reading", asked)).default_open(asked).show_unindented(ui, |ui| {
        for assumption in &examined.assumptions {
            let colour = if assumption.ask { desk.theme.text } else { desk.theme.dim };
            ui.label(RichText::new(capital(&assumption.text)).font(text(SMALL)).color(colour));
        }
        fields(ui, desk, examined);
    });
}

/// Draws the fields for what the file does not say.
fn fields(ui: &mut Ui, desk: &mut Desk<'_>, examined: &Examined) {
    let reading = &examined.reading;
    let kind = examined.recording.kind;
    if kind == RecordedKind::Scores {
        let items: Vec<Item<Gate>> =
            Gate::iter().map(|g| Item::new(g, format!("{g} gate"), "The gate of the recorded router")).collect();
        if let Some(gate) =
            choice(ui, desk.theme, "Recorded gate", "The gate of the recorded router", &examined.gate, &items)
        {
            read_as(desk, Reading { gate: Some(gate), ..reading.clone() });
        }
    }
    start(ui, desk, examined);
    if kind != RecordedKind::Selections {
        let most = limits::TOP_K.max_u32().min(examined.trace.experts as u32);
        if let Some(k) = number(
            ui,
            desk,
            Label { name: "Recorded K", tip: "Experts per token of the recorded router" },
            examined.top_k,
            1..=most,
        ) {
            read_as(desk, Reading { top_k: Some(k), ..reading.clone() });
        }
    }
    if kind != RecordedKind::Loads {
        let tokens = examined.trace.tokens as u32;
        let most = limits::BATCH.max_u32();
        if let Some(n) = number(
            ui,
            desk,
            Label { name: "Tokens per step", tip: "Into steps of so many tokens the recording is cut" },
            tokens,
            1..=most,
        ) {
            read_as(desk, Reading { step: Some(n), ..reading.clone() });
        }
    }
    if examined.assumptions.iter().any(|a| a.about == Question::Axes) || reading.axes.is_some() {
        axes(ui, desk, reading);
    }
}

/// Draws the choice of where biases start, if the model's own bias was recorded.
fn start(ui: &mut Ui, desk: &mut Desk<'_>, examined: &Examined) {
    let reading = &examined.reading;
    if examined.trace.learned_bias.is_empty() || examined.trace.is_only_watched() {
        return;
    }
    let items = [
        Item::new(false, "0", "All biases start from 0, as in training from scratch"),
        Item::new(
            true,
            "the recorded bias",
            "As the model had learned them. With the rule None they stay: that is how the model routed",
        ),
    ];
    let tip = "The biases of the first step, in variants whose rule adds biases to scores";
    if let Some(from_bias) = choice(ui, desk.theme, "Biases start from", tip, &reading.from_bias, &items) {
        read_as(desk, Reading { from_bias, ..reading.clone() });
    }
}

/// Draws a field for a whole number. Returns the number once another one was typed.
fn number(
    ui: &mut Ui,
    desk: &Desk<'_>,
    label: Label<'_>,
    now: u32,
    range: std::ops::RangeInclusive<u32>,
) -> Option<u32> {
    let mut chosen = None;
    ui.horizontal(|ui| {
        ui.set_height(ROW);
        let words = ui.label(RichText::new(label.name).color(desk.theme.dim)).on_hover_text(label.tip);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let mut typed = now;
            let field = DragValue::new(&mut typed).range(range).speed(0.05).update_while_editing(false);
            let response = ui.add(field).labelled_by(words.id).on_hover_text(label.tip);
            let key = response.id.with("pending");
            if response.changed() {
                ui.data_mut(|d| d.insert_temp(key, typed));
            }
            if (response.lost_focus() || response.drag_stopped() || !response.dragged() && !response.has_focus())
                && let Some(typed) = ui.data_mut(|d| d.remove_temp::<u32>(key))
            {
                chosen = Some(typed).filter(|typed| *typed != now);
            }
        });
    });
    chosen
}

/// Draws the field that says what each axis of an array counts.
fn axes(ui: &mut Ui, desk: &mut Desk<'_>, reading: &Reading) {
    let tip = "What each axis of the array counts, separated by commas: steps, layers, batch, tokens, experts, ranks";
    let id = ui.scope_id().with("axes");
    let now = reading.axes.clone().unwrap_or_default();
    let mut typed = ui.data(|d| d.get_temp::<String>(id)).unwrap_or_else(|| now.clone());
    ui.horizontal(|ui| {
        ui.set_height(ROW);
        let label = ui.label(RichText::new("Axes").color(desk.theme.dim)).on_hover_text(tip);
        let field =
            TextEdit::singleline(&mut typed).hint_text("layers, tokens, experts").desired_width(ui.available_width());
        let response = ui.add(field).labelled_by(label.id).on_hover_text(tip);
        if response.lost_focus() && typed != now {
            let axes = Some(typed.trim().to_owned()).filter(|t| !t.is_empty());
            read_as(desk, Reading { axes, ..reading.clone() });
            ui.data_mut(|d| d.remove_temp::<String>(id));
        } else if response.has_focus() {
            ui.data_mut(|d| d.insert_temp(id, typed));
        }
    });
}

/// The sentence with its first letter as a capital.
fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
