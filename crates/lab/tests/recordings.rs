//! Recordings of published models in the lab: oddities are reported with a remedy, a layer can be chosen, and all layers can be shown at
//! once.

use moebias_engine::EngineChoice;
use moebias_files::shipped;
use moebias_lab::Lab;
use moebias_lab::command::Command;
use moebias_lab::layers::AllLayers;
use moebias_lab::words::Words;
use moebias_model::change::{Change, Target};
use moebias_model::config::{Rule, Source};
use moebias_model::diagnose::Kind;
use moebias_model::settings::reading::{LeaveOut, Reading};
use moebias_testing::wait_until;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn lab() -> Lab {
    moebias_lab::places::keep_in(tempfile::tempdir().unwrap().path());
    Lab::open(&shipped::find("first-look").unwrap().load().unwrap(), EngineChoice::Cpu, || {}).unwrap()
}

/// Opens a file and waits until its run is shown.
fn open(lab: &mut Lab, path: &Path) {
    let before = lab.run();
    lab.send(Command::OpenFile(path.to_owned()));
    wait_for_run(lab, before);
}

fn wait_for_run(lab: &mut Lab, before: moebias_engine::start::RunId) {
    wait_until("the recording is read", || {
        lab.poll();
        lab.run() != before && lab.snapshot().run == lab.run()
    });
}

/// Plays the run to the end of the recording.
fn run_to(lab: &mut Lab, step: u64) {
    lab.send(Command::Pause);
    lab.send(Command::Seek(step));
    wait_until("the steps are done", || {
        lab.poll();
        lab.snapshot().step == step && lab.snapshot().seeking.is_none()
    });
}

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../recordings/tests/data/cases").join(name)
}

#[test]
fn the_words_of_a_recording_come_from_the_vocabulary_beside_it() {
    let mut lab = lab();
    assert_eq!(lab.words(), Words::Missing, "generated tokens have no words");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    let line = |id: usize| format!("{{\"token_id\": {id}, \"topk_ids\": [{}, {}]}}\n", id % 4, id % 4 + 1);
    std::fs::write(&path, (0..40).map(|i| line(i % 3)).collect::<String>()).unwrap();
    open(&mut lab, &path);
    assert_eq!(lab.words(), Words::Missing);
    let vocabulary = folder.path().join("vocab.json");
    std::fs::write(&vocabulary, "{\"The\": 0, ").unwrap();
    open(&mut lab, &path);
    wait_until("the vocabulary is refused", || matches!(lab.words(), Words::Failed(why) if why.contains("vocab.json")));
    std::fs::write(folder.path().join("tokenizer.json"), "{\"model\": {\"vocab\": {\"The\": 0, \"Ġcat\": 1}}}")
        .unwrap();
    open(&mut lab, &path);
    wait_until("the vocabulary is read", || match lab.words() {
        Words::Known(vocabulary) => vocabulary.word(1).as_deref() == Some(" cat"),
        other => {
            assert_eq!(other, Words::Reading);
            false
        }
    });
    assert!(lab.examined().unwrap().assumptions.iter().any(|a| a.text.contains("tokenizer.json beside the file")));
}

#[test]
fn warm_up_tokens_are_left_out_with_one_click() {
    // 16,000 identical warm-up tokens, then 4,000 real ones that are spread evenly over 16 experts.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    let mut log = String::from("{\"type\": \"meta\", \"num_experts\": 16, \"top_k\": 2}\n");
    for token in 0..20_000u64 {
        let mixed = token.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let (a, b) = if token < 16_000 { (3, 5) } else { (mixed >> 60, (mixed >> 52) & 15) };
        let b = if a == b { (b + 1) % 16 } else { b };
        writeln!(log, "{{\"layer\": 0, \"token_idx\": {token}, \"topk_ids\": [{a}, {b}]}}").unwrap();
    }
    std::fs::write(&path, log).unwrap();
    let mut lab = lab();
    open(&mut lab, &path);
    run_to(&mut lab, 40);
    assert!(lab.snapshot().variants[0].metrics.max_vio_global > 5.0, "the warm-up tokens decide");
    let notice = lab.notices().all().find(|n| n.text.contains("identical experts")).expect("it is noticed").clone();
    assert!(notice.text.starts_with("16000 tokens in 1 run"), "{}", notice.text);
    let action = notice.action.expect("it has a remedy");
    assert_eq!(action.label, "Leave the identical tokens out");

    let before = lab.run();
    lab.send(action.command);
    wait_for_run(&mut lab, before);
    let examined = lab.examined().unwrap().clone();
    assert_eq!((examined.trace.steps * examined.trace.tokens, examined.oddities.len()), (4000, 0));
    run_to(&mut lab, examined.trace.steps as u64);
    let variant = &lab.snapshot().variants[0];
    assert!(variant.metrics.max_vio_global < 0.2, "{}", variant.metrics.max_vio_global);
    assert!(variant.findings.iter().all(|f| f.kind != Kind::Collapse), "{:?}", variant.findings);
    // The choice is part of the scenario, and undo reverts it.
    let Source::Trace(source) = &lab.settings().source else { panic!("a recording") };
    assert_eq!(source.reading.leave_out, [LeaveOut::Identical]);
    lab.send(Command::Undo);
    wait_until("undo", || {
        lab.poll();
        lab.run() == before
    });
    assert_eq!(lab.examined().unwrap().reading, Reading::default());
}

fn wait_for_layers(lab: &mut Lab, what: &str, is: impl Fn(&AllLayers) -> bool) -> Arc<AllLayers> {
    let mut found = None;
    wait_until(what, || {
        lab.poll();
        found = lab.layers().filter(|all| is(all));
        found.is_some()
    });
    found.unwrap()
}

#[test]
fn layers_are_measured_chosen_and_routed_all_at_once() {
    let mut lab = lab();
    assert!(lab.layers().is_none() && lab.why_not(&Command::ShowLayer("1".into())).is_some());
    open(&mut lab, &case("router-logits-per-layer.safetensors"));
    let all = wait_for_layers(&mut lab, "the layers are measured", |all| all.measured == 3);
    let vio: Vec<f64> = all.rows.iter().map(|r| r.recorded.as_ref().unwrap().maxvio).collect();
    assert_eq!(vio, [4.96875, 2.21875, 3.34375]);

    // Another layer: the variants keep their settings.
    lab.send(Command::Change { target: Target::Variant(0), change: Change::SetRate(0.01) });
    let before = lab.run();
    assert!(lab.why_not(&Command::ShowLayer("9".into())).unwrap().contains("no layer 9"));
    lab.send(Command::ShowLayer("2".into()));
    wait_for_run(&mut lab, before);
    assert_eq!((lab.examined().unwrap().layer.as_str(), lab.settings().variants[0].balancer.rate), ("2", 0.01));
    run_to(&mut lab, 64);
    let alone = lab.snapshot().variants[0].digest;

    // Routed together with all layers, the layer that is shown reaches the same state as alone after the same number of steps.
    lab.send(Command::RouteLayers { variant: 0, on: true });
    let enough = |all: &AllLayers| all.routed.as_ref().is_some_and(|r| r.step > 64);
    let all = wait_for_layers(&mut lab, "all layers are routed", enough);
    let routed = all.routed.clone().unwrap();
    assert_eq!((routed.of, routed.variant.balancer.rule, all.measured), (1, Rule::Sign, 3));
    lab.send(Command::RouteLayers { variant: 0, on: false });
    let all = wait_for_layers(&mut lab, "routing stops", |all| all.routed.as_ref().is_some_and(|r| !r.running));
    for (row, before) in all.rows.iter().zip(vio) {
        assert!(row.routed.as_ref().unwrap().metrics.max_vio_16 < before, "layer {} got more even", row.name);
    }
    run_to(&mut lab, all.routed.as_ref().unwrap().step);
    let now = lab.snapshot().variants[0].digest;
    assert_eq!(all.rows[2].routed.as_ref().unwrap().digest, now, "the same as alone");
    assert_ne!(now, alone);
}

#[test]
fn loads_without_tokens_are_replayed_and_nothing_else() {
    let mut lab = lab();
    open(&mut lab, &case("wide.csv"));
    run_to(&mut lab, 4);
    let variant = &lab.snapshot().variants[0];
    assert!((variant.metrics.max_vio_global - 4.96875).abs() < 1e-9, "{}", variant.metrics.max_vio_global);
    assert!(lab.why_not(&Command::RouteLayers { variant: 0, on: true }).is_some());
    let change = Command::Change { target: Target::Variant(0), change: Change::SetRule(Rule::Sign) };
    assert!(lab.why_not(&change).unwrap().contains("loads without tokens"));
}

#[test]
fn a_run_starts_from_the_recorded_bias() {
    let path = [PathBuf::from("builtin:learned")];
    let plain = moebias_files::recorded::examine(&path, None, &Reading::default()).unwrap();
    let figures = plain.recording.figures(&plain.recording.layers[0], &plain.facts, &Reading::default()).unwrap();
    let reading = Reading { from_bias: true, ..Reading::default() };
    let examined = moebias_files::recorded::examine(&path, None, &reading).unwrap();
    assert!(examined.assumptions.iter().any(|a| a.text == "biases start from the recorded bias"));
    let learned: Vec<i64> = examined.trace.learned_bias.iter().map(|&b| moebias_model::fixed::to_q32(b)).collect();
    let mut experiment = examined.scenario(&path).unwrap().experiment();
    let variants: Vec<_> = [Rule::None, Rule::Sign, Rule::Multiplicative]
        .map(|rule| {
            let mut variant = experiment.variants[0].clone();
            variant.balancer.rule = rule;
            variant
        })
        .into();
    experiment.variants = variants;
    let mut run = moebias_model::step::Simulation::new(experiment, Some(Arc::clone(&examined.trace))).unwrap();
    let biases = |run: &moebias_model::step::Simulation| -> Vec<Vec<i64>> {
        run.state().variants.iter().map(|v| v.bias.clone()).collect()
    };
    assert_eq!(biases(&run)[..2], [learned.clone(), learned.clone()]);
    assert!(biases(&run)[2].iter().all(|&b| b == moebias_model::fixed::BIAS_ONE), "factors are not biases");
    // Without a rule the biases stay, and the router chooses as the model did.
    let mut loads = vec![0u64; learned.len()];
    for _ in 0..examined.trace.steps {
        let row = run.advance();
        loads.iter_mut().zip(&row.variants[0].loads).for_each(|(all, &l)| *all += u64::from(l));
    }
    assert_eq!(Some(moebias_model::metrics::max_vio(&loads)), figures.maxvio_recorded_bias);
    assert!(figures.maxvio_recorded_bias.unwrap() < 0.5 * figures.maxvio);
    assert_ne!(biases(&run)[1], learned);
    run.apply(Target::AllVariants, &Change::ResetBias).unwrap();
    assert_eq!(biases(&run)[1], learned, "a reset goes back to the start");
}

#[test]
fn the_recording_is_compared_with_another_one() {
    let folder = tempfile::tempdir().unwrap();
    let log = |name: &str, other: usize| {
        let mut text = String::from("{\"type\": \"meta\", \"num_experts\": 8}\n");
        for token in 0..40usize {
            let expert = if token < other { 7 } else { token % 4 };
            writeln!(text, "{{\"layer\": 0, \"topk_ids\": [{expert}, 5]}}").unwrap();
        }
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (one, two) = (log("one.jsonl", 0), log("two.jsonl", 10));
    let mut lab = lab();
    assert_eq!(lab.cant_compare().as_deref(), Some("These tokens are not from a recording"));
    open(&mut lab, &one);
    let compare = |lab: &mut Lab, path: &Path, said: &str| {
        lab.send(Command::CompareWith(path.to_owned()));
        assert!(lab.job().is_some_and(|job| job.name == "Comparing two recordings"));
        wait_until(said, || {
            lab.poll();
            lab.job().is_none()
        });
        assert!(lab.notices().all().any(|n| n.text.contains(said)), "{said}");
    };
    compare(&mut lab, &two, "25.00 % of 40 tokens");
    assert_eq!(lab.compared().map(|c| (c.name.as_str(), c.found.tokens_differ)), Some(("two.jsonl", 10)));
    compare(&mut lab, Path::new("nowhere.jsonl"), "nowhere.jsonl");
    assert!(lab.compared().is_some(), "the last comparison stays");
    open(&mut lab, &two);
    assert!(lab.compared().is_none(), "it was a comparison of another recording");
    // Tokens with different numbers of experts are shown by their loads, but they can be compared.
    let varying = folder.path().join("varying.jsonl");
    std::fs::write(&varying, "{\"layer\": 0, \"topk_ids\": [0, 1]}\n{\"layer\": 0, \"topk_ids\": [2]}\n").unwrap();
    open(&mut lab, &varying);
    compare(&mut lab, &varying, "0.00 % of 2 tokens");
}
