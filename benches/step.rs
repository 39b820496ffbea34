//! Whole steps per second on every engine this machine has: `cargo bench`. Throughput is in token–expert pairs.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use moebias::engine::{self, EngineChoice};
use moebias::model::config::{Experiment, Router, Source, Synthetic, Variant};
use moebias::model::step::Simulation;

/// Tokens, experts, K.
const SIZES: [(u32, u32, u32); 4] = [(4096, 64, 6), (16_384, 64, 6), (16_384, 256, 8), (65_536, 256, 8)];
/// Steps in one piece, so that a GPU is not timed by its read-backs alone.
const TOGETHER: u32 = 8;

fn steps(c: &mut Criterion) {
    for choice in [EngineChoice::Cpu, EngineChoice::Gpu] {
        let Ok(mut engine) = engine::open(choice) else {
            eprintln!("no {choice} here");
            continue;
        };
        let mut group = c.benchmark_group(format!("{} {}", engine.info().kind, engine.info().adapter));
        group.sample_size(10);
        for (batch, experts, top_k) in SIZES {
            let router = Router { experts, top_k, ..Router::default() };
            let variant = Variant { name: "a".into(), router, balancer: Default::default() };
            let source = Source::Synthetic(Synthetic { batch, ..Synthetic::default() });
            let experiment = Experiment { seed: 1, source, variants: vec![variant] };
            let Ok(mut simulation) = Simulation::new(experiment, None) else { continue };
            group.throughput(Throughput::Elements(u64::from(TOGETHER) * u64::from(batch) * u64::from(experts)));
            let id = BenchmarkId::from_parameter(format!("{batch}x{experts} K{top_k}, {TOGETHER} steps"));
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
}

criterion_group!(benches, steps);
criterion_main!(benches);
