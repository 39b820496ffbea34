//! Reading scenarios, and checking that they can start.

use super::error::setting;
use super::error::{FileError, Problem};
use super::shipped::Shipped;
use super::{BUILTIN, Examined, Loaded, Recorded, Scenario, VERSION, limits, locate, paths, recorded, shipped};
use moebias_disk::Refusal;
use moebias_model::change::{self, Event};
use moebias_model::config::{self, ConfigError, Limits, Source, Synthetic, TraceSource, Variant};
use moebias_model::digest::Digest;
use moebias_model::learn::settings as learn;
use moebias_model::naming;
use moebias_model::step::{self as steps, State, check};
use moebias_model::trace::Trace;
use ron::extensions::Extensions;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A scenario as it is written in a file.
#[derive(Deserialize)]
#[serde(rename = "Scenario", deny_unknown_fields)]
struct Written {
    #[serde(rename = "version")]
    _version: u32,
    title: String,
    #[serde(default)]
    summary: String,
    #[serde(default)]
    look_for: String,
    #[serde(default)]
    seed: u32,
    #[serde(default = "default_source")]
    source: Source,
    #[serde(default = "default_variants")]
    variants: Vec<Variant>,
    #[serde(default)]
    events: Vec<Event>,
    #[serde(default)]
    stop: Option<u64>,
    #[serde(default)]
    speed: Option<f64>,
    #[serde(default)]
    start: Option<State>,
    #[serde(default)]
    view: Option<super::view::View>,
    #[serde(default)]
    recorded: Option<WrittenRecorded>,
}

/// [`Recorded`] as it is written in a file: the digest is in hexadecimal, as everywhere it is displayed.
#[derive(Deserialize)]
#[serde(rename = "Recorded", deny_unknown_fields)]
struct WrittenRecorded {
    steps: u64,
    digest: String,
    engine: String,
    app_version: String,
}

pub(super) fn default_source() -> Source {
    Source::Synthetic(Synthetic::default())
}

fn default_variants() -> Vec<Variant> {
    vec![Variant::default()]
}

/// The RON options that make files easiest to write: `stop: 600` instead of `Some(600)`, `Synthetic(skew: 1)` instead of two pairs of
/// brackets.
pub(super) fn ron() -> ron::Options {
    ron::Options::default().with_default_extension(Extensions::IMPLICIT_SOME | Extensions::UNWRAP_VARIANT_NEWTYPES)
}

impl Shipped {
    /// Loads the scenario.
    ///
    /// # Errors
    /// None in practice: a test loads every shipped scenario.
    pub fn load(&self) -> Result<Loaded, FileError> {
        load_text(self.text, &format!("{}.ron", self.id), Path::new(""))
    }
}

/// Parses a scenario and checks it. Its trace, if it has one, is not opened.
///
/// # Errors
/// See [`FileError`]; `name` is the name of the file in messages.
pub fn parse(text: &str, name: &str) -> Result<Scenario, FileError> {
    parse_in_order(text, name).map(|(scenario, _)| scenario)
}

/// As [`parse`]; also returns the index in the file of each event, since events are sorted by step.
fn parse_in_order(text: &str, name: &str) -> Result<(Scenario, Vec<usize>), FileError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() as u64 > limits::SCENARIO_BYTES {
        let bytes = text.len() as u64;
        return Err(FileError::refused(name, Refusal::TooLarge { bytes, limit: limits::SCENARIO }));
    }
    check_version(text, name)?;
    let written: Written = ron().from_str(text).map_err(|e| syntax_error(text, name, &e))?;
    let recorded = written.recorded.map(|r| {
        let digest = Digest::parse(&r.digest).ok_or_else(|| {
            setting("recorded.digest", &format!("{:?}", r.digest), "sixteen hexadecimal digits in quotes")
        })?;
        Ok(Recorded { steps: r.steps, digest, engine: r.engine, app_version: r.app_version })
    });
    let located = |e: ConfigError| {
        let path = e.setting.clone();
        FileError::new(name, Problem::Setting(e)).at_path(text, &path)
    };
    let mut scenario = Scenario {
        title: written.title,
        summary: written.summary,
        look_for: written.look_for,
        seed: written.seed,
        source: written.source,
        variants: written.variants,
        events: written.events,
        stop: written.stop,
        speed: written.speed,
        start: written.start,
        view: written.view,
        recorded: recorded.transpose().map_err(located)?,
    };
    naming::settle_start(&mut scenario.variants);
    validate(&scenario).map_err(located)?;
    let order = order(&scenario.events);
    scenario.events.sort_by_key(|e| e.step);
    Ok((scenario, order))
}

/// Parses a scenario, opens its trace relative to `folder`, and checks that it can start. The trace's path in the result is absolute.
pub fn load_text(text: &str, name: &str, folder: &Path) -> Result<Loaded, FileError> {
    let (mut scenario, order) = parse_in_order(text, name)?;
    let (trace, examined) = match &scenario.source {
        Source::Trace(t) => open_trace(text, name, folder, t)?,
        _ => (None, None),
    };
    check_start(&scenario, trace.as_deref()).and_then(|()| check_events(&scenario, &order, trace.as_deref())).map_err(
        |e| {
            let path = e.setting.clone();
            FileError::new(name, Problem::Setting(e)).at_path(text, &path)
        },
    )?;
    paths::resolve(&mut scenario.source, folder);
    Ok(Loaded { scenario, trace, path: None, examined })
}

/// The trace of a scenario, and what the recording turned out to hold; `None` for a shipped trace of one layer.
type OpenTrace = (Option<Arc<Trace>>, Option<Arc<Examined>>);

fn open_trace(text: &str, name: &str, folder: &Path, source: &TraceSource) -> Result<OpenTrace, FileError> {
    let is_recording = |id: &str| shipped::traces().iter().any(|t| t.id == id && t.is_recording);
    if let Some(id) = source.file.strip_prefix(BUILTIN).filter(|id| !is_recording(id)) {
        return match recorded::of_shipped(id) {
            Some(trace) => Ok((Some(trace), None)),
            None => {
                let names: Vec<_> = shipped::traces().iter().map(|t| format!("{BUILTIN}{}", t.id)).collect();
                let e =
                    setting("source.file", &format!("{:?}", source.file), &format!("a file or {}", names.join(", ")));
                Err(FileError::new(name, Problem::Setting(e)).at_path(text, "source.file"))
            }
        };
    }
    let all = std::iter::once(&source.file).chain(&source.reading.also);
    let at = |file: &String| if file.starts_with(BUILTIN) { PathBuf::from(file) } else { folder.join(file) };
    let files: Vec<PathBuf> = all.map(at).collect();
    match recorded::examine(&files, source.layer.as_deref(), &source.reading) {
        Ok(examined) => Ok((Some(Arc::clone(&examined.trace)), Some(Arc::new(examined)))),
        // The user opened the scenario, so the error names it and says what is wrong with its trace.
        Err(e) => {
            let closed = matches!(e.problem, Problem::NotOpened(_));
            let path = if closed || source.layer.is_none() { "source.file" } else { "source" };
            Err(FileError::new(name, Problem::Trace(format!("its trace can't be used: {}", e.headline())))
                .at_path(text, path))
        }
    }
}

/// Checks that a run can start: the trace and the start state fit the settings.
fn check_start(scenario: &Scenario, trace: Option<&Trace>) -> Result<(), ConfigError> {
    check::settings(&scenario.experiment(), trace)?;
    scenario.start.as_ref().map_or(Ok(()), |state| check_state(scenario, state))
}

fn check_state(scenario: &Scenario, state: &State) -> Result<(), ConfigError> {
    check::state(&scenario.experiment(), state)
        .map_err(|e| ConfigError { setting: e.setting.replace("start state", "start"), ..e })
}

/// Checks that the trace allows every timed event. Without a trace, [`validate`] has checked them.
fn check_events(scenario: &Scenario, order: &[usize], trace: Option<&Trace>) -> Result<(), ConfigError> {
    let Some(trace) = trace else { return Ok(()) };
    let mut experiment = scenario.experiment();
    for (i, event) in order.iter().zip(&scenario.events) {
        change::apply(&mut experiment, event.target, &event.change)
            .and_then(|()| steps::routes_again(&experiment, trace))
            .map_err(|e| ConfigError { setting: format!("events[{i}].change ({})", e.setting), ..e })?;
    }
    Ok(())
}

/// Checks everything that does not depend on the trace.
pub(super) fn validate(scenario: &Scenario) -> Result<(), ConfigError> {
    for (path, text) in [("title", &scenario.title), ("summary", &scenario.summary), ("look_for", &scenario.look_for)] {
        let length = text.chars().count();
        if length as f64 > limits::TEXT.max {
            return Err(setting(path, &format!("{length} characters long"), "at most 4000 characters long"));
        }
    }
    scenario.experiment().validate()?;
    if let Some(speed) = scenario.speed {
        limits::SPEED.check("", speed)?;
    }
    if let Source::Trace(t) = &scenario.source
        && t.file.is_empty()
    {
        return Err(setting("source.file", "empty", "the path of a trace"));
    }
    if let Some(start) = &scenario.start {
        step("start.step", start.step)?;
        check_state(scenario, start)?;
    }
    if let Some(view) = &scenario.view {
        view.validate(scenario.variants.iter().map(|v| v.router.experts).min().unwrap_or(0))?;
    }
    if let Some(stop) = scenario.stop {
        step("stop", stop)?;
    }
    if let Some(recorded) = &scenario.recorded {
        step("recorded.steps", recorded.steps)?;
        if recorded.steps < scenario.first_step() {
            let allowed = format!("at least {}, where the run starts", scenario.first_step());
            return Err(setting("recorded.steps", &recorded.steps.to_string(), &allowed));
        }
    }
    validate_events(scenario)
}

fn step(path: &str, value: u64) -> Result<(), ConfigError> {
    if value as f64 > limits::STEP.max {
        return Err(setting(path, &value.to_string(), &format!("from 0 to {}", limits::STEP.max)));
    }
    Ok(())
}

/// The indices of the events, in the order in which they are applied.
fn order(events: &[Event]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..events.len()).collect();
    order.sort_by_key(|&i| events[i].step);
    order
}

fn validate_events(scenario: &Scenario) -> Result<(), ConfigError> {
    limits::EVENTS.check("", scenario.events.len() as f64)?;
    let mut experiment = scenario.experiment();
    // Events are checked in the order in which they are applied, but errors give their index in the file.
    for i in order(&scenario.events) {
        let event = &scenario.events[i];
        step(&format!("events[{i}].step"), event.step)?;
        if event.step < scenario.first_step() {
            let allowed = format!("at least {}, where the run starts", scenario.first_step());
            return Err(setting(&format!("events[{i}].step"), &event.step.to_string(), &allowed));
        }
        change::apply(&mut experiment, event.target, &event.change)
            .map_err(|e| ConfigError { setting: format!("events[{i}].change ({})", e.setting), ..e })?;
    }
    Ok(())
}

/// Checks the version first, so that a file in a newer format is reported as such and not by some detail that is new in it.
pub(super) fn check_version(text: &str, name: &str) -> Result<(), FileError> {
    let Some((found, at)) = locate::field(text, "version") else {
        if text.trim().is_empty() {
            return Err(FileError::new(name, Problem::Empty));
        }
        let problem = if locate::is_ron(text) { Problem::NoVersion } else { Problem::NotOurs };
        return Err(FileError::new(name, problem).at(text, 0));
    };
    if found.parse() == Ok(VERSION) {
        return Ok(());
    }
    Err(FileError::new(name, Problem::Version(found.chars().take(40).collect())).at(text, at))
}

/// The parser's message, with the allowed range if the value at fault belongs to a setting that has one.
pub(super) fn syntax_error(text: &str, name: &str, error: &ron::error::SpannedError) -> FileError {
    let said = error.code.to_string();
    let plainly = unknown_word(&error.code);
    let message = said.strip_prefix("Expected").map_or(said.clone(), |rest| format!("expected{rest}"));
    let message = plainly.clone().unwrap_or(message);
    let byte = locate::byte_of(text, error.span.start.line, error.span.start.col);
    // The parser reports a wrong type at the white space before the value.
    let byte = text.len() - text[byte..].trim_start().len();
    let wrong = |text: &str, byte| FileError::new(name, Problem::Syntax(message.clone())).at(text, byte);
    let Some((path, span)) = locate::path_at(text, byte) else { return wrong(text, byte) };
    if byte > span.end || said.contains("field named") || plainly.is_some() {
        return wrong(text, byte);
    }
    let value: String = text[span.clone()].chars().take_while(|&c| c != '\n').take(60).collect();
    let of_value = ["Expected integer", "Expected float", "Integer is", "Expected string", "Expected boolean"];
    if !of_value.iter().any(|start| said.starts_with(start)) {
        let plain = matches!(value.as_str(), "(" | "[" | "{") || byte == span.end;
        let message = if plain { message.clone() } else { format!("{message}, at {path}: {value}") };
        return FileError::new(name, Problem::Syntax(message)).at(text, byte);
    }
    let learns = locate::field(text, "source").is_some_and(|(word, _)| word == "Learning");
    let message = match limit_of(path.rsplit('.').next().unwrap_or(&path), learns) {
        Some(limit) => {
            format!("{path} is {value}, but must be a number from {} to {} ({message})", limit.min, limit.max)
        }
        None => format!("{path} is {value}: {message}"),
    };
    FileError::new(name, Problem::Syntax(message)).at(text, span.start)
}

/// The message for a name that the format does not know: it suggests the most similar known name and lists all. `None` for other errors.
fn unknown_word(error: &ron::Error) -> Option<String> {
    let (found, expected, what) = match error {
        ron::Error::NoSuchEnumVariant { expected, found, .. } => (found, *expected, "value"),
        ron::Error::NoSuchStructField { expected, found, .. } => (found, *expected, "setting"),
        _ => return None,
    };
    let meant = crate::text::nearest(found, expected).map(|n| format!("; `{n}` may be meant")).unwrap_or_default();
    let all: Vec<String> = expected.iter().map(|e| format!("`{e}`")).collect();
    let all = if all.is_empty() { String::new() } else { format!(". It must be one of {}", all.join(", ")) };
    Some(format!("there is no {what} `{found}` here{meant}{all}"))
}

fn limit_of(name: &str, learns: bool) -> Option<Limits> {
    use config::limits as of;
    use learn::limits as to_learn;
    // For a source to learn from, some settings of the same name have other limits.
    let own = [
        to_learn::BATCH,
        to_learn::TOPICS,
        to_learn::DOMAINS,
        to_learn::RICH,
        to_learn::KINSHIP,
        to_learn::COMMON,
        to_learn::NOISE,
        to_learn::TARGET_NOISE,
        to_learn::EXPERT_RATE,
        to_learn::ROUTER_RATE,
        to_learn::HORIZON,
        to_learn::ALPHA,
        to_learn::Z_LOSS,
        to_learn::SEQUENCE,
        to_learn::BATCHES,
    ];
    let all = [
        of::BATCH,
        of::TOPICS,
        of::SKEW,
        of::NOISE,
        of::DRIFT,
        of::BURST,
        of::EXPERTS,
        of::TOP_K,
        of::RATE,
        of::MOMENTUM,
        of::STEEPNESS,
        of::DERIVATIVE,
        of::ZERO_EXPERTS,
        of::REAL_EXPERTS,
        of::FREEZE,
        limits::STEP,
        limits::SPEED,
        Limits { name: "seed", min: 0.0, max: 4_294_967_295.0 },
        Limits { name: "stop", ..limits::STEP },
        Limits { name: "steps", ..limits::STEP },
    ];
    own.into_iter().filter(|_| learns).chain(all).find(|l| l.name == name)
}
