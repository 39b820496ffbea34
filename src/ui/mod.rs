//! The window: what a person sees and touches. It holds no state of the experiment; it draws [`moebias_lab::Lab`]'s newest snapshot
//! and sends commands.

pub mod actions;
pub mod app;
pub mod caption;
pub mod clipboard;
pub mod controls;
pub mod events;
pub mod files;
pub mod film;
pub mod film_dialog;
pub mod findings;
pub mod focus;
pub mod fonts;
pub mod glossary;
pub mod hints;
pub mod icon;
pub mod layout;
pub mod lesson;
pub mod link;
pub mod markdown;
pub mod meter;
pub mod notices;
pub mod palette;
pub mod panes;
pub mod pictures;
pub mod presenting;
pub mod rename;
pub mod screen;
pub mod shortcuts;
pub mod software;
pub mod spotlight;
pub mod store;
pub mod studio;
pub mod style;
pub mod svg;
#[cfg(test)]
pub mod testing;
pub mod theme;
pub mod top_bar;
pub mod transport_bar;
pub mod views;
pub mod welcome;
pub mod widgets;
pub mod words;
