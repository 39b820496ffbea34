//! The Lagrangian of a step, and how a step changes it.
//!
//! 𝓛(x, p) = Σ γ·x + Σ p·(load − L). Where x is the best reply to p, it equals the dual function D(p) = Σ TopK(γ + p) − L·Σp, which is
//! convex and unchanged by a common shift of the prices. Our derivation.

use super::{Assigned, Problem};

/// The sum of the scores γ at the chosen experts, over all tokens, Q20.
#[must_use]
pub fn gained(problem: &Problem, assigned: &Assigned) -> i64 {
    let k = problem.top_k();
    let of_token = |t: usize| {
        let scores = problem.of(t);
        assigned.of(t, k).iter().map(|&e| i64::from(scores[usize::from(e)])).sum::<i64>()
    };
    (0..problem.tokens()).map(of_token).sum()
}

/// E·𝓛(x, p), Q20, for any assignment at any prices.
#[must_use]
pub fn lagrangian(problem: &Problem, assigned: &Assigned, prices: &[i64]) -> i64 {
    let priced: i64 = prices.iter().zip(&assigned.loads).map(|(p, &load)| p * problem.excess(load)).sum();
    problem.experts() as i64 * gained(problem, assigned) + priced
}

/// An upper bound on the value of the balanced assignment, Q20: the dual function for loads between ⌊L⌋ and ⌈L⌉, at the best common shift
/// of the prices. Where E divides K·T it is D(p); elsewhere D itself may lie below the optimum, and this bound does not.
#[must_use]
pub fn bound(problem: &Problem, assigned: &Assigned) -> i64 {
    let (experts, assignments) = (problem.experts() as i64, problem.assignments());
    let (floor, more) = (assignments / experts, (assignments % experts) as usize);
    let replies: i64 = gained(problem, assigned)
        + assigned.prices.iter().zip(&assigned.loads).map(|(p, &l)| p * i64::from(l)).sum::<i64>();
    // The cheapest experts are the ones with ⌈L⌉ tokens.
    let mut sorted = assigned.prices.clone();
    sorted.sort_unstable();
    replies - floor * sorted.iter().sum::<i64>() - sorted[..more].iter().sum::<i64>()
}

/// How 𝓛 changed when prices moved and tokens chose again. All fields are Q20 and multiplied by E.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// E·𝓛 before: the old assignment at the old prices.
    pub before: i64,
    /// The effect of the prices alone: E·ΣΔp·(load − L), with the old loads. For the sign rule in whole units it is −E·u·Σ|load − L|.
    pub priced: i64,
    /// The effect of the tokens' new choices: E times the total switching benefit Σ b(i) ≥ 0.
    pub benefit: i64,
    /// E·𝓛 after: the new assignment at the new prices.
    pub after: i64,
    /// E·ΣΔp·(new load − L). Where it is ≤ 0, there is no net overshoot, and 𝓛 does not rise.
    pub overshoot: i64,
}

impl Change {
    /// Compares two best replies on the same batch.
    #[must_use]
    pub fn between(problem: &Problem, before: &Assigned, after: &Assigned) -> Self {
        let experts = problem.experts() as i64;
        let moved = |loads: &[u32]| {
            let steps = before.prices.iter().zip(&after.prices).map(|(a, b)| b - a);
            steps.zip(loads).map(|(d, &load)| d * problem.excess(load)).sum::<i64>()
        };
        let benefit: i64 = (0..problem.tokens()).map(|t| benefit(problem, t, before, after)).sum();
        Self {
            before: lagrangian(problem, before, &before.prices),
            priced: moved(&before.loads),
            benefit: experts * benefit,
            after: lagrangian(problem, after, &after.prices),
            overshoot: moved(&after.loads),
        }
    }

    /// Whether 𝓛 rose, that is, whether the switching benefit exceeded what the prices took away. 𝓛 need not fall at every step.
    #[must_use]
    pub fn rises(&self) -> bool {
        self.after > self.before
    }
}

/// The switching benefit of a token, Q20: how much more its new experts are worth than its old ones, at the new prices.
#[must_use]
pub fn benefit(problem: &Problem, token: usize, before: &Assigned, after: &Assigned) -> i64 {
    let (old, new) = (before.of(token, problem.top_k()), after.of(token, problem.top_k()));
    if old == new {
        return 0;
    }
    let scores = problem.of(token);
    let worth = |chosen: &[u16]| {
        chosen.iter().map(|&e| i64::from(scores[usize::from(e)]) + after.prices[usize::from(e)]).sum::<i64>()
    };
    worth(new) - worth(old)
}

/// Converts a value in Q20 that is multiplied by E to score units per token, for display.
#[must_use]
pub fn per_token(problem: &Problem, value: i64) -> f64 {
    value as f64
        / (problem.experts() as f64 * problem.tokens().max(1) as f64 * f64::from(super::super::fixed::SCORE_ONE))
}

#[cfg(test)]
mod tests {
    use super::super::testing::problem;
    use super::*;

    #[test]
    fn the_change_adds_up_and_a_shift_changes_nothing() {
        let p = problem(60, 9, 4, 5);
        let old = p.assign(&[0; 9]);
        let prices: Vec<i64> = (0..9).map(|e| (e * e - 20) * 900).collect();
        let new = p.assign(&prices);
        let change = Change::between(&p, &old, &new);
        assert_eq!(change.after - change.before, change.priced + change.benefit);
        assert!(change.benefit >= 0);
        assert!(change.after - change.before <= change.overshoot);
        let shifted: Vec<i64> = prices.iter().map(|x| x + 77_777).collect();
        let again = p.assign(&shifted);
        assert_eq!(again.chosen, new.chosen);
        assert_eq!(lagrangian(&p, &again, &shifted), change.after);
        assert_eq!(bound(&p, &again), bound(&p, &new));
    }

    #[test]
    fn where_experts_divide_the_assignments_the_bound_is_the_dual_function() {
        let p = problem(60, 10, 3, 6);
        let assigned = p.assign(&(0..10).map(|e| e * 3001 - 9000).collect::<Vec<_>>());
        assert_eq!(10 * bound(&p, &assigned), lagrangian(&p, &assigned, &assigned.prices));
    }
}
