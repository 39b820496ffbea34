//! Recordings on the command line: two of the same tokens compared, and runs that start from the recorded bias.

use crate::cli::{bad, good, json};
use std::path::Path;

fn file(folder: &Path, name: &str, lines: &[&str]) -> String {
    let path = folder.join(name);
    std::fs::write(&path, lines.join("\n") + "\n").unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn two_recordings_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let a = [
        r#"{"type": "meta", "num_experts": 4}"#,
        r#"{"layer": 0, "topk_ids": [0, 1]}"#,
        r#"{"layer": 0, "topk_ids": [0, 2]}"#,
        r#"{"layer": 1, "topk_ids": [3, 1]}"#,
        r#"{"layer": 1, "topk_ids": [3, 2]}"#,
    ];
    let mut b = a;
    // The order of a token's experts does not matter, which experts they are does.
    b[1] = r#"{"layer": 0, "topk_ids": [1, 0]}"#;
    b[4] = r#"{"layer": 1, "topk_ids": [3, 0]}"#;
    let (a, b) = (file(folder.path(), "a.jsonl", &a), file(folder.path(), "b.jsonl", &b));
    let text = good(&["compare", &a, &b]);
    for part in ["in at least one layer: 1 of 2 (50.00 %)", "pairs of token and layer: 1 of 4 (25.00 %)"] {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
    let out = json(&["compare", &a, &b, "--json"]);
    assert_eq!((&out["share_of_tokens"], &out["share_of_pairs"]), (&0.5.into(), &0.25.into()));
    let layer = &out["layers"][1];
    assert_eq!((&layer["layer"], &layer["differ"], &layer["first"]), (&"1".into(), &1.into(), &1.into()));
    assert_eq!((&layer["assignments_differ"], &layer["assignments"]), (&1.into(), &4.into()));
    assert_eq!(json(&["compare", &a, &b, "--json", "--layer", "0"])["pairs_differ"], 0);
    assert!(bad(1, &["compare", &a, &b, "--layer", "7"]).contains("no layer “7”"));
    assert!(bad(1, &["compare", &a, "nowhere.jsonl"]).contains("nowhere.jsonl"));
    assert!(bad(2, &["compare", &a]).contains("FILE2"));
    let scenario = bad(1, &["compare", &a, "builtin:first-look"]);
    assert!(scenario.contains("builtin:first-look"), "{scenario}");
}

#[test]
fn a_run_that_starts_from_the_recorded_bias_is_the_same_on_every_engine() {
    let run = |engine: &str| {
        let args = ["run", "builtin:learned", "--from-bias", "--steps", "12", "--engine", engine, "--json"];
        json(&args)
    };
    let cpu = run("cpu");
    let from_zero = json(&["run", "builtin:learned", "--steps", "12", "--engine", "cpu", "--json"]);
    assert_ne!(cpu["digest"], from_zero["digest"]);
    let first = |out: &serde_json::Value| out["variants"][0]["maxvio"][0].as_f64().unwrap();
    assert!(first(&cpu) < 0.5 * first(&from_zero), "{} and {}", first(&cpu), first(&from_zero));
    if std::env::var_os("MOEBIAS_REQUIRE_GPU").is_some() {
        assert_eq!(run("gpu")["digest"], cpu["digest"]);
    }
}
