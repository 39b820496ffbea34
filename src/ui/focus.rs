//! Working with the keyboard alone: a ring round whatever has the focus, in one place for every widget there is and will be.

use super::theme::Theme;
use eframe::egui::{Context, CornerRadius, Event, Id, Key, LayerId, Memory, Order, Rect, Stroke, StrokeKind, Ui};

/// Whether the focus is moved by keys. A person with a pointer sees where they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Focus {
    keys: bool,
    /// Where it was drawn last.
    at: Option<Rect>,
}

impl Focus {
    /// Where the ring was drawn in the last frame.
    #[must_use]
    pub fn ring(&self) -> Option<Rect> {
        self.at
    }

    /// Draws the ring. Call last in a frame.
    pub fn show(&mut self, ctx: &Context, theme: &Theme) {
        ctx.input(|i| {
            for event in &i.events {
                match event {
                    Event::Key { key: Key::Tab, pressed: true, .. } => self.keys = true,
                    Event::PointerButton { pressed: true, .. } => self.keys = false,
                    _ => {}
                }
            }
        });
        let focused = ctx.memory(Memory::focused).filter(|_| self.keys);
        self.at = focused.and_then(|id| ctx.read_response(id)).map(|r| r.rect.intersect(r.interact_rect));
        // What is scrolled out of sight is brought into it by its panel; see `follow`.
        let Some(rect) = self.at.filter(Rect::is_positive) else { return };
        let painter = ctx.layer_painter(LayerId::new(Order::Debug, Id::unique("focus")));
        let stroke = Stroke::new(2.0, theme.accent);
        painter.rect_stroke(rect.expand(1.0), CornerRadius::same(5), stroke, StrokeKind::Outside);
    }
}

/// Call at the end of what scrolls: what has just got the focus within it is brought into sight.
pub fn follow(ui: &Ui) {
    let ctx = ui.ctx();
    let moved = ctx.input(|i| i.key_pressed(Key::Tab));
    let id = ui.scope_id().with("focus followed");
    let focused = ctx.memory(Memory::focused);
    let last: Option<Id> = ctx.data(|d| d.get_temp(id)).flatten();
    if focused == last {
        return;
    }
    ctx.data_mut(|d| d.insert_temp(id, focused));
    let Some(response) = focused.filter(|_| moved || last.is_some()).and_then(|id| ctx.read_response(id)) else {
        return;
    };
    let within = response.layer_id == ui.layer_id() && ui.min_rect().contains(response.rect.center());
    if within && !ui.clip_rect().contains_rect(response.rect) {
        ui.scroll_to_rect(response.rect.expand(8.0), None);
    }
}
