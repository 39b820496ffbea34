//! ID Balancing (arXiv 2609.39137, Algorithm 1 and equation 12): an integral and a gated derivative term. e = (c̄ − c)/c̄, Δe = e − e_prev,
//! g = 1[e_prev·Δe > 0], b ← b + K_i·e + K_d·g·Δe, then b ← b − mean b.
//!
//! The gate g opens only while an error grows. The memory is each expert's error at the previous step, Q20 in [−1023, 1].

use super::{Step, proportional};

/// Fraction bits of a remembered error.
pub const ERROR_BITS: u32 = 20;

/// (c̄ − c)/c̄, Q20, truncated toward zero.
#[must_use]
pub fn error(step: Step, load: u32) -> i64 {
    (step.error(load) << ERROR_BITS) / step.assignments.max(1) as i64
}

/// K_i·e + K_d·g·Δe, Q32, each truncated toward zero.
#[must_use]
pub fn increment(step: Step, before: i64, load: u32) -> i64 {
    let change = error(step, load) - before;
    let grows = before.signum() * change.signum() > 0;
    let derivative = if grows { step.derivative * change / (1 << ERROR_BITS) } else { 0 };
    proportional::increment(step, load) + derivative
}

/// Updates every bias, except where K_i is 0.
pub fn advance(step: Step, bias: &mut [i64], memory: &[i64], loads: &[u32]) {
    if step.rate == 0 {
        return;
    }
    for ((b, &before), &load) in bias.iter_mut().zip(memory).zip(loads) {
        *b += increment(step, before, load);
    }
}

/// Stores every error for the next step; call it after [`advance`]. Where K_i is 0 the memory stays as it is.
pub fn remember(step: Step, memory: &mut [i64], loads: &[u32]) {
    if step.rate == 0 {
        return;
    }
    for (e, &load) in memory.iter_mut().zip(loads) {
        *e = error(step, load);
    }
}
