//! Making text from files safe for a terminal, a table or a message.

use std::borrow::Cow;
use std::panic::Location;

/// Whether a character controls the terminal or the order of other characters instead of being displayed.
fn is_hostile(c: char) -> bool {
    // Direction marks, embeddings, overrides and isolates; line and paragraph separators.
    let turns = matches!(c, '\u{061c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns
}

/// Text for a terminal: control characters and direction marks become escapes such as `\u{1b}`, including line breaks and tabs.
#[must_use]
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    let escaped = |c: char| if is_hostile(c) { c.escape_default().to_string() } else { c.into() };
    Cow::Owned(text.chars().map(escaped).collect())
}

/// As [`plain()`], but keeps line breaks: for text of several lines that Moebias itself laid out.
#[must_use]
pub fn plain_lines(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| is_hostile(c) && c != '\n') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.split('\n').map(plain).collect::<Vec<_>>().join("\n"))
}

/// Text for a cell of a CSV file, escaped as by [`plain()`]. Spreadsheets take text that begins with `=`, `+`, `-` or `@` as a formula, so
/// an apostrophe is put in front of it.
#[must_use]
pub fn cell(text: &str) -> Cow<'_, str> {
    let text = plain(text);
    if text.starts_with(['=', '+', '-', '@']) { Cow::Owned(format!("'{text}")) } else { text }
}

/// JSON with the same meaning in which control characters and direction marks are escaped.
#[must_use]
pub fn json(text: &str) -> Cow<'_, str> {
    let acts = |c: char| is_hostile(c) && !c.is_ascii_whitespace();
    if !text.chars().any(acts) {
        return Cow::Borrowed(text);
    }
    // Such characters occur only inside strings, and all of them have at most four hexadecimal digits.
    let escaped = |c: char| if acts(c) { format!("\\u{:04x}", u32::from(c)) } else { c.into() };
    Cow::Owned(text.chars().map(escaped).collect())
}

/// The place of a panic without the folders of the build machine: `src/ui/app.rs:12`, or `egui-0.37.0/src/lib.rs:3`.
#[must_use]
pub fn place(location: &Location<'_>) -> String {
    format!("{}:{}", source(location.file()), location.line())
}

fn source(file: &str) -> String {
    let file = file.replace('\\', "/");
    // A file of a crate from a registry, of the standard library, or of Moebias itself.
    let after = |mark: &str| file.split_once(mark).and_then(|(_, rest)| rest.split_once('/')).map(|(_, rest)| rest);
    if let Some(rest) = after("/registry/src/").or_else(|| after("/rustc/")).or_else(|| after("/git/checkouts/")) {
        return rest.into();
    }
    match file.rfind("src/") {
        Some(at) if file.starts_with('/') || file.contains(':') => file[at..].into(),
        _ => file,
    }
}

/// The known word that is most similar to an unknown one, ignoring case. `None` if none is similar: at most a third of the letters, and at
/// most three, may be wrong, missing, added or swapped.
#[must_use]
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let of = |k: &&'a str| (edits(&word.to_lowercase(), &k.to_lowercase()), *k);
    let (edits, nearest) = known.iter().map(of).min_by_key(|(n, _)| *n)?;
    (edits <= (word.chars().count().max(3) / 3).min(3)).then_some(nearest)
}

/// The edit distance of two words: how many letters must be changed, added, removed or swapped with their neighbour.
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let other = usize::from(a[i - 1] != b[j - 1]);
            let mut least = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + other);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts_on_a_terminal() {
        assert_eq!(plain("Löschen – 中 ∑"), "Löschen – 中 ∑");
        assert_eq!(plain("\u{1b}[2Jgone"), "\\u{1b}[2Jgone");
        assert_eq!(plain("a\nb\tc\u{7}\u{9b}1m"), "a\\nb\\tc\\u{7}\\u{9b}1m");
        assert_eq!(plain("safe\u{202e}nr.exe"), "safe\\u{202e}nr.exe");
        let name = "\u{1b}[2J\u{9b}1m\u{202e}x";
        let written = serde_json::to_string(name).unwrap();
        assert!(!json(&written).chars().any(is_hostile));
        assert_eq!(serde_json::from_str::<String>(&json(&written)).unwrap(), name);
        assert_eq!(plain_lines("one\ntwo\u{1b}c\n"), "one\ntwo\\u{1b}c\n");
    }

    #[test]
    fn no_cell_is_a_formula() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert!(cell(text).starts_with(['\'', '\\']), "{text}");
        }
        for text in ["plain", "", "1-1", "a = b"] {
            assert_eq!(cell(text), text);
        }
    }

    #[test]
    fn no_folder_of_the_build_machine_is_said() {
        for (file, said) in [
            ("src/ui/app.rs", "src/ui/app.rs"),
            (
                "/home/me/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/egui-0.37.0/src/lib.rs",
                "egui-0.37.0/src/lib.rs",
            ),
            ("/rustc/abcdef/library/core/src/option.rs", "library/core/src/option.rs"),
            ("/home/me/moebias/src/main.rs", "src/main.rs"),
            ("C:\\build\\moebias\\src\\main.rs", "src/main.rs"),
        ] {
            assert_eq!(source(file), said);
        }
    }

    #[test]
    fn the_nearest_word_is_near() {
        let rules = ["None", "Sign", "Smebu", "IdBalancing"];
        assert_eq!(nearest("Sgin", &rules), Some("Sign"));
        assert_eq!(nearest("sign", &rules), Some("Sign"));
        assert_eq!(nearest("IDBalancign", &rules), Some("IdBalancing"));
        assert_eq!((nearest("Magic", &rules), nearest("x", &[])), (None, None));
    }
}
