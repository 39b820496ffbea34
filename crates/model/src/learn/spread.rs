//! How the parts of a step are run. The model runs them one after another; an engine may run them in parallel. The result is the same,
//! because every part writes only its own output, and sums over parts are made afterwards, in order.

/// Runs the parts of a piece of work.
pub trait Spread: Sync {
    /// Calls `work` once with each part, in any order, and returns when all are done.
    fn each<T: Send>(&self, parts: Vec<T>, work: impl Fn(T) + Send + Sync);
}

/// Runs the parts one after another on the calling thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Spread for Alone {
    fn each<T: Send>(&self, parts: Vec<T>, work: impl Fn(T) + Send + Sync) {
        parts.into_iter().for_each(work);
    }
}

/// Number of tokens in each part of a batch of `tokens`: about a sixteenth, and at least 128. It does not depend on the number of threads,
/// so sums over parts are the same everywhere.
#[must_use]
pub fn part_of(tokens: usize) -> usize {
    tokens.div_ceil(16).next_multiple_of(8).max(128)
}
