//! Rows of numbers: one row per token, in memory or on disk, read a few at a time.

use super::bytes::Bytes;
use std::io;
use std::ops::Range;

/// The number format of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Number {
    F16,
    BF16,
    F32,
    F64,
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
}

impl Number {
    /// Bytes per number.
    #[must_use]
    pub fn size(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::F16 | Self::BF16 | Self::I16 | Self::U16 => 2,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }

    /// Whether it is a floating-point format.
    #[must_use]
    pub fn is_float(self) -> bool {
        matches!(self, Self::F16 | Self::BF16 | Self::F32 | Self::F64)
    }

    /// Decodes little-endian numbers and appends them to `out`.
    fn decode<T: FromNumber>(self, bytes: &[u8], out: &mut Vec<T>) {
        fn each<const N: usize, T>(bytes: &[u8], out: &mut Vec<T>, read: impl Fn([u8; N]) -> T) {
            out.extend(bytes.as_chunks::<N>().0.iter().map(|&b| read(b)));
        }
        match self {
            Self::F16 => each(bytes, out, |b| T::real(half::f16::from_le_bytes(b).to_f32())),
            Self::BF16 => each(bytes, out, |b| T::real(half::bf16::from_le_bytes(b).to_f32())),
            Self::F32 => each(bytes, out, |b| T::real(f32::from_le_bytes(b))),
            Self::F64 => each(bytes, out, |b| T::double(f64::from_le_bytes(b))),
            Self::I8 => each(bytes, out, |b| T::whole(i64::from(i8::from_le_bytes(b)))),
            Self::U8 => each(bytes, out, |b| T::whole(i64::from(u8::from_le_bytes(b)))),
            Self::I16 => each(bytes, out, |b| T::whole(i64::from(i16::from_le_bytes(b)))),
            Self::U16 => each(bytes, out, |b| T::whole(i64::from(u16::from_le_bytes(b)))),
            Self::I32 => each(bytes, out, |b| T::whole(i64::from(i32::from_le_bytes(b)))),
            Self::U32 => each(bytes, out, |b| T::whole(i64::from(u32::from_le_bytes(b)))),
            Self::I64 => each(bytes, out, |b| T::whole(i64::from_le_bytes(b))),
            Self::U64 => each(bytes, out, |b| T::whole(i64::try_from(u64::from_le_bytes(b)).unwrap_or(i64::MAX))),
        }
    }
}

/// The type that numbers are decoded to: `f32` for scores, `f64` for counts, `i64` for expert and token ids.
pub trait FromNumber: Copy {
    /// Converts a float of up to 32 bits.
    fn real(x: f32) -> Self;
    /// Converts a double.
    fn double(x: f64) -> Self;
    /// Converts an integer.
    fn whole(x: i64) -> Self;
}

impl FromNumber for f32 {
    fn real(x: f32) -> Self {
        x
    }
    fn double(x: f64) -> Self {
        x as Self
    }
    fn whole(x: i64) -> Self {
        x as Self
    }
}

impl FromNumber for f64 {
    fn real(x: f32) -> Self {
        Self::from(x)
    }
    fn double(x: f64) -> Self {
        x
    }
    fn whole(x: i64) -> Self {
        x as Self
    }
}

/// A fraction or NaN becomes `i64::MIN`, which is never an id or a count.
impl FromNumber for i64 {
    fn real(x: f32) -> Self {
        Self::double(f64::from(x))
    }
    fn double(x: f64) -> Self {
        if x.fract() == 0.0 && x.abs() < 9e15 { x as Self } else { Self::MIN }
    }
    fn whole(x: i64) -> Self {
        x
    }
}

/// Evenly spaced rows in some bytes.
#[derive(Clone, Debug)]
pub struct Piece {
    /// The bytes that contain the rows.
    pub bytes: Bytes,
    /// The offset of the first number.
    pub start: u64,
    /// The number format.
    pub number: Number,
    /// The number of rows.
    pub rows: usize,
    /// Bytes from one row to the next.
    pub row_stride: u64,
    /// Bytes from one column to the next.
    pub column_stride: u64,
}

/// The number of bytes read at once. Gaps between rows are read too, as long as they fit.
const WINDOW: u64 = 4 << 20;

/// Rows of `columns` numbers each, made of consecutive pieces.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    columns: usize,
    pieces: Vec<Piece>,
}

impl Rows {
    /// No rows yet.
    #[must_use]
    pub fn new(columns: usize) -> Self {
        Self { columns, pieces: vec![] }
    }

    /// Rows of little-endian numbers in memory, one after another.
    #[must_use]
    pub fn of_memory(columns: usize, number: Number, bytes: Vec<u8>) -> Self {
        let stride = (columns * number.size()) as u64;
        let rows = bytes.len() / (stride as usize).max(1);
        let column_stride = number.size() as u64;
        let piece = Piece { bytes: bytes.into(), start: 0, number, rows, row_stride: stride, column_stride };
        Self { columns, pieces: vec![piece] }
    }

    /// Appends rows. Reading them, not this call, fails if they exceed their bytes.
    pub fn push(&mut self, piece: Piece) {
        if piece.rows > 0 {
            self.pieces.push(piece);
        }
    }

    /// Appends the rows of another recording with as many columns.
    pub fn append(&mut self, mut other: Self) {
        self.pieces.append(&mut other.pieces);
    }

    /// The rows of these runs, which are sorted and disjoint.
    pub(crate) fn only(&self, runs: &[Range<usize>]) -> Self {
        let (mut kept, mut before) = (Self::new(self.columns), 0);
        let mut runs = runs.iter().cloned().peekable();
        for piece in &self.pieces {
            let end = before + piece.rows;
            while let Some(run) = runs.peek() {
                let (from, to) = (run.start.max(before), run.end.min(end));
                if from < to {
                    let start = piece.start + (from - before) as u64 * piece.row_stride;
                    kept.push(Piece { start, rows: to - from, ..piece.clone() });
                }
                if run.end > end {
                    break;
                }
                runs.next();
            }
            before = end;
        }
        kept
    }

    /// The bits of 16-bit numbers instead of their values.
    pub(crate) fn as_bits(&self) -> Self {
        let bits = |piece: &Piece| Piece { number: Number::U16, ..piece.clone() };
        Self { columns: self.columns, pieces: self.pieces.iter().map(bits).collect() }
    }

    /// Numbers per row.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pieces.iter().map(|p| p.rows).sum()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number format of the first piece.
    #[must_use]
    pub fn number(&self) -> Option<Number> {
        self.pieces.first().map(|p| p.number)
    }

    /// The number of rows to read at once, a compromise between memory and the number of reads.
    #[must_use]
    pub fn chunk(&self) -> usize {
        let stride = self.pieces.iter().map(|p| p.row_stride.max(1)).max().unwrap_or(1);
        ((WINDOW / stride) as usize).clamp(1, (1 << 20) / self.columns.max(1) + 1)
    }

    /// Reads rows; `out` is replaced and has `columns` numbers per row.
    ///
    /// # Errors
    /// There are too few rows, or their bytes can't be read.
    pub fn read<T: FromNumber>(&self, rows: Range<usize>, out: &mut Vec<T>) -> io::Result<()> {
        out.clear();
        let (mut first, mut wanted) = (rows.start, rows.end);
        for piece in &self.pieces {
            if first < piece.rows && first < wanted {
                let to = wanted.min(piece.rows);
                piece.read(self.columns, first..to, out)?;
                first = to;
            }
            first = first.saturating_sub(piece.rows);
            wanted = wanted.saturating_sub(piece.rows);
            if wanted == 0 {
                return Ok(());
            }
        }
        if rows.is_empty() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// Calls `each` with the number of every row and the row, reading a few at a time.
    ///
    /// # Errors
    /// As [`Self::read`], or what `each` returns.
    pub fn each<T: FromNumber, E: From<io::Error>>(
        &self,
        rows: Range<usize>,
        mut each: impl FnMut(usize, &[T]) -> Result<(), E>,
    ) -> Result<(), E> {
        let (chunk, mut room) = (self.chunk(), vec![]);
        for from in rows.clone().step_by(chunk) {
            self.read(from..(from + chunk).min(rows.end), &mut room)?;
            for (at, row) in room.chunks_exact(self.columns.max(1)).enumerate() {
                each(from + at, row)?;
            }
        }
        Ok(())
    }
}

impl Piece {
    fn read<T: FromNumber>(&self, columns: usize, rows: Range<usize>, out: &mut Vec<T>) -> io::Result<()> {
        let size = self.number.size() as u64;
        if self.column_stride == size {
            return self.read_lines(columns, &rows, self.start, self.row_stride, out);
        }
        // The numbers of a row are not adjacent: read column by column, then transpose.
        let mut by_column: Vec<T> = vec![];
        for column in 0..columns {
            let start = self.start + column as u64 * self.column_stride;
            self.read_lines(1, &rows, start, self.row_stride, &mut by_column)?;
        }
        let n = rows.len();
        out.extend((0..n).flat_map(|r| (0..columns).map(move |c| c * n + r)).map(|at| by_column[at]));
        Ok(())
    }

    /// Reads lines of `columns` adjacent numbers that begin every `stride` bytes.
    fn read_lines<T: FromNumber>(
        &self,
        columns: usize,
        rows: &Range<usize>,
        start: u64,
        stride: u64,
        out: &mut Vec<T>,
    ) -> io::Result<()> {
        let line = columns * self.number.size();
        let mut from = rows.start as u64;
        while from < rows.end as u64 {
            let together = (WINDOW / stride.max(1)).clamp(1, rows.end as u64 - from);
            let length = (together - 1) * stride + line as u64;
            let window = self.bytes.copy(start + from * stride, length as usize)?;
            if stride == line as u64 {
                self.number.decode(&window, out);
            } else {
                (0..together).for_each(|r| {
                    let at = (r * stride) as usize;
                    self.number.decode(&window[at..at + line], out);
                });
            }
            from += together;
        }
        Ok(())
    }
}
