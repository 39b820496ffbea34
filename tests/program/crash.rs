//! What survives a crash: the process is killed or panics while recording, and the next start offers to restore everything except the last
//! second.

use eframe::egui::{accesskit::Role, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use moebias::ui::shell::app::{App, Options};
use moebias::ui::store::Stored;
use moebias_engine::EngineChoice;
use moebias_files::shipped;
use moebias_lab::command::Command;
use moebias_lab::notices::Level;
use moebias_lab::{Lab, crash, places};
use moebias_model::change::{Change, Target};
use moebias_testing::{Patience, wait_until};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

/// Set in the process that is to die: "kill", "panic" or "quit".
const FATE: &str = "MOEBIAS_TEST_FATE";
/// The folder in which that process keeps its journal.
const FOLDER: &str = "MOEBIAS_TEST_FOLDER";

fn lab(folder: &Path) -> Lab {
    places::keep_in(folder);
    let loaded = shipped::find("first-look").unwrap().load().unwrap();
    Lab::open(&loaded, EngineChoice::Cpu, || {}).unwrap()
}

/// The process that dies: the real app, playing and recording, while the step size is dragged.
#[test]
fn dying_process() {
    let (Ok(fate), Ok(folder)) = (std::env::var(FATE), std::env::var(FOLDER)) else { return };
    if fate == "quit" {
        return quits(Path::new(&folder));
    }
    crash::install();
    let lab = lab(Path::new(&folder));
    let mut harness = Harness::builder()
        .with_size(vec2(1440.0, 900.0))
        .build_eframe(|cc| App::new(&cc.egui_ctx, lab, Stored::default(), Options::default()));
    harness.state_mut().lab_mut().send(Command::ToggleRecord);
    harness.state_mut().lab_mut().send(Command::Play);
    harness.run_steps(3);
    let rail = harness.get_by_role_and_label(Role::Slider, "Step size u").rect();
    harness.drag_at(rail.center());
    let step = |h: &Harness<'_, App>| h.state().lab().snapshot().step;
    for i in 0..20 {
        harness.hover_at(rail.center() + vec2(i as f32, 0.0));
        let before = step(&harness);
        wait_until("a step", || {
            harness.step();
            step(&harness) > before
        });
    }
    harness.drop_at(rail.center() + vec2(20.0, 0.0));
    // Everything done up to here must survive.
    println!("done {} {}", step(&harness), harness.state().lab().snapshot().events.len());
    // The app continues until it is killed or panics.
    let life = if fate == "panic" { Patience::of(Duration::from_secs(1)) } else { Patience::new() };
    while life.holds() {
        harness.step();
    }
    panic!("as it was told to");
}

/// Starts this test program again as the process that dies. Returns it with the step and the number of changes that it has reported.
fn spawn(fate: &str, folder: &Path) -> (Child, u64, usize) {
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::dying_process", "--nocapture"])
        .env(FATE, fate)
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let done = lines.find_map(|l| l.unwrap().split_once("done ").map(|(_, d)| d.to_owned())).expect("it did something");
    let (step, events) = done.split_once(' ').unwrap();
    (child, step.parse().unwrap(), events.parse().unwrap())
}

/// Whether the journal on the disk contains at least this many steps and changes.
fn is_written(folder: &Path, steps: u64, events: usize) -> bool {
    let files = std::fs::read_dir(folder.join("journal")).into_iter().flatten().flatten();
    files.into_iter().any(|file| {
        let text = std::fs::read_to_string(file.path()).unwrap_or_default();
        let lines: Vec<Value> = text.lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
        // Each line replaces the events from its step on.
        let mut steps_of: Vec<u64> = vec![];
        for line in lines.iter().filter_map(|l| l.get("Events")) {
            let from = line["from"].as_u64().unwrap_or_default();
            steps_of.retain(|s| *s < from);
            steps_of.extend(line["events"].as_array().into_iter().flatten().filter_map(|e| e["step"].as_u64()));
        }
        steps_of.len() >= events && lines.iter().any(|l| l["Beat"]["step"].as_u64().is_some_and(|step| step >= steps))
    })
}

/// Checks that the next start offers to restore the run, and that restoring works.
fn restored(folder: &Path, steps: u64, events: usize) {
    let mut lab = lab(folder);
    let patience = Patience::new();
    while lab.unfinished().is_none() {
        assert!(patience.holds(), "nothing is offered");
        lab.poll();
    }
    let offered = lab.unfinished().unwrap();
    assert!(events > 0 && offered.events >= events, "{} of {events} changes are offered", offered.events);
    assert!(offered.steps >= steps, "{} of {steps} steps are offered", offered.steps);
    lab.send(Command::Restore);
    while lab.snapshot().step != offered.steps || lab.snapshot().seeking.is_some() {
        assert!(patience.holds(), "at step {}", lab.snapshot().step);
        lab.poll();
    }
    assert_eq!(lab.snapshot().events.len(), offered.events);
}

#[test]
fn killed_while_recording() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, steps, events) = spawn("kill", folder.path());
    wait_until("what was done, in the journal", || is_written(folder.path(), steps, events));
    child.kill().unwrap();
    child.wait().unwrap();
    restored_apart(folder.path(), steps, events);
}

#[test]
fn panicked_while_recording() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, steps, events) = spawn("panic", folder.path());
    assert!(!child.wait().unwrap().success());
    restored_apart(folder.path(), steps, events);
}

/// Makes the check in a process of its own, because the data folder can be chosen only once per process.
fn restored_apart(folder: &Path, steps: u64, events: usize) {
    let check = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::next_start", "--nocapture"])
        .env(FOLDER, folder)
        .env("MOEBIAS_TEST_EXPECTED", format!("{steps} {events}"))
        .output()
        .unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
}

/// The process that checks what the next start offers.
#[test]
fn next_start() {
    let (Ok(folder), Ok(expected)) = (std::env::var(FOLDER), std::env::var("MOEBIAS_TEST_EXPECTED")) else { return };
    let (steps, events) = expected.split_once(' ').unwrap();
    restored(Path::new(&folder), steps.parse().unwrap(), events.parse().unwrap());
}

/// The user quits while recording, but recordings can't be written because a file has the name of their folder.
fn quits(folder: &Path) {
    std::fs::write(folder.join("recordings"), "in the way").unwrap();
    let mut lab = lab(folder);
    let patience = Patience::new();
    let wait = |lab: &mut Lab, until: &dyn Fn(&Lab) -> bool| {
        while !until(lab) {
            assert!(patience.holds(), "step {}", lab.snapshot().step);
            lab.poll();
        }
    };
    lab.send(Command::ToggleRecord);
    lab.send(Command::StepForward(10));
    wait(&mut lab, &|l| l.snapshot().step == 10);
    lab.send(Command::Change { target: Target::AllVariants, change: Change::SetTopK(3) });
    lab.send(Command::StepForward(5));
    wait(&mut lab, &|l| l.snapshot().step == 15);
    assert!(!lab.may_close(), "it is being written");
    wait(&mut lab, &|l| !l.is_saving());
    let said = |l: &Lab, part: &str| l.notices().all().any(|n| n.level == Level::Error && n.text.contains(part));
    assert!(said(&lab, "can't be kept"), "the window still shows why");
    assert!(!lab.may_close() && said(&lab, "journal keeps it"), "and what becomes of it");
    assert!(lab.may_close(), "who closes it once more means it");
    println!("done {} {}", lab.snapshot().step, lab.snapshot().events.len());
    lab.close();
}

#[test]
fn quit_while_the_recording_can_t_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, steps, events) = spawn("quit", folder.path());
    child.wait().unwrap();
    restored_apart(folder.path(), steps, events);
}
