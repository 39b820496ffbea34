//! The transport bar: play, step, speed, the timeline with a mark for every change, and how many steps are done.

use crate::ui::kit::speed::{SPEEDS, name_of};
use crate::ui::kit::style::{SMALL, TINY, mono, text};
use crate::ui::kit::theme::Theme;
use crate::ui::kit::widgets::button::icon_button;
use crate::ui::kit::widgets::slider::figure;
use eframe::egui::{
    self, Align, Align2, Button, CornerRadius, Frame, Layout, Margin, Panel, Rect, RichText, Sense, Stroke, Ui, pos2,
    vec2,
};
use egui_material_icons::icons::{
    ICON_CHEVRON_LEFT, ICON_CHEVRON_RIGHT, ICON_FAST_FORWARD, ICON_PAUSE, ICON_PLAY_ARROW, ICON_RESTART_ALT,
    ICON_SKIP_PREVIOUS,
};
use moebias_engine::message::{Snapshot, Speed};
use moebias_lab::Lab;
use moebias_lab::command::Command;

/// Height of the bar.
const HEIGHT: f32 = 60.0;
/// Its height while presenting.
const SLIM: f32 = 42.0;
/// The timeline covers at least this many steps, so that the handle of a new run does not race across it.
const SHORTEST: u64 = 300;

/// Draws the bar; `slim` makes it lower and leaves out the digest.
pub fn show(ui: &mut Ui, lab: &mut Lab, slim: bool, theme: &'static Theme) {
    let height = if slim { SLIM } else { HEIGHT };
    let frame = Frame::new().fill(theme.panel).inner_margin(Margin::symmetric(14, 0));
    Panel::bottom("transport").exact_size(height).resizable(false).show_separator_line(false).frame(frame).show(
        ui,
        |ui| {
            crate::ui::kit::focus::region(ui, crate::ui::kit::focus::Region::Transport);
            let edge = ui.max_rect().expand2(vec2(14.0, 0.0));
            ui.painter().hline(edge.x_range(), edge.top() + 0.5, Stroke::new(1.0, theme.line));
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = 4.0;
                // In a narrow window the least important parts are left out first.
                let slim = slim || ui.available_width() < 740.0;
                let few = ui.available_width() < 500.0;
                buttons(ui, lab, few, theme);
                ui.add_space(8.0);
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    standing(ui, lab.snapshot(), slim, theme);
                    ui.add_space(16.0);
                    line(ui, lab, height, theme);
                });
            });
        },
    );
}

fn buttons(ui: &mut Ui, lab: &mut Lab, few: bool, theme: &Theme) {
    let snapshot = lab.snapshot().clone();
    let back = snapshot.step > 0;
    let tip = "Reset: the same seed and settings from step 0 (Ctrl+R); undo brings this run back";
    if icon_button(ui, theme, ICON_RESTART_ALT, 18.0, true, "Reset", tip).clicked() {
        lab.send(Command::Reset);
    }
    let tip = "To the first step (Home)";
    if !few && icon_button(ui, theme, ICON_SKIP_PREVIOUS, 20.0, back, "To the first step", tip).clicked() {
        lab.send(Command::SeekStart);
    }
    if icon_button(ui, theme, ICON_CHEVRON_LEFT, 20.0, back, "One step back", "One step back (←); ten with Shift")
        .clicked()
    {
        let steps = if ui.input(|i| i.modifiers.shift) { 10 } else { 1 };
        lab.send(Command::StepBack(steps));
    }
    let (symbol, name) = if snapshot.playing { (ICON_PAUSE, "Pause") } else { (ICON_PLAY_ARROW, "Play") };
    let (rect, response) = ui.allocate_exact_size(vec2(36.0, 36.0), Sense::click());
    crate::ui::kit::spots::offer(ui, "Play or pause", rect);
    let response = response.on_hover_text(format!("{name} ({})", lab.play_key()));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, name));
    let hot = if response.hovered() || response.has_focus() { 0.12 } else { 0.0 };
    ui.painter().circle_filled(rect.center(), 18.0, Theme::mix(theme.accent, theme.text, hot));
    let ink = if theme.dark { theme.window } else { theme.pane };
    let font = egui::FontId::new(22.0, symbol.font_family());
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, symbol.codepoint, font, ink);
    if response.clicked() {
        lab.send(Command::TogglePlay);
    }
    if icon_button(ui, theme, ICON_CHEVRON_RIGHT, 20.0, true, "One step", "One step (→); ten with Shift").clicked() {
        let steps = if ui.input(|i| i.modifiers.shift) { 10 } else { 1 };
        lab.send(Command::StepForward(steps));
    }
    let tip = "A hundred steps (Ctrl+→)";
    if !few && icon_button(ui, theme, ICON_FAST_FORWARD, 20.0, true, "A hundred steps", tip).clicked() {
        lab.send(Command::StepForward(100));
    }
    ui.add_space(4.0);
    let label = RichText::new(name_of(snapshot.speed)).font(mono(SMALL)).color(theme.text);
    let button =
        ui.add(Button::new(label).min_size(vec2(72.0, 28.0))).on_hover_text("Steps per second (. faster, , slower)");
    crate::ui::kit::spots::offer(ui, "Speed", button.rect);
    button.widget_info(|| {
        egui::WidgetInfo::labeled(egui::Role::Button, true, format!("Speed: {}", name_of(snapshot.speed)))
    });
    egui::Popup::menu(&button).show(|ui| {
        ui.set_min_width(96.0);
        for speed in SPEEDS.iter().map(|&s| Speed::Steps(s)).chain([Speed::Max]) {
            let text = RichText::new(name_of(speed)).font(mono(SMALL));
            let item = ui.add(Button::selectable(speed == snapshot.speed, text).min_size(vec2(90.0, 24.0)));
            if speed == snapshot.speed {
                crate::ui::kit::focus::start_at(ui, item.id);
            }
            if item.clicked() {
                lab.send(Command::SetSpeed(speed));
            }
        }
    });
}

/// The number of steps done, of all that were computed, and the digest.
fn standing(ui: &mut Ui, snapshot: &Snapshot, slim: bool, theme: &Theme) {
    if !slim {
        digest(ui, snapshot, theme);
    }
    let font = mono(SMALL);
    let end = snapshot.stop.unwrap_or(snapshot.head).max(snapshot.head);
    let of = format!("/ {}", figure(end as f64, true));
    ui.label(RichText::new(of).font(font.clone()).color(theme.dim));
    let now = figure(snapshot.step as f64, true);
    let wide = figure(end as f64, true).chars().count();
    ui.label(RichText::new(format!("{now:>wide$}")).font(font).color(theme.text));
    let tip = match snapshot.shown_step() {
        Some(last) => format!(
            "{} steps are done, counted from 0: panes and files call the last one step {}",
            figure(snapshot.step as f64, true),
            figure(last as f64, true)
        ),
        None => "Nothing has been routed yet".into(),
    };
    ui.label(RichText::new("steps").font(text(SMALL)).color(theme.faint)).on_hover_text(tip);
}

fn digest(ui: &mut Ui, snapshot: &Snapshot, theme: &Theme) {
    let digest = snapshot.digest.to_string();
    let short = format!("{} {}", &digest[..4], &digest[4..8]);
    let promise = if snapshot.experiment.world().is_some() {
        "Learning computes in floating point: equal whenever the CPU engine repeats the run, with any number of threads"
    } else {
        "Equal on every engine and machine, or something is wrong"
    };
    let tip = format!("Digest of every load and bias so far: {digest}. {promise}");
    let response =
        ui.add(egui::Label::new(RichText::new(short).font(mono(SMALL)).color(theme.dim)).sense(Sense::click()));
    if response.on_hover_text(format!("{tip}\nClick to copy")).clicked() {
        ui.ctx().copy_text(digest);
    }
    ui.label(RichText::new("digest").font(text(SMALL)).color(theme.faint));
    ui.add_space(8.0);
}

/// The timeline: all steps, the changes, the handle that seeks, and the progress of a seek.
fn line(ui: &mut Ui, lab: &mut Lab, height: f32, theme: &Theme) {
    let snapshot = lab.snapshot().clone();
    let (rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width().max(40.0), height - 2.0), Sense::click_and_drag());
    let end = snapshot.stop.unwrap_or(0).max(snapshot.head).max(SHORTEST);
    let rail = Rect::from_min_max(
        pos2(rect.left() + 8.0, rect.center().y - 2.0),
        pos2(rect.right() - 8.0, rect.center().y + 2.0),
    );
    let x_of = |step: u64| egui::lerp(rail.x_range(), step.min(end) as f32 / end as f32);
    let step_at = |x: f32| ((((x - rail.left()) / rail.width()).clamp(0.0, 1.0)) * end as f32).round() as u64;
    response.widget_info(|| egui::WidgetInfo::slider(true, snapshot.step as f64, "Step"));

    let painter = ui.painter();
    painter.rect_filled(rail, 2.0, theme.line);
    painter.rect_filled(rail.with_max_x(x_of(snapshot.head)), 2.0, Theme::mix(theme.line, theme.accent, 0.35));
    painter.rect_filled(rail.with_max_x(x_of(snapshot.step)), 2.0, theme.accent);
    for event in snapshot.events.iter() {
        let x = x_of(event.step);
        let colour = if event.step <= snapshot.step { theme.accent } else { theme.over };
        painter.vline(x, rail.center().y - 9.0..=rail.center().y + 9.0, Stroke::new(2.0, colour));
    }
    let handle = pos2(x_of(snapshot.seeking.map_or(snapshot.step, |s| s.to)), rail.center().y);
    let size = if response.hovered() || response.dragged() { 8.0 } else { 7.0 };
    painter.circle_filled(handle, size, theme.text);

    if let Some(seek) = snapshot.seeking {
        let done = (seek.at.saturating_sub(seek.from.min(seek.at))) as f32
            / seek.to.saturating_sub(seek.from.min(seek.to)).max(1) as f32;
        let what = format!(
            "Recomputing step {} of {} · {:.0} % · Esc cancels",
            figure(seek.at as f64, true),
            figure(seek.to as f64, true),
            100.0 * done
        );
        painter.text(pos2(rail.left(), rect.top() + 10.0), Align2::LEFT_CENTER, what, text(TINY), theme.dim);
    }
    let Some(pointer) = response.hover_pos().or(response.interact_pointer_pos()) else { return };
    let near = snapshot.events.iter().filter(|e| (x_of(e.step) - pointer.x).abs() < 5.0);
    let names = snapshot.experiment.names();
    let changes: Vec<String> = near
        .map(|e| {
            format!(
                "{} at step {}",
                crate::ui::kit::events::label_in(&snapshot, e, &names),
                figure(e.step as f64, true)
            )
        })
        .collect();
    let pressed = response.dragged() || response.clicked() || response.is_pointer_button_down_on();
    let target = step_at(pointer.x);
    let tip = if changes.is_empty() { format!("step {}", figure(target as f64, true)) } else { changes.join("\n") };
    let galley = ui.painter().layout(tip, text(TINY), theme.text, 260.0);
    let width = galley.size().x + 12.0;
    let left = (pointer.x - width / 2.0).clamp(rect.left(), (rect.right() - width).max(rect.left()));
    let bubble = Rect::from_min_size(pos2(left, rail.top() - galley.size().y - 14.0), galley.size() + vec2(12.0, 6.0));
    let layer = egui::LayerId::new(egui::Order::Tooltip, response.id);
    let above = ui.ctx().layer_painter(layer);
    above.rect(bubble, CornerRadius::same(5), theme.pane, Stroke::new(1.0, theme.line), egui::StrokeKind::Inside);
    above.galley(bubble.min + vec2(6.0, 3.0), galley, theme.text);
    if pressed && snapshot.seeking.map_or(snapshot.step, |s| s.to) != target {
        lab.send(Command::Seek(target));
    }
}
