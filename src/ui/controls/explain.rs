//! The words about each rule: its idea, what to watch for, its equation, its source and how that was read.

use crate::ui::kit::style::{SMALL, mono, text};
use crate::ui::kit::theme::Theme;
use eframe::egui::{self, RichText, Ui};
use moebias_model::config::Rule;

/// What is said about a rule.
pub(super) struct About {
    /// Its name in lists.
    pub name: &'static str,
    /// Its equation.
    pub equation: &'static str,
    /// Its idea.
    pub idea: &'static str,
    /// What to watch for.
    pub watch: &'static str,
    /// Name and address of its source; and how the equation was read there.
    pub source: Option<(&'static str, &'static str, &'static str)>,
}

const WANG: &str = "https://arxiv.org/abs/2408.15664";
const SU: &str = "https://kexue.fm/archives/11619";
const BIP: &str = "https://arxiv.org/abs/2502.15451";
const CHOICE: &str = "https://arxiv.org/abs/2202.09368";
const PAPER: &str = "read in the paper itself";

/// Group-limited routing.
pub(super) const GROUPS: About = About {
    name: "Groups",
    equation: "Gⱼ = two best s + b of group j\ntop-K in the best groups",
    idea: "A group stands for the experts of one node: fewer kept groups mean less traffic between nodes. DeepSeek-V3 keeps 4 of 8 \
           groups of 32.",
    watch: "A bias that raises one expert raises its whole group. Keep fewer and MaxVio jumps.",
    source: Some(("DeepSeek-V3 technical report", "https://arxiv.org/abs/2412.19437", "read in its code and text")),
};

/// Capacity and dropping.
pub(super) const CAPACITY: About = About {
    name: "Capacity",
    equation: "Cap = ⌈T·K/E · factor⌉",
    idea: "An expert keeps at most Cap tokens of a batch; the others skip it. By score it keeps the tokens with the highest scores there, by position the first ones. \
           Runs on the CPU only.",
    watch: "Loads show what is kept, so no bar exceeds the capacity; the balancer sees every token that chose the expert, or it would \
            take a full expert for a fair one. The dropped share falls as the biases work.",
    source: Some((
        "Switch Transformers",
        "https://arxiv.org/abs/2101.03961",
        "capacity from general knowledge; both ways to drop as Megatron-LM’s code has them",
    )),
};

/// Equation, idea, what to watch for, and source, folded away: the balancer's stand below it.
pub(super) fn paragraph(ui: &mut Ui, theme: &Theme, about: &About) {
    let title = RichText::new(format!("About: {}", about.name)).font(text(SMALL)).color(theme.dim);
    egui::CollapsingHeader::new(title).id_salt(about.name).show(ui, |ui| told(ui, theme, about));
}

/// As [`paragraph`], open.
pub(super) fn told(ui: &mut Ui, theme: &Theme, about: &About) {
    ui.label(RichText::new(about.equation).font(mono(SMALL)).color(theme.text));
    for words in [about.idea, about.watch] {
        ui.add(egui::Label::new(RichText::new(words).font(text(SMALL)).color(theme.dim)).wrap());
    }
    if let Some((name, url, sure)) = about.source {
        ui.hyperlink_to(RichText::new(name).font(text(SMALL)), url).on_hover_text(format!("{url}\n{sure}"));
    }
    ui.add_space(4.0);
}

pub(super) fn of_rule(rule: Rule) -> About {
    match rule {
        Rule::None => About {
            name: Rule::None.title(),
            equation: "bᵢ ← bᵢ",
            idea: "Every token goes to the experts it scores highest.",
            watch: "Popular topics flood a few experts: the baseline for every other rule.",
            source: None,
        },
        Rule::Sign => About {
            name: Rule::Sign.title(),
            equation: "bᵢ ← bᵢ + u · sign(c̄ − cᵢ)",
            idea: "An expert under its fair share gains u, one over it loses u, whatever the size of the error.",
            watch: "Too small takes very long, too large never settles. Closing a gap Δ between two biases takes about Δ / 2u steps.",
            source: Some(("Wang et al. 2024, Algorithm 1", WANG, PAPER)),
        },
        Rule::Proportional => About {
            name: Rule::Proportional.title(),
            equation: "bᵢ ← bᵢ + u · (c̄ − cᵢ) / c̄",
            idea: "The step shrinks with the error, so it settles where the sign rule keeps trembling.",
            watch: "An expert with many times its fair share takes a huge step: above u ≈ 0.1 the loads swing. The paper leaves the \
                    normalisation open; here the error is divided by the mean load c̄.",
            source: Some(("Wang et al. 2024, variants", WANG, PAPER)),
        },
        Rule::Multiplicative => About {
            name: Rule::Multiplicative.title(),
            equation: "top-K of sᵢ · bᵢ\nbᵢ ← bᵢ + u · sign(c̄ − cᵢ)",
            idea: "Biases start at 1 and scale the scores, held within [0, 4). The gating value stays the plain score.",
            watch: "A factor moves a high score more than a low one, so the same u has more effect on popular experts.",
            source: Some(("Wang et al. 2024, variants", WANG, PAPER)),
        },
        Rule::CentredSign => About {
            name: Rule::CentredSign.title(),
            equation: "δᵢ = u · sign(c̄ − cᵢ)\nbᵢ ← bᵢ + δᵢ − mean δ",
            idea: "The sign rule, but the steps of all experts add up to zero, so the biases never drift together.",
            watch: "Loads are those of the sign rule, token for token: a common shift changes no selection. Only the curves differ, \
                    also from those with “Centre the biases”, which removes a mean that was there before, too.",
            source: Some((
                "torchtitan, optimizer hook",
                "https://github.com/pytorch/torchtitan/blob/main/torchtitan/models/common/moe.py",
                "read in its code",
            )),
        },
        Rule::Rms => About {
            name: Rule::Rms.title(),
            equation: "eᵢ = c̄ − cᵢ\nbᵢ ← bᵢ + u · eᵢ / RMS(e)",
            idea: "Proportional to the error, but always on the scale of the sign rule: u keeps its meaning and 0.001 carries over.",
            watch: "Near balance the errors are sampling noise and are scaled up to a full step: it trembles like the sign rule. If only one \
                    expert is off, it moves by up to √E · u.",
            source: Some(("Su, post 10757", "https://kexue.fm/archives/10757", "read in a public copy")),
        },
        Rule::Smebu => About {
            name: Rule::Smebu.title(),
            equation: "Δᵢ = λ · tanh(κ (c̄ − cᵢ) / c̄)\nmᵢ ← β mᵢ + (1 − β)(Δᵢ − mean Δ)\nbᵢ ← bᵢ + mᵢ",
            idea: "A soft clamp: a step of λ for large errors, like the sign rule, proportional for small ones; smoothed by momentum, centred. \
                   Trinity Large uses λ = 5e-4, β = 0.5, κ = 2.",
            watch: "A higher κ is closer to the sign rule; a higher β responds later and overshoots. Trinity introduced it together with five \
                    other fixes and without an ablation.",
            source: Some(("Trinity Large, eq. 23–28", "https://arxiv.org/abs/2602.17004", PAPER)),
        },
        Rule::IdBalancing => About {
            name: Rule::IdBalancing.title(),
            equation: "eᵢ = (c̄ − cᵢ) / c̄\ngᵢ = 1[e′ᵢ · Δeᵢ > 0]\nbᵢ ← bᵢ + Kᵢ eᵢ + K_d gᵢ Δeᵢ\nbᵢ ← bᵢ − mean b",
            idea: "An integral term, and a derivative that acts only while an error grows (e′ is the error of the previous step). The \
                   paper uses Kᵢ = K_d = 6e-3.",
            watch: "The gate g counters what is getting worse and leaves alone what is recovering: watch a jump of the skew. On fresh \
                    batches half of all changes are noise, which opens the gate too.",
            source: Some(("ID Balancing, Algorithm 1, eq. 12", "https://arxiv.org/abs/2609.39137", PAPER)),
        },
        Rule::LongCat => About {
            name: Rule::LongCat.title(),
            equation: "Δbᵢ = μ · (K_e/N − cᵢ/T) / K\nΔbᵢ = 0 for identity experts",
            idea: "The last Z experts pass a token through unchanged. The N others are driven to K_e·T/N tokens each, so that K_e of a token's \
                   K experts compute on average, and easy tokens may cost less.",
            watch: "It is the proportional rule with u = μ·K_e/(K·N), so μ must be large: neither μ nor its decay is published, \
                    and the value here is a stand-in. Described as a PID controller, it is an integral one.",
            source: Some((
                "LongCat-Flash, arXiv 2509.01322",
                "https://arxiv.org/abs/2509.01322",
                "increment from secondary sources, of which one leaves out K; counts from its public configuration",
            )),
        },
        Rule::Threshold => About {
            name: Rule::Threshold.title(),
            equation: "every i with sᵢ + bᵢ > 0\nbᵢ ← bᵢ − u · [σᵢ − mean σ + sign(F̃ − K)]\nσᵢ = sign(Fᵢ − 1/E)",
            idea: "Experts do not compete for a token, so easy tokens may take few experts and hard ones many; K is only the target \
                   for the mean F̃. Biases start where about K experts pass.",
            watch: "The spread of experts per token, in the Inspector: a token can be left with none.",
            source: Some(("Su, MoE series, post 10815", "https://kexue.fm/archives/10815", "read in a public copy")),
        },
        Rule::Sinkhorn => About {
            name: Rule::Sinkhorn.title(),
            equation: "top-K of d₀ᵢ · Xᵢⱼ · d₁ⱼ, X = exp(x)\nd₀ᵢ = 1/(T · Σⱼ Xᵢⱼ d₁ⱼ)\nd₁ⱼ = 1/(E · Σᵢ Xᵢⱼ d₀ᵢ)",
            idea: "Scales each batch until every expert has the same total weight, 32 rounds, then takes the top K. No bias is carried \
                   from step to step. Runs on the CPU only.",
            watch: "It sees the whole batch, future tokens too, and balances the totals, not the counts: some imbalance stays.",
            source: Some((
                "Clark et al. 2022 (S-BASE)",
                "https://arxiv.org/abs/2202.01169",
                "the form is Megatron-LM’s, read in its code; there it stops at a tolerance",
            )),
        },
        Rule::Base => About {
            name: Rule::Base.title(),
            equation: "max Σ of the logits assigned,\n⌊T/E⌋ or ⌈T/E⌉ tokens per expert",
            idea: "The best assignment that is perfectly balanced, one expert per token, solved exactly for every batch. Runs on the CPU \
                   only.",
            watch: "MaxVio is 0 from the first step; the price is paid by tokens sent against their scores, and each depends on all \
                    others of its batch. At inference the paper uses plain top-1 instead.",
            source: Some((
                "Lewis et al. 2021, BASE layers",
                "https://arxiv.org/abs/2103.16716",
                "read in fairseq’s code",
            )),
        },
        Rule::Hash => About {
            name: Rule::Hash.title(),
            equation: "experts of a token = hash(word)",
            idea: "Nothing is learned and nothing moves: a word always goes to the same experts, drawn at random. A word is a token id \
                   of a trace, or one of a topic’s 64 words.",
            watch: "The loads are as uneven as the words: frequent words keep their experts full.",
            source: Some((
                "Roller et al. 2021, hash layers",
                "https://arxiv.org/abs/2106.04426",
                "from general knowledge; not read in the source",
            )),
        },
        Rule::Quantile => About {
            name: Rule::Quantile.title(),
            equation: "αₜ = (K+1)-th largest of sₜ + b\nbᵢ ← −(KT/E+1)-th largest of sᵢ − α",
            idea: "The bias that would have given each expert its fair share of this batch, used for the next one. There is no step size: it is \
                   in balance after one step. Megatron-LM has it as quantile_balancing.",
            watch: "MaxVio falls near the sampling floor in one step, then the biases tremble with every batch; an average over steps \
                    calms them.",
            source: Some(("Su, MoE series, post 11619", SU, "read in a public copy")),
        },
        Rule::Bip => About {
            name: Rule::Bip.title(),
            equation: "αₜ = max(0, (K+1)-th largest of sₜ + b)\nbᵢ ← −max(0, (KT/E+1)-th largest of sᵢ − α)\nafter the last pass: b ← b − max b",
            idea: "A few passes over each batch before it is routed. The clamp holds back popular experts and does not help unpopular ones. \
                   The third line, the anchor, is ours: without it all biases drift down until α is 0 for every token and balance is lost.",
            watch: "Even the first batch is much more even, because a token's experts depend on later tokens: it leaks. How many passes \
                    the authors make is not known to us.",
            source: Some((
                "BIP-based balancing, arXiv 2502.15451",
                BIP,
                "abstract read; the equations as Su’s post 11619 tells them",
            )),
        },
        Rule::ExpertChoice => About {
            name: Rule::ExpertChoice.title(),
            equation: "expert i takes its KT/E best tokens",
            idea: "Perfect balance by construction, without biases: experts choose tokens.",
            watch: "Some tokens are taken by many experts and some by none, and which experts take a token depends on later tokens: it leaks.",
            source: Some(("Zhou et al. 2022", CHOICE, "from general knowledge; not read in the paper")),
        },
    }
}

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
                about.source.is_none_or(|(_, url, sure)| url.starts_with("https://") && !sure.is_empty()),
                "{rule}"
            );
        }
    }
}
