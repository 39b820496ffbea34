//! The building blocks of the window: theme, fonts, widgets, words, keyboard focus.

pub mod clipboard;
pub mod events;
pub mod focus;
pub mod fonts;
pub mod glossary;
pub mod icon;
pub mod markdown;
pub mod matching;
pub mod meter;
pub mod pixels;
pub mod screen;
pub mod scroll;
pub mod speed;
pub mod spots;
pub mod style;
pub mod theme;
pub mod widgets;
pub mod words;
