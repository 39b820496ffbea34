//! The folders for files that Moebias writes without being asked for a path: journals, recordings, settings, caches and the log.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A folder that the program chose in place of the system's folders.
static CHOSEN: OnceLock<PathBuf> = OnceLock::new();

/// Uses `folder` in place of the system's folders. Only the first call has an effect. Tests call this so that they do not touch the user's
/// files.
pub fn keep_in(folder: &Path) {
    CHOSEN.set(folder.into()).ok();
}

/// The folder for journals, recordings and settings. The environment variable `MOEBIAS_DATA_DIR` overrides the system's. `None` if the user
/// has no home folder, and in this crate's unit tests unless they called [`keep_in`].
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

/// The folder for the journals of unfinished runs.
#[must_use]
pub fn journal_dir() -> Option<PathBuf> {
    data_dir().map(|d| d.join("journal"))
}

/// The folder for files that can be made again: the system's folder for caches.
#[must_use]
pub fn cache_dir() -> Option<PathBuf> {
    own("cache", |d| Some(d.cache_dir().to_path_buf()))
}

/// The folder for the log: the system's folder for state if it has one, otherwise its folder for caches.
#[must_use]
pub fn state_dir() -> Option<PathBuf> {
    own("state", |d| Some(d.state_dir().unwrap_or(d.cache_dir()).to_path_buf()))
}

/// The system's folder that `of` names, or the subfolder `part` of the folder that was chosen in its place.
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

/// The folder for compiled GPU pipelines, which make the next start faster.
#[must_use]
pub fn pipelines_dir() -> Option<PathBuf> {
    cache_dir().map(|d| d.join("pipelines"))
}

/// Removes compiled pipelines from the data folder, where earlier builds stored them.
pub fn forget_old_pipelines() {
    if let Some(old) = data_dir().map(|d| d.join("pipelines")).filter(|d| d.is_dir()) {
        std::fs::remove_dir_all(old).ok();
    }
}

/// The file with the settings of the window.
#[must_use]
pub fn settings_file() -> Option<PathBuf> {
    data_dir().map(|d| d.join("app.ron"))
}

/// The folder for recordings for which the user chose no file.
#[must_use]
pub fn recordings_dir() -> Option<PathBuf> {
    data_dir().map(|d| d.join("recordings"))
}
