//! Turns the rows of a table with named columns into records.

use super::columns::{Columns, Values};
use super::table::{Table, torn};
use crate::assumption::{Assumption, Question};
use crate::error::ReadError;
use crate::gather::{Gather, Of};
use crate::meta::Meta;
use crate::names::layer_from_text;
use crate::recording::Recording;
use crate::rows::Rows;
use crate::{Input, Reading, limits};
use moebias_model::config::limits as settings;
use moebias_model::settings::reading::RecordedKind;
use std::collections::{BTreeMap, HashMap, HashSet};

/// The largest number of ranks in one table.
const RANKS: usize = 1024;

/// The column of an error, and its message.
type Wrong = (usize, String);

/// Turns rows into records.
pub(super) struct Reader {
    columns: Columns,
    kind: RecordedKind,
    gather: Gather,
    notes: Vec<Assumption>,
    damages: Vec<String>,
    any: bool,
    /// The last layer as text in the table, and its name.
    layer: (String, String),
    /// What has been read of each layer.
    seen: HashMap<String, Seen>,
    ranks: HashSet<i64>,
    /// Whether columns of experts are numbered from 1.
    from_one: bool,
    asked_for_ids: bool,
}

/// What has been read of a layer.
#[derive(Default)]
struct Seen {
    /// The id and the step of the last token.
    last: Option<(i64, Option<i64>)>,
    /// Whether at least one token id cannot be a position, so that all are ids of a vocabulary.
    ids: bool,
    /// A token whose assignments are in rows of their own: its text, its context, and the experts so far.
    pending: Option<(String, Of, Vec<i64>)>,
    /// The step of the next row, by rank.
    next: HashMap<i64, i64>,
    /// The experts with a count.
    counted: Vec<bool>,
}

impl Reader {
    pub(super) fn new(columns: Columns, kind: RecordedKind, note: Option<Assumption>, reading: &Reading) -> Self {
        let from_one = match &columns.values {
            Values::Series(series) if kind == RecordedKind::Loads => {
                series.columns.iter().enumerate().all(|(at, &(_, number))| number == at + 1)
            }
            _ => false,
        };
        Self {
            columns,
            kind,
            gather: Gather::default(),
            notes: note.into_iter().collect(),
            damages: vec![],
            any: false,
            layer: ("0".into(), "0".into()),
            seen: HashMap::new(),
            ranks: HashSet::new(),
            from_one,
            asked_for_ids: reading.token_ids.is_some(),
        }
    }

    /// The number of columns.
    pub(super) fn width(&self) -> usize {
        self.columns.width
    }

    /// Whether a row has been read.
    pub(super) fn any(&self) -> bool {
        self.any
    }

    /// Notes that the last row is cut short.
    pub(super) fn torn(&mut self, line: usize) {
        self.damages.push(torn(line));
    }

    fn note(&mut self, note: Assumption) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Reads the current row.
    pub(super) fn take(&mut self, table: &Table<'_>) -> Result<(), Wrong> {
        self.any = true;
        if let Some(column) = self.columns.layer
            && self.layer.0 != table.field(column)
        {
            let text = table.field(column);
            if text.is_empty() {
                return Err((column, "the layer is missing".into()));
            }
            self.layer = (text.to_owned(), layer_from_text(text));
        }
        let layer = self.layer.1.clone();
        let number = |column: Option<usize>| column.map(|c| whole(table.field(c)).map_err(|e| (c, e))).transpose();
        let step = number(self.columns.step)?;
        match self.kind {
            RecordedKind::Loads => {
                let rank = number(self.columns.rank)?;
                self.ranks.extend(rank);
                if self.ranks.len() > RANKS {
                    return Err((0, format!("it has more than {RANKS} ranks")));
                }
                self.counts(table, &layer, step, rank)
            }
            RecordedKind::Scores => {
                let of = Of { step, token_id: self.token_id(table, &layer, step)? };
                let values = self.cells(table, |text| real(text).map(|x| x as f32))?;
                self.gather.scored(&layer, of, &values).map_err(|e| (0, e))
            }
            RecordedKind::Selections => self.choice(table, &layer, step),
        }
    }

    /// The values of the current row, in the order of the experts or choices.
    fn cells<T>(&self, table: &Table<'_>, read: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, Wrong> {
        match &self.columns.values {
            Values::Series(series) => {
                series.columns.iter().map(|&(c, _)| read(table.field(c)).map_err(|e| (c, e))).collect()
            }
            Values::List { column, .. } => {
                let list = table.field(*column).trim_matches(['[', ']', '(', ')', '{', '}']);
                let parts = list.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '|'));
                let parts = parts.filter(|part| !part.is_empty());
                parts.map(|part| read(part).map_err(|e| (*column, e))).collect()
            }
            _ => Ok(vec![]),
        }
    }

    fn counts(&mut self, table: &Table<'_>, layer: &str, step: Option<i64>, rank: Option<i64>) -> Result<(), Wrong> {
        let (expert, count) = match self.columns.values {
            Values::Count { expert, count } => (expert, self.count(table.field(count)).map_err(|e| (count, e))?),
            Values::Choice { expert } => {
                let text = "the rows name experts but neither tokens nor counts: each row counts once";
                self.note(Assumption::open(Question::Kind, text));
                (expert, 1)
            }
            _ => return self.row_of_counts(table, layer, step, rank),
        };
        let id = whole(table.field(expert)).map_err(|e| (expert, e))?;
        self.gather.counted(layer, step.unwrap_or(0), id, count).map_err(|e| (expert, e))?;
        if step.is_none() && rank.is_none() && matches!(self.columns.values, Values::Count { .. }) {
            let counted = &mut self.seen(layer)?.counted;
            let id = id as usize;
            counted.resize(counted.len().max(id + 1), false);
            if std::mem::replace(&mut counted[id], true) {
                let text = "experts are counted several times in a layer: their counts are added up";
                self.note(Assumption::open(Question::Step, text));
            }
        }
        Ok(())
    }

    fn row_of_counts(
        &mut self,
        table: &Table<'_>,
        layer: &str,
        step: Option<i64>,
        rank: Option<i64>,
    ) -> Result<(), Wrong> {
        let next = self.seen(layer)?.next.entry(rank.unwrap_or(0)).or_default();
        let step = step.unwrap_or(*next);
        *next += 1;
        let values = self.cells(table, |text| if text.is_empty() { Ok(f64::NAN) } else { real(text) })?;
        let experts: Vec<(usize, usize)> = match &self.columns.values {
            Values::Series(series) => {
                series.columns.iter().map(|&(c, number)| (c, number - usize::from(self.from_one))).collect()
            }
            Values::List { column, .. } => (0..values.len()).map(|expert| (*column, expert)).collect(),
            _ => vec![],
        };
        for (value, (column, expert)) in values.into_iter().zip(experts) {
            let count = self.rounded(value).map_err(|e| (column, e))?;
            let expert = i64::try_from(expert).unwrap_or(i64::MAX);
            self.gather.counted(layer, step, expert, count).map_err(|e| (column, e))?;
        }
        Ok(())
    }

    fn count(&mut self, text: &str) -> Result<u64, String> {
        match text.parse() {
            Ok(count) => Ok(count),
            Err(_) => self.rounded(if text.is_empty() { f64::NAN } else { real(text)? }),
        }
    }

    fn rounded(&mut self, value: f64) -> Result<u64, String> {
        if value.is_nan() {
            self.note(Assumption::usual(Question::Values, "empty counts are taken for 0"));
            return Ok(0);
        }
        if !(0.0..1.8e19).contains(&value) {
            return Err(format!("a count is {value}, but must be a number from 0"));
        }
        if value.fract() != 0.0 {
            self.note(Assumption::open(Question::Values, "the counts have fractions: they are rounded"));
        }
        Ok(value.round() as u64)
    }

    fn choice(&mut self, table: &Table<'_>, layer: &str, step: Option<i64>) -> Result<(), Wrong> {
        let Values::Choice { expert } = self.columns.values else {
            let of = Of { step, token_id: self.token_id(table, layer, step)? };
            let ids = self.cells(table, |text| if text.is_empty() { Ok(-1) } else { whole(text) })?;
            return self.gather.chose(layer, of, &ids).map_err(|e| (0, e));
        };
        let id = whole(table.field(expert)).map_err(|e| (expert, e))?;
        let key = [self.columns.token, self.columns.token_id].into_iter().flatten().map(|c| table.field(c));
        let key = key.collect::<Vec<&str>>().join("\t");
        if key.len() > 4096 {
            return Err((0, "the name of a token is too long".into()));
        }
        if let Some((last, of, ids)) = &mut self.seen(layer)?.pending
            && *last == key
            && of.step == step
            && ids.len() < settings::TOP_K.max as usize
        {
            ids.push(id);
            return Ok(());
        }
        let of = Of { step, token_id: self.token_id(table, layer, step)? };
        match self.seen(layer)?.pending.replace((key, of, vec![id])) {
            Some((_, of, ids)) => self.gather.chose(layer, of, &ids).map_err(|e| (expert, e)),
            None => Ok(()),
        }
    }

    fn seen(&mut self, layer: &str) -> Result<&mut Seen, Wrong> {
        if self.seen.len() >= limits::LAYERS && !self.seen.contains_key(layer) {
            return Err((0, format!("it has more than {} layers", limits::LAYERS)));
        }
        Ok(self.seen.entry(layer.to_owned()).or_default())
    }

    /// The token id of the current row; notes whether ids increase as positions do.
    fn token_id(&mut self, table: &Table<'_>, layer: &str, step: Option<i64>) -> Result<Option<i64>, Wrong> {
        let Some(column) = self.columns.token_id else { return Ok(None) };
        // A token may be given as its text.
        let Ok(id) = whole(table.field(column)) else { return Ok(None) };
        let seen = self.seen(layer)?;
        let position = match seen.last {
            None => id == 0,
            Some((last, of)) => last.checked_add(1) == Some(id) || (id == 0 && (last != 0 || of != step)),
        };
        seen.ids |= !position;
        seen.last = Some((id, step));
        Ok(Some(id))
    }

    /// Makes the recording.
    pub(super) fn finish(mut self, input: &Input, metadata: BTreeMap<String, String>) -> Result<Recording, ReadError> {
        for (layer, seen) in &mut self.seen {
            if let Some((_, of, ids)) = seen.pending.take() {
                self.gather.chose(layer, of, &ids).map_err(|e| input.wrong(e))?;
            }
        }
        if self.gather.is_empty() {
            return Err(input.wrong("it holds a header but no rows"));
        }
        let mut recording = self.gather.finish(input, Meta::of(&metadata), metadata)?;
        if self.ranks.len() > 1 {
            let text = format!("the counts of the {} ranks are added up", self.ranks.len());
            self.notes.push(Assumption::usual(Question::Files, text));
        }
        if self.from_one {
            let text = "the columns of experts count from 1: the first one is shown as expert 0";
            self.notes.push(Assumption::open(Question::Values, text));
        }
        let has_ids = recording.layers.iter().any(|layer| !layer.token_ids.is_empty());
        if has_ids && !self.asked_for_ids && self.columns.token.is_none() {
            let text = if self.seen.values().any(|seen| seen.ids) {
                "the token ids do not count up: they are taken for ids in a vocabulary"
            } else {
                recording.layers.iter_mut().for_each(|layer| layer.token_ids = Rows::new(1));
                "the token ids count up from 0: they are taken for positions, not for ids in a vocabulary"
            };
            self.notes.push(Assumption::usual(Question::TokenIds, text));
        }
        recording.assumptions.extend(self.notes);
        recording.damages.extend(self.damages);
        Ok(recording)
    }
}

pub(super) fn whole(text: &str) -> Result<i64, String> {
    let float = || text.parse::<f64>().ok().filter(|x| x.fract() == 0.0 && x.abs() < 9e15).map(|x| x as i64);
    text.parse().ok().or_else(float).ok_or_else(|| format!("{:?} is no whole number", short(text)))
}

/// Parses a number, also with a decimal comma as spreadsheets write it.
pub(super) fn real(text: &str) -> Result<f64, String> {
    let comma = || text.replace(',', ".").parse().ok();
    text.parse().ok().or_else(comma).ok_or_else(|| format!("{:?} is no number", short(text)))
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}
