//! Everything a person can do in the window, as one list, which menus, buttons, the palette, shortcuts and the list of shortcuts all read.
//! An action that changes the experiment becomes a [`Command`] of the lab; the others concern only the window.

mod keys;
mod names;

pub use keys::written;
pub use names::Group;

use crate::ui::kit::speed::SPEEDS;
use moebias_engine::EngineChoice;
use moebias_engine::message::Speed;
use moebias_lab::Lab;
use moebias_lab::command::Command;
use moebias_lab::fork::{COMPARED, ENOUGH};
use moebias_model::change::{Change, Target};
use strum::EnumIter;

/// The state of everything that an action turns on and off, for menus and the palette.
#[derive(Clone, Copy, Debug, Default)]
pub struct Toggled {
    /// Whether hints are shown.
    pub hints: bool,
    /// Whether the laser pointer is on.
    pub laser: bool,
    /// Whether the spotlight is on.
    pub spotlight: bool,
    /// Whether the window presents to an audience.
    pub presenting: bool,
    /// Whether the window fills the screen.
    pub full_screen: bool,
    /// Whether the settings are shown.
    pub controls: bool,
}

impl Toggled {
    /// Whether the thing that an action turns on and off is on; `None` for an action that turns nothing on and off.
    #[must_use]
    pub fn of(self, action: Action) -> Option<bool> {
        Some(match action {
            Action::ToggleHints => self.hints,
            Action::Laser => self.laser,
            Action::Spotlight => self.spotlight,
            Action::Present => self.presenting,
            Action::FullScreen => self.full_screen,
            Action::ToggleControls => self.controls,
            _ => return None,
        })
    }
}

/// Something that a person can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum Action {
    /// Choose a file to open.
    Open,
    /// Choose another recording to compare the present one with.
    CompareRecordings,
    /// Show how the recording is read, to say what its file does not say.
    HowRead,
    /// Choose where to save the run as a recording.
    SaveAs,
    /// Choose where to save the run together with the present view.
    SaveWithView,
    /// Choose where to write the curves.
    ExportCsv,
    /// Choose where to save a picture of the window.
    SavePicture,
    /// Copy a picture of the window to the clipboard.
    CopyPicture,
    /// Copy a picture of the current pane to the clipboard.
    CopyPane,
    /// Make a film of the run.
    Film,
    /// Start or stop recording.
    ToggleRecord,
    /// Play or pause.
    TogglePlay,
    /// One step on.
    Step,
    /// Ten steps on.
    StepTen,
    /// A hundred steps on.
    StepHundred,
    /// One step back.
    Back,
    /// Ten steps back.
    BackTen,
    /// The first step.
    ToStart,
    /// The furthest step computed.
    ToEnd,
    /// Play faster.
    Faster,
    /// Play slower.
    Slower,
    /// Start again from step 0 with the same seed.
    Reset,
    /// Start again from step 0 with another seed.
    NewSeed,
    /// Set every bias back to its initial value.
    ResetBiases,
    /// Count MaxVio_global from here.
    Mark,
    /// Undo the last change.
    Undo,
    /// Redo the change that was undone.
    Redo,
    /// Bring back the run that was set aside when its past was changed.
    BringBack,
    /// Add a copy of the last variant on the same tokens, in a new run.
    AddVariant,
    /// Add a copy of the variant shown with its present state; the run goes on.
    Fork,
    /// Rename the variant shown.
    Rename,
    /// Remove the last variant.
    RemoveVariant,
    /// Choose the engine automatically.
    EngineAuto,
    /// Compute on the CPU.
    EngineCpu,
    /// Compute on the GPU.
    EngineGpu,
    /// Open the menu at the experiment's name.
    Menu,
    /// Open the palette, which searches everything.
    Palette,
    /// Open or close the welcome with the scenario cards.
    Welcome,
    /// The table of contents of the lessons.
    Lessons,
    /// The next page of the lesson.
    NextPage,
    /// The page before.
    PreviousPage,
    /// One more hint for the lesson's task.
    LessonHint,
    /// Set up the experiment again as the lesson's page has it.
    LessonSetUp,
    /// Close the lesson; the experiment stays.
    CloseLesson,
    /// Open or close the list of messages.
    Messages,
    /// Open or close the glossary.
    Glossary,
    /// Open or close the list of findings.
    Findings,
    /// Bring up the pane that shows the finding named in the strip.
    ShowFinding,
    /// Open or close the list of shortcuts.
    Shortcuts,
    /// Switch between the dark and the light theme.
    ToggleTheme,
    /// Hide or show the settings.
    ToggleControls,
    /// Draw everything larger.
    ZoomIn,
    /// Draw everything smaller.
    ZoomOut,
    /// Set the zoom to 1.
    ZoomReset,
    /// Fill the screen, or stop doing so.
    FullScreen,
    /// Present to an audience, or stop: full screen, larger text, fewer controls.
    Present,
    /// Maximise the current pane, or restore it.
    MaximisePane,
    /// Maximise the next pane.
    NextPane,
    /// Maximise the previous pane.
    PreviousPane,
    /// A spot of light that follows the pointer.
    Laser,
    /// Darken everything but the pane under the pointer.
    Spotlight,
    /// Hints on or off.
    ToggleHints,
    /// Bring the Theory pane to the front.
    ShowTheory,
    /// Bring the Comparison pane to the front.
    ShowCompare,
    /// Bring the Sweep pane to the front.
    ShowSweep,
    /// Choose where to write the sweep.
    SaveSweep,
    /// Bring the Microscope to the front.
    ShowMicroscope,
    /// Go to the next stage of the Microscope.
    StageOn,
    /// Go to the previous stage of the Microscope.
    StageBack,
    /// Put the panes back into the arrangement of a new window, or leave the scenario's arrangement.
    ResetLayout,
    /// Esc: cancel a seek, stop presenting, restore a maximised pane, unpin, or show all steps; the first that applies.
    Unpin,
    /// Close the window.
    Quit,
}

impl Action {
    /// Why the action can't be done now, if so: one sentence, the same for menus, the palette and shortcuts.
    #[must_use]
    pub fn refused(self, lab: &Lab) -> Option<String> {
        let s = lab.snapshot();
        let variants = lab.settings().variants.len();
        let (wrong, why) = match self {
            Self::Undo => (lab.undo_label().is_none(), "There is nothing to undo"),
            Self::Redo => (lab.redo_label().is_none(), "There is nothing to redo"),
            Self::BringBack => {
                (lab.set_aside().is_none(), "Nothing is set aside: that happens when the past is changed")
            }
            Self::Fork => (variants >= COMPARED, ENOUGH),
            Self::RemoveVariant => (variants < 2, "There is only one variant"),
            Self::Back | Self::BackTen | Self::ToStart => {
                (s.step == 0 && s.seeking.is_none(), "This is the first step")
            }
            Self::ToEnd => (s.step == s.head && s.seeking.is_none(), "This is the last step computed so far"),
            Self::NextPage | Self::PreviousPage | Self::LessonHint | Self::LessonSetUp | Self::CloseLesson => {
                (lab.lesson().is_none(), "No lesson is open: L lists them all")
            }
            Self::ShowFinding => (
                s.variants.iter().all(|v| v.findings.iter().all(|f| f.until.is_some())),
                "Nothing stands out at this step",
            ),
            Self::SaveSweep => (lab.sweep().is_none(), "There is no sweep to save: S opens the pane that makes one"),
            Self::CompareRecordings => return lab.cant_compare(),
            Self::HowRead => (lab.examined().is_none(), "These tokens are not from a recording"),
            Self::ResetBiases => (!s.has_scores(), "A log of selections has no biases"),
            Self::Slower => (matches!(s.speed, Speed::Steps(rate) if rate <= SPEEDS[0]), "This is the lowest speed"),
            Self::Faster => (s.speed == Speed::Max, "This is as fast as it goes"),
            _ => (false, ""),
        };
        wrong.then(|| why.to_owned()).or_else(|| lab.why_not(&self.command()?))
    }

    /// The command that the action sends to the lab; `None` if it concerns the window or needs more to be known.
    #[must_use]
    pub fn command(self) -> Option<Command> {
        Some(match self {
            Self::ToggleRecord => Command::ToggleRecord,
            Self::TogglePlay => Command::TogglePlay,
            Self::Step => Command::StepForward(1),
            Self::StepTen => Command::StepForward(10),
            Self::StepHundred => Command::StepForward(100),
            Self::Back => Command::StepBack(1),
            Self::BackTen => Command::StepBack(10),
            Self::ToStart => Command::SeekStart,
            Self::ToEnd => Command::SeekEnd,
            Self::Reset => Command::Reset,
            Self::NewSeed => Command::NewSeed,
            Self::ResetBiases => Command::Change { target: Target::AllVariants, change: Change::ResetBias },
            Self::Mark => Command::Mark,
            Self::Undo => Command::Undo,
            Self::Redo => Command::Redo,
            Self::BringBack => Command::BringBack,
            Self::EngineAuto => Command::SetEngine(EngineChoice::Auto),
            Self::EngineCpu => Command::SetEngine(EngineChoice::Cpu),
            Self::EngineGpu => Command::SetEngine(EngineChoice::Gpu),
            _ => return None,
        })
    }
}
