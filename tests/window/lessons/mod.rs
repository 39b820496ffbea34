//! Every shipped lesson is played from start to end in the real window by an automated user: questions are clicked, tasks are done by
//! dragging sliders and choosing from menus, pages are turned by buttons and keys. Errors in lesson files are tested here as well.
//!
//! `MOEBIAS_PICTURES=folder cargo test --test window lessons` saves a picture of every page in that folder; with `MOEBIAS_LIGHT` in the light
//! theme, with `MOEBIAS_SMALL` in a small window.

mod alone;
mod book;
mod keyboard;
mod measure;
mod numbers;
mod recorded;

use crate::driver::{self, ORDINARY, Opening, PLAIN, Window, click_at, lab_with_journal, pictures, send, themed, wait};
use eframe::egui::{Event, Key, MouseWheelUnit, Pos2, TouchPhase, accesskit::Role, pos2, vec2};
use egui_kittest::kittest::Queryable as _;
use moebias_engine::message::Speed;
use moebias_files::lesson::{self, Highlight, Lesson, Page};
use moebias_lab::Lab;
use moebias_lab::command::{Command, LessonDo};
use moebias_lab::lesson::Stage;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

/// A window with the first scenario; environment variables choose its theme and size.
fn window() -> Window {
    let set = |name: &str| std::env::var_os(name).is_some();
    let size = if set("MOEBIAS_SMALL") { vec2(1100.0, 700.0) } else { ORDINARY };
    let opening = Opening { size, stored: themed(!set("MOEBIAS_LIGHT")), ..Opening::default() };
    opening.open(lab_with_journal("first-look"))
}

fn lab(w: &Window) -> &Lab {
    w.state().lab()
}

fn press(w: &mut Window, key: Key) {
    driver::press(w, PLAIN, key);
}

/// Opens a lesson and waits for its run.
fn open_lesson(w: &mut Window, id: &str) {
    send(w, Command::Lesson(LessonDo::Open(id.into())));
    wait(w, "the lesson", |l| l.lesson().is_some() && l.is_up_to_date());
}

/// Saves a picture if pictures are wanted, once the corners around a control have stopped moving.
fn picture(w: &mut Window, name: &str) {
    if pictures().is_some() {
        w.run_steps(110);
        driver::picture(w, name);
    }
}

/// Scrolls the panel of a widget until the widget is visible, and returns its position.
fn reach(w: &mut Window, role: Role, label: &str) -> Pos2 {
    for _ in 0..40 {
        let at = w.get_by_role_and_label(role, label).rect().center();
        let bottom = w.ctx.content_rect().bottom() - 66.0;
        let by = if at.y > bottom {
            -60.0
        } else if (44.0..70.0).contains(&at.y) || at.y < 0.0 {
            60.0
        } else {
            return at;
        };
        w.hover_at(pos2(at.x, 400.0));
        let modifiers = PLAIN;
        let (unit, phase) = (MouseWheelUnit::Point, TouchPhase::Move);
        let source = eframe::egui::MouseWheelSource::Wheel;
        w.event(Event::MouseWheel { unit, delta: vec2(0.0, by), phase, source, modifiers });
        w.run_steps(6);
    }
    panic!("{label} can't be reached");
}

fn click(w: &mut Window, role: Role, label: &str) {
    let at = reach(w, role, label);
    click_at(w, at);
}

/// Drags a slider back and forth until the value is in a range, as a person would.
fn drag(w: &mut Window, slider: &str, value: fn(&Lab) -> f64, wanted: RangeInclusive<f64>) {
    reach(w, Role::Slider, slider);
    let rail = w.get_by_role_and_label(Role::Slider, slider).rect();
    let (mut low, mut high) = (rail.left() + 6.0, rail.right() - 10.0);
    let at = |x: f32| pos2(x, rail.center().y);
    w.hover_at(at(low));
    w.step();
    w.drag_at(at(low));
    w.run_steps(2);
    let mut x = low;
    for _ in 0..24 {
        let now = value(lab(w));
        if wanted.contains(&now) {
            break;
        }
        if now < *wanted.start() {
            low = x;
        } else {
            high = x;
        }
        x = (low + high) / 2.0;
        w.hover_at(at(x));
        w.run_steps(2);
    }
    w.drop_at(at(x));
    w.run_steps(4);
    assert!(wanted.contains(&value(lab(w))), "{slider} is {} and not in {wanted:?}", value(lab(w)));
}

fn choose(w: &mut Window, choice: &str, item: &str) {
    click(w, Role::ComboBox, choice);
    w.run_steps(4);
    w.get_by_role_and_label(Role::Button, item).click();
    w.run_steps(4);
}

fn rate(lab: &Lab) -> f64 {
    driver::rate(lab, 0)
}

fn top_k(lab: &Lab) -> f64 {
    f64::from(lab.settings().variants[0].router.top_k)
}

fn batch(lab: &Lab) -> f64 {
    f64::from(lab.settings().synthetic().unwrap().batch)
}

fn skew(lab: &Lab) -> f64 {
    lab.settings().synthetic().unwrap().skew
}

fn alpha(lab: &Lab) -> f64 {
    lab.settings().variants[0].learning.alpha
}

/// Does a page's task with the controls of the window.
fn do_task(w: &mut Window, id: &str, page: usize) {
    match (id, page) {
        ("router", 4) => drag(w, "K", top_k, 1.0..=1.0),
        ("starving", 2) => drag(w, "Skew", skew, 1.9..=2.2),
        ("auxiliary-loss", 1) => drag(w, "α", alpha, 0.25..=1.1),
        ("bias", 3) => choose(w, "Rule", "Loss-free, sign"),
        ("step-size", 2) => drag(w, "Step size u", rate, 0.0009..=0.002),
        ("step-size", 4) => choose(w, "Schedule", "Step size u/√n"),
        ("sign-or-proportional", 3) => drag(w, "Step size u", rate, 0.008..=0.02),
        ("shape", 3) => drag(w, "Batch", batch, 16_384.0..=24_576.0),
        ("moving-targets", 2) => drag(w, "Step size u", rate, 0.005..=0.01),
        ("prices", 3) => drag(w, "Step size u", rate, 0.0003..=0.0005),
        ("sampling-floor", 4) => drag(w, "Batch", batch, 65_536.0..=131_072.0),
        ("big-models", 3) => choose(w, "Model", "DeepSeek-V3"),
        ("your-own", 0) => {
            click(w, Role::Button, "Compare");
            click(w, Role::Button, "Copy Loss-free, u = 0.001");
            press(w, Key::Escape);
        }
        ("your-own", 1) => {
            click(w, Role::Button, "Proportional, u = 0.01");
            choose(w, "Rule", "ID Balancing");
        }
        ("your-model", 1) => click(w, Role::Button, "Leave the identical tokens out"),
        ("your-model", 2) => choose(w, "Layer", "Layer 3"),
        ("your-model", 3) => choose(w, "Rule", "Loss-free, sign"),
        _ => panic!("no way is known to do page {} of {id}", page + 1),
    }
    // The user presses the key that the card names for a paused run, and then plays at full speed.
    if !lab(w).snapshot().playing && !lab(w).task_standing().done {
        press(w, Key::K);
    }
    send(w, Command::SetSpeed(Speed::Max));
    wait(w, &format!("the task of page {} of {id}", page + 1), |l| l.task_standing().done);
}

/// Plays a lesson from its row in the contents to its last page.
fn play(id: &str) {
    let at = lesson::shipped().iter().position(|l| l.id == id).unwrap();
    let read = lesson::shipped()[at].load().unwrap();
    let mut w = window();
    press(&mut w, Key::L);
    if at == 0 {
        picture(&mut w, "contents");
    }
    click(&mut w, Role::Button, &format!("Lesson {}: {}", at + 1, read.title));
    for (i, page) in read.pages.iter().enumerate() {
        let here = |l: &Lab| l.lesson().is_some_and(|r| r.page == i && r.lesson.id == id) && l.is_up_to_date();
        wait(&mut w, &format!("page {} of {id}", i + 1), here);
        let name = format!("{:02}-{id}-{}", at + 1, i + 1);
        // An open question holds the run.
        let plays = page.question.is_none() && page.setup.play.unwrap_or(page.setup.scenario.is_some());
        if plays {
            wait(&mut w, "some steps", |l| l.snapshot().step > 0);
        }
        if pictures().is_some() && plays {
            let from = lab(&w).snapshot().step;
            send(&mut w, Command::StepForward(30));
            wait(&mut w, "thirty steps", |l| l.snapshot().step >= from + 30);
        }
        picture(&mut w, &name);
        if let Some(question) = &page.question {
            wait(&mut w, &format!("the question of page {} of {id} holds the run", i + 1), |l| {
                !l.snapshot().playing && l.is_up_to_date()
            });
            let before = (lab(&w).snapshot().run, lab(&w).snapshot().events.len());
            // The lesson continues after right and wrong answers.
            let right = question.choices.iter().position(|c| c.right).unwrap();
            let chosen = if i % 2 == 0 { right } else { (right + 1) % question.choices.len() };
            click(&mut w, Role::RadioButton, &question.choices[chosen].text);
            wait(&mut w, "the answer", |l| l.answered() == Some(chosen) && l.is_up_to_date());
            wait(&mut w, &format!("what page {} of {id} shows", i + 1), |l| {
                let (s, then) = (l.snapshot(), &question.then);
                let changed = then.changes.is_empty() || (s.run, s.events.len()) != before;
                changed && s.playing == then.play.unwrap_or(true)
            });
            picture(&mut w, &format!("{name}-answered"));
        }
        if page.task.is_some() {
            assert!(!lab(&w).task_standing().done, "page {} of {id} was done before anything was done", i + 1);
            do_task(&mut w, id, i);
            picture(&mut w, &format!("{name}-done"));
        }
        for highlight in &page.highlight {
            if let Highlight::Expert(_) = highlight {
                assert!(w.state().link().pinned_expert.is_some(), "page {} of {id} pins nobody", i + 1);
            }
        }
        if i + 1 < read.pages.len() {
            match i % 3 {
                0 => click(&mut w, Role::Button, "Next page"),
                1 => press(&mut w, Key::Space),
                _ => press(&mut w, Key::ArrowRight),
            }
        }
    }
    let progress = lab(&w).shelf().progress.get(id).unwrap().clone();
    assert!(progress.finished);
    let asked = |p: &Page| p.question.is_some();
    assert_eq!(progress.stage(None), Stage::Done);
    assert_eq!(progress.answers.len(), read.pages.iter().filter(|p| asked(p)).count());
    assert_eq!(progress.tasks.len(), read.pages.iter().filter(|p| p.task.is_some()).count());
}

macro_rules! plays {
    ($($test:ident $id:literal),* $(,)?) => {
        $(#[test]
        fn $test() {
            play($id);
        })*

        #[test]
        fn every_lesson_is_played() {
            let played = [$($id),*];
            assert_eq!(played.as_slice(), lesson::shipped().iter().map(|l| l.id).collect::<Vec<_>>().as_slice());
        }
    };
}

plays! {
    what_a_router_does "router",
    why_experts_starve "starving",
    the_auxiliary_loss_and_its_price "auxiliary-loss",
    a_bias_instead "bias",
    step_size "step-size",
    sign_or_proportional "sign-or-proportional",
    skew_k_and_expert_count "shape",
    moving_targets "moving-targets",
    the_price_view "prices",
    the_sampling_floor "sampling-floor",
    how_the_big_models_do_it "big-models",
    an_experiment_of_your_own "your-own",
    your_own_model "your-model",
}

#[test]
fn every_page_has_an_effect_and_every_lesson_has_a_few_pages() {
    assert!(lesson::shipped().len() >= 11);
    for shipped in lesson::shipped() {
        let read = shipped.load().unwrap();
        assert!((4..=8).contains(&read.pages.len()), "{} has {} pages", shipped.id, read.pages.len());
        assert!(!read.summary.is_empty() && read.minutes.is_some());
        for (i, page) in read.pages.iter().enumerate() {
            assert!(page.has_effect() && !page.show.is_empty(), "page {} of {}", i + 1, shipped.id);
            assert!(page.text.chars().count() < 900, "page {} of {} is long", i + 1, shipped.id);
            // Formulas fit on one line even in the narrowest panel.
            let formulas = page.text.split("```").skip(1).step_by(2).flat_map(str::lines);
            let broken: Vec<&str> = formulas.filter(|line| line.chars().count() > 34).collect();
            assert!(broken.is_empty(), "page {} of {} breaks {broken:?}", i + 1, shipped.id);
        }
        assert!(read.pages.iter().any(Page::asks));
    }
}

#[test]
fn the_example_in_the_documentation_is_a_lesson() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/lessons.md")).unwrap();
    let example = text.split("```ron\n").nth(1).unwrap().split("```").next().unwrap();
    let read = lesson::load_text(example, "docs/lessons.md", Path::new("")).unwrap();
    assert_eq!(read.pages.len(), 3);
}

#[test]
fn going_back_restores_the_experiment_of_the_page() {
    let mut w = window();
    open_lesson(&mut w, "router");
    // The answer to the question of page 4 changes K.
    send(&mut w, Command::Lesson(LessonDo::Turn(3)));
    wait(&mut w, "page 4", |l| l.is_up_to_date() && top_k(l) == 6.0);
    send(&mut w, Command::Lesson(LessonDo::Answer(2)));
    wait(&mut w, "the answer", |l| l.is_up_to_date() && top_k(l) == 16.0);
    press(&mut w, Key::ArrowRight);
    wait(&mut w, "page 5", |l| l.is_up_to_date() && top_k(l) == 6.0);
    press(&mut w, Key::ArrowLeft);
    wait(&mut w, "page 4 as it was left", |l| l.is_up_to_date() && top_k(l) == 16.0 && l.answered() == Some(2));
    press(&mut w, Key::ArrowLeft);
    assert_eq!(lab(&w).lesson().unwrap().page, 2);
    // A closed lesson opens again at the same page.
    click(&mut w, Role::Button, "Close lesson");
    assert!(lab(&w).lesson().is_none());
    press(&mut w, Key::L);
    click(&mut w, Role::Button, "Lesson 1: What a router does");
    wait(&mut w, "page 3", |l| l.lesson().is_some_and(|r| r.page == 2) && l.is_up_to_date());
    // The question pauses the run, but the key for play and pause still works.
    assert!(!lab(&w).snapshot().playing);
    press(&mut w, Key::K);
    wait(&mut w, "playing", |l| l.snapshot().playing);
    press(&mut w, Key::K);
    wait(&mut w, "paused", |l| !l.snapshot().playing);
}

#[test]
fn hints_appear_one_by_one_and_a_skipped_question_does_no_harm() {
    let mut w = window();
    open_lesson(&mut w, "step-size");
    for page in 1..3 {
        click(&mut w, Role::Button, "Next page");
        wait(&mut w, "the page", |l| l.lesson().is_some_and(|r| r.page == page) && l.is_up_to_date());
    }
    assert_eq!(rate(lab(&w)), 0.1, "the task’s page sets up its own experiment");
    click(&mut w, Role::Button, "Show a hint");
    assert!(w.query_by_label_contains("still a little restless").is_some());
    assert!(w.query_by_label_contains("You can type it").is_none());
    click(&mut w, Role::Button, "Another hint");
    assert!(w.query_by_label_contains("You can type it").is_some());
    assert!(w.query_by_label("Another hint").is_none());
    click(&mut w, Role::Button, "Close lesson");
    press(&mut w, Key::L);
    click(&mut w, Role::Button, "Continue “Step size: slow, right, restless”, page 3");
    wait(&mut w, "page 3 again", |l| l.lesson().is_some_and(|r| r.page == 2));
}

#[test]
fn a_page_at_rest_does_not_repaint() {
    let mut w = window();
    open_lesson(&mut w, "bias");
    // Long enough for the animation of the corners and for a new page to settle.
    w.run_steps(200);
    w.step();
    let delay = w.output().viewport_output.values().map(|v| v.repaint_delay).min().unwrap();
    assert!(delay > Duration::from_millis(500), "repaints after {delay:?}");
}

#[test]
fn a_person_s_own_lesson_opens_and_keeps_its_progress() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine.ron"), "(version: 1, title: \"Mine\", seed: 5)").unwrap();
    let path = folder.path().join("own.lesson.ron");
    let text = "(version: 1, title: \"My course\", pages: [
        (title: \"One\", text: \"a\", setup: (scenario: \"mine.ron\", changes: [(change: SetTopK(2))])),
        (title: \"Two\", text: \"b\", highlight: [Control(TopK)]),
    ])";
    std::fs::write(&path, text).unwrap();
    let mut w = window();
    send(&mut w, Command::OpenFile(path.clone()));
    wait(&mut w, "the lesson", |l| l.lesson().is_some() && l.is_up_to_date());
    assert_eq!((top_k(lab(&w)), lab(&w).settings().seed), (2.0, 5));
    press(&mut w, Key::Space);
    let id = lab(&w).lesson().unwrap().lesson.id.clone();
    assert!(lab(&w).shelf().progress[&id].finished);
    press(&mut w, Key::L);
    assert!(w.query_by_label("Lesson –: My course").is_some(), "the contents list it by its title");
    press(&mut w, Key::Escape);
    // An invalid file is reported with its line and leaves the open lesson as it is.
    std::fs::write(&path, text.replace("SetTopK(2)", "SetTopK(99)")).unwrap();
    send(&mut w, Command::OpenFile(path));
    wait(&mut w, "the error", |l| l.notices().all().any(|n| n.text.contains("line 2")));
    assert_eq!(lab(&w).lesson().unwrap().lesson.title, "My course");
}

fn read(body: &str) -> Result<Lesson, String> {
    let text = format!("(version: 1, title: \"T\", pages: [\n{body}\n])");
    lesson::load_text(&text, "own.lesson.ron", Path::new("")).map_err(|e| e.to_string())
}

#[test]
fn errors_in_lessons_name_the_place_and_what_is_allowed() {
    let with = |page: &str| format!("(title: \"P\", text: \"t\", {page})");
    let task = |until: &str| {
        with(&format!("setup: (scenario: \"builtin:skew\"), task: (ask: \"a\", done: \"d\", until: {until})"))
    };
    assert!(read(&task("Below(MaxVio, 0.2)")).is_ok());
    let cases: [(String, &[&str]); 20] = [
        (with(""), &["line 2", "pages[0]", "text alone", "a setup, a highlight, a question or a task"]),
        (with("setup: (scenario: \"builtin:first-lok\")"), &["line 2", "did you mean builtin:first-look?"]),
        (with("setup: (scenario: \"missing.ron\")"), &["line 2", "missing.ron", "no such file"]),
        (with("setup: (scenario: \"other.lesson.ron\")"), &["a scenario, not a lesson"]),
        (with("setup: (changes: [(change: SetTopK(2))])"), &["line 2", "until a page has opened a scenario"]),
        (
            with("setup: (scenario: \"builtin:skew\", changes: [(change: SetTopK(99))])"),
            &["line 2", "changes[0]", "99"],
        ),
        (with("setup: (experts: 8)"), &["experts", "beside a scenario"]),
        (with("setup: (events: true)"), &["events", "beside a scenario"]),
        (with("setup: (layer: \"3\")"), &["layer", "beside a scenario"]),
        (
            with("setup: (scenario: \"builtin:skew\", layer: \"3\")"),
            &["line 2", "scenario", "no recording of a router"],
        ),
        (with("setup: (scenario: \"builtin:four-layers\", layer: \"9\")"), &["line 2", "scenario", "9"]),
        (with("setup: (scenario: \"builtin:skew\", only: 7)"), &["only", "from 0 to 1"]),
        (with("highlight: [Control(Knob)]"), &["line 2", "Knob", "TopK"]),
        (with("hilight: []"), &["line 2", "hilight", "highlight"]),
        (task("Below(MaxVia, 0.2)"), &["line 2", "MaxVia", "MaxVio16"]),
        (task("Between(Rate, 0.1, 0.01)"), &["until", "the smaller one first"]),
        (task("All([])"), &["until", "at least one condition"]),
        (
            with("setup: (scenario: \"builtin:skew\"), task: (ask: \"a\", done: \"d\", until: Step(9), variant: 2)"),
            &["task.variant", "from 0 to 1"],
        ),
        (
            with("question: (ask: \"a\", choices: [(text: \"x\", why: \"y\"), (text: \"z\", why: \"y\")])"),
            &["choices", "0 right answers", "exactly one"],
        ),
        (
            with("question: (ask: \"a\", choices: [(text: \"x\", why: \"y\", right: true)])"),
            &["choices", "from 2 to 6"],
        ),
    ];
    for (body, parts) in cases {
        let said = read(&body).expect_err(&body);
        assert!(said.starts_with("own.lesson.ron, line "), "{said}");
        for part in parts {
            assert!(said.contains(part), "{body}\nsays: {said}\nwithout: {part}");
        }
    }
    assert!(read("").unwrap_err().contains("from 1 to 60"));
    let text = "(version: 2, title: \"T\", pages: [])";
    let said = lesson::load_text(text, "own.lesson.ron", Path::new("")).unwrap_err().to_string();
    assert!(said.contains("version is 2"), "{said}");
}

#[test]
fn the_command_line_checks_lessons() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.lesson.ron");
    let check = || {
        let out = std::process::Command::new(env!("CARGO_BIN_EXE_moebias")).arg("check").arg(&path).output().unwrap();
        let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
        (out.status.success(), text)
    };
    std::fs::write(&path, lesson::shipped()[0].text).unwrap();
    let (good, said) = check();
    assert!(good && said.contains("a lesson: “What a router does”, 5 pages"), "{said}");
    std::fs::write(&path, lesson::shipped()[0].text.replace("builtin:first-look", "builtin:first")).unwrap();
    let (good, said) = check();
    assert!(!good && said.contains("line ") && said.contains("scenario"), "{said}");
}
