//! Opening files of any kind.

use super::error::{FileError, Problem};
use super::kind::{Kind, kind};
use super::paths::builtin;
use super::read::load_text;
use super::{Loaded, Opened, lesson, limits, recorded, shipped};
use moebias_disk::door;
use moebias_recordings::Reading;
use std::path::{Path, PathBuf};

/// Opens a file of any kind: a scenario, a recording of a router or a lesson. `builtin:NAME` opens what ships with Moebias.
///
/// # Errors
/// See [`FileError`].
pub fn open(path: &Path) -> Result<Opened, FileError> {
    open_as(&[path.to_owned()], None, &Reading::default())
}

/// As [`open`]; a recording may have several files, is read as `reading` says, and shows the named layer.
///
/// # Errors
/// See [`FileError`]. Also if `layer` or `reading` say something of a file that is no recording.
pub fn open_as(files: &[PathBuf], layer: Option<&str>, reading: &Reading) -> Result<Opened, FileError> {
    let [path, more @ ..] = files else { return Err(FileError::new("", Problem::Kind)) };
    let name = path.display().to_string();
    let kind = kind(path)?;
    if kind != Kind::Recording && (layer.is_some() || !reading.is_plain() || !more.is_empty()) {
        return Err(FileError::new(&name, Problem::NotRecorded));
    }
    if let Some(shipped) = builtin(path).and_then(shipped::find) {
        return Ok(Opened::Experiment(Box::new(shipped.load()?)));
    }
    match kind {
        Kind::Recording => Ok(Opened::Experiment(Box::new(recorded::examine(files, layer, reading)?.loaded(files)?))),
        Kind::Lesson => Ok(Opened::Lesson(Box::new(lesson::load(path)?))),
        Kind::Scenario => {
            let text = door::text(path, limits::SCENARIO).map_err(|e| FileError::refused(&name, e))?;
            let folder = path.parent().unwrap_or(Path::new(""));
            let mut loaded = load_text(&text, &name, folder)?;
            loaded.path = Some(path.into());
            Ok(Opened::Experiment(Box::new(loaded)))
        }
    }
}

/// Opens a file that can be run: a scenario or a recording.
///
/// # Errors
/// See [`FileError`]; also for a lesson.
pub fn load(path: &Path) -> Result<Loaded, FileError> {
    load_as(&[path.to_owned()], None, &Reading::default())
}

/// As [`load`]; see [`open_as`].
///
/// # Errors
/// As [`open_as`]; also for a lesson.
pub fn load_as(files: &[PathBuf], layer: Option<&str>, reading: &Reading) -> Result<Loaded, FileError> {
    match open_as(files, layer, reading)? {
        Opened::Experiment(loaded) => Ok(*loaded),
        Opened::Lesson(_) => {
            let name = files.first().map(|f| f.display().to_string()).unwrap_or_default();
            Err(FileError::new(&name, Problem::LessonOnly))
        }
    }
}
