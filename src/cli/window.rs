//! `moebias [FILE]`: the window.

use super::failure::Failure;
use std::path::Path;

/// Opens the window.
pub(super) fn open(_file: Option<&Path>) -> Result<(), Failure> {
    Err(Failure::new("the window is not there yet; `moebias run`, `replay`, `check` and `doctor` need none"))
}
