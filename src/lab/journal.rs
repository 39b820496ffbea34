//! The journal's thread: what is done is on the disk within a second, whatever the screen is busy with.

use crate::model::change::Event;
use crate::model::digest::Digest;
use crate::scenario::Scenario;
use crate::scenario::journal::Journal;
use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Mutex, PoisonError};
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
    Event(Event),
    Branch(u64),
    Beat(u64, Digest),
    Finish,
}

/// Writes a journal on a thread of its own.
#[derive(Debug)]
pub struct Journalist {
    notes: Sender<Note>,
    thread: Option<JoinHandle<()>>,
}

impl Journalist {
    /// Starts a journal in `folder` with a run. Trouble is logged once: the app goes on without a journal.
    ///
    /// # Errors
    /// No thread to be had.
    pub fn start(folder: PathBuf, scenario: Scenario) -> std::io::Result<Self> {
        let (notes, inbox) = mpsc::channel();
        let thread = std::thread::Builder::new().name("moebias-journal".into()).spawn(move || {
            let journal = match Journal::create(&folder, &scenario) {
                Ok(journal) => journal,
                Err(e) => return log::warn!("no journal: a crash would lose what you do now. {e}"),
            };
            *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = Some(journal.clone());
            let mut told = false;
            loop {
                match inbox.recv_timeout(TICK) {
                    Ok(Note::Restart(scenario)) => journal.restart(&scenario),
                    Ok(Note::Event(event)) => journal.event(&event),
                    Ok(Note::Branch(step)) => journal.branch(step),
                    Ok(Note::Beat(step, digest)) => journal.beat(step, digest),
                    Ok(Note::Finish) => {
                        CURRENT.lock().unwrap_or_else(PoisonError::into_inner).take();
                        return journal.finish();
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    // Whoever kept the journal died without finishing: leave it for the next start.
                    Err(RecvTimeoutError::Disconnected) => {
                        CURRENT.lock().unwrap_or_else(PoisonError::into_inner).take();
                        return journal.flush();
                    }
                }
                if let Err(e) = journal.tick()
                    && !std::mem::replace(&mut told, true)
                {
                    log::warn!("the journal can't be written: {e}");
                }
            }
        })?;
        Ok(Self { notes, thread: Some(thread) })
    }

    /// Another run begins.
    pub fn restart(&self, scenario: Scenario) {
        self.notes.send(Note::Restart(Box::new(scenario))).ok();
    }

    /// Something was changed.
    pub fn event(&self, event: Event) {
        self.notes.send(Note::Event(event)).ok();
    }

    /// The past was changed.
    pub fn branch(&self, step: u64) {
        self.notes.send(Note::Branch(step)).ok();
    }

    /// How far the run has come.
    pub fn beat(&self, step: u64, digest: Digest) {
        self.notes.send(Note::Beat(step, digest)).ok();
    }

    /// Everything was finished properly: removes the journal.
    pub fn finish(mut self) {
        self.notes.send(Note::Finish).ok();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}
