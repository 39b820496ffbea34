//! `moebias check`: every file is read and reported.

use super::failure::Failure;
use super::{input, output};
use std::path::PathBuf;

pub(super) fn check(files: &[PathBuf]) -> Result<(), Failure> {
    let mut bad = 0;
    for file in files {
        match input::open(file) {
            Ok(input) => output::print(&format!("{}: good: {}\n", file.display(), input.title))?,
            Err(failure) => {
                bad += 1;
                failure.tell();
            }
        }
    }
    if bad == 0 { Ok(()) } else { Err(Failure::Silent) }
}
