//! Compares every engine with the model, and the model with independent evaluations.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test may fail

mod assignment;
mod capacity;
mod common;
mod cpu_kernels;
#[cfg(feature = "gpu")]
mod engines;
mod findings;
mod golden;
mod layers;
mod learning;
mod order;
#[cfg(feature = "gpu")]
mod shaders;
