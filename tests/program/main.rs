//! Tests of the whole program: its command line, its files, crashes, and the rules of the architecture.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may fail

mod architecture;
mod circles;
mod cli;
mod compare;
mod crash;
mod messages;
mod recordings;
mod sweep;
mod thumbnails;

use std::sync::LazyLock;

/// The folder for the journals and recordings of these tests.
static DATA: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());
