//! Below the text: what the colours mean, and what is known of the word under the pointer.

use super::colours;
use super::{Colouring, Shown};
use crate::ui::kit::style::{TINY, mono, text};
use crate::ui::kit::widgets::slider::figure;
use crate::ui::kit::words::fitted;
use crate::ui::panes::PaneContext;
use eframe::egui::{self, Align2, Color32, Rect, Sense, Stroke, StrokeKind, Ui, pos2, vec2};
use moebias_engine::routes::Routes;
use moebias_model::fixed::from_score;

/// Room for both lines, points.
pub(super) const HEIGHT: f32 = 38.0;
/// A swatch, points.
const SWATCH: egui::Vec2 = vec2(12.0, 10.0);
/// Width of the scale of loads, points.
const SCALE: f32 = 96.0;

/// Draws both lines.
pub(super) fn show(ui: &mut Ui, cx: &mut PaneContext<'_>, rect: Rect, shown: &Shown<'_>, token: Option<u32>) {
    let legend = rect.with_max_y(rect.center().y);
    match shown.colouring {
        Colouring::Expert => experts(ui, cx, legend, shown.routes),
        Colouring::Load => loads(ui, cx, legend),
        Colouring::Moved => moved(ui, cx, legend, shown.routes),
    }
    let (words, colour) = match token.and_then(|t| told(cx, shown, t)) {
        Some(words) => (words, cx.theme.text),
        None => ("Point at a word to see its experts everywhere, click to pin it".into(), cx.theme.faint),
    };
    let (galley, _) = fitted(ui, &words, &text(TINY), colour, rect.width());
    ui.painter().galley(pos2(rect.left(), rect.bottom() - galley.size().y), galley, colour);
}

fn words(ui: &Ui, at: egui::Pos2, words: &str, colour: Color32) -> f32 {
    ui.painter().text(at, Align2::LEFT_CENTER, words, text(TINY), colour).right()
}

/// The experts that most words go to first, as many as have room.
fn experts(ui: &mut Ui, cx: &mut PaneContext<'_>, rect: Rect, routes: &Routes) {
    let mut counts = vec![0u32; routes.loads.len()];
    for first in routes.chosen.iter().filter_map(|c| c.first()) {
        if let Some(count) = counts.get_mut(usize::from(first.expert)) {
            *count += 1;
        }
    }
    let mut order: Vec<usize> = (0..counts.len()).filter(|&e| counts[e] > 0).collect();
    order.sort_by_key(|&e| (std::cmp::Reverse(counts[e]), e));
    let y = rect.center().y;
    let mut x = words(ui, pos2(rect.left(), y), "first expert, the most frequent:", cx.theme.dim) + 10.0;
    for expert in order {
        let galley = ui.painter().layout_no_wrap(expert.to_string(), mono(TINY), cx.theme.dim);
        let width = SWATCH.x + 5.0 + galley.size().x;
        if x + width > rect.right() {
            break;
        }
        let area = Rect::from_x_y_ranges(x..=x + width, rect.y_range());
        let patch = Rect::from_center_size(pos2(x + SWATCH.x / 2.0, y), SWATCH);
        ui.painter().rect_filled(patch, 2.0, colours::of_expert(cx.theme, expert as u16));
        if cx.link.expert() == Some(expert) {
            ui.painter().rect_stroke(patch, 2.0, Stroke::new(1.0, cx.theme.accent), StrokeKind::Outside);
        }
        ui.painter().galley(pos2(patch.right() + 5.0, y - galley.size().y / 2.0), galley, cx.theme.dim);
        let response = ui.interact(area, ui.scope_id().with(("expert", expert)), Sense::click());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, format!("Expert {expert}")));
        if response.hovered() {
            cx.link.hover_expert(expert);
        }
        if response.clicked() {
            cx.link.toggle_pin(expert);
        }
        x += width + 12.0;
    }
}

/// The scale of loads.
fn loads(ui: &Ui, cx: &PaneContext<'_>, rect: Rect) {
    let (theme, y) = (cx.theme, rect.center().y);
    let x = words(ui, pos2(rect.left(), y), "load of the first expert, times the fair share:  0", theme.dim) + 6.0;
    let scale = Rect::from_min_size(pos2(x, y - SWATCH.y / 2.0), vec2(SCALE, SWATCH.y));
    let mut mesh = egui::epaint::Mesh::default();
    for i in 0..24 {
        let edge = |i: usize| egui::lerp(scale.x_range(), i as f32 / 24.0);
        let strip = Rect::from_x_y_ranges(edge(i)..=edge(i + 1), scale.y_range());
        mesh.add_colored_rect(strip, colours::of_load(theme, i as f32 / 23.0 * 2.0));
    }
    ui.painter().add(egui::Shape::mesh(mesh));
    ui.painter().rect_stroke(scale, 0.0, Stroke::new(1.0, theme.line), StrokeKind::Outside);
    ui.painter().vline(scale.center().x, scale.y_range(), Stroke::new(1.0, theme.dim));
    words(ui, pos2(scale.right() + 6.0, y), "2", theme.dim);
}

/// How many words the bias moved.
fn moved(ui: &Ui, cx: &PaneContext<'_>, rect: Rect, routes: &Routes) {
    let patch = Rect::from_center_size(pos2(rect.left() + SWATCH.x / 2.0, rect.center().y), SWATCH);
    ui.painter().rect_filled(patch, 2.0, colours::moved(cx.theme));
    let moved = routes.chosen.iter().filter(|c| c.iter().any(|c| c.moved)).count();
    let line = format!(
        "has an expert only because of the bias: {} of {} tokens",
        figure(moved as f64, true),
        figure(routes.chosen.len() as f64, true)
    );
    let room = rect.width() - SWATCH.x - 6.0;
    let (galley, _) = fitted(ui, &line, &text(TINY), cx.theme.dim, room);
    ui.painter().galley(pos2(patch.right() + 6.0, rect.center().y - galley.size().y / 2.0), galley, cx.theme.dim);
}

/// A token: its place, its word, its id and its experts.
fn told(cx: &PaneContext<'_>, shown: &Shown<'_>, token: u32) -> Option<String> {
    let routes = shown.routes;
    let chosen = routes.of_token(token)?;
    let id = *routes.ids.get(token.checked_sub(routes.first)? as usize)?;
    let word = shown.words.word(id).unwrap_or_else(|| "not in the vocabulary".into());
    let word: String = word.chars().take(40).collect();
    let scored = cx.lab.snapshot().has_scores();
    let unit = routes.gate.unit();
    let expert = |c: &moebias_engine::routes::Choice| {
        let score = if scored { format!(" {:.3}", from_score(c.score) * unit) } else { String::new() };
        let moved = if c.moved && scored { " by the bias" } else { "" };
        let full = if c.dropped { " no room" } else { "" };
        format!("{}{score}{moved}{full}", c.expert)
    };
    let experts: Vec<String> = chosen.iter().map(expert).collect();
    let experts = match experts.len() {
        0 => "no expert".into(),
        1 => format!("expert {}", experts[0]),
        _ => format!("experts {}", experts.join(", ")),
    };
    Some(format!("token {token} · “{word}” · id {id} · {experts}"))
}
