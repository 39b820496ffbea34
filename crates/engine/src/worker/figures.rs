//! The figures of each variant for the Comparison pane. While they are asked for, they are computed a few times a second if the run
//! plays, and at every step at which it stands still.

use crate::message::Standings;
use crate::run::Run;
use moebias_model::figures::Figures;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The shortest time between two computations while the run plays: nobody can read figures that change faster.
const REST: Duration = Duration::from_millis(250);
/// The pause after a computation is at least this many times as long as the computation, which therefore takes at most a tenth of the time.
const SHARE: u32 = 9;

/// The figures computed last.
#[derive(Debug, Default)]
pub(super) struct Figuring {
    wanted: bool,
    made: Option<Made>,
    /// Computing the figures panicked; it is not tried again until something changes.
    broken: bool,
}

#[derive(Debug)]
struct Made {
    standings: Arc<Standings>,
    at: Instant,
    cost: Duration,
}

impl Figuring {
    /// Starts or stops computing the figures.
    pub(super) fn want(&mut self, wanted: bool) {
        self.wanted = wanted;
        self.broken = false;
        self.made = self.made.take().filter(|_| wanted);
    }

    /// Drops the figures: another run began, or they count from another mark now.
    pub(super) fn changed(&mut self) {
        self.broken = false;
        self.made = None;
    }

    /// Computes the figures if they are wanted and out of date. Returns an error message, once, if that panicked.
    pub(super) fn work(&mut self, run: &Run, moving: bool) -> Option<String> {
        self.work_with(run, moving, Run::figures)
    }

    fn work_with(&mut self, run: &Run, moving: bool, figures: impl Fn(&Run) -> Vec<Figures>) -> Option<String> {
        let fresh = |m: &Made| {
            let rests = moving && m.at.elapsed() < REST.max(SHARE * m.cost);
            m.standings.step == run.step() || rests
        };
        if !self.wanted || self.broken || self.made.as_ref().is_some_and(fresh) {
            return None;
        }
        let at = Instant::now();
        // Computing figures only reads the run, so a panic leaves the run unchanged.
        let Ok(figures) = catch_unwind(AssertUnwindSafe(|| figures(run))) else {
            self.broken = true;
            return Some("The comparison failed unexpectedly; it is tried again when it is opened anew".into());
        };
        let standings = Arc::new(Standings { step: run.step(), figures });
        self.made = Some(Made { standings, at, cost: at.elapsed() });
        None
    }

    /// The newest figures, while they are wanted.
    pub(super) fn standings(&self) -> Option<Arc<Standings>> {
        self.made.as_ref().map(|m| Arc::clone(&m.standings))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::start::{RunId, Start};
    use moebias_model::config::{Experiment, Source, Variant};

    #[test]
    fn what_fails_is_told_once() {
        let source = Source::Synthetic(Default::default());
        let experiment = Experiment { seed: 1, source, variants: vec![Variant::default()] };
        let start = Start { experiment, trace: None, state: None, events: vec![], stop: None };
        let run = Run::new(RunId(1), start).unwrap();
        let mut figuring = Figuring::default();
        figuring.want(true);
        let fails = |_: &Run| -> Vec<Figures> { panic!("as the test wants it") };
        assert!(figuring.work_with(&run, false, fails).is_some());
        assert!(figuring.work_with(&run, false, fails).is_none());
        assert!(figuring.standings().is_none());
        figuring.changed();
        assert!(figuring.work(&run, false).is_none() && figuring.standings().is_some(), "it is tried again");
    }
}
