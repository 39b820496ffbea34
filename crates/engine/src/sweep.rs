//! Does the runs of a sweep, group by group: those over the same tokens go through the engine together, as variants of one experiment.
//!
//! What a run comes to is worked out on the host from integers, in a fixed order; so it is the same to the last bit whichever engine ran
//! it, in whose company, and however often the sweep was interrupted. Now and then the state of the group under way is offered to be kept
//! ([`Halfway`]); a sweep that begins with one ([`Begun`]) goes on in the middle of it.

mod halfway;

pub use halfway::{Begun, Halfway};

use super::cpu::CpuEngine;
use super::run::lock;
use super::{Engine, EngineChoice, EngineError, EngineInfo, background};
use moebias_model::change::{self, Target};
use moebias_model::config::{ConfigError, Source};
use moebias_model::figures::{Figures, RECENT, oscillation};
use moebias_model::fixed::from_q32;
use moebias_model::row::StepRow;
use moebias_model::step::{Simulation, routes_again};
use moebias_model::sweep::{Group, Outcome, Plan};
use moebias_model::trace::Trace;
use moebias_model::tracker::Tracker;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Work between two looks at whether to go on.
const PIECE: Duration = Duration::from_millis(50);
/// Steps in one piece, and loads in its rows: what keeps rows small.
const MOST_AT_ONCE: u32 = 256;
const MOST_LOADS: usize = 4 << 20;
/// So often a lost GPU is opened again before the CPU goes on.
const REOPENINGS: u32 = 2;
/// What is lost at most when a sweep is killed, if its state is quickly written.
const KEPT_EVERY: Duration = Duration::from_secs(2);
/// Keeping a state takes at most this part of the time.
const KEPT_SHARE: u32 = 25;

/// What a sweep has to say while it runs.
#[derive(Debug)]
pub enum News<'a> {
    /// So many more steps of single runs are done.
    Steps(u64),
    /// These runs are done, in the order of their numbers.
    Runs(&'a [(usize, Outcome)]),
    /// How far the runs under way are, for whoever keeps that.
    Halfway(Halfway<'a>),
    /// Something happened to the engine, in a sentence.
    Engine(String),
}

/// Checks what a plan alone can't: whether its trace goes with every combination.
///
/// # Errors
/// The first that does not fit.
pub fn check(plan: &Plan, trace: Option<&Arc<Trace>>) -> Result<(), ConfigError> {
    if !matches!(plan.base().source, Source::Trace(_)) {
        return Ok(());
    }
    let all: Vec<usize> = (0..plan.len()).collect();
    plan.groups(&all).into_iter().try_for_each(|g| {
        let mut experiment = g.experiment.clone();
        Simulation::new(g.experiment, trace.cloned())?;
        let Some(trace) = trace else { return Ok(()) };
        g.events.iter().try_for_each(|e| {
            change::apply(&mut experiment, e.target, &e.change)?;
            routes_again(&experiment, trace)
        })
    })
}

/// The engines of a sweep: the one that was asked for, and the CPU for what that can't do.
struct Engines {
    choice: EngineChoice,
    kept_every: Duration,
    first: Box<dyn Engine>,
    spare: CpuEngine,
    reopened: u32,
}

/// Does these runs of a plan and tells `each` how it goes, which says whether to go on. True if all are done.
///
/// # Errors
/// No engine as asked for, or a combination that does not fit its trace.
pub fn run(
    plan: &Plan,
    trace: Option<&Arc<Trace>>,
    runs: &[usize],
    choice: EngineChoice,
    each: impl FnMut(News<'_>) -> bool,
) -> Result<(bool, EngineInfo), EngineError> {
    go_on(plan, trace, runs, None, choice, each)
}

/// As [`run`], first with the group that was begun before, if there is one.
///
/// # Errors
/// As [`run`].
pub fn go_on(
    plan: &Plan,
    trace: Option<&Arc<Trace>>,
    runs: &[usize],
    begun: Option<Begun>,
    choice: EngineChoice,
    each: impl FnMut(News<'_>) -> bool,
) -> Result<(bool, EngineInfo), EngineError> {
    Engines::new(choice, super::open(choice)?).all(plan, trace, runs, begun, each)
}

/// As [`go_on`], and after every few steps the state is offered to be kept: for tests.
///
/// # Errors
/// As [`run`].
pub fn go_on_keeping_all(
    plan: &Plan,
    runs: &[usize],
    begun: Option<Begun>,
    each: impl FnMut(News<'_>) -> bool,
) -> Result<(bool, EngineInfo), EngineError> {
    let engines = Engines::new(EngineChoice::Cpu, super::open(EngineChoice::Cpu)?);
    Engines { kept_every: Duration::ZERO, ..engines }.all(plan, None, runs, begun, each)
}

/// As [`run`], on this engine for as long as it works.
///
/// # Errors
/// A combination that does not fit its trace.
pub fn run_on(
    plan: &Plan,
    trace: Option<&Arc<Trace>>,
    runs: &[usize],
    first: Box<dyn Engine>,
    each: impl FnMut(News<'_>) -> bool,
) -> Result<(bool, EngineInfo), EngineError> {
    Engines::new(EngineChoice::Gpu, first).all(plan, trace, runs, None, each)
}

impl Engines {
    fn new(choice: EngineChoice, first: Box<dyn Engine>) -> Self {
        let spare = CpuEngine::new("for what the GPU can't do");
        Self { choice, kept_every: KEPT_EVERY, first, spare, reopened: 0 }
    }

    fn all(
        mut self,
        plan: &Plan,
        trace: Option<&Arc<Trace>>,
        runs: &[usize],
        begun: Option<Begun>,
        mut each: impl FnMut(News<'_>) -> bool,
    ) -> Result<(bool, EngineInfo), EngineError> {
        let mut whole = true;
        // Runs that are done meanwhile are not done again.
        let mut begun = begun.filter(|b| b.runs.iter().all(|n| runs.contains(n)));
        let first = begun.as_ref().map(|b| plan.group(&b.runs));
        let rest: Vec<usize> =
            runs.iter().copied().filter(|n| first.as_ref().is_none_or(|g| !g.runs.contains(n))).collect();
        for group in first.into_iter().chain(plan.groups(&rest)) {
            let done = self.group(&group, begun.take(), trace, plan.steps(), &mut each);
            let done = done.map_err(|e| EngineError::Unsupported(e.to_string()))?;
            whole = done.is_some_and(|mut done| {
                done.sort_by_key(|(number, _)| *number);
                each(News::Runs(&done))
            });
            if !whole {
                break;
            }
        }
        Ok((whole, self.first.info().clone()))
    }

    /// Does one group. `None` where it was given up.
    fn group(
        &mut self,
        group: &Group,
        begun: Option<Begun>,
        trace: Option<&Arc<Trace>>,
        steps: u64,
        each: &mut impl FnMut(News<'_>) -> bool,
    ) -> Result<Option<Vec<(usize, Outcome)>>, ConfigError> {
        let variants = group.runs.len();
        let (mut simulation, mut seen) = match begun.map(|b| b.restore(group, trace.cloned())) {
            Some(Ok(restored)) => restored,
            // What was kept does not fit: from the first step.
            _ => (Simulation::new(group.experiment.clone(), trace.cloned())?, vec![Seen::default(); variants]),
        };
        each(News::Steps(simulation.step() * variants as u64));
        let (mut kept, mut wait) = (Instant::now(), self.kept_every);
        let loads: usize = simulation.state().variants.iter().map(|v| v.bias.len()).sum();
        let most = MOST_AT_ONCE.min((MOST_LOADS / loads.max(1)) as u32).max(1);
        let mut spare = false;
        let mut at_once = 1u32;
        while simulation.step() < steps {
            let here = simulation.step();
            for event in group.events.iter().filter(|e| e.step == here) {
                simulation.apply_event(event)?;
                let of = match event.target {
                    Target::Variant(i) => i..i + 1,
                    Target::Source | Target::AllVariants => 0..variants,
                };
                seen.get_mut(of).into_iter().flatten().for_each(|s| s.tracker.change());
            }
            let next = group.events.iter().map(|e| e.step).filter(|s| *s > here).min().unwrap_or(steps);
            let piece = (next.min(steps) - here).min(u64::from(at_once)) as u32;
            let engine: &mut dyn Engine = if spare { &mut self.spare } else { self.first.as_mut() };
            let (began, mut rows) = (Instant::now(), Vec::with_capacity(piece as usize));
            let outcome = engine.advance(&mut simulation, piece, &mut rows);
            seen.par_iter_mut().enumerate().for_each(|(i, seen)| seen.push(&rows, i, steps));
            if let Err(error) = outcome {
                if !self.recover(&error, &mut spare, each) {
                    return Ok(None);
                }
                continue;
            }
            let per_step = began.elapsed().as_secs_f64() / rows.len().max(1) as f64;
            at_once = ((PIECE.as_secs_f64() / per_step.max(1e-9)) as u32).clamp(1, at_once.saturating_mul(2)).min(most);
            if !each(News::Steps(rows.len() as u64 * variants as u64)) {
                return Ok(None);
            }
            if kept.elapsed() >= wait && simulation.step() < steps {
                let began = Instant::now();
                let halfway = Halfway { runs: &group.runs, state: simulation.state(), seen: &seen };
                if !each(News::Halfway(halfway)) {
                    return Ok(None);
                }
                kept = Instant::now();
                wait = self.kept_every.max(began.elapsed() * if self.kept_every.is_zero() { 0 } else { KEPT_SHARE });
            }
        }
        let digests = simulation.state().variants.iter().map(|v| v.digest);
        let figures = seen.par_iter().map(Seen::figures).collect::<Vec<_>>();
        let outcomes = figures.into_iter().zip(digests).map(|(figures, digest)| Outcome { figures, digest });
        Ok(Some(group.runs.iter().copied().zip(outcomes).collect()))
    }

    /// Finds an engine to go on with. The CPU never fails, so this ends.
    fn recover(&mut self, error: &EngineError, spare: &mut bool, each: &mut impl FnMut(News<'_>) -> bool) -> bool {
        let lost = !matches!(error, EngineError::Unsupported(_));
        if lost && self.reopened < REOPENINGS {
            self.reopened += 1;
            if let Ok(engine) = super::open(self.choice) {
                self.first = engine;
                return each(News::Engine("the GPU was reset; the sweep goes on".into()));
            }
        }
        if lost {
            self.first = Box::new(CpuEngine::new(&error.to_string()));
            return each(News::Engine(format!("the sweep goes on with the CPU: {error}")));
        }
        *spare = true;
        // No fault: what the GPU can't do, the CPU does without a word.
        log::debug!("a group of the sweep is done by the CPU: {error}");
        true
    }
}

/// What was seen of one run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Seen {
    tracker: Tracker,
    /// The biases of the last steps.
    bias: VecDeque<Vec<i64>>,
}

impl Seen {
    fn push(&mut self, rows: &[StepRow], variant: usize, steps: u64) {
        for row in rows {
            let Some(v) = row.variants.get(variant) else { continue };
            self.tracker.push(v);
            if row.step + RECENT as u64 >= steps {
                self.bias.push_back(v.bias.clone());
            }
        }
    }

    /// Whether it can go on with rows of so many experts.
    fn fits(&self, experts: usize) -> bool {
        self.tracker.fits(experts) && self.bias.len() <= RECENT && self.bias.iter().all(|b| b.len() == experts)
    }

    fn figures(&self) -> Figures {
        let experts = self.bias.front().map_or(0, Vec::len);
        let series = (0..experts).map(|e| self.bias.iter().map(|b| from_q32(b[e])).collect());
        let oscillation = oscillation(series);
        Figures { oscillation, ..self.tracker.standing().figures() }
    }
}

/// A sweep on a thread of its own. Dropped, it stops.
#[derive(Debug)]
pub struct Sweep {
    plan: Arc<Plan>,
    shared: Arc<Shared>,
    total: u64,
    began: Instant,
}

#[derive(Debug)]
struct Shared {
    found: Mutex<Found>,
    steps: AtomicU64,
    cancelled: AtomicBool,
}

/// What a sweep has found so far.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Of every run, what it came to; `None` where it is not done.
    pub outcomes: Vec<Option<Outcome>>,
    /// Changes whenever something was added.
    pub version: u64,
    /// How it ended, once it has.
    pub ended: Option<Ended>,
}

/// How a sweep ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// Whether all runs are done.
    pub whole: bool,
    /// How long it took.
    pub took: Duration,
    /// What ran it.
    pub engine: Option<EngineInfo>,
    /// What went wrong, if anything did.
    pub trouble: Option<String>,
}

impl Sweep {
    /// Starts those runs of a plan that are not known already. `wake` is called whenever there is something new.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn start(
        plan: Arc<Plan>,
        trace: Option<Arc<Trace>>,
        known: Vec<Option<Outcome>>,
        choice: EngineChoice,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> io::Result<Self> {
        let mut outcomes = known;
        outcomes.resize(plan.len(), None);
        let runs: Vec<usize> = (0..plan.len()).filter(|&n| outcomes[n].is_none()).collect();
        let total = plan.steps().saturating_mul(runs.len() as u64);
        let found = Found { outcomes, version: 0, ended: None };
        let shared =
            Arc::new(Shared { found: Mutex::new(found), steps: AtomicU64::new(0), cancelled: AtomicBool::new(false) });
        let (theirs, began) = (Arc::clone(&shared), Instant::now());
        let of = Arc::clone(&plan);
        background::spawn("moebias-sweep", move || {
            let mut told = Instant::now();
            let each = |news: News<'_>| {
                match news {
                    News::Steps(n) => {
                        theirs.steps.fetch_add(n, Ordering::Relaxed);
                        if told.elapsed() > Duration::from_millis(250) {
                            told = Instant::now();
                            wake();
                        }
                    }
                    News::Runs(done) => {
                        let mut found = lock(&theirs.found);
                        done.iter().for_each(|&(n, outcome)| found.outcomes[n] = Some(outcome));
                        found.version += 1;
                        drop(found);
                        wake();
                    }
                    // Nothing of it is on the disk before somebody saves it.
                    News::Halfway(_) => {}
                    News::Engine(words) => log::warn!("{words}"),
                }
                !theirs.cancelled.load(Ordering::Relaxed)
            };
            let outcome = run(&of, trace.as_ref(), &runs, choice, each);
            let (whole, engine, trouble) = match outcome {
                Ok((whole, engine)) => (whole, Some(engine), None),
                Err(e) => (false, None, Some(e.to_string())),
            };
            let mut found = lock(&theirs.found);
            let whole = whole || (trouble.is_none() && found.outcomes.iter().all(Option::is_some));
            found.ended = Some(Ended { whole, took: began.elapsed(), engine, trouble });
            found.version += 1;
            drop(found);
            wake();
        })?;
        Ok(Self { plan, shared, total, began })
    }

    /// A sweep that was done before, or a part of one.
    #[must_use]
    pub fn known(plan: Arc<Plan>, mut outcomes: Vec<Option<Outcome>>) -> Self {
        outcomes.resize(plan.len(), None);
        let whole = outcomes.iter().all(Option::is_some);
        let ended = Some(Ended { whole, took: Duration::ZERO, engine: None, trouble: None });
        let found = Mutex::new(Found { outcomes, version: 0, ended });
        let shared = Arc::new(Shared { found, steps: AtomicU64::new(0), cancelled: AtomicBool::new(false) });
        Self { plan, shared, total: 0, began: Instant::now() }
    }

    /// What is done.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// What was found so far. Hold it shortly.
    pub fn found(&self) -> std::sync::MutexGuard<'_, Found> {
        lock(&self.shared.found)
    }

    /// The share done, in [0, 1].
    #[must_use]
    pub fn share(&self) -> f64 {
        self.shared.steps.load(Ordering::Relaxed) as f64 / self.total.max(1) as f64
    }

    /// About how long it will still take, once that can be said.
    #[must_use]
    pub fn left(&self) -> Option<Duration> {
        let (share, elapsed) = (self.share(), self.began.elapsed());
        (share > 0.0 && elapsed > Duration::from_secs(1)).then(|| elapsed.mul_f64((1.0 - share).max(0.0) / share))
    }

    /// Asks it to stop; what is done stays.
    pub fn cancel(&self) {
        self.shared.cancelled.store(true, Ordering::Relaxed);
    }
}

impl Drop for Sweep {
    fn drop(&mut self) {
        self.cancel();
    }
}
