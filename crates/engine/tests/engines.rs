//! Compares the GPU engine with the model on Vulkan and on OpenGL: every load, bias and count of every step must be equal.
//!
//! If a backend has no adapter, its tests print that they are skipped; with `MOEBIAS_REQUIRE_GPU=1` they fail instead.

use crate::common::{Dice, GATES, LARGEST_FACTOR, RULES};
use moebias_engine::cpu::CpuEngine;
use moebias_engine::gpu::GpuEngine;
use moebias_engine::message::{Echo, Message, Snapshot};
use moebias_engine::run::Run;
use moebias_engine::start::{RunId, Start};
use moebias_engine::worker::Worker;
use moebias_engine::{Engine, EngineChoice, EngineError, EngineKind};
use moebias_model::balance;
use moebias_model::batch::MOVED_SAMPLE;
use moebias_model::change::{Change, Event, Target};
use moebias_model::config::{
    Balancer, Capacity, Experiment, Gate, Groups, Router, Rule, Schedule, Source, Stays, Synthetic, TraceSource,
    Variant,
};
use moebias_model::learn::settings::World;
use moebias_model::row::StepRow;
use moebias_model::step::{Simulation, State};
use moebias_model::trace::Trace;
use moebias_testing::{or_skip, wait_until};
use std::sync::{Arc, LazyLock};
use std::time::Instant;
use wgpu::Backends;

mod device;
mod selection;

const CONFIGURATIONS: u32 = 60;
const STEPS: u64 = 1000;
/// Steps for rules with an order search, for which a software adapter needs many passes.
const ORDERED_STEPS: u64 = 60;
/// Token–expert pairs per step of the long runs, so few that this file takes little time on two cores.
const PAIRS: u32 = 6000;

/// Every row of a run, the digest at its end, and the rules' memory at its end.
type Outcome = (Vec<StepRow>, String, Vec<Vec<i64>>);

/// Opens an engine on this backend, with a software adapter if need be. `None` if there is no adapter; panics if one is required.
fn open(backends: Backends, test: &str) -> Option<GpuEngine> {
    or_skip(&format!("{test} on {backends:?}"), GpuEngine::open_on(Some(backends), true))
}

const SCHEDULES: [Schedule; 3] = [Schedule::Constant, Schedule::InverseSqrt, Schedule::Inverse];
const RATES: [f64; 6] = [0.0, 1e-5, 0.001, 0.02, 0.3, 1.0];
const STEEPNESSES: [f64; 4] = [0.0, 0.4, 2.0, 100.0];

fn variant(dice: &mut Dice, name: u32, experts: u32, gate: Gate, rule: Rule) -> Variant {
    let most = experts.min(32);
    let top_k = if dice.below(4) == 0 { most } else { dice.within(1, most) };
    let mut balancer = Balancer {
        rule,
        rate: dice.of(&RATES),
        schedule: dice.of(&SCHEDULES),
        centred: dice.below(2) == 1,
        freeze: (dice.below(6) == 0).then(|| u64::from(dice.below(STEPS as u32))),
        momentum: dice.real(0.999),
        steepness: dice.of(&STEEPNESSES),
        derivative: dice.of(&RATES),
        zero_experts: dice.below(experts),
        real_experts: dice.real(32.0),
        ..Balancer::default()
    };
    if rule.orders() {
        (balancer.average, balancer.iterations) = (dice.of(&[0.0, 0.5, 0.999]), dice.within(1, 2));
    }
    let router = Router { experts, top_k, gate, ..Router::default() };
    Variant { name: name.to_string().into(), router, balancer, ..Variant::default() }
}

fn synthetic(dice: &mut Dice, batch: u32) -> Synthetic {
    Synthetic {
        batch,
        topics: dice.of(&[1, 2, 7, 32, 100, 256]),
        skew: dice.real(3.0),
        noise: dice.real(4.0),
        drift: if dice.below(2) == 0 { 0.0 } else { dice.real(100.0) },
        burst: dice.of(&[1, 1, 3, 16, 65_536]),
    }
}

fn trace(dice: &mut Dice, steps: usize, tokens: usize, experts: usize) -> Trace {
    let logits = (0..steps * tokens * experts).map(|_| (dice.real(12.0) - 6.0) as f32).collect();
    Trace::new(steps, tokens, experts, logits)
}

fn change(dice: &mut Dice, experiment: &Experiment, step: u64) -> Event {
    let is_trace = matches!(experiment.source, Source::Trace(_));
    let least = experiment.variants.iter().map(|v| v.router.experts).min().unwrap_or(1).min(32);
    let of_variants = if dice.below(2) == 0 {
        Target::AllVariants
    } else {
        Target::Variant(dice.below(experiment.variants.len() as u32) as usize)
    };
    let batch = experiment.synthetic().map_or(1, |s| s.batch);
    let (target, change) = match dice.below(if is_trace { 15 } else { 22 }) {
        0 => (of_variants, Change::SetTopK(dice.within(1, least))),
        1 => (of_variants, Change::SetGate(dice.of(&GATES))),
        2 => (of_variants, Change::SetRule(dice.of(&RULES))),
        3 => (of_variants, Change::SetRate(dice.of(&RATES))),
        4 => (of_variants, Change::SetSchedule(dice.of(&SCHEDULES))),
        5 => (of_variants, Change::SetCentred(dice.below(2) == 1)),
        6 => (of_variants, Change::ResetBias),
        7 => (of_variants, Change::SetFreeze((dice.below(2) == 0).then_some(step + 20))),
        8 => (of_variants, Change::SetMomentum(dice.real(0.999))),
        9 => (of_variants, Change::SetSteepness(dice.of(&STEEPNESSES))),
        10 => (of_variants, Change::SetDerivative(dice.of(&RATES))),
        11 => (of_variants, Change::SetZeroExperts(dice.below(least))),
        12 => (of_variants, Change::SetRealExperts(dice.real(32.0))),
        13 => (of_variants, Change::SetAverage(dice.real(0.9))),
        14 => (of_variants, Change::SetIterations(dice.within(1, 3))),
        15 => (Target::Source, Change::SetBatch(dice.within(1, batch))),
        16 => (Target::Source, Change::SetTopics(dice.within(1, 256))),
        17 => (Target::Source, Change::SetSkew(dice.real(3.0))),
        18 => (Target::Source, Change::SetNoise(dice.real(4.0))),
        19 => (Target::Source, Change::SetDrift(dice.real(100.0))),
        20 => (Target::Source, Change::SetBurst(dice.within(1, 64))),
        _ => (Target::Source, Change::SetFixed(dice.below(2) == 1)),
    };
    Event { step, target, change }
}

/// Configuration `i`. Gates, rules and sources are cycled through so that every combination of gate and rule occurs; the rest is random.
fn configuration(i: u32) -> Start {
    let mut dice = Dice::new(1000 + i);
    let count = if i.is_multiple_of(3) { dice.within(2, 5) } else { 1 };
    let is_trace = i % 5 == 4;
    let same = dice.of(&[2, 9, 64, 130]);
    let mut variants = vec![];
    for v in 0..count {
        let experts = match (is_trace, dice.below(3)) {
            (true, _) => same,
            (_, 0) => dice.of(&[2, 3, 8, 16, 64, 256]),
            (_, 1) => dice.within(2, 100),
            _ => dice.of(&[31, 257, 1000, 1023, 1024]),
        };
        // There are 36 pairs of gate and rule; each further variant moves on by seven of them.
        let pair = i + 7 * v;
        let gate = GATES[(pair % 3) as usize];
        let rule = RULES[(pair / 3 % 12) as usize];
        variants.push(variant(&mut dice, v, experts, gate, rule));
    }
    let experts: u32 = variants.iter().map(|v| v.router.experts).sum();
    let batch = (PAIRS / experts).clamp(1, 700);
    let mut recorded = None;
    let source = if is_trace {
        let steps = dice.within(1, 9) as usize;
        recorded = Some(Arc::new(trace(&mut dice, steps, batch as usize, same as usize)));
        Source::Trace(TraceSource { file: "made up".into(), ..Default::default() })
    } else if i % 5 == 3 {
        Source::Fixed(synthetic(&mut dice, batch))
    } else {
        Source::Synthetic(synthetic(&mut dice, batch))
    };
    let experiment = Experiment { seed: dice.below(u32::MAX), source, variants };
    let mut steps: Vec<u64> = (0..6).map(|_| u64::from(dice.below(STEPS as u32))).collect();
    steps.sort_unstable();
    let events = steps.into_iter().map(|step| change(&mut dice, &experiment, step)).collect();
    Start { experiment, trace: recorded, state: None, events, stop: None }
}

/// The number of steps for which a configuration is run.
fn steps_of(start: &Start) -> u64 {
    let ordered = start.experiment.variants.iter().any(|v| v.balancer.rule.orders())
        || start.events.iter().any(|e| matches!(e.change, Change::SetRule(rule) if rule.orders()));
    if ordered { ORDERED_STEPS } else { STEPS }
}

/// Runs to the end and returns every row.
fn rows(start: &Start, engine: &mut dyn Engine, steps: u64) -> Outcome {
    let mut run = Run::new(RunId(1), start.clone()).unwrap();
    let mut rows = vec![];
    while run.step() < steps {
        let left = (steps - run.step()) as u32;
        run.advance(engine, left, |row, _| rows.push(row.clone())).unwrap();
    }
    let memory = run.simulation().state().variants.iter().map(|v| v.memory.clone()).collect();
    (rows, run.simulation().digest().to_string(), memory)
}

fn assert_same(name: &str, start: &Start, wanted: &Outcome, made: &Outcome) {
    for (a, b) in wanted.0.iter().zip(&made.0) {
        if a == b {
            continue;
        }
        let at = a.variants.iter().zip(&b.variants).position(|(a, b)| a != b);
        let (mut x, mut y) = (a.clone(), b.clone());
        if let Some(v) = at {
            (x.variants, y.variants) = (vec![a.variants[v].clone()], vec![b.variants[v].clone()]);
        }
        panic!(
            "{name}, step {}, variant {at:?}:\nmodel {x:?}\nGPU   {y:?}\n{:?}\n{:?}",
            a.step, start.experiment, start.events
        );
    }
    assert_eq!((wanted.0.len(), &wanted.1, &wanted.2), (made.0.len(), &made.1, &made.2), "{name}");
}

/// The results of the model, computed once for all backends.
static WANTED: LazyLock<Vec<(Start, Outcome)>> = LazyLock::new(|| {
    let run = |i| {
        let start = configuration(i);
        let wanted = rows(&start, &mut CpuEngine::new(""), steps_of(&start));
        (start, wanted)
    };
    (0..CONFIGURATIONS).map(run).collect()
});

fn random_configurations(backends: Backends) {
    let Some(mut engine) = open(backends, "random configurations") else { return };
    for (i, (start, wanted)) in WANTED.iter().enumerate() {
        let made = rows(start, &mut engine, steps_of(start));
        assert_same(&format!("configuration {i} on {}", engine.info().adapter), start, wanted, &made);
    }
}

#[test]
fn random_configurations_on_vulkan() {
    random_configurations(Backends::VULKAN);
}

#[test]
fn random_configurations_on_gl() {
    random_configurations(Backends::GL);
}

#[test]
fn the_configurations_cover_what_they_should() {
    let all: Vec<Start> = (0..CONFIGURATIONS).map(configuration).collect();
    let variants = || all.iter().flat_map(|s| &s.experiment.variants);
    for gate in GATES {
        for rule in RULES {
            assert!(variants().any(|v| v.router.gate == gate && v.balancer.rule == rule), "{gate} with {rule}");
        }
    }
    for keep in [1..=4, 5..=8, 9..=16, 17..=32] {
        assert!(variants().any(|v| keep.contains(&v.router.top_k)), "K in {keep:?}");
    }
    assert!(variants().any(|v| v.router.top_k == 32));
    assert!(variants().any(|v| v.router.experts == 1024) && variants().any(|v| v.router.experts == 2));
    assert!(variants().filter(|v| !v.router.experts.is_multiple_of(8)).count() >= 10);
    assert!(
        variants().any(|v| v.balancer.centred)
            && SCHEDULES.iter().all(|&s| variants().any(|v| v.balancer.schedule == s))
    );
    let sources = || all.iter().map(|s| &s.experiment.source);
    assert!(sources().any(|s| matches!(s, Source::Fixed(_))) && sources().any(|s| matches!(s, Source::Trace(_))));
    assert!(sources().any(|s| matches!(s, Source::Synthetic(s) if s.drift > 0.0 && s.burst > 1)));
    let change = |name: &str| all.iter().flat_map(|s| &s.events).any(|e| e.change.name() == name);
    let names =
        ["top_k", "gate", "rule", "rate", "schedule", "centred", "bias", "batch", "topics", "drift", "fixed", "freeze"];
    let more = ["momentum", "steepness", "derivative", "zero_experts", "real_experts", "average", "iterations"];
    for name in names.into_iter().chain(more) {
        assert!(change(name), "no event changes {name}");
    }
}

/// Batches of many workgroups, so large that the first step is submitted in pieces on a slow adapter.
fn large_batches(backends: Backends) {
    let Some(mut engine) = open(backends, "large batches") else { return };
    for (batch, experts, top_k, count) in [(20_001, 256, 8, 1), (70_000, 17, 3, 2), (5000, 1024, 32, 1), (1, 2, 2, 64)]
    {
        let mut dice = Dice::new(batch);
        let variants = (0..count).map(|v| Variant {
            router: Router { experts, top_k, gate: GATES[(v % 3) as usize], ..Router::default() },
            ..variant(&mut dice, v, experts, Gate::Sigmoid, RULES[((v + batch) % 12) as usize])
        });
        let variants = variants.collect();
        let source = Source::Synthetic(Synthetic { drift: 20.0, ..synthetic(&mut dice, batch) });
        let experiment = Experiment { seed: 5, source, variants };
        let start = Start { experiment, trace: None, state: None, events: vec![], stop: None };
        let wanted = rows(&start, &mut CpuEngine::new(""), 4);
        let made = rows(&start, &mut engine, 4);
        assert_same(&format!("{batch} tokens at {experts} experts"), &start, &wanted, &made);
    }
}

#[test]
fn large_batches_on_vulkan() {
    large_batches(Backends::VULKAN);
}

#[test]
fn large_batches_on_gl() {
    large_batches(Backends::GL);
}

/// Variants with the same number of experts share tokens and scores, four at a time. The last group may be smaller, and variants with
/// another number of experts, or with too many, are on their own.
fn sweeps(backends: Backends) {
    let Some(mut engine) = open(backends, "sweeps") else { return };
    for (seed, experts, count) in [(1, 24, 9), (2, 512, 3), (3, 520, 2), (4, 7, 64)] {
        let mut dice = Dice::new(seed);
        let of = |v: u32, dice: &mut Dice| {
            let other = v % 8 == 5;
            // Rules with an order search share scores with rules without; where experts choose there is no dispatch at all.
            let rule = match v % 8 {
                2 => Rule::Quantile,
                4 => Rule::ExpertChoice,
                6 => Rule::Bip,
                _ => RULES[(v % 2 * 3 / 2 + v / 32) as usize],
            };
            let gate = GATES[(v / 16 % 2) as usize];
            let experts = if other { experts + 3 } else { experts };
            let router = Router { experts, top_k: 1 + dice.below(experts.min(9)), gate, ..Router::default() };
            Variant { router, ..variant(dice, v, experts, gate, rule) }
        };
        let variants: Vec<Variant> = (0..count).map(|v| of(v, &mut dice)).collect();
        let source = Source::Synthetic(Synthetic { drift: 20.0, ..synthetic(&mut dice, 700) });
        let experiment = Experiment { seed, source, variants };
        let start = Start { experiment, trace: None, state: None, events: vec![], stop: None };
        let wanted = rows(&start, &mut CpuEngine::new(""), 12);
        assert_same(&format!("{count} variants at {experts} experts"), &start, &wanted, &rows(&start, &mut engine, 12));
    }
}

#[test]
fn sweeps_on_vulkan() {
    sweeps(Backends::VULKAN);
}

#[test]
fn sweeps_on_gl() {
    sweeps(Backends::GL);
}

/// Biases as far apart as a start state may have them, so that keys saturate and 64 bits are needed.
fn extreme_biases(backends: Backends) {
    let Some(mut engine) = open(backends, "extreme biases") else { return };
    for rule in RULES {
        let variants = [(false, Gate::Sigmoid), (true, Gate::SqrtSoftplus)].map(|(centred, gate)| Variant {
            name: Default::default(),
            router: Router { experts: 200, top_k: 9, gate, ..Router::default() },
            balancer: Balancer { rule, rate: 1.0, centred, derivative: 1.0, zero_experts: 3, ..Balancer::default() },
            learning: Default::default(),
        });
        let source = Source::Synthetic(Synthetic { batch: 300, ..Synthetic::default() });
        let experiment = Experiment { seed: 5, source, variants: variants.into() };
        let mut state = Simulation::new(experiment.clone(), None).unwrap().state().clone();
        let mut dice = Dice::new(77);
        for b in state.variants.iter_mut().flat_map(|v| &mut v.bias) {
            let size = 1i64 << dice.within(0, 52);
            let inexact = i64::from(dice.below(4096)).min(size - 1);
            *b = dice.of(&[size, -size, size - inexact, inexact - size, inexact, -inexact]);
        }
        let most = balance::memory_limit(rule);
        for v in state.variants.iter_mut().filter(|_| most > 0) {
            v.memory = (0..v.bias.len()).map(|_| dice.of(&[most, -most, 0, 1, -1, most / 3])).collect();
        }
        state.variants[0].bias[7] = 1 << 52;
        state.variants[0].bias[8] = -(1 << 52);
        if rule == Rule::Multiplicative {
            // Factors below 0 or beyond the clamp of the rule are not valid.
            state.variants.iter_mut().flat_map(|v| &mut v.bias).for_each(|b| *b = b.abs().min(LARGEST_FACTOR));
        }
        let start = Start { experiment, trace: None, state: Some(state), events: vec![], stop: None };
        let wanted = rows(&start, &mut CpuEngine::new(""), 40);
        assert!(
            matches!(rule, Rule::Multiplicative | Rule::Bip | Rule::ExpertChoice)
                || wanted.0[0].variants[0].saturated > 0
        );
        assert_same(&format!("{rule}"), &start, &wanted, &rows(&start, &mut engine, 40));
    }
}

#[test]
fn extreme_biases_on_vulkan() {
    extreme_biases(Backends::VULKAN);
}

#[test]
fn extreme_biases_on_gl() {
    extreme_biases(Backends::GL);
}

fn traced(gates: &[Gate]) -> Start {
    let mut dice = Dice::new(3);
    let recorded = Arc::new(trace(&mut dice, 11, 70, 33));
    let variants = gates.iter().zip(0..).map(|(&gate, v)| variant(&mut dice, v, 33, gate, Rule::Sign)).collect();
    let source = Source::Trace(TraceSource { file: "made up".into(), ..Default::default() });
    let experiment = Experiment { seed: 5, source, variants };
    Start { experiment, trace: Some(recorded), state: None, events: vec![], stop: None }
}

#[test]
fn a_trace_that_does_not_fit_goes_up_in_pieces() {
    let Some(engine) = open(Backends::all(), "a trace in pieces") else { return };
    let start = traced(&GATES);
    let one_step = 2 * 70 * 33 * 4;
    let wanted = rows(&start, &mut CpuEngine::new(""), 40);
    let mut engine = engine.with_trace_memory(3 * one_step + 5);
    assert_same("three steps at a time", &start, &wanted, &rows(&start, &mut engine, 40));
    let mut engine = engine.with_trace_memory(one_step);
    // The engine keeps its buffers until something changes, so this uses another experiment.
    let other = traced(&[Gate::Softmax, Gate::Sigmoid]);
    let wanted = rows(&other, &mut CpuEngine::new(""), 25);
    assert_same("one step at a time", &other, &wanted, &rows(&other, &mut engine, 25));
    let mut engine = engine.with_trace_memory(one_step - 1);
    let mut simulation = Simulation::new(traced(&GATES).experiment, traced(&GATES).trace).unwrap();
    let outcome = engine.advance(&mut simulation, 1, &mut vec![]);
    assert!(
        matches!(&outcome, Err(EngineError::Unsupported(why)) if why.contains("one step of this trace")),
        "{outcome:?}"
    );
    assert_eq!(simulation.step(), 0);
}
