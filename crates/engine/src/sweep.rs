//! Does the runs of a sweep group by group. Runs over the same tokens form a group, which goes through the engine as the variants of one
//! experiment.
//!
//! The figures of a run are computed on the host from integers in a fixed order, so they are the same to the last bit whichever engine ran
//! it, whatever else was in the group, and however often the sweep was interrupted. Every few seconds the state of the group in progress is
//! offered for saving ([`Halfway`]); a sweep that is given such a state ([`Begun`]) continues from it.

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

/// Work is done in pieces of about this duration; after each, the caller may stop the sweep.
const PIECE: Duration = Duration::from_millis(50);
/// The largest number of steps in a piece, and of loads in its rows, which bounds the memory for rows.
const MOST_AT_ONCE: u32 = 256;
const MOST_LOADS: usize = 4 << 20;
/// How many times a lost GPU is opened again before the sweep continues on the CPU.
const REOPENINGS: u32 = 2;
/// The time between two offers to save the state, unless saving is slow ([`KEPT_SHARE`]): a killed sweep loses about this much work.
const KEPT_EVERY: Duration = Duration::from_secs(2);
/// The time between two offers is at least this many times the time that saving took.
const KEPT_SHARE: u32 = 25;

/// What a sweep reports while it runs.
#[derive(Debug)]
pub enum News<'a> {
    /// This many more steps were done, summed over runs.
    Steps(u64),
    /// These runs are done: their numbers in the plan and their outcomes, by rising number.
    Runs(&'a [(usize, Outcome)]),
    /// The state of the group in progress, for the receiver to save.
    Halfway(Halfway<'a>),
    /// The engine was replaced or opened again; a sentence for the user.
    Engine(String),
}

/// Checks what a plan cannot check alone: whether its trace fits every combination of values.
///
/// # Errors
/// The first combination that does not fit.
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

/// The engines of a sweep: the one asked for, and the CPU for groups that it cannot run.
struct Engines {
    choice: EngineChoice,
    kept_every: Duration,
    first: Box<dyn Engine>,
    spare: CpuEngine,
    reopened: u32,
}

/// Does the given runs of a plan and reports to `each`, which returns whether to continue. Returns whether all runs are done, and the
/// engine.
///
/// # Errors
/// The engine asked for is not available, or a combination does not fit the trace.
pub fn run(
    plan: &Plan,
    trace: Option<&Arc<Trace>>,
    runs: &[usize],
    choice: EngineChoice,
    each: impl FnMut(News<'_>) -> bool,
) -> Result<(bool, EngineInfo), EngineError> {
    go_on(plan, trace, runs, None, choice, each)
}

/// As [`run`], but starts with the group in `begun`, if there is one, from the step it had reached.
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

/// As [`go_on`] on the CPU, but offers the state for saving after every piece. For tests.
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

/// As [`run`], on the given engine for as long as it works.
///
/// # Errors
/// A combination does not fit the trace.
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
        // A saved group is dropped if some of its runs are done by now, since they need not be done again.
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

    /// Does one group. Returns `None` if `each` stopped it.
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
            // There is no saved state or it does not fit: start at the first step.
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

    /// Chooses the engine to continue with. Returns false if `each` stops the sweep. The CPU engine never fails, so this happens finitely
    /// often.
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
        // Not an error: the CPU does what the GPU does not support, without a report.
        log::debug!("a group of the sweep is done by the CPU: {error}");
        true
    }
}

/// What was recorded of one run so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Seen {
    tracker: Tracker,
    /// The biases after each of the last [`RECENT`] steps of the run, \[step\]\[expert\], Q32.
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

    /// Whether it belongs to a run with this many experts.
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

/// A sweep on a thread of its own. Dropping it stops the sweep.
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

/// The results of a sweep so far.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The outcome of every run of the plan; `None` if the run is not done.
    pub outcomes: Vec<Option<Outcome>>,
    /// Increases whenever something was added.
    pub version: u64,
    /// How the sweep ended; `None` while it runs.
    pub ended: Option<Ended>,
}

/// How a sweep ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// Whether all runs are done.
    pub whole: bool,
    /// How long it took.
    pub took: Duration,
    /// The engine that ran it, if one could be opened.
    pub engine: Option<EngineInfo>,
    /// What went wrong, if anything, as a sentence.
    pub trouble: Option<String>,
}

impl Sweep {
    /// Starts the runs of a plan whose outcome is not known yet. `wake` is called whenever there is something new.
    ///
    /// # Errors
    /// The operating system could not start a thread.
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
                    // A sweep in the window is not saved while it runs.
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

    /// A sweep that is over, with the outcomes known from it.
    #[must_use]
    pub fn known(plan: Arc<Plan>, mut outcomes: Vec<Option<Outcome>>) -> Self {
        outcomes.resize(plan.len(), None);
        let whole = outcomes.iter().all(Option::is_some);
        let ended = Some(Ended { whole, took: Duration::ZERO, engine: None, trouble: None });
        let found = Mutex::new(Found { outcomes, version: 0, ended });
        let shared = Arc::new(Shared { found, steps: AtomicU64::new(0), cancelled: AtomicBool::new(false) });
        Self { plan, shared, total: 0, began: Instant::now() }
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The results so far. They stay locked while the guard lives, so hold it only briefly.
    pub fn found(&self) -> std::sync::MutexGuard<'_, Found> {
        lock(&self.shared.found)
    }

    /// The share of the steps done, in \[0, 1\].
    #[must_use]
    pub fn share(&self) -> f64 {
        self.shared.steps.load(Ordering::Relaxed) as f64 / self.total.max(1) as f64
    }

    /// The estimated time left; `None` during the first second.
    #[must_use]
    pub fn left(&self) -> Option<Duration> {
        let (share, elapsed) = (self.share(), self.began.elapsed());
        (share > 0.0 && elapsed > Duration::from_secs(1)).then(|| elapsed.mul_f64((1.0 - share).max(0.0) / share))
    }

    /// Asks the sweep to stop; outcomes found so far remain.
    pub fn cancel(&self) {
        self.shared.cancelled.store(true, Ordering::Relaxed);
    }
}

impl Drop for Sweep {
    fn drop(&mut self) {
        self.cancel();
    }
}
