//! tanh over [0, 8) as a piecewise polynomial of integers: Q20 in, Q30 out, within 5e-6 of the real function.
//!
//! 128 segments of 1/16, quadratic below 4 and linear above, where the rounding of a quadratic could make a step down. The coefficients are
//! computed once from `libm::tanh`; a test pins them. Shader twin: `tanh_of` in `shaders/update.wgsl`.

use std::sync::LazyLock;

/// Segments.
pub const SEGMENTS: usize = 128;
/// Fraction bits of the value.
pub const VALUE_BITS: u32 = 30;
/// Fraction bits of the argument.
const ARGUMENT_BITS: u32 = 20;
/// Fraction bits within a segment.
pub const FRACTION: u32 = ARGUMENT_BITS - 4;
/// Arguments saturate just under 8, where tanh is within 3e-7 of 1.
pub const LIMIT: u64 = (8 << ARGUMENT_BITS) - 1;

/// The coefficients of each segment: `c0 + (((c1 − ((c2·f) >> 16))·f) >> 16)` with f the fraction within the segment.
pub static TABLE: LazyLock<[[u32; 4]; SEGMENTS]> = LazyLock::new(|| {
    let one = f64::from(1u32 << VALUE_BITS);
    let width = 1.0 / 16.0;
    let at = |i: f64| libm::tanh(i * width) * one;
    std::array::from_fn(|i| {
        let (start, end) = (libm::round(at(i as f64)), libm::round(at(i as f64 + 1.0)));
        let sag = if i < SEGMENTS / 2 { libm::round(2.0 * (2.0 * at(i as f64 + 0.5) - start - end)) } else { 0.0 };
        [start as u32, (end - start + sag) as u32, sag as u32, 0]
    })
});

/// tanh of a non-negative argument, Q20 to Q30.
#[must_use]
pub fn of(x: u64) -> u32 {
    let x = x.min(LIMIT);
    let [c0, c1, c2, _] = TABLE[(x >> FRACTION) as usize % SEGMENTS].map(u64::from);
    let f = x & ((1 << FRACTION) - 1);
    let slope = c1 - ((c2 * f) >> FRACTION);
    (c0 + ((slope * f) >> FRACTION)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    #[test]
    fn it_is_monotone_and_close() {
        let mut last = 0;
        for x in 0..=LIMIT + 5 {
            let t = of(x);
            assert!(t >= last && t <= 1 << VALUE_BITS, "steps down at {x}");
            last = t;
            if x % 61 == 0 {
                let real = libm::tanh(x as f64 / f64::from(1 << ARGUMENT_BITS));
                let made = f64::from(t) / f64::from(1u32 << VALUE_BITS);
                assert!((made - real).abs() <= 5e-6, "{x}: {made} for {real}");
            }
        }
        assert_eq!(of(u64::MAX), of(LIMIT));
    }

    #[test]
    fn the_table_is_pinned() {
        let mut d = Digest::default();
        TABLE.iter().flatten().for_each(|&c| d.word(u64::from(c)));
        assert_eq!(d.value(), 4_494_455_205_672_132_791, "a change here changes every recording of this rule");
    }
}
