//! JSON lines as different writers write them.

use moebias_recordings::{Data, Input, Question, ReadError, Reading, RecordedKind, Recording, open, read};

fn lines(text: impl Into<Vec<u8>>) -> Result<Recording, ReadError> {
    read(&Input::memory("log.jsonl", text.into())?, &Reading::default())
}

/// Layers with their rows or counts.
fn rows(recording: &Recording) -> Vec<(String, Vec<i64>)> {
    let of = |data: &Data| match data {
        Data::Loads(counts) => counts.iter().map(|&c| c as i64).collect(),
        Data::Scores(rows) | Data::Selections(rows) => {
            let mut out = vec![];
            rows.read(0..rows.len(), &mut out).unwrap();
            out
        }
    };
    recording.layers.iter().map(|l| (l.name.clone(), of(&l.data))).collect()
}

fn layers(all: &[(&str, &[i64])]) -> Vec<(String, Vec<i64>)> {
    all.iter().map(|(name, rows)| ((*name).to_owned(), rows.to_vec())).collect()
}

#[test]
fn writers_say_the_same_in_many_ways() {
    let same = layers(&[("2", &[5, 1, 0, 7]), ("3", &[4, 6, 2, 3])]);
    for text in [
        // One line per token and layer, with the layer as a number, as text, and as a module.
        r#"{"layer": 2, "token_idx": 0, "topk_ids": [5, 1]}
{"layer": "3", "token_idx": 0, "topk_ids": [4, 6]}
{"layer_name": "model.layers.2.mlp.gate", "token_idx": 1, "topk_ids": [0, 7]}
{"layer_id": 3.0, "token_idx": 1, "topk_ids": [2, 3]}"#,
        // One line per layer and batch.
        r#"{"layer": 2, "batch_id": 12, "origin_rows": [0, 0], "topk_experts": [[5, 1], [0, 7]], "topk_weights": [[0.5, 0.5], [0.5, 0.5]]}
{"layer": 3, "batch_id": 12, "origin_rows": [0, 0], "topk_experts": [[4, 6], [2, 3]]}"#,
        // One line per activation, in the order of layers within the token.
        r#"{"request_id": "a", "token_idx": 0, "layer": 2, "expert_idx": 5, "weight": 0.75}
{"request_id": "a", "token_idx": 0, "layer": 3, "expert_idx": 4}
{"request_id": "a", "token_idx": 0, "layer": 2, "expert_idx": 1, "weight": 0.25}
{"request_id": "a", "token_idx": 0, "layer": 3, "expert_idx": 6}
{"request_id": "b", "token_idx": 0, "layer": 2, "expert_idx": 0}
{"request_id": "b", "token_idx": 0, "layer": 3, "expert_idx": 2}
{"request_id": "b", "token_idx": 0, "layer": 2, "expert_idx": 7}
{"request_id": "b", "token_idx": 0, "layer": 3, "expert_idx": 3}"#,
        // Objects within objects, with layers as a list and as an object.
        r#"{"request": {"id": "a"}, "tokens": [{"token": {"idx": 0, "text": "Hi"}, "layers": [{"layer": 2, "topk_ids": [5, 1]}, {"layer": 3, "topk_ids": [4, 6]}]},
 {"token": {"idx": 1}, "layers": {"2": {"topk_ids": [0, 7]}, "3": [2, 3]}}]}"#
            .replace('\n', "")
            .as_str(),
        r#"{"token_idx": 0, "topk_indices": {"2": [5, 1], "model.layers.3": [4, 6]}}
{"token_idx": 1, "topk_indices": {"2": [0, 7], "model.layers.3": [{"expert": 2, "weight": 0.5}, {"id": 3}]}}"#,
        // Columns, as a table becomes lines.
        r#"{"token_id": 11, "layer_id": 2, "expert_0": 5, "expert_1": 1}
{"token_id": 11, "layer_id": 3, "expert_0": 4, "expert_1": 6}
{"token_id": 12, "layer_id": 2, "expert_0": 0, "expert_1": 7}
{"token_id": 12, "layer_id": 3, "expert_0": 2, "expert_1": 3}"#,
    ] {
        let recording = lines(text).unwrap();
        assert_eq!(rows(&recording), same, "{text}");
        assert_eq!(recording.kind, RecordedKind::Selections);
    }
}

#[test]
fn a_response_holds_tokens_layers_and_choices() {
    let text = r#"{"id": "cmpl-1", "choices": [{"index": 0, "text": "…", "routed_experts": [[[0, 1], [2, 3]], [[4, 5], [6, 7]], [[1, 0], [3, 2]]]}]}"#;
    let recording = lines(text).unwrap();
    assert_eq!(rows(&recording), layers(&[("0", &[0, 1, 4, 5, 1, 0]), ("1", &[2, 3, 6, 7, 3, 2])]));
    assert!(recording.assumptions.iter().any(|a| a.about == Question::Axes && a.text.contains("tokens, layers")));
    let other = Reading { axes: Some("layers, tokens, experts".into()), ..Reading::default() };
    let recording = read(&Input::memory("a.jsonl", text.into()).unwrap(), &other).unwrap();
    assert_eq!(recording.layers.len(), 3);
    assert_eq!(rows(&recording)[0], ("0".into(), vec![0, 1, 2, 3]));
}

#[test]
fn scores_of_all_layers_and_of_one() {
    let all = r#"{"input_ids": [7, 9], "router_logits": [[[1, 2, 3, 4], [5, 6, 7, 8]], [[4, 3, 2, 1], [8, 7, 6, 5]]], "topk_ids": [[3], [3]]}"#;
    let recording = lines(all).unwrap();
    let wanted = layers(&[("0", &[1, 2, 3, 4, 5, 6, 7, 8]), ("1", &[4, 3, 2, 1, 8, 7, 6, 5])]);
    assert_eq!((recording.kind, rows(&recording)), (RecordedKind::Scores, wanted.clone()));
    let mut ids: Vec<i64> = vec![];
    recording.layers[1].token_ids.read(0..2, &mut ids).unwrap();
    assert_eq!(ids, [7, 9]);
    let by_token = "{\"pos\": 0, \"logits\": [[1, 2, 3, 4], [4, 3, 2, 1]]}\r\n{\"pos\": 1, \"logits\": [[5, 6, 7, 8], [8, 7, 6, 5]]}\r\n";
    assert_eq!(rows(&lines(by_token).unwrap()), wanted);
    let chosen = Reading { kind: Some(RecordedKind::Selections), ..Reading::default() };
    assert_eq!(read(&Input::memory("a", all.into()).unwrap(), &chosen).unwrap().kind, RecordedKind::Selections);
}

#[test]
fn counts_come_as_lists_and_objects_with_steps_and_ranks() {
    let same = layers(&[("0", &[3, 1, 0, 4]), ("5", &[2, 2, 1, 3])]);
    for text in [
        "{\"step\": 10, \"layer\": 0, \"tokens_per_expert\": [3, 1]}\n{\"step\": 10, \"layer\": 5, \"tokens_per_expert\": [2, 2]}\n\n\
         {\"step\": 20, \"layer\": 0, \"tokens_per_expert\": [0, 4.0]}\n{\"step\": 20, \"layer\": 5, \"tokens_per_expert\": [1, 3]}\n",
        "{\"iteration\": 1, \"tokens_per_expert\": {\"layers.0\": {\"0\": 3, \"1\": 1}, \"layers.5\": {\"expert_0\": 2, \"expert_1\": 2}}}\n\
         {\"iteration\": 2, \"tokens_per_expert\": {\"layers.0\": [0, 4], \"layers.5\": [1, 3]}}\n",
        "{\"layer\": 0, \"rank\": 0, \"assignment_counts\": [2, 1]}\n{\"layer\": 0, \"rank\": 1, \"assignment_counts\": [1, 0]}\n\
         {\"layer\": 5, \"assignment_counts\": [2, 2]}\n{\"layer\": 5, \"assignment_counts\": [1, 3]}\n\
         {\"layer\": 0, \"rank\": 0, \"assignment_counts\": [0, 4]}\n{\"layer\": 0, \"rank\": 1, \"assignment_counts\": [0, 0]}\n",
        "{\"step\": 1, \"layer\": 0, \"expert_0\": 3, \"expert_1\": 1}\n{\"step\": 1, \"layer\": 5, \"expert\": 0, \"count\": 2}\n\
         {\"step\": 1, \"layer\": 5, \"expert\": 1, \"count\": 2}\n{\"step\": 2, \"layer\": 0, \"expert_1\": 4, \"expert_0\": 0}\n\
         {\"step\": 2, \"layer\": 5, \"expert_0\": 1, \"expert_1\": 3}\n",
    ] {
        assert_eq!(rows(&lines(text).unwrap()), same, "{text}");
    }
    let nested = "{\"logical_count\": [[[3, 1], [2, 2]], [[0, 4], [1, 3]]]}";
    assert_eq!(rows(&lines(nested).unwrap()), layers(&[("0", &[3, 1, 0, 4]), ("1", &[2, 2, 1, 3])]));
}

#[test]
fn k_may_vary_and_metadata_may_come_first() {
    let text = "\u{feff}{\"type\": \"meta\", \"num_experts\": 16, \"layers\": {\"0\": [1, 2]}, \"scoring_func\": \"softmax\"}\n\n\
                {\"topk_ids\": [3]}\n{\"topk_ids\": [4, 5, 6]}\n{\"topk_ids\": []}\n{\"topk_ids\": [7, null]}\n";
    let recording = lines(text).unwrap();
    assert_eq!(rows(&recording), layers(&[("0", &[3, -1, -1, 4, 5, 6, -1, -1, -1, 7, -1, -1])]));
    assert_eq!((recording.layers[0].experts, recording.meta.experts), (16, Some(16)));
}

#[test]
fn what_is_torn_is_left_out_and_what_is_wrong_has_a_place() {
    let good = "{\"topk_ids\": [0, 1]}\n{\"topk_ids\": [2, 1]}\n";
    for torn in ["{\"topk_ids\": [0", "\0\0\0\0\0\0\n", "{\"topk_ids\": \u{0}\u{0}"] {
        let recording = lines(format!("{good}{torn}")).unwrap();
        assert_eq!(recording.damages, ["the last line, 3, is torn: it is left out"], "{torn:?}");
        assert_eq!(recording.layers[0].tokens(), 2);
    }
    for (text, what, line, column) in [
        ("{\"topk_ids\": [0, 1}\n{}\n", "line 1 is not a JSON object", 1, 19),
        ("{\"a\": 1}\n{\"logits\": [0.5, NaN]}\n", "line 2 holds NaN, which is no number in JSON", 2, 18),
        ("{\"logits\": [-Infinity, 1]}\n{}", "line 1 holds Infinity", 1, 14),
        ("{\"topk_ids\": [0, 1]}\n{\"topk_ids\": [1, 1]}\n", "it names expert 1 twice (line 2)", 2, 1),
        ("{\"topk_ids\": [0, 1]}\n[1, 2]\n{}\n", "line 2 is not a JSON object", 2, 0),
        ("{\"topk_ids\": [0, 9999999]}\n", "it names expert 9999999", 1, 1),
        ("{\"topk_ids\": [0, 1.5]}\n", "`topk_ids` holds 1.5", 1, 1),
        ("{\"logits\": [0, 1]}\n{\"logits\": [0, 1, 2]}\n", "a token has 3 scores", 2, 1),
        ("{\"topk_ids\": [[[[[0]]]]]}\n", "lists within lists", 1, 1),
        ("{\"layer\": true, \"topk_ids\": [0]}\n", "the layer is true", 1, 1),
        ("{\"tokens_per_expert\": [1, -2]}\n", "a count is -2", 1, 1),
    ] {
        let error = lines(text).unwrap_err();
        assert!(error.what.starts_with(what) || error.what.contains(what), "{text}: {error}");
        let place = error.place.unwrap();
        assert_eq!(place.line, line, "{text}");
        assert!(column == 0 || place.column == column, "{text}: {}", place.column);
    }
    assert!(lines(b"\xff\xfe{\0}\0".to_vec()).unwrap_err().what.contains("UTF-16"));
    assert!(lines("{\"type\": \"meta\"}\n").unwrap_err().what.contains("no record with"));
    let long = format!("{{\"a\": \"{}\"}}\n", "x".repeat(64 << 20));
    assert!(lines(long).unwrap_err().what.contains("line 1 is longer than 64 MiB"));
}

#[cfg(feature = "compressed")]
#[test]
fn a_compressed_file_may_end_anywhere() {
    let text: String = (0..20_000).map(|i| format!("{{\"topk_ids\": [{}, {}]}}\n", i % 7, 7 + i * i % 9)).collect();
    let mut packer = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
    std::io::Write::write_all(&mut packer, text.as_bytes()).unwrap();
    let packed = packer.finish().unwrap();
    let whole = lines(packed.clone()).unwrap();
    assert_eq!((whole.layers[0].tokens(), whole.damages.len()), (20_000, 0));
    let cut = lines(packed[..packed.len() / 2].to_vec()).unwrap();
    assert!(cut.layers[0].tokens() > 1000 && cut.damages.len() == 1, "{:?}", cut.damages);
    assert!(cut.damages[0].contains("can't be read behind line"), "{:?}", cut.damages);
    assert!(lines(packed[..40].to_vec()).is_err());
    let packed = zstd::encode_all(text.as_bytes(), 1).unwrap();
    assert_eq!(lines(packed.clone()).unwrap().layers[0].tokens(), 20_000);
    // A stream that ends within a block holds what lies before the block.
    drop(lines(packed[..packed.len() / 2].to_vec()));
}

#[test]
fn a_configuration_beside_the_file_answers_what_the_file_does_not_say() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log.jsonl");
    std::fs::write(&log, "{\"num_experts\": 12}\n{\"logits\": [0.1, 0.2, 0.3, 0.4]}\n").unwrap();
    let config = folder.path().join("config.json");
    let look = || open(std::slice::from_ref(&log), &Reading::default()).unwrap();
    std::fs::write(&config, "{\"window\": 3}").unwrap();
    assert_eq!(look().meta.top_k, None);
    std::fs::write(
        &config,
        "{\"text_config\": {\"num_experts_per_tok\": 2, \"num_experts\": 4, \"scoring_func\": \"softmax\"}}",
    )
    .unwrap();
    let recording = look();
    assert_eq!((recording.meta.top_k, recording.meta.experts), (Some(2), Some(12)));
    assert!(recording.meta.gate.is_some());
    let said: Vec<&str> = recording.assumptions.iter().map(|a| a.text.as_str()).collect();
    assert!(said.contains(&"K is 2, from config.json beside the file"), "{said:?}");
    assert!(said.contains(&"the gate is softmax, from config.json beside the file"), "{said:?}");
    assert_eq!(said.len(), 3, "{said:?}");
    std::fs::write(&config, "{\"num_experts_per_tok\": ").unwrap();
    assert_eq!(look().meta.top_k, None);
}
