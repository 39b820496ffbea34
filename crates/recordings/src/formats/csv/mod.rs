//! Tables as text: counts of every expert (long or wide), chosen experts or scores, with a header or without one.

mod columns;
mod rows;
mod table;

use super::Format;
use crate::assumption::{Assumption, Question};
use crate::bytes::Bytes;
use crate::error::ReadError;
use crate::recording::Recording;
use crate::rows::Number;
use crate::tensors::{Tensor, interpret};
use crate::{Input, Reading, limits};
use columns::{Columns, Values};
use moebias_model::config::limits as settings;
use moebias_model::settings::reading::RecordedKind;
use std::collections::BTreeMap;
use table::{Separator, Start, Table};

/// A headerless table of numbers with at most this many rows is taken to have a row per layer.
const LAYERS_BY_ROW: usize = 256;
/// The number of first rows by which the meaning of columns `expert_0, …` is judged.
const JUDGED: usize = 64;

/// Text tables.
pub(super) struct Csv;

impl Format for Csv {
    fn name(&self) -> &'static str {
        "CSV"
    }

    fn endings(&self) -> &'static [&'static str] {
        &["csv", "tsv"]
    }

    fn recognises(&self, input: &Input) -> bool {
        let known = |start: Start| header(&start, &Reading::default()).is_some() || is_numbers(&start.first);
        input.ends_with(&[".csv", ".tsv"]) || Start::of(input.first()).is_some_and(known)
    }

    fn read(&self, input: &Input, reading: &Reading) -> Result<Recording, ReadError> {
        let Some(start) = Start::of(input.first()) else {
            let wide = matches!(input.first(), [0xff, 0xfe, ..] | [0xfe, 0xff, ..]);
            let text = if wide { "it is text in UTF-16: save it as UTF-8" } else { "it holds no table" };
            return Err(input.wrong(text));
        };
        let metadata = metadata(&start.comments);
        let mut table = Table::new(input, start.separator)?;
        let header = header(&start, reading);
        if header.as_ref().is_some_and(|h| !h.above) && !table.next()? {
            return Err(input.wrong("it holds no table"));
        }
        let Some(Header { columns, .. }) = header else {
            if is_numbers(&start.first) {
                let all: Vec<usize> = (0..start.first.len()).collect();
                return matrix(input, &all, table, metadata, reading);
            }
            let names: Vec<&str> = start.first.iter().take(20).map(String::as_str).collect();
            let expected = "a layer, an expert and a count, or columns such as expert_0, expert_1";
            return Err(input.wrong(format!("it has no columns for {expected}, only: {}", names.join(", "))));
        };
        let (kind, note) = kind_of(input, &columns, &start, reading);
        if let (Values::Series(series), true) = (&columns.values, columns.is_bare()) {
            // Rows that name neither step nor layer: their meaning can be given like the axes of an array.
            let series: Vec<usize> = series.columns.iter().map(|&(at, _)| at).collect();
            return matrix(input, &series, table, metadata, reading);
        }
        let mut rows = rows::Reader::new(columns, kind, note, reading);
        while table.next()? {
            let (fields, width) = (table.len(), rows.width());
            if fields < width && rows.any() && table.is_torn()? {
                rows.torn(table.line());
                break;
            }
            if fields < width || (width..fields).any(|column| !table.field(column).is_empty()) {
                return Err(table.wrong(0, format!("a row has {fields} fields, but the header has {width}")));
            }
            rows.take(&table).map_err(|(column, text)| table.wrong(column, text))?;
        }
        rows.finish(input, metadata)
    }
}

/// The header of a table.
struct Header {
    columns: Columns,
    /// Whether the header is a comment above the first row.
    above: bool,
}

fn header(start: &Start, reading: &Reading) -> Option<Header> {
    let token_ids = reading.token_ids.as_deref();
    let named = start.first.iter().any(|name| !name.is_empty() && name.parse::<f64>().is_err());
    // A row of numbers is a header only if it counts 0, 1, 2, …, as spreadsheets and data frames number their columns.
    let indexed = start.first.first().is_some_and(String::is_empty);
    let mut numbers = start.first.iter().skip(usize::from(indexed)).enumerate();
    let mut counts = || start.first.len() > 2 && numbers.all(|(at, name)| name.parse() == Ok(at));
    if named || counts() {
        return Columns::of(&start.first, token_ids).map(|columns| Header { columns, above: false });
    }
    let above = start.comments.last()?;
    let names = Separator::of(above.as_bytes()).split(above.as_bytes());
    let fits = is_numbers(&start.first) && names.len() == start.first.len();
    let columns = Columns::of(&names, token_ids).filter(|_| fits)?;
    Some(Header { columns, above: true })
}

fn is_numbers(fields: &[String]) -> bool {
    fields.len() > 1 && fields.iter().all(|f| f.parse::<f64>().is_ok())
}

/// Metadata from comments such as `# top_k: 2`.
fn metadata(comments: &[String]) -> BTreeMap<String, String> {
    let entry = |comment: &String| {
        let (key, value) = comment.split_once([':', '='])?;
        let word = !key.trim().is_empty() && !key.trim().contains(' ');
        word.then(|| (key.trim().to_owned(), value.trim().to_owned()))
    };
    comments.iter().filter_map(entry).collect()
}

/// The kind of the values, and an assumption if the kind is a guess.
fn kind_of(input: &Input, columns: &Columns, start: &Start, reading: &Reading) -> (RecordedKind, Option<Assumption>) {
    let (series, kind) = match &columns.values {
        Values::Series(series) => (&series.columns, series.kind),
        Values::List { kind, .. } => return (*kind, None),
        Values::Choice { .. } if columns.has_tokens() => return (RecordedKind::Selections, None),
        _ => return (RecordedKind::Loads, None),
    };
    if let Some(kind) = kind.or(reading.kind) {
        return (kind, None);
    }
    // Columns `expert_0, expert_1` hold chosen experts or counts of experts.
    if columns.has_tokens() && series.len() <= settings::TOP_K.max as usize {
        return (RecordedKind::Selections, None);
    }
    let rows = || input.first().split(|&b| b == b'\n').skip(1 + start.comments.len()).take(JUDGED);
    let cells = |row: &[u8]| {
        let fields = start.separator.split(row);
        series.iter().map(|&(at, _)| fields.get(at)?.parse::<usize>().ok()).collect::<Option<Vec<usize>>>()
    };
    let chosen = |row: Vec<usize>| {
        let most = settings::EXPERTS.max as usize;
        row.iter().enumerate().all(|(at, id)| *id < most && !row.iter().take(at).any(|other| other == id))
    };
    let many = series.len() <= 16 && rows().filter_map(cells).count() > 8;
    let looks_chosen = columns.step.is_none() && many && rows().filter_map(cells).all(chosen);
    let kind = if looks_chosen { RecordedKind::Selections } else { RecordedKind::Loads };
    let ask = looks_chosen || columns.has_tokens();
    let text = format!("the columns of experts could be counts or chosen experts: {kind} are assumed");
    (kind, ask.then(|| Assumption::open(Question::Kind, text)))
}

/// A table of numbers whose rows have no context, read as an array with two axes.
fn matrix(
    input: &Input,
    columns: &[usize],
    mut table: Table<'_>,
    metadata: BTreeMap<String, String>,
    reading: &Reading,
) -> Result<Recording, ReadError> {
    let width = columns.iter().max().map_or(0, |&last| last + 1);
    let (mut rows, mut bytes, mut counts, mut torn) = (0, vec![], true, None);
    while table.next()? {
        if table.len() < width {
            if rows > 0 && table.is_torn()? {
                torn = Some(table::torn(table.line()));
                break;
            }
            return Err(table.wrong(0, format!("a row has {} fields, but the first one has {width}", table.len())));
        }
        if bytes.len() + 8 * width > limits::IN_MEMORY / 4 {
            return Err(input.wrong(format!("it takes more than {} MiB in memory", limits::IN_MEMORY >> 22)));
        }
        for &column in columns {
            let value = rows::real(table.field(column)).map_err(|text| table.wrong(column, text))?;
            counts &= value >= 0.0 && value.fract() == 0.0;
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        rows += 1;
    }
    let name = if counts && rows <= LAYERS_BY_ROW { "counts" } else { "" };
    let tensor = Tensor::plain(name, Number::F64, vec![rows, columns.len()], Bytes::from(bytes), 0);
    let mut recording = interpret(input, &[tensor], metadata, reading)?;
    recording.damages.extend(torn);
    if name == "counts" && reading.kind.is_none() {
        let text = "the rows of the table are not named: its numbers are taken for counts of experts";
        recording.assumptions.push(Assumption::open(Question::Kind, text));
    }
    Ok(recording)
}
