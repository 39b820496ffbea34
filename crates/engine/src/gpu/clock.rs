//! Measures how long a submission took on the GPU with the GPU's own timestamps. They leave out the transfer to and from the GPU, which
//! does not depend on how much work is submitted.

use super::device::Device;
use std::time::Duration;
use wgpu::{Buffer, BufferUsages, CommandEncoder, ComputePassTimestampWrites, QuerySet};

/// Size of the two timestamps in bytes.
pub const BYTES: u64 = 16;

/// Two timestamps, at the beginning and the end of a compute pass.
#[derive(Debug)]
pub struct Clock {
    queries: QuerySet,
    resolved: Buffer,
    nanoseconds_per_tick: f64,
}

impl Clock {
    /// `None` if the adapter has no timestamps.
    #[must_use]
    pub fn new(device: &Device) -> Option<Self> {
        let d = &device.device;
        if !d.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            return None;
        }
        Some(Self {
            queries: d.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("clock"),
                ty: wgpu::QueryType::Timestamp,
                count: 2,
            }),
            resolved: d.create_buffer(&wgpu::BufferDescriptor {
                label: Some("clock"),
                size: BYTES,
                usage: BufferUsages::QUERY_RESOLVE | BufferUsages::COPY_SRC,
                mapped_at_creation: false,
            }),
            nanoseconds_per_tick: f64::from(device.queue.get_timestamp_period()),
        })
    }

    /// The timestamp writes to begin a compute pass with.
    #[must_use]
    pub fn writes(&self) -> ComputePassTimestampWrites<'_> {
        ComputePassTimestampWrites {
            query_set: &self.queries,
            beginning_of_pass_write_index: Some(0),
            end_of_pass_write_index: Some(1),
        }
    }

    /// Copies both timestamps to offset `at` of a buffer; call this after the compute pass.
    pub fn copy(&self, encoder: &mut CommandEncoder, to: &Buffer, at: u64) {
        encoder.resolve_query_set(&self.queries, 0..2, &self.resolved, 0);
        encoder.copy_buffer_to_buffer(&self.resolved, 0, to, at, BYTES);
    }

    /// The time between the two timestamps, from the four words read back; `None` if they make no sense, as with some drivers.
    #[must_use]
    pub fn elapsed(&self, words: &[u32]) -> Option<Duration> {
        let &[a, b, c, d] = words else { return None };
        let (begin, end) = (u64::from(b) << 32 | u64::from(a), u64::from(d) << 32 | u64::from(c));
        let ticks = end.checked_sub(begin).filter(|&t| t > 0)?;
        let seconds = ticks as f64 * self.nanoseconds_per_tick * 1e-9;
        (seconds < 60.0).then(|| Duration::from_secs_f64(seconds))
    }
}
