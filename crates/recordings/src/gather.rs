//! Collects records, which are lines and table rows about one token or one step, into a recording.

use super::Input;
use super::assumption::{Assumption, Question};
use super::error::ReadError;
use super::limits;
use super::meta::Meta;
use super::names;
use super::recording::{Data, Layer, Recording, Steps, Words};
use super::rows::{Number, Rows};
use super::vocabulary::Within;
use moebias_model::config::limits as settings;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Collects records. Every error is a sentence, to which the reader adds the file and the line.
#[derive(Debug, Default)]
pub(crate) struct Gather {
    layers: BTreeMap<(u64, String), Gathered>,
    words: Within,
    bytes: usize,
}

/// The records of one layer.
#[derive(Debug, Default)]
struct Gathered {
    /// Chosen experts as 16-bit numbers, `width` per token; −1 where a token has fewer.
    ids: Vec<u8>,
    /// The largest chosen expert.
    largest: i64,
    /// Scores as 32-bit floats, `width` per token.
    scores: Vec<u8>,
    width: usize,
    /// The token ids as 64-bit numbers, as many as tokens or none.
    token_ids: Vec<u8>,
    /// The step of every token, as runs of equal steps: (step, tokens).
    steps: Vec<(i64, usize)>,
    /// Counts by step.
    counts: BTreeMap<i64, Vec<u64>>,
    tokens: usize,
}

/// The context of a token's record.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Of {
    /// The step.
    pub step: Option<i64>,
    /// The token id in the vocabulary.
    pub token_id: Option<i64>,
}

impl Gather {
    fn layer(&mut self, name: &str, bytes: usize) -> Result<&mut Gathered, String> {
        self.need(bytes)?;
        let key = names::order(name);
        if self.layers.len() >= limits::LAYERS && !self.layers.contains_key(&key) {
            return Err(format!("it has more than {} layers", limits::LAYERS));
        }
        Ok(self.layers.entry(key).or_default())
    }

    /// Counts memory.
    fn need(&mut self, bytes: usize) -> Result<(), String> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > limits::IN_MEMORY {
            return Err(format!("what it holds takes more than {} MiB in memory", limits::IN_MEMORY >> 20));
        }
        Ok(())
    }

    /// A token is this word. Returns its token id: its own, or where tokens have none, that of the word.
    pub(crate) fn word(&mut self, word: &str, id: Option<i64>) -> Result<Option<i64>, String> {
        let (id, bytes) = self.words.take(word, id);
        self.need(bytes).map(|()| id)
    }

    /// Adds the experts that a token chose, best first; −1 stands for none.
    pub(crate) fn chose(&mut self, layer: &str, of: Of, ids: &[i64]) -> Result<(), String> {
        let most = settings::EXPERTS.max as i64;
        if ids.is_empty() || ids.len() > settings::TOP_K.max as usize {
            return Err(format!("a token has {} experts, but must have from 1 to {}", ids.len(), settings::TOP_K.max));
        }
        if let Some(id) = ids.iter().find(|id| !(-1..most).contains(*id)) {
            return Err(format!("it names expert {id}, but must name experts from 0 to {}", most - 1));
        }
        if let Some(i) = (1..ids.len()).find(|&i| ids[i] >= 0 && ids[..i].contains(&ids[i])) {
            return Err(format!("it names expert {} twice", ids[i]));
        }
        // Memory for ids, the token id and the run of its step.
        let gathered = self.layer(layer, 24)?;
        if !gathered.scores.is_empty() {
            return Err("a layer has scores and chosen experts".into());
        }
        let wider = ids.len().saturating_sub(gathered.width);
        let more = ids.len().max(gathered.width) + wider * gathered.tokens;
        let layer = self.layer(layer, 2 * more)?;
        if wider > 0 {
            layer.widen(ids.len());
        }
        let none = std::iter::repeat_n(-1, layer.width - ids.len());
        ids.iter().copied().chain(none).for_each(|id| layer.ids.extend_from_slice(&(id as i16).to_le_bytes()));
        layer.largest = ids.iter().copied().max().unwrap_or(0).max(layer.largest);
        layer.token(of);
        Ok(())
    }

    /// Adds the router's output for one token, one number per expert.
    pub(crate) fn scored(&mut self, layer: &str, of: Of, scores: &[f32]) -> Result<(), String> {
        let layer = self.layer(layer, 4 * scores.len() + 24)?;
        if !layer.ids.is_empty() {
            return Err("a layer has chosen experts and scores".into());
        }
        if layer.tokens == 0 {
            layer.width = scores.len();
        } else if layer.width != scores.len() {
            return Err(format!("a token has {} scores, but the tokens before it have {}", scores.len(), layer.width));
        }
        scores.iter().for_each(|x| layer.scores.extend_from_slice(&x.to_le_bytes()));
        layer.token(of);
        Ok(())
    }

    /// Adds `count` tokens to an expert in a step.
    pub(crate) fn counted(&mut self, layer: &str, step: i64, expert: i64, count: u64) -> Result<(), String> {
        let most = settings::EXPERTS.max as i64;
        if !(0..most).contains(&expert) {
            return Err(format!("it names expert {expert}, but must name experts from 0 to {}", most - 1));
        }
        let expert = expert as usize;
        let gathered = self.layer(layer, 0)?;
        let steps = gathered.counts.len();
        let row = gathered.counts.entry(step).or_default();
        let grown = (expert + 1).saturating_sub(row.len());
        row.resize(row.len() + grown, 0);
        row[expert] = row[expert].saturating_add(count);
        // A new step takes memory of its own.
        let new = 64 * (gathered.counts.len() - steps);
        self.layer(layer, 8 * grown + new).map(|_| ())
    }

    /// Adds tokens to all experts in a step.
    pub(crate) fn counts(&mut self, layer: &str, step: i64, counts: &[u64]) -> Result<(), String> {
        counts.iter().enumerate().try_for_each(|(expert, &count)| self.counted(layer, step, expert as i64, count))
    }

    /// Whether nothing was collected.
    pub(crate) fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    /// Makes the recording. A file must contain only one kind.
    pub(crate) fn finish(
        self,
        input: &Input,
        meta: Meta,
        metadata: BTreeMap<String, String>,
    ) -> Result<Recording, ReadError> {
        let mut layers = vec![];
        let counts = |g: &Gathered| g.counts.values().map(Vec::len).max().unwrap_or(0).saturating_mul(g.counts.len());
        let counts: usize = self.layers.values().map(counts).fold(0, usize::saturating_add);
        if counts > limits::IN_MEMORY / 8 {
            return Err(input.wrong(format!("its counts take more than {} MiB in memory", limits::IN_MEMORY >> 20)));
        }
        for ((_, name), gathered) in self.layers {
            layers.push(gathered.layer(name));
        }
        if let Some(other) = layers.iter().find(|l| l.kind() != layers[0].kind()) {
            return Err(input.wrong(format!("it holds {} and {} in one file", layers[0].kind(), other.kind())));
        }
        let mut recording = Recording::new(layers);
        (recording.meta, recording.metadata) = (meta, metadata);
        let known = recording.layers.iter().any(|l| !l.token_ids.is_empty());
        if let Some((vocabulary, numbered)) = self.words.finish().filter(|_| known) {
            let ids = if numbered { ", and equal words have equal token ids" } else { "" };
            let text = format!("the words of the tokens are in the file{ids}");
            recording.assumptions.push(Assumption::usual(Question::Values, text));
            recording.words = Some(Words::Within(Arc::new(vocabulary)));
        }
        Ok(recording)
    }
}

impl Gathered {
    fn widen(&mut self, width: usize) {
        if self.tokens > 0 {
            let none = 2 * (width - self.width);
            let mut wider = Vec::with_capacity(2 * self.tokens * width);
            for row in self.ids.chunks_exact((2 * self.width).max(1)) {
                wider.extend_from_slice(row);
                wider.extend(std::iter::repeat_n(0xff, none));
            }
            self.ids = wider;
        }
        self.width = width;
    }

    fn token(&mut self, of: Of) {
        if let Some(id) = of.token_id {
            // Tokens before the first id have no id.
            self.token_ids.resize(8 * self.tokens, 0xff);
            self.token_ids.extend_from_slice(&id.to_le_bytes());
        }
        self.tokens += 1;
        let step = of.step.unwrap_or(0);
        match self.steps.last_mut() {
            Some((last, tokens)) if *last == step => *tokens += 1,
            _ => self.steps.push((step, 1)),
        }
    }

    fn layer(mut self, name: String) -> Layer {
        // Steps of equal size are kept; otherwise tokens are divided evenly, as in logs without steps.
        let even = self.steps.len() > 1 && self.steps.windows(2).all(|w| w[0].1 == w[1].1);
        let steps = if even { Steps::Of(self.steps[0].1) } else { Steps::Unknown };
        let mut layer = if !self.ids.is_empty() {
            let experts = usize::try_from(self.largest).unwrap_or(0) + 1;
            let rows = Rows::of_memory(self.width, Number::I16, std::mem::take(&mut self.ids));
            // A file in which only expert 0 was chosen still describes a router.
            Layer::new(name, experts.max(2), Data::Selections(rows), steps)
        } else if !self.scores.is_empty() {
            let rows = Rows::of_memory(self.width, Number::F32, std::mem::take(&mut self.scores));
            Layer::new(name, self.width, Data::Scores(rows), steps)
        } else {
            let experts = self.counts.values().map(Vec::len).max().unwrap_or(0);
            let row = |mut counts: Vec<u64>| {
                counts.resize(experts, 0);
                counts
            };
            let counts = std::mem::take(&mut self.counts).into_values().flat_map(row).collect();
            Layer::new(name, experts, Data::Loads(counts), Steps::Unknown)
        };
        if self.token_ids.len() == 8 * self.tokens {
            layer.token_ids = Rows::of_memory(1, Number::I64, std::mem::take(&mut self.token_ids));
        }
        layer
    }
}
