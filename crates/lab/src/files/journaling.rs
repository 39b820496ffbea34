//! The journal of the run that is shown, so that a crash loses at most a second, and the unfinished runs of earlier sessions.

use crate::job::{Job, Progress};
use crate::journal::{Journalist, Said};
use crate::notices::Level;
use crate::saves::Purpose;
use crate::{Lab, UnfinishedRun, places};
use moebias_engine::message::Message;
use moebias_engine::start::RunId;
use moebias_files::journal::{Unfinished, find_unfinished};
use moebias_files::{self as files, Scenario};
use moebias_model::change::Event;
use std::path::Path;
use std::sync::Arc;

/// The journal of this session, and the unfinished runs of earlier ones.
#[derive(Debug, Default)]
pub(crate) struct Journaling {
    /// Whether this lab keeps a journal, so that its run survives a crash.
    pub(crate) enabled: bool,
    pub(crate) journalist: Option<Journalist>,
    /// Runs handed to the journalist so far. A run's number among them says when it is on the disk.
    handed: u64,
    /// How many of the runs handed over are on the disk.
    on_disk: u64,
    /// Whether the user was told that there is no home folder for a journal.
    told_homeless: bool,
    /// The worker was asked for the run to begin a journal with. Until it answers, events need not be journalled: its answer contains them.
    pub(super) pending: bool,
    looking: Option<Job<Vec<Unfinished>>>,
    unfinished: Vec<Unfinished>,
    /// Journals that were restored and are still on the disk.
    restored: Vec<Restored>,
    restoring: Option<Restoring>,
}

/// A restored journal. It is removed only once the run that it became is itself in a journal on the disk.
#[derive(Debug)]
struct Restored {
    /// The run that it became.
    run: RunId,
    /// The number of that run among those handed to the journalist; `None` until it is handed over.
    number: Option<u64>,
    journal: Unfinished,
}

/// A restored run that is still being computed up to the step it had reached.
#[derive(Clone, Copy, Debug)]
struct Restoring {
    run: RunId,
    to: u64,
    /// Whether a snapshot has shown the seek in progress: without a seek, a run that is short of its step is one that was stopped.
    seen: bool,
}

impl Lab {
    /// An unfinished run of an earlier session, if there is one to restore.
    #[must_use]
    pub fn unfinished(&self) -> Option<UnfinishedRun> {
        self.desk.journaling.unfinished.first().map(|u| UnfinishedRun {
            title: u.scenario.title.clone(),
            steps: u.steps,
            events: u.scenario.events.len(),
        })
    }

    /// Looks for runs that an earlier session left unfinished, on a thread of its own.
    pub(crate) fn look_for_unfinished(&mut self) {
        let Some(folder) = places::journal_dir() else { return };
        let work = move |_: &Progress| find_unfinished(&folder);
        self.desk.journaling.looking = Job::spawn("Looking for unfinished runs".into(), self.wake.clone(), work).ok();
    }

    /// Begins a journal with the run as it is now, or begins the present journal again with it. Until this is first called there is no journal.
    pub(crate) fn keep_journal(&mut self) {
        if !self.desk.journaling.enabled || self.desk.journaling.pending || self.dead {
            return;
        }
        if places::journal_dir().is_some() {
            self.desk.journaling.pending = true;
            self.ask_for(Purpose::Journal);
        } else if !std::mem::replace(&mut self.desk.journaling.told_homeless, true) {
            self.tell(Level::Warning, "There is no home folder for a journal: a crash would lose what you do now");
        }
    }

    /// Begins the journal again, if there is one, because another run is shown.
    pub(crate) fn journal_follows(&mut self) {
        if self.desk.journaling.journalist.is_some() {
            self.keep_journal();
        }
    }

    /// Journals that from `step` on the run's events are `events`. Begins a journal if there is none: this is the first change worth keeping.
    pub(crate) fn journal_events(&mut self, step: u64, events: Vec<Event>) {
        match &self.desk.journaling.journalist {
            Some(journalist) if !self.desk.journaling.pending => journalist.events(step, events),
            Some(_) => {}
            None => self.keep_journal(),
        }
    }

    /// Reports the run's progress to the journal, and reads what the journal's thread and the search for unfinished runs report.
    pub(crate) fn poll_journal(&mut self) {
        if let Some(journalist) = &self.desk.journaling.journalist
            && !self.desk.journaling.pending
            && self.snapshot.run == self.run
        {
            journalist.beat(self.snapshot.step, self.snapshot.digest);
        }
        self.poll_journalist();
        self.poll_restoring();
        match self.desk.journaling.looking.as_ref().map(Job::poll) {
            Some(Ok(Some(found))) => {
                self.desk.journaling.unfinished = found;
                self.desk.journaling.looking = None;
            }
            Some(Err(_)) => self.desk.journaling.looking = None,
            _ => {}
        }
    }

    /// Hands the run to the journalist, who begins the journal again with it; starts the journalist if there is none.
    pub(crate) fn journal(&mut self, run: RunId, scenario: Scenario) {
        match (&self.desk.journaling.journalist, places::journal_dir()) {
            (Some(journalist), _) => journalist.restart(scenario),
            (None, Some(folder)) => match Journalist::start(folder, scenario, Arc::clone(&self.wake)) {
                Ok(journalist) => self.desk.journaling.journalist = Some(journalist),
                Err(e) => return self.tell(Level::Warning, format!("There is no journal: {e}")),
            },
            (None, None) => return,
        }
        self.desk.journaling.handed += 1;
        let number = self.desk.journaling.handed;
        let restored = self.desk.journaling.restored.iter_mut().filter(|r| r.run == run);
        restored.for_each(|r| r.number = r.number.or(Some(number)));
    }

    /// Reads what the journal's thread reports. Restored journals whose runs are on the disk again are removed.
    fn poll_journalist(&mut self) {
        while let Some(said) = self.desk.journaling.journalist.as_ref().and_then(Journalist::said) {
            match said {
                Said::Kept => {
                    self.desk.journaling.on_disk += 1;
                    let kept = self.desk.journaling.on_disk;
                    let safe = |r: &mut Restored| r.number.is_some_and(|number| number <= kept);
                    self.desk.journaling.restored.extract_if(.., safe).for_each(|r| r.journal.discard());
                }
                Said::Trouble(text) => self.tell(Level::Warning, text),
            }
        }
    }

    /// Opens the newest unfinished run at the step it had reached.
    pub(crate) fn restore(&mut self) {
        if self.desk.journaling.unfinished.is_empty() {
            return;
        }
        let unfinished = self.desk.journaling.unfinished.remove(0);
        let name = unfinished.path.display().to_string();
        let text = files::to_text(&unfinished.scenario);
        let loaded = files::load_text(&text, &name, Path::new(""));
        match loaded {
            Ok(loaded) => {
                let to = unfinished.steps;
                if self.take(&loaded) {
                    self.post(Message::Pause);
                    self.post(Message::Seek(to));
                    self.desk.journaling.restoring = Some(Restoring { run: self.run, to, seen: false });
                    self.desk.journaling.restored.push(Restored { run: self.run, number: None, journal: unfinished });
                    self.keep_journal();
                }
            }
            Err(e) => self.tell(Level::Error, format!("The unfinished run can't be restored: {e}")),
        }
    }

    /// Tells the user how far a restored run was computed, once its seek has ended.
    fn poll_restoring(&mut self) {
        let Some(restoring) = &mut self.desk.journaling.restoring else { return };
        if self.run != restoring.run {
            self.desk.journaling.restoring = None;
            return;
        }
        if self.snapshot.run != restoring.run {
            return;
        }
        let (here, to) = (self.snapshot.step, restoring.to);
        if self.snapshot.seeking.is_some() {
            restoring.seen = true;
        } else if here >= to {
            self.desk.journaling.restoring = None;
            self.tell(Level::Success, format!("Restored up to step {to}"));
        } else if restoring.seen {
            self.desk.journaling.restoring = None;
            self.tell(Level::Warning, format!("Restored up to step {here} of {to}"));
        }
    }

    /// Removes the journal of the newest unfinished run.
    pub(crate) fn discard_unfinished(&mut self) {
        if !self.desk.journaling.unfinished.is_empty() {
            self.desk.journaling.unfinished.remove(0).discard();
        }
    }
}
