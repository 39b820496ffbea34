//! The settings of a variant with their names and values, for the comparison and for captions. What the rule does not use has no
//! value, so that no step size is told of a rule that has none.

use crate::config::{Balancer, Experiment, Router, Rule, Source, Variant};
use crate::settings::Term;
use crate::settings::learning::{Auxiliary, Learning};
use crate::terms::{number, on_off, term};

/// A setting and its value, if the variant uses it.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Which.
    pub term: &'static Term,
    /// Its value in words.
    pub value: Option<String>,
}

impl Setting {
    /// The value, a dash where there is none.
    #[must_use]
    pub fn shown(&self) -> String {
        self.value.clone().unwrap_or_else(|| "–".into())
    }
}

/// All settings, the most telling first. Taken apart field by field, so that a new one without a name does not compile.
#[must_use]
pub fn settings(v: &Variant) -> Vec<Setting> {
    let Router { experts, top_k, gate, groups, capacity, shared, renormalise, scale } = &v.router;
    let Balancer { rule, rate, schedule, centred, freeze, momentum, steepness, derivative, .. } = &v.balancer;
    let Balancer { zero_experts, real_experts, average, iterations, .. } = &v.balancer;
    let Learning { optimiser, expert_rate, router_rate, horizon, gating, auxiliary, alpha, z_loss, .. } = &v.learning;
    let Learning { sequence, batches, .. } = &v.learning;
    let steps = rule.has_step();
    let none = || "none".to_owned();
    let all = [
        ("rule", Some(rule.title().to_owned())),
        ("rate", steps.then(|| number(*rate))),
        ("schedule", steps.then(|| schedule.to_string())),
        ("freeze", rule.moves_biases().then(|| freeze.map_or("never".into(), |s| format!("from step {s}")))),
        ("experts", Some(experts.to_string())),
        ("top_k", Some(top_k.to_string())),
        ("gate", Some(gate.to_string())),
        ("groups", Some(groups.map_or_else(none, |g| format!("{} of {}", g.kept, g.groups)))),
        ("capacity", Some(capacity.map_or_else(none, |c| format!("{} × fair, {}", number(c.factor), c.by)))),
        ("auxiliary", Some(auxiliary.to_string())),
        ("alpha", (*auxiliary != Auxiliary::None).then(|| number(*alpha))),
        ("gating", Some(gating.to_string())),
        ("centred", steps.then(|| on_off(*centred))),
        ("momentum", (*rule == Rule::Smebu).then(|| number(*momentum))),
        ("steepness", (*rule == Rule::Smebu).then(|| number(*steepness))),
        ("derivative", (*rule == Rule::IdBalancing).then(|| number(*derivative))),
        ("zero_experts", (*rule == Rule::LongCat).then(|| zero_experts.to_string())),
        ("real_experts", (*rule == Rule::LongCat).then(|| number(*real_experts))),
        ("average", (*rule == Rule::Quantile).then(|| number(*average))),
        ("iterations", (*rule == Rule::Bip).then(|| iterations.to_string())),
        ("shared", Some(shared.to_string())),
        ("renormalise", Some(on_off(*renormalise))),
        ("scale", Some(number(*scale))),
        ("optimiser", Some(optimiser.to_string())),
        ("expert_rate", Some(number(*expert_rate))),
        ("router_rate", Some(number(*router_rate))),
        ("horizon", Some(horizon.to_string())),
        ("z_loss", Some(number(*z_loss))),
        ("sequence", (*auxiliary == Auxiliary::SequenceWise).then(|| sequence.to_string())),
        ("batches", (*auxiliary == Auxiliary::GlobalBatch).then(|| batches.to_string())),
    ];
    all.into_iter().filter_map(|(key, value)| Some(Setting { term: term(key)?, value })).collect()
}

/// What is told of a variant beside its name, in a line: "Loss-free, sign · u 0.03/√n · K 6 of 64 · Sigmoid".
#[must_use]
pub fn caption(v: &Variant) -> String {
    let mut parts = vec![v.balancer.rule.title().to_owned()];
    parts.extend(super::automatic::step(&v.balancer));
    parts.push(format!("K {} of {} experts", v.router.top_k, v.router.experts));
    parts.push(v.router.gate.to_string());
    if let Some(g) = v.router.groups {
        parts.push(format!("{} of {} groups", g.kept, g.groups));
    }
    if let Some(c) = v.router.capacity {
        parts.push(format!("capacity {} × fair, {}", number(c.factor), c.by));
    }
    if v.learning.auxiliary != Auxiliary::None {
        parts.push(format!("{}, α {}", v.learning.auxiliary, number(v.learning.alpha)));
    }
    parts.join(" · ")
}

/// What is told of the tokens, in a line: "4096 tokens per batch · 32 topics · skew 1.1 · noise 0.8 · seed 1".
#[must_use]
pub fn caption_of_tokens(experiment: &Experiment) -> String {
    let mut parts = match &experiment.source {
        Source::Trace(trace) => return format!("trace {}", trace.file.rsplit(['/', '\\']).next().unwrap_or_default()),
        Source::Learning(w) => vec![
            format!("{} tokens per batch with targets", w.batch),
            format!("{} topics", w.topics),
            format!("skew {}", number(w.skew)),
        ],
        Source::Synthetic(s) | Source::Fixed(s) => {
            let fixed = matches!(experiment.source, Source::Fixed(_));
            let batch = if fixed { "tokens, one repeated batch" } else { "tokens per batch" };
            let mut parts = vec![format!("{} {batch}", s.batch), format!("{} topics", s.topics)];
            parts.extend([format!("skew {}", number(s.skew)), format!("noise {}", number(s.noise))]);
            if s.drift > 0.0 && !fixed {
                parts.push(format!("drift {}", number(s.drift)));
            }
            if s.burst > 1 {
                parts.push(format!("burst {}", s.burst));
            }
            parts
        }
    };
    parts.push(format!("seed {}", experiment.seed));
    parts.join(" · ")
}
