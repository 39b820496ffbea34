//! Opens the FILE argument of a command.

use super::DEFAULT_STEPS;
use super::failure::Failure;
use super::progress::while_waiting;
use super::reading::ReadingArgs;
use moebias_engine::start::Start;
use moebias_files::{self as files, Examined, Loaded, Recorded};
use moebias_model::config::Experiment;
use std::path::Path;
use std::sync::Arc;

/// An experiment ready to run.
#[derive(Debug)]
pub(super) struct Input {
    /// The title of the scenario.
    pub title: String,
    /// What the run starts from.
    pub start: Start,
    /// The last step and the digest of the recording, if the file is one.
    pub recorded: Option<Recorded>,
}

impl Input {
    /// The step at which the run starts.
    pub(super) fn first(&self) -> u64 {
        self.start.state.as_ref().map_or(0, |s| s.step)
    }

    /// The step at which the run ends unless the command line says otherwise.
    pub(super) fn end(&self) -> u64 {
        let known = self.recorded.as_ref().map(|r| r.steps).or(self.start.stop).filter(|&s| s > self.first());
        known.unwrap_or(self.first() + DEFAULT_STEPS)
    }
}

impl From<Loaded> for Input {
    fn from(loaded: Loaded) -> Self {
        let Loaded { scenario: s, trace, path: _, examined: _ } = loaded;
        let experiment = s.experiment();
        let start = Start { experiment, trace, state: s.start, events: s.events, stop: s.stop };
        Self { title: s.title, start, recorded: s.recorded }
    }
}

/// Opens a FILE whose tokens are recorded: the experiment, and what was found in the recording.
///
/// # Errors
/// As for [`open`]; also if the tokens are not recorded, or if the recording ships with Moebias: those have a single layer.
pub(super) fn recording(file: &Path, reading: &ReadingArgs) -> Result<(Experiment, Arc<Examined>), Failure> {
    let open = || files::load_as(&reading.files(file), reading.layer(), &reading.reading());
    let loaded = while_waiting("Reading", open)?;
    let Some(examined) = loaded.examined else {
        let name = file.display();
        return Err(Failure::new(format!("{name}: its tokens are not recorded, so there are no layers to route")));
    };
    Ok((loaded.scenario.experiment(), examined))
}

/// Opens a FILE as an experiment that can be run.
///
/// # Errors
/// The file is missing, unreadable, invalid, or a lesson.
pub(super) fn open(file: &Path, reading: &ReadingArgs) -> Result<Input, Failure> {
    let open = || files::load_as(&reading.files(file), reading.layer(), &reading.reading());
    Ok(while_waiting("Reading", open)?.into())
}
