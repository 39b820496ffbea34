//! Everything that is exported from the window: pictures, drawings and films.

pub mod caption;
pub mod film;
pub mod film_dialog;
pub mod pictures;
pub mod studio;
pub mod svg;
