//! The balancers: how the loads of one step become the biases of the next. A file per rule; all integer, so exact on every engine.
//!
//! Every rule sees the same inputs and returns the increment of one expert's bias (Q32). Shader twin: `shaders/update.wgsl`.

pub mod bip;
pub mod multiplicative;
pub mod proportional;
pub mod quantile;
pub mod sign;

use super::config::{Balancer, Rule, Schedule};
use super::fixed::{BIAS_ONE, isqrt, to_q32};

/// What a rule knows about the step just routed.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Number of experts, E.
    pub experts: u64,
    /// Assignments, K·T.
    pub assignments: u64,
    /// Step size of this update, Q32.
    pub rate: i64,
}

impl Step {
    /// `K·T − E·load`: the error of one expert times E, which is exact where the fair share is not an integer.
    #[must_use]
    pub fn error(&self, load: u32) -> i64 {
        self.assignments as i64 - (self.experts * u64::from(load)) as i64
    }
}

/// The bias every expert starts from, Q32.
#[must_use]
pub fn initial_bias(rule: Rule) -> i64 {
    if rule == Rule::Multiplicative { BIAS_ONE } else { 0 }
}

/// The step size of the `n`-th update (n ≥ 1) since the schedule was chosen, Q32, truncated.
#[must_use]
pub fn rate_at(balancer: &Balancer, n: u64) -> i64 {
    let u = to_q32(balancer.rate);
    let n = n.max(1);
    match balancer.schedule {
        Schedule::Constant => u,
        Schedule::InverseSqrt => isqrt((u as u128 * u as u128) / u128::from(n)) as i64,
        Schedule::Inverse => (u as u64 / n) as i64,
    }
}

/// Moves every bias by the rule, then centres if asked to.
pub fn update(rule: Rule, centred: bool, bias: &mut [i64], loads: &[u32], step: Step) {
    for (b, &load) in bias.iter_mut().zip(loads) {
        match rule {
            // The rules that order a whole batch have no use for its loads: `model::order`.
            Rule::None | Rule::Quantile | Rule::Bip | Rule::ExpertChoice => {}
            Rule::Sign => *b += sign::increment(step, load),
            Rule::Proportional => *b += proportional::increment(step, load),
            Rule::Multiplicative => *b = multiplicative::next(*b, step, load),
        }
    }
    // Centring a factor would change the selection, so it is for additive rules alone.
    if centred && rule != Rule::Multiplicative && rule.has_step() {
        centre(bias);
    }
}

/// Subtracts the floor of the mean, in 64 bits. Selection does not change under a common shift.
pub fn centre(bias: &mut [i64]) {
    if bias.is_empty() {
        return;
    }
    let mean = bias.iter().sum::<i64>().div_euclid(bias.len() as i64);
    for b in bias {
        *b -= mean;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_follow_their_formula() {
        let at = |schedule, n| rate_at(&Balancer { schedule, rate: 0.01, ..Default::default() }, n);
        assert_eq!(at(Schedule::Constant, 77), to_q32(0.01));
        assert_eq!(at(Schedule::Inverse, 100), to_q32(0.01) / 100);
        assert_eq!(at(Schedule::InverseSqrt, 1), to_q32(0.01));
        assert_eq!(at(Schedule::InverseSqrt, 100), to_q32(0.01) / 10);
    }

    #[test]
    fn centring_leaves_differences_alone() {
        let mut b = vec![5, -7, 100, 3];
        centre(&mut b);
        assert_eq!(b.iter().sum::<i64>(), 1, "the floor mean leaves less than one unit per expert");
        assert_eq!(b[2] - b[0], 95);
        let mut b = vec![-1, -2];
        centre(&mut b);
        assert_eq!(b, [1, 0]);
    }
}
