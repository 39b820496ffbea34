//! Atomic saving with [`moebias_disk`], with errors that name the file.

use super::error::FileError;
use moebias_disk::{door, staged};
use std::io;
use std::path::{Path, PathBuf};

pub use moebias_disk::Staged;

/// The largest file of which a backup is made before it is replaced.
const REPLACED: door::Limit = door::Limit::new("a file that is replaced", super::limits::SCENARIO_BYTES);

/// Writes a file atomically.
///
/// # Errors
/// The operating system could not write it; the old file is then still there.
pub fn write(path: &Path, content: &[u8]) -> Result<(), FileError> {
    staged::write(path, content).map_err(|e| FileError::write(&path.display().to_string(), &e))
}

/// As [`write()`], but keeps the previous version as `NAME.bak`.
///
/// # Errors
/// As [`write()`]; also if the path is a folder, a device, or a file too large to be a scenario.
pub fn write_keeping_backup(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let keep = || -> io::Result<()> {
        match door::bytes(path, REPLACED) {
            // The content is the same: the backup is kept as it is.
            Ok(old) if old == content => return Ok(()),
            Ok(old) => staged::write(&backup_of(path), &old)?,
            Err(door::Refusal::Missing | door::Refusal::Dangling(_)) => {}
            Err(door::Refusal::Io(e)) => return Err(e),
            Err(refusal) => return Err(io::Error::other(refusal.to_string())),
        }
        staged::write(path, content)
    };
    keep().map_err(|e| FileError::write(&path.display().to_string(), &e))
}

/// The path of the backup of a file.
#[must_use]
pub fn backup_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".bak");
    name.into()
}
