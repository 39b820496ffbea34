//! What every pane has: its ground, and a header with the bold name, what exactly is shown, its modes, help and maximise.

use super::super::focus;
use super::super::glossary::explain;
use super::super::style::{SMALL, icon, semibold, text};
use super::super::theme::{GAP, HEADER, PADDING, PANE_RADIUS, Theme};
use super::{Pane, PaneContext};
use eframe::egui::text::LayoutJob;
use eframe::egui::{
    self, Align, Button, CornerRadius, Layout, Rect, Sense, Shape, Stroke, StrokeKind, Ui, UiBuilder, epaint::Mesh,
    vec2,
};
use egui_material_icons::icons::{ICON_CLOSE_FULLSCREEN, ICON_HELP, ICON_IOS_SHARE, ICON_OPEN_IN_FULL};
use strum::IntoEnumIterator as _;

/// Room for the buttons that every header has, points.
const BUTTONS: f32 = 58.0;
/// A pane's own tools need at least so much, points.
const TOOLS: f32 = 124.0;

/// What a person did with a pane's header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Began to drag the pane by its header.
    pub drag_started: bool,
    /// Wants it to fill the window, or to have its place back.
    pub toggle_maximised: bool,
    /// Wants it as a file or in the clipboard.
    pub export: Option<Export>,
}

/// What a pane can be made into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::EnumIter)]
pub enum Export {
    /// A picture in the clipboard.
    Copy,
    /// A PNG file.
    Picture,
    /// An SVG file.
    Svg,
    /// A film of it.
    Film,
}

impl Export {
    /// Its name in menus.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Copy => "Copy picture",
            Self::Picture => "Save picture…",
            Self::Svg => "Save as SVG…",
            Self::Film => "Film…",
        }
    }
}

/// Draws a pane with its header in all the room there is.
pub fn show(ui: &mut Ui, pane: &mut dyn Pane, cx: &mut PaneContext<'_>, maximised: bool) -> Header {
    let theme = cx.theme;
    let rect = ui.max_rect();
    focus::region(ui, focus::Region::Panes);
    // The ground is there already: see `ground`.
    let radius = CornerRadius::same(PANE_RADIUS);
    if !cx.link.bare {
        ui.painter().rect_stroke(rect, radius, Stroke::new(1.0, theme.line), StrokeKind::Inside);
    }
    let inner = rect.shrink(PADDING);
    let bar = Rect::from_min_size(inner.min - vec2(0.0, 4.0), vec2(inner.width(), HEADER));
    let mut done = Header::default();

    // The bar is there to drag the pane by; what stands on it is drawn after and so comes first under the pointer.
    // Keys maximise a pane by the button there, so Tab passes the bar by.
    let handle = ui.interact(bar, ui.scope_id().with("header"), Sense::CLICK | Sense::DRAG);
    done.drag_started = handle.drag_started();
    done.toggle_maximised = handle.double_clicked();

    let mut name = LayoutJob::simple_singleline(pane.kind().name().to_owned(), semibold(13.0), theme.text);
    name.wrap = egui::text::TextWrapping::truncate_at_width((bar.width() - BUTTONS).max(0.0));
    let name = ui.painter().layout_job(name);
    let width = name.size().x;
    // Tools have what the name leaves.
    let right = bar.with_min_x((bar.left() + width + 8.0).min(bar.right()));
    let mut tools = ui.new_child(UiBuilder::new().max_rect(right).layout(Layout::right_to_left(Align::Center)));
    tools.spacing_mut().item_spacing.x = 2.0;
    tools.spacing_mut().interact_size.y = 22.0;
    // Before an audience the subtitle has the room of tools that nobody points at.
    let hidden = cx.link.bare || cx.link.calm && !ui.rect_contains_pointer(rect);
    if hidden {
        tools.set_invisible();
    }
    let (symbol, verb) = if maximised { (ICON_CLOSE_FULLSCREEN, "Restore") } else { (ICON_OPEN_IN_FULL, "Maximise") };
    let label = format!("{verb} {}", pane.kind().name());
    done.toggle_maximised |= quiet(&mut tools, symbol, &label, theme).on_hover_text(&label).clicked();
    let label = format!("About {}", pane.kind().name());
    let help = quiet(&mut tools, ICON_HELP, &label, theme);
    let text_of_help = pane.help();
    egui::Popup::menu(&help).width(320.0).show(|ui| {
        ui.set_max_width(320.0);
        ui.label(egui::RichText::new(pane.kind().name()).font(semibold(13.0)));
        ui.label(text_of_help);
    });
    help.on_hover_text(text_of_help);
    let label = format!("Export {}", pane.kind().name());
    let more = quiet(&mut tools, ICON_IOS_SHARE, &label, theme);
    egui::Popup::menu(&more).show(|ui| {
        ui.set_width(170.0);
        for export in Export::iter() {
            let button = Button::new(export.name()).fill(egui::Color32::TRANSPARENT).min_size(vec2(170.0, 26.0));
            if ui.add(button).clicked() {
                done.export = Some(export);
            }
        }
    });
    more.on_hover_text("Copy, save or film this pane");
    tools.add_space(4.0);
    tools.spacing_mut().item_spacing.x = 4.0;
    if tools.available_width() > TOOLS {
        pane.tools(&mut tools, cx);
    }
    let free = if hidden { bar.right() } else { tools.min_rect().left() - 12.0 };
    let room = free - bar.left();

    let baseline = bar.center().y;
    let written = Rect::from_min_size(egui::pos2(bar.left(), baseline - name.size().y / 2.0), name.size());
    explain(ui.interact(written, ui.scope_id().with("name"), Sense::hover()), pane.kind().name(), "");
    ui.painter().galley(written.min, name, theme.text);
    let left = room - width - 8.0;
    if left > 24.0 {
        let mut job = LayoutJob::simple_singleline(pane.subtitle(cx), text(SMALL), theme.dim);
        job.wrap = egui::text::TextWrapping::truncate_at_width(left);
        let galley = ui.painter().layout_job(job);
        let at = egui::pos2(bar.left() + width + 8.0, baseline - galley.size().y / 2.0 + 0.5);
        ui.painter().galley(at, galley, theme.dim);
    }

    let body = Rect::from_min_max(egui::pos2(inner.left(), bar.bottom() + 4.0), inner.max);
    if body.is_positive() {
        let mut content = ui.new_child(UiBuilder::new().max_rect(body).id_salt("content"));
        content.set_clip_rect(body.expand(4.0).intersect(ui.clip_rect()));
        pane.ui(&mut content, cx);
    }
    done
}

/// What lies between the panes, and round panes with tabs, in the window's colour. The frame buffer is cleared to the panes' colour, so that most pixels are
/// painted once: a software rasteriser feels every layer over the whole window.
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
            // A fan from the corner over the arc that rounds it.
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

/// Words in the middle of a pane, where there is nothing to draw; in several lines where it is narrow.
pub fn message(ui: &Ui, theme: &Theme, words: &str) {
    let (rect, painter) = (ui.max_rect(), ui.painter());
    let mut job = LayoutJob::simple(words.to_owned(), text(12.0), theme.dim, rect.width() - 20.0);
    job.halign = Align::Center;
    let galley = painter.layout_job(job);
    painter.galley(rect.center() - vec2(0.0, galley.size().y / 2.0), galley, theme.dim);
}

/// A small button without a frame, for headers.
fn quiet(ui: &mut Ui, symbol: egui_material_icons::MaterialIcon, name: &str, theme: &Theme) -> egui::Response {
    let button = Button::new(icon(symbol, 13.0).color(theme.faint)).frame(false).min_size(vec2(20.0, 20.0));
    let response = ui.add(button);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, name));
    response
}

/// One of several modes in a header, as a chip. True if it was clicked.
pub fn mode(ui: &mut Ui, theme: &Theme, name: &str, on: bool, tip: &str) -> bool {
    let colour = if on { theme.text } else { theme.dim };
    let fill = if on { theme.chip } else { egui::Color32::TRANSPARENT };
    let text = egui::RichText::new(name).font(text(SMALL)).color(colour);
    let button =
        Button::new(text).fill(fill).corner_radius(CornerRadius::same(5)).min_size(vec2(0.0, 22.0)).selected(false);
    let response = ui.add(button).on_hover_text(tip);
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, on, name));
    response.clicked()
}
