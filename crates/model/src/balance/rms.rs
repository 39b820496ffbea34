//! The error over its root mean square: the variant in Jianlin Su's MoE series (kexue.fm, post 10757). Its steps are of the same scale as
//! the sign rule's, but in proportion to the error, so biases oscillate less.
//!
//! All errors are first scaled by one power of two so that the largest has 27 bits: the sum of 1,024 squares then fits 64 bits, and the
//! root is accurate to 1 part in 2²¹ whatever the size of the batch.

use super::Step;
use crate::fixed::isqrt;

/// Bits of the largest scaled error, less one.
pub const LEAD: u32 = 26;

/// The scale that all experts of one step share.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// By how many bits errors are shifted to the left, or to the right where it is negative.
    shift: i32,
    /// RMS of the shifted errors, truncated; 0 where every error is 0.
    root: u64,
}

impl Scale {
    /// The scale for the loads of one step.
    #[must_use]
    pub fn new(step: Step, loads: &[u32]) -> Self {
        let errors = || loads.iter().map(|&load| step.error(load).unsigned_abs());
        let most = errors().max().unwrap_or(0);
        if most == 0 {
            return Self { shift: 0, root: 0 };
        }
        let mut scale = Self { shift: LEAD as i32 - most.ilog2() as i32, root: 0 };
        let squares: u64 = errors().map(|e| scale.size(e) * scale.size(e)).sum();
        scale.root = isqrt(u128::from(squares / step.experts.max(1)));
        scale
    }

    fn size(self, error: u64) -> u64 {
        if self.shift >= 0 { error << self.shift } else { error >> -self.shift }
    }
}

/// u·(c̄ − c)/RMS(c̄ − c), Q32, truncated toward zero; at most u·√E.
#[must_use]
pub fn increment(step: Step, scale: Scale, load: u32) -> i64 {
    let error = step.error(load);
    let size = (step.rate as u64 * scale.size(error.unsigned_abs())).checked_div(scale.root).unwrap_or(0);
    size as i64 * error.signum()
}
