//! The samples in layouts of public tools, each with its right answer in `expected.json`.

use moebias_recordings::{LeaveOut, Reading, open};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

pub fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cases").join(name)
}

fn expected() -> Map<String, Value> {
    let text = std::fs::read_to_string(case("expected.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// What the file cannot say is asked, and answered here.
fn reading(name: &str, about: &Value) -> Reading {
    Reading {
        top_k: (name == "ffn_moe_logits-7.npy").then_some(2),
        sum: about["sum"].as_bool().unwrap_or(false),
        ..Reading::default()
    }
}

#[test]
fn every_sample_opens_or_is_refused_with_its_figures() {
    for (name, about) in expected() {
        let files: Vec<PathBuf> = name.split(" + ").map(case).collect();
        check(&name, &files, &about);
    }
}

fn check(name: &str, files: &[PathBuf], about: &Value) {
    let mut reading = reading(name, about);
    let said = match look(files, &reading) {
        Ok(said) => said,
        Err(e) => {
            assert_eq!(about["opens"], false, "{name} was refused: {e}");
            let why = about["why"].as_str().unwrap();
            for word in why.split(' ').filter(|w| w.bytes().all(|b| b.is_ascii_digit()) || w.contains('.')) {
                assert!(e.contains(word), "{name}: {e} does not name {word}");
            }
            return;
        }
    };
    assert_eq!(about["opens"], true, "{name} opened");
    assert_eq!(said.kind, about["kind"].as_str().unwrap(), "{name}");
    assert_eq!(said.steps, about["steps"].as_u64().or(said.steps), "{name}");
    assert_eq!(said.top_k, about["top_k"].as_u64().or(said.top_k), "{name}");
    for (layer, value) in about["maxvio"].as_object().into_iter().flatten() {
        let found = said.layers.iter().find(|l| l.0 == *layer || (l.0.is_empty() && said.layers.len() == 1));
        let found = found.unwrap_or_else(|| panic!("{name} has no layer {layer}"));
        assert!((found.2 - value.as_f64().unwrap()).abs() < 1e-6, "{name}, layer {layer}: {} for {value}", found.2);
        if let Some(experts) = about["experts"][layer].as_u64() {
            assert_eq!(found.1, experts as usize, "{name}, layer {layer}");
        }
    }
    for warning in about["warns"].as_array().into_iter().flatten() {
        let warning = warning.as_str().unwrap();
        assert!(said.warnings.contains(&warning), "{name} must warn of {warning}: {:?}", said.warnings);
    }
    let wanted = about["warns"].as_array().map_or(0, Vec::len);
    assert_eq!(said.warnings.len(), wanted, "{name} warns of {:?}", said.warnings);
    if let Some(figure) = about["without_identical_rows"].as_f64() {
        reading.leave_out.push(LeaveOut::Identical);
        let said = look(files, &reading).unwrap();
        assert!((said.layers[0].2 - figure).abs() < 1e-6 && said.warnings.is_empty(), "{name}: {}", said.layers[0].2);
    }
}

struct Said {
    kind: &'static str,
    steps: Option<u64>,
    top_k: Option<u64>,
    /// Name, experts, MaxVio.
    layers: Vec<(String, usize, f64)>,
    warnings: Vec<&'static str>,
}

fn look(files: &[PathBuf], reading: &Reading) -> Result<Said, String> {
    let say = |e: moebias_recordings::ReadError| e.to_string();
    let recording = open(files, reading).map_err(say)?;
    let mut warnings: Vec<&'static str> = recording.odd_file().iter().map(|o| o.sign.name()).collect();
    let (mut layers, mut steps) = (vec![], None);
    for layer in &recording.layers {
        let facts = recording.facts(layer).map_err(say)?;
        warnings.extend(recording.odd(layer, &facts, reading).iter().map(|o| o.sign.name()));
        let figures = recording.figures(layer, &facts, reading).map_err(say)?;
        steps = Some(figures.steps as u64);
        layers.push((layer.name.clone(), layer.experts, figures.maxvio));
        if recording.kind.name() != "loads" {
            let watched = recording.watch(layer, &facts, reading).map_err(say)?;
            let all = layer.tokens();
            let shown = watched.trace.steps * watched.trace.tokens;
            assert_eq!(shown + watched.left_out + watched.not_shown, all, "{files:?}");
        }
    }
    warnings.dedup();
    Ok(Said { kind: recording.kind.name(), steps, top_k: recording.top_k(reading).map(u64::from), layers, warnings })
}
