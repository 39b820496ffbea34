//! The texture of a panel, which is remade when anything it depends on changes.

use super::raster::Painter;
use super::window::Window;
use super::{Assignment, Cells, FLAGGED, beside};
use crate::ui::kit::pixels::keep_pixels;
use crate::ui::panes::PaneContext;
use eframe::egui::{TextureHandle, TextureOptions, Ui};
use moebias_engine::view::Picture;
use std::sync::Arc;

/// What a texture was made from, besides the picture.
#[derive(Clone, PartialEq)]
pub(super) struct Key {
    /// The variant shown, the variant subtracted from it, and the variant that its tokens are compared with.
    of: [Option<usize>; 3],
    window: Window,
    size: [usize; 2],
    cells: Cells,
    dark: bool,
}

/// A texture, the picture it was made from, and the rows and experts that it covers (first and end).
pub(super) struct Made {
    pub(super) key: Key,
    pub(super) picture: Arc<Picture>,
    pub(super) texture: TextureHandle,
    pub(super) rows: (usize, usize),
    pub(super) experts: (usize, usize),
    pub(super) range: (f32, f32),
    /// Rows whose token goes to other experts than in the variant it is compared with.
    pub(super) elsewhere: Option<Vec<usize>>,
}

impl Assignment {
    /// Remakes a panel's texture if anything it depends on changed. `whole` is the picture with those of the other variants.
    pub(super) fn make(
        &mut self,
        ui: &Ui,
        cx: &PaneContext<'_>,
        at: (usize, &beside::Panel),
        whole: &Arc<Picture>,
        window: Window,
    ) {
        let (slot, panel) = at;
        let (picture, frame) = (&panel.picture, panel.frame);
        let scale = ui.ctx().pixels_per_point();
        let most = ui.ctx().input(|i| i.max_texture_side);
        let size = [(frame.width() * scale) as usize, (frame.height() * scale) as usize].map(|side| side.min(most));
        let cells = self.cells(cx);
        let base = beside::base_of(cx, panel, whole);
        let of = [Some(picture), panel.less.as_ref(), base.as_ref()].map(|p| p.map(|p| p.request.variant));
        let key = Key { of, window, size, cells, dark: cx.theme.dark };
        if self.made[slot].as_ref().is_some_and(|m| m.key == key && Arc::ptr_eq(&m.picture, whole)) {
            return;
        }
        let how = |p: &Picture| (p.router.gate, p.rule);
        let painter = Painter::new(picture, cells, &picture.bias, how(picture), cx.theme);
        let part = |(a, b): (f64, f64), n: usize, pixels: usize| {
            let b = (b.ceil().max(0.0) as usize).min(n);
            let a = (a.floor().max(0.0) as usize).min(b);
            let together = (b - a).div_ceil(pixels.max(1)).max(1);
            (a / together * together, b, together)
        };
        // Until the worker has answered, the visible part may differ from the part that this picture covers.
        let row = |at: f64| (at - f64::from(picture.first)) / f64::from(picture.per_row.max(1));
        let in_sight = (row(window.rows.0), row(window.rows.1));
        let (top, bottom, per_y) = part(in_sight, picture.rows(), size[1]);
        let (left, right, per_x) = part(window.experts, picture.experts, size[0]);
        let cell = frame.width() / (window.experts.1 - window.experts.0) as f32;
        let parts = if cell >= FLAGGED && (right - left) * 4 <= most { 4 } else { 1 };
        let (image, range) = match &panel.less {
            Some(less) => {
                let other = Painter::new(less, cells, &less.bias, how(less), cx.theme);
                let differ = beside::Differ { more: &painter, less: &other, cells, theme: cx.theme };
                let most = differ.most();
                (differ.image(&(top..bottom), &(left..right), [per_x, per_y], most), (0.0, most))
            }
            None => (painter.image(top..bottom, left..right, [per_x, per_y], parts), painter.range()),
        };
        let image = Arc::new(image);
        let ends = |start: usize, n: usize, per: usize| (start, start + (n - start).div_ceil(per) * per);
        let texture = match self.made[slot].take() {
            Some(mut made) => {
                made.texture.set(Arc::clone(&image), TextureOptions::NEAREST);
                made.texture
            }
            None => ui.ctx().load_texture("tokens and experts", Arc::clone(&image), TextureOptions::NEAREST),
        };
        keep_pixels(ui.ctx(), texture.id(), image);
        let (rows, experts) = (ends(top, bottom, per_y), ends(left, right, per_x));
        let elsewhere = base.map(|base| beside::elsewhere(&base, picture));
        self.made[slot] = Some(Made { key, picture: Arc::clone(whole), texture, rows, experts, range, elsewhere });
    }
}
