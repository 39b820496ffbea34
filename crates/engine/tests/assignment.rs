//! Routers other than "the K largest of score + bias": groups, capacity, dynamic K, Sinkhorn, BASE and hash. They are compared with an
//! independent evaluation in NumPy (`tests/data/assignment.py`), and what must hold for each is checked on a thousand random problems.

use crate::common::Dice;
use moebias_engine::view::{CHOSEN, DROPPED, PROBE_TOKENS, Rows, ViewRequest, picture};
use moebias_files::{Loaded, export, load};
use moebias_model::change::{Change, Target};
use moebias_model::config::{
    Balancer, Capacity, Experiment, Groups, Router, Rule, Source, Stays, Synthetic, Variant, limits,
};
use moebias_model::row::StepRow;
use moebias_model::select::{By, MAX_K, Selector, expert_of};
use moebias_model::step::Simulation;
use moebias_model::{capacity, groups};
use std::collections::HashMap;
use std::path::Path;

/// The numbers of all lines with one name, without name and step.
fn golden(name: &str) -> Vec<Vec<u32>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/assignment.txt");
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().filter_map(|l| l.strip_prefix(name).and_then(|l| l.strip_prefix(' ')));
    let rows: Vec<Vec<u32>> = lines.map(|l| l.split(' ').skip(1).map(|x| x.parse().unwrap()).collect()).collect();
    assert!(!rows.is_empty(), "{name}");
    rows
}

/// A simulation of the shipped trace with this router and rule.
fn sample(router: Router, rule: Rule) -> Simulation {
    let Loaded { scenario, trace, .. } = load(Path::new("builtin:sample")).unwrap();
    let mut experiment = scenario.experiment();
    experiment.variants[0].router = router;
    experiment.variants[0].balancer = Balancer { rule, rate: 0.01, ..Balancer::default() };
    Simulation::new(experiment, trace).unwrap()
}

fn with_capacity(by: Stays) -> Router {
    Router { capacity: Some(Capacity { factor: 1.25, by }), ..Router::default() }
}

/// Replays the trace and compares what `found` reads from each row with the NumPy evaluation, step by step.
fn compare(name: &str, router: Router, rule: Rule, found: impl Fn(&StepRow) -> Vec<u32>) {
    let mut simulation = sample(router, rule);
    for (step, wanted) in golden(name).into_iter().enumerate() {
        assert_eq!(found(&simulation.advance()), wanted, "{name}, step {step}");
    }
}

fn loads(row: &StepRow) -> Vec<u32> {
    row.variants[0].loads.clone()
}

#[test]
fn groups_as_numpy_has_them() {
    let router = Router { groups: Some(Groups { groups: 8, kept: 4 }), ..Router::default() };
    compare("groups", router, Rule::Sign, loads);
}

#[test]
fn dropping_as_numpy_has_it() {
    let found = |row: &StepRow| {
        let v = &row.variants[0];
        let mut all = v.loads.clone();
        all.push(v.dropped);
        all
    };
    compare("by_score", with_capacity(Stays::Score), Rule::Sign, found);
    compare("by_position", with_capacity(Stays::Position), Rule::Sign, found);
}

#[test]
fn dynamic_k_as_numpy_has_it() {
    compare("threshold", Router::default(), Rule::Threshold, loads);
}

/// A hundred steps are a little more than six rounds through the trace. Nothing is carried from step to step.
#[test]
fn sinkhorn_as_numpy_has_it_for_a_hundred_steps() {
    let wanted = golden("sinkhorn");
    let mut simulation = sample(Router::default(), Rule::Sinkhorn);
    for step in 0..100 {
        assert_eq!(loads(&simulation.advance()), wanted[step % wanted.len()], "step {step}");
    }
}

/// DeepSeek-V3's shape: 8 groups of 32 experts, 4 kept, top 8.
#[test]
fn deepseek_groups_as_numpy_has_them() {
    let wanted = golden("deepseek");
    let bias: Vec<i64> = (0..256).map(|e| ((e * 40_503 % 65_536) << 2) << 12).collect();
    let selector = Selector::new(Rule::Sign, &bias);
    for (token, wanted) in wanted.iter().enumerate() {
        let score = |e: u64| ((((token as u64 * 256 + e + 1) * 2_654_435_761) % (1 << 32)) >> 12) as i32;
        let scores: Vec<i32> = (0..256).map(score).collect();
        let mut top = [0; MAX_K];
        groups::top_k(&selector, Groups { groups: 8, kept: 4 }, &scores, 8, &mut top);
        let found: Vec<u32> = top[..8].iter().map(|&key| expert_of(key) as u32).collect();
        assert_eq!(found, *wanted, "token {token}");
    }
}

fn experiment(dice: &mut Dice, router: Router, rule: Rule) -> Experiment {
    let synthetic = Synthetic {
        batch: 1 + dice.below(90),
        topics: 1 + dice.below(20),
        skew: f64::from(dice.below(4)),
        noise: f64::from(dice.below(3)) / 2.0,
        ..Synthetic::default()
    };
    let balancer = Balancer { rule, rate: 0.05, ..Balancer::default() };
    let variants = vec![Variant { name: "a".into(), router, balancer, ..Variant::default() }];
    Experiment { seed: dice.below(1000), source: Source::Synthetic(synthetic), variants }
}

#[test]
fn no_expert_has_more_than_its_capacity() {
    let rules = [Rule::None, Rule::Sign, Rule::Multiplicative, Rule::Threshold, Rule::Hash, Rule::Sinkhorn];
    let mut dropped = 0;
    for i in 0..1000 {
        let mut dice = Dice::new(i);
        let experts = 2 + dice.below(20);
        let by = if dice.below(2) == 0 { Stays::Score } else { Stays::Position };
        let with = Capacity { factor: 0.1 + f64::from(dice.below(200)) / 100.0, by };
        let router = Router { experts, top_k: 1 + dice.below(experts), capacity: Some(with), ..Router::default() };
        let rule = rules[dice.below(6) as usize];
        let mut simulation = Simulation::new(experiment(&mut dice, router.clone(), rule), None).unwrap();
        for _ in 0..3 {
            let batch = simulation.next_batch();
            let (mut wanted, mut ids) = (vec![0u32; experts as usize], vec![]);
            for token in 0..batch.inputs.batch {
                batch.choose(0, By::Bias, token, &batch.scores(token, 0), &mut ids);
                ids.iter().for_each(|&e| wanted[e] += 1);
            }
            let row = simulation.advance().variants.remove(0);
            let most = capacity::of_batch(&router, with, batch.inputs.batch) as u32;
            let full: Vec<u32> = wanted.iter().map(|&w| w.min(most)).collect();
            assert_eq!(row.loads, full, "problem {i}: exactly what fits is kept");
            assert_eq!(row.dropped, wanted.iter().sum::<u32>() - full.iter().sum::<u32>());
            dropped += row.dropped;
        }
    }
    assert!(dropped > 1000);
}

#[test]
fn base_is_perfectly_balanced_in_a_run() {
    for i in 0..1000 {
        let mut dice = Dice::new(5000 + i);
        let router = Router { experts: 2 + dice.below(30), top_k: 1, ..Router::default() };
        let mut simulation = Simulation::new(experiment(&mut dice, router, Rule::Base), None).unwrap();
        let row = simulation.advance().variants.remove(0);
        let (tokens, experts) = (row.tokens, row.loads.len() as u32);
        let fits = |l: &&u32| **l == tokens / experts || **l == tokens.div_ceil(experts);
        assert!(row.loads.iter().all(|l| fits(&l)), "{tokens} tokens: {:?}", row.loads);
        assert_eq!(row.loads.iter().sum::<u32>(), tokens);
    }
}

#[test]
fn a_word_always_goes_to_the_same_experts() {
    let mut simulation = sample(Router::default(), Rule::Hash);
    let mut known: HashMap<i32, Vec<usize>> = HashMap::new();
    for step in 0..3 {
        let batch = simulation.next_batch();
        let trace = simulation.trace().unwrap().clone();
        for token in 0..batch.inputs.batch {
            let mut ids = vec![];
            batch.choose(0, By::Bias, token, &batch.scores(token, 0), &mut ids);
            let word = trace.token_ids[step * trace.tokens + token as usize];
            assert_eq!(*known.entry(word).or_insert_with(|| ids.clone()), ids, "word {word}");
        }
        simulation.advance();
    }
    assert!(known.len() > 200);
}

#[test]
fn dynamic_k_finds_its_mean_and_the_loads_become_even() {
    let source = Source::Synthetic(Synthetic { batch: 2048, ..Synthetic::default() });
    let balancer = Balancer { rule: Rule::Threshold, rate: 0.002, ..Balancer::default() };
    let variants = vec![Variant { name: "a".into(), router: Router::default(), balancer, ..Variant::default() }];
    let mut simulation = Simulation::new(Experiment { seed: 1, source, variants }, None).unwrap();
    let mean = |row: &StepRow| f64::from(row.variants[0].loads.iter().sum::<u32>()) / 2048.0;
    assert!((mean(&simulation.advance()) - 6.0).abs() < 1.0, "it starts near K");
    let rows: Vec<StepRow> = (0..400).map(|_| simulation.advance()).collect();
    let late = &rows[300..];
    let active = late.iter().map(mean).sum::<f64>() / 100.0;
    assert!((active - 6.0).abs() < 0.25, "{active}");
    let even = late[99].variants[0].loads.iter().all(|&l| (96..=384).contains(&l));
    assert!(even, "{:?}", late[99].variants[0].loads);
}

#[test]
fn biases_start_afresh_where_they_mean_something_else() {
    let mut dice = Dice::new(1);
    let mut simulation = Simulation::new(experiment(&mut dice, Router::default(), Rule::Sign), None).unwrap();
    for _ in 0..5 {
        simulation.advance();
    }
    let bias = |s: &Simulation| s.state().variants[0].bias.clone();
    let set = |s: &mut Simulation, rule| s.apply(Target::AllVariants, &Change::SetRule(rule)).unwrap();
    let before = bias(&simulation);
    set(&mut simulation, Rule::Proportional);
    assert_eq!(bias(&simulation), before, "both are added to the score");
    set(&mut simulation, Rule::Threshold);
    assert!(bias(&simulation).iter().all(|&b| b < 0 && b == bias(&simulation)[0]));
    set(&mut simulation, Rule::Hash);
    assert!(bias(&simulation).iter().all(|&b| b == 0));
    for _ in 0..5 {
        simulation.advance();
    }
    assert!(bias(&simulation).iter().all(|&b| b == 0), "nothing moves them");
}

#[test]
fn what_does_not_fit_is_refused_in_words() {
    let mut dice = Dice::new(1);
    let fresh = |dice: &mut Dice| Simulation::new(experiment(dice, Router::default(), Rule::Sign), None).unwrap();
    let refuse = |changes: &[Change], says: &str| {
        let mut simulation = fresh(&mut Dice::new(2));
        let (last, first) = changes.split_last().unwrap();
        first.iter().for_each(|c| simulation.apply(Target::AllVariants, c).unwrap());
        let error = simulation.apply(Target::AllVariants, last).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    };
    let eight = |kept| Change::SetGroups(Some(Groups { groups: 8, kept }));
    refuse(&[Change::SetRule(Rule::Base)], "1: BASE gives a token one expert");
    refuse(&[Change::SetGroups(Some(Groups { groups: 7, kept: 1 }))], "a divisor of the number of experts, 64");
    refuse(&[eight(9)], "at most the number of groups, 8");
    refuse(&[eight(1), Change::SetTopK(9)], "at most 8, the experts of the kept groups");
    refuse(&[eight(1), Change::SetRule(Rule::Hash)], "Hash does not choose by groups");
    refuse(&[Change::SetCapacity(Some(Capacity { factor: 0.0, by: Stays::Score }))], "from 0.1 to 8");
    refuse(&[Change::SetCapacity(Some(Capacity { factor: f64::NAN, by: Stays::Score }))], "NaN");
    refuse(&[Change::SetShared(17)], "from 0 to 16");
    refuse(&[Change::SetScale(f64::INFINITY)], "inf");
    let mut simulation = fresh(&mut dice);
    simulation.apply(Target::AllVariants, &Change::SetRule(Rule::Sinkhorn)).unwrap();
    let most = (limits::WHOLE_PAIRS / 64) as u32;
    simulation.apply(Target::Source, &Change::SetBatch(most)).unwrap();
    let error = simulation.apply(Target::Source, &Change::SetBatch(most + 1)).unwrap_err().to_string();
    assert!(error.contains("at most 16384 tokens"), "{error}");
}

#[test]
fn the_probe_is_a_batch_of_its_own() {
    for rule in [Rule::Sign, Rule::Base] {
        let k = if rule == Rule::Base { 1 } else { 4 };
        let router = Router { experts: 16, top_k: k, ..with_capacity(Stays::Score) };
        let source = Source::Synthetic(Synthetic { batch: 3000, skew: 2.0, ..Synthetic::default() });
        let variants = vec![Variant {
            name: "a".into(),
            router,
            balancer: Balancer { rule, ..Balancer::default() },
            ..Variant::default()
        }];
        let mut simulation = Simulation::new(Experiment { seed: 1, source, variants }, None).unwrap();
        let made = picture(&mut simulation, ViewRequest { rows: Rows::Fixed, ..ViewRequest::default() });
        let count = |bit: u8, e: usize| (0..made.rows()).filter(|&r| made.marks_of(r)[e] & bit != 0).count();
        let most = (PROBE_TOKENS * k).div_ceil(16) as usize * 5 / 4;
        let dropped: usize = (0..16).map(|e| count(DROPPED, e)).sum();
        assert!((0..16).all(|e| count(CHOSEN, e) - count(DROPPED, e) <= most));
        assert_eq!(dropped > 0, rule == Rule::Sign, "{dropped}");
        if rule == Rule::Base {
            assert!((0..16).all(|e| count(CHOSEN, e) == 8));
        }
    }
}

#[test]
fn exported_weights_are_the_gating_values() {
    let router = Router { renormalise: true, scale: 2.5, ..with_capacity(Stays::Score) };
    let mut simulation = sample(router, Rule::None);
    let batch = simulation.next_batch();
    let mut out = vec![];
    export::assignments(&mut out, &batch, 0, 3, 0).unwrap();
    let (mut lines, mut short, mut kept) = (0, 0, 0);
    for line in String::from_utf8(out).unwrap().lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let weights: Vec<f64> = line["topk_weights"].as_array().unwrap().iter().map(|w| w.as_f64().unwrap()).collect();
        assert_eq!(line["topk_ids"].as_array().unwrap().len(), weights.len());
        let sum: f64 = weights.iter().sum();
        if weights.len() == 6 {
            assert!((sum - 2.5).abs() < 1e-9);
        } else {
            assert!(sum < 2.5);
            short += 1;
        }
        lines += 1;
        kept += weights.len() as u32;
    }
    let row = simulation.advance().variants.remove(0);
    assert!(lines == 1024 && short > 0 && kept == row.loads.iter().sum::<u32>());
}
