//! Everything that covers the panes: overlays, the palette, and the dialogs for paths and names; and the run that is paused behind an overlay.

use crate::ui::actions::Action;
use crate::ui::ask::Ask;
use crate::ui::help::findings;
use crate::ui::help::glossary::{self, Glossary};
use crate::ui::help::lesson;
use crate::ui::kit::theme::Theme;
use crate::ui::shell::files::{Dialog, Outcome, Purpose, Texts};
use crate::ui::shell::importing::Importing;
use crate::ui::shell::notices::{self, Seen};
use crate::ui::shell::palette::{self, Palette};
use crate::ui::shell::rename::Renaming;
use crate::ui::shell::shortcuts;
use crate::ui::shell::welcome::{Around, Welcome};
use eframe::egui::{Context, PointerState, Ui};
use moebias_engine::start::RunId;
use moebias_lab::Lab;
use moebias_lab::command::Command;
use std::path::PathBuf;

/// A large panel over the panes. At most one is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overlay {
    Welcome,
    Messages,
    Glossary,
    Findings,
    Shortcuts,
    Lessons,
}

/// The run that starts to play when the overlay closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    /// The window opened with the welcome: the run that is open when it closes plays, whichever that is.
    Any,
    /// This run was playing when the overlay opened.
    Run(RunId),
}

/// The overlay, the palette and the dialogs that are open, and what they remember.
#[derive(Default)]
pub(super) struct Overlays {
    open: Option<Overlay>,
    palette: Option<Palette>,
    dialog: Option<Dialog>,
    renaming: Option<Renaming>,
    importing: Importing,
    glossary: Glossary,
    welcome: Welcome,
    /// Which messages were seen, and where toasts stand.
    pub(super) seen: Seen,
    /// Whether anything covered the panes in the last frame.
    covered: bool,
    held: Option<Held>,
}

impl Overlays {
    /// Nothing is open but the welcome, if that is wanted.
    pub(super) fn new(welcome: bool) -> Self {
        Self { open: welcome.then_some(Overlay::Welcome), held: welcome.then_some(Held::Any), ..Self::default() }
    }

    /// The overlay that is open.
    pub(super) fn open(&self) -> Option<Overlay> {
        self.open
    }

    /// Whether the palette or a dialog is open, which take the keyboard.
    pub(super) fn is_typed_into(&self) -> bool {
        self.palette.is_some() || self.dialog.is_some() || self.renaming.is_some() || self.importing.is_open()
    }

    /// The palette, if it is open.
    pub(super) fn palette(&self) -> Option<&Palette> {
        self.palette.as_ref()
    }

    /// Opens an overlay, or closes it if it is open.
    fn toggle(&mut self, overlay: Overlay) {
        self.open = if self.open == Some(overlay) { None } else { Some(overlay) };
    }

    /// Closes the overlay.
    pub(super) fn close(&mut self) {
        self.open = None;
    }

    /// Closes the overlay without playing the run behind it.
    pub(super) fn close_and_stay_paused(&mut self) {
        self.open = None;
        self.held = None;
    }

    /// Opens the dialog that asks for a path.
    pub(super) fn ask_path(&mut self, dialog: Dialog) {
        self.dialog = Some(dialog);
    }

    /// Opens the dialog that renames a variant.
    pub(super) fn rename(&mut self, lab: &Lab, variant: usize) {
        self.renaming = Renaming::of(lab, variant);
    }

    /// Opens or closes what an action names. False for an action that concerns no overlay.
    pub(super) fn act(&mut self, action: Action) -> bool {
        match action {
            Action::Palette => self.palette = if self.palette.is_some() { None } else { Some(Palette::default()) },
            Action::Welcome => {
                self.welcome.open();
                self.toggle(Overlay::Welcome);
            }
            Action::Glossary => {
                self.glossary = Glossary::default();
                self.toggle(Overlay::Glossary);
            }
            Action::Lessons => self.toggle(Overlay::Lessons),
            Action::Messages => self.toggle(Overlay::Messages),
            Action::Findings => self.toggle(Overlay::Findings),
            Action::Shortcuts => self.toggle(Overlay::Shortcuts),
            _ => return false,
        }
        true
    }

    /// egui keeps a tooltip while the pointer rests on its widget, even under a dialog that has just opened. So the pointer counts as gone
    /// until it moves again. `covered` is whether anything covers the panes now.
    pub(super) fn hide_tooltips(&mut self, ctx: &Context, covered: bool) {
        if covered && !self.covered {
            ctx.input_mut(|i| i.pointer = PointerState::default());
        }
        self.covered = covered;
    }

    /// Pauses the run while an overlay is open, and plays it once the overlay is closed. Where a lesson was opened meanwhile, the lesson
    /// decides whether its run plays.
    pub(super) fn hold(&mut self, lab: &mut Lab) {
        if self.open.is_some() {
            if self.held.is_none() && lab.snapshot().playing {
                self.held = Some(Held::Run(lab.run()));
                lab.send(Command::Pause);
            }
            return;
        }
        let in_lesson = lab.lesson().is_some();
        let begins = self.dialog.is_none() || in_lesson;
        if let Some(held) = self.held.take_if(|_| begins)
            && (!in_lesson || held == Held::Run(lab.run()))
        {
            lab.send(Command::Play);
        }
    }

    /// Draws the overlay that is open.
    pub(super) fn show(
        &mut self,
        ui: &mut Ui,
        lab: &mut Lab,
        recent: &[PathBuf],
        asks: &mut Vec<Ask>,
        theme: &'static Theme,
    ) {
        let stays = match self.open {
            // The offer to restore an unfinished run comes first, and nothing covers it.
            Some(Overlay::Welcome) if lab.unfinished().is_some() => true,
            Some(Overlay::Welcome) => {
                let (running, begun) = (lab.document().title.as_str(), lab.snapshot().step > 0);
                self.welcome.show(ui, &Around { running, begun, shelf: lab.shelf(), recent }, asks, theme)
            }
            Some(Overlay::Messages) => notices::list(ui, &mut self.seen, lab, theme),
            Some(Overlay::Findings) => findings::list(ui, lab, asks, theme),
            Some(Overlay::Glossary) => glossary::show(ui, &mut self.glossary, theme),
            Some(Overlay::Shortcuts) => shortcuts::show(ui, lab.lesson().is_some(), asks, theme),
            Some(Overlay::Lessons) => lesson::contents::show(ui, lab.shelf(), asks, theme),
            None => false,
        };
        if !stays {
            self.open = None;
        }
    }

    /// Draws the palette, if it is open.
    pub(super) fn show_palette(
        &mut self,
        ui: &mut Ui,
        sources: &palette::Sources<'_>,
        asks: &mut Vec<Ask>,
        theme: &Theme,
    ) {
        if let Some(palette) = &mut self.palette
            && !palette::show(ui, palette, sources, asks, theme)
        {
            self.palette = None;
        }
    }

    /// Draws the dialog that asks for a path, if it is open. Returns the path once it is chosen; a title and summary typed with it are sent
    /// to the lab.
    pub(super) fn show_dialog(
        &mut self,
        ui: &mut Ui,
        lab: &mut Lab,
        recent: &[PathBuf],
        theme: &Theme,
    ) -> Option<(Purpose, PathBuf)> {
        let outcome = self.dialog.as_mut()?.show(ui, recent, theme);
        if matches!(outcome, Outcome::Open) {
            return None;
        }
        self.dialog = None;
        let Outcome::Chosen(purpose, path, texts) = outcome else { return None };
        if let Some(Texts { title, summary }) = texts {
            lab.send(Command::Describe { title, summary });
        }
        Some((purpose, path))
    }

    /// Draws the dialog that renames a variant, if it is open.
    pub(super) fn show_renaming(&mut self, ui: &mut Ui, lab: &mut Lab, theme: &Theme) {
        if self.renaming.as_mut().is_some_and(|r| !r.show(ui, lab, theme)) {
            self.renaming = None;
        }
    }

    /// Opens the dialog that says how the recording is read.
    pub(super) fn ask_how_read(&mut self, lab: &Lab) {
        self.importing.open(lab);
    }

    /// Draws that dialog, if it is open. Where `offers`, it opens by itself after a recording was opened that could mean something else.
    pub(super) fn show_importing(&mut self, ui: &mut Ui, lab: &mut Lab, offers: bool, theme: &'static Theme) {
        if offers {
            self.importing.follow(lab);
        }
        self.importing.show(ui, lab, theme);
    }
}
