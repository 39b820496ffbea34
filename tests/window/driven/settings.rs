//! Settings in the panel: each choice is one undo entry.

use super::{picture, wide};
use crate::driver::*;
use eframe::egui::accesskit::Role;
use eframe::egui::{Event, Key};
use egui_kittest::kittest::Queryable as _;
use moebias_model::config::{Groups, Router, Rule};

#[test]
fn groups_and_capacity_are_set_and_undone() {
    let mut window = wide();
    step_to(&mut window, 5);
    window.get_by_label("Groups, capacity, gating values").click();
    window.run_steps(4);
    for (name, item) in [("Groups", "8 groups of 8"), ("Capacity", "Capacity, by position")] {
        window.get_by_role_and_label(Role::ComboBox, name).click();
        window.run_steps(4);
        window.get_by_label(item).click();
        window.run_steps(4);
    }
    wait(&mut window, "both", |l| {
        let router = &l.settings().variants[0].router;
        router.groups == Some(Groups { groups: 8, kept: 4 }) && router.capacity.is_some()
    });
    step_to(&mut window, 20);
    picture(&mut window, "groups-and-capacity");
    assert!(window.state().lab().snapshot().variants[0].metrics.dropped > 0.0);
    press(&mut window, CTRL, Key::Z);
    press(&mut window, CTRL, Key::Z);
    wait(&mut window, "undo", |l| l.settings().variants[0].router == Router::default());
}

/// Opens a combo box and chooses one of its items.
fn choose(window: &mut Window, choice: &str, item: &str) {
    window.get_by_role_and_label(Role::ComboBox, choice).click();
    window.run_steps(4);
    window.get_by_role_and_label(Role::Button, item).click();
    window.run_steps(4);
}

#[test]
fn a_rule_sets_its_step_size_and_one_undo_reverts_both() {
    let mut window = wide();
    choose(&mut window, "Rule", "SMEBU");
    wait(&mut window, "the rule", |l| l.snapshot().experiment.variants[0].balancer.rule == Rule::Smebu);
    assert_eq!(rate(window.state().lab(), 0), 0.0005);
    let said = window.state().lab().notices().all().any(|n| n.text.contains("Step size λ is now 5e-4"));
    assert!(said, "the new step is told");
    window.get_by_role_and_label(Role::Slider, "Steep κ");
    step_to(&mut window, 40);
    picture(&mut window, "rule-smebu");
    choose(&mut window, "Rule", "ID Balancing");
    assert!(window.query_by_role_and_label(Role::Slider, "Steep κ").is_none());
    window.get_by_role_and_label(Role::Slider, "Gain K_d");
    press(&mut window, CTRL, Key::Z);
    press(&mut window, CTRL, Key::Z);
    wait(&mut window, "the undo", |l| l.snapshot().experiment.variants[0].balancer.rule == Rule::Sign);
    assert_eq!(rate(window.state().lab(), 0), 0.001);
    press(&mut window, CTRL, Key::Y);
    wait(&mut window, "the redo", |l| l.snapshot().experiment.variants[0].balancer.rule == Rule::Smebu);
    assert_eq!(rate(window.state().lab(), 0), 0.0005, "redone together");
}

#[test]
fn a_model_is_one_choice_and_one_undo_entry() {
    let mut window = wide();
    step_to(&mut window, 30);
    window.get_by_role_and_label(Role::ComboBox, "Model").click();
    window.run_steps(4);
    window.get_by_role_and_label(Role::Button, "LongCat-Flash").hover();
    // Long enough for the tooltip to appear.
    window.run_steps(12);
    picture(&mut window, "model-card");
    window.get_by_role_and_label(Role::Button, "LongCat-Flash").click();
    wait(&mut window, "the model", |l| l.snapshot().experiment.variants[0].router.experts == 768);
    let lab = window.state().lab();
    assert_eq!(lab.snapshot().experiment.variants[0].name, "LongCat-Flash");
    assert_eq!(lab.snapshot().step, 0, "a new run");
    step_to(&mut window, 3);
    window.get_by_role_and_label(Role::Slider, "Zero Z");
    press(&mut window, CTRL, Key::Z);
    wait(&mut window, "the undo", |l| l.snapshot().experiment.variants[0].router.experts == 64);
    assert_eq!(window.state().lab().snapshot().step, 30);
    // The same by its name in the palette.
    press(&mut window, CTRL, Key::P);
    window.event(Event::Text("as a model kimi".into()));
    window.run_steps(4);
    press(&mut window, PLAIN, Key::Enter);
    wait(&mut window, "the palette", |l| l.snapshot().experiment.variants[0].router.experts == 384);
}

#[test]
fn a_check_box_freezes_the_biases() {
    let mut window = wide();
    step_to(&mut window, 20);
    // With this section closed there is room for all settings.
    window.get_by_label("What to look for").click();
    window.run_steps(30);
    window.get_by_role_and_label(Role::CheckBox, "Freeze from step").click();
    wait(&mut window, "the freeze", |l| l.snapshot().experiment.variants[0].balancer.freeze == Some(20));
    let frozen = window.state().lab().snapshot().variants[0].bias.clone();
    step_to(&mut window, 40);
    let lab = window.state().lab();
    assert_eq!(lab.snapshot().variants[0].bias, frozen);
    assert_eq!(lab.snapshot().variants[0].rate, 0.0);
    window.get_by_label("Freeze step");
    press(&mut window, CTRL, Key::Z);
    wait(&mut window, "the undo", |l| l.snapshot().experiment.variants[0].balancer.freeze.is_none());
}
