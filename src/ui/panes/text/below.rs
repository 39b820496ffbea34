//! Below the text: what the colours mean, and what is known of the word under the pointer.

use super::colours;
use super::{Colouring, Shown};
use crate::ui::kit::style::{TINY, mono, text};
use crate::ui::kit::theme::Theme;
use crate::ui::kit::widgets::slider::figure;
use crate::ui::kit::words::headed;
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
    let lay = |words: &str| ui.painter().layout_no_wrap(words.to_owned(), text(TINY), colour);
    let galley = lay(&headed(&words, rect.width(), |words| lay(words).size().x));
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
    let name = if rect.width() > 400.0 { "first expert, the most frequent:" } else { "first expert:" };
    let mut x = words(ui, pos2(rect.left(), y), name, cx.theme.dim) + 10.0;
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
    let theme = cx.theme;
    let names = ["load of the first expert, times the fair share:", "load, times fair:", ""];
    let colour = |t: f32| colours::of_load(theme, 2.0 * t);
    let (middle, _) = scale(ui, theme, rect, &names, ["0", "2"], colour);
    ui.painter().vline(middle.center().x, middle.y_range(), Stroke::new(1.0, theme.dim));
}

/// The scale of how many experts the bias gave a word, and how many words have any.
fn moved(ui: &Ui, cx: &PaneContext<'_>, rect: Rect, routes: &Routes) {
    let theme = cx.theme;
    let names = ["experts that a word has only because of the bias:", "only because of the bias:", ""];
    let (_, right) = scale(ui, theme, rect, &names, ["one", "all"], |t| colours::of_moved(theme, t));
    let moved = routes.chosen.iter().filter(|c| c.iter().any(|c| c.moved)).count();
    let (moved, all) = (figure(moved as f64, true), figure(routes.chosen.len() as f64, true));
    let (left, line) = (right + 16.0, format!("{moved} of {all} tokens have one"));
    let galley = ui.painter().layout_no_wrap(line, text(TINY), theme.dim);
    if left + galley.size().x <= rect.right() {
        ui.painter().galley(pos2(left, rect.center().y - galley.size().y / 2.0), galley, theme.dim);
    }
}

/// A scale of colours between two words, after the longest name that has room. Returns the place of the colours, and where all of it ends.
fn scale(
    ui: &Ui,
    theme: &Theme,
    rect: Rect,
    names: &[&str],
    [low, high]: [&str; 2],
    colour: impl Fn(f32) -> Color32,
) -> (Rect, f32) {
    let wide = |words: &str| ui.painter().layout_no_wrap(words.to_owned(), text(TINY), theme.dim).size().x;
    let rest = SCALE + 12.0 + 8.0 + wide(low) + wide(high);
    let name = names.iter().find(|n| wide(n) + rest <= rect.width()).unwrap_or(&"");
    let y = rect.center().y;
    let mut x = words(ui, pos2(rect.left(), y), name, theme.dim);
    x = words(ui, pos2(if name.is_empty() { x } else { x + 8.0 }, y), low, theme.dim) + 6.0;
    let strips = Rect::from_min_size(pos2(x, y - SWATCH.y / 2.0), vec2(SCALE, SWATCH.y));
    let mut mesh = egui::epaint::Mesh::default();
    for i in 0..24 {
        let edge = |i: usize| egui::lerp(strips.x_range(), i as f32 / 24.0);
        mesh.add_colored_rect(Rect::from_x_y_ranges(edge(i)..=edge(i + 1), strips.y_range()), colour(i as f32 / 23.0));
    }
    ui.painter().add(egui::Shape::mesh(mesh));
    ui.painter().rect_stroke(strips, 0.0, Stroke::new(1.0, theme.line), StrokeKind::Outside);
    (strips, words(ui, pos2(strips.right() + 6.0, y), high, theme.dim))
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
        let score = scored.then(|| format!("{:.3}", from_score(c.score) * unit));
        let moved = (c.moved && scored).then(|| "by the bias".to_owned());
        let full = c.dropped.then(|| "no room".to_owned());
        let about: Vec<String> = [score, moved, full].into_iter().flatten().collect();
        if about.is_empty() { c.expert.to_string() } else { format!("{} ({})", c.expert, about.join(" ")) }
    };
    let experts: Vec<String> = chosen.iter().map(expert).collect();
    let experts = match experts.len() {
        0 => "no expert".into(),
        1 => format!("expert {}", experts[0]),
        _ => format!("experts {}", experts.join(", ")),
    };
    Some(format!("token {token} · “{word}” · id {id} · {experts}"))
}
