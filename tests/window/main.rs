//! Tests of the window, driven as a person would drive it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may fail

mod driven;
mod driver;
mod focus;
mod keys;
mod layout;
mod lessons;
mod names;
mod panes;
mod pictures;
mod presenting;
mod recordings;
mod shell;

use std::sync::LazyLock;

/// The folder for journals and recordings of these tests.
static DATA: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());
