//! Saving so that a crash, a full disk or a pulled plug leaves either the old file or the new one, never half of one.

use super::error::FileError;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes a file atomically: a temporary file beside it, synced, renamed over it, and the folder synced.
///
/// # Errors
/// Whatever the operating system says. The old file is then still there.
pub fn write(path: &Path, content: &[u8]) -> Result<(), FileError> {
    write_file(path, content).map_err(|e| FileError::write(&path.display().to_string(), e))
}

/// As [`write()`], and keeps the version before as `NAME.bak`.
///
/// # Errors
/// As [`write()`].
pub fn write_keeping_backup(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let keep = || -> io::Result<()> {
        match fs::read(path) {
            // Nothing new: the backup keeps what it has.
            Ok(old) if old == content => return Ok(()),
            Ok(old) => write_file(&backup_of(path), &old)?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
        write_file(path, content)
    };
    keep().map_err(|e| FileError::write(&path.display().to_string(), e))
}

/// Where the version before is kept.
#[must_use]
pub fn backup_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".bak");
    name.into()
}

fn write_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    };
    let mut temporary = tempfile::Builder::new().prefix(".moebias-").suffix(".tmp").tempfile_in(folder)?;
    temporary.write_all(content)?;
    set_permissions(path, temporary.as_file())?;
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|e| e.error)?;
    sync_folder(folder)
}

/// A temporary file is for its owner alone; what is saved is to be like any other file, or like the one it replaces.
#[cfg(unix)]
fn set_permissions(path: &Path, file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).map_or(0o644, |m| m.permissions().mode() & 0o777);
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_permissions(_: &Path, _: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
