//! Checks that what is written reads back the same.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may fail

mod round_trip;
