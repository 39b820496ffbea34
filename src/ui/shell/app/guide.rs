//! What helps a person along: an open lesson with the ring that points at things, hints, and the strip of findings.

use crate::ui::actions::Action;
use crate::ui::help::findings::Findings;
use crate::ui::help::hints::Hints;
use crate::ui::help::lesson::{self, LessonPanel};
use crate::ui::help::spotlight::Spotlight;
use crate::ui::kit::focus::{self, Focus};
use crate::ui::link::Link;
use crate::ui::shell::layout::Layout;
use crate::ui::store::{Hint, Stored};
use eframe::egui::Context;
use moebias_lab::Lab;
use moebias_lab::command::{Command, LessonDo};
use std::time::Instant;

/// The parts of the window that explain, and what they remember.
#[derive(Default)]
pub(super) struct Guide {
    pub(super) findings: Findings,
    pub(super) hints: Hints,
    pub(super) lesson: LessonPanel,
    pub(super) spotlight: Spotlight,
    /// A page of the lesson was turned to in this frame, and its panes are not arranged yet.
    page_turned: bool,
}

impl Guide {
    /// `hints` is whether a person sits at the window, who may be given hints.
    pub(super) fn new(hints: bool) -> Self {
        let hints = if hints { Hints::begin(Instant::now()) } else { Hints::default() };
        Self { hints, ..Self::default() }
    }

    /// Call before anything is drawn: finds out whether a page was turned to.
    pub(super) fn begin(&mut self, ctx: &Context, lab: &Lab, link: &mut Link, focus: &mut Focus) {
        self.page_turned |= self.spotlight.begin(ctx, lab, link);
        if self.page_turned {
            focus.keep_in(ctx, focus::Region::Lesson);
        }
    }

    /// While a lesson is open, only the panes of its page are shown, and they share all the room; the person's own arrangement is kept
    /// untouched until the lesson closes. A pane that the person brings up joins them until the next page. Returns the width that the
    /// lesson takes of the window, points.
    pub(super) fn arrange(&mut self, window: f32, lab: &Lab, layout: &mut Layout) -> f32 {
        let Some(running) = lab.lesson() else {
            layout.alone(&[]);
            return 0.0;
        };
        if std::mem::take(&mut self.page_turned) || !layout.is_alone() {
            layout.restore();
            layout.alone(running.panes());
        }
        lesson::width(window)
    }

    /// Notes hints that are no longer needed: a person who changed a setting or pinned an expert knows that this is possible.
    pub(super) fn learn_from(&mut self, lab: &Lab, link: &Link, stored: &mut Stored) {
        if lab.undo_label().is_some() {
            self.hints.know(stored, Hint::Change);
        }
        if link.pinned_expert.is_some() {
            self.hints.know(stored, Hint::Pin);
        }
    }
}

/// Does what concerns the open lesson. False for an action that concerns no lesson.
pub(super) fn act_on_lesson(lab: &mut Lab, action: Action) -> bool {
    match action {
        Action::NextPage => lesson::forward(lab),
        Action::PreviousPage => lesson::back(lab),
        Action::LessonHint => lesson::hint(lab),
        Action::LessonSetUp => lab.send(Command::Lesson(LessonDo::SetUp)),
        Action::CloseLesson => lab.send(Command::Lesson(LessonDo::Close)),
        _ => return false,
    }
    true
}
