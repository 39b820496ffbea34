//! The journal: a record of the present run, written as it happens, so that a crash loses at most the last second.
//!
//! Every running app has one file of JSON lines: a `Start` with the scenario's text, then one line per event, and regularly how far the run
//! has come. The file is locked while the app lives. However the app ends, the lock is then free, which is how another app recognises
//! journals that were left behind. On a clean exit the file is removed.

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

/// The time between two writes, which is what a crash loses at most.
const EVERY: Duration = Duration::from_secs(1);
/// The largest number of journals that are offered for recovery; older ones are left alone.
const OFFERED: usize = 20;
const PREFIX: &str = "journal-";
const SUFFIX: &str = ".jsonl";

#[derive(Debug, Serialize, Deserialize)]
enum Line {
    /// A run begins; earlier lines no longer matter.
    Start { version: u32, scenario: String },
    /// A setting was changed at step `from`, which the run has reached. From this step on the run has these events.
    Events { from: u64, events: Vec<Event> },
    /// The step that the run has reached.
    Beat { step: u64, digest: String },
}

/// The journal of this app. Clones write to the same file.
#[derive(Clone, Debug)]
pub struct Journal(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    file: File,
    /// Lines not yet passed to the operating system.
    buffer: Vec<u8>,
    /// Whether something was passed to the operating system but is not yet on the disk.
    unsynced: bool,
    last: Instant,
    beat: Option<(u64, Digest)>,
}

/// A run that did not end with a clean exit.
#[derive(Debug)]
pub struct Unfinished {
    /// The path of its journal.
    pub path: PathBuf,
    /// The run with its events.
    pub scenario: Scenario,
    /// When the journal was last written.
    pub when: SystemTime,
    /// The last step that the run is known to have reached.
    pub steps: u64,
    /// The locked file, so that no other app offers the same journal.
    lock: File,
}

impl Journal {
    /// Starts a journal in `folder`, which is created if necessary.
    ///
    /// # Errors
    /// The operating system could not create or write it. An app can continue without a journal.
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

    /// Records that another run begins.
    pub fn restart(&self, scenario: &Scenario) {
        self.put(&Line::Start { version: super::VERSION, scenario: to_text(scenario) });
    }

    /// Records that a setting was changed at step `from`, which the run has reached: from this step on it has these events.
    pub fn events(&self, from: u64, events: Vec<Event>) {
        self.put(&Line::Events { from, events });
    }

    /// Notes the step that the run has reached. Only the last note before a write is written.
    pub fn beat(&self, step: u64, digest: Digest) {
        self.with(|inner| inner.beat = Some((step, digest)));
    }

    /// Writes and syncs if a second has passed since the last write. Call this often, on a thread that may wait for the disk.
    ///
    /// # Errors
    /// The operating system could not write; nothing is lost yet, and the next tick tries again.
    pub fn tick(&self) -> Result<(), FileError> {
        if self.with(|inner| inner.last.elapsed() < EVERY) { Ok(()) } else { self.write_now(true) }
    }

    /// Writes and syncs now. Call this on a thread that may wait for the disk.
    ///
    /// # Errors
    /// The operating system could not write; nothing is lost yet, and the next tick tries again.
    pub fn sync(&self) -> Result<(), FileError> {
        self.write_now(true)
    }

    /// Passes everything to the operating system without waiting for the disk. Safe to call in a panic hook: if the journal is being
    /// written at that moment, this does nothing.
    pub fn flush(&self) {
        let mut inner = match self.0.try_lock() {
            Ok(inner) => inner,
            Err(Busy::Poisoned(e)) => e.into_inner(),
            Err(Busy::WouldBlock) => return,
        };
        inner.write(false).ok();
    }

    /// Removes the journal after a clean end of the run.
    pub fn finish(self) {
        self.with(|inner| {
            inner.buffer.clear();
            fs::remove_file(&inner.path).ok();
        });
    }

    /// The path of the file.
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

/// Creates and locks a file with a name that no other app uses.
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

/// The journals left behind by apps that no longer run, newest first.
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
        // The file system has no locks. Offering a journal that is in use is better than losing a run.
        Err(TryLockError::Error(e)) => log::warn!("{} can't be locked: {e}", path.display()),
    }
    let mut text = vec![];
    lock.seek(SeekFrom::Start(0)).ok()?;
    (&lock).take(limits::JOURNAL.most).read_to_end(&mut text).ok()?;
    let (scenario, steps) = recover(&text, &path.display().to_string())?;
    Some(Unfinished { path, scenario, when, steps, lock })
}

/// Reads the last run in a journal. An incomplete line and everything after it are ignored.
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
            // No run gets as far as this step, so this line and all that follow are not trusted.
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
    // A damaged journal is used only if the result is a valid experiment.
    read::validate(&scenario).ok()?;
    Some((scenario, steps))
}

impl Unfinished {
    /// Removes the journal, because the run was restored into a new one or is not wanted.
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
