//! Everything a person can do in the window, in one list: menus, buttons, the palette, shortcuts and the list of shortcuts all
//! read it. What changes the experiment becomes a [`Command`] of the lab; the rest concerns the window alone.

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

/// What is on and what is off, for the menus.
#[derive(Clone, Copy, Debug, Default)]
pub struct Toggled {
    /// Hints are given.
    pub hints: bool,
    /// The laser is pointed with.
    pub laser: bool,
    /// The spotlight is on.
    pub spotlight: bool,
    /// The window stands before an audience.
    pub presenting: bool,
    /// It fills the screen.
    pub full_screen: bool,
    /// The settings are shown.
    pub controls: bool,
}

impl Toggled {
    /// Whether what an action turns on and off is on; `None` for another action.
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

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum Action {
    /// Choose a file to open.
    Open,
    /// Choose another recording to compare the present one with.
    CompareRecordings,
    /// Choose where to save the run as a recording.
    SaveAs,
    /// Choose where to save the run so that it opens as it is seen now.
    SaveWithView,
    /// Choose where to write the curves.
    ExportCsv,
    /// Choose where to save a picture of the window.
    SavePicture,
    /// A picture of the window to the clipboard.
    CopyPicture,
    /// A picture of the pane that is meant to the clipboard.
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
    /// The same seed from step 0.
    Reset,
    /// Another seed from step 0.
    NewSeed,
    /// Every bias back to its start.
    ResetBiases,
    /// Count MaxVio_global from here.
    Mark,
    /// Take back.
    Undo,
    /// Do again.
    Redo,
    /// Bring back what was set aside.
    BringBack,
    /// One more variant on the same tokens.
    AddVariant,
    /// One more variant from the present state.
    Fork,
    /// Choose what the variant shown is called.
    Rename,
    /// Take the last variant away.
    RemoveVariant,
    /// Choose the engine by itself.
    EngineAuto,
    /// Compute on the CPU.
    EngineCpu,
    /// Compute on the GPU.
    EngineGpu,
    /// Open the menu at the experiment's name.
    Menu,
    /// Search everything.
    Palette,
    /// Scenario cards.
    Welcome,
    /// The table of contents of the lessons.
    Lessons,
    /// The next page of the lesson.
    NextPage,
    /// The page before.
    PreviousPage,
    /// One more hint for the lesson's task.
    LessonHint,
    /// The experiment as the lesson's page has it, again.
    LessonSetUp,
    /// Close the lesson; the experiment stays.
    CloseLesson,
    /// All messages.
    Messages,
    /// All terms.
    Glossary,
    /// What the lab noticed.
    Findings,
    /// Bring up what shows the finding named in the strip.
    ShowFinding,
    /// All shortcuts.
    Shortcuts,
    /// Dark or light.
    ToggleTheme,
    /// Hide or show the settings.
    ToggleControls,
    /// Larger.
    ZoomIn,
    /// Smaller.
    ZoomOut,
    /// Ordinary size.
    ZoomReset,
    /// Fill the screen.
    FullScreen,
    /// Before an audience: the whole screen, larger text, fewer controls.
    Present,
    /// All the room for the pane that is meant, or its place back.
    MaximisePane,
    /// All the room for the next pane.
    NextPane,
    /// All the room for the pane before.
    PreviousPane,
    /// A spot of light that follows the pointer.
    Laser,
    /// Darken everything but the pane under the pointer.
    Spotlight,
    /// Hints on or off.
    ToggleHints,
    /// The price view to the front.
    ShowTheory,
    /// The comparison to the front.
    ShowCompare,
    /// The sweep to the front.
    ShowSweep,
    /// Choose where to write the sweep.
    SaveSweep,
    /// One step, stage by stage, to the front.
    ShowMicroscope,
    /// One stage of the microscope on.
    StageOn,
    /// One stage of the microscope back.
    StageBack,
    /// Every pane back to its place.
    ResetLayout,
    /// Let go of the pinned expert and token.
    Unpin,
    /// Close the window.
    Quit,
}

impl Action {
    /// Why it can't be done now, if so: one sentence, for menus, the palette and shortcuts alike.
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
            Self::ResetBiases => (!s.has_scores(), "A log of selections has no biases"),
            Self::Slower => (matches!(s.speed, Speed::Steps(rate) if rate <= SPEEDS[0]), "This is the lowest speed"),
            Self::Faster => (s.speed == Speed::Max, "This is as fast as it goes"),
            _ => (false, ""),
        };
        wrong.then(|| why.to_owned()).or_else(|| lab.why_not(&self.command()?))
    }

    /// What the lab is to do, if it concerns the experiment and needs no more to be known.
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
