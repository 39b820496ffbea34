//! The price view of a run: `moebias_model::theory` applied to the step just done and to earlier ones. Biases are seen as prices, and
//! routing as an assignment problem with a Lagrangian 𝓛.
//!
//! Simulating does not need this module. It is used while the Theory pane is visible ([`theorist`]) and by `moebias theory`.

pub mod theorist;

use super::Engine;
use super::history::VariantHistory;
use moebias_model::batch::{Batch, Counts};
use moebias_model::config::{Rule, Source};
use moebias_model::fixed::{SCORE_ONE, from_q32};
use moebias_model::step::Simulation;
use moebias_model::theory::batch_size::{self, Size};
use moebias_model::theory::lagrangian::{self, Change, per_token};
use moebias_model::theory::moves::Moves;
use moebias_model::theory::online::{Curvature, Distance, Reference, in_score_units};
use moebias_model::theory::optimum::Optimum;
use moebias_model::theory::{Assigned, Problem, band, prices};
use rayon::prelude::*;
use std::sync::Arc;

/// The largest number of tokens examined; of a larger batch this many evenly spaced ones, and the screen says so.
pub const MOST_TOKENS: u32 = 4096;
/// The largest number of scores examined, so with many experts fewer tokens.
const MOST_SCORES: usize = 1 << 20;
/// Number of tokens in the reference sample of the online setting.
const REFERENCE: usize = 8192;
/// Number of tokens in the smallest computation batch.
const SMALLEST_BATCH: u32 = 16;

/// What the screen asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TheoryRequest {
    /// The index of the variant.
    pub variant: usize,
}

/// One step in the price view: the same tokens assigned at the prices before and after the update.
#[derive(Clone, Debug, PartialEq)]
pub struct Examined {
    /// The step that was routed.
    pub step: u64,
    /// The assignment problem of the tokens examined.
    pub problem: Arc<Problem>,
    /// Number of tokens in the whole batch.
    pub batch: u32,
    /// Whether every step has this same batch, so that values of 𝓛 are comparable between steps.
    pub fixed: bool,
    /// The rule of the update.
    pub rule: Rule,
    /// The step size u of the update, in score units.
    pub rate: f64,
    /// The assignment that maximises 𝓛 at the prices before the update: each token's K best experts.
    pub before: Assigned,
    /// The same at the prices after the update.
    pub after: Assigned,
    /// The change of the Lagrangian.
    pub change: Change,
    /// The tokens that changed experts.
    pub moves: Moves,
}

/// What a curve over time keeps of an examined step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The step.
    pub step: u64,
    /// 𝓛 = D before the update, in score units per token.
    pub value: f64,
    /// 𝓛 = D of the same tokens after the update.
    pub after: f64,
    /// Total switching benefit Σ b(i), in score units per token.
    pub benefit: f64,
    /// The decrease of 𝓛 that is due to the prices: −ΣΔp·(load − L), which is u‖A − L‖₁ for the sign rule; score units per token.
    pub taken: f64,
    /// Whether 𝓛 rose, decided in exact integers.
    pub rises: bool,
    /// Largest |load − L| over the experts, in tokens.
    pub furthest: f64,
    /// Number of tokens that changed experts.
    pub moved: u32,
    /// Number of pairs of a dropped and a newly chosen expert, and how many of them violate the preference rule.
    pub pairs: (u64, u64),
    /// The optimum of the balanced assignment of these tokens, if it was solved; score units per token.
    pub optimum: Option<f64>,
    /// The bound on that optimum from the prices before the update; equals D if E divides K·T.
    pub bound: f64,
}

impl Examined {
    /// What a curve keeps of this step.
    #[must_use]
    pub fn point(&self) -> Point {
        let per = |value| per_token(&self.problem, value);
        Point {
            step: self.step,
            value: per(self.change.before),
            after: per(self.change.after),
            benefit: per(self.change.benefit),
            taken: -per(self.change.priced),
            rises: self.change.rises(),
            furthest: self.furthest(),
            moved: self.moves.tokens,
            pairs: (self.moves.pairs, self.moves.violations),
            optimum: None,
            bound: self.score(lagrangian::bound(&self.problem, &self.before)),
        }
    }

    /// Largest |load − L| before the update, in tokens.
    #[must_use]
    pub fn furthest(&self) -> f64 {
        band::furthest(&self.problem, &self.before.loads) as f64 / self.problem.experts() as f64
    }

    /// The fair share L of an expert, for the tokens examined.
    #[must_use]
    pub fn fair(&self) -> f64 {
        self.problem.assignments() as f64 / self.problem.experts() as f64
    }

    /// A sum of scores (Q20) over the tokens examined, as score units per token.
    #[must_use]
    pub fn score(&self, sum: i64) -> f64 {
        per_token(&self.problem, sum * self.problem.experts() as i64)
    }

    /// Whether the statement about the band applies: K = 1, the same whole batch at every step, sign rule.
    #[must_use]
    pub fn band_applies(&self) -> bool {
        self.problem.top_k() == 1
            && self.fixed
            && self.rule == Rule::Sign
            && self.batch as usize == self.problem.tokens()
    }
}

/// Does the next step of a simulation and examines it.
///
/// # Errors
/// Why the price view does not apply to this router, in one sentence.
pub fn examine(simulation: &mut Simulation, engine: &mut dyn Engine, variant: usize) -> Result<Examined, String> {
    if simulation.trace().is_some_and(|t| t.is_only_watched()) {
        return Err("This recording has no scores, and so no prices".into());
    }
    let batch = simulation.next_batch();
    let step = simulation.step();
    let settings = simulation.experiment().variants.get(variant).ok_or("There is no such variant")?;
    let (rule, top_k) = (settings.balancer.rule, settings.router.top_k as usize);
    let fixed = matches!(simulation.experiment().source, Source::Fixed(_));
    let rate = from_q32(batch.inputs.rates.get(variant).map_or(0, |r| r.rate));
    let multiplies = "This rule multiplies the score by the bias, and the price view is of biases that are added";
    let before = prices(&batch.variants[variant].selector).ok_or(multiplies)?;
    let experts = before.len();
    let most = (MOST_SCORES / experts.max(1)).min(MOST_TOKENS as usize) as u32;
    let problem = Arc::new(sample(&batch, variant, batch.inputs.batch.min(most), experts, top_k));
    let before = problem.assign(&before);
    let mut rows = vec![];
    engine.advance(simulation, 1, &mut rows).map_err(|e| e.to_string())?;
    let row = rows.first().and_then(|r| r.variants.get(variant)).ok_or("The step was not done")?;
    if problem.tokens() == batch.inputs.batch as usize && row.loads != before.loads {
        return Err(
            "This router does not simply choose the K largest of score and bias, so the price view does not apply"
                .into(),
        );
    }
    let after = prices(&simulation.next_batch().variants[variant].selector).ok_or(multiplies)?;
    let after = problem.assign(&after);
    let change = Change::between(&problem, &before, &after);
    let moves = Moves::between(&problem, &before, &after);
    Ok(Examined { step, batch: batch.inputs.batch, fixed, rule, rate, before, after, change, moves, problem })
}

/// Evenly spaced tokens of a batch as an assignment problem.
fn sample(batch: &Batch, variant: usize, tokens: u32, experts: usize, top_k: usize) -> Problem {
    let rows: Vec<Vec<i32>> =
        (0..tokens).into_par_iter().with_min_len(64).map(|i| batch.scores(batch.spaced(i, tokens), variant)).collect();
    Problem::new(experts, top_k, rows.concat())
}

/// A larger sample of tokens from the same source, on which f = E\[D\] is estimated, and the present prices. `None` if the router
/// multiplies scores by biases.
#[must_use]
pub fn reference(simulation: &mut Simulation, variant: usize) -> Option<(Problem, Vec<i64>)> {
    let settings = simulation.experiment().variants.get(variant)?;
    let (experts, top_k) = (settings.router.experts as usize, settings.router.top_k as usize);
    let batches = match (&simulation.experiment().source, simulation.trace()) {
        (Source::Fixed(_), _) => 1,
        (_, Some(trace)) => trace.steps.min(64),
        _ => (REFERENCE / simulation.batch().max(1) as usize).clamp(1, 32),
    };
    let most = REFERENCE.min(MOST_SCORES / experts.max(1)) / batches;
    let mut scores = vec![];
    let mut start = None;
    // Batch 0 of synthetic tokens is the probe, which is on the screen anyway, so the sample starts at batch 1.
    let first = u32::from(simulation.trace().is_none());
    for number in first..first + batches as u32 {
        let batch = simulation.reference(number);
        start = Some(prices(&batch.variants[variant].selector)?);
        let part = sample(&batch, variant, batch.inputs.batch.min(most.max(1) as u32), experts, top_k);
        (0..part.tokens()).for_each(|t| scores.extend_from_slice(part.of(t)));
    }
    Some((Problem::new(experts, top_k, scores), start?))
}

/// The online setting: the optimal prices p* of the source, and how far the run's prices were from them.
#[derive(Clone, Debug, PartialEq)]
pub struct Online {
    /// Number of tokens in the reference sample.
    pub tokens: usize,
    /// p*, in score units, shifted to mean 0.
    pub prices: Vec<f64>,
    /// f(p*), in score units per token.
    pub lowest: f64,
    /// The curvature of f at p*.
    pub curvature: Option<Curvature>,
    /// The state at which the step size schedule has n = 1.
    pub from: u64,
    /// The states at which f was evaluated, in order.
    pub nodes: Vec<Node>,
}

/// f at the biases of one state of the run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Node {
    /// The number of the state: its biases route step `step`.
    pub step: u64,
    /// f(p) − f(p*), in score units per token.
    pub excess: f64,
    /// The distance between p and p*.
    pub distance: Distance,
}

impl Node {
    /// Evaluates f at the biases of a state, given in score units.
    #[must_use]
    pub fn new(reference: &Reference, step: u64, bias: &[f64]) -> Self {
        let distance = Distance::between(bias, &in_score_units(&reference.prices));
        // Relative to the largest bias, as in the selection key, so that the numbers are small.
        let largest = bias.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let prices: Vec<i64> = bias.iter().map(|b| ((b - largest) * f64::from(SCORE_ONE)).round() as i64).collect();
        Self { step, excess: reference.excess(&prices), distance }
    }
}

/// The states from `from` to `to` at which the regret is evaluated: dense at first, where the regret grows fastest, then in steps that grow
/// by a fifth. A larger `to` adds states and moves only the last one.
#[must_use]
pub fn nodes_of(from: u64, to: u64) -> Vec<u64> {
    let mut out = vec![from];
    let mut away = 1.0f64;
    while from + (away as u64) < to {
        out.push(from + away as u64);
        away = (away + 1.0).max(away * 1.2).floor();
    }
    out.extend((to > from).then_some(to));
    out
}

/// The biases of a state in score units, from the history (the biases after the update of step `state − 1`). `None` for the first state and
/// where the history has no column.
#[must_use]
pub fn bias_of_state(history: &VariantHistory, state: u64, first: u64) -> Option<Vec<f64>> {
    if state == first {
        return None;
    }
    let column = history.at(state - 1)?;
    Some(column.bias.iter().map(|&b| f64::from(b)).collect())
}

/// The regret Σ f(p_n) − f(p*) up to each node, in score units summed over the `tokens` of each step. Between nodes f is interpolated
/// linearly.
#[must_use]
pub fn regret(nodes: &[Node], tokens: u32) -> Vec<(u64, f64)> {
    let Some(first) = nodes.first() else { return vec![] };
    let t = f64::from(tokens);
    let mut sum = first.excess * t;
    let mut out = vec![(first.step, sum)];
    for pair in nodes.windows(2) {
        let steps = (pair[1].step - pair[0].step) as f64;
        // The sum over every state after the first of the pair, with f on a straight line between the two.
        sum += t * (pair[0].excess * (steps - 1.0) + pair[1].excess * (steps + 1.0)) / 2.0;
        out.push((pair[1].step, sum));
    }
    out
}

/// MaxVio as a function of the size of the computation batch, per variant, over the first tokens of a batch (at most 4,096) in the order in
/// which they arrive.
#[must_use]
pub fn sizes(batch: &Batch) -> Vec<Vec<Size>> {
    let pieces = batch.inputs.batch.min(MOST_TOKENS) / SMALLEST_BATCH;
    let route = |i: u32| {
        let mut counts = Counts::new(batch);
        batch.route(i * SMALLEST_BATCH..(i + 1) * SMALLEST_BATCH, &mut counts);
        counts.loads
    };
    let loads: Vec<Vec<Vec<u32>>> = (0..pieces).into_par_iter().with_min_len(8).map(route).collect();
    let of = |v: usize| loads.iter().map(|piece| piece[v].iter().map(|&l| f64::from(l)).collect()).collect();
    (0..batch.variants.len()).map(|v| batch_size::sizes(of(v), u64::from(SMALLEST_BATCH))).collect()
}

/// MaxVio of computation batches of one and of several whole steps, from the last steps of a history before `to`, at most 64.
#[must_use]
pub fn sizes_of_steps(history: &VariantHistory, to: u64, tokens: u32) -> Vec<Size> {
    let recent = history.recent().filter(|c| c.step < to && c.step + 64 >= to);
    batch_size::sizes(recent.map(|c| c.load.iter().map(|&l| f64::from(l)).collect()).collect(), u64::from(tokens))
}

/// The state of solving for the exact optimum.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Solved {
    /// It is being solved or will be soon.
    #[default]
    Soon,
    /// It will be solved when the run pauses; while it plays, every step has another batch.
    WhenPaused,
    /// The problem is too large to solve.
    TooLarge,
    /// Solving it failed.
    Failed,
    /// The exact optimum.
    Exactly(Arc<Optimum>),
}

/// The price view of the last step and of earlier ones, as the screen shows it.
#[derive(Clone, Debug, Default)]
pub struct Theory {
    /// The request it answers.
    pub request: TheoryRequest,
    /// The step of the run at which this was published.
    pub at: u64,
    /// Why the price view does not apply, if so, as a sentence.
    pub blocked: Option<String>,
    /// The last step; `None` before the first step is done.
    pub examined: Option<Arc<Examined>>,
    /// The steps examined so far, in order; some are missing if the run was too fast.
    pub points: Arc<Vec<Point>>,
    /// The exact optimum of the last step's tokens.
    pub optimum: Solved,
    /// The largest step size for which the band is guaranteed, in Q20 units; `None` if it is not known.
    pub largest_step: Option<i64>,
    /// The online setting, once its reference sample is solved.
    pub online: Option<Arc<Online>>,
    /// MaxVio as a function of the computation batch size, per variant, for the last batch.
    pub sizes: Arc<Vec<Vec<Size>>>,
    /// Whether more is being computed.
    pub busy: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_stay_where_they_are_and_regret_adds_up() {
        let short = nodes_of(10, 60);
        let long = nodes_of(10, 400);
        assert_eq!(short[..short.len() - 1], long[..short.len() - 1]);
        assert_eq!((short[0], *short.last().unwrap(), nodes_of(5, 5)), (10, 60, vec![5]));
        let node = |step, excess| Node { step, excess, distance: Distance::default() };
        // A constant excess of 0.5 over states 10 to 14: five steps of 8 tokens.
        let all = regret(&[node(10, 0.5), node(11, 0.5), node(14, 0.5)], 8);
        assert_eq!(all, [(10, 4.0), (11, 8.0), (14, 20.0)]);
        // A line from 1 to 0 over three steps: 1 + 2/3 + 1/3 + 0.
        let line = regret(&[node(0, 1.0), node(3, 0.0)], 1);
        assert!((line[1].1 - 2.0).abs() < 1e-12);
    }
}
