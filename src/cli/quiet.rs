//! Keeps messages of other libraries off stderr.

#![allow(unsafe_code)] // the environment is changed once, before there is a second thread

use moebias_lab::places;
use std::path::Path;

/// Sets `XDG_RUNTIME_DIR` if the system has not: graphics drivers that look for a desktop there would complain on stderr and carry on. Must
/// be called before any other thread starts.
pub(super) fn name_a_runtime_folder() {
    const NAME: &str = "XDG_RUNTIME_DIR";
    if !cfg!(all(unix, not(target_os = "macos"))) {
        return;
    }
    let sound = std::env::var_os(NAME).is_some_and(|d| Path::new(&d).is_absolute());
    if !sound {
        // No desktop listens in our own folder, so drivers silently find none. The folder need not exist.
        let folder = places::cache_dir().unwrap_or_else(std::env::temp_dir);
        // SAFETY: the program has only this thread, so nothing reads the environment at the same time.
        unsafe { std::env::set_var(NAME, folder) };
    }
}
