//! What can be wrong with a file. Messages enable the reader to correct it: they state the file, the line and column, the value, what is
//! allowed, and what to do next.

use super::locate::{self, Place};
use super::unwritten::Unwritten;
use crate::text::plain;
use moebias_disk::Refusal;
use moebias_model::config::ConfigError;
use std::fmt;
use std::io;

/// Why a file could not be read or written.
///
/// ```
/// let text = "(\n    version: 1,\n    title: \"A\",\n    seed: -3,\n)";
/// let error = moebias_files::load_text(text, "a.ron", "".as_ref()).unwrap_err();
/// let place = error.place.as_deref().expect("a text file has lines");
/// assert_eq!((place.line, place.quote.trim()), (4, "seed: -3,"));
/// ```
#[derive(Debug, thiserror::Error)]
pub struct FileError {
    /// The file, as the user named it.
    pub file: String,
    /// The place in the file, for text files.
    pub place: Option<Box<Place>>,
    /// What is wrong.
    #[source]
    pub problem: Problem,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The file was not opened.
    #[error("{0}")]
    NotOpened(#[source] Refusal),
    /// Nothing with this `builtin:` name ships with Moebias.
    #[error("nothing of this name ships with Moebias")]
    NotShipped,
    /// The operating system could not write the file.
    #[error("{0}")]
    Write(Unwritten),
    /// The file is not of a kind that Moebias opens.
    #[error("it is neither a scenario (.ron) nor a recording of a router in a format that Moebias reads")]
    Kind,
    /// The file is empty.
    #[error("it is empty")]
    Empty,
    /// The file is text, but neither a scenario nor a lesson.
    #[error("it holds text, but no scenario or lesson: those begin with `(version: 1,`")]
    NotOurs,
    /// The file states no version.
    #[error("its version is missing, but must be 1")]
    NoVersion,
    /// The file has a version that this program does not read.
    #[error("its version is {0}, but must be 1")]
    Version(String),
    /// The text does not follow the format.
    #[error("{0}")]
    Syntax(String),
    /// A setting is out of its range.
    #[error("{0}")]
    Setting(#[source] ConfigError),
    /// Something is wrong in a recording of a router.
    #[error("{0}")]
    Trace(String),
    /// The trace does not have the layer asked for.
    #[error("{0}")]
    Layer(String),
    /// Something is wrong with a file of a sweep.
    #[error("{0}")]
    Sweep(String),
    /// The file is a lesson, but an experiment is needed.
    #[error("it is a lesson, which is read in the window")]
    LessonOnly,
    /// A layer or a way of reading was asked for, but the file is no recording of a router.
    #[error("it is no recording of a router, so a layer, further files and a way of reading can't be chosen")]
    NotRecorded,
}

impl FileError {
    pub(super) fn new(file: &str, problem: Problem) -> Self {
        Self { file: file.into(), place: None, problem }
    }

    /// A file that could not be opened.
    pub(super) fn refused(file: &str, refusal: Refusal) -> Self {
        Self::new(file, Problem::NotOpened(refusal))
    }

    /// A file that the operating system could not write.
    #[must_use]
    pub fn write(file: &str, error: &io::Error) -> Self {
        Self::new(file, Problem::Write(Unwritten::of(file, error)))
    }

    /// Sets the place to a byte of the text.
    pub(super) fn at(mut self, text: &str, byte: usize) -> Self {
        self.place = Some(Box::new(locate::place(text, byte)));
        self
    }

    /// Sets the place to the value at a path such as `variants[0].name`, or to the nearest value around it that the text contains.
    pub(super) fn at_path(self, text: &str, path: &str) -> Self {
        match locate::nearest(text, path) {
            Some(found) => self.at(text, found.start),
            None => self,
        }
    }

    /// One sentence with the file, the place and the problem.
    #[must_use]
    pub fn headline(&self) -> String {
        let text = match &self.place {
            Some(p) => format!("{}, line {}, column {}: {}", self.file, p.line, p.column, self.problem),
            None => format!("{}: {}", self.file, self.problem),
        };
        // A parser may quote text with line breaks, which must not break the sentence.
        plain(&text.replace(['\n', '\r', '\t'], " ")).into_owned()
    }

    /// One sentence that says what to do next.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match &self.problem {
            Problem::NotOpened(refusal) => match refusal {
                Refusal::Missing | Refusal::Dangling(_) | Refusal::NotAFile(_) => "Check the name and the folder.",
                Refusal::TooLarge { .. } => "Open a smaller file.",
                Refusal::NotText(_) => "Save it again as UTF-8 text.",
                Refusal::Io(_) => "Check that you may read it.",
            },
            Problem::NotShipped => "`moebias check` lists the names.",
            Problem::Write(why) => why.advice(),
            Problem::Kind => "`moebias trace --formats` lists what it reads.",
            Problem::Empty | Problem::NotOurs => "Choose another file.",
            Problem::NoVersion => "Write `version: 1,` behind its first bracket.",
            Problem::Version(found) if found.parse::<u32>().is_ok_and(|v| v > super::VERSION) => {
                "Open it with a newer Moebias."
            }
            Problem::Version(_) => "Write `version: 1`.",
            Problem::Sweep(_) => "The file was left as it is.",
            Problem::Syntax(_) | Problem::Setting(_) => "Correct it and open the file again.",
            Problem::Layer(_) => "Choose a layer that it has.",
            Problem::Trace(_) => "Record it again, or choose another file.",
            Problem::LessonOnly => "Open it with `moebias FILE`, or run one of its scenarios.",
            Problem::NotRecorded => "Leave these options out.",
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.headline())?;
        if let Some(p) = &self.place {
            writeln!(f, "{:>5} | {}", p.line, plain(&p.quote.replace('\t', " ")))?;
        }
        f.write_str(self.advice())
    }
}

/// An error about one setting of a file: its path, the value, and what is allowed.
pub(crate) fn setting(path: &str, value: &str, allowed: &str) -> ConfigError {
    ConfigError { setting: path.into(), value: value.into(), allowed: allowed.into() }
}
