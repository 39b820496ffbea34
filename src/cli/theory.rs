//! `moebias theory`: prints the figures of the Theory pane, so that they can be checked without a window.

use super::failure::Failure;
use super::output::{self, aligned, figures, styled, thousands};
use super::progress::Progress;
use super::{TheoryArgs, input};
use moebias_engine::cpu::CpuEngine;
use moebias_engine::run::{Run, lock};
use moebias_engine::start::RunId;
use moebias_engine::theory::{self, Examined, Node, Point, bias_of_state, examine, nodes_of, regret};
use moebias_model::balance::rates_at;
use moebias_model::config::Source;
use moebias_model::fixed::{SCORE_ONE, from_q32};
use moebias_model::theory::online::{Distance, Reference};
use moebias_model::theory::{band, correlation, lagrangian, optimum};
use serde::Serialize;
use std::fmt::Write as _;

/// The figures of one variant.
#[derive(Debug, Default, Serialize)]
struct Found {
    name: String,
    /// Why the price view does not apply, if it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked: Option<String>,
    /// Tokens examined per step, and tokens per step.
    tokens: (usize, u32),
    /// Whether every step has the same batch.
    fixed: bool,
    /// The Lagrangian of every step before its update, score units per token.
    lagrangian: Vec<f64>,
    /// The switching benefit of every step.
    benefit: Vec<f64>,
    /// How much the prices took in every step; u Σ|A − L| for the sign rule.
    taken: Vec<f64>,
    /// The number of steps in which the Lagrangian rose.
    rises: usize,
    /// The number of steps that violate the change identity in integer arithmetic; must be 0.
    identity_failures: usize,
    /// The number of pairs of a dropped and a taken expert.
    pairs: u64,
    /// The number of pairs that violate the preference rule in its general form; must be 0.
    violations: u64,
    /// The number of pairs whose taken expert had at least as many tokens as the dropped one.
    against_load: u64,
    /// Dual bound for the tokens of the last step before its update, score units per token.
    bound: f64,
    /// The exact optimum for the same tokens, if the problem is small enough to solve.
    optimum: Option<f64>,
    /// The largest |load − L| of the last step, tokens.
    furthest: f64,
    /// Whether the conditions of the band hold: K = 1, one batch repeated, and the sign rule.
    band_applies: bool,
    /// The half-width of the band, tokens.
    band: usize,
    /// The largest step size for which theory guarantees the band.
    largest_admissible_rate: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    online: Option<OnlineFound>,
    /// The correlation of the biases with those that the recorded model had learned.
    #[serde(skip_serializing_if = "Option::is_none")]
    learned_correlation: Option<f64>,
    /// MaxVio by size of the computation batch: tokens, mean, smallest, largest.
    batch_sizes: Vec<(u64, f64, f64, f64)>,
}

#[derive(Debug, Serialize)]
struct OnlineFound {
    /// The number of tokens in the reference sample.
    sample: usize,
    /// rms(p − p*), score units.
    distance: f64,
    /// The largest gap between a bias and its optimum, score units.
    gap: f64,
    /// Δ/(2u) at the current u: the steps that the largest gap takes.
    settling_steps: Option<f64>,
    /// μ = T·λ₂.
    modulus: Option<f64>,
    /// Σ f(p_n) − f(p*), score units.
    regret: f64,
}

#[derive(Serialize)]
struct Json<'a> {
    scenario: &'a str,
    steps: u64,
    digest: String,
    variants: &'a [Found],
}

pub(super) fn theory(args: &TheoryArgs) -> Result<(), Failure> {
    let input = input::open(&args.file, &args.reading)?;
    let mut run = Run::new(RunId(0), input.start.clone())?;
    run.watched = true;
    let end = args.steps.map_or(input.end(), |n| input.first().saturating_add(n));
    let mut engine = CpuEngine::new("chosen");
    let mut beside = CpuEngine::new("chosen");
    let names: Vec<String> = input.start.experiment.variants.iter().map(|v| v.name.to_string()).collect();
    let mut found: Vec<Found> = names.into_iter().map(|name| Found { name, ..Found::default() }).collect();
    let mut last: Vec<Option<Examined>> = found.iter().map(|_| None).collect();
    let mut progress = Progress::new("Looking", end - input.first());
    while run.step() < end {
        run.advance(&mut engine, 1, |_, _| {})?;
        for (v, (found, last)) in found.iter_mut().zip(&mut last).enumerate() {
            let Some(mut before) = run.before_last(&mut beside) else { continue };
            match examine(&mut before, &mut beside, v) {
                Ok(examined) => {
                    take(found, &examined);
                    *last = Some(examined);
                }
                Err(why) => found.blocked = Some(why),
            }
        }
        progress.at(run.step() - input.first());
    }
    drop(progress);
    // Like the other figures, these are about the last batch that was routed.
    let before = run.before_last(&mut beside);
    let sizes = theory::sizes(&before.unwrap_or_else(|| run.simulation().clone()).next_batch());
    for (v, found) in found.iter_mut().enumerate() {
        finish(found, last[v].as_ref());
        found.online = if found.blocked.is_none() { online(&mut run, v) } else { None };
        found.batch_sizes = sizes[v].iter().map(|s| (s.tokens, s.mean, s.low, s.high)).collect();
        let state = &run.simulation().state().variants[v];
        if let Some(trace) = run.simulation().trace().filter(|t| t.learned_bias.len() == state.bias.len()) {
            let ours: Vec<f64> = state.bias.iter().map(|&b| from_q32(b)).collect();
            found.learned_correlation = correlation(&ours, &trace.learned_bias);
        }
    }
    if args.json {
        let digest = run.simulation().digest().to_string();
        let json = Json { scenario: &input.title, steps: end - input.first(), digest, variants: &found };
        let text = serde_json::to_string(&json).map_err(|e| Failure::new(format!("no JSON could be made: {e}")))?;
        return output::print_json(&(text + "\n"));
    }
    output::print(&table(&input.title, end - input.first(), &found))
}

fn take(found: &mut Found, examined: &Examined) {
    let Point { value, benefit, taken, rises, .. } = examined.point();
    let c = &examined.change;
    found.lagrangian.push(value);
    found.benefit.push(benefit);
    found.taken.push(taken);
    found.rises += usize::from(rises);
    found.identity_failures += usize::from(c.after - c.before != c.priced + c.benefit);
    found.pairs += examined.moves.pairs;
    found.violations += examined.moves.violations;
    found.against_load += examined.moves.against_load;
}

fn finish(found: &mut Found, last: Option<&Examined>) {
    let Some(e) = last else { return };
    found.tokens = (e.problem.tokens(), e.batch);
    found.fixed = e.fixed;
    found.bound = e.score(lagrangian::bound(&e.problem, &e.before));
    found.optimum = optimum::solve(&e.problem, &e.before.prices).map(|o| e.score(o.value));
    found.furthest = e.furthest();
    found.band_applies = e.band_applies();
    found.band = e.problem.experts() - 1;
    found.largest_admissible_rate = band::largest_step(&e.problem).map(|q| q as f64 / f64::from(SCORE_ONE));
}

fn online(run: &mut Run, v: usize) -> Option<OnlineFound> {
    let (problem, start) = theory::reference(run.simulation_mut(), v)?;
    let whole = matches!(run.simulation().experiment().source, Source::Fixed(_));
    let reference = Reference::new(problem, &start, whole);
    let simulation = run.simulation();
    let (state, settings) = (simulation.state().variants.get(v)?, simulation.experiment().variants.get(v)?);
    let (first, from) = (run.first_step(), state.schedule_from.max(run.first_step()));
    let history = lock(&run.history);
    let initial: Vec<f64> = match &run.start.state {
        Some(start) => start.variants.get(v)?.bias.iter().map(|&b| from_q32(b)).collect(),
        None => simulation.start_bias(v).into_iter().map(from_q32).collect(),
    };
    let node = |s: u64| {
        let bias = if s == first { Some(initial.clone()) } else { bias_of_state(history.variants.get(v)?, s, first) };
        Some(Node::new(&reference, s, &bias?))
    };
    let nodes: Vec<Node> = nodes_of(from, run.step()).into_iter().filter_map(node).collect();
    let Node { distance, .. } = *nodes.last()?;
    let Distance { rms, gap } = distance;
    let rate = from_q32(rates_at(&settings.balancer, run.step(), state.schedule_from).rate);
    Some(OnlineFound {
        sample: reference.tokens(),
        distance: rms,
        gap,
        settling_steps: distance.steps(rate),
        modulus: reference.curvature.map(|c| c.lambda * f64::from(simulation.batch())),
        regret: regret(&nodes, simulation.batch()).last().map_or(0.0, |r| r.1),
    })
}

fn table(title: &str, steps: u64, all: &[Found]) -> String {
    let (bold, dim, plain) = if styled() { ("\x1b[1m", "\x1b[2m", "\x1b[0m") } else { ("", "", "") };
    let mut out = String::new();
    writeln!(out, "{bold}{title}{plain}  the price view of {} steps", thousands(steps)).ok();
    for f in all {
        writeln!(out, "\n{bold}{}{plain}", f.name).ok();
        if let Some(why) = &f.blocked {
            writeln!(out, "  {why}").ok();
        } else {
            for line in aligned(&rows(f)) {
                writeln!(out, "  {line}").ok();
            }
        }
        let sizes: Vec<String> = f.batch_sizes.iter().map(|s| format!("{} → {:.3}", thousands(s.0), s.1)).collect();
        writeln!(out, "  {dim}MaxVio of computation batches, by tokens:{plain} {}", sizes.join(", ")).ok();
    }
    writeln!(
        out,
        "\n{dim}Our own derivation, in the spirit of Han & Zhong 2025, whose theorem texts were not available to us.{plain}"
    )
    .ok();
    out
}

fn rows(f: &Found) -> Vec<Vec<String>> {
    let looked = f.lagrangian.len();
    let count = |n: u64, of: u64| format!("{} of {}", thousands(n), thousands(of));
    let ends = f.lagrangian.first().zip(f.lagrangian.last());
    let known = |x: Option<f64>, none: &str| x.map_or(none.to_owned(), figures);
    let mut rows = vec![
        ("tokens looked at per step", count(f.tokens.0 as u64, u64::from(f.tokens.1))),
        ("Lagrangian per token, first and last", ends.map_or("–".into(), |(a, b)| format!("{a:.6} → {b:.6}"))),
        ("steps in which it rose", count(f.rises as u64, looked as u64)),
        ("steps against the change identity", count(f.identity_failures as u64, looked as u64)),
        ("pairs against the preference rule", count(f.violations, f.pairs)),
        ("pairs not down the load", count(f.against_load, f.pairs)),
        ("exact optimum of the last batch", f.optimum.map_or("too large".into(), |o| format!("{o:.6}"))),
        ("gap of the dual bound to it", f.optimum.map_or("–".into(), |o| format!("{:.6}", f.bound - o))),
        ("largest distance from fair, tokens", figures(f.furthest)),
    ];
    if f.band_applies {
        rows.push(("band, tokens from fair", f.band.to_string()));
        rows.push(("largest admissible u", known(f.largest_admissible_rate, "not computed")));
    }
    if let Some(o) = &f.online {
        rows.push(("biases from the optimum, rms", figures(o.distance)));
        rows.push(("largest gap to go", figures(o.gap)));
        rows.push(("that gap over 2u, steps", known(o.settling_steps.map(f64::ceil), "never")));
        if !f.fixed {
            rows.push(("curvature μ", known(o.modulus, "not estimated")));
        }
        rows.push(("regret", figures(o.regret)));
    }
    if let Some(r) = f.learned_correlation {
        rows.push(("correlation with the learned bias", format!("{r:.4}")));
    }
    rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect()
}
