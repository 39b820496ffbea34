//! Lessons without a user: playing a page for a minute at its own speed completes no task, and a question holds the run.

use crate::driver::shipped_scenario;
use moebias_engine::EngineChoice;
use moebias_engine::message::Speed;
use moebias_files::lesson;
use moebias_lab::Lab;
use moebias_lab::command::{Command, LessonDo};
use moebias_model::change::{Change, Target};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// A lab without a window, and the channel on which it reports news.
struct Quiet {
    lab: Lab,
    news: Receiver<()>,
}

impl Quiet {
    fn new() -> Self {
        let (wake, news) = channel();
        let lab = Lab::open(&shipped_scenario("first-look"), EngineChoice::Cpu, move || {
            wake.send(()).ok();
        })
        .unwrap();
        Self { lab, news }
    }

    fn wait(&mut self, what: &str, until: impl Fn(&Lab) -> bool) {
        loop {
            self.lab.poll();
            if until(&self.lab) {
                return;
            }
            self.news.recv_timeout(Duration::from_secs(120)).unwrap_or_else(|e| panic!("{what}: {e}"));
        }
    }

    /// Opens a page, counted from 0, and waits for its run.
    fn open(&mut self, id: &str, page: usize) {
        self.lab.send(Command::Lesson(LessonDo::Open(id.into())));
        self.lab.send(Command::Lesson(LessonDo::Turn(page)));
        self.wait("the page", |l| l.lesson().is_some_and(|r| r.page == page) && l.is_up_to_date());
    }
}

/// Plays every page of these lessons that has a task for a minute at its own speed, without doing anything.
fn leave_alone(ids: &[&str]) {
    for id in ids {
        let read = lesson::find(id).unwrap().load().unwrap();
        for page in read.tasks() {
            let mut quiet = Quiet::new();
            quiet.open(id, page);
            let (first, speed) = (quiet.lab.snapshot().step, quiet.lab.snapshot().speed);
            let Speed::Steps(speed) = speed else { panic!("page {} of {id} plays without a speed", page + 1) };
            let minute = first + (60.0 * speed) as u64;
            quiet.lab.send(Command::SetSpeed(Speed::Max));
            quiet.lab.send(Command::Play);
            let wanted = read.pages[page].task.as_ref().unwrap().for_steps.max(1);
            quiet.wait("a minute", |l| {
                let standing = l.task_standing();
                assert!(!standing.done, "page {} of {id} was done by waiting", page + 1);
                // Nor is the condition met without a user, so that any change would complete the task.
                assert!(standing.streak < wanted, "page {} of {id} comes true by itself", page + 1);
                l.snapshot().step >= minute
            });
        }
    }
}

#[test]
fn no_task_of_the_first_lessons_is_done_by_waiting() {
    leave_alone(&["router", "starving", "auxiliary-loss", "bias", "step-size", "sign-or-proportional", "your-own"]);
}

#[test]
fn no_task_of_the_other_lessons_is_done_by_waiting() {
    leave_alone(&["shape", "moving-targets", "prices", "sampling-floor", "big-models", "your-model"]);
}

#[test]
fn all_lessons_are_played_without_a_user() {
    assert_eq!(lesson::shipped().len(), 13, "add the new lesson to one of the lists");
}

/// A lesson whose condition is met from its first step.
const DONE_AT_ONCE: &str = "(version: 1, title: \"T\", pages: [(title: \"P\", text: \"t\",
    setup: (scenario: \"builtin:first-look\", speed: 60),
    task: (ask: \"a\", done: \"d\", until: Below(MaxVio, 99.0), for_steps: 20))])";

/// Opens a lesson given as text and plays it at full speed.
fn own(text: &str) -> Quiet {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.lesson.ron");
    std::fs::write(&path, text).unwrap();
    let mut quiet = Quiet::new();
    quiet.lab.send(Command::OpenFile(path));
    quiet.wait("the lesson", |l| l.lesson().is_some() && l.is_up_to_date());
    quiet.lab.send(Command::SetSpeed(Speed::Max));
    quiet.lab.send(Command::Play);
    quiet
}

#[test]
fn a_task_counts_from_the_first_change_by_hand() {
    let mut quiet = own(DONE_AT_ONCE);
    quiet.wait("some steps", |l| l.snapshot().step >= 200);
    let standing = quiet.lab.task_standing();
    assert!(standing.untouched && standing.streak >= 20 && !standing.done, "{standing:?}");
    // Setting a value that is set already does not count as a change.
    quiet.lab.send(Command::Change { target: Target::AllVariants, change: Change::SetTopK(6) });
    quiet.wait("its answer", Lab::is_up_to_date);
    assert!(quiet.lab.task_standing().untouched);
    quiet.lab.send(Command::Change { target: Target::AllVariants, change: Change::SetTopK(5) });
    quiet.wait("the task", |l| l.task_standing().done);
    let event = quiet.lab.snapshot().events.last().unwrap().step;
    assert!(quiet.lab.snapshot().step >= event + 20, "steps before the change did not count");
    // A lesson can ask for waiting explicitly.
    let mut waits = own(&DONE_AT_ONCE.replace("for_steps: 20", "for_steps: 20, wait: true"));
    waits.wait("the task", |l| l.task_standing().done);
}

#[test]
fn events_of_a_scenario_happen_only_if_a_page_says_so() {
    let text = "(version: 1, title: \"T\", pages: [(title: \"P\", text: \"t\",
        setup: (scenario: \"builtin:step-too-large\", speed: 60))])";
    let mut quiet = own(text);
    quiet.wait("the scenario’s changes are past", |l| l.snapshot().step > 650);
    assert_eq!(quiet.lab.settings().variants[0].balancer.rate, 0.1);
    let mut told = own(&text.replace("speed: 60", "speed: 60, events: true"));
    told.wait("the scenario’s changes", |l| l.snapshot().step > 650 && l.is_up_to_date());
    assert_eq!(told.lab.settings().variants[0].balancer.rate, 0.001);
}

#[test]
fn a_question_pauses_the_run_and_its_answer_begins_at_the_same_step() {
    let mut quiet = Quiet::new();
    // Page 2 of the sampling floor, whose answer enlarges the batch at step 200.
    quiet.open("sampling-floor", 1);
    assert_eq!((quiet.lab.snapshot().step, quiet.lab.snapshot().playing), (200, false));
    // A person changes something and plays on before answering: the answer is shown on the page's own run.
    quiet.lab.send(Command::Change { target: Target::AllVariants, change: Change::SetTopK(1) });
    quiet.lab.send(Command::StepForward(40));
    quiet.wait("forty steps", |l| l.snapshot().step == 240);
    quiet.lab.send(Command::Lesson(LessonDo::Answer(0)));
    quiet.wait("the answer", |l| l.is_up_to_date() && l.snapshot().step > 200);
    let settings = quiet.lab.settings();
    assert_eq!((settings.variants[0].router.top_k, settings.synthetic().unwrap().batch), (6, 16_384));
    assert_eq!(quiet.lab.snapshot().events.last().map(|e| e.step), Some(200));
    assert!(quiet.lab.snapshot().playing, "what the question held goes on");
    // An answer at the step of the question continues the same run.
    quiet.lab.send(Command::Lesson(LessonDo::Turn(3)));
    quiet.wait("page 4", |l| l.is_up_to_date() && l.snapshot().step == 200 && !l.snapshot().playing);
    let run = quiet.lab.snapshot().run;
    quiet.lab.send(Command::Lesson(LessonDo::Answer(1)));
    quiet.wait("the answer", |l| l.is_up_to_date() && l.snapshot().step > 200);
    assert_eq!(quiet.lab.snapshot().run, run);
    // No messages were shown about changes that the lesson made, since its page explains them.
    let said: Vec<&str> = quiet.lab.notices().all().map(|n| n.text.as_str()).collect();
    assert!(said.is_empty(), "{said:?}");
}
