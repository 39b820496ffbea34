#![doc = include_str!("../README.md")]

pub mod atomic;
pub mod error;
pub mod export;
pub mod film;
pub mod journal;
mod kind;
pub mod lesson;
mod locate;
mod open;
mod paths;
mod read;
pub mod recorded;
pub mod shipped;
pub mod sweep;
pub mod text;
mod unwritten;
pub mod view;
mod write;

pub use error::{FileError, Problem};
pub use kind::{Kind, kind};
pub use locate::Place;
pub use open::{load, load_as, open, open_as};
pub use read::{load_text, parse};
pub use recorded::Examined;
pub use shipped::{Shipped, shipped};
pub use unwritten::Unwritten;
pub use write::to_text;

use moebias_model::change::Event;
use moebias_model::config::{Experiment, Source, Variant};
use moebias_model::digest::Digest;
use moebias_model::naming;
use moebias_model::step::State;
use moebias_model::trace::Trace;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The version of the scenario format that this program writes.
pub const VERSION: u32 = 1;
/// The prefix of names of scenarios and traces that ship with Moebias.
pub const BUILTIN: &str = "builtin:";

/// Limits of files and of a scenario's own settings; those of the experiment are in [`moebias_model::config::limits`].
pub mod limits {
    use moebias_disk::Limit;
    use moebias_model::config::Limits;
    /// The largest size of a scenario file, in bytes.
    pub const SCENARIO_BYTES: u64 = 16 << 20;
    /// The limit of a scenario or a recording.
    pub const SCENARIO: Limit = Limit::new("a scenario", SCENARIO_BYTES);
    /// The limit of a file of which only the beginning is read.
    pub const ANY: Limit = Limit::new("a file", 1 << 40);
    /// The limit of a lesson.
    pub const LESSON: Limit = Limit::new("a lesson", super::lesson::limits::BYTES);
    /// The limit of a sweep.
    pub const SWEEP: Limit = Limit::new("a sweep", 256 << 20);
    /// The limit of a journal.
    pub const JOURNAL: Limit = Limit::new("a journal", 64 << 20);
    /// Number of timed events.
    pub const EVENTS: Limits = Limits { name: "events", min: 0.0, max: 100_000.0 };
    /// A step number anywhere in a file: up to 2⁴⁸, nine years at a million steps per second.
    pub const STEP: Limits = Limits { name: "step", min: 0.0, max: 281_474_976_710_656.0 };
    /// Steps per second.
    pub const SPEED: Limits = Limits { name: "speed", min: 0.01, max: 1_000_000.0 };
    /// Characters of the title, the summary and the text.
    pub const TEXT: Limits = Limits { name: "text", min: 0.0, max: 4000.0 };
}

/// A scenario: an experiment with its texts and timed events. With `recorded`, it is a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// The title, a few words.
    pub title: String,
    /// The summary, one line for its card.
    pub summary: String,
    /// What the reader should look for, one to three sentences.
    pub look_for: String,
    /// The seed of everything random.
    pub seed: u32,
    /// Where the tokens come from.
    pub source: Source,
    /// The variants, at least one.
    pub variants: Vec<Variant>,
    /// The timed events, sorted by step.
    pub events: Vec<Event>,
    /// The step at which the run pauses.
    pub stop: Option<u64>,
    /// The speed of playing, in steps per second.
    pub speed: Option<f64>,
    /// The state to start from; `None` for step 0 with fresh biases.
    pub start: Option<State>,
    /// How the scenario should be shown.
    pub view: Option<view::View>,
    /// The result of a run of it, which a replay must reproduce.
    pub recorded: Option<Recorded>,
}

/// The result of a recorded run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The step that the run reached.
    pub steps: u64,
    /// The run's digest at that step.
    pub digest: Digest,
    /// The engine that ran it, for display; every engine gives the same digest.
    pub engine: String,
    /// The version of the program that recorded it.
    pub app_version: String,
}

/// A scenario that is ready to run.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The scenario.
    pub scenario: Scenario,
    /// The trace, if the source is one.
    pub trace: Option<Arc<Trace>>,
    /// The file it was read from; `None` for a scenario that ships with Moebias.
    pub path: Option<PathBuf>,
    /// What the recording turned out to hold, if the source is one that does not ship with Moebias.
    pub examined: Option<Arc<Examined>>,
}

/// The content of a file, by kind.
#[derive(Debug)]
pub enum Opened {
    /// A scenario, or a recording of a router with a scenario around it: it can be run.
    Experiment(Box<Loaded>),
    /// A lesson: it is read page by page in the window.
    Lesson(Box<lesson::Lesson>),
}

impl Scenario {
    /// The settings at the first step.
    #[must_use]
    pub fn experiment(&self) -> Experiment {
        let mut variants = self.variants.clone();
        naming::settle(&mut variants);
        Experiment { seed: self.seed, source: self.source.clone(), variants }
    }

    /// A scenario of an experiment, without events or texts.
    #[must_use]
    pub fn from_experiment(title: &str, mut experiment: Experiment) -> Self {
        naming::settle(&mut experiment.variants);
        Self {
            title: title.into(),
            summary: String::new(),
            look_for: String::new(),
            seed: experiment.seed,
            source: experiment.source,
            variants: experiment.variants,
            events: vec![],
            stop: None,
            speed: None,
            start: None,
            view: None,
            recorded: None,
        }
    }

    /// The first step of a run.
    #[must_use]
    pub fn first_step(&self) -> u64 {
        self.start.as_ref().map_or(0, |s| s.step)
    }
}

/// Saves a scenario atomically and keeps the previous version as `NAME.bak`. The path of its trace is written relative to the file if the
/// two are close together.
///
/// # Errors
/// The operating system could not write it; the file is then unchanged.
pub fn save(path: &Path, scenario: &Scenario) -> Result<(), FileError> {
    let mut scenario = scenario.clone();
    paths::write_into(&mut scenario.source, path);
    atomic::write_keeping_backup(path, to_text(&scenario).as_bytes())
}
