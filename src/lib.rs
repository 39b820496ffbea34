//! Moebias: a laboratory in which you watch a Mixture-of-Experts router balance itself.
//!
//! The parts, from the bottom up: [`model`] is what is simulated. ARCHITECTURE.md describes them all.

pub mod cli;
pub mod disk;
pub mod engine;
pub mod lab;
pub mod model;
pub mod scenario;
pub mod text;
pub mod ui;
