//! What a file does not say about its recording: what was assumed, and fields to say it. The panel and the dialog after opening show the same.

use super::capital;
use crate::ui::kit::style::{SMALL, text};
use crate::ui::kit::theme::{ROW, Theme};
use crate::ui::kit::widgets::choice::{Item, choice};
use eframe::egui::{Align, DragValue, Layout, RichText, TextEdit, Ui};
use moebias_files::Examined;
use moebias_lab::Lab;
use moebias_lab::command::Command;
use moebias_model::config::{Gate, limits};
use moebias_model::settings::reading::{Reading, RecordedKind};
use moebias_recordings::Question;
use std::ops::RangeInclusive;
use strum::IntoEnumIterator as _;

/// Draws what was assumed about a recording, and a field for everything that a person can say about it. A changed field reads the recording
/// again; undo takes that back.
pub fn questions(ui: &mut Ui, lab: &mut Lab, theme: &'static Theme, examined: &Examined) {
    for assumption in &examined.assumptions {
        let colour = if assumption.ask { theme.text } else { theme.dim };
        ui.label(RichText::new(capital(&assumption.text)).font(text(SMALL)).color(colour));
    }
    let form = Form { theme, examined };
    if let Some(reading) = form.show(ui) {
        lab.send(Command::ReadAs(Box::new(reading)));
    }
}

/// The fields.
struct Form<'a> {
    theme: &'static Theme,
    examined: &'a Examined,
}

/// A field for a whole number.
struct Whole {
    name: &'static str,
    tip: &'static str,
    now: u32,
    range: RangeInclusive<u32>,
}

/// A field for words.
struct Words {
    name: &'static str,
    tip: &'static str,
    hint: &'static str,
}

impl Form<'_> {
    /// Draws the fields. Returns the reading that a person asked for.
    fn show(&self, ui: &mut Ui) -> Option<Reading> {
        let reading = &self.examined.reading;
        let (kind, trace) = (self.examined.recording.kind, &self.examined.trace);
        let mut asked = None;
        let mut ask = |change: Option<Reading>| asked = asked.take().or(change);
        if self.asks(Question::Kind) || reading.kind.is_some() {
            ask(self.kind(ui).map(|kind| Reading { kind, ..reading.clone() }));
        }
        if self.asks(Question::Axes) || reading.axes.is_some() {
            let words = Words {
                name: "Axes",
                tip: "What each axis of the array counts, separated by commas: steps, layers, batch, tokens, experts, ranks",
                hint: "layers, tokens, experts",
            };
            ask(self.words(ui, &words, reading.axes.as_deref()).map(|axes| Reading { axes, ..reading.clone() }));
        }
        if kind == RecordedKind::Scores {
            ask(self.gate(ui).map(|gate| Reading { gate: Some(gate), ..reading.clone() }));
            ask(self.start(ui).map(|from_bias| Reading { from_bias, ..reading.clone() }));
        }
        if kind != RecordedKind::Selections {
            let most = limits::TOP_K.max_u32().min(trace.experts as u32);
            let tip = "Experts per token of the recorded router";
            let whole = Whole { name: "Recorded K", tip, now: self.examined.top_k, range: 1..=most };
            ask(self.whole(ui, &whole).map(|k| Reading { top_k: Some(k), ..reading.clone() }));
        }
        if kind != RecordedKind::Scores && (self.asks(Question::Experts) || reading.experts.is_some()) {
            let tip = "The number of experts of the recorded router";
            let range = limits::EXPERTS.min as u32..=limits::EXPERTS.max_u32();
            let whole = Whole { name: "Experts", tip, now: trace.experts as u32, range };
            ask(self.whole(ui, &whole).map(|n| Reading { experts: Some(n), ..reading.clone() }));
        }
        if kind != RecordedKind::Loads {
            let tip = "The recording is cut into steps of this many tokens";
            let range = 1..=limits::BATCH.max_u32();
            let whole = Whole { name: "Tokens per step", tip, now: trace.tokens as u32, range };
            ask(self.whole(ui, &whole).map(|n| Reading { step: Some(n), ..reading.clone() }));
        }
        if self.asks(Question::TokenIds) || reading.token_ids.is_some() {
            let tip = "The array or column that holds the token ids";
            let words = Words { name: "Token ids", tip, hint: "the name of an array or column" };
            let now = reading.token_ids.as_deref();
            ask(self.words(ui, &words, now).map(|token_ids| Reading { token_ids, ..reading.clone() }));
        }
        asked
    }

    /// Whether something was assumed about this.
    fn asks(&self, about: Question) -> bool {
        self.examined.assumptions.iter().any(|a| a.about == about)
    }

    fn kind(&self, ui: &mut Ui) -> Option<Option<RecordedKind>> {
        let found = match self.examined.reading.kind {
            None => format!("Holds {}, it seems", self.examined.recording.kind),
            Some(_) => "Holds what it seems to hold".into(),
        };
        let mut items = vec![Item::new(None, found, "As the file describes itself")];
        items.extend(RecordedKind::iter().map(|kind| {
            let about = match kind {
                RecordedKind::Scores => "The router's output for every token and expert: it can be routed again",
                RecordedKind::Selections => "The experts that every token chose",
                RecordedKind::Loads => "How many tokens every expert received",
            };
            Item::new(Some(kind), format!("Holds {kind}"), about)
        }));
        choice(ui, self.theme, "What it holds", "What was recorded", &self.examined.reading.kind, &items)
    }

    fn gate(&self, ui: &mut Ui) -> Option<Gate> {
        let tip = "The gate of the recorded router";
        let items: Vec<Item<Gate>> = Gate::iter().map(|g| Item::new(g, format!("{g} gate"), tip)).collect();
        choice(ui, self.theme, "Recorded gate", tip, &self.examined.gate, &items)
    }

    /// Where biases start, if the model's own bias was recorded.
    fn start(&self, ui: &mut Ui) -> Option<bool> {
        if self.examined.trace.learned_bias.is_empty() {
            return None;
        }
        let items = [
            Item::new(false, "Biases start from 0", "As in training from scratch"),
            Item::new(
                true,
                "Biases start from the recorded ones",
                "As the model had learned them. Without a balancer they stay, and tokens are routed as the model did",
            ),
        ];
        let tip = "The biases of the first step, in variants whose rule adds biases to scores";
        choice(ui, self.theme, "Start of the biases", tip, &self.examined.reading.from_bias, &items)
    }

    /// A whole number to type. Returns it once it is typed.
    fn whole(&self, ui: &mut Ui, field: &Whole) -> Option<u32> {
        let mut chosen = None;
        self.row(ui, field.name, field.tip, |ui, label| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let mut typed = field.now;
                let value = DragValue::new(&mut typed).range(field.range.clone()).speed(0.05);
                let response = ui.add(value.update_while_editing(false)).labelled_by(label).on_hover_text(field.tip);
                let key = response.id.with("pending");
                if response.changed() {
                    ui.data_mut(|d| d.insert_temp(key, typed));
                }
                if (response.lost_focus() || response.drag_stopped() || !response.dragged() && !response.has_focus())
                    && let Some(typed) = ui.data_mut(|d| d.remove_temp::<u32>(key))
                {
                    chosen = Some(typed).filter(|typed| *typed != field.now);
                }
            });
        });
        chosen
    }

    /// Words to type. Returns them once they are typed; `None` within for an empty field.
    fn words(&self, ui: &mut Ui, field: &Words, now: Option<&str>) -> Option<Option<String>> {
        let mut chosen = None;
        let id = ui.scope_id().with(field.name);
        let now = now.unwrap_or_default();
        let mut typed = ui.data(|d| d.get_temp::<String>(id)).unwrap_or_else(|| now.to_owned());
        self.row(ui, field.name, field.tip, |ui, label| {
            let edit = TextEdit::singleline(&mut typed).hint_text(field.hint).desired_width(ui.available_width());
            let response = ui.add(edit).labelled_by(label).on_hover_text(field.tip);
            if response.lost_focus() && typed != now {
                chosen = Some(Some(typed.trim().to_owned()).filter(|t| !t.is_empty()));
                ui.data_mut(|d| d.remove_temp::<String>(id));
            } else if response.has_focus() {
                ui.data_mut(|d| d.insert_temp(id, typed.clone()));
            }
        });
        chosen
    }

    /// A name with a field beside it, which gets the id of the name.
    fn row(&self, ui: &mut Ui, name: &str, tip: &str, field: impl FnOnce(&mut Ui, eframe::egui::Id)) {
        ui.horizontal(|ui| {
            ui.set_height(ROW);
            let label = ui.label(RichText::new(name).color(self.theme.dim)).on_hover_text(tip);
            field(ui, label.id);
        });
    }
}
