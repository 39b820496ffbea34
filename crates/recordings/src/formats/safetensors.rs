//! Safetensors: named arrays after a header in JSON. Opening reads only the header.

use super::Format;
use crate::error::ReadError;
use crate::recording::Recording;
use crate::rows::Number;
use crate::tensors::{Tensor, interpret};
use crate::{Input, Reading};
use safetensors::Dtype;
use safetensors::tensor::Metadata;
use std::collections::BTreeMap;

/// The largest header, in bytes. The format allows 100 MB, which no recording needs.
const HEADER: u64 = 32 << 20;

/// Safetensors.
pub(super) struct Safetensors;

impl Format for Safetensors {
    fn name(&self) -> &'static str {
        "safetensors"
    }

    fn endings(&self) -> &'static [&'static str] {
        &["safetensors"]
    }

    fn recognises(&self, input: &Input) -> bool {
        input.first().get(8) == Some(&b'{') && input.first()[5..8] == [0, 0, 0] || input.ends_with(&[".safetensors"])
    }

    fn read(&self, input: &Input, reading: &Reading) -> Result<Recording, ReadError> {
        let bytes = input.bytes()?;
        let wrong = |what: &str| input.wrong(format!("it is not a whole safetensors file: {what}"));
        let length = bytes.copy(0, 8).map_err(|e| wrong(&format!("it has fewer than 8 bytes: {e}")))?;
        let length = length.first_chunk().map_or(0, |b| u64::from_le_bytes(*b));
        if length.checked_add(8).is_none_or(|end| end > bytes.len()) {
            return Err(wrong("its header is longer than the file"));
        }
        if length > HEADER {
            return Err(input.wrong(format!("its header is {length} bytes long, but at most {HEADER} are read")));
        }
        let header = bytes.copy(8, length as usize).map_err(|e| input.failed(e))?;
        let header: Metadata =
            serde_json::from_slice(&header).map_err(|e| wrong(&format!("its header can't be read: {e}")))?;
        let start = length + 8;
        let (mut tensors, mut unread) = (vec![], vec![]);
        for (name, info) in header.tensors() {
            let Some(number) = number(info.dtype) else {
                unread.push(format!("{name} ({:?})", info.dtype));
                continue;
            };
            let tensor = Tensor::plain(
                name,
                number,
                info.shape.clone(),
                bytes.clone(),
                start.saturating_add(info.data_offsets.0 as u64),
            );
            tensor.check().map_err(|e| wrong(&e))?;
            tensors.push(tensor);
        }
        if tensors.is_empty() && !unread.is_empty() {
            unread.truncate(20);
            let unread = unread.join(", ");
            return Err(input.wrong(format!("its arrays hold numbers of formats that Moebias does not read: {unread}")));
        }
        tensors.sort_by(|a, b| a.name.cmp(&b.name));
        let metadata: BTreeMap<String, String> = header.metadata().clone().unwrap_or_default().into_iter().collect();
        interpret(input, &tensors, metadata, reading)
    }
}

fn number(dtype: Dtype) -> Option<Number> {
    Some(match dtype {
        Dtype::F16 => Number::F16,
        Dtype::BF16 => Number::BF16,
        Dtype::F32 => Number::F32,
        Dtype::F64 => Number::F64,
        Dtype::I8 => Number::I8,
        Dtype::U8 | Dtype::BOOL => Number::U8,
        Dtype::I16 => Number::I16,
        Dtype::U16 => Number::U16,
        Dtype::I32 => Number::I32,
        Dtype::U32 => Number::U32,
        Dtype::I64 => Number::I64,
        Dtype::U64 => Number::U64,
        _ => return None,
    })
}
