//! Files as NumPy, pandas and Polars write them; `data/written/make_written.py` made them.

use crate::text::{ids, loads, said, scores};
use moebias_recordings::{Reading, Recording, open};
use std::path::Path;

pub fn written(name: &str) -> Recording {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/written").join(name);
    open(&[path], &Reading::default()).unwrap_or_else(|e| panic!("{e}"))
}

/// 100 × step + 10 × layer + expert, as the script counts.
pub fn counts(layer: u64, steps: u64) -> Vec<u64> {
    (0..steps).flat_map(|s| (0..4).map(move |e| 100 * s + 10 * layer + e)).collect()
}

/// The experts of 6 tokens in a layer.
pub fn chosen(layer: i64) -> Vec<i64> {
    (0..6).flat_map(|t| [(t + layer) % 4, (t + layer + 1) % 4]).collect()
}

pub fn logits() -> Vec<f32> {
    (0..6_u8).flat_map(|t| (0..4_u8).map(move |e| f32::from(t) - 2.5 * f32::from(e))).collect()
}

#[test]
fn counts_of_three_steps() {
    for (name, format) in [
        ("stored.npz", "NumPy .npz"),
        ("long-index.csv", "CSV"),
        ("long.tsv.gz", "CSV"),
        ("savetxt-header.csv", "CSV"),
        ("indented.json", "JSON"),
    ] {
        let recording = written(name);
        assert_eq!(loads(&recording), [("0", counts(0, 3)), ("1", counts(1, 3))], "{name}");
        assert_eq!(recording.format, format, "{name}");
    }
    assert_eq!(written("stored.npz").meta.top_k, Some(2));
    assert!(written("stored.npz").meta.gate.is_some());
    assert_eq!(loads(&written("pivot.csv")), [("0", counts(0, 3))]);
}

#[test]
fn counts_without_steps() {
    for name in ["savetxt.txt", "frame.csv", "layers.json"] {
        assert_eq!(loads(&written(name)), [("0", counts(0, 1)), ("1", counts(1, 1))], "{name}");
    }
}

#[test]
fn chosen_experts() {
    for name in ["lists.csv", "records.json", "lines.json", "unnamed.npz"] {
        let recording = written(name);
        assert_eq!(recording.layers.iter().map(ids).collect::<Vec<_>>(), [chosen(0), chosen(1)], "{name}");
        assert_eq!(said(&recording).contains("has no name"), name == "unnamed.npz");
    }
    assert_eq!(ids(&written("polars.csv").layers[0]), chosen(1));
    let mut fewer = chosen(1);
    fewer[11] = -1;
    assert_eq!(ids(&written("polars-null.csv").layers[0]), fewer);
}

#[test]
fn router_outputs() {
    let recording = written("packed.npz");
    for (layer, name) in recording.layers.iter().zip(["3", "12"]) {
        assert_eq!((layer.name.as_str(), scores(layer)), (name, logits()));
    }
    assert_eq!(recording.layers.len(), 2);
    assert_eq!(scores(&written("scores.json.gz").layers[0]), logits());
}
