//! Writes a recording as safetensors, with everything that was decided about it in the metadata, so that the copy opens without questions.

use super::error::ReadError;
use super::facts::{Facts, not_a_number};
use super::gated::{Stop, ungated};
use super::kept::Kept;
use super::recording::{Data, Layer, Recording, Steps};
use super::rows::Rows;
use moebias_model::settings::reading::{Reading, RecordedKind};
use serde_json::{Map, Value, json};
use std::io::{self, Write};
use std::ops::Range;

/// Why a recording was not converted.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// The recording can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The copy can't be written.
    #[error(transparent)]
    Write(#[from] io::Error),
}

/// An array of the copy: its name, type and shape, and the source of its numbers.
struct Part<'a> {
    name: String,
    dtype: &'static str,
    shape: Vec<usize>,
    bytes: u64,
    from: From<'a>,
}

enum From<'a> {
    Scores(&'a Layer, Kept),
    Selections(&'a Rows, Kept),
    Ids(&'a Rows, Vec<Range<usize>>),
    Loads(&'a [u64]),
    Bias(&'a [f64]),
}

impl Recording {
    /// Writes the recording as safetensors: `logits.LAYER` [tokens, experts] in F32 before the gate, `topk_ids.LAYER` [tokens, K] in I16 or
    /// `counts.LAYER` [steps, experts] in I64, with `token_ids.LAYER` and `bias.LAYER` if they were recorded. Tokens that `reading` leaves
    /// out and masked tokens are not written; what is known of the router is in the metadata.
    ///
    /// # Errors
    /// A layer can't be read, or `out` can't be written.
    pub fn write(&self, reading: &Reading, out: &mut impl Write) -> Result<(), ConvertError> {
        let mut parts = vec![];
        for layer in &self.layers {
            let facts = self.facts(layer)?;
            self.parts(layer, &facts, reading, &mut parts)?;
        }
        let mut header = Map::new();
        header.insert("__metadata__".into(), self.decided(reading));
        let mut at = 0;
        for part in &parts {
            let offsets = [at, at + part.bytes];
            at = offsets[1];
            header.insert(
                part.name.clone(),
                json!({ "dtype": part.dtype, "shape": part.shape, "data_offsets": offsets }),
            );
        }
        let mut header = Value::Object(header).to_string();
        while !header.len().is_multiple_of(8) {
            header.push(' ');
        }
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(header.as_bytes())?;
        for part in &parts {
            self.write_part(part, reading, out)?;
        }
        Ok(())
    }

    /// The metadata of the copy: strings, as the format demands.
    fn decided(&self, reading: &Reading) -> Value {
        let mut said = Map::new();
        let mut say = |key: &str, value: String| said.insert(key.into(), Value::String(value));
        for (key, value) in &self.metadata {
            say(key, value.clone());
        }
        if let Some(k) = self.top_k(reading) {
            say("top_k", k.to_string());
        }
        if self.kind == RecordedKind::Scores {
            say("gate", self.gate(reading).to_string().to_lowercase());
        }
        say("num_experts", self.layers.iter().map(|l| l.experts).max().unwrap_or(0).to_string());
        if let Some((groups, kept)) = self.meta.groups {
            say("n_group", groups.to_string());
            say("topk_group", kept.to_string());
        }
        if let Some(Steps::Of(tokens)) = self.layers.first().map(|l| l.steps) {
            say("tokens_per_step", tokens.to_string());
        }
        let assumed: Vec<&str> = self.assumptions.iter().map(|a| a.text.as_str()).collect();
        if !assumed.is_empty() {
            say("assumed", assumed.join("; "));
        }
        say("converted_from", format!("{} ({})", self.name, self.format));
        Value::Object(said)
    }

    fn parts<'a>(
        &'a self,
        layer: &'a Layer,
        facts: &Facts,
        reading: &Reading,
        parts: &mut Vec<Part<'a>>,
    ) -> Result<(), ConvertError> {
        let kept = self.kept(layer, facts, reading)?;
        let named = |what: &str| if layer.name.is_empty() { what.to_owned() } else { format!("{what}.{}", layer.name) };
        let mut push = |name: &str, dtype, size: usize, shape: Vec<usize>, from| {
            let bytes = (shape.iter().product::<usize>() * size) as u64;
            parts.push(Part { name: named(name), dtype, shape, bytes, from });
        };
        let mut rows = kept.0.clone();
        match &layer.data {
            Data::Scores(_) => {
                rows = self.unmasked(layer, &kept)?;
                let tokens = rows.iter().map(Range::len).sum();
                push("logits", "F32", 4, vec![tokens, layer.experts], From::Scores(layer, kept));
            }
            Data::Selections(ids) => {
                push("topk_ids", "I16", 2, vec![kept.len(), ids.columns()], From::Selections(ids, kept));
            }
            Data::Loads(counts) => {
                push("counts", "I64", 8, vec![counts.len() / layer.experts.max(1), layer.experts], From::Loads(counts));
            }
        }
        if !layer.token_ids.is_empty() {
            let tokens = rows.iter().map(Range::len).sum();
            push("token_ids", "I64", 8, vec![tokens], From::Ids(&layer.token_ids, rows));
        }
        if !layer.bias.is_empty() {
            push("bias", "F32", 4, vec![layer.experts], From::Bias(&layer.bias));
        }
        Ok(())
    }

    /// The rows that are kept and not masked.
    fn unmasked(&self, layer: &Layer, kept: &Kept) -> Result<Vec<Range<usize>>, ReadError> {
        let mut runs: Vec<Range<usize>> = vec![];
        let each = |row: usize, _: &[f32]| {
            match runs.last_mut() {
                Some(last) if last.end == row => last.end += 1,
                _ => runs.push(row..row + 1),
            }
            Ok::<(), io::Error>(())
        };
        let failed = |e: io::Error| ReadError::new(&self.name, format!("it can't be read: {e}"));
        layer.each_scored(kept, each).map_err(failed)?;
        Ok(runs)
    }

    fn write_part(&self, part: &Part<'_>, reading: &Reading, out: &mut impl Write) -> Result<(), ConvertError> {
        match &part.from {
            From::Scores(layer, kept) => {
                let each = |at: usize, row: &[f32]| {
                    if let Some(expert) = row.iter().position(|x| x.is_nan() || *x == f32::INFINITY) {
                        return Err(Stop::Value(at, expert, row[expert]));
                    }
                    for &x in row {
                        out.write_all(&reading.gated.map_or(x, |gate| ungated(gate, x)).to_le_bytes())?;
                    }
                    Ok(())
                };
                layer.each_scored::<Stop>(kept, each).map_err(|stop| match stop {
                    Stop::Read(e) => ConvertError::Write(e),
                    Stop::Value(row, expert, value) => not_a_number(self, layer, row, expert, value).into(),
                })
            }
            From::Selections(ids, kept) => write_whole(ids, &kept.0, out, |id| (id as i16).to_le_bytes()),
            From::Ids(ids, rows) => write_whole(ids, rows, out, i64::to_le_bytes),
            From::Loads(counts) => Ok(counts.iter().try_for_each(|c| out.write_all(&c.to_le_bytes()))?),
            From::Bias(bias) => Ok(bias.iter().try_for_each(|&b| out.write_all(&(b as f32).to_le_bytes()))?),
        }
    }
}

fn write_whole<const N: usize>(
    rows: &Rows,
    runs: &[Range<usize>],
    out: &mut impl Write,
    bytes: impl Fn(i64) -> [u8; N],
) -> Result<(), ConvertError> {
    for run in runs {
        rows.each::<i64, io::Error>(run.clone(), |_, row| row.iter().try_for_each(|&id| out.write_all(&bytes(id))))?;
    }
    Ok(())
}
