//! Whole runs with pinned digests: if a digest here changes, every recording ever made replays differently.

use moebias_model::config::{Balancer, Experiment, Gate, Router, Rule, Source, Synthetic, TraceSource, Variant};
use moebias_model::step::Simulation;
use moebias_model::trace::Trace;
use std::sync::Arc;

fn variant(gate: Gate, rule: Rule, experts: u32, top_k: u32) -> Variant {
    Variant {
        name: format!("{gate} {rule} {experts} {top_k}").into(),
        router: Router { experts, top_k, gate, ..Router::default() },
        balancer: Balancer { rule, rate: 0.01, ..Balancer::default() },
        learning: Default::default(),
    }
}

/// The digest after `steps` steps, and the total number of sampled assignments that were moved.
fn run(source: Source, variants: Vec<Variant>, trace: Option<Trace>, steps: usize) -> (String, u32) {
    let mut simulation = Simulation::new(Experiment { seed: 7, source, variants }, trace.map(Arc::new)).unwrap();
    let moved = (0..steps).flat_map(|_| simulation.advance().variants).map(|v| v.moved).sum();
    (simulation.digest().to_string(), moved)
}

#[test]
fn one_ordinary_router() {
    let source = Source::Synthetic(Synthetic::default());
    let outcome = run(source, vec![variant(Gate::Sigmoid, Rule::Sign, 64, 6)], None, 30);
    assert_eq!(outcome, ("316fd4967b9d2c54".into(), 24_439));
}

#[test]
fn every_gate_and_rule() {
    let source = Source::Synthetic(Synthetic { batch: 777, topics: 40, drift: 5.0, burst: 3, ..Synthetic::default() });
    let variants = vec![
        variant(Gate::Sigmoid, Rule::Proportional, 33, 5),
        variant(Gate::Softmax, Rule::Proportional, 33, 5),
        variant(Gate::Softmax, Rule::Sign, 1024, 32),
        variant(Gate::Softmax, Rule::Multiplicative, 256, 8),
        variant(Gate::Sigmoid, Rule::Multiplicative, 2, 1),
        variant(Gate::Sigmoid, Rule::None, 17, 17),
    ];
    assert_eq!(run(source, variants, None, 10), ("95efc29a390e70a2".into(), 89_581));
}

#[test]
fn a_fixed_batch_with_strong_noise() {
    let source = Source::Fixed(Synthetic { batch: 300, noise: 4.0, skew: 0.0, ..Synthetic::default() });
    let outcome = run(source, vec![variant(Gate::Sigmoid, Rule::Sign, 100, 9)], None, 20);
    assert_eq!(outcome, ("be941bb89bfbfe99".into(), 5686));
}

#[test]
fn a_trace() {
    let logit = |i: usize| ((i * 7919) % 10_007) as f32 / 2000.0 - 3.0 + (i % 19) as f32 * 0.1;
    let trace = Trace::new(3, 50, 19, (0..3 * 50 * 19).map(logit).collect());
    let source = Source::Trace(TraceSource { file: "made up".into(), ..Default::default() });
    let variants = vec![variant(Gate::Sigmoid, Rule::Sign, 19, 4), variant(Gate::Softmax, Rule::Multiplicative, 19, 3)];
    assert_eq!(run(source, variants, Some(trace), 20), ("37b4ef7697fc8530".into(), 628));
}
