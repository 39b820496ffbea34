//! Buttons with an icon, a name for screen readers and a tooltip.

use crate::ui::kit::style::{icon, semibold};
use crate::ui::kit::theme::Theme;
use eframe::egui::{self, Button, Color32, CornerRadius, Response, Ui, vec2};
use egui_material_icons::MaterialIcon;
use egui_material_icons::icons::ICON_CLOSE;

/// A square button with an icon; its frame appears only under the pointer.
pub fn icon_button(
    ui: &mut Ui,
    theme: &Theme,
    symbol: MaterialIcon,
    size: f32,
    enabled: bool,
    name: &str,
    tip: &str,
) -> Response {
    let colour = if enabled { theme.dim } else { Theme::mix(theme.panel, theme.dim, 0.45) };
    let button = Button::new(icon(symbol, size).color(colour))
        .fill(Color32::TRANSPARENT)
        .corner_radius(CornerRadius::same(6))
        .min_size(vec2(28.0, 28.0));
    let response = ui.scope(|ui| {
        ui.spacing_mut().button_padding = vec2(4.0, 4.0);
        ui.add_enabled(enabled, button)
    });
    let response = response.inner;
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, enabled, name));
    crate::ui::kit::spots::offer(ui, name, response.rect);
    response.on_hover_text(tip).on_disabled_hover_text(tip)
}

/// An ordinary button, drawn as a chip.
pub fn chip(ui: &mut Ui, text: impl Into<egui::WidgetText>, name: &str, tip: &str) -> Response {
    let response = ui.add(Button::new(text.into()).min_size(vec2(0.0, 28.0)));
    crate::ui::kit::spots::offer(ui, name, response.rect);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, name));
    response.on_hover_text(tip)
}

/// The main button of a dialog or a page, in the accent colour. True if it was pressed, which Enter does while nothing has the focus.
pub fn primary(ui: &mut Ui, theme: &Theme, words: &str, height: f32) -> bool {
    let ink = if theme.dark { theme.window } else { theme.pane };
    let button = Button::new(egui::RichText::new(words).color(ink)).fill(theme.accent).min_size(vec2(84.0, height));
    let response = ui.add(button);
    let enter = crate::ui::kit::focus::enter_is_free(ui)
        && ui.input_mut(|i| i.consume_key(egui::Modifiers::NONE, egui::Key::Enter));
    response.clicked() || enter
}

/// The heading of a dialog, with a close button at its right end. True if that was pressed.
pub fn heading(ui: &mut Ui, theme: &Theme, title: &str, size: f32) -> bool {
    ui.horizontal(|ui| {
        ui.label(egui::RichText::new(title).font(semibold(size)).color(theme.text));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let name = format!("Close {}", title.to_lowercase());
            icon_button(ui, theme, ICON_CLOSE, 15.0, true, &name, "Close (Esc)").clicked()
        })
        .inner
    })
    .inner
}
