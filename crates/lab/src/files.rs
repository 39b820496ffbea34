//! The lab's files: opening, recording and exporting; the journal in [`journaling`]. Reading and slow writing run on threads of their own.

mod curves;
mod journaling;

use super::command::Command;
use super::job::{Job, Progress};
use super::notices::{Level, NoticeAction};
use super::recorder::{self, Recording};
use super::saves::{Purpose, Saves};
use super::sheet::Sheet;
use super::{Document, JobStatus, Lab};
use journaling::Journaling;
use moebias_engine::message::{Exported, Message, Speed};
use moebias_engine::start::{RunId, Start};
use moebias_files::{self as files, FileError, Loaded, Opened, Scenario};
use std::path::{Path, PathBuf};

/// Files being read and written, and what was asked of the worker for them.
#[derive(Debug, Default)]
pub(super) struct Desk {
    next_tag: u64,
    pub(super) asked: Vec<(u64, Purpose)>,
    pub(super) opening: Option<Job<Result<Opened, FileError>>>,
    writing: Option<Job<Result<String, String>>>,
    pub(super) saves: Saves,
    /// Files opened or written since [`Lab::take_recent`] was last called.
    pub(super) saved: Vec<PathBuf>,
    copy: Option<(Document, Start)>,
    /// The journal of the run that is shown, and unfinished runs of earlier sessions.
    pub(super) journaling: Journaling,
    pub(super) recording: Option<Recording>,
}

/// The start of a loaded scenario, with its trace.
#[must_use]
pub fn start_of(loaded: &Loaded) -> Start {
    Start { trace: loaded.trace.clone(), ..start_of_scenario(&loaded.scenario) }
}

/// The start of a scenario, without its trace.
#[must_use]
pub fn start_of_scenario(s: &Scenario) -> Start {
    Start { experiment: s.experiment(), trace: None, state: s.start.clone(), events: s.events.clone(), stop: s.stop }
}

impl Document {
    /// The texts of a loaded scenario.
    #[must_use]
    pub fn of(loaded: &Loaded) -> Self {
        let s = &loaded.scenario;
        Self {
            title: s.title.clone(),
            summary: s.summary.clone(),
            look_for: s.look_for.clone(),
            path: loaded.path.clone(),
            view: s.view.clone(),
        }
    }
}

impl Lab {
    /// The file that is being exported or opened, with its progress.
    #[must_use]
    pub fn job(&self) -> Option<JobStatus> {
        let status = |name: &str, progress: &Progress| JobStatus { name: name.to_owned(), progress: progress.share() };
        let Desk { writing, opening, .. } = &self.desk;
        let writing = writing.as_ref().map(|j| status(&j.name, &j.progress));
        let opening = opening.as_ref().map(|j| status(&j.name, &j.progress));
        let comparing = self.comparing.job.as_ref().map(|j| status(&j.name, &j.progress));
        writing.or(opening).or(comparing)
    }

    /// The step at which the present recording began; `None` if nothing is being recorded.
    #[must_use]
    pub fn recording_since(&self) -> Option<u64> {
        self.desk.recording.as_ref().map(|r| r.since)
    }

    /// Reads a file on another thread. The present experiment continues until the file was read and found to be valid.
    pub(super) fn open_file(&mut self, path: PathBuf) {
        if files::sweep::is_sweep(&path) {
            return self.open_sweep(&path);
        }
        let name = format!("Opening {}", file_name(&path));
        let work = move |_: &Progress| files::open(&path);
        match Job::spawn(name, self.wake.clone(), work) {
            Ok(job) => self.desk.opening = Some(job),
            Err(e) => self.tell(Level::Error, format!("The file can't be opened now: {e}")),
        }
    }

    /// Opens a scenario that ships with Moebias.
    pub(super) fn open_shipped(&mut self, id: &str) {
        match files::shipped::find(id).map(files::Shipped::load) {
            Some(Ok(loaded)) => {
                self.take(&loaded);
            }
            Some(Err(e)) => self.tell(Level::Error, e.to_string()),
            None => self.tell(Level::Error, format!("No scenario named {id} ships with Moebias")),
        }
    }

    fn take(&mut self, loaded: &Loaded) -> bool {
        let document = Document::of(loaded);
        let what = format!("Open {}", document.title);
        self.take_as(loaded, document, true, &what)
    }

    /// Starts a run of the loaded scenario. `what` names the undo entry. Returns false, after telling the user, if the run can't start.
    pub(super) fn take_as(&mut self, loaded: &Loaded, document: Document, play: bool, what: &str) -> bool {
        let mut sheet = Sheet::new(document, start_of(loaded));
        sheet.examined.clone_from(&loaded.examined);
        let began = self.begin(sheet, play, what, None);
        if let (true, Some(speed)) = (began, loaded.scenario.speed) {
            self.post(Message::Speed(Speed::Steps(speed)));
        }
        began
    }

    /// Starts or stops recording.
    pub(super) fn toggle_record(&mut self) {
        if self.desk.recording.is_some() {
            self.stop_recording();
        } else {
            self.desk.recording = Some(Recording { since: self.snapshot.step, begin: None });
            self.ask_for(Purpose::RecordBegin);
            self.keep_journal();
        }
    }

    /// Ends the present recording, if there is one. It is saved once the worker has answered with the run.
    pub(super) fn stop_recording(&mut self) {
        if let Some(recording) = self.desk.recording.take() {
            self.ask_for(Purpose::RecordEnd(recording));
        }
    }

    /// Asks the worker for the run as data; the answer is used for `purpose`. If the worker's thread has ended, the last snapshot is used.
    pub(super) fn ask_for(&mut self, purpose: Purpose) {
        if self.dead {
            let known = self.last_known();
            return self.answer_with(purpose, known);
        }
        let tag = self.desk.next_tag;
        self.desk.next_tag += 1;
        self.desk.asked.push((tag, purpose));
        self.post(Message::Export(tag));
    }

    /// Asks the worker for the run as data, to repeat it in another lab. [`Self::take_copy`] returns it once the worker has answered.
    pub fn ask_copy(&mut self) {
        self.ask_for(Purpose::Copy);
    }

    /// Takes the run that [`Self::ask_copy`] asked for: its texts, and its start with every change so far.
    pub fn take_copy(&mut self) -> Option<(Document, Start)> {
        self.desk.copy.take()
    }

    /// The run as of the last snapshot, for use once the worker's thread has ended. It has no state to start from.
    fn last_known(&self) -> Box<Exported> {
        let s = &self.snapshot;
        let start = Start { events: s.events.to_vec(), ..self.sheet.authored.clone() };
        let engine = format!("{} ({})", s.engine.kind, s.engine.adapter);
        let (step, digest, experiment) = (s.step, s.digest, (*s.experiment).clone());
        Box::new(Exported { run: s.run, start, step, digest, state: None, experiment, engine })
    }

    /// Answers all open requests for the run with the last snapshot, because the worker's thread has ended. The journal is kept until the
    /// run is saved.
    pub(super) fn answer_without_worker(&mut self) {
        self.desk.journaling.pending = false;
        self.desk.saves.unkept |= self.desk.journaling.journalist.is_some();
        for (_, purpose) in std::mem::take(&mut self.desk.asked) {
            let known = self.last_known();
            self.answer_with(purpose, known);
        }
    }

    /// Moves the begin of a recording back to `step` if it was later, because the steps after `step` were set aside.
    pub(super) fn recording_branches(&mut self, step: u64) {
        if let Some(recording) = &mut self.desk.recording
            && step < recording.since
        {
            *recording = Recording { since: step, begin: None };
        }
    }

    /// Takes the worker's answer to a request for the run.
    pub(super) fn take_export(&mut self, tag: u64, run: Box<Exported>) {
        let Some(at) = self.desk.asked.iter().position(|(t, _)| *t == tag) else { return };
        let (_, purpose) = self.desk.asked.swap_remove(at);
        self.answer_with(purpose, run);
    }

    fn answer_with(&mut self, purpose: Purpose, run: Box<Exported>) {
        let Some(sheet) = self.sheet_of(run.run).cloned() else {
            self.tell(Level::Error, "The run is no longer known: nothing was written");
            return;
        };
        let sheet = &sheet;
        match purpose {
            Purpose::Journal => {
                self.desk.journaling.pending = false;
                self.journal(run.run, recorder::scenario_of(sheet, &run));
            }
            Purpose::RecordBegin => {
                if let Some(recording) = &mut self.desk.recording {
                    recording.since = run.step;
                    recording.begin = Some(run);
                }
            }
            Purpose::RecordEnd(recording) => {
                let steps = run.step.saturating_sub(recording.since);
                if steps == 0 {
                    let words = "Nothing was recorded: no step was made since the recording began";
                    return self.tell(Level::Info, words);
                }
                let scenarios = recorder::recording_of(sheet, &recording, &run);
                self.keep_recording(scenarios, run.start.trace, steps);
            }
            Purpose::Save(path, view) => {
                let mut scenario = recorder::scenario_of(sheet, &run);
                scenario.view = view.map(|v| *v).or(scenario.view);
                self.save(path, scenario, run.start.trace);
            }
            Purpose::Csv(path) => self.write_csv(path, *run),
            Purpose::Copy => self.desk.copy = Some((sheet.document.clone(), run.start)),
        }
    }

    fn sheet_of(&self, run: RunId) -> Option<&Sheet> {
        if run == self.run { Some(&self.sheet) } else { self.shelf.runs.get(&run).map(|s| &s.sheet) }
    }

    /// Shows a folder in the system's file manager.
    pub(super) fn show_folder(&mut self, folder: &Path) {
        if let Err(e) = open::that_detached(folder) {
            self.tell(Level::Warning, format!("No file manager opened ({e}). The folder is {}", folder.display()));
        }
    }

    fn write_csv(&mut self, path: PathBuf, run: Exported) {
        let name = format!("Writing {}", file_name(&path));
        let work = move |progress: &Progress| curves::csv_of(&path, run, progress);
        match Job::spawn(name, self.wake.clone(), work) {
            Ok(job) => self.desk.writing = Some(job),
            Err(e) => self.tell(Level::Error, format!("The curves can't be written now: {e}")),
        }
    }

    /// Cancels the export in progress, the file being opened, or the comparison of two recordings: the first of them that there is.
    pub(super) fn cancel_job(&mut self) {
        if let Some(job) = &self.desk.writing {
            job.cancel();
        } else if self.desk.opening.take().is_some() {
            self.tell(Level::Info, "Opening was cancelled");
        } else if let Some(job) = &self.comparing.job {
            job.cancel();
        }
    }

    /// Reads the results of the threads that read and write files.
    pub(super) fn poll_desk(&mut self) {
        self.poll_journal();
        self.poll_saves();
        self.poll_comparing();
        match self.desk.opening.as_ref().map(Job::poll) {
            Some(Ok(Some(result))) => {
                self.desk.opening = None;
                match result {
                    Ok(Opened::Experiment(loaded)) => {
                        self.take_opened(&loaded);
                    }
                    Ok(Opened::Lesson(lesson)) => self.take_lesson(*lesson),
                    Err(e) => self.tell(Level::Error, e.to_string()),
                }
            }
            Some(Err(_)) => {
                self.desk.opening = None;
                self.tell(Level::Error, "The file could not be opened: reading it failed unexpectedly");
            }
            _ => {}
        }
        match self.desk.writing.as_ref().map(Job::poll) {
            Some(Ok(Some(result))) => {
                self.desk.writing = None;
                match result {
                    Ok(text) => self.tell(Level::Success, text),
                    Err(text) => self.tell(Level::Error, text),
                }
            }
            Some(Err(_)) => {
                self.desk.writing = None;
                self.tell(Level::Error, "The curves could not be written: that failed unexpectedly");
            }
            _ => {}
        }
    }

    fn take_opened(&mut self, loaded: &Loaded) -> bool {
        let began = self.take(loaded);
        if began {
            self.desk.saved.extend(loaded.path.clone());
            if loaded.trace.as_ref().is_some_and(|t| t.is_only_watched()) {
                self.tell(Level::Info, super::why_not::ONLY_WATCHED);
            }
            if let Some(examined) = &loaded.examined {
                for oddity in &examined.oddities {
                    let action = oddity.remedy.map(|remedy| NoticeAction {
                        label: remedy.words(),
                        command: Command::ReadAs(Box::new(remedy.applied(&examined.reading))),
                    });
                    self.notices.add(Level::Warning, self.snapshot.step, oddity.text.clone(), action);
                }
            }
        }
        began
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned())
}
