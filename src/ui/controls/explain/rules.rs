//! The words about each balancing rule, one constant per rule.

use super::{About, Source};
use moebias_model::config::Rule;

const WANG: &str = "https://arxiv.org/abs/2408.15664";
const PAPER: &str = "read in the paper itself";

/// The words about a rule.
pub(in crate::ui::controls) fn of_rule(rule: Rule) -> About {
    match rule {
        Rule::None => NONE,
        Rule::Sign => SIGN,
        Rule::Proportional => PROPORTIONAL,
        Rule::Multiplicative => MULTIPLICATIVE,
        Rule::CentredSign => CENTRED_SIGN,
        Rule::Rms => RMS,
        Rule::Smebu => SMEBU,
        Rule::IdBalancing => ID_BALANCING,
        Rule::LongCat => LONG_CAT,
        Rule::Threshold => THRESHOLD,
        Rule::Sinkhorn => SINKHORN,
        Rule::Base => BASE,
        Rule::Hash => HASH,
        Rule::Quantile => QUANTILE,
        Rule::Bip => BIP,
        Rule::ExpertChoice => EXPERT_CHOICE,
    }
}

const NONE: About = About {
    name: Rule::None.title(),
    equation: "bᵢ ← bᵢ",
    idea: "Every token goes to the experts it scores highest.",
    watch: "Popular topics flood a few experts: the baseline for every other rule.",
    source: None,
};

const SIGN: About = About {
    name: Rule::Sign.title(),
    equation: "bᵢ ← bᵢ + u · sign(c̄ − cᵢ)",
    idea: "An expert under its fair share gains u, one over it loses u, whatever the size of the error.",
    watch: "Too small takes very long, too large never settles. Closing a gap Δ between two biases takes about Δ / 2u steps.",
    source: Some(Source { name: "Wang et al. 2024, Algorithm 1", url: WANG, read: PAPER }),
};

const PROPORTIONAL: About = About {
    name: Rule::Proportional.title(),
    equation: "bᵢ ← bᵢ + u · (c̄ − cᵢ) / c̄",
    idea: "The step shrinks with the error, so it settles where the sign rule keeps trembling.",
    watch: "An expert with many times its fair share takes a huge step: above u ≈ 0.1 the loads swing. The paper leaves the \
            normalisation open; here the error is divided by the mean load c̄.",
    source: Some(Source { name: "Wang et al. 2024, variants", url: WANG, read: PAPER }),
};

const MULTIPLICATIVE: About = About {
    name: Rule::Multiplicative.title(),
    equation: "top-K of sᵢ · bᵢ\nbᵢ ← bᵢ + u · sign(c̄ − cᵢ)",
    idea: "Biases start at 1 and scale the scores, held within [0, 4). The gating value stays the plain score.",
    watch: "A factor moves a high score more than a low one, so the same u has more effect on popular experts.",
    source: Some(Source { name: "Wang et al. 2024, variants", url: WANG, read: PAPER }),
};

const CENTRED_SIGN: About = About {
    name: Rule::CentredSign.title(),
    equation: "δᵢ = u · sign(c̄ − cᵢ)\nbᵢ ← bᵢ + δᵢ − mean δ",
    idea: "The sign rule, but the steps of all experts add up to zero, so the biases never drift together.",
    watch: "Loads are those of the sign rule, token for token: a common shift changes no selection. Only the curves differ, \
            also from those with “Centre the biases”, which removes a mean that was there before, too.",
    source: Some(Source {
        name: "torchtitan, optimizer hook",
        url: "https://github.com/pytorch/torchtitan/blob/main/torchtitan/models/common/moe.py",
        read: "read in its code",
    }),
};

const RMS: About = About {
    name: Rule::Rms.title(),
    equation: "eᵢ = c̄ − cᵢ\nbᵢ ← bᵢ + u · eᵢ / RMS(e)",
    idea: "Proportional to the error, but always on the scale of the sign rule: u keeps its meaning and 0.001 carries over.",
    watch: "Near balance the errors are sampling noise and are scaled up to a full step: it trembles like the sign rule. If only one \
            expert is off, it moves by up to √E · u.",
    source: Some(Source {
        name: "Su, post 10757",
        url: "https://kexue.fm/archives/10757",
        read: "read in a public copy",
    }),
};

const SMEBU: About = About {
    name: Rule::Smebu.title(),
    equation: "Δᵢ = λ · tanh(κ (c̄ − cᵢ) / c̄)\nmᵢ ← β mᵢ + (1 − β)(Δᵢ − mean Δ)\nbᵢ ← bᵢ + mᵢ",
    idea: "A soft clamp: a step of λ for large errors, like the sign rule, proportional for small ones; smoothed by momentum, centred. \
           Trinity Large uses λ = 5e-4, β = 0.5, κ = 2.",
    watch: "A higher κ is closer to the sign rule; a higher β responds later and overshoots. Trinity introduced it together with five \
            other fixes and without an ablation.",
    source: Some(Source { name: "Trinity Large, eq. 23–28", url: "https://arxiv.org/abs/2602.17004", read: PAPER }),
};

const ID_BALANCING: About = About {
    name: Rule::IdBalancing.title(),
    equation: "eᵢ = (c̄ − cᵢ) / c̄\ngᵢ = 1[e′ᵢ · Δeᵢ > 0]\nbᵢ ← bᵢ + Kᵢ eᵢ + K_d gᵢ Δeᵢ\nbᵢ ← bᵢ − mean b",
    idea: "An integral term, and a derivative that acts only while an error grows (e′ is the error of the previous step). The \
           paper uses Kᵢ = K_d = 6e-3.",
    watch: "The gate g counters what is getting worse and leaves alone what is recovering: watch a jump of the skew. On fresh \
            batches half of all changes are noise, which opens the gate too.",
    source: Some(Source {
        name: "ID Balancing, Algorithm 1, eq. 12",
        url: "https://arxiv.org/abs/2609.39137",
        read: PAPER,
    }),
};

const LONG_CAT: About = About {
    name: Rule::LongCat.title(),
    equation: "Δbᵢ = μ · (K_e/N − cᵢ/T) / K\nΔbᵢ = 0 for identity experts",
    idea: "The last Z experts pass a token through unchanged. The N others are driven to K_e·T/N tokens each, so that K_e of a token's \
           K experts compute on average, and easy tokens may cost less.",
    watch: "It is the proportional rule with u = μ·K_e/(K·N), so μ must be large: neither μ nor its decay is published, \
            and the value here is a stand-in. Described as a PID controller, it is an integral one.",
    source: Some(Source {
        name: "LongCat-Flash, arXiv 2509.01322",
        url: "https://arxiv.org/abs/2509.01322",
        read: "increment from secondary sources, of which one leaves out K; counts from its public configuration",
    }),
};

const THRESHOLD: About = About {
    name: Rule::Threshold.title(),
    equation: "every i with sᵢ + bᵢ > 0\nbᵢ ← bᵢ − u · [σᵢ − mean σ + sign(F̃ − K)]\nσᵢ = sign(Fᵢ − 1/E)",
    idea: "Experts do not compete for a token, so easy tokens may take few experts and hard ones many; K is only the target \
           for the mean F̃. Biases start where about K experts pass.",
    watch: "The spread of experts per token, in the Inspector: a token can be left with none.",
    source: Some(Source {
        name: "Su, MoE series, post 10815",
        url: "https://kexue.fm/archives/10815",
        read: "read in a public copy",
    }),
};

const SINKHORN: About = About {
    name: Rule::Sinkhorn.title(),
    equation: "top-K of d₀ᵢ · Xᵢⱼ · d₁ⱼ, X = exp(x)\nd₀ᵢ = 1/(T · Σⱼ Xᵢⱼ d₁ⱼ)\nd₁ⱼ = 1/(E · Σᵢ Xᵢⱼ d₀ᵢ)",
    idea: "Scales each batch until every expert has the same total weight, 32 rounds, then takes the top K. No bias is carried \
           from step to step. Runs on the CPU only.",
    watch: "It sees the whole batch, future tokens too, and balances the totals, not the counts: some imbalance stays.",
    source: Some(Source {
        name: "Clark et al. 2022 (S-BASE)",
        url: "https://arxiv.org/abs/2202.01169",
        read: "the form is Megatron-LM’s, read in its code; there it stops at a tolerance",
    }),
};

const BASE: About = About {
    name: Rule::Base.title(),
    equation: "max Σ of the logits assigned,\n⌊T/E⌋ or ⌈T/E⌉ tokens per expert",
    idea: "The best assignment that is perfectly balanced, one expert per token, solved exactly for every batch. Runs on the CPU \
           only.",
    watch: "MaxVio is 0 from the first step; the price is paid by tokens sent against their scores, and each depends on all \
            others of its batch. At inference the paper uses plain top-1 instead.",
    source: Some(Source {
        name: "Lewis et al. 2021, BASE layers",
        url: "https://arxiv.org/abs/2103.16716",
        read: "read in fairseq’s code",
    }),
};

const HASH: About = About {
    name: Rule::Hash.title(),
    equation: "experts of a token = hash(word)",
    idea: "Nothing is learned and nothing moves: a word always goes to the same experts, drawn at random. A word is a token id \
           of a trace, or one of a topic’s 64 words.",
    watch: "The loads are as uneven as the words: frequent words keep their experts full.",
    source: Some(Source {
        name: "Roller et al. 2021, hash layers",
        url: "https://arxiv.org/abs/2106.04426",
        read: "from general knowledge; not read in the source",
    }),
};

const QUANTILE: About = About {
    name: Rule::Quantile.title(),
    equation: "αₜ = (K+1)-th largest of sₜ + b\nbᵢ ← −(KT/E+1)-th largest of sᵢ − α",
    idea: "The bias that would have given each expert its fair share of this batch, used for the next one. There is no step size: it is \
           in balance after one step. Megatron-LM has it as quantile_balancing.",
    watch: "MaxVio falls near the sampling floor in one step, then the biases tremble with every batch; an average over steps \
            calms them.",
    source: Some(Source {
        name: "Su, MoE series, post 11619",
        url: "https://kexue.fm/archives/11619",
        read: "read in a public copy",
    }),
};

const BIP: About = About {
    name: Rule::Bip.title(),
    equation: "αₜ = max(0, (K+1)-th largest of sₜ + b)\nbᵢ ← −max(0, (KT/E+1)-th largest of sᵢ − α)\nafter the last pass: b ← b − max b",
    idea: "A few passes over each batch before it is routed. The clamp holds back popular experts and does not help unpopular ones. \
           The third line, the anchor, is ours: without it all biases drift down until α is 0 for every token and balance is lost.",
    watch: "Even the first batch is much more even, because a token's experts depend on later tokens: it leaks. How many passes \
            the authors make is not known to us.",
    source: Some(Source {
        name: "BIP-based balancing, arXiv 2502.15451",
        url: "https://arxiv.org/abs/2502.15451",
        read: "abstract read; the equations as Su’s post 11619 tells them",
    }),
};

const EXPERT_CHOICE: About = About {
    name: Rule::ExpertChoice.title(),
    equation: "expert i takes its KT/E best tokens",
    idea: "Perfect balance by construction, without biases: experts choose tokens.",
    watch: "Some tokens are taken by many experts and some by none, and which experts take a token depends on later tokens: it leaks.",
    source: Some(Source {
        name: "Zhou et al. 2022",
        url: "https://arxiv.org/abs/2202.09368",
        read: "from general knowledge; not read in the paper",
    }),
};

#[cfg(test)]
mod tests {
    use super::*;
    use strum::IntoEnumIterator as _;

    #[test]
    fn every_rule_is_explained_in_full() {
        let mut names: Vec<&str> = Rule::iter().map(|r| of_rule(r).name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Rule::iter().count());
        for rule in Rule::iter() {
            let about = of_rule(rule);
            assert!(about.idea.ends_with('.') && about.watch.ends_with('.'), "{rule}");
            assert!(about.equation.contains('b') || !rule.moves_biases(), "{rule}");
            assert!(about.source.is_some() || rule == Rule::None, "{rule}");
            assert!(
                about.source.as_ref().is_none_or(|s| s.url.starts_with("https://") && !s.read.is_empty()),
                "{rule}"
            );
        }
    }
}
