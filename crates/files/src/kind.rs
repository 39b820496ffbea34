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
    /// A scenario or a recording.
    Scenario,
    /// A trace: recorded scores.
    Trace,
    /// A log of selections.
    Selections,
    /// A lesson.
    Lesson,
}

/// The kind of a file, from its name or else from its first bytes.
///
/// # Errors
/// The file can't be read or is of no known kind.
pub fn kind(path: &Path) -> Result<Kind, FileError> {
    let name = &path.display().to_string();
    if let Some(id) = builtin(path) {
        return match (shipped::find(id), shipped::traces().iter().any(|t| t.id == id)) {
            (Some(_), _) => Ok(Kind::Scenario),
            (None, true) => Ok(Kind::Trace),
            (None, false) => Err(FileError::new(name, Problem::NotShipped)),
        };
    }
    let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    if is_lesson(path) {
        return Ok(Kind::Lesson);
    }
    match extension.as_str() {
        "ron" => return Ok(Kind::Scenario),
        "safetensors" => return Ok(Kind::Trace),
        "jsonl" | "ndjson" => return Ok(Kind::Selections),
        _ => {}
    }
    let mut first = vec![];
    let refused = |e| FileError::refused(name, e);
    let file = door::open(path, limits::TRACE).map_err(refused)?;
    file.take(4096).read_to_end(&mut first).map_err(|e| refused(e.into()))?;
    let text: String = String::from_utf8_lossy(&first).trim_start().into();
    if first.len() > 8 && first[8] == b'{' && first[5..8] == [0, 0, 0] {
        Ok(Kind::Trace)
    } else if text.starts_with("{\"") {
        Ok(Kind::Selections)
    } else if text.contains("version:") {
        Ok(Kind::Scenario)
    } else {
        Err(FileError::new(name, Problem::Kind))
    }
}
