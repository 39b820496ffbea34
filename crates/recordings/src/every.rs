//! Every layer of a recording, read from the file step by step: memory holds only one step of the layers that are being read.

use super::error::ReadError;
use super::facts::{Facts, not_a_number};
use super::gated::score;
use super::kept::is_masked;
use super::recording::{Data, Layer, Recording};
use super::rows::{FromNumber, Number, Rows};
use moebias_model::config::Gate;
use moebias_model::settings::reading::Reading;
use moebias_model::trace::Trace;
use std::ops::Range;
use std::sync::Arc;

/// The scores of every layer, divided into steps in the same way.
#[derive(Debug)]
pub struct EveryLayer {
    recording: Arc<Recording>,
    reading: Reading,
    gate: Gate,
    /// The rows that are used, the same in every layer.
    rows: Vec<Range<usize>>,
    tokens: usize,
    steps: usize,
    /// The score of every 16-bit number, if the gate maps each logit on its own.
    table: Option<(Number, Vec<i32>)>,
}

/// The entry for a number that gives no score.
const NONE: i32 = i32::MIN;

impl Recording {
    /// All layers, restricted to the tokens that are kept of `like`, whose facts are `facts`. Layers with another number of tokens or
    /// experts are left out.
    ///
    /// # Errors
    /// The recording holds no scores, or `like` can't be read.
    pub fn every_layer(
        self: &Arc<Self>,
        like: &Layer,
        facts: &Facts,
        reading: &Reading,
    ) -> Result<EveryLayer, ReadError> {
        let failed = |e: std::io::Error| ReadError::new(&self.name, format!("it can't be read: {e}"));
        let Data::Scores(scores) = &like.data else {
            return Err(ReadError::new(&self.name, "only scores can be routed again"));
        };
        let kept = self.kept(like, facts, reading)?;
        let mut rows: Vec<Range<usize>> = kept.0;
        if facts.masked > 0 {
            let mut left: Vec<Range<usize>> = vec![];
            for run in &rows {
                scores
                    .each::<f32, std::io::Error>(run.clone(), |at, row| {
                        match left.last_mut() {
                            _ if is_masked(row) => {}
                            Some(last) if last.end == at => last.end += 1,
                            _ => left.push(at..at + 1),
                        }
                        Ok(())
                    })
                    .map_err(failed)?;
            }
            rows = left;
        }
        let all: usize = rows.iter().map(Range::len).sum();
        let tokens = like.cut().1.clamp(1, all.max(1));
        let gate = self.gate(reading);
        let number = scores.number().filter(|n| matches!(n, Number::F16 | Number::BF16));
        let table = number.filter(|_| gate != Gate::Softmax).map(|number| (number, table(number, gate, reading.gated)));
        let recording = Arc::clone(self);
        let reading = reading.clone();
        Ok(EveryLayer { recording, reading, gate, rows, tokens, steps: (all / tokens).max(1), table })
    }
}

/// The score of every 16-bit number.
fn table(number: Number, gate: Gate, gated: Option<Gate>) -> Vec<i32> {
    let bytes: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
    let mut values: Vec<f32> = vec![];
    // Reading from memory cannot fail.
    Rows::of_memory(1, number, bytes).read(0..1 << 16, &mut values).ok();
    let mut scores = Vec::with_capacity(values.len());
    for value in values {
        if score(&[value], gate, gated, &mut scores).is_err() {
            scores.push(NONE);
        }
    }
    scores
}

/// The bits of a 16-bit number.
#[derive(Clone, Copy)]
struct Bits(u16);

impl FromNumber for Bits {
    fn real(x: f32) -> Self {
        Self(x.to_bits() as u16)
    }
    fn double(x: f64) -> Self {
        Self(x.to_bits() as u16)
    }
    fn whole(x: i64) -> Self {
        Self(x as u16)
    }
}

impl EveryLayer {
    /// The layers with this number of experts and the same number of tokens, by their indices in the recording.
    #[must_use]
    pub fn layers(&self, experts: usize) -> Vec<usize> {
        let rows = self.rows.last().map_or(0, |r| r.end);
        let fits = |l: &Layer| l.experts == experts && l.tokens() >= rows && matches!(l.data, Data::Scores(_));
        (0..self.recording.layers.len()).filter(|&i| fits(&self.recording.layers[i])).collect()
    }

    /// The name of a layer.
    #[must_use]
    pub fn name(&self, layer: usize) -> &str {
        self.recording.layers.get(layer).map_or("", |l| &l.name)
    }

    /// For each of these layers, the biases to start from, in score units: the recorded ones if the reading says so, otherwise none.
    #[must_use]
    pub fn starts(&self, layers: &[usize]) -> Vec<Vec<f64>> {
        let of = |&layer: &usize| self.recording.layers.get(layer).filter(|_| self.reading.from_bias);
        layers.iter().map(|layer| of(layer).map_or(vec![], |l| l.bias.clone())).collect()
    }

    /// The number of steps.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Tokens per step.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.tokens
    }

    /// The gate.
    #[must_use]
    pub fn gate(&self) -> Gate {
        self.gate
    }

    /// One step of one layer.
    ///
    /// # Errors
    /// The file can't be read, or holds a value that is not a number.
    pub fn step(&self, layer: usize, step: usize) -> Result<Trace, ReadError> {
        let name = &self.recording.name;
        let failed = |e: std::io::Error| ReadError::new(name, format!("it can't be read: {e}"));
        let found = self.recording.layers.get(layer).ok_or_else(|| ReadError::new(name, "it has no such layer"))?;
        let Data::Scores(rows) = &found.data else {
            return Err(ReadError::new(name, "only scores can be routed again"));
        };
        let mut scores: Vec<i32> = Vec::with_capacity(self.tokens * found.experts);
        let wrong = |row: usize, e: usize, value: f32| not_a_number(&self.recording, found, row, e, value);
        for run in self.rows_of(step) {
            match &self.table {
                Some((number, table)) if rows.number() == Some(*number) => {
                    let mut bits: Vec<Bits> = vec![];
                    rows.as_bits().read(run.clone(), &mut bits).map_err(failed)?;
                    let from = scores.len();
                    scores.extend(bits.iter().map(|b| table[usize::from(b.0)]));
                    if let Some(at) = scores[from..].iter().position(|&s| s == NONE) {
                        return Err(wrong(run.start + at / found.experts, at % found.experts, f32::NAN));
                    }
                }
                _ => {
                    let mut values: Vec<f32> = vec![];
                    rows.read(run.clone(), &mut values).map_err(failed)?;
                    for (row, values) in values.chunks_exact(found.experts).enumerate() {
                        let gated = self.reading.gated;
                        score(values, self.gate, gated, &mut scores).map_err(|(e, v)| wrong(run.start + row, e, v))?;
                    }
                }
            }
        }
        Ok(Trace::of_scores(1, self.tokens, found.experts, self.gate, scores))
    }

    /// The rows of a step.
    fn rows_of(&self, step: usize) -> Vec<Range<usize>> {
        let (mut skip, mut left) = (step * self.tokens, self.tokens);
        let mut found = vec![];
        for run in &self.rows {
            if skip >= run.len() {
                skip -= run.len();
                continue;
            }
            let from = run.start + skip;
            let taken = left.min(run.end - from);
            skip = 0;
            left -= taken;
            found.push(from..from + taken);
            if left == 0 {
                break;
            }
        }
        found
    }
}
