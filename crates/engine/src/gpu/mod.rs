//! The GPU engine: wgpu compute on a device of its own, with exactly the same loads and biases as the model.
//!
//! A round uploads the biases and the inputs of some steps, submits these steps together, and reads the loads and biases of each step back
//! at the end. A step has four passes, each a file in `shaders/`: prepare (biases to keys), route (tokens to loads), moved (how many
//! assignments of a sample the biases moved) and update (loads to biases). Rules that need order statistics over the batch have more
//! passes; see `works`. All arithmetic is in integers.

pub mod adapter;
mod buffers;
pub mod cache;
mod clock;
mod device;
pub mod layout;
mod pace;
mod pipelines;
pub mod shader;
mod submission;
mod works;

use super::{Engine, EngineError, EngineInfo, EngineKind};
use buffers::Buffers;
use clock::Clock;
use device::Device;
use layout::Plan;
use moebias_model::row::StepRow;
use moebias_model::step::Simulation;
use pace::Pace;
use pipelines::Pipelines;
use std::time::{Duration, Instant};
use submission::Round;
use works::Work;

/// After this time `advance` returns the rows so far, so that the caller can show them or stop.
const LONG_ENOUGH: Duration = Duration::from_millis(100);
/// The most memory for the recorded scores of a trace, in bytes; the limits of the GPU may be lower.
const TRACE_BYTES: u64 = 1 << 30;

/// What is prepared for one experiment.
#[derive(Debug)]
struct Ready {
    plan: Plan,
    works: Vec<Work>,
    buffers: Buffers,
}

/// Advances a simulation on a GPU.
#[derive(Debug)]
pub struct GpuEngine {
    info: EngineInfo,
    device: Device,
    pipelines: Pipelines,
    pace: Pace,
    clock: Option<Clock>,
    trace_bytes: u64,
    ready: Option<Ready>,
}

impl GpuEngine {
    /// Opens the best adapter. A software adapter is used only with `software`, and only if there is no GPU. The environment variable
    /// `WGPU_BACKEND` limits the backends.
    ///
    /// # Errors
    /// There is no adapter that can compute; the message gives the reason.
    pub fn open(software: bool) -> Result<Self, EngineError> {
        Self::open_on(None, software)
    }

    /// As [`Self::open`], limited to these backends.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_on(backends: Option<wgpu::Backends>, software: bool) -> Result<Self, EngineError> {
        let all = adapter::list(backends);
        let (at, reason) = adapter::choose(&all, software)?;
        let found = &all[at];
        let device = Device::open(found)?;
        let pipelines = Pipelines::new(&device, &found.adapter.get_info());
        let clock = Clock::new(&device);
        device.check()?;
        let info = EngineInfo { kind: EngineKind::Gpu, adapter: found.title(), reason };
        Ok(Self { info, device, pipelines, pace: Pace::default(), clock, trace_bytes: TRACE_BYTES, ready: None })
    }

    /// Destroys the device, as a reset of the driver would; every later step fails with [`EngineError::Lost`]. For tests.
    pub fn lose_device(&self) {
        self.device.device.destroy();
    }

    /// Limits the bytes of recorded scores on the GPU at a time; a longer trace is uploaded in pieces.
    #[must_use]
    pub fn with_trace_memory(mut self, bytes: u64) -> Self {
        self.trace_bytes = bytes.min(TRACE_BYTES);
        self
    }

    /// Creates the buffers and pipelines for the present experiment, if they do not exist yet.
    fn prepare(&mut self, simulation: &Simulation) -> Result<(), EngineError> {
        let limits = &self.device.limits;
        let budget = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size).min(self.trace_bytes);
        let plan = Plan::new(simulation, budget).map_err(EngineError::Unsupported)?;
        if self.ready.as_ref().is_some_and(|r| r.plan == plan) {
            return Ok(());
        }
        self.ready = None;
        let works = works::of(&plan);
        for work in &works {
            self.pipelines.make(&self.device, work.pass)?;
        }
        self.pipelines.keep();
        let buffers = Buffers::new(&self.device, &self.pipelines, &plan, works.len())?;
        self.ready = Some(Ready { plan, works, buffers });
        Ok(())
    }
}

impl Engine for GpuEngine {
    fn advance(&mut self, simulation: &mut Simulation, steps: u32, rows: &mut Vec<StepRow>) -> Result<(), EngineError> {
        self.device.check()?;
        self.prepare(simulation)?;
        let began = Instant::now();
        let mut left = steps;
        while left > 0 && (left == steps || began.elapsed() < LONG_ENOUGH) {
            let Some(Ready { plan, works, buffers }) = &mut self.ready else { return Ok(()) };
            let (device, pipelines, pace, clock) = (&self.device, &self.pipelines, &mut self.pace, self.clock.as_ref());
            let made = Round { device, pipelines, plan, works, buffers, pace, clock }.run(simulation, left)?;
            left = left.saturating_sub(made.len() as u32);
            for row in made {
                simulation.adopt(&row);
                rows.push(row);
            }
        }
        Ok(())
    }

    fn info(&self) -> &EngineInfo {
        &self.info
    }
}
