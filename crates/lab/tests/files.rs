//! Files and the paths in them: a file written into one folder finds its trace in another, wherever it is opened from.

use moebias_engine::EngineChoice;
use moebias_files::journal::{Journal, find_unfinished};
use moebias_files::{self as files, Loaded, sweep};
use moebias_lab::Lab;
use moebias_lab::command::Command;
use moebias_lab::command::SweepRequest;
use moebias_model::change::{Change, Target};
use moebias_model::config::Rule;
use moebias_model::sweep::Axis;
use moebias_testing::Patience;
use std::fs;
use std::path::{Path, PathBuf};

/// A folder with a trace and a scenario and a lesson that use it, and other folders to write into.
struct Place {
    at: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let at = tempfile::tempdir().unwrap();
        for folder in ["source/traces", "out", "elsewhere/deep/deeper"] {
            fs::create_dir_all(at.path().join(folder)).unwrap();
        }
        let trace = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/traces/sample_none_final.safetensors");
        fs::copy(trace, at.path().join("source/traces/t.safetensors")).unwrap();
        let text = "(version: 1, title: \"Traced\", source: Trace(file: \"traces/t.safetensors\"),
            variants: [(name: \"a\", router: (experts: 64, top_k: 6))])";
        fs::write(at.path().join("source/traced.ron"), text).unwrap();
        let lesson =
            "(version: 1, title: \"Own\", pages: [(title: \"One\", text: \"x\", setup: (scenario: \"traced.ron\"))])";
        fs::write(at.path().join("source/own.lesson.ron"), lesson).unwrap();
        Self { at }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.at.path().join(name)
    }

    /// Checks that a file opens with the scores of the trace.
    fn opens(&self, path: &Path) -> Loaded {
        let loaded = files::load(path).unwrap_or_else(|e| panic!("{e}"));
        let wanted = files::load(&self.path("source/traced.ron")).unwrap();
        assert_eq!(loaded.trace.as_ref().unwrap().logits, wanted.trace.unwrap().logits);
        loaded
    }
}

fn until(lab: &mut Lab, what: &str, done: impl Fn(&Lab) -> bool) {
    let patience = Patience::new();
    while !done(lab) {
        let last = lab.notices().all().last().map(|n| n.text.clone());
        assert!(patience.holds(), "{what} never came; {last:?}");
        lab.poll();
    }
}

fn lab(loaded: &Loaded) -> Lab {
    Lab::open(loaded, EngineChoice::Cpu, || {}).unwrap()
}

fn saved(lab: &mut Lab, path: &Path) {
    lab.send(Command::StepForward(3));
    until(lab, "three steps", |l| l.snapshot().step >= 3);
    lab.send(Command::SaveAs(path.to_owned()));
    until(lab, "the file", |_| path.exists());
}

#[test]
fn a_run_of_a_scenario_of_a_trace_and_of_a_lesson_finds_its_trace_wherever_it_is_saved() {
    let place = Place::new();
    let source = place.path("source/traced.ron");
    for from in ["source/traced.ron", "source/traces/t.safetensors", "source/own.lesson.ron"] {
        for (i, into) in ["out", "source", "source/traces", "elsewhere/deep/deeper"].into_iter().enumerate() {
            let path = place.path(into).join(format!("saved-{i}.ron"));
            let mut lab = lab(&files::load(&source).unwrap());
            lab.send(Command::OpenFile(place.path(from)));
            let named = |l: &Lab| l.document().title != "Traced" || l.lesson().is_some();
            until(&mut lab, "the file", |l| from == "source/traced.ron" || named(l));
            until(&mut lab, "the run", |l| l.is_up_to_date() && l.job().is_none());
            saved(&mut lab, &path);
            place.opens(&path);
            fs::remove_file(&path).unwrap();
        }
    }
    // A scenario and its trace can be moved together.
    let mut lab = lab(&files::load(&source).unwrap());
    saved(&mut lab, &place.path("source/beside.ron"));
    fs::rename(place.path("source"), place.path("moved")).unwrap();
    let loaded = files::load(&place.path("moved/beside.ron")).unwrap();
    assert!(loaded.trace.is_some());
}

#[test]
fn a_sweep_and_the_cells_opened_from_it_find_their_trace() {
    let place = Place::new();
    let mut first = lab(&files::load(&place.path("source/traced.ron")).unwrap());
    let axes = vec![Axis::parse("u=0.001,0.01").unwrap()];
    first.send(Command::StartSweep(SweepRequest { axes, seeds: 1, steps: 4 }));
    until(&mut first, "the sweep", |l| l.sweep().is_some_and(|s| s.sweep.found().ended.is_some()));
    for into in ["out/s.csv", "source/s.csv", "elsewhere/deep/deeper/s.csv"] {
        let csv = place.path(into);
        first.send(Command::SaveSweep(csv.clone()));
        until(&mut first, "the sweep's file", |_| csv.exists());
        // Another lab opens the sweep, opens one of its runs as an experiment, and saves that.
        let mut second = lab(&files::shipped::find("first-look").unwrap().load().unwrap());
        second.send(Command::OpenFile(csv.clone()));
        assert!(second.sweep().is_some(), "{:?}", second.notices().all().last().map(|n| &n.text));
        second.send(Command::OpenRun(1));
        until(&mut second, "the cell", Lab::is_up_to_date);
        let cell = place.path("out/cell.ron");
        saved(&mut second, &cell);
        let loaded = place.opens(&cell);
        assert_eq!(loaded.scenario.variants[0].balancer.rate, 0.01);
        fs::remove_file(&cell).unwrap();
        assert!(sweep::open(&csv).unwrap().outcomes.iter().all(Option::is_some));
    }
}

#[test]
fn a_journal_finds_its_trace_after_a_kill() {
    let place = Place::new();
    let loaded = files::load(&place.path("source/traced.ron")).unwrap();
    let folder = place.path("elsewhere/journals");
    // The journal is dropped without being finished, so its file stays, as if the program had been killed.
    drop(Journal::create(&folder, &loaded.scenario).unwrap());
    let unfinished = find_unfinished(&folder).pop().expect("it is offered");
    let text = files::to_text(&unfinished.scenario);
    let again = files::load_text(&text, "journal", Path::new("")).unwrap();
    assert_eq!(again.trace.unwrap().logits, loaded.trace.unwrap().logits);
}

#[test]
fn a_changed_experiment_does_not_keep_a_description_that_is_no_longer_true() {
    let place = Place::new();
    let mut lab = lab(&files::shipped::find("first-look").unwrap().load().unwrap());
    let author = lab.document().clone();
    let file = |name: &str| files::load(&place.path(name)).unwrap().scenario;
    saved(&mut lab, &place.path("as-it-was.ron"));
    assert_eq!(file("as-it-was.ron").summary, author.summary);
    lab.send(Command::Change { target: Target::AllVariants, change: Change::SetRule(Rule::None) });
    saved(&mut lab, &place.path("changed.ron"));
    let changed = file("changed.ron");
    assert_eq!((changed.summary.as_str(), changed.look_for.as_str()), ("Changed from “A first look”", ""));
    lab.send(Command::Describe { title: "Without".into(), summary: "No balancer at all".into() });
    saved(&mut lab, &place.path("described.ron"));
    let described = file("described.ron");
    assert_eq!((described.title.as_str(), described.summary.as_str()), ("Without", "No balancer at all"));
}
