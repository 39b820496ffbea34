//! Reads ZIP archives as far as recordings need them: stored entries are read in place, deflated ones are unpacked.

use crate::bytes::Bytes;
use crate::limits;
use std::cell::Cell;
use std::ops::Range;

/// The largest number of entries of an archive.
const ENTRIES: u64 = 1 << 16;
/// The largest directory, in bytes.
const DIRECTORY: u64 = 32 << 20;
/// The length of the end record without its comment, in bytes.
const END: usize = 22;
/// The longest data after the directory's entries: the end record with the longest comment, and before it the locator of a ZIP64 archive.
const TAIL: u64 = END as u64 + 0xffff + 20;

/// An archive whose directory has been read.
pub(super) struct Archive {
    bytes: Bytes,
    /// The entries, sorted by name.
    pub entries: Vec<Entry>,
    /// The number of bytes that may still be unpacked into memory.
    room: Cell<u64>,
}

/// A file of an archive.
pub(super) struct Entry {
    pub name: String,
    /// The general-purpose flags, which say whether it is encrypted, and the compression method.
    flags: u16,
    method: u16,
    #[cfg_attr(not(feature = "compressed"), expect(dead_code, reason = "nothing is unpacked"))]
    checksum: u32,
    packed: u64,
    size: u64,
    header: u64,
}

impl Archive {
    /// Whether a file begins like an archive.
    pub(super) fn begins(first: &[u8]) -> bool {
        first.starts_with(b"PK\x03\x04")
    }

    /// Reads the directory.
    pub(super) fn open(bytes: Bytes) -> Result<Self, String> {
        let torn = |_| "it is no whole ZIP archive: its directory is missing".to_owned();
        let length = bytes.len();
        let from = length.saturating_sub(TAIL);
        let tail = bytes.copy(from, (length - from) as usize).map_err(torn)?;
        let at = (0..tail.len().saturating_sub(END - 1)).rev().find(|&at| tail[at..].starts_with(b"PK\x05\x06"));
        let end =
            at.and_then(|at| tail.get(at..at + END)).ok_or("it is no whole ZIP archive: its directory is missing")?;
        let (mut count, mut size, mut start) =
            (u64::from(u16_at(end, 10)), u64::from(u32_at(end, 12)), u64::from(u32_at(end, 16)));
        if count == 0xffff || size == 0xffff_ffff || start == 0xffff_ffff {
            // A ZIP64 archive: the actual numbers are in a record to which the locator before the end record points.
            let locator = at.and_then(|at| tail.get(at.checked_sub(20)?..at));
            if let Some(locator) = locator.filter(|l| l.starts_with(b"PK\x06\x07")) {
                let record = bytes.copy(u64_at(locator, 8), 56).map_err(torn)?;
                if record.starts_with(b"PK\x06\x06") {
                    (count, size, start) = (u64_at(&record, 32), u64_at(&record, 40), u64_at(&record, 48));
                }
            }
        }
        if count > ENTRIES || size > DIRECTORY {
            return Err(format!("it is a ZIP archive of {count} files, but at most {ENTRIES} are read"));
        }
        let directory = bytes.copy(start, size as usize).map_err(torn)?;
        let (mut entries, mut rest) = (vec![], directory.as_slice());
        for _ in 0..count {
            let (entry, used) = Entry::read(rest).ok_or("it is no whole ZIP archive: its directory is damaged")?;
            entries.push(entry);
            rest = rest.get(used..).unwrap_or_default();
        }
        entries.sort_by(|a: &Entry, b| a.name.cmp(&b.name));
        Ok(Self { bytes, entries, room: Cell::new(limits::IN_MEMORY as u64 / 2) })
    }

    /// The file with this name.
    pub(super) fn get(&self, name: &str) -> Option<&Entry> {
        let at = self.entries.binary_search_by(|entry| entry.name.as_str().cmp(name)).ok()?;
        self.entries.get(at)
    }

    /// The content of a file: bytes, and its range in them.
    pub(super) fn content(&self, entry: &Entry) -> Result<(Bytes, Range<u64>), String> {
        let name = &entry.name;
        let torn = |_| format!("its entry `{name}` lies outside the file");
        if entry.flags & 1 != 0 {
            return Err(format!("its entry `{name}` is encrypted"));
        }
        let header = self.bytes.copy(entry.header, 30).map_err(torn)?;
        if !Self::begins(&header) {
            return Err(format!("its entry `{name}` has no header"));
        }
        let start = entry.header + 30 + u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28));
        let end = start.checked_add(entry.packed).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or_else(|| format!("its entry `{name}` lies outside the file"))?;
        match entry.method {
            0 if entry.size == entry.packed => Ok((self.bytes.clone(), start..end)),
            8 => {
                let left = self.room.get().checked_sub(entry.size).ok_or_else(|| {
                    format!(
                        "its entries take more than {} MiB in memory when they are unpacked",
                        limits::IN_MEMORY >> 21
                    )
                })?;
                self.room.set(left);
                let content = self.unpack(entry, start)?;
                Ok((content.into(), 0..entry.size))
            }
            other => Err(format!("its entry `{name}` is packed in a way ({other}) that Moebias does not read")),
        }
    }

    #[cfg(feature = "compressed")]
    fn unpack(&self, entry: &Entry, start: u64) -> Result<Vec<u8>, String> {
        use std::io::Read as _;
        let damaged = || format!("its entry `{}` is damaged", entry.name);
        // Unpacked data are at most 1032 times as long as deflated data.
        let length = entry.size.min(entry.packed.saturating_mul(1032)) as usize;
        let mut content = vec![0; length];
        let packed = self.bytes.reader(start).take(entry.packed);
        let mut unpacked = flate2::read::DeflateDecoder::new(packed);
        unpacked.read_exact(&mut content).map_err(|e| format!("{}: {e}", damaged()))?;
        let mut sum = flate2::Crc::new();
        sum.update(&content);
        if content.len() as u64 == entry.size && sum.sum() == entry.checksum { Ok(content) } else { Err(damaged()) }
    }

    #[cfg(not(feature = "compressed"))]
    fn unpack(&self, entry: &Entry, _start: u64) -> Result<Vec<u8>, String> {
        Err(format!("its entry `{}` is compressed, and this build of Moebias reads no compressed files", entry.name))
    }
}

impl Entry {
    /// Reads an entry of the directory; also returns its length there.
    fn read(from: &[u8]) -> Option<(Self, usize)> {
        let fixed = from.get(..46).filter(|f| f.starts_with(b"PK\x01\x02"))?;
        let (name, extra, comment) =
            (usize::from(u16_at(fixed, 28)), usize::from(u16_at(fixed, 30)), usize::from(u16_at(fixed, 32)));
        let text = from.get(46..46 + name)?;
        let mut entry = Self {
            name: String::from_utf8_lossy(text).into_owned(),
            flags: u16_at(fixed, 8),
            method: u16_at(fixed, 10),
            checksum: u32_at(fixed, 16),
            packed: u64::from(u32_at(fixed, 20)),
            size: u64::from(u32_at(fixed, 24)),
            header: u64::from(u32_at(fixed, 42)),
        };
        let mut fields = from.get(46 + name..46 + name + extra)?;
        while let [a, b, c, d, ..] = *fields {
            let length = usize::from(u16::from_le_bytes([c, d]));
            let field = fields.get(4..4 + length).unwrap_or_default();
            if u16::from_le_bytes([a, b]) == 1 {
                entry.enlarge(field);
            }
            fields = fields.get(4 + length..).unwrap_or_default();
        }
        Some((entry, 46 + name + extra + comment))
    }

    /// Reads the actual sizes and offset of a ZIP64 entry whose short fields are too small.
    fn enlarge(&mut self, field: &[u8]) {
        let mut numbers = field.chunks_exact(8).map(|n| u64_at(n, 0));
        for short in [&mut self.size, &mut self.packed, &mut self.header] {
            if *short == 0xffff_ffff {
                *short = numbers.next().unwrap_or(*short);
            }
        }
    }
}

fn number_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..).and_then(|b| b.first_chunk()).copied().unwrap_or([0; N])
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(number_at(bytes, at))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(number_at(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(number_at(bytes, at))
}
