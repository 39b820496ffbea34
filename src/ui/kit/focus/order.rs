//! The order in which Tab moves through the widgets of the window, of a dialog or of a menu.

use super::Told;
use eframe::egui::{Context, Id, Key, LayerId, Order, Rect, WidgetRect, WidgetRects};
use std::collections::HashMap;

/// A part of the window, in the order in which F6 moves through them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Region {
    /// The bar at the top.
    TopBar,
    /// The offer to restore what an earlier session left.
    Offer,
    /// The strip of findings.
    Findings,
    /// The open lesson.
    Lesson,
    /// The settings on the left.
    Settings,
    /// What is between the panes; only tabs there can have the focus.
    Tabs,
    /// The panes, with their tabs.
    Panes,
    /// Play, step, speed and the timeline.
    Transport,
    /// Messages and whatever else is drawn over the window.
    #[default]
    Floating,
}

/// The part of the screen in which widgets can have the focus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Scope {
    /// The whole window.
    #[default]
    Window,
    /// A dialog.
    Modal(LayerId),
    /// A menu.
    Popup(LayerId),
}

/// A widget that can have the focus.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stop {
    pub(super) id: Id,
    pub(super) rect: Rect,
    /// The region, and within it the number of the part that begins at a mark, or of the pane.
    pub(super) part: (Region, usize),
    /// The `ui` of the region or of the pane that contains it.
    pub(super) at: Id,
    /// The scroll area that contains it, if any.
    pub(super) scroll: Option<Id>,
}

/// The largest number of levels between a widget and its part of the window.
const DEEPEST: usize = 64;

/// The scope in the last pass: the topmost menu, otherwise the topmost dialog, otherwise the window.
pub(super) fn scope(ctx: &Context) -> Scope {
    let popups: Vec<LayerId> = ctx.viewport(|v| {
        let open = v.prev_pass.layers.values().flat_map(|l| l.open_popups.iter());
        open.map(|id| LayerId::new(Order::Foreground, *id)).collect()
    });
    ctx.memory(|m| {
        let top = m.layer_ids().filter(|layer| popups.contains(layer)).last();
        match (top, m.top_modal_layer()) {
            (Some(popup), _) => Scope::Popup(popup),
            (None, Some(modal)) => Scope::Modal(modal),
            (None, None) => Scope::Window,
        }
    })
}

/// Every widget that can have the focus, in reading order.
pub(super) fn stops(ctx: &Context, scope: Scope, told: &Told) -> Vec<Stop> {
    let layers: Vec<LayerId> = ctx.viewport(|v| v.prev_pass.widgets.layer_ids().collect());
    let meant = |layer: &LayerId| match scope {
        Scope::Popup(popup) => *layer == popup,
        _ => ctx.memory(|m| m.allows_interaction(*layer)),
    };
    let layers: Vec<LayerId> = layers.into_iter().filter(meant).collect();
    let mut found: Vec<Stop> = ctx.viewport(|v| {
        let widgets = &v.prev_pass.widgets;
        let all = layers.iter().flat_map(|l| widgets.get_layer(*l));
        let can = all.filter(|w| w.enabled && w.visible && w.sense.is_focusable() && w.rect.is_positive());
        can.filter(|w| !told.fields.contains_key(&w.id)).filter_map(|w| find(widgets, told, w)).collect()
    });
    // Panes are read one after the other, in the order in which they are drawn, and not row by row across all of them. Each pane is a part.
    for stop in found.iter_mut().filter(|s| s.part.0 == Region::Panes) {
        let drawn = told.panes.iter().position(|(pane, _)| *pane == stop.at);
        stop.part.1 = drawn.unwrap_or(told.panes.len());
    }
    found.sort_by_key(|s| s.part);
    found.chunk_by(|a, b| a.part == b.part).flat_map(|group| read(group, told)).collect()
}

fn find(widgets: &WidgetRects, told: &Told, w: &WidgetRect) -> Option<Stop> {
    let Told { regions, marks, tabs, scrolls, .. } = told;
    // A floating area has a widget of its own for dragging, which has no use for keys.
    if w.id == w.layer_id.id.with("move") {
        return None;
    }
    let (mut at, mut scroll) = (w.parent_id, None);
    for _ in 0..DEEPEST {
        scroll = Some(at).filter(|id| scrolls.contains_key(id)).or(scroll);
        let parent = widgets.get(at).map(|p| p.parent_id).filter(|p| *p != at);
        let Some(parent) = parent.filter(|_| !regions.contains_key(&at)) else { break };
        at = parent;
    }
    // What is drawn on the window outside its regions is between the panes.
    let elsewhere = if w.layer_id.order == Order::Background { Region::Tabs } else { Region::default() };
    let region = match regions.get(&at).copied().unwrap_or(elsewhere) {
        Region::Tabs if tabs.contains(&w.id) => {
            at = pane_under(told, w.rect).unwrap_or(at);
            Region::Panes
        }
        Region::Tabs => return None,
        region => region,
    };
    let marks = if region == Region::Settings { marks.as_slice() } else { &[] };
    let above = marks.iter().filter(|y| **y <= w.rect.top() + 1.0).count();
    Some(Stop { id: w.id, rect: w.rect, part: (region, above), at, scroll })
}

/// The pane that a tab belongs to: the nearest one below it.
fn pane_under(told: &Told, tab: Rect) -> Option<Id> {
    let below =
        told.panes.iter().filter(|(_, pane)| pane.x_range().contains(tab.center().x) && pane.top() >= tab.center().y);
    below.min_by(|a, b| a.1.top().total_cmp(&b.1.top())).map(|(id, _)| *id)
}

/// Sorts the stops of a group in reading order. The stops of a scroll area count as one block at its visible rectangle, however far its
/// content extends beyond it.
fn read(group: &[Stop], told: &Told) -> Vec<Stop> {
    let mut blocks: Vec<(Rect, Vec<(Rect, Stop)>)> = vec![];
    let mut of_scroll: HashMap<Id, usize> = HashMap::new();
    for stop in group {
        let one = (stop.rect, *stop);
        match stop.scroll.and_then(|id| Some((id, *told.scrolls.get(&id)?))) {
            Some((id, rect)) => {
                let place = *of_scroll.entry(id).or_insert(blocks.len());
                if place == blocks.len() {
                    blocks.push((rect, vec![]));
                }
                blocks[place].1.push(one);
            }
            None => blocks.push((stop.rect, vec![one])),
        }
    }
    by_rows(blocks).into_iter().flat_map(by_rows).collect()
}

/// The stop that an arrow key moves to from a stop in a scroll area: the nearest one in the next row or column of the same area, even if it
/// is out of sight.
pub(super) fn beside(stops: &[Stop], from: &Stop, arrow: Key) -> Option<Id> {
    let (a, others) = (from.rect, stops.iter().filter(|s| s.id != from.id && s.scroll == from.scroll));
    let vertical = matches!(arrow, Key::ArrowDown | Key::ArrowUp);
    let near = |b: Rect| {
        let gap = match arrow {
            Key::ArrowDown => b.top() - a.bottom(),
            Key::ArrowUp => a.top() - b.bottom(),
            Key::ArrowRight => b.left() - a.right(),
            _ => a.left() - b.right(),
        };
        let level = a.bottom().min(b.bottom()) > a.top().max(b.top());
        let aside = if vertical { (a.center().x - b.center().x).abs() } else { 0.0 };
        (gap > -1.0 && (vertical || level)).then_some((gap as i32, aside as i32))
    };
    others.filter_map(|s| Some((near(s.rect)?, s.id))).min_by_key(|(near, _)| *near).map(|(_, id)| id)
}

/// Sorts rectangles by rows and each row from left to right. A rectangle is in a row if it overlaps the row's first one by half of the
/// lower height.
fn by_rows<T>(mut all: Vec<(Rect, T)>) -> Vec<T> {
    let mut out = Vec::with_capacity(all.len());
    all.sort_by(|a, b| a.0.top().total_cmp(&b.0.top()));
    while let Some(first) = all.first().map(|(rect, _)| *rect) {
        let in_row = |(rect, _): &(Rect, T)| {
            let overlap = first.bottom().min(rect.bottom()) - first.top().max(rect.top());
            overlap >= 0.5 * first.height().min(rect.height())
        };
        let (mut row, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(in_row);
        row.sort_by(|a, b| a.0.left().total_cmp(&b.0.left()));
        out.extend(row.into_iter().map(|(_, t)| t));
        all = rest;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::{pos2, vec2};

    #[test]
    fn arrows_reach_the_next_row_even_out_of_sight() {
        let stop = |n: u64, x: f32, y: f32, scroll: Option<u64>| Stop {
            id: Id::unique(n),
            rect: Rect::from_min_size(pos2(x, y), vec2(90.0, 40.0)),
            part: (Region::default(), 0),
            at: Id::NULL,
            scroll: scroll.map(Id::unique),
        };
        let of = Some(9);
        let all = [
            stop(1, 0.0, 0.0, of),
            stop(2, 100.0, 0.0, of),
            stop(3, 0.0, 500.0, of),
            stop(4, 100.0, 500.0, of),
            stop(5, 100.0, 60.0, None),
        ];
        let to = |from: usize, arrow| beside(&all, &all[from], arrow);
        assert_eq!(to(1, Key::ArrowDown), Some(Id::unique(4u64)), "not what stands below the list");
        assert_eq!(to(3, Key::ArrowUp), Some(Id::unique(2u64)));
        assert_eq!(to(0, Key::ArrowRight), Some(Id::unique(2u64)));
        assert_eq!(to(1, Key::ArrowRight), None);
        assert_eq!(to(3, Key::ArrowDown), None);
    }

    #[test]
    fn widgets_are_read_row_by_row() {
        let at = |n: u32, x: f32, y: f32, h: f32| (Rect::from_min_size(pos2(x, y), vec2(20.0, h)), n);
        // The widgets of the first row are drawn from right to left, at slightly different heights.
        let drawn =
            vec![at(3, 200.0, 10.0, 28.0), at(2, 100.0, 12.0, 22.0), at(1, 0.0, 8.0, 30.0), at(4, 0.0, 60.0, 20.0)];
        assert_eq!(by_rows(drawn), [1, 2, 3, 4]);
    }
}
