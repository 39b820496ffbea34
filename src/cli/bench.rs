//! `moebias bench`: measures how many token–expert pairs per second each engine routes on this machine.
//!
//! A complete step is measured: tokens, logits, gate, selection, counts, the balancer's update and the digest. With given scores, the step
//! reads recorded scores that were quantised beforehand, instead of generating tokens; with given logits, it reads recorded logits and
//! applies the gate.
//!
//! The limit is measured in the same run: how long the dot products of the same tokens and centroids take on all cores with the widest
//! instructions, without any other work. No router with these embeddings can be faster.

use super::failure::Failure;
use super::output::{self, aligned, figures, scaled};
use super::{BenchArgs, EngineArg};
use moebias_engine::cpu::{self, CpuEngine, Kernel};
use moebias_engine::gpu::GpuEngine;
use moebias_engine::{Engine, EngineKind};
use moebias_model::config::{
    Balancer, Experiment, Gate, Limits, Router, Source, Synthetic, TraceSource, Variant, limits,
};
use moebias_model::random::{Stream, pcg4d};
use moebias_model::step::Simulation;
use moebias_model::trace::Trace;
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Rounds over all engines. In every round each engine gets its turn, so a busy moment of the machine affects all of them alike.
const BLOCKS: u32 = 5;
/// Duration of one round, for one engine and one size.
const BLOCK: Duration = Duration::from_millis(250);
/// The largest number of steps an engine is given at once: as many as a GPU takes in one submission. It returns fewer if they take long.
const TOGETHER: u32 = 256;
/// Aimed-for duration of the steps that a CPU engine is given at once, as at full speed in the lab.
const SPELL: Duration = Duration::from_millis(4);
/// The number of made-up recorded batches, which are routed in turn.
const RING: usize = 2;

/// Tokens, experts and K of one measurement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Size {
    tokens: u32,
    experts: u32,
    top_k: u32,
}

/// Parses a size such as `4096x64x6`.
pub(super) fn size(text: &str) -> Result<Size, String> {
    let numbers: Option<Vec<u32>> = text.split('x').map(|n| n.parse().ok()).collect();
    let Some(&[tokens, experts, top_k]) = numbers.as_deref() else {
        return Err("a size is tokens x experts x K, such as 4096x64x6".into());
    };
    let within = |limits: &Limits, x: u32| limits.check("", f64::from(x)).map_err(|e| e.to_string());
    within(&limits::BATCH, tokens)?;
    within(&limits::EXPERTS, experts)?;
    within(&limits::TOP_K, top_k)?;
    if top_k > experts {
        return Err(format!("K is {top_k}, but must be at most the number of experts, {experts}"));
    }
    Ok(Size { tokens, experts, top_k })
}

/// One row of the result.
#[derive(Debug, Serialize)]
struct Outcome {
    /// The name of the engine.
    engine: String,
    /// Tokens x experts x K.
    size: String,
    /// Whether recorded scores were routed.
    given_scores: bool,
    /// Whether recorded logits were routed, with the gate applied in every step.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    given_logits: bool,
    /// The number of variants, all on the same tokens; pairs of all of them are counted.
    #[serde(skip_serializing_if = "is_one")]
    variants: u32,
    /// The shortest mean duration of a step, ms, where a mean is over the steps given at once: a few milliseconds of work on a CPU, one
    /// submission on a GPU.
    min_ms: f64,
    /// The median of the same means, ms.
    median_ms: f64,
    /// Pairs per second at the shortest duration.
    pairs_per_s: f64,
    /// The share of the shortest duration that the fastest kernel needs for the dot products alone; 1 cannot be improved. Absent if there
    /// are no dot products, and for GPUs.
    #[serde(skip_serializing_if = "Option::is_none")]
    of_limit: Option<f64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_one(n: &u32) -> bool {
    *n == 1
}

struct Entrant {
    name: String,
    engine: Box<dyn Engine>,
    /// The number of steps it is given at once.
    together: u32,
    simulation: Simulation,
    /// Measured durations, milliseconds per step.
    samples: Vec<f64>,
}

impl Entrant {
    fn new(engine: Box<dyn Engine>, together: u32, start: &Simulation) -> Self {
        let info = engine.info();
        let name = format!("{}, {}", info.kind, info.adapter);
        Self { name, engine, together, simulation: start.clone(), samples: vec![] }
    }
}

pub(super) fn bench(args: &BenchArgs) -> Result<(), Failure> {
    let mut outcomes = vec![];
    for &size in &args.sizes {
        outcomes.extend(measure(args, size)?);
    }
    if args.json {
        let json = serde_json::to_string_pretty(&outcomes)
            .map_err(|e| Failure::new(format!("the outcome can't be written: {e}")))?;
        return output::print_json(&format!("{json}\n"));
    }
    output::print(&table(&outcomes))
}

/// Measures every requested engine at one size.
fn measure(args: &BenchArgs, size: Size) -> Result<Vec<Outcome>, Failure> {
    let mut start = simulation(size, args)?;
    let mut entrants = entrants(args.engine, &start)?;
    let mut limit: Option<f64> = None;
    for block in 0..=BLOCKS {
        if let Some(alone) = cpu::dots_alone(&mut start) {
            let ms = alone.as_secs_f64() * 1000.0;
            limit = Some(limit.map_or(ms, |l| l.min(ms)));
        }
        for e in &mut entrants {
            let until = Instant::now() + if block == 0 { BLOCK / 5 } else { BLOCK };
            while Instant::now() < until || e.samples.is_empty() {
                let (mut rows, began) = (vec![], Instant::now());
                e.engine.advance(&mut e.simulation, e.together, &mut rows)?;
                e.samples.push(began.elapsed().as_secs_f64() * 1000.0 / rows.len().max(1) as f64);
            }
            // The first round warms up clocks, caches and shaders, and shows how many steps fill [`SPELL`].
            if block == 0 {
                let shortest = e.samples.drain(..).fold(f64::INFINITY, f64::min);
                if e.engine.info().kind == EngineKind::Cpu {
                    e.together = (SPELL.as_secs_f64() * 1000.0 / shortest).clamp(1.0, f64::from(TOGETHER)) as u32;
                }
            }
        }
    }
    Ok(entrants.into_iter().map(|e| outcome(e, size, args, limit)).collect())
}

fn outcome(mut entrant: Entrant, size: Size, args: &BenchArgs, limit_ms: Option<f64>) -> Outcome {
    entrant.samples.sort_by(f64::total_cmp);
    let min_ms = entrant.samples.first().copied().unwrap_or(f64::NAN);
    let median_ms = entrant.samples.get(entrant.samples.len() / 2).copied().unwrap_or(f64::NAN);
    let Size { experts, top_k, .. } = size;
    let pairs_per_s = f64::from(size.tokens) * f64::from(experts) * f64::from(args.variants) / min_ms * 1000.0;
    let on_cpu = entrant.engine.info().kind == EngineKind::Cpu;
    Outcome {
        engine: entrant.name,
        size: format!("{}x{experts}x{top_k}", size.tokens),
        given_scores: args.given_scores,
        given_logits: args.given_logits,
        variants: args.variants,
        min_ms,
        median_ms,
        pairs_per_s,
        of_limit: limit_ms.filter(|_| on_cpu).map(|l| l / min_ms),
    }
}

/// The requested engines, all with the same start.
fn entrants(which: EngineArg, start: &Simulation) -> Result<Vec<Entrant>, Failure> {
    let mut all = vec![];
    if matches!(which, EngineArg::Auto | EngineArg::Cpu) {
        for kernel in Kernel::available() {
            all.push(Entrant::new(Box::new(CpuEngine::with_kernel(kernel, "measured")), 1, start));
        }
    }
    if matches!(which, EngineArg::Auto | EngineArg::Gpu) {
        match GpuEngine::open(true) {
            Ok(_) if start.trace().is_some_and(|t| t.gate_each_step) => {
                let why = "the GPU engine reads recorded scores, not logits";
                if matches!(which, EngineArg::Gpu) {
                    return Err(Failure::new(why.to_owned()));
                }
                output::note(&format!("no GPU was measured: {why}"));
            }
            Ok(engine) => all.push(Entrant::new(Box::new(engine), TOGETHER, start)),
            Err(e) if matches!(which, EngineArg::Gpu) => return Err(e.into()),
            Err(e) => output::note(&format!("no GPU was measured: {e}")),
        }
    }
    Ok(all)
}

fn simulation(size: Size, args: &BenchArgs) -> Result<Simulation, Failure> {
    let Size { experts, top_k, .. } = size;
    let router = Router { experts, top_k, gate: Gate::Sigmoid, ..Router::default() };
    // Different step sizes, so that no two variants have the same biases.
    let variant = |i: u32| Variant {
        router: router.clone(),
        balancer: Balancer { rate: 0.001 * f64::from(i + 1), ..Balancer::default() },
        ..Variant::default()
    };
    let variants = (0..args.variants).map(variant).collect();
    let (source, trace) = if args.given_scores || args.given_logits {
        let (tokens, experts) = (size.tokens as usize, experts as usize);
        let logits = (0..(RING * tokens * experts) as u32).map(normal).collect();
        let source = Source::Trace(TraceSource { file: "made up".into(), ..Default::default() });
        let mut trace = Trace::new(RING, tokens, experts, logits);
        trace.gate_each_step = args.given_logits;
        (source, Some(Arc::new(trace)))
    } else {
        (Source::Synthetic(Synthetic { batch: size.tokens, ..Synthetic::default() }), None)
    };
    Ok(Simulation::new(Experiment { seed: 1, source, variants }, trace)?)
}

/// A nearly normal number of variance 1: the centred sum of twelve uniform bytes.
fn normal(i: u32) -> f32 {
    let bytes = pcg4d(i, 0, Stream::NoiseLow, 1);
    let sum: u32 = bytes.iter().take(3).flat_map(|w| w.to_le_bytes()).map(u32::from).sum();
    (sum as f32 - 1530.0) / 256.0
}

fn table(outcomes: &[Outcome]) -> String {
    let mut rows = vec![["engine", "size", "min ms", "median ms", "pairs/s", "of limit"].map(String::from).to_vec()];
    for o in outcomes {
        rows.push(vec![
            o.engine.clone(),
            match (o.given_scores, o.given_logits, o.variants) {
                (true, ..) => format!("{}, given scores", o.size),
                (_, true, _) => format!("{}, given logits", o.size),
                (.., 1) => o.size.clone(),
                (.., n) => format!("{} × {n} variants", o.size),
            },
            figures(o.min_ms),
            figures(o.median_ms),
            scaled(o.pairs_per_s),
            o.of_limit.map_or_else(|| "–".into(), |l| format!("{:.0} %", l * 100.0)),
        ]);
    }
    let mut out = aligned(&rows).join("\n");
    out.push('\n');
    if outcomes.iter().any(|o| o.of_limit.is_some()) {
        out.push_str(
            "\nThe limit: the time this CPU needs at best for the dot products alone, measured in this run.\n",
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_checked() {
        assert_eq!(size("4096x64x6"), Ok(Size { tokens: 4096, experts: 64, top_k: 6 }));
        for wrong in ["4096", "4096x64", "4096x64x6x1", "0x64x6", "16x2000x6", "16x64x33", "16x4x5", "ax4x2", ""] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
