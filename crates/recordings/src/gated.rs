//! Converts recorded values to scores, and values that have passed a gate back to logits.

use super::recording::Layer;
use moebias_model::config::{Gate, Rule};
use moebias_model::fixed::to_q32;
use moebias_model::gate::scores_of_recorded;
use moebias_model::select::Selector;

/// Why a pass over scores stopped.
pub(crate) enum Stop {
    Read(std::io::Error),
    Value(usize, usize, f32),
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Read(error)
    }
}

/// Appends the scores of one recorded row, Q20. The error is the expert and its value if that is not a number.
pub(crate) fn score(row: &[f32], gate: Gate, gated: Option<Gate>, out: &mut Vec<i32>) -> Result<(), (usize, f32)> {
    if let Some(expert) = row.iter().position(|x| x.is_nan() || *x == f32::INFINITY) {
        return Err((expert, row[expert]));
    }
    match gated {
        None => scores_of_recorded(gate, row.iter().map(|&x| f64::from(x)), out),
        Some(gated) => scores_of_recorded(gate, row.iter().map(|&x| f64::from(ungated(gated, x))), out),
    }
    Ok(())
}

/// The logit that gives this value after a gate. For softmax the logits are determined only up to a common constant.
pub(crate) fn ungated(gate: Gate, value: f32) -> f32 {
    // Beyond this logit, the score is 0 or 1 up to rounding.
    const FAR: f32 = 40.0;
    let logit = match gate {
        Gate::Softmax => value.max(0.0).ln(),
        Gate::Sigmoid => (value.max(0.0) / (1.0 - value).max(0.0)).ln(),
        Gate::SqrtSoftplus => (value.max(0.0).powi(2)).exp_m1().ln(),
    };
    if logit.is_nan() { 0.0 } else { logit.clamp(-2.0 * FAR, FAR) }
}

/// The selector of a layer with the recorded bias, for scores of this gate; `None` if no bias was recorded.
pub(crate) fn with_recorded_bias(layer: &Layer, gate: Gate) -> Option<Selector> {
    // Scores are in units of the gate, biases in score units.
    let bias: Vec<i64> = layer.bias.iter().map(|&b| to_q32(b) >> gate.unit_bits()).collect();
    (!bias.is_empty()).then(|| Selector::new(Rule::Sign, &bias))
}
