//! The running experiment without a screen: commands in, snapshots and notices out. The window and the tests drive it alike.

mod change;
pub mod command;
pub mod crash;
mod files;
pub mod fork;
pub mod job;
pub mod journal;
pub mod lesson;
pub mod logging;
pub mod notices;
pub mod places;
pub mod recorder;
pub mod sheet;
mod story;
pub mod sweep;
pub mod undo;

#[cfg(test)]
mod tests;

use crate::engine::message::{Echo, Message, RunId, Snapshot, Speed, Start};
use crate::engine::worker::Worker;
use crate::engine::{EngineChoice, EngineInfo};
use crate::model::change::apply;
use crate::model::config::{ConfigError, Experiment};
use crate::scenario::Loaded;
use crate::scenario::view::View;
use command::Command;
use files::{Desk, Purpose};
use notices::{Level, Notice, NoticeAction, Notices};
use sheet::Sheet;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use undo::{Entry, Undo};

/// What an experiment is called and what it teaches.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// Title, shown in the top bar.
    pub title: String,
    /// One line.
    pub summary: String,
    /// What to look for.
    pub look_for: String,
    /// Where it was opened from or saved to.
    pub path: Option<PathBuf>,
    /// How it wants to be seen.
    pub view: Option<View>,
}

/// Later steps that were set aside when the past was changed.
#[derive(Clone, Debug, PartialEq)]
pub struct SetAside {
    /// The parked run that holds them.
    pub run: RunId,
    /// Where the branch began.
    pub step: u64,
    /// How many events it holds.
    pub events: usize,
}

/// Work beside the run, with its progress.
#[derive(Clone, Debug, PartialEq)]
pub struct JobStatus {
    /// What it is: "Writing curves.csv".
    pub name: String,
    /// In [0, 1].
    pub progress: f32,
}

/// An unfinished run of an earlier session.
#[derive(Clone, Debug, PartialEq)]
pub struct UnfinishedRun {
    /// Its title.
    pub title: String,
    /// How far it came.
    pub steps: u64,
    /// How many changes it holds.
    pub events: usize,
}

/// A lab: one worker, the settings as the controls show them, undo, recording and messages.
pub struct Lab {
    worker: Worker,
    sheet: Sheet,
    sheets: HashMap<RunId, Sheet>,
    snapshot: Arc<Snapshot>,
    /// The settings as last asked for; the worker's own once it has answered everything.
    settings: Experiment,
    /// Changes and new runs asked for so far.
    asked: u64,
    undo: Undo,
    notices: Notices,
    desk: Desk,
    saved: Vec<PathBuf>,
    wake: Arc<dyn Fn() + Send + Sync>,
    set_aside: Option<SetAside>,
    engine_choice: EngineChoice,
    /// The run that the sheet belongs to.
    run: RunId,
    next_run: u64,
    sweep: Option<sweep::LabSweep>,
    sweeps: u64,
    dead: bool,
    lessons: lesson::Lessons,
}

impl Lab {
    /// Starts a lab, paused at the first step. `wake` is called from another thread whenever there is something new.
    ///
    /// # Errors
    /// A start that does not fit.
    pub fn new(
        document: Document,
        start: Start,
        engine: EngineChoice,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, ConfigError> {
        let mut lab = Self::beside_with(document, start, engine, wake)?;
        lab.desk.journals = true;
        lab.look_for_unfinished();
        Ok(lab)
    }

    /// A lab beside another, for pictures of a run: on the CPU, it keeps no journal and offers nothing to restore.
    ///
    /// # Errors
    /// A start that does not fit.
    pub fn beside(document: Document, start: Start) -> Result<Self, ConfigError> {
        Self::beside_with(document, start, EngineChoice::Cpu, || {})
    }

    fn beside_with(
        document: Document,
        start: Start,
        engine: EngineChoice,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, ConfigError> {
        let settings = start.experiment.clone();
        let authored = start.clone();
        let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(wake);
        let theirs = Arc::clone(&wake);
        let worker = Worker::spawn(RunId(0), start, engine, Box::new(move || theirs()))?;
        let snapshot = worker.snapshot();
        Ok(Self {
            worker,
            sheets: HashMap::new(),
            sheet: Sheet::new(document, authored),
            snapshot,
            settings,
            asked: 0,
            undo: Undo::default(),
            notices: Notices::default(),
            desk: Desk::default(),
            saved: vec![],
            wake,
            set_aside: None,
            engine_choice: engine,
            run: RunId(0),
            next_run: 1,
            sweep: None,
            sweeps: 0,
            dead: false,
            lessons: lesson::Lessons::default(),
        })
    }

    /// Starts a lab with a loaded scenario.
    ///
    /// # Errors
    /// A scenario that does not fit.
    pub fn open(
        loaded: &Loaded,
        engine: EngineChoice,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, ConfigError> {
        let lab = Self::new(Document::of(loaded), Start::of(loaded), engine, wake)?;
        if let Some(speed) = loaded.scenario.speed {
            lab.worker.send(Message::Speed(Speed::Steps(speed)));
        }
        Ok(lab)
    }

    /// Takes in what the worker said. Call once per frame, before drawing.
    pub fn poll(&mut self) {
        loop {
            match self.worker.echo() {
                Ok(Some(echo)) => self.hear(echo),
                Ok(None) => break,
                Err(_) => {
                    if !self.dead {
                        self.dead = true;
                        self.tell(
                            Level::Error,
                            "The simulation stopped unexpectedly. Save what you need and start Moebias again",
                        );
                    }
                    break;
                }
            }
        }
        self.snapshot = self.worker.snapshot();
        if self.snapshot.answered == self.asked {
            self.settings.clone_from(&self.snapshot.experiment);
        }
        // The window's lab, not one that draws pictures beside it.
        if self.desk.journals {
            for warning in logging::take_warnings() {
                self.tell(Level::Warning, warning);
            }
        }
        self.poll_desk();
        self.poll_sweep();
        self.poll_lesson();
    }

    /// The newest snapshot, as of the last [`Self::poll`].
    #[must_use]
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// The settings, as the controls should show them.
    #[must_use]
    pub fn settings(&self) -> &Experiment {
        &self.settings
    }

    /// Files that were opened or saved since the last time this was asked, oldest first: for the list of recent files.
    pub fn take_recent(&mut self) -> Vec<PathBuf> {
        std::mem::take(&mut self.saved)
    }

    /// The texts that hold for the experiment as it is now: after a change, what it was changed from.
    #[must_use]
    pub fn texts(&self) -> Document {
        self.sheet.texts()
    }

    /// The first step that there is: 0, or where a late recording begins.
    #[must_use]
    pub fn first_step(&self) -> u64 {
        self.sheet.authored.state.as_ref().map_or(0, |s| s.step)
    }

    /// What the experiment is called.
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.sheet.document
    }

    /// The messages.
    #[must_use]
    pub fn notices(&self) -> &Notices {
        &self.notices
    }

    /// Later steps that can be brought back.
    #[must_use]
    pub fn set_aside(&self) -> Option<&SetAside> {
        self.set_aside.as_ref()
    }

    /// What undo would take back.
    #[must_use]
    pub fn undo_label(&self) -> Option<String> {
        self.undo.next_undo().map(Entry::label)
    }

    /// What redo would do again.
    #[must_use]
    pub fn redo_label(&self) -> Option<String> {
        self.undo.next_redo().map(Entry::label)
    }

    /// The engine that was asked for.
    #[must_use]
    pub fn engine_choice(&self) -> EngineChoice {
        self.engine_choice
    }

    /// The engine that runs.
    #[must_use]
    pub fn engine(&self) -> &EngineInfo {
        &self.snapshot.engine
    }

    /// Pointer and keyboard are idle: the next change is a new undo step.
    pub fn end_gesture(&mut self) {
        self.undo.end_gesture();
    }

    /// Tells a person something.
    pub fn tell(&mut self, level: Level, text: impl Into<String>) {
        self.notices.add(level, self.snapshot.step, text, None);
    }

    /// Tells a person something, unless it has just been told.
    pub fn tell_once(&mut self, level: Level, text: &str) {
        let just = |n: &Notice| n.text == text && n.at.elapsed() < Duration::from_secs(4);
        if !self.notices.all().next_back().is_some_and(just) {
            self.tell(level, text);
        }
    }

    /// Does what a person asked for. Never waits.
    pub fn send(&mut self, command: Command) {
        let step = self.snapshot.step;
        let before = self.may_change(&command).then(|| (self.run, self.settings.clone()));
        match command {
            Command::TogglePlay if self.snapshot.playing => self.post(Message::Pause),
            Command::TogglePlay | Command::Play => self.post(Message::Play),
            Command::Pause => self.post(Message::Pause),
            Command::StepForward(n) => self.post(Message::Step(n)),
            Command::StepBack(n) => {
                self.post(Message::Pause);
                self.post(Message::Seek(step.saturating_sub(n)));
            }
            Command::Seek(n) => self.post(Message::Seek(n)),
            Command::SeekStart => self.post(Message::Seek(0)),
            Command::SeekEnd => self.post(Message::Seek(self.snapshot.head)),
            Command::CancelSeek => self.post(Message::CancelSeek),
            Command::SetSpeed(speed) => self.post(Message::Speed(speed)),
            Command::Change { target, change } => self.change(target, vec![change]),
            Command::ChangeTogether { target, changes } => self.change(target, changes),
            Command::Preset { target, preset } => self.preset(target, preset),
            Command::SetExperts(experts) => self.set_experts(experts),
            Command::SetSeed(seed) => self.restart(&format!("Seed {seed}"), |s| s.experiment.seed = seed),
            Command::AddVariant(of) => self.add_variant(of),
            Command::Fork(of) => self.fork(of),
            Command::RemoveVariant(i) => self.remove_variant(i),
            Command::Rename { variant, name } => self.rename(variant, name),
            Command::Reset => self.restart("Reset", |_| {}),
            Command::NewSeed => self.new_seed(),
            Command::Undo => self.undo(),
            Command::Redo => self.redo(),
            Command::BringBack => {
                if let Some(aside) = self.set_aside.take() {
                    self.undo.did(Entry::Run { from: self.run, to: aside.run, what: "Bring back".into() });
                    self.undo.end_gesture();
                    self.resume(aside.run);
                }
            }
            Command::Mark => {
                self.post(Message::Mark);
                self.tell(Level::Info, format!("MaxVio of all loads counts from step {step}"));
            }
            Command::SetEngine(choice) => {
                self.engine_choice = choice;
                self.post(Message::Engine(choice));
            }
            Command::SetView(view) => self.post(Message::View(view)),
            Command::SetTheory(request) => self.post(Message::Theory(request)),
            Command::SetFigures(wanted) => self.post(Message::Figures(wanted)),
            Command::SetMicroscope(request) => self.post(Message::Microscope(request)),
            Command::Detail(from, to) => self.post(Message::Detail(from, to)),
            Command::ToggleRecord => self.toggle_record(),
            Command::OpenFile(path) => self.open_file(path),
            Command::ShowFolder(folder) => self.show_folder(&folder),
            Command::OpenShipped(id) => self.open_shipped(&id),
            Command::Describe { title, summary } => self.sheet.describe(title, summary),
            Command::SaveAs(path) => self.ask_for(Purpose::Save(path, None)),
            Command::SaveWithView(path, view) => self.ask_for(Purpose::Save(path, Some(view))),
            Command::ExportCsv(path) => self.ask_for(Purpose::Csv(path)),
            Command::CancelJob => self.cancel_job(),
            Command::Restore => self.restore(),
            Command::DiscardUnfinished => self.discard_unfinished(),
            Command::StartSweep(request) => self.start_sweep(&request),
            Command::GoOnWithSweep => self.go_on_with_sweep(),
            Command::CancelSweep => self.cancel_sweep(),
            Command::SaveSweep(path) => self.save_sweep(&path),
            Command::OpenRun(number) => self.open_run(number),
            Command::Lesson(what) => self.in_lesson(what),
        }
        if before.is_some_and(|before| before != (self.run, self.settings.clone())) {
            self.changed_by_hand();
        }
    }

    fn post(&mut self, message: Message) {
        self.worker.send(message);
    }

    /// Starts a run and forgets what belonged to the last one alone.
    fn begin(&mut self, sheet: Sheet, play: bool) -> RunId {
        let run = RunId(self.next_run);
        self.next_run += 1;
        // What was recorded belongs to the run that is left.
        self.stop_recording();
        let start = Box::new(sheet.authored.clone());
        self.settings = start.experiment.clone();
        let old = std::mem::replace(&mut self.sheet, sheet);
        self.sheets.insert(self.run, old);
        self.run = run;
        self.set_aside = None;
        self.asked += 1;
        self.post(Message::Start { run, start, play });
        run
    }

    /// Brings a parked run back. What was recorded belongs to the run that is left.
    fn resume(&mut self, run: RunId) {
        self.stop_recording();
        self.post(Message::Resume(run));
    }

    fn undo(&mut self) {
        match self.undo.undo() {
            Some(Entry::Value { from, .. }) => {
                for (target, change) in from {
                    apply(&mut self.settings, target, &change).ok();
                    self.ask(target, change);
                }
            }
            Some(Entry::Name { variant, from, .. }) => self.call(variant, from),
            Some(Entry::Run { from, .. }) => self.resume(from),
            None => {}
        }
    }

    fn redo(&mut self) {
        match self.undo.redo() {
            Some(Entry::Value { to, .. }) => {
                for (target, change) in to {
                    apply(&mut self.settings, target, &change).ok();
                    self.ask(target, change);
                }
            }
            Some(Entry::Name { variant, to, .. }) => self.call(variant, to),
            Some(Entry::Run { to, .. }) => self.resume(to),
            None => {}
        }
    }

    fn hear(&mut self, echo: Echo) {
        match echo {
            Echo::Running { run, resumed } => {
                // Also a new run may not be the one the sheet is of, if another was brought back in between.
                if run != self.run
                    && let Some(sheet) = self.sheets.remove(&run)
                {
                    let old = std::mem::replace(&mut self.sheet, sheet);
                    self.sheets.insert(self.run, old);
                    self.run = run;
                }
                if resumed {
                    self.set_aside = None;
                }
                self.journal_follows();
            }
            Echo::Applied { event, .. } => {
                self.journal_event(event);
            }
            Echo::Renamed => self.keep_journal(),
            Echo::Exported { tag, run } => self.take_export(tag, run),
            Echo::Refused { reason } => {
                self.tell(Level::Warning, reason);
            }
            Echo::Branched { step, parked, events, .. } => {
                self.journal_branch(step);
                self.set_aside = Some(SetAside { run: parked, step, events });
                self.sheets.insert(parked, self.sheet.clone());
                let what = match events {
                    0 => "is",
                    1 => "and one later change are",
                    _ => "and later changes are",
                };
                let action = NoticeAction { label: "Bring back".into(), command: Command::BringBack };
                let text = format!("New branch from step {step}; what came after it {what} set aside");
                self.notices.add(Level::Info, step, text, Some(action));
            }
            Echo::Forgotten(run) => {
                self.undo.forget(run);
                self.sheets.remove(&run);
                if self.set_aside.as_ref().is_some_and(|a| a.run == run) {
                    self.set_aside = None;
                }
            }
            Echo::Engine(info) => log::info!("engine: {} ({}): {}", info.kind, info.adapter, info.reason),
            // Where a page stops is for its text to say.
            Echo::Stopped { .. } if self.lesson().is_some() => {}
            Echo::SeekCancelled { step } => self.tell(Level::Info, format!("Stopped at step {step}")),
            Echo::Stopped { step } => self.tell_end(step),
            Echo::Notice(text) => self.tell(Level::Info, text),
            Echo::Trouble(text) => self.tell(Level::Warning, text),
        }
    }
}
