//! Order statistics over a batch: for every expert at once, the n-th largest of T numbers, one per token, by radix select.
//!
//! The first pass counts, per expert, how many tokens have each value of the highest digit, which determines that digit of the n-th largest
//! number. The next pass counts the next digit among the tokens that share it, and so on. Numbers are recomputed in every pass, so nothing
//! of the size tokens × experts is stored; and as a pass only counts, parts of the batch can be counted on any thread and in any order.
//! Shader twins: `shaders/digits.wgsl` and `shaders/pick.wgsl`.

use super::balance::bip;
use super::select::{INDEX_BITS, MAX_K, Selector};
use crate::settings::Rule;

/// Bins of a histogram: a digit has eight bits.
pub const BINS: usize = 256;
/// Added to a margin to make it non-negative; the sum fits 23 bits.
pub const OFFSET: i32 = 1 << 21;
/// Stages (passes) that find the value, one digit each.
pub const VALUE_STAGES: usize = 3;
/// All stages: those for the value, then those for the token index, which break ties.
pub const STAGES: usize = 6;
/// For each stage: the position of its digit's lowest bit, and the number of bits in the digit.
pub const DIGITS: [(u32, u32); STAGES] = [(15, 8), (7, 8), (0, 7), (16, 8), (8, 8), (0, 8)];
/// Bits of a token's index. The index is inverted in the order, so that of two equal values the earlier token counts as the larger.
const TOKEN_MASK: u32 = (1 << 24) - 1;

/// The state of the search for one expert's number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// The digits of the value known so far.
    pub value: u32,
    /// The digits of the inverted token index known so far.
    pub token: u32,
    /// The rank of the number sought among those that share these digits, counted from 1, largest first.
    pub rank: u32,
    /// Whether more tokens have exactly this value than are needed, so that token indices break the tie.
    pub tied: bool,
}

/// An expert's cut-off: it takes tokens with a larger value, and tokens with this value up to index `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The smallest value taken.
    pub value: u32,
    /// The last token index taken among those with that value.
    pub last: u32,
}

impl Search {
    /// A search for the `rank`-th largest, counted from 1.
    #[must_use]
    pub fn new(rank: u32) -> Self {
        Self { rank, ..Self::default() }
    }

    /// The digit of a token's number at this stage, or `None` if the number does not share all digits known so far.
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

    /// Ends a stage: `bins` are the counts of each digit, from which the next digit of the number sought is fixed.
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

    /// The number found, as a margin (without [`OFFSET`]).
    #[must_use]
    pub fn margin(&self) -> i32 {
        self.value.cast_signed() - OFFSET
    }

    /// The cut-off found, after the last stage.
    #[must_use]
    pub fn cut(&self) -> Cut {
        Cut { value: self.value, last: if self.tied { !self.token & TOKEN_MASK } else { u32::MAX } }
    }
}

impl Cut {
    /// Whether a token with this value is taken.
    #[must_use]
    pub fn takes(&self, value: u32, token: u32) -> bool {
        value > self.value || value == self.value && token <= self.last
    }
}

/// Which number of a token and an expert a rule orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// The margin: score minus α, the value of the token's (K+1)-th largest key.
    Margin,
    /// The margin with α in absolute terms and not below 0. The number (Q20) turns the value of a key into an absolute one: [`bip::shift`].
    Clamped(i32),
    /// The score alone.
    Score,
}

impl Base {
    /// The token's α, Q20, from the value of its (K+1)-th largest key.
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

/// The number that is ordered, for an expert with this score and a token with this α: score − α + [`OFFSET`].
#[must_use]
pub fn value_of(score: i32, alpha: i32) -> u32 {
    (score - alpha + OFFSET).cast_unsigned()
}

/// The value (Q20, including the relative bias) of a token's (K+1)-th largest key. K must be less than the number of experts.
#[must_use]
pub fn next_after(selector: &Selector, scores: &[i32], k: usize) -> i32 {
    let mut top = [0; MAX_K];
    selector.top_k(scores, k, &mut top);
    let keys = scores.iter().enumerate().map(|(e, &s)| selector.key(e, s));
    keys.filter(|&key| key < top[k - 1]).max().unwrap_or(i32::MIN) >> INDEX_BITS
}

impl Rule {
    /// Whether the rule needs an order statistic over every batch.
    #[must_use]
    pub fn orders(self) -> bool {
        matches!(self, Self::Quantile | Self::Bip | Self::ExpertChoice)
    }

    /// Whether the rule uses the step size u and its schedule.
    #[must_use]
    pub fn has_step(self) -> bool {
        self.moves_biases() && !self.orders()
    }
}

/// Tokens that each expert takes under Expert Choice: ⌊K·T/E⌋, but at least one.
#[must_use]
pub fn quota(top_k: u32, tokens: u32, experts: u32) -> u32 {
    ((u64::from(top_k) * u64::from(tokens) / u64::from(experts.max(1))) as u32).max(1)
}

/// The rank that a rule searches for in a batch, counted from 1: ⌊K·T/E⌋ + 1 among the margins, or the quota among the scores. `None` for
/// other rules, and for Quantile and BIP where K = E and every expert gets every token.
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

    /// Runs the search with all numbers in memory.
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
