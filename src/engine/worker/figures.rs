//! What the variants come to, worked out while somebody looks: a few times a second while the run plays, and at every step that it
//! stands at.

use crate::engine::message::Standings;
use crate::engine::run::Run;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// While the run plays, figures that change faster cannot be read.
const REST: Duration = Duration::from_millis(250);
/// They take a tenth of the time at most.
const SHARE: u32 = 9;

/// The figures as they were last worked out.
#[derive(Debug, Default)]
pub(super) struct Figuring {
    wanted: bool,
    made: Option<Made>,
}

#[derive(Debug)]
struct Made {
    standings: Arc<Standings>,
    at: Instant,
    cost: Duration,
}

impl Figuring {
    /// Somebody looks, or no longer.
    pub(super) fn want(&mut self, wanted: bool) {
        self.wanted = wanted;
        self.made = self.made.take().filter(|_| wanted);
    }

    /// What is known is of another run, or counted from elsewhere.
    pub(super) fn changed(&mut self) {
        self.made = None;
    }

    /// Works them out again, where they are wanted and of another step.
    pub(super) fn work(&mut self, run: &Run, moving: bool) {
        let fresh = |m: &Made| {
            let rests = moving && m.at.elapsed() < REST.max(SHARE * m.cost);
            m.standings.step == run.step() || rests
        };
        if !self.wanted || self.made.as_ref().is_some_and(fresh) {
            return;
        }
        let at = Instant::now();
        let standings = Arc::new(Standings { step: run.step(), figures: run.figures() });
        self.made = Some(Made { standings, at, cost: at.elapsed() });
    }

    /// The last there are, while somebody looks.
    pub(super) fn standings(&self) -> Option<Arc<Standings>> {
        self.made.as_ref().map(|m| Arc::clone(&m.standings))
    }
}
