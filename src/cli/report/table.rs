//! The report of a run as a table.

use super::{Report, Seen, in_order};
use crate::cli::output::{aligned, counted, figures, scaled, styled, thousands};
use moebias_engine::EngineInfo;
use moebias_engine::run::Run;
use moebias_model::config::Experiment;
use moebias_model::figures::Figures;
use moebias_model::naming::Name;
use moebias_model::sweep::Measure;
use std::fmt::Write as _;

/// Escape sequences for bold, dim and plain text; empty where stdout shows no styles.
#[derive(Clone, Copy)]
struct Styles {
    bold: &'static str,
    dim: &'static str,
    plain: &'static str,
}

impl Styles {
    fn of_stdout() -> Self {
        if styled() {
            Self { bold: "\x1b[1m", dim: "\x1b[2m", plain: "\x1b[0m" }
        } else {
            Self { bold: "", dim: "", plain: "" }
        }
    }
}

impl Report {
    /// Two tables with a row per variant, then the findings, the digest, the engine and the speed.
    pub(in crate::cli) fn table(&self, run: &Run, engine: &EngineInfo) -> String {
        let styles = Styles::of_stdout();
        let Styles { bold, plain, .. } = styles;
        let mut out = String::new();
        let steps = format!("steps {} to {}", thousands(self.first), thousands(self.end()));
        writeln!(out, "{bold}{}{plain}  {steps}\n", self.title).ok();
        lines(&mut out, &self.ends(run.simulation().experiment()), styles);
        writeln!(out).ok();
        lines(&mut out, &standings(run), styles);
        self.changes(&mut out, run, styles);
        findings(&mut out, run, styles);
        self.origin(&mut out, run, engine, styles);
        out
    }

    /// The step that the run has reached.
    fn end(&self) -> u64 {
        self.first + self.rows
    }

    /// The table of the first and the last step: a header, then a row per variant.
    fn ends(&self, experiment: &Experiment) -> Vec<Vec<String>> {
        let mut header =
            ["", "MaxVio", "in balance from", "bias", "moved by the bias", "floor"].map(String::from).to_vec();
        let learns = experiment.world().is_some();
        // With a capacity, MaxVio counts only the tokens that were kept, so the dropped share belongs beside it.
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
                None => format!("not reached by {}", thousands(self.end())),
            };
            // The floor of the last step, as in the findings and in the window.
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
        rows
    }

    /// The steps at which settings were changed, from which some figures count.
    fn changes(&self, out: &mut String, run: &Run, Styles { dim, plain, .. }: Styles) {
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
    }

    /// The digest, the engine and the speed.
    fn origin(&self, out: &mut String, run: &Run, engine: &EngineInfo, Styles { dim, plain, .. }: Styles) {
        let seconds = self.took.as_secs_f64().max(1e-9);
        let per_second = |n: u64| scaled(n as f64 / seconds);
        let digest = run.simulation().digest();
        writeln!(out, "\n  {dim}digest{plain}  {digest}").ok();
        writeln!(out, "  {dim}engine{plain}  {}, {} ({})", engine.kind, engine.adapter, engine.reason).ok();
        if run.simulation().experiment().world().is_some() {
            writeln!(
                out,
                "  {dim}repeats{plain} on the CPU engine, with any number of threads: learning computes in floats"
            )
            .ok();
        }
        let (steps, tokens) = (per_second(self.rows), per_second(self.tokens));
        writeln!(out, "  {dim}speed{plain}   {steps} steps/s, {tokens} tokens/s").ok();
    }
}

/// Writes the lines of a table, the header dim.
fn lines(out: &mut String, rows: &[Vec<String>], Styles { dim, plain, .. }: Styles) {
    for (i, line) in aligned(rows).iter().enumerate() {
        let style = if i == 0 { dim } else { "" };
        writeln!(out, "  {style}{line}{}", if i == 0 { plain } else { "" }).ok();
    }
}

/// Writes the findings about all variants.
fn findings(out: &mut String, run: &Run, Styles { bold, plain, .. }: Styles) {
    let variants = &run.simulation().experiment().variants;
    let mut space = "\n";
    for (i, v) in variants.iter().enumerate() {
        for finding in in_order(run, i) {
            let of = if variants.len() > 1 { format!("{}: ", v.name) } else { String::new() };
            let when = match finding.until {
                None => format!("since step {}", thousands(finding.since)),
                Some(until) => format!("step {} to {}", thousands(finding.since), thousands(until)),
            };
            let what = finding.sentence();
            writeln!(out, "{space}  {of}{bold}{}{plain}, {when}. {what}.", finding.name()).ok();
            space = "";
        }
    }
}

/// The table of the figures of the whole run: a header, then a row per variant.
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

/// The cells about learning: the first and the last NMSE, and the other figures of the last step.
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

fn signed(x: f64) -> String {
    if x > 0.0 { format!("+{}", figures(x)) } else { figures(x).replace('-', "−") }
}
