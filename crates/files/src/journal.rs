//! The journal: what is being done, written down as it happens, so that a crash loses at most the last second.
//!
//! One file per running app, JSON lines: a `Start` with the scenario's text, then a line per event, and now and then how far the run
//! has come. The file is locked for as long as the app lives, whatever kills it, so another app knows which journals are left
//! over. A clean exit removes it.

use super::error::FileError;
use super::read;
use super::{Scenario, limits, parse, to_text};
use moebias_disk::door;
use moebias_model::change::Event;
use moebias_model::digest::Digest;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, TryLockError as Busy};
use std::time::{Duration, Instant, SystemTime};

/// What is lost at most.
const EVERY: Duration = Duration::from_secs(1);
/// Journals that are offered at most; older ones are left alone.
const OFFERED: usize = 20;
const PREFIX: &str = "journal-";
const SUFFIX: &str = ".jsonl";

#[derive(Debug, Serialize, Deserialize)]
enum Line {
    /// A run begins: everything before is done with.
    Start { version: u32, scenario: String },
    /// Something was changed at this step, up to which the run has come: from there on its events are these.
    Events { from: u64, events: Vec<Event> },
    /// How far the run has come.
    Beat { step: u64, digest: String },
}

/// The journal of this app. Clones write to the same file.
#[derive(Clone, Debug)]
pub struct Journal(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    file: File,
    /// Not yet handed to the operating system.
    buffer: Vec<u8>,
    /// Handed over, but not yet on the disk.
    unsynced: bool,
    last: Instant,
    beat: Option<(u64, Digest)>,
}

/// A run that was not finished properly.
#[derive(Debug)]
pub struct Unfinished {
    /// Its journal.
    pub path: PathBuf,
    /// The run, with its events, up to `steps`.
    pub scenario: Scenario,
    /// When the journal was last written.
    pub when: SystemTime,
    /// How far it is known to have come.
    pub steps: u64,
    /// Keeps other apps from offering it too.
    lock: File,
}

impl Journal {
    /// Starts a journal in `folder`, which is made if need be.
    ///
    /// # Errors
    /// Whatever the operating system says. An app can go on without a journal.
    pub fn create(folder: &Path, scenario: &Scenario) -> Result<Self, FileError> {
        let create = || -> io::Result<Inner> {
            fs::create_dir_all(folder)?;
            let (path, file) = create_file(folder)?;
            Ok(Inner { path, file, buffer: vec![], unsynced: false, last: Instant::now(), beat: None })
        };
        let inner = create().map_err(|e| FileError::write(&folder.display().to_string(), &e))?;
        let journal = Self(Arc::new(Mutex::new(inner)));
        journal.restart(scenario);
        journal.write_now(true)?;
        Ok(journal)
    }

    /// Another run begins.
    pub fn restart(&self, scenario: &Scenario) {
        self.put(&Line::Start { version: super::VERSION, scenario: to_text(scenario) });
    }

    /// Something was changed at a step, up to which the run has come: from there on its events are these.
    pub fn events(&self, from: u64, events: Vec<Event>) {
        self.put(&Line::Events { from, events });
    }

    /// How far the run has come. Only the last one before a tick is written.
    pub fn beat(&self, step: u64, digest: Digest) {
        self.with(|inner| inner.beat = Some((step, digest)));
    }

    /// Writes and syncs if a second has passed since the last time. To be called often, from a thread that may wait for a disk.
    ///
    /// # Errors
    /// Whatever the operating system says; nothing is lost yet, and the next tick tries again.
    pub fn tick(&self) -> Result<(), FileError> {
        if self.with(|inner| inner.last.elapsed() < EVERY) { Ok(()) } else { self.write_now(true) }
    }

    /// Writes and syncs now. To be called from a thread that may wait for a disk.
    ///
    /// # Errors
    /// Whatever the operating system says; nothing is lost yet, and the next tick tries again.
    pub fn sync(&self) -> Result<(), FileError> {
        self.write_now(true)
    }

    /// Hands everything to the operating system at once, without waiting for the disk. Safe in a panic hook: where the journal is
    /// being written at this very moment, it does nothing.
    pub fn flush(&self) {
        let mut inner = match self.0.try_lock() {
            Ok(inner) => inner,
            Err(Busy::Poisoned(e)) => e.into_inner(),
            Err(Busy::WouldBlock) => return,
        };
        inner.write(false).ok();
    }

    /// The run was finished properly: removes the journal.
    pub fn finish(self) {
        self.with(|inner| {
            inner.buffer.clear();
            fs::remove_file(&inner.path).ok();
        });
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.with(|inner| inner.path.clone())
    }

    fn put(&self, line: &Line) {
        self.with(|inner| inner.put(line));
    }

    fn write_now(&self, sync: bool) -> Result<(), FileError> {
        self.with(|inner| inner.write(sync).map_err(|e| FileError::write(&inner.path.display().to_string(), &e)))
    }

    fn with<T>(&self, f: impl FnOnce(&mut Inner) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Inner {
    fn put(&mut self, line: &Line) {
        if serde_json::to_writer(&mut self.buffer, line).is_ok() {
            self.buffer.push(b'\n');
        }
    }

    fn write(&mut self, sync: bool) -> io::Result<()> {
        if let Some((step, digest)) = self.beat.take() {
            self.put(&Line::Beat { step, digest: digest.to_string() });
        }
        self.last = Instant::now();
        while !self.buffer.is_empty() {
            let written = self.file.write(&self.buffer)?;
            self.buffer.drain(..written);
            self.unsynced = true;
        }
        if sync && self.unsynced {
            self.file.sync_data()?;
            self.unsynced = false;
        }
        Ok(())
    }
}

/// A new locked file whose name no other app has.
fn create_file(folder: &Path) -> io::Result<(PathBuf, File)> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_millis());
    for attempt in 0..1000 {
        let path = folder.join(format!("{PREFIX}{}-{}{SUFFIX}", std::process::id(), now + attempt));
        match door::create(&path) {
            Ok(file) => {
                file.lock()?;
                return Ok((path, file));
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
    Err(io::Error::other("a thousand journals of this app are there already"))
}

/// The journals that apps left behind which are no longer there, newest first.
#[must_use]
pub fn find_unfinished(folder: &Path) -> Vec<Unfinished> {
    let Ok(entries) = fs::read_dir(folder) else { return vec![] };
    let mut paths: Vec<(SystemTime, PathBuf)> = entries
        .filter_map(Result::ok)
        .filter(|e| {
            let name = e.file_name();
            let name = name.to_string_lossy();
            name.starts_with(PREFIX) && name.ends_with(SUFFIX)
        })
        .filter_map(|e| Some((e.metadata().ok()?.modified().ok()?, e.path())))
        .collect();
    paths.sort_by(|a, b| b.cmp(a));
    paths.into_iter().take(OFFERED).filter_map(|(when, path)| left_over(path, when)).collect()
}

fn left_over(path: PathBuf, when: SystemTime) -> Option<Unfinished> {
    let mut lock = door::update(&path, limits::JOURNAL).ok()?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return None,
        // No locks on this file system: better an offer too many than a run lost.
        Err(TryLockError::Error(e)) => log::warn!("{} can't be locked: {e}", path.display()),
    }
    let mut text = vec![];
    lock.seek(SeekFrom::Start(0)).ok()?;
    (&lock).take(limits::JOURNAL.most).read_to_end(&mut text).ok()?;
    let (scenario, steps) = recover(&text, &path.display().to_string())?;
    Some(Unfinished { path, scenario, when, steps, lock })
}

/// The last run in a journal, as far as it can be read: a line that was torn, and what follows it, is left out.
fn recover(bytes: &[u8], name: &str) -> Option<(Scenario, u64)> {
    let mut run: Option<(Scenario, u64)> = None;
    for line in bytes.split_inclusive(|&b| b == b'\n') {
        let Ok(line) = serde_json::from_slice(line) else { break };
        match (line, &mut run) {
            (Line::Start { scenario, .. }, _) => {
                let scenario = parse(&scenario, name).ok()?;
                let steps = scenario.first_step();
                run = Some((scenario, steps));
            }
            // No run comes so far: what follows is not to be trusted either.
            (Line::Events { from: step, .. } | Line::Beat { step, .. }, _) if step as f64 > limits::STEP.max => break,
            (Line::Events { from, events }, Some((scenario, steps))) => {
                scenario.events.retain(|e| e.step < from);
                scenario.events.extend(events);
                *steps = from;
            }
            (Line::Beat { step, .. }, Some((_, steps))) => *steps = (*steps).max(step),
            (_, None) => return None,
        }
    }
    let (mut scenario, steps) = run?;
    scenario.recorded = None;
    scenario.events.sort_by_key(|e| e.step);
    // What a torn disk left must still be an experiment that can start.
    read::validate(&scenario).ok()?;
    Some((scenario, steps))
}

impl Unfinished {
    /// Removes the journal: the run was restored into a new one, or is not wanted.
    pub fn discard(self) {
        drop(self.lock);
        fs::remove_file(&self.path).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use moebias_model::change::{Change, Target};
    use moebias_model::config::{Experiment, Source, Variant};

    fn scenario() -> Scenario {
        let source = Source::Synthetic(Default::default());
        let variants = vec![Variant::default(), Variant::default()];
        Scenario::from_experiment("A run", Experiment { seed: 1, source, variants })
    }

    fn lines(all: &[Line]) -> Vec<u8> {
        all.iter().flat_map(|l| [serde_json::to_vec(l).unwrap(), b"\n".to_vec()].concat()).collect()
    }

    fn begin() -> Line {
        Line::Start { version: 1, scenario: to_text(&scenario()) }
    }

    #[test]
    fn a_step_that_no_run_reaches_is_not_believed() {
        let beat = |step| Line::Beat { step, digest: Digest::default().to_string() };
        let steps = |all: &[Line]| recover(&lines(all), "j").map(|(_, steps)| steps);
        assert_eq!(steps(&[begin(), beat(120)]), Some(120));
        assert_eq!(steps(&[begin(), beat(120), beat(u64::MAX), beat(130)]), Some(120));
        assert_eq!(steps(&[begin(), beat(7), Line::Events { from: 1 << 60, events: vec![] }]), Some(7));
    }

    #[test]
    fn what_is_restored_has_the_events_of_the_run() {
        let set = |step, k| Event { step, target: Target::AllVariants, change: Change::SetTopK(k) };
        let mut run = scenario();
        run.events = vec![set(10, 2), set(500, 3)];
        let begin = Line::Start { version: 1, scenario: to_text(&run) };
        let beat = Line::Beat { step: 400, digest: Digest::default().to_string() };
        let changed = |from, events| Line::Events { from, events };
        let text = lines(&[begin, beat, changed(400, vec![set(400, 4), set(500, 3)]), changed(90, vec![set(90, 5)])]);
        let (restored, steps) = recover(&text, "j").unwrap();
        assert_eq!(restored.events, [set(10, 2), set(90, 5)]);
        assert_eq!(steps, 90, "what came after the last change was set aside with it");
    }
}
