//! The load of each expert in the last step, as bars.

mod beside;

use super::shared::{AXIS, compared, describe, nothing_yet, of_one, of_step};
use super::{Pane, PaneContext, PaneKind};
use crate::ui::kit::style::{TINY, mono, text};
use crate::ui::kit::theme::Theme;
use crate::ui::kit::widgets::slider::figure;
use crate::ui::kit::words::fitted;
use crate::ui::link::Side;
use eframe::egui::{Align2, Color32, Rect, Sense, Shape, Stroke, StrokeKind, Ui, epaint, pos2, vec2};
use moebias_engine::message::VariantView;
use moebias_model::capacity::of_batch;

/// The distance from the fair share, relative to it, at which a bar has the full colour.
const FULL: f32 = 0.5;
/// A capacity above this multiple of the axis that the loads need is not drawn.
const FAR: f32 = 1.5;
/// Height of the caption below, in points.
const BELOW: f32 = 20.0;

/// The pane of loads per expert.
#[derive(Debug, Default)]
pub struct Load;

/// The colour of a load divided by the fair share: grey at 1, blue below, orange above.
#[must_use]
pub fn load_colour(theme: &Theme, share: f32) -> Color32 {
    let off = share - 1.0;
    // Loads within a tenth of the fair share stay grey.
    let strength = ((off.abs() - 0.1) / (FULL - 0.1)).clamp(0.0, 1.0);
    Theme::mix(theme.fair, if off < 0.0 { theme.under } else { theme.over }, strength.sqrt())
}

impl Pane for Load {
    fn kind(&self) -> PaneKind {
        PaneKind::Load
    }

    fn subtitle(&self, cx: &PaneContext<'_>) -> String {
        let snapshot = cx.lab.snapshot();
        match compared::side(cx) {
            Side::One => {}
            Side::Beside => return format!("{}times the fair share", of_step(cx)),
            Side::Difference => return format!("{}difference, times the fair share", of_step(cx)),
        }
        match snapshot.variants.get(cx.link.variant) {
            Some(v) if !v.loads.is_empty() => {
                let kept = if v.metrics.dropped > 0.0 { " of what was kept" } else { "" };
                format!("{}MaxVio {:.2}{kept}", of_step(cx), v.metrics.max_vio)
            }
            // Before the first step, the pane itself shows a message.
            _ => String::new(),
        }
    }

    fn whose(&self, cx: &PaneContext<'_>) -> Option<usize> {
        of_one(cx)
    }

    fn tools(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>) {
        compared::switch(ui, cx, ("Beside", true), compared::NARROW);
    }

    fn help(&self) -> &'static str {
        "Tokens that each expert got, and had room for, in the last step. The line is the fair share: L = K·T/E, or where a rule aims at \
         another share (LongCat-Flash: Kₑ·T/N), that. The dashed \
         one is the capacity, if it is within the plot. Grey is near fair, orange above, blue below. MaxVio is how far the tallest bar rises above the line, relative to it. Point at a bar to see its expert everywhere, click to \
         pin it."
    }

    fn ui(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>) {
        let snapshot = cx.lab.snapshot().clone();
        let theme = cx.theme;
        let Some(view) = snapshot.variants.get(cx.link.variant).filter(|v| !v.loads.is_empty()) else {
            return nothing_yet(ui, cx, "loads appear with the first step");
        };
        let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::click());
        describe(&response, self, cx);
        if compared::side(cx) != Side::One {
            return beside::show(ui, cx, rect, &response);
        }
        let frame = Rect::from_min_max(rect.min + vec2(AXIS, 2.0), rect.max - vec2(0.0, BELOW));
        let experts = view.loads.len();
        let fair = view.fair() as f32;
        let most = view.loads.iter().copied().max().unwrap_or(0) as f32;
        let limit = capacity(cx);
        let top = axis_top(most.max(fair * 1.5), limit);
        let y_of = |load: f32| frame.bottom() - frame.height() * (load / top.max(1.0));
        axis(ui, theme, frame, top, y_of);
        if frame.height() >= 70.0 || cx.link.bare {
            let at = frame.left_top() + vec2(4.0, 1.0);
            ui.painter().text(at, Align2::LEFT_TOP, "tokens", text(TINY), theme.faint);
        }
        bars(ui, theme, view, fair, frame, y_of);

        let y = y_of(fair);
        ui.painter().hline(frame.x_range(), y, Stroke::new(1.0, theme.text));
        if let Some(limit) = limit.filter(|l| *l <= top) {
            capacity_line(ui, theme, frame, y_of(limit), limit);
        }
        let column = frame.width() / experts as f32;
        let expert_at = |x: f32| (((x - frame.left()) / column) as usize).min(experts - 1);
        if let Some(pointer) = response.hover_pos().filter(|p| frame.expand2(vec2(0.0, BELOW)).contains(*p)) {
            let expert = expert_at(pointer.x);
            cx.link.hover_expert(expert);
            if response.clicked() {
                cx.link.toggle_pin(expert);
            }
        }
        caption(ui, cx, view, fair, rect, frame);
        for expert in cx.link.lit().filter(|e| *e < experts) {
            let left = frame.left() + column * expert as f32;
            let mark = Rect::from_x_y_ranges(left..=left + column.max(2.0), frame.y_range()).expand2(vec2(1.0, 0.0));
            ui.painter().rect_stroke(mark, 2.0, Stroke::new(1.0, theme.accent), StrokeKind::Outside);
        }
    }
}

/// The capacity of an expert in tokens per batch, if there is one.
fn capacity(cx: &PaneContext<'_>) -> Option<f32> {
    let snapshot = cx.lab.snapshot();
    let router = &snapshot.routed.variants.get(cx.link.variant)?.router;
    router.capacity.map(|c| of_batch(router, c, snapshot.routed_batch) as f32)
}

/// Draws a dashed line at the capacity, with its name above it on the right.
fn capacity_line(ui: &Ui, theme: &Theme, frame: Rect, y: f32, limit: f32) {
    let ends = [pos2(frame.left(), y), pos2(frame.right(), y)];
    ui.painter().extend(Shape::dashed_line(&ends, Stroke::new(1.0, theme.over_text), 5.0, 4.0));
    let words = format!("capacity {}", figure(f64::from(limit), true));
    ui.painter().text(ends[1] - vec2(0.0, 2.0), Align2::RIGHT_BOTTOM, words, mono(TINY), theme.over_text);
}

/// The top of the axis: above all bars, and above the capacity unless that would make all bars small.
fn axis_top(room: f32, limit: Option<f32>) -> f32 {
    ceiling(limit.filter(|l| *l <= room * FAR).unwrap_or(room).max(room))
}

/// Rounds up to a number that stays the same while loads vary a little, so that the axis does not tremble.
fn ceiling(value: f32) -> f32 {
    let power = 10f32.powf(value.max(1.0).log10().floor());
    [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0]
        .iter()
        .map(|m| m * power)
        .find(|m| *m >= value * 1.05)
        .unwrap_or(value * 1.5)
}

fn axis(ui: &Ui, theme: &Theme, frame: Rect, top: f32, y_of: impl Fn(f32) -> f32) {
    // In a low pane the numbers would overlap.
    let every = if frame.height() < 44.0 { 2 } else { 1 };
    for i in (0..=2).step_by(every) {
        let value = top * i as f32 / 2.0;
        let y = y_of(value);
        ui.painter().hline(frame.x_range(), y, Stroke::new(1.0, theme.grid));
        let anchor = if i == 2 { Align2::RIGHT_TOP } else { Align2::RIGHT_CENTER };
        ui.painter().text(pos2(frame.left() - 6.0, y), anchor, figure(f64::from(value), true), mono(TINY), theme.faint);
    }
}

/// Draws the bars. If there are more experts than there is room for, neighbours share a bar from their smallest to their largest load.
fn bars(ui: &Ui, theme: &Theme, view: &VariantView, fair: f32, frame: Rect, y_of: impl Fn(f32) -> f32) {
    let experts = view.loads.len();
    let together = (experts as f32 * 2.0 / frame.width().max(1.0)).ceil().max(1.0) as usize;
    let column = frame.width() / experts as f32;
    let mut mesh = epaint::Mesh::default();
    for (i, group) in view.loads.chunks(together).enumerate() {
        let left = frame.left() + column * (i * together) as f32;
        let width = column * group.len() as f32;
        let gap = if width > 4.0 { 1.0 } else { width * 0.2 };
        let (low, high) =
            (group.iter().min().copied().unwrap_or(0) as f32, group.iter().max().copied().unwrap_or(0) as f32);
        let bar = |from: f32, to: f32| Rect::from_min_max(pos2(left, y_of(to)), pos2(left + width - gap, y_of(from)));
        let share = |load: f32| if fair > 0.0 { load / fair } else { 1.0 };
        mesh.add_colored_rect(bar(0.0, low), load_colour(theme, share(if together == 1 { high } else { low })));
        if high > low {
            mesh.add_colored_rect(bar(low, high), load_colour(theme, share(high)).gamma_multiply(0.6));
        }
    }
    ui.painter().add(Shape::mesh(mesh));
}

/// Draws the caption below the bars: the first and the last expert, and the figures of the linked expert or else the fair share.
fn caption(ui: &Ui, cx: &PaneContext<'_>, view: &VariantView, fair: f32, rect: Rect, frame: Rect) {
    let theme = cx.theme;
    let painter = ui.painter();
    let y = rect.bottom() - 7.0;
    let last = view.loads.len() - 1;
    let (words, colour) = match cx.link.expert().and_then(|e| view.loads.get(e).map(|l| (e, *l))) {
        Some((expert, load)) => {
            let share = if fair > 0.0 { load as f32 / fair } else { 0.0 };
            (format!("expert {expert} · {} tokens · {share:.2}×", figure(f64::from(load), true)), theme.accent)
        }
        None => {
            let dropped = view.metrics.dropped;
            let lost = if dropped > 0.0 { format!(" · {:.1} % dropped", 100.0 * dropped) } else { String::new() };
            let fair = figure(f64::from(fair.round()), true);
            let narrow = frame.width() < 250.0;
            (if narrow { format!("fair {fair}{lost}") } else { format!("fair share {fair} tokens{lost}") }, theme.dim)
        }
    };
    // In a narrow pane the caption may extend below the numbers of the axis; if that is not enough, names are left out before figures.
    let (galley, _) = fitted(ui, &words, &mono(TINY), colour, rect.width());
    let left = (frame.center().x - galley.size().x / 2.0).min(rect.right() - galley.size().x);
    let middle = Rect::from_min_size(pos2(left, y - galley.size().y / 2.0), galley.size());
    painter.galley(middle.min, galley, colour);
    if middle.width() + 44.0 < frame.width() {
        let first = if middle.width() + 130.0 < frame.width() { "expert 0" } else { "0" };
        painter.text(pos2(frame.left(), y), Align2::LEFT_CENTER, first, mono(TINY), theme.faint);
        painter.text(pos2(frame.right(), y), Align2::RIGHT_CENTER, last.to_string(), mono(TINY), theme.faint);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing;

    #[test]
    fn the_axis_is_round_and_above_every_bar() {
        for value in [1.0, 37.0, 384.0, 999.0, 123_456.0] {
            let top = ceiling(value);
            assert!(top >= value * 1.05 && top <= value * 2.2, "{value}: {top}");
        }
    }

    #[test]
    fn a_capacity_is_in_sight_unless_it_makes_bars_small() {
        let plain = axis_top(576.0, None);
        assert_eq!([axis_top(576.0, Some(480.0)), axis_top(576.0, Some(3072.0))], [plain; 2]);
        assert!(axis_top(576.0, Some(800.0)) > 800.0);
    }

    #[test]
    fn bars_can_be_pointed_at_and_pinned() {
        for dark in [true, false] {
            let lab = testing::lab_at("variants: [(name: \"A\")]", 40);
            let mut harness = testing::stage(Load, lab, [380.0, 240.0], dark);
            harness.run_steps(3);
            let at = pos2(200.0, 150.0);
            harness.hover_at(at);
            harness.run_steps(3);
            let hovered = harness.state().link.hovered_expert.unwrap();
            harness.drag_at(at);
            harness.drop_at(at);
            harness.run_steps(3);
            assert_eq!(harness.state().link.pinned_expert, Some(hovered));
            testing::picture(&mut harness, &format!("load-{}", if dark { "dark" } else { "light" }));
        }
    }
}
