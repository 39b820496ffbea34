//! What every plot over time shares: the same steps on x, the same event marks, the playhead, zoom and pan.
//!
//! The steps shown are one [`Span`] for all plots, so they zoom and pan together, and follow the run where nobody zoomed.

use super::super::events::label_of;
use super::super::link::{Link, Span};
use super::super::style::{TINY, mono, text};
use super::super::theme::Theme;
use super::super::widgets::slider::figure;
use super::{AXIS, PaneContext};
use crate::engine::history::{History, VariantHistory};
use crate::engine::message::Snapshot;
use crate::engine::run::lock;
use crate::model::change::Event;
use eframe::egui::{self, Align2, Color32, Pos2, Rect, Response, Sense, Stroke, Ui, Vec2, Vec2b, pos2, vec2};
use egui_plot::{FilledArea, GridMark, HLine, Line, LineStyle, Plot, PlotPoints, PlotTransform};
use std::ops::RangeInclusive;

/// A young run is drawn on at least this many steps, so that it does not race across the plot.
const SHORTEST: f64 = 300.0;
/// So many steps are shown where nobody zoomed and the run is longer: in more, what happens now would be a sliver.
const LATEST: f64 = 1000.0;
/// A band has one column per so many pixels: a software rasteriser takes long over tall, thin triangles.
pub const BAND_PIXELS: f32 = 10.0;
/// Nobody can zoom in closer than this many steps.
const CLOSEST: f64 = 12.0;
/// Room above the highest curve for the labels of events, of the plot's height.
const HEADROOM: f64 = 0.16;
/// Room below the lowest number, so that it keeps off those of the steps.
const FOOTROOM: f64 = 0.06;

/// A line over time.
pub struct Curve {
    /// Step and value.
    pub points: Vec<[f64; 2]>,
    /// Its colour.
    pub colour: Color32,
    /// Its width, points.
    pub width: f32,
    /// Its name at its right end; none where it needs none.
    pub name: String,
}

/// The room between two curves.
pub struct Band {
    /// Steps.
    pub steps: Vec<f64>,
    /// Lower values.
    pub low: Vec<f64>,
    /// Upper values.
    pub high: Vec<f64>,
    /// Its colour.
    pub colour: Color32,
}

/// A dashed line at one value.
pub struct Mark {
    /// The value.
    pub value: f64,
    /// What it is.
    pub name: String,
}

/// How values map to the y axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Axis {
    /// Evenly.
    #[default]
    Linear,
    /// By their logarithm to base 10; the plot's values are those logarithms.
    Log,
}

/// What to draw.
pub struct TimePlot {
    /// Names the plot among others.
    pub id: &'static str,
    /// Behind everything.
    pub bands: Vec<Band>,
    /// In order: the last is on top.
    pub curves: Vec<Curve>,
    /// Dashed lines.
    pub marks: Vec<Mark>,
    /// The y axis.
    pub axis: Axis,
    /// Values that must be in sight.
    pub include: Vec<f64>,
}

/// The first and the last step there is to show.
#[must_use]
pub fn whole(snapshot: &Snapshot) -> (f64, f64) {
    let history = lock(&snapshot.history);
    let first = first_step(&history);
    (first, (history.head as f64).max(first + SHORTEST))
}

fn first_step(history: &History) -> f64 {
    history.variants.first().and_then(|v| v.overview.first()).map_or(history.head, |c| c.step) as f64
}

/// The steps to show.
#[must_use]
pub fn span(link: &Link, snapshot: &Snapshot) -> (f64, f64) {
    let (first, last) = whole(snapshot);
    match link.span {
        Span::Part(from, to) if from < last && to > first => (from, to),
        Span::All => (first, last),
        // The end of the run, or what surrounds the step that is shown; also where another run is too short for what was chosen.
        Span::Latest | Span::Part(..) => {
            let at = snapshot.step as f64;
            let end = if at < last - LATEST { at + LATEST / 4.0 } else { last };
            ((end - LATEST).max(first), end.max(first + SHORTEST))
        }
    }
}

/// Hover, zoom, pan and back to everything, for any view whose x axis is [`span`] over `rect`.
pub fn interact(ui: &Ui, response: &Response, rect: Rect, cx: &mut PaneContext<'_>) {
    let (from, to) = span(cx.link, cx.lab.snapshot());
    let all = whole(cx.lab.snapshot());
    let step_at = |x: f32| from + f64::from((x - rect.left()) / rect.width().max(1.0)) * (to - from);
    if response.double_clicked() {
        cx.link.span = if cx.link.span == Span::All { Span::Latest } else { Span::All };
        return;
    }
    if let Some(pointer) = response.hover_pos() {
        let at = step_at(pointer.x);
        if at >= 0.0 {
            cx.link.hover_step(at.floor() as u64);
        }
        let (scroll, zoom) = ui.input(|i| (i.smooth_scroll_delta().y, i.zoom_delta()));
        let factor = f64::from(zoom) * f64::from((scroll * 0.005).exp());
        if (factor - 1.0).abs() > 1e-4 {
            let width = ((to - from) / factor).max(CLOSEST);
            let left = at - (at - from) / (to - from) * width;
            cx.link.span = clamped(left, width, all);
        }
    }
    if response.dragged() && cx.link.span != Span::All {
        let moved = f64::from(response.drag_delta().x / rect.width().max(1.0)) * (to - from);
        cx.link.span = clamped(from - moved, to - from, all);
    }
}

/// A span of this width inside everything there is.
fn clamped(left: f64, width: f64, (first, last): (f64, f64)) -> Span {
    if width >= (last - first) * 0.995 {
        return Span::All;
    }
    let left = left.clamp(first, last - width);
    Span::Part(left, left + width)
}

/// Reads the columns that the span shows, at most about one per pixel: several columns of one pixel become their mean, and
/// `read` sees each group.
pub fn grouped<T>(
    history: &VariantHistory,
    (from, to): (f64, f64),
    pixels: f32,
    mut read: impl FnMut(&[&crate::engine::history::Column]) -> T,
) -> Vec<T> {
    // One column beyond each edge, so that lines leave the plot instead of ending at it.
    let margin = history.stride.max(1);
    let columns: Vec<_> =
        history.columns((from.max(0.0) as u64).saturating_sub(margin), to.max(0.0) as u64 + margin).collect();
    let size = (columns.len() as f32 / pixels.max(1.0)).ceil().max(1.0) as usize;
    // Groups begin at whole multiples, so that they stay the same while the run goes on.
    let skip = columns.first().map_or(0, |c| (c.step / c.steps.max(1)) as usize % size);
    let head = if skip == 0 { 0 } else { (size - skip).min(columns.len()) };
    let (first, rest) = columns.split_at(head);
    let first = if first.is_empty() { None } else { Some(read(first)) };
    first.into_iter().chain(rest.chunks(size).map(&mut read)).collect()
}

/// The mean step of a group of columns, in the middle of what it covers.
#[must_use]
pub fn middle(group: &[&crate::engine::history::Column]) -> f64 {
    match (group.first(), group.last()) {
        (Some(a), Some(b)) => (a.step as f64 + (b.step + b.steps) as f64) / 2.0,
        _ => 0.0,
    }
}

impl TimePlot {
    /// Draws it in all the room there is, with events, playhead and what the pointer is on. Returns the place of the plot, the
    /// response and how values map to the screen.
    pub fn show(self, ui: &mut Ui, cx: &mut PaneContext<'_>) -> (Response, PlotTransform) {
        let theme = cx.theme;
        let (from, to) = span(cx.link, cx.lab.snapshot());
        let (low, high) = self.limits();
        let axis = self.axis;
        let name = self.id;
        // A line of the grid about every 34 points, and never a ladder of them.
        let rows = f64::from((ui.available_height() / 34.0).clamp(1.5, 7.0));
        let names: Vec<(Pos, String, Color32)> = self.names(to);
        let points: Vec<[f64; 2]> = self.curves.iter().flat_map(|c| c.points.iter().copied()).collect();
        let marks: Vec<(f64, String)> = self.marks.iter().map(|m| (m.value, m.name.clone())).collect();
        let response = ui
            .scope(|ui| {
                look(ui, theme);
                let plot = Plot::new(self.id)
                    .show_x(false)
                    .show_y(false)
                    .show_crosshair(false)
                    .allow_zoom(Vec2b::FALSE)
                    .allow_scroll(Vec2b::FALSE)
                    .allow_drag(Vec2b::FALSE)
                    .allow_boxed_zoom(false)
                    .allow_double_click_reset(false)
                    .allow_axis_zoom_drag(Vec2b::FALSE)
                    .sense(Sense::click_and_drag())
                    .show_background(false)
                    .set_margin_fraction(Vec2::ZERO)
                    .grid_color(theme.grid)
                    .grid_fade(0.0)
                    .y_axis_min_width(AXIS)
                    .x_grid_spacer(move |input| steps_grid(input.bounds))
                    .y_grid_spacer(move |input| values_grid(axis, input.bounds, rows))
                    .x_axis_formatter(move |mark, _| {
                        // A number at the very edge would be cut off.
                        let edge = mark.value > to - 0.06 * (to - from);
                        if edge { String::new() } else { figure(mark.value.max(0.0).round(), true) }
                    })
                    .y_axis_formatter(move |mark, range| value_label(axis, mark.value, range, rows))
                    .cursor_color(Color32::TRANSPARENT);
                plot.show(ui, |plot| {
                    plot.set_plot_bounds_x(from..=to);
                    plot.set_plot_bounds_y(low..=high);
                    for band in self.bands {
                        let area = FilledArea::new("", &band.steps, &band.low, &band.high).fill_color(band.colour);
                        plot.add(area.allow_hover(false));
                    }
                    for mark in &self.marks {
                        let line = HLine::new("", mark.value).color(theme.fair).width(1.0).allow_hover(false);
                        plot.hline(line.style(LineStyle::dashed_dense()));
                    }
                    for curve in self.curves {
                        let points = PlotPoints::from(curve.points);
                        plot.line(Line::new("", points).color(curve.colour).width(curve.width).allow_hover(false));
                    }
                })
            })
            .inner;
        response.response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, format!("Plot of {name}")));
        let transform = response.transform;
        let frame = *transform.frame();
        let painter = ui.painter().with_clip_rect(frame.expand2(vec2(1.0, 2.0)));
        // Several curves are told apart by a key in the room above them, a single one by its name at its end.
        let mut taken = if names.len() > 1 { key(ui, &painter, theme, frame, &names) } else { vec![] };
        events(&painter, cx, &transform, &mut taken);
        // Where the pointer is, figures take the place of these labels.
        for (value, name) in marks.into_iter().filter(|_| !ui.rect_contains_pointer(frame)) {
            let y = transform.position_from_point_y(value);
            let rect = freest(&painter, frame, y, text_width(ui, &name), &on_screen(&transform, &points));
            label(ui, &painter, theme, rect.left_center(), &name, theme.dim);
        }
        if let [(at, name, colour)] = &names[..] {
            let at = transform.position_from_point(&egui_plot::PlotPoint::new(at.0, at.1));
            let left = (at.x.min(frame.right()) - text_width(ui, name) - 4.0).max(frame.left() + 4.0);
            label(ui, &painter, theme, pos2(left, at.y - 10.0), name, *colour);
        }
        playhead(&painter, cx, &transform);
        interact(ui, &response.response, frame, cx);
        hovered(&painter, cx, &transform);
        (response.response, transform)
    }

    /// The y range: what is in sight, rounded outwards so that it stays still while the run moves, with room for labels.
    fn limits(&self) -> (f64, f64) {
        let bands = self.bands.iter().flat_map(|b| b.low.iter().chain(&b.high).copied());
        let curves = self.curves.iter().flat_map(|c| c.points.iter().map(|p| p[1]));
        let values = bands.chain(curves).chain(self.include.iter().copied()).filter(|v| v.is_finite());
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        match self.axis {
            Axis::Log => {
                // Quarters of a decade, and at least one decade.
                let low = (low * 4.0).floor() / 4.0;
                let high = ((high * 4.0).ceil() / 4.0).max(low + 1.0);
                (low - FOOTROOM * (high - low), high + HEADROOM * (high - low))
            }
            Axis::Linear => {
                let step = nice((high - low).max(1e-9) / 4.0);
                let (low, high) = ((low / step + 1e-9).floor() * step, (high / step - 1e-9).ceil() * step);
                let high = if high <= low { low + step } else { high };
                (low - FOOTROOM * (high - low), high + HEADROOM * (high - low))
            }
        }
    }

    fn names(&self, to: f64) -> Vec<(Pos, String, Color32)> {
        let end = |c: &Curve| c.points.iter().rev().find(|p| p[0] <= to + 1.0).map(|p| Pos(p[0], p[1]));
        let named = self.curves.iter().filter(|c| !c.name.is_empty());
        named.filter_map(|c| end(c).map(|at| (at, c.name.clone(), c.colour))).collect()
    }
}

struct Pos(f64, f64);

/// Fonts and colours of the axes, for what is drawn inside `ui` alone.
fn look(ui: &mut Ui, theme: &Theme) {
    let style = ui.style_mut();
    style.override_font_id = Some(mono(TINY));
    style.visuals.override_text_color = Some(theme.faint);
    style.text_styles.insert(egui::TextStyle::Body, mono(TINY));
    style.text_styles.insert(egui::TextStyle::Small, mono(TINY));
}

/// The smallest of 1, 2, 5 × 10ⁿ that is not below `x`.
fn nice_above(x: f64) -> f64 {
    let below = nice(x);
    if below >= x * (1.0 - 1e-9) { below } else { nice(below * 2.6) }
}

/// The largest of 1, 2, 5 × 10ⁿ that is not above `x`.
fn nice(x: f64) -> f64 {
    let power = 10f64.powf(x.log10().floor());
    let lead = x / power;
    power
        * if lead >= 5.0 {
            5.0
        } else if lead >= 2.0 {
            2.0
        } else {
            1.0
        }
}

fn steps_grid((from, to): (f64, f64)) -> Vec<GridMark> {
    let step = nice((to - from) / 2.5).max(1.0);
    (0..=20)
        .map(|i| ((from / step).ceil() + f64::from(i)) * step)
        .take_while(|v| *v <= to)
        .map(|value| GridMark { value, step_size: step })
        .collect()
}

fn values_grid(axis: Axis, (low, high): (f64, f64), rows: f64) -> Vec<GridMark> {
    if axis == Axis::Log && high - low >= 1.0 {
        let whole = low.ceil() as i64..=high.floor() as i64;
        return whole.map(|d| GridMark { value: d as f64, step_size: 1.0 }).collect();
    }
    let step = nice_above((high - low) / rows);
    (0..=20)
        .map(|i| ((low / step).ceil() + f64::from(i)) * step)
        .take_while(|v| *v <= high)
        .map(|value| GridMark { value, step_size: step })
        .collect()
}

fn value_label(axis: Axis, value: f64, range: &RangeInclusive<f64>, rows: f64) -> String {
    if axis == Axis::Log {
        return figure(10f64.powf(value), value >= 0.0);
    }
    let step = nice_above((range.end() - range.start()) / rows);
    let decimals = (-step.log10().floor()).clamp(0.0, 6.0) as usize;
    let text = format!("{:.decimals$}", if value.abs() < step * 1e-6 { 0.0 } else { value });
    text.replace('-', "−")
}

fn on_screen(transform: &PlotTransform, points: &[[f64; 2]]) -> Vec<Pos2> {
    points.iter().map(|p| transform.position_from_point(&egui_plot::PlotPoint::new(p[0], p[1]))).collect()
}

/// The place for the label of a dashed line that the fewest points of curves run through: above or below it, left or right.
fn freest(painter: &egui::Painter, frame: Rect, y: f32, width: f32, points: &[Pos2]) -> Rect {
    let place = |x: f32, y: f32| Rect::from_center_size(pos2(x + width / 2.0, y), vec2(width, 14.0));
    let (left, right) = (frame.left() + 6.0, frame.right() - width - 4.0);
    let places = [place(right, y - 9.0), place(right, y + 9.0), place(left, y + 9.0), place(left, y - 9.0)];
    let inside = |r: &Rect| frame.contains_rect(*r) && painter.clip_rect().contains_rect(*r);
    let crossed =
        |r: &Rect| points.iter().filter(|p| r.expand(2.0).contains(**p)).count() + usize::from(!inside(r)) * 10_000;
    places.into_iter().min_by_key(crossed).unwrap_or(places[0])
}

fn text_width(ui: &Ui, words: &str) -> f32 {
    ui.painter().layout_no_wrap(words.to_owned(), text(TINY), Color32::WHITE).size().x
}

/// A label on ground of the pane's colour, so that no curve runs through it. `at` is its left centre.
fn label(ui: &Ui, painter: &egui::Painter, theme: &Theme, at: Pos2, words: &str, colour: Color32) {
    let galley = ui.painter().layout_no_wrap(words.to_owned(), text(TINY), colour);
    let rect = Rect::from_min_size(at - vec2(0.0, galley.size().y / 2.0), galley.size());
    painter.rect_filled(rect.expand2(vec2(3.0, 0.0)), 3.0, theme.pane.gamma_multiply(0.85));
    painter.galley(rect.min, galley, colour);
}

/// The names of curves with their colours, in a row at the top. Returns the room it took.
fn key(ui: &Ui, painter: &egui::Painter, theme: &Theme, frame: Rect, names: &[(Pos, String, Color32)]) -> Vec<Rect> {
    let mut at = frame.left_top() + vec2(6.0, 7.0);
    let mut taken = vec![];
    for (i, (_, name, colour)) in names.iter().enumerate() {
        // Long names are cut, and beyond two rows the rest is counted: the curves matter more.
        let short: String =
            if name.chars().count() > 22 { name.chars().take(21).chain(['…']).collect() } else { name.clone() };
        let last_row = at.y > frame.top() + 15.0;
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
            at = pos2(frame.left() + 6.0, at.y + 15.0);
        }
        painter.line_segment([at, at + vec2(10.0, 0.0)], Stroke::new(2.0, *colour));
        label(ui, painter, theme, at + vec2(15.0, 0.0), name, theme.dim);
        taken.push(Rect::from_min_size(at - vec2(0.0, 7.0), vec2(width, 14.0)));
        at.x += width + 8.0;
    }
    taken
}

/// The marks of what was changed, with a label where there is room: `taken` is what other labels have.
fn events(painter: &egui::Painter, cx: &PaneContext<'_>, transform: &PlotTransform, taken: &mut Vec<Rect>) {
    let frame = *transform.frame();
    let snapshot = cx.lab.snapshot();
    let (from, to) = (transform.bounds().min()[0], transform.bounds().max()[0]);
    let here: Vec<&Event> = snapshot.events.iter().filter(|e| (from..=to).contains(&(e.step as f64))).collect();
    for (i, event) in here.iter().enumerate() {
        let x = transform.position_from_point_x(event.step as f64);
        painter.vline(x, frame.y_range(), Stroke::new(1.0, cx.theme.fair.gamma_multiply(0.7)));
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
fn playhead(painter: &egui::Painter, cx: &PaneContext<'_>, transform: &PlotTransform) {
    let snapshot = cx.lab.snapshot();
    if snapshot.step < snapshot.head {
        let x = transform.position_from_point_x(snapshot.step as f64);
        painter.vline(x, transform.frame().y_range(), Stroke::new(1.5, cx.theme.accent));
    }
}

/// The step that the pointer is on in any time plot.
fn hovered(painter: &egui::Painter, cx: &PaneContext<'_>, transform: &PlotTransform) {
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
    let rect = ui.max_rect();
    let words = "Press Space to play: the curves grow from here";
    ui.painter().text(rect.center() + vec2(AXIS / 2.0, 0.0), Align2::CENTER_CENTER, words, text(12.0), theme.dim);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_stays_inside_the_run() {
        assert_eq!(clamped(-5.0, 100.0, (0.0, 300.0)), Span::Part(0.0, 100.0));
        assert_eq!(clamped(280.0, 100.0, (0.0, 300.0)), Span::Part(200.0, 300.0));
        assert_eq!(clamped(0.0, 300.0, (0.0, 300.0)), Span::All);
    }

    #[test]
    fn ranges_are_round_and_leave_room_for_labels() {
        let curve = |ys: &[f64]| Curve {
            points: ys.iter().map(|&y| [0.0, y]).collect(),
            colour: Color32::RED,
            width: 1.0,
            name: String::new(),
        };
        let plot = |axis, ys: &[f64]| TimePlot {
            id: "x",
            bands: vec![],
            curves: vec![curve(ys)],
            marks: vec![],
            axis,
            include: vec![],
        };
        let (low, high) = plot(Axis::Linear, &[-0.31, 0.42]).limits();
        assert!(low <= -0.31 && high > 0.42 && low >= -0.5 && high < 0.8, "{low} {high}");
        assert!(plot(Axis::Linear, &[]).limits().0 <= 0.0);
        let (low, high) = plot(Axis::Log, &[-0.9, 0.6]).limits();
        assert!(low <= -1.0 && low > -1.3 && high > 0.6);
        assert_eq!(nice(0.3), 0.2);
        assert_eq!(nice(70.0), 50.0);
        assert_eq!([0.3, 1.0, 1.5, 3.0, 7.0].map(nice_above), [0.5, 1.0, 2.0, 5.0, 10.0]);
    }
}
