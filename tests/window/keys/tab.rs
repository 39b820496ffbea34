//! Moving the focus: Tab, F6, Escape and arrow keys reach every widget in reading order, and every widget has a name.

use crate::driver::*;
use eframe::egui::accesskit::Role;
use eframe::egui::{Key, OutputCommand};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use moebias_lab::command::{Command, LessonDo};
use moebias_model::config::Rule;

#[test]
fn f6_moves_from_part_to_part_and_tab_in_reading_order() {
    let mut window = ordinary();
    let mut first = vec![];
    for _ in 0..14 {
        press(&mut window, PLAIN, Key::F6);
        first.push(focused(&window).unwrap());
    }
    assert_eq!(first[0], "File menu: A first look", "{first:?}");
    let at = |name: &str| first.iter().position(|n| n == name).unwrap_or_else(|| panic!("no {name} in {first:?}"));
    // Each pane with its tabs is a part of its own.
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
    // Tab moves through the top bar from left to right.
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
fn a_setting_is_reached_with_few_keys_and_set_by_arrows_or_by_typing() {
    let mut window = ordinary();
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

    // Keys open a combo box and choose an item; then the combo box has the focus again.
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
fn a_comparison_is_made_by_keyboard_alone() {
    let mut window = ordinary();
    press(&mut window, CTRL, Key::D);
    wait(&mut window, "two variants", |l| l.snapshot().variants.len() == 2);
    // Settings now apply to the new variant only.
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
fn the_focus_moves_to_a_neighbour_when_its_widget_disappears() {
    let mut window = ordinary();
    press(&mut window, CTRL, Key::D);
    wait(&mut window, "two variants", |l| l.settings().variants.len() == 2);
    walk(&mut window, PLAIN, Key::F6, "All");
    // The chips of the variants disappear together with the second variant.
    send(&mut window, Command::RemoveVariant(1));
    wait(&mut window, "one variant", |l| l.settings().variants.len() == 1);
    let now = focused(&window).expect("something has the focus");
    let place = window.get_by_label(&now).rect();
    assert!(place.right() < 260.0, "{now} is in the settings as well");
}

#[test]
fn escape_closes_only_the_topmost_dialog_and_returns_the_focus() {
    let mut window = ordinary();
    walk(&mut window, PLAIN, Key::F6, "Rule");
    press(&mut window, PLAIN, Key::F1);
    picture(&mut window, "shortcuts");
    palette(&mut window, "skew");
    assert!(window.state().palette_height() > 0.0);
    press(&mut window, PLAIN, Key::Escape);
    assert_eq!(window.state().palette_height(), 0.0);
    assert!(
        window.query_by_label("What do the terms mean? Open the glossary (G)").is_some(),
        "the list below stays open"
    );
    press(&mut window, PLAIN, Key::Escape);
    assert!(window.query_by_label("What do the terms mean? Open the glossary (G)").is_none());
    assert_eq!(focused(&window).as_deref(), Some("Rule"));
}

/// Presses Tab until the focus is back where it began. Returns the names of all widgets that had it.
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
fn every_widget_that_tab_reaches_has_a_name() {
    let mut window = welcome();
    assert!(round(&mut window, "welcome").len() > 30);
    press(&mut window, PLAIN, Key::Escape);
    tidy(&mut window);
    press(&mut window, CTRL, Key::D);
    wait(&mut window, "two variants", |l| l.snapshot().variants.len() == 2);
    send(&mut window, Command::StepForward(20));
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
        (CTRL.plus(SHIFT), Key::F, "film"),
    ] {
        press(&mut window, modifiers, key);
        round(&mut window, place);
        tidy(&mut window);
    }
}

#[test]
fn space_plays_while_a_slider_has_the_focus_and_a_lesson_releases_the_focus() {
    let mut window = ordinary();
    window.get_by_role_and_label(Role::Slider, "Step size u").focus();
    window.run_steps(3);
    press(&mut window, PLAIN, Key::Space);
    wait(&mut window, "it plays", |l| l.snapshot().playing);
    window.get_by_role_and_label(Role::Slider, "Step size u").focus();
    window.run_steps(3);
    send(&mut window, Command::Lesson(LessonDo::Open("step-size".into())));
    wait(&mut window, "the lesson", |l| l.lesson().is_some() && l.is_up_to_date());
    press(&mut window, PLAIN, Key::ArrowRight);
    wait(&mut window, "the next page, not another step size", |l| l.lesson().is_some_and(|r| r.page == 1));
}
