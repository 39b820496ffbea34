//! Loads a layer of a recording into memory, divided into steps, so that it can be routed or shown.

use super::error::ReadError;
use super::facts::{Facts, not_a_number};
use super::gated::{Stop, ungated};
use super::kept::Kept;
use super::recording::{Data, Layer, Recording};
use super::rows::Rows;
use moebias_model::config::Gate;
use moebias_model::settings::reading::Reading;
use moebias_model::trace::Trace;

/// The largest number of scores of a layer held in memory: 1 GiB as f32.
const MOST_SCORES: usize = 1 << 28;
/// The largest number of scores made from selections, one per token and expert: 256 MiB.
const MOST_MADE: usize = 1 << 26;

/// A layer in memory.
#[derive(Debug)]
pub struct Watched {
    /// The steps.
    pub trace: Trace,
    /// Experts per token.
    pub top_k: u32,
    /// The gate of the router.
    pub gate: Gate,
    /// The number of tokens left out on request or because they are masked.
    pub left_out: usize,
    /// The number of further tokens that are not shown, because the recording is too long or because they do not fill a step.
    pub not_shown: usize,
}

impl Recording {
    /// Loads a layer, without the tokens that are left out, divided into steps of equal size.
    ///
    /// # Errors
    /// The file can't be read, holds a value that is not a number, or nothing is left.
    pub fn watch(&self, layer: &Layer, facts: &Facts, reading: &Reading) -> Result<Watched, ReadError> {
        let loads_only = matches!(layer.data, Data::Loads(_)) || facts.choices.is_some_and(|(a, b)| a < b);
        let top_k = match self.top_k_or_usual(layer, reading) {
            // If K is unknown, each assignment counts as a token.
            _ if loads_only => reading.top_k.or(self.meta.top_k).unwrap_or(1).clamp(1, layer.experts as u32),
            k => k,
        };
        let gate = self.gate(reading);
        let kept = self.kept(layer, facts, reading)?;
        let failed = |e: std::io::Error| ReadError::new(&self.name, format!("it can't be read: {e}"));
        let most = match layer.data {
            Data::Scores(_) => MOST_SCORES,
            _ => MOST_MADE,
        } / layer.experts.max(1);
        let shown = kept.first(most);
        let all = layer.tokens();
        let (mut trace, taken, rows) = match &layer.data {
            Data::Loads(counts) => (Trace::of_counts(layer.experts, counts.clone()), 0, vec![]),
            // Tokens with different numbers of experts can't be replayed by a router with one K: only their loads are shown.
            Data::Selections(rows) if facts.choices.is_some_and(|(a, b)| a < b) => {
                let (steps, tokens) = cut(layer, kept.len());
                let counts = counted(rows, layer.experts, &kept, (steps, tokens)).map_err(failed)?;
                (Trace::of_counts(layer.experts, counts), steps * tokens, vec![])
            }
            Data::Selections(rows) => {
                let mut ids: Vec<i64> = vec![];
                let mut room = vec![];
                for run in &shown.0 {
                    rows.read(run.clone(), &mut room).map_err(failed)?;
                    ids.append(&mut room);
                }
                let (steps, tokens) = cut(layer, shown.len());
                let ids: Vec<u16> = ids.iter().map(|&id| u16::try_from(id).unwrap_or(u16::MAX)).collect();
                let width = rows.columns();
                let trace =
                    Trace::of_selections(steps, tokens, layer.experts, width as u32, &ids[..steps * tokens * width]);
                (trace, steps * tokens, shown.0.iter().cloned().flatten().take(steps * tokens).collect())
            }
            Data::Scores(_) => {
                let mut logits: Vec<f32> = Vec::with_capacity(shown.len() * layer.experts);
                let mut rows = Vec::with_capacity(shown.len());
                let each = |at: usize, row: &[f32]| {
                    if let Some(e) = row.iter().position(|x| x.is_nan() || *x == f32::INFINITY) {
                        return Err(Stop::Value(at, e, row[e]));
                    }
                    rows.push(at);
                    match reading.gated {
                        None => logits.extend_from_slice(row),
                        Some(gated) => logits.extend(row.iter().map(|&x| ungated(gated, x))),
                    }
                    Ok(())
                };
                layer.each_scored::<Stop>(&shown, each).map_err(|stop| match stop {
                    Stop::Read(e) => failed(e),
                    Stop::Value(row, expert, value) => not_a_number(self, layer, row, expert, value),
                })?;
                if rows.is_empty() {
                    return Err(ReadError::new(&self.name, "every row is masked: it holds no tokens"));
                }
                let (steps, tokens) = cut(layer, rows.len());
                logits.truncate(steps * tokens * layer.experts);
                rows.truncate(steps * tokens);
                (Trace::new(steps, tokens, layer.experts, logits), steps * tokens, rows)
            }
        };
        trace.token_ids = self.columns(&layer.token_ids, &rows).map_err(failed)?;
        trace.groups = self.columns(&layer.groups, &rows).map_err(failed)?;
        trace.group_names = self.group_names(&trace.groups);
        trace.learned_bias.clone_from(&layer.bias);
        trace.starts_from_bias = reading.from_bias && !layer.bias.is_empty();
        let left_out = all - kept.len() + if matches!(layer.data, Data::Scores(_)) { facts.masked } else { 0 };
        let left_out = left_out.min(all - taken.min(all));
        Ok(Watched { trace, top_k, gate, left_out, not_shown: all - taken.min(all) - left_out })
    }

    /// The values of a column in these rows.
    fn columns<T: TryFrom<i64> + Default>(&self, column: &Rows, rows: &[usize]) -> std::io::Result<Vec<T>> {
        if column.is_empty() {
            return Ok(vec![]);
        }
        let mut all: Vec<i64> = vec![];
        column.read(0..column.len(), &mut all)?;
        let value = |&row: &usize| all.get(row).and_then(|&v| T::try_from(v).ok()).unwrap_or_default();
        Ok(rows.iter().map(value).collect())
    }

    /// The groups of a layer's tokens, with the number of tokens in each.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn groups(&self, layer: &Layer) -> Result<Vec<(String, u64)>, ReadError> {
        let mut groups: Vec<i64> = vec![];
        let failed = |e: std::io::Error| ReadError::new(&self.name, format!("it can't be read: {e}"));
        layer.groups.read(0..layer.groups.len(), &mut groups).map_err(failed)?;
        let groups: Vec<u32> = groups.iter().map(|&g| u32::try_from(g).unwrap_or(0)).collect();
        let mut counts: Vec<(String, u64)> = self.group_names(&groups).into_iter().map(|name| (name, 0)).collect();
        for group in groups {
            if let Some((_, count)) = counts.get_mut(group as usize) {
                *count += 1;
            }
        }
        Ok(counts)
    }

    fn group_names(&self, groups: &[u32]) -> Vec<String> {
        let named = self.metadata.get("domains").and_then(|text| serde_json::from_str(text).ok());
        let mut names: Vec<String> = named.unwrap_or_default();
        let count = groups.iter().max().map_or(0, |&g| g as usize + 1);
        names.truncate(moebias_model::config::limits::TOPICS.max as usize);
        (names.len()..count).for_each(|i| names.push(format!("group {i}")));
        names
    }
}

/// The number of steps and the tokens per step for this many tokens of a layer.
/// The loads of every step, [steps, experts], of tokens whose numbers of experts differ.
fn counted(rows: &Rows, experts: usize, kept: &Kept, (steps, tokens): (usize, usize)) -> std::io::Result<Vec<u64>> {
    let mut counts = vec![0; steps * experts];
    let mut at = 0;
    for run in &kept.0 {
        rows.each::<i64, std::io::Error>(run.clone(), |_, row| {
            let place = at / tokens * experts;
            let ids = row.iter().filter_map(|&id| usize::try_from(id).ok()).filter(|&id| id < experts);
            ids.for_each(|id| {
                if let Some(count) = counts.get_mut(place + id) {
                    *count += 1;
                }
            });
            at += 1;
            Ok(())
        })?;
    }
    Ok(counts)
}

fn cut(layer: &Layer, tokens: usize) -> (usize, usize) {
    let per_step = layer.cut().1.clamp(1, tokens.max(1));
    ((tokens / per_step).max(1), per_step)
}
