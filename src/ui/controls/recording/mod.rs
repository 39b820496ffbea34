//! The settings of a recording: its layer, what is odd about it with remedies, and what was assumed about it.

mod questions;

pub use questions::questions;

use super::Desk;
use crate::ui::kit::style::{SMALL, TINY, text};
use crate::ui::kit::theme::ROW;
use crate::ui::kit::widgets::choice::{Item, choice};
use eframe::egui::{Align, Button, CollapsingHeader, Layout, RichText, Ui, vec2};
use moebias_files::Examined;
use moebias_lab::command::Command;
use moebias_model::settings::reading::{LeaveOut, Reading};

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
            let button = ui.add(button).on_hover_text(tip);
            crate::ui::kit::spots::offer(ui, "Remedy", button.rect);
            if button.clicked() {
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
            LeaveOut::Identical => "Identical tokens left out".to_owned(),
            LeaveOut::TokenId(id) => format!("Tokens with id {id} left out"),
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

/// Draws what was assumed because the file does not say it, and fields to correct it. It is open at first if the user should be asked.
fn assumptions(ui: &mut Ui, desk: &mut Desk<'_>, examined: &Examined) {
    let asked = examined.assumptions.iter().any(|a| a.ask);
    if examined.assumptions.is_empty() && examined.reading.is_plain() {
        return;
    }
    let words = RichText::new("How it is read").font(text(SMALL)).color(desk.theme.dim);
    CollapsingHeader::new(words).id_salt(("reading", asked)).default_open(asked).show_unindented(ui, |ui| {
        questions(ui, desk.lab, desk.theme, examined);
    });
}

/// The sentence with its first letter as a capital.
fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
