//! The frame of every pane: background, header and body.

use super::header;
use crate::ui::kit::focus;
use crate::ui::kit::style::text;
use crate::ui::kit::theme::{GAP, PADDING, PANE_RADIUS, Theme};
use crate::ui::panes::{Pane, PaneContext};
use eframe::egui::text::LayoutJob;
use eframe::egui::{self, Align, CornerRadius, Rect, Shape, Stroke, StrokeKind, Ui, UiBuilder, epaint::Mesh, vec2};

pub use super::header::{Export, Header};
pub use super::mode::{mode, mode_called};

/// Draws a pane with its header in all the available space. Returns what was done with the header.
pub fn show(ui: &mut Ui, pane: &mut dyn Pane, cx: &mut PaneContext<'_>, maximised: bool) -> Header {
    let theme = cx.theme;
    let rect = ui.max_rect();
    focus::region(ui, focus::Region::Panes);
    // The background has been drawn already: see `ground`.
    let radius = CornerRadius::same(PANE_RADIUS);
    if !cx.link.bare {
        ui.painter().rect_stroke(rect, radius, Stroke::new(1.0, theme.line), StrokeKind::Inside);
    }
    let bar = header::bar_of(rect);
    let done = header::show(ui, pane, cx, (rect, bar), maximised);

    let body = Rect::from_min_max(egui::pos2(bar.left(), bar.bottom() + 4.0), rect.shrink(PADDING).max);
    if body.is_positive() {
        let mut content = ui.new_child(UiBuilder::new().max_rect(body).id_salt("content"));
        content.set_clip_rect(body.expand(4.0).intersect(ui.clip_rect()));
        cx.link.maximised = maximised;
        pane.ui(&mut content, cx);
        header::keep_coarseness(ui, pane.kind());
    }
    done
}

/// A mesh in the colour of the window that fills the gaps around the panes; the corners of `panes` are rounded, those of `tabbed` (panes
/// with tabs) are not. The frame buffer is cleared to the panes' colour, so most pixels are painted only once: for a software rasteriser
/// every layer over the whole window is expensive.
pub fn ground(theme: &Theme, panes: &[Rect], tabbed: &[Rect]) -> Shape {
    let mut mesh = Mesh::default();
    for pane in panes.iter().chain(tabbed) {
        let outer = pane.expand(GAP);
        let strips = [
            outer.with_max_y(pane.top()),
            outer.with_min_y(pane.bottom()),
            Rect::from_x_y_ranges(outer.left()..=pane.left(), pane.y_range()),
            Rect::from_x_y_ranges(pane.right()..=outer.right(), pane.y_range()),
        ];
        strips.iter().for_each(|strip| mesh.add_colored_rect(*strip, theme.window));
    }
    for pane in panes {
        let r = f32::from(PANE_RADIUS);
        let corners = [
            (pane.left_top(), vec2(1.0, 1.0)),
            (pane.right_top(), vec2(-1.0, 1.0)),
            (pane.right_bottom(), vec2(-1.0, -1.0)),
            (pane.left_bottom(), vec2(1.0, -1.0)),
        ];
        for (corner, inwards) in corners {
            // A triangle fan from the corner to the arc that rounds it.
            let first = mesh.vertices.len() as u32;
            mesh.colored_vertex(corner, theme.window);
            for i in 0..=6 {
                let angle = i as f32 / 6.0 * std::f32::consts::FRAC_PI_2;
                mesh.colored_vertex(
                    corner + inwards * r * (vec2(1.0, 1.0) - vec2(angle.cos(), angle.sin())),
                    theme.window,
                );
            }
            (1..=6).for_each(|i| mesh.add_triangle(first, first + i, first + i + 1));
        }
    }
    Shape::mesh(mesh)
}

/// A message in the middle of a pane that has nothing to draw. It is wrapped in narrow panes.
pub fn message(ui: &Ui, theme: &Theme, words: &str) {
    let (rect, painter) = (ui.max_rect(), ui.painter());
    let mut job = LayoutJob::simple(words.to_owned(), text(12.0), theme.dim, rect.width() - 20.0);
    job.halign = Align::Center;
    let galley = painter.layout_job(job);
    painter.galley(rect.center() - vec2(0.0, galley.size().y / 2.0), galley, theme.dim);
}
