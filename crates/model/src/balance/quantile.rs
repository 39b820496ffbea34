//! Quantile Balancing: Jianlin Su's MoE series, post 11619, and `quantile_balancing` of Megatron-LM.
//!
//! The optimal assignment with exactly K experts per token and K·T/E tokens per expert has a price α per token and a price β per expert.
//! Given β, α_i is the (K+1)-th largest of s_i − β; given α, β_j is the (K·T/E + 1)-th largest of s_j − α over the tokens. Each step routes
//! by the top-K of s − β and then makes one such pass. Here b = −β. Where E does not divide K·T, the rank is ⌊K·T/E⌋ + 1. With K = E there
//! is no (K+1)-th score and nothing to balance: the biases stay as they are.
//!
//! All of it works on the values in the selection keys, Q20, so β is exact for the *effective* biases. Compared with real numbers, rounding
//! a score and a relative bias by half a unit each moves α by at most one unit of 2⁻²⁰ and β by at most one and a half (an order statistic
//! moves by no more than its numbers do). A β̂ computed by this rule is a whole number of units, so its bias adds no rounding, and one unit
//! remains.

use super::centre;
use crate::fixed::{BIAS_BITS, SCORE_BITS};

/// Fraction bits of the weight of the moving average.
pub const WEIGHT_BITS: u32 = 24;

/// The weight a of the old β in the moving average, Q24.
#[must_use]
pub fn weight(average: f64) -> u32 {
    libm::round(average * f64::from(1 << WEIGHT_BITS)) as u32
}

/// b ← b̂ + ⌊a·(b − b̂)⌋ with b̂ = −β̂, then centred by the mean, rounded down. `thresholds` are the β̂, Q20 in units of the gate (2 to the
/// power of `unit_bits`), up to a common shift; if there are none, the biases stay.
pub fn update(bias: &mut [i64], thresholds: &[i32], weight: u32, unit_bits: u32) {
    if thresholds.is_empty() {
        return;
    }
    for (b, &t) in bias.iter_mut().zip(thresholds) {
        let made = -(i64::from(t) << (BIAS_BITS - SCORE_BITS + unit_bits));
        let apart = *b - made;
        // The product has up to 78 bits, so it is computed in two parts.
        let (high, low) = (apart >> WEIGHT_BITS, apart & ((1 << WEIGHT_BITS) - 1));
        *b = made + high * i64::from(weight) + ((low * i64::from(weight)) >> WEIGHT_BITS);
    }
    centre(bias);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed::{BIAS_ONE, to_q32};

    #[test]
    fn without_an_average_the_old_bias_is_forgotten() {
        let mut bias = vec![1 << 52, -(1 << 52), 7];
        update(&mut bias, &[1 << 20, 0, -(1 << 20)], weight(0.0), 0);
        assert_eq!(bias, [-BIAS_ONE, 0, BIAS_ONE]);
        update(&mut bias, &[1 << 20, 0, -(1 << 20)], weight(0.0), 2);
        assert_eq!(bias, [-4 * BIAS_ONE, 0, 4 * BIAS_ONE], "a gate with a unit of 4");
    }

    #[test]
    fn the_average_is_exact_to_a_unit() {
        for a in [0.25, 0.5, 0.9, 0.999] {
            let before = [to_q32(0.31), to_q32(-0.17), to_q32(-0.14)];
            let made = [0.2, -0.5, 0.3];
            let mut bias = before.to_vec();
            let thresholds = made.map(|b: f64| (-b * 1_048_576.0).round() as i32);
            update(&mut bias, &thresholds, weight(a), 0);
            for e in 0..3 {
                let wanted = a * before[e] as f64 + (1.0 - a) * made[e] * BIAS_ONE as f64;
                assert!((bias[e] as f64 - wanted).abs() < 8000.0, "{a}: {} for {wanted}", bias[e]);
            }
        }
        let mut bias = vec![1 << 52, -(1 << 52)];
        update(&mut bias, &[0, 0], weight(0.5), 0);
        assert_eq!(bias, [1 << 51, -(1 << 51)], "no product is too wide");
    }
}
