//! One frame of the window, in the order in which its parts are drawn: bars and settings, the panes, and what covers them.

use super::App;
use crate::ui::ask::Ask;
use crate::ui::controls;
use crate::ui::export::caption;
use crate::ui::help::lesson;
use crate::ui::kit::focus;
use crate::ui::kit::theme::{GAP, Theme};
use crate::ui::panes::PaneContext;
use crate::ui::shell::notices;
use crate::ui::shell::palette;
use crate::ui::shell::top_bar::{self, Bar};
use crate::ui::shell::transport_bar;
use eframe::egui::{CentralPanel, Context, Frame, Key, Margin, Ui};
use moebias_files::view::{PaneKind, Part};
use moebias_lab::command::Command;
use std::time::Duration;

/// A window lower than this has no strip of findings, points.
const LOW: f32 = 440.0;

impl App {
    /// Call before anything is drawn: keys become asks, and what is hovered and pinned follows the run.
    pub(super) fn begin_frame(&mut self, ctx: &Context, asks: &mut Vec<Ask>) {
        self.window.focus.begin(ctx, self.overlays.palette().is_none());
        self.keys(ctx, asks);
        self.overlays.hide_tooltips(ctx, self.is_covered());
        self.link.begin_frame();
        self.link.calm = self.showing.presenting.is_on();
        self.link.follow(self.lab.snapshot());
        self.link.variants(self.lab.settings().variants.len());
        let experts = self.lab.snapshot().variants.get(self.link.variant).map_or(0, |v| v.bias.len());
        self.link.pinned_expert = self.link.pinned_expert.filter(|e| *e < experts);
        // Everything that changes during one drag, or while one key is held down, is undone together.
        let held = [Key::ArrowLeft, Key::ArrowRight, Key::PageUp, Key::PageDown];
        if !ctx.input(|i| i.pointer.any_down() || held.iter().any(|k| i.key_down(*k))) {
            self.lab.end_gesture();
        }
    }

    /// Draws everything around the panes: the bars, the settings and the open lesson.
    pub(super) fn bars(&mut self, ui: &mut Ui, asks: &mut Vec<Ask>, theme: &'static Theme) {
        self.room_for_settings(ui);
        let [top, time, settings] = [Part::TopBar, Part::Transport, Part::Controls].map(|part| self.shows(part));
        self.top(ui, top, asks, theme);
        // A finding would give away the answer to a lesson's question. In a low window the panes need the room of the strip; the menu lists
        // the findings too.
        let roomy = top && self.lab.lesson().is_none() && ui.ctx().content_rect().height() >= LOW;
        if roomy && !self.show_hint(ui, theme) {
            self.guide.findings.show(ui, &self.lab, self.link.variant, asks, theme);
        }
        if time {
            transport_bar::show(ui, &mut self.lab, self.showing.presenting.is_on(), theme);
        }
        if settings {
            let (controls, variant) = (&mut self.controls, &mut self.link.variant);
            if self.showing.floats {
                controls::float(ui, controls, &mut self.lab, variant, theme);
            } else {
                controls::show(ui, controls, &mut self.lab, variant, theme);
            }
        }
        lesson::show(ui, &mut self.guide.lesson, &mut self.lab, asks, theme);
    }

    /// Draws what stands at the top: the caption of a picture, the top bar if it is `shown`, the title for an audience, and the offer to
    /// restore an unfinished run.
    fn top(&mut self, ui: &mut Ui, shown: bool, asks: &mut Vec<Ask>, theme: &'static Theme) {
        let bar = Bar {
            recent: &self.stored.recent,
            unread: self.overlays.seen.unread(&self.lab),
            settings: self.showing.floats,
            menu: std::mem::take(&mut self.showing.menu),
            toggled: self.toggled(ui.ctx()),
        };
        if self.options.caption {
            caption::strip(ui, &self.lab, theme);
        }
        if shown {
            top_bar::show(ui, &mut self.lab, &bar, asks, theme);
        }
        let presenting = self.showing.presenting.is_on();
        if presenting && !self.showing.is_bare() {
            let told = notices::told(&mut self.overlays.seen, &self.lab).filter(|_| !self.options.still);
            self.showing.presenting.title(ui, &self.lab.document().title, told.as_deref(), theme);
        }
        // An audience is not asked about an unfinished run.
        if !self.options.still && !presenting && notices::offer(ui, &mut self.lab, theme) {
            self.overlays.close_and_stay_paused();
        }
    }

    /// Draws the panes, and collects what they ask for.
    pub(super) fn panes(&mut self, ui: &mut Ui, asks: &mut Vec<Ask>, theme: &'static Theme) {
        let ctx = &ui.ctx().clone();
        self.overlays.seen.inset = self.guide.arrange(ctx.content_rect().width(), &self.lab, &mut self.showing.layout);
        let mut exports = vec![];
        let margin = if self.showing.is_bare() { 0 } else { GAP as i8 };
        CentralPanel::no_frame().frame(Frame::new().inner_margin(Margin::same(margin))).show(ui, |ui| {
            focus::region(ui, focus::Region::Tabs);
            let mut cx = PaneContext { lab: &mut self.lab, link: &mut self.link, theme };
            self.showing.layout.show(ui, &mut self.showing.panes, &mut cx, &mut exports);
        });
        self.stop_hidden_work();
        if let Some(of) = self.link.fork.take() {
            asks.push(Ask::Fork(of));
        }
        if let Some(variant) = self.link.rename.take().or(self.controls.take_rename()) {
            asks.push(Ask::Rename(variant));
        }
        self.take_drawing(ctx, theme);
        asks.extend(exports.into_iter().map(|(kind, export)| Ask::Export(kind, export)));
        asks.extend(self.link.asked.drain(..).map(Ask::Do));
        let layout = &self.showing.layout;
        self.guide.spotlight.show(ui, &self.lab, |kind| layout.rect_of(kind), &mut self.link, theme);
    }

    /// The worker computes nothing for a pane that nobody sees.
    fn stop_hidden_work(&mut self) {
        let hidden = |kind| self.showing.layout.rect_of(kind).is_none();
        let s = self.lab.snapshot();
        let unseen = [
            (hidden(PaneKind::Theory) && s.theory.is_some()).then_some(Command::SetTheory(None)),
            (hidden(PaneKind::Compare) && s.figures.is_some()).then_some(Command::SetFigures(false)),
            (hidden(PaneKind::Microscope) && s.microscope.is_some()).then_some(Command::SetMicroscope(None)),
            (hidden(PaneKind::Text) && s.routes.is_some()).then_some(Command::SetRoutes(None)),
        ];
        unseen.into_iter().flatten().for_each(|command| self.lab.send(command));
    }

    /// Draws what covers the panes: overlays, palette, dialogs, messages, progress.
    pub(super) fn cover(&mut self, ui: &mut Ui, asks: &mut Vec<Ask>, theme: &'static Theme) {
        self.overlays.show(ui, &mut self.lab, &self.stored.recent, asks, theme);
        if self.overlays.palette().is_some() {
            let sources = palette::Sources {
                lab: &self.lab,
                controls: &self.controls,
                shown: self.link.variant,
                zoom: self.zoom_now(),
                toggled: self.toggled(ui.ctx()),
                recent: &self.stored.recent,
            };
            self.overlays.show_palette(ui, &sources, asks, theme);
        }
        if let Some((purpose, path)) = self.overlays.show_dialog(ui, &mut self.lab, &self.stored.recent, theme) {
            self.chosen(ui.ctx(), purpose, path);
        }
        self.overlays.show_renaming(ui, &mut self.lab, theme);
        self.overlays.show_importing(ui, &mut self.lab, !self.options.still, theme);
        self.show_making(ui, theme);
        if self.overlays.open().is_none() && !self.options.still {
            let audience = self.showing.presenting.is_on();
            notices::toasts(ui, &mut self.overlays.seen, &mut self.lab, audience, theme);
        }
        notices::job(ui, &mut self.lab, theme);
        self.take_dropped(ui.ctx(), theme);
    }

    /// Call once everything is drawn: does what was asked for, which shows in the next frame.
    pub(super) fn end_frame(&mut self, ctx: &Context, asks: Vec<Ask>) {
        if !asks.is_empty() {
            ctx.request_repaint();
        }
        for ask in asks {
            self.answer(ctx, ask);
        }
        self.overlays.hold(&mut self.lab);
        if self.link.changes_next_frame() {
            ctx.request_repaint();
        }
        if self.lab.snapshot().seeking.is_some() {
            ctx.request_repaint_after(Duration::from_millis(100));
        }
    }
}
