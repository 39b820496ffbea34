//! The slim bar beside a live batch, which shows which part of all tokens is visible. It can be dragged, clicked, or moved with keys.

use crate::ui::kit::theme::Theme;
use crate::ui::kit::widgets::slider::figure;
use eframe::egui::{self, Key, Rect, Sense, Stroke, StrokeKind, Ui, pos2};

/// Width of the bar, in points.
pub(super) const WIDTH: f32 = 8.0;
/// Least height of the thumb (the visible part), so that it can be grabbed, in points.
const LEAST: f32 = 10.0;

/// Draws the bar in `rect`. `rows` are the rows shown and `all` is their total number; `hovered` is whether the pointer is on the heatmap.
/// Returns the rows to show, if the user moved them.
pub(super) fn show(
    ui: &Ui,
    theme: &Theme,
    rect: Rect,
    rows: (f64, f64),
    all: f64,
    hovered: bool,
) -> Option<(f64, f64)> {
    let id = ui.scope_id().with("overview");
    let response = ui.interact(rect.expand2(egui::vec2(2.0, 0.0)), id, Sense::click_and_drag());
    let name =
        format!("Place in the batch: tokens {} to {}", figure(rows.0.floor(), true), figure(rows.1.ceil(), true));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ScrollBar, true, &name));
    let painter = ui.painter();
    painter.rect_filled(rect, 3.0, theme.chip);
    let y = |row: f64| rect.top() + (row / all.max(1.0)) as f32 * rect.height();
    let (top, bottom) = (y(rows.0), y(rows.1));
    let spare = (LEAST - (bottom - top)).max(0.0) / 2.0;
    let top = (top - spare).clamp(rect.top(), rect.bottom() - LEAST);
    let thumb = Rect::from_min_max(
        pos2(rect.left(), top),
        pos2(rect.right(), (bottom + spare).clamp(top + LEAST, rect.bottom())),
    );
    let lit = response.hovered() || response.dragged() || response.has_focus();
    painter.rect_filled(thumb, 3.0, if lit { theme.accent } else { theme.fair.gamma_multiply(0.7) });
    if response.has_focus() {
        painter.rect_stroke(rect.expand(1.0), 3.0, Stroke::new(1.0, theme.accent), StrokeKind::Outside);
    }
    let width = rows.1 - rows.0;
    if response.clicked() {
        response.request_focus();
    }
    if let Some(at) = response.interact_pointer_pos().filter(|_| response.dragged() || response.clicked()) {
        let middle = f64::from((at.y - rect.top()) / rect.height().max(1.0)) * all;
        return Some((middle - width / 2.0, middle + width / 2.0));
    }
    let focused = response.has_focus();
    let listens = focused || (hovered && ui.memory(|m| m.focused().is_none()));
    if !listens {
        return None;
    }
    if focused {
        // The arrow keys move the rows instead of the keyboard focus.
        let filter = egui::EventFilter { vertical_arrows: true, ..Default::default() };
        ui.memory_mut(|m| m.set_focus_lock_filter(id, filter));
    }
    let key = |key| ui.input_mut(|i| i.consume_key(egui::Modifiers::NONE, key));
    let by = if key(Key::PageDown) {
        width * 0.9
    } else if key(Key::PageUp) {
        -width * 0.9
    } else if focused && key(Key::ArrowDown) {
        width * 0.1
    } else if focused && key(Key::ArrowUp) {
        -width * 0.1
    } else if focused && key(Key::Home) {
        -all
    } else if focused && key(Key::End) {
        all
    } else {
        return None;
    };
    let start = (rows.0 + by).clamp(0.0, (all - width).max(0.0));
    Some((start, start + width))
}
