//! Held-out evaluation: batches that no step trains on, with the present biases and parameters.

use super::layer::{Layer, Prediction};
use super::score::Scorer;
use super::settings::Gating;
use super::spread::{Spread, part_of};
use super::world::{Draw, Examples};
use crate::metrics;
use crate::select::Selector;
use crate::settings::Router;

/// Batches of an evaluation; 131,072 tokens in the default world.
pub const BATCHES: u32 = 64;
/// With limited capacity each expert takes at most this many times its fair share of a batch.
pub const CAPACITY: f64 = 1.25;
/// An expert whose load is below this share of its fair share counts as dead.
pub const DEAD: f64 = 0.05;

/// The result of an evaluation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeldOut {
    /// Σ|ŷ − y|²/Σ|y|²; `None` where the layer has diverged.
    pub nmse: Option<f64>,
    /// The same with limited capacity: each expert takes at most [`CAPACITY`] times its fair share of a batch, and later assignments are
    /// dropped. A dropped expert's part is missing from the prediction; the other gating values stay as they are.
    pub nmse_capacity: Option<f64>,
    /// MaxVio of all held-out batches together: MaxVio_global of Wang et al. 2024.
    pub max_vio: f64,
    /// Number of experts below [`DEAD`] of their fair share.
    pub dead: u32,
    /// Loads of all batches together, one per expert.
    pub loads: Vec<u64>,
}

/// One variant's layer as it is now.
#[derive(Clone, Copy, Debug)]
pub struct Present<'a> {
    /// Its router.
    pub router: &'a Router,
    /// Selection keys with its biases.
    pub selector: &'a Selector,
    /// Its parameters.
    pub parameters: &'a [f32],
    /// How scores become gating values.
    pub gating: Gating,
}

/// Sums of squares over all tokens so far.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    squares: f64,
    squares_capacity: f64,
    signal: f64,
}

/// Evaluates the layers `all` on `batches` held-out batches of `tokens` tokens; one result per layer.
#[must_use]
pub fn evaluate(draw: &Draw, tokens: usize, batches: u32, all: &[Present<'_>], spread: &impl Spread) -> Vec<HeldOut> {
    let mut sums = vec![Sums::default(); all.len()];
    let mut loads: Vec<Vec<u64>> = all.iter().map(|p| vec![0; p.router.experts as usize]).collect();
    for index in 0..batches {
        let examples = draw.held_out(index).examples(tokens, spread);
        for ((present, sums), loads) in all.iter().zip(&mut sums).zip(&mut loads) {
            one(present, &examples, sums, loads, spread);
        }
    }
    let outcome = |(s, loads): (Sums, Vec<u64>)| {
        let share = |x: f64| Some(x / s.signal).filter(|x| x.is_finite());
        let fair = loads.iter().sum::<u64>() as f64 / loads.len().max(1) as f64;
        HeldOut {
            nmse: share(s.squares),
            nmse_capacity: share(s.squares_capacity),
            max_vio: metrics::max_vio(&loads),
            dead: loads.iter().filter(|&&l| (l as f64) < DEAD * fair).count() as u32,
            loads,
        }
    };
    sums.into_iter().zip(loads).map(outcome).collect()
}

fn one(present: &Present<'_>, examples: &Examples, total: &mut Sums, loads: &mut [u64], spread: &impl Spread) {
    let (experts, k) = (present.router.experts as usize, present.router.top_k as usize);
    let tokens = examples.x.len();
    let scorer = Scorer::new(present.parameters, experts, present.router.gate);
    let gates = (present.router.gate, present.gating);
    let layer = Layer::new(present.parameters, experts, present.selector, k, gates);
    let part = part_of(tokens);
    let mut made = vec![Prediction::default(); tokens];
    let parts: Vec<_> = made.chunks_mut(part).zip(examples.x.chunks(part)).collect();
    spread.each(parts, |(made, x)| {
        let (mut room, mut scores) = (vec![], vec![0; experts]);
        for (made, x) in made.iter_mut().zip(x) {
            scorer.scores(x, &mut room, &mut scores);
            made.make(&layer, x, &scores);
        }
    });
    let capacity = (CAPACITY * (tokens * k) as f64 / experts as f64).ceil() as u64;
    let mut here = vec![0u64; experts];
    for (made, y) in made.iter().zip(&examples.y) {
        let mut kept = made.value;
        for i in 0..made.k {
            let e = made.experts[i];
            here[e] += 1;
            if here[e] > capacity {
                for (v, o) in kept.iter_mut().zip(&made.outputs[i]) {
                    *v -= made.gates[i] * o;
                }
            }
        }
        let square = |a: f32, b: f32| f64::from((a - b) * (a - b));
        for ((&value, &kept), &y) in made.value.iter().zip(&kept).zip(y) {
            total.squares += square(value, y);
            total.squares_capacity += square(kept, y);
            total.signal += f64::from(y * y);
        }
    }
    for (all, here) in loads.iter_mut().zip(here) {
        *all += here;
    }
}
