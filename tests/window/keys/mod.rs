//! The app used by keyboard alone: the order in which Tab and F6 move, the palette, the welcome, and every shortcut.

mod palette;
mod shortcuts;
mod tab;
mod welcome;
