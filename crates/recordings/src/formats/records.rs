//! Records that are JSON objects, about a token, an assignment or a step. Fields are found by name at any depth, and an inner object
//! inherits the layer, the step and the token of the objects around it.

use crate::assumption::{Assumption, Question};
use crate::error::ReadError;
use crate::gather::{Gather, Of};
use crate::meta::Meta;
use crate::names::{Role, layer_from_text};
use crate::recording::Recording;
use crate::{Input, limits};
use moebias_model::config::limits as settings;
use moebias_model::settings::reading::{Reading, RecordedKind};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The largest number of metadata entries that are kept.
const METADATA: usize = 1000;
/// The largest number of pairs of layer and rank whose lines of counts are numbered.
const LINES: usize = 1 << 20;
/// The largest number of nested objects.
const DEPTH: usize = 12;

/// What has been read so far.
pub(super) struct Records {
    pub(super) gather: Gather,
    meta: Meta,
    metadata: BTreeMap<String, String>,
    notes: Vec<Assumption>,
    /// The kind that a person wants from files with several kinds.
    kind: Option<RecordedKind>,
    /// Whether a person says that layers come before tokens.
    layers_first: Option<bool>,
    /// For each layer, the token whose assignments are being collected one by one.
    pending: BTreeMap<String, Pending>,
    /// The number of lines of counts by layer and rank, if steps are not numbered.
    lines: BTreeMap<(String, String), i64>,
    ranks: BTreeSet<String>,
}

/// A token whose assignments are collected one by one.
struct Pending {
    token: String,
    of: Of,
    experts: Vec<i64>,
}

/// The context that enclosing objects give a record.
#[derive(Clone, Default)]
struct Around {
    layer: Option<String>,
    of: Of,
    /// The token, if the record is about one.
    token: Option<String>,
    request: String,
    rank: Option<String>,
    /// The token ids of all tokens of the record.
    ids: Vec<i64>,
}

impl Records {
    pub(super) fn new(reading: &Reading) -> Self {
        let place =
            |axes: &str, word: &str| axes.to_ascii_lowercase().split(',').position(|a| a.trim().starts_with(word));
        let layers_first = reading.axes.as_ref().and_then(|a| Some(place(a, "layer")? < place(a, "token")?));
        Self {
            gather: Gather::default(),
            meta: Meta::default(),
            metadata: BTreeMap::new(),
            notes: vec![],
            kind: reading.kind,
            layers_first,
            pending: BTreeMap::new(),
            lines: BTreeMap::new(),
            ranks: BTreeSet::new(),
        }
    }

    /// Adds an object. An object without chosen experts, scores or counts is metadata.
    pub(super) fn take(&mut self, object: &Map<String, Value>) -> Result<(), String> {
        let is_meta = object.get("type").and_then(Value::as_str).is_some_and(|t| t.eq_ignore_ascii_case("meta"));
        if !is_meta && self.record(object, &Around::default(), DEPTH)? {
            return Ok(());
        }
        object.iter().for_each(|(key, value)| self.keep(key, value));
        self.meta.take_object(object);
        Ok(())
    }

    /// Adds an entry of metadata.
    #[cfg(feature = "parquet")]
    pub(super) fn metadata(&mut self, key: &str, value: &Value) {
        self.keep(key, value);
        self.meta.take(key, value);
    }

    fn keep(&mut self, key: &str, value: &Value) {
        if self.metadata.len() >= METADATA {
            return;
        }
        let text: String = match value {
            Value::String(text) => text.chars().take(4096).collect(),
            other => other.to_string().chars().take(4096).collect(),
        };
        self.metadata.insert(key.to_owned(), text);
    }

    /// Completes the tokens whose assignments are collected one by one.
    fn flush(&mut self) -> Result<(), String> {
        for (layer, pending) in std::mem::take(&mut self.pending) {
            self.gather.chose(&layer, pending.of, &pending.experts)?;
        }
        Ok(())
    }

    /// Makes the recording.
    pub(super) fn finish(mut self, input: &Input) -> Result<Recording, ReadError> {
        self.flush().map_err(|e| input.wrong(e))?;
        if self.gather.is_empty() {
            return Err(input.wrong("it holds no record with chosen experts, scores or counts"));
        }
        let ranks = self.ranks.len();
        if ranks > 1 && !self.lines.is_empty() {
            self.note(Question::Files, format!("the counts of the {ranks} ranks are added up"));
        }
        let mut recording = self.gather.finish(input, self.meta, self.metadata)?;
        recording.assumptions.append(&mut self.notes);
        Ok(recording)
    }

    /// Notes an assumption, unless it has been noted already.
    pub(super) fn note(&mut self, about: Question, text: String) {
        if self.notes.iter().all(|n| n.text != text) {
            self.notes.push(Assumption::open(about, text));
        }
    }

    /// Adds what an object and its inner objects record; `false` if they record nothing.
    fn record(&mut self, object: &Map<String, Value>, around: &Around, depth: usize) -> Result<bool, String> {
        let mut here = around.with(object)?;
        self.words(object, &mut here)?;
        if self.data(object, &here)? {
            return Ok(true);
        }
        let Some(depth) = depth.checked_sub(1) else { return Ok(false) };
        let mut found = false;
        for (key, value) in object {
            match value {
                // Objects by layer: {"layers": {"0": {…}, "1": {…}}}.
                Value::Object(inner) if Role::Layer.is(key.trim_end_matches('s')) => {
                    for (name, value) in inner {
                        let of_layer = Around { layer: Some(layer_from_text(name)), ..here.clone() };
                        found |= match value {
                            Value::Object(inner) => self.record(inner, &of_layer, depth)?,
                            Value::Array(_) => self.choices(name, value, &of_layer).map(|()| true)?,
                            _ => false,
                        };
                    }
                }
                Value::Object(inner) => found |= self.record(inner, &here, depth)?,
                Value::Array(list) => {
                    for inner in list.iter().filter_map(Value::as_object) {
                        found |= self.record(inner, &here, depth)?;
                    }
                }
                _ => {}
            }
        }
        Ok(found)
    }

    /// Takes the words of the token, or of the tokens, of this object.
    fn words(&mut self, object: &Map<String, Value>, here: &mut Around) -> Result<(), String> {
        const WORD: [&str; 3] = ["token_str", "token_text", "token"];
        const WORDS: [&str; 3] = ["token_strs", "token_texts", "tokens"];
        let text = |key: &str| object.get(key).and_then(Value::as_str);
        let token = object.get("token").and_then(Value::as_object);
        // A text beside a place among tokens is a word; another one may be that of a whole request.
        let placed = || find(object, Role::Token, |v| v.is_number() || v.is_string()).and(text("text"));
        let word = WORD.iter().find_map(|key| text(key)).or_else(|| token?.get("text")?.as_str()).or_else(placed);
        if let Some(word) = word {
            here.of.token_id = self.gather.word(word, here.of.token_id)?;
        }
        let list = WORDS.iter().find_map(|key| object.get(*key)?.as_array());
        let list = list.filter(|list| here.ids.is_empty() && !list.is_empty() && list.iter().all(Value::is_string));
        for word in list.into_iter().flatten().filter_map(Value::as_str) {
            here.ids.extend(self.gather.word(word, None)?);
        }
        Ok(())
    }

    /// Adds what the fields of this object record.
    fn data(&mut self, object: &Map<String, Value>, around: &Around) -> Result<bool, String> {
        let wanted = |role: Role| self.kind.is_none() || self.kind == role.kind();
        let holds = |role: Role, lists_only: bool| {
            let fits = |v: &Value| v.is_array() || (v.is_object() && !lists_only);
            find(object, role, fits).filter(|_| wanted(role))
        };
        let scores = holds(Role::Scores, true);
        let chosen = holds(Role::Selections, false);
        // Scores of all experts are preferred to the chosen experts; scores of the chosen experts only are not.
        let all = scores.filter(|(_, v)| chosen.is_none_or(|(_, ids)| width(v) > width(ids)));
        if let Some((key, scores)) = all {
            return self.scores(key, scores, around).map(|()| true);
        }
        if let Some((key, ids)) = chosen {
            return self.choices(key, ids, around).map(|()| true);
        }
        if let Some((_, counts)) = holds(Role::Loads, false) {
            return self.loads(counts, around).map(|()| true);
        }
        if let Some((_, expert)) = find(object, Role::Expert, |v| !v.is_array() && !v.is_object()) {
            let id = whole(expert).ok_or_else(|| format!("the expert is {}, but must be a number", short(expert)))?;
            let count = find(object, Role::Count, Value::is_number).filter(|_| around.token.is_none());
            let Some((_, count)) = count else { return self.assignment(id, around).map(|()| true) };
            let layer = around.layer();
            let step = around.of.step.unwrap_or(0);
            return self.gather.counted(layer, step, id, count_of(count)?).map(|()| true);
        }
        let series = series(object);
        if series.len() < 2 {
            return Ok(false);
        }
        if around.token.is_some() {
            let mut ids = vec![];
            for (_, value) in series {
                ids.push(if value.is_null() { -1 } else { id_of("expert", value)? });
            }
            self.gather.chose(around.layer(), around.of, &ids)?;
        } else {
            let step = self.step(around.layer(), around.of.step, around.rank.as_deref());
            for (expert, count) in series {
                self.gather.counted(around.layer(), step, expert, count_of(count)?)?;
            }
        }
        Ok(true)
    }

    /// Adds one assignment. The assignments of a token follow one another within a layer.
    fn assignment(&mut self, id: i64, around: &Around) -> Result<(), String> {
        let token = around.token.as_ref().ok_or("an assignment has no token")?;
        let token = format!("{} {token}", around.request);
        let layer = around.layer();
        match self.pending.get_mut(layer) {
            Some(last) if last.token == token && last.of.step == around.of.step => {
                if last.experts.len() > settings::TOP_K.max as usize {
                    return Err(format!("a token has more than {} experts", settings::TOP_K.max));
                }
                last.experts.push(id);
            }
            _ => {
                if self.pending.len() > limits::LAYERS {
                    return Err(format!("it has more than {} layers", limits::LAYERS));
                }
                let next = Pending { token, of: around.of, experts: vec![id] };
                if let Some(last) = self.pending.insert(layer.to_owned(), next) {
                    self.gather.chose(layer, last.of, &last.experts)?;
                }
            }
        }
        Ok(())
    }

    /// Adds chosen experts: of one token `[k]`, of several tokens, of several layers, or of both; or an object of these by layer.
    fn choices(&mut self, key: &str, value: &Value, around: &Around) -> Result<(), String> {
        if let Value::Object(by_layer) = value {
            return by_layer.iter().try_for_each(|(name, value)| {
                let of_layer = Around { layer: Some(layer_from_text(name)), ..around.clone() };
                self.choices(key, list(key, value).map(|_| value)?, &of_layer)
            });
        }
        let layers_first = self.layers_first(key, value, around, RecordedKind::Selections);
        spread(key, value, around, layers_first, &mut |layer, of, row| {
            let ids = list(key, row)?.iter().map(|v| id_of(key, v)).collect::<Result<Vec<i64>, String>>()?;
            self.gather.chose(layer, of, if ids.is_empty() { &[-1] } else { &ids })
        })
    }

    fn scores(&mut self, key: &str, value: &Value, around: &Around) -> Result<(), String> {
        let number = |v: &Value| {
            v.as_f64().map(|x| x as f32).ok_or_else(|| format!("`{key}` holds {}, but must hold numbers", short(v)))
        };
        let layers_first = self.layers_first(key, value, around, RecordedKind::Scores);
        spread(key, value, around, layers_first, &mut |layer, of, row| {
            let row = list(key, row)?.iter().map(number).collect::<Result<Vec<f32>, String>>()?;
            self.gather.scored(layer, of, &row)
        })
    }

    /// Whether the outer of two nested lists is over layers, which is usual for scores, unless a person says otherwise.
    fn layers_first(&mut self, key: &str, value: &Value, around: &Around, kind: RecordedKind) -> bool {
        let usual = kind == RecordedKind::Scores;
        if around.layer.is_some() || depth(value) != 3 || self.layers_first.is_some() {
            return self.layers_first.unwrap_or(usual);
        }
        let (axes, last) = if usual { ("layers, tokens", "experts") } else { ("tokens, layers", "chosen experts") };
        self.note(Question::Axes, format!("the axes of `{key}` are {axes}, {last}"));
        usual
    }

    /// Adds counts: of every expert, of every layer and expert, or of every step as well; or objects of these by expert or layer.
    fn loads(&mut self, value: &Value, around: &Around) -> Result<(), String> {
        match value {
            Value::Object(inner) if inner.values().any(|v| v.is_array() || v.is_object()) => {
                inner.iter().filter(|(_, v)| v.is_array() || v.is_object()).try_for_each(|(name, value)| {
                    let of_layer = Around { layer: Some(layer_from_text(name)), ..around.clone() };
                    self.loads(value, &of_layer)
                })
            }
            Value::Object(experts) => {
                let step = self.step(around.layer(), around.of.step, around.rank.as_deref());
                experts.iter().try_for_each(|(name, count)| {
                    let expert = number_at_end(name).ok_or_else(|| format!("{name:?} is no number of an expert"))?;
                    self.gather.counted(around.layer(), step, expert, count_of(count)?)
                })
            }
            _ if depth(value) > 2 || (depth(value) == 2 && around.layer.is_some()) => {
                list("counts", value)?.iter().try_for_each(|step| self.loads(step, around))
            }
            _ if depth(value) == 2 => list("counts", value)?.iter().enumerate().try_for_each(|(layer, counts)| {
                let of_layer = Around { layer: Some(layer.to_string()), ..around.clone() };
                self.loads(counts, &of_layer)
            }),
            _ => {
                let counts = list("counts", value)?.iter().map(count_of).collect::<Result<Vec<u64>, String>>()?;
                self.counts(around.layer(), around.of.step, around.rank.as_deref(), &counts)
            }
        }
    }

    /// Adds counts of every expert in a step, or in the next step if steps are not numbered.
    pub(super) fn counts(
        &mut self,
        layer: &str,
        step: Option<i64>,
        rank: Option<&str>,
        counts: &[u64],
    ) -> Result<(), String> {
        let step = self.step(layer, step, rank);
        self.gather.counts(layer, step, counts)
    }

    /// The step of a line of counts: the one it names, or the number of earlier lines of its layer and rank.
    fn step(&mut self, layer: &str, step: Option<i64>, rank: Option<&str>) -> i64 {
        if let Some(rank) = rank.filter(|rank| self.ranks.len() < METADATA && !self.ranks.contains(*rank)) {
            self.ranks.insert(rank.to_owned());
        }
        if self.lines.len() > LINES {
            return step.unwrap_or(0);
        }
        let next = self.lines.entry((layer.to_owned(), rank.unwrap_or_default().to_owned())).or_default();
        *next += 1;
        step.unwrap_or(*next - 1)
    }
}

impl Around {
    fn layer(&self) -> &str {
        self.layer.as_deref().unwrap_or("0")
    }

    /// The context with that of an inner object added.
    fn with(&self, object: &Map<String, Value>) -> Result<Self, String> {
        const REQUEST: [&str; 8] =
            ["request_id", "req_id", "request", "seq_id", "sequence_id", "prompt_id", "sample_id", "prompt_idx"];
        let scalar = |v: &Value| v.is_string() || v.is_number();
        let mut here = self.clone();
        if let Some((_, layer)) = find(object, Role::Layer, |v| !v.is_null() && !v.is_array() && !v.is_object()) {
            here.layer = Some(match (layer, whole(layer)) {
                (_, Some(number)) => number.to_string(),
                (Value::String(text), None) => layer_from_text(text),
                _ => return Err(format!("the layer is {}, but must be a number or a name", short(layer))),
            });
        }
        here.of.step = find(object, Role::Step, scalar).and_then(|(_, v)| whole(v)).or(here.of.step);
        here.of.token_id = ["token_id", "input_id"].iter().find_map(|k| whole(object.get(*k)?)).or(here.of.token_id);
        let token = find(object, Role::Token, scalar).or_else(|| find(object, Role::TokenIds, scalar));
        here.token = token.map(|(_, v)| v.to_string()).or(here.token);
        if let Some(request) = REQUEST.iter().find_map(|k| object.get(*k).filter(|v| scalar(v))) {
            here.request = request.to_string();
        }
        here.rank = find(object, Role::Rank, scalar).map(|(_, v)| v.to_string()).or(here.rank);
        if let Some((_, Value::Array(ids))) = find(object, Role::TokenIds, Value::is_array) {
            here.ids = ids.iter().map_while(whole).collect();
        }
        Ok(here)
    }

    /// The step and the token id of one of `tokens` tokens.
    fn of_token(&self, at: usize, tokens: usize) -> Of {
        let id = self.ids.get(at).copied().filter(|_| self.ids.len() == tokens);
        Of { token_id: id.or(self.of.token_id.filter(|_| tokens == 1)), ..self.of }
    }
}

/// Calls `each` with the layer, the token and the values of every innermost list.
fn spread(
    key: &str,
    value: &Value,
    around: &Around,
    layers_first: bool,
    each: &mut impl FnMut(&str, Of, &Value) -> Result<(), String>,
) -> Result<(), String> {
    let outer = list(key, value)?;
    let one_token = around.layer.is_none() && around.token.is_some();
    match depth(value) {
        1 => each(around.layer(), around.of, value),
        2 if one_token => {
            outer.iter().enumerate().try_for_each(|(layer, row)| each(&layer.to_string(), around.of, row))
        }
        2 => {
            let mut tokens = outer.iter().enumerate();
            tokens.try_for_each(|(at, row)| each(around.layer(), around.of_token(at, outer.len()), row))
        }
        // The outer axis is over sequences of tokens.
        3 if around.layer.is_some() => outer.iter().try_for_each(|inner| spread(key, inner, around, false, each)),
        3 => outer.iter().enumerate().try_for_each(|(i, inner)| {
            let inner = list(key, inner)?;
            inner.iter().enumerate().try_for_each(|(j, row)| {
                let (layer, token, tokens) = if layers_first { (i, j, inner.len()) } else { (j, i, outer.len()) };
                each(&layer.to_string(), around.of_token(token, tokens), row)
            })
        }),
        _ => Err(format!("`{key}` is {}, which are lists within lists too deep", short(value))),
    }
}

/// A field of this role that fits; of several, the one whose name is earliest in the list of the role's names.
fn find(object: &Map<String, Value>, role: Role, fits: impl Fn(&Value) -> bool) -> Option<(&str, &Value)> {
    let known = object.iter().filter_map(|(key, value)| Some((role.place(key)?, key.as_str(), value)));
    known.filter(|(_, _, value)| fits(value)).min_by_key(|(place, _, _)| *place).map(|(_, key, value)| (key, value))
}

/// Fields such as `expert_0`, `expert_1`, in order of their numbers.
fn series(object: &Map<String, Value>) -> Vec<(i64, &Value)> {
    let one = |(key, value): (&String, _)| {
        let rest = key.strip_prefix("expert_").or_else(|| key.strip_prefix("expert"))?;
        Some((rest.parse::<u16>().ok().map(i64::from)?, value))
    };
    let mut found: Vec<(i64, &Value)> = object.iter().filter_map(one).collect();
    found.sort_by_key(|(number, _)| *number);
    found
}

fn number_at_end(name: &str) -> Option<i64> {
    let digits = name.trim().rsplit(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// The number of nested lists.
pub(super) fn depth(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(depth).find(|&d| d > 0).unwrap_or(0),
        _ => 0,
    }
}

/// The length of the innermost lists.
fn width(value: &Value) -> usize {
    match value {
        Value::Array(list) => list.iter().find(|v| v.is_array()).map_or(list.len(), width),
        Value::Object(object) => object.values().next().map_or(0, width),
        _ => 0,
    }
}

fn list<'a>(key: &str, value: &'a Value) -> Result<&'a Vec<Value>, String> {
    value.as_array().ok_or_else(|| format!("`{key}` holds {}, but must hold lists", short(value)))
}

/// An integer, which may be written with a decimal point or as text.
pub(super) fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        _ => value.as_i64().or_else(|| {
            let x = value.as_f64().filter(|x| x.fract() == 0.0 && x.abs() < 9e15)?;
            Some(x as i64)
        }),
    }
}

/// A chosen expert: a number, an object that contains one, or null for none.
fn id_of(key: &str, value: &Value) -> Result<i64, String> {
    let inner = value.as_object().and_then(|o| find(o, Role::Expert, Value::is_number).map(|(_, v)| v).or(o.get("id")));
    match inner.unwrap_or(value) {
        Value::Null => Ok(-1),
        id => whole(id).ok_or_else(|| format!("`{key}` holds {}, but must hold whole numbers", short(value))),
    }
}

/// A count: an integer from 0, which may be written with a decimal point.
pub(super) fn count_of(value: &Value) -> Result<u64, String> {
    let whole =
        value.as_u64().or_else(|| value.as_f64().filter(|x| (0.0..1.8e19).contains(x)).map(|x| x.round() as u64));
    whole.ok_or_else(|| format!("a count is {}, but must be a number from 0", short(value)))
}

pub(super) fn short(value: &Value) -> String {
    value.to_string().chars().take(40).collect()
}
