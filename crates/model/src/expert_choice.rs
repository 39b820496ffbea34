//! Expert Choice (Zhou et al. 2022, arXiv 2202.09368): each expert takes the tokens of the batch that score highest for it, the same number
//! for every expert, so loads are equal by construction. A token may be taken by every expert or by none.
//!
//! The capacity factor c of the paper is K here: each expert takes its ⌊K·T/E⌋ highest-scoring tokens, at least one; among equal scores the
//! earlier tokens. A token's experts depend on the whole batch, later tokens included, so a model trained this way can read the future off
//! its routing. Wang et al. 2024 give a lower bound on what one layer can leak.

use super::order::{Cut, value_of};

/// The experts that take a token, the highest score first, ties to the lower index. `cuts` are the cut-offs of its batch, one per expert.
pub fn experts(cuts: &[Cut], token: u32, scores: &[i32], out: &mut Vec<usize>) {
    out.clear();
    let takes = |(e, (cut, &s)): (usize, (&Cut, &i32))| cut.takes(value_of(s, 0), token).then_some(e);
    out.extend(cuts.iter().zip(scores).enumerate().filter_map(takes));
    out.sort_by_key(|&e| (std::cmp::Reverse(scores[e]), e));
}

/// A lower bound on what one layer can leak about a token's future, in bits per token: K·log₂((1−R)/R) with R = K/E (Wang et al. 2024). It
/// is 0, which bounds nothing, where at least half of the experts are active.
#[must_use]
pub fn leak(top_k: u32, experts: u32) -> f64 {
    let r = f64::from(top_k) / f64::from(experts.max(1));
    if r >= 0.5 { 0.0 } else { f64::from(top_k) * ((1.0 - r) / r).log2() }
}

/// How many experts the tokens of a batch go to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    /// Tokens in the batch.
    pub tokens: u32,
    /// Tokens that no expert took.
    pub without: u32,
    /// The most experts that took one token.
    pub most: u32,
    /// Assignments in all.
    pub assignments: u32,
}

impl Spread {
    /// Counts a token that goes to this many experts.
    pub fn push(&mut self, experts: usize) {
        let experts = experts as u32;
        self.tokens += 1;
        self.without += u32::from(experts == 0);
        self.most = self.most.max(experts);
        self.assignments += experts;
    }

    /// Experts per token on average.
    #[must_use]
    pub fn mean(&self) -> f64 {
        f64::from(self.assignments) / f64::from(self.tokens.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_leak_of_the_papers_example() {
        // 16 experts, two of them active, nine layers: "more than 50 bits".
        assert!((9.0 * leak(2, 16) - 50.5).abs() < 0.1);
        assert_eq!(leak(8, 16), 0.0);
    }
}
