//! Two recordings of the same tokens compared: where their experts differ, for example between inference and training.

use super::error::ReadError;
use super::facts::Facts;
use super::gated::{score, with_recorded_bias};
use super::kept::is_masked;
use super::measure::counted;
use super::recording::{Data, Layer, Recording};
use moebias_model::config::Gate;
use moebias_model::fixed;
use moebias_model::select::{INDEX_BITS, MAX_K, Selector, expert_of};
use moebias_model::settings::reading::{LeaveOut, Reading, RecordedKind};
use serde::Serialize;
use std::ops::Range;

/// Tokens that are in memory at a time.
const BLOCK: usize = 4096;

/// How the chosen experts of two recordings of the same tokens differ. The order of a token's experts does not matter.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Differences {
    /// The layers that both recordings have.
    pub layers: Vec<LayerDifference>,
    /// Tokens that were compared in at least one layer.
    pub tokens: usize,
    /// Tokens whose experts differ in at least one layer.
    pub tokens_differ: usize,
    /// Tokens compared, added up over layers.
    pub pairs: usize,
    /// Pairs of token and layer whose experts differ.
    pub pairs_differ: usize,
    /// What was assumed or left out: sentences.
    pub notes: Vec<String>,
}

/// How the chosen experts of one layer differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerDifference {
    /// The layer, as the first recording names it.
    pub layer: String,
    /// Tokens that were compared.
    pub tokens: usize,
    /// Tokens whose experts differ.
    pub differ: usize,
    /// Assignments of the first recording that the second one does not have.
    pub assignments_differ: usize,
    /// All assignments of the first recording.
    pub assignments: usize,
    /// The first token that differs, by its row.
    pub first: Option<usize>,
    /// How close the choice was; `None` if neither recording has scores.
    pub margin: Option<Margin>,
}

/// How close choices were: the score of the last expert that was chosen, less the score of the first one that was not, both with the
/// recorded bias, where there is one. In units of the gate's score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Margin {
    /// Median over all tokens.
    pub all: f64,
    /// Median over the tokens that differ; `None` if none does.
    pub differ: Option<f64>,
    /// The largest margin of a token that differs.
    pub differ_most: Option<f64>,
}

impl LayerDifference {
    /// The share of tokens whose experts differ.
    #[must_use]
    pub fn share(&self) -> f64 {
        share(self.differ, self.tokens)
    }
}

impl Differences {
    /// The share of tokens whose experts differ in at least one layer.
    #[must_use]
    pub fn share_of_tokens(&self) -> f64 {
        share(self.tokens_differ, self.tokens)
    }

    /// The share of (token, layer) pairs whose experts differ.
    #[must_use]
    pub fn share_of_pairs(&self) -> f64 {
        share(self.pairs_differ, self.pairs)
    }
}

fn share(part: usize, of: usize) -> f64 {
    part as f64 / of.max(1) as f64
}

/// One of the two recordings.
struct Side<'a> {
    recording: &'a Recording,
    reading: &'a Reading,
}

/// The choices of a block of tokens.
#[derive(Default)]
struct Choices {
    /// The experts of each token in rising order, one after another.
    experts: Vec<u16>,
    /// Where the experts of each token end; a token that is masked has none.
    ends: Vec<usize>,
    /// The margin of each token; empty where no scores were recorded.
    margins: Vec<f32>,
}

impl Choices {
    fn of(&self, token: usize) -> &[u16] {
        let from = token.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.experts[from..self.ends[token]]
    }
}

impl Recording {
    /// Compares the chosen experts with those of `other`, token by token and layer by layer, each recording read as its reading says.
    /// Tokens that `reading` leaves out of this recording are left out of both; of a recording with more tokens, those at the end are.
    /// `going` is told the share that is done now and then; `None` is returned once it answers `false`.
    ///
    /// # Errors
    /// A recording holds loads only, a file can't be read, or no layer is in both.
    ///
    /// ```
    /// use moebias_recordings::{Input, Reading, read};
    ///
    /// let open = |second: u32| {
    ///     let text = format!("{{\"layer\": 0, \"topk_ids\": [0, 1]}}\n{{\"layer\": 0, \"topk_ids\": [0, {second}]}}\n");
    ///     read(&Input::memory("log.jsonl", text.into())?, &Reading::default())
    /// };
    /// let plain = Reading::default();
    /// let found = open(2)?.differences(&plain, &open(3)?, &plain, &|_| true)?.expect("it was not stopped");
    /// assert_eq!((found.tokens_differ, found.tokens), (1, 2));
    /// # Ok::<(), moebias_recordings::ReadError>(())
    /// ```
    pub fn differences(
        &self,
        reading: &Reading,
        other: &Self,
        others: &Reading,
        going: &dyn Fn(f64) -> bool,
    ) -> Result<Option<Differences>, ReadError> {
        let sides = [Side { recording: self, reading }, Side { recording: other, reading: others }];
        for side in &sides {
            if side.recording.kind == RecordedKind::Loads {
                let what = "it holds only the loads of the experts: tokens can't be compared";
                return Err(ReadError::new(&side.recording.name, what));
            }
        }
        let mut notes = vec![];
        let pairs = self.common(other, &mut notes);
        if pairs.is_empty() {
            let what = format!("it has no layer in common with {}: {}", other.name, names(self, other));
            return Err(ReadError::new(&self.name, what));
        }
        if sides.iter().any(|s| s.recording.kind == RecordedKind::Scores && s.recording.meta.groups.is_some()) {
            notes.push("the groups of the router in the metadata are ignored: experts are chosen among all".into());
        }
        let most = pairs.iter().map(|(a, b)| a.tokens().min(b.tokens())).max().unwrap_or(0);
        let mut seen = Seen { compared: vec![false; most], differ: vec![false; most] };
        let mut layers = vec![];
        let all = pairs.len() as f64;
        for (at, (a, b)) in pairs.into_iter().enumerate() {
            if at == 0 {
                notes.extend(sides[0].tokens_differ(a, &sides[1], b)?);
            }
            let of_layer = |share: f64| going((at as f64 + share) / all);
            match compare([(&sides[0], a), (&sides[1], b)], &mut seen, &of_layer)? {
                Some(found) => layers.push(found),
                None => return Ok(None),
            }
        }
        let count = |marks: &[bool]| marks.iter().filter(|&&m| m).count();
        Ok(Some(Differences {
            tokens: count(&seen.compared),
            tokens_differ: count(&seen.differ),
            pairs: layers.iter().map(|l| l.tokens).sum(),
            pairs_differ: layers.iter().map(|l| l.differ).sum(),
            layers,
            notes,
        }))
    }

    /// The layers that both recordings have: by name, or by place if the names have nothing in common.
    fn common<'a>(&'a self, other: &'a Self, notes: &mut Vec<String>) -> Vec<(&'a Layer, &'a Layer)> {
        let named: Vec<_> =
            self.layers.iter().filter_map(|a| Some((a, other.layers.iter().find(|b| b.name == a.name)?))).collect();
        let apart = |count: usize, all: usize, name: &str| {
            (count < all).then(|| format!("{} of {name} are not in the other recording", counted(all - count, "layer")))
        };
        if named.is_empty() && self.layers.len() == other.layers.len() {
            notes.push("the layers have different names: they are compared in their order".into());
            return self.layers.iter().zip(&other.layers).collect();
        }
        notes.extend(apart(named.len(), self.layers.len(), &self.name));
        notes.extend(apart(named.len(), other.layers.len(), &other.name));
        named
    }
}

fn names(a: &Recording, b: &Recording) -> String {
    let list = |r: &Recording| {
        let some: Vec<&str> = r.layers.iter().take(8).map(|l| l.name.as_str()).collect();
        let more = if r.layers.len() > some.len() { ", …" } else { "" };
        format!("{}{more}", some.join(", "))
    };
    format!("one has layers {}, the other {}", list(a), list(b))
}

/// Which tokens were compared, and which differ, in any layer.
struct Seen {
    compared: Vec<bool>,
    differ: Vec<bool>,
}

impl Side<'_> {
    fn failed(&self, error: &std::io::Error) -> ReadError {
        ReadError::new(&self.recording.name, format!("it can't be read: {error}"))
    }

    /// How the model chose: with the bias that it had learned, where it was recorded.
    fn selector(&self, layer: &Layer) -> Selector {
        let gate = self.recording.gate(self.reading);
        with_recorded_bias(layer, gate).unwrap_or_else(|| Selector::unbiased(layer.experts))
    }

    /// Sentences about tokens that are not the same in both.
    fn tokens_differ(&self, layer: &Layer, other: &Self, others: &Layer) -> Result<Vec<String>, ReadError> {
        let mut notes = vec![];
        let (a, b) = (layer.tokens(), others.tokens());
        if a != b {
            notes.push(format!("they have {a} and {b} tokens: the first {} are compared", a.min(b)));
        }
        let most = layer.token_ids.len().min(others.token_ids.len());
        for from in (0..most).step_by(BLOCK) {
            let rows = from..most.min(from + BLOCK);
            let (mut ours, mut theirs): (Vec<i64>, Vec<i64>) = (vec![], vec![]);
            layer.token_ids.read(rows.clone(), &mut ours).map_err(|e| self.failed(&e))?;
            others.token_ids.read(rows, &mut theirs).map_err(|e| other.failed(&e))?;
            if let Some(at) = (0..ours.len()).find(|&i| ours[i] != theirs[i]) {
                let (a, b) = (ours[at], theirs[at]);
                notes.push(format!(
                    "token {} has id {a} in one and {b} in the other: are they the same tokens?",
                    from + at
                ));
                break;
            }
        }
        Ok(notes)
    }

    /// The choices of some tokens.
    fn choices(&self, layer: &Layer, selector: &Selector, rows: Range<usize>) -> Result<Choices, ReadError> {
        let mut found = Choices::default();
        match &layer.data {
            Data::Loads(_) => {}
            Data::Selections(all) => {
                let mut ids: Vec<i64> = vec![];
                all.read(rows, &mut ids).map_err(|e| self.failed(&e))?;
                for row in ids.chunks_exact(all.columns()) {
                    found.token(row.iter().filter_map(|&id| u16::try_from(id).ok()));
                }
            }
            Data::Scores(all) => {
                let (gate, first) = (self.recording.gate(self.reading), rows.start);
                let k = self.recording.top_k_or_usual(layer, self.reading) as usize;
                let mut values: Vec<f32> = vec![];
                all.read(rows, &mut values).map_err(|e| self.failed(&e))?;
                for (row, values) in values.chunks_exact(all.columns()).enumerate() {
                    if is_masked(values) {
                        found.token(std::iter::empty());
                        found.margins.push(f32::NAN);
                    } else {
                        let top = Chosen { gate, selector, k };
                        let wrong = |(e, v)| super::facts::not_a_number(self.recording, layer, first + row, e, v);
                        top.of(values, self.reading.gated, &mut found).map_err(wrong)?;
                    }
                }
            }
        }
        Ok(found)
    }
}

impl Choices {
    fn token(&mut self, experts: impl Iterator<Item = u16>) {
        let from = self.experts.len();
        self.experts.extend(experts);
        self.experts[from..].sort_unstable();
        self.ends.push(self.experts.len());
    }
}

/// How scores become choices.
struct Chosen<'a> {
    gate: Gate,
    selector: &'a Selector,
    k: usize,
}

impl Chosen<'_> {
    fn of(&self, row: &[f32], gated: Option<Gate>, found: &mut Choices) -> Result<(), (usize, f32)> {
        let mut scores = Vec::with_capacity(row.len());
        score(row, self.gate, gated, &mut scores)?;
        let mut top = [0; MAX_K];
        let one_more = (self.k + 1).min(row.len()).min(MAX_K);
        self.selector.top_k(&scores, one_more, &mut top);
        found.token(top[..self.k].iter().map(|&key| expert_of(key) as u16));
        let value = |place: usize| top[place] >> INDEX_BITS;
        let margin = (one_more > self.k)
            .then(|| (self.gate.unit() * fixed::from_score(value(self.k - 1) - value(self.k))) as f32);
        found.margins.push(margin.unwrap_or(f32::NAN));
        Ok(())
    }
}

fn compare(
    sides: [(&Side<'_>, &Layer); 2],
    seen: &mut Seen,
    going: &dyn Fn(f64) -> bool,
) -> Result<Option<LayerDifference>, ReadError> {
    let [(a, layer), (b, others)] = sides;
    let most = layer.tokens().min(others.tokens());
    // Only runs of identical rows need a pass over the layer before.
    let identical = a.reading.leave_out.contains(&LeaveOut::Identical);
    let facts = if identical { a.recording.facts(layer)? } else { Facts::default() };
    let kept = a.recording.kept(layer, &facts, a.reading)?;
    let selectors = [a.selector(layer), b.selector(others)];
    let mut found = LayerDifference {
        layer: layer.name.clone(),
        tokens: 0,
        differ: 0,
        assignments_differ: 0,
        assignments: 0,
        first: None,
        margin: None,
    };
    let mut margins = [vec![], vec![]];
    for run in &kept.0 {
        for from in (run.start..run.end.min(most)).step_by(BLOCK) {
            if !going(from as f64 / most as f64) {
                return Ok(None);
            }
            let rows = from..run.end.min(most).min(from + BLOCK);
            let ours = a.choices(layer, &selectors[0], rows.clone())?;
            let theirs = b.choices(others, &selectors[1], rows.clone())?;
            let known = if ours.margins.is_empty() { &theirs.margins } else { &ours.margins };
            for (token, row) in rows.enumerate() {
                let (one, two) = (ours.of(token), theirs.of(token));
                if one.is_empty() || two.is_empty() {
                    continue;
                }
                let differ = one != two;
                found.take(row, one, two);
                seen.compared[row] = true;
                seen.differ[row] |= differ;
                if let Some(&margin) = known.get(token).filter(|m| !m.is_nan()) {
                    margins[0].push(margin);
                    margins[1].extend(differ.then_some(margin));
                }
            }
        }
    }
    let [mut all, mut differ] = margins;
    found.margin = median(&mut all).map(|all| Margin {
        all,
        differ: median(&mut differ),
        differ_most: differ.iter().copied().reduce(f32::max).map(f64::from),
    });
    Ok(Some(found))
}

impl LayerDifference {
    fn take(&mut self, row: usize, one: &[u16], two: &[u16]) {
        self.tokens += 1;
        self.assignments += one.len();
        if one != two {
            self.differ += 1;
            self.assignments_differ += one.iter().filter(|e| two.binary_search(e).is_err()).count();
            self.first.get_or_insert(row);
        }
    }
}

/// The median; of an even number of values, the lower one of the two in the middle.
fn median(values: &mut [f32]) -> Option<f64> {
    let middle = values.len().checked_sub(1)? / 2;
    let (_, median, _) = values.select_nth_unstable_by(middle, f32::total_cmp);
    Some(f64::from(*median))
}
