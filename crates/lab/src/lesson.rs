//! The open lesson: its page, the answers given, and whether the page's task is done. Turning a page makes only changes that the user could
//! make by hand, and a lesson never prevents the user from doing something else.
//!
//! While a question is open the run is paused, and the demonstration after the answer begins at the step where the question was asked, so
//! the text of the page stays true however long the user thinks. `judge` judges tasks; the [`Shelf`] holds the progress in all lessons.

mod judge;
mod shelf;

pub use judge::Standing;
pub use shelf::{Progress, Shelf, Stage};

use super::command::{Command, LessonDo};
use super::notices::Level;
use super::undo::{Asked, Origin};
use super::{Document, Lab};
use judge::Judge;
use moebias_engine::message::{Message, Speed};
use moebias_engine::start::RunId;
use moebias_files::lesson::{self, Lesson, Page, Setup};
use moebias_files::view::PaneKind;
use moebias_model::change::{Change, Target};
use moebias_model::step::check;
use std::sync::Arc;

/// A lesson that is open.
#[derive(Clone, Debug)]
pub struct Running {
    /// The lesson.
    pub lesson: Arc<Lesson>,
    /// The page, counted from 0.
    pub page: usize,
    /// Changes whenever a page is opened or set up again; the window then points at what the page names.
    pub turned: u64,
    /// The number of hints shown on this page.
    pub hints: usize,
    judge: Judge,
    /// The run and its step when the page's question was asked.
    asked_at: Option<(RunId, u64)>,
    /// Whether the user has changed the experiment since a page last set it up.
    changed: bool,
}

/// The open lesson, and the progress in all lessons.
#[derive(Clone, Debug, Default)]
pub struct Lessons {
    running: Option<Running>,
    shelf: Shelf,
    turns: u64,
}

impl Running {
    /// The page that is open.
    #[must_use]
    pub fn page(&self) -> Option<&Page> {
        self.lesson.pages.get(self.page)
    }

    /// The panes to show: those that the page names, or else the nearest earlier page that names any, or else loads and MaxVio.
    #[must_use]
    pub fn panes(&self) -> &[PaneKind] {
        let named = self.lesson.pages.iter().take(self.page + 1).rev().map(|p| p.show.as_slice());
        named.into_iter().find(|show| !show.is_empty()).unwrap_or(&[PaneKind::Load, PaneKind::Violation])
    }
}

impl Lab {
    /// The lesson that is open.
    #[must_use]
    pub fn lesson(&self) -> Option<&Running> {
        self.lessons.running.as_ref()
    }

    /// The progress in all lessons.
    #[must_use]
    pub fn shelf(&self) -> &Shelf {
        &self.lessons.shelf
    }

    /// Sets the progress that was stored by an earlier session.
    pub fn set_shelf(&mut self, shelf: Shelf) {
        self.lessons.shelf = shelf;
    }

    /// The state of the page's task.
    #[must_use]
    pub fn task_standing(&self) -> Standing {
        let Some(running) = &self.lessons.running else { return Standing::default() };
        let done = self.progress_of(&running.lesson.id).is_some_and(|p| p.tasks.contains(&running.page));
        let untouched =
            running.judge.untouched() && !running.page().and_then(|p| p.task.as_ref()).is_some_and(|t| t.wait);
        Standing { streak: running.judge.streak, untouched, done }
    }

    /// The answer given on the open page, counted from 0; `None` if none was given.
    #[must_use]
    pub fn answered(&self) -> Option<usize> {
        let running = self.lessons.running.as_ref()?;
        self.progress_of(&running.lesson.id)?.answers.get(&running.page).copied()
    }

    /// Whether the open page has a question that is not answered yet. Letter keys then choose an answer.
    #[must_use]
    pub fn question_is_open(&self) -> bool {
        let asks = self.lesson().and_then(Running::page).is_some_and(|p| p.question.is_some());
        asks && self.answered().is_none()
    }

    /// Whether a command may change the experiment in a way that counts for a lesson's task.
    pub(super) fn may_change(&self, command: &Command) -> bool {
        use Command as C;
        let changes = matches!(
            command,
            C::Change { .. }
                | C::ChangeTogether { .. }
                | C::Preset { .. }
                | C::SetExperts(_)
                | C::AddVariant(_)
                | C::Fork(_)
                | C::RemoveVariant(_)
        );
        changes && self.lessons.running.is_some()
    }

    /// Notes that the user has changed the experiment by hand.
    pub(super) fn changed_by_hand(&mut self) {
        if let Some(running) = &mut self.lessons.running {
            running.judge.touch();
            running.changed = true;
        }
    }

    /// Whether the snapshot shows the run that was asked for last with every requested change, and no seek is in progress.
    #[must_use]
    pub fn is_up_to_date(&self) -> bool {
        self.snapshot.run == self.run
            && self.snapshot.answered == self.requests.count
            && self.snapshot.seeking.is_none()
    }

    fn progress_of(&self, id: &str) -> Option<&Progress> {
        self.lessons.shelf.progress.get(id)
    }

    /// Carries out a command of the lesson pane.
    pub(super) fn in_lesson(&mut self, what: LessonDo) {
        match what {
            LessonDo::Open(id) => match lesson::find(&id).map(lesson::ShippedLesson::load) {
                Some(Ok(lesson)) => self.take_lesson(lesson),
                Some(Err(e)) => self.tell(Level::Error, e.to_string()),
                None => self.tell(Level::Error, format!("No lesson named {id} ships with Moebias")),
            },
            LessonDo::Turn(page) => self.turn(page),
            LessonDo::Answer(choice) => self.answer(choice),
            LessonDo::Hint => {
                if let Some(running) = &mut self.lessons.running {
                    running.hints += 1;
                }
            }
            LessonDo::SetUp => self.set_up(),
            LessonDo::Close => self.lessons.running = None,
        }
    }

    /// Opens a lesson at the page where it was left, or at its first page if it was read to the end.
    pub(super) fn take_lesson(&mut self, lesson: Lesson) {
        if let Some(path) = &lesson.path {
            self.desk.saved.push(path.clone());
        }
        let progress = self.lessons.shelf.progress.entry(lesson.id.clone()).or_default();
        if progress.page + 1 >= lesson.pages.len() && (progress.finished || progress.page > 0) {
            progress.begin_again();
        }
        progress.pages = lesson.pages.len();
        progress.asks = Some(lesson.tasks());
        if lesson.path.is_some() {
            progress.title.clone_from(&lesson.title);
        }
        progress.path.clone_from(&lesson.path);
        let page = progress.page;
        self.lessons.shelf.last = Some(lesson.id.clone());
        let lesson = Arc::new(lesson);
        let judge = Judge::default();
        self.lessons.running =
            Some(Running { lesson, page, turned: 0, hints: 0, judge, asked_at: None, changed: false });
        self.set_up();
    }

    /// Starts the page's experiment. If the page's question is answered already, the changes that follow the answer are applied at the step
    /// where the question is asked, as when the answer was given.
    fn set_up(&mut self) {
        let answered = self.answered().is_some();
        let Some(running) = &mut self.lessons.running else { return };
        running.changed = false;
        let (lesson, page) = (Arc::clone(&running.lesson), running.page);
        let after = lesson.scenarios.get(page).is_some_and(|s| s.after.is_some());
        let then = lesson.pages.get(page).and_then(|p| p.question.as_ref()).map(|q| &q.then);
        let shows = then.filter(|then| answered && !after && !then.is_empty());
        let mut step = None;
        if let Some(scene) = lesson.scene(page, answered && shows.is_none()) {
            let title = format!("Lesson: {}", lesson.title);
            let what = format!("Page {} of {}", page + 1, lesson.title);
            // The scenario's own texts are left out: they could give the answer away before the page asks.
            let document = Document { title, path: None, ..Document::default() };
            self.take_as(&scene.loaded, document, scene.play, &what);
            step = scene.step;
            if let Some(step) = step {
                self.post(Message::Seek(step));
            }
        }
        if let Some(then) = shows {
            self.apply(then, Some(then.play.unwrap_or(true)));
        }
        self.page_is_open(true, step);
    }

    /// Notes that the page is open. `fresh`: its run is a new one. `step`: the step at which the page's question is asked, if the page sets
    /// one.
    fn page_is_open(&mut self, fresh: bool, step: Option<u64>) {
        self.lessons.turns += 1;
        let turned = self.lessons.turns;
        let run = self.run;
        let Some(running) = &mut self.lessons.running else { return };
        running.turned = turned;
        running.hints = 0;
        running.judge = Judge::of(run, fresh);
        running.asked_at = step.map(|step| (run, step));
        let (page, last) = (running.page, running.lesson.pages.len().saturating_sub(1));
        if let Some(progress) = self.lessons.shelf.progress.get_mut(&running.lesson.id) {
            progress.page = page;
            progress.finished |= page == last;
        }
    }

    fn turn(&mut self, to: usize) {
        let held = self.question_is_open();
        let Some(running) = &mut self.lessons.running else { return };
        let (lesson, from, changed) = (Arc::clone(&running.lesson), running.page, running.changed);
        if to == from || to >= lesson.pages.len() {
            return;
        }
        running.page = to;
        let skipped =
            held && lesson.pages.get(from).and_then(|p| p.question.as_ref()).is_some_and(|q| !q.then.is_empty());
        let (low, high) = (from.min(to), from.max(to));
        let between = (low + 1..=high).any(|i| lesson.sets_up(i));
        let asks = self.question_is_open();
        // A question is about the page's own experiment, so changes that the user made before are undone by setting it up again.
        if asks && changed {
            return self.set_up();
        }
        if to == from + 1 && !skipped {
            let setup = &lesson.pages[to].setup;
            if lesson.scenarios.get(to).is_some_and(|s| s.at_first.is_some()) {
                return self.set_up();
            }
            // A run that the last page's question paused continues, unless this page has a question too.
            let play = if asks { Some(false) } else { setup.play.or(held.then_some(true)) };
            self.apply(setup, play);
        } else if between || (skipped && to > from) {
            return self.set_up();
        } else if asks {
            self.post(Message::Pause);
        }
        self.page_is_open(false, lesson.pages[to].setup.step.filter(|_| to == from + 1));
    }

    /// Applies to the running experiment what a page without a scenario of its own asks for. The user gets no message, and undo does not
    /// list these changes, because the user did not make them.
    fn apply(&mut self, setup: &Setup, play: Option<bool>) {
        self.end_gesture();
        for changed in &setup.changes {
            self.change_quietly(changed.target(), changed.change.clone());
        }
        if let Some(speed) = setup.speed {
            self.post(Message::Speed(Speed::Steps(speed)));
        }
        if let Some(step) = setup.step {
            self.post(Message::Seek(step));
        }
        match play {
            Some(true) => self.post(Message::Play),
            Some(false) => self.post(Message::Pause),
            None => {}
        }
    }

    fn change_quietly(&mut self, target: Target, change: Change) {
        let trace = self.sheet.authored.trace.clone();
        match check::change(&mut self.settings, trace.as_deref(), target, &change) {
            Ok(()) => self.ask(target, change, Origin { entry: None, asked: Asked::Done }),
            Err(e) => self.tell(Level::Warning, e.to_string()),
        }
    }

    fn answer(&mut self, choice: usize) {
        if self.answered().is_some() {
            return;
        }
        let Some(running) = &self.lessons.running else { return };
        let (lesson, page) = (Arc::clone(&running.lesson), running.page);
        let Some(question) = lesson.pages.get(page).and_then(|p| p.question.as_ref()) else { return };
        if choice >= question.choices.len() {
            return;
        }
        if let Some(progress) = self.lessons.shelf.progress.get_mut(&lesson.id) {
            progress.answers.insert(page, choice);
        }
        // If the user continued the run or changed something before answering, the demonstration would no longer match its text, so the
        // page is set up again.
        let here = (self.snapshot.run, self.snapshot.step);
        let moved = running.changed || running.asked_at.is_some_and(|at| at != here);
        let (then, shows) = (question.then.clone(), !question.then.is_empty());
        if lesson.scenarios.get(page).is_some_and(|s| s.after.is_some()) || (shows && moved) {
            self.set_up();
        } else {
            self.apply(&then, Some(then.play.unwrap_or(true)));
        }
    }

    /// Judges the page's task on the steps since the last call.
    pub(super) fn poll_lesson(&mut self) {
        if !self.is_up_to_date() {
            return;
        }
        let snapshot = Arc::clone(&self.snapshot);
        let asks = self.question_is_open();
        let Some(running) = &mut self.lessons.running else { return };
        if asks && running.asked_at.is_none() && !snapshot.playing {
            running.asked_at = Some((snapshot.run, snapshot.step));
        }
        let Some(task) = running.lesson.pages.get(running.page).and_then(|p| p.task.as_ref()) else { return };
        let Some(progress) = self.lessons.shelf.progress.get_mut(&running.lesson.id) else { return };
        if !progress.tasks.contains(&running.page) && running.judge.look(task, &snapshot) {
            progress.tasks.insert(running.page);
        }
    }
}
