//! The layer itself: from the chosen experts to a prediction, and back to the gradient of every parameter.
//!
//! With δ_t = (ŷ_t − y_t)/(T·OUT), and the selection held fixed:
//!
//! ```text
//! ∂L/∂W_i = Σ_t g_ti δ_t x_tᵀ      ∂L/∂S = Σ_t δ_t x_tᵀ      γ_ti = δ_t·(W_i x_t) = ∂L/∂g_ti
//! ∂L/∂s_ti = γ_ti  (raw),  (γ_ti − Σ_j g_tj γ_tj)/Σ_A s_tj  (normalised),  0 where i was not chosen
//! ∂L/∂C_i = Σ_t ∂L/∂z_ti x_t
//! ```

use super::OUT;
use super::auxiliary::{Pull, through};
use super::parameters::{Map, length, maps, shared, split_mut};
use super::score::{Scorer, real, softmax, sum};
use super::settings::Gating;
use super::world::Examples;
use crate::select::{MAX_K, Selector, expert_of};
use crate::settings::{DIM, Gate};
use std::ops::Range;

/// Tokens whose gradients are added to the centroids in one pass.
const TILE: usize = 8;

/// The prediction for one token, and what it is made of.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// The chosen experts.
    pub experts: [usize; MAX_K],
    /// Their gating values.
    pub gates: [f32; MAX_K],
    /// Their outputs W x, before weighting.
    pub outputs: [[f32; OUT]; MAX_K],
    /// Sum of the chosen scores.
    pub total: f32,
    /// The prediction ŷ.
    pub value: [f32; OUT],
    /// K, the number of chosen experts; the arrays are used up to there.
    pub k: usize,
    keys: [i32; MAX_K],
}

impl Default for Prediction {
    fn default() -> Self {
        Self {
            experts: [0; MAX_K],
            gates: [0.0; MAX_K],
            outputs: [[0.0; OUT]; MAX_K],
            total: 0.0,
            value: [0.0; OUT],
            k: 0,
            keys: [0; MAX_K],
        }
    }
}

/// A transposed map, with a row per coordinate of the token, so that SIMD computes all coordinates of the target at once.
pub type Turned = [[f32; OUT]; DIM];

fn turned(map: &Map) -> Turned {
    std::array::from_fn(|j| std::array::from_fn(|q| map[q][j]))
}

/// Applies a map to x.
#[inline(always)]
fn product(map: &Turned, x: &[f32; DIM]) -> [f32; OUT] {
    let mut out = [0.0; OUT];
    for (x, row) in x.iter().zip(map) {
        for (o, w) in out.iter_mut().zip(row) {
            *o += x * w;
        }
    }
    out
}

impl Prediction {
    /// Chooses the experts of a token by its scores (Q20) and the biases, and predicts its target.
    pub fn make(&mut self, layer: &Layer<'_>, x: &[f32; DIM], scores: &[i32]) {
        self.k = layer.top_k;
        layer.selector.top_k(scores, self.k, &mut self.keys);
        self.total = 0.0;
        for i in 0..self.k {
            self.experts[i] = expert_of(self.keys[i]);
            self.gates[i] = real(scores[self.experts[i]]);
            self.total += self.gates[i];
        }
        if layer.gating == Gating::Normalised {
            let total = self.total.max(f32::MIN_POSITIVE);
            self.gates[..self.k].iter_mut().for_each(|g| *g /= total);
        }
        self.value = product(&layer.shared, x);
        for i in 0..self.k {
            self.outputs[i] = product(&layer.maps[self.experts[i]], x);
            for (v, o) in self.value.iter_mut().zip(&self.outputs[i]) {
                *v += self.gates[i] * o;
            }
        }
    }
}

/// A layer's parameters, and how it selects experts.
#[derive(Clone, Debug)]
pub struct Layer<'a> {
    /// The experts' maps.
    pub maps: Vec<Turned>,
    /// The shared expert's map.
    pub shared: Turned,
    /// Selection keys with the biases.
    pub selector: &'a Selector,
    /// K, experts per token.
    pub top_k: usize,
    /// How logits become scores.
    pub gate: Gate,
    /// How scores become gating values.
    pub gating: Gating,
}

impl<'a> Layer<'a> {
    /// The layer with these parameters.
    #[must_use]
    pub fn new(
        parameters: &[f32],
        experts: usize,
        selector: &'a Selector,
        top_k: usize,
        gates: (Gate, Gating),
    ) -> Self {
        let maps = maps(parameters, experts).iter().map(turned).collect();
        let shared = shared(parameters, experts).first().map_or([[0.0; OUT]; DIM], turned);
        Self { maps, shared, selector, top_k, gate: gates.0, gating: gates.1 }
    }
}

/// The gradients and sums of a part of a batch.
#[derive(Clone, Debug, Default)]
pub struct Partial {
    /// Gradient of the task loss, for all parameters.
    pub gradient: Vec<f32>,
    /// Gradient of the auxiliary loss, for the centroids.
    pub auxiliary: Vec<f32>,
    /// Gradient of the z-loss, for the centroids; empty where that loss is not used.
    pub z: Vec<f32>,
    /// Σ|ŷ − y|²
    pub squares: f64,
    /// Σ|y|²
    pub signal: f64,
    /// Sum of all scores.
    pub scores: f64,
}

impl Partial {
    fn clear(&mut self, experts: usize, with_z: bool) {
        for (list, n) in [
            (&mut self.gradient, length(experts)),
            (&mut self.auxiliary, experts * DIM),
            (&mut self.z, if with_z { experts * DIM } else { 0 }),
        ] {
            list.clear();
            list.resize(n, 0.0);
        }
        (self.squares, self.signal, self.scores) = (0.0, 0.0, 0.0);
    }
}

/// One batch to train on.
#[derive(Debug)]
pub struct Batch<'a> {
    /// The layer.
    pub layer: Layer<'a>,
    /// Computes the logits, where a loss needs them.
    pub scorer: Option<&'a Scorer>,
    /// Tokens and targets.
    pub examples: &'a Examples,
    /// Scores of all tokens, Q20, [tokens, experts].
    pub scores: &'a [i32],
    /// The auxiliary loss.
    pub pull: &'a Pull,
    /// Whether the z-loss is used.
    pub with_z: bool,
}

/// Gradients with respect to the logits of a tile of tokens, [TILE, experts].
struct Tile {
    task: Vec<f32>,
    auxiliary: Vec<f32>,
    z: Vec<f32>,
}

impl Batch<'_> {
    /// Sums the gradients of a range of tokens in `out`, whose content is replaced.
    pub fn part(&self, tokens: Range<usize>, out: &mut Partial) {
        let experts = self.layer.maps.len();
        out.clear(experts, self.with_z);
        let dense = self.layer.gate == Gate::Softmax;
        let room = |wanted: bool| if wanted { vec![0.0; TILE * experts] } else { vec![] };
        let mut tile = Tile { task: room(dense), auxiliary: room(true), z: room(self.with_z) };
        let mut made = Prediction::default();
        let (mut s, mut p) = (vec![0.0; experts], vec![0.0; experts]);
        let mut first = tokens.start;
        while first < tokens.end {
            let here = first..tokens.end.min(first + TILE);
            for (i, token) in here.clone().enumerate() {
                let row = &self.scores[token * experts..][..experts];
                for (s, &score) in s.iter_mut().zip(row) {
                    *s = real(score);
                }
                out.scores += f64::from(sum(s.iter().copied()));
                let at = i * experts..(i + 1) * experts;
                self.task(token, row, &s, &mut made, tile.task.get_mut(at.clone()), out);
                if let Some(scorer) = self.scorer {
                    scorer.logits(&self.examples.x[token], &mut p);
                    let log_sum = softmax(&mut p);
                    if self.with_z {
                        let weight = 2.0 * log_sum / self.examples.x.len() as f32;
                        for (z, p) in tile.z[at.clone()].iter_mut().zip(&p) {
                            *z = weight * p;
                        }
                    }
                }
                self.pull.gradient(self.layer.gate, token, &s, &p, &mut tile.auxiliary[at]);
            }
            let x = &self.examples.x[here.clone()];
            outer(&tile.auxiliary, x, &mut out.auxiliary);
            if dense {
                outer(&tile.task, x, &mut out.gradient[..experts * DIM]);
            }
            if self.with_z {
                outer(&tile.z, x, &mut out.z);
            }
            first = here.end;
        }
    }

    /// Adds the task gradient of one token to `out`. Where the gate couples all experts (softmax), the gradient with respect to the logits
    /// goes to `dense` instead of to the centroids.
    fn task(
        &self,
        token: usize,
        row: &[i32],
        s: &[f32],
        made: &mut Prediction,
        dense: Option<&mut [f32]>,
        out: &mut Partial,
    ) {
        let (x, y) = (&self.examples.x[token], &self.examples.y[token]);
        made.make(&self.layer, x, row);
        let scale = 1.0 / (self.examples.x.len() * OUT) as f32;
        let error: [f32; OUT] = std::array::from_fn(|q| made.value[q] - y[q]);
        out.squares += error.iter().map(|e| f64::from(e * e)).sum::<f64>();
        out.signal += y.iter().map(|y| f64::from(y * y)).sum::<f64>();
        let delta = error.map(|e| e * scale);
        let (c, w, shared) = split_mut(&mut out.gradient, s.len());
        shared.iter_mut().for_each(|map| add_outer(x, &delta, map));
        let mut by_score = [0.0; MAX_K];
        for i in 0..made.k {
            by_score[i] = made.outputs[i].iter().zip(&delta).fold(0.0, |sum, (o, d)| sum + o * d);
            add_outer(x, &delta.map(|d| made.gates[i] * d), &mut w[made.experts[i]]);
        }
        if self.layer.gating == Gating::Normalised {
            let mean = (0..made.k).fold(0.0, |sum, i| sum + made.gates[i] * by_score[i]);
            let total = made.total.max(f32::MIN_POSITIVE);
            by_score[..made.k].iter_mut().for_each(|g| *g = (*g - mean) / total);
        }
        match dense {
            Some(dense) => {
                dense.fill(0.0);
                for (&e, &by_score) in made.experts.iter().zip(&by_score).take(made.k) {
                    dense[e] = by_score;
                }
                through(self.layer.gate, s, dense);
            }
            None => {
                for (&e, &by_score) in made.experts.iter().zip(&by_score).take(made.k) {
                    let by_logit = by_score * s[e] * (1.0 - s[e]);
                    for (c, x) in c[e].iter_mut().zip(x) {
                        *c += by_logit * x;
                    }
                }
            }
        }
    }
}

/// map += d xᵀ
#[inline(always)]
fn add_outer(x: &[f32; DIM], d: &[f32; OUT], map: &mut Map) {
    for (d, row) in d.iter().zip(map) {
        for (w, x) in row.iter_mut().zip(x) {
            *w += d * x;
        }
    }
}

/// centroids += Σ_t d_t x_tᵀ over the tokens of a tile.
fn outer(d: &[f32], x: &[[f32; DIM]], centroids: &mut [f32]) {
    let experts = centroids.len() / DIM;
    for (e, row) in centroids.as_chunks_mut::<DIM>().0.iter_mut().enumerate() {
        let mut sum = *row;
        for (t, x) in x.iter().enumerate() {
            let d = d[t * experts + e];
            for (s, x) in sum.iter_mut().zip(x) {
                *s += d * x;
            }
        }
        *row = sum;
    }
}
