//! What some routers need from the whole batch before a token can be routed: an assignment of all tokens at once (`sinkhorn`, `base`), and
//! the smallest claim that an overfull expert keeps (`capacity`). Both are computed when first needed, once per batch; after that each
//! token is routed independently.

use super::order::Order;
use super::{Batch, Scratch, TokenInputs};
use crate::fixed::LOGIT_BITS;
use crate::settings::Rule;
use crate::{base, capacity, hash, sinkhorn, tokens};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// What one variant needs from the whole batch.
#[derive(Debug, Default)]
pub struct Whole {
    /// The K experts of each token, best first, [T, K].
    list: OnceLock<Vec<u16>>,
    /// The smallest claim kept, per expert.
    cuts: OnceLock<Vec<u64>>,
}

impl Batch {
    /// The same batch as if only `n` evenly spaced tokens existed: whatever depends on the whole batch uses these alone.
    #[must_use]
    pub fn gathered(mut self, n: u32) -> Self {
        self.members = Some(Arc::new((0..n).map(|i| self.spaced(i, n)).collect()));
        for v in &mut self.variants {
            v.whole = Arc::default();
            v.order = Order::default();
        }
        self
    }

    /// Number of tokens that count as the whole batch.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.members.as_ref().map_or(self.inputs.batch, |m| m.len() as u32)
    }

    /// Whether the batch has no tokens.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn member(&self, place: u32) -> u32 {
        self.members.as_ref().map_or(place, |m| m.get(place as usize).copied().unwrap_or(place))
    }

    fn place(&self, token: u32) -> usize {
        self.members.as_ref().map_or(token as usize, |m| m.binary_search(&token).unwrap_or_else(|near| near))
    }

    /// The word of a token, for hash routing: the token id of a trace (its group where ids are not recorded), or the topic and a few random
    /// bits of a synthetic token.
    #[must_use]
    pub fn word(&self, token: u32) -> u32 {
        match &self.inputs.tokens {
            TokenInputs::Synthetic { key, .. } => hash::synthetic_word(self.topic(token), token, key.step, key.seed),
            TokenInputs::Trace { index } => self
                .trace
                .as_ref()
                .and_then(|t| t.token_ids.get(index * t.tokens + token as usize))
                .map_or_else(|| self.topic(token), |&id| id as u32),
            // Not reached: rule Hash is refused where something learns.
            TokenInputs::Learning(_) => self.topic(token),
        }
    }

    /// Appends the logits of one token at the first `experts` experts to `out`.
    fn logits(&self, token: u32, experts: usize, out: &mut Vec<f64>) {
        match &self.inputs.tokens {
            TokenInputs::Trace { index } => {
                let Some(trace) = &self.trace else { return };
                let at = (index * trace.tokens + token as usize) * trace.experts;
                out.extend(trace.logits[at..at + experts].iter().map(|&x| f64::from(x)));
            }
            TokenInputs::Synthetic { key, topics } => {
                let x = tokens::widened(&topics.token(token, key).1);
                let logit = |c| f64::from(tokens::logit(&x, c)) / f64::from(1 << LOGIT_BITS);
                out.extend(self.centroids()[..experts].iter().map(logit));
            }
            // Not reached: rules that need a whole batch are refused where something learns.
            TokenInputs::Learning(_) => out.resize(experts, 0.0),
        }
    }

    /// Writes the experts of a token in the assignment of the whole batch to `out`.
    pub(super) fn listed(&self, variant: usize, token: u32, out: &mut Vec<usize>) {
        let k = self.variants[variant].router.top_k as usize;
        let at = self.place(token) * k;
        let list = self.list(variant);
        out.clear();
        out.extend(list.get(at..at + k).unwrap_or_default().iter().map(|&e| usize::from(e)));
    }

    /// The assignment of the whole batch, [T, K]; empty for rules that route tokens independently.
    pub fn list(&self, variant: usize) -> &[u16] {
        let routing = &self.variants[variant];
        routing.whole.list.get_or_init(|| {
            if !routing.rule.takes_whole_batch() {
                return vec![];
            }
            let (experts, k) = (routing.router.experts as usize, routing.router.top_k as usize);
            let mut logits = Vec::with_capacity(self.len() as usize * experts);
            (0..self.len()).for_each(|place| self.logits(self.member(place), experts, &mut logits));
            if routing.rule == Rule::Sinkhorn {
                return sinkhorn::assignment(&logits, experts, k);
            }
            // Exact for synthetic tokens, whose logits are integers in Q14.
            let q14 = |x: &f64| libm::round(x * f64::from(1 << LOGIT_BITS)).clamp(-2e8, 2e8) as i32;
            base::assignment(&logits.iter().map(q14).collect::<Vec<_>>(), experts)
        })
    }

    /// Every claim of a range of tokens on every expert of a variant with a capacity. [`Self::settle`] needs the claims of all ranges.
    #[must_use]
    pub fn claims(&self, variant: usize, range: Range<u32>) -> Vec<Vec<u64>> {
        let routing = &self.variants[variant];
        let mut claims = vec![vec![]; routing.router.experts as usize];
        let Some(capacity) = routing.router.capacity else { return claims };
        let (mut scratch, mut chosen) = (Scratch::default(), vec![]);
        for place in range {
            let token = self.member(place);
            self.with_scores(token, &mut scratch, |i, scores| {
                if i == variant {
                    self.choose(i, crate::select::By::Bias, token, scores, &mut chosen);
                    chosen.iter().for_each(|&e| claims[e].push(capacity::claim(capacity.by, token, scores[e])));
                }
            });
        }
        claims
    }

    /// Stores the cut-offs that follow from all claims on a variant's experts, in any order, so that [`Self::keeps`] need not compute them.
    pub fn settle(&self, variant: usize, claims: Vec<Vec<u64>>) {
        self.variants[variant].whole.cuts.get_or_init(|| self.room(variant, claims));
    }

    fn room(&self, variant: usize, claims: Vec<Vec<u64>>) -> Vec<u64> {
        let router = &self.variants[variant].router;
        router.capacity.map_or_else(Vec::new, |c| capacity::cuts(claims, capacity::of_batch(router, c, self.len())))
    }

    /// Whether an expert that a token chose keeps it. `score` is the token's score there, Q20.
    #[must_use]
    pub fn keeps(&self, variant: usize, token: u32, expert: usize, score: i32) -> bool {
        let routing = &self.variants[variant];
        let Some(capacity) = routing.router.capacity else { return true };
        let cuts = routing.whole.cuts.get_or_init(|| self.room(variant, self.claims(variant, 0..self.len())));
        cuts.get(expert).is_none_or(|&cut| capacity::claim(capacity.by, token, score) >= cut)
    }
}
