//! JSON documents: named or plain nested lists, counts by layer and expert, and lists of records.

mod node;

use super::Format;
use super::json_lines::JsonLines;
use super::records::Records;
use crate::assumption::{Assumption, Question};
use crate::error::ReadError;
use crate::gather::Gather;
use crate::meta::Meta;
use crate::names::{Role, layer_from_text, layer_of};
use crate::recording::Recording;
use crate::tensors::{Tensor, interpret};
use crate::{Input, Reading, RecordedKind};
use node::{Array, Failed, Node, object};
use std::collections::BTreeMap;

/// The largest number of metadata entries that are kept.
const METADATA: usize = 1000;
/// The largest number of arrays and maps that are collected.
const FOUND: usize = 100_000;
/// The largest number of values in one record of a list.
const RECORD: usize = 4 << 20;

/// JSON documents.
pub(super) struct Json;

impl Format for Json {
    fn name(&self) -> &'static str {
        "JSON"
    }

    fn endings(&self) -> &'static [&'static str] {
        &["json"]
    }

    fn recognises(&self, input: &Input) -> bool {
        let text = input.first().strip_prefix(b"\xef\xbb\xbf").unwrap_or(input.first()).trim_ascii_start();
        match text.first() {
            Some(b'[') => !input.ends_with(&[".jsonl", ".ndjson"]),
            Some(b'{') => {
                // An object on the first line and another one below are JSON lines.
                let (line, rest) = text.split_at(text.iter().position(|&b| b == b'\n').unwrap_or(text.len()));
                let whole = || serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok();
                let lines = rest.trim_ascii_start().starts_with(b"{");
                !input.ends_with(&[".jsonl", ".ndjson"]) && (!lines || !whole())
            }
            _ => input.ends_with(&[".json"]),
        }
    }

    fn read(&self, input: &Input, reading: &Reading) -> Result<Recording, ReadError> {
        match Node::read(input) {
            Ok(Node::Array(array)) => plain(input, array, "", BTreeMap::new(), reading),
            Ok(Node::List(list)) if list.iter().all(|n| matches!(n, Node::Object(_))) => {
                let mut found = Found::default();
                found.records.push(list);
                found.recording(input, reading)
            }
            Ok(Node::Object(entries)) => {
                let mut found = Found::default();
                found.object("", entries, reading);
                found.recording(input, reading)
            }
            Ok(_) => Err(input.wrong("it holds neither an object nor lists of numbers of equal length")),
            Err(Failed::Lines) => JsonLines.read(input, reading),
            Err(Failed::Error(error)) => Err(error),
        }
    }
}

/// Reads an array whose name does not say what it holds.
fn plain(
    input: &Input,
    array: Array,
    name: &str,
    metadata: BTreeMap<String, String>,
    reading: &Reading,
) -> Result<Recording, ReadError> {
    let counts = array.shape.len() == 2 && array.values.iter().all(|&x| x >= 0.0 && x.fract() == 0.0);
    let assumed = counts && reading.kind.is_none() && Role::of_array(name).is_none();
    let name = if assumed { "counts" } else { name };
    let tensor = array.tensor(name.to_owned(), reading.kind == Some(RecordedKind::Scores));
    let mut recording = interpret(input, &[tensor], metadata, reading)?;
    if assumed {
        let text = "the list has no name: its numbers are taken for counts of experts";
        recording.assumptions.push(Assumption::open(Question::Kind, text));
    }
    Ok(recording)
}

/// What was found in a document.
#[derive(Default)]
struct Found {
    /// Arrays with their names, which are paths joined with dots.
    arrays: Vec<(String, Array)>,
    /// Layer, expert, count.
    counts: Vec<(String, i64, f64)>,
    /// Lists of objects, and objects with lists of unequal length.
    records: Vec<Vec<Node>>,
    metadata: BTreeMap<String, String>,
}

impl Found {
    fn object(&mut self, path: &str, entries: Vec<(String, Node)>, reading: &Reading) {
        if self.arrays.len() + self.counts.len() > FOUND || path.len() > 1000 {
            return;
        }
        let last = path.rsplit('.').next().unwrap_or("");
        let role = Role::of_array(last).or_else(|| (Role::Expert.is(last) || last == "layers").then_some(Role::Loads));
        let numbered = !entries.is_empty() && entries.iter().all(|(key, _)| layer_of(key).is_some());
        if numbered
            && (path.is_empty() || role.is_some_and(|r| r.kind().is_some()))
            && self.map(role, &entries, reading)
        {
            return;
        }
        let ragged = |(key, node): &(String, Node)| {
            let objects = |list: &Vec<Node>| list.iter().all(|n| matches!(n, Node::Object(_)));
            let kind = Role::of_array(key).and_then(Role::kind);
            kind.is_some() && matches!(node, Node::List(list) if !objects(list))
        };
        if entries.iter().any(ragged) {
            self.records.push(vec![Node::Object(entries)]);
            return;
        }
        for (key, node) in entries {
            let name = if path.is_empty() { key } else { format!("{path}.{key}") };
            match node {
                Node::Array(array) => self.arrays.push((name, array)),
                Node::Object(inner) => self.object(&name, inner, reading),
                Node::List(list) if list.iter().all(|n| matches!(n, Node::Object(_))) => self.records.push(list),
                scalar => {
                    if let Some(text) = scalar.scalar().filter(|_| self.metadata.len() < METADATA) {
                        self.metadata.insert(name, text);
                    }
                }
            }
        }
    }

    /// Reads an object whose keys are numbers: `expert → count`, `layer → expert → count` or `layer → list`. Returns whether it is one.
    fn map(&mut self, role: Option<Role>, entries: &[(String, Node)], reading: &Reading) -> bool {
        let counts = |entries: &[(String, Node)]| {
            entries.iter().all(|(key, n)| matches!(n, Node::Number(_)) && layer_of(key).is_some())
        };
        let loads = role.is_none_or(|r| r.kind() == Some(RecordedKind::Loads));
        let of = |layer: &str, entries: &[(String, Node)]| -> Vec<(String, i64, f64)> {
            let expert = |key: &String| layer_of(key).and_then(|n| n.parse().ok()).unwrap_or(i64::MAX);
            let count = |node: &Node| if let Node::Number(count) = node { *count } else { f64::NAN };
            entries.iter().map(|(key, node)| (layer.to_owned(), expert(key), count(node))).collect()
        };
        if loads && counts(entries) {
            self.counts.extend(of("0", entries));
            return true;
        }
        if loads && entries.iter().all(|(_, n)| matches!(n, Node::Object(inner) if counts(inner))) {
            for (layer, node) in entries {
                if let Node::Object(inner) = node {
                    self.counts.extend(of(&layer_from_text(layer), inner));
                }
            }
            return true;
        }
        if !entries.iter().all(|(_, n)| matches!(n, Node::Array(_))) {
            return false;
        }
        let flat = entries.iter().all(|(_, n)| matches!(n, Node::Array(a) if a.shape.len() == 1));
        let word = match role.and_then(Role::kind).or(reading.kind) {
            Some(RecordedKind::Scores) => "logits",
            Some(RecordedKind::Selections) => "topk_ids",
            Some(RecordedKind::Loads) => "counts",
            None if flat => "counts",
            None => return false,
        };
        for (layer, node) in entries {
            if let Node::Array(array) = node {
                self.arrays.push((format!("{word}.{}", layer_from_text(layer)), array.clone()));
            }
        }
        true
    }

    fn recording(mut self, input: &Input, reading: &Reading) -> Result<Recording, ReadError> {
        if self.arrays.len() + self.counts.len() > FOUND {
            return Err(input.wrong(format!("it has more than {FOUND} lists and counts")));
        }
        let named = self.arrays.iter().any(|(name, _)| Role::of_array(name).is_some_and(|r| r.kind().is_some()));
        if !named && !self.counts.is_empty() {
            return self.map_of_counts(input);
        }
        if !named && !self.records.is_empty() {
            return self.lines(input, reading);
        }
        if self.arrays.len() == 1 && !named {
            let (name, array) = self.arrays.remove(0);
            return plain(input, array, &name, self.metadata, reading);
        }
        if self.arrays.is_empty() {
            return Err(input.wrong("it holds no list of chosen experts, scores or counts"));
        }
        let scores =
            |name: &str| reading.kind == Some(RecordedKind::Scores) || Role::of_array(name) == Some(Role::Scores);
        let tensor = |(name, array): (String, Array)| {
            let scores = scores(&name);
            array.tensor(name, scores)
        };
        let tensors: Vec<Tensor> = self.arrays.into_iter().map(tensor).collect();
        interpret(input, &tensors, self.metadata, reading)
    }

    fn map_of_counts(self, input: &Input) -> Result<Recording, ReadError> {
        let (mut gather, mut rounded) = (Gather::default(), false);
        for (layer, expert, count) in self.counts {
            if !(0.0..1.8e19).contains(&count) {
                return Err(input.wrong(format!("it holds the count {count}, but a count must be a number from 0")));
            }
            rounded |= count.fract() != 0.0;
            gather.counted(&layer, 0, expert, count.round() as u64).map_err(|e| input.wrong(e))?;
        }
        let mut recording = gather.finish(input, Meta::of(&self.metadata), self.metadata)?;
        if rounded {
            let text = "the counts have fractions: they are rounded";
            recording.assumptions.push(Assumption::open(Question::Values, text));
        }
        Ok(recording)
    }

    fn lines(self, input: &Input, reading: &Reading) -> Result<Recording, ReadError> {
        let mut lines = Records::new(reading);
        let beside = self.metadata.into_iter().map(|(key, value)| (key, Node::Text(value))).collect::<Vec<_>>();
        lines.take(&object(&beside)).map_err(|e| input.wrong(e))?;
        for (number, record) in self.records.into_iter().flatten().enumerate() {
            let wrong = |text: String| input.wrong(format!("record {number} can't be read: {text}"));
            if record.size() > RECORD {
                return Err(wrong(format!("it holds more than {RECORD} numbers")));
            }
            if let Node::Object(entries) = record {
                lines.take(&object(&entries)).map_err(wrong)?;
            }
        }
        lines.finish(input)
    }
}
