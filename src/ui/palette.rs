//! The palette: type a few letters, press Enter. Everything the menus hold, every scenario and every pane.

use super::actions::{self, Action};
use super::app::Ask;
use super::panes::PaneKind;
use super::panes::frame::Export;
use super::style::{SMALL, mono, text};
use super::theme::Theme;
use super::widgets::search::search;
use crate::model::presets::Preset;
use eframe::egui::{self, Align2, Frame, Key, Margin, Modal, Modifiers, RichText, ScrollArea, Sense, Ui, vec2};
use egui_material_icons::MaterialIcon;
use egui_material_icons::icons::{
    ICON_CONTENT_COPY, ICON_DESCRIPTION, ICON_MOVIE, ICON_OPEN_IN_FULL, ICON_PHOTO_CAMERA, ICON_POLYLINE, ICON_SCIENCE,
    ICON_TUNE,
};
use std::path::PathBuf;
use strum::IntoEnumIterator as _;

/// What the palette remembers while it is open.
#[derive(Clone, Debug, Default)]
pub struct Palette {
    typed: String,
    at: usize,
}

struct Entry {
    name: String,
    detail: String,
    keys: String,
    symbol: MaterialIcon,
    ask: Ask,
}

/// Draws the open palette. False once it is to close.
pub fn show(ui: &mut Ui, palette: &mut Palette, recent: &[PathBuf], asks: &mut Vec<Ask>, theme: &Theme) -> bool {
    let mut open = true;
    let frame = Frame::popup(ui.style()).fill(theme.pane).inner_margin(Margin::same(8));
    let area = Modal::default_area(egui::Id::unique("palette")).anchor(Align2::CENTER_TOP, vec2(0.0, 90.0));
    let modal = Modal::new(egui::Id::unique("palette")).area(area).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(560.0);
        let (up, down, enter) = ui.input_mut(|i| {
            (
                i.consume_key(Modifiers::NONE, Key::ArrowUp),
                i.consume_key(Modifiers::NONE, Key::ArrowDown),
                i.consume_key(Modifiers::NONE, Key::Enter),
            )
        });
        let response = search(ui, &mut palette.typed, "Search commands and scenarios");
        if response.changed() {
            palette.at = 0;
        }
        let mut found: Vec<(i32, Entry)> =
            entries(ui, recent).into_iter().filter_map(|e| score(&palette.typed, &e.name).map(|s| (s, e))).collect();
        found.sort_by_key(|(s, _)| -s);
        let count = found.len();
        if down {
            palette.at += 1;
        }
        palette.at = palette.at.saturating_sub(usize::from(up)).min(count.saturating_sub(1));
        ui.add_space(4.0);
        ScrollArea::vertical().max_height(420.0).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 1.0;
            if count == 0 {
                ui.label(RichText::new("Nothing by that name").color(theme.dim));
            }
            for (i, (_, entry)) in found.into_iter().enumerate() {
                let chosen = i == palette.at;
                let response = line(ui, &entry, chosen, theme);
                if chosen && (up || down) {
                    response.scroll_to_me(None);
                }
                if response.hovered() && ui.input(|i| i.pointer.delta() != egui::Vec2::ZERO) {
                    palette.at = i;
                }
                if response.clicked() || (chosen && enter) {
                    asks.push(entry.ask);
                    open = false;
                }
            }
        });
    });
    open && !modal.should_close()
}

fn line(ui: &mut Ui, entry: &Entry, chosen: bool, theme: &Theme) -> egui::Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 28.0), Sense::click());
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, chosen, &entry.name));
    let painter = ui.painter();
    if chosen {
        painter.rect_filled(rect, 5.0, theme.chip);
    }
    let symbol = egui::FontId::new(15.0, entry.symbol.font_family());
    painter.text(rect.left_center() + vec2(8.0, 0.0), Align2::LEFT_CENTER, entry.symbol.codepoint, symbol, theme.dim);
    let name = painter.layout_no_wrap(entry.name.clone(), text(13.0), theme.text);
    let width = name.size().x;
    painter.galley(rect.left_center() + vec2(32.0, -name.size().y / 2.0), name, theme.text);
    let keys =
        painter.text(rect.right_center() - vec2(8.0, 0.0), Align2::RIGHT_CENTER, &entry.keys, mono(SMALL), theme.dim);
    let room = keys.left() - rect.left() - 32.0 - width - 24.0;
    if room > 40.0 && !entry.detail.is_empty() {
        let mut job = egui::text::LayoutJob::simple_singleline(entry.detail.clone(), text(SMALL), theme.dim);
        job.wrap = egui::text::TextWrapping::truncate_at_width(room);
        let galley = painter.layout_job(job);
        painter.galley(rect.left_center() + vec2(44.0 + width, -galley.size().y / 2.0), galley, theme.dim);
    }
    response
}

fn entries(ui: &Ui, recent: &[PathBuf]) -> Vec<Entry> {
    let actions = Action::iter().filter(|a| *a != Action::Palette).map(|a| Entry {
        name: a.name().into(),
        detail: String::new(),
        keys: a.shortcuts().first().map(|s| actions::written(ui.ctx(), s)).unwrap_or_default(),
        symbol: a.icon(),
        ask: Ask::Do(a),
    });
    let scenarios = super::welcome::cards().iter().map(|c| Entry {
        name: format!("Scenario: {}", c.title),
        detail: c.summary.clone(),
        keys: String::new(),
        symbol: ICON_SCIENCE,
        ask: Ask::OpenShipped(c.id),
    });
    let presets = Preset::iter().map(|preset| Entry {
        name: format!("Set as a model: {}", preset.name()),
        detail: preset.summary(),
        keys: String::new(),
        symbol: ICON_TUNE,
        ask: Ask::Preset(preset),
    });
    let panes = PaneKind::iter().flat_map(|kind| {
        let name = kind.name();
        let pane = |name: String, symbol, ask| Entry { name, detail: String::new(), keys: String::new(), symbol, ask };
        [
            pane(format!("Show pane: {name}"), ICON_OPEN_IN_FULL, Ask::Reveal(kind)),
            pane(format!("Maximise pane: {name}"), ICON_OPEN_IN_FULL, Ask::Maximise(kind)),
            pane(format!("Copy picture of: {name}"), ICON_CONTENT_COPY, Ask::Export(kind, Export::Copy)),
            pane(format!("Save picture of: {name}…"), ICON_PHOTO_CAMERA, Ask::Export(kind, Export::Picture)),
            pane(format!("Save as SVG: {name}…"), ICON_POLYLINE, Ask::Export(kind, Export::Svg)),
            pane(format!("Film of: {name}…"), ICON_MOVIE, Ask::Export(kind, Export::Film)),
        ]
    });
    let recent = recent.iter().map(|p| Entry {
        name: format!("Open {}", p.file_name().unwrap_or(p.as_os_str()).to_string_lossy()),
        detail: p.parent().map(|d| d.display().to_string()).unwrap_or_default(),
        keys: String::new(),
        symbol: ICON_DESCRIPTION,
        ask: Ask::Open(p.clone()),
    });
    actions.chain(scenarios).chain(presets).chain(panes).chain(recent).collect()
}

/// How well what was typed fits a name; `None` where its letters do not stand in it in order. Letters that begin words and that
/// follow each other count more.
fn score(typed: &str, name: &str) -> Option<i32> {
    let name: Vec<char> = name.to_lowercase().chars().collect();
    let mut total = 0;
    let mut at = 0;
    let mut last = None;
    for c in typed.to_lowercase().chars().filter(|c| !c.is_whitespace()) {
        let found = (at..name.len()).filter(|&i| name[i] == c);
        let worth = |i: usize| {
            let begins = i == 0 || !name[i - 1].is_alphanumeric();
            let follows = last.is_some_and(|l| l + 1 == i);
            (i32::from(begins) * 6 + i32::from(follows) * 8, -(i as i32))
        };
        let best = found.max_by_key(|&i| worth(i))?;
        total += 1 + worth(best).0;
        last = Some(best);
        at = best + 1;
    }
    Some(total * 16 - name.len() as i32)
}

#[cfg(test)]
mod tests {
    use super::score;

    #[test]
    fn letters_in_order_find_their_name() {
        assert!(score("ply", "Play or pause").is_some());
        assert!(score("xyz", "Play or pause").is_none());
        assert!(score("nsd", "New seed") > score("nsd", "Run something odd"));
        assert!(score("open", "Open…") > score("open", "Show pane: Load over time"));
        assert!(score("", "anything").is_some());
    }
}
