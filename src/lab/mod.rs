//! The running experiment without a screen: commands in, snapshots and notices out. The window and the tests drive it alike.

pub mod command;
pub mod crash;
mod files;
pub mod fork;
pub mod job;
pub mod journal;
pub mod lesson;
pub mod notices;
pub mod places;
pub mod recorder;
pub mod sheet;
pub mod sweep;
pub mod undo;

#[cfg(test)]
mod tests;

use crate::engine::message::{Echo, Message, RunId, Snapshot, Speed, Start};
use crate::engine::worker::Worker;
use crate::engine::{EngineChoice, EngineInfo};
use crate::model::change::{self, Change, Target};
use crate::model::config::{ConfigError, Experiment};
use crate::model::presets::Preset;
use crate::scenario::Loaded;
use crate::scenario::view::View;
use command::Command;
use files::{Desk, Purpose};
use notices::{Level, NoticeAction, Notices};
use sheet::Sheet;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
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

    /// Does what a person asked for. Never waits.
    pub fn send(&mut self, command: Command) {
        let step = self.snapshot.step;
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
            Command::RemoveVariant(i) => {
                if self.settings.variants.len() > 1 && i < self.settings.variants.len() {
                    let what = format!("Remove {}", self.settings.variants[i].name);
                    self.restart(&what, |start| {
                        start.experiment.variants.remove(i);
                        // Events of the later variants move up with them.
                        start.events.retain(|e| e.target != Target::Variant(i));
                        for event in &mut start.events {
                            if let Target::Variant(j) = &mut event.target
                                && *j > i
                            {
                                *j -= 1;
                            }
                        }
                    });
                }
            }
            Command::Reset => self.restart("Reset", |_| {}),
            Command::NewSeed => {
                let seed = fresh_seed();
                self.restart(&format!("New seed {seed}"), |s| s.experiment.seed = seed);
            }
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
            Command::OpenShipped(id) => self.open_shipped(&id),
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
    }

    fn post(&mut self, message: Message) {
        self.worker.send(message);
    }

    /// Makes some changes, all or none.
    fn change(&mut self, target: Target, changes: Vec<Change>) {
        let targets: Vec<Target> = match target {
            Target::AllVariants => (0..self.settings.variants.len()).map(Target::Variant).collect(),
            one => vec![one],
        };
        let mut settings = self.settings.clone();
        let (mut from, mut to) = (vec![], vec![]);
        for change in changes {
            let before: Vec<(Target, Change)> =
                targets.iter().filter_map(|&t| change::inverse(&settings, t, &change).map(|c| (t, c))).collect();
            if let Err(e) = change::apply(&mut settings, target, &change) {
                self.tell(Level::Warning, e.to_string());
                return;
            }
            // What is so already is not changed; what nothing brings back is done whenever it is asked for.
            if before.is_empty() || before.iter().any(|(_, c)| *c != change) {
                from.extend(before);
                to.push((target, change));
            }
        }
        self.settings = settings;
        if !from.is_empty() {
            // Taken back in the opposite order.
            from.reverse();
            self.undo.did(Entry::Value { from, to: to.clone() });
        }
        for (target, change) in to {
            if change == Change::ResetBias {
                self.tell(Level::Info, "Every bias is back at its start. To take that back, go back in time (←)");
            }
            self.ask(target, change);
        }
    }

    fn ask(&mut self, target: Target, change: Change) {
        self.sheet.touch(target, &change);
        self.asked += 1;
        self.post(Message::Change { target, change });
    }

    fn set_experts(&mut self, experts: u32) {
        let old = self.settings.variants.first().map_or(0, |v| v.router.experts);
        self.restart(&format!("{old} → {experts} experts"), |s| {
            for v in &mut s.experiment.variants {
                v.router.experts = experts;
                v.router.groups = v.router.groups.filter(|g| experts.is_multiple_of(g.groups));
                v.router.top_k = v.router.top_k.min(v.router.eligible());
                v.balancer.zero_experts = v.balancer.zero_experts.min(experts.saturating_sub(1));
            }
        });
    }

    fn preset(&mut self, target: Target, preset: Preset) {
        let meant = move |i: usize| target == Target::AllVariants || target == Target::Variant(i);
        self.restart(preset.name(), |start| {
            let mut count = 0;
            for (_, v) in start.experiment.variants.iter_mut().enumerate().filter(|(i, _)| meant(*i)) {
                (v.router, v.balancer) = preset.settings();
                count += 1;
                v.name = if count == 1 { preset.name().into() } else { format!("{} {count}", preset.name()) };
            }
            // What the author made happen to other settings is not this model's.
            start.events.retain(|e| match e.target {
                Target::Source => true,
                Target::Variant(i) => !meant(i),
                Target::AllVariants => target != Target::AllVariants,
            });
            start.state = None;
        });
    }

    fn add_variant(&mut self, of: usize) {
        if of >= self.settings.variants.len() {
            return;
        }
        let name = ('A'..='Z')
            .map(|c| format!("Variant {c}"))
            .find(|n| self.settings.variants.iter().all(|v| v.name != *n))
            .unwrap_or_else(|| "Variant".into());
        let what = format!("Add {name}");
        self.restart(&what, |start| {
            // As its author wrote it, with what happens to it: the new run begins where that one began.
            let variants = &mut start.experiment.variants;
            if let Some(like) = variants.get(of).cloned() {
                let new = Target::Variant(variants.len());
                variants.push(crate::model::config::Variant { name, ..like });
                let copies = start.events.iter().filter(|e| e.target == Target::Variant(of)).cloned();
                let copies: Vec<_> = copies.map(|e| change::Event { target: new, ..e }).collect();
                start.events.extend(copies);
                start.events.sort_by_key(|e| e.step);
            }
        });
    }

    /// A new run from the first step, changed by `f`; see [`Sheet::again`]. The old run can be brought back by undo.
    fn restart(&mut self, what: &str, f: impl FnOnce(&mut Start)) {
        let sheet = self.sheet.again(f);
        if let Err(e) = sheet.authored.experiment.validate() {
            self.tell(Level::Warning, e.to_string());
            return;
        }
        let first = sheet.authored.state.as_ref().map_or(0, |s| s.step);
        let from = self.run;
        let to = self.begin(sheet, self.snapshot.playing);
        self.undo.did(Entry::Run { from, to, what: what.to_owned() });
        self.undo.end_gesture();
        let action = NoticeAction { label: "Undo".into(), command: Command::Undo };
        self.notices.add(Level::Info, 0, format!("{what}: new run from step {first}"), Some(action));
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
                    change::apply(&mut self.settings, target, &change).ok();
                    self.ask(target, change);
                }
            }
            Some(Entry::Run { from, .. }) => self.resume(from),
            None => {}
        }
    }

    fn redo(&mut self) {
        match self.undo.redo() {
            Some(Entry::Value { to, .. }) => {
                for (target, change) in to {
                    change::apply(&mut self.settings, target, &change).ok();
                    self.ask(target, change);
                }
            }
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
            Echo::SeekCancelled { step } => self.tell(Level::Info, format!("Stopped at step {step}")),
            Echo::Stopped { step } => {
                self.tell(Level::Info, format!("Paused at step {step}, where this scenario ends"));
            }
            Echo::Notice(text) => self.tell(Level::Info, text),
            Echo::Trouble(text) => self.tell(Level::Warning, text),
        }
    }
}

/// A seed nobody chose: the only random number that may differ between two runs of the app.
fn fresh_seed() -> u32 {
    rand::random_range(0..1_000_000)
}
