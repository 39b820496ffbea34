//! How egui_tiles draws the tree: sizes, colours, tabs and the panes themselves.

use super::fit::{self, TABS};
use super::pane::Drawing;
use super::tabs;
use crate::ui::kit::focus;
use crate::ui::kit::style::{SMALL, text};
use crate::ui::kit::theme::{GAP, Theme};
use eframe::egui::{Color32, Id, Rect, Response, RichText, Sense, Stroke, Style, Ui, Visuals, WidgetText, vec2};
use egui_tiles::{Behavior, ResizeState, SimplificationOptions, TabState, Tabs, Tile, TileId, Tiles, UiResponse};
use moebias_files::view::PaneKind;
use std::collections::HashMap;

/// Draws the panes of a tree.
pub(super) struct Places<'a, 'b, 'c> {
    pub(super) with: &'a mut Drawing<'b, 'c>,
    /// Where each pane was drawn.
    pub(super) rects: &'a mut HashMap<PaneKind, Rect>,
    /// The pane that is to be maximised.
    pub(super) maximise: Option<PaneKind>,
}

impl Behavior<PaneKind> for Places<'_, '_, '_> {
    fn pane_ui(&mut self, ui: &mut Ui, _: TileId, kind: &mut PaneKind) -> UiResponse {
        self.rects.insert(*kind, ui.max_rect());
        let header = self.with.pane(ui, *kind, false);
        if header.toggle_maximised {
            self.maximise = Some(*kind);
        }
        if header.drag_started { UiResponse::DragStarted } else { UiResponse::None }
    }

    fn tab_title_for_pane(&mut self, kind: &PaneKind) -> WidgetText {
        RichText::new(kind.name()).font(text(SMALL)).into()
    }

    fn is_tab_bar_visible(&self, _: TileId, tabs: &Tabs) -> bool {
        tabs.children.len() > 1
    }

    fn simplification_options(&self) -> SimplificationOptions {
        SimplificationOptions { all_panes_must_have_tabs: false, ..SimplificationOptions::default() }
    }

    fn gap_width(&self, _: &Style) -> f32 {
        GAP
    }

    fn min_size(&self) -> f32 {
        fit::SMALLEST
    }

    fn tab_bar_height(&self, _: &Style) -> f32 {
        TABS
    }

    fn resize_stroke(&self, _: &Style, state: ResizeState) -> Stroke {
        match state {
            ResizeState::Idle => Stroke::NONE,
            _ => Stroke::new(2.0, self.with.cx.theme.accent),
        }
    }

    fn tab_bar_color(&self, _: &Visuals) -> Color32 {
        self.with.cx.theme.window
    }

    fn tab_bar_hline_stroke(&self, _: &Visuals) -> Stroke {
        Stroke::NONE
    }

    fn tab_ui(&mut self, tiles: &mut Tiles<PaneKind>, ui: &mut Ui, id: Id, tile: TileId, state: &TabState) -> Response {
        let theme: &Theme = self.with.cx.theme;
        let Some(Tile::Pane(kind)) = tiles.get(tile) else {
            return ui.allocate_rect(Rect::NOTHING, Sense::hover());
        };
        let kind = *kind;
        let size = vec2(tabs::width_of(ui, kind), ui.available_height());
        let (_, rect) = ui.allocate_space(size);
        let response = ui.interact(rect, id, Sense::click_and_drag());
        focus::tab(ui, id);
        tabs::draw(ui, theme, kind, state.active, &response);
        self.on_tab_button(tiles, tile, response)
    }

    fn drag_preview_stroke(&self, _: &Visuals) -> Stroke {
        Stroke::new(1.5, self.with.cx.theme.accent)
    }

    fn drag_preview_color(&self, _: &Visuals) -> Color32 {
        self.with.cx.theme.accent.gamma_multiply(0.15)
    }
}
