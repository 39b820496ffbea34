//! What happens when the window dies: the journal is flushed, one sentence is printed, and the next start offers to restore.

use std::sync::OnceLock;

/// Installs the hook. The window's library panics when its graphics device is lost, so this is a way a session can really end.
pub fn install() {
    std::panic::set_hook(Box::new(|panic| {
        super::journal::flush_in_panic();
        let what = panic.payload_as_str().unwrap_or("no reason given");
        let place = panic.location().map(|l| format!(" ({})", crate::text::place(l))).unwrap_or_default();
        eprintln!("moebias: the window stopped unexpectedly: {what}{place}");
    }));
}

/// The environment variable of [`rehearse`].
pub const REHEARSAL: &str = "MOEBIAS_PANIC_AT";

/// `MOEBIAS_PANIC_AT=N` makes the window panic at step N: a rehearsal for the tests of what survives it.
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
