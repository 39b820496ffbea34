//! Two recordings of the same tokens compared, against a plain evaluation in double precision.

use crate::text::{Random, npy, read, single};
use moebias_recordings::{Differences, ReadError, Reading, Recording};

const TOKENS: usize = 5000;
const LAYERS: usize = 3;
const EXPERTS: usize = 16;
const K: usize = 4;

/// Logits [layers, tokens, experts], and the same ones disturbed.
fn made() -> [Vec<f64>; 2] {
    let mut random = Random(7);
    let clean: Vec<f64> = (0..LAYERS * TOKENS * EXPERTS).map(|_| f64::from(random.normal() as f32)).collect();
    let disturbed = clean.iter().map(|x| f64::from((x + 0.01 * random.normal()) as f32)).collect();
    [clean, disturbed]
}

/// The chosen experts of a row in rising order, and the margin of the choice.
fn plain(row: &[f64]) -> (Vec<usize>, f64) {
    let mut order: Vec<usize> = (0..row.len()).collect();
    order.sort_by(|&a, &b| row[b].total_cmp(&row[a]));
    let gate = |e: usize| 1.0 / (1.0 + (-row[e]).exp());
    let margin = gate(order[K - 1]) - gate(order[K]);
    order.truncate(K);
    order.sort_unstable();
    (order, margin)
}

fn reading() -> Reading {
    Reading { top_k: Some(K as u32), ..Reading::default() }
}

fn scores(logits: &[f64]) -> Recording {
    let file = npy("<f4", &[LAYERS, TOKENS, EXPERTS], &single(logits));
    let axes = Some("layers, tokens, experts".into());
    read("router_logits.npy", file, &Reading { axes, ..reading() }).unwrap()
}

/// Chosen experts [tokens, layers, k], the order of the experts reversed.
fn selections(logits: &[f64]) -> Recording {
    let mut bytes = vec![];
    for token in 0..TOKENS {
        for layer in 0..LAYERS {
            let (experts, _) = plain(&logits[(layer * TOKENS + token) * EXPERTS..][..EXPERTS]);
            bytes.extend(experts.iter().rev().flat_map(|&e| (e as i16).to_le_bytes()));
        }
    }
    read("routed_experts.npy", npy("<i2", &[TOKENS, LAYERS, K], &bytes), &Reading::default()).unwrap()
}

fn compared(a: (&Recording, &Reading), b: (&Recording, &Reading)) -> Result<Differences, ReadError> {
    a.0.differences(a.1, b.0, b.1, &|_| true).map(Option::unwrap)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() - 1) / 2]
}

fn check(found: &Differences, [clean, disturbed]: &[Vec<f64>; 2]) {
    let mut any = vec![false; TOKENS];
    let mut pairs = 0;
    for (layer, found) in found.layers.iter().enumerate() {
        let row = |of: &[f64], token: usize| plain(&of[(layer * TOKENS + token) * EXPERTS..][..EXPERTS]);
        let both: Vec<_> = (0..TOKENS).map(|t| (row(clean, t), row(disturbed, t).0)).collect();
        let differ: Vec<usize> = (0..TOKENS).filter(|&t| both[t].0.0 != both[t].1).collect();
        differ.iter().for_each(|&t| any[t] = true);
        pairs += differ.len();
        assert_eq!((found.tokens, found.differ, found.first), (TOKENS, differ.len(), differ.first().copied()));
        let lost = |t: usize| both[t].0.0.iter().filter(|e| !both[t].1.contains(e)).count();
        assert_eq!(found.assignments_differ, differ.iter().map(|&t| lost(t)).sum::<usize>());
        assert_eq!(found.assignments, K * TOKENS);
        let margin = found.margin.unwrap();
        let near = |a: f64, b: f64| (a - b).abs() < 3e-6;
        assert!(near(margin.all, median((0..TOKENS).map(|t| both[t].0.1).collect())));
        assert!(near(margin.differ.unwrap(), median(differ.iter().map(|&t| both[t].0.1).collect())));
        let most = differ.iter().map(|&t| both[t].0.1).fold(0.0, f64::max);
        assert!(near(margin.differ_most.unwrap(), most) && margin.differ.unwrap() < margin.all / 4.0);
    }
    assert_eq!((found.tokens, found.tokens_differ), (TOKENS, any.iter().filter(|&&a| a).count()));
    assert_eq!((found.pairs, found.pairs_differ), (TOKENS * LAYERS, pairs));
    assert!(found.tokens_differ > 100);
}

#[test]
fn tokens_and_pairs_that_differ_are_counted_with_their_margins() {
    let made = made();
    let found = compared((&scores(&made[0]), &reading()), (&scores(&made[1]), &reading())).unwrap();
    check(&found, &made);
    assert_eq!(found.notes, Vec::<String>::new());
    let found = compared((&scores(&made[0]), &reading()), (&selections(&made[1]), &reading())).unwrap();
    check(&found, &made);
    let same = compared((&selections(&made[0]), &reading()), (&selections(&made[0]), &reading())).unwrap();
    assert_eq!((same.tokens_differ, same.layers[2].margin, same.layers[2].first), (0, None, None));
}

#[test]
fn what_can_t_be_compared_is_said() {
    let [clean, _] = made();
    let all = scores(&clean);
    let plain = Reading::default();
    let part = Reading { tokens: Some((10, 20)), ..reading() };
    assert_eq!(compared((&all, &part), (&all, &reading())).unwrap().tokens, 10);
    let stopped = all.differences(&plain, &all, &plain, &|share| share < 0.5).unwrap();
    assert_eq!(stopped, None);
    let mut fewer = all.clone();
    fewer.layers.remove(0);
    let found = compared((&fewer, &reading()), (&all, &reading())).unwrap();
    assert_eq!(found.layers.len(), 2);
    assert!(found.notes[0].contains("1 layer of router_logits.npy"), "{:?}", found.notes);
    let lines = |first: i64| {
        let line = |t: i64| format!("{{\"token_id\": {}, \"layer\": 0, \"topk_ids\": [{}, 9]}}\n", first + t, t % 9);
        let text: String = (0..60).map(line).collect();
        read("a.jsonl", text, &Reading::default()).unwrap()
    };
    let found = compared((&lines(0), &plain), (&lines(5), &plain)).unwrap();
    assert_eq!(found.notes, ["token 0 has id 0 in one and 5 in the other: are they the same tokens?"]);
    let error = compared((&lines(0), &plain), (&fewer, &plain)).unwrap_err().to_string();
    assert!(error.contains("no layer in common") && error.contains("one has layers 0, the other 1, 2"), "{error}");
    let loads = read("counts.json", "[[1, 2, 3], [3, 2, 1]]", &Reading::default()).unwrap();
    let error = compared((&loads, &plain), (&all, &plain)).unwrap_err().to_string();
    assert!(error.contains("holds only the loads"), "{error}");
}
