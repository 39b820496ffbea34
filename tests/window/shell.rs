//! What is around the panes: messages that disappear with their cause, runs that wait behind a list, the welcome at every size.

use crate::driver::*;
use eframe::egui::accesskit::{Role, Toggled};
use eframe::egui::{Event, Key, Vec2, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use moebias::ui::shell::app::Options;
use moebias::ui::store::Stored;
use moebias_engine::message::Speed;
use moebias_lab::command::{Command, LessonDo};
use std::path::PathBuf;

/// A window in which a person has opened files before.
fn open(size: Vec2, welcome: bool, scenario: &str) -> Window {
    let recent =
        (1..5).map(|i| PathBuf::from(format!("/runs/a run with a rather long name, number {i}.ron"))).collect();
    let opening = Opening {
        size,
        stored: Stored { zoom: 1.0, recent, ..dark() },
        options: Options { welcome, ..Options::default() },
        drawn: false,
    };
    let mut window = opening.open(lab_beside(&shipped_scenario(scenario)));
    window.run_steps(2);
    window
}

/// Whether the window contains a label with this text.
fn sees(window: &Window, label: &str) -> bool {
    window.query_all_by_label_contains(label).next().is_some()
}

/// Plays at full speed to the end of the scenario.
fn play_to_the_end(window: &mut Window) {
    send(window, Command::SetSpeed(Speed::Max));
    send(window, Command::Play);
    wait(window, "the end", |l| l.notices().all().any(|n| n.text.starts_with("Paused at step")));
    wait(window, "the pause", |l| !l.snapshot().playing);
}

#[test]
fn a_message_disappears_when_it_no_longer_applies() {
    let mut window = open(ORDINARY, false, "first-look");
    play_to_the_end(&mut window);
    assert!(sees(&window, "Press Space to go on; change a setting first if you like."));
    assert!(window.query_by_label("Go on").is_some());
    press(&mut window, PLAIN, Key::ArrowRight);
    wait(&mut window, "a step", |l| l.snapshot().step > l.snapshot().stop.unwrap_or(300));
    assert!(window.query_by_label("Go on").is_none(), "the run goes on");

    let mut window = open(ORDINARY, false, "first-look");
    play_to_the_end(&mut window);
    send(&mut window, Command::Lesson(LessonDo::Open("router".into())));
    window.run_steps(4);
    assert!(window.query_by_label("Go on").is_none(), "a lesson is open");
}

#[test]
fn the_message_at_the_end_has_a_line_per_variant() {
    let mut window = open(ORDINARY, false, "four-rules");
    play_to_the_end(&mut window);
    let lab = window.state().lab();
    let text = &lab.notices().all().find(|n| n.text.starts_with("Paused at step")).unwrap().text;
    for variant in &lab.settings().variants {
        let line = text.lines().find(|l| l.starts_with(&format!("{}: ", variant.name)));
        assert!(line.is_some_and(|l| l.ends_with('×')), "{} in {text}", variant.name);
    }
}

#[test]
fn a_run_waits_behind_a_list_and_continues_afterwards() {
    let mut window = open(ORDINARY, false, "skew");
    send(&mut window, Command::Play);
    wait(&mut window, "play", |l| l.snapshot().playing);
    for key in [Key::L, Key::G, Key::N] {
        press(&mut window, PLAIN, key);
        wait(&mut window, "it waits", |l| !l.snapshot().playing);
        press(&mut window, PLAIN, Key::Escape);
        wait(&mut window, "it goes on", |l| l.snapshot().playing);
    }
    send(&mut window, Command::Pause);
    wait(&mut window, "pause", |l| !l.snapshot().playing);
    press(&mut window, PLAIN, Key::G);
    press(&mut window, PLAIN, Key::Escape);
    window.run_steps(10);
    assert!(!window.state().lab().snapshot().playing, "a paused run does not start");
}

#[test]
fn the_welcome_fits_the_window_and_does_not_move_while_searching() {
    for (size, zoom) in [(1100.0, 700.0, 2.0), (1100.0, 700.0, 1.5), (1440.0, 900.0, 2.0), (1440.0, 900.0, 1.0)]
        .map(|(x, y, zoom)| (vec2(x, y), zoom))
    {
        // The size of a harness is in points, of which a zoomed window has fewer.
        let mut window = open(size / zoom, true, "first-look");
        let screen = window.ctx.content_rect();
        let of = |window: &Window, label: &str| window.get_all_by_label_contains(label).next().unwrap().rect();
        for label in ["Search scenarios", "Open the lessons", "Open a file…", "Begin with “"] {
            let rect = of(&window, label);
            assert!(screen.shrink(12.0).contains_rect(rect), "{label} at {rect:?} in {screen:?}");
        }
        let recent = of(&window, "number 4.ron");
        assert!(recent.left() > 12.0 && recent.right() < screen.right() - 12.0, "{recent:?} in {screen:?}");
        let before = (of(&window, "Search scenarios"), of(&window, "Open a file…"));
        window.event(Event::Text("quantile".into()));
        window.run_steps(4);
        assert_eq!(before, (of(&window, "Search scenarios"), of(&window, "Open a file…")), "it stays where it is");
        assert!(!sees(&window, "Begin with"), "the button follows what is found");
        assert!(sees(&window, "Open “Quantile"));
    }
}

#[test]
fn findings_name_their_variant_and_their_list_fits_the_window() {
    let mut window = open(ORDINARY, false, "four-rules");
    send(&mut window, Command::StepForward(300));
    wait(&mut window, "the steps", |l| l.snapshot().step == 300);
    let name = window.state().lab().settings().variants[0].name.to_string();
    let found = window.state().lab().snapshot().variants.iter().any(|v| !v.findings.is_empty());
    assert!(found && sees(&window, &format!("{name}:")));

    let mut window = open(vec2(550.0, 350.0), false, "four-rules");
    send(&mut window, Command::StepForward(300));
    wait(&mut window, "the steps", |l| l.snapshot().step == 300);
    press(&mut window, PLAIN, Key::N);
    let screen = window.ctx.content_rect();
    let heading = window.get_by_label("Findings").rect();
    assert!(screen.contains_rect(heading), "{heading:?}");
    assert!(sees(&window, &format!("{name}: ")), "each begins with its variant");
}

#[test]
fn the_menu_shows_which_options_are_on() {
    let mut window = open(ORDINARY, false, "first-look");
    press(&mut window, SHIFT, Key::L);
    window.get_all_by_label_contains("File menu").next().unwrap().click();
    window.run_steps(4);
    let hints = window.get_by_role_and_label(Role::CheckBox, "Hints");
    assert_eq!(hints.accesskit_node().toggled(), Some(Toggled::False));
}

#[test]
fn presenting_enlarges_text_and_hides_earlier_messages() {
    let mut window = open(ORDINARY, false, "first-look");
    play_to_the_end(&mut window);
    press(&mut window, PLAIN, Key::F5);
    assert!(window.ctx.zoom_factor() >= 1.25, "{}", window.ctx.zoom_factor());
    assert!(window.query_by_label("Go on").is_none(), "nothing covers the panes");
    press(&mut window, SHIFT, Key::L);
    press(&mut window, PLAIN, Key::Escape);
    assert!(!sees(&window, "Record"), "the first puts down the laser");
    press(&mut window, PLAIN, Key::Escape);
    assert!(sees(&window, "Record"), "the second leaves");
}
