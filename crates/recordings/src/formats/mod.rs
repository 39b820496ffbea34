//! The formats: one file each. A reader says which files it knows, and turns them into named arrays or records.

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
    /// Its name, for people.
    fn name(&self) -> &'static str;

    /// How names of its files usually end, without the point.
    fn endings(&self) -> &'static [&'static str];

    /// Whether a file is of this format, from its first bytes and its name.
    fn recognises(&self, input: &Input) -> bool;

    /// Reads a file. What it does not say is taken from `reading`, or noted as an assumption.
    ///
    /// # Errors
    /// The file is damaged or holds nothing that Moebias shows.
    fn read(&self, input: &Input, reading: &Reading) -> Result<Recording, ReadError>;
}

/// Every format. The first one that recognises a file reads it, so those with a signature come first.
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

/// What to do with a file of a well-known format that is no recording.
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
