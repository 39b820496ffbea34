//! The GPU engine under other ways to select experts than the K largest sums: groups of experts, the rule Hash and dynamic K.

use super::*;

/// Groups of many sizes, with both kinds of keys and two gates, on synthetic tokens and on a trace.
fn groups_of_experts(backends: Backends) {
    let Some(mut engine) = open(backends, "groups") else { return };
    for (i, (experts, groups, kept, top_k)) in
        [(256, 8, 4, 8), (64, 64, 20, 6), (60, 5, 1, 12), (1024, 2, 1, 32), (36, 3, 3, 4), (96, 32, 7, 20)]
            .into_iter()
            .enumerate()
    {
        let mut dice = Dice::new(300 + i as u32);
        let variants = (0..4).map(|v| {
            let rule = [Rule::Sign, Rule::Multiplicative][(v / 2) as usize];
            let router = Router {
                experts,
                top_k,
                gate: GATES[(v % 2) as usize],
                groups: Some(Groups { groups, kept }),
                ..Router::default()
            };
            Variant { router, ..variant(&mut dice, v, experts, Gate::Sigmoid, rule) }
        });
        let variants = variants.collect();
        let (source, recorded) = if i % 3 == 2 {
            let recorded = Arc::new(trace(&mut dice, 3, 90, experts as usize));
            (Source::Trace(TraceSource { file: "made up".into(), ..Default::default() }), Some(recorded))
        } else {
            (Source::Synthetic(synthetic(&mut dice, 300)), None)
        };
        let experiment = Experiment { seed: 5, source, variants };
        let start = Start { experiment, trace: recorded, state: None, events: vec![], stop: None };
        let wanted = rows(&start, &mut CpuEngine::new(""), 20);
        assert_same(&format!("{kept} of {groups} groups"), &start, &wanted, &rows(&start, &mut engine, 20));
    }
}

/// The rule Hash with few and many experts.
fn hashed_words(backends: Backends) {
    let Some(mut engine) = open(backends, "hash") else { return };
    for (i, burst) in [1, 3].into_iter().enumerate() {
        let mut dice = Dice::new(400 + i as u32);
        let sizes = [(2, 2), (7, 4), (64, 6), (20, 16), (32, 32), (1024, 9)];
        let variants = sizes.into_iter().zip(0..).map(|((experts, top_k), v)| {
            let router = Router { experts, top_k, gate: GATES[(v % 2) as usize], ..Router::default() };
            Variant { router, ..variant(&mut dice, v, experts, Gate::Sigmoid, Rule::Hash) }
        });
        let variants = variants.collect();
        let source = Source::Synthetic(Synthetic { burst, ..synthetic(&mut dice, 500) });
        let experiment = Experiment { seed: 5 + i as u32, source, variants };
        let start = Start { experiment, trace: None, state: None, events: vec![], stop: None };
        let wanted = rows(&start, &mut CpuEngine::new(""), 20);
        assert_same("hash", &start, &wanted, &rows(&start, &mut engine, 20));
    }
}

/// Dynamic K beside a rule that takes the K largest, with all gates, on synthetic tokens and on a trace, while settings change.
fn thresholds(backends: Backends) {
    let Some(mut engine) = open(backends, "thresholds") else { return };
    let (mut other_number, mut moved) = (0, 0);
    let sizes = [(64, 6, 700), (1024, 32, 150), (7, 2, 600), (33, 13, 400), (256, 8, 6001), (200, 20, 130), (2, 1, 64)];
    for (i, (experts, top_k, batch)) in sizes.into_iter().enumerate() {
        let mut dice = Dice::new(500 + i as u32);
        let variants: Vec<Variant> = (0..7)
            .map(|v| {
                let rule = if v == 5 { Rule::Sign } else { Rule::Threshold };
                let top_k = if v > 2 { 1 + dice.below(top_k) } else { top_k };
                let router = Router { experts, top_k, gate: GATES[(v % 3) as usize], ..Router::default() };
                let mut variant = Variant { router, ..variant(&mut dice, v, experts, Gate::Sigmoid, rule) };
                variant.balancer.rate = [0.001, 0.0003, 0.02, 1.0][(v % 4) as usize];
                variant
            })
            .collect();
        let (source, recorded) = if i % 3 == 2 {
            let recorded = Arc::new(trace(&mut dice, 3, batch as usize, experts as usize));
            (Source::Trace(TraceSource { file: "made up".into(), ..Default::default() }), Some(recorded))
        } else {
            (Source::Synthetic(synthetic(&mut dice, batch)), None)
        };
        let mut events = vec![
            Event { step: 3, target: Target::Variant(5), change: Change::SetRule(Rule::Threshold) },
            Event { step: 5, target: Target::Variant(0), change: Change::SetGate(Gate::SqrtSoftplus) },
            Event { step: 6, target: Target::Variant(1), change: Change::SetRule(Rule::Multiplicative) },
            Event { step: 8, target: Target::AllVariants, change: Change::SetTopK(1 + dice.below(top_k)) },
            Event { step: 11, target: Target::Variant(2), change: Change::ResetBias },
            Event { step: 15, target: Target::Variant(3), change: Change::SetFreeze(Some(17)) },
        ];
        if recorded.is_none() {
            events.push(Event { step: 18, target: Target::Source, change: Change::SetBatch(batch / 2 + 1) });
        }
        let experiment = Experiment { seed: 5, source, variants };
        let start = Start { experiment, trace: recorded, state: None, events, stop: None };
        let steps = if batch > 6000 { 6 } else { 24 };
        let wanted = rows(&start, &mut CpuEngine::new(""), steps);
        for v in wanted.0.iter().flat_map(|row| &row.variants) {
            other_number += u32::from(v.moved_of != v.tokens.min(MOVED_SAMPLE) * v.top_k);
            moved += v.moved;
        }
        assert_same(&format!("threshold at {experts} experts"), &start, &wanted, &rows(&start, &mut engine, steps));
    }
    assert!(other_number > 100 && moved > 1000, "{other_number} steps, {moved} moved");
}

/// Sums of score and bias of exactly 0 and just beside it, from biases that cancel a token's scores, in units of each gate; then biases as
/// far apart as a start state may have them.
fn thresholds_met_exactly(backends: Backends) {
    let Some(mut engine) = open(backends, "thresholds met exactly") else { return };
    let variants = GATES.map(|gate| Variant {
        router: Router { experts: 96, top_k: 9, gate, ..Router::default() },
        balancer: Balancer { rule: Rule::Threshold, rate: 0.0, ..Balancer::default() },
        ..Variant::default()
    });
    let source = Source::Fixed(Synthetic { batch: 1, ..Synthetic::default() });
    let mut experiment = Experiment { seed: 5, source, variants: variants.into() };
    let mut simulation = Simulation::new(experiment.clone(), None).unwrap();
    let (batch, mut state) = (simulation.next_batch(), simulation.state().clone());
    for (v, (made, gate)) in state.variants.iter_mut().zip(GATES).enumerate() {
        for ((b, &score), e) in made.bias.iter_mut().zip(&batch.scores(0, v)).zip(0..) {
            // The sums are −1, 0 and 1 in turn.
            *b = (e % 3 - 1 - (i64::from(score) << 12)) << gate.unit_bits();
        }
    }
    let start = |experiment: &Experiment, state: &State| Start {
        experiment: experiment.clone(),
        trace: None,
        state: Some(state.clone()),
        events: vec![],
        stop: None,
    };
    let exact = start(&experiment, &state);
    let wanted = rows(&exact, &mut CpuEngine::new(""), 2);
    for v in &wanted.0[0].variants {
        assert!((0..96).all(|e| v.loads[e] == u32::from(e % 3 == 2)), "{:?}", v.loads);
    }
    assert_same("sums next to 0", &exact, &wanted, &rows(&exact, &mut engine, 2));

    let mut dice = Dice::new(78);
    experiment.variants.iter_mut().for_each(|v| v.balancer.rate = 1.0);
    experiment.source = Source::Synthetic(Synthetic { batch: 300, ..Synthetic::default() });
    for b in state.variants.iter_mut().flat_map(|v| &mut v.bias) {
        let size = 1i64 << dice.within(20, 52);
        let inexact = i64::from(dice.below(4096));
        *b = dice.of(&[size, -size, size - inexact, inexact - size, inexact, -inexact]);
    }
    let far = start(&experiment, &state);
    let wanted = rows(&far, &mut CpuEngine::new(""), 40);
    assert_same("biases far away", &far, &wanted, &rows(&far, &mut engine, 40));
}

#[test]
fn threshold_on_vulkan() {
    thresholds(Backends::VULKAN);
}

#[test]
fn threshold_on_gl() {
    thresholds(Backends::GL);
}

#[test]
fn threshold_met_exactly_on_vulkan() {
    thresholds_met_exactly(Backends::VULKAN);
}

#[test]
fn threshold_met_exactly_on_gl() {
    thresholds_met_exactly(Backends::GL);
}

#[test]
fn hash_on_vulkan() {
    hashed_words(Backends::VULKAN);
}

#[test]
fn hash_on_gl() {
    hashed_words(Backends::GL);
}

#[test]
fn groups_on_vulkan() {
    groups_of_experts(Backends::VULKAN);
}

#[test]
fn groups_on_gl() {
    groups_of_experts(Backends::GL);
}
