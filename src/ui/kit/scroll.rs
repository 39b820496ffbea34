//! Scrolls text by keys.

use eframe::egui::{FocusDirection, Key, Memory, Modifiers, Popup, Ui, vec2};

/// A line up or down.
pub const LINES: [Key; 2] = [Key::ArrowUp, Key::ArrowDown];
/// A page up or down.
pub const PAGES: [Key; 2] = [Key::PageUp, Key::PageDown];
/// To the beginning or the end.
pub const ENDS: [Key; 2] = [Key::Home, Key::End];

/// How far an arrow scrolls, points.
const LINE: f32 = 48.0;
/// How much of the previous page stays in sight, points.
const KEPT: f32 = 40.0;

/// More than the height of any text, points.
const ALL: f32 = 1e5;

/// Scrolls the content of this `ui` as these keys ask. Must be called within the scroll area.
pub fn by_keys(ui: &Ui, keys: &[[Key; 2]]) {
    ui.scroll_with_delta(vec2(0.0, taken(ui, ui.clip_rect().height(), keys)));
}

/// How far these keys scroll a view of this height, points. The keys are removed from the input, unless something covers this `ui`.
#[must_use]
pub fn taken(ui: &Ui, height: f32, keys: &[[Key; 2]]) -> f32 {
    let ctx = ui.ctx();
    if Popup::is_any_open(ctx) || !ui.memory(|m| m.allows_interaction(ui.layer_id())) {
        return 0.0;
    }
    let page = (height - KEPT).max(LINE);
    let mut by = 0.0;
    ui.input_mut(|i| {
        for pair in keys {
            let step = match pair {
                p if *p == LINES => LINE,
                p if *p == PAGES => page,
                _ => ALL,
            };
            let [up, down] = pair.map(|key| i.count_and_consume_key(Modifiers::NONE, key) as f32);
            by += step * (up - down);
        }
    });
    if by != 0.0 {
        // Keeps egui from moving the focus as well.
        ctx.memory_mut(|m| m.move_focus(FocusDirection::None));
    }
    by
}

/// Whether keys may scroll the content of this `ui`: nothing has the focus, or something in this `ui` has it.
#[must_use]
pub fn has_keys(ui: &Ui) -> bool {
    let focused = ui.memory(Memory::focused).and_then(|id| ui.ctx().read_response(id));
    focused.is_none_or(|r| r.layer_id == ui.layer_id() && ui.max_rect().x_range().contains(r.rect.center().x))
}
