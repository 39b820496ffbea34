//! The picture for the heatmap: some tokens of a batch, routed again by the model with the biases of one step.

use super::cpu::look_ahead;
use moebias_model::batch::{Batch, TokenInputs};
use moebias_model::config::{Router, Rule};
pub use moebias_model::heatmap::Rows;
use moebias_model::select::By;
use moebias_model::step::Simulation;
use rayon::prelude::*;
use std::sync::Arc;

/// Number of tokens in the probe: as many rows as can be told apart on a projector.
pub const PROBE_TOKENS: u32 = 128;
/// Number of rows of a live batch if the request leaves the tokens per row open.
pub const LIVE_ROWS: u32 = 512;
/// The largest number of rows of a picture.
pub const MOST_ROWS: u32 = 4096;
/// Token–expert pairs that each thread scores for one picture, which takes a few milliseconds. If the rows hold more tokens than that,
/// evenly spaced tokens of each row are scored instead of all, and [`Picture::sampled`] says how many.
const PAIRS: usize = 1 << 18;
/// At least this many tokens of a row are scored.
pub const LEAST_SAMPLE: u32 = 4;
/// Number of tokens from which topic shares are counted.
pub const SHARE_TOKENS: u32 = 4096;

/// What the screen asks the worker to draw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ViewRequest {
    /// The index of the variant.
    pub variant: usize,
    /// What the rows are.
    pub rows: Rows,
    /// Whether tokens are ordered by topic instead of by arrival.
    pub by_topic: bool,
    /// For a live batch: the place of the first token to show, in the chosen order.
    pub first: u32,
    /// For a live batch: the number of tokens to show; 0 for all from `first` on.
    pub tokens: u32,
    /// For a live batch: the number of tokens that share a row; 0 for as many as give at most [`LIVE_ROWS`] rows.
    pub per_row: u32,
    /// A token whose scores and marks are wanted whether or not it is shown.
    pub pinned: Option<u32>,
    /// Other variants of which the same rows are wanted.
    pub beside: Beside,
}

/// The other variants of which pictures are made, with the same tokens in the same rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Beside {
    /// No other variant.
    #[default]
    Nothing,
    /// The variant with this index.
    Variant(usize),
    /// All other variants, up to [`MOST_BESIDE`] pictures in all.
    All,
}

/// The largest number of pictures side by side.
pub const MOST_BESIDE: usize = 4;

/// Tokens per row so that `tokens` fit into at most `rows` rows. A power of two, so that rows keep their tokens while the user scrolls.
#[must_use]
pub fn per_row(tokens: u32, rows: u32) -> u32 {
    tokens.div_ceil(rows.max(1)).max(1).next_power_of_two()
}

/// How many of the scored tokens in a shared row chose an expert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Tokens that chose the expert.
    pub chosen: u16,
    /// Tokens that chose it only because of the bias.
    pub moved_in: u16,
    /// Tokens that would have chosen it without the bias, but did not.
    pub moved_out: u16,
}

/// One token at all experts, whether or not it is in a row of the picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Single {
    /// The token.
    pub token: Token,
    /// Its place in the chosen order.
    pub place: u32,
    /// Its scores without bias, one per expert, Q20.
    pub scores: Vec<i32>,
    /// [`CHOSEN`], [`UNBIASED`] and [`DROPPED`] bits, one byte per expert.
    pub marks: Vec<u8>,
}

/// A token and its topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// The index of the token in the batch.
    pub index: u32,
    /// The topic of the token, or its group in a trace.
    pub topic: u32,
}

/// Bit of [`Picture::marks`]: the token chose the expert.
pub const CHOSEN: u8 = 1;
/// Bit of [`Picture::marks`]: the token would choose the expert without the bias.
pub const UNBIASED: u8 = 2;
/// Bit of [`Picture::marks`]: the token chose the expert, but the expert has no room.
pub const DROPPED: u8 = 4;

/// Some tokens at all experts, or the topics' shares of the experts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Picture {
    /// The request it answers; a variant that does not exist is replaced by the first.
    pub request: ViewRequest,
    /// The step that is shown; its biases route the tokens. The last step done, unless `ahead`.
    pub step: u64,
    /// Whether no step is done yet; the picture then shows the next step.
    pub ahead: bool,
    /// The router of that step.
    pub router: Router,
    /// The rule of that step.
    pub rule: Rule,
    /// Number of tokens in the batch.
    pub batch: u32,
    /// Number of experts, which is the number of columns.
    pub experts: usize,
    /// The biases with which the tokens were routed, one per expert, Q32.
    pub bias: Vec<i64>,
    /// The first token of each row, in the chosen order; empty for topic shares.
    pub tokens: Vec<Token>,
    /// The place of the first row's first token in the chosen order.
    pub first: u32,
    /// Tokens per row; the last row may have fewer.
    pub per_row: u32,
    /// Number of evenly spaced tokens scored per row; equals `per_row` if all were scored.
    pub sampled: u32,
    /// Scores without bias, Q20, \[rows, experts\]; means where several tokens share a row.
    pub scores: Vec<i32>,
    /// [`CHOSEN`], [`UNBIASED`] and [`DROPPED`] bits, \[rows, experts\]; empty where several tokens share a row.
    pub marks: Vec<u8>,
    /// Counts over the scored tokens of each row, \[rows, experts\]; empty where every token has its own row.
    pub counts: Vec<Count>,
    /// The token asked for by [`ViewRequest::pinned`].
    pub pinned: Option<Single>,
    /// Share of each topic's assignments that goes to each expert, in \[0, 1\], \[topics, experts\]; empty unless [`Rows::Topics`] was
    /// asked for.
    pub shares: Vec<f32>,
    /// Share of the tokens that belongs to each topic, in \[0, 1\]; empty unless [`Rows::Topics`] was asked for.
    pub topics: Vec<f32>,
    /// Number of tokens from which the shares were counted.
    pub counted: u32,
    /// Pictures of the other variants asked for, in the order of the variants.
    pub beside: Vec<Arc<Picture>>,
}

impl Picture {
    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        if self.request.rows == Rows::Topics { self.topics.len() } else { self.tokens.len() }
    }

    /// Number of tokens scored in a row.
    #[must_use]
    pub fn looked_at(&self, row: usize) -> u32 {
        self.tokens_of(row).min(self.sampled)
    }

    /// Number of tokens in a row.
    #[must_use]
    pub fn tokens_of(&self, row: usize) -> u32 {
        let before = self.first + row as u32 * self.per_row;
        self.per_row.min(self.batch.saturating_sub(before)).max(1)
    }

    /// The counts of a row that tokens share, one per expert.
    #[must_use]
    pub fn counts_of(&self, row: usize) -> &[Count] {
        self.counts.get(row * self.experts..(row + 1) * self.experts).unwrap_or_default()
    }

    /// The scores of a row, one per expert.
    #[must_use]
    pub fn scores_of(&self, row: usize) -> &[i32] {
        self.scores.get(row * self.experts..(row + 1) * self.experts).unwrap_or_default()
    }

    /// The marks of a row, one byte per expert.
    #[must_use]
    pub fn marks_of(&self, row: usize) -> &[u8] {
        self.marks.get(row * self.experts..(row + 1) * self.experts).unwrap_or_default()
    }
}

/// As [`picture`], for a simulation that has done no step yet; [`Picture::ahead`] is set.
#[must_use]
pub fn picture_ahead(simulation: &mut Simulation, request: ViewRequest) -> Picture {
    let mut made = picture(simulation, request);
    made.beside.iter_mut().for_each(|p| Arc::make_mut(p).ahead = true);
    Picture { ahead: true, ..made }
}

/// Makes the picture of the step that a simulation is about to do. A variant that does not exist is replaced by the first.
#[must_use]
pub fn picture(simulation: &mut Simulation, request: ViewRequest) -> Picture {
    let mut batch = match request.rows {
        // The probe uses BIP's biases as the last batch left them, without the passes over a new batch: otherwise they would not be seen to
        // move.
        Rows::Fixed => simulation.probe(),
        Rows::Batch | Rows::Topics => simulation.next_batch(),
    };
    if request.rows != Rows::Fixed {
        look_ahead(&mut batch);
    }
    let all = batch.variants.len();
    let variant = if request.variant < all { request.variant } else { 0 };
    let others: Vec<usize> = match request.beside {
        Beside::Nothing => vec![],
        Beside::Variant(other) => Some(other).filter(|o| *o < all && *o != variant).into_iter().collect(),
        Beside::All => (0..all).filter(|v| *v != variant).take(MOST_BESIDE - 1).collect(),
    };
    let request = ViewRequest { variant, ..request };
    let share = 1 + others.len();
    let mut made = picture_of(simulation, &batch, request, share);
    let other = |variant| Arc::new(picture_of(simulation, &batch, ViewRequest { variant, ..request }, share));
    made.beside = others.into_iter().map(other).collect();
    made
}

/// The picture of one variant, which may take one part in `share` of the time for all pictures.
fn picture_of(simulation: &Simulation, batch: &Batch, request: ViewRequest, share: usize) -> Picture {
    let variant = request.variant;
    let experts = batch.variants[variant].router.experts as usize;
    // The biases that decide the routing: some rules change them after looking at the batch.
    let bias = batch.bias_of(variant);
    let (router, rule) = (batch.variants[variant].router.clone(), batch.variants[variant].rule);
    let (step, of) = (simulation.step(), batch.inputs.batch);
    let mut picture = Picture { request, step, batch: of, router, rule, experts, bias, ..Picture::default() };
    // Counts alone have no tokens to draw.
    if simulation.trace().is_some_and(|t| !t.counts.is_empty()) {
        picture.batch = 0;
        return picture;
    }
    // Where tokens compete for room, or experts choose, the probe tokens are routed as a batch of their own.
    let own = (request.rows == Rows::Fixed && batch.variants[variant].sees_whole_batch())
        .then(|| batch.clone().gathered(batch.inputs.batch.min(PROBE_TOKENS)));
    let batch = own.as_ref().unwrap_or(batch);
    (picture.per_row, picture.sampled) = (1, 1);
    let order = Order::new(batch, request);
    match request.rows {
        Rows::Topics => shares(batch, variant, &mut picture),
        Rows::Fixed | Rows::Batch => tokens(batch, variant, (&order, share), &mut picture),
    }
    if let Some(index) = request.pinned.filter(|t| *t < batch.inputs.batch && request.rows != Rows::Topics) {
        let (scores, marks) = route(batch, variant, index);
        let token = Token { index, topic: batch.topic(index) };
        picture.pinned = Some(Single { token, place: order.place(index), scores, marks });
    }
    picture
}

/// The order of the tokens: which token is at which place.
enum Order {
    Arrival,
    /// The tokens in the order of their places.
    Chosen(Vec<u32>),
}

impl Order {
    fn new(batch: &Batch, request: ViewRequest) -> Self {
        let all = batch.inputs.batch;
        match request.rows {
            Rows::Topics => Self::Arrival,
            Rows::Fixed => {
                let n = all.min(PROBE_TOKENS);
                let mut tokens: Vec<u32> = (0..n).map(|i| batch.spaced(i, n)).collect();
                if request.by_topic {
                    tokens.sort_by_key(|&t| (batch.topic(t), t));
                }
                Self::Chosen(tokens)
            }
            Rows::Batch if request.by_topic => Self::Chosen(by_topic(batch)),
            Rows::Batch => Self::Arrival,
        }
    }

    fn len(&self, batch: &Batch) -> u32 {
        match self {
            Self::Arrival => batch.inputs.batch,
            Self::Chosen(tokens) => tokens.len() as u32,
        }
    }

    fn token(&self, place: u32) -> u32 {
        match self {
            Self::Arrival => place,
            Self::Chosen(tokens) => tokens.get(place as usize).copied().unwrap_or(0),
        }
    }

    fn place(&self, token: u32) -> u32 {
        match self {
            Self::Arrival => token,
            Self::Chosen(tokens) => tokens.iter().position(|t| *t == token).unwrap_or(0) as u32,
        }
    }
}

/// All tokens of a batch, ordered by topic and within a topic by arrival.
fn by_topic(batch: &Batch) -> Vec<u32> {
    let all = batch.inputs.batch;
    let topics: Vec<u32> = (0..all).into_par_iter().with_min_len(4096).map(|t| batch.topic(t)).collect();
    let mut starts = vec![0u32; topics.iter().max().map_or(0, |t| *t as usize) + 2];
    topics.iter().for_each(|&t| starts[t as usize + 1] += 1);
    for i in 1..starts.len() {
        starts[i] += starts[i - 1];
    }
    let mut out = vec![0; all as usize];
    for (token, &topic) in topics.iter().enumerate() {
        let place = &mut starts[topic as usize];
        out[*place as usize] = token as u32;
        *place += 1;
    }
    out
}

/// Scores and marks of one token, one per expert.
fn route(batch: &Batch, variant: usize, token: u32) -> (Vec<i32>, Vec<u8>) {
    let scores = batch.scores(token, variant);
    let mut marks = vec![0; scores.len()];
    let mut chosen = vec![];
    for (by, bit) in [(By::Bias, CHOSEN), (By::Score, UNBIASED)] {
        batch.choose(variant, by, token, &scores, &mut chosen);
        chosen.iter().for_each(|&e| marks[e] |= bit);
        if by == By::Bias {
            let full = |e: &&usize| !batch.keeps(variant, token, **e, scores[**e]);
            chosen.iter().filter(full).for_each(|&e| marks[e] |= DROPPED);
        }
    }
    (scores, marks)
}

fn tokens(batch: &Batch, variant: usize, (order, share): (&Order, usize), picture: &mut Picture) {
    let (all, request) = (order.len(batch), picture.request);
    let probe = request.rows == Rows::Fixed;
    let first = if probe { 0 } else { request.first.min(all.saturating_sub(1)) };
    let tokens = if probe || request.tokens == 0 { all - first } else { request.tokens.min(all - first) };
    let wanted = if probe { 1 } else { request.per_row };
    let each = if wanted == 0 { per_row(tokens, LIVE_ROWS) } else { wanted.max(per_row(tokens, MOST_ROWS)) };
    let rows = tokens.div_ceil(each);
    let pairs = PAIRS * rayon::current_num_threads().clamp(1, 8) / share;
    let fits = (pairs / (picture.experts * rows as usize).max(1)) as u32;
    let sampled = if each == 1 { 1 } else { fits.clamp(LEAST_SAMPLE, u32::from(u16::MAX)).min(each) };
    (picture.first, picture.per_row, picture.sampled) = (first, each, sampled);
    let head = |row: u32| {
        let index = order.token(first + row * each);
        Token { index, topic: batch.topic(index) }
    };
    picture.tokens = (0..rows).map(head).collect();
    if each == 1 {
        let routed = |row: u32| route(batch, variant, order.token(first + row));
        let routed: Vec<_> = (0..rows).into_par_iter().with_min_len(16).map(routed).collect();
        for (scores, marks) in routed {
            picture.scores.extend(scores);
            picture.marks.extend(marks);
        }
        return;
    }
    let shared = |row: u32| {
        let start = first + row * each;
        let n = each.min(first + tokens - start);
        let looked_at = n.min(sampled);
        let mut sums = vec![0i64; picture.experts];
        let mut counts = vec![Count::default(); picture.experts];
        for i in 0..looked_at {
            let at = (u64::from(i) * u64::from(n) / u64::from(looked_at)) as u32;
            let (scores, marks) = route(batch, variant, order.token(start + at));
            for (((sum, count), score), mark) in sums.iter_mut().zip(&mut counts).zip(scores).zip(marks) {
                *sum += i64::from(score);
                count.chosen += u16::from(mark & CHOSEN != 0);
                count.moved_in += u16::from(mark & (CHOSEN | UNBIASED) == CHOSEN);
                count.moved_out += u16::from(mark & (CHOSEN | UNBIASED) == UNBIASED);
            }
        }
        (sums.into_iter().map(|s| (s / i64::from(looked_at.max(1))) as i32).collect::<Vec<i32>>(), counts)
    };
    let made: Vec<_> = (0..rows).into_par_iter().with_min_len(4).map(shared).collect();
    for (scores, counts) in made {
        picture.scores.extend(scores);
        picture.counts.extend(counts);
    }
}

fn shares(batch: &Batch, variant: usize, picture: &mut Picture) {
    let n = batch.inputs.batch.min(SHARE_TOKENS);
    let experts = picture.experts;
    let of_token = |i: u32| {
        let index = batch.spaced(i, n);
        let mut chosen = vec![];
        batch.choose(variant, By::Bias, index, &batch.scores(index, variant), &mut chosen);
        (batch.topic(index) as usize, chosen)
    };
    let chosen: Vec<(usize, Vec<usize>)> = (0..n).into_par_iter().with_min_len(64).map(of_token).collect();
    let topics = match &batch.inputs.tokens {
        TokenInputs::Synthetic { topics, .. } => topics.centres.len(),
        TokenInputs::Learning(draw) => draw.teacher.domains(),
        TokenInputs::Trace { .. } => chosen.iter().map(|(topic, _)| topic + 1).max().unwrap_or(1),
    };
    let mut counts = vec![0u32; topics * experts];
    let mut tokens = vec![0u32; topics];
    let mut assignments = vec![0u32; topics];
    for (topic, of_token) in &chosen {
        tokens[*topic] += 1;
        assignments[*topic] += of_token.len() as u32;
        of_token.iter().for_each(|&e| counts[topic * experts + e] += 1);
    }
    picture.counted = n;
    picture.topics = tokens.iter().map(|&t| t as f32 / n.max(1) as f32).collect();
    let share = |(i, &c): (usize, &u32)| {
        let all = assignments[i / experts];
        if all == 0 { 0.0 } else { c as f32 / all as f32 }
    };
    picture.shares = counts.iter().enumerate().map(share).collect();
}

#[cfg(test)]
mod tests;
