//! The panes: a file per pane. Each draws the newest snapshot and reports what the pointer is on.

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
    /// What it shows is remembered.
    pub bias: bias::Bias,
    violation: violation::Violation,
    inspector: inspector::Inspector,
    theory: theory::TheoryPane,
    task_loss: task_loss::TaskLoss,
    compare: compare::Compare,
    sweep: sweep::SweepPane,
    layers: layers::LayersPane,
    text: text::TextPane,
    /// Also turned by keys.
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
    /// The lab; its snapshot is this frame's.
    pub lab: &'a mut Lab,
    /// Hover and pin.
    pub link: &'a mut Link,
    /// Colours.
    pub theme: &'static Theme,
}

/// A pane. The header (title, subtitle, tools, maximise) is drawn by the app.
pub trait Pane {
    /// Which it is; its name stands bold in the header.
    fn kind(&self) -> PaneKind;
    /// Dim one-liner that says exactly what is shown.
    fn subtitle(&self, cx: &PaneContext<'_>) -> String;
    /// The one variant of several that it shows: its name comes first in the header, and is the last thing there to go.
    fn whose(&self, _cx: &PaneContext<'_>) -> Option<usize> {
        None
    }
    /// Modes and switches at the right of the header, laid out right to left.
    fn tools(&mut self, _ui: &mut Ui, _cx: &mut PaneContext<'_>) {}
    /// What the `?` says: what is shown, how to read it, where it comes from.
    fn help(&self) -> &'static str;
    /// The content, in all the room there is.
    fn ui(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>);
}
