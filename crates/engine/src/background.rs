//! The screen comes first: while there is a window, everything that simulates runs at a lower priority than what draws.
//!
//! A simulation at full speed takes every core there is. Where the window is drawn on the CPU too, it would take the cores from under
//! the rasteriser and the pictures would stutter; at a lower priority it takes what drawing leaves, which is nearly all of it on a machine
//! with a graphics card. Without a window nothing changes.

use std::io;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};
use thread_priority::{ThreadPriority, ThreadPriorityValue, set_current_thread_priority};

/// Of 0 to 99, where 50 is ordinary: about niceness 14 on Linux, a twentieth of a core where the screen wants all of it. Lower gives the screen
/// nothing more; at 25 it was a tenth slower, at 50 a third.
const BELOW: u8 = 13;

static SCREEN: AtomicBool = AtomicBool::new(false);

/// There is a window: threads that simulate are to make way for it. Called before any of them starts.
pub fn make_way() {
    static POOL: Once = Once::new();
    SCREEN.store(true, Ordering::Relaxed);
    POOL.call_once(|| {
        let pool = rayon::ThreadPoolBuilder::new().start_handler(|_| lower());
        if let Err(e) = pool.build_global() {
            log::debug!("the threads of the simulation keep their priority: {e}");
        }
    });
}

/// Starts a thread that simulates; with a window, it makes way for it.
///
/// # Errors
/// The system has no thread to give.
pub fn spawn<T: Send + 'static>(name: &str, work: impl FnOnce() -> T + Send + 'static) -> io::Result<JoinHandle<T>> {
    Builder::new().name(name.into()).spawn(move || {
        lower();
        work()
    })
}

fn lower() {
    if !SCREEN.load(Ordering::Relaxed) {
        return;
    }
    let Ok(value) = ThreadPriorityValue::try_from(BELOW) else { return };
    // Where the system refuses, all is as it would be without.
    if let Err(e) = set_current_thread_priority(ThreadPriority::Crossplatform(value)) {
        log::debug!("this thread keeps its priority: {e:?}");
    }
}
