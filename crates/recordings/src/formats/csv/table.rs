//! Reads the rows of a text table: finds the field separator, collects comments, and limits the length of rows.

use crate::error::ReadError;
use crate::{Input, limits};
use csv::{ByteRecord, ReaderBuilder};
use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

/// The largest number of comment lines that are kept.
const COMMENTS: usize = 200;
/// The longest comment line that is kept, in bytes.
const COMMENT: usize = 4096;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The separator of fields: a character, or any number of blanks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Separator {
    Sign(u8),
    Blanks,
}

/// A text table, row by row.
pub(super) struct Table<'a> {
    input: &'a Input,
    reader: csv::Reader<Watched<Box<dyn Read + 'a>>>,
    state: Rc<State>,
    separator: Separator,
    record: ByteRecord,
}

/// State shared with the reader of the bytes.
#[derive(Default)]
struct State {
    /// The number of bytes since the last complete row.
    bytes: Cell<usize>,
    /// The last byte.
    last: Cell<u8>,
}

/// The beginning of a table: its first row and the comments before it.
pub(super) struct Start {
    pub separator: Separator,
    pub comments: Vec<String>,
    pub first: Vec<String>,
}

impl Start {
    /// Finds the beginning in the first bytes of a file; `None` if they are not text or contain no row.
    pub(super) fn of(first: &[u8]) -> Option<Self> {
        let text = first.strip_prefix(BYTE_ORDER_MARK).unwrap_or(first);
        if text.contains(&0) {
            return None;
        }
        let mut comments = vec![];
        for line in text.split(|&b| b == b'\n' || b == b'\r') {
            match line.trim_ascii() {
                [] => {}
                [b'#', comment @ ..] => {
                    if comments.len() < COMMENTS && comment.len() <= COMMENT {
                        comments.push(String::from_utf8_lossy(comment).trim().to_owned());
                    }
                }
                row => {
                    let separator = Separator::of(row);
                    return Some(Self { separator, comments, first: separator.split(row) });
                }
            }
        }
        None
    }
}

impl Separator {
    /// The separator of a row: the candidate that occurs most often outside quotes.
    pub(super) fn of(row: &[u8]) -> Self {
        let mut quoted = false;
        let mut counts = [(b'\t', 0), (b';', 0), (b',', 0)];
        for &byte in row {
            quoted ^= byte == b'"';
            counts.iter_mut().filter(|(sign, _)| *sign == byte && !quoted).for_each(|(_, n)| *n += 1);
        }
        let (sign, most) = counts.into_iter().rev().max_by_key(|&(_, n)| n).unwrap_or((b',', 0));
        let blank = row.trim_ascii().contains(&b' ');
        if most == 0 && blank && !row.contains(&b'"') { Self::Blanks } else { Self::Sign(sign) }
    }

    /// The fields of one line.
    pub(super) fn split(self, line: &[u8]) -> Vec<String> {
        let mut record = ByteRecord::new();
        let read = self.builder().from_reader(Blanks::new(line, self)).read_byte_record(&mut record);
        let fields = record.iter().map(|f| String::from_utf8_lossy(f).trim().to_owned()).collect();
        if read.is_ok() { fields } else { vec![] }
    }

    fn builder(self) -> ReaderBuilder {
        let mut builder = ReaderBuilder::new();
        let sign = if let Self::Sign(sign) = self { sign } else { b'\t' };
        builder.delimiter(sign).has_headers(false).flexible(true).comment(Some(b'#'));
        builder
    }
}

impl<'a> Table<'a> {
    pub(super) fn new(input: &'a Input, separator: Separator) -> Result<Self, ReadError> {
        let mut stream = input.stream().map_err(|e| input.failed(e))?;
        if stream.fill_buf().map_err(|e| input.failed(e))?.starts_with(BYTE_ORDER_MARK) {
            stream.consume(BYTE_ORDER_MARK.len());
        }
        let state = Rc::<State>::default();
        let stream: Box<dyn Read + 'a> =
            if separator == Separator::Blanks { Box::new(Blanks::new(stream, separator)) } else { Box::new(stream) };
        let reader = separator.builder().from_reader(Watched { inner: stream, state: Rc::clone(&state) });
        Ok(Self { input, reader, state, separator, record: ByteRecord::new() })
    }

    /// Reads the next row; `false` at the end.
    pub(super) fn next(&mut self) -> Result<bool, ReadError> {
        self.state.bytes.set(0);
        self.reader.read_byte_record(&mut self.record).map_err(|e| match e.into_kind() {
            csv::ErrorKind::Io(e) => self.input.failed(e),
            other => self.input.wrong(format!("it is no whole table: {other:?}")),
        })
    }

    /// The number of fields of the current row.
    pub(super) fn len(&self) -> usize {
        self.record.len()
    }

    /// A field of the current row, trimmed; empty if there is none.
    pub(super) fn field(&self, column: usize) -> &str {
        self.record.get(column).and_then(|f| std::str::from_utf8(f).ok()).map_or("", str::trim)
    }

    /// Whether the current row is the last one and has no end of line.
    pub(super) fn is_torn(&mut self) -> Result<bool, ReadError> {
        let mut next = ByteRecord::new();
        let more = self.reader.read_byte_record(&mut next).map_err(|e| self.input.wrong(e.to_string()))?;
        Ok(!more && !matches!(self.state.last.get(), b'\n' | b'\r'))
    }

    /// The line of the current row, counted from 1.
    pub(super) fn line(&self) -> usize {
        self.record.position().map_or(0, |p| p.line() as usize)
    }

    /// An error in a column of the current row.
    pub(super) fn wrong(&self, column: usize, what: impl Into<String>) -> ReadError {
        let sign = if let Separator::Sign(sign) = self.separator { sign } else { b' ' };
        let mut line = vec![];
        for field in self.record.iter().take(100) {
            line.extend_from_slice(field);
            line.push(sign);
        }
        line.pop();
        let before = self.record.range(column).map_or(0, |range| range.start + column);
        self.input.wrong(what).at(self.line(), before + 1, &line)
    }
}

/// The message about a last row without a line end.
pub(super) fn torn(line: usize) -> String {
    format!("the last line, {line}, is torn: it is left out")
}

/// Counts bytes, so that a quote that is never closed does not fill the memory.
struct Watched<R> {
    inner: R,
    state: Rc<State>,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(out)?;
        if let Some(&last) = n.checked_sub(1).and_then(|at| out.get(at)) {
            self.state.last.set(last);
        }
        let bytes = self.state.bytes.get() + n;
        self.state.bytes.set(bytes);
        if bytes > limits::LINE {
            return Err(io::Error::other(format!("a row is longer than {} bytes", limits::LINE)));
        }
        Ok(n)
    }
}

/// Turns runs of blanks into tabs, and leaves out those at the beginning of a line.
struct Blanks<R> {
    inner: R,
    passes: bool,
    pending: bool,
    begins: bool,
}

impl<R> Blanks<R> {
    fn new(inner: R, separator: Separator) -> Self {
        Self { inner, passes: separator != Separator::Blanks, pending: false, begins: true }
    }
}

impl<R: Read> Read for Blanks<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.passes || out.len() < 2 {
            return self.inner.read(out);
        }
        loop {
            // A pending blank becomes one more byte than is read.
            let mut room = vec![0; out.len() - 1];
            let n = self.inner.read(&mut room)?;
            let mut to = 0;
            for &byte in room.iter().take(n) {
                if matches!(byte, b' ' | b'\t') {
                    self.pending = !self.begins;
                    continue;
                }
                let ends = matches!(byte, b'\n' | b'\r');
                let tab = std::mem::take(&mut self.pending) && !ends;
                for byte in tab.then_some(b'\t').into_iter().chain([byte]) {
                    out[to] = byte;
                    to += 1;
                }
                self.begins = ends;
            }
            if to > 0 || n == 0 {
                return Ok(to);
            }
        }
    }
}
