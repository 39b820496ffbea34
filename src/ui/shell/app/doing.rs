//! Does what was asked for during a frame, by keys, buttons, menus and panes.

use super::App;
use super::guide::act_on_lesson;
use crate::ui::actions::Action;
use crate::ui::ask::Ask;
use crate::ui::controls;
use crate::ui::help::findings;
use crate::ui::kit::speed::next_speed;
use crate::ui::kit::theme::Theme;
use crate::ui::panes::microscope::Turn;
use eframe::egui::{Context, ViewportCommand};
use moebias_files::view::PaneKind;
use moebias_lab::command::Command;
use moebias_lab::notices::Level;
use moebias_model::change::Target;
use moebias_model::diagnose::Finding;

impl App {
    /// Does what was asked for.
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
            Ask::Rename(variant) => self.overlays.rename(&self.lab, variant),
            Ask::Maximise(kind) => self.showing.layout.toggle_maximised(kind),
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

    /// Does an action, or says why it can't be done now.
    fn act(&mut self, ctx: &Context, action: Action) {
        if let Some(why) = action.refused(&self.lab) {
            return self.lab.tell_once(Level::Info, &why);
        }
        self.guide.hints.did(&mut self.stored, action);
        if let Some(command) = action.command() {
            return self.lab.send(command);
        }
        let done = self.overlays.act(action)
            || act_on_lesson(&mut self.lab, action)
            || self.act_on_files(ctx, action)
            || self.act_on_making(ctx, action)
            || self.act_on_look(ctx, action)
            || self.act_on_showing(ctx, action);
        if done {
            return;
        }
        match action {
            Action::Faster | Action::Slower => {
                let next = next_speed(self.lab.snapshot().speed, action == Action::Faster);
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
            Action::Fork => self.answer(ctx, Ask::Fork(self.link.variant)),
            Action::Rename => self.answer(ctx, Ask::Rename(self.link.variant)),
            Action::ShowFinding => {
                if let Some((variant, finding)) = self.guide.findings.first().map(|(i, f)| (i, f.clone())) {
                    self.show_finding(variant, &finding);
                }
            }
            Action::ShowTheory => self.show_pane(PaneKind::Theory),
            Action::ShowCompare => self.show_pane(PaneKind::Compare),
            Action::ShowSweep => self.show_pane(PaneKind::Sweep),
            Action::ShowMicroscope => self.show_pane(PaneKind::Microscope),
            Action::StageOn | Action::StageBack => {
                if self.showing.layout.rect_of(PaneKind::Microscope).is_none() {
                    return self.act(ctx, Action::ShowMicroscope);
                }
                let turn = if action == Action::StageOn { Turn::Forward } else { Turn::Back };
                self.showing.panes.microscope.turn(turn);
            }
            Action::HowRead => self.overlays.ask_how_read(&self.lab),
            Action::Unpin => self.leave(ctx),
            Action::Quit => ctx.send_viewport_cmd(ViewportCommand::Close),
            _ => {}
        }
    }

    /// What Esc does, the first of these that applies: cancels a seek, leaves what [`App::leave_showing`] leaves, unpins expert and token, or
    /// shows all steps and the whole heatmap again.
    fn leave(&mut self, ctx: &Context) {
        if self.lab.snapshot().seeking.is_some() {
            self.lab.send(Command::CancelSeek);
        } else if !self.leave_showing(ctx) {
            let pinned = (self.link.pinned_expert.take().is_some(), self.link.pinned_token.take().is_some());
            if pinned == (false, false) {
                self.link.show_all();
            }
        }
    }

    /// Brings up the pane that shows a finding, at the steps and the expert that it is about.
    fn show_finding(&mut self, variant: usize, finding: &Finding) {
        let showing = findings::showing(finding, self.lab.snapshot().head);
        self.link.variant = variant;
        self.link.span = showing.span;
        self.link.pinned_expert = showing.expert;
        self.showing.layout.restore();
        self.showing.layout.reveal(showing.pane);
    }
}
