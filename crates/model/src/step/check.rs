//! The checks before a run starts or a setting changes; every part of the program uses these.

use super::{State, learning};
use crate::balance::fits;
use crate::change::{self, Change, Event, Target};
use crate::config::{ConfigError, Experiment, Gate, Rule, Source};
use crate::trace::Trace;

/// A timed event that has no effect.
#[derive(Clone, Debug, PartialEq)]
pub struct Ignored {
    /// Its index among the events, which are in order of steps.
    pub index: usize,
    /// The event.
    pub event: Event,
    /// Why it has no effect.
    pub why: ConfigError,
}

/// Checks that a run with these settings can start on this trace.
///
/// # Errors
/// A setting out of range, or a trace that is missing or does not go with the settings.
pub fn settings(experiment: &Experiment, trace: Option<&Trace>) -> Result<(), ConfigError> {
    experiment.validate()?;
    if !matches!(experiment.source, Source::Trace(_)) {
        return Ok(());
    }
    let Some(trace) = trace else {
        return Err(error("source", "a trace that is not loaded", "the path of a trace with scores"));
    };
    for (i, v) in experiment.variants.iter().enumerate() {
        if v.router.experts as usize != trace.experts {
            let allowed = format!("{}, the number of experts in the trace", trace.experts);
            return Err(error(&format!("variants[{i}].router.experts"), &v.router.experts.to_string(), &allowed));
        }
    }
    routes_again(experiment, trace)
}

/// Checks that a run with these settings can start from a state.
///
/// # Errors
/// A state of another shape, or one that does not fit the rules.
pub fn state(experiment: &Experiment, state: &State) -> Result<(), ConfigError> {
    if state.variants.len() != experiment.variants.len() {
        return Err(error("start state", "of another shape", "one bias per expert of every variant"));
    }
    for (i, (s, v)) in state.variants.iter().zip(&experiment.variants).enumerate() {
        fits::biases(("start state", &format!("start state.variants[{i}].bias")), v, &s.bias, &s.memory)?;
        if s.schedule_from > state.step {
            let (value, allowed) = (s.schedule_from.to_string(), format!("at most the start's step, {}", state.step));
            return Err(error(&format!("start state.variants[{i}].schedule_from"), &value, &allowed));
        }
    }
    learning::fits(experiment, state)
}

/// Applies a change to the settings of a run on this trace. The settings stay as they were if this fails.
///
/// # Errors
/// As [`change::apply`], or a trace that does not fit the new settings.
pub fn change(
    experiment: &mut Experiment,
    trace: Option<&Trace>,
    target: Target,
    change: &Change,
) -> Result<(), ConfigError> {
    let mut next = experiment.clone();
    change::apply(&mut next, target, change)?;
    if let Some(trace) = trace {
        routes_again(&next, trace)?;
    }
    *experiment = next;
    Ok(())
}

/// The events that a run starting with these settings leaves out, because its settings or its trace do not allow them. `events` are in
/// order of steps.
#[must_use]
pub fn ignored(experiment: &Experiment, trace: Option<&Trace>, events: &[Event]) -> Vec<Ignored> {
    let mut settings = experiment.clone();
    let left_out = |(index, event): (usize, &Event)| {
        let why = change(&mut settings, trace, event.target, &event.change).err()?;
        Some(Ignored { index, event: event.clone(), why })
    };
    events.iter().enumerate().filter_map(left_out).collect()
}

/// Checks that a trace can be routed with these settings. A log of selections without scores can only be shown as it was recorded. Some
/// rules need token ids, or batches that are not too large.
///
/// # Errors
/// Names the setting that this trace does not allow.
pub fn routes_again(experiment: &Experiment, trace: &Trace) -> Result<(), ConfigError> {
    experiment.validate_batch(trace.tokens.min(u32::MAX as usize) as u32)?;
    if trace.token_ids.is_empty()
        && let Some(i) = experiment.variants.iter().position(|v| v.balancer.rule == Rule::Hash)
    {
        let allowed = "another rule: this trace has no token ids to hash";
        return Err(error(&format!("variants[{i}].balancer.rule"), "Hash", allowed));
    }
    if !trace.is_only_watched() {
        return Ok(());
    }
    for v in &experiment.variants {
        let as_it_was = v.balancer.rule == Rule::None
            && trace.selected.is_none_or(|k| v.router.top_k == k)
            && v.router.gate == Gate::Sigmoid
            && v.router.groups.is_none()
            && v.router.capacity.is_none();
        if !as_it_was {
            let value = format!("{} with K {} and the rule {}", v.router.gate, v.router.top_k, v.balancer.rule.short());
            let allowed = match trace.selected {
                Some(k) => format!("left at K {k} without a balancer: this log holds selections without scores"),
                None => "left without a balancer: this recording holds loads without tokens".into(),
            };
            return Err(error("the router", &value, &allowed));
        }
    }
    Ok(())
}

fn error(setting: &str, value: &str, allowed: &str) -> ConfigError {
    ConfigError { setting: setting.into(), value: value.into(), allowed: allowed.into() }
}
