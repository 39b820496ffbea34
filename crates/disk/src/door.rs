//! Opening existing files: the type and size are checked before anything is read, and opening never blocks.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;

/// The largest size of a kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The kind of file, with its article: "a scenario".
    pub what: &'static str,
    /// The largest size in bytes.
    pub most: u64,
}

impl Limit {
    /// A kind of file and its limit in bytes.
    #[must_use]
    pub const fn new(what: &'static str, most: u64) -> Self {
        Self { what, most }
    }
}

/// Why a file was not opened. Each message continues a sentence that begins with the file's name.
///
/// ```
/// use moebias_disk::{Limit, door};
///
/// let folder = tempfile::tempdir()?;
/// let note = Limit::new("a note", 4);
/// let why = door::text(folder.path(), note).unwrap_err();
/// assert_eq!(why.to_string(), "it is a folder, not a regular file");
/// let path = folder.path().join("long.txt");
/// std::fs::write(&path, "seven")?;
/// let why = door::text(&path, note).unwrap_err();
/// assert_eq!(why.to_string(), "it is 5 bytes long, but a note must be at most 4 bytes");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// There is no such file.
    #[error("there is no such file")]
    Missing,
    /// The path is a link to a file that does not exist; its target.
    #[error("it is a link to {0}, and there is no such file")]
    Dangling(String),
    /// The path is a folder, a device, a pipe or a socket; with its article.
    #[error("it is {0}, not a regular file")]
    NotAFile(String),
    /// The file is too large for its kind.
    #[error("it is {bytes} bytes long, but {what} must be at most {most} bytes", what = limit.what, most = limit.most)]
    TooLarge {
        /// The size of the file in bytes.
        bytes: u64,
        /// The limit of its kind.
        limit: Limit,
    },
    /// The file is not UTF-8; the offset of the first invalid byte.
    #[error("it is not a text file: byte {0} is not UTF-8")]
    NotText(usize),
    /// The operating system refused.
    #[error("it can't be read: {0}")]
    Io(#[from] io::Error),
}

impl Refusal {
    /// Whether nothing exists at the path.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }
}

/// Opens a regular file for reading.
///
/// # Errors
/// See [`Refusal`].
pub fn open(path: &Path, limit: Limit) -> Result<File, Refusal> {
    open_as(path, limit, OpenOptions::new().read(true))
}

/// Opens an existing regular file for reading and writing.
///
/// # Errors
/// See [`Refusal`].
pub fn update(path: &Path, limit: Limit) -> Result<File, Refusal> {
    open_as(path, limit, OpenOptions::new().read(true).write(true))
}

/// Opens a regular file for appending. It is created if it does not exist, also at the end of a link.
///
/// # Errors
/// See [`Refusal`].
pub fn append(path: &Path, limit: Limit) -> Result<File, Refusal> {
    match fs::metadata(path) {
        Ok(_) => open_as(path, limit, OpenOptions::new().append(true)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(OpenOptions::new().create(true).append(true).open(path)?),
        Err(e) => Err(e.into()),
    }
}

/// Creates a new file for reading and appending.
///
/// # Errors
/// The path exists already, or the operating system could not create the file.
pub fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create_new(true).open(path)
}

/// The content of a regular file.
///
/// # Errors
/// See [`Refusal`].
pub fn bytes(path: &Path, limit: Limit) -> Result<Vec<u8>, Refusal> {
    let file = open(path, limit)?;
    let mut content = vec![];
    let length = file.metadata()?.len() as usize;
    content.try_reserve_exact(length).map_err(|e| io::Error::new(io::ErrorKind::OutOfMemory, e))?;
    // The limit also holds for a file that grows while it is read.
    file.take(limit.most.saturating_add(1)).read_to_end(&mut content)?;
    if content.len() as u64 > limit.most {
        return Err(Refusal::TooLarge { bytes: content.len() as u64, limit });
    }
    Ok(content)
}

/// The content of a text file.
///
/// # Errors
/// See [`Refusal`].
pub fn text(path: &Path, limit: Limit) -> Result<String, Refusal> {
    String::from_utf8(bytes(path, limit)?).map_err(|e| Refusal::NotText(e.utf8_error().valid_up_to()))
}

fn open_as(path: &Path, limit: Limit, options: &mut OpenOptions) -> Result<File, Refusal> {
    let look = |about: &Metadata| {
        if !about.is_file() {
            return Err(Refusal::NotAFile(found(path, about)));
        }
        match about.len() {
            bytes if bytes > limit.most => Err(Refusal::TooLarge { bytes, limit }),
            _ => Ok(()),
        }
    };
    let about = fs::metadata(path).map_err(|e| missing(path, e))?;
    look(&about)?;
    let file = never_blocking(options).open(path).map_err(|e| missing(path, e))?;
    // The path may have been replaced since it was checked, so the open file is checked too.
    look(&file.metadata()?)?;
    Ok(file)
}

/// Sets the flag for non-blocking opening: if a pipe has replaced the file since it was checked, opening does not wait for its other end.
#[cfg(unix)]
pub(super) fn never_blocking(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32)
}

#[cfg(not(unix))]
pub(super) fn never_blocking(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

fn missing(path: &Path, error: io::Error) -> Refusal {
    if error.kind() != io::ErrorKind::NotFound {
        return error.into();
    }
    match fs::read_link(path) {
        Ok(to) => Refusal::Dangling(to.display().to_string()),
        Err(_) => Refusal::Missing,
    }
}

/// What a path is that is not a regular file, with its article, and the target if it is a link.
pub(super) fn found(path: &Path, about: &Metadata) -> String {
    let what = kind(about);
    let link = fs::symlink_metadata(path).is_ok_and(|m| m.is_symlink());
    match fs::canonicalize(path) {
        Ok(to) if link => format!("a link to {}, which is {what}", to.display()),
        _ => what.into(),
    }
}

#[cfg(unix)]
fn kind(about: &Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    let kind = about.file_type();
    match () {
        () if kind.is_dir() => "a folder",
        () if kind.is_fifo() => "a pipe",
        () if kind.is_socket() => "a socket",
        () if kind.is_char_device() || kind.is_block_device() => "a device",
        () => "something else",
    }
}

#[cfg(not(unix))]
fn kind(about: &Metadata) -> &'static str {
    if about.is_dir() { "a folder" } else { "something else" }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    const SMALL: Limit = Limit::new("a note", 10);

    #[test]
    fn only_regular_files_of_their_size_come_in() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let says = |name: &str, what: &str| {
            for refusal in [
                bytes(&at(name), SMALL).map(|_| ()).unwrap_err(),
                text(&at(name), SMALL).map(|_| ()).unwrap_err(),
                update(&at(name), SMALL).map(|_| ()).unwrap_err(),
            ] {
                assert!(refusal.to_string().contains(what), "{name}: {refusal}");
            }
        };
        fs::write(at("note"), "0123456789").unwrap();
        assert_eq!(text(&at("note"), SMALL).unwrap(), "0123456789");
        symlink(at("note"), at("link")).unwrap();
        assert_eq!(bytes(&at("link"), SMALL).unwrap().len(), 10);
        fs::write(at("long"), "0123456789x").unwrap();
        says("long", "it is 11 bytes long, but a note must be at most 10 bytes");
        says("none", "there is no such file");
        symlink("nowhere", at("dangling")).unwrap();
        says("dangling", "a link to nowhere, and there is no such file");
        says(".", "it is a folder, not a regular file");
        rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        says("pipe", "it is a pipe, not");
        symlink(at("pipe"), at("to-pipe")).unwrap();
        says("to-pipe", "pipe, which is a pipe, not");
        let _listener = UnixListener::bind(at("socket")).unwrap();
        says("socket", "it is a socket, not");
        symlink("/dev/zero", at("zero")).unwrap();
        says("zero", "a link to /dev/zero, which is a device, not");
        assert!(append(&at("pipe"), SMALL).is_err() && append(&at("zero"), SMALL).is_err());
        fs::write(at("latin"), b"caf\xe9").unwrap();
        assert_eq!(text(&at("latin"), SMALL).unwrap_err().to_string(), "it is not a text file: byte 3 is not UTF-8");
    }
}
