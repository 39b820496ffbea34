//! Times whole steps of routers that learn: `cargo bench --bench learning`. T = 2,048, E = 64, K = 6, on all cores.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use moebias_engine::Engine;
use moebias_engine::cpu::CpuEngine;
use moebias_model::config::{Experiment, Source, Variant};
use moebias_model::learn::settings::{Auxiliary, Learning, World};
use moebias_model::step::Simulation;

/// Number of steps per call of the engine.
const TOGETHER: u32 = 8;

fn learning(c: &mut Criterion) {
    let mut group = c.benchmark_group("learning, 2048x64x6");
    group.sample_size(20);
    group.throughput(Throughput::Elements(u64::from(TOGETHER)));
    for variants in [1, 4] {
        let learning = Learning { auxiliary: Auxiliary::Normalised, ..Learning::default() };
        let one =
            Variant { name: Default::default(), router: Default::default(), balancer: Default::default(), learning };
        let source = Source::Learning(World::default());
        let experiment = Experiment { seed: 1, source, variants: vec![one; variants] };
        let Ok(mut simulation) = Simulation::new(experiment, None) else { return };
        let mut engine = CpuEngine::new("measured");
        let id = BenchmarkId::from_parameter(format!("{variants} variants, {}", engine.info().adapter));
        group.bench_function(id, |b| {
            b.iter(|| {
                let mut rows = vec![];
                engine.advance(&mut simulation, TOGETHER, &mut rows).ok();
                rows
            });
        });
    }
    group.finish();
}

criterion_group!(benches, learning);
criterion_main!(benches);
