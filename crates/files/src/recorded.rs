//! Recordings of real routers as experiments: what a file turned out to hold, one of its layers in memory, and a scenario around it.

use super::error::{FileError, Problem};
use super::locate::Place;
use super::paths::{self, builtin};
use super::{Loaded, Scenario, shipped};
use moebias_model::config::{Balancer, Experiment, Gate, Groups, Router, Rule, Source, TraceSource, Variant};
use moebias_model::trace::Trace;
use moebias_recordings::{
    Assumption, EveryLayer, Facts, Input, Layer, Oddity, Question, ReadError, Reading, RecordedKind, Recording, Watched,
};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// A recording that was opened, and the layer of it that is in memory.
#[derive(Debug)]
pub struct Examined {
    /// Every layer, as the files hold it.
    pub recording: Arc<Recording>,
    /// How it was read.
    pub reading: Reading,
    /// The name of the layer that is in memory.
    pub layer: String,
    /// What one pass over that layer showed.
    pub facts: Facts,
    /// What is odd about it, with remedies.
    pub oddities: Vec<Oddity>,
    /// What the file does not say.
    pub assumptions: Vec<Assumption>,
    /// The layer in memory.
    pub trace: Arc<Trace>,
    /// Experts per token.
    pub top_k: u32,
    /// The gate.
    pub gate: Gate,
}

/// Opens one or several files as one recording, and brings a layer of it into memory: the named one, or the first.
///
/// # Errors
/// See [`FileError`].
pub fn examine(files: &[PathBuf], layer: Option<&str>, reading: &Reading) -> Result<Examined, FileError> {
    let recording = match files {
        [only] if builtin(only).is_some() => shipped_trace(only, reading)?,
        _ => moebias_recordings::open(files, reading)?,
    };
    of_layer(recording, layer, reading)
}

/// Opens one or several files as one recording, without bringing a layer into memory.
///
/// # Errors
/// See [`FileError`].
pub fn open(files: &[PathBuf], reading: &Reading) -> Result<Recording, FileError> {
    match files {
        [only] if builtin(only).is_some() => shipped_trace(only, reading),
        _ => Ok(moebias_recordings::open(files, reading)?),
    }
}

/// The layer with this name.
///
/// # Errors
/// There is none; the error lists those that there are.
pub fn layer_of<'a>(recording: &'a Recording, layer: &str) -> Result<&'a Layer, FileError> {
    recording.layer(Some(layer)).map_err(|e| FileError::new(&recording.name, Problem::Layer(e.what)))
}

/// As [`examine`], of a file that is in memory.
///
/// # Errors
/// See [`FileError`].
pub fn examine_bytes(
    name: &str,
    bytes: Vec<u8>,
    layer: Option<&str>,
    reading: &Reading,
) -> Result<Examined, FileError> {
    of_layer(moebias_recordings::read(&Input::memory(name, bytes)?, reading)?, layer, reading)
}

/// Another layer of a recording that is open already, or the same one read otherwise.
///
/// # Errors
/// See [`FileError`].
pub fn of_layer(recording: Recording, layer: Option<&str>, reading: &Reading) -> Result<Examined, FileError> {
    let name = recording.name.clone();
    let found = recording.layer(layer).map_err(|e| FileError::new(&name, Problem::Layer(e.what)))?;
    let facts = recording.facts(found)?;
    let Watched { trace, top_k, gate, left_out, not_shown } = recording.watch(found, &facts, reading)?;
    let mut oddities = recording.odd_file();
    oddities.extend(recording.odd(found, &facts, reading));
    let mut assumptions = recording.assumptions.clone();
    let mut note = |text: String| assumptions.push(Assumption::usual(Question::Step, text));
    if left_out > 0 {
        note(format!("{left_out} tokens are left out"));
    }
    let shown = trace.steps * trace.tokens;
    if not_shown > 0 && not_shown >= trace.tokens {
        note(format!("the first {shown} tokens are shown, {not_shown} more are in the file"));
    } else if not_shown > 0 {
        note(format!("{not_shown} tokens at the end fill no step and are not shown"));
    }
    if reading.from_bias && recording.kind == RecordedKind::Scores {
        note(match found.bias.is_empty() {
            true => "no bias was recorded for this layer, so biases start from 0".into(),
            false => "biases start from the recorded bias".into(),
        });
    }
    if let Some(text) = unused_groups(&recording, found) {
        note(text);
    }
    let layer = found.name.clone();
    let (trace, reading) = (Arc::new(trace), reading.clone());
    let recording = Arc::new(recording);
    Ok(Examined { recording, reading, layer, facts, oddities, assumptions, trace, top_k, gate })
}

/// A trace that ships with Moebias.
fn shipped_trace(path: &Path, reading: &Reading) -> Result<Recording, FileError> {
    let name = path.display().to_string();
    let known = builtin(path).and_then(|id| shipped::traces().iter().find(|t| t.id == id));
    let shipped = known.ok_or_else(|| FileError::new(&name, Problem::NotShipped))?;
    Ok(moebias_recordings::read(&Input::memory(&name, shipped.bytes.to_vec())?, reading)?)
}

/// The scores of a shipped trace of one layer, decoded only once.
pub(super) fn of_shipped(id: &str) -> Option<Arc<Trace>> {
    static DECODED: [OnceLock<Option<Arc<Trace>>>; 2] = [const { OnceLock::new() }; 2];
    let at = shipped::traces().iter().position(|t| t.id == id)?;
    let path = PathBuf::from(format!("{}{id}", super::BUILTIN));
    let decode = || match examine(&[path], None, &Reading::default()) {
        Ok(examined) => Some(examined.trace),
        Err(e) => {
            log::error!("a shipped trace can't be read: {e}");
            None
        }
    };
    DECODED.get(at)?.get_or_init(decode).clone()
}

/// The groups that the metadata describe, if the router of this layer can have them.
fn groups(recording: &Recording, experts: usize) -> Option<Groups> {
    let (groups, kept) = recording.meta.groups?;
    let fits = groups > 1 && kept > 0 && kept < groups && experts.is_multiple_of(groups as usize);
    fits.then_some(Groups { groups, kept })
}

fn unused_groups(recording: &Recording, layer: &Layer) -> Option<String> {
    let (groups_said, kept) = recording.meta.groups.filter(|&(g, k)| g > 1 && k > 0 && k < g)?;
    if recording.kind != RecordedKind::Scores {
        return None;
    }
    match groups(recording, layer.experts) {
        Some(_) => Some(format!(
            "the metadata name {groups_said} groups, of which a token uses {kept}: runs choose so, the figures of the recording itself ignore groups"
        )),
        None => Some(format!(
            "the {groups_said} groups of the metadata do not divide {} experts and are ignored",
            layer.experts
        )),
    }
}

impl Examined {
    /// The router that was recorded.
    #[must_use]
    pub fn router(&self) -> Router {
        let experts = self.trace.experts as u32;
        let plain = Router { experts, top_k: self.top_k, ..Router::default() };
        match self.recording.kind {
            RecordedKind::Scores => {
                Router { gate: self.gate, groups: groups(&self.recording, self.trace.experts), ..plain }
            }
            _ => plain,
        }
    }

    /// Every layer with the tokens of the one in memory, to be routed step by step.
    ///
    /// # Errors
    /// The recording holds no scores, or can't be read.
    pub fn every_layer(&self) -> Result<EveryLayer, FileError> {
        let layer = self.recording.layer(Some(&self.layer))?;
        Ok(self.recording.every_layer(layer, &self.facts, &self.reading)?)
    }

    /// A scenario of this recording: scores are routed again with the sign rule, everything else is shown as it was. `files` are the paths.
    ///
    /// # Errors
    /// The router exceeds Moebias's limits.
    pub fn scenario(&self, files: &[PathBuf]) -> Result<Scenario, FileError> {
        let scores = self.recording.kind == RecordedKind::Scores;
        let name = self.recording.name.as_str();
        let balancer = if scores { Balancer::default() } else { Balancer { rule: Rule::None, ..Default::default() } };
        let named = if scores { String::new() } else { self.layer_name() };
        let variant = Variant { name: named.into(), router: self.router(), balancer, learning: Default::default() };
        let path = |p: &PathBuf| p.to_string_lossy().into_owned();
        let file = files.first().map_or_else(|| name.to_owned(), path);
        let reading = Reading { also: files.iter().skip(1).map(path).collect(), ..self.reading.clone() };
        let layer = Some(self.layer.clone()).filter(|l| !l.is_empty() && self.names_layers());
        let mut source = Source::Trace(TraceSource { file, layer, reading: Box::new(reading) });
        paths::resolve(&mut source, Path::new(""));
        let experiment = Experiment { seed: 0, source, variants: vec![variant] };
        experiment.validate().map_err(|e| FileError::new(name, Problem::Trace(e.to_string())))?;
        let title = self.title();
        let trace = &self.trace;
        let summary = match self.recording.kind {
            RecordedKind::Scores => format!("{} steps of {} recorded tokens", trace.steps, trace.tokens),
            RecordedKind::Selections => {
                format!("{} recorded tokens, {}", trace.steps * trace.tokens, self.layer_name().to_lowercase())
            }
            RecordedKind::Loads => {
                format!("{} steps of recorded loads, {}", trace.steps, self.layer_name().to_lowercase())
            }
        };
        let look_for = match self.recording.kind {
            RecordedKind::Scores => "",
            RecordedKind::Selections => {
                "Only the chosen experts were recorded, no scores, so nothing here can be routed again."
            }
            RecordedKind::Loads => {
                "Only the loads of the experts were recorded, no tokens, so nothing here can be routed again."
            }
        };
        Ok(Scenario {
            summary,
            look_for: look_for.into(),
            stop: (!scores).then_some(trace.steps as u64),
            ..Scenario::from_experiment(&title, experiment)
        })
    }

    /// Whether a scenario must say which layer it means.
    fn names_layers(&self) -> bool {
        self.recording.layers.len() > 1 || self.recording.kind != RecordedKind::Scores
    }

    fn layer_name(&self) -> String {
        if self.layer.is_empty() { "One layer".into() } else { format!("Layer {}", self.layer) }
    }

    fn title(&self) -> String {
        let of_file = || {
            let stem = Path::new(&self.recording.name).file_stem();
            stem.map_or("Recording".into(), |s| s.to_string_lossy().into_owned())
        };
        let model = self.recording.meta.model.clone().filter(|_| self.recording.kind != RecordedKind::Scores);
        let title = model.unwrap_or_else(of_file);
        title.chars().take(120).collect()
    }

    /// This recording as an experiment that is ready to run.
    ///
    /// # Errors
    /// As [`Self::scenario`].
    pub fn loaded(self, files: &[PathBuf]) -> Result<Loaded, FileError> {
        let scenario = self.scenario(files)?;
        let path = files.first().filter(|p| builtin(p).is_none()).cloned();
        let trace = Some(Arc::clone(&self.trace));
        Ok(Loaded { scenario, trace, path, examined: Some(Arc::new(self)) })
    }
}

impl From<ReadError> for FileError {
    fn from(error: ReadError) -> Self {
        let ReadError { file, what, place, refusal } = error;
        let problem = refusal.map_or(Problem::Trace(what), Problem::NotOpened);
        let place = place.map(|p| Box::new(Place { line: p.line, column: p.column, quote: p.quote }));
        Self { place, ..Self::new(&file, problem) }
    }
}
