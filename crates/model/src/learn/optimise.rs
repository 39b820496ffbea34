//! From gradients to parameter updates: Adam (Kingma and Ba 2015; here with β₂ = 0.99, because runs are short) and SGD with momentum.

use super::parameters::Learned;
use super::settings::{Learning, Optimiser};
use crate::settings::DIM;

/// Steps over which the learning rates rise from 0.
const WARM_UP: f64 = 50.0;
/// The fraction of the rates that the cosine falls to.
const LEAST: f64 = 0.1;
const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.99;
const EPSILON: f32 = 1e-8;
/// Beyond this gradient the layer counts as diverged.
const WILD: f32 = 1e15;

/// The factor of both learning rates at the update after step `step` (counted from 0): warm-up times cosine. `horizon` is the length of the
/// cosine in steps, or 0 for none.
#[must_use]
pub fn factor(horizon: u32, step: u64) -> f64 {
    let n = step as f64 + 1.0;
    let cosine = if horizon == 0 {
        1.0
    } else {
        let done = (n / f64::from(horizon)).min(1.0);
        LEAST + (1.0 - LEAST) * 0.5 * (1.0 + libm::cos(std::f64::consts::PI * done))
    };
    cosine * (n / WARM_UP).min(1.0)
}

/// Updates every parameter from its gradient. Returns false, and changes nothing, if a gradient is not finite or too large.
pub fn update(learned: &mut Learned, gradient: &[f32], experts: usize, settings: &Learning, step: u64) -> bool {
    if !gradient.iter().all(|g| g.abs() < WILD) {
        return false;
    }
    learned.updates += 1;
    let n = learned.updates as f64;
    let factor = factor(settings.horizon, step);
    // 1 − βⁿ in f64: for small n this subtracts two close numbers.
    let first = (1.0 - libm::pow(f64::from(BETA_1), n)) as f32;
    let second = (1.0 - libm::pow(f64::from(BETA_2), n)) as f32;
    let split = experts * DIM;
    let ranges = [(0..split, settings.router_rate), (split..gradient.len(), settings.expert_rate)];
    for (range, rate) in ranges {
        let rate = (factor * rate) as f32;
        let parameters = learned.parameters[range.clone()].iter_mut();
        let moments = learned.first[range.clone()].iter_mut().zip(&mut learned.second[range.clone()]);
        let all = parameters.zip(moments).zip(&gradient[range]);
        match settings.optimiser {
            Optimiser::Adam => all.for_each(|((p, (m, v)), g)| {
                *m += (1.0 - BETA_1) * (g - *m);
                *v += (1.0 - BETA_2) * (g * g - *v);
                *p -= rate * (*m / first) / ((*v / second).sqrt() + EPSILON);
            }),
            Optimiser::Sgd => all.for_each(|((p, (m, _)), g)| {
                *m = BETA_1 * *m + g;
                *p -= rate * *m;
            }),
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_warm_up_and_fall_to_a_tenth() {
        assert!((factor(2000, 0) - 0.02).abs() < 1e-4);
        assert!((factor(2000, 999) - 0.55).abs() < 1e-9);
        assert!((factor(2000, 1999) - 0.1).abs() < 1e-9 && (factor(2000, 9999) - 0.1).abs() < 1e-9);
        assert_eq!((factor(0, 24), factor(0, 5000)), (0.5, 1.0));
    }

    #[test]
    fn a_wild_gradient_moves_nothing() {
        let mut learned = Learned::untrained(2, 1);
        let before = learned.clone();
        let mut gradient = vec![0.1; learned.parameters.len()];
        for wild in [f32::NAN, f32::INFINITY, 1e16] {
            gradient[3] = wild;
            assert!(!update(&mut learned, &gradient, 2, &Learning::default(), 0));
            assert_eq!(learned, before);
        }
        gradient[3] = 0.1;
        assert!(update(&mut learned, &gradient, 2, &Learning { horizon: 0, ..Learning::default() }, 100));
        // Adam's first step is the learning rate itself, whatever the size of the gradient.
        assert!((before.parameters[0] - learned.parameters[0] - 1e-3).abs() < 1e-6);
        assert!((before.parameters[100] - learned.parameters[100] - 3e-3).abs() < 1e-6);
    }
}
