//! In which order Tab comes to the widgets of the window, of a dialog or of a menu.

use super::Told;
use eframe::egui::{Context, Id, LayerId, Order, Rect};

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
    let Told { regions, marks, fields, tabs, .. } = told;
    let layers: Vec<LayerId> = ctx.viewport(|v| v.prev_pass.widgets.layer_ids().collect());
    let meant = |layer: &LayerId| match scope {
        Scope::Popup(popup) => *layer == popup,
        _ => ctx.memory(|m| m.allows_interaction(*layer)),
    };
    let layers: Vec<LayerId> = layers.into_iter().filter(meant).collect();
    let mut found: Vec<(Stop, Id)> = ctx.viewport(|v| {
        let widgets = &v.prev_pass.widgets;
        let all = layers.iter().flat_map(|l| widgets.get_layer(*l));
        let can = all.filter(|w| w.enabled && w.visible && w.sense.is_focusable() && w.rect.is_positive());
        can.filter(|w| !fields.contains_key(&w.id))
            .map(|w| {
                // Up to the part of the window, or the pane, that it stands in.
                let mut at = w.parent_id;
                for _ in 0..DEEPEST {
                    let parent = widgets.get(at).map(|p| p.parent_id).filter(|p| *p != at);
                    let Some(parent) = parent.filter(|_| !regions.contains_key(&at)) else { break };
                    at = parent;
                }
                let region = regions.get(&at).copied().unwrap_or_default();
                let region = match region {
                    Region::Tabs if tabs.contains(&w.id) => Region::Panes,
                    region => region,
                };
                let marks = if region == Region::Settings { marks.as_slice() } else { &[] };
                let above = marks.iter().filter(|y| **y <= w.rect.top() + 1.0).count();
                (Stop { id: w.id, rect: w.rect, part: (region, above) }, at)
            })
            .filter(|(stop, _): &(Stop, Id)| stop.part.0 != Region::Tabs)
            .collect()
    });
    // Panes stand beside each other: one after the other, as they are drawn, and not row by row through all.
    let mut order: Vec<Id> = vec![];
    for (stop, at) in &found {
        if stop.part.0 == Region::Panes && !order.contains(at) {
            order.push(*at);
        }
    }
    let pane = |at: &Id| order.iter().position(|p| p == at).unwrap_or(0);
    found.sort_by_key(|(stop, at)| (stop.part, pane(at)));
    let mut out: Vec<Stop> = vec![];
    let mut rest = found.as_slice();
    while let Some((first, at)) = rest.first() {
        let key = (first.part, pane(at));
        let count = rest.iter().take_while(|(s, at)| (s.part, pane(at)) == key).count();
        out.extend(by_rows(rest[..count].iter().map(|(s, _)| *s).collect()));
        rest = &rest[count..];
    }
    out
}

/// Row by row, and in a row from left to right: what overlaps the first of a row by half of the lower height stands in it.
fn by_rows(mut stops: Vec<Stop>) -> Vec<Stop> {
    let mut out = Vec::with_capacity(stops.len());
    stops.sort_by(|a, b| a.rect.top().total_cmp(&b.rect.top()));
    while let Some(first) = stops.first().map(|s| s.rect) {
        let in_row = |s: &Stop| {
            let overlap = first.bottom().min(s.rect.bottom()) - first.top().max(s.rect.top());
            overlap >= 0.5 * first.height().min(s.rect.height())
        };
        let (mut row, rest): (Vec<Stop>, Vec<Stop>) = stops.into_iter().partition(in_row);
        row.sort_by(|a, b| a.rect.left().total_cmp(&b.rect.left()));
        out.extend(row);
        stops = rest;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::{pos2, vec2};

    #[test]
    fn widgets_are_read_row_by_row() {
        let stop = |n: u64, x: f32, y: f32, h: f32| Stop {
            id: Id::unique(n),
            rect: Rect::from_min_size(pos2(x, y), vec2(20.0, h)),
            part: (Region::TopBar, 0),
        };
        // Drawn from the right, and one a little lower than the others.
        let drawn = vec![
            stop(3, 200.0, 10.0, 28.0),
            stop(2, 100.0, 12.0, 22.0),
            stop(1, 0.0, 8.0, 30.0),
            stop(4, 0.0, 60.0, 20.0),
        ];
        let ids: Vec<Id> = by_rows(drawn).iter().map(|s| s.id).collect();
        assert_eq!(ids, [1, 2, 3, 4].map(|n: u64| Id::unique(n)));
    }
}
