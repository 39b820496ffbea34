//! The list of all keys.

use crate::ui::actions::{self, Action, Group};
use crate::ui::ask::Ask;
use crate::ui::kit::style::{SMALL, TINY, mono, semibold, text};
use crate::ui::kit::theme::Theme;
use eframe::egui::{self, Align, Frame, Label, Layout, Margin, Modal, RichText, ScrollArea, Ui, vec2};
use strum::IntoEnumIterator as _;

/// Width of the keys, points.
const KEYS: f32 = 148.0;
/// Width of a column of keys and names, points.
const COLUMN: f32 = 392.0;
/// Between the columns, points.
const GAP: f32 = 28.0;

/// Keys that are no action of their own: they work wherever the focus is.
const EVERYWHERE: [(&str, &str); 8] = [
    ("F6  Shift+F6", "Next or previous part of the window"),
    ("Tab  Shift+Tab", "Next or previous button, slider or field"),
    ("Enter  Space", "Press what has the focus; Enter alone presses the blue button"),
    ("← →", "Move a slider; finely with Shift"),
    ("PgUp  PgDn", "Move a slider far"),
    ("Digits  Enter", "Type a slider's value"),
    ("↑ ↓", "Move in a list or menu"),
    ("Esc", "Close what is on top; let go of the focus"),
];

/// Draws the list. False once it is to close.
pub fn show(ui: &mut Ui, asks: &mut Vec<Ask>, theme: &Theme) -> bool {
    let mut open = true;
    let frame = Frame::popup(ui.style()).fill(theme.pane).inner_margin(Margin::same(18));
    let screen = ui.ctx().content_rect();
    let two = screen.width() > 2.0 * COLUMN + GAP + 80.0;
    let width = if two { 2.0 * COLUMN + GAP } else { COLUMN.min(screen.width() - 80.0) };
    let modal = Modal::new(egui::Id::unique("shortcuts")).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(width);
        ui.label(RichText::new("Keyboard shortcuts").font(semibold(16.0)));
        ui.add_space(8.0);
        let height = (screen.height() - 190.0).max(120.0);
        ScrollArea::vertical().max_height(height).min_scrolled_height(height).show(ui, |ui| {
            let [left, right] = halves();
            if two {
                ui.horizontal_top(|ui| {
                    ui.spacing_mut().item_spacing.x = GAP;
                    ui.vertical(|ui| column(ui, &left, theme));
                    ui.vertical(|ui| column(ui, &right, theme));
                });
            } else {
                column(ui, &[left, right].concat(), theme);
            }
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

/// What stands in a column: groups, and the keys that work everywhere.
fn halves() -> [Vec<Option<Group>>; 2] {
    let (window, others) = Group::iter().partition::<Vec<_>, _>(|g| matches!(g, Group::Window | Group::Presenting));
    let right = window.into_iter().map(Some).collect();
    let left = others.into_iter().map(Some).chain([None]).collect();
    [left, right]
}

fn column(ui: &mut Ui, groups: &[Option<Group>], theme: &Theme) {
    let width = COLUMN.min(ui.available_width());
    ui.set_width(width);
    ui.spacing_mut().item_spacing.y = 3.0;
    for group in groups {
        let title = group.map_or("Everywhere".to_owned(), |g| g.to_string());
        ui.label(RichText::new(title).font(semibold(TINY)).color(theme.faint));
        match group {
            Some(group) => {
                for action in Action::iter().filter(|a| a.group() == *group && !a.shortcuts().is_empty()) {
                    let keys: Vec<String> = action.shortcuts().iter().map(|s| actions::written(ui.ctx(), s)).collect();
                    line(ui, &keys.join("  "), action.name().trim_end_matches('…'), width, theme);
                }
            }
            None => EVERYWHERE.iter().for_each(|(keys, what)| line(ui, keys, what, width, theme)),
        }
        ui.add_space(12.0);
    }
}

/// Keys, and beside them what they do, in as many lines as that takes: neither reaches into the other's room.
fn line(ui: &mut Ui, keys: &str, what: &str, width: f32, theme: &Theme) {
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        let part = |ui: &mut Ui, width: f32, label: Label| {
            ui.allocate_ui_with_layout(vec2(width, 18.0), Layout::top_down(Align::Min), |ui| {
                ui.set_width(width);
                ui.add(label.wrap());
            });
        };
        part(ui, KEYS, Label::new(RichText::new(keys).font(mono(TINY)).color(theme.dim)));
        part(ui, width - KEYS, Label::new(RichText::new(what).font(text(SMALL)).color(theme.text)));
    });
}
