//! Everything that a user can do to an experiment, as one list of commands. Sliders, menus, the palette, shortcuts and lessons send them to
//! [`Lab::send`](super::Lab::send).

use moebias_engine::EngineChoice;
use moebias_engine::message::Speed;
use moebias_engine::microscope::MicroscopeRequest;
use moebias_engine::routes::RoutesRequest;
use moebias_engine::theory::TheoryRequest;
use moebias_engine::view::ViewRequest;
use moebias_files::view::View;
use moebias_model::change::{Change, Target};
use moebias_model::presets::Preset;
use moebias_model::settings::reading::Reading;
use moebias_model::sweep::Axis;
use std::path::PathBuf;

/// A command.
///
/// Every change can be undone:
///
/// ```
/// use moebias_engine::EngineChoice;
/// use moebias_lab::{Lab, command::Command};
/// use moebias_model::change::{Change, Target};
///
/// # moebias_lab::places::keep_in(tempfile::tempdir()?.path());
/// let loaded = moebias_files::shipped::find("first-look").expect("it ships").load()?;
/// let mut lab = Lab::open(&loaded, EngineChoice::Cpu, || {})?;
/// let rate = |lab: &Lab| lab.settings().variants[0].balancer.rate;
/// let before = rate(&lab);
/// lab.send(Command::Change { target: Target::Variant(0), change: Change::SetRate(0.1) });
/// assert_eq!(rate(&lab), 0.1, "shown at once; the worker confirms it");
/// lab.send(Command::Undo);
/// while rate(&lab) != before {
///     std::thread::yield_now();
///     lab.poll();
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Play if paused, pause if playing.
    TogglePlay,
    /// Play the run.
    Play,
    /// Pause the run.
    Pause,
    /// Do this number of steps, then pause.
    StepForward(u64),
    /// Pause and go back by this number of steps.
    StepBack(u64),
    /// Go to state n, the state after n steps.
    Seek(u64),
    /// Go to the first state.
    SeekStart,
    /// Go to the last state that was computed.
    SeekEnd,
    /// Cancel the seek in progress.
    CancelSeek,
    /// Set the speed of playing.
    SetSpeed(Speed),
    /// Change a setting; the run continues. Can be undone.
    Change {
        /// What it is changed in: a variant, all variants or the token source.
        target: Target,
        /// The setting and its new value.
        change: Change,
    },
    /// Change several settings at once; the run continues. They are undone together.
    ChangeTogether {
        /// What it is changed in: a variant, all variants or the token source.
        target: Target,
        /// The settings and their new values, applied in this order.
        changes: Vec<Change>,
    },
    /// Give variants the router and balancer of a published model. Starts a new run; can be undone.
    Preset {
        /// The variants that it is given to.
        target: Target,
        /// The model.
        preset: Preset,
    },
    /// Set the number of experts in every variant. Starts a new run; can be undone.
    SetExperts(u32),
    /// Set the seed. Starts a new run; can be undone.
    SetSeed(u32),
    /// Add a variant with the settings of an existing one, given by its index. Starts a new run; can be undone.
    AddVariant(usize),
    /// Add a variant with the past and the present state of an existing one, given by its index; the run continues. Can be undone.
    Fork(usize),
    /// Remove a variant, given by its index. Starts a new run; can be undone.
    RemoveVariant(usize),
    /// Rename a variant; `None` makes its name follow the settings again. The run continues. Can be undone.
    Rename {
        /// The index of the variant.
        variant: usize,
        /// The name.
        name: Option<String>,
    },
    /// Start the experiment again from its first step, with the same seed and the settings as they are now. Can be undone.
    Reset,
    /// Start the experiment again with a random seed. Can be undone.
    NewSeed,
    /// Undo the last change, name or new run.
    Undo,
    /// Redo what was undone last.
    Redo,
    /// Start or stop recording.
    ToggleRecord,
    /// Bring back the steps that were set aside when a setting was changed at an earlier step. Can be undone.
    BringBack,
    /// Compute every number of the last step for the Microscope pane, after every step; `None` stops that.
    SetMicroscope(Option<MicroscopeRequest>),
    /// Find the experts of the tokens of the last step for the Text pane, after every step; `None` stops that.
    SetRoutes(Option<RoutesRequest>),
    /// Count MaxVio_global from the present step on.
    Mark,
    /// Choose the engine.
    SetEngine(EngineChoice),
    /// Choose what the heatmap shows.
    SetView(ViewRequest),
    /// Compute the price view of every step for the Theory pane; `None` stops that.
    SetTheory(Option<TheoryRequest>),
    /// Compute the figures of every variant for the Comparison pane, or stop that.
    SetFigures(bool),
    /// Compute a range of older steps again, so that plots show them one by one: the first step, and the step after the last.
    Detail(u64, u64),
    /// Open a file: a scenario, a recording, a trace, a lesson or a sweep.
    OpenFile(PathBuf),
    /// Open a scenario that ships with Moebias, by its id.
    OpenShipped(String),
    /// Show the layer of the recording with this name. Starts a new run; can be undone.
    ShowLayer(String),
    /// Read the recording in another way: leave tokens out, or supply what the file does not say. Starts a new run; can be undone.
    ReadAs(Box<Reading>),
    /// Route all layers of the recording again on a thread of their own, each with its own biases; or stop that.
    RouteLayers {
        /// The index of the variant whose settings they are routed with.
        variant: usize,
        /// Whether to start or to stop.
        on: bool,
    },
    /// Compare the chosen experts of the recording with those of another recording of the same tokens, on a thread of its own.
    CompareWith(PathBuf),
    /// Save the run so far as a recording.
    SaveAs(PathBuf),
    /// Show a folder in the system's file manager.
    ShowFolder(PathBuf),
    /// Replace the title and the summary of the experiment.
    Describe {
        /// The title, a few words.
        title: String,
        /// One line.
        summary: String,
    },
    /// Save the run so far as a recording, with this view of the window.
    SaveWithView(PathBuf, Box<View>),
    /// Write every curve of the run so far as CSV, on another thread.
    ExportCsv(PathBuf),
    /// Cancel the CSV export in progress, the file being opened, or the comparison of two recordings.
    CancelJob,
    /// Restore the run that an earlier session left unfinished.
    Restore,
    /// Remove the journal of the run that an earlier session left unfinished.
    DiscardUnfinished,
    /// Start a sweep: the experiment as it is now with every combination of some settings, on another thread.
    StartSweep(SweepRequest),
    /// Continue a sweep that was stopped.
    GoOnWithSweep,
    /// Stop the sweep; the runs that are done are kept.
    CancelSweep,
    /// Write the runs of the sweep that are done as CSV.
    SaveSweep(PathBuf),
    /// Open the experiment of a run of the sweep, given by its index. Starts a new run; can be undone.
    OpenRun(usize),
    /// Do something in a lesson.
    Lesson(LessonDo),
}

/// A command of the lesson pane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LessonDo {
    /// Open the shipped lesson with this id, at the page where it was left.
    Open(String),
    /// Turn to a page, counted from 0.
    Turn(usize),
    /// Choose an answer to the page's question, counted from 0.
    Answer(usize),
    /// Show one more hint.
    Hint,
    /// Set up the page's experiment again.
    SetUp,
    /// Close the lesson; the experiment stays.
    Close,
}

/// The request for a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepRequest {
    /// The settings to vary, with their values.
    pub axes: Vec<Axis>,
    /// The number of seeds for each combination.
    pub seeds: u32,
    /// The number of steps of each run.
    pub steps: u64,
}
