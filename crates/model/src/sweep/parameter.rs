//! What can be swept, and how a value of it is set.

use crate::change::LearningChange;
use crate::change::{self, Change, Target};
use crate::config::{Capacity, ConfigError, Experiment, Gate, Limits, Rule, Schedule, limits};
use crate::naming::{self, term};
use crate::settings::learning::limits as learn;
use std::fmt;
use strum::{EnumIter, IntoEnumIterator as _};

/// A setting that can be swept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter)]
pub enum Parameter {
    /// Step size u.
    Rate,
    /// Experts per token, K.
    TopK,
    /// Experts, E.
    Experts,
    /// Zipf exponent of topic popularity.
    Skew,
    /// Spread of tokens round their topic.
    Noise,
    /// Topic lifetimes per thousand steps.
    Drift,
    /// Consecutive tokens that share a topic.
    Burst,
    /// Number of topics.
    Topics,
    /// Tokens per batch, T.
    Batch,
    /// Update rule.
    Rule,
    /// From logit to score.
    Gate,
    /// How u changes with time.
    Schedule,
    /// Capacity over the fair share.
    Capacity,
    /// Momentum β of SMEBU.
    Momentum,
    /// Steepness κ of SMEBU.
    Steepness,
    /// Gain K_d of ID Balancing.
    Derivative,
    /// Computing experts per token that LongCat-Flash's rule is to reach.
    RealExperts,
    /// Weight of the old β in Quantile Balancing's moving average.
    Average,
    /// Passes of BIP.
    Iterations,
    /// Weight α of the auxiliary loss, where something learns.
    Alpha,
    /// Seed of everything random.
    Seed,
}

/// One value of a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A number.
    Real(f64),
    /// A whole number.
    Whole(u32),
    /// An update rule.
    Rule(Rule),
    /// A gate.
    Gate(Gate),
    /// A schedule of u.
    Schedule(Schedule),
}

/// What values a parameter has.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Numbers within limits.
    Real(Limits),
    /// Whole numbers within limits.
    Whole(Limits),
    /// Names.
    Choice,
}

impl Parameter {
    /// Its name in files, on the command line and as a column.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::TopK => "top_k",
            Self::Experts => "experts",
            Self::Skew => "skew",
            Self::Noise => "noise",
            Self::Drift => "drift",
            Self::Burst => "burst",
            Self::Topics => "topics",
            Self::Batch => "batch",
            Self::Rule => "rule",
            Self::Gate => "gate",
            Self::Schedule => "schedule",
            Self::Capacity => "capacity",
            Self::Momentum => "momentum",
            Self::Steepness => "steepness",
            Self::Derivative => "derivative",
            Self::RealExperts => "real_experts",
            Self::Average => "average",
            Self::Iterations => "iterations",
            Self::Alpha => "alpha",
            Self::Seed => "seed",
        }
    }

    /// What it is called on screen.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Drift => "drift (lifetimes per 1,000 steps)",
            Self::Burst => "burst (tokens)",
            Self::Capacity => "capacity (× fair share)",
            other => term(other.name()).map_or(other.name(), |t| t.name),
        }
    }

    /// The shortest name there is on screen.
    #[must_use]
    pub fn sign(self) -> &'static str {
        term(self.name()).map_or(self.name(), |t| t.sign)
    }

    /// What the command line also takes for it: u, K, E, T.
    #[must_use]
    pub fn short(self) -> &'static str {
        match self {
            Self::Rate | Self::TopK | Self::Experts | Self::Batch => term(self.name()).map_or(self.name(), |t| t.sign),
            other => other.name(),
        }
    }

    /// The parameter of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        let name = name.trim();
        Self::iter().find(|p| p.name().eq_ignore_ascii_case(name) || p.short().eq_ignore_ascii_case(name))
    }

    /// What values it has.
    #[must_use]
    pub fn kind(self) -> Kind {
        let seed = Limits { name: "seed", min: 0.0, max: 4_294_967_295.0 };
        match self {
            Self::Rate => Kind::Real(limits::RATE),
            Self::TopK => Kind::Whole(limits::TOP_K),
            Self::Experts => Kind::Whole(limits::EXPERTS),
            Self::Skew => Kind::Real(limits::SKEW),
            Self::Noise => Kind::Real(limits::NOISE),
            Self::Drift => Kind::Real(limits::DRIFT),
            Self::Burst => Kind::Whole(limits::BURST),
            Self::Topics => Kind::Whole(limits::TOPICS),
            Self::Batch => Kind::Whole(limits::BATCH),
            Self::Capacity => Kind::Real(limits::CAPACITY),
            Self::Momentum => Kind::Real(limits::MOMENTUM),
            Self::Steepness => Kind::Real(limits::STEEPNESS),
            Self::Derivative => Kind::Real(limits::DERIVATIVE),
            Self::RealExperts => Kind::Real(limits::REAL_EXPERTS),
            Self::Average => Kind::Real(limits::AVERAGE),
            Self::Iterations => Kind::Whole(limits::ITERATIONS),
            Self::Alpha => Kind::Real(learn::ALPHA),
            Self::Seed => Kind::Whole(seed),
            Self::Rule | Self::Gate | Self::Schedule => Kind::Choice,
        }
    }

    /// All values, where they are names.
    #[must_use]
    pub fn choices(self) -> Vec<Value> {
        match self {
            Self::Rule => Rule::iter().map(Value::Rule).collect(),
            Self::Gate => Gate::iter().map(Value::Gate).collect(),
            Self::Schedule => Schedule::iter().map(Value::Schedule).collect(),
            _ => vec![],
        }
    }

    /// A value from its text; the sentence says what is allowed.
    ///
    /// # Errors
    /// What is no value of it.
    pub fn read(self, text: &str) -> Result<Value, String> {
        let (name, text) = (self.name(), text.trim());
        match self.kind() {
            Kind::Choice => {
                let plain = |s: &str| s.replace(['-', '_', ' '], "").to_ascii_lowercase();
                let all = self.choices();
                all.iter().find(|v| plain(&v.to_string()) == plain(text)).copied().ok_or_else(|| {
                    let names: Vec<String> = all.iter().map(Value::to_string).collect();
                    format!("{text:?} is no {name}; there are {}", names.join(", "))
                })
            }
            Kind::Real(limits) => match text.parse::<f64>() {
                Ok(x) => limits.check("", x).map(|()| Value::Real(x)).map_err(|e| e.to_string()),
                Err(_) => Err(format!("{text:?} is no number for {name}")),
            },
            Kind::Whole(limits) => {
                let number = text.parse::<u32>().ok().or_else(|| {
                    let x = text.parse::<f64>().ok().filter(|x| x.fract() == 0.0)?;
                    (0.0..=4_294_967_295.0).contains(&x).then_some(x as u32)
                });
                let Some(n) = number else { return Err(format!("{text:?} is no whole number for {name}")) };
                limits.check("", f64::from(n)).map(|()| Value::Whole(n)).map_err(|e| e.to_string())
            }
        }
    }

    /// Whether it decides which tokens there are: runs that share these share their tokens.
    #[must_use]
    pub fn is_of_tokens(self) -> bool {
        matches!(self, Self::Skew | Self::Noise | Self::Drift | Self::Burst | Self::Topics | Self::Batch | Self::Seed)
    }

    /// The change that sets a value, where there is one. A value of another kind sets nothing.
    #[must_use]
    pub fn change(self, experiment: &Experiment, value: Value) -> Option<Change> {
        Some(match (self, value) {
            (Self::Rate, Value::Real(x)) => Change::SetRate(x),
            (Self::TopK, Value::Whole(n)) => Change::SetTopK(n),
            (Self::Skew, Value::Real(x)) => Change::SetSkew(x),
            (Self::Noise, Value::Real(x)) => Change::SetNoise(x),
            (Self::Drift, Value::Real(x)) => Change::SetDrift(x),
            (Self::Burst, Value::Whole(n)) => Change::SetBurst(n),
            (Self::Topics, Value::Whole(n)) => Change::SetTopics(n),
            (Self::Batch, Value::Whole(n)) => Change::SetBatch(n),
            (Self::Rule, Value::Rule(r)) => Change::SetRule(r),
            (Self::Gate, Value::Gate(g)) => Change::SetGate(g),
            (Self::Schedule, Value::Schedule(s)) => Change::SetSchedule(s),
            (Self::Capacity, Value::Real(factor)) => {
                let by = experiment.variants.iter().find_map(|v| v.router.capacity).map(|c| c.by).unwrap_or_default();
                Change::SetCapacity(Some(Capacity { factor, by }))
            }
            (Self::Momentum, Value::Real(x)) => Change::SetMomentum(x),
            (Self::Steepness, Value::Real(x)) => Change::SetSteepness(x),
            (Self::Derivative, Value::Real(x)) => Change::SetDerivative(x),
            (Self::RealExperts, Value::Real(x)) => Change::SetRealExperts(x),
            (Self::Average, Value::Real(x)) => Change::SetAverage(x),
            (Self::Iterations, Value::Whole(n)) => Change::SetIterations(n),
            (Self::Alpha, Value::Real(x)) => Change::SetLearning(LearningChange::Alpha(x)),
            _ => return None,
        })
    }

    /// Sets it in every variant, or in the token source. Whether everything fits together is asked afterwards.
    pub(super) fn set(self, experiment: &mut Experiment, value: Value) -> Result<(), ConfigError> {
        match (self, value) {
            (Self::Seed, Value::Whole(n)) => experiment.seed = n,
            (Self::Experts, Value::Whole(n)) => experiment.variants.iter_mut().for_each(|v| v.router.experts = n),
            _ => {
                if let Some(change) = self.change(experiment, value) {
                    let target = if change.is_of_source() { Target::Source } else { Target::AllVariants };
                    return change::set(experiment, target, &change);
                }
            }
        }
        Ok(())
    }

    /// Its value in an experiment's variant; `None` where it has none.
    #[must_use]
    pub fn of(self, experiment: &Experiment, variant: usize) -> Option<Value> {
        let v = experiment.variants.get(variant)?;
        match self {
            Self::Seed => return Some(Value::Whole(experiment.seed)),
            Self::Experts => return Some(Value::Whole(v.router.experts)),
            Self::Alpha if experiment.world().is_none() => return None,
            _ => {}
        }
        let any = match self.kind() {
            Kind::Real(_) => Value::Real(0.0),
            Kind::Whole(_) => Value::Whole(0),
            Kind::Choice => self.choices().first().copied()?,
        };
        let change = self.change(experiment, any)?;
        let target = if change.is_of_source() { Target::Source } else { Target::Variant(variant) };
        Some(match change::inverse(experiment, target, &change)? {
            Change::SetRate(x)
            | Change::SetSkew(x)
            | Change::SetNoise(x)
            | Change::SetDrift(x)
            | Change::SetMomentum(x)
            | Change::SetSteepness(x)
            | Change::SetDerivative(x)
            | Change::SetRealExperts(x)
            | Change::SetAverage(x)
            | Change::SetLearning(LearningChange::Alpha(x)) => Value::Real(x),
            Change::SetCapacity(c) => Value::Real(c?.factor),
            Change::SetTopK(n)
            | Change::SetBurst(n)
            | Change::SetTopics(n)
            | Change::SetBatch(n)
            | Change::SetIterations(n) => Value::Whole(n),
            Change::SetRule(r) => Value::Rule(r),
            Change::SetGate(g) => Value::Gate(g),
            Change::SetSchedule(s) => Value::Schedule(s),
            _ => return None,
        })
    }
}

impl Value {
    /// As it is called on screen; [`fmt::Display`] writes it as files and columns do.
    #[must_use]
    pub fn in_words(self) -> String {
        match self {
            Self::Real(x) => naming::number(x),
            Self::Whole(n) => n.to_string(),
            Self::Rule(r) => r.short().into(),
            Self::Gate(g) => g.title().into(),
            Self::Schedule(s) => s.title().into(),
        }
    }

    /// As a number, where it is one.
    #[must_use]
    pub fn number(self) -> Option<f64> {
        match self {
            Self::Real(x) => Some(x),
            Self::Whole(n) => Some(f64::from(n)),
            _ => None,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // As short as it can be and still be the same number.
            Self::Real(x) if *x != 0.0 && x.abs() < 1e-3 => write!(f, "{x:e}"),
            Self::Real(x) => write!(f, "{x}"),
            Self::Whole(n) => write!(f, "{n}"),
            Self::Rule(r) => f.write_str(r.key()),
            Self::Gate(g) => f.write_str(g.key()),
            Self::Schedule(s) => f.write_str(s.key()),
        }
    }
}
