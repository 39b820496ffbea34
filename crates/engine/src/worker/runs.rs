//! Which run the worker shows: new runs, forks, branches, and the parked runs.
//!
//! Every request for a run is answered with [`Echo::Running`] or [`Echo::Declined`], in order, and every change with [`Echo::Applied`] or
//! [`Echo::Refused`] and its number. So the sender always knows what happened.

use super::Inside;
use crate::message::{Echo, Kept, Message};
use crate::run::Run;
use crate::start::{RunId, Start};
use crate::theory::theorist::Theorist;
use crate::{EngineChoice, EngineKind};
use moebias_model::change::{Change, Event, Target};
use moebias_model::naming::capitalised;
use std::collections::VecDeque;

/// The memory budget for all parked runs with their checkpoints and histories, in bytes.
pub const KEPT_BYTES: usize = 1 << 30;

/// A request to change the run: the number with which it is answered, and the run that it is meant for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) id: u64,
    pub(super) run: RunId,
}

/// The parked runs with the bytes they use, oldest first, within one memory budget.
#[derive(Debug)]
pub(super) struct Parked {
    runs: VecDeque<(Run, usize)>,
    budget: usize,
}

impl Default for Parked {
    fn default() -> Self {
        Self { runs: VecDeque::new(), budget: KEPT_BYTES }
    }
}

impl Parked {
    /// The number of parked runs and their memory.
    pub(super) fn kept(&self) -> Kept {
        Kept { runs: self.runs.len(), bytes: self.runs.iter().map(|(_, bytes)| bytes).sum() }
    }

    /// Parks a run. Returns the ids of the runs dropped for it: the oldest first, and the new one if it alone exceeds the budget.
    fn park(&mut self, run: Run) -> Vec<RunId> {
        let bytes = run.bytes();
        self.runs.push_back((run, bytes));
        let mut gone = vec![];
        while self.kept().bytes > self.budget {
            if let [(last, bytes)] = self.runs.make_contiguous() {
                last.slim();
                *bytes = last.bytes();
                if *bytes <= self.budget {
                    break;
                }
            }
            gone.extend(self.runs.pop_front().map(|(run, _)| run.id));
        }
        gone
    }

    fn take(&mut self, id: RunId) -> Option<Run> {
        let at = self.runs.iter().position(|(r, _)| r.id == id)?;
        self.runs.remove(at).map(|(run, _)| run)
    }
}

impl Inside {
    pub(super) fn start(&mut self, id: RunId, start: Start, play: bool) {
        self.answered += 1;
        match Run::new(id, start) {
            Ok(run) => {
                let old = std::mem::replace(&mut self.run, run);
                self.park(old);
                self.entered(false);
                self.set_playing(play);
                if self.engines.choice != EngineChoice::Cpu
                    && self.engines.engine.info().kind == EngineKind::Cpu
                    && self.engines.opening.is_none()
                {
                    // The GPU may support the new experiment even if it did not support the one before.
                    self.choose(self.engines.choice);
                }
            }
            Err(e) => self.decline(id, format!("This experiment can't start: {e}")),
        }
    }

    fn decline(&self, run: RunId, reason: String) {
        self.say(Echo::Declined { run, running: self.run.id, reason });
    }

    /// Continues with a fork of the present run. Playing, a seek and remaining steps continue too; held changes are refused.
    pub(super) fn fork(&mut self, id: RunId, of: usize) {
        self.answered += 1;
        let Some(run) = self.run.forked(id, of) else {
            return self.decline(id, "There is no room for one more variant".into());
        };
        self.watching.detail = None;
        let old = std::mem::replace(&mut self.run, run);
        self.park(old);
        self.look_again();
        self.refuse_held("a fork began");
        self.say(Echo::Running { run: id, resumed: false });
    }

    /// Restarts what is computed beside the run, because it was computed for another run.
    fn look_again(&mut self) {
        self.watching.theorist = self.watching.theorist.take().map(|t| Box::new(Theorist::new(t.request())));
        self.drawing.stale = true;
        self.watching.figures.changed();
    }

    fn entered(&mut self, resumed: bool) {
        self.look_again();
        self.watching.detail = None;
        self.going.seeking = None;
        self.refuse_held("another run began");
        self.pace.remaining = 0;
        self.say(Echo::Running { run: self.run.id, resumed });
    }

    /// Refuses the changes that were held for a step that will not be reached.
    pub(super) fn refuse_held(&mut self, why: &str) {
        for message in std::mem::take(&mut self.going.held) {
            if let Message::Change { id, change, .. } = message {
                self.answered += 1;
                let reason = format!("{} was not changed: {why}", capitalised(change.title()));
                self.say(Echo::Refused { id, reason });
            }
        }
    }

    fn park(&mut self, run: Run) {
        for gone in self.parked.park(run) {
            self.say(Echo::Forgotten(gone));
        }
    }

    pub(super) fn resume(&mut self, id: RunId) {
        self.answered += 1;
        if id == self.run.id {
            return self.say(Echo::Running { run: id, resumed: true });
        }
        let Some(run) = self.parked.take(id) else {
            return self.decline(id, "That run is no longer in memory".into());
        };
        let old = std::mem::replace(&mut self.run, run);
        self.park(old);
        self.set_playing(false);
        self.entered(true);
    }

    pub(super) fn change(&mut self, request: Request, target: Target, change: Change) {
        self.answered += 1;
        let Request { id, run: meant } = request;
        if meant != self.run.id {
            let reason =
                format!("{} was not changed: the run it was meant for did not begin", capitalised(change.title()));
            return self.say(Echo::Refused { id, reason });
        }
        if self.run.step() < self.run.head {
            // The detail may belong to steps that this change is about to discard.
            self.watching.detail = None;
        }
        match self.run.change(target, change) {
            Ok(applied) => {
                self.drawing.stale = true;
                let here = self.run.step();
                if let Some(theorist) = &mut self.watching.theorist {
                    theorist.changed(Some(here));
                }
                let run = self.run.id;
                if let Some(mut aside) = applied.set_aside {
                    self.asides += 1;
                    let parked = RunId((1 << 63) | self.asides);
                    aside.id = parked;
                    let gone =
                        |e: &&Event| e.step > here && !self.run.events.contains(e) && !applied.left_out.contains(e);
                    let events = aside.events.iter().filter(gone).cloned().collect();
                    self.say(Echo::Branched { run, step: here, parked, events });
                    self.park(*aside);
                }
                self.say(Echo::Applied {
                    id,
                    run,
                    step: here,
                    events: applied.events,
                    left_out: applied.left_out,
                    biases: applied.biases,
                });
            }
            Err(e) => {
                let names = self.run.simulation().experiment().names();
                self.say(Echo::Refused { id, reason: e.in_words(&names) });
            }
        }
    }

    pub(super) fn rename(&mut self, request: Request, variant: usize, name: Option<&str>) {
        self.answered += 1;
        let Request { id, run: meant } = request;
        if meant == self.run.id {
            self.run.rename(variant, name);
            self.say(Echo::Renamed { id });
        } else {
            let reason = "The name was not changed: the run it was meant for did not begin".into();
            self.say(Echo::Refused { id, reason });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::CpuEngine;
    use moebias_model::config::{Experiment, Source, Synthetic, Variant};

    fn run(id: u64) -> Run {
        let source = Source::Synthetic(Synthetic { batch: 16, ..Synthetic::default() });
        let experiment = Experiment { seed: 1, source, variants: vec![Variant::default()] };
        let start = Start { experiment, trace: None, state: None, events: vec![], stop: None };
        let mut run = Run::new(RunId(id), start).unwrap();
        run.advance(&mut CpuEngine::new(""), 50, |_, _| {}).unwrap();
        run
    }

    #[test]
    fn what_is_kept_has_one_budget_and_the_oldest_goes_first() {
        let each = run(0).bytes();
        assert!(each > 50 * 64 * 8, "a load and a bias for each expert and step: {each}");
        let mut parked = Parked { budget: 3 * each, ..Parked::default() };
        let gone: Vec<RunId> = (0..5).flat_map(|id| parked.park(run(id))).collect();
        assert_eq!(gone, [RunId(0), RunId(1)]);
        assert_eq!(parked.kept().runs, 3);
        assert!(parked.kept().bytes <= 3 * each);
        assert!(parked.take(RunId(1)).is_none() && parked.take(RunId(4)).is_some());
        assert_eq!(parked.kept().runs, 2);
        let mut none = Parked { budget: 100, ..Parked::default() };
        assert_eq!(none.park(run(7)), [RunId(7)], "one that is too large alone");
        assert_eq!(none.kept(), Kept::default());
    }
}
