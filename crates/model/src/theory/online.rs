//! The online setting: every step brings fresh tokens, so the step size has to suit f(p) = E[D(p)].
//!
//! f is estimated on a reference sample of many tokens from the same source. The prices that minimise it are the optimum that biases are
//! compared with. Curvature: ∇²f is T times the Laplacian of a graph whose weight ρ_kl is the density of ties between k and l at the
//! boundary between a token's K-th and (K+1)-th expert, so on Σp = 0 the modulus of strong convexity is μ = T·λ₂(ρ). The bounds on the
//! regret Σ f(p_n) − f(p*) are the standard ones of online gradient descent, with ‖g‖² ≤ K·T²·(1 − K/E). Our derivation, in real numbers,
//! for display only.

use super::lagrangian::{lagrangian, per_token};
use super::optimum::quantile;
use super::{Assigned, Problem};
use crate::fixed::SCORE_ONE;

/// Rounds of Quantile Balancing that search for the prices of a reference sample.
const ROUNDS: usize = 30;
/// Steps of gradient descent after these rounds; the rate halves whenever the dual value does not fall.
const DESCENT: usize = 24;
/// The share of the tokens, those closest to a tie, that count as tied at the boundary.
const TIED: f64 = 0.1;
/// At least this many ties per expert are counted.
const TIES_PER_EXPERT: usize = 8;
/// With more experts than this the curvature would take too long to compute.
const MOST_EXPERTS: usize = 512;

/// A reference sample with its prices.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    problem: Problem,
    /// The prices with the smallest dual value found, Q20, with a mean of about 0.
    pub prices: Vec<i64>,
    /// f(p*), score units per token.
    pub lowest: f64,
    /// The curvature of f at these prices.
    pub curvature: Option<Curvature>,
}

/// The estimate of μ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curvature {
    /// λ₂ of the Laplacian of ties, per token and per score unit: μ = T·λ₂.
    pub lambda: f64,
    /// Two experts count as tied where their biased scores are at most this far apart, in score units. It is set so that a tenth of the
    /// tokens count, or more where that would be too few.
    pub within: f64,
    /// Tokens that were counted as tied.
    pub ties: u32,
}

impl Reference {
    /// Finds the optimal prices of a sample, starting from `start`. Where the sample is the whole source (`whole`), f is piecewise linear
    /// and has no curvature.
    #[must_use]
    pub fn new(problem: Problem, start: &[i64], whole: bool) -> Self {
        let mut best = quantile(&problem, start, ROUNDS);
        let mut lowest = lagrangian(&problem, &best, &best.prices);
        // Quantile Balancing moves one price at a time and can stop above the minimum; small joint steps go on from there.
        let mut rate = 0.02;
        let mut at = best.clone();
        for _ in 0..DESCENT {
            let step = |(p, &load): (&i64, &u32)| {
                p - (rate * f64::from(SCORE_ONE) * problem.excess(load) as f64 / problem.assignments().max(1) as f64)
                    as i64
            };
            let next: Vec<i64> = at.prices.iter().zip(&at.loads).map(step).collect();
            at = problem.assign(&next);
            let value = lagrangian(&problem, &at, &at.prices);
            if value < lowest {
                lowest = value;
                best = at.clone();
            } else {
                rate *= 0.5;
                at = best.clone();
            }
        }
        let curvature = if whole { None } else { curvature(&problem, &best) };
        let mean = best.prices.iter().sum::<i64>() / problem.experts() as i64;
        let prices = best.prices.iter().map(|p| p - mean).collect();
        Self { prices, lowest: per_token(&problem, lowest), curvature, problem }
    }

    /// Tokens in the sample.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.problem.tokens()
    }

    /// f(p) − f(p*), in score units per token: what these prices cost on average. At least 0, provided that p* is the minimum.
    #[must_use]
    pub fn excess(&self, prices: &[i64]) -> f64 {
        let reply = self.problem.assign(prices);
        per_token(&self.problem, lagrangian(&self.problem, &reply, prices)) - self.lowest
    }
}

/// How far the biases of one step are from the optimum.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Distance {
    /// Root mean square of p − p*, both with mean 0, in score units.
    pub rms: f64,
    /// The largest difference of biases that remains to be closed, in score units: the range of p* − p. The sign rule closes 2u of it per
    /// step.
    pub gap: f64,
}

impl Distance {
    /// The distance between two lists of prices in score units.
    #[must_use]
    pub fn between(prices: &[f64], optimum: &[f64]) -> Self {
        let n = prices.len().max(1) as f64;
        let off: Vec<f64> = optimum.iter().zip(prices).map(|(a, b)| a - b).collect();
        let mean = off.iter().sum::<f64>() / n;
        let rms = (off.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / n).sqrt();
        let range = off.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &d| (a.min(d), b.max(d)));
        Self { rms, gap: (range.1 - range.0).max(0.0) }
    }

    /// Steps that the sign rule needs to close the gap Δ: Δ/(2u). `None` where u is 0.
    #[must_use]
    pub fn steps(&self, rate: f64) -> Option<f64> {
        (rate > 0.0).then(|| self.gap / (2.0 * rate))
    }
}

/// Converts prices from Q20 to score units.
#[must_use]
pub fn in_score_units(prices: &[i64]) -> Vec<f64> {
    prices.iter().map(|&p| p as f64 / f64::from(SCORE_ONE)).collect()
}

/// The density of ties at the boundary of a best reply, and λ₂ of their graph.
fn curvature(problem: &Problem, at: &Assigned) -> Option<Curvature> {
    let (e, k, t) = (problem.experts(), problem.top_k(), problem.tokens());
    if k == e || e > MOST_EXPERTS || t == 0 {
        return None;
    }
    // Per token: the gap at the boundary, the last expert chosen and the first one not chosen.
    let mut boundary: Vec<(i64, usize, usize)> = (0..t)
        .map(|i| {
            let worth = |x: usize| i64::from(problem.of(i)[x]) + at.prices[x];
            let chosen = at.of(i, k);
            let last = chosen.iter().map(|&x| usize::from(x)).min_by_key(|&x| worth(x)).unwrap_or(0);
            let others = (0..e).filter(|&x| chosen.binary_search(&(x as u16)).is_err());
            let first = others.max_by_key(|&x| worth(x)).unwrap_or(0);
            (worth(last) - worth(first), last, first)
        })
        .collect();
    // Enough ties to connect the graph, if there are enough tokens.
    let ties = ((t as f64 * TIED).ceil() as usize).max(TIES_PER_EXPERT * e).clamp(1, t.div_ceil(2));
    boundary.select_nth_unstable(ties - 1);
    let within = boundary[ties - 1].0.max(1) as f64 / f64::from(SCORE_ONE);
    // Gaps lie on both sides of 0, so the density at 0 is the count over twice the width.
    let weight = 1.0 / (2.0 * within * t as f64);
    let mut laplacian = vec![0.0; e * e];
    for &(_, a, b) in &boundary[..ties] {
        laplacian[a * e + a] += weight;
        laplacian[b * e + b] += weight;
        laplacian[a * e + b] -= weight;
        laplacian[b * e + a] -= weight;
    }
    Some(Curvature { lambda: second_smallest(&laplacian, e), within, ties: ties as u32 })
}

/// The second smallest eigenvalue of a Laplacian, which is the smallest on Σx = 0, by inverse iteration.
fn second_smallest(laplacian: &[f64], n: usize) -> f64 {
    let trace: f64 = (0..n).map(|i| laplacian[i * n + i]).sum();
    if trace <= 0.0 {
        return 0.0;
    }
    // The constant vector's eigenvalue is raised out of the way; a small amount more keeps the matrix regular where the graph is
    // disconnected.
    let (lift, little) = (trace / n as f64, trace * 1e-12);
    let shifted = |i: usize, j: usize| laplacian[i * n + j] + lift + if i == j { little } else { 0.0 };
    let mut root = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|m| root[i * n + m] * root[j * n + m]).sum();
            root[i * n + j] = if i == j {
                (shifted(i, i) - sum).max(f64::MIN_POSITIVE).sqrt()
            } else {
                (shifted(i, j) - sum) / root[j * n + j]
            };
        }
    }
    let mut x: Vec<f64> = (0..n).map(|i| ((i * 7919 + 13) % 101) as f64 - 50.0).collect();
    let mut value = 0.0;
    for _ in 0..60 {
        let mean = x.iter().sum::<f64>() / n as f64;
        x.iter_mut().for_each(|v| *v -= mean);
        let norm = x.iter().map(|v| v * v).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
        x.iter_mut().for_each(|v| *v /= norm);
        let product = |i: usize| (0..n).map(|j| laplacian[i * n + j] * x[j]).sum::<f64>() * x[i];
        value = (0..n).map(product).sum();
        for i in 0..n {
            let sum: f64 = (0..i).map(|m| root[i * n + m] * x[m]).sum();
            x[i] = (x[i] - sum) / root[i * n + i];
        }
        for i in (0..n).rev() {
            let sum: f64 = (i + 1..n).map(|m| root[m * n + i] * x[m]).sum();
            x[i] = (x[i] - sum) / root[i * n + i];
        }
    }
    value.max(0.0)
}

/// What the regret bounds depend on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    /// Experts, E.
    pub experts: f64,
    /// Experts per token, K.
    pub top_k: f64,
    /// Tokens per step, T.
    pub tokens: f64,
    /// u of the proportional rule, which divides the error by L; hence ε = u/L.
    pub rate: f64,
    /// μ, the modulus of strong convexity.
    pub modulus: f64,
    /// The largest ‖p_n − p*‖ seen, in score units.
    pub radius: f64,
}

/// How the step size ε shrinks with the step n.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shrinks {
    /// ε
    Not,
    /// ε/√n
    Sqrt,
    /// ε/n
    Inverse,
}

impl Setting {
    /// K·T²·(1 − K/E), an upper bound on the squared gradient.
    #[must_use]
    pub fn steepest(&self) -> f64 {
        self.top_k * self.tokens * self.tokens * (1.0 - self.top_k / self.experts)
    }

    /// The smallest u of the schedule u/n for which the logarithmic bound holds: L/μ.
    #[must_use]
    pub fn least_inverse_rate(&self) -> f64 {
        self.top_k * self.tokens / self.experts / self.modulus
    }

    /// The theory's upper bound on the regret after `n` steps, in score units. `None` where it gives no bound: for u/n with u below L/μ.
    ///
    /// For u/n with ε ≥ 1/μ it is G²·ε/2·(1 + ln n). For the other schedules, which need no curvature, it is R²/(2ε_n) + G²/2·Σε. R is the
    /// largest distance seen, in place of the radius of a region onto which the biases would be projected.
    #[must_use]
    pub fn bound(&self, shrinks: Shrinks, n: f64) -> Option<f64> {
        let epsilon = self.rate * self.experts / (self.top_k * self.tokens);
        let free = |last: f64, sum: f64| self.radius.powi(2) / (2.0 * last) + self.steepest() / 2.0 * sum;
        if epsilon <= 0.0 || n < 1.0 {
            return None;
        }
        match shrinks {
            Shrinks::Not => Some(free(epsilon, epsilon * n)),
            Shrinks::Sqrt => Some(free(epsilon / n.sqrt(), epsilon * (2.0 * n.sqrt() - 1.0))),
            Shrinks::Inverse if epsilon * self.modulus >= 1.0 => Some(self.steepest() * epsilon / 2.0 * (1.0 + n.ln())),
            Shrinks::Inverse => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::optimum::solve;
    use super::super::testing::problem;
    use super::*;

    #[test]
    fn the_reference_comes_near_the_exact_optimum() {
        for (experts, k, seed) in [(8, 2, 3), (16, 4, 4), (6, 1, 5)] {
            let p = problem(960, experts, k, seed);
            let exact = solve(&p, &vec![0; experts]).unwrap();
            let reference = Reference::new(p.clone(), &vec![0; experts], false);
            let per = exact.value as f64 / (960.0 * f64::from(SCORE_ONE));
            assert!(
                reference.lowest >= per - 1e-12 && reference.lowest < per + 2e-4,
                "{} over {per}",
                reference.lowest
            );
            let off = Distance::between(&in_score_units(&reference.prices), &in_score_units(&exact.prices));
            assert!(off.rms < 0.01, "{off:?}");
            assert!(reference.excess(&vec![0; experts]) > 10.0 * (reference.lowest - per));
        }
    }

    #[test]
    fn the_second_eigenvalue_of_a_ring() {
        let n = 12;
        let mut ring = vec![0.0; n * n];
        for i in 0..n {
            let j = (i + 1) % n;
            ring[i * n + i] += 1.0;
            ring[j * n + j] += 1.0;
            ring[i * n + j] -= 1.0;
            ring[j * n + i] -= 1.0;
        }
        let exact = 2.0 - 2.0 * (std::f64::consts::TAU / n as f64).cos();
        assert!((second_smallest(&ring, n) - exact).abs() < 1e-6);
        // Two rings without a tie between them have no curvature across.
        assert!(
            second_smallest(&[1.0, -1.0, 0.0, 0.0, -1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, -1.0, 0.0, 0.0, -1.0, 1.0], 4)
                < 1e-9
        );
    }

    /// Compares the estimate with the curvature of f itself, by differences along the flattest direction of a uniform problem.
    #[test]
    fn the_curvature_is_that_of_the_dual_function() {
        // Two experts with independent uniform scores: the gap is triangular, its density at 0 is 1, and the Laplacian's λ₂ is 2.
        let mut x = 1u64;
        let mut next = || {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (x >> 44) as i32
        };
        let p = Problem::new(2, 1, (0..40_000).map(|_| next()).collect());
        let found = Reference::new(p, &[0, 0], false).curvature.unwrap();
        assert!((found.lambda - 2.0).abs() < 0.15, "{found:?}");
        assert_eq!(found.ties, 2000);
    }

    #[test]
    fn bounds_are_those_of_the_textbook() {
        let s = Setting { experts: 16.0, top_k: 2.0, tokens: 512.0, rate: 0.5, modulus: 128.0, radius: 0.4 };
        assert!((s.least_inverse_rate() - 0.5).abs() < 1e-12);
        let log = s.bound(Shrinks::Inverse, 100.0).unwrap();
        assert!((log - s.steepest() / 256.0 * (1.0 + 100f64.ln())).abs() < 1e-6 * log);
        assert_eq!(Setting { rate: 0.49, ..s }.bound(Shrinks::Inverse, 100.0), None);
        let sum: f64 = (1..=400).map(|n| 0.5 / 64.0 / f64::from(n).sqrt()).sum();
        let free = s.bound(Shrinks::Sqrt, 400.0).unwrap();
        assert!(free >= 0.16 / (2.0 * 0.5 / 64.0 / 20.0) + s.steepest() / 2.0 * sum);
        assert!(s.bound(Shrinks::Not, 400.0).unwrap() > free);
    }

    #[test]
    fn the_gap_and_its_settling_time() {
        let d = Distance::between(&[0.0, 0.0, 0.0], &[0.3, 0.0, -0.2]);
        assert!((d.gap - 0.5).abs() < 1e-12);
        assert!((d.steps(0.001).unwrap() - 250.0).abs() < 1e-9);
        assert_eq!(d.steps(0.0), None);
        assert!(Distance::between(&[5.0, 6.0], &[1.0, 2.0]).rms < 1e-12, "a common shift is no distance");
    }
}
