//! The lesson that is open: which page, what was answered, and whether its task is done. Turning a page sends what a person could do
//! by hand; nothing here stops anybody from doing something else.
//!
//! Tasks are judged on every step: from the history's columns since the last look, so that nothing is missed at any speed. Where the
//! history has joined steps, because nobody looked for thousands of them, they count only if all of them are as wanted.

use super::notices::Level;
use super::{Document, Lab};
use crate::engine::message::{Message, RunId, Snapshot, Speed};
use crate::model::change::{Change, Target};
use crate::scenario::lesson::{self, Condition, Lesson, Page, Setting, Setup, Task};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// What can be done in a lesson.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Do {
    /// Open the shipped lesson of this name, where it was left.
    Open(String),
    /// Turn to a page, counted from 0.
    Turn(usize),
    /// Choose an answer of the page's question.
    Answer(usize),
    /// Show one more hint.
    Hint,
    /// Set the experiment up again as the page has it.
    SetUp,
    /// Close it; the experiment stays.
    Close,
}

/// How far somebody came in a lesson.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// The page it was left at.
    pub page: usize,
    /// Pages there are, as of then.
    pub pages: usize,
    /// What was answered, by page.
    pub answers: BTreeMap<usize, usize>,
    /// Pages of which the task was done.
    pub tasks: BTreeSet<usize>,
    /// Whether the last page was reached.
    pub finished: bool,
    /// Its file, for a lesson of somebody's own.
    pub path: Option<PathBuf>,
}

/// How far somebody came in all lessons, and the last one opened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Shelf {
    /// By a lesson's id.
    pub progress: BTreeMap<String, Progress>,
    /// The id of the last one opened.
    pub last: Option<String>,
}

/// A lesson that is open.
#[derive(Clone, Debug)]
pub struct Running {
    /// The lesson.
    pub lesson: Arc<Lesson>,
    /// The page, counted from 0.
    pub page: usize,
    /// Grows when a page is turned to or set up again: then what it points at is pointed at.
    pub turned: u64,
    /// Hints shown.
    pub hints: usize,
    judge: Judge,
}

/// Lessons, as the lab has them.
#[derive(Clone, Debug, Default)]
pub struct Lessons {
    running: Option<Running>,
    shelf: Shelf,
    turns: u64,
}

/// How far a task is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Standing {
    /// Steps on end for which the condition has held.
    pub streak: u64,
    /// Whether it is done.
    pub done: bool,
}

/// Counts the steps on end for which a condition holds.
#[derive(Clone, Copy, Debug, Default)]
struct Judge {
    run: RunId,
    /// The next step to look at; unknown until the page's own run is there.
    next: Option<u64>,
    streak: u64,
    /// Judge a new run from its first step.
    fresh: bool,
}

impl Running {
    /// The page that is open.
    #[must_use]
    pub fn page(&self) -> Option<&Page> {
        self.lesson.pages.get(self.page)
    }
}

impl Judge {
    /// Takes in what happened since the last time. True once the task is done.
    fn look(&mut self, task: &Task, snapshot: &Snapshot) -> bool {
        let step = snapshot.step;
        if snapshot.run != self.run {
            // Another run: a new one from its first step, one that was brought back from where it stands.
            *self = Self { run: snapshot.run, next: None, streak: 0, fresh: snapshot.run > self.run };
        }
        let Ok(history) = snapshot.history.lock() else { return false };
        let mut next = self.next.unwrap_or(if self.fresh { history.first } else { step });
        if step < next {
            (next, self.streak) = (step, 0);
        }
        self.next = Some(step);
        let (until, variant) = (&task.until, task.variant);
        if !until.settings_hold(&snapshot.experiment, variant, step) {
            self.streak = 0;
            return false;
        }
        // Steps before a setting was changed were made with another value.
        let changed = |e: &crate::model::change::Event| e.step > next && e.step <= step && concerns(until, &e.change);
        if let Some(event) = snapshot.events.iter().rev().find(|e| changed(e)) {
            (next, self.streak) = (event.step, 0);
        }
        if !until.of_figures() {
            self.streak += step - next;
            return self.streak >= task.for_steps;
        }
        let Some(history) = history.variants.get(variant) else { return false };
        for column in history.columns(next, step, 1) {
            let steps = column.end().min(step).saturating_sub(column.step.max(next));
            if until.figures_hold(column.low(), column.high()) {
                self.streak += steps;
            } else {
                self.streak = 0;
            }
            if self.streak >= task.for_steps.max(1) {
                return true;
            }
        }
        false
    }
}

/// Whether a change is of a setting that the condition looks at.
fn concerns(until: &Condition, change: &Change) -> bool {
    until.parts().iter().any(|part| {
        let name = match part {
            Condition::Between(Setting::Batch, ..) => "batch",
            Condition::Between(Setting::Skew, ..) => "skew",
            Condition::Between(Setting::Noise, ..) => "noise",
            Condition::Between(Setting::Drift, ..) => "drift",
            Condition::Between(Setting::TopK, ..) => "top_k",
            Condition::Between(Setting::Rate, ..) => "rate",
            Condition::Between(Setting::Alpha, ..) => "alpha",
            Condition::RuleIs(_) => "rule",
            Condition::ScheduleIs(_) => "schedule",
            _ => return false,
        };
        change.name() == name
    })
}

impl Lab {
    /// The lesson that is open.
    #[must_use]
    pub fn lesson(&self) -> Option<&Running> {
        self.lessons.running.as_ref()
    }

    /// How far somebody came in all lessons.
    #[must_use]
    pub fn shelf(&self) -> &Shelf {
        &self.lessons.shelf
    }

    /// Puts back what was kept from an earlier session.
    pub fn set_shelf(&mut self, shelf: Shelf) {
        self.lessons.shelf = shelf;
    }

    /// How far the page's task is.
    #[must_use]
    pub fn task_standing(&self) -> Standing {
        let Some(running) = &self.lessons.running else { return Standing::default() };
        let done = self.progress_of(&running.lesson.id).is_some_and(|p| p.tasks.contains(&running.page));
        Standing { streak: running.judge.streak, done }
    }

    /// What was answered on the open page.
    #[must_use]
    pub fn answered(&self) -> Option<usize> {
        let running = self.lessons.running.as_ref()?;
        self.progress_of(&running.lesson.id)?.answers.get(&running.page).copied()
    }

    /// Whether the snapshot is of the run that was asked for last, with every change asked for.
    #[must_use]
    pub fn is_up_to_date(&self) -> bool {
        self.snapshot.run == self.run && self.snapshot.answered == self.asked && self.snapshot.seeking.is_none()
    }

    fn progress_of(&self, id: &str) -> Option<&Progress> {
        self.lessons.shelf.progress.get(id)
    }

    /// Does something in a lesson.
    pub(super) fn in_lesson(&mut self, what: Do) {
        match what {
            Do::Open(id) => match lesson::find(&id).map(lesson::ShippedLesson::load) {
                Some(Ok(lesson)) => self.take_lesson(lesson),
                Some(Err(e)) => self.tell(Level::Error, e.to_string()),
                None => self.tell(Level::Error, format!("No lesson named {id} ships with Moebias")),
            },
            Do::Turn(page) => self.turn(page),
            Do::Answer(choice) => self.answer(choice),
            Do::Hint => {
                if let Some(running) = &mut self.lessons.running {
                    running.hints += 1;
                }
            }
            Do::SetUp => self.set_up(),
            Do::Close => self.lessons.running = None,
        }
    }

    /// Opens a lesson where it was left; one that was read to its end at its beginning.
    pub(super) fn take_lesson(&mut self, lesson: Lesson) {
        if let Some(path) = &lesson.path {
            self.saved.push(path.clone());
        }
        let progress = self.lessons.shelf.progress.entry(lesson.id.clone()).or_default();
        if progress.page + 1 >= lesson.pages.len() && (progress.finished || progress.page > 0) {
            // Read to its end: it begins again, and stays ticked off.
            *progress = Progress { finished: progress.finished, ..Progress::default() };
        }
        progress.pages = lesson.pages.len();
        progress.path.clone_from(&lesson.path);
        let page = progress.page;
        self.lessons.shelf.last = Some(lesson.id.clone());
        let lesson = Arc::new(lesson);
        self.lessons.running = Some(Running { lesson, page, turned: 0, hints: 0, judge: Judge::default() });
        self.set_up();
    }

    /// Starts the experiment as the page has it.
    fn set_up(&mut self) {
        let answered = self.answered().is_some();
        let Some(running) = &self.lessons.running else { return };
        let lesson = Arc::clone(&running.lesson);
        let page = running.page;
        if let Some(scene) = lesson.scene(page, answered) {
            let title = format!("Lesson: {}", lesson.title);
            let what = format!("Page {} of {}", page + 1, lesson.title);
            // What to look for is for the page to say, and not before it asks.
            let document = Document { title, path: None, ..Document::default() };
            self.take_as(&scene.loaded, document, scene.play, what);
            if let Some(step) = scene.step {
                self.post(Message::Seek(step));
            }
        }
        self.page_is_open(true);
    }

    /// The page is open and its run is under way.
    fn page_is_open(&mut self, fresh: bool) {
        self.lessons.turns += 1;
        let turned = self.lessons.turns;
        let run = self.run;
        let Some(running) = &mut self.lessons.running else { return };
        running.turned = turned;
        running.hints = 0;
        running.judge = Judge { run, next: None, streak: 0, fresh };
        let (page, last) = (running.page, running.lesson.pages.len().saturating_sub(1));
        if let Some(progress) = self.lessons.shelf.progress.get_mut(&running.lesson.id) {
            progress.page = page;
            progress.finished |= page == last;
        }
    }

    fn turn(&mut self, to: usize) {
        let answered = self.answered().is_some();
        let Some(running) = &mut self.lessons.running else { return };
        let lesson = Arc::clone(&running.lesson);
        let from = running.page;
        if to == from || to >= lesson.pages.len() {
            return;
        }
        running.page = to;
        let unanswered = |p: &Page| !answered && p.question.as_ref().is_some_and(|q| !q.then.is_empty());
        let skipped = lesson.pages.get(from).is_some_and(unanswered);
        let (low, high) = (from.min(to), from.max(to));
        let between = (low + 1..=high).any(|i| lesson.sets_up(i));
        if to == from + 1 && !skipped {
            let setup = &lesson.pages[to].setup;
            if lesson.scenarios.get(to).is_some_and(|s| s.at_first.is_some()) {
                return self.set_up();
            }
            self.apply(setup);
        } else if between || (skipped && to > from) {
            return self.set_up();
        }
        self.page_is_open(false);
    }

    /// Does to the running experiment what a page without a scenario of its own asks for.
    fn apply(&mut self, setup: &Setup) {
        let mut by_target: Vec<(Target, Vec<Change>)> = vec![];
        for changed in &setup.changes {
            match by_target.last_mut().filter(|(t, _)| *t == changed.target()) {
                Some((_, changes)) => changes.push(changed.change.clone()),
                None => by_target.push((changed.target(), vec![changed.change.clone()])),
            }
        }
        self.end_gesture();
        for (target, changes) in by_target {
            self.change(target, changes);
        }
        self.end_gesture();
        if let Some(speed) = setup.speed {
            self.post(Message::Speed(Speed::Steps(speed)));
        }
        if let Some(step) = setup.step {
            self.post(Message::Seek(step));
        }
        match setup.play {
            Some(true) => self.post(Message::Play),
            Some(false) => self.post(Message::Pause),
            None => {}
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
        if lesson.scenarios.get(page).is_some_and(|s| s.after.is_some()) {
            self.set_up();
        } else {
            self.apply(&question.then);
        }
    }

    /// Judges the page's task.
    pub(super) fn poll_lesson(&mut self) {
        if !self.is_up_to_date() {
            return;
        }
        let snapshot = Arc::clone(&self.snapshot);
        let Some(running) = &mut self.lessons.running else { return };
        let Some(task) = running.lesson.pages.get(running.page).and_then(|p| p.task.as_ref()) else { return };
        let Some(progress) = self.lessons.shelf.progress.get_mut(&running.lesson.id) else { return };
        if !progress.tasks.contains(&running.page) && running.judge.look(task, &snapshot) {
            progress.tasks.insert(running.page);
        }
    }
}
