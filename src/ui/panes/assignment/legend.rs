//! What stands below the heatmap: the numbers of the experts, and what the colours mean.

use super::decor::Grid;
use crate::ui::kit::style::{TINY, mono, text};
use crate::ui::kit::theme::Theme;
use eframe::egui::{self, Align2, Color32, Painter, Rect, Stroke, StrokeKind, Ui, pos2, vec2};
use moebias_engine::view::{Picture, Rows};
use moebias_files::view::Cells;
use moebias_model::config::Rule;

/// Space between two items, points.
const BETWEEN: f32 = 16.0;
/// Space between a swatch and its words, points.
const BESIDE: f32 = 6.0;

/// What the legend explains.
pub(super) struct Legend<'a> {
    pub theme: &'a Theme,
    /// The whole pane; the legend stands at its bottom.
    pub rect: Rect,
    pub grid: &'a Grid,
    pub cells: Cells,
    /// Whether the tokens have scores.
    pub scored: bool,
    pub picture: &'a Picture,
    /// The values at the two ends of the colour scale.
    pub range: (f32, f32),
}

enum Swatch {
    Ramp,
    Hollow(Color32),
    Plain(Color32),
    Flagged,
}

impl Swatch {
    fn width(&self) -> f32 {
        if matches!(self, Self::Ramp) { 48.0 } else { 12.0 }
    }
}

impl Legend<'_> {
    fn rows(&self) -> Rows {
        self.picture.request.rows
    }

    /// Whether several tokens share a row of the picture.
    fn is_shared(&self) -> bool {
        self.picture.per_row > 1
    }

    /// Whether colours are shares of tokens instead of scores.
    fn shows_shares(&self) -> bool {
        self.rows() == Rows::Topics || (self.is_shared() && self.cells == Cells::Chosen)
    }

    /// The colours with their meaning. Where something other than a bias moves tokens, the flag says so.
    fn items(&self) -> Vec<(Swatch, String)> {
        let (theme, shares) = (self.theme, self.shows_shares());
        let (flag, instead) = match self.picture.rule {
            Rule::ExpertChoice => ("not of its K best", "K best, not taken"),
            rule if !rule.moves_biases() && rule != Rule::None => ("not its choice", "its choice"),
            _ => ("by the bias", "without the bias"),
        };
        let name = match (self.rows(), self.cells) {
            (Rows::Topics, _) => "share",
            _ if shares => "share that chose it",
            (_, Cells::Biased) => "score + bias",
            _ => "score",
        };
        let tokens = self.rows() != Rows::Topics;
        let marks = tokens && matches!(self.cells, Cells::Chosen | Cells::Moved);
        let mut items: Vec<(Swatch, String)> = vec![];
        if shares || (self.scored && self.cells != Cells::Moved) {
            let (low, high) = self.range;
            items.push((Swatch::Ramp, format!("{name} {low:.2} – {high:.2}")));
        }
        if !shares && self.cells == Cells::Chosen {
            items.push((Swatch::Plain(theme.chosen), "chosen".into()));
        }
        if self.scored && marks {
            let swatch = if self.is_shared() { Swatch::Plain(theme.over) } else { Swatch::Flagged };
            items.push((swatch, flag.into()));
        }
        if self.picture.router.capacity.is_some() && marks {
            items.push((Swatch::Hollow(theme.chosen), "dropped".into()));
        }
        if tokens && self.cells == Cells::Moved {
            if !self.is_shared() {
                let by_experts = self.picture.rule == Rule::ExpertChoice;
                let anyway = if by_experts { "of its K best" } else { "chosen anyway" };
                items.push((Swatch::Plain(theme.heat(1.0)), anyway.into()));
            }
            items.push((Swatch::Plain(theme.under), instead.into()));
        }
        items
    }

    /// Draws the legend. In a narrow pane the word "expert" is left out first, then the scale of the scores, then all colours.
    pub(super) fn show(&self, ui: &Ui) {
        let (painter, theme, frame) = (ui.painter(), self.theme, self.grid.frame);
        let y = self.rect.bottom() - 7.0;
        let experts = self.grid.window.experts;
        let (first, last) = (experts.0.floor(), (experts.1.ceil() as usize).min(self.picture.experts) - 1);
        painter.text(pos2(frame.right(), y), Align2::RIGHT_CENTER, last.to_string(), mono(TINY), theme.faint);
        let mut items = self.items();
        let words = |t: &String| painter.layout_no_wrap(t.clone(), text(TINY), theme.dim);
        let width = |items: &[(Swatch, String)]| {
            let each = items.iter().map(|(s, t)| s.width() + BESIDE + words(t).size().x + BETWEEN);
            each.sum::<f32>() - BETWEEN
        };
        let named = width(&items) <= frame.width() - 120.0;
        if width(&items) > frame.width() - 50.0 {
            items.retain(|(s, _)| !matches!(s, Swatch::Ramp) || self.shows_shares());
        }
        let start = if named { format!("expert {first}") } else { first.to_string() };
        painter.text(pos2(frame.left(), y), Align2::LEFT_CENTER, start, mono(TINY), theme.faint);
        let total = width(&items);
        if total > frame.width() - 50.0 {
            return;
        }
        let mut x = frame.center().x - total / 2.0;
        for (swatch, name) in &items {
            self.swatch(painter, Rect::from_min_size(pos2(x, y - 4.0), vec2(swatch.width(), 8.0)), swatch);
            x += swatch.width() + BESIDE;
            let galley = words(name);
            let size = galley.size();
            painter.galley(pos2(x, y - size.y / 2.0), galley, theme.dim);
            x += size.x + BETWEEN;
        }
    }

    fn swatch(&self, painter: &Painter, patch: Rect, swatch: &Swatch) {
        let theme = self.theme;
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
                    let area = Rect::from_x_y_ranges(edge(i)..=edge(i + 1), patch.y_range());
                    mesh.add_colored_rect(area, self.ramp(i as f32 / 15.0));
                }
                painter.add(egui::Shape::mesh(mesh));
                painter.rect_stroke(patch, 0.0, Stroke::new(1.0, theme.line), StrokeKind::Outside);
            }
        }
    }

    /// The colour of a value, from 0 at the lower end of the scale to 1.
    fn ramp(&self, value: f32) -> Color32 {
        let theme = self.theme;
        if self.shows_shares() { Theme::mix(theme.heat_low, theme.chosen, value.sqrt()) } else { theme.heat(value) }
    }
}
