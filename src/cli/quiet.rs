//! Nothing on stderr that is not ours.

#![allow(unsafe_code)] // the environment is changed once, before there is a second thread

use moebias_lab::places;
use std::path::Path;

/// Where the system names no folder for the session, drivers that look for a desktop there complain on stderr and go on. Call before
/// anything starts a thread.
pub(super) fn name_a_runtime_folder() {
    const NAME: &str = "XDG_RUNTIME_DIR";
    if !cfg!(all(unix, not(target_os = "macos"))) {
        return;
    }
    let sound = std::env::var_os(NAME).is_some_and(|d| Path::new(&d).is_absolute());
    if !sound {
        // No desktop listens in our own folder, so drivers find none, quietly. It need not exist.
        let folder = places::cache_dir().unwrap_or_else(std::env::temp_dir);
        // SAFETY: the program's only thread is here, so nobody reads the environment meanwhile.
        unsafe { std::env::set_var(NAME, folder) };
    }
}
