//! The formats, one file each. A reader says which files it recognises, and turns them into named arrays or records.

mod arrow;
#[cfg(feature = "parquet")]
mod columns;
mod csv;
mod foreign;
mod gguf;
mod json;
mod json_lines;
mod megatron;
mod npy;
mod npz;
mod parquet;
mod records;
mod safetensors;
mod torch;
mod zip;

use super::error::ReadError;
use super::recording::Recording;
use super::{Input, Reading};

/// A format of files.
pub trait Format: Sync + Send {
    /// The name of the format, as it is shown.
    fn name(&self) -> &'static str;

    /// The usual extensions of its files, without the dot.
    fn endings(&self) -> &'static [&'static str];

    /// Whether a file is of this format, from its first bytes and its name.
    fn recognises(&self, input: &Input) -> bool;

    /// Reads a file. What the file does not state is taken from `reading`, or noted as an assumption.
    ///
    /// # Errors
    /// The file is damaged or contains nothing that Moebias can show.
    fn read(&self, input: &Input, reading: &Reading) -> Result<Recording, ReadError>;
}

/// All formats. The first one that recognises a file reads it, so formats with a signature come first.
pub static FORMATS: &[&dyn Format] = &[
    &safetensors::Safetensors,
    &npy::Npy,
    &npz::Npz,
    &torch::Torch,
    &gguf::Gguf,
    &parquet::Parquet,
    &arrow::Arrow,
    &megatron::Megatron,
    &json::Json,
    &json_lines::JsonLines,
    &csv::Csv,
];

/// Advice about a file of a well-known format that is not a recording.
pub(super) fn hint(input: &Input) -> Option<ReadError> {
    foreign::hint(input).map(|hint| input.wrong(hint))
}

/// The format of a file.
pub(super) fn of(input: &Input) -> Result<&'static dyn Format, ReadError> {
    if input.first().is_empty() {
        return Err(input.wrong("it is empty"));
    }
    FORMATS.iter().copied().find(|f| f.recognises(input)).ok_or_else(|| {
        if let Some(error) = hint(input) {
            return error;
        }
        let names: Vec<&str> = FORMATS.iter().map(|f| f.name()).collect();
        input.wrong(format!("it is no recording that Moebias knows; it reads {}", names.join(", ")))
    })
}
