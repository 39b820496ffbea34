//! What each rule does, in one equation and one or two sentences, with where it comes from.

use crate::model::config::Rule;

/// A rule, told.
pub(super) struct About {
    /// Its name in lists.
    pub name: &'static str,
    /// Its equation.
    pub equation: &'static str,
    /// What to expect of it.
    pub sentence: &'static str,
    /// Name and address of its source.
    pub source: Option<(&'static str, &'static str)>,
}

const WANG: &str = "https://arxiv.org/abs/2408.15664";
const SU: &str = "https://kexue.fm/archives/11619";
const BIP: &str = "https://arxiv.org/abs/2502.15451";
const CHOICE: &str = "https://arxiv.org/abs/2202.09368";

pub(super) fn of_rule(rule: Rule) -> About {
    match rule {
        Rule::None => About {
            name: "No balancing",
            equation: "bᵢ ← bᵢ",
            sentence: "Every token goes to the experts it scores highest. Popular topics flood a few of them.",
            source: None,
        },
        Rule::Sign => About {
            name: "Loss-free, sign",
            equation: "bᵢ ← bᵢ + u · sign(c̄ − cᵢ)",
            sentence: "Too small never arrives, too large never settles. A gap Δ between two biases needs about Δ / 2u steps.",
            source: Some(("Wang et al. 2024, Algorithm 1", WANG)),
        },
        Rule::Proportional => About {
            name: "Loss-free, proportional",
            equation: "bᵢ ← bᵢ + u · (c̄ − cᵢ) / c̄",
            sentence: "The step shrinks with the error, so it settles where the sign keeps trembling. The paper leaves the \
                       normalisation open; here the error is divided by the mean load c̄.",
            source: Some(("Wang et al. 2024, variants", WANG)),
        },
        Rule::Multiplicative => About {
            name: "Multiplicative",
            equation: "top-K of sᵢ · bᵢ\nbᵢ ← bᵢ + u · sign(c̄ − cᵢ)",
            sentence: "Biases start at 1 and scale the scores, held within [0, 4). The gating value stays the plain score.",
            source: Some(("Wang et al. 2024, variants", WANG)),
        },
        Rule::Quantile => About {
            name: "Quantile Balancing",
            equation: "αₜ = (K+1)-th largest of sₜ + b\nbᵢ ← −(KT/E+1)-th largest of sᵢ − α",
            sentence: "The bias that would have given each expert its fair share of this batch, used for the next one. No step \
                       size: it is in balance after one step, and an average over steps calms what a single batch shakes. The \
                       same is quantile_balancing in Megatron-LM.",
            source: Some(("Su, MoE series, post 11619", SU)),
        },
        Rule::Bip => About {
            name: "BIP",
            equation: "αₜ = max(0, (K+1)-th largest of sₜ + b)\nbᵢ ← −max(0, (KT/E+1)-th largest of sᵢ − α)",
            sentence: "A few passes on each batch before it is routed, so who a token goes to depends on later tokens: it leaks. \
                       The clamp holds back the popular and does not help the unpopular. Told here after Su’s post 11619; how many \
                       passes the authors make is not known to us.",
            source: Some(("arXiv 2502.15451", BIP)),
        },
        Rule::ExpertChoice => About {
            name: "Expert Choice",
            equation: "expert i takes its KT/E best tokens",
            sentence: "Perfect balance by construction, without biases. Some tokens are taken by many experts and some by none, and \
                       who takes a token depends on later tokens: it leaks.",
            source: Some(("Zhou et al. 2022", CHOICE)),
        },
    }
}
