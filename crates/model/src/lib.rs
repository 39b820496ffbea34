#![doc = include_str!("../README.md")]
//!
//! ## Inside
//!
//! The modules in the order in which data flows through one step: [`tokens`] → [`gate`] → [`select`] → loads → [`balance`] → the next
//! biases; [`metrics`] are computed from loads and biases.
//!
//! Everything that decides where a token goes is integer arithmetic, so that every engine repeats it bit for bit and is tested against it.
//! The exceptions are the iteration in [`sinkhorn`] and the training in [`learn`], which are floating point in a fixed order.

pub mod balance;
pub mod base;
pub mod batch;
pub mod capacity;
pub mod change;
pub mod config;
pub mod diagnose;
pub mod digest;
pub mod expert_choice;
pub mod figures;
pub mod fixed;
pub mod gate;
pub mod gating;
pub mod groups;
pub mod hash;
pub mod heatmap;
pub mod learn;
pub mod metrics;
mod name;
pub mod naming;
pub mod order;
pub mod presets;
pub mod random;
pub mod row;
pub mod select;
pub mod settings;
pub mod sinkhorn;
pub mod step;
pub mod sweep;
pub mod terms;
pub mod theory;
pub mod tokens;
pub mod trace;
pub mod tracker;
