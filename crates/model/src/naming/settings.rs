//! The settings of a variant with their names and values, for the comparison and for captions. Settings that the rule does not use have no
//! value, for example the step size of a rule without one.

use crate::config::{Balancer, Experiment, Router, Rule, Source, Variant};
use crate::settings::Term;
use crate::settings::learning::{Auxiliary, Learning};
use crate::terms::{number, on_off, term};

/// A setting and its value, if the variant uses it.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// The setting.
    pub term: &'static Term,
    /// The value in words; `None` where the variant does not use the setting.
    pub value: Option<String>,
}

impl Setting {
    /// The value, or a dash where there is none.
    #[must_use]
    pub fn shown(&self) -> String {
        self.value.clone().unwrap_or_else(|| "–".into())
    }
}

/// All settings, the most informative first. The structs are destructured field by field, so that a new setting without a name does not
/// compile.
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

/// A variant's main settings in a line: "Loss-free, sign · u = 0.03/√n · K = 6 of 64 experts · Sigmoid".
#[must_use]
pub fn caption(v: &Variant) -> String {
    caption_but(v, &[])
}

/// As [`caption`], without the settings with these keys, for example because they are swept.
#[must_use]
pub fn caption_but(v: &Variant, left_out: &[&str]) -> String {
    let told = |key: &str| !left_out.contains(&key);
    let mut parts = vec![];
    if told("rule") {
        parts.push(v.balancer.rule.title().to_owned());
    }
    if told("rate") && told("schedule") {
        parts.extend(super::automatic::step(&v.balancer));
    }
    parts.push(match (told("top_k"), told("experts")) {
        (true, true) => format!("K = {} of {} experts", v.router.top_k, v.router.experts),
        (true, false) => format!("K = {}", v.router.top_k),
        (false, true) => format!("E = {}", v.router.experts),
        (false, false) => String::new(),
    });
    if told("gate") {
        parts.push(v.router.gate.to_string());
    }
    if let Some(g) = v.router.groups {
        parts.push(format!("{} of {} groups", g.kept, g.groups));
    }
    if let Some(c) = v.router.capacity.filter(|_| told("capacity")) {
        parts.push(format!("capacity {} × fair, {}", number(c.factor), c.by));
    }
    if v.learning.auxiliary != Auxiliary::None && told("alpha") {
        parts.push(format!("{}, α = {}", v.learning.auxiliary, number(v.learning.alpha)));
    }
    parts.retain(|p| !p.is_empty());
    parts.join(" · ")
}

/// The settings of the tokens in a line: "4096 tokens per batch · 32 topics · skew 1.1 · noise 0.8 · seed 1".
#[must_use]
pub fn caption_of_tokens(experiment: &Experiment) -> String {
    caption_of_tokens_but(experiment, &[])
}

/// As [`caption_of_tokens`], without the settings with these keys.
#[must_use]
pub fn caption_of_tokens_but(experiment: &Experiment, left_out: &[&str]) -> String {
    let told = |key: &str| !left_out.contains(&key);
    let mut parts = match &experiment.source {
        Source::Trace(trace) => return format!("trace {}", trace.file.rsplit(['/', '\\']).next().unwrap_or_default()),
        Source::Learning(w) => [
            ("batch", format!("{} tokens per batch with targets", w.batch)),
            ("topics", format!("{} topics", w.topics)),
            ("skew", format!("skew {}", number(w.skew))),
        ]
        .to_vec(),
        Source::Synthetic(s) | Source::Fixed(s) => {
            let fixed = matches!(experiment.source, Source::Fixed(_));
            let batch = if fixed { "tokens, one repeated batch" } else { "tokens per batch" };
            let mut parts = vec![("batch", format!("{} {batch}", s.batch)), ("topics", format!("{} topics", s.topics))];
            parts.extend([
                ("skew", format!("skew {}", number(s.skew))),
                ("noise", format!("noise {}", number(s.noise))),
            ]);
            if s.drift > 0.0 && !fixed {
                parts.push(("drift", format!("drift {}", number(s.drift))));
            }
            if s.burst > 1 {
                parts.push(("burst", format!("burst {}", s.burst)));
            }
            parts
        }
    };
    parts.push(("seed", format!("seed {}", experiment.seed)));
    let kept = parts.into_iter().filter(|(key, _)| told(key)).map(|(_, words)| words);
    kept.collect::<Vec<_>>().join(" · ")
}
