//! The price view of one step: the assignment problem of a batch, its Lagrangian, the tokens that move and why, and what follows from it.
//!
//! The problem is max Σ γ·x over x ∈ {0, 1}, with K experts per token and L = KT/E tokens per expert. A bias is the price p of a place at
//! an expert, and the top-K of γ + p is the best reply to the prices. This is our own derivation in the spirit of Han & Zhong 2025 (arXiv
//! 2512.03915), whose theorem texts were not available to us; `crates/model/tests/theorems.rs` and `price_view.rs` check it in integers and
//! without tolerance.
//!
//! Everything here concerns the *effective* bias, the one in the selection key: relative to the largest, Q20. Scores are Q20 too, so every
//! sum is exact in 64 bits; quantities that contain L are multiplied by E, so that L needs no fraction.

pub mod band;
pub mod batch_size;
pub mod lagrangian;
pub mod moves;
pub mod online;
pub mod optimum;

use super::select::{INDEX_BITS, INDEX_MAX, Selector};

/// The assignment problem of a step's batch, or of evenly spaced tokens of it, without prices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    experts: usize,
    top_k: usize,
    /// [tokens, experts], Q20.
    scores: Vec<i32>,
}

/// The best reply to given prices: every token at the K experts where score plus price is largest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// The prices, Q20, one per expert: the effective biases.
    pub prices: Vec<i64>,
    /// [tokens, K], each token's experts in rising order.
    pub chosen: Vec<u16>,
    /// Tokens per expert.
    pub loads: Vec<u32>,
}

impl Problem {
    /// A problem with these scores, [tokens, experts], Q20. K is clamped to 1…E.
    #[must_use]
    pub fn new(experts: usize, top_k: usize, scores: Vec<i32>) -> Self {
        let experts = experts.max(1);
        debug_assert_eq!(scores.len() % experts, 0);
        Self { experts, top_k: top_k.clamp(1, experts), scores }
    }

    /// Experts, E.
    #[must_use]
    pub fn experts(&self) -> usize {
        self.experts
    }

    /// Experts per token, K.
    #[must_use]
    pub fn top_k(&self) -> usize {
        self.top_k
    }

    /// Tokens, T.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.scores.len() / self.experts
    }

    /// Assignments, K·T.
    #[must_use]
    pub fn assignments(&self) -> i64 {
        (self.tokens() * self.top_k) as i64
    }

    /// Scores of one token, Q20.
    #[must_use]
    pub fn of(&self, token: usize) -> &[i32] {
        &self.scores[token * self.experts..(token + 1) * self.experts]
    }

    /// E·(load − L): exact even where the fair share is not an integer.
    #[must_use]
    pub fn excess(&self, load: u32) -> i64 {
        self.experts as i64 * i64::from(load) - self.assignments()
    }

    /// Σ|load − L|, in tokens.
    #[must_use]
    pub fn distance(&self, loads: &[u32]) -> f64 {
        loads.iter().map(|&l| self.excess(l).abs()).sum::<i64>() as f64 / self.experts as f64
    }

    /// The best reply to these prices; ties go to the lower index, as in the key.
    #[must_use]
    pub fn assign(&self, prices: &[i64]) -> Assigned {
        let k = self.top_k;
        let mut chosen = Vec::with_capacity(self.tokens() * k);
        let mut loads = vec![0; self.experts];
        let mut top = vec![0i64; k];
        for token in self.scores.chunks_exact(self.experts) {
            top.fill(i64::MIN);
            let mut smallest = i64::MIN;
            for (e, (&score, &price)) in token.iter().zip(prices).enumerate() {
                let key = ((i64::from(score) + price) << INDEX_BITS) + (i64::from(INDEX_MAX) - e as i64);
                if key <= smallest {
                    continue;
                }
                let mut place = k - 1;
                while place > 0 && top[place - 1] < key {
                    top[place] = top[place - 1];
                    place -= 1;
                }
                top[place] = key;
                smallest = top[k - 1];
            }
            let first = chosen.len();
            chosen.extend(top.iter().map(|key| (i64::from(INDEX_MAX) - (key & i64::from(INDEX_MAX))) as u16));
            chosen[first..].iter().for_each(|&e| loads[usize::from(e)] += 1);
            chosen[first..].sort_unstable();
        }
        Assigned { prices: prices.to_vec(), chosen, loads }
    }
}

impl Assigned {
    /// The experts of one token, in rising order.
    #[must_use]
    pub fn of(&self, token: usize, top_k: usize) -> &[u16] {
        &self.chosen[token * top_k..(token + 1) * top_k]
    }
}

/// The prices that a selector adds to the scores, Q20; `None` for the multiplicative rule.
#[must_use]
pub fn prices(selector: &Selector) -> Option<Vec<i64>> {
    match selector {
        Selector::Additive { offset, .. } => Some(offset.iter().map(|o| i64::from(o >> INDEX_BITS)).collect()),
        Selector::Multiplicative { .. } => None,
    }
}

/// Pearson's correlation of two lists of the same length; `None` where either does not vary.
#[must_use]
pub fn correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    let n = a.len().min(b.len()) as f64;
    let mean = |x: &[f64]| x.iter().sum::<f64>() / n;
    let (ma, mb) = (mean(a), mean(b));
    let sum = |f: &dyn Fn(f64, f64) -> f64| a.iter().zip(b).map(|(&x, &y)| f(x - ma, y - mb)).sum::<f64>();
    let (aa, bb) = (sum(&|x, _| x * x), sum(&|_, y| y * y));
    (aa > 0.0 && bb > 0.0).then(|| sum(&|x, y| x * y) / (aa * bb).sqrt())
}

#[cfg(test)]
pub(crate) mod testing {
    use super::Problem;
    use crate::fixed::SCORE_ONE;

    /// A problem with random scores from a small generator, so that tests are reproducible.
    pub fn problem(tokens: usize, experts: usize, top_k: usize, seed: u64) -> Problem {
        let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = move || {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            (x >> 40) as i32 % SCORE_ONE
        };
        // Some experts are more popular, so that the problem starts out of balance.
        let popular = |i: usize| (i % experts) as i32 * (SCORE_ONE / 2 / experts as i32);
        let scores = (0..tokens * experts).map(|i| (next() + popular(i)) / 3 * 2).collect();
        Problem::new(experts, top_k, scores)
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::Rule;
    use super::super::select::{MAX_K, expert_of};
    use super::*;

    #[test]
    fn the_best_reply_is_what_the_selector_chooses() {
        for (tokens, experts, k, seed) in [(50, 7, 3, 1), (40, 64, 6, 2), (9, 5, 5, 3), (30, 2, 1, 4)] {
            let problem = testing::problem(tokens, experts, k, seed);
            let bias: Vec<i64> = (0..experts as i64).map(|e| (e * 7_919_000_111) % (1 << 31)).collect();
            let selector = Selector::new(Rule::Sign, &bias);
            let assigned = problem.assign(&prices(&selector).unwrap());
            let mut top = [0; MAX_K];
            for t in 0..tokens {
                selector.top_k(problem.of(t), k, &mut top);
                let mut experts: Vec<u16> = top[..k].iter().map(|&q| expert_of(q) as u16).collect();
                experts.sort_unstable();
                assert_eq!(assigned.of(t, k), experts);
            }
            assert_eq!(assigned.loads.iter().sum::<u32>() as usize, tokens * k);
        }
    }

    #[test]
    fn correlation_of_a_line() {
        assert!((correlation(&[1.0, 2.0, 4.0], &[3.0, 5.0, 9.0]).unwrap() - 1.0).abs() < 1e-12);
        assert!((correlation(&[1.0, 2.0, 4.0], &[-1.0, -2.0, -4.0]).unwrap() + 1.0).abs() < 1e-12);
        assert_eq!(correlation(&[1.0, 1.0], &[0.0, 1.0]), None);
    }
}
