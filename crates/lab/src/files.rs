//! The lab's files: opening, saving, recording, exporting, restoring. Reading and long writing happen on threads of their own.

use super::command::Command;
use super::job::{Job, Progress};
use super::journal::{Journalist, Said};
use super::notices::{Level, NoticeAction};
use super::recorder::{self, Recording};
use super::saves::{Purpose, Saves};
use super::sheet::Sheet;
use super::{Document, JobStatus, Lab, UnfinishedRun, places};
use moebias_engine::cpu::CpuEngine;
use moebias_engine::message::{Exported, Message, Speed};
use moebias_engine::run::Run;
use moebias_engine::start::{RunId, Start};
use moebias_files::atomic::Staged;
use moebias_files::export::{Columns, Curves};
use moebias_files::journal::{Unfinished, find_unfinished};
use moebias_files::{self as files, FileError, Loaded, Opened, Scenario};
use moebias_model::change::Event;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Work with files under way.
#[derive(Debug, Default)]
pub(super) struct Desk {
    next_tag: u64,
    pub(super) asked: Vec<(u64, Purpose)>,
    pub(super) opening: Option<Job<Result<Opened, FileError>>>,
    writing: Option<Job<Result<String, String>>>,
    pub(super) saves: Saves,
    /// Files written since somebody last asked, for the list of recent ones.
    pub(super) saved: Vec<PathBuf>,
    copy: Option<(Document, Start)>,
    looking: Option<Job<Vec<Unfinished>>>,
    unfinished: Vec<Unfinished>,
    /// Whether what is done is journalled, so that it survives a crash.
    pub(super) journals: bool,
    pub(super) journalist: Option<Journalist>,
    /// Runs that the journalist was given so far, and how many of them it has on the disk.
    journalled: (u64, u64),
    /// A person was told that there is no home for a journal.
    told_homeless: bool,
    /// Journals that were restored, with the run that they became and its number for the journalist: they go once that is on the disk.
    restored: Vec<(RunId, Option<u64>, Unfinished)>,
    restoring: Option<Restoring>,
    /// A journal entry was asked for but has not come: what is echoed until then is part of it.
    journal_pending: bool,
    pub(super) recording: Option<Recording>,
}

/// A restored run on its way to where it had come.
#[derive(Clone, Copy, Debug)]
struct Restoring {
    run: RunId,
    to: u64,
    /// It was seen to be on its way.
    seen: bool,
}

/// What a loaded scenario starts from.
#[must_use]
pub fn start_of(loaded: &Loaded) -> Start {
    Start { trace: loaded.trace.clone(), ..start_of_scenario(&loaded.scenario) }
}

/// What a scenario starts from, but for its trace.
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

    /// Starts what was loaded, as a document, playing or not. `what` is what undo calls it. False, and told, where it can't start.
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

    /// Ends a recording, if there is one; the worker's answer is saved.
    pub(super) fn stop_recording(&mut self) {
        if let Some(recording) = self.desk.recording.take() {
            self.ask_for(Purpose::RecordEnd(recording));
        }
    }

    /// Asks the worker for the run as data.
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

    /// Asks for the run as data, to repeat it beside this one; [`Self::take_copy`] has it soon.
    pub fn ask_copy(&mut self) {
        self.ask_for(Purpose::Copy);
    }

    /// The run as it was when it was asked for: what it is called and what it starts from, with every change so far.
    pub fn take_copy(&mut self) -> Option<(Document, Start)> {
        self.desk.copy.take()
    }

    /// The run as it was last seen: what is known once the worker's thread is gone.
    fn last_known(&self) -> Box<Exported> {
        let s = &self.snapshot;
        let start = Start { events: s.events.to_vec(), ..self.sheet.authored.clone() };
        let engine = format!("{} ({})", s.engine.kind, s.engine.adapter);
        let (step, digest, experiment) = (s.step, s.digest, (*s.experiment).clone());
        Box::new(Exported { run: s.run, start, step, digest, state: None, experiment, engine })
    }

    /// The worker's thread is gone: what was asked of it is answered with what is known. The journal stays until that is saved.
    pub(super) fn answer_without_worker(&mut self) {
        self.desk.journal_pending = false;
        self.desk.saves.unkept |= self.desk.journalist.is_some();
        for (_, purpose) in std::mem::take(&mut self.desk.asked) {
            let known = self.last_known();
            self.answer_with(purpose, known);
        }
    }

    /// From now on what is done is journalled.
    pub(super) fn keep_journal(&mut self) {
        if !self.desk.journals || self.desk.journal_pending || self.dead {
            return;
        }
        if places::journal_dir().is_some() {
            self.desk.journal_pending = true;
            self.ask_for(Purpose::Journal);
        } else if !std::mem::replace(&mut self.desk.told_homeless, true) {
            self.tell(Level::Warning, "There is no home folder for a journal: a crash would lose what you do now");
        }
    }

    /// A run began or came back: the journal follows.
    pub(super) fn journal_follows(&mut self) {
        if self.desk.journalist.is_some() {
            self.keep_journal();
        }
    }

    /// From a step on, the run's events are these.
    pub(super) fn journal_events(&mut self, step: u64, events: Vec<Event>) {
        match &self.desk.journalist {
            Some(journalist) if !self.desk.journal_pending => journalist.events(step, events),
            Some(_) => {}
            None => self.keep_journal(),
        }
    }

    /// The past was changed: a recording that began later begins there.
    pub(super) fn recording_branches(&mut self, step: u64) {
        if let Some(recording) = &mut self.desk.recording
            && step < recording.since
        {
            *recording = Recording { since: step, begin: None };
        }
    }

    /// The worker answered.
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
                self.desk.journal_pending = false;
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

    /// The journal goes on with this run.
    fn journal(&mut self, run: RunId, scenario: Scenario) {
        match (&self.desk.journalist, places::journal_dir()) {
            (Some(journalist), _) => journalist.restart(scenario),
            (None, Some(folder)) => match Journalist::start(folder, scenario, Arc::clone(&self.wake)) {
                Ok(journalist) => self.desk.journalist = Some(journalist),
                Err(e) => return self.tell(Level::Warning, format!("There is no journal: {e}")),
            },
            (None, None) => return,
        }
        self.desk.journalled.0 += 1;
        let number = self.desk.journalled.0;
        let became = self.desk.restored.iter_mut().filter(|(of, ..)| *of == run);
        became.for_each(|(_, at, _)| *at = at.or(Some(number)));
    }

    /// Shows a folder in the system's file manager.
    pub(super) fn show_folder(&mut self, folder: &Path) {
        if let Err(e) = open::that_detached(folder) {
            self.tell(Level::Warning, format!("No file manager opened ({e}). The folder is {}", folder.display()));
        }
    }

    /// Takes in what the journal's thread has said.
    fn poll_journal(&mut self) {
        while let Some(said) = self.desk.journalist.as_ref().and_then(Journalist::said) {
            match said {
                Said::Kept => {
                    self.desk.journalled.1 += 1;
                    let kept = self.desk.journalled.1;
                    let gone = |(_, at, _): &mut (RunId, Option<u64>, Unfinished)| at.is_some_and(|at| at <= kept);
                    self.desk.restored.extract_if(.., gone).for_each(|(.., unfinished)| unfinished.discard());
                }
                Said::Trouble(text) => self.tell(Level::Warning, text),
            }
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
        let text = files::to_text(&unfinished.scenario);
        let loaded = files::load_text(&text, &name, Path::new(""));
        match loaded {
            Ok(loaded) => {
                let to = unfinished.steps;
                if self.take(&loaded) {
                    self.post(Message::Pause);
                    self.post(Message::Seek(to));
                    self.desk.restoring = Some(Restoring { run: self.run, to, seen: false });
                    self.desk.restored.push((self.run, None, unfinished));
                    self.keep_journal();
                }
            }
            Err(e) => self.tell(Level::Error, format!("The unfinished run can't be restored: {e}")),
        }
    }

    /// Says how far a restored run has really come.
    fn poll_restoring(&mut self) {
        let Some(restoring) = &mut self.desk.restoring else { return };
        if self.run != restoring.run {
            self.desk.restoring = None;
            return;
        }
        if self.snapshot.run != restoring.run {
            return;
        }
        let (here, to) = (self.snapshot.step, restoring.to);
        if self.snapshot.seeking.is_some() {
            restoring.seen = true;
        } else if here >= to {
            self.desk.restoring = None;
            self.tell(Level::Success, format!("Restored up to step {to}"));
        } else if restoring.seen {
            self.desk.restoring = None;
            self.tell(Level::Warning, format!("Restored up to step {here} of {to}"));
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
        self.poll_journal();
        self.poll_restoring();
        self.poll_saves();
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

/// Repeats a run from its start and writes every curve. The file appears only when it is whole.
fn csv_of(path: &Path, run: Exported, progress: &Progress) -> Result<String, String> {
    let name = path.display().to_string();
    let fail = |e: &dyn std::fmt::Display| format!("{name} can't be written: {e}");
    let unwritten = |e: &std::io::Error| FileError::write(&name, e).to_string();
    let staged = Staged::new(path).map_err(|e| unwritten(&e))?;
    let columns = Columns { loads: true, biases: true, learning: run.start.experiment.world().is_some() };
    let to = run.step;
    let mut again = Run::new(run.run, run.start).map_err(|e| fail(&e))?;
    let (start, first) = (&again.start, again.step());
    let mut curves =
        Curves::new(staged, &start.experiment, &again.events, first, columns).map_err(|e| unwritten(&e))?;
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
            return Err(unwritten(&e));
        }
        progress.set((again.step() - first) as f64 / (to - first).max(1) as f64);
    }
    curves.finish().and_then(Staged::finish).map_err(|e| unwritten(&e))?;
    Ok(format!("Wrote {} steps to {}", to - first, path.display()))
}
