//! BIP-based balancing (arXiv 2502.15451), as Jianlin Su's post 11619 describes it.
//!
//! Its constraint is that no expert gets *more* than K·T/E tokens, so neither α nor β can be negative: each is the order statistic of
//! [`super::quantile`] or 0, whichever is larger. The clamp therefore holds popular experts back but does not help unpopular ones. Several
//! such passes are made over each batch *before* it is routed, starting from the last batch's β. A token's experts thus depend on tokens
//! that come after it: the rule leaks information about the future. How many passes the authors make is not established; the default of
//! four is this project's choice.
//!
//! **The anchor is ours.** A pass never lowers all β together, so over many batches they drift up. Once every score minus its β is below 0,
//! α is 0 for every token, the clamp decides instead of the scores, and balance is lost (on the shipped scenario after about 100 batches).
//! After the last pass over a batch the smallest β is therefore subtracted from all, so that the largest bias is 0. A common shift changes
//! no selection, so this batch is routed as it would have been without it, and the next one starts where the clamp works as intended.

use crate::fixed::{BIAS_BITS, SCORE_BITS, SCORE_ONE, q32_to_q20};

/// Beyond every score, Q20.
pub const FAR: i64 = 1 << 23;

/// The number that turns the value of a key into a biased score in absolute terms, Q20, given the largest bias (Q32); both are in units of
/// the gate.
#[must_use]
pub fn shift(largest: i64) -> i32 {
    (q32_to_q20(largest) - i64::from(SCORE_ONE) + 1).clamp(-FAR, FAR) as i32
}

/// max(0, α), Q20. α above 1 exceeds every score, so it is clamped there without effect.
#[must_use]
pub fn alpha(value: i32, shift: i32) -> i32 {
    (value + shift).clamp(0, SCORE_ONE)
}

/// −max(0, β), Q32 in score units. The threshold β is Q20 in units of the gate, 2 to the power of `unit_bits`.
#[must_use]
pub fn bias(threshold: i32, unit_bits: u32) -> i64 {
    -(i64::from(threshold.max(0)) << (BIAS_BITS - SCORE_BITS + unit_bits))
}

/// Subtracts the smallest β from all, so that the largest bias is 0.
pub fn anchor(bias: &mut [i64]) {
    let largest = bias.iter().copied().max().unwrap_or(0);
    bias.iter_mut().for_each(|b| *b -= largest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed::to_q32;
    use crate::select::{INDEX_BITS, Selector};

    #[test]
    fn the_largest_bias_becomes_zero() {
        let mut bias = [to_q32(-0.5), to_q32(-0.125), to_q32(-3.0)];
        anchor(&mut bias);
        assert_eq!(bias, [to_q32(-0.375), 0, to_q32(-2.875)]);
        anchor(&mut []);
    }

    #[test]
    fn alpha_is_the_biased_score_in_absolute_terms() {
        for offset in [0.0, -0.5, 0.25, -3000.0, 4000.0] {
            let biases = [to_q32(offset), to_q32(offset - 0.125)];
            let selector = Selector::new(crate::settings::Rule::Bip, &biases);
            let value = selector.key(1, SCORE_ONE / 2) >> INDEX_BITS;
            let real: f64 = 0.5 + offset - 0.125;
            assert_eq!(alpha(value, shift(biases[0])), (real.clamp(0.0, 1.0) * f64::from(SCORE_ONE)) as i32);
        }
        assert_eq!(bias(-5, 0), 0);
        assert_eq!(bias(SCORE_ONE / 2, 0), to_q32(-0.5));
        assert_eq!(bias(SCORE_ONE / 2, 2), to_q32(-2.0), "a gate with a unit of 4");
    }
}
