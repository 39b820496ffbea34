//! Joins several files into one recording.

use super::assumption::{Assumption, Question};
use super::error::ReadError;
use super::names;
use super::recording::{Data, Layer, Recording, Words};
use super::rows::Rows;
use moebias_model::settings::reading::Reading;

/// Joins recordings in order: layers of different names are kept side by side; layers of the same name are appended, or added up.
pub(crate) fn join(all: Vec<Recording>, reading: &Reading) -> Result<Recording, ReadError> {
    let count = all.len();
    let mut all = all.into_iter();
    let Some(mut first) = all.next() else { return Err(ReadError::new("no file", "nothing to read was named")) };
    let mut followed = false;
    for mut other in all {
        agree_on_words(&mut first, &mut other);
        if other.kind != first.kind {
            let text = format!("it holds {}, but {} holds {}", other.kind, first.name, first.kind);
            return Err(ReadError::new(&other.name, text));
        }
        for layer in other.layers {
            match first.layers.iter_mut().find(|l| l.name == layer.name) {
                None => first.layers.push(layer),
                Some(mine) => {
                    followed = true;
                    let what = |text: String| ReadError::new(&other.name, text);
                    if reading.sum { add(mine, &layer).map_err(what)? } else { follow(mine, layer).map_err(what)? }
                }
            }
        }
        first.meta.or(&other.meta);
        first.damages.extend(other.damages.into_iter().map(|d| format!("{}: {d}", other.name)));
        let known: Vec<Assumption> = first.assumptions.clone();
        first.assumptions.extend(other.assumptions.into_iter().filter(|a| !known.contains(a)));
    }
    if followed && !reading.sum {
        let text = format!("the {count} files follow one another in the order in which they were named");
        first.assumptions.push(Assumption::open(Question::Files, text));
    }
    first.layers.sort_by_cached_key(|l| names::order(&l.name));
    Ok(first)
}

/// Files that spell out their tokens may have given other ids to the same words: then neither words nor ids are kept.
fn agree_on_words(first: &mut Recording, other: &mut Recording) {
    let within = |r: &Recording| matches!(r.words, Some(Words::Within(_)));
    if first.words == other.words || !(within(first) || within(other)) {
        return;
    }
    for recording in [&mut *first, other] {
        recording.words = None;
        recording.layers.iter_mut().for_each(|l| l.token_ids = Rows::new(1));
        recording.assumptions.retain(|a| !a.text.starts_with("the words of the tokens"));
    }
    let text = "the files spell their tokens out with different ids, so the words are not shown";
    first.assumptions.push(Assumption::usual(Question::Values, text));
}

/// Adds the counts of another rank.
fn add(mine: &mut Layer, other: &Layer) -> Result<(), String> {
    // A rank that never used the last experts may not mention them.
    if let (Data::Loads(a), Data::Loads(b)) = (&mut mine.data, &other.data) {
        let (wide, of) = (mine.experts.max(other.experts), a.len() / mine.experts.max(1));
        if of != b.len() / other.experts.max(1) {
            return Err(format!(
                "layer “{}” has other steps than in the file before, so the counts can't be added",
                mine.name
            ));
        }
        let mut sum = vec![0u64; wide * of];
        for (counts, experts) in [(&*a, mine.experts), (b, other.experts)] {
            for (step, row) in counts.chunks_exact(experts.max(1)).enumerate() {
                row.iter().zip(&mut sum[step * wide..]).for_each(|(&c, s)| *s = s.saturating_add(c));
            }
        }
        (*a, mine.experts) = (sum, wide);
        return Ok(());
    }
    Err("only counts can be added up".into())
}

/// Appends the steps of another file.
fn follow(mine: &mut Layer, other: Layer) -> Result<(), String> {
    match (&mut mine.data, other.data) {
        (Data::Scores(a), Data::Scores(b)) if a.columns() == b.columns() => a.append(b),
        (Data::Selections(a), Data::Selections(b)) if a.columns() == b.columns() => {
            a.append(b);
            mine.experts = mine.experts.max(other.experts);
        }
        (Data::Loads(a), Data::Loads(b)) if mine.experts == other.experts => a.extend(b),
        _ => return Err(format!("layer “{}” has another width than in the file before", mine.name)),
    }
    mine.token_ids.append(other.token_ids);
    Ok(())
}
