//! The rules that use order statistics over a whole batch, compared with NumPy on the shipped trace (`tests/data/make_order.py`), with
//! sorting on random problems, and with what theory says about them.

use moebias_engine::Engine as _;
use moebias_engine::cpu::CpuEngine;
use moebias_files::{Loaded, load};
use moebias_model::config::{
    Balancer, Capacity, Experiment, Gate, Groups, Router, Rule, Source, Stays, Synthetic, TraceSource, Variant,
};
use moebias_model::fixed::to_q32;
use moebias_model::metrics::{max_vio, sampling_floor};
use moebias_model::order::{quota, rank};
use moebias_model::random::{Stream, pcg4d};
use moebias_model::row::StepRow;
use moebias_model::select::By;
use moebias_model::step::Simulation;
use moebias_model::trace::Trace;
use proptest::prelude::*;
use safetensors::SafeTensors;
use std::path::Path;
use std::sync::Arc;

/// One unit of a score (2⁻²⁰), as Q32.
const UNIT: i64 = 1 << 12;

fn golden(name: &str) -> Vec<u8> {
    let bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/order.safetensors")).unwrap();
    SafeTensors::deserialize(&bytes).unwrap().tensor(name).unwrap().data().to_vec()
}

fn golden_bias(name: &str) -> Vec<Vec<i64>> {
    let all: Vec<i64> = golden(name).as_chunks::<8>().0.iter().map(|&b| to_q32(f64::from_le_bytes(b))).collect();
    all.chunks_exact(64).map(<[_]>::to_vec).collect()
}

fn golden_loads(name: &str) -> Vec<Vec<u32>> {
    let all: Vec<u32> = golden(name).as_chunks::<4>().0.iter().map(|&b| u32::from_le_bytes(b)).collect();
    all.chunks_exact(64).map(<[_]>::to_vec).collect()
}

fn sample(balancer: Balancer) -> Simulation {
    let Loaded { scenario, trace, .. } = load(Path::new("builtin:sample")).unwrap();
    let mut experiment = scenario.experiment();
    experiment.variants[0].balancer = balancer;
    Simulation::new(experiment, trace).unwrap()
}

fn advance(simulation: &mut Simulation, steps: u32) -> Vec<StepRow> {
    let mut rows = vec![];
    CpuEngine::new("").advance(simulation, steps, &mut rows).unwrap();
    rows
}

/// Number of assignments that differ, from two lists of loads.
fn differing(a: &[u32], b: &[u32]) -> u32 {
    a.iter().zip(b).map(|(&a, &b)| a.abs_diff(b)).sum::<u32>() / 2
}

/// The largest difference between two lists of biases, in units of a score.
fn apart(a: &[i64], b: &[i64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).max().unwrap() as f64 / UNIT as f64
}

/// Compares a rule with NumPy over 100 steps. An order statistic changes by no more than its numbers do: rounding scores and biases to 2⁻²⁰
/// changes β by at most one and a half units in a pass, centring doubles that, and passes add up; after 100 steps the difference is still
/// far below 100 times that. A token is routed differently where its K-th expert and the next are closer than this: about four of 102,400
/// per unit.
fn follows(name: &str, balancer: &Balancer, bias: &[Vec<i64>], loads: &[Vec<u32>]) {
    let (mut closed, mut worst, mut wrong) = (0.0f64, 0.0f64, 0);
    let mut simulation = sample(balancer.clone());
    for (row, (bias, loads)) in advance(&mut simulation, 100).iter().zip(bias.iter().zip(loads)) {
        closed = closed.max(apart(&row.variants[0].bias, bias));
        wrong += differing(&row.variants[0].loads, loads);
    }
    for t in 1..100 {
        let mut simulation = sample(balancer.clone());
        let mut state = simulation.state().clone();
        (state.step, state.variants[0].bias) = (t as u64, bias[t - 1].clone());
        simulation.restore(simulation.experiment().clone(), state).unwrap();
        worst = worst.max(apart(&advance(&mut simulation, 1)[0].variants[0].bias, &bias[t]));
    }
    println!(
        "{name}: {worst:.2} units apart after a step, {closed:.2} within 100, {wrong} assignments of 614,400 differ"
    );
    let passes = if balancer.rule == Rule::Bip { f64::from(balancer.iterations) } else { 2.0 };
    assert!(worst <= 1.5 * passes, "{name}: {worst} units after one step");
    assert!(closed <= 12.0, "{name}: {closed} units in closed loop");
    assert!(f64::from(wrong) <= 6.0 * closed.max(1.0), "{name}: {wrong} assignments of 614,400 differ");
}

#[test]
fn quantile_balancing_does_what_numpy_does() {
    for average in [0.0, 0.5] {
        let balancer = Balancer { rule: Rule::Quantile, average, ..Balancer::default() };
        let shown = if average == 0.0 { "0.0" } else { "0.5" };
        let (bias, loads) = (format!("quantile_bias_{shown}"), format!("quantile_loads_{shown}"));
        follows(&bias, &balancer, &golden_bias(&bias), &golden_loads(&loads));
    }
}

#[test]
fn bip_does_what_numpy_does() {
    let balancer = Balancer { rule: Rule::Bip, iterations: 4, ..Balancer::default() };
    follows("BIP", &balancer, &golden_bias("bip_bias"), &golden_loads("bip_loads"));
}

#[test]
fn experts_choose_as_numpy_does() {
    let batch = sample(Balancer { rule: Rule::ExpertChoice, ..Balancer::default() }).next_batch();
    let taken = golden("choice_taken");
    let (mut chosen, mut wrong) = (vec![], 0);
    for (token, wanted) in (0..1024).zip(taken.chunks_exact(64)) {
        batch.choose(0, By::Bias, token, &batch.scores(token, 0), &mut chosen);
        wrong += (0..64).filter(|e| chosen.contains(e) != (wanted[*e] == 1)).count();
    }
    assert_eq!(wrong, 0, "of 6,144 assignments");
}

/// A simulation of a trace with one variant.
fn traced(scores: impl Into<Arc<Trace>>, top_k: u32, gate: Gate, balancer: Balancer) -> Simulation {
    let scores = scores.into();
    let router = Router { experts: scores.experts as u32, top_k, gate, ..Router::default() };
    let variants = vec![Variant { name: Default::default(), router, balancer, ..Variant::default() }];
    let source = Source::Trace(TraceSource { file: "made up".into(), ..Default::default() });
    Simulation::new(Experiment { seed: 1, source, variants }, Some(scores)).unwrap()
}

/// The n-th largest item, counted from 1, by sorting.
fn nth_largest<T: Ord + Copy>(all: impl Iterator<Item = T>, n: usize) -> T {
    let mut all: Vec<T> = all.collect();
    all.sort_unstable_by(|a, b| b.cmp(a));
    all[n - 1]
}

fn problem() -> impl Strategy<Value = (Trace, u32, Gate)> {
    (2usize..=12, 1usize..=60).prop_flat_map(|(experts, tokens)| {
        // One logit in four is a small whole number, so that ties occur.
        let logit = prop_oneof![3 => -6.0f32..6.0, 1 => (-2i8..2).prop_map(f32::from)];
        let gate = prop_oneof![Just(Gate::Sigmoid), Just(Gate::Softmax), Just(Gate::SqrtSoftplus)];
        (prop::collection::vec(logit, experts * tokens), 1..=experts as u32, gate)
            .prop_map(move |(logits, k, gate)| (Trace::new(1, tokens, experts, logits), k, gate))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every expert takes exactly its quota, and takes no token before a better one.
    #[test]
    fn expert_choice_is_perfectly_balanced((trace, k, gate) in problem()) {
        let (tokens, experts) = (trace.tokens as u32, trace.experts as u32);
        let mut simulation = traced(trace, k, gate, Balancer { rule: Rule::ExpertChoice, ..Balancer::default() });
        let batch = simulation.next_batch();
        let mut chosen = vec![];
        let of_token: Vec<(Vec<i32>, Vec<usize>)> = (0..tokens).map(|t| {
            let scores = batch.scores(t, 0);
            batch.choose(0, By::Bias, t, &scores, &mut chosen);
            (scores, chosen.clone())
        }).collect();
        for e in 0..experts as usize {
            let mut order: Vec<usize> = (0..tokens as usize).collect();
            order.sort_by_key(|&t| (std::cmp::Reverse(of_token[t].0[e]), t));
            let mut taken: Vec<usize> = (0..tokens as usize).filter(|&t| of_token[t].1.contains(&e)).collect();
            taken.sort_by_key(|&t| (std::cmp::Reverse(of_token[t].0[e]), t));
            prop_assert_eq!(&taken, &order[..quota(k, tokens, experts) as usize]);
        }
        let row = simulation.clone().advance();
        prop_assert!(row.variants[0].loads.iter().all(|&l| l == quota(k, tokens, experts)));
        prop_assert_eq!(&advance(&mut simulation, 1)[0], &row);
    }

    /// One pass equals the same in plain integers with sorting.
    #[test]
    fn a_pass_is_what_sorting_gives(
        (trace, k, gate) in problem(),
        bias in prop::collection::vec(-(1i64 << 32)..1 << 32, 12),
        bip in any::<bool>(),
    ) {
        let (tokens, experts) = (trace.tokens as u32, trace.experts);
        let rule = if bip { Rule::Bip } else { Rule::Quantile };
        let mut simulation = traced(trace, k, gate, Balancer { rule, iterations: 1, ..Balancer::default() });
        let mut state = simulation.state().clone();
        // Whole units of a score in the gate's own scale, as these rules compute biases.
        let unit = UNIT << gate.unit_bits();
        state.variants[0].bias = bias[..experts].iter().map(|b| b / unit * unit).collect();
        simulation.restore(simulation.experiment().clone(), state.clone()).unwrap();
        let b: Vec<i64> = state.variants[0].bias.iter().map(|b| b / unit).collect();
        let batch = simulation.next_batch();
        let mut wanted = state.variants[0].bias.clone();
        if let Some(rank) = rank(rule, k, tokens, experts as u32) {
            let margins: Vec<Vec<i64>> = (0..tokens).map(|t| {
                let s = batch.scores(t, 0);
                let alpha = nth_largest((0..experts).map(|e| i64::from(s[e]) + b[e]), k as usize + 1);
                let alpha = if bip { alpha.max(0) } else { alpha };
                s.iter().map(|&s| i64::from(s) - alpha).collect()
            }).collect();
            let made = |e: usize| nth_largest(margins.iter().map(|m| m[e]), rank as usize);
            wanted = (0..experts).map(|e| -unit * if bip { made(e).max(0) } else { made(e) }).collect();
            if bip {
                let largest = wanted.iter().copied().max().unwrap();
                wanted.iter_mut().for_each(|w| *w -= largest);
            } else {
                let mean = wanted.iter().sum::<i64>().div_euclid(experts as i64);
                wanted.iter_mut().for_each(|w| *w -= mean);
            }
        }
        let row = simulation.clone().advance();
        prop_assert_eq!(&row.variants[0].bias, &wanted);
        prop_assert_eq!(&advance(&mut simulation, 1)[0], &row);
    }
}

/// `steps` batches of 4,096 tokens at 64 experts, with logits N(0, 1) plus an offset 0.8·N(0, 1) per expert.
fn normal(steps: usize, seed: u32) -> Trace {
    let pair = |i: u32, stream: Stream| {
        let [a, b, ..] = pcg4d(i, 0, stream, seed).map(|x| (f64::from(x) + 0.5) / 4_294_967_296.0);
        ((-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()) as f32
    };
    let offsets: Vec<f32> = (0..64).map(|e| 0.8 * pair(e, Stream::Topic)).collect();
    let all = (steps * 4096 * 64) as u32;
    let logits = (0..all).map(|i| pair(i, Stream::NoiseLow) + offsets[i as usize % 64]).collect();
    Trace::new(steps, 4096, 64, logits)
}

/// Without the anchor, all β of BIP drift up until the clamp decides alone, and MaxVio is 0.12 to 0.14 from batch 200 on.
#[test]
fn bip_stays_even_for_a_thousand_batches() {
    let source = Source::Synthetic(Synthetic { batch: 1024, skew: 1.5, ..Synthetic::default() });
    let router = Router { experts: 32, top_k: 4, ..Router::default() };
    let of = |rule| {
        let variants =
            vec![Variant { router, balancer: Balancer { rule, ..Balancer::default() }, ..Variant::default() }];
        let mut simulation = Simulation::new(Experiment { seed: 1, source: source.clone(), variants }, None).unwrap();
        advance(&mut simulation, 1000)
    };
    let rows = of(Rule::Bip);
    assert!(rows.iter().all(|r| r.variants[0].bias.iter().copied().max() == Some(0)), "the largest bias is 0");
    let vio = |r: &StepRow| max_vio(&r.variants[0].loads.iter().map(|&l| u64::from(l)).collect::<Vec<_>>());
    let of_hundred: Vec<f64> = rows.chunks(100).map(|r| r.iter().map(vio).sum::<f64>() / 100.0).collect();
    println!("{of_hundred:.3?}");
    assert!(of_hundred[1..].iter().all(|v| *v < 0.08), "{of_hundred:.3?}");
}

fn violations(mut simulation: Simulation, steps: u32) -> Vec<f64> {
    let of = |row: &StepRow| max_vio(&row.variants[0].loads.iter().map(|&l| u64::from(l)).collect::<Vec<_>>());
    advance(&mut simulation, steps).iter().map(of).collect()
}

/// Frozen biases do not change, and batches are routed with them.
#[test]
fn frozen_biases_stay() {
    let trace = Arc::new(normal(6, 3));
    for rule in [Rule::Quantile, Rule::Bip] {
        let free = Balancer { rule, average: 0.5, ..Balancer::default() };
        let frozen = Balancer { freeze: Some(3), ..free.clone() };
        let of = |balancer| advance(&mut traced(Arc::clone(&trace), 6, Gate::SqrtSoftplus, balancer), 6);
        let (free, frozen) = (of(free), of(frozen));
        assert_eq!(free[..3], frozen[..3]);
        for rows in frozen[2..].windows(2) {
            assert_eq!(rows[0].variants[0].bias, rows[1].variants[0].bias, "{rule}");
        }
        assert_ne!(free[3].variants[0].bias, frozen[3].variants[0].bias);
        let same = Balancer { rule: Rule::None, ..Balancer::default() };
        let mut plain = traced(Arc::clone(&trace), 6, Gate::SqrtSoftplus, same);
        let mut state = plain.state().clone();
        (state.step, state.variants[0].bias) = (4, frozen[3].variants[0].bias.clone());
        plain.restore(plain.experiment().clone(), state).unwrap();
        assert_eq!(advance(&mut plain, 1)[0].variants[0].loads, frozen[4].variants[0].loads);
    }
}

#[test]
fn what_they_do_not_go_with_is_refused() {
    let settings = |rule, groups, capacity| {
        let router = Router { groups, capacity, ..Router::default() };
        let balancer = Balancer { rule, ..Balancer::default() };
        let variants = vec![Variant { name: "A".into(), router, balancer, ..Variant::default() }];
        Experiment { seed: 1, source: Source::Synthetic(Synthetic::default()), variants }
    };
    let groups = Some(Groups { groups: 8, kept: 4 });
    let capacity = Some(Capacity { factor: 1.25, by: Stays::Score });
    for rule in [Rule::Quantile, Rule::Bip, Rule::ExpertChoice] {
        let why = settings(rule, groups, None).validate().unwrap_err().to_string();
        assert!(why.contains(&format!("left out: {} puts tokens in order over all experts", rule.short())), "{why}");
        assert_eq!(settings(rule, None, capacity).validate().is_ok(), rule != Rule::ExpertChoice, "{rule}");
    }
    let why = settings(Rule::ExpertChoice, None, capacity).validate().unwrap_err().to_string();
    assert!(why.contains("an expert takes its fair share, no more and no less"), "{why}");
}

/// With one fixed batch, which is deterministic, MaxVio falls from 4.6 to about 0.14 after one pass and to 0.01 by the tenth.
#[test]
fn a_fixed_batch_is_balanced_within_ten_passes() {
    for (seed, gate) in (1..=4).flat_map(|seed| [Gate::Sigmoid, Gate::SqrtSoftplus].map(|gate| (seed, gate))) {
        let balancer = Balancer { rule: Rule::Quantile, ..Balancer::default() };
        let vio = violations(traced(normal(1, seed), 6, gate, balancer), 12);
        println!("seed {seed}, {gate}: {vio:.3?}");
        assert!(vio[0] > 2.0);
        assert!(vio[1] <= 0.25, "one pass: {vio:?}");
        assert!(vio[10] <= 0.03, "ten passes: {vio:?}");
    }
}

/// With fresh batches MaxVio is at the sampling floor from the second step on, whereas the sign rule needs Δ/2u steps.
#[test]
fn fresh_batches_are_at_the_floor_at_once() {
    let trace = Arc::new(normal(24, 9));
    let of = |balancer| violations(traced(Arc::clone(&trace), 6, Gate::Sigmoid, balancer), 24);
    let quantile = of(Balancer { rule: Rule::Quantile, ..Balancer::default() });
    let averaged = of(Balancer { rule: Rule::Quantile, average: 0.9, ..Balancer::default() });
    let sign = of(Balancer::default());
    let bip = of(Balancer { rule: Rule::Bip, ..Balancer::default() });
    println!("QB {quantile:.3?}\naveraged {averaged:.3?}\nsign {sign:.3?}\nBIP {bip:.3?}");
    let floor = sampling_floor(64, 6, 4096);
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    assert!(quantile[0] > 2.0 && quantile[1..].iter().all(|v| *v < 3.0 * floor), "{floor}");
    // A bias computed from one batch carries the noise of that batch into the next, which gives √2 times the floor.
    assert!((mean(&quantile[1..]) / floor - std::f64::consts::SQRT_2).abs() < 0.3, "{}", mean(&quantile[1..]) / floor);
    assert!(sign[20] > 10.0 * floor, "the sign rule has only begun");
    assert!(bip[0] < 0.2 * quantile[0] && bip[5..].iter().all(|v| *v < floor), "it has seen the batch");
}
