//! torchtitan's sign rule: δ = u·sign(c̄ − c), δ ← δ − mean δ, b ← b + δ (pytorch/torchtitan, optimizer hook of its MoE).
//!
//! What is centred is the step, not the bias: biases that do not add up to 0 stay so. The mean is rounded down.

use super::{Step, centre, sign};

/// Moves every bias.
pub fn advance(step: Step, bias: &mut [i64], loads: &[u32]) {
    let mut steps: Vec<i64> = loads.iter().map(|&load| sign::increment(step, load)).collect();
    centre(&mut steps);
    bias.iter_mut().zip(steps).for_each(|(b, s)| *b += s);
}
