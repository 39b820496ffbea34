//! Conditions for completing a task, on the figures and settings of one variant.

use moebias_model::config::{Experiment, Rule, Schedule, Source, TraceSource};
use moebias_model::metrics::Metrics;
use moebias_model::settings::reading::LeaveOut;
use serde::Deserialize;

/// A figure of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, strum::EnumIter)]
pub enum Figure {
    /// The load of the fullest expert above the fair share, in one batch.
    MaxVio,
    /// MaxVio of the last 16 batches together.
    MaxVio16,
    /// MaxVio of all batches since the mark.
    MaxVioGlobal,
    /// How far the load of the emptiest expert is below the fair share.
    MinVio,
    /// Effective number of experts over the last 64 steps.
    EffectiveExperts,
    /// Number of experts below a quarter of the fair share over the last 64 steps.
    Starving,
    /// Number of experts below a hundredth of the fair share over the last 64 steps.
    Dead,
    /// Share of assignments that the bias moved.
    Moved,
    /// The largest bias minus the smallest.
    BiasSpread,
    /// The task loss; only for a source to learn from.
    TaskLoss,
}

impl Figure {
    /// The name of the figure, for display.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MaxVio => "MaxVio",
            Self::MaxVio16 => "MaxVio over 16 steps",
            Self::MaxVioGlobal => "MaxVio global",
            Self::MinVio => "MinVio",
            Self::EffectiveExperts => "effective experts",
            Self::Starving => "starving experts",
            Self::Dead => "dead experts",
            Self::Moved => "share moved by the bias",
            Self::BiasSpread => "spread of the biases",
            Self::TaskLoss => "task loss",
        }
    }

    /// The value of the figure at one step.
    #[must_use]
    pub fn of(self, m: &Metrics) -> f64 {
        self.between(m, m).0
    }

    /// Bounds on the figure over several steps, from the smallest and largest values of all figures over these steps.
    fn between(self, low: &Metrics, high: &Metrics) -> (f64, f64) {
        let both = |of: fn(&Metrics) -> f64| (of(low), of(high));
        match self {
            Self::MaxVio => both(|m| m.max_vio),
            Self::MaxVio16 => both(|m| m.max_vio_16),
            Self::MaxVioGlobal => both(|m| m.max_vio_global),
            Self::MinVio => both(|m| m.min_vio),
            Self::EffectiveExperts => both(|m| m.effective),
            Self::Starving => both(|m| f64::from(m.starving)),
            Self::Dead => both(|m| f64::from(m.dead)),
            Self::Moved => both(|m| m.moved),
            Self::BiasSpread => (low.bias_max - high.bias_min, high.bias_max - low.bias_min),
            Self::TaskLoss => both(|m| m.learning.map_or(f64::NAN, |l| l.loss)),
        }
    }
}

/// A numeric setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Setting {
    /// Tokens per step.
    Batch,
    /// The Zipf exponent of the topics.
    Skew,
    /// The spread of tokens around their topic.
    Noise,
    /// Topic lifetimes per thousand steps.
    Drift,
    /// Number of experts.
    Experts,
    /// Number of experts per token.
    TopK,
    /// Step size.
    Rate,
    /// The weight of the auxiliary loss.
    Alpha,
}

impl Setting {
    /// The name of the setting, as on its control.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Batch => "the batch",
            Self::Skew => "the skew",
            Self::Noise => "the noise",
            Self::Drift => "the drift",
            Self::Experts => "the number of experts",
            Self::TopK => "K",
            Self::Rate => "u",
            Self::Alpha => "α",
        }
    }

    /// The present value of the setting; `None` if the experiment does not have it.
    #[must_use]
    pub fn of(self, experiment: &Experiment, variant: usize) -> Option<f64> {
        let source = experiment.synthetic();
        let world = experiment.world();
        let v = experiment.variants.get(variant)?;
        Some(match self {
            Self::Batch => source.map(|s| s.batch).or_else(|| world.map(|w| w.batch)).map(f64::from)?,
            Self::Skew => source.map(|s| s.skew).or_else(|| world.map(|w| w.skew))?,
            Self::Noise => source.map(|s| s.noise).or_else(|| world.map(|w| w.noise))?,
            Self::Drift => source.map(|s| s.drift).or_else(|| world.map(|w| w.drift))?,
            Self::Experts => f64::from(v.router.experts),
            Self::TopK => f64::from(v.router.top_k),
            Self::Rate => v.balancer.rate,
            Self::Alpha => v.learning.alpha,
        })
    }
}

/// The recording that the tokens come from; `None` if they are generated.
fn recording(experiment: &Experiment) -> Option<&TraceSource> {
    match &experiment.source {
        Source::Trace(trace) => Some(trace),
        _ => None,
    }
}

/// A condition for completing a task.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub enum Condition {
    /// The figure is below the bound.
    Below(Figure, f64),
    /// The figure is at least the bound.
    AtLeast(Figure, f64),
    /// The setting is in this range, both ends included.
    Between(Setting, f64, f64),
    /// The variant has this rule.
    RuleIs(Rule),
    /// The variant has this step size schedule.
    ScheduleIs(Schedule),
    /// The layer of the recording with this name is shown.
    LayerIs(String),
    /// These tokens of the recording are left out.
    LeavesOut(LeaveOut),
    /// The experiment has at least this many variants.
    Variants(usize),
    /// The run has reached this step.
    Step(u64),
    /// All of these conditions.
    All(Vec<Condition>),
}

impl Condition {
    /// All conditions it consists of, without [`Self::All`].
    #[must_use]
    pub fn parts(&self) -> Vec<&Self> {
        match self {
            Self::All(parts) => parts.iter().flat_map(Self::parts).collect(),
            one => vec![one],
        }
    }

    /// Whether it includes figures, which need a step to be done.
    #[must_use]
    pub fn of_figures(&self) -> bool {
        self.parts().iter().any(|p| matches!(p, Self::Below(..) | Self::AtLeast(..)))
    }

    /// Whether the conditions on settings and on the step hold; conditions on figures are ignored.
    #[must_use]
    pub fn settings_hold(&self, experiment: &Experiment, variant: usize, step: u64) -> bool {
        match self {
            Self::Below(..) | Self::AtLeast(..) => true,
            Self::Between(setting, low, high) => {
                setting.of(experiment, variant).is_some_and(|v| (*low..=*high).contains(&v))
            }
            Self::RuleIs(rule) => experiment.variants.get(variant).is_some_and(|v| v.balancer.rule == *rule),
            Self::ScheduleIs(s) => experiment.variants.get(variant).is_some_and(|v| v.balancer.schedule == *s),
            Self::LayerIs(name) => recording(experiment).is_some_and(|r| r.layer.as_ref() == Some(name)),
            Self::LeavesOut(what) => recording(experiment).is_some_and(|r| r.reading.leave_out.contains(what)),
            Self::Variants(n) => experiment.variants.len() >= *n,
            Self::Step(n) => step >= *n,
            Self::All(parts) => parts.iter().all(|p| p.settings_hold(experiment, variant, step)),
        }
    }

    /// Whether the conditions on figures hold in every one of several steps, given the smallest and largest figures over these steps. For a
    /// single step pass the same figures twice; the answer is then exact. For several steps it is never true wrongly.
    #[must_use]
    pub fn figures_hold(&self, low: &Metrics, high: &Metrics) -> bool {
        match self {
            Self::Below(figure, bound) => figure.between(low, high).1 < *bound,
            Self::AtLeast(figure, bound) => figure.between(low, high).0 >= *bound,
            Self::All(parts) => parts.iter().all(|p| p.figures_hold(low, high)),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use moebias_model::config::Synthetic;
    use moebias_model::settings::reading::Reading;

    #[test]
    fn the_layer_and_what_is_left_out_are_those_of_the_recording() {
        let reading = Reading { leave_out: vec![LeaveOut::Identical], ..Reading::default() };
        let source = TraceSource { file: "a.safetensors".into(), layer: Some("3".into()), reading: Box::new(reading) };
        let of = |source| Experiment { seed: 0, source, variants: vec![] };
        let (recorded, generated) = (of(Source::Trace(source)), of(Source::Synthetic(Synthetic::default())));
        let holds = |condition: &Condition, of: &Experiment| condition.settings_hold(of, 0, 0);
        let (layer, identical) = (Condition::LayerIs("3".into()), Condition::LeavesOut(LeaveOut::Identical));
        assert!(holds(&layer, &recorded) && !holds(&layer, &generated));
        assert!(holds(&identical, &recorded) && !holds(&identical, &generated));
        assert!(!holds(&Condition::LayerIs("2".into()), &recorded));
        assert!(!holds(&Condition::LeavesOut(LeaveOut::TokenId(0)), &recorded));
        assert!(!layer.of_figures() && !identical.of_figures());
    }

    #[test]
    fn figures_of_joined_steps_are_never_granted_too_easily() {
        let low = Metrics { max_vio: 0.1, bias_min: -0.2, bias_max: 0.1, ..Metrics::default() };
        let high = Metrics { max_vio: 0.3, bias_min: -0.1, bias_max: 0.3, ..Metrics::default() };
        assert!(Condition::Below(Figure::MaxVio, 0.31).figures_hold(&low, &high));
        assert!(!Condition::Below(Figure::MaxVio, 0.3).figures_hold(&low, &high), "one of the steps had 0.3");
        assert!(Condition::AtLeast(Figure::MaxVio, 0.1).figures_hold(&low, &high));
        assert!(!Condition::AtLeast(Figure::BiasSpread, 0.25).figures_hold(&low, &high));
        assert!(!Condition::Below(Figure::TaskLoss, 9.0).figures_hold(&low, &high), "nothing learns");
        let all = Condition::All(vec![Condition::Below(Figure::MaxVio, 0.4), Condition::AtLeast(Figure::MaxVio, 0.2)]);
        assert!(!all.figures_hold(&low, &high));
        assert!(all.of_figures() && !Condition::Step(3).of_figures());
    }
}
