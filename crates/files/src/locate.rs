//! Finds where in a scenario's text a setting stands, so that an error about `variants[0].router.top_k` can name its line.
//!
//! A forgiving scanner, not a parser: it follows brackets, names and commas, and knows strings and comments. Enum names and
//! inner brackets add nothing to a path: the skew in `source: Synthetic(skew: 1.1)` is `source.skew`.

use std::ops::Range;

/// A place in a text file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Counted from 1.
    pub line: usize,
    /// Characters, counted from 1.
    pub column: usize,
    /// The line itself, shortened where it is long.
    pub quote: String,
}

/// Characters of a line that a message quotes.
const QUOTE: usize = 160;

/// The line and column of a byte.
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
    // A long line is cut round the place.
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

/// The byte of a line and column counted from 1.
pub(super) fn byte_of(text: &str, line: usize, column: usize) -> usize {
    let start = if line <= 1 { 0 } else { text.match_indices('\n').nth(line - 2).map_or(text.len(), |(i, _)| i + 1) };
    text[start..].char_indices().nth(column.saturating_sub(1)).map_or(text.len(), |(i, _)| start + i)
}

/// The value at a path, or at the longest part of it that the text has.
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

/// The path and the span of the value that a byte stands in or just behind.
pub(super) fn path_at(text: &str, byte: usize) -> Option<(String, Range<usize>)> {
    let mut best: Option<(String, Range<usize>)> = None;
    scan(text, |path, span| {
        if span.start <= byte && !path.is_empty() {
            best = Some((path.to_owned(), span));
        }
    });
    best
}

/// The word or number at a top-level field.
pub(super) fn field<'a>(text: &'a str, name: &str) -> Option<(&'a str, usize)> {
    let mut found = None;
    scan(text, |path, span| {
        if path == name && found.is_none() {
            found = Some((&text[span.clone()], span.start));
        }
    });
    found
}

/// Whether a text looks like what scenarios are written in: a bracket first, or a name and a bracket, behind comments and attributes.
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
    /// Length of the path at the bracket.
    base: usize,
    index: usize,
}

/// Calls `each` with the path and span of every value, in order. The span of a bracketed value is its first word or bracket.
fn scan(text: &str, mut each: impl FnMut(&str, Range<usize>)) {
    let bytes = text.as_bytes();
    let mut frames: Vec<Frame> = vec![];
    let mut path = String::new();
    let mut at = 0;
    // Whether a value may start here: a second word within a value (as in `Synthetic(`) is not reported again.
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

/// Where a raw string `r#"…"#` ends that begins here; `None` where none does.
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
