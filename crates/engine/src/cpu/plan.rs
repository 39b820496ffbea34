//! What all threads share while they route one batch: everything that depends on the step but on no token.

use moebias_model::batch::{Batch, Routing, TokenInputs};
use moebias_model::config::{DIM, Gate};
use moebias_model::gate::{SEGMENTS, TABLES};
use moebias_model::order::{Base, Search};
use moebias_model::select::{INDEX_MAX, Selector};
use moebias_model::tokens::{Embedding, TokenKey, Topics};
use std::ops::Range;

/// Tokens whose embeddings are made together.
pub const TILE: usize = 64;

/// Centroids in the form in which registers read them, in blocks of eight; the last is filled up with zeros.
#[derive(Debug, Default)]
pub struct Centroids {
    /// Per expert, 32 bytes as eight words, first byte lowest.
    pub words: Vec<[[i32; 8]; 8]>,
    /// Per expert, −128 times the sum of its bytes: what turns a product with bytes + 128 into one with the bytes.
    pub offsets: Vec<[i32; 8]>,
}

/// 32 bytes as eight words, first byte lowest.
fn words(x: &Embedding) -> [i32; 8] {
    let mut out = [0; 8];
    for (word, b) in out.iter_mut().zip(x.as_chunks::<4>().0) {
        *word = i32::from_le_bytes(b.map(|b| b as u8));
    }
    out
}

/// Blocks of eight, the last filled up with defaults.
fn blocks<T: Copy + Default>(all: impl Iterator<Item = T>) -> Vec<[T; 8]> {
    let mut out = vec![];
    for (i, x) in all.enumerate() {
        if i % 8 == 0 {
            out.push([T::default(); 8]);
        }
        if let Some(last) = out.last_mut() {
            last[i % 8] = x;
        }
    }
    out
}

impl Centroids {
    /// Packs centroids, whose numbers fit i8.
    #[must_use]
    pub fn new(centroids: &[[i16; DIM]]) -> Self {
        const { assert!(DIM == 32) };
        let offset = |c: &[i16; DIM]| -128 * c.iter().map(|&x| i32::from(x)).sum::<i32>();
        Self {
            words: blocks(centroids.iter().map(|c| words(&c.map(|x| x as i8)))),
            offsets: blocks(centroids.iter().map(offset)),
        }
    }
}

/// The topics of one step, ready to be looked up.
#[derive(Debug)]
pub struct TopicTable<'a> {
    topics: &'a Topics,
    /// The first topic that a draw with these eight high bits can mean.
    guide: Box<[u16; 256]>,
    /// Each topic's centre.
    pub centres: Vec<[i32; 8]>,
}

impl<'a> TopicTable<'a> {
    fn new(topics: &'a Topics) -> Self {
        let mut guide = Box::new([0; 256]);
        let mut topic = 0;
        for (g, high) in guide.iter_mut().zip(0u32..) {
            while topics.thresholds[topic] < high << 24 {
                topic += 1;
            }
            *g = topic as u16;
        }
        Self { topics, guide, centres: topics.centres.iter().map(words).collect() }
    }

    /// As [`Topics::of_draw`].
    #[inline(always)]
    pub fn of_draw(&self, draw: u32) -> usize {
        let thresholds = &self.topics.thresholds;
        let mut topic = usize::from(self.guide[(draw >> 24) as usize]);
        // Mostly it is this one or the next; a branch between them could not be foretold.
        topic += usize::from(thresholds[topic] < draw);
        // The last threshold is the largest number there is.
        while thresholds[topic] < draw {
            topic += 1;
        }
        topic
    }
}

/// Where the tokens come from.
#[derive(Debug)]
pub enum Source<'a> {
    /// Drawn from topics.
    Synthetic {
        /// The random counter's fixed words.
        key: TokenKey,
        /// This step's topics.
        topics: TopicTable<'a>,
    },
    /// Recorded scores.
    Trace {
        /// First token of the batch within the trace.
        first: usize,
    },
    /// Recorded logits, whose gate is taken in every step.
    Logits {
        /// First token of the batch within the trace.
        first: usize,
        /// Bits of the f32 logits, [steps, tokens, experts].
        bits: &'a [i32],
        /// Experts in the trace.
        experts: usize,
    },
}

/// What turns the scores of a variant's experts into keys. Blocks of eight experts, the last filled up.
#[derive(Debug)]
pub enum Keys {
    /// key = (score << 10) + offset
    Additive(Vec<[i32; 8]>),
    /// key = (score·factor >> 32 << 10) + place; and as many zeros, which are added to that.
    Multiplicative(Vec<Factor>, Vec<[i32; 8]>),
}

/// One expert's part of a multiplicative key.
#[derive(Clone, Copy, Debug)]
pub struct Factor {
    /// Low word of the factor, Q32.
    pub low: i32,
    /// High word.
    pub high: i32,
    /// The least key, with the inverted index.
    pub place: i32,
}

impl Keys {
    fn new(selector: &Selector) -> Self {
        match selector {
            Selector::Additive { offset, .. } => Self::Additive(blocks(offset.iter().copied())),
            Selector::Multiplicative { factor } => {
                let one = |(&f, e): (&u64, i32)| Factor {
                    low: f as i32,
                    high: (f >> 32) as i32,
                    place: i32::MIN + INDEX_MAX - e,
                };
                let zeros = vec![[0; 8]; factor.len().div_ceil(8)];
                Self::Multiplicative(factor.iter().zip(0..).map(one).collect(), zeros)
            }
        }
    }
}

/// One variant's selection.
#[derive(Debug)]
pub struct VariantPlan {
    /// Its place in the batch.
    pub index: usize,
    /// E
    pub experts: usize,
    /// K
    pub top_k: usize,
    /// With the biases.
    pub keys: Keys,
    /// The offsets without them.
    pub unbiased: Vec<[i32; 8]>,
    /// The biases move nothing: both selections are the same.
    pub unmoved: bool,
    /// Which digits are counted of it while the batch is put in order.
    pub order: Option<OrderPlan>,
}

/// What is counted to find an order statistic of every expert.
#[derive(Debug)]
pub struct OrderPlan {
    /// Of which numbers.
    pub base: Base,
    /// Which digit.
    pub stage: usize,
    /// How far the search has come, per expert.
    pub searches: Vec<Search>,
}

/// Variants that choose by the same scores.
#[derive(Debug)]
pub struct Group<'a> {
    /// Their gate.
    pub gate: Gate,
    /// The most experts that one of them has. Softmax scores depend on it, so there all have as many.
    pub experts: usize,
    /// The trace's scores, Q20, [steps, tokens, experts].
    pub recorded: Option<&'a [i32]>,
    /// Who they are.
    pub variants: Vec<VariantPlan>,
}

/// The gates' coefficients, packed so that a lookup finds two at once.
#[derive(Debug)]
pub struct GateTables {
    /// The sigmoid's constants.
    pub sigmoid_start: [i32; SEGMENTS],
    /// Its slopes in the low 18 bits, its bends above.
    pub sigmoid_slope: [i32; SEGMENTS],
    /// The constants of 2⁻ᶠ in the upper 19 bits, its slopes in 13.
    pub exp2: [i32; SEGMENTS],
    /// The constants of the root of the softplus.
    pub root_start: [i32; SEGMENTS],
    /// Its slopes and bends, as the sigmoid's.
    pub root_slope: [i32; SEGMENTS],
}

impl GateTables {
    /// From the model's tables.
    #[must_use]
    pub fn new() -> Self {
        let t = &*TABLES;
        Self {
            sigmoid_start: t.sigmoid.map(|c| c[0]),
            sigmoid_slope: t.sigmoid.map(|c| c[2] << 18 | c[1]),
            exp2: t.exp2.map(|c| c[0] << 13 | c[1]),
            root_start: t.root.map(|c| c[0]),
            root_slope: t.root.map(|c| c[2] << 18 | c[1]),
        }
    }
}

impl Default for GateTables {
    fn default() -> Self {
        Self::new()
    }
}

/// Which tokens to route, and what to count.
#[derive(Clone, Debug)]
pub enum Work {
    /// Loads of these tokens.
    Loads(Range<u32>),
    /// Loads of these tokens, but for those of the sample.
    Rest(Range<u32>),
    /// Loads of these tokens of the sample, and what of their assignments was moved.
    Sample(Range<u32>),
    /// Digits of what is ordered, of these tokens.
    Digits(Range<u32>),
    /// Nothing: the dot products alone of as many tokens, always the same ones, as a measure of what the CPU could do at best.
    Dots(Range<u32>),
}

/// One batch, ready for the kernels.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The batch.
    pub batch: &'a Batch,
    /// Its tokens.
    pub source: Source<'a>,
    /// At least as many as any variant has experts.
    pub centroids: &'a Centroids,
    /// All variants, by what they share.
    pub groups: Vec<Group<'a>>,
    /// The gates.
    pub tables: GateTables,
    /// Logits are needed of this many experts.
    pub experts: usize,
}

impl<'a> Plan<'a> {
    /// Prepares a batch. `centroids` are its own.
    #[must_use]
    pub fn new(batch: &'a Batch, centroids: &'a Centroids) -> Self {
        Self::of(batch, centroids, |_, r| r.is_plain())
    }

    /// Prepares the count of one digit in those variants that have a search.
    #[must_use]
    pub fn ordering<'s>(
        batch: &'a Batch,
        centroids: &'a Centroids,
        stage: usize,
        searches: impl Fn(usize) -> Option<&'s Vec<Search>>,
    ) -> Self {
        let mut plan = Self::of(batch, centroids, |i, _| searches(i).is_some());
        for v in plan.groups.iter_mut().flat_map(|g| &mut g.variants) {
            let base = batch.variants[v.index].base(&batch.bias_of(v.index));
            v.order = searches(v.index).map(|s| OrderPlan { base, stage, searches: s.clone() });
        }
        plan
    }

    fn of(batch: &'a Batch, centroids: &'a Centroids, wanted: impl Fn(usize, &Routing) -> bool) -> Self {
        let mut groups: Vec<Group<'a>> = vec![];
        for (index, v) in batch.variants.iter().enumerate().filter(|(i, v)| wanted(*i, v)) {
            let experts = v.router.experts as usize;
            let variant = VariantPlan {
                index,
                experts,
                top_k: v.router.top_k as usize,
                keys: Keys::new(&v.selector),
                unbiased: match &v.unbiased {
                    Selector::Additive { offset, .. } => blocks(offset.iter().copied()),
                    Selector::Multiplicative { .. } => vec![],
                },
                unmoved: v.selector == v.unbiased,
                order: None,
            };
            let gate = v.router.gate;
            // Routers that learn have scores of their own, each.
            let own = |recorded: Option<&[i32]>| recorded.map(<[i32]>::as_ptr);
            let fits = |g: &&mut Group| {
                g.gate == gate
                    && (gate != Gate::Softmax || g.experts == experts)
                    && own(g.recorded) == own(v.recorded())
            };
            match groups.iter_mut().find(fits) {
                Some(group) => {
                    group.experts = group.experts.max(experts);
                    group.variants.push(variant);
                }
                None => groups.push(Group { gate, experts, recorded: v.recorded(), variants: vec![variant] }),
            }
        }
        let source = match &batch.inputs.tokens {
            TokenInputs::Synthetic { key, topics } => Source::Synthetic { key: *key, topics: TopicTable::new(topics) },
            TokenInputs::Trace { index } => {
                let first = index * batch.inputs.batch as usize;
                match batch.given_logits() {
                    None => Source::Trace { first },
                    Some(t) => Source::Logits { first, bits: bytemuck::cast_slice(&t.logits), experts: t.experts },
                }
            }
            TokenInputs::Learning(_) => Source::Trace { first: 0 },
        };
        let experts = groups.iter().map(|g| g.experts).max().unwrap_or(0);
        Self { batch, source, centroids, groups, tables: GateTables::new(), experts }
    }

    /// Whether every variant is in it: the kernels route those that are plain.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.groups.iter().map(|g| g.variants.len()).sum::<usize>() == self.batch.variants.len()
    }

    /// Whether any variant's biases can move anything.
    #[must_use]
    pub fn moves(&self) -> bool {
        self.groups.iter().flat_map(|g| &g.variants).any(|v| !v.unmoved)
    }

    /// The tokens of some work, a tile at a time.
    #[must_use]
    pub fn tiles(&self, work: &Work) -> Tiles<'_> {
        let (Work::Loads(range) | Work::Rest(range) | Work::Sample(range) | Work::Digits(range) | Work::Dots(range)) =
            work;
        let batch = self.batch;
        let (sampled, tokens) = (batch.sample_size(), u64::from(batch.inputs.batch.max(1)));
        let which = match work {
            Work::Sample(_) => Which::Sample,
            // The first of the sample that does not come before the range.
            Work::Rest(range) => Which::Rest((u64::from(range.start) * u64::from(sampled)).div_ceil(tokens) as u32),
            _ => Which::All,
        };
        Tiles { batch, which, range: range.clone() }
    }
}

/// The tokens of some work, a tile at a time.
#[derive(Debug)]
pub struct Tiles<'a> {
    batch: &'a Batch,
    which: Which,
    /// What is left.
    range: Range<u32>,
}

#[derive(Debug)]
enum Which {
    All,
    Sample,
    /// All but the sample, whose next token has this number in it.
    Rest(u32),
}

impl Tiles<'_> {
    /// Fills in the next tokens and says how many; where they end, the last stands again and again.
    #[inline(always)]
    pub fn next(&mut self, tile: &mut [u32; TILE]) -> usize {
        let of = self.batch.sample_size();
        let mut n = 0;
        if let Which::Rest(next) = &mut self.which {
            let mut spared = self.batch.spaced(*next, of);
            while n < TILE && !self.range.is_empty() {
                if self.range.start == spared {
                    *next += 1;
                    spared = self.batch.spaced(*next, of);
                } else {
                    tile[n] = self.range.start;
                    n += 1;
                }
                self.range.start += 1;
            }
        } else {
            n = TILE.min(self.range.len());
            let spaced = matches!(self.which, Which::Sample);
            for (t, place) in tile[..n].iter_mut().zip(&mut self.range) {
                *t = if spaced { self.batch.spaced(place, of) } else { place };
            }
        }
        if n > 0 {
            let last = tile[n - 1];
            tile[n..].fill(last);
        }
        n
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use moebias_model::config::{Experiment, Source, Synthetic, Variant};
    use moebias_model::step::Simulation;

    #[test]
    fn packing_loses_nothing() {
        let (model, packed) = (&*TABLES, GateTables::new());
        for i in 0..SEGMENTS {
            let (start, slope) = (packed.sigmoid_start[i], packed.sigmoid_slope[i]);
            let root = (model.root[i], packed.root_start[i], packed.root_slope[i]);
            for ([c0, c1, c2, _], start, slope) in [(model.sigmoid[i], start, slope), root] {
                assert_eq!((start, slope & 0x3_ffff, slope >> 18), (c0, c1, c2));
                assert!(i16::try_from(c2).is_ok(), "multiplied in 16 bits");
            }
            let [c0, c1, ..] = model.exp2[i];
            assert_eq!((packed.exp2[i] as u32 >> 13, packed.exp2[i] & 0x1fff), (c0 as u32, c1));
        }
    }

    /// However a batch is cut into parts, the sample and the rest are every token once.
    #[test]
    fn the_rest_is_what_the_sample_is_not() {
        for tokens in [1, 5, 63, 64, 65, 511, 512, 513, 700, 1023, 1024, 5000] {
            let source = Source::Synthetic(Synthetic { batch: tokens, ..Default::default() });
            let experiment = Experiment { seed: 1, source, variants: vec![Variant::default()] };
            let mut simulation = Simulation::new(experiment, None).unwrap();
            let (batch, centroids) = (simulation.next_batch(), Centroids::default());
            let plan = Plan::new(&batch, &centroids);
            for parts in [1, 2, 3, 7] {
                let share = |of: u32, p: u32| of * p / parts..of * (p + 1) / parts;
                let works = (0..parts)
                    .flat_map(|p| [Work::Rest(share(tokens, p)), Work::Sample(share(batch.sample_size(), p))]);
                let mut seen = vec![0; tokens as usize];
                for work in works {
                    let (mut tiles, mut tile) = (plan.tiles(&work), [0; TILE]);
                    loop {
                        let n = tiles.next(&mut tile);
                        tile[..n].iter().for_each(|&t| seen[t as usize] += 1);
                        if n == 0 {
                            break;
                        }
                        assert!(tile[n..].iter().all(|&t| t == tile[n - 1]), "the last fills up");
                    }
                }
                assert!(seen.iter().all(|&n| n == 1), "{tokens} tokens in {parts} parts: {seen:?}");
            }
        }
    }

    #[test]
    fn topics_are_found_as_the_model_finds_them() {
        for (topics, skew) in [(1, 0.0), (7, 1.1), (256, 3.0), (256, 0.0)] {
            let topics = Topics::new(&Synthetic { topics, skew, ..Default::default() }, 3, 1 << 31);
            let table = TopicTable::new(&topics);
            let edges = topics.thresholds.iter().flat_map(|&t| [t.wrapping_sub(1), t, t.wrapping_add(1)]);
            for draw in edges.chain((0..1000).map(|i: u32| i.wrapping_mul(0x9e37_79b9))) {
                assert_eq!(table.of_draw(draw), topics.of_draw(draw), "{draw}");
            }
        }
    }
}
