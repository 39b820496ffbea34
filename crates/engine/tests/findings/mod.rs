//! Compares findings with the truth, and checks the table of true and false alarms in `docs/findings.md`.
//!
//! The truth follows from how a scenario is built (`cases`), never from a threshold of the detector. Thresholds were chosen on other seeds
//! ([`TUNED_ON`]; run with `MOEBIAS_TUNE=1`) than those counted here. `MOEBIAS_UPDATE=1` rewrites the table.

mod cases;
mod strangers;

use cases::{Case, cases, held};
use moebias_engine::Engine as _;
use moebias_engine::cpu::CpuEngine;
use moebias_engine::run::Run;
use moebias_engine::start::RunId;
use moebias_model::change::Target;
use moebias_model::diagnose::{Context, Diagnosis, Finding, Kind};
use moebias_model::metrics::Floors;
use moebias_model::step::Simulation;
use moebias_model::tracker::Tracker;
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use strum::IntoEnumIterator as _;

/// The first of the seeds on which thresholds were chosen.
const TUNED_ON: u32 = 11;
/// The first of the held-out seeds.
const HELD_OUT: u32 = 31_000_001;
/// The file with the table.
const TABLE: &str = "../../docs/findings.md";
const MARK: &str = "<!-- The table below is written by crates/engine/tests/findings. -->\n";

/// Runs a scenario and returns the first finding of each kind, found at any step.
fn found(case: &Case) -> Vec<Finding> {
    let mut simulation = Simulation::new(case.experiment.clone(), None).unwrap();
    if let Some(bias) = &case.bias {
        let mut state = simulation.state().clone();
        state.variants[0].bias = held(bias);
        simulation.restore(case.experiment.clone(), state).unwrap();
    }
    let mut engine = CpuEngine::new("");
    let (mut tracker, mut diagnosis, mut floors) = (Tracker::default(), Diagnosis::default(), Floors::default());
    let mut rows = vec![];
    let mut seen: Vec<Finding> = vec![];
    while simulation.step() < case.steps {
        let here = simulation.step();
        if let Some((at, change)) = &case.change
            && *at == here
        {
            let target = if change.is_of_source() { Target::Source } else { Target::AllVariants };
            simulation.apply(target, change).unwrap();
            diagnosis.reset(here);
        }
        engine.advance(&mut simulation, 20, &mut rows).unwrap();
        for row in rows.drain(..) {
            let v = &row.variants[0];
            let mut metrics = tracker.push(v);
            metrics.floor = floors.of(simulation.experiment(), 0, row.tokens);
            let cx = Context::new(simulation.experiment(), 0, row.step, 0).unwrap();
            diagnosis.push(row.step, v, &metrics, tracker.recent(), &cx);
            for finding in diagnosis.findings().iter() {
                if !seen.iter().any(|s| s.kind == finding.kind) {
                    seen.push(finding.clone());
                }
            }
        }
    }
    seen
}

/// Numbers of true and false alarms of one kind.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    is: u32,
    detected: u32,
    is_not: u32,
    alarms: u32,
}

fn count(seed: u32) -> (usize, Vec<(Kind, Count)>, Vec<String>) {
    let all = cases(seed);
    let seen: Vec<Vec<Finding>> = all.par_iter().map(found).collect();
    let mut wrong = vec![];
    let mut table = vec![];
    for kind in Kind::iter() {
        let mut c = Count::default();
        for (case, seen) in all.iter().zip(&seen) {
            let said = seen.iter().find(|f| f.kind == kind);
            if case.is.contains(&kind) {
                c.is += 1;
                c.detected += u32::from(said.is_some());
                if said.is_none() {
                    wrong.push(format!("missed {kind:?}: {}", case.name));
                }
            } else if !case.open.contains(&kind) {
                c.is_not += 1;
                c.alarms += u32::from(said.is_some());
                if let Some(finding) = said {
                    wrong.push(format!("FALSE {kind:?} at {}: {}: {}", finding.since, case.name, finding.sentence()));
                }
            }
        }
        table.push((kind, c));
    }
    (all.len(), table, wrong)
}

fn written(scenarios: usize, table: &[(Kind, Count)]) -> String {
    let mut out = format!("{scenarios} scenarios, on seeds that were held out.\n\n");
    out += "| finding | scenarios where it is true | found | scenarios where it is not | false alarms |\n";
    out += "|---|--:|--:|--:|--:|\n";
    for (kind, c) in table {
        writeln!(out, "| {} | {} | {} | {} | {} |", kind.name(), c.is, c.detected, c.is_not, c.alarms).unwrap();
    }
    let sum = |of: fn(&Count) -> u32| table.iter().map(|(_, c)| of(c)).sum::<u32>();
    let (is, detected) = (sum(|c| c.is), sum(|c| c.detected));
    let (is_not, alarms) = (sum(|c| c.is_not), sum(|c| c.alarms));
    writeln!(out, "| **all** | {is} | {detected} | {is_not} | {alarms} |").unwrap();
    out
}

#[test]
fn alarms_are_true_and_few_are_missed() {
    let tuning = std::env::var_os("MOEBIAS_TUNE").is_some();
    let (scenarios, table, wrong) = count(if tuning { TUNED_ON } else { HELD_OUT });
    let text = written(scenarios, &table);
    println!("{text}\n{}", wrong.join("\n"));
    if tuning {
        return;
    }
    assert!(scenarios >= 200);
    let kinds: BTreeSet<Kind> = table.iter().filter(|(_, c)| c.is >= 5 && c.is_not >= 50).map(|(k, _)| *k).collect();
    // Dropped assignments are counted exactly, not told from chance: `capacity.rs` has their test.
    assert_eq!(
        kinds.len(),
        Kind::iter().filter(|k| *k != Kind::Dropping).count(),
        "every kind is true in some scenarios and false in many"
    );
    for (kind, c) in &table {
        assert_eq!(c.alarms, 0, "false alarms of {kind:?}");
        assert!(f64::from(c.detected) >= 0.9 * f64::from(c.is), "{kind:?} is missed: {c:?}");
    }
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(TABLE);
    let document = std::fs::read_to_string(&path).unwrap();
    let (head, kept) = document.split_once(MARK).unwrap();
    if std::env::var_os("MOEBIAS_UPDATE").is_some() {
        std::fs::write(&path, format!("{head}{MARK}\n{text}")).unwrap();
    } else {
        assert_eq!(kept.trim(), text.trim(), "MOEBIAS_UPDATE=1 writes it afresh");
    }
}

/// Asks the same of scenarios that were made for another detector.
#[test]
fn a_stranger_s_scenarios_are_told_as_well() {
    let all: Vec<strangers::Case> = [5, 6].into_iter().flat_map(strangers::all).collect();
    assert!(all.len() >= 400);
    let judged = all.into_par_iter().map(|case| {
        let mut run = Run::new(RunId(0), case.start).unwrap();
        let mut engine = CpuEngine::new("");
        while run.step() < case.steps {
            run.advance(&mut engine, (case.steps - run.step()).min(256) as u32, |_, _| {}).unwrap();
        }
        (case.family, case.name, case.is, case.is_not, run.findings(0))
    });
    let judged: Vec<_> = judged.collect();
    let mut counts = vec![Count::default(); Kind::iter().count()];
    let mut wrong = vec![];
    for (family, name, is, is_not, found) in judged {
        let said = |kind: Kind| found.iter().any(|f| f.kind == kind);
        for kind in is {
            let c = &mut counts[kind as usize];
            (c.is, c.detected) = (c.is + 1, c.detected + u32::from(said(kind)));
            if !said(kind) {
                wrong.push(format!("missed {kind:?}: {family}, {name}"));
            }
        }
        for kind in is_not {
            let c = &mut counts[kind as usize];
            (c.is_not, c.alarms) = (c.is_not + 1, c.alarms + u32::from(said(kind)));
            if said(kind) {
                wrong.push(format!("FALSE {kind:?}: {family}, {name}"));
            }
        }
    }
    println!("{counts:?}\n{}", wrong.join("\n"));
    for (kind, c) in Kind::iter().zip(counts).filter(|(kind, _)| *kind != Kind::Dropping) {
        assert!(c.is >= 8 && c.is_not >= 80, "{kind:?} is tried: {c:?}");
        assert_eq!(c.alarms, 0, "false alarms of {kind:?}");
        assert!(f64::from(c.detected) >= 0.9 * f64::from(c.is), "{kind:?} is missed: {c:?}");
    }
}
