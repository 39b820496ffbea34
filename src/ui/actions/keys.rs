//! The keys of every action. A test makes sure that no two actions share a key.

use super::Action;
use eframe::egui::{Key, KeyboardShortcut, Modifiers};

const CTRL: Modifiers = Modifiers::COMMAND;
const CTRL_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);

const fn key(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::NONE, key)
}

const fn shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::SHIFT, key)
}

const fn ctrl(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(CTRL, key)
}

const fn ctrl_shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(CTRL_SHIFT, key)
}

/// A shortcut as it is written on this system: "Ctrl+→", "Esc".
#[must_use]
pub fn written(ctx: &eframe::egui::Context, shortcut: &KeyboardShortcut) -> String {
    if shortcut.logical_key == Key::Questionmark {
        return "?".into();
    }
    let signs = [
        ("PageDown", "Page Down"),
        ("PageUp", "Page Up"),
        ("Escape", "Esc"),
        ("Period", "."),
        ("Comma", ","),
        ("Plus", "+"),
        ("Minus", "−"),
        ("Equals", "="),
        ("Right", "→"),
        ("Left", "←"),
        ("CloseBracket", "]"),
        ("OpenBracket", "["),
    ];
    let name = ctx.format_shortcut(shortcut);
    let sign = signs.iter().find_map(|(word, sign)| Some(format!("{}{sign}", name.strip_suffix(word)?)));
    sign.unwrap_or(name)
}

impl Action {
    /// Its keys. The first one is shown in menus and tips.
    #[must_use]
    pub fn shortcuts(self) -> Vec<KeyboardShortcut> {
        match self {
            Self::Open => vec![ctrl(Key::O)],
            Self::SaveAs => vec![ctrl(Key::S)],
            Self::ExportCsv => vec![ctrl(Key::E)],
            Self::SavePicture => vec![ctrl_shift(Key::S)],
            Self::CopyPane => vec![ctrl_shift(Key::C)],
            Self::Film => vec![ctrl_shift(Key::F)],
            Self::ToggleRecord => vec![key(Key::R)],
            Self::TogglePlay => vec![key(Key::Space), key(Key::K)],
            Self::Step => vec![key(Key::ArrowRight)],
            Self::StepTen => vec![shift(Key::ArrowRight)],
            Self::StepHundred => vec![ctrl(Key::ArrowRight)],
            Self::Back => vec![key(Key::ArrowLeft)],
            Self::BackTen => vec![shift(Key::ArrowLeft)],
            Self::ToStart => vec![key(Key::Home)],
            Self::ToEnd => vec![key(Key::End)],
            Self::Faster => vec![key(Key::Period)],
            Self::Slower => vec![key(Key::Comma)],
            Self::Reset => vec![ctrl(Key::R)],
            Self::NewSeed => vec![ctrl_shift(Key::R)],
            Self::ResetBiases => vec![ctrl_shift(Key::B)],
            Self::Mark => vec![key(Key::M)],
            Self::Undo => vec![ctrl(Key::Z)],
            Self::Redo => vec![ctrl(Key::Y), ctrl_shift(Key::Z)],
            Self::AddVariant => vec![ctrl(Key::D)],
            Self::Fork => vec![ctrl_shift(Key::D)],
            Self::Rename => vec![key(Key::F2)],
            Self::Menu => vec![key(Key::F10)],
            Self::Palette => vec![ctrl(Key::P), ctrl(Key::K)],
            Self::Welcome => vec![ctrl(Key::N)],
            Self::Glossary => vec![key(Key::G)],
            Self::Findings => vec![key(Key::N)],
            Self::ShowFinding => vec![shift(Key::N)],
            Self::Lessons => vec![key(Key::L)],
            Self::LessonHint => vec![key(Key::H)],
            Self::LessonSetUp => vec![shift(Key::H)],
            Self::Shortcuts => vec![shift(Key::Questionmark), key(Key::F1)],
            Self::ToggleTheme => vec![ctrl(Key::T)],
            Self::ToggleControls => vec![ctrl(Key::B)],
            Self::ZoomIn => vec![ctrl(Key::Plus), ctrl(Key::Equals)],
            Self::ZoomOut => vec![ctrl(Key::Minus)],
            Self::ZoomReset => vec![ctrl(Key::Num0)],
            Self::FullScreen => vec![key(Key::F11)],
            Self::Present => vec![key(Key::F5)],
            Self::MaximisePane => vec![key(Key::F)],
            Self::NextPane => vec![key(Key::PageDown)],
            Self::PreviousPane => vec![key(Key::PageUp)],
            Self::Laser => vec![shift(Key::L)],
            Self::Spotlight => vec![shift(Key::S)],
            Self::ShowTheory => vec![key(Key::T)],
            Self::ShowCompare => vec![key(Key::C)],
            Self::ShowSweep => vec![key(Key::S)],
            Self::ShowMicroscope => vec![key(Key::X)],
            Self::StageOn => vec![key(Key::CloseBracket)],
            Self::StageBack => vec![key(Key::OpenBracket)],
            Self::Unpin => vec![key(Key::Escape)],
            Self::Quit => vec![ctrl(Key::Q)],
            // While a lesson is open, some of these have keys: see `shortcuts_in`.
            Self::RemoveVariant
            | Self::NextPage
            | Self::PreviousPage
            | Self::CloseLesson
            | Self::BringBack
            | Self::EngineAuto
            | Self::EngineCpu
            | Self::EngineGpu
            | Self::Messages
            | Self::SaveWithView
            | Self::CopyPicture
            | Self::ToggleHints
            | Self::SaveSweep
            | Self::CompareRecordings
            | Self::HowRead
            | Self::ResetLayout => vec![],
        }
    }

    /// Its keys, which may depend on whether a `lesson` is open: then Space, the arrow keys, Home and End turn and scroll its pages and no
    /// longer move through time.
    #[must_use]
    pub fn shortcuts_in(self, lesson: bool) -> Vec<KeyboardShortcut> {
        match self {
            Self::TogglePlay if lesson => vec![key(Key::K)],
            Self::Step | Self::Back | Self::ToStart | Self::ToEnd if lesson => vec![],
            Self::NextPage if lesson => vec![key(Key::Space), key(Key::ArrowRight)],
            Self::PreviousPage if lesson => vec![key(Key::ArrowLeft)],
            _ => self.shortcuts(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use strum::IntoEnumIterator as _;

    #[test]
    fn no_two_actions_share_a_key() {
        for (mac, lesson) in [(false, false), (true, false), (false, true), (true, true)] {
            let mut taken: HashMap<String, Action> = HashMap::new();
            for action in Action::iter() {
                for shortcut in action.shortcuts_in(lesson) {
                    let names = eframe::egui::ModifierNames::NAMES;
                    let written = shortcut.format(&names, mac);
                    let other = taken.insert(written.clone(), action);
                    assert!(other.is_none(), "{written} is both {other:?} and {action:?}");
                }
            }
        }
    }
}
