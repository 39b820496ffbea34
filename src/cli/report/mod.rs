//! The report of a run: collected row by row, then printed as a table or as one JSON object.

mod json;
mod table;

use super::failure::Failure;
use super::input::Input;
use super::output::thousands;
use moebias_engine::run::Run;
use moebias_model::diagnose::Finding;
use moebias_model::fixed::from_q32;
use moebias_model::metrics::{Metrics, Settling};
use moebias_model::row::StepRow;
use std::time::{Duration, Instant};

/// The largest number of values that a report keeps in memory.
const MOST_NUMBERS: u64 = 100_000_000;

/// Which steps a report keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// The first and the last step.
    Ends,
    /// MaxVio and NMSE of every step.
    MaxVio,
    /// Loads and biases of every step as well.
    All,
}

/// What is kept of one variant.
#[derive(Debug, Default)]
struct Seen {
    first_max_vio: f64,
    first_nmse: Option<f64>,
    last: Metrics,
    settling: Settling,
    max_vio: Vec<f64>,
    nmse: Vec<Option<f64>>,
    /// Loads, one row per step that is kept; at least those of the last step.
    loads: Vec<Vec<u32>>,
    /// Biases in score units, in rows like those of the loads.
    bias: Vec<Vec<f64>>,
}

/// The report of a run.
#[derive(Debug)]
pub(super) struct Report {
    title: String,
    keep: Keep,
    /// The step at which the run started.
    first: u64,
    /// The number of steps so far.
    rows: u64,
    /// The number of tokens so far.
    tokens: u64,
    started: Instant,
    took: Duration,
    variants: Vec<Seen>,
}

impl Report {
    /// An empty report of a run of `steps` steps.
    ///
    /// # Errors
    /// The report would keep more than [`MOST_NUMBERS`] values.
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

    /// Adds the next step.
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
}

/// The findings about a variant, oldest first.
fn in_order(run: &Run, variant: usize) -> Vec<Finding> {
    let mut findings = run.findings(variant).to_vec();
    findings.sort_by_key(|f| (f.since, f.kind));
    findings
}
