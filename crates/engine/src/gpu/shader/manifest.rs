//! Which files of `shaders/` make up which shader. This is the only place that names them. A shader contains only what its pass needs.

use super::{Choice, Keep, Key, Pass, Routing, Scores};

/// A file in `shaders/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File {
    /// The path of the file from the root of the repository.
    pub path: &'static str,
    /// The content of the file.
    pub text: &'static str,
}

macro_rules! files {
    ($($name:literal),*) => {
        &[$(File {
            path: concat!("shaders/", $name, ".wgsl"),
            text: include_str!(concat!(env!("MOEBIAS_SHADERS"), "/", $name, ".wgsl")),
        }),*]
    };
}

/// A part of a shader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// What every shader contains.
    Every,
    /// Generating synthetic tokens.
    Drawn,
    /// The source of a token's scores.
    Scores(Scores),
    /// How the bias enters the key.
    Key(Key),
    /// Keeping the largest keys of a token.
    Keep(Keep),
    /// Choosing the experts of a token.
    Choice(Choice),
    /// Choosing the experts of a token without the bias.
    Unbiased(Choice),
    /// Counting the experts of the largest keys.
    Tally(Keep),
    /// Counting the experts of a token.
    Assign(Choice),
    /// The pass itself.
    Own(Pass),
}

impl Slot {
    /// The files of this part.
    #[must_use]
    pub fn files(self) -> &'static [File] {
        match self {
            Self::Every => files!["shared/step", "shared/fixed64"],
            Self::Drawn => files!["shared/random", "shared/tokens", "shared/gate"],
            Self::Scores(Scores::Sigmoid) => files!["shared/scores_sigmoid"],
            Self::Scores(Scores::Softmax) => files!["shared/scores_softmax"],
            Self::Scores(Scores::SqrtSoftplus) => files!["shared/scores_sqrt_softplus"],
            Self::Scores(Scores::Trace) => files!["shared/scores_trace"],
            Self::Key(Key::Additive) => files!["shared/select", "shared/key_additive"],
            Self::Key(Key::Multiplicative) => files!["shared/select", "shared/key_multiplicative"],
            Self::Keep(Keep::Four) => files!["shared/keep_4"],
            Self::Keep(Keep::Eight) => files!["shared/keep_8"],
            Self::Keep(Keep::Sixteen) => files!["shared/keep_16"],
            Self::Keep(Keep::ThirtyTwo) => files!["shared/keep_32"],
            Self::Choice(Choice::Largest) => files!["shared/choose"],
            Self::Choice(Choice::Groups) => files!["shared/choose_groups"],
            Self::Choice(Choice::Hash) => files!["shared/choose_hash"],
            Self::Choice(Choice::Threshold) => files!["shared/choose_threshold"],
            Self::Unbiased(Choice::Groups) => files!["shared/choose_groups_unbiased"],
            Self::Unbiased(_) => files!["shared/choose_unbiased"],
            Self::Tally(Keep::Four) => files!["shared/tally_4"],
            Self::Tally(Keep::Eight) => files!["shared/tally_8"],
            Self::Tally(Keep::Sixteen) => files!["shared/tally_16"],
            Self::Tally(Keep::ThirtyTwo) => files!["shared/tally_32"],
            Self::Assign(Choice::Threshold) => files!["shared/assign_threshold"],
            Self::Assign(_) => files!["shared/tally", "shared/assign_best"],
            Self::Own(Pass::Prepare) => files!["shared/largest", "prepare"],
            Self::Own(Pass::Route(_)) => files!["route"],
            Self::Own(Pass::RouteShared(_)) => files!["route_shared"],
            Self::Own(Pass::Moved(Routing { choice: Choice::Threshold, .. })) => files!["moved_threshold"],
            Self::Own(Pass::Moved(_)) => files!["moved"],
            Self::Own(Pass::Update) => files!["update"],
            Self::Own(Pass::Begin) => files!["shared/order", "shared/largest", "begin"],
            Self::Own(Pass::Digits(_)) => files!["shared/order", "digits"],
            Self::Own(Pass::Pick) => files!["shared/order", "pick"],
            Self::Own(Pass::Settle) => files!["shared/order", "settle"],
        }
    }
}

impl Pass {
    /// The parts of the shader, in order.
    #[must_use]
    pub fn slots(self) -> Vec<Slot> {
        let mut slots = vec![Slot::Every];
        if let Some(r) = self.routing() {
            if r.scores != Scores::Trace {
                slots.push(Slot::Drawn);
            }
            slots.extend([Slot::Scores(r.scores), Slot::Key(r.key), Slot::Keep(r.keep), Slot::Choice(r.choice)]);
        }
        match self {
            Self::Route(r) if r.choice == Choice::Threshold => slots.push(Slot::Assign(r.choice)),
            Self::Route(r) => slots.extend([Slot::Tally(r.keep), Slot::Assign(r.choice)]),
            Self::RouteShared(r) => slots.push(Slot::Tally(r.keep)),
            Self::Moved(r) => slots.push(Slot::Unbiased(r.choice)),
            Self::Prepare | Self::Update | Self::Begin | Self::Digits(_) | Self::Pick | Self::Settle => {}
        }
        slots.push(Slot::Own(self));
        slots
    }

    fn routing(self) -> Option<Routing> {
        match self {
            Self::Route(r) | Self::RouteShared(r) | Self::Moved(r) | Self::Digits(r) => Some(r),
            Self::Prepare | Self::Update | Self::Begin | Self::Pick | Self::Settle => None,
        }
    }
}
