//! Comparing the recording with another recording of the same tokens, on a thread of its own.

use super::Lab;
use super::job::{Job, JobDied, Progress};
use super::notices::Level;
use moebias_files::{Examined, FileError, recorded};
use moebias_recordings::{Differences, RecordedKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The comparison with another recording.
#[derive(Clone, Debug)]
pub struct Compared {
    /// The name of the other file.
    pub name: String,
    /// How the chosen experts differ.
    pub found: Arc<Differences>,
    /// The recording that was compared with it.
    of: Arc<Examined>,
}

impl Compared {
    /// The result in a sentence, without commas, at which narrow panes cut. A token counts if its experts differ in any layer.
    #[must_use]
    pub fn in_words(&self) -> String {
        let found = &self.found;
        let [tokens, pairs] = [found.share_of_tokens(), found.share_of_pairs()].map(percent);
        let (name, of) = (&self.name, found.tokens);
        format!("{tokens} of {of} tokens and {pairs} of token–layer pairs have other experts in {name}")
    }
}

/// A share in percent, as comparisons are written.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// The comparison in progress and the last one that ended.
#[derive(Debug, Default)]
pub(super) struct Comparing {
    pub(super) job: Option<Job<Result<Option<Compared>, FileError>>>,
    done: Option<Compared>,
}

impl Lab {
    /// The last comparison of the present recording, read as it is now; `None` if there is none.
    #[must_use]
    pub fn compared(&self) -> Option<&Compared> {
        let examined = self.examined()?;
        let same =
            |c: &&Compared| Arc::ptr_eq(&c.of.recording, &examined.recording) && c.of.reading == examined.reading;
        self.comparing.done.as_ref().filter(same)
    }

    /// Starts to compare the recording with another one.
    pub(super) fn compare_with(&mut self, path: PathBuf) {
        if let Some(why) = self.cant_compare() {
            return self.tell(Level::Warning, why);
        }
        let Some(of) = self.examined().cloned() else { return };
        let work = move |progress: &Progress| compare(of, &path, progress);
        match Job::spawn("Comparing two recordings".into(), self.wake.clone(), work) {
            Ok(job) => self.comparing.job = Some(job),
            Err(e) => self.tell(Level::Error, format!("The recordings can't be compared now: {e}")),
        }
    }

    /// The reason, a sentence, why the recording can't be compared with another one; `None` if it can.
    #[must_use]
    pub fn cant_compare(&self) -> Option<String> {
        let Some(examined) = self.examined() else { return Some("These tokens are not from a recording".into()) };
        let loads = examined.recording.kind == RecordedKind::Loads;
        loads.then(|| "Only the loads of the experts were recorded, so there are no tokens to compare".to_owned())
    }

    /// Takes the result of the thread that compares.
    pub(super) fn poll_comparing(&mut self) {
        let Some(job) = &self.comparing.job else { return };
        let result = match job.poll() {
            Ok(None) => return,
            Ok(Some(result)) => result,
            Err(JobDied) => {
                self.comparing.job = None;
                return self.tell(Level::Error, "The recordings could not be compared: that failed unexpectedly");
            }
        };
        self.comparing.job = None;
        match result {
            Ok(Some(compared)) => {
                self.tell(Level::Success, compared.in_words());
                self.comparing.done = Some(compared);
            }
            Ok(None) => self.tell(Level::Info, "Comparing was cancelled"),
            Err(e) => self.tell(Level::Error, e.to_string()),
        }
    }
}

fn compare(of: Arc<Examined>, path: &Path, progress: &Progress) -> Result<Option<Compared>, FileError> {
    let others = of.reading.for_another();
    let other = recorded::open(&[path.to_owned()], &others)?;
    let going = |share: f64| {
        progress.set(share);
        !progress.cancelled()
    };
    let found = of.recording.differences(&of.reading, &other, &others, &going)?;
    let name = path.file_name().map_or_else(|| other.name.clone(), |n| n.to_string_lossy().into_owned());
    Ok(found.map(|found| Compared { name, found: Arc::new(found), of }))
}
