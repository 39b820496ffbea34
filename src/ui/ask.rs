//! What the parts of the window ask the app to do: collected while a frame is drawn, done after it.

use crate::ui::actions::Action;
use crate::ui::panes::shared::frame::Export;
use moebias_files::view::PaneKind;
use moebias_lab::command::Command;
use moebias_model::config::Rule;
use moebias_model::diagnose::Finding;
use moebias_model::presets::Preset;
use std::path::PathBuf;

/// What was asked for in this frame.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// An action of the list.
    Do(Action),
    /// Open this file.
    Open(PathBuf),
    /// Open a scenario that ships with Moebias.
    OpenShipped(&'static str),
    /// Set the router and the balancer as those of a published model, in every variant.
    Preset(Preset),
    /// Make a variant from the present state of this one, and change it alone from now on.
    Fork(usize),
    /// Bring a pane to the front.
    Reveal(PaneKind),
    /// Ask what this variant is to be called.
    Rename(usize),
    /// Give a pane all the room, or its place back.
    Maximise(PaneKind),
    /// Bring up what shows this finding of this variant.
    ShowFinding(usize, Finding),
    /// Copy, save or film a pane.
    Export(PaneKind, Export),
    /// Something in a lesson.
    Lesson(moebias_lab::command::LessonDo),
    /// Something of the experiment, such as a setting by name.
    Send(Command),
    /// Another rule, with a step size of its scale, for what the panel means.
    Rule(Rule),
    /// The size of everything.
    Zoom(f32),
}
