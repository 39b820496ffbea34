//! Opening files of any kind.

use super::error::{FileError, Problem};
use super::kind::{Kind, kind};
use super::paths::builtin;
use super::read::load_text;
use super::{Loaded, Opened, lesson, limits, paths, selections, shipped, trace};
use moebias_disk::door;
use std::path::Path;
use std::sync::Arc;

/// Opens a file of any kind: a scenario, a recording, a trace, a log of selections or a lesson. `builtin:NAME` opens what ships with
/// Moebias.
///
/// # Errors
/// See [`FileError`].
pub fn open(path: &Path) -> Result<Opened, FileError> {
    let name = path.display().to_string();
    if let Some(shipped) = builtin(path).and_then(shipped::find) {
        return Ok(Opened::Experiment(Box::new(shipped.load()?)));
    }
    match kind(path)? {
        Kind::Selections => Ok(Opened::Selections(selections::read(path)?)),
        Kind::Trace => {
            let file = trace::read(path, None)?;
            let mut scenario = file.scenario(&name)?;
            let path = builtin(path).is_none().then(|| path.to_owned());
            paths::resolve(&mut scenario.source, Path::new(""));
            let loaded = Loaded { scenario, trace: Some(Arc::new(file.trace)), path };
            Ok(Opened::Experiment(Box::new(loaded)))
        }
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

/// Opens a file that can be routed: a scenario, a recording or a trace with scores.
///
/// # Errors
/// See [`FileError`]; also for a log of selections and for a lesson.
pub fn load(path: &Path) -> Result<Loaded, FileError> {
    match open(path)? {
        Opened::Experiment(loaded) => Ok(*loaded),
        Opened::Selections(_) => Err(FileError::new(&path.display().to_string(), Problem::SelectionsOnly)),
        Opened::Lesson(_) => Err(FileError::new(&path.display().to_string(), Problem::LessonOnly)),
    }
}
