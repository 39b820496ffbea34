//! Reading an open file at any place, from several threads at once and without a cursor.

use super::door::{self, Limit, Refusal};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// A regular file that is read by offset. Large files are read so instead of being mapped into memory: if another program cuts the file
/// short, a read returns an error, whereas touching mapped memory would end the program.
#[derive(Debug)]
pub struct At {
    file: File,
    length: u64,
}

impl At {
    /// Opens a regular file.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn open(path: &Path, limit: Limit) -> Result<Self, Refusal> {
        let file = door::open(path, limit)?;
        let length = file.metadata()?.len();
        Ok(Self { file, length })
    }

    /// The length in bytes when the file was opened.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Fills `out` from `offset`, in bytes.
    ///
    /// # Errors
    /// The file ends too early, or the operating system refuses.
    pub fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::FileExt as _;
            self.file.read_exact_at(out, offset)
        }
        #[cfg(windows)]
        {
            use std::os::windows::fs::FileExt as _;
            let mut done = 0;
            while done < out.len() {
                match self.file.seek_read(&mut out[done..], offset + done as u64)? {
                    0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                    n => done += n,
                }
            }
            Ok(())
        }
    }
}

/// The regular files of a folder whose names end with `ending`, sorted by the last number in their names and then by name; at most `most`.
///
/// # Errors
/// The folder can't be read.
pub fn files_of(folder: &Path, ending: &str, most: usize) -> io::Result<Vec<PathBuf>> {
    let mut found = vec![];
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().map(|n| n.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        if name.ends_with(ending) && path.is_file() {
            found.push(path);
        }
        if found.len() > most {
            return Err(io::Error::other(format!("it holds more than {most} files that end with {ending}")));
        }
    }
    found.sort_by_cached_key(|path| {
        let name = path.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let number: Option<u64> =
            name.rsplit(|c: char| !c.is_ascii_digit()).find(|n| !n.is_empty()).and_then(|n| n.parse().ok());
        (number, name)
    });
    Ok(found)
}
