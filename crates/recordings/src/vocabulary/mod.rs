//! Vocabularies: which bytes each token id stands for, so that the tokens of a recording can be shown as text.

mod pieces;
mod read;
mod spelled;
mod within;

pub use spelled::Part;
pub(crate) use within::Within;

use super::error::ReadError;
use moebias_disk::{Limit, door};
use std::path::{Path, PathBuf};

/// The names under which a vocabulary is looked for in the folder of a recording, the best first.
pub const FILES: [&str; 3] = ["tokenizer.json", "vocab.json", "vocabulary.json"];

/// The largest file that is read.
const LIMIT: Limit = Limit::new("a vocabulary", 64 << 20);
/// Token ids are below this.
const IDS: u64 = 1 << 22;

/// The bytes of every token id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vocabulary {
    /// The bytes of all tokens, one token after another.
    bytes: Vec<u8>,
    /// By token id, where the bytes of the token begin and end; `None` if there is no such token.
    places: Vec<Option<(usize, usize)>>,
}

impl Vocabulary {
    /// A vocabulary without tokens.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The vocabulary in the folder of a recording: the file that would be read, if there is one. No file is opened.
    #[must_use]
    pub fn beside(recording: &Path) -> Option<PathBuf> {
        let folder = recording.parent()?;
        FILES.iter().map(|name| folder.join(name)).find(|path| path.is_file())
    }

    /// Reads a file: a `tokenizer.json` of Hugging Face's tokenizers, or JSON that lists tokens or maps them to ids or ids to them.
    ///
    /// # Errors
    /// The file can't be opened, is too large, or holds no vocabulary.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let name = path.display().to_string();
        let json = door::bytes(path, LIMIT).map_err(|e| ReadError::refused(&name, e))?;
        Self::parse(&name, &json)
    }

    /// As [`Self::open`], of a file that is in memory.
    ///
    /// # Errors
    /// It holds no vocabulary.
    pub fn parse(name: &str, json: &[u8]) -> Result<Self, ReadError> {
        read::read(json).map_err(|what| ReadError::new(name, what))
    }

    /// Sets the bytes of a token id.
    ///
    /// # Errors
    /// The id is too large; a sentence.
    pub fn insert(&mut self, id: u64, bytes: &[u8]) -> Result<(), String> {
        if id >= IDS {
            return Err(format!("it has token id {id}, but token ids must be below {IDS}"));
        }
        let id = id as usize;
        if id >= self.places.len() {
            self.places.resize(id + 1, None);
        }
        let from = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.places[id] = Some((from, self.bytes.len()));
        Ok(())
    }

    /// The number of token ids, counting those without a token.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is no token.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The bytes of a token; `None` if there is no such token.
    #[must_use]
    pub fn bytes_of(&self, id: i64) -> Option<&[u8]> {
        let (from, to) = (*self.places.get(usize::try_from(id).ok()?)?)?;
        self.bytes.get(from..to)
    }

    /// What consecutive tokens spell, token by token. A character whose bytes are divided over several tokens belongs to the first of them.
    #[must_use]
    pub fn spell(&self, ids: &[i64]) -> Vec<Vec<Part>> {
        spelled::spell(ids.iter().map(|&id| self.bytes_of(id)))
    }

    /// What one token spells by itself, in one line; `None` if there is no such token.
    #[must_use]
    pub fn word(&self, id: i64) -> Option<String> {
        self.bytes_of(id)?;
        Some(self.spell(&[id]).iter().flatten().map(Part::shown).collect())
    }
}
