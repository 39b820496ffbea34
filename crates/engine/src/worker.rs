//! The worker: one thread that simulates. It receives [`Message`]s and returns [`Echo`]es and the newest [`Snapshot`].
//!
//! The thread sleeps when it has no work, so a paused lab uses no CPU time, and the screen never waits for it.

mod drawing;
mod engines;
mod figures;
mod pace;
mod runs;

pub use runs::KEPT_BYTES;
use runs::Request;

use super::detail::Detail;
use super::message::{Echo, Exported, Kept, Message, Seeking, Snapshot, Speed, VariantView};
use super::microscope::Microscope;
use super::routes::Routes;
use super::run::{Run, lock};
use super::start::{RunId, Start};
use super::theory::theorist::Theorist;
use super::view::Picture;
use super::watcher::{self, Watcher};
use super::{Engine, EngineChoice, background};
use moebias_model::balance::rates_at;
use moebias_model::config::ConfigError;
use moebias_model::fixed::from_q32;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A chunk of steps takes about this long, so that messages are handled soon.
const CHUNK: Duration = Duration::from_millis(8);
/// The shortest time between two snapshots while playing.
const FRAME: Duration = Duration::from_millis(16);
/// A seek that takes longer than this publishes its progress.
const SEEK_SHOWS: Duration = Duration::from_millis(150);
/// After the device has been lost this many times within a minute, the worker stays on the CPU.
const LOSSES: usize = 3;

/// The handle by which the owner talks to the worker's thread. Dropping it ends the thread.
#[derive(Debug)]
pub struct Worker {
    messages: Sender<Message>,
    echoes: Receiver<Echo>,
    latest: Arc<Mutex<Arc<Snapshot>>>,
    thread: Option<JoinHandle<()>>,
}

/// The worker's thread has ended, so there are no more echoes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the simulation's thread has ended")]
pub struct WorkerGone;

/// Called on the worker's thread or one of its helpers whenever there is something new to draw.
pub type Wake = Box<dyn Fn() + Send + Sync>;

impl Worker {
    /// Starts the thread with a run at its first step, paused.
    ///
    /// # Errors
    /// The start is not valid, or the system could not start a thread.
    pub fn spawn(run: RunId, start: Start, engine: EngineChoice, wake: Wake) -> Result<Self, ConfigError> {
        let (messages, inbox) = mpsc::channel();
        let (outbox, echoes) = mpsc::channel();
        let run = Run::new(run, start)?;
        let mut state = Inside::new(run, inbox, outbox, wake);
        let latest = Arc::clone(&state.latest);
        let thread = background::spawn("moebias-worker", move || {
            state.choose(engine);
            state.run();
        });
        let thread = thread.map_err(|e| ConfigError {
            setting: "the worker thread".into(),
            value: e.to_string(),
            allowed: "startable: close other programs and try again".into(),
        })?;
        Ok(Self { messages, echoes, latest, thread: Some(thread) })
    }

    /// Sends a message. Returns false if the thread has ended.
    pub fn send(&self, message: Message) -> bool {
        self.messages.send(message).is_ok()
    }

    /// The newest snapshot.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&lock(&self.latest))
    }

    /// The next echo, or `None` if none is waiting.
    ///
    /// # Errors
    /// The thread has ended and all its echoes were read.
    pub fn echo(&self) -> Result<Option<Echo>, WorkerGone> {
        match self.echoes.try_recv() {
            Ok(echo) => Ok(Some(echo)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(WorkerGone),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.send(Message::Quit);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// The state of the worker's thread: the run, and what belongs to it grouped by purpose.
struct Inside {
    inbox: Receiver<Message>,
    outbox: Sender<Echo>,
    wake: Arc<dyn Fn() + Send + Sync>,
    latest: Arc<Mutex<Arc<Snapshot>>>,
    run: Run,
    parked: runs::Parked,
    engines: engines::Engines,
    pace: pace::Pace,
    going: Going,
    drawing: drawing::Drawing,
    watching: Watching,
    published: Instant,
    /// The number of requests answered so far.
    answered: u64,
    /// The number of runs set aside by branching so far; the ids of these runs are made from it.
    asides: u64,
    changed: bool,
    quit: bool,
}

/// The seek in progress, if there is one.
#[derive(Default)]
struct Going {
    seeking: Option<(Seeking, Instant)>,
    /// Changes that arrived during a seek and wait for its end.
    held: Vec<Message>,
}

/// What panes have asked for in addition to the run. What is not asked for is not computed.
#[derive(Default)]
struct Watching {
    /// The price view for the Theory pane.
    theorist: Option<Box<Theorist>>,
    /// The figures for the Comparison pane.
    figures: figures::Figuring,
    /// Every number of one step, for the Microscope pane.
    microscope: Option<Box<Watcher<Microscope>>>,
    /// The experts of the tokens of one step, for the Text pane.
    routes: Option<Box<Watcher<Routes>>>,
    /// Single steps of a range that the history keeps only in coarse columns.
    detail: Option<Detail>,
}

impl Inside {
    fn new(mut run: Run, inbox: Receiver<Message>, outbox: Sender<Echo>, wake: Wake) -> Self {
        let now = Instant::now();
        let engines = engines::Engines::new("CPU while the GPU is opened");
        let drawing = drawing::Drawing::new(&mut run);
        let pace = pace::Pace::new();
        let first = snapshot(&run, engines.engine.as_ref(), &drawing.picture);
        Self {
            inbox,
            outbox,
            wake: Arc::from(wake),
            latest: Arc::new(Mutex::new(Arc::new(first))),
            run,
            parked: runs::Parked::default(),
            engines,
            pace,
            going: Going::default(),
            drawing,
            watching: Watching::default(),
            published: now,
            answered: 0,
            asides: 0,
            changed: true,
            quit: false,
        }
    }

    fn run(&mut self) {
        while !self.quit {
            self.receive();
            self.take_engine();
            if self.going.seeking.is_some() {
                self.seek();
            } else if self.pace.playing || self.pace.remaining > 0 {
                self.play();
            }
            let idle = self.going.seeking.is_none() && !self.pace.playing && self.pace.remaining == 0;
            self.theorise(idle);
            if self.changed && (idle || self.published.elapsed() >= FRAME) {
                self.publish();
            }
        }
    }

    /// Handles every message in the inbox; waits for one only if there is no other work.
    fn receive(&mut self) {
        let wait = if self.going.seeking.is_some() || self.pace.remaining > 0 {
            Duration::ZERO
        } else if self.pace.playing {
            let wait = self.pace.until_next();
            if self.changed { wait.min(FRAME.saturating_sub(self.published.elapsed())) } else { wait }
        } else if let Some(theorist) = self.watching.theorist.as_ref().filter(|t| t.busy()) {
            if theorist.waits() { Duration::from_millis(5) } else { Duration::ZERO }
        } else if self.engines.opening.is_some() || self.changed {
            Duration::from_millis(10)
        } else {
            Duration::MAX
        };
        let first = if wait == Duration::MAX {
            self.inbox.recv().map_err(RecvTimeoutError::from)
        } else {
            self.inbox.recv_timeout(wait)
        };
        match first {
            Ok(message) => self.handle(message),
            Err(RecvTimeoutError::Timeout) => return,
            Err(RecvTimeoutError::Disconnected) => self.quit = true,
        }
        while let Ok(message) = self.inbox.try_recv() {
            self.handle(message);
        }
    }

    fn handle(&mut self, message: Message) {
        self.changed = true;
        match message {
            Message::Start { run, start, play } => self.start(run, *start, play),
            Message::Resume(id) => self.resume(id),
            Message::Fork { run, of } => self.fork(run, of),
            Message::Rename { id, run, variant, name } => self.rename(Request { id, run }, variant, name.as_deref()),
            Message::Play => self.set_playing(true),
            Message::Pause => {
                self.set_playing(false);
                self.pace.remaining = 0;
            }
            Message::Step(n) => {
                self.set_playing(false);
                self.pace.remaining = n;
            }
            Message::Seek(to) => self.start_seek(to),
            Message::CancelSeek => self.cancel_seek(),
            Message::Speed(speed) => {
                self.pace.speed = speed;
                self.pace.due = 0.0;
                self.pace.clock = Instant::now();
            }
            // A change in the middle of a seek would branch at an arbitrary step, so it waits for the end of the seek.
            Message::Change { .. } if self.going.seeking.is_some() => self.going.held.push(message),
            Message::Change { id, run, target, change } => self.change(Request { id, run }, target, change),
            Message::Mark => {
                self.run.mark();
                self.watching.figures.changed();
            }
            Message::Figures(wanted) => self.watching.figures.want(wanted),
            Message::Engine(choice) => self.choose(choice),
            Message::View(view) => {
                self.drawing.view = view;
                self.drawing.stale = true;
            }
            // The same request again: the present theorist continues with what it has computed.
            Message::Theory(request) if self.watching.theorist.as_ref().map(|t| t.request()) == request => {}
            Message::Theory(request) => {
                self.watching.theorist = request.map(|r| Box::new(Theorist::new(r)));
            }
            Message::Microscope(request) => watcher::ask(&mut self.watching.microscope, request),
            Message::Routes(request) => watcher::ask(&mut self.watching.routes, request),
            Message::Detail(from, to) => {
                if self.watching.detail.as_ref().is_none_or(|d| d.view().range != (from, to)) {
                    self.watching.detail = None;
                    self.watching.detail = Some(Detail::start(&self.run, (from, to), Arc::clone(&self.wake)));
                }
            }
            Message::Export(tag) => self.say(Echo::Exported { tag, run: Box::new(self.exported()) }),
            Message::Quit => self.quit = true,
        }
    }

    /// The run as data: what it started from, its events, and its state now.
    fn exported(&self) -> Exported {
        let simulation = self.run.simulation();
        let engine = self.engines.engine.info();
        Exported {
            run: self.run.id,
            start: self.run.as_start(),
            step: self.run.step(),
            digest: simulation.digest(),
            state: Some(simulation.state().clone()),
            experiment: simulation.experiment().clone(),
            engine: format!("{} ({})", engine.kind, engine.adapter),
        }
    }

    fn say(&self, echo: Echo) {
        self.outbox.send(echo).ok();
        (self.wake)();
    }

    fn set_playing(&mut self, on: bool) {
        self.pace.playing = on;
        self.pace.restart(self.run.step(), 0.0);
        self.drawing.stale = true;
    }

    /// Does at most `most` steps, as many as fit into [`CHUNK`]. Returns the number of steps done.
    fn chunk(&mut self, most: u64) -> u64 {
        let fits = (CHUNK.as_secs_f64() / self.pace.seconds_per_step.max(1e-7)) as u64;
        let alone = self.going.seeking.is_none()
            && self.watching.theorist.as_ref().is_some_and(|t| t.wants_one(&self.run, self.pace.asked()));
        let most = if alone { 1 } else { most };
        let steps = most.min(fits).clamp(1, 256) as u32;
        self.return_to_gpu();
        // Panes that show the last step need the state before it, so that state is kept where a snapshot is about to be published.
        let shown = self.going.seeking.is_none() && self.published.elapsed() + CHUNK >= FRAME;
        self.run.watched = alone || shown || u64::from(steps) >= most;
        let started = Instant::now();
        let before = self.run.step();
        let outcome = self.run.advance(self.engines.engine.as_mut(), steps, |_, _| {});
        let done = self.run.step() - before;
        if done > 0 {
            let each = started.elapsed().as_secs_f64() / done as f64;
            self.pace.seconds_per_step += 0.3 * (each - self.pace.seconds_per_step);
            self.changed = true;
            self.drawing.stale = true;
            if let Some(theorist) = &mut self.watching.theorist {
                theorist.step_done(&self.run, alone);
            }
        }
        if let Err(e) = outcome {
            self.recover(&e);
        }
        done
    }

    /// Continues the price view, if it was asked for.
    fn theorise(&mut self, idle: bool) {
        if self.going.seeking.is_some() {
            return;
        }
        if let Some(theorist) = &mut self.watching.theorist {
            self.changed |= theorist.work(&mut self.run, !idle);
            if let Some(trouble) = theorist.trouble() {
                self.say(Echo::Trouble(trouble));
            }
        }
    }

    fn play(&mut self) {
        let stop = self.run.start.stop.filter(|&s| s > self.run.step());
        let to_stop = stop.map_or(u64::MAX, |s| s - self.run.step());
        let wanted = self.pace.wanted();
        if wanted == 0 {
            return;
        }
        let done = self.chunk(wanted.min(to_stop));
        self.pace.did(done);
        if self.pace.playing && stop.is_some_and(|s| self.run.step() >= s) {
            self.set_playing(false);
            self.say(Echo::Stopped { step: self.run.step() });
        }
        self.pace.measure(self.run.step());
    }

    /// Restores the nearest checkpoint before step `to`; the main loop computes the steps from there.
    fn start_seek(&mut self, to: u64) {
        let to = to.max(self.run.first_step());
        self.pace.remaining = 0;
        let from = self.going.seeking.map_or(self.run.step(), |(s, _)| s.from);
        self.run.rewind_towards(to);
        self.going.seeking = Some((Seeking { from, to, at: self.run.step() }, Instant::now()));
        self.drawing.stale = true;
        if let Some(theorist) = &mut self.watching.theorist {
            theorist.changed(None);
        }
    }

    fn cancel_seek(&mut self) {
        if self.going.seeking.take().is_some() {
            self.drawing.stale = true;
            self.say(Echo::SeekCancelled { step: self.run.step() });
            self.refuse_held("going to its step was cancelled");
        }
    }

    fn seek(&mut self) {
        let Some((seek, since)) = self.going.seeking else { return };
        if self.run.step() < seek.to {
            self.chunk(seek.to - self.run.step());
        }
        if self.run.step() >= seek.to {
            self.going.seeking = None;
            self.pace.restart(self.run.step(), self.pace.meter.2);
            self.drawing.stale = true;
            self.published = Instant::now().checked_sub(FRAME).unwrap_or_else(Instant::now);
            self.release();
        } else {
            self.going.seeking = Some((Seeking { at: self.run.step(), ..seek }, since));
        }
        self.changed = true;
    }

    /// Handles the changes that waited for the end of the seek.
    fn release(&mut self) {
        for message in std::mem::take(&mut self.going.held) {
            self.handle(message);
        }
    }

    fn publish(&mut self) {
        // A short seek is not shown step by step; a long one shows its progress.
        if self.going.seeking.is_some_and(|(_, since)| since.elapsed() < SEEK_SHOWS) {
            return;
        }
        let moving = self.pace.playing || self.going.seeking.is_some();
        if self.going.seeking.is_none() {
            self.drawing.draw(&mut self.run, moving);
        }
        let mut next = snapshot(&self.run, self.engines.engine.as_ref(), &self.drawing.picture);
        if let Some(trouble) = self.watching.figures.work(&self.run, moving || self.pace.remaining > 0) {
            self.say(Echo::Trouble(trouble));
        }
        next.figures = self.watching.figures.standings();
        next.theory = self.watching.theorist.as_ref().map(|t| Arc::clone(t.theory()));
        let there = self.going.seeking.is_none().then_some(&self.run);
        next.microscope = self.watching.microscope.as_mut().and_then(|w| w.look(there, self.answered, moving));
        next.routes = self.watching.routes.as_mut().and_then(|w| w.look(there, self.answered, moving));
        next.answered = self.answered;
        next.kept = self.parked.kept();
        next.detail = self.watching.detail.as_ref().map(|d| d.view().clone());
        next.playing = self.pace.playing;
        next.speed = self.pace.speed;
        next.steps_per_second = if self.pace.playing { self.pace.meter.2 } else { 0.0 };
        next.seeking = self.going.seeking.map(|(s, _)| s);
        *lock(&self.latest) = Arc::new(next);
        self.published = Instant::now();
        self.changed = false;
        (self.wake)();
    }
}

fn snapshot(run: &Run, engine: &dyn Engine, picture: &Arc<Picture>) -> Snapshot {
    let simulation = run.simulation();
    let state = simulation.state();
    let experiment = simulation.shared_experiment();
    let variants = state.variants.iter().zip(&experiment.variants).enumerate().map(|(i, (s, v))| {
        let n = state.step.saturating_sub(s.schedule_from) + 1;
        VariantView {
            loads: run.loads.get(i).cloned().unwrap_or_default(),
            bias: s.bias.clone(),
            metrics: run.metrics.get(i).copied().unwrap_or_default(),
            digest: s.digest,
            rate: from_q32(rates_at(&v.balancer, state.step, s.schedule_from).rate),
            schedule_n: n,
            findings: run.findings(i),
        }
    });
    Snapshot {
        run: run.id,
        answered: 0,
        step: state.step,
        head: run.head,
        playing: false,
        speed: Speed::Steps(60.0),
        steps_per_second: 0.0,
        seeking: None,
        experiment: Arc::clone(experiment),
        batch: simulation.batch(),
        routed: Arc::clone(&run.routed.0),
        routed_batch: run.routed.1,
        variants: variants.collect(),
        digest: simulation.digest(),
        events: Arc::clone(&run.events),
        ignored: Arc::clone(&run.ignored),
        kept: Kept::default(),
        engine: engine.info().clone(),
        stop: run.start.stop,
        picture: Arc::clone(picture),
        theory: None,
        figures: None,
        microscope: None,
        routes: None,
        history: Arc::clone(&run.history),
        detail: None,
        trace: simulation.trace().cloned(),
    }
}

#[cfg(test)]
mod tests;
