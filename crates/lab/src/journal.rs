//! The journal's thread: what is done is on the disk within a second, whatever the screen is busy with.

use moebias_files::Scenario;
use moebias_files::journal::Journal;
use moebias_model::change::Event;
use moebias_model::digest::Digest;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often the thread looks whether something is to be written.
const TICK: Duration = Duration::from_millis(250);

/// The journal being written, for the panic hook.
static CURRENT: Mutex<Option<Journal>> = Mutex::new(None);

/// Hands what is not yet written to the operating system. For panic hooks: never waits, never panics.
pub fn flush_in_panic() {
    if let Ok(current) = CURRENT.try_lock()
        && let Some(journal) = current.as_ref()
    {
        journal.flush();
    }
}

enum Note {
    Restart(Box<Scenario>),
    Events(u64, Vec<Event>),
    Beat(u64, Digest),
    Finish,
    Leave,
}

/// What the thread has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// The run it was started with, or given since, is on the disk.
    Kept,
    /// It can't be written, in a sentence. Said once.
    Trouble(String),
}

/// Writes a journal on a thread of its own.
#[derive(Debug)]
pub struct Journalist {
    notes: Sender<Note>,
    said: Receiver<Said>,
    thread: Option<JoinHandle<()>>,
}

impl Journalist {
    /// Starts a journal in `folder` with a run. `wake` is called when it has something to say.
    ///
    /// # Errors
    /// No thread to be had.
    pub fn start(folder: PathBuf, scenario: Scenario, wake: Arc<dyn Fn() + Send + Sync>) -> std::io::Result<Self> {
        let (notes, inbox) = mpsc::channel();
        let (outbox, said) = mpsc::channel();
        let thread = std::thread::Builder::new().name("moebias-journal".into()).spawn(move || {
            let say = |what: Said| {
                outbox.send(what).ok();
                wake();
            };
            match Journal::create(&folder, &scenario) {
                Ok(journal) => {
                    *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = Some(journal.clone());
                    say(Said::Kept);
                    keep(journal, &inbox, say);
                    CURRENT.lock().unwrap_or_else(PoisonError::into_inner).take();
                }
                Err(e) => say(Said::Trouble(format!("There is no journal: a crash would lose what you do now. {e}"))),
            }
        })?;
        Ok(Self { notes, said, thread: Some(thread) })
    }

    /// What the thread has said since it was last asked.
    #[must_use]
    pub fn said(&self) -> Option<Said> {
        self.said.try_recv().ok()
    }

    /// Another run begins.
    pub fn restart(&self, scenario: Scenario) {
        self.notes.send(Note::Restart(Box::new(scenario))).ok();
    }

    /// Something was changed at a step, up to which the run has come: from there on its events are these.
    pub fn events(&self, step: u64, events: Vec<Event>) {
        self.notes.send(Note::Events(step, events)).ok();
    }

    /// How far the run has come.
    pub fn beat(&self, step: u64, digest: Digest) {
        self.notes.send(Note::Beat(step, digest)).ok();
    }

    /// Everything was finished properly: removes the journal.
    pub fn finish(self) {
        self.end(Note::Finish);
    }

    /// Not everything is on the disk: the journal stays, for the next start to offer.
    pub fn leave(self) {
        self.end(Note::Leave);
    }

    fn end(mut self, how: Note) {
        self.notes.send(how).ok();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// Writes what is noted until there is no more.
fn keep(journal: Journal, inbox: &Receiver<Note>, say: impl Fn(Said)) {
    let mut told = false;
    loop {
        let mut restarted = false;
        match inbox.recv_timeout(TICK) {
            Ok(Note::Restart(scenario)) => {
                journal.restart(&scenario);
                restarted = true;
            }
            Ok(Note::Events(step, events)) => journal.events(step, events),
            Ok(Note::Beat(step, digest)) => journal.beat(step, digest),
            Ok(Note::Finish) => return journal.finish(),
            Ok(Note::Leave) => {
                journal.sync().ok();
                return;
            }
            Err(RecvTimeoutError::Timeout) => {}
            // Whoever kept the journal died without finishing: leave it for the next start.
            Err(RecvTimeoutError::Disconnected) => return journal.flush(),
        }
        match if restarted { journal.sync() } else { journal.tick() } {
            Ok(()) if restarted => say(Said::Kept),
            Ok(()) => {}
            Err(e) => {
                if !std::mem::replace(&mut told, true) {
                    say(Said::Trouble(format!(
                        "The journal can't be written: a crash would lose what you do now. {e}"
                    )));
                }
            }
        }
    }
}
