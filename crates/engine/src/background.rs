//! Threads that simulate run at a lower priority than the thread that draws, as long as there is a window.
//!
//! A simulation at full speed uses every core. On a machine without a graphics card the window is rasterised by the same cores, and
//! drawing would stutter; at a lower priority the simulation gets what drawing leaves, which is nearly everything on a machine with a
//! graphics card. Without a window all threads keep their normal priority.

use std::io;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};
use thread_priority::{ThreadPriority, ThreadPriorityValue, set_current_thread_priority};

/// Thread priority from 0 to 99, where 50 is normal. 13 is about niceness 14 on Linux: a twentieth of a core while drawing wants all of it.
/// Lower values make drawing no faster; at 25 drawing was a tenth slower, at 50 a third.
const BELOW: u8 = 13;

static SCREEN: AtomicBool = AtomicBool::new(false);

/// Call this if there will be a window, before any simulating thread starts: these threads then run at lower priority.
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

/// Starts a thread that simulates. If [`make_way`] was called, the thread runs at lower priority.
///
/// # Errors
/// The operating system could not start a thread.
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
    // If the system refuses, the thread just keeps its normal priority.
    if let Err(e) = set_current_thread_priority(ThreadPriority::Crossplatform(value)) {
        log::debug!("this thread keeps its priority: {e:?}");
    }
}
