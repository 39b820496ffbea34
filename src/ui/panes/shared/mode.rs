//! The chips in a pane's header that choose what the pane shows.

use crate::ui::kit::style::{SMALL, text};
use crate::ui::kit::theme::Theme;
use eframe::egui::{self, Button, CornerRadius, Ui, vec2};

/// A chip for one of several modes in a header; `on` if the mode is chosen. True if it was clicked.
pub fn mode(ui: &mut Ui, theme: &Theme, name: &str, on: bool, tip: &str) -> bool {
    mode_called(ui, theme, (name, name), on, tip)
}

/// As [`mode`], with different text on the chip than the name that screen readers announce.
pub fn mode_called(ui: &mut Ui, theme: &Theme, (words, name): (&str, &str), on: bool, tip: &str) -> bool {
    let colour = if on { theme.text } else { theme.dim };
    let fill = if on { theme.chip } else { egui::Color32::TRANSPARENT };
    let text = egui::RichText::new(words).font(text(SMALL)).color(colour);
    let button =
        Button::new(text).fill(fill).corner_radius(CornerRadius::same(5)).min_size(vec2(0.0, 22.0)).selected(false);
    let response = ui.add(button).on_hover_text(tip);
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, on, name));
    response.clicked()
}
