//! The texts of all terms.

use super::{Group, Term};

const WANG: &str = "[Wang et al. 2024, arXiv 2408.15664](https://arxiv.org/abs/2408.15664)";
const OURS: &str = "as this project measures it";
const PRICES: &str = "our derivation, in the spirit of Han & Zhong 2025";
const V3: &str = "[DeepSeek-V3 technical report](https://arxiv.org/abs/2412.19437)";
const SMEBU: &str = "[Trinity Large, arXiv 2602.17004](https://arxiv.org/abs/2602.17004)";
const ID: &str = "[ID Balancing, arXiv 2609.39137](https://arxiv.org/abs/2609.39137)";
const LONGCAT: &str = "[LongCat-Flash, arXiv 2509.01322](https://arxiv.org/abs/2509.01322)";

const fn term(
    group: Group,
    name: &'static str,
    also: &'static [&'static str],
    says: &'static str,
    formula: &'static str,
    source: &'static str,
) -> Term {
    Term { group, name, also, says, formula, source }
}

use Group::{Balancing, Learning, Measures, Routing, Screen, Theory, Tokens};

/// All terms, in order of their groups.
#[rustfmt::skip]
pub(super) const TERMS: &[Term] = &[
    // Routing
    term(Routing, "Token", &["Token #", "in the heatmap"], "A piece of text, such as a word or a part of one, represented by a vector of numbers. Each token goes to a few experts.", "", ""),
    term(Routing, "Expert", &["Experts", "Experts E", "Expert #", "chose expert #"], "One of many networks side by side in a layer. A token uses only a few of them, so a model can be large while each token stays cheap.", "E experts", ""),
    term(Routing, "Router", &[], "Decides which experts each token uses: it scores all of them and takes the best.", "", ""),
    term(Routing, "Gate", &[], "The function that turns a logit into a score.", "sigmoid, softmax or √softplus", WANG),
    term(Routing, "Score", &["mean score"], "How well a token and an expert fit. The scores of the chosen experts weight their outputs.", "s = gate(x·e), between 0 and 1, or up to 2.8 for √softplus", WANG),
    term(Routing, "Logit", &[], "The product of a token and an expert’s centroid, before the gate.", "x·e", WANG),
    term(Routing, "Centroid", &[], "The vector of an expert in the router: tokens that point the same way score high there.", "e", WANG),
    term(Routing, "Top-K", &["K", "Experts per token K", "needs at least"], "Each token goes to the K experts with the largest score plus bias.", "K experts per token", WANG),
    term(Routing, "Margin", &[], "How far the last expert chosen is above the first one not chosen. A bias that changes by less than that moves no token.", "score units", OURS),
    term(Routing, "Gating value", &["Gating values", "Divide by their sum", "Renormalised"], "The weight of a chosen expert’s output. It comes from the plain score: the bias never enters it.", "g = s, or s / Σs, times the route scale", WANG),
    term(Routing, "Route scale", &["Scale"], "A factor applied to every gating value. It changes no selection.", "DeepSeek-V3: 2.5", V3),
    term(Routing, "Shared expert", &["Shared", "Shared experts"], "An expert that every token uses besides its K. It changes no load.", "", WANG),
    term(Routing, "Groups", &["Kept", "Group", "needs"], "Experts are divided into groups, one per node, and a token may choose only within its best few groups: less traffic between nodes.", "group score = sum of its two best s + b", V3),
    term(Routing, "Capacity", &["Factor", "Capacity factor"], "The most tokens of a batch that an expert takes.", "⌈T·K/E · factor⌉ tokens", "[Switch Transformers](https://arxiv.org/abs/2101.03961); both ways to drop as in Megatron-LM’s code"),
    term(Routing, "Dropped", &["dropped share"], "Chosen, but the expert is full: the token skips it.", "share of all assignments", "Megatron-LM’s code"),
    term(Routing, "Assignment", &["assignments"], "One token at one expert: a batch of T tokens has K·T of them.", "K·T per step", ""),
    term(Routing, "Expert Choice", &[], "The other way round: each expert takes its K·T/E best tokens of the batch. Perfectly balanced, but it looks at later tokens.", "", "[Zhou et al. 2022](https://arxiv.org/abs/2202.09368), from general knowledge"),
    // Balancing
    term(Balancing, "Balancer", &["Rule"], "What keeps the experts equally busy: it turns the loads of one step into the biases of the next.", "", ""),
    term(Balancing, "Bias", &["Biases", "smallest bias", "largest bias", "bias now", "Expert bias"], "A number per expert that is added to its scores when experts are chosen, and nowhere else. It rises while the expert gets too few tokens.", "b, score units", WANG),
    term(Balancing, "Step size u", &["u"], "How far a bias moves in one step. Too small takes very long to arrive; too large never settles.", "u, score units; 0.001 in the paper", WANG),
    term(Balancing, "Step size λ", &[], "The largest step of SMEBU, before its momentum.", "λ, score units; Trinity Large: 5e-4", SMEBU),
    term(Balancing, "Gain Kᵢ", &[], "How strongly ID Balancing responds to the error.", "Kᵢ, score units; 6e-3 in the paper", ID),
    term(Balancing, "Gain K_d", &[], "How strongly ID Balancing responds to a growing error.", "K_d, score units; 6e-3 in the paper", ID),
    term(Balancing, "Step size μ", &[], "The step size of LongCat-Flash’s rule. The value that the model uses is not published.", "μ, score units", LONGCAT),
    term(Balancing, "Steepness κ", &["Steep κ"], "How small an error already causes nearly a full step of SMEBU.", "tanh(κ·error); Trinity Large: 2", SMEBU),
    term(Balancing, "Momentum β", &["Mom. β"], "The share of the previous step that SMEBU repeats.", "m ← β·m + (1−β)·Δ; Trinity Large: 0.5", SMEBU),
    term(Balancing, "Identity experts", &["Zero Z", "Zero experts"], "Experts that pass a token through unchanged, so that easy tokens cost less. Their biases never change.", "Z of E; LongCat-Flash: 256 of 768", LONGCAT),
    term(Balancing, "Computing experts", &["Real K_e", "K_e"], "How many of a token’s K experts are to compute, on average; the others are identity experts.", "K_e; LongCat-Flash: about 8 of 12", LONGCAT),
    term(Balancing, "Schedule", &[], "How the step size u changes over the run: constant, or falling like 1/√n or 1/n.", "n counts from the step at which it was chosen", ""),
    term(Balancing, "Freezing", &["Freeze from step", "Frozen"], "From some step on the biases no longer change.", "DeepSeek-V3: the last 500 of 14 800 billion tokens", V3),
    term(Balancing, "Centring", &["Centre the biases"], "Subtracts the mean from all biases after every update. A common shift changes no selection.", "b ← b − mean b", ""),
    term(Balancing, "Moving average", &["Average"], "How much of the old bias Quantile Balancing keeps; it calms the trembling that single batches cause.", "a in β ← a·β + (1−a)·β̂", "Megatron-LM’s code"),
    term(Balancing, "Passes", &[], "How many passes BIP makes over a batch before routing it. After the last one the largest bias is set to 0: this anchor is ours, without it balance is lost after about 100 batches.", "1 to 16; b ← b − max b", "abstract of [arXiv 2502.15451](https://arxiv.org/abs/2502.15451), and [Su’s post 11619](https://kexue.fm/archives/11619); the anchor is this project’s"),
    term(Balancing, "Error", &["violation error"], "How many tokens an expert is short of the mean load; negative if it has too many.", "e = c̄ − c, tokens", WANG),
    term(Balancing, "Loss-free balancing", &[], "Balance by a bias that only selection sees: unlike an auxiliary loss, no gradient pulls the model away from its task.", "b ← b + u·sign(c̄ − c)", WANG),
    term(Balancing, "Moved by the bias", &["because of the bias alone", "moved away by the bias", "though not of their K best", "K best, but not taken", "without it: expert #", "instead: expert #"], "Assignments that the scores alone would have made differently.", "share of assignments", OURS),
    term(Balancing, "Saturated", &["saturated experts"], "An expert whose bias is more than 3 below the largest: the selection key holds it as exactly that far.", "", "this project’s number format"),
    term(Balancing, "Leak", &[], "What routing can tell a token about later ones, where experts choose.", "K·log₂((1−R)/R) bits per token and layer, R = K/E", WANG),
    // Measures
    term(Measures, "Load", &["Load per expert", "Load over time", "Load curves", "Expert # gets", "mean of the last # steps", "Loads"], "The number of tokens that an expert got in a step.", "c, tokens", WANG),
    term(Measures, "Fair share", &["fair share L", "evenly spread", "Mean load"], "The load of every expert at perfect balance.", "L = c̄ = K·T/E, tokens", WANG),
    term(Measures, "MaxVio", &["Worst expert", "MaxVio of the batch", "MaxVio per batch", "# tokens"], "How far the busiest expert is above its fair share. 0 is perfect balance; 1 means twice the fair share.", "max load / L − 1", WANG),
    term(Measures, "MaxVio of 16 steps, global", &["MaxVio of # steps", "MaxVio since the mark", "MaxVio global", "Mark"], "MaxVio of the loads of 16 steps together, and of all steps since the mark: chance evens out, and lasting imbalance remains.", "", "global: [Wang et al. 2024](https://arxiv.org/abs/2408.15664); 16 steps: as this project measures it"),
    term(Measures, "MinVio", &[], "How far the least busy expert is below its fair share.", "1 − min load / L", ID),
    term(Measures, "Coefficient of variation", &["CV"], "How much the loads scatter, over all experts.", "standard deviation / mean", OURS),
    term(Measures, "Entropy", &["entropy over ln E"], "How evenly tokens are spread; 1 is perfect balance.", "−Σ p ln p / ln E, p the load shares", OURS),
    term(Measures, "Effective experts", &[], "The number of equally busy experts that would have the same entropy.", "e to the entropy, over 64 steps", OURS),
    term(Measures, "Starving, dead", &["Starving", "Dead"], "Experts with under 25 %, and under 1 %, of their fair share over 64 steps.", "", OURS),
    term(Measures, "Settling time", &["settled", "settling"], "The first step from which the run stays in balance for 64 steps.", "steps since the start or the mark", OURS),
    term(Measures, "Steady MaxVio", &["steady"], "The mean MaxVio of the last 100 steps, once the run has settled. Steps before the last change of a setting do not count.", "", OURS),
    term(Measures, "Time in balance", &["in balance"], "The share of steps in which MaxVio of 16 steps is at most 0.2.", "% of steps", OURS),
    term(Measures, "Oscillation", &["Swing of biases", "Period of the swing", "amplitude", "period"], "How far the biases swing over the last 100 steps, and the number of steps in one cycle.", "half the 5–95 % range, score units; steps", OURS),
    term(Measures, "Sampling floor", &["floor"], "The MaxVio that chance alone causes at perfect balance, for independent tokens. No rule stays below it for long without looking ahead.", "≈ E[max of E normals] · √((1 − K/E)/L)", OURS),
    term(Measures, "Experts per token", &[], "How many experts a token gets where the number is not fixed.", "mean over the batch; the rule’s target is K", "[Su’s MoE series, post 10815](https://kexue.fm/archives/10815)"),
    term(Measures, "Share of tokens", &["of all tokens"], "How many of a batch’s tokens belong to a topic, in percent.", "%", ""),
    // Tokens
    term(Tokens, "Batch", &["Tokens per step"], "The tokens of one step. The biases are updated once per batch.", "T tokens", WANG),
    term(Tokens, "Step", &[], "One batch is routed, its loads are counted, and the biases are updated once.", "", WANG),
    term(Tokens, "Tokens", &["Token source", "Tokens → experts", "first of them: token"], "Where tokens come from: synthetic topics, one repeated batch, a recorded trace of a real model, or a world to learn from.", "", ""),
    term(Tokens, "Topic", &["Topics"], "What a synthetic token is about. Tokens of one topic score high at the same experts.", "", ""),
    term(Tokens, "Skew", &[], "How unequal the popularity of topics is. Popular topics flood the experts that suit them.", "Zipf: the r-th topic has a share ∝ 1/rˢ", ""),
    term(Tokens, "Noise", &[], "How far tokens scatter around their topic’s centre.", "", ""),
    term(Tokens, "Drift", &[], "How fast topics change, so that a balance once found does not last.", "lifetimes per 1 000 steps", ""),
    term(Tokens, "Burst", &[], "How many tokens in a row share a topic, as neighbouring words do. It makes batches more uneven by chance.", "tokens", ""),
    term(Tokens, "Seed", &["Freeze step"], "The number that all random numbers come from. The same seed gives the same run on every machine.", "", ""),
    term(Tokens, "Trace", &[], "Router scores recorded from a real model, routed again here.", "", ""),
    term(Tokens, "Variant", &["Settings below are of"], "One of several routers that get the same tokens, for comparison.", "", ""),
    // Learning
    term(Learning, "Learning", &["Learned"], "Not only the biases change, but also the experts and the router, by gradient descent on a task.", "", ""),
    term(Learning, "Auxiliary loss", &[], "A second loss that penalises uneven loads. Its gradient balances the router, but disturbs what it learns.", "α Σ f·P", "GShard and [Switch](https://arxiv.org/abs/2101.03961), from general knowledge; [Wang et al. 2024](https://arxiv.org/abs/2408.15664)"),
    term(Learning, "Weight α", &["α"], "How much the auxiliary loss counts relative to the task loss.", "Wang et al. 2024 compare 1e-2, 1e-3 and 1e-4", WANG),
    term(Learning, "z-loss", &[], "A loss that keeps logits small. It does not balance.", "1/T Σ (ln Σ eᶻ)²; ST-MoE: 0.001", "ST-MoE, from general knowledge"),
    term(Learning, "Task loss", &["NMSE, e^loss", "NMSE"], "How badly the experts predict the targets, relative to predicting nothing.", "NMSE, %", OURS),
    term(Learning, "Interference, force", &["Force ratio"], "The angle between the task’s and the auxiliary loss’s gradient on the router, and the strength of the second relative to the first.", "cosine; α·|auxiliary| / |task|", OURS),
    term(Learning, "Optimiser", &["Expert rate", "Router rate", "Horizon"], "What turns gradients into steps, and how large they are.", "Adam, or SGD with momentum", ""),
    term(Learning, "Domain", &["Domains", "Rich", "Kinship", "Common", "Target ε"], "Topics belong to domains and share part of their centre and map with them; these settings say how much, and how far tokens and targets scatter.", "", "this project’s world to learn from"),
    term(Learning, "Sequence", &[], "Consecutive tokens of one text; the sequence-wise loss balances each sequence on its own.", "tokens", V3),
    term(Learning, "Global batch", &["Batches"], "Many batches together: a loss based on their loads ignores what is uneven by chance.", "batches", "Qwen’s global-batch balance, read in its abstract"),
    // Theory
    term(Theory, "Theory", &["Price view"], "Balancing seen as a market: each update is a step towards the prices at which the tokens’ own choices are balanced.", "", PRICES),
    term(Theory, "Dual price", &["Price", "the prices take"], "The bias, seen as the price of an expert’s places. It has the bias’s sign: a token takes the K largest γ + p, so a high p attracts tokens and a low p turns them away.", "p, score units", PRICES),
    term(Theory, "Lagrangian Λ", &["Λ = D, before", "Λ after", "Λ rose in", "Lagrangian"], "The total score of the tokens’ choices, plus the price of every place over or under the fair share. Updates should lower it towards the optimum.", "Λ = Σγ·x + Σp·(load − L)", PRICES),
    term(Theory, "Optimum", &["exact optimum", "gap D − optimum", "rms(p − p*)", "largest gap Δ to go", "distance to the optimum"], "The largest total score of any balanced assignment, and the prices that produce it.", "score units", PRICES),
    term(Theory, "Switching benefit", &[], "What tokens gain by moving after the prices have changed.", "Σ b, score units", PRICES),
    term(Theory, "Moves", &["tokens that moved", "dropped and taken pairs", "against the rule", "not down the load", "in all steps looked at"], "Which tokens changed experts, and whether they followed the preference rule.", "", PRICES),
    term(Theory, "Band", &["band L ± (E − #)", "worst load is off by", "largest admissible u", "K = #", "constant u", "gaps over #u apart", "one batch, repeated", "sign rule"], "The range around the fair share in which all loads of a repeated batch end, if u is small enough.", "L ± (E − 1) tokens, for K = 1", PRICES),
    term(Theory, "Regret", &["regret so far", "its bound"], "What the steps so far have cost compared with the best constant prices, which are known only afterwards.", "Σ f(pₙ) − f(p*), score units", PRICES),
    term(Theory, "Curvature μ", &["curvature μ = T·λ₂", "ties within", "u/n needs u ≥ L/μ"], "How sharply the cost rises away from the optimum: the larger it is, the smaller the regret.", "μ", PRICES),
    term(Theory, "Computation batch", &["Batch size"], "The tokens that a device computes at once. The fewer, the more uneven by chance.", "tokens", WANG),
    term(Theory, "Learned bias", &["correlation", "rms difference", "spread of the learned", "largest gap, Δ/#u"], "The bias that a recorded model had learned, compared with the one found here.", "score units", OURS),
    // The screen
    term(Screen, "Layers", &["Layer"], "All layers of a recording at once: each layer of a model has a router of its own, with loads and biases of its own.", "", OURS),
    term(Screen, "Text", &[], "The tokens of a step as text, coloured by expert, by load or by what the bias changed.", "", ""),
    term(Screen, "Microscope", &[], "One step taken apart: scores, + bias, top-K, counts, error, new bias, with every number.", "", ""),
    term(Screen, "Comparison", &["Compare"], "Variants side by side on the same tokens, with the figures of each run.", "", ""),
    term(Screen, "Sweep", &["Setting to sweep", "Second setting to sweep"], "The same experiment repeated with other values of one or two settings, to see their effect.", "", ""),
    term(Screen, "Film", &["Shows", "Size", "Format", "Theme"], "Pictures of a run, step after step, as one file.", "", ""),
    term(Screen, "Inspector", &[], "Figures of the token and the expert under the pointer.", "", ""),
    term(Screen, "Digest", &[], "A checksum of all loads and biases so far. Two runs with the same digest were the same in every step.", "", "this project"),
    term(Screen, "Scenario", &["Scenarios"], "An experiment as a small file: its settings, and what changes at which step.", "", ""),
    term(Screen, "Recording", &["Record"], "A scenario with everything that was changed during a run, and its final digest. It replays bit for bit.", "", ""),
    term(Screen, "Engine", &[], "What computes: the CPU or a GPU. Every engine gives the same loads and biases.", "", ""),
];
