//! The GPU engine: wgpu compute on a device of its own, equal to the model load for load and bias for bias.
//!
//! A round sends the biases and the inputs of some steps up, submits them all at once, and reads every step's loads and biases back at
//! its end. Per step there are four passes, each a file in `shaders/`: prepare (biases to keys), route (tokens to loads), moved (the
//! sampled share that the bias moved) and update (loads to biases). Rules that put a batch in order have more: `works`. Only
//! integers are involved.

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

/// After this long the rows so far are handed out, so that whoever waits for them can stop or show them.
const LONG_ENOUGH: Duration = Duration::from_millis(100);
/// Memory for the recorded scores of a trace, where the GPU allows more.
const TRACE_BYTES: u64 = 1 << 30;

/// What is ready to be submitted.
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
    /// Opens the best adapter; a software adapter only if `software` allows it. The environment variable `WGPU_BACKEND` limits
    /// the backends.
    ///
    /// # Errors
    /// No adapter that can compute; the sentence says why.
    pub fn open(software: bool) -> Result<Self, EngineError> {
        Self::open_on(None, software)
    }

    /// As [`Self::open`], on these backends alone.
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

    /// Destroys the device, as a driver's reset would: every later step fails with [`EngineError::Lost`]. For tests.
    pub fn lose_device(&self) {
        self.device.device.destroy();
    }

    /// The most bytes of recorded scores on the GPU at a time; a longer trace goes up in pieces.
    #[must_use]
    pub fn with_trace_memory(mut self, bytes: u64) -> Self {
        self.trace_bytes = bytes.min(TRACE_BYTES);
        self
    }

    /// Makes buffers and pipelines for what is to be simulated, if they are not there yet.
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
