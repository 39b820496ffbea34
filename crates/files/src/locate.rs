//! Finds the place of a setting in a scenario's text, so that an error about `variants[0].router.top_k` can name its line.
//!
//! This is a tolerant scanner, not a parser: it follows brackets, names and commas, and skips strings and comments. Names of enum variants
//! and nested brackets add nothing to a path: the skew in `source: Synthetic(skew: 1.1)` is `source.skew`.

use std::ops::Range;

/// A place in a text file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line, counted from 1.
    pub line: usize,
    /// The character in the line, counted from 1.
    pub column: usize,
    /// The text of the line, shortened if it is long.
    pub quote: String,
}

/// Number of characters of a line that a message quotes.
const QUOTE: usize = 160;

/// The line and column of a byte offset.
pub(super) fn place(text: &str, byte: usize) -> Place {
    let mut byte = byte.min(text.len());
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    let before = &text[..byte];
    let start = before.rfind('\n').map_or(0, |i| i + 1);
    let end = text[byte..].find('\n').map_or(text.len(), |i| byte + i);
    let column = text[start..byte].chars().count();
    let line: Vec<char> = text[start..end].trim_end().chars().collect();
    // A long line is cut on both sides of the place.
    let from = column.saturating_sub(QUOTE / 2).min(line.len().saturating_sub(QUOTE));
    let mut quote: String = line.iter().skip(from).take(QUOTE).collect();
    if from > 0 {
        quote.insert(0, '…');
    }
    if from + QUOTE < line.len() {
        quote.push('…');
    }
    Place { line: before.matches('\n').count() + 1, column: column + 1, quote }
}

/// The byte offset of a line and column, both counted from 1.
pub(super) fn byte_of(text: &str, line: usize, column: usize) -> usize {
    let start = if line <= 1 { 0 } else { text.match_indices('\n').nth(line - 2).map_or(text.len(), |(i, _)| i + 1) };
    text[start..].char_indices().nth(column.saturating_sub(1)).map_or(text.len(), |(i, _)| start + i)
}

/// The span of the value at a path, or at the longest prefix of the path that the text contains.
pub(super) fn nearest(text: &str, path: &str) -> Option<Range<usize>> {
    let mut best: Option<(usize, Range<usize>)> = None;
    scan(text, |found, span| {
        let is_part = path.strip_prefix(found).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[', ' ']));
        if is_part && !found.is_empty() && best.as_ref().is_none_or(|(length, _)| found.len() > *length) {
            best = Some((found.len(), span));
        }
    });
    best.map(|(_, span)| span)
}

/// The path and span of the last value that begins at or before a byte.
pub(super) fn path_at(text: &str, byte: usize) -> Option<(String, Range<usize>)> {
    let mut best: Option<(String, Range<usize>)> = None;
    scan(text, |path, span| {
        if span.start <= byte && !path.is_empty() {
            best = Some((path.to_owned(), span));
        }
    });
    best
}

/// The first word or number of a top-level field, and its byte offset.
pub(super) fn field<'a>(text: &'a str, name: &str) -> Option<(&'a str, usize)> {
    let mut found = None;
    scan(text, |path, span| {
        if path == name && found.is_none() {
            found = Some((&text[span.clone()], span.start));
        }
    });
    found
}

/// Whether a text looks like RON: after comments and attributes it begins with a bracket, or a name and a bracket.
pub(super) fn is_ron(text: &str) -> bool {
    let lines = text.lines().map(str::trim_start);
    let first = lines.into_iter().find(|l| !l.is_empty() && !l.starts_with("//") && !l.starts_with("#!"));
    first.is_some_and(|l| {
        let rest = l.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
        rest.starts_with('(') || l.starts_with("/*")
    })
}

/// An open bracket.
struct Frame {
    list: bool,
    /// The length of the path at the bracket.
    base: usize,
    index: usize,
}

/// Calls `each` with the path and span of every value, in order. The span of a value in brackets is its first word or bracket.
fn scan(text: &str, mut each: impl FnMut(&str, Range<usize>)) {
    let bytes = text.as_bytes();
    let mut frames: Vec<Frame> = vec![];
    let mut path = String::new();
    let mut at = 0;
    // Whether a value may begin here. The bracket after a word (as in `Synthetic(`) belongs to the same value and is not reported.
    let mut fresh = true;
    while at < bytes.len() {
        let c = bytes[at];
        let start = at;
        match c {
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at += bytes[at..].iter().position(|&b| b == b'\n').unwrap_or(bytes.len() - at);
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => at = text[at..].find("*/").map_or(bytes.len(), |i| at + i + 2),
            b'#' if matches!(bytes.get(at + 1), Some(b'!' | b'[')) => {
                at += bytes[at..].iter().position(|&b| b == b']').unwrap_or(bytes.len() - at - 1) + 1;
            }
            b'"' | b'r' if c == b'"' || raw_string(text, at).is_some() => {
                at = raw_string(text, at).unwrap_or_else(|| end_of_string(bytes, at));
                if fresh {
                    each(&path, start..at);
                    fresh = false;
                }
            }
            b'(' | b'[' | b'{' => {
                at += 1;
                if fresh {
                    each(&path, start..at);
                }
                frames.push(Frame { list: c == b'[', base: path.len(), index: 0 });
                if c == b'[' {
                    path.push_str("[0]");
                }
                fresh = true;
            }
            b')' | b']' | b'}' => {
                at += 1;
                if let Some(frame) = frames.pop() {
                    path.truncate(frame.base);
                }
                fresh = false;
            }
            b',' => {
                at += 1;
                if let Some(frame) = frames.last_mut() {
                    path.truncate(frame.base);
                    frame.index += 1;
                    if frame.list {
                        path.push_str(&format!("[{}]", frame.index));
                    }
                }
                fresh = true;
            }
            _ if is_word(c) => {
                at += bytes[at..].iter().position(|&b| !is_word(b)).unwrap_or(bytes.len() - at);
                let colon = text[at..].trim_start().starts_with(':');
                if colon && let Some(frame) = frames.last() {
                    path.truncate(frame.base);
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(&text[start..at]);
                    at += text[at..].find(':').map_or(0, |i| i + 1);
                    fresh = true;
                } else if fresh {
                    each(&path, start..at);
                    fresh = false;
                }
            }
            _ => at += 1,
        }
        if path.len() > 4096 || frames.len() > 256 {
            return;
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'.') || byte >= 0x80
}

/// The end of a raw string `r#"…"#` that begins at `start`; `None` if none begins there.
fn raw_string(text: &str, start: usize) -> Option<usize> {
    let rest = text[start..].strip_prefix('r')?;
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    let body = rest[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let length = body.find(&close).map_or(body.len(), |i| i + close.len());
    Some(start + 1 + hashes + 1 + length)
}

fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "// version: 9\n(\n  version: 1, title: \"a, (b: 3)\",\n  source: Synthetic(skew: 1.1),\n  variants: [\n    (name: \"a\"),\n    (name: \"b\", router: (top_k: 70)), // top_k: 1\n  ],\n)\n";

    fn found(path: &str) -> &str {
        &TEXT[nearest(TEXT, path).unwrap()]
    }

    #[test]
    fn finds_values_by_path() {
        assert_eq!(found("version"), "1");
        assert_eq!(found("source.skew"), "1.1");
        assert_eq!(found("variants[1].router.top_k"), "70");
        assert_eq!(found("variants[0].router.top_k"), "(", "the variant, where the setting is not written");
        assert!(nearest(TEXT, "events[0]").is_none());
        assert_eq!(field(TEXT, "version"), Some(("1", 27)));
        let byte = TEXT.find("70").unwrap();
        assert_eq!(path_at(TEXT, byte).unwrap().0, "variants[1].router.top_k");
        let p = place(TEXT, byte);
        assert_eq!((p.line, p.column), (7, 33));
        assert_eq!(byte_of(TEXT, p.line, p.column), byte);
    }

    #[test]
    fn no_text_is_too_broken() {
        for text in ["", "(", "\"", "((((", "/*", "a:", "[,,,]", "\u{e9}\u{e9}(\u{e9}:", "#"] {
            scan(text, |_, _| {});
            place(text, 3);
            byte_of(text, 5, 5);
        }
    }
}
