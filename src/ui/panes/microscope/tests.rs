use super::player::Stage;
use super::*;
use crate::ui::testing::{self, Stage as Theatre};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use moebias_model::config::Rule;
use moebias_testing::Patience;

const SMALL_BATCH: &str = "seed: 3, source: Synthetic(batch: 12, topics: 4, skew: 1.2)";

fn stage(text: &str, step: u64, size: [f32; 2], dark: bool) -> Harness<'static, Theatre<MicroscopePane>> {
    let lab = testing::lab_at(text, step);
    let mut harness = testing::stage(MicroscopePane::default(), lab, size, dark);
    settle(&mut harness, |v| !v.tokens.is_empty() || v.blocked.is_some());
    harness
}

/// Draws until what is seen is as wanted.
fn settle(harness: &mut Harness<'static, Theatre<MicroscopePane>>, wanted: impl Fn(&Microscope) -> bool) {
    let patience = Patience::new();
    while patience.holds() {
        harness.step();
        let view = harness.state().lab.snapshot().microscope.clone();
        if view.is_some_and(|v| wanted(&v)) {
            return harness.run_steps(2);
        }
    }
    panic!("never seen");
}

#[test]
fn stages_by_hand_and_steps_of_the_run() {
    let text =
        format!("{SMALL_BATCH}, variants: [(name: \"A\", router: (experts: 5, top_k: 2), balancer: (rate: 0.02))]");
    let mut harness = stage(&text, 40, [760.0, 460.0], true);
    assert_eq!(harness.state().pane.player.stage(), Stage::Update);
    let done = harness.state().lab.snapshot().microscope.clone().unwrap();
    assert_eq!((done.step, &done.loads), (39, &harness.state().lab.snapshot().variants[0].loads), "the last step done");
    harness.state_mut().pane.turn(Turn::Forward);
    settle(&mut harness, |v| v.step == 40);
    let view = harness.state().lab.snapshot().microscope.clone().unwrap();
    assert_eq!(view.before, done.next, "it begins where the one before ended");
    assert_eq!(harness.state().pane.player.stage(), Stage::Scores);
    harness.get_by_label("Top-K").click();
    harness.run_steps(4);
    assert_eq!(harness.state().pane.player.stage(), Stage::Biased, "on its way");
    for _ in 0..200 {
        harness.step();
    }
    assert_eq!(harness.state().pane.player.place(), 3.0);
    harness.get_by_label("Previous step taken apart").click();
    settle(&mut harness, |v| v.step == 39);
    harness.get_by_label("One stage back").click();
    harness.run_steps(200);
    assert_eq!(harness.state().pane.player.stage(), Stage::Error);
}

#[test]
fn before_the_first_step_there_is_nothing_to_take_apart() {
    let text = format!("{SMALL_BATCH}, variants: [(name: \"A\", router: (experts: 5, top_k: 2))]");
    let lab = testing::lab_at(&text, 0);
    let mut harness = testing::stage(MicroscopePane::default(), lab, [764.0, 470.0], true);
    settle(&mut harness, Microscope::is_empty);
    testing::picture(&mut harness, "microscope-nothing-yet");
    harness.state_mut().pane.turn(Turn::Forward);
    settle(&mut harness, |v| v.step == 0 && !v.tokens.is_empty());
    assert_eq!(harness.state().lab.snapshot().step, 1);
    assert_eq!(harness.state().pane.player.stage(), Stage::Scores);
}

#[test]
fn pictures_of_every_stage() {
    let variant = "variants: [(name: \"A\", router: (experts: 5, top_k: 2), balancer: (rate: 0.02))]";
    let text = format!("{SMALL_BATCH}, {variant}");
    for dark in [true, false] {
        let mut harness = stage(&text, 40, [764.0, 470.0], dark);
        for place in [0.6, 1.0, 1.5, 2.0, 2.4, 2.7, 3.0, 3.5, 4.0, 5.0, 5.5, 6.0] {
            harness.state_mut().pane.player.scrub(place);
            harness.run_steps(2);
            let theme = if dark { "dark" } else { "light" };
            testing::picture(&mut harness, &format!("microscope-{theme}-{place}"));
        }
    }
}

#[test]
fn large_batches_small_panes_and_every_rule() {
    for (name, size) in [("wide", [1100.0, 620.0]), ("small", [520.0, 330.0]), ("tiny", [380.0, 200.0])] {
        let text = "variants: [(name: \"A\", balancer: (rate: 0.002))]";
        let mut harness = stage(text, 60, size, true);
        testing::picture(&mut harness, &format!("microscope-large-{name}"));
        let view = harness.state().lab.snapshot().microscope.clone().unwrap();
        assert!(view.tokens.len() <= 32 && !view.shows_all_tokens() && view.came.iter().sum::<u32>() == 4096 * 6);
    }
    for rule in Rule::iter() {
        let k = if rule == Rule::Base { 1 } else { 2 };
        let balancer = format!("balancer: (rule: {rule:?}, rate: 0.02, zero_experts: 1, real_experts: 1.5)");
        let text = format!("{SMALL_BATCH}, variants: [(name: \"A\", router: (experts: 6, top_k: {k}), {balancer})]");
        let mut harness = stage(&text, 30, [764.0, 470.0], (rule as u32).is_multiple_of(2));
        let view = harness.state().lab.snapshot().microscope.clone().unwrap();
        for stage in Stage::iter() {
            for (token, expert) in view.tokens.iter().zip((0..6).cycle()) {
                let said = words::formula(stage, &view, token, expert);
                assert!(!said.is_empty() && !said.contains('-') && !said.contains("NaN"), "{rule} {said}");
            }
        }
        // Rules that do something else say so.
        let told = Stage::iter().filter_map(|s| words::remark(s, &view)).count();
        assert!(told > 0 || rule.has_step(), "{rule}");
        testing::picture(&mut harness, &format!("microscope-rule-{rule:?}"));
    }
}

#[test]
fn paused_it_asks_for_no_frame() {
    let text = format!("{SMALL_BATCH}, variants: [(name: \"A\", router: (experts: 5, top_k: 2))]");
    let mut harness = stage(&text, 3, [764.0, 470.0], true);
    harness.run_steps(20);
    assert!(!harness.state().pane.moves());
    assert!(harness.try_run().is_ok(), "it comes to rest");
    harness.get_by_label("Play the stages").click();
    harness.run_steps(3);
    assert!(harness.state().pane.moves());
    assert!(harness.try_run().is_err(), "it goes on and on");
}
