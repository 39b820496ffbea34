//! Compares whole runs with NumPy, which `tests/data/learning.py` ran in f64.

use super::*;

/// A run of `tests/data/learning.py`.
#[derive(Deserialize)]
struct Numpy {
    name: String,
    gate: Gate,
    gating: Gating,
    optimiser: Optimiser,
    auxiliary: Auxiliary,
    alpha: f64,
    z_loss: f64,
    rule: Rule,
    rates: [f64; 2],
    steps: Vec<NumpyStep>,
    norms: std::collections::HashMap<String, f64>,
}

#[derive(Deserialize)]
struct NumpyStep {
    loads: Vec<u32>,
    loss: f64,
    nmse: f64,
    cosine: f64,
    force: f64,
    mean_score: f64,
}

/// The same numbers as `grid` in `tests/data/learning.py`.
fn grid(i: usize, a: u64, b: u64, scale: f64) -> f32 {
    let i = i as u64;
    (((a * i * i + b * i + 17) % 251) as f32 - 125.0) * scale as f32
}

fn numpy_examples(step: usize) -> Examples {
    let kind = |t: usize| if t.is_multiple_of(2) { 0 } else { 1 + t / 2 % 3 };
    let x: Vec<[f32; DIM]> = (0..64)
        .map(|t| {
            let at = |j| {
                let centre = f64::from(grid(kind(t) * DIM + j, 3, 19, 1.0 / 90.0));
                (centre + f64::from(grid((step * 64 + t) * DIM + j, 17, 23, 1.0 / 200.0))) as f32
            };
            std::array::from_fn(at)
        })
        .collect();
    let y = (0..64).map(|t| {
        let map = |j: usize, q| f64::from(grid((kind(t) * DIM + j) * OUT + q, 13, 3, 1.0 / 400.0));
        std::array::from_fn(|q| (0..DIM).map(|j| f64::from(x[t][j]) * map(j, q)).sum::<f64>() as f32)
    });
    let y = y.collect();
    Examples { x, y }
}

/// Compares f32 here with f64 in NumPy over 40 steps. Loads must be equal.
#[test]
fn whole_runs_agree_with_numpy() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/learning.json")).unwrap();
    let cases: Vec<Numpy> = serde_json::from_str(&text).unwrap();
    assert_eq!(cases.len(), 11);
    for case in cases {
        let name = &case.name;
        let settings = Learning {
            optimiser: case.optimiser,
            expert_rate: case.rates[0],
            router_rate: case.rates[1],
            horizon: 100,
            gating: case.gating,
            auxiliary: case.auxiliary,
            alpha: case.alpha,
            z_loss: case.z_loss,
            sequence: 16,
            batches: 4,
        };
        let router = Router { experts: 8, top_k: 2, gate: case.gate, ..Router::default() };
        let mut learned = Learned::untrained(8, 0);
        for (i, p) in learned.parameters.iter_mut().enumerate() {
            *p = match i {
                0..256 => grid(i, 7, 31, 1.0 / 300.0),
                // NumPy's order is [expert][DIM][OUT].
                256..2304 => grid((i - 256) / 256 * 256 + i % DIM * OUT + i % 256 / DIM, 11, 5, 1.0 / 4000.0),
                _ => 0.0,
            };
        }
        let mut bias = vec![0i64; 8];
        let mut room = Room::default();
        for (n, wanted) in case.steps.iter().enumerate() {
            let examples = numpy_examples(n);
            let selector = Selector::new(case.rule, &bias);
            let scores = Scorer::new(&learned.parameters, 8, case.gate).all(&examples.x, &Alone);
            let mut loads = vec![0; 8];
            scores.chunks(8).for_each(|row| top(&selector, row, 2).into_iter().for_each(|e| loads[e] += 1));
            assert_eq!(loads, wanted.loads, "{name}, step {n}");
            let (examples, router, selector) = (&examples, &router, &selector);
            let lesson = Lesson {
                examples,
                router,
                selector,
                scores: &scores,
                loads: &loads,
                settings: &settings,
                step: n as u64,
            };
            let row = train(&mut learned, &lesson, &mut room, &Alone).unwrap();
            let pairs = [
                (row.loss, wanted.loss),
                (row.nmse, wanted.nmse),
                (row.cosine, wanted.cosine),
                (row.force, wanted.force),
                (row.mean_score, wanted.mean_score),
            ];
            for (i, (ours, numpy)) in pairs.into_iter().enumerate() {
                assert!(
                    (ours - numpy).abs() < 2e-4 * (0.1 + numpy.abs()),
                    "{name}, step {n}, figure {i}: {ours} for {numpy}"
                );
            }
            let balancer = Balancer { rule: case.rule, rate: 0.01, ..Balancer::default() };
            let step = Step::new(router, 64, balance::rates_at(&balancer, 0, 0));
            balance::update(&balancer, &mut bias, &mut vec![], &loads, step);
        }
        let norm = |range: std::ops::Range<usize>| {
            learned.parameters[range].iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt()
        };
        for (key, range) in [("C", 0..256), ("W", 256..2304), ("S", 2304..length(8))] {
            let (ours, numpy) = (norm(range), case.norms[key]);
            assert!((ours / numpy - 1.0).abs() < 1e-4, "{name}: |{key}| is {ours}, not {numpy}");
        }
    }
}
