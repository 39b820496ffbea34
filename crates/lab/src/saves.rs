//! Saving runs and recordings on threads of their own, so that a slow disk never blocks the window, and closing the lab. Closing waits for
//! files that are being written: the journal is removed only once the run that it protects is on the disk.

use super::command::Command;
use super::job::Job;
use super::notices::{Level, NoticeAction};
use super::recorder::Recording;
use super::{Lab, places, recorder};
use moebias_files::view::View;
use moebias_files::{self as files, Scenario};
use moebias_model::trace::Trace;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The longest time for which a closing window waits for files that are being written.
const PATIENCE: Duration = Duration::from_secs(10);

/// The purpose for which the worker was asked for the run as data.
#[derive(Debug)]
pub(super) enum Purpose {
    /// The journal begins again with this run.
    Journal,
    /// A recording begins at the present step.
    RecordBegin,
    /// A recording ends at the present step.
    RecordEnd(Recording),
    /// Save the run to this file, with this view of the window if there is one.
    Save(PathBuf, Option<Box<View>>),
    /// Write the run's curves to this file as CSV.
    Csv(PathBuf),
    /// Copy the run, so that another lab can repeat it.
    Copy,
}

/// A file that was written.
#[derive(Debug)]
pub(super) struct Written {
    path: PathBuf,
    /// The message to the user.
    text: String,
    /// The folder of the file, if the user did not choose it; the message then offers to show it.
    folder: Option<PathBuf>,
}

impl Written {
    /// A written file and the message about it.
    pub(super) fn new(path: PathBuf, text: String) -> Self {
        Self { path, text, folder: None }
    }
}

/// A file being written.
#[derive(Debug)]
struct Saving {
    /// Whether the file holds the run itself, which the journal protects until the file is on the disk.
    of_run: bool,
    job: Job<Result<Written, String>>,
}

/// The files that are being written.
#[derive(Debug, Default)]
pub(super) struct Saves {
    under_way: Vec<Saving>,
    /// Whether the run could not be written, so that the journal must be kept.
    pub(super) unkept: bool,
    /// Whether the user was told so when the window was about to close.
    warned: bool,
}

impl Lab {
    pub(super) fn save(&mut self, path: PathBuf, scenario: Scenario, trace: Option<Arc<Trace>>) {
        self.write(true, move || {
            let fail = |e: String| format!("{} was not written: {e}", path.display());
            recorder::opens_again(&scenario, trace.as_ref()).map_err(fail)?;
            files::save(&path, &scenario).map_err(|e| e.to_string())?;
            Ok(Written::new(path.clone(), format!("Saved {}", path.display())))
        });
    }

    /// Writes a recording that starts where it began, or, if the state there is too large for a file, at the first step.
    pub(super) fn keep_recording(
        &mut self,
        (late, whole): (Option<Scenario>, Scenario),
        trace: Option<Arc<Trace>>,
        steps: u64,
    ) {
        self.write(true, move || {
            let late = late.map(|s| recorder::opens_again(&s, trace.as_ref()).map(|()| s));
            let (scenario, note) = match late {
                Some(Ok(late)) => (late, ""),
                Some(Err(_)) => {
                    (whole, ". It begins at the first step: the state it began with is too large for a file")
                }
                None => (whole, ""),
            };
            recorder::opens_again(&scenario, trace.as_ref()).map_err(|e| format!("The recording was not kept: {e}"))?;
            let folder = places::recordings_dir()
                .ok_or("There is no home folder to keep the recording in. Use Save run as… to keep it")?;
            let refused = |e: &dyn std::fmt::Display| {
                format!("The recording can't be kept in {}: {e}. Use Save run as… to keep it", folder.display())
            };
            std::fs::create_dir_all(&folder).map_err(|e| refused(&e))?;
            // One recording at a time, so that two that end together do not choose the same name.
            static NAMES: Mutex<()> = Mutex::new(());
            let _one = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
            let path = recorder::free_name(&folder, &scenario.title);
            files::save(&path, &scenario).map_err(|e| refused(&e))?;
            let text = format!("Recorded {steps} steps in {}{note}", path.display());
            Ok(Written { folder: Some(folder), ..Written::new(path, text) })
        });
    }

    /// Writes a file on another thread. `of_run`: the file holds the run itself, which the journal protects until then.
    pub(super) fn write(&mut self, of_run: bool, work: impl FnOnce() -> Result<Written, String> + Send + 'static) {
        match Job::spawn("Saving".into(), Arc::clone(&self.wake), move |_| work()) {
            Ok(job) => self.desk.saves.under_way.push(Saving { of_run, job }),
            Err(e) => self.not_kept(of_run, format!("Nothing can be saved now: {e}")),
        }
    }

    fn not_kept(&mut self, of_run: bool, text: String) {
        self.desk.saves.unkept |= of_run;
        self.tell(Level::Error, text);
    }

    /// Reads the results of the threads that write files.
    pub(super) fn poll_saves(&mut self) {
        let mut ended = vec![];
        self.desk.saves.under_way.retain(|saving| {
            let result = match saving.job.poll() {
                Ok(None) => return true,
                Ok(Some(result)) => result,
                Err(_) => Err("It was not saved: that failed unexpectedly. Save it once more".into()),
            };
            ended.push((saving.of_run, result));
            false
        });
        for (of_run, result) in ended {
            match result {
                Ok(Written { path, text, folder }) => {
                    self.desk.saves.unkept &= !of_run;
                    self.desk.saves.warned = false;
                    let show =
                        |folder| NoticeAction { label: "Show folder".into(), command: Command::ShowFolder(folder) };
                    let action = folder.map(show);
                    self.notices.add(Level::Success, self.snapshot.step, text, action);
                    self.desk.saved.push(path);
                }
                Err(text) => self.not_kept(of_run, text),
            }
        }
    }

    /// Whether a run, a recording or a sweep is being written, or the worker was asked for a run to write.
    #[must_use]
    pub fn is_saving(&self) -> bool {
        let wanted = |(_, p): &(u64, Purpose)| matches!(p, Purpose::RecordEnd(_) | Purpose::Save(..));
        !self.desk.saves.under_way.is_empty() || self.desk.asked.iter().any(wanted)
    }

    /// Whether the window may close now; ask again every frame until it may. A recording in progress is ended and written first. If it
    /// can't be written, the user is told while the window is still open and the run can be saved elsewhere; closing the window once more
    /// then closes it anyway.
    pub fn may_close(&mut self) -> bool {
        if self.desk.saves.warned {
            return true;
        }
        self.stop_recording();
        if self.is_saving() {
            return false;
        }
        if !self.desk.saves.unkept {
            return true;
        }
        self.desk.saves.warned = true;
        let rest = if self.desk.journaling.journalist.is_some() {
            "the journal keeps it, and the next start offers to restore it"
        } else {
            "it is lost then"
        };
        let text = format!(
            "What you did is not saved. Save the run as a file elsewhere, or close the window once more: {rest}"
        );
        self.tell(Level::Error, text);
        false
    }

    /// Closes the lab: writes a recording in progress and removes the journal, unless something could not be written. Returns the errors
    /// that occurred, because no window shows them any more.
    pub fn close(&mut self) -> Vec<String> {
        let told = self.notices.count();
        self.stop_recording();
        let patience = Instant::now();
        while self.is_saving() && patience.elapsed() < PATIENCE {
            self.poll();
            std::thread::sleep(Duration::from_millis(5));
        }
        if let Some(journalist) = self.desk.journaling.journalist.take() {
            if self.is_saving() || self.desk.saves.unkept { journalist.leave() } else { journalist.finish() }
        }
        let fresh = self.notices.all().filter(|n| n.id >= told && n.level == Level::Error);
        fresh.map(|n| n.text.clone()).collect()
    }
}
