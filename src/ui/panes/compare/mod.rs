//! The variants in a table: the settings in which they differ, and their figures.

pub mod copy;
pub mod rows;
pub mod settings;
mod table;

use super::shared::compared;
use super::{Pane, PaneContext, PaneKind};
use crate::ui::kit::focus;
use crate::ui::kit::style::{SMALL, semibold, text};
use crate::ui::kit::widgets::slider::figure;
use eframe::egui::{self, RichText, ScrollArea, Ui, style::ScrollStyle, vec2};
use moebias_engine::message::Standings;
use moebias_lab::command::Command;
use moebias_lab::fork::{COMPARED, ENOUGH};
use moebias_model::config::Variant;
use settings::{Difference, differences};
use std::sync::Arc;

/// The pane.
#[derive(Debug, Default)]
pub struct Compare {
    /// The settings that differ, and the variants that they were computed from.
    known: Option<(Vec<Variant>, Arc<Vec<Difference>>)>,
}

impl Pane for Compare {
    fn kind(&self) -> PaneKind {
        PaneKind::Compare
    }

    fn subtitle(&self, cx: &PaneContext<'_>) -> String {
        let snapshot = cx.lab.snapshot();
        let count = snapshot.variants.len();
        let steps = snapshot.figures.as_ref().and_then(|f| f.figures.first()).map_or(0, |f| f.steps);
        match (count, steps) {
            (..2, _) => "several routers on the very same tokens".into(),
            (_, 0) => format!("{count} variants on the same tokens"),
            _ => format!("{count} variants on the same tokens, {} steps", figure(steps as f64, true)),
        }
    }

    fn tools(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>) {
        let count = compared::count(cx);
        if count < 2 {
            return;
        }
        let small = |words: &str| RichText::new(words).font(text(SMALL));
        let menu = ui.add(egui::Button::new(small("Copy  ▾")).min_size(vec2(0.0, 22.0)));
        menu.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, "Copy the table"));
        egui::Popup::menu(&menu).show(|ui| {
            let names: Vec<String> = (0..count).map(|v| compared::name(cx, v)).collect();
            let settings = self.differences(cx);
            let figures = cx.lab.snapshot().figures.as_ref().map(|f| f.figures.clone()).unwrap_or_default();
            if ui.button("As Markdown").on_hover_text("With the values shown").clicked() {
                ui.ctx().copy_text(copy::markdown(&names, &settings, &figures));
            }
            if ui.button("As CSV").on_hover_text("With every digit").clicked() {
                ui.ctx().copy_text(copy::csv(&names, &settings, &figures));
            }
        });
        let fork = ui.add_enabled(count < COMPARED, egui::Button::new(small("Fork here")).min_size(vec2(0.0, 22.0)));
        let tip = fork_tip(cx);
        if fork.on_hover_text(tip).on_disabled_hover_text(ENOUGH).clicked() {
            cx.link.fork = Some(cx.link.variant);
        }
    }

    fn help(&self) -> &'static str {
        "Variants share every token. Settings that differ are listed first, then the figures of each run since the first step, or since \
         the mark (M). A star marks the best of a row. Click a name to make it the reference: the others then show how far they are \
         from it. Point at a column to highlight its variant everywhere. “Fork here” adds a variant with the present biases and the \
         balancer's memory; change it and watch the two differ. The same figures are in the summary of \
         “moebias run”, and follow from the exported CSV."
    }

    fn ui(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>) {
        if compared::count(cx) < 2 {
            return alone(ui, cx);
        }
        let standings: Option<Arc<Standings>> = cx.lab.snapshot().figures.clone();
        if standings.is_none() {
            // Requested in every frame until the worker has sent them.
            cx.lab.send(Command::SetFigures(true));
        }
        let settings = self.differences(cx);
        let figures = standings.as_ref().map(|s| &s.figures[..]).unwrap_or_default();
        // If a column or a row is not visible, a scroll bar shows it.
        ui.style_mut().spacing.scroll = ScrollStyle::solid();
        ScrollArea::both().auto_shrink([false, false]).show(ui, |ui| {
            table::show(ui, cx, &settings, figures);
            focus::follow(ui);
        });
    }
}

impl Compare {
    fn differences(&mut self, cx: &PaneContext<'_>) -> Arc<Vec<Difference>> {
        let variants = &cx.lab.snapshot().experiment.variants;
        match &self.known {
            Some((of, known)) if of == variants => Arc::clone(known),
            _ => {
                let found = Arc::new(differences(variants));
                self.known = Some((variants.clone(), Arc::clone(&found)));
                found
            }
        }
    }
}

fn fork_tip(cx: &PaneContext<'_>) -> String {
    let name = compared::name(cx, cx.link.variant);
    format!(
        "A copy of {name} as it is now, with its biases and all that its balancer remembers; change it, and the two differ (Ctrl+Shift+D)"
    )
}

/// With a single variant, the pane explains what comparing is and how to begin.
fn alone(ui: &mut Ui, cx: &mut PaneContext<'_>) {
    let theme = cx.theme;
    ui.vertical_centered(|ui| {
        ui.add_space((ui.available_height() / 2.0 - 62.0).max(4.0));
        ui.label(RichText::new("Nothing to compare yet").font(semibold(14.0)).color(theme.text));
        let words = "Two to four variants run on the very same tokens. A fork starts as a copy of the present state: change one setting of it, \
                     and every difference is due to that setting alone.";
        ui.scope(|ui| {
            ui.set_max_width(460.0_f32.min(ui.available_width()));
            ui.label(RichText::new(words).font(text(SMALL)).color(theme.dim));
        });
        ui.add_space(6.0);
        let tip = fork_tip(cx);
        if ui.button("Fork here").on_hover_text(tip).clicked() {
            cx.link.fork = Some(cx.link.variant);
        }
    });
}
