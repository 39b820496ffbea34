//! Every number in a scenario's title, summary and look_for must be measured in a run, be a setting of the scenario, or have a source.
//!
//! [`MEASURED`] quotes the text and says how the number in it is measured. Every other number must be a setting in the scenario's file or a
//! line of [`SOURCES`].

use super::{Seen, shown};
use moebias_files::{Scenario, shipped};
use moebias_model::config::Source;
use moebias_model::metrics::{IN_BALANCE, sampling_floor};

/// A number in a scenario's text.
struct Said {
    id: &'static str,
    /// The quotation that contains the number.
    words: &'static str,
    number: f64,
    /// The largest difference from the measured value, which covers rounding and words such as "about".
    within: f64,
    /// Measures the number in the run.
    measure: fn(&[Seen]) -> f64,
}

const fn said(id: &'static str, words: &'static str, number: f64, within: f64, measure: fn(&[Seen]) -> f64) -> Said {
    Said { id, words, number, within, measure }
}

/// The first step at which MaxVio over 16 steps is in balance.
fn arrival(s: &Seen) -> f64 {
    s.metrics.iter().position(|m| m.max_vio_16 <= IN_BALANCE).map_or(f64::INFINITY, |n| n as f64)
}

fn moved(s: &Seen, steps: std::ops::Range<usize>) -> f64 {
    let n = steps.len() as f64;
    s.metrics[steps].iter().map(|m| m.moved).sum::<f64>() / n
}

/// The number of steps after a jump at `from` until MaxVio over 16 steps, all of them after the jump, is in balance.
fn catches_up(s: &Seen, from: usize) -> f64 {
    (from + 16..s.metrics.len())
        .find(|&n| s.metrics[n].max_vio_16 <= IN_BALANCE)
        .map_or(f64::INFINITY, |n| (n - from) as f64)
}

/// The task loss at the end: the mean NMSE over 200 steps, in percent.
fn loss(s: &Seen) -> f64 {
    let last = &s.metrics[s.metrics.len() - 200..];
    last.iter().map(|m| m.learning.map_or(f64::NAN, |l| l.nmse)).sum::<f64>() / 2.0
}

fn highest(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(f64::MIN, f64::max)
}

fn lowest(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(f64::MAX, f64::min)
}

/// The quoted numbers and how each is measured. Numbers that another test in `tests/scenarios.rs` measures are listed in [`SOURCES`].
#[rustfmt::skip]
const MEASURED: &[Said] = &[
    said("first-look", "balances itself in 160 steps", 160.0, 8.0, |s| s[0].settled() as f64),
    said("first-look", "After about 160 steps all loads lie along the fair share", 160.0, 8.0, |s| s[0].settled() as f64),
    said("first-look", "starts with four times its fair share", 4.0, 0.15, |s| 1.0 + s[0].metrics[0].max_vio),
    said("first-look", "loses 0.001 of bias", 0.001, 1e-8, |s| lowest(s[0].bias[0].iter().copied()).abs()),
    said("step-too-small", "A gap of 0.35 between two biases", 0.35, 0.02, |_| 2.0 * 0.0001 * 1750.0),
    said("step-too-small", "still has three times its fair share", 3.0, 0.15, |s| 1.0 + s[0].metrics[599].max_vio),
    said("step-too-large", "MaxVio stays near 2", 2.0, 0.15, |s| s[0].max_vio(200..300)),
    said("step-too-large", "until at 0.13 only the chance", 0.13, 0.01, |s| s[0].max_vio(800..900)),
    said("sign-and-proportional", "Both arrive after about 30 steps", 30.0, 5.0, |s| s[0].settled() as f64),
    said("sign-and-proportional", "Both arrive after about 30 steps", 30.0, 5.0, |s| s[1].settled() as f64),
    said("sign-and-proportional", "keeps MaxVio near 0.25", 0.25, 0.01, |s| s[0].max_vio(300..400)),
    said("sign-and-proportional", "comes down to 0.12", 0.12, 0.01, |s| s[1].max_vio(300..400)),
    said("skew", "needs about 100 steps to catch up", 100.0, 30.0, |s| catches_up(&s[0], 200)),
    said("skew", "needs about 100 steps to catch up", 100.0, 30.0, |s| catches_up(&s[0], 600)),
    said("skew", "in the end near 4.4", 4.4, 0.1, |s| s[1].max_vio(900..1000)),
    said("top-k", "at nearly eight times its fair share", 8.0, 0.4, |s| 1.0 + s[0].metrics[0].max_vio),
    said("top-k", "at about 0.33", 0.33, 0.015, |s| s[0].max_vio(300..400)),
    said("top-k", "0.13 and", 0.13, 0.01, |s| s[0].max_vio(700..800)),
    said("top-k", "0.07, because", 0.07, 0.01, |s| s[0].max_vio(1100..1200)),
    said("drifting-topics", "MaxVio averages 1.1", 1.1, 0.06, |s| s[0].max_vio(200..1200)),
    said("real-model", "it falls from 3", 3.0, 0.2, |s| s[1].max_vio_16(50)),
    said("real-model", "to 0.33 by step 50", 0.33, 0.01, |s| s[0].max_vio_16(50)),
    said("real-model", "A single batch stays near 1.5", 1.5, 0.1, |s| s[0].max_vio(220..320)),
    said("real-model-rules", "hovers between 0.16", 0.16, 0.006, |s| lowest(s[1].metrics[100..].iter().map(|m| m.max_vio_16))),
    said("real-model-rules", "and 0.33", 0.33, 0.006, |s| highest(s[1].metrics[100..].iter().map(|m| m.max_vio_16))),
    said("real-model-rules", "falls below 0.1 by step 100", 0.1, 0.05, |s| s[0].max_vio_16(100)),
    said("real-model-rules", "near 0 by step 200", 0.0, 0.01, |s| s[0].max_vio_16(200)),
    said("four-rules", "MaxVio about 0.13", 0.13, 0.01, |s| highest(s.iter().map(|s| s.max_vio(900..1000)))),
    said("four-rules", "ID Balancing after about 45 steps", 45.0, 3.0, |s| s[3].settled() as f64),
    said("four-rules", "RMS after 90", 90.0, 5.0, |s| s[1].settled() as f64),
    said("four-rules", "sign after 160", 160.0, 8.0, |s| s[0].settled() as f64),
    said("four-rules", "SMEBU after 335", 335.0, 10.0, |s| s[2].settled() as f64),
    said("freezing", "50 steps later the frozen router is at MaxVio 0.2", 0.2, 0.05, |s| s[0].max_vio(445..455)),
    said("freezing", "200 later at 0.8", 0.8, 0.08, |s| s[0].max_vio(595..605)),
    said("freezing", "400 later at 2;", 2.0, 0.08, |s| s[0].max_vio(790..800)),
    said("freezing", "the other stays at 0.13", 0.13, 0.01, |s| s[1].max_vio(600..800)),
    said("published-models", "in balance after 150 steps", 150.0, 8.0, |s| s[0].settled() as f64),
    said("published-models", "Trinity Large after 290", 290.0, 8.0, |s| s[1].settled() as f64),
    said("published-models", "a stand-in needs 64", 64.0, 2.0, |s| s[2].settled() as f64),
    said("fixed-batch", "about 0.5 at u = 0.03", 0.5, 0.05, |s| s[0].max_vio(300..400)),
    said("fixed-batch", "0.18 at 0.01", 0.18, 0.005, |s| s[1].max_vio(300..400)),
    said("fixed-batch", "0.08 at 0.003", 0.08, 0.005, |s| s[2].max_vio(300..400)),
    said("fixed-batch", "comes down to 0.003", 0.003, 0.0005, |s| s[3].max_vio(300..400)),
    said("fixed-batch", "a cycle of two steps", 2.0, 0.0, |s| {
        let n = s[0].bias.len();
        let of = |s: &Seen| (1..10).find(|back| s.bias[n - 1] == s.bias[n - 1 - back]).unwrap_or(0);
        if s[..3].iter().all(|x| of(x) == of(&s[0])) { of(&s[0]) as f64 } else { 0.0 }
    }),
    said("bursts", "rises from 0.13", 0.13, 0.01, |s| s[0].max_vio(200..300)),
    said("bursts", "to about 0.5", 0.5, 0.05, |s| s[0].max_vio(300..600)),
    said("bursts", "over 16 steps it stays near 0.1", 0.1, 0.03, |s| s[0].metrics[316..600].iter().map(|m| m.max_vio_16).sum::<f64>() / 284.0),
    said("auxiliary-loss-dilemma", "balanced within 90 steps", 90.0, 4.0, |s| s[3].settled() as f64),
    said("auxiliary-loss-dilemma", "ends 2.8 points above loss-free", 2.8, 0.1, |s| loss(&s[3]) - loss(&s[0])),
    said("auxiliary-loss-dilemma", "ends 1.2 points above it", 1.2, 0.1, |s| loss(&s[2]) - loss(&s[0])),
    said("auxiliary-loss-dilemma", "stays at MaxVio 0.33", 0.33, 0.01, |s| s[2].max_vio(1000..2000)),
    said("auxiliary-loss-dilemma", "as even as α = 1 from step 300 on", 300.0, 10.0, |s| s[0].settled() as f64),
    said("auxiliary-loss-dilemma", "lowest loss and MaxVio 2.8", 2.8, 0.1, |s| s[1].max_vio(1900..2000)),
    said("learning-step-sizes", "MaxVio is still 2 at the end", 2.0, 0.2, |s| s[0].max_vio(1900..2000)),
    said("learning-step-sizes", "u = 0.001 arrives at step 300", 300.0, 10.0, |s| arrival(&s[1])),
    said("learning-step-sizes", "stays at 0.17", 0.17, 0.01, |s| s[1].max_vio(1000..2000)),
    said("learning-step-sizes", "u = 0.01 arrives at step 24", 24.0, 1.0, |s| arrival(&s[2])),
    said("learning-step-sizes", "stays restless at 0.26", 0.26, 0.01, |s| s[2].max_vio(1000..2000)),
    said("expert-groups", "MaxVio falls from 12", 12.0, 0.3, |s| s[0].metrics[0].max_vio),
    said("expert-groups", "to 0.4.", 0.4, 0.03, |s| s[0].max_vio(400..500)),
    said("expert-groups", "MaxVio more than doubles for a moment", 2.0, 0.5, |s| highest(s[0].metrics[500..510].iter().map(|m| m.max_vio)) / s[0].max_vio(400..500)),
    said("capacity", "At first 26 % of the assignments are dropped", 26.0, 1.0, |s| 100.0 * s[0].metrics[0].dropped),
    said("capacity", "The biases end that within about 70 steps", 70.0, 4.0, |s| (0..400).find(|&n| s[0].metrics[n..].iter().all(|m| m.dropped < 0.004)).map_or(f64::INFINITY, |n| n as f64)),
    said("assignment-methods", "44 % of the tokens do not get their best expert", 44.0, 1.0, |s| 100.0 * moved(&s[0], 0..400)),
    said("assignment-methods", "and move as many", 44.0, 3.0, |s| 100.0 * moved(&s[2], 100..400)),
    said("assignment-methods", "need 30 steps to come close", 30.0, 5.0, |s| s[2].settled() as f64),
    said("assignment-methods", "stays at MaxVio 1.5", 1.5, 0.1, |s| s[1].max_vio(100..400)),
    said("assignment-methods", "stays near 0.7", 0.7, 0.05, |s| s[3].max_vio(0..400)),
    said("dynamic-k", "exceeds 0; K is only the mean", 6.0, 0.1, |s| s[0].metrics[200..400].iter().map(|m| m.active).sum::<f64>() / 200.0),
    said("dynamic-k", "the threshold takes 34 steps", 34.0, 1.0, |s| (400..800).find(|&n| s[0].metrics[n].active > 11.9).map_or(f64::INFINITY, |n| n as f64 - 400.0)),
    said("quantile-balancing", "MaxVio 0.41 in step 0", 0.41, 0.005, |s| s[5].metrics[0].max_vio),
    said("quantile-balancing", "then 0.025,", 0.025, 0.002, |s| s[5].max_vio(10..300)),
    said("quantile-balancing", "MaxVio is near the sampling floor", 1.41, 0.2, |s| s[0].max_vio(10..300) / sampling_floor(64, 6, 4096)),
];

/// Numbers that are not measured here: they come from a source or are measured by another test.
#[rustfmt::skip]
const SOURCES: &[(&str, &str, &str)] = &[
    ("step-too-small", "0.35 / (2u) = 1,750 steps", "too_small_a_step_does_not_arrive_in_time_but_would_later"),
    ("drifting-topics", "A topic lasts 100 steps", "1,000 steps over a drift of 10"),
    ("freezing", "topics last 1,000 steps", "1,000 steps over a drift of 1"),
    ("freezing", "its last 500 of 14,800 billion tokens", "DeepSeek-V3 technical report"),
    ("published-models", "8 of a token’s 12 experts compute", "published_models_come_into_balance"),
    ("softmax-gate", "about 1/64 each", "softmax scores of 64 experts add up to 1"),
    ("expert-choice", "5.6 bits per token", "K·log₂((1−R)/R) with R = 2/16"),
    ("dynamic-k", "exceeds 0", "the threshold itself"),
    ("price-view", "From step 46 on it rises", "the_price_view_falls_to_the_optimum_and_rises_again"),
    ("band", "within 4 tokens of the fair share", "the_band_is_promised_and_kept"),
    ("learned-bias", "a correlation of about 0.99", "our_biases_come_to_the_learned_ones"),
    ("real-model", "The 16 batches of the recording", "assets/traces/README.md"),
    ("real-model", "from four texts only", "assets/traces/README.md"),
    ("", "over 16 steps", "the window of MaxVio of 16 steps"),
];

const WORDS: [(&str, f64); 17] = [
    ("two", 2.0),
    ("three", 3.0),
    ("four", 4.0),
    ("five", 5.0),
    ("six", 6.0),
    ("seven", 7.0),
    ("eight", 8.0),
    ("nine", 9.0),
    ("ten", 10.0),
    ("twelve", 12.0),
    ("sixteen", 16.0),
    ("twice", 2.0),
    ("doubles", 2.0),
    ("doubled", 2.0),
    ("half", 0.5),
    ("third", 1.0 / 3.0),
    ("quarter", 0.25),
];

/// The numbers in a text, in digits or as a word, without digits that are part of a name (DeepSeek-V3, K2).
fn numbers(text: &str) -> Vec<f64> {
    let all: Vec<char> = text.chars().collect();
    let (mut found, mut at) = (vec![], 0);
    while at < all.len() {
        let start = at;
        let inside = |at: usize, c: char| {
            c.is_ascii_digit() || matches!(c, '.' | ',') && all.get(at + 1).is_some_and(char::is_ascii_digit)
        };
        if all[at].is_ascii_digit() {
            while at < all.len() && inside(at, all[at]) {
                at += 1;
            }
            let named = start > 0 && all[start - 1].is_alphabetic();
            let number: String = all[start..at].iter().filter(|c| **c != ',').collect();
            if !named && let Ok(number) = number.parse() {
                found.push(number);
            }
        } else if all[at].is_alphabetic() {
            while at < all.len() && (all[at].is_alphanumeric()) {
                at += 1;
            }
            let word: String = all[start..at].iter().collect::<String>().to_lowercase();
            found.extend(WORDS.iter().filter(|(w, _)| *w == word).map(|(_, n)| *n));
        } else {
            at += 1;
        }
    }
    found
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(1.0)
}

/// The numbers that a scenario sets: those in its file outside the texts, the number of variants, and defaults that the window shows.
fn settings(file: &str, scenario: &Scenario) -> Vec<f64> {
    let words = ["title:", "summary:", "look_for:", "//"];
    let lines = file.lines().filter(|l| !words.iter().any(|w| l.trim_start().starts_with(w)));
    let mut all = numbers(&lines.collect::<Vec<_>>().join("\n"));
    let experiment = scenario.experiment();
    all.push(experiment.variants.len() as f64);
    match &experiment.source {
        Source::Synthetic(s) | Source::Fixed(s) => all.push(s.batch.into()),
        Source::Learning(world) => all.push(world.batch.into()),
        Source::Trace(_) => {}
    }
    for v in &experiment.variants {
        all.extend([
            f64::from(v.router.experts),
            f64::from(v.router.top_k),
            f64::from(v.balancer.zero_experts),
            v.balancer.rate,
        ]);
        // 256 experts in 8 groups are 32 per group.
        all.extend(v.router.groups.map(|g| f64::from(v.router.experts / g.groups)));
    }
    all
}

fn texts(scenario: &Scenario) -> String {
    format!("{}\n{}\n{}", scenario.title, scenario.summary, scenario.look_for)
}

#[test]
fn every_number_is_measured_a_setting_or_has_a_source() {
    for s in shipped() {
        let scenario = s.load().unwrap().scenario;
        let mut rest = texts(&scenario);
        for said in MEASURED.iter().filter(|said| said.id == s.id) {
            assert!(texts(&scenario).contains(said.words), "{}: “{}” is not said any more", s.id, said.words);
            let meant = numbers(said.words);
            let implied = meant.is_empty() || near(said.number, scenario.experiment().variants[0].router.top_k.into());
            assert!(
                implied || meant.iter().any(|&n| near(n, said.number)),
                "{}: “{}” has no {}",
                s.id,
                said.words,
                said.number
            );
            rest = rest.replace(said.words, " ");
        }
        for (id, words, _) in SOURCES.iter().filter(|(id, ..)| id.is_empty() || *id == s.id) {
            assert!(id.is_empty() || texts(&scenario).contains(words), "{id}: “{words}” is not said any more");
            rest = rest.replace(words, " ");
        }
        let file =
            std::fs::read_to_string(format!("{}/../../scenarios/{}.ron", env!("CARGO_MANIFEST_DIR"), s.id)).unwrap();
        let settings = settings(&file, &scenario);
        let unknown: Vec<f64> = numbers(&rest).into_iter().filter(|n| !settings.iter().any(|s| near(*n, *s))).collect();
        assert!(
            unknown.is_empty(),
            "{}: {unknown:?} in “{}” is neither measured nor a setting nor has a source",
            s.id,
            rest.trim()
        );
    }
}

#[test]
fn every_measured_number_is_so() {
    let mut wrong = vec![];
    for said in MEASURED {
        let found = (said.measure)(shown(said.id));
        println!("{}: “{}”: {found:.4}", said.id, said.words);
        // A comparison with NaN must fail as well.
        let right = (found - said.number).abs() <= said.within;
        if !right {
            wrong.push(format!("{}: “{}”: {found:.4} is measured", said.id, said.words));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn numbers_are_found_in_words() {
    assert_eq!(
        numbers("MaxVio 0.41, then 14,800 of DeepSeek-V3, 0.35 / (2u) = 1,750. Twice!"),
        [0.41, 14_800.0, 0.35, 2.0, 1750.0, 2.0]
    );
}

/// Words that are wrong or unclear, and what to write instead.
const RETIRED: [(&str, &str); 3] = [
    ("never arrives", "a step size that is too small takes very long: u = 0.0001 arrives at step 1,574"),
    ("No balancer", "No balancing"),
    ("for ever", "repeated, without end"),
];

fn files(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() {
            files(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
}

#[test]
fn retired_words_stay_retired() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = vec![root.join("README.md")];
    for folder in
        ["docs", "scenarios", "src", "crates/model/src", "crates/files/src", "crates/engine/src", "crates/lab/src"]
    {
        files(&root.join(folder), &mut found);
    }
    for path in found.iter().filter(|p| p.extension().is_some_and(|e| e == "md" || e == "ron" || e == "rs")) {
        // Names that a test types are not part of the texts of Moebias.
        if path.ends_with("tests.rs") {
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        // Comments are not checked. "For every" is a different phrase.
        for (n, line) in text.lines().enumerate().filter(|(_, l)| !l.trim_start().starts_with("//")) {
            for (words, instead) in RETIRED {
                let said =
                    line.match_indices(words).any(|(at, w)| !line[at + w.len()..].starts_with(char::is_alphabetic));
                assert!(!said, "{}:{}: not “{words}”: {instead}", path.display(), n + 1);
            }
        }
    }
}
