//! The CPU engine: the model's own batch, routed by the widest instructions that the CPU has, in parts on all cores.
//!
//! `kernel` is the algorithm, written once over `lanes::Lanes`; a file per instruction set says what the operations are there.
//! All `unsafe` code of the crate stands in those files.

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

/// Fewer token–expert pairs than this are not worth waking another thread for.
const PAIRS_PER_PART: u64 = 1 << 17;
/// The shortest of so many rounds counts as the limit.
const LIMIT_ROUNDS: u32 = 100;

/// A set of instructions that the kernel is compiled for. Later ones are faster.
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
    /// Whether this CPU can run it.
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

    /// All that this CPU can run, the fastest last.
    #[must_use]
    pub fn available() -> Vec<Self> {
        use strum::IntoEnumIterator as _;
        Self::iter().filter(|k| k.is_available()).collect()
    }

    /// The fastest that this CPU can run.
    #[must_use]
    pub fn fastest() -> Self {
        Self::available().pop().unwrap_or(Self::Portable)
    }

    /// Does a part of a batch's work.
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

/// All CPU cores do the parts of a step.
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
/// Every kernel gives what the model gives, load for load and bias for bias:
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
    /// The centroids last seen, and the same packed.
    centroids: Option<(Arc<Vec<[i16; DIM]>>, Centroids)>,
}

impl CpuEngine {
    /// The CPU engine with the fastest kernel, and the reason why it was chosen.
    #[must_use]
    pub fn new(reason: &str) -> Self {
        Self::with_kernel(Kernel::fastest(), reason)
    }

    /// With a kernel of one's choice; where the CPU cannot run it, with the portable one.
    #[must_use]
    pub fn with_kernel(kernel: Kernel, reason: &str) -> Self {
        let kernel = if kernel.is_available() { kernel } else { Kernel::Portable };
        let threads = rayon::current_num_threads();
        let adapter = format!("{threads} thread{}, {kernel}", if threads == 1 { "" } else { "s" });
        Self { info: EngineInfo { kind: EngineKind::Cpu, adapter, reason: reason.into() }, kernel, centroids: None }
    }

    /// The kernel that runs.
    #[must_use]
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// Routes the next batch: the batch, with all that its tokens must know of it, and what was counted. `Simulation::finish_on` takes
    /// both and does the rest of the step.
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
                let (batch, counts) = self.route(simulation);
                rows.push(simulation.finish_on(&batch, counts, &AllCores));
            }
        };
        // Several steps are done from within the pool: its other threads then stay awake between them.
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

/// Lets the rules that must know a whole batch look at it, so that its tokens can be asked one by one to whom they go.
pub fn look_ahead(batch: &mut Batch) {
    let looks = |r: &Routing| r.rounds() > 0 || r.rule == Rule::ExpertChoice;
    if batch.variants.iter().any(looks) {
        let (kernel, centroids) = (Kernel::fastest(), Centroids::new(batch.centroids()));
        order::settle(kernel, batch, &centroids);
        order::cuts(kernel, batch, &centroids);
    }
}

/// Finds from where on each expert takes tokens, where experts choose: a step needs no such cut, a look at its tokens does.
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

/// Sums of integers: the order of the parts does not matter.
fn count_by(kernel: Kernel, batch: &Batch, centroids: &Centroids) -> Counts {
    let plan = Plan::new(batch, centroids);
    let tokens = batch.inputs.batch;
    let parts = parts(batch);
    gather(batch, parts);
    let part = |p: u32| {
        let mut counts = Counts::new(batch);
        let share = |of: u32| share(of, p, parts);
        // A token of the sample is made and scored once for both.
        if plan.moves() {
            kernel.run(&plan, &Work::Rest(share(tokens)), &mut counts);
            kernel.run(&plan, &Work::Sample(share(batch.sample_size())), &mut counts);
        } else {
            kernel.run(&plan, &Work::Loads(share(tokens)), &mut counts);
        }
        // What the kernels do not know, the model itself does.
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
    // Where experts choose, their loads are what they may take.
    for (v, loads) in batch.variants.iter().zip(&mut counts.loads).filter(|(v, _)| v.rule == Rule::ExpertChoice) {
        loads.fill(quota(v.router.top_k, tokens, v.router.experts));
    }
    counts
}

/// Whether the model routes a variant itself.
fn by_model(routing: &Routing) -> bool {
    !routing.is_plain() && routing.rule != Rule::ExpertChoice
}

/// Makes what tokens must know of the whole batch, before they ask for it one by one.
fn gather(batch: &Batch, parts: u32) {
    let variants: Vec<usize> = (0..batch.variants.len()).filter(|&v| batch.variants[v].sees_whole_batch()).collect();
    // Asking the other threads for nothing would cost a small step half its time again.
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

/// Into how many parts a batch is cut.
fn parts(batch: &Batch) -> u32 {
    let experts: u64 = batch.variants.iter().map(|v| u64::from(v.router.experts)).sum();
    let most = (u64::from(batch.inputs.batch) * experts / PAIRS_PER_PART).max(1);
    (4 * rayon::current_num_threads() as u64).min(most) as u32
}

/// Part `p` of `parts` equal parts.
fn share(of: u32, p: u32, parts: u32) -> Range<u32> {
    let edge = |p: u32| (u64::from(of) * u64::from(p) / u64::from(parts)) as u32;
    edge(p)..edge(p + 1)
}

/// How long the dot products of the next batch take this CPU at best, with its fastest kernel on all cores and nothing else to do: no
/// tokens to make, no gate, no selection, no counts. A whole step cannot be quicker than that. `None` for recorded scores, which
/// need none, and for routers that learn.
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
