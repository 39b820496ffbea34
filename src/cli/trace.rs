//! `moebias trace`: describes a recording of a router: its contents, its oddities, and how balanced each layer was.

use super::TraceArgs;
use super::failure::Failure;
use super::output::{self, aligned, counted, figures, styled, thousands};
use super::progress::while_waiting;
use moebias_files::{self as files, FileError, Kind, recorded};
use moebias_recordings::{Facts, Figures, Oddity, Reading, RecordedKind, Recording, Remedy};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The table shows this many characters of a metadata value.
const SHOWN: usize = 76;
/// The table lists at most this many groups of tokens.
const GROUPS: usize = 32;
/// The table lists at most this many layers, in addition to percentiles over all layers.
const LAYERS: usize = 128;

pub(super) fn trace(args: &TraceArgs) -> Result<(), Failure> {
    if args.formats {
        return output::print(&formats());
    }
    let Some(first) = args.files.first() else {
        return Err(Failure::Usage("a recording is missing: name at least one FILE, or --formats".into()));
    };
    let name = first.display().to_string();
    match files::kind(first)? {
        Kind::Scenario => {
            let text = format!(
                "{name} is a scenario, not a recording of a router: `moebias check` says what it holds, `moebias run` runs it"
            );
            return Err(Failure::new(text));
        }
        Kind::Lesson => {
            let text = format!("{name} is a lesson, not a recording of a router: open it with `moebias {name}`");
            return Err(Failure::new(text));
        }
        Kind::Recording => {}
    }
    let measured = while_waiting("Reading", || Measured::new(args))?;
    if args.json { print_json(&measured) } else { output::print(&measured.table()) }
}

/// A recording and everything that is reported about it.
struct Measured {
    reading: Reading,
    recording: Recording,
    assumptions: Vec<String>,
    oddities: Vec<Oddity>,
    layers: Vec<Figures>,
    /// The groups of tokens in the first layer, with the number of tokens in each.
    groups: Vec<(String, u64)>,
}

impl Measured {
    fn new(args: &TraceArgs) -> Result<Self, FileError> {
        let reading = args.reading.reading();
        let mut all = args.files.clone();
        all.extend(args.reading.files(&args.files[0]).into_iter().skip(1));
        let mut recording = recorded::open(&all, &reading)?;
        if let Some(layer) = args.reading.layer() {
            let layer = recorded::layer_of(&recording, layer)?.clone();
            recording.layers = vec![layer];
        }
        let mut oddities = recording.odd_file();
        let mut layers = vec![];
        for layer in &recording.layers {
            let facts: Facts = recording.facts(layer)?;
            oddities.extend(recording.odd(layer, &facts, &reading));
            layers.push(recording.figures(layer, &facts, &reading)?);
        }
        let assumptions = recording.assumptions.iter().map(ToString::to_string).collect();
        let groups = recording.layers.first().map(|l| recording.groups(l)).transpose()?.unwrap_or_default();
        Ok(Self { groups, reading, recording, assumptions, oddities, layers })
    }

    fn table(&self) -> String {
        let (bold, plain) = if styled() { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        let recording = &self.recording;
        let what = match recording.kind {
            RecordedKind::Scores => "router scores: they can be routed again",
            RecordedKind::Selections => "chosen experts: they can be shown and measured, but not routed again",
            RecordedKind::Loads => "loads of experts: they can be shown and measured, but not routed again",
        };
        let mut out = format!("{bold}{}{plain}  {}, {what}\n", recording.name, recording.format);
        let section = |out: &mut String, title: &str, lines: &[String]| {
            if !lines.is_empty() {
                writeln!(out, "\n{bold}{title}{plain}").ok();
                lines.iter().for_each(|line| {
                    writeln!(out, "  {line}").ok();
                });
            }
        };
        section(&mut out, "Odd", &self.oddities.iter().map(warning).collect::<Vec<_>>());
        section(&mut out, "Assumed", &self.assumptions);
        section(&mut out, "Layers", &aligned(&self.rows()));
        section(&mut out, "Over all layers", &aligned(&self.spread()));
        section(&mut out, "Tokens by group", &aligned(&self.groups()));
        section(&mut out, "Metadata", &metadata(&recording.metadata));
        out
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let heads = [
            "layer",
            "steps",
            "tokens",
            "experts",
            "K",
            "MaxVio",
            "mean of steps",
            "MinVio",
            "entropy",
            "effective",
            "dead",
            "busiest",
            "emptiest",
        ];
        let with_bias = self.layers.iter().any(|l| l.maxvio_recorded_bias.is_some());
        let mut head: Vec<String> = heads.map(String::from).to_vec();
        head.extend(with_bias.then(|| "with the recorded bias".to_owned()));
        let mut rows = vec![head];
        for l in self.layers.iter().take(LAYERS) {
            let fair = l.loads.iter().sum::<u64>() as f64 / l.loads.len().max(1) as f64;
            let end = |e: usize| {
                let load = l.loads.get(e).copied().unwrap_or(0);
                if fair > 0.0 { format!("{e} ({:.2}× fair)", load as f64 / fair) } else { e.to_string() }
            };
            let mut row = vec![
                if l.layer.is_empty() { "–".into() } else { l.layer.clone() },
                thousands(l.steps as u64),
                if l.tokens == 0 { "–".into() } else { thousands(l.tokens as u64) },
                l.experts.to_string(),
                l.top_k.map_or("–".into(), |k| k.to_string()),
                figures(l.maxvio),
                figures(l.maxvio_mean),
                figures(l.min_vio),
                figures(l.entropy),
                format!("{:.1}", l.effective_experts),
                l.dead.to_string(),
                end(l.busiest),
                end(l.emptiest),
            ];
            row.extend(l.maxvio_recorded_bias.map(figures));
            rows.push(row);
        }
        if self.layers.len() > LAYERS {
            let more = counted((self.layers.len() - LAYERS) as u64, "layer");
            rows.push(vec![format!("… {more} more; --json lists all")]);
        }
        rows
    }

    fn groups(&self) -> Vec<Vec<String>> {
        let all: u64 = self.groups.iter().map(|(_, n)| n).sum();
        let share = |n: u64| format!("{:.1} %", 100.0 * n as f64 / all.max(1) as f64);
        self.groups.iter().take(GROUPS).map(|(name, n)| vec![name.clone(), thousands(*n), share(*n)]).collect()
    }

    /// Percentiles over the layers, if there are at least three.
    fn spread(&self) -> Vec<Vec<String>> {
        if self.layers.len() < 3 {
            return vec![];
        }
        let mut rows = vec![["", "p5", "p50", "p95"].map(String::from).to_vec()];
        let mut row = |name: &str, of: fn(&Figures) -> f64| {
            let mut values: Vec<f64> = self.layers.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            let at = |q: f64| figures(values[((values.len() - 1) as f64 * q).round() as usize]);
            rows.push(vec![name.into(), at(0.05), at(0.5), at(0.95)]);
        };
        row("MaxVio", |l| l.maxvio);
        row("entropy", |l| l.entropy);
        row("effective experts", |l| l.effective_experts);
        rows
    }
}

fn warning(oddity: &Oddity) -> String {
    let of = oddity.layer.as_ref().map(|l| format!("layer {l}: ")).unwrap_or_default();
    let remedy = oddity.remedy.map(|r| format!(" ({} remedies it)", r.option())).unwrap_or_default();
    format!("{of}{}{remedy}", oddity.text)
}

fn metadata(all: &BTreeMap<String, String>) -> Vec<String> {
    let shown = |(key, value): (&String, &String)| {
        let mut shown: String = value.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
        if value.chars().count() > SHOWN {
            shown.push('…');
        }
        format!("{key}: {shown}")
    };
    all.iter().map(shown).collect()
}

/// The text of `--formats`.
fn formats() -> String {
    let mut out = String::from("Moebias reads recordings of routers in these formats, text also as .gz and .zst:\n");
    for format in moebias_recordings::FORMATS {
        writeln!(out, "  {}", format.name()).ok();
    }
    out
}

#[derive(Serialize)]
struct Json<'a> {
    file: &'a str,
    format: &'a str,
    kind: &'static str,
    top_k: Option<u32>,
    gate: Option<String>,
    assumptions: &'a [String],
    warnings: Vec<WarningJson<'a>>,
    layers: &'a [Figures],
    groups: Vec<GroupJson<'a>>,
    metadata: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct GroupJson<'a> {
    name: &'a str,
    tokens: u64,
}

#[derive(Serialize)]
struct WarningJson<'a> {
    what: &'static str,
    layer: Option<&'a str>,
    text: &'a str,
    remedy: Option<String>,
}

fn print_json(measured: &Measured) -> Result<(), Failure> {
    let recording = &measured.recording;
    let json = Json {
        file: &recording.name,
        format: recording.format,
        kind: recording.kind.name(),
        top_k: recording.top_k(&measured.reading),
        gate: (recording.kind == RecordedKind::Scores)
            .then(|| recording.gate(&measured.reading).to_string().to_lowercase()),
        assumptions: &measured.assumptions,
        warnings: measured.oddities.iter().map(WarningJson::of).collect(),
        layers: &measured.layers,
        groups: measured.groups.iter().map(|(name, tokens)| GroupJson { name, tokens: *tokens }).collect(),
        metadata: &recording.metadata,
    };
    let text = serde_json::to_string(&json).map_err(|e| Failure::new(format!("no JSON could be made: {e}")))?;
    output::print_json(&(text + "\n"))
}

impl<'a> WarningJson<'a> {
    fn of(oddity: &'a Oddity) -> Self {
        Self {
            what: oddity.sign.name(),
            layer: oddity.layer.as_deref(),
            text: &oddity.text,
            remedy: oddity.remedy.map(Remedy::option),
        }
    }
}
