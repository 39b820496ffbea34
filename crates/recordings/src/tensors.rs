//! From named arrays to a recording: what each array holds, and what its axes mean.

use super::assumption::{Assumption, Question};
use super::bytes::Bytes;
use super::error::ReadError;
use super::meta::Meta;
use super::names::{self, Role};
use super::recording::{Data, Layer, Recording, Steps};
use super::rows::{Number, Piece, Rows};
use super::{Input, limits};
use moebias_model::settings::reading::{Reading, RecordedKind};
use std::collections::BTreeMap;

/// A named array of numbers.
#[derive(Clone, Debug)]
pub(crate) struct Tensor {
    pub name: String,
    pub number: Number,
    pub shape: Vec<usize>,
    /// Bytes from one element to the next along each axis.
    pub strides: Vec<u64>,
    pub bytes: Bytes,
    pub start: u64,
}

/// What an axis counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Axis {
    Step,
    Layer,
    Batch,
    Token,
    /// Experts, or for selections the choices of a token.
    Expert,
    Rank,
}

impl Tensor {
    /// An array whose last axis is adjacent in memory.
    pub(crate) fn plain(name: impl Into<String>, number: Number, shape: Vec<usize>, bytes: Bytes, start: u64) -> Self {
        let mut strides = vec![0; shape.len()];
        let mut stride = number.size() as u64;
        for (axis, &length) in shape.iter().enumerate().rev() {
            strides[axis] = stride;
            stride = stride.saturating_mul(length.max(1) as u64);
        }
        Self { name: name.into(), number, shape, strides, bytes, start }
    }

    /// An array whose first axis is adjacent in memory.
    pub(crate) fn column_major(
        name: impl Into<String>,
        number: Number,
        shape: Vec<usize>,
        bytes: Bytes,
        start: u64,
    ) -> Self {
        let reversed: Vec<usize> = shape.iter().rev().copied().collect();
        let mut tensor = Self::plain(name, number, reversed, bytes, start);
        tensor.strides.reverse();
        tensor.shape = shape;
        tensor
    }

    /// An error if elements lie outside the bytes.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.check_within(self.bytes.len())
    }

    /// An error if elements lie at or behind an offset, or outside the bytes.
    pub(crate) fn check_within(&self, end: u64) -> Result<(), String> {
        let most = end.min(self.bytes.len());
        if self.shape.contains(&0) {
            return Ok(());
        }
        let last = self
            .shape
            .iter()
            .zip(&self.strides)
            .try_fold(self.start, |at, (&n, &stride)| at.checked_add((n as u64 - 1).checked_mul(stride)?));
        match last.and_then(|at| at.checked_add(self.number.size() as u64)) {
            Some(end) if end <= most => Ok(()),
            _ => Err(format!("`{}` of shape {:?} ends after the file's {most} bytes", self.name, self.shape)),
        }
    }

    /// The only number of an array without axes.
    pub(crate) fn single(&self) -> Result<f64, String> {
        let wrong = |e| format!("`{}` can't be read: {e}", self.name);
        let bytes = self.bytes.copy(self.start, self.number.size()).map_err(wrong)?;
        let mut number = vec![];
        Rows::of_memory(1, self.number, bytes).read(0..1, &mut number).map_err(wrong)?;
        number.first().copied().ok_or_else(|| format!("`{}` is empty", self.name))
    }

    fn elements(&self) -> usize {
        self.shape.iter().try_fold(1usize, |n, &axis| n.checked_mul(axis)).unwrap_or(usize::MAX)
    }

    /// The first numbers, at most `most`, in memory order of the last axis.
    fn sample(&self, most: usize) -> Vec<f64> {
        let columns = self.shape.last().copied().unwrap_or(1).max(1);
        let rows = self.rows_of_last_axis(&[]);
        let (mut out, mut room) = (vec![], vec![]);
        let wanted = rows.len().min(most.div_ceil(columns));
        if rows.read(0..wanted, &mut room).is_ok() {
            out.append(&mut room);
        }
        out
    }

    /// All axes but the last as rows, with some axes held at an index.
    fn rows_of_last_axis(&self, fixed: &[(usize, usize)]) -> Rows {
        let Some(last) = self.shape.len().checked_sub(1) else { return Rows::new(1) };
        let free: Vec<usize> = (0..last).filter(|axis| fixed.iter().all(|(f, _)| f != axis)).collect();
        self.rows(&free, last, fixed)
    }

    /// Rows along `columns`, one for every index of the axes `free`, the last of them fastest; the axes of `fixed` are held.
    fn rows(&self, free: &[usize], columns: usize, fixed: &[(usize, usize)]) -> Rows {
        let mut rows = Rows::new(self.shape[columns]);
        let start = fixed.iter().fold(self.start, |at, &(axis, index)| at + index as u64 * self.strides[axis]);
        // Axes that lie evenly behind one another become one.
        let mut axes: Vec<(usize, u64)> = vec![];
        for &axis in free {
            let (length, stride) = (self.shape[axis], self.strides[axis]);
            match axes.last_mut() {
                Some((outer, outer_stride)) if *outer_stride == stride.saturating_mul(length as u64) => {
                    (*outer, *outer_stride) = (*outer * length, stride);
                }
                _ => axes.push((length, stride)),
            }
        }
        let (count, row_stride) = axes.pop().unwrap_or((1, 0));
        let piece = |start| Piece {
            bytes: self.bytes.clone(),
            start,
            number: self.number,
            rows: count,
            row_stride,
            column_stride: self.strides[columns],
        };
        let outer: usize = axes.iter().map(|(n, _)| n).product();
        for mut at in 0..outer {
            let mut place = start;
            for &(length, stride) in axes.iter().rev() {
                place += (at % length) as u64 * stride;
                at /= length;
            }
            rows.push(piece(place));
        }
        rows
    }
}

/// Makes a recording of the arrays of a file.
pub(crate) fn interpret(
    input: &Input,
    tensors: &[Tensor],
    metadata: BTreeMap<String, String>,
    reading: &Reading,
) -> Result<Recording, ReadError> {
    let wrong = |text: String| input.wrong(text);
    let mut meta = Meta::default();
    for (key, value) in &metadata {
        let parsed = serde_json::from_str(value).unwrap_or_else(|_| serde_json::Value::String(value.clone()));
        meta.take(key, &parsed);
    }
    let mut notes = vec![];
    let main = main_arrays(tensors, reading, &mut notes).map_err(wrong)?;
    let mut layers: Vec<Layer> = vec![];
    for (tensor, role) in main {
        tensor.check().map_err(wrong)?;
        let kind = role.kind().unwrap_or(RecordedKind::Scores);
        let own = names::layer_of(&tensor.name);
        let own = own.or_else(|| named_suffix(&tensor.name));
        let axes = axes_of(tensor, kind, own.is_some(), reading, &mut notes).map_err(wrong)?;
        let single = own.clone().or_else(|| meta.layer.clone()).unwrap_or_default();
        let made = layers_of(tensor, kind, &axes, &single, &mut notes).map_err(wrong)?;
        if layers.len() + made.len() > limits::LAYERS {
            return Err(wrong(format!("it has more than {} layers", limits::LAYERS)));
        }
        layers.extend(made);
    }
    layers.sort_by_cached_key(|l| names::order(&l.name));
    if let Some(twice) = layers.windows(2).find(|w| w[0].name == w[1].name) {
        return Err(wrong(format!("it holds layer “{}” more than once", twice[0].name)));
    }
    for layer in &mut layers {
        super::recording::check_limits(layer).map_err(wrong)?;
        add_companions(layer, tensors, reading).map_err(wrong)?;
    }
    let mut recording = Recording::new(layers);
    (recording.meta, recording.metadata, recording.assumptions) = (meta, metadata, notes);
    Ok(recording)
}

/// The name behind the first point of `logits.NAME`, where it has no number.
fn named_suffix(name: &str) -> Option<String> {
    let (first, rest) = name.split_once('.')?;
    (Role::Scores.is(first) && !rest.is_empty()).then(|| rest.to_owned())
}

/// The arrays that hold what was recorded, all of one kind: scores before selections before loads.
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
        // Model weights are called so too, but are not counts.
        found.retain(|t| role != Role::Loads || reading.kind.is_some() || are_counts(t));
        if !found.is_empty() {
            return Ok(found.into_iter().map(|t| (t, role)).collect());
        }
    }
    // No name says it: judge a single array by its numbers.
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
    let distinct = |row: &[f64]| (1..row.len()).all(|i| !row[..i].contains(&row[i]));
    let many = tensor.elements() / width >= 8;
    if many && width <= 32 && sample.chunks_exact(width).all(distinct) && sample.iter().all(|&x| x < 1024.0) {
        Role::Selections
    } else if sample.iter().all(|&x| x >= 0.0) {
        Role::Loads
    } else {
        Role::Scores
    }
}

/// What each axis of an array means.
fn axes_of(
    tensor: &Tensor,
    kind: RecordedKind,
    has_layer: bool,
    reading: &Reading,
    notes: &mut Vec<Assumption>,
) -> Result<Vec<Axis>, String> {
    use Axis::{Batch, Expert, Layer, Step, Token};
    let (shape, name) = (&tensor.shape, &tensor.name);
    if let Some(text) = &reading.axes {
        return named_axes(text, kind, shape, name);
    }
    let short_first = shape[0] <= shape.get(1).copied().unwrap_or(0);
    let canonical = name.to_ascii_lowercase().starts_with("logits");
    let (axes, ask) = match (kind, shape.len(), has_layer) {
        (RecordedKind::Loads, 1, _) => (vec![Expert], false),
        (RecordedKind::Loads, 2, true) if shape[1] == 1 => (vec![Expert, Step], false),
        (RecordedKind::Loads, 2, true) => (vec![Step, Expert], false),
        (RecordedKind::Loads, 2, false) => (vec![Layer, Expert], true),
        (RecordedKind::Loads, 3, false) => (vec![Step, Layer, Expert], false),
        (_, 2, _) => (vec![Token, Expert], false),
        (RecordedKind::Scores, 3, true) => (vec![Step, Token, Expert], false),
        (RecordedKind::Scores, 3, false) if canonical => (vec![Step, Token, Expert], false),
        (RecordedKind::Scores, 3, false) => (vec![Layer, Token, Expert], true),
        (RecordedKind::Selections, 3, true) => (vec![Batch, Token, Expert], false),
        (RecordedKind::Selections, 3, false) if short_first && shape[0] < shape[1] => {
            (vec![Layer, Token, Expert], true)
        }
        (RecordedKind::Selections, 3, false) => (vec![Token, Layer, Expert], true),
        (_, 4, true) => (vec![Step, Batch, Token, Expert], false),
        (RecordedKind::Selections, 4, false) if shape[2] < shape[1] => (vec![Batch, Token, Layer, Expert], true),
        (RecordedKind::Scores | RecordedKind::Selections, 4, false) => (vec![Layer, Batch, Token, Expert], true),
        _ => return Err(format!("`{name}` has shape {shape:?}, which holds no {kind} that Moebias knows")),
    };
    // The form that Moebias documents needs no word.
    let documented = canonical && kind == RecordedKind::Scores && shape.len() == 3;
    if ask || (shape.len() > 2 && !documented) {
        let words: Vec<&str> = axes.iter().map(|&a| word(a, kind)).collect();
        let text = format!("the axes of {shape:?} are {}", words.join(", "));
        notes.push(Assumption { about: Question::Axes, text, ask });
        let known = notes.len() - 1;
        if notes[..known].contains(&notes[known]) {
            notes.pop();
        }
    }
    Ok(axes)
}

fn word(axis: Axis, kind: RecordedKind) -> &'static str {
    match axis {
        Axis::Step => "steps",
        Axis::Layer => "layers",
        Axis::Batch => "batch",
        Axis::Token => "tokens",
        Axis::Expert if kind == RecordedKind::Selections => "chosen experts",
        Axis::Expert => "experts",
        Axis::Rank => "ranks",
    }
}

/// Axes as a person names them: `layers, tokens, experts`.
fn named_axes(text: &str, kind: RecordedKind, shape: &[usize], name: &str) -> Result<Vec<Axis>, String> {
    let axis = |word: &str| match word.trim().to_ascii_lowercase().as_str() {
        "steps" | "step" | "s" => Ok(Axis::Step),
        "layers" | "layer" | "l" => Ok(Axis::Layer),
        "batch" | "b" | "sequences" => Ok(Axis::Batch),
        "tokens" | "token" | "t" | "seq" | "positions" => Ok(Axis::Token),
        "experts" | "expert" | "e" | "k" | "choices" | "chosen experts" => Ok(Axis::Expert),
        "ranks" | "rank" | "r" => Ok(Axis::Rank),
        other => Err(format!("the axis {other:?} is none of steps, layers, batch, tokens, experts, ranks")),
    };
    let axes = text.split(',').map(axis).collect::<Result<Vec<Axis>, String>>()?;
    if axes.len() != shape.len() {
        return Err(format!("`{name}` has the {} axes {shape:?}, but {} are named: {text}", shape.len(), axes.len()));
    }
    let count = |axis| axes.iter().filter(|&&a| a == axis).count();
    let needs_tokens = kind != RecordedKind::Loads;
    if count(Axis::Expert) != 1
        || count(Axis::Layer) > 1
        || count(Axis::Step) > 1
        || (needs_tokens && count(Axis::Token) != 1)
    {
        let tokens = if needs_tokens { "exactly one axis of tokens, " } else { "" };
        return Err(format!(
            "the axes must have {tokens}exactly one of experts, and at most one of steps and of layers: {text}"
        ));
    }
    Ok(axes)
}

/// Cuts an array into layers. `single` is the name of the only layer where the array has no axis of layers.
fn layers_of(
    tensor: &Tensor,
    kind: RecordedKind,
    axes: &[Axis],
    single: &str,
    notes: &mut Vec<Assumption>,
) -> Result<Vec<Layer>, String> {
    let at = |axis: Axis| axes.iter().position(|&a| a == axis);
    let Some(columns) = at(Axis::Expert) else { return Err("no axis is that of experts".into()) };
    let count = at(Axis::Layer).map_or(1, |axis| tensor.shape[axis]);
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
                let experts = largest(&rows, tensor)? + 1;
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

/// The largest expert in selections. −1 means that a token has fewer choices.
fn largest(rows: &Rows, tensor: &Tensor) -> Result<usize, String> {
    let most = moebias_model::config::limits::EXPERTS.max as i64;
    let mut largest = -1;
    let (mut room, chunk) = (vec![], rows.chunk());
    for from in (0..rows.len()).step_by(chunk) {
        let to = (from + chunk).min(rows.len());
        rows.read::<i64>(from..to, &mut room).map_err(|e| format!("`{}` can't be read: {e}", tensor.name))?;
        if let Some(at) = room.iter().position(|&id| !(-1..most).contains(&id)) {
            let row = from + at / rows.columns().max(1);
            let shown =
                if room[at] == i64::MIN { "a value that is no whole number".into() } else { room[at].to_string() };
            return Err(format!(
                "`{}` holds {shown} in row {row}, but must hold experts from 0 to {}",
                tensor.name,
                most - 1
            ));
        }
        largest = room.iter().copied().max().unwrap_or(-1).max(largest);
    }
    Ok(largest.max(1) as usize)
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

/// A sentence as an error of [`Rows::each`].
struct Wrong(String);

impl From<std::io::Error> for Wrong {
    fn from(error: std::io::Error) -> Self {
        Self(format!("its numbers can't be read: {error}"))
    }
}

/// Adds the learned bias and the token ids that belong to a layer.
fn add_companions(layer: &mut Layer, tensors: &[Tensor], reading: &Reading) -> Result<(), String> {
    let belongs = |t: &&Tensor| {
        let of = names::layer_of(&t.name).or_else(|| t.name.split_once('.').map(|(_, rest)| rest.to_owned()));
        of.is_none() || of.as_deref() == Some(layer.name.as_str())
    };
    let of_role = |role: Role| tensors.iter().filter(|t| Role::of_array(&t.name) == Some(role)).find(belongs);
    if let Some(bias) = of_role(Role::Bias) {
        bias.check()?;
        let values = if bias.shape == [layer.experts] { bias.sample(layer.experts) } else { vec![] };
        if values.len() != layer.experts {
            return Err(format!(
                "`{}` has shape {:?}, but must be [{}] to fit the experts",
                bias.name, bias.shape, layer.experts
            ));
        }
        // The same bounds as for a start state.
        if let Some(b) = values.iter().find(|b| b.is_nan() || b.abs() > 1_048_576.0) {
            return Err(format!("`{}` holds {b}, but a bias must be from -1048576 to 1048576", bias.name));
        }
        layer.bias = values;
    }
    let named = reading.token_ids.as_ref().map(|name| {
        tensors.iter().find(|t| t.name == *name).ok_or_else(|| format!("it has no array `{name}` of token ids"))
    });
    let ids = match named {
        Some(found) => Some(found?),
        None => of_role(Role::TokenIds).filter(|t| !t.number.is_float()),
    };
    if let Some(ids) = ids {
        layer.token_ids = column(ids, layer.tokens(), i64::from(i32::MAX))?;
    }
    if let Some(groups) = of_role(Role::Domain).filter(|t| !t.number.is_float()) {
        layer.groups = column(groups, layer.tokens(), moebias_model::config::limits::TOPICS.max as i64 - 1)?;
    }
    Ok(())
}

/// One whole number from 0 to `most` per token.
fn column(tensor: &Tensor, tokens: usize, most: i64) -> Result<Rows, String> {
    tensor.check()?;
    let name = &tensor.name;
    if tensor.elements() != tokens {
        return Err(format!(
            "`{name}` has shape {:?}, but must have {tokens} elements to fit the tokens",
            tensor.shape
        ));
    }
    let size = tensor.number.size() as u64;
    let last = tensor.shape.len();
    let flat = Tensor {
        shape: [tensor.shape.as_slice(), &[1]].concat(),
        strides: [tensor.strides.as_slice(), &[size]].concat(),
        ..tensor.clone()
    };
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
