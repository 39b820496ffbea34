//! Arrays that accompany the recorded ones: the learned bias, token ids, groups, and the padding mask.

use super::assumption::{Assumption, Question};
use super::names::{self, Role};
use super::recording::{Data, Layer, Steps};
use super::rows::Rows;
use super::tensor::{Tensor, Wrong};
use moebias_model::config::limits as settings;
use moebias_model::settings::reading::Reading;
use std::ops::Range;

/// The largest number of runs of tokens that a mask may keep in one layer.
const RUNS: usize = 1 << 20;

/// Adds the learned bias, the token ids and the groups that belong to a layer, and leaves out what a mask marks as padding. `index` is the
/// place of the layer among `layers`.
pub(crate) fn add_companions(
    layer: &mut Layer,
    (index, layers): (usize, usize),
    tensors: &[Tensor],
    reading: &Reading,
    notes: &mut Vec<Assumption>,
) -> Result<(), String> {
    let belongs = |t: &&Tensor| {
        let of = names::layer_of(&t.name).or_else(|| t.name.split_once('.').map(|(_, rest)| rest.to_owned()));
        of.is_none() || of.as_deref() == Some(layer.name.as_str())
    };
    let of_role = |role: Role| {
        let mut found = tensors.iter().filter(|t| Role::of_array(&t.name) == Some(role));
        found.find(belongs).filter(|t| role == Role::Bias || !t.number.is_float())
    };
    let mut note = |about, text: String| {
        if notes.iter().all(|n| n.text != text) {
            notes.push(Assumption::open(about, text));
        }
    };
    if let Some(bias) = of_role(Role::Bias) {
        match learned(bias, layer.experts, index, layers) {
            Ok(bias) => layer.bias = bias,
            // The file may hold model weights, which contain biases of other parts.
            Err(e) if bias.name.split('.').next() != Some("bias") => {
                note(Question::Values, format!("{e}: it is not used"));
            }
            Err(e) => return Err(e),
        }
    }
    let most = i64::from(i32::MAX);
    if let Some(name) = &reading.token_ids {
        let named =
            tensors.iter().find(|t| t.name == *name).ok_or_else(|| format!("it has no array `{name}` of token ids"))?;
        layer.token_ids = column(named, layer.tokens(), most)?;
    } else if let Some(ids) = of_role(Role::TokenIds) {
        match column(ids, layer.tokens(), most) {
            Ok(rows) => layer.token_ids = rows,
            Err(e) => note(Question::TokenIds, format!("{e}: it is not used")),
        }
    }
    if let Some(groups) = of_role(Role::Domain) {
        match column(groups, layer.tokens(), settings::TOPICS.max as i64 - 1) {
            Ok(rows) => layer.groups = rows,
            Err(e) => note(Question::Values, format!("{e}: it is not used")),
        }
    }
    if let Some(mask) = of_role(Role::Mask) {
        let tokens = layer.tokens();
        let text = match unmasked(mask, tokens) {
            Ok(kept) => leave_padding_out(layer, mask, &kept),
            Err(e) => Some(format!("{e}: it is not used")),
        };
        text.into_iter().for_each(|text| note(Question::Values, text));
    }
    Ok(())
}

/// The learned bias of a layer, from an array for one layer or for all layers.
fn learned(bias: &Tensor, experts: usize, index: usize, layers: usize) -> Result<Vec<f64>, String> {
    bias.check()?;
    let values = match *bias.shape.as_slice() {
        [n] if n == experts => bias.sample(experts),
        [l, n] if l == layers && n == experts => {
            let mut values = vec![];
            let failed = |e| format!("`{}` can't be read: {e}", bias.name);
            bias.rows(&[0], 1, &[]).read(index..index + 1, &mut values).map_err(failed)?;
            values
        }
        _ => vec![],
    };
    if values.len() != experts {
        return Err(format!("`{}` has shape {:?}, but must be [{experts}] to fit the experts", bias.name, bias.shape));
    }
    // The same bounds as for a start state.
    if let Some(b) = values.iter().find(|b| b.is_nan() || b.abs() > 1_048_576.0) {
        return Err(format!("`{}` holds {b}, but a bias must be from -1048576 to 1048576", bias.name));
    }
    Ok(values)
}

/// The runs of tokens that a mask keeps.
fn unmasked(mask: &Tensor, tokens: usize) -> Result<Vec<Range<usize>>, String> {
    let rows = column(mask, tokens, 1)?;
    let mut runs: Vec<Range<usize>> = vec![];
    rows.each::<i64, Wrong>(0..tokens, |row, value| {
        let known = runs.len();
        match runs.last_mut() {
            _ if value.first() != Some(&1) => {}
            Some(last) if last.end == row => last.end += 1,
            _ if known >= RUNS => return Err(Wrong(format!("`{}` has more than {RUNS} runs", mask.name))),
            _ => runs.push(row..row + 1),
        }
        Ok(())
    })
    .map_err(|e| e.0)?;
    if runs.is_empty() { Err(format!("`{}` marks every token as padding", mask.name)) } else { Ok(runs) }
}

/// Leaves out the tokens outside `kept`. Returns a sentence about it if there are any.
fn leave_padding_out(layer: &mut Layer, mask: &Tensor, kept: &[Range<usize>]) -> Option<String> {
    let (all, left) = (layer.tokens(), kept.iter().map(Range::len).sum::<usize>());
    if all == left {
        return None;
    }
    match &mut layer.data {
        Data::Scores(rows) | Data::Selections(rows) => *rows = rows.only(kept),
        Data::Loads(_) => return None,
    }
    layer.token_ids = layer.token_ids.only(kept);
    layer.groups = layer.groups.only(kept);
    layer.steps = Steps::Unknown;
    Some(format!("`{}` marks {} of {all} tokens as padding: they are left out", mask.name, all - left))
}

/// Reads one integer from 0 to `most` per token.
fn column(tensor: &Tensor, tokens: usize, most: i64) -> Result<Rows, String> {
    tensor.check()?;
    let name = &tensor.name;
    if tensor.elements() != tokens {
        return Err(format!(
            "`{name}` has shape {:?}, but must have {tokens} elements to fit the tokens",
            tensor.shape
        ));
    }
    let last = tensor.shape.len();
    let flat = tensor.with_last_axis();
    let free: Vec<usize> = (0..last).collect();
    let rows = flat.rows(&free, last, &[]);
    rows.each::<i64, Wrong>(0..tokens, |row, value| match value.first() {
        Some(v) if (0..=most).contains(v) => Ok(()),
        Some(v) => Err(Wrong(format!("`{name}` holds {v} in row {row}, but must hold numbers from 0 to {most}"))),
        None => Ok(()),
    })
    .map_err(|e| e.0)?;
    Ok(rows)
}
