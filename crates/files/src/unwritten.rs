//! Why a file could not be written, in plain words, without the name of a temporary file or the number of an error.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::Path;

/// Why a file could not be written.
#[derive(Debug, PartialEq, Eq)]
pub enum Unwritten {
    /// The folder, which is named, does not exist.
    NoFolder(String),
    /// A part of the path that should be a folder is a file.
    NoSuchFolder,
    /// The path is a folder.
    IsFolder,
    /// Writing is not permitted, or the disk is read-only.
    Forbidden,
    /// The disk or the quota is full.
    Full,
    /// Any other reason, in the operating system's words.
    Other(String),
}

impl Unwritten {
    /// The reason for an error while writing this file.
    #[must_use]
    pub fn of(file: &str, error: &io::Error) -> Self {
        let folder = Path::new(file).parent().filter(|f| !f.as_os_str().is_empty());
        match error.kind() {
            ErrorKind::NotFound => match folder.filter(|f| !f.exists()) {
                Some(folder) => Self::NoFolder(folder.display().to_string()),
                None => Self::Other("it can't be found".into()),
            },
            ErrorKind::NotADirectory => Self::NoSuchFolder,
            ErrorKind::IsADirectory => Self::IsFolder,
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Self::Forbidden,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full,
            _ => {
                let text = error.to_string();
                let text = text.split(" at path ").next().unwrap_or_default();
                Self::Other(text.split(" (os error").next().unwrap_or_default().to_owned())
            }
        }
    }

    /// Says what to do next, in one or two sentences.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::NoFolder(_) => "Create it, or choose another folder.",
            Self::NoSuchFolder => "Choose another folder.",
            Self::IsFolder => "Add the name of a file.",
            Self::Forbidden => "Choose another folder, or change who may write there. Nothing was overwritten.",
            Self::Full => "Make room, or choose another disk. Nothing was overwritten.",
            Self::Other(_) => "Nothing was overwritten; choose another place.",
        }
    }
}

impl fmt::Display for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it can't be written: ")?;
        match self {
            Self::NoFolder(folder) => write!(f, "there is no folder {folder}"),
            Self::NoSuchFolder => f.write_str("a file stands where its folder would be"),
            Self::IsFolder => f.write_str("it is a folder"),
            Self::Forbidden => f.write_str("the system does not allow it"),
            Self::Full => f.write_str("the disk is full"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_names_the_folder_and_no_temporary_file() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("none");
        let file = folder.join("x.csv").display().to_string();
        let error = io::Error::new(ErrorKind::NotFound, "No such file (os error 2) at path \"/none/.x.tmp\"");
        assert_eq!(Unwritten::of(&file, &error), Unwritten::NoFolder(folder.display().to_string()));
        let error = io::Error::other("Odd (os error 99) at path \"/none/.x.tmp\"");
        assert_eq!(Unwritten::of(&file, &error).to_string(), "it can't be written: Odd");
        let full = io::Error::from(ErrorKind::StorageFull);
        assert!(Unwritten::of("x.csv", &full).to_string().ends_with("the disk is full"));
    }
}
