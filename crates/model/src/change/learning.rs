//! Changes of a world to learn from, and of how a variant learns.

use super::Change;
use crate::settings::learning::{Auxiliary, Gating, Learning, Optimiser, World};
use crate::terms::number;
use serde::{Deserialize, Serialize};

/// A change of a world. Batch, topics, skew, noise, drift and burst have the changes that synthetic tokens have.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum WorldChange {
    /// Domains.
    Domains(u32),
    /// Zipf exponent of the topics in a domain.
    Rich(f64),
    /// Share that a topic has from its domain.
    Kinship(f64),
    /// Share that all tokens have in common.
    Common(f64),
    /// Noise of a target.
    TargetNoise(f64),
}

/// A change of how a variant learns.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum LearningChange {
    /// Another optimiser; its memory starts afresh.
    Optimiser(Optimiser),
    /// Learning rate of the experts.
    ExpertRate(f64),
    /// Learning rate of the centroids.
    RouterRate(f64),
    /// Steps of the cosine.
    Horizon(u32),
    /// From score to gating value.
    Gating(Gating),
    /// The auxiliary loss.
    Auxiliary(Auxiliary),
    /// Weight α.
    Alpha(f64),
    /// Weight of the z-loss.
    ZLoss(f64),
    /// Tokens in a sequence.
    Sequence(u32),
    /// Batches of the global-batch loss.
    Batches(u32),
}

impl World {
    /// Applies a change of the token source. False where a world has no such setting.
    pub fn apply(&mut self, change: &Change) -> bool {
        match change {
            Change::SetBatch(n) => self.batch = *n,
            Change::SetTopics(n) => self.topics = *n,
            Change::SetSkew(x) => self.skew = *x,
            Change::SetNoise(x) => self.noise = *x,
            Change::SetDrift(x) => self.drift = *x,
            Change::SetBurst(n) => self.burst = *n,
            Change::SetWorld(change) => match change {
                WorldChange::Domains(n) => self.domains = *n,
                WorldChange::Rich(x) => self.rich = *x,
                WorldChange::Kinship(x) => self.kinship = *x,
                WorldChange::Common(x) => self.common = *x,
                WorldChange::TargetNoise(x) => self.target_noise = *x,
            },
            _ => return false,
        }
        true
    }

    /// The change that would bring the same setting back.
    #[must_use]
    pub fn inverse(&self, change: &Change) -> Option<Change> {
        Some(match change {
            Change::SetBatch(_) => Change::SetBatch(self.batch),
            Change::SetTopics(_) => Change::SetTopics(self.topics),
            Change::SetSkew(_) => Change::SetSkew(self.skew),
            Change::SetNoise(_) => Change::SetNoise(self.noise),
            Change::SetDrift(_) => Change::SetDrift(self.drift),
            Change::SetBurst(_) => Change::SetBurst(self.burst),
            Change::SetWorld(change) => Change::SetWorld(match change {
                WorldChange::Domains(_) => WorldChange::Domains(self.domains),
                WorldChange::Rich(_) => WorldChange::Rich(self.rich),
                WorldChange::Kinship(_) => WorldChange::Kinship(self.kinship),
                WorldChange::Common(_) => WorldChange::Common(self.common),
                WorldChange::TargetNoise(_) => WorldChange::TargetNoise(self.target_noise),
            }),
            _ => return None,
        })
    }
}

impl Learning {
    /// Applies a change.
    pub fn apply(&mut self, change: &LearningChange) {
        match change {
            LearningChange::Optimiser(o) => self.optimiser = *o,
            LearningChange::ExpertRate(x) => self.expert_rate = *x,
            LearningChange::RouterRate(x) => self.router_rate = *x,
            LearningChange::Horizon(n) => self.horizon = *n,
            LearningChange::Gating(g) => self.gating = *g,
            LearningChange::Auxiliary(a) => self.auxiliary = *a,
            LearningChange::Alpha(x) => self.alpha = *x,
            LearningChange::ZLoss(x) => self.z_loss = *x,
            LearningChange::Sequence(n) => self.sequence = *n,
            LearningChange::Batches(n) => self.batches = *n,
        }
    }

    /// The change that would bring the same setting back.
    #[must_use]
    pub fn inverse(&self, change: &LearningChange) -> LearningChange {
        match change {
            LearningChange::Optimiser(_) => LearningChange::Optimiser(self.optimiser),
            LearningChange::ExpertRate(_) => LearningChange::ExpertRate(self.expert_rate),
            LearningChange::RouterRate(_) => LearningChange::RouterRate(self.router_rate),
            LearningChange::Horizon(_) => LearningChange::Horizon(self.horizon),
            LearningChange::Gating(_) => LearningChange::Gating(self.gating),
            LearningChange::Auxiliary(_) => LearningChange::Auxiliary(self.auxiliary),
            LearningChange::Alpha(_) => LearningChange::Alpha(self.alpha),
            LearningChange::ZLoss(_) => LearningChange::ZLoss(self.z_loss),
            LearningChange::Sequence(_) => LearningChange::Sequence(self.sequence),
            LearningChange::Batches(_) => LearningChange::Batches(self.batches),
        }
    }
}

impl WorldChange {
    /// The setting's name, as it is written in files.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Domains(_) => "domains",
            Self::Rich(_) => "rich",
            Self::Kinship(_) => "kinship",
            Self::Common(_) => "common",
            Self::TargetNoise(_) => "target_noise",
        }
    }

    /// The value as a person would write it.
    #[must_use]
    pub fn value(&self) -> String {
        match self {
            Self::Domains(n) => n.to_string(),
            Self::Rich(x) | Self::Kinship(x) | Self::Common(x) | Self::TargetNoise(x) => number(*x),
        }
    }
}

impl LearningChange {
    /// The setting's name, as it is written in files.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Optimiser(_) => "optimiser",
            Self::ExpertRate(_) => "expert_rate",
            Self::RouterRate(_) => "router_rate",
            Self::Horizon(_) => "horizon",
            Self::Gating(_) => "gating",
            Self::Auxiliary(_) => "auxiliary",
            Self::Alpha(_) => "alpha",
            Self::ZLoss(_) => "z_loss",
            Self::Sequence(_) => "sequence",
            Self::Batches(_) => "batches",
        }
    }

    /// The value as a person would write it.
    #[must_use]
    pub fn value(&self) -> String {
        match self {
            Self::Optimiser(o) => o.to_string(),
            Self::Gating(g) => g.to_string(),
            Self::Auxiliary(a) => a.to_string(),
            Self::ExpertRate(x) | Self::RouterRate(x) | Self::Alpha(x) | Self::ZLoss(x) => number(*x),
            Self::Horizon(n) | Self::Sequence(n) | Self::Batches(n) => n.to_string(),
        }
    }
}
