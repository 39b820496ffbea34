//! Which tokens moved from which expert to which, and whether the preference rule held.
//!
//! The preference rule: a token drops expert k and takes k′ only where Δp(k′) > Δp(k). It always holds, for any K and any rule that adds a
//! bias to the score. "From overloaded to underloaded" is what it comes to for the sign and the proportional rule with steps of whole units
//! of the key. Our derivation.

use super::{Assigned, Problem};
use std::collections::HashMap;

/// A number of tokens that moved from one expert to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The expert they dropped.
    pub from: u16,
    /// The expert they took.
    pub to: u16,
    /// How many.
    pub tokens: u32,
}

/// All moves of a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moves {
    /// The moves, most tokens first. A token that changes several experts at once is counted from the most loaded expert it dropped to the
    /// least loaded it took, then from the next to the next.
    pub flows: Vec<Flow>,
    /// Tokens that changed at least one expert.
    pub tokens: u32,
    /// Assignments that changed.
    pub assignments: u32,
    /// Pairs of an expert that a token dropped and one that it took: the cases that the preference rule covers.
    pub pairs: u64,
    /// Pairs that violate the preference rule on effective prices. Always 0.
    pub violations: u64,
    /// Pairs in which the taken expert had at least as many tokens as the dropped one. 0 for the sign and the proportional rule where steps
    /// are whole units of the key.
    pub against_load: u64,
}

impl Moves {
    /// Compares two best replies on the same batch.
    #[must_use]
    pub fn between(problem: &Problem, before: &Assigned, after: &Assigned) -> Self {
        let k = problem.top_k();
        let step = |e: u16| after.prices[usize::from(e)] - before.prices[usize::from(e)];
        let load = |e: u16| before.loads[usize::from(e)];
        let mut out = Self::default();
        let mut counts: HashMap<(u16, u16), u32> = HashMap::new();
        for t in 0..problem.tokens() {
            let (old, new) = (before.of(t, k), after.of(t, k));
            if old == new {
                continue;
            }
            let mut dropped: Vec<u16> = old.iter().copied().filter(|e| !new.contains(e)).collect();
            let mut taken: Vec<u16> = new.iter().copied().filter(|e| !old.contains(e)).collect();
            out.tokens += 1;
            out.assignments += dropped.len() as u32;
            for &d in &dropped {
                for &e in &taken {
                    out.pairs += 1;
                    out.violations += u64::from(step(e) <= step(d));
                    out.against_load += u64::from(load(e) >= load(d));
                }
            }
            dropped.sort_unstable_by_key(|&e| std::cmp::Reverse(load(e)));
            taken.sort_unstable_by_key(|&e| load(e));
            dropped.into_iter().zip(taken).for_each(|pair| *counts.entry(pair).or_default() += 1);
        }
        out.flows = counts.into_iter().map(|((from, to), tokens)| Flow { from, to, tokens }).collect();
        out.flows.sort_unstable_by_key(|f| (std::cmp::Reverse(f.tokens), f.from, f.to));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::problem;
    use super::*;

    #[test]
    fn moves_explain_every_change_of_the_loads() {
        let p = problem(200, 12, 3, 8);
        let old = p.assign(&[0; 12]);
        let prices: Vec<i64> = old.loads.iter().map(|&l| -p.excess(l).signum() * 60_000).collect();
        let new = p.assign(&prices);
        let moves = Moves::between(&p, &old, &new);
        assert!(moves.tokens > 10 && moves.violations == 0 && moves.against_load == 0, "{moves:?}");
        let mut loads: Vec<i64> = old.loads.iter().map(|&l| i64::from(l)).collect();
        for f in &moves.flows {
            loads[usize::from(f.from)] -= i64::from(f.tokens);
            loads[usize::from(f.to)] += i64::from(f.tokens);
        }
        assert_eq!(loads, new.loads.iter().map(|&l| i64::from(l)).collect::<Vec<_>>());
        assert_eq!(moves.flows.iter().map(|f| f.tokens).sum::<u32>(), moves.assignments);
    }

    #[test]
    fn a_wrong_assignment_is_found_out() {
        let p = problem(50, 4, 1, 9);
        let old = p.assign(&[0; 4]);
        // Tokens that follow falling prices, as if each had chosen the worst expert.
        let mut new = p.assign(&[0, 0, 0, 300_000]);
        new.prices = vec![0, 0, 0, -300_000];
        assert!(Moves::between(&p, &old, &new).violations > 0);
    }
}
