//! Compares every kernel that this CPU can run with the scalar model: all loads, biases and counts of every step must be equal.

#![allow(clippy::unwrap_used, clippy::panic)] // Also in the helpers of these tests.

use crate::common::{Dice, GATES, LARGEST_FACTOR, RULES};
use moebias_engine::Engine as _;
use moebias_engine::cpu::{CpuEngine, Kernel};
use moebias_model::config::{
    Balancer, Capacity, Experiment, Gate, Groups, Router, Rule, Source, Stays, Synthetic, TraceSource, Variant,
};
use moebias_model::row::StepRow;
use moebias_model::step::Simulation;
use moebias_model::trace::Trace;
use std::sync::Arc;

const CONFIGURATIONS: u32 = 96;
const STEPS: u32 = 4;

fn variant(experts: u32, top_k: u32, gate: Gate, rule: Rule, rate: f64) -> Variant {
    let (average, iterations) = (f64::from(top_k % 3) * 0.45, 1 + experts % 4);
    // Some variants are frozen during the run.
    let freeze = (experts % 5 == 3).then_some(2);
    let balancer = Balancer { rule, rate, freeze, average, iterations, ..Balancer::default() };
    let router = Router { experts, top_k, gate, ..Router::default() };
    Variant { router, balancer, ..Variant::default() }
}

/// A trace with logits from −10 to 10, some of which saturate.
fn trace(dice: &mut Dice, steps: usize, tokens: usize, experts: usize, gate_each_step: bool) -> Arc<Trace> {
    let logits = (0..steps * tokens * experts).map(|_| (dice.real(20.0) - 10.0) as f32).collect();
    let mut trace = Trace::new(steps, tokens, experts, logits);
    trace.gate_each_step = gate_each_step;
    Arc::new(trace)
}

/// Configuration `i`. Gates, rules, sources and K are cycled through so that every combination of gate and rule occurs; the rest is random.
fn configuration(i: u32) -> (Experiment, Option<Arc<Trace>>) {
    let mut dice = Dice::new(500 + i);
    let is_trace = i % 4 == 3;
    let same = dice.of(&[2, 7, 8, 33, 64, 130, 257]);
    let count = dice.of(&[1, 1, 2, 5]);
    let variants: Vec<Variant> = (0..count)
        .map(|v| {
            let thrown = 2 + dice.below(200);
            let experts = if is_trace { same } else { dice.of(&[2, 3, 8, 31, 64, 255, 256, 1023, 1024, thrown]) };
            let top_k = (1 + (i + 7 * v) % 32).min(experts);
            let (gate, rule) = (GATES[((i + v) % 3) as usize], RULES[((i / 3 + v) % 12) as usize]);
            variant(experts, top_k, gate, rule, dice.of(&[0.0, 1e-5, 0.001, 0.02, 1.0]))
        })
        .collect();
    let pairs: u32 = variants.iter().map(|v| v.router.experts).sum();
    let most = (300_000 / pairs).clamp(1, 5000);
    let batch = if dice.below(4) == 0 { 1 + dice.below(20) } else { 1 + dice.below(most) };
    let source = Synthetic {
        batch,
        topics: dice.of(&[1, 2, 7, 32, 256]),
        skew: dice.real(3.0),
        noise: dice.real(4.0),
        drift: dice.real(100.0),
        burst: dice.of(&[1, 1, 3, 16, 65_536]),
    };
    let seed = dice.below(u32::MAX);
    let (source, recorded) = match i % 4 {
        3 => {
            let recorded = trace(&mut dice, 3, batch.min(600) as usize, same as usize, i % 8 == 7);
            (Source::Trace(TraceSource { file: "made up".into(), ..Default::default() }), Some(recorded))
        }
        2 => (Source::Fixed(source), None),
        _ => (Source::Synthetic(source), None),
    };
    (Experiment { seed, source, variants }, recorded)
}

/// Runs every kernel that this CPU has for `steps` steps from the same start.
fn assert_equal(name: &str, start: &Simulation, steps: u32) {
    let mut oracle = start.clone();
    let wanted: Vec<StepRow> = (0..steps).map(|_| oracle.advance()).collect();
    for kernel in Kernel::available() {
        let (mut simulation, mut rows) = (start.clone(), vec![]);
        CpuEngine::with_kernel(kernel, "").advance(&mut simulation, steps, &mut rows).unwrap();
        for (a, b) in wanted.iter().zip(&rows) {
            for (v, (x, y)) in a.variants.iter().zip(&b.variants).enumerate() {
                assert!(
                    x == y,
                    "{kernel}, {name}, step {}, variant {v}:\nmodel  {x:?}\nkernel {y:?}\n{:?}",
                    a.step,
                    start.experiment()
                );
            }
        }
        assert_eq!((wanted.len(), oracle.digest()), (rows.len(), simulation.digest()), "{kernel}, {name}");
    }
}

#[test]
fn random_configurations() {
    for i in 0..CONFIGURATIONS {
        let (experiment, recorded) = configuration(i);
        assert_equal(&format!("configuration {i}"), &Simulation::new(experiment, recorded).unwrap(), STEPS);
    }
}

#[test]
fn the_configurations_cover_what_they_should() {
    let all: Vec<Experiment> = (0..CONFIGURATIONS).map(|i| configuration(i).0).collect();
    let variants = || all.iter().flat_map(|e| &e.variants);
    for gate in GATES {
        for rule in RULES {
            assert!(variants().any(|v| v.router.gate == gate && v.balancer.rule == rule), "{gate} with {rule}");
        }
    }
    for k in 1..=32 {
        assert!(variants().any(|v| v.router.top_k == k), "K = {k}");
    }
    for experts in [2, 3, 31, 1023, 1024] {
        assert!(variants().any(|v| v.router.experts == experts), "E = {experts}");
    }
    let batches: Vec<u32> = all.iter().filter_map(|e| e.synthetic()).map(|s| s.batch).collect();
    assert!(batches.iter().any(|&b| b < 4) && batches.iter().any(|&b| b > 2000));
    assert!(all.iter().any(|e| matches!(e.source, Source::Trace(_)) && e.variants.len() > 1));
}

/// Routers that the kernels do not support. The engine computes what depends on the whole batch in parts, on several threads.
#[test]
fn what_is_not_plain_equals_the_model_too() {
    for i in 0..40 {
        let mut dice = Dice::new(900 + i);
        let is_trace = i % 4 == 3;
        let variants: Vec<Variant> = (0..5)
            .map(|v| {
                let rules = [
                    Rule::Sign,
                    Rule::Threshold,
                    Rule::Sinkhorn,
                    Rule::Quantile,
                    Rule::Base,
                    Rule::Hash,
                    Rule::Bip,
                    Rule::Multiplicative,
                    Rule::ExpertChoice,
                ];
                let rule = rules[((i + v) % 9) as usize];
                let experts = if is_trace { 48 } else { dice.of(&[8, 48, 128]) };
                let gate = dice.of(&GATES);
                let top_k = if rule == Rule::Base { 1 } else { 1 + dice.below(8) };
                let mut made = variant(experts, top_k, gate, rule, 0.02);
                if rule.is_top_k() && !rule.orders() && dice.below(3) > 0 {
                    let kept = top_k.div_ceil(experts / 4).max(1 + dice.below(4));
                    made.router.groups = Some(Groups { groups: 4, kept });
                }
                if rule != Rule::ExpertChoice && dice.below(2) == 0 {
                    let by = dice.of(&[Stays::Score, Stays::Position]);
                    made.router.capacity = Some(Capacity { factor: 0.5 + dice.real(1.0), by });
                }
                made
            })
            .collect();
        let batch = dice.of(&[1, 77, 1500]);
        let mut recorded = trace(&mut dice, 3, 200, 48, false);
        if let Some(t) = Arc::get_mut(&mut recorded) {
            t.token_ids = (0..600).map(|_| dice.below(50) as i32).collect();
        }
        let (source, recorded) = if is_trace {
            (Source::Trace(TraceSource { file: "made up".into(), ..Default::default() }), Some(recorded))
        } else {
            (Source::Synthetic(Synthetic { batch, burst: dice.of(&[1, 4]), ..Synthetic::default() }), None)
        };
        let start = Simulation::new(Experiment { seed: i, source, variants }, recorded).unwrap();
        assert_equal(&format!("configuration {i}"), &start, 3);
    }
}

/// Batches that are divided into parts for several threads, and sizes around those of a register and of a tile.
#[test]
fn every_batch_size() {
    let sizes = (1..=70).chain([127, 128, 129, 511, 512, 513, 5000]);
    for batch in sizes {
        let source = Source::Synthetic(Synthetic { batch, drift: 20.0, ..Synthetic::default() });
        let variants = vec![
            variant(67, 6, Gate::Sigmoid, Rule::Sign, 0.01),
            variant(40, 12, Gate::Sigmoid, Rule::Multiplicative, 0.01),
            variant(67, 20, Gate::Softmax, Rule::Sign, 0.01),
            variant(67, 6, Gate::SqrtSoftplus, Rule::Quantile, 0.01),
            variant(40, 32, Gate::Softmax, Rule::Bip, 0.01),
            variant(40, 3, Gate::Softmax, Rule::ExpertChoice, 0.01),
        ];
        let start = Simulation::new(Experiment { seed: batch, source, variants }, None).unwrap();
        assert_equal(&format!("{batch} tokens"), &start, 2);
    }
}

/// Biases as far apart as a start state may have them, so that keys saturate and the multiplicative product wraps.
#[test]
fn extreme_biases() {
    let mut dice = Dice::new(77);
    for rule in RULES {
        let experiment = Experiment {
            seed: 5,
            source: Source::Synthetic(Synthetic { batch: 300, noise: 4.0, ..Synthetic::default() }),
            variants: vec![
                variant(200, 9, Gate::Sigmoid, rule, 1.0),
                variant(1024, 32, Gate::Softmax, rule, 1.0),
                variant(130, 5, Gate::SqrtSoftplus, rule, 1.0),
            ],
        };
        let mut simulation = Simulation::new(experiment.clone(), None).unwrap();
        let mut state = simulation.state().clone();
        for b in state.variants.iter_mut().flat_map(|v| &mut v.bias) {
            let size = 1i64 << dice.below(53);
            let inexact = i64::from(dice.below(4096)).min(size);
            *b = dice.of(&[size, -size, size - inexact]);
            // Factors below 0 or beyond the clamp of the rule are not valid.
            if rule == Rule::Multiplicative {
                *b = b.abs().min(LARGEST_FACTOR);
            }
        }
        simulation.restore(experiment, state).unwrap();
        assert_equal(&format!("{rule}"), &simulation, 10);
    }
}

/// With more than two million recorded numbers, rows are prefetched; at the end of the trace there is nothing to prefetch.
#[test]
fn a_large_trace() {
    let mut dice = Dice::new(9);
    for gate_each_step in [false, true] {
        let trace = trace(&mut dice, 1, 8300, 256, gate_each_step);
        let source = Source::Trace(TraceSource { file: "made up".into(), ..Default::default() });
        let variants = vec![variant(256, 8, Gate::Sigmoid, Rule::Sign, 0.02)];
        let start = Simulation::new(Experiment { seed: 1, source, variants }, Some(trace)).unwrap();
        assert_equal("a large trace", &start, 2);
    }
}
