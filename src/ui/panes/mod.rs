//! The panes, a file or folder per pane. Each draws the newest snapshot and reports what the pointer is on.

pub mod assignment;
pub mod bias;
pub mod compare;
pub mod inspector;
pub mod layers;
pub mod load;
pub mod load_curves;
pub mod load_history;
pub mod microscope;
pub mod shared;
pub mod sweep;
pub mod task_loss;
pub mod text;
pub mod theory;
pub mod violation;

pub use shared::Look;

use crate::ui::kit::theme::Theme;
use crate::ui::link::Link;
use eframe::egui::Ui;
use moebias_files::view::PaneKind;
use moebias_lab::Lab;

/// One of each pane.
#[derive(Default)]
pub struct Panes {
    assignment: assignment::Assignment,
    load: load::Load,
    load_history: load_history::LoadHistory,
    load_curves: load_curves::LoadCurves,
    /// Public because its settings are remembered from session to session.
    pub bias: bias::Bias,
    violation: violation::Violation,
    inspector: inspector::Inspector,
    theory: theory::TheoryPane,
    task_loss: task_loss::TaskLoss,
    compare: compare::Compare,
    sweep: sweep::SweepPane,
    layers: layers::LayersPane,
    text: text::TextPane,
    /// Public because keys also move between its stages.
    pub microscope: microscope::MicroscopePane,
}

impl Panes {
    /// The pane of this kind.
    pub fn get(&mut self, kind: PaneKind) -> &mut dyn Pane {
        match kind {
            PaneKind::Assignment => &mut self.assignment,
            PaneKind::Load => &mut self.load,
            PaneKind::LoadHistory => &mut self.load_history,
            PaneKind::LoadCurves => &mut self.load_curves,
            PaneKind::Bias => &mut self.bias,
            PaneKind::Violation => &mut self.violation,
            PaneKind::Inspector => &mut self.inspector,
            PaneKind::Theory => &mut self.theory,
            PaneKind::TaskLoss => &mut self.task_loss,
            PaneKind::Compare => &mut self.compare,
            PaneKind::Sweep => &mut self.sweep,
            PaneKind::Layers => &mut self.layers,
            PaneKind::Text => &mut self.text,
            PaneKind::Microscope => &mut self.microscope,
        }
    }
}

/// What a pane draws from and reports to.
pub struct PaneContext<'a> {
    /// The lab, with the snapshot of this frame.
    pub lab: &'a mut Lab,
    /// What is hovered and pinned.
    pub link: &'a mut Link,
    /// The colours of the theme.
    pub theme: &'static Theme,
}

/// A pane. The header (title, subtitle, tools, maximise) is drawn by the app.
pub trait Pane {
    /// The kind of pane; its name stands in bold in the header.
    fn kind(&self) -> PaneKind;
    /// The dim line in the header that says exactly what is shown.
    fn subtitle(&self, cx: &PaneContext<'_>) -> String;
    /// The variant that the pane shows, if there are several. Its name comes first in the header, and is the last thing left out of it.
    fn whose(&self, _cx: &PaneContext<'_>) -> Option<usize> {
        None
    }
    /// Draws the modes and switches at the right of the header, from right to left.
    fn tools(&mut self, _ui: &mut Ui, _cx: &mut PaneContext<'_>) {}
    /// The text behind the `?`: what is shown, how to read it, and where it comes from.
    fn help(&self) -> &'static str;
    /// Draws the content in all the available space.
    fn ui(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>);
}
