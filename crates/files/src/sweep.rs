//! Sweeps as CSV files: a header of comment lines that states exactly how the sweep is made, then one row per run with every setting that
//! can be swept and every figure.
//!
//! While a sweep runs, rows are appended as runs finish; when all are there, the file is replaced by one with its rows in order. So a sweep
//! that was killed can be continued with the same command, and the final file is the same to the byte. Columns: `run` (its number),
//! `variant`, the settings, `steps`, `settling_step` (empty if it never settles), `steady_max_vio`, `in_balance_share`, `moved_share`, `dropped_share`,
//! `amplitude` (score units), `period` (steps; empty if there is none), `digest` (of all loads and biases) and `checksum` (of the rest of
//! the row, so that an edited figure is noticed).
//!
//! The runs in progress when a sweep is killed are not lost either: [`halfway`] keeps their state beside the file.

pub mod halfway;
mod rows;

use super::error::{FileError, Problem};
use super::{Scenario, atomic, limits, paths, read, to_text};
use moebias_disk::{Refusal, door};
use moebias_model::config::Gate;
use moebias_model::digest::Digest;
use moebias_model::sweep::{Axis, Outcome, Plan};
use moebias_model::trace::Trace;
use rows::{Fault, columns, columns_before, outcomes};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

pub use rows::row;

/// The first line of every sweep file.
const FIRST: &str = "# A Moebias sweep. Open it in Moebias, or go on with it by the same command; a row is a run.\n";
/// The digest of a text, as printed for a finished sweep.
#[must_use]
pub fn digest(text: &str) -> Digest {
    let mut all = Digest::default();
    for part in text.as_bytes().chunks(8) {
        let mut word = [0; 8];
        word[..part.len()].copy_from_slice(part);
        all.word(u64::from_le_bytes(word));
    }
    all.word(text.len() as u64);
    all
}

/// The header of a plan for the file `at`: everything that determines its rows.
#[must_use]
pub fn head(title: &str, plan: &Plan, trace: Option<&Trace>, at: &Path) -> String {
    let mut scenario =
        Scenario { events: plan.all_events().to_vec(), ..Scenario::from_experiment(title, plan.base().clone()) };
    paths::write_into(&mut scenario.source, at);
    let mut lines = vec![format!("moebias: {}", env!("CARGO_PKG_VERSION"))];
    for axis in plan.axes() {
        let values: Vec<String> = axis.values.iter().map(ToString::to_string).collect();
        lines.push(format!("over: {}={}", axis.parameter.name(), values.join(",")));
    }
    lines.push(format!("seeds: {}", plan.seeds()));
    lines.push(format!("steps: {}", plan.steps()));
    lines.push(format!("runs: {}", plan.len()));
    if let Some(trace) = trace {
        lines.push(format!("trace: {}", trace_digest(trace)));
    }
    lines.extend(to_text(&scenario).lines().filter(|l| !l.starts_with("//")).map(str::to_owned));
    let lines: String = lines.iter().map(|l| format!("# {l}\n")).collect();
    format!("{FIRST}# fingerprint: {}\n{lines}{}", digest(&lines), columns())
}

fn trace_digest(trace: &Trace) -> Digest {
    let mut all = Digest::default();
    [trace.steps, trace.tokens, trace.experts].into_iter().for_each(|n| all.word(n as u64));
    trace.logits.iter().for_each(|l| all.word(u64::from(l.to_bits())));
    if trace.selected.is_some() {
        trace.scores(Gate::Sigmoid).iter().for_each(|s| all.word(*s as u64));
    }
    trace.counts.iter().for_each(|&c| all.word(c));
    trace.token_ids.iter().for_each(|&t| all.word(t as u64));
    all
}

/// A sweep as text: the header, and the rows of the runs that are done, in order.
#[must_use]
pub fn text(head: &str, plan: &Plan, outcomes: &[Option<Outcome>]) -> String {
    let rows = outcomes.iter().enumerate().filter_map(|(n, o)| o.as_ref().map(|o| row(plan, n, o)));
    std::iter::once(head.to_owned()).chain(rows).collect()
}

/// Saves a sweep, complete or not, atomically.
///
/// # Errors
/// The operating system could not write it.
pub fn save(path: &Path, head: &str, plan: &Plan, outcomes: &[Option<Outcome>]) -> Result<(), FileError> {
    atomic::write(path, text(head, plan, outcomes).as_bytes())
}

/// The file of a sweep in progress.
#[derive(Debug)]
pub struct Log {
    file: File,
    name: String,
}

impl Log {
    /// Creates the file, or continues one that the same sweep left; also returns the outcomes found in it.
    ///
    /// # Errors
    /// The file belongs to another sweep or is something else (it is then unchanged), or the operating system could not write it.
    pub fn begin(path: &Path, head: &str, plan: &Plan) -> Result<(Self, Vec<Option<Outcome>>), FileError> {
        let name = path.display().to_string();
        let fail = |e: io::Error| FileError::write(&name, &e);
        let wrong = |text: String| FileError::new(&name, Problem::Sweep(text));
        let mut known = vec![None; plan.len()];
        let refused = |e| FileError::refused(&name, e);
        let old = match door::bytes(path, limits::SWEEP) {
            Err(Refusal::Missing | Refusal::Dangling(_)) => vec![],
            read => read.map_err(refused)?,
        };
        let mut whole = 0;
        // A file with only a part of the header is started afresh.
        if !head.as_bytes().starts_with(&old) {
            let Some(rows) = old.strip_prefix(head.as_bytes()) else {
                return Err(wrong(other(&String::from_utf8_lossy(&old), head)));
            };
            // An incomplete last row is dropped.
            let end = rows.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
            whole = head.len() + end;
            let text = std::str::from_utf8(&old[..whole]).ok().ok_or_else(|| wrong("it is not a text file".into()))?;
            known = outcomes(text, head.len(), plan, true).map_err(|fault| at(&name, text, fault))?;
        }
        let mut file = door::append(path, limits::SWEEP).map_err(|e| match e {
            Refusal::Io(e) => fail(e),
            e => FileError::refused(&name, e),
        })?;
        file.set_len(whole as u64).map_err(fail)?;
        if whole == 0 {
            file.write_all(head.as_bytes()).map_err(fail)?;
        }
        Ok((Self { file, name }, known))
    }

    /// Appends rows and waits until they are on the disk.
    ///
    /// # Errors
    /// The operating system could not write them.
    pub fn append(&mut self, plan: &Plan, done: &[(usize, Outcome)]) -> Result<(), FileError> {
        let rows: String = done.iter().map(|(n, o)| row(plan, *n, o)).collect();
        let written = self.file.write_all(rows.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|e| FileError::write(&self.name, &e))
    }
}

/// The error for a faulty row, with its place.
fn at(name: &str, text: &str, fault: Fault) -> FileError {
    FileError::new(name, Problem::Sweep(fault.what)).at(text, fault.byte)
}

/// Why a sweep can't continue an existing file.
fn other(old: &str, head: &str) -> String {
    let of = |text: &str, name: &str| {
        text.lines().find_map(|l| Some(l.strip_prefix("# ")?.strip_prefix(name)?.trim().to_owned()))
    };
    if !old.starts_with(FIRST) {
        return "it exists already and is not a sweep: choose another name".into();
    }
    let (theirs, ours) = (of(old, "moebias:"), of(head, "moebias:"));
    if of(old, "fingerprint:") == of(head, "fingerprint:") && old.contains(&columns_before()[2]) {
        return "it was begun before rows had checksums: choose another name".into();
    }
    match (theirs, ours) {
        (Some(theirs), Some(ours)) if theirs != ours => {
            format!("it was begun by Moebias {theirs}, and this is {ours}: choose another name")
        }
        _ => "it holds another sweep (other settings, values, seeds or steps): choose another name".into(),
    }
}

/// A sweep that was read from a file.
#[derive(Debug)]
pub struct Saved {
    /// The title of the experiment.
    pub title: String,
    /// The plan: which runs the sweep has.
    pub plan: Plan,
    /// The outcome of every run; `None` for runs that are not in the file.
    pub outcomes: Vec<Option<Outcome>>,
}

/// Reads a sweep from text; `folder` is the folder of the file. An incomplete last row is ignored.
///
/// # Errors
/// The text is not a sweep, or a row is faulty.
pub fn parse(name: &str, text: &str, folder: &Path) -> Result<Saved, FileError> {
    let wrong = |text: &str| FileError::new(name, Problem::Sweep(text.into()));
    if !text.starts_with(FIRST) {
        return Err(wrong("it is not a Moebias sweep: those begin with a line that says so"));
    }
    let comments = text.lines().map_while(|l| l.strip_prefix('#')).map(|l| l.strip_prefix(' ').unwrap_or(l));
    let (mut axes, mut seeds, mut steps, mut scenario) = (vec![], None, None, String::new());
    for line in comments.skip(1) {
        if !scenario.is_empty() || line == "(" {
            scenario.push_str(line);
            scenario.push('\n');
        } else if let Some(over) = line.strip_prefix("over: ") {
            axes.push(Axis::parse(over).map_err(|e| wrong(&e))?);
        } else if let Some(n) = line.strip_prefix("seeds: ") {
            seeds = n.parse().ok();
        } else if let Some(n) = line.strip_prefix("steps: ") {
            steps = n.parse().ok();
        }
    }
    let (Some(seeds), Some(steps)) = (seeds, steps) else { return Err(wrong("its header is incomplete")) };
    let mut scenario = read::parse(&scenario, name)?;
    paths::resolve(&mut scenario.source, folder);
    let plan = Plan::new(scenario.experiment(), &scenario.events, axes, seeds, steps).map_err(|e| wrong(&e))?;
    // Earlier versions had no share dropped, named the step size differently, and the earliest had no checksums.
    let [without, before, unchecked] = columns_before();
    let heads = [(columns(), true), (without, true), (before, true), (unchecked, false)];
    let found = heads.iter().find_map(|(line, checked)| Some((text.find(line)? + line.len(), *checked)));
    let (begin, checked) = found.ok_or_else(|| wrong("it has no rows"))?;
    let end = text.rfind('\n').map_or(0, |i| i + 1).max(begin);
    let outcomes = outcomes(&text[..end], begin, &plan, checked).map_err(|fault| at(name, text, fault))?;
    Ok(Saved { title: scenario.title, plan, outcomes })
}

/// Whether a file is a sweep, from its name and its first line. Other tables may be recordings of routers.
#[must_use]
pub fn is_sweep(path: &Path) -> bool {
    if !path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv")) {
        return false;
    }
    let mut first = vec![];
    let read = door::open(path, limits::SWEEP).map(|file| file.take(FIRST.len() as u64).read_to_end(&mut first));
    matches!(read, Ok(Ok(_))) && first == FIRST.as_bytes()
}

/// Reads a sweep from a file.
///
/// # Errors
/// The file is missing, too large or not a sweep.
pub fn open(path: &Path) -> Result<Saved, FileError> {
    let name = path.display().to_string();
    let text = door::text(path, limits::SWEEP).map_err(|e| FileError::refused(&name, e))?;
    parse(&name, &text, path.parent().unwrap_or(Path::new("")))
}

#[cfg(test)]
mod tests;
