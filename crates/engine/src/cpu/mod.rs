//! The CPU engine: routes the model's own batches on all cores, with the widest instructions that the CPU has.
//!
//! `kernel` is the algorithm, written once over `lanes::Lanes`; one file per instruction set defines the operations. All `unsafe` code of
//! this engine is in those files.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod kernel;
mod lanes;
#[cfg(target_arch = "aarch64")]
mod neon;
mod network;
mod order;
mod plan;
mod portable;

use super::{Engine, EngineError, EngineInfo, EngineKind};
use moebias_model::batch::{Batch, Counts, Routing, TokenInputs};
use moebias_model::config::{DIM, Rule};
use moebias_model::learn::spread::Spread;
use moebias_model::order::quota;
use moebias_model::row::StepRow;
use moebias_model::step::Simulation;
use plan::{Centroids, Plan, Work};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A part of a batch has at least this many token–expert pairs; for fewer, waking another thread costs more than it gains.
const PAIRS_PER_PART: u64 = 1 << 17;
/// [`dots_alone`] measures this many times and returns the shortest.
const LIMIT_ROUNDS: u32 = 100;

/// An instruction set that the kernel is compiled for. Later variants are faster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::EnumIter, strum::Display)]
pub enum Kernel {
    /// Plain Rust, on any CPU.
    #[strum(to_string = "portable code")]
    Portable,
    /// 128-bit registers of every 64-bit Arm CPU.
    #[strum(to_string = "NEON")]
    Neon,
    /// 256-bit registers.
    #[strum(to_string = "AVX2")]
    Avx2,
    /// 256-bit registers with a dot product of bytes.
    #[strum(to_string = "AVX2 VNNI")]
    Avx2Vnni,
    /// 512-bit registers.
    #[strum(to_string = "AVX-512")]
    Avx512,
    /// 512-bit registers with a dot product of bytes.
    #[strum(to_string = "AVX-512 VNNI")]
    Avx512Vnni,
}

impl Kernel {
    /// Whether this CPU can run this kernel.
    #[must_use]
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            Self::Neon => cfg!(target_arch = "aarch64"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 | Self::Avx2Vnni => avx2::available(self == Self::Avx2Vnni),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 | Self::Avx512Vnni => avx512::available(self == Self::Avx512Vnni),
            #[cfg(not(target_arch = "x86_64"))]
            _ => false,
        }
    }

    /// All kernels that this CPU can run, fastest last.
    #[must_use]
    pub fn available() -> Vec<Self> {
        use strum::IntoEnumIterator as _;
        Self::iter().filter(|k| k.is_available()).collect()
    }

    /// The fastest kernel that this CPU can run.
    #[must_use]
    pub fn fastest() -> Self {
        Self::available().pop().unwrap_or(Self::Portable)
    }

    /// Does a part of the work on a batch and adds to `counts`. Uses the portable kernel if the CPU cannot run this one.
    fn run(self, plan: &Plan<'_>, work: &Work, counts: &mut Counts) {
        let done = match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 | Self::Avx2Vnni => avx2::run(self == Self::Avx2Vnni, plan, work, counts),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 | Self::Avx512Vnni => avx512::run(self == Self::Avx512Vnni, plan, work, counts),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => neon::run(plan, work, counts),
            _ => false,
        };
        if !done {
            portable::run(plan, work, counts);
        }
    }
}

/// Spreads the parts of a step over all CPU cores.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllCores;

impl Spread for AllCores {
    fn each<T: Send>(&self, parts: Vec<T>, work: impl Fn(T) + Send + Sync) {
        if parts.len() > 1 {
            parts.into_par_iter().for_each(work);
        } else {
            parts.into_iter().for_each(work);
        }
    }
}

/// Advances a simulation on all CPU cores.
///
/// Every kernel gives exactly the same loads and biases as the model:
///
///
/// ```
/// use moebias_engine::Engine as _;
/// use moebias_engine::cpu::{CpuEngine, Kernel};
/// use moebias_model::config::{Experiment, Source, Synthetic, Variant};
/// use moebias_model::step::Simulation;
///
/// let source = Source::Synthetic(Synthetic { batch: 256, ..Synthetic::default() });
/// let experiment = Experiment { seed: 7, source, variants: vec![Variant::default()] };
/// let mut model = Simulation::new(experiment, None)?;
/// let mut fast = model.clone();
/// let mut rows = vec![];
/// CpuEngine::with_kernel(Kernel::fastest(), "it is the fastest").advance(&mut fast, 1, &mut rows)?;
/// assert_eq!(model.advance().variants[0].loads, rows[0].variants[0].loads);
/// assert_eq!(model.digest(), fast.digest());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct CpuEngine {
    info: EngineInfo,
    kernel: Kernel,
    /// The centroids of the last batch, as the model stores them and packed for the kernels.
    centroids: Option<(Arc<Vec<[i16; DIM]>>, Centroids)>,
}

impl CpuEngine {
    /// The CPU engine with the fastest kernel; `reason` says why the CPU was chosen.
    #[must_use]
    pub fn new(reason: &str) -> Self {
        Self::with_kernel(Kernel::fastest(), reason)
    }

    /// The CPU engine with the given kernel, or with the portable one if the CPU cannot run it.
    #[must_use]
    pub fn with_kernel(kernel: Kernel, reason: &str) -> Self {
        let kernel = if kernel.is_available() { kernel } else { Kernel::Portable };
        let threads = rayon::current_num_threads();
        let adapter = format!("{threads} thread{}, {kernel}", if threads == 1 { "" } else { "s" });
        Self { info: EngineInfo { kind: EngineKind::Cpu, adapter, reason: reason.into() }, kernel, centroids: None }
    }

    /// The kernel in use.
    #[must_use]
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// Routes the next batch. Returns the batch, with everything computed that depends on the whole of it, and the counts.
    /// [`Simulation::finish_on`] takes both and does the rest of the step.
    pub fn route(&mut self, simulation: &mut Simulation) -> (Batch, Counts) {
        let mut batch = simulation.next_batch();
        batch.make_ready(&AllCores);
        let seen = self.centroids.take().filter(|(of, _)| Arc::ptr_eq(of, batch.centroids()));
        let (_, centroids) = self
            .centroids
            .insert(seen.unwrap_or_else(|| (Arc::clone(batch.centroids()), Centroids::new(batch.centroids()))));
        order::settle(self.kernel, &mut batch, centroids);
        order::thresholds(self.kernel, &batch, centroids);
        let counts = count_by(self.kernel, &batch, centroids);
        (batch, counts)
    }
}

impl Engine for CpuEngine {
    fn advance(&mut self, simulation: &mut Simulation, steps: u32, rows: &mut Vec<StepRow>) -> Result<(), EngineError> {
        let mut all = || {
            for _ in 0..steps {
                if let Some(row) = simulation.counted() {
                    rows.push(row);
                    continue;
                }
                let (batch, counts) = self.route(simulation);
                rows.push(simulation.finish_on(&batch, counts, &AllCores));
            }
        };
        // Several steps are run from inside the pool, so that its other threads stay awake between steps.
        if steps > 1 {
            rayon::scope(|_| all());
        } else {
            all();
        }
        Ok(())
    }

    fn info(&self) -> &EngineInfo {
        &self.info
    }
}

/// Lets the rules that depend on the whole batch look at it, so that its tokens can then be routed one by one.
pub fn look_ahead(batch: &mut Batch) {
    let looks = |r: &Routing| r.rounds() > 0 || r.rule == Rule::ExpertChoice;
    if batch.variants.iter().any(looks) {
        let (kernel, centroids) = (Kernel::fastest(), Centroids::new(batch.centroids()));
        order::settle(kernel, batch, &centroids);
        order::cuts(kernel, batch, &centroids);
    }
}

/// Finds the cut-off of every expert where experts choose. A step does not need the cut-offs, but showing who goes where does.
pub fn find_cuts(batch: &Batch) {
    if batch.variants.iter().any(|r| r.rule == Rule::ExpertChoice) {
        order::cuts(Kernel::fastest(), batch, &Centroids::new(batch.centroids()));
    }
}

/// Routes a whole batch on all cores.
#[must_use]
pub fn count(batch: &Batch) -> Counts {
    let mut ready = None;
    if !batch.is_ready() {
        ready.insert(batch.clone()).make_ready(&AllCores);
    }
    count_by(Kernel::fastest(), ready.as_ref().unwrap_or(batch), &Centroids::new(batch.centroids()))
}

/// Routes a batch in parts on all cores. The counts are integers, so the order in which parts are summed does not matter.
fn count_by(kernel: Kernel, batch: &Batch, centroids: &Centroids) -> Counts {
    let plan = Plan::new(batch, centroids);
    let tokens = batch.inputs.batch;
    let parts = parts(batch);
    gather(batch, parts);
    let part = |p: u32| {
        let mut counts = Counts::new(batch);
        let share = |of: u32| share(of, p, parts);
        // Each token of the sample is generated and scored once, for its loads and for the count of moved assignments.
        if plan.moves() {
            kernel.run(&plan, &Work::Rest(share(tokens)), &mut counts);
            kernel.run(&plan, &Work::Sample(share(batch.sample_size())), &mut counts);
        } else {
            kernel.run(&plan, &Work::Loads(share(tokens)), &mut counts);
        }
        // Variants that the kernels do not support are routed by the model.
        if !plan.is_whole() {
            batch.route_where(by_model, share(tokens), &mut counts);
            batch.count_moved_where(by_model, share(batch.sample_size()), &mut counts);
        }
        counts
    };
    let mut counts = match parts {
        1 => part(0),
        _ => {
            let all = (0..parts).into_par_iter().map(part);
            all.reduce_with(|a, b| a.merged(&b)).unwrap_or_else(|| Counts::new(batch))
        }
    };
    // Where experts choose, every expert's load is its quota.
    for (v, loads) in batch.variants.iter().zip(&mut counts.loads).filter(|(v, _)| v.rule == Rule::ExpertChoice) {
        loads.fill(quota(v.router.top_k, tokens, v.router.experts));
    }
    counts
}

/// Whether a variant is routed by the model instead of a kernel.
fn by_model(routing: &Routing) -> bool {
    !routing.is_plain() && routing.rule != Rule::ExpertChoice
}

/// Computes on all cores what depends on the whole batch, before tokens are routed one by one.
fn gather(batch: &Batch, parts: u32) {
    let variants: Vec<usize> = (0..batch.variants.len()).filter(|&v| batch.variants[v].sees_whole_batch()).collect();
    // Without this check a small step would take half as long again, just for waking threads that find nothing to do.
    if variants.is_empty() {
        return;
    }
    variants.par_iter().for_each(|&v| {
        batch.list(v);
    });
    for v in variants.into_iter().filter(|&v| batch.variants[v].router.capacity.is_some()) {
        let together = |mut all: Vec<Vec<u64>>, more: Vec<Vec<u64>>| {
            all.iter_mut().zip(more).for_each(|(a, b)| a.extend(b));
            all
        };
        let claims = (0..parts).into_par_iter().map(|p| batch.claims(v, share(batch.inputs.batch, p, parts)));
        if let Some(claims) = claims.reduce_with(together) {
            batch.settle(v, claims);
        }
    }
}

/// The number of parts into which a batch is divided.
fn parts(batch: &Batch) -> u32 {
    let experts: u64 = batch.variants.iter().map(|v| u64::from(v.router.experts)).sum();
    let most = (u64::from(batch.inputs.batch) * experts / PAIRS_PER_PART).max(1);
    (4 * rayon::current_num_threads() as u64).min(most) as u32
}

/// The range of part `p` when `of` items are divided into `parts` equal parts.
fn share(of: u32, p: u32, parts: u32) -> Range<u32> {
    let edge = |p: u32| (u64::from(of) * u64::from(p) / u64::from(parts)) as u32;
    edge(p)..edge(p + 1)
}

/// The shortest time in which this CPU computes the dot products of the next batch, with its fastest kernel on all cores and nothing else:
/// no tokens to generate, no gate, no selection, no counts. A whole step cannot be faster. `None` for recorded scores, which need no dot
/// products, and for routers that learn.
#[must_use]
pub fn dots_alone(simulation: &mut Simulation) -> Option<Duration> {
    let batch = simulation.next_batch();
    if !matches!(batch.inputs.tokens, TokenInputs::Synthetic { .. }) {
        return None;
    }
    let (kernel, centroids) = (Kernel::fastest(), Centroids::new(batch.centroids()));
    let (plan, parts) = (Plan::new(&batch, &centroids), parts(&batch));
    let once = || {
        let began = Instant::now();
        let part = |p: u32| {
            kernel.run(&plan, &Work::Dots(share(batch.inputs.batch, p, parts)), &mut Counts::default());
        };
        match parts {
            1 => part(0),
            _ => (0..parts).into_par_iter().for_each(part),
        }
        began.elapsed()
    };
    (0..LIMIT_ROUNDS).map(|_| once()).min()
}
