//! The program's log: a file in the state folder, the terminal where `RUST_LOG` asks for it, and our own warnings for the window.
//!
//! `RUST_LOG` is read as by `env_logger`: `debug`, or `moebias=debug,wgpu_core=warn`. Without it warnings go to the file alone. The file is
//! made by the first of them.

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

/// What is written down where nobody says otherwise: libraries that draw are known to warn of what is no trouble.
const DEFAULT: &str =
    "warn,wgpu_core=error,wgpu_hal=error,naga=error,eframe=error,egui_winit=error,winit=error,zbus=error";
/// The log's file; one that has become too large is set aside under the name after it.
const FILE: [&str; 2] = ["moebias.log", "moebias.log.1"];
/// Room for about ten thousand lines.
const LIMIT: door::Limit = door::Limit::new("a log", 1 << 20);
/// Warnings kept for the window until it asks.
const KEPT: usize = 20;

/// Our own warnings that the window has not shown yet.
static WARNINGS: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());

struct Logger {
    filter: Filter,
    /// `RUST_LOG` is set: somebody watches the terminal.
    watched: bool,
    file: Mutex<Sink>,
}

enum Sink {
    Unopened,
    Open(File),
    /// There is nowhere to write.
    None,
}

/// Installs the log. The first call counts.
pub fn install() {
    let wanted = std::env::var("RUST_LOG").ok().filter(|v| !v.is_empty());
    let (filter, understood) = filter(wanted.as_deref().unwrap_or(DEFAULT));
    let level = filter.filter().max(LevelFilter::Warn);
    let logger = Logger { filter, watched: wanted.is_some(), file: Mutex::new(Sink::Unopened) };
    // It lives as long as the program.
    if log::set_logger(Box::leak(Box::new(logger))).is_ok() {
        log::set_max_level(level);
    }
    if !understood {
        log::warn!("RUST_LOG is {wanted:?}, which can't be read. Write a level, as RUST_LOG=debug");
    }
}

/// A filter as `RUST_LOG` words it, or the default where that can't be read.
fn filter(words: &str) -> (Filter, bool) {
    let mut builder = Builder::new();
    let understood = builder.try_parse(words).is_ok();
    if !understood {
        builder = Builder::new();
        builder.try_parse(DEFAULT).ok();
    }
    (builder.build(), understood)
}

/// Our own warnings since the last call, oldest first: what a person should know though no command of theirs failed.
pub fn take_warnings() -> Vec<String> {
    WARNINGS.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect()
}

/// Where the log is written.
#[must_use]
pub fn path() -> Option<PathBuf> {
    places::state_dir().map(|d| d.join(FILE[0]))
}

/// Notices are logged too, and were shown when they were.
fn is_for_a_person(about: &Metadata<'_>) -> bool {
    about.level() <= Level::Warn && about.target().starts_with("moebias") && !about.target().ends_with("notices")
}

/// Keeps a warning; the oldest go first.
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
            // One write, so that lines of several programs do not mix.
            let line = format!("{} {text}\n", humantime::format_rfc3339_seconds(SystemTime::now()));
            file.write_all(line.as_bytes()).ok();
        }
    }

    fn flush(&self) {}
}

/// Opens the file. `None` where there is no room for one: a log is no reason to stop.
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
