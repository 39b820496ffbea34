//! The strip of findings, tested in the whole app.

use crate::ui::link::Span;
use crate::ui::shell::app::{App, Options};
use crate::ui::store::Stored;
use crate::ui::testing::{lab_at, picture};
use eframe::egui::{self, Key, Modifiers, Vec2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use moebias_files::view::PaneKind;
use moebias_model::diagnose::Kind;

/// An experiment whose step size is far too large until step 120.
const SWINGS: &str = "seed: 3, source: Synthetic(batch: 512, skew: 1.5), \
    variants: [(name: \"A\", router: (experts: 16, top_k: 2), balancer: (rate: 0.2))], \
    events: [(step: 120, target: AllVariants, change: SetRate(0.001))]";

fn app(step: u64, size: Vec2, dark: bool) -> Harness<'static, App> {
    let lab = lab_at(SWINGS, step);
    let theme = if dark { egui::Theme::Dark } else { egui::Theme::Light };
    let mut builder = Harness::builder().with_size(size).with_theme(theme).with_max_steps(64);
    if std::env::var_os("MOEBIAS_PICTURES").is_some() {
        builder = builder.wgpu();
    }
    let mut harness = builder.build_eframe(|cc| {
        let stored = Stored { dark: Some(dark), ..Stored::default() };
        App::new(&cc.egui_ctx, lab, stored, Options::default())
    });
    harness.run_steps(4);
    harness
}

#[test]
fn an_oscillation_is_named_and_shown() {
    let mut harness = app(110, vec2(1440.0, 900.0), true);
    let found = harness.state().lab().snapshot().variants[0].findings.clone();
    let swing = found.iter().find(|f| f.kind == Kind::Oscillating).expect("it swings").clone();
    assert!(swing.sentence().contains("u = 0.2"), "{}", swing.sentence());
    picture(&mut harness, "findings-swing-dark");
    assert!(harness.query_by_label_contains("Load over time: ").is_some());
    let badge = format!("Oscillating: {}", swing.sentence());
    harness.get_by_label(&badge).click();
    harness.run_steps(3);
    harness.get_by_label("Show me: Oscillating").click();
    harness.run_steps(4);
    assert_eq!(harness.state().link().pinned_expert, swing.experts.first().copied());
    assert!(matches!(harness.state().link().span, Span::Part(from, to) if to - from <= 97.0 && to <= 111.0));
    assert_eq!(super::showing(&swing, 110).pane, PaneKind::LoadCurves);
    assert!(harness.query_by_label_contains("Load over time: ").is_none(), "another pane is in front");
    picture(&mut harness, "findings-shown-dark");
}

#[test]
fn the_list_includes_findings_that_are_over() {
    let mut harness = app(140, vec2(1100.0, 700.0), false);
    harness.key_press_modifiers(Modifiers::NONE, Key::N);
    harness.run_steps(4);
    assert!(harness.query_by_label("Over").is_some(), "u was changed at step 120");
    picture(&mut harness, "findings-list-light");
    harness.get_all_by_label_contains("Show me").last().unwrap().click();
    harness.run_steps(4);
    assert!(harness.query_by_label("Over").is_none(), "what shows it closes the list");
}

#[test]
fn the_strip_says_when_there_is_nothing() {
    let harness = app(20, vec2(1440.0, 900.0), true);
    assert!(harness.query_by_label("What stands out is named here, once there is evidence").is_some());
    assert!(harness.query_by_label_contains("Show me").is_none());
}
