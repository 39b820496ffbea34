//! What all plots over time share: the same steps on the x axis, the same event marks, the playhead, zoom and pan.
//!
//! All plots show the same [`Span`] of steps, so they zoom and pan together; unless zoomed, they follow the run.

mod axis;
mod columns;
mod decor;

pub use columns::{ask_detail, grouped, middle, resolution, steps_of};
pub(in crate::ui::panes) use decor::chip;
pub use decor::{empty, readout, zoomed};

use super::AXIS;
use super::compared::Mark as Symbol;
use crate::ui::kit::theme::Theme;
use crate::ui::kit::widgets::slider::figure;
use crate::ui::link::{Link, Span};
use crate::ui::panes::PaneContext;
use axis::{look, nice, steps_grid, value_label, values_grid};
use decor::{Named, events, freest, hovered, key, key_height, label, markers, on_screen, playhead, text_width, titles};
use eframe::egui::{self, Color32, Rect, Response, Sense, Ui, Vec2, Vec2b, pos2, vec2};
use egui_plot::{FilledArea, HLine, Line, LineStyle, Plot, PlotPoints, PlotTransform};
use moebias_engine::message::Snapshot;
use moebias_engine::run::lock;

/// The plot shows at least this many steps, so that the curves of a short run do not race across it.
const SHORTEST: f64 = 300.0;
/// If the plot is not zoomed and the run is longer than this, only this many steps are shown: with more, the newest steps would be a
/// sliver.
const LATEST: f64 = 1000.0;
/// A band has one column per this many pixels: a software rasteriser is slow with tall, thin triangles.
pub const BAND_PIXELS: f32 = 10.0;
/// The smallest number of steps that one can zoom in to.
const CLOSEST: f64 = 12.0;
/// Space above the highest curve for the labels of events, as a fraction of the height of the curves' range.
const HEADROOM: f64 = 0.16;
/// Space below the lowest value, as the same kind of fraction, so that its number on the y axis keeps clear of the numbers of the steps.
const FOOTROOM: f64 = 0.06;

/// A line over time.
#[derive(Default)]
pub struct Curve {
    /// Points: step and value.
    pub points: Vec<[f64; 2]>,
    /// Its colour.
    pub colour: Color32,
    /// Its width, in points.
    pub width: f32,
    /// Its name, shown at its right end, or in the key if several curves have names. Empty: no name is shown.
    pub name: String,
    /// The shape drawn on the curve at intervals, and the variant it stands for; `None` if there is only one variant.
    pub(in crate::ui::panes) mark: Option<(Symbol, usize)>,
    /// Whether it is dashed: for a limit or a floor, not for something measured.
    pub dashed: bool,
}

/// The area between two curves.
pub struct Band {
    /// Steps; one lower and one upper value belong to each.
    pub steps: Vec<f64>,
    /// Lower value at each step.
    pub low: Vec<f64>,
    /// Upper value at each step.
    pub high: Vec<f64>,
    /// Its colour.
    pub colour: Color32,
}

/// A dashed line at one value.
#[derive(Default)]
pub struct Mark {
    /// The value.
    pub value: f64,
    /// The name, shown as a label.
    pub name: String,
    /// Draws only the name, because a curve already shows the value.
    pub bare: bool,
}

/// How values map to the y axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Axis {
    /// Linearly.
    #[default]
    Linear,
    /// Logarithmically. The values of the plot are already logarithms to base 10.
    Log,
}

/// A plot over time, as it is to be drawn.
pub struct TimePlot {
    /// Identifies the plot among others.
    pub id: &'static str,
    /// Title of the y axis, with the unit.
    pub y: &'static str,
    /// Bands, drawn behind everything else.
    pub bands: Vec<Band>,
    /// Curves, drawn in this order: the last is on top.
    pub curves: Vec<Curve>,
    /// Dashed horizontal lines.
    pub marks: Vec<Mark>,
    /// How values map to the y axis.
    pub axis: Axis,
    /// Values that the y range must include.
    pub include: Vec<f64>,
}

/// The first step and the step after the last one that can be shown. A run of less than `SHORTEST` steps is extended to that many.
#[must_use]
pub fn whole(snapshot: &Snapshot) -> (f64, f64) {
    let history = lock(&snapshot.history);
    let first = history.first as f64;
    (first, (history.head as f64).max(first + SHORTEST))
}

/// The first and last step to show, for the chosen [`Span`].
#[must_use]
pub fn span(link: &Link, snapshot: &Snapshot) -> (f64, f64) {
    let (first, last) = whole(snapshot);
    match link.span {
        Span::Part(from, to) if from < last && to > first => (from, to),
        Span::All => (first, last),
        // The end of the run, or the surroundings of the step that is shown if it is older. Also used if the chosen part lies outside this
        // run.
        Span::Latest | Span::Part(..) => {
            let at = snapshot.step as f64;
            let end = if at < last - LATEST { at + LATEST / 4.0 } else { last };
            ((end - LATEST).max(first), end.max(first + SHORTEST))
        }
    }
}

/// Handles hover, zoom and pan for any view whose x axis is [`span`] over `rect`. A double-click switches between all steps and the latest
/// ones. Also requests finer columns where the zoom needs them.
pub fn interact(ui: &Ui, response: &Response, rect: Rect, cx: &mut PaneContext<'_>) {
    let (from, to) = span(cx.link, cx.lab.snapshot());
    let all = whole(cx.lab.snapshot());
    ask_detail(cx, rect.width());
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

/// A span of this width moved into the range that can be shown; [`Span::All`] if it covers (almost) all of the range.
fn clamped(left: f64, width: f64, (first, last): (f64, f64)) -> Span {
    if width >= (last - first) * 0.995 {
        return Span::All;
    }
    let left = left.clamp(first, last - width);
    Span::Part(left, left + width)
}

/// A plot without content: its grid and its axes, for the space that is available. The steps `from` to `to` are in sight.
fn axes<'a>(id: &str, axis: Axis, ui: &Ui, (from, to): (f64, f64), theme: &Theme) -> Plot<'a> {
    let across = ui.available_width() - AXIS;
    let called = text_width(ui, "step") + 6.0;
    // A grid line about every 34 points, but at most about seven.
    let rows = f64::from((ui.available_height() / 34.0).clamp(1.5, 7.0));
    let columns = f64::from(((ui.available_width() - AXIS) / 80.0).clamp(1.0, 8.0));
    Plot::new(id)
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
        .min_size(vec2(40.0, 24.0))
        .show_background(false)
        .set_margin_fraction(Vec2::ZERO)
        .grid_color(theme.grid)
        .grid_fade(0.0)
        .y_axis_min_width(AXIS)
        .x_grid_spacer(move |input| steps_grid(input.bounds, columns))
        .y_grid_spacer(move |input| values_grid(axis, input.bounds, rows))
        .x_axis_formatter(move |mark, _| {
            // A number at the very edge would be cut off, or overlap the title of the axis.
            let number = figure(mark.value.max(0.0).round(), true);
            let right = (to - mark.value) / (to - from) * f64::from(across);
            let edge = right < f64::from(called) + 3.5 * number.chars().count() as f64;
            if edge { String::new() } else { number }
        })
        .y_axis_formatter(move |mark, range| value_label(axis, mark.value, range, rows))
        .cursor_color(Color32::TRANSPARENT)
}

impl TimePlot {
    /// Draws the plot in all the available space, with events, the playhead and the step under the pointer. Returns the response and the
    /// transform from values to screen positions.
    pub fn show(self, ui: &mut Ui, cx: &mut PaneContext<'_>) -> (Response, PlotTransform) {
        let theme = cx.theme;
        let (from, to) = span(cx.link, cx.lab.snapshot());
        let names: Vec<Named> = self.names(to);
        let (low, high) = self.limits(headroom(ui, self.y, &names));
        let name = self.id;
        let mut points: Vec<[f64; 2]> = self.curves.iter().flat_map(|c| c.points.iter().copied()).collect();
        let edges =
            |b: &Band| [&b.low, &b.high].map(|edge| b.steps.iter().copied().zip(edge.iter().copied()).collect());
        points.extend(self.bands.iter().flat_map(edges).flat_map(|e: Vec<(f64, f64)>| e).map(|(x, y)| [x, y]));
        let marks: Vec<(f64, String)> = self.marks.iter().map(|m| (m.value, m.name.clone())).collect();
        let shapes = markers(&self.curves, (from, to), ui.available_width() - AXIS);
        let title = self.y;
        let response = ui
            .scope(|ui| {
                look(ui, theme);
                let plot = axes(self.id, self.axis, ui, (from, to), theme);
                plot.show(ui, |plot| {
                    plot.set_plot_bounds_x(from..=to);
                    plot.set_plot_bounds_y(low..=high);
                    for band in self.bands {
                        let area = FilledArea::new("", &band.steps, &band.low, &band.high).fill_color(band.colour);
                        plot.add(area.allow_hover(false));
                    }
                    for mark in self.marks.iter().filter(|m| !m.bare) {
                        let line = HLine::new("", mark.value).color(theme.fair).width(1.0).allow_hover(false);
                        plot.hline(line.style(LineStyle::dashed_dense()));
                    }
                    for curve in self.curves {
                        let points = PlotPoints::from(curve.points);
                        let line = Line::new("", points).color(curve.colour).width(curve.width).allow_hover(false);
                        let style = if curve.dashed { LineStyle::dashed_dense() } else { LineStyle::Solid };
                        plot.line(line.style(style));
                    }
                })
            })
            .inner;
        response.response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, format!("Plot of {name}")));
        let transform = response.transform;
        let frame = *transform.frame();
        let painter = ui.painter().with_clip_rect(frame.expand2(vec2(1.0, 2.0)));
        for (at, symbol, colour) in shapes {
            let at = transform.position_from_point(&egui_plot::PlotPoint::new(at[0], at[1]));
            symbol.draw(&painter, at, 3.2, colour, theme.pane);
        }
        // Several curves are named in a key above them, a single one at its end.
        let mut taken = titles(ui, cx, frame, title);
        let start = taken.iter().map(|r| r.right() - frame.left() + 6.0).fold(0.0, f32::max);
        if names.len() > 1 {
            taken.extend(key(ui, &painter, theme, frame, start, &names));
        }
        events(&painter, cx, &transform, &mut taken);
        // The header shows the resolution: text over the curves would hide them.
        if let Some(words) = resolution(cx, frame.width()) {
            ui.data_mut(|d| d.insert_temp(super::header::coarse_id(), words));
        }
        // In a small plot, labels would cover the curves.
        let room = |words: &str| text_width(ui, words) < frame.width() * 0.75 && frame.height() > 50.0;
        let seen = on_screen(&transform, &points);
        // While the pointer is on the plot, the readout replaces these labels.
        for (value, name) in marks.into_iter().filter(|(_, name)| room(name) && !ui.rect_contains_pointer(frame)) {
            let y = transform.position_from_point_y(value);
            let rect = freest(&painter, frame, y, text_width(ui, &name), &seen, &taken);
            label(ui, &painter, theme, rect.left_center(), &name, theme.dim);
        }
        if let [Named { end: at, name, colour, .. }] = &names[..] {
            let at = transform.position_from_point(&egui_plot::PlotPoint::new(at.0, at.1));
            let left = (at.x.min(frame.right()) - text_width(ui, name) - 4.0).max(frame.left() + 4.0);
            label(ui, &painter, theme, pos2(left, at.y - 10.0), name, *colour);
        }
        playhead(&painter, cx, &transform);
        interact(ui, &response.response, frame, cx);
        zoomed(ui, cx, frame);
        hovered(&painter, cx, &transform);
        (response.response, transform)
    }

    /// The y range: the values shown, rounded outwards so that it rarely changes while the run goes on, with space for labels.
    fn limits(&self, headroom: f64) -> (f64, f64) {
        let bands = self.bands.iter().flat_map(|b| b.low.iter().chain(&b.high).copied());
        let curves = self.curves.iter().flat_map(|c| c.points.iter().map(|p| p[1]));
        let values = bands.chain(curves).chain(self.include.iter().copied()).filter(|v| v.is_finite());
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        match self.axis {
            Axis::Log => {
                // Rounded to quarters of a decade, and at least one decade.
                let low = (low * 4.0).floor() / 4.0;
                let high = ((high * 4.0).ceil() / 4.0).max(low + 1.0);
                (low - FOOTROOM * (high - low), high + headroom * (high - low))
            }
            Axis::Linear => {
                let step = nice((high - low).max(1e-9) / 4.0);
                let (low, high) = ((low / step + 1e-9).floor() * step, (high / step - 1e-9).ceil() * step);
                let high = if high <= low { low + step } else { high };
                (low - FOOTROOM * (high - low), high + headroom * (high - low))
            }
        }
    }

    fn names(&self, to: f64) -> Vec<Named> {
        let end = |c: &Curve| c.points.iter().rev().find(|p| p[0] <= to + 1.0).map(|p| (p[0], p[1]));
        let named = self.curves.iter().filter(|c| !c.name.is_empty());
        let of = |c: &Curve| {
            let (name, colour, mark) = (c.name.clone(), c.colour, c.mark.map(|m| m.0));
            end(c).map(|end| Named { end, name, colour, mark, dashed: c.dashed })
        };
        named.filter_map(of).collect()
    }
}

/// Space above the highest curve as a fraction of the height of the curves' range: for the labels of events, or for the key of several
/// curves.
fn headroom(ui: &Ui, title: &str, names: &[Named]) -> f64 {
    let size = ui.available_size() - vec2(AXIS, 18.0);
    let room = if names.len() > 1 { key_height(ui, size, title, names) } else { 0.0 };
    f64::from(room / (size.y - room).max(room).max(1.0)).max(HEADROOM)
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
            ..Curve::default()
        };
        let plot = |axis, ys: &[f64]| TimePlot {
            id: "x",
            y: "",
            bands: vec![],
            curves: vec![curve(ys)],
            marks: vec![],
            axis,
            include: vec![],
        };
        let (low, high) = plot(Axis::Linear, &[-0.31, 0.42]).limits(HEADROOM);
        assert!(low <= -0.31 && high > 0.42 && low >= -0.5 && high < 0.8, "{low} {high}");
        assert!(plot(Axis::Linear, &[]).limits(HEADROOM).0 <= 0.0);
        let (low, high) = plot(Axis::Log, &[-0.9, 0.6]).limits(HEADROOM);
        assert!(low <= -1.0 && low > -1.3 && high > 0.6);
        assert_eq!(nice(0.3), 0.2);
        assert_eq!(nice(70.0), 50.0);
        assert_eq!([0.3, 1.0, 1.5, 3.0, 7.0].map(axis::nice_above), [0.5, 1.0, 2.0, 5.0, 10.0]);
    }
}
