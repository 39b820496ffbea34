//! Moebias: a laboratory in which you watch a Mixture-of-Experts router balance itself.
//!
//! The rooms, from the ground up: [`model`] says what is simulated. ARCHITECTURE.md has the whole house.

pub mod cli;
pub mod engine;
pub mod lab;
pub mod model;
pub mod scenario;
pub mod ui;
