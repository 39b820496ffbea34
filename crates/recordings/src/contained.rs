//! Catches panics of third-party readers on damaged files, so that the program continues.

use std::cell::Cell;
#[cfg(feature = "parquet")]
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic on this thread is expected and caught, because a third-party reader is reading a file that may be damaged. Panic hooks
/// should then report nothing.
#[must_use]
pub fn is_contained() -> bool {
    CONTAINED.with(Cell::get)
}

/// Calls `read`; `None` if it panics.
#[cfg(feature = "parquet")]
pub(crate) fn contained<T>(read: impl FnOnce() -> T) -> Option<T> {
    let before = CONTAINED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(read));
    CONTAINED.set(before);
    result.inspect_err(|_| log::warn!("a reader panicked")).ok()
}

#[cfg(all(test, feature = "parquet"))]
mod tests {
    #[test]
    #[allow(clippy::panic)]
    fn a_panic_is_caught_and_announced_to_hooks() {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| assert!(super::is_contained())));
        assert_eq!(super::contained(|| -> u8 { panic!("damaged") }), None);
        std::panic::set_hook(hook);
        assert_eq!((super::contained(|| 3), super::is_contained()), (Some(3), false));
    }
}
