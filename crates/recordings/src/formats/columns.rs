//! The meaning of columns in Parquet files and Arrow streams. Rows with lists become records here; rows of single values are read like JSON
//! lines with the same names.

mod values;

use super::records::Records;
use crate::assumption::Question;
use crate::error::ReadError;
use crate::gather::Of;
use crate::names::{Role, layer_from_text, layer_of};
use crate::recording::Recording;
use crate::{Input, Reading, RecordedKind};
use arrow_array::RecordBatch;
use arrow_schema::{DataType, Schema};
use serde_json::{Map, Value};
use std::ops::Range;
use values::{Lists, innermost, is_number, scalars};

/// The number of rows processed at once.
pub(super) const ROWS: usize = 1024;

/// Runs a third-party reader, so that a damaged file can't end the program.
pub(super) fn contained<T>(input: &Input, read: impl FnOnce() -> Result<T, ReadError>) -> Result<T, ReadError> {
    let damaged = || Err(input.wrong("it is damaged in a way that its reader does not explain"));
    crate::contained::contained(read).unwrap_or_else(damaged)
}

/// A table that is read batch by batch.
pub(super) struct Columns {
    pub records: Records,
    /// The indices of the needed columns in the schema.
    pub needed: Vec<usize>,
    lists: Vec<OfLayer>,
    kind: RecordedKind,
    /// Columns of scores, one per expert.
    wide: Vec<String>,
    /// The column with the token ids that a person named.
    token_ids: Option<String>,
    has: Has,
    layers_first: Option<bool>,
}

/// A column of lists, and the layer in its name, if any.
type OfLayer = (String, Option<String>);

/// Which context columns exist.
#[derive(Clone, Copy, Debug, Default)]
struct Has {
    layer: bool,
    token: bool,
}

/// The context of one row, besides its list.
struct Row<'a> {
    layer: Option<&'a str>,
    of: Of,
    ids: &'a [i64],
    rank: Option<&'a str>,
}

impl Columns {
    /// Finds the columns that hold recorded values. The error lists the existing columns.
    pub(super) fn new(schema: &Schema, reading: &Reading) -> Result<Self, String> {
        let mut records = Records::new(reading);
        for (key, value) in schema.metadata() {
            let parsed: Value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.clone()));
            records.metadata(key, &parsed);
            // pandas keeps the attributes of a data frame in an object of its own.
            for inner in [parsed.as_object(), parsed.get("attributes").and_then(Value::as_object)].into_iter().flatten()
            {
                inner.iter().for_each(|(key, value)| records.metadata(key, value));
            }
        }
        let lists = lists_of(schema, reading, &mut records);
        let scalar = |role: Role| {
            let fits = |d: &DataType| is_number(d) || d.is_string() || matches!(d, DataType::Dictionary(_, _));
            schema.fields().iter().any(|f| role.is(f.name()) && fits(f.data_type()))
        };
        let has = Has { layer: scalar(Role::Layer), token: scalar(Role::Token) || scalar(Role::TokenIds) };
        let wide = if lists.is_none() { wide_scores(schema, reading) } else { vec![] };
        let listed = lists.is_some() || !wide.is_empty();
        let (kind, lists) = lists.unwrap_or((RecordedKind::Scores, vec![]));
        let context = |name: &str| {
            let role =
                [Role::Layer, Role::Step, Role::Rank, Role::Token, Role::TokenIds].into_iter().any(|r| r.is(name));
            let request = name.eq_ignore_ascii_case("request_id") || name.eq_ignore_ascii_case("req_id");
            role || request || reading.token_ids.as_deref() == Some(name)
        };
        let counted = |name: &str| {
            let number = name.strip_prefix("expert_").or_else(|| name.strip_prefix("expert"));
            let series = number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
            !listed && (series || [Role::Expert, Role::Count].into_iter().any(|r| r.is(name)))
        };
        let needed = |name: &str| {
            lists.iter().any(|(n, _)| n == name) || wide.iter().any(|n| n == name) || context(name) || counted(name)
        };
        let held = listed || schema.fields().iter().any(|f| counted(f.name()));
        if !held {
            let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).take(30).collect();
            let none = "no column whose name says that it holds chosen experts, scores or counts";
            return Err(format!("it has {none}, only: {}", names.join(", ")));
        }
        let needed = (0..schema.fields().len()).filter(|&i| needed(schema.field(i).name())).collect();
        let place = |axes: &str, word| axes.to_ascii_lowercase().split(',').position(|a| a.trim().starts_with(word));
        let layers_first = reading.axes.as_ref().and_then(|a| Some(place(a, "layer")? < place(a, "token")?));
        Ok(Self { records, needed, lists, kind, wide, token_ids: reading.token_ids.clone(), has, layers_first })
    }

    /// Adds the rows of a batch, which may be of any size.
    pub(super) fn take(&mut self, batch: &RecordBatch) -> Result<(), String> {
        for from in (0..batch.num_rows()).step_by(ROWS) {
            self.part(&batch.slice(from, ROWS.min(batch.num_rows() - from)))?;
        }
        Ok(())
    }

    fn part(&mut self, batch: &RecordBatch) -> Result<(), String> {
        if self.lists.is_empty() && self.wide.is_empty() {
            return self.single_values(batch);
        }
        let context = Context::of(batch, self.token_ids.as_deref())?;
        for (name, layer) in self.lists.clone() {
            let column = batch.column_by_name(&name).ok_or_else(|| format!("a batch has no column `{name}`"))?;
            let lists = Lists::of(column).ok_or_else(|| format!("`{name}` does not hold lists of numbers"))?;
            for at in 0..batch.num_rows() {
                let ids = context.ids(at)?;
                let mut row = context.row(at, &ids);
                row.layer = layer.as_deref().or(row.layer);
                self.row(&name, &lists, at, &row).map_err(|e| format!("row {at} of a batch, `{name}`: {e}"))?;
            }
        }
        if self.wide.is_empty() {
            return Ok(());
        }
        let column = |name: &String| batch.column_by_name(name).and_then(|c| values::Numbers::of(c.as_ref()));
        let columns: Option<Vec<values::Numbers>> = self.wide.iter().map(column).collect();
        let columns = columns.ok_or("a batch lacks a column of scores")?;
        for at in 0..batch.num_rows() {
            let mut scores = vec![];
            for column in &columns {
                scores.append(&mut column.real(at..at + 1)?);
            }
            let row = context.row(at, &[]);
            self.records.gather.scored(row.layer.unwrap_or("0"), row.of, &scores)?;
        }
        Ok(())
    }

    pub(super) fn finish(self, input: &Input) -> Result<Recording, ReadError> {
        self.records.finish(input)
    }

    /// Adds rows without lists: long and wide counts, and single assignments.
    fn single_values(&mut self, batch: &RecordBatch) -> Result<(), String> {
        let columns: Vec<(String, Vec<Value>)> = batch
            .schema()
            .fields()
            .iter()
            .zip(batch.columns())
            .filter_map(|(field, column)| Some((field.name().clone(), scalars(column.as_ref())?)))
            .collect();
        for at in 0..batch.num_rows() {
            let fields = columns.iter().filter_map(|(name, values)| Some((name.clone(), values.get(at)?.clone())));
            let row: Map<String, Value> = fields.collect();
            self.records.take(&row).map_err(|e| format!("row {at} of a batch: {e}"))?;
        }
        Ok(())
    }

    /// Adds the lists of one row.
    fn row(&mut self, name: &str, lists: &Lists, at: usize, row: &Row<'_>) -> Result<(), String> {
        let damaged = || "its lists are damaged".to_owned();
        let level =
            |level: usize, range: Range<usize>| lists.levels.get(level).and_then(|l| l.get(range)).ok_or_else(damaged);
        let outer = level(0, at..at + 1)?.first().cloned().ok_or_else(damaged)?;
        let depth = lists.levels.len();
        if self.kind == RecordedKind::Loads {
            return self.counts(lists, (0, at), row);
        }
        match depth {
            1 => self.one(lists, outer, row.layer, row.of),
            2 => {
                let rows = level(1, outer)?.to_vec();
                let of_layers = row.layer.is_none() && !self.has.layer && row.ids.is_empty();
                if of_layers && !self.has.token {
                    self.records.note(Question::Axes, format!("the axes of `{name}` are layers, {}", self.word()));
                }
                let all = rows.len();
                rows.into_iter().enumerate().try_for_each(|(i, range)| match of_layers {
                    true => self.one(lists, range, Some(&i.to_string()), row.of),
                    false => self.one(lists, range, row.layer, row.token(i, all)),
                })
            }
            3 => {
                let usual = self.kind == RecordedKind::Scores;
                let layers_first = self.layers_first.unwrap_or(usual);
                if row.layer.is_none() && self.layers_first.is_none() {
                    let axes = if layers_first { "layers, tokens" } else { "tokens, layers" };
                    self.records.note(Question::Axes, format!("the axes of `{name}` are {axes}, {}", self.word()));
                }
                let outer = level(1, outer)?.to_vec();
                let all = outer.len();
                for (i, range) in outer.into_iter().enumerate() {
                    let inner = level(2, range)?.to_vec();
                    let tokens = if layers_first { inner.len() } else { all };
                    for (j, range) in inner.into_iter().enumerate() {
                        let (layer, token) = if layers_first { (i, j) } else { (j, i) };
                        match row.layer {
                            Some(layer) => self.one(lists, range, Some(layer), row.of)?,
                            None => self.one(lists, range, Some(&layer.to_string()), row.token(token, tokens))?,
                        }
                    }
                }
                Ok(())
            }
            _ => Err("its lists lie within one another too deep".into()),
        }
    }

    fn word(&self) -> &'static str {
        if self.kind == RecordedKind::Scores { "experts" } else { "chosen experts" }
    }

    /// Adds an innermost list: the values of one token in one layer.
    fn one(&mut self, lists: &Lists, at: Range<usize>, layer: Option<&str>, of: Of) -> Result<(), String> {
        let layer = layer.unwrap_or("0");
        if self.kind == RecordedKind::Scores {
            return self.records.gather.scored(layer, of, &lists.numbers.real(at)?);
        }
        let ids = lists.numbers.whole(at, -1)?;
        self.records.gather.chose(layer, of, if ids.is_empty() { &[-1] } else { &ids })
    }

    /// Adds counts of every expert, possibly of several layers or steps.
    fn counts(&mut self, lists: &Lists, (level, at): (usize, usize), row: &Row<'_>) -> Result<(), String> {
        let damaged = || "its lists are damaged".to_owned();
        let range = lists.levels.get(level).and_then(|l| l.get(at)).cloned().ok_or_else(damaged)?;
        let below = lists.levels.len() - 1 - level;
        if below == 0 {
            let counts = lists.numbers.counts(range)?;
            return self.records.counts(row.layer.unwrap_or("0"), row.of.step, row.rank, &counts);
        }
        for (i, inner) in range.enumerate() {
            let name = i.to_string();
            let layer = if below == 1 { row.layer.or(Some(&name)) } else { row.layer };
            self.counts(lists, (level + 1, inner), &Row { layer, ..*row })?;
        }
        Ok(())
    }
}

impl Row<'_> {
    /// The step and the token id of one of `tokens` tokens.
    fn token(&self, at: usize, tokens: usize) -> Of {
        let id = self.ids.get(at).copied().filter(|_| self.ids.len() == tokens);
        Of { token_id: id.or(self.of.token_id.filter(|_| tokens == 1)), ..self.of }
    }
}

/// The columns of single values that give the context of a batch's rows.
struct Context {
    layers: Option<Vec<String>>,
    steps: Option<Vec<Value>>,
    ranks: Option<Vec<String>>,
    token_ids: Option<Vec<Value>>,
    lists: Option<Lists>,
}

impl Context {
    fn of(batch: &RecordBatch, token_ids: Option<&str>) -> Result<Self, String> {
        let schema = batch.schema();
        let find = |role: Role| {
            let known = schema.fields().iter().enumerate();
            let known = known.filter_map(|(i, f)| Some((role.place(f.name())?, i)));
            known.min().map(|(_, i)| batch.column(i))
        };
        let text = |value: &Value| match value {
            Value::String(text) => layer_from_text(text),
            Value::Number(n) if n.as_f64().is_some_and(|x| x.fract() == 0.0) => {
                (n.as_f64().unwrap_or(0.0) as i64).to_string()
            }
            other => other.to_string(),
        };
        let texts = |role: Role| Some(scalars(find(role)?.as_ref())?.iter().map(text).collect());
        let named =
            token_ids.map(|name| batch.column_by_name(name).ok_or_else(|| format!("it has no column `{name}`")));
        let ids = named.transpose()?.or_else(|| find(Role::TokenIds));
        Ok(Self {
            layers: texts(Role::Layer),
            steps: find(Role::Step).and_then(|c| scalars(c.as_ref())),
            ranks: texts(Role::Rank),
            token_ids: ids.and_then(|c| scalars(c.as_ref())),
            lists: ids.filter(|c| innermost(c.data_type()).1 == 1).and_then(Lists::of),
        })
    }

    fn ids(&self, at: usize) -> Result<Vec<i64>, String> {
        let range = self.lists.as_ref().and_then(|l| Some((l, l.levels.first()?.get(at)?.clone())));
        range.map_or(Ok(vec![]), |(lists, range)| lists.numbers.whole(range, -1))
    }

    fn row<'a>(&'a self, at: usize, ids: &'a [i64]) -> Row<'a> {
        let text = |texts: &'a Option<Vec<String>>| texts.as_ref().and_then(|t| t.get(at)).map(String::as_str);
        let whole = |values: &Option<Vec<Value>>| values.as_ref().and_then(|v| super::records::whole(v.get(at)?));
        let of = Of { step: whole(&self.steps), token_id: whole(&self.token_ids) };
        Row { layer: text(&self.layers), of, ids, rank: text(&self.ranks) }
    }
}

/// The columns of lists that hold recorded values, all of one kind.
fn lists_of(schema: &Schema, reading: &Reading, records: &mut Records) -> Option<(RecordedKind, Vec<OfLayer>)> {
    let candidates: Vec<(&str, &DataType)> = schema
        .fields()
        .iter()
        .filter_map(|f| {
            let (inner, depth) = innermost(f.data_type());
            (depth > 0 && is_number(inner)).then_some((f.name().as_str(), inner))
        })
        .collect();
    let of_kind = |kind: RecordedKind| {
        let fits = |name: &str| Role::of_array(name).and_then(Role::kind) == Some(kind);
        let found = candidates.iter().filter(|(name, _)| fits(name));
        let mut found: Vec<_> = found.map(|(name, _)| ((*name).to_owned(), layer_of(name))).collect();
        // Several columns belong to several layers, or are duplicates.
        if found.iter().any(|(_, layer)| layer.is_none()) {
            found.truncate(1);
        }
        found
    };
    // Scores other than logits may be those of the chosen experts only.
    let logits = candidates.iter().any(|(name, _)| name.to_ascii_lowercase().contains("logits"));
    use RecordedKind::{Loads, Scores, Selections};
    let order = if logits { [Scores, Selections, Loads] } else { [Selections, Scores, Loads] };
    let wanted = order.into_iter().filter(|&k| reading.kind.is_none_or(|r| r == k));
    let found = wanted.map(|kind| (kind, of_kind(kind))).find(|(_, found)| !found.is_empty());
    found.or_else(|| {
        // Without a known name: the only column of lists, or lists by layer.
        let ids = |name: &str| Role::TokenIds.is(name) || Role::of_array(name) == Some(Role::Bias);
        let unnamed: Vec<_> = candidates.iter().filter(|(name, _)| !ids(name)).collect();
        let [(name, inner)] = unnamed.as_slice() else { return None };
        let kind = reading.kind.unwrap_or(if inner.is_integer() { Selections } else { Scores });
        records.note(Question::Kind, format!("the column `{name}` is taken for {kind}"));
        Some((kind, vec![((*name).to_owned(), None)]))
    })
}

/// Columns of scores such as `logit_0`, `logit_1`: at least two whose names differ only in a number at the end.
fn wide_scores(schema: &Schema, reading: &Reading) -> Vec<String> {
    let split = |name: &str| {
        let word = name.trim_end_matches(|c: char| c.is_ascii_digit());
        Some((word.trim_end_matches(['_', '-', '.']).to_owned(), name[word.len()..].parse::<usize>().ok()?))
    };
    let known = |word: &str| Role::Scores.is(word) || Role::Scores.is(&format!("{word}s"));
    let floats = |d: &DataType| matches!(d, DataType::Float16 | DataType::Float32 | DataType::Float64);
    let mut found: Vec<(usize, String)> = vec![];
    for field in schema.fields() {
        let Some((word, number)) = split(field.name()) else { continue };
        let scores = known(&word) || (Role::Expert.is(&word) && reading.kind == Some(RecordedKind::Scores));
        if scores && floats(field.data_type()) {
            found.push((number, field.name().clone()));
        }
    }
    found.sort();
    let whole = found.iter().enumerate().all(|(i, (number, _))| *number == i);
    if found.len() > 1 && whole { found.into_iter().map(|(_, name)| name).collect() } else { vec![] }
}
