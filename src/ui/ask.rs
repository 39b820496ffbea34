//! What the parts of the window ask the app to do. Asks are collected while a frame is drawn and done after it.

use crate::ui::actions::Action;
use crate::ui::panes::shared::frame::Export;
use moebias_files::view::PaneKind;
use moebias_lab::command::Command;
use moebias_model::config::Rule;
use moebias_model::diagnose::Finding;
use moebias_model::presets::Preset;
use std::path::PathBuf;

/// Something that was asked for in this frame.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// An action.
    Do(Action),
    /// Open this file.
    Open(PathBuf),
    /// Open a scenario that ships with Moebias.
    OpenShipped(&'static str),
    /// Set the router and the balancer as those of a published model, in every variant.
    Preset(Preset),
    /// Fork this variant: copy it with its present state. The settings panel then applies to the copy alone.
    Fork(usize),
    /// Bring a pane to the front.
    Reveal(PaneKind),
    /// Open the dialog that renames this variant.
    Rename(usize),
    /// Maximise a pane, or restore it.
    Maximise(PaneKind),
    /// Bring up the pane that shows this finding of this variant.
    ShowFinding(usize, Finding),
    /// Copy, save or film a pane.
    Export(PaneKind, Export),
    /// Do something in the open lesson, or open one.
    Lesson(moebias_lab::command::LessonDo),
    /// Send a command to the lab, for example to change a setting by name.
    Send(Command),
    /// Choose a rule, with a suitable step size, for the variants that the settings panel applies to.
    Rule(Rule),
    /// Set the zoom.
    Zoom(f32),
}
