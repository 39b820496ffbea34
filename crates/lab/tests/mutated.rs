//! Opening randomly damaged files. The result must be an error, or a valid experiment that can start; never a panic, a hang, or a gigabyte of
//! memory for a kilobyte of file.

use crate::bad_files::{EXPERTS, METADATA, Part, STEPS, TOKENS, examine, f32s, good_parts, logits, safetensors};
use moebias_engine::run::Run;
use moebias_engine::start::RunId;
use moebias_files::{FileError, Loaded, load_text, shipped};
use moebias_model::step::Simulation;
use safetensors::Dtype;
use std::path::Path;
use std::time::{Duration, Instant};

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

/// Checks that an experiment that the reader accepted can start.
fn start(loaded: &Loaded) {
    let experiment = loaded.scenario.experiment();
    experiment.validate().unwrap();
    Simulation::new(experiment, loaded.trace.clone()).unwrap();
    Run::new(RunId(0), moebias_lab::start_of(loaded)).unwrap();
}

/// Checks the result of reading: 0 for a useful error, 1 for an experiment that can start.
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
fn a_hundred_thousand_mutated_files_and_no_panic() {
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
