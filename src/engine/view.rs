//! What the heatmap and the inspector show: some tokens, re-routed with the biases of the moment by the model itself.

use super::cpu::look_ahead;
use crate::model::config::Rule;
use crate::model::select::By;
use crate::model::step::{Batch, Simulation, TokenInputs};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Tokens in the probe: as many as rows can be told apart on a projector.
pub const PROBE_TOKENS: u32 = 128;
/// Tokens of a live batch that are shown; of a larger batch this many evenly spaced ones, and the screen says so.
pub const LIVE_TOKENS: u32 = 2048;
/// Tokens on which topic shares are counted.
pub const SHARE_TOKENS: u32 = 4096;

/// Which tokens to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, strum::EnumIter, strum::Display)]
pub enum Rows {
    /// A fixed set of tokens, so that one sees them move.
    #[default]
    Probe,
    /// The tokens of the batch that comes next.
    Live,
    /// Topics instead of tokens: which share of a topic's assignments each expert gets.
    Topics,
}

/// What the screen asks the worker to prepare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ViewRequest {
    /// Which variant.
    pub variant: usize,
    /// Which tokens.
    pub rows: Rows,
}

/// One token of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its place in the batch.
    pub index: u32,
    /// Its topic, or the trace's group.
    pub topic: u32,
}

/// Bit of [`Picture::marks`]: chosen.
pub const CHOSEN: u8 = 1;
/// Bit of [`Picture::marks`]: would be chosen without the bias.
pub const UNBIASED: u8 = 2;

/// Some tokens at all experts, or the topics' shares.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Picture {
    /// What was asked for.
    pub request: ViewRequest,
    /// The step whose biases route it.
    pub step: u64,
    /// Tokens in the batch they come from.
    pub batch: u32,
    /// Number of experts: columns.
    pub experts: usize,
    /// The biases that route it, Q32.
    pub bias: Vec<i64>,
    /// The rows, in order of arrival; empty for topic shares.
    pub tokens: Vec<Token>,
    /// Scores without bias, Q20, [tokens, experts].
    pub scores: Vec<i32>,
    /// [`CHOSEN`] and [`UNBIASED`] bits, [tokens, experts].
    pub marks: Vec<u8>,
    /// Share of each topic's assignments, [topics, experts]; empty unless asked for.
    pub shares: Vec<f32>,
    /// Share of the tokens that each topic has; empty unless asked for.
    pub topics: Vec<f32>,
    /// Tokens that the shares were counted on.
    pub counted: u32,
}

impl Picture {
    /// Rows of the picture.
    #[must_use]
    pub fn rows(&self) -> usize {
        if self.request.rows == Rows::Topics { self.topics.len() } else { self.tokens.len() }
    }

    /// The scores of one token.
    #[must_use]
    pub fn scores_of(&self, row: usize) -> &[i32] {
        self.scores.get(row * self.experts..(row + 1) * self.experts).unwrap_or_default()
    }

    /// The marks of one token.
    #[must_use]
    pub fn marks_of(&self, row: usize) -> &[u8] {
        self.marks.get(row * self.experts..(row + 1) * self.experts).unwrap_or_default()
    }
}

/// Makes the picture of a simulation's present state. A request for a variant that does not exist shows the first.
#[must_use]
pub fn picture(simulation: &mut Simulation, request: ViewRequest) -> Picture {
    let mut batch = match request.rows {
        Rows::Probe => simulation.probe(),
        Rows::Live | Rows::Topics => simulation.next_batch(),
    };
    let variant = if request.variant < batch.variants.len() { request.variant } else { 0 };
    match request.rows {
        // Where experts choose, the probe is a batch of its own. BIP's biases stay as they are: so one sees them move.
        Rows::Probe if batch.variants[variant].rule == Rule::ExpertChoice => {
            let members = batch.inputs.batch.min(PROBE_TOKENS);
            batch = batch.of_members(members);
        }
        Rows::Probe => {}
        Rows::Live | Rows::Topics => look_ahead(&mut batch),
    }
    let request = ViewRequest { variant, ..request };
    let experts = batch.variants[variant].router.experts as usize;
    let bias = simulation.state().variants.get(variant).map(|v| v.bias.clone()).unwrap_or_default();
    let mut picture =
        Picture { request, step: simulation.step(), batch: batch.inputs.batch, experts, bias, ..Picture::default() };
    match request.rows {
        Rows::Topics => shares(&batch, variant, &mut picture),
        Rows::Probe => tokens(&batch, variant, PROBE_TOKENS, &mut picture),
        Rows::Live => tokens(&batch, variant, LIVE_TOKENS, &mut picture),
    }
    picture
}

fn tokens(batch: &Batch, variant: usize, most: u32, picture: &mut Picture) {
    let n = batch.inputs.batch.min(most);
    let row = |i: u32| {
        let index = batch.spaced(i, n);
        let scores = batch.scores(index, variant);
        let mut marks = vec![0; scores.len()];
        let mut chosen = vec![];
        for (by, bit) in [(By::Bias, CHOSEN), (By::Score, UNBIASED)] {
            batch.choose(variant, by, index, &scores, &mut chosen);
            chosen.iter().for_each(|&e| marks[e] |= bit);
        }
        (Token { index, topic: batch.topic(index) }, scores, marks)
    };
    let rows: Vec<_> = (0..n).into_par_iter().with_min_len(64).map(row).collect();
    for (token, scores, marks) in rows {
        picture.tokens.push(token);
        picture.scores.extend(scores);
        picture.marks.extend(marks);
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
