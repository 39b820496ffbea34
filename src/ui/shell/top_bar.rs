//! The top bar: the run's title with its menu, undo, recording, comparing, the engine, and what opens scenarios, lessons and help.

use crate::ui::actions::{self, Action, Toggled};
use crate::ui::ask::Ask;
use crate::ui::kit::icon::mark;
use crate::ui::kit::style::{SMALL, icon, mono, semibold, text};
use crate::ui::kit::theme::Theme;
use crate::ui::kit::widgets::button::{chip, icon_button};
use eframe::egui::{self, Align, Button, Color32, Frame, Layout, Margin, Panel, RichText, Sense, Stroke, Ui, vec2};
use egui_material_icons::icons::{
    ICON_ADD, ICON_CHECK_BOX, ICON_CHECK_BOX_OUTLINE_BLANK, ICON_CLOSE, ICON_FIBER_MANUAL_RECORD, ICON_KEYBOARD,
    ICON_MORE_HORIZ, ICON_NOTIFICATIONS, ICON_STOP_CIRCLE,
};
use moebias_engine::EngineChoice;
use moebias_lab::Lab;
use moebias_lab::command::Command;
use moebias_lab::fork::{COMPARED, ENOUGH};
use std::path::PathBuf;

/// Height of the bar.
const HEIGHT: f32 = 44.0;

/// What the bar shows beside the lab.
pub struct Bar<'a> {
    /// Files opened or saved lately, newest first.
    pub recent: &'a [PathBuf],
    /// The number of messages not yet seen.
    pub unread: u64,
    /// The settings have no room beside the panes, so the bar has a button that shows them.
    pub settings: bool,
    /// The menu at the experiment's name opens in this frame.
    pub menu: bool,
    /// The state of the actions that turn something on and off.
    pub toggled: Toggled,
}

/// What is left out, or moved into the menu “…”, as the bar gets narrower. Each step includes the steps before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fold {
    Nothing,
    /// The engine's adapter.
    Adapter,
    /// The word "Moebias", and most of a long title.
    Name,
    /// Shortcuts, glossary and theme.
    Signs,
    Scenarios,
    Search,
    Engine,
    Compare,
    History,
}

const FOLDS: [Fold; 9] = [
    Fold::Nothing,
    Fold::Adapter,
    Fold::Name,
    Fold::Signs,
    Fold::Scenarios,
    Fold::Search,
    Fold::Engine,
    Fold::Compare,
    Fold::History,
];

impl Fold {
    /// The actions that the menu “…” offers, because the bar has no room for them.
    fn actions(self) -> Vec<Action> {
        let of = |fold: Self| -> &'static [Action] {
            match fold {
                Self::Nothing | Self::Adapter | Self::Name => &[],
                Self::Signs => &[Action::Shortcuts, Action::Glossary, Action::ToggleTheme],
                Self::Scenarios => &[Action::Lessons, Action::Welcome],
                Self::Search => &[Action::Palette, Action::Findings],
                Self::Engine => &[Action::EngineAuto, Action::EngineCpu, Action::EngineGpu],
                Self::Compare => &[Action::AddVariant, Action::Fork, Action::ShowCompare],
                Self::History => &[Action::Undo, Action::Redo],
            }
        };
        FOLDS.iter().rev().filter(|f| **f <= self).flat_map(|f| of(*f)).copied().collect()
    }

    /// The most characters of the title that are shown.
    fn title(self) -> usize {
        match self {
            Self::Nothing | Self::Adapter => 32,
            Self::Name | Self::Signs | Self::Scenarios => 24,
            _ => 16,
        }
    }

    /// The width that the bar needs, points; `settings` is whether it has the button that shows them.
    fn width(self, ui: &Ui, lab: &Lab, settings: bool) -> f32 {
        let wide = |words: &str, font: egui::FontId| {
            ui.painter().layout_no_wrap(words.to_owned(), font, Color32::WHITE).size().x
        };
        let chip = |words: &str| wide(words, text(13.0)) + 26.0;
        let signs = |count: f32| 34.0 * count;
        let mut all = 34.0 + wide(&titled(lab, self), text(13.0)) + 30.0;
        all += chip("Record") + 19.0 + signs(1.0);
        all += if settings { signs(1.0) } else { 0.0 };
        all += if self < Self::Name { wide("Moebias", semibold(14.0)) + 14.0 } else { 0.0 };
        all += if self < Self::History { signs(2.0) } else { 0.0 };
        all += if self < Self::Compare { chip("Compare 4") } else { 0.0 };
        all += if self < Self::Engine { wide(&worked(lab, self >= Self::Adapter), mono(SMALL)) + 26.0 } else { 0.0 };
        all += if self < Self::Search { wide(&shortcut(ui, Action::Palette), mono(SMALL)) + 26.0 } else { 0.0 };
        all += if self < Self::Scenarios { chip("Scenarios") + chip("Lessons") } else { 0.0 };
        all + if self < Self::Signs { signs(3.0) } else { signs(1.0) }
    }
}

/// Draws the bar.
pub fn show(ui: &mut Ui, lab: &mut Lab, bar: &Bar<'_>, asks: &mut Vec<Ask>, theme: &'static Theme) {
    let frame = Frame::new().fill(theme.panel).inner_margin(Margin::symmetric(14, 0));
    Panel::top("top").exact_size(HEIGHT).resizable(false).show_separator_line(false).frame(frame).show(ui, |ui| {
        crate::ui::kit::focus::region(ui, crate::ui::kit::focus::Region::TopBar);
        let edge = ui.max_rect().expand2(vec2(14.0, 0.0));
        ui.painter().hline(edge.x_range(), edge.bottom() - 0.5, Stroke::new(1.0, theme.line));
        let room = ui.available_width();
        let fold = FOLDS.into_iter().find(|f| f.width(ui, lab, bar.settings) <= room).unwrap_or(Fold::History);
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            mark(ui, 26.0);
            ui.add_space(4.0);
            if fold < Fold::Name {
                ui.add_space(4.0);
                ui.label(RichText::new("Moebias").font(semibold(14.0)));
                ui.add_space(6.0);
            }
            title(ui, lab, bar, fold, asks, theme);
            if bar.settings {
                sign(ui, Action::ToggleControls, "Settings", asks, theme);
            }
            if fold < Fold::History {
                history(ui, lab, asks, theme);
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| right(ui, lab, bar, fold, asks, theme));
        });
    });
}

/// Draws the right side of the bar, from the edge inwards.
fn right(ui: &mut Ui, lab: &mut Lab, bar: &Bar<'_>, fold: Fold, asks: &mut Vec<Ask>, theme: &'static Theme) {
    ui.spacing_mut().item_spacing.x = 6.0;
    let hidden = fold.actions();
    if !hidden.is_empty() {
        more(ui, &hidden, asks, theme);
    }
    if fold < Fold::Engine {
        engine(ui, lab, asks, fold >= Fold::Adapter, theme);
    }
    messages(ui, bar.unread, asks, theme);
    if fold < Fold::Signs {
        sign(ui, Action::ToggleTheme, "Dark or light", asks, theme);
        sign(ui, Action::Glossary, "Glossary", asks, theme);
        sign(ui, Action::Shortcuts, "Keyboard shortcuts", asks, theme);
    }
    if fold < Fold::Search {
        let keys = RichText::new(shortcut(ui, Action::Palette)).font(mono(SMALL));
        if chip(ui, keys, "Search commands and scenarios", "Search commands and scenarios").clicked() {
            asks.push(Ask::Do(Action::Palette));
        }
    }
    if fold < Fold::Scenarios {
        if chip(ui, "Scenarios", "Scenarios", "What ships with Moebias (Ctrl+N)").clicked() {
            asks.push(Ask::Do(Action::Welcome));
        }
        if chip(ui, "Lessons", "Lessons", "Learn step by step (L)").clicked() {
            asks.push(Ask::Do(Action::Lessons));
        }
    }
    if fold < Fold::Compare {
        compare(ui, lab, asks, theme);
    }
    record(ui, lab, asks, theme);
}

/// The buttons of undo and redo.
fn history(ui: &mut Ui, lab: &Lab, asks: &mut Vec<Ask>, theme: &Theme) {
    for (action, label) in [(Action::Undo, lab.undo_label()), (Action::Redo, lab.redo_label())] {
        let tip = match &label {
            Some(what) => format!("{}: {what} ({})", action.name(), shortcut(ui, action)),
            None => format!("Nothing to {}", action.name().to_lowercase()),
        };
        if icon_button(ui, theme, action.icon(), 17.0, label.is_some(), action.name(), &tip).clicked() {
            asks.push(Ask::Do(action));
        }
    }
}

/// A button with an action's icon.
fn sign(ui: &mut Ui, action: Action, name: &str, asks: &mut Vec<Ask>, theme: &Theme) {
    let (symbol, tip) = match action {
        Action::Shortcuts => (ICON_KEYBOARD, format!("{name} (?)")),
        Action::Glossary => (action.icon(), "Glossary: every term on screen (G)".into()),
        _ => (action.icon(), format!("{name} ({})", shortcut(ui, action))),
    };
    if icon_button(ui, theme, symbol, 17.0, true, name, &tip).clicked() {
        asks.push(Ask::Do(action));
    }
}

/// A line of a menu; an action that turns something on and off has a box that shows which it is.
fn item(ui: &mut Ui, action: Action, toggled: Toggled, theme: &Theme) -> egui::Response {
    let box_of = |on| if on { ICON_CHECK_BOX } else { ICON_CHECK_BOX_OUTLINE_BLANK };
    let on = toggled.of(action);
    let button = match on {
        Some(on) => Button::new((action.name(), icon(box_of(on), 16.0).color(theme.dim))),
        None => Button::new(action.name()),
    };
    let button = button.shortcut_text(shortcut(ui, action)).fill(Color32::TRANSPARENT);
    let response = ui.add(button.min_size(vec2(280.0, 26.0)));
    if let Some(on) = on {
        response.widget_info(|| egui::WidgetInfo::selected(egui::Role::CheckBox, true, on, action.name()));
    }
    response
}

/// The menu “…”.
fn more(ui: &mut Ui, hidden: &[Action], asks: &mut Vec<Ask>, theme: &Theme) {
    let menu = icon_button(ui, theme, ICON_MORE_HORIZ, 17.0, true, "More", "More");
    egui::Popup::menu(&menu).show(|ui| {
        ui.set_width(250.0);
        let room = ui.ctx().content_rect().height() - HEIGHT - 30.0;
        egui::ScrollArea::vertical().max_height(room).show(ui, |ui| {
            for &action in hidden {
                let button = Button::new(action.name()).shortcut_text(shortcut(ui, action));
                if ui.add(button.fill(Color32::TRANSPARENT).min_size(vec2(250.0, 26.0))).clicked() {
                    asks.push(Ask::Do(action));
                }
            }
        });
    });
}

/// The run's title, cut to the length that there is room for.
fn titled(lab: &Lab, fold: Fold) -> String {
    let (title, most) = (&lab.document().title, fold.title());
    if title.chars().count() > most { title.chars().take(most - 1).chain(['…']).collect() } else { title.clone() }
}

/// The shortcut of an action, as it is written on this system.
fn shortcut(ui: &Ui, action: Action) -> String {
    action.shortcuts().first().map(|s| actions::written(ui.ctx(), s)).unwrap_or_default()
}

fn title(ui: &mut Ui, lab: &Lab, bar: &Bar<'_>, fold: Fold, asks: &mut Vec<Ask>, theme: &Theme) {
    let title = &lab.document().title;
    let button = Button::new(RichText::new(format!("{}  ▾", titled(lab, fold))).color(theme.dim))
        .fill(Color32::TRANSPARENT)
        .min_size(vec2(0.0, 28.0));
    let response = ui.add(button).on_hover_text("Open, save, and what ships with Moebias (F10)");
    if bar.menu {
        egui::Popup::open_id(ui.ctx(), egui::Popup::default_response_id(&response));
    }
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, format!("File menu: {title}")));
    egui::Popup::menu(&response).show(|ui| {
        ui.set_width(280.0);
        let groups: [&[Action]; 3] = [
            &[Action::Welcome, Action::Lessons, Action::Open, Action::SaveAs, Action::SaveWithView],
            &[Action::ExportCsv, Action::SavePicture, Action::CopyPicture, Action::Film],
            &[
                Action::ShowMicroscope,
                Action::ShowCompare,
                Action::ShowSweep,
                Action::ShowTheory,
                Action::ResetLayout,
                Action::ToggleHints,
                Action::Present,
                Action::FullScreen,
                Action::Quit,
            ],
        ];
        for (i, group) in groups.iter().enumerate() {
            if i > 0 {
                ui.separator();
            }
            for &action in *group {
                if item(ui, action, bar.toggled, theme).clicked() {
                    asks.push(Ask::Do(action));
                }
            }
        }
        if !bar.recent.is_empty() {
            ui.separator();
            ui.label(RichText::new("Recent").font(text(11.0)).color(theme.faint));
            for path in bar.recent.iter().take(6) {
                let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
                let button = Button::new(RichText::new(name)).fill(Color32::TRANSPARENT).min_size(vec2(280.0, 24.0));
                if ui.add(button).on_hover_text(path.display().to_string()).clicked() {
                    asks.push(Ask::Open(path.clone()));
                }
            }
        }
    });
}

fn record(ui: &mut Ui, lab: &Lab, asks: &mut Vec<Ask>, theme: &Theme) {
    let since = lab.recording_since();
    let (symbol, label, tip) = match since {
        None => (
            ICON_FIBER_MANUAL_RECORD,
            "Record",
            "Record from here (R). Every run is kept from its first step, so Save also works afterwards".to_owned(),
        ),
        Some(step) => (ICON_STOP_CIRCLE, "Stop", format!("Recording since step {step}. Stop and keep it (R)")),
    };
    let mut job = egui::text::LayoutJob::default();
    let format = |font: egui::FontId| egui::TextFormat {
        font_id: font,
        color: theme.record,
        valign: Align::Center,
        ..Default::default()
    };
    let icons = egui::FontId::new(14.0, symbol.font_family());
    job.append(symbol.codepoint, 0.0, format(icons));
    job.append(label, 5.0, format(text(13.0)));
    let mut button = Button::new(job).min_size(vec2(0.0, 28.0));
    if since.is_some() {
        button = button.fill(Theme::mix(theme.panel, theme.record, 0.22)).stroke(Stroke::new(1.0, theme.record));
    }
    let response = ui.add(button).on_hover_text(tip);
    response.widget_info(|| {
        egui::WidgetInfo::labeled(egui::Role::Button, true, if since.is_some() { "Stop recording" } else { "Record" })
    });
    if response.clicked() {
        asks.push(Ask::Do(Action::ToggleRecord));
    }
}

fn compare(ui: &mut Ui, lab: &mut Lab, asks: &mut Vec<Ask>, theme: &Theme) {
    let count = lab.settings().variants.len();
    let label = if count > 1 { format!("Compare {count}") } else { "Compare".into() };
    let response = chip(ui, label, "Compare", "Several routers on the very same tokens");
    egui::Popup::menu(&response).close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
        crate::ui::kit::focus::stays(ui);
        ui.set_width(280.0);
        ui.label(RichText::new("Variants on the same tokens").font(text(11.0)).color(theme.faint));
        for (i, v) in lab.settings().variants.clone().iter().enumerate() {
            ui.horizontal(|ui| {
                let colour = if count > 1 { theme.variants[i % theme.variants.len()] } else { theme.accent };
                let (dot, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
                ui.painter().circle_filled(dot.center(), 4.0, colour);
                ui.scope(|ui| {
                    // Room for the four buttons that follow.
                    ui.set_max_width(ui.available_width() - 136.0);
                    ui.add(egui::Label::new(v.name.as_str()).truncate());
                });
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let name = format!("Remove {}", v.name);
                    if icon_button(ui, theme, ICON_CLOSE, 13.0, count > 1, &name, "Remove it; starts a new run, undo brings it back").clicked() {
                        lab.send(Command::RemoveVariant(i));
                    }
                    let name = format!("Rename {}", v.name);
                    if icon_button(ui, theme, Action::Rename.icon(), 13.0, true, &name, "Call it otherwise (F2)").clicked() {
                        asks.push(Ask::Rename(i));
                        ui.close();
                    }
                    let name = format!("Fork {} here", v.name);
                    let (symbol, enough) = (Action::Fork.icon(), count >= COMPARED);
                    let tip = if enough { ENOUGH } else { "One more with the biases this one has now; the run goes on" };
                    if icon_button(ui, theme, symbol, 13.0, !enough, &name, tip).clicked() {
                        asks.push(Ask::Fork(i));
                    }
                    let name = format!("Copy {}", v.name);
                    if icon_button(ui, theme, ICON_ADD, 13.0, true, &name, "One more like this; starts a new run, undo brings this one back").clicked() {
                        lab.send(Command::AddVariant(i));
                    }
                });
            });
        }
        let tip = "A copy of the last one with a name of its own; change it on the left. Starts a new run; undo brings this one back";
        ui.horizontal(|ui| {
            if ui.button("Add a variant").on_hover_text(tip).clicked() {
                asks.push(Ask::Do(Action::AddVariant));
            }
            let tip = format!(
                "A copy of the one shown as it is now, with its biases and all that its balancer remembers; the run goes on ({})",
                shortcut(ui, Action::Fork)
            );
            let fork = ui.add_enabled(count < COMPARED, Button::new("Fork here"));
            if fork.on_hover_text(tip).on_disabled_hover_text(ENOUGH).clicked() {
                asks.push(Ask::Do(Action::Fork));
            }
        });
        let show = Button::new("Show the comparison").shortcut_text(shortcut(ui, Action::ShowCompare));
        if ui.add(show.min_size(vec2(280.0, 26.0))).clicked() {
            asks.push(Ask::Do(Action::ShowCompare));
            ui.close();
        }
    });
}

fn messages(ui: &mut Ui, unread: u64, asks: &mut Vec<Ask>, theme: &Theme) {
    let tip = if unread == 0 { "Messages".to_owned() } else { format!("Messages, {unread} new") };
    let response = icon_button(ui, theme, ICON_NOTIFICATIONS, 17.0, true, "Messages", &tip);
    if unread > 0 {
        ui.painter().circle_filled(response.rect.right_top() + vec2(-8.0, 8.0), 3.5, theme.over);
    }
    if response.clicked() {
        asks.push(Ask::Do(Action::Messages));
    }
}

fn engine(ui: &mut Ui, lab: &Lab, asks: &mut Vec<Ask>, short_name: bool, theme: &Theme) {
    let (info, snapshot) = (lab.engine(), lab.snapshot());
    let (what, speed) = (engine_name(lab, short_name), speed(lab));
    let mut job = egui::text::LayoutJob::default();
    let format = |font: egui::FontId| egui::TextFormat {
        font_id: font,
        color: theme.dim,
        valign: Align::Center,
        ..Default::default()
    };
    job.append(&what, 0.0, format(text(SMALL)));
    job.append(&format!("{speed:>14}"), 0.0, format(mono(SMALL)));
    let button = Button::new(job).fill(Color32::TRANSPARENT).min_size(vec2(0.0, 28.0));
    let response = ui.add(button).on_hover_text(format!("{} ({})\n{}", info.kind, info.adapter, info.reason));
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, format!("Engine: {what}")));
    egui::Popup::menu(&response).show(|ui| {
        ui.set_width(300.0);
        ui.label(RichText::new(format!("{} ({})", info.kind, info.adapter)).font(semibold(13.0)));
        ui.add(egui::Label::new(RichText::new(&info.reason).font(text(SMALL)).color(theme.dim)).wrap());
        ui.separator();
        for (choice, action, name, tip) in [
            (EngineChoice::Auto, Action::EngineAuto, "Automatic", "A hardware GPU where there is one, else the CPU"),
            (EngineChoice::Cpu, Action::EngineCpu, "CPU", "All CPU cores"),
            (EngineChoice::Gpu, Action::EngineGpu, "GPU", "A GPU; a software adapter where there is no other"),
        ] {
            let button = Button::selectable(lab.engine_choice() == choice, name).min_size(vec2(280.0, 26.0));
            let item = ui.add(button).on_hover_text(tip);
            if lab.engine_choice() == choice {
                crate::ui::kit::focus::start_at(ui, item.id);
            }
            if item.clicked() {
                asks.push(Ask::Do(action));
            }
        }
        ui.label(
            RichText::new(if snapshot.experiment.world().is_some() {
                "Learning runs on the CPU, in floating point: there it repeats exactly, with any number of threads."
            } else {
                "Results are the same on every engine; the digest proves it."
            })
            .font(text(11.0))
            .color(theme.faint),
        );
    });
}

fn engine_name(lab: &Lab, short_name: bool) -> String {
    let info = lab.engine();
    if short_name { info.kind.to_string() } else { format!("{} · {}", info.kind, short(&info.adapter)) }
}

fn speed(lab: &Lab) -> String {
    let (rate, playing) = (lab.snapshot().steps_per_second, lab.snapshot().playing);
    let speed =
        if rate >= 10.0 { crate::ui::kit::widgets::slider::figure(rate.round(), true) } else { format!("{rate:.1}") };
    if playing { format!("{speed} steps/s") } else { "paused".into() }
}

/// The text of the engine's button.
fn worked(lab: &Lab, short_name: bool) -> String {
    format!("{}{:>14}", engine_name(lab, short_name), speed(lab))
}

/// An adapter's name without what follows its first parenthesis, comma or slash, at most 24 characters.
fn short(adapter: &str) -> String {
    let name = adapter.split(['(', ',', '/']).next().unwrap_or(adapter).trim();
    name.chars().take(24).collect()
}
