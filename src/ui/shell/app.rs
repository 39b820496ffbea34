//! The app: what the window consists of, and what happens in each frame. The parts have files of their own.
//!
//! It is the same in a window, in a test and offscreen (`moebias render`); only [`Options`] differ.

mod doing;
mod files;
mod frame;
mod guide;
mod keys;
mod making;
mod overlays;
mod showing;
mod window;
mod zoom;

use crate::ui::controls::Controls;
use crate::ui::kit::focus::Focus;
use crate::ui::kit::style;
use crate::ui::kit::theme::{DARK, LIGHT, Theme};
use crate::ui::link::Link;
use crate::ui::shell::palette::Palette;
use crate::ui::store::{Store, Stored};
use eframe::egui::{Context, Ui, Visuals};
use guide::Guide;
use making::Making;
use moebias_lab::Lab;
use overlays::Overlays;
use showing::Showing;
use window::Window;

/// How the app is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Open with the scenario cards.
    pub welcome: bool,
    /// In a real window: with the system's file dialogs, and on a frame buffer that is cleared to [`eframe::App::clear_color`].
    pub native: bool,
    /// For pictures of a run: messages, hints and offers are left out.
    pub still: bool,
    /// A strip at the top has the title, the step and a key of the variants.
    pub caption: bool,
}

/// The window.
pub struct App {
    options: Options,
    lab: Lab,
    /// What is remembered for the next start, and the file that it is kept in.
    stored: Stored,
    store: Store,
    /// What is hovered, pinned and zoomed into, shared by all panes.
    link: Link,
    /// The panel of settings.
    controls: Controls,
    /// The panes, and which parts of the window are shown.
    showing: Showing,
    /// What covers the panes.
    overlays: Overlays,
    /// Lessons, hints and findings.
    guide: Guide,
    /// Pictures, drawings and films.
    making: Making,
    /// Title, size, focus and closing.
    window: Window,
}

impl App {
    /// The app over a lab.
    #[must_use]
    pub fn new(ctx: &Context, mut lab: Lab, stored: Stored, options: Options) -> Self {
        style::install(ctx);
        ctx.set_theme(stored.theme());
        ctx.set_zoom_factor(stored.zoom);
        // The app has its own keys for zooming, with limits; egui's have none.
        ctx.options_mut(|o| o.zoom_with_keyboard = false);
        lab.set_shelf(stored.lessons.clone());
        Self {
            showing: Showing::new(&stored),
            overlays: Overlays::new(options.welcome),
            guide: Guide::new(options.native),
            making: Making::default(),
            window: Window::new(),
            link: Link::default(),
            controls: Controls::default(),
            store: Store::default(),
            options,
            lab,
            stored,
        }
    }

    /// From now on, what is remembered is kept in this store.
    pub fn keep_in(&mut self, store: Store) {
        self.store = store;
    }

    /// The lab.
    #[must_use]
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// The lab, to send commands to.
    pub fn lab_mut(&mut self) -> &mut Lab {
        &mut self.lab
    }

    /// What is hovered and pinned.
    #[must_use]
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// What is hovered and pinned, to change.
    pub fn link_mut(&mut self) -> &mut Link {
        &mut self.link
    }

    /// Which widget has the keyboard focus.
    #[must_use]
    pub fn focus(&self) -> &Focus {
        &self.window.focus
    }

    /// Height of the palette's list in the last frame, points; 0 where the palette is not open.
    #[must_use]
    pub fn palette_height(&self) -> f32 {
        self.overlays.palette().map_or(0.0, Palette::height)
    }

    /// Whether the palette or a dialog is open, which take the keyboard.
    fn is_typed_into(&self) -> bool {
        self.overlays.is_typed_into() || self.making.is_open()
    }

    /// Whether anything covers the panes.
    fn is_covered(&self) -> bool {
        self.is_typed_into() || self.overlays.open().is_some()
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &Context, _: &mut eframe::Frame) {
        self.lab.poll();
        self.follow_view(ctx);
        self.showing.follow_experiment(&self.lab);
        for path in self.lab.take_recent() {
            self.stored.remember(&path);
        }
        self.poll_making(ctx);
        moebias_lab::crash::rehearse(self.lab.snapshot().step);
        self.window.name(ctx, &self.lab.document().title);
        if self.options.native {
            self.window.follow_screen(ctx, &mut self.stored, &mut self.lab);
        }
        self.window.follow_closing(ctx, &mut self.lab);
    }

    fn ui(&mut self, ui: &mut Ui, frame: &mut eframe::Frame) {
        self.window.time(frame);
        let theme = Theme::of(ui.ctx());
        let ctx = ui.ctx().clone();
        let mut asks = vec![];
        self.begin_frame(&ctx, &mut asks);
        if !self.options.native {
            ui.painter().rect_filled(ui.max_rect(), 0.0, theme.pane);
        }
        self.guide.begin(&ctx, &self.lab, &mut self.link, &mut self.window.focus);
        self.bars(ui, &mut asks, theme);
        self.panes(ui, &mut asks, theme);
        self.cover(ui, &mut asks, theme);
        self.show_over(ui, theme);
        self.end_frame(&ctx, asks);
    }

    fn save(&mut self, _: &mut dyn eframe::Storage) {
        self.stored.panes = Some(self.showing.views.own(&self.showing.layout).tree().clone());
        self.stored.lessons = self.lab.shelf().clone();
        self.stored.biases_less_median = self.showing.panes.bias.choice();
        self.store.save(&self.stored);
    }

    fn on_exit(&mut self) {
        // The window is gone, so what is still to be told goes to the terminal.
        for text in self.lab.close() {
            eprintln!("moebias: {text}");
        }
    }

    fn clear_color(&self, visuals: &Visuals) -> [f32; 4] {
        // The background of the panes; everything else is painted over it.
        let theme = if visuals.dark_mode { &DARK } else { &LIGHT };
        theme.pane.to_normalized_gamma_f32()
    }

    fn persist_egui_memory(&self) -> bool {
        false
    }
}
