//! Capacity: an expert takes at most ⌈T·K/E · factor⌉ tokens of a batch, and further assignments are dropped (as in Megatron-LM).
//!
//! Which tokens an overfull expert keeps is stored as one number per expert, the smallest claim that it keeps, so each token can be decided
//! on its own. The balancer sees all assignments before any are dropped, because the loads that experts keep would hide how overloaded they
//! are. The loads on screen are those kept.

use crate::settings::{Capacity, Router, Stays};

/// The most tokens that an expert takes of a batch: ⌈T·K/E · factor⌉.
#[must_use]
pub fn of_batch(router: &Router, capacity: Capacity, tokens: u32) -> usize {
    let fair = f64::from(tokens) * f64::from(router.top_k) / f64::from(router.experts.max(1));
    libm::ceil(fair * capacity.factor) as usize
}

/// The strength of a token's claim on an expert; no two tokens of a batch have the same. `score` is the token's unbiased score there, Q20.
#[must_use]
pub fn claim(stays: Stays, token: u32, score: i32) -> u64 {
    // Never 0, because a cut-off of 0 means that every claim is kept.
    let earlier = u64::from(u32::MAX - token);
    match stays {
        Stays::Score => (score as u64) << 32 | earlier,
        Stays::Position => 1 << 32 | earlier,
    }
}

/// The smallest claim kept, per expert, from all claims on it in any order; 0 where all are kept. `most` is the capacity in tokens.
#[must_use]
pub fn cuts(claims: Vec<Vec<u64>>, most: usize) -> Vec<u64> {
    let cut = |mut claims: Vec<u64>| {
        if claims.len() <= most {
            return 0;
        }
        match most.checked_sub(1) {
            Some(last) => *claims.select_nth_unstable_by(last, |a, b| b.cmp(a)).1,
            None => u64::MAX,
        }
    };
    claims.into_iter().map(cut).collect()
}

#[cfg(test)]
mod tests {
    use super::super::random::{Stream, pcg4d};
    use super::*;

    #[test]
    fn the_capacity_is_rounded_up() {
        let router = Router { experts: 64, top_k: 6, ..Router::default() };
        let of = |factor, tokens| of_batch(&router, Capacity { factor, by: Stays::Score }, tokens);
        assert_eq!((of(1.0, 4096), of(1.25, 4096), of(1.0, 100)), (384, 480, 10));
    }

    /// Compares with sorting; no more than the capacity is kept.
    #[test]
    fn exactly_the_strongest_stay() {
        for i in 0..2000 {
            let dice = |j: u32, n: u32| pcg4d(i, j, Stream::Topic, 11)[0] % n;
            let (tokens, most) = (dice(0, 60), dice(1, 40) as usize);
            for stays in [Stays::Score, Stays::Position] {
                let mut all: Vec<(i32, u32)> = (0..tokens).map(|t| (dice(2 + t, 9) as i32, t)).collect();
                let claims = all.iter().rev().map(|&(s, t)| claim(stays, t, s)).collect();
                let cut = cuts(vec![claims], most)[0];
                let mut kept: Vec<u32> = all.iter().filter(|&&(s, t)| claim(stays, t, s) >= cut).map(|p| p.1).collect();
                if stays == Stays::Score {
                    all.sort_by_key(|&(s, t)| (-s, t));
                }
                let mut wanted: Vec<u32> = all.iter().take(most).map(|p| p.1).collect();
                kept.sort_unstable();
                wanted.sort_unstable();
                assert_eq!(kept, wanted);
                assert!(kept.len() <= most);
            }
        }
    }
}
