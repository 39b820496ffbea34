//! The gates: from a block of logits to the scores of eight experts, with tables that are held in registers.

use super::{Block, SHIFT};
use crate::cpu::lanes::Lanes;
use crate::cpu::plan::TILE;
use moebias_model::fixed::{LOGIT_LIMIT, SCORE_ONE};
use moebias_model::gate::{LOG2_E, Normaliser};

/// The gates' tables, held in registers.
#[derive(Clone, Copy)]
pub(super) struct Tables<L: Lanes> {
    pub(super) start: L::Table,
    pub(super) slope: L::Table,
    pub(super) exp2: L::Table,
    pub(super) root_start: L::Table,
    pub(super) root_slope: L::Table,
}

/// The scores of eight logits, equal to [`moebias_model::gate::Tables::sigmoid`], shifted as in a key.
#[inline(always)]
pub(super) fn sigmoid_block<L: Lanes>(l: L, tables: &Tables<L>, z: Block<L>) -> Block<L> {
    if L::HALF_TABLES {
        // Logits of ±4 and beyond, in the upper half of the table, are rare. Without any, half a lookup is enough.
        let mut all = l.abs(z[0]);
        for &x in &z[1..] {
            all = l.or(all, l.abs(x));
        }
        if !l.any(l.shr::<16>(all)) {
            return sigmoids::<L, true>(l, tables, z);
        }
    }
    sigmoids::<L, false>(l, tables, z)
}

/// The sigmoid of eight logits; `HALF` states that all are less than 4 in size. (A constant rather than a closure: see [`super::read_rows`].)
#[inline(always)]
fn sigmoids<L: Lanes, const HALF: bool>(l: L, tables: &Tables<L>, mut z: Block<L>) -> Block<L> {
    for x in &mut z {
        let m = l.min(l.abs(*x), l.splat(LOGIT_LIMIT));
        let segment = l.shr::<12>(m);
        let f = l.and(m, l.splat(0xfff));
        let (packed, start) = if HALF {
            (l.lookup_half(tables.slope, segment), l.lookup_half(tables.start, segment))
        } else {
            (l.lookup(tables.slope, segment), l.lookup(tables.start, segment))
        };
        let bend = l.sar::<12>(l.mul_small(l.sar::<18>(packed), f));
        let slope = l.add(l.and(packed, l.splat(0x3_ffff)), bend);
        let s = l.add(start, l.sar::<12>(l.mul(slope, f)));
        let s = l.select_negative(*x, s, l.sub(l.splat(SCORE_ONE), s));
        *x = l.shl::<SHIFT>(s);
    }
    z
}

/// The scores of eight logits, equal to [`moebias_model::gate::Tables::sqrt_softplus`], shifted as in a key.
#[inline(always)]
pub(super) fn root_block<L: Lanes>(l: L, tables: &Tables<L>, mut z: Block<L>) -> Block<L> {
    let (low, high) = (l.splat(-LOGIT_LIMIT), l.splat(LOGIT_LIMIT));
    for x in &mut z {
        let m = l.add(l.max(l.min(*x, high), low), l.splat(LOGIT_LIMIT + 1));
        let segment = l.shr::<13>(m);
        let f = l.and(m, l.splat(0x1fff));
        let packed = l.lookup(tables.root_slope, segment);
        let bend = l.sar::<13>(l.mul_small(l.sar::<18>(packed), f));
        let slope = l.add(l.and(packed, l.splat(0x3_ffff)), bend);
        let s = l.add(l.lookup(tables.root_start, segment), l.sar::<13>(l.mul(slope, f)));
        *x = l.shl::<SHIFT>(s);
    }
    z
}

/// The scores of all logits of the tokens, equal to [`moebias_model::gate::scores`], shifted as in a key.
#[inline(always)]
pub(super) fn softmax<L: Lanes>(l: L, tables: &Tables<L>, experts: usize, logits: &[Block<L>], out: &mut [Block<L>]) {
    let (low, high) = (l.splat(-LOGIT_LIMIT), l.splat(LOGIT_LIMIT));
    let logits = &logits.as_flattened()[..experts];
    let out = &mut out.as_flattened_mut()[..experts];
    let mut top = low;
    for &z in logits {
        top = l.max(top, z);
    }
    top = l.min(top, high);
    let mut sum = l.splat(0);
    for (&z, out) in logits.iter().zip(&mut *out) {
        let distance = l.sub(top, l.max(l.min(z, high), low));
        let y = l.shr::<12>(l.add(l.mul(distance, l.splat(LOG2_E)), l.splat(2048)));
        let packed = l.lookup(tables.exp2, l.and(l.shr::<9>(y), l.splat(31)));
        let slope = l.mul_small(l.and(packed, l.splat(0x1fff)), l.and(y, l.splat(0x1ff)));
        let e = l.shr_by(l.sub(l.shr::<13>(packed), l.shr::<9>(slope)), l.shr::<14>(y));
        sum = l.add(sum, e);
        *out = e;
    }
    let (mut sums, mut shifts) = ([0; TILE], [0; TILE]);
    l.store(sum, &mut sums);
    for (sum, shift) in sums.iter_mut().zip(&mut shifts).take(L::N) {
        let norm = Normaliser::new(*sum as u32);
        (*sum, *shift) = (norm.reciprocal() as i32, norm.shift() as i32);
    }
    let (reciprocal, shift) = (l.load(&sums), l.load(&shifts));
    for e in out {
        *e = l.shl::<SHIFT>(l.shr_by(l.mul(*e, reciprocal), shift));
    }
}
