//! llama.cpp's importance matrices, and files that are refused with what to do instead.

use crate::text::{loads, read, said, zip};
use crate::written::{counts, written};
use moebias_recordings::{Reading, open};
use std::path::Path;

fn refused(name: &str, content: &[u8]) -> String {
    read(name, content, &Reading::default()).unwrap_err().what
}

fn refused_file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/written").join(name);
    open(&[path], &Reading::default()).unwrap_err().what
}

#[test]
fn importance_matrices_hold_counts_of_experts() {
    let recording = written("imatrix.gguf");
    assert_eq!(loads(&recording), [("1", counts(0, 1)), ("2", counts(1, 1))]);
    assert_eq!(recording.metadata["imatrix.chunk_count"], "5");
    let note = &recording.assumptions[0];
    assert!(note.text.contains("the first of them is taken") && !note.ask);
    let recording = written("imatrix-differs.gguf");
    assert_eq!(loads(&recording), [("1", counts(0, 1)), ("2", counts(1, 1))]);
    assert!(said(&recording).contains("though they differ") && recording.assumptions[0].ask);
}

#[test]
fn other_files_of_llama_cpp_are_refused_with_a_reason() {
    assert!(refused_file("model.gguf").contains("a model does not say where tokens go"));
    assert!(refused_file("imatrix-dense.gguf").contains("without counts of experts"));
    let old = [3_u32, 24].map(u32::to_le_bytes).concat();
    let old = [old.as_slice(), b"blk.0.ffn_gate_exps.weight", &[0; 100]].concat();
    assert!(refused("imatrix.dat", &old).contains("--output-format gguf"));
}

#[test]
fn damaged_importance_matrices_are_refused() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/written/imatrix.gguf");
    let whole = std::fs::read(path).unwrap();
    for length in 5..whole.len() {
        let cut = read("x.gguf", &whole[..length], &Reading::default());
        assert!(cut.map_or_else(|e| !e.what.is_empty(), |r| loads(&r).len() == 2), "{length}");
    }
    for at in 4..whole.len() {
        for flip in [1, 0x40, 0xff] {
            let mut other = whole.clone();
            other[at] ^= flip;
            if let Ok(recording) = read("x.gguf", other, &Reading::default()) {
                assert!(!recording.layers.is_empty());
            }
        }
    }
    // More entries than any file has, and a text and a list that never end.
    let header = |count: u64, rest: &[u8]| [b"GGUF\x03\0\0\0".as_slice(), &[0; 8], &count.to_le_bytes(), rest].concat();
    let key = [&1_u64.to_le_bytes(), b"k".as_slice()].concat();
    assert!(refused("x.gguf", &header(u64::MAX, &[])).contains("entries, but at most"));
    assert!(refused("x.gguf", &header(1, &[0xff; 8])).contains("a text of"));
    let list = [&key, [9, 0, 0, 0].as_slice(), &[4, 0, 0, 0], &[0xff; 8]].concat();
    assert!(refused("x.gguf", &header(1, &list)).contains("header is longer than"));
    assert!(refused("x.gguf", b"GGUF\x00\x00\x00\x03").contains("version 50331648"));
}

#[test]
fn files_that_hold_no_recording_are_told_from_each_other() {
    let event = b"\x18\0\0\0\0\0\0\0\xa3\x7f\x4b\x22\x09\0\0\0\0\0\0\xd8\x41\x1a\x0dbrain.Event:2\0\0\0\0";
    for (name, content, text) in [
        ("events.out.tfevents.1.host", b"\x18\0\0\0\0\0\0\0".as_slice(), "EventAccumulator"),
        ("events", event, "TensorBoard"),
        ("x.h5", b"\x89HDF\r\n\x1a\n\0\0", "HDF5 file: save its arrays with numpy.savez"),
        ("x.onnx", b"\x08\x07\x12\x07pytorch", "ONNX model"),
        ("x.pkl", b"\x80\x04\x95\0\0\0\0\0\0\0\0}.", "Python pickle, which is a program and is not run"),
        ("x.db", b"SQLite format 3\0\0", "export its table as CSV"),
        ("x.bin", b"\0\0\x80\x3f\0\0\0\x40", "called .bin"),
        ("x.xz", b"\xfd7zXZ\0\0", "pack it with gzip or zstd"),
        ("x.txt", b"\xff\xfel\0a\0", "UTF-16"),
        ("x.zip", &zip(&[("readme", b"x")]), "unpack it"),
        ("x.md", b"Some text about experts.\n", "it is no recording that Moebias knows; it reads"),
    ] {
        let said = refused(name, content);
        assert!(said.contains(text), "{name}: {said}");
    }
}
