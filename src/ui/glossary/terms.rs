//! The terms themselves.

use super::{Group, Term};

const WANG: &str = "Wang et al. 2024, arXiv 2408.15664";
const OURS: &str = "as this project measures it";
const PRICES: &str = "our derivation, in the spirit of Han & Zhong 2025";
const V3: &str = "DeepSeek-V3 technical report";
const SMEBU: &str = "Trinity Large, arXiv 2602.17004";
const ID: &str = "ID Balancing, arXiv 2609.39137";
const LONGCAT: &str = "LongCat-Flash, arXiv 2509.01322";

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

/// Every term, by group.
#[rustfmt::skip]
pub(super) const TERMS: &[Term] = &[
    // Routing
    term(Routing, "Token", &["Token #", "in the heatmap"], "A piece of text, such as a word or a part of one, as a vector of numbers. Each token goes to a few experts.", "", ""),
    term(Routing, "Expert", &["Experts", "Expert #", "chose expert #"], "One of many networks side by side in a layer. A token uses only some of them, so a model can be large and each token cheap.", "E experts", ""),
    term(Routing, "Router", &[], "Decides for every token which experts it uses: it scores all of them and takes the best.", "", ""),
    term(Routing, "Gate", &[], "The function that makes a score of a logit.", "sigmoid, softmax or √softplus", WANG),
    term(Routing, "Score", &["mean score"], "How well a token and an expert fit. The scores of the chosen experts weigh what these say.", "s = gate(x·e), between 0 and 1, or up to 2.8 for √softplus", WANG),
    term(Routing, "Logit", &[], "The product of a token and an expert’s centroid, before the gate.", "x·e", WANG),
    term(Routing, "Centroid", &[], "The vector of an expert in the router: tokens that point the same way score high there.", "e", WANG),
    term(Routing, "Top-K", &["K", "needs at least"], "Each token goes to the K experts with the largest score plus bias.", "K experts per token", WANG),
    term(Routing, "Margin", &[], "How far the last expert chosen stands above the first not chosen. A bias that changes by less moves nobody.", "score units", OURS),
    term(Routing, "Gating value", &["Gating values", "Divide by their sum"], "The weight of a chosen expert’s output. It comes from the plain score: the bias never enters it.", "g = s, or s / Σs, times the route scale", WANG),
    term(Routing, "Route scale", &["Scale"], "A factor of every gating value. No token goes elsewhere for it.", "DeepSeek-V3: 2.5", V3),
    term(Routing, "Shared expert", &["Shared", "Shared experts"], "An expert that every token uses beside its K. It changes no load.", "", WANG),
    term(Routing, "Groups", &["Kept", "Group", "needs"], "Experts stand in groups, one per node, and a token may choose only within its best few: less traffic between nodes.", "group score = sum of its two best s + b", V3),
    term(Routing, "Capacity", &["Factor", "Capacity factor"], "The most tokens that an expert takes of a batch.", "⌈T·K/E · factor⌉ tokens", "Switch Transformers; both ways to drop as in Megatron-LM’s code"),
    term(Routing, "Dropped", &["dropped share"], "Chosen, but the expert is full: the token skips it.", "share of all assignments", "Megatron-LM’s code"),
    term(Routing, "Assignment", &["assignments"], "One token at one expert: a batch of T tokens has K·T of them.", "K·T per step", ""),
    term(Routing, "Expert Choice", &[], "The other way round: each expert takes its K·T/E best tokens of the batch. Perfectly balanced, but it looks at later tokens.", "", "Zhou et al. 2022, from general knowledge"),
    // Balancing
    term(Balancing, "Balancer", &["Rule"], "What keeps experts equally busy: how the loads of one step become the biases of the next.", "", ""),
    term(Balancing, "Bias", &["Biases", "bias from, to", "bias now", "Expert bias"], "A number per expert that is added to its scores when experts are chosen, and nowhere else. It rises where tokens are missing.", "b, score units", WANG),
    term(Balancing, "Step size u", &["Step u", "u", "Rate"], "How far a bias moves in one step. Too small never arrives, too large never settles.", "u, score units; 0.001 in the paper", WANG),
    term(Balancing, "Step λ", &[], "The largest step of SMEBU, before its momentum.", "λ, score units; Trinity Large: 5e-4", SMEBU),
    term(Balancing, "Gain Kᵢ", &[], "How strongly ID Balancing answers to the error.", "Kᵢ, score units; 6e-3 in the paper", ID),
    term(Balancing, "Gain K_d", &[], "How strongly ID Balancing answers to a growing error.", "K_d, score units; 6e-3 in the paper", ID),
    term(Balancing, "Rate μ", &[], "The step size of LongCat-Flash’s rule. What the model takes is not established.", "μ, score units", LONGCAT),
    term(Balancing, "Steepness κ", &["Steep κ"], "How small an error already makes nearly a full step of SMEBU.", "tanh(κ·error); Trinity Large: 2", SMEBU),
    term(Balancing, "Momentum β", &["Mom. β"], "The share of the last step that SMEBU takes again.", "m ← β·m + (1−β)·Δ; Trinity Large: 0.5", SMEBU),
    term(Balancing, "Identity experts", &["Zero Z", "Zero experts"], "Experts that pass a token through unchanged, so that easy tokens cost less. Their biases never move.", "Z of E; LongCat-Flash: 256 of 768", LONGCAT),
    term(Balancing, "Computing experts", &["Real K_e", "K_e"], "How many of a token’s K experts are to compute, on average; the others are identity experts.", "K_e; LongCat-Flash: about 8 of 12", LONGCAT),
    term(Balancing, "Schedule", &[], "How the step size changes with the steps: constant, or falling like 1/√n or 1/n.", "n counts from where it was chosen", ""),
    term(Balancing, "Freezing", &["Freeze from step", "Frozen"], "From a step on the biases stay as they are.", "DeepSeek-V3: the last 500 of 14 800 billion tokens", V3),
    term(Balancing, "Centring", &["Centre the biases"], "Takes the mean off all biases after every update. A common shift changes no selection, so no token goes elsewhere.", "b ← b − mean b", ""),
    term(Balancing, "Moving average", &["Average"], "How much of the old bias Quantile Balancing keeps: it calms what a single batch shakes.", "a in β ← a·β + (1−a)·β̂", "Megatron-LM’s code"),
    term(Balancing, "Passes", &[], "How often BIP looks at a batch before it routes it.", "1 to 16", "abstract of arXiv 2502.15451, and Su’s post 11619"),
    term(Balancing, "Error", &["violation error"], "How many tokens an expert is short of the mean; negative where it has too many.", "e = c̄ − c, tokens", WANG),
    term(Balancing, "Loss-free balancing", &[], "Balance by a bias that only selection sees: unlike an auxiliary loss, no gradient pulls the model away from its task.", "b ← b + u·sign(c̄ − c)", WANG),
    term(Balancing, "Moved by the bias", &["because of the bias alone", "moved away by the bias", "though not of their K best", "K best, but not taken", "without it: expert #", "instead: expert #"], "Assignments that the scores alone would have made otherwise.", "share of assignments", OURS),
    term(Balancing, "Saturated", &["saturated experts"], "An expert whose bias is more than 3 below the largest: the selection key holds it as exactly that far.", "", "this project’s number format"),
    term(Balancing, "Leak", &[], "What routing can tell a token of later ones, where experts choose.", "K·log₂((1−R)/R) bits per token and layer, R = K/E", WANG),
    // Measures
    term(Measures, "Load", &["Load per expert", "Load over time", "Load curves", "Expert # gets", "mean of the last # steps", "Loads"], "The number of tokens that an expert got in a step.", "c, tokens", WANG),
    term(Measures, "Fair share", &["fair share L", "evenly spread", "Mean load"], "The load of every expert at perfect balance.", "L = c̄ = K·T/E, tokens", WANG),
    term(Measures, "MaxVio", &["Worst expert", "MaxVio of the batch", "MaxVio per batch", "# tokens"], "How far the busiest expert is above its fair share. 0 is perfect balance; 1 means twice the fair share.", "max load / L − 1", WANG),
    term(Measures, "MaxVio of 16 steps, global", &["of # steps, of all", "MaxVio global", "Mark"], "The same from the loads of 16 steps together, and of all steps since the mark: chance evens out, what stays is lasting imbalance.", "", "global: Wang et al. 2024; 16 steps: as this project measures it"),
    term(Measures, "MinVio", &[], "How far the least busy expert is below its fair share.", "1 − min load / L", ID),
    term(Measures, "Coefficient of variation", &["CV"], "How much loads scatter, whoever is the worst.", "standard deviation / mean", OURS),
    term(Measures, "Entropy", &["entropy over ln E"], "How evenly tokens are spread; 1 is perfect balance.", "−Σ p ln p / ln E, p the load shares", OURS),
    term(Measures, "Effective experts", &[], "How many equally busy experts would be spread as evenly.", "e to the entropy, over 64 steps", OURS),
    term(Measures, "Starving, dead", &["Starving", "Dead"], "Experts with under 25 %, and under 1 %, of their fair share over 64 steps.", "", OURS),
    term(Measures, "Settling time", &["settled", "settling"], "The first step from which the run stays in balance for 64 steps.", "steps since the start or the mark", OURS),
    term(Measures, "Steady MaxVio", &["steady"], "The mean MaxVio of the last 100 steps, once the run has settled.", "", OURS),
    term(Measures, "Time in balance", &["in balance"], "The share of steps in which MaxVio of 16 steps is at most 0.2.", "% of steps", OURS),
    term(Measures, "Oscillation", &["Swing of biases", "Period of the swing", "amplitude", "period"], "How far the biases swing over the last 100 steps, and after how many steps they come back.", "half the 5–95 % range, score units; steps", OURS),
    term(Measures, "Sampling floor", &["floor"], "The MaxVio that chance alone leaves at perfect balance, for independent tokens. No balancer gets below it for long.", "≈ E[max of E normals] · √((1 − K/E)/L)", OURS),
    term(Measures, "Experts per token", &[], "How many experts a token gets where that is not fixed.", "mean over the batch; the rule aims at K", "Su’s MoE series, post 10815"),
    term(Measures, "Share of tokens", &["of all tokens"], "How many of a batch’s tokens belong to a topic, in percent.", "%", ""),
    // Tokens
    term(Tokens, "Batch", &["Tokens per step"], "The tokens of one step. The bias moves once per batch.", "T tokens", WANG),
    term(Tokens, "Step", &[], "One batch routed, its loads counted, and the biases moved once.", "", WANG),
    term(Tokens, "Tokens", &["Token source", "Tokens → experts", "first of them: token"], "Where tokens come from: synthetic topics, one batch for ever, a recorded trace of a real model, or a world to learn from.", "", ""),
    term(Tokens, "Topic", &["Topics"], "What a synthetic token is about. Tokens of one topic like the same experts.", "", ""),
    term(Tokens, "Skew", &[], "How unequal the popularity of topics is. Popular topics flood the experts they like.", "Zipf: the r-th topic has a share ∝ 1/rˢ", ""),
    term(Tokens, "Noise", &[], "How far tokens scatter round their topic’s centre.", "", ""),
    term(Tokens, "Drift", &[], "How fast topics wander, so that a balance found once does not last.", "lifetimes per 1 000 steps", ""),
    term(Tokens, "Burst", &[], "How many tokens in a row share a topic, as neighbouring words do. Batches are then more uneven by chance.", "tokens", ""),
    term(Tokens, "Seed", &["Freeze step"], "The number that all chance comes from. The same seed gives the same run on every machine.", "", ""),
    term(Tokens, "Trace", &[], "Router scores recorded from a real model, routed again here.", "", ""),
    term(Tokens, "Variant", &["Settings below are of"], "One of several routers that get the same tokens, to compare them.", "", ""),
    // Learning
    term(Learning, "Learning", &["Learned"], "Experts and router change too, by gradient descent on a task, not only the biases.", "", ""),
    term(Learning, "Auxiliary loss", &[], "A second loss that punishes uneven loads. Its gradient balances the router, and disturbs what it learns.", "α Σ f·P", "GShard and Switch, from general knowledge; Wang et al. 2024"),
    term(Learning, "Weight α", &["α"], "How much the auxiliary loss counts beside the task.", "Wang et al. 2024 compare 1e-2, 1e-3 and 1e-4", WANG),
    term(Learning, "z-loss", &[], "A loss that keeps logits small. It does not balance.", "1/T Σ (ln Σ eᶻ)²; ST-MoE: 0.001", "ST-MoE, from general knowledge"),
    term(Learning, "Task loss", &["NMSE, e^loss", "NMSE"], "How badly the experts predict the targets, over what predicting nothing comes to.", "NMSE, %", OURS),
    term(Learning, "Interference, force", &["Force ratio"], "The angle between task and auxiliary gradient on the router, and how strong the second is beside the first.", "cosine; α·|auxiliary| / |task|", OURS),
    term(Learning, "Optimiser", &["Expert rate", "Router rate", "Horizon"], "What turns gradients into steps, and how large these are.", "Adam, or SGD with momentum", ""),
    term(Learning, "Domain", &["Domains", "Rich", "Kinship", "Common", "Target ε"], "Topics belong to domains and have part of their centre and map from them; how much, and how tokens and targets scatter, is set here.", "", "this project’s world to learn from"),
    term(Learning, "Sequence", &[], "Tokens that follow each other in one text; the sequence-wise loss balances each on its own.", "tokens", V3),
    term(Learning, "Global batch", &["Batches"], "Many batches together: the loss by their loads leaves alone what is uneven by chance.", "batches", "Qwen’s global-batch balance, read in its abstract"),
    // Theory
    term(Theory, "Theory", &["Price view"], "Balancing seen as a market: each update is a step towards the prices at which the balanced assignment is what tokens want.", "", PRICES),
    term(Theory, "Dual price", &["Price", "the prices take"], "The bias read as the price of an expert’s places: a token takes the K largest γ + p, so the lower p, the dearer the expert.", "p, score units", PRICES),
    term(Theory, "Lagrangian Λ", &["Λ = D, before", "Λ after", "Λ rose in", "Lagrangian"], "The total score of what tokens take, with the prices of what is over or short. Updates should bring it down towards the optimum.", "Λ = Σγ·x + Σp·(load − L)", PRICES),
    term(Theory, "Optimum", &["exact optimum", "gap D − optimum", "rms(p − p*)", "largest gap Δ to go", "distance to the optimum"], "The largest total score of any balanced assignment, and the prices that lead to it.", "score units", PRICES),
    term(Theory, "Switching benefit", &[], "What tokens gain by moving once the prices have changed.", "Σ b, score units", PRICES),
    term(Theory, "Moves", &["tokens that moved", "dropped and taken pairs", "against the rule", "not down the load", "in all steps looked at"], "Which tokens changed experts, and whether as the rule of preference says.", "", PRICES),
    term(Theory, "Band", &["band L ± (E − #)", "worst load is off by", "largest admissible u", "K = #", "constant u", "gaps over #u apart", "one batch for ever", "sign rule"], "Around the fair share: where all loads of a fixed batch end, if u is small enough.", "L ± (E − 1) tokens, for K = 1", PRICES),
    term(Theory, "Regret", &["regret so far", "its bound"], "What the steps so far cost beyond the best prices there are, known only afterwards.", "Σ f(pₙ) − f(p*), score units", PRICES),
    term(Theory, "Curvature μ", &["curvature μ = T·λ₂", "ties within", "u/n needs u ≥ L/μ"], "How sharply the cost rises away from the optimum: the larger, the less regret.", "μ", PRICES),
    term(Theory, "Computation batch", &["Batch size"], "The tokens that a device computes at once. The smaller, the more uneven by chance.", "tokens", WANG),
    term(Theory, "Learned bias", &["correlation", "rms difference", "spread of the learned", "largest gap, Δ/#u"], "The bias that a recorded model had learned, beside the one found here.", "score units", OURS),
    // The screen
    term(Screen, "Microscope", &[], "One step taken apart: scores, + bias, top-K, counts, error, new bias, with every number.", "", ""),
    term(Screen, "Comparison", &["Compare"], "Variants side by side on the same tokens, with what each run comes to.", "", ""),
    term(Screen, "Sweep", &["Setting to sweep", "Second setting to sweep"], "The same experiment over and over with other values of one or two settings, to see what they do.", "", ""),
    term(Screen, "Film", &["Shows", "Size", "Format"], "Pictures of a run, step after step, as one file.", "", ""),
    term(Screen, "Inspector", &[], "The token and expert under the pointer, in figures.", "", ""),
    term(Screen, "Digest", &[], "A number that all loads and biases so far lead to. Two runs with the same digest have been the same in every step.", "", "this project"),
    term(Screen, "Scenario", &["Scenarios"], "An experiment as a small file: settings, and what happens at which step.", "", ""),
    term(Screen, "Recording", &["Record"], "A scenario with everything that was changed in a run, and the digest it came to. It repeats bit for bit.", "", ""),
    term(Screen, "Engine", &[], "What computes: the CPU or a GPU. Every engine gives the same loads and biases.", "", ""),
];
