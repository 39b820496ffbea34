//! Requests that the lab or the worker refuses, or that the worker can no longer answer: everything is then as it was before.

use super::*;

#[test]
fn a_value_out_of_range_changes_nothing_and_says_why() {
    let mut lab = lab();
    lab.send(Command::Change { target: Target::AllVariants, change: Change::SetTopK(65) });
    assert_eq!(lab.settings().variants[0].router.top_k, 6);
    let said = lab.notices().all().last().unwrap().text.clone();
    assert!(said.contains("65") && said.contains("per token K"), "{said}");
    assert!(lab.undo_label().is_none());
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

/// A start on a trace with 64 experts and without token ids.
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
    // This start bypasses the lab's own check, which would refuse it.
    let mut sheet = lab.sheet.clone();
    sheet.authored.experiment.variants[0].router.top_k = 99;
    let start = Box::new(sheet.authored.clone());
    let run = lab.switch_to_new(sheet, start.experiment.clone(), "Broken", vec![]);
    lab.post(Message::Start { run, start, play: false });
    // These requests are made while the lab shows the run that the worker will decline.
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
