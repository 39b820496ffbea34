//! Does what was asked for: by keys, by buttons and menus, by a chosen file.

use super::{App, Overlay};
use crate::ui::actions::Action;
use crate::ui::ask::Ask;
use crate::ui::controls;
use crate::ui::export::pictures::Goal;
use crate::ui::help::findings;
use crate::ui::help::glossary::Glossary;
use crate::ui::help::lesson;
use crate::ui::kit::focus;
use crate::ui::kit::theme::Theme;
use crate::ui::panes::microscope::Turn;
use crate::ui::shell::files::{Dialog, Purpose};
use crate::ui::shell::palette::Palette;
use crate::ui::shell::rename::Renaming;
use eframe::egui::{self, Context, Key, Modifiers, ViewportCommand};
use moebias_files::view::PaneKind;
use moebias_lab::command::Command;
use moebias_lab::command::LessonDo;
use moebias_lab::notices::Level;
use moebias_model::change::Target;
use moebias_model::diagnose::Finding;
use std::path::PathBuf;
use strum::IntoEnumIterator as _;

impl App {
    /// The keys pressed in this frame, as actions. Keys that move or press belong to whatever has the focus.
    pub(super) fn keys(&self, ctx: &Context, asks: &mut Vec<Ask>) {
        let focused = ctx.memory(|m| m.focused().is_some());
        let typing = ctx.egui_wants_keyboard_input() && ctx.text_edit_focused();
        let waits = self.overlay == Some(Overlay::Welcome) && self.lab.unfinished().is_some();
        let covered = self.is_covered() || (self.overlay.is_some() && !waits);
        if !typing && !covered {
            self.answer_keys(ctx, asks, focused);
        }
        let lesson = self.lab.lesson().is_some();
        let mut all: Vec<(Action, egui::KeyboardShortcut)> =
            Action::iter().flat_map(|a| a.shortcuts_in(lesson).into_iter().map(move |s| (a, s))).collect();
        // Shift+Ctrl+Z before Ctrl+Z: egui takes a shortcut also when more modifiers are held.
        all.sort_by_key(|(_, s)| std::cmp::Reverse(u8::from(s.modifiers.shift) + u8::from(s.modifiers.command)));
        let on_slider = focused && ctx.input(|i| i.key_pressed(Key::Space)) && focus::is_on_slider(ctx);
        let alt = ctx.input(|i| i.modifiers.alt);
        for (action, shortcut) in all {
            // No shortcut wants Alt, but some keyboards want it for a sign.
            if alt && !is_sign(shortcut.logical_key) {
                continue;
            }
            let plain = !shortcut.modifiers.command;
            let function = matches!(shortcut.logical_key, Key::F1 | Key::F2 | Key::F5 | Key::F10 | Key::F11);
            let pages = matches!(shortcut.logical_key, Key::PageUp | Key::PageDown);
            if pages && (!self.pages_are_panes() || typing || covered || focused) {
                continue;
            }
            let free = on_slider && shortcut.logical_key == Key::Space;
            let taken = focused && focus::is_of_widgets(shortcut.logical_key) && !free;
            if plain && !function && !pages && (typing || taken || covered) {
                continue;
            }
            // In a text these belong to the text.
            if (typing || covered)
                && matches!(action, Action::Undo | Action::Redo | Action::StepHundred | Action::Reset)
            {
                continue;
            }
            if action == Action::Unpin && (egui::Popup::is_any_open(ctx) || self.focus.let_go()) {
                continue;
            }
            if ctx.input_mut(|i| i.consume_shortcut(&shortcut)) {
                asks.push(Ask::Do(action));
            }
        }
    }

    /// While a lesson's question is open, its letters answer, or digits; whatever they do otherwise waits until it is answered. What has
    /// the focus may take digits itself.
    fn answer_keys(&self, ctx: &Context, asks: &mut Vec<Ask>, focused: bool) {
        if !self.lab.question_is_open() || ctx.input(|i| i.modifiers.alt) {
            return;
        }
        let question = self.lab.lesson().and_then(|r| r.page()).and_then(|p| p.question.as_ref());
        let choices = question.map_or(0, |q| q.choices.len());
        let keys = [
            [Key::A, Key::Num1],
            [Key::B, Key::Num2],
            [Key::C, Key::Num3],
            [Key::D, Key::Num4],
            [Key::E, Key::Num5],
            [Key::F, Key::Num6],
        ];
        for (i, keys) in keys.into_iter().enumerate().take(choices.max(4)) {
            let own = if focused { &keys[..1] } else { &keys[..] };
            let pressed = own.iter().any(|key| ctx.input_mut(|input| input.consume_key(Modifiers::NONE, *key)));
            if pressed && i < choices {
                asks.push(Ask::Lesson(LessonDo::Answer(i)));
            }
        }
    }

    pub(super) fn answer(&mut self, ctx: &Context, ask: Ask) {
        match ask {
            Ask::Do(action) => self.act(ctx, action),
            Ask::Open(path) => self.lab.send(Command::OpenFile(path)),
            Ask::OpenShipped(id) => self.lab.send(Command::OpenShipped(id.to_owned())),
            Ask::Preset(preset) => self.lab.send(Command::Preset { target: Target::AllVariants, preset }),
            Ask::Reveal(kind) => self.show_pane(kind),
            Ask::Fork(of) => {
                let before = self.lab.settings().variants.len();
                self.lab.send(Command::Fork(of));
                let now = self.lab.settings().variants.len();
                if now > before {
                    self.controls.choose(before);
                    self.link.variant = before;
                }
            }
            Ask::Rename(variant) => self.renaming = Renaming::of(&self.lab, variant),
            Ask::Maximise(kind) => self.layout.toggle_maximised(kind),
            Ask::ShowFinding(variant, finding) => self.show_finding(variant, &finding),
            Ask::Export(kind, export) => self.export(ctx, kind, export),
            Ask::Lesson(what) => self.lab.send(Command::Lesson(what)),
            Ask::Send(command) => self.lab.send(command),
            Ask::Rule(rule) => {
                let theme = Theme::of(ctx);
                controls::choose_rule(&mut self.lab, &self.controls, self.link.variant, rule, theme);
            }
            Ask::Zoom(zoom) => self.zoom_to(ctx, zoom),
        }
    }

    fn act(&mut self, ctx: &Context, action: Action) {
        if let Some(why) = action.refused(&self.lab) {
            return self.lab.tell_once(Level::Info, &why);
        }
        self.hints.did(&mut self.stored, action);
        if let Some(command) = action.command() {
            return self.lab.send(command);
        }
        if self.act_on_showing(ctx, action) || self.act_on_making(ctx, action) {
            return;
        }
        match action {
            Action::Open => self.ask_path(ctx, Purpose::Open),
            Action::CompareRecordings => self.ask_path(ctx, Purpose::Compare),
            Action::SaveAs => self.ask_path(ctx, Purpose::Save),
            Action::ExportCsv => self.ask_path(ctx, Purpose::Csv),
            Action::SavePicture => self.ask_path(ctx, Purpose::Picture(None)),
            Action::Faster | Action::Slower => {
                let next = crate::ui::kit::speed::next_speed(self.lab.snapshot().speed, action == Action::Faster);
                self.lab.send(Command::SetSpeed(next));
            }
            Action::AddVariant => {
                let last = self.lab.settings().variants.len().saturating_sub(1);
                self.lab.send(Command::AddVariant(last));
            }
            Action::RemoveVariant => {
                let last = self.lab.settings().variants.len().saturating_sub(1);
                self.lab.send(Command::RemoveVariant(last));
            }
            Action::Palette => self.palette = if self.palette.is_some() { None } else { Some(Palette::default()) },
            Action::Welcome => {
                self.welcome.open();
                self.toggle(Overlay::Welcome);
            }
            Action::Lessons => self.toggle(Overlay::Lessons),
            Action::NextPage => lesson::forward(&mut self.lab),
            Action::PreviousPage => lesson::back(&mut self.lab),
            Action::LessonHint => lesson::hint(&mut self.lab),
            Action::LessonSetUp => self.lab.send(Command::Lesson(LessonDo::SetUp)),
            Action::CloseLesson => self.lab.send(Command::Lesson(LessonDo::Close)),
            Action::Messages => self.toggle(Overlay::Messages),
            Action::Findings => self.toggle(Overlay::Findings),
            Action::ShowFinding => {
                if let Some((variant, finding)) = self.findings.first().map(|(i, f)| (i, f.clone())) {
                    self.show_finding(variant, &finding);
                }
            }
            Action::Glossary => {
                self.glossary = Glossary::default();
                self.toggle(Overlay::Glossary);
            }
            Action::Shortcuts => self.toggle(Overlay::Shortcuts),
            Action::ToggleTheme => {
                self.stored.dark = Some(!Theme::of(ctx).dark);
                ctx.set_theme(self.stored.theme());
            }
            Action::ZoomIn => self.zoom(ctx, Some(0.1)),
            Action::ZoomOut => self.zoom(ctx, Some(-0.1)),
            Action::ZoomReset => self.zoom(ctx, None),
            Action::FullScreen => {
                let on = ctx.input(|i| i.viewport().fullscreen.unwrap_or(false));
                ctx.send_viewport_cmd(ViewportCommand::Fullscreen(!on));
            }
            Action::ShowTheory => self.answer(ctx, Ask::Reveal(PaneKind::Theory)),
            Action::ShowCompare => self.answer(ctx, Ask::Reveal(PaneKind::Compare)),
            Action::ShowSweep => self.answer(ctx, Ask::Reveal(PaneKind::Sweep)),
            Action::SaveSweep => self.ask_path(ctx, Purpose::Sweep),
            Action::Fork => self.answer(ctx, Ask::Fork(self.link.variant)),
            Action::Rename => self.answer(ctx, Ask::Rename(self.link.variant)),
            Action::ShowMicroscope => self.answer(ctx, Ask::Reveal(PaneKind::Microscope)),
            Action::StageOn | Action::StageBack => {
                if self.layout.rect_of(PaneKind::Microscope).is_none() {
                    return self.act(ctx, Action::ShowMicroscope);
                }
                self.panes.microscope.turn(if action == Action::StageOn { Turn::Forward } else { Turn::Back });
            }
            Action::Unpin => {
                if self.lab.snapshot().seeking.is_some() {
                    self.lab.send(Command::CancelSeek);
                } else if !self.leave_showing(ctx) {
                    let pinned = (self.link.pinned_expert.take().is_some(), self.link.pinned_token.take().is_some());
                    if pinned == (false, false) {
                        self.link.show_all();
                    }
                }
            }
            Action::Quit => ctx.send_viewport_cmd(ViewportCommand::Close),
            _ => {}
        }
    }

    fn show_finding(&mut self, variant: usize, finding: &Finding) {
        let showing = findings::showing(finding, self.lab.snapshot().head);
        self.link.variant = variant;
        self.link.span = showing.span;
        self.link.pinned_expert = showing.expert;
        self.layout.restore();
        self.layout.reveal(showing.pane);
    }

    pub(super) fn ask_path(&mut self, ctx: &Context, purpose: Purpose) {
        let title = self.lab.document().title.clone();
        let name = match purpose {
            Purpose::Sweep => format!("{title} sweep"),
            Purpose::Picture(Some(kind)) | Purpose::Svg(kind) => format!("{title} {}", kind.name()),
            _ => title,
        };
        let texts = self.lab.texts();
        let dialog = Dialog::new(purpose, &name, texts.path.as_deref(), self.options.native, ctx);
        self.dialog = Some(match purpose {
            Purpose::Save | Purpose::SaveWithView => dialog.with_texts(&texts.title, &texts.summary),
            _ => dialog,
        });
    }

    pub(super) fn chosen(&mut self, ctx: &Context, purpose: Purpose, path: PathBuf) {
        match purpose {
            Purpose::Open => self.lab.send(Command::OpenFile(path)),
            Purpose::Compare => {
                self.lab.send(Command::CompareWith(path));
                self.show_pane(PaneKind::Layers);
            }
            Purpose::Save => self.lab.send(Command::SaveAs(path)),
            Purpose::Csv => self.lab.send(Command::ExportCsv(path)),
            Purpose::SaveWithView => self.lab.send(Command::SaveWithView(path, Box::new(self.view()))),
            Purpose::Sweep => self.lab.send(Command::SaveSweep(path)),
            Purpose::Picture(None) => self.pictures.take(ctx, Goal::File(path), None),
            Purpose::Picture(Some(kind)) => self.take_picture(ctx, kind, Goal::File(path)),
            Purpose::Svg(kind) => self.draw_to(ctx, kind, path),
            Purpose::Film(_) => self.film_to(path),
        }
    }
}

/// Whether a key writes a sign that needs Alt on some keyboards.
fn is_sign(key: Key) -> bool {
    use Key::{CloseBracket, Comma, Equals, Minus, OpenBracket, Period, Plus, Questionmark};
    [CloseBracket, Comma, Equals, Minus, OpenBracket, Period, Plus, Questionmark].contains(&key)
}
