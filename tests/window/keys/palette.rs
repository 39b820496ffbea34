//! The palette: what it finds and sets, and how high it is.

use crate::driver::*;
use eframe::egui::Key;
use egui_kittest::kittest::Queryable as _;
use moebias_model::config::Rule;

#[test]
fn the_palette_sets_values_as_one_undo_entry_each() {
    let mut window = ordinary();
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

    // Enter completes the name of a setting that needs a value, which is typed next.
    palette(&mut window, "ske");
    press(&mut window, PLAIN, Key::Enter);
    type_in(&mut window, "2");
    assert!(window.query_by_label("Set Skew to 2.0").is_some());
    press(&mut window, PLAIN, Key::Enter);
    wait(&mut window, "the skew", |l| l.settings().synthetic().unwrap().skew == 2.0);
    // A value out of range changes nothing, and the palette says so.
    palette(&mut window, "skew 9");
    assert!(window.query_by_label_contains("Skew goes from 0 to 3").is_some());
    picture(&mut window, "palette-refused");
    press(&mut window, PLAIN, Key::Enter);
    assert!(window.state().palette_height() > 0.0, "the palette stays open");
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
fn the_palette_is_as_high_as_its_hits() {
    let mut window = ordinary();
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
