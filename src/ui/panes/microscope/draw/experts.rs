//! Draws the rows with one value per expert: the loads, their mean, the errors and the biases.

use super::super::player::Stage;
use super::super::words::{decimals, number, share, signed};
use super::Draw;
use crate::ui::kit::style::{TINY, mono, text};
use crate::ui::kit::theme::Theme;
use crate::ui::panes::load::load_colour;
use eframe::egui::{Align2, Rect, Shape, Stroke, StrokeKind, pos2, vec2};
use moebias_model::config::Rule;
use moebias_model::fixed::from_q32;

impl Draw<'_> {
    /// Draws the biases as they move down over the rows.
    pub(super) fn sweep(&self) {
        let t = self.player.done(Stage::Biased);
        if t <= 0.0 || t >= 1.0 || !self.has_bias() {
            return;
        }
        let (board, theme) = (&self.board, self.theme);
        let y = board.cells.top() + t * (self.view.tokens.len() as f32 + 1.0) * board.row;
        let y = y.min(board.cells.bottom());
        self.painter.hline(board.cells.x_range(), y, Stroke::new(1.0, theme.accent));
        if board.column < 40.0 {
            return;
        }
        for (column, &expert) in self.view.experts.iter().enumerate() {
            let chip = Rect::from_center_size(pos2(board.x(column), y), vec2(board.column.min(64.0), 15.0));
            self.painter.rect(chip, 4.0, theme.chip, Stroke::new(1.0, theme.accent), StrokeKind::Inside);
            let bias = self.view.bias_of(expert);
            let d = if board.column > 62.0 { decimals(self.view) } else { 3 };
            let words = if self.view.rule() == Rule::Multiplicative {
                format!("×{}", number(bias, d))
            } else {
                signed(bias, d)
            };
            self.text(chip.center(), Align2::CENTER_CENTER, words, mono(TINY), theme.text);
        }
    }

    /// The number of tokens that the stacks have room for, and the height per token in points.
    pub(super) fn scale(&self) -> (f32, f32) {
        let most = self.view.came.iter().copied().max().unwrap_or(0) as f32;
        let top = most.max(self.view.fair as f32 * 1.25).max(1.0);
        (top, (self.board.stacks.height().max(1.0) / top).min(26.0))
    }

    /// Draws the line at the mean, the height of each stack, and its number.
    pub(super) fn mean(&self) {
        let (board, theme, view) = (&self.board, self.theme, self.view);
        let t = self.player.part(Stage::Counts);
        if board.stacks.height() < 8.0 {
            return;
        }
        let (_, each) = self.scale();
        self.painter.hline(board.stacks.x_range(), board.stacks.bottom() + 0.5, Stroke::new(1.0, theme.line));
        let label = pos2(board.stacks.left() - 8.0, board.stacks.bottom() - 6.0);
        self.text(label, Align2::RIGHT_CENTER, "tokens", text(TINY), theme.faint);
        if t <= 0.0 {
            return;
        }
        let fair = view.fair as f32;
        let done = self.player.done(Stage::Counts);
        let mut labels = vec![];
        for (column, &expert) in view.experts.iter().enumerate() {
            let (came, kept) = (view.came[expert] as f32, view.loads[expert] as f32);
            let foot = pos2(board.x(column), board.stacks.bottom());
            if !view.shows_all_tokens() {
                // The stack stands for all tokens of the batch; those shown move into its bar.
                let half = (board.column * 0.32).min(42.0);
                let bar =
                    |n: f32| Rect::from_x_y_ranges(foot.x - half..=foot.x + half, foot.y - n * each * done..=foot.y);
                self.painter.rect_filled(
                    bar(kept),
                    2.0,
                    load_colour(theme, kept / fair.max(1e-6)).gamma_multiply(0.75),
                );
                if came > kept {
                    self.painter.rect_stroke(bar(came), 2.0, Stroke::new(1.0, theme.over), StrokeKind::Inside);
                }
            }
            if t > 0.8 && board.column > 20.0 {
                let at = pos2(foot.x, foot.y - came * each - 2.0);
                let words = self.painter.layout_no_wrap(share(f64::from(came)), mono(TINY), theme.text);
                let rect = Align2::CENTER_BOTTOM.anchor_size(at, words.size());
                labels.push((rect, words));
            }
        }
        let y = board.stacks.bottom() - fair * each;
        let ends = [
            pos2(board.stacks.left() - 4.0, y),
            pos2(board.stacks.left() - 4.0 + (board.stacks.width() + 8.0) * done, y),
        ];
        self.painter.extend(Shape::dashed_line(&ends, Stroke::new(1.0, theme.text), 5.0, 4.0));
        if done > 0.5 {
            let at = pos2(board.stacks.left() - 8.0, y.min(label.y - 13.0));
            self.text(at, Align2::RIGHT_CENTER, format!("c̄ {}", share(view.fair)), mono(TINY), theme.dim);
        }
        // The line does not run through a number.
        for (rect, words) in labels {
            self.painter.rect_filled(rect.expand2(vec2(2.0, -1.0)), 0.0, theme.pane);
            self.painter.galley(rect.min, words, theme.text);
        }
    }

    /// Draws an arrow from the top of each stack to the fair load.
    pub(super) fn errors(&self) {
        let t = self.player.done(Stage::Error);
        if t <= 0.0 {
            return;
        }
        let (board, theme, view) = (&self.board, self.theme, self.view);
        let (_, each) = self.scale();
        for (column, &expert) in view.experts.iter().enumerate() {
            let came = f64::from(view.came[expert]);
            let Some(aim) = view.aim[expert] else { continue };
            let error = aim - came;
            let x = board.x(column) + (board.column * 0.5 - 7.0).min(56.0);
            let y = |n: f64| board.stacks.bottom() - n as f32 * each;
            let (from, to) = (y(came), y(came) + (y(aim) - y(came)) * t);
            let answers = !matches!(view.rule(), Rule::Quantile | Rule::Bip) && view.rule().moves_biases();
            let colour = match error {
                _ if !answers => theme.faint,
                e if e < 0.0 => theme.over_text,
                e if e > 0.0 => theme.under,
                _ => theme.dim,
            };
            if (to - from).abs() > 1.0 {
                self.painter.arrow(pos2(x, from), vec2(0.0, to - from), Stroke::new(1.5, colour));
            } else {
                self.painter.hline(x - 3.0..=x + 3.0, from, Stroke::new(1.5, colour));
            }
            if board.column > 44.0 && t > 0.5 {
                let words =
                    if error == 0.0 { "0".to_owned() } else { signed(error, usize::from(error.fract() != 0.0)) };
                let at = pos2(board.x(column), board.stacks.bottom() + 3.0);
                self.text(at, Align2::CENTER_TOP, words, mono(TINY), colour);
            }
        }
        let at = pos2(board.stacks.left() - 8.0, board.stacks.bottom() + 9.0);
        self.text(at, Align2::RIGHT_CENTER, "c̄ − c", text(TINY), theme.faint);
    }

    /// Draws the biases, and how the update moves them.
    pub(super) fn biases(&self) {
        let (board, theme, view) = (&self.board, self.theme, self.view);
        if board.biases.height() < 12.0 {
            return;
        }
        if !self.has_bias() {
            let at = board.biases.center();
            return self.text(at, Align2::CENTER_CENTER, "This rule has no biases", text(TINY), theme.faint);
        }
        let t = self.player.done(Stage::Update);
        // A factor is drawn as its difference from 1.
        let origin = if view.rule() == Rule::Multiplicative { 1.0 } else { 0.0 };
        let off = |b: i64| from_q32(b) - origin;
        let all = view.experts.iter().flat_map(|&e| [off(view.before[e]), off(view.next[e])]);
        let (low, high) = all.fold((0.0f64, 0.0f64), |(a, b), x| (a.min(x), b.max(x)));
        let size = (high - low).max(1e-12);
        let area = board.biases.shrink2(vec2(0.0, 3.0));
        let y = |b: f64| area.top() + ((high - b) / size) as f32 * area.height();
        let zero = if high == 0.0 && low == 0.0 { area.center().y } else { y(0.0) };
        self.painter.hline(board.biases.x_range(), zero, Stroke::new(1.0, theme.line));
        let at = pos2(board.biases.left() - 8.0, board.biases.bottom() + 7.0);
        self.text(at, Align2::RIGHT_CENTER, if t > 0.0 { "new bias" } else { "bias b" }, text(TINY), theme.faint);
        let d = if board.column > 62.0 { decimals(view) } else { 3 };
        for (column, &expert) in view.experts.iter().enumerate() {
            let (before, next) = (off(view.before[expert]), off(view.next[expert]));
            let now = before + (next - before) * f64::from(t);
            let half = (board.column * 0.32).min(42.0);
            let x = board.x(column);
            let bar = |a: f32, b: f32| Rect::from_x_y_ranges(x - half..=x + half, a.min(b)..=a.max(b));
            let here = if low == 0.0 && high == 0.0 { zero } else { y(now) };
            self.painter.rect_filled(bar(zero, here), 1.0, Theme::mix(theme.pane, theme.fair, 0.7));
            if t > 0.0 && next != before {
                let colour = if next > before { theme.under } else { theme.over };
                let (a, b) = (y(before), here);
                self.painter.rect_filled(bar(a, b).expand2(vec2(0.0, 0.75)), 1.0, colour);
            }
            if board.column > 46.0 {
                let at = pos2(x, board.biases.bottom() + 1.0);
                let colour = match next - before {
                    _ if t <= 0.0 => theme.dim,
                    c if c > 0.0 => theme.under,
                    c if c < 0.0 => theme.over_text,
                    _ => theme.dim,
                };
                let words = number(now + origin, d);
                let arrow = if t <= 0.0 || next == before {
                    ""
                } else if next > before {
                    "↑"
                } else {
                    "↓"
                };
                let words = if board.column > 62.0 { format!("{words} {arrow}") } else { words };
                self.text(at, Align2::CENTER_TOP, words, mono(TINY), colour);
            }
        }
    }
}
