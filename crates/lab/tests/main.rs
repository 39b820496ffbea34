//! Tests of the lab without a window: damaged files, random commands, recordings, and the statements of the shipped scenarios.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may fail

mod bad_files;
mod beliefs;
#[path = "../../engine/tests/common/mod.rs"]
mod common;
mod files;
mod mutated;
mod recordings;
mod scenarios;
