//! What leaves the window: pictures, drawings, films.

pub mod caption;
pub mod film;
pub mod film_dialog;
pub mod pictures;
pub mod studio;
pub mod svg;
