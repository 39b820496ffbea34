//! `moebias compare`: shows where the chosen experts of two recordings of the same tokens differ.

use super::CompareArgs;
use super::failure::Failure;
use super::output::{self, aligned, counted, figures, styled, thousands};
use super::progress::while_waiting;
use moebias_files::{FileError, recorded};
use moebias_lab::comparing::percent;
use moebias_recordings::{Differences, LayerDifference, Recording};
use serde::Serialize;
use std::fmt::Write as _;
use std::path::PathBuf;

pub(super) fn compare(args: &CompareArgs) -> Result<(), Failure> {
    let found = while_waiting("Comparing", || Compared::new(args))?;
    if args.json { output::print_json(&found.json()?) } else { output::print(&found.table()) }
}

/// Two recordings and the differences between them.
struct Compared {
    recordings: [Recording; 2],
    found: Differences,
}

/// The object that `--json` prints.
#[derive(Serialize)]
struct Json<'a> {
    files: [&'a str; 2],
    share_of_tokens: f64,
    share_of_pairs: f64,
    #[serde(flatten)]
    found: &'a Differences,
}

impl Compared {
    fn new(args: &CompareArgs) -> Result<Self, FileError> {
        let reading = args.reading.reading();
        let others = reading.for_another();
        let open = |file: &PathBuf, reading| {
            let mut recording = recorded::open(std::slice::from_ref(file), reading)?;
            if let Some(layer) = args.reading.layer() {
                let layer = recorded::layer_of(&recording, layer)?.clone();
                recording.layers = vec![layer];
            }
            Ok::<_, FileError>(recording)
        };
        let recordings = [open(&args.first, &reading)?, open(&args.second, &others)?];
        let never_stopped = &|_| true;
        let found = recordings[0].differences(&reading, &recordings[1], &others, never_stopped)?.unwrap_or_default();
        Ok(Self { recordings, found })
    }

    fn json(&self) -> Result<String, Failure> {
        let json = Json {
            files: [&self.recordings[0].name, &self.recordings[1].name],
            share_of_tokens: self.found.share_of_tokens(),
            share_of_pairs: self.found.share_of_pairs(),
            found: &self.found,
        };
        let text = serde_json::to_string(&json).map_err(|e| Failure::new(format!("no JSON could be made: {e}")))?;
        Ok(text + "\n")
    }

    fn table(&self) -> String {
        let (bold, plain) = if styled() { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        let mut out = String::new();
        for recording in &self.recordings {
            let layers = counted(recording.layers.len() as u64, "layer");
            writeln!(out, "{bold}{}{plain}  {}, {} of {layers}", recording.name, recording.format, recording.kind).ok();
        }
        let mut section = |title: &str, lines: &[String]| {
            if !lines.is_empty() {
                writeln!(out, "\n{bold}{title}{plain}").ok();
                lines.iter().for_each(|line| {
                    writeln!(out, "  {line}").ok();
                });
            }
        };
        let found = &self.found;
        let share = |part: usize, of: usize, share: f64| {
            format!("{} of {} ({})", thousands(part as u64), thousands(of as u64), percent(share))
        };
        let tokens = share(found.tokens_differ, found.tokens, found.share_of_tokens());
        let pairs = share(found.pairs_differ, found.pairs, found.share_of_pairs());
        section("To note", &found.notes);
        section(
            "Different experts",
            &[format!("tokens, in at least one layer: {tokens}"), format!("pairs of token and layer: {pairs}")],
        );
        section("Layers", &aligned(&self.rows()));
        out
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let with_margin = self.found.layers.iter().any(|l| l.margin.is_some());
        let mut head = vec!["layer", "tokens", "differ", "share", "assignments", "first at token"];
        if with_margin {
            head.extend(["margin", "where they differ", "largest"]);
        }
        let mut rows = vec![head.into_iter().map(String::from).collect()];
        rows.extend(self.found.layers.iter().map(|layer| row(layer, with_margin)));
        rows
    }
}

fn row(layer: &LayerDifference, with_margin: bool) -> Vec<String> {
    let none = || "–".to_owned();
    let moved = layer.assignments_differ as f64 / layer.assignments.max(1) as f64;
    let mut row = vec![
        if layer.layer.is_empty() { none() } else { layer.layer.clone() },
        thousands(layer.tokens as u64),
        thousands(layer.differ as u64),
        percent(layer.share()),
        percent(moved),
        layer.first.map_or_else(none, |row| thousands(row as u64)),
    ];
    if with_margin {
        let margin = layer.margin;
        let shown = |value: Option<f64>| value.map_or_else(none, figures);
        row.extend([
            shown(margin.map(|m| m.all)),
            shown(margin.and_then(|m| m.differ)),
            shown(margin.and_then(|m| m.differ_most)),
        ]);
    }
    row
}
