//! Failures of a command, each reported as one sentence without a back trace.

use moebias_engine::EngineError;
use moebias_files::FileError;
use moebias_model::config::ConfigError;

/// Why a command failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// An error with this message.
    Told(String),
    /// The command line makes no sense; the message says why. Exit code 2.
    Usage(String),
    /// The error messages have been printed already.
    Silent,
    /// The reader of the output has closed the pipe.
    Closed,
}

impl Failure {
    /// A failure with this message.
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self::Told(text.into())
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
