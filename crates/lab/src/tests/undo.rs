//! Undo and redo of values, biases, new runs and branches.

use super::*;

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
    // Undo returns to the branch before, rather than changing this one.
    lab.send(Command::Undo);
    wait(&mut lab, "the branch again", |s| s.head == 10);
    assert_eq!(lab.snapshot().events.len(), 1);
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
    // Undo is sent before the worker has told which biases were discarded.
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
