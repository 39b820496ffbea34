use moebias_recordings::{Reading, RecordedKind, open};
use std::path::{Path, PathBuf};

pub fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cases").join(name)
}

#[test]
fn axes_and_layers_are_found_or_assumed_aloud() {
    for (name, kind, layers, experts, tokens) in [
        ("routed_experts.npy", RecordedKind::Selections, 3, 16, 256),
        ("weight.npy", RecordedKind::Loads, 3, 16, 0),
        ("ffn_moe_logits-7.npy", RecordedKind::Scores, 1, 16, 256),
        ("router-logits-per-layer.safetensors", RecordedKind::Scores, 3, 16, 256),
        ("layer-id.jsonl", RecordedKind::Selections, 3, 16, 256),
        ("tokens-per-expert.jsonl", RecordedKind::Loads, 1, 16, 0),
    ] {
        let recording = open(&[case(name)], &Reading::default()).unwrap();
        assert_eq!((recording.kind, recording.layers.len()), (kind, layers), "{name}");
        let layer = &recording.layers[0];
        assert_eq!((layer.experts, layer.tokens()), (experts, tokens), "{name}: {:?}", recording.assumptions);
    }
}
