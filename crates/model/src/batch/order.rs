//! The order statistics of a batch: what each rule searches for, and the results from an engine or from the model itself.

use super::{Batch, Routing, Scratch, selector};
use crate::balance::{bip, quantile};
use crate::order::{BINS, Base, Cut, STAGES, Search, VALUE_STAGES, next_after, rank, value_of};
use crate::settings::Rule;
use std::ops::Range;
use std::sync::OnceLock;

/// The order statistics that one variant needs. An engine sets them; where none did, the model computes them when first asked.
#[derive(Clone, Debug, Default)]
pub struct Order {
    thresholds: OnceLock<Vec<i32>>,
    cuts: OnceLock<Vec<Cut>>,
    /// The biases found from this batch itself, Q32, for rules that adjust biases before routing.
    pub(super) settled: Option<Vec<i64>>,
}

impl Routing {
    /// Which number this variant orders by, given the biases (Q32).
    #[must_use]
    pub fn base(&self, bias: &[i64]) -> Base {
        match self.rule {
            Rule::ExpertChoice => Base::Score,
            Rule::Bip => {
                let largest = bias.iter().copied().max().unwrap_or(0);
                Base::Clamped(bip::shift(largest >> self.router.gate.unit_bits()))
            }
            _ => Base::Margin,
        }
    }

    /// Stores an engine's result for [`Batch::thresholds`].
    pub fn set_thresholds(&self, found: &[Search]) {
        self.order.thresholds.set(found.iter().map(Search::margin).collect()).ok();
    }

    /// Stores an engine's result for [`Batch::cuts`].
    pub fn set_cuts(&self, found: &[Search]) {
        self.order.cuts.set(found.iter().map(Search::cut).collect()).ok();
    }

    /// Stores the biases found by inner iteration `round`, counted from 0. The batch is routed with those of the last one, which are
    /// anchored.
    pub fn settle_with(&mut self, found: &[Search], round: u32) {
        let unit_bits = self.router.gate.unit_bits();
        let mut bias: Vec<i64> = found.iter().map(|s| bip::bias(s.margin(), unit_bits)).collect();
        if round + 1 == self.rounds() {
            bip::anchor(&mut bias);
        }
        self.selector = selector(self.rule, &self.router, &bias);
        self.order.settled = Some(bias);
    }

    /// Inner iterations before the batch is routed; 0 for other rules than BIP and once the biases are frozen.
    #[must_use]
    pub fn rounds(&self) -> u32 {
        let asks = self.rule == Rule::Bip && self.moves && self.router.top_k < self.router.experts;
        if asks { self.iterations } else { 0 }
    }
}

impl Batch {
    /// The initial searches of a variant, one per expert; `None` where the rule searches for nothing.
    #[must_use]
    pub fn searches(&self, variant: usize) -> Option<Vec<Search>> {
        let r = &self.variants[variant].router;
        let rank = rank(self.variants[variant].rule, r.top_k, self.len(), r.experts)?;
        Some(vec![Search::new(rank); r.experts as usize])
    }

    /// Adds to `bins`, [experts, [`BINS`]], the digits at one stage of a range of tokens.
    pub fn count_digits(
        &self,
        variant: usize,
        stage: usize,
        searches: &[Search],
        range: Range<u32>,
        bins: &mut Vec<u32>,
    ) {
        let routing = &self.variants[variant];
        let (base, k) = (routing.base(&self.bias_of(variant)), routing.router.top_k as usize);
        bins.resize(searches.len() * BINS, 0);
        let mut scratch = Scratch::default();
        for place in range {
            let token = self.member(place);
            self.with_scores(token, &mut scratch, |v, scores| {
                if v != variant {
                    return;
                }
                let alpha = if base == Base::Score { 0 } else { base.alpha(next_after(&routing.selector, scores, k)) };
                for ((search, &score), bins) in searches.iter().zip(scores).zip(bins.chunks_exact_mut(BINS)) {
                    if let Some(digit) = search.digit(stage, value_of(score, alpha), token) {
                        bins[digit] += 1;
                    }
                }
            });
        }
    }

    /// Runs all stages of a search on this thread.
    fn search(&self, variant: usize, stages: usize) -> Vec<Search> {
        let mut searches = self.searches(variant).unwrap_or_default();
        for stage in 0..stages {
            if searches.is_empty() || stage >= VALUE_STAGES && searches.iter().all(|s| !s.tied) {
                break;
            }
            let mut bins = vec![];
            self.count_digits(variant, stage, &searches, 0..self.len(), &mut bins);
            searches.iter_mut().zip(bins.chunks_exact(BINS)).for_each(|(s, bins)| s.pick(stage, bins));
        }
        searches
    }

    /// For every expert, the (⌊K·T/E⌋ + 1)-th largest margin s − α over the tokens, Q20; empty where the rule searches for nothing.
    #[must_use]
    pub fn thresholds(&self, variant: usize) -> &[i32] {
        let found = || self.search(variant, VALUE_STAGES).iter().map(Search::margin).collect();
        self.variants[variant].order.thresholds.get_or_init(found)
    }

    /// The cut-off of each expert under Expert Choice.
    #[must_use]
    pub fn cuts(&self, variant: usize) -> &[Cut] {
        let found = || self.search(variant, STAGES).iter().map(Search::cut).collect();
        self.variants[variant].order.cuts.get_or_init(found)
    }

    /// Runs the inner iterations of rules that adjust their biases before a batch is routed (BIP).
    pub fn look_ahead(&mut self) {
        for variant in 0..self.variants.len() {
            for round in 0..self.variants[variant].rounds() {
                let found = self.search(variant, VALUE_STAGES);
                self.variants[variant].settle_with(&found, round);
            }
        }
    }

    /// The biases that the variant selects with next, Q32.
    #[must_use]
    pub fn bias_of(&self, variant: usize) -> Vec<i64> {
        let routing = &self.variants[variant];
        routing.order.settled.clone().unwrap_or_else(|| routing.bias.clone())
    }

    /// Updates the biases by the rules that use order statistics. Returns whether the variant's rule is one of them.
    pub(crate) fn reorder(&self, variant: usize, average: f64, bias: &mut [i64]) -> bool {
        let routing = &self.variants[variant];
        match routing.rule {
            Rule::Quantile if !routing.moves => {}
            Rule::Quantile => {
                let unit_bits = routing.router.gate.unit_bits();
                quantile::update(bias, self.thresholds(variant), quantile::weight(average), unit_bits);
            }
            Rule::Bip => bias.copy_from_slice(&self.bias_of(variant)),
            Rule::ExpertChoice => {}
            _ => return false,
        }
        true
    }
}
