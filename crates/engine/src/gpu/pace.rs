//! How much to submit at a time: enough to keep the GPU busy, but so little that the program is not held up and no driver times out.

use std::time::Duration;

/// The duration that a submission should have.
const TARGET: Duration = Duration::from_millis(8);
/// Token–expert pairs per second assumed before the first measurement: those of a slow integrated GPU.
const FIRST_GUESS: f64 = 2e8;
/// The smallest number of pairs in a submission, however slow the last one was: it may have been slow because the driver was compiling.
const LEAST: f64 = 65_536.0;

/// The measured speed of the GPU.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    pairs_per_second: f64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { pairs_per_second: FIRST_GUESS }
    }
}

impl Pace {
    /// The number of token–expert pairs for the next submission.
    #[must_use]
    pub fn budget(self) -> f64 {
        (self.pairs_per_second * TARGET.as_secs_f64()).max(LEAST)
    }

    /// Takes in how long a submission took. A lower speed is averaged with the known one; a higher speed counts at most fourfold.
    pub fn record(&mut self, pairs: f64, took: Duration) {
        let measured = pairs / took.as_secs_f64().max(1e-6);
        let known = self.pairs_per_second;
        self.pairs_per_second = if measured < known { 0.5 * (measured + known) } else { measured.min(4.0 * known) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_pace_of_any_machine() {
        for real in [1e7, 3e9, 2e12] {
            let mut pace = Pace::default();
            for _ in 0..30 {
                let pairs = pace.budget();
                pace.record(pairs, Duration::from_secs_f64(20e-6 + pairs / real));
            }
            let took = 20e-6 + pace.budget() / real;
            assert!((0.006..0.009).contains(&took), "{real}: {took}");
        }
    }
}
