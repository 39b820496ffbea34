//! What the host and the shaders say to each other: the structs of `shaders/shared/step.wgsl`, and where everything stands in the
//! buffers. A test compares these structs with what naga makes of the shaders.

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

/// Experts of a variant are padded to blocks of this many.
pub const BLOCK: u32 = 8;

/// One step of a submission. Places are in elements of the array they point into.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
pub struct StepParams {
    /// Tokens, T.
    pub batch: u32,
    /// Tokens on which the share moved by the bias is estimated.
    pub sample: u32,
    /// Place of the first load in `counts`.
    pub loads_at: u32,
    /// Place of the first variant's moved assignments in `counts`.
    pub moved_at: u32,
    /// Place of the first variant's saturated experts in `counts`; under rule `Threshold`, its sampled assignments.
    pub saturated_at: u32,
    /// Place of the first bias to route with in `bias`.
    pub bias_at: u32,
    /// Place of the first bias after the update in `bias`.
    pub next_bias_at: u32,
    /// Place of the first variant's step size in `rates`.
    pub rates_at: u32,
    /// Place of the topics' thresholds in `topics`; the centres follow.
    pub topics_at: u32,
    /// Number of topics.
    pub topics: u32,
    /// Second word of the tokens' random counter.
    pub key_step: u32,
    /// Fourth word of the tokens' random counter.
    pub seed: u32,
    /// Consecutive tokens that share a topic.
    pub burst: u32,
    /// Q8 factor of the noise byte.
    pub noise_q8: i32,
    /// Place of this step's first score in a gate's part of `recorded`.
    pub trace_at: u32,
    /// Nothing.
    pub pad: u32,
}

/// Which variants and which tokens one dispatch handles.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct PartParams {
    /// Place of the first variant.
    pub first_variant: u32,
    /// The first token.
    pub first_token: u32,
    /// How many variants.
    pub variants: u32,
    /// While a batch is put in order: which digit, in which inner iteration, for which rule; else 0.
    pub stage: u32,
}

/// One variant. They stand in order of their routing, so that those of one dispatch are neighbours.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct VariantParams {
    /// E.
    pub experts: u32,
    /// K.
    pub top_k: u32,
    /// Place of its first expert among all experts.
    pub first_expert: u32,
    /// Its number in the experiment.
    pub index: u32,
    /// The rule, by [`rule_number`].
    pub rule: u32,
    /// Whether the mean is subtracted after the update.
    pub centred: u32,
    /// Place of its gate's scores in `recorded`.
    pub scores_at: u32,
    /// K·T.
    pub assignments: u32,
    /// How far a bias is shifted to the right on its way into the key.
    pub bias_shift: u32,
    /// Steepness of SMEBU, Q20.
    pub steepness: u32,
    /// Momentum of SMEBU, Q24.
    pub momentum: u32,
    /// Experts that compute: the first of all.
    pub computing: u32,
    /// The share of the batch that each of them is to get, Q30.
    pub share: u32,
    /// Groups of experts; 0 for none.
    pub groups: u32,
    /// Groups that a token chooses among.
    pub kept: u32,
    /// Which of a batch's numbers the rule asks for, counted from 1; 0 where it asks for none.
    pub rank: u32,
    /// How many times a step it asks.
    pub rounds: u32,
    /// Weight of the old β in a moving average, Q24.
    pub average: u32,
}

/// Neighbouring variants that are routed alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// How.
    pub routing: Routing,
    /// Whether they have the same experts, so that they share tokens, logits and scores.
    pub same_scores: bool,
    /// Place of the first.
    pub first: u32,
    /// How many.
    pub count: u32,
    /// Their experts in all.
    pub experts: u64,
}

/// How a trace is held: some consecutive steps at a time, once for every gate in use.
#[derive(Clone, Debug)]
pub struct Window {
    /// The whole trace.
    pub trace: Arc<Trace>,
    /// The gates in use.
    pub gates: Vec<Gate>,
    /// Steps held at a time; all of them where they fit.
    pub steps: usize,
}

impl Window {
    /// Scores of one step.
    #[must_use]
    pub fn scores_per_step(&self) -> usize {
        self.trace.tokens * self.trace.experts
    }

    /// The largest window within this many bytes.
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

    /// Place of a gate's first score.
    fn place(&self, gate: Gate) -> u32 {
        let slot = self.gates.iter().position(|&g| g == gate).unwrap_or(0);
        (slot * self.steps * self.scores_per_step()) as u32
    }
}

/// Everything about an experiment that stays the same from step to step.
#[derive(Clone, Debug)]
pub struct Plan {
    /// In order of their routing.
    pub variants: Vec<VariantParams>,
    /// The variants that share dispatches.
    pub groups: Vec<Group>,
    /// Place and number of each variant's experts, in the experiment's order.
    pub experts: Vec<(usize, usize)>,
    /// Experts of all variants, with padding.
    pub width: u32,
    /// Tokens per step.
    pub batch: u32,
    /// Topics per step; 0 for a trace.
    pub topics: u32,
    /// The trace, and how much of it fits.
    pub trace: Option<Window>,
    /// The experts' centroids.
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

impl Plan {
    /// Of a simulation as it is now. `budget` is the most bytes a buffer may have.
    ///
    /// # Errors
    /// Says in a sentence what does not fit.
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
        // Where experts choose, every load is what they may take: there is nothing to route, so those stand last and in no group.
        all.sort_by_key(|(routing, v)| (v.rule == EXPERT_CHOICE, *routing, v.experts, v.scores_at, v.index));
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

    /// The pass that routes a group, and how many workgroups high it is.
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

    /// Tokens on which the share moved by the bias is estimated.
    #[must_use]
    pub fn sample(&self) -> u32 {
        self.batch.min(MOVED_SAMPLE)
    }

    /// Words of `counts` per step: loads, then moved, then saturated; in place of the last the sampled assignments under rule
    /// `Threshold`, which saturates no key.
    #[must_use]
    pub fn counts_per_step(&self) -> u32 {
        self.width + 2 * self.variants.len() as u32
    }

    /// Words of `topics` per step.
    #[must_use]
    pub fn topics_per_step(&self) -> u32 {
        9 * self.topics
    }
}
