//! The keys pressed in a frame, as actions. Which keys count depends on what has the keyboard focus and what covers the panes.

use super::App;
use super::overlays::Overlay;
use crate::ui::actions::Action;
use crate::ui::ask::Ask;
use crate::ui::kit::focus;
use eframe::egui::{self, Context, Key, Modifiers};
use moebias_lab::command::LessonDo;
use strum::IntoEnumIterator as _;

impl App {
    /// Turns the keys pressed in this frame into actions. Keys that move or press something are left to the widget that has the focus.
    pub(super) fn keys(&self, ctx: &Context, asks: &mut Vec<Ask>) {
        let focused = ctx.memory(|m| m.focused().is_some());
        let typing = ctx.egui_wants_keyboard_input() && ctx.text_edit_focused();
        let waits = self.overlays.open() == Some(Overlay::Welcome) && self.lab.unfinished().is_some();
        let covered = self.is_typed_into() || (self.overlays.open().is_some() && !waits);
        if !typing && !covered {
            self.answer_keys(ctx, asks, focused);
        }
        let lesson = self.lab.lesson().is_some();
        let mut all: Vec<(Action, egui::KeyboardShortcut)> =
            Action::iter().flat_map(|a| a.shortcuts_in(lesson).into_iter().map(move |s| (a, s))).collect();
        // Shift+Ctrl+Z is tried before Ctrl+Z: egui accepts a shortcut also if more modifiers are held.
        all.sort_by_key(|(_, s)| std::cmp::Reverse(u8::from(s.modifiers.shift) + u8::from(s.modifiers.command)));
        let on_slider = focused && ctx.input(|i| i.key_pressed(Key::Space)) && focus::is_on_slider(ctx);
        let alt = ctx.input(|i| i.modifiers.alt);
        for (action, shortcut) in all {
            // No shortcut has Alt, but on some keyboards a sign is typed with it.
            if alt && !is_sign(shortcut.logical_key) {
                continue;
            }
            let plain = !shortcut.modifiers.command;
            let function = matches!(shortcut.logical_key, Key::F1 | Key::F2 | Key::F5 | Key::F10 | Key::F11);
            let pages = matches!(shortcut.logical_key, Key::PageUp | Key::PageDown);
            if pages && (!self.pages_are_panes() || typing || covered || focused) {
                continue;
            }
            let free = on_slider && shortcut.logical_key == Key::Space;
            let taken = focused && focus::is_of_widgets(shortcut.logical_key) && !free;
            if plain && !function && !pages && (typing || taken || covered) {
                continue;
            }
            // In a text field these keys edit the text.
            if (typing || covered)
                && matches!(action, Action::Undo | Action::Redo | Action::StepHundred | Action::Reset)
            {
                continue;
            }
            if action == Action::Unpin && (egui::Popup::is_any_open(ctx) || self.window.focus.let_go()) {
                continue;
            }
            if ctx.input_mut(|i| i.consume_shortcut(&shortcut)) {
                asks.push(Ask::Do(action));
            }
        }
    }

    /// While a lesson's question is open, letters and digits answer it and do nothing else. Digits don't answer while a widget has the focus,
    /// which may take them itself.
    fn answer_keys(&self, ctx: &Context, asks: &mut Vec<Ask>, focused: bool) {
        if !self.lab.question_is_open() || ctx.input(|i| i.modifiers.alt) {
            return;
        }
        let question = self.lab.lesson().and_then(|r| r.page()).and_then(|p| p.question.as_ref());
        let choices = question.map_or(0, |q| q.choices.len());
        let keys = [
            [Key::A, Key::Num1],
            [Key::B, Key::Num2],
            [Key::C, Key::Num3],
            [Key::D, Key::Num4],
            [Key::E, Key::Num5],
            [Key::F, Key::Num6],
        ];
        for (i, keys) in keys.into_iter().enumerate().take(choices.max(4)) {
            let own = if focused { &keys[..1] } else { &keys[..] };
            let pressed = own.iter().any(|key| ctx.input_mut(|input| input.consume_key(Modifiers::NONE, *key)));
            if pressed && i < choices {
                asks.push(Ask::Lesson(LessonDo::Answer(i)));
            }
        }
    }
}

/// Whether a key types a sign that needs Alt on some keyboards.
fn is_sign(key: Key) -> bool {
    use Key::{CloseBracket, Comma, Equals, Minus, OpenBracket, Period, Plus, Questionmark};
    [CloseBracket, Comma, Equals, Minus, OpenBracket, Period, Plus, Questionmark].contains(&key)
}
