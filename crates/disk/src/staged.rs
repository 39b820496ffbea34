//! Atomic writing: after a crash, a full disk or a power failure there is either the old file or the new one, never part of one.

use super::door;
use super::temporary::{self, Listed};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Number of links to follow before they are taken for a circle.
const MOST_LINKS: usize = 32;

/// Writes a file atomically: a temporary file beside it, synced, renamed over it, and the folder synced.
///
/// # Errors
/// The operating system could not write it; the old file is then still there.
pub fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut staged = Staged::new(path)?;
    staged.write_all(content)?;
    staged.finish()
}

/// Renames a file within its folder and replaces any file that has that name.
///
/// # Errors
/// The operating system could not rename it.
pub fn set_aside(path: &Path, name: &Path) -> io::Result<()> {
    fs::rename(path, name)
}

/// A file that appears under its name only when it is complete. If this is dropped before [`Self::finish`], nothing is left behind.
///
/// ```
/// use moebias_disk::Staged;
/// use std::io::Write as _;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("curves.csv");
/// let mut file = Staged::new(&path)?;
/// writeln!(file, "step,max_vio")?;
/// assert!(!path.exists(), "not yet whole");
/// file.finish()?;
/// assert_eq!(std::fs::read_to_string(&path)?, "step,max_vio\n");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Staged {
    target: PathBuf,
    to: To,
}

#[derive(Debug)]
enum To {
    /// A temporary file beside the target, to be renamed over it.
    Beside(Listed, BufWriter<File>),
    /// A device or a pipe, which must be written to directly.
    Through(BufWriter<File>),
}

impl Staged {
    /// Starts to write the file at `path`. If `path` is a link, its target is written, whether or not that exists, and the link stays.
    ///
    /// # Errors
    /// The folder is missing or can't be written to, or `path` is a pipe without a reader.
    pub fn new(path: &Path) -> io::Result<Self> {
        let target = behind_links(path)?;
        let to = match fs::metadata(&target) {
            Ok(about) if about.is_dir() => return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder")),
            Ok(about) if !about.is_file() => To::Through(BufWriter::new(open_through(&target)?)),
            _ => {
                let (listed, file) = temporary::file(folder_of(&target))?;
                To::Beside(listed, BufWriter::new(file))
            }
        };
        Ok(Self { target, to })
    }

    /// Completes the file and gives it its name.
    ///
    /// # Errors
    /// The operating system could not write or rename it; the old file is then still there.
    pub fn finish(self) -> io::Result<()> {
        match self.to {
            To::Through(mut out) => out.flush(),
            To::Beside(listed, out) => {
                let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
                // The new file gets the permissions of the one it replaces.
                if let Ok(old) = fs::metadata(&self.target) {
                    file.set_permissions(old.permissions())?;
                }
                file.sync_all()?;
                fs::rename(listed.path(), &self.target)?;
                listed.keep();
                sync_folder(folder_of(&self.target))
            }
        }
    }
}

impl Write for Staged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.to {
            To::Beside(_, out) | To::Through(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.to {
            To::Beside(_, out) | To::Through(out) => out.flush(),
        }
    }
}

/// The path after all links are followed; the last link may point at a file that does not exist yet.
fn behind_links(path: &Path) -> io::Result<PathBuf> {
    if let Ok(target) = fs::canonicalize(path) {
        return Ok(target);
    }
    let mut target = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&target) {
            Ok(to) => target = folder_of(&target).join(to),
            Err(_) => return Ok(target),
        }
    }
    Err(io::Error::other("its links lead in a circle"))
}

/// Opens a device or a pipe for writing. Fails at once for a pipe without a reader; later writes wait for the reader.
#[cfg(unix)]
fn open_through(path: &Path) -> io::Result<File> {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    let file = door::never_blocking(File::options().write(true)).open(path).map_err(|e| match e.raw_os_error() {
        Some(code) if code == rustix::io::Errno::NXIO.raw_os_error() => io::Error::other("nobody reads from this pipe"),
        _ => e,
    })?;
    let flags = fcntl_getfl(&file)?;
    fcntl_setfl(&file, flags.difference(OFlags::NONBLOCK))?;
    Ok(file)
}

#[cfg(not(unix))]
fn open_through(path: &Path) -> io::Result<File> {
    door::never_blocking(File::options().write(true)).open(path)
}

pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn names(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn permissions_are_as_of_any_other_file_or_of_the_one_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        // The permissions that the umask gives to a file here.
        fs::write(at("other"), "").unwrap();
        write(&at("new"), b"1").unwrap();
        assert_eq!(mode(&at("new")), mode(&at("other")));
        fs::set_permissions(at("new"), fs::Permissions::from_mode(0o640)).unwrap();
        write(&at("new"), b"2").unwrap();
        assert_eq!((mode(&at("new")), fs::read(at("new")).unwrap()), (0o640, b"2".to_vec()));
        assert_eq!(names(folder.path()), 2, "nothing else is left");
    }

    #[test]
    fn links_stay_and_what_they_point_at_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "old").unwrap();
        symlink("file", at("link")).unwrap();
        write(&at("link"), b"new").unwrap();
        assert_eq!(fs::read(at("file")).unwrap(), b"new");
        // Two links in a row, and no file at their end yet.
        fs::create_dir(at("sub")).unwrap();
        symlink("sub/second", at("first")).unwrap();
        symlink("../target", at("sub/second")).unwrap();
        write(&at("first"), b"made").unwrap();
        assert_eq!(fs::read(at("target")).unwrap(), b"made");
        for link in ["link", "first", "sub/second"] {
            assert!(fs::symlink_metadata(at(link)).unwrap().is_symlink(), "{link} is still a link");
        }
        symlink("b", at("a")).unwrap();
        symlink("a", at("b")).unwrap();
        assert!(write(&at("a"), b"").unwrap_err().to_string().contains("circle"));
        symlink("none/file", at("astray")).unwrap();
        assert!(write(&at("astray"), b"").is_err(), "its folder is missing");
        assert!(fs::symlink_metadata(at("astray")).unwrap().is_symlink());
    }

    #[test]
    fn a_pipe_that_nobody_reads_is_refused_and_one_that_is_read_is_written() {
        use rustix::fs::{CWD, FileType, mknodat};
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        mknodat(CWD, &pipe, FileType::Fifo, 0o600.into(), 0).unwrap();
        assert!(Staged::new(&pipe).unwrap_err().to_string().contains("nobody reads"));
        let reader = door::never_blocking(File::options().read(true)).open(&pipe).unwrap();
        write(&pipe, b"through").unwrap();
        let mut text = String::new();
        io::Read::read_to_string(&mut &reader, &mut text).unwrap();
        assert_eq!(text, "through");
        assert!(write(Path::new("/dev/full"), b"x").is_err());
        write(Path::new("/dev/null"), b"x").unwrap();
    }
}
