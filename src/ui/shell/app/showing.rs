//! Which panes and parts of the window are shown: as the person arranged them, as the scenario asks, for an audience, or for a picture of one pane.

use super::{App, Options};
use crate::ui::actions::{Action, Toggled};
use crate::ui::controls;
use crate::ui::export::studio::Drawn;
use crate::ui::help::lesson;
use crate::ui::panes::Panes;
use crate::ui::shell::layout::Layout;
use crate::ui::shell::presenting::{Presenting, next_pane};
use crate::ui::shell::views::{self, Views};
use crate::ui::store::Stored;
use eframe::egui::{Context, Pos2, Rect, Ui, ViewportCommand};
use moebias_engine::microscope::MOST_TOKENS;
use moebias_files::lesson::Page;
use moebias_files::view::PaneKind;
use moebias_files::view::{Part, View};
use moebias_lab::Lab;
use moebias_lab::lesson::Running;
use moebias_lab::notices::Level;
use std::time::Instant;

/// The panes, where they stand, and which parts of the window are shown.
#[derive(Default)]
pub(super) struct Showing {
    pub(super) layout: Layout,
    pub(super) panes: Panes,
    pub(super) views: Views,
    pub(super) presenting: Presenting,
    /// The pane that the pointer or the keyboard focus came to last, or that was brought up last.
    last_pane: Option<PaneKind>,
    /// Where the pointer and the keyboard focus were in the last frame.
    attention: Attention,
    /// The menu at the experiment's name opens in the next frame.
    pub(super) menu: bool,
    /// Only this pane is shown, and nothing else.
    only: Option<PaneKind>,
    /// The window is too narrow for the settings to stand beside the panes; they float over the panes instead, while `wanted`.
    pub(super) floats: bool,
    /// A person opened the floating settings.
    wanted: bool,
    /// Whether the experiment learns. When this changes, the pane of the task loss or of the loads comes to the front.
    learns: bool,
    /// Whether a batch is small enough to be looked at as a whole. When this changes, the microscope or the heatmap comes to the front.
    tiny: bool,
}

/// Where the pointer and the keyboard focus are.
#[derive(Clone, Copy, Default)]
struct Attention {
    pointer: Option<Pos2>,
    focus: Option<Pos2>,
}

/// Where the panes beside the settings would be narrower than this, points, the settings float over them.
const BESIDE: f32 = 290.0;

impl Showing {
    /// The panes as a person left them.
    pub(super) fn new(stored: &Stored) -> Self {
        let mut panes = Panes::default();
        panes.bias.choose(stored.biases_less_median);
        Self { layout: Layout::restored(stored.panes.clone()), panes, ..Self::default() }
    }

    /// Whether only one pane is shown, and nothing else.
    pub(super) fn is_bare(&self) -> bool {
        self.only.is_some()
    }

    /// Brings the pane to the front that matters most when another kind of experiment was opened. While a lesson is open, its own panes
    /// are shown, and this waits until the lesson is closed.
    pub(super) fn follow_experiment(&mut self, lab: &Lab) {
        if lab.lesson().is_some() {
            return;
        }
        let learns = lab.snapshot().experiment.world().is_some();
        if std::mem::replace(&mut self.learns, learns) != learns {
            self.bring_up(if learns { PaneKind::TaskLoss } else { PaneKind::LoadHistory });
        }
        let tiny = lab.snapshot().batch <= MOST_TOKENS;
        if std::mem::replace(&mut self.tiny, tiny) != tiny {
            self.bring_up(if tiny { PaneKind::Microscope } else { PaneKind::Assignment });
        }
    }

    /// Brings a pane to the front unless a scenario has arranged the panes.
    fn bring_up(&mut self, kind: PaneKind) {
        if !self.views.is_on() {
            self.layout.reveal(kind);
        }
    }
}

impl App {
    /// Shows one pane and nothing else, without its tools: for pictures of the pane.
    pub fn show_only(&mut self, kind: PaneKind) {
        self.showing.only = Some(kind);
        self.showing.layout.maximise(Some(kind));
        self.link.bare = true;
    }

    /// Whether the worker has answered everything that the visible panes asked for, so that all of them show the present step.
    #[must_use]
    pub fn rests(&self) -> bool {
        let s = self.lab.snapshot();
        let drawn = s.picture_is_newest() || self.showing.layout.rect_of(PaneKind::Assignment).is_none();
        let thought = match (&s.theory, self.showing.layout.rect_of(PaneKind::Theory)) {
            (Some(theory), Some(_)) => !theory.busy && theory.at == s.step,
            (None, Some(_)) => false,
            (_, None) => true,
        };
        let written = s.trace.as_ref().is_some_and(|t| !t.token_ids.is_empty() && t.counts.is_empty());
        let read = !written
            || self.showing.layout.rect_of(PaneKind::Text).is_none()
            || s.routes.as_ref().is_some_and(|r| if r.ahead { r.step == s.step } else { r.step + 1 == s.step });
        s.seeking.is_none() && drawn && thought && read
    }

    /// Where a pane was drawn in the last frame.
    #[must_use]
    pub fn place_of(&self, kind: PaneKind) -> Option<Rect> {
        self.showing.layout.rect_of(kind)
    }

    /// Whether a part of the window is shown.
    pub(super) fn shows(&self, part: Part) -> bool {
        let Showing { views, presenting, only, .. } = &self.showing;
        let hidden = only.is_some()
            || views.hides(part)
            || match part {
                Part::Controls if self.showing.floats => !self.showing.wanted,
                // While a lesson points at a control, the settings are shown even if the person hid them.
                Part::Controls if self.lab.lesson().and_then(Running::page).is_some_and(Page::needs_controls) => false,
                Part::Controls => presenting.hides_controls() || (!self.stored.controls && !presenting.is_on()),
                Part::TopBar => presenting.is_on(),
                Part::Transport => false,
            };
        !hidden
    }

    /// Applies the view that the scenario asks for, once it changes.
    pub(super) fn follow_view(&mut self, ctx: &Context) {
        let wanted = self.lab.document().view.clone();
        let Showing { views, presenting, layout, panes, only, .. } = &mut self.showing;
        if views.follow(wanted.as_ref(), layout, panes, &mut self.link) {
            presenting.forget_pane();
            if only.is_some() {
                layout.maximise(*only);
            }
            self.apply_zoom(ctx);
        }
    }

    /// The window as it is now, as a view to be written into a scenario.
    pub(super) fn view(&self) -> View {
        let parts = [Part::Controls, Part::Transport, Part::TopBar];
        let hidden = parts.into_iter().filter(|p| !self.shows(*p)).collect();
        views::written(&self.showing.layout, &self.showing.panes, &self.link, hidden, self.zoom_now())
    }

    /// Brings a pane to the front; a maximised pane returns to its place first.
    pub fn show_pane(&mut self, kind: PaneKind) {
        self.showing.layout.restore();
        self.showing.layout.reveal(kind);
        self.showing.last_pane = Some(kind);
    }

    /// Finds out whether the settings have room beside the panes and an open lesson.
    pub(super) fn room_for_settings(&mut self, ui: &Ui) {
        let whole = ui.ctx().content_rect().width();
        let lesson = if self.lab.lesson().is_some() { lesson::width(whole) } else { 0.0 };
        let floats = whole - lesson - controls::WIDTH < BESIDE;
        if floats != self.showing.floats {
            (self.showing.floats, self.showing.wanted) = (floats, false);
        }
    }

    /// The state of everything that an action turns on and off.
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

    /// Notes which pane the pointer is on, and draws the laser, the spotlight and the ring of the keyboard focus over everything.
    pub(super) fn show_over(&mut self, ui: &mut Ui, theme: &super::Theme) {
        let ctx = &ui.ctx().clone();
        if self.showing.presenting.is_on() {
            // The screen's size is known only once the window fills it.
            self.apply_zoom(ctx);
        }
        let pointer = ctx.input(|i| i.pointer.hover_pos());
        let under = pointer.and_then(|at| self.showing.layout.pane_at(at));
        self.note_pane(ctx, pointer, under);
        let lit: Option<Rect> = under.and_then(|kind| self.showing.layout.rect_of(kind));
        self.showing.presenting.paint(ctx, lit, theme);
        self.window.focus.show(ctx, theme);
    }

    /// Notes the pane that the pointer or the focus has just moved to. A pointer that rests changes nothing.
    fn note_pane(&mut self, ctx: &Context, pointer: Option<Pos2>, under: Option<PaneKind>) {
        let focus = self.window.focus.in_pane(ctx);
        let before = std::mem::replace(&mut self.showing.attention, Attention { pointer, focus });
        let pointed = under.filter(|_| before.pointer != pointer);
        let focused = focus.filter(|_| before.focus != focus).and_then(|at| self.showing.layout.pane_at(at));
        let come = pointed.or(focused).or(self.showing.layout.brought_up());
        self.showing.last_pane = come.or(self.showing.last_pane);
    }

    /// Draws a hint in the place of the strip of findings, unless something covers the panes or an audience watches. True if there is a hint.
    pub(super) fn show_hint(&mut self, ui: &mut Ui, theme: &super::Theme) -> bool {
        self.guide.learn_from(&self.lab, &self.link, &mut self.stored);
        let busy = self.is_covered() || self.showing.presenting.is_on();
        !busy && !self.options.still && self.guide.hints.show(ui, &mut self.stored, theme)
    }

    /// The pane that an action on “the current pane” means: the maximised one, else the one that the person came to last.
    pub(super) fn pane_meant(&self) -> PaneKind {
        let all = self.showing.layout.order();
        let seen = self.showing.last_pane.filter(|kind| self.showing.layout.rect_of(*kind).is_some());
        self.showing.layout.maximised().or(seen).or(all.first().copied()).unwrap_or(PaneKind::Assignment)
    }

    /// Whether Page Up and Page Down go through the panes.
    pub(super) fn pages_are_panes(&self) -> bool {
        // A maximised heatmap scrolls with these keys.
        self.showing.presenting.is_on() || self.showing.layout.maximised().is_some_and(|k| k != PaneKind::Assignment)
    }

    /// What Esc does about how things are shown: puts down the laser, stops presenting, closes floating settings or restores a maximised
    /// pane, whichever comes first. True if it did any of these.
    pub(super) fn leave_showing(&mut self, ctx: &Context) -> bool {
        if self.showing.presenting.put_down() {
            return true;
        }
        if self.showing.presenting.is_on() {
            self.present(ctx);
            return true;
        }
        std::mem::take(&mut self.showing.wanted) || self.showing.layout.restore()
    }

    /// Starts or stops presenting.
    fn present(&mut self, ctx: &Context) {
        if let Some(before) = self.showing.presenting.leave() {
            ctx.send_viewport_cmd(ViewportCommand::Fullscreen(before.full_screen));
            self.showing.layout.maximise(before.maximised);
        } else {
            let full_screen = ctx.input(|i| i.viewport().fullscreen.unwrap_or(false));
            self.showing.presenting.enter(full_screen, self.showing.layout.maximised());
            ctx.send_viewport_cmd(ViewportCommand::Fullscreen(true));
        }
        self.apply_zoom(ctx);
    }

    /// Does what concerns panes, presenting, hints and settings. False for another action.
    pub(super) fn act_on_showing(&mut self, ctx: &Context, action: Action) -> bool {
        match action {
            Action::Present => self.present(ctx),
            Action::MaximisePane => self.showing.layout.toggle_maximised(self.pane_meant()),
            Action::NextPane | Action::PreviousPane => {
                let next = next_pane(
                    &self.showing.layout.order(),
                    self.showing.layout.maximised(),
                    action == Action::PreviousPane,
                );
                self.showing.layout.maximise(next);
            }
            Action::ToggleHints => {
                self.guide.hints.toggle(&mut self.stored, Instant::now());
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
                // The first time the scenario's arrangement is left; only then is the person's own reset.
                let Showing { views, layout, panes, .. } = &mut self.showing;
                if !views.leave(layout, panes) {
                    *layout = Layout::default();
                }
                self.apply_zoom(ctx);
            }
            _ => return false,
        }
        true
    }
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
