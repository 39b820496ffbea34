//! The view that a scenario asks for: applied while the scenario is open. Afterwards the person's own arrangement is restored.

use crate::ui::link::Link;
use crate::ui::panes::{Look, Panes};
use crate::ui::shell::layout::Layout;
use eframe::egui::Rect;
use moebias_files::view::{PaneKind, Part, View};

/// The view in force, and the person's own arrangement, which it replaces.
#[derive(Default)]
pub struct Views {
    view: Option<View>,
    zoom: Option<f32>,
    hidden: Vec<Part>,
    before: Option<Before>,
}

struct Before {
    layout: Layout,
    look: Look,
}

impl Views {
    /// Applies the view that the open scenario wants. True if it differs from the view applied before.
    pub fn follow(&mut self, wanted: Option<&View>, layout: &mut Layout, panes: &mut Panes, link: &mut Link) -> bool {
        if self.view.as_ref() == wanted {
            return false;
        }
        self.leave(layout, panes);
        self.view = wanted.cloned();
        if let Some(view) = wanted {
            self.hidden.clone_from(&view.hidden);
            self.zoom = view.zoom;
            let own = std::mem::replace(layout, Layout::of_view(view, layout));
            self.before = Some(Before { layout: own, look: panes.look() });
            let look = panes.look();
            panes.set_look(Look {
                rows: view.rows.or(look.rows),
                cells: view.cells.unwrap_or(look.cells),
                section: view.section.unwrap_or(look.section),
            });
            if let Some(expert) = view.expert {
                link.pinned_expert = Some(expert as usize);
            }
        }
        true
    }

    /// Restores the person's own arrangement, even while the scenario stays open. True if a view was in force.
    pub fn leave(&mut self, layout: &mut Layout, panes: &mut Panes) -> bool {
        self.hidden.clear();
        self.zoom = None;
        let Some(before) = self.before.take() else { return false };
        *layout = before.layout;
        panes.set_look(before.look);
        true
    }

    /// Whether a view is in force.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.before.is_some()
    }

    /// The person's own layout, whatever is shown now. This one is stored.
    #[must_use]
    pub fn own<'a>(&'a self, shown: &'a Layout) -> &'a Layout {
        self.before.as_ref().map_or(shown, |b| &b.layout)
    }

    /// The zoom that the view asks for.
    #[must_use]
    pub fn zoom(&self) -> Option<f32> {
        self.zoom
    }

    /// Changes the view's zoom. False if the view has none, so that the person's own zoom applies.
    pub fn set_zoom(&mut self, zoom: f32) -> bool {
        self.zoom = self.zoom.map(|_| zoom);
        self.zoom.is_some()
    }

    /// Whether the view hides a part.
    #[must_use]
    pub fn hides(&self, part: Part) -> bool {
        self.hidden.contains(&part)
    }

    /// Shows a part that the view hides. True if it was hidden.
    pub fn show(&mut self, part: Part) -> bool {
        let before = self.hidden.len();
        self.hidden.retain(|p| *p != part);
        self.hidden.len() < before
    }
}

/// The window as it is now, as a view. A pane whose centre lies within the width of a column belongs to that column.
#[must_use]
pub fn written(layout: &Layout, panes: &Panes, link: &Link, hidden: Vec<Part>, zoom: f32) -> View {
    let mut shown: Vec<(PaneKind, Rect)> = layout.places();
    shown.sort_by(|a, b| a.1.left().total_cmp(&b.1.left()).then(a.1.top().total_cmp(&b.1.top())));
    let mut columns: Vec<(Rect, Vec<(PaneKind, f32)>)> = vec![];
    for (name, rect) in shown {
        match columns.iter_mut().find(|(c, _)| c.x_range().contains(rect.center().x)) {
            Some((column, panes)) => {
                *column |= rect;
                panes.push((name, rect.top()));
            }
            None => columns.push((rect, vec![(name, rect.top())])),
        }
    }
    for (_, panes) in &mut columns {
        panes.sort_by(|a, b| a.1.total_cmp(&b.1));
    }
    let all: f32 = columns.iter().map(|(c, _)| c.width()).sum();
    let share = |width: f32| (width / all.max(1.0) * 100.0).round().max(1.0) / 10.0;
    let look = panes.look();
    View {
        widths: columns.iter().map(|(c, _)| share(c.width())).collect(),
        columns: columns.into_iter().map(|(_, panes)| panes.into_iter().map(|(name, _)| name).collect()).collect(),
        maximised: layout.maximised(),
        hidden,
        zoom: (zoom != 1.0).then_some(zoom),
        rows: look.rows,
        cells: Some(look.cells),
        section: layout.rect_of(PaneKind::Theory).map(|_| look.section),
        expert: link.pinned_expert.map(|e| e as u32),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_person_s_own_layout_comes_back() {
        let (mut layout, mut panes, mut link) = (Layout::default(), Panes::default(), Link::default());
        let own = layout.tree().clone();
        let look = panes.look();
        let view = View {
            columns: vec![vec![PaneKind::Theory], vec![PaneKind::Bias, PaneKind::Load]],
            hidden: vec![Part::Controls],
            rows: Some(moebias_files::view::Rows::Topics),
            ..View::default()
        };
        let mut views = Views::default();
        assert!(views.follow(Some(&view), &mut layout, &mut panes, &mut link));
        assert!(!views.follow(Some(&view), &mut layout, &mut panes, &mut link), "a Reset does not arrange anew");
        assert_eq!(layout.order(), [PaneKind::Theory, PaneKind::Bias, PaneKind::Load]);
        assert!(views.hides(Part::Controls) && panes.look() != look);
        assert_eq!(*views.own(&layout).tree(), own, "what is stored is the person's");
        assert!(views.follow(None, &mut layout, &mut panes, &mut link));
        assert!(*layout.tree() == own && panes.look() == look && !views.hides(Part::Controls));
    }
}
