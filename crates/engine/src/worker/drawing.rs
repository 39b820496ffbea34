//! The picture for the heatmap. It is remade when it is out of date, but not so often that it slows the run down.

use crate::cpu::CpuEngine;
use crate::run::Run;
use crate::view::{Picture, Rows, ViewRequest, picture, picture_ahead};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The shortest time between two pictures of the live batch: more of them would only flicker.
const LIVE_FRAME: Duration = Duration::from_millis(100);

/// The newest picture, and what decides when the next one is due.
pub(super) struct Drawing {
    pub(super) view: ViewRequest,
    pub(super) picture: Arc<Picture>,
    /// Whether the picture is of an earlier step or of another request.
    pub(super) stale: bool,
    /// Repeats the last step beside the run.
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

    /// Remakes the picture if it is stale and due.
    pub(super) fn draw(&mut self, run: &mut Run, moving: bool) {
        let slow = self.view.rows != Rows::Fixed && moving && self.view == self.picture.request;
        // While the run moves, a costly picture takes at most a tenth of the time, or a third while the user zooms and pans.
        let rest = if slow { LIVE_FRAME.max(9 * self.cost) } else { 2 * self.cost };
        let due = !moving || self.view.rows == Rows::Fixed || self.made.elapsed() >= rest;
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
