//! The words of recorded tokens. The vocabulary is read on another thread when text is shown for the first time.

use super::Lab;
use moebias_engine::background;
use moebias_engine::run::lock;
use moebias_files::{BUILTIN, shipped};
use moebias_model::config::Source;
use moebias_recordings::{self as recordings, Vocabulary};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// What is known of the words of the tokens.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Words {
    /// The tokens are not recorded, or nothing says what their token ids mean.
    #[default]
    Missing,
    /// The vocabulary is being read.
    Reading,
    /// The vocabulary.
    Known(Arc<Vocabulary>),
    /// The vocabulary could not be read; the reason is a sentence.
    Failed(String),
}

/// The vocabulary that was read last.
#[derive(Debug, Default)]
pub(super) struct WordsDesk {
    of: Option<PathBuf>,
    words: Arc<Mutex<Words>>,
}

impl Lab {
    /// The words of the tokens. The first call for a recording starts to read its vocabulary on another thread.
    pub fn words(&mut self) -> Words {
        let Source::Trace(source) = &self.settings.source else { return Words::Missing };
        if source.file.starts_with(BUILTIN) {
            return Words::Known(Arc::clone(shipped::vocabulary()));
        }
        let path = match self.examined().and_then(|examined| examined.recording.words.as_ref()) {
            None => return Words::Missing,
            Some(recordings::Words::Within(vocabulary)) => return Words::Known(Arc::clone(vocabulary)),
            Some(recordings::Words::Beside(path)) => path.clone(),
        };
        if self.words.of.as_ref() != Some(&path) {
            let words = Arc::new(Mutex::new(Words::Reading));
            self.words = WordsDesk { of: Some(path.clone()), words: Arc::clone(&words) };
            let wake = self.wake.clone();
            let work = move || {
                *lock(&words) = match Vocabulary::open(&path) {
                    Ok(vocabulary) => Words::Known(Arc::new(vocabulary)),
                    Err(e) => Words::Failed(e.to_string()),
                };
                wake();
            };
            // A lab for pictures reads at once, because a picture must be complete.
            if !self.desk.journaling.enabled {
                work();
            } else if let Err(e) = background::spawn("moebias-words", work) {
                *lock(&self.words.words) = Words::Failed(format!("The vocabulary can't be read now: {e}"));
            }
        }
        lock(&self.words.words).clone()
    }
}
