//! How much to submit at a time: enough to keep the GPU busy, little enough that nothing waits for it and no driver gives up on it.

use std::time::Duration;

/// A submission should take about this long.
const TARGET: Duration = Duration::from_millis(8);
/// Token–expert pairs per second before anything was measured: a slow integrated GPU.
const FIRST_GUESS: f64 = 2e8;
/// Pairs to ask for at the least, however slow it was: a driver that compiled something meanwhile is not slow.
const LEAST: f64 = 65_536.0;

/// What was measured.
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
    /// Pairs that fill a submission.
    #[must_use]
    pub fn budget(self) -> f64 {
        (self.pairs_per_second * TARGET.as_secs_f64()).max(LEAST)
    }

    /// Takes in how long a submission took. Slower counts at once; faster up to four times at a time.
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
