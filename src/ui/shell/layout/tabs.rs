//! Tabs: how one is drawn, and a row of them with a menu for those that have no room.

use crate::ui::kit::focus;
use crate::ui::kit::style::{SMALL, icon, text};
use crate::ui::kit::theme::Theme;
use eframe::egui::{
    Align2, Button, Color32, CornerRadius, Galley, Popup, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2,
};
use egui_material_icons::icons::ICON_MORE_HORIZ;
use moebias_files::view::PaneKind;
use std::sync::Arc;

/// Width of a tab, points.
pub(super) fn width_of(ui: &Ui, kind: PaneKind) -> f32 {
    title(ui, kind, Color32::WHITE).size().x + 20.0
}

/// A row of tabs in `bar`; those that have no room are in a menu at its end. Returns the pane in front from now on: `front`, or the one
/// that was chosen.
pub(super) fn row(ui: &mut Ui, kinds: &[PaneKind], front: PaneKind, bar: Rect, theme: &Theme) -> PaneKind {
    ui.painter().rect_filled(bar, CornerRadius::ZERO, theme.window);
    let all: f32 = kinds.iter().map(|k| width_of(ui, *k)).sum();
    let mut room = bar.width() - if all > bar.width() { 32.0 } else { 0.0 };
    // The tab in front always has room.
    room -= width_of(ui, front);
    let (mut here, mut hidden) = (vec![], vec![]);
    for &kind in kinds {
        let width = width_of(ui, kind);
        if kind == front {
            here.push((kind, width));
        } else if room >= width {
            room -= width;
            here.push((kind, width));
        } else {
            hidden.push(kind);
        }
    }
    let mut chosen = front;
    let mut at = bar.left();
    for (kind, width) in here {
        let rect = Rect::from_min_size(pos2(at, bar.top()), vec2(width, bar.height()));
        let response = ui.interact(rect, ui.scope_id().with(("tab", kind.name())), Sense::click());
        focus::tab(ui, response.id);
        draw(ui, theme, kind, kind == front, &response);
        if response.clicked() {
            chosen = kind;
        }
        at = rect.right();
    }
    if !hidden.is_empty() {
        let place = Rect::from_min_size(pos2(at + 2.0, bar.top() + 2.0), vec2(26.0, bar.height() - 4.0));
        chosen = more(ui, &hidden, place, theme).unwrap_or(chosen);
    }
    chosen
}

/// The menu of the tabs that have no room. Returns the pane that was chosen.
fn more(ui: &mut Ui, hidden: &[PaneKind], place: Rect, theme: &Theme) -> Option<PaneKind> {
    let button = Button::new(icon(ICON_MORE_HORIZ, 14.0).color(theme.dim)).frame(false);
    let response = ui.put(place, button).on_hover_text("More panes");
    focus::tab(ui, response.id);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, "More panes"));
    let mut chosen = None;
    Popup::menu(&response).show(|ui| {
        for kind in hidden {
            let item = Button::new(kind.name()).fill(Color32::TRANSPARENT).min_size(vec2(160.0, 26.0));
            if ui.add(item).clicked() {
                chosen = Some(*kind);
            }
        }
    });
    chosen
}

fn title(ui: &Ui, kind: PaneKind, colour: Color32) -> Arc<Galley> {
    ui.painter().layout_no_wrap(kind.name().to_owned(), text(SMALL), colour)
}

/// Draws a tab.
pub(super) fn draw(ui: &Ui, theme: &Theme, kind: PaneKind, active: bool, response: &Response) {
    let colour = if active { theme.text } else { theme.dim };
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, active, kind.name()));
    let chip = response.rect.shrink2(vec2(2.0, 2.0));
    if active {
        ui.painter().rect_filled(chip, CornerRadius::same(5), theme.chip);
    } else if response.hovered() {
        ui.painter().rect_filled(chip, CornerRadius::same(5), Theme::mix(theme.window, theme.chip, 0.6));
    }
    let galley = title(ui, kind, colour);
    let at = Align2::CENTER_CENTER.align_size_within_rect(galley.size(), chip).min;
    ui.painter().galley(at, galley, colour);
}
