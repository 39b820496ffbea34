//! A list of dictionaries, one per step, as SGLang's recorder writes it for single forward passes.

use super::pickle::Value;
use super::tree::{Found, Walk, key_of, scalar};
use crate::assumption::{Assumption, Question};
use crate::error::ReadError;
use crate::gather::{Gather, Of};
use crate::meta::Meta;
use crate::names::{Role, layer_from_text};
use crate::recording::Recording;
use crate::tensors::Tensor;
use crate::{Input, Reading};
use moebias_model::settings::reading::RecordedKind;

/// The largest number of layers, and of experts, of the map from physical to logical experts.
const MAP: usize = 1 << 16;

/// Makes a recording of the dictionaries.
pub(super) fn recording(
    input: &Input,
    found: Found,
    mut walk: Walk<'_>,
    reading: &Reading,
) -> Result<Recording, ReadError> {
    let wrong = |text: String| input.wrong(text);
    let mut records = Records::default();
    records.map = physical_to_logical(&found.tensors).map_err(wrong)?;
    records.kind = reading.kind.or_else(|| kind(&walk, &found.records));
    for (number, &at) in found.records.iter().enumerate() {
        records.take(&mut walk, number, at).map_err(|e| wrong(format!("record {number} can't be read: {e}")))?;
    }
    if records.gather.is_empty() {
        return Err(input.wrong("its records hold no tensor with router logits, chosen experts or counts"));
    }
    let mut recording = records.gather.finish(input, Meta::of(&found.metadata), found.metadata)?;
    recording.assumptions.extend(found.notes);
    if records.physical {
        let note = if records.map.is_empty() {
            let text =
                "the experts are physical ones, copies apart, and the file does not say which logical experts they are";
            Assumption::open(Question::Values, text)
        } else {
            let text = "the physical experts are turned into logical ones by the map at the end of the recording, which may have been \
                        another one before";
            Assumption::usual(Question::Values, text)
        };
        recording.assumptions.push(note);
    }
    Ok(recording)
}

/// The kind of the records: the first of scores, chosen experts and counts that any of them contains.
fn kind(walk: &Walk<'_>, records: &[usize]) -> Option<RecordedKind> {
    let holds = |at: usize, role: Role| {
        let entries = walk.pickle.dicts.get(at).map_or(&[][..], Vec::as_slice);
        entries.iter().any(|(key, _)| key_of(key).is_some_and(|key| Role::of_array(plain(&key).0) == Some(role)))
    };
    let roles = [Role::Scores, Role::Selections, Role::Loads];
    roles.into_iter().find(|&role| records.iter().take(100).any(|&at| holds(at, role))).and_then(Role::kind)
}

/// A name without the suffix that says that its first axis is over layers, and whether it has one.
fn plain(key: &str) -> (&str, bool) {
    let plain = ["_of_layer", "_per_layer", "_by_layer"].into_iter().find_map(|end| key.strip_suffix(end));
    (plain.unwrap_or(key), plain.is_some())
}

/// The logical expert of every physical one, by layer; empty if the file has no such map.
fn physical_to_logical(tensors: &[Tensor]) -> Result<Vec<Vec<i64>>, String> {
    let Some(map) = tensors.iter().find(|t| t.name.contains("physical_to_logical_map") && t.shape.len() == 2) else {
        return Ok(vec![]);
    };
    if map.shape.iter().any(|&n| n > MAP) || map.shape.iter().product::<usize>() > 16 * MAP {
        return Err(format!("`{}` has shape {:?}, too much for a map of experts", map.name, map.shape));
    }
    let mut layers = vec![];
    rows(map, &[0], &[], |_, row| {
        layers.push(row.to_vec());
        Ok(())
    })?;
    Ok(layers)
}

/// What has been read so far.
#[derive(Default)]
struct Records {
    gather: Gather,
    kind: Option<RecordedKind>,
    map: Vec<Vec<i64>>,
    /// Whether physical experts have occurred.
    physical: bool,
}

impl Records {
    fn take(&mut self, walk: &mut Walk<'_>, number: usize, at: usize) -> Result<(), String> {
        let pickle = walk.pickle;
        let entries = pickle.dicts.get(at).map_or(&[][..], Vec::as_slice);
        let (mut step, mut layer, mut main, mut ids) = (number as i64, "0".to_owned(), None, vec![]);
        for (key, value) in entries {
            let Some(key) = key_of(key) else { continue };
            let role = Role::of_array(plain(&key).0);
            if let (true, Value::Int(number)) = (Role::Step.is(&key), value) {
                step = *number;
            } else if let (true, Some(text)) = (Role::Layer.is(&key), scalar(value)) {
                layer = layer_from_text(&text);
            } else if role == Some(Role::TokenIds) {
                if let Some(tensor) = walk.array(&key, value)?.filter(|t| t.shape.len() == 1 && !t.number.is_float()) {
                    let flat = tensor.with_last_axis();
                    rows(&flat, &[0], &[], |_, row| {
                        ids.extend(row);
                        Ok(())
                    })?;
                }
            } else if main.is_none()
                && role.and_then(Role::kind) == self.kind
                && self.kind.is_some()
                && let Some(tensor) = walk.array(&key, value)?
            {
                main = Some((tensor, plain(&key).1));
            }
        }
        let Some((tensor, layers_first)) = main else { return Ok(()) };
        if tensor.shape.contains(&0) {
            return Ok(());
        }
        match self.kind {
            Some(RecordedKind::Loads) => self.counts(&tensor, step, &layer),
            Some(RecordedKind::Selections) => self.chosen(&tensor, layers_first, step, &layer, &ids),
            _ => self.scores(&tensor, step, &layer, &ids),
        }
    }

    /// The logical expert of a physical one; −1 if there is none.
    fn logical(&self, layer: usize, expert: i64) -> Result<i64, String> {
        let Some(map) = self.map.get(layer) else { return Ok(expert) };
        let at = usize::try_from(expert).ok().and_then(|at| map.get(at));
        at.copied().ok_or_else(|| format!("it counts expert {expert}, which the map of experts does not have"))
    }

    /// Adds counts: [experts] or [layers, experts].
    fn counts(&mut self, tensor: &Tensor, step: i64, layer: &str) -> Result<(), String> {
        let physical = tensor.name.contains("physical");
        self.physical |= physical;
        let name = |at: usize| if tensor.shape.len() == 1 { layer.to_owned() } else { at.to_string() };
        let free: &[usize] = match tensor.shape.len() {
            1 => &[],
            2 => &[0],
            _ => return Err(shape(tensor, "[experts] or [layers, experts]")),
        };
        rows(tensor, free, &[], |at, row| {
            for (expert, &count) in row.iter().enumerate() {
                let expert = if physical { self.logical(at, expert as i64)? } else { expert as i64 };
                let count = u64::try_from(count).map_err(|_e| format!("`{}` holds the count {count}", tensor.name))?;
                if expert >= 0 {
                    self.gather.counted(&name(at), step, expert, count)?;
                } else if count > 0 {
                    return Err(format!("`{}` counts experts that stand for none", tensor.name));
                }
            }
            Ok(())
        })
    }

    /// Adds chosen experts: [tokens, k], [tokens, layers, k], or [layers, tokens, k] if the name says so.
    fn chosen(
        &mut self,
        tensor: &Tensor,
        layers_first: bool,
        step: i64,
        layer: &str,
        ids: &[i64],
    ) -> Result<(), String> {
        let mapped = !self.map.is_empty();
        self.physical |= mapped;
        let (layers, tokens) = match (tensor.shape.len(), layers_first) {
            (2, _) => (None, 0),
            (3, true) => (Some(0), 1),
            (3, false) => (Some(1), 0),
            _ => return Err(shape(tensor, "[tokens, k] or [layers, tokens, k]")),
        };
        for at in 0..layers.map_or(1, |axis: usize| tensor.shape[axis]) {
            let name = if layers.is_some() { at.to_string() } else { layer.to_owned() };
            let fixed: Vec<(usize, usize)> = layers.map(|axis| (axis, at)).into_iter().collect();
            // In a layer without experts, all choices are −1.
            let mut any = false;
            rows(tensor, &[tokens], &fixed, |_, row| {
                any |= row.iter().any(|&id| id >= 0);
                Ok(())
            })?;
            if !any {
                continue;
            }
            rows(tensor, &[tokens], &fixed, |token, row| {
                let end = row.iter().rposition(|&id| id >= 0).map_or(1, |last| last + 1);
                let row = row.get(..end).unwrap_or(row);
                let mut chosen = row.to_vec();
                if mapped {
                    for id in chosen.iter_mut().filter(|id| **id >= 0) {
                        *id = self.logical(at, *id)?;
                    }
                }
                self.gather.chose(&name, Of { step: Some(step), token_id: ids.get(token).copied() }, &chosen)
            })?;
        }
        Ok(())
    }

    /// Adds scores: [tokens, experts] or [layers, tokens, experts].
    fn scores(&mut self, tensor: &Tensor, step: i64, layer: &str, ids: &[i64]) -> Result<(), String> {
        let (layers, tokens) = match tensor.shape.len() {
            2 => (None, 0),
            3 => (Some(0), 1),
            _ => return Err(shape(tensor, "[tokens, experts] or [layers, tokens, experts]")),
        };
        for at in 0..layers.map_or(1, |axis: usize| tensor.shape[axis]) {
            let name = if layers.is_some() { at.to_string() } else { layer.to_owned() };
            let fixed: Vec<(usize, usize)> = layers.map(|axis| (axis, at)).into_iter().collect();
            if tensor.shape.last().is_some_and(|&columns| columns > MAP) {
                return Err(shape(tensor, "no wider than a router"));
            }
            let rows = tensor.rows(&[tokens], tensor.shape.len() - 1, &fixed);
            rows.each::<f32, Said>(0..rows.len(), |token, row| {
                let of = Of { step: Some(step), token_id: ids.get(token).copied() };
                self.gather.scored(&name, of, row).map_err(Said)
            })
            .map_err(|e| e.0)?;
        }
        Ok(())
    }
}

fn shape(tensor: &Tensor, wanted: &str) -> String {
    format!("`{}` has shape {:?}, but must be {wanted}", tensor.name, tensor.shape)
}

/// Calls `each` with the rows along the last axis of a tensor of integers.
fn rows(
    tensor: &Tensor,
    free: &[usize],
    fixed: &[(usize, usize)],
    mut each: impl FnMut(usize, &[i64]) -> Result<(), String>,
) -> Result<(), String> {
    if tensor.shape.last().is_some_and(|&columns| columns > MAP) {
        return Err(shape(tensor, "no wider than a router"));
    }
    let rows = tensor.rows(free, tensor.shape.len().saturating_sub(1), fixed);
    rows.each::<i64, Said>(0..rows.len(), |at, row| each(at, row).map_err(Said)).map_err(|e| e.0)
}

/// A message as an error of [`crate::Rows::each`].
struct Said(String);

impl From<std::io::Error> for Said {
    fn from(error: std::io::Error) -> Self {
        Self(format!("its numbers can't be read: {error}"))
    }
}
