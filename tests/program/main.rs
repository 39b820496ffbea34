//! The whole program: its command line, its files, how it dies, and the plan of the house.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may fail

mod architecture;
mod circles;
mod cli;
mod compare;
mod crash;
mod messages;
mod sweep;
mod thumbnails;

use std::sync::LazyLock;

/// Journals and recordings of these tests.
static DATA: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());
