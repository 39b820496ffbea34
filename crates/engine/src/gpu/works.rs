//! The dispatches of one step on the GPU, in order: normally prepare, route, moved, update. A rule that needs an order statistic over the
//! batch adds three passes over the tokens, one per digit, each followed by a pass that picks that digit. Quantile Balancing has them after
//! the tokens were routed, BIP several rounds of them before.

use super::layout::{Group, PartParams, Plan};
use super::shader::constants::{STAGE_ROUND_SHIFT, STAGE_RULE_SHIFT, rule_number};
use super::shader::{Keep, Pass, Routing};
use moebias_model::config::Rule;
use moebias_model::order::VALUE_STAGES;

/// What the workgroups of a dispatch are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Across {
    /// One workgroup per variant.
    Variants,
    /// One workgroup per expert of each variant.
    Experts,
    /// All tokens, for the variants of a group.
    Tokens,
    /// The sample on which the share of moved assignments is estimated, for the variants of a group.
    Sample,
}

/// One dispatch, made in every step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// The shader pass.
    pub pass: Pass,
    /// What its workgroups are for.
    pub across: Across,
    /// The number of workgroups in y direction.
    pub height: u32,
    /// The parameters of the dispatch; `first_token` is filled in when it is submitted.
    pub part: PartParams,
    /// The number of token–expert pairs per token that it processes; 0 if it does not go over all tokens.
    pub pairs: u64,
}

impl Work {
    fn once(pass: Pass, across: Across, stage: u32) -> Self {
        Self { pass, across, height: 1, part: PartParams { stage, ..PartParams::default() }, pairs: 0 }
    }

    fn of_group((pass, height): (Pass, u32), across: Across, group: &Group, stage: u32) -> Self {
        let part = PartParams { first_variant: group.first, first_token: 0, variants: group.count, stage };
        let pairs = if across == Across::Tokens { group.experts } else { 0 };
        Self { pass, across, height, part, pairs }
    }
}

/// The dispatches of a plan, in order.
#[must_use]
pub fn of(plan: &Plan) -> Vec<Work> {
    let rounds = |rule: Rule| {
        let asks = plan.variants.iter().filter(|v| v.rank > 0 && v.rule == rule_number(rule));
        asks.map(|v| v.rounds).max().unwrap_or(0)
    };
    let mut all = vec![Work::once(Pass::Prepare, Across::Variants, 0)];
    for round in 0..rounds(Rule::Bip) {
        order(plan, Rule::Bip, round, &mut all);
        all.push(Work::once(Pass::Settle, Across::Variants, stage(Rule::Bip, round, 0)));
        all.push(Work::once(Pass::Prepare, Across::Variants, stage(Rule::Bip, round + 1, 0)));
    }
    all.extend(plan.groups.iter().map(|g| Work::of_group(Plan::route(g), Across::Tokens, g, 0)));
    if rounds(Rule::Quantile) > 0 {
        order(plan, Rule::Quantile, 0, &mut all);
    }
    all.extend(plan.groups.iter().map(|g| Work::of_group((Pass::Moved(g.routing), g.count), Across::Sample, g, 0)));
    all.push(Work::once(Pass::Update, Across::Variants, 0));
    if rounds(Rule::Quantile) > 0 {
        all.push(Work::once(Pass::Settle, Across::Variants, stage(Rule::Quantile, 0, 0)));
    }
    all
}

/// The parameter `stage` of a dispatch: the digit, the round and the rule of the search it belongs to.
fn stage(rule: Rule, round: u32, digit: u32) -> u32 {
    digit | round << STAGE_ROUND_SHIFT | rule_number(rule) << STAGE_RULE_SHIFT
}

/// Appends one search for every expert's order statistic.
fn order(plan: &Plan, rule: Rule, round: u32, all: &mut Vec<Work>) {
    all.push(Work::once(Pass::Begin, Across::Variants, stage(rule, round, 0)));
    for digit in 0..VALUE_STAGES as u32 {
        let stage = stage(rule, round, digit);
        for group in &plan.groups {
            let asks = plan.of_group(group).iter().filter(|v| v.rank > 0 && v.rule == rule_number(rule));
            // One more key than K has to be kept.
            if let Some(most) = asks.map(|v| v.top_k).max() {
                let routing = Routing { keep: Keep::of(most + 1), ..group.routing };
                all.push(Work::of_group((Pass::Digits(routing), group.count), Across::Tokens, group, stage));
            }
        }
        all.push(Work::once(Pass::Pick, Across::Experts, stage));
    }
}
