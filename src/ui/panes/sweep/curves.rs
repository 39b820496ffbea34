//! Small multiples: one small plot per value of the second setting, all on the same scales; one large plot if only one setting is swept.

use super::Spot;
use super::grid::Grid;
use super::map::{below, triangle};
use super::scale::{Scale, label, place, short};
use crate::ui::kit::style::{TINY, mono, text};
use crate::ui::kit::theme::Theme;
use eframe::egui::{Align2, Mesh, Pos2, Rect, Response, Shape, Stroke, Ui, pos2, vec2};

/// Space for numbers on the left, and below for values and the name of the setting, in points.
const LEFT: f32 = 46.0;
const BELOW: f32 = 34.0;
/// Space between two plots, in points.
const BETWEEN: f32 = 10.0;

/// Draws the plots. Returns the cell under the pointer, and the words of the mark under the pointer.
pub(super) fn show(
    ui: &Ui,
    theme: &Theme,
    rect: Rect,
    response: &Response,
    grid: &Grid,
    cursor: Option<Spot>,
) -> (Option<Spot>, Option<&'static str>) {
    let spreads = grid.spreads.iter().flatten().filter(|s| s.known > 0);
    let scale = Scale::over(spreads.flat_map(|s| [s.low, s.high]));
    let rows = grid.rows();
    let all = Rect::from_min_max(rect.min + vec2(LEFT, 2.0), rect.max - vec2(6.0, BELOW));
    if all.width() < 30.0 || all.height() < 30.0 {
        return (None, None);
    }
    let across = across(rows, all.width(), all.height());
    let down = rows.div_ceil(across);
    let size = vec2(
        (all.width() - BETWEEN * (across - 1) as f32) / across as f32,
        (all.height() - BETWEEN * (down - 1) as f32) / down as f32,
    );
    let painter = ui.painter();
    let pointer = response.hover_pos();
    let (mut spot, mut told) = (None, None);
    for row in 0..rows {
        let (c, r) = (row % across, row / across);
        let min = all.min + vec2(c as f32 * (size.x + BETWEEN), r as f32 * (size.y + BETWEEN));
        let place = Rect::from_min_size(min, size);
        let head = if grid.y.is_some() { 22.0 } else { 10.0 };
        let plot = Plot { grid, row, scale, frame: place.with_min_y(place.top() + head) };
        plot.draw(ui, theme, c == 0);
        if let Some(y) = &grid.y {
            let words = format!("{} {}", y.parameter.short(), label(y.values[row]));
            let mut job = eframe::egui::text::LayoutJob::simple_singleline(words, text(TINY), theme.dim);
            job.wrap = eframe::egui::text::TextWrapping::truncate_at_width(size.x);
            painter.galley(place.min, painter.layout_job(job), theme.dim);
        }
        // The plots in the lowest row have the values below them.
        if row + across >= rows && r + 1 == down {
            below(ui, theme, plot.frame, grid, |i| plot.x(i as f32));
        }
        for mark in plot.marks(ui, theme) {
            let near = pointer.is_some_and(|p| p.distance(mark.0 - vec2(0.0, 4.0)) < 10.0);
            told = told.or(near.then_some(mark.1));
        }
        if let Some(p) = pointer.filter(|p| place.contains(*p)) {
            spot = Some(Spot { column: plot.column(p), row });
        }
        let focused = cursor.filter(|c| response.has_focus() && c.row == row);
        for at in [focused, spot.filter(|s| s.row == row)].into_iter().flatten() {
            let x = plot.x(at.column as f32);
            painter.vline(x, plot.frame.y_range(), Stroke::new(1.0, theme.text.gamma_multiply(0.6)));
        }
    }
    painter.text(
        pos2(all.center().x, rect.bottom() - 1.0),
        Align2::CENTER_BOTTOM,
        grid.x.parameter.title(),
        text(TINY),
        theme.dim,
    );
    (spot, told)
}

/// The number of plots side by side, chosen so that each is about 1.8 times as wide as it is high.
fn across(plots: usize, width: f32, height: f32) -> usize {
    let most = ((width / 110.0) as usize).clamp(1, plots.max(1));
    let shape = |n: &usize| {
        let (w, h) = (width / *n as f32, height / plots.div_ceil(*n) as f32);
        ((w / h.max(1.0) / 1.8).ln().abs() * 1000.0) as i64
    };
    (1..=most).min_by_key(shape).unwrap_or(1)
}

struct Plot<'a> {
    grid: &'a Grid,
    row: usize,
    scale: Scale,
    frame: Rect,
}

impl Plot<'_> {
    fn x(&self, column: f32) -> f32 {
        self.frame.left() + (column + 0.5) / self.grid.columns() as f32 * self.frame.width()
    }

    fn y(&self, value: f64) -> f32 {
        eframe::egui::lerp(self.frame.bottom()..=self.frame.top(), self.scale.share(value))
    }

    fn column(&self, at: Pos2) -> usize {
        let share = ((at.x - self.frame.left()) / self.frame.width()).clamp(0.0, 0.999);
        (share * self.grid.columns() as f32) as usize
    }

    fn draw(&self, ui: &Ui, theme: &Theme, numbered: bool) {
        let (painter, frame) = (ui.painter(), self.frame);
        let any = self.grid.spreads.iter().flatten().any(|s| s.median.is_some());
        for v in self.scale.ticks(frame.height() / 26.0).into_iter().filter(|_| any) {
            painter.hline(frame.x_range(), self.y(v), Stroke::new(1.0, theme.grid));
            if numbered {
                let at = pos2(frame.left() - 6.0, self.y(v));
                painter.text(at, Align2::RIGHT_CENTER, short(v), mono(TINY), theme.faint);
            }
        }
        painter.hline(frame.x_range(), frame.bottom(), Stroke::new(1.0, theme.line));
        let cells: Vec<_> = (0..self.grid.columns()).map(|c| self.grid.spreads[self.grid.at(c, self.row)]).collect();
        let names = matches!(self.grid.x.parameter.kind(), moebias_model::sweep::Kind::Choice);
        let band = Theme::mix(theme.pane, theme.accent, 0.25);
        for (i, pair) in cells.windows(2).enumerate().filter(|_| !names) {
            let [Some(a), Some(b)] = pair else { continue };
            let (Some(ma), Some(mb)) = (a.median, b.median) else { continue };
            let (xa, xb) = (self.x(i as f32), self.x(i as f32 + 1.0));
            let mut mesh = Mesh::default();
            for (x, y) in [(xa, a.low), (xa, a.high), (xb, b.low), (xb, b.high)] {
                mesh.colored_vertex(pos2(x, self.y(y)), band);
            }
            mesh.add_triangle(0, 1, 2);
            mesh.add_triangle(1, 2, 3);
            painter.add(Shape::mesh(mesh));
            painter.line_segment([pos2(xa, self.y(ma)), pos2(xb, self.y(mb))], Stroke::new(1.8, theme.accent));
        }
        for (i, spread) in cells.iter().enumerate() {
            let Some(spread) = spread else { continue };
            let x = self.x(i as f32);
            let Some(m) = spread.median else {
                let (c, d) = (pos2(x, frame.top() + 4.0), vec2(3.0, -3.0));
                painter.line_segment([c - d, c + d], Stroke::new(1.5, theme.over));
                continue;
            };
            if names {
                painter.vline(x, self.y(spread.high)..=self.y(spread.low), Stroke::new(3.0, band));
            }
            if frame.width() / self.grid.columns() as f32 > 7.0 || names {
                painter.circle_filled(pos2(x, self.y(m)), 2.5, theme.accent);
            }
        }
    }

    /// Marks the values that papers chose with triangles on the upper edge and dashed hairlines. Returns the place and the words of each.
    fn marks(&self, ui: &Ui, theme: &Theme) -> Vec<(Pos2, &'static str)> {
        let here = self.grid.published[0].iter().filter_map(|p| Some((place(&self.grid.x, p.value)?, p.words)));
        let marks: Vec<(Pos2, &str)> = here.map(|(i, w)| (pos2(self.x(i), self.frame.top() - 1.0), w)).collect();
        for (at, _) in &marks {
            let hair = Stroke::new(1.0, theme.text.gamma_multiply(0.35));
            let path = [*at, pos2(at.x, self.frame.bottom())];
            ui.painter().extend(Shape::dashed_line(&path, hair, 2.0, 3.0));
            triangle(ui, *at, vec2(0.0, 1.0), theme.accent);
        }
        marks
    }
}
