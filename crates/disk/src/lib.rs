#![doc = include_str!("../README.md")]
//!
//! ## Inside
//!
//! Files are read through [`door`] and written through [`staged`] and [`frames`]; no other part of Moebias opens any, which a test
//! checks. Written files have the permissions that the umask gives. Temporary files are removed when a signal ends the program
//! ([`temporary::clean_up_on_signals`]), and after a `kill -9` at the next write into the same folder.

pub mod at;
pub mod door;
pub mod frames;
pub mod name;
pub mod staged;
pub mod temporary;

pub use at::At;
pub use door::{Limit, Refusal};
pub use staged::Staged;
