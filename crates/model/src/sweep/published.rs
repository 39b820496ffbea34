//! Values chosen in papers, which are marked on the axes of a sweep.

use super::parameter::Parameter;
use crate::change::Value;
use crate::config::{Gate, Rule, Variant};

/// A value chosen in a paper.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    /// The value.
    pub value: Value,
    /// The choice and its source, in words.
    pub words: &'static str,
}

/// The published values of a parameter for a variant with this rule, gate and number of experts.
#[must_use]
pub fn published(parameter: Parameter, variant: &Variant) -> Vec<Published> {
    let one = |value, words| vec![Published { value, words }];
    let (rule, gate) = (variant.balancer.rule, variant.router.gate);
    match parameter {
        Parameter::Rate => match (rule, gate) {
            (Rule::Sign, Gate::Sigmoid) => one(
                Value::Real(0.001),
                "u = 0.001: Wang et al. 2024 (arXiv 2408.15664); DeepSeek-V3 for 14.3T of its tokens",
            ),
            (Rule::Smebu, Gate::Sigmoid) => one(Value::Real(0.0005), "λ = 0.0005: Trinity Large (arXiv 2602.17004)"),
            _ => vec![],
        },
        Parameter::Momentum if rule == Rule::Smebu => {
            one(Value::Real(0.5), "β = 0.5: Trinity Large (arXiv 2602.17004)")
        }
        Parameter::Steepness if rule == Rule::Smebu => one(Value::Real(2.0), "κ = 2: Trinity Large (arXiv 2602.17004)"),
        Parameter::TopK => match variant.router.experts {
            64 => one(Value::Whole(6), "K = 6 of 64 experts: Wang et al. 2024 (arXiv 2408.15664)"),
            128 => vec![
                Published { value: Value::Whole(8), words: "K = 8 of 128 experts: Qwen3 MoE (Hugging Face config)" },
                Published { value: Value::Whole(6), words: "K = 6 of 128 experts: Nemotron 3 Nano (arXiv 2512.20848)" },
            ],
            256 => vec![
                Published { value: Value::Whole(8), words: "K = 8 of 256 experts: DeepSeek-V3 (report and code)" },
                Published { value: Value::Whole(4), words: "K = 4 of 256 experts: Trinity Large (arXiv 2602.17004)" },
            ],
            384 => one(Value::Whole(8), "K = 8 of 384 experts: Kimi K2 (torchtitan config)"),
            _ => vec![],
        },
        Parameter::Experts => vec![
            Published { value: Value::Whole(64), words: "E = 64: Wang et al. 2024 (arXiv 2408.15664)" },
            Published { value: Value::Whole(256), words: "E = 256: DeepSeek-V3 (report and code)" },
        ],
        Parameter::Rule => one(Value::Rule(Rule::Sign), "rule Sign: Wang et al. 2024 (arXiv 2408.15664)"),
        _ => vec![],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presets::Preset;
    use strum::IntoEnumIterator as _;

    #[test]
    fn what_is_marked_is_what_the_presets_set() {
        for preset in [Preset::DeepSeekV3, Preset::KimiK2, Preset::Qwen3, Preset::TrinityLarge, Preset::Wang1B] {
            let (router, balancer) = preset.settings();
            let (top_k, rate, rule) = (Value::Whole(router.top_k), Value::Real(balancer.rate), balancer.rule);
            let variant = Variant { router, balancer, ..Variant::default() };
            let has = |p, v| published(p, &variant).iter().any(|p| p.value == v);
            assert!(has(Parameter::TopK, top_k), "{}", preset.name());
            assert!(rule == Rule::None || has(Parameter::Rate, rate), "{}", preset.name());
        }
        for parameter in Parameter::iter() {
            for p in published(parameter, &Variant::default()) {
                assert_eq!(parameter.read(&p.value.to_string()), Ok(p.value));
            }
        }
    }
}
