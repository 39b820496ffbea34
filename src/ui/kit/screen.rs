//! The size of the window: it opens no larger than the screen, so that the transport is in sight, and never grows beyond what the graphics
//! card can draw.

use eframe::egui::{Context, Vec2, ViewportCommand, vec2};

/// The largest share of the screen's width and height that a new window takes; the rest is for its frame and a task bar or dock.
const SHARE: Vec2 = vec2(0.97, 0.9);
/// The number of frames within which the screen's size may become known.
const PATIENCE: u8 = 30;

/// Watches the window's size.
#[derive(Clone, Copy, Debug, Default)]
pub struct Screen {
    frames: u8,
    placed: bool,
    /// The largest side that was reported to the window manager, points.
    told: Option<f32>,
}

/// The size that a window of `inner` points should have on a screen of `monitor` points with a frame of `frame` round it.
fn fitted(inner: Vec2, monitor: Vec2, frame: Vec2) -> Vec2 {
    let most = (monitor - frame).min(monitor * SHARE);
    inner.min(most.max(vec2(320.0, 240.0))).floor()
}

impl Screen {
    /// Adjusts the window's size. Must be called once per frame. Returns a sentence if the window had to be smaller than requested.
    pub fn follow(&mut self, ctx: &Context) -> Option<String> {
        let info = ctx.input(|i| i.viewport().clone());
        let fills = info.fullscreen.unwrap_or(false) || info.maximized.unwrap_or(false);
        let size = ctx.viewport_rect().size();
        if !self.placed && self.frames < PATIENCE {
            self.frames += 1;
            if let Some(monitor) = info.monitor_size.filter(|m| m.x > 1.0 && m.y > 1.0) {
                self.placed = true;
                let frame = info.outer_rect.zip(info.inner_rect).map_or(Vec2::ZERO, |(o, i)| o.size() - i.size());
                let wanted = fitted(size, monitor, frame.max(Vec2::ZERO));
                if !fills && wanted != size.floor() {
                    ctx.send_viewport_cmd(ViewportCommand::InnerSize(wanted));
                }
            }
        }
        self.limit(ctx, size)
    }

    /// Keeps the window within the largest texture.
    fn limit(&mut self, ctx: &Context, size: Vec2) -> Option<String> {
        let pixels = ctx.input(|i| i.max_texture_side) as f32;
        let most = (pixels / ctx.pixels_per_point()).floor();
        if self.told != Some(most) {
            self.told = Some(most);
            ctx.send_viewport_cmd(ViewportCommand::MaxInnerSize(Vec2::splat(most)));
        }
        if size.max_elem() <= most + 1.0 {
            return None;
        }
        ctx.send_viewport_cmd(ViewportCommand::InnerSize(size.min(Vec2::splat(most))));
        Some(format!("The window is at most {pixels:.0} pixels wide and high here: the graphics card can't draw more"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_window_leaves_room_for_its_frame_and_a_bar() {
        let wanted = vec2(1440.0, 900.0);
        assert_eq!(fitted(wanted, vec2(2560.0, 1440.0), vec2(2.0, 30.0)), wanted);
        let small = fitted(wanted, vec2(1440.0, 900.0), vec2(2.0, 30.0));
        assert!(small.x <= 1438.0 && small.y <= 870.0 && small.y >= 780.0, "{small}");
        assert!(fitted(wanted, vec2(1280.0, 720.0), Vec2::ZERO).y <= 648.0);
        assert_eq!(fitted(wanted, vec2(10.0, 10.0), Vec2::ZERO), vec2(320.0, 240.0), "a screen that nobody has");
    }
}
