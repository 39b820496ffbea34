use super::*;
use crate::cpu::CpuEngine;
use moebias_model::change::Change;
use moebias_model::config::{Rule, Variant};
use moebias_model::diagnose::Kind;
use moebias_testing::experiment;

fn run() -> Run {
    Run::new(RunId(1), Start { experiment: experiment(), trace: None, state: None, events: vec![], stop: None })
        .unwrap()
}

fn play_to(run: &mut Run, step: u64) {
    let mut engine = CpuEngine::new("");
    while run.step() < step {
        run.advance(&mut engine, (step - run.step()) as u32, |_, _| {}).unwrap();
    }
}

#[test]
fn going_back_is_exact() {
    let mut run = run();
    play_to(&mut run, 50);
    run.change(Target::AllVariants, Change::SetRate(0.02)).unwrap();
    play_to(&mut run, 120);
    let (digest, metrics) = (run.simulation().digest(), run.metrics.clone());
    for target in [100, 50, 49, 0, 7] {
        run.rewind_towards(target);
        play_to(&mut run, target);
        assert_eq!(run.step(), target);
    }
    play_to(&mut run, 120);
    assert_eq!(run.simulation().digest(), digest);
    assert_eq!(run.metrics, metrics);
    assert_eq!(run.head, 120);
}

#[test]
fn what_is_found_is_that_of_the_step_and_ends_with_its_settings() {
    let mut run = run();
    run.change(Target::AllVariants, Change::SetRate(0.3)).unwrap();
    play_to(&mut run, 150);
    let swing = |run: &Run| run.findings(0).iter().find(|f| f.kind == Kind::Oscillating).cloned();
    let found = swing(&run).expect("u = 0.3 swings");
    assert_eq!(found.until, None);
    run.rewind_towards(20);
    play_to(&mut run, 20);
    assert_eq!(swing(&run), None);
    play_to(&mut run, 150);
    assert_eq!(swing(&run), Some(found));
    run.change(Target::AllVariants, Change::SetRate(0.001)).unwrap();
    play_to(&mut run, 151);
    assert_eq!(swing(&run).and_then(|f| f.until), Some(150));
}

#[test]
fn at_one_step_the_last_value_counts() {
    let mut a = run();
    play_to(&mut a, 10);
    for rule in [Rule::Multiplicative, Rule::Proportional, Rule::Sign] {
        a.change(Target::AllVariants, Change::SetRule(rule)).unwrap();
    }
    a.change(Target::AllVariants, Change::SetTopK(3)).unwrap();
    a.change(Target::AllVariants, Change::SetTopK(4)).unwrap();
    assert_eq!(a.events.len(), 1, "the rule is what it was");
    play_to(&mut a, 30);
    let mut again = Run::new(RunId(2), a.as_start()).unwrap();
    play_to(&mut again, 30);
    assert_eq!(a.simulation().digest(), again.simulation().digest());
}

#[test]
fn changing_the_past_sets_the_future_aside() {
    let mut run = run();
    play_to(&mut run, 20);
    run.change(Target::AllVariants, Change::SetTopK(3)).unwrap();
    play_to(&mut run, 40);
    let digest = run.simulation().digest();
    run.rewind_towards(10);
    play_to(&mut run, 10);
    let aside = run.change(Target::Source, Change::SetSkew(0.5)).unwrap().set_aside.unwrap();
    assert_eq!((run.head, run.events.len()), (10, 1));
    assert_eq!((aside.head, aside.events.len()), (40, 1));
    let mut aside = *aside;
    play_to(&mut aside, 40);
    assert_eq!(aside.simulation().digest(), digest);
    assert!(run.change(Target::AllVariants, Change::SetTopK(65)).is_err());
    assert_eq!(run.events.len(), 1);
}

/// A run of two variants in which the scenario changes the skew at step 50 and K at step 60.
fn planned() -> Run {
    let mut start = run().as_start();
    start.experiment.variants.push(Variant { name: "b".into(), ..start.experiment.variants[0].clone() });
    let event = |step, target, change| Event { step, target, change };
    start.events =
        vec![event(50, Target::Source, Change::SetSkew(2.0)), event(60, Target::AllVariants, Change::SetTopK(32))];
    Run::new(RunId(1), start).unwrap()
}

#[test]
fn what_the_scenario_has_planned_stays_planned() {
    let mut run = planned();
    play_to(&mut run, 20);
    let applied = run.change(Target::AllVariants, Change::SetRate(0.01)).unwrap();
    assert!(applied.set_aside.is_none() && applied.left_out.is_empty());
    assert_eq!(run.events.iter().map(|e| e.step).collect::<Vec<_>>(), [20, 50, 60]);
    play_to(&mut run, 70);
    run.change(Target::AllVariants, Change::SetRate(0.02)).unwrap();
    play_to(&mut run, 80);
    let settings = run.simulation().experiment();
    assert_eq!((settings.synthetic().unwrap().skew, settings.variants[1].router.top_k), (2.0, 32));
    // A change in the past: later changes by hand are set aside, events of the scenario are not.
    run.rewind_towards(30);
    play_to(&mut run, 30);
    let aside = run.change(Target::Variant(0), Change::SetRate(0.03)).unwrap().set_aside.unwrap();
    assert_eq!(run.events.iter().map(|e| e.step).collect::<Vec<_>>(), [20, 30, 50, 60]);
    assert_eq!((aside.head, aside.events.len()), (80, 4));
    play_to(&mut run, 80);
    let mut again = Run::new(RunId(2), run.as_start()).unwrap();
    play_to(&mut again, 80);
    assert_eq!(again.simulation().digest(), run.simulation().digest());
}

#[test]
fn what_no_longer_fits_is_left_out_until_it_fits_again() {
    let mut run = planned();
    play_to(&mut run, 20);
    let groups = |kept| Change::SetGroups(Some(moebias_model::config::Groups { groups: 8, kept }));
    let applied = run.change(Target::AllVariants, groups(2)).unwrap();
    assert_eq!(applied.left_out.iter().map(|e| e.step).collect::<Vec<_>>(), [60], "two groups of 8 hold no 32 experts");
    run.as_start().check().unwrap();
    assert!(run.change(Target::AllVariants, Change::SetGroups(None)).unwrap().left_out.is_empty());
    assert_eq!(*run.events, planned().as_start().events, "taken back exactly, and without a mark");
}

#[test]
fn changes_that_cancel_leave_no_event() {
    let mut run = planned();
    let planned = run.events.clone();
    play_to(&mut run, 20);
    let all = Target::AllVariants;
    run.change(all, Change::SetRate(0.01)).unwrap();
    run.change(all, Change::SetRate(0.001)).unwrap();
    assert_eq!(run.events, planned);
    run.change(all, Change::SetRate(0.01)).unwrap();
    play_to(&mut run, 40);
    // Changes undone one by one, and made again for all variants.
    let changed = run.events.clone();
    run.change(Target::Variant(1), Change::SetRate(0.001)).unwrap();
    run.change(Target::Variant(0), Change::SetRate(0.001)).unwrap();
    assert_eq!(run.events.len(), changed.len() + 2);
    run.change(all, Change::SetRate(0.01)).unwrap();
    assert_eq!(run.events, changed);
    // Undoing the change of rule restores the biases and everything else.
    let state = run.simulation().state().clone();
    let mut applied = run.change(Target::Variant(0), Change::SetRule(Rule::Multiplicative)).unwrap();
    run.change(Target::Variant(0), Change::SetRule(Rule::Sign)).unwrap();
    let (target, biases) = applied.biases.remove(0);
    run.change(target, biases).unwrap();
    assert_eq!((run.events.clone(), run.simulation().state()), (changed.clone(), &state));
    // A change in the past that makes no difference sets nothing aside.
    run.rewind_towards(30);
    play_to(&mut run, 30);
    let applied = run.change(all, Change::SetRate(0.01)).unwrap();
    assert!(applied.events.is_none() && applied.set_aside.is_none());
    assert_eq!((run.head, run.events.clone()), (40, changed));
}
