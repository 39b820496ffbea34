//! Pointer input on the heatmap: zooming, panning, pointing and pinning.

use super::decor::Grid;
use super::window::{Window, extent};
use super::{Assignment, card};
use crate::ui::panes::PaneContext;
use eframe::egui::{self, Ui};
use moebias_engine::view::{Picture, Rows};
use std::sync::Arc;

impl Assignment {
    pub(super) fn interact(
        &mut self,
        ui: &Ui,
        response: &egui::Response,
        cx: &mut PaneContext<'_>,
        picture: &Arc<Picture>,
        cells: &Grid,
    ) {
        let window = cells.window;
        if response.double_clicked() {
            self.window = None;
            return;
        }
        if response.dragged() && self.window.is_some() {
            let moved = response.drag_delta() / cells.size();
            let shift = |(a, b): (f64, f64), by: f32| (a - f64::from(by), b - f64::from(by));
            self.window = Some(Window { rows: shift(window.rows, moved.y), experts: shift(window.experts, moved.x) });
        }
        let Some(pointer) = response.hover_pos().filter(|p| cells.frame.contains(*p)) else { return };
        let at = cells.cell(pointer);
        let (scroll, zoom) = ui.input(|i| (i.smooth_scroll_delta(), f64::from(i.zoom_delta())));
        let factor = |scroll: f32| zoom * f64::from((scroll * 0.005).exp());
        // The tokens of a live batch are so many more than the experts that both are not zoomed at once.
        let live = picture.request.rows == Rows::Batch;
        let factors = if live { [factor(scroll.x), factor(scroll.y)] } else { [factor(scroll.y); 2] };
        let all = Window::whole(extent(picture), picture.experts);
        if factors.iter().any(|f| (f - 1.0).abs() > 1e-4) {
            let next = window.zoomed(factors, at).inside(extent(picture), picture.experts);
            self.window = (next != all).then_some(next);
        }
        let expert = (at.0.max(0.0) as usize).min(picture.experts - 1);
        let row = ((at.1 - f64::from(picture.first)) / f64::from(picture.per_row.max(1))).floor();
        let Some(row) = Some(row as usize).filter(|r| row >= 0.0 && *r < picture.rows()) else { return };
        cx.link.hover_expert(expert);
        if let Some(token) = picture.tokens.get(row) {
            cx.link.hover_token(row);
            if response.clicked() {
                let same = cx.link.pinned_token == Some(token.index) && cx.link.pinned_expert == Some(expert);
                cx.link.pinned_token = (!same).then_some(token.index);
                cx.link.pinned_expert = (!same).then_some(expert);
            }
        } else if response.clicked() {
            cx.link.toggle_pin(expert);
        }
        if !response.dragged() {
            card::show(ui, cx, picture, row, expert, pointer);
        }
    }
}
