//! The built program on good and bad input: its exit codes, and what it writes to stdout and stderr.

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Output, Stdio};

/// The program, to be run without a display and without colours.
fn moebias(args: &[&str]) -> Command {
    let program = std::env::var_os("CARGO_BIN_EXE_moebias").unwrap_or(env!("CARGO_BIN_EXE_moebias").into());
    let mut command = Command::new(program);
    command.args(args).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env_remove("WAYLAND_SOCKET");
    command.env_remove("RUST_BACKTRACE").env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

fn output(args: &[&str]) -> Output {
    moebias(args).output().unwrap()
}

/// The stdout of a command, which must succeed and write nothing to stderr.
pub(crate) fn good(args: &[&str]) -> String {
    let output = output(args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {stderr}");
    assert_eq!(stderr, "", "{args:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The stderr of a command, which must fail with this code and print a message without a back trace.
pub(crate) fn bad(code: i32, args: &[&str]) -> String {
    let output = output(args);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
    assert!(!stderr.trim().is_empty(), "{args:?} says nothing");
    assert!(!stderr.contains("panicked") && !stderr.contains("stack backtrace"), "{args:?}: {stderr}");
    stderr
}

pub(crate) fn json(args: &[&str]) -> Value {
    serde_json::from_str(&good(args)).unwrap()
}

const SMALL: &str = "builtin:first-look";

#[test]
fn run_prints_a_table() {
    let text = good(&["run", SMALL, "--steps", "3", "--engine", "cpu"]);
    for word in ["A first look", "MaxVio", "in balance from", "not reached by 3", "digest", "CPU", "steps/s"] {
        assert!(text.contains(word), "{word} is missing:\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "no colours where nobody watches");
}

#[test]
fn run_prints_one_json_object() {
    let last = json(&["run", SMALL, "--steps", "4", "--engine", "cpu", "--json"]);
    let names: Vec<&String> = last.as_object().unwrap().keys().collect();
    let tokens = ["batch", "burst", "drift", "noise", "seed", "skew", "source", "topics", "trace"];
    let mut all = ["adapter", "digest", "engine", "scenario", "steps", "variants"].to_vec();
    all.extend(tokens);
    all.sort_unstable();
    assert_eq!(names, all);
    assert_eq!((&last["source"], &last["batch"]), (&Value::from("synthetic"), &Value::from(4096)));
    assert_eq!((&last["engine"], &last["steps"]), (&Value::from("cpu"), &Value::from(4)));
    assert_eq!(last["digest"].as_str().unwrap().len(), 16);
    let one = &last["variants"][0];
    assert_eq!(one["digest"].as_str().unwrap().len(), 16);
    assert_eq!(one["maxvio"].as_array().unwrap().len(), 4);
    assert_eq!(one["loads"].as_array().unwrap().len(), 64);
    assert_eq!(one["bias"].as_array().unwrap().len(), 64);
    let loads: u64 = one["loads"].as_array().unwrap().iter().map(|l| l.as_u64().unwrap()).sum();
    assert_eq!(loads, 4096 * 6);

    let full = json(&["run", SMALL, "--steps", "4", "--engine", "cpu", "--json", "--full"]);
    assert_eq!(full["digest"], last["digest"]);
    let all = &full["variants"][0];
    assert_eq!(all["loads"].as_array().unwrap().len(), 4);
    assert_eq!(all["loads"][3], one["loads"]);
    assert_eq!(all["bias"][3], one["bias"]);
    assert_eq!(all["maxvio"], one["maxvio"]);
}

/// Without a desktop session, graphics drivers print complaints; the user must not see them.
#[test]
fn nothing_on_stderr_is_not_ours() {
    let folder = Folder::new();
    let picture = folder.path("x.png");
    for args in [
        &["run", SMALL, "--steps", "2"] as &[&str],
        &["run", SMALL, "--steps", "2", "--engine", "cpu"],
        &["check", SMALL],
        &["doctor"],
        &["render", SMALL, "--at", "1", "--size", "320x200", "-o", &picture],
    ] {
        for runtime in [None, Some(""), Some("not/absolute")] {
            let mut command = moebias(args);
            match runtime {
                Some(folder) => command.env("XDG_RUNTIME_DIR", folder),
                None => command.env_remove("XDG_RUNTIME_DIR"),
            };
            let output = command.output().unwrap();
            let stderr = String::from_utf8_lossy(&output.stderr);
            // If nothing can draw on this machine, `render` says so.
            let draws = !stderr.contains("nothing here can draw");
            assert!(stderr.is_empty() || !draws, "{args:?}, {runtime:?}: {stderr}");
            assert!(output.status.success() || !draws, "{args:?}, {runtime:?}");
        }
    }
}

/// Names from files can't send control sequences to a terminal, reverse the reading direction, or act as formulas in a spreadsheet.
#[test]
fn what_files_say_does_nothing_to_a_terminal_or_a_spreadsheet() {
    let folder = Folder::new();
    let hostile = "\\u{1b}]0;owned\\u{7}\\u{9b}2J\\u{202e}";
    let text =
        SCENARIO.replace("Two routers", &format!("=1+1{hostile}")).replace("\"c\"", &format!("\"=cmd(){hostile}\""));
    let file = folder.write("hostile.ron", &text);
    let wrong = folder.write("wrong.ron", text.replace("top_k: 2", "top_k: 5"));
    let log = folder.write(
        "log.jsonl",
        "{\"type\":\"m\",\"model_id\":\"\\u001b[2J\\u009b\\u202e\"}\n{\"layer\":0,\"topk_ids\":[0,1]}\n",
    );
    let harmless = |args: &[&str]| {
        let output = output(args);
        for text in [&output.stdout, &output.stderr].map(|t| String::from_utf8(t.clone()).unwrap()) {
            let acts = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            assert!(!text.chars().any(acts), "{args:?}: {text:?}");
        }
        String::from_utf8(output.stdout).unwrap()
    };
    let cpu = ["--engine", "cpu"];
    harmless(&["run", &file, cpu[0], cpu[1]]);
    let json = harmless(&["run", &file, "--json", cpu[0], cpu[1]]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert!(json["variants"][1]["name"].as_str().unwrap().contains('\u{1b}'), "the name itself is kept");
    harmless(&["check", &file, &wrong, &log, "no\u{1b}[2J.ron"]);
    harmless(&["trace", &log]);
    harmless(&["sweep", &file, "--over", "u=0.1,0.2", cpu[0], cpu[1]]);
    for args in [&["run", &file, "--csv", "-"] as &[&str], &["sweep", &file, "--over", "skew=0.1,0.2", "--csv", "-"]] {
        let csv = harmless(&[args, &cpu].concat());
        let cells: Vec<&str> = csv.lines().filter(|l| !l.starts_with('#')).flat_map(|l| l.split(',')).collect();
        assert!(cells.iter().any(|c| c.contains("'=cmd")), "{csv}");
        assert!(!cells.iter().any(|c| c.trim_matches('"').starts_with('=')), "{csv}");
    }
}

/// A recording that begins late can't be drawn before its first step, and the program says so at once.
#[test]
fn a_step_before_a_late_recording_is_refused_at_once() {
    let folder = Folder::new();
    let state = |n: usize| format!("(bias: [{}], schedule_from: 0, digest: 0)", vec!["0"; n].join(", "));
    let start =
        format!("    start: (step: 6000, phase: 0, variants: [{}, {}]),\n    stop: 6004,\n)\n", state(4), state(3));
    let late = SCENARIO.replace("step: 4,", "step: 6001,").replace("    stop: 9,\n)\n", &start);
    let late = folder.write("late.ron", late);
    assert!(good(&["check", &late]).contains("good"));
    let since = std::time::Instant::now();
    let small = ["--size", "320x200"];
    let png = folder.path("x.png");
    let text = bad(1, &["render", &late, "--at", "5999", "-o", &png, small[0], small[1]]);
    assert!(text.contains("step 5999 can't be shown") && text.contains("begins at step 6000"), "{text}");
    let text = bad(1, &["film", &late, "--from", "0", "--to", "4", "-o", &folder.path("x.gif"), small[0], small[1]]);
    assert!(text.contains("begins at step 6000"), "{text}");
    assert!(since.elapsed().as_secs() < 60, "{:?}", since.elapsed());
    bad(2, &["render", SMALL, "--at", "10000001", "-o", &png]);
    bad(2, &["film", SMALL, "--to", "1000000000", "-o", &folder.path("x.gif")]);
}

#[cfg(unix)]
mod stopped {
    use super::*;
    use moebias_testing::Patience;

    fn temporary(folder: &Folder) -> Vec<String> {
        let names = std::fs::read_dir(folder.0.path()).unwrap().map(|e| e.unwrap().file_name());
        names.map(|n| n.to_string_lossy().into_owned()).filter(|n| n.starts_with(".moebias-")).collect()
    }

    /// Starts a run that would write a CSV for hours, and waits until it has begun to write.
    fn started(folder: &Folder) -> std::process::Child {
        let csv = folder.path("out.csv");
        let child = moebias(&["run", SMALL, "--steps", "100000000", "--engine", "cpu", "--csv", &csv]).spawn().unwrap();
        let patience = Patience::new();
        while temporary(folder).is_empty() {
            assert!(patience.holds());
        }
        child
    }

    #[test]
    fn a_signal_leaves_nothing_and_what_a_kill_leaves_goes_with_the_next_file() {
        use std::os::unix::process::ExitStatusExt as _;
        let folder = Folder::new();
        // A signal that was ignored when the program was started, as by `nohup`, stays ignored.
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|l| u64::from_str_radix(l.strip_prefix("SigIgn:")?.trim(), 16).ok());
        let heard = |signal: i32| ignored.unwrap_or(0) >> (signal - 1) & 1 == 0;
        for (name, signal) in [("TERM", 15), ("INT", 2), ("HUP", 1)].into_iter().filter(|s| heard(s.1)) {
            let mut child = started(&folder);
            let sent = Command::new("kill").args([format!("-{name}"), child.id().to_string()]).status().unwrap();
            assert!(sent.success());
            assert_eq!(child.wait().unwrap().signal(), Some(signal), "it ends as it would have");
            assert!(temporary(&folder).is_empty(), "{name} leaves {:?}", temporary(&folder));
        }
        let mut child = started(&folder);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(temporary(&folder).len(), 1);
        good(&["run", SMALL, "--steps", "2", "--engine", "cpu", "--csv", &folder.path("out.csv")]);
        assert_eq!(temporary(&folder).len(), usize::from(!cfg!(target_os = "linux")));
    }
}

/// Warnings go to the log file, and to the terminal only if `RUST_LOG` asks for them.
#[test]
fn there_is_a_log() {
    let folder = Folder::new();
    let args = ["sweep", SMALL, "--over", "rule=sign,sinkhorn", "--steps", "2", "--engine", "auto", "--csv"];
    let run = |level: Option<&str>, csv: &str| {
        let mut command = moebias(&[&args as &[&str], &[csv]].concat());
        command.env("MOEBIAS_DATA_DIR", folder.0.path());
        level.into_iter().for_each(|l| {
            command.env("RUST_LOG", l);
        });
        let output = command.output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(run(None, &folder.path("a.csv")), "");
    let said = run(Some("debug"), &folder.path("b.csv"));
    assert!(said.contains("DEBUG"), "{said}");
    let log = std::fs::read_to_string(folder.path("state/moebias.log")).unwrap();
    assert!(log.lines().any(|l| l.starts_with("20") && l.contains("DEBUG")), "{log}");
}

#[test]
fn wrong_usage_is_2() {
    for args in [
        &["run"] as &[&str],
        &["run", SMALL, "--steps", "0"],
        &["run", SMALL, "--steps", "-3"],
        &["run", SMALL, "--steps", "99999999999999999999"],
        &["run", SMALL, "--steps", "1000000000000"],
        &["run", SMALL, "--steps", "many"],
        &["run", SMALL, "--engine", "abacus"],
        &["run", SMALL, "--full"],
        &["run", SMALL, "--fast"],
        &["replay"],
        &["trace"],
        &["render", SMALL, "--size", "big", "-o", "x.png"],
    ] {
        bad(2, args);
    }
}

/// A temporary folder, with its files by name.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        std::fs::write(self.0.path().join(name), content).unwrap();
        self.path(name)
    }
}

const SCENARIO: &str = r#"(
    version: 1,
    title: "Two routers",
    seed: 3,
    source: Synthetic(batch: 200),
    variants: [
        (name: "a, b", router: (experts: 4, top_k: 2), balancer: (rate: 0.125)),
        (name: "c", router: (experts: 3, top_k: 1)),
    ],
    events: [
        (step: 4, target: Source, change: SetBatch(300)),
    ],
    stop: 9,
)
"#;

#[test]
fn bad_files_are_1() {
    for command in ["run", "replay", "check", "trace"] {
        assert!(bad(1, &[command, "no such file.ron"]).contains("no such file.ron"));
        assert!(bad(1, &[command, env!("CARGO_MANIFEST_DIR")]).contains(env!("CARGO_MANIFEST_DIR")));
        assert!(bad(1, &[command, "builtin:nothing"]).contains("builtin:nothing"));
    }
    let folder = Folder::new();
    let file = folder.write("wrong.ron", SCENARIO.replace("top_k: 2", "top_k: 5"));
    for command in ["run", "replay", "check"] {
        let text = bad(1, &[command, &file]);
        for part in [&file, "line 7, column 52", "top_k is 5", "at most the number of experts, 4", "Correct it"] {
            assert!(text.contains(part), "{part} is missing: {text}");
        }
    }
    let log = folder.write("log.jsonl", "{\"layer\":0,\"topk_ids\":[1,2]}\n");
    // A recording without scores can only be replayed as it was.
    assert!(good(&["run", &log]).contains("MaxVio"));
    assert!(bad(1, &["sweep", &log, "--over", "rule=sign,rms"]).contains("selections without scores"));
}

#[test]
fn every_bad_file_of_many_is_reported() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/crates/lab/tests/bad_files");
    let mut files: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path().display().to_string()).collect();
    files.push(SMALL.into());
    let args: Vec<&str> = ["check"].into_iter().chain(files.iter().map(String::as_str)).collect();
    let output = output(&args);
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stderr.matches("moebias: ").count(), files.len() - 1);
    assert!(files[..files.len() - 1].iter().all(|f| stderr.contains(f.as_str())));
    assert_eq!(stdout.lines().count(), 1, "one is good: {stdout}");
}

#[test]
fn check_says_what_each_file_is() {
    let folder = Folder::new();
    let scenario = folder.write("two.ron", SCENARIO);
    let log = folder.write("log.jsonl", "{\"layer\":4,\"topk_ids\":[1,2]}\n{\"layer\":4,\"topk_ids\":[0,2]}\n");
    let text = good(&["check", &scenario, &log, SMALL, "builtin:sample"]);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with(&scenario) && lines[0].contains("2 variants, 1 event"), "{text}");
    assert!(lines[1].contains("2 recorded tokens, layer 4, top 2 of 3 experts"), "{text}");
    assert!(lines[2].contains("“A first look”"), "{text}");
    assert!(lines[3].contains("16 steps of 1024 recorded tokens, top 6 of 64 experts"), "{text}");
    let listed = good(&["check"]);
    for s in moebias_files::shipped() {
        assert!(listed.contains(&format!("builtin:{} ", s.id)), "{} is missing:\n{listed}", s.id);
    }
    assert!(listed.contains("builtin:sample"));
}

#[test]
fn every_shipped_scenario_runs() {
    for s in moebias_files::shipped() {
        let out = json(&["run", &format!("builtin:{}", s.id), "--steps", "2", "--engine", "cpu", "--json"]);
        assert_eq!(out["scenario"], s.load().unwrap().scenario.title.as_str());
    }
}

#[test]
fn csv_has_a_row_per_step_and_variant() {
    let folder = Folder::new();
    let (scenario, csv) = (folder.write("two.ron", SCENARIO), folder.path("out.csv"));
    let out = json(&["run", &scenario, "--engine", "cpu", "--csv", &csv, "--json", "--full"]);
    let text = std::fs::read_to_string(&csv).unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let documented = "step,variant,tokens,max_vio,max_vio_16,max_vio_global,min_vio,cv,entropy,effective_experts,starving,dead,\
                      moved_share,bias_min,bias_median,bias_max,saturated,dropped_share,experts_per_token,\
                      rule,step_size,step_symbol,schedule,top_k,experts,gate,groups,capacity,centred,freeze,momentum,\
                      steepness,derivative,zero_experts,real_experts,average,iterations,load_0,load_1,load_2,load_3,bias_0,bias_1,bias_2,bias_3";
    assert_eq!(header.join(","), documented);
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 18, "nine steps, two variants");
    let at = |row: &csv::StringRecord, name: &str| row[header.iter().position(|h| h == name).unwrap()].to_owned();
    for (i, row) in rows.iter().enumerate() {
        let (step, variant) = (i / 2, i % 2);
        assert_eq!(at(row, "step"), step.to_string());
        assert_eq!(at(row, "variant"), ["a, b", "c"][variant]);
        assert_eq!(at(row, "tokens"), if step < 4 { "200" } else { "300" }, "the event applies before step 4");
        let v = &out["variants"][variant];
        assert_eq!(at(row, "max_vio").parse::<f64>().unwrap(), v["maxvio"][step].as_f64().unwrap());
        for e in 0..[4, 3][variant] {
            assert_eq!(at(row, &format!("load_{e}")).parse::<u64>().unwrap(), v["loads"][step][e].as_u64().unwrap());
            assert_eq!(at(row, &format!("bias_{e}")).parse::<f64>().unwrap(), v["bias"][step][e].as_f64().unwrap());
        }
    }
    assert_eq!(at(&rows[1], "load_3"), "", "what a smaller router lacks stays empty");
    let piped = good(&["run", &scenario, "--engine", "cpu", "--csv", "-"]);
    assert_eq!(piped, text, "the output is the same CSV and nothing else");
    bad(2, &["run", &scenario, "--csv", "-", "--json"]);
    let text = bad(1, &["run", &scenario, "--csv", &folder.path("none/out.csv")]);
    assert!(text.contains("none/out.csv: it can't be written: there is no folder"), "{text}");
    assert!(text.contains("Create it") && !text.contains(".moebias-") && !text.contains("os error"), "{text}");
    assert!(bad(1, &["run", &scenario, "--csv", &folder.path("")]).contains("folder"));
}

#[test]
fn a_trace_runs_with_the_router_of_its_metadata() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/traces/sample_none_final.safetensors");
    let out = json(&["run", file, "--steps", "3", "--engine", "cpu", "--json"]);
    let loads: u64 = out["variants"][0]["loads"].as_array().unwrap().iter().map(|l| l.as_u64().unwrap()).sum();
    assert_eq!(loads, 1024 * 6);
    assert_eq!(out["scenario"], "sample_none_final");
    let builtin = json(&["run", "builtin:sample", "--steps", "3", "--engine", "cpu", "--json"]);
    assert_eq!(builtin["digest"], out["digest"]);
    // The first MaxVio of this trace as computed in PyTorch.
    let first = out["variants"][0]["maxvio"][0].as_f64().unwrap();
    assert!((first - 3.1667).abs() < 1e-4, "{first}");
}

#[test]
fn trace_says_what_a_file_holds() {
    let text = good(&["trace", "builtin:sample"]);
    for part in ["safetensors, router scores", "16,384", "rust_code", "3.058", "top_k: 6"] {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
    let out = json(&["trace", "builtin:sample", "--json"]);
    let layer = &out["layers"][0];
    assert_eq!((&layer["steps"], &layer["experts"], &out["gate"]), (&16.into(), &64.into(), &"sigmoid".into()));
    assert_eq!((&layer["layer"], &layer["top_k"], &out["kind"]), (&"3".into(), &6.into(), &"scores".into()));
    assert!((layer["maxvio"].as_f64().unwrap() - 3.058).abs() < 1e-3);
    assert_eq!(layer["maxvio_recorded_bias"], Value::Null);
    assert_eq!((out["warnings"].as_array().unwrap().len(), out["assumptions"].as_array().unwrap().len()), (0, 0));
    let groups = out["groups"].as_array().unwrap();
    assert_eq!(groups.iter().map(|g| g["tokens"].as_u64().unwrap()).sum::<u64>(), 16 * 1024);
    assert!(bad(1, &["trace", "builtin:sample", "--layer", "7"]).contains("no layer “7”"));
    assert!(good(&["trace", "builtin:sample", "--layer", "3"]).contains("3.058"));
    assert!(bad(1, &["trace", SMALL]).contains("is a scenario"));

    let folder = Folder::new();
    let lines = "{\"type\":\"meta\",\"num_experts\":4,\"model_id\":\"tiny\"}\n\
                 {\"layer\":2,\"topk_ids\":[0,1]}\n{\"layer\":2,\"topk_ids\":[0,2]}\n{\"layer\":5,\"topk_ids\":[3]}\n";
    let log = folder.write("log.jsonl", lines);
    let text = good(&["trace", &log]);
    for part in ["chosen experts", "0 (2.00× fair)", "3 (0.00× fair)", "model_id: tiny"] {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
    let out = json(&["trace", &log, "--json", "--layer", "2"]);
    assert_eq!(out["layers"].as_array().unwrap().len(), 1);
    assert_eq!((&out["layers"][0]["maxvio"], &out["layers"][0]["loads"]), (&1.0.into(), &vec![2, 1, 1, 0].into()));
    assert!(bad(1, &["trace", &log, "--layer", "3"]).contains("only: 2, 5"));
}

#[test]
fn a_trace_with_its_recorded_bias_is_measured_with_it() {
    use safetensors::{Dtype, tensor::TensorView};
    let folder = Folder::new();
    let bytes = |values: &[f32]| values.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    // Every token prefers expert 0, but with the bias all choose expert 1.
    let (logits, bias) = (bytes(&[1.0, 0.5, 0.0, 1.0, 0.5, 0.0]), bytes(&[0.0, 0.4, 0.0]));
    let view = |shape: Vec<usize>, data| TensorView::new(Dtype::F32, shape, data).unwrap();
    let parts = [("logits", view(vec![1, 2, 3], &logits)), ("bias", view(vec![3], &bias))];
    let metadata = [("top_k".to_owned(), "1".to_owned())].into_iter().collect();
    let file = folder.write("t.safetensors", safetensors::serialize(parts, Some(metadata)).unwrap());
    let out = json(&["trace", &file, "--json"]);
    assert_eq!(out["layers"][0]["maxvio"], 2.0);
    assert_eq!((&out["layers"][0]["busiest"], &out["layers"][0]["maxvio_recorded_bias"]), (&0.into(), &2.0.into()));
    assert!(good(&["trace", &file]).contains("with the recorded bias"));
}

/// A scenario as a recording that states this digest at step 9.
fn recording(digest: &str) -> String {
    let recorded =
        format!("    recorded: (steps: 9, digest: \"{digest}\", engine: \"CPU\", app_version: \"0.1.0\"),\n)\n");
    SCENARIO.strip_suffix(")\n").unwrap().to_owned() + &recorded
}

#[test]
fn replay_verifies_a_recording() {
    let folder = Folder::new();
    let digest = json(&["run", &folder.write("two.ron", SCENARIO), "--engine", "cpu", "--json"])["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    let right = folder.write("right.ron", recording(&digest));
    let wrong = folder.write("wrong.ron", recording("0123456789abcdef"));
    assert!(good(&["replay", &right, "--verify", "--engine", "cpu"]).contains("equal to the recorded digest"));
    assert!(good(&["replay", &wrong, "--engine", "cpu"]).contains(&digest), "without --verify it only says");
    let text = bad(1, &["replay", &wrong, "--verify", "--engine", "cpu"]);
    assert!(text.contains(&digest) && text.contains("but 0123456789abcdef was recorded"), "{text}");
    // Changing one event changes the digest.
    let other = folder.write("other.ron", recording(&digest).replace("SetBatch(300)", "SetBatch(301)"));
    bad(1, &["replay", &other, "--verify", "--engine", "cpu"]);
    assert!(bad(1, &["replay", SMALL, "--verify"]).contains("not a recording"));
    assert!(good(&["check", &right]).contains("a recording of 9 steps"));
}

#[test]
fn what_would_fill_the_memory_is_refused() {
    let text = bad(1, &["run", SMALL, "--steps", "1000000000", "--json", "--full"]);
    assert!(text.contains("--csv"), "{text}");
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let long = ["--steps", "60", "--engine", "cpu"];
    for args in [
        &[&["run", SMALL, "--json", "--full"] as &[&str], &long].concat() as &[&str],
        &[&["run", SMALL, "--csv", "-"] as &[&str], &long].concat(),
        &[&["run", SMALL] as &[&str], &long].concat(),
        &["check"],
        &["trace", "builtin:sample"],
        &["--help"],
    ] {
        let mut child = moebias(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::with_capacity(10, child.stdout.take().unwrap());
        if args.contains(&"-") {
            stdout.read_exact(&mut [0; 10]).unwrap();
        }
        drop(stdout);
        let mut stderr = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut stderr).unwrap();
        assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(0), ""), "{args:?}");
    }
}

#[test]
fn doctor_says_what_will_be_used() {
    let text = good(&["doctor"]);
    assert!(text.contains(env!("CARGO_PKG_VERSION")) && text.contains("Engine"), "{text}");
}

#[test]
fn help_and_version() {
    assert!(good(&["--help"]).contains("Exit codes"));
    assert!(good(&["run", "--help"]).contains("500"), "the default number of steps is said");
    assert_eq!(good(&["--version"]), format!("moebias {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn learn_compares_methods_over_seeds() {
    let folder = tempfile::tempdir().unwrap();
    let (file, csv) = (folder.path().join("l.ron"), folder.path().join("l.csv"));
    let text = "(version: 1, title: \"small\", source: Learning(batch: 128, topics: 8, domains: 2), variants: [\
        (name: \"a\", router: (experts: 8, top_k: 2)), (name: \"b\", router: (experts: 8, top_k: 2), learning: (auxiliary: Normalised))])";
    std::fs::write(&file, text).unwrap();
    let (file, csv) = (file.to_str().unwrap(), csv.to_str().unwrap());
    let table = good(&["learn", file, "--steps", "20", "--seeds", "1..3", "--reference", "b", "--csv", csv]);
    for word in ["small", "20 steps", "3 seeds", "Δ is to b", "NMSE %", "MaxVio global", "of 3"] {
        assert!(table.contains(word), "{word} is missing:\n{table}");
    }
    let rows = std::fs::read_to_string(csv).unwrap();
    assert!(rows.starts_with("seed,variant,nmse,nmse_capacity,max_vio_global,") && rows.lines().count() == 7);
    assert_eq!(good(&["learn", file, "--steps", "20", "--seeds", "1..3", "--csv", "-"]), rows, "it repeats");
    // The curves have columns of their own.
    let curves = good(&["run", file, "--steps", "3", "--engine", "cpu", "--csv", "-"]);
    let mut lines = curves.lines().map(|l| l.split(',').collect::<Vec<_>>());
    let (columns, first) = (lines.next().unwrap(), lines.next().unwrap());
    let at = columns.iter().position(|c| *c == "task_loss").unwrap();
    let named = ["task_loss", "task_nmse", "task_perplexity", "interference", "force_ratio", "mean_score", "load_0"];
    assert_eq!(columns[at..at + 7], named);
    let figures: Vec<f64> = first[at..at + 6].iter().map(|x| x.parse().unwrap()).collect();
    assert!((figures[0].exp() - figures[2]).abs() < 1e-9 && figures[1] > 0.5, "{figures:?}");
    assert!(good(&["run", file, "--steps", "3", "--engine", "cpu"]).contains("NMSE"));
    let json = json(&["run", file, "--steps", "3", "--engine", "cpu", "--json"]);
    assert_eq!(json["variants"][0]["nmse"].as_array().unwrap().len(), 3);
    assert!(good(&["check", file]).contains("tokens to learn from"));
    assert!(bad(1, &["learn", SMALL]).contains("nothing learns"));
    assert!(bad(1, &["learn", file, "--reference", "c"]).contains("no variant is called"));
    bad(2, &["learn", file, "--seeds", "5..1"]);
}

#[test]
fn theory_in_figures() {
    let out = json(&["theory", "builtin:price-view", "--steps", "60", "--json"]);
    let v = &out["variants"][0];
    assert_eq!(v["lagrangian"].as_array().unwrap().len(), 60);
    assert_eq!((v["identity_failures"].as_u64(), v["violations"].as_u64()), (Some(0), Some(0)));
    let (bound, optimum) = (v["bound"].as_f64().unwrap(), v["optimum"].as_f64().unwrap());
    assert!(optimum <= bound && bound < optimum + 0.01, "{optimum} {bound}");
    let table = good(&["theory", "builtin:band", "--steps", "5"]);
    assert!(table.contains("largest admissible u") && table.contains("Our own derivation"), "{table}");
    let learned = json(&["run", "builtin:learned", "--steps", "40", "--engine", "cpu", "--json"]);
    assert!(learned["variants"][0]["learned_correlation"].as_f64().unwrap() > 0.7);
}
