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

/// What can be made again lives below here, in the system's folder for caches.
#[must_use]
pub fn cache_dir() -> Option<PathBuf> {
    own("cache", |d| Some(d.cache_dir().to_path_buf()))
}

/// The log lives here, in the system's folder for such things where it has one.
#[must_use]
pub fn state_dir() -> Option<PathBuf> {
    own("state", |d| Some(d.state_dir().unwrap_or(d.cache_dir()).to_path_buf()))
}

/// A folder of the system's, or a part of the one that was chosen instead.
fn own(part: &str, of: fn(&directories::ProjectDirs) -> Option<PathBuf>) -> Option<PathBuf> {
    let chosen = CHOSEN
        .get()
        .cloned()
        .or_else(|| std::env::var_os("MOEBIAS_DATA_DIR").filter(|d| !d.is_empty()).map(PathBuf::from));
    match chosen {
        Some(folder) => Some(folder.join(part)),
        None if cfg!(test) => None,
        None => directories::ProjectDirs::from("", "", "moebias").as_ref().and_then(of),
    }
}

/// What GPU drivers compiled, to be used again at the next start.
#[must_use]
pub fn pipelines_dir() -> Option<PathBuf> {
    cache_dir().map(|d| d.join("pipelines"))
}

/// Earlier builds kept pipelines among what can't be made again.
pub fn forget_old_pipelines() {
    if let Some(old) = data_dir().map(|d| d.join("pipelines")).filter(|d| d.is_dir()) {
        std::fs::remove_dir_all(old).ok();
    }
}

/// Settings of the window.
#[must_use]
pub fn settings_file() -> Option<PathBuf> {
    data_dir().map(|d| d.join("app.ron"))
}

/// Recordings that were not saved elsewhere.
#[must_use]
pub fn recordings_dir() -> Option<PathBuf> {
    data_dir().map(|d| d.join("recordings"))
}
