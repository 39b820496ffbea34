//! Tables as text.

use crate::text::{ids, loads, read, said, scores};
use moebias_recordings::{Reading, RecordedKind};

#[test]
fn long_counts_in_any_order_of_columns_and_with_any_separator() {
    for content in [
        "layer,expert,count\n0,0,4\n0,1,6\n3,0,1\n3,1,9\n",
        "Layer ID;Count;Expert ID\r\n0;4;0\r\n0;6;1\r\n3;1;0\r\n3;9;1\r\n",
        "\u{feff}expert_idx\tlayer_name\tnum_tokens\n0\tmodel.layers.0.mlp\t4\n1\tmodel.layers.0.mlp\t6.0\n\
         0\tmodel.layers.3.mlp\t1\n1\tmodel.layers.3.mlp\t9\n",
        "# written by a spreadsheet\n\"layer\",\"expert\",\"count\"\n\"0\",0,4\n0,\"1\",6\n# between\n3,0,1\n3,1,9",
        "# layer_id expert_id count\n0 0 4\n0 1   6\n3 0 1\n  3 1 9\n",
        "layerId,expertId,tokenCount\n0,0,4\n0,1,6\n3,0,1\n3,1,9\n\n",
    ] {
        let recording = read("counts.txt", content, &Reading::default()).unwrap();
        assert_eq!(loads(&recording), [("0", vec![4, 6]), ("3", vec![1, 9])], "{content}");
        assert_eq!(recording.assumptions, [], "{content}");
    }
}

#[test]
fn ranks_of_one_table_are_added_up_and_steps_kept_apart() {
    let long = "rank,step,layer,expert,count\n0,10,0,0,4\n1,10,0,0,1\n0,20,0,1,2\n1,20,0,0,3\n";
    let recording = read("counts.csv", long, &Reading::default()).unwrap();
    assert_eq!(loads(&recording), [("0", vec![5, 0, 3, 2])]);
    assert!(said(&recording).contains("the counts of the 2 ranks are added up"));
    let wide = "ep_rank,expert_0,expert_1\n0,4,1\n1,1,1\n0,2,0\n1,0,5\n";
    assert_eq!(loads(&read("wide.csv", wide, &Reading::default()).unwrap()), [("0", vec![5, 2, 2, 5])]);
    let twice = "layer,expert,count\n0,0,4\n0,1,6\n0,0,1\n";
    assert!(said(&read("counts.csv", twice, &Reading::default()).unwrap()).contains("added up"));
}

#[test]
fn wide_counts_have_steps_layers_or_neither() {
    let wide = "iteration,layer,e1,e0,e2\n0,5,1,2,\n1,5,4,5,6\n";
    let recording = read("wide.csv", wide, &Reading::default()).unwrap();
    assert_eq!(loads(&recording), [("5", vec![2, 1, 0, 5, 4, 6])]);
    assert!(said(&recording).contains("empty counts are taken for 0"));
    let from_one = "step,expert_1,expert_2\n0,3,4\n";
    let recording = read("wide.csv", from_one, &Reading::default()).unwrap();
    assert_eq!(loads(&recording), [("0", vec![3, 4])]);
    assert!(said(&recording).contains("count from 1"));
    // As a data frame writes an array: an index without a name, and columns that are numbered.
    for framed in [",0,1,2\n0,7,8,9\n1,3,2,1\n", "0,1,2\n7,8,9\n3,2,1\n", "7 8 9\n3 2 1\n", "7.0e0,8,9\n3,2,1"] {
        let recording = read("counts.csv", framed, &Reading::default()).unwrap();
        assert_eq!(loads(&recording), [("0", vec![7, 8, 9]), ("1", vec![3, 2, 1])], "{framed}");
        assert!(recording.assumptions.iter().any(|a| a.ask), "{framed}");
        let steps = Reading { axes: Some("steps, experts".into()), ..Reading::default() };
        assert_eq!(loads(&read("counts.csv", framed, &steps).unwrap()), [("", vec![7, 8, 9, 3, 2, 1])], "{framed}");
    }
}

#[test]
fn chosen_experts_come_in_columns_in_lists_or_row_by_row() {
    for content in [
        "position,layer,expert_0,expert_1\n0,0,7,1\n0,1,2,0\n1,0,3,\n1,1,4,5\n",
        "token_idx,layer,topk_ids\n0,0,\"[7, 1]\"\n0,1,\"[2, 0]\"\n1,0,[3]\n1,1,\"[4, 5]\"\n",
        "token_idx;layer;topk_ids\n0;0;[7, 1]\n0;1;[2 0]\n1;0;[3]\n1;1;[4, 5]\n",
        "token,layer,expert\n0,0,7\n0,0,1\n0,1,2\n0,1,0\n1,0,3\n1,1,4\n1,1,5\n",
        "token,layer,expert\n\"a\nb\",0,7\n\"a\nb\",1,2\n\"a\nb\",0,1\n\"a\nb\",1,0\n\" the\",0,3\n\" the\",1,4\n\" the\",1,5\n",
        "token\tlayer\ttop_1\ttop_2\tscore_1\tscore_2\n0\t0\t7\t1\t.5\t.2\n0\t1\t2\t0\t.5\t.2\n1\t0\t3\t\t.5\t\n1\t1\t4\t5\t.5\t.2\n",
    ] {
        let recording = read("chosen.csv", content, &Reading::default()).unwrap();
        assert_eq!(recording.kind, RecordedKind::Selections, "{content}");
        let ids: Vec<Vec<i64>> = recording.layers.iter().map(ids).collect();
        assert_eq!(ids, [[7, 1, 3, -1], [2, 0, 4, 5]], "{content}");
        assert!(recording.layers[0].token_ids.is_empty());
    }
}

#[test]
fn token_ids_are_positions_if_they_count_up() {
    let table = |ids: [u32; 4]| {
        let rows: Vec<String> = ids.iter().map(|id| format!("{id},0,1,2\n")).collect();
        format!("token_id,layer_id,expert_0,expert_1\n{}", rows.concat())
    };
    for (ids, positions) in [([0, 1, 2, 3], true), ([0, 1, 0, 1], true), ([17, 5, 5, 9], false), ([0, 0, 0, 0], false)]
    {
        let recording = read("chosen.csv", table(ids), &Reading::default()).unwrap();
        assert_eq!(recording.layers[0].token_ids.is_empty(), positions, "{ids:?}");
        assert!(said(&recording).contains("token ids"), "{ids:?}");
        let named = Reading { token_ids: Some("token_id".into()), ..Reading::default() };
        let recording = read("chosen.csv", table(ids), &named).unwrap();
        assert_eq!(recording.layers[0].token_ids.len(), 4, "{ids:?}");
    }
}

#[test]
fn scores_and_their_metadata_in_comments() {
    let table = "# top_k: 2\n# scoring_func=softmax\nlogits_0;logits_1;logits_2\n1,5;-0,25;nan\n-inf;0;1e-3\n";
    let recording = read("scores.log", table, &Reading::default()).unwrap();
    assert_eq!((recording.kind, recording.layers[0].experts), (RecordedKind::Scores, 3));
    assert_eq!((recording.layers[0].tokens(), recording.meta.top_k), (2, Some(2)));
    let values = scores(&recording.layers[0]);
    assert!(values[2].is_nan());
    assert_eq!((values[..2].to_vec(), values[3..].to_vec()), (vec![1.5, -0.25], vec![f32::NEG_INFINITY, 0.0, 1e-3]));
}

#[test]
fn a_torn_last_row_costs_that_row() {
    for (torn, whole) in [("0,0,4\n0,1,6\n0,2", true), ("0,0,4\n0,1,6\n0,2\n", false)] {
        let recording = read("counts.csv", format!("layer,expert,count\n{torn}"), &Reading::default());
        assert_eq!(recording.is_ok(), whole);
        if let Ok(recording) = recording {
            assert_eq!(recording.damages, ["the last line, 4, is torn: it is left out"]);
            assert_eq!(loads(&recording), [("0", vec![4, 6])]);
        }
    }
}

#[test]
fn what_is_wrong_in_a_table_is_named_with_its_place() {
    for (content, text, line, column) in [
        ("layer,expert,count\n0,0,4\n0,1,many\n", "\"many\" is no number", 3, 5),
        ("layer,expert,count\n0,0,-4\n", "a count is -4, but must be a number from 0", 2, 5),
        ("layer,expert,count\n0,5000,4\n", "it names expert 5000", 2, 3),
        ("layer,expert,count\n0,0,4,9\n", "a row has 4 fields, but the header has 3", 2, 1),
        ("layer,expert,count\n,0,4\n", "the layer is missing", 2, 1),
        ("token,topk_ids\n0,[7, 1]\n", "a row has 3 fields, but the header has 2", 2, 1),
        ("token,expert_0,expert_1\n0,3,3\n", "it names expert 3 twice", 2, 1),
    ] {
        let error = read("table.csv", content, &Reading::default()).unwrap_err();
        assert!(error.what.contains(text), "{}", error.what);
        let place = error.place.unwrap();
        assert_eq!((place.line, place.column), (line, column), "{content}");
    }
    for (content, text) in [
        ("layer,loss\n0,4\n", "it has no columns for a layer, an expert and a count"),
        ("layer,expert,count\n", "it holds a header but no rows"),
        ("", "it is empty"),
        ("layer,expert,count\n0,\"1,2\n", "a row has 2 fields"),
    ] {
        let error = read("table.csv", content, &Reading::default()).unwrap_err();
        assert!(error.what.contains(text), "{}", error.what);
    }
    let wide = read("table.csv", b"\xff\xfel\0a\0y\0", &Reading::default()).unwrap_err();
    assert!(wide.what.contains("UTF-16"));
    let endless = format!("layer,expert,count\n0,\"{}", "x".repeat(17 << 20));
    assert!(read("table.csv", &endless, &Reading::default()).unwrap_err().what.contains("a row is longer than"));
}
