//! What the GPU engine cannot run. This is known without a GPU, so the worker can tell before it opens one.

use moebias_model::config::{Experiment, Rule, Source, Variant};

/// The largest number of expert groups that the shaders support.
pub const GROUPS: u32 = 64;

/// The first thing in an experiment that no shader supports, as a sentence; `None` if the GPU engine can run it.
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
