//! The WGSL of a shader, joined from files. It remembers which lines came from which file, since a compiler reports lines of the whole.

use super::Pass;
use super::constants;
use super::manifest::File;

/// The name of the constants in error messages.
const CONSTANTS: &str = "the constants of crates/engine/src/gpu/shader/constants.rs";

/// The WGSL of one shader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    text: String,
    /// The line at which each file begins, counted from 0, and the path of the file.
    parts: Vec<(usize, &'static str)>,
}

impl Source {
    /// The WGSL of a pass.
    #[must_use]
    pub fn of(pass: Pass) -> Self {
        let slots = pass.slots();
        Self::join(&constants::preamble(pass), slots.iter().flat_map(|slot| slot.files()))
    }

    /// Joins constants and files.
    pub fn join<'a>(constants: &str, files: impl IntoIterator<Item = &'a File>) -> Self {
        let mut made = Self { text: String::new(), parts: vec![] };
        made.push(CONSTANTS, constants);
        for file in files {
            made.push(file.path, file.text);
        }
        made
    }

    fn push(&mut self, path: &'static str, text: &str) {
        self.parts.push((self.text.lines().count(), path));
        self.text.push_str(text);
        if !text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    /// The whole WGSL.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The file that a line of the whole (counted from 1) came from, and the line in that file (counted from 1).
    #[must_use]
    pub fn place(&self, line: usize) -> (&'static str, usize) {
        let line = line.saturating_sub(1);
        let at = self.parts.partition_point(|&(first, _)| first <= line).saturating_sub(1);
        self.parts.get(at).map_or((CONSTANTS, 1), |&(first, path)| (path, line - first + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_again() {
        let a = File { path: "a", text: "one\ntwo\n" };
        let b = File { path: "b", text: "three" };
        let source = Source::join("zero\n", [&a, &b]);
        assert_eq!(source.text(), "zero\none\ntwo\nthree\n");
        let places = [1, 2, 3, 4].map(|line| source.place(line));
        assert_eq!(places, [(CONSTANTS, 1), ("a", 1), ("a", 2), ("b", 1)]);
    }
}
