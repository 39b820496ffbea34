//! A named array of numbers, in memory or on disk.

use super::bytes::Bytes;
use super::rows::{Number, Piece, Rows};

/// The longest axis that may be the axis of experts.
pub(crate) const WIDEST: usize = 1 << 16;

/// A named array of numbers.
#[derive(Clone, Debug)]
pub(crate) struct Tensor {
    pub name: String,
    pub number: Number,
    pub shape: Vec<usize>,
    /// Bytes from one element to the next along each axis.
    pub strides: Vec<u64>,
    pub bytes: Bytes,
    pub start: u64,
}

impl Tensor {
    /// An array whose last axis is adjacent in memory.
    pub(crate) fn plain(name: impl Into<String>, number: Number, shape: Vec<usize>, bytes: Bytes, start: u64) -> Self {
        let mut strides = vec![0; shape.len()];
        let mut stride = number.size() as u64;
        for (axis, &length) in shape.iter().enumerate().rev() {
            strides[axis] = stride;
            stride = stride.saturating_mul(length.max(1) as u64);
        }
        Self { name: name.into(), number, shape, strides, bytes, start }
    }

    /// An array whose first axis is adjacent in memory.
    pub(crate) fn column_major(
        name: impl Into<String>,
        number: Number,
        shape: Vec<usize>,
        bytes: Bytes,
        start: u64,
    ) -> Self {
        let reversed: Vec<usize> = shape.iter().rev().copied().collect();
        let mut tensor = Self::plain(name, number, reversed, bytes, start);
        tensor.strides.reverse();
        tensor.shape = shape;
        tensor
    }

    /// An array of numbers in memory; elements along the last axis are adjacent. Integers are stored as such unless they are scores.
    pub(crate) fn of_numbers(name: impl Into<String>, shape: Vec<usize>, values: &[f64], scores: bool) -> Self {
        let whole = !scores && values.iter().all(|x| x.fract() == 0.0 && x.abs() < 9e15);
        let (number, bytes): (Number, Vec<u8>) = if whole {
            (Number::I64, values.iter().flat_map(|&x| (x as i64).to_le_bytes()).collect())
        } else {
            (Number::F64, values.iter().flat_map(|&x| x.to_le_bytes()).collect())
        };
        Self::plain(name, number, shape, bytes.into(), 0)
    }

    /// The same array with an additional last axis of length 1.
    pub(crate) fn with_last_axis(&self) -> Self {
        let shape = [self.shape.as_slice(), &[1]].concat();
        let strides = [self.strides.as_slice(), &[self.number.size() as u64]].concat();
        Self { shape, strides, ..self.clone() }
    }

    /// An error if elements are outside the bytes, or if there are more elements than the bytes can hold.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.check_within(self.bytes.len())
    }

    /// The same check for bytes that end at an offset.
    pub(crate) fn check_within(&self, end: u64) -> Result<(), String> {
        let most = end.min(self.bytes.len());
        if self.shape.contains(&0) {
            return Ok(());
        }
        let last = self
            .shape
            .iter()
            .zip(&self.strides)
            .try_fold(self.start, |at, (&n, &stride)| at.checked_add((n as u64 - 1).checked_mul(stride)?));
        let fits = self.elements() as u64 <= most / self.number.size() as u64;
        match last.and_then(|at| at.checked_add(self.number.size() as u64)) {
            Some(end) if end <= most && fits => Ok(()),
            _ => Err(format!("`{}` of shape {:?} ends after the file's {most} bytes", self.name, self.shape)),
        }
    }

    /// The single number of an array without axes.
    pub(crate) fn single(&self) -> Result<f64, String> {
        let wrong = |e| format!("`{}` can't be read: {e}", self.name);
        let bytes = self.bytes.copy(self.start, self.number.size()).map_err(wrong)?;
        let mut number = vec![];
        Rows::of_memory(1, self.number, bytes).read(0..1, &mut number).map_err(wrong)?;
        number.first().copied().ok_or_else(|| format!("`{}` is empty", self.name))
    }

    /// The number of elements.
    pub(crate) fn elements(&self) -> usize {
        self.shape.iter().try_fold(1usize, |n, &axis| n.checked_mul(axis)).unwrap_or(usize::MAX)
    }

    /// The first numbers, at most `most`, in memory order of the last axis.
    pub(crate) fn sample(&self, most: usize) -> Vec<f64> {
        let columns = self.shape.last().copied().unwrap_or(1).max(1);
        if columns > WIDEST {
            return vec![];
        }
        let rows = self.rows_of_last_axis(&[]);
        let (mut out, mut room) = (vec![], vec![]);
        let wanted = rows.len().min(most.div_ceil(columns));
        if rows.read(0..wanted, &mut room).is_ok() {
            out.append(&mut room);
        }
        out
    }

    /// Rows along the last axis, over all other axes; some axes are fixed at an index.
    fn rows_of_last_axis(&self, fixed: &[(usize, usize)]) -> Rows {
        let Some(last) = self.shape.len().checked_sub(1) else { return Rows::new(1) };
        let free: Vec<usize> = (0..last).filter(|axis| fixed.iter().all(|(f, _)| f != axis)).collect();
        self.rows(&free, last, fixed)
    }

    /// Rows along the axis `columns`, one for every index of the axes `free`, of which the last varies fastest; the axes `fixed` are fixed
    /// at an index.
    pub(crate) fn rows(&self, free: &[usize], columns: usize, fixed: &[(usize, usize)]) -> Rows {
        let mut rows = Rows::new(self.shape[columns]);
        let start = fixed.iter().fold(self.start, |at, &(axis, index)| at + index as u64 * self.strides[axis]);
        // Evenly spaced adjacent axes are merged.
        let mut axes: Vec<(usize, u64)> = vec![];
        for &axis in free {
            let (length, stride) = (self.shape[axis], self.strides[axis]);
            match axes.last_mut() {
                Some((outer, outer_stride)) if *outer_stride == stride.saturating_mul(length as u64) => {
                    (*outer, *outer_stride) = (*outer * length, stride);
                }
                _ => axes.push((length, stride)),
            }
        }
        let (count, row_stride) = axes.pop().unwrap_or((1, 0));
        let piece = |start| Piece {
            bytes: self.bytes.clone(),
            start,
            number: self.number,
            rows: count,
            row_stride,
            column_stride: self.strides[columns],
        };
        let outer: usize = axes.iter().map(|(n, _)| n).product();
        for mut at in 0..outer {
            let mut place = start;
            for &(length, stride) in axes.iter().rev() {
                place += (at % length) as u64 * stride;
                at /= length;
            }
            rows.push(piece(place));
        }
        rows
    }

    /// All elements in storage order, as rows along the axis with the smallest stride, and the other axes from the outermost.
    pub(crate) fn in_storage_order(&self) -> (Rows, Vec<usize>) {
        let mut order: Vec<usize> = (0..self.shape.len()).collect();
        order.sort_by_key(|&axis| std::cmp::Reverse(self.strides[axis]));
        match order.split_last() {
            Some((&columns, free)) => (self.rows(free, columns, &[]), order),
            None => (Rows::new(1), order),
        }
    }
}

/// A message as an error of [`Rows::each`].
pub(crate) struct Wrong(pub String);

impl From<std::io::Error> for Wrong {
    fn from(error: std::io::Error) -> Self {
        Self(format!("its numbers can't be read: {error}"))
    }
}
