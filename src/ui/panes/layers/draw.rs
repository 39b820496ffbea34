//! Draws the layers: a picture of the loads, and columns of figures beside it.

use super::row::{Row, spread};
use crate::ui::kit::pixels::keep_pixels;
use crate::ui::kit::style::{TINY, mono, text};
use crate::ui::kit::theme::Theme;
use crate::ui::kit::widgets::slider::figure;
use crate::ui::kit::words::fitted;
use crate::ui::panes::shared::AXIS;
use eframe::egui::{
    self, Align2, Color32, ColorImage, Context, CornerRadius, Pos2, Rect, Stroke, StrokeKind, TextureHandle, TextureId,
    TextureOptions, Ui, pos2, vec2,
};
use moebias_lab::comparing::{Compared, percent};
use moebias_lab::layers::AllLayers;
use moebias_recordings::LayerDifference;
use std::sync::Arc;

/// Height of the headings above the columns, in points.
const ABOVE: f32 = 20.0;
/// Height of the two lines of text below, in points.
const BELOW: f32 = 36.0;
/// Least height of a row in which figures are readable, in points.
const READABLE: f32 = 12.0;
/// The columns of figures with their widths in points: MaxVio with its bar, dead experts, effective experts, and the share of tokens whose
/// experts differ in the recording that this one was compared with.
const COLUMNS: [(&str, f32); 4] = [("MaxVio", 112.0), ("dead", 48.0), ("effective", 74.0), (DIFFER, 62.0)];
const DIFFER: &str = "differ";
/// Greatest height of a bar, in points.
const BAR: f32 = 14.0;
/// Least width of the picture, in points; columns are left out to keep it.
const PICTURE: f32 = 140.0;

/// Everything needed to draw the layers.
pub(super) struct Draw<'a> {
    pub(super) all: &'a AllLayers,
    /// One row per layer; `None` while the layer has not been measured or routed.
    pub(super) rows: &'a [Option<Row>],
    /// The layer whose tokens the run routes.
    pub(super) current: Option<usize>,
    /// How the chosen experts differ from those of another recording, if the two were compared.
    pub(super) compared: Option<&'a Compared>,
    pub(super) theme: &'static Theme,
    pub(super) rect: Rect,
}

impl Draw<'_> {
    fn experts(&self) -> usize {
        self.rows.iter().flatten().map(|r| r.loads.len()).max().unwrap_or(0)
    }

    /// The columns of figures that fit beside the picture.
    fn columns(&self) -> Vec<(&'static str, f32)> {
        let room = self.rect.width() - AXIS - PICTURE;
        let mut columns: Vec<_> = COLUMNS.into_iter().filter(|c| c.0 != DIFFER || self.compared.is_some()).collect();
        // Columns are dropped from the right, except that the comparison, which was requested, is dropped after all others but MaxVio.
        while columns.iter().map(|c| c.1).sum::<f32>() > room && columns.len() > 1 {
            let place = columns.iter().rposition(|c| c.0 != DIFFER).filter(|&at| at > 0).unwrap_or(columns.len() - 1);
            columns.remove(place);
        }
        if columns.iter().map(|c| c.1).sum::<f32>() > room {
            columns.clear();
        }
        columns
    }

    /// How the chosen experts of a layer differ from those of the other recording; `None` if the two were not compared or the layer was
    /// not.
    fn differs(&self, layer: usize) -> Option<&LayerDifference> {
        let name = &self.all.rows.get(layer)?.name;
        self.compared?.found.layers.iter().find(|l| l.layer == *name)
    }

    fn frame(&self) -> Rect {
        let beside: f32 = self.columns().iter().map(|c| c.1).sum();
        let (min, max) = (self.rect.min + vec2(AXIS, ABOVE), self.rect.max - vec2(beside, BELOW));
        Rect::from_min_max(min, pos2(max.x.max(min.x), max.y.max(min.y)))
    }

    fn line(&self, layer: usize) -> egui::Rangef {
        let frame = self.frame();
        let height = frame.height() / self.rows.len().max(1) as f32;
        let top = frame.top() + height * layer as f32;
        egui::Rangef::new(top, top + height)
    }

    /// The texture of the loads: one pixel per layer and expert. `None` if there are no layers or experts.
    pub(super) fn texture(&self, ctx: &Context) -> Option<TextureHandle> {
        let (width, height) = (self.experts(), self.rows.len());
        if width == 0 || height == 0 {
            return None;
        }
        let mut image = ColorImage::filled([width, height], self.theme.pane);
        for (row, pixels) in self.rows.iter().zip(image.pixels.chunks_exact_mut(width)) {
            for (load, pixel) in row.iter().flat_map(|r| &r.loads).zip(pixels) {
                *pixel = self.theme.diverging((load - 1.0).clamp(-1.0, 1.0));
            }
        }
        let image = Arc::new(image);
        let texture = ctx.load_texture("layers", Arc::clone(&image), TextureOptions::NEAREST);
        keep_pixels(ctx, texture.id(), image);
        Some(texture)
    }

    /// Draws everything. Returns the layer under the pointer, and the expert if the pointer is on the picture.
    pub(super) fn show(
        &self,
        ui: &Ui,
        texture: Option<TextureId>,
        pointer: Option<Pos2>,
        expert: Option<usize>,
    ) -> Option<(usize, Option<usize>)> {
        let frame = self.frame();
        if frame.height() < 8.0 || frame.width() < 8.0 {
            return None;
        }
        let painter = ui.painter();
        if let Some(texture) = texture {
            let uv = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            painter.image(texture, frame, uv, Color32::WHITE);
        }
        let pointed = pointer.and_then(|p| self.pointed(p));
        self.figures(ui, pointed.map(|p| p.0));
        self.names(ui, pointed.map(|p| p.0));
        self.marks(ui, pointed, expert);
        self.below(ui, pointed);
        pointed
    }

    fn pointed(&self, at: Pos2) -> Option<(usize, Option<usize>)> {
        let frame = self.frame();
        if !frame.y_range().contains(at.y) || !self.rect.x_range().contains(at.x) {
            return None;
        }
        let layers = self.rows.len();
        let layer = (((at.y - frame.top()) / frame.height() * layers as f32) as usize).min(layers.checked_sub(1)?);
        let experts = self.experts();
        let expert = ((at.x - frame.left()) / frame.width() * experts as f32) as usize;
        Some((layer, Some(expert).filter(|_| frame.contains(at) && experts > 0).map(|e| e.min(experts - 1))))
    }

    /// Draws the columns of figures.
    fn figures(&self, ui: &Ui, pointed: Option<usize>) {
        let (painter, frame, theme) = (ui.painter(), self.frame(), self.theme);
        let most = self.rows.iter().flatten().map(|r| r.max_vio).fold(1e-9, f64::max);
        let every = self.every();
        let mut left = frame.right();
        for (name, width) in self.columns() {
            let x = egui::Rangef::new(left + 8.0, left + width);
            painter.text(pos2(x.max, frame.top() - 4.0), Align2::RIGHT_BOTTOM, name, text(TINY), theme.faint);
            for (layer, row) in self.rows.iter().enumerate() {
                let Some(row) = row else { continue };
                let line = self.line(layer);
                let bar = name == "MaxVio";
                if bar {
                    let share = (row.max_vio / most) as f32;
                    // The bar stays thin even in a high row.
                    let gap = (line.span() * 0.15).min(2.0).max((line.span() - BAR) / 2.0);
                    let bars = egui::Rangef::new(x.min, x.max - 44.0);
                    let end = bars.min + share * bars.span();
                    let area = Rect::from_x_y_ranges(bars.min..=end, line.min + gap..=line.max - gap);
                    painter.rect_filled(area, CornerRadius::same(1), theme.over.gamma_multiply(0.75));
                }
                let shown = layer % every == 0 && !self.hidden_by(pointed, layer, every);
                if shown || pointed == Some(layer) {
                    let value = match name {
                        "MaxVio" => format!("{:.2}", row.max_vio),
                        "dead" => row.dead.to_string(),
                        DIFFER => self.differs(layer).map_or_else(|| "–".into(), |l| percent(l.share())),
                        _ => format!("{:.1}", row.effective),
                    };
                    let colour = if pointed == Some(layer) { theme.text } else { theme.dim };
                    let y = self.clamped(line.center());
                    painter.text(pos2(x.max, y), Align2::RIGHT_CENTER, value, mono(TINY), colour);
                }
            }
            left += width;
        }
    }

    /// Figures are shown for every n-th layer, so that they do not overlap; returns n.
    fn every(&self) -> usize {
        let height = self.frame().height() / self.rows.len().max(1) as f32;
        (READABLE / height.max(0.01)).ceil().max(1.0) as usize
    }

    /// Whether the figures of the layer under the pointer would overlap those of this layer.
    fn hidden_by(&self, pointed: Option<usize>, layer: usize, every: usize) -> bool {
        pointed.is_some_and(|p| p != layer && every > 1 && p.abs_diff(layer) < every)
    }

    fn clamped(&self, y: f32) -> f32 {
        let frame = self.frame();
        y.clamp(frame.top() + 5.0, (frame.bottom() - 5.0).max(frame.top() + 5.0))
    }

    /// Draws the names of the layers on the left.
    fn names(&self, ui: &Ui, pointed: Option<usize>) {
        let (painter, frame, theme) = (ui.painter(), self.frame(), self.theme);
        painter.text(
            pos2(frame.left() - 6.0, frame.top() - 4.0),
            Align2::RIGHT_BOTTOM,
            "layer",
            text(TINY),
            theme.faint,
        );
        painter.text(pos2(frame.left(), frame.top() - 4.0), Align2::LEFT_BOTTOM, "expert", text(TINY), theme.faint);
        let every = self.every();
        for (layer, row) in self.all.rows.iter().enumerate() {
            let chosen = self.current == Some(layer);
            let free = |other: Option<usize>| !self.hidden_by(other, layer, every);
            let shown = layer % every == 0 && free(pointed) && free(self.current);
            if !(shown || pointed == Some(layer) || (chosen && free(pointed))) {
                continue;
            }
            let colour = if chosen {
                theme.accent
            } else if pointed == Some(layer) {
                theme.text
            } else {
                theme.faint
            };
            let name = if row.name.is_empty() { "–" } else { &row.name };
            let (galley, _) = fitted(ui, name, &mono(TINY), colour, AXIS - 10.0);
            let y = self.clamped(self.line(layer).center());
            painter.galley(pos2(frame.left() - 6.0 - galley.size().x, y - galley.size().y / 2.0), galley, colour);
        }
    }

    /// Outlines the layer shown, the layer under the pointer and the linked expert.
    fn marks(&self, ui: &Ui, pointed: Option<(usize, Option<usize>)>, expert: Option<usize>) {
        let (painter, frame, theme) = (ui.painter(), self.frame(), self.theme);
        let ring = |layer: usize, colour: Color32| {
            let area = Rect::from_x_y_ranges(frame.x_range(), self.line(layer));
            painter.rect_stroke(area, CornerRadius::ZERO, Stroke::new(1.0, colour), StrokeKind::Outside);
        };
        if let Some(expert) = expert.filter(|e| *e < self.experts()) {
            let width = frame.width() / self.experts() as f32;
            let left = frame.left() + width * expert as f32;
            let area = Rect::from_x_y_ranges(left..=left + width.max(2.0), frame.y_range());
            painter.rect_stroke(
                area,
                CornerRadius::ZERO,
                Stroke::new(1.0, theme.accent.gamma_multiply(0.7)),
                StrokeKind::Outside,
            );
        }
        if let Some((layer, _)) = pointed {
            ring(layer, theme.text.gamma_multiply(0.6));
        }
        if let Some(layer) = self.current.filter(|l| *l < self.rows.len()) {
            ring(layer, theme.accent);
        }
    }

    /// Draws the two lines of text below: how the layers vary, and the facts about the layer under the pointer, an error, the comparison or
    /// a hint.
    fn below(&self, ui: &Ui, pointed: Option<(usize, Option<usize>)>) {
        let (painter, theme) = (ui.painter(), self.theme);
        let known: Vec<&Row> = self.rows.iter().flatten().collect();
        let mut lines = [String::new(), String::new()];
        if let Some([low, middle, high]) = spread(known.iter().map(|r| r.max_vio).collect()) {
            let entropy = spread(known.iter().map(|r| r.entropy).collect()).map_or(0.0, |s| s[1]);
            lines[0] = if known.len() > 2 {
                format!(
                    "MaxVio of {} layers: p5 {low:.2}, p50 {middle:.2}, p95 {high:.2}; entropy p50 {entropy:.2}",
                    known.len()
                )
            } else {
                format!("MaxVio from {low:.2} to {high:.2}; entropy {entropy:.2}")
            };
        }
        if self.all.measured < self.rows.len() && self.all.failure.is_none() {
            lines[0] = format!("{} of {} layers are measured", self.all.measured, self.rows.len());
        }
        lines[1] = match (&self.all.failure, pointed) {
            (_, Some((layer, expert))) => self.told(layer, expert),
            (Some(failure), None) => failure.clone(),
            (None, None) if self.compared.is_some() => self.comparison(),
            (None, None) => "Click a layer to see it in all panes".into(),
        };
        let colours = [theme.dim, if self.all.failure.is_some() { theme.over_text } else { theme.faint }];
        for (line, (words, colour)) in lines.iter().zip(colours).enumerate() {
            let (galley, _) = fitted(ui, words, &text(TINY), colour, self.rect.width() - 4.0);
            let y = self.rect.bottom() - BELOW + 4.0 + 16.0 * line as f32;
            painter.galley(pos2(self.rect.left() + 2.0, y), galley, colour);
        }
    }

    /// The comparison in a sentence, with what was assumed or left out.
    fn comparison(&self) -> String {
        let Some(compared) = self.compared else { return String::new() };
        compared.found.notes.iter().fold(compared.in_words(), |text, note| format!("{text}; {note}"))
    }

    /// The result of the comparison for one layer, in words; empty without a comparison.
    fn parted(&self, layer: usize) -> String {
        let Some(found) = self.differs(layer) else { return String::new() };
        let margin = found.margin.and_then(|m| Some((m.differ?, m.all)));
        let margin = margin.map(|(differ, all)| {
            format!(", at a margin of {} (median; of all tokens {})", figure(differ, false), figure(all, false))
        });
        format!("; {} of {} tokens differ{}", found.differ, found.tokens, margin.unwrap_or_default())
    }

    fn told(&self, layer: usize, expert: Option<usize>) -> String {
        let name = self.all.rows.get(layer).map_or("", |r| &r.name);
        let Some(row) = self.rows.get(layer).and_then(Option::as_ref) else {
            return format!("layer {name}: not known yet");
        };
        let of = expert.and_then(|e| Some((e, row.loads.get(e)?)));
        let load = of.map(|(e, load)| format!(", expert {e} {load:.2}× fair")).unwrap_or_default();
        format!(
            "layer {name}{load}; MaxVio {:.2}, entropy {:.2}, {:.1} effective, {} dead{}",
            row.max_vio,
            row.entropy,
            row.effective,
            row.dead,
            self.parted(layer)
        )
    }
}
