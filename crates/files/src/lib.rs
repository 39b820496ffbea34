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
pub mod selections;
pub mod shipped;
pub mod sweep;
pub mod text;
pub mod trace;
mod unwritten;
pub mod view;
mod write;

pub use error::{FileError, Problem};
pub use kind::{Kind, kind};
pub use locate::Place;
pub use open::{load, open};
pub use read::{load_text, parse};
pub use selections::Selections;
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
/// A trace of this name ships with Moebias.
pub const BUILTIN: &str = "builtin:";

/// The largest values of a scenario's own settings; those of the experiment are in [`moebias_model::config::limits`].
pub mod limits {
    use moebias_disk::Limit;
    use moebias_model::config::Limits;
    /// Bytes of a scenario file.
    pub const SCENARIO_BYTES: u64 = 16 << 20;
    /// Bytes of a trace or a log.
    pub const TRACE_BYTES: u64 = 2 << 30;
    /// A scenario or a recording.
    pub const SCENARIO: Limit = Limit::new("a scenario", SCENARIO_BYTES);
    /// A trace.
    pub const TRACE: Limit = Limit::new("a trace", TRACE_BYTES);
    /// A log of selections.
    pub const LOG: Limit = Limit::new("a log of selections", TRACE_BYTES);
    /// A lesson.
    pub const LESSON: Limit = Limit::new("a lesson", super::lesson::limits::BYTES);
    /// A sweep.
    pub const SWEEP: Limit = Limit::new("a sweep", 256 << 20);
    /// A journal.
    pub const JOURNAL: Limit = Limit::new("a journal", 64 << 20);
    /// Timed events.
    pub const EVENTS: Limits = Limits { name: "events", min: 0.0, max: 100_000.0 };
    /// Any step in a file: 2⁴⁸, nine years at a million steps per second.
    pub const STEP: Limits = Limits { name: "step", min: 0.0, max: 281_474_976_710_656.0 };
    /// Steps per second.
    pub const SPEED: Limits = Limits { name: "speed", min: 0.01, max: 1_000_000.0 };
    /// Characters of title, summary or text.
    pub const TEXT: Limits = Limits { name: "text", min: 0.0, max: 4000.0 };
}

/// A scenario: an experiment with what it teaches and what happens when. With `recorded`, a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// A few words.
    pub title: String,
    /// One line for its card.
    pub summary: String,
    /// What to look for, one to three sentences.
    pub look_for: String,
    /// Seed of everything random.
    pub seed: u32,
    /// Where the tokens come from.
    pub source: Source,
    /// The routers; at least one.
    pub variants: Vec<Variant>,
    /// What changes when, in order of steps.
    pub events: Vec<Event>,
    /// Pause on reaching this step.
    pub stop: Option<u64>,
    /// Steps per second to play at.
    pub speed: Option<f64>,
    /// A state to start from, instead of step 0 and fresh biases.
    pub start: Option<State>,
    /// How it wants to be seen.
    pub view: Option<view::View>,
    /// What a run of it came to; a replay must come to the same.
    pub recorded: Option<Recorded>,
}

/// What a recorded run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The step it had reached.
    pub steps: u64,
    /// The run's digest there.
    pub digest: Digest,
    /// Which engine ran it; any engine must agree.
    pub engine: String,
    /// Version of the program that recorded it.
    pub app_version: String,
}

/// A scenario that is ready to run.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The scenario.
    pub scenario: Scenario,
    /// Its trace, where the source is one.
    pub trace: Option<Arc<Trace>>,
    /// The file it came from; `None` for one that ships with Moebias.
    pub path: Option<PathBuf>,
}

/// What a file turned out to be.
#[derive(Debug)]
pub enum Opened {
    /// A scenario, a recording, or a trace with its default router: it can run.
    Experiment(Box<Loaded>),
    /// A log of selections: it can be watched and measured, but not routed again.
    Selections(Selections),
    /// A lesson: it is read page by page.
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

    /// A scenario of an experiment, with nothing happening in it.
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

    /// The step it starts at.
    #[must_use]
    pub fn first_step(&self) -> u64 {
        self.start.as_ref().map_or(0, |s| s.step)
    }
}

/// Saves a scenario atomically and keeps the version before as `NAME.bak`. Its trace's path is written as seen from there.
///
/// # Errors
/// Whatever the operating system says; the file is then as it was.
pub fn save(path: &Path, scenario: &Scenario) -> Result<(), FileError> {
    let mut scenario = scenario.clone();
    paths::write_into(&mut scenario.source, path);
    atomic::write_keeping_backup(path, to_text(&scenario).as_bytes())
}
