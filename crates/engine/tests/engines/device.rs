//! What the GPU engine leaves to the CPU, and what happens when its device is lost or missing.

use super::*;

/// What no shader supports is refused in a sentence, and the worker continues on the CPU until the setting is gone.
#[test]
fn what_the_shaders_do_not_know_runs_on_the_cpu() {
    let Some(mut engine) = open(Backends::all(), "unsupported routers") else { return };
    let mut start = configuration(0);
    start.events.clear();
    start.experiment.variants.truncate(1);
    start.experiment.variants[0].router = Router { experts: 128, top_k: 1, ..Router::default() };
    let changes = [
        Change::SetRule(Rule::Sinkhorn),
        Change::SetRule(Rule::Base),
        Change::SetGroups(Some(Groups { groups: 128, kept: 2 })),
        Change::SetCapacity(Some(Capacity { factor: 1.0, by: Stays::Score })),
    ];
    start.experiment.variants[0].balancer.rule = Rule::Sign;
    for change in &changes {
        let mut simulation = Simulation::new(start.experiment.clone(), None).unwrap();
        simulation.apply(Target::AllVariants, change).unwrap();
        let outcome = engine.advance(&mut simulation, 1, &mut vec![]);
        let said = matches!(&outcome, Err(EngineError::Unsupported(why)) if why.contains("on the CPU only"));
        assert!(said && simulation.step() == 0, "{change:?}: {outcome:?}");
    }
    let worker = Worker::spawn(RunId(1), start, EngineChoice::Gpu, Box::new(|| {})).unwrap();
    let wait = |what: &str, until: &dyn Fn(&Snapshot) -> bool| {
        wait_until(what, || until(&worker.snapshot()));
    };
    let kind = |s: &Snapshot| s.engine.kind;
    wait("the GPU", &|s| kind(s) == EngineKind::Gpu);
    let send = |change: Change, to: u64| {
        worker.send(Message::Change { id: 0, run: RunId(1), target: Target::AllVariants, change });
        worker.send(Message::Seek(to));
    };
    send(changes[0].clone(), 5);
    wait("the CPU", &|s| kind(s) == EngineKind::Cpu && s.step == 5);
    send(Change::SetRule(Rule::Sign), 10);
    wait("the GPU again", &|s| kind(s) == EngineKind::Gpu && s.step == 10);
}

/// An experiment that can never run on the GPU is reported once, and the GPU is not opened again and again.
#[test]
fn learning_is_left_to_the_cpu_once() {
    if open(Backends::all(), "learning").is_none() {
        return;
    }
    let source = Source::Learning(World { batch: 64, topics: 4, domains: 2, ..World::default() });
    let variants = vec![Variant { router: Router { experts: 8, top_k: 2, ..Router::default() }, ..Variant::default() }];
    let experiment = Experiment { seed: 1, source, variants };
    let start = Start { experiment, trace: None, state: None, events: vec![], stop: None };
    let worker = Worker::spawn(RunId(1), start, EngineChoice::Gpu, Box::new(|| {})).unwrap();
    let (mut opened, mut left, began) = (0, 0, Instant::now());
    for to in 1.. {
        worker.send(Message::Seek(50 * to));
        wait_until(&format!("step {}", 50 * to), || worker.snapshot().step >= 50 * to);
        while let Ok(Some(echo)) = worker.echo() {
            opened += u32::from(matches!(&echo, Echo::Engine(info) if info.kind == EngineKind::Gpu));
            left += u32::from(matches!(&echo, Echo::Notice(why) if why.contains("Learning runs on the CPU")));
        }
        // Three seconds are long enough for the GPU to be opened again, if that happened.
        if left > 0 && began.elapsed().as_millis() > 3000 {
            break;
        }
    }
    assert_eq!((opened, left), (1, 1));
}

/// Advances to a step; an engine may do fewer steps at a time than it was asked for.
fn advance_to(engine: &mut GpuEngine, step: u64, simulation: &mut Simulation, rows: &mut Vec<StepRow>) {
    while simulation.step() < step {
        engine.advance(simulation, (step - simulation.step()) as u32, rows).unwrap();
    }
}

fn device_loss(backends: Backends) {
    let Some(mut engine) = open(backends, "device loss") else { return };
    let start = configuration(0);
    let mut simulation = Simulation::new(start.experiment, start.trace).unwrap();
    let mut model = simulation.clone();
    let mut rows = vec![];
    advance_to(&mut engine, 30, &mut simulation, &mut rows);
    engine.lose_device();
    for _ in 0..2 {
        let outcome = engine.advance(&mut simulation, 30, &mut rows);
        assert!(matches!(outcome, Err(EngineError::Lost(_))), "{outcome:?}");
        assert_eq!((simulation.step(), rows.len()), (30, 30), "what was handed out stays");
    }
    let Some(mut engine) = open(backends, "device loss") else { return };
    advance_to(&mut engine, 60, &mut simulation, &mut rows);
    assert_eq!(rows.len(), 60);
    for row in &rows {
        assert_eq!(*row, model.advance());
    }
    assert_eq!(simulation.digest(), model.digest());
}

#[test]
fn device_loss_on_vulkan() {
    device_loss(Backends::VULKAN);
}

#[test]
fn device_loss_on_gl() {
    device_loss(Backends::GL);
}

#[test]
fn without_an_adapter_it_says_so() {
    // No system has both of these backends, so at least one of them has no adapter.
    let outcomes = [Backends::METAL, Backends::DX12].map(|b| GpuEngine::open_on(Some(b), true));
    let why = outcomes.iter().find_map(|o| o.as_ref().err()).unwrap();
    assert!(matches!(why, EngineError::Unavailable(_)));
    assert!(why.to_string().starts_with("there is no GPU"), "{why}");
}

/// `cargo test --release -p moebias-engine --test engine how_fast -- --ignored --nocapture`
#[test]
#[ignore = "prints how fast each adapter routes; says nothing about right or wrong"]
fn how_fast() {
    for backends in [Backends::VULKAN, Backends::METAL, Backends::DX12, Backends::GL] {
        let Some(mut engine) = open(backends, "speed") else { continue };
        println!("{}", engine.info().adapter);
        for (batch, experts, top_k) in
            [(4096, 64, 6), (16_384, 64, 6), (16_384, 256, 8), (65_536, 256, 8), (16_384, 256, 32)]
        {
            for gate in GATES {
                let router = Router { experts, top_k, gate, ..Router::default() };
                let variants = vec![Variant { router, ..Variant::default() }];
                let source = Source::Synthetic(Synthetic { batch, ..Synthetic::default() });
                let mut simulation = Simulation::new(Experiment { seed: 1, source, variants }, None).unwrap();
                let mut rows = vec![];
                let mut best = f64::INFINITY;
                for _ in 0..12 {
                    let (began, before) = (Instant::now(), rows.len());
                    engine.advance(&mut simulation, 64, &mut rows).unwrap();
                    best = best.min(began.elapsed().as_secs_f64() / (rows.len() - before) as f64);
                }
                let rate = f64::from(batch) * f64::from(experts) / best / 1e9;
                println!("{batch:>6} × {experts:<4} K {top_k:<2} {gate}: {:.3} ms, {rate:.3} G pairs/s", best * 1e3);
            }
        }
    }
}
