//! What goes to the worker and what comes back. Messages in; echoes in order and the latest snapshot out.

use super::detail::DetailView;
use super::history::History;
use super::microscope::{Microscope, MicroscopeRequest};
use super::start::{RunId, Start};
use super::theory::{Theory, TheoryRequest};
use super::view::{Picture, ViewRequest};
use super::{EngineChoice, EngineInfo};
use moebias_model::change::{Change, Event, Target};
use moebias_model::config::Experiment;
use moebias_model::diagnose::Finding;
use moebias_model::digest::Digest;
use moebias_model::figures::Figures;
use moebias_model::metrics::Metrics;
use moebias_model::step::State;
use moebias_model::step::check::Ignored;
use moebias_model::trace::Trace;
use std::sync::{Arc, Mutex};

/// How fast to play.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// Steps per second.
    Steps(f64),
    /// As fast as the engine can.
    Max,
}

/// What the worker can be asked to do.
#[derive(Debug)]
pub enum Message {
    /// Start a new run. The present one is parked and can be resumed.
    Start {
        /// The new run's name, chosen by the sender.
        run: RunId,
        /// What it starts from.
        start: Box<Start>,
        /// Whether to play at once.
        play: bool,
    },
    /// Bring a parked run back.
    Resume(RunId),
    /// Go on.
    Play,
    /// Stop after the step in flight.
    Pause,
    /// Do this many steps, then pause.
    Step(u64),
    /// Show state `n`. Forward or back; exact.
    Seek(u64),
    /// Give up a seek under way and stay where it is.
    CancelSeek,
    /// How fast to play.
    Speed(Speed),
    /// Change a setting before the next step. In the past, this starts a branch.
    Change {
        /// The sender's number of it; the answer bears it too.
        id: u64,
        /// The run it is meant for.
        run: RunId,
        /// Of what.
        target: Target,
        /// To what.
        change: Change,
    },
    /// Go on as another run with one more variant, which has the past of an existing one. The present run is parked.
    Fork {
        /// The new run's name, chosen by the sender.
        run: RunId,
        /// Whose past.
        of: usize,
    },
    /// What a variant is called, from the run's first step on. No number changes; what is recorded carries the name.
    Rename {
        /// The sender's number of it; the answer bears it too.
        id: u64,
        /// The run it is meant for.
        run: RunId,
        /// Which.
        variant: usize,
        /// The name; `None` lets it follow the settings again.
        name: Option<String>,
    },
    /// Count MaxVio_global from here.
    Mark,
    /// Use another engine from the next step on.
    Engine(EngineChoice),
    /// What the heatmap shows.
    View(ViewRequest),
    /// Look at every step in the price view, or no longer.
    Theory(Option<TheoryRequest>),
    /// Work out what each variant comes to, or no longer.
    Figures(bool),
    /// Take every step apart once it is done, or no longer.
    Microscope(Option<MicroscopeRequest>),
    /// Compute these known steps, from and to, again, so that the plots can show each of them. Takes the place of what was asked before.
    Detail(u64, u64),
    /// Answer with everything needed to repeat the run up to here. The answer is an echo, so it stands in order with the changes.
    Export(u64),
    /// End the thread.
    Quit,
}

/// A run as data: what a recording is made of.
#[derive(Clone, Debug)]
pub struct Exported {
    /// Which run.
    pub run: RunId,
    /// What it started from, with every event so far (also those beyond the present step).
    pub start: Start,
    /// The present step.
    pub step: u64,
    /// The digest at the present step.
    pub digest: Digest,
    /// The state at the present step; `None` where only what repeats the run is known.
    pub state: Option<State>,
    /// The settings at the present step.
    pub experiment: Experiment,
    /// The engine that ran it last, for people.
    pub engine: String,
}

/// What happened, in order. Nothing is recorded that was not echoed.
#[derive(Clone, Debug)]
pub enum Echo {
    /// A run that was asked for began or came back. Every [`Message::Start`], [`Message::Resume`] and [`Message::Fork`] is answered by this
    /// or by [`Echo::Declined`], in order.
    Running {
        /// Which.
        run: RunId,
        /// Whether it had been parked.
        resumed: bool,
    },
    /// A run that was asked for does not begin or come back.
    Declined {
        /// Which.
        run: RunId,
        /// The run that goes on.
        running: RunId,
        /// One sentence.
        reason: String,
    },
    /// A change was applied.
    Applied {
        /// The number it was asked with.
        id: u64,
        /// In which run.
        run: RunId,
        /// The step before which it applies.
        step: u64,
        /// The run's events from that step on, where they are others than before.
        events: Option<Vec<Event>>,
        /// What the scenario had planned for later and the new settings do not allow.
        left_out: Vec<Event>,
        /// What brings the biases back that it put aside.
        biases: Vec<(Target, Change)>,
    },
    /// A variant has another name.
    Renamed {
        /// The number it was asked with.
        id: u64,
    },
    /// A change was refused; nothing changed.
    Refused {
        /// The number it was asked with.
        id: u64,
        /// One sentence.
        reason: String,
    },
    /// The past was changed: later events were set aside in a parked run.
    Branched {
        /// The run that goes on.
        run: RunId,
        /// At which step.
        step: u64,
        /// The parked run that holds what was set aside.
        parked: RunId,
        /// The changes it holds that this run does not.
        events: Vec<Event>,
    },
    /// A parked run was let go of to save memory.
    Forgotten(RunId),
    /// Which engine runs now, and why.
    Engine(EngineInfo),
    /// A seek was given up.
    SeekCancelled {
        /// Where the run stands.
        step: u64,
    },
    /// The step to stop at was reached.
    Stopped {
        /// That step.
        step: u64,
    },
    /// The answer to an export.
    Exported {
        /// The number it was asked with.
        tag: u64,
        /// The run as data.
        run: Box<Exported>,
    },
    /// Something a person should know.
    Notice(String),
    /// Something went wrong; the run stands where it stood.
    Trouble(String),
}

/// Runs that are kept to go back to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// How many.
    pub runs: usize,
    /// The memory they take together, bytes.
    pub bytes: usize,
}

/// A seek under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeking {
    /// Where it set out.
    pub from: u64,
    /// Where it is going.
    pub to: u64,
    /// Where it is.
    pub at: u64,
}

/// One variant at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VariantView {
    /// Loads of the last step routed; empty at the very start.
    pub loads: Vec<u32>,
    /// Biases now, Q32.
    pub bias: Vec<i64>,
    /// Figures of the last step routed.
    pub metrics: Metrics,
    /// Digest so far.
    pub digest: Digest,
    /// Step size of the next update, score units.
    pub rate: f64,
    /// n of the schedule at the next update.
    pub schedule_n: u64,
    /// What is found, and after that what was.
    pub findings: Arc<Vec<Finding>>,
}

impl VariantView {
    /// The fair share of an expert in the last step, tokens: what was dropped counts too.
    #[must_use]
    pub fn fair(&self) -> f64 {
        self.metrics.fair
    }
}

/// What the variants come to since the mark.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standings {
    /// After so many updates. While the run plays, they are worked out a few times a second.
    pub step: u64,
    /// One per variant.
    pub figures: Vec<Figures>,
}

/// The run at one moment: all that the screen draws, but for the history, which is shared.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Which run.
    pub run: RunId,
    /// Changes and runs asked for that have been dealt with: the settings here are those asked for once all are.
    pub answered: u64,
    /// The present step: updates done.
    pub step: u64,
    /// The furthest step computed in this run.
    pub head: u64,
    /// Whether it is playing.
    pub playing: bool,
    /// How fast it is asked to play.
    pub speed: Speed,
    /// How fast it plays, smoothed; 0 when paused.
    pub steps_per_second: f64,
    /// A seek under way.
    pub seeking: Option<Seeking>,
    /// The settings now.
    pub experiment: Arc<Experiment>,
    /// Tokens in the next batch.
    pub batch: u32,
    /// The settings with which the last step was routed: those of the loads and figures shown. Before the first step, those of the start.
    pub routed: Arc<Experiment>,
    /// Tokens in the batch that was routed last.
    pub routed_batch: u32,
    /// One per variant.
    pub variants: Vec<VariantView>,
    /// Digest over all variants.
    pub digest: Digest,
    /// Every event of the run, also those ahead of the present step.
    pub events: Arc<Vec<Event>>,
    /// Those of them that have no effect, with the reason.
    pub ignored: Arc<Vec<Ignored>>,
    /// Other runs that are kept to go back to.
    pub kept: Kept,
    /// The engine.
    pub engine: EngineInfo,
    /// Where the run pauses by itself.
    pub stop: Option<u64>,
    /// The picture last asked for.
    pub picture: Arc<Picture>,
    /// The price view, while somebody looks at it.
    pub theory: Option<Arc<Theory>>,
    /// What each variant comes to, while somebody looks at it.
    pub figures: Option<Arc<Standings>>,
    /// The last step taken apart, while somebody looks at it.
    pub microscope: Option<Arc<Microscope>>,
    /// What happened so far; locked only while a row is added or pixels are read.
    pub history: Arc<Mutex<History>>,
    /// The detail of the history asked for last.
    pub detail: Option<DetailView>,
    /// The trace being replayed.
    pub trace: Option<Arc<Trace>>,
}

impl Snapshot {
    /// The step whose loads, figures and pictures are shown: the last one routed, which is row n of every file. `None` before the first.
    #[must_use]
    pub fn shown_step(&self) -> Option<u64> {
        self.variants.iter().any(|v| !v.loads.is_empty()).then(|| self.step.saturating_sub(1))
    }

    /// Whether the picture is of the step shown; while a run moves, it may be of one before.
    #[must_use]
    pub fn picture_is_newest(&self) -> bool {
        match self.shown_step() {
            Some(step) => !self.picture.ahead && self.picture.step == step,
            None => self.picture.ahead && self.picture.step == self.step,
        }
    }

    /// Whether an event has no effect.
    #[must_use]
    pub fn ignores(&self, event: &Event) -> bool {
        self.ignored.iter().any(|i| i.event == *event)
    }

    /// Whether tokens have scores. A log of selections has none: it can be watched, but not routed again.
    #[must_use]
    pub fn has_scores(&self) -> bool {
        self.trace.as_ref().is_none_or(|t| t.selected.is_none())
    }
}
