//! Reads a JSON document within a memory limit: lists of numbers become arrays while they are read.

use crate::Input;
use crate::error::ReadError;
use crate::tensors::Tensor;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::cell::Cell;
use std::fmt;
use std::io::{BufRead, Read};

/// The longest document, in bytes.
const LONGEST: u64 = 512 << 20;
/// The memory that a document may take, in bytes.
const ROOM: usize = 256 << 20;
/// The memory that a value other than a number takes at least, in bytes.
const VALUE: usize = 128;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Nothing,
    Bool(bool),
    Number(f64),
    Text(String),
    /// Nested lists of numbers with equal lengths; `null` is NaN.
    Array(Array),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

/// An array of numbers; elements along the last axis are adjacent.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Array {
    pub shape: Vec<usize>,
    pub values: Vec<f64>,
}

/// Why a document could not be read.
pub(super) enum Failed {
    /// Another value follows the first one, which is an object: these are JSON lines.
    Lines,
    Error(ReadError),
}

impl Node {
    /// Reads a document.
    pub(super) fn read(input: &Input) -> Result<Self, Failed> {
        let stream = input.stream().map_err(|e| Failed::Error(input.failed(e)))?;
        let mut stream = stream.take(LONGEST + 1);
        let room = Cell::new(ROOM);
        let mut from = serde_json::Deserializer::from_reader(Mark::skip(&mut stream));
        let read = Seed(&room).deserialize(&mut from);
        let ended = if read.is_ok() { from.end() } else { Ok(()) };
        drop(from);
        if room.get() == 0 || stream.limit() == 0 {
            let text = format!("a JSON document must be at most {} MiB long", LONGEST >> 20);
            let text = if room.get() == 0 { format!("it takes more than {} MiB in memory", ROOM >> 20) } else { text };
            return Err(Failed::Error(input.wrong(text)));
        }
        match (read, ended) {
            (Ok(node), Ok(())) => Ok(node),
            (Ok(Self::Object(_)), Err(_)) => Err(Failed::Lines),
            (Err(e), _) | (_, Err(e)) => Err(Failed::Error(wrong(input, e))),
        }
    }

    /// The value as it is kept among metadata; `None` for lists and objects.
    pub(super) fn scalar(&self) -> Option<String> {
        match self {
            Self::Bool(value) => Some(value.to_string()),
            Self::Number(value) => Some(value.to_string()),
            Self::Text(text) => Some(text.clone()),
            _ => None,
        }
    }

    /// The same value for the reader of JSON lines.
    pub(super) fn value(&self) -> Value {
        match self {
            Self::Nothing => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(number) => value_of(*number),
            Self::Text(text) => Value::String(text.clone()),
            Self::List(list) => list.iter().map(Self::value).collect(),
            Self::Array(array) => array.value(),
            Self::Object(entries) => Value::Object(object(entries)),
        }
    }

    /// The approximate number of numbers and values in it.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Array(array) => array.values.len(),
            Self::List(list) => list.iter().map(Self::size).sum::<usize>() + 1,
            Self::Object(entries) => entries.iter().map(|(_, node)| node.size()).sum::<usize>() + 1,
            _ => 1,
        }
    }
}

/// The entries as an object for the reader of JSON lines.
pub(super) fn object(entries: &[(String, Node)]) -> Map<String, Value> {
    entries.iter().map(|(key, node)| (key.clone(), node.value())).collect()
}

impl Array {
    /// The array as a named tensor.
    pub(super) fn tensor(self, name: String, scores: bool) -> Tensor {
        Tensor::of_numbers(name, self.shape, &self.values, scores)
    }

    fn value(&self) -> Value {
        let Some((&outer, inner)) = self.shape.split_first() else { return Value::Null };
        if inner.is_empty() {
            return self.values.iter().map(|&x| value_of(x)).collect();
        }
        let step = (self.values.len() / outer.max(1)).max(1);
        let row = |values: &[f64]| Self { shape: inner.to_vec(), values: values.to_vec() }.value();
        self.values.chunks(step).map(row).collect()
    }

    /// Splits the array along its first axis into a list.
    fn into_list(self) -> Vec<Node> {
        let Some((&outer, inner)) = self.shape.split_first() else { return vec![] };
        if inner.is_empty() {
            return self.values.into_iter().map(Node::Number).collect();
        }
        let step = self.values.len() / outer.max(1);
        let row = |at: usize| self.values.get(at * step..(at + 1) * step).unwrap_or_default().to_vec();
        (0..outer).map(|at| Node::Array(Self { shape: inner.to_vec(), values: row(at) })).collect()
    }
}

fn value_of(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 9e15 { Value::from(number as i64) } else { Value::from(number) }
}

/// serde's error with its position in the file.
fn wrong(input: &Input, error: serde_json::Error) -> ReadError {
    if error.is_io() {
        return input.failed(error.into());
    }
    let (line, column) = (error.line().max(1), error.column().max(1));
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or(&said);
    let error = input.wrong(if error.is_eof() { "it ends too early".into() } else { format!("it is no JSON: {said}") });
    let mut quote = vec![];
    let found = input.stream().and_then(|mut stream| {
        for _ in 1..line {
            stream.skip_until(b'\n')?;
        }
        stream.take(160).read_until(b'\n', &mut quote)
    });
    if found.is_ok() { error.at(line, column, &quote) } else { error }
}

/// Skips a byte order mark.
struct Mark;

impl Mark {
    fn skip<'a>(stream: &'a mut std::io::Take<Box<dyn BufRead + '_>>) -> impl Read + 'a {
        if stream.fill_buf().is_ok_and(|b| b.starts_with(b"\xef\xbb\xbf")) {
            stream.consume(3);
        }
        stream
    }
}

/// Reads a value within the remaining memory.
#[derive(Clone, Copy)]
struct Seed<'r>(&'r Cell<usize>);

impl Seed<'_> {
    fn take<E: Error>(self, bytes: usize) -> Result<(), E> {
        self.0.set(self.0.get().saturating_sub(bytes));
        if self.0.get() == 0 { Err(E::custom("it is too large")) } else { Ok(()) }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Node, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Nothing)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node, E> {
        self.visit_f64(value as f64)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node, E> {
        self.visit_f64(value as f64)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
        self.take(size_of::<f64>())?;
        Ok(Node::Number(value))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Node, E> {
        self.take(VALUE + text.len())?;
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Node, A::Error> {
        self.take(VALUE)?;
        let mut items = Items::default();
        while let Some(node) = from.next_element_seed(self)? {
            items.push(node, self)?;
        }
        Ok(items.finish())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Node, A::Error> {
        let mut entries = vec![];
        while let Some(key) = from.next_key::<String>()? {
            self.take(VALUE + key.len())?;
            entries.push((key, from.next_value_seed(self)?));
        }
        Ok(Node::Object(entries))
    }
}

/// The items of a list: one array while they are numbers or arrays of one shape, otherwise separate values.
#[derive(Default)]
struct Items {
    inner: Option<Vec<usize>>,
    count: usize,
    values: Vec<f64>,
    list: Vec<Node>,
}

impl Items {
    /// Appends an item.
    fn push<E: Error>(&mut self, node: Node, room: Seed<'_>) -> Result<(), E> {
        if !self.list.is_empty() {
            return self.part(node, room);
        }
        let (shape, mut values) = match node {
            Node::Number(_) | Node::Nothing if self.inner.as_ref().is_none_or(Vec::is_empty) => {
                self.inner = Some(vec![]);
                self.values.push(if let Node::Number(value) = node { value } else { f64::NAN });
                self.count += 1;
                return Ok(());
            }
            Node::Array(array) => (array.shape, array.values),
            other => return self.part(other, room),
        };
        match &self.inner {
            None => (self.inner, self.values) = (Some(shape), values),
            Some(inner) if *inner == shape => self.values.append(&mut values),
            Some(_) => return self.part(Node::Array(Array { shape, values }), room),
        }
        self.count += 1;
        Ok(())
    }

    /// Appends an item to a list that is not, or no longer, an array.
    fn part<E: Error>(&mut self, node: Node, room: Seed<'_>) -> Result<(), E> {
        if let Some(inner) = self.inner.take() {
            room.take(VALUE.saturating_mul(self.count))?;
            let shape = [&[self.count], inner.as_slice()].concat();
            self.list = Array { shape, values: std::mem::take(&mut self.values) }.into_list();
        }
        room.take(VALUE)?;
        self.list.push(node);
        Ok(())
    }

    fn finish(self) -> Node {
        if self.list.is_empty() {
            let shape = [&[self.count], self.inner.unwrap_or_default().as_slice()].concat();
            return Node::Array(Array { shape, values: self.values });
        }
        Node::List(self.list)
    }
}
