//! Reads the JSON in which vocabularies are kept.

use super::Vocabulary;
use super::pieces::Spelling;
use serde::Deserialize;
use serde_json::{Map, Value};

/// A `tokenizer.json` of Hugging Face's tokenizers; what is not needed is not kept.
#[derive(Deserialize)]
struct Tokenizer {
    model: Model,
    #[serde(default)]
    added_tokens: Vec<Added>,
    #[serde(default)]
    decoder: Value,
    #[serde(default)]
    pre_tokenizer: Value,
}

#[derive(Deserialize)]
struct Model {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    /// Tokens with their ids, or a list of tokens with their scores.
    vocab: Value,
    #[serde(default)]
    continuing_subword_prefix: Option<String>,
    #[serde(default)]
    end_of_word_suffix: Option<String>,
}

/// A token beside the model's own, written as the text that it is.
#[derive(Deserialize)]
struct Added {
    id: u64,
    content: String,
}

/// The vocabulary in a file. An error is a sentence.
pub(super) fn read(json: &[u8]) -> Result<Vocabulary, String> {
    let invalid = |e: serde_json::Error| format!("it can't be read as a vocabulary: {e}");
    // A file of nothing but words may have the word "model", but then the word has a number.
    let begins = json.iter().find(|b| !b.is_ascii_whitespace());
    if begins == Some(&b'{') && holds(json, b"\"model\"") && holds(json, b"\"vocab\"") {
        match serde_json::from_slice::<Tokenizer>(json) {
            Ok(tokenizer) => return of_tokenizer(tokenizer),
            Err(e) if !e.is_data() => return Err(invalid(e)),
            Err(_) => {}
        }
    }
    let vocabulary = match serde_json::from_slice(json).map_err(invalid)? {
        Value::Array(tokens) => of_list(&tokens)?,
        Value::Object(object) => match object.get("tokens").and_then(Value::as_array) {
            Some(tokens) => of_list(tokens)?,
            None => of_map(&object)?,
        },
        _ => return Err("it holds no tokens".into()),
    };
    if vocabulary.is_empty() { Err("it holds no tokens".into()) } else { Ok(vocabulary) }
}

fn holds(json: &[u8], what: &[u8]) -> bool {
    json.windows(what.len()).any(|w| w == what)
}

fn of_tokenizer(tokenizer: Tokenizer) -> Result<Vocabulary, String> {
    let Tokenizer { model, added_tokens, decoder, pre_tokenizer } = tokenizer;
    let pieces: Vec<(&str, u64)> = match &model.vocab {
        Value::Object(map) => {
            map.iter().map(|(piece, id)| Ok((piece.as_str(), number(id)?))).collect::<Result<_, String>>()?
        }
        Value::Array(list) => {
            // A token with its score.
            let pieces = list.iter().map(|entry| entry.get(0).and_then(Value::as_str)).zip(0..);
            let text = |(piece, id): (Option<_>, u64)| Ok((piece.ok_or(format!("its token {id} is no text"))?, id));
            pieces.map(text).collect::<Result<_, String>>()?
        }
        _ => return Err("its model has no tokens".into()),
    };
    let of_model = match (model.kind.as_deref(), model.continuing_subword_prefix, model.end_of_word_suffix) {
        (Some("WordPiece"), prefix, _) => Some(Spelling::Continues(prefix.unwrap_or_else(|| "##".into()))),
        (_, _, Some(suffix)) if !suffix.is_empty() => Some(Spelling::Ends(suffix)),
        _ => None,
    };
    let spelling = Spelling::named(&decoder)
        .or(of_model)
        .or_else(|| Spelling::named(&pre_tokenizer))
        .unwrap_or_else(|| Spelling::guessed(pieces.iter().map(|p| p.0)));
    let mut vocabulary = Vocabulary::new();
    for (piece, id) in pieces {
        vocabulary.insert(id, &spelling.bytes(piece))?;
    }
    for Added { id, content } in added_tokens {
        vocabulary.insert(id, content.as_bytes())?;
    }
    if vocabulary.is_empty() { Err("its model has no tokens".into()) } else { Ok(vocabulary) }
}

/// A list by id: texts, or objects with the bytes in hexadecimal digits, the piece or the text.
fn of_list(tokens: &[Value]) -> Result<Vocabulary, String> {
    let pieces: Vec<Option<&str>> = tokens.iter().map(written).collect();
    let spelling = Spelling::guessed(pieces.iter().flatten().copied());
    let mut vocabulary = Vocabulary::new();
    for ((token, piece), id) in tokens.iter().zip(&pieces).zip(0..) {
        let exact = token.get("bytes").and_then(Value::as_str).and_then(hexadecimal);
        let bytes = exact.or_else(|| piece.map(|p| spelling.bytes(p)));
        match bytes {
            Some(bytes) => vocabulary.insert(id, &bytes)?,
            None if token.is_null() => {}
            None => return Err(format!("its token {id} is no text")),
        }
    }
    Ok(vocabulary)
}

fn written(token: &Value) -> Option<&str> {
    let of = |key: &str| token.get(key).and_then(Value::as_str);
    token.as_str().or_else(|| of("piece")).or_else(|| of("text"))
}

/// Tokens with their ids, or ids with their tokens.
fn of_map(map: &Map<String, Value>) -> Result<Vocabulary, String> {
    let by_id = map.values().next().is_some_and(Value::is_string);
    let pairs: Vec<(&str, u64)> = map
        .iter()
        .map(|(key, value)| match (by_id, value.as_str()) {
            (true, Some(piece)) => match key.parse() {
                Ok(id) => Ok((piece, id)),
                Err(_) => Err(format!("it names “{}”, which is no token id", key.chars().take(40).collect::<String>())),
            },
            _ => Ok((key.as_str(), number(value)?)),
        })
        .collect::<Result<_, String>>()?;
    let spelling = Spelling::guessed(pairs.iter().map(|p| p.0));
    let mut vocabulary = Vocabulary::new();
    for (piece, id) in pairs {
        vocabulary.insert(id, &spelling.bytes(piece))?;
    }
    Ok(vocabulary)
}

fn number(id: &Value) -> Result<u64, String> {
    id.as_u64().ok_or_else(|| {
        let shown: String = id.to_string().chars().take(40).collect();
        format!("it holds {shown} where a token id should be")
    })
}

fn hexadecimal(digits: &str) -> Option<Vec<u8>> {
    if !digits.len().is_multiple_of(2) || !digits.is_ascii() {
        return None;
    }
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()).collect()
}
