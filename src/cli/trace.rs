//! `moebias trace`: what a trace or a log of selections holds, and how balanced it was when it was recorded.

use super::TraceArgs;
use super::failure::Failure;
use super::output::{self, aligned, counted, figures, styled, thousands};
use super::progress::while_waiting;
use moebias_files::selections::{self, LayerSelections, Selections};
use moebias_files::trace::{self, Balance, RecordedBalance, TraceFile};
use moebias_files::{self as files, Kind};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Characters of a metadata value that the table shows.
const SHOWN: usize = 76;
/// Groups that the table lists.
const GROUPS: usize = 32;

pub(super) fn trace(args: &TraceArgs) -> Result<(), Failure> {
    let name = args.file.display().to_string();
    match files::kind(&args.file)? {
        Kind::Scenario => {
            let text =
                format!("{name} is a scenario, not a trace: `moebias check` says what it holds, `moebias run` runs it");
            Err(Failure::new(text))
        }
        Kind::Lesson => Err(Failure::new(format!("{name} is a lesson, not a trace: open it with `moebias {name}`"))),
        Kind::Trace => {
            let layer = args.layer.as_deref();
            let (file, balance) = while_waiting("Reading", || {
                let file = trace::read(&args.file, layer)?;
                let balance = file.balance();
                Ok::<_, files::FileError>((file, balance))
            })?;
            if args.json {
                print_json(&TraceJson::new(&name, &file, balance.as_ref().ok()))
            } else {
                output::print(&table(&name, &file, balance.as_ref()))
            }
        }
        Kind::Selections => {
            let mut log = while_waiting("Reading", || selections::read(&args.file))?;
            if let Some(wanted) = &args.layer {
                let known: Vec<String> = log.layers.iter().map(|l| l.layer.to_string()).collect();
                log.layers.retain(|l| l.layer.to_string() == *wanted);
                if log.layers.is_empty() {
                    let known = known.join(", ");
                    return Err(Failure::new(format!("{name}: it has no layer {wanted:?}, only: {known}")));
                }
            }
            if args.json { print_json(&LogJson::new(&name, &log)) } else { output::print(&log_table(&name, &log)) }
        }
    }
}

fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(|e| Failure::new(format!("no JSON could be made: {e}")))?;
    output::print_json(&(text + "\n"))
}

#[derive(Serialize)]
struct TraceJson<'a> {
    file: &'a str,
    kind: &'static str,
    layer: &'a str,
    layers: &'a [String],
    steps: usize,
    tokens: usize,
    experts: usize,
    dtype: &'a str,
    top_k: Option<u32>,
    gate: Option<String>,
    tensors: Vec<TensorJson<'a>>,
    groups: Vec<GroupJson<'a>>,
    bias_range: Option<[f64; 2]>,
    maxvio: Option<MaxVioJson>,
    metadata: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct TensorJson<'a> {
    name: &'a str,
    dtype: &'a str,
    shape: &'a [usize],
}

#[derive(Serialize)]
struct GroupJson<'a> {
    name: &'a str,
    tokens: u64,
}

#[derive(Serialize)]
struct MaxVioJson {
    unbiased: BalanceJson,
    recorded_bias: Option<BalanceJson>,
}

#[derive(Serialize)]
struct BalanceJson {
    step_mean: f64,
    all_steps: f64,
}

impl From<Balance> for BalanceJson {
    fn from(balance: Balance) -> Self {
        Self { step_mean: balance.max_vio_mean, all_steps: balance.max_vio_all }
    }
}

impl<'a> TraceJson<'a> {
    fn new(file: &'a str, trace: &'a TraceFile, balance: Option<&RecordedBalance>) -> Self {
        let info = &trace.info;
        let tensor = |t: &'a trace::TensorInfo| TensorJson { name: &t.name, dtype: &t.dtype, shape: &t.shape };
        Self {
            file,
            kind: "scores",
            layer: &info.layer,
            layers: &info.layers,
            steps: info.steps,
            tokens: info.tokens,
            experts: info.experts,
            dtype: &info.dtype,
            top_k: info.top_k,
            gate: info.gate().ok().map(|g| g.to_string().to_lowercase()),
            tensors: info.tensors.iter().map(tensor).collect(),
            groups: groups(trace).into_iter().map(|(name, tokens)| GroupJson { name, tokens }).collect(),
            bias_range: info.bias.as_deref().and_then(range),
            maxvio: balance
                .map(|b| MaxVioJson { unbiased: b.unbiased.into(), recorded_bias: b.learned.map(BalanceJson::from) }),
            metadata: &info.metadata,
        }
    }
}

#[derive(Serialize)]
struct LogJson<'a> {
    file: &'a str,
    kind: &'static str,
    layers: Vec<LayerJson<'a>>,
    metadata: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct LayerJson<'a> {
    layer: i64,
    tokens: usize,
    experts: u32,
    top_k: u32,
    maxvio: f64,
    loads: &'a [u64],
}

impl<'a> LogJson<'a> {
    fn new(file: &'a str, log: &'a Selections) -> Self {
        let layer = |l: &'a LayerSelections| LayerJson {
            layer: l.layer,
            tokens: l.tokens,
            experts: l.experts,
            top_k: l.top_k,
            maxvio: l.max_vio,
            loads: &l.loads,
        };
        Self { file, kind: "selections", layers: log.layers.iter().map(layer).collect(), metadata: &log.metadata }
    }
}

/// Tokens of each group.
fn groups(file: &TraceFile) -> Vec<(&str, u64)> {
    let mut counts = vec![0u64; file.trace.group_names.len()];
    for &g in &file.trace.groups {
        if let Some(count) = counts.get_mut(g as usize) {
            *count += 1;
        }
    }
    file.trace.group_names.iter().map(String::as_str).zip(counts).collect()
}

fn range(values: &[f64]) -> Option<[f64; 2]> {
    let least = values.iter().copied().reduce(f64::min)?;
    Some([least, values.iter().copied().reduce(f64::max)?])
}

fn table(name: &str, file: &TraceFile, balance: Result<&RecordedBalance, &String>) -> String {
    let (bold, plain) = if styled() { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    let info = &file.info;
    let mut out = String::new();
    let size = [
        counted(info.steps as u64, "step"),
        format!("{} tokens", thousands(info.tokens as u64)),
        format!("{} experts", info.experts),
    ];
    writeln!(out, "{bold}{name}{plain}  router scores of a real model: {}", size.join(" × ")).ok();
    let layer = match (info.layer.as_str(), info.metadata.get("layer")) {
        ("", Some(said)) => format!("layer {said}"),
        ("", None) => "a layer without a name".into(),
        (named, _) => format!("layer {named:?}"),
    };
    let router = match (info.top_k, info.gate()) {
        (Some(k), Ok(gate)) => format!("{} gate, top {k}", gate.to_string().to_lowercase()),
        (None, Ok(gate)) => {
            let k = info.router().map_or(0, |r| r.top_k);
            format!("{} gate, top K not given, so {k}", gate.to_string().to_lowercase())
        }
        (_, Err(text)) => text,
    };
    writeln!(out, "  {layer}, {}, {router}", info.dtype).ok();
    if info.layers.len() > 1 {
        let layers: Vec<&str> = info.layers.iter().map(|l| if l.is_empty() { "without a name" } else { l }).collect();
        writeln!(out, "  layers in the file: {}; choose one with --layer", layers.join(", ")).ok();
    }
    let section = |out: &mut String, title: &str, rows: &[Vec<String>]| {
        writeln!(out, "\n{bold}{title}{plain}").ok();
        for line in aligned(rows) {
            writeln!(out, "  {line}").ok();
        }
    };
    let tensors: Vec<Vec<String>> =
        info.tensors.iter().map(|t| vec![t.name.clone(), format!("{:?}", t.shape), t.dtype.clone()]).collect();
    section(&mut out, "Tensors", &tensors);
    match balance {
        Ok(balance) => {
            let mut rows = vec![["", "mean of the steps", "all steps together"].map(String::from).to_vec()];
            let mut row = |what: String, b: Balance| {
                rows.push(vec![what, figures(b.max_vio_mean), figures(b.max_vio_all)]);
            };
            row("without a bias".into(), balance.unbiased);
            if let (Some(learned), Some([least, most])) = (balance.learned, info.bias.as_deref().and_then(range)) {
                row(format!("with the recorded bias ({} … {})", figures(least), figures(most)), learned);
            }
            section(&mut out, "MaxVio as recorded", &rows);
        }
        Err(text) => section(&mut out, "MaxVio as recorded", &[vec![format!("not available: {text}")]]),
    }
    let all = file.trace.groups.len().max(1) as f64;
    let groups: Vec<Vec<String>> = groups(file)
        .into_iter()
        .take(GROUPS)
        .map(|(name, n)| vec![name.to_owned(), thousands(n), format!("{:.1} %", 100.0 * n as f64 / all)])
        .collect();
    if !groups.is_empty() {
        section(&mut out, "Tokens by group", &groups);
    }
    metadata(&mut out, &info.metadata, section);
    out
}

fn metadata(out: &mut String, all: &BTreeMap<String, String>, section: impl Fn(&mut String, &str, &[Vec<String>])) {
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|(key, value)| {
            let mut shown: String = value.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
            if value.chars().count() > SHOWN {
                shown.push('…');
            }
            vec![format!("{key}: {shown}")]
        })
        .collect();
    if !rows.is_empty() {
        section(out, "Metadata", &rows);
    }
}

fn log_table(name: &str, log: &Selections) -> String {
    let (bold, plain) = if styled() { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    let mut out = String::new();
    writeln!(out, "{bold}{name}{plain}  a log of selections: it can be watched and measured, but not routed again")
        .ok();
    let mut rows =
        vec![["layer", "tokens", "experts", "top K", "MaxVio", "busiest", "emptiest"].map(String::from).to_vec()];
    for l in &log.layers {
        let fair = l.loads.iter().sum::<u64>() as f64 / l.loads.len().max(1) as f64;
        let end = |load: Option<(usize, &u64)>| match load {
            Some((e, &n)) if fair > 0.0 => format!("{e} ({:.2}× fair)", n as f64 / fair),
            _ => String::new(),
        };
        rows.push(vec![
            l.layer.to_string(),
            thousands(l.tokens as u64),
            l.experts.to_string(),
            l.top_k.to_string(),
            figures(l.max_vio),
            end(l.loads.iter().enumerate().max_by_key(|(e, n)| (**n, Reverse(*e)))),
            end(l.loads.iter().enumerate().min_by_key(|(_, n)| **n)),
        ]);
    }
    writeln!(out).ok();
    for line in aligned(&rows) {
        writeln!(out, "  {line}").ok();
    }
    metadata(&mut out, &log.metadata, |out, title, rows| {
        writeln!(out, "\n{bold}{title}{plain}").ok();
        for line in aligned(rows) {
            writeln!(out, "  {line}").ok();
        }
    });
    out
}
