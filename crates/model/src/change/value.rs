//! The values of settings: in words, and as sweeps set them.

use crate::settings::learning::{Auxiliary, Gating, Optimiser};
use crate::settings::{Capacity, Gate, Groups, Rule, Schedule};
use crate::terms::{number, on_off};
use std::fmt;

/// A value that a sweep can set.
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
    /// A schedule of the step size.
    Schedule(Schedule),
}

impl Value {
    /// The value in words, as on screen; [`fmt::Display`] writes it as in files and columns.
    #[must_use]
    pub fn in_words(self) -> String {
        match self {
            Self::Real(x) => number(x),
            Self::Whole(n) => n.to_string(),
            Self::Rule(r) => r.short().into(),
            Self::Gate(g) => g.title().into(),
            Self::Schedule(s) => s.title().into(),
        }
    }

    /// The value as a number, where it is one.
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
            // As short as possible without loss.
            Self::Real(x) if *x != 0.0 && x.abs() < 1e-3 => write!(f, "{x:e}"),
            Self::Real(x) => write!(f, "{x}"),
            Self::Whole(n) => write!(f, "{n}"),
            Self::Rule(r) => f.write_str(r.key()),
            Self::Gate(g) => f.write_str(g.key()),
            Self::Schedule(s) => f.write_str(s.key()),
        }
    }
}

/// A setting's value in words.
pub(super) trait InWords {
    fn in_words(&self) -> String;
}

macro_rules! in_words {
    ($($type:ty: |$x:ident| $words:expr;)*) => {
        $(impl InWords for $type {
            fn in_words(&self) -> String {
                let $x = self;
                $words
            }
        })*
    };
}

in_words! {
    u32: |n| n.to_string();
    f64: |x| number(*x);
    bool: |on| on_off(*on);
    Gate: |g| g.to_string();
    Rule: |r| r.short().into();
    Schedule: |s| s.to_string();
    Optimiser: |o| o.to_string();
    Gating: |g| g.to_string();
    Auxiliary: |a| a.to_string();
    Option<u64>: |at| at.map_or_else(|| "never".into(), |step| format!("from step {step}"));
    Option<Groups>: |g| g.map_or_else(|| "none".into(), |g| format!("{} of {}", g.kept, g.groups));
    Option<Capacity>: |c| c.map_or_else(|| "none".into(), |c| format!("{} × fair, {}", number(c.factor), c.by));
}

/// The type of a setting's value, and which of its values a sweep can set.
pub(super) trait Swept: Sized {
    fn of(_value: Value) -> Option<Self> {
        None
    }

    fn value(&self) -> Option<Value> {
        None
    }
}

macro_rules! swept {
    ($($type:ty => $kind:ident),*) => {
        $(impl Swept for $type {
            fn of(value: Value) -> Option<Self> {
                if let Value::$kind(x) = value { Some(x) } else { None }
            }

            fn value(&self) -> Option<Value> {
                Some(Value::$kind(*self))
            }
        })*
    };
}

swept!(f64 => Real, u32 => Whole, Rule => Rule, Gate => Gate, Schedule => Schedule);

/// A sweep's axis shows a capacity as its factor. `of` cannot make one, because it does not know which tokens stay.
impl Swept for Option<Capacity> {
    fn value(&self) -> Option<Value> {
        self.map(|c| Value::Real(c.factor))
    }
}

impl Swept for bool {}
impl Swept for Option<u64> {}
impl Swept for Option<Groups> {}
impl Swept for Optimiser {}
impl Swept for Gating {}
impl Swept for Auxiliary {}
