//! The cards on a lesson's page: a question and a task.

use super::{frame, kicker, small};
use crate::ui::actions::Action;
use crate::ui::kit::markdown;
use crate::ui::kit::style::{SMALL, icon, mono, text};
use crate::ui::kit::theme::Theme;
use crate::ui::kit::widgets::slider::figure;
use eframe::egui::{
    self, Align2, Button, CornerRadius, Label, Rect, RichText, Sense, Stroke, StrokeKind, Ui, pos2, vec2,
};
use egui_material_icons::icons::{ICON_CHECK_CIRCLE, ICON_LIGHTBULB, ICON_RADIO_BUTTON_UNCHECKED};
use moebias_files::lesson::{Choice, Condition, Question, Task};
use moebias_lab::Lab;
use moebias_lab::command::Command;
use moebias_lab::command::LessonDo;
use moebias_lab::lesson::Standing;
use moebias_lab::recording::source_of;
use moebias_model::settings::reading::LeaveOut;

/// Draws a question with its answers, and the explanation once one is chosen.
pub(super) fn question(ui: &mut Ui, question: &Question, lab: &mut Lab, theme: &Theme) {
    let chosen = lab.answered();
    frame(theme, theme.line).show(ui, |ui| {
        ui.set_width(ui.available_width());
        let words = if question.then.is_empty() { "Think first" } else { "What will happen?" };
        kicker(ui, words, theme.accent);
        markdown::show(ui, theme, &question.ask);
        ui.add_space(10.0);
        for (i, choice) in question.choices.iter().enumerate() {
            if answer(ui, i, choice, chosen, theme) {
                lab.send(Command::Lesson(LessonDo::Answer(i)));
            }
            ui.add_space(6.0);
        }
        let Some(chosen) = chosen.and_then(|c| question.choices.get(c)) else {
            return small(ui, "The run waits for your answer: click it, or press its letter.", theme.dim);
        };
        ui.add_space(6.0);
        if !chosen.right {
            markdown::show(ui, theme, &chosen.why);
            ui.add_space(10.0);
        }
        if let Some(right) = question.choices.iter().find(|c| c.right) {
            ui.horizontal_top(|ui| {
                ui.label(icon(ICON_CHECK_CIRCLE, 18.0).color(theme.accent));
                ui.vertical(|ui| markdown::show(ui, theme, &right.why));
            });
        }
    });
}

/// Draws an answer. True if it was chosen now.
fn answer(ui: &mut Ui, i: usize, choice: &Choice, chosen: Option<usize>, theme: &Theme) -> bool {
    let open = chosen.is_none();
    let width = ui.available_width();
    let colour = if open || choice.right || chosen == Some(i) { theme.text } else { theme.dim };
    let galley = ui.painter().layout(choice.text.clone(), text(markdown::READ - 0.5), colour, width - 52.0);
    let height = (galley.size().y + 16.0).max(36.0);
    let sense = if open { Sense::click() } else { Sense::hover() };
    let (rect, response) = ui.allocate_exact_size(vec2(width, height), sense);
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::RadioButton, open, chosen == Some(i), &choice.text));
    if open {
        crate::ui::kit::focus::start_at(ui, response.id);
    }
    let hot = open && (response.hovered() || response.has_focus());
    let right = !open && choice.right;
    let line = if right || hot { theme.accent } else { theme.line };
    let fill = if right { Theme::mix(theme.pane, theme.accent, 0.12) } else { theme.pane };
    ui.painter().rect(rect, CornerRadius::same(8), fill, Stroke::new(1.0, line), StrokeKind::Inside);
    let badge = pos2(rect.left() + 21.0, rect.center().y);
    if right {
        let symbol = ICON_CHECK_CIRCLE;
        let font = egui::FontId::new(19.0, symbol.font_family());
        ui.painter().text(badge, Align2::CENTER_CENTER, symbol.codepoint, font, theme.accent);
    } else {
        let mine = chosen == Some(i);
        let ring = if mine { theme.text } else { theme.faint };
        ui.painter().circle_stroke(badge, 10.0, Stroke::new(if mine { 2.0 } else { 1.0 }, ring));
        let letter = char::from(b'A' + i as u8).to_string();
        ui.painter().text(badge, Align2::CENTER_CENTER, letter, text(SMALL), colour);
    }
    let at = pos2(rect.left() + 40.0, rect.center().y - galley.size().y / 2.0);
    ui.painter().galley(at, galley, colour);
    response.clicked()
}

/// Draws a task and its progress.
pub(super) fn task(ui: &mut Ui, task: &Task, hints: usize, standing: Standing, lab: &mut Lab, theme: &Theme) {
    let line = if standing.done { theme.accent } else { theme.line };
    frame(theme, line).show(ui, |ui| {
        ui.set_width(ui.available_width());
        kicker(ui, if standing.done { "Done" } else { "Your turn" }, theme.accent);
        markdown::show(ui, theme, &task.ask);
        if standing.done {
            ui.add_space(10.0);
            ui.horizontal_top(|ui| {
                ui.label(icon(ICON_CHECK_CIRCLE, 18.0).color(theme.accent));
                ui.vertical(|ui| markdown::show(ui, theme, &task.done));
            });
            return;
        }
        ui.add_space(10.0);
        for part in task.until.parts() {
            now(ui, part, task, lab, theme);
        }
        // Steps before the person has changed anything are no progress.
        let streak = if standing.untouched { 0 } else { standing.streak.min(task.for_steps) };
        if task.for_steps > 1 {
            ui.add_space(6.0);
            progress(ui, streak, task.for_steps, theme);
        }
        if standing.untouched && standing.streak > 0 {
            ui.add_space(4.0);
            small(ui, "It counts once you have changed something on this page.", theme.dim);
        }
        let snapshot = lab.snapshot();
        if !snapshot.playing && snapshot.seeking.is_none() && (task.until.of_figures() || task.for_steps > 0) {
            ui.add_space(4.0);
            small(ui, format!("Paused: press {} to play.", lab.play_key()), theme.over_text);
        }
        for hint in task.hints.iter().take(hints) {
            ui.add_space(8.0);
            ui.horizontal_top(|ui| {
                ui.label(icon(ICON_LIGHTBULB, 16.0).color(theme.dim));
                ui.vertical(|ui| markdown::show(ui, theme, hint));
            });
        }
        if hints < task.hints.len() {
            ui.add_space(8.0);
            let words = if hints == 0 { "Show a hint" } else { "Another hint" };
            let tip = super::key(ui, Action::LessonHint);
            if ui.add(Button::new(RichText::new(words).font(text(SMALL)))).on_hover_text(tip).clicked() {
                lab.send(Command::Lesson(LessonDo::Hint));
            }
        }
    });
}

/// Draws one part of a condition: the present value and the one that is wanted.
fn now(ui: &mut Ui, part: &Condition, task: &Task, lab: &Lab, theme: &Theme) {
    let snapshot = lab.snapshot();
    let metrics = snapshot.variants.get(task.variant).map(|v| v.metrics);
    let (metrics, started) = (metrics.unwrap_or_default(), snapshot.step > 0);
    let value = |x: f64| if x.abs() >= 10.0 || x == x.round() { format!("{x:.0}") } else { format!("{x:.2}") };
    let (holds, words) = match part {
        Condition::Below(f, bound) => {
            let now = if started { value(f.of(&metrics)) } else { "–".into() };
            (started && f.of(&metrics) < *bound, format!("{} {now}, wanted below {}", f.name(), figure(*bound, false)))
        }
        Condition::AtLeast(f, bound) => {
            let now = if started { value(f.of(&metrics)) } else { "–".into() };
            (
                started && f.of(&metrics) >= *bound,
                format!("{} {now}, wanted at least {}", f.name(), figure(*bound, *bound == bound.round())),
            )
        }
        Condition::Between(s, low, high) => {
            let now = s.of(&snapshot.experiment, task.variant);
            let shown = now.map_or("–".into(), |v| figure(v, v >= 1.0 && v == v.round()));
            let range = |x: f64| figure(x, x >= 1.0 && x == x.round());
            let wanted = if low == high { range(*low) } else { format!("{} to {}", range(*low), range(*high)) };
            (now.is_some_and(|v| (*low..=*high).contains(&v)), format!("{} {shown}, wanted {wanted}", s.name()))
        }
        Condition::RuleIs(rule) => {
            let now = snapshot.experiment.variants.get(task.variant).map(|v| v.balancer.rule);
            (now == Some(*rule), format!("rule: {rule}"))
        }
        Condition::ScheduleIs(schedule) => {
            let now = snapshot.experiment.variants.get(task.variant).map(|v| v.balancer.schedule);
            (now == Some(*schedule), format!("schedule: {schedule}"))
        }
        Condition::LayerIs(name) => {
            let now = source_of(&snapshot.experiment.source).and_then(|r| r.layer.as_deref());
            (now == Some(name), format!("layer {}, wanted {name}", now.unwrap_or("–")))
        }
        Condition::LeavesOut(what) => {
            let left_out = source_of(&snapshot.experiment.source).is_some_and(|r| r.reading.leave_out.contains(what));
            let words = match what {
                LeaveOut::Identical => "identical tokens left out".to_owned(),
                LeaveOut::TokenId(id) => format!("tokens with id {id} left out"),
            };
            (left_out, words)
        }
        Condition::Variants(n) => {
            let now = snapshot.experiment.variants.len();
            (now >= *n, format!("{now} of {n} routers side by side"))
        }
        Condition::Step(n) => (snapshot.step >= *n, format!("step {} of {}", snapshot.step.min(*n), n)),
        Condition::All(_) => return,
    };
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let (symbol, colour) =
            if holds { (ICON_CHECK_CIRCLE, theme.accent) } else { (ICON_RADIO_BUTTON_UNCHECKED, theme.faint) };
        ui.label(icon(symbol, 14.0).color(colour));
        let mut first = words.chars();
        let words: String = first.next().map(|c| c.to_uppercase().chain(first).collect()).unwrap_or_default();
        let small = RichText::new(words).font(text(SMALL)).color(if holds { theme.text } else { theme.dim });
        ui.add(Label::new(small).wrap());
    });
}

fn progress(ui: &mut Ui, streak: u64, wanted: u64, theme: &Theme) {
    let words = format!("{streak:>width$} of {wanted} steps in a row", width = wanted.to_string().len());
    let galley = ui.painter().layout_no_wrap(words.clone(), mono(SMALL), theme.dim);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 20.0 + 8.0), Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ProgressIndicator, true, &words));
    ui.painter().galley(pos2(rect.left(), rect.top()), galley, theme.dim);
    let rail = Rect::from_min_size(pos2(rect.left(), rect.bottom() - 8.0), vec2(rect.width(), 6.0));
    ui.painter().rect_filled(rail, 3.0, theme.line);
    let share = (streak as f32 / wanted.max(1) as f32).clamp(0.0, 1.0);
    if share > 0.0 {
        let done = rail.with_max_x(rail.left() + (rail.width() * share).max(6.0));
        ui.painter().rect_filled(done, 3.0, theme.accent);
    }
}
