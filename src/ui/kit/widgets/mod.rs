//! The window's own widgets: a row with a slider and a number field, a row with a choice, search fields and small buttons.

pub mod button;
pub mod choice;
pub mod differs;
pub mod search;
pub mod slider;

use crate::ui::kit::glossary::{dots, explain, find};
use crate::ui::kit::style::text;
use crate::ui::kit::theme::{ROW, Theme};
use eframe::egui::{self, Align2, Id, Rect, Sense, Ui, vec2};

/// Width of the name at the left of a row, points.
const NAME: f32 = 72.0;
/// Width of the number at the right of a row, points.
const FIGURE: f32 = 68.0;
/// Additional height of a row whose slider is below its name, points.
const BELOW: f32 = 18.0;

/// The rectangles of a row of controls.
struct Row {
    name: Rect,
    middle: Rect,
    figure: Rect,
}

/// Allocates a row and paints its name, which has the tooltip. The middle of a `wide` row has a line of its own.
fn row(ui: &mut Ui, theme: &Theme, name: &str, tip: &str, wide: bool) -> (Row, egui::Response) {
    let height = if wide { ROW + BELOW } else { ROW };
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    let (line, below) = rect.split_top_bottom_at_y(rect.top() + ROW);
    let (left, rest) = line.split_left_right_at_x(line.left() + NAME);
    let (middle, figure) = rest.split_left_right_at_x(rest.right() - FIGURE);
    let middle = if wide { below } else { middle };
    crate::ui::kit::spots::offer(ui, name, rect.expand2(vec2(4.0, 0.0)));
    let id: Id = ui.scope_id().with(("name", name));
    let label = explain(ui.interact(left, id, Sense::hover()), name, tip);
    label.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, name));
    let colour = if ui.is_enabled() { theme.dim } else { theme.faint };
    let written = ui.painter().text(left.left_center(), Align2::LEFT_CENTER, name, text(13.0), colour);
    if find(name).is_some() {
        dots(ui.painter(), written.shrink2(vec2(0.0, 1.0)), theme.faint);
    }
    (Row { name: left, middle, figure }, label)
}

/// Draws a group's name above its rows. F6 moves to each group.
pub fn group(ui: &mut Ui, theme: &Theme, name: &str) {
    ui.add_space(10.0);
    crate::ui::kit::focus::mark(ui);
    let words =
        egui::RichText::new(name).font(crate::ui::kit::style::semibold(crate::ui::kit::style::TINY)).color(theme.faint);
    explain(ui.label(words), name, "");
    ui.add_space(2.0);
}
