//! Measures how smoothly the window runs: `MOEBIAS_STATS=1` prints the figures every two seconds.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Interval between two printed lines.
const EVERY: Duration = Duration::from_secs(2);

/// When the program started.
static BEGAN: OnceLock<Instant> = OnceLock::new();

/// Notes the start of the program; the first frame is timed from here.
pub fn begin() {
    BEGAN.get_or_init(Instant::now);
}

/// Counts frames, and measures the time that the UI thread spends on them.
#[derive(Debug)]
pub struct Meter {
    since: Instant,
    frames: u32,
    busy: f64,
    worst: f64,
}

impl Meter {
    /// A meter, if `MOEBIAS_STATS` asks for one.
    #[must_use]
    pub fn wanted() -> Option<Self> {
        std::env::var_os("MOEBIAS_STATS").filter(|v| !v.is_empty() && v != "0")?;
        let now = Instant::now();
        Some(Self { since: now, frames: 0, busy: 0.0, worst: 0.0 })
    }

    /// Adds a frame that took this many seconds of the UI thread.
    pub fn frame(&mut self, seconds: f64) {
        if self.frames == 0 && self.busy == 0.0 {
            let began = BEGAN.get().unwrap_or(&self.since);
            eprintln!("first frame {:.0} ms after the start", began.elapsed().as_secs_f64() * 1e3);
        }
        self.frames += 1;
        self.busy += seconds;
        self.worst = self.worst.max(seconds);
        let elapsed = self.since.elapsed();
        if elapsed >= EVERY {
            let n = f64::from(self.frames);
            let (rate, mean, worst) = (n / elapsed.as_secs_f64(), self.busy / n * 1e3, self.worst * 1e3);
            eprintln!("{rate:.1} frames/s, UI thread {mean:.2} ms a frame, {worst:.2} ms at worst");
            *self = Self { since: Instant::now(), frames: 0, busy: f64::MIN_POSITIVE, worst: 0.0 };
        }
    }
}
