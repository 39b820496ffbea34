//! Logs of selections: JSON lines in which a serving engine recorded the experts of each token. They have no scores, so they can be
//! displayed and measured, but not routed again.
//!
//! A line is an object with `layer`, `token_idx`, `topk_ids` and optionally `topk_weights`; other fields are ignored. A line
//! with a `type` and without `topk_ids` is metadata (`num_experts`, `top_k`, `model_id` …).

use super::error::{FileError, Problem};
use super::locate::Place;
use super::{Loaded, Scenario, limits, paths};
use moebias_disk::door;
use moebias_model::trace::Trace;
use moebias_model::{config, metrics};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The largest length of a line, in bytes.
const LINE_BYTES: u64 = 1 << 20;
/// Number of characters of a faulty line that a message quotes.
const QUOTE: usize = 160;

/// A log of selections.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selections {
    /// The fields of the metadata lines, as text.
    pub metadata: BTreeMap<String, String>,
    /// One entry per layer, by rising number.
    pub layers: Vec<LayerSelections>,
    /// The file it was read from, if it was read from one.
    pub path: Option<PathBuf>,
}

/// The selections of one layer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LayerSelections {
    /// The number of the layer.
    pub layer: i64,
    /// Number of experts: what the metadata states, but at least the largest index seen plus one.
    pub experts: u32,
    /// Number of experts per token.
    pub top_k: u32,
    /// Number of tokens.
    pub tokens: usize,
    /// The chosen experts, \[tokens, top_k\].
    pub ids: Vec<u16>,
    /// Number of tokens of each expert.
    pub loads: Vec<u64>,
    /// MaxVio of these loads.
    pub max_vio: f64,
}

/// Number of tokens of a log that are displayed as one step.
const TOKENS_PER_STEP: usize = 512;
/// The largest number of scores of a log that is displayed, 256 MiB. Every token gets one score per expert, so a few megabytes of text could
/// otherwise become gigabytes.
const MOST_SCORES: usize = 1 << 26;

/// For a log with this many tokens and experts: how many steps are displayed, and how many tokens each has.
fn watched(tokens: usize, experts: usize) -> (usize, usize) {
    let most = MOST_SCORES / experts.max(1);
    // If not all tokens can be shown, whole steps of the usual size are.
    let shown = if tokens > most { most / TOKENS_PER_STEP * TOKENS_PER_STEP } else { tokens };
    let steps = shown.div_ceil(TOKENS_PER_STEP).max(1);
    (steps, shown / steps)
}

impl Selections {
    /// As [`Self::watchable`], for the layer with this number.
    ///
    /// # Errors
    /// As [`Self::watchable`], or there is no such layer.
    pub fn watchable_layer(&self, layer: Option<&str>) -> Result<Loaded, FileError> {
        let Some(name) = layer else { return self.watchable() };
        let layers = self.layers.iter().filter(|l| l.layer.to_string() == name).cloned().collect();
        Self { layers, ..self.clone() }.watchable()
    }

    /// The first layer as an experiment that replays its selections, about 512 tokens per step, without a balancer. Tokens at the end that
    /// do not fill a step are left out; of a log too long for memory only the beginning is shown.
    ///
    /// # Errors
    /// The router exceeds Moebias's limits.
    pub fn watchable(&self) -> Result<Loaded, FileError> {
        let name = "log of selections";
        let wrong = |text: String| FileError::new(name, Problem::Trace(text));
        let layer = self.layers.first().ok_or_else(|| wrong("it holds no selections".into()))?;
        let (steps, tokens) = watched(layer.tokens, layer.experts as usize);
        let of = if layer.tokens >= (steps + 1) * tokens {
            format!("the first {} of {}", steps * tokens, layer.tokens)
        } else {
            layer.tokens.to_string()
        };
        let trace = Trace::of_selections(steps, tokens, layer.experts as usize, layer.top_k, &layer.ids);
        let router = config::Router { experts: layer.experts, top_k: layer.top_k, ..config::Router::default() };
        let balancer = config::Balancer { rule: config::Rule::None, ..Default::default() };
        let model = self.metadata.get("model_id").cloned().unwrap_or_else(|| "Recorded selections".into());
        let variant = config::Variant {
            name: format!("Layer {}", layer.layer).into(),
            router,
            balancer,
            learning: Default::default(),
        };
        let file = self.path.as_ref().map_or_else(|| name.to_owned(), |p| p.to_string_lossy().into_owned());
        let mut source = config::Source::Trace(config::TraceSource {
            file,
            layer: Some(layer.layer.to_string()),
            reading: Default::default(),
        });
        paths::resolve(&mut source, Path::new(""));
        let experiment = config::Experiment { seed: 0, source, variants: vec![variant] };
        experiment.validate().map_err(|e| wrong(e.to_string()))?;
        let scenario = Scenario {
            summary: format!("{of} recorded tokens, layer {}", layer.layer),
            look_for: "Only the chosen experts were recorded, no scores, so nothing here can be routed again.".into(),
            stop: Some(steps as u64),
            ..Scenario::from_experiment(&model, experiment)
        };
        Ok(Loaded { scenario, trace: Some(Arc::new(trace)), path: self.path.clone() })
    }
}

/// Reads a log.
///
/// # Errors
/// See [`FileError`]; the error names the line.
pub fn read(path: &Path) -> Result<Selections, FileError> {
    let name = path.display().to_string();
    let file = door::open(path, limits::LOG).map_err(|e| FileError::refused(&name, e))?;
    // The limit also holds for a file that grows while it is read.
    let file = file.take(limits::LOG.most);
    let log = read_from(&mut BufReader::new(file), &name)?;
    Ok(Selections { path: Some(path.to_owned()), ..log })
}

/// Reads a log from any reader; `name` is its name in messages.
///
/// # Errors
/// See [`FileError`]; the error names the line.
pub fn read_from(input: &mut dyn BufRead, name: &str) -> Result<Selections, FileError> {
    let mut layers: BTreeMap<i64, LayerSelections> = BTreeMap::new();
    let mut metadata = BTreeMap::new();
    let mut line = vec![];
    for number in 1.. {
        line.clear();
        let got =
            input.take(LINE_BYTES).read_until(b'\n', &mut line).map_err(|e| FileError::refused(name, e.into()))?;
        if got == 0 {
            break;
        }
        take_line(&line, &mut layers, &mut metadata).map_err(|(column, text)| {
            // If the column is unknown, use that of the field which the message names.
            let field = text.split('`').nth(1).map(|name| format!("\"{name}\""));
            let found = field.and_then(|f| String::from_utf8_lossy(&line).find(&f));
            let column = if column == 0 { found.map_or(1, |at| at + 1) } else { column };
            let quote: String = String::from_utf8_lossy(&line).trim_end().chars().take(QUOTE).collect();
            let place = Some(Box::new(Place { line: number, column, quote }));
            FileError { place, ..FileError::new(name, Problem::Trace(text)) }
        })?;
    }
    if layers.is_empty() {
        return Err(FileError::new(name, Problem::Trace("it holds no line with `topk_ids`".into())));
    }
    let said: Option<u32> = metadata.get("num_experts").and_then(|n| n.parse().ok());
    let mut layers: Vec<LayerSelections> = layers.into_values().collect();
    for layer in &mut layers {
        // Without metadata, experts beyond the largest index seen are unknown.
        layer.experts = said.unwrap_or(0).min(config::limits::EXPERTS.max_u32()).max(layer.loads.len() as u32);
        layer.loads.resize(layer.experts as usize, 0);
        layer.max_vio = metrics::max_vio(&layer.loads);
    }
    Ok(Selections { metadata, layers, path: None })
}

/// Parses one line and adds it to its layer or to the metadata. An error carries a column, or 0 if it is unknown.
fn take_line(
    line: &[u8],
    layers: &mut BTreeMap<i64, LayerSelections>,
    metadata: &mut BTreeMap<String, String>,
) -> Result<(), (usize, String)> {
    if line.len() as u64 >= LINE_BYTES {
        return Err((0, format!("the line is longer than {LINE_BYTES} bytes")));
    }
    if line.trim_ascii().is_empty() {
        return Ok(());
    }
    let object: Map<String, Value> = serde_json::from_slice(line.trim_ascii_end()).map_err(|e| {
        let said = e.to_string();
        let said = said.split(" at line ").next().unwrap_or(&said).to_owned();
        (e.column().max(1), format!("it is not a JSON object: {said}"))
    })?;
    let plain = |e: String| (0, e);
    let Some(ids) = object.get("topk_ids") else {
        if !object.contains_key("type") {
            return Err((0, "it has neither `topk_ids` nor a `type`".into()));
        }
        for (key, value) in object.iter().take(100) {
            metadata.insert(key.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
        return Ok(());
    };
    let ids = experts(ids).map_err(plain)?;
    let number = match object.get("layer") {
        None => 0,
        Some(value) => {
            value.as_i64().ok_or_else(|| plain(format!("`layer` is {}, but must be a whole number", short(value))))?
        }
    };
    weights(object.get("topk_weights"), ids.len()).map_err(plain)?;
    if layers.len() >= 4096 && !layers.contains_key(&number) {
        return Err((0, "it has more than 4096 layers".into()));
    }
    let layer = layers.entry(number).or_insert_with(|| LayerSelections {
        layer: number,
        top_k: ids.len() as u32,
        ..LayerSelections::default()
    });
    if layer.top_k as usize != ids.len() {
        let allowed = layer.top_k;
        return Err((
            0,
            format!("`topk_ids` has {} experts, but must have {allowed} as before in layer {number}", ids.len()),
        ));
    }
    for &id in &ids {
        if layer.loads.len() <= usize::from(id) {
            layer.loads.resize(usize::from(id) + 1, 0);
        }
        layer.loads[usize::from(id)] += 1;
    }
    layer.ids.extend(ids);
    layer.tokens += 1;
    Ok(())
}

fn experts(value: &Value) -> Result<Vec<u16>, String> {
    let most = config::limits::EXPERTS.max_u32() as u64;
    let list = value.as_array().ok_or_else(|| format!("`topk_ids` is {}, but must be a list", short(value)))?;
    if list.is_empty() || list.len() > config::limits::TOP_K.max_u32() as usize {
        let allowed = config::limits::TOP_K.max;
        return Err(format!("`topk_ids` has {} experts, but must have from 1 to {allowed}", list.len()));
    }
    let mut ids: Vec<u16> = Vec::with_capacity(list.len());
    for id in list {
        let known = id.as_u64().filter(|&i| i < most).and_then(|i| u16::try_from(i).ok());
        let Some(id) = known else {
            return Err(format!("`topk_ids` holds {}, but must hold experts from 0 to {}", short(id), most - 1));
        };
        if ids.contains(&id) {
            return Err(format!("`topk_ids` holds expert {id} twice"));
        }
        ids.push(id);
    }
    Ok(ids)
}

fn weights(value: Option<&Value>, count: usize) -> Result<(), String> {
    let Some(value) = value.filter(|v| !v.is_null()) else { return Ok(()) };
    let list = value.as_array().ok_or_else(|| format!("`topk_weights` is {}, but must be a list", short(value)))?;
    if list.len() != count {
        let has = if list.len() == 1 { "1 number".into() } else { format!("{} numbers", list.len()) };
        return Err(format!("`topk_weights` has {has}, but must have {count}, one per expert"));
    }
    match list.iter().find(|w| !w.is_number()) {
        Some(w) => Err(format!("`topk_weights` holds {}, but must hold numbers", short(w))),
        None => Ok(()),
    }
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_is_watched_takes_a_bounded_memory() {
        assert_eq!(watched(5000, 64), (10, 500));
        assert_eq!(watched(1, 1024), (1, 1));
        // Such logs come from a few megabytes of short lines.
        for tokens in [250_000, 5_000_000, usize::MAX / 4096] {
            let (steps, each) = watched(tokens, 1024);
            assert!(
                steps * each * 1024 <= MOST_SCORES && steps * each * 1024 > MOST_SCORES / 2 && each == TOKENS_PER_STEP
            );
        }
    }
}
