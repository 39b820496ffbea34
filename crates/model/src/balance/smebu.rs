//! SMEBU, the soft-clamped update with momentum of Trinity Large (arXiv 2602.17004, equations 23 to 28):
//! v = (c̄ − c)/c̄, Δ = λ·tanh(κ·v), Δ ← Δ − mean Δ, m ← β·m + (1 − β)·Δ, b ← b + m.
//!
//! κ is Q20, β Q24, tanh Q30 from [`super::tanh`]; every product is truncated toward zero, the mean rounded down.

use super::{Step, centre, tanh};

/// Fraction bits of the steepness κ.
const STEEPNESS_BITS: u32 = 20;
/// Fraction bits of the momentum β.
pub const MOMENTUM_BITS: u32 = 24;

/// β and κ as integers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Soft {
    /// Steepness κ, Q20.
    pub steepness: u32,
    /// Momentum β, Q24, below 1.
    pub momentum: u32,
}

impl Soft {
    /// The nearest integers to these; β stays below 1.
    #[must_use]
    pub fn new(steepness: f64, momentum: f64) -> Self {
        let round = |x: f64, bits: u32| libm::round(x * f64::from(1u32 << bits)) as u32;
        Self {
            steepness: round(steepness, STEEPNESS_BITS),
            momentum: round(momentum, MOMENTUM_BITS).min((1 << MOMENTUM_BITS) - 1),
        }
    }
}

/// The step before its mean is subtracted: Δ = λ·tanh(κ·v), Q32.
#[must_use]
pub fn push(step: Step, soft: Soft, load: u32) -> i64 {
    let error = step.error(load);
    let x = u64::from(soft.steepness) * error.unsigned_abs() / step.assignments.max(1);
    let size = (step.rate as u64 * u64::from(tanh::of(x))) >> tanh::VALUE_BITS;
    size as i64 * error.signum()
}

/// β·m + (1 − β)·Δ, Q32, truncated toward zero.
#[must_use]
pub fn blend(soft: Soft, memory: i64, push: i64) -> i64 {
    let old = i64::from(soft.momentum);
    (old * memory + ((1 << MOMENTUM_BITS) - old) * push) / (1 << MOMENTUM_BITS)
}

/// Updates every expert's momentum. A step size of 0 leaves it unchanged.
pub fn remember(step: Step, soft: Soft, memory: &mut [i64], loads: &[u32]) {
    if step.rate == 0 {
        return;
    }
    let mut pushes: Vec<i64> = loads.iter().map(|&load| push(step, soft, load)).collect();
    centre(&mut pushes);
    for (m, push) in memory.iter_mut().zip(pushes) {
        *m = blend(soft, *m, push);
    }
}

/// Adds its momentum to every bias; call it after [`remember`]. A step size of 0 moves no bias, whatever the momentum.
pub fn advance(step: Step, bias: &mut [i64], memory: &[i64]) {
    if step.rate != 0 {
        bias.iter_mut().zip(memory).for_each(|(b, m)| *b += m);
    }
}
