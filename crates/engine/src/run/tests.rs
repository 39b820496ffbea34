use super::*;
use crate::cpu::CpuEngine;
use moebias_model::config::{Rule, Source, Synthetic, Variant};
use moebias_model::diagnose::Kind;

fn run() -> Run {
    let experiment = Experiment {
        seed: 3,
        source: Source::Synthetic(Synthetic { batch: 64, ..Default::default() }),
        variants: vec![Variant {
            name: "a".into(),
            router: Default::default(),
            balancer: Default::default(),
            learning: Default::default(),
        }],
    };
    Run::new(RunId(1), Start { experiment, trace: None, state: None, events: vec![], stop: None }).unwrap()
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
    assert_eq!(a.events.len(), 2);
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
