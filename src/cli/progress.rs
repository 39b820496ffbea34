//! A progress bar on stderr, for work that takes long; it is shown only if stderr is a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, IsTerminal as _};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Work shorter than this shows no progress bar.
const PATIENCE: Duration = Duration::from_millis(400);

/// The progress of a run in steps.
pub(super) struct Progress {
    total: u64,
    what: &'static str,
    started: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Progress of `total` steps. Nothing is shown yet.
    pub(super) fn new(what: &'static str, total: u64) -> Self {
        Self { total, what, started: Instant::now(), bar: None }
    }

    /// Reports the number of steps done. indicatif draws nothing if stderr is not a terminal.
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

    /// Prints a line to stderr without disturbing the bar.
    pub(super) fn note(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| super::output::note(text)),
            None => super::output::note(text),
        }
    }
}

/// Does work of unknown length; shows a spinner if it takes long and stderr is a terminal.
pub(super) fn while_waiting<T>(what: &'static str, work: impl FnOnce() -> T) -> T {
    if !io::stderr().is_terminal() {
        return work();
    }
    let (done, wait) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            if wait.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let spinner = ProgressBar::new_spinner().with_message(what);
                spinner.enable_steady_tick(Duration::from_millis(120));
                wait.recv().ok();
                spinner.finish_and_clear();
            }
        });
        let result = work();
        drop(done);
        result
    })
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
