//! NumPy's `.npz`: a ZIP archive of named arrays. Uncompressed arrays stay on disk.

use super::zip::Archive;
use super::{Format, npy};
use crate::bytes::Bytes;
use crate::error::ReadError;
use crate::recording::Recording;
use crate::tensors::interpret;
use crate::{Input, Reading};
use std::collections::BTreeMap;
use std::ops::Range;

/// The longest text that is kept as metadata, in characters.
const TEXT: usize = 4096;

/// An archive of arrays.
pub(super) struct Npz;

impl Format for Npz {
    fn name(&self) -> &'static str {
        "NumPy .npz"
    }

    fn endings(&self) -> &'static [&'static str] {
        &["npz"]
    }

    fn recognises(&self, input: &Input) -> bool {
        let arrays = |archive: Archive| archive.entries.iter().any(|entry| entry.name.ends_with(".npy"));
        let archive = || Archive::open(input.bytes().map_err(|e| e.what)?);
        Archive::begins(input.first()) && (input.ends_with(&[".npz"]) || archive().is_ok_and(arrays))
    }

    fn read(&self, input: &Input, reading: &Reading) -> Result<Recording, ReadError> {
        let archive = Archive::open(input.bytes()?).map_err(|e| input.wrong(e))?;
        let (mut tensors, mut metadata, mut unread) = (vec![], BTreeMap::new(), None);
        for entry in &archive.entries {
            let Some(name) = entry.name.strip_suffix(".npy") else { continue };
            let (bytes, within) = archive.content(entry).map_err(|e| input.wrong(e))?;
            if let Some(text) = text(&bytes, within.clone()) {
                metadata.insert(name.to_owned(), text);
                continue;
            }
            match npy::array(&bytes, within, name) {
                // A single number, as in `savez(file, logits=…, top_k=2)`.
                Ok(tensor) if tensor.shape.is_empty() => {
                    let number = tensor.single().map_err(|e| input.wrong(e))?;
                    metadata.insert(name.to_owned(), number.to_string());
                }
                Ok(tensor) => tensors.push(tensor),
                // Arrays of objects or text may accompany the recorded arrays, and are ignored.
                Err(e) => unread = Some(format!("its entry `{name}.npy` can't be read: {e}")),
            }
        }
        // `arr_0` is the name that NumPy gives to an unnamed array.
        if let [only] = tensors.as_mut_slice()
            && only.name == "arr_0"
        {
            only.name.clear();
        }
        match unread {
            Some(text) if tensors.is_empty() => Err(input.wrong(text)),
            _ => interpret(input, &tensors, metadata, reading),
        }
    }
}

/// Reads a single text: an array without axes of four bytes per character.
fn text(bytes: &Bytes, within: Range<u64>) -> Option<String> {
    let header = npy::Header::read(bytes, within.clone()).ok().filter(|h| h.shape.is_empty())?;
    let length: usize = header.descr.strip_prefix("<U")?.parse().ok().filter(|&n| n <= TEXT)?;
    within.end.checked_sub(header.data).filter(|&left| left >= 4 * length as u64)?;
    let characters = bytes.copy(header.data, 4 * length).ok()?;
    let characters = characters.as_chunks::<4>().0.iter().map(|&c| char::from_u32(u32::from_le_bytes(c)));
    characters.collect::<Option<String>>().map(|text| text.trim_end_matches('\0').to_owned())
}
