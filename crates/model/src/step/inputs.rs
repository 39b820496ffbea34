//! The inputs of a step: tokens, step sizes, and the batch that is made of them.

use super::Simulation;
use crate::balance::{self, Rates};
use crate::batch::{Batch, Routing, StepInputs, TokenInputs, in_units, selector};
use crate::config::{Rule, Source, Synthetic};
use crate::learn::score::Scorer;
use crate::select::Selector;
use crate::settings::learning::World;
use crate::tokens::{TokenKey, Topics};
use std::sync::Arc;

/// The step in the random counter of the probe; no run reaches it.
pub const PROBE_STEP: u32 = u32::MAX;

impl Simulation {
    /// Drift per step, Q32: topic lifetimes, or turns of popularity in a world to learn from.
    pub(super) fn drift(&self) -> u64 {
        match &self.experiment.source {
            Source::Synthetic(Synthetic { drift, .. }) | Source::Learning(World { drift, .. }) => {
                libm::round(drift / 1000.0 * 4_294_967_296.0) as u64
            }
            _ => 0,
        }
    }

    /// The inputs of the step that is `ahead` steps after the next one, if no setting changes before it.
    pub fn inputs(&mut self, ahead: u64) -> StepInputs {
        let step = self.state.step + ahead;
        let rates = self.rates(step);
        let batch = self.batch();
        let phase = self.state.phase.wrapping_add(self.drift().wrapping_mul(ahead));
        let key_step = if matches!(self.experiment.source, Source::Fixed(_)) { 0 } else { step as u32 };
        let tokens = match (self.token_key(key_step), self.draw(key_step, phase)) {
            (Some(key), _) => TokenInputs::Synthetic { key, topics: self.topics(phase) },
            (None, Some(draw)) => TokenInputs::Learning(draw),
            (None, None) => TokenInputs::Trace { index: self.trace_index(step) },
        };
        StepInputs { tokens, batch, rates }
    }

    /// The step sizes of every variant's update at a step, as engines are passed them.
    pub(super) fn rates(&self, step: u64) -> Vec<Rates> {
        let all = self.experiment.variants.iter().zip(&self.state.variants);
        all.map(|(v, s)| balance::told_at(&v.balancer, step, s.schedule_from)).collect()
    }

    pub(super) fn trace_index(&self, step: u64) -> usize {
        self.trace.as_ref().map_or(0, |t| (step % t.steps.max(1) as u64) as usize)
    }

    fn token_key(&self, step: u32) -> Option<TokenKey> {
        self.experiment.synthetic().map(|s| TokenKey::new(s, self.experiment.seed, step))
    }

    fn topics(&mut self, phase: u64) -> Arc<Topics> {
        if let Some((at, topics)) = &self.topics
            && *at == phase
        {
            return Arc::clone(topics);
        }
        let source = self.experiment.synthetic().cloned().unwrap_or_default();
        let topics = Arc::new(Topics::new(&source, self.experiment.seed, phase));
        self.topics = Some((phase, Arc::clone(&topics)));
        topics
    }

    /// The next batch, ready to be routed in any order and on any number of threads.
    pub fn next_batch(&mut self) -> Batch {
        let inputs = self.inputs(0);
        self.batch_of(inputs)
    }

    /// The probe: a batch that stays the same at every step, apart from drift. For a trace or a fixed source it is the first batch.
    pub fn probe(&mut self) -> Batch {
        let mut inputs = self.inputs(0);
        match &mut inputs.tokens {
            TokenInputs::Synthetic { key, .. } if matches!(self.experiment.source, Source::Synthetic(_)) => {
                key.step = PROBE_STEP;
            }
            TokenInputs::Synthetic { .. } => {}
            TokenInputs::Trace { index } => *index = 0,
            TokenInputs::Learning(draw) => draw.step = PROBE_STEP,
        }
        self.batch_of(inputs)
    }

    /// Further tokens of the present source that no step routes: batch `number` of them, with the present topics. Number 0 is the probe. A
    /// fixed source has only one batch, and a trace repeats.
    pub fn reference(&mut self, number: u32) -> Batch {
        let mut inputs = self.inputs(0);
        match &mut inputs.tokens {
            TokenInputs::Synthetic { key, .. } if matches!(self.experiment.source, Source::Synthetic(_)) => {
                key.step = PROBE_STEP - number;
            }
            TokenInputs::Synthetic { .. } => {}
            TokenInputs::Trace { index } => *index = self.trace_index(u64::from(number)),
            TokenInputs::Learning(draw) => draw.step = PROBE_STEP - number,
        }
        self.batch_of(inputs)
    }

    fn batch_of(&self, inputs: StepInputs) -> Batch {
        let variants = self.experiment.variants.iter().zip(&self.state.variants).enumerate();
        let variants = variants
            .map(|(i, (v, s))| Routing {
                router: v.router.clone(),
                selector: selector(v.balancer.rule, &v.router, &s.bias),
                unbiased: Selector::unbiased(v.router.experts as usize),
                recorded: self.trace.as_ref().filter(|t| !t.gate_each_step).map(|t| t.scores(v.router.gate)),
                rule: v.balancer.rule,
                iterations: v.balancer.iterations,
                moves: inputs.rates[i].rate != 0,
                bias: s.bias.clone(),
                order: Default::default(),
                absolute: if v.balancer.rule == Rule::Threshold { in_units(&v.router, &s.bias) } else { vec![] },
                whole: Arc::default(),
                scorer: s
                    .learned
                    .as_ref()
                    .map(|l| Arc::new(Scorer::new(&l.parameters, v.router.experts as usize, v.router.gate))),
            })
            .collect();
        let (centroids, trace) = (Arc::clone(&self.widened), self.trace.clone());
        Batch { inputs, variants, centroids, trace, seed: self.experiment.seed, members: None, examples: None }
    }
}
