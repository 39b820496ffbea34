//! Megatron-LM's router trace: JSON lines with the chosen experts of a step, a layer and a rank, and a separate file with the rank's logits
//! in bfloat16.

use super::Format;
use super::json_lines::{each_object, first_object};
use super::records::{Records, whole};
use crate::assumption::{Assumption, Question};
use crate::bytes::Bytes;
use crate::error::ReadError;
use crate::gather::Of;
use crate::limits;
use crate::names;
use crate::recording::{Data, Layer, Recording, Steps};
use crate::rows::{Number, Piece, Rows};
use crate::{Input, Reading, RecordedKind};
use moebias_disk::At;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The largest number of batches whose logits are read, over all layers.
const BATCHES: usize = 1 << 20;

/// Megatron-LM's router trace.
pub(super) struct Megatron;

impl Format for Megatron {
    fn name(&self) -> &'static str {
        "Megatron-LM router trace"
    }

    fn endings(&self) -> &'static [&'static str] {
        &["jsonl"]
    }

    fn recognises(&self, input: &Input) -> bool {
        const KEYS: [&str; 6] = ["step", "stage", "block", "layer", "rank", "num_tokens"];
        first_batch(input.first()).is_some_and(|batch| KEYS.iter().all(|key| batch.contains_key(*key)))
    }

    fn read(&self, input: &Input, reading: &Reading) -> Result<Recording, ReadError> {
        let side = if reading.kind.is_none_or(|k| k == RecordedKind::Scores) { Side::of(input)? } else { None };
        match side {
            Some(side) => scores(input, &side),
            None if reading.kind == Some(RecordedKind::Scores) => {
                Err(input.wrong("it has no logits: Megatron-LM writes them to logits_rankN.bin beside it if asked to"))
            }
            None => chosen(input, reading),
        }
    }
}

/// The object of the first line. Of a long line only the beginning is available, but the list of chosen experts comes last.
fn first_batch(first: &[u8]) -> Option<Map<String, Value>> {
    first_object(first).or_else(|| {
        let line = first.trim_ascii_start().split(|&b| b == b'\n').next()?;
        let key = b"\"top_indices\"";
        let end = line.windows(key.len()).take(4096).position(|w| w == key)?;
        let before = line[..end].trim_ascii_end().strip_suffix(b",")?;
        serde_json::from_slice(&[before, b"}"].concat()).ok()
    })
}

/// The file with the logits of a trace.
struct Side {
    bytes: Bytes,
    name: String,
}

impl Side {
    /// Opens the file with the logits of the rank in the first line, if it exists and the line refers to it.
    fn of(input: &Input) -> Result<Option<Self>, ReadError> {
        let (Some(folder), Some(object)) = (input.path().and_then(|p| p.parent()), first_batch(input.first())) else {
            return Ok(None);
        };
        let Some(rank) = object.get("rank").and_then(whole).filter(|_| object.contains_key("logit_offset")) else {
            return Ok(None);
        };
        let name = format!("logits_rank{rank}.bin");
        let path = folder.join(&name);
        if !path.exists() {
            return Ok(None);
        }
        let file =
            At::open(&path, limits::ARRAYS).map_err(|e| input.wrong(format!("its logits can't be opened: {e}")))?;
        Ok(Some(Self { bytes: Bytes::File(Arc::new(file)), name }))
    }

    /// The number of experts of a batch, and its rows of logits.
    fn piece(&self, object: &Map<String, Value>) -> Result<(usize, Piece), String> {
        let number = |key: &str| {
            object.get(key).and_then(Value::as_u64).ok_or_else(|| format!("`{key}` is missing or not a number"))
        };
        let (start, length) = (number("logit_offset")?, number("logit_bytes")?);
        let shape =
            object.get("logit_shape").and_then(Value::as_array).ok_or("`logit_shape` is missing or not a list")?;
        let shape: Option<Vec<usize>> = shape.iter().map(|n| usize::try_from(n.as_u64()?).ok()).collect();
        let Some([tokens, experts]) = shape.as_deref() else {
            return Err("`logit_shape` must hold two numbers".into());
        };
        let size = tokens.checked_mul(*experts).and_then(|n| n.checked_mul(2)).map(|n| n as u64);
        if size != Some(length) {
            return Err(format!("`logit_bytes` is {length}, which does not fit the shape [{tokens}, {experts}]"));
        }
        if start.checked_add(length).is_none_or(|end| end > self.bytes.len()) {
            return Err(format!("{} ends before the logits from byte {start}", self.name));
        }
        let row_stride = 2 * *experts as u64;
        let piece = Piece {
            bytes: self.bytes.clone(),
            start,
            number: Number::BF16,
            rows: *tokens,
            row_stride,
            column_stride: 2,
        };
        Ok((*experts, piece))
    }
}

/// The layer of a batch. Layers that predict further tokens have a prefix and numbers of their own.
fn layer(object: &Map<String, Value>) -> Result<String, String> {
    let layer = object.get("layer").and_then(whole).ok_or("`layer` is missing or not a number")?;
    Ok(match (object.get("mtp_idx").and_then(whole), object.get("block").and_then(Value::as_str)) {
        (Some(head), _) => format!("mtp {head}.{layer}"),
        (None, Some(block)) if block != "decoder" => format!("{} {layer}", block.chars().take(40).collect::<String>()),
        _ => layer.to_string(),
    })
}

/// The rows of a layer, and the step and the number of tokens of every batch.
type Batches = (Rows, Vec<(i64, usize)>);

/// Makes a recording of the logits.
fn scores(input: &Input, side: &Side) -> Result<Recording, ReadError> {
    let mut layers: BTreeMap<(u64, String), Batches> = BTreeMap::new();
    let (mut batches, mut without, mut top_k) = (0, 0, None);
    let damage = each_object(input, |object| {
        if !object.contains_key("logit_offset") {
            without += 1;
            return Ok(());
        }
        batches += 1;
        let key = names::order(&layer(object)?);
        if batches > BATCHES || (layers.len() >= limits::LAYERS && !layers.contains_key(&key)) {
            return Err(format!("it has more than {BATCHES} batches or {} layers", limits::LAYERS));
        }
        let (experts, piece) = side.piece(object)?;
        let (rows, steps) = layers.entry(key).or_insert_with(|| (Rows::new(experts), vec![]));
        if rows.columns() != experts {
            return Err(format!("a batch has {experts} experts, but those before it have {}", rows.columns()));
        }
        steps.push((object.get("step").and_then(whole).unwrap_or(0), piece.rows));
        rows.push(piece);
        top_k =
            object.get("topk").and_then(Value::as_u64).and_then(|k| u32::try_from(k).ok()).filter(|&k| k > 0).or(top_k);
        Ok(())
    })?;
    let of_layer = |name, (rows, steps): Batches| Layer::new(name, rows.columns(), Data::Scores(rows), even(&steps));
    let layers: Vec<Layer> = layers.into_iter().map(|((_, name), batches)| of_layer(name, batches)).collect();
    if layers.is_empty() {
        return Err(input.wrong("it holds no batch with logits"));
    }
    let mut recording = Recording::new(layers);
    recording.meta.top_k = top_k;
    recording.damages.extend(damage);
    if without > 0 {
        let text = format!("{without} of {} batches have no logits: they are left out", without + batches);
        recording.assumptions.push(Assumption::open(Question::Values, text));
    }
    Ok(recording)
}

/// The steps, if all have the same number of tokens. A step may consist of several batches.
fn even(batches: &[(i64, usize)]) -> Steps {
    let mut steps: Vec<(i64, usize)> = vec![];
    for &(step, tokens) in batches {
        match steps.last_mut() {
            Some((last, sum)) if *last == step => *sum += tokens,
            _ => steps.push((step, tokens)),
        }
    }
    match steps.as_slice() {
        [(_, tokens), rest @ ..] if !rest.is_empty() && rest.iter().all(|(_, n)| n == tokens) => Steps::Of(*tokens),
        _ => Steps::Unknown,
    }
}

/// Makes a recording of the chosen experts.
fn chosen(input: &Input, reading: &Reading) -> Result<Recording, ReadError> {
    let mut records = Records::new(reading);
    let damage = each_object(input, |object| {
        let layer = layer(object)?;
        let of = Of { step: object.get("step").and_then(whole), token_id: None };
        let tokens =
            object.get("top_indices").and_then(Value::as_array).ok_or("`top_indices` is missing or not a list")?;
        for token in tokens {
            let ids = token.as_array().ok_or("`top_indices` must hold lists")?;
            let ids = ids.iter().map(|id| whole(id).ok_or("`top_indices` must hold whole numbers".to_owned()));
            let ids = ids.collect::<Result<Vec<i64>, String>>()?;
            records.gather.chose(&layer, of, if ids.is_empty() { &[-1] } else { &ids })?;
        }
        Ok(())
    })?;
    let mut recording = records.finish(input)?;
    recording.damages.extend(damage);
    Ok(recording)
}
