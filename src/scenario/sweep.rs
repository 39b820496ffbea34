//! Sweeps as CSV: a head of comment lines that says exactly how it was made, then one row per run with every setting that can be swept
//! and every figure.
//!
//! While a sweep runs, whole rows are appended as they come; when all are there the file is replaced by one with its rows in order. So a
//! killed sweep leaves a file that the same command goes on with, and what comes out at last is the same to the byte. Columns: `run` (its
//! number), `variant`, the settings, `steps`, `settling_step` (empty where it never settles), `steady_max_vio`, `in_balance_share`,
//! `moved_share`, `amplitude` (score units), `period` (steps; empty where there is none) and `digest` (of all loads and biases).

use super::error::{FileError, Problem};
use super::{Scenario, atomic, read, to_text};
use crate::model::digest::Digest;
use crate::model::figures::{Figures, Oscillation};
use crate::model::sweep::{Axis, Outcome, Parameter, Plan};
use crate::model::trace::Trace;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use strum::IntoEnumIterator as _;

/// The first line of every sweep.
const FIRST: &str = "# A Moebias sweep. Open it in Moebias, or go on with it by the same command; a row is a run.\n";
/// The largest file that can be a sweep.
const MOST_BYTES: u64 = 256 << 20;
/// Figures after the settings.
const FIGURES: [&str; 8] =
    ["steps", "settling_step", "steady_max_vio", "in_balance_share", "moved_share", "amplitude", "period", "digest"];

/// A digest of some text, as it is printed of a finished sweep.
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

/// A plan's head: everything that decides what its rows will be.
#[must_use]
pub fn head(title: &str, plan: &Plan, trace: Option<&Trace>) -> String {
    let scenario =
        Scenario { events: plan.all_events().to_vec(), ..Scenario::from_experiment(title, plan.base().clone()) };
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
    trace.token_ids.iter().for_each(|&t| all.word(t as u64));
    all
}

fn columns() -> String {
    let names = ["run", "variant"].into_iter().chain(Parameter::iter().map(Parameter::name)).chain(FIGURES);
    line(names.map(str::to_owned))
}

/// A line of fields; those that need it are quoted.
fn line(fields: impl Iterator<Item = String>) -> String {
    let mut out = csv::Writer::from_writer(vec![]);
    let fields: Vec<String> = fields.collect();
    // A vector takes everything.
    let bytes = out.write_record(&fields).ok().and_then(|()| out.into_inner().ok()).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The row of a run.
#[must_use]
pub fn row(plan: &Plan, number: usize, outcome: &Outcome) -> String {
    let experiment = plan.experiment(number);
    // A row is a line: what was torn off is seen by that.
    let name = experiment.variants.first().map(|v| v.name.replace(['\n', '\r'], " ")).unwrap_or_default();
    let settings = Parameter::iter().map(|p| p.of(&experiment, 0).map(|v| v.to_string()).unwrap_or_default());
    let f = &outcome.figures;
    let real = |x: Option<f64>| x.map(|x| x.to_string()).unwrap_or_default();
    let figures = [
        f.steps.to_string(),
        f.settling.map(|s| s.to_string()).unwrap_or_default(),
        real(f.steady),
        real(f.in_balance),
        real(f.moved),
        real(f.oscillation.map(|o| o.amplitude)),
        real(f.oscillation.and_then(|o| o.period)),
        outcome.digest.to_string(),
    ];
    line([number.to_string(), name].into_iter().chain(settings).chain(figures))
}

/// A sweep as text: the rows that there are, in order.
#[must_use]
pub fn text(head: &str, plan: &Plan, outcomes: &[Option<Outcome>]) -> String {
    let rows = outcomes.iter().enumerate().filter_map(|(n, o)| o.as_ref().map(|o| row(plan, n, o)));
    std::iter::once(head.to_owned()).chain(rows).collect()
}

/// Saves a sweep, whole or not, atomically.
///
/// # Errors
/// Whatever the operating system says.
pub fn save(path: &Path, head: &str, plan: &Plan, outcomes: &[Option<Outcome>]) -> Result<(), FileError> {
    atomic::write(path, text(head, plan, outcomes).as_bytes())
}

/// A sweep's file while it runs.
#[derive(Debug)]
pub struct Log {
    file: File,
    name: String,
}

impl Log {
    /// Begins a file, or goes on with one that the same sweep left. Also what is known from there.
    ///
    /// # Errors
    /// A file of another sweep or of something else, which is left alone, or whatever the operating system says.
    pub fn begin(path: &Path, head: &str, plan: &Plan) -> Result<(Self, Vec<Option<Outcome>>), FileError> {
        let name = path.display().to_string();
        let fail = |e: io::Error| FileError::write(&name, e);
        let wrong = |text: String| FileError::new(&name, Problem::Sweep(text));
        let mut known = vec![None; plan.len()];
        let old = match fs::metadata(path) {
            Ok(m) if m.len() > MOST_BYTES => return Err(wrong("it is too large to be a sweep".into())),
            Ok(_) => fs::read(path).map_err(fail)?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => vec![],
            Err(e) => return Err(fail(e)),
        };
        let mut whole = 0;
        // A head that was torn off begins anew.
        if !head.as_bytes().starts_with(&old) {
            let Some(rows) = old.strip_prefix(head.as_bytes()) else {
                return Err(wrong(other(&String::from_utf8_lossy(&old), head)));
            };
            // So is a row.
            let end = rows.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
            let rows = std::str::from_utf8(&rows[..end]).ok().ok_or_else(|| wrong("it is not a text file".into()))?;
            known = outcomes(rows, plan.len()).map_err(wrong)?;
            whole = head.len() + end;
        }
        let mut file = File::options().create(true).append(true).open(path).map_err(fail)?;
        file.set_len(whole as u64).map_err(fail)?;
        if whole == 0 {
            file.write_all(head.as_bytes()).map_err(fail)?;
        }
        Ok((Self { file, name }, known))
    }

    /// Appends whole rows, and sees that they are on the disk.
    ///
    /// # Errors
    /// Whatever the operating system says.
    pub fn append(&mut self, plan: &Plan, done: &[(usize, Outcome)]) -> Result<(), FileError> {
        let rows: String = done.iter().map(|(n, o)| row(plan, *n, o)).collect();
        let written = self.file.write_all(rows.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|e| FileError::write(&self.name, e))
    }
}

/// Why a file can't be gone on with.
fn other(old: &str, head: &str) -> String {
    let of = |text: &str, name: &str| {
        text.lines().find_map(|l| Some(l.strip_prefix("# ")?.strip_prefix(name)?.trim().to_owned()))
    };
    if !old.starts_with(FIRST) {
        return "it exists already and is not a sweep: choose another name".into();
    }
    let (theirs, ours) = (of(old, "moebias:"), of(head, "moebias:"));
    match (theirs, ours) {
        (Some(theirs), Some(ours)) if theirs != ours => {
            format!("it was begun by Moebias {theirs}, and this is {ours}: choose another name")
        }
        _ => "it holds another sweep (other settings, values, seeds or steps): choose another name".into(),
    }
}

/// What the rows say.
fn outcomes(rows: &str, runs: usize) -> Result<Vec<Option<Outcome>>, String> {
    let mut known = vec![None; runs];
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(rows.as_bytes());
    for (i, record) in reader.records().enumerate() {
        let wrong = || format!("row {} is not a run of this sweep", i + 1);
        let record = record.ok().ok_or_else(wrong)?;
        let (number, outcome) = outcome(&record).ok_or_else(wrong)?;
        *known.get_mut(number).ok_or_else(wrong)? = Some(outcome);
    }
    Ok(known)
}

fn outcome(record: &csv::StringRecord) -> Option<(usize, Outcome)> {
    let first = record.len().checked_sub(FIGURES.len())?;
    let field = |i: usize| record.get(first + i).unwrap_or_default();
    // Empty is none; anything that is no number is wrong.
    let real = |i: usize| match field(i) {
        "" => Some(None),
        text => text.parse::<f64>().ok().map(Some),
    };
    let settling = match field(1) {
        "" => None,
        text => Some(text.parse().ok()?),
    };
    let period = real(6)?;
    let figures = Figures {
        steps: field(0).parse().ok()?,
        settling,
        steady: real(2)?,
        in_balance: real(3)?,
        moved: real(4)?,
        oscillation: real(5)?.map(|amplitude| Oscillation { amplitude, period }),
    };
    Some((record.get(0)?.parse().ok()?, Outcome { figures, digest: Digest::parse(field(7))? }))
}

/// A sweep that was read from a file.
#[derive(Debug)]
pub struct Saved {
    /// What the experiment is called.
    pub title: String,
    /// Which runs there are.
    pub plan: Plan,
    /// What they came to; not every run need be there.
    pub outcomes: Vec<Option<Outcome>>,
}

/// Reads a sweep from its text. A row that was torn off is left out.
///
/// # Errors
/// What is wrong, in a sentence.
pub fn parse(name: &str, text: &str) -> Result<Saved, FileError> {
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
    let scenario = read::parse(&scenario, name)?;
    let plan = Plan::new(scenario.experiment(), &scenario.events, axes, seeds, steps).map_err(|e| wrong(&e))?;
    let rows = text.find(&columns()).map(|at| &text[at + columns().len()..]).ok_or_else(|| wrong("it has no rows"))?;
    let rows = &rows[..rows.rfind('\n').map_or(0, |i| i + 1)];
    let outcomes = outcomes(rows, plan.len()).map_err(|e| wrong(&e))?;
    Ok(Saved { title: scenario.title, plan, outcomes })
}

/// Whether a file is a sweep, by its name.
#[must_use]
pub fn is_sweep(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv"))
}

/// Reads a sweep from a file.
///
/// # Errors
/// A file that is missing, too large or no sweep.
pub fn open(path: &Path) -> Result<Saved, FileError> {
    let name = path.display().to_string();
    let length = fs::metadata(path).map_err(|e| FileError::read(&name, e))?.len();
    if length > MOST_BYTES {
        return Err(FileError::new(&name, Problem::Sweep("it is too large to be a sweep".into())));
    }
    parse(&name, &fs::read_to_string(path).map_err(|e| FileError::read(&name, e))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::change::{Change, Event, Target};
    use crate::model::config::{Experiment, Source, Synthetic, Variant};

    fn plan() -> Plan {
        let variant = |name: &str| Variant { name: name.into(), ..Variant::default() };
        let experiment = Experiment {
            seed: 7,
            source: Source::Synthetic(Synthetic { batch: 64, ..Default::default() }),
            variants: vec![variant("first, quoted"), variant("# second")],
        };
        let events = [Event { step: 3, target: Target::Source, change: Change::SetSkew(0.5) }];
        let axes = ["u=1e-5..1e-1:log:5", "rule=sign,rms"].map(|a| Axis::parse(a).unwrap());
        Plan::new(experiment, &events, axes.to_vec(), 2, 10).unwrap()
    }

    fn some(n: usize) -> Outcome {
        let oscillation =
            Some(Oscillation { amplitude: 0.1 / (n + 3) as f64, period: n.is_multiple_of(3).then_some(2.5) });
        let settling = n.is_multiple_of(2).then_some(n as u64);
        let figures = Figures { steps: 10, settling, steady: Some(1.0 / 3.0), oscillation, ..Figures::default() };
        Outcome { figures, digest: digest(&n.to_string()) }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let plan = plan();
        let outcomes: Vec<Option<Outcome>> = (0..plan.len()).map(|n| (n != 4).then(|| some(n))).collect();
        let text = text(&head("A title", &plan, None), &plan, &outcomes);
        let saved = parse("x.csv", &text).unwrap();
        assert_eq!((saved.title.as_str(), &saved.outcomes), ("A title", &outcomes));
        assert_eq!(saved.plan.axes(), plan.axes());
        assert_eq!(head("A title", &saved.plan, None), head("A title", &plan, None), "the same plan");
        let torn = &text[..text.len() - 5];
        let last = parse("x.csv", torn).unwrap().outcomes.iter().flatten().count();
        assert_eq!(last, plan.len() - 2);
    }

    #[test]
    fn a_file_of_something_else_is_left_alone() {
        let (plan, folder) = (plan(), tempfile::tempdir().unwrap());
        let path = folder.path().join("out.csv");
        let head = head("A title", &plan, None);
        let begin = |old: &str, says: &str| {
            fs::write(&path, old).unwrap();
            let e = Log::begin(&path, &head, &plan).unwrap_err().to_string();
            assert!(e.contains(says), "{e}");
            assert_eq!(fs::read_to_string(&path).unwrap(), old);
        };
        begin("step,variant\n", "no sweep");
        begin(&head.replace("seeds: 2", "seeds: 3"), "another sweep");
        begin(&head.replace("# moebias: ", "# moebias: 9."), "begun by Moebias 9.");
        begin(&format!("{head}1,2,3\n"), "row 1 is not a run");
        begin(&format!("{head}{}", row(&plan, plan.len() - 1, &some(0)).replacen("39,", "40,", 1)), "row 1");
    }

    #[test]
    fn a_torn_file_is_gone_on_with() {
        let (plan, folder) = (plan(), tempfile::tempdir().unwrap());
        let path = folder.path().join("out.csv");
        let head = head("A title", &plan, None);
        let rows: Vec<String> = (0..3).map(|n| row(&plan, n, &some(n))).collect();
        for (old, known) in [
            (head[..100].to_owned(), 0),
            (format!("{head}{}", rows[0]), 1),
            (format!("{head}{}{}{}", rows[2], rows[0], &rows[1][..40]), 2),
        ] {
            fs::write(&path, old).unwrap();
            let (mut log, outcomes) = Log::begin(&path, &head, &plan).unwrap();
            assert_eq!(outcomes.iter().flatten().count(), known);
            log.append(&plan, &[(5, some(5))]).unwrap();
            let (_, outcomes) = Log::begin(&path, &head, &plan).unwrap();
            assert_eq!((outcomes.iter().flatten().count(), outcomes[5]), (known + 1, Some(some(5))));
        }
    }
}
