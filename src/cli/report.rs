//! What a run showed: gathered row by row, told as a table or as one JSON object.

use super::failure::Failure;
use super::input::Input;
use super::output::{aligned, counted, figures, scaled, styled, thousands};
use moebias_engine::run::Run;
use moebias_engine::{EngineInfo, EngineKind};
use moebias_model::config::{Capacity, Experiment, Groups, Rule, Source, Variant};
use moebias_model::diagnose::Finding;
use moebias_model::figures::Figures;
use moebias_model::fixed::from_q32;
use moebias_model::metrics::{Metrics, Settling};
use moebias_model::naming::Name;
use moebias_model::row::StepRow;
use moebias_model::sweep::Measure;
use moebias_model::theory::correlation;
use serde::Serialize;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// More numbers than this are not gathered in memory.
const MOST_NUMBERS: u64 = 100_000_000;

/// How much to remember.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// The first and the last step.
    Ends,
    /// MaxVio of every step.
    MaxVio,
    /// Loads and biases of every step too.
    All,
}

/// What one variant showed.
#[derive(Debug, Default)]
struct Seen {
    first_max_vio: f64,
    first_nmse: Option<f64>,
    last: Metrics,
    settling: Settling,
    max_vio: Vec<f64>,
    nmse: Vec<Option<f64>>,
    loads: Vec<Vec<u32>>,
    bias: Vec<Vec<f64>>,
}

/// What a run showed.
#[derive(Debug)]
pub(super) struct Report {
    title: String,
    keep: Keep,
    first: u64,
    rows: u64,
    tokens: u64,
    started: Instant,
    took: Duration,
    variants: Vec<Seen>,
}

#[derive(Serialize)]
struct JsonRun<'a> {
    scenario: &'a str,
    engine: &'static str,
    adapter: &'a str,
    steps: u64,
    #[serde(flatten)]
    tokens: JsonTokens,
    digest: String,
    variants: Vec<JsonVariant<'a>>,
}

#[derive(Serialize)]
struct JsonVariant<'a> {
    name: &'a str,
    /// At the end of the run, called as in scenarios.
    settings: JsonSettings,
    digest: String,
    maxvio: &'a [f64],
    /// Task loss over what predicting nothing comes to, of every step; absent where nothing learns, null where it has diverged.
    #[serde(skip_serializing_if = "Option::is_none")]
    nmse: Option<&'a [Option<f64>]>,
    loads: Steps<'a, u32>,
    bias: Steps<'a, f64>,
    /// What the run comes to.
    figures: JsonFigures,
    findings: Vec<JsonFinding>,
    /// Of the last biases with those that the recorded model had learned.
    #[serde(skip_serializing_if = "Option::is_none")]
    learned_correlation: Option<f64>,
}

/// The tokens at the end of the run; null where the source has no such setting.
#[derive(Serialize)]
struct JsonTokens {
    source: &'static str,
    trace: Option<String>,
    seed: u32,
    batch: u32,
    topics: Option<u32>,
    skew: Option<f64>,
    noise: Option<f64>,
    drift: Option<f64>,
    burst: Option<u32>,
}

impl JsonTokens {
    fn of(experiment: &Experiment, batch: u32) -> Self {
        let seed = experiment.seed;
        let none = Self {
            source: "trace",
            trace: None,
            seed,
            batch,
            topics: None,
            skew: None,
            noise: None,
            drift: None,
            burst: None,
        };
        match &experiment.source {
            Source::Trace(t) => Self { trace: Some(t.file.clone()), ..none },
            Source::Learning(w) => Self {
                source: "learning",
                topics: Some(w.topics),
                skew: Some(w.skew),
                noise: Some(w.noise),
                drift: Some(w.drift),
                burst: Some(w.burst),
                ..none
            },
            Source::Synthetic(s) | Source::Fixed(s) => Self {
                source: if matches!(experiment.source, Source::Fixed(_)) { "fixed" } else { "synthetic" },
                topics: Some(s.topics),
                skew: Some(s.skew),
                noise: Some(s.noise),
                drift: Some(s.drift),
                burst: Some(s.burst),
                ..none
            },
        }
    }
}

/// Null where the rule does not use it, and where there are no groups and no capacity.
#[derive(Serialize)]
struct JsonSettings {
    rule: &'static str,
    step_size: Option<f64>,
    /// What the rule calls it: u, λ, Kᵢ or μ.
    step_symbol: Option<&'static str>,
    schedule: Option<&'static str>,
    top_k: u32,
    experts: u32,
    gate: &'static str,
    groups: Option<Groups>,
    capacity: Option<Capacity>,
    centred: Option<bool>,
    freeze: Option<u64>,
    momentum: Option<f64>,
    steepness: Option<f64>,
    derivative: Option<f64>,
    zero_experts: Option<u32>,
    real_experts: Option<f64>,
    average: Option<f64>,
    iterations: Option<u32>,
}

impl From<&Variant> for JsonSettings {
    fn from(v: &Variant) -> Self {
        let (router, balancer) = (&v.router, &v.balancer);
        let (rule, steps) = (balancer.rule, balancer.rule.has_step());
        let real = |used: bool, x: f64| used.then_some(x);
        Self {
            rule: rule.key(),
            step_size: real(steps, balancer.rate),
            step_symbol: steps.then(|| rule.step_sign()),
            schedule: steps.then(|| balancer.schedule.key()),
            top_k: router.top_k,
            experts: router.experts,
            gate: router.gate.key(),
            groups: router.groups,
            capacity: router.capacity,
            centred: steps.then_some(balancer.centred),
            freeze: balancer.freeze.filter(|_| rule.moves_biases()),
            momentum: real(rule == Rule::Smebu, balancer.momentum),
            steepness: real(rule == Rule::Smebu, balancer.steepness),
            derivative: real(rule == Rule::IdBalancing, balancer.derivative),
            zero_experts: (rule == Rule::LongCat).then_some(balancer.zero_experts),
            real_experts: real(rule == Rule::LongCat, balancer.real_experts),
            average: real(rule == Rule::Quantile, balancer.average),
            iterations: (rule == Rule::Bip).then_some(balancer.iterations),
        }
    }
}

/// Null where a value is not reached.
#[derive(Serialize)]
struct JsonFigures {
    /// First step from which it stayed in balance for 64, counted from the first.
    settling_time: Option<u64>,
    /// The step of the last change of a setting, from which the steady figures count; null where there was none.
    changed: Option<u64>,
    /// Whether it has settled since.
    settled: bool,
    /// Mean MaxVio of the last 100 steps after settling; of the last 100 of all where it has not settled, but none before the last change.
    steady_maxvio: Option<f64>,
    /// Mean share of assignments moved by the bias, over the same steps.
    moved_share: Option<f64>,
    /// Mean share of assignments dropped for lack of room, over the same steps.
    dropped_share: Option<f64>,
    /// Share of steps in balance.
    time_in_balance: Option<f64>,
    /// How the biases swing round their trend, score units.
    oscillation_amplitude: Option<f64>,
    /// Steps.
    oscillation_period: Option<f64>,
}

impl JsonFigures {
    /// Of a run that began at this step.
    fn new(f: Figures, first: u64) -> Self {
        Self {
            settling_time: f.settling,
            changed: (f.changed > 0).then(|| first + f.changed),
            settled: f.settled,
            steady_maxvio: f.steady,
            moved_share: f.moved,
            dropped_share: f.dropped,
            time_in_balance: f.in_balance,
            oscillation_amplitude: f.oscillation.map(|o| o.amplitude),
            oscillation_period: f.oscillation.and_then(|o| o.period),
        }
    }
}

/// What was noticed in a variant.
#[derive(Serialize)]
struct JsonFinding {
    kind: &'static str,
    since: u64,
    /// The first step without it; null where it lasts.
    until: Option<u64>,
    experts: Vec<usize>,
    /// In words.
    text: String,
}

impl From<&Finding> for JsonFinding {
    fn from(f: &Finding) -> Self {
        let (kind, experts, text) = (f.kind.key(), f.experts.clone(), f.sentence());
        Self { kind, since: f.since, until: f.until, experts, text }
    }
}

/// The last step alone, or every step.
#[derive(Serialize)]
#[serde(untagged)]
enum Steps<'a, T> {
    Last(&'a [T]),
    All(&'a [Vec<T>]),
}

impl Report {
    /// An empty report of a run of `steps` steps.
    ///
    /// # Errors
    /// More would have to be kept than fits.
    pub(super) fn new(input: &Input, keep: Keep, steps: u64) -> Result<Self, Failure> {
        let variants = &input.start.experiment.variants;
        let per_step: u64 = match keep {
            Keep::Ends => 0,
            Keep::MaxVio => 2 * variants.len() as u64,
            Keep::All => variants.iter().map(|v| 2 + 2 * u64::from(v.router.experts)).sum(),
        };
        let numbers = per_step.saturating_mul(steps);
        if numbers > MOST_NUMBERS {
            let (n, most) = (thousands(numbers), thousands(MOST_NUMBERS));
            let text = format!("--json would print {n} numbers, but at most {most}: ask for fewer steps, or use --csv");
            return Err(Failure::new(text));
        }
        Ok(Self {
            title: input.title.clone(),
            keep,
            first: input.first(),
            rows: 0,
            tokens: 0,
            started: Instant::now(),
            took: Duration::ZERO,
            variants: variants.iter().map(|_| Seen::default()).collect(),
        })
    }

    /// Takes in the next step.
    pub(super) fn push(&mut self, row: &StepRow, metrics: &[Metrics]) {
        for ((seen, v), metrics) in self.variants.iter_mut().zip(&row.variants).zip(metrics) {
            if self.rows == 0 {
                seen.first_max_vio = metrics.max_vio;
                seen.first_nmse = metrics.learning.map(|l| l.nmse);
            }
            seen.last = *metrics;
            seen.settling.push(row.step, metrics);
            if self.keep != Keep::Ends {
                seen.max_vio.push(metrics.max_vio);
                seen.nmse.push(metrics.learning.map(|l| l.nmse));
            }
            if self.keep != Keep::All {
                seen.loads.clear();
                seen.bias.clear();
            }
            seen.loads.push(v.loads.clone());
            seen.bias.push(v.bias.iter().map(|&b| from_q32(b)).collect());
        }
        self.rows += 1;
        self.tokens += u64::from(row.tokens);
        self.took = self.started.elapsed();
    }

    /// One JSON object on one line.
    ///
    /// # Errors
    /// Never, as far as anybody knows.
    pub(super) fn json(&self, run: &Run, engine: &EngineInfo) -> Result<String, Failure> {
        let simulation = run.simulation();
        let states = &simulation.state().variants;
        let all = self.keep == Keep::All;
        let learns = simulation.experiment().world().is_some();
        let variants = self.variants.iter().zip(&simulation.experiment().variants).zip(states).zip(run.figures());
        let json = JsonRun {
            scenario: &self.title,
            engine: match engine.kind {
                EngineKind::Cpu => "cpu",
                EngineKind::Gpu => "gpu",
            },
            adapter: &engine.adapter,
            steps: self.rows,
            tokens: JsonTokens::of(simulation.experiment(), simulation.batch()),
            digest: simulation.digest().to_string(),
            variants: variants
                .enumerate()
                .map(|(i, (((seen, v), state), figures))| JsonVariant {
                    name: &v.name,
                    settings: JsonSettings::from(v),
                    findings: in_order(run, i).iter().map(JsonFinding::from).collect(),
                    digest: state.digest.to_string(),
                    maxvio: &seen.max_vio,
                    nmse: learns.then_some(&seen.nmse[..]),
                    loads: steps(&seen.loads, all),
                    bias: steps(&seen.bias, all),
                    figures: JsonFigures::new(figures, self.first),
                    learned_correlation: simulation
                        .trace()
                        .zip(seen.bias.last())
                        .filter(|(trace, ours)| trace.learned_bias.len() == ours.len())
                        .and_then(|(trace, ours)| correlation(ours, &trace.learned_bias)),
                })
                .collect(),
        };
        let text = serde_json::to_string(&json).map_err(|e| Failure::new(format!("no JSON could be made: {e}")))?;
        Ok(text + "\n")
    }

    /// A table with a line per variant.
    pub(super) fn table(&self, run: &Run, engine: &EngineInfo) -> String {
        let simulation = run.simulation();
        let experiment = simulation.experiment();
        let end = self.first + self.rows;
        let mut header =
            ["", "MaxVio", "in balance from", "bias", "moved by the bias", "floor"].map(String::from).to_vec();
        let learns = experiment.world().is_some();
        // With a capacity, MaxVio of what was kept says half of the truth.
        let capacity = experiment.variants.iter().any(|v| v.router.capacity.is_some());
        if capacity {
            header.insert(2, "dropped".into());
        }
        if learns {
            header.extend(["NMSE", "e^loss", "cos", "α·aux/task", "score"].map(String::from));
        }
        let mut rows = vec![header];
        for (seen, v) in self.variants.iter().zip(&experiment.variants) {
            let settled = match seen.settling.step() {
                Some(step) => format!("step {}", thousands(step)),
                None => format!("not reached by {}", thousands(end)),
            };
            // That of the last step, as the findings and the window have it.
            let floor = if seen.last.floor > 0.0 { format!("{:.2}", seen.last.floor) } else { "—".into() };
            let mut row = vec![
                v.name.to_string(),
                format!("{:.2} → {:.2}", seen.first_max_vio, seen.last.max_vio),
                settled,
                format!("{} … {}", signed(seen.last.bias_min), signed(seen.last.bias_max)),
                format!("{:.1} %", 100.0 * seen.last.moved),
                floor,
            ];
            if capacity {
                let dropped = v.router.capacity.map(|_| format!("{:.1} %", 100.0 * seen.last.dropped));
                row.insert(2, dropped.unwrap_or_else(|| "—".into()));
            }
            row.extend(learned(seen).into_iter().filter(|_| learns));
            rows.push(row);
        }
        let seconds = self.took.as_secs_f64().max(1e-9);
        let per_second = |n: u64| scaled(n as f64 / seconds);
        let (bold, dim, plain) = if styled() { ("\x1b[1m", "\x1b[2m", "\x1b[0m") } else { ("", "", "") };
        let mut out = String::new();
        let steps = format!("steps {} to {}", thousands(self.first), thousands(end));
        writeln!(out, "{bold}{}{plain}  {steps}\n", self.title).ok();
        for (i, line) in aligned(&rows).iter().enumerate() {
            let style = if i == 0 { dim } else { "" };
            writeln!(out, "  {style}{line}{}", if i == 0 { plain } else { "" }).ok();
        }
        writeln!(out).ok();
        for (i, line) in aligned(&standings(run)).iter().enumerate() {
            let style = if i == 0 { dim } else { "" };
            writeln!(out, "  {style}{line}{}", if i == 0 { plain } else { "" }).ok();
        }
        let mut changes: Vec<u64> = run.figures().iter().map(|f| f.changed).filter(|c| *c > 0).collect();
        changes.dedup();
        if !changes.is_empty() {
            let steps: Vec<String> = changes.iter().map(|c| thousands(self.first + c)).collect();
            let steps = steps.join(" or ");
            writeln!(
                out,
                "\n  {dim}steady MaxVio and moved by the bias count from the last change, at step {steps}{plain}"
            )
            .ok();
        }
        let mut space = "\n";
        for (i, v) in experiment.variants.iter().enumerate() {
            for finding in in_order(run, i) {
                let of = if experiment.variants.len() > 1 { format!("{}: ", v.name) } else { String::new() };
                let when = match finding.until {
                    None => format!("since step {}", thousands(finding.since)),
                    Some(until) => format!("step {} to {}", thousands(finding.since), thousands(until)),
                };
                let what = finding.sentence();
                writeln!(out, "{space}  {of}{bold}{}{plain}, {when}. {what}.", finding.name()).ok();
                space = "";
            }
        }
        let digest = simulation.digest();
        writeln!(out, "\n  {dim}digest{plain}  {digest}").ok();
        writeln!(out, "  {dim}engine{plain}  {}, {} ({})", engine.kind, engine.adapter, engine.reason).ok();
        if learns {
            writeln!(
                out,
                "  {dim}repeats{plain} on the CPU engine, with any number of threads: learning computes in floats"
            )
            .ok();
        }
        let (steps, tokens) = (per_second(self.rows), per_second(self.tokens));
        writeln!(out, "  {dim}speed{plain}   {steps} steps/s, {tokens} tokens/s").ok();
        out
    }
}

/// What each variant comes to.
fn standings(run: &Run) -> Vec<Vec<String>> {
    let [settling, steady, moved, balance, swing] =
        [Measure::Settling, Measure::Steady, Measure::Moved, Measure::InBalance, Measure::Amplitude]
            .map(Measure::in_sentence);
    let header = [String::new(), settling, steady, moved, balance, swing, "period of the swing".into()];
    let variants = &run.simulation().experiment().variants;
    let capacity = variants.iter().any(|v| v.router.capacity.is_some());
    let dropped = capacity.then(|| Measure::Dropped.in_sentence());
    let percent = |x: Option<f64>| x.map_or("—".into(), |x| format!("{:.1} %", 100.0 * x));
    let of = |(name, f): (&Name, Figures)| {
        let steady = f.steady.map_or("—".into(), |x| format!("{x:.3}"));
        let period = f.oscillation.and_then(|o| o.period);
        vec![
            name.to_string(),
            f.settling.map_or("not settled".into(), |n| counted(n, "step")),
            if !f.settled && f.steady.is_some() { format!("{steady} so far") } else { steady },
            percent(f.moved),
            percent(f.in_balance),
            f.oscillation.map_or("—".into(), |o| format!("±{}", figures(o.amplitude))),
            period.map_or("—".into(), |p| format!("{p} steps")),
        ]
        .into_iter()
        .chain(capacity.then(|| percent(f.dropped)))
        .collect()
    };
    let names = run.simulation().experiment().variants.iter().map(|v| &v.name);
    let rows = names.zip(run.figures()).map(of);
    std::iter::once(header.into_iter().chain(dropped).collect()).chain(rows).collect()
}

/// What was found in a variant, in the order in which it was seen.
fn in_order(run: &Run, variant: usize) -> Vec<Finding> {
    let mut findings = run.findings(variant).to_vec();
    findings.sort_by_key(|f| (f.since, f.kind));
    findings
}

/// NMSE first and last, and the other figures of the last step.
fn learned(seen: &Seen) -> Vec<String> {
    let Some(l) = seen.last.learning else { return vec!["diverged".into()] };
    let percent = |x: f64| format!("{:.1} %", 100.0 * x);
    let first = seen.first_nmse.map(|n| format!("{} → ", percent(n))).unwrap_or_default();
    let signed = |x: f64| format!("{x:+.2}").replace('-', "−");
    let (e, force, score) = (l.perplexity(), l.force, l.mean_score);
    vec![
        format!("{first}{}", percent(l.nmse)),
        format!("{e:.3}"),
        signed(l.cosine),
        format!("{force:.2}"),
        format!("{score:.2}"),
    ]
}

fn steps<T>(rows: &[Vec<T>], all: bool) -> Steps<'_, T> {
    if all { Steps::All(rows) } else { Steps::Last(rows.last().map(Vec::as_slice).unwrap_or_default()) }
}

fn signed(x: f64) -> String {
    if x > 0.0 { format!("+{}", figures(x)) } else { figures(x).replace('-', "−") }
}
