#![doc = include_str!("../README.md")]
//!
//! ## Inside
//!
//! An engine has no state of the run. The run is the [`Simulation`] in the memory of the CPU; an engine advances it by some steps and
//! returns one row per step. If a GPU is lost, only the steps in flight are lost with it, and another engine can repeat them.

pub mod background;
pub mod cpu;
pub mod detail;
#[cfg(feature = "gpu")]
pub mod gpu;
pub mod history;
pub mod layers;
pub mod message;
pub mod microscope;
pub mod routes;
pub mod run;
pub mod start;
pub mod sweep;
pub mod theory;
mod unsupported;
pub mod view;
mod watcher;
pub mod worker;

use moebias_model::row::StepRow;
use moebias_model::step::Simulation;
use serde::{Deserialize, Serialize};

/// Which engine the user asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, strum::EnumIter, strum::Display)]
pub enum EngineChoice {
    /// A hardware GPU if there is one, otherwise the CPU.
    #[default]
    Auto,
    /// All CPU cores.
    Cpu,
    /// A GPU; a software adapter if there is no hardware GPU.
    Gpu,
}

/// The kind of engine that runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, strum::Display)]
pub enum EngineKind {
    /// All CPU cores.
    #[default]
    #[strum(to_string = "CPU")]
    Cpu,
    /// wgpu compute.
    #[strum(to_string = "GPU")]
    Gpu,
}

/// Describes the engine that runs, for display.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineInfo {
    /// The kind of engine.
    pub kind: EngineKind,
    /// The name and backend of the GPU adapter, or the number of CPU threads.
    pub adapter: String,
    /// Why this engine was chosen, in one sentence.
    pub reason: String,
}

/// Why an engine could not do a step. The simulation remains valid: it stands after the last step whose row was returned.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The GPU device was lost; opening it again may work.
    #[error("the GPU was lost: {0}")]
    Lost(String),
    /// This engine cannot run this experiment; trying again does not help.
    #[error("{0}")]
    Unsupported(String),
    /// There is no adapter, or it could not be opened.
    #[error("{0}")]
    Unavailable(String),
}

/// Advances a simulation, on the CPU or on a GPU. All engines return the same rows, bit for bit.
pub trait Engine: Send {
    /// Advances by up to `steps` steps (at least one) and appends one row per step to `rows`. The caller makes sure that no event is due
    /// between these steps.
    ///
    /// # Errors
    /// See [`EngineError`]; rows already appended are valid, and the simulation stands after the last of them.
    fn advance(&mut self, simulation: &mut Simulation, steps: u32, rows: &mut Vec<StepRow>) -> Result<(), EngineError>;

    /// Describes this engine and why it was chosen.
    fn info(&self) -> &EngineInfo;
}

/// Opens the engine asked for. `Auto` falls back to the CPU and states the reason in [`EngineInfo`]; `Gpu` fails if there is no GPU.
///
/// # Errors
/// Only for [`EngineChoice::Gpu`]: there is no adapter, or none that supports compute shaders.
pub fn open(choice: EngineChoice) -> Result<Box<dyn Engine>, EngineError> {
    match choice {
        EngineChoice::Cpu => Ok(Box::new(cpu::CpuEngine::new("CPU chosen"))),
        EngineChoice::Gpu => open_gpu(true),
        EngineChoice::Auto => open_gpu(false).or_else(|e| Ok(Box::new(cpu::CpuEngine::new(&e.to_string())))),
    }
}

/// Opens the GPU engine; with `any`, a software adapter is accepted too.
#[cfg(feature = "gpu")]
fn open_gpu(any: bool) -> Result<Box<dyn Engine>, EngineError> {
    Ok(Box::new(gpu::GpuEngine::open(any)?))
}

#[cfg(not(feature = "gpu"))]
fn open_gpu(_any: bool) -> Result<Box<dyn Engine>, EngineError> {
    Err(EngineError::Unavailable("this build has no GPU engine".into()))
}
