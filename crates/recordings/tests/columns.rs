//! Tables as pandas, PyArrow, Polars and DuckDB write them: `data/written2/make_tables.py`.
#![cfg(feature = "parquet")]

use crate::text::{ids, loads, said, scores};
use moebias_recordings::{Input, ReadError, Reading, RecordedKind, Recording, open};
use std::path::{Path, PathBuf};

fn written(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/written2").join(name)
}

fn look(name: &str) -> Recording {
    open(&[written(name)], &Reading::default()).unwrap_or_else(|e| panic!("{e}"))
}

fn names(recording: &Recording) -> Vec<&str> {
    recording.layers.iter().map(|l| l.name.as_str()).collect()
}

fn token_ids(recording: &Recording) -> Vec<i64> {
    let mut out = vec![];
    let rows = &recording.layers[0].token_ids;
    rows.read(0..rows.len(), &mut out).unwrap();
    out
}

/// The scores that the script writes.
fn wanted(layer: usize) -> Vec<f32> {
    (0..24).flat_map(|t| (0..8).map(move |e| ((7 * e + 3 * t + 5 * layer) % 11) as f32 / 8.0)).collect()
}

fn choices(layer: usize) -> Vec<i64> {
    (0..24).flat_map(|t| [(t + layer) as i64 % 8, (t + layer + 3) as i64 % 8]).collect()
}

#[test]
fn scores_of_every_writer_and_compression() {
    for name in [
        "scores-pandas.parquet",
        "scores-gzip.parquet",
        "scores-pandas.feather",
        "scores-uncompressed.feather",
        "scores-stream.arrows",
        "scores-zstd.arrow",
        "scores-column-per-layer.parquet",
    ] {
        let recording = look(name);
        assert_eq!((recording.kind, names(&recording)), (RecordedKind::Scores, vec!["0", "1", "2"]), "{name}");
        for (at, layer) in recording.layers.iter().enumerate() {
            assert_eq!(scores(layer), wanted(at), "{name}");
        }
        assert_eq!(token_ids(&recording), (100..124).collect::<Vec<i64>>(), "{name}");
        if !name.contains("column") {
            assert_eq!(recording.layers[0].cut(), (4, 6), "{name}");
            assert_eq!(recording.meta.top_k, Some(2), "{name}: {:?}", recording.metadata.keys());
            assert!(recording.meta.gate.is_some() && recording.assumptions.is_empty(), "{name}: {}", said(&recording));
        }
    }
    let recording = look("scores-column-per-expert.parquet");
    assert_eq!((names(&recording), scores(&recording.layers[0])), (vec!["1"], wanted(1)));
}

#[test]
fn chosen_experts_of_every_writer() {
    for name in [
        "chosen-polars.parquet",
        "chosen-polars.arrow",
        "chosen-polars.arrows",
        "chosen-categories.parquet",
        "chosen-by-token.parquet",
        "chosen-column-per-choice.parquet",
        "requests.parquet",
    ] {
        let recording = look(name);
        assert_eq!((recording.kind, names(&recording)), (RecordedKind::Selections, vec!["0", "1", "2"]), "{name}");
        for (at, layer) in recording.layers.iter().enumerate() {
            assert_eq!(ids(layer), choices(at), "{name}");
        }
        let text = said(&recording);
        assert_eq!(
            text.contains("the axes of `routed_experts` are tokens, layers"),
            name.contains("requests"),
            "{text}"
        );
    }
    let recording = look("requests.parquet");
    assert_eq!((token_ids(&recording), recording.layers[0].experts), ((100..124).collect(), 16));
}

#[test]
fn counts_in_lists_and_long_and_wide() {
    for name in ["counts-lists.parquet", "counts-by-layer.parquet", "counts-duckdb.parquet", "counts-wide.feather"] {
        let recording = look(name);
        let count =
            |layer: u64| (0..4).flat_map(move |s| (0..8).map(move |e| 10 * s + layer + e)).collect::<Vec<u64>>();
        assert_eq!(loads(&recording), [("0", count(0)), ("1", count(1)), ("2", count(2))], "{name}");
    }
}

#[test]
fn what_is_no_recording_is_refused_and_what_is_torn_is_left_out() {
    let read = |name: &str, content: &[u8]| -> Result<Recording, ReadError> {
        moebias_recordings::read(&Input::memory(name, content.to_vec())?, &Reading::default())
    };
    let whole = |name: &str| std::fs::read(written(name)).unwrap();
    let error = open(&[written("unrelated.parquet")], &Reading::default()).unwrap_err();
    assert!(error.what.ends_with("only: name, value"), "{error}");
    let parquet = whole("scores-pandas.parquet");
    assert!(read("a.parquet", &parquet[..parquet.len() - 20]).unwrap_err().what.contains("ends too early"));
    assert!(read("a.parquet", b"PAREsecretPARE").unwrap_err().what.contains("encrypted"));
    assert!(read("a.feather", b"FEA1....FEA1").unwrap_err().what.contains("Feather"));
    let stream = whole("scores-stream.arrows");
    let cut = read("a.arrows", &stream[..stream.len() - 700]).unwrap();
    assert_eq!(cut.damages, ["the last batch is torn: it is left out"]);
    assert_eq!((cut.layers[0].tokens(), cut.layers[2].tokens()), (24, 23));
    assert!(read("a.arrows", &stream[..100]).unwrap_err().what.contains("ends too early"));
    let kind = Reading { kind: Some(RecordedKind::Loads), ..Reading::default() };
    assert!(open(&[written("scores-pandas.parquet")], &kind).is_err());
}
