//! The meaning of the names of arrays, columns and fields.

use moebias_model::settings::reading::RecordedKind;

/// What an array, a column or a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Router outputs.
    Scores,
    /// Experts that a token chose.
    Selections,
    /// Tokens per expert.
    Loads,
    /// A learned bias.
    Bias,
    /// Token ids.
    TokenIds,
    /// The position of a token.
    Token,
    /// The layer.
    Layer,
    /// The step.
    Step,
    /// The rank of a device.
    Rank,
    /// One expert.
    Expert,
    /// A count of tokens.
    Count,
    /// The domain of a token.
    Domain,
    /// Optimiser steps.
    TrainStep,
    /// 1 for tokens, 0 for padding.
    Mask,
}

impl Role {
    /// The names of this role, in lower case.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Scores => &[
                "logits",
                "router_logits",
                "gate_logits",
                "moe_logits",
                "ffn_moe_logits",
                "gating_logits",
                "routing_logits",
                "gating_output",
                "router_scores",
                "scores",
                "gate_scores",
                "router_probs",
                "router_probabilities",
                "probs",
                "probabilities",
                "gate_output",
                "router_output",
                "ffn_moe_probs",
            ],
            Self::Selections => &[
                "topk_ids",
                "topk_experts",
                "topk_indices",
                "topk_idx",
                "top_indices",
                "top_k_indices",
                "top_k_ids",
                "routed_experts",
                "selected_experts",
                "expert_ids",
                "expert_indices",
                "expert_idxs",
                "experts",
                "topk",
                "indices",
                "ffn_moe_topk",
                "chosen_experts",
            ],
            Self::Loads => &[
                "logical_count",
                "physical_count",
                "global_physical_count",
                "tokens_per_expert",
                "assignment_counts",
                "expert_counts",
                "expert_count",
                "expert_load",
                "expert_loads",
                "load",
                "loads",
                "counts",
                "num_tokens_per_expert",
                "expert_tokens",
                "expert_distribution",
                "weight",
                "expert_frequency",
                "local_tokens_per_expert",
            ],
            Self::Bias => &["bias", "e_score_correction_bias", "expert_bias", "correction_bias", "router_bias"],
            Self::TokenIds => &["token_ids", "token_id", "input_ids", "input_id", "tokens"],
            Self::Token => {
                &["token_idx", "token_index", "token_pos", "token_position", "position", "pos", "token", "token_num"]
            }
            Self::Layer => &[
                "layer",
                "layer_id",
                "layer_idx",
                "layer_index",
                "layer_name",
                "layer_number",
                "moe_layer",
                "module",
                "module_name",
                "block",
            ],
            Self::Step => &[
                "step",
                "steps",
                "iteration",
                "iter",
                "forward_pass_id",
                "forward_pass",
                "global_step",
                "micro_step",
                "batch",
                "batch_idx",
                "batch_id",
            ],
            Self::Rank => &["rank", "ep_rank", "gpu", "device"],
            Self::Expert => &["expert", "expert_id", "expert_idx", "expert_index"],
            Self::Count => &["count", "num_tokens", "tokens", "n_tokens", "token_count", "load", "frequency"],
            Self::Domain => &["domain", "group"],
            Self::TrainStep => &["train_step"],
            Self::Mask => &["attention_mask", "token_mask"],
        }
    }

    /// Whether a field or a column with this name has this role.
    #[must_use]
    pub fn is(self, name: &str) -> bool {
        self.place(name).is_some()
    }

    /// The index of a name among the names of this role; earlier names are more certain.
    #[must_use]
    pub fn place(self, name: &str) -> Option<usize> {
        let name = name.trim();
        self.names().iter().position(|known| name.eq_ignore_ascii_case(known))
    }

    /// The kind of recording for an array with this role.
    #[must_use]
    pub fn kind(self) -> Option<RecordedKind> {
        match self {
            Self::Scores => Some(RecordedKind::Scores),
            Self::Selections => Some(RecordedKind::Selections),
            Self::Loads => Some(RecordedKind::Loads),
            _ => None,
        }
    }

    /// The role of an array by its name, which may contain a layer: `router_logits.3`, `model.layers.3.mlp.gate.e_score_correction_bias`.
    #[must_use]
    pub fn of_array(name: &str) -> Option<Self> {
        const ARRAYS: [Role; 8] = [
            Role::Scores,
            Role::Selections,
            Role::Loads,
            Role::TokenIds,
            Role::Domain,
            Role::TrainStep,
            Role::Bias,
            Role::Mask,
        ];
        // Each part between dots, from the last to the first, without a number at its end.
        let name = name.to_ascii_lowercase();
        let parts = name
            .rsplit(['.', '/'])
            .map(|p| p.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches(['-', '_']));
        let whole = |part: &str| ARRAYS.into_iter().find(|role| role.names().contains(&part));
        // A long name surrounded by other words: `layer_3_router_logits`, `routed_experts_rank0`.
        let within = |part: &str| {
            let part = format!("_{part}_");
            let found = |role: &Role| role.names().iter().any(|n| n.len() > 6 && part.contains(&format!("_{n}_")));
            ARRAYS.into_iter().find(found)
        };
        parts.clone().find_map(whole).or_else(|| parts.clone().find_map(within))
    }
}

/// The layer in a name such as `router_logits.3`, `ffn_moe_logits-7` or `model.layers.3.mlp`: the number after a word for layer, or else
/// the last number. `None` for a name without a number.
#[must_use]
pub fn layer_of(name: &str) -> Option<String> {
    const OTHERS: [&str; 12] =
        ["rank", "step", "iter", "iteration", "epoch", "seed", "run", "batch", "part", "shard", "ep", "dp"];
    const WORDS: [&str; 7] = ["layers", "layer", "blk", "blocks", "block", "h", "l"];
    let parts: Vec<&str> = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|p| !p.is_empty()).collect();
    let number = |p: &str| (!p.is_empty() && p.len() <= 9 && p.bytes().all(|b| b.is_ascii_digit())).then(|| plain(p));
    let after =
        parts.windows(2).find(|w| WORDS.contains(&w[0].to_ascii_lowercase().as_str())).and_then(|w| number(w[1]));
    let joined = || {
        parts.iter().find_map(|p| {
            let lower = p.to_ascii_lowercase();
            WORDS.iter().take(5).find_map(|w| number(lower.strip_prefix(w)?))
        })
    };
    // Numbers after these words are not numbers of layers.
    let other = |at: usize| at > 0 && OTHERS.contains(&parts[at - 1].to_ascii_lowercase().as_str());
    let last = || (0..parts.len()).rev().filter(|&at| !other(at)).find_map(|at| number(parts[at]));
    after.or_else(joined).or_else(last)
}

/// The name of a layer from the text of a field: the number in a module's name, otherwise the text itself.
#[must_use]
pub fn layer_from_text(text: &str) -> String {
    let text = text.trim();
    layer_of(text).unwrap_or_else(|| text.chars().take(80).collect())
}

fn plain(digits: &str) -> String {
    let short = digits.trim_start_matches('0');
    if short.is_empty() { "0".into() } else { short.into() }
}

/// A key that sorts names of layers by number if they are numbers.
#[must_use]
pub fn order(name: &str) -> (u64, String) {
    (name.parse().unwrap_or(u64::MAX), name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_layers_and_roles() {
        for (name, layer, role) in [
            ("logits", None, Some(Role::Scores)),
            ("router_logits.12", Some("12"), Some(Role::Scores)),
            ("ffn_moe_logits-7", Some("7"), Some(Role::Scores)),
            ("model.layers.3.mlp.gate.e_score_correction_bias", Some("3"), Some(Role::Bias)),
            ("blk.03.ffn_gate_exps.weight.counts", Some("3"), Some(Role::Loads)),
            ("layer_11/topk_ids", Some("11"), Some(Role::Selections)),
            ("layer5.router_logits", Some("5"), Some(Role::Scores)),
            ("logical_count", None, Some(Role::Loads)),
            ("hidden_states", None, None),
            ("layer_3_router_logits", Some("3"), Some(Role::Scores)),
            ("routed_experts_rank0", None, Some(Role::Selections)),
            ("routed_experts_rank_4", None, Some(Role::Selections)),
            ("lm_head_logits", None, None),
        ] {
            assert_eq!((layer_of(name).as_deref(), Role::of_array(name)), (layer, role), "{name}");
        }
    }
}
