//! The recording that the tokens come from: choosing the layer that is shown, and reading the recording in another way.

use super::command::Command;
use super::job::{Job, Progress};
use super::notices::Level;
use super::{Document, Lab};
use moebias_files::{Examined, FileError, Loaded, Opened, recorded};
use moebias_model::config::{Source, TraceSource, Variant};
use moebias_model::settings::reading::{Reading, RecordedKind};
use std::path::PathBuf;
use std::sync::Arc;

impl Lab {
    /// What was found in the recording; `None` if the tokens are not recorded, or come from a trace that ships with Moebias.
    #[must_use]
    pub fn examined(&self) -> Option<&Arc<Examined>> {
        let recorded = matches!(self.settings.source, Source::Trace(_));
        self.sheet.examined.as_ref().filter(|_| recorded)
    }

    /// Shows another layer of the recording, read in the same way as the present one.
    pub(super) fn show_layer(&mut self, name: String) {
        match self.examined().map(|e| e.reading.clone()) {
            Some(reading) => self.read_otherwise(Some(name), reading),
            None => self.tell(Level::Warning, "These tokens are not from a recording"),
        }
    }

    /// Reads another layer of the recording, or the same layer in another way, on another thread. If the layer has as many experts as
    /// before, the variants keep their settings. Starts a new run; can be undone.
    pub(super) fn read_otherwise(&mut self, layer: Option<String>, reading: Reading) {
        let Some(examined) = self.examined().cloned() else { return };
        let Source::Trace(source) = &self.settings.source else { return };
        let files: Vec<PathBuf> =
            std::iter::once(&source.file).chain(&source.reading.also).map(PathBuf::from).collect();
        let variants = self.settings.variants.clone();
        let name = match &layer {
            Some(layer) => format!("Reading layer {layer}"),
            None => "Reading the recording".into(),
        };
        let document = self.sheet.document.clone();
        let work = move |_: &Progress| again(&examined, &files, layer.as_deref(), &reading, variants, &document);
        match Job::spawn(name, self.wake.clone(), work) {
            Ok(job) => {
                self.desk.opening = Some(job);
                self.changed_by_hand();
            }
            Err(e) => self.tell(Level::Error, format!("The recording can't be read now: {e}")),
        }
    }

    /// The reason, a sentence, why a command on the recording can't be carried out; `None` if it can.
    pub(super) fn cant_read(&self, command: &Command) -> Option<String> {
        let Some(examined) = self.examined() else { return Some("These tokens are not from a recording".into()) };
        match command {
            Command::ShowLayer(name) if examined.recording.layers.iter().all(|l| l.name != *name) => {
                Some(format!("The recording has no layer {name}"))
            }
            Command::RouteLayers { on: true, .. } if examined.recording.kind != RecordedKind::Scores => {
                Some(super::why_not::ONLY_WATCHED.into())
            }
            _ => None,
        }
    }
}

/// Reads the recording again and gives it the present variants, if they fit.
fn again(
    examined: &Examined,
    files: &[PathBuf],
    layer: Option<&str>,
    reading: &Reading,
    variants: Vec<Variant>,
    document: &Document,
) -> Result<Opened, FileError> {
    let layer = layer.unwrap_or(&examined.layer);
    // If only the layer changes, the recording in memory is used and no file is opened.
    let found = if examined.reading == *reading {
        recorded::of_layer(examined.recording.as_ref().clone(), Some(layer), reading)?
    } else {
        recorded::examine(files, Some(layer), reading)?
    };
    let (experts, scores) = (found.trace.experts as u32, found.recording.kind == RecordedKind::Scores);
    let (gate, top_k) = (found.gate, found.top_k);
    let same = !found.trace.is_only_watched() && scores && variants.iter().all(|v| v.router.experts == experts);
    let (asked_gate, asked_k) = (
        reading.gate != examined.reading.gate || reading.gated != examined.reading.gated,
        reading.top_k != examined.reading.top_k,
    );
    let mut loaded: Loaded = found.loaded(files)?;
    if same {
        loaded.scenario.variants = variants;
        for variant in &mut loaded.scenario.variants {
            if asked_gate {
                variant.router.gate = gate;
            }
            if asked_k {
                variant.router.top_k = top_k;
            }
        }
    }
    loaded.scenario.title.clone_from(&document.title);
    loaded.path.clone_from(&document.path);
    Ok(Opened::Experiment(Box::new(loaded)))
}

/// The trace or recording that an experiment's tokens come from; `None` if they are generated.
#[must_use]
pub fn source_of(source: &Source) -> Option<&TraceSource> {
    match source {
        Source::Trace(trace) => Some(trace),
        _ => None,
    }
}
