use super::*;
use crate::ui::testing;
use egui_kittest::kittest::Queryable as _;
use moebias_testing::Patience;

const FIXED: &str =
    "source: Fixed(batch: 512), variants: [(name: \"A\", router: (experts: 16, top_k: 2), balancer: (rate: 0.003))]";
const FRESH: &str = "source: Synthetic(batch: 2048), variants: [(name: \"P\", balancer: (rule: Proportional, rate: 0.05, schedule: InverseSqrt)), (name: \"None\", balancer: (rule: None))]";
const BAND: &str = "source: Fixed(batch: 32, skew: 1.0), variants: [(name: \"B\", router: (experts: 5, top_k: 1), balancer: (rate: 0.00001))]";

fn staged(
    text: &str,
    step: u64,
    size: [f32; 2],
    dark: bool,
) -> egui_kittest::Harness<'static, testing::Stage<TheoryPane>> {
    let lab = testing::lab_at(text, step);
    let mut harness = testing::stage(TheoryPane::default(), lab, size, dark);
    let patience = Patience::new();
    loop {
        harness.step();
        let theory = harness.state().lab.snapshot().theory.clone();
        if theory.is_some_and(|t| !t.busy) {
            break;
        }
        assert!(patience.holds(), "the theory never came");
    }
    harness.run_steps(3);
    harness
}

#[test]
fn steps_that_went_by_unexamined_are_a_gap() {
    let at = |step: u64| Point {
        step,
        value: step as f64,
        after: 0.0,
        benefit: 0.0,
        taken: 0.0,
        rises: false,
        furthest: 0.0,
        moved: 0,
        pairs: (0, 0),
        optimum: None,
        bound: 0.0,
    };
    let ends = |steps: &[u64]| {
        let points: Vec<Point> = steps.iter().map(|s| at(*s)).collect();
        let all = curves(&points, |p| Some(p.value), Curve { name: "Λ".into(), ..Curve::default() });
        assert_eq!(all.iter().filter(|c| !c.name.is_empty()).count(), 1, "one name");
        all.iter().map(|c| (c.points[0][0], c.points[c.points.len() - 1][0])).collect::<Vec<_>>()
    };
    assert_eq!(ends(&[323, 324, 325, 557, 558]), [(323.5, 325.5), (557.5, 558.5)]);
    assert_eq!(ends(&[323, 324, 325, 557]), [(323.5, 325.5), (557.0, 558.0)], "a step alone is seen");
    assert_eq!(ends(&[1, 2, 3, 19, 35, 51]), [(1.5, 51.5)], "where steps go by fast, every few are joined");
}

#[test]
fn every_section_is_drawn_and_says_where_it_comes_from() {
    for (text, step, size, dark, name) in [
        (FIXED, 260, [1000.0, 520.0], true, "fixed"),
        (FRESH, 120, [690.0, 250.0], false, "fresh"),
        (BAND, 200, [470.0, 190.0], true, "band"),
    ] {
        let mut harness = staged(text, step, size, dark);
        for section in Section::iter().filter(|s| *s != Section::Learned) {
            harness.state_mut().pane.section = section;
            harness.run_steps(3);
            assert!(harness.query_by_label(section.source()).is_some(), "{section:?} names its source");
            testing::picture(&mut harness, &format!("theory-{name}-{section:?}"));
        }
    }
}

#[test]
fn a_rule_that_multiplies_has_no_prices_but_batches() {
    let text = "source: Synthetic(batch: 256), variants: [(name: \"M\", balancer: (rule: Multiplicative))]";
    let mut harness = staged(text, 20, [690.0, 260.0], true);
    let theory = harness.state().lab.snapshot().theory.clone().unwrap();
    assert!(theory.blocked.is_some() && !theory.sizes.is_empty());
    testing::picture(&mut harness, "theory-multiplicative");
    harness.state_mut().pane.section = Section::BatchSize;
    harness.run_steps(3);
    testing::picture(&mut harness, "theory-multiplicative-batches");
}

#[test]
fn pointing_at_a_bar_of_the_flow_lights_its_expert_up() {
    let mut harness = staged(FIXED, 20, [900.0, 420.0], false);
    harness.state_mut().pane.section = Section::Moves;
    harness.run_steps(3);
    // The bars of the left side stand right of the names.
    let x = crate::ui::kit::theme::PADDING + 92.0 + 3.0;
    let found = (60..360).step_by(6).any(|y| {
        harness.hover_at(pos2(x, y as f32));
        harness.run_steps(3);
        harness.state().link.hovered_expert.is_some()
    });
    assert!(found, "no bar to point at");
    let expert = harness.state().link.hovered_expert.unwrap();
    let theory = harness.state().lab.snapshot().theory.clone().unwrap();
    let examined = theory.examined.clone().unwrap();
    assert!(examined.moves.flows.iter().any(|f| usize::from(f.from) == expert));
    testing::picture(&mut harness, "theory-moves-hovered");
}

#[test]
fn a_recorded_bias_has_a_section_of_its_own() {
    let text = "source: Trace(file: \"builtin:learned\"), variants: [(name: \"L\", balancer: (rate: 0.01))]";
    for (size, dark) in [([690.0, 250.0], true), ([1000.0, 560.0], false)] {
        let mut harness = staged(text, 300, size, dark);
        harness.get_by_label("Learned").click();
        harness.run_steps(3);
        assert_eq!(harness.state().pane.section, Section::Learned);
        testing::picture(&mut harness, &format!("theory-learned-{dark}"));
    }
}
