//! The routers and balancers of published models, by name, with the source of each number.
//!
//! The facts of a model also list what this laboratory's router has no setting for ([`Use::Told`]). Where no source establishes a number,
//! the fact says so and names the stand-in ([`Use::StandIn`]).

use crate::settings::{Balancer, Gate, Groups, Router, Rule};
use crate::terms::number;
use serde::{Deserialize, Serialize};
use strum::EnumIter;

/// A published model.
///
/// ```
/// use moebias_model::config::{Rule, Variant};
/// use moebias_model::presets::Preset;
///
/// let (router, balancer) = Preset::DeepSeekV3.settings();
/// assert_eq!((router.experts, router.top_k, balancer.rule), (256, 8, Rule::Sign));
/// let variant = Variant { router, balancer, ..Variant::default() };
/// // Where each number comes from, and which ones are stand-ins.
/// assert!(Preset::DeepSeekV3.facts().iter().all(|fact| !fact.source.is_empty()));
/// # let _ = variant;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, EnumIter)]
pub enum Preset {
    /// DeepSeek-V3.
    DeepSeekV3,
    /// Kimi K2.
    KimiK2,
    /// Qwen3 MoE.
    Qwen3,
    /// Trinity Large.
    TrinityLarge,
    /// LongCat-Flash.
    LongCatFlash,
    /// Nemotron 3 Nano.
    Nemotron3Nano,
    /// The 1B model of Wang et al. 2024.
    Wang1B,
    /// The 3B model of Wang et al. 2024.
    Wang3B,
}

/// What the preset does with a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// The preset sets it.
    Set,
    /// No source establishes it: the preset sets a stand-in.
    StandIn,
    /// Stated for information only: the preset sets nothing from it.
    Told,
}

/// One fact about a model, or one that is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What the fact is about.
    pub what: &'static str,
    /// Its value; in words for what a number cannot say.
    pub value: &'static str,
    /// Where the value was read, or how certain it is.
    pub source: &'static str,
    /// What the preset does with it.
    pub used: Use,
}

const fn set(what: &'static str, value: &'static str, source: &'static str) -> Fact {
    Fact { what, value, source, used: Use::Set }
}

const fn told(what: &'static str, value: &'static str, source: &'static str) -> Fact {
    Fact { what, value, source, used: Use::Told }
}

const fn stand_in(what: &'static str, value: &'static str, source: &'static str) -> Fact {
    Fact { what, value, source, used: Use::StandIn }
}

const V3: &str = "DeepSeek-V3 report and inference code";
const TITAN: &str = "torchtitan config of Kimi K2.5/2.7";
const TRINITY: &str = "arXiv 2602.17004";
const LONGCAT: &str = "Hugging Face longcat_flash";
/// Source of how Nemotron was trained: the report, as quoted on Hugging Face; the report itself was not read.
const NEMOTRON: &str = "arXiv 2512.20848, quoted on Hugging Face";
/// Source of Nemotron's dimensions: a third party's documentation, not checked against the report.
const NEMOTRON_CONFIG: &str = "model configuration in RadixArk's documentation";
/// The settings in public code are defaults for importing and fine-tuning the model; they do not say how it was trained.
const BRIDGE: &str = "Megatron-Bridge's settings for importing it";
const GUESS_PLAIN: &str = "no source of ours says whether scores are divided by their sum; here they are not";
const WANG: &str = "arXiv 2408.15664";

const DEEPSEEK_V3: &[Fact] = &[
    set("experts", "256 routed, top-8", V3),
    set("gate", "sigmoid", V3),
    set("rule", "sign, γ = 0.001", V3),
    told("freeze", "γ = 0 for the last 500 of 14 800 billion tokens", V3),
    set("shared", "1 expert", V3),
    set("groups", "8 of 32 experts; the best 4 by the sum of their top 2", V3),
    set("gating value", "over their sum, × 2.5", V3),
    told("auxiliary", "per sequence, α = 1e-4", V3),
];

const KIMI_K2: &[Fact] = &[
    set("experts", "384 routed, top-8", TITAN),
    set("gate", "sigmoid", TITAN),
    stand_in("rule", "sign, u = 0.001", "its step size is not established; DeepSeek-V3's is a stand-in"),
    set("shared", "1 expert", TITAN),
    set("groups", "none", TITAN),
    set("gating value", "over their sum, × 2.827", TITAN),
];

const QWEN3: &[Fact] = &[
    set("experts", "128 routed, top-8", "Hugging Face config"),
    set("gate", "softmax", BRIDGE),
    set("rule", "no bias: loss over the global batch", "arXiv 2501.11873, abstract"),
    stand_in("gating value", "as it is", GUESS_PLAIN),
    told("auxiliary", "coefficient 1e-3 by default", "Hugging Face config"),
    told("shared", "none", "general knowledge, fairly sure"),
];

const TRINITY_LARGE: &[Fact] = &[
    set("experts", "256 routed, top-4", TRINITY),
    stand_in("gate", "sigmoid", "no source of ours says; sigmoid is a stand-in"),
    set("rule", "SMEBU, λ = 5e-4, β = 0.5, κ = 2", TRINITY),
    set("shared", "1 expert", TRINITY),
    set("scale", "× 2.448", TRINITY),
    stand_in("gating value", "as it is, × 2.448", GUESS_PLAIN),
    told("auxiliary", "per sequence 1e-4; z-loss 1e-6 at last", TRINITY),
];

const LONGCAT_FLASH: &[Fact] = &[
    set("experts", "512 that compute, 256 identity, top-12", LONGCAT),
    set("gate", "softmax", LONGCAT),
    set("rule", "bias to a share per expert", "secondary source of arXiv 2509.01322"),
    stand_in("step", "μ = 0.1", "μ is not established; with this one the loads settle here within a hundred steps"),
    set("computing", "K_e ≈ 8 of 12 per token", "general knowledge, fairly sure"),
    told("decay of μ", "there is one; unknown", "secondary source"),
    set("gating value", "as it is, × 6.0", LONGCAT),
];

const NEMOTRON_3_NANO: &[Fact] = &[
    set("experts", "128 routed, top-6", NEMOTRON_CONFIG),
    set("gate", "sigmoid", NEMOTRON_CONFIG),
    set("rule", "loss-free, u = 0.001", NEMOTRON),
    told("auxiliary", "load-balancing loss, 1e-4", NEMOTRON),
    set("scale", "× 2.5", NEMOTRON_CONFIG),
    stand_in("gating value", "as it is, × 2.5", GUESS_PLAIN),
];

const WANG_1B: &[Fact] = &[
    set("experts", "64 routed, top-6", WANG),
    set("gate", "sigmoid", WANG),
    set("rule", "sign, u = 0.001", WANG),
    set("shared", "2 experts", WANG),
    set("gating value", "as it is", WANG),
    told("result", "PPL 9.50, MaxVio_global 0.04", WANG),
];

const WANG_3B: &[Fact] = &[
    set("experts", "64 routed, top-6", WANG),
    set("gate", "sigmoid", WANG),
    set("rule", "sign, u = 0.001, taken from 1B", WANG),
    set("shared", "2 experts", WANG),
    set("gating value", "as it is", WANG),
    told("result", "PPL 7.92, MaxVio_global 0.04", WANG),
];

impl Preset {
    /// The model's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DeepSeekV3 => "DeepSeek-V3",
            Self::KimiK2 => "Kimi K2",
            Self::Qwen3 => "Qwen3 MoE",
            Self::TrinityLarge => "Trinity Large",
            Self::LongCatFlash => "LongCat-Flash",
            Self::Nemotron3Nano => "Nemotron 3 Nano",
            Self::Wang1B => "Wang et al. 1B",
            Self::Wang3B => "Wang et al. 3B",
        }
    }

    /// What is known of the model.
    #[must_use]
    pub fn facts(self) -> &'static [Fact] {
        match self {
            Self::DeepSeekV3 => DEEPSEEK_V3,
            Self::KimiK2 => KIMI_K2,
            Self::Qwen3 => QWEN3,
            Self::TrinityLarge => TRINITY_LARGE,
            Self::LongCatFlash => LONGCAT_FLASH,
            Self::Nemotron3Nano => NEMOTRON_3_NANO,
            Self::Wang1B => WANG_1B,
            Self::Wang3B => WANG_3B,
        }
    }

    /// The model's router and balancer.
    #[must_use]
    pub fn settings(self) -> (Router, Balancer) {
        let router = |experts, top_k, gate| Router { experts, top_k, gate, ..Router::default() };
        let v3 = |r: Router, scale| Router { shared: 1, renormalise: true, scale, ..r };
        let rule = |rule, rate| Balancer { rule, rate, ..Balancer::default() };
        match self {
            Self::DeepSeekV3 => (
                Router { groups: Some(Groups { groups: 8, kept: 4 }), ..v3(router(256, 8, Gate::Sigmoid), 2.5) },
                rule(Rule::Sign, 0.001),
            ),
            Self::KimiK2 => (v3(router(384, 8, Gate::Sigmoid), 2.827), rule(Rule::Sign, 0.001)),
            Self::Qwen3 => (router(128, 8, Gate::Softmax), rule(Rule::None, 0.001)),
            Self::TrinityLarge => (
                Router { shared: 1, scale: 2.448, ..router(256, 4, Gate::Sigmoid) },
                Balancer { momentum: 0.5, steepness: 2.0, ..rule(Rule::Smebu, 0.0005) },
            ),
            Self::LongCatFlash => (
                Router { scale: 6.0, ..router(768, 12, Gate::Softmax) },
                Balancer { zero_experts: 256, real_experts: 8.0, ..rule(Rule::LongCat, 0.1) },
            ),
            Self::Nemotron3Nano => (Router { scale: 2.5, ..router(128, 6, Gate::Sigmoid) }, rule(Rule::Sign, 0.001)),
            Self::Wang1B | Self::Wang3B => {
                (Router { shared: 2, ..router(64, 6, Gate::Sigmoid) }, rule(Rule::Sign, 0.001))
            }
        }
    }

    /// One line for lists of presets, for example "256 experts, top-8, Sigmoid, Sign, u 0.001".
    #[must_use]
    pub fn summary(self) -> String {
        let (router, balancer) = self.settings();
        let rule = match balancer.rule {
            Rule::None => "no bias".to_owned(),
            rule => format!("{}, {} {}", rule.short(), rule.step_sign(), number(balancer.rate)),
        };
        format!("{} experts, top-{}, {}, {rule}", router.experts, router.top_k, router.gate)
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::Variant;
    use super::*;
    use strum::IntoEnumIterator as _;

    #[test]
    fn every_preset_is_within_the_limits_and_says_where_it_is_from() {
        for preset in Preset::iter() {
            let (router, balancer) = preset.settings();
            let (experts, rate) = (router.experts, balancer.rate);
            let variant = Variant { name: preset.name().into(), router, balancer, ..Variant::default() };
            assert_eq!(variant.validate("x"), Ok(()));
            let facts = preset.facts();
            assert!(facts.iter().all(|f| !f.what.is_empty() && !f.value.is_empty() && !f.source.is_empty()));
            // The numbers in the facts agree with the settings.
            let numbers = || {
                facts.iter().filter(|f| f.used != Use::Told).flat_map(|f| f.value.split(|c: char| !c.is_ascii_digit()))
            };
            let named = |n: u32| numbers().any(|w| w.parse() == Ok(n));
            let both = variant.balancer.zero_experts;
            assert!(named(experts) || named(experts - both) && named(both), "{}: {experts} experts", preset.name());
            assert!(named(variant.router.top_k), "{}: K", preset.name());
            if variant.balancer.rule != Rule::None {
                let written = [format!("= {rate}"), format!("= {rate:e}")];
                assert!(facts.iter().any(|f| written.iter().any(|w| f.value.contains(w))), "{}: {rate}", preset.name());
            }
            let gate = format!("{}", variant.router.gate).to_lowercase();
            assert!(facts.iter().any(|f| f.what == "gate" && f.value == gate));
        }
        for preset in Preset::iter() {
            // Every preset has exactly one fact about the gating value, and a guess is marked as one.
            let (router, _) = preset.settings();
            let mut told = preset.facts().iter().filter(|f| f.what == "gating value");
            let (Some(fact), None) = (told.next(), told.next()) else { panic!("{}: gating value", preset.name()) };
            assert_eq!(fact.value.contains("over their sum"), router.renormalise, "{}", preset.name());
            assert_eq!(fact.value.contains("as it is"), !router.renormalise, "{}", preset.name());
            assert!(router.scale == 1.0 || fact.value.contains(&format!("× {:?}", router.scale)), "{}", preset.name());
        }
        for preset in [Preset::Qwen3, Preset::TrinityLarge, Preset::Nemotron3Nano] {
            let guess = |f: &&Fact| f.what == "gating value" && f.used == Use::StandIn;
            assert_eq!(preset.facts().iter().filter(guess).count(), 1, "{}: nobody says", preset.name());
        }
        for (preset, what) in [(Preset::KimiK2, "rule"), (Preset::LongCatFlash, "step")] {
            assert!(
                preset
                    .facts()
                    .iter()
                    .any(|f| f.what == what && f.used == Use::StandIn && f.source.contains("not established"))
            );
        }
    }
}
