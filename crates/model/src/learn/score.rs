//! From a token to its scores: dot products with the centroids, the gate, and one rounding to Q20.
//!
//! These are plain loops over arrays of fixed length, which compilers vectorise at any width with the same result.

use super::parameters::centroids;
use super::spread::{Spread, part_of};
use crate::fixed::SCORE_ONE;
use crate::settings::{DIM, Gate};

/// Coordinates added to a logit in one pass, in order.
const BLOCK: usize = 8;
/// 1.5·2²³: adding it to a small float leaves the nearest integer in the low bits.
const ROUND: f32 = 12_582_912.0;
/// log2(e)
const LOG2_E: f32 = std::f32::consts::LOG2_E;

/// eˣ for x in [−55, 55], saturating beyond, with a relative error within 3·10⁻⁷: 2ⁿ in the exponent bits times a polynomial.
#[must_use]
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    let y = (x * LOG2_E).clamp(-80.0, 80.0);
    let shifted = y + ROUND;
    let n = shifted.to_bits().wrapping_sub(ROUND.to_bits());
    let f = y - (shifted - ROUND);
    let p = 1.540_353e-4_f32;
    let p = p * f + 1.333_355_8e-3;
    let p = p * f + 9.618_129e-3;
    let p = p * f + 5.550_411e-2;
    let p = p * f + 2.402_265e-1;
    let p = p * f + std::f32::consts::LN_2;
    let p = p * f + 1.0;
    p * f32::from_bits(n.wrapping_add(127) << 23)
}

/// A score in [0, 1] as Q20, rounded to nearest. A float between 8 and 16 has steps of 2⁻²⁰, so adding 8 rounds it.
#[inline(always)]
fn quantised(score: f32) -> i32 {
    const BASE: f32 = 8.0;
    ((score + BASE).to_bits().wrapping_sub(BASE.to_bits()) as i32).clamp(0, SCORE_ONE)
}

/// A Q20 score as a float; exact.
#[must_use]
#[inline(always)]
pub fn real(score: i32) -> f32 {
    score as f32 * (1.0 / SCORE_ONE as f32)
}

/// The sum of all numbers in eight interleaved parts: a fixed order that SIMD can follow.
#[must_use]
#[inline(always)]
pub fn sum(all: impl IntoIterator<Item = f32>) -> f32 {
    let mut parts = [0.0f32; 8];
    for (i, x) in all.into_iter().enumerate() {
        parts[i % 8] += x;
    }
    let [a, b, c, d, e, f, g, h] = parts;
    ((a + e) + (b + f)) + ((c + g) + (d + h))
}

/// out += Σ x_i row_i, in the order of the rows.
fn add_rows(x: &[f32; BLOCK], rows: &[f32], out: &mut [f32]) {
    let n = out.len();
    let row: [&[f32]; BLOCK] = std::array::from_fn(|i| &rows[i * n..][..n]);
    for (e, out) in out.iter_mut().enumerate() {
        let mut sum = *out;
        for i in 0..BLOCK {
            sum += x[i] * row[i][e];
        }
        *out = sum;
    }
}

/// A router's centroids, transposed, with its gate: computes logits and scores.
#[derive(Clone, Debug)]
pub struct Scorer {
    /// Coordinates of the centroids, [DIM][experts].
    rows: Vec<f32>,
    experts: usize,
    gate: Gate,
}

impl Scorer {
    /// The scorer for a layer's parameters.
    #[must_use]
    pub fn new(parameters: &[f32], experts: usize, gate: Gate) -> Self {
        let mut rows = vec![0.0; DIM * experts];
        for (e, centroid) in centroids(parameters, experts).iter().enumerate() {
            for (j, &c) in centroid.iter().enumerate() {
                rows[j * experts + e] = c;
            }
        }
        Self { rows, experts, gate }
    }

    /// The logits of one token, z = C x, one per expert.
    pub fn logits(&self, x: &[f32; DIM], out: &mut [f32]) {
        out.fill(0.0);
        for (x, rows) in x.as_chunks::<BLOCK>().0.iter().zip(self.rows.chunks_exact((BLOCK * self.experts).max(1))) {
            add_rows(x, rows, out);
        }
    }

    /// The scores of one token, Q20, one per expert. `room` is a buffer.
    pub fn scores(&self, x: &[f32; DIM], room: &mut Vec<f32>, out: &mut [i32]) {
        room.resize(self.experts, 0.0);
        self.logits(x, room);
        if self.gate == Gate::Softmax {
            softmax(room);
            out.iter_mut().zip(&*room).for_each(|(out, &s)| *out = quantised(s));
        } else {
            out.iter_mut().zip(&*room).for_each(|(out, &z)| *out = quantised(1.0 / (1.0 + exp(-z))));
        }
    }
}

impl Scorer {
    /// The scores of all tokens, Q20, [tokens, experts].
    #[must_use]
    pub fn all(&self, x: &[[f32; DIM]], spread: &impl Spread) -> Vec<i32> {
        let (experts, part) = (self.experts, part_of(x.len()));
        let mut scores = vec![0; x.len() * experts];
        let parts: Vec<_> = scores.chunks_mut(part * experts).zip(x.chunks(part)).collect();
        spread.each(parts, |(scores, x)| {
            let mut room = vec![];
            for (row, x) in scores.chunks_exact_mut(experts).zip(x) {
                self.scores(x, &mut room, row);
            }
        });
        scores
    }
}

/// Replaces logits by their softmax. Returns ln Σ eᶻ.
pub fn softmax(z: &mut [f32]) -> f32 {
    let top = z.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    z.iter_mut().for_each(|z| *z = exp(*z - top));
    let total = sum(z.iter().copied());
    z.iter_mut().for_each(|z| *z /= total);
    top + libm::logf(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed::to_score;

    #[test]
    fn the_exponential_is_close_and_never_leaves_the_floats() {
        for i in -55_000..=55_000 {
            let x = i as f32 / 1000.0;
            let (ours, real) = (f64::from(exp(x)), libm::exp(f64::from(x)));
            assert!((ours / real - 1.0).abs() < 3e-7 * (1.0 + f64::from(x.abs())), "{x}: {ours} for {real}");
        }
        assert!(exp(1e30).is_finite() && exp(-1e30) > 0.0 && exp(f32::INFINITY).is_finite());
    }

    #[test]
    fn scores_are_the_gate_s_rounded_once() {
        let mut parameters = vec![0.0; super::super::parameters::length(19)];
        for (i, c) in parameters.iter_mut().take(19 * DIM).enumerate() {
            *c = ((i * 7919) % 1009) as f32 / 500.0 - 1.0;
        }
        let x: [f32; DIM] = std::array::from_fn(|j| ((j * 31) % 17) as f32 / 8.0 - 1.0);
        let z = |e: usize| (0..DIM).map(|j| f64::from(x[j]) * f64::from(parameters[e * DIM + j])).sum::<f64>();
        let total: f64 = (0..19).map(|e| libm::exp(z(e))).sum();
        for gate in [Gate::Sigmoid, Gate::Softmax] {
            let (mut room, mut out) = (vec![], [0; 19]);
            Scorer::new(&parameters, 19, gate).scores(&x, &mut room, &mut out);
            for (e, &s) in out.iter().enumerate() {
                let real = if gate == Gate::Softmax { libm::exp(z(e)) / total } else { 1.0 / (1.0 + libm::exp(-z(e))) };
                assert!((s - to_score(real)).abs() <= 2, "{gate} {e}: {s} for {}", to_score(real));
            }
        }
    }

    #[test]
    fn whatever_comes_in_a_score_comes_out() {
        for x in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1.0, 2.0, 1e30] {
            assert!((0..=SCORE_ONE).contains(&quantised(x)));
        }
        assert_eq!((quantised(0.0), quantised(0.5), quantised(1.0)), (0, SCORE_ONE / 2, SCORE_ONE));
        assert_eq!(real(SCORE_ONE / 4), 0.25);
    }
}
