//! Work beside the run, on a thread of its own, with progress and a way to stop it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, TryRecvError};

/// How far the work is, and whether it should stop. Cheap to ask.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    per_mille: Arc<AtomicU32>,
    cancelled: Arc<AtomicBool>,
}

impl Progress {
    /// Reports a share in [0, 1].
    pub fn set(&self, share: f64) {
        self.per_mille.store((share.clamp(0.0, 1.0) * 1000.0) as u32, Ordering::Relaxed);
    }

    /// The share done.
    #[must_use]
    pub fn share(&self) -> f32 {
        self.per_mille.load(Ordering::Relaxed) as f32 / 1000.0
    }

    /// Whether a person gave it up.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

/// The work's thread ended without a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the work ended unexpectedly")]
pub struct JobDied;

/// Work under way whose result is a `T`.
#[derive(Debug)]
pub struct Job<T> {
    /// What it is, for people.
    pub name: String,
    /// How far it is.
    pub progress: Progress,
    result: Receiver<T>,
}

impl<T: Send + 'static> Job<T> {
    /// Starts work. `wake` is called when it ends.
    ///
    /// # Errors
    /// No thread to be had.
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

    /// The result, once there is one; `Err` if the work died.
    ///
    /// # Errors
    /// The thread panicked.
    pub fn poll(&self) -> Result<Option<T>, JobDied> {
        match self.result.try_recv() {
            Ok(done) => Ok(Some(done)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(JobDied),
        }
    }

    /// Asks it to stop.
    pub fn cancel(&self) {
        self.progress.cancelled.store(true, Ordering::Relaxed);
    }
}
