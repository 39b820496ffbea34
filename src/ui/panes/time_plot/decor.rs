//! What lies over the curves: labels, the key, events, the playhead, what the pointer is on.

use super::super::super::events::label_of;
use super::super::super::style::{TINY, mono, text};
use super::super::super::theme::Theme;
use super::super::PaneContext;
use super::super::frame::message;
use super::Pos;
use crate::model::change::Event;
use eframe::egui::{self, Align2, Color32, Pos2, Rect, Stroke, Ui, pos2, vec2};
use egui_plot::PlotTransform;

/// Height of a row of the key, points.
const ROW_OF_KEY: f32 = 15.0;

pub(super) fn on_screen(transform: &PlotTransform, points: &[[f64; 2]]) -> Vec<Pos2> {
    points.iter().map(|p| transform.position_from_point(&egui_plot::PlotPoint::new(p[0], p[1]))).collect()
}

/// The place for the label of a dashed line that the fewest points of curves run through, and no other label if that can be: above
/// or below it, left or right.
pub(super) fn freest(
    painter: &egui::Painter,
    frame: Rect,
    y: f32,
    width: f32,
    points: &[Pos2],
    taken: &[Rect],
) -> Rect {
    let place = |x: f32, y: f32| Rect::from_center_size(pos2(x + width / 2.0, y), vec2(width, 14.0));
    let (left, right) = (frame.left() + 6.0, frame.right() - width - 4.0);
    let places = [place(right, y - 9.0), place(right, y + 9.0), place(left, y + 9.0), place(left, y - 9.0)];
    let inside = |r: &Rect| frame.contains_rect(*r) && painter.clip_rect().contains_rect(*r);
    let crossed = |r: &Rect| {
        let curves = points.iter().filter(|p| r.expand(2.0).contains(**p)).count();
        let others = taken.iter().filter(|t| t.intersects(*r)).count();
        curves + 1_000 * others + usize::from(!inside(r)) * 10_000
    };
    places.into_iter().min_by_key(crossed).unwrap_or(places[0])
}

pub(super) fn text_width(ui: &Ui, words: &str) -> f32 {
    ui.painter().layout_no_wrap(words.to_owned(), text(TINY), Color32::WHITE).size().x
}

/// A label on ground of the pane's colour, so that no curve runs through it. `at` is its left centre.
pub(super) fn label(ui: &Ui, painter: &egui::Painter, theme: &Theme, at: Pos2, words: &str, colour: Color32) {
    let galley = ui.painter().layout_no_wrap(words.to_owned(), text(TINY), colour);
    let rect = Rect::from_min_size(at - vec2(0.0, galley.size().y / 2.0), galley.size());
    painter.rect_filled(rect.expand2(vec2(3.0, 0.0)), 3.0, theme.pane.gamma_multiply(0.85));
    painter.galley(rect.min, galley, colour);
}

/// What the key takes at the top of a plot of this width: one row, or two.
pub(super) fn key_height(ui: &Ui, width: f32, names: &[(Pos, String, Color32)]) -> f32 {
    let all: f32 = names.iter().map(|(_, name, _)| text_width(ui, name) + 30.0).sum();
    if all > width { 2.0 * ROW_OF_KEY } else { ROW_OF_KEY }
}

/// The names of curves with their colours, in a row at the top. Returns the room it took.
pub(super) fn key(
    ui: &Ui,
    painter: &egui::Painter,
    theme: &Theme,
    frame: Rect,
    names: &[(Pos, String, Color32)],
) -> Vec<Rect> {
    let mut at = frame.left_top() + vec2(6.0, 7.0);
    let mut taken = vec![];
    for (i, (_, name, colour)) in names.iter().enumerate() {
        // Long names are cut, and beyond two rows the rest is counted: the curves matter more.
        let short: String =
            if name.chars().count() > 22 { name.chars().take(21).chain(['…']).collect() } else { name.clone() };
        let last_row = at.y > frame.top() + ROW_OF_KEY;
        let more = format!("+ {} more", names.len() - i);
        if last_row
            && i + 1 < names.len()
            && at.x + text_width(ui, &short) + text_width(ui, &more) + 60.0 > frame.right()
        {
            label(ui, painter, theme, at, &more, theme.dim);
            break;
        }
        let name = &short;
        let width = text_width(ui, name) + 22.0;
        if at.x + width > frame.right() && at.x > frame.left() + 6.0 {
            at = pos2(frame.left() + 6.0, at.y + ROW_OF_KEY);
        }
        painter.line_segment([at, at + vec2(10.0, 0.0)], Stroke::new(2.0, *colour));
        label(ui, painter, theme, at + vec2(15.0, 0.0), name, theme.dim);
        taken.push(Rect::from_min_size(at - vec2(0.0, 7.0), vec2(width, 14.0)));
        at.x += width + 8.0;
    }
    taken
}

/// The marks of what was changed, with a label where there is room: `taken` is what other labels have.
pub(super) fn events(painter: &egui::Painter, cx: &PaneContext<'_>, transform: &PlotTransform, taken: &mut Vec<Rect>) {
    let frame = *transform.frame();
    let snapshot = cx.lab.snapshot();
    let (from, to) = (transform.bounds().min()[0], transform.bounds().max()[0]);
    let of_key = taken.len();
    let here: Vec<&Event> = snapshot.events.iter().filter(|e| (from..=to).contains(&(e.step as f64))).collect();
    for (i, event) in here.iter().enumerate() {
        let x = transform.position_from_point_x(event.step as f64);
        // Not through the words of the key.
        let above = taken[..of_key].iter().filter(|r| r.expand(3.0).x_range().contains(x)).map(|r| r.bottom() + 2.0);
        let top = above.fold(frame.top(), f32::max);
        painter.vline(x, top..=frame.bottom(), Stroke::new(1.0, cx.theme.fair.gamma_multiply(0.7)));
        // A slider drag is many events: the last of them says where it went.
        let same = |e: &&&Event| e.target == event.target && e.change.name() == event.change.name();
        let next = here.get(i + 1).filter(same).map(|e| transform.position_from_point_x(e.step as f64));
        if next.is_some_and(|next| next - x < 30.0) {
            continue;
        }
        let galley = painter.layout_no_wrap(label_of(event), text(TINY), cx.theme.dim);
        // Right of its line, or left of it at the right edge.
        let left = if x + galley.size().x + 6.0 < frame.right() { x + 4.0 } else { x - galley.size().x - 4.0 };
        let rect = Rect::from_min_size(pos2(left, frame.top()), galley.size());
        if taken.iter().any(|t| t.expand(4.0).intersects(rect)) {
            continue;
        }
        painter.galley(rect.min, galley, cx.theme.dim);
        taken.push(rect);
    }
}

/// Where the run stands, if not at its end.
pub(super) fn playhead(painter: &egui::Painter, cx: &PaneContext<'_>, transform: &PlotTransform) {
    let snapshot = cx.lab.snapshot();
    if snapshot.step < snapshot.head {
        let x = transform.position_from_point_x(snapshot.step as f64);
        painter.vline(x, transform.frame().y_range(), Stroke::new(1.5, cx.theme.accent));
    }
}

/// The step that the pointer is on in any time plot.
pub(super) fn hovered(painter: &egui::Painter, cx: &PaneContext<'_>, transform: &PlotTransform) {
    let Some(step) = cx.link.hovered_step else { return };
    let frame = *transform.frame();
    let x = transform.position_from_point_x(step as f64 + 0.5);
    if frame.x_range().contains(x) {
        painter.vline(x, frame.y_range(), Stroke::new(1.0, cx.theme.text.gamma_multiply(0.45)));
    }
}

/// A small note at the bottom left of a plot: the values under the pointer.
pub fn readout(ui: &Ui, cx: &PaneContext<'_>, frame: Rect, words: &str) {
    let painter = ui.painter().with_clip_rect(frame);
    let galley = painter.layout(words.to_owned(), mono(TINY), cx.theme.text, (frame.width() - 20.0).max(40.0));
    let rect = Align2::LEFT_BOTTOM.align_size_within_rect(galley.size(), frame.shrink(5.0));
    painter.rect(
        rect.expand2(vec2(5.0, 2.0)),
        4.0,
        cx.theme.pane.gamma_multiply(0.92),
        Stroke::new(1.0, cx.theme.line),
        egui::StrokeKind::Inside,
    );
    painter.galley(rect.min, galley, cx.theme.text);
}

/// What a plot says before the first step.
pub fn empty(ui: &Ui, theme: &Theme) {
    message(ui, theme, "Press K to play: the curves grow from here");
}
