//! The real app, driven as a person would: by clicks, keys and drags. Only pictures need a GPU.

mod overlays;
mod panes;
mod run;
mod settings;

use crate::driver::{ORDINARY, Opening, Window, lab_with_journal, pictures, themed};
use eframe::egui::Vec2;
use moebias::ui::shell::app::Options;

/// Opens a shipped scenario.
fn app(size: Vec2, options: Options, dark: bool, scenario: &str) -> Window {
    Opening { size, stored: themed(dark), options, drawn: draws() }.open(lab_with_journal(scenario))
}

/// An ordinary window with the first scenario, in the dark theme.
fn wide() -> Window {
    app(ORDINARY, Options::default(), true, "first-look")
}

/// Whether pixels are drawn: if pictures are wanted, or if a GPU is required (Mesa's software Vulkan counts as one).
fn draws() -> bool {
    pictures().is_some() || std::env::var_os("MOEBIAS_REQUIRE_GPU").is_some()
}

/// Checks that the window is not empty, where pixels are drawn, and saves a picture if pictures are wanted.
fn picture(window: &mut Window, name: &str) {
    if draws() {
        let image = window.render().unwrap();
        let first = image.get_pixel(0, 0);
        assert!(image.pixels().any(|p| p != first), "{name} is empty");
    }
    crate::driver::picture(window, name);
}
