//! Router scores recorded from a real model: safetensors with the logits before the gate.
//!
//! | tensor | shape | type | meaning |
//! |---|---|---|---|
//! | `logits` | [steps, tokens, experts] | F16, BF16, F32 | router output before the gate, no bias added |
//! | `token_ids` | [steps, tokens] | I32, I64 | the input token; optional |
//! | `domain` | [steps, tokens] | U8, I32, I64 | index into the metadata list `domains`; optional |
//! | `bias` | \[experts\] | F16, BF16, F32 | learned selection bias; optional |
//! | `train_step` | \[steps\] | I32, I64 | optimiser steps done before each step; optional |
//!
//! A file with several layers has tensors `logits.NAME` (with `bias.NAME`), of which the scenario's `layer` names one. Metadata values are
//! strings, numbers and lists in JSON: `top_k`, `gate` (`sigmoid`, `softmax` or `sqrtsoftplus`), `domains`, and any others.

use super::error::{FileError, Problem};
use super::paths::builtin;
use super::{Scenario, limits, shipped};
use moebias_disk::door;
use moebias_model::config::{self, Balancer, Experiment, Gate, Router, Rule, Source, TraceSource, Variant};
use moebias_model::fixed::to_q32;
use moebias_model::metrics;
use moebias_model::select::{MAX_K, Selector, expert_of};
use moebias_model::trace::Trace;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// The largest number of values in one layer's logits: 2 GiB as f32.
const MOST_VALUES: usize = 1 << 29;
/// Experts per token if the metadata does not state it.
const DEFAULT_TOP_K: u32 = 6;

/// A trace file that was read.
#[derive(Debug)]
pub struct TraceFile {
    /// The scores, and what is known about each token.
    pub trace: Trace,
    /// What the file states about itself.
    pub info: TraceInfo,
}

/// What a trace file states about itself.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceInfo {
    /// Every tensor, by name.
    pub tensors: Vec<TensorInfo>,
    /// Names of the layers with logits; one empty name if the file has a single unnamed layer.
    pub layers: Vec<String>,
    /// The name of the layer that was read.
    pub layer: String,
    /// Number of batches.
    pub steps: usize,
    /// Number of tokens per batch.
    pub tokens: usize,
    /// Number of experts.
    pub experts: usize,
    /// The number format of the logits.
    pub dtype: String,
    /// Experts per token, if the metadata states it.
    pub top_k: Option<u32>,
    /// The metadata, as written in the file.
    pub metadata: BTreeMap<String, String>,
    /// The learned bias of the layer that was read, one per expert, in score units.
    pub bias: Option<Vec<f64>>,
    /// Number of optimiser steps done before each step of the trace.
    pub train_step: Option<Vec<i64>>,
}

/// One tensor of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// Its name.
    pub name: String,
    /// Its number format.
    pub dtype: String,
    /// Its shape.
    pub shape: Vec<usize>,
}

/// How balanced the recorded tokens are without updates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Balance {
    /// The mean of MaxVio_batch over the steps.
    pub max_vio_mean: f64,
    /// MaxVio of the loads summed over all steps.
    pub max_vio_all: f64,
}

/// How balanced a trace is as recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecordedBalance {
    /// With bias 0.
    pub unbiased: Balance,
    /// With the learned bias, if the file has one.
    pub learned: Option<Balance>,
}

/// Reads a trace file, or a trace that ships with Moebias. `layer` selects one of several layers; without it, the first is read.
///
/// # Errors
/// See [`FileError`].
pub fn read(path: &Path, layer: Option<&str>) -> Result<TraceFile, FileError> {
    let name = path.display().to_string();
    match builtin(path).and_then(|id| shipped::traces().iter().find(|t| t.id == id)) {
        Some(shipped) => parse(shipped.bytes, &name, layer),
        None => read_named(path, &name, layer),
    }
}

/// The scores of a shipped trace, decoded only once.
pub(super) fn of_shipped(id: &str) -> Option<Arc<Trace>> {
    static DECODED: [OnceLock<Option<Arc<Trace>>>; 2] = [const { OnceLock::new() }; 2];
    let at = shipped::traces().iter().position(|t| t.id == id)?;
    let (file, decoded) = (&shipped::traces()[at], DECODED.get(at)?);
    let decode = || match parse(file.bytes, file.id, None) {
        Ok(file) => Some(Arc::new(file.trace)),
        Err(e) => {
            log::error!("a shipped trace can't be read: {e}");
            None
        }
    };
    decoded.get_or_init(decode).clone()
}

/// As [`read()`]; `name` is the name of the file in messages.
pub(super) fn read_named(path: &Path, name: &str, layer: Option<&str>) -> Result<TraceFile, FileError> {
    parse(&door::bytes(path, limits::TRACE).map_err(|e| FileError::refused(name, e))?, name, layer)
}

/// Reads a trace from bytes; `name` is the name of the file in messages.
///
/// # Errors
/// See [`FileError`].
pub fn parse(bytes: &[u8], name: &str, layer: Option<&str>) -> Result<TraceFile, FileError> {
    parse_bytes(bytes, layer).map_err(|problem| FileError::new(name, problem))
}

impl From<String> for Problem {
    fn from(text: String) -> Self {
        Self::Trace(text)
    }
}

fn parse_bytes(bytes: &[u8], layer: Option<&str>) -> Result<TraceFile, Problem> {
    let file = SafeTensors::deserialize(bytes).map_err(|e| not_safetensors(bytes, &e))?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| not_safetensors(bytes, &e))?;
    let metadata: BTreeMap<String, String> = header.metadata().clone().unwrap_or_default().into_iter().collect();
    let mut tensors: Vec<TensorInfo> = file
        .iter()
        .map(|(name, t)| TensorInfo { name: name.into(), dtype: format!("{:?}", t.dtype()), shape: t.shape().to_vec() })
        .collect();
    tensors.sort_by(|a, b| a.name.cmp(&b.name));

    let layers: Vec<String> = tensors.iter().filter_map(|t| layer_name(&t.name)).map(str::to_owned).collect();
    let Some(first) = layers.first() else {
        let names: Vec<&str> = tensors.iter().map(|t| t.name.as_str()).take(20).collect();
        return Err(format!("it has no tensor `logits`, only: {}", names.join(", ")).into());
    };
    // A file with a single unnamed layer may state the name of the layer in its metadata.
    let is =
        |l: &String, wanted: &str| l == wanted || (l.is_empty() && metadata.get("layer").is_some_and(|m| m == wanted));
    let layer = match layer {
        None => first,
        Some(wanted) => layers.iter().find(|l| is(l, wanted)).ok_or_else(|| {
            Problem::Layer(format!("it has no layer “{wanted}”, only: {}", layer_list(&layers, &metadata)))
        })?,
    };
    let of_layer = |name: &str| if layer.is_empty() { name.to_owned() } else { format!("{name}.{layer}") };

    let logits_name = of_layer("logits");
    let view = file.tensor(&logits_name).map_err(|e| format!("`{logits_name}` can't be read: {e}"))?;
    let &[steps, tokens, experts] = view.shape() else {
        return Err(
            format!("`{logits_name}` has shape {:?}, but must be [steps, tokens, experts]", view.shape()).into()
        );
    };
    check_size(&logits_name, steps, tokens, experts)?;
    let logits = floats(&view, &logits_name)?;
    if let Some(i) = logits.iter().position(|x| !x.is_finite()) {
        let at = [i / (tokens * experts), i / experts % tokens, i % experts];
        return Err(format!("`{logits_name}`{at:?} is {}, but every logit must be a finite number", logits[i]).into());
    }

    let dtype = format!("{:?}", view.dtype());
    let mut trace = Trace::new(steps, tokens, experts, logits);
    if let Ok(view) = file.tensor("token_ids") {
        check_shape(&view, "token_ids", &[steps, tokens])?;
        let ids = integers(&view, "token_ids", 0, i64::from(i32::MAX))?;
        trace.token_ids = ids.into_iter().map(|i| i as i32).collect();
    }
    if let Ok(view) = file.tensor("domain") {
        check_shape(&view, "domain", &[steps, tokens])?;
        let groups = integers(&view, "domain", 0, config::limits::TOPICS.max as i64 - 1)?;
        trace.groups = groups.into_iter().map(|g| g as u32).collect();
        trace.group_names = group_names(&metadata, &trace.groups);
    }
    let bias: Option<Vec<f64>> = optional(&file, &[of_layer("bias"), "bias".into()], |view, name| {
        check_shape(view, name, &[experts])?;
        let values = floats(view, name)?;
        // The same bounds as for a start state.
        match values.iter().find(|b| b.is_nan() || b.abs() > 1_048_576.0) {
            Some(b) => Err(format!("`{name}` holds {b}, but a bias must be from -1048576 to 1048576")),
            None => Ok(values.into_iter().map(f64::from).collect()),
        }
    })?;
    trace.learned_bias = bias.clone().unwrap_or_default();
    let train_step = optional(&file, &["train_step".into()], |view, name| {
        check_shape(view, name, &[steps])?;
        integers(view, name, 0, i64::MAX)
    })?;
    let top_k = metadata.get("top_k").map(|text| top_k(text, experts)).transpose()?;
    let info = TraceInfo {
        tensors,
        layer: layer.clone(),
        layers,
        steps,
        tokens,
        experts,
        dtype,
        top_k,
        metadata,
        bias,
        train_step,
    };
    Ok(TraceFile { trace, info })
}

/// The layer whose logits a tensor holds: `""` for `logits`, `NAME` for `logits.NAME`, `None` for other tensors.
fn layer_name(tensor: &str) -> Option<&str> {
    let rest = tensor.strip_prefix("logits")?;
    if rest.is_empty() { Some("") } else { rest.strip_prefix('.').filter(|name| !name.is_empty()) }
}

fn layer_list(layers: &[String], metadata: &BTreeMap<String, String>) -> String {
    let name = |l: &String| match l.as_str() {
        "" => metadata.get("layer").map_or("one without a name".into(), |m| format!("{m:?}")),
        l => format!("{l:?}"),
    };
    layers.iter().take(40).map(name).collect::<Vec<_>>().join(", ")
}

fn not_safetensors(bytes: &[u8], error: &safetensors::SafeTensorError) -> String {
    use safetensors::SafeTensorError as E;
    match error {
        E::HeaderTooSmall => format!("it is not a safetensors file: {} bytes are too few", bytes.len()),
        E::HeaderTooLarge | E::InvalidHeaderLength => {
            "it is not a whole safetensors file: its header is longer than the file".into()
        }
        E::MetadataIncompleteBuffer => {
            format!(
                "it is not a whole safetensors file: its header describes more or less data than its {} bytes",
                bytes.len()
            )
        }
        other => format!("it is not a safetensors file: {other}"),
    }
}

fn check_size(name: &str, steps: usize, tokens: usize, experts: usize) -> Result<(), String> {
    let range = |what: &str, value: usize, least: f64, most: f64| {
        if (value as f64) < least || value as f64 > most {
            return Err(format!("`{name}` has {value} {what}, but must have from {least} to {most}"));
        }
        Ok(())
    };
    range("steps", steps, 1.0, MOST_VALUES as f64)?;
    range("tokens per step", tokens, 1.0, config::limits::BATCH.max)?;
    range("experts", experts, config::limits::EXPERTS.min, config::limits::EXPERTS.max)?;
    match steps.checked_mul(tokens).and_then(|n| n.checked_mul(experts)) {
        Some(n) if n <= MOST_VALUES => Ok(()),
        _ => {
            Err(format!("`{name}` has shape [{steps}, {tokens}, {experts}], but may hold at most {MOST_VALUES} values"))
        }
    }
}

fn check_shape(view: &TensorView<'_>, name: &str, wanted: &[usize]) -> Result<(), String> {
    if view.shape() == wanted {
        return Ok(());
    }
    Err(format!("`{name}` has shape {:?}, but must be {wanted:?} to fit the logits", view.shape()))
}

fn optional<T>(
    file: &SafeTensors<'_>,
    names: &[String],
    read: impl Fn(&TensorView<'_>, &str) -> Result<T, String>,
) -> Result<Option<T>, String> {
    let found = names.iter().find_map(|name| Some((name, file.tensor(name).ok()?)));
    found.map(|(name, view)| read(&view, name)).transpose()
}

fn floats(view: &TensorView<'_>, name: &str) -> Result<Vec<f32>, String> {
    let bytes = view.data();
    Ok(match view.dtype() {
        Dtype::F16 => values(bytes, |b| half::f16::from_le_bytes(b).to_f32()),
        Dtype::BF16 => values(bytes, |b| half::bf16::from_le_bytes(b).to_f32()),
        Dtype::F32 => values(bytes, f32::from_le_bytes),
        other => return Err(format!("`{name}` holds {other:?}, but must hold F16, BF16 or F32")),
    })
}

fn integers(view: &TensorView<'_>, name: &str, least: i64, most: i64) -> Result<Vec<i64>, String> {
    let bytes = view.data();
    let all = match view.dtype() {
        Dtype::U8 => values(bytes, |b: [u8; 1]| i64::from(b[0])),
        Dtype::I32 => values(bytes, |b| i64::from(i32::from_le_bytes(b))),
        Dtype::I64 => values(bytes, i64::from_le_bytes),
        other => return Err(format!("`{name}` holds {other:?}, but must hold U8, I32 or I64")),
    };
    match all.iter().find(|x| !(least..=most).contains(x)) {
        Some(x) => Err(format!("`{name}` holds {x}, but must hold numbers from {least} to {most}")),
        None => Ok(all),
    }
}

fn values<const N: usize, T>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|&b| read(b)).collect()
}

fn group_names(metadata: &BTreeMap<String, String>, groups: &[u32]) -> Vec<String> {
    let mut names: Vec<String> =
        metadata.get("domains").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let count = groups.iter().max().map_or(0, |&g| g as usize + 1);
    names.truncate(config::limits::TOPICS.max as usize);
    (names.len()..count).for_each(|i| names.push(format!("group {i}")));
    names
}

fn top_k(text: &str, experts: usize) -> Result<u32, String> {
    let most = config::limits::TOP_K.max_u32().min(experts as u32);
    match text.trim().parse() {
        Ok(k) if (1..=most).contains(&k) => Ok(k),
        _ => Err(format!("its metadata say top_k is {:?}, but must be from 1 to {most}", shortened(text))),
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}

impl TraceInfo {
    /// The gate that the metadata states; sigmoid if it states none.
    ///
    /// # Errors
    /// The metadata states a gate that Moebias does not have.
    pub fn gate(&self) -> Result<Gate, String> {
        match self.metadata.get("gate").map(|g| g.trim().to_ascii_lowercase()).as_deref() {
            None | Some("" | "sigmoid") => Ok(Gate::Sigmoid),
            Some("softmax") => Ok(Gate::Softmax),
            Some("sqrtsoftplus") => Ok(Gate::SqrtSoftplus),
            Some(other) => Err(format!(
                "its metadata say the gate is {:?}, but must be sigmoid, softmax or sqrtsoftplus",
                shortened(other)
            )),
        }
    }

    /// The router that the metadata describes.
    ///
    /// # Errors
    /// As [`Self::gate`].
    pub fn router(&self) -> Result<Router, String> {
        let experts = self.experts as u32;
        let top_k = self.top_k.unwrap_or(DEFAULT_TOP_K.min(experts));
        Ok(Router { experts, top_k, gate: self.gate()?, ..Router::default() })
    }
}

impl TraceFile {
    /// A scenario that routes this trace with the router of its metadata and the sign rule. `name` is the path of the file.
    ///
    /// # Errors
    /// The metadata describes a router that Moebias does not have.
    pub fn scenario(&self, name: &str) -> Result<Scenario, FileError> {
        let router = self.info.router().map_err(|text| FileError::new(name, Problem::Trace(text)))?;
        let layer = Some(self.info.layer.clone()).filter(|l| !l.is_empty());
        let title = Path::new(name).file_stem().map_or("Trace".into(), |s| s.to_string_lossy().into_owned());
        let variant =
            Variant { name: Default::default(), router, balancer: Balancer::default(), learning: Default::default() };
        let source = Source::Trace(TraceSource { file: name.into(), layer, reading: Default::default() });
        let experiment = Experiment { seed: 0, source, variants: vec![variant] };
        Ok(Scenario {
            summary: format!("{} steps of {} recorded tokens", self.info.steps, self.info.tokens),
            ..Scenario::from_experiment(&title, experiment)
        })
    }

    /// MaxVio as recorded: routes every step once, without updates.
    ///
    /// # Errors
    /// As [`TraceInfo::gate`].
    pub fn balance(&self) -> Result<RecordedBalance, String> {
        let router = self.info.router()?;
        let scores = self.trace.scores(router.gate);
        let with = |selector: &Selector| {
            let k = router.top_k as usize;
            let mut top = [0; MAX_K];
            let mut all = vec![0u64; self.trace.experts];
            let mut sum = 0.0;
            for step in scores.chunks_exact(self.trace.tokens * self.trace.experts) {
                let mut loads = vec![0u64; self.trace.experts];
                for token in step.chunks_exact(self.trace.experts) {
                    selector.top_k(token, k, &mut top);
                    top[..k].iter().for_each(|&key| loads[expert_of(key)] += 1);
                }
                sum += metrics::max_vio(&loads);
                all.iter_mut().zip(&loads).for_each(|(a, l)| *a += l);
            }
            Balance { max_vio_mean: sum / self.trace.steps as f64, max_vio_all: metrics::max_vio(&all) }
        };
        let learned = self.info.bias.as_ref().map(|bias| {
            let bias: Vec<i64> = bias.iter().map(|&b| to_q32(b)).collect();
            with(&Selector::new(Rule::Sign, &bias))
        });
        Ok(RecordedBalance { unbiased: with(&Selector::unbiased(self.trace.experts)), learned })
    }
}
