//! Loss-free balancing by the size of the error: the variant b ← b + u·e of Wang et al. 2024.
//!
//! The paper leaves the normalisation of e open; here e = (c̄ − c)/c̄, as in SMEBU, ID Balancing and LongCat-Flash.

use super::Step;

/// u·(c̄ − c)/c̄ = u·(K·T − E·c)/(K·T), Q32, truncated toward zero.
#[must_use]
pub fn increment(step: Step, load: u32) -> i64 {
    step.rate * step.error(load) / step.assignments.max(1) as i64
}
