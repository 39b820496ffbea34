//! The window: what a person sees and touches. It holds no state of the experiment; it draws [`moebias_lab::Lab`]'s newest snapshot
//! and sends commands.

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
