//! Turns a picture of tokens into pixels: the colour of each cell, and the mean colour of several cells that share a pixel.

use crate::ui::kit::theme::Theme;
use eframe::egui::{Color32, ColorImage};
use moebias_engine::view::{CHOSEN, DROPPED, Picture, Rows, UNBIASED};
use moebias_files::view::Cells;
use moebias_model::config::{Gate, Rule};
use moebias_model::fixed::{from_q32, from_score};
use std::ops::Range;

/// Colours the cells of one picture.
pub struct Painter<'a> {
    picture: &'a Picture,
    cells: Cells,
    theme: &'a Theme,
    /// The bias of each expert in score units, or a factor under the multiplicative rule.
    bias: Vec<f32>,
    multiplies: bool,
    /// What a stored score of 1 stands for, in score units.
    unit: f32,
    low: f32,
    high: f32,
}

impl<'a> Painter<'a> {
    /// For a picture with the biases (Q32) of its variant.
    pub fn new(picture: &'a Picture, cells: Cells, bias: &[i64], (gate, rule): (Gate, Rule), theme: &'a Theme) -> Self {
        let (multiplies, unit) = (rule == Rule::Multiplicative, gate.unit() as f32);
        let bias: Vec<f32> = bias.iter().map(|&b| from_q32(b) as f32).collect();
        let mut painter = Self { picture, cells, theme, bias, multiplies, unit, low: 0.0, high: 1.0 };
        let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
        let mut see = |v: f32| {
            low = low.min(v);
            high = high.max(v);
        };
        if picture.request.rows == Rows::Topics {
            see(0.0);
            picture.shares.iter().for_each(|&s| see(s));
        } else if picture.per_row > 1 && matches!(cells, Cells::Chosen | Cells::Moved) {
            see(0.0);
            (0..picture.rows()).for_each(|r| (0..picture.experts).for_each(|e| see(painter.share(r, e).0)));
        } else {
            (0..picture.rows()).for_each(|r| (0..picture.experts).for_each(|e| see(painter.value(r, e))));
        }
        if low < high {
            (painter.low, painter.high) = (low, high);
        }
        painter
    }

    /// The values that the lowest and the highest colour stand for.
    pub fn range(&self) -> (f32, f32) {
        (self.low, self.high)
    }

    /// The picture that it colours.
    pub fn picture(&self) -> &'a Picture {
        self.picture
    }

    /// The value of a cell: a share if topics are shown or tokens share a row, otherwise a score.
    pub fn amount(&self, row: usize, expert: usize) -> f32 {
        if self.picture.request.rows == Rows::Topics {
            self.picture.shares.get(row * self.picture.experts + expert).copied().unwrap_or(0.0)
        } else if self.picture.per_row > 1 && matches!(self.cells, Cells::Chosen | Cells::Moved) {
            let count = self.picture.counts_of(row).get(expert).copied().unwrap_or_default();
            f32::from(count.chosen) / self.picture.looked_at(row).max(1) as f32
        } else {
            self.value(row, expert)
        }
    }

    fn value(&self, row: usize, expert: usize) -> f32 {
        let score = self.picture.scores_of(row).get(expert).map_or(0.0, |&s| from_score(s) as f32 * self.unit);
        let bias = self.bias.get(expert).copied().unwrap_or(0.0);
        match self.cells {
            Cells::Biased if self.multiplies => score * bias,
            Cells::Biased => score + bias,
            _ => score,
        }
    }

    /// For tokens that share a row: the share of them that a cell shows. In [`Mode::Chosen`] that is the share that chose the expert, with
    /// the part of it that the bias moved there. In [`Mode::Moved`] it is the larger of the shares moved in and moved out, with 1 or −1.
    fn share(&self, row: usize, expert: usize) -> (f32, f32) {
        let count = self.picture.counts_of(row).get(expert).copied().unwrap_or_default();
        let of = self.picture.looked_at(row).max(1) as f32;
        let [chosen, moved_in, moved_out] = [count.chosen, count.moved_in, count.moved_out].map(|n| f32::from(n) / of);
        match self.cells {
            Cells::Moved if moved_out > moved_in => (moved_out, -1.0),
            Cells::Moved => (moved_in, 1.0),
            _ => (chosen, if chosen > 0.0 { moved_in / chosen } else { 0.0 }),
        }
    }

    /// A cell's colour, and whether the bias moved the token there.
    fn cell(&self, row: usize, expert: usize) -> (Color32, bool) {
        let theme = self.theme;
        let amount = |v: f32| (v - self.low) / (self.high - self.low);
        if self.picture.request.rows == Rows::Topics {
            let share = self.picture.shares.get(row * self.picture.experts + expert).copied().unwrap_or(0.0);
            return (Theme::mix(theme.heat_low, theme.chosen, amount(share).sqrt()), false);
        }
        if self.picture.per_row > 1 && matches!(self.cells, Cells::Chosen | Cells::Moved) {
            // Shares are small where experts are many: the root tells them apart.
            let (share, moved) = self.share(row, expert);
            let full = match self.cells {
                Cells::Moved if moved < 0.0 => theme.under,
                Cells::Moved => theme.over,
                _ => Theme::mix(theme.chosen, theme.over, moved),
            };
            return (Theme::mix(theme.heat_low, full, amount(share).sqrt()), false);
        }
        let marks = self.picture.marks_of(row).get(expert).copied().unwrap_or(0);
        let moved = marks & CHOSEN != 0 && marks & UNBIASED == 0;
        match self.cells {
            Cells::Score | Cells::Biased => (theme.heat(amount(self.value(row, expert))), false),
            Cells::Chosen | Cells::Moved if marks & DROPPED != 0 => {
                (Theme::mix(theme.heat_low, theme.chosen, 0.4), false)
            }
            Cells::Chosen if moved => (theme.over, true),
            Cells::Chosen if marks & CHOSEN != 0 => (theme.chosen, false),
            Cells::Chosen => (theme.heat(amount(self.value(row, expert))), false),
            Cells::Moved if moved => (theme.over, true),
            Cells::Moved if marks & UNBIASED != 0 && marks & CHOSEN == 0 => (theme.under, false),
            Cells::Moved if marks & CHOSEN != 0 => (theme.heat(1.0), false),
            Cells::Moved => (theme.heat_low, false),
        }
    }

    /// Whether an expert had no room for a token that chose it; such a cell is drawn hollow.
    fn hollow(&self, row: usize, expert: usize) -> bool {
        let dropped = self.picture.marks_of(row).get(expert).is_some_and(|m| m & DROPPED != 0);
        dropped && matches!(self.cells, Cells::Chosen | Cells::Moved)
    }

    /// The pixels of some rows and experts. `together` is the number of experts and of rows that share a pixel. `parts` is the number of
    /// pixels across one cell, which counts only if cells do not share pixels; if it is more than one, the first pixel is a flag if the
    /// bias moved the token there.
    pub fn image(&self, rows: Range<usize>, experts: Range<usize>, together: [usize; 2], parts: usize) -> ColorImage {
        let [per_x, per_y] = together.map(|n| n.max(1));
        let width = experts.len().div_ceil(per_x).max(1);
        let height = rows.len().div_ceil(per_y).max(1);
        let parts = if per_x == 1 && per_y == 1 { parts.max(1) } else { 1 };
        let mut image = ColorImage::filled([width * parts, height], self.theme.pane);
        for y in 0..height {
            let ys = rows.start + y * per_y..(rows.start + (y + 1) * per_y).min(rows.end);
            for x in 0..width {
                let xs = experts.start + x * per_x..(experts.start + (x + 1) * per_x).min(experts.end);
                let at = (y * width + x) * parts;
                if per_x * per_y == 1 {
                    let (colour, moved) = self.cell(ys.start, xs.start);
                    image.pixels[at..at + parts].fill(colour);
                    if moved && parts > 1 {
                        image.pixels[at] = self.theme.text;
                    }
                    if parts > 2 && self.hollow(ys.start, xs.start) {
                        image.pixels[at..at + parts].fill(self.theme.chosen);
                        image.pixels[at + 1..at + parts - 1].fill(self.theme.pane);
                    }
                } else {
                    image.pixels[at] =
                        mean(ys.clone().flat_map(|r| xs.clone().map(move |e| (r, e))).map(|(r, e)| self.cell(r, e).0));
                }
            }
        }
        image
    }
}

/// The mean colour, as the cells would look from afar.
fn mean(colours: impl Iterator<Item = Color32>) -> Color32 {
    let (mut sum, mut n) = ([0u32; 3], 0);
    for c in colours {
        for (s, v) in sum.iter_mut().zip([c.r(), c.g(), c.b()]) {
            *s += u32::from(v);
        }
        n += 1;
    }
    let [r, g, b] = sum.map(|s| (s / n.max(1)) as u8);
    Color32::from_rgb(r, g, b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::kit::theme::DARK;
    use moebias_engine::view::{Count, Token, ViewRequest};

    fn picture() -> Picture {
        let tokens = [3, 1, 3, 0].iter().enumerate().map(|(i, &topic)| Token { index: i as u32, topic }).collect();
        let mut marks = vec![0; 16];
        marks[0] = CHOSEN | UNBIASED;
        marks[1] = CHOSEN;
        marks[2] = UNBIASED;
        Picture {
            request: ViewRequest::default(),
            experts: 4,
            batch: 4,
            per_row: 1,
            sampled: 1,
            tokens,
            scores: (0..16).map(|i| i << 16).collect(),
            marks,
            ..Picture::default()
        }
    }

    #[test]
    fn a_row_that_tokens_share_shows_their_shares() {
        let count = |chosen, moved_in, moved_out| Count { chosen, moved_in, moved_out };
        let counts = vec![count(8, 0, 0), count(2, 2, 0), count(0, 0, 4), count(0, 0, 0)];
        let p = Picture { per_row: 8, sampled: 8, batch: 8, counts, experts: 4, ..picture() };
        let p = Picture { tokens: p.tokens[..1].to_vec(), ..p };
        let painter = Painter::new(&p, Cells::Chosen, &[0; 4], (Gate::Sigmoid, Rule::Sign), &DARK);
        let pixels = painter.image(0..1, 0..4, [1, 1], 1).pixels;
        assert_eq!((pixels[0], pixels[3]), (DARK.chosen, DARK.heat_low));
        assert_eq!(pixels[1], Theme::mix(DARK.heat_low, DARK.over, 0.5));
        let painter = Painter::new(&p, Cells::Moved, &[0; 4], (Gate::Sigmoid, Rule::Sign), &DARK);
        assert_eq!(painter.image(0..1, 2..3, [1, 1], 1).pixels, [DARK.under], "half of them went away");
    }

    #[test]
    fn what_is_moved_has_a_colour_and_a_flag() {
        let p = picture();
        let painter = Painter::new(&p, Cells::Chosen, &[0; 4], (Gate::Sigmoid, Rule::Sign), &DARK);
        let image = painter.image(0..4, 0..4, [1, 1], 3);
        assert_eq!(image.size, [12, 4]);
        assert_eq!(image.pixels[..3], [DARK.chosen; 3]);
        assert_eq!(image.pixels[3..6], [DARK.text, DARK.over, DARK.over]);
        let painter = Painter::new(&p, Cells::Moved, &[0; 4], (Gate::Sigmoid, Rule::Sign), &DARK);
        assert_eq!(painter.image(0..1, 2..3, [1, 1], 1).pixels, [DARK.under], "it would have been chosen");
    }

    #[test]
    fn cells_that_share_a_pixel_are_averaged() {
        let p = picture();
        let painter = Painter::new(&p, Cells::Chosen, &[0; 4], (Gate::Sigmoid, Rule::Sign), &DARK);
        let image = painter.image(0..4, 0..4, [4, 4], 3);
        assert_eq!(image.size, [1, 1]);
        assert_ne!(image.pixels[0], DARK.heat(0.5));
    }
}
