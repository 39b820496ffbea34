//! The journal's thread. It writes every change to the disk within about a second, even while the window is busy drawing.

use moebias_files::Scenario;
use moebias_files::journal::Journal;
use moebias_model::change::Event;
use moebias_model::digest::Digest;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// The longest time between two checks for something to write.
const TICK: Duration = Duration::from_millis(250);

/// The journal that is being written, so that the panic hook can flush it.
static CURRENT: Mutex<Option<Journal>> = Mutex::new(None);

/// Passes everything not yet written to the operating system. Made for panic hooks: it neither waits for a lock nor panics.
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

/// What the journal's thread reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// The run that was handed over last, at the start or by [`Journalist::restart`], is on the disk.
    Kept,
    /// The reason why the journal can't be written, a sentence. Reported only once.
    Trouble(String),
}

/// The handle of the thread that writes the journal.
#[derive(Debug)]
pub struct Journalist {
    notes: Sender<Note>,
    said: Receiver<Said>,
    thread: Option<JoinHandle<()>>,
}

impl Journalist {
    /// Starts a journal of a run in `folder`. `wake` is called on the journal's thread when there is something to read from [`Self::said`].
    ///
    /// # Errors
    /// The system could not start a thread.
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

    /// The next report of the thread, or `None` if none is waiting.
    #[must_use]
    pub fn said(&self) -> Option<Said> {
        self.said.try_recv().ok()
    }

    /// Begins the journal again with another run.
    pub fn restart(&self, scenario: Scenario) {
        self.notes.send(Note::Restart(Box::new(scenario))).ok();
    }

    /// Notes a change at step `step`, which the run has reached: from this step on the run's events are `events`.
    pub fn events(&self, step: u64, events: Vec<Event>) {
        self.notes.send(Note::Events(step, events)).ok();
    }

    /// Notes the step that the run has reached, and its digest there.
    pub fn beat(&self, step: u64, digest: Digest) {
        self.notes.send(Note::Beat(step, digest)).ok();
    }

    /// Removes the journal, because everything in it is saved or no longer wanted, and waits for the thread to end.
    pub fn finish(self) {
        self.end(Note::Finish);
    }

    /// Keeps the journal, because not everything in it is saved, and waits for the thread to end. The next start offers to restore the run.
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

/// Writes the notes from `inbox` until one of them ends the journal, or the sender is gone.
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
            // The lab is gone without having finished the journal, so the journal stays for the next start.
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
