//! Scenarios for which the findings that are true follow from how they are built: step sizes beyond the range of scores, biases that are too
//! far from balance to get there in time, tokens without noise whose loads can be computed, topics that are replaced, identical tokens.

use moebias_model::change::Change;
use moebias_model::config::{Balancer, Experiment, Gate, Router, Rule, Schedule, Source, Synthetic, Variant};
use moebias_model::diagnose::Kind;
use moebias_model::fixed::to_q32;
use moebias_model::learn::settings::{Learning, Optimiser, World};
use moebias_model::metrics::entropy;
use moebias_model::tokens::{Topics, centroids, shares};

/// One scenario, and which findings are true of it.
pub struct Case {
    /// How it was built, for messages.
    pub name: String,
    pub experiment: Experiment,
    /// The biases to start from, in score units.
    pub bias: Option<Vec<f64>>,
    pub change: Option<(u64, Change)>,
    pub steps: u64,
    /// Findings that are true.
    pub is: Vec<Kind>,
    /// Findings that may be true or not. All others are false.
    pub open: Vec<Kind>,
}

/// Numbers of experts, and of experts per token.
const SHAPES: [(u32, u32); 5] = [(8, 1), (8, 2), (16, 2), (16, 4), (32, 4)];
const GATES: [Gate; 3] = [Gate::Sigmoid, Gate::Softmax, Gate::SqrtSoftplus];
const T: u32 = 512;
/// Findings that may be true for some time wherever loads are very uneven.
const UNEVEN: [Kind; 3] = [Kind::Starving, Kind::Dead, Kind::Collapse];

/// A step size of about a hundredth of the differences between scores of this gate.
fn unit(gate: Gate, experts: u32) -> f64 {
    match gate {
        Gate::Sigmoid => 0.002,
        Gate::Softmax => 0.016 / f64::from(experts),
        Gate::SqrtSoftplus => 0.004,
    }
}

struct Builder {
    seed: u32,
    made: Vec<Case>,
}

impl Builder {
    #[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)] // a table, row by row
    fn add(
        &mut self,
        name: String,
        (experts, top_k, gate): (u32, u32, Gate),
        source: Source,
        balancer: Balancer,
        steps: u64,
        is: &[Kind],
        open: &[Kind],
    ) -> &mut Case {
        // Every scenario has its own seed.
        let seed = self.seed + 131 * self.made.len() as u32;
        let router = Router { experts, top_k, gate, ..Default::default() };
        let variant = Variant { name: "A".into(), router, balancer, learning: Learning::default() };
        let experiment = Experiment { seed, source, variants: vec![variant] };
        let name = format!("{name}, E {experts} K {top_k} {gate}, seed {seed}");
        let (is, open) = (is.to_vec(), open.to_vec());
        self.made.push(Case { name, experiment, bias: None, change: None, steps, is, open });
        let last = self.made.len() - 1;
        &mut self.made[last]
    }

    fn each(&self) -> Vec<(u32, u32, Gate)> {
        SHAPES.iter().enumerate().map(|(i, &(e, k))| (e, k, GATES[(i + self.made.len()) % 3])).collect()
    }
}

fn uneven() -> Synthetic {
    Synthetic { batch: T, topics: 12, skew: 1.6, noise: 1.2, ..Default::default() }
}

fn rule(rule: Rule, rate: f64) -> Balancer {
    Balancer { rule, rate, ..Default::default() }
}

/// All scenarios for a base seed.
pub fn cases(seed: u32) -> Vec<Case> {
    let mut b = Builder { seed, made: vec![] };
    oscillating(&mut b);
    slow(&mut b);
    drifting(&mut b);
    exact(&mut b);
    saturated(&mut b);
    floor(&mut b);
    learning(&mut b);
    ordinary(&mut b);
    alike(&mut b);
    b.made
}

/// Steps as large as the differences between scores: every update reverses the order of the experts.
fn oscillating(b: &mut Builder) {
    for how in [Rule::Sign, Rule::CentredSign, Rule::Rms, Rule::Sign] {
        for shape in b.each() {
            let rate = (100.0 * unit(shape.2, shape.0)).min(0.5);
            let fixed = b.made.len() % 4 == 1;
            let source = if fixed { Source::Fixed(uneven()) } else { Source::Synthetic(uneven()) };
            let open = [&UNEVEN[..], &[Kind::Saturated]].concat();
            let name = format!("{how}, u {rate:.3}, fixed {fixed}");
            b.add(name, shape, source, rule(how, rate), 300, &[Kind::Oscillating], &open);
        }
    }
}

/// Tokens that are nearly alike for every expert, and biases that strongly favour a quarter of the experts: balance needs this gap to close.
/// An update closes it by at most 2u, so the whole run closes little more than half of it.
fn slow(b: &mut Builder) {
    for how in [Rule::Sign, Rule::CentredSign, Rule::Sign, Rule::CentredSign] {
        for shape in b.each() {
            let gap = 70.0 * unit(shape.2, shape.0);
            let rate = gap / 2.0 / 2100.0;
            let source =
                Source::Synthetic(Synthetic { batch: T, topics: 128, skew: 0.0, noise: 1.5, ..Default::default() });
            let name = format!("{how}, u {rate:.6}, {gap:.3} to close");
            let case = b.add(name, shape, source, rule(how, rate), 1200, &[Kind::Slow], &UNEVEN);
            case.bias = Some((0..shape.0).map(|e| if e < shape.0 / 4 { 0.0 } else { -gap }).collect());
        }
    }
    // The same kind of tokens with steps that reach balance.
    for how in [Rule::Sign, Rule::Rms] {
        for shape in b.each() {
            let rate = unit(shape.2, shape.0) / 2.0;
            let source = Source::Synthetic(Synthetic { skew: 2.0, topics: 8, ..uneven() });
            b.add(
                format!("{how}, u {rate:.5} arrives"),
                shape,
                source,
                rule(how, rate),
                800,
                &[],
                &[Kind::FloorReached],
            );
        }
    }
}

/// Topics that are replaced every 150 to 500 steps, and topics that are not.
fn drifting(b: &mut Builder) {
    for drift in [2.0, 4.0, 6.5] {
        for shape in b.each() {
            let rate = unit(shape.2, shape.0);
            let tokens = Synthetic { batch: T, topics: 16, skew: 1.0, noise: 0.6, drift, ..Default::default() };
            let open = [&UNEVEN[..], &[Kind::FloorReached]].concat();
            let name = format!("drift {drift}, u {rate:.4}");
            let source = Source::Synthetic(tokens.clone());
            b.add(name, shape, source, rule(Rule::Sign, rate), 1200, &[Kind::Drifting], &open);
            let name = format!("drift {drift}, no balancer");
            b.add(name, shape, Source::Synthetic(tokens), rule(Rule::None, 0.0), 700, &[Kind::Drifting], &UNEVEN);
        }
    }
    for frozen in [false, true] {
        for shape in b.each() {
            let rate = unit(shape.2, shape.0);
            let tokens = Synthetic { batch: T, topics: 16, skew: 1.0, noise: 0.6, ..Default::default() };
            let freeze = frozen.then_some(400);
            let balancer = Balancer { freeze, ..rule(Rule::Sign, rate) };
            let name = format!("no drift, u {rate:.4}, freeze {freeze:?}");
            b.add(name, shape, Source::Synthetic(tokens), balancer, 1200, &[], &[Kind::FloorReached]);
        }
    }
}

/// Tokens without noise and without a balancer. A token is its topic's centre, so the expected load of every expert can be computed.
fn exact(b: &mut Builder) {
    for (topics, skew) in [(1, 0.0), (2, 0.5), (5, 2.5), (12, 1.5), (40, 0.8), (40, 2.5), (120, 0.3), (120, 1.2)] {
        for shape in b.each() {
            let tokens = Synthetic { batch: T, topics, skew, noise: 0.0, ..Default::default() };
            let name = format!("exact loads, {topics} topics, skew {skew}");
            let case = b.add(name, shape, Source::Synthetic(tokens.clone()), rule(Rule::None, 0.0), 320, &[], &[]);
            let loads = expected(&tokens, case.experiment.seed, shape.0, shape.1);
            let any = |low: f64, high: f64| loads.iter().any(|l| (low..high).contains(l));
            for (kind, surely, perhaps) in
                [(Kind::Dead, any(-1.0, 0.001), any(-1.0, 0.02)), (Kind::Starving, any(0.03, 0.17), any(0.002, 0.34))]
            {
                if surely {
                    case.is.push(kind);
                } else if perhaps {
                    case.open.push(kind);
                }
            }
            let parts: Vec<u64> = loads.iter().map(|l| (l * 1e9) as u64).collect();
            let effective = entropy(&parts).exp() / f64::from(shape.0);
            if effective < 0.23 {
                case.is.push(Kind::Collapse);
            } else if effective < 0.27 {
                case.open.push(Kind::Collapse);
            }
        }
    }
}

/// The expected load of each expert over the fair share.
fn expected(tokens: &Synthetic, seed: u32, experts: u32, top_k: u32) -> Vec<f64> {
    let (topics, centroids) = (Topics::new(tokens, seed, 0), centroids(experts, seed));
    let mut loads = vec![0.0; experts as usize];
    for (centre, share) in topics.centres.iter().zip(shares(&topics)) {
        let logit = |c: &[i8; 32]| c.iter().zip(centre).map(|(&a, &b)| i32::from(a) * i32::from(b)).sum::<i32>();
        let mut order: Vec<usize> = (0..experts as usize).collect();
        order.sort_by_key(|&e| (-logit(&centroids[e]), e));
        for &e in &order[..top_k as usize] {
            loads[e] += share * f64::from(experts) / f64::from(top_k);
        }
    }
    loads
}

/// Biases that are further apart than a key can represent, or less far, and stay so.
fn saturated(b: &mut Builder) {
    for (apart, is) in [(4.0, true), (3.3, true), (2.6, false)] {
        for shape in b.each() {
            let balancer = Balancer { freeze: Some(0), ..rule(Rule::Sign, 0.001) };
            let kinds: &[Kind] = if is { &[Kind::Saturated] } else { &[] };
            let name = format!("biases {apart} apart");
            let case = b.add(name, shape, Source::Synthetic(uneven()), balancer, 200, kinds, &UNEVEN);
            let down = -apart * shape.2.unit();
            // Half of the experts keep a bias of 0, enough to choose K from; the others are never chosen.
            let keep = shape.0 / 2;
            case.bias = Some((0..shape.0).map(|e| if e < keep { 0.0 } else { down }).collect());
            case.is.push(Kind::Dead);
        }
    }
}

/// Independent tokens that are nearly alike for every expert, with steps whose effect is smaller than chance; and runs that never reach the
/// sampling floor.
fn floor(b: &mut Builder) {
    for schedule in [Schedule::Constant, Schedule::InverseSqrt] {
        for shape in b.each() {
            let rate = unit(shape.2, shape.0) / if schedule == Schedule::Constant { 4.0 } else { 0.25 };
            let tokens = Synthetic { batch: T, topics: 128, skew: 0.0, noise: 1.5, ..Default::default() };
            let balancer = Balancer { schedule, ..rule(Rule::Sign, rate) };
            let name = format!("uniform tokens, u {rate:.5}, {schedule}");
            b.add(name, shape, Source::Synthetic(tokens), balancer, 900, &[Kind::FloorReached], &[]);
        }
    }
    for burst in [16, 64] {
        for shape in b.each() {
            let rate = unit(shape.2, shape.0) / 2.0;
            let tokens = Synthetic { burst, skew: 0.8, ..uneven() };
            let name = format!("bursts of {burst}, u {rate:.5}");
            b.add(name, shape, Source::Synthetic(tokens), rule(Rule::Sign, rate), 600, &[], &[]);
        }
    }
    for shape in b.each() {
        b.add("no balancer".into(), shape, Source::Synthetic(uneven()), rule(Rule::None, 0.0), 600, &[], &UNEVEN);
    }
}

/// Learning rates with which every layer diverges, and the default ones.
fn learning(b: &mut Builder) {
    for rate in [5.0, 10.0] {
        for shape in [(8, 2, Gate::Sigmoid), (16, 2, Gate::Sigmoid), (32, 4, Gate::Sigmoid)] {
            let world = World { batch: 128, topics: 16, domains: 4, ..Default::default() };
            let name = format!("learning rate {rate}");
            let rates =
                Learning { optimiser: Optimiser::Sgd, expert_rate: rate, router_rate: rate, ..Default::default() };
            let open = [&UNEVEN[..], &[Kind::Drifting, Kind::Oscillating, Kind::FloorReached, Kind::Slow]].concat();
            let balancer = rule(Rule::Sign, 0.001);
            let case = b.add(name, shape, Source::Learning(world), balancer, 160, &[Kind::Diverged], &open);
            case.experiment.variants[0].learning = rates;
        }
    }
    for shape in [(8, 2, Gate::Sigmoid), (16, 2, Gate::Sigmoid), (8, 1, Gate::Softmax)] {
        let world = World { batch: 256, topics: 16, domains: 4, ..Default::default() };
        let open = [&UNEVEN[..], &[Kind::Drifting, Kind::FloorReached, Kind::Slow]].concat();
        let balancer = rule(Rule::Sign, 0.002);
        b.add("learning as by default".into(), shape, Source::Learning(world), balancer, 160, &[], &open);
    }
}

/// Runs without anything wrong: published rules with suitable steps, a change of the source midway, rules that follow every batch.
fn ordinary(b: &mut Builder) {
    let all = [
        (Rule::Sign, 0.5),
        (Rule::CentredSign, 0.5),
        (Rule::Rms, 0.4),
        (Rule::Proportional, 1.0),
        (Rule::Smebu, 0.6),
        (Rule::IdBalancing, 1.0),
    ];
    for (how, part) in all {
        for shape in b.each() {
            let rate = part * unit(shape.2, shape.0);
            let balancer = Balancer { derivative: rate, ..rule(how, rate) };
            let source = Source::Synthetic(uneven());
            b.add(format!("{how}, step {rate:.5}"), shape, source, balancer, 600, &[], &[Kind::FloorReached]);
        }
    }
    for how in [Rule::Quantile, Rule::Bip] {
        for shape in b.each() {
            b.add(
                format!("{how}"),
                shape,
                Source::Synthetic(uneven()),
                rule(how, 0.0),
                200,
                &[],
                &[Kind::FloorReached],
            );
        }
    }
    for change in [Change::SetSkew(0.2), Change::SetTopics(40)] {
        for shape in b.each() {
            let rate = 0.7 * unit(shape.2, shape.0);
            let source = Source::Synthetic(uneven());
            let name = format!("{} changes at 400, u {rate:.4}", change.name());
            let case = b.add(name, shape, source, rule(Rule::Sign, rate), 900, &[], &[Kind::FloorReached]);
            case.change = Some((400, change.clone()));
        }
    }
    for shape in b.each() {
        let rate = unit(shape.2, shape.0) / 10.0;
        let balancer = Balancer { schedule: Schedule::Constant, ..rule(Rule::Proportional, rate * 5.0) };
        b.add("one batch for ever, proportional".into(), shape, Source::Fixed(uneven()), balancer, 600, &[], &[]);
    }
}

/// Identical tokens: K experts get everything, which is less than a quarter of the experts.
fn alike(b: &mut Builder) {
    for (experts, top_k) in [(16, 1), (32, 2), (32, 4), (64, 6)] {
        for gate in [Gate::Sigmoid, Gate::Softmax] {
            let tokens = Synthetic { batch: T, topics: 1, skew: 0.0, noise: 0.0, ..Default::default() };
            let source = Source::Synthetic(tokens);
            let is = [Kind::Collapse, Kind::Dead];
            b.add("tokens all alike".into(), (experts, top_k, gate), source, rule(Rule::None, 0.0), 200, &is, &[]);
        }
    }
}

/// Biases in Q32, as an engine stores them.
pub fn held(bias: &[f64]) -> Vec<i64> {
    bias.iter().map(|b| if *b < 0.0 { -to_q32(-b) } else { to_q32(*b) }).collect()
}
