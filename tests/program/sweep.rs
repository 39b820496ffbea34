//! Sweeps write the same bytes on every engine, however their runs are grouped, and however often they are killed and continued.

use eframe::egui::{Pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use moebias::ui::shell::app::{App, Options};
use moebias::ui::store::Stored;
use moebias_engine::cpu::{CpuEngine, Kernel};
use moebias_engine::gpu::GpuEngine;
use moebias_engine::sweep::{Begun, News, Sweep, go_on_keeping_all, run, run_on};
use moebias_engine::{Engine, EngineChoice};
use moebias_files::{self as files, sweep as file};
use moebias_lab::Lab;
use moebias_lab::command::Command as Do;
use moebias_lab::command::SweepRequest;
use moebias_model::change::{Change, Target};
use moebias_model::sweep::{Axis, Outcome, Plan};
use moebias_testing::{Patience, or_skip, wait_until};
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

/// Two variants and timed events, which a sweep must apply to the right runs.
const TEXT: &str = "(version: 1, title: \"Swept\", seed: 5, source: Synthetic(batch: 96, drift: 20),
    variants: [(name: \"a\", router: (experts: 16, top_k: 2)), (name: \"b, quoted\", router: (experts: 24, top_k: 3), balancer: (rule: Rms))],
    events: [(step: 40, target: Source, change: SetNoise(0.3)), (step: 60, target: Variant(1), change: SetSchedule(InverseSqrt))],
    stop: 130)";

/// Enough steps for a run to settle and for both events to happen.
const STEPS: u64 = 80;

fn plan(over: &[&str], seeds: u32) -> Plan {
    let loaded = files::load_text(TEXT, "swept.ron", Path::new("")).unwrap().scenario;
    let axes = over.iter().map(|a| Axis::parse(a).unwrap()).collect();
    Plan::new(loaded.experiment(), &loaded.events, axes, seeds, STEPS).unwrap()
}

const OVER: [&str; 3] = ["u=1e-4..1e-1:log:4", "K=1,2,5", "skew=0,1.1"];

/// The CSV of these runs on this engine.
fn on(engine: Box<dyn Engine>, plan: &Plan, runs: &[usize]) -> String {
    let mut outcomes = vec![None; plan.len()];
    let whole = run_on(plan, None, runs, engine, |news| {
        if let News::Runs(done) = news {
            done.iter().for_each(|&(n, o)| outcomes[n] = Some(o));
        }
        true
    });
    assert!(whole.unwrap().0);
    file::text(&file::head("Swept", plan, None, Path::new("")), plan, &outcomes)
}

#[test]
fn every_kernel_and_every_company_gives_the_same_bytes() {
    let plan = plan(&OVER, 2);
    let all: Vec<usize> = (0..plan.len()).collect();
    assert_eq!(all.len(), 4 * 3 * 2 * 2 * 2);
    let first = on(Box::new(CpuEngine::with_kernel(Kernel::Portable, "")), &plan, &all);
    assert_eq!(first.lines().filter(|l| !l.starts_with('#')).count(), 1 + all.len());
    for kernel in Kernel::available() {
        assert!(on(Box::new(CpuEngine::with_kernel(kernel, "")), &plan, &all) == first, "{kernel}");
    }
    // Runs computed alone or in groups.
    for some in [vec![7], vec![0, 1, 2], (3..40).collect::<Vec<_>>()] {
        let text = on(Box::new(CpuEngine::new("")), &plan, &some);
        let rows: Vec<&str> = text.lines().rev().take(some.len()).collect();
        assert!(rows.iter().all(|r| first.lines().any(|l| l == *r)), "{some:?}");
    }
}

#[test]
fn the_gpu_gives_the_same_bytes() {
    let Some(engine) = or_skip("sweeps on a GPU", GpuEngine::open(true)) else { return };
    // Runs that the GPU does not support are computed on the CPU.
    let plan = plan(&["u=1e-4..1e-1:log:3", "rule=sign,sinkhorn", "K=1,4"], 2);
    let all: Vec<usize> = (0..plan.len()).collect();
    let cpu = on(Box::new(CpuEngine::new("")), &plan, &all);
    assert!(on(Box::new(engine), &plan, &all) == cpu);
    let lost = GpuEngine::open(true).unwrap();
    lost.lose_device();
    assert!(on(Box::new(lost), &plan, &all) == cpu, "a lost GPU costs time alone");
}

#[test]
fn a_run_of_a_sweep_is_the_run_of_its_experiment() {
    let plan = plan(&OVER, 2);
    let number = plan.len() - 3;
    let mut outcome = None;
    run(&plan, None, &[number], EngineChoice::Cpu, |news| {
        if let News::Runs(done) = news {
            outcome = Some(done[0].1);
        }
        true
    })
    .unwrap();
    let mut simulation = moebias_model::step::Simulation::new(plan.experiment(number), None).unwrap();
    let events = plan.events(number);
    for step in 0..plan.steps() {
        events.iter().filter(|e| e.step == step).for_each(|e| simulation.apply_event(e).unwrap());
        simulation.advance();
    }
    let outcome: Outcome = outcome.unwrap();
    assert_eq!(outcome.digest, simulation.state().variants[0].digest);
    assert_eq!(outcome.figures.steps, STEPS);
}

#[test]
fn what_learns_and_what_replays_a_trace_can_be_swept() {
    let learns = "(version: 1, title: \"L\", seed: 2, source: Learning(batch: 64),
        variants: [(name: \"a\", router: (experts: 8, top_k: 2), learning: (auxiliary: Switch, alpha: 0.01))])";
    let trace = "(version: 1, title: \"T\", source: Trace(file: \"builtin:sample\"), variants: [(name: \"a\")])";
    for (text, over) in [(learns, ["alpha=0.001,0.1", "u=0.001,0.01"]), (trace, ["rule=sign,rms", "K=1,4"])] {
        let loaded = files::load_text(text, "x.ron", Path::new("")).unwrap();
        let mut experiment = loaded.scenario.experiment();
        if let Some(trace) = &loaded.trace {
            experiment.variants[0].router.experts = trace.experts as u32;
        }
        let plan = Plan::new(experiment, &[], over.map(|a| Axis::parse(a).unwrap()).to_vec(), 2, 30).unwrap();
        moebias_engine::sweep::check(&plan, loaded.trace.as_ref()).unwrap();
        let found = |runs: &[usize]| {
            let mut all = vec![];
            let each = |news: News<'_>| {
                if let News::Runs(done) = news {
                    all.extend(done.to_vec());
                }
                true
            };
            run(&plan, loaded.trace.as_ref(), runs, EngineChoice::Cpu, each).unwrap();
            all.sort_by_key(|(n, _)| *n);
            all
        };
        let together = found(&(0..plan.len()).collect::<Vec<_>>());
        assert_eq!(together.len(), 8);
        for n in [0, 5] {
            assert_eq!(found(&[n]), [together[n]], "{over:?}, run {n} alone");
        }
        let differ = |a: usize, b: usize| together[a].1.digest != together[b].1.digest;
        assert!(differ(0, 2) && differ(0, 4), "{over:?} make a difference");
    }
}

#[test]
fn a_cancelled_sweep_keeps_what_is_done_and_can_go_on() {
    let plan = Arc::new(plan(&["u=1e-4..1e-1:log:10", "seed=1..6"], 1));
    let ended = |sweep: &Sweep| {
        let patience = Patience::new();
        loop {
            if let Some(ended) = sweep.found().ended.clone() {
                return ended;
            }
            assert!(patience.holds());
        }
    };
    let start = |known| Sweep::start(Arc::clone(&plan), None, known, EngineChoice::Cpu, Arc::new(|| {})).unwrap();
    let sweep = start(vec![]);
    wait_until("the first run", || sweep.found().outcomes.iter().flatten().next().is_some());
    sweep.cancel();
    let stopped = ended(&sweep);
    let known = sweep.found().outcomes.clone();
    let done = known.iter().flatten().count();
    assert!(!stopped.whole && done > 0 && done < plan.len(), "{done} of {}", plan.len());
    let rest = start(known);
    assert!(ended(&rest).whole);
    let whole = start(vec![]);
    assert!(ended(&whole).whole);
    assert_eq!(rest.found().outcomes, whole.found().outcomes);
}

/// A group that is continued from any step, between the two events, gives the same rows.
#[test]
fn a_group_goes_on_from_where_it_was_kept() {
    let plan = plan(&["u=1e-4..1e-1:log:5", "rule=sign,smebu"], 1);
    let all: Vec<usize> = (0..plan.len()).collect();
    let mut kept = vec![];
    let found = |runs: &[usize], begun: Option<Begun>, kept: &mut Vec<(u64, String)>| {
        let mut outcomes = vec![None; plan.len()];
        let mut steps = 0;
        let whole = go_on_keeping_all(&plan, runs, begun, |news| {
            match news {
                News::Runs(done) => done.iter().for_each(|&(n, o)| outcomes[n] = Some(o)),
                News::Halfway(halfway) => kept.push((halfway.step(), halfway.text())),
                News::Steps(n) => steps += n,
                News::Engine(_) => {}
            }
            true
        });
        assert!(whole.unwrap().0);
        assert_eq!(steps, STEPS * runs.len() as u64, "every step is told once, also those done before");
        outcomes
    };
    let wanted = found(&all, None, &mut kept);
    assert!(kept.len() > 3, "{}", kept.len());
    for at in [0, kept.len() / 2, kept.len() - 1] {
        let begun = Begun::read(&kept[at].1, &plan).unwrap();
        assert_eq!(begun.step(), kept[at].0);
        assert!(found(&all, Some(begun), &mut vec![]) == wanted, "from step {}", kept[at].0);
    }
    // A stored state of another plan, or a damaged one, is not used.
    let other = self::plan(&["u=1e-4,1e-3"], 1);
    assert!(Begun::read(&kept[0].1, &other).is_none());
    assert!(Begun::read("{}", &plan).is_none() && Begun::read("", &plan).is_none());
    let text = kept[0].1.replacen("\"runs\":[0,", "\"runs\":[0,0,", 1);
    assert!(Begun::read(&text, &plan).is_none());
}

/// A sweep with a single group that is killed in the middle of it continues there.
#[test]
fn killed_within_its_only_group_it_goes_on_there() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let scenario = at("swept.ron");
    fs::write(&scenario, TEXT.replace("batch: 96", "batch: 512").replace("stop: 130", "stop: 60000")).unwrap();
    let sweep = |steps: &str, csv: &str| {
        moebias(&[
            "sweep",
            &scenario,
            "--over",
            "u=1e-4..1e-1:log:8",
            "--engine",
            "cpu",
            "--steps",
            steps,
            "--csv",
            csv,
        ])
    };
    let csv = at("killed.csv");
    // Enough steps for the state to be stored once even on a fast machine.
    let mut child = sweep("1000000", &csv).stdout(Stdio::null()).spawn().unwrap();
    let part = at("killed.csv.part");
    let patience = Patience::new();
    while !Path::new(&part).exists() {
        assert!(patience.holds());
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // The same command prints the step at which it continues. The test above checks that the result is the same.
    let mut child = sweep("1000000", &csv).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stderr.take().unwrap()), &mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(line.contains("going on with 16 runs at step"), "{line}");
    // Once the sweep is done, the file with the stored state is removed.
    let short = at("short.csv");
    fs::write(at("short.csv.part"), "moebias sweep, half way: of another").unwrap();
    assert!(sweep("50", &short).output().unwrap().status.success());
    assert!(!Path::new(&at("short.csv.part")).exists());
}

fn moebias(args: &[&str]) -> Command {
    let program = std::env::var_os("CARGO_BIN_EXE_moebias").unwrap_or(env!("CARGO_BIN_EXE_moebias").into());
    let mut command = Command::new(program);
    command.args(args).env("NODEVICE_SELECT", "1").env_remove("RUST_BACKTRACE").stdin(Stdio::null());
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn killed_and_resumed_it_comes_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let scenario = at("swept.ron");
    fs::write(&scenario, TEXT.replace("batch: 96", "batch: 256")).unwrap();
    let args = |csv: &str| {
        [
            "sweep",
            &scenario,
            "--over",
            "u=1e-4..1e-1:log:8",
            "--over",
            "K=1,2",
            "--seeds",
            "8",
            "--engine",
            "cpu",
            "--csv",
            csv,
        ]
        .map(str::to_owned)
    };
    let of = |csv: &str| {
        let args = args(csv);
        moebias(&args.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let (whole, killed) = (at("whole.csv"), at("killed.csv"));
    let first = of(&whole).output().unwrap();
    assert!(first.status.success(), "{}", said(&first));
    let wanted = fs::read(&whole).unwrap();
    let rows = |path: &str| {
        fs::read_to_string(path).map_or(0, |t| t.lines().filter(|l| !l.starts_with('#')).count().saturating_sub(1))
    };
    assert_eq!(rows(&whole), 8 * 2 * 8 * 2);
    let mut child = of(&killed).stdout(Stdio::null()).spawn().unwrap();
    let patience = Patience::new();
    while rows(&killed) == 0 {
        assert!(patience.holds());
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(rows(&killed) < rows(&whole), "it was killed too late to show anything");
    // The same for a file that ends in the middle of a row.
    let text = fs::read(&killed).unwrap();
    fs::write(&killed, &text[..text.len() - 9]).unwrap();
    let again = of(&killed).output().unwrap();
    assert!(again.status.success() && said(&again).contains("were done before"), "{}", said(&again));
    assert!(fs::read(&killed).unwrap() == wanted);
    let digest = |o: &Output| said(o).lines().find(|l| l.contains("digest")).map(str::to_owned);
    assert!(digest(&first).is_some() && digest(&again) == digest(&first));
    // The file of another sweep is not continued, and another file is not overwritten.
    let other =
        moebias(&["sweep", &scenario, "--over", "u=0.1,0.2", "--engine", "cpu", "--csv", &killed]).output().unwrap();
    assert!(other.status.code() == Some(1) && said(&other).contains("another sweep"), "{}", said(&other));
    let scenario_as_csv = of(&scenario).output().unwrap();
    assert!(scenario_as_csv.status.code() == Some(1) && said(&scenario_as_csv).contains("not a sweep"));
    assert!(fs::read(&killed).unwrap() == wanted);
}

#[test]
fn what_cannot_be_swept_is_refused_with_a_reason() {
    for (over, code, says) in [
        (&["temperature=1..3"] as &[&str], 2, "can't be swept"),
        (&["u=1e-5..1"], 2, "needs a number of values"),
        (&["K=1..100"], 2, "from 1 to 32"),
        (&["E=2,64"], 1, "with E = 2"),
        (&["u=0.1", "rate=0.2"], 1, "swept twice"),
        (&["alpha=0.1"], 1, "with α = 0.1"),
    ] {
        let mut args = vec!["sweep", "builtin:first-look", "--engine", "cpu"];
        over.iter().for_each(|o| args.extend(["--over", *o]));
        let output = moebias(&args).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{over:?}: {}", said(&output));
        assert!(said(&output).contains(says), "{over:?}: {}", said(&output));
    }
    assert_eq!(moebias(&["sweep", "builtin:first-look"]).output().unwrap().status.code(), Some(2));
    let json = ["sweep", "builtin:first-look", "--over", "K=1,2", "--steps", "5", "--engine", "cpu", "--json"];
    let output = moebias(&json).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&json["runs"], json["cells"].as_array().unwrap().len()), (&2.into(), 2));
}

fn app(dark: bool, size: (f32, f32)) -> Harness<'static, App> {
    let loaded = files::shipped::find("first-look").unwrap().load().unwrap();
    let lab = Lab::open(&loaded, EngineChoice::Cpu, || {}).unwrap();
    let theme = if dark { eframe::egui::Theme::Dark } else { eframe::egui::Theme::Light };
    let mut builder = Harness::builder().with_size(vec2(size.0, size.1)).with_theme(theme).with_max_steps(64);
    if std::env::var_os("MOEBIAS_PICTURES").is_some() {
        builder = builder.wgpu();
    }
    let mut harness = builder.build_eframe(|cc| {
        App::new(&cc.egui_ctx, lab, Stored { dark: Some(dark), ..Stored::default() }, Options::default())
    });
    harness.run_steps(4);
    harness
}

fn picture(harness: &mut Harness<'_, App>, name: &str) {
    if let Some(folder) = std::env::var_os("MOEBIAS_PICTURES") {
        fs::create_dir_all(&folder).unwrap();
        harness.render().unwrap().save(Path::new(&folder).join(format!("{name}.png"))).unwrap();
    }
}

/// Draws frames until `done` is true of the lab.
fn until(harness: &mut Harness<'_, App>, done: impl Fn(&Lab) -> bool) {
    let patience = Patience::new();
    while !done(harness.state().lab()) {
        harness.step();
        assert!(patience.holds());
    }
    harness.run_steps(3);
}

fn click(harness: &mut Harness<'_, App>, at: Pos2) {
    harness.hover_at(at);
    harness.step();
    harness.drag_at(at);
    harness.step();
    harness.drop_at(at);
    harness.run_steps(3);
}

#[test]
fn a_sweep_in_the_window_is_saved_opened_and_one_of_its_runs_shown() {
    let data = tempfile::tempdir().unwrap();
    moebias_lab::places::keep_in(data.path());
    let mut harness = app(true, (1440.0, 900.0));
    harness.key_press(eframe::egui::Key::S);
    harness.run_steps(4);
    assert!(harness.query_by_label_contains("Start 312 runs").is_some(), "S shows the form");
    picture(&mut harness, "window-sweep-form");
    let small = Change::SetBatch(128);
    harness.state_mut().lab_mut().send(Do::Change { target: Target::Source, change: small });
    let axes = ["u=1e-4..1e-1:log:4", "K=1..3"].map(|a| Axis::parse(a).unwrap()).to_vec();
    harness.state_mut().lab_mut().send(Do::StartSweep(SweepRequest { axes, seeds: 2, steps: 80 }));
    until(&mut harness, |lab| lab.sweep().unwrap().sweep.found().ended.is_some());
    let path = data.path().join("sweep.csv");
    harness.state_mut().lab_mut().send(Do::SaveSweep(path.clone()));
    until(&mut harness, |lab| !lab.is_saving());
    let saved = file::open(&path).unwrap();
    assert_eq!(saved.outcomes.iter().flatten().count(), 24);
    let before = harness.state().lab().sweep().unwrap().sweep.found().outcomes.clone();
    harness.state_mut().lab_mut().send(Do::OpenFile(path));
    until(&mut harness, |lab| lab.sweep().unwrap().number == 2);
    assert_eq!(harness.state().lab().sweep().unwrap().sweep.found().outcomes, before);
    let cells = harness.get_by_label_contains("Sweep: ").rect();
    click(&mut harness, cells.center());
    until(&mut harness, |lab| lab.document().title.contains(", K = 2"));
    let undo = harness.state().lab().undo_label();
    assert!(undo.is_some_and(|u| u.contains("Open A first look, u ")));
    harness.state_mut().lab_mut().send(Do::Undo);
    until(&mut harness, |lab| lab.document().title == "A first look");
}

/// Writes pictures only: `MOEBIAS_PICTURES=folder cargo test --test program sweep::pictures`.
#[test]
fn pictures_of_the_window() {
    if std::env::var_os("MOEBIAS_PICTURES").is_none() {
        return;
    }
    for (dark, size) in
        [(true, (1440.0, 900.0)), (false, (1100.0, 700.0)), (true, (2560.0, 1440.0)), (false, (1440.0, 900.0))]
    {
        let mut harness = app(dark, size);
        harness.key_press(eframe::egui::Key::S);
        harness.run_steps(4);
        picture(&mut harness, &format!("window-form-{dark}-{}", size.0));
        let axes = ["u=1e-4..1e-1:log:13", "K=1..8"].map(|a| Axis::parse(a).unwrap()).to_vec();
        harness.state_mut().lab_mut().send(Do::StartSweep(SweepRequest { axes, seeds: 1, steps: 300 }));
        until(&mut harness, |lab| lab.sweep().unwrap().sweep.found().outcomes.iter().flatten().count() > 40);
        picture(&mut harness, &format!("window-running-{dark}-{}", size.0));
        until(&mut harness, |lab| lab.sweep().unwrap().sweep.found().ended.is_some());
        let cells = harness.get_by_label_contains("Sweep: ").rect();
        harness.hover_at(cells.lerp_inside(vec2(0.3, 0.3)));
        harness.run_steps(3);
        picture(&mut harness, &format!("window-map-{dark}-{}", size.0));
    }
}
