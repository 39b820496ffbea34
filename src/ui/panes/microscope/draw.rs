//! Draws a step at a position between its first and its last stage.

mod experts;

use super::board::{Board, between};
use super::player::{Player, Stage};
use super::words::{decimals, number, signed};
use crate::ui::kit::style::{TINY, mono, semibold, text};
use crate::ui::kit::theme::Theme;
use eframe::egui::{Align2, Color32, FontId, Painter, Pos2, Rect, Stroke, StrokeKind, epaint::RectShape, pos2, vec2};
use moebias_engine::microscope::{Microscope, Seen};
use moebias_model::config::Rule;

/// The row and the column that the pointer is on, or that are pinned.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Hot {
    /// The row of the token.
    pub row: Option<usize>,
    /// The column of the expert.
    pub column: Option<usize>,
}

/// Everything that drawing needs.
pub(super) struct Draw<'a> {
    pub painter: &'a Painter,
    pub theme: &'static Theme,
    pub view: &'a Microscope,
    pub board: Board,
    pub player: &'a Player,
    pub hot: Hot,
    /// The token and the expert in the formula below.
    pub told: Hot,
}

/// The way of one token to one expert: where its scores alone would send it, and where it goes.
struct Trip {
    row: usize,
    /// The column by the scores alone, if that is another column that is shown.
    first: Option<usize>,
    /// The column that the token goes to.
    column: usize,
    /// The position in the stack, from the bottom.
    place: usize,
    moved: bool,
    dropped: bool,
}

impl Draw<'_> {
    /// Draws everything.
    pub fn all(&self) {
        self.strips();
        self.heads();
        self.cells();
        self.mean();
        self.errors();
        self.biases();
        self.sweep();
        self.tokens();
    }

    fn text(&self, at: Pos2, align: Align2, words: impl ToString, font: FontId, colour: Color32) {
        self.painter.text(at, align, words, font, colour);
    }

    /// Draws the highlight below the row and the column that are pointed at.
    fn strips(&self) {
        let ground = Theme::mix(self.theme.pane, self.theme.chip, 0.55);
        if let Some(column) = self.hot.column {
            self.painter.rect_filled(self.board.strip(column), 5.0, ground);
        }
        if let Some(row) = self.hot.row {
            let cells = self.board.cell(row, 0).with_max_x(self.board.cells.right());
            self.painter.rect_filled(cells.with_min_x(cells.left() - super::board::LEFT + 4.0), 4.0, ground);
        }
    }

    /// Draws the experts' numbers and biases.
    fn heads(&self) {
        let (board, theme) = (&self.board, self.theme);
        let wide = board.column > 74.0;
        for (column, &expert) in self.view.experts.iter().enumerate() {
            let at = pos2(board.x(column), board.all.top() + 8.0);
            let hot = self.hot.column == Some(column);
            let colour = if hot { theme.accent } else { theme.text };
            let name = if wide { format!("expert {expert}") } else { expert.to_string() };
            self.text(at, Align2::CENTER_CENTER, name, if wide { text(TINY) } else { mono(TINY) }, colour);
            if self.has_bias() && board.column > 46.0 {
                let at = pos2(at.x, board.all.top() + 23.0);
                let d = if board.column > 62.0 { decimals(self.view) } else { 3 };
                let bias = self.view.bias_of(expert);
                let words = if self.view.rule() == Rule::Multiplicative {
                    format!("×{}", number(bias, d))
                } else {
                    signed(bias, d)
                };
                self.text(at, Align2::CENTER_CENTER, words, mono(TINY), theme.dim);
            }
        }
        let label = |y: f32, words: &str| {
            let at = pos2(board.cells.left() - 8.0, board.all.top() + y);
            self.text(at, Align2::RIGHT_CENTER, words, text(TINY), theme.faint);
        };
        if !wide {
            label(8.0, "expert");
        }
        if self.has_bias() && board.column > 46.0 {
            label(23.0, if self.view.rule() == Rule::Multiplicative { "factor" } else { "bias b" });
        }
        if self.shows_margins() && self.player.part(Stage::Choice) > 0.0 {
            let at = pos2(board.cells.right() + 6.0, board.all.top() + 23.0);
            self.text(at, Align2::LEFT_CENTER, "margin", text(TINY), theme.faint);
        }
    }

    fn has_bias(&self) -> bool {
        self.view.rule() == Rule::None || self.view.rule().moves_biases()
    }

    fn shows_margins(&self) -> bool {
        self.view.rule().is_top_k() && self.board.row >= 9.0
    }

    /// The progress of a row in a stage that goes from row to row.
    fn of_row(&self, stage: Stage, row: usize) -> f32 {
        let rows = self.view.tokens.len().max(1) as f32;
        // A quarter of the rows moves at the same time.
        let width = (rows * 0.25).max(1.0);
        ((self.player.part(stage) * (rows + width) - row as f32) / width).clamp(0.0, 1.0)
    }

    /// The number in a cell at this moment.
    fn value(&self, token: &Seen, row: usize, expert: usize) -> f64 {
        let (s, v) = (self.view.score(token, expert), self.view.biased(token, expert));
        s + (v - s) * f64::from(self.added(row))
    }

    /// The share of the biases that a row has received, as the biases move down over the rows.
    fn added(&self, row: usize) -> f32 {
        let rows = self.view.tokens.len().max(1) as f32;
        (self.player.done(Stage::Biased) * (rows + 1.0) - row as f32).clamp(0.0, 1.0)
    }

    fn cells(&self) {
        let (board, theme, view) = (&self.board, self.theme, self.view);
        let all = view.tokens.iter().flat_map(|t| view.experts.iter().map(|&e| view.score(t, e)));
        let (low, high) = all.fold((f64::INFINITY, 0.0f64), |(a, b), s| (a.min(s), b.max(s)));
        let d = match board.column {
            w if w >= 60.0 => decimals(view).min(5),
            w if w >= 52.0 => 4,
            w if w >= 42.0 => 3,
            _ => 2,
        };
        let numbers = board.row >= 9.0 && board.column >= 34.0;
        let size = (board.row - 2.0).clamp(8.0, 14.0);
        // The margins have a column of fixed width beside the cells.
        let (font, margins) = (mono(size), mono(size.min(TINY)));
        for (row, token) in view.tokens.iter().enumerate() {
            let shown = self.of_row(Stage::Scores, row);
            if shown <= 0.0 {
                continue;
            }
            for (column, &expert) in view.experts.iter().enumerate() {
                let cell = board.cell(row, column).shrink2(vec2(1.0, if board.row > 6.0 { 1.0 } else { 0.0 }));
                let value = self.value(token, row, expert);
                let amount = ((value - low) / (high - low).max(1e-9)).clamp(0.0, 1.0) as f32;
                let (fill, ink) = self.tint(token, row, expert, amount);
                self.painter.rect_filled(cell, 2.0, fill.gamma_multiply(shown));
                if numbers {
                    let ink = ink.gamma_multiply(shown);
                    self.text(cell.center(), Align2::CENTER_CENTER, number(value, d), font.clone(), ink);
                }
                if !view.may_have(token, expert) && self.of_row(Stage::Choice, row) > 0.5 {
                    self.painter.hline(cell.shrink(3.0).x_range(), cell.center().y, Stroke::new(1.0, theme.faint));
                }
            }
            if self.shows_margins()
                && let Some((_, _, margin)) = view.margin(token)
            {
                let strength = self.of_row(Stage::Choice, row);
                let at = pos2(board.cells.right() + 6.0, board.cell(row, 0).center().y);
                let words = number(margin, decimals(view).min(5));
                let colour = if Some(row) == self.told.row { theme.text } else { theme.dim };
                if strength > 0.6 {
                    self.text(at, Align2::LEFT_CENTER, words, margins.clone(), colour);
                }
            }
        }
        // Drawn over the neighbouring cells, which would otherwise cover the line.
        if let (Some(row), Some(column)) = (self.told.row, self.told.column)
            && self.of_row(Stage::Scores, row) > 0.0
            && board.row >= 6.0
        {
            let cell = board.cell(row, column).shrink(1.0);
            self.painter.rect_stroke(cell, 2.0, Stroke::new(1.0, theme.text), StrokeKind::Outside);
        }
    }

    /// The colour of a cell and of its number.
    fn tint(&self, token: &Seen, row: usize, expert: usize, amount: f32) -> (Color32, Color32) {
        let theme = self.theme;
        let heat = theme.heat(0.15 + 0.85 * amount);
        let chosen = self.of_row(Stage::Choice, row);
        let chosen = ((chosen - 0.75) * 4.0).clamp(0.0, 1.0);
        if token.chosen.contains(&expert) {
            // Once the token has left for its expert's stack, its colour stays behind, paler.
            let left = 0.45 * self.of_row(Stage::Counts, row);
            let colour = Theme::mix(self.colour(token.moved_to(expert)), theme.pane, left);
            let ink = if left > 0.2 { theme.text } else { self.ink() };
            return (Theme::mix(heat, colour, chosen), Theme::mix(theme.text, ink, chosen));
        }
        (Theme::mix(heat, theme.heat_low, 0.5 * chosen), Theme::mix(theme.text, theme.faint, chosen))
    }

    fn colour(&self, moved: bool) -> Color32 {
        if moved { self.theme.over } else { self.theme.chosen }
    }

    /// The colour of text on a chosen cell.
    fn ink(&self) -> Color32 {
        if self.theme.dark { self.theme.window } else { self.theme.pane }
    }

    /// The ways of all tokens that are shown.
    fn trips(&self) -> Vec<Trip> {
        let view = self.view;
        let column_of = |e: usize| view.experts.iter().position(|&x| x == e);
        let mut height = vec![0; view.experts.len()];
        let mut trips = vec![];
        for (row, token) in view.tokens.iter().enumerate() {
            let mut gone: Vec<usize> = token.unbiased.iter().copied().filter(|e| !token.chosen.contains(e)).collect();
            for &expert in &token.chosen {
                let moved = token.moved_to(expert);
                let instead = if moved && !gone.is_empty() { Some(gone.remove(0)) } else { None };
                let Some(column) = column_of(expert) else { continue };
                let place = height[column];
                height[column] += 1;
                let dropped = token.dropped.contains(&expert);
                trips.push(Trip { row, first: instead.and_then(column_of), column, place, moved, dropped });
            }
        }
        trips
    }

    /// Draws the tokens as tiles: to the left of their rows, on the way to their experts, and in the stacks.
    fn tokens(&self) {
        let (board, theme, view) = (&self.board, self.theme, self.view);
        let (_, each) = self.scale();
        let font = mono((board.row - 2.0).clamp(8.0, 13.0));
        for (row, token) in view.tokens.iter().enumerate() {
            let home = board.home(row);
            if board.row >= 9.0 {
                let colour = if self.told.row == Some(row) { theme.text } else { theme.dim };
                self.text(home.right_center(), Align2::RIGHT_CENTER, token.index, font.clone(), colour);
            }
        }
        let all = view.shows_all_tokens();
        let slot = |trip: &Trip| {
            let size = vec2((board.column * 0.64).min(84.0), (each - 1.0).max(1.0));
            let place = if all { trip.place as f32 } else { view.came[view.experts[trip.column]] as f32 - 1.0 };
            let foot = pos2(board.x(trip.column), board.stacks.bottom() - (place + 0.5) * each);
            Rect::from_center_size(foot, size)
        };
        for trip in self.trips() {
            let (chosen, counted) = (self.of_row(Stage::Choice, trip.row), self.of_row(Stage::Counts, trip.row));
            let cell = |column: usize| board.cell(trip.row, column).shrink2(vec2(1.0, 1.0));
            let fall = counted * counted * (3.0 - 2.0 * counted);
            let (rect, strength, moved) = if counted > 0.0 {
                // A tile disappears in a bar that stands for the whole batch.
                let strength = if all { 1.0 } else { 1.0 - fall };
                (between(cell(trip.column), slot(&trip), fall), strength, trip.moved)
            } else if chosen > 0.0 && chosen < 1.0 {
                let (rect, moved) = self.walk(&trip, chosen, cell);
                (rect, 1.0, moved)
            } else {
                continue;
            };
            if strength < 0.02 {
                continue;
            }
            let colour = self.colour(moved).gamma_multiply(strength);
            if trip.dropped && counted > 0.5 {
                self.painter.rect_stroke(rect, 2.0, Stroke::new(1.0, colour), StrokeKind::Inside);
            } else {
                self.painter.rect_filled(rect, 2.0, colour);
            }
            if self.told.row == Some(trip.row) {
                self.painter.add(RectShape::stroke(rect, 2.0, Stroke::new(1.5, theme.text), StrokeKind::Inside));
            }
            if rect.height() >= 8.5 && rect.width() >= 16.0 && strength > 0.5 {
                let ink = if trip.dropped && counted > 0.5 { theme.text } else { self.ink() };
                let font = mono((rect.height() - 1.0).clamp(7.5, 13.0));
                self.text(rect.center(), Align2::CENTER_CENTER, view.tokens[trip.row].index, font, ink);
            }
        }
        if board.row >= 9.0 {
            let at = pos2(board.cells.left() - 8.0, board.cells.bottom() + 7.0);
            let shown = !self.player.part(Stage::Counts).gt(&0.0);
            if shown {
                self.text(at, Align2::RIGHT_CENTER, "token", text(TINY), theme.faint);
            }
        }
    }

    /// The position of a token on its way along its row: first to the expert that its scores alone would choose, then to the one that the bias
    /// makes it choose.
    fn walk(&self, trip: &Trip, t: f32, cell: impl Fn(usize) -> Rect) -> (Rect, bool) {
        let smooth = |t: f32| {
            let t = t.clamp(0.0, 1.0);
            t * t * (3.0 - 2.0 * t)
        };
        let home = self.board.home(trip.row);
        match trip.first {
            Some(first) if t < 0.5 => (between(home, cell(first), smooth(2.0 * t)), false),
            Some(first) => (between(cell(first), cell(trip.column), smooth(2.0 * t - 1.0)), true),
            None => (between(home, cell(trip.column), smooth(t)), trip.moved),
        }
    }
}

/// Draws the name of a stage in the middle of a place.
pub(super) fn title(painter: &Painter, rect: Rect, name: &str, bold: bool, colour: Color32) {
    let font = if bold { semibold(12.0) } else { text(12.0) };
    painter.text(rect.center(), Align2::CENTER_CENTER, name, font, colour);
}
