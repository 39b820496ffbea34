//! Who does the parts of a step. The model does them one after another; an engine may do them side by side. The result is the
//! same, because every part writes its own place and sums are made afterwards, in order.

/// Does the parts of a piece of work.
pub trait Spread: Sync {
    /// Calls `work` once with each part, in any order, and returns when all are done.
    fn each<T: Send>(&self, parts: Vec<T>, work: impl Fn(T) + Send + Sync);
}

/// One part after another, on this thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Spread for Alone {
    fn each<T: Send>(&self, parts: Vec<T>, work: impl Fn(T) + Send + Sync) {
        parts.into_iter().for_each(work);
    }
}

/// Tokens in a part of a batch of `tokens`: about a sixteenth, at least 128, and never dependent on the number of threads, so
/// that sums over parts are the same everywhere.
#[must_use]
pub fn part_of(tokens: usize) -> usize {
    tokens.div_ceil(16).next_multiple_of(8).max(128)
}
