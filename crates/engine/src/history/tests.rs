//! Compares what a history returns with the rows that were pushed.

use super::*;
use moebias_model::random::{Stream, pcg4d};
use moebias_model::row::VariantRow;

fn noise(step: u64, word: u32) -> u32 {
    pcg4d(step as u32, word, Stream::Topic, 7)[0]
}

fn row(step: u64, experts: usize) -> StepRow {
    let loads = (0..experts).map(|e| noise(step, e as u32) % 97).collect();
    let bias = (0..experts).map(|e| i64::from(noise(step, e as u32 + 5000)) - (1 << 31)).collect();
    let row = VariantRow { top_k: 4, loads, bias, moved: 0, moved_of: 4, ..VariantRow::default() };
    StepRow { step, tokens: 10, variants: vec![row] }
}

fn figures(step: u64) -> [Metrics; 1] {
    let max_vio = f64::from(noise(step, 9000)) / 4e9;
    [Metrics { max_vio, bias_median: max_vio / 3.0, bias_max: max_vio, ..Metrics::default() }]
}

fn push(h: &mut History, step: u64, experts: usize) {
    h.push(&row(step, experts), &figures(step));
}

/// Checks that every column equals what its steps give when summarised afresh.
fn check(columns: &[Arc<Column>], experts: usize) {
    for c in columns {
        let all: Vec<Column> =
            (c.step..c.end()).flat_map(|s| columns_of(&row(s, experts), &figures(s)).collect::<Vec<_>>()).collect();
        let n = all.len() as f64;
        for e in 0..experts {
            let (of_load, of_bias) = (all.iter().map(|c| c.load[e]), all.iter().map(|c| c.bias[e]));
            assert_eq!(of_load.clone().fold(f32::INFINITY, f32::min), c.load_low()[e]);
            assert_eq!(of_load.clone().fold(f32::NEG_INFINITY, f32::max), c.load_high()[e]);
            assert_eq!(of_bias.clone().fold(f32::INFINITY, f32::min), c.bias_low()[e]);
            assert_eq!(of_bias.clone().fold(f32::NEG_INFINITY, f32::max), c.bias_high()[e]);
            let mean = |it: &mut dyn Iterator<Item = f32>| it.map(f64::from).sum::<f64>() / n;
            assert!((mean(&mut of_load.clone()) - f64::from(c.load[e])).abs() < 1e-4);
            assert!((mean(&mut of_bias.clone()) - f64::from(c.bias[e])).abs() < 1e-5);
        }
        let vio = all.iter().map(|c| c.metrics.max_vio);
        assert_eq!(vio.clone().fold(f64::INFINITY, f64::min), c.low().max_vio);
        assert_eq!(vio.clone().fold(0.0, f64::max), c.high().max_vio);
        assert!((vio.sum::<f64>() / n - c.metrics.max_vio).abs() < 1e-9);
        let above = all.iter().map(|c| c.metrics.bias_max - c.metrics.bias_median).fold(f64::NEG_INFINITY, f64::max);
        assert_eq!(above, c.around_median()[1]);
    }
}

/// Checks that the columns are in order, without a gap, and cover \[from, to).
fn whole(columns: &[Arc<Column>], from: u64, to: u64) {
    assert!(columns.first().unwrap().step <= from && columns.last().unwrap().end() >= to);
    columns.windows(2).for_each(|w| assert_eq!(w[0].end(), w[1].step));
}

#[test]
fn any_range_at_any_width_is_whole_and_exact() {
    let mut h = History::within(&[3], 0, 1 << 20);
    for step in 0..60_000 {
        push(&mut h, step, 3);
    }
    let v = &h.variants[0];
    for i in 0..200 {
        let from = u64::from(noise(i, 1)) % 60_000;
        let to = (from + 1 + u64::from(noise(i, 2)) % [10, 300, 60_000][i as usize % 3]).min(60_000);
        let width = ((to - from) / 100).max(1);
        let columns = v.columns(from, to, width);
        whole(&columns, from, to);
        assert!(columns.len() < 100 * RATIO + 40, "{} columns", columns.len());
        if to - from < 3000 {
            check(&columns, 3);
        }
    }
    check(&v.columns(0, 20_000, 200), 3);
    assert!(v.columns(59_900, 60_000, 1).iter().all(|c| c.steps == 1), "the end is exact");
    assert_eq!(v.at(59_999).unwrap().steps, 1);
    assert!(v.exact(5).is_none() && v.at(5).is_some());
}

#[test]
fn memory_stays_within_its_budget() {
    for (experts, variants, steps) in [(4, 1, 1_000_000), (1024, 1, 20_000), (256, 16, 2000)] {
        let shape = vec![experts; variants];
        let mut h = History::new(&shape, 0);
        // The same row at every step: only the memory matters here.
        let mut row = row(0, experts);
        row.variants = vec![row.variants[0].clone(); variants];
        let metrics = vec![figures(0)[0]; variants];
        let mut most = 0;
        for step in 0..steps {
            row.step = step;
            h.push(&row, &metrics);
            most = most.max(h.bytes_used());
        }
        assert!(most <= budget(&shape), "{most} bytes of {experts} experts");
        let columns = h.variants[0].columns(0, steps, steps / 1000);
        whole(&columns, 0, steps);
        assert!(columns.len() >= 200 && columns.len() < 5000, "{} columns", columns.len());
    }
    assert_eq!(budget(&[1024; 64]), MOST_BYTES);
}

/// [`Column::bytes`] is at least what a column really uses.
#[test]
fn a_column_takes_what_it_is_said_to_take() {
    let one: Vec<Arc<Column>> = columns_of(&row(0, 100), &figures(0)).map(Arc::new).collect();
    let lists = |c: &Column| 4 * (c.load.len() + c.bias.len());
    assert!(Column::bytes(100)[0] >= size_of::<Column>() + lists(&one[0]));
    let joined = Column::joined(&one).unwrap();
    assert!(Column::bytes(100)[1] >= size_of::<Column>() + 3 * lists(&joined) + 2 * size_of::<Metrics>());
}

#[test]
fn changing_the_past_keeps_what_was_before() {
    for (cut, from) in
        [(39_321, None), (1234, None), (1234, Some(900)), (20_007, Some(19_000)), (3, Some(0)), (0, None)]
    {
        let mut h = History::within(&[3], 0, 1 << 20);
        for step in 0..40_000 {
            push(&mut h, step, 3);
        }
        let start = h.boundary(cut).unwrap();
        // The run goes back to a checkpoint before that and recomputes up to the step.
        for step in from.unwrap_or(start).min(start)..cut {
            push(&mut h, step, 3);
        }
        h.truncate(cut);
        assert_eq!(h.head, cut);
        if cut > 0 {
            let columns = h.variants[0].columns(0, cut, 50);
            whole(&columns, 0, cut);
            assert_eq!(columns.last().unwrap().end(), cut);
            check(&columns, 3);
        }
        for step in cut..cut + 3000 {
            push(&mut h, step, 3);
        }
        for width in [1, 7, 100, 1000] {
            let columns = h.variants[0].columns(0, cut + 3000, width);
            whole(&columns, 0, cut + 3000);
            check(&columns, 3);
        }
    }
}

#[test]
fn what_was_not_computed_again_is_missing_and_nothing_else() {
    let mut h = History::within(&[3], 0, 1 << 20);
    for step in 0..40_000 {
        push(&mut h, step, 3);
    }
    let start = h.boundary(1234).unwrap();
    assert!(start < 1234, "kept coarsely");
    h.truncate(1234);
    for step in 1234..5000 {
        push(&mut h, step, 3);
    }
    let columns = h.variants[0].columns(0, 5000, 10);
    check(&columns, 3);
    let covered: u64 = columns.iter().map(|c| c.steps).sum();
    assert_eq!(covered, 5000 - (1234 - start));
}

#[test]
fn detail_lies_over_the_levels() {
    let mut h = History::within(&[3], 0, 1 << 20);
    for step in 0..40_000 {
        push(&mut h, step, 3);
    }
    let mut fine = History::within(&[3], 1000, 1 << 20);
    for step in 1000..1400 {
        push(&mut fine, step, 3);
    }
    let coarse = h.variants[0].columns(900, 1500, 1);
    h.set_detail(Some(&fine));
    let columns = h.variants[0].columns(900, 1500, 1);
    assert!(columns.len() > coarse.len());
    check(&columns, 3);
    assert!(columns.iter().filter(|c| (1000..1400).contains(&c.step)).all(|c| c.steps == 1));
    assert_eq!(h.variants[0].width(1000, 1400), 1);
    assert!(h.variants[0].width(900, 1400) > 1);
    assert_eq!(h.variants[0].at(1200).unwrap().steps, 1);
    h.truncate(1399);
    assert!(h.variants[0].at(1200).unwrap().steps > 1, "detail of another future goes");
}
