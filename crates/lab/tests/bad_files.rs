//! Opening damaged files. The result must be an error that names the place and the fault, or a valid experiment; never a panic, a hang, or
//! a gigabyte of memory for a kilobyte of file.

use moebias_engine::run::Run;
use moebias_engine::start::RunId;
use moebias_files::{self as files, Examined, FileError, Loaded, load_text, open, recorded, shipped};
use moebias_model::settings::reading::Reading;
use moebias_model::step::Simulation;
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
struct Part<'a>(&'a str, Dtype, Vec<usize>, Vec<u8>);

fn safetensors(parts: &[Part<'_>], metadata: &[(&str, &str)]) -> Vec<u8> {
    let views: Vec<(&str, TensorView<'_>)> = parts
        .iter()
        .map(|Part(name, dtype, shape, data)| (*name, TensorView::new(*dtype, shape.clone(), data).unwrap()))
        .collect();
    let metadata: HashMap<String, String> = metadata.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
    safetensors::serialize(views, Some(metadata)).unwrap()
}

fn f32s(values: impl IntoIterator<Item = f32>) -> Vec<u8> {
    values.into_iter().flat_map(f32::to_le_bytes).collect()
}

const STEPS: usize = 2;
const TOKENS: usize = 3;
const EXPERTS: usize = 4;

fn logits() -> Part<'static> {
    let values = (0..STEPS * TOKENS * EXPERTS).map(|i| (i as f32 * 0.7).sin());
    Part("logits", Dtype::F32, vec![STEPS, TOKENS, EXPERTS], f32s(values))
}

fn good_parts() -> Vec<Part<'static>> {
    vec![
        logits(),
        Part("bias", Dtype::F32, vec![EXPERTS], f32s([0.0, 0.1, -0.2, 0.3])),
        Part("domain", Dtype::U8, vec![STEPS, TOKENS], vec![0, 1, 2, 0, 1, 2]),
        Part("token_ids", Dtype::I32, vec![STEPS, TOKENS], (0..6i32).flat_map(i32::to_le_bytes).collect()),
        Part("train_step", Dtype::I32, vec![STEPS], (0..2i32).flat_map(i32::to_le_bytes).collect()),
    ]
}

const METADATA: [(&str, &str); 3] = [("top_k", "2"), ("gate", "sigmoid"), ("domains", "[\"a\", \"b\", \"c\"]")];

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

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), so that every run of the test makes the same files.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

/// The values that replace numbers.
const NUMBERS: [&str; 24] = [
    "0",
    "-1",
    "1",
    "2",
    "32",
    "33",
    "1024",
    "1025",
    "1048576",
    "4294967295",
    "4294967296",
    "18446744073709551615",
    "99999999999999999999999",
    "-9223372036854775808",
    "NaN",
    "inf",
    "-inf",
    "1e999",
    "-0.0",
    "1e-320",
    "0.5",
    "0x10",
    "1_000",
    "65536",
];

/// The texts that are inserted at random places.
const WORDS: [&str; 30] = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "\"",
    "\\",
    "//",
    "/*",
    "*/",
    "Some(",
    "None",
    "((((((((",
    "[[[[[[[[",
    "\u{feff}",
    "\u{0}",
    "é",
    "version: 2,",
    "r#\"",
    "#![enable(unwrap_newtypes)]",
    "Synthetic",
    "Fixed",
    "Trace(file: \"x\")",
    "events: [",
    "start:",
    "null",
    "\"topk_ids\":",
];

/// Changes a file in one to four places.
fn mutate(random: &mut Random, bytes: &mut Vec<u8>, others: &[Vec<u8>]) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        match random.below(8) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            2 if at < bytes.len() => bytes[at] = random.next() as u8,
            3 => {
                let other = &others[random.below(others.len())];
                let from = random.below(other.len());
                let to = (from + random.below(80)).min(other.len());
                bytes.splice(at..at, other[from..to].iter().copied());
            }
            4 => {
                let word = random.one(&WORDS);
                bytes.splice(at..at, word.bytes());
            }
            5 => {
                let to = (at + random.below(40)).min(bytes.len());
                bytes.drain(at..to);
            }
            // Replaces a number, because such a file most often passes the parser and reaches the checks.
            _ => {
                let digit = |b: &u8| b.is_ascii_digit();
                let Some(from) = bytes[at..].iter().position(digit).map(|i| at + i) else { continue };
                let part = |b: &u8| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'e');
                let to = bytes[from..].iter().position(|b| !part(b)).map_or(bytes.len(), |i| from + i);
                bytes.splice(from..to, random.one(&NUMBERS).bytes());
            }
        }
    }
}

/// Starts what was read: everything that the reader accepts must be able to start.
fn start(loaded: &Loaded) {
    let experiment = loaded.scenario.experiment();
    experiment.validate().unwrap();
    Simulation::new(experiment, loaded.trace.clone()).unwrap();
    Run::new(RunId(0), moebias_lab::start_of(loaded)).unwrap();
}

/// Returns 0 for a useful error and 1 for an experiment.
fn outcome(result: Result<Loaded, FileError>) -> usize {
    match result {
        Ok(loaded) => {
            start(&loaded);
            1
        }
        Err(error) => {
            let text = error.to_string();
            assert!(!text.is_empty() && text.len() < 8000, "{} bytes of error", text.len());
            assert!(!error.headline().contains(char::is_control), "{text:?}");
            0
        }
    }
}

fn read_scenario(bytes: &[u8]) -> usize {
    // Bytes that are not UTF-8 do not reach the parser.
    let text = String::from_utf8_lossy(bytes);
    outcome(load_text(&text, "made up.ron", Path::new("/nowhere")))
}

fn examine(name: &str, bytes: &[u8], layer: Option<&str>) -> Result<Examined, FileError> {
    recorded::examine_bytes(name, bytes.to_vec(), layer, &Reading::default())
}

fn read_recording(name: &str, bytes: &[u8]) -> usize {
    outcome(examine(name, bytes, None).and_then(|examined| {
        let layer = examined.recording.layer(Some(&examined.layer)).unwrap();
        examined.recording.figures(layer, &examined.facts, &examined.reading).unwrap();
        examined.loaded(&[])
    }))
}

fn read_trace(bytes: &[u8]) -> usize {
    read_recording("made up.safetensors", bytes)
}

fn read_log(bytes: &[u8]) -> usize {
    read_recording("made up.jsonl", bytes)
}

/// Gives a reader `count` mutations of good files and sometimes random bytes; with `MOEBIAS_FUZZ=50`, fifty times as many. Returns the
/// number of files that became experiments.
fn feed(seed: u64, count: usize, good: &[Vec<u8>], read: fn(&[u8]) -> usize) -> usize {
    let times: usize = std::env::var("MOEBIAS_FUZZ").ok().and_then(|t| t.parse().ok()).unwrap_or(1);
    let count = count * times;
    let mut random = Random(seed);
    let (mut experiments, mut slowest) = (0, Duration::ZERO);
    for _ in 0..count {
        let mut bytes = good[random.below(good.len())].clone();
        if random.below(50) == 0 {
            bytes = (0..random.below(300)).map(|_| random.next() as u8).collect();
        } else {
            mutate(&mut random, &mut bytes, good);
        }
        let began = Instant::now();
        experiments += read(&bytes);
        slowest = slowest.max(began.elapsed());
    }
    println!("{count} files: {experiments} experiments, the slowest took {slowest:?}");
    assert!(slowest < Duration::from_secs(5), "one file took {slowest:?}");
    experiments
}

/// A scenario that uses every part of the format.
const EVERYTHING: &str = r#"(
    version: 1,
    title: "Everything",
    summary: "All there is",
    look_for: "Nothing.",
    seed: 7,
    source: Synthetic(batch: 100, topics: 9, skew: 1.5, noise: 0.25, drift: 2.0, burst: 3),
    variants: [
        (name: "a", router: (experts: 4, top_k: 2, gate: Softmax), balancer: (rule: Proportional, rate: 0.02, schedule: Inverse, centred: true)),
        (name: "b", router: (experts: 3, top_k: 1), balancer: (rule: Multiplicative, rate: 0.5, schedule: InverseSqrt)),
    ],
    events: [
        (step: 12, target: Source, change: SetBatch(50)),
        (step: 12, target: Variant(1), change: SetTopK(2)),
        (step: 15, target: AllVariants, change: SetRule(Sign)),
        (step: 20, target: AllVariants, change: ResetBias),
    ],
    stop: 40,
    speed: 12.5,
    start: (step: 10, phase: 77, variants: [
        (bias: [1, -2, 3, 4], schedule_from: 4, digest: 99),
        (bias: [4294967296, 1, 2], schedule_from: 0, digest: 12345),
    ]),
    recorded: (steps: 30, digest: "0123456789abcdef", engine: "CPU", app_version: "0.1.0"),
)
"#;

#[test]
fn a_hundred_thousand_broken_files_and_no_panic() {
    let mut scenarios: Vec<Vec<u8>> = shipped().iter().map(|s| s.text.as_bytes().to_vec()).collect();
    scenarios.extend((0..6).map(|_| EVERYTHING.as_bytes().to_vec()));
    let half = |(i, x): (usize, f32)| half::f16::from_f32(x + i as f32 * 0.01).to_le_bytes();
    let f16 = (0..24).map(|i| i as f32 * 0.1).enumerate().flat_map(half).collect();
    let two_layers = [
        Part("logits.a", Dtype::F16, vec![STEPS, TOKENS, EXPERTS], f16),
        Part("logits.b", Dtype::BF16, vec![STEPS, TOKENS, EXPERTS], vec![0x3e; 48]),
        Part("bias.a", Dtype::F32, vec![EXPERTS], f32s([0.0; 4])),
    ];
    let traces = [
        safetensors(&good_parts(), &METADATA),
        safetensors(&[logits()], &[]),
        safetensors(&two_layers, &[("gate", "softmax"), ("top_k", "1")]),
    ];
    let line = |i: usize| {
        format!(
            "{{\"layer\":{},\"token_idx\":{i},\"topk_ids\":[{},{}],\"topk_weights\":[0.6,0.4]}}\n",
            i % 2,
            i % 5,
            5 + i % 3
        )
    };
    let logs = [
        (0..12).map(line).collect::<String>(),
        format!("{{\"type\":\"meta\",\"num_experts\":16,\"top_k\":2}}\n{}", (0..4).map(line).collect::<String>()),
    ];
    let logs = logs.map(String::into_bytes);
    for good in &scenarios {
        assert_eq!(read_scenario(good), 1);
    }
    assert!(traces.iter().all(|t| read_trace(t) == 1) && logs.iter().all(|l| read_log(l) == 1));
    let began = Instant::now();
    let outcomes = std::thread::scope(|scope| {
        let half = scope.spawn(|| feed(1, 30_000, &scenarios, read_scenario));
        let traces = feed(2, 25_000, &traces, read_trace);
        let logs = feed(3, 15_000, &logs, read_log);
        [half.join().unwrap(), feed(4, 30_000, &scenarios, read_scenario), traces, logs]
    });
    println!("100,000 files in {:?}: experiments {outcomes:?}", began.elapsed());
    // Some mutations must be valid, or the checks behind the parser were never reached; some must be errors, or nothing was damaged.
    assert!(outcomes.iter().all(|&n| n > 500), "{outcomes:?}");
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
