//! Heatmaps of several variants side by side, or the difference of two: which pictures are shown, where they stand, and which tokens go to
//! other experts.

use super::super::PaneContext;
use super::super::shared::compared;
use super::decor::Grid;
use super::raster::Painter;
use super::window::Window;
use crate::ui::kit::style::{TINY, text};
use crate::ui::kit::theme::Theme;
use crate::ui::link::Side;
use eframe::egui::{Align2, Color32, ColorImage, Rect, Ui, pos2, vec2};
use moebias_engine::view::{Beside, CHOSEN, Picture, Rows};
use moebias_files::view::Cells;
use std::ops::Range;
use std::sync::Arc;

/// Space between pictures, in points. It contains the marks of tokens that go to other experts.
const GAP: f32 = 12.0;

/// One heatmap and its place.
pub(super) struct Panel {
    /// The picture that is drawn.
    pub picture: Arc<Picture>,
    /// The picture subtracted from it, if the difference is drawn.
    pub less: Option<Arc<Picture>>,
    /// The place of the heatmap.
    pub frame: Rect,
    /// The place of its name; `None` if there is only one heatmap.
    pub strip: Option<Rect>,
}

/// Which other variants to request from the worker.
pub(super) fn wanted(cx: &PaneContext<'_>) -> Beside {
    match (compared::side(cx), cx.link.other(compared::count(cx))) {
        (Side::Beside, _) => Beside::All,
        (Side::Difference, Some(other)) => Beside::Variant(other),
        _ => Beside::Nothing,
    }
}

/// The panels that are drawn in `frame`, from left to right.
pub(super) fn panels(cx: &PaneContext<'_>, picture: &Arc<Picture>, frame: Rect) -> Vec<Panel> {
    let side = compared::side(cx);
    if side == Side::One || picture.beside.is_empty() {
        return vec![Panel { picture: Arc::clone(picture), less: None, frame, strip: None }];
    }
    let (strip, below) = frame.split_top_bottom_at_y(frame.top() + compared::STRIP);
    if side == Side::Difference {
        // Until the worker has answered, the picture may have another variant instead of this one.
        let other = cx.link.other(compared::count(cx));
        let less = picture.beside.iter().find(|p| Some(p.request.variant) == other).map(Arc::clone);
        return vec![Panel {
            picture: Arc::clone(picture),
            less,
            frame: below.with_max_x(below.right() - GAP / 2.0),
            strip: Some(strip),
        }];
    }
    let mut all: Vec<Arc<Picture>> = std::iter::once(picture).chain(&picture.beside).map(Arc::clone).collect();
    all.sort_by_key(|p| p.request.variant);
    let width = (frame.width() - GAP * all.len() as f32) / all.len() as f32;
    let place = |i: usize| {
        let left = frame.left() + i as f32 * (width + GAP);
        left..=left + width
    };
    let panel = |(i, picture)| Panel {
        picture,
        less: None,
        frame: Rect::from_x_y_ranges(place(i), below.y_range()),
        strip: Some(Rect::from_x_y_ranges(place(i), strip.y_range())),
    };
    all.into_iter().enumerate().map(panel).collect()
}

/// The variant that the others are compared with: the reference, or else the variant shown.
pub(super) fn base(cx: &PaneContext<'_>) -> usize {
    cx.link.reference.unwrap_or(cx.link.variant)
}

/// The picture that a panel's tokens are compared with; `None` if there is nothing to compare.
pub(super) fn base_of(cx: &PaneContext<'_>, panel: &Panel, whole: &Arc<Picture>) -> Option<Arc<Picture>> {
    if panel.less.is_some() || panel.strip.is_none() {
        return panel.less.clone();
    }
    let base = base(cx);
    let all = std::iter::once(whole).chain(&whole.beside);
    all.filter(|p| p.request.variant == base && base != panel.picture.request.variant).map(Arc::clone).next()
}

/// Rows whose token goes to other experts in `b` than in `a`; empty if tokens share a row.
pub(super) fn elsewhere(a: &Picture, b: &Picture) -> Vec<usize> {
    if a.marks.is_empty() || b.marks.is_empty() || a.request.rows == Rows::Topics {
        return vec![];
    }
    let chosen = |p: &Picture, row: usize, e: usize| p.marks_of(row).get(e).is_some_and(|m| m & CHOSEN != 0);
    let most = a.experts.max(b.experts);
    let differs = |row: &usize| (0..most).any(|e| chosen(a, *row, e) != chosen(b, *row, e));
    (0..a.rows().min(b.rows())).filter(differs).collect()
}

/// Names above the panels, and beside each the tokens that go elsewhere than in the one they are compared with.
pub(super) fn decorate(ui: &Ui, cx: &mut PaneContext<'_>, panel: &Panel, cells: &Grid, elsewhere: Option<&[usize]>) {
    let Some(strip) = panel.strip else { return };
    let (theme, variant) = (cx.theme, panel.picture.request.variant);
    let rows = panel.picture.tokens.len();
    let told = panel.picture.per_row == 1 && panel.picture.request.rows != Rows::Topics;
    let more = match elsewhere.filter(|_| told) {
        Some(moved) if strip.width() > 240.0 => format!("{} of {rows} tokens go to other experts", moved.len()),
        Some(moved) if strip.width() > 200.0 => format!("{} of {rows} differ", moved.len()),
        Some(moved) if strip.width() > 110.0 => format!("{} of {rows}", moved.len()),
        _ => String::new(),
    };
    match &panel.less {
        None => compared::strip(ui, cx, strip, variant, &more),
        Some(less) => {
            let words = format!("{} less {}", compared::name(cx, variant), compared::name(cx, less.request.variant));
            ui.painter().text(strip.left_center(), Align2::LEFT_CENTER, words, text(TINY), theme.text);
            ui.painter().text(strip.right_center(), Align2::RIGHT_CENTER, more, text(TINY), theme.dim);
        }
    }
    let colour = if panel.less.is_some() { theme.text } else { compared::colour(cx, variant) };
    let painter = ui.painter().with_clip_rect(cells.frame.expand2(vec2(GAP, 0.0)));
    for run in elsewhere.unwrap_or_default().chunk_by(|a, b| a + 1 == *b) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        let (top, bottom) = (cells.top(&panel.picture, *first), cells.top(&panel.picture, last + 1));
        let x = cells.frame.right();
        let mark = Rect::from_min_max(pos2(x + 3.0, top), pos2(x + 6.0, bottom.max(top + 1.0)));
        painter.rect_filled(mark.intersect(cells.frame.expand2(vec2(GAP, 0.0))), 0.0, colour);
    }
}

/// The difference of two pictures in colours: orange where `more` has the larger value, blue where `less` has.
pub(super) struct Differ<'a> {
    pub more: &'a Painter<'a>,
    pub less: &'a Painter<'a>,
    pub cells: Cells,
    pub theme: &'a Theme,
}

impl Differ<'_> {
    /// Whether cells show which experts are chosen, with one token per row.
    fn marks(&self) -> bool {
        shows_marks(self.more.picture(), self.cells)
    }

    fn off(&self, row: usize, expert: usize) -> f32 {
        self.more.amount(row, expert) - self.less.amount(row, expert)
    }

    /// The largest difference of any cell, which gets the full colour.
    pub fn most(&self) -> f32 {
        if self.marks() {
            return 1.0;
        }
        let picture = self.more.picture();
        let all = (0..picture.rows()).flat_map(|r| (0..picture.experts).map(move |e| (r, e)));
        all.map(|(r, e)| self.off(r, e).abs()).fold(0.0, f32::max).max(1e-6)
    }

    fn cell(&self, row: usize, expert: usize, most: f32) -> Color32 {
        if !self.marks() {
            let off = self.off(row, expert) / most;
            return self.theme.diverging(off.abs().sqrt().copysign(off));
        }
        let chosen = |p: &Picture| p.marks_of(row).get(expert).is_some_and(|m| m & CHOSEN != 0);
        match (chosen(self.more.picture()), chosen(self.less.picture())) {
            (true, false) => self.theme.over,
            (false, true) => self.theme.under,
            (true, true) => Theme::mix(self.theme.middle, self.theme.fair, 0.45),
            (false, false) => self.theme.heat_low,
        }
    }

    /// The pixels of some rows and experts. If several cells share a pixel, it has the colour of the largest difference, so that none is
    /// lost.
    pub fn image(
        &self,
        rows: &Range<usize>,
        experts: &Range<usize>,
        [per_x, per_y]: [usize; 2],
        most: f32,
    ) -> ColorImage {
        let (width, height) = (experts.len().div_ceil(per_x).max(1), rows.len().div_ceil(per_y).max(1));
        let mut image = ColorImage::filled([width, height], self.theme.pane);
        let strong = |c: &Color32| {
            let [low, own] = [self.theme.heat_low, *c].map(|c| [c.r(), c.g(), c.b()].map(i32::from));
            (0..3).map(|i| (own[i] - low[i]).pow(2)).sum::<i32>()
        };
        for y in 0..height {
            for x in 0..width {
                let ys = rows.start + y * per_y..(rows.start + (y + 1) * per_y).min(rows.end);
                let xs = experts.start + x * per_x..(experts.start + (x + 1) * per_x).min(experts.end);
                let all = ys.flat_map(|r| xs.clone().map(move |e| (r, e))).map(|(r, e)| self.cell(r, e, most));
                image.pixels[y * width + x] = all.max_by_key(strong).unwrap_or(self.theme.pane);
            }
        }
        image
    }
}

/// Whether cells show who is chosen, one token each.
fn shows_marks(picture: &Picture, cells: Cells) -> bool {
    picture.per_row == 1 && picture.request.rows != Rows::Topics && matches!(cells, Cells::Chosen | Cells::Moved)
}

/// Draws the legend below a difference: what the colours mean.
pub(super) fn legend(
    ui: &Ui,
    cx: &PaneContext<'_>,
    panel: &Panel,
    rect: Rect,
    (cells, most): (Cells, f32),
    window: &Window,
) {
    let Some(less) = &panel.less else { return };
    let theme = cx.theme;
    let names = [panel.picture.request.variant, less.request.variant].map(|v| compared::name(cx, v));
    let marks = shows_marks(&panel.picture, cells);
    let what = match (panel.picture.request.rows, cells) {
        (Rows::Topics, _) => "share",
        (_, Cells::Score) => "score",
        (_, Cells::Biased) => "score + bias",
        _ => "share that chose it",
    };
    let both = Theme::mix(theme.middle, theme.fair, 0.45);
    let items = |chosen: &str, up_to: &str| match marks {
        true => vec![
            (theme.over, format!("{chosen}{} alone", names[0])),
            (theme.under, format!("{} alone", names[1])),
            (both, "both".to_owned()),
        ],
        false => vec![
            (theme.over, format!("{what} larger in {}{up_to}", names[0])),
            (theme.under, format!("in {}", names[1])),
        ],
    };
    let y = rect.bottom() - 7.0;
    let painter = ui.painter();
    let frame = panel.frame;
    let (first, last) =
        (window.experts.0.floor(), (window.experts.1.ceil() as usize).min(panel.picture.experts).max(1) - 1);
    let mono = crate::ui::kit::style::mono(TINY);
    painter.text(pos2(frame.left(), y), Align2::LEFT_CENTER, format!("expert {first}"), mono.clone(), theme.faint);
    painter.text(pos2(frame.right(), y), Align2::RIGHT_CENTER, last.to_string(), mono, theme.faint);
    let laid = |items: &[(Color32, String)]| {
        let galleys: Vec<_> =
            items.iter().map(|(_, t)| painter.layout_no_wrap(t.clone(), text(TINY), theme.dim)).collect();
        let total = galleys.iter().map(|g| g.size().x + 34.0).sum::<f32>() - 16.0;
        (galleys, total)
    };
    let room = frame.width() - 120.0;
    let mut all = items("chosen in ", &format!(", up to {most:.2}"));
    let (mut galleys, mut total) = laid(&all);
    if total > room {
        all = items("", "");
        (galleys, total) = laid(&all);
    }
    if total > room {
        return;
    }
    let mut x = frame.center().x - total / 2.0;
    for ((colour, _), galley) in all.iter().zip(galleys) {
        painter.rect_filled(Rect::from_min_size(pos2(x, y - 4.0), vec2(12.0, 8.0)), 1.0, *colour);
        let size = galley.size();
        painter.galley(pos2(x + 18.0, y - size.y / 2.0), galley, theme.dim);
        x += size.x + 34.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::kit::theme::DARK;
    use moebias_engine::view::{Token, UNBIASED};
    use moebias_model::config::{Gate, Rule};

    fn picture(chosen: &[usize]) -> Picture {
        let mut marks = vec![0; 8];
        chosen.iter().for_each(|&i| marks[i] = CHOSEN | UNBIASED);
        let tokens = vec![Token { index: 0, topic: 0 }, Token { index: 1, topic: 0 }];
        Picture {
            experts: 4,
            batch: 2,
            per_row: 1,
            sampled: 1,
            tokens,
            marks,
            scores: vec![0; 8],
            ..Picture::default()
        }
    }

    fn painter<'a>(picture: &'a Picture, cells: Cells, bias: &[i64]) -> Painter<'a> {
        Painter::new(picture, cells, bias, (Gate::Sigmoid, Rule::Sign), &DARK)
    }

    #[test]
    fn tokens_that_go_elsewhere_are_found_and_coloured() {
        let (a, b) = (picture(&[0, 5]), picture(&[0, 6]));
        assert_eq!(elsewhere(&a, &b), [1]);
        assert_eq!(elsewhere(&a, &a), Vec::<usize>::new());
        let (more, less) = (painter(&a, Cells::Chosen, &[0; 4]), painter(&b, Cells::Chosen, &[0; 4]));
        let differ = Differ { more: &more, less: &less, cells: Cells::Chosen, theme: &DARK };
        let pixels = differ.image(&(0..2), &(0..4), [1, 1], differ.most()).pixels;
        assert_eq!(pixels[5..7], [DARK.over, DARK.under]);
        assert_eq!(pixels[1], DARK.heat_low);
        assert!(pixels[0] != DARK.over && pixels[0] != DARK.heat_low, "in both");
        let far = differ.image(&(0..2), &(0..4), [4, 2], 1.0).pixels;
        assert!([DARK.over, DARK.under].contains(&far[0]), "from afar what differs is not lost");
    }

    #[test]
    fn scores_differ_by_what_the_biases_add() {
        let (a, b) = (picture(&[0]), picture(&[0]));
        let (more, less) = (painter(&a, Cells::Biased, &[1 << 31; 4]), painter(&b, Cells::Biased, &[1 << 30; 4]));
        let differ = Differ { more: &more, less: &less, cells: Cells::Biased, theme: &DARK };
        assert!((differ.most() - 0.25).abs() < 1e-6);
        assert_eq!(differ.image(&(0..1), &(0..1), [1, 1], differ.most()).pixels, [DARK.over]);
    }
}
