//! What metadata state about a router, under the names that model configurations and recorders use.

use moebias_model::settings::Gate;
use serde_json::Value;
use std::collections::BTreeMap;

/// What metadata state about a router.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Meta {
    /// Experts per token.
    pub top_k: Option<u32>,
    /// The number of routed experts.
    pub experts: Option<u32>,
    /// The gate of the router.
    pub gate: Option<Gate>,
    /// Groups of experts, and how many of them a token may use.
    pub groups: Option<(u32, u32)>,
    /// Whether the weights of the chosen experts are divided by their sum.
    pub normalised: Option<bool>,
    /// The factor of the weights of the chosen experts.
    pub scaling: Option<f64>,
    /// Experts that every token uses besides the chosen ones.
    pub shared: Option<u32>,
    /// The name of the model.
    pub model: Option<String>,
    /// The layer, if the file has a single one and names it.
    pub layer: Option<String>,
    /// Tokens per step.
    pub step: Option<u32>,
    /// Sentences about entries that Moebias does not understand.
    pub unread: Vec<String>,
}

/// Names of the number of experts per token.
const TOP_K: &[&str] = &[
    "top_k",
    "topk",
    "num_experts_per_tok",
    "num_experts_per_token",
    "moe_top_k",
    "moe_router_topk",
    "router_top_k",
    "experts_per_token",
    "n_experts_per_token",
    "expert_used_count",
    "moe_topk",
];
/// Names of the number of experts.
const EXPERTS: &[&str] = &[
    "num_experts",
    "n_routed_experts",
    "num_local_experts",
    "n_experts",
    "moe_num_experts",
    "num_moe_experts",
    "expert_count",
    "num_logical_experts",
    "num_routed_experts",
];
/// Names of the gate.
const GATE: &[&str] = &[
    "gate",
    "scoring_func",
    "score_func",
    "score_function",
    "moe_router_score_function",
    "router_score_func",
    "gating_function",
    "gating_func",
    "router_activation",
];

impl Meta {
    /// Reads the metadata of a file; values are JSON or plain text.
    #[must_use]
    pub fn of(metadata: &BTreeMap<String, String>) -> Self {
        let mut meta = Self::default();
        for (key, value) in metadata {
            meta.take(key, &serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.clone())));
        }
        meta
    }

    /// Reads one entry; unknown keys are ignored.
    pub fn take(&mut self, key: &str, value: &Value) {
        // "general.expert_count" in GGUF, "text_config.num_experts" in configurations.
        let key = key.rsplit('.').next().unwrap_or(key).to_ascii_lowercase();
        let is = |names: &[&str]| names.contains(&key.as_str());
        let number = || match value {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_u64().and_then(|n| u32::try_from(n).ok()),
        };
        let text = || value.as_str().map(|t| t.chars().take(200).collect::<String>());
        match key.as_str() {
            _ if is(TOP_K) || is(EXPERTS) => match number().filter(|&n| n > 0) {
                Some(n) if is(TOP_K) => self.top_k = Some(n),
                Some(n) => self.experts = Some(n),
                None if value.is_null() => {}
                None => {
                    let shown: String = value.to_string().chars().take(60).collect();
                    self.unread.push(format!("the metadata say that {key} is {shown}, which is no number from 1"));
                }
            },
            _ if is(GATE) => self.take_gate(&text().unwrap_or_default()),
            "n_group" | "num_expert_group" | "moe_router_num_groups" => {
                self.groups = number().map(|n| (n, self.groups.map_or(0, |g| g.1)));
            }
            "topk_group" | "moe_router_group_topk" => {
                self.groups = number().map(|n| (self.groups.map_or(0, |g| g.0), n));
            }
            "norm_topk_prob" | "route_norm" => {
                self.normalised = value.as_bool().or_else(|| text()?.to_ascii_lowercase().parse().ok());
            }
            "routed_scaling_factor" | "moe_router_topk_scaling_factor" | "route_scale" => {
                self.scaling = value.as_f64().or_else(|| text()?.parse().ok());
            }
            "tokens_per_step" => self.step = number().filter(|&n| n > 0),
            "n_shared_experts" | "num_shared_experts" => self.shared = number(),
            "model_id" | "model" | "model_name" | "_name_or_path" | "model_type" if self.model.is_none() => {
                self.model = text().filter(|t| !t.is_empty());
            }
            "layer" | "layer_id" | "layer_idx" => {
                self.layer = text().or_else(|| value.as_i64().map(|n| n.to_string()));
            }
            _ => {}
        }
    }

    fn take_gate(&mut self, text: &str) {
        match text.trim().to_ascii_lowercase().as_str() {
            "" => {}
            "sigmoid" => self.gate = Some(Gate::Sigmoid),
            "softmax" => self.gate = Some(Gate::Softmax),
            "sqrtsoftplus" | "sqrt_softplus" => self.gate = Some(Gate::SqrtSoftplus),
            other => {
                let shown: String = other.chars().take(60).collect();
                self.unread.push(format!("the metadata name the gate “{shown}”, which Moebias does not have"));
            }
        }
    }

    /// Reads every entry of a JSON object, and of the objects in it that describe a text model.
    pub fn take_object(&mut self, object: &serde_json::Map<String, Value>) {
        for (key, value) in object {
            match value {
                Value::Object(inner) if key.ends_with("config") => self.take_object(inner),
                _ => self.take(key, value),
            }
        }
    }

    /// Completes these metadata with those of another source.
    pub fn or(&mut self, other: &Self) {
        fn or<T: Clone>(mine: &mut Option<T>, other: &Option<T>) {
            if mine.is_none() {
                mine.clone_from(other);
            }
        }
        or(&mut self.top_k, &other.top_k);
        or(&mut self.experts, &other.experts);
        or(&mut self.gate, &other.gate);
        or(&mut self.groups, &other.groups);
        or(&mut self.normalised, &other.normalised);
        or(&mut self.scaling, &other.scaling);
        or(&mut self.shared, &other.shared);
        or(&mut self.model, &other.model);
        or(&mut self.step, &other.step);
        self.unread.extend(other.unread.iter().cloned());
    }
}
