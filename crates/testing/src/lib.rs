//! What the tests of several crates share: a small experiment, waiting without sleeping for a fixed time, and skipping a test with a
//! reason. This crate is never published.

#![allow(clippy::panic)] // a test may fail

use moebias_model::config::{Experiment, Source, Synthetic, Variant};
use std::fmt::Display;
use std::thread;
use std::time::{Duration, Instant};

/// So long a test waits for something, however busy the machine is.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Waiting for something that another thread or process does:
///
/// ```
/// # use moebias_testing::Patience;
/// # let mut left = 3;
/// let patience = Patience::new();
/// while left > 0 {
///     assert!(patience.holds(), "{left} are left");
/// #   left -= 1;
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    since: Instant,
    most: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self::new()
    }
}

impl Patience {
    /// As long as a test waits at all.
    #[must_use]
    pub fn new() -> Self {
        Self::of(PATIENCE)
    }

    /// So long and no longer.
    #[must_use]
    pub fn of(most: Duration) -> Self {
        Self { since: Instant::now(), most }
    }

    /// Gives the processor to whoever needs it for a moment; `false` once that has taken too long.
    #[must_use]
    pub fn holds(&self) -> bool {
        thread::park_timeout(Duration::from_millis(1));
        self.since.elapsed() < self.most
    }
}

/// A small experiment for tests that need any experiment: one variant named "a" with default settings, on 64 synthetic tokens per step.
#[must_use]
pub fn experiment() -> Experiment {
    Experiment {
        seed: 3,
        source: Source::Synthetic(Synthetic { batch: 64, ..Synthetic::default() }),
        variants: vec![Variant { name: "a".into(), ..Variant::default() }],
    }
}

/// Waits until something is so.
///
/// # Panics
/// It never is; `what` says what was waited for.
pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let patience = Patience::new();
    while !done() {
        assert!(patience.holds(), "{what} never came");
    }
}

/// Whether a GPU is required: then a test that finds none fails, instead of saying that it is skipped.
#[must_use]
pub fn gpu_is_required() -> bool {
    std::env::var("MOEBIAS_REQUIRE_GPU").is_ok_and(|v| v == "1")
}

/// What a test needs that not every machine has; `None` where it is not there, which is said.
///
/// # Panics
/// It is not there and a GPU is required.
pub fn or_skip<T, E: Display>(test: &str, found: Result<T, E>) -> Option<T> {
    match found {
        Ok(found) => Some(found),
        Err(e) => {
            assert!(!gpu_is_required(), "{test}: a GPU is required: {e}");
            eprintln!("skipped: {test}, because {e}");
            None
        }
    }
}
