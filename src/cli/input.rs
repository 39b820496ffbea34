//! What a FILE on the command line turns out to be.

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
    /// Its title.
    pub title: String,
    /// What it starts from.
    pub start: Start,
    /// Where the recording ended and what it came to, if it is one.
    pub recorded: Option<Recorded>,
}

impl Input {
    /// Its first step.
    pub(super) fn first(&self) -> u64 {
        self.start.state.as_ref().map_or(0, |s| s.step)
    }

    /// The step at which it ends where nobody says otherwise.
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

/// Opens a FILE whose tokens are a recording: the experiment and what the recording turned out to hold.
///
/// # Errors
/// As [`open`]; also if the tokens are no recording, or one that ships with Moebias, which has a single layer.
pub(super) fn recording(file: &Path, reading: &ReadingArgs) -> Result<(Experiment, Arc<Examined>), Failure> {
    let open = || files::load_as(&reading.files(file), reading.layer(), &reading.reading());
    let loaded = while_waiting("Reading", open)?;
    let Some(examined) = loaded.examined else {
        let name = file.display();
        return Err(Failure::new(format!("{name}: its tokens are not recorded, so there are no layers to route")));
    };
    Ok((loaded.scenario.experiment(), examined))
}

/// Opens a FILE that can be routed.
///
/// # Errors
/// A file that is missing, unreadable or wrong, or a lesson.
pub(super) fn open(file: &Path, reading: &ReadingArgs) -> Result<Input, Failure> {
    let open = || files::load_as(&reading.files(file), reading.layer(), &reading.reading());
    Ok(while_waiting("Reading", open)?.into())
}
