//! Temporary files and folders, and their removal.
//!
//! Each is beside its target, is locked while its program lives, and is on a list. When a signal ends the program, everything on the list is
//! removed. What a `kill -9` or a power failure left is recognised by its name and its free lock, and removed before the next temporary file
//! is created in the same folder.

use super::door::{self, Limit};
use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const PREFIX: &str = ".moebias-";
const SUFFIX: &str = ".tmp";
/// The file in a temporary folder that is locked on behalf of the folder.
const LOCK: &str = ".lock";
/// A file younger than this counts as left behind only if its process is known to have ended: it may not be locked yet.
const YOUNG: Duration = Duration::from_secs(60);
const ANY: Limit = Limit::new("a temporary file", u64::MAX);

/// The temporary files and folders of this program, to be removed when a signal ends it.
static LIVE: Mutex<Vec<PathBuf>> = Mutex::new(vec![]);
/// Folders that were already searched for files left behind.
static LOOKED: Mutex<Option<HashSet<PathBuf>>> = Mutex::new(None);

fn live() -> MutexGuard<'static, Vec<PathBuf>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A temporary file or folder, removed when this is dropped or when a signal ends the program.
#[derive(Debug)]
pub(super) struct Listed(PathBuf);

impl Listed {
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Takes it off the list without removing it, because it has become its target.
    pub(super) fn keep(self) {
        live().retain(|p| *p != self.0);
        std::mem::forget(self);
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        remove(&self.0);
        live().retain(|p| *p != self.0);
    }
}

fn remove(path: &Path) {
    // What can't be removed now is removed by the next program that writes into this folder.
    if fs::symlink_metadata(path).is_ok_and(|m| m.is_dir()) {
        fs::remove_dir_all(path).ok();
    } else {
        fs::remove_file(path).ok();
    }
}

fn prefix() -> String {
    format!("{PREFIX}{}-", std::process::id())
}

fn builder(prefix: &str, mode: u32) -> tempfile::Builder<'_, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix).suffix(SUFFIX);
    with_umask(&mut builder, mode);
    builder
}

/// Creates a temporary file in a folder, with the permissions that the umask gives.
pub(super) fn file(folder: &Path) -> io::Result<(Listed, File)> {
    forget_left_behind(folder);
    // The list stays locked until the file is on it, so a signal can't come in between.
    let mut live = live();
    let (file, path) = builder(&prefix(), 0o666).tempfile_in(folder)?.keep().map_err(|e| e.error)?;
    live.push(path.clone());
    drop(live);
    // On file systems without locks, files left behind are recognised only by their age.
    file.lock().ok();
    Ok((Listed(path), file))
}

/// Creates a temporary folder in a folder. The returned file is its lock and must be kept open as long as the folder.
pub(super) fn folder(parent: &Path) -> io::Result<(Listed, File)> {
    forget_left_behind(parent);
    let mut live = live();
    let path = builder(&prefix(), 0o777).tempdir_in(parent)?.keep();
    live.push(path.clone());
    drop(live);
    let listed = Listed(path);
    let lock = File::create_new(listed.path().join(LOCK))?;
    lock.lock().ok();
    Ok((listed, lock))
}

/// Removes the lock file of a temporary folder, which is not part of its content.
pub(super) fn unlock(folder: &Path) -> io::Result<()> {
    fs::remove_file(folder.join(LOCK))
}

#[cfg(unix)]
fn with_umask(builder: &mut tempfile::Builder<'_, '_>, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    builder.permissions(fs::Permissions::from_mode(mode));
}

#[cfg(not(unix))]
fn with_umask(_: &mut tempfile::Builder<'_, '_>, _: u32) {}

/// Removes temporary files that killed programs left in a folder. Each program does this once per folder.
pub fn forget_left_behind(folder: &Path) {
    let all = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let mut looked = LOOKED.lock().unwrap_or_else(PoisonError::into_inner);
    if !looked.get_or_insert_default().insert(all) {
        return;
    }
    drop(looked);
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let Some(rest) = name.strip_prefix(PREFIX).filter(|n| n.ends_with(SUFFIX)) else { continue };
        let of = rest.split_once('-').and_then(|(id, _)| id.parse().ok());
        if is_left_behind(&entry.path(), of) {
            remove(&entry.path());
        }
    }
}

fn is_left_behind(path: &Path, of: Option<u32>) -> bool {
    let Ok(about) = fs::symlink_metadata(path) else { return false };
    let locked = if about.is_dir() { path.join(LOCK) } else { path.to_owned() };
    // A folder without a lock file was interrupted while it became its target.
    let free = door::open(&locked, ANY).map_or_else(|r| r.is_missing(), |file| file.try_lock().is_ok());
    let old = about.modified().ok().and_then(|m| m.elapsed().ok()).is_some_and(|age| age > YOUNG);
    free && (old || of.is_some_and(is_gone))
}

/// Waits up to half a second for a lock shared by several programs, which is held until the file is dropped. `None` if the lock was not
/// obtained; the caller then continues without.
pub fn lock(path: &Path) -> Option<File> {
    let file = door::append(path, ANY).ok()?;
    for _ in 0..100 {
        match file.try_lock() {
            Ok(()) => return Some(file),
            Err(fs::TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
            Err(fs::TryLockError::Error(_)) => return None,
        }
    }
    None
}

/// Whether a process is known to have ended. Only on Linux can this be found out without further means.
fn is_gone(id: u32) -> bool {
    id != std::process::id() && cfg!(target_os = "linux") && !Path::new(&format!("/proc/{id}")).exists()
}

/// Removes every temporary file of this program. Call it just before the program ends.
pub fn clean_up() {
    live().iter().for_each(|path| remove(path));
}

/// After this call, a signal that ends the program (Ctrl+C, SIGTERM, a closed terminal) first removes the program's temporary files. The
/// program then ends as it would have otherwise.
#[cfg(unix)]
pub fn clean_up_on_signals() {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::{iterator::Signals, low_level};
    // A signal that our parent process set to be ignored (`nohup`) stays ignored.
    let mut signals = match Signals::new([SIGINT, SIGTERM, SIGHUP].into_iter().filter(|&s| !is_ignored(s))) {
        Ok(signals) => signals,
        Err(e) => return log::warn!("signals can't be heard, so temporary files may stay behind: {e}"),
    };
    let listen = move || {
        let Some(signal) = signals.forever().next() else { return };
        // The list stays locked until the program ends, so no new temporary file is created meanwhile.
        let live = live();
        live.iter().for_each(|path| remove(path));
        low_level::emulate_default_handler(signal).ok();
        std::process::exit(128 + signal);
    };
    if let Err(e) = std::thread::Builder::new().name("moebias-signals".into()).spawn(listen) {
        log::warn!("signals can't be heard, so temporary files may stay behind: {e}");
    }
}

/// Windows has no such signals; files left by a closed program are removed by the next.
#[cfg(not(unix))]
pub fn clean_up_on_signals() {}

/// Whether a signal is already ignored, if the system tells.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    const STATUS: Limit = Limit::new("a process's status", 1 << 16);
    let status = door::text(Path::new("/proc/self/status"), STATUS).unwrap_or_default();
    let ignored = status.lines().find_map(|l| u64::from_str_radix(l.strip_prefix("SigIgn:")?.trim(), 16).ok());
    ignored.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_behind_goes_and_what_is_in_use_stays() {
        let at = tempfile::tempdir().unwrap();
        let path = |name: &str| at.path().join(name);
        // No process has this number.
        fs::write(path(".moebias-4294967295-abc.tmp"), "left").unwrap();
        fs::create_dir(path(".moebias-4294967295-folder.tmp")).unwrap();
        fs::write(path(".moebias-4294967295-folder.tmp/.lock"), "").unwrap();
        let held = File::create_new(path(".moebias-4294967295-held.tmp")).unwrap();
        held.lock().unwrap();
        let old = File::create_new(path(".moebias-old.tmp")).unwrap();
        old.set_modified(std::time::SystemTime::now() - 2 * YOUNG).unwrap();
        drop(old);
        fs::write(path(".moebias-new.tmp"), "").unwrap();
        fs::write(path("mine.tmp"), "").unwrap();
        let (listed, _file) = file(at.path()).unwrap();
        let mut names: Vec<String> =
            fs::read_dir(at.path()).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        let own = listed.path().file_name().unwrap().to_string_lossy().into_owned();
        names.retain(|n| *n != own);
        names.sort();
        let mut wanted = vec![".moebias-4294967295-held.tmp", ".moebias-new.tmp", "mine.tmp"];
        if !cfg!(target_os = "linux") {
            wanted.insert(0, ".moebias-4294967295-abc.tmp");
            wanted.insert(1, ".moebias-4294967295-folder.tmp");
        }
        assert_eq!(names, wanted);
        drop(listed);
        assert!(!path(&own).exists());
    }
}
