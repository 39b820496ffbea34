//! The app by keyboard alone, and the first minute: what has the focus, what keys do, what the palette sets, how the welcome waits.
//! `MOEBIAS_PICTURES=folder cargo test --test window keys` leaves pictures there.

use crate::DATA;
use eframe::egui::accesskit::Role;
use eframe::egui::{Event, Key, KeyboardShortcut, Modifiers, OutputCommand, Vec2, ViewportCommand, ViewportId, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{AccessKitNode, NodeT as _, Queryable as _};
use moebias::ui::actions::{self, Action};
use moebias::ui::shell::app::{App, Options};
use moebias::ui::store::Stored;
use moebias_engine::EngineChoice;
use moebias_files::shipped;
use moebias_lab::Lab;
use moebias_lab::command::Command;
use moebias_lab::command::LessonDo;
use moebias_lab::notices::Level;
use moebias_model::config::Rule;
use moebias_testing::{Patience, wait_until};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use strum::IntoEnumIterator as _;

pub(crate) const PLAIN: Modifiers = Modifiers::NONE;
pub(crate) const SHIFT: Modifiers = Modifiers::SHIFT;
pub(crate) const CTRL: Modifiers = Modifiers::COMMAND;

pub(crate) type Window = Harness<'static, App>;

pub(crate) fn open(size: Vec2, stored: Stored, options: Options, scenario: &str) -> Window {
    moebias_lab::places::keep_in(DATA.path());
    let loaded = shipped::find(scenario).unwrap().load().unwrap();
    let lab = Lab::open(&loaded, EngineChoice::Cpu, || {}).unwrap();
    let mut builder = Harness::builder().with_size(size).with_max_steps(64);
    if std::env::var_os("MOEBIAS_PICTURES").is_some() {
        builder = builder.wgpu();
    }
    let mut window = builder.build_eframe(|cc| App::new(&cc.egui_ctx, lab, stored, options));
    window.run_steps(4);
    // Other tests of this process end like killed windows; what they left is none of this one's business.
    while window.state().lab().unfinished().is_some() {
        window.state_mut().lab_mut().send(Command::DiscardUnfinished);
        window.run_steps(2);
    }
    window
}

pub(crate) fn dark() -> Stored {
    Stored { dark: Some(true), hints: false, ..Stored::default() }
}

pub(crate) fn wide() -> Window {
    open(vec2(1440.0, 900.0), dark(), Options::default(), "first-look")
}

fn welcome() -> Window {
    open(vec2(1440.0, 900.0), dark(), Options { welcome: true, ..Options::default() }, "first-look")
}

pub(crate) fn wait(window: &mut Window, what: &str, until: impl Fn(&Lab) -> bool) {
    let patience = Patience::new();
    loop {
        window.step();
        if until(window.state().lab()) {
            window.run_steps(3);
            return;
        }
        let step = window.state().lab().snapshot().step;
        assert!(patience.holds(), "{what}: at step {step}");
    }
}

pub(crate) fn press(window: &mut Window, modifiers: Modifiers, key: Key) {
    window.key_press_modifiers(modifiers, key);
    window.run_steps(4);
}

pub(crate) fn type_in(window: &mut Window, text: &str) {
    for c in text.chars() {
        window.event(Event::Text(c.to_string()));
    }
    window.run_steps(4);
}

/// What has the focus, by name.
pub(crate) fn focused(window: &Window) -> Option<String> {
    let node = window.root().children_recursive().find(|n| n.accesskit_node().is_focused())?;
    Some(name(&node.accesskit_node()))
}

pub(crate) fn name(node: &AccessKitNode<'_>) -> String {
    node.label().or_else(|| node.value()).unwrap_or_default()
}

/// Presses a key until what has the focus is called so. The presses it took.
pub(crate) fn walk(window: &mut Window, modifiers: Modifiers, key: Key, to: &str) -> usize {
    let mut seen = vec![];
    for n in 1..=80 {
        press(window, modifiers, key);
        let now = focused(window).unwrap_or_default();
        if now == to {
            return n;
        }
        seen.push(now);
    }
    panic!("{to} is not reached: {seen:?}");
}

pub(crate) fn rate(lab: &Lab, variant: usize) -> f64 {
    lab.settings().variants[variant].balancer.rate
}

pub(crate) fn picture(window: &mut Window, name: &str) {
    if let Some(folder) = std::env::var_os("MOEBIAS_PICTURES") {
        std::fs::create_dir_all(&folder).unwrap();
        window.render().unwrap().save(std::path::Path::new(&folder).join(format!("{name}.png"))).unwrap();
    }
}

pub(crate) fn told(window: &Window) -> Vec<String> {
    window.state().lab().notices().all().map(|n| n.text.clone()).collect()
}

pub(crate) fn palette(window: &mut Window, text: &str) {
    press(window, CTRL, Key::P);
    type_in(window, text);
}

#[test]
fn the_palette_sets_values_as_one_thing_to_take_back() {
    let mut window = wide();
    palette(&mut window, "u 0.01");
    picture(&mut window, "palette-value");
    press(&mut window, PLAIN, Key::Enter);
    wait(&mut window, "u", |l| rate(l, 0) == 0.01);
    palette(&mut window, "rule prop");
    press(&mut window, PLAIN, Key::Enter);
    wait(&mut window, "the rule", |l| l.settings().variants[0].balancer.rule == Rule::Proportional);
    for _ in 0..2 {
        press(&mut window, CTRL, Key::Z);
    }
    wait(&mut window, "both back", |l| rate(l, 0) == 0.001 && l.settings().variants[0].balancer.rule == Rule::Sign);
    assert!(window.state().lab().undo_label().is_none());

    // Enter completes the name of what needs a value, and the value goes on from there.
    palette(&mut window, "ske");
    press(&mut window, PLAIN, Key::Enter);
    type_in(&mut window, "2");
    assert!(window.query_by_label("Set Skew to 2.0").is_some());
    press(&mut window, PLAIN, Key::Enter);
    wait(&mut window, "the skew", |l| l.settings().synthetic().unwrap().skew == 2.0);
    // What is out of range stays where it is, and the palette says so.
    palette(&mut window, "skew 9");
    assert!(window.query_by_label_contains("Skew goes from 0 to 3").is_some());
    picture(&mut window, "palette-refused");
    press(&mut window, PLAIN, Key::Enter);
    assert!(window.state().palette_height() > 0.0, "it stays open");
    assert_eq!(window.state().lab().settings().synthetic().unwrap().skew, 2.0);
    press(&mut window, PLAIN, Key::Escape);
    palette(&mut window, "experts 128");
    press(&mut window, PLAIN, Key::Enter);
    wait(&mut window, "the experts", |l| l.settings().variants[0].router.experts == 128);
    palette(&mut window, "go to step 40");
    press(&mut window, PLAIN, Key::Enter);
    wait(&mut window, "the step", |l| l.snapshot().step == 40);
    palette(&mut window, "zoom 1.25");
    press(&mut window, PLAIN, Key::Enter);
    assert_eq!(window.ctx.zoom_factor(), 1.25);
}

#[test]
fn the_palette_is_as_high_as_its_hits_and_grows_back() {
    let mut window = wide();
    palette(&mut window, "");
    picture(&mut window, "palette");
    let whole = window.state().palette_height();
    type_in(&mut window, "quit");
    window.run_steps(4);
    let one = window.state().palette_height();
    for _ in 0..4 {
        press(&mut window, PLAIN, Key::Backspace);
    }
    window.run_steps(4);
    assert!(one < whole / 4.0, "{one} of {whole}");
    assert_eq!(window.state().palette_height(), whole);
    assert!(whole > 380.0, "{whole}");
}

#[test]
fn f6_goes_from_part_to_part_and_tab_as_one_reads() {
    let mut window = wide();
    let mut first = vec![];
    for _ in 0..14 {
        press(&mut window, PLAIN, Key::F6);
        first.push(focused(&window).unwrap());
    }
    assert_eq!(first[0], "File menu: A first look", "{first:?}");
    let at = |name: &str| first.iter().position(|n| n == name).unwrap_or_else(|| panic!("no {name} in {first:?}"));
    // Each group of tabs with its pane is a part of its own.
    let order = [
        "All findings",
        "What to look for",
        "Token source",
        "Model",
        "Rule",
        "Tokens → experts",
        "Load over time",
        "Load per expert",
        "Reset",
        "File menu: A first look",
    ];
    let places: Vec<usize> = order[..9].iter().map(|n| at(n)).collect();
    assert!(places.is_sorted(), "{first:?}");
    press(&mut window, SHIFT, Key::F6);
    // The top bar is walked from left to right.
    while focused(&window).unwrap() != order[9] {
        press(&mut window, SHIFT, Key::F6);
    }
    let mut last = window.get_by_label(order[9]).rect();
    let mut names = vec![];
    loop {
        press(&mut window, PLAIN, Key::Tab);
        let node = window.root().children_recursive().find(|n| n.accesskit_node().is_focused()).unwrap();
        if node.rect().top() > 44.0 {
            break;
        }
        names.push(name(&node.accesskit_node()));
        assert!(node.rect().left() > last.left(), "{names:?}");
        last = node.rect();
    }
    assert!(names.len() >= 8, "{names:?}");
}

#[test]
fn a_setting_is_few_keys_away_and_set_by_arrows_and_by_typing() {
    let mut window = wide();
    let presses = walk(&mut window, PLAIN, Key::F6, "Rule") + walk(&mut window, PLAIN, Key::Tab, "Step size u");
    assert!(presses <= 7, "{presses}");
    picture(&mut window, "focus-step");
    let now = |window: &Window| rate(window.state().lab(), 0);
    press(&mut window, PLAIN, Key::ArrowRight);
    assert_eq!(now(&window), 0.0011);
    press(&mut window, SHIFT, Key::ArrowLeft);
    assert_eq!(now(&window), 0.00109, "Shift is finer");
    press(&mut window, PLAIN, Key::PageUp);
    assert_eq!(now(&window), 0.0022, "a page is coarser");
    type_in(&mut window, "0.004");
    press(&mut window, PLAIN, Key::Enter);
    assert_eq!(now(&window), 0.004, "what is typed at the slider is its value");
    assert_eq!(focused(&window).as_deref(), Some("Step size u"), "and the slider has the focus again");
    wait(&mut window, "the worker", |l| l.snapshot().experiment.variants[0].balancer.rate == 0.004);
    press(&mut window, CTRL, Key::Z);
    assert_eq!(now(&window), 0.0022, "one thing to take back");

    // A choice opens, is walked through and chosen from, and has the focus again.
    walk(&mut window, SHIFT, Key::Tab, "Rule");
    press(&mut window, PLAIN, Key::Enter);
    let mut guard = 0;
    while focused(&window).as_deref() != Some("SMEBU") {
        press(&mut window, PLAIN, Key::ArrowDown);
        guard += 1;
        assert!(guard < 30, "{:?}", focused(&window));
    }
    press(&mut window, PLAIN, Key::Enter);
    wait(&mut window, "the rule", |l| l.settings().variants[0].balancer.rule == Rule::Smebu);
    assert_eq!(focused(&window).as_deref(), Some("Rule"));
}

#[test]
fn a_whole_comparison_by_keyboard_alone() {
    let mut window = wide();
    press(&mut window, CTRL, Key::D);
    wait(&mut window, "two variants", |l| l.snapshot().variants.len() == 2);
    // Settings are of the new one alone.
    let new = window.state().lab().settings().variants[1].name.to_string();
    walk(&mut window, PLAIN, Key::F6, "All");
    walk(&mut window, PLAIN, Key::Tab, &new);
    press(&mut window, PLAIN, Key::Enter);
    walk(&mut window, PLAIN, Key::F6, "Rule");
    walk(&mut window, PLAIN, Key::Tab, "Step size u");
    type_in(&mut window, "0.02");
    press(&mut window, PLAIN, Key::Enter);
    wait(&mut window, "its step", |l| rate(l, 1) == 0.02);
    assert_eq!(rate(window.state().lab(), 0), 0.001, "the other keeps its own");
    press(&mut window, PLAIN, Key::Escape);
    palette(&mut window, "go to step 60");
    press(&mut window, PLAIN, Key::Enter);
    wait(&mut window, "the steps", |l| l.snapshot().step == 60);
    press(&mut window, PLAIN, Key::Escape);
    press(&mut window, PLAIN, Key::C);
    wait(&mut window, "the figures", |l| l.snapshot().figures.as_ref().is_some_and(|f| f.step == 60));
    walk(&mut window, PLAIN, Key::Tab, "Copy the table");
    picture(&mut window, "comparison-by-keys");
    press(&mut window, PLAIN, Key::Enter);
    let item = window.root().children_recursive().find(|n| name(&n.accesskit_node()).contains("Markdown"));
    let item = name(&item.expect("a way to copy").accesskit_node());
    while focused(&window).unwrap() != item {
        press(&mut window, PLAIN, Key::ArrowDown);
    }
    window.key_down(Key::Enter);
    let mut copied = String::new();
    for _ in 0..6 {
        window.step();
        for command in &window.output().platform_output.commands {
            if let OutputCommand::CopyText(text) = command {
                copied.clone_from(text);
            }
        }
    }
    let now = window.state().lab().settings().variants[1].name.to_string();
    assert!(copied.contains(&now) && copied.contains("0.02"), "{copied}");
}

#[test]
fn the_focus_goes_to_a_neighbour_when_what_had_it_is_gone() {
    let mut window = wide();
    press(&mut window, CTRL, Key::D);
    wait(&mut window, "two variants", |l| l.settings().variants.len() == 2);
    walk(&mut window, PLAIN, Key::F6, "All");
    // The chips go with the second variant.
    window.state_mut().lab_mut().send(Command::RemoveVariant(1));
    wait(&mut window, "one variant", |l| l.settings().variants.len() == 1);
    let now = focused(&window).expect("something has the focus");
    let place = window.get_by_label(&now).rect();
    assert!(place.right() < 260.0, "{now} is in the settings as well");
}

#[test]
fn escape_closes_what_is_on_top_alone_and_gives_the_focus_back() {
    let mut window = wide();
    walk(&mut window, PLAIN, Key::F6, "Rule");
    press(&mut window, PLAIN, Key::F1);
    picture(&mut window, "shortcuts");
    palette(&mut window, "skew");
    assert!(window.state().palette_height() > 0.0);
    press(&mut window, PLAIN, Key::Escape);
    assert_eq!(window.state().palette_height(), 0.0);
    assert!(window.query_by_label("What do the terms mean? Open the glossary (G)").is_some(), "what lay below stays");
    press(&mut window, PLAIN, Key::Escape);
    assert!(window.query_by_label("What do the terms mean? Open the glossary (G)").is_none());
    assert_eq!(focused(&window).as_deref(), Some("Rule"));
}

#[test]
fn the_welcome_holds_the_run_until_somebody_begins() {
    let mut window = welcome();
    window.run_steps(20);
    // Once the worker has answered, it would have begun to play.
    window.state_mut().lab_mut().send(Command::Rename { variant: 0, name: Some("Answered".into()) });
    wait(&mut window, "an answer", |l| l.snapshot().experiment.variants[0].name == "Answered");
    window.state_mut().lab_mut().send(Command::Undo);
    wait(&mut window, "the old name", |l| l.snapshot().experiment.variants[0].name != "Answered");
    let lab = window.state().lab();
    assert!(lab.snapshot().step == 0 && !lab.snapshot().playing, "nothing plays behind it");
    picture(&mut window, "welcome");
    // Enter presses the blue button.
    press(&mut window, PLAIN, Key::Enter);
    wait(&mut window, "the run", |l| l.snapshot().playing && l.snapshot().step > 2);
    assert!(window.query_by_label("Search scenarios").is_none());
    // Opened again it holds the run again.
    press(&mut window, CTRL, Key::N);
    wait(&mut window, "the pause", |l| !l.snapshot().playing);
    press(&mut window, PLAIN, Key::Escape);
    wait(&mut window, "the run", |l| l.snapshot().playing);
    // A lesson says itself whether it plays.
    press(&mut window, CTRL, Key::N);
    type_in(&mut window, "quantile");
    picture(&mut window, "welcome-search");
    press(&mut window, PLAIN, Key::Enter);
    let title = shipped::find("quantile-balancing").unwrap().load().unwrap().scenario.title;
    wait(&mut window, "the first card found", |l| l.document().title == title && l.snapshot().playing);
}

#[test]
fn the_welcome_goes_on_with_files_and_lessons() {
    let mut stored = dark();
    stored.remember(&DATA.path().join("my-run.ron"));
    let window = open(vec2(1440.0, 900.0), stored, Options { welcome: true, ..Options::default() }, "first-look");
    window.get_by_label("my-run.ron");
    for group in ["Begin", "Balancing rules", "Routers", "Real models", "Theory"] {
        assert!(window.query_all_by_label(group).next().is_some(), "{group}");
    }
    let mut window = wide();
    let lesson = moebias_files::lesson::shipped()[1].id;
    for what in [LessonDo::Open(lesson.into()), LessonDo::Turn(1), LessonDo::Close] {
        window.state_mut().lab_mut().send(Command::Lesson(what));
        window.run_steps(3);
    }
    press(&mut window, CTRL, Key::N);
    assert!(window.query_by_label_contains("Continue the lesson").is_some());
}

#[test]
fn the_first_scenario_ends_with_what_was_seen_and_what_to_do() {
    let mut window = wide();
    // Few tokens, so that it takes no time.
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
    let said = told(&window).pop().unwrap();
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
fn an_undo_too_many_does_not_swap_the_run_unasked() {
    let mut window = wide();
    window.state_mut().lab_mut().send(Command::OpenShipped("skew".into()));
    wait(&mut window, "another scenario", |l| l.document().title != "A first look" && l.is_up_to_date());
    let title = window.state().lab().document().title.clone();
    palette(&mut window, "noise 1");
    press(&mut window, PLAIN, Key::Enter);
    press(&mut window, CTRL, Key::Z);
    press(&mut window, CTRL, Key::Z);
    window.run_steps(20);
    assert_eq!(window.state().lab().document().title, title, "one too many");
    assert!(told(&window).last().unwrap().contains("Undo once more returns to the run before"), "{:?}", told(&window));
    press(&mut window, CTRL, Key::Z);
    wait(&mut window, "the run before", |l| l.document().title == "A first look");
}

#[test]
fn a_sweep_stays_with_the_file_it_is_of() {
    let mut window = wide();
    press(&mut window, PLAIN, Key::S);
    let start = window.root().children_recursive().find(|n| name(&n.accesskit_node()).starts_with("Start "));
    let start = name(&start.expect("a button that starts the sweep").accesskit_node());
    window.get_by_label(&start).click();
    window.run_steps(6);
    assert!(window.state().lab().sweep().is_some(), "{start}");
    assert!(window.query_by_label("← Back to the map").is_none());
    window.state_mut().lab_mut().send(Command::CancelSweep);
    window.state_mut().lab_mut().send(Command::OpenShipped("skew".into()));
    wait(&mut window, "another scenario", |l| l.document().title != "A first look");
    press(&mut window, PLAIN, Key::S);
    assert!(window.query_by_label("← Back to the map").is_some(), "the form of the new file, with a way back");
}

#[test]
fn tooltips_go_when_a_dialog_comes() {
    let mut window = wide();
    let button = window.get_by_label("Dark or light").rect().center();
    window.hover_at(button);
    wait_until("the tooltip", || {
        window.step();
        window.query_by_label("Dark or light (Ctrl+T)").is_some()
    });
    press(&mut window, PLAIN, Key::F1);
    assert!(window.query_by_label("Dark or light (Ctrl+T)").is_none());
}

/// Everything that can be seen of the app without its pixels, and what it asked of the system.
fn seen(window: &Window) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (i, node) in window.root().children_recursive().enumerate() {
        let n = node.accesskit_node();
        all.insert(format!("{i} {:?} {:?} {:?} {:?}", n.role(), n.label(), n.value(), n.toggled()));
    }
    let lab = window.state().lab();
    let s = lab.snapshot();
    all.insert(format!("{} {} {} {:?} {:?}", s.step, s.head, s.playing, s.speed, s.seeking));
    all.insert(format!("{:?} {:?} {:?}", lab.settings(), lab.recording_since(), lab.undo_label()));
    all.insert(format!("{} {} {:?}", lab.notices().count(), lab.document().title, window.state().link().pinned_expert));
    all.insert(format!("{} {:?}", window.ctx.zoom_factor(), window.ctx.theme()));
    all.insert(format!("{:?} {}", window.output().platform_output.cursor_icon, window.output().shapes.len()));
    all
}

fn asked(window: &Window) -> usize {
    let of_window = window.output().viewport_output.get(&ViewportId::ROOT).map_or(0, |v| {
        let told = |c: &&ViewportCommand| !matches!(c, ViewportCommand::Title(_));
        v.commands.iter().filter(told).count()
    });
    of_window + window.output().platform_output.commands.len()
}

/// What a key needs to have an effect.
fn prepare(window: &mut Window, action: Action) {
    match action {
        Action::Slower | Action::Faster => palette_enter(window, "speed 60"),
        Action::ZoomReset => palette_enter(window, "zoom 1.25"),
        Action::StageOn | Action::StageBack => press(window, PLAIN, Key::X),
        Action::NextPane | Action::PreviousPane => press(window, PLAIN, Key::F5),
        // What was said a moment ago is not said again.
        Action::LessonHint | Action::LessonSetUp => window.state_mut().lab_mut().tell(Level::Info, "next"),
        _ => {}
    }
    let middle = eframe::egui::pos2(620.0, 300.0);
    window.hover_at(middle);
    window.run_steps(3);
}

pub(crate) fn palette_enter(window: &mut Window, text: &str) {
    palette(window, text);
    press(window, PLAIN, Key::Enter);
}

/// Everything closed and paused.
pub(crate) fn tidy(window: &mut Window) {
    for _ in 0..4 {
        press(window, PLAIN, Key::Escape);
    }
    window.state_mut().lab_mut().send(Command::Pause);
    wait(window, "rest", |l| !l.snapshot().playing && l.snapshot().seeking.is_none() && l.is_up_to_date());
}

#[test]
fn every_shortcut_of_the_list_does_something_or_says_why_not() {
    let mut window = wide();
    window.state_mut().lab_mut().send(Command::StepForward(30));
    wait(&mut window, "the steps", |l| l.snapshot().step == 30);
    let mut dead = vec![];
    for action in Action::iter() {
        for KeyboardShortcut { modifiers, logical_key } in action.shortcuts() {
            prepare(&mut window, action);
            if action == Action::Unpin {
                window.state_mut().link_mut().pinned_expert = Some(3);
                window.run_steps(2);
            }
            let before = seen(&window);
            let (mut after, mut commands) = (before.clone(), 0);
            let key = |pressed| Event::Key { key: logical_key, physical_key: None, pressed, repeat: false, modifiers };
            // One event is one frame, in which what it asks of the system is seen.
            window.event(key(true));
            let patience = Instant::now();
            // A step is done by another thread.
            while after == before && commands == 0 && patience.elapsed() < Duration::from_millis(1500) {
                window.step();
                commands += asked(&window);
                after = seen(&window);
            }
            if after == before && commands == 0 {
                dead.push(format!("{action:?} ({logical_key:?})"));
            }
            window.event(key(false));
            tidy(&mut window);
        }
    }
    assert!(dead.is_empty(), "these do nothing and say nothing: {dead:?}");
    // Each of them is in the list.
    press(&mut window, PLAIN, Key::F1);
    for action in Action::iter().filter(|a| !a.shortcuts().is_empty()) {
        let name = action.name().trim_end_matches('…');
        assert!(window.query_all_by_label(name).next().is_some(), "{name} is in the list");
        let keys: Vec<String> = action.shortcuts().iter().map(|s| actions::written(&window.ctx, s)).collect();
        assert!(window.query_all_by_label(&keys.join("  ")).next().is_some(), "{keys:?}");
    }
}

#[test]
fn keys_of_the_list_never_lie_over_names() {
    for (size, zoom) in [(vec2(1440.0, 900.0), 1.0), (vec2(1100.0, 700.0), 1.0), (vec2(1440.0, 900.0), 2.0)] {
        let mut window = open(size / zoom, dark(), Options::default(), "first-look");
        press(&mut window, PLAIN, Key::F1);
        picture(&mut window, &format!("shortcuts-{}-{zoom}", size.x));
        let mut rects = vec![];
        for action in Action::iter().filter(|a| !a.shortcuts().is_empty()) {
            let keys: Vec<String> = action.shortcuts().iter().map(|s| actions::written(&window.ctx, s)).collect();
            let keys = keys.join("  ");
            let keys = || window.query_all_by_label(&keys).map(|n| n.rect());
            let name = action.name().trim_end_matches('…');
            let pairs = window.query_all_by_label(name).flat_map(|n| keys().map(move |k| (k, n.rect())));
            let (keys, name) = pairs.min_by_key(|(k, n)| (n.top() - k.top()).abs() as i32).unwrap();
            assert!(
                keys.right() <= name.left() && (keys.top() - name.top()).abs() < 4.0,
                "{action:?}: {keys:?} {name:?}"
            );
            rects.push(keys);
        }
        let columns: BTreeSet<i32> = rects.iter().map(|r| r.left() as i32).collect();
        assert!(columns.len() <= 2, "keys are aligned: {columns:?}");
    }
}

/// Everything that Tab comes to, once round.
fn round(window: &mut Window, place: &str) -> Vec<String> {
    press(window, PLAIN, Key::Tab);
    let at = |window: &Window| {
        let node = window.root().children_recursive().find(|n| n.accesskit_node().is_focused());
        node.map(|n| (name(&n.accesskit_node()), format!("{:?} {:?}", n.accesskit_node().role(), n.rect())))
    };
    let first = at(window);
    let mut names = vec![];
    for _ in 0..300 {
        let now = at(window);
        let (name, rect) = now.clone().unwrap_or_else(|| panic!("{place}: nothing has the focus after {names:?}"));
        assert!(!name.trim().is_empty(), "{place}: something without a name at {rect} after {names:?}");
        names.push(name);
        press(window, PLAIN, Key::Tab);
        if at(window) == first {
            return names;
        }
    }
    panic!("{place}: Tab never comes round: {names:?}");
}

#[test]
fn everything_that_tab_comes_to_has_a_name() {
    let mut window = welcome();
    assert!(round(&mut window, "welcome").len() > 30);
    press(&mut window, PLAIN, Key::Escape);
    tidy(&mut window);
    press(&mut window, CTRL, Key::D);
    wait(&mut window, "two variants", |l| l.snapshot().variants.len() == 2);
    window.state_mut().lab_mut().send(Command::StepForward(20));
    wait(&mut window, "the steps", |l| l.snapshot().step >= 20);
    assert!(round(&mut window, "window").len() > 60);
    press(&mut window, PLAIN, Key::Escape);
    for pane in ["Microscope", "Sweep", "Load curves", "Comparison", "Theory", "Inspector", "Text"] {
        palette_enter(&mut window, &format!("maximise pane: {pane}"));
        window.run_steps(4);
        round(&mut window, pane);
        tidy(&mut window);
    }
    for (modifiers, key, place) in [
        (PLAIN, Key::L, "lessons"),
        (PLAIN, Key::N, "findings"),
        (CTRL, Key::O, "open"),
        (Modifiers::COMMAND.plus(SHIFT), Key::F, "film"),
    ] {
        press(&mut window, modifiers, key);
        round(&mut window, place);
        tidy(&mut window);
    }
}

#[test]
fn space_plays_where_a_slider_has_the_focus_and_a_lesson_lets_go_of_it() {
    let mut window = wide();
    window.get_by_role_and_label(Role::Slider, "Step size u").focus();
    window.run_steps(3);
    press(&mut window, PLAIN, Key::Space);
    wait(&mut window, "it plays", |l| l.snapshot().playing);
    window.get_by_role_and_label(Role::Slider, "Step size u").focus();
    window.run_steps(3);
    window.state_mut().lab_mut().send(Command::Lesson(LessonDo::Open("step-size".into())));
    wait(&mut window, "the lesson", |l| l.lesson().is_some() && l.is_up_to_date());
    press(&mut window, PLAIN, Key::ArrowRight);
    wait(&mut window, "the next page, not another step size", |l| l.lesson().is_some_and(|r| r.page == 1));
}
