//! The caption of a picture, so that it explains itself in a paper or a talk: the run's title and step, a key of its variants with their
//! settings, the tokens, and the latest change.

use crate::ui::kit::events::label_of;
use crate::ui::kit::style::{SMALL, mono, semibold, text};
use crate::ui::kit::theme::Theme;
use crate::ui::kit::widgets::slider::figure;
use eframe::egui::{Align, Color32, Frame, Layout, Margin, Panel, RichText, Sense, Stroke, Ui, vec2};
use moebias_lab::Lab;
use moebias_model::naming;

/// A line of the key.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The variant's colour; `None` for the line about the tokens.
    pub colour: Option<Color32>,
    /// The variant's name; empty for the line about the tokens.
    pub name: String,
    /// The settings, separated by " · ".
    pub settings: String,
}

/// The title and the key.
#[derive(Clone, Debug, PartialEq)]
pub struct Caption {
    /// The title of the run and its step, for example "First look, after 300 steps".
    pub title: String,
    /// One line per variant, then the tokens.
    pub lines: Vec<Line>,
    /// Colour of the title and of the lines about variants.
    pub text: Color32,
    /// Colour of the line about the tokens.
    pub dim: Color32,
}

impl Caption {
    /// The caption of the lab's run at its present step.
    #[must_use]
    pub fn of(lab: &Lab, theme: &Theme) -> Self {
        let snapshot = lab.snapshot();
        let variants = &snapshot.experiment.variants;
        let colour =
            |i: usize| if variants.len() > 1 { theme.variants[i % theme.variants.len()] } else { theme.accent };
        let of = |(i, v): (usize, &moebias_model::config::Variant)| Line {
            colour: Some(colour(i)),
            name: v.name.to_string(),
            settings: beside(&v.name, &naming::caption(v)),
        };
        let tokens =
            Line { colour: None, name: String::new(), settings: naming::caption_of_tokens(&snapshot.experiment) };
        Self {
            title: format!("{}, {}", lab.document().title, after(snapshot.step)),
            lines: variants.iter().enumerate().map(of).chain([tokens]).collect(),
            text: theme.text,
            dim: theme.dim,
        }
    }
}

/// The settings without the parts that the variant's name already contains.
fn beside(name: &str, settings: &str) -> String {
    let said: Vec<String> = name.split(", ").map(str::to_lowercase).collect();
    let rest = |part: &str| {
        let pieces = part.split(", ").filter(|piece| !said.contains(&piece.to_lowercase()));
        pieces.collect::<Vec<_>>().join(", ")
    };
    settings.split(" · ").map(rest).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// The settings that all variants share.
fn shared(lines: &[&Line]) -> String {
    let Some((first, others)) = lines.split_first() else { return String::new() };
    let has = |line: &Line, part: &str| line.settings.split(" · ").any(|p| p == part);
    first.settings.split(" · ").filter(|part| others.iter().all(|l| has(l, part))).collect::<Vec<_>>().join(" · ")
}

/// The step in words. Panes show the batch of the last step done, so a picture shows the state after that many steps.
fn after(steps: u64) -> String {
    match steps {
        0 => "before the first step".into(),
        1 => "after 1 step".into(),
        n => format!("after {} steps", figure(n as f64, true)),
    }
}

/// Draws the caption as a strip at the top, for films and pictures: the title, the key, and the latest change before the present step.
pub fn strip(ui: &mut Ui, lab: &Lab, theme: &Theme) {
    let caption = Caption::of(lab, theme);
    let step = lab.snapshot().step;
    let last = lab.snapshot().events.iter().filter(|e| e.step < step).max_by_key(|e| e.step).map(|e| {
        format!("since step {}: {}", figure(e.step as f64, true), label_of(e, &lab.snapshot().experiment.names()))
    });
    let frame = Frame::new().fill(theme.panel).inner_margin(Margin::symmetric(14, 6));
    Panel::top("caption").resizable(false).show_separator_line(false).frame(frame).show(ui, |ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 2.0);
        ui.horizontal(|ui| {
            ui.label(RichText::new(&caption.title).font(semibold(14.0)).color(theme.text));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if let Some(last) = last {
                    let words = RichText::new(last).font(mono(SMALL)).color(theme.dim);
                    ui.add(eframe::egui::Label::new(words).truncate());
                }
            });
        });
        let variants: Vec<&Line> = caption.lines.iter().filter(|l| l.colour.is_some()).collect();
        let several = variants.len() > 1;
        let of_all = if several { shared(&variants) } else { String::new() };
        ui.horizontal_wrapped(|ui| {
            for line in variants {
                if let Some(colour) = line.colour.filter(|_| several) {
                    let (dash, _) = ui.allocate_exact_size(vec2(14.0, 12.0), Sense::hover());
                    ui.painter().hline(dash.x_range(), dash.center().y, Stroke::new(3.0, colour));
                }
                let words = if several { line.name.clone() } else { format!("{} · {}", line.name, line.settings) };
                ui.label(RichText::new(words).font(text(SMALL)).color(theme.text));
                ui.add_space(10.0);
            }
            if !of_all.is_empty() {
                ui.label(RichText::new(format!("all: {of_all}")).font(text(SMALL)).color(theme.dim));
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_do_not_repeat_the_name() {
        let settings = "Loss-free, sign · u = 0.001 · K = 6 of 64 experts · Sigmoid";
        assert_eq!(beside("Loss-free, u = 0.001", settings), "sign · K = 6 of 64 experts · Sigmoid");
        assert_eq!(beside("Sign, u = 0.001", settings), "Loss-free · K = 6 of 64 experts · Sigmoid");
        assert_eq!(beside("mine", settings), settings);
        let line = |settings: &str| Line { colour: None, name: String::new(), settings: settings.into() };
        let (a, b) = (line("sign · K = 6 of 64 experts · Sigmoid"), line("K = 6 of 64 experts · Softmax"));
        assert_eq!(shared(&[&a, &b]), "K = 6 of 64 experts");
    }
}
