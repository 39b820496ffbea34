//! The shaders. The WGSL of a pass starts with the constants that the host uses too ([`constants`]), followed by the files that the pass
//! needs for its kind of routing ([`manifest`]). So a shader contains no code for features that its variants do not use.

pub mod constants;
pub mod manifest;
pub mod source;

pub use source::Source;

use constants::{MOVED_LANES, ROUTE_LANES};
use moebias_model::config::{Gate, Rule};
use moebias_model::order::BINS;

/// The source of a token's scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, strum::EnumIter)]
pub enum Scores {
    /// Computed for synthetic tokens with the sigmoid gate.
    Sigmoid,
    /// Computed for synthetic tokens with the softmax gate.
    Softmax,
    /// Computed for synthetic tokens with the √softplus gate.
    SqrtSoftplus,
    /// Recorded scores.
    Trace,
}

/// How the bias enters the selection key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, strum::EnumIter)]
pub enum Key {
    /// The bias is added to the score.
    Additive,
    /// The score is multiplied by the bias.
    Multiplicative,
}

/// How a token's experts are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, strum::EnumIter)]
pub enum Choice {
    /// The K largest keys.
    Largest,
    /// The K largest keys among the experts of its best groups.
    Groups,
    /// By a hash of the token's word; only for synthetic tokens.
    Hash,
    /// All experts with score + bias above 0, however many; selection keys are not used.
    Threshold,
}

/// How many of the largest keys a thread keeps: the smallest of these numbers that is at least K.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, strum::EnumIter)]
pub enum Keep {
    /// For K up to 4.
    Four,
    /// For K up to 8.
    Eight,
    /// For K up to 16.
    Sixteen,
    /// For K up to 32.
    ThirtyTwo,
}

impl Keep {
    /// The smallest that keeps at least this many keys.
    #[must_use]
    pub fn of(keys: u32) -> Self {
        match keys {
            0..=4 => Self::Four,
            5..=8 => Self::Eight,
            9..=16 => Self::Sixteen,
            _ => Self::ThirtyTwo,
        }
    }
}

/// A kind of routing. Variants of the same kind share their dispatches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Routing {
    /// The source of the scores.
    pub scores: Scores,
    /// How the bias enters the key.
    pub key: Key,
    /// How many keys a thread keeps.
    pub keep: Keep,
    /// How experts are chosen.
    pub choice: Choice,
}

/// One pass of a step. The module `works` lists their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pass {
    /// Biases to keys.
    Prepare,
    /// Tokens to loads.
    Route(Routing),
    /// Tokens to loads, for variants that differ only in their biases.
    RouteShared(Routing),
    /// Counts how many assignments of the sample the biases moved.
    Moved(Routing),
    /// Loads to biases.
    Update,
    /// Initialises the search for an order statistic.
    Begin,
    /// Counts, for every expert, how many tokens have each value of a digit.
    Digits(Routing),
    /// Picks the digit of the order statistic from the counts.
    Pick,
    /// Computes biases from order statistics.
    Settle,
}

impl Routing {
    /// Whether one thread can keep the largest keys of four variants, as [`Pass::RouteShared`] needs.
    #[must_use]
    pub fn can_share(self) -> bool {
        self.choice == Choice::Largest && matches!(self.keep, Keep::Four | Keep::Eight)
    }

    /// Whether there are rules with this routing that need order statistics over the batch.
    #[must_use]
    pub fn can_order(self) -> bool {
        self.choice == Choice::Largest && self.key == Key::Additive
    }

    /// The routing that a variant needs.
    #[must_use]
    pub fn new(trace: bool, gate: Gate, rule: Rule, top_k: u32, grouped: bool) -> Self {
        let scores = match (trace, gate) {
            (true, _) => Scores::Trace,
            (false, Gate::Sigmoid) => Scores::Sigmoid,
            (false, Gate::Softmax) => Scores::Softmax,
            (false, Gate::SqrtSoftplus) => Scores::SqrtSoftplus,
        };
        let key = if rule == Rule::Multiplicative { Key::Multiplicative } else { Key::Additive };
        let choice = match rule {
            Rule::Hash => Choice::Hash,
            Rule::Threshold => Choice::Threshold,
            _ if grouped => Choice::Groups,
            _ => Choice::Largest,
        };
        Self { scores, key, keep: Keep::of(top_k), choice }
    }
}

impl Pass {
    /// The name of the entry point, which is also that of the file.
    #[must_use]
    pub fn entry(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Moved(r) if r.choice == Choice::Threshold => "moved_threshold",
            Self::Route(_) => "route",
            Self::RouteShared(_) => "route_shared",
            Self::Moved(_) => "moved",
            Self::Update => "update",
            Self::Begin => "begin",
            Self::Digits(_) => "digits",
            Self::Pick => "pick",
            Self::Settle => "settle",
        }
    }

    /// Number of threads per workgroup; `LANES` in the shaders.
    #[must_use]
    pub fn lanes(self) -> u32 {
        match self {
            // Each thread handles four bins.
            Self::Pick => BINS as u32 / 4,
            Self::Moved(_) => MOVED_LANES,
            Self::Route(_) | Self::RouteShared(_) | Self::Digits(_) => ROUTE_LANES,
            Self::Prepare | Self::Update | Self::Begin | Self::Settle => 128,
        }
    }

    /// The WGSL of the pass.
    #[must_use]
    pub fn source(self) -> Source {
        Source::of(self)
    }

    /// Every pass that exists.
    #[must_use]
    pub fn all() -> Vec<Self> {
        use strum::IntoEnumIterator as _;
        let mut all = vec![Self::Prepare, Self::Update, Self::Begin, Self::Pick, Self::Settle];
        for scores in Scores::iter() {
            for key in Key::iter() {
                for keep in Keep::iter() {
                    let known = |c: &Choice| match c {
                        Choice::Hash => scores != Scores::Trace,
                        Choice::Threshold => key == Key::Additive,
                        Choice::Largest | Choice::Groups => true,
                    };
                    for choice in Choice::iter().filter(known) {
                        let routing = Routing { scores, key, keep, choice };
                        all.extend([Self::Route(routing), Self::Moved(routing)]);
                        if routing.can_share() {
                            all.push(Self::RouteShared(routing));
                        }
                        if routing.can_order() {
                            all.push(Self::Digits(routing));
                        }
                    }
                }
            }
        }
        all
    }
}
