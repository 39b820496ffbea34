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

mod documented;
mod gradients;
mod numpy;

fn top(selector: &Selector, row: &[i32], k: usize) -> Vec<usize> {
    let mut out = [0; MAX_K];
    selector.top_k(row, k, &mut out);
    out[..k].iter().map(|&key| expert_of(key)).collect()
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
