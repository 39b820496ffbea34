//! The experiment without a screen: bad files, random commands, and what the scenarios say.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may fail

mod bad_files;
mod beliefs;
#[path = "../../engine/tests/common/mod.rs"]
mod common;
mod files;
mod recordings;
mod scenarios;
