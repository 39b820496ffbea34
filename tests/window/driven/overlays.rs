//! What is drawn over the panes: the welcome, the palette, dialogs and menus; and every shipped scenario.

use super::{app, picture, wide};
use crate::DATA;
use crate::driver::*;
use eframe::egui::accesskit::Role;
use eframe::egui::{Key, vec2};
use egui_kittest::kittest::Queryable as _;
use moebias::ui::shell::app::Options;
use moebias_files::shipped::{self, shipped};

/// The title of a shipped scenario.
fn title(id: &str) -> String {
    shipped::find(id).unwrap().load().unwrap().scenario.title
}

/// The label of a scenario's card.
fn card_label(id: &str) -> String {
    let scenario = shipped::find(id).unwrap().load().unwrap().scenario;
    format!("{}: {}", scenario.title, scenario.summary)
}

#[test]
fn a_card_of_the_welcome_opens_its_scenario() {
    for (size, dark, name) in [
        (ORDINARY, true, "welcome-dark"),
        (vec2(1100.0, 700.0), false, "welcome-light-small"),
        (vec2(2560.0, 1440.0), true, "welcome-large"),
    ] {
        let mut window = app(size, Options { welcome: true, ..Options::default() }, dark, "first-look");
        step_to(&mut window, 60);
        // The offer to restore unfinished runs would come before the welcome.
        discard_unfinished(&mut window);
        picture(&mut window, name);
        let label = card_label("skew");
        window.get_by_role_and_label(Role::Button, &label).scroll_to_me();
        window.run_steps(8);
        window.get_by_role_and_label(Role::Button, &label).click();
        window.run_steps(4);
        wait(&mut window, "the scenario", |l| l.document().title == title("skew"));
        assert!(window.query_by_label_contains("Continue with").is_none(), "the welcome has closed");
    }
}

#[test]
fn the_palette_finds_a_command_and_runs_it() {
    let mut window = wide();
    palette(&mut window, "new seed");
    picture(&mut window, "palette");
    press(&mut window, PLAIN, Key::Enter);
    wait(&mut window, "another seed", |l| l.settings().seed != 1);
    press(&mut window, CTRL, Key::Z);
    wait(&mut window, "the old seed", |l| l.settings().seed == 1);
}

#[test]
fn an_invalid_file_is_reported_and_leaves_the_run_alone() {
    let mut window = wide();
    step_to(&mut window, 10);
    let digest = window.state().lab().snapshot().digest;
    let file = DATA.path().join("bad.ron");
    std::fs::write(&file, "(version: 1, title: \"x\", variants: [(name: \"a\", router: (top_k: 99))])").unwrap();
    press(&mut window, CTRL, Key::O);
    type_in(&mut window, &file.to_string_lossy());
    picture(&mut window, "open");
    press(&mut window, PLAIN, Key::Enter);
    wait(&mut window, "the error", |l| l.notices().all().any(|n| n.text.contains("bad.ron") && n.text.contains("99")));
    assert_eq!(window.state().lab().snapshot().digest, digest);
    picture(&mut window, "bad-file");
}

#[test]
fn overlays_open_in_both_themes() {
    let mut window = wide();
    step_to(&mut window, 30);
    press(&mut window, PLAIN, Key::F1);
    picture(&mut window, "shortcuts");
    press(&mut window, PLAIN, Key::Escape);
    press(&mut window, CTRL, Key::T);
    window.get_by_label("Messages").click();
    window.run_steps(4);
    picture(&mut window, "messages-light");
    press(&mut window, PLAIN, Key::Escape);
    window.get_by_label("Compare").click();
    window.run_steps(4);
    picture(&mut window, "compare-menu");
    window.get_by_label("Add a variant").click();
    window.run_steps(4);
    press(&mut window, PLAIN, Key::Escape);
    assert!(window.query_by_label("Add a variant").is_none(), "Esc closes a menu");
    wait(&mut window, "two variants", |l| l.settings().variants.len() == 2);
    step_to(&mut window, 60);
    picture(&mut window, "compare-light");
}

#[test]
fn every_scenario_is_drawn_at_every_size() {
    for (i, scenario) in shipped().iter().enumerate() {
        let sizes = [ORDINARY, vec2(1100.0, 700.0), vec2(2560.0, 1440.0)];
        let mut window = app(sizes[i % 3], Options::default(), i % 2 == 0, scenario.id);
        step_to(&mut window, 40);
        picture(&mut window, &format!("scenario-{}", scenario.id));
    }
}
