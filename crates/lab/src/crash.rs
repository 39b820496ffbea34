//! The panic hook: it flushes the journal and prints one sentence. If the window's thread panicked, the program ends and the next start
//! offers to restore the run.

use std::sync::{Mutex, OnceLock};

/// Installs the panic hook. The window's library panics when its graphics device is lost, so a session can end this way without a bug in
/// Moebias.
pub fn install() {
    std::panic::set_hook(Box::new(|panic| {
        // A library panicked on a damaged file, and the reader that called it catches the panic and reports an error.
        if moebias_recordings::is_contained() {
            return;
        }
        super::journal::flush_in_panic();
        let what = panic.payload_as_str().unwrap_or("no reason given");
        let place = panic.location().map(|l| moebias_files::text::place(l).to_string()).unwrap_or_default();
        let thread = std::thread::current();
        if is_new(&place) {
            eprintln!("{}", words(thread.name(), what, &place));
        }
    }));
}

/// Whether no panic at this place was printed before. Made for panic hooks: it does not wait for a lock.
fn is_new(place: &str) -> bool {
    static PRINTED: Mutex<Vec<String>> = Mutex::new(vec![]);
    let Ok(mut printed) = PRINTED.try_lock() else { return true };
    let new = !printed.iter().any(|p| p == place);
    if new {
        printed.push(place.to_owned());
    }
    new
}

/// The sentence that is printed. The window runs on the thread that Rust calls `main`.
fn words(thread: Option<&str>, what: &str, place: &str) -> String {
    let who = match thread {
        Some("main") => "the window".to_owned(),
        Some("moebias-worker") => "the simulation".to_owned(),
        Some(name) => format!("the thread {name}"),
        None => "a thread".to_owned(),
    };
    format!("moebias: {who} stopped unexpectedly: {what} ({place})")
}

/// The environment variable that [`rehearse`] reads.
pub const REHEARSAL: &str = "MOEBIAS_PANIC_AT";

/// Panics once the run has reached step N if `MOEBIAS_PANIC_AT=N` is set. Tests use it to check what survives a panic of the window.
pub fn rehearse(step: u64) {
    static AT: OnceLock<Option<u64>> = OnceLock::new();
    let at = AT.get_or_init(|| std::env::var(REHEARSAL).ok().and_then(|n| n.parse().ok()));
    if at.is_some_and(|at| step >= at) {
        rehearsed(step);
    }
}

#[allow(clippy::panic, reason = "this is what it is for")]
fn rehearsed(step: u64) {
    panic!("a rehearsed panic at step {step}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_called_by_its_name_once_per_place() {
        assert_eq!(words(Some("main"), "why", "a.rs:1"), "moebias: the window stopped unexpectedly: why (a.rs:1)");
        let said = words(Some("moebias-theory"), "why", "a.rs:1");
        assert!(said.contains("the thread moebias-theory") && !said.contains("window"), "{said}");
        assert!(is_new("only here:1") && !is_new("only here:1") && is_new("only here:2"));
    }
}
