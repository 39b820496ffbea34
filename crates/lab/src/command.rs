//! What a person can do to an experiment: the one list. Sliders, menus, the palette, shortcuts, undo and recording all send these.

use moebias_engine::EngineChoice;
use moebias_engine::message::Speed;
use moebias_engine::microscope::MicroscopeRequest;
use moebias_engine::theory::TheoryRequest;
use moebias_engine::view::ViewRequest;
use moebias_files::view::View;
use moebias_model::change::{Change, Target};
use moebias_model::presets::Preset;
use moebias_model::settings::reading::Reading;
use moebias_model::sweep::Axis;
use std::path::PathBuf;

/// One thing to do.
///
/// Every change can be taken back:
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
    /// Go on.
    Play,
    /// Stop.
    Pause,
    /// Do some steps, then pause.
    StepForward(u64),
    /// Show the state some steps earlier.
    StepBack(u64),
    /// Show state n.
    Seek(u64),
    /// Show the first state.
    SeekStart,
    /// Show the furthest state computed.
    SeekEnd,
    /// Give up a seek under way.
    CancelSeek,
    /// How fast to play.
    SetSpeed(Speed),
    /// Change a setting; the run goes on.
    Change {
        /// Of what.
        target: Target,
        /// To what.
        change: Change,
    },
    /// Change several settings at once; they are taken back together.
    ChangeTogether {
        /// Of what.
        target: Target,
        /// To what, in this order.
        changes: Vec<Change>,
    },
    /// Router and balancer of a published model. Starts a new run; can be undone.
    Preset {
        /// Of which variants.
        target: Target,
        /// The model.
        preset: Preset,
    },
    /// Another number of experts in every variant. Starts a new run; can be undone.
    SetExperts(u32),
    /// Another seed. Starts a new run; can be undone.
    SetSeed(u32),
    /// Add a variant with the settings of an existing one, to compare. Starts a new run; can be undone.
    AddVariant(usize),
    /// One more variant with the past and the state of an existing one, on the same tokens; the run goes on. Can be undone.
    Fork(usize),
    /// Take a variant away. Starts a new run; can be undone.
    RemoveVariant(usize),
    /// What a variant is called; `None` lets its name follow the settings again. The run goes on. Can be undone.
    Rename {
        /// Which.
        variant: usize,
        /// The name.
        name: Option<String>,
    },
    /// The same run from its first step: same seed, and the settings as they are now. Can be undone.
    Reset,
    /// A run with a seed nobody chose. Can be undone.
    NewSeed,
    /// Take back the last change or new run.
    Undo,
    /// Do it again.
    Redo,
    /// Start or stop recording.
    ToggleRecord,
    /// Bring back what was set aside when the past was changed.
    BringBack,
    /// Take the next step apart after every step, or no longer.
    SetMicroscope(Option<MicroscopeRequest>),
    /// Count MaxVio_global from here.
    Mark,
    /// Which engine to use.
    SetEngine(EngineChoice),
    /// What the heatmap shows.
    SetView(ViewRequest),
    /// Look at every step in the price view, or no longer.
    SetTheory(Option<TheoryRequest>),
    /// Work out what each variant comes to, or no longer.
    SetFigures(bool),
    /// Compute a range of older steps again for the plots to show exactly: from, to.
    Detail(u64, u64),
    /// Open a scenario, a recording or a trace.
    OpenFile(PathBuf),
    /// Open a scenario that ships with Moebias, by its id.
    OpenShipped(String),
    /// Show another layer of the recording, by its name. Starts a new run; can be undone.
    ShowLayer(String),
    /// Read the recording otherwise: leave tokens out, or answer what the file does not say. Starts a new run; can be undone.
    ReadAs(Box<Reading>),
    /// Route all layers of the recording again, each with biases of its own, beside the run; or stop that.
    RouteLayers {
        /// The variant whose settings they get.
        variant: usize,
        /// Whether to go on.
        on: bool,
    },
    /// Save the run so far as a recording.
    SaveAs(PathBuf),
    /// Show a folder in the system's file manager.
    ShowFolder(PathBuf),
    /// Give the experiment a title and a summary of its own.
    Describe {
        /// A few words.
        title: String,
        /// One line.
        summary: String,
    },
    /// Save the run so far as a recording that is seen as it is now.
    SaveWithView(PathBuf, Box<View>),
    /// Write every curve of the run so far as CSV, beside the work.
    ExportCsv(PathBuf),
    /// Give up the work under way beside the run (a CSV export).
    CancelJob,
    /// Open the run that an earlier session left unfinished.
    Restore,
    /// Let go of it.
    DiscardUnfinished,
    /// Run the experiment as it stands with every combination of some settings, beside the run.
    StartSweep(SweepRequest),
    /// Do what is left of a sweep that was stopped.
    GoOnWithSweep,
    /// Stop the sweep; what is done stays.
    CancelSweep,
    /// Write the sweep as CSV, as far as it is done.
    SaveSweep(PathBuf),
    /// Open the experiment of this run of the sweep. Starts a new run; can be undone.
    OpenRun(usize),
    /// Something in a lesson.
    Lesson(LessonDo),
}

/// What can be done in a lesson.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LessonDo {
    /// Open the shipped lesson of this name, where it was left.
    Open(String),
    /// Turn to a page, counted from 0.
    Turn(usize),
    /// Choose an answer of the page's question.
    Answer(usize),
    /// Show one more hint.
    Hint,
    /// Set the experiment up again as the page has it.
    SetUp,
    /// Close it; the experiment stays.
    Close,
}

/// What is to be swept.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepRequest {
    /// The settings and their values.
    pub axes: Vec<Axis>,
    /// Seeds of each combination.
    pub seeds: u32,
    /// Steps of each run.
    pub steps: u64,
}
