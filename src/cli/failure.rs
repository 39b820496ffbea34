//! Failures, as a person reads them: one sentence each, and never a back trace.

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
