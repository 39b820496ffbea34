//! The kernel, written once for all instruction sets: tokens → logits → scores → keys → top-K → counts.
//!
//! One lane is one token. Experts are processed in blocks of eight, in passes over buffers that stay in the L1 cache: one pass computes
//! logits (shared by all variants), one computes scores (shared by the variants with the same gate), one sorts keys and keeps the largest.
//! Every number equals the one that [`moebias_model`] computes; only the order of the work differs. There is no `unsafe` here, see
//! [`Lanes`].

mod gates;

use self::gates::{Tables, root_block, sigmoid_block, softmax};
use super::lanes::Lanes;
use super::network::{Top, sort8};
use super::plan::{Factor, Keys, OrderPlan, Plan, Source, TILE, TopicTable, VariantPlan, Work};
use moebias_model::batch::Counts;
use moebias_model::config::Gate;
use moebias_model::fixed::SCORE_ONE;
use moebias_model::order::{BINS, Base, DIGITS, OFFSET, VALUE_STAGES};
use moebias_model::random::Stream;
use moebias_model::select::{INDEX_BITS, INDEX_MAX, MAX_K};
use moebias_model::tokens::TokenKey;

/// How far a score is shifted left in a key; the bits below hold the expert's index.
const SHIFT: i32 = INDEX_BITS as i32;

/// One register for each of eight experts.
type Block<L> = [<L as Lanes>::V; 8];

/// The buffers of one thread.
struct Buffers<L: Lanes> {
    /// The embeddings of the tokens of a tile, eight registers per group of `N` tokens.
    tokens: Vec<Block<L>>,
    /// Logits of one group of tokens, Q14.
    logits: Vec<Block<L>>,
    /// Scores of one group of tokens, Q20, shifted left as in a key.
    scores: Vec<Block<L>>,
    /// Keys of the multiplicative rule.
    keys: Vec<Block<L>>,
    /// The largest keys with the biases (0) and without (1), largest first. Only the first K are valid; the rest may be left from other
    /// tokens.
    tops: [[L::V; MAX_K]; 2],
    /// The experts of the largest keys with the biases, \[K\]\[TILE\].
    chosen: Vec<i32>,
}

/// Does a part of the work on a batch and adds to the counts.
#[inline(always)]
pub fn run<L: Lanes>(l: L, plan: &Plan<'_>, work: &Work, counts: &mut Counts) {
    let zero = l.splat(0);
    let blocks = plan.experts.div_ceil(8);
    let mut buffers = Buffers::<L> {
        tokens: vec![[zero; 8]; TILE / L::N],
        logits: vec![[zero; 8]; blocks],
        scores: vec![[zero; 8]; blocks],
        keys: vec![[zero; 8]; blocks],
        tops: [[zero; MAX_K]; 2],
        chosen: vec![0; MAX_K * TILE],
    };
    let tables = Tables::<L> {
        start: l.table(&plan.tables.sigmoid_start),
        slope: l.table(&plan.tables.sigmoid_slope),
        exp2: l.table(&plan.tables.exp2),
        root_start: l.table(&plan.tables.root_start),
        root_slope: l.table(&plan.tables.root_slope),
    };
    let (mut tiles, mut tile, mut first) = (plan.tiles(work), [0; TILE], true);
    loop {
        let tokens = tiles.next(&mut tile);
        if tokens == 0 {
            return;
        }
        let groups = tokens.div_ceil(L::N);
        let made = matches!(work, Work::Dots(_)) && !first;
        if let (Source::Synthetic { key, topics }, false) = (&plan.source, made) {
            make_tokens(l, key, topics, &tile, &mut buffers.tokens[..groups]);
        }
        for g in 0..groups {
            let lanes = L::N.min(tokens - g * L::N);
            route(l, plan, work, &tables, &mut buffers, (g, &tile[g * L::N..], lanes), counts);
        }
        first = false;
    }
}

/// Routes a group of tokens in every variant: the first `L::N` of `tokens`, of which the first `lanes` are counted.
#[inline(always)]
fn route<L: Lanes>(
    l: L,
    plan: &Plan<'_>,
    work: &Work,
    tables: &Tables<L>,
    buffers: &mut Buffers<L>,
    (g, tokens, lanes): (usize, &[u32], usize),
    counts: &mut Counts,
) {
    // With enough registers, and if the only gate is the sigmoid, logits go into the gate without a buffer.
    let dots = matches!(work, Work::Dots(_));
    let fused = L::FUSED && !dots && plan.groups.len() == 1 && plan.groups[0].gate == Gate::Sigmoid;
    if matches!(plan.source, Source::Synthetic { .. }) {
        let token = buffers.tokens[g];
        let centroids = plan.centroids.words.iter().zip(&plan.centroids.offsets);
        if fused {
            for (out, (c, o)) in buffers.scores.iter_mut().zip(centroids) {
                *out = sigmoid_block(l, tables, logits(l, &token, c, o));
            }
        } else {
            for (out, (c, o)) in buffers.logits.iter_mut().zip(centroids) {
                *out = logits(l, &token, c, o);
            }
        }
    }
    if dots {
        return;
    }
    if let Source::Logits { first, bits, experts } = plan.source {
        if fused {
            read_rows::<L, GATED>(l, tables, bits, first, experts, tokens, &mut buffers.scores);
        } else {
            read_rows::<L, LOGITS>(l, tables, bits, first, experts, tokens, &mut buffers.logits);
        }
    }
    for group in &plan.groups {
        let blocks = group.experts.div_ceil(8);
        let scores = &mut buffers.scores[..blocks];
        match (&plan.source, group.gate) {
            (Source::Trace { first }, _) => {
                if let Some(recorded) = group.recorded {
                    read_rows::<L, SCORES>(l, tables, recorded, *first, group.experts, tokens, scores);
                }
            }
            _ if fused => {}
            (_, Gate::Sigmoid) => {
                for (z, s) in buffers.logits.iter().zip(&mut *scores) {
                    *s = sigmoid_block(l, tables, *z);
                }
            }
            (_, Gate::SqrtSoftplus) => {
                for (z, s) in buffers.logits.iter().zip(&mut *scores) {
                    *s = root_block(l, tables, *z);
                }
            }
            (_, Gate::Softmax) => softmax(l, tables, group.experts, &buffers.logits, scores),
        }
        let sample = matches!(work, Work::Sample(_));
        for v in &group.variants {
            match &v.order {
                Some(order) if order.base == Base::Score => {
                    digits(l, order, l.splat(0), &buffers.scores, &tokens[..lanes], &mut counts.digits[v.index]);
                }
                _ => select(l, v, sample, buffers, &tokens[..lanes], counts),
            }
        }
    }
}

/// One round of the mixing in pcg4d.
#[inline(always)]
fn stir<L: Lanes>(l: L, v: &mut [L::V; 4]) {
    v[0] = l.add(v[0], l.mul(v[1], v[3]));
    v[1] = l.add(v[1], l.mul(v[2], v[0]));
    v[2] = l.add(v[2], l.mul(v[0], v[1]));
    v[3] = l.add(v[3], l.mul(v[1], v[2]));
}

/// Equal to [`moebias_model::random::pcg4d`].
#[inline(always)]
fn pcg4d<L: Lanes>(l: L, index: L::V, stream: Stream, key: &TokenKey) -> [L::V; 4] {
    let seeded = |x: u32| x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223) as i32;
    let first = l.add(l.mul(index, l.splat(1_664_525)), l.splat(1_013_904_223));
    let mut v = [first, l.splat(seeded(key.step)), l.splat(seeded(stream as u32)), l.splat(seeded(key.seed))];
    stir(l, &mut v);
    for x in &mut v {
        *x = l.xor(*x, l.shr::<16>(*x));
    }
    stir(l, &mut v);
    v
}

/// The embeddings of a tile of tokens, equal to [`moebias_model::tokens::Topics::token`].
#[inline(always)]
fn make_tokens<L: Lanes>(l: L, key: &TokenKey, topics: &TopicTable<'_>, tile: &[u32; TILE], out: &mut [Block<L>]) {
    let mut index = tile.map(|t| t as i32);
    if key.burst > 1 {
        index = tile.map(|t| (t / key.burst) as i32);
    }
    let mut draws = [0; TILE];
    for g in 0..out.len() {
        let at = g * L::N;
        l.store(pcg4d(l, l.load(&index[at..]), Stream::Topic, key)[0], &mut draws[at..]);
    }
    let mut centres: [&[i32]; TILE] = [&[]; TILE];
    for (centre, &draw) in centres.iter_mut().zip(&draws).take(out.len() * L::N) {
        *centre = &topics.centres[topics.of_draw(draw as u32)];
    }
    let index = tile.map(|t| t as i32);
    let factor = l.splat(key.noise_q8 & 0xffff | key.noise_q8 << 16);
    let small = (0..256).contains(&key.noise_q8);
    for (g, out) in out.iter_mut().enumerate() {
        let at = g * L::N;
        let x = l.load(&index[at..]);
        let low = pcg4d(l, x, Stream::NoiseLow, key);
        let high = pcg4d(l, x, Stream::NoiseHigh, key);
        let centre = l.transpose(&centres[at..at + L::N], 0);
        for j in 0..4 {
            out[j] = l.token_bytes(low[j], centre[j], factor, small);
            out[j + 4] = l.token_bytes(high[j], centre[j + 4], factor, small);
        }
    }
}

/// The logits of `L::N` tokens at eight experts, equal to [`moebias_model::tokens::logit`].
#[inline(always)]
fn logits<L: Lanes>(l: L, token: &Block<L>, centroids: &[[i32; 8]; 8], offsets: &[i32; 8]) -> Block<L> {
    let mut z = [l.splat(0); 8];
    for q in 0..8 {
        z[q] = l.dot(token, &centroids[q], offsets[q]);
    }
    z
}

/// Up to this many recorded numbers (8 MiB) stay in some cache from step to step, and prefetching them would only cost time.
const FAR: usize = 1 << 21;

/// A value of `WHAT` in [`read_rows`]: the rows are scores, which are shifted.
const SCORES: u8 = 0;
/// A value of `WHAT` in [`read_rows`]: the rows are logits, which are quantised.
const LOGITS: u8 = 1;
/// A value of `WHAT` in [`read_rows`]: the rows are logits, which are quantised and put through the sigmoid.
const GATED: u8 = 2;

/// Reads the recorded rows of the first `L::N` tokens; `WHAT` says what they are. (A constant rather than a closure, because a closure
/// would be compiled without the instruction set.)
#[inline(always)]
fn read_rows<L: Lanes, const WHAT: u8>(
    l: L,
    tables: &Tables<L>,
    recorded: &[i32],
    first: usize,
    experts: usize,
    tokens: &[u32],
    out: &mut [Block<L>],
) {
    let (at, far) = (|t: u32| (first + t as usize) * experts, recorded.len() > FAR);
    let mut rows: [&[i32]; TILE] = [&[]; TILE];
    // Where the rows of the next tokens begin. Rows are read side by side, which hardware prefetchers do not predict.
    let mut coming = [0; TILE];
    for i in 0..L::N {
        rows[i] = &recorded[at(tokens[i])..][..experts];
        if far {
            coming[i] = at(tokens.get(L::N + i).copied().unwrap_or(tokens[i] + L::N as u32));
        }
    }
    for (b, out) in out[..experts.div_ceil(8)].iter_mut().enumerate() {
        // A cache line holds two blocks.
        if far && b.is_multiple_of(2) {
            for &row in &coming[..L::N] {
                l.prefetch(recorded, row + b * 8);
            }
        }
        let mut block = [l.splat(0); 8];
        if (b + 1) * 8 <= experts {
            block = l.transpose(&rows[..L::N], b * 8);
        } else {
            for (e, x) in (b * 8..experts).zip(&mut block) {
                let mut column = [0; TILE];
                for (c, row) in column.iter_mut().zip(&rows[..L::N]) {
                    *c = row[e];
                }
                *x = l.load(&column);
            }
        }
        for x in &mut block {
            *x = if WHAT == SCORES { l.shl::<SHIFT>(*x) } else { l.quantised(*x) };
        }
        *out = if WHAT == GATED { sigmoid_block(l, tables, block) } else { block };
    }
}

/// Keys of the multiplicative rule from shifted scores, one factor per expert.
#[inline(always)]
fn multiply<L: Lanes>(l: L, factors: &[Factor], scores: &[Block<L>], out: &mut [Block<L>]) {
    for ((out, &score), f) in out.as_flattened_mut().iter_mut().zip(scores.as_flattened()).zip(factors) {
        let score = l.shr::<SHIFT>(score);
        let value = l.add(l.mul(score, l.splat(f.high)), l.mul_high_unsigned(score, l.splat(f.low)));
        *out = l.add(l.shl::<SHIFT>(value), l.splat(f.place));
    }
}

/// Keeps the largest of `experts` keys in each lane, sorted. A key is a number plus an offset that is the same for all lanes.
#[inline(always)]
fn keep<L: Lanes, T: Top<L>>(l: L, experts: usize, offsets: &[[i32; 8]], keys: &[Block<L>]) -> T {
    let mut top = T::first(l, [l.splat(i32::MIN); 8]);
    let full = experts / 8;
    for (b, (offsets, keys)) in offsets.iter().zip(keys).enumerate() {
        let mut a = *keys;
        for q in 0..8 {
            a[q] = l.add(a[q], l.splat(offsets[q]));
        }
        if b == full {
            // Padding gets the smallest key there is. It is never chosen, since at least K real keys are larger.
            for (q, a) in a.iter_mut().enumerate() {
                if b * 8 + q >= experts {
                    *a = l.splat(i32::MIN);
                }
            }
        }
        sort8(l, &mut a);
        if b == 0 {
            top = T::first(l, a);
        } else {
            top.merge(l, &a);
        }
    }
    top
}

/// Selects experts in one variant and counts the tokens: their loads, for a `sample` also the assignments that the biases moved, or digits
/// of margins if the variant has an order plan.
#[inline(always)]
fn select<L: Lanes>(
    l: L,
    v: &VariantPlan,
    sample: bool,
    buffers: &mut Buffers<L>,
    tokens: &[u32],
    counts: &mut Counts,
) {
    let (moved, lanes) = (sample && !v.unmoved, tokens.len());
    // α of a token is computed from its largest key that was not chosen, so one more key than K is kept.
    let k = if v.order.is_some() { MAX_K.min(v.top_k + 1) } else { v.top_k };
    let Buffers { scores, keys: buffer, tops, chosen, .. } = buffers;
    let scores = &scores[..];
    // A loop of two rounds instead of two calls: every copy of the sorting networks adds seconds to the compile time.
    for (top, unbiased) in tops.iter_mut().zip([false, true]) {
        if unbiased && !moved {
            break;
        }
        let (keys, offsets) = match &v.keys {
            _ if unbiased => (scores, &v.unbiased),
            Keys::Additive(offsets) => (scores, offsets),
            Keys::Multiplicative(factors, zeros) => {
                multiply(l, factors, scores, buffer);
                (&buffer[..], zeros)
            }
        };
        if k <= 8 {
            top[..8].copy_from_slice(&keep::<L, [L::V; 8]>(l, v.experts, offsets, keys));
        } else if k <= 16 {
            top[..16].copy_from_slice(&keep::<L, [L::V; 16]>(l, v.experts, offsets, keys));
        } else {
            *top = keep(l, v.experts, offsets, keys);
        }
    }
    if let Some(order) = &v.order {
        let alpha = alpha(l, v, order.base, scores, &tops[0]);
        return digits(l, order, alpha, scores, tokens, &mut counts.digits[v.index]);
    }
    let loads = &mut counts.loads[v.index][..v.experts];
    for (&key, chosen) in tops[0][..k].iter().zip(chosen.as_chunks_mut::<TILE>().0) {
        l.store(l.and(l.sub(l.splat(INDEX_MAX), key), l.splat(INDEX_MAX)), chosen);
    }
    // The experts go through memory, because extracting lanes from registers one by one keeps the vector units busy.
    for chosen in chosen.as_chunks::<TILE>().0.iter().take(k) {
        // A loop of constant length is much faster than one that stops at some lane.
        if lanes == L::N {
            for &expert in &chosen[..L::N] {
                loads[expert as usize] += 1;
            }
        } else {
            for &expert in &chosen[..lanes] {
                loads[expert as usize] += 1;
            }
        }
    }
    if !moved {
        return;
    }
    // Of the K chosen experts, those that both selections have in common were not moved.
    let mut away = l.splat(k as i32);
    for &a in &tops[0][..k] {
        for &b in &tops[1][..k] {
            let difference = l.and(l.xor(a, b), l.splat(INDEX_MAX));
            away = l.add(away, l.equal(difference, l.splat(0)));
        }
    }
    let mut out = [0; TILE];
    l.store(away, &mut out);
    counts.moved[v.index] += out[..lanes].iter().map(|&m| m as u32).sum::<u32>();
}

/// α of each token, Q20, equal to [`Base::alpha`], from the token's largest keys.
#[inline(always)]
fn alpha<L: Lanes>(l: L, v: &VariantPlan, base: Base, scores: &[Block<L>], top: &[L::V; MAX_K]) -> L::V {
    let mut key = top[v.top_k.min(MAX_K - 1)];
    if let (Keys::Additive(offsets), MAX_K..) = (&v.keys, v.top_k) {
        // The key after the last one held is needed: the largest of those below it.
        let (last, lowest) = (key, l.splat(i32::MIN));
        key = lowest;
        let all = scores.as_flattened().iter().zip(offsets.as_flattened()).take(v.experts);
        for (&score, &offset) in all {
            let one = l.add(score, l.splat(offset));
            let held = l.equal(l.max(one, last), one);
            key = l.max(key, l.select_negative(held, one, lowest));
        }
    }
    let value = l.sar::<SHIFT>(key);
    match base {
        Base::Clamped(shift) => l.max(l.min(l.add(value, l.splat(shift)), l.splat(SCORE_ONE)), l.splat(0)),
        Base::Margin | Base::Score => value,
    }
}

/// Counts one digit of score − α, the number that is ordered, for these tokens at every expert.
#[inline(always)]
fn digits<L: Lanes>(l: L, order: &OrderPlan, alpha: L::V, scores: &[Block<L>], tokens: &[u32], bins: &mut [u32]) {
    let (stage, base) = (order.stage, l.sub(l.splat(OFFSET), alpha));
    let (shift, bits) = DIGITS[stage];
    let above = l.splat((shift + bits) as i32);
    let mut out = [0; TILE];
    let all = order.searches.iter().zip(scores.as_flattened()).zip(bins.as_chunks_mut::<BINS>().0);
    for ((search, &score), bins) in all {
        let value = l.add(l.shr::<SHIFT>(score), base);
        if stage == 0 {
            l.store(l.shr::<15>(value), &mut out);
            for &digit in &out[..tokens.len()] {
                bins[digit as usize % BINS] += 1;
            }
            continue;
        }
        let known = if stage < VALUE_STAGES { l.shr_by(value, above) } else { value };
        // Few tokens have the digits known so far.
        if !l.any(l.equal(known, l.splat(search.value as i32))) {
            continue;
        }
        l.store(value, &mut out);
        for (&value, &token) in out.iter().zip(tokens) {
            if let Some(digit) = search.digit(stage, value as u32, token) {
                bins[digit % BINS] += 1;
            }
        }
    }
}
