//! Learning: compares gradients with finite differences and whole runs with NumPy, and checks that runs repeat exactly.

use moebias_engine::Engine;
use moebias_engine::cpu::{AllCores, CpuEngine, Kernel};
use moebias_engine::run::Run;
use moebias_engine::start::{RunId, Start};
use moebias_files::{self as files, Scenario};
use moebias_model::balance::{self, Step};
use moebias_model::change::{Change, Event, Target};
use moebias_model::change::{LearningChange, WorldChange};
use moebias_model::config::{Balancer, DIM, Experiment, Gate, Router, Rule, Source, Variant};
use moebias_model::learn::OUT;
use moebias_model::learn::parameters::{Learned, length};
use moebias_model::learn::score::Scorer;
use moebias_model::learn::settings::{Auxiliary, Gating, Learning, Optimiser, World};
use moebias_model::learn::spread::Alone;
use moebias_model::learn::train::{Lesson, Room, gradients, train};
use moebias_model::learn::world::{Draw, Examples, Teacher};
use moebias_model::row::StepRow;
use moebias_model::select::{MAX_K, Selector, expert_of};
use moebias_model::step::Simulation;
use serde::Deserialize;
use std::path::Path;
use std::sync::Arc;
use strum::IntoEnumIterator as _;

/// A layer in f64, with the selection of one batch and the shares f held fixed, from which finite differences are computed.
struct Reference<'a> {
    examples: &'a Examples,
    experts: usize,
    gate: Gate,
    settings: &'a Learning,
    chosen: Vec<Vec<usize>>,
    /// For each token: f of the sequence it belongs to, per expert, and the weight of the token.
    f: Vec<(Vec<f64>, f64)>,
}

impl Reference<'_> {
    fn logits(&self, p: &[f64], t: usize) -> Vec<f64> {
        let x = &self.examples.x[t];
        (0..self.experts).map(|e| (0..DIM).map(|j| p[e * DIM + j] * f64::from(x[j])).sum()).collect()
    }

    fn softmax(z: &[f64]) -> Vec<f64> {
        let total: f64 = z.iter().map(|z| z.exp()).sum();
        z.iter().map(|z| z.exp() / total).collect()
    }

    fn scores(&self, p: &[f64], t: usize) -> Vec<f64> {
        let z = self.logits(p, t);
        if self.gate == Gate::Softmax {
            Self::softmax(&z)
        } else {
            z.iter().map(|z| 1.0 / (1.0 + (-z).exp())).collect()
        }
    }

    fn task(&self, p: &[f64]) -> f64 {
        let (w, s) = (self.experts * DIM, self.experts * DIM * (1 + OUT));
        let mut loss = 0.0;
        for (t, chosen) in self.chosen.iter().enumerate() {
            let score = self.scores(p, t);
            let total: f64 = chosen.iter().map(|&e| score[e]).sum();
            for q in 0..OUT {
                let through = |at: usize| -> f64 {
                    (0..DIM).map(|j| p[at + q * DIM + j] * f64::from(self.examples.x[t][j])).sum()
                };
                let gate =
                    |e: usize| if self.settings.gating == Gating::Normalised { score[e] / total } else { score[e] };
                let value = through(s) + chosen.iter().map(|&e| gate(e) * through(w + e * DIM * OUT)).sum::<f64>();
                loss += (value - f64::from(self.examples.y[t][q])).powi(2);
            }
        }
        loss / (2 * self.chosen.len() * OUT) as f64
    }

    fn auxiliary(&self, p: &[f64]) -> f64 {
        let of_token = |(t, (f, weight)): (usize, &(Vec<f64>, f64))| {
            let s = self.scores(p, t);
            let share = match self.settings.auxiliary {
                Auxiliary::Plain => s,
                Auxiliary::Switch => Self::softmax(&self.logits(p, t)),
                _ => s.iter().map(|x| x / s.iter().sum::<f64>()).collect(),
            };
            weight * share.iter().zip(f).map(|(p, f)| p * f).sum::<f64>()
        };
        self.f.iter().enumerate().map(of_token).sum()
    }

    fn z(&self, p: &[f64]) -> f64 {
        let n = self.chosen.len();
        let of_token = |t| self.logits(p, t).iter().map(|z| z.exp()).sum::<f64>().ln().powi(2);
        (0..n).map(of_token).sum::<f64>() / n as f64
    }
}

fn top(selector: &Selector, row: &[i32], k: usize) -> Vec<usize> {
    let mut out = [0; MAX_K];
    selector.top_k(row, k, &mut out);
    out[..k].iter().map(|&key| expert_of(key)).collect()
}

fn fractions(chosen: &[Vec<usize>], experts: usize) -> Vec<f64> {
    let all: usize = chosen.iter().map(Vec::len).sum();
    let count = |e: usize| chosen.iter().flatten().filter(|&&c| c == e).count();
    (0..experts).map(|e| (experts * count(e)) as f64 / all as f64).collect()
}

#[test]
fn every_gradient_is_that_of_its_loss() {
    const E: usize = 6;
    const T: usize = 50; // with sequences of 16 the last one is shorter, and 50 is no multiple of a tile
    let world = World { batch: T as u32, topics: 12, domains: 3, ..World::default() };
    let draw = Draw::new(Arc::new(Teacher::new(&world, 3)), &world, 5, 0);
    let examples = draw.examples(T, &Alone);
    let mut learned = Learned::untrained(E, 3);
    learned.parameters[..E * DIM].iter_mut().for_each(|c| *c *= 4.0);
    learned.parameters[E * DIM..].iter_mut().enumerate().for_each(|(i, w)| *w = *w * 8.0 + (i % 7) as f32 * 0.01);
    let selector = Selector::new(Rule::Sign, &[0, 40_000_000, -9_000_000, 0, 70_000_000, 0]);
    let mut worst: f64 = 0.0;
    for gate in [Gate::Sigmoid, Gate::Softmax] {
        let scores = Scorer::new(&learned.parameters, E, gate).all(&examples.x, &Alone);
        let rows: Vec<&[i32]> = scores.chunks(E).collect();
        let chosen: Vec<Vec<usize>> = rows.iter().map(|row| top(&selector, row, 2)).collect();
        let count = |e: usize| chosen.iter().flatten().filter(|&&c| c == e).count() as u32;
        let loads: Vec<u32> = (0..E).map(count).collect();
        for (gating, auxiliary) in Gating::iter().flat_map(|g| Auxiliary::iter().map(move |a| (g, a))) {
            let settings = Learning { gating, auxiliary, sequence: 16, z_loss: 0.1, ..Learning::default() };
            let of_sequence = |t: usize| -> (Vec<f64>, f64) {
                let whole = 1.0 / T as f64;
                let unbiased = |range: std::ops::Range<usize>, k| -> Vec<Vec<usize>> {
                    range.map(|t| top(&Selector::unbiased(E), rows[t], k)).collect()
                };
                match auxiliary {
                    Auxiliary::Switch => (fractions(&unbiased(0..T, 1), E), whole),
                    Auxiliary::SequenceWise => {
                        let range = t / 16 * 16..T.min(t / 16 * 16 + 16);
                        let weight = 1.0 / (range.len() * T.div_ceil(16)) as f64;
                        (fractions(&unbiased(range, 2), E), weight)
                    }
                    _ => (fractions(&chosen, E), whole),
                }
            };
            let f = (0..T).map(of_sequence).collect();
            let reference =
                Reference { examples: &examples, experts: E, gate, settings: &settings, chosen: chosen.clone(), f };
            let router = Router { experts: E as u32, top_k: 2, gate, ..Router::default() };
            let (selector, loads) = (&selector, &loads[..]);
            let lesson = Lesson {
                examples: &examples,
                router: &router,
                selector,
                scores: &scores,
                loads,
                settings: &settings,
                step: 0,
            };
            let mut room = Room::default();
            let made = gradients(&learned, &lesson, &mut room, &Alone).unwrap();
            let p: Vec<f64> = learned.parameters.iter().map(|&x| f64::from(x)).collect();
            let losses: [(&[f32], Loss<'_>); 3] = [
                (&made.whole.gradient, &|p| reference.task(p)),
                (&made.whole.auxiliary, &|p| reference.auxiliary(p)),
                (&made.whole.z, &|p| reference.z(p)),
            ];
            assert!((made.row.unwrap().loss - reference.task(&p)).abs() < 1e-5 * reference.task(&p));
            for (which, (gradient, loss)) in losses.into_iter().enumerate() {
                let size = gradient.iter().map(|g| f64::from(g.abs())).fold(0.0, f64::max);
                assert!(size > 1e-6, "{gate} {gating} {auxiliary}: gradient {which} is nothing");
                for i in (0..gradient.len()).step_by(11).chain(gradient.len() - 3..gradient.len()) {
                    let (mut up, mut down) = (p.clone(), p.clone());
                    up[i] += 1e-5;
                    down[i] -= 1e-5;
                    let real = (loss(&up) - loss(&down)) / 2e-5;
                    let off = (f64::from(gradient[i]) - real).abs() / size;
                    worst = worst.max(off);
                    assert!(
                        off < 2e-4,
                        "{gate} {gating} {auxiliary}, gradient {which} at {i}: {} for {real}",
                        gradient[i]
                    );
                }
            }
        }
    }
    println!("worst difference, relative to the largest entry: {worst:.1e}");
}

/// A loss as a function of all parameters.
type Loss<'a> = &'a dyn Fn(&[f64]) -> f64;

/// A run of `tests/data/learning.py`.
#[derive(Deserialize)]
struct Numpy {
    name: String,
    gate: Gate,
    gating: Gating,
    optimiser: Optimiser,
    auxiliary: Auxiliary,
    alpha: f64,
    z_loss: f64,
    rule: Rule,
    rates: [f64; 2],
    steps: Vec<NumpyStep>,
    norms: std::collections::HashMap<String, f64>,
}

#[derive(Deserialize)]
struct NumpyStep {
    loads: Vec<u32>,
    loss: f64,
    nmse: f64,
    cosine: f64,
    force: f64,
    mean_score: f64,
}

/// The same numbers as `grid` in `tests/data/learning.py`.
fn grid(i: usize, a: u64, b: u64, scale: f64) -> f32 {
    let i = i as u64;
    (((a * i * i + b * i + 17) % 251) as f32 - 125.0) * scale as f32
}

fn numpy_examples(step: usize) -> Examples {
    let kind = |t: usize| if t.is_multiple_of(2) { 0 } else { 1 + t / 2 % 3 };
    let x: Vec<[f32; DIM]> = (0..64)
        .map(|t| {
            let at = |j| {
                let centre = f64::from(grid(kind(t) * DIM + j, 3, 19, 1.0 / 90.0));
                (centre + f64::from(grid((step * 64 + t) * DIM + j, 17, 23, 1.0 / 200.0))) as f32
            };
            std::array::from_fn(at)
        })
        .collect();
    let y = (0..64).map(|t| {
        let map = |j: usize, q| f64::from(grid((kind(t) * DIM + j) * OUT + q, 13, 3, 1.0 / 400.0));
        std::array::from_fn(|q| (0..DIM).map(|j| f64::from(x[t][j]) * map(j, q)).sum::<f64>() as f32)
    });
    let y = y.collect();
    Examples { x, y }
}

/// Compares f32 here with f64 in NumPy over 40 steps. Loads must be equal.
#[test]
fn whole_runs_agree_with_numpy() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/learning.json")).unwrap();
    let cases: Vec<Numpy> = serde_json::from_str(&text).unwrap();
    assert_eq!(cases.len(), 11);
    for case in cases {
        let name = &case.name;
        let settings = Learning {
            optimiser: case.optimiser,
            expert_rate: case.rates[0],
            router_rate: case.rates[1],
            horizon: 100,
            gating: case.gating,
            auxiliary: case.auxiliary,
            alpha: case.alpha,
            z_loss: case.z_loss,
            sequence: 16,
            batches: 4,
        };
        let router = Router { experts: 8, top_k: 2, gate: case.gate, ..Router::default() };
        let mut learned = Learned::untrained(8, 0);
        for (i, p) in learned.parameters.iter_mut().enumerate() {
            *p = match i {
                0..256 => grid(i, 7, 31, 1.0 / 300.0),
                // NumPy's order is [expert][DIM][OUT].
                256..2304 => grid((i - 256) / 256 * 256 + i % DIM * OUT + i % 256 / DIM, 11, 5, 1.0 / 4000.0),
                _ => 0.0,
            };
        }
        let mut bias = vec![0i64; 8];
        let mut room = Room::default();
        for (n, wanted) in case.steps.iter().enumerate() {
            let examples = numpy_examples(n);
            let selector = Selector::new(case.rule, &bias);
            let scores = Scorer::new(&learned.parameters, 8, case.gate).all(&examples.x, &Alone);
            let mut loads = vec![0; 8];
            scores.chunks(8).for_each(|row| top(&selector, row, 2).into_iter().for_each(|e| loads[e] += 1));
            assert_eq!(loads, wanted.loads, "{name}, step {n}");
            let (examples, router, selector) = (&examples, &router, &selector);
            let lesson = Lesson {
                examples,
                router,
                selector,
                scores: &scores,
                loads: &loads,
                settings: &settings,
                step: n as u64,
            };
            let row = train(&mut learned, &lesson, &mut room, &Alone).unwrap();
            let pairs = [
                (row.loss, wanted.loss),
                (row.nmse, wanted.nmse),
                (row.cosine, wanted.cosine),
                (row.force, wanted.force),
                (row.mean_score, wanted.mean_score),
            ];
            for (i, (ours, numpy)) in pairs.into_iter().enumerate() {
                assert!(
                    (ours - numpy).abs() < 2e-4 * (0.1 + numpy.abs()),
                    "{name}, step {n}, figure {i}: {ours} for {numpy}"
                );
            }
            let balancer = Balancer { rule: case.rule, rate: 0.01, ..Balancer::default() };
            let step = Step::new(router, 64, balance::rates_at(&balancer, 0, 0));
            balance::update(&balancer, &mut bias, &mut vec![], &loads, step);
        }
        let norm = |range: std::ops::Range<usize>| {
            learned.parameters[range].iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt()
        };
        for (key, range) in [("C", 0..256), ("W", 256..2304), ("S", 2304..length(8))] {
            let (ours, numpy) = (norm(range), case.norms[key]);
            assert!((ours / numpy - 1.0).abs() < 1e-4, "{name}: |{key}| is {ours}, not {numpy}");
        }
    }
}

fn variant(gate: Gate, rule: Rule, experts: u32, top_k: u32, learning: Learning) -> Variant {
    let balancer = Balancer { rule, rate: 0.002, ..Balancer::default() };
    Variant {
        name: format!("{gate} {rule} {experts}").into(),
        router: Router { experts, top_k, gate, ..Router::default() },
        balancer,
        learning,
    }
}

fn experiment() -> Experiment {
    let auxiliary = |auxiliary| Learning { auxiliary, sequence: 100, batches: 3, ..Learning::default() };
    Experiment {
        seed: 11,
        source: Source::Learning(World {
            batch: 700,
            topics: 40,
            domains: 7,
            drift: 3.0,
            burst: 5,
            ..World::default()
        }),
        variants: vec![
            variant(Gate::Sigmoid, Rule::Sign, 33, 5, Learning::default()),
            variant(Gate::Sigmoid, Rule::Multiplicative, 16, 1, auxiliary(Auxiliary::Plain)),
            variant(Gate::Softmax, Rule::Proportional, 33, 5, auxiliary(Auxiliary::Switch)),
            variant(Gate::Sigmoid, Rule::None, 100, 9, auxiliary(Auxiliary::SequenceWise)),
            variant(Gate::Sigmoid, Rule::Sign, 8, 2, auxiliary(Auxiliary::GlobalBatch)),
            variant(
                Gate::Softmax,
                Rule::None,
                7,
                7,
                Learning { z_loss: 0.01, gating: Gating::Normalised, ..auxiliary(Auxiliary::Normalised) },
            ),
        ],
    }
}

/// The rows of the model on one thread, with which engines are compared.
fn oracle(steps: usize) -> (Simulation, Vec<StepRow>) {
    let mut simulation = Simulation::new(experiment(), None).unwrap();
    let rows = (0..steps).map(|_| simulation.advance()).collect();
    (simulation, rows)
}

#[test]
fn a_run_is_the_same_on_any_number_of_threads_and_with_every_kernel() {
    let (wanted, rows) = oracle(12);
    for threads in [1, 2, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        for kernel in Kernel::available() {
            let mut simulation = Simulation::new(experiment(), None).unwrap();
            let mut made = vec![];
            let mut engine = CpuEngine::with_kernel(kernel, "test");
            pool.install(|| engine.advance(&mut simulation, 12, &mut made)).unwrap();
            assert_eq!(made, rows, "{threads} threads, {kernel}");
            assert_eq!(simulation.state(), wanted.state(), "{threads} threads, {kernel}");
            let held_out = pool.install(|| simulation.held_out(2, &AllCores));
            assert_eq!(held_out, wanted.clone().held_out(2, &Alone));
        }
    }
    assert!(rows.iter().flat_map(|r| &r.variants).all(|v| v.learning.is_some()));
}

/// Pins the result of a run. If it changes, every recording of a run that learns becomes invalid.
#[test]
fn a_run_that_learns_is_pinned() {
    let (simulation, _) = oracle(12);
    assert_eq!(simulation.digest().to_string(), "64702f5e608d9202");
}

#[test]
fn pictures_show_the_scores_that_were_routed() {
    let (mut simulation, _) = oracle(5);
    let by_token = simulation.next_batch();
    let mut whole = by_token.clone();
    whole.make_ready(&AllCores);
    for (variant, routing) in whole.variants.iter().enumerate() {
        let experts = routing.router.experts as usize;
        for token in [0, 1, 355, 699] {
            let row = &routing.recorded().unwrap()[token as usize * experts..][..experts];
            assert_eq!(by_token.scores(token, variant), row);
        }
    }
    // The probe's tokens stay the same; only the router has learned.
    let (before, after) = (simulation.probe(), {
        simulation.advance();
        simulation.probe()
    });
    assert_eq!(
        (0..50).map(|t| before.topic(t)).collect::<Vec<_>>(),
        (0..50).map(|t| after.topic(t)).collect::<Vec<_>>()
    );
}

#[test]
fn going_back_and_a_start_state_are_exact() {
    let events = vec![
        Event { step: 20, target: Target::Source, change: Change::SetSkew(2.0) },
        Event {
            step: 30,
            target: Target::Variant(1),
            change: Change::SetLearning(LearningChange::Optimiser(Optimiser::Sgd)),
        },
        Event { step: 35, target: Target::Source, change: Change::SetWorld(WorldChange::Common(0.1)) },
    ];
    let start = Start { experiment: experiment(), trace: None, state: None, events, stop: None };
    let mut run = Run::new(RunId(1), start.clone()).unwrap();
    let mut engine = CpuEngine::new("test");
    let play = |run: &mut Run, engine: &mut CpuEngine, to: u64| {
        while run.step() < to {
            run.advance(engine, (to - run.step()) as u32, |_, _| {}).unwrap();
        }
    };
    play(&mut run, &mut engine, 25);
    let (state, settings) = (run.simulation().state().clone(), run.simulation().experiment().clone());
    play(&mut run, &mut engine, 50);
    let end = run.simulation().state().clone();
    run.rewind_towards(3);
    play(&mut run, &mut engine, 50);
    assert_eq!(*run.simulation().state(), end);
    // Continue from the middle of the run, through a file.
    let scenario = Scenario {
        start: Some(state.clone()),
        events: start.events.iter().filter(|e| e.step >= 25).cloned().collect(),
        ..Scenario::from_experiment("From the middle", settings)
    };
    let text = files::to_text(&scenario);
    let again = files::load_text(&text, "middle.ron", Path::new("")).unwrap().scenario;
    assert_eq!(again, scenario);
    assert_eq!(again.start, Some(state.clone()));
    let start =
        Start { experiment: again.experiment(), trace: None, state: again.start, events: again.events, stop: None };
    let mut run = Run::new(RunId(2), start).unwrap();
    play(&mut run, &mut engine, 50);
    assert_eq!(*run.simulation().state(), end);
    // Parameters of another layer, and broken ones, are refused.
    for wrong in [
        text.replacen("parameters:\"", "parameters:\"00000000", 1),
        text.replacen("first:\"", "first:\"7fc000007fc00000", 1),
    ] {
        assert!(wrong != text, "the text is another");
        let error = files::load_text(&wrong, "wrong.ron", Path::new("")).unwrap_err().to_string();
        assert!(error.contains("parameters of another layer"), "{error}");
    }
}

#[test]
fn what_diverges_says_so_and_can_come_back() {
    let wild =
        Learning { optimiser: Optimiser::Sgd, expert_rate: 10.0, router_rate: 10.0, horizon: 0, ..Learning::default() };
    let mut simulation = Simulation::new(
        Experiment { variants: vec![variant(Gate::Sigmoid, Rule::Sign, 16, 4, wild)], ..experiment() },
        None,
    )
    .unwrap();
    let rows: Vec<StepRow> = (0..400).map(|_| simulation.advance()).collect();
    assert!(rows[0].variants[0].learning.is_some());
    assert!(rows[399].variants[0].learning.is_none(), "a rate of 10 diverges");
    let state = &simulation.state().variants[0];
    assert!(state.learned.as_ref().unwrap().fits(16), "and everything is still finite");
    assert_eq!(rows[399].variants[0].loads.iter().sum::<u32>(), 4 * 700);
}

#[cfg(feature = "gpu")]
#[test]
fn the_gpu_leaves_learning_to_the_cpu() {
    let simulation = Simulation::new(experiment(), None).unwrap();
    let refused = moebias_engine::gpu::layout::Plan::new(&simulation, 1 << 30).map(|_| ()).unwrap_err();
    assert_eq!(refused, "Learning runs on the CPU");
}

#[test]
fn settings_that_do_not_fit_are_refused_in_words() {
    let refusal = |f: &dyn Fn(&mut Experiment)| {
        let mut e = experiment();
        f(&mut e);
        e.validate().unwrap_err().to_string()
    };
    let world = |f: fn(&mut World)| {
        refusal(&|e| {
            if let Source::Learning(w) = &mut e.source {
                f(w);
            }
        })
    };
    assert!(world(|w| w.noise = 0.8).contains("source.noise is 0.8, but must be at most 0.7"));
    assert!(world(|w| w.domains = 41).contains("at most the number of topics, 40"));
    assert!(world(|w| w.kinship = f64::NAN).contains("source.kinship is NaN"));
    assert!(world(|w| w.batch = 65_537).contains("from 1 to 65536"));
    assert!(refusal(&|e| e.variants[3].learning.alpha = 11.0).contains("variants[3].learning.alpha is 11"));
    let crowd = refusal(&|e| {
        e.source = Source::Learning(World { batch: 65_536, ..World::default() });
        e.variants = vec![variant(Gate::Sigmoid, Rule::None, 1024, 6, Learning::default()); 2];
    });
    assert!(crowd.contains("at most 32768 with 2048 experts"), "{crowd}");
    let nothing_to_learn = refusal(&|e| e.source = Source::Synthetic(Default::default()));
    assert!(
        nothing_to_learn.contains("variants[1].learning") && nothing_to_learn.contains("only in a world to learn from")
    );
    let mut simulation = Simulation::new(experiment(), None).unwrap();
    assert!(simulation.apply(Target::Source, &Change::SetFixed(true)).is_err());
    let mut plain = experiment();
    plain.source = Source::Synthetic(Default::default());
    plain.variants.iter_mut().for_each(|v| v.learning = Learning::default());
    let mut plain = Simulation::new(plain, None).unwrap();
    let learning = Change::SetLearning(LearningChange::Alpha(0.1));
    assert!(plain.apply(Target::AllVariants, &learning).unwrap_err().to_string().contains("world to learn from"));
    assert!(plain.apply(Target::Source, &Change::SetWorld(WorldChange::Rich(0.0))).is_err());
}

/// Checks the most instructive comparisons, on a shorter run than the documented one; docs/learning.md has all of them.
#[test]
fn an_auxiliary_loss_that_balances_costs_more_than_the_bias() {
    let world = World { batch: 1024, ..World::default() };
    let aux = |alpha| Learning { auxiliary: Auxiliary::Normalised, alpha, horizon: 600, ..Learning::default() };
    let none = Learning { horizon: 600, ..Learning::default() };
    for seed in [1, 2] {
        let variants = vec![
            variant(Gate::Sigmoid, Rule::None, 64, 6, none.clone()),
            variant(Gate::Sigmoid, Rule::None, 64, 6, aux(1.0)),
            variant(Gate::Sigmoid, Rule::Sign, 64, 6, none.clone()),
        ];
        let mut simulation =
            Simulation::new(Experiment { seed, source: Source::Learning(world.clone()), variants }, None).unwrap();
        CpuEngine::new("test").advance(&mut simulation, 600, &mut vec![]).unwrap();
        let [none, strong, bias] = &simulation.held_out(32, &AllCores)[..] else { panic!("three variants") };
        let nmse = |h: &moebias_model::learn::evaluate::HeldOut| h.nmse.unwrap();
        assert!(nmse(strong) > nmse(bias) + 0.01, "seed {seed}: {} and {}", nmse(strong), nmse(bias));
        assert!(none.max_vio > 1.0 && bias.max_vio < 0.3 && strong.max_vio < 0.3, "seed {seed}");
        assert!(none.nmse_capacity.unwrap() > bias.nmse_capacity.unwrap(), "seed {seed}: what overflows is lost");
    }
}

/// The figures in docs/learning.csv: \[variant\]\[seed\]\[figure\], with variants in the order of the file.
fn documented() -> Vec<(String, Vec<Vec<f64>>)> {
    let mut all: Vec<(String, Vec<Vec<f64>>)> = vec![];
    let mut reader = csv::Reader::from_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/learning.csv")).unwrap();
    for record in reader.records().map(Result::unwrap) {
        let figures = record.iter().skip(2).map(|x| x.parse().unwrap()).collect();
        match all.iter_mut().find(|(name, _)| *name == record[1]) {
            Some((_, seeds)) => seeds.push(figures),
            None => all.push((record[1].to_owned(), vec![figures])),
        }
    }
    all
}

fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt())
}

/// Checks the large table of docs/learning.md, row by row and to the last digit, and the ratios stated in its text.
#[test]
fn the_document_says_what_the_runs_came_to() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/learning.md")).unwrap();
    let all = documented();
    let of = |name: &str| &all.iter().find(|(n, _)| n == name).unwrap_or_else(|| panic!("{name}")).1;
    let column = |name: &str, i: usize| of(name).iter().map(|seed| seed[i]).collect::<Vec<_>>();
    let reference = column("sign, u = 0.001", 0);
    for (name, seeds) in &all {
        let spread = |i: usize, times: f64| mean_and_deviation(&seeds.iter().map(|s| times * s[i]).collect::<Vec<_>>());
        let delta: Vec<f64> = seeds.iter().zip(&reference).map(|(s, r)| 100.0 * (s[0] - r)).collect();
        let (nmse, capacity, global) = (spread(0, 100.0), spread(1, 100.0), spread(2, 1.0));
        let (change, lower) = (mean_and_deviation(&delta), delta.iter().filter(|d| **d < 0.0).count());
        let of_reference = name == "sign, u = 0.001";
        let told = if of_reference { "0".into() } else { format!("{:+.2} ± {:.2}", change.0, change.1) };
        let lower = if of_reference { String::new() } else { format!("{lower} of 5") };
        let plain = [3, 4, 5, 6, 7, 8].map(|i| spread(i, 1.0).0);
        let row = format!(
            "| {name} | {:.2} ± {:.2} | {told} | {lower} | {:.1} | {:.3} ± {:.3} | {:.2} | {:.3} | {:.1} | {:.2} | {:.2} | {:.2} |",
            nmse.0, nmse.1, capacity.0, global.0, global.1, plain[0], plain[1], plain[2], plain[3], plain[4], plain[5]
        );
        let row = row.replace('-', "−").replace("sequence−wise", "sequence-wise").replace("z−loss", "z-loss");
        assert!(text.contains(&row), "docs/learning.md lacks the row\n{row}");
    }
    let global = |name: &str| mean_and_deviation(&column(name, 2)).0;
    for (name, said) in
        [("normalised, α = 0.001", "53.5 times that of loss-free"), ("normalised, α = 0.01", "at 45.5 times")]
    {
        let times = global(name) / global("sign, u = 0.001");
        assert!(said.contains(&format!("{times:.1} times")) && text.contains(said), "{name}: {times:.2} times");
    }
}
