//! Determines what the axes of an array mean.

use super::assumption::{Assumption, Question};
use super::tensor::Tensor;
use moebias_model::settings::reading::{Reading, RecordedKind};

/// What an axis counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Axis {
    Step,
    Layer,
    Batch,
    Token,
    /// Experts, or for selections the choices of a token.
    Expert,
    Rank,
}

/// Determines what each axis of an array means, from the reading, the shape and the names.
pub(crate) fn axes_of(
    tensor: &Tensor,
    kind: RecordedKind,
    has_layer: bool,
    reading: &Reading,
    notes: &mut Vec<Assumption>,
) -> Result<Vec<Axis>, String> {
    use Axis::{Batch, Expert, Layer, Step, Token};
    let (shape, name) = (&tensor.shape, &tensor.name);
    let Some(&first) = shape.first() else { return Err(format!("`{name}` is one number")) };
    if let Some(text) = &reading.axes {
        return named_axes(text, kind, shape, name);
    }
    let short_first = first < shape.get(1).copied().unwrap_or(0);
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
        (RecordedKind::Selections, 3, false) if short_first => (vec![Layer, Token, Expert], true),
        (RecordedKind::Selections, 3, false) => (vec![Token, Layer, Expert], true),
        (_, 4, true) => (vec![Step, Batch, Token, Expert], false),
        (RecordedKind::Selections, 4, false) if shape[2] < shape[1] => (vec![Batch, Token, Layer, Expert], true),
        (RecordedKind::Scores | RecordedKind::Selections, 4, false) => (vec![Layer, Batch, Token, Expert], true),
        _ => return Err(format!("`{name}` has shape {shape:?}, which holds no {kind} that Moebias knows")),
    };
    // The layout that Moebias documents needs no assumption.
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

/// Parses axes as a person names them: `layers, tokens, experts`.
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
