//! The report of a run as one JSON object.

use super::{Keep, Report, in_order};
use crate::cli::failure::Failure;
use moebias_engine::run::Run;
use moebias_engine::{EngineInfo, EngineKind};
use moebias_model::config::{Capacity, Experiment, Groups, Rule, Source, Variant};
use moebias_model::diagnose::Finding;
use moebias_model::figures::Figures;
use moebias_model::theory::correlation;
use serde::Serialize;

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
    /// The settings at the end of the run, under the names that scenarios use.
    settings: JsonSettings,
    digest: String,
    maxvio: &'a [f64],
    /// NMSE of every step: the task loss relative to that of predicting nothing. Absent if nothing learns; null once learning has diverged.
    #[serde(skip_serializing_if = "Option::is_none")]
    nmse: Option<&'a [Option<f64>]>,
    loads: Steps<'a, u32>,
    bias: Steps<'a, f64>,
    /// The figures of the whole run.
    figures: JsonFigures,
    findings: Vec<JsonFinding>,
    /// The correlation of the last biases with those that the recorded model had learned.
    #[serde(skip_serializing_if = "Option::is_none")]
    learned_correlation: Option<f64>,
}

/// The token source at the end of the run. A setting that the source does not have is null.
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

/// The settings of a variant. Settings that the rule does not use are null, as are groups and capacity if there are none.
#[derive(Serialize)]
struct JsonSettings {
    rule: &'static str,
    step_size: Option<f64>,
    /// The symbol that the rule uses for the step size: u, λ, Kᵢ or μ.
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

/// The figures of a whole run. A value that was not reached is null.
#[derive(Serialize)]
struct JsonFigures {
    /// The first step from which the run stayed in balance for 64 steps, counted from the start of the run.
    settling_time: Option<u64>,
    /// The step of the last change of a setting, from which the steady figures count; null if nothing was changed.
    changed: Option<u64>,
    /// Whether the run has settled since.
    settled: bool,
    /// Mean MaxVio of the last 100 steps after settling, or of the last 100 steps if the run has not settled; only steps since the last
    /// change count.
    steady_maxvio: Option<f64>,
    /// Mean share of assignments moved by the bias, over the same steps.
    moved_share: Option<f64>,
    /// Mean share of assignments dropped because the expert was full, over the same steps.
    dropped_share: Option<f64>,
    /// The share of steps in balance.
    time_in_balance: Option<f64>,
    /// The amplitude with which the biases swing around their trend, score units.
    oscillation_amplitude: Option<f64>,
    /// The period of the swing, steps.
    oscillation_period: Option<f64>,
}

impl JsonFigures {
    /// The figures of a run whose first step was `first`.
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

/// A finding about a variant.
#[derive(Serialize)]
struct JsonFinding {
    kind: &'static str,
    since: u64,
    /// The first step without it; null where it lasts.
    until: Option<u64>,
    experts: Vec<usize>,
    /// The finding as a sentence.
    text: String,
}

impl From<&Finding> for JsonFinding {
    fn from(f: &Finding) -> Self {
        let (kind, experts, text) = (f.kind.key(), f.experts.clone(), f.sentence());
        Self { kind, since: f.since, until: f.until, experts, text }
    }
}

/// Values of the last step only, or of every step.
#[derive(Serialize)]
#[serde(untagged)]
enum Steps<'a, T> {
    Last(&'a [T]),
    All(&'a [Vec<T>]),
}

impl Report {
    /// One JSON object on one line.
    ///
    /// # Errors
    /// The object cannot be serialised, which no known run causes.
    pub(in crate::cli) fn json(&self, run: &Run, engine: &EngineInfo) -> Result<String, Failure> {
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
}

fn steps<T>(rows: &[Vec<T>], all: bool) -> Steps<'_, T> {
    if all { Steps::All(rows) } else { Steps::Last(rows.last().map(Vec::as_slice).unwrap_or_default()) }
}
