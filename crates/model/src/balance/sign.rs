//! Loss-free balancing by the sign of the error: Wang et al. 2024 (arXiv 2408.15664), Algorithm 1. sign(0) = 0.

use super::Step;

/// u·sign(c̄ − c), Q32.
#[must_use]
pub fn increment(step: Step, load: u32) -> i64 {
    step.rate * step.error(load).signum()
}
