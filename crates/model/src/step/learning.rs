//! The steps of a world to learn from: tokens with targets, scores of a router that learns, and training.

use super::{Simulation, State, VariantState, error};
use crate::batch::{Batch, Routing, TokenInputs};
use crate::config::{ConfigError, Experiment, Variant};
use crate::learn::evaluate::{HeldOut, Present, evaluate};
use crate::learn::spread::Spread;
use crate::learn::train::{Lesson, Room, train};
use crate::learn::world::{Draw, Examples, Teacher};
use crate::row::LearningRow;
use std::sync::Arc;

/// Checks that every variant's state holds parameters of the right shape if the source is a world to learn from, and none otherwise.
pub(super) fn fits(experiment: &Experiment, state: &State) -> Result<(), ConfigError> {
    let learns = experiment.world().is_some();
    let fits = |(s, v): (&VariantState, &Variant)| match &s.learned {
        Some(learned) => learns && learned.fits(v.router.experts as usize),
        None => !learns,
    };
    if state.variants.iter().zip(&experiment.variants).all(fits) {
        return Ok(());
    }
    let allowed = if learns { "finite parameters of every variant's experts" } else { "without: nothing learns here" };
    Err(error("start state", "with parameters of another layer or none", allowed))
}

/// Trains one variant on the batch it routed. `None` where nothing learns, or where the layer has diverged.
pub(super) fn learn(
    variant: &Variant,
    state: &mut VariantState,
    (routing, examples): (&Routing, Option<&Examples>),
    loads: &[u32],
    (step, room): (u64, &mut Room),
    spread: &impl Spread,
) -> Option<LearningRow> {
    let (examples, scores, learned) = (examples?, routing.recorded()?, state.learned.as_mut()?);
    let (router, selector, settings) = (&routing.router, &routing.selector, &variant.learning);
    let lesson = Lesson { examples, router, selector, scores, loads, settings, step };
    train(Arc::make_mut(learned), &lesson, room, spread)
}

impl Simulation {
    /// What a step's tokens are drawn from, where the source is a world to learn from.
    pub(super) fn draw(&mut self, step: u32, phase: u64) -> Option<Draw> {
        let (world, seed) = (self.experiment.world()?, self.experiment.seed);
        let known = self.teacher.take().filter(|t| t.fits(world, seed));
        let teacher = known.unwrap_or_else(|| Arc::new(Teacher::new(world, seed)));
        self.teacher = Some(Arc::clone(&teacher));
        Some(Draw::new(teacher, world, step, phase))
    }

    /// Evaluates the layers as they are on `batches` batches that no step trains on: one result per variant, or none where nothing learns.
    pub fn held_out(&mut self, batches: u32, spread: &impl Spread) -> Vec<HeldOut> {
        let Some(draw) = self.draw(0, self.state.phase) else { return vec![] };
        let batch = self.next_batch();
        let all = batch.variants.iter().zip(&self.experiment.variants).zip(&self.state.variants);
        let present = all.filter_map(|((routing, v), state)| {
            let parameters = &state.learned.as_ref()?.parameters;
            let (router, selector) = (&routing.router, &routing.selector);
            Some(Present { router, selector, parameters, gating: v.learning.gating })
        });
        evaluate(&draw, batch.inputs.batch as usize, batches, &present.collect::<Vec<_>>(), spread)
    }
}

impl Batch {
    /// Whether the tokens, targets and scores of a batch to learn from have been made. Always true for other batches.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !matches!(self.inputs.tokens, TokenInputs::Learning(_)) || self.examples.is_some()
    }

    /// Makes the tokens, targets and scores of a batch to learn from; does nothing for other batches. Code that looks at only a few tokens
    /// works without it.
    pub fn make_ready(&mut self, spread: &impl Spread) {
        let TokenInputs::Learning(draw) = &self.inputs.tokens else { return };
        if self.examples.is_none() {
            let examples = draw.examples(self.inputs.batch as usize, spread);
            for v in &mut self.variants {
                v.recorded = v.scorer.as_ref().map(|scorer| Arc::new(scorer.all(&examples.x, spread)));
            }
            self.examples = Some(Arc::new(examples));
        }
    }
}
