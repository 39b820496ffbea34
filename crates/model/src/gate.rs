//! The gates: from integer logits (Q14) to integer scores (Q20).
//!
//! Every gate is a piecewise polynomial over 32 segments whose coefficients are computed once from `libm` and pinned by a test. The gates
//! are monotone and within 1e-4 of the real functions. Shader twin: `shaders/shared/gate.wgsl`.
//!
//! The root of the softplus exceeds 1, so it is stored as s/4 ([`Gate::unit`]); logits saturate at ±8. Softmax scores are stored unscaled;
//! they are about 1/E.

use super::fixed::{LOGIT_BITS, LOGIT_LIMIT, SCORE_BITS, SCORE_ONE};
use crate::settings::Gate;
use std::sync::LazyLock;

/// Segments of each gate's table.
pub const SEGMENTS: usize = 32;
/// Fraction bits within a segment of the sigmoid: a segment is a quarter of a logit.
pub const SIGMOID_FRACTION: u32 = LOGIT_BITS - 2;
/// Fraction bits within a segment of 2⁻ᶠ: a segment is 1/32 of an octave.
pub const EXP2_FRACTION: u32 = LOGIT_BITS - 5;
/// Fraction bits within a segment of the root of the softplus: a segment is half a logit.
pub const ROOT_FRACTION: u32 = LOGIT_BITS - 1;
/// Fraction bits of an exponential before it is normalised.
pub const EXP_BITS: u32 = 18;
/// log2(e) in Q12.
pub const LOG2_E: i32 = 5909;

/// The coefficients of each segment: `c0 + (((c1 + ((c2·f) >> F))·f) >> F)` with f the fraction within the segment, of F bits.
#[derive(Debug)]
pub struct Tables {
    /// σ over [0, 8): quadratic below 4, linear above, where the rounding of a quadratic could make a step down.
    pub sigmoid: [[i32; 4]; SEGMENTS],
    /// 2⁻ᶠ over [0, 1), linear.
    pub exp2: [[i32; 4]; SEGMENTS],
    /// √ln(1 + eˣ)/4 over [−8, 8), quadratic.
    pub root: [[i32; 4]; SEGMENTS],
}

/// The tables, computed on first use.
pub static TABLES: LazyLock<Tables> = LazyLock::new(Tables::new);

impl Tables {
    fn new() -> Self {
        Self { sigmoid: sigmoid_table(), exp2: exp2_table(), root: root_table() }
    }
}

fn sigmoid_table() -> [[i32; 4]; SEGMENTS] {
    let f = |x: f64| 1.0 / (1.0 + libm::exp(-x));
    let width = 0.25;
    let first_linear = SEGMENTS / 2;
    // A chord lies below a concave curve; raising the knots by half that gap halves the error.
    let knot = |i: usize| {
        let x = i as f64 * width;
        let s = f(x);
        let lift = if i >= first_linear { width * width / 16.0 * s * (1.0 - s) * (2.0 * s - 1.0) } else { 0.0 };
        libm::round((s + lift) * f64::from(SCORE_ONE))
    };
    std::array::from_fn(|i| {
        let (start, end) = (knot(i), knot(i + 1));
        let bend = if i < first_linear {
            let middle = f((i as f64 + 0.5) * width) * f64::from(SCORE_ONE);
            libm::round(2.0 * (start + end - 2.0 * middle))
        } else {
            0.0
        };
        [start as i32, (end - start - bend) as i32, bend as i32, 0]
    })
}

/// √ln(1 + eˣ).
fn sqrt_softplus(x: f64) -> f64 {
    libm::sqrt(x.max(0.0) + libm::log1p(libm::exp(-x.abs())))
}

fn root_table() -> [[i32; 4]; SEGMENTS] {
    let at = |i: f64| sqrt_softplus(i / 2.0 - 8.0) / Gate::SqrtSoftplus.unit() * f64::from(SCORE_ONE);
    std::array::from_fn(|i| {
        let (start, end) = (libm::round(at(i as f64)), libm::round(at(i as f64 + 1.0)));
        let bend = libm::round(2.0 * (start + end - 2.0 * at(i as f64 + 0.5)));
        [start as i32, (end - start - bend) as i32, bend as i32, 0]
    })
}

fn exp2_table() -> [[i32; 4]; SEGMENTS] {
    let knot = |i: usize| libm::round(libm::exp2(-(i as f64) / SEGMENTS as f64) * f64::from(1 << EXP_BITS)) as i32;
    std::array::from_fn(|i| [knot(i), knot(i) - knot(i + 1), 0, 0])
}

impl Tables {
    /// σ(logit), Q20. Symmetric about ½: σ(−x) = 1 − σ(x) exactly.
    #[must_use]
    #[inline]
    pub fn sigmoid(&self, logit: i32) -> i32 {
        let m = logit.wrapping_abs().min(LOGIT_LIMIT);
        let [c0, c1, c2, _] = self.sigmoid[(m >> SIGMOID_FRACTION) as usize % SEGMENTS];
        let f = m & ((1 << SIGMOID_FRACTION) - 1);
        let slope = c1.wrapping_add(c2.wrapping_mul(f) >> SIGMOID_FRACTION);
        let s = c0.wrapping_add(slope.wrapping_mul(f) >> SIGMOID_FRACTION);
        if logit < 0 { SCORE_ONE.wrapping_sub(s) } else { s }
    }

    /// √ln(1 + eˣ)/4 of a logit, Q20.
    #[must_use]
    #[inline]
    pub fn sqrt_softplus(&self, logit: i32) -> i32 {
        let m = saturate(logit) + LOGIT_LIMIT + 1;
        let [c0, c1, c2, _] = self.root[(m >> ROOT_FRACTION) as usize % SEGMENTS];
        let f = m & ((1 << ROOT_FRACTION) - 1);
        let slope = c1.wrapping_add(c2.wrapping_mul(f) >> ROOT_FRACTION);
        c0.wrapping_add(slope.wrapping_mul(f) >> ROOT_FRACTION)
    }

    /// e^(−distance), Q18, for a distance in [0, 16) logits in Q14.
    #[must_use]
    #[inline]
    pub fn exp_neg(&self, distance: i32) -> u32 {
        // At most 2¹⁸·5909, which fits 31 bits.
        let y = distance.wrapping_mul(LOG2_E).wrapping_add(2048) >> 12;
        let (whole, f) = (y >> LOGIT_BITS, y & ((1 << LOGIT_BITS) - 1));
        let [c0, c1, ..] = self.exp2[(f >> EXP2_FRACTION) as usize % SEGMENTS];
        let f = f & ((1 << EXP2_FRACTION) - 1);
        (c0.wrapping_sub(c1.wrapping_mul(f) >> EXP2_FRACTION) >> whole) as u32
    }
}

/// σ(logit), Q20.
#[must_use]
pub fn sigmoid(logit: i32) -> i32 {
    TABLES.sigmoid(logit)
}

/// e^(−distance), Q18, for a distance in [0, 16) logits in Q14.
#[must_use]
pub fn exp_neg(distance: i32) -> u32 {
    TABLES.exp_neg(distance)
}

/// Turns a token's exponentials into softmax scores: 14 bits of 1/Σ, and a shift.
#[derive(Clone, Copy, Debug)]
pub struct Normaliser {
    reciprocal: u32,
    shift: u32,
}

impl Normaliser {
    /// For the sum of a token's exponentials. The largest of them is 2¹⁸, so the sum is at least that.
    #[must_use]
    pub fn new(sum: u32) -> Self {
        let shift = (32 - sum.leading_zeros()).saturating_sub(EXP_BITS + 1);
        Self { reciprocal: u32::MAX / (sum >> shift), shift }
    }

    /// The factor that multiplies an exponential, at most 2¹⁴.
    #[must_use]
    pub fn reciprocal(self) -> u32 {
        self.reciprocal
    }

    /// By how many bits the product is shifted to the right.
    #[must_use]
    pub fn shift(self) -> u32 {
        32 - SCORE_BITS + self.shift
    }

    /// The score of one exponential, Q20.
    #[must_use]
    #[inline]
    pub fn score(self, exponential: u32) -> i32 {
        (exponential.wrapping_mul(self.reciprocal) >> (32 - SCORE_BITS + self.shift)) as i32
    }
}

/// A recorded logit in the format of synthetic logits, Q14: rounded to nearest, ties to even, saturating. Multiplying by a power of two is
/// exact, so every CPU rounds alike.
#[must_use]
#[inline]
pub fn quantised(logit: f32) -> i32 {
    const ONE: f32 = (1 << LOGIT_BITS) as f32;
    const LIMIT: f32 = LOGIT_LIMIT as f32;
    (logit * ONE).clamp(-LIMIT, LIMIT).round_ties_even() as i32
}

/// A logit clamped to the range of the tables.
#[must_use]
pub fn saturate(logit: i32) -> i32 {
    logit.clamp(-LOGIT_LIMIT, LOGIT_LIMIT)
}

/// The scores of one token, Q20, from its logits (Q14). Replaces the content of `out`.
pub fn scores(gate: Gate, logits: &[i32], out: &mut Vec<i32>) {
    let tables = &*TABLES;
    out.clear();
    match gate {
        Gate::Sigmoid => out.extend(logits.iter().map(|&x| tables.sigmoid(x))),
        Gate::SqrtSoftplus => out.extend(logits.iter().map(|&x| tables.sqrt_softplus(x))),
        Gate::Softmax => {
            let top = logits.iter().map(|&x| saturate(x)).max().unwrap_or(0);
            let exp = |&x: &i32| tables.exp_neg(top.wrapping_sub(saturate(x)));
            let norm = Normaliser::new(logits.iter().map(exp).sum());
            out.extend(logits.iter().map(|x| norm.score(exp(x))));
        }
    }
}

/// The scores of one token from recorded logits: computed in f64 and rounded once to Q20. Appends to `out`.
pub fn scores_of_recorded(gate: Gate, logits: impl Iterator<Item = f64> + Clone, out: &mut Vec<i32>) {
    match gate {
        Gate::Sigmoid => out.extend(logits.map(|x| super::fixed::to_score(1.0 / (1.0 + libm::exp(-x))))),
        // A logit above 16 would have a score above 4, which is clamped to 4.
        Gate::SqrtSoftplus => {
            out.extend(logits.map(|x| super::fixed::to_score(sqrt_softplus(x) / gate.unit())));
        }
        Gate::Softmax => {
            let top = logits.clone().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = logits.clone().map(|x| libm::exp(x - top)).sum();
            out.extend(logits.map(|x| super::fixed::to_score(libm::exp(x - top) / sum)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::digest::Digest;
    use super::super::fixed::from_score;
    use super::*;

    #[test]
    fn sigmoid_is_monotone_and_close() {
        let mut last = -1;
        for x in -LOGIT_LIMIT - 10..=LOGIT_LIMIT + 10 {
            let s = sigmoid(x);
            assert!(s >= last, "steps down at {x}");
            last = s;
            let real =
                1.0 / (1.0 + libm::exp(-f64::from(x.clamp(-LOGIT_LIMIT, LOGIT_LIMIT)) / f64::from(1 << LOGIT_BITS)));
            assert!((from_score(s) - real).abs() <= 1e-4, "{x}: {} for {real}", from_score(s));
        }
    }

    #[test]
    fn root_of_softplus_is_monotone_and_close() {
        let mut last = 0;
        for x in -LOGIT_LIMIT - 10..=LOGIT_LIMIT + 10 {
            let s = TABLES.sqrt_softplus(x);
            assert!(s >= last, "steps down at {x}");
            last = s;
            let x = f64::from(saturate(x)) / f64::from(1 << LOGIT_BITS);
            let real = libm::sqrt(libm::log(1.0 + libm::exp(x)));
            let made = from_score(s) * Gate::SqrtSoftplus.unit();
            assert!((made - real).abs() <= 1e-4, "{x}: {made} for {real}");
        }
        let mut out = vec![];
        scores_of_recorded(Gate::SqrtSoftplus, [-8.0, 0.0, 8.0, 15.9, 50.0].into_iter(), &mut out);
        let wanted = [0.018_314, 0.832_555, 2.828_486, 3.987_48, 4.0];
        for (s, wanted) in out.iter().zip(wanted) {
            assert!((from_score(*s) * 4.0 - wanted).abs() < 1e-5, "{s} for {wanted}");
        }
    }

    #[test]
    fn exponential_is_monotone_and_close() {
        let mut last = u32::MAX;
        for d in 0..=2 * LOGIT_LIMIT {
            let e = exp_neg(d);
            assert!(e <= last, "steps up at {d}");
            last = e;
            let real = libm::exp(-f64::from(d) / f64::from(1 << LOGIT_BITS));
            assert!((f64::from(e) / f64::from(1 << EXP_BITS) - real).abs() <= 1e-4, "{d}");
        }
    }

    #[test]
    fn softmax_adds_up() {
        for experts in [2usize, 3, 64, 1024] {
            let logits: Vec<i32> = (0..experts as i32).map(|e| (e * 7919) % 40_000 - 20_000).collect();
            let mut out = vec![];
            scores(Gate::Softmax, &logits, &mut out);
            let sum: f64 = out.iter().map(|&s| from_score(s)).sum();
            assert!((sum - 1.0).abs() < 2e-3, "{experts}: {sum}");
            let total: f64 = logits.iter().map(|&x| libm::exp(f64::from(x) / 16384.0)).sum();
            for (&x, &s) in logits.iter().zip(&out) {
                assert!((libm::exp(f64::from(x) / 16384.0) / total - from_score(s)).abs() < 1e-4);
            }
        }
        let mut out = vec![];
        scores(Gate::Softmax, &[200_000, -200_000], &mut out);
        assert!(out[0] > SCORE_ONE - 200 && out[1] == 0);
    }

    #[test]
    fn the_tables_are_pinned() {
        let mut d = Digest::default();
        for c in TABLES.sigmoid.iter().chain(&TABLES.exp2).flatten() {
            d.word(u64::from(*c as u32));
        }
        assert_eq!(d.value(), 11_745_623_519_534_997_384, "a change here changes every recording ever made");
        let mut d = Digest::default();
        TABLES.root.iter().flatten().for_each(|&c| d.word(u64::from(c as u32)));
        assert_eq!(d.value(), 3_378_227_103_192_649_330, "a change here changes every recording with this gate");
    }
}
