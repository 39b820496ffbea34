//! The course of lessons that ships with Moebias, as part of the binary.

use super::super::error::FileError;
use super::{Lesson, load_text};
use std::path::Path;

/// A lesson that ships with Moebias.
#[derive(Debug)]
pub struct ShippedLesson {
    /// The name of its file without the ending.
    pub id: &'static str,
    /// The content of its file in `assets/lessons/`.
    pub text: &'static str,
}

macro_rules! lessons {
    ($($id:literal),* $(,)?) => {
        &[$(ShippedLesson { id: $id, text: include_str!(concat!(env!("MOEBIAS_LESSONS"), "/", $id, ".lesson.ron")) }),*]
    };
}

/// The lessons of the course, in the recommended order.
#[must_use]
pub fn shipped() -> &'static [ShippedLesson] {
    lessons![
        "router",
        "starving",
        "auxiliary-loss",
        "bias",
        "step-size",
        "sign-or-proportional",
        "shape",
        "moving-targets",
        "prices",
        "sampling-floor",
        "big-models",
        "your-own",
        "your-model",
    ]
}

/// The shipped lesson with this id.
#[must_use]
pub fn find(id: &str) -> Option<&'static ShippedLesson> {
    shipped().iter().find(|l| l.id == id)
}

impl ShippedLesson {
    /// Loads the lesson.
    ///
    /// # Errors
    /// None in practice: a test loads every shipped lesson.
    pub fn load(&self) -> Result<Lesson, FileError> {
        let mut lesson = load_text(self.text, &format!("{}.lesson.ron", self.id), Path::new(""))?;
        self.id.clone_into(&mut lesson.id);
        Ok(lesson)
    }
}
