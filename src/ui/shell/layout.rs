//! Where the panes stand: a tree of tiles (egui_tiles) that a person rearranges, and what is shown in its place for a while.

mod arrangement;
mod draw;
mod fit;
mod pane;
mod tabs;
mod tiles;

use crate::ui::panes::shared::frame::Export;
use eframe::egui::{Pos2, Rect};
use egui_tiles::{Container, Tile, TileId, Tree};
use moebias_files::view::{PaneKind, View};
use std::collections::HashMap;

/// Panes to be copied, saved or filmed.
type Exports = Vec<(PaneKind, Export)>;

/// The arrangement of the panes, and which of them are shown.
pub struct Layout {
    tree: Tree<PaneKind>,
    /// The pane that has all the room, if one is maximised.
    maximised: Option<PaneKind>,
    /// The only panes to be shown, one above the other, as a page of a lesson wants; empty where the tree is shown. The tree stays as it is.
    alone: Vec<PaneKind>,
    /// How many of `alone` the page asked for. After them comes a pane that a person brought up since.
    own: usize,
    /// Where each pane was drawn in the last frame.
    rects: HashMap<PaneKind, Rect>,
    /// Panes brought to the front, the newest last. They decide which tab is in front where a lack of room turns panes into tabs.
    front: Vec<PaneKind>,
    /// Where panes were drawn below a row of tabs that `tabs` drew, and not the tree.
    tabbed: Vec<Rect>,
    /// The pane that came into sight in the last frame, if exactly one did and exactly one went.
    brought_up: Option<PaneKind>,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            tree: arrangement::first(),
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

impl Layout {
    /// The layout of a stored tree. A tree that does not show every pane exactly once is replaced by the first arrangement.
    #[must_use]
    pub fn restored(tree: Option<Tree<PaneKind>>) -> Self {
        match tree.map(arrangement::with_new_panes) {
            Some(tree) if arrangement::holds_every_pane(&tree) => Self { tree, ..Self::default() },
            _ => Self::default(),
        }
    }

    /// The layout that a scenario asks for. If it does not say which panes are open, they stand as in `now`.
    #[must_use]
    pub fn of_view(view: &View, now: &Self) -> Self {
        let maximised = view.maximised;
        if view.columns.is_empty() {
            return Self { tree: now.tree.clone(), maximised, ..Self::default() };
        }
        Self { tree: arrangement::of_columns(view), maximised, ..Self::default() }
    }

    /// The tree, to store.
    #[must_use]
    pub fn tree(&self) -> &Tree<PaneKind> {
        &self.tree
    }

    /// Maximises a pane, or restores it if it is maximised.
    pub fn toggle_maximised(&mut self, kind: PaneKind) {
        self.maximised = if self.maximised == Some(kind) { None } else { Some(kind) };
    }

    /// Restores the maximised pane. True if there was one.
    pub fn restore(&mut self) -> bool {
        self.maximised.take().is_some()
    }

    /// Maximises a pane; `None` restores the maximised one.
    pub fn maximise(&mut self, kind: Option<PaneKind>) {
        self.maximised = kind;
    }

    /// The maximised pane.
    #[must_use]
    pub fn maximised(&self) -> Option<PaneKind> {
        self.maximised
    }

    /// The panes in reading order; of each row of tabs, only the pane in front.
    #[must_use]
    pub fn order(&self) -> Vec<PaneKind> {
        if self.is_alone() {
            return self.alone.clone();
        }
        let mut order = vec![];
        let mut stack: Vec<TileId> = self.tree.root().into_iter().collect();
        while let Some(id) = stack.pop() {
            match self.tree.tiles.get(id) {
                Some(Tile::Pane(kind)) => order.push(*kind),
                Some(Tile::Container(Container::Tabs(tabs))) => stack.extend(tabs.active),
                Some(Tile::Container(c)) => {
                    let children: Vec<TileId> = c.children().copied().collect();
                    stack.extend(children.into_iter().rev());
                }
                None => {}
            }
        }
        order
    }

    /// The panes that the layout shows, and where they were drawn. While a pane is maximised, these are the panes that it covers, where they
    /// stood before.
    #[must_use]
    pub fn places(&self) -> Vec<(PaneKind, Rect)> {
        if self.is_alone() {
            return self.alone.iter().filter_map(|kind| Some((*kind, self.rect_of(*kind)?))).collect();
        }
        let of = |id: TileId| match self.tree.tiles.get(id) {
            Some(Tile::Pane(kind)) => Some((*kind, self.tree.tiles.rect(id)?)),
            _ => None,
        };
        self.tree.active_tiles().into_iter().filter_map(of).collect()
    }

    /// The pane that was drawn at this point in the last frame.
    #[must_use]
    pub fn pane_at(&self, at: Pos2) -> Option<PaneKind> {
        self.rects.iter().find(|(_, rect)| rect.contains(at)).map(|(kind, _)| *kind)
    }

    /// The pane that took the place of another in the last frame, as when a tab is chosen.
    #[must_use]
    pub fn brought_up(&self) -> Option<PaneKind> {
        self.brought_up
    }

    /// Brings a pane to the front of its tabs; a pane that the tree does not hold is maximised. Where only some panes are shown, it joins
    /// them, and replaces the one that joined before.
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
        // While only some panes are shown, the tree is not touched.
        if self.alone.is_empty() {
            self.tree.make_active(|_, tile| matches!(tile, Tile::Pane(k) if *k == kind));
        }
        self.front.retain(|k| *k != kind);
        self.front.push(kind);
    }

    /// Shows only these panes, one above the other; an empty list shows the tree again.
    pub fn alone(&mut self, kinds: &[PaneKind]) {
        if self.alone != kinds {
            self.alone = kinds.to_vec();
        }
        self.own = kinds.len();
    }

    /// Whether only some panes are shown, in place of the tree.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        !self.alone.is_empty()
    }

    /// Where a pane was drawn in the last frame.
    #[must_use]
    pub fn rect_of(&self, kind: PaneKind) -> Option<Rect> {
        self.rects.get(&kind).copied()
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
        let good = arrangement::first();
        assert_eq!(Layout::restored(Some(good.clone())).tree, good);
        let mut missing = arrangement::first();
        let bias = missing.tiles.find_pane(&PaneKind::Bias).unwrap();
        missing.remove_recursively(bias);
        assert_eq!(Layout::restored(Some(missing)).tree, good);
        assert_eq!(Layout::restored(Some(Tree::empty(eframe::egui::Id::unique("panes")))).tree, good);
        let mut hidden = arrangement::first();
        let bias = hidden.tiles.find_pane(&PaneKind::Bias).unwrap();
        hidden.set_visible(bias, false);
        assert_eq!(Layout::restored(Some(hidden)).tree, good);
    }
}
