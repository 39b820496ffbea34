//! What stands round the panes: messages that go with what they tell of, what waits behind a list, the welcome at every size.

use crate::DATA;
use eframe::egui::accesskit::{Role, Toggled};
use eframe::egui::{Event, Key, Modifiers, Vec2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use moebias::ui::shell::app::{App, Options};
use moebias::ui::store::Stored;
use moebias_engine::message::Speed;
use moebias_files::shipped;
use moebias_lab::command::{Command, LessonDo};
use moebias_lab::{Document, Lab};
use std::path::PathBuf;
use std::time::{Duration, Instant};

type Window = Harness<'static, App>;

fn open(size: Vec2, zoom: f32, welcome: bool, scenario: &str) -> Window {
    moebias_lab::places::keep_in(DATA.path());
    let loaded = shipped::find(scenario).unwrap().load().unwrap();
    let lab = Lab::beside(Document::of(&loaded), moebias_lab::start_of(&loaded)).unwrap();
    let recent =
        (1..5).map(|i| PathBuf::from(format!("/runs/a run with a rather long name, number {i}.ron"))).collect();
    let stored = Stored { dark: Some(true), hints: false, zoom, recent, ..Stored::default() };
    let options = Options { welcome, ..Options::default() };
    let mut window = Harness::builder()
        .with_size(size)
        .with_max_steps(64)
        .build_eframe(|cc| App::new(&cc.egui_ctx, lab, stored, options));
    window.run_steps(6);
    window
}

fn wait(window: &mut Window, what: &str, until: impl Fn(&Lab) -> bool) {
    let patience = Instant::now();
    while !until(window.state().lab()) {
        window.step();
        assert!(patience.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::yield_now();
    }
    window.run_steps(3);
}

fn press(window: &mut Window, modifiers: Modifiers, key: Key) {
    window.key_press_modifiers(modifiers, key);
    window.run_steps(4);
}

fn sees(window: &Window, label: &str) -> bool {
    window.query_all_by_label_contains(label).next().is_some()
}

/// Plays as fast as it goes to where the scenario ends.
fn play_to_the_end(window: &mut Window) {
    window.state_mut().lab_mut().send(Command::SetSpeed(Speed::Max));
    window.state_mut().lab_mut().send(Command::Play);
    wait(window, "the end", |l| l.notices().all().any(|n| n.text.starts_with("Paused at step")));
    wait(window, "the pause", |l| !l.snapshot().playing);
}

#[test]
fn a_message_goes_with_what_it_tells_of() {
    let mut window = open(vec2(1440.0, 900.0), 1.0, false, "first-look");
    play_to_the_end(&mut window);
    assert!(sees(&window, "Press Space to go on; change a setting first if you like."));
    assert!(window.query_by_label("Go on").is_some());
    press(&mut window, Modifiers::NONE, Key::ArrowRight);
    wait(&mut window, "a step", |l| l.snapshot().step > l.snapshot().stop.unwrap_or(300));
    assert!(window.query_by_label("Go on").is_none(), "the run goes on");

    let mut window = open(vec2(1440.0, 900.0), 1.0, false, "first-look");
    play_to_the_end(&mut window);
    window.state_mut().lab_mut().send(Command::Lesson(LessonDo::Open("router".into())));
    window.run_steps(4);
    assert!(window.query_by_label("Go on").is_none(), "a lesson is open");
}

#[test]
fn the_end_has_a_line_for_every_variant() {
    let mut window = open(vec2(1440.0, 900.0), 1.0, false, "four-rules");
    play_to_the_end(&mut window);
    let lab = window.state().lab();
    let text = &lab.notices().all().find(|n| n.text.starts_with("Paused at step")).unwrap().text;
    for variant in &lab.settings().variants {
        let line = text.lines().find(|l| l.starts_with(&format!("{}: ", variant.name)));
        assert!(line.is_some_and(|l| l.ends_with('×')), "{} in {text}", variant.name);
    }
}

#[test]
fn nothing_plays_behind_a_list_and_it_goes_on_after() {
    let mut window = open(vec2(1440.0, 900.0), 1.0, false, "skew");
    window.state_mut().lab_mut().send(Command::Play);
    wait(&mut window, "play", |l| l.snapshot().playing);
    for key in [Key::L, Key::G, Key::N] {
        press(&mut window, Modifiers::NONE, key);
        wait(&mut window, "it waits", |l| !l.snapshot().playing);
        press(&mut window, Modifiers::NONE, Key::Escape);
        wait(&mut window, "it goes on", |l| l.snapshot().playing);
    }
    window.state_mut().lab_mut().send(Command::Pause);
    wait(&mut window, "pause", |l| !l.snapshot().playing);
    press(&mut window, Modifiers::NONE, Key::G);
    press(&mut window, Modifiers::NONE, Key::Escape);
    window.run_steps(10);
    assert!(!window.state().lab().snapshot().playing, "what did not play does not begin");
}

#[test]
fn the_welcome_stays_within_the_window_and_where_it_is() {
    for (size, zoom) in [(1100.0, 700.0, 2.0), (1100.0, 700.0, 1.5), (1440.0, 900.0, 2.0), (1440.0, 900.0, 1.0)]
        .map(|(x, y, zoom)| (vec2(x, y), zoom))
    {
        // A harness is measured in points, which zooming makes fewer.
        let mut window = open(size / zoom, 1.0, true, "first-look");
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
fn findings_name_their_variant_and_their_list_stays_within_the_window() {
    let mut window = open(vec2(1440.0, 900.0), 1.0, false, "four-rules");
    window.state_mut().lab_mut().send(Command::StepForward(300));
    wait(&mut window, "the steps", |l| l.snapshot().step == 300);
    let name = window.state().lab().settings().variants[0].name.to_string();
    let found = window.state().lab().snapshot().variants.iter().any(|v| !v.findings.is_empty());
    assert!(found && sees(&window, &format!("{name}:")));

    let mut window = open(vec2(550.0, 350.0), 1.0, false, "four-rules");
    window.state_mut().lab_mut().send(Command::StepForward(300));
    wait(&mut window, "the steps", |l| l.snapshot().step == 300);
    press(&mut window, Modifiers::NONE, Key::N);
    let screen = window.ctx.content_rect();
    let heading = window.get_by_label("Findings").rect();
    assert!(screen.contains_rect(heading), "{heading:?}");
    assert!(sees(&window, &format!("{name}: ")), "each begins with its variant");
}

#[test]
fn what_is_on_is_told_in_the_palette_and_in_the_menu() {
    let mut window = open(vec2(1440.0, 900.0), 1.0, false, "first-look");
    press(&mut window, Modifiers::SHIFT, Key::L);
    window.get_all_by_label_contains("File menu").next().unwrap().click();
    window.run_steps(4);
    let hints = window.get_by_role_and_label(Role::CheckBox, "Hints");
    assert_eq!(hints.accesskit_node().toggled(), Some(Toggled::False));
}

#[test]
fn before_an_audience_words_are_larger_and_nothing_of_before_is_asked() {
    let mut window = open(vec2(1440.0, 900.0), 1.0, false, "first-look");
    play_to_the_end(&mut window);
    press(&mut window, Modifiers::NONE, Key::F5);
    assert!(window.ctx.zoom_factor() >= 1.25, "{}", window.ctx.zoom_factor());
    assert!(window.query_by_label("Go on").is_none(), "nothing covers the panes");
    press(&mut window, Modifiers::SHIFT, Key::L);
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(!sees(&window, "Record"), "the first puts down the laser");
    press(&mut window, Modifiers::NONE, Key::Escape);
    assert!(sees(&window, "Record"), "the second leaves");
}
