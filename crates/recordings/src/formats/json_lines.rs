//! JSON lines: one object per line, of a token, an assignment or a step; other lines are metadata.

use super::Format;
use crate::error::ReadError;
use crate::gather::{Gather, Of};
use crate::meta::Meta;
use crate::names::{Role, layer_from_text};
use crate::recording::Recording;
use crate::{Input, Reading, limits};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::io::Read as _;

/// Entries of metadata that are kept.
const METADATA: usize = 1000;

/// JSON lines.
pub(super) struct JsonLines;

impl Format for JsonLines {
    fn name(&self) -> &'static str {
        "JSON lines"
    }

    fn recognises(&self, input: &Input) -> bool {
        let text = input.first().trim_ascii_start();
        let line = text.split(|&b| b == b'\n').next().unwrap_or_default();
        input.ends_with(&[".jsonl", ".ndjson"])
            || (text.starts_with(b"{") && serde_json::from_slice::<Map<String, Value>>(line).is_ok())
    }

    fn read(&self, input: &Input, _reading: &Reading) -> Result<Recording, ReadError> {
        let mut lines = Lines::default();
        let mut stream = input.stream().map_err(|e| input.failed(e))?;
        let mut line = vec![];
        let mut damage = None;
        for number in 1.. {
            line.clear();
            let got = (&mut stream).take(limits::LINE as u64 + 1);
            let got = std::io::BufRead::read_until(&mut { got }, b'\n', &mut line).map_err(|e| input.failed(e))?;
            if got == 0 {
                break;
            }
            if line.len() > limits::LINE {
                return Err(input.wrong(format!("line {number} is longer than {} bytes", limits::LINE)));
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            let whole = line.ends_with(b"\n");
            match serde_json::from_slice::<Map<String, Value>>(line.trim_ascii()) {
                Ok(object) => {
                    lines.take(&object).map_err(|e| input.wrong(e).at(number, 1, &line))?;
                }
                // A writer that was killed leaves half a line without an end.
                Err(_) if !whole && number > 1 => {
                    damage = Some(format!("the last line, {number}, is torn: it is left out"));
                }
                Err(e) => {
                    let said = e.to_string();
                    let said = said.split(" at line ").next().unwrap_or(&said).to_owned();
                    let what = format!("line {number} is not a JSON object: {said}");
                    return Err(input.wrong(what).at(number, e.column().max(1), &line));
                }
            }
        }
        let mut recording = lines.finish(input)?;
        recording.damages.extend(damage);
        Ok(recording)
    }
}

/// What was read so far.
#[derive(Default)]
pub(super) struct Lines {
    gather: Gather,
    meta: Meta,
    metadata: BTreeMap<String, String>,
    /// The assignments of one token that come on lines of their own: layer, token, step, experts.
    pending: Option<(String, Option<Value>, Of, Vec<i64>)>,
}

impl Lines {
    /// The recording that the objects make.
    pub(super) fn finish(mut self, input: &Input) -> Result<Recording, ReadError> {
        self.flush().map_err(|e| input.wrong(e))?;
        if self.gather.is_empty() {
            return Err(input.wrong("it holds no line with chosen experts, scores or counts"));
        }
        self.gather.finish(input, self.meta, self.metadata)
    }

    /// Takes one object.
    pub(super) fn take(&mut self, object: &Map<String, Value>) -> Result<(), String> {
        let field = |role: Role| object.iter().find(|(key, _)| role.is(key)).map(|(_, value)| value);
        let layer = match field(Role::Layer) {
            None | Some(Value::Null) => "0".to_owned(),
            Some(Value::String(text)) => layer_from_text(text),
            Some(value) => match value.as_i64() {
                Some(number) => number.to_string(),
                None => return Err(format!("the layer is {}, but must be a number or a name", short(value))),
            },
        };
        let of = Of {
            step: field(Role::Step).and_then(Value::as_i64),
            token_id: object.get("token_id").or_else(|| object.get("input_id")).and_then(Value::as_i64),
        };
        if let Some((key, ids)) = object.iter().find(|(key, value)| Role::Selections.is(key) && value.is_array()) {
            self.flush()?;
            return self.choices(key, ids, &layer, of);
        }
        if let Some(counts) = field(Role::Loads).filter(|v| v.is_array() || v.is_object()) {
            self.flush()?;
            return self.loads(counts, &layer, of.step, field(Role::Rank));
        }
        if let Some((key, scores)) = object.iter().find(|(key, value)| Role::Scores.is(key) && value.is_array()) {
            self.flush()?;
            return self.scores(key, scores, &layer, of);
        }
        if let Some(expert) = field(Role::Expert) {
            let Some(id) = expert.as_i64() else {
                return Err(format!("the expert is {}, but must be a number", short(expert)));
            };
            if let Some(count) = field(Role::Count).filter(|_| field(Role::Token).is_none()) {
                let count =
                    count.as_u64().ok_or_else(|| format!("the count is {}, but must be a number", short(count)))?;
                return self.gather.counted(&layer, of.step.unwrap_or(0), id, count);
            }
            return self.one(layer, field(Role::Token).cloned(), of, id);
        }
        for (key, value) in object.iter().take(METADATA.saturating_sub(self.metadata.len())) {
            self.metadata.insert(key.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
        self.meta.take_object(object);
        Ok(())
    }

    /// One assignment: assignments of the same token follow one another.
    fn one(&mut self, layer: String, token: Option<Value>, of: Of, id: i64) -> Result<(), String> {
        if token.is_none() {
            return Err("an assignment has no token".into());
        }
        if let Some((last_layer, last_token, last, ids)) = &mut self.pending
            && *last_layer == layer
            && *last_token == token
            && last.step == of.step
        {
            ids.push(id);
            return Ok(());
        }
        self.flush()?;
        self.pending = Some((layer, token, of, vec![id]));
        Ok(())
    }

    fn flush(&mut self) -> Result<(), String> {
        match self.pending.take() {
            Some((layer, _, of, ids)) => self.gather.chose(&layer, of, &ids),
            None => Ok(()),
        }
    }

    /// Chosen experts: of one token `[k]`, of several tokens `[tokens][k]`, or of several layers too `[tokens][layers][k]`.
    fn choices(&mut self, key: &str, value: &Value, layer: &str, of: Of) -> Result<(), String> {
        match depth(value) {
            1 => self.gather.chose(layer, of, &whole_numbers(key, value)?),
            2 => {
                list(key, value)?.iter().try_for_each(|token| self.gather.chose(layer, of, &whole_numbers(key, token)?))
            }
            3 => list(key, value)?.iter().try_for_each(|token| {
                list(key, token)?
                    .iter()
                    .enumerate()
                    .try_for_each(|(layer, ids)| self.gather.chose(&layer.to_string(), of, &whole_numbers(key, ids)?))
            }),
            _ => Err(format!("`{key}` is {}, but must be a list of experts", short(value))),
        }
    }

    fn scores(&mut self, key: &str, value: &Value, layer: &str, of: Of) -> Result<(), String> {
        match depth(value) {
            1 => self.gather.scored(layer, of, &reals(key, value)?),
            2 => list(key, value)?.iter().try_for_each(|token| self.gather.scored(layer, of, &reals(key, token)?)),
            _ => Err(format!("`{key}` is {}, but must be a list of numbers", short(value))),
        }
    }

    fn loads(&mut self, value: &Value, layer: &str, step: Option<i64>, _rank: Option<&Value>) -> Result<(), String> {
        let step = step.unwrap_or_else(|| self.gather.next_step(layer));
        match value {
            Value::Object(experts) => experts.iter().try_for_each(|(expert, count)| {
                let expert = expert.trim().parse().map_err(|e| format!("{expert:?} is no number of an expert: {e}"))?;
                self.gather.counted(layer, step, expert, count_of(count)?)
            }),
            _ if depth(value) == 2 => list("counts", value)?.iter().enumerate().try_for_each(|(layer, counts)| {
                let counts = list("counts", counts)?.iter().map(count_of).collect::<Result<Vec<u64>, String>>()?;
                self.gather.counts(&layer.to_string(), step, &counts)
            }),
            _ => {
                let counts = list("counts", value)?.iter().map(count_of).collect::<Result<Vec<u64>, String>>()?;
                self.gather.counts(layer, step, &counts)
            }
        }
    }
}

/// How many lists lie within one another.
pub(super) fn depth(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.first().map_or(0, depth),
        _ => 0,
    }
}

fn list<'a>(key: &str, value: &'a Value) -> Result<&'a Vec<Value>, String> {
    value.as_array().ok_or_else(|| format!("`{key}` is {}, but must be a list", short(value)))
}

fn whole_numbers(key: &str, value: &Value) -> Result<Vec<i64>, String> {
    let number =
        |v: &Value| v.as_i64().ok_or_else(|| format!("`{key}` holds {}, but must hold whole numbers", short(v)));
    list(key, value)?.iter().map(number).collect()
}

fn reals(key: &str, value: &Value) -> Result<Vec<f32>, String> {
    let number = |v: &Value| {
        v.as_f64().map(|x| x as f32).ok_or_else(|| format!("`{key}` holds {}, but must hold numbers", short(v)))
    };
    list(key, value)?.iter().map(number).collect()
}

/// A count: a number from 0, which may be written with a point.
pub(super) fn count_of(value: &Value) -> Result<u64, String> {
    let whole =
        value.as_u64().or_else(|| value.as_f64().filter(|x| (0.0..1.8e19).contains(x)).map(|x| x.round() as u64));
    whole.ok_or_else(|| format!("a count is {}, but must be a number from 0", short(value)))
}

pub(super) fn short(value: &Value) -> String {
    value.to_string().chars().take(40).collect()
}
