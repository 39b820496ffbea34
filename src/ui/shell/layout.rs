//! Where the panes stand: an egui_tiles tree that can be rearranged, stored and put back.

mod fit;

use crate::ui::kit::style::{SMALL, icon, text};
use crate::ui::kit::theme::{GAP, Theme};
use crate::ui::panes::shared::frame::{self, Export};
use crate::ui::panes::{PaneContext, Panes};
use eframe::egui::{self, Button, Color32, CornerRadius, Rect, Response, Stroke, Ui, WidgetText, pos2, vec2};
use egui_material_icons::icons::ICON_MORE_HORIZ;
use egui_tiles::{
    Behavior, Container, LinearDir, SimplificationOptions, TabState, Tabs, TileId, Tiles, Tree, UiResponse,
};
use fit::{Plan, TABS};
use moebias_files::view::PaneKind;
use moebias_files::view::View;
use std::collections::HashMap;
use strum::IntoEnumIterator as _;

/// What is to be made of which pane.
type Exports = Vec<(PaneKind, Export)>;

/// The panes' places.
pub struct Layout {
    tree: Tree<PaneKind>,
    /// A pane that has all the room.
    maximised: Option<PaneKind>,
    /// Panes that stand alone, one above the other, where there is no room for all.
    alone: Vec<PaneKind>,
    /// So many of them were put there; what was asked for since comes after.
    own: usize,
    /// Where each pane was drawn in the last frame, for pictures of it.
    rects: HashMap<PaneKind, Rect>,
    /// Panes brought to the front of tabs that stand only where there is little room; the newest last.
    front: Vec<PaneKind>,
    /// Where panes stand with a row of tabs that is drawn here, and not by the tree.
    tabbed: Vec<Rect>,
    /// The one pane that came into sight in the last frame, if it was one.
    brought_up: Option<PaneKind>,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            tree: first_tree(),
            maximised: None,
            alone: vec![],
            own: 0,
            rects: HashMap::new(),
            front: vec![],
            tabbed: vec![],
            brought_up: None,
        }
    }
}

/// The arrangement that a new window has.
fn first_tree() -> Tree<PaneKind> {
    let mut tiles = Tiles::default();
    let mut pane = |kind| tiles.insert_pane(kind);
    let (assignment, history, curves) =
        (pane(PaneKind::Assignment), pane(PaneKind::LoadHistory), pane(PaneKind::LoadCurves));
    let (load, inspector) = (pane(PaneKind::Load), pane(PaneKind::Inspector));
    let (bias, violation, task) = (pane(PaneKind::Bias), pane(PaneKind::Violation), pane(PaneKind::TaskLoss));
    let (compare, theory) = (pane(PaneKind::Compare), pane(PaneKind::Theory));
    let (microscope, sweep, layers) = (pane(PaneKind::Microscope), pane(PaneKind::Sweep), pane(PaneKind::Layers));
    let picture = tiles.insert_tab_tile(vec![assignment, microscope, sweep, layers]);
    let below = tiles.insert_tab_tile(vec![history, curves, compare, task, theory]);
    let top = tiles.insert_tab_tile(vec![load, inspector]);
    let left = binary(&mut tiles, LinearDir::Vertical, [picture, below], 0.66);
    let lower = binary(&mut tiles, LinearDir::Vertical, [bias, violation], 0.5);
    let right = binary(&mut tiles, LinearDir::Vertical, [top, lower], 0.36);
    let root = binary(&mut tiles, LinearDir::Horizontal, [left, right], 0.645);
    Tree::new(egui::Id::unique("panes"), root, tiles)
}

/// A stored tree with the panes that there were not yet when it was stored, as tabs beside the sweep.
fn with_new_panes(mut tree: Tree<PaneKind>) -> Tree<PaneKind> {
    if tree.tiles.find_pane(&PaneKind::Layers).is_none()
        && let Some(parent) = tree.tiles.find_pane(&PaneKind::Sweep).and_then(|sweep| tree.tiles.parent_of(sweep))
    {
        let layers = tree.tiles.insert_pane(PaneKind::Layers);
        if let Some(egui_tiles::Tile::Container(container)) = tree.tiles.get_mut(parent) {
            container.add_child(layers);
        }
    }
    tree
}

fn binary(tiles: &mut Tiles<PaneKind>, dir: LinearDir, children: [TileId; 2], share: f32) -> TileId {
    tiles.insert_container(Container::Linear(egui_tiles::Linear::new_binary(dir, children, share)))
}

impl Layout {
    /// From a stored tree; the first arrangement where it does not hold every pane exactly once.
    #[must_use]
    pub fn restored(tree: Option<Tree<PaneKind>>) -> Self {
        let whole = |tree: &Tree<PaneKind>| {
            let shown: Vec<PaneKind> = tree
                .tiles
                .iter()
                .filter(|(id, _)| tree.tiles.is_visible(**id))
                .filter_map(|(_, tile)| if let egui_tiles::Tile::Pane(kind) = tile { Some(*kind) } else { None })
                .collect();
            tree.root().is_some() && PaneKind::iter().all(|k| shown.iter().filter(|s| **s == k).count() == 1)
        };
        match tree.map(with_new_panes) {
            Some(tree) if whole(&tree) => Self { tree, ..Self::default() },
            _ => Self::default(),
        }
    }

    /// As a scenario wants them; where it does not say which panes are open, as they stand in `now`.
    #[must_use]
    pub fn of_view(view: &View, now: &Self) -> Self {
        let maximised = view.maximised;
        if view.columns.is_empty() {
            return Self { tree: now.tree.clone(), maximised, ..Self::default() };
        }
        let mut tiles = Tiles::default();
        let mut columns = vec![];
        for names in &view.columns {
            let panes: Vec<TileId> = names.iter().map(|name| tiles.insert_pane(*name)).collect();
            columns.push(if panes.len() == 1 { panes[0] } else { tiles.insert_vertical_tile(panes) });
        }
        let mut row = egui_tiles::Linear::new(LinearDir::Horizontal, columns.clone());
        for (column, width) in columns.iter().zip(&view.widths) {
            row.shares.set_share(*column, *width);
        }
        let root = if columns.len() == 1 { columns[0] } else { tiles.insert_container(Container::Linear(row)) };
        Self { tree: Tree::new(egui::Id::unique("panes"), root, tiles), maximised, ..Self::default() }
    }

    /// The tree, to store.
    #[must_use]
    pub fn tree(&self) -> &Tree<PaneKind> {
        &self.tree
    }

    /// Gives a pane all the room, or its place back.
    pub fn toggle_maximised(&mut self, kind: PaneKind) {
        self.maximised = if self.maximised == Some(kind) { None } else { Some(kind) };
    }

    /// Gives a maximised pane its place back. True if there was one.
    pub fn restore(&mut self) -> bool {
        self.maximised.take().is_some()
    }

    /// Gives a pane all the room.
    pub fn maximise(&mut self, kind: Option<PaneKind>) {
        self.maximised = kind;
    }

    /// The pane that has all the room.
    #[must_use]
    pub fn maximised(&self) -> Option<PaneKind> {
        self.maximised
    }

    /// The panes in sight in the order of reading; of tabs, the one in front.
    #[must_use]
    pub fn order(&self) -> Vec<PaneKind> {
        if self.is_alone() {
            return self.alone.clone();
        }
        let mut order = vec![];
        let mut stack: Vec<TileId> = self.tree.root().into_iter().collect();
        while let Some(id) = stack.pop() {
            match self.tree.tiles.get(id) {
                Some(egui_tiles::Tile::Pane(kind)) => order.push(*kind),
                // What somebody sees is what they turn the pages of.
                Some(egui_tiles::Tile::Container(Container::Tabs(tabs))) => stack.extend(tabs.active),
                Some(egui_tiles::Tile::Container(c)) => {
                    let children: Vec<TileId> = c.children().copied().collect();
                    stack.extend(children.into_iter().rev());
                }
                None => {}
            }
        }
        order
    }

    /// The panes drawn in the last frame and where; where one has all the room, those that it covers, as they last stood.
    #[must_use]
    pub fn places(&self) -> Vec<(PaneKind, Rect)> {
        if self.is_alone() {
            return self.alone.iter().filter_map(|kind| Some((*kind, self.rect_of(*kind)?))).collect();
        }
        let of = |id: TileId| match self.tree.tiles.get(id) {
            Some(egui_tiles::Tile::Pane(kind)) => Some((*kind, self.tree.tiles.rect(id)?)),
            _ => None,
        };
        self.tree.active_tiles().into_iter().filter_map(of).collect()
    }

    /// The pane that was drawn at a place.
    #[must_use]
    pub fn pane_at(&self, at: egui::Pos2) -> Option<PaneKind> {
        self.rects.iter().find(|(_, rect)| rect.contains(at)).map(|(kind, _)| *kind)
    }

    /// The pane that was brought into sight in the last frame, in the place of another.
    #[must_use]
    pub fn brought_up(&self) -> Option<PaneKind> {
        self.brought_up
    }

    /// Brings a pane to the front of its tabs; one that has no place gets all the room. Where panes stand alone it joins them, in the place
    /// of the last one that joined.
    pub fn reveal(&mut self, kind: PaneKind) {
        if !self.alone.is_empty() {
            if !self.alone.contains(&kind) {
                self.alone.truncate(self.own);
                self.alone.push(kind);
            }
            self.bring(kind);
            return;
        }
        if self.tree.tiles.find_pane(&kind).is_none() {
            self.maximised = Some(kind);
        }
        self.bring(kind);
    }

    fn bring(&mut self, kind: PaneKind) {
        // Where panes stand alone, the tree waits as it is.
        if self.alone.is_empty() {
            self.tree.make_active(|_, tile| matches!(tile, egui_tiles::Tile::Pane(k) if *k == kind));
        }
        self.front.retain(|k| *k != kind);
        self.front.push(kind);
    }

    /// Shows these panes alone, one above the other; all of them again where there are none.
    pub fn alone(&mut self, kinds: &[PaneKind]) {
        if self.alone != kinds {
            self.alone = kinds.to_vec();
        }
        self.own = kinds.len();
    }

    /// Whether some panes stand alone.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        !self.alone.is_empty()
    }

    /// Where a pane was drawn in the last frame.
    #[must_use]
    pub fn rect_of(&self, kind: PaneKind) -> Option<Rect> {
        self.rects.get(&kind).copied()
    }

    /// Draws the panes. What is asked to be made of them is added to `exports`.
    pub fn show(&mut self, ui: &mut Ui, panes: &mut Panes, cx: &mut PaneContext<'_>, exports: &mut Exports) {
        let before = std::mem::take(&mut self.rects);
        self.tabbed.clear();
        let ground = ui.painter().add(egui::Shape::Noop);
        let room = ui.max_rect();
        let whole = self.panes(ui, panes, cx, exports);
        let new: Vec<PaneKind> = self.rects.keys().filter(|k| !before.contains_key(k)).copied().collect();
        let gone = before.keys().filter(|k| !self.rects.contains_key(k)).count();
        self.brought_up = if let ([kind], 1) = (&new[..], gone) { Some(*kind) } else { None };
        let rects: Vec<Rect> = self.rects.values().copied().collect();
        let tiles = &self.tree.tiles;
        let is_tabs = |id: &TileId| matches!(tiles.get_container(*id), Some(Container::Tabs(_)));
        let tabbed = tiles.tile_ids().filter(|id| whole && is_tabs(id));
        let of_tree = tabbed.filter_map(|id| tiles.rect(id));
        let tabbed: Vec<Rect> = of_tree.chain(self.tabbed.iter().copied()).chain((!whole).then_some(room)).collect();
        // A picture of a pane has no gaps round it.
        if !cx.link.bare {
            ui.painter().set(ground, frame::ground(cx.theme, &rects, &tabbed));
        }
    }

    /// Draws the panes. True if the tree was drawn as it is.
    fn panes(&mut self, ui: &mut Ui, panes: &mut Panes, cx: &mut PaneContext<'_>, exports: &mut Exports) -> bool {
        let room = ui.max_rect();
        if let Some(kind) = self.maximised {
            self.rects.insert(kind, room);
            let done = frame::show(ui, panes.get(kind), cx, true);
            if done.toggle_maximised {
                self.maximised = None;
            }
            exports.extend(done.export.map(|e| (kind, e)));
            return false;
        }
        if !self.alone.is_empty() {
            // A picture of tokens and a pane of several plots need more height than a curve.
            let tall = |kind| matches!(kind, PaneKind::Assignment | PaneKind::Theory | PaneKind::Microscope);
            let share = |kind| if tall(kind) { 1.4 } else { 1.0 };
            let parts = self.alone.iter().map(|kind| (Plan::Pane(*kind), share(*kind))).collect();
            let plan = Plan::Line(LinearDir::Vertical, parts).fitted(room.size());
            self.planned(ui, &plan, room, (panes, cx, exports));
            return false;
        }
        if let Some(plan) = self.crowded(ui, room.size()) {
            self.planned(ui, &plan, room, (panes, cx, exports));
            return false;
        }
        self.front.clear();
        fit::widen(&mut self.tree, room.size());
        let mut behavior = Places { panes, cx, rects: &mut self.rects, maximise: None, exports };
        self.tree.ui(&mut behavior, ui);
        if let Some(kind) = behavior.maximise {
            self.maximised = Some(kind);
        }
        true
    }

    /// What stands where if the tree as it is has no room.
    fn crowded(&self, ui: &Ui, room: egui::Vec2) -> Option<Plan> {
        let whole = fit::plan_of(&self.tree)?;
        let fitted = whole.clone().fitted(room);
        let tab = |kind: PaneKind| tab_title(ui, kind, Color32::WHITE).size().x + 20.0;
        (!same(&whole, &fitted) || fit::overflows(&fitted, room, &tab)).then_some(fitted)
    }

    /// Draws a plan in `rect`.
    fn planned(&mut self, ui: &mut Ui, plan: &Plan, rect: Rect, with: With<'_, '_, '_>) {
        let (panes, cx, exports) = with;
        let kind = match plan {
            Plan::Line(dir, parts) => {
                for ((part, _), place) in parts.iter().zip(Plan::places(*dir, parts, rect)) {
                    self.planned(ui, part, place, (&mut *panes, &mut *cx, &mut *exports));
                }
                return;
            }
            Plan::Tabs(kinds) => {
                self.tabbed.push(rect);
                let shown = self.front_of(kinds);
                self.tabs(ui, kinds, shown, rect.with_max_y(rect.top() + TABS), cx.theme)
            }
            Plan::Pane(kind) => *kind,
        };
        let rect = if matches!(plan, Plan::Tabs(_)) { rect.with_min_y(rect.top() + TABS) } else { rect };
        let mut place = ui.new_child(egui::UiBuilder::new().max_rect(rect).id_salt(("planned", kind.name())));
        self.rects.insert(kind, rect);
        let done = frame::show(&mut place, panes.get(kind), cx, false);
        if done.toggle_maximised {
            self.maximised = Some(kind);
        }
        exports.extend(done.export.map(|e| (kind, e)));
    }

    /// Which of several is in front: the newest that was brought there, else the first that the whole tree shows.
    fn front_of(&self, kinds: &[PaneKind]) -> PaneKind {
        let newest = self.front.iter().rev().find(|k| kinds.contains(k)).copied();
        let first = || self.order().into_iter().find(|k| kinds.contains(k));
        newest.or_else(first).or(kinds.first().copied()).unwrap_or(PaneKind::Assignment)
    }

    /// A row of tabs; those that have no room are in a menu at its end. Returns the one in front from now on.
    fn tabs(&mut self, ui: &mut Ui, kinds: &[PaneKind], shown: PaneKind, bar: Rect, theme: &Theme) -> PaneKind {
        ui.painter().rect_filled(bar, CornerRadius::ZERO, theme.window);
        let width = |kind: PaneKind| tab_title(ui, kind, theme.text).size().x + 20.0;
        let all: f32 = kinds.iter().map(|k| width(*k)).sum();
        let mut room = bar.width() - if all > bar.width() { 32.0 } else { 0.0 };
        // The one in front has its tab always.
        room -= width(shown);
        let mut here = vec![];
        for &kind in kinds {
            let fits = kind == shown || room >= width(kind);
            if fits && kind != shown {
                room -= width(kind);
            }
            here.push((kind, fits));
        }
        let mut front = shown;
        let mut at = bar.left();
        for (kind, _) in here.iter().filter(|(_, fits)| *fits) {
            let rect = Rect::from_min_size(pos2(at, bar.top()), vec2(width(*kind), bar.height()));
            let response = ui.interact(rect, ui.scope_id().with(("tab", kind.name())), egui::Sense::click());
            crate::ui::kit::focus::tab(ui, response.id);
            tab(ui, theme, *kind, *kind == shown, &response);
            if response.clicked() {
                front = *kind;
            }
            at = rect.right();
        }
        let hidden: Vec<PaneKind> = here.iter().filter(|(_, fits)| !fits).map(|(kind, _)| *kind).collect();
        if !hidden.is_empty() {
            let place = Rect::from_min_size(pos2(at + 2.0, bar.top() + 2.0), vec2(26.0, bar.height() - 4.0));
            let more = Button::new(icon(ICON_MORE_HORIZ, 14.0).color(theme.dim)).frame(false);
            let more = ui.put(place, more).on_hover_text("More panes");
            crate::ui::kit::focus::tab(ui, more.id);
            more.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, "More panes"));
            egui::Popup::menu(&more).show(|ui| {
                for kind in hidden {
                    let item = Button::new(kind.name()).fill(Color32::TRANSPARENT).min_size(vec2(160.0, 26.0));
                    if ui.add(item).clicked() {
                        front = kind;
                    }
                }
            });
        }
        if front != shown {
            self.bring(front);
        }
        front
    }
}

/// What panes are drawn with and what they ask for.
type With<'a, 'b, 'c> = (&'a mut Panes, &'a mut PaneContext<'b>, &'c mut Exports);

/// Whether two plans show the same in the same places, whatever their shares.
fn same(a: &Plan, b: &Plan) -> bool {
    match (a, b) {
        (Plan::Line(da, pa), Plan::Line(db, pb)) => {
            da == db && pa.len() == pb.len() && pa.iter().zip(pb).all(|((a, _), (b, _))| same(a, b))
        }
        _ => a == b,
    }
}

fn tab_title(ui: &Ui, kind: PaneKind, colour: Color32) -> std::sync::Arc<egui::Galley> {
    ui.painter().layout_no_wrap(kind.name().to_owned(), text(SMALL), colour)
}

/// Draws a tab.
fn tab(ui: &Ui, theme: &Theme, kind: PaneKind, active: bool, response: &Response) {
    let colour = if active { theme.text } else { theme.dim };
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, active, kind.name()));
    let chip = response.rect.shrink2(vec2(2.0, 2.0));
    if active {
        ui.painter().rect_filled(chip, CornerRadius::same(5), theme.chip);
    } else if response.hovered() {
        ui.painter().rect_filled(chip, CornerRadius::same(5), Theme::mix(theme.window, theme.chip, 0.6));
    }
    let galley = tab_title(ui, kind, colour);
    let at = egui::Align2::CENTER_CENTER.align_size_within_rect(galley.size(), chip).min;
    ui.painter().galley(at, galley, colour);
}

struct Places<'a, 'b> {
    panes: &'a mut Panes,
    cx: &'a mut PaneContext<'b>,
    rects: &'a mut HashMap<PaneKind, Rect>,
    maximise: Option<PaneKind>,
    exports: &'a mut Exports,
}

impl Behavior<PaneKind> for Places<'_, '_> {
    fn pane_ui(&mut self, ui: &mut Ui, _: TileId, kind: &mut PaneKind) -> UiResponse {
        self.rects.insert(*kind, ui.max_rect());
        let done = frame::show(ui, self.panes.get(*kind), self.cx, false);
        if done.toggle_maximised {
            self.maximise = Some(*kind);
        }
        self.exports.extend(done.export.map(|e| (*kind, e)));
        if done.drag_started { UiResponse::DragStarted } else { UiResponse::None }
    }

    fn tab_title_for_pane(&mut self, kind: &PaneKind) -> WidgetText {
        egui::RichText::new(kind.name()).font(text(SMALL)).into()
    }

    fn is_tab_bar_visible(&self, _: TileId, tabs: &Tabs) -> bool {
        tabs.children.len() > 1
    }

    fn simplification_options(&self) -> SimplificationOptions {
        SimplificationOptions { all_panes_must_have_tabs: false, ..SimplificationOptions::default() }
    }

    fn gap_width(&self, _: &egui::Style) -> f32 {
        GAP
    }

    fn min_size(&self) -> f32 {
        fit::SMALLEST
    }

    fn tab_bar_height(&self, _: &egui::Style) -> f32 {
        TABS
    }

    fn resize_stroke(&self, _: &egui::Style, state: egui_tiles::ResizeState) -> Stroke {
        match state {
            egui_tiles::ResizeState::Idle => Stroke::NONE,
            _ => Stroke::new(2.0, self.cx.theme.accent),
        }
    }

    fn tab_bar_color(&self, _: &egui::Visuals) -> Color32 {
        self.cx.theme.window
    }

    fn tab_bar_hline_stroke(&self, _: &egui::Visuals) -> Stroke {
        Stroke::NONE
    }

    fn tab_ui(
        &mut self,
        tiles: &mut Tiles<PaneKind>,
        ui: &mut Ui,
        id: egui::Id,
        tile: TileId,
        state: &TabState,
    ) -> Response {
        let theme: &Theme = self.cx.theme;
        let Some(egui_tiles::Tile::Pane(kind)) = tiles.get(tile) else {
            return ui.allocate_rect(Rect::NOTHING, egui::Sense::hover());
        };
        let kind = *kind;
        let size = vec2(tab_title(ui, kind, theme.text).size().x + 20.0, ui.available_height());
        let (_, rect) = ui.allocate_space(size);
        let response = ui.interact(rect, id, egui::Sense::click_and_drag());
        crate::ui::kit::focus::tab(ui, id);
        tab(ui, theme, kind, state.active, &response);
        self.on_tab_button(tiles, tile, response)
    }

    fn drag_preview_stroke(&self, _: &egui::Visuals) -> Stroke {
        Stroke::new(1.5, self.cx.theme.accent)
    }

    fn drag_preview_color(&self, _: &egui::Visuals) -> Color32 {
        self.cx.theme.accent.gamma_multiply(0.15)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panes_that_stand_alone_leave_the_tree_as_it_was() {
        let mut layout = Layout::default();
        let own = layout.tree().clone();
        layout.alone(&[PaneKind::Bias, PaneKind::Violation]);
        layout.reveal(PaneKind::Theory);
        layout.reveal(PaneKind::Compare);
        assert_eq!(layout.order(), [PaneKind::Bias, PaneKind::Violation, PaneKind::Compare], "one guest at a time");
        layout.alone(&[PaneKind::Load]);
        assert_eq!(layout.order(), [PaneKind::Load]);
        layout.alone(&[]);
        assert_eq!(*layout.tree(), own);
        assert!(layout.order().len() > 3);
    }

    #[test]
    fn a_broken_layout_is_not_restored() {
        let good = first_tree();
        assert_eq!(Layout::restored(Some(good.clone())).tree, good);
        let mut missing = first_tree();
        let bias = missing.tiles.find_pane(&PaneKind::Bias).unwrap();
        missing.remove_recursively(bias);
        assert_eq!(Layout::restored(Some(missing)).tree, good);
        assert_eq!(Layout::restored(Some(Tree::empty(egui::Id::unique("panes")))).tree, good);
        let mut hidden = first_tree();
        let bias = hidden.tiles.find_pane(&PaneKind::Bias).unwrap();
        hidden.set_visible(bias, false);
        assert_eq!(Layout::restored(Some(hidden)).tree, good);
    }
}
