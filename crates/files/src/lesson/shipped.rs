//! The course that ships with Moebias, inside the binary.

use super::super::error::FileError;
use super::{Lesson, load_text};
use std::path::Path;

/// A lesson that ships with Moebias.
#[derive(Debug)]
pub struct ShippedLesson {
    /// Its file name without the ending.
    pub id: &'static str,
    /// The file, as it stands in `assets/lessons/`.
    pub text: &'static str,
}

macro_rules! lessons {
    ($($id:literal),* $(,)?) => {
        &[$(ShippedLesson { id: $id, text: include_str!(concat!(env!("MOEBIAS_LESSONS"), "/", $id, ".lesson.ron")) }),*]
    };
}

/// The course, in the order in which it is best taken.
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
    ]
}

/// The shipped lesson of this id.
#[must_use]
pub fn find(id: &str) -> Option<&'static ShippedLesson> {
    shipped().iter().find(|l| l.id == id)
}

impl ShippedLesson {
    /// The lesson, ready to play.
    ///
    /// # Errors
    /// None, as a test makes sure of for every one of them.
    pub fn load(&self) -> Result<Lesson, FileError> {
        let mut lesson = load_text(self.text, &format!("{}.lesson.ron", self.id), Path::new(""))?;
        self.id.clone_into(&mut lesson.id);
        Ok(lesson)
    }
}
