//! What tokens spell: text where their bytes are text, and the bytes where they are not.

/// A part of what a token spells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Text, which may hold line breaks and tabs.
    Text(String),
    /// Bytes that are no text, or characters that control how text is shown.
    Bytes(Vec<u8>),
    /// Bytes that belong to the last character of an earlier token.
    Continued,
    /// The vocabulary has no such token.
    Unknown,
}

impl Part {
    /// In one line.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Text(text) => text.replace('\n', "⏎").replace('\t', "⇥"),
            Self::Bytes(bytes) => {
                let digits: Vec<String> = bytes.iter().map(|b| format!("{b:02X}")).collect();
                format!("‹{}›", digits.join(" "))
            }
            Self::Continued => "·".into(),
            Self::Unknown => "‹?›".into(),
        }
    }
}

/// What each token spells; `None` stands for a token that the vocabulary does not have.
pub(super) fn spell<'a>(tokens: impl Iterator<Item = Option<&'a [u8]>>) -> Vec<Vec<Part>> {
    let mut out = vec![];
    // Known tokens that follow one another, and where each begins.
    let (mut run, mut starts) = (vec![], vec![]);
    for token in tokens {
        match token {
            Some(bytes) => {
                starts.push(run.len());
                run.extend_from_slice(bytes);
            }
            None => {
                spell_run(&run, &starts, &mut out);
                (run, starts) = (vec![], vec![]);
                out.push(vec![Part::Unknown]);
            }
        }
    }
    spell_run(&run, &starts, &mut out);
    out
}

fn spell_run(run: &[u8], starts: &[usize], out: &mut Vec<Vec<Part>>) {
    let first = out.len();
    out.resize(first + starts.len(), vec![]);
    let tokens = &mut out[first..];
    // The token of the last byte that was looked at: bytes are taken in order.
    let mut token = 0;
    let mut place = |at: usize| {
        while starts.get(token + 1).is_some_and(|&next| next <= at) {
            token += 1;
        }
        token
    };
    let mut at = 0;
    for chunk in run.utf8_chunks() {
        for c in chunk.valid().chars() {
            let of = place(at);
            if controls(c) {
                c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| push_byte(&mut tokens[of], byte));
            } else {
                match tokens[of].last_mut() {
                    Some(Part::Text(text)) => text.push(c),
                    _ => tokens[of].push(Part::Text(c.into())),
                }
            }
            for byte in at + 1..at + c.len_utf8() {
                let other = place(byte);
                if other != of && tokens[other].is_empty() {
                    tokens[other].push(Part::Continued);
                }
            }
            at += c.len_utf8();
        }
        for &byte in chunk.invalid() {
            push_byte(&mut tokens[place(at)], byte);
            at += 1;
        }
    }
}

fn push_byte(parts: &mut Vec<Part>, byte: u8) {
    match parts.last_mut() {
        Some(Part::Bytes(bytes)) => bytes.push(byte),
        _ => parts.push(Part::Bytes(vec![byte])),
    }
}

/// Whether a character controls how others are shown: control characters except line breaks and tabs, marks of direction, separators of
/// lines and paragraphs.
fn controls(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (c.is_control() && !matches!(c, '\n' | '\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(tokens: &[&[u8]]) -> Vec<String> {
        let parts = spell(tokens.iter().map(|t| Some(*t)));
        parts.iter().map(|p| p.iter().map(Part::shown).collect()).collect()
    }

    #[test]
    fn a_character_of_several_tokens_belongs_to_the_first() {
        let e = "é".as_bytes();
        assert_eq!(spelled(&[b"caf", &e[..1], &e[1..], b"!"]), ["caf", "é", "·", "!"]);
        let four = "🦀".as_bytes();
        assert_eq!(spelled(&[&four[..1], &four[1..3], &[four[3], b'a']]), ["🦀", "·", "·a"]);
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_bytes() {
        assert_eq!(spelled(&[b"a", &[0xe2, 0x96], b"b"]), ["a", "‹E2 96›", "b"]);
        assert_eq!(spelled(&[&[0xe2], b"b"]), ["‹E2›", "b"], "the character is not finished");
        assert_eq!(spelled(&[b"a\nb\t", "\u{202e}".as_bytes(), b"\x1b"]), ["a⏎b⇥", "‹E2 80 AE›", "‹1B›"]);
    }

    #[test]
    fn an_unknown_token_divides_characters() {
        let e = "é".as_bytes();
        let parts = spell([Some(&e[..1]), None, Some(&e[1..])].into_iter());
        let shown: Vec<String> = parts.iter().map(|p| p.iter().map(Part::shown).collect()).collect();
        assert_eq!(shown, ["‹C3›", "‹?›", "‹A9›"]);
        assert_eq!(spelled(&[b"", b"x"]), ["", "x"]);
    }
}
