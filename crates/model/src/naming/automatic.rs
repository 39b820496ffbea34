//! Names made from settings: the rule and its step size and, where several variants would have the same name, what distinguishes them.

use crate::config::{Balancer, Router, Rule, Schedule, Stays, Variant};
use crate::presets::Preset;
use crate::settings::learning::{Auxiliary, Learning};
use crate::terms::{capitalised, number};
use strum::IntoEnumIterator as _;

/// The most differences in a name, which has to be short.
const TOLD: usize = 3;

/// A name for every variant. Variants with identical settings get the same name.
#[must_use]
pub fn automatic(variants: &[Variant]) -> Vec<String> {
    let bases: Vec<String> = variants.iter().map(base).collect();
    let traits: Vec<Vec<String>> = variants.iter().map(traits).collect();
    let of = |i: usize| {
        let alike: Vec<usize> = (0..variants.len()).filter(|&j| bases[j] == bases[i]).collect();
        let differs = |t: usize| alike.iter().any(|&j| traits[j].get(t) != traits[i].get(t));
        let apart = (0..traits[i].len()).filter(|&t| differs(t) && !traits[i][t].is_empty()).take(TOLD);
        apart.fold(bases[i].clone(), |name, t| format!("{name}, {}", traits[i][t]))
    };
    (0..variants.len()).map(of).collect()
}

/// The rule and step size, or the model: "Sign, u = 0.001", "Quantile Balancing", "DeepSeek-V3, u = 0.01".
fn base(v: &Variant) -> String {
    let (rule, step) = (v.balancer.rule, step(&v.balancer));
    let loss = match v.learning.auxiliary {
        Auxiliary::None => None,
        _ => Some(format!("auxiliary loss, α = {}", number(v.learning.alpha))),
    };
    let model = Preset::iter().find(|p| is_telling(&p.settings().0) && p.settings().0 == v.router);
    let mut parts = vec![];
    if let Some(preset) = model {
        let theirs = preset.settings().1;
        parts.push(preset.name().to_owned());
        if theirs.rule != rule {
            parts.push(rule.short().to_owned());
        }
        if theirs.rule != rule || self::step(&theirs) != step {
            parts.extend(step);
        }
    } else if rule != Rule::None || loss.is_none() {
        parts.push(rule.short().to_owned());
        parts.extend(step);
    }
    let mut name = parts.join(", ");
    if let Some(loss) = loss {
        name = if name.is_empty() { capitalised(&loss) } else { format!("{name} + {loss}") };
    }
    name
}

/// Whether a router is characteristic of one model; a number of experts, K and a gate alone are not.
fn is_telling(router: &Router) -> bool {
    let Router { experts, top_k, gate, .. } = *router;
    *router != Router { experts, top_k, gate, ..Router::default() }
}

/// The step size in words: "u = 0.03/√n"; `None` where the rule has no step size.
pub(super) fn step(b: &Balancer) -> Option<String> {
    let over = match b.schedule {
        Schedule::Constant => "",
        Schedule::InverseSqrt => "/√n",
        Schedule::Inverse => "/n",
    };
    b.rule.has_step().then(|| format!("{} = {}{over}", b.rule.step_sign(), number(b.rate)))
}

/// Every other setting that may distinguish two variants, the most informative first; empty for settings that the rule does not use. The
/// structs are destructured field by field, so that a new setting without words does not compile.
fn traits(v: &Variant) -> Vec<String> {
    let Router { experts, top_k, gate, groups, capacity, shared, renormalise, scale } = &v.router;
    let Balancer { rule, rate: _, schedule: _, centred, freeze, momentum, steepness, derivative, .. } = &v.balancer;
    let Balancer { zero_experts, real_experts, average, iterations, .. } = &v.balancer;
    let Learning { optimiser, expert_rate, router_rate, horizon, gating, auxiliary, alpha: _, .. } = &v.learning;
    let Learning { z_loss, sequence, batches, .. } = &v.learning;
    let only = |used: bool, words: String| if used { words } else { String::new() };
    let switch = |on: bool, name: &str| if on { name.to_owned() } else { format!("not {name}") };
    vec![
        gate.title().to_lowercase(),
        format!("K = {top_k}"),
        format!("E = {experts}"),
        groups.map_or("no groups".into(), |g| format!("{} of {} groups", g.kept, g.groups)),
        capacity.map_or("no capacity".into(), |c| format!("capacity {}", number(c.factor))),
        capacity.map_or(String::new(), |c| if c.by == Stays::Score { "by score" } else { "by position" }.into()),
        only(*rule == Rule::Quantile, format!("average {}", number(*average))),
        only(*rule == Rule::Bip, format!("{iterations} passes")),
        only(*rule == Rule::Smebu, format!("κ = {}", number(*steepness))),
        only(*rule == Rule::Smebu, format!("β = {}", number(*momentum))),
        only(*rule == Rule::IdBalancing, format!("K_d = {}", number(*derivative))),
        only(*rule == Rule::LongCat, format!("Z = {zero_experts}")),
        only(*rule == Rule::LongCat, format!("K_e = {}", number(*real_experts))),
        only(rule.moves_biases(), freeze.map_or("never frozen".into(), |step| format!("frozen from step {step}"))),
        only(rule.has_step(), switch(*centred, "centred")),
        auxiliary.title().to_owned(),
        format!("expert rate {}", number(*expert_rate)),
        format!("router rate {}", number(*router_rate)),
        optimiser.title().to_owned(),
        format!("{} gating values", gating.title()),
        format!("horizon {horizon}"),
        format!("z-loss {}", number(*z_loss)),
        format!("sequences of {sequence}"),
        format!("{batches} batches"),
        format!("{shared} shared"),
        switch(*renormalise, "renormalised"),
        format!("scale {}", number(*scale)),
    ]
}
