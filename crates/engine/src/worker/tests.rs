use super::*;
use crate::theory::{Solved, TheoryRequest};
use moebias_model::change::{Change, Target};
use moebias_model::config::{Rule, Source, Synthetic};
use moebias_testing::{Patience, experiment};

fn start() -> Start {
    Start { experiment: experiment(), trace: None, state: None, events: vec![], stop: None }
}

fn wait(worker: &Worker, what: &str, mut until: impl FnMut(&Snapshot) -> bool) -> Arc<Snapshot> {
    let patience = Patience::new();
    loop {
        let s = worker.snapshot();
        if until(&s) {
            return s;
        }
        assert!(patience.holds(), "{what} never came; at step {}", s.step);
    }
}

#[test]
fn steps_seeks_and_branches() {
    let worker = Worker::spawn(RunId(1), start(), EngineChoice::Cpu, Box::new(|| {})).unwrap();
    worker.send(Message::Step(100));
    let at_100 = wait(&worker, "step 100", |s| s.step == 100);
    worker.send(Message::Seek(30));
    wait(&worker, "step 30", |s| s.step == 30 && s.seeking.is_none());
    worker.send(Message::Seek(100));
    let again = wait(&worker, "step 100 again", |s| s.step == 100 && s.seeking.is_none());
    assert_eq!(again.digest, at_100.digest);
    worker.send(Message::Seek(50));
    wait(&worker, "step 50", |s| s.step == 50 && s.seeking.is_none());
    worker.send(Message::Change { id: 0, run: RunId(1), target: Target::AllVariants, change: Change::SetTopK(3) });
    let branch = wait(&worker, "the branch", |s| s.head == 50);
    assert_eq!(branch.events.len(), 1);
    let mut parked = None;
    while let Ok(Some(echo)) = worker.echo() {
        if let Echo::Branched { parked: id, step, .. } = echo {
            assert_eq!(step, 50);
            parked = Some(id);
        }
    }
    worker.send(Message::Resume(parked.unwrap()));
    let back = wait(&worker, "the old run", |s| s.head == 100);
    assert!(back.events.is_empty());
}

#[test]
fn plays_at_its_speed_and_then_sleeps() {
    let worker = Worker::spawn(RunId(1), start(), EngineChoice::Cpu, Box::new(|| {})).unwrap();
    worker.send(Message::Speed(Speed::Max));
    worker.send(Message::Play);
    wait(&worker, "500 steps", |s| s.step > 500);
    worker.send(Message::Pause);
    let paused = wait(&worker, "the pause", |s| !s.playing);
    // While paused, the worker answers messages and does no steps.
    worker.send(Message::Change { id: 0, run: RunId(1), target: Target::AllVariants, change: Change::SetTopK(3) });
    let answered = wait(&worker, "an answer", |s| s.experiment.variants[0].router.top_k == 3);
    assert_eq!(answered.step, paused.step);
}

/// The price view follows a run, computes the steps it missed, and finds the optimum of a fixed batch.
#[test]
fn theory_while_somebody_looks() {
    let mut start = start();
    start.experiment.source = Source::Fixed(Synthetic { batch: 64, ..Default::default() });
    start.experiment.variants[0].router.experts = 8;
    start.experiment.variants[0].router.top_k = 2;
    let worker = Worker::spawn(RunId(1), start, EngineChoice::Cpu, Box::new(|| {})).unwrap();
    worker.send(Message::Step(40));
    assert!(wait(&worker, "step 40", |s| s.step == 40).theory.is_none(), "nobody looks");
    worker.send(Message::Theory(Some(TheoryRequest::default())));
    let done = |s: &Snapshot, n: usize| s.theory.as_ref().is_some_and(|t| !t.busy && t.points.len() == n);
    let theory = wait(&worker, "40 points", |s| done(s, 40)).theory.clone().unwrap();
    let Solved::Exactly(optimum) = &theory.optimum else { panic!("{:?}", theory.optimum) };
    let examined = theory.examined.as_ref().unwrap();
    assert_eq!(examined.step, 39);
    for pair in theory.points.windows(2) {
        assert_eq!((pair[0].after, pair[0].step + 1), (pair[1].value, pair[1].step), "one batch, repeated");
        assert!(pair[0].value >= examined.score(optimum.value), "the dual value is no less than the optimum");
        assert_eq!(pair[0].pairs.1, 0);
    }
    let online = theory.online.as_ref().unwrap();
    assert_eq!(online.nodes.last().unwrap().step, 40);
    // After a change in the past, points of later steps are dropped and earlier ones are kept.
    worker.send(Message::Seek(20));
    wait(&worker, "step 20", |s| s.step == 20 && s.seeking.is_none());
    worker.send(Message::Change { id: 0, run: RunId(1), target: Target::AllVariants, change: Change::SetRate(0.05) });
    worker.send(Message::Step(1));
    let theory = wait(&worker, "21 points", |s| s.step == 21 && done(s, 21)).theory.clone().unwrap();
    assert!((theory.examined.as_ref().unwrap().rate - 0.05).abs() < 1e-9);
    worker.send(Message::Change {
        id: 0,
        run: RunId(1),
        target: Target::AllVariants,
        change: Change::SetRule(Rule::Multiplicative),
    });
    worker.send(Message::Step(1));
    wait(&worker, "the reason", |s| s.theory.as_ref().is_some_and(|t| t.blocked.is_some()));
    worker.send(Message::Theory(None));
    wait(&worker, "nobody looks any more", |s| s.theory.is_none());
}
