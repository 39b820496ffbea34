//! A recording: layers of scores, selections or loads, independent of the file format.

use super::assumption::{Assumption, Question};
use super::error::ReadError;
use super::limits;
use super::meta::Meta;
use super::rows::Rows;
use super::vocabulary::Vocabulary;
use moebias_model::config::limits as settings;
use moebias_model::settings::reading::{Reading, RecordedKind};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Tokens per step if neither the file nor a person says.
const TOKENS_PER_STEP: usize = 512;

/// The largest sum of a layer's counts, so that even the sums of 4096 files can be added up.
const COUNTED: u64 = 1 << 50;

/// A recording of a router, or of the routers of several layers.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The name of the file, as the caller gave it; of the first one if there are several.
    pub name: String,
    /// The name of the format.
    pub format: &'static str,
    /// What was recorded, the same in every layer.
    pub kind: RecordedKind,
    /// At least one layer, in order of their numbers.
    pub layers: Vec<Layer>,
    /// What the metadata state about the router.
    pub meta: Meta,
    /// The metadata as they are in the file.
    pub metadata: BTreeMap<String, String>,
    /// The assumptions about what the file does not state.
    pub assumptions: Vec<Assumption>,
    /// Sentences about damage found while reading, for example a last line that is cut short.
    pub damages: Vec<String>,
    /// Where the words of the token ids are found, if they are.
    pub words: Option<Words>,
}

/// Where the words of a recording's token ids are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Words {
    /// In a vocabulary beside the recording, which is not opened yet.
    Beside(PathBuf),
    /// In the recording itself.
    Within(Arc<Vocabulary>),
}

/// A layer of a recording.
#[derive(Clone, Debug)]
pub struct Layer {
    /// The number or name of the layer, as in the file; empty if it has none.
    pub name: String,
    /// The number of experts.
    pub experts: usize,
    /// What was recorded.
    pub data: Data,
    /// How tokens are divided into steps.
    pub steps: Steps,
    /// The token id of every token; no rows if not recorded.
    pub token_ids: Rows,
    /// The group of every token, for example the domain of its text; no rows if not recorded.
    pub groups: Rows,
    /// The bias that the model had learned, in score units, one per expert; empty if not recorded.
    pub bias: Vec<f64>,
}

/// What was recorded of a layer.
#[derive(Clone, Debug)]
pub enum Data {
    /// The router's output: a row per token, a column per expert.
    Scores(Rows),
    /// The chosen experts: a row per token, a column per choice; −1 where a token has fewer.
    Selections(Rows),
    /// The number of tokens of every expert, shape [steps, experts].
    Loads(Vec<u64>),
}

/// How the tokens of a layer are divided into steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steps {
    /// Every step has this many tokens.
    Of(usize),
    /// The file does not say.
    Unknown,
}

impl Layer {
    /// A layer without token ids and bias.
    #[must_use]
    pub fn new(name: impl Into<String>, experts: usize, data: Data, steps: Steps) -> Self {
        Self { name: name.into(), experts, data, steps, token_ids: Rows::new(1), groups: Rows::new(1), bias: vec![] }
    }

    /// What was recorded.
    #[must_use]
    pub fn kind(&self) -> RecordedKind {
        match self.data {
            Data::Scores(_) => RecordedKind::Scores,
            Data::Selections(_) => RecordedKind::Selections,
            Data::Loads(_) => RecordedKind::Loads,
        }
    }

    /// The number of tokens; 0 if only counts were recorded.
    #[must_use]
    pub fn tokens(&self) -> usize {
        match &self.data {
            Data::Scores(rows) | Data::Selections(rows) => rows.len(),
            Data::Loads(_) => 0,
        }
    }

    /// The number of steps, and the tokens in each. Tokens at the end that do not fill a step are left out.
    #[must_use]
    pub fn cut(&self) -> (usize, usize) {
        match (&self.data, self.steps) {
            (Data::Loads(counts), _) => (counts.len() / self.experts.max(1), 0),
            (_, Steps::Of(tokens)) if tokens > 0 && tokens <= self.tokens() => (self.tokens() / tokens, tokens),
            (_, Steps::Of(_)) => (1, self.tokens()),
            (_, Steps::Unknown) => {
                let steps = self.tokens().div_ceil(TOKENS_PER_STEP).max(1);
                (steps, self.tokens() / steps)
            }
        }
    }

    /// The number of columns of selections, which is the number of experts per token; `None` for other kinds.
    #[must_use]
    pub fn choices(&self) -> Option<usize> {
        match &self.data {
            Data::Selections(rows) => Some(rows.columns()),
            _ => None,
        }
    }
}

impl Recording {
    /// A recording of these layers; name and format are added by [`read`](super::read).
    #[must_use]
    pub(crate) fn new(layers: Vec<Layer>) -> Self {
        Self {
            name: String::new(),
            format: "",
            kind: layers.first().map_or(RecordedKind::Loads, Layer::kind),
            layers,
            meta: Meta::default(),
            metadata: BTreeMap::new(),
            assumptions: vec![],
            damages: vec![],
            words: None,
        }
    }

    /// The layer with this name; the first one for `None`.
    ///
    /// # Errors
    /// There is no such layer; the message lists the existing ones.
    pub fn layer(&self, name: Option<&str>) -> Result<&Layer, ReadError> {
        let found = match name {
            None => self.layers.first(),
            Some(name) => self.layers.iter().find(|l| l.name == name),
        };
        found.ok_or_else(|| {
            let known: Vec<String> = self
                .layers
                .iter()
                .take(40)
                .map(|l| if l.name.is_empty() { "one without a name".into() } else { l.name.clone() })
                .collect();
            let more = if self.layers.len() > 40 { ", …" } else { "" };
            let name = name.unwrap_or("");
            ReadError::new(&self.name, format!("it has no layer “{name}”, only: {}{more}", known.join(", ")))
        })
    }

    /// The number of experts per token: from the reading, the selections or the metadata.
    #[must_use]
    pub fn top_k(&self, reading: &Reading) -> Option<u32> {
        let chosen = self.layers.first().and_then(Layer::choices).and_then(|k| u32::try_from(k).ok());
        reading.top_k.or(chosen).or(self.meta.top_k)
    }

    /// Applies a person's reading, checks the limits, and notes the remaining assumptions.
    pub(crate) fn answer(&mut self, reading: &Reading) -> Result<(), ReadError> {
        let wrong = |text: String| ReadError::new(&self.name, text);
        if let Some(kind) = reading.kind.filter(|&k| k != self.kind) {
            return Err(wrong(format!("it holds {}, not {kind}", self.kind)));
        }
        if self.kind == RecordedKind::Scores {
            let experts = self.layers.iter().map(|l| l.experts).min().unwrap_or(0);
            let most = settings::TOP_K.max_u32().min(experts as u32);
            let (said, by) = match reading.top_k {
                Some(k) => (Some(k), "K"),
                None => (self.meta.top_k, "its metadata say top_k"),
            };
            if let Some(k) = said.filter(|k| !(1..=most).contains(k)) {
                return Err(wrong(format!("{by} is {k}, but must be from 1 to {most}")));
            }
        }
        let declared = reading.experts.or(self.meta.experts).map(|n| n as usize);
        // All layers of a model have the same number of experts, but a layer whose last expert was never chosen shows fewer.
        let widest = self.layers.iter().map(|l| l.experts).max().unwrap_or(0);
        let widest = if self.kind == RecordedKind::Scores { declared } else { Some(widest.max(declared.unwrap_or(0))) };
        let counts = |l: &Layer| match &l.data {
            Data::Loads(counts) => (counts.len() / l.experts.max(1)).saturating_mul(widest.unwrap_or(0)),
            _ => 0,
        };
        if self.layers.iter().map(counts).fold(0, usize::saturating_add) > limits::IN_MEMORY / 8 {
            return Err(wrong(format!("its counts take more than {} MiB in memory", limits::IN_MEMORY >> 20)));
        }
        for layer in &mut self.layers {
            if let Some(declared) = widest {
                match &mut layer.data {
                    Data::Scores(_) if reading.experts.is_some() && declared != layer.experts => {
                        return Err(wrong(format!("it has scores of {} experts, not of {declared}", layer.experts)));
                    }
                    Data::Selections(_) => layer.experts = layer.experts.max(declared),
                    Data::Loads(counts) if declared > layer.experts => {
                        let wider = counts.chunks_exact(layer.experts.max(1));
                        let missing = declared - layer.experts;
                        *counts =
                            wider.flat_map(|c| c.iter().copied().chain(std::iter::repeat_n(0, missing))).collect();
                        layer.experts = declared;
                    }
                    _ => {}
                }
            }
            let said = if layer.steps == Steps::Unknown { reading.step.or(self.meta.step) } else { reading.step };
            if let Some(tokens) = said.filter(|_| layer.kind() != RecordedKind::Loads) {
                layer.steps = Steps::Of(tokens as usize);
            }
            check_limits(layer).map_err(wrong)?;
        }
        self.assume(reading, declared);
        Ok(())
    }

    fn assume(&mut self, reading: &Reading, declared: Option<usize>) {
        let layer = &self.layers[0];
        let (steps, tokens) = layer.cut();
        let mut more = vec![];
        if declared.is_none() && self.kind == RecordedKind::Selections {
            let text =
                format!("the number of experts is not in the file: {}, the largest id + 1, is assumed", layer.experts);
            more.push(Assumption::open(Question::Experts, text));
        }
        if self.kind == RecordedKind::Scores {
            if reading.top_k.or(self.meta.top_k).is_none() {
                more.push(Assumption::open(
                    Question::TopK,
                    format!(
                        "the number of experts per token, K, is not in the file: {} is assumed",
                        self.top_k_or_usual(layer, reading)
                    ),
                ));
            }
            if reading.gate.or(self.meta.gate).or(reading.gated).is_none() {
                more.push(Assumption::open(Question::Gate, "the gate is not in the file: sigmoid is assumed"));
            }
        }
        if self.kind != RecordedKind::Loads && layer.steps == Steps::Unknown && reading.step.is_none() {
            let text = format!("the file has no steps: its {} tokens are cut into {steps} of {tokens}", layer.tokens());
            more.push(Assumption::usual(Question::Step, text));
        }
        self.assumptions.append(&mut more);
    }
}

/// Checks that a layer is within Moebias's limits.
pub(crate) fn check_limits(layer: &Layer) -> Result<(), String> {
    let what = if layer.name.is_empty() { "it".to_owned() } else { format!("layer {}", layer.name) };
    let most = settings::EXPERTS.max as usize;
    if !(settings::EXPERTS.min as usize..=most).contains(&layer.experts) {
        return Err(format!(
            "{what} has {} experts, but must have from {} to {most}",
            layer.experts,
            settings::EXPERTS.min
        ));
    }
    if let Some(k) = layer.choices() {
        let most = settings::TOP_K.max as usize;
        if !(1..=most).contains(&k) {
            return Err(format!("{what} has {k} experts per token, but must have from 1 to {most}"));
        }
    }
    match &layer.data {
        Data::Loads(counts) if counts.is_empty() => Err(format!("{what} holds no counts")),
        Data::Loads(counts) if counts.iter().fold(0, |sum: u64, &c| sum.saturating_add(c)) > COUNTED => {
            Err(format!("{what} has counts that add up to more than {COUNTED}"))
        }
        Data::Scores(rows) | Data::Selections(rows) if rows.is_empty() => Err(format!("{what} holds no tokens")),
        _ => {
            let most = settings::BATCH.max as usize;
            match layer.cut().1 {
                tokens if tokens > most => {
                    Err(format!("{what} has {tokens} tokens per step, but may have at most {most}"))
                }
                _ => Ok(()),
            }
        }
    }
}
