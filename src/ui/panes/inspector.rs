//! Figures of the token and of the expert that are pointed at or pinned.

use super::assignment::card::line;
use super::assignment::facts::{Choice, Facts};
use super::shared::frame::message;
use super::shared::{of_several, of_step};
use super::{Pane, PaneContext, PaneKind};
use crate::ui::kit::style::{SMALL, TINY, mono, semibold, text};
use crate::ui::kit::theme::Theme;
use crate::ui::kit::widgets::slider::figure;
use eframe::egui::{Align2, RichText, ScrollArea, Sense, Ui, vec2};
use moebias_engine::message::Snapshot;
use moebias_engine::run::lock;
use moebias_engine::view::{CHOSEN, Picture};
use moebias_model::config::Rule;
use moebias_model::fixed::from_q32;
use moebias_model::metrics::{DEAD, LONG_WINDOW, SHORT_WINDOW, STARVING};

/// The number of experts listed in addition to the chosen ones.
const NEXT: usize = 3;

/// The greatest distance between a name and its figure, in points.
const WIDEST: f32 = 420.0;

/// The pane.
#[derive(Debug, Default)]
pub struct Inspector;

impl Pane for Inspector {
    fn kind(&self) -> PaneKind {
        PaneKind::Inspector
    }

    fn subtitle(&self, cx: &PaneContext<'_>) -> String {
        match (cx.link.hovered_token.is_some() || cx.link.pinned_token.is_some(), cx.link.expert().is_some()) {
            (false, false) => format!("{}the whole router", of_step(cx)),
            (_, _) if cx.link.hovered_expert.is_some() => format!("{}under the pointer", of_step(cx)),
            _ => format!("{}pinned; Esc unpins", of_step(cx)),
        }
    }

    fn whose(&self, cx: &PaneContext<'_>) -> Option<usize> {
        of_several(cx)
    }

    fn help(&self) -> &'static str {
        "Figures of the token and the expert under the pointer, or of those that a click pinned. With neither, those of the whole router. A token's experts are listed by what \
         decides, score and bias together; the line marks the K-th. An orange row was chosen only because of the bias, a blue one would \
         be chosen without it. The last column is the gating value: the plain score, \
         renormalised and scaled if the router is set to; the bias never enters it. There, “dropped” marks an expert that had no \
         room, “group” one whose group the token does not keep."
    }

    fn ui(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>) {
        let snapshot = cx.lab.snapshot().clone();
        let picture = &snapshot.picture;
        let pinned = || cx.link.pinned_token.and_then(|t| Facts::of_pinned(&snapshot, picture, t));
        let facts = cx.link.hovered_token.and_then(|row| Facts::of(&snapshot, picture, row)).or_else(pinned);
        let expert = cx.link.expert();
        ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
            // In a wide pane, a name and its figure stay close together; the message that is shown without figures is centred.
            if cx.lab.snapshot().step > cx.lab.first_step() || facts.is_some() || expert.is_some() {
                ui.set_max_width(ui.available_width().min(WIDEST));
            }
            ui.spacing_mut().item_spacing.y = 0.0;
            ui.spacing_mut().interact_size.y = 16.0;
            if facts.is_none() && expert.is_none() {
                of_router(ui, cx);
            }
            if let Some(expert) = expert {
                of_expert(ui, cx, expert);
                ui.add_space(6.0);
            }
            if let Some(facts) = facts {
                of_token(ui, cx.theme, &facts, expert);
            }
        });
    }
}

/// The number of steps that a window covers so far.
fn window(snapshot: &Snapshot, most: usize) -> u64 {
    (snapshot.step - lock(&snapshot.history).first.min(snapshot.step)).min(most as u64)
}

/// The figures of the last step for all experts together.
fn of_router(ui: &mut Ui, cx: &PaneContext<'_>) {
    let theme = cx.theme;
    let snapshot = cx.lab.snapshot();
    let Some(view) = snapshot.variants.get(cx.link.variant).filter(|v| !v.loads.is_empty()) else {
        let words = "Nothing has been routed yet.\nPoint at a token to see its scores, click to pin it.";
        return message(ui, theme, words);
    };
    let m = &view.metrics;
    let (short, long) = (window(snapshot, SHORT_WINDOW), window(snapshot, LONG_WINDOW));
    let signed = |x: f64| format!("{x:+.4}").replace('-', "−");
    let of_window = format!("MaxVio of the loads of the last {short} steps");
    let all: [(&str, String, &str); 11] = [
        (
            "MaxVio of the batch",
            format!("{:.3}", m.max_vio),
            "max load / fair share − 1 (Wang et al. 2024); 0 if every expert is under it",
        ),
        ("MaxVio of 16 steps", format!("{:.3}", m.max_vio_16), &of_window),
        (
            "MaxVio since the mark",
            format!("{:.3}", m.max_vio_global),
            "MaxVio of all loads since the mark (M), or the start",
        ),
        ("MinVio", format!("{:.3}", m.min_vio), "1 − min load / fair share (ID Balancing)"),
        ("coefficient of variation", format!("{:.3}", m.cv), "Standard deviation of the loads over their mean"),
        ("entropy over ln E", format!("{:.4}", m.entropy), "Entropy of the load shares, 1 at perfect balance"),
        (
            "effective experts",
            format!("{:.1} of {}, {long} steps", m.effective, view.loads.len()),
            "e to the entropy of the load shares, summed over the last 64 steps or as many as there are",
        ),
        (
            "starving, dead",
            format!("{}  {}, {long} steps", m.starving, m.dead),
            "Experts under 25 % and under 1 % of fair over the last 64 steps or as many as there are",
        ),
        (
            "moved by the bias",
            format!("≈ {:.1} %", 100.0 * m.moved),
            "Share of assignments that differ from the top-K of the plain scores; estimated on evenly spaced tokens",
        ),
        ("smallest bias", signed(m.bias_min), "After the update of this step, score units"),
        ("largest bias", signed(m.bias_max), "After the update of this step, score units"),
    ];
    for (name, value, tip) in all {
        line(ui, theme, name, &value, theme.text).on_hover_text(tip);
    }
    if let Some(l) = m.learning {
        let tip =
            "Task loss relative to predicting nothing, and e to the loss: half the mean squared error of a coordinate";
        let value = format!("{:.1} %  {:.3}", 100.0 * l.nmse, l.perplexity());
        line(ui, theme, "NMSE, e^loss", &value, theme.text).on_hover_text(tip);
        let tip = "Angle between task and auxiliary gradient on the router, and α·|auxiliary| / |task|";
        let value = format!("{:+.2}  {:.2}", l.cosine, l.force).replace('-', "−");
        line(ui, theme, "interference, force", &value, theme.text).on_hover_text(tip);
        let tip = "Mean score of all tokens at all experts";
        line(ui, theme, "mean score", &format!("{:.3}", l.mean_score), theme.text).on_hover_text(tip);
    }
    let Some(v) = snapshot.routed.variants.get(cx.link.variant) else { return };
    if v.router.capacity.is_some() {
        let tip = "Share of the assignments of the last step that no expert had room for. Loads count what was kept; the balancer \
                   sees every token that chose the expert";
        line(ui, theme, "dropped", &format!("{:.2} %", 100.0 * m.dropped), theme.over_text).on_hover_text(tip);
    }
    if v.balancer.rule == Rule::Threshold {
        let tip = "Mean number of experts that a token chose in the last step; the target is K";
        let value = format!("{:.2}, aim {}", m.active, v.router.top_k);
        line(ui, theme, "experts per token", &value, theme.text).on_hover_text(tip);
        spread(ui, theme, &snapshot.picture);
    }
    if m.saturated > 0 {
        let tip = "Their bias is more than 3 below the largest, so the key holds it as if it were exactly that far";
        line(ui, theme, "saturated experts", &m.saturated.to_string(), theme.over_text).on_hover_text(tip);
    }
}

/// A bar chart of the number of experts per token, for the tokens of the heatmap.
fn spread(ui: &mut Ui, theme: &Theme, picture: &Picture) {
    let chosen = |row: usize| picture.marks_of(row).iter().filter(|m| **m & CHOSEN != 0).count();
    let mut counts: Vec<usize> = (0..picture.tokens.len()).map(chosen).collect();
    counts.sort_unstable();
    let (Some(&least), Some(&most)) = (counts.first(), counts.last()) else { return };
    let at = |share: f64| counts[((counts.len() - 1) as f64 * share).round() as usize];
    let value = format!("{least} · {}–{} · {most}", at(0.25), at(0.75));
    let tip = "Least, middle half and most experts of a token in the heatmap, and how many tokens have how many";
    line(ui, theme, "in the heatmap", &value, theme.text).on_hover_text(tip);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 34.0), Sense::hover());
    let bins = most - least + 1;
    let tallest = (least..=most).map(|n| counts.iter().filter(|c| **c == n).count()).max().unwrap_or(1).max(1);
    let width = (rect.width() / bins as f32).min(16.0);
    for n in least..=most {
        let share = counts.iter().filter(|c| **c == n).count() as f32 / tallest as f32;
        let left = rect.right() - width * (most - n + 1) as f32;
        let foot = eframe::egui::pos2(left + 0.5, rect.bottom() - 2.0);
        let bar = eframe::egui::Rect::from_two_pos(foot, foot + vec2((width - 1.0).max(0.5), -30.0 * share));
        ui.painter().rect_filled(bar, 1.0, theme.chosen);
    }
}

fn of_expert(ui: &mut Ui, cx: &PaneContext<'_>, expert: usize) {
    let theme = cx.theme;
    let snapshot = cx.lab.snapshot();
    let Some(view) = snapshot.variants.get(cx.link.variant) else { return };
    ui.label(RichText::new(format!("Expert {expert}")).font(semibold(SMALL)).color(theme.text));
    if let Some(&load) = view.loads.get(expert) {
        let fair = view.fair();
        let share = if fair > 0.0 { f64::from(load) / fair } else { 0.0 };
        line(ui, theme, "load", &format!("{} tokens · {share:.2}× fair", figure(f64::from(load), true)), theme.text);
    }
    if let Some(&bias) = view.bias.get(expert) {
        let tip = "The next step is routed with it";
        line(ui, theme, "bias now", &format!("{:+.5}", from_q32(bias)).replace('-', "−"), theme.text)
            .on_hover_text(tip);
    }
    let history = lock(&snapshot.history);
    let Some(of) = history.variants.get(cx.link.variant) else { return };
    let recent: Vec<f64> = of
        .recent()
        .rev()
        .skip_while(|c| c.step >= snapshot.step)
        .take(LONG_WINDOW)
        .filter_map(|c| c.load.get(expert).map(|&l| f64::from(l)))
        .collect();
    drop(history);
    if !recent.is_empty() {
        let mean = recent.iter().sum::<f64>() / recent.len() as f64;
        let state = if mean < DEAD {
            " · dead"
        } else if mean < STARVING {
            " · starving"
        } else {
            ""
        };
        line(
            ui,
            theme,
            &format!("mean of the last {} steps", recent.len()),
            &format!("{mean:.2}× fair{state}"),
            theme.dim,
        );
    }
}

fn of_token(ui: &mut Ui, theme: &Theme, facts: &Facts, expert: Option<usize>) {
    let mut name = format!("Token {} · {}", figure(f64::from(facts.token), true), facts.topic);
    if let Some(word) = &facts.word {
        name = format!("{name} · “{}”", word.trim());
    }
    ui.label(RichText::new(name).font(semibold(SMALL)).color(theme.text));
    if !facts.scored {
        let chosen = facts.choices.iter().filter(|c| c.chosen).map(|c| c.expert.to_string());
        let words = format!("went to experts {}", chosen.collect::<Vec<_>>().join(", "));
        ui.label(RichText::new(words).font(text(SMALL)).color(theme.text));
        return;
    }
    let bias = if facts.multiplies { "× bias" } else { "+ bias" };
    row(ui, theme, &["expert", "score", bias, "together", "gate"].map(String::from), theme.faint, false);
    let chosen = facts.choices.iter().filter(|c| c.chosen).count();
    let shown =
        facts.choices.iter().enumerate().filter(|(i, c)| *i < chosen + NEXT || c.unbiased || Some(c.expert) == expert);
    for (i, choice) in shown {
        if i == chosen {
            let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 5.0), Sense::hover());
            ui.painter().hline(rect.x_range(), rect.center().y, (1.0, theme.line));
        }
        row(ui, theme, &figures(choice, facts.multiplies), colour(choice, theme), Some(choice.expert) == expert);
    }
    if facts.shared > 0 {
        let words = format!("{} shared, always on", facts.shared);
        let name = if facts.shared == 1 { "expert" } else { "experts" };
        line(ui, theme, name, &words, theme.dim).on_hover_text("Shared experts take every token; they change no load");
    }
}

fn figures(c: &Choice, multiplies: bool) -> [String; 5] {
    let bias = if multiplies { format!("{:.4}", c.bias) } else { format!("{:+.4}", c.bias).replace('-', "−") };
    let gate = match (c.gate, c.dropped) {
        (_, true) => "dropped".into(),
        (Some(g), _) => format!("{g:.4}"),
        (None, _) if !c.eligible => "group".into(),
        (None, _) => "·".into(),
    };
    [c.expert.to_string(), format!("{:.4}", c.score), bias, format!("{:.4}", c.biased).replace('-', "−"), gate]
}

fn colour(c: &Choice, theme: &Theme) -> eframe::egui::Color32 {
    match (c.chosen, c.unbiased) {
        (true, false) => theme.over_text,
        (false, true) => theme.under,
        (true, true) => theme.text,
        (false, false) => theme.dim,
    }
}

/// A table of five columns, with figures aligned to the right.
fn row(ui: &mut Ui, theme: &Theme, cells: &[String; 5], colour: eframe::egui::Color32, linked: bool) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 15.0), Sense::hover());
    if linked {
        ui.painter().rect_filled(rect, 3.0, theme.chip);
    }
    let width = (rect.width() - 8.0).min(420.0);
    for (i, cell) in cells.iter().enumerate() {
        let right = rect.left() + 4.0 + width * [0.14, 0.35, 0.57, 0.79, 1.0][i];
        ui.painter().text(eframe::egui::pos2(right, rect.center().y), Align2::RIGHT_CENTER, cell, mono(TINY), colour);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing;
    use egui_kittest::kittest::Queryable as _;

    #[test]
    fn names_and_figures_never_lie_on_each_other() {
        for width in [190.0, 240.0, 1600.0] {
            let lab = testing::lab_at("variants: [(name: \"A\")]", 80);
            let mut harness = testing::stage(Inspector, lab, [width, 420.0], true);
            harness.run_steps(3);
            let name = harness.get_by_label("effective experts").rect();
            let figure = harness.get_by_label_contains("of 64, 64 steps").rect();
            assert!(!name.shrink(0.5).intersects(figure), "{width}: {name} {figure}");
            assert!(figure.right() - name.left() <= WIDEST + 1.0, "{width}: they belong together");
        }
    }

    #[test]
    fn what_is_dropped_shared_and_out_of_reach_is_told() {
        let scenarios = [
            ("threshold", "balancer: (rule: Threshold)"),
            ("capacity", "router: (capacity: (factor: 0.8), shared: 2, renormalise: true, scale: 2.5)"),
            ("groups", "router: (groups: (groups: 8, kept: 2), shared: 1)"),
            ("base", "router: (experts: 16, top_k: 1), balancer: (rule: Base)"),
        ];
        for (name, variant) in scenarios {
            for dark in [true, false] {
                let lab = testing::lab_at(&format!("variants: [(name: \"A\", {variant})]"), 20);
                let mut harness = testing::stage(Inspector, lab, [380.0, 420.0], dark);
                harness.run_steps(3);
                let theme = if dark { "dark" } else { "light" };
                testing::picture(&mut harness, &format!("inspector-{name}-{theme}"));
                if name == "capacity" {
                    let snapshot = harness.state().lab.snapshot().clone();
                    let row = (0..snapshot.picture.rows()).find_map(|r| {
                        Facts::of(&snapshot, &snapshot.picture, r).filter(|f| f.choices.iter().any(|c| c.dropped))
                    });
                    let facts = row.unwrap();
                    let kept: f64 = facts.choices.iter().filter_map(|c| c.gate).sum();
                    assert!(facts.shared == 2 && kept > 0.0 && kept < 2.5, "{kept}");
                }
                let token = harness.state().lab.snapshot().picture.tokens[5].index;
                harness.state_mut().link.pinned_token = Some(token);
                harness.run_steps(3);
                testing::picture(&mut harness, &format!("inspector-{name}-token-{theme}"));
            }
        }
    }
}
