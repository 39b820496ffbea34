//! Makes a recording of named arrays: determines what each array holds, and what its axes mean.

use super::assumption::{Assumption, Question};
use super::axes::{Axis, axes_of};
use super::companions::add_companions;
use super::error::ReadError;
use super::meta::Meta;
use super::names::{self, Role};
use super::recording::{Data, Layer, Recording, Steps};
use super::rows::Rows;
use super::tensor::WIDEST;
pub(crate) use super::tensor::{Tensor, Wrong};
use super::{Input, limits};
use moebias_model::settings::reading::{Reading, RecordedKind};
use std::collections::BTreeMap;

/// The number of values in an array of selections that are searched for the largest expert.
const LOOKED_AT: usize = 1 << 26;
/// The same if the number of experts is known.
const LOOKED_AT_IF_DECLARED: usize = 1 << 23;

/// Makes a recording of the arrays of a file.
pub(crate) fn interpret(
    input: &Input,
    tensors: &[Tensor],
    metadata: BTreeMap<String, String>,
    reading: &Reading,
) -> Result<Recording, ReadError> {
    let wrong = |text: String| input.wrong(text);
    let meta = Meta::of(&metadata);
    let mut notes = vec![];
    let tensors: Vec<Tensor> = tensors.iter().filter(|t| t.elements() > 0).cloned().collect();
    let tensors = tensors.as_slice();
    let main = main_arrays(tensors, reading, &mut notes).map_err(wrong)?;
    let mut layers: Vec<Layer> = vec![];
    for (tensor, role) in main {
        tensor.check().map_err(wrong)?;
        let kind = role.kind().unwrap_or(RecordedKind::Scores);
        let own = names::layer_of(&tensor.name);
        let own = own.or_else(|| named_suffix(&tensor.name));
        let axes = axes_of(tensor, kind, own.is_some(), reading, &mut notes).map_err(wrong)?;
        let single = own.clone().or_else(|| meta.layer.clone()).unwrap_or_default();
        let declared = reading.experts.or(meta.experts).is_some();
        let made = layers_of(tensor, kind, &axes, (&single, declared), &mut notes).map_err(wrong)?;
        if layers.len() + made.len() > limits::LAYERS {
            return Err(wrong(format!("it has more than {} layers", limits::LAYERS)));
        }
        layers.extend(made);
    }
    layers.sort_by_cached_key(|l| names::order(&l.name));
    if let Some(twice) = layers.windows(2).find(|w| w[0].name == w[1].name) {
        return Err(wrong(format!("it holds layer “{}” more than once", twice[0].name)));
    }
    let count = layers.len();
    for (index, layer) in layers.iter_mut().enumerate() {
        super::recording::check_limits(layer).map_err(wrong)?;
        add_companions(layer, (index, count), tensors, reading, &mut notes).map_err(wrong)?;
    }
    let mut recording = Recording::new(layers);
    (recording.meta, recording.metadata, recording.assumptions) = (meta, metadata, notes);
    Ok(recording)
}

/// The name after the first dot of `logits.NAME`, if it contains no number.
fn named_suffix(name: &str) -> Option<String> {
    let (first, rest) = name.split_once('.')?;
    (Role::Scores.is(first) && !rest.is_empty()).then(|| rest.to_owned())
}

/// The arrays with recorded values, all of one kind: scores are preferred to selections, and these to loads.
fn main_arrays<'a>(
    tensors: &'a [Tensor],
    reading: &Reading,
    notes: &mut Vec<Assumption>,
) -> Result<Vec<(&'a Tensor, Role)>, String> {
    const KINDS: [Role; 3] = [Role::Scores, Role::Selections, Role::Loads];
    let wanted = |role: Role| reading.kind.is_none() || reading.kind == role.kind();
    for role in KINDS.into_iter().filter(|&r| wanted(r)) {
        let mut found: Vec<&Tensor> =
            tensors.iter().filter(|t| t.shape.len() > 1 && Role::of_array(&t.name) == Some(role)).collect();
        if role == Role::Loads && found.is_empty() {
            found = tensors.iter().filter(|t| t.shape.len() == 1 && Role::of_array(&t.name) == Some(role)).collect();
        }
        // Model weights may have such names, but are not counts.
        found.retain(|t| role != Role::Loads || reading.kind.is_some() || are_counts(t));
        if !found.is_empty() {
            return Ok(found.into_iter().map(|t| (t, role)).collect());
        }
    }
    // No name says so: a single array is judged by its numbers.
    let candidates: Vec<&Tensor> = tensors
        .iter()
        .filter(|t| t.shape.len() > 1 && (Role::of_array(&t.name).is_none() || tensors.len() == 1))
        .collect();
    let [only] = candidates.as_slice() else {
        let names: Vec<&str> = tensors.iter().map(|t| t.name.as_str()).take(20).collect();
        let none = "no array whose name says that it holds router logits, chosen experts or counts";
        return Err(format!("it holds {none}, only: {}", names.join(", ")));
    };
    let role = match reading.kind {
        Some(kind) => KINDS.into_iter().find(|r| r.kind() == Some(kind)).unwrap_or(Role::Scores),
        None => {
            let role = guess(only);
            let name = role.kind().map_or("", RecordedKind::name);
            notes.push(Assumption::open(
                Question::Kind,
                format!("the array has no name: from its numbers, it holds {name}"),
            ));
            role
        }
    };
    Ok(vec![(only, role)])
}

fn are_counts(tensor: &Tensor) -> bool {
    tensor.sample(1 << 14).iter().all(|&x| x >= 0.0 && x.fract() == 0.0)
}

fn guess(tensor: &Tensor) -> Role {
    let sample = tensor.sample(1 << 16);
    if sample.iter().any(|x| x.fract() != 0.0 || !x.is_finite()) {
        return Role::Scores;
    }
    let width = tensor.shape.last().copied().unwrap_or(1).max(1);
    let distinct = |row: &[f64]| (1..row.len()).all(|i| row[i] == -1.0 || !row[..i].contains(&row[i]));
    let many = tensor.elements() / width >= 8;
    let ids = sample.iter().all(|x| (-1.0..1024.0).contains(x));
    if many && width <= 32 && sample.chunks_exact(width).all(distinct) && ids {
        Role::Selections
    } else if sample.iter().all(|&x| x >= 0.0) {
        Role::Loads
    } else {
        Role::Scores
    }
}

/// Divides an array into layers. `single` is the name of the only layer if the array has no axis of layers; `declared` says whether the
/// number of experts is known.
fn layers_of(
    tensor: &Tensor,
    kind: RecordedKind,
    axes: &[Axis],
    (single, declared): (&str, bool),
    notes: &mut Vec<Assumption>,
) -> Result<Vec<Layer>, String> {
    let at = |axis: Axis| axes.iter().position(|&a| a == axis);
    let Some(columns) = at(Axis::Expert) else { return Err("no axis is that of experts".into()) };
    let count = at(Axis::Layer).map_or(1, |axis| tensor.shape[axis]);
    if tensor.shape[columns] > WIDEST {
        return Err(format!("`{}` has shape {:?}, which is too wide for experts", tensor.name, tensor.shape));
    }
    if count > limits::LAYERS || tensor.shape.contains(&0) {
        return Err(format!(
            "`{}` has shape {:?}, but must hold something, of at most {} layers",
            tensor.name,
            tensor.shape,
            limits::LAYERS
        ));
    }
    let mut free: Vec<usize> = vec![];
    for axis in [Axis::Step, Axis::Batch, Axis::Token] {
        free.extend((0..axes.len()).filter(|&i| axes[i] == axis));
    }
    if kind == RecordedKind::Loads {
        free.extend(at(Axis::Rank));
    }
    let steps = at(Axis::Step).map(|axis| tensor.shape[axis]);
    let experts = if kind == RecordedKind::Selections { largest(tensor, declared, notes)? + 1 } else { 0 };
    let mut layers = vec![];
    for index in 0..count {
        let fixed: Vec<(usize, usize)> = at(Axis::Layer).map(|axis| (axis, index)).into_iter().collect();
        let pieces: usize = free.iter().take(free.len().saturating_sub(1)).map(|&a| tensor.shape[a]).product();
        if pieces > 1 << 22 {
            return Err(format!("`{}` has shape {:?}, which is cut into too many pieces", tensor.name, tensor.shape));
        }
        let rows = tensor.rows(&free, columns, &fixed);
        let name = if at(Axis::Layer).is_some() { index.to_string() } else { single.to_owned() };
        layers.push(match kind {
            RecordedKind::Scores => {
                if !tensor.number.is_float() {
                    return Err(format!(
                        "`{}` holds {:?}, but scores must be floating-point numbers",
                        tensor.name, tensor.number
                    ));
                }
                let tokens = rows.len();
                Layer::new(
                    name,
                    rows.columns(),
                    Data::Scores(rows),
                    steps.map_or(Steps::Unknown, |s| Steps::Of(tokens / s.max(1))),
                )
            }
            RecordedKind::Selections => {
                let tokens = rows.len();
                Layer::new(
                    name,
                    experts,
                    Data::Selections(rows),
                    steps.map_or(Steps::Unknown, |s| Steps::Of(tokens / s.max(1))),
                )
            }
            RecordedKind::Loads => loads(&rows, steps.unwrap_or(1), &name, tensor, notes)?,
        });
    }
    Ok(layers)
}

/// The largest expert in selections, where −1 marks a missing choice. Only a part of a very large array is searched, and also of a large
/// one if the number of experts is known.
fn largest(tensor: &Tensor, declared: bool, notes: &mut Vec<Assumption>) -> Result<usize, String> {
    let most = moebias_model::config::limits::EXPERTS.max as i64;
    let (rows, order) = tensor.in_storage_order();
    let (chunk, all) = (rows.chunk(), rows.len());
    let budget = if declared { LOOKED_AT_IF_DECLARED } else { LOOKED_AT };
    let chunks = all.div_ceil(chunk);
    let looked_at = (budget / (chunk * rows.columns()).max(1)).clamp(1, chunks.max(1));
    let (mut largest, mut room) = (-1, vec![]);
    for at in 0..looked_at {
        // Chunks are spread evenly over the array and cover all of it if the limit allows.
        let from = (at * chunks / looked_at) * chunk;
        let to = (from + chunk).min(all);
        rows.read::<i64>(from..to, &mut room).map_err(|e| format!("`{}` can't be read: {e}", tensor.name))?;
        if let Some(at) = room.iter().position(|&id| !(-1..most).contains(&id)) {
            let shown =
                if room[at] == i64::MIN { "a value that is no whole number".into() } else { room[at].to_string() };
            let place = place(tensor, &order, from * rows.columns() + at);
            let name = &tensor.name;
            return Err(format!("`{name}` holds {shown} at {place:?}, but must hold experts from 0 to {}", most - 1));
        }
        largest = room.iter().copied().max().unwrap_or(-1).max(largest);
    }
    if looked_at < chunks && !declared {
        let text = format!("the largest expert was looked for in {looked_at} of {chunks} parts of `{}`", tensor.name);
        notes.push(Assumption::open(Question::Experts, text));
    }
    Ok(largest.max(1) as usize)
}

/// The indices of element number `at` if the axes are in this order.
fn place(tensor: &Tensor, order: &[usize], mut at: usize) -> Vec<usize> {
    let mut place = vec![0; order.len()];
    for &axis in order.iter().rev() {
        let length = tensor.shape[axis].max(1);
        place[axis] = at % length;
        at /= length;
    }
    place
}

fn loads(rows: &Rows, steps: usize, name: &str, tensor: &Tensor, notes: &mut Vec<Assumption>) -> Result<Layer, String> {
    let experts = rows.columns();
    let per_step = (rows.len() / steps.max(1)).max(1);
    if steps.saturating_mul(experts) > limits::IN_MEMORY / 8 {
        return Err(format!("`{}` has shape {:?}, too much for counts", tensor.name, tensor.shape));
    }
    let (mut counts, mut rounded) = (vec![0u64; steps * experts], false);
    rows.each::<f64, Wrong>(0..steps * per_step, |row, values| {
        for (expert, (&value, count)) in values.iter().zip(&mut counts[row / per_step * experts..]).enumerate() {
            if !(0.0..1.8e19).contains(&value) {
                return Err(Wrong(format!(
                    "`{}` holds {value} for expert {expert}, but a count must be a number from 0",
                    tensor.name
                )));
            }
            rounded |= value.fract() != 0.0;
            *count = count.saturating_add(value.round() as u64);
        }
        Ok(())
    })
    .map_err(|e| e.0)?;
    if rounded {
        let text = "the counts have fractions: they are rounded";
        if notes.iter().all(|n| n.text != text) {
            notes.push(Assumption::open(Question::Values, text));
        }
    }
    Ok(Layer::new(name, experts, Data::Loads(counts), Steps::Unknown))
}
