//! The band around the fair share that the loads of a repeated batch end up in, and the condition that guarantees it.
//!
//! With K = 1, one batch repeated for ever, the sign rule and a constant u: if, for every two experts, the tokens' score gaps between them
//! are more than 2u apart, then at most one token per step crosses from one expert to the other. An expert thus gains or loses at most E −
//! 1 tokens per step, and all loads enter [L − (E − 1), L + (E − 1)] and stay there. The condition is rarely met: it takes few tokens, few
//! experts and a small u. Our derivation.

use super::Problem;

/// Problems with more than this many gaps, T·E², are not examined.
pub const MOST_GAPS: usize = 1 << 24;

/// The largest step size that meets the condition, in Q20 units: any two gaps are more than twice this apart. 0 where two gaps are equal or
/// adjacent; `None` where there are more gaps than [`MOST_GAPS`], or K is not 1.
#[must_use]
pub fn largest_step(problem: &Problem) -> Option<i64> {
    let (e, t) = (problem.experts(), problem.tokens());
    if problem.top_k() != 1 || e * e * t > MOST_GAPS {
        return None;
    }
    let mut closest = i64::MAX;
    let mut gaps = vec![0i64; t];
    for a in 0..e {
        for b in 0..a {
            for (gap, scores) in gaps.iter_mut().zip(problem.scores.chunks_exact(e)) {
                *gap = i64::from(scores[a]) - i64::from(scores[b]);
            }
            gaps.sort_unstable();
            closest = gaps.windows(2).map(|w| w[1] - w[0]).fold(closest, i64::min);
            if closest <= 1 {
                return Some(0);
            }
        }
    }
    // Gaps must be more than 2u apart, in whole units. A single token allows every u.
    Some(if closest == i64::MAX { i64::from(super::super::fixed::SCORE_ONE) } else { (closest - 1) / 2 })
}

/// The largest |load − L| over the experts, times E. Within the band it is at most E·(E − 1).
#[must_use]
pub fn furthest(problem: &Problem, loads: &[u32]) -> i64 {
    loads.iter().map(|&l| problem.excess(l).abs()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::testing::problem;
    use super::*;

    #[test]
    fn the_closest_gaps_decide() {
        // Gaps between the two experts: 10, 14, 30.
        let p = Problem::new(2, 1, vec![0, 10, 0, 14, 0, 30]);
        assert_eq!(largest_step(&p), Some(1), "4 apart is more than 2 but not more than 4");
        assert_eq!(largest_step(&Problem::new(2, 1, vec![0, 10, 1, 11])), Some(0));
        assert_eq!(largest_step(&problem(10, 4, 2, 1)), None);
        assert!(largest_step(&problem(12, 4, 1, 1)).unwrap() > 0);
    }
}
