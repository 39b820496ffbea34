//! The bytes of a file, in memory or on disk.

use moebias_disk::At;
use std::io;
use std::sync::Arc;

/// Bytes that are read by offset.
#[derive(Clone, Debug)]
pub enum Bytes {
    /// On disk.
    File(Arc<At>),
    /// In memory, because they were unpacked or parsed.
    Memory(Arc<Vec<u8>>),
}

impl Bytes {
    /// The number of bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::File(file) => file.length(),
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `out` from `offset`.
    ///
    /// # Errors
    /// There are too few bytes, or the operating system refuses.
    pub fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        match self {
            Self::File(file) => file.read(offset, out),
            Self::Memory(bytes) => {
                let from = usize::try_from(offset).unwrap_or(usize::MAX);
                let found = from.checked_add(out.len()).and_then(|to| bytes.get(from..to));
                out.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
        }
    }

    /// A copy of `length` bytes from `offset`.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn copy(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        if offset.checked_add(length as u64).is_none_or(|end| end > self.len()) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut out = vec![0; length];
        self.read(offset, &mut out)?;
        Ok(out)
    }

    /// A reader from `offset` on.
    #[must_use]
    pub fn reader(&self, offset: u64) -> Reader {
        Reader { bytes: self.clone(), at: offset }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Memory(Arc::new(bytes))
    }
}

/// Reads [`Bytes`] from beginning to end; also seeks.
#[derive(Debug)]
pub struct Reader {
    bytes: Bytes,
    at: u64,
}

impl io::Read for Reader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.bytes.len().saturating_sub(self.at).min(out.len() as u64) as usize;
        self.bytes.read(self.at, &mut out[..n])?;
        self.at += n as u64;
        Ok(n)
    }
}

impl io::Seek for Reader {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        let place = match to {
            io::SeekFrom::Start(n) => Some(n),
            io::SeekFrom::End(n) => self.bytes.len().checked_add_signed(n),
            io::SeekFrom::Current(n) => self.at.checked_add_signed(n),
        };
        self.at = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
