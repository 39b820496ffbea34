//! Routes every layer of a recording at once: a layer is a router with scores and biases of its own, and all layers have the same settings.

use super::Engine as _;
use super::cpu::CpuEngine;
use moebias_model::config::{ConfigError, Experiment};
use moebias_model::digest::Digest;
use moebias_model::metrics::Metrics;
use moebias_model::step::Simulation;
use moebias_model::trace::Trace;
use moebias_model::tracker::Tracker;
use rayon::prelude::*;
use std::sync::Arc;

/// The routers of all layers.
#[derive(Debug)]
pub struct Layers {
    layers: Vec<Layer>,
    step: u64,
}

/// The router of one layer.
#[derive(Debug)]
struct Layer {
    simulation: Simulation,
    engine: CpuEngine,
    tracker: Tracker,
    metrics: Metrics,
}

/// How one layer stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// The metrics of the last step.
    pub metrics: Metrics,
    /// The loads of the last 64 steps, per expert.
    pub loads: Vec<u64>,
    /// The biases, in Q32 score units.
    pub bias: Vec<i64>,
    /// The digest of all loads and biases.
    pub digest: Digest,
}

impl Layers {
    /// Layers at step 0, each with the settings of the first variant. `first` is a step of one of them; `starts` holds, for every layer, the
    /// biases that it starts from in score units, one per expert, or nothing if it starts as its rule says.
    ///
    /// # Errors
    /// The settings do not fit the recording.
    pub fn new(mut experiment: Experiment, first: &Arc<Trace>, starts: &[Vec<f64>]) -> Result<Self, ConfigError> {
        experiment.variants.truncate(1);
        let simulation = Simulation::new(experiment, Some(Arc::clone(first)))?;
        let layer = |start: &Vec<f64>| {
            let mut simulation = simulation.clone();
            simulation.start_from(start);
            let (tracker, metrics) = (Tracker::default(), Metrics::default());
            Layer { simulation, engine: CpuEngine::new("all layers"), tracker, metrics }
        };
        Ok(Self { layers: starts.iter().map(layer).collect(), step: 0 })
    }

    /// Steps that were done.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Does one step of every layer, on all cores. `trace` gives the tokens of this step of a layer, as a trace of one step; it is called
    /// from several threads, and what it returns is dropped as soon as the layer is done.
    ///
    /// # Errors
    /// The first error of `trace`. The layers then stand at different steps.
    pub fn advance<E: Send>(&mut self, trace: impl Fn(usize) -> Result<Trace, E> + Sync) -> Result<(), E> {
        self.layers.par_iter_mut().with_max_len(1).enumerate().try_for_each(|(i, layer)| layer.advance(trace(i)?))?;
        self.step += 1;
        Ok(())
    }

    /// How every layer stands.
    #[must_use]
    pub fn standings(&self) -> Vec<Standing> {
        let of = |layer: &Layer| {
            let state = &layer.simulation.state().variants[0];
            let mut loads = vec![0u64; state.bias.len()];
            for (step, _) in layer.tracker.recent() {
                loads.iter_mut().zip(step).for_each(|(all, &l)| *all += u64::from(l));
            }
            Standing { metrics: layer.metrics, loads, bias: state.bias.clone(), digest: state.digest }
        };
        self.layers.iter().map(of).collect()
    }
}

impl Layer {
    fn advance<E>(&mut self, trace: Trace) -> Result<(), E> {
        self.simulation.show(Arc::new(trace));
        let mut rows = vec![];
        // The CPU engine does every step.
        self.engine.advance(&mut self.simulation, 1, &mut rows).ok();
        // The tokens are not needed any more, and there may be many layers.
        self.simulation.show(Arc::new(Trace::new(0, 0, 0, vec![])));
        if let Some(row) = rows.pop().and_then(|mut row| row.variants.pop()) {
            self.metrics = self.tracker.push(&row);
        }
        Ok(())
    }
}
