//! Saving runs and recordings, on threads of their own: no disk keeps the screen waiting. And closing, which waits for what is being
//! written: the journal goes only once what it protects is on the disk.

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

/// So long a closing window waits for what is being written.
const PATIENCE: Duration = Duration::from_secs(10);

/// What an answer of the worker is wanted for.
#[derive(Debug)]
pub(super) enum Purpose {
    /// The journal begins anew with this run.
    Journal,
    /// A recording begins here.
    RecordBegin,
    /// A recording ends here.
    RecordEnd(Recording),
    /// Save the run here, seen like this.
    Save(PathBuf, Option<Box<View>>),
    /// Write its curves here.
    Csv(PathBuf),
    /// Repeat it elsewhere.
    Copy,
}

/// A file that was written.
#[derive(Debug)]
pub(super) struct Written {
    path: PathBuf,
    /// What a person is told.
    text: String,
    /// The folder, where a person did not choose it.
    folder: Option<PathBuf>,
}

impl Written {
    /// A file, and what a person is told of it.
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

/// Files being written.
#[derive(Debug, Default)]
pub(super) struct Saves {
    under_way: Vec<Saving>,
    /// Something that a person did could not be written: the journal, which has it, stays.
    pub(super) unkept: bool,
    /// A person was told so when the window was to close.
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

    /// Keeps a recording: from where it began, or where that state is too large for a file, from the first step.
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
            // One at a time: two recordings that end together must not choose the same name.
            static NAMES: Mutex<()> = Mutex::new(());
            let _one = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
            let path = recorder::free_name(&folder, &scenario.title);
            files::save(&path, &scenario).map_err(|e| refused(&e))?;
            let text = format!("Recorded {steps} steps in {}{note}", path.display());
            Ok(Written { folder: Some(folder), ..Written::new(path, text) })
        });
    }

    /// Writes a file beside the work. `of_run`: it is the run itself, which the journal has until then.
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

    /// Takes in what was written.
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

    /// Whether a run or a recording is being written, or about to be.
    #[must_use]
    pub fn is_saving(&self) -> bool {
        let wanted = |(_, p): &(u64, Purpose)| matches!(p, Purpose::RecordEnd(_) | Purpose::Save(..));
        !self.desk.saves.under_way.is_empty() || self.desk.asked.iter().any(wanted)
    }

    /// The window is asked to close. A recording under way ends and is written first, and where it can't be, that is told while somebody
    /// can still read it and save elsewhere: so ask again until it is true. A person who closes the window once more means it.
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

    /// The window closes: a recording under way is kept, and the journal is done with, unless something could not be written. Hands back what
    /// went wrong, which no window shows any more.
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
