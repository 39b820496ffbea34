//! Advances an experiment to a given step on an engine, without the worker thread: nothing interrupts the run.

use super::failure::Failure;
use super::progress::Progress;
use moebias_engine::cpu::CpuEngine;
use moebias_engine::run::Run;
use moebias_engine::{self as engine, Engine, EngineChoice, EngineError};
use moebias_model::metrics::Metrics;
use moebias_model::row::StepRow;
use std::time::Instant;

/// How often a lost GPU is reopened before the CPU takes over.
const REOPENINGS: u32 = 2;
/// Aimed-for time between two updates of the progress bar, seconds.
const CHUNK_SECONDS: f64 = 0.05;
/// The largest number of steps computed at once; it limits the memory that rows take.
const MOST_AT_ONCE: u32 = 256;

/// An engine with a fallback: a lost GPU is reopened, and if that fails the CPU continues. Each change is reported on stderr.
pub(super) struct Driver {
    choice: EngineChoice,
    engine: Box<dyn Engine>,
    reopened: u32,
}

impl Driver {
    /// Opens the engine of this choice.
    ///
    /// # Errors
    /// A GPU was requested and none can be used.
    pub(super) fn open(choice: EngineChoice) -> Result<Self, Failure> {
        match engine::open(choice) {
            Ok(engine) => Ok(Self { choice, engine, reopened: 0 }),
            Err(e) => Err(Failure::new(format!("no GPU can be used: {e}. `--engine cpu` needs none"))),
        }
    }

    /// What is known of the engine in use.
    pub(super) fn info(&self) -> &engine::EngineInfo {
        self.engine.info()
    }

    /// Advances the run to `step` and passes each row to `each`, whose error stops the run.
    ///
    /// # Errors
    /// The error that `each` returned.
    pub(super) fn advance_to(
        &mut self,
        run: &mut Run,
        step: u64,
        what: &'static str,
        mut each: impl FnMut(&StepRow, &[Metrics]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let first = run.step();
        let mut progress = Progress::new(what, step.saturating_sub(first));
        let mut at_once = 1u32;
        while run.step() < step {
            let most = (step - run.step()).min(u64::from(at_once)) as u32;
            let (started, before) = (Instant::now(), run.step());
            let mut given_up = Ok(());
            let outcome = run.advance(self.engine.as_mut(), most, |row, metrics| {
                if given_up.is_ok() {
                    given_up = each(row, metrics);
                }
            });
            given_up?;
            if let Err(error) = outcome {
                progress.note(&self.recover(&error, run.step()));
                continue;
            }
            let per_step = started.elapsed().as_secs_f64() / (run.step() - before).max(1) as f64;
            at_once =
                ((CHUNK_SECONDS / per_step.max(1e-9)) as u32).clamp(1, at_once.saturating_mul(2)).min(MOST_AT_ONCE);
            progress.at(run.step() - first);
        }
        Ok(())
    }

    /// Chooses an engine to continue with, and returns the message about it. The CPU engine never fails, so the run always ends.
    fn recover(&mut self, error: &EngineError, step: u64) -> String {
        if matches!(error, EngineError::Lost(_)) && self.reopened < REOPENINGS {
            self.reopened += 1;
            if let Ok(engine) = engine::open(self.choice) {
                self.engine = engine;
                return format!("moebias: the GPU was reset; continued at step {step}");
            }
        }
        self.engine = Box::new(CpuEngine::new(&error.to_string()));
        format!("moebias: continuing on the CPU from step {step}: {error}")
    }
}
