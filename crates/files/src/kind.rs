//! The kind of a file, from its name or its first bytes.

use super::error::{FileError, Problem};
use super::paths::builtin;
use super::{limits, shipped};
use moebias_disk::door;
use std::io::Read as _;
use std::path::Path;

/// The ending of the name of a lesson file.
pub const ENDING: &str = ".lesson.ron";

/// Whether a file is a lesson, from its name.
#[must_use]
pub fn is_lesson(path: &Path) -> bool {
    path.file_name().is_some_and(|n| n.to_string_lossy().to_ascii_lowercase().ends_with(ENDING))
}

/// The kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A scenario, with or without the result of a run.
    Scenario,
    /// A recording of a router: scores, selections or loads.
    Recording,
    /// A lesson.
    Lesson,
}

/// The kind of a file, from its name or else from its first bytes. A folder may be a recording.
///
/// # Errors
/// The file can't be read or is of no known kind.
pub fn kind(path: &Path) -> Result<Kind, FileError> {
    let name = &path.display().to_string();
    if let Some(id) = builtin(path) {
        return match (shipped::find(id), shipped::traces().iter().any(|t| t.id == id)) {
            (Some(_), _) => Ok(Kind::Scenario),
            (None, true) => Ok(Kind::Recording),
            (None, false) => Err(FileError::new(name, Problem::NotShipped)),
        };
    }
    if is_lesson(path) {
        return Ok(Kind::Lesson);
    }
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("ron")) {
        return Ok(Kind::Scenario);
    }
    if path.is_dir() || moebias_recordings::knows(path) {
        return Ok(Kind::Recording);
    }
    let mut first = vec![];
    let refused = |e| FileError::refused(name, e);
    let file = door::open(path, limits::ANY).map_err(refused)?;
    file.take(4096).read_to_end(&mut first).map_err(|e| refused(e.into()))?;
    if first.is_empty() {
        return Err(FileError::new(name, Problem::Empty));
    }
    if String::from_utf8_lossy(&first).contains("version:") {
        return Ok(Kind::Scenario);
    }
    Err(moebias_recordings::hint(path).map_or_else(|| FileError::new(name, Problem::Kind), Into::into))
}
