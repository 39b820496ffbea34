//! The window: what a person sees and touches. It holds no state of the experiment; it draws [`crate::lab::Lab`]'s newest snapshot
//! and sends commands.

pub mod link;
pub mod panes;
pub mod style;
#[cfg(test)]
pub mod testing;
pub mod theme;
