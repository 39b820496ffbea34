//! The data that host and shaders exchange: the structs of `shaders/shared/step.wgsl`, and the layout of the buffers. A test compares these
//! structs with those that naga finds in the shaders.

use super::shader::constants::{EXPERT_CHOICE, MOST_SHARED_EXPERTS, TOGETHER, rule_number};
use super::shader::{Pass, Routing};
use crate::unsupported::unsupported;
use bytemuck::{Pod, Zeroable};
use moebias_model::balance::{self, quantile};
use moebias_model::batch::MOVED_SAMPLE;
use moebias_model::config::{Experiment, Gate, Rule, Source, limits};
use moebias_model::order::rank;
use moebias_model::step::Simulation;
use moebias_model::tokens::Embedding;
use moebias_model::trace::Trace;
use std::sync::Arc;

/// The experts of a variant are padded to a multiple of this number.
pub const BLOCK: u32 = 8;

/// The parameters of one step of a submission. Offsets are in elements of the array they refer to.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
pub struct StepParams {
    /// Number of tokens, T.
    pub batch: u32,
    /// Number of tokens in the sample on which the share of moved assignments is estimated.
    pub sample: u32,
    /// Offset of the loads in `counts`.
    pub loads_at: u32,
    /// Offset of the variants' numbers of moved assignments in `counts`.
    pub moved_at: u32,
    /// Offset of the variants' numbers of saturated experts in `counts`; under rule `Threshold` it is the number of sampled assignments.
    pub saturated_at: u32,
    /// Offset in `bias` of the biases to route with.
    pub bias_at: u32,
    /// Offset in `bias` of the biases after the update.
    pub next_bias_at: u32,
    /// Offset of the variants' step sizes in `rates`.
    pub rates_at: u32,
    /// Offset of the topics' thresholds in `topics`; the centres follow them.
    pub topics_at: u32,
    /// Number of topics.
    pub topics: u32,
    /// The second word of the tokens' random counter.
    pub key_step: u32,
    /// The fourth word of the tokens' random counter.
    pub seed: u32,
    /// Number of consecutive tokens that share a topic.
    pub burst: u32,
    /// The factor of the noise byte, Q8.
    pub noise_q8: i32,
    /// Offset of this step's scores within a gate's part of `recorded`.
    pub trace_at: u32,
    /// Unused padding.
    pub pad: u32,
}

/// The parameters of a dispatch: which variants and tokens it handles.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct PartParams {
    /// The index of the first variant.
    pub first_variant: u32,
    /// The index of the first token.
    pub first_token: u32,
    /// Number of variants.
    pub variants: u32,
    /// In an order search: the digit, the round and the rule, packed into one word; otherwise 0.
    pub stage: u32,
}

/// The parameters of one variant. Variants are sorted by their routing, so that those of one dispatch are neighbours.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct VariantParams {
    /// Number of experts, E.
    pub experts: u32,
    /// Number of experts per token, K.
    pub top_k: u32,
    /// Offset of its first expert among all experts.
    pub first_expert: u32,
    /// The index of the variant in the experiment.
    pub index: u32,
    /// The rule, as a [`rule_number`].
    pub rule: u32,
    /// Whether the mean is subtracted from the biases after the update: 0 or 1.
    pub centred: u32,
    /// Offset of the scores of its gate in `recorded`.
    pub scores_at: u32,
    /// Number of assignments in a batch, K·T.
    pub assignments: u32,
    /// Number of bits by which a bias is shifted to the right for the key, from score units to units of the gate.
    pub bias_shift: u32,
    /// The steepness of SMEBU, Q20.
    pub steepness: u32,
    /// The momentum of SMEBU, Q24.
    pub momentum: u32,
    /// Number of experts that compute, which come before the zero experts.
    pub computing: u32,
    /// The share of the batch that each computing expert should get, Q30.
    pub share: u32,
    /// Number of groups of experts; 0 without groups.
    pub groups: u32,
    /// Number of groups that are kept for a token.
    pub kept: u32,
    /// Which of the batch's numbers the order search looks for, counted from 1 for the largest; 0 without a search.
    pub rank: u32,
    /// Number of rounds of the order search in a step.
    pub rounds: u32,
    /// The weight of the old β in the moving average, Q24.
    pub average: u32,
}

/// Neighbouring variants with the same routing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Their routing.
    pub routing: Routing,
    /// Whether they have the same experts and scores, so that they can share tokens, logits and scores.
    pub same_scores: bool,
    /// The index of the first variant.
    pub first: u32,
    /// Number of variants.
    pub count: u32,
    /// Number of experts of all of them.
    pub experts: u64,
}

/// The part of a trace that is on the GPU at a time: some consecutive steps, once for every gate in use.
#[derive(Clone, Debug)]
pub struct Window {
    /// The whole trace.
    pub trace: Arc<Trace>,
    /// The gates in use.
    pub gates: Vec<Gate>,
    /// Number of steps at a time; all steps of the trace if they fit.
    pub steps: usize,
}

impl Window {
    /// Number of scores in one step.
    #[must_use]
    pub fn scores_per_step(&self) -> usize {
        self.trace.tokens * self.trace.experts
    }

    /// The largest window within a budget of bytes.
    fn new(trace: &Arc<Trace>, experiment: &Experiment, budget: u64) -> Result<Self, String> {
        let mut gates: Vec<Gate> = vec![];
        for v in &experiment.variants {
            if !gates.contains(&v.router.gate) {
                gates.push(v.router.gate);
            }
        }
        let bytes = (trace.tokens * trace.experts * gates.len() * 4).max(1) as u64;
        let steps = (budget / bytes).min(trace.steps as u64) as usize;
        if steps == 0 {
            let (mib, most) = (bytes.div_ceil(1 << 20), budget >> 20);
            return Err(format!(
                "one step of this trace takes {mib} MiB, but the GPU takes at most {most} MiB at a time"
            ));
        }
        Ok(Self { trace: Arc::clone(trace), gates, steps })
    }

    /// Offset of the first score of a gate.
    fn place(&self, gate: Gate) -> u32 {
        let slot = self.gates.iter().position(|&g| g == gate).unwrap_or(0);
        (slot * self.steps * self.scores_per_step()) as u32
    }
}

/// Everything about an experiment that does not change between steps, as the GPU needs it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The variants, sorted by their routing.
    pub variants: Vec<VariantParams>,
    /// The groups of variants that share dispatches.
    pub groups: Vec<Group>,
    /// For each variant, in the experiment's order: the offset of its first expert, and its number of experts.
    pub experts: Vec<(usize, usize)>,
    /// Number of experts of all variants, including padding.
    pub width: u32,
    /// Number of tokens per step.
    pub batch: u32,
    /// Number of topics; 0 for a trace.
    pub topics: u32,
    /// The trace, and how much of it is on the GPU at a time.
    pub trace: Option<Window>,
    /// The centroids of the experts.
    pub centroids: Arc<Vec<Embedding>>,
}

impl PartialEq for Plan {
    fn eq(&self, other: &Self) -> bool {
        let same_trace = match (&self.trace, &other.trace) {
            (Some(a), Some(b)) => Arc::ptr_eq(&a.trace, &b.trace) && a.gates == b.gates,
            (None, None) => true,
            _ => false,
        };
        same_trace
            && Arc::ptr_eq(&self.centroids, &other.centroids)
            && self.variants == other.variants
            && self.groups == other.groups
            && self.batch == other.batch
            && self.topics == other.topics
    }
}

/// Puts neighbouring variants with the same routing into groups. `all` is sorted as in a [`Plan`]; variants whose experts choose are in no group.
fn grouped(all: &[(Routing, VariantParams)]) -> Vec<Group> {
    let mut groups: Vec<Group> = vec![];
    for ((routing, v), place) in all.iter().zip(0u32..).filter(|((_, v), _)| v.rule != EXPERT_CHOICE) {
        let alike = |g: &&mut Group| {
            let first: &VariantParams = &all[g.first as usize].1;
            let same = first.experts == v.experts && first.scores_at == v.scores_at;
            g.routing == *routing && (same || !g.same_scores)
        };
        let experts = u64::from(v.experts);
        match groups.last_mut().filter(alike) {
            Some(group) => {
                group.count += 1;
                group.experts += experts;
            }
            None => {
                let same_scores = routing.can_share() && v.experts <= MOST_SHARED_EXPERTS;
                groups.push(Group { routing: *routing, same_scores, first: place, count: 1, experts });
            }
        }
    }
    groups
}

impl Plan {
    /// The plan for the present settings of a simulation. `budget` is the largest size of a buffer in bytes.
    ///
    /// # Errors
    /// What the GPU does not support, in a sentence.
    pub fn new(simulation: &Simulation, budget: u64) -> Result<Self, String> {
        let experiment: &Experiment = simulation.experiment();
        if let Some(why) = unsupported(experiment) {
            return Err(why);
        }
        let batch = simulation.batch();
        if batch > limits::BATCH.max_u32() {
            let most = limits::BATCH.max_u32();
            return Err(format!("a step of this trace has {batch} tokens, but the GPU engine takes at most {most}"));
        }
        if simulation.trace().is_some_and(|t| t.gate_each_step) {
            return Err("the GPU engine reads recorded scores, not logits whose gate is taken in every step".into());
        }
        if simulation.trace().is_some_and(|t| !t.counts.is_empty()) {
            return Err("only loads were recorded, so there is nothing to route".into());
        }
        let trace = match (&experiment.source, simulation.trace()) {
            (Source::Trace(_), Some(trace)) => Some(Window::new(trace, experiment, budget)?),
            _ => None,
        };
        let mut width = 0;
        let mut experts = vec![];
        let mut all: Vec<(Routing, VariantParams)> = vec![];
        for (v, index) in experiment.variants.iter().zip(0u32..) {
            let (r, b) = (&v.router, &v.balancer);
            let (soft, target) = (balance::soft(b), balance::target(b, r.experts, r.top_k));
            all.push((
                Routing::new(trace.is_some(), r.gate, b.rule, r.top_k, r.groups.is_some()),
                VariantParams {
                    experts: r.experts,
                    top_k: r.top_k,
                    first_expert: width,
                    index,
                    rule: rule_number(b.rule),
                    centred: u32::from(balance::centres(b)),
                    scores_at: trace.as_ref().map_or(0, |t| t.place(r.gate)),
                    assignments: r.top_k * batch,
                    bias_shift: if b.rule == Rule::Multiplicative { 0 } else { r.gate.unit_bits() },
                    steepness: soft.steepness,
                    momentum: soft.momentum,
                    computing: target.computing,
                    share: target.share,
                    groups: r.groups.map_or(0, |g| g.groups),
                    kept: r.groups.map_or(0, |g| g.kept),
                    rank: rank(b.rule, r.top_k, batch, r.experts).unwrap_or(0),
                    rounds: if b.rule == Rule::Bip { b.iterations } else { 1 },
                    average: quantile::weight(b.average),
                },
            ));
            experts.push((width as usize, r.experts as usize));
            width += r.experts.next_multiple_of(BLOCK);
        }
        // Where experts choose, every load is the quota and nothing is routed, so these variants come last and are in no group.
        all.sort_by_key(|(routing, v)| (v.rule == EXPERT_CHOICE, *routing, v.experts, v.scores_at, v.index));
        let groups = grouped(&all);
        Ok(Self {
            variants: all.into_iter().map(|(_, v)| v).collect(),
            groups,
            experts,
            width,
            batch,
            topics: experiment.synthetic().map_or(0, |s| s.topics),
            trace,
            centroids: Arc::clone(simulation.centroids()),
        })
    }

    /// The pass that routes a group, and the number of its workgroups in y direction.
    #[must_use]
    pub fn route(group: &Group) -> (Pass, u32) {
        if group.same_scores && group.count > 1 {
            (Pass::RouteShared(group.routing), group.count.div_ceil(TOGETHER))
        } else {
            (Pass::Route(group.routing), group.count)
        }
    }

    /// The variants of a group.
    #[must_use]
    pub fn of_group(&self, group: &Group) -> &[VariantParams] {
        self.variants.get(group.first as usize..(group.first + group.count) as usize).unwrap_or_default()
    }

    /// Number of tokens in the sample on which the share of moved assignments is estimated.
    #[must_use]
    pub fn sample(&self) -> u32 {
        self.batch.min(MOVED_SAMPLE)
    }

    /// Words of `counts` per step: the loads, then per variant the moved assignments, then per variant the saturated experts. Under rule
    /// `Threshold`, which saturates no key, the last are the sampled assignments.
    #[must_use]
    pub fn counts_per_step(&self) -> u32 {
        self.width + 2 * self.variants.len() as u32
    }

    /// Words of `topics` per step: a threshold and the eight words of a centre per topic.
    #[must_use]
    pub fn topics_per_step(&self) -> u32 {
        9 * self.topics
    }
}
