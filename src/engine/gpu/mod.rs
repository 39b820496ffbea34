//! The GPU engine: wgpu compute on a device of its own.

use super::{Engine, EngineError, EngineInfo};
use crate::model::step::{Simulation, StepRow};

/// Advances a simulation on a GPU.
#[derive(Debug)]
pub struct GpuEngine {
    info: EngineInfo,
}

impl GpuEngine {
    /// Opens the best adapter; a software adapter only if `software` allows it.
    ///
    /// # Errors
    /// No adapter that can compute.
    pub fn open(_software: bool) -> Result<Self, EngineError> {
        Err(EngineError::Unavailable("no GPU engine yet".into()))
    }
}

impl Engine for GpuEngine {
    fn advance(&mut self, _: &mut Simulation, _: u32, _: &mut Vec<StepRow>) -> Result<(), EngineError> {
        Err(EngineError::Unavailable("no GPU engine yet".into()))
    }

    fn info(&self) -> &EngineInfo {
        &self.info
    }
}
