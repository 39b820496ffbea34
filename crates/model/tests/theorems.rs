//! What holds at every step, whatever the scores: the statements of the theory as properties of the model, in integers and without
//! tolerance. All concern the *effective* bias, the one in the selection key.
//!
//! 𝓛(x, p) = Σ γ·x + Σ p·(load − L), where γ are the scores, p the effective biases and L = KT/E. Here everything is in units of 2⁻²⁰ and 𝓛
//! is multiplied by E, so that L needs no fraction.

use moebias_model::balance::{self, Step};
use moebias_model::config::{Balancer, Experiment, Gate, Router, Rule, Source, Synthetic, Variant};
use moebias_model::fixed::{BIAS_ONE, SCORE_ONE};
use moebias_model::select::{MAX_K, Selector, expert_of, relative};
use moebias_model::step::Simulation;
use proptest::prelude::*;

/// One unit of the key, as Q32.
const UNIT: i64 = BIAS_ONE / SCORE_ONE as i64;

/// A batch with fixed scores, and its biases.
#[derive(Clone, Debug)]
struct Problem {
    /// [tokens][experts], Q20.
    scores: Vec<Vec<i32>>,
    k: usize,
    /// Q32.
    bias: Vec<i64>,
}

/// The experts chosen at certain biases.
#[derive(Debug)]
struct Assigned {
    /// [tokens], each sorted.
    chosen: Vec<Vec<usize>>,
    loads: Vec<u32>,
    /// Effective bias of each expert, Q20.
    p: Vec<i64>,
}

impl Problem {
    fn experts(&self) -> usize {
        self.bias.len()
    }

    fn assign(&self) -> Assigned {
        let selector = Selector::new(Rule::Sign, &self.bias);
        assert_eq!(selector.saturated(), 0);
        let mut top = [0; MAX_K];
        let mut loads = vec![0; self.experts()];
        let choose = |scores: &Vec<i32>| {
            selector.top_k(scores, self.k, &mut top);
            let mut chosen: Vec<usize> = top[..self.k].iter().map(|&key| expert_of(key)).collect();
            chosen.iter().for_each(|&e| loads[e] += 1);
            chosen.sort_unstable();
            chosen
        };
        let chosen = self.scores.iter().map(choose).collect();
        let largest = *self.bias.iter().max().unwrap();
        Assigned { chosen, loads, p: self.bias.iter().map(|&b| relative(b, largest).0).collect() }
    }

    /// Updates the biases by a rule.
    fn update(&mut self, rule: Rule, rate: i64, loads: &[u32]) {
        let assignments = (self.scores.len() * self.k) as u64;
        let (experts, top_k) = (self.experts() as u64, self.k as u64);
        let step = Step { experts, top_k, assignments, rate, derivative: 0 };
        let balancer = Balancer { rule, ..Balancer::default() };
        balance::update(&balancer, &mut self.bias, &mut vec![], loads, step);
    }

    /// E·(load − L), exact.
    fn excess(&self, load: u32) -> i64 {
        self.experts() as i64 * i64::from(load) - (self.scores.len() * self.k) as i64
    }

    /// E·𝓛.
    fn lagrangian(&self, a: &Assigned) -> i64 {
        let gained: i64 = self.scores.iter().zip(&a.chosen).flat_map(|(s, c)| c.iter().map(|&e| i64::from(s[e]))).sum();
        let priced: i64 = a.p.iter().zip(&a.loads).map(|(p, &load)| p * self.excess(load)).sum();
        self.experts() as i64 * gained + priced
    }

    /// The switching benefit of a token: how much more its new experts are worth than its old ones, at the new prices.
    fn benefit(&self, token: usize, before: &Assigned, after: &Assigned) -> i64 {
        let worth = |e: usize| i64::from(self.scores[token][e]) + after.p[e];
        let sum = |chosen: &[usize]| chosen.iter().map(|&e| worth(e)).sum::<i64>();
        sum(&after.chosen[token]) - sum(&before.chosen[token])
    }
}

/// Every pair of an expert that a token dropped and one that it took, as (token, dropped, taken).
fn swaps(before: &Assigned, after: &Assigned) -> Vec<(usize, usize, usize)> {
    let mut out = vec![];
    for (token, (old, new)) in before.chosen.iter().zip(&after.chosen).enumerate() {
        for &dropped in old.iter().filter(|e| !new.contains(e)) {
            out.extend(new.iter().filter(|e| !old.contains(e)).map(|&taken| (token, dropped, taken)));
        }
    }
    out
}

fn problem() -> impl Strategy<Value = Problem> {
    (2usize..=12, 1usize..=40).prop_flat_map(|(experts, tokens)| {
        // A quarter of the scores take few distinct values, so that ties occur.
        let score = prop_oneof![3 => 0..=SCORE_ONE, 1 => (0..8i32).prop_map(|s| s * 100_000)];
        let scores = prop::collection::vec(prop::collection::vec(score, experts), tokens);
        let bias = prop::collection::vec(-BIAS_ONE..=BIAS_ONE, experts);
        (scores, 1..=experts, bias).prop_map(|(scores, k, bias)| Problem { scores, k, bias })
    })
}

fn rule() -> impl Strategy<Value = Rule> {
    prop_oneof![Just(Rule::Sign), Just(Rule::Proportional)]
}

/// Large steps, and steps smaller than a few units of the key. Small enough that no bias saturates.
fn rate() -> impl Strategy<Value = i64> {
    prop_oneof![0..BIAS_ONE / 16, 0..4 * UNIT]
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Checks everything that must hold between two consecutive steps. Returns the number of swaps.
fn check_step(problem: &Problem, before: &Assigned, after: &Assigned) -> usize {
    let dp: Vec<i64> = before.p.iter().zip(&after.p).map(|(a, b)| b - a).collect();
    let benefits: Vec<i64> = (0..problem.scores.len()).map(|i| problem.benefit(i, before, after)).collect();
    assert!(benefits.iter().all(|&b| b >= 0), "a token moved to its loss");

    let change = problem.lagrangian(after) - problem.lagrangian(before);
    let identity = problem.experts() as i64 * benefits.iter().sum::<i64>()
        + dp.iter().zip(&before.loads).map(|(d, &load)| d * problem.excess(load)).sum::<i64>();
    assert_eq!(change, identity, "the change identity");

    // Without a net overshoot 𝓛 does not rise.
    let overshoot: i64 = dp.iter().zip(&after.loads).map(|(d, &load)| d * problem.excess(load)).sum();
    assert!(change <= overshoot, "the switching benefit is at most what the prices moved");

    let swaps = swaps(before, after);
    for &(token, dropped, taken) in &swaps {
        assert!(dp[taken] > dp[dropped], "token {token} dropped {dropped} for {taken} against the prices");
        let worth = |e: usize| i64::from(problem.scores[token][e]) + after.p[e];
        let gain = worth(taken) - worth(dropped);
        assert!(0 <= gain && gain <= dp[taken] - dp[dropped], "the gain of a swap");
    }
    swaps.len()
}

proptest! {
    #![proptest_config(config(2000))]

    #[test]
    fn a_common_shift_changes_nothing(problem in problem(), shift in -(1i64 << 50)..(1i64 << 50)) {
        let before = problem.assign();
        let mut shifted = problem.clone();
        shifted.bias.iter_mut().for_each(|b| *b += shift);
        let after = shifted.assign();
        prop_assert_eq!(&before.chosen, &after.chosen);
        prop_assert_eq!(problem.lagrangian(&before), shifted.lagrangian(&after));
        // Nor does 𝓛 change under a shift of the prices, because EL = KT.
        let moved = Assigned { p: before.p.iter().map(|p| p + 12_345).collect(), ..after };
        prop_assert_eq!(problem.lagrangian(&before), problem.lagrangian(&moved));
    }

    #[test]
    fn a_step_changes_the_lagrangian_as_the_identity_says(mut problem in problem(), rule in rule(), rate in rate()) {
        let before = problem.assign();
        problem.update(rule, rate, &before.loads);
        let after = problem.assign();
        check_step(&problem, &before, &after);
    }

    /// With steps of whole units of the key, the sign rule moves tokens from overloaded experts to others, or from experts at the fair
    /// share to underloaded ones, and a swap gains at most 2u.
    #[test]
    fn sign_moves_tokens_down_the_load(mut problem in problem(), u in 0..SCORE_ONE / 4) {
        problem.bias.iter_mut().for_each(|b| *b = *b / UNIT * UNIT);
        let before = problem.assign();
        let signs: Vec<i64> = before.loads.iter().map(|&l| problem.excess(l).signum()).collect();
        problem.update(Rule::Sign, i64::from(u) * UNIT, &before.loads);
        let after = problem.assign();
        check_step(&problem, &before, &after);
        for (token, dropped, taken) in swaps(&before, &after) {
            prop_assert!(signs[taken] < signs[dropped]);
            let worth = |e: usize| i64::from(problem.scores[token][e]) + after.p[e];
            prop_assert!(worth(taken) - worth(dropped) <= 2 * i64::from(u));
        }
        let overshoot: i64 = signs.iter().zip(&after.loads).map(|(s, &l)| s * problem.excess(l)).sum();
        if overshoot >= 0 {
            prop_assert!(problem.lagrangian(&after) <= problem.lagrangian(&before), "no net overshoot, and yet it rose");
        }
    }

    /// The proportional rule moves tokens to experts with strictly smaller loads, where its steps are not rounded.
    #[test]
    fn proportional_moves_tokens_to_smaller_loads(mut problem in problem(), units in 1i64..1000) {
        problem.bias.iter_mut().for_each(|b| *b = *b / UNIT * UNIT);
        let before = problem.assign();
        // A step of a whole number of units for every error: u/(KT) units for each unit of E·error.
        let assignments = (problem.scores.len() * problem.k) as i64;
        problem.update(Rule::Proportional, units * UNIT * assignments, &before.loads);
        prop_assume!(problem.bias.iter().max().unwrap() - problem.bias.iter().min().unwrap() < 2 * BIAS_ONE);
        let after = problem.assign();
        check_step(&problem, &before, &after);
        for (_, dropped, taken) in swaps(&before, &after) {
            prop_assert!(before.loads[dropped] > before.loads[taken]);
        }
    }

    #[test]
    fn top_k_is_what_sorting_gives(
        scores in prop::collection::vec(0..=SCORE_ONE, 1..300),
        seed in any::<u64>(),
        k in 1usize..=32,
        coarse in any::<bool>(),
        multiplicative in any::<bool>(),
    ) {
        let k = k.min(scores.len());
        let scores: Vec<i32> = scores.iter().map(|&s| if coarse { s >> 17 << 17 } else { s }).collect();
        let of = |e: usize| (seed.wrapping_mul(e as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) as i64;
        let bias: Vec<i64> = (0..scores.len()).map(|e| of(e) * if multiplicative { 8 } else { 2 }).collect();
        let rule = if multiplicative { Rule::Multiplicative } else { Rule::Sign };
        let largest = *bias.iter().max().unwrap();
        // The value by its definition, in wide integers.
        let value = |e: usize| match rule {
            Rule::Multiplicative => (i128::from(scores[e]) * i128::from(bias[e])) >> 32,
            _ => i128::from(scores[e]) + i128::from(relative(bias[e], largest).0),
        };
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| value(b).cmp(&value(a)).then(a.cmp(&b)));
        let mut top = [0; MAX_K];
        Selector::new(rule, &bias).top_k(&scores, k, &mut top);
        let found: Vec<usize> = top[..k].iter().map(|&key| expert_of(key)).collect();
        prop_assert_eq!(&found, &order[..k]);
    }
}

/// K = 1 and few tokens, so that the condition of the band is met often enough.
fn small_problem() -> impl Strategy<Value = Problem> {
    (2usize..=5).prop_flat_map(|experts| {
        let tokens = [24, 12, 9, 7][experts - 2];
        let scores = prop::collection::vec(prop::collection::vec(0..=SCORE_ONE, experts), 2..=tokens);
        scores.prop_map(move |scores| Problem { scores, k: 1, bias: vec![0; experts] })
    })
}

/// Whether, for every pair of experts, the tokens' gaps between them are more than `apart` from each other.
fn separated(problem: &Problem, apart: i32) -> bool {
    let e = problem.experts();
    (0..e).flat_map(|a| (0..a).map(move |b| (a, b))).all(|(a, b)| {
        let mut gaps: Vec<i32> = problem.scores.iter().map(|s| s[a] - s[b]).collect();
        gaps.sort_unstable();
        gaps.windows(2).all(|w| w[1] - w[0] > apart)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 20_000, ..config(300) })]

    /// With K = 1, fixed scores and gaps more than 2u apart: overloaded loads never rise, underloaded ones never fall, at most one token
    /// per step crosses from one expert to another, and all loads enter the band of E − 1 around the fair share and stay in it.
    #[test]
    fn the_band_holds_where_its_precondition_does(mut problem in small_problem()) {
        let u = SCORE_ONE / 2000;
        prop_assume!(separated(&problem, 2 * u));
        let band = (problem.experts() * (problem.experts() - 1)) as i64;
        let inside = |p: &Problem, a: &Assigned| a.loads.iter().all(|&l| p.excess(l).abs() <= band);
        let mut now = problem.assign();
        let mut entered = false;
        // Two biases that diverge by 2u per step cross the whole range of scores in 1,000 steps.
        for _ in 0..1200 {
            let was_inside = inside(&problem, &now);
            entered |= was_inside;
            problem.update(Rule::Sign, i64::from(u) * UNIT, &now.loads);
            let next = problem.assign();
            check_step(&problem, &now, &next);
            for (&old, &new) in now.loads.iter().zip(&next.loads) {
                prop_assert!(problem.excess(old) <= 0 || new <= old, "an overloaded expert got more");
                prop_assert!(problem.excess(old) >= 0 || new >= old, "an underloaded expert lost some");
            }
            let mut crossed: Vec<(usize, usize)> = swaps(&now, &next).into_iter().map(|(_, a, b)| (a, b)).collect();
            crossed.sort_unstable();
            prop_assert!(crossed.windows(2).all(|w| w[0] != w[1]), "two tokens crossed together");
            prop_assert!(!was_inside || inside(&problem, &next), "left the band");
            now = next;
        }
        prop_assert!(entered, "never entered the band: {:?}", now.loads);
    }
}

/// The same properties on a batch drawn by the simulation: the scores are the gate's, the loads are the step's.
#[test]
fn the_simulation_obeys_the_theory() {
    for (gate, top_k, rule, rate) in [
        (Gate::Sigmoid, 1, Rule::Sign, 0.01),
        (Gate::Sigmoid, 4, Rule::Sign, 0.003),
        (Gate::Softmax, 2, Rule::Proportional, 0.01),
        (Gate::Sigmoid, 6, Rule::Proportional, 0.02),
    ] {
        let source = Source::Fixed(Synthetic { batch: 256, ..Synthetic::default() });
        let mut balancer = Balancer { rule, rate, ..Default::default() };
        balancer.centred = rule == Rule::Proportional;
        let router = Router { experts: 16, top_k, gate, ..Router::default() };
        let variants = vec![Variant { name: "a".into(), router, balancer, ..Variant::default() }];
        let mut simulation = Simulation::new(Experiment { seed: 4, source, variants }, None).unwrap();
        let batch = simulation.next_batch();
        let scores = (0..256).map(|t| batch.scores(t, 0)).collect();
        let bias = |s: &Simulation| s.state().variants[0].bias.clone();
        let mut problem = Problem { scores, k: top_k as usize, bias: bias(&simulation) };
        let (mut before, mut swaps) = (problem.assign(), 0);
        for _ in 0..60 {
            let row = simulation.advance().variants.remove(0);
            assert_eq!(row.loads, before.loads, "the simulation routes as the problem does");
            problem.bias = bias(&simulation);
            let after = problem.assign();
            swaps += check_step(&problem, &before, &after);
            before = after;
        }
        assert!(swaps > 20, "something happened: {swaps} swaps");
    }
}
