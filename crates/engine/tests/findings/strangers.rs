//! Experiments for which the findings that are true follow from how they are made: from given logits, from step sizes far beyond or far
//! below what is needed, from topics that drift or do not. Nothing here uses how the detector decides.

use moebias_engine::start::Start;
use moebias_model::config::{Balancer, Experiment, Gate, Router, Rule, Source, Synthetic, TraceSource, Variant};
use moebias_model::diagnose::Kind;
use moebias_model::fixed::to_q32;
use moebias_model::learn::settings::{Optimiser, World};
use moebias_model::random::{Stream, pcg4d};
use moebias_model::step::Simulation;
use moebias_model::trace::Trace;
use std::sync::Arc;

/// An experiment, and which findings are true and false in it.
pub struct Case {
    /// The kind of experiment, for messages.
    pub family: &'static str,
    /// Its settings, for messages.
    pub name: String,
    /// What the run starts from.
    pub start: Start,
    /// Number of steps to run.
    pub steps: u64,
    /// Findings that are true by construction.
    pub is: Vec<Kind>,
    /// Findings that are false by construction.
    pub is_not: Vec<Kind>,
}

/// A generator of random choices, the same on every machine.
struct Dice {
    seed: u32,
    thrown: u32,
}

impl Dice {
    fn word(&mut self) -> [u32; 4] {
        self.thrown += 1;
        pcg4d(self.thrown, 77, Stream::Topic, self.seed)
    }

    fn real(&mut self) -> f64 {
        f64::from(self.word()[1]) / 4_294_967_296.0
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.real()
    }

    /// A number distributed evenly over the orders of magnitude.
    fn scale(&mut self, low: f64, high: f64) -> f64 {
        (self.between(low.ln(), high.ln())).exp()
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[(self.real() * all.len() as f64) as usize]
    }

    /// A nearly normal number with mean 0 and variance 1.
    fn normal(&mut self) -> f64 {
        let w = self.word();
        (w.iter().map(|&w| f64::from(w) / 4_294_967_296.0).sum::<f64>() - 2.0) * 3.0f64.sqrt()
    }
}

/// Number of batches in a made trace before it repeats.
const ROUND: usize = 48;

/// A made trace. `offset` is by how much each expert's logits are above those of the others; `eligible` is the share of tokens for which an
/// expert is a candidate at all.
fn trace(dice: &mut Dice, tokens: u32, offset: &[f64], eligible: &[f64]) -> Arc<Trace> {
    let experts = offset.len();
    let mut logits = Vec::with_capacity(ROUND * tokens as usize * experts);
    for _ in 0..ROUND * tokens as usize {
        for e in 0..experts {
            let away = eligible[e] < 1.0 && dice.real() >= eligible[e];
            logits.push(if away { -14.0 } else { (offset[e] + 0.7 * dice.normal()) as f32 });
        }
    }
    Arc::new(Trace::new(ROUND, tokens as usize, experts, logits))
}

fn start(seed: u32, source: Source, router: Router, balancer: Balancer, trace: Option<Arc<Trace>>) -> Start {
    let variant = Variant { name: "a".into(), router, balancer, learning: Default::default() };
    let experiment = Experiment { seed, source, variants: vec![variant] };
    Start { experiment, trace, state: None, events: vec![], stop: None }
}

fn recorded() -> Source {
    Source::Trace(TraceSource { file: "made".into(), ..Default::default() })
}

fn with(rule: Rule, rate: f64) -> Balancer {
    Balancer { rule, rate, ..Balancer::default() }
}

/// The sizes of one case: experts, experts per token, tokens.
fn sizes(dice: &mut Dice, experts: &[u32], ks: &[u32]) -> (u32, u32, u32) {
    (dice.of(experts), dice.of(ks), dice.of(&[256, 512, 1024]))
}

fn router(experts: u32, top_k: u32, gate: Gate) -> Router {
    Router { experts, top_k, gate, ..Router::default() }
}

const GATES: [Gate; 3] = [Gate::Sigmoid, Gate::Softmax, Gate::SqrtSoftplus];
use Kind::{Collapse, Dead, Diverged, Drifting, FloorReached, Oscillating, Saturated, Slow, Starving};

/// Every case of a set; each set has other seeds, sizes and settings.
pub fn all(set: u32) -> Vec<Case> {
    let mut cases = vec![];
    type Family = fn(&mut Dice, u32) -> Case;
    let families: [(u32, Family); 14] = [
        (16, even),
        (16, settled),
        (20, without_tokens),
        (16, hardly_any_tokens),
        (14, far_below),
        (16, few_have_all),
        (24, overshooting),
        (20, creeping),
        (20, arriving),
        (20, wandering),
        (16, left_behind),
        (16, in_bursts),
        (10, one_batch),
        (8, learning),
    ];
    for (family, (count, make)) in families.into_iter().enumerate() {
        for i in 0..count {
            let seed = set * 10_000 + family as u32 * 100 + i;
            cases.push(make(&mut Dice { seed, thrown: 0 }, i));
        }
    }
    cases
}

/// The logits of all experts have the same distribution and biases hardly move: loads are balanced from the first step to the last.
fn even(dice: &mut Dice, _: u32) -> Case {
    let (e, k, t) = sizes(dice, &[8, 16, 32], &[1, 2, 4]);
    let gate = dice.of(&GATES);
    let trace = trace(dice, t, &vec![0.0; e as usize], &vec![1.0; e as usize]);
    let rule = with(dice.of(&[Rule::None, Rule::Sign]), 1e-5);
    Case {
        family: "all experts alike",
        name: format!("E {e}, K {k}, T {t}, {gate}, {}", rule.rule),
        start: start(dice.seed, recorded(), router(e, k, gate), rule, Some(trace)),
        steps: 640,
        is: vec![],
        is_not: vec![Dead, Starving, Collapse, Oscillating, Slow, Drifting, Saturated, Diverged],
    }
}

/// Independent tokens of constant topics, a step size whose effect is invisible, and enough steps to settle.
fn settled(dice: &mut Dice, _: u32) -> Case {
    let (e, k, t) = sizes(dice, &[8, 16, 32], &[1, 2, 4]);
    let skew = dice.between(0.0, 0.8);
    // With these, chance moves a bias by so little that routing hardly changes.
    let balancer = match dice.of(&[0, 1, 2]) {
        0 => with(Rule::Sign, 0.0005),
        1 => with(Rule::Rms, 0.0005),
        _ => Balancer { average: 0.95, ..with(Rule::Quantile, 0.001) },
    };
    let source = Source::Synthetic(Synthetic { batch: t, topics: 64, skew, noise: 1.0, ..Synthetic::default() });
    Case {
        family: "settled, independent tokens",
        name: format!("E {e}, K {k}, T {t}, skew {skew:.2}, {}", balancer.rule),
        start: start(dice.seed, source, router(e, k, Gate::Sigmoid), balancer, None),
        steps: 1600,
        is: vec![FloorReached],
        is_not: vec![Dead, Collapse, Oscillating, Drifting, Saturated, Diverged],
    }
}

/// One to three experts that no token wants, and no balancer that could change this in time.
fn without_tokens(dice: &mut Dice, i: u32) -> Case {
    let (e, k, t) = sizes(dice, &[8, 16, 32], &[1, 2]);
    let gate = dice.of(&GATES);
    let mut eligible = vec![1.0; e as usize];
    for _ in 0..=dice.of(&[0, 1, 2]) {
        eligible[(dice.real() * f64::from(e)) as usize] = 0.0;
    }
    let trace = trace(dice, t, &vec![0.0; e as usize], &eligible);
    let balancer = if i.is_multiple_of(2) { with(Rule::None, 0.0) } else { with(Rule::Sign, 1e-7) };
    let slow = if i.is_multiple_of(2) { Slow } else { Diverged };
    Case {
        family: "experts without tokens",
        name: format!("E {e}, K {k}, T {t}, {gate}, {}", balancer.rule),
        start: start(dice.seed, recorded(), router(e, k, gate), balancer, Some(trace)),
        steps: 480,
        is: vec![Dead],
        is_not: vec![slow, Starving, Collapse, Oscillating, Drifting, Saturated, Diverged, FloorReached],
    }
}

/// One expert that is a candidate for one token in ten, so that it gets about a tenth of its fair share; or for most, so that it gets most.
fn hardly_any_tokens(dice: &mut Dice, i: u32) -> Case {
    let (e, k, t) = sizes(dice, &[8, 16, 32], &[1, 2]);
    let gate = dice.of(&GATES);
    let mut eligible = vec![1.0; e as usize];
    let starves = i.is_multiple_of(2);
    let share = if starves { dice.between(0.05, 0.15) } else { dice.between(0.45, 0.9) };
    eligible[(dice.real() * f64::from(e)) as usize] = share;
    let trace = trace(dice, t, &vec![0.0; e as usize], &eligible);
    let mut is_not = vec![Dead, Slow, Collapse, Oscillating, Drifting, Saturated, Diverged, FloorReached];
    is_not.extend((!starves).then_some(Starving));
    Case {
        family: "an expert for few tokens",
        name: format!("E {e}, K {k}, T {t}, {gate}, share {share:.2}"),
        start: start(dice.seed, recorded(), router(e, k, gate), with(Rule::None, 0.0), Some(trace)),
        steps: 480,
        is: starves.then_some(Starving).into_iter().collect(),
        is_not,
    }
}

/// A start state with one bias so far below the others that its expert gets nothing, or even further than a key can represent.
fn far_below(dice: &mut Dice, i: u32) -> Case {
    let (e, k, t) = sizes(dice, &[8, 16, 32], &[1, 2]);
    let balancer = with(dice.of(&[Rule::None, Rule::Sign]), 1e-5);
    let source = Source::Synthetic(Synthetic { batch: t, topics: 64, skew: 0.5, noise: 1.0, ..Synthetic::default() });
    let mut start = start(dice.seed, source, router(e, k, Gate::Sigmoid), balancer, None);
    let simulation = Simulation::new(start.experiment.clone(), None).unwrap();
    let mut state = simulation.state().clone();
    let far = i.is_multiple_of(2);
    // Scores are in [0, 1]: an expert more than 1 below gets nothing, and biases more than 3 below are not distinguishable.
    let below = if far { dice.between(3.5, 12.0) } else { dice.between(1.2, 2.5) };
    state.variants[0].bias[(dice.real() * f64::from(e)) as usize] = -to_q32(below);
    start.state = Some(state);
    Case {
        family: "a bias far below the others",
        name: format!("E {e}, K {k}, T {t}, {below:.1} below"),
        start,
        steps: 320,
        is: if far { vec![Dead, Saturated] } else { vec![Dead] },
        is_not: if far {
            vec![Drifting, Diverged, Oscillating]
        } else {
            vec![Drifting, Diverged, Oscillating, Saturated]
        },
    }
}

/// K or K + 1 experts that every token prefers by far.
fn few_have_all(dice: &mut Dice, i: u32) -> Case {
    let (e, t) = (dice.of(&[16, 32, 64]), dice.of(&[256, 512]));
    let k = dice.of(&[1, 2]);
    let gate = dice.of(&GATES);
    let collapsed = i % 4 != 3;
    let favourites = (k + dice.of(&[0, 1])) as usize;
    // In other cases one half of the experts is a little better than the other.
    let lift = if collapsed { 9.0 } else { 0.15 };
    let many = if collapsed { favourites } else { e as usize / 2 };
    let offset: Vec<f64> = (0..e as usize).map(|x| if x < many { lift } else { -lift }).collect();
    let trace = trace(dice, t, &offset, &vec![1.0; e as usize]);
    let balancer = if i.is_multiple_of(2) { with(Rule::None, 0.0) } else { with(Rule::Sign, 1e-7) };
    let mut is_not = vec![Oscillating, Drifting, Saturated, Diverged, FloorReached];
    if !collapsed {
        is_not.extend([Collapse, Dead]);
    }
    Case {
        family: "few experts have all",
        name: format!("E {e}, K {k}, T {t}, {gate}, {many} by {lift}"),
        start: start(dice.seed, recorded(), router(e, k, gate), balancer, Some(trace)),
        steps: 480,
        is: if collapsed { vec![Collapse, Dead] } else { vec![] },
        is_not,
    }
}

/// Steps of a third of the range of all scores or more: every update reverses the order of the experts.
fn overshooting(dice: &mut Dice, _: u32) -> Case {
    let (e, k, t) = sizes(dice, &[8, 16, 32], &[1, 2, 4]);
    let skew = dice.between(0.0, 2.0);
    let tokens = Synthetic { batch: t, topics: 64, skew, noise: 0.8, ..Synthetic::default() };
    let source = if dice.of(&[true, false]) { Source::Synthetic(tokens) } else { Source::Fixed(tokens) };
    let rule = dice.of(&[Rule::Sign, Rule::Sign, Rule::CentredSign, Rule::Rms]);
    let rate = dice.between(0.3, 0.6);
    Case {
        family: "steps far too large",
        name: format!("E {e}, K {k}, T {t}, skew {skew:.1}, {rule}, u {rate:.2}"),
        start: start(dice.seed, source, router(e, k, Gate::Sigmoid), with(rule, rate), None),
        steps: 400,
        is: vec![Oscillating],
        is_not: vec![Slow, Drifting, Diverged, FloorReached, Collapse],
    }
}

/// Experts whose scores are far apart, and a step size that needs thousands of updates to even them out.
fn creeping(dice: &mut Dice, _: u32) -> Case {
    let (e, k, t) = sizes(dice, &[8, 16, 32], &[1, 2, 4]);
    // Evenly spaced offsets: the scores of the best and the worst expert differ by at least 0.4, which takes at least 0.4 / (2u) steps.
    let reach = dice.between(1.0, 2.0);
    let offset: Vec<f64> = (0..e).map(|x| reach * (2.0 * f64::from(x) / f64::from(e - 1) - 1.0)).collect();
    let trace = trace(dice, t, &offset, &vec![1.0; e as usize]);
    let rule = dice.of(&[Rule::Sign, Rule::CentredSign]);
    let rate = dice.scale(2e-5, 1e-4);
    Case {
        family: "steps far too small",
        name: format!("E {e}, K {k}, T {t}, reach {reach:.1}, {rule}, u {rate:.6}"),
        start: start(dice.seed, recorded(), router(e, k, Gate::Sigmoid), with(rule, rate), Some(trace)),
        steps: 1200,
        is: vec![Slow],
        is_not: vec![Drifting, Oscillating, Saturated, Diverged, FloorReached],
    }
}

/// The same spacing with steps that need a few hundred updates at most, or topics of unequal popularity with common step sizes.
fn arriving(dice: &mut Dice, i: u32) -> Case {
    let (e, k, t) = sizes(dice, &[8, 16, 32], &[1, 2, 4]);
    let (rule, rate) = dice.of(&[
        (Rule::Sign, 0.003),
        (Rule::CentredSign, 0.003),
        (Rule::Rms, 0.002),
        (Rule::Proportional, 0.003),
        (Rule::IdBalancing, 0.006),
        (Rule::Smebu, 0.002),
        (Rule::Multiplicative, 0.006),
    ]);
    let router = router(e, k, Gate::Sigmoid);
    let start = if i.is_multiple_of(2) {
        let reach = dice.between(0.3, 0.7);
        let offset: Vec<f64> = (0..e).map(|x| reach * (2.0 * f64::from(x) / f64::from(e - 1) - 1.0)).collect();
        let trace = trace(dice, t, &offset, &vec![1.0; e as usize]);
        start(dice.seed, recorded(), router, with(rule, rate), Some(trace))
    } else {
        let skew = dice.between(0.0, 1.2);
        let source = Source::Synthetic(Synthetic { batch: t, topics: 64, skew, noise: 0.8, ..Synthetic::default() });
        start(dice.seed, source, router, with(rule, rate), None)
    };
    Case {
        family: "steps that arrive",
        name: format!(
            "E {e}, K {k}, T {t}, {rule}, u {rate}, {}",
            if i.is_multiple_of(2) { "ladder" } else { "topics" }
        ),
        start,
        steps: 1200,
        is: vec![],
        is_not: vec![Slow, Dead, Collapse, Drifting, Saturated, Diverged],
    }
}

/// Topics that drift by several lifetimes, with a balancer that follows.
fn wandering(dice: &mut Dice, i: u32) -> Case {
    let (e, k, t) = sizes(dice, &[16, 32], &[1, 2, 4]);
    let wanders = i % 4 != 3;
    let drift = if wanders { dice.scale(4.0, 16.0) } else { 0.0 };
    let (rule, rate) =
        dice.of(&[(Rule::Sign, 0.003), (Rule::Sign, 0.006), (Rule::Proportional, 0.006), (Rule::IdBalancing, 0.006)]);
    let source = Source::Synthetic(Synthetic { batch: t, topics: 32, skew: 1.0, noise: 0.8, drift, burst: 1 });
    Case {
        family: "topics that wander",
        name: format!("E {e}, K {k}, T {t}, drift {drift:.1}, {rule}, u {rate}"),
        start: start(dice.seed, source, router(e, k, Gate::Sigmoid), with(rule, rate), None),
        steps: 1200,
        is: if wanders { vec![Drifting] } else { vec![] },
        is_not: if wanders {
            vec![Diverged, Collapse, Saturated, Slow]
        } else {
            vec![Drifting, Diverged, Collapse, Saturated, Slow]
        },
    }
}

/// Topics that drift, or do not, with biases that do not move.
fn left_behind(dice: &mut Dice, i: u32) -> Case {
    let (e, k, t) = sizes(dice, &[8, 16, 32], &[1, 2, 4]);
    let wanders = i.is_multiple_of(2);
    let drift = if wanders { dice.scale(1.0, 10.0) } else { 0.0 };
    let skew = dice.between(0.8, 1.5);
    let gate = dice.of(&GATES);
    let source = Source::Synthetic(Synthetic { batch: t, topics: 16, skew, noise: 0.6, drift, burst: 1 });
    let balancer = if dice.of(&[true, false]) {
        with(Rule::None, 0.0)
    } else {
        Balancer { freeze: Some(40), ..with(Rule::Sign, 0.003) }
    };
    let frozen = balancer.freeze.is_some();
    let mut is_not = vec![Oscillating, Diverged, Saturated, Slow];
    is_not.extend((!wanders).then_some(Drifting));
    is_not.extend((!frozen).then_some(FloorReached));
    Case {
        family: "nobody follows",
        name: format!(
            "E {e}, K {k}, T {t}, {gate}, drift {drift:.1}, {}",
            if frozen { "frozen" } else { "no balancer" }
        ),
        start: start(dice.seed, source, router(e, k, gate), balancer, None),
        steps: 1200,
        is: if wanders { vec![Drifting] } else { vec![] },
        is_not,
    }
}

/// Batches that differ by chance alone: many tokens in a row share a topic, and topics do not drift.
fn in_bursts(dice: &mut Dice, _: u32) -> Case {
    let (e, k, t) = sizes(dice, &[8, 16, 32], &[1, 2, 4]);
    let burst = dice.of(&[16, 32, 64]);
    let rate = dice.of(&[0.0005, 0.001, 0.002]);
    let source = Source::Synthetic(Synthetic { batch: t, topics: 32, skew: 0.5, noise: 0.8, drift: 0.0, burst });
    Case {
        family: "uneven batches",
        name: format!("E {e}, K {k}, T {t}, burst {burst}, u {rate}"),
        start: start(dice.seed, source, router(e, k, Gate::Sigmoid), with(Rule::Sign, rate), None),
        steps: 1200,
        is: vec![],
        is_not: vec![Drifting, FloorReached, Collapse, Dead, Saturated, Diverged],
    }
}

/// The same batch at every step, with no balancer or a frozen one: nothing can happen.
fn one_batch(dice: &mut Dice, _: u32) -> Case {
    let (e, k, t) = sizes(dice, &[8, 16, 32], &[1, 2, 4]);
    let gate = dice.of(&GATES);
    let source =
        Source::Fixed(Synthetic { batch: t, topics: 32, skew: dice.between(0.0, 1.5), ..Synthetic::default() });
    let balancer = if dice.of(&[true, false]) {
        with(Rule::None, 0.0)
    } else {
        Balancer { freeze: Some(0), ..with(Rule::Sign, 0.01) }
    };
    Case {
        family: "one batch, nothing moves",
        name: format!("E {e}, K {k}, T {t}, {gate}, {}", balancer.rule),
        start: start(dice.seed, source, router(e, k, gate), balancer, None),
        steps: 480,
        is: vec![],
        is_not: vec![Oscillating, Slow, Drifting, Saturated, Diverged, FloorReached],
    }
}

/// A layer that learns at a rate a thousand times too large, or at the default one.
fn learning(dice: &mut Dice, i: u32) -> Case {
    let world = World { batch: 256, ..World::default() };
    let mut start =
        start(dice.seed, Source::Learning(world), router(8, 2, Gate::Sigmoid), with(Rule::Sign, 0.001), None);
    let explodes = i.is_multiple_of(2);
    if explodes {
        let learning = &mut start.experiment.variants[0].learning;
        (learning.optimiser, learning.expert_rate) = (Optimiser::Sgd, 10.0);
    }
    Case {
        family: "a layer that learns",
        name: if explodes { "far too fast" } else { "as it should" }.into(),
        start,
        steps: 128,
        is: if explodes { vec![Diverged] } else { vec![] },
        is_not: if explodes { vec![] } else { vec![Diverged, Saturated] },
    }
}
