//! What stands round and over the heatmap: topics on the left, the legend below, the lines under the pointer.

use super::super::PaneContext;
use super::super::shared::AXIS;
use super::Mode;
use super::window::Window;
use crate::ui::kit::style::{TINY, mono, text};
use crate::ui::kit::theme::Theme;
use eframe::egui::{self, Align2, Color32, Rect, Stroke, StrokeKind, Ui, pos2, vec2};
use moebias_engine::view::{Picture, Rows};
use moebias_model::config::Rule;

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

    /// Where a row of the picture begins.
    pub fn top(&self, picture: &Picture, row: usize) -> f32 {
        self.corner(0.0, f64::from(picture.first) + row as f64 * f64::from(picture.per_row)).y
    }
}

/// On the left: which rows belong to which topic, or the numbers of the tokens.
pub(super) fn gutter(ui: &Ui, cx: &PaneContext<'_>, picture: &Picture, cells: &Cells, by_topic: bool) {
    let theme = cx.theme;
    let clip = cells.frame.with_min_x(cells.frame.left() - AXIS).expand2(vec2(0.0, 6.0));
    let painter = ui.painter().with_clip_rect(clip);
    let right = cells.frame.left() - 4.0;
    // Beside numbers of many digits there is no room for it.
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

/// Below: the experts' numbers and what the colours mean.
#[allow(clippy::too_many_arguments, reason = "one drawing function with one caller")]
pub(super) fn legend(
    ui: &Ui,
    theme: &Theme,
    rect: Rect,
    cells: &Cells,
    mode: Mode,
    scored: bool,
    picture: &Picture,
    (low, high): (f32, f32),
) {
    let (rows, experts, shared) = (picture.request.rows, picture.experts, picture.per_row > 1);
    let capacity = picture.router.capacity.is_some();
    let by_experts = picture.rule == Rule::ExpertChoice;
    // Where something else than a bias sends tokens, the flag says so.
    let (flag, instead) = match picture.rule {
        Rule::ExpertChoice => ("not of its K best", "K best, not taken"),
        rule if !rule.moves_biases() && rule != Rule::None => ("not its choice", "its choice"),
        _ => ("by the bias", "without the bias"),
    };
    let painter = ui.painter();
    let frame = cells.frame;
    let y = rect.bottom() - 7.0;
    let (first, last) = (cells.window.experts.0.floor(), (cells.window.experts.1.ceil() as usize).min(experts) - 1);
    painter.text(pos2(frame.right(), y), Align2::RIGHT_CENTER, last.to_string(), mono(TINY), theme.faint);
    let shares = rows == Rows::Topics || (shared && mode == Mode::Chosen);
    let ramp = |t: f32| if shares { Theme::mix(theme.heat_low, theme.chosen, t.sqrt()) } else { theme.heat(t) };
    let wide = |s: &Swatch| if matches!(s, Swatch::Ramp) { 48.0 } else { 12.0 };
    let mut items: Vec<(Swatch, String)> = vec![];
    let name = match (rows, mode) {
        (Rows::Topics, _) => "share",
        _ if shares => "share that chose it",
        (_, Mode::Biased) => "score + bias",
        _ => "score",
    };
    if shares || (scored && mode != Mode::Moved) {
        items.push((Swatch::Ramp, format!("{name} {low:.2} – {high:.2}")));
    }
    if !shares && mode == Mode::Chosen {
        items.push((Swatch::Plain(theme.chosen), "chosen".into()));
    }
    if scored && rows != Rows::Topics && matches!(mode, Mode::Chosen | Mode::Moved) {
        let swatch = if shared { Swatch::Plain(theme.over) } else { Swatch::Flagged };
        items.push((swatch, flag.into()));
    }
    if capacity && rows != Rows::Topics && matches!(mode, Mode::Chosen | Mode::Moved) {
        items.push((Swatch::Hollow(theme.chosen), "dropped".into()));
    }
    if rows != Rows::Topics && mode == Mode::Moved {
        if !shared {
            let anyway = if by_experts { "of its K best" } else { "chosen anyway" };
            items.push((Swatch::Plain(theme.heat(1.0)), anyway.into()));
        }
        items.push((Swatch::Plain(theme.under), instead.into()));
    }
    // What the colours mean comes first: in a narrow pane the word "expert" goes, then the scores.
    let width = |items: &[(Swatch, String)]| {
        let words = |t: &String| painter.layout_no_wrap(t.clone(), text(TINY), theme.dim).size().x;
        items.iter().map(|(s, t)| wide(s) + 22.0 + words(t)).sum::<f32>() - 16.0
    };
    let mut named = true;
    if width(&items) > frame.width() - 120.0 {
        named = false;
        if width(&items) > frame.width() - 50.0 {
            items.retain(|(s, _)| !matches!(s, Swatch::Ramp) || shares);
        }
    }
    let start = if named { format!("expert {first}") } else { first.to_string() };
    painter.text(pos2(frame.left(), y), Align2::LEFT_CENTER, start, mono(TINY), theme.faint);
    let galleys: Vec<_> = items.iter().map(|(_, t)| painter.layout_no_wrap(t.clone(), text(TINY), theme.dim)).collect();
    let total: f32 =
        items.iter().zip(&galleys).map(|((s, _), g)| wide(s) + 6.0 + g.size().x + 16.0).sum::<f32>() - 16.0;
    if total > frame.width() - 50.0 {
        return;
    }
    let mut x = frame.center().x - total / 2.0;
    for ((swatch, _), galley) in items.iter().zip(galleys) {
        let patch = Rect::from_min_size(pos2(x, y - 4.0), vec2(wide(swatch), 8.0));
        match swatch {
            Swatch::Plain(colour) => {
                painter.rect_filled(patch, 1.0, *colour);
            }
            Swatch::Hollow(colour) => {
                painter.rect_filled(patch.with_max_x(patch.left() + 3.0), 0.0, *colour);
                painter.rect_filled(patch.with_min_x(patch.right() - 3.0), 0.0, *colour);
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
    Hollow(Color32),
    Plain(Color32),
    Flagged,
}

/// The linked expert's column, and the row under the pointer or pinned.
pub(super) fn highlight(painter: &egui::Painter, cx: &PaneContext<'_>, picture: &Picture, cells: &Cells) {
    let theme = cx.theme;
    if let Some(expert) = cx.link.expert().filter(|e| *e < picture.experts) {
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
