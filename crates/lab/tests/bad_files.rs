//! Opening invalid files. The error must name the place and the fault, and give advice.

use moebias_files::{self as files, Examined, FileError, load_text, open, recorded, shipped};
use moebias_model::settings::reading::Reading;
use safetensors::{Dtype, tensor::TensorView};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad_files")
}

/// Checks that an error is useful: one sentence that begins with the file and contains `says`, and advice on what to do next.
fn check_error(error: &FileError, says: &[&str]) {
    let headline = error.headline();
    assert!(headline.starts_with(&error.file), "{headline}");
    assert!(!headline.contains('\n') && headline.chars().count() < 700, "{headline}");
    assert!(error.advice().ends_with('.'));
    for part in says {
        assert!(headline.contains(part), "“{part}” is missing: {headline}");
    }
}

/// Every file in `tests/bad_files` contains in its first line what its error must say.
#[test]
fn every_bad_file_is_told_with_its_place() {
    let mut count = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let first = text.lines().next().unwrap();
        let log = path.extension().is_some_and(|e| e == "jsonl");
        let says = if log {
            let line: serde_json::Value = serde_json::from_str(first).unwrap();
            line["says"].as_str().unwrap().to_owned()
        } else {
            first.strip_prefix("// says: ").unwrap_or_else(|| panic!("{} says nothing", path.display())).to_owned()
        };
        let Err(error) = open(&path) else { panic!("{} opened", path.display()) };
        check_error(&error, &says.split(" | ").collect::<Vec<_>>());
        count += 1;
    }
    assert!(count >= 65, "{count}");
}

/// Files that are not text, so that they can't contain the expected error themselves.
#[test]
fn files_that_are_no_text() {
    let folder = tempfile::tempdir().unwrap();
    let says = |name: &str, bytes: &[u8], says: &[&str]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let Err(error) = open(&path) else { panic!("{name} opened") };
        check_error(&error, says);
    };
    says("empty.ron", b"", &["it is empty"]);
    says("blank.ron", b"\n\n  \n", &["it is empty"]);
    says("binary.ron", &[0xff, 0xfe, 0, 1, 2], &["byte 0 is not UTF-8"]);
    says("latin1.ron", b"(version: 1, title: \"caf\xe9\")", &["byte 24 is not UTF-8"]);
    says("zeros.ron", &[0; 4096], &["version"]);
    says("empty.jsonl", b"", &["it is empty"]);
    says("binary.jsonl", &[0xff, 0xfe, 0, 1, 2], &["UTF-16 text"]);
    says("long.jsonl", &[b' '; (64 << 20) + 1], &["line 1", "longer than 64 MiB"]);
    says("empty.safetensors", b"", &["it is empty"]);
    says("unknown.txt", b"hello", &["neither a scenario"]);
    says("empty", b"", &["it is empty"]);
    let Err(error) = open(folder.path()) else { panic!("a folder opened") };
    check_error(&error, &["it is a folder without .npy files"]);
    let Err(error) = open(&folder.path().join("none.ron")) else { panic!("nothing opened") };
    check_error(&error, &["there is no such file"]);
    let Err(error) = open(Path::new("builtin:none")) else { panic!("nothing opened") };
    check_error(&error, &["builtin:none", "ships with Moebias"]);
    let big = folder.path().join("big.ron");
    std::fs::File::create(&big).unwrap().set_len((16 << 20) + 1).unwrap();
    check_error(&open(&big).unwrap_err(), &["16777217 bytes long", "at most 16777216 bytes"]);
    let huge = folder.path().join("huge.safetensors");
    std::fs::File::create(&huge).unwrap().set_len((1 << 40) + 1).unwrap();
    check_error(&open(&huge).unwrap_err(), &["at most 1099511627776 bytes"]);
}

/// Devices and pipes under the name of every kind of file, also behind a symbolic link, are refused at once with a sentence.
#[cfg(unix)]
#[test]
fn what_never_ends_is_not_opened() {
    use moebias_files::sweep;
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let since = Instant::now();
    for (i, name) in ["a.ron", "a.lesson.ron", "a.safetensors", "a.jsonl", "a.csv", "a"].into_iter().enumerate() {
        for (at, (to, says)) in [("/dev/zero", "a device"), (pipe.to_str().unwrap(), "a pipe")].into_iter().enumerate()
        {
            let path = folder.path().join(format!("{i}{at}{name}"));
            symlink(to, &path).unwrap();
            let error = if sweep::is_sweep(&path) { sweep::open(&path).map(|_| ()) } else { open(&path).map(|_| ()) }
                .unwrap_err();
            check_error(&error, &[&format!("a link to {to}, which is {says}, not a regular file")]);
        }
    }
    // The same holds for the trace of a scenario and the scenario of a lesson.
    let scenario = "(version: 1, title: \"t\", source: Trace(file: \"pipe\"), variants: [(name: \"a\")])";
    check_error(&load_text(scenario, "t.ron", folder.path()).unwrap_err(), &["line 1", "pipe", "it is a pipe"]);
    let lesson = "(version: 1, title: \"t\", pages: [(title: \"p\", text: \"t\", setup: (scenario: \"pipe\"))])";
    let error = files::lesson::load_text(lesson, "t.lesson.ron", folder.path()).unwrap_err();
    check_error(&error, &["line 1", "it is a pipe"]);
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
}

/// Timed events that a trace does not allow are reported with their place in the file.
#[test]
fn events_that_a_trace_does_not_allow_are_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.safetensors"), safetensors(&[logits()], &METADATA)).unwrap();
    let lines: Vec<String> = (0..9).map(|i| format!("{{\"layer\":0,\"topk_ids\":[{},{}]}}\n", i % 3, 3)).collect();
    std::fs::write(folder.path().join("log.jsonl"), lines.concat()).unwrap();
    let with = |source: &str, router: &str, events: &str| {
        let text = format!(
            "(version: 1, title: \"t\", source: Trace({source}),\nvariants: [(name: \"a\", {router})],\nevents: [\n{events}])"
        );
        load_text(&text, "t.ron", folder.path()).map(|_| ())
    };
    let event = |step: u64, change: &str| format!("(step: {step}, target: AllVariants, change: {change}),\n");
    let router = "router: (experts: 4, top_k: 2)";
    let trace = "file: \"t.safetensors\"";
    with(trace, router, &event(5, "SetRule(Rms)")).unwrap();
    // The event on the later line happens first; the error names the invalid one.
    let events = event(9, "SetRule(Hash)") + &event(5, "SetRule(Rms)");
    let error = with(trace, router, &events).unwrap_err();
    check_error(&error, &["line 4", "events[0].change", "no token ids"]);
    let log = "file: \"log.jsonl\", layer: \"0\"";
    let router = "router: (experts: 4, top_k: 2), balancer: (rule: None)";
    with(log, router, "").unwrap();
    for change in ["SetTopK(1)", "SetRule(Sign)", "SetGate(Softmax)"] {
        let error = with(log, router, &event(3, change)).unwrap_err();
        check_error(&error, &["line 4", "events[0].change", "selections without scores"]);
    }
}

/// A tensor to write: name, type, shape and bytes.
pub struct Part<'a>(pub &'a str, pub Dtype, pub Vec<usize>, pub Vec<u8>);

pub fn safetensors(parts: &[Part<'_>], metadata: &[(&str, &str)]) -> Vec<u8> {
    let views: Vec<(&str, TensorView<'_>)> = parts
        .iter()
        .map(|Part(name, dtype, shape, data)| (*name, TensorView::new(*dtype, shape.clone(), data).unwrap()))
        .collect();
    let metadata: HashMap<String, String> = metadata.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
    safetensors::serialize(views, Some(metadata)).unwrap()
}

pub fn f32s(values: impl IntoIterator<Item = f32>) -> Vec<u8> {
    values.into_iter().flat_map(f32::to_le_bytes).collect()
}

pub const STEPS: usize = 2;
pub const TOKENS: usize = 3;
pub const EXPERTS: usize = 4;

pub fn logits() -> Part<'static> {
    let values = (0..STEPS * TOKENS * EXPERTS).map(|i| (i as f32 * 0.7).sin());
    Part("logits", Dtype::F32, vec![STEPS, TOKENS, EXPERTS], f32s(values))
}

pub fn good_parts() -> Vec<Part<'static>> {
    vec![
        logits(),
        Part("bias", Dtype::F32, vec![EXPERTS], f32s([0.0, 0.1, -0.2, 0.3])),
        Part("domain", Dtype::U8, vec![STEPS, TOKENS], vec![0, 1, 2, 0, 1, 2]),
        Part("token_ids", Dtype::I32, vec![STEPS, TOKENS], (0..6i32).flat_map(i32::to_le_bytes).collect()),
        Part("train_step", Dtype::I32, vec![STEPS], (0..2i32).flat_map(i32::to_le_bytes).collect()),
    ]
}

pub const METADATA: [(&str, &str); 3] = [("top_k", "2"), ("gate", "sigmoid"), ("domains", "[\"a\", \"b\", \"c\"]")];

#[test]
fn broken_traces_are_told() {
    let good = safetensors(&good_parts(), &METADATA);
    assert!(examine("t", &good, None).is_ok());
    let says = |bytes: &[u8], says: &[&str]| check_error(&examine("trace.safetensors", bytes, None).unwrap_err(), says);
    // Data that does not fit the tokens is not used, and a message says so.
    let notes = |bytes: &[u8], parts: &[&str]| match examine("trace.safetensors", bytes, None) {
        Err(error) => check_error(&error, parts),
        Ok(read) => {
            let noted = read.assumptions.iter().any(|a| a.ask && parts.iter().all(|p| a.text.contains(p)));
            assert!(noted, "{parts:?} is not noted: {:?}", read.assumptions);
        }
    };
    let with = |part: Part<'static>, metadata: &[(&str, &str)]| {
        let mut parts: Vec<Part<'_>> = good_parts().into_iter().filter(|p| p.0 != part.0).collect();
        parts.push(part);
        safetensors(&parts, metadata)
    };
    let part = |name, dtype, shape: &[usize], data| with(Part(name, dtype, shape.to_vec(), data), &METADATA);
    says(&good[..good.len() - 1], &["not a whole safetensors file"]);
    says(&good[..40], &["longer than the file"]);
    says(&[b"\xff\xff\xff\xff\xff\xff\xff\x7f", &good[8..]].concat(), &["longer than the file"]);
    says(b"hello world, this is no header", &["safetensors"]);
    says(&safetensors(&good_parts()[1..], &[]), &["no array whose name", "only: bias, domain"]);
    says(&part("logits", Dtype::F32, &[2, 3, 1], f32s([0.5; 6])), &["has 1 experts", "from 2 to 1024"]);
    says(&part("logits", Dtype::F32, &[1, 1, 1025], f32s([0.5; 1025])), &["has 1025 experts", "from 2 to 1024"]);
    says(&part("logits", Dtype::F32, &[0, 3, 4], vec![]), &["no array whose name"]);
    says(&part("logits", Dtype::F32, &[2, 0, 4], vec![]), &["no array whose name"]);
    says(&part("logits", Dtype::I32, &[2, 3, 4], vec![0; 96]), &["`logits` holds I32", "floating-point"]);
    let mut values = [0.5; 24];
    values[17] = f32::NAN;
    says(&part("logits", Dtype::F32, &[2, 3, 4], f32s(values)), &["row 4, expert 1", "NaN"]);
    values[17] = f32::INFINITY;
    says(&part("logits", Dtype::F32, &[2, 3, 4], f32s(values)), &["row 4, expert 1", "inf"]);
    // A score of −∞ excludes an expert for a token; a row that excludes all experts is not a token.
    values[17] = f32::NEG_INFINITY;
    assert!(examine("t", &part("logits", Dtype::F32, &[2, 3, 4], f32s(values)), None).is_ok());
    says(&part("logits", Dtype::F32, &[2, 3, 4], f32s([f32::NEG_INFINITY; 24])), &["every row is masked"]);
    notes(&part("token_ids", Dtype::I32, &[2, 2], vec![0; 16]), &["`token_ids` has shape [2, 2]", "6 elements"]);
    says(&part("bias", Dtype::F32, &[3], f32s([0.0; 3])), &["`bias` has shape [3]", "[4]"]);
    says(
        &part("bias", Dtype::F32, &[4], f32s([0.0, 1e9, 0.0, 0.0])),
        &["`bias` holds 1000000000", "from -1048576 to 1048576"],
    );
    says(&part("bias", Dtype::F32, &[4], f32s([0.0, f32::NAN, 0.0, 0.0])), &["`bias` holds NaN"]);
    notes(&part("domain", Dtype::U8, &[5], vec![0; 5]), &["`domain` has shape [5]", "6 elements"]);
    let far = [0i32, 1, 256, 0, 0, 0].into_iter().flat_map(i32::to_le_bytes).collect();
    notes(&part("domain", Dtype::I32, &[2, 3], far), &["`domain` holds 256", "from 0 to 255"]);
    let metadata = |m: &[(&str, &str)]| safetensors(&good_parts(), m);
    says(&metadata(&[("top_k", "5")]), &["top_k is 5", "from 1 to 4"]);
    for (key, value) in [("top_k", "many"), ("gate", "sparsemax")] {
        let examined = examine("t", &metadata(&[(key, value)]), None).unwrap();
        assert!(examined.oddities.iter().any(|o| o.text.contains(value)), "{key}: {:?}", examined.oddities);
    }
    let error = examine("t", &good, Some("7")).unwrap_err();
    check_error(&error, &["no layer “7”"]);
}

/// Reads the bytes of a recording; `layer` is the layer to show.
pub fn examine(name: &str, bytes: &[u8], layer: Option<&str>) -> Result<Examined, FileError> {
    recorded::examine_bytes(name, bytes.to_vec(), layer, &Reading::default())
}

#[test]
fn a_running_experiment_is_not_overwritten_by_a_failed_save() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = shipped()[0].load().unwrap().scenario;
    let path = folder.path().join("mine.ron");
    files::save(&path, &scenario).unwrap();
    let before = std::fs::read(&path).unwrap();
    assert!(files::save(&folder.path().join("none/mine.ron"), &scenario).is_err());
    assert!(files::save(folder.path(), &scenario).is_err(), "a folder is no file");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "no temporary file is left: {left:?}");
}
