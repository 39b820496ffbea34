use super::command::Command;
use super::*;
use moebias_engine::message::Snapshot;
use moebias_model::change::{Change, Target};
use moebias_model::config::{Rule, Source, Synthetic, Variant};
use moebias_testing::Patience;
use std::time::Duration;

mod schedule;

fn start() -> Start {
    let experiment = Experiment {
        seed: 3,
        source: Source::Synthetic(Synthetic { batch: 64, ..Default::default() }),
        variants: vec![Variant {
            name: "a".into(),
            router: Default::default(),
            balancer: Default::default(),
            learning: Default::default(),
        }],
    };
    Start { experiment, trace: None, state: None, events: vec![], stop: None }
}

/// A lab that is closed properly, as the window does, so that no test leaves a journal for another.
struct Proper(Lab);

impl std::ops::Deref for Proper {
    type Target = Lab;
    fn deref(&self) -> &Lab {
        &self.0
    }
}

impl std::ops::DerefMut for Proper {
    fn deref_mut(&mut self) -> &mut Lab {
        &mut self.0
    }
}

impl Drop for Proper {
    fn drop(&mut self) {
        self.0.close();
    }
}

fn lab() -> Proper {
    Proper(killed_lab())
}

fn killed_lab() -> Lab {
    Lab::new(Document { title: "Test".into(), ..Default::default() }, start(), EngineChoice::Cpu, || {}).unwrap()
}

fn wait(lab: &mut Lab, what: &str, until: impl Fn(&Snapshot) -> bool) {
    let patience = Patience::new();
    loop {
        lab.poll();
        if lab.snapshot().answered == lab.requests.count && until(lab.snapshot()) {
            return;
        }
        assert!(patience.holds(), "{what} never came; at step {}", lab.snapshot().step);
    }
}

fn rate(lab: &Lab) -> f64 {
    lab.settings().variants[0].balancer.rate
}

#[test]
fn a_drag_is_recorded_and_undone_as_one() {
    let mut lab = lab();
    lab.send(Command::StepForward(10));
    wait(&mut lab, "step 10", |s| s.step == 10);
    for i in 1..20 {
        lab.send(Command::Change { target: Target::AllVariants, change: Change::SetRate(0.001 * f64::from(i)) });
    }
    lab.end_gesture();
    assert!((rate(&lab) - 0.019).abs() < 1e-12, "the control shows what was asked for at once");
    wait(&mut lab, "the change", |s| s.events.len() == 1);
    assert_eq!(lab.snapshot().events[0].change, Change::SetRate(0.019), "of one step only the last value is recorded");
    lab.send(Command::StepForward(5));
    wait(&mut lab, "step 15", |s| s.step == 15);
    lab.send(Command::Undo);
    wait(&mut lab, "the undo", |s| s.events.len() == 2);
    assert!((rate(&lab) - 0.001).abs() < 1e-12);
    assert_eq!(lab.snapshot().step, 15, "undoing a value does not reset");
    lab.send(Command::Redo);
    wait(&mut lab, "the redo", |s| s.experiment.variants[0].balancer.rate > 0.018);
}

#[test]
fn reset_and_its_undo() {
    let mut lab = lab();
    lab.send(Command::StepForward(30));
    wait(&mut lab, "step 30", |s| s.step == 30);
    let digest = lab.snapshot().digest;
    lab.send(Command::SetExperts(16));
    wait(&mut lab, "the new run", |s| s.step == 0);
    assert_eq!(lab.settings().variants[0].router.experts, 16);
    lab.send(Command::Undo);
    wait(&mut lab, "the old run", |s| s.step == 30);
    assert_eq!(lab.snapshot().digest, digest);
    assert_eq!(lab.settings().variants[0].router.experts, 64);
    lab.send(Command::Redo);
    wait(&mut lab, "the new run again", |s| s.step == 0);
    lab.send(Command::Reset);
    wait(&mut lab, "the reset", |s| s.step == 0);
    lab.send(Command::StepForward(30));
    wait(&mut lab, "step 30 again", |s| s.step == 30);
}

#[test]
fn the_past_can_be_changed_and_brought_back() {
    let mut lab = lab();
    lab.send(Command::StepForward(40));
    wait(&mut lab, "step 40", |s| s.step == 40);
    let digest = lab.snapshot().digest;
    lab.send(Command::StepBack(25));
    wait(&mut lab, "step 15", |s| s.step == 15 && s.seeking.is_none());
    lab.send(Command::Change { target: Target::AllVariants, change: Change::SetTopK(2) });
    wait(&mut lab, "the branch", |s| s.head == 15);
    assert_eq!(lab.set_aside().unwrap().step, 15);
    lab.send(Command::BringBack);
    wait(&mut lab, "the old steps", |s| s.head == 40);
    lab.send(Command::SeekEnd);
    wait(&mut lab, "step 40 again", |s| s.step == 40 && s.seeking.is_none());
    assert_eq!(lab.snapshot().digest, digest);
    assert_eq!(lab.settings().variants[0].router.top_k, 6);
}

#[test]
fn a_value_out_of_range_changes_nothing_and_says_why() {
    let mut lab = lab();
    lab.send(Command::Change { target: Target::AllVariants, change: Change::SetTopK(65) });
    assert_eq!(lab.settings().variants[0].router.top_k, 6);
    let said = lab.notices().all().last().unwrap().text.clone();
    assert!(said.contains("65") && said.contains("per token K"), "{said}");
    assert!(lab.undo_label().is_none());
}

/// Tests that write below the data folder share one temporary place.
fn data_dir() -> &'static std::path::Path {
    use std::sync::OnceLock;
    static DIR: OnceLock<tempfile::TempDir> = OnceLock::new();
    DIR.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        places::keep_in(dir.path());
        dir
    })
    .path()
}

fn wait_for_notice(lab: &mut Lab, part: &str) -> String {
    let patience = Patience::new();
    loop {
        lab.poll();
        if let Some(n) = lab.notices().all().find(|n| n.text.contains(part)) {
            return n.text.clone();
        }
        assert!(patience.holds(), "no notice with “{part}”");
    }
}

#[test]
fn a_recording_replays_to_the_same_digest() {
    let dir = data_dir();
    let mut lab = lab();
    lab.send(Command::ToggleRecord);
    lab.send(Command::StepForward(10));
    wait(&mut lab, "step 10", |s| s.step == 10);
    lab.send(Command::Change { target: Target::AllVariants, change: Change::SetRate(0.02) });
    lab.send(Command::Change { target: Target::Source, change: Change::SetSkew(2.5) });
    lab.send(Command::StepForward(20));
    wait(&mut lab, "step 30", |s| s.step == 30);
    let digest = lab.snapshot().digest;
    lab.send(Command::ToggleRecord);
    assert!(wait_for_notice(&mut lab, "Recorded").contains("30 steps"));
    let path = lab.take_recent().pop().unwrap();
    assert!(path.starts_with(dir));
    let loaded = moebias_files::load(&path).unwrap();
    assert_eq!(loaded.scenario.recorded.as_ref().unwrap().digest, digest);
    assert_eq!(loaded.scenario.events.len(), 2);
    // Without a step there is nothing to keep.
    lab.send(Command::ToggleRecord);
    lab.send(Command::ToggleRecord);
    wait_for_notice(&mut lab, "Nothing was recorded");
    assert!(lab.take_recent().is_empty());
    lab.send(Command::OpenFile(path));
    wait(&mut lab, "the replay", |s| s.step == 30 && s.run != RunId(0));
    assert_eq!(lab.snapshot().digest, digest);
}

#[test]
fn a_crash_loses_little_and_is_offered_again() {
    data_dir();
    let mut first = killed_lab();
    first.send(Command::StepForward(10));
    wait(&mut first, "step 10", |s| s.step == 10);
    first.send(Command::Change { target: Target::AllVariants, change: Change::SetTopK(3) });
    first.send(Command::StepForward(10));
    wait(&mut first, "step 20", |s| s.step == 20);
    let digest = first.snapshot().digest;
    // The journal is written once a second.
    let second = Patience::of(Duration::from_secs(2));
    while second.holds() {
        first.poll();
    }
    // No `close`: the app was killed. The journal's thread notices that nobody is left and leaves the file.
    drop(first);
    // That takes as long as the machine is busy; a lab looks only once, at its start.
    let patience = Patience::new();
    let mut second = lab();
    while second.unfinished().is_none() {
        assert!(patience.holds(), "nothing was offered");
        let look = Patience::of(Duration::from_millis(500));
        while look.holds() && second.unfinished().is_none() {
            second.poll();
        }
        if second.unfinished().is_none() {
            second = lab();
        }
    }
    assert_eq!(second.unfinished().unwrap().events, 1);
    second.send(Command::Restore);
    wait(&mut second, "step 20 again", |s| s.step == 20 && s.seeking.is_none() && s.run != RunId(0));
    assert_eq!(second.snapshot().digest, digest);
}

#[test]
fn a_bad_file_leaves_the_experiment_alone() {
    let mut lab = lab();
    let path = data_dir().join("bad.ron");
    std::fs::write(&path, "(version: 1, variants: [(name: \"x\", router: (top_k: 99))])").unwrap();
    lab.send(Command::StepForward(5));
    wait(&mut lab, "step 5", |s| s.step == 5);
    lab.send(Command::OpenFile(path));
    let said = wait_for_notice(&mut lab, "bad.ron");
    assert!(said.contains("99") && said.contains("line 1"), "{said}");
    assert_eq!((lab.snapshot().run, lab.snapshot().step), (RunId(0), 5));
}

#[test]
fn curves_are_written_whole() {
    let mut lab = lab();
    let path = data_dir().join("curves.csv");
    lab.send(Command::StepForward(12));
    wait(&mut lab, "step 12", |s| s.step == 12);
    lab.send(Command::ExportCsv(path.clone()));
    wait_for_notice(&mut lab, "Wrote 12 steps");
    assert_eq!(std::fs::read_to_string(path).unwrap().lines().count(), 13);
}

#[test]
fn branches_at_the_same_step_are_told_apart() {
    data_dir();
    let mut lab = lab();
    lab.send(Command::StepForward(30));
    wait(&mut lab, "step 30", |s| s.step == 30);
    for (back, rate) in [(20, 0.01), (10, 0.02)] {
        lab.send(Command::Seek(back));
        wait(&mut lab, "back", |s| s.step == back && s.seeking.is_none());
        lab.send(Command::Change { target: Target::AllVariants, change: Change::SetRate(rate) });
        wait(&mut lab, "the branch", |s| s.head == back);
        if back == 20 {
            lab.send(Command::StepForward(10));
            wait(&mut lab, "step 30 again", |s| s.step == 30);
        }
    }
    lab.send(Command::BringBack);
    wait(&mut lab, "what was set aside last", |s| s.head == 30);
    let rates: Vec<_> = lab.snapshot().events.iter().map(|e| e.change.clone()).collect();
    assert_eq!(rates, [Change::SetRate(0.01)], "the second branch's past, not the first's");
    // And undo leaves it again, rather than changing it.
    lab.send(Command::Undo);
    wait(&mut lab, "the branch again", |s| s.head == 10);
    assert_eq!(lab.snapshot().events.len(), 1);
}

#[test]
fn what_is_recorded_belongs_to_the_run_that_is_left() {
    data_dir();
    let mut lab = lab();
    lab.send(Command::Reset);
    wait(&mut lab, "the new run", |s| s.run == RunId(1));
    lab.send(Command::ToggleRecord);
    lab.send(Command::StepForward(7));
    wait(&mut lab, "step 7", |s| s.step == 7);
    lab.send(Command::Undo);
    assert!(wait_for_notice(&mut lab, "Recorded").contains("7 steps"));
    assert!(lab.recording_since().is_none());
}

#[test]
fn the_sheet_is_that_of_the_run_however_fast_one_clicks() {
    data_dir();
    let mut lab = lab();
    let own = lab.document().title.clone();
    lab.send(Command::OpenShipped("skew".into()));
    lab.send(Command::Undo);
    lab.send(Command::Reset);
    wait(&mut lab, "the last run", |s| s.run == RunId(2));
    lab.poll();
    let title = lab.document().title.clone();
    let skew = lab.settings().variants.len() == 2;
    assert_eq!(title != own, skew, "“{title}” over {} variants", lab.settings().variants.len());
}

#[test]
fn a_change_on_a_way_that_is_given_up_is_not_made() {
    data_dir();
    let mut lab = lab();
    lab.send(Command::StepForward(400));
    wait(&mut lab, "step 400", |s| s.step == 400);
    lab.send(Command::Seek(0));
    wait(&mut lab, "the start", |s| s.step == 0 && s.seeking.is_none());
    lab.send(Command::Seek(1_000_000));
    lab.send(Command::Change { target: Target::AllVariants, change: Change::SetRate(0.5) });
    lab.send(Command::CancelSeek);
    wait_for_notice(&mut lab, "cancelled");
    wait(&mut lab, "the answer", |s| s.seeking.is_none());
    assert!(lab.snapshot().events.is_empty() && lab.set_aside().is_none());
}

#[test]
fn removing_a_variant_takes_its_events_and_moves_the_others_up() {
    use moebias_model::change::Event;
    data_dir();
    let mut authored = start();
    let one = authored.experiment.variants[0].clone();
    authored.experiment.variants = vec![one.clone(), one.clone(), one];
    let event = |step, v, u| Event { step, target: Target::Variant(v), change: Change::SetRate(u) };
    authored.events = vec![event(10, 0, 0.5), event(20, 1, 0.25)];
    let mut lab = Proper(Lab::new(Document::default(), authored, EngineChoice::Cpu, || {}).unwrap());
    lab.send(Command::RemoveVariant(0));
    wait(&mut lab, "the new run", |s| s.run == RunId(1));
    assert_eq!(*lab.snapshot().events, [event(20, 0, 0.25)]);
    lab.send(Command::AddVariant(0));
    wait(&mut lab, "one more", |s| s.run == RunId(2));
    assert_eq!(*lab.snapshot().events, [event(20, 0, 0.25), event(20, 2, 0.25)]);
}

/// What the run that is saved to `path` comes to, once it is there and loads.
fn saved(lab: &mut Lab, name: &str) -> moebias_model::digest::Digest {
    let path = data_dir().join(name);
    let told = lab.notices().count();
    lab.send(Command::SaveAs(path.clone()));
    let patience = Patience::new();
    while lab.is_saving() {
        lab.poll();
        assert!(patience.holds(), "it is not saved");
        std::thread::yield_now();
    }
    let said: Vec<_> = lab.notices().all().filter(|n| n.id >= told).map(|n| n.text.clone()).collect();
    assert!(said.iter().any(|s| s.starts_with("Saved")), "{said:?}");
    let loaded = moebias_files::load(&path).unwrap();
    let recorded = loaded.scenario.recorded.clone().unwrap();
    let mut run = moebias_engine::run::Run::new(RunId(9), start_of(&loaded)).unwrap();
    let mut engine = moebias_engine::cpu::CpuEngine::new("");
    while run.step() < recorded.steps {
        run.advance(&mut engine, (recorded.steps - run.step()) as u32, |_, _| {}).unwrap();
    }
    assert_eq!(run.simulation().digest(), recorded.digest, "it replays");
    recorded.digest
}

fn told_last(lab: &Lab) -> String {
    lab.notices().all().last().map(|n| n.text.clone()).unwrap_or_default()
}

#[test]
fn biases_that_were_reset_come_back_exactly() {
    data_dir();
    let mut start = start();
    let smebu = Variant { name: "b".into(), ..start.experiment.variants[0].clone() };
    start.experiment.variants.push(smebu);
    start.experiment.variants[1].balancer.rule = Rule::Smebu;
    let mut lab = Proper(Lab::new(Document::default(), start, EngineChoice::Cpu, || {}).unwrap());
    lab.send(Command::StepForward(20));
    wait(&mut lab, "step 20", |s| s.step == 20);
    let biases = |l: &Lab| l.snapshot().variants.iter().map(|v| v.bias.clone()).collect::<Vec<_>>();
    let before = biases(&lab);
    let reset = Command::Change { target: Target::AllVariants, change: Change::ResetBias };
    lab.send(reset.clone());
    assert_eq!(lab.undo_label().as_deref(), Some("Reset biases"));
    // Before the worker has said what was put aside.
    lab.send(Command::Undo);
    wait(&mut lab, "the former biases at once", |s| s.events.is_empty());
    assert_eq!(biases(&lab), before);
    lab.send(Command::Redo);
    wait(&mut lab, "the reset again", |s| s.variants.iter().all(|v| v.bias.iter().all(|b| *b == 0)));
    lab.send(Command::StepForward(5));
    wait(&mut lab, "step 25", |s| s.step == 25);
    assert_ne!(biases(&lab), before);
    lab.send(Command::Undo);
    wait(&mut lab, "the former biases", |s| s.variants[0].bias == before[0]);
    assert_eq!(biases(&lab), before);
    lab.send(Command::StepForward(5));
    wait(&mut lab, "step 30", |s| s.step == 30);
    let digest = lab.snapshot().digest;
    assert_eq!(saved(&mut lab, "reset-biases.ron"), digest, "also the memory of the rule came back");
}

#[test]
fn a_rule_that_is_taken_back_has_its_biases_again() {
    let mut lab = lab();
    lab.send(Command::StepForward(20));
    wait(&mut lab, "step 20", |s| s.step == 20);
    let before = lab.snapshot().variants[0].bias.clone();
    let rule = Rule::Multiplicative;
    lab.send(Command::Change { target: Target::AllVariants, change: Change::SetRule(rule) });
    lab.send(Command::StepForward(3));
    wait(&mut lab, "step 23", |s| s.step == 23);
    lab.send(Command::Undo);
    wait(&mut lab, "the rule before", |s| s.experiment.variants[0].balancer.rule != rule);
    assert_eq!(lab.snapshot().variants[0].bias, before);
}

#[test]
fn one_undo_too_many_says_so_and_swaps_nothing() {
    let mut lab = lab();
    lab.send(Command::Reset);
    wait(&mut lab, "the new run", |s| s.run == RunId(1));
    lab.send(Command::Change { target: Target::AllVariants, change: Change::SetTopK(3) });
    lab.end_gesture();
    lab.send(Command::Undo);
    wait(&mut lab, "K again", |s| s.experiment.variants[0].router.top_k == 6);
    lab.send(Command::Undo);
    wait(&mut lab, "nothing", |_| true);
    assert_eq!(lab.snapshot().run, RunId(1), "the press after the last change of the run asks first");
    assert!(told_last(&lab).contains("Undo once more"), "{}", told_last(&lab));
    lab.send(Command::Undo);
    wait(&mut lab, "the run before", |s| s.run == RunId(0));
    lab.poll();
    let notice = lab.notices().all().last().unwrap();
    assert!(notice.text.contains("before “Reset”"), "{}", notice.text);
    assert_eq!(notice.action.as_ref().map(|a| a.command.clone()), Some(Command::Redo));
}

/// A start on a trace of 64 experts without the ids of its tokens.
fn of_trace() -> Start {
    use moebias_model::config::TraceSource;
    use moebias_model::trace::Trace;
    let logits = (0..2 * 16 * 64).map(|i| (i as f32).sin()).collect();
    let mut start = start();
    start.experiment.source = Source::Trace(TraceSource { file: "x.safetensors".into(), ..Default::default() });
    start.trace = Some(Arc::new(Trace::new(2, 16, 64, logits)));
    start
}

#[test]
fn what_a_trace_does_not_allow_is_refused_before_anything_is_believed() {
    use moebias_model::presets::Preset;
    let mut lab = Proper(Lab::new(Document::default(), of_trace(), EngineChoice::Cpu, || {}).unwrap());
    let settings = lab.settings().clone();
    let hash = Change::SetRule(Rule::Hash);
    for command in [
        Command::Preset { target: Target::AllVariants, preset: Preset::DeepSeekV3 },
        Command::SetExperts(16),
        Command::Change { target: Target::AllVariants, change: hash },
    ] {
        let why = lab.why_not(&command);
        assert!(why.is_some(), "{command:?}");
        lab.send(command.clone());
        assert_eq!(Some(told_last(&lab)), why, "{command:?}: the menu's sentence is the lab's");
        assert_eq!((lab.settings(), lab.undo_label()), (&settings, None), "{command:?}");
        assert_eq!(lab.run, RunId(0));
    }
    lab.send(Command::Reset);
    wait(&mut lab, "a reset that begins", |s| s.run == RunId(1));
    assert_eq!(lab.why_not(&Command::Reset), None);
}

#[test]
fn a_run_that_the_worker_declines_never_was() {
    let mut lab = lab();
    lab.send(Command::StepForward(5));
    wait(&mut lab, "step 5", |s| s.step == 5);
    let settings = lab.settings().clone();
    // The lab's own check would not let it through.
    let mut sheet = lab.sheet.clone();
    sheet.authored.experiment.variants[0].router.top_k = 99;
    let start = Box::new(sheet.authored.clone());
    let run = lab.switch_to_new(sheet, start.experiment.clone(), "Broken", vec![]);
    lab.post(Message::Start { run, start, play: false });
    // Asked for in the belief that it ran.
    lab.send(Command::Change { target: Target::AllVariants, change: Change::SetTopK(3) });
    lab.send(Command::SetSeed(4));
    wait(&mut lab, "the last run", |s| s.run == RunId(2));
    assert_eq!(lab.run, RunId(2));
    lab.send(Command::Undo);
    wait(&mut lab, "the first run", |s| s.run == RunId(0));
    assert_eq!((lab.settings(), lab.undo_label()), (&settings, None));
    assert_eq!(lab.snapshot().step, 5);
    assert!(lab.notices().all().any(|n| n.text.contains("can't start")));
}

#[test]
fn when_the_simulation_is_gone_everything_is_answered_and_the_run_can_be_saved() {
    data_dir();
    let mut lab = lab();
    lab.send(Command::StepForward(10));
    wait(&mut lab, "step 10", |s| s.step == 10);
    lab.send(Command::Change { target: Target::AllVariants, change: Change::SetTopK(3) });
    lab.send(Command::StepForward(10));
    wait(&mut lab, "step 20", |s| s.step == 20);
    lab.send(Command::ToggleRecord);
    lab.send(Command::StepForward(1));
    wait(&mut lab, "step 21", |s| s.step == 21);
    lab.post(Message::Quit);
    wait_for_notice(&mut lab, "stopped unexpectedly");
    let digest = lab.snapshot().digest;
    for command in [Command::TogglePlay, Command::Reset, Command::Undo, Command::OpenShipped("skew".into())] {
        let before = lab.notices().count();
        assert!(lab.why_not(&command).is_some());
        lab.send(command.clone());
        assert_eq!(lab.notices().count(), before + 1, "{command:?} is answered");
    }
    assert_eq!(lab.run, RunId(0));
    assert_eq!(saved(&mut lab, "after-death.ron"), digest);
    lab.send(Command::ToggleRecord);
    wait_for_notice(&mut lab, "Recorded");
}

#[test]
fn events_without_effect_are_told_when_a_run_begins() {
    use moebias_model::change::Event;
    let mut lab = lab();
    let hash = Change::SetRule(Rule::Hash);
    let start = Start { events: vec![Event { step: 7, target: Target::AllVariants, change: hash }], ..of_trace() };
    lab.begin(Sheet::new(Document::default(), start), false, "Open", None);
    wait(&mut lab, "the run", |s| s.run == RunId(1));
    lab.poll();
    assert!(
        lab.notices().all().any(|n| n.text.contains("step 7")
            && n.text.contains("has no effect. ")
            && n.text.contains("no token ids"))
    );
    assert_eq!(lab.snapshot().ignored.len(), 1);
    assert!(lab.snapshot().events.iter().all(|e| lab.snapshot().ignores(e)));
}

const NAMED: &str = r#"(
    version: 1, title: "Named", seed: 4, source: Synthetic(batch: 64),
    variants: [(name: "Nothing", balancer: (rule: r#None)), (balancer: (rate: 0.01)), (name: "mine", keep_name: true)],
    events: [(step: 20, target: Variant(1), change: SetRate(0.004))],
)"#;

fn names(lab: &Lab) -> Vec<String> {
    lab.settings().names()
}

#[test]
fn names_follow_the_settings_until_somebody_types_one() {
    let folder = tempfile::tempdir().unwrap();
    let open = |text: &str| {
        let loaded = moebias_files::load_text(text, "named.ron", std::path::Path::new("")).unwrap();
        Lab::beside(Document::of(&loaded), start_of(&loaded)).unwrap()
    };
    let mut lab = Proper(open(NAMED));
    assert_eq!(names(&lab), ["Nothing", "Sign, u = 0.01", "mine"]);
    lab.send(Command::StepForward(30));
    wait(&mut lab, "step 30", |s| s.step == 30 && !s.playing);
    assert_eq!(
        names(&lab),
        ["Nothing", "Sign, u = 0.004", "mine"],
        "an author's event changes a name as a person does"
    );
    let rule = |rule| Command::Change { target: Target::AllVariants, change: Change::SetRule(rule) };
    lab.send(rule(Rule::Quantile));
    wait(&mut lab, "the rule", |_| true);
    let quantile = ["Quantile Balancing", "Quantile Balancing (2)", "mine"];
    assert_eq!(names(&lab), quantile);
    assert_eq!(lab.snapshot().experiment.variants[0].name.was(), Some("Nothing"));
    lab.send(Command::Undo);
    wait(&mut lab, "the undo", |_| true);
    assert_eq!(names(&lab), ["Nothing", "Sign, u = 0.004", "mine"]);
    lab.send(Command::Redo);
    lab.send(Command::Rename { variant: 0, name: Some(" #1 ".into()) });
    assert_eq!(names(&lab)[0], "#1", "at once");
    assert_eq!(lab.undo_label().as_deref(), Some("name “#1”"));
    lab.send(Command::Undo);
    assert_eq!(names(&lab)[0], quantile[0]);
    lab.send(Command::Redo);
    lab.send(Command::StepForward(10));
    wait(&mut lab, "step 40", |s| s.step == 40 && !s.playing);
    assert_eq!(lab.snapshot().experiment.names(), ["#1", "Quantile Balancing (2)", "mine"]);
    // Going back keeps the name, and sets nothing aside.
    lab.send(Command::Seek(25));
    wait(&mut lab, "step 25", |s| s.step == 25);
    assert_eq!(names(&lab), ["#1", "Sign, u = 0.004", "mine"]);
    lab.send(Command::Rename { variant: 0, name: Some("one".into()) });
    wait(&mut lab, "the name", |s| s.head == 40);
    assert_eq!(lab.set_aside(), None);
    lab.send(Command::SeekEnd);
    wait(&mut lab, "step 40", |s| s.step == 40);
    let (digest, shown) = (lab.snapshot().digest, names(&lab));
    assert_eq!(shown, ["one", "Quantile Balancing (2)", "mine"]);
    let path = folder.path().join("named.ron");
    lab.send(Command::SaveAs(path.clone()));
    wait_for_notice(&mut lab, "Saved");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(r#"name: "one", keep_name: true"#) && !text.contains("Nothing"), "{text}");
    let mut again = Proper(open(&text));
    assert_eq!(names(&again), ["one", "Sign, u = 0.01", "mine"]);
    again.send(Command::StepForward(40));
    wait(&mut again, "step 40", |s| s.step == 40 && !s.playing);
    assert_eq!((again.snapshot().digest, names(&again)), (digest, shown));
    // A new run keeps what was typed, and starts with names that are true.
    lab.send(Command::Reset);
    wait(&mut lab, "the reset", |s| s.step == 0);
    assert_eq!(names(&lab), ["one", "Quantile Balancing (2)", "mine"]);
    lab.send(Command::Rename { variant: 0, name: None });
    assert_eq!(names(&lab), ["Quantile Balancing", "Quantile Balancing (2)", "mine"]);
    lab.send(Command::Rename { variant: 0, name: Some("x".repeat(81)) });
    assert_eq!(names(&lab)[0], "Quantile Balancing");
    assert!(lab.notices().all().last().is_some_and(|n| n.text.contains("at most 80")));
    for taken in ["mine", " Quantile Balancing (2) "] {
        lab.send(Command::Rename { variant: 0, name: Some(taken.into()) });
        assert_eq!(names(&lab)[0], "Quantile Balancing");
        assert!(lab.notices().all().last().is_some_and(|n| n.text.contains("Another variant is called")));
    }
}

#[test]
fn what_is_refused_is_named_in_words() {
    let mut lab = lab();
    for change in [Change::SetTopK(65), Change::SetRate(2.0), Change::SetRenormalise(true)] {
        lab.send(Command::Change { target: Target::AllVariants, change });
    }
    let said: Vec<String> = lab.notices().all().map(|n| n.text.clone()).collect();
    assert_eq!(said[0], "Experts per token K can't be 65: it must be from 1 to 32");
    assert_eq!(said[1], "Step size u can't be 2: it must be from 0 to 1");
    assert_eq!(lab.undo_label().as_deref(), Some("renormalised on"));
}
