//! Fits the tree of panes into the room that there is: panes that would be too small to read become tabs.

use crate::ui::kit::theme::GAP;
use eframe::egui::{Rect, Vec2, vec2};
use egui_tiles::{Container, LinearDir, Tile, TileId, Tiles, Tree};
use moebias_files::view::PaneKind;

/// The least size at which a pane can be read, points.
const LEAST: Vec2 = vec2(258.0, 150.0);
/// A pane can't be dragged smaller than this, points.
pub(super) const SMALLEST: f32 = LEAST.y;
/// Height of a row of tabs, points.
pub(super) const TABS: f32 = 24.0;
/// Panes that have no room side by side are stacked if each gets at least this height, points.
const STACKED: f32 = 200.0;

/// An arrangement of panes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Plan {
    /// A pane.
    Pane(PaneKind),
    /// Several panes, of which tabs choose one.
    Tabs(Vec<PaneKind>),
    /// Parts side by side or one above the other, with their shares of the room.
    Line(LinearDir, Vec<(Self, f32)>),
}

impl Plan {
    /// The least size of the plan. A line needs no more than one pane with tabs, which it can become.
    fn least(&self) -> Vec2 {
        match self {
            Self::Pane(_) => LEAST,
            Self::Tabs(_) | Self::Line(..) => LEAST + vec2(0.0, TABS),
        }
    }

    /// Appends all panes of the plan to `out`.
    fn panes(&self, out: &mut Vec<PaneKind>) {
        match self {
            Self::Pane(kind) => out.push(*kind),
            Self::Tabs(kinds) => out.extend(kinds),
            Self::Line(_, parts) => parts.iter().for_each(|(part, _)| part.panes(out)),
        }
    }

    /// All panes of the plan as tabs.
    fn tabs(self) -> Self {
        let mut kinds = vec![];
        self.panes(&mut kinds);
        if let [kind] = kinds[..] { Self::Pane(kind) } else { Self::Tabs(kinds) }
    }

    /// The plan that fits into `room`: lines that have no room become tabs, or are stacked.
    #[must_use]
    pub(super) fn fitted(self, room: Vec2) -> Self {
        let Self::Line(dir, parts) = self else { return self };
        let along = |v: Vec2| if dir == LinearDir::Horizontal { v.x } else { v.y };
        let gaps = GAP * (parts.len() as f32 - 1.0);
        let needed: f32 = parts.iter().map(|(part, _)| along(part.least())).sum();
        if needed + gaps <= along(room) {
            let least: Vec<f32> = parts.iter().map(|(part, _)| along(part.least())).collect();
            let shares: Vec<f32> = parts.iter().map(|(_, share)| *share).collect();
            let sizes = split(along(room) - gaps, &shares, &least);
            let of = |size| if dir == LinearDir::Horizontal { vec2(size, room.y) } else { vec2(room.x, size) };
            let parts = parts.into_iter().zip(sizes).map(|((part, _), size)| (part.fitted(of(size)), size));
            return Self::Line(dir, parts.collect());
        }
        let rows = parts.len() as f32;
        if dir == LinearDir::Horizontal && (room.y - gaps) / rows >= STACKED {
            let parts = parts.into_iter().map(|(part, _)| (part.tabs(), 1.0));
            return Self::Line(LinearDir::Vertical, parts.collect());
        }
        Self::Line(dir, parts).tabs()
    }

    /// The places of a line's parts in `rect`.
    #[must_use]
    pub(super) fn places(dir: LinearDir, parts: &[(Self, f32)], rect: Rect) -> Vec<Rect> {
        let across = dir == LinearDir::Horizontal;
        let whole = if across { rect.width() } else { rect.height() } - GAP * (parts.len() as f32 - 1.0);
        let sum: f32 = parts.iter().map(|(_, share)| share).sum();
        let mut at = if across { rect.left() } else { rect.top() };
        let place = |(_, share): &(Self, f32)| {
            let from = at;
            at += whole * share / sum.max(f32::EPSILON) + GAP;
            let range = from..=at - GAP;
            if across {
                Rect::from_x_y_ranges(range, rect.y_range())
            } else {
                Rect::from_x_y_ranges(rect.x_range(), range)
            }
        };
        parts.iter().map(place).collect()
    }
}

/// The plan of a tree as it is; `None` if the tree shows nothing.
#[must_use]
pub(super) fn plan_of(tree: &Tree<PaneKind>) -> Option<Plan> {
    tree.root().and_then(|root| of(&tree.tiles, root))
}

fn of(tiles: &Tiles<PaneKind>, id: TileId) -> Option<Plan> {
    if !tiles.is_visible(id) {
        return None;
    }
    match tiles.get(id)? {
        Tile::Pane(kind) => Some(Plan::Pane(*kind)),
        Tile::Container(Container::Linear(line)) => {
            let parts = line.children.iter().filter_map(|c| Some((of(tiles, *c)?, line.shares[*c])));
            Some(Plan::Line(line.dir, parts.collect()))
        }
        Tile::Container(other) => {
            let mut kinds = vec![];
            other.children().filter_map(|c| of(tiles, *c)).for_each(|p| p.panes(&mut kinds));
            Some(if let [kind] = kinds[..] { Plan::Pane(kind) } else { Plan::Tabs(kinds) })
        }
    }
}

/// Whether any row of tabs is wider than its place; `tab` returns the width of a tab, points.
pub(super) fn overflows(plan: &Plan, room: Vec2, tab: &impl Fn(PaneKind) -> f32) -> bool {
    match plan {
        Plan::Pane(_) => false,
        Plan::Tabs(kinds) => kinds.iter().map(|k| tab(*k)).sum::<f32>() > room.x,
        Plan::Line(dir, parts) => {
            let places = Plan::places(*dir, parts, Rect::from_min_size(Default::default(), room));
            parts.iter().zip(places).any(|((part, _), place)| overflows(part, place.size(), tab))
        }
    }
}

/// Widens every part of a line that is too small for its pane, at the cost of the others, if there is enough room for all.
pub(super) fn widen(tree: &mut Tree<PaneKind>, room: Vec2) {
    if let Some(root) = tree.root() {
        widen_in(&mut tree.tiles, root, room);
    }
}

fn widen_in(tiles: &mut Tiles<PaneKind>, id: TileId, room: Vec2) {
    let Some(Tile::Container(Container::Linear(line))) = tiles.get(id) else { return };
    let across = line.dir == LinearDir::Horizontal;
    let along = |v: Vec2| if across { v.x } else { v.y };
    let children: Vec<(TileId, f32, f32)> =
        line.children.iter().filter_map(|c| Some((*c, line.shares[*c], along(of(tiles, *c)?.least())))).collect();
    let whole = along(room) - GAP * (children.len() as f32 - 1.0);
    let (shares, least): (Vec<f32>, Vec<f32>) = children.iter().map(|(_, share, least)| (*share, *least)).unzip();
    let sum: f32 = shares.iter().sum();
    let sizes = split(whole, &shares, &least);
    let narrow = shares.iter().zip(&least).any(|(s, l)| s / sum.max(f32::EPSILON) * whole < l - 0.5);
    if narrow && let Some(Tile::Container(Container::Linear(line))) = tiles.get_mut(id) {
        for ((child, _, _), size) in children.iter().zip(&sizes) {
            line.shares.set_share(*child, size / whole.max(1.0) * sum);
        }
    }
    for ((child, _, _), size) in children.iter().zip(sizes) {
        widen_in(tiles, *child, if across { vec2(size, room.y) } else { vec2(room.x, size) });
    }
}

/// Divides `whole` in proportion to `shares`, but gives no part less than its `least` if there is enough room for that.
fn split(whole: f32, shares: &[f32], least: &[f32]) -> Vec<f32> {
    let sum: f32 = shares.iter().sum::<f32>().max(f32::EPSILON);
    let plain: Vec<f32> = shares.iter().map(|s| s / sum * whole).collect();
    let missing: f32 = plain.iter().zip(least).map(|(p, l)| (l - p).max(0.0)).sum();
    let spare: f32 = plain.iter().zip(least).map(|(p, l)| (p - l).max(0.0)).sum();
    if missing <= 0.0 || spare < missing {
        return plain;
    }
    let kept = 1.0 - missing / spare;
    plain.iter().zip(least).map(|(p, l)| if p < l { *l } else { l + (p - l) * kept }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(plan: &Plan, room: Vec2, out: &mut Vec<Vec2>) {
        match plan {
            Plan::Pane(_) => out.push(room),
            Plan::Tabs(_) => out.push(room - vec2(0.0, TABS)),
            Plan::Line(dir, parts) => {
                let places = Plan::places(*dir, parts, Rect::from_min_size(Default::default(), room));
                parts.iter().zip(places).for_each(|((part, _), place)| shown(part, place.size(), out));
            }
        }
    }

    #[test]
    fn no_pane_is_too_small_and_none_is_lost() {
        let tree = super::super::arrangement::first();
        let whole = plan_of(&tree).unwrap();
        let mut all = vec![];
        whole.panes(&mut all);
        for width in (260..2400).step_by(70) {
            for height in (175..1400).step_by(45) {
                let room = vec2(width as f32, height as f32);
                let plan = whole.clone().fitted(room);
                let (mut kinds, mut sizes) = (vec![], vec![]);
                plan.panes(&mut kinds);
                assert_eq!(kinds, all);
                shown(&plan, room, &mut sizes);
                assert!(sizes.iter().all(|s| s.x >= LEAST.x - 1.0 && s.y >= LEAST.y - 1.0), "{room:?}: {sizes:?}");
            }
        }
        let roomy = whole.clone().fitted(vec2(1176.0, 780.0));
        let (mut before, mut after) = (vec![], vec![]);
        shown(&whole, vec2(1176.0, 780.0), &mut before);
        shown(&roomy, vec2(1176.0, 780.0), &mut after);
        assert_eq!(before.len(), after.len(), "nothing becomes a tab where there is room");
        assert_eq!(whole.fitted(vec2(300.0, 230.0)), Plan::Tabs(all));
    }

    #[test]
    fn shares_give_way_to_the_least() {
        assert_eq!(split(100.0, &[1.0, 1.0], &[10.0, 10.0]), [50.0, 50.0]);
        assert_eq!(split(100.0, &[9.0, 1.0], &[10.0, 30.0]), [70.0, 30.0]);
        assert_eq!(split(30.0, &[2.0, 1.0], &[20.0, 20.0]), [20.0, 10.0], "not enough for all");
    }
}
