//! What may change while an experiment runs, and the one pure function that applies it.
//!
//! None of these resets a run. The number of experts is not here: changing it starts a new run (`lab::command`).

mod learning;

pub use learning::{LearningChange, WorldChange};

use crate::balance::fits;
use crate::config::{Capacity, ConfigError, Experiment, Gate, Groups, Rule, Schedule, Source, Synthetic, limits};
use crate::naming::{self, term};
use serde::{Deserialize, Serialize};

/// One change of one setting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Change {
    /// Tokens per batch.
    SetBatch(u32),
    /// Number of topics.
    SetTopics(u32),
    /// Zipf exponent.
    SetSkew(f64),
    /// Spread of tokens round their topic.
    SetNoise(f64),
    /// Topic lifetimes per thousand steps.
    SetDrift(f64),
    /// Consecutive tokens that share a topic.
    SetBurst(u32),
    /// Repeat the first batch for ever (true) or draw a fresh one every step (false).
    SetFixed(bool),
    /// Experts per token.
    SetTopK(u32),
    /// From logit to score.
    SetGate(Gate),
    /// Groups of experts, and how many of them a token chooses among.
    SetGroups(Option<Groups>),
    /// The most tokens an expert takes.
    SetCapacity(Option<Capacity>),
    /// Shared experts.
    SetShared(u32),
    /// Divide a token's gating values by their sum.
    SetRenormalise(bool),
    /// Route scale.
    SetScale(f64),
    /// The update rule. Changing to one whose biases mean something else starts them afresh; another rule forgets what was remembered.
    SetRule(Rule),
    /// Step size u.
    SetRate(f64),
    /// How u changes with time; n starts at 1 again.
    SetSchedule(Schedule),
    /// Subtract the mean bias after every update.
    SetCentred(bool),
    /// The step from which the biases stay as they are; `None` lets them move again.
    SetFreeze(Option<u64>),
    /// Momentum β of SMEBU.
    SetMomentum(f64),
    /// Steepness κ of SMEBU.
    SetSteepness(f64),
    /// Gain K_d of ID Balancing.
    SetDerivative(f64),
    /// Identity experts of LongCat-Flash's rule.
    SetZeroExperts(u32),
    /// Computing experts per token that LongCat-Flash's rule is to reach.
    SetRealExperts(f64),
    /// Weight of the old β in Quantile Balancing's moving average.
    SetAverage(f64),
    /// Passes that BIP makes on a batch before it routes it.
    SetIterations(u32),
    /// Put every bias back to its start, and forget what the rule remembers.
    ResetBias,
    /// Give every expert this bias, and the rule this memory: what taking back [`Self::ResetBias`] sends.
    SetBias(Box<Biases>),
    /// A setting that only a world to learn from has.
    SetWorld(WorldChange),
    /// How a variant learns.
    SetLearning(LearningChange),
}

/// The biases of a variant and what its rule remembers, as they were at some step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Biases {
    /// Bias of each expert, Q32.
    pub bias: Vec<i64>,
    /// What the rule remembers of each expert; empty where it remembers nothing.
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

/// A change at a step: it applies before step `step` is routed.
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
    /// The setting's name, as it is written in files. Two changes with the same name and target replace each other.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::SetBatch(_) => "batch",
            Self::SetTopics(_) => "topics",
            Self::SetSkew(_) => "skew",
            Self::SetNoise(_) => "noise",
            Self::SetDrift(_) => "drift",
            Self::SetBurst(_) => "burst",
            Self::SetFixed(_) => "fixed",
            Self::SetTopK(_) => "top_k",
            Self::SetGate(_) => "gate",
            Self::SetGroups(_) => "groups",
            Self::SetCapacity(_) => "capacity",
            Self::SetShared(_) => "shared",
            Self::SetRenormalise(_) => "renormalise",
            Self::SetScale(_) => "scale",
            Self::SetRule(_) => "rule",
            Self::SetRate(_) => "rate",
            Self::SetSchedule(_) => "schedule",
            Self::SetCentred(_) => "centred",
            Self::SetFreeze(_) => "freeze",
            Self::SetMomentum(_) => "momentum",
            Self::SetSteepness(_) => "steepness",
            Self::SetDerivative(_) => "derivative",
            Self::SetZeroExperts(_) => "zero_experts",
            Self::SetRealExperts(_) => "real_experts",
            Self::SetAverage(_) => "average",
            Self::SetIterations(_) => "iterations",
            Self::ResetBias | Self::SetBias(_) => "bias",
            Self::SetWorld(change) => change.name(),
            Self::SetLearning(change) => change.name(),
        }
    }

    /// What the setting is called on screen.
    #[must_use]
    pub fn title(&self) -> &'static str {
        term(self.name()).map_or(self.name(), |t| t.name)
    }

    /// What it does, in words: "step size u 0.01", "rule Quantile Balancing".
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

    /// As [`Self::words`], as short as can be, for marks: "u 0.01", "K 4".
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

    /// The value as a person would write it.
    #[must_use]
    pub fn value(&self) -> String {
        match self {
            Self::SetBatch(n)
            | Self::SetTopics(n)
            | Self::SetBurst(n)
            | Self::SetTopK(n)
            | Self::SetShared(n)
            | Self::SetZeroExperts(n)
            | Self::SetIterations(n) => n.to_string(),
            Self::SetSkew(x)
            | Self::SetNoise(x)
            | Self::SetDrift(x)
            | Self::SetRate(x)
            | Self::SetScale(x)
            | Self::SetMomentum(x)
            | Self::SetSteepness(x)
            | Self::SetDerivative(x)
            | Self::SetRealExperts(x)
            | Self::SetAverage(x) => naming::number(*x),
            Self::SetFreeze(at) => at.map_or_else(|| "never".into(), |step| format!("from step {step}")),
            Self::SetFixed(on) | Self::SetCentred(on) | Self::SetRenormalise(on) => naming::on_off(*on),
            Self::SetGroups(None) => "none".into(),
            Self::SetGroups(Some(g)) => format!("{} of {}", g.kept, g.groups),
            Self::SetCapacity(None) => "none".into(),
            Self::SetCapacity(Some(c)) => format!("{} × fair, {}", naming::number(c.factor), c.by),
            Self::SetGate(g) => g.to_string(),
            Self::SetRule(r) => r.short().into(),
            Self::SetSchedule(s) => s.to_string(),
            Self::ResetBias => "start".into(),
            Self::SetBias(_) => "as it was".into(),
            Self::SetWorld(change) => change.value(),
            Self::SetLearning(change) => change.value(),
        }
    }

    /// Whether it is a setting of the token source rather than of a variant.
    #[must_use]
    pub fn is_of_source(&self) -> bool {
        matches!(
            self,
            Self::SetBatch(_)
                | Self::SetTopics(_)
                | Self::SetSkew(_)
                | Self::SetNoise(_)
                | Self::SetDrift(_)
                | Self::SetBurst(_)
                | Self::SetFixed(_)
                | Self::SetWorld(_)
        )
    }
}

/// The events of a step. `events` stand in order of their steps.
#[must_use]
pub fn due(events: &[Event], step: u64) -> &[Event] {
    let from = events.partition_point(|e| e.step < step);
    let to = events.partition_point(|e| e.step <= step);
    events.get(from..to).unwrap_or_default()
}

/// The step of the first event after a step. `events` stand in order of their steps.
#[must_use]
pub fn next_step(events: &[Event], step: u64) -> Option<u64> {
    events.get(events.partition_point(|e| e.step <= step)).map(|e| e.step)
}

/// Applies a change to the settings. The experiment is untouched when this fails.
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

/// Applies several changes, which have to fit together only once all are made. The experiment is untouched when this fails.
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

/// As [`apply`], but whether the settings fit together is for the caller to ask, once several have changed.
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
    // A name that was written for the settings so far must know them before they change.
    naming::settle(&mut next.variants);
    if let Change::SetBias(set) = change {
        let meant = |i: usize| target == Target::AllVariants || target == Target::Variant(i);
        for (_, v) in next.variants.iter().enumerate().filter(|(i, _)| meant(*i)) {
            fits::biases(("bias", "bias"), v, &set.bias, &set.memory)?;
        }
    }
    match target {
        Target::Source => apply_to_source(next, change)?,
        Target::AllVariants => next.variants.iter_mut().for_each(|v| apply_to_variant(v, change)),
        Target::Variant(i) => {
            let count = next.variants.len();
            let variant = next.variants.get_mut(i);
            apply_to_variant(
                variant.ok_or_else(|| wrong(format!("sent to a variant from 0 to {}", count - 1)))?,
                change,
            );
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
    if let Change::SetFixed(fixed) = change {
        let settings = experiment.synthetic().cloned();
        if let Some(s) = settings {
            experiment.source = if *fixed { Source::Fixed(s) } else { Source::Synthetic(s) };
        }
    }
    let Some(s) = experiment.synthetic_mut() else {
        return Err(ConfigError {
            setting: change.name().into(),
            value: change.value(),
            allowed: "left alone: the tokens of a recorded trace are fixed".into(),
        });
    };
    let Synthetic { batch, topics, skew, noise, drift, burst } = s;
    match change {
        Change::SetBatch(n) => *batch = *n,
        Change::SetTopics(n) => *topics = *n,
        Change::SetSkew(x) => *skew = *x,
        Change::SetNoise(x) => *noise = *x,
        Change::SetDrift(x) => *drift = *x,
        Change::SetBurst(n) => *burst = *n,
        _ => {}
    }
    Ok(())
}

fn apply_to_variant(variant: &mut crate::config::Variant, change: &Change) {
    match change {
        Change::SetTopK(k) => variant.router.top_k = *k,
        Change::SetGate(g) => variant.router.gate = *g,
        Change::SetGroups(g) => variant.router.groups = *g,
        Change::SetCapacity(c) => variant.router.capacity = *c,
        Change::SetShared(n) => variant.router.shared = *n,
        Change::SetRenormalise(on) => variant.router.renormalise = *on,
        Change::SetScale(x) => variant.router.scale = *x,
        Change::SetRule(r) => variant.balancer.rule = *r,
        Change::SetRate(u) => variant.balancer.rate = *u,
        Change::SetSchedule(s) => variant.balancer.schedule = *s,
        Change::SetCentred(on) => variant.balancer.centred = *on,
        Change::SetFreeze(at) => variant.balancer.freeze = *at,
        Change::SetMomentum(x) => variant.balancer.momentum = *x,
        Change::SetSteepness(x) => variant.balancer.steepness = *x,
        Change::SetDerivative(x) => variant.balancer.derivative = *x,
        Change::SetZeroExperts(n) => variant.balancer.zero_experts = *n,
        Change::SetRealExperts(x) => variant.balancer.real_experts = *x,
        Change::SetLearning(change) => variant.learning.apply(change),
        Change::SetAverage(a) => variant.balancer.average = *a,
        Change::SetIterations(n) => variant.balancer.iterations = *n,
        _ => {}
    }
}

/// The same setting's present value, as the change that would bring it back: what undo sends.
#[must_use]
pub fn inverse(experiment: &Experiment, target: Target, change: &Change) -> Option<Change> {
    let variant = match target {
        Target::Variant(i) => experiment.variants.get(i),
        _ => experiment.variants.first(),
    };
    let source = experiment.synthetic();
    if let Some(world) = experiment.world()
        && change.is_of_source()
    {
        return world.inverse(change);
    }
    Some(match change {
        Change::SetBatch(_) => Change::SetBatch(source?.batch),
        Change::SetTopics(_) => Change::SetTopics(source?.topics),
        Change::SetSkew(_) => Change::SetSkew(source?.skew),
        Change::SetNoise(_) => Change::SetNoise(source?.noise),
        Change::SetDrift(_) => Change::SetDrift(source?.drift),
        Change::SetBurst(_) => Change::SetBurst(source?.burst),
        Change::SetFixed(_) => Change::SetFixed(matches!(experiment.source, Source::Fixed(_))),
        Change::SetTopK(_) => Change::SetTopK(variant?.router.top_k),
        Change::SetGate(_) => Change::SetGate(variant?.router.gate),
        Change::SetGroups(_) => Change::SetGroups(variant?.router.groups),
        Change::SetCapacity(_) => Change::SetCapacity(variant?.router.capacity),
        Change::SetShared(_) => Change::SetShared(variant?.router.shared),
        Change::SetRenormalise(_) => Change::SetRenormalise(variant?.router.renormalise),
        Change::SetScale(_) => Change::SetScale(variant?.router.scale),
        Change::SetRule(_) => Change::SetRule(variant?.balancer.rule),
        Change::SetRate(_) => Change::SetRate(variant?.balancer.rate),
        Change::SetSchedule(_) => Change::SetSchedule(variant?.balancer.schedule),
        Change::SetCentred(_) => Change::SetCentred(variant?.balancer.centred),
        Change::SetFreeze(_) => Change::SetFreeze(variant?.balancer.freeze),
        Change::SetMomentum(_) => Change::SetMomentum(variant?.balancer.momentum),
        Change::SetSteepness(_) => Change::SetSteepness(variant?.balancer.steepness),
        Change::SetDerivative(_) => Change::SetDerivative(variant?.balancer.derivative),
        Change::SetZeroExperts(_) => Change::SetZeroExperts(variant?.balancer.zero_experts),
        Change::SetRealExperts(_) => Change::SetRealExperts(variant?.balancer.real_experts),
        Change::SetAverage(_) => Change::SetAverage(variant?.balancer.average),
        Change::SetIterations(_) => Change::SetIterations(variant?.balancer.iterations),
        Change::SetLearning(change) => Change::SetLearning(variant?.learning.inverse(change)),
        Change::ResetBias | Change::SetBias(_) | Change::SetWorld(_) => return None,
    })
}

/// The largest number of experts per token that every variant allows.
#[must_use]
pub fn largest_top_k(experts: u32) -> u32 {
    experts.min(limits::TOP_K.max_u32())
}
