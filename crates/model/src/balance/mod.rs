//! The balancers: how the loads of one step become the biases of the next. One file per rule; all arithmetic is integer, so every engine
//! computes the same biases.
//!
//! Some rules also keep a number per expert from step to step, their memory. Shader twin: `shaders/update.wgsl`.

pub mod bip;
pub mod centred_sign;
pub(crate) mod fits;
pub mod id;
pub mod longcat;
pub mod multiplicative;
pub mod proportional;
pub mod quantile;
pub mod rms;
pub mod sign;
pub mod smebu;
pub mod tanh;
pub mod threshold;

use super::fixed::{BIAS_ONE, isqrt, to_q32};
use crate::settings::{Balancer, Router, Rule, Schedule};
use bytemuck::{Pod, Zeroable};

/// What a rule is given about the step just routed.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Number of experts, E.
    pub experts: u64,
    /// Experts per token, K.
    pub top_k: u64,
    /// Assignments, K·T.
    pub assignments: u64,
    /// Step size of this update, Q32.
    pub rate: i64,
    /// K_d, the gain on the change of the error, for this update, Q32.
    pub derivative: i64,
}

impl Step {
    /// A step of this router over this many tokens.
    #[must_use]
    pub fn new(router: &Router, tokens: u32, rates: Rates) -> Self {
        Self {
            experts: u64::from(router.experts),
            top_k: u64::from(router.top_k),
            assignments: u64::from(router.top_k) * u64::from(tokens),
            rate: rates.rate,
            derivative: rates.derivative,
        }
    }

    /// `K·T − E·load`: the error of one expert times E, which is exact even where the fair share is not an integer.
    #[must_use]
    pub fn error(&self, load: u32) -> i64 {
        self.assignments as i64 - (self.experts * u64::from(load)) as i64
    }
}

/// The step sizes of one update, Q32.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct Rates {
    /// The step size: u, λ, K_i or μ.
    pub rate: i64,
    /// K_d of ID Balancing.
    pub derivative: i64,
}

/// Passed instead of step sizes to rules that use order statistics, while their biases may move.
pub const MOVING: Rates = Rates { rate: 1, derivative: 0 };

/// The bias that every expert starts from, Q32. Rule `Threshold` starts from a bias estimated from its tokens instead:
/// [`threshold::start`].
#[must_use]
pub fn initial_bias(rule: Rule) -> i64 {
    if rule == Rule::Multiplicative { BIAS_ONE } else { 0 }
}

/// The largest absolute value in a rule's memory; 0 for rules without a memory.
#[must_use]
pub fn memory_limit(rule: Rule) -> i64 {
    match rule {
        // Twice the largest step, Q32.
        Rule::Smebu => 2 * BIAS_ONE,
        // Errors lie in [−1023, 1], Q20.
        Rule::IdBalancing => 1 << 30,
        _ => 0,
    }
}

/// The step size at the `n`-th update (n ≥ 1) since the schedule was set, Q32, truncated.
#[must_use]
pub fn scheduled(rate: f64, schedule: Schedule, n: u64) -> i64 {
    let u = to_q32(rate);
    let n = n.max(1);
    match schedule {
        Schedule::Constant => u,
        Schedule::InverseSqrt => isqrt((u as u128 * u as u128) / u128::from(n)) as i64,
        Schedule::Inverse => (u as u64 / n) as i64,
    }
}

/// The step sizes of the update at `step`, where the schedule was set at step `schedule_from`; 0 once frozen.
#[must_use]
pub fn rates_at(balancer: &Balancer, step: u64, schedule_from: u64) -> Rates {
    if is_frozen(balancer, step) {
        return Rates::default();
    }
    let n = step.saturating_sub(schedule_from) + 1;
    Rates {
        rate: scheduled(balancer.rate, balancer.schedule, n),
        derivative: scheduled(balancer.derivative, balancer.schedule, n),
    }
}

/// What an engine is passed for the update at `step`: [`rates_at`], or [`MOVING`] for rules that use order statistics ([`Rule::orders`])
/// until they are frozen.
#[must_use]
pub fn told_at(balancer: &Balancer, step: u64, schedule_from: u64) -> Rates {
    let without_step = balancer.rule.orders() && !is_frozen(balancer, step);
    if without_step { MOVING } else { rates_at(balancer, step, schedule_from) }
}

fn is_frozen(balancer: &Balancer, step: u64) -> bool {
    balancer.freeze.is_some_and(|from| step >= from)
}

/// Whether the mean bias is subtracted after every update. It is not for factors, where that would change the selection, nor where there
/// are identity experts, whose biases do not move.
#[must_use]
pub fn centres(balancer: &Balancer) -> bool {
    match balancer.rule {
        // A common shift of the multiplicative factors or of a threshold's biases would change the selection.
        Rule::Multiplicative | Rule::LongCat | Rule::Threshold => false,
        rule if !rule.has_step() => false,
        Rule::IdBalancing => true,
        _ => balancer.centred,
    }
}

/// Updates the rule's memory of each expert; `memory` is resized if the rule has one and else stays empty. [`update`] does this too: call
/// this alone for a step whose new biases are already known.
pub fn remember(balancer: &Balancer, memory: &mut Vec<i64>, loads: &[u32], step: Step) {
    if memory_limit(balancer.rule) > 0 {
        memory.resize(loads.len(), 0);
    }
    match balancer.rule {
        Rule::Smebu => smebu::remember(step, soft(balancer), memory, loads),
        Rule::IdBalancing => id::remember(step, memory, loads),
        _ => {}
    }
}

/// SMEBU's momentum β and steepness κ as integers.
#[must_use]
pub fn soft(balancer: &Balancer) -> smebu::Soft {
    smebu::Soft::new(balancer.steepness, balancer.momentum)
}

/// Which experts compute under LongCat-Flash's rule, and the share that each should get.
#[must_use]
pub fn target(balancer: &Balancer, experts: u32, top_k: u32) -> longcat::Target {
    longcat::Target::new(balancer.real_experts, experts, top_k, balancer.identity_experts())
}

/// The share of the batch's tokens that each computing expert should get, Q30, where the rule sets one (LongCat-Flash with identity
/// experts); 0 where the fair share is the mean.
#[must_use]
pub fn aimed_share(balancer: &Balancer, router: &Router) -> u32 {
    match balancer.identity_experts() {
        0 => 0,
        _ => target(balancer, router.experts, router.top_k).share,
    }
}

/// Updates every bias by the rule, and the rule's memory; then centres the biases where [`centres`] says so.
pub fn update(balancer: &Balancer, bias: &mut [i64], memory: &mut Vec<i64>, loads: &[u32], step: Step) {
    let add = |bias: &mut [i64], increment: &dyn Fn(u32) -> i64| {
        bias.iter_mut().zip(loads).for_each(|(b, &load)| *b += increment(load));
    };
    match balancer.rule {
        Rule::None | Rule::Sinkhorn | Rule::Base | Rule::Hash => {}
        // These rules need order statistics of a whole batch instead of its loads: see [`crate::order`].
        Rule::Quantile | Rule::Bip | Rule::ExpertChoice => {}
        Rule::Threshold => threshold::update(bias, loads, step),
        Rule::Sign => add(bias, &|load| sign::increment(step, load)),
        Rule::Proportional => add(bias, &|load| proportional::increment(step, load)),
        Rule::Multiplicative => {
            bias.iter_mut().zip(loads).for_each(|(b, &load)| *b = multiplicative::next(*b, step, load));
        }
        Rule::CentredSign => centred_sign::advance(step, bias, loads),
        Rule::Rms => {
            let scale = rms::Scale::new(step, loads);
            add(bias, &|load| rms::increment(step, scale, load));
        }
        Rule::Smebu => {
            remember(balancer, memory, loads, step);
            smebu::advance(step, bias, memory);
        }
        Rule::IdBalancing => {
            memory.resize(loads.len(), 0);
            id::advance(step, bias, memory, loads);
            remember(balancer, memory, loads, step);
        }
        Rule::LongCat => {
            let target = target(balancer, loads.len() as u32, step.top_k as u32);
            let computing = bias.len().min(target.computing as usize);
            add(&mut bias[..computing], &|load| longcat::increment(step, target, load));
        }
    }
    if centres(balancer) {
        centre(bias);
    }
}

/// Subtracts the mean, rounded down, in 64 bits. A common shift changes no selection.
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
    use strum::IntoEnumIterator as _;

    #[test]
    fn schedules_follow_their_formula() {
        let at = |schedule, n: u64| rates_at(&Balancer { schedule, rate: 0.01, ..Default::default() }, n + 6, 7).rate;
        assert_eq!(at(Schedule::Constant, 77), to_q32(0.01));
        assert_eq!(at(Schedule::Inverse, 100), to_q32(0.01) / 100);
        assert_eq!(at(Schedule::InverseSqrt, 1), to_q32(0.01));
        assert_eq!(at(Schedule::InverseSqrt, 100), to_q32(0.01) / 10);
    }

    /// The biases and the memory after some steps, from 0, with loads of 4 tokens by top-2 of 4 experts.
    fn moved(balancer: &Balancer, all_loads: &[[u32; 4]]) -> (Vec<i64>, Vec<i64>) {
        let router = Router { experts: 4, top_k: 2, ..Default::default() };
        let (mut bias, mut memory) = (vec![0; 4], vec![]);
        for (n, loads) in all_loads.iter().enumerate() {
            let step = Step::new(&router, loads.iter().sum::<u32>() / 2, rates_at(balancer, n as u64, 0));
            update(balancer, &mut bias, &mut memory, loads, step);
        }
        (bias, memory)
    }

    #[test]
    fn frozen_biases_stay_whatever_is_remembered() {
        let loads = [[8, 0, 4, 4], [9, 1, 3, 3], [7, 2, 6, 1], [1, 1, 6, 8]];
        for rule in Rule::iter().filter(|r| r.has_step()) {
            let free = Balancer { rule, rate: 0.01, ..Default::default() };
            let frozen = Balancer { freeze: Some(2), ..free.clone() };
            assert_eq!(moved(&frozen, &loads).0[1..], moved(&free, &loads[..2]).0[1..], "{rule}");
            assert_ne!(moved(&frozen, &loads), moved(&free, &loads), "{rule}");
            assert_eq!(moved(&free, &loads).1.is_empty(), memory_limit(rule) == 0, "{rule}");
        }
    }

    #[test]
    fn a_derivative_acts_only_while_an_error_grows() {
        let id = |derivative| Balancer { rule: Rule::IdBalancing, rate: 0.006, derivative, ..Default::default() };
        let same = |loads: &[[u32; 4]]| moved(&id(0.006), loads).0 == moved(&id(0.0), loads).0;
        assert!(same(&[[8, 0, 4, 4]]), "there is no error before the first");
        assert!(same(&[[8, 0, 4, 4], [6, 2, 4, 4]]), "it recovers");
        assert!(!same(&[[6, 2, 4, 4], [8, 0, 4, 4]]), "it grows");
        assert!(
            same(&[[6, 2, 4, 4], [0, 8, 4, 4]]),
            "it turned round: the change has another sign than the error before"
        );
    }

    #[test]
    fn identity_experts_never_move_and_the_wish_is_met_where_it_can_be() {
        let b = Balancer {
            rule: Rule::LongCat,
            rate: 0.5,
            zero_experts: 2,
            real_experts: 1.0,
            centred: true,
            ..Default::default()
        };
        let (bias, _) = moved(&b, &[[8, 0, 4, 4], [1, 3, 8, 4]]);
        assert!(bias[..2].iter().all(|&b| b != 0) && bias[2..] == [0, 0]);
        assert_eq!(moved(&b, &[[4, 4, 4, 4]]).0, [0; 4], "one of two computes, as wished");
        assert_eq!(longcat::reached(&[4, 4, 4, 4], 2, 2), 1.0);
        // With one identity expert at least one of a token's two experts computes; with none both do.
        assert_eq!([0, 1, 2].map(|z| longcat::reachable(0.5, 4, 2, z)), [2.0, 1.0, 0.5]);
        assert_eq!(longcat::reachable(8.0, 4, 2, 3), 1.0, "there is only one that computes");
    }

    #[test]
    fn a_step_over_the_rms_has_the_size_of_u() {
        let (bias, _) = moved(&Balancer { rule: Rule::Rms, rate: 0.01, ..Default::default() }, &[[8, 0, 5, 3]]);
        let squares: f64 = bias.iter().map(|&b| super::super::fixed::from_q32(b).powi(2)).sum();
        assert!(((squares / 4.0).sqrt() - 0.01).abs() < 1e-7, "{bias:?}");
        assert_eq!(moved(&Balancer { rule: Rule::Rms, ..Default::default() }, &[[4, 4, 4, 4]]).0, [0; 4]);
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
