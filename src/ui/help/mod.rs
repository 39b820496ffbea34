//! What explains: lessons, hints, findings, and the ring that points.

pub mod findings;
pub mod glossary;
pub mod hints;
pub mod lesson;
pub mod spotlight;
