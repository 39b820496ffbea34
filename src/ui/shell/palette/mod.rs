//! The palette: a search over every action, setting, scenario, model, pane and recent file, which Enter chooses from.

mod entries;

#[cfg(test)]
mod tests;

use crate::ui::ask::Ask;
use crate::ui::kit::style::{SMALL, mono, text};
use crate::ui::kit::theme::Theme;
use crate::ui::kit::widgets::search::search;
use eframe::egui::text::{CCursor, CCursorRange, LayoutJob, TextWrapping};
use eframe::egui::{
    self, Align2, Context, Frame, Key, Label, Margin, Modal, Modifiers, RichText, ScrollArea, Sense, TextEdit, Ui, vec2,
};
use entries::{Does, Entry, found};

pub use entries::Sources;

/// Height of a line with the gap below it, points.
const LINE: f32 = 29.0;
/// Most lines in sight.
const LINES: usize = 14;
/// How far below the window's top edge it stands, points.
const TOP: f32 = 90.0;

/// What the palette remembers while it is open.
#[derive(Clone, Debug, Default)]
pub struct Palette {
    typed: String,
    /// The line that is selected.
    at: usize,
    /// Height of the list in the last frame.
    height: f32,
}

impl Palette {
    /// Height of the list in the last frame, points.
    #[must_use]
    pub fn height(&self) -> f32 {
        self.height
    }
}

/// The keys pressed in this frame that concern the list.
#[derive(Clone, Copy)]
struct Pressed {
    /// How many lines down the selection moves; negative moves it up.
    by: isize,
    enter: bool,
}

impl Pressed {
    /// Takes the keys of the list out of the input; all others are left for the search field.
    fn take(ui: &Ui) -> Self {
        ui.input_mut(|i| {
            let mut key = |key| i.count_and_consume_key(Modifiers::NONE, key) as isize;
            let by = key(Key::ArrowDown) - key(Key::ArrowUp)
                + (LINES as isize - 1) * (key(Key::PageDown) - key(Key::PageUp));
            Self { by, enter: key(Key::Enter) > 0 }
        })
    }
}

/// Draws the open palette. False once it is to close.
pub fn show(ui: &mut Ui, palette: &mut Palette, sources: &Sources<'_>, asks: &mut Vec<Ask>, theme: &Theme) -> bool {
    let mut open = true;
    let frame = Frame::popup(ui.style()).fill(theme.pane).inner_margin(Margin::same(8));
    let screen = ui.ctx().content_rect();
    let area = Modal::default_area(egui::Id::unique("palette")).anchor(Align2::CENTER_TOP, vec2(0.0, TOP));
    let modal = Modal::new(egui::Id::unique("palette")).area(area).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(600.0_f32.min(screen.width() - 40.0));
        let pressed = Pressed::take(ui);
        let response = search(ui, &mut palette.typed, "Search, or set a value: u 0.01, skew 2, rule sign");
        if response.changed() {
            palette.at = 0;
        }
        let hits = found(&palette.typed, sources, ui.ctx());
        let last = hits.len().saturating_sub(1);
        palette.at = palette.at.saturating_add_signed(pressed.by).min(last);
        ui.add_space(4.0);
        let most = ((screen.height() - TOP - 130.0) / LINE).max(3.0) as usize;
        // As high as the hits need, however high the list was in the last frame.
        let height = hits.len().clamp(1, LINES.min(most)) as f32 * LINE;
        let scroll = ScrollArea::vertical().max_height(height).min_scrolled_height(height);
        let mut chosen = None;
        palette.height = scroll
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 1.0;
                if hits.is_empty() {
                    ui.label(RichText::new("Nothing found").color(theme.dim));
                }
                for (i, entry) in hits.iter().enumerate() {
                    let response = line(ui, entry, i == palette.at, theme);
                    if i == palette.at && pressed.by != 0 {
                        response.scroll_to_me(None);
                    }
                    if response.hovered() && ui.input(|i| i.pointer.delta() != egui::Vec2::ZERO) {
                        palette.at = i;
                    }
                    if response.clicked() {
                        chosen = Some(i);
                    }
                }
            })
            .inner_rect
            .height();
        foot(ui, hits.get(palette.at), theme);
        let chosen = chosen.or(pressed.enter.then_some(palette.at)).and_then(|i| hits.get(i));
        match chosen.filter(|e| e.refused.is_none()).map(|e| &e.does) {
            Some(Does::Ask(ask)) => {
                asks.push(ask.clone());
                open = false;
            }
            Some(Does::Complete(text)) => complete(ui.ctx(), palette, response.id, text),
            None => {}
        }
    });
    open && !modal.should_close()
}

/// Completes the name in the search field and puts the cursor behind it, so that a value can be typed.
fn complete(ctx: &Context, palette: &mut Palette, field: egui::Id, text: &str) {
    palette.typed = text.to_owned();
    palette.at = 0;
    let mut state = TextEdit::load_state(ctx, field).unwrap_or_default();
    state.cursor.set_char_range(Some(CCursorRange::one(CCursor::new(text.chars().count()))));
    state.store(ctx, field);
    ctx.request_repaint();
}

/// Draws the full reason why the selected line can't be chosen, if so.
fn foot(ui: &mut Ui, entry: Option<&Entry>, theme: &Theme) {
    let Some(why) = entry.and_then(|e| e.refused.as_ref()) else { return };
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        ui.add_space(8.0);
        ui.add(Label::new(RichText::new(why).font(text(SMALL)).color(theme.over_text)).wrap());
    });
    ui.add_space(2.0);
}

/// Draws a line of the list.
fn line(ui: &mut Ui, entry: &Entry, chosen: bool, theme: &Theme) -> egui::Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), LINE - 1.0), Sense::click());
    let can = entry.refused.is_none();
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, can, chosen, &entry.name));
    let painter = ui.painter();
    if chosen {
        painter.rect_filled(rect, 5.0, theme.chip);
    }
    let ink = if can { theme.text } else { theme.faint };
    let symbol = egui::FontId::new(15.0, entry.symbol.font_family());
    let dim = if can { theme.dim } else { theme.faint };
    painter.text(rect.left_center() + vec2(8.0, 0.0), Align2::LEFT_CENTER, entry.symbol.codepoint, symbol, dim);
    let keys =
        painter.text(rect.right_center() - vec2(8.0, 0.0), Align2::RIGHT_CENTER, &entry.keys, mono(SMALL), theme.dim);
    let cut = |words: &str, font, colour, room: f32| {
        let mut job = LayoutJob::simple_singleline(words.to_owned(), font, colour);
        job.wrap = TextWrapping::truncate_at_width(room.max(0.0));
        painter.layout_job(job)
    };
    let room = keys.left() - rect.left() - 44.0;
    let name = cut(&entry.name, text(13.0), ink, room);
    let width = name.size().x;
    painter.galley(rect.left_center() + vec2(32.0, -name.size().y / 2.0), name, ink);
    let detail = entry.refused.as_ref().unwrap_or(&entry.detail);
    let room = room - width - 12.0;
    if room > 40.0 && !detail.is_empty() {
        let galley = cut(detail, text(SMALL), dim, room);
        painter.galley(rect.left_center() + vec2(44.0 + width, -galley.size().y / 2.0), galley, dim);
    }
    response
}
