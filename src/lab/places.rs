//! Where Moebias keeps what it writes by itself.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A folder chosen by the program instead of the system's.
static CHOSEN: OnceLock<PathBuf> = OnceLock::new();

/// Keeps everything below `folder` from now on; the first call counts. Tests use it to leave a person's own files alone.
pub fn keep_in(folder: &Path) {
    CHOSEN.set(folder.into()).ok();
}

/// Journals and recordings live below here; `MOEBIAS_DATA_DIR` names another place. `None` where the system has no home, and in
/// unit tests that chose none.
#[must_use]
pub fn data_dir() -> Option<PathBuf> {
    let chosen = CHOSEN.get().cloned();
    if cfg!(test) { chosen } else { chosen.or_else(system_data_dir) }
}

fn system_data_dir() -> Option<PathBuf> {
    if let Some(dir) = std::env::var_os("MOEBIAS_DATA_DIR").filter(|d| !d.is_empty()) {
        return Some(dir.into());
    }
    directories::ProjectDirs::from("", "", "moebias").map(|d| d.data_dir().to_path_buf())
}

/// Journals of runs that are not finished.
#[must_use]
pub fn journal_dir() -> Option<PathBuf> {
    data_dir().map(|d| d.join("journal"))
}

/// What GPU drivers compiled, to be used again at the next start.
#[must_use]
pub fn pipelines_dir() -> Option<PathBuf> {
    data_dir().map(|d| d.join("pipelines"))
}

/// Recordings that were not saved elsewhere.
#[must_use]
pub fn recordings_dir() -> Option<PathBuf> {
    data_dir().map(|d| d.join("recordings"))
}
