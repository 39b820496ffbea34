//! The multiplicative variant of Wang et al. 2024: experts are selected by s·b, where b starts at 1.

use super::{Step, sign};
use crate::fixed::BIAS_ONE;

/// The largest factor, just under 4, Q32.
pub const LARGEST: i64 = 4 * BIAS_ONE - 1;

/// b + u·sign(c̄ − c), clamped to [0, 4), Q32.
#[must_use]
pub fn next(bias: i64, step: Step, load: u32) -> i64 {
    (bias + sign::increment(step, load)).clamp(0, LARGEST)
}
