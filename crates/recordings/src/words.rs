//! Where the words of a recording's token ids are found.

use super::assumption::{Assumption, Question};
use super::recording::{Recording, Words};
use super::vocabulary::Vocabulary;
use std::path::Path;

/// Notes where the words of a recording with token ids are found: in the recording itself, or in a file beside it.
pub(crate) fn find(recording: &mut Recording, path: &Path) {
    if recording.words.is_some() || recording.layers.iter().all(|l| l.token_ids.is_empty()) {
        return;
    }
    let Some(file) = Vocabulary::beside(path) else { return };
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let text = format!("the words of the token ids are those of {name} beside the file");
    recording.assumptions.push(Assumption::usual(Question::Values, text));
    recording.words = Some(Words::Beside(file));
}
