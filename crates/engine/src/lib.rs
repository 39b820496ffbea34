#![doc = include_str!("../README.md")]
//!
//! ## Inside
//!
//! An engine never owns the truth. The [`Simulation`] on the CPU is the run; an engine advances it by some steps and hands back
//! the rows, so losing a GPU loses at most the steps in flight.

pub mod background;
pub mod cpu;
pub mod detail;
#[cfg(feature = "gpu")]
pub mod gpu;
pub mod history;
pub mod message;
pub mod microscope;
pub mod run;
pub mod start;
pub mod sweep;
pub mod theory;
mod unsupported;
pub mod view;
pub mod worker;

use moebias_model::row::StepRow;
use moebias_model::step::Simulation;
use serde::{Deserialize, Serialize};

/// Which engine a person asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, strum::EnumIter, strum::Display)]
pub enum EngineChoice {
    /// A hardware GPU where there is one, else the CPU.
    #[default]
    Auto,
    /// All CPU cores.
    Cpu,
    /// A GPU; a software adapter where there is no other.
    Gpu,
}

/// Which engine runs.
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

/// The engine that runs, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineInfo {
    /// Which.
    pub kind: EngineKind,
    /// The adapter's name and backend, or the number of threads.
    pub adapter: String,
    /// Why this one, in one sentence.
    pub reason: String,
}

/// Why an engine could not do a step. The simulation is unharmed: it stands at the last step whose row was handed out.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The device went away; a new one may work.
    #[error("the GPU was lost: {0}")]
    Lost(String),
    /// This experiment does not fit this engine; no retry will help.
    #[error("{0}")]
    Unsupported(String),
    /// No adapter, or it would not open.
    #[error("{0}")]
    Unavailable(String),
}

/// Something that advances a simulation.
pub trait Engine: Send {
    /// Advances by up to `steps` steps (at least one) and appends a row for each to `rows`. No event may fall between them.
    ///
    /// # Errors
    /// See [`EngineError`]; rows already appended are valid and the simulation stands after them.
    fn advance(&mut self, simulation: &mut Simulation, steps: u32, rows: &mut Vec<StepRow>) -> Result<(), EngineError>;

    /// Which engine this is and why.
    fn info(&self) -> &EngineInfo;
}

/// Opens the engine asked for. `Auto` falls back to the CPU and says why; `Gpu` fails where there is none.
///
/// # Errors
/// Only for [`EngineChoice::Gpu`]: no adapter, or none that can compute.
pub fn open(choice: EngineChoice) -> Result<Box<dyn Engine>, EngineError> {
    match choice {
        EngineChoice::Cpu => Ok(Box::new(cpu::CpuEngine::new("CPU chosen"))),
        EngineChoice::Gpu => open_gpu(true),
        EngineChoice::Auto => open_gpu(false).or_else(|e| Ok(Box::new(cpu::CpuEngine::new(&e.to_string())))),
    }
}

/// Opens the GPU engine, on a software adapter too if `any`.
#[cfg(feature = "gpu")]
fn open_gpu(any: bool) -> Result<Box<dyn Engine>, EngineError> {
    Ok(Box::new(gpu::GpuEngine::open(any)?))
}

#[cfg(not(feature = "gpu"))]
fn open_gpu(_any: bool) -> Result<Box<dyn Engine>, EngineError> {
    Err(EngineError::Unavailable("this build has no GPU engine".into()))
}
