//! The window itself: the app, its bars, palette, layout, dialogs and messages.

pub mod app;
pub mod files;
mod importing;
pub mod layout;
pub mod notices;
pub mod palette;
pub mod presenting;
pub mod rename;
pub mod shortcuts;
pub mod software;
pub mod top_bar;
pub mod transport_bar;
pub mod views;
pub mod welcome;
