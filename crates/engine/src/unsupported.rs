//! What the GPU engine leaves to the CPU. Known without a GPU too, so that the worker can say so beforehand.

use moebias_model::config::{Experiment, Rule, Source, Variant};

/// The most groups of experts that the shaders know.
pub const GROUPS: u32 = 64;

/// What an experiment asks for that no shader knows, in a sentence.
#[must_use]
pub fn unsupported(experiment: &Experiment) -> Option<String> {
    if experiment.world().is_some() {
        return Some("Learning runs on the CPU".into());
    }
    let of = |v: &Variant| {
        let trace = matches!(experiment.source, Source::Trace(_));
        let what = match (v.balancer.rule, v.router.groups, v.router.capacity) {
            (Rule::Hash, _, _) if trace => "the rule Hash on a trace".into(),
            (Rule::Hash | Rule::Threshold | Rule::ExpertChoice, _, None) => return None,
            (Rule::Hash | Rule::Threshold | Rule::ExpertChoice, _, Some(_)) => "a capacity".into(),
            (rule, _, _) if !rule.is_top_k() => format!("the rule {}", rule.short()),
            (_, Some(g), _) if g.groups > GROUPS => format!("more than {GROUPS} groups"),
            (_, _, Some(_)) => "a capacity".into(),
            _ => return None,
        };
        Some(format!("“{}” has {what}, which runs on the CPU only", v.name))
    };
    experiment.variants.iter().find_map(of)
}
