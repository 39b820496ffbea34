//! Selects the tokens of a layer that are used.

use super::error::ReadError;
use super::facts::Facts;
use super::recording::{Data, Layer, Recording};
use moebias_model::settings::reading::{LeaveOut, Reading};
use std::ops::Range;

/// The tokens that are used, as runs of consecutive rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept(pub Vec<Range<usize>>);

impl Kept {
    /// Applies `tokens` and `leave_out` of the reading. Masked rows are left out later, by the code that reads the scores, which saves a
    /// pass.
    pub(crate) fn of(layer: &Layer, facts: &Facts, reading: &Reading) -> Result<Self, String> {
        let all = layer.tokens();
        let (from, to) = reading.tokens.map_or((0, all), |(a, b)| (clamp(a, all), clamp(b, all)));
        if from >= to && all > 0 {
            let (a, b) = reading.tokens.unwrap_or_default();
            return Err(format!("tokens from {a} to before {b} were asked for, but it has {all}"));
        }
        let mut kept: Vec<Range<usize>> = std::iter::once(from..to).collect();
        for leave_out in &reading.leave_out {
            match *leave_out {
                LeaveOut::Identical => kept = without(&kept, &facts.identical),
                LeaveOut::TokenId(id) => kept = without(&kept, &places(layer, id)?),
            }
        }
        if all > 0 && kept.iter().all(Range::is_empty) {
            return Err("no token is left once everything that was to be left out is left out".into());
        }
        Ok(Self(kept))
    }

    /// The number of tokens.
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(Range::len).sum()
    }

    /// The first tokens, at most `most`.
    pub(crate) fn first(&self, most: usize) -> Self {
        let mut left = most;
        let mut runs = vec![];
        for run in &self.0 {
            let taken = run.len().min(left);
            if taken > 0 {
                runs.push(run.start..run.start + taken);
            }
            left -= taken;
        }
        Self(runs)
    }
}

fn clamp(at: u64, all: usize) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX).min(all)
}

/// Runs of rows with this token id.
fn places(layer: &Layer, id: i64) -> Result<Vec<Range<usize>>, String> {
    if layer.token_ids.is_empty() {
        return Err(format!("tokens with id {id} can't be left out, because no token ids were recorded"));
    }
    let mut found: Vec<Range<usize>> = vec![];
    let each = |row: usize, ids: &[i64]| {
        if ids.first() == Some(&id) {
            match found.last_mut() {
                Some(last) if last.end == row => last.end += 1,
                _ => found.push(row..row + 1),
            }
        }
        Ok::<(), std::io::Error>(())
    };
    layer.token_ids.each(0..layer.token_ids.len(), each).map_err(|e| format!("its token ids can't be read: {e}"))?;
    Ok(found)
}

/// `kept` without `out`; both are sorted.
fn without(kept: &[Range<usize>], out: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut left = vec![];
    for run in kept {
        let mut from = run.start;
        for gap in out.iter().filter(|g| g.end > run.start && g.start < run.end) {
            if gap.start > from {
                left.push(from..gap.start);
            }
            from = from.max(gap.end);
        }
        if from < run.end {
            left.push(from..run.end);
        }
    }
    left
}

/// Whether every score of a token is −∞.
pub(crate) fn is_masked(row: &[f32]) -> bool {
    row.iter().all(|&x| x == f32::NEG_INFINITY)
}

impl Recording {
    /// The tokens of a layer that remain after leaving out what a person wants left out.
    pub(crate) fn kept(&self, layer: &Layer, facts: &Facts, reading: &Reading) -> Result<Kept, ReadError> {
        Kept::of(layer, facts, reading).map_err(|text| ReadError::new(&self.name, text))
    }
}

impl Layer {
    /// Calls `each` with the rows of scores that are used.
    pub(crate) fn each_scored<E: From<std::io::Error>>(
        &self,
        kept: &Kept,
        mut each: impl FnMut(usize, &[f32]) -> Result<(), E>,
    ) -> Result<(), E> {
        let Data::Scores(rows) = &self.data else { return Ok(()) };
        for run in &kept.0 {
            rows.each::<f32, E>(run.clone(), |at, row| if is_masked(row) { Ok(()) } else { each(at, row) })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_cut_out() {
        assert_eq!(without(&[0..10, 20..21], &[0..3, 5..6, 9..12]), vec![3..5, 6..9, 20..21]);
        assert_eq!(without(&[0..4, 6..9], &[2..7, 30..31]), vec![0..2, 7..9]);
        assert_eq!(without(&[0..4, 5..6], &[0..4, 5..7]), vec![]);
        assert_eq!(Kept(vec![3..5, 6..9]).first(3), Kept(vec![3..5, 6..7]));
    }
}
