//! Measures how balanced a layer is as it was recorded.

use super::error::ReadError;
use super::facts::{Facts, not_a_number};
use super::gated::{Stop, score, with_recorded_bias};
use super::recording::{Data, Layer, Recording};
use moebias_model::config::{Gate, limits};
use moebias_model::metrics;
use moebias_model::select::{MAX_K, Selector, expert_of};
use moebias_model::settings::reading::{Reading, RecordedKind};
use serde::Serialize;

/// Experts per token if neither the file nor a person says.
pub(crate) const TOP_K: u32 = 6;

/// How balanced a layer is as it was recorded, over the tokens that are used.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// The name of the layer.
    pub layer: String,
    /// The number of steps.
    pub steps: usize,
    /// The number of tokens measured, over all steps; 0 if only counts were recorded.
    pub tokens: usize,
    /// The number of experts.
    pub experts: usize,
    /// Experts per token; `None` if only counts were recorded.
    pub top_k: Option<u32>,
    /// MaxVio of the loads of all steps together: the largest load over the mean load, less 1.
    pub maxvio: f64,
    /// The mean over steps of each step's MaxVio.
    pub maxvio_mean: f64,
    /// 1 minus the smallest load over the mean load, of all steps together.
    pub min_vio: f64,
    /// The entropy of the load shares, in nats.
    pub entropy: f64,
    /// e to the entropy: how many equally loaded experts would have the same entropy.
    pub effective_experts: f64,
    /// The number of experts without a token.
    pub dead: usize,
    /// The expert with the most tokens; the first of several.
    pub busiest: usize,
    /// The expert with the fewest tokens; the first of several.
    pub emptiest: usize,
    /// MaxVio of all steps together with the recorded bias; `None` unless a bias and scores were recorded.
    pub maxvio_recorded_bias: Option<f64>,
    /// The load of every expert, over all steps.
    pub loads: Vec<u64>,
}

/// Sums loads, step by step.
struct Sum {
    of_step: Vec<u64>,
    all: Vec<u64>,
    /// Tokens per step, and tokens of the current step so far.
    tokens: (usize, usize),
    steps: usize,
    max_vio: f64,
}

impl Sum {
    fn new(experts: usize, tokens: usize) -> Self {
        Self { of_step: vec![0; experts], all: vec![0; experts], tokens: (tokens, 0), steps: 0, max_vio: 0.0 }
    }

    fn token(&mut self) {
        self.tokens.1 += 1;
        if self.tokens.1 == self.tokens.0 {
            self.step();
        }
    }

    fn step(&mut self) {
        self.max_vio += metrics::max_vio(&self.of_step);
        self.steps += 1;
        self.all.iter_mut().zip(&self.of_step).for_each(|(a, &s)| *a = a.saturating_add(s));
        self.of_step.fill(0);
        self.tokens.1 = 0;
    }

    fn end(&mut self) {
        // Tokens after the last whole step count only in the total.
        self.all.iter_mut().zip(&self.of_step).for_each(|(a, &s)| *a = a.saturating_add(s));
        if self.steps == 0 {
            self.max_vio = metrics::max_vio(&self.all);
            self.steps = 1;
        }
    }
}

impl Recording {
    /// Measures a layer: every token once, with the K and the gate of the reading or of the file, without a bias.
    ///
    /// # Errors
    /// The file can't be read, holds a value that is not a number, or nothing is left to measure.
    pub fn figures(&self, layer: &Layer, facts: &Facts, reading: &Reading) -> Result<Figures, ReadError> {
        let kept = self.kept(layer, facts, reading)?;
        let failed = |e: std::io::Error| ReadError::new(&self.name, format!("it can't be read: {e}"));
        let (_, per_step) = layer.cut();
        let mut sum = Sum::new(layer.experts, per_step);
        let mut biased = None;
        let mut tokens = 0;
        match &layer.data {
            Data::Loads(counts) => {
                for step in counts.chunks_exact(layer.experts.max(1)) {
                    sum.of_step.copy_from_slice(step);
                    sum.step();
                }
            }
            Data::Selections(rows) => {
                for run in &kept.0 {
                    rows.each::<i64, std::io::Error>(run.clone(), |_, row| {
                        let ids = row.iter().filter_map(|&id| usize::try_from(id).ok());
                        ids.filter(|&id| id < layer.experts).for_each(|id| sum.of_step[id] += 1);
                        sum.token();
                        tokens += 1;
                        Ok(())
                    })
                    .map_err(failed)?;
                }
            }
            Data::Scores(_) => {
                let k = self.top_k_or_usual(layer, reading) as usize;
                let gate = self.gate(reading);
                let unbiased = Selector::unbiased(layer.experts);
                biased = with_recorded_bias(layer, gate).map(|selector| (selector, vec![0u64; layer.experts]));
                let (mut scores, mut top) = (vec![], [0; MAX_K]);
                let each = |at: usize, row: &[f32]| {
                    scores.clear();
                    score(row, gate, reading.gated, &mut scores).map_err(|(e, v)| Stop::Value(at, e, v))?;
                    unbiased.top_k(&scores, k, &mut top);
                    top[..k].iter().for_each(|&key| sum.of_step[expert_of(key)] += 1);
                    if let Some((selector, loads)) = &mut biased {
                        selector.top_k(&scores, k, &mut top);
                        top[..k].iter().for_each(|&key| loads[expert_of(key)] += 1);
                    }
                    sum.token();
                    tokens += 1;
                    Ok(())
                };
                layer.each_scored::<Stop>(&kept, each).map_err(|stop| match stop {
                    Stop::Read(e) => failed(e),
                    Stop::Value(row, expert, value) => not_a_number(self, layer, row, expert, value),
                })?;
            }
        }
        sum.end();
        let top_k = (self.kind != RecordedKind::Loads).then(|| self.top_k_or_usual(layer, reading));
        let biased = biased.map(|(_, loads)| metrics::max_vio(&loads));
        Ok(Figures::new(layer, tokens, top_k, &sum, biased))
    }

    /// K from the reading or the file, otherwise the default.
    #[must_use]
    pub(crate) fn top_k_or_usual(&self, layer: &Layer, reading: &Reading) -> u32 {
        let most = limits::TOP_K.max_u32().min(layer.experts as u32);
        self.top_k(reading).unwrap_or(TOP_K).clamp(1, most)
    }

    /// The gate from the reading or the file; sigmoid if neither says.
    #[must_use]
    pub fn gate(&self, reading: &Reading) -> Gate {
        reading.gate.or(reading.gated).or(self.meta.gate).unwrap_or_default()
    }
}

impl Figures {
    fn new(layer: &Layer, tokens: usize, top_k: Option<u32>, sum: &Sum, biased: Option<f64>) -> Self {
        let loads = sum.all.clone();
        let first = |wanted: Option<&u64>| loads.iter().position(|l| Some(l) == wanted).unwrap_or(0);
        let entropy = metrics::entropy(&loads);
        Self {
            layer: layer.name.clone(),
            steps: sum.steps,
            tokens,
            experts: layer.experts,
            top_k,
            maxvio: metrics::max_vio(&loads),
            maxvio_mean: sum.max_vio / sum.steps.max(1) as f64,
            min_vio: metrics::min_vio(&loads),
            entropy,
            effective_experts: entropy.exp(),
            dead: loads.iter().filter(|&&l| l == 0).count(),
            busiest: first(loads.iter().max()),
            emptiest: first(loads.iter().min()),
            maxvio_recorded_bias: biased,
            loads,
        }
    }
}

/// "1 token", "12 tokens".
pub(crate) fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
