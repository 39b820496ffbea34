//! The program: the window and the command line, on top of the crates in `crates/`; see ARCHITECTURE.md.

pub mod cli;
pub mod ui;
