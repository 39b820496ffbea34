//! How fast the run plays: how many steps are due, and how many are done per second.

use crate::message::Speed;
use std::time::{Duration, Instant};

/// The pace of the run.
pub(super) struct Pace {
    pub(super) playing: bool,
    pub(super) speed: Speed,
    /// Steps still to do of a [`Message::Step`](crate::message::Message::Step).
    pub(super) remaining: u64,
    /// Steps due at the chosen speed, with a fraction.
    pub(super) due: f64,
    pub(super) clock: Instant,
    pub(super) seconds_per_step: f64,
    /// The measurement of the speed: when and at which step it began, and the last result in steps per second.
    pub(super) meter: (Instant, u64, f64),
}

impl Pace {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            playing: false,
            speed: Speed::Steps(60.0),
            remaining: 0,
            due: 0.0,
            clock: now,
            seconds_per_step: 1e-3,
            meter: (now, 0, 0.0),
        }
    }

    /// Forgets steps that are due; `rate` is shown as steps per second until the next measurement.
    pub(super) fn restart(&mut self, step: u64, rate: f64) {
        self.due = 0.0;
        self.clock = Instant::now();
        self.meter = (Instant::now(), step, rate);
    }

    /// The speed asked for, in steps per second.
    pub(super) fn asked(&self) -> f64 {
        match self.speed {
            Speed::Steps(rate) if self.remaining == 0 => rate,
            _ => f64::INFINITY,
        }
    }

    /// The time until the next step is due while playing, at most 50 ms.
    pub(super) fn until_next(&mut self) -> Duration {
        let Speed::Steps(rate) = self.speed else { return Duration::ZERO };
        self.due += self.clock.elapsed().as_secs_f64() * rate;
        self.clock = Instant::now();
        let missing = ((1.0 - self.due) / rate.max(1e-3)).max(0.0);
        Duration::from_secs_f64(missing.min(0.05))
    }

    /// The number of steps to do now.
    pub(super) fn wanted(&mut self) -> u64 {
        match self.speed {
            _ if self.remaining > 0 => self.remaining,
            Speed::Max => u64::MAX,
            Speed::Steps(rate) => {
                // A run that cannot keep up drops what is more than a quarter of a second behind.
                self.due = self.due.min((rate * 0.25).max(1.0));
                self.due as u64
            }
        }
    }

    /// Notes that `steps` steps were done.
    pub(super) fn did(&mut self, steps: u64) {
        self.due = (self.due - steps as f64).max(0.0);
        self.remaining = self.remaining.saturating_sub(steps);
    }

    /// Measures the steps per second, twice a second.
    pub(super) fn measure(&mut self, step: u64) {
        let (since, from, _) = self.meter;
        let elapsed = since.elapsed().as_secs_f64();
        if elapsed > 0.5 {
            self.meter = (Instant::now(), step, step.saturating_sub(from) as f64 / elapsed);
        }
    }
}
