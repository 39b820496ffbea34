//! Keeps what a pane shows of the last step up to date, without slowing down a run that plays.

use super::cpu::CpuEngine;
use super::run::Run;
use super::start::RunId;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// While a run plays, the shortest time between two views.
const REST: Duration = Duration::from_millis(100);
/// While a run plays, the pause after a view is at least this many times the time it took, so views take at most a tenth of the time.
const SHARE: u32 = 9;

/// What a pane shows of the last step of a run.
pub trait View {
    /// What the pane asks for.
    type Request: Copy + PartialEq;

    /// The request that it answers.
    fn request(&self) -> Self::Request;

    /// Makes it beside the run. The run itself is not advanced.
    fn of_run(run: &Run, engine: &mut CpuEngine, request: Self::Request) -> Self;
}

/// Makes a view again when it is due.
pub struct Watcher<V: View> {
    request: V::Request,
    engine: CpuEngine,
    view: Option<Arc<V>>,
    /// The state of which the view is: the run, its step, and the number of requests answered by then.
    of: Option<(RunId, u64, u64)>,
    made: Instant,
    cost: Duration,
}

impl<V: View> Watcher<V> {
    /// A watcher without a view yet.
    #[must_use]
    pub fn new(request: V::Request) -> Self {
        let (made, cost) = (Instant::now(), Duration::ZERO);
        Self { request, engine: CpuEngine::new("beside the run"), view: None, of: None, made, cost }
    }

    /// Replaces the request.
    pub fn ask(&mut self, request: V::Request) {
        self.request = request;
    }

    /// The newest view, remade if that is due. Pass `None` for `run` during a seek: the view then stays as it is. `answered` tells states
    /// of the same step with different settings apart.
    pub fn look(&mut self, run: Option<&Run>, answered: u64, moving: bool) -> Option<Arc<V>> {
        let Some(run) = run else { return self.view.clone() };
        let (asked, of) =
            (self.view.as_ref().is_none_or(|v| v.request() != self.request), (run.id, run.step(), answered));
        let rest = if moving && !asked { REST.max(SHARE * self.cost) } else { Duration::ZERO };
        if (asked || self.of != Some(of)) && self.made.elapsed() >= rest {
            let began = Instant::now();
            self.view = Some(Arc::new(V::of_run(run, &mut self.engine, self.request)));
            (self.made, self.cost, self.of) = (Instant::now(), began.elapsed(), Some(of));
        }
        self.view.clone()
    }
}

/// Passes what a pane asks for on to its watcher; `None` ends watching.
pub fn ask<V: View>(watcher: &mut Option<Box<Watcher<V>>>, request: Option<V::Request>) {
    match (request, watcher) {
        (Some(request), Some(watcher)) => watcher.ask(request),
        (request, watcher) => *watcher = request.map(|r| Box::new(Watcher::new(r))),
    }
}
