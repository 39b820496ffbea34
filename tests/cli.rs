//! The built program on good and bad input: exit codes, what it says, and to whom.

#![allow(clippy::unwrap_used, clippy::panic)] // a test may fail

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Output, Stdio};

/// The program, without a display and without colours.
fn moebias(args: &[&str]) -> Command {
    let program = std::env::var_os("CARGO_BIN_EXE_moebias").unwrap_or(env!("CARGO_BIN_EXE_moebias").into());
    let mut command = Command::new(program);
    command.args(args).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env_remove("WAYLAND_SOCKET");
    // A layer of Mesa's Vulkan driver complains on stderr where there is no desktop; this leaves it out.
    command.env("NODEVICE_SELECT", "1");
    command.env_remove("RUST_BACKTRACE").stdin(Stdio::null());
    command
}

fn output(args: &[&str]) -> Output {
    moebias(args).output().unwrap()
}

/// stdout of a command that must succeed and keep stderr clean.
fn good(args: &[&str]) -> String {
    let output = output(args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {stderr}");
    assert_eq!(stderr, "", "{args:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// stderr of a command that must fail with this code, with something to say and no back trace.
fn bad(code: i32, args: &[&str]) -> String {
    let output = output(args);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
    assert!(!stderr.trim().is_empty(), "{args:?} says nothing");
    assert!(!stderr.contains("panicked") && !stderr.contains("stack backtrace"), "{args:?}: {stderr}");
    stderr
}

fn json(args: &[&str]) -> Value {
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
    assert_eq!(names, ["adapter", "digest", "engine", "scenario", "steps", "variants"]);
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
    ] {
        bad(2, args);
    }
}

#[test]
fn bad_files_are_1() {
    for command in ["run", "replay", "check"] {
        assert!(bad(1, &[command, "no such file.ron"]).contains("no such file.ron"));
        assert!(bad(1, &[command, env!("CARGO_MANIFEST_DIR")]).contains(env!("CARGO_MANIFEST_DIR")));
    }
    assert!(bad(1, &["run", "builtin:nothing"]).contains("builtin:nothing"));
}

#[test]
fn what_would_fill_the_memory_is_refused() {
    let text = bad(1, &["run", SMALL, "--steps", "1000000000", "--json", "--full"]);
    assert!(text.contains("--csv"), "{text}");
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let mut child = moebias(&["run", SMALL, "--steps", "40", "--engine", "cpu", "--json", "--full"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut start = [0; 10];
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_exact(&mut start).unwrap();
    drop(stdout);
    let mut stderr = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut stderr).unwrap();
    assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(0), ""));
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
