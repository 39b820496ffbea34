//! The name and icon of every action, and its group in the list of shortcuts.

use super::Action;
use egui_material_icons::MaterialIcon;
use egui_material_icons::icons as i;
use strum::EnumIter;

/// How actions are grouped in the list of shortcuts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, strum::Display)]
pub enum Group {
    /// Playing and going back.
    Time,
    /// The experiment.
    Experiment,
    /// Files.
    File,
    /// An open lesson.
    Lesson,
    /// The window.
    Window,
    /// Presenting to an audience.
    Presenting,
}

impl Action {
    /// Its name, in sentence case; it ends in `…` if the action asks for more, such as a path.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "Open…",
            Self::CompareRecordings => "Compare with another recording…",
            Self::HowRead => "How the recording is read…",
            Self::SaveAs => "Save run as…",
            Self::SaveWithView => "Save run with this view…",
            Self::ExportCsv => "Export curves as CSV…",
            Self::SavePicture => "Save picture of the window…",
            Self::CopyPicture => "Copy picture of the window",
            Self::CopyPane => "Copy picture of the current pane",
            Self::Film => "Film…",
            Self::ToggleRecord => "Start or stop recording",
            Self::TogglePlay => "Play or pause",
            Self::Step => "One step",
            Self::StepTen => "Ten steps",
            Self::StepHundred => "A hundred steps",
            Self::Back => "One step back",
            Self::BackTen => "Ten steps back",
            Self::ToStart => "To the first step",
            Self::ToEnd => "To the last step computed",
            Self::Faster => "Play faster",
            Self::Slower => "Play slower",
            Self::Reset => "Reset: the same seed from step 0",
            Self::NewSeed => "New seed",
            Self::ResetBiases => "Reset biases",
            Self::Mark => "Count MaxVio global from here",
            Self::Undo => "Undo",
            Self::Redo => "Redo",
            Self::BringBack => "Bring back what was set aside",
            Self::AddVariant => "Compare: add a variant on the same tokens",
            Self::Fork => "Fork here: a variant from the present state",
            Self::Rename => "Rename variant…",
            Self::RemoveVariant => "Remove the last variant",
            Self::EngineAuto => "Engine: choose automatically",
            Self::EngineCpu => "Engine: CPU",
            Self::EngineGpu => "Engine: GPU",
            Self::Menu => "Menu at the experiment’s name",
            Self::Palette => "Search commands and scenarios",
            Self::Welcome => "Scenarios",
            Self::Lessons => "Lessons",
            Self::NextPage => "Lesson: next page",
            Self::PreviousPage => "Lesson: previous page",
            Self::LessonHint => "Lesson: show a hint",
            Self::LessonSetUp => "Lesson: set up this page again",
            Self::CloseLesson => "Lesson: close",
            Self::Messages => "Messages",
            Self::Glossary => "Glossary: every term on screen",
            Self::Findings => "All findings",
            Self::ShowFinding => "Show me what was found",
            Self::Shortcuts => "Keyboard shortcuts",
            Self::ToggleTheme => "Dark or light",
            Self::ToggleControls => "Hide or show settings",
            Self::ZoomIn => "Larger",
            Self::ZoomOut => "Smaller",
            Self::ZoomReset => "Ordinary size",
            Self::FullScreen => "Full screen",
            Self::Present => "Present: full screen, larger text, fewer controls",
            Self::MaximisePane => "Maximise the current pane",
            Self::NextPane => "Next pane (while presenting)",
            Self::PreviousPane => "Previous pane (while presenting)",
            Self::Laser => "Laser pointer",
            Self::Spotlight => "Spotlight on the pane under the pointer",
            Self::ToggleHints => "Hints",
            Self::ShowTheory => "Show the theory",
            Self::ShowCompare => "Show the comparison of variants",
            Self::ShowSweep => "Show the sweep",
            Self::SaveSweep => "Save the sweep as CSV…",
            Self::ShowMicroscope => "Microscope: take one step apart",
            Self::StageOn => "Microscope: one stage on",
            Self::StageBack => "Microscope: one stage back",
            Self::ResetLayout => "Reset layout",
            Self::Unpin => "Unpin everything",
            Self::Quit => "Quit",
        }
    }

    /// Its icon.
    #[must_use]
    pub fn icon(self) -> MaterialIcon {
        match self {
            Self::Open => i::ICON_FOLDER_OPEN,
            Self::CompareRecordings => i::ICON_DIFFERENCE,
            Self::HowRead => i::ICON_DATA_ARRAY,
            Self::SaveAs | Self::SaveWithView => i::ICON_SAVE,
            Self::ExportCsv => i::ICON_TABLE,
            Self::SavePicture => i::ICON_PHOTO_CAMERA,
            Self::CopyPicture | Self::CopyPane => i::ICON_CONTENT_COPY,
            Self::Film => i::ICON_MOVIE,
            Self::ToggleRecord => i::ICON_FIBER_MANUAL_RECORD,
            Self::TogglePlay => i::ICON_PLAY_ARROW,
            Self::Step | Self::StepTen | Self::StepHundred => i::ICON_CHEVRON_RIGHT,
            Self::Back | Self::BackTen => i::ICON_CHEVRON_LEFT,
            Self::ToStart => i::ICON_FIRST_PAGE,
            Self::ToEnd => i::ICON_LAST_PAGE,
            Self::Faster | Self::Slower => i::ICON_SPEED,
            Self::Reset => i::ICON_RESTART_ALT,
            Self::NewSeed => i::ICON_CASINO,
            Self::ResetBiases => i::ICON_BALANCE,
            Self::Mark => i::ICON_FLAG,
            Self::Undo | Self::BringBack => i::ICON_UNDO,
            Self::Redo => i::ICON_REDO,
            Self::AddVariant => i::ICON_ADD,
            Self::RemoveVariant => i::ICON_REMOVE,
            Self::Fork => i::ICON_CALL_SPLIT,
            Self::Rename => i::ICON_EDIT,
            Self::EngineAuto | Self::EngineCpu | Self::EngineGpu => i::ICON_MEMORY,
            Self::Menu => i::ICON_MENU,
            Self::Palette => i::ICON_SEARCH,
            Self::Welcome => i::ICON_DASHBOARD,
            Self::Lessons => i::ICON_SCHOOL,
            Self::NextPage => i::ICON_ARROW_FORWARD,
            Self::PreviousPage => i::ICON_ARROW_BACK,
            Self::LessonHint => i::ICON_LIGHTBULB,
            Self::LessonSetUp => i::ICON_RESTART_ALT,
            Self::CloseLesson => i::ICON_CLOSE,
            Self::Messages => i::ICON_NOTIFICATIONS,
            Self::Glossary => i::ICON_MENU_BOOK,
            Self::Findings => i::ICON_LIST,
            Self::ShowFinding => i::ICON_VISIBILITY,
            Self::Shortcuts => i::ICON_KEYBOARD,
            Self::ToggleTheme => i::ICON_CONTRAST,
            Self::ToggleControls => i::ICON_TUNE,
            Self::ZoomIn => i::ICON_ZOOM_IN,
            Self::ZoomOut | Self::ZoomReset => i::ICON_ZOOM_OUT,
            Self::FullScreen => i::ICON_FULLSCREEN,
            Self::Present => i::ICON_SLIDESHOW,
            Self::MaximisePane => i::ICON_OPEN_IN_FULL,
            Self::NextPane => i::ICON_CHEVRON_RIGHT,
            Self::PreviousPane => i::ICON_CHEVRON_LEFT,
            Self::Laser => i::ICON_FLARE,
            Self::Spotlight => i::ICON_HIGHLIGHT,
            Self::ToggleHints => i::ICON_LIGHTBULB,
            Self::ShowTheory => i::ICON_FUNCTION,
            Self::ShowCompare => i::ICON_COMPARE_ARROWS,
            Self::ShowSweep => i::ICON_GRID_ON,
            Self::SaveSweep => i::ICON_TABLE,
            Self::ShowMicroscope => i::ICON_BIOTECH,
            Self::StageOn => i::ICON_CHEVRON_RIGHT,
            Self::StageBack => i::ICON_CHEVRON_LEFT,
            Self::ResetLayout => i::ICON_GRID_VIEW,
            Self::Unpin => i::ICON_KEEP_OFF,
            Self::Quit => i::ICON_CLOSE,
        }
    }

    /// Its group in the list of shortcuts.
    #[must_use]
    pub fn group(self) -> Group {
        match self {
            Self::TogglePlay
            | Self::Step
            | Self::StepTen
            | Self::StepHundred
            | Self::Back
            | Self::BackTen
            | Self::ToStart
            | Self::ToEnd
            | Self::Faster
            | Self::Slower => Group::Time,
            Self::Reset
            | Self::NewSeed
            | Self::ResetBiases
            | Self::Mark
            | Self::Undo
            | Self::Redo
            | Self::BringBack
            | Self::AddVariant
            | Self::Fork
            | Self::Rename
            | Self::RemoveVariant
            | Self::EngineAuto
            | Self::EngineCpu
            | Self::EngineGpu => Group::Experiment,
            Self::Open
            | Self::CompareRecordings
            | Self::HowRead
            | Self::SaveAs
            | Self::SaveWithView
            | Self::ExportCsv
            | Self::SaveSweep
            | Self::SavePicture
            | Self::CopyPicture
            | Self::CopyPane
            | Self::Film
            | Self::ToggleRecord
            | Self::Quit => Group::File,
            Self::NextPage | Self::PreviousPage | Self::LessonHint | Self::LessonSetUp | Self::CloseLesson => {
                Group::Lesson
            }
            Self::Menu
            | Self::Palette
            | Self::Welcome
            | Self::Lessons
            | Self::Messages
            | Self::Glossary
            | Self::Findings
            | Self::ShowFinding
            | Self::Shortcuts
            | Self::ToggleTheme
            | Self::ToggleControls
            | Self::ZoomIn
            | Self::ZoomOut
            | Self::ZoomReset
            | Self::FullScreen
            | Self::ToggleHints
            | Self::ShowTheory
            | Self::ShowCompare
            | Self::ShowSweep
            | Self::ShowMicroscope
            | Self::StageOn
            | Self::StageBack
            | Self::ResetLayout
            | Self::Unpin => Group::Window,
            Self::Present
            | Self::MaximisePane
            | Self::NextPane
            | Self::PreviousPane
            | Self::Laser
            | Self::Spotlight => Group::Presenting,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strum::IntoEnumIterator as _;

    #[test]
    fn every_action_has_a_name_of_its_own() {
        let mut names: Vec<&str> = Action::iter().map(Action::name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Action::iter().count());
    }
}
