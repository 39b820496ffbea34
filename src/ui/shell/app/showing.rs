//! How the window shows itself: as a scenario wants it, before an audience, or as a picture.

use super::{App, Options};
use crate::ui::actions::{Action, Toggled};
use crate::ui::controls;
use crate::ui::export::studio::Drawn;
use crate::ui::help::lesson;
use crate::ui::shell::presenting::{Presenting, next_pane};
use crate::ui::shell::views::{self, Views};
use crate::ui::store::{Hint, LARGEST, SMALLEST, Stored};
use eframe::egui::{Context, Pos2, Rect, Ui, Vec2, ViewportCommand};
use moebias_files::lesson::Page;
use moebias_files::view::PaneKind;
use moebias_files::view::{Part, View};
use moebias_lab::Lab;
use moebias_lab::lesson::Running;
use moebias_lab::notices::Level;
use std::time::Instant;

/// What is shown how.
#[derive(Default)]
pub(super) struct Showing {
    pub(super) views: Views,
    pub(super) presenting: Presenting,
    /// The pane that somebody came to last: by the pointer, by the focus, or by bringing it up.
    last_pane: Option<PaneKind>,
    /// Where the pointer and the focus were.
    been: (Option<Pos2>, Option<Pos2>),
    /// The menu at the experiment's name is to open in the next frame.
    pub(super) menu: bool,
    /// Nothing but this pane is shown.
    only: Option<PaneKind>,
    /// The window is too narrow for settings beside the panes: they lie over them while somebody wants them.
    pub(super) floats: bool,
    /// Somebody wants them there.
    wanted: bool,
}

/// Panes beside the settings have at least this width, points.
const BESIDE: f32 = 290.0;

impl Showing {
    /// Nothing but one pane is shown.
    pub(super) fn is_bare(&self) -> bool {
        self.only.is_some()
    }
}

impl App {
    /// Shows one pane and nothing else, without what only a person at the window needs: for pictures of it.
    pub fn show_only(&mut self, kind: PaneKind) {
        self.showing.only = Some(kind);
        self.layout.maximise(Some(kind));
        self.link.bare = true;
    }

    /// Whether everything asked of the worker has come, so that the panes show the present step.
    #[must_use]
    pub fn rests(&self) -> bool {
        let s = self.lab.snapshot();
        let drawn = s.picture_is_newest() || self.layout.rect_of(PaneKind::Assignment).is_none();
        let thought = match (&s.theory, self.layout.rect_of(PaneKind::Theory)) {
            (Some(theory), Some(_)) => !theory.busy && theory.at == s.step,
            (None, Some(_)) => false,
            (_, None) => true,
        };
        s.seeking.is_none() && drawn && thought
    }

    /// Where a pane was drawn in the last frame.
    #[must_use]
    pub fn place_of(&self, kind: PaneKind) -> Option<Rect> {
        self.layout.rect_of(kind)
    }

    /// Whether a part of the window is shown.
    pub(super) fn shows(&self, part: Part) -> bool {
        let Showing { views, presenting, only, .. } = &self.showing;
        let hidden = only.is_some()
            || views.hides(part)
            || match part {
                Part::Controls if self.showing.floats => !self.showing.wanted,
                // A control that a lesson points at is in sight, whatever the person hides otherwise.
                Part::Controls if self.lab.lesson().and_then(Running::page).is_some_and(Page::needs_controls) => false,
                Part::Controls => presenting.hides_controls() || (!self.stored.controls && !presenting.is_on()),
                Part::TopBar => presenting.is_on(),
                Part::Transport => false,
            };
        !hidden
    }

    /// Follows what the scenario says about how it is seen.
    pub(super) fn follow_view(&mut self, ctx: &Context) {
        let wanted = self.lab.document().view.clone();
        let Self { showing, layout, panes, link, .. } = self;
        if showing.views.follow(wanted.as_ref(), layout, panes, link) {
            showing.presenting.forget_pane();
            if let Some(only) = showing.only {
                layout.maximise(Some(only));
            }
            self.apply_zoom(ctx);
        }
    }

    /// The window as it stands, to be written in a scenario.
    pub(super) fn view(&self) -> View {
        let parts = [Part::Controls, Part::Transport, Part::TopBar];
        let hidden = parts.into_iter().filter(|p| !self.shows(*p)).collect();
        views::written(&self.layout, &self.panes, &self.link, hidden, self.zoom_now())
    }

    /// Brings a pane forward, as the palette and findings do.
    pub fn show_pane(&mut self, kind: PaneKind) {
        self.layout.restore();
        self.layout.reveal(kind);
        self.showing.last_pane = Some(kind);
    }

    /// Whether settings have room beside the panes and an open lesson.
    pub(super) fn room_for_settings(&mut self, ui: &Ui) {
        let whole = ui.ctx().content_rect().width();
        let lesson = if self.lab.lesson().is_some() { lesson::width(whole) } else { 0.0 };
        let floats = whole - lesson - controls::WIDTH < BESIDE;
        if floats != self.showing.floats {
            (self.showing.floats, self.showing.wanted) = (floats, false);
        }
    }

    /// What is on and what is off.
    pub(super) fn toggled(&self, ctx: &Context) -> Toggled {
        let presenting = &self.showing.presenting;
        let (laser, spotlight) = presenting.pointing();
        Toggled {
            hints: self.stored.hints,
            laser,
            spotlight,
            presenting: presenting.is_on(),
            full_screen: ctx.input(|i| i.viewport().fullscreen.unwrap_or(false)),
            controls: self.shows(Part::Controls),
        }
    }

    pub(super) fn zoom_now(&self) -> f32 {
        let Showing { views, presenting, .. } = &self.showing;
        if presenting.is_on() { self.stored.presenting_zoom } else { views.zoom().unwrap_or(self.stored.zoom) }
    }

    /// Before an audience a person's zoom is of a screen of 1080 points or less: on a larger one everything grows with it, so that it is
    /// read from the same distance.
    fn zoom_on(&self, ctx: &Context) -> f32 {
        if !self.showing.presenting.is_on() {
            return self.zoom_now();
        }
        let screen = ctx.content_rect().size() * ctx.zoom_factor();
        presented(self.zoom_now(), screen)
    }

    /// Makes everything larger or smaller: what is presented, what the scenario says, or the window for good.
    pub(super) fn zoom(&mut self, ctx: &Context, by: Option<f32>) {
        self.zoom_to(ctx, by.map_or(1.0, |by| ((self.zoom_now() + by) * 20.0).round() / 20.0));
    }

    /// Makes everything so large.
    pub(super) fn zoom_to(&mut self, ctx: &Context, zoom: f32) {
        let zoom = zoom.clamp(SMALLEST, LARGEST);
        if self.showing.presenting.is_on() {
            self.stored.presenting_zoom = zoom;
        } else if !self.showing.views.set_zoom(zoom) {
            self.stored.zoom = zoom;
        }
        self.apply_zoom(ctx);
    }

    fn apply_zoom(&self, ctx: &Context) {
        // A picture has the size that was asked for; whoever draws it knows the view's.
        if !self.options.still {
            let zoom = self.zoom_on(ctx);
            if (zoom - ctx.zoom_factor()).abs() > 0.01 {
                ctx.set_zoom_factor(zoom);
            }
        }
    }

    /// Notes what the pointer is on, and draws what lies over everything.
    pub(super) fn show_over(&mut self, ui: &mut Ui, theme: &super::Theme) {
        let ctx = &ui.ctx().clone();
        if self.showing.presenting.is_on() {
            // The screen is known once the window fills it.
            self.apply_zoom(ctx);
        }
        let pointer = ctx.input(|i| i.pointer.hover_pos());
        let under = pointer.and_then(|at| self.layout.pane_at(at));
        self.note_pane(ctx, pointer, under);
        let lit: Option<Rect> = under.and_then(|kind| self.layout.rect_of(kind));
        self.showing.presenting.paint(ctx, lit, theme);
        self.focus.show(ctx, theme);
    }

    /// Notes the pane that somebody has just come to. A pointer that rests says nothing new.
    fn note_pane(&mut self, ctx: &Context, pointer: Option<Pos2>, under: Option<PaneKind>) {
        let focus = self.focus.in_pane(ctx);
        let before = std::mem::replace(&mut self.showing.been, (pointer, focus));
        let pointed = under.filter(|_| before.0 != pointer);
        let focused = focus.filter(|_| before.1 != focus).and_then(|at| self.layout.pane_at(at));
        let come = pointed.or(focused).or(self.layout.brought_up());
        self.showing.last_pane = come.or(self.showing.last_pane);
    }

    /// A hint in the place of the findings, where nothing else asks for attention: it covers nothing. True if there is one.
    pub(super) fn show_hint(&mut self, ui: &mut Ui, theme: &super::Theme) -> bool {
        if self.lab.undo_label().is_some() {
            self.hints.know(&mut self.stored, Hint::Change);
        }
        if self.link.pinned_expert.is_some() {
            self.hints.know(&mut self.stored, Hint::Pin);
        }
        let busy = self.is_covered() || self.overlay.is_some() || self.showing.presenting.is_on();
        !busy && !self.options.still && self.hints.show(ui, &mut self.stored, theme)
    }

    /// The pane that is meant: the one with all the room, or the one that somebody came to last.
    pub(super) fn pane_meant(&self) -> PaneKind {
        let all = self.layout.order();
        let seen = self.showing.last_pane.filter(|kind| self.layout.rect_of(*kind).is_some());
        self.layout.maximised().or(seen).or(all.first().copied()).unwrap_or(PaneKind::Assignment)
    }

    /// Whether the keys that turn pages go through the panes.
    pub(super) fn pages_are_panes(&self) -> bool {
        // A heatmap with all the room scrolls by them.
        self.showing.presenting.is_on() || self.layout.maximised().is_some_and(|k| k != PaneKind::Assignment)
    }

    /// Esc, as far as it concerns how things are shown. True if there was something to leave.
    pub(super) fn leave_showing(&mut self, ctx: &Context) -> bool {
        if self.showing.presenting.put_down() {
            return true;
        }
        if self.showing.presenting.is_on() {
            self.present(ctx);
            return true;
        }
        std::mem::take(&mut self.showing.wanted) || self.layout.restore()
    }

    fn present(&mut self, ctx: &Context) {
        if let Some(before) = self.showing.presenting.leave() {
            ctx.send_viewport_cmd(ViewportCommand::Fullscreen(before.full_screen));
            self.layout.maximise(before.maximised);
        } else {
            let full_screen = ctx.input(|i| i.viewport().fullscreen.unwrap_or(false));
            self.showing.presenting.enter(full_screen, self.layout.maximised());
            ctx.send_viewport_cmd(ViewportCommand::Fullscreen(true));
        }
        self.apply_zoom(ctx);
    }

    /// Does what concerns how things are shown. False for another action.
    pub(super) fn act_on_showing(&mut self, ctx: &Context, action: Action) -> bool {
        match action {
            Action::Present => self.present(ctx),
            Action::MaximisePane => self.layout.toggle_maximised(self.pane_meant()),
            Action::NextPane | Action::PreviousPane => {
                let next = next_pane(&self.layout.order(), self.layout.maximised(), action == Action::PreviousPane);
                self.layout.maximise(next);
            }
            Action::ToggleHints => {
                self.hints.toggle(&mut self.stored, Instant::now());
                let words = if self.stored.hints { "Hints are on" } else { "Hints are off" };
                self.lab.tell(Level::Info, words);
            }
            Action::Menu if self.shows(Part::TopBar) => self.showing.menu = true,
            Action::Menu => self.lab.tell_once(Level::Info, "The menu is in the top bar, which is hidden now"),
            Action::Laser => self.showing.presenting.toggle_laser(),
            Action::Spotlight => self.showing.presenting.toggle_spotlight(),
            Action::ToggleControls if self.showing.floats => self.showing.wanted = !self.showing.wanted,
            Action::ToggleControls => {
                if self.showing.presenting.is_on() {
                    self.showing.presenting.toggle_controls();
                } else if !self.showing.views.show(Part::Controls) {
                    self.stored.controls = !self.stored.controls;
                } else {
                    self.stored.controls = true;
                }
            }
            Action::ResetLayout => {
                // First the scenario's places are put away, then the person's own.
                let Self { showing, layout, panes, .. } = self;
                if !showing.views.leave(layout, panes) {
                    *layout = super::Layout::default();
                }
                self.apply_zoom(ctx);
            }
            _ => return false,
        }
        true
    }
}

/// Panes and the line of steps need so much room before an audience, points.
const ROOM: Vec2 = Vec2::new(900.0, 560.0);

/// The zoom before an audience on a screen of so many points, in twentieths.
fn presented(zoom: f32, screen: Vec2) -> f32 {
    let twentieths = |zoom: f32| (zoom * 20.0 + 0.01).floor() / 20.0;
    let grown = (screen.y / 1080.0).min(screen.x / 1920.0).max(1.0);
    // A smaller one keeps the room that the panes need.
    let most = (screen / ROOM).min_elem().max(1.0);
    twentieths((zoom * grown).min(most.max(zoom.min(1.0)))).min(4.0)
}

impl Drawn for App {
    fn open(ctx: &Context, lab: Lab, stored: Stored, caption: bool, only: Option<PaneKind>) -> Self {
        let mut app = Self::new(ctx, lab, stored, Options { still: true, caption, ..Options::default() });
        if let Some(kind) = only {
            app.show_only(kind);
        }
        app
    }

    fn lab(&self) -> &Lab {
        Self::lab(self)
    }

    fn lab_mut(&mut self) -> &mut Lab {
        Self::lab_mut(self)
    }

    fn rests(&self) -> bool {
        Self::rests(self)
    }

    fn place_of(&self, kind: PaneKind) -> Option<Rect> {
        Self::place_of(self, kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::vec2;

    #[test]
    fn what_is_presented_grows_with_the_screen() {
        assert_eq!(presented(1.5, vec2(1920.0, 1080.0)), 1.5);
        assert_eq!(presented(1.5, vec2(3840.0, 2160.0)), 3.0);
        assert_eq!(presented(1.5, vec2(1440.0, 900.0)), 1.5, "a smaller window is presented as large");
        assert_eq!(presented(1.5, vec2(1100.0, 700.0)), 1.2, "as far as the panes have room");
        assert_eq!(presented(1.25, vec2(800.0, 500.0)), 1.0, "never below the ordinary size");
        assert_eq!(presented(0.75, vec2(1100.0, 700.0)), 0.75, "but for who wants it so");
    }
}
