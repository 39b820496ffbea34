//! Order statistics over a batch: the n-th largest of as many numbers as there are tokens, for every expert at once, by radix select.
//!
//! A first pass counts, per expert, how many tokens have which highest digit; the digit of the n-th largest is then known, and the next
//! pass counts the next digit of those tokens that share it. Numbers are recomputed in every pass, so that nothing of the size
//! tokens × experts is ever held, and what a pass counts is a sum: its parts may be counted anywhere and in any order.
//! Shader twins: `shaders/digits.wgsl` and `shaders/pick.wgsl`.

use super::balance::bip;
use super::select::{INDEX_BITS, MAX_K, Selector};
use crate::settings::Rule;

/// Bins of a histogram: a digit has eight bits.
pub const BINS: usize = 256;
/// Added to a margin, which then fits 23 bits and is not negative.
pub const OFFSET: i32 = 1 << 21;
/// Digits of a value.
pub const VALUE_STAGES: usize = 3;
/// Digits of a value and of the token that has it.
pub const STAGES: usize = 6;
/// Of each stage: how far its digit stands above the lowest bit, and how many bits it has.
pub const DIGITS: [(u32, u32); STAGES] = [(15, 8), (7, 8), (0, 7), (16, 8), (8, 8), (0, 8)];
/// Tokens are told apart by so many bits. The first of two tokens is the larger.
const TOKEN_MASK: u32 = (1 << 24) - 1;

/// How far the search for one expert's number has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// The digits of the value known so far.
    pub value: u32,
    /// The digits of the inverted token known so far.
    pub token: u32,
    /// Which of the numbers that share these digits it is, counted from 1, largest first.
    pub rank: u32,
    /// Whether more tokens have the whole value than are wanted, so that the tokens themselves decide.
    pub tied: bool,
}

/// From where on an expert takes tokens: those with a larger value, and of those with this value the tokens up to `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The least value taken.
    pub value: u32,
    /// The last token taken of those with that value.
    pub last: u32,
}

impl Search {
    /// For the `rank`-th largest, counted from 1.
    #[must_use]
    pub fn new(rank: u32) -> Self {
        Self { rank, ..Self::default() }
    }

    /// The digit of a number at a stage, if it shares all digits known so far.
    #[must_use]
    #[inline]
    pub fn digit(&self, stage: usize, value: u32, token: u32) -> Option<usize> {
        let (shift, bits) = DIGITS[stage];
        let (number, known) = if stage < VALUE_STAGES {
            (value, self.value)
        } else if self.tied && value == self.value {
            (!token & TOKEN_MASK, self.token)
        } else {
            return None;
        };
        (number >> (shift + bits) == known).then_some((number >> shift & ((1 << bits) - 1)) as usize)
    }

    /// Takes in how many numbers had which digit.
    pub fn pick(&mut self, stage: usize, bins: &[u32]) {
        if stage >= VALUE_STAGES && !self.tied {
            return;
        }
        let mut digit = 0;
        for (bin, &count) in bins.iter().enumerate().rev() {
            if count >= self.rank {
                digit = bin;
                break;
            }
            self.rank -= count;
        }
        let known = if stage < VALUE_STAGES { &mut self.value } else { &mut self.token };
        *known = *known << DIGITS[stage].1 | digit as u32;
        if stage + 1 == VALUE_STAGES {
            self.tied = bins[digit] > self.rank;
        }
    }

    /// The number found, as a margin.
    #[must_use]
    pub fn margin(&self) -> i32 {
        self.value.cast_signed() - OFFSET
    }

    /// The cut-off found.
    #[must_use]
    pub fn cut(&self) -> Cut {
        Cut { value: self.value, last: if self.tied { !self.token & TOKEN_MASK } else { u32::MAX } }
    }
}

impl Cut {
    /// Whether it lets a token with this value through.
    #[must_use]
    pub fn takes(&self, value: u32, token: u32) -> bool {
        value > self.value || value == self.value && token <= self.last
    }
}

/// What is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// Score minus the (K+1)-th largest biased score of the token, as the key has it.
    Margin,
    /// The same in absolute terms, the (K+1)-th largest not below 0; this much is added to the value in the key, Q20.
    Clamped(i32),
    /// The score.
    Score,
}

impl Base {
    /// α of a token, Q20, from the value of its (K+1)-th largest key.
    #[must_use]
    #[inline]
    pub fn alpha(self, value: i32) -> i32 {
        match self {
            Self::Margin => value,
            Self::Clamped(shift) => bip::alpha(value, shift),
            Self::Score => 0,
        }
    }
}

/// What is ordered, of an expert with this score.
#[must_use]
pub fn value_of(score: i32, alpha: i32) -> u32 {
    (score - alpha + OFFSET).cast_unsigned()
}

/// The value (Q20, relative bias included) of the (K+1)-th largest key of a token. K must be less than the number of experts.
#[must_use]
pub fn next_after(selector: &Selector, scores: &[i32], k: usize) -> i32 {
    let mut top = [0; MAX_K];
    selector.top_k(scores, k, &mut top);
    let keys = scores.iter().enumerate().map(|(e, &s)| selector.key(e, s));
    keys.filter(|&key| key < top[k - 1]).max().unwrap_or(i32::MIN) >> INDEX_BITS
}

impl Rule {
    /// Whether it needs an order statistic over every batch.
    #[must_use]
    pub fn orders(self) -> bool {
        matches!(self, Self::Quantile | Self::Bip | Self::ExpertChoice)
    }

    /// Whether the step size u and its schedule mean anything to it.
    #[must_use]
    pub fn has_step(self) -> bool {
        self.moves_biases() && !self.orders()
    }
}

/// Tokens that each expert takes by its own choice: ⌊K·T/E⌋, and at least one.
#[must_use]
pub fn quota(top_k: u32, tokens: u32, experts: u32) -> u32 {
    ((u64::from(top_k) * u64::from(tokens) / u64::from(experts.max(1))) as u32).max(1)
}

/// Which of a batch's numbers a rule asks for, counted from 1: (⌊K·T/E⌋ + 1)-th largest margin, or the last score within the quota.
/// `None` where there is nothing to ask: other rules, and K = E, where every expert gets every token.
#[must_use]
pub fn rank(rule: Rule, top_k: u32, tokens: u32, experts: u32) -> Option<u32> {
    match rule {
        Rule::Quantile | Rule::Bip if top_k < experts => {
            Some((u64::from(top_k) * u64::from(tokens) / u64::from(experts)) as u32 + 1)
        }
        Rule::ExpertChoice => Some(quota(top_k, tokens, experts)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The search with all numbers at hand.
    fn found(values: &[u32], rank: u32) -> Search {
        let mut search = Search::new(rank);
        for stage in 0..STAGES {
            let mut bins = vec![0; BINS];
            for (&value, token) in values.iter().zip(0..) {
                if let Some(digit) = search.digit(stage, value, token) {
                    bins[digit] += 1;
                }
            }
            search.pick(stage, &bins);
        }
        search
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_search_finds_what_sorting_finds(
            values in prop::collection::vec(prop_oneof![0u32..1 << 23, 0u32..4, (1u32 << 23) - 3..1 << 23], 1..300),
            at in any::<prop::sample::Index>(),
        ) {
            let rank = at.index(values.len());
            let search = found(&values, rank as u32 + 1);
            let mut order: Vec<usize> = (0..values.len()).collect();
            order.sort_by_key(|&t| (std::cmp::Reverse(values[t]), t));
            prop_assert_eq!(search.value, values[order[rank]]);
            let mut taken: Vec<usize> = (0..values.len()).filter(|&t| search.cut().takes(values[t], t as u32)).collect();
            taken.sort_by_key(|&t| (std::cmp::Reverse(values[t]), t));
            prop_assert_eq!(&taken, &order[..=rank], "the rank best, and of equal ones the first");
        }
    }

    #[test]
    fn ranks_where_experts_do_not_divide_the_assignments() {
        assert_eq!(rank(Rule::Quantile, 6, 4096, 64), Some(385));
        assert_eq!(
            rank(Rule::Quantile, 2, 10, 7),
            Some(3),
            "two tokens are fair, rounded down; the third is the margin"
        );
        assert_eq!(rank(Rule::Bip, 5, 10, 5), None, "every expert gets every token");
        assert_eq!(rank(Rule::ExpertChoice, 5, 10, 5), Some(10));
        assert_eq!(rank(Rule::ExpertChoice, 1, 3, 64), Some(1), "an expert takes at least one");
        assert_eq!(rank(Rule::Sign, 1, 3, 64), None);
    }
}
