use super::command::Command;
use super::*;
use crate::engine::message::Snapshot;
use crate::model::config::{Source, Synthetic, Variant};
use std::time::{Duration, Instant};

fn start() -> Start {
    let experiment = Experiment {
        seed: 3,
        source: Source::Synthetic(Synthetic { batch: 64, ..Default::default() }),
        variants: vec![Variant { name: "a".into(), router: Default::default(), balancer: Default::default() }],
    };
    Start { experiment, trace: None, state: None, events: vec![], stop: None }
}

fn lab() -> Lab {
    Lab::new(Document { title: "Test".into(), ..Default::default() }, start(), EngineChoice::Cpu, || {}).unwrap()
}

fn wait(lab: &mut Lab, what: &str, until: impl Fn(&Snapshot) -> bool) {
    let patience = Instant::now();
    loop {
        lab.poll();
        if lab.unanswered == 0 && until(lab.snapshot()) {
            return;
        }
        assert!(patience.elapsed() < Duration::from_secs(30), "{what} never came; at step {}", lab.snapshot().step);
        std::thread::sleep(Duration::from_millis(2));
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
    assert!(said.contains("65") && said.contains("top_k"), "{said}");
    assert!(lab.undo_label().is_none());
}
