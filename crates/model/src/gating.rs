//! The gating value of a chosen expert: the weight with which its output enters the layer's output. The bias never enters it.
//!
//! g is the score s of the chosen expert (Wang et al. 2024), divided by the sum of the chosen scores where the router renormalises, and
//! multiplied by the route scale (DeepSeek-V3 renormalises, with a scale of 2.5). Shared experts have no gating value; their output is
//! added in full.

use super::fixed::from_score;
use crate::settings::Router;

/// The gating values of a token's chosen experts from their scores (Q20), in the order of `scores`. For display only: routing never reads
/// them.
#[must_use]
pub fn values(router: &Router, scores: &[i32]) -> Vec<f64> {
    let plain: Vec<f64> = scores.iter().map(|&s| from_score(s)).collect();
    let sum: f64 = plain.iter().sum();
    let share = |g: &f64| match (router.renormalise, sum > 0.0) {
        (false, _) => *g,
        (true, true) => g / sum,
        (true, false) => 1.0 / plain.len() as f64,
    };
    plain.iter().map(|g| share(g) * router.scale).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixed::SCORE_ONE;
    use super::*;

    #[test]
    fn renormalised_values_add_up_to_the_scale() {
        let scores = [SCORE_ONE / 2, SCORE_ONE / 4];
        assert_eq!(values(&Router::default(), &scores), [0.5, 0.25]);
        let v3 = Router { renormalise: true, scale: 2.5, ..Router::default() };
        let made = values(&v3, &scores);
        assert!((made[0] - 2.5 * 2.0 / 3.0).abs() < 1e-12 && (made.iter().sum::<f64>() - 2.5).abs() < 1e-12);
        assert_eq!(values(&v3, &[0, 0]), [1.25, 1.25]);
    }
}
