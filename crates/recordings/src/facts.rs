//! Facts about a layer, collected in one pass over its rows.

use super::error::ReadError;
use super::recording::{Data, Layer, Recording};
use super::runs;
use moebias_model::config::limits;
use std::ops::Range;

/// The largest number of values examined in one layer; the rest is ignored.
const MOST: usize = 1 << 27;

/// Facts about a layer, collected in one pass over its rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// The number of rows examined.
    pub rows: usize,
    /// The number of rows of scores that are all −∞: masked tokens.
    pub masked: usize,
    /// Runs of identical rows that are too long to be chance.
    pub identical: Vec<Range<usize>>,
    /// Token ids in runs that are too long to be chance, with the number of tokens in these runs.
    pub padding: Vec<(i64, usize)>,
    /// The number of rows of scores that add up to 1.
    pub sum_to_one: usize,
    /// The smallest score that is not −∞.
    pub least: f32,
    /// The largest score.
    pub most: f32,
    /// The shortest and the longest list of chosen experts.
    pub choices: Option<(usize, usize)>,
    /// How often each expert was chosen, or the sum of the counts of all steps.
    pub chosen: Vec<u64>,
}

impl Facts {
    /// Examines a layer, at most its first 134 million values.
    ///
    /// # Errors
    /// The file can't be read, or holds a value that is not a number; the message says where.
    pub(crate) fn of(recording: &Recording, layer: &Layer) -> Result<Self, ReadError> {
        let mut facts = Self { least: f32::INFINITY, most: f32::NEG_INFINITY, ..Self::default() };
        let failed = |e: std::io::Error| ReadError::new(&recording.name, format!("it can't be read: {e}"));
        let mut hashes = vec![];
        match &layer.data {
            Data::Scores(rows) => {
                let upto = rows.len().min(MOST / rows.columns().max(1));
                rows.each::<f32, Bad>(0..upto, |at, row| facts.scores(at, row, &mut hashes)).map_err(
                    |bad| match bad {
                        Bad::Read(e) => failed(e),
                        Bad::Value { row, expert, value } => not_a_number(recording, layer, row, expert, value),
                    },
                )?;
            }
            Data::Selections(rows) => {
                facts.chosen = vec![0; layer.experts];
                let upto = rows.len().min(MOST / rows.columns().max(1));
                rows.each::<i64, std::io::Error>(0..upto, |at, row| {
                    // Opening a very large file examines only a part of it.
                    if let Some(id) = row.iter().find(|id| !(-1..limits::EXPERTS.max as i64).contains(*id)) {
                        return Err(std::io::Error::other(format!("row {at} names expert {id}")));
                    }
                    facts.selections(row, &mut hashes);
                    Ok(())
                })
                .map_err(failed)?;
            }
            Data::Loads(counts) => {
                facts.chosen = vec![0; layer.experts];
                for step in counts.chunks_exact(layer.experts.max(1)) {
                    facts.chosen.iter_mut().zip(step).for_each(|(all, &c)| *all = all.saturating_add(c));
                }
            }
        }
        facts.rows = hashes.len();
        facts.identical = runs::unlikely(&hashes);
        if !layer.token_ids.is_empty() {
            let mut ids: Vec<i64> = vec![];
            layer.token_ids.read(0..layer.token_ids.len().min(hashes.len()), &mut ids).map_err(failed)?;
            facts.padding = padding(&ids);
        }
        Ok(facts)
    }

    fn scores(&mut self, at: usize, row: &[f32], hashes: &mut Vec<u64>) -> Result<(), Bad> {
        hashes.push(runs::hash(row.iter().map(|x| u64::from(x.to_bits()))));
        let (mut sum, mut finite) = (0.0, 0);
        for (expert, &value) in row.iter().enumerate() {
            if value == f32::NEG_INFINITY {
                continue;
            }
            if !value.is_finite() {
                return Err(Bad::Value { row: at, expert, value });
            }
            sum += f64::from(value);
            finite += 1;
            self.least = self.least.min(value);
            self.most = self.most.max(value);
        }
        if finite == 0 {
            self.masked += 1;
        } else if (sum - 1.0).abs() < 0.01 && row.iter().all(|&x| (0.0..=1.0).contains(&x)) {
            self.sum_to_one += 1;
        }
        Ok(())
    }

    fn selections(&mut self, row: &[i64], hashes: &mut Vec<u64>) {
        hashes.push(runs::hash(row.iter().map(|&id| id as u64)));
        let mut count = 0;
        for &id in row {
            if let Ok(id) = usize::try_from(id) {
                let experts = self.chosen.len().max(id + 1);
                self.chosen.resize(experts, 0);
                self.chosen[id] += 1;
                count += 1;
            }
        }
        self.choices = Some(self.choices.map_or((count, count), |(least, most)| (least.min(count), most.max(count))));
    }

    /// Whether every row that is not masked adds up to 1, up to rounding.
    #[must_use]
    pub fn adds_up_to_one(&self) -> bool {
        let rows = self.rows - self.masked;
        rows > 0 && self.sum_to_one * 100 >= rows * 99
    }

    /// The number of tokens in runs of identical rows.
    #[must_use]
    pub fn tokens_identical(&self) -> usize {
        self.identical.iter().map(Range::len).sum()
    }
}

/// Why the pass over scores stopped.
enum Bad {
    Read(std::io::Error),
    Value { row: usize, expert: usize, value: f32 },
}

impl From<std::io::Error> for Bad {
    fn from(error: std::io::Error) -> Self {
        Self::Read(error)
    }
}

/// The error of a score that is not a number or is +∞.
pub(crate) fn not_a_number(recording: &Recording, layer: &Layer, row: usize, expert: usize, value: f32) -> ReadError {
    let of = if layer.name.is_empty() { String::new() } else { format!(" of layer {}", layer.name) };
    let what = format!("the score in row {row}, expert {expert}{of} is {value}, but must be a finite number");
    ReadError::new(&recording.name, what)
}

/// Token ids in runs that are too long to be chance, with the number of tokens in these runs.
fn padding(ids: &[i64]) -> Vec<(i64, usize)> {
    let values: Vec<u64> = ids.iter().map(|&id| id as u64).collect();
    let mut found: Vec<(i64, usize)> = vec![];
    for run in runs::unlikely(&values) {
        match found.iter_mut().find(|(id, _)| *id == ids[run.start]) {
            Some((_, tokens)) => *tokens += run.len(),
            None => found.push((ids[run.start], run.len())),
        }
    }
    found
}

impl Recording {
    /// What one pass over a layer shows.
    ///
    /// # Errors
    /// The file can't be read, or holds a value that is not a number; the message says where.
    pub fn facts(&self, layer: &Layer) -> Result<Facts, ReadError> {
        Facts::of(self, layer)
    }
}
