//! How large everything is drawn and in which theme: as the person set it, as the scenario says, or for an audience.

use super::App;
use super::showing::Showing;
use crate::ui::actions::Action;
use crate::ui::kit::theme::Theme;
use crate::ui::store::{LARGEST, SMALLEST};
use eframe::egui::{Context, Vec2, ViewportCommand};

impl App {
    /// The zoom that is set: while presenting the one for an audience, else the scenario's, else the person's.
    pub(super) fn zoom_now(&self) -> f32 {
        let Showing { views, presenting, .. } = &self.showing;
        if presenting.is_on() { self.stored.presenting_zoom } else { views.zoom().unwrap_or(self.stored.zoom) }
    }

    /// The zoom to draw with. While presenting on a screen larger than 1920 × 1080 points, the zoom that is set grows with the screen, so
    /// that text can be read from the same distance.
    fn zoom_on(&self, ctx: &Context) -> f32 {
        if !self.showing.presenting.is_on() {
            return self.zoom_now();
        }
        let screen = ctx.content_rect().size() * ctx.zoom_factor();
        presented(self.zoom_now(), screen)
    }

    /// Changes the zoom by this much, rounded to twentieths; `None` sets it to 1.
    fn zoom(&mut self, ctx: &Context, by: Option<f32>) {
        self.zoom_to(ctx, by.map_or(1.0, |by| ((self.zoom_now() + by) * 20.0).round() / 20.0));
    }

    /// Sets the zoom that is in force: the one for an audience, the scenario's, or the person's own, which is remembered.
    pub(super) fn zoom_to(&mut self, ctx: &Context, zoom: f32) {
        let zoom = zoom.clamp(SMALLEST, LARGEST);
        if self.showing.presenting.is_on() {
            self.stored.presenting_zoom = zoom;
        } else if !self.showing.views.set_zoom(zoom) {
            self.stored.zoom = zoom;
        }
        self.apply_zoom(ctx);
    }

    /// Draws with the zoom that is in force from the next frame on.
    pub(super) fn apply_zoom(&self, ctx: &Context) {
        // A picture has the size that was asked for; the code that draws it applies the view's zoom.
        if !self.options.still {
            let zoom = self.zoom_on(ctx);
            if (zoom - ctx.zoom_factor()).abs() > 0.01 {
                ctx.set_zoom_factor(zoom);
            }
        }
    }

    /// Does what concerns zoom, theme and full screen. False for another action.
    pub(super) fn act_on_look(&mut self, ctx: &Context, action: Action) -> bool {
        match action {
            Action::ToggleTheme => {
                self.stored.dark = Some(!Theme::of(ctx).dark);
                ctx.set_theme(self.stored.theme());
            }
            Action::ZoomIn => self.zoom(ctx, Some(0.1)),
            Action::ZoomOut => self.zoom(ctx, Some(-0.1)),
            Action::ZoomReset => self.zoom(ctx, None),
            Action::FullScreen => {
                let on = ctx.input(|i| i.viewport().fullscreen.unwrap_or(false));
                ctx.send_viewport_cmd(ViewportCommand::Fullscreen(!on));
            }
            _ => return false,
        }
        true
    }
}

/// The room that the panes and the transport need while presenting, points.
const ROOM: Vec2 = Vec2::new(900.0, 560.0);

/// The zoom to present with on a screen of this size in points: a multiple of 1/20.
fn presented(zoom: f32, screen: Vec2) -> f32 {
    let twentieths = |zoom: f32| (zoom * 20.0 + 0.01).floor() / 20.0;
    let grown = (screen.y / 1080.0).min(screen.x / 1920.0).max(1.0);
    // On a small screen the zoom is limited, so that the panes keep the room they need.
    let most = (screen / ROOM).min_elem().max(1.0);
    twentieths((zoom * grown).min(most.max(zoom.min(1.0)))).min(4.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::vec2;

    #[test]
    fn what_is_presented_grows_with_the_screen() {
        assert_eq!(presented(1.5, vec2(1920.0, 1080.0)), 1.5);
        assert_eq!(presented(1.5, vec2(3840.0, 2160.0)), 3.0);
        assert_eq!(presented(1.5, vec2(1440.0, 900.0)), 1.5, "a smaller window is presented as large");
        assert_eq!(presented(1.5, vec2(1100.0, 700.0)), 1.2, "as far as the panes have room");
        assert_eq!(presented(1.25, vec2(800.0, 500.0)), 1.0, "never below the ordinary size");
        assert_eq!(presented(0.75, vec2(1100.0, 700.0)), 0.75, "but for who wants it so");
    }
}
