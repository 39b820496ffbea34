//! The words that the records of a file spell out, token by token.

use super::pieces::Spelling;
use super::{IDS, Vocabulary};
use std::collections::{BTreeMap, HashMap};

/// The most characters that are kept of a word.
const LONGEST: usize = 256;

/// Collects words. Where tokens have no ids, equal words get equal ids, in the order in which they first appear.
#[derive(Debug, Default)]
pub(crate) struct Within {
    by_id: BTreeMap<i64, String>,
    /// Ids that were given out; unused where tokens have ids of their own.
    numbers: HashMap<String, i64>,
}

impl Within {
    /// Takes the word of a token. Returns the id of the token, if it has one, and the bytes of memory that the word needs.
    pub(crate) fn take(&mut self, word: &str, id: Option<i64>) -> (Option<i64>, usize) {
        let cost = |word: &str| 2 * word.len() + 96;
        let word: String = word.chars().take(LONGEST).collect();
        if let Some(&known) = self.numbers.get(&word) {
            return (Some(known), 0);
        }
        // Whether ids are given out is decided by the first token.
        let own = id.is_some() && self.numbers.is_empty();
        let given = self.numbers.len() as i64;
        let id = match id {
            Some(id) if own => id,
            None if !self.numbers.is_empty() || self.by_id.is_empty() => given,
            _ if self.numbers.is_empty() => return (None, 0),
            _ => given,
        };
        if !(0..IDS as i64).contains(&id) {
            return (own.then_some(id), 0);
        }
        let bytes = cost(&word);
        if !own {
            self.numbers.insert(word.clone(), id);
        }
        match self.by_id.entry(id) {
            std::collections::btree_map::Entry::Occupied(_) => (Some(id), 0),
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(word);
                (Some(id), bytes)
            }
        }
    }

    /// The vocabulary, and whether its ids were given out here; `None` without words.
    pub(crate) fn finish(self) -> Option<(Vocabulary, bool)> {
        let spelling = Spelling::guessed(self.by_id.values().map(String::as_str));
        let mut vocabulary = Vocabulary::new();
        for (id, word) in &self.by_id {
            vocabulary.insert(u64::try_from(*id).ok()?, &spelling.bytes(word)).ok()?;
        }
        (!vocabulary.is_empty()).then_some((vocabulary, !self.numbers.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_without_ids_are_numbered_and_words_with_ids_keep_them() {
        let mut numbered = Within::default();
        let ids: Vec<_> = ["the", " cat", "the", " sat"].map(|w| numbered.take(w, None).0).into();
        assert_eq!(ids, [Some(0), Some(1), Some(0), Some(2)]);
        assert_eq!(numbered.take(" on", Some(900)).0, Some(3), "ids are given out already");
        let (vocabulary, given) = numbered.finish().unwrap();
        assert_eq!((vocabulary.word(1).as_deref(), given), (Some(" cat"), true));
        let mut own = Within::default();
        assert_eq!(own.take("Ġcat", Some(70)).0, Some(70));
        assert_eq!(own.take("Ġdog", None).0, None);
        assert_eq!(own.take("Ġfar", Some(i64::MAX)).0, Some(i64::MAX), "beyond what is shown as text");
        let (vocabulary, given) = own.finish().unwrap();
        assert_eq!((vocabulary.word(70).as_deref(), given), (Some(" cat"), false));
        assert!(Within::default().finish().is_none());
    }
}
