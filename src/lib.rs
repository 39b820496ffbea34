//! The program: the window and the command line over the crates in `crates/`, which ARCHITECTURE.md describes.

pub mod cli;
pub mod ui;
