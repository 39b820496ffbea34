//! What holds at every step in the price view (`moebias_model::theory`), each statement on a thousand problems, in integers and without
//! tolerance. A test also fails if too few problems qualify for its statement. All statements are our derivation.

use moebias_model::balance::{self, Step};
use moebias_model::config::{Balancer, Rule};
use moebias_model::fixed::{BIAS_ONE, SCORE_ONE};
use moebias_model::select::Selector;
use moebias_model::theory::lagrangian::{Change, benefit, bound, lagrangian};
use moebias_model::theory::moves::Moves;
use moebias_model::theory::optimum::solve;
use moebias_model::theory::{Assigned, Problem, band, prices};
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

/// Problems that each statement is checked on.
const MANY: usize = 1000;
/// Problems drawn at most to find them.
const MOST: u64 = 6000;
/// One unit of the key, as Q32.
const UNIT: i64 = BIAS_ONE / SCORE_ONE as i64;

/// A batch with its biases, Q32.
struct Drawn {
    problem: Problem,
    bias: Vec<i64>,
}

impl Drawn {
    /// Experts of different popularity; in a quarter of the problems few distinct scores, so that ties occur.
    fn new(seed: u64) -> (Self, SmallRng) {
        let mut random = SmallRng::seed_from_u64(seed);
        let experts = random.random_range(2..=12usize);
        let tokens = random.random_range(1..=48usize);
        let k = random.random_range(1..=experts);
        let coarse = random.random_range(0..4) == 0;
        let mut score = |e: usize| {
            let s = random.random_range(0..SCORE_ONE / 2) + e as i32 * (SCORE_ONE / 2 / experts as i32);
            if coarse { s >> 17 << 17 } else { s }
        };
        let scores = (0..tokens * experts).map(|i| score(i % experts)).collect();
        let bias = (0..experts).map(|_| random.random_range(-BIAS_ONE / 4..BIAS_ONE / 4)).collect();
        (Self { problem: Problem::new(experts, k, scores), bias }, random)
    }

    fn assign(&self) -> Assigned {
        self.problem.assign(&prices(&Selector::new(Rule::Sign, &self.bias)).unwrap())
    }

    fn update(&mut self, rule: Rule, rate: i64, loads: &[u32]) {
        let assignments = self.problem.assignments() as u64;
        let top_k = assignments / self.problem.tokens() as u64;
        let step = Step { experts: self.problem.experts() as u64, top_k, assignments, rate, derivative: 0 };
        let balancer = Balancer { rule, ..Balancer::default() };
        balance::update(&balancer, &mut self.bias, &mut vec![], loads, step);
    }

    fn whole_units(&mut self) {
        self.bias.iter_mut().for_each(|b| *b = *b / UNIT * UNIT);
    }
}

/// Checks a statement on problems until enough have qualified, which it reports by `Some(())`.
fn on_many(what: &str, mut statement: impl FnMut(Drawn, SmallRng) -> Option<()>) {
    let mut qualified = 0;
    for seed in 0..MOST {
        let (drawn, random) = Drawn::new(seed);
        qualified += usize::from(statement(drawn, random).is_some());
        if qualified == MANY {
            return;
        }
    }
    panic!("{what}: only {qualified} of {MOST} problems qualify");
}

fn any_rule(random: &mut SmallRng) -> (Rule, i64) {
    let rule = if random.random::<bool>() { Rule::Sign } else { Rule::Proportional };
    // Large steps, and steps smaller than a few units of the key.
    let rate =
        if random.random::<bool>() { random.random_range(0..BIAS_ONE / 16) } else { random.random_range(0..4 * UNIT) };
    (rule, rate)
}

#[test]
fn the_change_identity_is_exact() {
    on_many("steps that change something", |mut d, mut random| {
        let before = d.assign();
        let (rule, rate) = any_rule(&mut random);
        d.update(rule, rate, &before.loads);
        let after = d.assign();
        let change = Change::between(&d.problem, &before, &after);
        assert_eq!(change.after - change.before, change.priced + change.benefit);
        assert!(change.after - change.before <= change.overshoot, "no net overshoot, and yet it rose");
        assert!((0..d.problem.tokens()).all(|t| benefit(&d.problem, t, &before, &after) >= 0));
        (before.prices != after.prices).then_some(())
    });
}

/// Near balance the Lagrangian does rise at some steps: a claim that it falls at every step would be wrong.
#[test]
fn it_is_not_monotone() {
    let mut rose = 0;
    for seed in 0..200 {
        let (mut d, _) = Drawn::new(seed);
        for _ in 0..60 {
            let before = d.assign();
            d.update(Rule::Sign, BIAS_ONE / 300, &before.loads);
            rose += u32::from(Change::between(&d.problem, &before, &d.assign()).rises());
        }
    }
    assert!(rose > 100, "{rose}");
}

#[test]
fn the_preference_rule_in_its_general_form() {
    on_many("steps in which a token moves", |mut d, mut random| {
        let before = d.assign();
        let (rule, rate) = any_rule(&mut random);
        d.update(rule, rate, &before.loads);
        let moves = Moves::between(&d.problem, &before, &d.assign());
        assert_eq!(moves.violations, 0);
        (moves.pairs > 0).then_some(())
    });
}

#[test]
fn whole_unit_steps_of_the_sign_rule_move_from_over_to_under() {
    on_many("steps in which a token moves", |mut d, mut random| {
        d.whole_units();
        let before = d.assign();
        d.update(Rule::Sign, random.random_range(0..i64::from(SCORE_ONE) / 8) * UNIT, &before.loads);
        let after = d.assign();
        let moves = Moves::between(&d.problem, &before, &after);
        assert_eq!((moves.violations, moves.against_load), (0, 0));
        let side = |e: u16| d.problem.excess(before.loads[usize::from(e)]).signum();
        assert!(moves.flows.iter().all(|f| side(f.to) < side(f.from)));
        (moves.pairs > 0).then_some(())
    });
}

#[test]
fn whole_unit_steps_of_the_proportional_rule_move_to_smaller_loads() {
    on_many("steps in which a token moves", |mut d, mut random| {
        d.whole_units();
        let before = d.assign();
        let assignments = d.problem.assignments();
        d.update(Rule::Proportional, random.random_range(1..400i64) * UNIT * assignments, &before.loads);
        if Selector::new(Rule::Sign, &d.bias).saturated() > 0 {
            return None;
        }
        let moves = Moves::between(&d.problem, &before, &d.assign());
        assert_eq!((moves.violations, moves.against_load), (0, 0));
        (moves.pairs > 0).then_some(())
    });
}

#[test]
fn the_dual_value_is_no_less_than_the_optimum_where_experts_divide_the_assignments() {
    on_many("problems whose fair share is whole", |d, _| {
        let (experts, assigned) = (d.problem.experts() as i64, d.assign());
        if d.problem.assignments() % experts != 0 {
            return None;
        }
        let best = solve(&d.problem, &assigned.prices).unwrap();
        let dual = lagrangian(&d.problem, &assigned, &assigned.prices);
        assert_eq!(dual, experts * bound(&d.problem, &assigned));
        assert!(dual >= experts * best.value);
        let there = d.problem.assign(&best.prices);
        assert_eq!(lagrangian(&d.problem, &there, &best.prices), experts * best.value, "and its own prices reach it");
        Some(())
    });
}

#[test]
fn elsewhere_the_corrected_bound_is() {
    let mut below = 0;
    on_many("problems whose fair share is not whole", |d, _| {
        let (experts, assigned) = (d.problem.experts() as i64, d.assign());
        if d.problem.assignments() % experts == 0 {
            return None;
        }
        let best = solve(&d.problem, &assigned.prices).unwrap();
        assert!(bound(&d.problem, &assigned) >= best.value);
        let there = d.problem.assign(&best.prices);
        assert_eq!(bound(&d.problem, &there), best.value, "and its own prices reach it");
        below += u32::from(lagrangian(&d.problem, &there, &best.prices) < experts * best.value);
        Some(())
    });
    assert!(below > 100, "without the correction the dual value lies below the optimum now and then: {below}");
}

#[test]
fn a_common_shift_changes_nothing() {
    on_many("problems", |mut d, mut random| {
        let before = d.assign();
        let shift = random.random_range(-(1i64 << 50)..1i64 << 50);
        d.bias.iter_mut().for_each(|b| *b += shift);
        assert_eq!(d.assign(), before);
        let moved: Vec<i64> = before.prices.iter().map(|p| p + (shift >> 30)).collect();
        let after = d.problem.assign(&moved);
        assert_eq!(after.chosen, before.chosen);
        assert_eq!(lagrangian(&d.problem, &after, &moved), lagrangian(&d.problem, &before, &before.prices));
        assert_eq!(bound(&d.problem, &after), bound(&d.problem, &before));
        Some(())
    });
}

/// K = 1, E ≤ 5, T ≤ 32, one batch repeated for ever, at the largest admissible u.
#[test]
fn the_band_under_its_precondition() {
    on_many("problems with an admissible u", |d, mut random| {
        let (experts, tokens) = (random.random_range(2..=5usize), random.random_range(2..=32usize));
        let scores = (0..tokens * experts)
            .map(|i| random.random_range(0..SCORE_ONE / 2) + (i % experts) as i32 * (SCORE_ONE / 8));
        let mut d = Drawn { problem: Problem::new(experts, 1, scores.collect()), bias: d.bias };
        d.bias = vec![0; experts];
        let u = band::largest_step(&d.problem).unwrap().min(2000);
        if u < 16 {
            return None;
        }
        let width = (experts * (experts - 1)) as i64;
        let mut now = d.assign();
        let mut since = 0;
        for _ in 0..i64::from(SCORE_ONE) / u + 300 {
            let inside = band::furthest(&d.problem, &now.loads) <= width;
            assert!(inside || since == 0, "left the band: {:?}", now.loads);
            since += u32::from(inside);
            if since > 300 {
                return Some(());
            }
            d.update(Rule::Sign, u * UNIT, &now.loads);
            let next = d.assign();
            for (&old, &new) in now.loads.iter().zip(&next.loads) {
                assert!(d.problem.excess(old) <= 0 || new <= old, "an overloaded expert got more");
                assert!(d.problem.excess(old) >= 0 || new >= old, "an underloaded expert lost some");
            }
            let moves = Moves::between(&d.problem, &now, &next);
            assert!(moves.flows.iter().all(|f| f.tokens == 1), "two tokens crossed together");
            now = next;
        }
        panic!("never entered the band: {:?}", now.loads);
    });
}
