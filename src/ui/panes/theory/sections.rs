//! The sections of the Theory pane in words.

use moebias_files::view::Section;

/// What the pane says about a section.
pub(super) trait Explained {
    /// Its name in the list of sections.
    fn name(self) -> &'static str;

    /// What it shows, in one line.
    fn tip(self) -> &'static str;

    /// Where its equations come from and how sure they are, in one or two sentences.
    fn source(self) -> &'static str;
}

impl Explained for Section {
    fn name(self) -> &'static str {
        match self {
            Self::Objective => "Objective",
            Self::Moves => "Moves",
            Self::Band => "Band",
            Self::Online => "Online",
            Self::BatchSize => "Batch size",
            Self::Learned => "Learned",
        }
    }

    fn tip(self) -> &'static str {
        match self {
            Self::Objective => "The Lagrangian of every step, the exact optimum, and when it rises",
            Self::Moves => "Which tokens moved from which expert to which in the last step",
            Self::Band => "The band in which the loads of a repeated batch are guaranteed to end, and when",
            Self::Online => "How far the biases are from the optimum, the regret and its bound",
            Self::BatchSize => "MaxVio against the size of a computation batch",
            Self::Learned => "Our biases against those that the recorded model had learned",
        }
    }

    fn source(self) -> &'static str {
        match self {
            Self::Objective => {
                "Our derivation, in the spirit of Han & Zhong 2025, whose theorem texts were not available to us. That Λ falls is a \
                 condition (benefit ≤ what the prices take), not a law: near balance it does rise."
            }
            Self::Moves => {
                "A token drops k for k′ only where Δp(k′) > Δp(k): our derivation, for any K, on the biases as they enter the key. \
                 “From over to under” is its form for whole-unit steps of the sign and the proportional rule."
            }
            Self::Band => {
                "Our derivation for K = 1, one repeated batch, the sign rule and a constant u: if for every two experts the tokens’ score \
                 gaps lie more than 2u apart, all loads end within E − 1 tokens of L and stay there."
            }
            Self::Online => {
                "Our derivation: usual bounds of online gradient descent, with an estimated curvature. They hold for the proportional \
                 rule, a gradient step, with biases in a bounded region; not for the sign rule."
            }
            Self::BatchSize => {
                "The question of Wang et al. 2024, whose figure has no numbers. Dashed: chance alone, at perfect balance. A balanced \
                 router follows it down as the batch grows; an unbalanced one levels off."
            }
            Self::Learned => {
                "The recorded model learned its bias in training, with loss-free balancing; ours starts from zero on the frozen scores. \
                 Only differences count, so both are drawn around their means."
            }
        }
    }
}
