//! In which order Tab comes to the widgets of the window, of a dialog or of a menu.

use super::Told;
use eframe::egui::{Context, Id, LayerId, Order, Rect, WidgetRect, WidgetRects};
use std::collections::HashMap;

/// A part of the window, in the order in which F6 comes to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Region {
    /// The bar at the top.
    TopBar,
    /// What an earlier session left, to be restored.
    Offer,
    /// What the lab noticed.
    Findings,
    /// The open lesson.
    Lesson,
    /// The settings on the left.
    Settings,
    /// What stands between the panes.
    Tabs,
    /// The panes, with their tabs.
    Panes,
    /// Play, step, speed and the line of all steps.
    Transport,
    /// Messages, hints, and whatever else lies over the window.
    #[default]
    Floating,
}

/// What can have the focus now.
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
    /// The region, and in it the part that begins at a mark.
    pub(super) part: (Region, usize),
}

/// A widget stands in a part of the window within so many steps upwards.
const DEEPEST: usize = 64;

/// What was open in the last pass: the menu on top, else the dialog on top.
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

/// Every widget that can have the focus, in the order in which they are read.
pub(super) fn stops(ctx: &Context, scope: Scope, told: &Told) -> Vec<Stop> {
    let layers: Vec<LayerId> = ctx.viewport(|v| v.prev_pass.widgets.layer_ids().collect());
    let meant = |layer: &LayerId| match scope {
        Scope::Popup(popup) => *layer == popup,
        _ => ctx.memory(|m| m.allows_interaction(*layer)),
    };
    let layers: Vec<LayerId> = layers.into_iter().filter(meant).collect();
    let mut found: Vec<Found> = ctx.viewport(|v| {
        let widgets = &v.prev_pass.widgets;
        let all = layers.iter().flat_map(|l| widgets.get_layer(*l));
        let can = all.filter(|w| w.enabled && w.visible && w.sense.is_focusable() && w.rect.is_positive());
        can.filter(|w| !told.fields.contains_key(&w.id)).filter_map(|w| find(widgets, told, w)).collect()
    });
    // Panes stand beside each other: one after the other, as they are drawn, and not row by row through all.
    let mut order: Vec<Id> = vec![];
    for f in &found {
        if f.stop.part.0 == Region::Panes && !order.contains(&f.at) {
            order.push(f.at);
        }
    }
    let key = |f: &Found| (f.stop.part, order.iter().position(|p| *p == f.at).unwrap_or(0));
    found.sort_by_key(key);
    found.chunk_by(|a, b| key(a) == key(b)).flat_map(|group| read(group, told)).collect()
}

/// A stop, the part of the window or the pane that it stands in, and what scrolls it.
struct Found {
    stop: Stop,
    at: Id,
    scroll: Option<Id>,
}

fn find(widgets: &WidgetRects, told: &Told, w: &WidgetRect) -> Option<Found> {
    let Told { regions, marks, tabs, scrolls, .. } = told;
    // What lies over the window is a widget of its own, to be dragged by: nothing for keys.
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
    // What is drawn on the window itself, in none of its regions, stands between the panes.
    let elsewhere = if w.layer_id.order == Order::Background { Region::Tabs } else { Region::default() };
    let region = match regions.get(&at).copied().unwrap_or(elsewhere) {
        Region::Tabs if tabs.contains(&w.id) => Region::Panes,
        Region::Tabs => return None,
        region => region,
    };
    let marks = if region == Region::Settings { marks.as_slice() } else { &[] };
    let above = marks.iter().filter(|y| **y <= w.rect.top() + 1.0).count();
    Some(Found { stop: Stop { id: w.id, rect: w.rect, part: (region, above) }, at, scroll })
}

/// The stops of a group as one reads them. What is scrolled stands where one sees it scroll, however far its end may lie beyond.
fn read(group: &[Found], told: &Told) -> Vec<Stop> {
    let mut blocks: Vec<(Rect, Vec<(Rect, Stop)>)> = vec![];
    let mut of_scroll: HashMap<Id, usize> = HashMap::new();
    for f in group {
        let one = (f.stop.rect, f.stop);
        match f.scroll.and_then(|id| Some((id, *told.scrolls.get(&id)?))) {
            Some((id, rect)) => {
                let place = *of_scroll.entry(id).or_insert(blocks.len());
                if place == blocks.len() {
                    blocks.push((rect, vec![]));
                }
                blocks[place].1.push(one);
            }
            None => blocks.push((f.stop.rect, vec![one])),
        }
    }
    by_rows(blocks).into_iter().flat_map(by_rows).collect()
}

/// Row by row, and in a row from left to right: what overlaps the first of a row by half of the lower height stands in it.
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
    fn widgets_are_read_row_by_row() {
        let at = |n: u32, x: f32, y: f32, h: f32| (Rect::from_min_size(pos2(x, y), vec2(20.0, h)), n);
        // Drawn from the right, and one a little lower than the others.
        let drawn =
            vec![at(3, 200.0, 10.0, 28.0), at(2, 100.0, 12.0, 22.0), at(1, 0.0, 8.0, 30.0), at(4, 0.0, 60.0, 20.0)];
        assert_eq!(by_rows(drawn), [1, 2, 3, 4]);
    }
}
