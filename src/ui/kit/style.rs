//! Fonts and the style of every widget, derived from the theme's colours. Installed once per theme; no other code sets styles.

use crate::ui::kit::fonts::SEMIBOLD;
use crate::ui::kit::theme::{DARK, LIGHT, ROW, Theme};
use eframe::egui::{
    self, Color32, Context, CornerRadius, FontFamily, FontId, Margin, RichText, Stroke, TextStyle, Visuals,
    style::WidgetVisuals, vec2,
};
use std::collections::BTreeMap;

/// Font size of ordinary text, points.
pub const BODY: f32 = 13.0;
/// Font size of secondary text and of figures, points.
pub const SMALL: f32 = 12.0;
/// Font size of group names and axis labels, points.
pub const TINY: f32 = 11.0;

/// Inter, semibold.
#[must_use]
pub fn semibold(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(SEMIBOLD.into()))
}

/// JetBrains Mono, for figures: all digits have the same width, so changing numbers do not move.
#[must_use]
pub fn mono(size: f32) -> FontId {
    FontId::new(size, FontFamily::Monospace)
}

/// Inter.
#[must_use]
pub fn text(size: f32) -> FontId {
    FontId::new(size, FontFamily::Proportional)
}

/// Bold text of ordinary size.
#[must_use]
pub fn strong(name: impl Into<String>) -> RichText {
    RichText::new(name).font(semibold(BODY))
}

/// An icon of the Material set.
#[must_use]
pub fn icon(icon: egui_material_icons::MaterialIcon, size: f32) -> RichText {
    icon.rich_text().size(size)
}

/// Installs the fonts and the styles of both themes. Must be called once.
pub fn install(ctx: &Context) {
    crate::ui::kit::fonts::install(ctx);
    for (kind, theme) in [(egui::Theme::Dark, &DARK), (egui::Theme::Light, &LIGHT)] {
        let mut style = (*ctx.style_of(kind)).clone();
        style.text_styles = text_styles();
        style.drag_value_text_style = TextStyle::Monospace;
        style.animation_time = 0.14;
        style.spacing.item_spacing = vec2(8.0, 4.0);
        style.spacing.button_padding = vec2(10.0, 4.0);
        style.spacing.interact_size = vec2(26.0, ROW);
        style.spacing.menu_margin = Margin::same(6);
        style.spacing.window_margin = Margin::same(12);
        style.spacing.tooltip_width = 320.0;
        style.spacing.scroll = egui::style::ScrollStyle::floating();
        style.interaction.tooltip_delay = 0.35;
        style.interaction.selectable_labels = false;
        style.visuals = visuals(theme);
        ctx.set_style_of(kind, style);
    }
}

fn text_styles() -> BTreeMap<TextStyle, FontId> {
    [
        (TextStyle::Small, text(SMALL)),
        (TextStyle::Body, text(BODY)),
        (TextStyle::Button, text(BODY)),
        (TextStyle::Heading, semibold(20.0)),
        (TextStyle::Monospace, mono(SMALL)),
    ]
    .into()
}

fn visuals(theme: &Theme) -> Visuals {
    let mut v = if theme.dark { Visuals::dark() } else { Visuals::light() };
    let radius = CornerRadius::same(6);
    let widget = |fill: Color32, stroke: Stroke, text: Color32| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: stroke,
        corner_radius: radius,
        fg_stroke: Stroke::new(1.0, text),
        expansion: 0.0,
    };
    let hovered = Theme::mix(theme.chip, theme.text, 0.08);
    let pressed = Theme::mix(theme.chip, theme.text, 0.14);
    v.widgets.noninteractive = widget(theme.pane, Stroke::new(1.0, theme.line), theme.text);
    v.widgets.inactive = widget(theme.chip, Stroke::NONE, theme.text);
    v.widgets.hovered = widget(hovered, Stroke::NONE, theme.text);
    v.widgets.active = widget(pressed, Stroke::new(1.0, theme.accent), theme.text);
    v.widgets.open = widget(hovered, Stroke::NONE, theme.text);
    v.selection.bg_fill = Theme::mix(theme.pane, theme.accent, 0.28);
    v.selection.stroke = Stroke::new(1.0, theme.text);
    v.weak_text_color = Some(theme.dim);
    v.hyperlink_color = theme.accent;
    v.faint_bg_color = theme.grid;
    v.extreme_bg_color = if theme.dark { theme.window } else { theme.pane };
    v.text_edit_bg_color = Some(theme.chip);
    v.code_bg_color = theme.chip;
    v.warn_fg_color = theme.over_text;
    v.error_fg_color = theme.record;
    v.window_corner_radius = CornerRadius::same(10);
    v.menu_corner_radius = CornerRadius::same(8);
    v.window_fill = theme.pane;
    v.panel_fill = theme.panel;
    v.window_stroke = Stroke::new(1.0, theme.line);
    let shadow = |y: i8, blur: u8| egui::epaint::Shadow {
        offset: [0, y],
        blur,
        spread: 0,
        color: Color32::from_black_alpha(if theme.dark { 110 } else { 45 }),
    };
    v.window_shadow = shadow(10, 28);
    v.popup_shadow = shadow(6, 18);
    v.slider_trailing_fill = true;
    v.handle_shape = egui::style::HandleShape::Circle;
    v.interact_cursor = None;
    v
}
