//! Tests of the papers' equations and theorems, and of digests that must never change.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may fail

mod balancers;
mod pinned;
mod price_view;
mod theorems;
