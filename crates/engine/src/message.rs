//! The protocol between the worker and its owner: [`Message`]s go in; [`Echo`]es, in order, and the newest [`Snapshot`] come out.

use super::detail::DetailView;
use super::history::History;
use super::microscope::{Microscope, MicroscopeRequest};
use super::routes::{Routes, RoutesRequest};
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

/// The speed of playing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// Steps per second.
    Steps(f64),
    /// As fast as the engine allows.
    Max,
}

/// A request to the worker.
#[derive(Debug)]
pub enum Message {
    /// Start a new run. The present run is parked and can be resumed.
    Start {
        /// The id of the new run, chosen by the sender.
        run: RunId,
        /// What the new run starts from.
        start: Box<Start>,
        /// Whether to play it at once.
        play: bool,
    },
    /// Make a parked run the present one; the present run is parked.
    Resume(RunId),
    /// Start playing.
    Play,
    /// Stop playing after the step in flight.
    Pause,
    /// Do this many steps, then pause.
    Step(u64),
    /// Go to state `n` (the state after `n` updates), forward or back. Going back recomputes exactly.
    Seek(u64),
    /// Cancel a seek in progress and stay at the step reached so far.
    CancelSeek,
    /// Set the speed of playing.
    Speed(Speed),
    /// Change a setting before the next step. If later steps have been computed, the run as it was is parked, and this run continues from
    /// here as a branch.
    Change {
        /// A number chosen by the sender; the answer repeats it.
        id: u64,
        /// The run that the change is meant for; it is refused in any other.
        run: RunId,
        /// What to change: the source, all variants or one.
        target: Target,
        /// The setting and its new value.
        change: Change,
    },
    /// Go on as a new run with one more variant, whose past is a copy of an existing variant's. The present run is parked.
    Fork {
        /// The id of the new run, chosen by the sender.
        run: RunId,
        /// The index of the variant to copy.
        of: usize,
    },
    /// Rename a variant, from the first step of the run on. No number changes; recordings carry the new name.
    Rename {
        /// A number chosen by the sender; the answer repeats it.
        id: u64,
        /// The run that the name is meant for; it is refused in any other.
        run: RunId,
        /// The index of the variant.
        variant: usize,
        /// The name; `None` makes it follow the settings again.
        name: Option<String>,
    },
    /// Count MaxVio_global from the present step on.
    Mark,
    /// Use another engine from the next step on.
    Engine(EngineChoice),
    /// Set what the heatmap shows.
    View(ViewRequest),
    /// Compute the price view (see [`super::theory`]) at every step; `None` stops it.
    Theory(Option<TheoryRequest>),
    /// Start or stop computing the figures of each variant for the Comparison pane.
    Figures(bool),
    /// Compute every number of the last step for the Microscope pane; `None` stops it.
    Microscope(Option<MicroscopeRequest>),
    /// Find the experts of the tokens of the last step for the Text pane; `None` stops it.
    Routes(Option<RoutesRequest>),
    /// Recompute a range of known steps, first and end, so that plots can show every step. Replaces the range asked for before.
    Detail(u64, u64),
    /// Answer with everything needed to repeat the run up to the present step; the number is repeated in the answer. The answer is an echo
    /// ([`Echo::Exported`]), so it is in order with the changes.
    Export(u64),
    /// End the worker's thread.
    Quit,
}

/// A run as data, from which a recording is written.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The id of the run.
    pub run: RunId,
    /// What the run started from, with every event so far, including events after the present step.
    pub start: Start,
    /// The present step.
    pub step: u64,
    /// The digest at the present step.
    pub digest: Digest,
    /// The state at the present step; `None` if only what is needed to repeat the run is known.
    pub state: Option<State>,
    /// The settings at the present step.
    pub experiment: Experiment,
    /// The engine that ran it last, for display.
    pub engine: String,
}

/// What the worker did, in order. Only changes that were echoed are journalled and recorded.
#[derive(Clone, Debug)]
pub enum Echo {
    /// A requested run began or was resumed. Every [`Message::Start`], [`Message::Resume`] and [`Message::Fork`] is answered with this or
    /// with [`Echo::Declined`], in the order of the requests.
    Running {
        /// The id of the run.
        run: RunId,
        /// Whether the run had been parked.
        resumed: bool,
    },
    /// A requested run could not begin or be resumed.
    Declined {
        /// The id of the requested run.
        run: RunId,
        /// The run that stays present.
        running: RunId,
        /// The reason in one sentence.
        reason: String,
    },
    /// A change was applied.
    Applied {
        /// The number that the request carried.
        id: u64,
        /// The run that was changed.
        run: RunId,
        /// The step before which the change applies.
        step: u64,
        /// The run's events from that step on; `None` if they have not changed.
        events: Option<Vec<Event>>,
        /// Later events of the scenario that the new settings do not allow, so they are dropped.
        left_out: Vec<Event>,
        /// Changes that would restore the biases which this change discarded, one per variant concerned.
        biases: Vec<(Target, Change)>,
    },
    /// A variant was renamed.
    Renamed {
        /// The number that the request carried.
        id: u64,
    },
    /// A change was refused; nothing changed.
    Refused {
        /// The number that the request carried.
        id: u64,
        /// The reason in one sentence.
        reason: String,
    },
    /// A change was made at a step after which steps had been computed: the run as it was is now parked.
    Branched {
        /// The run that was changed and stays present.
        run: RunId,
        /// The step of the change.
        step: u64,
        /// The id of the parked run, which still has the later steps.
        parked: RunId,
        /// The later events that only the parked run has.
        events: Vec<Event>,
    },
    /// A parked run was dropped to save memory.
    Forgotten(RunId),
    /// The engine was replaced; this describes the new one.
    Engine(EngineInfo),
    /// A seek was cancelled.
    SeekCancelled {
        /// The step at which the run stands now.
        step: u64,
    },
    /// The run reached the step at which it should pause, and paused.
    Stopped {
        /// The step reached.
        step: u64,
    },
    /// The answer to [`Message::Export`].
    Exported {
        /// The number that the request carried.
        tag: u64,
        /// The run as data.
        run: Box<Exported>,
    },
    /// Information for the user.
    Notice(String),
    /// Something went wrong; the run is unchanged.
    Trouble(String),
}

/// How many runs are parked, and what they cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// The number of parked runs.
    pub runs: usize,
    /// The memory that they use together, in bytes.
    pub bytes: usize,
}

/// A seek in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeking {
    /// The step from which it started.
    pub from: u64,
    /// The step to reach.
    pub to: u64,
    /// The step reached so far.
    pub at: u64,
}

/// One variant at the present step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VariantView {
    /// Loads in the last step routed, one per expert; empty before the first step.
    pub loads: Vec<u32>,
    /// Biases at the present step, one per expert, Q32.
    pub bias: Vec<i64>,
    /// Figures of the last step routed.
    pub metrics: Metrics,
    /// The running digest.
    pub digest: Digest,
    /// The step size of the next update, in score units.
    pub rate: f64,
    /// n of the step size schedule at the next update: updates since the schedule began, counted from 1.
    pub schedule_n: u64,
    /// Findings that hold now, followed by those that no longer hold.
    pub findings: Arc<Vec<Finding>>,
}

impl VariantView {
    /// The fair share of an expert in the last step, in tokens. Dropped tokens count too.
    #[must_use]
    pub fn fair(&self) -> f64 {
        self.metrics.fair
    }
}

/// The figures of all variants since the mark.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standings {
    /// The number of updates after which they were computed. While the run plays they are recomputed a few times a second.
    pub step: u64,
    /// The figures, one per variant.
    pub figures: Vec<Figures>,
}

/// A run at one moment: all that the screen draws, except the history, which is shared with the worker.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The id of the run.
    pub run: RunId,
    /// How many requests (changes, renames and new runs) have been answered. Once it equals the number sent, the settings here are those
    /// asked for.
    pub answered: u64,
    /// The present step: the number of updates done.
    pub step: u64,
    /// The furthest step reached in this run; greater than `step` after going back.
    pub head: u64,
    /// Whether the run is playing.
    pub playing: bool,
    /// The speed asked for.
    pub speed: Speed,
    /// The measured speed, in steps per second, updated twice a second; 0 when paused.
    pub steps_per_second: f64,
    /// The seek in progress, if there is one.
    pub seeking: Option<Seeking>,
    /// The settings at the present step.
    pub experiment: Arc<Experiment>,
    /// The number of tokens in the next batch.
    pub batch: u32,
    /// The settings with which the last step was routed, to which the loads and figures shown belong. Before the first step: those of the
    /// start.
    pub routed: Arc<Experiment>,
    /// The number of tokens in the batch routed last.
    pub routed_batch: u32,
    /// One view per variant.
    pub variants: Vec<VariantView>,
    /// The running digest of all variants.
    pub digest: Digest,
    /// Every event of the run, including events after the present step.
    pub events: Arc<Vec<Event>>,
    /// The events that have no effect, with the reasons.
    pub ignored: Arc<Vec<Ignored>>,
    /// The parked runs, which can be resumed.
    pub kept: Kept,
    /// The engine that runs.
    pub engine: EngineInfo,
    /// The step at which the run pauses, if one is set.
    pub stop: Option<u64>,
    /// The newest picture for the heatmap.
    pub picture: Arc<Picture>,
    /// The price view, while the Theory pane asks for it.
    pub theory: Option<Arc<Theory>>,
    /// The figures of each variant, while the Comparison pane asks for them.
    pub figures: Option<Arc<Standings>>,
    /// Every number of the last step, while the Microscope asks for it.
    pub microscope: Option<Arc<Microscope>>,
    /// The experts of the tokens of the last step, while the Text pane asks for them.
    pub routes: Option<Arc<Routes>>,
    /// The rows of the past. The lock is held only while a row is added or pixels are read.
    pub history: Arc<Mutex<History>>,
    /// The range of the history whose single steps were asked for last.
    pub detail: Option<DetailView>,
    /// The trace that is replayed, if the source is one.
    pub trace: Option<Arc<Trace>>,
}

impl Snapshot {
    /// The step whose loads, figures and pictures are shown: the last one routed, which is row n of every file. `None` before the first
    /// step.
    #[must_use]
    pub fn shown_step(&self) -> Option<u64> {
        self.variants.iter().any(|v| !v.loads.is_empty()).then(|| self.step.saturating_sub(1))
    }

    /// Whether the picture shows [`Self::shown_step`]; while a run plays, the picture may be of an earlier step.
    #[must_use]
    pub fn picture_is_newest(&self) -> bool {
        match self.shown_step() {
            Some(step) => !self.picture.ahead && self.picture.step == step,
            None => self.picture.ahead && self.picture.step == self.step,
        }
    }

    /// Whether this event has no effect.
    #[must_use]
    pub fn ignores(&self, event: &Event) -> bool {
        self.ignored.iter().any(|i| i.event == *event)
    }

    /// Whether tokens have scores. A recording of selections or of loads has none: it can be displayed but not routed again.
    #[must_use]
    pub fn has_scores(&self) -> bool {
        self.trace.as_ref().is_none_or(|t| !t.is_only_watched())
    }
}
