//! MaxVio against the size of a computation batch, which decides how long expert parallelism waits (Wang et al. 2024 show it in a figure,
//! without numbers).
//!
//! A computation batch is what one group of devices processes at a time. Its MaxVio is that of all tokens plus the effect of chance, which
//! shrinks as 1/√n with n tokens: under a balanced router MaxVio keeps falling with n, under an unbalanced one it levels off.

/// MaxVio of computation batches of one size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    /// Tokens in each.
    pub tokens: u64,
    /// Number of computation batches.
    pub batches: u32,
    /// Mean of their MaxVio.
    pub mean: f64,
    /// Smallest MaxVio among them.
    pub low: f64,
    /// Largest MaxVio among them.
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

/// MaxVio of 1, 2, 4 … consecutive pieces taken together, up to the largest number that fits. `pieces` holds the loads of consecutive
/// pieces of `tokens` tokens each, the latest last, as [pieces, experts]; the unit of a load does not matter.
#[must_use]
pub fn sizes(mut pieces: Vec<Vec<f64>>, tokens: u64) -> Vec<Size> {
    let mut out = vec![];
    let mut size = tokens;
    while !pieces.is_empty() {
        out.push(Size::of(size, pieces.iter().map(|loads| max_vio(loads))));
        // Pairs are made from the end, so that the latest pieces are always included.
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
        // A single piece puts everything on one expert, two together are balanced; of five pieces the first is left out of the pairs.
        let pieces = [[0.0, 2.0], [2.0, 0.0], [0.0, 2.0], [2.0, 0.0], [0.0, 2.0]].map(Vec::from).to_vec();
        let all = sizes(pieces, 16);
        assert_eq!(all.iter().map(|s| (s.tokens, s.batches)).collect::<Vec<_>>(), [(16, 5), (32, 2), (64, 1)]);
        assert_eq!((all[0].mean, all[0].low, all[0].high), (1.0, 1.0, 1.0));
        assert!(all[1..].iter().all(|s| s.high == 0.0));
        assert!(sizes(vec![], 16).is_empty());
    }
}
