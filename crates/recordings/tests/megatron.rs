//! A trace as Megatron-LM writes it: `data/written2/make_megatron.py`.

use crate::text::{ids, scores};
use moebias_recordings::{Reading, RecordedKind, Recording, open};
use std::path::{Path, PathBuf};

fn written(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/written2/megatron").join(name)
}

/// The scores that the script writes.
fn wanted(rank: usize, layer: usize) -> Vec<f32> {
    let tokens = (0..4).flat_map(|batch| (0..6).map(move |token| (batch, token)));
    let one = |(batch, token): (usize, usize)| {
        (0..8).map(move |e| ((7 * e + 3 * token + 5 * layer + rank + 2 * batch) % 11) as f32 / 8.0)
    };
    tokens.flat_map(one).collect()
}

fn names(recording: &Recording) -> Vec<&str> {
    recording.layers.iter().map(|l| l.name.as_str()).collect()
}

#[test]
fn logits_are_read_from_the_file_beside_the_trace() {
    for rank in 0..2 {
        let trace = written(&format!("router_trace_rank{rank}.jsonl"));
        let recording = open(&[trace], &Reading::default()).unwrap();
        assert_eq!((recording.kind, names(&recording)), (RecordedKind::Scores, vec!["3", "10", "mtp 0.3"]));
        assert_eq!((recording.meta.top_k, recording.format), (Some(2), "Megatron-LM router trace"));
        for (layer, number) in recording.layers.iter().zip([3, 10, 3]) {
            assert_eq!((scores(layer), layer.cut()), (wanted(rank, number), (2, 12)));
        }
    }
    // The ranks of a folder hold different tokens.
    let recording = open(&[written("")], &Reading::default()).unwrap();
    assert_eq!(scores(&recording.layers[0]), [wanted(0, 3), wanted(1, 3)].concat());
}

#[test]
fn without_logits_the_chosen_experts_are_read() {
    let chosen = Reading { kind: Some(RecordedKind::Selections), ..Reading::default() };
    let recording = open(&[written("router_trace_rank0.jsonl")], &chosen).unwrap();
    let all = wanted(0, 10);
    let best = all.chunks(8).flat_map(|row| {
        let mut order: Vec<i64> = (0..8).collect();
        order.sort_by(|&a, &b| row[b as usize].total_cmp(&row[a as usize]));
        order[..2].to_vec()
    });
    assert_eq!((names(&recording), ids(&recording.layers[1])), (vec!["3", "10", "mtp 0.3"], best.collect()));
    assert_eq!(recording.layers[0].cut(), (2, 12));
    // A copy without its side file.
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("router_trace_rank0.jsonl");
    std::fs::copy(written("router_trace_rank0.jsonl"), &copy).unwrap();
    let path = std::slice::from_ref(&copy);
    assert_eq!(open(path, &Reading::default()).unwrap().kind, RecordedKind::Selections);
    let logits = Reading { kind: Some(RecordedKind::Scores), ..Reading::default() };
    assert!(open(path, &logits).unwrap_err().what.contains("logits_rankN.bin"));
    // A side file that was cut short.
    let side = std::fs::read(written("logits_rank0.bin")).unwrap();
    std::fs::write(folder.path().join("logits_rank0.bin"), &side[..300]).unwrap();
    let error = open(path, &Reading::default()).unwrap_err();
    assert!(error.what.contains("logits_rank0.bin ends before the logits from byte 288"), "{error}");
    assert_eq!(error.place.unwrap().line, 4);
}
