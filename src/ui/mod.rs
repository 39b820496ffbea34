//! The window. It holds no state of the experiment: it draws the newest snapshot of [`moebias_lab::Lab`] and sends commands to it.

pub mod actions;
pub mod ask;
pub mod controls;
pub mod export;
pub mod help;
pub mod kit;
pub mod link;
pub mod panes;
pub mod shell;
pub mod store;
#[cfg(test)]
pub mod testing;
