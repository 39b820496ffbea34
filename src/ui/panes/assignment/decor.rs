//! What stands round and over the heatmap: topics on the left, the legend below, the lines under the pointer.

use super::super::super::style::{TINY, mono, text};
use super::super::super::theme::Theme;
use super::super::{AXIS, PaneContext};
use super::{Mode, Window};
use crate::engine::view::{Picture, Rows};
use eframe::egui::{self, Align2, Color32, Rect, Stroke, StrokeKind, Ui, pos2, vec2};

/// Where cells lie on the screen.
pub(super) struct Cells {
    /// The picture's place.
    pub frame: Rect,
    /// The part in sight.
    pub window: Window,
}

impl Cells {
    pub fn size(&self) -> egui::Vec2 {
        let Window { rows, experts } = self.window;
        vec2(self.frame.width() / (experts.1 - experts.0), self.frame.height() / (rows.1 - rows.0))
    }

    pub fn corner(&self, expert: f32, row: f32) -> egui::Pos2 {
        let size = self.size();
        self.frame.min + vec2((expert - self.window.experts.0) * size.x, (row - self.window.rows.0) * size.y)
    }

    pub fn cell(&self, at: egui::Pos2) -> (f32, f32) {
        let off = (at - self.frame.min) / self.size();
        (self.window.experts.0 + off.x, self.window.rows.0 + off.y)
    }

    pub fn rect(&self, expert: usize, row: usize) -> Rect {
        Rect::from_min_size(self.corner(expert as f32, row as f32), self.size())
    }
}

/// On the left: which rows belong to which topic, or the numbers of the tokens.
pub(super) fn gutter(ui: &Ui, cx: &PaneContext<'_>, picture: &Picture, order: &[usize], cells: &Cells, by_topic: bool) {
    let theme = cx.theme;
    let clip = cells.frame.with_min_x(cells.frame.left() - AXIS).expand2(vec2(0.0, 6.0));
    let painter = ui.painter().with_clip_rect(clip);
    let right = cells.frame.left() - 4.0;
    if picture.request.rows == Rows::Topics || !by_topic {
        let step = ((14.0 / cells.size().y).ceil() as usize).max(1);
        let step = [1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000].into_iter().find(|s| *s >= step).unwrap_or(2000);
        for shown in (0..order.len()).step_by(step) {
            let y = cells.corner(0.0, shown as f32).y + cells.size().y.min(14.0) / 2.0;
            if !cells.frame.y_range().contains(y) {
                continue;
            }
            let name = match picture.tokens.get(order[shown]) {
                Some(token) => token.index.to_string(),
                None => order[shown].to_string(),
            };
            painter.text(pos2(right - 2.0, y), Align2::RIGHT_CENTER, name, mono(TINY), theme.faint);
        }
        return;
    }
    let topic = |shown: usize| order.get(shown).and_then(|&r| picture.tokens.get(r)).map(|t| t.topic);
    let mut start = 0;
    let mut dark = false;
    while start < order.len() {
        let end = (start..order.len()).find(|&i| topic(i) != topic(start)).unwrap_or(order.len());
        let (top, bottom) = (cells.corner(0.0, start as f32).y, cells.corner(0.0, end as f32).y);
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

/// Below: the experts' numbers and what the colours mean.
#[allow(clippy::too_many_arguments, reason = "one drawing function with one caller")]
pub(super) fn legend(
    ui: &Ui,
    theme: &Theme,
    rect: Rect,
    cells: &Cells,
    mode: Mode,
    scored: bool,
    rows: Rows,
    (low, high): (f32, f32),
    experts: usize,
    by_experts: bool,
) {
    let painter = ui.painter();
    let frame = cells.frame;
    let y = rect.bottom() - 7.0;
    let (first, last) = (cells.window.experts.0.floor(), (cells.window.experts.1.ceil() as usize).min(experts) - 1);
    painter.text(pos2(frame.left(), y), Align2::LEFT_CENTER, format!("expert {first}"), mono(TINY), theme.faint);
    painter.text(pos2(frame.right(), y), Align2::RIGHT_CENTER, last.to_string(), mono(TINY), theme.faint);
    let ramp =
        |t: f32| if rows == Rows::Topics { Theme::mix(theme.heat_low, theme.chosen, t.sqrt()) } else { theme.heat(t) };
    let mut items: Vec<(Swatch, String)> = vec![];
    let name = match (rows, mode) {
        (Rows::Topics, _) => "share",
        (_, Mode::Biased) => "score + bias",
        _ => "score",
    };
    if rows == Rows::Topics || (scored && mode != Mode::Moved) {
        items.push((Swatch::Ramp, format!("{name} {low:.2} – {high:.2}")));
    }
    if rows != Rows::Topics && mode == Mode::Chosen {
        items.push((Swatch::Plain(theme.chosen), "chosen".into()));
    }
    if scored && rows != Rows::Topics && matches!(mode, Mode::Chosen | Mode::Moved) {
        items.push((Swatch::Flagged, if by_experts { "not of its K best" } else { "by the bias" }.into()));
    }
    if rows != Rows::Topics && mode == Mode::Moved {
        items.push((Swatch::Plain(theme.heat(1.0)), if by_experts { "of its K best" } else { "chosen anyway" }.into()));
        items.push((
            Swatch::Plain(theme.under),
            if by_experts { "K best, not taken" } else { "without the bias" }.into(),
        ));
    }
    let galleys: Vec<_> = items.iter().map(|(_, t)| painter.layout_no_wrap(t.clone(), text(TINY), theme.dim)).collect();
    let wide = |s: &Swatch| if matches!(s, Swatch::Ramp) { 48.0 } else { 12.0 };
    let total: f32 =
        items.iter().zip(&galleys).map(|((s, _), g)| wide(s) + 6.0 + g.size().x + 16.0).sum::<f32>() - 16.0;
    if total > frame.width() - 120.0 {
        return;
    }
    let mut x = frame.center().x - total / 2.0;
    for ((swatch, _), galley) in items.iter().zip(galleys) {
        let patch = Rect::from_min_size(pos2(x, y - 4.0), vec2(wide(swatch), 8.0));
        match swatch {
            Swatch::Plain(colour) => {
                painter.rect_filled(patch, 1.0, *colour);
            }
            Swatch::Flagged => {
                painter.rect_filled(patch, 0.0, theme.over);
                painter.rect_filled(patch.with_max_x(patch.left() + 3.0), 0.0, theme.text);
            }
            Swatch::Ramp => {
                let mut mesh = egui::epaint::Mesh::default();
                for i in 0..16 {
                    let edge = |i: usize| egui::lerp(patch.x_range(), i as f32 / 16.0);
                    mesh.add_colored_rect(
                        Rect::from_x_y_ranges(edge(i)..=edge(i + 1), patch.y_range()),
                        ramp(i as f32 / 15.0),
                    );
                }
                painter.add(egui::Shape::mesh(mesh));
                painter.rect_stroke(patch, 0.0, Stroke::new(1.0, theme.line), StrokeKind::Outside);
            }
        }
        x += wide(swatch) + 6.0;
        let size = galley.size();
        painter.galley(pos2(x, y - size.y / 2.0), galley, theme.dim);
        x += size.x + 16.0;
    }
}

enum Swatch {
    Ramp,
    Plain(Color32),
    Flagged,
}

/// The linked expert's column, and the row under the pointer or pinned.
pub(super) fn highlight(
    painter: &egui::Painter,
    cx: &PaneContext<'_>,
    picture: &Picture,
    order: &[usize],
    cells: &Cells,
) {
    let theme = cx.theme;
    if let Some(expert) = cx.link.expert().filter(|e| *e < picture.experts) {
        let column = cells.rect(expert, 0);
        let stripe = Rect::from_x_y_ranges(column.x_range(), cells.frame.y_range());
        painter.rect_stroke(stripe, 0.0, Stroke::new(1.0, theme.accent), StrokeKind::Outside);
    }
    let pinned = cx.link.pinned_token.and_then(|t| picture.tokens.iter().position(|p| p.index == t));
    if let Some(row) = cx.link.hovered_token.or(pinned)
        && let Some(shown) = order.iter().position(|&r| r == row)
    {
        let cell = cells.rect(0, shown);
        let stripe = Rect::from_x_y_ranges(cells.frame.x_range(), cell.y_range()).expand2(vec2(0.0, 0.5));
        painter.rect_stroke(stripe, 0.0, Stroke::new(1.0, theme.text.gamma_multiply(0.55)), StrokeKind::Outside);
    }
}
