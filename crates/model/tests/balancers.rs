//! Compares every rule that needs only the loads with its equation in float64; `data/make_balancers.py` made the numbers.

use moebias_model::balance::{self, Step};
use moebias_model::config::{Balancer, Router, Rule};
use moebias_model::fixed::from_q32;
use serde_json::{Value, json};

/// One Q32 unit of a bias.
const UNIT: f64 = 1.0 / 4_294_967_296.0;

fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

/// How far an increment may be from its equation: a few units of Q32, plus what the rule's own number formats lose.
fn allowed(b: &Balancer, experts: usize) -> f64 {
    let of_rule = match b.rule {
        // The root has 21 bits; the largest increment is u·√E.
        Rule::Rms => b.rate * (experts as f64).sqrt() / f64::from(1 << 20),
        // tanh is within 5e-6.
        Rule::Smebu => b.rate * 5e-6,
        // The difference of two errors with 20 fraction bits each.
        Rule::IdBalancing => b.derivative * 2.0 / f64::from(1 << 20),
        // Shares have 30 fraction bits.
        Rule::LongCat => b.rate / f64::from(1 << 29),
        _ => 0.0,
    };
    of_rule + 4.0 * UNIT
}

#[test]
fn every_rule_follows_its_equation() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("data/balancers.json")).unwrap();
    let mut rules = vec![];
    for case in &cases {
        let mut settings = case["settings"].clone();
        settings["rule"] = case["rule"].clone();
        let balancer: Balancer = serde_json::from_value(settings).unwrap();
        let top_k = case["top_k"].as_u64().unwrap() as u32;
        let loads = case["loads"].as_array().unwrap();
        let experts = loads[0].as_array().unwrap().len();
        let router = Router { experts: experts as u32, top_k, ..Router::default() };
        let (mut bias, mut memory) = (vec![0; experts], vec![]);
        let mut moved = 0;
        for (n, c) in loads.iter().enumerate() {
            let c: Vec<u32> = numbers(c).into_iter().map(|x| x as u32).collect();
            let tokens = c.iter().sum::<u32>() / top_k;
            let step = Step::new(&router, tokens, balance::rates_at(&balancer, n as u64, 0));
            let alone = {
                let mut alone = memory.clone();
                balance::remember(&balancer, &mut alone, &c, step);
                alone
            };
            balance::update(&balancer, &mut bias, &mut memory, &c, step);
            assert_eq!(alone, memory, "{}: what is remembered depends on the loads alone", balancer.rule);
            let Some(wanted) = case["biases"].get((n + 1).to_string()) else { continue };
            moved += 1;
            let most = allowed(&balancer, experts) * (n + 1) as f64;
            for (e, (&b, wanted)) in bias.iter().zip(numbers(wanted)).enumerate() {
                let off = (from_q32(b) - wanted).abs();
                assert!(
                    off <= most,
                    "{} expert {e} after {} steps: {} for {wanted}",
                    balancer.rule,
                    n + 1,
                    from_q32(b)
                );
            }
        }
        assert_eq!(moved, 7);
        rules.push(case["rule"].clone());
    }
    for rule in ["Sign", "CentredSign", "Proportional", "Rms", "Smebu", "IdBalancing", "LongCat"] {
        assert_eq!(rules.iter().filter(|r| **r == json!(rule)).count(), 2, "{rule}");
    }
}
