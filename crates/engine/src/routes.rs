//! Where the tokens of one step go, for the Text pane: the experts of every token, and which of them it has only because of the bias.

use super::cpu::{self, AllCores, CpuEngine};
use super::run::Run;
use super::watcher::View;
use moebias_model::batch::Batch;
use moebias_model::config::Gate;
use moebias_model::select::By;
use moebias_model::step::Simulation;
use rayon::prelude::*;

/// The largest number of tokens in a view.
pub const MOST_TOKENS: u32 = 4096;

/// What the screen asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoutesRequest {
    /// The index of the variant.
    pub variant: usize,
    /// The index of the first token; [`MOST_TOKENS`] tokens are shown from there on.
    pub first: u32,
}

/// An expert that a token chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The expert.
    pub expert: u16,
    /// Its score without bias, Q20 in units of the gate.
    pub score: i32,
    /// Whether the token chose it only because of the bias.
    pub moved: bool,
    /// Whether the expert has no room for the token.
    pub dropped: bool,
}

/// The experts of consecutive tokens of one step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Routes {
    /// The request it answers.
    pub request: RoutesRequest,
    /// The step that is shown: the last one that the run did, unless `ahead`.
    pub step: u64,
    /// Whether no step is done yet; the next step is then shown.
    pub ahead: bool,
    /// The gate of the step.
    pub gate: Gate,
    /// The number of tokens in the batch.
    pub batch: u32,
    /// The index of the first token shown.
    pub first: u32,
    /// The token ids of the tokens shown; empty where not recorded.
    pub ids: Vec<i64>,
    /// The experts that each of these tokens chose, best first; empty where token ids are not recorded.
    pub chosen: Vec<Vec<Choice>>,
    /// The loads of the whole batch, one per expert.
    pub loads: Vec<u32>,
    /// The fair share of an expert, in tokens.
    pub fair: f64,
}

impl Routes {
    /// Routes the step that a simulation is about to do. The simulation itself is not advanced.
    #[must_use]
    pub fn of(simulation: &Simulation, engine: &mut CpuEngine, request: RoutesRequest) -> Self {
        let experiment = simulation.experiment();
        let variant = request.variant.min(experiment.variants.len().saturating_sub(1));
        let mut routes = Self { request, step: simulation.step(), ..Self::default() };
        let written = simulation.trace().is_some_and(|t| !t.token_ids.is_empty() && t.counts.is_empty());
        let Some(settings) = experiment.variants.get(variant).filter(|_| written) else { return routes };
        routes.gate = settings.router.gate;
        let mut beside = simulation.clone();
        let (batch, counts) = engine.route(&mut beside);
        cpu::find_cuts(&batch);
        routes.batch = batch.inputs.batch;
        let last = routes.batch.saturating_sub(1) / MOST_TOKENS * MOST_TOKENS;
        routes.first = request.first.min(last);
        let shown = routes.first..routes.batch.min(routes.first + MOST_TOKENS);
        routes.ids = shown.clone().map(|token| batch.token_id(token).unwrap_or(-1)).collect();
        routes.chosen = shown.into_par_iter().with_min_len(64).map(|token| chosen(&batch, variant, token)).collect();
        let row = beside.finish_on(&batch, counts, &AllCores);
        let done = row.variants.into_iter().nth(variant).unwrap_or_default();
        (routes.fair, routes.loads) = (done.fair_share(), done.loads);
        routes
    }

    /// The load of an expert as a multiple of the fair share.
    #[must_use]
    pub fn share(&self, expert: u16) -> f64 {
        let load = self.loads.get(usize::from(expert)).copied().unwrap_or(0);
        if self.fair > 0.0 { f64::from(load) / self.fair } else { 0.0 }
    }

    /// The experts of a token of the batch, if it is shown.
    #[must_use]
    pub fn of_token(&self, token: u32) -> Option<&[Choice]> {
        self.chosen.get(token.checked_sub(self.first)? as usize).map(Vec::as_slice)
    }
}

fn chosen(batch: &Batch, variant: usize, token: u32) -> Vec<Choice> {
    let scores = batch.scores(token, variant);
    let (mut chosen, mut unbiased) = (vec![], vec![]);
    batch.choose(variant, By::Bias, token, &scores, &mut chosen);
    batch.choose(variant, By::Score, token, &scores, &mut unbiased);
    let choice = |&expert: &usize| Choice {
        expert: u16::try_from(expert).unwrap_or(u16::MAX),
        score: scores[expert],
        moved: !unbiased.contains(&expert),
        dropped: !batch.keeps(variant, token, expert, scores[expert]),
    };
    chosen.iter().map(choice).collect()
}

impl View for Routes {
    type Request = RoutesRequest;

    fn request(&self) -> RoutesRequest {
        self.request
    }

    fn of_run(run: &Run, engine: &mut CpuEngine, request: RoutesRequest) -> Self {
        match run.before_last(engine) {
            Some(before) => Self::of(&before, engine, request),
            None => Self { ahead: true, ..Self::of(run.simulation(), engine, request) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use moebias_model::config::{Experiment, Source, TraceSource, Variant};
    use moebias_model::trace::Trace;
    use std::sync::Arc;

    fn simulation(tokens: usize, ids: bool) -> Simulation {
        let experts = 8;
        let logits = (0..tokens * experts).map(|i| ((i * 37) % 101) as f32 / 25.0 - 2.0).collect();
        let mut trace = Trace::new(1, tokens, experts, logits);
        if ids {
            trace.token_ids = (0..tokens as i32).collect();
        }
        let mut variant = Variant { name: "a".into(), ..Variant::default() };
        (variant.router.experts, variant.router.top_k) = (8, 2);
        variant.balancer.rate = 0.1;
        let source = Source::Trace(TraceSource { file: "t".into(), ..TraceSource::default() });
        Simulation::new(Experiment { seed: 0, source, variants: vec![variant] }, Some(Arc::new(trace))).unwrap()
    }

    #[test]
    fn the_experts_are_those_of_the_step() {
        let mut run = simulation(24, true);
        let mut engine = CpuEngine::new("test");
        for _ in 0..4 {
            let routes = Routes::of(&run, &mut engine, RoutesRequest::default());
            let mut loads = vec![0; 8];
            routes.chosen.iter().flatten().for_each(|c| loads[usize::from(c.expert)] += 1);
            let row = run.advance();
            assert_eq!((&routes.loads, &loads), (&row.variants[0].loads, &row.variants[0].loads));
            assert_eq!((routes.ids.len(), routes.ids[23], routes.fair), (24, 23, 6.0));
        }
        let moved = Routes::of(&run, &mut engine, RoutesRequest::default());
        assert!(moved.chosen.iter().flatten().any(|c| c.moved), "the bias moves some");
    }

    #[test]
    fn a_long_step_is_shown_in_parts_and_one_without_ids_not_at_all() {
        let long = simulation(MOST_TOKENS as usize + 5, true);
        let mut engine = CpuEngine::new("test");
        let at = |first| Routes::of(&long, &mut CpuEngine::new("test"), RoutesRequest { variant: 0, first });
        assert_eq!((at(0).first, at(0).ids.len()), (0, MOST_TOKENS as usize));
        let rest = at(MOST_TOKENS * 9);
        assert_eq!((rest.first, rest.ids.len()), (MOST_TOKENS, 5));
        assert_eq!(rest.of_token(MOST_TOKENS + 4).map(<[_]>::len), Some(2));
        assert_eq!(rest.of_token(4), None);
        let none = Routes::of(&simulation(24, false), &mut engine, RoutesRequest::default());
        assert!(none.ids.is_empty() && none.batch == 0);
    }
}
