//! The table of all settings that can change while an experiment runs.
//!
//! A row of the table states for one setting: the variant of the change, the type of its value, the field that holds it (which is also its
//! key in files, on the command line and in columns), its name on screen, its symbol, its unit, what else people call it, and its range.
//! [`Change`](crate::change::Change) and its undo, the words of events and marks, what can be swept and what the palette finds are
//! generated from these rows. To add a setting, add its field and a row here.

use super::Limits;

/// The names, unit and range of a setting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Term {
    /// The key in files: the last part of the setting's path.
    pub key: &'static str,
    /// The name on screen.
    pub name: &'static str,
    /// The symbol, or else the shortest name, for marks and lists.
    pub sign: &'static str,
    /// The unit; empty for plain numbers and for values that are not numbers.
    pub unit: &'static str,
    /// What else people call the setting, for searches.
    pub also: &'static [&'static str],
    /// The range of its values, where it has one.
    pub limits: Option<Limits>,
}

impl Term {
    /// A term without unit, other names or range.
    pub(crate) const fn new(key: &'static str, name: &'static str, sign: &'static str) -> Self {
        Self { key, name, sign, unit: "", also: &[], limits: None }
    }

    const fn unit(self, unit: &'static str) -> Self {
        Self { unit, ..self }
    }

    const fn also(self, also: &'static [&'static str]) -> Self {
        Self { also, ..self }
    }

    const fn within(self, limits: Limits) -> Self {
        Self { limits: Some(limits), ..self }
    }
}

/// Passes all rows to another macro: first the settings of the token source, then those that only a world to learn from has, then those of
/// a variant, then those of how a variant learns.
macro_rules! every_setting {
    ($then:ident) => {
        $then! {
            source {
                /// Tokens per batch.
                SetBatch(u32) batch: ("tokens per batch T", "T")
                    .unit("tokens").also(&["batch size", "T", "tokens per step"]).within(limits::BATCH);
                /// Number of topics.
                SetTopics(u32) topics: ("topics", "topics").also(&["number of topics"]).within(limits::TOPICS);
                /// Zipf exponent of topic popularity.
                SetSkew(f64) skew: ("skew", "skew").also(&["zipf exponent"]).within(limits::SKEW);
                /// Spread of tokens around their topic's centre.
                SetNoise(f64) noise: ("noise", "noise").within(limits::NOISE);
                /// Drift, in topic lifetimes per thousand steps.
                SetDrift(f64) drift: ("drift", "drift").unit("per 1 000 steps").within(limits::DRIFT);
                /// Consecutive tokens that share a topic.
                SetBurst(u32) burst: ("burst", "burst").unit("tokens").within(limits::BURST);
            }
            world {
                /// Number of domains.
                Domains(u32) domains: ("domains", "domains").within(learning::limits::DOMAINS);
                /// Zipf exponent of the number of topics in a domain.
                Rich(f64) rich: ("richness", "richness").within(learning::limits::RICH);
                /// Share of a topic's variance that comes from its domain.
                Kinship(f64) kinship: ("kinship", "kinship").within(learning::limits::KINSHIP);
                /// Share of a token's variance that is common to all tokens.
                Common(f64) common: ("common part", "common part").within(learning::limits::COMMON);
                /// Noise of the targets.
                TargetNoise(f64) target_noise: ("target noise ε", "ε")
                    .also(&["target noise"]).within(learning::limits::TARGET_NOISE);
            }
            variant {
                /// Experts per token.
                SetTopK(u32) router.top_k: ("experts per token K", "K")
                    .also(&["top-K", "experts per token"]).within(limits::TOP_K);
                /// The gate.
                SetGate(Gate) router.gate: ("gate", "gate");
                /// Groups of experts, and how many of them a token chooses among.
                SetGroups(Option<Groups>) router.groups: ("groups", "groups").also(&["kept groups"]);
                /// The most tokens that an expert takes of a batch.
                SetCapacity(Option<Capacity>) router.capacity: ("capacity", "capacity")
                    .also(&["capacity factor"]).within(limits::CAPACITY);
                /// Shared experts.
                SetShared(u32) router.shared: ("shared experts", "shared")
                    .also(&["shared experts"]).within(limits::SHARED);
                /// Whether a token's gating values are divided by their sum.
                SetRenormalise(bool) router.renormalise: ("renormalised", "renormalised");
                /// Route scale.
                SetScale(f64) router.scale: ("route scale", "scale").also(&["route scale"]).within(limits::SCALE);
                /// The update rule. A rule whose biases mean something else resets the biases; any other rule clears the memory.
                SetRule(Rule) balancer.rule: ("rule", "rule");
                /// Step size u.
                SetRate(f64) balancer.rate: ("step size u", "u").unit("score units")
                    .also(&["u", "step size u", "step size", "rate", "bias update speed"]).within(limits::RATE);
                /// How u changes with the number of updates, n, which starts at 1 again.
                SetSchedule(Schedule) balancer.schedule: ("schedule", "schedule");
                /// Whether the mean bias is subtracted after every update.
                SetCentred(bool) balancer.centred: ("centring", "centring");
                /// The step from which the biases stay as they are; `None` lets them move.
                SetFreeze(Option<u64>) balancer.freeze: ("freezing", "freezing").also(&["freeze"]).within(limits::FREEZE);
                /// Momentum β of SMEBU.
                SetMomentum(f64) balancer.momentum: ("momentum β", "β").also(&["momentum"]).within(limits::MOMENTUM);
                /// Steepness κ of SMEBU.
                SetSteepness(f64) balancer.steepness: ("steepness κ", "κ")
                    .also(&["steepness", "kappa"]).within(limits::STEEPNESS);
                /// Gain K_d of ID Balancing.
                SetDerivative(f64) balancer.derivative: ("gain K_d", "K_d")
                    .also(&["derivative gain", "Kd"]).within(limits::DERIVATIVE);
                /// Identity experts of LongCat-Flash's rule.
                SetZeroExperts(u32) balancer.zero_experts: ("identity experts", "Z")
                    .also(&["identity experts", "zero experts", "Z"]).within(limits::ZERO_EXPERTS);
                /// The mean number of computing experts per token that LongCat-Flash's rule aims at.
                SetRealExperts(f64) balancer.real_experts: ("computing experts", "K_e")
                    .also(&["computing experts", "Ke"]).within(limits::REAL_EXPERTS);
                /// Weight of the old β in Quantile Balancing's moving average.
                SetAverage(f64) balancer.average: ("moving average", "average")
                    .also(&["moving average"]).within(limits::AVERAGE);
                /// Passes that BIP makes over a batch before routing it.
                SetIterations(u32) balancer.iterations: ("passes", "passes")
                    .also(&["iterations"]).within(limits::ITERATIONS);
            }
            learning {
                /// The optimiser. Changing it resets its state.
                Optimiser(Optimiser) optimiser: ("optimiser", "optimiser");
                /// Learning rate of the experts and the shared expert.
                ExpertRate(f64) expert_rate: ("expert rate", "expert rate")
                    .also(&["learning rate"]).within(learning::limits::EXPERT_RATE);
                /// Learning rate of the centroids.
                RouterRate(f64) router_rate: ("router rate", "router rate")
                    .also(&["learning rate"]).within(learning::limits::ROUTER_RATE);
                /// Steps of the rates' cosine.
                Horizon(u32) horizon: ("horizon", "horizon").within(learning::limits::HORIZON);
                /// How scores become gating values.
                Gating(Gating) gating: ("gating values", "gating values");
                /// The auxiliary loss.
                Auxiliary(Auxiliary) auxiliary: ("auxiliary loss", "loss");
                /// Weight α of the auxiliary loss.
                Alpha(f64) alpha: ("weight α", "α").also(&["alpha", "auxiliary weight"]).within(learning::limits::ALPHA);
                /// Weight of the z-loss.
                ZLoss(f64) z_loss: ("z-loss", "z-loss").also(&["router z-loss"]).within(learning::limits::Z_LOSS);
                /// Tokens in a sequence.
                Sequence(u32) sequence: ("sequence", "sequence").unit("tokens").within(learning::limits::SEQUENCE);
                /// Number of batches over which the global-batch loss averages.
                Batches(u32) batches: ("batches", "batches").within(learning::limits::BATCHES);
            }
        }
    };
}
pub(crate) use every_setting;

macro_rules! terms {
    ($($group:ident {
        $($(#[$doc:meta])* $change:ident($type:ty) $first:ident$(.$second:ident)?:
            ($name:literal, $sign:literal) $(.$more:ident($value:expr))*;)*
    })*) => {
        /// The terms of all settings in the table.
        pub const TABLE: &[Term] = {
            use super::{learning, limits};
            &[$($(Term::new(last!($first $(.$second)?), $name, $sign)$(.$more($value))*,)*)*]
        };
    };
}

macro_rules! last {
    ($first:ident) => {
        stringify!($first)
    };
    ($first:ident.$second:ident) => {
        stringify!($second)
    };
}

every_setting!(terms);
