//! Trees of panes: the first one, one of a scenario's columns, and whether a stored one is whole.

use eframe::egui::Id;
use egui_tiles::{Container, Linear, LinearDir, Tile, TileId, Tiles, Tree};
use moebias_files::view::{PaneKind, View};
use strum::IntoEnumIterator as _;

/// The arrangement of a new window.
pub(super) fn first() -> Tree<PaneKind> {
    let mut tiles = Tiles::default();
    let mut pane = |kind| tiles.insert_pane(kind);
    let (assignment, history, curves) =
        (pane(PaneKind::Assignment), pane(PaneKind::LoadHistory), pane(PaneKind::LoadCurves));
    let (load, inspector) = (pane(PaneKind::Load), pane(PaneKind::Inspector));
    let (bias, violation, task) = (pane(PaneKind::Bias), pane(PaneKind::Violation), pane(PaneKind::TaskLoss));
    let (compare, theory) = (pane(PaneKind::Compare), pane(PaneKind::Theory));
    let (microscope, sweep) = (pane(PaneKind::Microscope), pane(PaneKind::Sweep));
    let (layers, text) = (pane(PaneKind::Layers), pane(PaneKind::Text));
    let picture = tiles.insert_tab_tile(vec![assignment, microscope, sweep, layers, text]);
    let below = tiles.insert_tab_tile(vec![history, curves, compare, task, theory]);
    let top = tiles.insert_tab_tile(vec![load, inspector]);
    let left = binary(&mut tiles, LinearDir::Vertical, [picture, below], 0.66);
    let lower = binary(&mut tiles, LinearDir::Vertical, [bias, violation], 0.5);
    let right = binary(&mut tiles, LinearDir::Vertical, [top, lower], 0.36);
    let root = binary(&mut tiles, LinearDir::Horizontal, [left, right], 0.645);
    Tree::new(Id::unique("panes"), root, tiles)
}

/// Adds the Layers and the Text pane, as tabs beside the sweep, to a tree that was stored before there were such panes.
pub(super) fn with_new_panes(mut tree: Tree<PaneKind>) -> Tree<PaneKind> {
    for kind in [PaneKind::Layers, PaneKind::Text] {
        if tree.tiles.find_pane(&kind).is_none()
            && let Some(parent) = tree.tiles.find_pane(&PaneKind::Sweep).and_then(|sweep| tree.tiles.parent_of(sweep))
        {
            let new = tree.tiles.insert_pane(kind);
            if let Some(Tile::Container(container)) = tree.tiles.get_mut(parent) {
                container.add_child(new);
            }
        }
    }
    tree
}

/// Whether a tree shows every pane exactly once.
pub(super) fn holds_every_pane(tree: &Tree<PaneKind>) -> bool {
    let visible = tree.tiles.iter().filter(|(id, _)| tree.tiles.is_visible(**id));
    let shown: Vec<PaneKind> =
        visible.filter_map(|(_, tile)| if let Tile::Pane(kind) = tile { Some(*kind) } else { None }).collect();
    tree.root().is_some() && PaneKind::iter().all(|k| shown.iter().filter(|s| **s == k).count() == 1)
}

/// The columns of a scenario's view from left to right, with their widths.
pub(super) fn of_columns(view: &View) -> Tree<PaneKind> {
    let mut tiles = Tiles::default();
    let mut columns = vec![];
    for names in &view.columns {
        let panes: Vec<TileId> = names.iter().map(|name| tiles.insert_pane(*name)).collect();
        columns.push(if panes.len() == 1 { panes[0] } else { tiles.insert_vertical_tile(panes) });
    }
    let mut row = Linear::new(LinearDir::Horizontal, columns.clone());
    for (column, width) in columns.iter().zip(&view.widths) {
        row.shares.set_share(*column, *width);
    }
    let root = if columns.len() == 1 { columns[0] } else { tiles.insert_container(Container::Linear(row)) };
    Tree::new(Id::unique("panes"), root, tiles)
}

fn binary(tiles: &mut Tiles<PaneKind>, dir: LinearDir, children: [TileId; 2], share: f32) -> TileId {
    tiles.insert_container(Container::Linear(Linear::new_binary(dir, children, share)))
}
