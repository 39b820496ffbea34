//! The state of the runs in progress of a sweep, kept in a file beside the sweep's own, so that it is not lost if the sweep is killed.
//!
//! The file only saves time. If anything is wrong with it, these runs start again at their first step.

use super::digest;
use crate::FileError;
use moebias_disk::{Limit, door, staged};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The largest file that is read. A state of more than half this size is not saved, since writing it would take longer than computing it.
const LIMIT: Limit = Limit::new("the state of a sweep", 512 << 20);
const FIRST: &str = "moebias sweep, half way: ";

/// The path of the state of a sweep whose file is at `path`.
#[must_use]
pub fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// The first line of the file: the sweep that it belongs to, and a digest of the rest.
fn first(head: &str, state: &str) -> String {
    let mut of_state = digest(state);
    of_state.word(digest(head).value());
    format!("{FIRST}{} {of_state}\n", digest(head))
}

/// Saves a state of the sweep at `path` with this header.
///
/// # Errors
/// The operating system could not write it.
pub fn keep(path: &Path, head: &str, state: &str) -> Result<(), FileError> {
    if state.len() as u64 > LIMIT.most / 2 {
        return Ok(());
    }
    let text = first(head, state) + state;
    staged::write(&beside(path), text.as_bytes()).map_err(|e| FileError::write(&beside(path).display().to_string(), &e))
}

/// The saved state of exactly this sweep, if there is one.
#[must_use]
pub fn kept(path: &Path, head: &str) -> Option<String> {
    let text = door::text(&beside(path), LIMIT).ok()?;
    let (line, state) = text.split_once('\n')?;
    (first(head, state).trim_end() == line).then(|| state.to_owned())
}

/// Removes the saved state, once its runs are in the sweep's own file.
pub fn forget(path: &Path) {
    let beside = beside(path);
    // A file of this name that Moebias did not write is left alone.
    let ours = door::open(&beside, LIMIT).is_ok_and(|file| {
        let mut first = vec![];
        file.take(FIRST.len() as u64).read_to_end(&mut first).is_ok() && first == FIRST.as_bytes()
    });
    if ours {
        std::fs::remove_file(&beside).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_state_of_the_same_sweep_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sweep.csv");
        assert_eq!(kept(&path, "head"), None);
        keep(&path, "head", "state\nof it").unwrap();
        assert_eq!(kept(&path, "head").unwrap(), "state\nof it");
        assert_eq!(kept(&path, "another head"), None);
        let text = std::fs::read_to_string(beside(&path)).unwrap();
        for broken in [&text[..text.len() - 1], &text.replace("state", "State"), "", "\n"] {
            std::fs::write(beside(&path), broken).unwrap();
            assert_eq!(kept(&path, "head"), None, "{broken:?}");
        }
        std::fs::write(beside(&path), "somebody's own").unwrap();
        forget(&path);
        assert!(beside(&path).exists());
        keep(&path, "head", "x").unwrap();
        forget(&path);
        assert!(!beside(&path).exists());
    }
}
