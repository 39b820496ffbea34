//! The shaders: a pass is specialised by the files it is joined from ([`manifest`]), so that what a variant does not need is not in its
//! shader, and begins with the constants that the host knows too.

pub mod constants;
pub mod manifest;
pub mod source;

pub use source::Source;

use constants::{MOVED_LANES, ROUTE_LANES};
use moebias_model::config::{Gate, Rule};
use moebias_model::order::BINS;

/// Where a token's scores come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, strum::EnumIter)]
pub enum Scores {
    /// Synthetic tokens, sigmoid gate.
    Sigmoid,
    /// Synthetic tokens, softmax gate.
    Softmax,
    /// Synthetic tokens, gate by the root of the softplus.
    SqrtSoftplus,
    /// Recorded scores.
    Trace,
}

/// How the bias enters the selection key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, strum::EnumIter)]
pub enum Key {
    /// Added to the score.
    Additive,
    /// Multiplied with it.
    Multiplicative,
}

/// How a token's experts are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, strum::EnumIter)]
pub enum Choice {
    /// The largest keys.
    Largest,
    /// The largest keys among its best groups.
    Groups,
    /// By its word; synthetic tokens only.
    Hash,
    /// All above a threshold, however many; the key is not met.
    Threshold,
}

/// How many of the largest keys a thread holds: the smallest of these that is at least K.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, strum::EnumIter)]
pub enum Keep {
    /// K up to 4.
    Four,
    /// K up to 8.
    Eight,
    /// K up to 16.
    Sixteen,
    /// K up to 32.
    ThirtyTwo,
}

impl Keep {
    /// The smallest that holds as many, or the largest.
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

/// Variants of the same routing share their dispatches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Routing {
    /// Where scores come from.
    pub scores: Scores,
    /// How the bias enters.
    pub key: Key,
    /// How many keys are held.
    pub keep: Keep,
    /// How experts are chosen.
    pub choice: Choice,
}

/// One pass of a step, in the order they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pass {
    /// Biases to keys.
    Prepare,
    /// Tokens to loads.
    Route(Routing),
    /// Tokens to loads, for variants that differ in their biases alone.
    RouteShared(Routing),
    /// How many assignments of the sample the bias moved.
    Moved(Routing),
    /// Loads to biases.
    Update,
    /// Where the search for an order statistic begins.
    Begin,
    /// Tokens to how many have which digit.
    Digits(Routing),
    /// The digit of the number sought.
    Pick,
    /// Order statistics to biases.
    Settle,
}

impl Routing {
    /// Whether one thread can hold the largest keys of four variants.
    #[must_use]
    pub fn can_share(self) -> bool {
        self.choice == Choice::Largest && matches!(self.keep, Keep::Four | Keep::Eight)
    }

    /// Whether there are rules of this routing that put the batch in order.
    #[must_use]
    pub fn can_order(self) -> bool {
        self.choice == Choice::Largest && self.key == Key::Additive
    }

    /// What a variant needs.
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
    /// Name of the entry point, which is that of the file.
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

    /// Threads of a workgroup: `LANES` in the shaders.
    #[must_use]
    pub fn lanes(self) -> u32 {
        match self {
            // A lane has four bins.
            Self::Pick => BINS as u32 / 4,
            Self::Moved(_) => MOVED_LANES,
            Self::Route(_) | Self::RouteShared(_) | Self::Digits(_) => ROUTE_LANES,
            Self::Prepare | Self::Update | Self::Begin | Self::Settle => 128,
        }
    }

    /// Its WGSL.
    #[must_use]
    pub fn source(self) -> Source {
        Source::of(self)
    }

    /// Every pass there is.
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
