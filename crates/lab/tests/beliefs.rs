//! Sends random commands, as menus, the palette, keys and files send them. Afterwards the lab and the worker must agree on run and
//! settings, and the saved run must load and replay to the same digest.
//!
//! `MOEBIAS_BELIEFS=300000 cargo test -p moebias-lab --test lab beliefs -- --nocapture` sends that many commands. Each run has its own
//! seed, which a failure names; `MOEBIAS_BELIEFS_FROM` is the first seed.

use crate::common::{Dice, GATES, RULES};
use moebias_engine::cpu::CpuEngine;
use moebias_engine::message::Speed;
use moebias_engine::run::Run;
use moebias_engine::start::RunId;
use moebias_files::{self as files, Loaded, Opened, Scenario, lesson, shipped};
use moebias_lab::command::Command;
use moebias_lab::command::LessonDo;
use moebias_lab::command::SweepRequest;
use moebias_lab::{Document, Lab, places};
use moebias_model::change::{Change, Event, Target};
use moebias_model::config::{
    Balancer, Capacity, Experiment, Groups, Router, Rule, Schedule, Source, Stays, Synthetic, Variant,
};
use moebias_model::digest::Digest;
use moebias_model::learn::settings::World;
use moebias_model::presets::Preset;
use moebias_model::sweep::{Axis, Parameter, Value};
use safetensors::{Dtype, tensor::TensorView};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use strum::IntoEnumIterator as _;

/// The number of commands in one run.
const COMMANDS: u32 = 60;
/// The number of commands unless `MOEBIAS_BELIEFS` sets it.
const DEFAULT: u32 = 2400;
const PATIENCE: Duration = Duration::from_secs(60);

/// The files that runs start from and open.
struct Files {
    folder: tempfile::TempDir,
    good: Vec<PathBuf>,
    bad: PathBuf,
}

impl Files {
    fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        places::keep_in(&at("data"));
        let mut good = vec![];
        let mut keep = |name: &str, scenario: &Scenario| {
            files::save(&at(name), scenario).unwrap();
            good.push(at(name));
        };
        keep("plain.ron", &synthetic(16, &[Rule::Sign]));
        keep("two.ron", &synthetic(8, &[Rule::Sign, Rule::Multiplicative]));
        let event = |step, target, change| Event { step, target, change };
        let mut timed = synthetic(16, &[Rule::Sign, Rule::None]);
        timed.events = vec![
            event(3, Target::AllVariants, Change::SetTopK(4)),
            event(9, Target::Variant(0), Change::SetRule(Rule::Multiplicative)),
            event(12, Target::Source, Change::SetSkew(2.0)),
            event(14, Target::Variant(0), Change::ResetBias),
        ];
        timed.stop = Some(25);
        keep("timed.ron", &timed);
        for rule in [Rule::Sign, Rule::Multiplicative, Rule::Smebu, Rule::IdBalancing, Rule::Threshold] {
            keep(&format!("late-{rule}.ron"), &late(synthetic(8, &[rule]), 20));
        }
        let mut world = synthetic(8, &[Rule::Sign]);
        world.source = Source::Learning(World { batch: 64, topics: 16, domains: 4, ..World::default() });
        keep("learning.ron", &world);
        keep("late-learning.ron", &late(world, 8));
        write_trace(&at("trace.safetensors"), false);
        write_trace(&at("words.safetensors"), true);
        let mut of_trace = files::load(&at("trace.safetensors")).unwrap().scenario;
        of_trace.events = vec![event(5, Target::AllVariants, Change::SetTopK(3))];
        keep("of-trace.ron", &of_trace);
        let lines: Vec<String> =
            (0..600).map(|i| format!("{{\"topk_ids\": [{}, {}]}}", i % 8, (i * 3 + 1) % 8)).collect();
        let distinct = lines.into_iter().filter(|l| !(0..8).any(|e| l.contains(&format!("[{e}, {e}]"))));
        std::fs::write(at("log.jsonl"), distinct.collect::<Vec<_>>().join("\n")).unwrap();
        good.extend([at("trace.safetensors"), at("words.safetensors"), at("log.jsonl")]);
        std::fs::write(at("bad.ron"), "(version: 1, title: \"bad\", variants: [(name: \"x\", router: (top_k: 99))])")
            .unwrap();
        Self { bad: at("bad.ron"), good, folder }
    }
}

fn synthetic(experts: u32, rules: &[Rule]) -> Scenario {
    let variant = |(i, &rule): (usize, &Rule)| Variant {
        name: format!("v{i}").into(),
        router: Router { experts, top_k: 2, ..Router::default() },
        balancer: Balancer { rule, rate: 0.01, ..Balancer::default() },
        ..Variant::default()
    };
    let variants = rules.iter().enumerate().map(variant).collect();
    let source = Source::Synthetic(Synthetic { batch: 32, topics: 8, ..Synthetic::default() });
    Scenario::from_experiment("Beliefs", Experiment { seed: 7, source, variants })
}

fn advance(run: &mut Run, to: u64) {
    let mut engine = CpuEngine::new("test");
    while run.step() < to {
        run.advance(&mut engine, (to - run.step()).min(64) as u32, |_, _| {}).unwrap();
    }
}

/// The scenario, starting from the state that it reaches at `step`.
fn late(mut scenario: Scenario, step: u64) -> Scenario {
    let mut run = Run::new(RunId(0), moebias_lab::start_of_scenario(&scenario)).unwrap();
    advance(&mut run, step);
    scenario.start = Some(run.simulation().state().clone());
    scenario
}

fn write_trace(path: &Path, words: bool) {
    let (steps, tokens, experts) = (3usize, 24usize, 8usize);
    let logits: Vec<u8> =
        (0..steps * tokens * experts).flat_map(|i| ((i as f32 * 0.7).sin() * 2.0).to_le_bytes()).collect();
    let ids: Vec<u8> = (0..steps * tokens).flat_map(|i| ((i % 11) as i32).to_le_bytes()).collect();
    let mut views = vec![("logits", TensorView::new(Dtype::F32, vec![steps, tokens, experts], &logits).unwrap())];
    if words {
        views.push(("token_ids", TensorView::new(Dtype::I32, vec![steps, tokens], &ids).unwrap()));
    }
    let metadata = [("top_k", "2"), ("gate", "sigmoid")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    std::fs::write(path, safetensors::serialize(views, Some(metadata.into())).unwrap()).unwrap();
}

fn open(path: &Path) -> Loaded {
    match files::open(path).unwrap() {
        Opened::Experiment(loaded) => *loaded,
        Opened::Lesson(_) => panic!("no lesson"),
    }
}

/// A random change and its target. Some values are out of range, and some targets do not exist.
fn change(dice: &mut Dice, variants: u32) -> (Target, Change) {
    let target = match dice.below(4) {
        0 => Target::AllVariants,
        1 if dice.below(20) == 0 => Target::Variant(variants as usize),
        _ => Target::Variant(dice.below(variants) as usize),
    };
    let change = match dice.below(26) {
        0 | 1 => Change::SetTopK(dice.within(1, 9)),
        2 => Change::SetGate(dice.of(&GATES)),
        3..=6 => Change::SetRule(dice.of(&RULES)),
        7 => Change::SetRule(dice.of(&[Rule::Threshold, Rule::Sinkhorn, Rule::Base, Rule::Hash])),
        8 | 9 => Change::SetRate(dice.of(&[0.0, 0.001, 0.01, 0.3, 1.0, 1.5])),
        10 => Change::SetSchedule(dice.of(&[Schedule::Constant, Schedule::Inverse, Schedule::InverseSqrt])),
        11 => Change::SetCentred(dice.below(2) == 1),
        12 | 13 => Change::ResetBias,
        14 => Change::SetFreeze((dice.below(2) == 0).then_some(10)),
        15 => Change::SetGroups((dice.below(2) == 0).then_some(Groups { groups: 4, kept: 2 })),
        16 => Change::SetCapacity((dice.below(2) == 0).then_some(Capacity { factor: 1.25, by: Stays::Score })),
        17 => Change::SetZeroExperts(dice.below(4)),
        18 => Change::SetMomentum(dice.real(0.999)),
        n => {
            let change = match n {
                19 => Change::SetBatch(dice.within(0, 64)),
                20 => Change::SetTopics(dice.within(1, 16)),
                21 => Change::SetSkew(dice.real(3.5)),
                22 => Change::SetNoise(dice.real(4.0)),
                23 => Change::SetDrift(dice.real(100.0)),
                24 => Change::SetBurst(dice.within(1, 8)),
                _ => Change::SetFixed(dice.below(2) == 1),
            };
            return (Target::Source, change);
        }
    };
    (target, change)
}

fn sweep(dice: &mut Dice) -> SweepRequest {
    let values = [0.001, 0.01, 0.1].map(Value::Real).to_vec();
    let axes = vec![Axis::new(Parameter::Rate, values).unwrap()];
    SweepRequest { axes, seeds: 1, steps: u64::from(dice.within(1, 6)) }
}

fn command(dice: &mut Dice, lab: &Lab, files: &Files) -> Command {
    let variants = lab.settings().variants.len() as u32;
    let head = lab.snapshot().head;
    // A step of a large shipped experiment takes long, so do fewer.
    let pairs: u64 = lab.settings().variants.iter().map(|v| u64::from(lab.snapshot().batch * v.router.experts)).sum();
    let large = pairs > 1 << 14;
    let steps = u64::from(if large { 1 } else { dice.within(1, 12) });
    match dice.below(100) {
        0..=26 => {
            let (target, change) = change(dice, variants);
            Command::Change { target, change }
        }
        27..=29 => {
            let (target, first) = change(dice, variants);
            let changes = vec![first, Change::SetRate(0.02), Change::SetTopK(dice.within(1, 4))];
            Command::ChangeTogether { target, changes }
        }
        30..=44 => Command::StepForward(steps),
        45..=47 => Command::StepBack(u64::from(dice.within(1, 10))),
        48..=50 => Command::Seek(u64::from(dice.below(head.min(40) as u32 + 1))),
        51 => Command::SeekStart,
        52 | 53 => Command::SeekEnd,
        54 => Command::CancelSeek,
        55 => Command::Play,
        56 | 57 => Command::Pause,
        58 => Command::SetSpeed(if large { Speed::Steps(2.0) } else { Speed::Steps(60.0) }),
        59 | 60 => Command::Preset {
            target: if dice.below(2) == 0 { Target::AllVariants } else { Target::Variant(0) },
            preset: Preset::iter().nth(dice.below(Preset::iter().count() as u32) as usize).unwrap(),
        },
        61 | 62 => Command::SetExperts(dice.of(&[0, 2, 4, 8, 12, 16, 32])),
        63 => Command::SetSeed(dice.below(50)),
        64 => Command::NewSeed,
        65..=67 => Command::Reset,
        68 => Command::AddVariant(dice.below(variants + 1) as usize),
        69 | 70 => Command::RemoveVariant(dice.below(variants + 1) as usize),
        71 | 72 => Command::Fork(dice.below(variants + 1) as usize),
        73..=81 => Command::Undo,
        82..=86 => Command::Redo,
        87 | 88 => Command::BringBack,
        89 => Command::Mark,
        90 | 91 => Command::ToggleRecord,
        92..=94 => Command::OpenFile(files.good[dice.below(files.good.len() as u32) as usize].clone()),
        95 => Command::OpenFile(files.bad.clone()),
        96 => match dice.below(8) {
            0 => Command::OpenShipped(shipped()[dice.below(shipped().len() as u32) as usize].id.into()),
            1 => {
                let lessons = lesson::shipped();
                Command::Lesson(LessonDo::Open(lessons[dice.below(lessons.len() as u32) as usize].id.into()))
            }
            2 => Command::Lesson(LessonDo::Turn(dice.below(6) as usize)),
            3 => Command::Lesson(LessonDo::Answer(dice.below(3) as usize)),
            4 => Command::Lesson(LessonDo::SetUp),
            _ => Command::Lesson(LessonDo::Close),
        },
        97 if dice.below(2) == 0 => Command::Rename {
            variant: dice.below(variants + 1) as usize,
            name: (dice.below(3) > 0).then(|| format!("name {}", dice.below(5))),
        },
        97 => Command::StartSweep(sweep(dice)),
        98 => Command::OpenRun(dice.below(3) as usize),
        _ => Command::CancelSweep,
    }
}

/// Pauses and waits until the worker has answered everything; then the lab's settings must equal the worker's.
fn settle(lab: &mut Lab, what: &str) {
    let since = Instant::now();
    lab.send(Command::Pause);
    loop {
        lab.poll();
        let resting = lab.is_up_to_date() && !lab.snapshot().playing && !lab.is_saving() && lab.job().is_none();
        if resting {
            break;
        }
        if lab.snapshot().playing {
            // A file that has just been opened starts to play.
            lab.send(Command::Pause);
        }
        let s = lab.snapshot();
        assert!(
            since.elapsed() < PATIENCE,
            "{what}: the lab does not agree with the worker: run {:?} at step {}, seeking {:?}; last told: {:?}",
            s.run,
            s.step,
            s.seeking,
            lab.notices().all().last().map(|n| &n.text)
        );
        std::thread::yield_now();
    }
    assert_eq!(*lab.settings(), *lab.snapshot().experiment, "{what}: settings");
}

/// Undo and redo must never lead to a run that is no longer in memory.
fn no_run_is_missing(lab: &Lab, since: u64, what: &str) {
    let gone = lab.notices().all().find(|n| n.id >= since && n.text.contains("no longer"));
    assert!(gone.is_none(), "{what}: {gone:?}");
}

/// Saves the run, loads the file and replays it to the same digest.
fn saves_and_replays(lab: &mut Lab, path: &Path, what: &str) {
    let told = lab.notices().count();
    lab.send(Command::SaveAs(path.to_owned()));
    settle(lab, what);
    let said: Vec<String> = lab.notices().all().filter(|n| n.id >= told).map(|n| n.text.clone()).collect();
    assert!(said.iter().any(|s| s.starts_with("Saved")), "{what}: {said:?}");
    let (steps, digest) = replayed(path, what);
    // If a seek continued while the run was saved, the file is of another step than the snapshot.
    if steps == lab.snapshot().step {
        assert_eq!(digest, lab.snapshot().digest, "{what}: another digest than in the window");
    }
    for recorded in lab.take_recent().iter().filter(|p| p.components().any(|c| c.as_os_str() == "recordings")) {
        replayed(recorded, what);
        std::fs::remove_file(recorded).unwrap();
    }
}

/// Replays a recording, checks that it reaches the recorded digest, and returns its step and digest.
fn replayed(path: &Path, what: &str) -> (u64, Digest) {
    let loaded = files::load(path).unwrap_or_else(|e| panic!("{what}: what was saved can't be opened: {e}"));
    let recorded = loaded.scenario.recorded.clone().unwrap();
    let mut again = Run::new(RunId(0), moebias_lab::start_of(&loaded)).unwrap();
    advance(&mut again, recorded.steps);
    assert_eq!(again.simulation().digest(), recorded.digest, "{what}: {}", path.display());
    (recorded.steps, recorded.digest)
}

fn one_run(number: u32, files: &Files) -> u32 {
    let mut dice = Dice::new(number);
    let loaded = open(&files.good[dice.below(files.good.len() as u32) as usize]);
    let mut lab = Lab::beside(Document::of(&loaded), moebias_lab::start_of(&loaded)).unwrap();
    let path = files.folder.path().join("saved.ron");
    let mut sent = vec![];
    for i in 0..COMMANDS {
        let command = command(&mut dice, &lab, files);
        sent.push(format!("{command:?}"));
        lab.send(command);
        if i % 8 == 0 {
            lab.end_gesture();
        }
        match dice.below(12) {
            0..=3 => lab.poll(),
            4 => settle(&mut lab, &format!("run {number} after {sent:#?}")),
            _ => {}
        }
    }
    let what = format!("run {number} after {sent:#?}");
    settle(&mut lab, &what);
    saves_and_replays(&mut lab, &path, &what);
    // Everything that undo and redo offer must be possible. Runs that were dropped from memory are not offered.
    let told = lab.notices().count();
    let mut pressed = 0;
    for command in [Command::Undo, Command::Redo] {
        let more = |lab: &Lab| if command == Command::Undo { lab.undo_label() } else { lab.redo_label() };
        for _ in 0..6 {
            if more(&lab).is_none() {
                break;
            }
            assert_eq!(lab.why_not(&command), None);
            lab.send(command.clone());
            pressed += 1;
            settle(&mut lab, &format!("{what}, then {command:?}"));
        }
    }
    no_run_is_missing(&lab, told, &what);
    saves_and_replays(&mut lab, &path, &format!("{what}, then undone and redone"));
    COMMANDS + pressed
}

#[test]
fn lab_and_worker_believe_the_same() {
    let wanted = std::env::var("MOEBIAS_BELIEFS").ok().and_then(|n| n.parse().ok()).unwrap_or(DEFAULT);
    let first = std::env::var("MOEBIAS_BELIEFS_FROM").ok().and_then(|n| n.parse().ok()).unwrap_or(0);
    let files = Files::make();
    let (mut sent, mut run, began) = (0, first, Instant::now());
    while sent < wanted {
        sent += one_run(run, &files);
        run += 1;
        if run % 200 == 0 {
            println!("{sent} commands in {} runs, {:.0} s", run - first, began.elapsed().as_secs_f64());
        }
    }
    println!("{sent} commands in {} runs, {:.0} s", run - first, began.elapsed().as_secs_f64());
}
