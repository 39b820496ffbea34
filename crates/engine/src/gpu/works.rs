//! What a step consists of on the GPU, in order. Ordinarily prepare, route, moved, update. A rule that puts the batch in order has three
//! passes over the tokens more, one per digit, each followed by the choice of that digit: Quantile Balancing after the tokens were
//! routed, BIP some times before.

use super::layout::{Group, PartParams, Plan};
use super::shader::constants::{STAGE_ROUND_SHIFT, STAGE_RULE_SHIFT, rule_number};
use super::shader::{Keep, Pass, Routing};
use moebias_model::config::Rule;
use moebias_model::order::VALUE_STAGES;

/// Over what a dispatch goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Across {
    /// A workgroup per variant.
    Variants,
    /// A workgroup per expert of each variant.
    Experts,
    /// All tokens, for the variants of a group.
    Tokens,
    /// The sample on which the share moved by the bias is estimated, for the variants of a group.
    Sample,
}

/// One dispatch of every step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// The pass.
    pub pass: Pass,
    /// Over what.
    pub across: Across,
    /// How many workgroups high it is.
    pub height: u32,
    /// What it is told; the first token is filled in later.
    pub part: PartParams,
    /// Token–expert pairs per token that it goes through.
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

/// All of a plan's.
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

/// What a part is told of the search it belongs to.
fn stage(rule: Rule, round: u32, digit: u32) -> u32 {
    digit | round << STAGE_ROUND_SHIFT | rule_number(rule) << STAGE_RULE_SHIFT
}

/// The search for every expert's order statistic.
fn order(plan: &Plan, rule: Rule, round: u32, all: &mut Vec<Work>) {
    all.push(Work::once(Pass::Begin, Across::Variants, stage(rule, round, 0)));
    for digit in 0..VALUE_STAGES as u32 {
        let stage = stage(rule, round, digit);
        for group in &plan.groups {
            let asks = plan.of_group(group).iter().filter(|v| v.rank > 0 && v.rule == rule_number(rule));
            // One key more than are chosen has to be held.
            if let Some(most) = asks.map(|v| v.top_k).max() {
                let routing = Routing { keep: Keep::of(most + 1), ..group.routing };
                all.push(Work::of_group((Pass::Digits(routing), group.count), Across::Tokens, group, stage));
            }
        }
        all.push(Work::once(Pass::Pick, Across::Experts, stage));
    }
}
