//! Positions of the widgets that a lesson may point at: widgets report their position by name, and only wanted names are kept.

use eframe::egui::{Align, Context, Id, Rect, Ui};
use std::sync::Arc;

/// The names that a lesson points at now.
#[derive(Clone, Default)]
struct Wanted {
    names: Arc<Vec<&'static str>>,
    scroll: bool,
}

fn id() -> Id {
    Id::unique("spots wanted")
}

/// Requests the positions of these names, and scrolls them into view until [`stop_scrolling`].
pub fn want(ctx: &Context, names: Vec<&'static str>) {
    ctx.data_mut(|d| {
        if names.is_empty() {
            d.remove_temp::<Wanted>(id());
        } else {
            d.insert_temp(id(), Wanted { names: Arc::new(names), scroll: true });
        }
    });
}

/// Stops scrolling the requested widgets into view, so that a person may scroll away from them.
pub fn stop_scrolling(ctx: &Context) {
    ctx.data_mut(|d| {
        if let Some(mut wanted) = d.get_temp::<Wanted>(id()) {
            wanted.scroll = false;
            d.insert_temp(id(), wanted);
        }
    });
}

/// Reports the position of a widget. This costs a look into a short list while a lesson points at something, and less otherwise.
pub fn offer(ui: &Ui, name: &str, rect: Rect) {
    let Some(wanted) = ui.data(|d| d.get_temp::<Wanted>(id())) else { return };
    // A widget that is only measured is not on screen.
    if !ui.is_visible() || !wanted.names.contains(&name) {
        return;
    }
    let seen = rect.intersect(ui.clip_rect());
    if wanted.scroll && seen.height() < rect.height() {
        ui.scroll_to_rect(rect, Some(Align::Center));
    }
    let pass = ui.ctx().cumulative_pass_nr();
    ui.data_mut(|d| d.insert_temp(id().with(name), (pass, seen)));
}

/// Whether one of these names is requested, so that a folded section opens.
#[must_use]
pub fn wants(ui: &Ui, names: &[&str]) -> bool {
    let wanted: Wanted = ui.data(|d| d.get_temp(id())).unwrap_or_default();
    wanted.names.iter().any(|name| names.contains(name))
}

/// The pass in which a widget last reported its position, and the position.
#[must_use]
pub fn found(ctx: &Context, name: &str) -> Option<(u64, Rect)> {
    ctx.data(|d| d.get_temp(id().with(name)))
}
