//! What several panes share: the frame with its header, plots over time, and how several variants are shown together.

pub mod compared;
pub mod expert_curves;
pub mod frame;
mod header;
mod look;
mod mode;
pub mod time_plot;

pub use look::Look;

use super::{Pane, PaneContext};
use crate::ui::kit::style::{TINY, text};
use crate::ui::kit::widgets::slider::figure;
use crate::ui::link::Side;
use eframe::egui;

/// Width reserved for axis numbers at the left of every picture and plot, in points. It is the same everywhere, so that panes below each
/// other line up.
pub const AXIS: f32 = 46.0;

/// The variant shown, if the run has several.
pub(super) fn of_several(cx: &PaneContext<'_>) -> Option<usize> {
    (compared::count(cx) > 1).then_some(cx.link.variant)
}

/// The variant shown, if the run has several and panes show only one. For panes that can also show several variants together.
pub(super) fn of_one(cx: &PaneContext<'_>) -> Option<usize> {
    of_several(cx).filter(|_| compared::side(cx) == Side::One)
}

/// "step 29 · ": the last step routed, whose loads, figures and pictures the panes show.
pub(super) fn of_step(cx: &PaneContext<'_>) -> String {
    let step = |n: u64| format!("step {} · ", figure(n as f64, true));
    cx.lab.snapshot().shown_step().map_or_else(|| "nothing routed yet · ".into(), step)
}

/// Shows a message before the first step has been routed. `what` says what the pane will show.
pub(super) fn nothing_yet(ui: &egui::Ui, cx: &PaneContext<'_>, what: &str) {
    let key = cx.lab.play_key();
    frame::message(ui, cx.theme, &format!("Nothing has been routed yet.\nPress {key} to play: {what}"));
}

/// Draws the title of a vertical axis: turned by 90°, left of the frame and of the axis numbers.
pub(super) fn upright(painter: &egui::Painter, frame: egui::Rect, words: &str, colour: egui::Color32) {
    let font = text(TINY);
    let galley = painter.layout_no_wrap(words.to_owned(), font, colour);
    let middle = egui::pos2(frame.left() - 39.0, frame.center().y);
    let corner = middle + egui::vec2(-galley.size().y / 2.0, galley.size().x / 2.0);
    let turned = egui::epaint::TextShape::new(corner, galley, colour);
    painter.add(turned.with_angle(-std::f32::consts::FRAC_PI_2));
}

/// Labels a picture for screen readers: the pane's name, what exactly is shown, and the variant if there are several.
pub(super) fn describe(response: &egui::Response, pane: &dyn Pane, cx: &PaneContext<'_>) {
    let whose = pane.whose(cx).map(|v| format!(" · {}", compared::name(cx, v))).unwrap_or_default();
    let name = format!("{}: {}{whose}", pane.kind().name(), pane.subtitle(cx));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &name));
}
