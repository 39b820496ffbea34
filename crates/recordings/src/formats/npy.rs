//! NumPy's `.npy`: one array after a header that is a Python dictionary. The numbers stay on disk.

use super::Format;
use crate::assumption::{Assumption, Question};
use crate::bytes::Bytes;
use crate::error::ReadError;
use crate::recording::Recording;
use crate::rows::Number;
use crate::tensors::{Tensor, interpret};
use crate::{Input, Reading};
use std::collections::BTreeMap;
use std::ops::Range;

/// The longest header that is read, in bytes.
const HEADER: usize = 1 << 16;

/// One `.npy` file.
pub(super) struct Npy;

impl Format for Npy {
    fn name(&self) -> &'static str {
        "NumPy .npy"
    }

    fn endings(&self) -> &'static [&'static str] {
        &["npy"]
    }

    fn recognises(&self, input: &Input) -> bool {
        input.first().starts_with(b"\x93NUMPY")
    }

    fn read(&self, input: &Input, reading: &Reading) -> Result<Recording, ReadError> {
        let name = input.short_name();
        let name = name.strip_suffix(".npy").unwrap_or(&name);
        let bytes = input.bytes()?;
        let tensor = array(&bytes, 0..bytes.len(), name).map_err(|e| input.wrong(e))?;
        let raw = input.first().windows(3).take(128).any(|w| w == b"V2'");
        let mut recording = interpret(input, &[tensor], BTreeMap::new(), reading)?;
        if raw {
            let text = "its numbers are two raw bytes each, as NumPy writes bfloat16: they are read as that";
            recording.assumptions.push(Assumption::open(Question::Values, text));
        }
        Ok(recording)
    }
}

/// The array in a `.npy` file or in an entry of a `.npz` archive, at the range `within` of `bytes`.
pub(super) fn array(bytes: &Bytes, within: Range<u64>, name: &str) -> Result<Tensor, String> {
    let header = Header::read(bytes, within.clone())?;
    let number = number(&header.descr).ok_or_else(|| {
        let shown: String = header.descr.chars().take(40).collect();
        format!("it holds {shown:?}, but must hold little-endian floats or integers of 1 to 8 bytes")
    })?;
    let make = if header.column_major { Tensor::column_major } else { Tensor::plain };
    let tensor = make(name.to_owned(), number, header.shape, bytes.clone(), header.data);
    tensor.check_within(within.end)?;
    Ok(tensor)
}

/// The header of an array.
pub(super) struct Header {
    /// The number format as NumPy writes it.
    pub descr: String,
    pub shape: Vec<usize>,
    column_major: bool,
    /// The offset of the first number.
    pub data: u64,
}

impl Header {
    pub(super) fn read(bytes: &Bytes, within: Range<u64>) -> Result<Self, String> {
        let ends = || "it ends within its header".to_owned();
        let copy = |from: u64, length: usize| {
            let end = from.checked_add(length as u64).filter(|&end| end <= within.end);
            end.and_then(|_| bytes.copy(from, length).ok()).ok_or_else(ends)
        };
        let start = copy(within.start, 12)?;
        let (length, from) = match start.get(6..12) {
            Some(&[1, _, a, b, ..]) => (usize::from(u16::from_le_bytes([a, b])), 10),
            Some(&[2 | 3, _, a, b, c, d]) => (u32::from_le_bytes([a, b, c, d]) as usize, 12),
            _ => return Err("it is a NumPy file of an unknown version".into()),
        };
        if length > HEADER {
            return Err(format!("its header is {length} bytes long, but at most {HEADER} are read"));
        }
        let header = copy(within.start + from, length)?;
        let header = String::from_utf8_lossy(&header);
        let value = |key: &str| header.split_once(&format!("'{key}':")).map(|(_, rest)| rest.trim_start());
        let missing = |key: &str| format!("its header has no `{key}`");
        let descr = value("descr").ok_or_else(|| missing("descr"))?;
        let descr = descr.strip_prefix('\'').and_then(|d| d.split('\'').next()).unwrap_or("").to_owned();
        let shape =
            value("shape").and_then(|s| s.strip_prefix('(')?.split(')').next()).ok_or_else(|| missing("shape"))?;
        let shape: Option<Vec<usize>> = shape
            .split(',')
            .map(str::trim)
            .filter(|n| !n.is_empty())
            .map(|n| n.trim_end_matches('L').parse().ok())
            .collect();
        let shape = shape.filter(|s| s.len() <= 8).ok_or("its shape can't be read")?;
        let column_major = value("fortran_order").is_some_and(|v| v.starts_with("True"));
        Ok(Self { descr, shape, column_major, data: within.start + from + length as u64 })
    }
}

fn number(descr: &str) -> Option<Number> {
    Some(match descr.trim_start_matches(['<', '|', '=']) {
        "f2" => Number::F16,
        // NumPy's name for bfloat16, which it does not support itself.
        "V2" => Number::BF16,
        "f4" => Number::F32,
        "f8" => Number::F64,
        "i1" => Number::I8,
        "u1" | "b1" => Number::U8,
        "i2" => Number::I16,
        "u2" => Number::U16,
        "i4" => Number::I32,
        "u4" => Number::U32,
        "i8" => Number::I64,
        "u8" => Number::U64,
        _ => return None,
    })
}
