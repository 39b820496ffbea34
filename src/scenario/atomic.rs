//! Saving so that a crash, a full disk or a pulled plug leaves either the old file or the new one, never half of one.

use super::error::FileError;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

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
    let mut staged = Staged::new(path)?;
    staged.write_all(content)?;
    staged.finish()
}

/// A file that is being written and appears under its name only when it is whole. Dropped before, it leaves nothing behind.
#[derive(Debug)]
pub struct Staged {
    target: PathBuf,
    to: To,
}

#[derive(Debug)]
enum To {
    /// Beside the target, to be renamed over it.
    Beside(BufWriter<NamedTempFile>),
    /// A device or a pipe, which nothing may be renamed over.
    Through(BufWriter<File>),
}

impl Staged {
    /// Starts to write what will be `path`.
    ///
    /// # Errors
    /// A folder that is missing or closed to us.
    pub fn new(path: &Path) -> io::Result<Self> {
        // What a link points at is written, and the link stays.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if target.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
        }
        let to = if target.exists() && !target.is_file() {
            To::Through(BufWriter::new(File::options().write(true).open(&target)?))
        } else {
            let beside = tempfile::Builder::new().prefix(".moebias-").suffix(".tmp").tempfile_in(folder_of(&target))?;
            To::Beside(BufWriter::new(beside))
        };
        Ok(Self { target, to })
    }

    /// The file is whole: it takes its name.
    ///
    /// # Errors
    /// Whatever the operating system says. What was there before is then still there.
    pub fn finish(self) -> io::Result<()> {
        match self.to {
            To::Through(mut out) => out.flush(),
            To::Beside(out) => {
                let temporary = out.into_inner().map_err(io::IntoInnerError::into_error)?;
                set_permissions(&self.target, temporary.as_file())?;
                temporary.as_file().sync_all()?;
                temporary.persist(&self.target).map_err(|e| e.error)?;
                sync_folder(folder_of(&self.target))
            }
        }
    }
}

impl Write for Staged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.to {
            To::Beside(out) => out.write(bytes),
            To::Through(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.to {
            To::Beside(out) => out.flush(),
            To::Through(out) => out.flush(),
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
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
