//! What the window remembers between sessions: only how it looks. Experiments are files.

use super::hints::Hint;
use super::panes::PaneKind;
use crate::lab::lesson::Shelf;
use eframe::egui;
use egui_tiles::Tree;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The key it is stored under. Another shape gets another number, and the old one is left alone.
const KEY: &str = "moebias-window-1";
/// Recent files kept.
const RECENT: usize = 12;

/// Everything remembered.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Stored {
    /// Where the panes stand.
    pub panes: Option<Tree<PaneKind>>,
    /// The theme a person chose; the system's where they did not.
    pub dark: Option<bool>,
    /// Files opened or saved lately, newest first.
    pub recent: Vec<PathBuf>,
    /// Whether the settings are shown.
    pub controls: bool,
    /// Size of everything, 1 is ordinary.
    pub zoom: f32,
    /// The same while presenting.
    pub presenting_zoom: f32,
    /// Whether hints are given.
    pub hints: bool,
    /// Hints that are no longer needed.
    pub known: Vec<Hint>,
    /// How far lessons were read.
    pub lessons: Shelf,
    /// Whether biases are shown less their median, where a person said so.
    pub biases_less_median: Option<bool>,
}

impl Default for Stored {
    fn default() -> Self {
        Self {
            panes: None,
            dark: None,
            recent: vec![],
            controls: true,
            zoom: 1.0,
            presenting_zoom: PRESENTING,
            hints: true,
            known: vec![],
            lessons: Shelf::default(),
            biases_less_median: None,
        }
    }
}

impl Stored {
    /// What was stored; the defaults where nothing was or it cannot be read.
    #[must_use]
    pub fn load(storage: Option<&dyn eframe::Storage>) -> Self {
        let stored: Self = storage.and_then(|s| eframe::get_value(s, KEY)).unwrap_or_default();
        let sound = |zoom: f32, or| if zoom.is_finite() { zoom.clamp(SMALLEST, LARGEST) } else { or };
        let (zoom, presenting_zoom) = (sound(stored.zoom, 1.0), sound(stored.presenting_zoom, PRESENTING));
        Self { zoom, presenting_zoom, ..stored }
    }

    /// Stores it.
    pub fn save(&self, storage: &mut dyn eframe::Storage) {
        eframe::set_value(storage, KEY, self);
    }

    /// Puts a file first among the recent ones.
    pub fn remember(&mut self, path: &Path) {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        self.recent.retain(|p| *p != path);
        self.recent.insert(0, path);
        self.recent.truncate(RECENT);
    }

    /// The theme to use.
    #[must_use]
    pub fn theme(&self) -> egui::ThemePreference {
        match self.dark {
            Some(true) => egui::ThemePreference::Dark,
            Some(false) => egui::ThemePreference::Light,
            None => egui::ThemePreference::System,
        }
    }
}

/// Size of everything while presenting, until somebody changes it.
pub const PRESENTING: f32 = 1.25;
/// Smallest size of everything.
pub const SMALLEST: f32 = 0.75;
/// Largest.
pub const LARGEST: f32 = 2.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recent_files_are_few_and_each_once() {
        let mut stored = Stored::default();
        for i in 0..30 {
            stored.remember(Path::new(&format!("/tmp/{}.ron", i % 20)));
        }
        assert_eq!(stored.recent.len(), RECENT);
        assert!(stored.recent[0].ends_with("9.ron"));
        stored.remember(Path::new("/tmp/5.ron"));
        assert_eq!(stored.recent.iter().filter(|p| p.ends_with("5.ron")).count(), 1);
    }
}
