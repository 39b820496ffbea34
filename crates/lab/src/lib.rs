#![doc = include_str!("../README.md")]

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
pub mod sheet;
mod story;
pub mod sweep;
pub mod undo;
pub mod why_not;

#[cfg(test)]
mod tests;

use command::Command;
use files::Desk;
pub use files::{start_of, start_of_scenario};
use moebias_engine::message::{Echo, Message, Snapshot, Speed};
use moebias_engine::start::{RunId, Start};
use moebias_engine::worker::Worker;
use moebias_engine::{EngineChoice, EngineInfo};
use moebias_files::Loaded;
use moebias_files::view::View;
use moebias_model::change::{Change, Target};
use moebias_model::config::{ConfigError, Experiment};
use moebias_model::step::check;
use notices::{Level, Notice, NoticeAction, Notices};
use runs::{Shelved, Switch};
use saves::Purpose;
use sheet::Sheet;
use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use undo::{Asked, Entry, Undo};

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
    /// Changes: the entry of undo that each belongs to, and how it came to be asked for.
    changes: HashMap<u64, (Option<u64>, Asked)>,
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

/// Undo and redo.
#[derive(Debug, Default)]
struct Undoing {
    entries: Undo,
    /// Undo was asked for so often before it was known what it is to bring back.
    waits: u32,
    /// The last thing done was taking back a value.
    past_values: bool,
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
        if self.desk.journals {
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

    /// What undo would take back.
    #[must_use]
    pub fn undo_label(&self) -> Option<String> {
        self.undoing.entries.next_undo().map(Entry::label)
    }

    /// What redo would do again.
    #[must_use]
    pub fn redo_label(&self) -> Option<String> {
        self.undoing.entries.next_redo().map(Entry::label)
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
        self.undoing.entries.end_gesture();
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
        if self.dead && self.says_dead(&command) {
            return;
        }
        let step = self.snapshot.step;
        let before = self.may_change(&command).then(|| (self.run, self.settings.clone()));
        match command {
            // Time
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
            // Settings and variants
            Command::Change { target, change } => self.change(target, vec![change]),
            Command::ChangeTogether { target, changes } => self.change(target, changes),
            Command::Preset { .. }
            | Command::SetExperts(_)
            | Command::SetSeed(_)
            | Command::AddVariant(_)
            | Command::RemoveVariant(_)
            | Command::Reset
            | Command::NewSeed => self.restart(&command),
            Command::Fork(of) => self.fork(of),
            Command::Rename { variant, name } => self.rename(variant, name),
            // Undo
            Command::Undo => self.undo(),
            Command::Redo => self.redo(),
            Command::BringBack => self.bring_back(),
            Command::Mark => {
                self.post(Message::Mark);
                self.tell(Level::Info, format!("MaxVio of all loads counts from step {step}"));
            }
            Command::SetEngine(choice) => {
                self.engine_choice = choice;
                self.post(Message::Engine(choice));
            }
            // What somebody looks at
            Command::SetView(view) => self.post(Message::View(view)),
            Command::SetTheory(request) => self.post(Message::Theory(request)),
            Command::SetFigures(wanted) => self.post(Message::Figures(wanted)),
            Command::SetMicroscope(request) => self.post(Message::Microscope(request)),
            Command::Detail(from, to) => self.post(Message::Detail(from, to)),
            // Files
            Command::ToggleRecord => self.toggle_record(),
            Command::OpenFile(path) => self.open_file(path),
            Command::ShowFolder(folder) => self.show_folder(&folder),
            Command::OpenShipped(id) => self.open_shipped(&id),
            Command::ShowLayer(name) => match self.examined().map(|e| e.reading.clone()) {
                Some(reading) => self.read_otherwise(Some(name), reading),
                None => self.tell(Level::Warning, "These tokens are not from a recording"),
            },
            Command::ReadAs(reading) => self.read_otherwise(None, *reading),
            Command::RouteLayers { variant, on } => self.route_layers(variant, on),
            Command::Describe { title, summary } => self.sheet.describe(title, summary),
            Command::SaveAs(path) => self.ask_for(Purpose::Save(path, None)),
            Command::SaveWithView(path, view) => self.ask_for(Purpose::Save(path, Some(view))),
            Command::ExportCsv(path) => self.ask_for(Purpose::Csv(path)),
            Command::CancelJob => self.cancel_job(),
            Command::Restore => self.restore(),
            Command::DiscardUnfinished => self.discard_unfinished(),
            // Sweeps and lessons
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

    fn undo(&mut self) {
        let past_values = std::mem::take(&mut self.undoing.past_values);
        match self.undoing.entries.next_undo() {
            Some(Entry::Run { what, .. }) if past_values => {
                // Whoever takes back one value after another does not mean to leave the run.
                let text = format!(
                    "Every change of this run is taken back. Undo once more returns to the run before “{what}”"
                );
                self.tell(Level::Info, text);
                return;
            }
            Some(Entry::Value { to, .. }) if puts_biases_aside(to) && self.next_undo_is_unanswered() => {
                self.undoing.waits += 1;
                return;
            }
            _ => {}
        }
        match self.undoing.entries.undo() {
            Some((number, Entry::Value { from, .. })) => {
                self.undoing.past_values = true;
                self.set_again(number, from, Asked::Undone);
            }
            Some((number, Entry::Name { variant, from, .. })) => {
                self.undoing.past_values = true;
                self.call(variant, from, (number, Asked::Undone));
            }
            Some((_, Entry::Run { from, what, .. })) => {
                let action = NoticeAction { label: "Redo".into(), command: Command::Redo };
                let text = format!("Back in the run before “{what}”");
                self.resume(
                    from,
                    Some(runs::Announcement { level: Level::Info, step: None, text, action: Some(action) }),
                );
            }
            None => {}
        }
    }

    /// Whether what undo would take back has put biases aside of which the worker has not told yet.
    fn next_undo_is_unanswered(&self) -> bool {
        let next = self.undoing.entries.next_number();
        self.requests.changes.values().any(|(entry, asked)| *entry == next && next.is_some() && *asked != Asked::Undone)
    }

    /// Does the undo that waited for the worker's answer.
    fn undo_what_waited(&mut self) {
        while self.undoing.waits > 0 && !self.next_undo_is_unanswered() {
            self.undoing.waits -= 1;
            self.undo();
        }
    }

    fn redo(&mut self) {
        self.undoing.past_values = false;
        if self.undoing.waits > 0 {
            self.undoing.waits -= 1;
            return;
        }
        match self.undoing.entries.redo() {
            Some((number, Entry::Value { to, .. })) => self.set_again(number, to, Asked::Redone),
            Some((number, Entry::Name { variant, to, .. })) => self.call(variant, to, (number, Asked::Redone)),
            Some((_, Entry::Run { to, what, .. })) => {
                let text = format!("{what}: once more in the run after it");
                self.resume(to, Some(runs::Announcement { step: None, ..runs::Announcement::undoable(0, text) }));
            }
            None => {}
        }
    }

    /// Sends values that undo or redo brings back, all or none.
    fn set_again(&mut self, number: u64, values: Vec<(Target, Change)>, asked: Asked) {
        let mut settings = self.settings.clone();
        let trace = self.sheet.authored.trace.clone();
        for (target, change) in &values {
            if let Err(e) = check::change(&mut settings, trace.as_deref(), *target, change) {
                self.undoing.entries.drop_next(if asked == Asked::Undone { Asked::Redone } else { Asked::Undone });
                let what = if asked == Asked::Undone { "taken back" } else { "done again" };
                let why = e.in_words(&self.settings.names());
                self.tell(Level::Warning, format!("That can't be {what} with the settings as they are now: {why}"));
                return;
            }
        }
        self.settings = settings;
        for (target, change) in values {
            self.ask(target, change, Some(number), asked);
        }
    }

    fn hear(&mut self, echo: Echo) {
        match echo {
            Echo::Running { run, .. } => self.confirmed(run),
            Echo::Declined { run, running, reason } => self.declined(run, running, &reason),
            Echo::Applied { id, step, events, left_out, biases, .. } => {
                self.sheet.applied(id);
                self.shelf.runs.values_mut().for_each(|s| s.sheet.applied(id));
                if let Some((Some(entry), asked)) = self.requests.changes.remove(&id) {
                    self.undoing.entries.applied(entry, asked, biases);
                }
                if let Some(events) = events {
                    self.journal_events(step, events);
                }
                self.tell_left_out(&left_out);
            }
            Echo::Exported { tag, run } => self.take_export(tag, run),
            Echo::Renamed { id } => {
                if let Some((Some(entry), asked)) = self.requests.changes.remove(&id) {
                    self.undoing.entries.applied(entry, asked, vec![]);
                }
                self.keep_journal();
            }
            Echo::Refused { id, reason } => {
                self.refused(id);
                self.tell(Level::Warning, reason);
            }
            Echo::Branched { run, step, parked, events } => self.branched(run, step, parked, &events),
            Echo::Forgotten(run) => self.forgotten(run),
            Echo::Engine(info) => log::info!("engine: {} ({}): {}", info.kind, info.adapter, info.reason),
            // Where a page stops is for its text to say.
            Echo::Stopped { .. } if self.lesson().is_some() => {}
            Echo::SeekCancelled { step } => self.tell(Level::Info, format!("Stopped at step {step}")),
            Echo::Stopped { step } => self.tell_end(step),
            Echo::Notice(text) => self.tell(Level::Info, text),
            Echo::Trouble(text) => self.tell(Level::Warning, text),
        }
    }

    /// A change was refused: nothing was asked for.
    fn refused(&mut self, id: u64) {
        self.sheet.refused(id);
        self.shelf.runs.values_mut().for_each(|s| s.sheet.refused(id));
        let Some((Some(entry), asked)) = self.requests.changes.remove(&id) else { return };
        if !self.requests.changes.values().any(|(other, _)| *other == Some(entry)) {
            self.undoing.entries.refused(entry, asked);
        }
    }

    /// The worker's thread is gone. What it did last is known, so it can be saved; what it did not answer was not done.
    fn worker_died(&mut self) {
        if std::mem::replace(&mut self.dead, true) {
            return;
        }
        self.snapshot = self.worker.snapshot();
        let unanswered: Vec<u64> = self.requests.changes.keys().copied().collect();
        unanswered.into_iter().for_each(|id| self.refused(id));
        self.requests.switches.clear();
        self.show_again(self.snapshot.run, None);
        self.requests.count = self.snapshot.answered;
        self.undoing.waits = 0;
        self.tell(Level::Error, DEAD);
        self.answer_without_worker();
    }
}

/// Whether changes may put biases aside that only the worker knows.
fn puts_biases_aside(changes: &[(Target, Change)]) -> bool {
    changes.iter().any(|(_, c)| matches!(c, Change::ResetBias | Change::SetRule(_)))
}
