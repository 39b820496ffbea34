//! Computes the price view for the worker while the Theory pane is visible. Each step is examined as it is done; earlier steps are caught
//! up on while the run is paused; slow work (the exact optimum, the reference sample) is done on a second thread.

use super::super::background;
use super::super::cpu::CpuEngine;
use super::super::run::{Replay, Run, lock};
use super::{
    Examined, Node, Online, Point, Solved, Theory, TheoryRequest, bias_of_state, examine, nodes_of, reference, sizes,
};
use moebias_model::config::{Experiment, Gate, Source};
use moebias_model::fixed::from_q32;
use moebias_model::theory::band;
use moebias_model::theory::batch_size::Size;
use moebias_model::theory::online::Reference;
use moebias_model::theory::optimum::{self, Optimum};
use moebias_model::theory::{Problem, lagrangian::per_token};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::time::{Duration, Instant};

/// The largest number of steps kept for the curves.
const MOST_POINTS: usize = 4096;
/// While the run is paused, this many steps before the present one are examined too.
const CATCH_UP: u64 = 300;
/// Duration of one slice of work, so that messages are handled soon.
const SLICE: Duration = Duration::from_millis(8);
/// The shortest time between two updates of the view while the run plays.
const REST: Duration = Duration::from_millis(100);
/// Every step is examined if the run does at most this many steps per second with at most this many token–expert pairs.
const EACH: (f64, usize) = (60.0, 4096 * 64);
/// While fresh batches play, the optimum is solved only for problems with at most this many moves, K·T·(E − K).
const SOLVED_IN_PLAY: usize = 1 << 18;

/// What a reference sample depends on; if it changes, a new sample is needed.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    source: Source,
    seed: u32,
    router: (Gate, u32, u32),
    /// The drift, in sixty-fourths of a topic lifetime.
    phase: u64,
}

/// Work for the second thread.
enum Job {
    Optimum { id: u64, problem: Arc<Problem>, prices: Vec<i64> },
    Reference { key: Key, problem: Problem, prices: Vec<i64> },
    Nodes { reference: Arc<Reference>, states: Vec<(u64, Vec<f64>)> },
}

/// The result of a [`Job`].
enum Answer {
    Optimum(u64, Option<Optimum>),
    Reference(Key, Reference),
    Nodes(Vec<Node>),
}

impl Job {
    fn done(self) -> Answer {
        match self {
            Self::Optimum { id, problem, prices } => Answer::Optimum(id, optimum::solve(&problem, &prices)),
            Self::Reference { key, problem, prices } => {
                let whole = matches!(key.source, Source::Fixed(_));
                Answer::Reference(key, Reference::new(problem, &prices, whole))
            }
            Self::Nodes { reference, states } => {
                Answer::Nodes(states.iter().map(|(step, bias)| Node::new(&reference, *step, bias)).collect())
            }
        }
    }
}

/// Computes the price view; see the module.
pub struct Theorist {
    request: TheoryRequest,
    engine: CpuEngine,
    /// The steps examined, each with the number of its problem.
    points: BTreeMap<u64, (Point, u64)>,
    blocked: Option<String>,
    latest: Option<Arc<Examined>>,
    /// The number of the present problem; increases whenever the tokens differ from those before.
    problem: u64,
    largest_step: Option<i64>,
    optimum: Option<(u64, Option<Arc<Optimum>>)>,
    reference: Option<(Key, Arc<Reference>)>,
    nodes: BTreeMap<u64, Node>,
    /// The state at which the step size schedule has n = 1, and the state up to which regret is evaluated.
    states: (u64, u64),
    sizes: Arc<Vec<Vec<Size>>>,
    job: Option<Receiver<Answer>>,
    /// The settings under which the second thread panicked; it is not started again until they change.
    broken: Option<Arc<Experiment>>,
    trouble: Option<String>,
    #[cfg(test)]
    pub(super) dies: bool,
    replay: Option<(Replay, u64)>,
    stale: bool,
    made: Instant,
    theory: Arc<Theory>,
}

impl Theorist {
    /// A theorist that has examined nothing yet.
    #[must_use]
    pub fn new(request: TheoryRequest) -> Self {
        Self {
            request,
            engine: CpuEngine::new("beside the run"),
            points: BTreeMap::new(),
            blocked: None,
            latest: None,
            problem: 0,
            largest_step: None,
            optimum: None,
            reference: None,
            nodes: BTreeMap::new(),
            states: (0, 0),
            sizes: Arc::default(),
            job: None,
            broken: None,
            trouble: None,
            #[cfg(test)]
            dies: false,
            replay: None,
            stale: true,
            made: Instant::now().checked_sub(REST).unwrap_or_else(Instant::now),
            theory: Arc::new(Theory { request, busy: true, ..Theory::default() }),
        }
    }

    /// The request it works on.
    #[must_use]
    pub fn request(&self) -> TheoryRequest {
        self.request
    }

    /// The newest price view.
    #[must_use]
    pub fn theory(&self) -> &Arc<Theory> {
        &self.theory
    }

    /// Call this after a seek (`None`), or when steps from `from` on have been discarded by a change.
    pub fn changed(&mut self, from: Option<u64>) {
        self.stale = true;
        self.replay = None;
        if let Some(step) = from {
            self.points.retain(|&s, _| s < step);
            self.nodes.retain(|&s, _| s <= step);
        }
    }

    /// Whether the next step must be done alone: because every step is examined, or because an update of the view is due.
    #[must_use]
    pub fn wants_one(&self, run: &Run, steps_per_second: f64) -> bool {
        let pairs = |v: &moebias_model::config::Variant| run.simulation().batch() as usize * v.router.experts as usize;
        let small = run.simulation().experiment().variants.iter().map(pairs).max().unwrap_or(0) <= EACH.1;
        (small && steps_per_second <= EACH.0) || self.made.elapsed() >= REST
    }

    /// Call this after steps were done. Examines the last one if `each` is set and the price view applies.
    pub fn step_done(&mut self, run: &Run, each: bool) {
        self.stale = true;
        if each && self.blocked.is_none() {
            self.look(run);
        }
    }

    fn look(&mut self, run: &Run) {
        if self.latest.as_ref().is_some_and(|e| e.step + 1 == run.step() && self.points.contains_key(&e.step)) {
            return;
        }
        self.blocked = None;
        let Some(mut before) = run.before_last(&mut self.engine) else {
            self.latest = None;
            return;
        };
        match examine(&mut before, &mut self.engine, self.request.variant) {
            Ok(examined) => self.take(examined),
            Err(why) => {
                self.blocked = Some(why);
                self.latest = None;
            }
        }
    }

    fn take(&mut self, mut examined: Examined) {
        match &self.latest {
            Some(last) if *last.problem == *examined.problem => examined.problem = Arc::clone(&last.problem),
            _ => {
                self.problem += 1;
                self.largest_step = examined.band_applies().then(|| band::largest_step(&examined.problem)).flatten();
            }
        }
        self.keep(&examined, self.problem);
        self.latest = Some(Arc::new(examined));
    }

    fn keep(&mut self, examined: &Examined, id: u64) {
        let mut point = examined.point();
        point.optimum = self.known(id).map(|o| examined.score(o.value));
        self.points.insert(point.step, (point, id));
        while self.points.len() > MOST_POINTS {
            self.points.pop_first();
        }
    }

    fn known(&self, id: u64) -> Option<&Arc<Optimum>> {
        self.optimum.as_ref().filter(|(of, _)| *of == id).and_then(|(_, o)| o.as_ref())
    }

    /// The error message of the last failure, handed out once.
    pub fn trouble(&mut self) -> Option<String> {
        self.trouble.take()
    }

    /// Whether there is still something to compute while the run is paused.
    #[must_use]
    pub fn busy(&self) -> bool {
        self.job.is_some() || self.replay.is_some() || self.stale
    }

    /// Whether there is nothing to do but to wait for the second thread.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.job.is_some() && self.replay.is_none() && !self.stale
    }

    /// Does a slice of the work. Returns true if there is something new to show.
    pub fn work(&mut self, run: &mut Run, playing: bool) -> bool {
        let mut news = self.hear(run);
        if self.stale && (!playing || self.made.elapsed() >= REST) {
            self.look(run);
            let before = run.before_last(&mut self.engine);
            self.sizes = before.map(|mut b| Arc::new(sizes(&b.next_batch()))).unwrap_or_default();
            self.made = Instant::now();
            self.stale = false;
            news = true;
        }
        if !playing && self.blocked.is_none() {
            news |= self.catch_up(run);
        }
        if self.broken.as_ref().is_some_and(|b| **b != *run.simulation().experiment()) {
            self.broken = None;
        }
        if self.job.is_none() && self.blocked.is_none() && self.broken.is_none() {
            self.begin(run, playing);
        }
        if news {
            self.publish(run, playing);
        }
        news
    }

    /// Examines earlier steps that have not been examined, for one slice of time. Returns true if there may be new points.
    fn catch_up(&mut self, run: &Run) -> bool {
        let until = run.step().saturating_sub(1);
        if self.replay.is_none() {
            let from = until.saturating_sub(CATCH_UP).max(run.first_step());
            let Some(missing) = (from..until).find(|s| !self.points.contains_key(s)) else { return false };
            self.replay = run.replay(missing, &mut self.engine).map(|r| (r, until));
        }
        let Some((mut replay, until)) = self.replay.take() else { return false };
        let started = Instant::now();
        while replay.simulation.step() < until && started.elapsed() < SLICE {
            match examine(&mut replay.simulation, &mut self.engine, self.request.variant) {
                Ok(examined) => {
                    let same = self.latest.as_ref().is_some_and(|l| *l.problem == *examined.problem);
                    // Problem 0 never gets an optimum: the tokens of other batches are not kept.
                    let id = if same { self.problem } else { 0 };
                    self.keep(&examined, id);
                }
                // The price view does not apply to this earlier step: another rule was in force.
                Err(_) => return self.points.len() > 1,
            }
            replay.apply_due();
        }
        if replay.simulation.step() < until {
            self.replay = Some((replay, until));
        }
        true
    }

    /// Takes in the result of the second thread, if there is one.
    fn hear(&mut self, run: &Run) -> bool {
        let Some(job) = &self.job else { return false };
        match job.try_recv() {
            Ok(Answer::Optimum(id, found)) => {
                let found = found.map(Arc::new);
                if let (Some(optimum), Some(latest)) = (&found, &self.latest) {
                    let per = per_token(&latest.problem, optimum.value * latest.problem.experts() as i64);
                    self.points.values_mut().filter(|(_, of)| *of == id).for_each(|(p, _)| p.optimum = Some(per));
                }
                self.optimum = Some((id, found));
            }
            Ok(Answer::Reference(key, found)) => {
                self.nodes.clear();
                self.reference = Some((key, Arc::new(found)));
            }
            Ok(Answer::Nodes(nodes)) => self.nodes.extend(nodes.into_iter().map(|n| (n.step, n))),
            Err(TryRecvError::Empty) => return false,
            Err(TryRecvError::Disconnected) => {
                self.broken = Some(Arc::clone(run.simulation().shared_experiment()));
                let text = "A part of the price view failed unexpectedly; it is tried again once a setting changes";
                self.trouble = Some(text.into());
            }
        }
        self.job = None;
        self.states.1 = run.step();
        true
    }

    /// Gives the second thread the next job, if there is one.
    fn begin(&mut self, run: &mut Run, playing: bool) {
        let key = self.key(run);
        let variant = self.request.variant;
        let job = if let Some(job) = self.optimum_job(playing) {
            Some(job)
        } else if self.reference.as_ref().is_none_or(|(k, _)| *k != key) {
            // While a setting of the source is dragged, samples are out of date at once; they are still solved one at a time.
            reference(run.simulation_mut(), variant).map(|(problem, prices)| Job::Reference { key, problem, prices })
        } else {
            self.nodes_job(run)
        };
        let Some(job) = job else { return };
        let (send, receive) = mpsc::channel();
        #[cfg(test)]
        let dies = self.dies;
        let work = move || {
            #[cfg(test)]
            assert!(!dies, "as the test wants it");
            send.send(job.done()).ok()
        };
        match background::spawn("moebias-theory", work) {
            Ok(_) => self.job = Some(receive),
            Err(e) => {
                self.broken = Some(Arc::clone(run.simulation().shared_experiment()));
                self.trouble = Some(format!("There is no thread for the price view: {e}"));
            }
        }
    }

    fn optimum_job(&self, playing: bool) -> Option<Job> {
        let latest = self.latest.as_ref()?;
        let p = &latest.problem;
        let known = self.optimum.as_ref().is_some_and(|(id, _)| *id == self.problem);
        let moves = p.tokens() * p.top_k() * (p.experts() - p.top_k());
        let now = !playing || latest.fixed || moves <= SOLVED_IN_PLAY;
        let wanted = !known && now && optimum::solvable(p.tokens(), p.experts(), p.top_k());
        wanted.then(|| Job::Optimum { id: self.problem, problem: Arc::clone(p), prices: latest.before.prices.clone() })
    }

    fn nodes_job(&mut self, run: &Run) -> Option<Job> {
        let (_, reference) = self.reference.as_ref()?;
        let simulation = run.simulation();
        let variant = self.request.variant;
        let state = simulation.state().variants.get(variant)?;
        let first = run.first_step();
        let from = state.schedule_from.max(first);
        self.states = (from, run.step());
        let history = lock(&run.history);
        let of = history.variants.get(variant)?;
        let missing = nodes_of(from, run.step()).into_iter().filter(|s| !self.nodes.contains_key(s));
        let mut states: Vec<(u64, Vec<f64>)> = vec![];
        for s in missing {
            let bias = if s == run.step() {
                state.bias.iter().map(|&b| from_q32(b)).collect()
            } else if s == first {
                match &run.start.state {
                    Some(start) => start.variants.get(variant)?.bias.iter().map(|&b| from_q32(b)).collect(),
                    None => simulation.start_bias(variant).into_iter().map(from_q32).collect(),
                }
            } else if let Some(bias) = bias_of_state(of, s, first) {
                bias
            } else {
                continue;
            };
            states.push((s, bias));
        }
        drop(history);
        (!states.is_empty()).then(|| Job::Nodes { reference: Arc::clone(reference), states })
    }

    fn key(&self, run: &Run) -> Key {
        let simulation = run.simulation();
        let experiment = simulation.experiment();
        let router = experiment.variants.get(self.request.variant).map(|v| v.router.clone()).unwrap_or_default();
        Key {
            source: experiment.source.clone(),
            seed: experiment.seed,
            router: (router.gate, router.experts, router.top_k),
            phase: simulation.state().phase >> 26,
        }
    }

    fn publish(&mut self, run: &Run, playing: bool) {
        let optimum = match (&self.latest, &self.optimum) {
            (_, Some((id, Some(found)))) if *id == self.problem => Solved::Exactly(Arc::clone(found)),
            (Some(l), _) if !optimum::solvable(l.problem.tokens(), l.problem.experts(), l.problem.top_k()) => {
                Solved::TooLarge
            }
            _ if self.broken.is_some() => Solved::Failed,
            _ if playing => Solved::WhenPaused,
            _ => Solved::Soon,
        };
        let online = self.reference.as_ref().filter(|_| self.blocked.is_none()).map(|(_, r)| {
            let wanted = nodes_of(self.states.0, self.states.1);
            Arc::new(Online {
                tokens: r.tokens(),
                prices: moebias_model::theory::online::in_score_units(&r.prices),
                lowest: r.lowest,
                curvature: r.curvature,
                from: self.states.0,
                nodes: wanted.iter().filter_map(|s| self.nodes.get(s).copied()).collect(),
            })
        });
        self.theory = Arc::new(Theory {
            request: self.request,
            at: run.step(),
            blocked: self.blocked.clone(),
            examined: self.latest.clone(),
            points: Arc::new(self.points.values().map(|(p, _)| *p).collect()),
            optimum,
            largest_step: self.largest_step,
            online,
            sizes: Arc::clone(&self.sizes),
            busy: self.busy(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::start::{RunId, Start};
    use moebias_model::change::{Change, Target};
    use moebias_model::config::{Synthetic, Variant};

    #[test]
    fn a_thread_that_dies_is_told_of_once_and_not_started_again() {
        let source = Source::Fixed(Synthetic { batch: 32, ..Default::default() });
        let experiment = Experiment { seed: 1, source, variants: vec![Variant::default()] };
        let start = Start { experiment, trace: None, state: None, events: vec![], stop: None };
        let mut run = Run::new(RunId(1), start).unwrap();
        run.watched = true;
        run.advance(&mut CpuEngine::new(""), 3, |_, _| {}).unwrap();
        let mut theorist = Theorist::new(TheoryRequest::default());
        theorist.dies = true;
        let patience = Instant::now();
        let mut told = vec![];
        while theorist.busy() || told.is_empty() {
            theorist.work(&mut run, false);
            told.extend(theorist.trouble());
            assert!(patience.elapsed() < Duration::from_secs(60), "it never ended");
            std::thread::yield_now();
        }
        assert_eq!(told.len(), 1);
        for _ in 0..50 {
            theorist.work(&mut run, false);
        }
        assert!(theorist.job.is_none() && theorist.trouble().is_none(), "nothing has changed");
        assert_eq!(theorist.theory().optimum, Solved::Failed);
        run.change(Target::AllVariants, Change::SetRate(0.5)).unwrap();
        theorist.changed(Some(run.step()));
        theorist.dies = false;
        while !matches!(theorist.theory().optimum, Solved::Exactly(_)) {
            theorist.work(&mut run, false);
            assert!(patience.elapsed() < Duration::from_secs(60), "it is not tried again");
            std::thread::yield_now();
        }
    }
}
