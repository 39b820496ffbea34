//! The card beside the pointer: one token, several tokens that share a row, or one topic, at one expert, in figures.

use super::super::PaneContext;
use super::chosen_by_experts;
use super::facts::{Facts, topic_name};
use crate::ui::kit::glossary::{dots, explain, find};
use crate::ui::kit::style::{SMALL, mono, semibold, text};
use crate::ui::kit::theme::Theme;
use crate::ui::kit::widgets::slider::figure;
use eframe::egui::{self, Align, Align2, Area, Color32, Frame, Id, Layout, Margin, Order, Pos2, RichText, Ui, vec2};
use moebias_engine::view::Picture;
use moebias_model::fixed::from_score;

/// Width of the card, in points.
const WIDTH: f32 = 212.0;

/// Draws the card.
pub(super) fn show(ui: &Ui, cx: &PaneContext<'_>, picture: &Picture, row: usize, expert: usize, pointer: Pos2) {
    let screen = ui.ctx().content_rect();
    let right = pointer.x + WIDTH + 48.0 < screen.right();
    let below = pointer.y + 170.0 < screen.bottom();
    let pivot = match (right, below) {
        (true, true) => Align2::LEFT_TOP,
        (false, true) => Align2::RIGHT_TOP,
        (true, false) => Align2::LEFT_BOTTOM,
        (false, false) => Align2::RIGHT_BOTTOM,
    };
    let off = vec2(if right { 16.0 } else { -16.0 }, if below { 16.0 } else { -16.0 });
    let area = Area::new(Id::unique("token card"))
        .order(Order::Tooltip)
        .pivot(pivot)
        .fixed_pos(pointer + off)
        .interactable(false);
    area.show(ui.ctx(), |ui| {
        Frame::popup(ui.style()).fill(cx.theme.pane).inner_margin(Margin::symmetric(12, 9)).show(ui, |ui| {
            ui.set_width(WIDTH);
            ui.spacing_mut().item_spacing.y = 3.0;
            ui.spacing_mut().interact_size.y = 16.0;
            match Facts::of(cx.lab.snapshot(), picture, row) {
                Some(facts) => token(ui, cx.theme, &facts, expert),
                None if picture.per_row > 1 => shared(ui, cx, picture, row, expert),
                None => topic(ui, cx, picture, row, expert),
            }
        });
    });
}

fn token(ui: &mut Ui, theme: &Theme, facts: &Facts, expert: usize) {
    head(ui, theme, &format!("Token {}", figure(f64::from(facts.token), true)), &facts.topic);
    if let Some(word) = &facts.word {
        ui.label(RichText::new(format!("“{}”", word.trim())).font(text(SMALL)).color(theme.text));
    }
    let Some(choice) = facts.choice(expert) else { return };
    if !facts.scored {
        let (words, colour) = if choice.chosen { ("was chosen", theme.accent) } else { ("was not chosen", theme.dim) };
        ui.label(RichText::new(format!("Expert {expert} {words}")).font(text(SMALL)).color(colour));
        return;
    }
    let (sign, bias) = if facts.multiplies {
        ("×", choice.bias)
    } else if choice.bias < 0.0 {
        ("−", -choice.bias)
    } else {
        ("+", choice.bias)
    };
    let both = if facts.by_experts { String::new() } else { format!(" {sign} {bias:.3}") };
    line(ui, theme, &format!("Expert {expert}"), &format!("{:.3}{both}", choice.score), theme.text);
    match facts.threshold {
        Some(least) if choice.eligible => {
            line(ui, theme, "needs at least", &format!("{least:.3}"), theme.dim);
        }
        Some(_) => {
            line(ui, theme, "needs", "a group that is kept", theme.dim);
        }
        None => {}
    }
    if let Some(gate) = choice.gate {
        line(ui, theme, "gating value", &format!("{gate:.3}"), theme.text);
    }
    if facts.by_experts {
        let verdict = match (choice.chosen, choice.unbiased) {
            (true, true) => ("Takes it, and is among its K best", theme.accent),
            (true, false) => ("Takes it, though not among its K best", theme.over_text),
            (false, true) => ("Among its K best, but has better tokens", theme.under),
            (false, false) => ("Does not take it", theme.dim),
        };
        ui.label(RichText::new(verdict.0).font(text(SMALL)).color(verdict.1));
        return;
    }
    if choice.dropped {
        ui.label(RichText::new("Chosen, but the expert is full: dropped").font(text(SMALL)).color(theme.over_text));
        return;
    }
    let verdict = match (choice.chosen, choice.unbiased) {
        (true, false) if facts.threshold.is_none() => ("Assigned here, against its scores", theme.over_text),
        (false, true) if facts.threshold.is_none() => ("Among its K best, assigned elsewhere", theme.under),
        (true, true) => ("Chosen, with the bias and without", theme.accent),
        (true, false) => ("Moved here by the bias", theme.over_text),
        (false, true) => ("Moved away by the bias", theme.under),
        (false, false) => ("Not chosen", theme.dim),
    };
    ui.label(RichText::new(verdict.0).font(text(SMALL)).color(verdict.1));
    if choice.chosen != choice.unbiased {
        let other = facts.moves().into_iter().find_map(|(into, out)| match expert {
            e if e == into.expert => Some(("without it", out)),
            e if e == out.expert => Some(("instead", into)),
            _ => None,
        });
        if let Some((name, other)) = other {
            line(ui, theme, &format!("{name}: expert {}", other.expert), &format!("{:.3}", other.score), theme.dim);
        }
    }
}

/// The card of several tokens that share a row, at one expert.
fn shared(ui: &mut Ui, cx: &PaneContext<'_>, picture: &Picture, row: usize, expert: usize) {
    let theme = cx.theme;
    let (all, looked_at) = (picture.tokens_of(row), picture.looked_at(row));
    let detail = if looked_at < all { format!("estimated on {looked_at}") } else { "all of them".into() };
    head(ui, theme, &format!("{} tokens", figure(f64::from(all), true)), &detail);
    let Some(count) = picture.counts_of(row).get(expert) else { return };
    let share = |n: u16| format!("{:.1} %", 100.0 * f32::from(n) / looked_at.max(1) as f32);
    line(ui, theme, &format!("chose expert {expert}"), &share(count.chosen), theme.text);
    let names = match chosen_by_experts(picture) {
        true => ["though not of their K best", "K best, but not taken"],
        false => ["because of the bias alone", "moved away by the bias"],
    };
    line(ui, theme, names[0], &share(count.moved_in), theme.over_text);
    line(ui, theme, names[1], &share(count.moved_out), theme.under);
    let score = picture.scores_of(row).get(expert).map_or(0.0, |&s| from_score(s));
    line(ui, theme, "mean score", &format!("{score:.3}"), theme.dim);
    line(ui, theme, "first of them: token", &picture.tokens[row].index.to_string(), theme.dim);
}

fn topic(ui: &mut Ui, cx: &PaneContext<'_>, picture: &Picture, row: usize, expert: usize) {
    let theme = cx.theme;
    let name = topic_name(cx.lab.snapshot(), row as u32);
    let mut name: Vec<char> = name.chars().collect();
    if let Some(first) = name.first_mut() {
        *first = first.to_ascii_uppercase();
    }
    let share = picture.topics.get(row).copied().unwrap_or(0.0);
    head(ui, theme, &name.into_iter().collect::<String>(), "");
    line(ui, theme, "of all tokens", &format!("{:.1} %", 100.0 * share), theme.dim);
    let at = picture.shares.get(row * picture.experts + expert).copied().unwrap_or(0.0);
    line(ui, theme, &format!("Expert {expert} gets"), &format!("{:.1} %", 100.0 * at), theme.text);
    line(ui, theme, "evenly spread", &format!("{:.1} %", 100.0 / picture.experts.max(1) as f32), theme.dim);
}

fn head(ui: &mut Ui, theme: &Theme, name: &str, detail: &str) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        ui.label(RichText::new(name).font(semibold(SMALL)).color(theme.text));
        ui.label(RichText::new(detail).font(text(SMALL)).color(theme.dim));
    });
}

/// A name on the left and a figure on the right; the figure is below the name if both do not fit side by side.
pub fn line(ui: &mut Ui, theme: &Theme, name: &str, value: &str, colour: Color32) -> egui::Response {
    let wide = |words: &str, font| ui.painter().layout_no_wrap(words.to_owned(), font, colour).size().x;
    let needed = wide(name, text(SMALL)) + wide(value, mono(SMALL)) + 10.0;
    if needed > ui.available_width() && !ui.is_sizing_pass() {
        let row = ui.vertical(|ui| {
            named(ui, theme, name, colour);
            ui.with_layout(Layout::top_down(Align::Max), |ui| figure_of(ui, value, colour));
        });
        return row.response;
    }
    let row = ui.horizontal(|ui| {
        named(ui, theme, name, colour);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| figure_of(ui, value, colour));
    });
    row.response
}

fn figure_of(ui: &mut Ui, value: &str, colour: Color32) {
    ui.add(egui::Label::new(RichText::new(value).font(mono(SMALL)).color(colour)).extend());
}

/// A name whose tooltip explains it if it is a term of the glossary.
fn named(ui: &mut Ui, theme: &Theme, name: &str, colour: Color32) {
    let ink = if colour == theme.text { theme.text } else { theme.dim };
    let label = ui.label(RichText::new(name).font(text(SMALL)).color(ink));
    if find(name).is_some() {
        dots(ui.painter(), label.rect.shrink2(vec2(0.0, 1.0)), theme.faint);
    }
    explain(label, name, "");
}
