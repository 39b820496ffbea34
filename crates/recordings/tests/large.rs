//! Large files open at once: only headers are read, and of chosen experts a part. The files are sparse.

use crate::mutated::peak_of;
use moebias_recordings::{Reading, Recording, open};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

const LAYERS: usize = 61;
const STEPS: usize = 16;
const TOKENS: usize = 4096;
const EXPERTS: usize = 256;

/// A file with this beginning and zeros behind it.
fn sparse(path: &Path, header: &[u8], content: u64) {
    let mut file = File::create(path).unwrap();
    file.write_all(header).unwrap();
    file.set_len(header.len() as u64 + content).unwrap();
}

fn safetensors(arrays: &[(String, Vec<usize>)]) -> (Vec<u8>, u64) {
    let (mut text, mut end) = (String::from("{"), 0);
    for (i, (name, shape)) in arrays.iter().enumerate() {
        let from = end;
        end += 2 * shape.iter().product::<usize>() as u64;
        let comma = if i == 0 { "" } else { "," };
        write!(text, "{comma}\"{name}\":{{\"dtype\":\"F16\",\"shape\":{shape:?},\"data_offsets\":[{from},{end}]}}")
            .unwrap();
    }
    text.push('}');
    ([&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat(), end)
}

fn npy(shape: &[usize]) -> Vec<u8> {
    let shape: String = shape.iter().map(|n| format!("{n}, ")).collect();
    let text = format!("{{'descr': '<i2', 'fortran_order': False, 'shape': ({shape}), }}\n");
    [b"\x93NUMPY\x01\0", &(text.len() as u16).to_le_bytes()[..], text.as_bytes()].concat()
}

/// Opens a file, and says how long it took and what it needed.
fn opened(path: &Path, reading: &Reading) -> (Recording, Duration, isize) {
    let from = Instant::now();
    let (recording, bytes) = peak_of(|| open(&[path.to_owned()], reading).unwrap());
    let took = from.elapsed();
    println!("{}: {} ms, at most {} KiB", path.display(), took.as_millis(), bytes >> 10);
    (recording, took, bytes)
}

#[test]
fn two_gigabytes_of_scores_open_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let by_layer: Vec<_> = (0..LAYERS).map(|l| (format!("logits.{l}"), vec![STEPS, TOKENS, EXPERTS])).collect();
    let one = [("router_logits".to_owned(), vec![LAYERS, STEPS, TOKENS, EXPERTS])];
    for (name, arrays) in [("by-layer.safetensors", by_layer.as_slice()), ("one.safetensors", one.as_slice())] {
        let path = folder.path().join(name);
        let (header, content) = safetensors(arrays);
        sparse(&path, &header, content);
        let axes = (arrays.len() == 1).then(|| "layers, steps, tokens, experts".to_owned());
        let (recording, _, bytes) = opened(&path, &Reading { axes, ..Reading::default() });
        assert_eq!((recording.layers.len(), recording.layers[60].cut()), (LAYERS, (STEPS, TOKENS)));
        assert!(bytes < 8 << 20, "{bytes}");
    }
}

#[test]
fn a_gigabyte_of_chosen_experts_is_not_read_through_where_their_number_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("routed_experts.npy");
    sparse(&path, &npy(&[1 << 20, LAYERS, 8]), (16 * LAYERS as u64) << 20);
    let (recording, _, bytes) = opened(&path, &Reading { experts: Some(256), ..Reading::default() });
    assert_eq!((recording.layers.len(), recording.layers[0].tokens()), (LAYERS, 1 << 20));
    assert!(bytes < 64 << 20, "{bytes}");
    if std::env::var("MOEBIAS_LARGE").is_ok() {
        opened(&path, &Reading::default());
    }
}
