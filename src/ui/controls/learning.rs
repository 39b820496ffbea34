//! The settings of a world to learn from, and of how each variant learns.

use super::explain::{About, Source, told};
use super::{Desk, Label, Row};
use crate::ui::kit::widgets::choice::Item;
use crate::ui::kit::widgets::group;
use crate::ui::kit::widgets::slider::Scale;
use eframe::egui::Ui;
use moebias_model::change::Change;
use moebias_model::change::{LearningChange, WorldChange};
use moebias_model::config::{Limits, limits as of};
use moebias_model::learn::settings::{Auxiliary, Gating, Learning, Optimiser, World, limits};
use strum::IntoEnumIterator as _;

/// Draws the settings of the world.
pub(super) fn world(ui: &mut Ui, desk: &mut Desk<'_>, w: &World) {
    desk.rows(ui, &world_rows(w));
}

/// The numbers of a world to learn from.
pub(super) fn world_rows(w: &World) -> Vec<Row<'static>> {
    topic_rows(w).into_iter().chain(token_rows(w)).collect()
}

/// The batch, and what its topics and domains are.
fn topic_rows(w: &World) -> [Row<'static>; 6] {
    [
        Row {
            name: "Batch",
            limits: limits::BATCH,
            scale: Scale::Doubling,
            value: f64::from(w.batch),
            tip: "T, tokens per step, 1 to 65 536. The fair load of an expert is L = K·T/E tokens",
            change: |v| Change::SetBatch(v as u32),
        },
        Row {
            name: "Topics",
            limits: limits::TOPICS,
            scale: Scale::LogWhole,
            value: f64::from(w.topics),
            tip: "Topics, 1 to 1 024, each with a linear map to learn. More of them than experts: experts must specialise and share",
            change: |v| Change::SetTopics(v as u32),
        },
        Row {
            name: "Domains",
            limits: Limits { max: f64::from(w.topics.min(limits::DOMAINS.max_u32())), ..limits::DOMAINS },
            scale: Scale::Whole,
            value: f64::from(w.domains),
            tip: "Domains that the topics belong to, 0 to 256. 0: every topic is a domain of its own",
            change: |v| Change::SetWorld(WorldChange::Domains(v as u32)),
        },
        Row {
            name: "Skew",
            limits: of::SKEW,
            scale: Scale::Linear(0.05),
            value: w.skew,
            tip: "Zipf exponent of domain popularity, 0 to 3: the r-th domain has a share ∝ 1/rˢ",
            change: Change::SetSkew,
        },
        Row {
            name: "Rich",
            limits: limits::RICH,
            scale: Scale::Linear(0.05),
            value: w.rich,
            tip: "Zipf exponent of the number of topics in a domain, 0 to 3. If it equals the skew, popular domains have more to learn in proportion \
                 to their tokens; 0 gives every domain the same number of topics",
            change: |v| Change::SetWorld(WorldChange::Rich(v)),
        },
        Row {
            name: "Kinship",
            limits: limits::KINSHIP,
            scale: Scale::Linear(0.05),
            value: w.kinship,
            tip: "Share, 0 to 1, of a topic's centre and map that comes from its domain",
            change: |v| Change::SetWorld(WorldChange::Kinship(v)),
        },
    ]
}

/// What a token is made of, and in which order tokens come.
fn token_rows(w: &World) -> [Row<'static>; 5] {
    // The common share and the noise are parts of a token's variance, so each is limited to what the other leaves.
    let left = |limit: Limits, other: f64| Limits { max: ((1.0 - other) * 100.0).floor() / 100.0, ..limit };
    [
        Row {
            name: "Common",
            limits: left(limits::COMMON, w.noise),
            scale: Scale::Linear(0.05),
            value: w.common,
            tip: "Share of a token's variance that all tokens have in common; together with the noise at most 1. It makes an untrained router \
                 unbalanced, as the hidden states of language models do",
            change: |v| Change::SetWorld(WorldChange::Common(v)),
        },
        Row {
            name: "Noise",
            limits: left(limits::NOISE, w.common),
            scale: Scale::Linear(0.05),
            value: w.noise,
            tip: "Share of a token's variance that is its own; together with the common share at most 1",
            change: Change::SetNoise,
        },
        Row {
            name: "Target ε",
            limits: limits::TARGET_NOISE,
            scale: Scale::Linear(0.05),
            value: w.target_noise,
            tip: "Standard deviation, 0 to 4, of what no map explains in a coordinate of a target",
            change: |v| Change::SetWorld(WorldChange::TargetNoise(v)),
        },
        Row {
            name: "Drift",
            limits: of::DRIFT,
            scale: Scale::Log,
            value: w.drift,
            tip: "How often the popularity of each domain swells and fades within 1 000 steps, 0 to 100",
            change: Change::SetDrift,
        },
        Row {
            name: "Burst",
            limits: of::BURST,
            scale: Scale::Doubling,
            value: f64::from(w.burst),
            tip: "Consecutive tokens of the same domain, 1 to 65 536. If it is as long as a sequence, sequences differ as texts do",
            change: |v| Change::SetBurst(v as u32),
        },
    ]
}

/// Draws how the variant learns; nothing if the experiment does not learn.
pub(super) fn show(ui: &mut Ui, desk: &mut Desk<'_>) {
    if desk.lab.settings().world().is_none() {
        return;
    }
    let theme = desk.theme;
    let Some(learning) = desk.variant().map(|v| v.learning.clone()) else { return };
    group(ui, theme, "Learning");
    let tip = "What pulls the router itself towards balance, besides the task";
    if let Some(a) = desk.choice(ui, Label { name: "Auxiliary loss", tip }, &learning.auxiliary, &auxiliaries(), |a| {
        Change::SetLearning(LearningChange::Auxiliary(*a))
    }) {
        desk.change(Change::SetLearning(LearningChange::Auxiliary(a)));
    }
    ui.add_enabled_ui(learning.auxiliary != Auxiliary::None, |ui| desk.rows(ui, &[alpha(&learning)]));
    if let Some(row) = window(&learning) {
        desk.rows(ui, &[row]);
    }
    desk.rows(ui, &[z_loss(&learning)]);
    let tip = "How the chosen scores become the weights of the experts' outputs. The bias plays no part in it";
    if let Some(g) = desk.choice(ui, Label { name: "Gating values", tip }, &learning.gating, &gatings(), |g| {
        Change::SetLearning(LearningChange::Gating(*g))
    }) {
        desk.change(Change::SetLearning(LearningChange::Gating(g)));
    }
    optimiser(ui, desk, &learning);

    let about = of_auxiliary(learning.auxiliary);
    ui.add_space(8.0);
    told(ui, theme, &about);
}

/// All auxiliary losses.
pub(super) fn auxiliaries() -> Vec<Item<Auxiliary>> {
    let item = |a| {
        let about = of_auxiliary(a);
        Item::new(a, about.name, format!("{}\n{}", about.equation, about.idea))
    };
    Auxiliary::iter().map(item).collect()
}

/// The ways in which chosen scores become weights of the experts' outputs.
pub(super) fn gatings() -> [Item<Gating>; 2] {
    [
        Item::new(Gating::Raw, "Raw gating values", "g = s. Wang et al. 2024 use it"),
        Item::new(
            Gating::Normalised,
            "Normalised gating values",
            "g = s/Σs over the chosen experts, as DeepSeek-V3. Then only ratios matter, the task may shrink all scores, and a fixed u \
             becomes coarser",
        ),
    ]
}

/// All optimisers.
pub(super) fn optimisers() -> [Item<Optimiser>; 2] {
    [
        Item::new(Optimiser::Adam, "Adam", "Moves every parameter about equally far, however small its gradient"),
        Item::new(
            Optimiser::Sgd,
            "SGD with momentum",
            "Moves along the gradient itself. Choosing it sets the learning rates to 2 and 0.5; with slightly more it diverges",
        ),
    ]
}

/// The changes that set an optimiser and its usual learning rates.
pub(super) fn with_rates(optimiser: Optimiser) -> Vec<Change> {
    let usual = Learning::default();
    let adam = optimiser == Optimiser::Adam;
    let (experts, router) = if adam { (usual.expert_rate, usual.router_rate) } else { (2.0, 0.5) };
    let all =
        [LearningChange::Optimiser(optimiser), LearningChange::ExpertRate(experts), LearningChange::RouterRate(router)];
    all.map(Change::SetLearning).into()
}

/// The weight of the auxiliary loss.
pub(super) fn alpha(learning: &Learning) -> Row<'static> {
    let tip = "Weight α of the auxiliary loss, 0 to 10. It is not comparable with a language model's α, whose task gradient on the \
               router is much smaller: compare the force ratio in Task loss instead";
    let change = |v| Change::SetLearning(LearningChange::Alpha(v));
    Row { name: "α", limits: limits::ALPHA, scale: Scale::Log, value: learning.alpha, tip, change }
}

/// The weight of the z-loss.
pub(super) fn z_loss(learning: &Learning) -> Row<'static> {
    let tip =
        "Weight of the z-loss 1/T Σ (ln Σ eᶻ)², 0 to 1. It keeps logits small and does not balance. ST-MoE uses 0.001";
    let change = |v| Change::SetLearning(LearningChange::ZLoss(v));
    Row { name: "z-loss", limits: limits::Z_LOSS, scale: Scale::Log, value: learning.z_loss, tip, change }
}

/// The number of tokens or batches over which the shares f are taken, if the auxiliary loss has such a setting.
pub(super) fn window(learning: &Learning) -> Option<Row<'static>> {
    Some(match learning.auxiliary {
        Auxiliary::SequenceWise => Row {
            name: "Sequence",
            limits: limits::SEQUENCE,
            scale: Scale::Doubling,
            value: f64::from(learning.sequence),
            tip: "Tokens in a sequence, 1 to 65 536: each is balanced on its own",
            change: |v| Change::SetLearning(LearningChange::Sequence(v as u32)),
        },
        Auxiliary::GlobalBatch => Row {
            name: "Batches",
            limits: limits::BATCHES,
            scale: Scale::Doubling,
            value: f64::from(learning.batches),
            tip: "The number of recent batches whose loads make the shares f, 1 to 256",
            change: |v| Change::SetLearning(LearningChange::Batches(v as u32)),
        },
        _ => return None,
    })
}

fn optimiser(ui: &mut Ui, desk: &mut Desk<'_>, learning: &Learning) {
    let tip = "What turns gradients into steps. Changing it clears its memory and sets its usual learning rates";
    if let Some(o) = desk.choice(ui, Label { name: "Optimiser", tip }, &learning.optimiser, &optimisers(), |o| {
        Change::SetLearning(LearningChange::Optimiser(*o))
    }) {
        desk.change_together(with_rates(o));
    }
    desk.rows(ui, &rates(learning));
}

/// The learning rates, and how they fall.
pub(super) fn rates(learning: &Learning) -> [Row<'static>; 3] {
    [
        Row {
            name: "Expert rate",
            limits: limits::EXPERT_RATE,
            scale: Scale::Log,
            value: learning.expert_rate,
            tip: "Learning rate of experts and shared expert, 0 to 10",
            change: |v| Change::SetLearning(LearningChange::ExpertRate(v)),
        },
        Row {
            name: "Router rate",
            limits: limits::ROUTER_RATE,
            scale: Scale::Log,
            value: learning.router_rate,
            tip: "Learning rate of the centroids, 0 to 10. At 0 the router does not change. Faster than the bias can follow, it drifts out of \
                 balance",
            change: |v| Change::SetLearning(LearningChange::RouterRate(v)),
        },
        Row {
            name: "Horizon",
            limits: limits::HORIZON,
            scale: Scale::LogWhole,
            value: f64::from(learning.horizon),
            tip: "Steps from the start of the run over which both rates fall along a cosine to a tenth, 0 to 1 000 000. 0: they stay constant",
            change: |v| Change::SetLearning(LearningChange::Horizon(v as u32)),
        },
    ]
}

/// The words about an auxiliary loss.
fn of_auxiliary(auxiliary: Auxiliary) -> About {
    match auxiliary {
        Auxiliary::None => About {
            name: "No auxiliary loss",
            equation: "L = task",
            idea: "The router follows only the task. If anything balances it, it is the bias, which no gradient sees.",
            watch: "How uneven the task alone makes the loads: the baseline, in NMSE, for everything else.",
            source: None,
        },
        Auxiliary::Plain => About {
            name: "Plain auxiliary loss",
            equation: "α Σ fᵢ Pᵢ\nfᵢ = E cᵢ/(K T), Pᵢ = mean sᵢ",
            idea: "The mean score of every expert, weighted by its load: experts with many tokens are pushed down most.",
            watch: "It pushes every score down, even in balance, and does not balance here at any α: it shows why P is normalised. The \
                    paper's figures are not reproduced with it.",
            source: Some(Source {
                name: "Wang et al. 2024, its baseline",
                url: "https://arxiv.org/abs/2408.15664",
                read: "read in the paper itself",
            }),
        },
        Auxiliary::Normalised => About {
            name: "Normalised auxiliary loss",
            equation: "α Σ fᵢ Pᵢ\nfᵢ = E cᵢ/(K T), Pᵢ = mean sᵢ/Σⱼ sⱼ",
            idea: "Scores divided by their sum, so that what one expert loses the others gain.",
            watch: "The larger α, the more even the loads and the worse the task. A small α does not balance.",
            source: Some(Source {
                name: "Megatron-LM, aux_loss",
                url: "https://github.com/NVIDIA/Megatron-LM",
                read: "read in its code",
            }),
        },
        Auxiliary::Switch => About {
            name: "Switch auxiliary loss",
            equation: "α Σ fᵢ Pᵢ\nfᵢ = E · share of first choices\nPᵢ = mean softmax(z)ᵢ",
            idea: "Made for K = 1: it counts only each token's first choice. GShard's loss is the same up to 1/E².",
            watch: "With K above 1 the second and later choices stay unbalanced.",
            source: Some(Source {
                name: "Fedus et al. 2021",
                url: "https://arxiv.org/abs/2101.03961",
                read: "from general knowledge, fairly sure",
            }),
        },
        Auxiliary::SequenceWise => About {
            name: "Sequence-wise loss",
            equation: "α · mean over sequences of Σ fᵢ Pᵢ\nf from the unbiased top-K",
            idea: "Balances every sequence on its own. DeepSeek-V3 adds it with a tiny α to its loss-free balancing.",
            watch: "Set Burst to the length of a sequence, and it works against specialisation.",
            source: Some(Source {
                name: "DeepSeek-V3",
                url: "https://arxiv.org/abs/2412.19437",
                read: "read in its text",
            }),
        },
        Auxiliary::GlobalBatch => About {
            name: "Global-batch loss",
            equation: "α Σ f̄ᵢ Pᵢ\nf̄ over the last batches",
            idea: "The shares f are those of many batches together, P is that of this one: what is uneven by chance is ignored.",
            watch: "Compared with the sequence-wise loss at the same α, experts have more room to specialise.",
            source: Some(Source {
                name: "Qwen, global-batch balance",
                url: "https://arxiv.org/abs/2501.11873",
                read: "read in its abstract",
            }),
        },
    }
}
