//! The program's log. It goes to a file in the state folder and, if `RUST_LOG` is set, to the terminal; Moebias's own warnings are also
//! kept for the window.
//!
//! `RUST_LOG` has the syntax of `env_logger`: `debug`, or `moebias=debug,wgpu_core=warn`. Without it, warnings go to the file alone. The
//! file is created when the first line is written.

use super::places;
use env_filter::{Builder, Filter};
use log::{Level, LevelFilter, Log, Metadata, Record};
use moebias_disk::{door, staged};
use std::collections::VecDeque;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// The default filter. Graphics and window libraries warn of things that cause no trouble, so only their errors are logged.
const DEFAULT: &str =
    "warn,wgpu_core=error,wgpu_hal=error,naga=error,eframe=error,egui_winit=error,winit=error,zbus=error";
/// The name of the log file, and the name to which it is moved once it is too large.
const FILE: [&str; 2] = ["moebias.log", "moebias.log.1"];
/// The largest size of the log file, about ten thousand lines.
const LIMIT: door::Limit = door::Limit::new("a log", 1 << 20);
/// The largest number of warnings kept for the window.
const KEPT: usize = 20;

/// Warnings from Moebias itself that the window has not shown yet.
static WARNINGS: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());

struct Logger {
    filter: Filter,
    /// Whether `RUST_LOG` is set, so that lines also go to the terminal.
    watched: bool,
    file: Mutex<Sink>,
}

enum Sink {
    Unopened,
    Open(File),
    /// The file could not be opened; nothing is written to it.
    None,
}

/// Installs the log. Only the first call has an effect.
pub fn install() {
    let wanted = std::env::var("RUST_LOG").ok().filter(|v| !v.is_empty());
    let (filter, understood) = filter(wanted.as_deref().unwrap_or(DEFAULT));
    let level = filter.filter().max(LevelFilter::Warn);
    let logger = Logger { filter, watched: wanted.is_some(), file: Mutex::new(Sink::Unopened) };
    // The logger is needed until the program ends, so it is never freed.
    if log::set_logger(Box::leak(Box::new(logger))).is_ok() {
        log::set_max_level(level);
    }
    if !understood {
        log::warn!("RUST_LOG is {wanted:?}, which can't be read. Write a level, as RUST_LOG=debug");
    }
}

/// The filter that `words` describe in the syntax of `RUST_LOG`, or the default filter and false if they can't be parsed.
fn filter(words: &str) -> (Filter, bool) {
    let mut builder = Builder::new();
    let understood = builder.try_parse(words).is_ok();
    if !understood {
        builder = Builder::new();
        builder.try_parse(DEFAULT).ok();
    }
    (builder.build(), understood)
}

/// Takes Moebias's own warnings since the last call, oldest first. They concern the user even though no command failed.
pub fn take_warnings() -> Vec<String> {
    WARNINGS.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect()
}

/// The path of the log file; `None` if there is no folder for it.
#[must_use]
pub fn path() -> Option<PathBuf> {
    places::state_dir().map(|d| d.join(FILE[0]))
}

/// Whether a warning is to be shown in the window. Notices are logged too, but the window shows those already.
fn is_for_a_person(about: &Metadata<'_>) -> bool {
    about.level() <= Level::Warn && about.target().starts_with("moebias") && !about.target().ends_with("notices")
}

/// Appends a warning and drops the oldest one if there are too many.
fn keep(kept: &mut VecDeque<String>, warning: String) {
    if kept.len() == KEPT {
        kept.pop_front();
    }
    kept.push_back(warning);
}

impl Log for Logger {
    fn enabled(&self, about: &Metadata<'_>) -> bool {
        self.filter.enabled(about) || is_for_a_person(about)
    }

    fn log(&self, record: &Record<'_>) {
        if is_for_a_person(record.metadata()) {
            keep(&mut WARNINGS.lock().unwrap_or_else(PoisonError::into_inner), record.args().to_string());
        }
        if !self.filter.matches(record) {
            return;
        }
        let words = record.args().to_string();
        let text = format!("{:<5} {}: {}", record.level(), record.target(), moebias_files::text::plain_lines(&words));
        if self.watched {
            writeln!(std::io::stderr().lock(), "{text}").ok();
        }
        let mut sink = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*sink, Sink::Unopened) {
            *sink = path().and_then(|p| open(&p)).map_or(Sink::None, Sink::Open);
        }
        if let Sink::Open(file) = &mut *sink {
            // The line is written at once, so that lines of several running programs do not mix.
            let line = format!("{} {text}\n", humantime::format_rfc3339_seconds(SystemTime::now()));
            file.write_all(line.as_bytes()).ok();
        }
    }

    fn flush(&self) {}
}

/// Opens the log file, after moving away one that is too large. `None` if that fails: the program then runs without a log file.
fn open(path: &Path) -> Option<File> {
    std::fs::create_dir_all(path.parent()?).ok()?;
    match door::append(path, LIMIT) {
        Err(door::Refusal::TooLarge { .. }) => {
            staged::set_aside(path, &path.with_file_name(FILE[1])).ok()?;
            door::append(path, LIMIT).ok()
        }
        opened => opened.ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_is_full_is_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state").join(FILE[0]);
        open(&file).unwrap().set_len(LIMIT.most + 1).unwrap();
        open(&file).unwrap().write_all(b"line\n").unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"line\n");
        assert_eq!(std::fs::metadata(file.with_file_name(FILE[1])).unwrap().len(), LIMIT.most + 1);
    }

    #[test]
    fn our_warnings_are_kept_for_the_window() {
        assert!(filter(DEFAULT).1 && filter("moebias=debug,wgpu_core=warn").1 && !filter("moebias=loud").1);
        let meant = |target, level| is_for_a_person(&Metadata::builder().target(target).level(level).build());
        assert!(meant("moebias::lab::journal", Level::Warn) && meant("moebias", Level::Error));
        assert!(!meant("moebias::lab::journal", Level::Info) && !meant("wgpu_core", Level::Error));
        assert!(!meant("moebias::lab::notices", Level::Error), "what was shown is not shown again");
        let mut kept = VecDeque::new();
        (0..2 * KEPT).for_each(|i| keep(&mut kept, i.to_string()));
        assert_eq!((kept.len(), kept[0].as_str()), (KEPT, "20"));
    }
}
