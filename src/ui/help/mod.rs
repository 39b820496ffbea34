//! Everything that explains: lessons, hints, findings, the glossary, and the ring around what a lesson points at.

pub mod findings;
pub mod glossary;
pub mod hints;
pub mod lesson;
pub mod spotlight;
