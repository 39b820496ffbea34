//! What is drawn over the curves: labels, the key (legend), events, the playhead and the values under the pointer.

use super::super::compared::{Mark, telling};
use super::Curve;
use super::axis::nice_above;
use crate::ui::kit::events::label_in;
use crate::ui::kit::style::{TINY, mono, text};
use crate::ui::kit::theme::Theme;
use crate::ui::kit::widgets::slider::figure;
use crate::ui::link::Span;
use crate::ui::panes::PaneContext;
use eframe::egui::{self, Align2, Color32, Pos2, Rect, Stroke, Ui, pos2, vec2};
use egui_plot::PlotTransform;
use moebias_model::change::Event;

/// Height of a row of the key, in points.
const ROW_OF_KEY: f32 = 15.0;

/// Least distance between two shapes of a variant on its curve, in points.
const BETWEEN_MARKS: f64 = 120.0;
/// Axes have titles if the plot is at least this wide and high, in points; in an exported picture of a pane they always do.
const TITLED: [f32; 2] = [150.0, 70.0];

/// The name of a curve, and how its entry in the key looks.
pub(super) struct Named {
    /// Step and value where the curve ends.
    pub end: (f64, f64),
    pub name: String,
    pub colour: Color32,
    pub mark: Option<Mark>,
    pub dashed: bool,
}

/// Places the shapes of variants on their curves: at round steps, so that they keep their places while the run goes on, and staggered, so
/// that the shapes of different variants do not coincide. Returns step and value, shape and colour.
pub(super) fn markers(curves: &[Curve], (from, to): (f64, f64), width: f32) -> Vec<([f64; 2], Mark, Color32)> {
    let marked: Vec<&Curve> = curves.iter().filter(|c| c.mark.is_some()).collect();
    let every = nice_above((to - from) * BETWEEN_MARKS / f64::from(width.max(1.0)));
    let mut out = vec![];
    for (i, curve) in marked.iter().enumerate() {
        let Some((mark, _)) = curve.mark else { continue };
        let shift = every * (i as f64 + 0.5) / marked.len() as f64;
        let mut x = (from / every).floor() * every + shift;
        let mut any = false;
        while x <= to {
            let place = curve.points.partition_point(|p| p[0] < x);
            if let Some(p) = curve.points.get(place).filter(|p| x >= from && p[0] - x < every / 4.0) {
                out.push((*p, mark, curve.colour));
                any = true;
            }
            x += every;
        }
        // A curve too short for any shape gets one at its end.
        if let Some(last) = curve.points.iter().rev().find(|p| p[0] <= to).filter(|p| !any && p[0] >= from) {
            out.push((*last, mark, curve.colour));
        }
    }
    out
}

/// Draws the titles of the axes: that of the y axis at its top, “step” at the right end of the x axis. Returns the space taken by the title
/// that lies over the curves.
pub(super) fn titles(ui: &Ui, cx: &PaneContext<'_>, frame: Rect, y: &str) -> Vec<Rect> {
    let large = frame.width() >= TITLED[0] && frame.height() >= TITLED[1];
    if !large && !cx.link.bare {
        return vec![];
    }
    let steps = pos2(frame.right(), frame.bottom() + 10.0);
    ui.painter().text(steps, Align2::RIGHT_CENTER, "step", text(TINY), cx.theme.faint);
    if y.is_empty() || text_width(ui, y) > 0.6 * frame.width() {
        return vec![];
    }
    let at = frame.left_top() + vec2(4.0, 7.0);
    label(ui, ui.painter(), cx.theme, at, y, cx.theme.dim);
    vec![Rect::from_min_size(at - vec2(3.0, 7.0), vec2(text_width(ui, y) + 6.0, 14.0))]
}

/// If the plots are zoomed to a part of the steps, a chip that says so; a click shows the latest steps again.
pub fn zoomed(ui: &Ui, cx: &mut PaneContext<'_>, frame: Rect) {
    let Span::Part(from, to) = cx.link.span else { return };
    if cx.link.bare {
        return;
    }
    let whole = |x: f64| figure(x.max(0.0).round(), true);
    let long = format!("zoomed: steps {}–{} · show all", whole(from), whole(to));
    if chip(ui, cx.theme, frame, &long, "steps") {
        cx.link.span = Span::Latest;
    }
}

/// A chip at the top right of a picture that is zoomed; `of` identifies the chip. True if it was clicked or activated by a key.
pub(in crate::ui::panes) fn chip(ui: &Ui, theme: &Theme, frame: Rect, words: &str, of: &str) -> bool {
    let fits = |w: &str| text_width(ui, w) + 20.0 < frame.width();
    let short = if fits(words) { words } else { "show all" };
    let galley = ui.painter().layout_no_wrap(short.to_owned(), text(TINY), theme.text);
    let size = galley.size() + vec2(12.0, 5.0);
    let rect = Rect::from_min_size(pos2(frame.right() - size.x - 3.0, frame.top() + 2.0), size);
    let response = ui.interact(rect, ui.scope_id().with(("zoomed", of)), egui::Sense::click());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, words));
    let lit = response.hovered() || response.has_focus();
    let stroke = Stroke::new(1.0, if lit { theme.accent } else { theme.line });
    ui.painter().rect(rect, 6.0, theme.chip, stroke, egui::StrokeKind::Inside);
    ui.painter().galley(rect.center() - galley.size() / 2.0, galley, theme.text);
    response
        .on_hover_cursor(egui::CursorIcon::PointingHand)
        .on_hover_text("Shows everything again (Esc, or a double-click)")
        .clicked()
}

pub(super) fn on_screen(transform: &PlotTransform, points: &[[f64; 2]]) -> Vec<Pos2> {
    points.iter().map(|p| transform.position_from_point(&egui_plot::PlotPoint::new(p[0], p[1]))).collect()
}

/// The best place for the label of a dashed line at height `y`: one that overlaps no other label if possible, and the fewest points of
/// curves. It is directly above or below the line, anywhere from left to right.
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
    // Candidates from right to left, just above and just below the line.
    let across = (0..=8).map(|i| egui::lerp(right..=left.min(right), i as f32 / 8.0));
    let places: Vec<Rect> = across.flat_map(|x| [place(x, y - 9.0), place(x, y + 9.0)]).collect();
    let inside = |r: &Rect| frame.contains_rect(*r) && painter.clip_rect().contains_rect(*r);
    let crossed = |r: &Rect| {
        let curves = points.iter().filter(|p| r.expand(2.0).contains(**p)).count();
        let others = taken.iter().filter(|t| t.intersects(*r)).count();
        curves + 1_000 * others + usize::from(!inside(r)) * 10_000
    };
    places.iter().copied().min_by_key(crossed).unwrap_or(places[0])
}

pub(super) fn text_width(ui: &Ui, words: &str) -> f32 {
    ui.painter().layout_no_wrap(words.to_owned(), text(TINY), Color32::WHITE).size().x
}

/// A label on a background of the pane's colour, so that no curve runs through it. `at` is the middle of its left edge.
pub(super) fn label(ui: &Ui, painter: &egui::Painter, theme: &Theme, at: Pos2, words: &str, colour: Color32) {
    let galley = ui.painter().layout_no_wrap(words.to_owned(), text(TINY), colour);
    let rect = Rect::from_min_size(at - vec2(0.0, galley.size().y / 2.0), galley.size());
    painter.rect_filled(rect.expand2(vec2(3.0, 0.0)), 3.0, theme.pane.gamma_multiply(0.85));
    painter.galley(rect.min, galley, colour);
}

/// An entry of the key.
struct Entry {
    at: egui::Vec2,
    words: String,
    width: f32,
    /// Which curve it names; `None` for the entry that counts the names left out.
    of: Option<usize>,
}

/// Lays out the key of a plot of this size in rows; the first row begins at `start`. The rows take less than half of the height; names that
/// do not fit are counted in a last entry.
fn entries(ui: &Ui, size: egui::Vec2, start: f32, names: &[Named]) -> Vec<Entry> {
    let most = (0.45 * size.y / ROW_OF_KEY).floor().max(1.0);
    let bottom = most * ROW_OF_KEY;
    let mut at = vec2(start.max(6.0), 7.0);
    let mut out: Vec<Entry> = vec![];
    for (i, named) in names.iter().enumerate() {
        let more = format!("+ {} more", names.len() - i);
        let reserved = if i + 1 < names.len() { text_width(ui, &more) + 12.0 } else { 0.0 };
        let room = size.x - 6.0;
        let width = (text_width(ui, &named.name) + 24.0).min(room - 6.0);
        let last_row = at.y + ROW_OF_KEY > bottom;
        let ends = at.x + width + if last_row { reserved } else { 0.0 };
        if ends > room && at.x > 6.0 {
            if last_row {
                let width = text_width(ui, &more);
                if at.x + width <= room {
                    out.push(Entry { at, words: more, width, of: None });
                }
                break;
            }
            at = vec2(6.0, at.y + ROW_OF_KEY);
        }
        let all: Vec<String> = names.iter().map(|n| n.name.clone()).collect();
        let words = telling(&all, i, width - 24.0 + 0.5, |w| text_width(ui, w));
        out.push(Entry { at, words, width, of: Some(i) });
        at.x += width + 8.0;
    }
    out
}

/// Height of the key at the top of a plot of this size, in points.
pub(super) fn key_height(ui: &Ui, size: egui::Vec2, title: &str, names: &[Named]) -> f32 {
    // The title of the axis precedes the key.
    let start = if title.is_empty() { 0.0 } else { text_width(ui, title) + 16.0 };
    // The axis numbers may need a little more than their minimum width.
    let rows = entries(ui, size - vec2(12.0, 0.0), start, names);
    rows.last().map_or(0.0, |e| e.at.y + 8.0)
}

/// Draws the key: names of curves with their colours, in rows at the top. Returns the space that each entry takes.
pub(super) fn key(
    ui: &Ui,
    painter: &egui::Painter,
    theme: &Theme,
    frame: Rect,
    start: f32,
    names: &[Named],
) -> Vec<Rect> {
    let mut taken = vec![];
    for Entry { at, words, width, of } in entries(ui, frame.size(), start, names) {
        let at = frame.left_top() + at;
        taken.push(Rect::from_min_size(at - vec2(0.0, 7.0), vec2(width, 14.0)));
        let Some(Named { colour, mark, dashed, .. }) = of.and_then(|i| names.get(i)) else {
            label(ui, painter, theme, at, &words, theme.dim);
            continue;
        };
        let line = [at, at + vec2(12.0, 0.0)];
        if *dashed {
            painter.extend(egui::Shape::dashed_line(&line, Stroke::new(1.5, *colour), 3.0, 2.0));
        } else {
            painter.line_segment(line, Stroke::new(2.0, *colour));
        }
        if let Some(mark) = mark {
            mark.draw(painter, at + vec2(6.0, 0.0), 3.2, *colour, theme.pane);
        }
        label(ui, painter, theme, at + vec2(17.0, 0.0), &words, theme.dim);
    }
    taken
}

/// Marks the events (changes of settings) with vertical lines, and labels them where there is space. `taken` is the space of other labels;
/// the new labels are added to it.
pub(super) fn events(painter: &egui::Painter, cx: &PaneContext<'_>, transform: &PlotTransform, taken: &mut Vec<Rect>) {
    let frame = *transform.frame();
    let snapshot = cx.lab.snapshot();
    let (from, to) = (transform.bounds().min()[0], transform.bounds().max()[0]);
    let of_key = taken.len();
    let names = snapshot.experiment.names();
    let alone = names.len() == 1;
    let here: Vec<&Event> = snapshot.events.iter().filter(|e| (from..=to).contains(&(e.step as f64))).collect();
    for (i, event) in here.iter().enumerate() {
        let x = transform.position_from_point_x(event.step as f64);
        // The line begins below the key, so that it does not run through its words.
        let above = taken[..of_key].iter().filter(|r| r.expand(3.0).x_range().contains(x)).map(|r| r.bottom() + 2.0);
        let top = above.fold(frame.top(), f32::max);
        painter.vline(x, top..=frame.bottom(), Stroke::new(1.0, cx.theme.fair.gamma_multiply(0.7)));
        // Dragging a slider makes many events: only the last of them is labelled, because it has the final value. With a single variant it
        // makes no difference whether that variant or all variants were changed.
        let of_same = |e: &Event| alone || e.target == event.target;
        let same = |e: &&&Event| of_same(e) && e.change.name() == event.change.name();
        let next = here[i + 1..].iter().find(same).map(|e| transform.position_from_point_x(e.step as f64));
        if next.is_some_and(|next| next - x < 30.0) {
            continue;
        }
        let galley = painter.layout_no_wrap(label_in(snapshot, event, &names), text(TINY), cx.theme.dim);
        // To the right of its line, or to the left near the right edge.
        let left = if x + galley.size().x + 6.0 < frame.right() { x + 4.0 } else { x - galley.size().x - 4.0 };
        let rect = Rect::from_min_size(pos2(left, frame.top()), galley.size());
        if taken.iter().any(|t| t.expand(4.0).intersects(rect)) {
            continue;
        }
        painter.galley(rect.min, galley, cx.theme.dim);
        taken.push(rect);
    }
}

/// Marks the step where the run stands, if it is not at its end.
pub(super) fn playhead(painter: &egui::Painter, cx: &PaneContext<'_>, transform: &PlotTransform) {
    let snapshot = cx.lab.snapshot();
    if snapshot.step < snapshot.head {
        let x = transform.position_from_point_x(snapshot.step as f64);
        painter.vline(x, transform.frame().y_range(), Stroke::new(1.5, cx.theme.accent));
    }
}

/// Marks the step that is under the pointer in any time plot.
pub(super) fn hovered(painter: &egui::Painter, cx: &PaneContext<'_>, transform: &PlotTransform) {
    let Some(step) = cx.link.hovered_step else { return };
    let frame = *transform.frame();
    let x = transform.position_from_point_x(step as f64 + 0.5);
    if frame.x_range().contains(x) {
        painter.vline(x, frame.y_range(), Stroke::new(1.0, cx.theme.text.gamma_multiply(0.45)));
    }
}

/// A small note at the bottom left of a plot with the values under the pointer.
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

/// The message of a plot before the first step.
pub fn empty(ui: &Ui, cx: &PaneContext<'_>) {
    super::super::nothing_yet(ui, cx, "the curves grow from here");
}
