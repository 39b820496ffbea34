//! The picture for the heatmap: made when it is out of date, and no more often than the run can afford.

use crate::cpu::CpuEngine;
use crate::run::Run;
use crate::view::{Picture, Rows, ViewRequest, picture, picture_ahead};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Pictures of the live batch are at least this far apart: faster is noise.
const LIVE_FRAME: Duration = Duration::from_millis(100);

/// The newest picture and when the next is due.
pub(super) struct Drawing {
    pub(super) view: ViewRequest,
    pub(super) picture: Arc<Picture>,
    /// The picture is not of the present step, or not of what is asked for.
    pub(super) stale: bool,
    /// Does the last step again, to look at it.
    beside: CpuEngine,
    made: Instant,
    cost: Duration,
}

impl Drawing {
    pub(super) fn new(run: &mut Run) -> Self {
        let view = ViewRequest::default();
        Self {
            view,
            picture: Arc::new(picture_ahead(run.simulation_mut(), view)),
            stale: false,
            beside: CpuEngine::new("beside the run"),
            made: Instant::now(),
            cost: Duration::ZERO,
        }
    }

    /// Makes the picture anew where it is stale and due.
    pub(super) fn draw(&mut self, run: &mut Run, moving: bool) {
        let slow = self.view.rows != Rows::Probe && moving && self.view == self.picture.request;
        // A costly picture of a running batch is made more rarely, so that it takes a tenth of the time at most, or a third while one
        // zooms and pans.
        let rest = if slow { LIVE_FRAME.max(9 * self.cost) } else { 2 * self.cost };
        let due = !moving || self.view.rows == Rows::Probe || self.made.elapsed() >= rest;
        if !self.stale || !due {
            return;
        }
        let began = Instant::now();
        self.picture = Arc::new(match run.before_last(&mut self.beside) {
            Some(mut before) => picture(&mut before, self.view),
            None => picture_ahead(run.simulation_mut(), self.view),
        });
        self.made = Instant::now();
        self.cost = began.elapsed();
        self.stale = false;
    }
}
