//! What can be wrong with a file, said so that a person can put it right: the file, the line and column, the value, what is
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
    /// The file, as the person named it.
    pub file: String,
    /// Where in it, for text files.
    pub place: Option<Box<Place>>,
    /// What is wrong.
    #[source]
    pub problem: Problem,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// It can't be opened.
    #[error("{0}")]
    NotOpened(#[source] Refusal),
    /// `builtin:` with a name that nothing has.
    #[error("nothing of this name ships with Moebias")]
    NotShipped,
    /// The operating system refused to write.
    #[error("{0}")]
    Write(Unwritten),
    /// Neither a scenario nor a trace.
    #[error("it is neither a scenario (.ron), a trace (.safetensors) nor a log of selections (.jsonl)")]
    Kind,
    /// Nothing in it.
    #[error("it is empty")]
    Empty,
    /// Text, but no scenario or lesson.
    #[error("it holds text, but no scenario or lesson: those begin with `(version: 1,`")]
    NotOurs,
    /// No version in it.
    #[error("its version is missing, but must be 1")]
    NoVersion,
    /// A version this program does not know.
    #[error("its version is {0}, but must be 1")]
    Version(String),
    /// Not what the format expects.
    #[error("{0}")]
    Syntax(String),
    /// A setting out of its range.
    #[error("{0}")]
    Setting(#[source] ConfigError),
    /// Something wrong in a trace or a log.
    #[error("{0}")]
    Trace(String),
    /// A layer that a trace does not have.
    #[error("{0}")]
    Layer(String),
    /// Something wrong with a sweep's file.
    #[error("{0}")]
    Sweep(String),
    /// A lesson where an experiment is wanted.
    #[error("it is a lesson, which is read in the window")]
    LessonOnly,
    /// A log of selections where an experiment is wanted.
    #[error("it is a log of selections, which can be watched and measured but not routed again")]
    SelectionsOnly,
}

impl FileError {
    pub(super) fn new(file: &str, problem: Problem) -> Self {
        Self { file: file.into(), place: None, problem }
    }

    /// A file that was not opened.
    pub(super) fn refused(file: &str, refusal: Refusal) -> Self {
        Self::new(file, Problem::NotOpened(refusal))
    }

    /// An error of the operating system on writing.
    #[must_use]
    pub fn write(file: &str, error: &io::Error) -> Self {
        Self::new(file, Problem::Write(Unwritten::of(file, error)))
    }

    /// At a byte of the text.
    pub(super) fn at(mut self, text: &str, byte: usize) -> Self {
        self.place = Some(Box::new(locate::place(text, byte)));
        self
    }

    /// At the value that the path names, or the nearest thing round it that the text has.
    pub(super) fn at_path(self, text: &str, path: &str) -> Self {
        match locate::nearest(text, path) {
            Some(found) => self.at(text, found.start),
            None => self,
        }
    }

    /// The file, the place and what is wrong, in one sentence.
    #[must_use]
    pub fn headline(&self) -> String {
        let text = match &self.place {
            Some(p) => format!("{}, line {}, column {}: {}", self.file, p.line, p.column, self.problem),
            None => format!("{}: {}", self.file, self.problem),
        };
        // What a parser quotes may hold line breaks; they do not break a sentence.
        plain(&text.replace(['\n', '\r', '\t'], " ")).into_owned()
    }

    /// What to do next, in one sentence.
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
            Problem::Kind => "Open a .ron, .safetensors or .jsonl file.",
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
            Problem::SelectionsOnly => "Look at it with `moebias trace`, or open a trace with full scores.",
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

/// What is wrong with one setting of a file: where it stands, what is written and what is allowed.
pub(crate) fn setting(path: &str, value: &str, allowed: &str) -> ConfigError {
    ConfigError { setting: path.into(), value: value.into(), allowed: allowed.into() }
}
