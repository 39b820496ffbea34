//! Times pushing a step to the history and reading the columns of a plot, after a thousand steps and after a million, with 1024 experts:
//! `cargo bench --bench history`. Reading must take the same time in both cases.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use moebias_engine::history::History;
use moebias_model::metrics::Metrics;
use moebias_model::row::{StepRow, VariantRow};
use std::hint::black_box;

const EXPERTS: usize = 1024;
/// Number of points across a plot.
const POINTS: u64 = 1000;

fn row() -> StepRow {
    let loads = (0..EXPERTS as u32).map(|e| 20 + e * 7919 % 13).collect();
    let bias = (0..EXPERTS as i64).map(|e| e << 20).collect();
    let variant = VariantRow { top_k: 8, loads, bias, ..VariantRow::default() };
    StepRow { step: 0, tokens: 4096, variants: vec![variant] }
}

fn after(steps: u64) -> (History, StepRow) {
    let (mut history, mut row) = (History::new(&[EXPERTS], 0), row());
    for step in 0..steps {
        row.step = step;
        history.push(&row, &[Metrics::default()]);
    }
    (history, row)
}

fn history(c: &mut Criterion) {
    let mut group = c.benchmark_group("history of 1024 experts");
    for steps in [1000, 1_000_000] {
        let (mut history, mut row) = after(steps);
        println!("{steps} steps: {:.1} MiB of columns", history.bytes_used() as f64 / f64::from(1 << 20));
        let v = &history.variants[0];
        // The whole run, and its last thousand steps.
        for (name, from) in [("read all", 0), ("read the latest", steps - POINTS)] {
            let width = (steps - from).div_ceil(POINTS);
            let sums = || {
                let columns = v.columns(from, steps, width);
                columns.iter().map(|c| c.load_high().iter().copied().fold(0.0, f32::max)).sum::<f32>()
            };
            group.bench_function(BenchmarkId::new(name, steps), |b| b.iter(|| black_box(sums())));
        }
        group.bench_function(BenchmarkId::new("push", steps), |b| {
            b.iter(|| {
                row.step = history.head;
                history.push(&row, &[Metrics::default()]);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, history);
criterion_main!(benches);
