//! The single steps of an older range, which the history keeps only in coarse columns. They are recomputed from a checkpoint on a thread of
//! their own while the run goes on.

use super::background;
use super::cpu::CpuEngine;
use super::history::History;
use super::run::{Run, lock};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A detail that would take longer than this is given up; the user has to zoom in further.
const LONGEST: Duration = Duration::from_secs(45);
/// Time spent computing before the total time is estimated.
const ESTIMATE: Duration = Duration::from_millis(400);
/// The shortest time between two updates of what is shown.
const SHOWN: Duration = Duration::from_millis(120);
/// Steps are computed in pieces of about this duration, so that cancelling is quick.
const PIECE: Duration = Duration::from_millis(10);

const DONE: u32 = 1000;
const TOO_LONG: u32 = 1001;
const FAILED: u32 = 1002;

/// The progress of a detail.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stage {
    /// In progress: the share done, in \[0, 1\].
    Working(f32),
    /// All steps are there.
    Done,
    /// Not computed, because it would take too long from the nearest checkpoint.
    TooLong,
    /// Computing failed; the same range is not tried again.
    Failed,
}

/// A detail as the screen sees it: the range and the progress.
#[derive(Clone, Debug)]
pub struct DetailView {
    /// The steps asked for: first and end.
    pub range: (u64, u64),
    progress: Arc<AtomicU32>,
}

impl DetailView {
    /// The progress.
    #[must_use]
    pub fn stage(&self) -> Stage {
        match self.progress.load(Ordering::Relaxed) {
            DONE => Stage::Done,
            TOO_LONG => Stage::TooLong,
            FAILED => Stage::Failed,
            n => Stage::Working(n as f32 / DONE as f32),
        }
    }
}

/// A detail being computed. Dropping it cancels the computation; nothing more is shown then.
#[derive(Debug)]
pub struct Detail {
    view: DetailView,
    cancel: Arc<AtomicBool>,
}

impl Drop for Detail {
    fn drop(&mut self) {
        self.cancel.store(true, Ordering::SeqCst);
    }
}

impl Detail {
    /// Starts to recompute a range of known steps of a run. Steps computed so far are shown in the run's history in place of its coarse
    /// columns, and `wake` is called whenever there are more.
    #[must_use]
    pub fn start(run: &Run, range: (u64, u64), wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        let view = DetailView { range, progress: Arc::new(AtomicU32::new(0)) };
        let cancel = Arc::new(AtomicBool::new(false));
        let work = run.replica(range).map(|(replica, to)| Work {
            replica,
            to,
            shown: Arc::clone(&run.history),
            cancel: Arc::clone(&cancel),
            progress: Arc::clone(&view.progress),
            wake,
        });
        let Some(work) = work else {
            // There is nothing to compute.
            view.progress.store(DONE, Ordering::Relaxed);
            return Self { view, cancel };
        };
        if background::spawn("moebias-detail", move || work.guarded()).is_err() {
            view.progress.store(FAILED, Ordering::Relaxed);
        }
        Self { view, cancel }
    }

    /// What the screen sees of it.
    #[must_use]
    pub fn view(&self) -> &DetailView {
        &self.view
    }
}

/// What the thread needs.
struct Work {
    replica: Run,
    to: u64,
    shown: Arc<Mutex<History>>,
    cancel: Arc<AtomicBool>,
    progress: Arc<AtomicU32>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Work {
    /// Runs the computation; a panic only marks this detail as failed.
    fn guarded(self) {
        let (progress, wake) = (Arc::clone(&self.progress), Arc::clone(&self.wake));
        if catch_unwind(AssertUnwindSafe(|| self.run())).is_err() {
            progress.store(FAILED, Ordering::Relaxed);
            wake();
        }
    }

    fn run(mut self) {
        let mut engine = CpuEngine::new("detail");
        let (began, first) = (Instant::now(), self.replica.step());
        let mut shown = began;
        let mut piece = 1u32;
        while self.replica.step() < self.to && !self.cancel.load(Ordering::SeqCst) {
            let left = self.to - self.replica.step();
            let before = Instant::now();
            let steps = u64::from(piece).min(left) as u32;
            let Ok(done) = self.replica.advance(&mut engine, steps, |_, _| {}) else {
                self.progress.store(FAILED, Ordering::Relaxed);
                break;
            };
            let each = before.elapsed().as_secs_f64() / f64::from(done.max(1));
            piece = (PIECE.as_secs_f64() / each.max(1e-6)).clamp(1.0, 1024.0) as u32;
            let (here, all) = (self.replica.step() - first, self.to - first);
            let elapsed = began.elapsed();
            if elapsed > ESTIMATE && elapsed.as_secs_f64() / here as f64 * all as f64 > LONGEST.as_secs_f64() {
                self.progress.store(TOO_LONG, Ordering::Relaxed);
                break;
            }
            if here < all && shown.elapsed() > SHOWN {
                let share = f64::from(DONE - 1) * here as f64 / all as f64;
                self.progress.store(share as u32, Ordering::Relaxed);
                self.show();
                shown = Instant::now();
            }
        }
        if self.replica.step() >= self.to {
            self.progress.store(DONE, Ordering::Relaxed);
        }
        self.show();
    }

    fn show(&self) {
        let known = lock(&self.replica.history).clone();
        {
            let mut history = lock(&self.shown);
            // If the run has branched meanwhile, this detail was cancelled before the history was truncated.
            if self.cancel.load(Ordering::SeqCst) {
                return;
            }
            if known.head > known.first {
                history.set_detail(Some(&known));
            }
        }
        (self.wake)();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::start::{RunId, Start};
    use moebias_model::change::{Change, Target};
    use moebias_model::config::{Experiment, Source, Synthetic, Variant};
    use moebias_testing::{Patience, wait_until};

    fn run_to(step: u64) -> Run {
        let experiment = Experiment {
            seed: 3,
            source: Source::Synthetic(Synthetic { batch: 16, ..Default::default() }),
            variants: vec![Variant {
                name: "a".into(),
                router: Default::default(),
                balancer: Default::default(),
                ..Variant::default()
            }],
        };
        let start = Start { experiment, trace: None, state: None, events: vec![], stop: None };
        let mut run = Run::new(RunId(1), start).unwrap();
        // So little memory that most of the past is kept only in coarse columns.
        *lock(&run.history) = History::within(&[64], 0, 1 << 20);
        let mut engine = CpuEngine::new("");
        while run.step() < step {
            if run.step() == 500 {
                run.change(Target::AllVariants, Change::SetRate(0.02)).unwrap();
            }
            let most = if run.step() < 500 { 500 - run.step() } else { step - run.step() };
            run.advance(&mut engine, most.min(64) as u32, |_, _| {}).unwrap();
        }
        run
    }

    fn finish(detail: &Detail) -> Stage {
        let patience = Patience::new();
        while let Stage::Working(_) = detail.view().stage() {
            assert!(patience.holds());
        }
        detail.view().stage()
    }

    #[test]
    fn an_old_range_is_computed_again_as_it_was() {
        let short = run_to(700);
        let run = run_to(8000);
        let exact: Vec<_> = lock(&short.history).variants[0].columns(400, 650, 1);
        assert!(exact.iter().filter(|c| c.step >= 450).all(|c| c.steps == 1));
        assert!(lock(&run.history).variants[0].width(400, 650) > 1, "kept coarsely");
        let (mut replica, to) = run.replica((400, 650)).unwrap();
        let mut engine = CpuEngine::new("");
        while replica.step() < to {
            replica.advance(&mut engine, 64, |_, _| {}).unwrap();
        }
        let again = run_to(replica.step());
        assert_eq!(again.simulation().digest(), replica.simulation().digest());
        let detail = Detail::start(&run, (400, 650), Arc::new(|| {}));
        assert_eq!(finish(&detail), Stage::Done);
        while lock(&run.history).variants[0].width(400, 650) > 1 {
            std::thread::yield_now();
        }
        let fine = lock(&run.history).variants[0].columns(400, 650, 1);
        assert_eq!(fine.iter().filter(|c| (450..650).contains(&c.step)).count(), 200);
        for c in fine.iter().filter(|c| (450..650).contains(&c.step)) {
            assert_eq!(Some(c), exact.iter().find(|e| e.step == c.step), "the step is the same as when it ran");
        }
    }

    #[test]
    fn one_that_fails_says_so() {
        use std::sync::atomic::AtomicU32 as Count;
        let run = run_to(700);
        let woken = Arc::new(Count::new(0));
        let times = Arc::clone(&woken);
        // The closure panics at the first call, which comes when the detail has something to show.
        let dies = move || assert!(times.fetch_add(1, Ordering::SeqCst) > 0, "as the test wants it");
        let detail = Detail::start(&run, (400, 650), Arc::new(dies));
        let patience = Patience::new();
        while detail.view().stage() != Stage::Failed {
            assert!(patience.holds(), "{:?}", detail.view().stage());
        }
        while woken.load(Ordering::SeqCst) < 2 {
            assert!(patience.holds(), "nobody was told");
        }
    }

    #[test]
    fn cancelled_it_shows_nothing_more() {
        let run = run_to(3000);
        let version = lock(&run.history).version;
        let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(|| {});
        let detail = Detail::start(&run, (0, 2900), Arc::clone(&wake));
        drop(detail);
        // The detail's thread holds the other reference as long as it lives.
        wait_until("the end of its thread", || Arc::strong_count(&wake) == 1);
        let now = lock(&run.history).version;
        assert!(now <= version + 1, "at most one that was under way");
        assert_eq!(lock(&run.history).variants[0].columns(0, 3000, 1).last().unwrap().end(), 3000);
    }
}
