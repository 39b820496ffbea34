//! The tokens that moved in the last step, as flows from the experts that lose (on the left, the fullest first) to the experts that gain (on
//! the right, the emptiest first).

use super::super::PaneContext;
use super::{captioned, figures, message, places, row, row_in, words};
use crate::ui::kit::style::{TINY, text};
use crate::ui::kit::theme::Theme;
use crate::ui::kit::widgets::slider::figure;
use eframe::egui::{Align2, Color32, CursorIcon, Mesh, Pos2, Rect, Response, Sense, Shape, Ui, WidgetInfo, pos2, vec2};
use moebias_engine::theory::{Examined, Theory};
use moebias_model::config::Rule;
use moebias_model::theory::moves::Flow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The most flows that are drawn; more would be hairlines.
const MOST: usize = 240;
/// Width of an expert's bar.
const BAR: f32 = 7.0;
/// Room for names beside the bars.
const NAMES: f32 = 92.0;
/// The number of straight pieces of a ribbon.
const PIECES: usize = 14;

pub(super) fn show(ui: &mut Ui, cx: &mut PaneContext<'_>, theory: &Arc<Theory>) {
    let Some(examined) = theory.examined.clone() else { return };
    let (plot, column) = places(ui.max_rect());
    captioned(
        ui,
        cx,
        plot,
        "experts that lost tokens, the fullest first → experts that gained, the emptiest first",
        |ui, cx| {
            if examined.moves.flows.is_empty() {
                message(ui, cx.theme, "No token moved in this step");
            } else {
                flows(ui, cx, &examined);
            }
        },
    );
    figures(ui, column, |ui| column_of(ui, cx, theory, &examined));
}

/// One expert on one side.
struct Side {
    expert: u16,
    rect: Rect,
    tokens: u32,
}

fn flows(ui: &mut Ui, cx: &mut PaneContext<'_>, examined: &Examined) {
    let theme = cx.theme;
    let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::click());
    let moves = &examined.moves;
    let shown = &moves.flows[..moves.flows.len().min(MOST)];
    let name = format!("Flow of {} assignments between experts", moves.assignments);
    response.widget_info(|| WidgetInfo::labeled(eframe::egui::Role::Image, true, &name));
    let load = |e: u16| examined.before.loads[usize::from(e)];
    let left = side(shown, |f| f.from, rect.left() + NAMES, rect, |e| (std::cmp::Reverse(load(e)), e));
    let right = side(shown, |f| f.to, rect.right() - NAMES - BAR, rect, |e| (load(e), e));
    let fair = examined.fair() as f32;
    // Even near balance, overloaded and underloaded experts have visibly different colours.
    let colour = |e: u16| {
        let share = load(e) as f32 / fair.max(1e-6);
        let side = if share > 1.0 { theme.over } else { theme.under };
        let off = (share - 1.0).abs();
        if off < 1e-6 { theme.fair } else { Theme::mix(theme.fair, side, (0.35 + 1.3 * off.sqrt()).min(1.0)) }
    };

    // Ribbons leave and arrive in the order of the other side, so that few of them cross.
    let place = |sides: &[Side], e: u16| sides.iter().position(|s| s.expert == e).unwrap_or(0);
    let mut order: Vec<&Flow> = shown.iter().collect();
    order.sort_by_key(|f| (place(&left, f.from), place(&right, f.to)));
    let mut starts: Vec<f32> = left.iter().map(|s| s.rect.top()).collect();
    let mut ribbons = vec![];
    for f in &order {
        let at = place(&left, f.from);
        let height = left[at].rect.height() * f.tokens as f32 / left[at].tokens.max(1) as f32;
        ribbons.push((**f, starts[at], height));
        starts[at] += height;
    }
    ribbons.sort_by_key(|(f, ..)| (place(&right, f.to), place(&left, f.from)));
    let mut ends: Vec<f32> = right.iter().map(|s| s.rect.top()).collect();
    let pointer = response.hover_pos();
    let linked = cx.link.expert();
    let mut hovered = None;
    let mut mesh = Mesh::default();
    for (f, top, height) in ribbons {
        let at = place(&right, f.to);
        let end = right[at].rect.height() * f.tokens as f32 / right[at].tokens.max(1) as f32;
        let (x0, x1) = (rect.left() + NAMES + BAR, rect.right() - NAMES - BAR);
        let ribbon = Ribbon { from: (pos2(x0, top), height), to: (pos2(x1, ends[at]), end) };
        ends[at] += end;
        let lit = linked.is_some_and(|e| e == usize::from(f.from) || e == usize::from(f.to));
        let alpha = if lit {
            0.85
        } else if linked.is_some() {
            0.16
        } else {
            0.42
        };
        ribbon.paint(&mut mesh, colour(f.from).gamma_multiply(alpha), colour(f.to).gamma_multiply(alpha));
        if pointer.is_some_and(|p| ribbon.contains(p)) {
            hovered = Some(f);
        }
    }
    for s in left.iter().chain(&right) {
        mesh.add_colored_rect(s.rect, colour(s.expert));
    }
    ui.painter().add(Shape::mesh(mesh));
    names(ui, theme, &left, linked, true, &|e| load(e) as f32 / fair.max(1e-6));
    names(ui, theme, &right, linked, false, &|e| load(e) as f32 / fair.max(1e-6));

    if let Some(pointer) = pointer {
        let flows = Pointed { rect, response, left: &left, right: &right, ribbon: hovered };
        flows.show(ui, cx, examined, pointer);
    }
}

/// What the pointer can be on.
struct Pointed<'a> {
    rect: Rect,
    response: Response,
    left: &'a [Side],
    right: &'a [Side],
    /// The flow whose ribbon is under the pointer.
    ribbon: Option<Flow>,
}

impl Pointed<'_> {
    /// Highlights the expert of the bar or the name under the pointer. On a ribbon, it highlights the expert that loses tokens, and says what
    /// moved.
    fn show(self, ui: &Ui, cx: &mut PaneContext<'_>, examined: &Examined, pointer: Pos2) {
        let Self { rect, response, left, right, ribbon } = self;
        let load = |e: u16| examined.before.loads[usize::from(e)];
        let near = |sides: &[Side], beside: Rect| {
            let on = |s: &&Side| s.rect.y_range().contains(pointer.y);
            sides.iter().find(on).filter(|_| beside.contains(pointer)).map(|s| usize::from(s.expert))
        };
        let left_part = rect.with_max_x(rect.left() + NAMES + BAR);
        let right_part = rect.with_min_x(rect.right() - NAMES - BAR);
        if let Some(expert) = near(left, left_part).or_else(|| near(right, right_part)) {
            cx.link.hover_expert(expert);
            ui.set_cursor_icon(CursorIcon::PointingHand);
            if response.clicked() {
                cx.link.toggle_pin(expert);
            }
        } else if let Some(f) = ribbon {
            cx.link.hover_expert(usize::from(f.from));
            let step = |e: u16| {
                let e = usize::from(e);
                (examined.after.prices[e] - examined.before.prices[e]) as f64
                    / f64::from(moebias_model::fixed::SCORE_ONE)
            };
            let words = format!(
                "{} from expert {} ({} tokens) to expert {} ({}): its price rose by {} more",
                count(f.tokens),
                f.from,
                figure(f64::from(load(f.from)), true),
                f.to,
                figure(f64::from(load(f.to)), true),
                figure(step(f.to) - step(f.from), false)
            );
            response.on_hover_text_at_pointer(words);
        }
    }
}

fn count(n: u32) -> String {
    if n == 1 { "1 token".into() } else { format!("{} tokens", figure(f64::from(n), true)) }
}

/// The bars of one side, one below the other; the height of a bar is the number of its expert's tokens that moved.
fn side<K: Ord>(flows: &[Flow], of: impl Fn(&Flow) -> u16, x: f32, rect: Rect, order: impl Fn(u16) -> K) -> Vec<Side> {
    let mut tokens: BTreeMap<u16, u32> = BTreeMap::new();
    flows.iter().for_each(|f| *tokens.entry(of(f)).or_default() += f.tokens);
    let total: u32 = tokens.values().sum();
    let gap = (rect.height() * 0.25 / tokens.len().max(1) as f32).min(3.0);
    let room = rect.height() - gap * tokens.len().saturating_sub(1) as f32;
    let mut sorted: Vec<(u16, u32)> = tokens.into_iter().collect();
    sorted.sort_by_key(|(e, _)| order(*e));
    let mut y = rect.top();
    let place = |(expert, tokens): (u16, u32)| {
        let height = room * tokens as f32 / total.max(1) as f32;
        let rect = Rect::from_min_size(pos2(x, y), vec2(BAR, height));
        y += height + gap;
        Side { expert, rect, tokens }
    };
    sorted.into_iter().map(place).collect()
}

/// Draws the names beside the bars where they do not overlap; the name of the linked expert always.
fn names(ui: &Ui, theme: &Theme, sides: &[Side], linked: Option<usize>, left: bool, share: &dyn Fn(u16) -> f32) {
    let mut taken = f32::NEG_INFINITY;
    let mut all: Vec<&Side> = sides.iter().collect();
    // The linked expert first, then from top to bottom.
    all.sort_by_key(|s| Some(usize::from(s.expert)) != linked);
    let mine = all.first().filter(|s| Some(usize::from(s.expert)) == linked).map(|s| s.rect.center().y);
    for s in all {
        let y = s.rect.center().y;
        let lit = Some(usize::from(s.expert)) == linked;
        if !lit && (y - taken < 12.0 || mine.is_some_and(|m| (m - y).abs() < 12.0)) {
            continue;
        }
        if !lit {
            taken = y;
        }
        let words = format!("{} · {:.2}×", s.expert, share(s.expert));
        let colour = if lit { theme.accent } else { theme.dim };
        let (at, align) = if left {
            (pos2(s.rect.left() - 7.0, y), Align2::RIGHT_CENTER)
        } else {
            (pos2(s.rect.right() + 7.0, y), Align2::LEFT_CENTER)
        };
        ui.painter().text(at, align, words, text(TINY), colour);
    }
}

/// A ribbon from one side to the other, horizontal at both ends.
struct Ribbon {
    from: (Pos2, f32),
    to: (Pos2, f32),
}

impl Ribbon {
    /// The upper edge and the height of the ribbon at a share of the way across.
    fn at(&self, t: f32) -> (Pos2, f32) {
        let eased = t * t * (3.0 - 2.0 * t);
        let mix = |a: f32, b: f32, t: f32| a + (b - a) * t;
        let (a, b) = (self.from.0, self.to.0);
        (pos2(mix(a.x, b.x, t), mix(a.y, b.y, eased)), mix(self.from.1, self.to.1, eased))
    }

    fn paint(&self, mesh: &mut Mesh, left: Color32, right: Color32) {
        let first = mesh.vertices.len() as u32;
        for i in 0..=PIECES {
            let t = i as f32 / PIECES as f32;
            let (top, height) = self.at(t);
            let mix = |a: u8, b: u8| (f32::from(a) + (f32::from(b) - f32::from(a)) * t).round() as u8;
            let [a, b] = [left.to_array(), right.to_array()];
            let colour =
                Color32::from_rgba_premultiplied(mix(a[0], b[0]), mix(a[1], b[1]), mix(a[2], b[2]), mix(a[3], b[3]));
            mesh.colored_vertex(top, colour);
            mesh.colored_vertex(top + vec2(0.0, height.max(0.6)), colour);
        }
        for i in 0..PIECES as u32 {
            let at = first + 2 * i;
            mesh.add_triangle(at, at + 1, at + 2);
            mesh.add_triangle(at + 1, at + 2, at + 3);
        }
    }

    fn contains(&self, p: Pos2) -> bool {
        let t = (p.x - self.from.0.x) / (self.to.0.x - self.from.0.x).max(1.0);
        let (top, height) = self.at(t.clamp(0.0, 1.0));
        (0.0..=1.0).contains(&t) && p.y >= top.y && p.y <= top.y + height.max(1.0)
    }
}

fn column_of(ui: &mut Ui, cx: &PaneContext<'_>, theory: &Theory, examined: &Examined) {
    let theme = cx.theme;
    let moves = &examined.moves;
    let of = format!("{} of {}", figure(f64::from(moves.tokens), true), figure(examined.problem.tokens() as f64, true));
    row(ui, cx, "tokens that moved", &of, "Tokens with at least one other expert after the update, on the same batch");
    row(
        ui,
        cx,
        "assignments",
        &figure(f64::from(moves.assignments), true),
        "Places that changed: a token may change several",
    );
    row(
        ui,
        cx,
        "dropped and taken pairs",
        &figure(moves.pairs as f64, true),
        "Pairs of an expert that a token dropped and one that it took: what the preference rule is about",
    );
    let colour = if moves.violations == 0 { theme.text } else { theme.record };
    row_in(
        ui,
        cx,
        colour,
        "against the rule",
        &moves.violations.to_string(),
        "Pairs with Δp(k′) ≤ Δp(k), on effective biases. The rule always holds, so this is 0",
    );
    let (pairs, against) = theory.points.iter().fold((0, 0), |(a, b), p| (a + p.pairs.0, b + p.pairs.1));
    let all = format!("{against} of {}", figure(pairs as f64, true));
    row_in(ui, cx, theme.dim, "in all steps looked at", &all, "Pairs against the rule, of all pairs so far");
    row_in(
        ui,
        cx,
        if moves.against_load == 0 { theme.text } else { theme.over_text },
        "not down the load",
        &figure(moves.against_load as f64, true),
        "Pairs whose taken expert had as many tokens as the dropped one or more: possible where a step is not a whole number of the key's units (about 1e-6), on a sample, and under other rules",
    );
    if moves.flows.len() > MOST {
        words(
            ui,
            cx,
            text(TINY),
            &format!("The {MOST} largest of {} flows are drawn.", figure(moves.flows.len() as f64, true)),
        );
    } else if !matches!(examined.rule, Rule::Sign | Rule::Proportional) {
        words(ui, cx, text(TINY), "“From over to under” applies only to the sign and the proportional rule.");
    }
}
