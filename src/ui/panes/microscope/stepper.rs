//! The control for the six stages: a line to click and drag along, with buttons to step and play.

use super::super::PaneContext;
use super::draw::title;
use super::player::{END, Player, Stage, Wish};
use super::words::name;
use crate::ui::kit::style::mono;
use crate::ui::kit::theme::Theme;
use crate::ui::kit::widgets::button::icon_button;
use eframe::egui::{self, CornerRadius, Rect, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2};
use egui_material_icons::icons::{
    ICON_CHEVRON_LEFT, ICON_CHEVRON_RIGHT, ICON_PAUSE, ICON_PLAY_ARROW, ICON_SKIP_NEXT, ICON_SKIP_PREVIOUS,
};
use moebias_engine::microscope::Microscope;
use strum::{EnumCount as _, IntoEnumIterator as _};

/// Height of the control, in points.
pub(super) const HEIGHT: f32 = 36.0;
/// Height of the line that is dragged along.
const TRACK: f32 = 9.0;
/// Width of the five buttons.
const BUTTONS: f32 = 5.0 * 28.0 + 8.0;

/// Draws the control. Returns what it asks of the run.
pub(super) fn show(
    ui: &mut Ui,
    cx: &PaneContext<'_>,
    place: Rect,
    player: &mut Player,
    view: &Microscope,
) -> Option<Wish> {
    let mut wish = None;
    let buttons = place.with_max_x(place.left() + BUTTONS);
    let mut row =
        ui.new_child(UiBuilder::new().max_rect(buttons).layout(egui::Layout::left_to_right(egui::Align::Center)));
    row.spacing_mut().item_spacing.x = 0.0;
    let theme = cx.theme;
    // The first step has no step before it.
    let first = view.step > 0;
    let mut button = |symbol, size, enabled, name: &str, tip: &str| {
        icon_button(&mut row, theme, symbol, size, enabled, name, tip).clicked()
    };
    if button(
        ICON_SKIP_PREVIOUS,
        17.0,
        first,
        "Previous step taken apart",
        "The step before this one: the run goes back (←)",
    ) {
        player.scrub(END);
        wish = Some(Wish::Previous);
    }
    let back = first || player.place() > 1.0;
    if button(
        ICON_CHEVRON_LEFT,
        18.0,
        back,
        "One stage back",
        "One stage back ([); from the first, to the previous step",
    ) {
        wish = wish.or(player.back());
    }
    let (symbol, name) =
        if player.playing() { (ICON_PAUSE, "Pause the stages") } else { (ICON_PLAY_ARROW, "Play the stages") };
    if button(
        symbol,
        20.0,
        true,
        name,
        "Plays the stages slowly, step after step; after the last stage the run does its next step",
    ) {
        player.toggle();
    }
    if button(ICON_CHEVRON_RIGHT, 18.0, true, "One stage on", "One stage on (]); from the last, to the next step") {
        wish = wish.or(player.forward());
    }
    if button(
        ICON_SKIP_NEXT,
        17.0,
        true,
        "Next step taken apart",
        "The run does its next step, which is then taken apart",
    ) {
        wish = Some(player.next_step());
    }
    line(ui, theme, place.with_min_x(buttons.right() + 6.0), player, view);
    wish
}

/// Draws the names of the stages, and the line below them.
fn line(ui: &mut Ui, theme: &'static Theme, place: Rect, player: &mut Player, view: &Microscope) {
    let width = place.width() / Stage::COUNT as f32;
    let names = place.with_max_y(place.bottom() - TRACK);
    let now = player.stage();
    for stage in Stage::iter() {
        let i = stage as usize as f32;
        let cell = Rect::from_x_y_ranges(names.left() + i * width..=names.left() + (i + 1.0) * width, names.y_range());
        let id = ui.scope_id().with(("stage", stage as usize));
        let response = ui.interact(cell, id, Sense::click());
        let called = name(stage, Some(view));
        response.widget_info(|| WidgetInfo::selected(egui::Role::Button, true, stage == now, called));
        let hot = response.hovered() || response.has_focus();
        if stage == now || hot {
            let fill = if stage == now { theme.chip } else { Theme::mix(theme.pane, theme.chip, 0.6) };
            ui.painter().rect_filled(cell.shrink2(vec2(2.0, 2.0)), CornerRadius::same(5), fill);
        }
        let colour = if stage == now || hot { theme.text } else { theme.dim };
        if width > 58.0 {
            title(ui.painter(), cell, called, stage == now, colour);
        } else {
            let number = (stage as usize + 1).to_string();
            ui.painter().text(cell.center(), egui::Align2::CENTER_CENTER, number, mono(12.0), colour);
        }
        if response.on_hover_text(format!("{}. {}", called, super::words::what(stage, view))).clicked() {
            player.go(stage);
        }
    }
    let track = place.with_min_y(place.bottom() - TRACK);
    let response = ui.interact(track, ui.scope_id().with("place in the step"), Sense::click_and_drag());
    let at = player.place();
    response.widget_info(|| WidgetInfo::slider(true, f64::from(at), "Place in the step"));
    let response = response.on_hover_cursor(egui::CursorIcon::PointingHand);
    if let Some(pointer) = response.interact_pointer_pos().filter(|_| response.dragged() || response.clicked()) {
        player.scrub((pointer.x - track.left()) / width);
    }
    let rail = Rect::from_center_size(track.center(), vec2(track.width() - 4.0, 3.0));
    let x = |place: f32| egui::lerp(rail.x_range(), place / END);
    ui.painter().rect_filled(rail, 1.5, theme.line);
    ui.painter().rect_filled(rail.with_max_x(x(at)), 1.5, theme.accent);
    for i in 1..Stage::COUNT {
        ui.painter().vline(x(i as f32), rail.y_range(), egui::Stroke::new(1.5, theme.pane));
    }
    let size = if response.hovered() || response.dragged() { 5.0 } else { 4.0 };
    ui.painter().circle_filled(pos2(x(at), rail.center().y), size, theme.text);
}
