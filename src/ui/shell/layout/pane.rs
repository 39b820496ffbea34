//! Draws one pane, and collects what is to be made of it.

use super::Exports;
use crate::ui::panes::shared::frame::{self, Header};
use crate::ui::panes::{PaneContext, Panes};
use eframe::egui::Ui;
use moebias_files::view::PaneKind;

/// What panes are drawn with, and what is to be made of them.
pub(super) struct Drawing<'a, 'b> {
    pub(super) panes: &'a mut Panes,
    pub(super) cx: &'a mut PaneContext<'b>,
    pub(super) exports: &'a mut Exports,
}

impl Drawing<'_, '_> {
    /// Draws a pane with its header in all of `ui`.
    pub(super) fn pane(&mut self, ui: &mut Ui, kind: PaneKind, maximised: bool) -> Header {
        let header = frame::show(ui, self.panes.get(kind), self.cx, maximised);
        self.exports.extend(header.export.map(|e| (kind, e)));
        header
    }
}
