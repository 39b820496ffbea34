//! The number formats. Scores are Q20 in [0, 1]; biases are Q32 in 64 bits.
//!
//! In Q32 a step size of 1e-5 moves a bias by 42,950 units, and 64 bits are wide enough that no drift overflows.

/// Fraction bits of a score.
pub const SCORE_BITS: u32 = 20;
/// A score of 1.0.
pub const SCORE_ONE: i32 = 1 << SCORE_BITS;
/// Fraction bits of a bias and of a step size.
pub const BIAS_BITS: u32 = 32;
/// A bias of 1.0.
pub const BIAS_ONE: i64 = 1 << BIAS_BITS;
/// Fraction bits of a synthetic logit: an integer dot product of 2¹⁴ is a logit of 1.
pub const LOGIT_BITS: u32 = 14;
/// Logits saturate just under ±8, where the gate is within 3.4e-4 of 0 or 1.
pub const LOGIT_LIMIT: i32 = (8 << LOGIT_BITS) - 1;

/// A real number as Q32, rounded to nearest, halves away from zero.
#[must_use]
pub fn to_q32(x: f64) -> i64 {
    libm::round(x * BIAS_ONE as f64) as i64
}

/// A Q32 number as a real number, for display only: routing never reads it.
#[must_use]
pub fn from_q32(x: i64) -> f64 {
    x as f64 / BIAS_ONE as f64
}

/// A score as Q20, rounded to nearest and clamped to [0, 1]. Used for recorded logits only.
#[must_use]
pub fn to_score(x: f64) -> i32 {
    (libm::round(x * f64::from(SCORE_ONE)) as i32).clamp(0, SCORE_ONE)
}

/// A Q20 score as a real number, for display only: routing never reads it.
#[must_use]
pub fn from_score(x: i32) -> f64 {
    f64::from(x) / f64::from(SCORE_ONE)
}

/// Q32 to Q20, rounded to nearest, halves up. The shader twin is `q32_to_q20` in `shaders/shared/fixed64.wgsl`.
#[must_use]
pub fn q32_to_q20(x: i64) -> i64 {
    (x + (1 << (BIAS_BITS - SCORE_BITS - 1))) >> (BIAS_BITS - SCORE_BITS)
}

/// The largest integer whose square is at most `x`.
#[must_use]
pub fn isqrt(x: u128) -> u64 {
    x.isqrt() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_step_size_is_not_lost() {
        assert_eq!(to_q32(1e-5), 42_950);
        assert_eq!(to_q32(-1e-5), -42_950);
        assert!((from_q32(to_q32(0.001)) - 0.001).abs() < 1e-9);
    }

    #[test]
    fn rounding_to_scores() {
        assert_eq!(to_score(0.5), 1 << 19);
        assert_eq!(to_score(1.0), SCORE_ONE);
        assert_eq!(q32_to_q20(BIAS_ONE), 1 << 20);
        assert_eq!(q32_to_q20(2048), 1, "half a unit rounds up");
        assert_eq!(q32_to_q20(2047), 0);
        assert_eq!(q32_to_q20(-2048), 0);
        assert_eq!(q32_to_q20(-2049), -1);
    }
}
