//! What every part of the window is made of: theme, type, widgets, words, focus.

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
