//! What all threads share while they route one batch: everything that depends on the step but not on a token.

use moebias_model::batch::{Batch, Routing, TokenInputs};
use moebias_model::config::{DIM, Gate};
use moebias_model::gate::{SEGMENTS, TABLES};
use moebias_model::order::{Base, Search};
use moebias_model::select::{INDEX_MAX, Selector};
use moebias_model::tokens::{Embedding, TokenKey, Topics};
use std::ops::Range;

/// Number of tokens whose embeddings are generated together.
pub const TILE: usize = 64;

/// Centroids in the layout that kernels load, in blocks of eight experts; the last block is padded with zeros.
#[derive(Debug, Default)]
pub struct Centroids {
    /// The 32 bytes of each centroid as eight words, first byte lowest: \[block\]\[expert\]\[word\].
    pub words: Vec<[[i32; 8]; 8]>,
    /// −128 times the sum of each centroid's bytes. Added to a dot product with token bytes + 128, it gives the one with the token bytes.
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

/// Blocks of eight items; the last block is padded with defaults.
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
    /// Packs centroids, whose components must fit into an i8.
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

/// The topics of one step, prepared for fast lookup.
#[derive(Debug)]
pub struct TopicTable<'a> {
    topics: &'a Topics,
    /// For each value of a draw's eight high bits: the first topic that such a draw can mean.
    guide: Box<[u16; 256]>,
    /// The centre of each topic, 32 bytes as eight words.
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

    /// The topic of a draw, equal to [`Topics::of_draw`].
    #[inline(always)]
    pub fn of_draw(&self, draw: u32) -> usize {
        let thresholds = &self.topics.thresholds;
        let mut topic = usize::from(self.guide[(draw >> 24) as usize]);
        // The topic is mostly this one or the next, unpredictably, so the choice is made without a branch.
        topic += usize::from(thresholds[topic] < draw);
        // Ends at the last topic at the latest: its threshold is the largest u32.
        while thresholds[topic] < draw {
            topic += 1;
        }
        topic
    }
}

/// Where the tokens come from.
#[derive(Debug)]
pub enum Source<'a> {
    /// Generated from topics.
    Synthetic {
        /// The fixed words of the random counter.
        key: TokenKey,
        /// The topics of this step.
        topics: TopicTable<'a>,
    },
    /// Recorded scores; see [`Group::recorded`].
    Trace {
        /// The batch's first token, as an index into the tokens of all recorded steps.
        first: usize,
    },
    /// Recorded logits, to which the gate is applied in every step.
    Logits {
        /// The batch's first token, as an index into the tokens of all recorded steps.
        first: usize,
        /// The bits of the f32 logits, \[steps, tokens, experts\].
        bits: &'a [i32],
        /// Number of experts in the trace.
        experts: usize,
    },
}

/// How the scores of a variant become keys. Lists are in blocks of eight experts, the last one padded.
#[derive(Debug)]
pub enum Keys {
    /// key = (score << 10) + offset
    Additive(Vec<[i32; 8]>),
    /// key = (score·factor >> 32 << 10) + place. The second list holds zeros, so that the same code can add an offset to these keys too.
    Multiplicative(Vec<Factor>, Vec<[i32; 8]>),
}

/// The factor of one expert in a multiplicative key.
#[derive(Clone, Copy, Debug)]
pub struct Factor {
    /// The low word of the factor, Q32.
    pub low: i32,
    /// The high word of the factor.
    pub high: i32,
    /// The smallest key of this expert: the least i32 plus the inverted index.
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

/// How one variant selects experts.
#[derive(Debug)]
pub struct VariantPlan {
    /// The index of the variant in the batch.
    pub index: usize,
    /// Number of experts, E.
    pub experts: usize,
    /// Number of experts chosen per token, K.
    pub top_k: usize,
    /// How keys are made with the biases.
    pub keys: Keys,
    /// The offsets of the keys without the biases.
    pub unbiased: Vec<[i32; 8]>,
    /// Whether biases have no effect, so that both selections are the same.
    pub unmoved: bool,
    /// If digits are to be counted for this variant: which ones. The tokens are then not counted as loads.
    pub order: Option<OrderPlan>,
}

/// What to count in one pass of the search for an order statistic of every expert.
#[derive(Debug)]
pub struct OrderPlan {
    /// The numbers that are ordered.
    pub base: Base,
    /// The digit that is counted.
    pub stage: usize,
    /// The digits found so far, per expert.
    pub searches: Vec<Search>,
}

/// Variants that share scores.
#[derive(Debug)]
pub struct Group<'a> {
    /// The gate of these variants.
    pub gate: Gate,
    /// The largest number of experts of these variants. Softmax scores depend on the number, so with softmax all have the same.
    pub experts: usize,
    /// Recorded scores, Q20, \[steps, tokens, experts\]; `None` if scores are computed from logits.
    pub recorded: Option<&'a [i32]>,
    /// The variants.
    pub variants: Vec<VariantPlan>,
}

/// The coefficients of the gates, packed so that one lookup gives two of them.
#[derive(Debug)]
pub struct GateTables {
    /// Constants of the sigmoid.
    pub sigmoid_start: [i32; SEGMENTS],
    /// Slopes of the sigmoid in the low 18 bits, second-order coefficients above.
    pub sigmoid_slope: [i32; SEGMENTS],
    /// Constants of 2⁻ᶠ in the upper 19 bits, slopes in the low 13.
    pub exp2: [i32; SEGMENTS],
    /// Constants of √softplus.
    pub root_start: [i32; SEGMENTS],
    /// Slopes of √softplus in the low 18 bits, second-order coefficients above.
    pub root_slope: [i32; SEGMENTS],
}

impl GateTables {
    /// Packs the model's tables.
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

/// Which tokens to route, and what to count of them. Ranges are of tokens, or of places in the sample.
#[derive(Clone, Debug)]
pub enum Work {
    /// Loads of a range of tokens.
    Loads(Range<u32>),
    /// Loads of a range of tokens without those of the sample.
    Rest(Range<u32>),
    /// Loads of a range of the sample, and how many of its assignments the biases moved.
    Sample(Range<u32>),
    /// Digits of what is ordered, of a range of tokens.
    Digits(Range<u32>),
    /// Counts nothing: computes only the dot products of as many tokens, reusing one tile of them. Measures the limit of the CPU.
    Dots(Range<u32>),
}

/// One batch, prepared for the kernels.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The batch.
    pub batch: &'a Batch,
    /// Where the tokens of the batch come from.
    pub source: Source<'a>,
    /// The centroids, at least as many as any variant has experts.
    pub centroids: &'a Centroids,
    /// The variants that the kernels route, grouped by the scores they share.
    pub groups: Vec<Group<'a>>,
    /// The tables of the gates.
    pub tables: GateTables,
    /// Number of experts for which logits are needed.
    pub experts: usize,
}

impl<'a> Plan<'a> {
    /// Prepares routing a batch. `centroids` must be those of the batch.
    #[must_use]
    pub fn new(batch: &'a Batch, centroids: &'a Centroids) -> Self {
        Self::of(batch, centroids, |_, r| r.is_plain())
    }

    /// Prepares counting one digit in the variants for which `searches` returns a search.
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
            // Every router that learns has scores of its own.
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

    /// Whether every variant of the batch is in the plan. [`Self::new`] includes only plain ones, which the kernels can route.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.groups.iter().map(|g| g.variants.len()).sum::<usize>() == self.batch.variants.len()
    }

    /// Whether the biases of any variant have an effect.
    #[must_use]
    pub fn moves(&self) -> bool {
        self.groups.iter().flat_map(|g| &g.variants).any(|v| !v.unmoved)
    }

    /// The tokens of a work, in tiles.
    #[must_use]
    pub fn tiles(&self, work: &Work) -> Tiles<'_> {
        let (Work::Loads(range) | Work::Rest(range) | Work::Sample(range) | Work::Digits(range) | Work::Dots(range)) =
            work;
        let batch = self.batch;
        let (sampled, tokens) = (batch.sample_size(), u64::from(batch.inputs.batch.max(1)));
        let which = match work {
            Work::Sample(_) => Which::Sample,
            // The first place of the sample whose token is not before the range.
            Work::Rest(range) => Which::Rest((u64::from(range.start) * u64::from(sampled)).div_ceil(tokens) as u32),
            _ => Which::All,
        };
        Tiles { batch, which, range: range.clone() }
    }
}

/// Iterates over the tokens of a work in tiles.
#[derive(Debug)]
pub struct Tiles<'a> {
    batch: &'a Batch,
    which: Which,
    /// The tokens, or places in the sample, that are left.
    range: Range<u32>,
}

#[derive(Debug)]
enum Which {
    All,
    Sample,
    /// All tokens but the sample; the number is the place in the sample of the next token to skip.
    Rest(u32),
}

impl Tiles<'_> {
    /// Fills in the next tokens and returns how many there are. The rest of the tile repeats the last token.
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

    /// However a batch is divided into parts, the sample and the rest together contain every token exactly once.
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
