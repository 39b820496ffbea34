//! What is drawn around and over the heatmap: topics on the left, the legend below, and outlines of what is under the pointer.

use super::super::PaneContext;
use super::super::shared::AXIS;
use super::window::Window;
use crate::ui::kit::style::{TINY, mono};
use eframe::egui::{self, Align2, Rect, Stroke, StrokeKind, Ui, pos2, vec2};
use moebias_engine::view::{Picture, Rows};

/// Where cells lie on the screen.
pub(super) struct Grid {
    /// The picture's place.
    pub frame: Rect,
    /// The visible part of the heatmap.
    pub window: Window,
}

impl Grid {
    pub fn size(&self) -> egui::Vec2 {
        let Window { rows, experts } = self.window;
        vec2(self.frame.width() / (experts.1 - experts.0) as f32, self.frame.height() / (rows.1 - rows.0) as f32)
    }

    pub fn corner(&self, expert: f64, row: f64) -> egui::Pos2 {
        let Window { rows, experts } = self.window;
        let x = (expert - experts.0) / (experts.1 - experts.0) * f64::from(self.frame.width());
        let y = (row - rows.0) / (rows.1 - rows.0) * f64::from(self.frame.height());
        self.frame.min + vec2(x as f32, y as f32)
    }

    pub fn cell(&self, at: egui::Pos2) -> (f64, f64) {
        let off = (at - self.frame.min) / self.size();
        (self.window.experts.0 + f64::from(off.x), self.window.rows.0 + f64::from(off.y))
    }

    /// The y position where a row of the picture begins.
    pub fn top(&self, picture: &Picture, row: usize) -> f32 {
        self.corner(0.0, f64::from(picture.first) + row as f64 * f64::from(picture.per_row)).y
    }
}

/// On the left: which rows belong to which topic, or the numbers of the tokens.
pub(super) fn gutter(ui: &Ui, cx: &PaneContext<'_>, picture: &Picture, cells: &Grid, by_topic: bool) {
    let theme = cx.theme;
    let clip = cells.frame.with_min_x(cells.frame.left() - AXIS).expand2(vec2(0.0, 6.0));
    let painter = ui.painter().with_clip_rect(clip);
    let right = cells.frame.left() - 4.0;
    // There is no space for the title beside numbers of many digits.
    if cells.frame.height() >= 90.0 && picture.batch < 10_000 {
        let what = if picture.request.rows == Rows::Topics || by_topic { "topic" } else { "token" };
        super::super::shared::upright(&painter, cells.frame, what, theme.faint);
    }
    if picture.request.rows == Rows::Topics || !by_topic {
        let height = cells.size().y * picture.per_row as f32;
        let step = ((14.0 / height).ceil() as usize).max(1);
        let step = [1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000].into_iter().find(|s| *s >= step).unwrap_or(2000);
        for row in (0..picture.rows()).step_by(step) {
            let y = cells.top(picture, row) + height.min(14.0) / 2.0;
            if !cells.frame.y_range().contains(y) {
                continue;
            }
            let name = picture.tokens.get(row).map_or(row, |t| t.index as usize).to_string();
            painter.text(pos2(right - 2.0, y), Align2::RIGHT_CENTER, name, mono(TINY), theme.faint);
        }
        return;
    }
    let topic = |row: usize| picture.tokens.get(row).map(|t| t.topic);
    let rows = picture.rows();
    let mut start = 0;
    let mut dark = false;
    while start < rows {
        let end = (start..rows).find(|&i| topic(i) != topic(start)).unwrap_or(rows);
        let (top, bottom) = (cells.top(picture, start), cells.top(picture, end));
        let band = Rect::from_min_max(pos2(right - 3.0, top), pos2(right, (bottom - 1.0).max(top + 0.5)));
        painter.rect_filled(
            band.intersect(cells.frame.with_min_x(0.0)),
            0.0,
            if dark { theme.fair.gamma_multiply(0.75) } else { theme.fair.gamma_multiply(0.4) },
        );
        let (top, bottom) = (top.max(cells.frame.top()), bottom.min(cells.frame.bottom()));
        if let Some(t) = topic(start).filter(|_| bottom - top >= 12.0) {
            painter.text(
                pos2(right - 8.0, (top + bottom) / 2.0),
                Align2::RIGHT_CENTER,
                t.to_string(),
                mono(TINY),
                theme.faint,
            );
        }
        dark = !dark;
        start = end;
    }
}

/// The linked expert's column, and the row under the pointer or pinned.
pub(super) fn highlight(painter: &egui::Painter, cx: &PaneContext<'_>, picture: &Picture, cells: &Grid) {
    let theme = cx.theme;
    for expert in cx.link.lit().filter(|e| *e < picture.experts) {
        let left = cells.corner(expert as f64, 0.0).x;
        let stripe = Rect::from_x_y_ranges(left..=left + cells.size().x, cells.frame.y_range());
        painter.rect_stroke(stripe, 0.0, Stroke::new(1.0, theme.accent), StrokeKind::Outside);
    }
    let pinned = picture.pinned.as_ref().filter(|p| Some(p.token.index) == cx.link.pinned_token);
    let hovered = cx.link.hovered_token.map(|row| f64::from(picture.first) + row as f64 * f64::from(picture.per_row));
    if let Some(place) = hovered.or(pinned.map(|p| f64::from(p.place))) {
        let high = if hovered.is_some() { f64::from(picture.per_row) } else { 1.0 };
        let (top, bottom) = (cells.corner(0.0, place).y, cells.corner(0.0, place + high).y);
        let stripe = Rect::from_x_y_ranges(cells.frame.x_range(), top..=bottom).expand2(vec2(0.0, 0.5));
        painter.rect_stroke(stripe, 0.0, Stroke::new(1.0, theme.text.gamma_multiply(0.55)), StrokeKind::Outside);
    }
}
