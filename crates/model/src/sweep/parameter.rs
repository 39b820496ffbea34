//! What can be swept, and how its values are read and set.

use crate::change::{self, Change, Target, Value};
use crate::config::{Capacity, ConfigError, Experiment, Gate, Limits, Rule, Schedule, limits};
use crate::naming::{Term, term};
use strum::{EnumIter, IntoEnumIterator as _, IntoStaticStr};

/// A symbol with more characters than this is a word, which needs no `=` before its value.
const LONGEST_SIGN: usize = 3;

/// A setting that can be swept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Parameter {
    /// Step size u.
    Rate,
    /// Experts per token, K.
    TopK,
    /// Experts, E.
    Experts,
    /// Zipf exponent of topic popularity.
    Skew,
    /// Spread of tokens around their topic's centre.
    Noise,
    /// Drift, in topic lifetimes per thousand steps.
    Drift,
    /// Consecutive tokens that share a topic.
    Burst,
    /// Number of topics.
    Topics,
    /// Tokens per batch, T.
    Batch,
    /// Update rule.
    Rule,
    /// The gate.
    Gate,
    /// Schedule of the step size.
    Schedule,
    /// Capacity as a multiple of the fair share.
    Capacity,
    /// Momentum β of SMEBU.
    Momentum,
    /// Steepness κ of SMEBU.
    Steepness,
    /// Gain K_d of ID Balancing.
    Derivative,
    /// The mean number of computing experts per token that LongCat-Flash's rule aims at.
    RealExperts,
    /// Weight of the old β in Quantile Balancing's moving average.
    Average,
    /// Passes of BIP over a batch.
    Iterations,
    /// Weight α of the auxiliary loss, where variants learn.
    Alpha,
    /// Seed of tokens, topics, centroids and initial parameters.
    Seed,
}

/// The kind of values that a parameter has.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Numbers within limits.
    Real(Limits),
    /// Whole numbers within limits.
    Whole(Limits),
    /// Names.
    Choice,
}

/// A text in quotation marks, or "nothing" if it is empty.
fn quoted(text: &str) -> String {
    if text.is_empty() { "nothing".into() } else { format!("“{text}”") }
}

impl Parameter {
    /// Its name on the command line and in files of sweeps: `step_size` for the step size, else the key of the setting.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rate => "step_size",
            other => other.key(),
        }
    }

    /// Its name on screen.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Drift => "drift (lifetimes per 1,000 steps)",
            Self::Burst => "burst (tokens)",
            Self::Capacity => "capacity (× fair share)",
            other => other.term().map_or(other.name(), |t| t.name),
        }
    }

    /// Its row in the table of settings, which has it under its key.
    fn term(self) -> Option<&'static Term> {
        term(self.key())
    }

    /// The key of its setting, as written in scenarios.
    #[must_use]
    pub fn key(self) -> &'static str {
        self.into()
    }

    /// Its symbol or shortest name on screen.
    #[must_use]
    pub fn sign(self) -> &'static str {
        self.term().map_or(self.name(), |t| t.sign)
    }

    /// Its symbol with a value: "u = 0.001", "skew 1.5".
    #[must_use]
    pub fn with(self, value: Value) -> String {
        let sign = self.sign();
        let equals = if sign.chars().count() > LONGEST_SIGN { " " } else { " = " };
        format!("{sign}{equals}{}", value.in_words())
    }

    /// A shorter name that the command line also accepts: u, K, E or T; else the name.
    #[must_use]
    pub fn short(self) -> &'static str {
        match self {
            Self::Rate | Self::TopK | Self::Experts | Self::Batch => self.sign(),
            other => other.name(),
        }
    }

    /// The parameter with this name, symbol or key, in upper or lower case.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        let is = |known: &str| known.eq_ignore_ascii_case(name.trim());
        Self::iter().find(|p| is(p.name()) || is(p.short()) || is(p.key()))
    }

    /// The kind of its values, with their limits.
    #[must_use]
    pub fn kind(self) -> Kind {
        const SEED: Limits = Limits { name: "seed", min: 0.0, max: 4_294_967_295.0 };
        match self {
            Self::Rule | Self::Gate | Self::Schedule => Kind::Choice,
            Self::Seed => Kind::Whole(SEED),
            Self::Experts => Kind::Whole(limits::EXPERTS),
            Self::Capacity => Kind::Real(limits::CAPACITY),
            _ => {
                let limits = term(self.key()).and_then(|t| t.limits).unwrap_or(SEED);
                match Change::swept(self.key(), Value::Whole(0)) {
                    Some(_) => Kind::Whole(limits),
                    None => Kind::Real(limits),
                }
            }
        }
    }

    /// All values, if they are names.
    #[must_use]
    pub fn choices(self) -> Vec<Value> {
        match self {
            Self::Rule => Rule::iter().map(Value::Rule).collect(),
            Self::Gate => Gate::iter().map(Value::Gate).collect(),
            Self::Schedule => Schedule::iter().map(Value::Schedule).collect(),
            _ => vec![],
        }
    }

    /// Reads a value from text.
    ///
    /// # Errors
    /// A sentence that says why the text is no value of this parameter, and what is allowed.
    pub fn read(self, text: &str) -> Result<Value, String> {
        let (name, text) = (self.short(), text.trim());
        match self.kind() {
            Kind::Choice => {
                let plain = |s: &str| s.replace(['-', '_', ' '], "").to_ascii_lowercase();
                let all = self.choices();
                all.iter().find(|v| plain(&v.to_string()) == plain(text)).copied().ok_or_else(|| {
                    let names: Vec<String> = all.iter().map(Value::to_string).collect();
                    format!("{} is no {name}; there are {}", quoted(text), names.join(", "))
                })
            }
            Kind::Real(limits) => match text.parse::<f64>() {
                Ok(x) => limits.check("", x).map(|()| Value::Real(x)).map_err(|e| e.to_string()),
                Err(_) => Err(format!("{} is no number for {name}", quoted(text))),
            },
            Kind::Whole(limits) => {
                let number = text.parse::<u32>().ok().or_else(|| {
                    let x = text.parse::<f64>().ok().filter(|x| x.fract() == 0.0)?;
                    (0.0..=4_294_967_295.0).contains(&x).then_some(x as u32)
                });
                let Some(n) = number else { return Err(format!("{} is no whole number for {name}", quoted(text))) };
                limits.check("", f64::from(n)).map(|()| Value::Whole(n)).map_err(|e| e.to_string())
            }
        }
    }

    /// Whether the tokens depend on it. Runs that agree in all such parameters have the same tokens.
    #[must_use]
    pub fn is_of_tokens(self) -> bool {
        matches!(self, Self::Skew | Self::Noise | Self::Drift | Self::Burst | Self::Topics | Self::Batch | Self::Seed)
    }

    /// The change that sets a value; `None` where no change sets this parameter or the value is of another kind.
    #[must_use]
    pub fn change(self, experiment: &Experiment, value: Value) -> Option<Change> {
        if let (Self::Capacity, Value::Real(factor)) = (self, value) {
            let by = experiment.variants.iter().find_map(|v| v.router.capacity).map(|c| c.by).unwrap_or_default();
            return Some(Change::SetCapacity(Some(Capacity { factor, by })));
        }
        Change::swept(self.key(), value)
    }

    /// Sets a value in every variant, or in the token source. Does not check whether all settings fit together.
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

    /// Its value in one variant of an experiment; `None` where it has none.
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
        change::inverse(experiment, target, &change)?.swept_value()
    }
}
