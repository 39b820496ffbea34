//! A file to be read: its name, its first bytes, and its uncompressed content.

use super::bytes::Bytes;
use super::error::ReadError;
use super::limits;
use moebias_disk::At;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The number of first bytes by which formats are recognised.
pub(crate) const FIRST: usize = 64 << 10;

/// A file to be read.
#[derive(Debug)]
pub struct Input {
    name: String,
    path: Option<PathBuf>,
    bytes: Bytes,
    first: Vec<u8>,
    packed: Packed,
}

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packed {
    No,
    Gzip,
    Zstd,
}

impl Input {
    /// Opens a regular file.
    ///
    /// # Errors
    /// The path is not a regular file, or can't be read.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let name = path.display().to_string();
        let file = At::open(path, limits::ARRAYS).map_err(|e| ReadError::refused(&name, e))?;
        Self::new(name, Some(path.to_owned()), Bytes::File(Arc::new(file)))
    }

    /// A file in memory. Its name helps to recognise the format.
    ///
    /// # Errors
    /// The content is compressed and its first bytes can't be unpacked.
    pub fn memory(name: &str, content: Vec<u8>) -> Result<Self, ReadError> {
        Self::new(name.to_owned(), None, content.into())
    }

    fn new(name: String, path: Option<PathBuf>, bytes: Bytes) -> Result<Self, ReadError> {
        let wrong = |e: io::Error| ReadError::new(&name, format!("it can't be read: {e}"));
        let start = bytes.copy(0, bytes.len().min(4) as usize).map_err(wrong)?;
        let packed = match start.as_slice() {
            [0x1f, 0x8b, ..] => Packed::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd] => Packed::Zstd,
            _ => Packed::No,
        };
        let mut input = Self { path, bytes, first: vec![], packed, name };
        let mut first = vec![];
        let read = input.stream().and_then(|s| s.take(FIRST as u64).read_to_end(&mut first));
        // A compressed file that was cut short still has a beginning.
        if let (Err(e), true) = (read, first.is_empty()) {
            return Err(ReadError::new(&input.name, format!("it can't be read: {e}")));
        }
        input.first = first;
        Ok(input)
    }

    /// The name for messages, as the caller gave it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of the file without folders and without `.gz` or `.zst`, in lower case.
    #[must_use]
    pub fn short_name(&self) -> String {
        let name = self.name.rsplit(['/', '\\']).next().unwrap_or(&self.name).to_ascii_lowercase();
        match self.packed {
            Packed::No => name,
            Packed::Gzip => name.strip_suffix(".gz").unwrap_or(&name).to_owned(),
            Packed::Zstd => name.strip_suffix(".zst").unwrap_or(&name).to_owned(),
        }
    }

    /// The path; `None` for a file in memory.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The first bytes, unpacked.
    #[must_use]
    pub fn first(&self) -> &[u8] {
        &self.first
    }

    /// Whether the name ends with one of these suffixes, for example `.csv`.
    #[must_use]
    pub fn ends_with(&self, endings: &[&str]) -> bool {
        let name = self.short_name();
        endings.iter().any(|e| name.ends_with(e))
    }

    /// An error about this file.
    pub fn wrong(&self, what: impl Into<String>) -> ReadError {
        ReadError::new(&self.name, what)
    }

    /// The error for a failure to read this file.
    #[allow(clippy::needless_pass_by_value)]
    pub fn failed(&self, error: io::Error) -> ReadError {
        self.wrong(match error.kind() {
            io::ErrorKind::UnexpectedEof => "it ends too early".into(),
            _ => format!("it can't be read: {error}"),
        })
    }

    /// The content, readable by offset. A compressed file is unpacked into memory.
    ///
    /// # Errors
    /// The file is compressed and damaged, or too large for memory.
    pub fn bytes(&self) -> Result<Bytes, ReadError> {
        match self.packed {
            Packed::No => Ok(self.bytes.clone()),
            _ => Ok(self.whole()?.into()),
        }
    }

    /// The whole content in memory.
    ///
    /// # Errors
    /// The file is too large for memory, or compressed and damaged.
    pub fn whole(&self) -> Result<Vec<u8>, ReadError> {
        let mut all = vec![];
        let stream = self.stream().map_err(|e| self.failed(e))?;
        stream.take(limits::WHOLE + 1).read_to_end(&mut all).map_err(|e| self.failed(e))?;
        if all.len() as u64 > limits::WHOLE {
            return Err(self.wrong(format!("a file of this format must be at most {} bytes long", limits::WHOLE)));
        }
        Ok(all)
    }

    /// A stream of the content, unpacked as it is read.
    ///
    /// # Errors
    /// The file is compressed in a way that this build does not support.
    pub fn stream(&self) -> io::Result<Box<dyn BufRead + '_>> {
        let raw = BufReader::with_capacity(1 << 18, self.bytes.reader(0));
        match self.packed {
            Packed::No => Ok(Box::new(raw)),
            #[cfg(feature = "compressed")]
            Packed::Gzip => Ok(Box::new(BufReader::with_capacity(1 << 18, flate2::bufread::MultiGzDecoder::new(raw)))),
            #[cfg(feature = "compressed")]
            Packed::Zstd => Ok(Box::new(BufReader::with_capacity(1 << 18, zstd::Decoder::with_buffer(raw)?))),
            #[cfg(not(feature = "compressed"))]
            _ => Err(io::Error::other("this build of Moebias reads no compressed files")),
        }
    }
}
