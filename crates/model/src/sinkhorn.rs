//! Sinkhorn routing as in Megatron-LM: the matrix exp(logits), [T, E], is scaled by a factor per token and a factor per expert until rows
//! and columns have equal sums; then each token takes the top-K of its row.
//!
//! Megatron alternates d0 = 1/(T·(cost·d1)) and d1 = 1/(E·(costᵀ·d0)) until d1 moves by less than 1e-4 on average; here it is always
//! [`ROUNDS`] rounds. Sums run in order of index, exp is libm's and no multiplication and addition are fused, so every machine computes the
//! same numbers. Each row is divided by its largest entry first, so that no exp overflows; d0 cancels that factor.

/// Rounds of the iteration.
pub const ROUNDS: usize = 32;

/// exp(logit) of a batch, [T, E], each row divided by its largest entry.
#[must_use]
pub fn cost(logits: &[f64], experts: usize) -> Vec<f64> {
    let mut out = Vec::with_capacity(logits.len());
    for row in logits.chunks_exact(experts.max(1)) {
        let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // No entry is below e⁻²⁰⁰: an expert that no token wants would otherwise cause a division by 0.
        out.extend(row.iter().map(|x| libm::exp((x - top).max(-200.0))));
    }
    out
}

/// The factor of each expert after [`ROUNDS`] rounds.
#[must_use]
pub fn factors(cost: &[f64], experts: usize) -> Vec<f64> {
    let tokens = (cost.len() / experts.max(1)) as f64;
    let mut d1 = vec![1.0; experts];
    let mut sums = vec![0.0; experts];
    for _ in 0..ROUNDS {
        sums.fill(0.0);
        for row in cost.chunks_exact(experts.max(1)) {
            let together: f64 = row.iter().zip(&d1).fold(0.0, |sum, (c, d)| sum + c * d);
            let d0 = 1.0 / (tokens * together);
            sums.iter_mut().zip(row).for_each(|(s, c)| *s += c * d0);
        }
        d1.iter_mut().zip(&sums).for_each(|(d, s)| *d = 1.0 / (experts as f64 * s));
    }
    d1
}

/// The `k` experts with the largest scaled cost of every token, best first, [T, K]; ties go to the lower index.
#[must_use]
pub fn assignment(logits: &[f64], experts: usize, k: usize) -> Vec<u16> {
    let cost = cost(logits, experts);
    let factors = factors(&cost, experts);
    let mut out = Vec::with_capacity(cost.len() / experts.max(1) * k);
    let mut order: Vec<(f64, u16)> = vec![];
    for row in cost.chunks_exact(experts.max(1)) {
        order.clear();
        order.extend(row.iter().zip(&factors).zip(0..).map(|((c, d), e)| (c * d, e)));
        order.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        out.extend(order[..k].iter().map(|p| p.1));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_become_equal() {
        let logits: Vec<f64> = (0..60 * 4).map(|i| f64::from(i * 7919 % 97) / 20.0 + f64::from(i % 4)).collect();
        let cost = cost(&logits, 4);
        let d1 = factors(&cost, 4);
        let mut columns = [0.0; 4];
        for row in cost.chunks_exact(4) {
            let sum: f64 = row.iter().zip(&d1).map(|(c, d)| c * d).sum();
            columns.iter_mut().zip(row.iter().zip(&d1)).for_each(|(s, (c, d))| *s += c * d / sum);
        }
        assert!(columns.iter().all(|s| (s - 15.0).abs() < 1e-6), "{columns:?}");
    }

    #[test]
    fn a_shifted_row_changes_nothing_and_extremes_stay_finite() {
        let logits = [1.0, 2.0, 3.0, 2.5, 0.0, 1.0];
        let shifted = [1001.0, 1002.0, 1003.0, 2.5, 0.0, 1.0];
        assert_eq!(assignment(&logits, 3, 2), assignment(&shifted, 3, 2));
        let far = factors(&cost(&[1e30, -1e30, 1e30, -1e30], 2), 2);
        assert!(far.iter().all(|d| d.is_finite()), "{far:?}");
    }
}
