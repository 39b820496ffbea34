//! Times whole steps with every CPU kernel and the GPU of this machine: `cargo bench --bench step`. Throughput is in token–expert pairs.
//! `given scores` routes a trace whose scores were quantised before, `given logits` one whose gate is taken in every step.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use moebias_engine::cpu::{CpuEngine, Kernel};
use moebias_engine::{self as engine, Engine, EngineChoice};
use moebias_model::config::{Experiment, Gate, Router, Source, Synthetic, TraceSource, Variant};
use moebias_model::step::Simulation;
use moebias_model::trace::Trace;
use std::sync::Arc;

/// Tokens, experts, K.
const SIZES: [(u32, u32, u32); 4] = [(4096, 64, 6), (16_384, 64, 6), (16_384, 256, 8), (65_536, 256, 8)];
/// Number of steps per call of the engine, so that a GPU is not only timed by reading back.
const TOGETHER: u32 = 8;

/// Every engine of this machine.
fn engines() -> Vec<Box<dyn Engine>> {
    let mut all: Vec<Box<dyn Engine>> = vec![];
    for kernel in Kernel::available() {
        all.push(Box::new(CpuEngine::with_kernel(kernel, "")));
    }
    match engine::open(EngineChoice::Gpu) {
        Ok(gpu) => all.push(gpu),
        Err(e) => eprintln!("no GPU here: {e}"),
    }
    all
}

fn variant(experts: u32, top_k: u32, gate: Gate) -> Variant {
    Variant { router: Router { experts, top_k, gate, ..Router::default() }, ..Variant::default() }
}

fn synthetic(batch: u32, variants: Vec<Variant>) -> Option<Simulation> {
    let source = Source::Synthetic(Synthetic { batch, ..Synthetic::default() });
    Simulation::new(Experiment { seed: 1, source, variants }, None).ok()
}

/// A simulation of a trace of two batches, used in turn. The gate is applied when the trace is loaded, or in every step.
fn traced(batch: u32, experts: u32, top_k: u32, gate_each_step: bool) -> Option<Simulation> {
    let tokens = batch as usize;
    let logits = (0..2 * tokens * experts as usize).map(|i| ((i * 7919) % 10_007) as f32 / 1250.0 - 4.0).collect();
    let mut trace = Trace::new(2, tokens, experts as usize, logits);
    trace.gate_each_step = gate_each_step;
    let trace = Arc::new(trace);
    let source = Source::Trace(TraceSource { file: "made up".into(), ..Default::default() });
    let variants = vec![variant(experts, top_k, Gate::Sigmoid)];
    Simulation::new(Experiment { seed: 1, source, variants }, Some(trace)).ok()
}

fn time(c: &mut Criterion, name: &str, pairs: u64, simulation: &Simulation) {
    let mut group = c.benchmark_group(name);
    group.sample_size(10);
    group.throughput(Throughput::Elements(u64::from(TOGETHER) * pairs));
    for mut engine in engines() {
        let mut simulation = simulation.clone();
        // Not every engine supports everything: the GPU leaves recorded logits to the CPU.
        if let Err(e) = engine.advance(&mut simulation, 1, &mut vec![]) {
            eprintln!("{name}: {e}");
            continue;
        }
        let id = BenchmarkId::from_parameter(format!("{} {}", engine.info().kind, engine.info().adapter));
        group.bench_function(id, |b| {
            b.iter(|| {
                let mut rows = vec![];
                while rows.len() < TOGETHER as usize {
                    let left = TOGETHER - rows.len() as u32;
                    if let Err(e) = engine.advance(&mut simulation, left, &mut rows) {
                        eprintln!("{e}");
                        return;
                    }
                }
            });
        });
    }
    group.finish();
}

fn steps(c: &mut Criterion) {
    for (batch, experts, top_k) in SIZES {
        let pairs = u64::from(batch) * u64::from(experts);
        let size = format!("{batch}x{experts}x{top_k}");
        if let Some(s) = synthetic(batch, vec![variant(experts, top_k, Gate::Sigmoid)]) {
            time(c, &size, pairs, &s);
        }
        if let Some(s) = traced(batch, experts, top_k, false) {
            time(c, &format!("{size}, given scores"), pairs, &s);
        }
        if let Some(s) = traced(batch, experts, top_k, true) {
            time(c, &format!("{size}, given logits"), pairs, &s);
        }
    }
    let pairs = 4096 * 64;
    if let Some(s) = synthetic(4096, vec![variant(64, 6, Gate::Softmax)]) {
        time(c, "4096x64x6, softmax", pairs, &s);
    }
    for top_k in [16, 32] {
        if let Some(s) = synthetic(4096, vec![variant(64, top_k, Gate::Sigmoid)]) {
            time(c, &format!("4096x64x{top_k}"), pairs, &s);
        }
    }
    // A sweep: 64 variants share tokens, logits and scores.
    if let Some(s) = synthetic(4096, vec![variant(64, 6, Gate::Sigmoid); 64]) {
        time(c, "4096x64x6, 64 variants", 64 * pairs, &s);
    }
}

criterion_group!(benches, steps);
criterion_main!(benches);
