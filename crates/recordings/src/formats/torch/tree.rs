//! Finds named tensors in the value of a pickle: dictionaries and lists give names, single values become metadata.

use super::Saved;
use super::pickle::{Pickle, Value};
use crate::assumption::{Assumption, Question};
use crate::error::ReadError;
use crate::names::Role;
use crate::recording::Recording;
use crate::tensors::{Tensor, interpret};
use crate::{Input, Reading};
use moebias_model::settings::reading::RecordedKind;
use std::collections::BTreeMap;

/// The largest number of values visited; a pickle may use one value in many places.
const VISITS: usize = 8 << 20;
/// The largest depth of nested values.
const DEPTH: usize = 32;
/// The largest number of tensors.
const TENSORS: usize = 1 << 16;
/// The largest number of values in lists.
const NUMBERS: usize = 16 << 20;
/// The largest number of metadata entries that are kept.
const METADATA: usize = 1000;

/// What was found in a pickle.
#[derive(Default)]
pub(super) struct Found {
    pub tensors: Vec<Tensor>,
    pub metadata: BTreeMap<String, String>,
    /// The dictionaries of a list, for example one per step.
    pub records: Vec<usize>,
    pub notes: Vec<Assumption>,
}

/// A walk through the value of a pickle.
pub(super) struct Walk<'a> {
    pub file: &'a Saved,
    pub pickle: &'a Pickle,
    visits: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn new(file: &'a Saved, pickle: &'a Pickle) -> Self {
        Self { file, pickle, visits: 0 }
    }

    fn visit(&mut self, depth: usize) -> Result<(), String> {
        self.visits += 1;
        if self.visits > VISITS || depth > DEPTH {
            return Err("its pickle holds too many values or nests them too deep".into());
        }
        Ok(())
    }

    /// The items of a list or a tuple.
    pub(super) fn items(&self, value: &Value) -> Option<&'a [Value]> {
        match value {
            Value::Tuple(at) | Value::List(at) => self.pickle.lists.get(*at).map(Vec::as_slice),
            _ => None,
        }
    }

    /// A tensor, or lists of numbers of equal length, as a named array.
    pub(super) fn array(&mut self, name: &str, value: &Value) -> Result<Option<Tensor>, String> {
        if let Value::Tensor(view) = value {
            return self.file.tensor(name.to_owned(), view).map(Some);
        }
        if self.items(value).is_none() {
            return Ok(None);
        }
        let mut numbers = vec![];
        let shape = self.numbers(value, 0, &mut numbers)?;
        let scores = Role::of_array(name) == Some(Role::Scores);
        Ok(shape.map(|shape| Tensor::of_numbers(name, shape, &numbers, scores)))
    }

    fn numbers(&mut self, value: &Value, depth: usize, out: &mut Vec<f64>) -> Result<Option<Vec<usize>>, String> {
        self.visit(depth)?;
        if out.len() > NUMBERS {
            return Err(format!("its lists hold more than {NUMBERS} numbers"));
        }
        let Some(items) = self.items(value) else {
            let Some(number) = number(value) else { return Ok(None) };
            out.push(number);
            return Ok(Some(vec![]));
        };
        let mut inner: Option<Vec<usize>> = None;
        for item in items {
            let Some(shape) = self.numbers(item, depth + 1, out)? else { return Ok(None) };
            if inner.get_or_insert_with(|| shape.clone()) != &shape {
                return Ok(None);
            }
        }
        Ok(Some([&[items.len()], inner.unwrap_or_default().as_slice()].concat()))
    }

    fn value(&mut self, found: &mut Found, path: &str, value: &Value, depth: usize) -> Result<(), String> {
        self.visit(depth)?;
        match value {
            Value::Tensor(view) if view.shape.is_empty() => {
                let number = self.file.tensor(path.to_owned(), view)?.single()?;
                found.note(path, number.to_string());
            }
            Value::Tensor(view) if view.shape.contains(&0) => {}
            Value::Tensor(view) => {
                found.tensors.push(self.file.tensor(path.to_owned(), view)?);
                if found.tensors.len() > TENSORS {
                    return Err(format!("it has more than {TENSORS} tensors"));
                }
            }
            Value::Dict(at) => {
                for (key, value) in self.pickle.dicts.get(*at).map_or(&[][..], Vec::as_slice) {
                    let Some(key) = key_of(key) else { continue };
                    let name = if path.is_empty() { key } else { format!("{path}.{key}") };
                    self.value(found, &name, value, depth + 1)?;
                }
            }
            Value::Tuple(_) | Value::List(_) => self.list(found, path, value, depth)?,
            other => {
                if let Some(text) = scalar(other) {
                    found.note(path, text);
                }
            }
        }
        Ok(())
    }

    fn list(&mut self, found: &mut Found, path: &str, value: &Value, depth: usize) -> Result<(), String> {
        let items = self.items(value).unwrap_or_default();
        let dict = |value: &Value| if let Value::Dict(at) = value { Some(*at) } else { None };
        let dicts: Option<Vec<usize>> = items.iter().map(dict).collect();
        if let Some(dicts) = dicts.filter(|dicts| !dicts.is_empty()) {
            if found.records.is_empty() {
                found.records = dicts;
            }
            return Ok(());
        }
        let tensors = !items.is_empty() && items.iter().all(|item| matches!(item, Value::Tensor(_)));
        if tensors {
            let named = Role::of_array(path).is_some_and(|role| role.kind().is_some());
            let base = if named { path.to_owned() } else { self.base(path, &items[0], found) };
            let text = "the items of the list are taken for layers, numbered from 0";
            found.notes.push(Assumption::open(Question::Axes, text));
            for (number, item) in items.iter().enumerate() {
                self.value(found, &format!("{base}.{number}"), item, depth + 1)?;
            }
            return Ok(());
        }
        let wanted = Role::of_array(path.rsplit('.').next().unwrap_or(path)).is_some();
        if (wanted || path.is_empty())
            && let Some(tensor) = self.array(path, value)?
        {
            found.tensors.push(tensor);
            return Ok(());
        }
        for (number, item) in items.iter().enumerate().filter(|(_, item)| scalar(item).is_none()) {
            self.value(found, &format!("{path}.{number}"), item, depth + 1)?;
        }
        Ok(())
    }

    /// The name for the unnamed tensors of a list.
    fn base(&self, path: &str, first: &Value, found: &mut Found) -> String {
        let Value::Tensor(first) = first else { return path.to_owned() };
        let (name, kind) = match first.shape.len() {
            _ if !path.is_empty() => return path.to_owned(),
            _ if first.number.is_float() => ("router_logits", RecordedKind::Scores),
            1 => ("counts", RecordedKind::Loads),
            _ => ("topk_ids", RecordedKind::Selections),
        };
        let text = format!("the tensors have no names: from their numbers, they hold {kind}");
        found.notes.push(Assumption::open(Question::Kind, text));
        name.to_owned()
    }
}

impl Found {
    pub(super) fn of(walk: &mut Walk<'_>, value: &Value) -> Result<Self, String> {
        let mut found = Self::default();
        walk.value(&mut found, "", value, 0)?;
        Ok(found)
    }

    fn note(&mut self, name: &str, text: String) {
        if self.metadata.len() < METADATA {
            self.metadata.insert(name.to_owned(), text);
        }
    }

    /// Whether the name of any tensor says that it holds recorded values.
    pub(super) fn is_named(&self) -> bool {
        self.tensors.iter().any(|t| Role::of_array(&t.name).is_some_and(|role| role.kind().is_some()))
    }

    pub(super) fn recording(mut self, input: &Input, reading: &Reading) -> Result<Recording, ReadError> {
        if self.tensors.is_empty() {
            return Err(input.wrong("it holds no tensor with router logits, chosen experts or counts"));
        }
        let logical = |t: &Tensor| t.name.contains("logical_count") && !t.name.contains("physical");
        if self.tensors.iter().any(logical) {
            // Counts of physical experts repeat those of logical experts.
            self.tensors.retain(|t| !t.name.contains("physical_count"));
        }
        let mut recording = interpret(input, &self.tensors, self.metadata, reading)?;
        recording.assumptions.extend(self.notes);
        Ok(recording)
    }
}

/// The name of a dictionary's entry.
pub(super) fn key_of(key: &Value) -> Option<String> {
    match key {
        Value::Text(text) => Some(text.chars().take(200).collect()),
        Value::Int(number) => Some(number.to_string()),
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        _ => None,
    }
}

/// A single value as text.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Int(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Text(text) => Some(text.chars().take(4096).collect()),
        _ => None,
    }
}
