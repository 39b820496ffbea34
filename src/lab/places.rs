//! Where Moebias keeps what it writes by itself.

use std::path::PathBuf;
#[cfg(test)]
use std::sync::OnceLock;

#[cfg(test)]
static FOR_TESTS: OnceLock<PathBuf> = OnceLock::new();

/// Unit tests write here.
#[cfg(test)]
pub(super) fn use_for_tests(dir: &std::path::Path) {
    FOR_TESTS.set(dir.into()).ok();
}

/// Journals and recordings live below here; `MOEBIAS_DATA_DIR` names another place. `None` where the system has no home.
#[must_use]
pub fn data_dir() -> Option<PathBuf> {
    #[cfg(test)]
    return FOR_TESTS.get().cloned();
    #[cfg(not(test))]
    system_data_dir()
}

#[cfg_attr(test, allow(dead_code))]
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

/// Recordings that were not saved elsewhere.
#[must_use]
pub fn recordings_dir() -> Option<PathBuf> {
    data_dir().map(|d| d.join("recordings"))
}
