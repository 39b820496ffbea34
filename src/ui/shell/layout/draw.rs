//! Draws the panes: the maximised one alone, a few one above the other, the tree as it is, or what the tree becomes where it has no room.

use super::fit::{self, Plan, TABS};
use super::pane::Drawing;
use super::tabs::{self, width_of};
use super::tiles::Places;
use super::{Exports, Layout};
use crate::ui::panes::shared::frame;
use crate::ui::panes::{PaneContext, Panes};
use eframe::egui::{Rect, Shape, Ui, UiBuilder, Vec2};
use egui_tiles::{Container, LinearDir, TileId};
use moebias_files::view::PaneKind;

impl Layout {
    /// Draws the panes. Those that are to be copied, saved or filmed are added to `exports`.
    pub fn show(&mut self, ui: &mut Ui, panes: &mut Panes, cx: &mut PaneContext<'_>, exports: &mut Exports) {
        let before = std::mem::take(&mut self.rects);
        self.tabbed.clear();
        let ground = ui.painter().add(Shape::Noop);
        let room = ui.max_rect();
        let whole = self.panes(ui, &mut Drawing { panes, cx, exports });
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
    fn panes(&mut self, ui: &mut Ui, with: &mut Drawing<'_, '_>) -> bool {
        let room = ui.max_rect();
        if let Some(kind) = self.maximised {
            self.rects.insert(kind, room);
            if with.pane(ui, kind, true).toggle_maximised {
                self.maximised = None;
            }
            return false;
        }
        if !self.alone.is_empty() {
            // A heatmap, a microscope and a pane of several plots need more height than a curve.
            let tall = |kind| matches!(kind, PaneKind::Assignment | PaneKind::Theory | PaneKind::Microscope);
            let share = |kind| if tall(kind) { 1.4 } else { 1.0 };
            let parts = self.alone.iter().map(|kind| (Plan::Pane(*kind), share(*kind))).collect();
            let plan = Plan::Line(LinearDir::Vertical, parts).fitted(room.size());
            self.planned(ui, &plan, room, with);
            return false;
        }
        if let Some(plan) = self.crowded(ui, room.size()) {
            self.planned(ui, &plan, room, with);
            return false;
        }
        self.front.clear();
        fit::widen(&mut self.tree, room.size());
        let mut behavior = Places { with, rects: &mut self.rects, maximise: None };
        self.tree.ui(&mut behavior, ui);
        if let Some(kind) = behavior.maximise {
            self.maximised = Some(kind);
        }
        true
    }

    /// The plan to draw in place of the tree where the tree has no room; `None` where it has.
    fn crowded(&self, ui: &Ui, room: Vec2) -> Option<Plan> {
        let whole = fit::plan_of(&self.tree)?;
        let fitted = whole.clone().fitted(room);
        (!same(&whole, &fitted) || fit::overflows(&fitted, room, &|kind| width_of(ui, kind))).then_some(fitted)
    }

    /// Draws a plan in `rect`.
    fn planned(&mut self, ui: &mut Ui, plan: &Plan, rect: Rect, with: &mut Drawing<'_, '_>) {
        let (kind, rect) = match plan {
            Plan::Line(dir, parts) => {
                for ((part, _), place) in parts.iter().zip(Plan::places(*dir, parts, rect)) {
                    self.planned(ui, part, place, with);
                }
                return;
            }
            Plan::Tabs(kinds) => {
                self.tabbed.push(rect);
                let front = self.front_of(kinds);
                let chosen = tabs::row(ui, kinds, front, rect.with_max_y(rect.top() + TABS), with.cx.theme);
                if chosen != front {
                    self.bring(chosen);
                }
                (chosen, rect.with_min_y(rect.top() + TABS))
            }
            Plan::Pane(kind) => (*kind, rect),
        };
        let mut place = ui.new_child(UiBuilder::new().max_rect(rect).id_salt(("planned", kind.name())));
        self.rects.insert(kind, rect);
        if with.pane(&mut place, kind, false).toggle_maximised {
            self.maximised = Some(kind);
        }
    }

    /// Which of several panes is in front: the one that was brought to the front last, else the first one that the tree shows.
    fn front_of(&self, kinds: &[PaneKind]) -> PaneKind {
        let newest = self.front.iter().rev().find(|k| kinds.contains(k)).copied();
        let first = || self.order().into_iter().find(|k| kinds.contains(k));
        newest.or_else(first).or(kinds.first().copied()).unwrap_or(PaneKind::Assignment)
    }
}

/// Whether two plans show the same panes in the same arrangement, whatever their shares.
fn same(a: &Plan, b: &Plan) -> bool {
    match (a, b) {
        (Plan::Line(da, pa), Plan::Line(db, pb)) => {
            da == db && pa.len() == pb.len() && pa.iter().zip(pb).all(|((a, _), (b, _))| same(a, b))
        }
        _ => a == b,
    }
}
