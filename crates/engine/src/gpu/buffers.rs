//! The buffers of one plan: what is uploaded with every submission, what stays on the GPU, and what is read back.

use super::clock;
use super::device::Device;
use super::layout::{PartParams, Plan, StepParams, VariantParams};
use super::pipelines::Pipelines;
use super::shader::constants::SEARCH;
use crate::EngineError;
use moebias_model::balance::{Rates, tanh};
use moebias_model::batch::TokenInputs;
use moebias_model::config::DIM;
use moebias_model::gate::TABLES;
use moebias_model::order::BINS;
use moebias_model::step::Simulation;
use moebias_model::tokens::Topics;
use std::ops::Range;
use std::sync::Arc;
use wgpu::{BindGroup, Buffer, BufferUsages};

/// The largest number of steps in a submission.
const MOST_STEPS: u64 = 256;
/// The largest number of bytes read back from a submission.
const MOST_BYTES: u64 = 8 << 20;
/// Words per expert in the buffer `order`; equals `STRIDE` in `shaders/shared/order.wgsl`.
const ORDER_WORDS: u64 = SEARCH as u64 + BINS as u64;
/// Words per embedding.
const WORDS: usize = DIM / 4;

/// The buffers and bind groups of one plan.
#[derive(Debug)]
pub struct Buffers {
    /// The largest number of steps in a submission.
    pub capacity: u32,
    /// The distance in bytes between the dynamic offsets of two steps or two dispatches.
    pub stride: u32,
    /// Group 0, for every pass.
    pub common: BindGroup,
    /// Group 1 of the passes that route tokens.
    pub tokens: BindGroup,
    /// Group 1 of the passes over biases.
    pub biases: BindGroup,
    /// Group 2 of the passes of the order search.
    pub order: BindGroup,
    /// Counts of every step: loads, moved assignments and saturated keys.
    pub counts: Buffer,
    /// The biases before the first step, then those after each step.
    pub bias: Buffer,
    /// What is read back: counts, then biases, then the two timestamps.
    pub back: Buffer,
    steps: Buffer,
    parts: Buffer,
    topics: Buffer,
    rates: Buffer,
    memory: Buffer,
    recorded: Buffer,
    /// The steps of the trace whose scores are on the GPU.
    held: Range<usize>,
}

fn buffer(device: &wgpu::Device, label: &str, bytes: u64, usage: BufferUsages) -> Buffer {
    // A buffer without content cannot be bound.
    let size = bytes.next_multiple_of(16).max(16);
    device.create_buffer(&wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation: false })
}

/// A bind group of these resources, with bindings counted from 0.
fn bind_group(
    device: &wgpu::Device,
    label: &str,
    layout: &wgpu::BindGroupLayout,
    resources: &[wgpu::BindingResource<'_>],
) -> BindGroup {
    let entries: Vec<_> = (0..)
        .zip(resources)
        .map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource: resource.clone() })
        .collect();
    device.create_bind_group(&wgpu::BindGroupDescriptor { label: Some(label), layout, entries: &entries })
}

impl Buffers {
    /// Creates the buffers and uploads what never changes. `works` is the number of dispatches per step.
    ///
    /// # Errors
    /// The GPU does not have enough memory.
    pub fn new(device: &Device, pipelines: &Pipelines, plan: &Plan, works: usize) -> Result<Self, EngineError> {
        use BufferUsages as U;
        let d = &device.device;
        let make = |label, words: u64, usage| buffer(d, label, words * 4, usage);
        let (width, variants) = (u64::from(plan.width), plan.variants.len() as u64);
        let per_step = u64::from(plan.counts_per_step()) + 2 * width;
        let capacity = (MOST_BYTES / (4 * per_step)).clamp(1, MOST_STEPS);
        let alignment = device.limits.min_uniform_buffer_offset_alignment.max(4);
        let stride = (size_of::<StepParams>().max(size_of::<PartParams>()) as u32).next_multiple_of(alignment);

        let up = U::COPY_DST | U::STORAGE;
        let steps = buffer(d, "steps", capacity * u64::from(stride), U::COPY_DST | U::UNIFORM);
        let parts = buffer(d, "parts", works as u64 * u64::from(stride), U::COPY_DST | U::UNIFORM);
        let variants_up = buffer(d, "variants", variants * size_of::<VariantParams>() as u64, up);
        let all_tables: Vec<[i32; 4]> =
            TABLES.sigmoid.iter().chain(&TABLES.exp2).chain(&TABLES.root).copied().collect();
        let tables = buffer(d, "tables", size_of_val(&*all_tables) as u64, U::COPY_DST | U::UNIFORM);
        let tanh = buffer(d, "tanh", size_of_val(&*tanh::TABLE) as u64, U::COPY_DST | U::UNIFORM);
        let topics = make("topics", capacity * u64::from(plan.topics_per_step()), up);
        let padded = plan.centroids.len().next_multiple_of(8);
        let centroids = make("centroids", (padded * WORDS) as u64, up);
        let scores = plan.trace.as_ref().map_or(0, |w| w.gates.len() * w.steps * w.scores_per_step());
        let recorded = make("recorded", scores as u64, up);
        let keys = make("keys", 2 * width, U::STORAGE);
        let counts =
            make("counts", capacity * u64::from(plan.counts_per_step()), U::STORAGE | U::COPY_DST | U::COPY_SRC);
        let bias = make("bias", (capacity + 1) * 2 * width, up | U::COPY_SRC);
        let rates = buffer(d, "rates", capacity * variants * size_of::<Rates>() as u64, up);
        let memory = make("memory", 2 * width, up);
        // Zero at first; the pass that reads it sets it back to zero.
        let orders = plan.variants.iter().any(|v| v.rank > 0);
        let order = make("order", if orders { width * ORDER_WORDS } else { 0 }, U::STORAGE);
        let back = make("back", capacity * per_step + clock::BYTES / 4, U::COPY_DST | U::MAP_READ);
        device.check()?;

        let q = &device.queue;
        q.write_buffer(&variants_up, 0, bytemuck::cast_slice(&plan.variants));
        q.write_buffer(&tables, 0, bytemuck::cast_slice(&all_tables));
        q.write_buffer(&tanh, 0, bytemuck::cast_slice(tanh::TABLE.as_slice()));
        q.write_buffer(&centroids, 0, bytemuck::cast_slice(plan.centroids.as_slice()));

        let group = |label, layout, resources: &[_]| bind_group(d, label, layout, resources);
        let whole = Buffer::as_entire_binding;
        let one = |buffer, bytes: usize| {
            let size = std::num::NonZeroU64::new(bytes as u64);
            wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer, offset: 0, size })
        };
        let step = one(&steps, size_of::<StepParams>());
        let part = one(&parts, size_of::<PartParams>());
        let common = group("common", &pipelines.common, &[step, part, whole(&variants_up)]);
        let tokens = [&tables, &topics, &centroids, &recorded, &keys, &counts].map(whole);
        let tokens = group("tokens", &pipelines.tokens, &tokens);
        let biases = group("biases", &pipelines.biases, &[&bias, &keys, &counts, &rates, &memory, &tanh].map(whole));
        let order = group("order", &pipelines.order, &[whole(&order)]);
        device.check()?;
        let capacity = capacity as u32;
        Ok(Self {
            capacity,
            stride,
            common,
            tokens,
            biases,
            order,
            counts,
            bias,
            back,
            steps,
            parts,
            topics,
            rates,
            memory,
            recorded,
            held: 0..0,
        })
    }

    /// Uploads the biases, the memory of the rules, and the inputs of the next steps: at most `most`, fewer if the recorded scores of a
    /// trace are on the GPU only in part. Returns the number of steps.
    pub fn load(&mut self, device: &Device, plan: &Plan, simulation: &mut Simulation, most: u32) -> u32 {
        let most = most.clamp(1, self.capacity);
        let mut steps = vec![0u8; most as usize * self.stride as usize];
        let mut rates: Vec<Rates> = vec![];
        let mut tables: Vec<u32> = vec![];
        let mut last: Option<(Arc<Topics>, u32)> = None;
        let mut done = 0;
        for (ahead, slot) in (0..most).zip(steps.chunks_exact_mut(self.stride as usize)) {
            let inputs = simulation.inputs(u64::from(ahead));
            let loads_at = ahead * plan.counts_per_step();
            let moved_at = loads_at + plan.width;
            let variants = plan.variants.len() as u32;
            let mut step = StepParams {
                batch: inputs.batch,
                sample: plan.sample(),
                loads_at,
                moved_at,
                saturated_at: moved_at + variants,
                bias_at: ahead * plan.width,
                next_bias_at: (ahead + 1) * plan.width,
                rates_at: ahead * variants,
                burst: 1,
                ..StepParams::default()
            };
            match &inputs.tokens {
                TokenInputs::Synthetic { key, topics } => {
                    // Without drift all steps share one table.
                    let at = match &last {
                        Some((known, at)) if Arc::ptr_eq(known, topics) => *at,
                        _ => {
                            let at = tables.len() as u32;
                            tables.extend(&topics.thresholds);
                            tables.extend(topics.centres.iter().flat_map(|c| {
                                c.as_chunks::<4>().0.iter().map(|&b| u32::from_le_bytes(b.map(i8::cast_unsigned)))
                            }));
                            last = Some((Arc::clone(topics), at));
                            at
                        }
                    };
                    step.topics_at = at;
                    step.topics = topics.thresholds.len() as u32;
                    (step.key_step, step.seed) = (key.step, key.seed);
                    (step.burst, step.noise_q8) = (key.burst, key.noise_q8);
                }
                TokenInputs::Trace { index } => match self.place_in_trace(device, plan, *index, ahead == 0) {
                    Some(at) => step.trace_at = at,
                    None => break,
                },
                // Not reached: no plan is made for an experiment that learns.
                TokenInputs::Learning(_) => break,
            }
            rates.extend(&inputs.rates);
            slot[..size_of::<StepParams>()].copy_from_slice(bytemuck::bytes_of(&step));
            done += 1;
        }
        let mut bias = vec![0i64; plan.width as usize];
        let mut memory = bias.clone();
        for (state, &(at, experts)) in simulation.state().variants.iter().zip(&plan.experts) {
            bias[at..at + experts].copy_from_slice(&state.bias);
            // The rest stays 0, which is what a rule starts with.
            memory[at..at + state.memory.len()].copy_from_slice(&state.memory);
        }
        let q = &device.queue;
        q.write_buffer(&self.steps, 0, &steps);
        q.write_buffer(&self.rates, 0, bytemuck::cast_slice(&rates));
        q.write_buffer(&self.topics, 0, bytemuck::cast_slice(&tables));
        q.write_buffer(&self.bias, 0, bytemuck::cast_slice(&bias));
        q.write_buffer(&self.memory, 0, bytemuck::cast_slice(&memory));
        done
    }

    /// Uploads the parameters of the dispatches of a submission.
    pub fn load_parts(&self, device: &Device, parts: &[PartParams]) {
        let mut bytes = vec![0u8; parts.len() * self.stride as usize];
        for (slot, part) in bytes.chunks_exact_mut(self.stride as usize).zip(parts) {
            slot[..size_of::<PartParams>()].copy_from_slice(bytemuck::bytes_of(part));
        }
        device.queue.write_buffer(&self.parts, 0, &bytes);
    }

    /// The offset of a step of the trace in the buffer of recorded scores. If the step is not on the GPU and `may_load` is set, another
    /// part of the trace is uploaded; otherwise `None`.
    fn place_in_trace(&mut self, device: &Device, plan: &Plan, index: usize, may_load: bool) -> Option<u32> {
        let window = plan.trace.as_ref()?;
        let each = window.scores_per_step();
        if !self.held.contains(&index) {
            if !may_load {
                return None;
            }
            let whole = window.steps >= window.trace.steps;
            let first = if whole { 0 } else { index };
            let last = (first + window.steps).min(window.trace.steps);
            for (slot, &gate) in window.gates.iter().enumerate() {
                let scores = window.trace.scores(gate);
                let at = (slot * window.steps * each * 4) as u64;
                let part = scores.get(first * each..last * each).unwrap_or_default();
                device.queue.write_buffer(&self.recorded, at, bytemuck::cast_slice(part));
            }
            self.held = first..last;
        }
        Some(((index - self.held.start) * each) as u32)
    }
}
