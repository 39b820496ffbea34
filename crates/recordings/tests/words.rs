//! Vocabularies of every kind, and the tokens of recordings as words.

use super::mutated::{mutated, peak_of};
use super::text::Random;
use moebias_recordings::vocabulary::Part;
use moebias_recordings::{Input, Reading, Recording, Vocabulary, Words, open, read};
use std::path::Path;

/// Byte-level, as GPT-2's and those of most models since: the two bytes of "é" are tokens 4 and 5.
const BYTE_LEVEL: &str = r#"{"version": "1.0", "added_tokens": [{"id": 7, "content": "<|end|>", "special": true}],
"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Split"}, {"type": "ByteLevel"}]}, "decoder": {"type": "ByteLevel"},
"model": {"type": "BPE", "vocab": {"The": 0, "Ġcat": 1, "Ċ": 2, "Ġcaf": 3, "Ã": 4, "©": 5, "â": 6}, "merges": ["Ġ cat"]}}"#;
/// SentencePiece's as a list with scores, bytes as a fallback.
const UNIGRAM: &str = r#"{"decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
{"type": "ByteFallback"}, {"type": "Fuse"}]}, "model": {"type": "Unigram", "unk_id": 0,
"vocab": [["<unk>", 0.0], ["▁the", -1.5], ["▁caf", -2], ["<0xC3>", -9], ["<0xA9>", -9], ["<0xE2>", -9], ["s", -3]]}}"#;
const WORD_PIECE: &str = r###"{"decoder": {"type": "WordPiece", "prefix": "##"},
"model": {"type": "WordPiece", "continuing_subword_prefix": "##", "vocab": {"[PAD]": 0, "play": 1, "##ing": 2, "go": 3}}}"###;
/// Without a decoder, as CLIP's older files.
const ENDED: &str = r#"{"model": {"type": "BPE", "end_of_word_suffix": "</w>", "vocab": {"lo": 0, "west</w>": 1}}}"#;

fn parse(json: &str) -> Vocabulary {
    Vocabulary::parse("vocab.json", json.as_bytes()).unwrap()
}

fn words(vocabulary: &Vocabulary, ids: &[i64]) -> Vec<String> {
    vocabulary.spell(ids).iter().map(|parts| parts.iter().map(Part::shown).collect()).collect()
}

#[test]
fn tokens_of_every_kind_of_tokenizer_become_words() {
    assert_eq!(
        words(&parse(BYTE_LEVEL), &[0, 1, 2, 3, 4, 5, 6, 7, 99]),
        ["The", " cat", "⏎", " caf", "é", "·", "‹E2›", "<|end|>", "‹?›"]
    );
    assert_eq!(words(&parse(UNIGRAM), &[1, 2, 3, 4, 6, 5]), [" the", " caf", "é", "·", "s", "‹E2›"]);
    assert_eq!(words(&parse(WORD_PIECE), &[1, 2, 3]), [" play", "ing", " go"]);
    assert_eq!(words(&parse(ENDED), &[0, 1]), ["lo", "west "]);
}

#[test]
fn plain_lists_and_maps_are_vocabularies() {
    let cat = ["the", " cat"];
    assert_eq!(words(&parse(r#"["the", " cat"]"#), &[0, 1]), cat);
    assert_eq!(words(&parse(r#"{"the": 0, "Ġcat": 1}"#), &[0, 1]), cat);
    assert_eq!(words(&parse(r#"{"0": "the", "1": "▁cat"}"#), &[0, 1]), cat);
    assert_eq!(words(&parse(r#"{"tokens": [{"piece": "the", "bytes": "746865"}, {"text": " cat"}]}"#), &[0, 1]), cat);
    // A word of a vocabulary may be called as a part of a tokenizer.
    assert_eq!(words(&parse(r#"{"model": 0, "vocab": 1, "Ġtokens": 2}"#), &[0, 1, 2]), ["model", "vocab", " tokens"]);
}

#[test]
fn what_is_no_vocabulary_is_refused_in_a_sentence() {
    for (json, why) in [
        ("", "can't be read as a vocabulary"),
        ("[", "can't be read as a vocabulary"),
        ("12", "it holds no tokens"),
        ("{}", "it holds no tokens"),
        ("[1]", "its token 0 is no text"),
        (r#"{"a": -1}"#, "it holds -1 where a token id should be"),
        (r#"{"a": 9000000000}"#, "token ids must be below 4194304"),
        (r#"{"x": "a"}"#, "which is no token id"),
        (r#"{"model": {"vocab": [["a", 1], [2, 2]]}}"#, "its token 1 is no text"),
        (r#"{"model": {"vocab": 3}}"#, "its model has no tokens"),
    ] {
        let error = Vocabulary::parse("vocab.json", json.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with("vocab.json: ") && error.contains(why), "{json}: {error}");
    }
}

#[test]
fn a_vocabulary_beside_a_recording_with_token_ids_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log.jsonl");
    let with_ids = "{\"token_id\": 3, \"topk_ids\": [0, 1]}\n{\"token_id\": 4, \"topk_ids\": [0, 2]}\n";
    std::fs::write(&log, with_ids).unwrap();
    let opened = || open(std::slice::from_ref(&log), &Reading::default()).unwrap();
    assert_eq!(opened().words, None);
    std::fs::write(folder.path().join("vocabulary.json"), "[]").unwrap();
    std::fs::write(folder.path().join("tokenizer.json"), BYTE_LEVEL).unwrap();
    let recording = opened();
    assert_eq!(recording.words, Some(Words::Beside(folder.path().join("tokenizer.json"))));
    assert!(recording.assumptions.iter().any(|a| a.text.contains("tokenizer.json beside the file")));
    std::fs::write(&log, "{\"topk_ids\": [0, 1]}\n{\"topk_ids\": [0, 2]}\n").unwrap();
    assert_eq!(opened().words, None, "without token ids there is nothing to look up");
    assert!(Vocabulary::open(Path::new("/nowhere/vocab.json")).is_err());
}

fn within(text: &str) -> (Recording, Vec<String>) {
    let recording = read(&Input::memory("log.jsonl", text.into()).unwrap(), &Reading::default()).unwrap();
    let mut ids = vec![];
    let rows = &recording.layers[0].token_ids;
    rows.read(0..rows.len(), &mut ids).unwrap();
    let words = match &recording.words {
        Some(Words::Within(vocabulary)) => words(vocabulary, &ids),
        _ => vec![],
    };
    (recording, words)
}

#[test]
fn words_in_json_lines_are_those_of_their_tokens() {
    let expected = ["The", " cat", "The"];
    for text in [
        r#"{"token": "The", "topk_ids": [0, 1]}
{"token": " cat", "topk_ids": [2, 1]}
{"token": "The", "topk_ids": [0, 3]}"#,
        r#"{"token_id": 90, "token_str": "The", "topk_ids": [0, 1]}
{"token_id": 7, "token_str": "Ġcat", "topk_ids": [2, 1]}
{"token_id": 90, "token_str": "The", "topk_ids": [0, 3]}"#,
        r#"{"prompt": "ignored", "text": "ignored", "tokens": [{"token": {"idx": 0, "text": "The"}, "topk_ids": [0, 1]}, {"token_idx": 1, "text": " cat", "topk_ids": [2, 1]}, {"token_text": "The", "topk_ids": [0, 3]}]}"#,
        r#"{"tokens": ["The", " cat", "The"], "topk_ids": [[0, 1], [2, 1], [0, 3]]}"#,
    ] {
        let (recording, words) = within(text);
        assert_eq!(words, expected, "{text}");
        assert!(recording.assumptions.iter().any(|a| a.text.contains("words")), "{:?}", recording.assumptions);
    }
    let (recording, words) = within("{\"token\": \"a\", \"topk_ids\": [0, 1]}\n{\"topk_ids\": [0, 2]}");
    assert!(words.is_empty() && recording.layers[0].token_ids.is_empty(), "not every token has a word");
}

#[test]
fn damaged_vocabularies_are_refused_or_read() {
    let mut random = Random(11);
    for sample in [BYTE_LEVEL, UNIGRAM, WORD_PIECE, ENDED, r#"["a", "b"]"#, r#"{"0": "a", "1": "b"}"#] {
        for _ in 0..500 {
            let json = mutated(sample.as_bytes(), &mut random);
            let (result, bytes) =
                peak_of(|| Vocabulary::parse("vocab.json", &json).map(|v| v.spell(&[0, 1, 2, 3, 4, 5, -1])));
            assert!(result.is_err() || result.is_ok_and(|words| words.len() == 7));
            assert!(bytes < 256 << 20, "{bytes} bytes for {}", String::from_utf8_lossy(&json));
        }
    }
}
