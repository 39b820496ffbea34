//! Exports: all curves as CSV, assignments as JSON lines, pictures as PNG.
//!
//! The CSV has one row per step and variant. The columns are `step`, `variant`, `tokens`, `max_vio`, `max_vio_16`, `max_vio_global`,
//! `min_vio`, `cv`, `entropy` (over ln E), `effective_experts`, `starving`, `dead`, `moved_share`, `bias_min`, `bias_median`,
//! `bias_max` (score units), `saturated`, `dropped_share` (of the assignments, by capacity) and `experts_per_token` (mean of those chosen).
//! Then follow the settings with which the step was routed, named and written as in sweeps: `rule`, `step_size`, `step_symbol` (of the step
//! size in the rule: u, λ, Kᵢ or μ), `schedule`, `top_k`, `experts`, `gate`, `groups` (kept/all), `capacity` (× fair share), `centred`,
//! `freeze` (the step from which biases are frozen), `momentum`, `steepness`, `derivative`, `zero_experts`, `real_experts`, `average` and
//! `iterations`. Settings that a rule does not use are empty.
//!
//! If something learns: `task_loss` (half the mean squared error of a target's coordinate, on the batch, before the step's update),
//! `task_nmse` (squared error over squared target), `task_perplexity` (e^task_loss, a figure of this project), `interference` (cosine of
//! task and auxiliary gradient on the router), `force_ratio` (α·|auxiliary| / |task| gradient) and `mean_score`; empty once a layer has
//! diverged.
//!
//! If asked for: `load_0` … (tokens) and `bias_0` … (score units, after the step's update). A variant with fewer experts than another
//! leaves the last ones empty.
//!
//! `variant` is the name at the first step, the same in every row. A name that a spreadsheet would take for a formula has an apostrophe in
//! front. A name with a `#` is quoted, for readers that take the rest of a line after it as a comment.

use super::atomic;
use super::error::FileError;
use crate::text::cell;
use moebias_model::batch::Batch;
use moebias_model::change::{self, Event};
use moebias_model::config::{Experiment, Rule, Variant};
use moebias_model::fixed::from_q32;
use moebias_model::gating;
use moebias_model::metrics::Metrics;
use moebias_model::row::{StepRow, VariantRow};
use moebias_model::select::By;
use serde::Serialize;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::path::Path;

/// Optional columns of the curves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// The load of every expert.
    pub loads: bool,
    /// The bias of every expert.
    pub biases: bool,
    /// The figures of learning.
    pub learning: bool,
}

/// The columns with settings.
pub const SETTINGS: [&str; 18] = [
    "rule",
    "step_size",
    "step_symbol",
    "schedule",
    "top_k",
    "experts",
    "gate",
    "groups",
    "capacity",
    "centred",
    "freeze",
    "momentum",
    "steepness",
    "derivative",
    "zero_experts",
    "real_experts",
    "average",
    "iterations",
];

/// The columns with figures of learning.
const LEARNING: [&str; 6] = ["task_loss", "task_nmse", "task_perplexity", "interference", "force_ratio", "mean_score"];

/// Writes curves as CSV, row by row.
#[derive(Debug)]
pub struct Curves<W: Write> {
    out: csv::Writer<W>,
    variants: Vec<String>,
    /// The present settings of each variant, as they are written.
    settings: Vec<[String; SETTINGS.len()]>,
    experiment: Experiment,
    /// The events still to come, sorted by step.
    events: VecDeque<Event>,
    columns: Columns,
    /// The largest number of experts of any variant.
    experts: usize,
}

impl<W: Write> Curves<W> {
    /// Writes the header for a run that starts at step `first` with these settings and has these events.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn new(out: W, experiment: &Experiment, events: &[Event], first: u64, columns: Columns) -> io::Result<Self> {
        let experts = experiment.variants.iter().map(|v| v.router.experts as usize).max().unwrap_or(0);
        let mut out = csv::WriterBuilder::new().comment(Some(b'#')).from_writer(out);
        let mut header: Vec<String> = [
            "step",
            "variant",
            "tokens",
            "max_vio",
            "max_vio_16",
            "max_vio_global",
            "min_vio",
            "cv",
            "entropy",
            "effective_experts",
            "starving",
            "dead",
            "moved_share",
            "bias_min",
            "bias_median",
            "bias_max",
            "saturated",
            "dropped_share",
            "experts_per_token",
        ]
        .map(str::to_owned)
        .to_vec();
        header.extend(SETTINGS.map(str::to_owned));
        if columns.learning {
            header.extend(LEARNING.map(str::to_owned));
        }
        if columns.loads {
            header.extend((0..experts).map(|e| format!("load_{e}")));
        }
        if columns.biases {
            header.extend((0..experts).map(|e| format!("bias_{e}")));
        }
        out.write_record(&header).map_err(io_error)?;
        let mut events: Vec<Event> = events.to_vec();
        events.sort_by_key(|e| e.step);
        let (experiment, events) = (experiment.clone(), events.into());
        let mut curves = Self { out, variants: vec![], settings: vec![], experiment, events, columns, experts };
        curves.settle_at(first);
        curves.variants = curves.experiment.names();
        Ok(curves)
    }

    /// Brings the settings up to those with which this step is routed.
    fn settle_at(&mut self, step: u64) {
        let due = self.events.iter().take_while(|e| e.step <= step).count();
        if due == 0 && !self.settings.is_empty() {
            return;
        }
        for event in self.events.drain(..due) {
            // An event that is not valid had no effect in the run either.
            change::apply(&mut self.experiment, event.target, &event.change).ok();
        }
        self.settings = self.experiment.variants.iter().map(settings).collect();
    }

    /// Writes one step: a row per variant.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn row(&mut self, row: &StepRow, metrics: &[Metrics]) -> io::Result<()> {
        self.settle_at(row.step);
        for (i, (v, m)) in row.variants.iter().zip(metrics).enumerate() {
            self.variant(row, i, v, m)?;
        }
        Ok(())
    }

    fn variant(&mut self, row: &StepRow, i: usize, v: &VariantRow, m: &Metrics) -> io::Result<()> {
        let name = self.variants.get(i).map_or("", String::as_str);
        let settings = self.settings.get(i).cloned();
        let mut put = |field: &str| self.out.write_field(field).map_err(io_error);
        put(&row.step.to_string())?;
        put(&cell(name))?;
        put(&row.tokens.to_string())?;
        for x in [m.max_vio, m.max_vio_16, m.max_vio_global, m.min_vio, m.cv, m.entropy, m.effective] {
            put(&x.to_string())?;
        }
        put(&m.starving.to_string())?;
        put(&m.dead.to_string())?;
        for x in [m.moved, m.bias_min, m.bias_median, m.bias_max] {
            put(&x.to_string())?;
        }
        put(&m.saturated.to_string())?;
        put(&m.dropped.to_string())?;
        put(&m.active.to_string())?;
        for i in 0..SETTINGS.len() {
            put(settings.as_ref().map_or("", |s| s[i].as_str()))?;
        }
        if self.columns.learning {
            let all = m.learning.map(|l| [l.loss, l.nmse, l.perplexity(), l.cosine, l.force, l.mean_score]);
            for i in 0..LEARNING.len() {
                put(&all.map(|all| all[i].to_string()).unwrap_or_default())?;
            }
        }
        if self.columns.loads {
            for e in 0..self.experts {
                put(&v.loads.get(e).map(u32::to_string).unwrap_or_default())?;
            }
        }
        if self.columns.biases {
            for e in 0..self.experts {
                put(&v.bias.get(e).map(|&b| from_q32(b).to_string()).unwrap_or_default())?;
            }
        }
        self.out.write_record(None::<&[u8]>).map_err(io_error)
    }

    /// Writes what is still in memory and returns the writer.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn finish(self) -> io::Result<W> {
        self.out.into_inner().map_err(|e| io::Error::new(e.error().kind(), e.error().to_string()))
    }
}

/// The settings of a variant as sweeps write them, in the order of [`SETTINGS`].
#[must_use]
pub fn settings(v: &Variant) -> [String; SETTINGS.len()] {
    let (router, balancer) = (&v.router, &v.balancer);
    let rule = balancer.rule;
    let only = |used: bool, words: String| if used { words } else { String::new() };
    let step = |words: String| only(rule.has_step(), words);
    [
        rule.key().to_owned(),
        step(balancer.rate.to_string()),
        step(rule.step_sign().to_owned()),
        step(balancer.schedule.key().to_owned()),
        router.top_k.to_string(),
        router.experts.to_string(),
        router.gate.key().to_owned(),
        router.groups.map(|g| format!("{}/{}", g.kept, g.groups)).unwrap_or_default(),
        router.capacity.map(|c| c.factor.to_string()).unwrap_or_default(),
        step(balancer.centred.to_string()),
        balancer.freeze.filter(|_| rule.moves_biases()).map(|n| n.to_string()).unwrap_or_default(),
        only(rule == Rule::Smebu, balancer.momentum.to_string()),
        only(rule == Rule::Smebu, balancer.steepness.to_string()),
        only(rule == Rule::IdBalancing, balancer.derivative.to_string()),
        only(rule == Rule::LongCat, balancer.zero_experts.to_string()),
        only(rule == Rule::LongCat, balancer.real_experts.to_string()),
        only(rule == Rule::Quantile, balancer.average.to_string()),
        only(rule == Rule::Bip, balancer.iterations.to_string()),
    ]
}

fn io_error(error: csv::Error) -> io::Error {
    // Keeps the kind of an I/O error, so that a program can end quietly on a broken pipe.
    match error.into_kind() {
        csv::ErrorKind::Io(e) => e,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// One line of exported assignments, with the field names that public loggers use.
#[derive(Serialize)]
struct Assignment<'a> {
    layer: u32,
    step: u64,
    token_idx: u32,
    topk_ids: &'a [usize],
    topk_weights: &'a [f64],
}

/// Writes the experts of each token of a batch as JSON lines, best first. The weights are the gating values: the unbiased scores of
/// the chosen experts, renormalised and scaled as the router says. Experts that had no room for the token are left out of the lists, but
/// count in the sum for renormalisation.
///
/// # Errors
/// Those of the writer.
pub fn assignments(out: &mut dyn Write, batch: &Batch, variant: usize, layer: u32, step: u64) -> io::Result<()> {
    if variant >= batch.variants.len() {
        return Ok(());
    }
    let mut ids = vec![];
    for token_idx in 0..batch.inputs.batch {
        let scores = batch.scores(token_idx, variant);
        batch.choose(variant, By::Bias, token_idx, &scores, &mut ids);
        let chosen: Vec<i32> = ids.iter().map(|&e| scores[e]).collect();
        let kept: Vec<bool> = ids.iter().map(|&e| batch.keeps(variant, token_idx, e, scores[e])).collect();
        let values = gating::values(&batch.variants[variant].router, &chosen);
        let weights: Vec<f64> = values.into_iter().zip(&kept).filter(|(_, k)| **k).map(|(w, _)| w).collect();
        let mut stays = kept.iter();
        ids.retain(|_| stays.next().is_none_or(|k| *k));
        let line = Assignment { layer, step, token_idx, topk_ids: &ids, topk_weights: &weights };
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// Saves a picture of `width` × `height` pixels (RGBA) atomically.
///
/// # Errors
/// `rgba` is not width × height × 4 bytes long, or the operating system could not write the file.
pub fn save_png(path: &Path, width: u32, height: u32, rgba: &[u8]) -> Result<(), FileError> {
    let png = png(width, height, rgba).map_err(|e| FileError::write(&path.display().to_string(), &e))?;
    atomic::write(path, &png)
}

/// Encodes a picture of `width` × `height` pixels (RGBA) as PNG.
///
/// # Errors
/// `rgba` is not width × height × 4 bytes long.
pub fn png(width: u32, height: u32, rgba: &[u8]) -> io::Result<Vec<u8>> {
    let wanted = u64::from(width) * u64::from(height) * 4;
    if rgba.len() as u64 != wanted || wanted == 0 {
        let text = format!("{} bytes are no picture of {width} × {height} pixels", rgba.len());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let mut png = vec![];
    let encoder = image::codecs::png::PngEncoder::new(&mut png);
    image::ImageEncoder::write_image(encoder, rgba, width, height, image::ExtendedColorType::Rgba8)
        .map_err(io::Error::other)?;
    Ok(png)
}
