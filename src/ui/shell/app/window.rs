//! The window as a whole: its title, size, screen and keyboard focus, how fast it is drawn, and when it may close.

use crate::ui::kit::focus::Focus;
use crate::ui::kit::meter::Meter;
use crate::ui::kit::screen::Screen;
use crate::ui::store::Stored;
use eframe::egui::{Context, ViewportCommand};
use moebias_lab::Lab;
use moebias_lab::notices::Level;
use std::time::Duration;

/// What is known of the window itself.
pub(super) struct Window {
    /// The title it has now.
    title: String,
    /// Measures how long frames take, where that was asked for.
    meter: Option<Meter>,
    pub(super) focus: Focus,
    screen: Screen,
    /// The window was asked to close, and waits until everything is written.
    closing: bool,
}

impl Window {
    pub(super) fn new() -> Self {
        let (focus, screen) = (Focus::default(), Screen::default());
        Self { title: String::new(), meter: Meter::wanted(), focus, screen, closing: false }
    }

    /// Passes the CPU time of the last frame to the meter.
    pub(super) fn time(&mut self, frame: &eframe::Frame) {
        if let (Some(meter), Some(seconds)) = (&mut self.meter, frame.info().cpu_usage) {
            meter.frame(f64::from(seconds));
        }
    }

    /// Shows the experiment's title in the title bar.
    pub(super) fn name(&mut self, ctx: &Context, experiment: &str) {
        let title = format!("{experiment} – Moebias");
        if title != self.title {
            ctx.send_viewport_cmd(ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }

    /// Remembers the window's size, to open it so again, and tells of what the screen needs.
    pub(super) fn follow_screen(&mut self, ctx: &Context, stored: &mut Stored, lab: &mut Lab) {
        let (rect, maximised, full) = ctx.input(|i| {
            let v = i.viewport();
            (v.inner_rect, v.maximized.unwrap_or(false), v.fullscreen.unwrap_or(false))
        });
        // Stored in points of the system, whatever the zoom.
        if let Some(size) = rect.filter(|_| !full && !maximised).map(|r| r.size() * ctx.zoom_factor()) {
            stored.size = Some([size.x.round(), size.y.round()]);
        }
        if !full {
            stored.maximised = maximised;
        }
        if let Some(said) = self.screen.follow(ctx) {
            lab.tell(Level::Warning, said);
        }
    }

    /// Closes the window once everything is written, or when a person who was told that something can't be written closes it again.
    pub(super) fn follow_closing(&mut self, ctx: &Context, lab: &mut Lab) {
        let asked = ctx.input(|i| i.viewport().close_requested());
        if !asked && !self.closing {
            return;
        }
        let may = lab.may_close();
        self.closing = !may && lab.is_saving();
        match (asked, may) {
            (true, false) => ctx.send_viewport_cmd(ViewportCommand::CancelClose),
            (false, true) => ctx.send_viewport_cmd(ViewportCommand::Close),
            _ => {}
        }
        if self.closing {
            ctx.request_repaint_after(Duration::from_millis(50));
        }
    }
}
