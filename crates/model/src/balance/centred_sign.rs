//! torchtitan's sign rule: δ = u·sign(c̄ − c), δ ← δ − mean δ, b ← b + δ (pytorch/torchtitan, optimizer hook of its MoE).
//!
//! The step is centred, not the bias: if the biases do not add up to 0, they keep their sum. The mean is rounded down.

use super::{Step, centre, sign};

/// Updates every bias.
pub fn advance(step: Step, bias: &mut [i64], loads: &[u32]) {
    let mut steps: Vec<i64> = loads.iter().map(|&load| sign::increment(step, load)).collect();
    centre(&mut steps);
    bias.iter_mut().zip(steps).for_each(|(b, s)| *b += s);
}
