//! What may change while an experiment runs, and the pure functions that apply a change.
//!
//! No change here restarts a run. The number of experts is missing because changing it starts a new run (`moebias_lab::command`).

mod rows;
mod value;

pub use rows::{Change, LearningChange, WorldChange};
pub use value::Value;

use crate::balance::fits;
use crate::config::{ConfigError, Experiment, Source, limits};
use crate::naming::{self, term};
use serde::{Deserialize, Serialize};

/// The biases of a variant and its rule's memory, as they were at some step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Biases {
    /// Bias of each expert, Q32.
    pub bias: Vec<i64>,
    /// The rule's memory of each expert; empty for rules without a memory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub memory: Vec<i64>,
}

/// What a change applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Target {
    /// The token source.
    Source,
    /// One variant, counted from 0.
    Variant(usize),
    /// Every variant.
    AllVariants,
}

/// A change at a certain step: it is applied before step `step` is routed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// The first step it affects.
    pub step: u64,
    /// What it applies to.
    pub target: Target,
    /// What changes.
    pub change: Change,
}

impl Change {
    /// The setting's name on screen.
    #[must_use]
    pub fn title(&self) -> &'static str {
        term(self.name()).map_or(self.name(), |t| t.name)
    }

    /// The change in words: "step size u 0.01", "rule Quantile Balancing".
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::ResetBias => "biases reset".into(),
            Self::SetBias(_) => "biases as before".into(),
            Self::SetFixed(true) => "fixed batch".into(),
            Self::SetFixed(false) => "fresh batches".into(),
            Self::SetGroups(None) | Self::SetCapacity(None) => format!("no {}", self.title()),
            Self::SetGroups(Some(_)) => format!("{} groups", self.value()),
            Self::SetFreeze(None) => "biases not frozen".into(),
            Self::SetFreeze(Some(step)) => format!("biases frozen from step {step}"),
            Self::SetLearning(LearningChange::Auxiliary(loss)) => loss.title().into(),
            other => format!("{} {}", other.title(), other.value()),
        }
    }

    /// The change in as few characters as possible, for marks on plots: "u 0.01", "K 4".
    #[must_use]
    pub fn mark(&self) -> String {
        match self {
            Self::SetFreeze(None) => "not frozen".into(),
            Self::SetFreeze(Some(step)) => format!("frozen from {step}"),
            Self::SetRule(rule) => rule.short().into(),
            Self::SetRate(_) | Self::SetTopK(_) => format!("{} {}", self.sign(), self.value()),
            Self::ResetBias
            | Self::SetBias(_)
            | Self::SetFixed(_)
            | Self::SetGroups(_)
            | Self::SetCapacity(None)
            | Self::SetLearning(LearningChange::Auxiliary(_)) => self.words(),
            other => format!("{} {}", other.sign(), other.value()),
        }
    }

    fn sign(&self) -> &'static str {
        term(self.name()).map_or(self.name(), |t| t.sign)
    }
}

/// The events at a step. `events` must be in order of steps.
#[must_use]
pub fn due(events: &[Event], step: u64) -> &[Event] {
    let from = events.partition_point(|e| e.step < step);
    let to = events.partition_point(|e| e.step <= step);
    events.get(from..to).unwrap_or_default()
}

/// The step of the first event after `step`. `events` must be in order of steps.
#[must_use]
pub fn next_step(events: &[Event], step: u64) -> Option<u64> {
    events.get(events.partition_point(|e| e.step <= step)).map(|e| e.step)
}

/// Applies a change to the settings. They stay as they were if this fails.
///
/// # Errors
/// A value out of range, a variant that does not exist, or a setting that this token source does not have.
pub fn apply(experiment: &mut Experiment, target: Target, change: &Change) -> Result<(), ConfigError> {
    let mut next = experiment.clone();
    set(&mut next, target, change)?;
    next.validate()?;
    *experiment = next;
    Ok(())
}

/// Applies several changes, which have to fit together only after the last. The settings stay as they were if this fails.
///
/// # Errors
/// As [`apply`].
pub fn apply_all<'a>(
    experiment: &mut Experiment,
    changes: impl IntoIterator<Item = (Target, &'a Change)>,
) -> Result<(), ConfigError> {
    let mut next = experiment.clone();
    changes.into_iter().try_for_each(|(target, change)| set(&mut next, target, change))?;
    next.validate()?;
    *experiment = next;
    Ok(())
}

/// As [`apply`], but without validating the result, so that the caller can make several changes first. May leave `next` partly changed.
///
/// # Errors
/// A variant that does not exist, or a setting that this token source does not have.
pub(crate) fn set(next: &mut Experiment, target: Target, change: &Change) -> Result<(), ConfigError> {
    let wrong = |allowed: String| ConfigError { setting: change.name().into(), value: change.value(), allowed };
    if change.is_of_source() != (target == Target::Source) {
        return Err(wrong("sent to the token source for token settings, to a variant for the others".into()));
    }
    if matches!(change, Change::SetLearning(_)) && next.world().is_none() {
        return Err(wrong("left alone: only in a world to learn from does anything learn".into()));
    }
    // A name that was written for the present settings must store them before they change.
    naming::settle(&mut next.variants);
    if let Change::SetBias(set) = change {
        let meant = |i: usize| target == Target::AllVariants || target == Target::Variant(i);
        for (_, v) in next.variants.iter().enumerate().filter(|(i, _)| meant(*i)) {
            fits::biases(("bias", "bias"), v, &set.bias, &set.memory)?;
        }
    }
    match target {
        Target::Source => apply_to_source(next, change)?,
        Target::AllVariants => next.variants.iter_mut().for_each(|v| v.apply(change)),
        Target::Variant(i) => {
            let count = next.variants.len();
            let variant = next.variants.get_mut(i);
            variant.ok_or_else(|| wrong(format!("sent to a variant from 0 to {}", count - 1)))?.apply(change);
        }
    }
    naming::settle(&mut next.variants);
    Ok(())
}

fn apply_to_source(experiment: &mut Experiment, change: &Change) -> Result<(), ConfigError> {
    let only =
        |allowed: &str| ConfigError { setting: change.name().into(), value: change.value(), allowed: allowed.into() };
    match &mut experiment.source {
        Source::Learning(world) => {
            let done = world.apply(change);
            let why = "left alone: a world to learn from draws fresh tokens every step";
            return if done { Ok(()) } else { Err(only(why)) };
        }
        _ if matches!(change, Change::SetWorld(_)) => {
            return Err(only("left alone: only a world to learn from has it"));
        }
        _ => {}
    }
    if let Change::SetFixed(fixed) = change
        && let Some(s) = experiment.synthetic().cloned()
    {
        experiment.source = if *fixed { Source::Fixed(s) } else { Source::Synthetic(s) };
    }
    let why = "left alone: the tokens of a recorded trace are fixed";
    experiment.synthetic_mut().ok_or_else(|| only(why))?.apply(change);
    Ok(())
}

/// The change that would set the same setting to its present value, which is what undo sends. `None` where there is no such setting.
#[must_use]
pub fn inverse(experiment: &Experiment, target: Target, change: &Change) -> Option<Change> {
    if change.is_of_source() {
        return match (experiment.world(), change) {
            (Some(world), _) => world.inverse(change),
            (None, Change::SetFixed(_)) => Some(Change::SetFixed(matches!(experiment.source, Source::Fixed(_)))),
            (None, _) => experiment.synthetic()?.inverse(change),
        };
    }
    let variant = match target {
        Target::Variant(i) => experiment.variants.get(i),
        _ => experiment.variants.first(),
    };
    variant?.inverse(change)
}

/// The largest K allowed for a router with this many experts.
#[must_use]
pub fn largest_top_k(experts: u32) -> u32 {
    experts.min(limits::TOP_K.max_u32())
}
