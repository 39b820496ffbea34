//! The list of all keys.

use super::actions::{self, Action, Group};
use super::app::Ask;
use super::style::{SMALL, TINY, mono, semibold, text};
use super::theme::Theme;
use eframe::egui::{self, Align, Frame, Layout, Margin, Modal, RichText, ScrollArea, Ui, vec2};
use strum::IntoEnumIterator as _;

/// Draws the list. False once it is to close.
pub fn show(ui: &mut Ui, asks: &mut Vec<Ask>, theme: &Theme) -> bool {
    let mut open = true;
    let frame = Frame::popup(ui.style()).fill(theme.pane).inner_margin(Margin::same(18));
    let modal = Modal::new(egui::Id::unique("shortcuts")).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(660.0);
        ui.label(RichText::new("Keyboard shortcuts").font(semibold(16.0)));
        ui.add_space(8.0);
        ScrollArea::vertical().max_height(ui.ctx().content_rect().height() * 0.7).show(ui, |ui| {
            ui.spacing_mut().item_spacing.x = 32.0;
            ui.columns(2, |columns| {
                for (i, group) in Group::iter().enumerate() {
                    let ui = &mut columns[i % 2];
                    ui.label(RichText::new(group.to_string()).font(semibold(TINY)).color(theme.faint));
                    for action in Action::iter().filter(|a| a.group() == group && !a.shortcuts().is_empty()) {
                        line(ui, action, theme);
                    }
                    ui.add_space(12.0);
                }
            });
        });
        ui.add_space(4.0);
        let more = "Panes: drag a header to move, double-click it to maximise. Heatmap and curves: scroll to zoom, drag to pan, double-click for all of it.";
        ui.label(RichText::new(more).font(text(SMALL)).color(theme.dim));
        if ui.link(RichText::new("What do the terms mean? Open the glossary (G)").font(text(SMALL))).clicked() {
            asks.push(Ask::Do(Action::Glossary));
            open = false;
        }
    });
    open && !modal.should_close()
}

fn line(ui: &mut Ui, action: Action, theme: &Theme) {
    ui.allocate_ui_with_layout(vec2(ui.available_width(), 22.0), Layout::left_to_right(Align::Center), |ui| {
        ui.label(RichText::new(action.name().trim_end_matches('…')).font(text(SMALL)).color(theme.text));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let keys: Vec<String> = action.shortcuts().iter().map(|s| actions::written(ui.ctx(), s)).collect();
            ui.label(RichText::new(keys.join("  ")).font(mono(TINY)).color(theme.dim));
        });
    });
}
