//! What each rule does, in one equation and one or two sentences, with where it comes from.

use super::super::style::{SMALL, mono, text};
use super::super::theme::Theme;
use crate::model::config::Rule;
use eframe::egui::{self, RichText, Ui};

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

/// Group-limited routing.
pub(super) const GROUPS: About = About {
    name: "Groups",
    equation: "Gⱼ = two best s + b of group j\ntop-K in the best groups",
    sentence: "A group stands for the experts of one node: fewer kept groups mean less traffic between nodes, and a bias that raises \
               one expert raises its whole group. DeepSeek-V3 keeps 4 of 8 groups of 32. Keep fewer and watch MaxVio jump.",
    source: Some(("DeepSeek-V3 technical report", "https://arxiv.org/abs/2412.19437")),
};

/// Capacity and dropping.
pub(super) const CAPACITY: About = About {
    name: "Capacity",
    equation: "Cap = ⌈T·K/E · factor⌉",
    sentence: "An expert keeps at most Cap tokens of a batch; the others skip it. By score it keeps the most wanted, by position the \
               first. Loads show what is kept, so no bar passes the capacity; the balancer sees who came, or it would take a full \
               expert for a fair one. Watch the dropped share fall as the biases work. Runs on the CPU only.",
    source: Some(("Switch Transformers", "https://arxiv.org/abs/2101.03961")),
};

/// Equation, sentence and source, folded away: the balancer's stand below it.
pub(super) fn paragraph(ui: &mut Ui, theme: &Theme, about: &About) {
    let title = RichText::new(format!("About: {}", about.name)).font(text(SMALL)).color(theme.dim);
    egui::CollapsingHeader::new(title).id_salt(about.name).show(ui, |ui| told(ui, theme, about));
}

fn told(ui: &mut Ui, theme: &Theme, about: &About) {
    ui.label(RichText::new(about.equation).font(mono(SMALL)).color(theme.text));
    ui.add(egui::Label::new(RichText::new(about.sentence).font(text(SMALL)).color(theme.dim)).wrap());
    if let Some((name, url)) = about.source {
        ui.hyperlink_to(RichText::new(name).font(text(SMALL)), url).on_hover_text(url);
    }
    ui.add_space(4.0);
}

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
        Rule::Threshold => About {
            name: "Dynamic K, threshold",
            equation: "every i with sᵢ + bᵢ > 0\nbᵢ ← bᵢ − u · [σᵢ − mean σ + sign(F̃ − K)]\nσᵢ = sign(Fᵢ − 1/E)",
            sentence: "No token competes with another expert’s score, so easy tokens may take few experts and hard ones many; K is \
                       only the mean F̃ to aim at. Biases start where about K experts pass. Watch the spread of experts per token \
                       in the inspector: a token can be left with none. Runs on the CPU only.",
            source: Some(("Su, MoE series, part 5", "https://kexue.fm/archives/10815")),
        },
        Rule::Sinkhorn => About {
            name: "Sinkhorn",
            equation: "top-K of d₁ⱼ · exp(xᵢⱼ) · d₀ᵢ\nd₀ = 1/(T·(X d₁)), d₁ = 1/(E·(Xᵀ d₀))",
            sentence: "Scales each batch until every expert has the same total weight, 32 rounds, then takes the top K. It sees the \
                       whole batch, future tokens too, and balances the totals, not the counts: some imbalance stays. No bias is \
                       carried from step to step. Runs on the CPU only.",
            source: Some(("Clark et al. 2022 (S-BASE)", "https://arxiv.org/abs/2202.01169")),
        },
        Rule::Base => About {
            name: "BASE, balanced assignment",
            equation: "max Σ of the logits assigned,\n⌊T/E⌋ or ⌈T/E⌉ tokens per expert",
            sentence: "The best assignment that is perfectly balanced, one expert per token, solved exactly for every batch. MaxVio is \
                       0 from the first step; the price is paid by tokens sent against their scores, and each depends on all \
                       others of its batch. At inference the paper takes the plain top-1 instead. Runs on the CPU only.",
            source: Some(("Lewis et al. 2021, BASE layers", "https://arxiv.org/abs/2103.16716")),
        },
        Rule::Hash => About {
            name: "Hash of the word",
            equation: "experts of a token = hash(word)",
            sentence: "Nothing is learned and nothing moves: a word always goes to the same experts, drawn at random. A word is a \
                       trace’s token id, or a topic’s 64 words. Balance is that of the words: frequent ones keep their experts \
                       full.",
            source: Some(("Roller et al. 2021, hash layers", "https://arxiv.org/abs/2106.04426")),
        },
    }
}
