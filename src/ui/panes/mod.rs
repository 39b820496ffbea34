//! The panes: a file per pane. Each draws the newest snapshot and reports what the pointer is on.

pub mod assignment;
pub mod bias;
pub mod compare;
pub mod compared;
pub mod expert_curves;
pub mod frame;
mod header;
pub mod inspector;
pub mod load;
pub mod load_curves;
pub mod load_history;
mod look;
pub mod microscope;
pub mod sweep;
pub mod task_loss;
pub mod theory;
pub mod time_plot;
pub mod violation;

pub use look::Look;

use crate::ui::kit::theme::Theme;
use crate::ui::link::Link;
use eframe::egui::Ui;
use moebias_files::view::PaneKind;
use moebias_lab::Lab;

/// Room for numbers on the left of every picture and plot, points, so that they stand above each other.
pub const AXIS: f32 = 46.0;

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
    /// Modes and switches at the right of the header, laid out right to left.
    fn tools(&mut self, _ui: &mut Ui, _cx: &mut PaneContext<'_>) {}
    /// What the `?` says: what is shown, how to read it, where it comes from.
    fn help(&self) -> &'static str;
    /// The content, in all the room there is.
    fn ui(&mut self, ui: &mut Ui, cx: &mut PaneContext<'_>);
}

/// "Name · " of the variant shown, where there are several.
fn of_variant(cx: &PaneContext<'_>) -> String {
    let variants = &cx.lab.settings().variants;
    let shown = variants.get(cx.link.variant).filter(|_| variants.len() > 1);
    shown.map(|v| format!("{} · ", v.name)).unwrap_or_default()
}

/// "step 29 · ": the step whose loads, figures and pictures every pane shows, the last one routed.
fn of_step(cx: &PaneContext<'_>) -> String {
    let step = |n: u64| format!("step {} · ", crate::ui::kit::widgets::slider::figure(n as f64, true));
    cx.lab.snapshot().shown_step().map_or_else(|| "nothing routed yet · ".into(), step)
}

/// What a pane says before the first step: what will be there once there is one.
fn nothing_yet(ui: &Ui, theme: &Theme, what: &str) {
    frame::message(ui, theme, &format!("Nothing has been routed yet.\nPress K to play: {what}"));
}

/// What goes upwards beside a frame, left of the numbers of its axis.
fn upright(painter: &eframe::egui::Painter, frame: eframe::egui::Rect, words: &str, colour: eframe::egui::Color32) {
    let font = crate::ui::kit::style::text(crate::ui::kit::style::TINY);
    let galley = painter.layout_no_wrap(words.to_owned(), font, colour);
    let middle = eframe::egui::pos2(frame.left() - 39.0, frame.center().y);
    let corner = middle + eframe::egui::vec2(-galley.size().y / 2.0, galley.size().x / 2.0);
    let turned = eframe::egui::epaint::TextShape::new(corner, galley, colour);
    painter.add(turned.with_angle(-std::f32::consts::FRAC_PI_2));
}

/// What a picture is called by a screen reader: its pane's name and what exactly is shown.
fn describe(response: &eframe::egui::Response, pane: &dyn Pane, cx: &PaneContext<'_>) {
    let name = format!("{}: {}", pane.kind().name(), pane.subtitle(cx));
    response.widget_info(|| eframe::egui::WidgetInfo::labeled(eframe::egui::Role::Image, true, &name));
}
