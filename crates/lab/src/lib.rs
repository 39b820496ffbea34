#![doc = include_str!("../README.md")]

mod answers;
mod change;
pub mod command;
pub mod comparing;
pub mod crash;
mod files;
pub mod fork;
pub mod job;
pub mod journal;
pub mod layers;
pub mod lesson;
pub mod logging;
pub mod notices;
pub mod places;
pub mod recorder;
pub mod recording;
mod runs;
mod saves;
mod send;
pub mod sheet;
mod story;
pub mod sweep;
pub mod undo;
mod undoing;
pub mod why_not;
pub mod words;

#[cfg(test)]
mod tests;

use files::Desk;
pub use files::{start_of, start_of_scenario};
use moebias_engine::message::{Message, Snapshot, Speed};
use moebias_engine::start::{RunId, Start};
use moebias_engine::worker::Worker;
use moebias_engine::{EngineChoice, EngineInfo};
use moebias_files::Loaded;
use moebias_files::view::View;
use moebias_model::config::{ConfigError, Experiment};
use notices::{Level, Notice, Notices};
use runs::{Shelved, Switch};
use sheet::Sheet;
use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use undo::Origin;
use undoing::Undoing;

/// The answer to every command that needs the worker, once the worker's thread has ended.
const DEAD: &str = "The simulation has stopped unexpectedly. Save the run, then start Moebias again";

/// The title and texts of an experiment, its file, and its view.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// The title, shown in the top bar.
    pub title: String,
    /// A summary in one line.
    pub summary: String,
    /// What to look for while the experiment runs.
    pub look_for: String,
    /// The file that it was opened from; `None` if it does not come from a file.
    pub path: Option<PathBuf>,
    /// The arrangement of the window that the file asks for, if any.
    pub view: Option<View>,
}

/// The later part of a run, which was set aside when a setting was changed at an earlier step.
#[derive(Clone, Debug, PartialEq)]
pub struct SetAside {
    /// The parked run that holds these steps.
    pub run: RunId,
    /// The step at which the new branch begins.
    pub step: u64,
    /// The number of later changes that the new branch no longer has.
    pub events: usize,
}

/// A file being opened or exported on another thread, with its progress.
#[derive(Clone, Debug, PartialEq)]
pub struct JobStatus {
    /// What is being done: "Writing curves.csv".
    pub name: String,
    /// The share that is done, in [0, 1].
    pub progress: f32,
}

/// A run that an earlier session left unfinished, because the program crashed or was killed.
#[derive(Clone, Debug, PartialEq)]
pub struct UnfinishedRun {
    /// The title of the run.
    pub title: String,
    /// The step that the run had reached.
    pub steps: u64,
    /// The number of timed events: those of the author and those made by hand.
    pub events: usize,
}

/// A lab: one worker with the run that it simulates, the settings as the controls show them, undo, recording and messages.
pub struct Lab {
    worker: Worker,
    wake: Arc<dyn Fn() + Send + Sync>,
    /// The run that is shown: the one that was asked for last, even before the worker has confirmed it.
    run: RunId,
    sheet: Sheet,
    snapshot: Arc<Snapshot>,
    /// The settings that were asked for last. They equal the worker's settings once it has answered every request.
    settings: Experiment,
    requests: Requests,
    shelf: Shelf,
    undoing: Undoing,
    notices: Notices,
    desk: Desk,
    sweeping: sweep::Sweeping,
    lessons: lesson::Lessons,
    layers: layers::LayersDesk,
    comparing: comparing::Comparing,
    words: words::WordsDesk,
    engine_choice: EngineChoice,
    dead: bool,
}

/// The requests that were sent to the worker and are not answered yet.
#[derive(Debug, Default)]
struct Requests {
    /// The number of changes, names and runs requested so far.
    count: u64,
    /// The requested runs, oldest first.
    switches: VecDeque<Switch>,
    /// Messages about runs that the worker has confirmed; they are shown after the next snapshot was read.
    announcements: Vec<runs::Announcement>,
    /// Changes by their number, with where each came from.
    changes: HashMap<u64, Origin>,
}

/// The runs that are in memory but not shown.
#[derive(Debug)]
struct Shelf {
    runs: HashMap<RunId, Shelved>,
    /// The steps that a change of the past set aside last, if they can still be brought back.
    aside: Option<SetAside>,
    /// The id of the next new run.
    next: u64,
}

impl Lab {
    /// Starts a lab, paused at the first step. `wake` is called on other threads whenever there is something new to draw.
    ///
    /// # Errors
    /// The start is not valid, or the system could not start a thread.
    pub fn new(
        document: Document,
        start: Start,
        engine: EngineChoice,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, ConfigError> {
        let mut lab = Self::beside_with(document, start, engine, wake)?;
        lab.desk.journaling.enabled = true;
        lab.look_for_unfinished();
        Ok(lab)
    }

    /// Starts a second lab for pictures and films of a run. It simulates on the CPU, keeps no journal and offers no unfinished run.
    ///
    /// # Errors
    /// The start is not valid, or the system could not start a thread.
    pub fn beside(document: Document, start: Start) -> Result<Self, ConfigError> {
        Self::beside_with(document, start, EngineChoice::Cpu, || {})
    }

    /// Adds what was found in the recording that the tokens come from.
    #[must_use]
    pub fn with_recording(mut self, examined: Option<Arc<moebias_files::Examined>>) -> Self {
        self.sheet.examined = examined;
        self
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
            wake,
            run: RunId(0),
            sheet: Sheet::new(document, authored),
            snapshot,
            settings,
            requests: Requests::default(),
            shelf: Shelf { runs: HashMap::new(), aside: None, next: 1 },
            undoing: Undoing::default(),
            notices: Notices::default(),
            desk: Desk::default(),
            sweeping: sweep::Sweeping::default(),
            lessons: lesson::Lessons::default(),
            layers: layers::LayersDesk::default(),
            comparing: comparing::Comparing::default(),
            words: words::WordsDesk::default(),
            engine_choice: engine,
            dead: false,
        })
    }

    /// Starts a lab with a loaded scenario.
    ///
    /// # Errors
    /// The scenario is not valid, or the system could not start a thread.
    pub fn open(
        loaded: &Loaded,
        engine: EngineChoice,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, ConfigError> {
        let lab = Self::new(Document::of(loaded), start_of(loaded), engine, wake)?;
        let lab = lab.with_recording(loaded.examined.clone());
        if let Some(speed) = loaded.scenario.speed {
            lab.worker.send(Message::Speed(Speed::Steps(speed)));
        }
        Ok(lab)
    }

    /// Reads the worker's answers and its newest snapshot, and the results of other threads. Call it once per frame, before drawing.
    pub fn poll(&mut self) {
        loop {
            match self.worker.echo() {
                Ok(Some(echo)) => self.hear(echo),
                Ok(None) => break,
                Err(_) => {
                    self.worker_died();
                    break;
                }
            }
        }
        self.snapshot = self.worker.snapshot();
        if self.snapshot.answered == self.requests.count {
            self.settings.clone_from(&self.snapshot.experiment);
        }
        // Only the window's lab shows warnings from the log; a lab for pictures would take them away from it.
        if self.desk.journaling.enabled {
            for warning in logging::take_warnings() {
                self.tell(Level::Warning, warning);
            }
        }
        self.announce();
        self.undo_what_waited();
        self.poll_desk();
        self.poll_sweep();
        self.poll_lesson();
    }

    /// The newest snapshot, as of the last [`Self::poll`].
    #[must_use]
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// The run that was asked for last. It is the one shown once the worker has confirmed it.
    #[must_use]
    pub fn run(&self) -> RunId {
        self.run
    }

    /// The settings that the controls should show: those asked for last.
    #[must_use]
    pub fn settings(&self) -> &Experiment {
        &self.settings
    }

    /// Takes the files that were opened or saved since the last call, oldest first, for the list of recent files.
    pub fn take_recent(&mut self) -> Vec<PathBuf> {
        std::mem::take(&mut self.desk.saved)
    }

    /// The texts that are true of the experiment as it is now: once a setting was changed, the author's texts give way to a note of what it
    /// was changed from.
    #[must_use]
    pub fn texts(&self) -> Document {
        self.sheet.texts()
    }

    /// The first step of the run: 0, or the step at which a late recording begins.
    #[must_use]
    pub fn first_step(&self) -> u64 {
        self.sheet.authored.state.as_ref().map_or(0, |s| s.step)
    }

    /// The title and texts as the author wrote them; see [`Self::texts`].
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.sheet.document
    }

    /// All messages to the user.
    #[must_use]
    pub fn notices(&self) -> &Notices {
        &self.notices
    }

    /// The steps that were set aside last and can be brought back.
    #[must_use]
    pub fn set_aside(&self) -> Option<&SetAside> {
        self.shelf.aside.as_ref()
    }

    /// The engine that the user asked for.
    #[must_use]
    pub fn engine_choice(&self) -> EngineChoice {
        self.engine_choice
    }

    /// The engine that simulates at present.
    #[must_use]
    pub fn engine(&self) -> &EngineInfo {
        &self.snapshot.engine
    }

    /// Shows a message to the user.
    pub fn tell(&mut self, level: Level, text: impl Into<String>) {
        self.notices.add(level, self.snapshot.step, text, None);
    }

    /// Shows a message to the user, unless it is the last message and less than four seconds old.
    pub fn tell_once(&mut self, level: Level, text: &str) {
        let just = |n: &Notice| n.text == text && n.at.elapsed() < Duration::from_secs(4);
        if !self.notices.all().next_back().is_some_and(just) {
            self.tell(level, text);
        }
    }
}
