//! The lab's files: opening, saving, recording, exporting, restoring. Reading and long writing happen on threads of their own.

use super::job::{Job, Progress};
use super::journal::Journalist;
use super::notices::{Level, NoticeAction};
use super::recorder::{self, Recording};
use super::sheet::Sheet;
use super::{Command, Document, JobStatus, Lab, UnfinishedRun, places};
use crate::engine::cpu::CpuEngine;
use crate::engine::message::{Exported, Message, RunId, Speed, Start};
use crate::engine::run::Run;
use crate::scenario::atomic::Staged;
use crate::scenario::export::{Columns, Curves};
use crate::scenario::journal::{Unfinished, find_unfinished};
use crate::scenario::view::View;
use crate::scenario::{self, FileError, Loaded, Opened, Scenario};
use std::path::{Path, PathBuf};

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

/// Work with files under way.
#[derive(Debug, Default)]
pub(super) struct Desk {
    next_tag: u64,
    asked: Vec<(u64, Purpose)>,
    opening: Option<Job<Result<Opened, FileError>>>,
    writing: Option<Job<Result<String, String>>>,
    copy: Option<(Document, Start)>,
    looking: Option<Job<Vec<Unfinished>>>,
    unfinished: Vec<Unfinished>,
    /// Whether what is done is journalled, so that it survives a crash.
    pub(super) journals: bool,
    journalist: Option<Journalist>,
    /// A journal entry was asked for but has not come: what is echoed until then is part of it.
    journal_pending: bool,
    pub(super) recording: Option<Recording>,
}

impl Start {
    /// What a loaded scenario starts from.
    #[must_use]
    pub fn of(loaded: &Loaded) -> Self {
        let s = &loaded.scenario;
        Self {
            experiment: s.experiment(),
            trace: loaded.trace.clone(),
            state: s.start.clone(),
            events: s.events.clone(),
            stop: s.stop,
        }
    }
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
    /// Work beside the run.
    #[must_use]
    pub fn job(&self) -> Option<JobStatus> {
        let status = |name: &str, progress: &Progress| JobStatus { name: name.to_owned(), progress: progress.share() };
        let Desk { writing, opening, .. } = &self.desk;
        let writing = writing.as_ref().map(|j| status(&j.name, &j.progress));
        writing.or_else(|| opening.as_ref().map(|j| status(&j.name, &j.progress)))
    }

    /// An unfinished run of an earlier session, if there is one to restore.
    #[must_use]
    pub fn unfinished(&self) -> Option<UnfinishedRun> {
        self.desk.unfinished.first().map(|u| UnfinishedRun {
            title: u.scenario.title.clone(),
            steps: u.steps,
            events: u.scenario.events.len(),
        })
    }

    /// The step at which recording began, while it lasts.
    #[must_use]
    pub fn recording_since(&self) -> Option<u64> {
        self.desk.recording.as_ref().map(|r| r.since)
    }

    /// Looks for runs that an earlier session left unfinished, beside the work.
    pub(super) fn look_for_unfinished(&mut self) {
        let Some(folder) = places::journal_dir() else { return };
        let work = move |_: &Progress| find_unfinished(&folder);
        self.desk.looking = Job::spawn("Looking for unfinished runs".into(), self.wake.clone(), work).ok();
    }

    /// Opens a file beside the work; the running experiment stays until it is read and right.
    pub(super) fn open_file(&mut self, path: PathBuf) {
        if scenario::sweep::is_sweep(&path) {
            return self.open_sweep(&path);
        }
        let name = format!("Opening {}", file_name(&path));
        let work = move |_: &Progress| scenario::open(&path);
        match Job::spawn(name, self.wake.clone(), work) {
            Ok(job) => self.desk.opening = Some(job),
            Err(e) => self.tell(Level::Error, format!("The file can't be opened now: {e}")),
        }
    }

    /// Opens a scenario that ships with Moebias.
    pub(super) fn open_shipped(&mut self, id: &str) {
        match scenario::shipped::find(id).map(scenario::Shipped::load) {
            Some(Ok(loaded)) => self.take(&loaded),
            Some(Err(e)) => self.tell(Level::Error, e.to_string()),
            None => self.tell(Level::Error, format!("No scenario named {id} ships with Moebias")),
        }
    }

    fn take(&mut self, loaded: &Loaded) {
        let document = Document::of(loaded);
        let what = format!("Open {}", document.title);
        self.take_as(loaded, document, true, what);
    }

    /// Starts what was loaded, as a document, playing or not. `what` is what undo calls it.
    pub(super) fn take_as(&mut self, loaded: &Loaded, document: Document, play: bool, what: String) {
        let sheet = Sheet::new(document, Start::of(loaded));
        let from = self.run;
        let to = self.begin(sheet, play);
        if let Some(speed) = loaded.scenario.speed {
            self.post(Message::Speed(Speed::Steps(speed)));
        }
        self.undo.did(super::undo::Entry::Run { from, to, what });
        self.undo.end_gesture();
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

    /// Ends a recording, if there is one; the worker's answer is saved.
    pub(super) fn stop_recording(&mut self) {
        if let Some(recording) = self.desk.recording.take() {
            self.ask_for(Purpose::RecordEnd(recording));
        }
    }

    /// Asks the worker for the run as data.
    pub(super) fn ask_for(&mut self, purpose: Purpose) {
        let tag = self.desk.next_tag;
        self.desk.next_tag += 1;
        self.desk.asked.push((tag, purpose));
        self.post(Message::Export(tag));
    }

    /// Asks for the run as data, to repeat it beside this one; [`Self::take_copy`] has it soon.
    pub fn ask_copy(&mut self) {
        self.ask_for(Purpose::Copy);
    }

    /// The run as it was when it was asked for: what it is called and what it starts from, with every change so far.
    pub fn take_copy(&mut self) -> Option<(Document, Start)> {
        self.desk.copy.take()
    }

    /// From now on what is done is journalled.
    pub(super) fn keep_journal(&mut self) {
        if self.desk.journals && places::journal_dir().is_some() && !self.desk.journal_pending {
            self.desk.journal_pending = true;
            self.ask_for(Purpose::Journal);
        }
    }

    /// A run began or came back: the journal follows.
    pub(super) fn journal_follows(&mut self) {
        if self.desk.journalist.is_some() {
            self.keep_journal();
        }
    }

    /// A change was applied.
    pub(super) fn journal_event(&mut self, event: crate::model::change::Event) {
        match &self.desk.journalist {
            Some(journalist) if !self.desk.journal_pending => journalist.event(event),
            Some(_) => {}
            None => self.keep_journal(),
        }
    }

    /// The past was changed.
    pub(super) fn journal_branch(&mut self, step: u64) {
        if let Some(recording) = &mut self.desk.recording
            && step < recording.since
        {
            *recording = Recording { since: step, begin: None };
        }
        if let (Some(journalist), false) = (&self.desk.journalist, self.desk.journal_pending) {
            journalist.branch(step);
        }
    }

    /// The worker answered.
    pub(super) fn take_export(&mut self, tag: u64, run: Box<Exported>) {
        let Some(at) = self.desk.asked.iter().position(|(t, _)| *t == tag) else { return };
        let (_, purpose) = self.desk.asked.swap_remove(at);
        let Some(sheet) = self.sheet_of(run.run).cloned() else { return };
        let sheet = &sheet;
        match purpose {
            Purpose::Journal => {
                self.desk.journal_pending = false;
                let scenario = recorder::scenario_of(sheet, &run);
                match (&self.desk.journalist, places::journal_dir()) {
                    (Some(journalist), _) => journalist.restart(scenario),
                    (None, Some(folder)) => match Journalist::start(folder, scenario) {
                        Ok(journalist) => self.desk.journalist = Some(journalist),
                        Err(e) => log::warn!("no journal: {e}"),
                    },
                    (None, None) => {}
                }
            }
            Purpose::RecordBegin => {
                if let Some(recording) = &mut self.desk.recording {
                    recording.since = run.step;
                    recording.begin = Some(run);
                }
            }
            Purpose::RecordEnd(recording) => {
                let scenario = recorder::recording_of(sheet, &recording, &run);
                self.keep_recording(&scenario, run.step.saturating_sub(recording.since));
            }
            Purpose::Save(path, view) => {
                let mut scenario = recorder::scenario_of(sheet, &run);
                scenario.view = view.map(|v| *v).or(scenario.view);
                self.save(path, &scenario);
            }
            Purpose::Csv(path) => self.write_csv(path, *run),
            Purpose::Copy => self.desk.copy = Some((sheet.document.clone(), run.start)),
        }
    }

    fn sheet_of(&self, run: RunId) -> Option<&Sheet> {
        if run == self.run { Some(&self.sheet) } else { self.sheets.get(&run) }
    }

    fn keep_recording(&mut self, scenario: &Scenario, steps: u64) {
        let Some(folder) = places::recordings_dir() else {
            self.tell(Level::Warning, "There is no home folder to keep the recording in. Use Save as to keep it");
            return;
        };
        if let Err(e) = std::fs::create_dir_all(&folder) {
            self.tell(Level::Error, format!("The recording can't be kept in {}: {e}. Use Save as", folder.display()));
            return;
        }
        let path = recorder::free_name(&folder, &scenario.title);
        match scenario::save(&path, scenario) {
            Ok(()) => {
                let what = format!("Recorded {steps} steps in {}", path.display());
                let action = NoticeAction { label: "Show folder".into(), command: Command::ShowFolder(folder) };
                self.notices.add(Level::Success, self.snapshot.step, what, Some(action));
                self.saved.push(path);
            }
            Err(e) => self.tell(Level::Error, e.to_string()),
        }
    }

    /// Shows a folder in the system's file manager.
    pub(super) fn show_folder(&mut self, folder: &Path) {
        if let Err(e) = open::that_detached(folder) {
            self.tell(Level::Warning, format!("No file manager opened ({e}). The folder is {}", folder.display()));
        }
    }

    fn save(&mut self, path: PathBuf, scenario: &Scenario) {
        match scenario::save(&path, scenario) {
            Ok(()) => {
                self.tell(Level::Success, format!("Saved {}", path.display()));
                self.saved.push(path);
            }
            Err(e) => self.tell(Level::Error, e.to_string()),
        }
    }

    fn write_csv(&mut self, path: PathBuf, run: Exported) {
        let name = format!("Writing {}", file_name(&path));
        let work = move |progress: &Progress| csv_of(&path, run, progress);
        match Job::spawn(name, self.wake.clone(), work) {
            Ok(job) => self.desk.writing = Some(job),
            Err(e) => self.tell(Level::Error, format!("The curves can't be written now: {e}")),
        }
    }

    /// Gives up work under way.
    pub(super) fn cancel_job(&mut self) {
        if let Some(job) = &self.desk.writing {
            job.cancel();
        } else if self.desk.opening.take().is_some() {
            self.tell(Level::Info, "Opening was cancelled");
        }
    }

    /// Opens the newest unfinished run at the step it had reached.
    pub(super) fn restore(&mut self) {
        if self.desk.unfinished.is_empty() {
            return;
        }
        let unfinished = self.desk.unfinished.remove(0);
        let name = unfinished.path.display().to_string();
        let text = scenario::to_text(&unfinished.scenario);
        let loaded = scenario::load_text(&text, &name, Path::new(""));
        match loaded {
            Ok(loaded) => {
                let steps = unfinished.steps;
                self.take(&loaded);
                self.post(Message::Pause);
                self.post(Message::Seek(steps));
                self.keep_journal();
                unfinished.discard();
                self.tell(Level::Success, format!("Restored up to step {steps}"));
            }
            Err(e) => self.tell(Level::Error, format!("The unfinished run can't be restored: {e}")),
        }
    }

    /// Lets go of the newest unfinished run.
    pub(super) fn discard_unfinished(&mut self) {
        if !self.desk.unfinished.is_empty() {
            self.desk.unfinished.remove(0).discard();
        }
    }

    /// Takes in what was finished beside the work.
    pub(super) fn poll_desk(&mut self) {
        if let Some(journalist) = &self.desk.journalist
            && !self.desk.journal_pending
            && self.snapshot.run == self.run
        {
            journalist.beat(self.snapshot.step, self.snapshot.digest);
        }
        match self.desk.looking.as_ref().map(Job::poll) {
            Some(Ok(Some(found))) => {
                self.desk.unfinished = found;
                self.desk.looking = None;
            }
            Some(Err(_)) => self.desk.looking = None,
            _ => {}
        }
        match self.desk.opening.as_ref().map(Job::poll) {
            Some(Ok(Some(result))) => {
                self.desk.opening = None;
                match result {
                    Ok(Opened::Experiment(loaded)) => self.take_opened(&loaded),
                    Ok(Opened::Lesson(lesson)) => self.take_lesson(*lesson),
                    Ok(Opened::Selections(selections)) => match selections.watchable() {
                        Ok(loaded) => {
                            self.take_opened(&loaded);
                            self.tell(
                                Level::Info,
                                "This log holds selections without scores: it can be watched and measured, but not routed again",
                            );
                        }
                        Err(e) => self.tell(Level::Error, e.to_string()),
                    },
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
            Some(Err(_)) => self.desk.writing = None,
            _ => {}
        }
    }

    fn take_opened(&mut self, loaded: &Loaded) {
        if let Some(path) = &loaded.path {
            self.saved.push(path.clone());
        }
        let problem = crate::model::step::Simulation::new(loaded.scenario.experiment(), loaded.trace.clone()).err();
        match problem {
            Some(e) => self.tell(Level::Error, format!("{}: {e}", loaded.scenario.title)),
            None => self.take(loaded),
        }
    }

    /// The window closes: a recording under way is kept, and the journal is done with.
    pub fn close(&mut self) {
        self.stop_recording();
        let patience = std::time::Instant::now();
        let waits = |l: &Self| l.desk.asked.iter().any(|(_, p)| matches!(p, Purpose::RecordEnd(_) | Purpose::Save(..)));
        while waits(self) && patience.elapsed().as_secs() < 3 {
            self.poll();
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        if !waits(self)
            && let Some(journalist) = self.desk.journalist.take()
        {
            journalist.finish();
        }
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned())
}

/// Repeats a run from its start and writes every curve. The file appears only when it is whole.
fn csv_of(path: &Path, run: Exported, progress: &Progress) -> Result<String, String> {
    let fail = |e: &dyn std::fmt::Display| format!("{} can't be written: {e}", path.display());
    let staged = Staged::new(path).map_err(|e| fail(&e))?;
    let columns = Columns { loads: true, biases: true, learning: run.start.experiment.world().is_some() };
    let to = run.step;
    let mut again = Run::new(run.run, run.start).map_err(|e| fail(&e))?;
    let (start, first) = (&again.start, again.step());
    let mut curves = Curves::new(staged, &start.experiment, &again.events, first, columns).map_err(|e| fail(&e))?;
    let mut engine = CpuEngine::new("for the export");
    let first = again.step();
    let mut trouble = None;
    while again.step() < to {
        if progress.cancelled() {
            return Err(format!("{} was not written", path.display()));
        }
        let most = (to - again.step()).min(64) as u32;
        let each = |row: &_, metrics: &[_]| {
            if trouble.is_none() {
                trouble = curves.row(row, metrics).err();
            }
        };
        again.advance(&mut engine, most, each).map_err(|e| fail(&e))?;
        if let Some(e) = trouble {
            return Err(fail(&e));
        }
        progress.set((again.step() - first) as f64 / (to - first).max(1) as f64);
    }
    curves.finish().and_then(Staged::finish).map_err(|e| fail(&e))?;
    Ok(format!("Wrote {} steps to {}", to - first, path.display()))
}
