//! Why a recording could not be read.

use moebias_disk::Refusal;
use std::fmt::Display;

/// A position in a text file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in bytes, counted from 1.
    pub column: usize,
    /// The beginning of the line.
    pub quote: String,
}

/// Why a recording could not be read. The message begins with the file's name.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {what}")]
pub struct ReadError {
    /// The file, as the caller named it.
    pub file: String,
    /// What is wrong with the file: a phrase that continues its name.
    pub what: String,
    /// The position of the error in a text file.
    pub place: Option<Box<Place>>,
    /// Why the file was not opened, if it was not.
    #[source]
    pub refusal: Option<Refusal>,
}

impl ReadError {
    /// An error about this file.
    pub fn new(file: impl Display, what: impl Into<String>) -> Self {
        Self { file: file.to_string(), what: what.into(), place: None, refusal: None }
    }

    /// The error for a file that was not opened.
    pub(crate) fn refused(file: impl Display, refusal: Refusal) -> Self {
        Self { refusal: None, ..Self::new(file, refusal.to_string()) }.with(refusal)
    }

    fn with(mut self, refusal: Refusal) -> Self {
        self.refusal = Some(refusal);
        self
    }

    /// Adds the position in a text file. Only the beginning of `line` is kept.
    pub(crate) fn at(mut self, number: usize, column: usize, line: &[u8]) -> Self {
        let quote = String::from_utf8_lossy(&line[..line.len().min(160)]).trim_end().to_owned();
        self.place = Some(Box::new(Place { line: number, column, quote }));
        self
    }
}
