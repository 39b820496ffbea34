//! Slow work on a thread of its own, such as writing a file, with its progress and a way to cancel it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, TryRecvError};

/// The progress of a job and whether it was cancelled, shared between the job's thread and its owner. Reading it never blocks.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    per_mille: Arc<AtomicU32>,
    cancelled: Arc<AtomicBool>,
}

impl Progress {
    /// Reports the share of the work that is done, in [0, 1].
    pub fn set(&self, share: f64) {
        self.per_mille.store((share.clamp(0.0, 1.0) * 1000.0) as u32, Ordering::Relaxed);
    }

    /// The share of the work that is done, in [0, 1].
    #[must_use]
    pub fn share(&self) -> f32 {
        self.per_mille.load(Ordering::Relaxed) as f32 / 1000.0
    }

    /// Whether the user cancelled the job; the work should then end soon.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

/// The job's thread ended without a result, because it panicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the work ended unexpectedly")]
pub struct JobDied;

/// A job in progress whose result is a `T`.
#[derive(Debug)]
pub struct Job<T> {
    /// What the job does, as shown to the user: "Writing curves.csv".
    pub name: String,
    /// The progress of the job.
    pub progress: Progress,
    result: Receiver<T>,
}

impl<T: Send + 'static> Job<T> {
    /// Starts a job. `wake` is called on the job's thread when the work has ended.
    ///
    /// # Errors
    /// The system could not start a thread.
    pub fn spawn(
        name: String,
        wake: Arc<dyn Fn() + Send + Sync>,
        work: impl FnOnce(&Progress) -> T + Send + 'static,
    ) -> std::io::Result<Self> {
        let progress = Progress::default();
        let (tx, result) = mpsc::channel();
        let theirs = progress.clone();
        std::thread::Builder::new().name("moebias-job".into()).spawn(move || {
            tx.send(work(&theirs)).ok();
            wake();
        })?;
        Ok(Self { name, progress, result })
    }

    /// The result, or `None` while the job is still running.
    ///
    /// # Errors
    /// The job's thread panicked.
    pub fn poll(&self) -> Result<Option<T>, JobDied> {
        match self.result.try_recv() {
            Ok(done) => Ok(Some(done)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(JobDied),
        }
    }

    /// Asks the job to stop. The work checks [`Progress::cancelled`] now and then, so it may take a moment.
    pub fn cancel(&self) {
        self.progress.cancelled.store(true, Ordering::Relaxed);
    }
}
