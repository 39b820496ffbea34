//! Text that is packed with gzip or zstd.
#![cfg(feature = "compressed")]

use crate::text::{loads, read};
use moebias_recordings::Reading;
use std::io::Write as _;

/// The same counts in each text format.
const TEXTS: [(&str, &str); 7] = [
    ("x.csv", "layer,expert,count\n0,0,4\n0,1,6\n3,0,1\n3,1,9\n"),
    ("x.tsv", "layer\texpert\tcount\n0\t0\t4\n0\t1\t6\n3\t0\t1\n3\t1\t9\n"),
    ("x.txt", "# layer expert count\n0 0 4\n0 1 6\n3 0 1\n3 1 9\n"),
    ("x.log", "layer;expert;count\r\n0;0;4\r\n0;1;6\r\n3;0;1\r\n3;1;9\r\n"),
    ("x.json", "{\"0\": {\"0\": 4, \"1\": 6}, \"3\": {\"0\": 1, \"1\": 9}}"),
    ("x.jsonl", "{\"layer\": 0, \"tokens_per_expert\": [4, 6]}\n{\"layer\": 3, \"tokens_per_expert\": [1, 9]}\n"),
    ("x", "[{\"layer\": 0, \"tokens_per_expert\": [4, 6]}, {\"layer\": 3, \"tokens_per_expert\": [1, 9]}]"),
];

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
    out.write_all(text).unwrap();
    out.finish().unwrap()
}

#[test]
fn every_text_format_opens_packed_too() {
    for (name, text) in TEXTS {
        let text = text.as_bytes();
        let twice = [gzip(&text[..20]), gzip(&text[20..])].concat();
        for (ending, content) in
            [("", text.to_vec()), (".gz", gzip(text)), (".gz", twice), (".zst", zstd::encode_all(text, 3).unwrap())]
        {
            let name = format!("{name}{ending}");
            let recording = read(&name, &content, &Reading::default()).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(loads(&recording), [("0", vec![4, 6]), ("3", vec![1, 9])], "{name}");
            // One that was cut short is refused, or has lost its end only.
            for length in [content.len() / 2, content.len() - 3] {
                let cut = read(&name, &content[..length], &Reading::default());
                assert!(cut.map_or_else(|e| !e.what.is_empty(), |r| !r.layers.is_empty()), "{name}");
            }
        }
    }
}

#[test]
fn a_bomb_is_defused() {
    let row = "0,0,1\n".repeat(1 << 16);
    let bomb = format!("layer,expert,count\n0,\"{}", "x".repeat(64 << 20));
    assert!(read("x.csv.gz", gzip(bomb.as_bytes()), &Reading::default()).unwrap_err().what.contains("a row is longer"));
    let text = format!("layer,expert,count\n0,1,0\n{row}");
    assert_eq!(
        loads(&read("x.csv.gz", gzip(text.as_bytes()), &Reading::default()).unwrap()),
        [("0", vec![1 << 16, 0])]
    );
}
