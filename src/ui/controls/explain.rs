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
    }
}
