//! Load over time as a picture: a row per expert, a column per step.

use super::shared::time_plot;
use super::shared::{AXIS, compared, describe, nothing_yet, of_one};
use super::{Pane, PaneContext, PaneKind};
use crate::ui::kit::pixels::keep_pixels;
use crate::ui::kit::style::{TINY, mono, text};
use crate::ui::kit::theme::Theme;
use crate::ui::kit::widgets::slider::figure;
use crate::ui::link::Side;
use eframe::egui::{
    self, Align2, Color32, ColorImage, CornerRadius, Rect, Sense, Stroke, TextureHandle, TextureOptions, Ui, epaint,
    pos2, vec2,
};
use moebias_engine::history::{Column, VariantHistory};
use moebias_engine::run::lock;
use moebias_engine::start::RunId;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Height of the step numbers below, in points.
const BELOW: f32 = 18.0;
/// The width of the picture, in points, from which the caption below has more than the word "step".
const ROOM_FOR_WORDS: f32 = 300.0;
/// The distance from the fair share, relative to it, at which a pixel has the full colour.
const FULL: f32 = 1.0;
/// A peak must be more than this many times further from the fair share than the mean of its pixel.
const PEAK: f32 = 2.0;
/// The number of standard deviations of a fair load beyond which a peak is not attributed to chance.
const SIGMAS: f32 = 4.5;
/// The shortest time between two updates of a large picture.
const REST: Duration = Duration::from_millis(60);

/// Everything that a picture depends on; it is made again when one of these changes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Key {
    run: RunId,
    version: u64,
    /// The variant, and the variant whose loads are subtracted.
    variant: (usize, Option<usize>),
    span: (f64, f64),
    size: [usize; 2],
    dark: bool,
}

/// The pane.
#[derive(Default)]
pub struct LoadHistory {
    /// One picture per variant that is shown.
    made: Vec<Made>,
}

/// The picture of one variant.
#[derive(Default)]
struct Made {
    texture: Option<TextureHandle>,
    key: Option<Key>,
    at: Option<Instant>,
}

impl Pane for LoadHistory {
    fn kind(&self) -> PaneKind {
        PaneKind::LoadHistory
    }

    fn subtitle(&self, cx: &PaneContext<'_>) -> String {
        let snapshot = cx.lab.snapshot();
        let experts = snapshot.variants.get(cx.link.variant).map_or(0, |v| v.bias.len());
        let (from, to) = time_plot::span(cx.link, snapshot);
        let steps = (to.min(snapshot.head as f64) - from).max(0.0).round();
        format!("{experts} experts × {} steps, times the fair share", figure(steps, true))
    }

    fn whose(&self, cx: &PaneContext<'_>) -> Option<usize> {
        of_one(cx)
    }

    fn tools(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>) {
        compared::switch(ui, cx, ("Beside", true), compared::NARROW);
        if ui.available_width() < 320.0 {
            return;
        }
        let theme = cx.theme;
        let difference = compared::side(cx) == Side::Difference;
        let [most, least] = if difference { ["+1×", "−1×"] } else { ["2×", "0×"] };
        ui.label(egui::RichText::new(most).font(mono(TINY)).color(theme.faint));
        let (rect, _) = ui.allocate_exact_size(vec2(84.0, 8.0), Sense::hover());
        let mut mesh = epaint::Mesh::default();
        let n = 24;
        for i in 0..n {
            let x = |i: usize| egui::lerp(rect.x_range(), i as f32 / n as f32);
            let value = (i as f32 + 0.5) / n as f32 * 2.0 - 1.0;
            mesh.add_colored_rect(Rect::from_x_y_ranges(x(i)..=x(i + 1), rect.y_range()), theme.diverging(value));
        }
        ui.painter().add(egui::Shape::mesh(mesh));
        ui.label(egui::RichText::new(least).font(mono(TINY)).color(theme.faint));
    }

    fn help(&self) -> &'static str {
        "Every expert's load at every step, divided by the fair share: grey is fair, orange above, blue below, full colour at 0 and at \
         twice the fair share. Where experts share a row of pixels the one furthest from fair shows; where steps share a column, their \
         mean; if one of them is far further from fair than that, beyond chance, half way to it. Point at it to see an expert everywhere, click to pin it. Scroll to zoom, drag to pan, double-click for the whole run, again for its latest steps."
    }

    fn ui(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>) {
        let snapshot = cx.lab.snapshot().clone();
        if lock(&snapshot.history).variants.iter().all(|v| v.recent().len() == 0) {
            return nothing_yet(ui, cx, "the picture grows from here");
        }
        let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::click_and_drag());
        describe(&response, self, cx);
        let frame = Rect::from_min_max(rect.min + vec2(AXIS, 2.0), rect.max - vec2(0.0, BELOW));
        if !frame.is_positive() {
            return;
        }
        let span = time_plot::span(cx.link, &snapshot);
        let shown = match (compared::side(cx), cx.link.other(snapshot.variants.len())) {
            (Side::Beside, _) => compared::beside(cx).into_iter().map(|v| (v, None)).collect(),
            (Side::Difference, other) => vec![(cx.link.variant, other)],
            _ => vec![(cx.link.variant, None)],
        };
        self.made.resize_with(shown.len(), Made::default);
        let high = frame.height() / shown.len() as f32;
        let mut pointed = None;
        for (n, &(variant, less)) in shown.iter().enumerate() {
            let top = frame.top() + n as f32 * high;
            let part = Rect::from_x_y_ranges(frame.x_range(), top..=top + high);
            let part = if shown.len() > 1 || less.is_some() {
                let strip = part.with_max_y(top + compared::STRIP.min(high / 3.0));
                let more = less.map(|o| format!("less {}", compared::name(cx, o))).unwrap_or_default();
                compared::strip(ui, cx, strip, variant, &more);
                let gap = if n + 1 < shown.len() { 3.0 } else { 0.0 };
                part.with_min_y(strip.bottom()).with_max_y(part.bottom() - gap)
            } else {
                part
            };
            if !part.is_positive() {
                continue;
            }
            let experts = snapshot.variants.get(variant).map_or(1, |v| v.bias.len()).max(1);
            self.made[n].show(ui, cx, (variant, less), part, span);
            decorate(ui, cx, part, (span, experts), n + 1 == shown.len());
            if response.hover_pos().is_some_and(|p| part.contains(p)) {
                pointed = Some((variant, part, experts));
            }
        }
        time_plot::interact(ui, &response, frame, cx);
        time_plot::zoomed(ui, cx, frame);
        if let (Some(pointer), Some((variant, part, experts))) = (response.hover_pos(), pointed) {
            if shown.len() > 1 {
                cx.link.hover_variant(variant);
            }
            let row = part.height() / experts as f32;
            let expert = (((pointer.y - part.top()) / row) as usize).min(experts - 1);
            cx.link.hover_expert(expert);
            if response.clicked() {
                cx.link.toggle_pin(expert);
            }
            let step =
                (span.0 + f64::from((pointer.x - frame.left()) / frame.width()) * (span.1 - span.0)).max(0.0) as u64;
            let history = lock(&snapshot.history);
            let of = history.variants.get(variant);
            let column = of.and_then(|v| v.at(step)).filter(|c| expert < c.load.len()).cloned();
            drop(history);
            let words = match column {
                Some(c) if c.steps == 1 => {
                    format!("{}  expert {expert}  {:.2}× fair", time_plot::steps_of(&c), c.load[expert])
                }
                Some(c) => format!(
                    "{}  expert {expert}  {:.2}× fair, {:.2} – {:.2}",
                    time_plot::steps_of(&c),
                    c.load[expert],
                    c.load_low()[expert],
                    c.load_high()[expert]
                ),
                None => format!("step {}  not yet", figure(step as f64, true)),
            };
            time_plot::readout(ui, cx, part, &words);
        }
    }
}

impl Made {
    /// Draws the loads of one variant, or their difference from those of another.
    fn show(&mut self, ui: &Ui, cx: &PaneContext<'_>, variant: (usize, Option<usize>), frame: Rect, span: (f64, f64)) {
        let (snapshot, theme) = (cx.lab.snapshot(), cx.theme);
        let scale = ui.ctx().pixels_per_point();
        let experts = snapshot.variants.get(variant.0).map_or(1, |v| v.bias.len()).max(1);
        let most = ui.ctx().input(|i| i.max_texture_side);
        let size = [(frame.width() * scale) as usize, experts.min((frame.height() * scale) as usize).max(1)];
        let size = size.map(|side| side.min(most));
        let history = lock(&snapshot.history);
        let Some(of) = history.variants.get(variant.0).or(history.variants.first()) else { return };
        let key = Key { run: snapshot.run, version: history.version, variant, span, size, dark: theme.dark };
        let large = experts * size[0] > 200_000;
        let resting = large
            && self.at.is_some_and(|t| t.elapsed() < REST)
            && self.key.is_some_and(|k| Key { version: key.version, span, ..k } == key);
        if self.key != Some(key) && !resting {
            let mut columns = columns(of, span, size[0]);
            if let Some(other) = variant.1.and_then(|o| history.variants.get(o)) {
                columns = columns.iter().filter_map(|c| less(c, other.at(c.step)?)).collect();
            }
            drop(history);
            // Chance alone hardly ever moves a load further than this from the fair share, relative to it.
            let fair = snapshot.variants.get(variant.0).map_or(1.0, |v| v.fair() as f32);
            let image = Arc::new(raster(&columns, span, size, (experts, SIGMAS / fair.max(1.0).sqrt()), theme));
            match &mut self.texture {
                Some(texture) => texture.set(Arc::clone(&image), TextureOptions::NEAREST),
                none => {
                    *none = Some(ui.ctx().load_texture("load over time", Arc::clone(&image), TextureOptions::NEAREST));
                }
            }
            if let Some(texture) = &self.texture {
                keep_pixels(ui.ctx(), texture.id(), image);
            }
            self.key = Some(key);
            self.at = Some(Instant::now());
        } else {
            drop(history);
            if self.key != Some(key) {
                ui.ctx().request_repaint_after(REST);
            }
        }
        if let Some(texture) = &self.texture {
            let uv = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            ui.painter().image(texture.id(), frame, uv, Color32::WHITE);
        }
    }
}

/// The mean loads of a column minus those of another variant over the same steps, plus 1, so that equal loads get the colour of a fair
/// load. `None` if the variants have different numbers of experts.
fn less(column: &Column, other: &Column) -> Option<Arc<Column>> {
    let same = column.load.len() == other.load.len();
    let off = column.load.iter().zip(&other.load).map(|(a, b)| 1.0 + a - b).collect();
    let mut out = Column::single(column.step, column.metrics, off, Box::default());
    out.steps = column.steps;
    same.then(|| Arc::new(out))
}

/// Draws the step numbers below, the first and the last expert on the left, events, the playhead, the hovered step and the linked expert.
fn decorate(ui: &Ui, cx: &PaneContext<'_>, frame: Rect, (span, experts): ((f64, f64), usize), lowest: bool) {
    let theme = cx.theme;
    let painter = ui.painter();
    let x_of = |step: f64| frame.left() + ((step - span.0) / (span.1 - span.0)) as f32 * frame.width();
    let edges = [(frame.left(), span.0, Align2::LEFT_BOTTOM), (frame.right(), span.1, Align2::RIGHT_BOTTOM)];
    for (x, step, align) in edges.into_iter().filter(|_| lowest) {
        painter.text(pos2(x, frame.bottom() + BELOW), align, figure(step.round(), true), mono(TINY), theme.faint);
    }
    if lowest {
        let words = time_plot::resolution(cx, frame.width()).filter(|_| frame.width() > ROOM_FOR_WORDS);
        let words = words.map_or("step".into(), |words| format!("step · {words}"));
        let at = pos2(frame.center().x, frame.bottom() + BELOW);
        painter.text(at, Align2::CENTER_BOTTOM, words, text(TINY), theme.faint);
    }
    let left = frame.left() - 6.0;
    // The number of the linked expert replaces numbers that it would overlap.
    let row = frame.height() / experts as f32;
    let linked = cx.link.expert().filter(|e| *e < experts);
    let number_at = |expert: usize| {
        let middle = frame.top() + row * (expert as f32 + 0.5);
        middle.clamp(frame.top() + 6.0, frame.bottom() - 6.0)
    };
    let free = |y: f32| linked.is_none_or(|e| (number_at(e) - y).abs() > 14.0);
    if frame.height() >= 26.0 {
        if free(frame.top() + 6.0) {
            painter.text(pos2(left, frame.top()), Align2::RIGHT_TOP, "0", mono(TINY), theme.faint);
        }
        if free(frame.bottom() - 6.0) {
            let last = (experts - 1).to_string();
            painter.text(pos2(left, frame.bottom()), Align2::RIGHT_BOTTOM, last, mono(TINY), theme.faint);
        }
    }
    if frame.height() >= 90.0 {
        super::shared::upright(painter, frame, "expert", theme.faint);
    }
    let inside = painter.with_clip_rect(frame);
    let snapshot = cx.lab.snapshot();
    for event in snapshot.events.iter() {
        inside.vline(x_of(event.step as f64), frame.y_range(), Stroke::new(1.0, theme.fair.gamma_multiply(0.7)));
    }
    if snapshot.step < snapshot.head {
        inside.vline(x_of(snapshot.step as f64), frame.y_range(), Stroke::new(1.5, theme.accent));
    }
    if let Some(step) = cx.link.hovered_step {
        inside.vline(x_of(step as f64 + 0.5), frame.y_range(), Stroke::new(1.0, theme.text.gamma_multiply(0.45)));
    }
    if let Some(expert) = linked {
        let middle = frame.top() + row * (expert as f32 + 0.5);
        let stripe = Rect::from_x_y_ranges(frame.x_range(), middle - row.max(2.0) / 2.0..=middle + row.max(2.0) / 2.0);
        painter.rect_stroke(stripe, CornerRadius::ZERO, Stroke::new(1.0, theme.accent), egui::StrokeKind::Outside);
        painter.text(pos2(left, number_at(expert)), Align2::RIGHT_CENTER, expert.to_string(), mono(TINY), theme.accent);
    }
}

/// The visible columns, at most a few per pixel.
fn columns(of: &VariantHistory, (from, to): (f64, f64), width: usize) -> Vec<Arc<Column>> {
    let per_pixel = ((to - from) / width.max(1) as f64).max(1.0) as u64;
    of.columns(from.max(0.0) as u64, to.ceil().max(0.0) as u64, per_pixel)
}

/// The value of a pixel, from the smallest, the mean and the largest load of its steps. Usually the mean; but a peak or a gap that is much
/// further from the fair share than the mean, and further than `chance`, counts half, so that zooming out does not hide it.
fn shown(low: f32, mean: f32, high: f32, chance: f32) -> f32 {
    let far = if high - 1.0 > 1.0 - low { high } else { low };
    let (peak, mean) = (far - 1.0, mean - 1.0);
    if peak.abs() > PEAK * mean.abs() + FULL / 2.0 + chance { mean + (peak - mean) / 2.0 } else { mean }
}

/// Makes the picture: columns are steps, rows are experts.
fn raster(
    columns: &[Arc<Column>],
    (from, to): (f64, f64),
    [width, height]: [usize; 2],
    (experts, chance): (usize, f32),
    theme: &Theme,
) -> ColorImage {
    let width = width.max(1);
    let mut image = ColorImage::filled([width, height], theme.pane);
    let per_pixel = (to - from) / width as f64;
    let mut off = vec![0f32; experts];
    let [mut sum, mut low, mut high] = [(); 3].map(|()| vec![0f32; experts]);
    let mut first = 0;
    let mut before = None;
    for x in 0..width {
        let (left, right) = (from + x as f64 * per_pixel, from + (x + 1) as f64 * per_pixel);
        while columns.get(first).is_some_and(|c| c.end() as f64 <= left) {
            first += 1;
        }
        let here = columns[first..].iter().take_while(|c| (c.step as f64) < right).count();
        if here == 0 {
            before = None;
            continue;
        }
        // A wide column fills several pixels; its colours are computed once.
        if here > 1 || before != Some(first) {
            before = (here == 1).then_some(first);
            let here = &columns[first..first + here];
            if let [c] = here {
                let all = c.load_low().iter().zip(&c.load).zip(c.load_high());
                off.iter_mut().zip(all).for_each(|(off, ((&low, &mean), &high))| *off = shown(low, mean, high, chance));
            } else {
                sum.fill(0.0);
                low.fill(f32::INFINITY);
                high.fill(f32::NEG_INFINITY);
                let mut steps = 0.0;
                for c in here {
                    let w = c.steps as f32;
                    steps += w;
                    sum.iter_mut().zip(c.load.iter()).for_each(|(s, l)| *s += l * w);
                    low.iter_mut().zip(c.load_low()).for_each(|(a, &b)| *a = a.min(b));
                    high.iter_mut().zip(c.load_high()).for_each(|(a, &b)| *a = a.max(b));
                }
                let all = low.iter().zip(&sum).zip(&high);
                off.iter_mut()
                    .zip(all)
                    .for_each(|(off, ((&low, &sum), &high))| *off = shown(low, sum / steps, high, chance));
            }
        }
        for y in 0..height {
            let rows = y * experts / height..((y + 1) * experts / height).max(y * experts / height + 1);
            let off = off[rows].iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or(0.0);
            image.pixels[y * width + x] = theme.diverging((off / FULL).clamp(-1.0, 1.0));
        }
    }
    image
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::kit::theme::DARK;
    use moebias_engine::history::History;
    use moebias_model::metrics::Metrics;
    use moebias_model::row::{StepRow, VariantRow};

    #[test]
    fn every_step_and_every_expert_is_in_the_picture() {
        let mut history = History::new(&[4], 0);
        for step in 0..100 {
            // Expert 2 has twice its share in the second half.
            let loads = if step < 50 { vec![10; 4] } else { vec![10, 10, 20, 0] };
            let row = VariantRow { top_k: 4, loads, bias: vec![0; 4], moved_of: 4, ..VariantRow::default() };
            history.push(&StepRow { step, tokens: 10, variants: vec![row] }, &[Metrics::default()]);
        }
        let of = &history.variants[0];
        let raster = |of, span, size: [usize; 2], experts, theme| {
            raster(&columns(of, span, size[0]), span, size, (experts, 0.0), theme)
        };
        let image = raster(of, (0.0, 200.0), [100, 4], 4, &DARK);
        let at = |x: usize, y: usize| image.pixels[y * 100 + x];
        assert_eq!(at(10, 2), DARK.diverging(0.0));
        assert_eq!(at(30, 2), DARK.diverging(1.0));
        assert_eq!(at(30, 3), DARK.diverging(-1.0));
        assert_eq!(at(70, 2), DARK.pane, "what has not happened yet is empty");
        let small = raster(of, (0.0, 100.0), [100, 2], 4, &DARK);
        assert_ne!(small.pixels[100 + 80], DARK.diverging(0.0), "a shared row shows the one furthest from fair");
    }

    #[test]
    fn a_peak_of_one_step_is_seen_from_afar() {
        assert_eq!(shown(0.9, 1.0, 1.1, 0.1), 0.0);
        assert!(shown(0.9, 1.0, 3.0, 0.1) > 0.9, "one step with three times its share");
        assert!(shown(0.0, 1.0, 1.2, 0.1) < -0.4, "one step without work");
        assert_eq!(shown(0.0, 1.0, 3.0, 4.0), 0.0, "with a token or two per expert that is nothing");
        assert!((shown(0.5, 1.8, 2.6, 0.1) - 0.8).abs() < 1e-6, "where the mean says it, the mean");
    }
}
