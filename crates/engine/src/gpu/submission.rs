//! One round on the GPU: the inputs of some steps are uploaded, the steps are done without reading anything back between them, and their
//! rows are read back.

use super::buffers::Buffers;
use super::clock::{self, Clock};
use super::device::Device;
use super::layout::{PartParams, Plan, VariantParams};
use super::pace::Pace;
use super::pipelines::Pipelines;
use super::shader::Pass;
use super::shader::constants::{EXPERT_CHOICE, MOVED_LANES, ROUTE_LANES, THRESHOLD};
use super::works::{Across, Work};
use crate::EngineError;
use moebias_model::order::quota;
use moebias_model::row::{StepRow, VariantRow};
use moebias_model::step::Simulation;
use std::ops::Range;
use std::time::Instant;

/// A pass is not divided into pieces of fewer tokens than this.
const LEAST_TOKENS: u32 = 4096;

/// What a round needs.
#[derive(Debug)]
pub struct Round<'a> {
    /// The device.
    pub device: &'a Device,
    /// The pipelines; those of the plan have been created.
    pub pipelines: &'a Pipelines,
    /// The experiment as the GPU sees it.
    pub plan: &'a Plan,
    /// The dispatches of a step.
    pub works: &'a [Work],
    /// The buffers of the plan.
    pub buffers: &'a mut Buffers,
    /// The speed measured so far.
    pub pace: &'a mut Pace,
    /// The GPU's timestamps, if it has any.
    pub clock: Option<&'a Clock>,
}

impl Round<'_> {
    /// Routes the next steps, at most `most`, and returns one row per step. The simulation is not advanced.
    ///
    /// # Errors
    /// Those of the device; no row is returned then.
    pub fn run(self, simulation: &mut Simulation, most: u32) -> Result<Vec<StepRow>, EngineError> {
        let pairs = (0..self.works.len()).map(|at| self.cost(at)).sum::<f64>().max(1.0);
        let fits = (self.pace.budget() / pairs) as u32;
        let steps = self.buffers.load(self.device, self.plan, simulation, most.min(fits));
        let mut began = Instant::now();
        let mut measured = pairs * f64::from(steps);
        if steps > 1 || fits > 0 {
            self.submit(steps, 0..self.plan.batch, 0..self.works.len());
        } else {
            // A step too long for one submission is divided into several with some dispatches each, and a dispatch that is still too long
            // into ranges of tokens.
            let (mut at, last) = (0, self.works.len());
            while at < last {
                let mut end = at + 1;
                measured = self.cost(at);
                while end < last && measured + self.cost(end) <= self.pace.budget() {
                    measured += self.cost(end);
                    end += 1;
                }
                let mut from = 0;
                while from < self.plan.batch {
                    let whole = end > at + 1 || self.works[at].across != Across::Tokens;
                    let tokens = if whole { self.plan.batch } else { self.tokens_that_fit(&self.works[at]) };
                    let to = from.saturating_add(tokens).min(self.plan.batch);
                    began = Instant::now();
                    self.submit(1, from..to, at..end);
                    if !whole {
                        measured = self.cost(at) * f64::from(to - from) / f64::from(self.plan.batch);
                    }
                    if end < last || to < self.plan.batch {
                        self.device.wait()?;
                        if measured > 0.0 {
                            self.pace.record(measured, began.elapsed());
                        }
                    }
                    from = to;
                }
                at = end;
            }
        }
        let first = simulation.step();
        let results = self.bytes(steps);
        let all = results + self.clock.map_or(0, |_| clock::BYTES);
        let (rows, on_gpu) = self.device.read(&self.buffers.back, all, |words| {
            let (words, ticks) = words.split_at(results as usize / 4);
            (self.rows(words, first, steps), self.clock.and_then(|c| c.elapsed(ticks)))
        })?;
        if measured > 0.0 {
            self.pace.record(measured, on_gpu.unwrap_or_else(|| began.elapsed()));
        }
        Ok(rows)
    }

    /// The number of token–expert pairs of a dispatch.
    fn cost(&self, at: usize) -> f64 {
        f64::from(self.plan.batch) * self.works[at].pairs as f64
    }

    fn tokens_that_fit(&self, work: &Work) -> u32 {
        let fit = (self.pace.budget() / work.pairs.max(1) as f64) as u32;
        fit.max(LEAST_TOKENS).next_multiple_of(ROUTE_LANES)
    }

    fn bytes(&self, steps: u32) -> u64 {
        let per_step = u64::from(self.plan.counts_per_step()) + 2 * u64::from(self.plan.width);
        4 * per_step * u64::from(steps)
    }

    /// Submits whole steps, or a part of one step: some of its `tokens` and `works`.
    fn submit(&self, steps: u32, tokens: Range<u32>, works: Range<usize>) {
        let (plan, buffers, d) = (self.plan, &*self.buffers, &self.device.device);
        let part = |w: &Work| PartParams { first_token: tokens.start, ..w.part };
        buffers.load_parts(self.device, &self.works.iter().map(part).collect::<Vec<_>>());
        let is_first = works.start == 0;
        let is_last = works.end == self.works.len();
        let mut encoder = d.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("round") });
        let counts = 4 * u64::from(plan.counts_per_step()) * u64::from(steps);
        if is_first {
            encoder.clear_buffer(&buffers.counts, 0, Some(counts));
        }
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: None,
                timestamp_writes: self.clock.map(Clock::writes),
            });
            let variants = plan.variants.len() as u32;
            let blocks = (tokens.end - tokens.start).div_ceil(ROUTE_LANES);
            let sample_blocks = plan.sample().div_ceil(MOVED_LANES);
            let most_experts = plan.variants.iter().map(|v| v.experts).max().unwrap_or(0);
            for step in 0..steps {
                for (at, work) in self.works.iter().enumerate().take(works.end).skip(works.start) {
                    let Some(pipeline) = self.pipelines.get(work.pass) else { continue };
                    let group = match work.pass {
                        Pass::Route(_) | Pass::RouteShared(_) | Pass::Moved(_) | Pass::Digits(_) => &buffers.tokens,
                        Pass::Prepare | Pass::Update | Pass::Begin | Pass::Pick | Pass::Settle => &buffers.biases,
                    };
                    pass.set_pipeline(pipeline);
                    pass.set_bind_group(0, &buffers.common, &[step * buffers.stride, at as u32 * buffers.stride]);
                    pass.set_bind_group(1, group, &[]);
                    if matches!(work.pass, Pass::Begin | Pass::Digits(_) | Pass::Pick | Pass::Settle) {
                        pass.set_bind_group(2, &buffers.order, &[]);
                    }
                    let (x, y) = match work.across {
                        Across::Variants => (variants, 1),
                        Across::Experts => (most_experts, variants),
                        Across::Tokens => (blocks, work.height),
                        Across::Sample => (sample_blocks, work.height),
                    };
                    pass.dispatch_workgroups(x, y, 1);
                }
            }
        }
        if is_last {
            let width = 8 * u64::from(plan.width);
            encoder.copy_buffer_to_buffer(&buffers.counts, 0, &buffers.back, 0, counts);
            encoder.copy_buffer_to_buffer(&buffers.bias, width, &buffers.back, counts, width * u64::from(steps));
            if let Some(clock) = self.clock {
                clock.copy(&mut encoder, &buffers.back, counts + width * u64::from(steps));
            }
        }
        self.device.queue.submit([encoder.finish()]);
    }

    fn rows(&self, words: &[u32], first: u64, steps: u32) -> Vec<StepRow> {
        let plan = self.plan;
        let (width, variants) = (plan.width as usize, plan.variants.len());
        let per_step = plan.counts_per_step() as usize;
        let (counts, biases) = words.split_at(per_step * steps as usize);
        let rows = counts.chunks_exact(per_step).zip(biases.chunks_exact(2 * width)).zip(first..);
        rows.map(|((counts, biases), step)| {
            let row_of = |v: &VariantParams| {
                let (index, at) = (v.index as usize, v.first_expert as usize);
                let experts = at..at + v.experts as usize;
                let bias = biases[2 * experts.start..2 * experts.end].as_chunks::<2>().0;
                let loads = match v.rule {
                    EXPERT_CHOICE => vec![quota(v.top_k, plan.batch, v.experts); v.experts as usize],
                    _ => counts[experts].to_vec(),
                };
                let last = counts[width + variants + index];
                let (moved_of, saturated) = match v.rule {
                    THRESHOLD => (last, 0),
                    EXPERT_CHOICE => (0, 0),
                    _ => (plan.sample() * v.top_k, last),
                };
                let row = VariantRow {
                    top_k: v.top_k,
                    tokens: plan.batch,
                    dropped: 0,
                    dropped_by: vec![],
                    loads,
                    bias: bias
                        .iter()
                        .map(|&[low, high]| (u64::from(high) << 32 | u64::from(low)).cast_signed())
                        .collect(),
                    moved: counts[width + index],
                    moved_of,
                    saturated,
                    zero_experts: v.experts - v.computing,
                    share: if v.computing < v.experts { v.share } else { 0 },
                    learning: None,
                };
                (index, row)
            };
            // Back from the order of the plan to that of the experiment.
            let mut made: Vec<_> = plan.variants.iter().map(row_of).collect();
            made.sort_by_key(|(index, _)| *index);
            StepRow { step, tokens: plan.batch, variants: made.into_iter().map(|(_, row)| row).collect() }
        })
        .collect()
    }
}
