//! `moebias layers`: routes every layer of a recording again, all at once, each layer with biases of its own.

use super::LayersArgs;
use super::failure::Failure;
use super::input;
use super::output::{self, aligned, counted, figures, scaled, styled, thousands};
use super::progress::Progress;
use moebias_engine::layers::{Layers, Standing};
use moebias_files::Examined;
use moebias_model::config::Experiment;
use moebias_model::fixed::from_q32;
use moebias_model::metrics::entropy;
use moebias_recordings::EveryLayer;
use serde::Serialize;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

pub(super) fn layers(args: &LayersArgs) -> Result<(), Failure> {
    let name = args.file.display().to_string();
    let (experiment, examined) = input::recording(&args.file, &args.reading)?;
    let every = examined.every_layer()?;
    let chosen = every.layers(examined.trace.experts);
    let steps = args.steps.unwrap_or(every.steps() as u64);
    let wrong = |e: &dyn std::fmt::Display| Failure::new(format!("{name}: {e}"));
    let first = Arc::new(every.step(chosen[0], 0).map_err(|e| wrong(&e))?);
    let mut layers = Layers::new(experiment.clone(), &first, &every.starts(&chosen)).map_err(|e| wrong(&e))?;
    drop(first);
    let mut progress = Progress::new("Routing", steps);
    let began = Instant::now();
    for step in 0..steps {
        let at = (step % every.steps() as u64) as usize;
        layers.advance(|layer| every.step(chosen[layer], at)).map_err(|e| Failure::new(e.to_string()))?;
        progress.at(step + 1);
    }
    drop(progress);
    let seconds = began.elapsed().as_secs_f64();
    let report = Report { name: &name, examined: &examined, experiment: &experiment, every: &every, steps, seconds };
    let rows: Vec<Row> = chosen.iter().zip(layers.standings()).map(|(&l, s)| Row::new(every.name(l), &s)).collect();
    if args.json { report.print_json(&rows) } else { output::print(&report.table(&rows)) }
}

/// What the report says of all layers together.
struct Report<'a> {
    name: &'a str,
    examined: &'a Examined,
    experiment: &'a Experiment,
    every: &'a EveryLayer,
    steps: u64,
    seconds: f64,
}

/// The figures of one layer at the end of the run.
#[derive(Serialize)]
struct Row {
    layer: String,
    maxvio: f64,
    maxvio_16: f64,
    dropped_share: f64,
    /// Entropy of the loads of the last 64 steps, nats.
    entropy: f64,
    effective_experts: f64,
    dead: u32,
    busiest: usize,
    emptiest: usize,
    /// The smallest and the largest bias, score units.
    bias: [f64; 2],
    digest: String,
}

impl Row {
    fn new(layer: &str, standing: &Standing) -> Self {
        let m = &standing.metrics;
        let at = |wanted: Option<&u64>| standing.loads.iter().position(|l| Some(l) == wanted).unwrap_or(0);
        let bias = |b: Option<&i64>| b.map_or(0.0, |&b| from_q32(b));
        Self {
            layer: layer.to_owned(),
            maxvio: m.max_vio,
            maxvio_16: m.max_vio_16,
            dropped_share: m.dropped,
            entropy: entropy(&standing.loads),
            effective_experts: m.effective,
            dead: m.dead,
            busiest: at(standing.loads.iter().max()),
            emptiest: at(standing.loads.iter().min()),
            bias: [bias(standing.bias.iter().min()), bias(standing.bias.iter().max())],
            digest: standing.digest.to_string(),
        }
    }
}

#[derive(Serialize)]
struct Json<'a> {
    file: &'a str,
    variant: String,
    steps: u64,
    tokens: usize,
    experts: usize,
    pairs_per_second: f64,
    layers: &'a [Row],
}

impl Report<'_> {
    fn pairs(&self, layers: usize) -> f64 {
        let pairs = self.steps as f64 * (layers * self.every.tokens() * self.examined.trace.experts) as f64;
        pairs / self.seconds.max(1e-9)
    }

    fn variant(&self) -> String {
        self.experiment.variants.first().map(|v| v.name.to_string()).unwrap_or_default()
    }

    fn print_json(&self, rows: &[Row]) -> Result<(), Failure> {
        let json = Json {
            file: self.name,
            variant: self.variant(),
            steps: self.steps,
            tokens: self.every.tokens(),
            experts: self.examined.trace.experts,
            pairs_per_second: self.pairs(rows.len()),
            layers: rows,
        };
        let text = serde_json::to_string(&json).map_err(|e| Failure::new(format!("no JSON could be made: {e}")))?;
        output::print_json(&(text + "\n"))
    }

    fn table(&self, all: &[Row]) -> String {
        let (bold, dim, plain) = if styled() { ("\x1b[1m", "\x1b[2m", "\x1b[0m") } else { ("", "", "") };
        let size = [
            counted(all.len() as u64, "layer"),
            counted(self.steps, "step"),
            counted(self.every.tokens() as u64, "token"),
            counted(self.examined.trace.experts as u64, "expert"),
        ];
        let mut out = format!("{bold}{}{plain}  {}, {}\n\n", self.name, size.join(" × "), self.variant());
        let heads = ["layer", "MaxVio", "over 16 steps", "entropy", "effective", "dead", "busiest", "emptiest", "bias"];
        let mut rows = vec![heads.map(String::from).to_vec()];
        for r in all {
            rows.push(vec![
                if r.layer.is_empty() { "–".into() } else { r.layer.clone() },
                figures(r.maxvio),
                figures(r.maxvio_16),
                figures(r.entropy),
                format!("{:.1}", r.effective_experts),
                r.dead.to_string(),
                r.busiest.to_string(),
                r.emptiest.to_string(),
                format!("{} … {}", figures(r.bias[0]), figures(r.bias[1])),
            ]);
        }
        for line in aligned(&rows) {
            writeln!(out, "  {line}").ok();
        }
        if all.len() > 2 {
            let mut values: Vec<f64> = all.iter().map(|r| r.maxvio).collect();
            values.sort_by(f64::total_cmp);
            let at = |q: f64| figures(values[((values.len() - 1) as f64 * q).round() as usize]);
            writeln!(out, "\n  MaxVio over all layers: p5 {}, p50 {}, p95 {}", at(0.05), at(0.5), at(0.95)).ok();
        }
        let left = self.examined.recording.layers.len() - all.len();
        if left > 0 {
            let other = counted(left as u64, "layer");
            writeln!(out, "\n  {other} with another number of tokens or experts left out").ok();
        }
        let (took, speed) = (figures(self.seconds), scaled(self.pairs(all.len())));
        writeln!(
            out,
            "\n  {dim}time{plain}    {took} s, {speed} token–expert pairs/s, {} steps in the file",
            thousands(self.every.steps() as u64)
        )
        .ok();
        out
    }
}
