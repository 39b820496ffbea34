//! The messages about a wrong command line or file, which must be plain and say what to do, and the names that figures have in the output.

use crate::cli::{bad, good, json};

const RULES: &str = "builtin:four-rules";

fn says(code: i32, args: &[&str], words: &[&str]) {
    let said = bad(code, args);
    for word in words {
        assert!(said.contains(word), "{args:?}: {word:?} is not in {said}");
    }
    for internal in ["os error", ".moebias-", "invalid digit", "enum "] {
        assert!(!said.contains(internal), "{args:?}: {said}");
    }
}

#[test]
fn a_word_that_is_no_command_is_named() {
    says(2, &["frobnicate"], &["“frobnicate” is neither a command nor a file", "`moebias --help`"]);
    says(2, &["swepe"], &["Perhaps `moebias sweep` is meant"]);
    says(1, &["none/such.ron"], &["no such file"]);
}

#[test]
fn numbers_are_asked_for_in_words() {
    says(2, &["run", RULES, "--steps", "abc"], &["a whole number from 1 to 1,000,000,000"]);
    says(2, &["run", RULES, "--steps", "-5"], &["a whole number from 1 to 1,000,000,000"]);
    says(2, &["sweep", RULES, "--over", "u=1.."], &["the range of u lacks its last value"]);
    says(2, &["sweep", RULES, "--over", "u=x"], &["“x” is no number for u"]);
}

#[test]
fn what_can_t_be_written_is_said_alike_everywhere() {
    let home = tempfile::tempdir().unwrap();
    let none = home.path().join("none");
    let at = |name: &str| none.join(name).display().to_string();
    let words = [&format!("there is no folder {}", none.display()), "Create it, or choose another folder"];
    says(1, &["run", RULES, "--steps", "1", "--csv", &at("x.csv")], &words);
    says(1, &["sweep", RULES, "--over", "u=0.1", "--steps", "1", "--csv", &at("x.csv")], &words);
    says(1, &["render", RULES, "--at", "1", "-o", &at("x.svg")], &words);
    says(1, &["film", RULES, "--to", "2", "-o", &at("x.gif")], &words);
    says(2, &["render", RULES, "-o", "x.jpg"], &["x.jpg", ".png or .svg"]);
    says(2, &["render", RULES, "-o", "x"], &[".png or .svg"]);
}

#[test]
fn a_file_that_is_no_scenario_is_called_so() {
    let home = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    says(1, &["run", &file("hello.ron", "hello")], &["it holds text, but no scenario", "Choose another file"]);
    says(1, &["run", &file("empty.ron", " \n")], &["it is empty", "Choose another file"]);
    says(1, &["run", &file("bare.ron", "(title: \"x\")")], &["its version is missing", "Write `version: 1,`"]);
    says(1, &["run", &file("new.ron", "(version: 2, title: \"x\")")], &["version is 2", "newer Moebias"]);
    let rule = file("rule.ron", "(version: 1, title: \"x\", variants: [(name: \"a\", balancer: (rule: Sgin))])");
    says(1, &["run", &rule], &["there is no value `Sgin` here; `Sign` may be meant", "`Quantile`"]);
    let setting = file("setting.ron", "(version: 1, title: \"x\", sed: 3)");
    says(1, &["run", &setting], &["there is no setting `sed` here; `seed` may be meant"]);
    says(1, &["trace", "builtin:sample", "--layer", "foo"], &["it has no layer “foo”", "Choose a layer that it has"]);
}

#[test]
fn a_figure_has_one_name_everywhere() {
    let run = good(&["run", RULES, "--steps", "20"]);
    let sweep = good(&["sweep", RULES, "--over", "u=0.001,0.002", "--steps", "20"]);
    for name in ["settling time", "steady MaxVio", "swing of biases", "time in balance", "moved by the bias"] {
        assert!(run.contains(name), "{name} is not in\n{run}");
        assert!(sweep.contains(name), "{name} is not in\n{sweep}");
    }
    assert!(
        !sweep.contains("Kᵢ = ") && !sweep.contains("λ = ") && !sweep.contains("u = "),
        "a heading tells no value that is swept:\n{sweep}"
    );
    for words in ["ID Balancing", "K = 6 of 64 experts · Sigmoid", "2 values of step size u", "4096 tokens per batch"]
    {
        assert!(sweep.contains(words), "{words} is not in\n{sweep}");
    }
    let json = json(&["run", RULES, "--steps", "3", "--json"]);
    let settings = |i: usize| &json["variants"][i]["settings"];
    assert_eq!((settings(2)["step_size"].as_f64(), settings(2)["step_symbol"].as_str()), (Some(0.0005), Some("λ")));
    assert!(settings(2)["momentum"].is_number() && settings(0)["momentum"].is_null());
    assert!(settings(3)["derivative"].is_number() && settings(3)["centred"].is_boolean());
}

#[test]
fn a_table_says_from_where_its_figures_count() {
    let changed = good(&["run", "builtin:skew", "--steps", "300"]);
    assert!(changed.contains("count from the last change, at step 200"), "{changed}");
    let plain = good(&["run", "builtin:first-look", "--steps", "3"]);
    assert!(!plain.contains("last change"), "{plain}");
}
