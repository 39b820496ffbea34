//! PyTorch files: a ZIP archive with a pickle that names tensors, and the numbers in files of their own, which stay on disk.

mod pickle;
mod records;
mod tree;

use super::Format;
use super::zip::Archive;
use crate::error::ReadError;
use crate::recording::Recording;
use crate::tensors::Tensor;
use crate::{Input, Reading};
use pickle::View;

/// The largest pickle, in bytes.
const PICKLE: u64 = 64 << 20;

/// PyTorch files.
pub(super) struct Torch;

impl Format for Torch {
    fn name(&self) -> &'static str {
        "PyTorch"
    }

    fn endings(&self) -> &'static [&'static str] {
        &["pt", "pth"]
    }

    fn recognises(&self, input: &Input) -> bool {
        let torch =
            || Archive::open(input.bytes().map_err(|e| e.what)?).map(|archive| Saved::pickle(&archive).is_some());
        let zip = Archive::begins(input.first());
        input.ends_with(&[".pt", ".pth"]) || (zip && torch().unwrap_or(false))
    }

    fn read(&self, input: &Input, reading: &Reading) -> Result<Recording, ReadError> {
        let file = Saved::open(input).map_err(|e| input.wrong(e))?;
        let bytes = file.content("data.pkl").map_err(|e| input.wrong(e))?;
        let (value, pickle) = pickle::read(&bytes).map_err(|e| input.wrong(e))?;
        let mut walk = tree::Walk::new(&file, &pickle);
        let found = tree::Found::of(&mut walk, &value).map_err(|e| input.wrong(e))?;
        if found.records.is_empty() || found.is_named() {
            return found.recording(input, reading);
        }
        records::recording(input, found, walk, reading)
    }
}

/// An archive that contains a pickle.
struct Saved {
    archive: Archive,
    /// The folder of all entries, with a slash at its end.
    folder: String,
}

impl Saved {
    /// The name of the pickle.
    fn pickle(archive: &Archive) -> Option<&str> {
        let pickle = |name: &&str| *name == "data.pkl" || name.ends_with("/data.pkl");
        archive.entries.iter().map(|entry| entry.name.as_str()).find(pickle)
    }

    fn open(input: &Input) -> Result<Self, String> {
        if !Archive::begins(input.first()) {
            let old = matches!(input.first(), [0x80, 1..=5, ..]);
            let what = if old {
                "it is a pickle by itself, as old versions of PyTorch write them, which is not run: load it in Python and save its tensors \
                 anew with torch.save or as safetensors"
            } else {
                "it is no PyTorch file: torch.save writes a ZIP archive"
            };
            return Err(what.into());
        }
        let archive = Archive::open(input.bytes().map_err(|e| e.what)?)?;
        let Some(pickle) = Self::pickle(&archive) else {
            return Err("it is a ZIP archive without data.pkl, so not one that torch.save wrote".into());
        };
        let folder = pickle.strip_suffix("data.pkl").unwrap_or("").to_owned();
        let file = Self { archive, folder };
        if file.content("byteorder").is_ok_and(|order| order.starts_with(b"big")) {
            return Err("its numbers are big-endian, which Moebias does not read".into());
        }
        Ok(file)
    }

    /// The content of a small entry.
    fn content(&self, name: &str) -> Result<Vec<u8>, String> {
        let path = format!("{}{name}", self.folder);
        let entry = self.archive.get(&path).ok_or_else(|| format!("it has no entry `{path}`"))?;
        let (bytes, within) = self.archive.content(entry)?;
        let length = within.end - within.start;
        if length > PICKLE {
            return Err(format!("its entry `{path}` is {length} bytes long, but at most {PICKLE} are read"));
        }
        bytes.copy(within.start, length as usize).map_err(|e| format!("its entry `{path}` can't be read: {e}"))
    }

    /// A tensor as a named array.
    fn tensor(&self, name: String, view: &View) -> Result<Tensor, String> {
        let path = format!("{}data/{}", self.folder, view.storage.key);
        let entry = self.archive.get(&path).ok_or_else(|| format!("it has no entry `{path}`"))?;
        let (bytes, within) = self.archive.content(entry)?;
        let size = view.number.size() as u64;
        let outside = || format!("`{name}` lies outside its entry `{path}`");
        let start = view.offset.checked_mul(size).and_then(|at| at.checked_add(within.start)).ok_or_else(outside)?;
        let strides: Option<Vec<u64>> = view.strides.iter().map(|stride| stride.checked_mul(size)).collect();
        let (strides, shape) = (strides.ok_or_else(outside)?, view.shape.clone());
        // A view may repeat the same numbers many times.
        let numbers = view.shape.iter().try_fold(1_u64, |n, &axis| n.checked_mul(axis as u64));
        if numbers.is_none_or(|n| n > (within.end - within.start) / size) {
            return Err(format!("`{name}` has more numbers than are stored for it: save it with .contiguous()"));
        }
        let tensor = Tensor { name, number: view.number, shape, strides, bytes, start };
        tensor.check_within(within.end)?;
        Ok(tensor)
    }
}
