#![doc = include_str!("../README.md")]
//!
//! ## Inside
//!
//! A format contains either named arrays (`tensors`) or records (`gather`), and each of the two is made into a [`Recording`] in one place.
//! A reader in `formats` therefore only needs to know its own format. What a file does not state is settled by a [`Reading`], and
//! everything that remains open is an [`Assumption`].

mod assumption;
mod axes;
mod bytes;
mod companions;
mod config;
mod contained;
mod convert;
mod differ;
mod error;
mod every;
mod facts;
mod formats;
mod gated;
mod gather;
mod input;
mod join;
mod kept;
mod measure;
mod meta;
mod names;
mod odd;
mod recording;
mod rows;
mod runs;
mod tensor;
mod tensors;
pub mod vocabulary;
mod watch;
mod words;

pub use assumption::{Assumption, Question};
pub use bytes::Bytes;
pub use contained::is_contained;
pub use convert::ConvertError;
pub use differ::{Differences, LayerDifference, Margin};
pub use error::{Place, ReadError};
pub use every::EveryLayer;
pub use facts::Facts;
pub use formats::{FORMATS, Format};
pub use input::Input;
pub use measure::Figures;
pub use meta::Meta;
pub use moebias_model::settings::reading::{LeaveOut, Reading, RecordedKind};
pub use odd::{Oddity, Remedy, Sign};
pub use recording::{Data, Layer, Recording, Steps, Words};
pub use rows::{Number, Piece, Rows};
pub use vocabulary::Vocabulary;
pub use watch::Watched;

use std::path::{Path, PathBuf};

/// Limits that apply to every format.
pub mod limits {
    use moebias_disk::Limit;
    /// The largest file whose arrays are read by offset: 1 TiB.
    pub const ARRAYS: Limit = Limit::new("a recording", 1 << 40);
    /// The largest file that must be read as a whole, after unpacking, in bytes.
    pub const WHOLE: u64 = 2 << 30;
    /// The memory that the rows of a text file may take, in bytes.
    pub const IN_MEMORY: usize = 1 << 30;
    /// The longest line of a text file, in bytes.
    pub const LINE: usize = 16 << 20;
    /// The largest number of layers of a recording.
    pub const LAYERS: usize = 4096;
    /// The largest number of files that are read as one recording.
    pub const FILES: usize = 4096;
}

/// Opens one or several files as one recording: files of later steps are appended, files of other layers are kept side by side, and with
/// [`Reading::sum`] counts are added up. A folder stands for the `.npy` files in it, or, if it has none, for Megatron-LM's traces of all
/// ranks.
///
/// # Errors
/// No reader recognises a file, a file is damaged, the files do not fit together, or `reading` contradicts them.
pub fn open(paths: &[PathBuf], reading: &Reading) -> Result<Recording, ReadError> {
    let mut files = vec![];
    for path in paths {
        if path.is_dir() {
            files.extend(within(path)?);
        } else {
            files.push(path.clone());
        }
    }
    let mut all = vec![];
    for path in &files {
        all.push(read(&Input::open(path)?, reading)?);
    }
    join::join(all, reading)
}

/// The files of a folder: its arrays, or, if it has none, Megatron-LM's traces of the ranks.
fn within(folder: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let files = |ending| {
        let found = moebias_disk::at::files_of(folder, ending, limits::FILES);
        found.map_err(|e| ReadError::new(folder.display(), format!("it can't be read: {e}")))
    };
    let arrays = files(".npy")?;
    if !arrays.is_empty() {
        return Ok(arrays);
    }
    let trace = |path: &PathBuf| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("router_trace_rank"));
    let traces: Vec<PathBuf> = files(".jsonl")?.into_iter().filter(trace).collect();
    if traces.is_empty() {
        return Err(ReadError::new(folder.display(), "it is a folder without .npy files and without router traces"));
    }
    Ok(traces)
}

/// Reads one file that has been opened.
///
/// # Errors
/// As [`open`].
pub fn read(input: &Input, reading: &Reading) -> Result<Recording, ReadError> {
    let format = formats::of(input)?;
    let mut recording = format.read(input, reading)?;
    recording.format = format.name();
    recording.name = input.name().to_owned();
    if let Some(path) = input.path() {
        config::complete(&mut recording, path);
        words::find(&mut recording, path);
    }
    recording.answer(reading)?;
    Ok(recording)
}

/// Advice on how to get a recording out of a file of a well-known format that no reader supports.
#[must_use]
pub fn hint(path: &Path) -> Option<ReadError> {
    formats::hint(&Input::open(path).ok()?)
}

/// The usual file extensions of all formats and of compressed text, without the dot.
#[must_use]
pub fn endings() -> Vec<&'static str> {
    let mut all: Vec<&str> = FORMATS.iter().flat_map(|f| f.endings()).copied().chain(["gz", "zst"]).collect();
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|ending| seen.insert(*ending));
    all
}

/// Whether a reader recognises this file by its name and first bytes.
#[must_use]
pub fn knows(path: &Path) -> bool {
    Input::open(path).is_ok_and(|input| formats::of(&input).is_ok())
}
