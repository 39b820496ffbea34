//! A fork: a new variant with the past of an existing one.
//!
//! Variants share their tokens and nothing else, so two variants with the same settings and the same changes since the first step are in
//! the same state. A fork is therefore the run in which both variants have existed from the start: state, checkpoints and history of the
//! existing variant are copied, nothing is computed, and a file of the forked run replays bit for bit.

use super::Run;
use crate::run::lock;
use crate::start::{RunId, Start};
use moebias_model::change::{Event, Target};
use moebias_model::config::{Experiment, Variant};
use moebias_model::naming::{self, Name};
use moebias_model::step::State;
use std::sync::{Arc, Mutex};

impl Start {
    /// Appends a copy of variant `of` with its settings, state and events. The name is made from the settings. Returns false if there is
    /// no such variant.
    pub fn fork(&mut self, of: usize) -> bool {
        let new = self.experiment.variants.len();
        let done = fork_settings(&mut self.experiment, of);
        if let (true, Some(state)) = (done, &mut self.state) {
            fork_state(state, of);
        }
        if done {
            fork_events(&mut self.events, of, new);
        }
        done
    }
}

impl Run {
    /// A copy of this run under a new id, with one more variant that has the same past as variant `of`. `None` if there is no such variant
    /// or no room for one more.
    #[must_use]
    pub fn forked(&self, id: RunId, of: usize) -> Option<Self> {
        let mut run = Self { id, ..self.copy() };
        let new = run.trackers.len();
        if !run.start.fork(of) {
            return None;
        }
        fork_events(Arc::make_mut(&mut run.events), of, new);
        run.ignored = Arc::new(run.as_start().ignored());
        let (mut experiment, mut state) = (run.simulation.experiment().clone(), run.simulation.state().clone());
        fork_settings(&mut experiment, of);
        fork_state(&mut state, of);
        run.simulation.restore(experiment, state).ok()?;
        fork_settings(Arc::make_mut(&mut run.routed.0), of);
        for checkpoint in &mut run.checkpoints {
            fork_settings(Arc::make_mut(&mut checkpoint.experiment), of);
            fork_state(&mut checkpoint.state, of);
            again(&mut checkpoint.trackers, of);
            again(&mut checkpoint.diagnoses, of);
            again(&mut checkpoint.metrics, of);
            again(&mut checkpoint.loads, of);
        }
        again(&mut run.trackers, of);
        again(&mut run.diagnoses, of);
        again(&mut run.metrics, of);
        again(&mut run.loads, of);
        run.biases.iter_mut().for_each(|(_, all)| again(all, of));
        let experts: Vec<usize> = run.simulation.state().variants.iter().map(|v| v.bias.len()).collect();
        let history = lock(&run.history).forked(of, &experts);
        run.history = Arc::new(Mutex::new(history));
        Some(run)
    }
}

/// Appends a copy of item `of`.
fn again<T: Clone>(all: &mut Vec<T>, of: usize) {
    all.extend(all.get(of).cloned());
}

fn fork_settings(experiment: &mut Experiment, of: usize) -> bool {
    let Some(like) = experiment.variants.get(of).cloned() else { return false };
    naming::settle(&mut experiment.variants);
    experiment.variants.push(Variant { name: Name::default(), ..like });
    naming::settle(&mut experiment.variants);
    true
}

fn fork_state(state: &mut State, of: usize) {
    again(&mut state.variants, of);
}

/// Inserts a copy for variant `new` directly after each event of variant `of`. Order matters: the last event of a step wins.
fn fork_events(events: &mut Vec<Event>, of: usize, new: usize) {
    let both = events.drain(..).flat_map(|e| {
        let copy = (e.target == Target::Variant(of)).then(|| Event { target: Target::Variant(new), ..e.clone() });
        std::iter::once(e).chain(copy)
    });
    *events = both.collect();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::CpuEngine;
    use moebias_model::change::Change;
    use moebias_model::config::{Rule, Source, Synthetic};

    fn run() -> Run {
        let variant = |name: &str| Variant { name: name.into(), ..Variant::default() };
        let experiment = Experiment {
            seed: 5,
            source: Source::Synthetic(Synthetic { batch: 64, ..Default::default() }),
            variants: vec![variant("a"), variant("b")],
        };
        let events = vec![Event { step: 20, target: Target::Variant(1), change: Change::SetTopK(3) }];
        Run::new(RunId(1), Start { experiment, trace: None, state: None, events, stop: None }).unwrap()
    }

    fn play_to(run: &mut Run, step: u64) {
        let mut engine = CpuEngine::new("");
        while run.step() < step {
            run.advance(&mut engine, (step - run.step()) as u32, |_, _| {}).unwrap();
        }
    }

    #[test]
    fn a_fork_has_the_same_past_and_goes_its_own_way() {
        let mut run = run();
        play_to(&mut run, 30);
        run.change(Target::Variant(1), Change::SetRule(Rule::Rms)).unwrap();
        play_to(&mut run, 50);
        let mut fork = run.forked(RunId(2), 1).unwrap();
        assert_eq!((fork.step(), fork.head, fork.id), (50, 50, RunId(2)));
        let digests = |r: &Run| r.simulation().state().variants.iter().map(|v| v.digest).collect::<Vec<_>>();
        assert_eq!(digests(&fork)[..2], digests(&run));
        assert_eq!(digests(&fork)[2], digests(&run)[1]);
        assert_eq!(fork.figures()[2], fork.figures()[1]);
        assert_eq!(lock(&fork.history).variants.len(), 3);
        assert_eq!(fork.events.len(), 4, "what happens to the one happens to its copy");
        // A change of the copy leaves the original as it is.
        fork.change(Target::Variant(2), Change::SetRate(0.05)).unwrap();
        play_to(&mut fork, 80);
        play_to(&mut run, 80);
        assert_eq!(digests(&fork)[..2], digests(&run));
        assert_ne!(digests(&fork)[2], digests(&run)[1]);
        assert_eq!(fork.simulation().experiment().variants[2].router.top_k, 3);
        // Running it from the first step gives the same result, and so does going back.
        let mut again = Run::new(RunId(3), fork.as_start()).unwrap();
        play_to(&mut again, 80);
        assert_eq!(digests(&again), digests(&fork));
        let last = fork.figures();
        fork.rewind_towards(20);
        play_to(&mut fork, 20);
        assert_eq!(digests(&fork)[1], digests(&fork)[2], "before the fork they are one");
        play_to(&mut fork, 80);
        assert_eq!(digests(&fork), digests(&again));
        assert_eq!((again.figures(), fork.figures()), (last.clone(), last));
        assert!(run.forked(RunId(4), 2).is_none());
    }
}
