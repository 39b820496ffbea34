//! The selection of a token's K experts.
//!
//! The selection key is one i32: 22 value bits (score + relative bias) above 10 bits of inverted expert index. Keys are therefore totally
//! ordered, and ties go to the lower index. Shader twin: `shaders/shared/select.wgsl`.

use super::fixed::{SCORE_ONE, q32_to_q20};
use crate::settings::Rule;

/// Bits of the inverted expert index.
pub const INDEX_BITS: u32 = 10;
/// Largest inverted index.
pub const INDEX_MAX: i32 = (1 << INDEX_BITS) - 1;
/// The most experts a token can get.
pub const MAX_K: usize = 32;
/// Smallest value that fits the 22 value bits.
pub const VALUE_MIN: i64 = -(1 << 21);

/// By what a token's experts are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// By the scores with the biases, as the router does.
    Bias,
    /// By the scores alone: the reference for counting the assignments that the biases moved.
    Score,
}

/// The part of the key that depends only on the expert, prepared once per step.
#[derive(Clone, Debug, PartialEq)]
pub enum Selector {
    /// key = (score << 10) + `offset[e]`.
    Additive {
        /// The relative bias, shifted above the inverted index.
        offset: Vec<i32>,
        /// Number of experts whose bias is so far below the largest that it saturated.
        saturated: u32,
    },
    /// key = ((score·b) − 2²¹) << 10 | inverted index, with b in [0, 4) as Q32.
    Multiplicative {
        /// The factor of each expert.
        factor: Vec<u64>,
    },
}

/// The bias as it enters the key, relative to the largest bias: Q20, saturating at the low end; with it, whether it saturated. Biases less
/// than 3 apart are exact.
#[must_use]
pub fn relative(bias: i64, largest: i64) -> (i64, bool) {
    let rel = q32_to_q20(bias - largest) + i64::from(SCORE_ONE) - 1;
    (rel.max(VALUE_MIN), rel < VALUE_MIN)
}

impl Selector {
    /// The selector for the biases (Q32) of one step.
    #[must_use]
    pub fn new(rule: Rule, bias: &[i64]) -> Self {
        if rule == Rule::Multiplicative {
            return Self::Multiplicative { factor: bias.iter().map(|&b| b as u64).collect() };
        }
        let largest = bias.iter().copied().max().unwrap_or(0);
        let mut saturated = 0;
        let offset = bias
            .iter()
            .enumerate()
            .map(|(e, &b)| {
                let (rel, clipped) = relative(b, largest);
                saturated += u32::from(clipped);
                ((rel as i32) << INDEX_BITS) + (INDEX_MAX - e as i32)
            })
            .collect();
        Self::Additive { offset, saturated }
    }

    /// A selector that ignores biases.
    #[must_use]
    pub fn unbiased(experts: usize) -> Self {
        Self::new(Rule::None, &vec![0; experts])
    }

    /// The key of an expert with this score (Q20).
    #[must_use]
    pub fn key(&self, expert: usize, score: i32) -> i32 {
        match self {
            Self::Additive { offset, .. } => additive_key(score, offset[expert]),
            Self::Multiplicative { factor } => multiplicative_key(expert, score, factor[expert]),
        }
    }

    /// The `k` largest keys of a token, largest first. `k` is at most [`MAX_K`].
    pub fn top_k(&self, scores: &[i32], k: usize, out: &mut [i32; MAX_K]) {
        let top = &mut out[..k];
        top.fill(i32::MIN);
        match self {
            Self::Additive { offset, .. } => {
                keep_largest(scores.iter().zip(offset).map(|(&s, &o)| additive_key(s, o)), top);
            }
            Self::Multiplicative { factor } => {
                let pairs = scores.iter().zip(factor).enumerate();
                keep_largest(pairs.map(|(e, (&s, &f))| multiplicative_key(e, s, f)), top);
            }
        }
    }

    /// Number of experts whose bias saturated.
    #[must_use]
    pub fn saturated(&self) -> u32 {
        match self {
            Self::Additive { saturated, .. } => *saturated,
            Self::Multiplicative { .. } => 0,
        }
    }
}

fn additive_key(score: i32, offset: i32) -> i32 {
    (score << INDEX_BITS).wrapping_add(offset)
}

fn multiplicative_key(expert: usize, score: i32, factor: u64) -> i32 {
    let value = ((score as u64).wrapping_mul(factor) >> 32) as i32;
    (value.wrapping_add(VALUE_MIN as i32) << INDEX_BITS).wrapping_add(INDEX_MAX - expert as i32)
}

/// Inserts keys into `top`, which is sorted, largest first, and keeps only the largest.
pub(super) fn keep_largest(keys: impl Iterator<Item = i32>, top: &mut [i32]) {
    let Some(&(mut smallest)) = top.last() else { return };
    for key in keys {
        if key <= smallest {
            continue;
        }
        let mut place = top.len() - 1;
        while place > 0 && top[place - 1] < key {
            top[place] = top[place - 1];
            place -= 1;
        }
        top[place] = key;
        smallest = top[top.len() - 1];
    }
}

/// The expert that a key belongs to.
#[must_use]
pub fn expert_of(key: i32) -> usize {
    (INDEX_MAX - (key & INDEX_MAX)) as usize
}

#[cfg(test)]
mod tests {
    use super::super::fixed::{BIAS_ONE, to_q32};
    use super::*;

    fn chosen(selector: &Selector, scores: &[i32], k: usize) -> Vec<usize> {
        let mut out = [0; MAX_K];
        selector.top_k(scores, k, &mut out);
        out[..k].iter().map(|&q| expert_of(q)).collect()
    }

    #[test]
    fn ties_go_to_the_lower_index() {
        assert_eq!(chosen(&Selector::unbiased(4), &[5, 9, 9, 9], 2), [1, 2]);
    }

    #[test]
    fn a_common_shift_changes_nothing() {
        let bias: Vec<i64> = (0..8).map(|e| to_q32(0.01 * f64::from(e))).collect();
        let shifted: Vec<i64> = bias.iter().map(|b| b + 900 * BIAS_ONE + 12_345).collect();
        assert_eq!(Selector::new(Rule::Sign, &bias), Selector::new(Rule::Sign, &shifted));
    }

    #[test]
    fn extremes_neither_wrap_nor_lose_order() {
        let selector = Selector::new(Rule::Sign, &[0, to_q32(-2.999_999), to_q32(-900.0), i64::MIN / 4]);
        assert_eq!(selector.saturated(), 2, "spreads just under 3 are exact");
        assert!(selector.key(0, SCORE_ONE) > selector.key(0, 0));
        assert!(selector.key(0, 0) > selector.key(1, SCORE_ONE));
        assert_eq!(expert_of(selector.key(3, SCORE_ONE)), 3);
        let m = Selector::new(Rule::Multiplicative, &[4 * BIAS_ONE - 1, 0]);
        assert_eq!(expert_of(m.key(0, SCORE_ONE)), 0);
        assert!(m.key(0, SCORE_ONE) > m.key(1, SCORE_ONE));
    }

    #[test]
    fn same_as_sorting() {
        let scores: Vec<i32> = (0..100).map(|e: i32| (e * 7919 + 13) % 1000).collect();
        let selector = Selector::unbiased(100);
        let mut keys: Vec<i32> = scores.iter().enumerate().map(|(e, &s)| selector.key(e, s)).collect();
        keys.sort_unstable_by(|a, b| b.cmp(a));
        for k in 1..=MAX_K {
            assert_eq!(chosen(&selector, &scores, k), keys[..k].iter().map(|&q| expert_of(q)).collect::<Vec<_>>());
        }
    }
}
