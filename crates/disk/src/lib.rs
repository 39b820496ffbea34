//! The disk: the one place that opens files, to read them ([`door`]) and to write them ([`staged`], [`frames`]).
//!
//! Everything else goes through here, which `tests/architecture.rs` checks. What is opened is a regular file within the limit of its kind;
//! what is written appears whole or not at all, has the permissions that the umask gives, and leaves no temporary file behind: not when
//! the program is stopped ([`temporary::clean_up_on_signals`]), and after a `kill -9` not beyond the next write into the same folder.

pub mod door;
pub mod frames;
pub mod name;
pub mod staged;
pub mod temporary;

pub use door::{Limit, Refusal};
pub use staged::Staged;
