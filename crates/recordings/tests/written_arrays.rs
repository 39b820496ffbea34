//! Arrays as NumPy and safetensors write them: `data/written2/make_arrays.py`.

use crate::text::{ids, scores};
use moebias_recordings::{Layer, ReadError, Reading, RecordedKind, Recording, Rows, open};
use std::path::{Path, PathBuf};

fn written(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/written2").join(name)
}

fn look(name: &str, reading: &Reading) -> Result<Recording, ReadError> {
    open(&[written(name)], reading)
}

fn plain(name: &str) -> Recording {
    look(name, &Reading::default()).unwrap_or_else(|e| panic!("{e}"))
}

/// The scores that the script writes.
fn wanted(layer: usize, tokens: impl Iterator<Item = usize>) -> Vec<f32> {
    tokens.flat_map(|t| (0..8).map(move |e| ((7 * e + 3 * t + 5 * layer) % 11) as f32 / 8.0)).collect()
}

fn choices(layer: usize) -> Vec<i64> {
    (0..24).flat_map(|t| [(t + layer) as i64 % 8, (t + layer + 3) as i64 % 8]).collect()
}

fn whole(rows: &Rows) -> Vec<i64> {
    let mut out = vec![];
    rows.read(0..rows.len(), &mut out).unwrap();
    out
}

fn names(recording: &Recording) -> Vec<&str> {
    recording.layers.iter().map(|l| l.name.as_str()).collect()
}

fn said(recording: &Recording) -> String {
    recording.assumptions.iter().map(|a| format!("{}: {}\n", a.ask, a.text)).collect()
}

#[test]
fn every_number_format_of_two_axes() {
    for format in ["f16", "bf16", "f32", "f64"] {
        let recording = plain(&format!("logits-2d-{format}.safetensors"));
        assert_eq!((names(&recording), recording.meta.top_k), (vec!["1"], Some(2)), "{format}");
        assert_eq!(scores(&recording.layers[0]), wanted(1, 0..24), "{format}");
    }
    for name in ["logits-version-2.npy", "logits-bf16.npy"] {
        let recording = plain(name);
        assert_eq!(scores(&recording.layers[0]), wanted(0, 0..24), "{name}");
        assert_eq!(said(&recording).contains("true: its numbers are two raw bytes"), name.contains("bf16"));
    }
}

#[test]
fn layers_steps_and_sequences_are_told_apart() {
    let check = |layer: &Layer, at: usize, steps| {
        assert_eq!(scores(layer), wanted(at, 0..24));
        assert_eq!(layer.cut(), steps);
    };
    check(&plain("logits-3d.safetensors").layers[0], 1, (4, 6));
    for (name, steps) in [
        ("router_logits-3d.safetensors", (1, 24)),
        ("router_logits-4d.safetensors", (1, 24)),
        ("logits-by-layer.safetensors", (4, 6)),
        ("modules.safetensors", (1, 24)),
        ("router_logits-fortran.npy", (1, 24)),
    ] {
        let recording = plain(name);
        assert_eq!(names(&recording), ["0", "1", "2"], "{name}: {}", said(&recording));
        recording.layers.iter().enumerate().for_each(|(at, layer)| check(layer, at, steps));
    }
    let recording = plain("router_logits-4d.safetensors");
    assert!(said(&recording).contains("true: the axes of [3, 4, 6, 8] are layers, batch, tokens, experts"));
    let steps = Reading { axes: Some("layers, steps, tokens, experts".into()), ..Reading::default() };
    check(&look("router_logits-4d.safetensors", &steps).unwrap().layers[2], 2, (4, 6));
    let tokens_first = Reading { axes: Some("tokens, layers, batch, experts".into()), ..Reading::default() };
    assert_eq!(look("router_logits-4d.safetensors", &tokens_first).unwrap().layers.len(), 4);
    let recording = plain("router_logits-views.npy");
    assert_eq!(scores(&recording.layers[2]), wanted(2, (0..24).step_by(2)));
}

#[test]
fn companions_belong_to_their_layers() {
    let recording = plain("modules.safetensors");
    for layer in &recording.layers {
        assert_eq!(layer.bias, [0.0, 0.0625, 0.125, 0.1875, 0.25, 0.3125, 0.375, 0.4375]);
        assert_eq!(whole(&layer.token_ids), (0..24).collect::<Vec<i64>>());
    }
    assert!(recording.meta.gate.is_some());
    // Padding is where the mask is 0, and every layer has its row of the bias.
    let recording = plain("masked.safetensors");
    let kept = || (0..24).filter(|t| !(10..12).contains(t) && !(18..21).contains(t));
    for (at, layer) in recording.layers.iter().enumerate() {
        assert_eq!(scores(layer), wanted(at, kept()));
        assert_eq!(whole(&layer.token_ids), kept().map(|t| t as i64).collect::<Vec<i64>>());
        assert_eq!((layer.bias[0], layer.bias[7]), (at as f64 / 2.0, (8 * at + 7) as f64 / 16.0));
    }
    let text = said(&recording);
    assert!(text.contains("`attention_mask` marks 5 of 24 tokens as padding: they are left out"), "{text}");
}

#[test]
fn chosen_experts_with_layers_in_the_middle() {
    for name in ["routed_experts_rank0.npy", "topk-fortran.npy", "topk_ids-3d.safetensors"] {
        let recording = plain(name);
        assert_eq!((recording.kind, names(&recording)), (RecordedKind::Selections, vec!["0", "1", "2"]), "{name}");
        for (at, layer) in recording.layers.iter().enumerate() {
            assert_eq!((ids(layer), layer.experts), (choices(at), 8), "{name}: {}", said(&recording));
        }
    }
    let recording = plain("unnamed.npy");
    assert_eq!((recording.kind, ids(&recording.layers[0])), (RecordedKind::Selections, choices(0)));
    assert!(said(&recording).contains("true: the array has no name"));
    let declared = Reading { experts: Some(12), ..Reading::default() };
    assert_eq!(look("unnamed.npy", &declared).unwrap().layers[0].experts, 12);
}

#[test]
fn a_folder_has_a_file_per_layer() {
    let recording = plain("layers");
    assert_eq!(names(&recording), ["2", "9", "10"]);
    for (layer, at) in recording.layers.iter().zip([2, 0, 1]) {
        assert_eq!(scores(layer), wanted(at, 0..24));
    }
}

#[test]
fn what_is_no_recording_is_refused_with_a_sentence() {
    for (name, what) in [
        ("big-endian-logits.npy", "it holds \">f4\", but must hold little-endian"),
        ("logits-objects.npy", "it holds \"|O\", but must hold"),
        ("router_logits-structured.npy", "must hold little-endian floats"),
        ("logits-one-number.npy", "no array whose name says"),
        ("logits-empty.npy", "no array whose name says"),
    ] {
        let error = look(name, &Reading::default()).unwrap_err();
        assert!(error.what.contains(what), "{error}");
    }
}
