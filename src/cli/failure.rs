//! Failures, as a person reads them: one sentence each, and never a back trace.

use super::output;
use moebias_engine::EngineError;
use moebias_files::FileError;
use moebias_model::config::ConfigError;

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(super) enum Failure {
    /// To be told.
    Told(String),
    /// The command line can't mean anything.
    Usage(String),
    /// Everything that can be said has been printed already.
    Silent,
    /// Nobody reads the output any more.
    Closed,
}

impl Failure {
    /// With this sentence.
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self::Told(text.into())
    }

    /// Prints it.
    pub(super) fn tell(&self) {
        match self {
            Self::Told(text) | Self::Usage(text) => output::note(&format!("moebias: {text}")),
            Self::Silent | Self::Closed => {}
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Self::new(error.to_string())
    }
}

/// A panic is a bug. It ends the program with a sentence and exit code 1, on whichever thread it happens.
pub(super) fn speak_on_panic() {
    std::panic::set_hook(Box::new(|panic| {
        let what = panic.payload_as_str().unwrap_or("no reason given");
        let place = panic.location().map(|l| format!(" ({})", moebias_files::text::place(l))).unwrap_or_default();
        output::note(&format!("moebias: this is a bug in Moebias, please report it: {what}{place}"));
        moebias_disk::temporary::clean_up();
        std::process::exit(1);
    }));
}
