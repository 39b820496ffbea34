//! The panes: a file per pane. Each draws the newest snapshot and reports what the pointer is on.

pub mod frame;

use super::link::Link;
use super::theme::Theme;
use crate::lab::Lab;
use eframe::egui::Ui;
use serde::{Deserialize, Serialize};

/// Every pane there is. Stored in the layout, so names are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::EnumIter)]
pub enum PaneKind {
    /// Tokens × experts.
    Assignment,
    /// Load per expert, now.
    Load,
    /// Load over time, experts × steps.
    LoadHistory,
    /// Load curves.
    LoadCurves,
    /// Bias curves.
    Bias,
    /// MaxVio over time.
    Violation,
    /// The token or expert under the pointer, in figures.
    Inspector,
}

/// What a pane draws from and reports to.
pub struct PaneContext<'a> {
    /// The lab; its snapshot is this frame's.
    pub lab: &'a mut Lab,
    /// Hover and pin.
    pub link: &'a mut Link,
    /// Colours.
    pub theme: &'static Theme,
}

/// A pane. The header (title, subtitle, tools, maximise) is drawn by the app.
pub trait Pane {
    /// Bold name in the header.
    fn title(&self) -> &'static str;
    /// Dim one-liner that says exactly what is shown.
    fn subtitle(&self, cx: &PaneContext<'_>) -> String;
    /// Modes and switches at the right of the header, laid out right to left.
    fn tools(&mut self, _ui: &mut Ui, _cx: &mut PaneContext<'_>) {}
    /// What the `?` says: what is shown, how to read it, where it comes from.
    fn help(&self) -> &'static str;
    /// The content, in all the room there is.
    fn ui(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>);
}
