//! Where the things are that a lesson may point at: widgets say so by name, and only what is wanted is noted.

use eframe::egui::{Align, Context, Id, Rect, Ui};
use std::sync::Arc;

/// The names that are wanted in this frame.
#[derive(Clone, Default)]
struct Wanted {
    names: Arc<Vec<&'static str>>,
    scroll: bool,
}

fn id() -> Id {
    Id::unique("spots wanted")
}

/// From now on these names are wanted, and scrolled into sight until [`stop_scrolling`].
pub fn want(ctx: &Context, names: Vec<&'static str>) {
    ctx.data_mut(|d| {
        if names.is_empty() {
            d.remove_temp::<Wanted>(id());
        } else {
            d.insert_temp(id(), Wanted { names: Arc::new(names), scroll: true });
        }
    });
}

/// What is wanted is in sight: a person may scroll away from it.
pub fn stop_scrolling(ctx: &Context) {
    ctx.data_mut(|d| {
        if let Some(mut wanted) = d.get_temp::<Wanted>(id()) {
            wanted.scroll = false;
            d.insert_temp(id(), wanted);
        }
    });
}

/// A widget says where it is. Costs a look into a short list while a lesson points at something, and less otherwise.
pub fn offer(ui: &Ui, name: &str, rect: Rect) {
    let Some(wanted) = ui.data(|d| d.get_temp::<Wanted>(id())) else { return };
    // What is only measured is not there.
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

/// Whether one of these is wanted: what is folded away then opens.
#[must_use]
pub fn wants(ui: &Ui, names: &[&str]) -> bool {
    let wanted: Wanted = ui.data(|d| d.get_temp(id())).unwrap_or_default();
    wanted.names.iter().any(|name| names.contains(name))
}

/// The pass in which a widget last said that it is there, and where.
#[must_use]
pub fn found(ctx: &Context, name: &str) -> Option<(u64, Rect)> {
    ctx.data(|d| d.get_temp(id().with(name)))
}
