//! `moebias sweep`: runs an experiment with every combination of some settings and with several seeds each; prints a table, JSON or CSV.
//!
//! The CSV file grows by whole rows while the sweep runs, and every few seconds the state of the unfinished runs is saved beside it. If the
//! sweep is stopped or killed, the same command continues from there, and the final CSV is the same to the byte.

use super::SweepArgs;
use super::failure::Failure;
use super::input::{self, Input};
use super::output::{self, aligned, counted, figures, thousands};
use super::progress::Progress;

use moebias_engine::sweep::{self, Begun, News};
use moebias_engine::{EngineError, EngineInfo};
use moebias_files::sweep::{self as file, Log, halfway};
use moebias_model::config::Source;
use moebias_model::digest::Digest;
use moebias_model::naming;
use moebias_model::sweep::{Axis, Measure, Outcome, Plan};
use serde_json::{Map, Value, json};
use std::path::Path;
use std::time::Instant;
use strum::IntoEnumIterator as _;

/// A terminal table has at most this many columns and rows; more would be unreadable.
const MOST_COLUMNS: usize = 12;
const MOST_ROWS: usize = 60;

/// Parses a value of `--over`.
pub(super) fn axis(text: &str) -> Result<Axis, String> {
    Axis::parse(text)
}

/// The results of a sweep, as they are reported.
struct Done {
    plan: Plan,
    outcomes: Vec<Option<Outcome>>,
    title: String,
    /// The number of runs that an earlier sweep had already finished.
    known: usize,
    seconds: f64,
    engine: EngineInfo,
    digest: Digest,
}

pub(super) fn sweep(args: &SweepArgs) -> Result<(), Failure> {
    let to_output = args.csv.as_deref() == Some(Path::new("-"));
    if to_output && args.json {
        return Err(Failure::Usage("--json and --csv - both go to the output: write the CSV to a file".into()));
    }
    let input = input::open(&args.file, &args.reading)?;
    if input.start.state.is_some() {
        return Err(Failure::new(
            "this recording begins in the middle, with biases of its own: give the scenario it came from",
        ));
    }
    let steps = args.steps.unwrap_or(input.end());
    let recorded = matches!(input.start.experiment.source, Source::Trace(_));
    if recorded && args.seeds > 1 {
        output::note("a seed changes nothing in a recorded trace, so each combination runs once");
    }
    let seeds = if recorded { 1 } else { args.seeds };
    let plan = Plan::new(input.start.experiment.clone(), &input.start.events, args.over.clone(), seeds, steps);
    let plan = plan.map_err(Failure::new)?;
    sweep::check(&plan, input.start.trace.as_ref())?;
    let path = args.csv.as_deref().filter(|_| !to_output);
    let head = file::head(&input.title, &plan, input.start.trace.as_deref(), path.unwrap_or(Path::new("")));
    let (mut log, known) = match path {
        Some(path) => Log::begin(path, &head, &plan).map(|(log, known)| (Some(log), known))?,
        None => (None, vec![None; plan.len()]),
    };
    let mut keeper = path.zip(log.as_mut()).map(|(path, log)| Keeper { path, head: &head, log });
    let done = run(args, &input, plan, known, &head, keeper.as_mut())?;
    drop(log);
    if let Some(path) = path {
        file::save(path, &head, &done.plan, &done.outcomes)?;
        halfway::forget(path);
    }
    if to_output {
        return output::print_exactly(&file::text(&head, &done.plan, &done.outcomes));
    }
    if args.json { output::print_json(&as_json(&done)?) } else { output::print(&as_table(&done)) }
}

/// Saves finished runs to the CSV file as they come in.
struct Keeper<'a> {
    path: &'a Path,
    head: &'a str,
    log: &'a mut Log,
}

fn run(
    args: &SweepArgs,
    input: &Input,
    plan: Plan,
    known: Vec<Option<Outcome>>,
    head: &str,
    mut keeper: Option<&mut Keeper<'_>>,
) -> Result<Done, Failure> {
    let mut outcomes = known;
    let runs: Vec<usize> = (0..plan.len()).filter(|&n| outcomes[n].is_none()).collect();
    let before = plan.len() - runs.len();
    let begun = keeper.as_ref().and_then(|k| halfway::kept(k.path, k.head)).and_then(|text| Begun::read(&text, &plan));
    // A sweep that was killed after it had written these runs to the CSV may have left an older state behind: it is ignored.
    let begun = begun.filter(|b| b.runs().iter().all(|n| runs.contains(n)));
    if let Some(begun) = &begun {
        let (runs, step) = (counted(begun.runs().len() as u64, "run"), thousands(begun.step()));
        output::note(&format!("moebias: going on with {runs} at step {step}"));
    }
    let began = Instant::now();
    let mut progress = Progress::new("Sweeping", plan.steps().saturating_mul(runs.len() as u64));
    let (mut steps, mut failed) = (0, Ok(()));
    let each = |news: News<'_>| {
        match news {
            News::Steps(n) => {
                steps += n;
                progress.at(steps);
            }
            News::Runs(done) => {
                done.iter().for_each(|&(n, outcome)| outcomes[n] = Some(outcome));
                if let Some(keeper) = &mut keeper {
                    failed = keeper.log.append(&plan, done);
                }
            }
            News::Halfway(halfway) => {
                // The saved state only saves time, so the sweep goes on if it cannot be written.
                if let Some(keeper) = &mut keeper
                    && let Err(e) = halfway::keep(keeper.path, keeper.head, &halfway.text())
                {
                    log::warn!("the runs under way are not kept: {e}");
                }
            }
            News::Engine(words) => progress.note(&format!("moebias: {words}")),
        }
        failed.is_ok()
    };
    let outcome = sweep::go_on(&plan, input.start.trace.as_ref(), &runs, begun, args.engine.into(), each);
    let (_, engine) = outcome.map_err(|e| match e {
        EngineError::Unsupported(why) => Failure::new(why),
        e => Failure::new(format!("no GPU can be used: {e}. `--engine cpu` needs none")),
    })?;
    failed?;
    drop(progress);
    let digest = file::digest(&file::text(head, &plan, &outcomes));
    let seconds = began.elapsed().as_secs_f64();
    Ok(Done { plan, outcomes, title: input.title.clone(), known: before, seconds, engine, digest })
}

fn as_json(done: &Done) -> Result<String, Failure> {
    let Done { plan, outcomes, title, known, seconds, engine, digest } = done;
    let mut cells = vec![];
    for cell in 0..plan.cells() {
        for (v, variant) in plan.base().variants.iter().enumerate() {
            let mut one = Map::new();
            one.insert("variant".into(), json!(variant.name));
            for (axis, value) in plan.axes().iter().zip(plan.values(cell)) {
                one.insert(axis.parameter.name().into(), value.number().map_or(json!(value.to_string()), Value::from));
            }
            for of in Measure::iter() {
                let spread = plan.spread(outcomes, cell, v, of).unwrap_or_default();
                let known = |x: f64| (spread.known > 0).then_some(x / of.per_unit());
                let part = json!({
                    "median": spread.median.map(|x| x / of.per_unit()),
                    "low": known(spread.low),
                    "high": known(spread.high),
                    "known": spread.known,
                });
                one.insert(of.key().into(), part);
            }
            cells.push(Value::Object(one));
        }
    }
    let all = json!({
        "title": title,
        "steps": plan.steps(),
        "seeds": plan.seeds(),
        "runs": plan.len(),
        "runs_done_before": known,
        "seconds": seconds,
        "engine": { "kind": engine.kind.to_string(), "adapter": engine.adapter },
        "digest": digest.to_string(),
        "cells": cells,
    });
    let text = serde_json::to_string_pretty(&all);
    text.map(|t| t + "\n").map_err(|e| Failure::new(format!("the summary can't be written: {e}")))
}

fn as_table(done: &Done) -> String {
    let Done { plan, title, known, seconds, engine, digest, .. } = done;
    let over: Vec<String> = plan
        .axes()
        .iter()
        .map(|a| format!("{} of {}", counted(a.values.len() as u64, "value"), a.parameter.title()))
        .collect();
    let mut out = format!(
        "{title}  {} × {} = {}, {} each\n",
        over.join(" × "),
        counted(u64::from(plan.seeds()), "seed"),
        counted(plan.len() as u64, "run"),
        counted(plan.steps(), "step"),
    );
    out += &format!("{}\n", naming::caption_of_tokens_but(plan.base(), &swept(plan)));
    for (v, variant) in plan.base().variants.iter().enumerate() {
        out += &format!("\n{}  {}\n", plan.heading(v), naming::caption_but(variant, &swept(plan)));
        let grid = plan.axes().len() == 2 && plan.axes()[1].values.len() <= MOST_COLUMNS;
        let (head, rows) = if grid { map(done, v) } else { list(done, v) };
        out += &format!("  {head}\n");
        let left_out = rows.len().saturating_sub(MOST_ROWS + 1);
        for line in aligned(&rows[..rows.len() - left_out]) {
            out += &format!("  {line}\n");
        }
        if left_out > 0 {
            out += &format!("  … and {} more, all in the CSV\n", thousands(left_out as u64));
        }
    }
    let before =
        if *known > 0 { format!("; {} were done before", counted(*known as u64, "run")) } else { String::new() };
    out + &format!("\n{seconds:.1} s on the {}, {}{before}\ndigest of the CSV {digest}\n", engine.kind, engine.adapter)
}

/// The settings that are swept, by their keys in the table of settings.
fn swept(plan: &Plan) -> Vec<&'static str> {
    plan.axes().iter().map(|a| a.parameter.key()).collect()
}

fn word(done: &Done, cell: usize, variant: usize, of: Measure) -> String {
    let spread = done.plan.spread(&done.outcomes, cell, variant, of).unwrap_or_default();
    spread.median.map_or("–".into(), |x| match of {
        Measure::Settling => x.to_string(),
        Measure::Steady => format!("{x:.3}"),
        Measure::Amplitude => format!("±{}", figures(x)),
        Measure::InBalance | Measure::Moved | Measure::Dropped => format!("{x:.1} %"),
    })
}

/// A grid of settling times: values of the first setting in rows, of the second in columns.
fn map(done: &Done, variant: usize) -> (String, Vec<Vec<String>>) {
    let (plan, [down, right]) = (&done.plan, [0, 1].map(|i| &done.plan.axes()[i]));
    let head = format!(
        "settling time in steps, median over seeds (– where most do not settle within the run); {} →",
        right.parameter.sign()
    );
    let first = std::iter::once(down.parameter.sign().to_owned());
    let mut rows = vec![first.chain(right.values.iter().map(ToString::to_string)).collect::<Vec<_>>()];
    for (i, value) in down.values.iter().enumerate() {
        let cells = (0..right.values.len()).map(|j| word(done, i * right.values.len() + j, variant, Measure::Settling));
        rows.push(std::iter::once(value.to_string()).chain(cells).collect());
    }
    debug_assert_eq!(plan.cells(), down.values.len() * right.values.len());
    (head, rows)
}

/// A list: one row per combination of settings, with every figure.
fn list(done: &Done, variant: usize) -> (String, Vec<Vec<String>>) {
    let plan = &done.plan;
    let names = plan.axes().iter().map(|a| a.parameter.sign().to_owned());
    let mut rows = vec![names.chain(Measure::iter().map(Measure::in_sentence)).collect::<Vec<_>>()];
    for cell in 0..plan.cells() {
        let values = plan.values(cell).into_iter().map(|v| v.to_string());
        rows.push(values.chain(Measure::iter().map(|m| word(done, cell, variant, m))).collect());
    }
    ("medians over seeds; – where most have none".into(), rows)
}
