//! The loads of several variants below each other, expert below expert, or the difference of two variants; all as multiples of the fair
//! share.

use super::super::PaneContext;
use super::super::shared::frame::message;
use super::super::shared::{AXIS, compared};
use super::{BELOW, FULL, bars, ceiling};
use crate::ui::kit::style::{TINY, mono, text};
use crate::ui::kit::theme::Theme;
use crate::ui::link::Side;
use eframe::egui::{Align2, Rect, Response, Shape, Stroke, StrokeKind, Ui, epaint, pos2, vec2};
use moebias_engine::message::VariantView;

/// The space between two variants, in points.
const GAP: f32 = 4.0;
/// If a variant has less height than this, in points, its dot stands beside its bars.
const LOW: f32 = 38.0;

/// The load of one expert divided by the fair share.
fn share(view: &VariantView, expert: usize) -> f32 {
    let fair = view.fair() as f32;
    let load = view.loads.get(expert).copied().unwrap_or(0) as f32;
    if fair > 0.0 { load / fair } else { 1.0 }
}

/// Draws what the switch in the header selects.
pub(super) fn show(ui: &mut Ui, cx: &mut PaneContext<'_>, rect: Rect, response: &Response) {
    let snapshot = cx.lab.snapshot().clone();
    let variants = compared::beside(cx);
    let views: Vec<(usize, &VariantView)> =
        variants.iter().filter_map(|&i| Some((i, snapshot.variants.get(i)?))).collect();
    if cx.link.side == Side::Difference {
        let other = cx.link.other(snapshot.variants.len());
        let find = |i: Option<usize>| i.and_then(|i| Some((i, snapshot.variants.get(i)?)));
        if let (Some(more), Some(less)) = (find(Some(cx.link.variant)), find(other)) {
            difference(ui, cx, (rect, response), more, less);
        }
        return;
    }
    let most = views.iter().flat_map(|(_, v)| (0..v.loads.len()).map(|e| share(v, e))).fold(1.2, f32::max);
    let top = (ceiling(100.0 * most) / 100.0).max(1.5);
    let height = ((rect.height() - BELOW) / views.len().max(1) as f32).floor();
    for (n, (i, view)) in views.iter().enumerate() {
        let upper = rect.top() + n as f32 * height;
        let strip = Rect::from_min_max(pos2(rect.left() + AXIS, upper), pos2(rect.right(), upper + compared::STRIP));
        // In a low pane, the dot and MaxVio stand beside the bars instead of above them.
        let low = height < LOW;
        let strip = if low { strip.with_min_x(rect.left()).with_max_x(strip.left() - 4.0) } else { strip };
        let above = if low { upper + 1.0 } else { strip.bottom() };
        let frame = Rect::from_min_max(pos2(rect.left() + AXIS, above), pos2(rect.right(), upper + height - GAP));
        if frame.height() < 6.0 {
            continue;
        }
        one(ui, cx, (*i, view), (frame, top, low));
        let what = if low { "" } else { "MaxVio " };
        let more = format!("{what}{:.2}", view.metrics.max_vio);
        compared::strip(ui, cx, strip, *i, &more);
        point(ui, cx, response, frame, view.loads.len(), Some(*i));
    }
    let shares = |e: usize| views.iter().map(|(_, v)| format!("{:.2}", share(v, e))).collect::<Vec<_>>().join("  ");
    let words = cx.link.expert().map(|e| format!("expert {e} · {} × fair", shares(e)));
    caption(ui, cx, rect, words, "tokens over the fair share, the line");
}

/// Draws the bars of one variant.
fn one(ui: &Ui, cx: &PaneContext<'_>, (variant, view): (usize, &VariantView), (frame, top, low): (Rect, f32, bool)) {
    let theme = cx.theme;
    let fair = view.fair() as f32;
    let y_of = |share: f32| frame.bottom() - frame.height() * (share / top);
    let painter = ui.painter();
    for value in [0.0, 1.0, top] {
        painter.hline(frame.x_range(), y_of(value), Stroke::new(1.0, theme.grid));
        // In a low pane, the dot and MaxVio are there.
        if !low && (value == 1.0 || frame.height() > 40.0) {
            let label = times(value);
            painter.text(pos2(frame.left() - 6.0, y_of(value)), Align2::RIGHT_CENTER, label, mono(TINY), theme.faint);
        }
    }
    if !view.loads.is_empty() {
        bars(ui, theme, view, fair, frame, |load| y_of(if fair > 0.0 { load / fair } else { 0.0 }));
    }
    let lit = cx.link.hovered_variant == Some(variant);
    painter.hline(frame.x_range(), y_of(1.0), Stroke::new(if lit { 1.5 } else { 1.0 }, theme.text));
}

/// A multiple of the fair share on the axis.
fn times(value: f32) -> String {
    let text = format!("{value:.2}");
    if value == 0.0 {
        return "0".into();
    }
    format!("{}×", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Draws by how much the loads of one variant are above or below those of another.
fn difference(
    ui: &Ui,
    cx: &mut PaneContext<'_>,
    (rect, response): (Rect, &Response),
    (a, more): (usize, &VariantView),
    (b, less): (usize, &VariantView),
) {
    let theme = cx.theme;
    let experts = more.loads.len();
    if experts != less.loads.len() {
        return message(
            ui,
            theme,
            "These two have different numbers of experts: choose another reference in Comparison",
        );
    }
    let strip =
        Rect::from_min_max(pos2(rect.left() + AXIS, rect.top()), pos2(rect.right(), rect.top() + compared::STRIP));
    let frame = Rect::from_min_max(strip.left_bottom() + vec2(0.0, 2.0), rect.max - vec2(0.0, BELOW));
    let words = format!("{} less {}", compared::name(cx, a), compared::name(cx, b));
    ui.painter().text(strip.left_center(), Align2::LEFT_CENTER, words, text(TINY), theme.text);
    let off = |e: usize| share(more, e) - share(less, e);
    let most = (0..experts).map(|e| off(e).abs()).fold(0.1, f32::max);
    let top = ceiling(100.0 * most) / 100.0;
    let middle = frame.center().y;
    let y_of = |value: f32| middle - frame.height() / 2.0 * value / top;
    for value in [-top, 0.0, top] {
        ui.painter().hline(frame.x_range(), y_of(value), Stroke::new(1.0, theme.grid));
        let sign = if value > 0.0 { "+" } else { "" };
        let label = format!("{sign}{}", times(value)).replace('-', "−");
        ui.painter().text(pos2(frame.left() - 6.0, y_of(value)), Align2::RIGHT_CENTER, label, mono(TINY), theme.faint);
    }
    let column = frame.width() / experts.max(1) as f32;
    let mut mesh = epaint::Mesh::default();
    for e in 0..experts {
        let left = frame.left() + column * e as f32;
        let gap = if column > 4.0 { 1.0 } else { column * 0.2 };
        let (from, to) = (y_of(off(e).max(0.0)), y_of(off(e).min(0.0)));
        let bar = Rect::from_min_max(pos2(left, from), pos2(left + column - gap, to));
        let strength = (off(e).abs() / FULL).clamp(0.25, 1.0);
        let colour = if off(e) < 0.0 { theme.under } else { theme.over };
        mesh.add_colored_rect(bar, Theme::mix(theme.fair, colour, strength.sqrt()));
    }
    ui.painter().add(Shape::mesh(mesh));
    ui.painter().hline(frame.x_range(), middle, Stroke::new(1.0, theme.text));
    point(ui, cx, response, frame, experts, None);
    let words = cx.link.expert().filter(|e| *e < experts).map(|e| {
        let text = format!("expert {e} · {:+.2}× ({:.2} less {:.2})", off(e), share(more, e), share(less, e));
        text.replace('-', "−")
    });
    caption(ui, cx, rect, words, "above the line: more tokens, below: fewer");
}

/// Links the expert under the pointer, and marks the linked expert.
fn point(ui: &Ui, cx: &mut PaneContext<'_>, response: &Response, frame: Rect, experts: usize, variant: Option<usize>) {
    if experts == 0 {
        return;
    }
    let column = frame.width() / experts as f32;
    if let Some(pointer) = response.hover_pos().filter(|p| frame.expand2(vec2(0.0, GAP)).contains(*p)) {
        let expert = (((pointer.x - frame.left()) / column).max(0.0) as usize).min(experts - 1);
        cx.link.hover_expert(expert);
        if let Some(variant) = variant {
            cx.link.hover_variant(variant);
        }
        if response.clicked() {
            cx.link.toggle_pin(expert);
        }
    }
    if let Some(expert) = cx.link.expert().filter(|e| *e < experts) {
        let left = frame.left() + column * expert as f32;
        let mark = Rect::from_x_y_ranges(left..=left + column.max(2.0), frame.y_range()).expand2(vec2(1.0, 0.0));
        ui.painter().rect_stroke(mark, 2.0, Stroke::new(1.0, cx.theme.accent), StrokeKind::Outside);
    }
}

fn caption(ui: &Ui, cx: &PaneContext<'_>, rect: Rect, linked: Option<String>, otherwise: &str) {
    let at = pos2(rect.center().x + AXIS / 2.0, rect.bottom() - 7.0);
    let (words, colour) = linked.map_or((otherwise.to_owned(), cx.theme.dim), |w| (w, cx.theme.accent));
    let font = if colour == cx.theme.accent { mono(TINY) } else { text(TINY) };
    ui.painter().text(at, Align2::CENTER_CENTER, words, font, colour);
}
