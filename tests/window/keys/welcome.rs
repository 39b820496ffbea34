//! The first minutes: the welcome, the end of the first scenario, undo across files, sweeps, and tooltips.

use crate::DATA;
use crate::driver::*;
use eframe::egui::Key;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use moebias::ui::shell::app::Options;
use moebias_files::shipped;
use moebias_lab::command::{Command, LessonDo};
use moebias_testing::wait_until;

#[test]
fn the_run_waits_while_the_welcome_is_open() {
    let mut window = welcome();
    window.run_steps(20);
    // By the time the worker answers a command, the run would have begun to play.
    send(&mut window, Command::Rename { variant: 0, name: Some("Answered".into()) });
    wait(&mut window, "an answer", |l| l.snapshot().experiment.variants[0].name == "Answered");
    send(&mut window, Command::Undo);
    wait(&mut window, "the old name", |l| l.snapshot().experiment.variants[0].name != "Answered");
    let lab = window.state().lab();
    assert!(lab.snapshot().step == 0 && !lab.snapshot().playing, "nothing plays behind it");
    picture(&mut window, "welcome");
    // Enter presses the blue button.
    press(&mut window, PLAIN, Key::Enter);
    wait(&mut window, "the run", |l| l.snapshot().playing && l.snapshot().step > 2);
    assert!(window.query_by_label("Search scenarios").is_none());
    // The welcome pauses the run when it is opened again.
    press(&mut window, CTRL, Key::N);
    wait(&mut window, "the pause", |l| !l.snapshot().playing);
    press(&mut window, PLAIN, Key::Escape);
    wait(&mut window, "the run", |l| l.snapshot().playing);
    // A scenario opened from the welcome plays.
    press(&mut window, CTRL, Key::N);
    type_in(&mut window, "quantile");
    picture(&mut window, "welcome-search");
    press(&mut window, PLAIN, Key::Enter);
    let title = shipped::find("quantile-balancing").unwrap().load().unwrap().scenario.title;
    wait(&mut window, "the first card found", |l| l.document().title == title && l.snapshot().playing);
}

#[test]
fn the_welcome_offers_recent_files_and_the_unfinished_lesson() {
    let mut stored = dark();
    stored.remember(&DATA.path().join("my-run.ron"));
    let window = open(ORDINARY, stored, Options { welcome: true, ..Options::default() }, "first-look");
    window.get_by_label("my-run.ron");
    for group in ["Begin", "Balancing rules", "Routers", "Real models", "Theory"] {
        assert!(window.query_all_by_label(group).next().is_some(), "{group}");
    }
    let mut window = ordinary();
    let lesson = moebias_files::lesson::shipped()[1].id;
    for what in [LessonDo::Open(lesson.into()), LessonDo::Turn(1), LessonDo::Close] {
        send(&mut window, Command::Lesson(what));
        window.run_steps(3);
    }
    press(&mut window, CTRL, Key::N);
    assert!(window.query_by_label_contains("Continue the lesson").is_some());
}

#[test]
fn the_first_scenario_ends_with_a_summary_and_a_suggestion() {
    let mut window = ordinary();
    // Few tokens, so that the run is fast.
    palette_enter(&mut window, "batch 512");
    wait(&mut window, "the batch", |l| l.snapshot().batch == 512);
    let words = window.get_by_label_contains("The busiest expert starts with").rect();
    assert!(words.bottom() < 840.0, "what to look for is in sight: {words:?}");
    palette(&mut window, "speed max");
    press(&mut window, PLAIN, Key::Enter);
    press(&mut window, PLAIN, Key::Escape);
    press(&mut window, PLAIN, Key::Space);
    wait(&mut window, "its end", |l| !l.snapshot().playing && l.snapshot().step > 100);
    let stop = window.state().lab().snapshot().stop.unwrap();
    assert_eq!(window.state().lab().snapshot().step, stop);
    let said = messages(&window).pop().unwrap();
    assert!(
        said.starts_with(&format!("Paused at step {stop}, where “A first look” ends.\nThe busiest expert went from")),
        "{said}"
    );
    assert!(said.ends_with("Press Space to go on; change a setting first if you like."), "{said}");
    picture(&mut window, "first-look-ends");
    press(&mut window, PLAIN, Key::Space);
    wait(&mut window, "more", |l| l.snapshot().step > stop);
}

#[test]
fn undo_asks_before_it_returns_to_the_previous_file() {
    let mut window = ordinary();
    send(&mut window, Command::OpenShipped("skew".into()));
    wait(&mut window, "another scenario", |l| l.document().title != "A first look" && l.is_up_to_date());
    let title = window.state().lab().document().title.clone();
    palette(&mut window, "noise 1");
    press(&mut window, PLAIN, Key::Enter);
    press(&mut window, CTRL, Key::Z);
    press(&mut window, CTRL, Key::Z);
    window.run_steps(20);
    assert_eq!(window.state().lab().document().title, title, "the second undo changes nothing");
    assert!(
        messages(&window).last().unwrap().contains("Undo once more returns to the run before"),
        "{:?}",
        messages(&window)
    );
    press(&mut window, CTRL, Key::Z);
    wait(&mut window, "the run before", |l| l.document().title == "A first look");
}

#[test]
fn a_sweep_stays_with_its_file() {
    let mut window = ordinary();
    press(&mut window, PLAIN, Key::S);
    let start = window.root().children_recursive().find(|n| name(&n.accesskit_node()).starts_with("Start "));
    let start = name(&start.expect("a button that starts the sweep").accesskit_node());
    window.get_by_label(&start).click();
    window.run_steps(6);
    assert!(window.state().lab().sweep().is_some(), "{start}");
    assert!(window.query_by_label("← Back to the map").is_none());
    send(&mut window, Command::CancelSweep);
    send(&mut window, Command::OpenShipped("skew".into()));
    wait(&mut window, "another scenario", |l| l.document().title != "A first look");
    press(&mut window, PLAIN, Key::S);
    assert!(window.query_by_label("← Back to the map").is_some(), "the form of the new file, with a way back");
}

#[test]
fn tooltips_disappear_when_a_dialog_opens() {
    let mut window = ordinary();
    let button = window.get_by_label("Dark or light").rect().center();
    window.hover_at(button);
    wait_until("the tooltip", || {
        window.step();
        window.query_by_label("Dark or light (Ctrl+T)").is_some()
    });
    press(&mut window, PLAIN, Key::F1);
    assert!(window.query_by_label("Dark or light (Ctrl+T)").is_none());
}
