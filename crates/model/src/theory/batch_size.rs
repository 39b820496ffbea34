//! MaxVio against the size of a computation batch: what expert parallelism waits for (Wang et al. 2024, their figure of it; the paper
//! gives no numbers).
//!
//! A computation batch is what one group of devices works on at a time. Its MaxVio is that of the whole, and chance on top, which
//! shrinks as 1/√n: a balanced router goes on improving with n, an unbalanced one levels off.

/// MaxVio of computation batches of one size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    /// Tokens in each.
    pub tokens: u64,
    /// How many there were.
    pub batches: u32,
    /// Mean of their MaxVio.
    pub mean: f64,
    /// Smallest.
    pub low: f64,
    /// Largest.
    pub high: f64,
}

impl Size {
    fn of(tokens: u64, each: impl Iterator<Item = f64>) -> Self {
        let start = Self { tokens, batches: 0, mean: 0.0, low: f64::INFINITY, high: 0.0 };
        let all = each.fold(start, |s, v| Self {
            batches: s.batches + 1,
            mean: s.mean + v,
            low: s.low.min(v),
            high: s.high.max(v),
            ..s
        });
        Self { mean: all.mean / f64::from(all.batches.max(1)), ..all }
    }
}

/// MaxVio of 1, 2, 4 … consecutive pieces together, as long as there is one such sum. `pieces` holds the loads of consecutive pieces of
/// `tokens` tokens each, in any one unit, the latest last: by piece, then by expert.
#[must_use]
pub fn sizes(mut pieces: Vec<Vec<f64>>, tokens: u64) -> Vec<Size> {
    let mut out = vec![];
    let mut size = tokens;
    while !pieces.is_empty() {
        out.push(Size::of(size, pieces.iter().map(|loads| max_vio(loads))));
        // From the end, so that what happened last is always in.
        let pairs = pieces.rchunks_exact(2).map(|p| p[0].iter().zip(&p[1]).map(|(a, b)| a + b).collect());
        pieces = pairs.collect();
        pieces.reverse();
        size *= 2;
    }
    out
}

fn max_vio(loads: &[f64]) -> f64 {
    let fair = loads.iter().sum::<f64>() / loads.len().max(1) as f64;
    if fair > 0.0 { loads.iter().copied().fold(0.0, f64::max) / fair - 1.0 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_experts_by_turns() {
        // One piece alone is all on one expert, two are balanced; of five pieces the first is left over.
        let pieces = [[0.0, 2.0], [2.0, 0.0], [0.0, 2.0], [2.0, 0.0], [0.0, 2.0]].map(Vec::from).to_vec();
        let all = sizes(pieces, 16);
        assert_eq!(all.iter().map(|s| (s.tokens, s.batches)).collect::<Vec<_>>(), [(16, 5), (32, 2), (64, 1)]);
        assert_eq!((all[0].mean, all[0].low, all[0].high), (1.0, 1.0, 1.0));
        assert!(all[1..].iter().all(|s| s.high == 0.0));
        assert!(sizes(vec![], 16).is_empty());
    }
}
