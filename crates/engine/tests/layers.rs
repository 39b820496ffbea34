//! All layers at once are each the run that one layer alone is.

use moebias_engine::layers::Layers;
use moebias_model::config::{Balancer, Experiment, Gate, Router, Rule, Source, TraceSource, Variant};
use moebias_model::step::Simulation;
use moebias_model::trace::Trace;
use std::sync::Arc;

const STEPS: usize = 5;
const TOKENS: usize = 96;
const EXPERTS: usize = 24;

/// Logits of a layer, different in every layer.
fn logits(layer: usize) -> Vec<f32> {
    let value = |i: usize| {
        let mixed = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15 ^ (layer as u64) << 7);
        (mixed >> 40) as f32 / (1 << 22) as f32 - 2.0
    };
    (0..STEPS * TOKENS * EXPERTS).map(value).collect()
}

#[test]
fn every_layer_is_the_run_of_that_layer() {
    for (gate, rule) in [(Gate::Sigmoid, Rule::Sign), (Gate::Softmax, Rule::Quantile), (Gate::SqrtSoftplus, Rule::Rms)]
    {
        let router = Router { experts: EXPERTS as u32, top_k: 3, gate, ..Router::default() };
        let balancer = Balancer { rule, rate: 0.01, ..Balancer::default() };
        let variant = Variant { router, balancer, ..Variant::default() };
        let source = Source::Trace(TraceSource { file: "made up".into(), ..Default::default() });
        let experiment = Experiment { seed: 0, source, variants: vec![variant] };
        // Every other layer starts from a bias that was recorded.
        let start = |layer: usize| -> Vec<f64> {
            let biases = (0..EXPERTS).map(|e| (e * 7 + layer) as f64 % 5.0 / 50.0);
            if layer % 2 == 1 { biases.collect() } else { vec![] }
        };
        let whole = |layer: usize| {
            let mut trace = Trace::new(STEPS, TOKENS, EXPERTS, logits(layer));
            trace.learned_bias = start(layer);
            trace.starts_from_bias = !trace.learned_bias.is_empty();
            Arc::new(trace)
        };
        let one = |layer: usize, step: usize| {
            let size = TOKENS * EXPERTS;
            Trace::new(1, TOKENS, EXPERTS, logits(layer)[step * size..(step + 1) * size].to_vec())
        };
        let mut layers =
            Layers::new(experiment.clone(), &Arc::new(one(0, 0)), &(0..7).map(start).collect::<Vec<_>>()).unwrap();
        let mut alone: Vec<Simulation> =
            (0..7).map(|l| Simulation::new(experiment.clone(), Some(whole(l))).unwrap()).collect();
        // Beyond the end the recording begins again.
        for step in 0..STEPS + 3 {
            layers.advance(|layer| Ok::<_, ()>(one(layer, step % STEPS))).unwrap();
            alone.iter_mut().for_each(|s| drop(s.advance()));
        }
        for (layer, (together, alone)) in layers.standings().iter().zip(&alone).enumerate() {
            let state = &alone.state().variants[0];
            assert_eq!(
                (&together.bias, together.digest),
                (&state.bias, state.digest),
                "{gate} {rule:?}, layer {layer}"
            );
        }
        assert_eq!(layers.step(), STEPS as u64 + 3);
        // An error of a layer ends the step.
        let error = layers.advance(|layer| if layer == 4 { Err("torn") } else { Ok(one(layer, 0)) });
        assert_eq!(error, Err("torn"));
    }
}
