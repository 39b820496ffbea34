//! JSON documents.

use crate::text::{ids, loads, read, said, scores};
use moebias_recordings::{Reading, RecordedKind};

#[test]
fn named_lists_are_arrays_with_metadata_beside() {
    let content = r#"{"model": "tiny", "config": {"num_experts_per_tok": 2, "n_routed_experts": 3},
        "data": {"logical_count": [[[1, 2, 3], [4, 5, 6]], [[1, 0, 0], [0, 1, 0]]]}}"#;
    let recording = read("counts.json", content, &Reading::default()).unwrap();
    assert_eq!(loads(&recording), [("0", vec![1, 2, 3, 1, 0, 0]), ("1", vec![4, 5, 6, 0, 1, 0])]);
    assert_eq!((recording.meta.top_k, recording.meta.experts, recording.format), (Some(2), Some(3), "JSON"));
    let content =
        "\u{feff}{\"layers\": {\"3\": {\"topk_ids\": [[7, 1], [2, 0]]}, \"11\": {\"topk_ids\": [[4, 5], [6, 7]]}}}";
    let recording = read("chosen", content, &Reading::default()).unwrap();
    assert_eq!(
        recording.layers.iter().map(|l| (l.name.as_str(), ids(l))).collect::<Vec<_>>(),
        [("3", vec![7, 1, 2, 0]), ("11", vec![4, 5, 6, 7])]
    );
    let content = r#"{"router_logits": [[1, -2, null], [0.5, 1, 2]], "token_ids": [17, 4]}"#;
    let recording = read("scores.json", content, &Reading::default()).unwrap();
    let values = scores(&recording.layers[0]);
    assert!(values[2].is_nan() && values[..2] == [1.0, -2.0]);
    assert_eq!(recording.layers[0].token_ids.len(), 2);
}

#[test]
fn plain_lists_are_counts_unless_somebody_says_otherwise() {
    let recording = read("x.json", "[[7, 1],\n [2, 0]]", &Reading::default()).unwrap();
    assert_eq!(loads(&recording), [("0", vec![7, 1]), ("1", vec![2, 0])]);
    assert!(recording.assumptions.iter().any(|a| a.ask), "{}", said(&recording));
    let chosen = Reading { kind: Some(RecordedKind::Selections), ..Reading::default() };
    assert_eq!(ids(&read("x.json", "[[7, 1], [2, 0]]", &chosen).unwrap().layers[0]), [7, 1, 2, 0]);
    let scores_of = Reading { kind: Some(RecordedKind::Scores), ..Reading::default() };
    assert_eq!(scores(&read("x.json", "[[7, 1], [2, 0]]", &scores_of).unwrap().layers[0]), [7.0, 1.0, 2.0, 0.0]);
    let steps = Reading { axes: Some("steps, experts".into()), ..Reading::default() };
    assert_eq!(loads(&read("x.json", "[[7, 1], [2, 0]]", &steps).unwrap()), [("", vec![7, 1, 2, 0])]);
}

#[test]
fn counts_by_layer_and_expert() {
    for content in [
        r#"{"3": {"0": 4, "2": 1}, "10": {"1": 5}}"#,
        r#"{"layer_3": {"expert_0": 4, "expert_2": 1.0}, "layer_10": {"expert_1": 5}}"#,
        r#"{"model": "tiny", "expert_counts": {"model.layers.3.mlp": {"0": 4, "2": 1}, "model.layers.10.mlp": {"1": 5}}}"#,
        r#"{"3": [4, 0, 1], "10": [0, 5, 0]}"#,
        r#"{"tokens_per_expert": {"3": [4, 0, 1], "10": [0, 5, 0]}, "top_k": 2}"#,
        r#"[{"layer": 3, "tokens_per_expert": [4, 0, 1]}, {"layer": 10, "tokens_per_expert": [0, 5, 0]}]"#,
        r#"{"model": "tiny", "layers": [{"layer_id": 3, "counts": [4, 0, 1]}, {"layer_id": 10, "counts": {"1": 5}}]}"#,
    ] {
        let recording = read("counts.json", content, &Reading::default()).unwrap();
        assert_eq!(loads(&recording), [("3", vec![4, 0, 1]), ("10", vec![0, 5, 0])], "{content}");
    }
    let recording = read("counts.json", r#"{"0": 4, "1": 2}"#, &Reading::default()).unwrap();
    assert_eq!(loads(&recording), [("0", vec![4, 2])]);
}

#[test]
fn lists_of_unequal_length_are_tokens_with_fewer_experts() {
    let content = r#"{"layer": 4, "topk_ids": [[7, 1], [2]]}"#;
    let recording = read("chosen.json", content, &Reading::default()).unwrap();
    assert_eq!((recording.layers[0].name.as_str(), ids(&recording.layers[0])), ("4", vec![7, 1, 2, -1]));
}

#[test]
fn json_lines_are_told_from_a_document() {
    let lines = "{\"layer\": 0, \"topk_ids\": [1, 2]}\n{\"layer\": 0, \"topk_ids\": [3, 2]}\n";
    for name in ["log.json", "log", "log.jsonl"] {
        let recording = read(name, lines, &Reading::default()).unwrap();
        assert_eq!((recording.format, recording.layers[0].tokens()), ("JSON lines", 2), "{name}");
    }
    let pretty = "{\n \"topk_ids\": [\n  [1, 2],\n  [3, 2]\n ]\n}\n";
    assert_eq!(read("log", pretty, &Reading::default()).unwrap().format, "JSON");
    // A first line that is longer than what formats are told by.
    let long = format!("{{\"layer\": 0, \"note\": \"{}\", \"topk_ids\": [1, 2]}}\n{lines}", "x".repeat(1 << 17));
    assert_eq!(read("log.json", long, &Reading::default()).unwrap().layers[0].tokens(), 3);
}

#[test]
fn what_is_wrong_in_a_document_is_named_with_its_place() {
    for (content, text, place) in [
        ("{\"logical_count\": [[1, 2],\n [3, x]]}", "it is no JSON: expected value", Some((2, 6))),
        ("{\"logical_count\": [[1, 2],\n [3", "it ends too early", Some((2, 3))),
        ("[[1, 2], [3]]", "neither an object nor lists of numbers of equal length", None),
        ("{\"loss\": 3}", "it holds no list of chosen experts, scores or counts", None),
        ("{\"a\": [[1, 2]], \"b\": [[1, 2]]}", "only: a, b", None),
        ("{\"0\": {\"0\": -4}}", "it holds the count -4", None),
        ("{\"0\": {\"5000\": 4}}", "it names expert 5000", None),
    ] {
        let error = read("table.json", content, &Reading::default()).unwrap_err();
        assert!(error.what.contains(text), "{}", error.what);
        assert_eq!(error.place.map(|p| (p.line, p.column)), place, "{content}");
    }
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(read("deep.json", deep, &Reading::default()).unwrap_err().what.contains("recursion limit"));
    let many = format!("[{}\"\"]", "1,".repeat(3 << 20));
    assert!(read("many.json", many, &Reading::default()).unwrap_err().what.contains("in memory"));
    let many = format!("{{\"a\": [{}1]}}", "\"\",".repeat(3 << 20));
    assert!(read("many.json", many, &Reading::default()).unwrap_err().what.contains("in memory"));
}
