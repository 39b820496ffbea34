//! Several variants on the same tokens: their figures compared with NumPy on the exported CSV, forks, and the Comparison pane operated like
//! a user would.

use crate::DATA;
use eframe::egui::{Key, Modifiers, Vec2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use moebias::ui::link::Side;
use moebias::ui::shell::app::{App, Options};
use moebias::ui::store::Stored;
use moebias_engine::cpu::CpuEngine;
use moebias_engine::gpu::GpuEngine;
use moebias_engine::message::Snapshot;
use moebias_engine::run::Run;
use moebias_engine::start::RunId;
use moebias_engine::{Engine, EngineChoice};
use moebias_files as files;
use moebias_lab::command::Command;
use moebias_lab::fork::COMPARED;
use moebias_lab::{Document, Lab};
use moebias_model::change::{Change, Target};
use moebias_model::config::Rule;
use moebias_model::figures::Figures;
use moebias_testing::{Patience, wait_until};
use std::path::Path;

fn open(text: &str) -> Lab {
    moebias_lab::places::keep_in(DATA.path());
    let loaded = files::load_text(text, "test.ron", Path::new("")).unwrap();
    Lab::new(Document::of(&loaded), moebias_lab::start_of(&loaded), EngineChoice::Cpu, || {}).unwrap()
}

fn wait(lab: &mut Lab, what: &str, until: impl Fn(&Snapshot) -> bool) {
    let patience = Patience::new();
    loop {
        lab.poll();
        if until(lab.snapshot()) {
            return;
        }
        assert!(patience.holds(), "{what} never came; at step {}", lab.snapshot().step);
    }
}

fn step_to(lab: &mut Lab, step: u64) {
    lab.poll();
    lab.send(Command::StepForward(step - lab.snapshot().step));
    wait(lab, "the steps", |s| s.step == step);
}

/// FNV-1a, 64 bits, as in `make_compare.py`.
fn fnv(bytes: &[u8]) -> String {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325u64, |h, &b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    format!("{hash:016x}")
}

fn data(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/program/data").join(name)).unwrap()
}

/// Compares a figure with a number of `compare.json`; null there means that the figure does not exist.
fn close(ours: Option<f64>, theirs: &serde_json::Value, what: &str) {
    let theirs = theirs.as_f64();
    assert_eq!(ours.is_some(), theirs.is_some(), "{what}: {ours:?} and {theirs:?}");
    if let (Some(a), Some(b)) = (ours, theirs) {
        assert!((a - b).abs() < 1e-9 * b.abs().max(1.0), "{what}: {a} and {b}");
    }
}

fn agrees(figures: &Figures, theirs: &serde_json::Value) {
    close(figures.settling.map(|n| n as f64), &theirs["settling_time"], "settling time");
    close(figures.steady, &theirs["steady_maxvio"], "steady MaxVio");
    close(figures.moved, &theirs["moved_share"], "share moved");
    close(figures.in_balance, &theirs["time_in_balance"], "time in balance");
    close(figures.oscillation.map(|o| o.amplitude), &theirs["oscillation_amplitude"], "amplitude");
    close(figures.oscillation.and_then(|o| o.period), &theirs["oscillation_period"], "period");
}

#[test]
fn the_table_agrees_with_numpy_on_the_exported_csv() {
    let golden: serde_json::Value = serde_json::from_str(&data("compare.json")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut lab = open(&data("compare.ron"));
    let end = golden["steps"].as_u64().unwrap();
    lab.send(Command::SetFigures(true));
    step_to(&mut lab, end);
    wait(&mut lab, "the figures", |s| s.figures.as_ref().is_some_and(|f| f.step == end));
    let table = lab.snapshot().figures.clone().unwrap();
    let path = folder.path().join("compare.csv");
    lab.send(Command::ExportCsv(path.clone()));
    let patience = Patience::new();
    while !path.exists() {
        lab.poll();
        assert!(patience.holds());
    }
    let csv = std::fs::read(&path).unwrap();
    assert_eq!(fnv(&csv), golden["csv"], "another CSV: make compare.json again");
    let theirs = golden["variants"].as_array().unwrap();
    assert_eq!(table.figures.len(), theirs.len());
    assert!(theirs.iter().any(|v| v["oscillation_period"].is_f64()), "a period is compared too");
    table.figures.iter().zip(theirs).for_each(|(ours, theirs)| agrees(ours, theirs));

    // Going back and forward again gives the same figures: steps that are no longer kept one by one are in the history.
    lab.send(Command::Seek(end - 140));
    wait(&mut lab, "the past", |s| s.step == end - 140 && s.seeking.is_none());
    lab.send(Command::Seek(end));
    wait(&mut lab, "the end", |s| s.seeking.is_none() && s.figures.as_ref().is_some_and(|f| f.step == end));
    let near = |a: Option<f64>, b: Option<f64>| a.zip(b).is_none_or(|(a, b)| (a - b).abs() < 1e-6);
    for (now, before) in lab.snapshot().figures.as_ref().unwrap().figures.iter().zip(&table.figures) {
        assert_eq!((now.settling, now.steady, now.moved), (before.settling, before.steady, before.moved));
        assert!(near(now.oscillation.map(|o| o.amplitude), before.oscillation.map(|o| o.amplitude)));
    }
    // While the pane is hidden, no figures are computed.
    lab.send(Command::SetFigures(false));
    wait(&mut lab, "no figures", |s| s.figures.is_none());
    lab.close();
}

#[test]
fn the_command_line_tells_the_same_figures() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/program/data/compare.ron");
    let run = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_moebias"));
        let out = command.arg("run").arg(&file).args(["--engine", "cpu"]).args(arguments).output().unwrap();
        assert!(out.status.success());
        String::from_utf8(out.stdout).unwrap()
    };
    let json: serde_json::Value = serde_json::from_str(&run(&["--json"])).unwrap();
    let golden: serde_json::Value = serde_json::from_str(&data("compare.json")).unwrap();
    for (ours, theirs) in json["variants"].as_array().unwrap().iter().zip(golden["variants"].as_array().unwrap()) {
        for name in [
            "settling_time",
            "steady_maxvio",
            "moved_share",
            "time_in_balance",
            "oscillation_amplitude",
            "oscillation_period",
        ] {
            close(ours["figures"][name].as_f64(), &theirs[name], name);
        }
    }
    let table = run(&[]);
    for words in ["settling time", "not settled", "so far", "swing of biases", "30 steps"] {
        assert!(table.contains(words), "{words} is not in\n{table}");
    }
}

const TWO: &str = r#"(
    version: 1, title: "Two", seed: 4, source: Synthetic(batch: 256),
    variants: [(name: "sign"), (name: "rms", balancer: (rule: Rms))],
    events: [(step: 20, target: Variant(1), change: SetRate(0.004))],
)"#;

#[test]
fn a_fork_is_saved_and_replays_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let mut lab = open(TWO);
    step_to(&mut lab, 60);
    let parent = lab.snapshot().variants[1].clone();
    lab.send(Command::Fork(1));
    wait(&mut lab, "the fork", |s| s.variants.len() == 3);
    assert_eq!((lab.snapshot().step, &lab.settings().variants[2].name[..]), (60, "RMS, u = 0.004 (2)"));
    assert_eq!(lab.snapshot().variants[2], parent, "biases, memory, figures and digest are those of the parent");
    lab.send(Command::Change { target: Target::Variant(2), change: Change::SetRule(Rule::Proportional) });
    step_to(&mut lab, 150);
    let variants = lab.snapshot().variants.clone();
    assert_ne!(variants[2].digest, variants[1].digest);
    assert_ne!(variants[2].bias, variants[1].bias);
    let (digest, path) = (lab.snapshot().digest, folder.path().join("fork.ron"));
    lab.send(Command::SaveAs(path.clone()));
    let patience = Patience::new();
    while !path.exists() {
        lab.poll();
        assert!(patience.holds());
    }
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(&digest.to_string()), "{text}");
    let mut again = open(&text);
    assert_eq!(again.settings().variants.len(), 3);
    step_to(&mut again, 150);
    assert_eq!(again.snapshot().digest, digest);
    assert_eq!(again.snapshot().variants, variants);
    lab.close();
    again.close();
}

#[test]
fn a_fork_is_the_same_on_the_gpu() {
    let Ok(mut gpu) = GpuEngine::open(true) else {
        println!("skipped: no adapter");
        return;
    };
    let mut cpu = CpuEngine::new("");
    let loaded = files::load_text(TWO, "test.ron", Path::new("")).unwrap();
    let play = |engine: &mut dyn Engine| {
        let mut run = Run::new(RunId(0), moebias_lab::start_of(&loaded)).unwrap();
        let to = |run: &mut Run, engine: &mut dyn Engine, step: u64| {
            while run.step() < step {
                run.advance(engine, (step - run.step()) as u32, |_, _| {}).unwrap();
            }
        };
        to(&mut run, engine, 25);
        let mut fork = run.forked(RunId(1), 1).unwrap();
        fork.change(Target::Variant(2), Change::SetRate(0.02)).unwrap();
        to(&mut fork, engine, 50);
        (fork.simulation().digest(), fork.figures())
    };
    assert_eq!(play(&mut gpu), play(&mut cpu));
}

#[test]
fn a_fork_can_be_undone_and_done_again() {
    let mut lab = open(TWO);
    step_to(&mut lab, 40);
    let digest = lab.snapshot().digest;
    lab.send(Command::Fork(0));
    wait(&mut lab, "the fork", |s| s.variants.len() == 3);
    assert_eq!(lab.undo_label().as_deref(), Some("Fork of “sign”"));
    step_to(&mut lab, 70);
    let (forked, both) = (lab.snapshot().digest, lab.snapshot().variants.clone());
    assert_eq!(both[2].digest, both[0].digest, "nobody changed it");
    lab.send(Command::Undo);
    wait(&mut lab, "the run before", |s| s.variants.len() == 2);
    assert_eq!((lab.snapshot().step, lab.snapshot().digest), (40, digest));
    lab.send(Command::Redo);
    wait(&mut lab, "the fork again", |s| s.variants.len() == 3);
    assert_eq!((lab.snapshot().step, lab.snapshot().digest), (70, forked));
    lab.send(Command::Reset);
    wait(&mut lab, "the reset", |s| s.step == 0);
    assert_eq!(lab.settings().variants.len(), 3, "a reset keeps the fork");
    lab.close();
}

#[test]
fn there_are_at_most_four() {
    let mut lab = open(TWO);
    for n in 3..=COMPARED {
        lab.send(Command::Fork(0));
        wait(&mut lab, "a fork", |s| s.variants.len() == n);
    }
    lab.send(Command::Fork(0));
    lab.poll();
    let told = lab.notices().all().last().unwrap().text.clone();
    assert!(told.contains("Four variants") && told.contains("remove one"), "{told}");
    assert_eq!(lab.settings().variants.len(), COMPARED);
    lab.close();
}

fn app(size: Vec2, dark: bool, text: &str) -> Harness<'static, App> {
    let lab = open(text);
    let theme = if dark { eframe::egui::Theme::Dark } else { eframe::egui::Theme::Light };
    let mut builder = Harness::builder().with_size(size).with_theme(theme).with_max_steps(64);
    if std::env::var_os("MOEBIAS_PICTURES").is_some() {
        builder = builder.wgpu();
    }
    let mut harness = builder.build_eframe(|cc| {
        let stored = Stored { dark: Some(dark), ..Stored::default() };
        App::new(&cc.egui_ctx, lab, stored, Options::default())
    });
    harness.run_steps(4);
    harness
}

fn wait_in(harness: &mut Harness<'_, App>, what: &str, until: impl Fn(&Snapshot) -> bool) {
    let patience = Patience::new();
    while !until(harness.state().lab().snapshot()) {
        harness.step();
        assert!(patience.holds(), "{what} never came");
    }
    harness.run_steps(4);
}

fn press(harness: &mut Harness<'_, App>, modifiers: Modifiers, key: Key) {
    harness.key_press_modifiers(modifiers, key);
    harness.run_steps(4);
}

fn picture(harness: &mut Harness<'_, App>, name: &str) {
    if let Some(folder) = std::env::var_os("MOEBIAS_PICTURES") {
        std::fs::create_dir_all(&folder).unwrap();
        harness.render().unwrap().save(Path::new(&folder).join(format!("{name}.png"))).unwrap();
    }
}

/// A scenario with four variants.
const FOUR: &str = r#"(
    version: 1, title: "Four", seed: 4, source: Synthetic(batch: 2048),
    variants: [
        (name: "u = 0.001"), (name: "u = 0.01", balancer: (rate: 0.01)),
        (name: "RMS, a step that falls", balancer: (rule: Rms, rate: 0.004)), (name: "No balancer", balancer: (rule: None)),
    ],
)"#;

const ONE: &str = r#"(version: 1, title: "One", source: Synthetic(batch: 256), variants: [(name: "alone")])"#;

#[test]
fn a_person_forks_changes_and_compares() {
    let mut harness = app(vec2(1440.0, 900.0), true, ONE);
    harness.state_mut().lab_mut().send(Command::StepForward(30));
    wait_in(&mut harness, "the steps", |s| s.step == 30);
    press(&mut harness, Modifiers::NONE, Key::C);
    assert!(harness.query_by_label("Nothing to compare yet").is_some());
    harness.get_by_label("Fork here").click();
    wait_in(&mut harness, "the fork", |s| s.variants.len() == 2);
    // The new variant is shown, and the settings apply to it alone.
    assert_eq!(harness.state().link().variant, 1);
    wait_in(&mut harness, "figures", |s| s.figures.as_ref().is_some_and(|f| f.step == 30 && f.figures.len() == 2));
    press(&mut harness, Modifiers::COMMAND | Modifiers::SHIFT, Key::D);
    wait_in(&mut harness, "a fork by keys", |s| s.variants.len() == 3);
    harness.state_mut().lab_mut().send(Command::Change { target: Target::Variant(1), change: Change::SetRate(0.05) });
    harness.state_mut().lab_mut().send(Command::StepForward(70));
    wait_in(&mut harness, "what came of it", |s| s.figures.as_ref().is_some_and(|f| f.step == 100));
    assert!(harness.query_by_label_contains("Step size u: 0.001; 0.05; 0.001").is_some(), "the setting that differs");
    let steady = harness.query_by_label_contains("Steady MaxVio: ");
    assert!(steady.is_some(), "and what it comes to");
    picture(&mut harness, "compare-forks");

    let head = harness.get_by_label("Compare with alone").rect();
    harness.hover_at(head.center());
    harness.run_steps(3);
    assert_eq!(harness.state().link().hovered_variant, Some(0), "a column lights its variant up");
    harness.get_by_label("Compare with alone").click();
    harness.run_steps(3);
    assert_eq!(harness.state().link().reference, Some(0));
    harness.get_by_label("Copy the table").click();
    harness.run_steps(3);
    harness.get_by_label("As Markdown").click();
    harness.step();
    let copied = harness.output().platform_output.commands.iter().find_map(|c| match c {
        eframe::egui::OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    });
    let copied = copied.expect("something was copied");
    assert!(
        copied.starts_with(
            "|  | alone | Sign, u = 0.05 | Sign, u = 0.001 |\n|---|---:|---:|---:|\n| Step size u | 0.001 | 0.05 | 0.001 |"
        ),
        "{copied}"
    );
    harness.run_steps(3);

    // While the pane is hidden, no figures are computed.
    harness.get_by_label("Load curves").click();
    wait_in(&mut harness, "no figures", |s| s.figures.is_none());
}

#[test]
fn heatmaps_stand_beside_each_other_or_are_taken_from_each_other() {
    let mut harness = app(vec2(1440.0, 900.0), false, FOUR);
    harness.state_mut().lab_mut().send(Command::StepForward(40));
    wait_in(&mut harness, "the steps", |s| s.step == 40);
    assert!(harness.state().lab().snapshot().picture.beside.is_empty(), "what is not shown is not computed");
    harness.get_all_by_label("Beside").next().unwrap().click();
    harness.run_steps(2);
    wait_in(&mut harness, "four pictures", |s| s.picture.beside.len() == 3);
    let strips: Vec<_> = harness.query_all_by_label("No balancer").map(|n| n.rect()).collect();
    assert!(
        strips.len() >= 4,
        "named in the settings, above its heatmap, its loads and its loads over time: {strips:?}"
    );
    let heatmap = strips.iter().filter(|r| r.left() > 260.0).min_by(|a, b| a.top().total_cmp(&b.top())).unwrap();
    harness.hover_at(heatmap.center() + vec2(0.0, 80.0));
    harness.run_steps(4);
    let link = harness.state().link().clone();
    assert!(link.hovered_variant == Some(3) && link.hovered_expert.is_some(), "{link:?}");
    harness.get_all_by_label("Difference").next().unwrap().click();
    harness.run_steps(2);
    wait_in(&mut harness, "two pictures", |s| s.picture.beside.len() == 1);
    assert_eq!(harness.state().link().side, Side::Difference);
    let picture = harness.state().lab().snapshot().picture.clone();
    assert_eq!((picture.request.variant, picture.beside[0].request.variant), (0, 1));
    assert_eq!(picture.tokens, picture.beside[0].tokens);
}

#[test]
fn screens_for_the_eye() {
    if std::env::var_os("MOEBIAS_PICTURES").is_none() {
        return;
    }
    // MOEBIAS_SCREENS=1440 draws only the pictures of that width.
    let only: Option<f32> = std::env::var("MOEBIAS_SCREENS").ok().and_then(|w| w.parse().ok());
    for (size, dark, count) in [
        (vec2(1440.0, 900.0), true, 4),
        (vec2(1440.0, 900.0), false, 2),
        (vec2(1100.0, 700.0), true, 3),
        (vec2(1100.0, 700.0), false, 4),
        (vec2(2560.0, 1440.0), true, 4),
    ] {
        if only.is_some_and(|w| w != size.x) {
            continue;
        }
        let mut harness = app(size, dark, FOUR);
        for n in (count..4).rev() {
            harness.state_mut().lab_mut().send(Command::RemoveVariant(n));
            wait_in(&mut harness, "fewer", |s| s.variants.len() == n);
        }
        press(&mut harness, Modifiers::NONE, Key::C);
        harness.state_mut().lab_mut().send(Command::StepForward(400));
        wait_in(&mut harness, "the steps", |s| s.step == 400 && s.figures.as_ref().is_some_and(|f| f.step == 400));
        let name = |what: &str| format!("{}-{}-{count}-{what}", size.x, if dark { "dark" } else { "light" });
        harness.run_steps(4);
        picture(&mut harness, &name("one"));
        for (side, what) in [(Side::Beside, "beside"), (Side::Difference, "difference")] {
            harness.state_mut().link_mut().side = side;
            harness.state_mut().link_mut().reference = Some(0);
            harness.state_mut().link_mut().pinned_expert = Some(7);
            harness.state_mut().link_mut().variant = 1;
            harness.run_steps(6);
            wait_until("the panes", || {
                harness.step();
                harness.state().rests()
            });
            picture(&mut harness, &name(what));
            harness.get_by_label("Load over time").click();
            harness.run_steps(4);
            picture(&mut harness, &name(&format!("{what}-history")));
            press(&mut harness, Modifiers::NONE, Key::C);
        }
    }
}
