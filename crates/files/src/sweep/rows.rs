//! The rows of a sweep file: the settings of a run, its figures, and a checksum.

use super::digest;
use crate::text::cell;
use moebias_model::digest::Digest;
use moebias_model::figures::{Figures, Oscillation};
use moebias_model::sweep::{Outcome, Parameter, Plan};
use strum::IntoEnumIterator as _;

/// The columns after the settings.
const FIGURES: [&str; 9] = [
    "steps",
    "settling_step",
    "steady_max_vio",
    "in_balance_share",
    "moved_share",
    "amplitude",
    "period",
    "digest",
    "dropped_share",
];
/// How many of them files from before there was `dropped_share` have.
const FIGURES_BEFORE: usize = 8;
const CHECKSUM: &str = "checksum";

/// What is wrong with a row.
#[derive(Debug)]
pub(super) struct Fault {
    /// The byte offset in the text.
    pub byte: usize,
    /// What is wrong.
    pub what: String,
}

/// The line with the names of the columns.
pub(super) fn columns() -> String {
    line(names(FIGURES.len()).chain([CHECKSUM]).map(str::to_owned))
}

/// The lines with the names of the columns in earlier versions, the newest first: without the share dropped; with the step size named as
/// scenarios name it; without checksums.
pub(super) fn columns_before() -> [String; 3] {
    let names = || names(FIGURES_BEFORE);
    let older = || names().map(|n| if n == Parameter::Rate.name() { Parameter::Rate.key() } else { n });
    [
        line(names().chain([CHECKSUM]).map(str::to_owned)),
        line(older().chain([CHECKSUM]).map(str::to_owned)),
        line(older().map(str::to_owned)),
    ]
}

fn names(figures: usize) -> impl Iterator<Item = &'static str> {
    ["run", "variant"]
        .into_iter()
        .chain(Parameter::iter().map(Parameter::name))
        .chain(FIGURES.into_iter().take(figures))
}

/// A line of fields, quoted where necessary.
fn line(fields: impl Iterator<Item = String>) -> String {
    let mut out = csv::WriterBuilder::new().comment(Some(b'#')).from_writer(vec![]);
    let fields: Vec<String> = fields.collect();
    // Writing to a vector cannot fail.
    let bytes = out.write_record(&fields).ok().and_then(|()| out.into_inner().ok()).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The row of a run.
#[must_use]
pub fn row(plan: &Plan, number: usize, outcome: &Outcome) -> String {
    let plain = plain_row(plan, number, outcome, FIGURES.len());
    let plain = plain.trim_end_matches('\n');
    format!("{plain},{}\n", digest(plain))
}

/// The row of a run without its checksum, with the first `count` figures.
fn plain_row(plan: &Plan, number: usize, outcome: &Outcome, count: usize) -> String {
    let experiment = plan.experiment(number);
    // A row must be a single line, since an incomplete one is recognised by its missing line break; a cell has no line breaks.
    let name = experiment.variants.first().map(|v| cell(&v.name).into_owned()).unwrap_or_default();
    // Step size and schedule are left empty for a rule without a step size.
    let steps = experiment.variants.first().is_none_or(|v| v.balancer.rule.has_step());
    let told =
        |p: Parameter| p.of(&experiment, 0).filter(|_| steps || !matches!(p, Parameter::Rate | Parameter::Schedule));
    let settings = Parameter::iter().map(|p| told(p).map(|v| v.to_string()).unwrap_or_default());
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
        real(f.dropped),
    ];
    line([number.to_string(), name].into_iter().chain(settings).chain(figures.into_iter().take(count)))
}

/// Reads the rows of a text from the byte `begin` on, into one entry per run; `checked` says that they have checksums.
pub(super) fn outcomes(text: &str, begin: usize, plan: &Plan, checked: bool) -> Result<Vec<Option<Outcome>>, Fault> {
    let mut known = vec![None; plan.len()];
    let mut byte = begin;
    for line in text[begin..].split_inclusive('\n') {
        let (number, outcome) = outcome(line.trim_end_matches(['\n', '\r']), plan, checked)
            .map_err(|f| Fault { byte: byte + f.byte, ..f })?;
        known[number] = Some(outcome);
        byte += line.len();
    }
    Ok(known)
}

/// The fields of a line, each with its byte offset. A quoted field has its quotes at its beginning and end.
fn fields(line: &str) -> Vec<(usize, &str)> {
    let (mut all, mut begin, mut quoted) = (vec![], 0, false);
    for (i, c) in line.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => {
                all.push((begin, &line[begin..i]));
                begin = i + 1;
            }
            _ => {}
        }
    }
    all.push((begin, &line[begin..]));
    all
}

fn outcome(line: &str, plan: &Plan, checked: bool) -> Result<(usize, Outcome), Fault> {
    let fault = |byte: usize, what: String| Fault { byte, what };
    let mut fields = fields(line);
    let wanted = names(FIGURES.len()).count() + usize::from(checked);
    let before = names(FIGURES_BEFORE).count() + usize::from(checked);
    let count = if fields.len() == before { FIGURES_BEFORE } else { FIGURES.len() };
    if fields.len() != wanted && fields.len() != before {
        return Err(fault(0, format!("a row has {} fields, but must have {wanted}", fields.len())));
    }
    let checksum = if checked { fields.pop() } else { None };
    let (at, number) = fields[0];
    let number = number.parse().ok().filter(|&n: &usize| n < plan.len());
    let number =
        number.ok_or_else(|| fault(at, format!("run is {}, but must be from 0 to {}", fields[0].1, plan.len() - 1)))?;
    let first = fields.len() - count;
    let wrong = |i: usize, allowed: &str| {
        let (at, text) = fields[first + i];
        fault(at, format!("{} is {text}, but must be {allowed}", FIGURES[i]))
    };
    let field = |i: usize| fields[first + i].1;
    // An empty field means `None`.
    let real = |i: usize| match field(i) {
        "" => Ok(None),
        text => {
            let value = text.parse::<f64>().ok().filter(|x| x.is_finite());
            value.map(Some).ok_or_else(|| wrong(i, "a finite number or empty"))
        }
    };
    let steps: u64 =
        field(0).parse().ok().filter(|&n| n == plan.steps()).ok_or_else(|| wrong(0, &plan.steps().to_string()))?;
    let settling = match field(1) {
        "" => None,
        text => {
            let step = text.parse().ok().filter(|&n: &u64| n < steps);
            Some(step.ok_or_else(|| wrong(1, &format!("a step from 0 to {} or empty", steps - 1)))?)
        }
    };
    let period = real(6)?;
    let figures = Figures {
        steps,
        settling,
        settled: settling.is_some(),
        steady: real(2)?,
        in_balance: real(3)?,
        moved: real(4)?,
        dropped: if count == FIGURES.len() { real(8)? } else { None },
        oscillation: real(5)?.map(|amplitude| Oscillation { amplitude, period }),
        ..Figures::default()
    };
    let digest_of_run = Digest::parse(field(7)).ok_or_else(|| wrong(7, "sixteen hexadecimal digits"))?;
    let outcome = Outcome { figures, digest: digest_of_run };
    if let Some((at, said)) = checksum
        && said != digest(&line[..at - 1]).to_string()
    {
        return Err(fault(at, "the row was changed after it was written: its checksum does not fit".into()));
    }
    // The settings in a row must be those that the header gives the run; the name is only for the reader and not compared.
    let again = plain_row(plan, number, &outcome, count);
    let again = self::fields(again.trim_end_matches('\n'));
    let other = fields.iter().zip(&again).enumerate().find(|(i, (a, b))| *i != 1 && a.1 != b.1);
    if let Some((_, ((at, text), (_, wanted)))) = other.filter(|_| checked) {
        return Err(fault(*at, format!("run {number} of this sweep has {wanted:?} here, but the row says {text:?}")));
    }
    Ok((number, outcome))
}
