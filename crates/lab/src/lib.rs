#![doc = include_str!("../README.md")]

mod answers;
mod change;
pub mod command;
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

/// What everything but saving is answered with once the worker's thread is gone.
const DEAD: &str = "The simulation has stopped unexpectedly. Save the run, then start Moebias again";

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
    wake: Arc<dyn Fn() + Send + Sync>,
    /// The run that is shown, and what it was made from.
    run: RunId,
    sheet: Sheet,
    snapshot: Arc<Snapshot>,
    /// The settings as last asked for; the worker's own once it has answered everything.
    settings: Experiment,
    requests: Requests,
    shelf: Shelf,
    undoing: Undoing,
    notices: Notices,
    desk: Desk,
    sweeping: sweep::Sweeping,
    lessons: lesson::Lessons,
    layers: layers::LayersDesk,
    engine_choice: EngineChoice,
    dead: bool,
}

/// What the worker was asked for and has not answered yet.
#[derive(Debug, Default)]
struct Requests {
    /// Changes and runs asked for so far.
    count: u64,
    /// Runs, in order.
    switches: VecDeque<Switch>,
    /// What is to be told of runs once the worker has confirmed them.
    announcements: Vec<runs::Announcement>,
    /// Changes by their number, with where each came from.
    changes: HashMap<u64, Origin>,
}

/// The runs that are not shown.
#[derive(Debug)]
struct Shelf {
    runs: HashMap<RunId, Shelved>,
    /// What a change of the past set aside last, to be brought back.
    aside: Option<SetAside>,
    /// The number of the next run.
    next: u64,
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
        lab.desk.journaling.enabled = true;
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

    /// The same lab with what the recording of its tokens turned out to hold.
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
            engine_choice: engine,
            dead: false,
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
        let lab = Self::new(Document::of(loaded), start_of(loaded), engine, wake)?;
        let lab = lab.with_recording(loaded.examined.clone());
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
                    self.worker_died();
                    break;
                }
            }
        }
        self.snapshot = self.worker.snapshot();
        if self.snapshot.answered == self.requests.count {
            self.settings.clone_from(&self.snapshot.experiment);
        }
        // The window's lab, not one that draws pictures beside it.
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

    /// The run that is shown, or was asked for last.
    #[must_use]
    pub fn run(&self) -> RunId {
        self.run
    }

    /// The settings, as the controls should show them.
    #[must_use]
    pub fn settings(&self) -> &Experiment {
        &self.settings
    }

    /// Files that were opened or saved since the last time this was asked, oldest first: for the list of recent files.
    pub fn take_recent(&mut self) -> Vec<PathBuf> {
        std::mem::take(&mut self.desk.saved)
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
        self.shelf.aside.as_ref()
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
}
