//! A progress bar on stderr, for work that takes long enough to wonder, and only where a person watches.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::{Duration, Instant};

/// Shorter work needs no bar.
const PATIENCE: Duration = Duration::from_millis(400);

/// Steps done of a run.
pub(super) struct Progress {
    total: u64,
    what: &'static str,
    started: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Of `total` steps; nothing is shown yet.
    pub(super) fn new(what: &'static str, total: u64) -> Self {
        Self { total, what, started: Instant::now(), bar: None }
    }

    /// So many are done. indicatif draws nothing where stderr is no terminal.
    pub(super) fn at(&mut self, done: u64) {
        if self.bar.is_none() && self.started.elapsed() > PATIENCE {
            let bar = ProgressBar::new(self.total).with_message(self.what);
            let template = "{msg} {bar:32} {human_pos} of {human_len} steps, {eta} left";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("━╸ "));
            }
            self.bar = Some(bar);
        }
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        }
    }

    /// Prints a line without tearing the bar.
    pub(super) fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| super::output::note(text)),
            None => super::output::note(text),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
