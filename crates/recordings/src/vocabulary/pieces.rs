//! How tokenizers write tokens as text, and the bytes that are meant.

use serde_json::Value;

/// Begins a word in SentencePiece's spelling.
const WORD_BEGINS: &str = "▁";

/// How the tokens of a vocabulary are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// As the text that they are.
    Plain,
    /// As GPT-2 does: every byte is a printable character.
    ByteLevel,
    /// As SentencePiece does: `▁` is a space, and `<0xE2>` a byte.
    Metaspace,
    /// As BERT does: this begins a token that continues a word; every other one follows a space.
    Continues(String),
    /// This ends a token that ends a word; a space follows.
    Ends(String),
}

impl Spelling {
    /// The spelling that the decoder of a `tokenizer.json`, or its pre-tokenizer, names.
    pub(super) fn named(part: &Value) -> Option<Self> {
        let text = |key: &str| part.get(key).and_then(Value::as_str);
        let parts = ["decoders", "pretokenizers"].iter().find_map(|key| part.get(*key)?.as_array());
        match text("type")? {
            "ByteLevel" => Some(Self::ByteLevel),
            "Metaspace" | "ByteFallback" => Some(Self::Metaspace),
            "WordPiece" => Some(Self::Continues(text("prefix").unwrap_or("##").to_owned())),
            "BPEDecoder" => Some(Self::Ends(text("suffix").unwrap_or("</w>").to_owned())),
            "Replace" => {
                let of = part.get("pattern").and_then(|p| p.get("String")?.as_str());
                (of == Some(WORD_BEGINS)).then_some(Self::Metaspace)
            }
            // The parts of a sequence name no sequences in practice; a hostile file may nest them only as deep as JSON is read.
            "Sequence" => parts?.iter().find_map(Self::named),
            _ => None,
        }
    }

    /// The spelling that tokens look like: the mark of a spelling is on one in fifty of them at least.
    pub(super) fn guessed<'a>(pieces: impl Iterator<Item = &'a str>) -> Self {
        let (mut all, mut byte_level, mut metaspace, mut continues, mut ends) = (0, 0, 0, 0, 0);
        for piece in pieces {
            all += 1;
            byte_level += usize::from(piece.starts_with(['Ġ', 'Ċ']));
            metaspace += usize::from(piece.starts_with(WORD_BEGINS));
            continues += usize::from(piece.len() > 2 && piece.starts_with("##"));
            ends += usize::from(piece.ends_with("</w>"));
        }
        let often = |count: usize| count > 0 && count * 50 >= all;
        match () {
            () if often(byte_level) => Self::ByteLevel,
            () if often(metaspace) => Self::Metaspace,
            () if often(continues) => Self::Continues("##".into()),
            () if often(ends) => Self::Ends("</w>".into()),
            () => Self::Plain,
        }
    }

    /// The bytes that a token stands for.
    pub(super) fn bytes(&self, piece: &str) -> Vec<u8> {
        match self {
            Self::Plain => piece.into(),
            Self::ByteLevel => {
                let mut bytes = Vec::with_capacity(piece.len());
                for c in piece.chars() {
                    match byte_of(c) {
                        Some(byte) => bytes.push(byte),
                        None => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                    }
                }
                bytes
            }
            Self::Metaspace => match fallback(piece) {
                Some(byte) => vec![byte],
                None => piece.replace(WORD_BEGINS, " ").into(),
            },
            Self::Continues(prefix) => match piece.strip_prefix(prefix.as_str()) {
                Some(rest) if !rest.is_empty() && !prefix.is_empty() => rest.into(),
                _ => format!(" {piece}").into(),
            },
            Self::Ends(suffix) => match piece.strip_suffix(suffix.as_str()) {
                Some(word) if !suffix.is_empty() => format!("{word} ").into(),
                _ => piece.into(),
            },
        }
    }
}

/// The byte that GPT-2's table writes as this character: printable bytes stand for themselves, the others for U+0100 and on.
fn byte_of(c: char) -> Option<u8> {
    let code = u32::from(c);
    let byte = match code {
        0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff => code,
        0x100..=0x120 => code - 0x100,
        0x121..=0x142 => code - 0x121 + 0x7f,
        0x143 => 0xad,
        _ => return None,
    };
    u8::try_from(byte).ok()
}

/// The byte of `<0xE2>`.
fn fallback(piece: &str) -> Option<u8> {
    let digits = piece.strip_prefix("<0x")?.strip_suffix('>').filter(|d| d.len() == 2)?;
    u8::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_byte_level_table_is_undone_for_every_byte() {
        // The table as GPT-2's encoder makes it.
        let mut next = 0x100;
        for byte in 0..=255u8 {
            let printable = matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
            let written = if printable { char::from(byte) } else { char::from_u32(next).unwrap() };
            next += u32::from(!printable);
            assert_eq!(byte_of(written), Some(byte), "{written}");
        }
        assert_eq!(byte_of('\u{144}'), None);
        assert_eq!(Spelling::ByteLevel.bytes("Ġna▁"), " na▁".as_bytes(), "what the table does not have stays");
    }

    #[test]
    fn every_spelling_gives_the_bytes_that_are_meant() {
        assert_eq!(Spelling::Metaspace.bytes("▁the"), b" the");
        assert_eq!(Spelling::Metaspace.bytes("<0xE2>"), [0xe2]);
        assert_eq!(Spelling::Metaspace.bytes("<0xE>"), b"<0xE>");
        let bert = Spelling::Continues("##".into());
        assert_eq!(
            (bert.bytes("##ing"), bert.bytes("go"), bert.bytes("##")),
            (b"ing".into(), b" go".into(), b" ##".into())
        );
        assert_eq!(Spelling::Ends("</w>".into()).bytes("go</w>"), b"go ");
    }

    #[test]
    fn the_spelling_is_named_or_guessed() {
        let named = |json: &str| Spelling::named(&serde_json::from_str(json).unwrap());
        assert_eq!(named(r#"{"type": "ByteLevel"}"#), Some(Spelling::ByteLevel));
        let sequence =
            r#"{"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}]}"#;
        assert_eq!(named(sequence), Some(Spelling::Metaspace));
        assert_eq!(named(r#"{"type": "WordPiece", "prefix": "@@"}"#), Some(Spelling::Continues("@@".into())));
        assert_eq!(named("null"), None);
        assert_eq!(Spelling::guessed(["a", "Ġb"].into_iter()), Spelling::ByteLevel);
        assert_eq!(Spelling::guessed(["a", "▁b"].into_iter()), Spelling::Metaspace);
        assert_eq!(Spelling::guessed(["a", "##b"].into_iter()), Spelling::Continues("##".into()));
        assert_eq!(Spelling::guessed(["a", "b"].into_iter()), Spelling::Plain);
    }
}
