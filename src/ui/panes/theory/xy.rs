//! A small plot of one quantity against another, where the x axis is not time: axes, curves, points, and the pointer.

use super::super::shared::AXIS;
use super::super::shared::compared::Mark;
use crate::ui::kit::style::{TINY, mono, text};
use crate::ui::kit::theme::Theme;
use crate::ui::kit::widgets::slider::figure;
use eframe::egui::{Align2, Color32, Pos2, Rect, Response, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

/// Height of the numbers below, in points.
const BELOW: f32 = 30.0;

/// How values map to an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    Linear,
    /// By their logarithm; the grid shows powers of this base.
    Log(u32),
}

/// One axis.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    pub name: &'static str,
    pub scale: Scale,
    pub range: (f64, f64),
}

impl Axis {
    fn share(&self, value: f64) -> f32 {
        let (from, to) = self.range;
        (match self.scale {
            Scale::Linear => (value - from) / (to - from),
            Scale::Log(_) => (value.max(from / 2.0).ln() - from.ln()) / (to.ln() - from.ln()),
        }) as f32
    }

    /// The values that get a number and a grid line, at most about `most`.
    fn ticks(&self, most: f32) -> Vec<f64> {
        let (from, to) = self.range;
        match self.scale {
            Scale::Log(base) => {
                let base = f64::from(base);
                let (low, high) =
                    ((from.ln() / base.ln() - 1e-9).ceil() as i32, (to.ln() / base.ln() + 1e-9).floor() as i32);
                let every = (((high - low + 1) as f32 / most).ceil() as usize).max(1);
                (low..=high).step_by(every).map(|i| base.powi(i)).collect()
            }
            Scale::Linear => {
                let rough = (to - from) / f64::from(most.max(1.0));
                let power = 10f64.powf(rough.log10().floor());
                let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|s| *s >= rough).unwrap_or(rough);
                let first = (from / step - 1e-9).ceil() as i64;
                (first..).map(|i| i as f64 * step).take_while(|v| *v <= to + 1e-9 * step).take(30).collect()
            }
        }
    }
}

/// A plot whose axes are drawn.
pub(super) struct Xy {
    pub frame: Rect,
    pub response: Response,
    x: Axis,
    y: Axis,
}

fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let text = if value.abs() >= 1.0 && value.fract() == 0.0 {
        figure(value.abs(), true)
    } else {
        format!("{:.3}", value.abs())
    };
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text };
    if value < 0.0 { format!("−{text}") } else { text }
}

impl Xy {
    /// Draws the axes in all the available space.
    pub(super) fn new(ui: &mut Ui, theme: &Theme, name: &str, x: Axis, y: Axis) -> Self {
        let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::click());
        response.widget_info(|| WidgetInfo::labeled(eframe::egui::Role::Image, true, name));
        let frame = Rect::from_min_max(rect.min + vec2(AXIS, 4.0), rect.max - vec2(6.0, BELOW));
        let plot = Self { frame, response, x, y };
        let painter = ui.painter();
        for v in plot.x.ticks(frame.width() / 64.0) {
            let at = plot.at(v, plot.y.range.0).x;
            painter.vline(at, frame.y_range(), Stroke::new(1.0, theme.grid));
            painter.text(pos2(at, frame.bottom() + 9.0), Align2::CENTER_CENTER, number(v), mono(TINY), theme.faint);
        }
        for v in plot.y.ticks(frame.height() / 30.0) {
            let at = plot.at(plot.x.range.0, v).y;
            painter.hline(frame.x_range(), at, Stroke::new(1.0, theme.grid));
            painter.text(pos2(frame.left() - 6.0, at), Align2::RIGHT_CENTER, number(v), mono(TINY), theme.faint);
        }
        let below = pos2(frame.center().x, rect.bottom() - 6.0);
        painter.text(below, Align2::CENTER_CENTER, plot.x.name, text(TINY), theme.dim);
        plot
    }

    /// The screen position of a point.
    pub(super) fn at(&self, x: f64, y: f64) -> Pos2 {
        let f = self.frame;
        pos2(f.left() + f.width() * self.x.share(x), f.bottom() - f.height() * self.y.share(y))
    }

    /// Draws a curve; dashed if it is a theoretical one.
    pub(super) fn curve(&self, ui: &Ui, points: &[(f64, f64)], stroke: Stroke, dashed: bool) {
        let path: Vec<Pos2> = points.iter().map(|&(x, y)| self.at(x, y)).collect();
        let painter = ui.painter().with_clip_rect(self.frame.expand(2.0));
        if dashed {
            painter.extend(Shape::dashed_line(&path, stroke, 4.0, 4.0));
        } else {
            painter.add(Shape::line(path, stroke));
        }
    }

    /// Draws a point.
    pub(super) fn dot(&self, ui: &Ui, x: f64, y: f64, radius: f32, colour: Color32) {
        ui.painter().with_clip_rect(self.frame.expand(5.0)).circle_filled(self.at(x, y), radius, colour);
    }
}

/// Draws names with their colours in a row at the top right of a frame, on a background of their own.
pub(super) fn key(ui: &Ui, theme: &Theme, frame: Rect, names: &[(String, Color32, Option<Mark>)]) {
    let mut at = frame.right_top() + vec2(-4.0, 9.0);
    for (name, colour, mark) in names.iter().rev() {
        let galley = ui.painter().layout_no_wrap(name.clone(), text(TINY), theme.dim);
        let width = galley.size().x + 18.0;
        if at.x - width < frame.left() {
            at = pos2(frame.right() - 4.0, at.y + 15.0);
        }
        let left = at.x - width;
        let ground = Rect::from_min_size(pos2(left - 3.0, at.y - 7.0), vec2(width + 3.0, 14.0));
        ui.painter().rect_filled(ground, 3.0, theme.pane.gamma_multiply(0.85));
        let line = [pos2(left, at.y), pos2(left + 10.0, at.y)];
        match mark {
            // Names without a mark belong to dashed curves.
            None => ui.painter().extend(Shape::dashed_line(&line, Stroke::new(1.5, *colour), 3.0, 2.0)),
            Some(mark) => {
                ui.painter().line_segment(line, Stroke::new(2.0, *colour));
                mark.draw(ui.painter(), pos2(left + 5.0, at.y), 3.0, *colour, theme.pane);
            }
        }
        ui.painter().galley(pos2(left + 15.0, at.y - galley.size().y / 2.0), galley, theme.dim);
        at.x = left - 8.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let axis = |scale, range| Axis { name: "", scale, range };
        assert_eq!(axis(Scale::Linear, (-0.31, 0.42)).ticks(4.0), [-0.2, 0.0, 0.2, 0.4]);
        assert_eq!(axis(Scale::Log(2), (16.0, 300.0)).ticks(10.0), [16.0, 32.0, 64.0, 128.0, 256.0]);
        assert_eq!(axis(Scale::Log(10), (0.01, 5.0)).ticks(10.0).len(), 3);
        assert_eq!([number(0.0), number(-0.25), number(4096.0)], ["0".into(), "−0.25".into(), figure(4096.0, true)]);
        assert_eq!([number(20.0), number(0.1)], ["20", "0.1"]);
    }
}
