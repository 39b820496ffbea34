//! An axis of a sweep: a parameter and its values, and how they are written as text.

use super::parameter::{Kind, Parameter};
use crate::change::Value;
use strum::IntoEnumIterator as _;

/// The most values on one axis.
pub const MOST_VALUES: usize = 1000;

/// How values are distributed between two ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, strum::Display, strum::EnumIter)]
pub enum Spacing {
    /// By equal differences.
    #[default]
    #[strum(to_string = "linear")]
    Linear,
    /// By equal factors.
    #[strum(to_string = "log")]
    Log,
}

/// A parameter and the values that it takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The parameter.
    pub parameter: Parameter,
    /// The values, in the order in which they are run and drawn; all different.
    pub values: Vec<Value>,
}

impl Axis {
    /// An axis with these values.
    ///
    /// # Errors
    /// No values, too many, or one that occurs twice.
    pub fn new(parameter: Parameter, values: Vec<Value>) -> Result<Self, String> {
        let name = parameter.short();
        if values.is_empty() {
            return Err(format!("{name} has no values"));
        }
        if values.len() > MOST_VALUES {
            return Err(format!("{name} has {} values, but at most {MOST_VALUES} can be swept", values.len()));
        }
        if let Some(twice) = values.iter().enumerate().find(|(i, v)| values[..*i].contains(v)).map(|(_, v)| v) {
            return Err(format!("{name} has {twice} twice"));
        }
        Ok(Self { parameter, values })
    }

    /// `count` values from `from` to `to`. Whole numbers are rounded, and duplicates are left out.
    ///
    /// # Errors
    /// A parameter whose values are names, ends out of range or in the wrong order, the logarithm of 0, or too few or too many values.
    pub fn range(parameter: Parameter, from: f64, to: f64, spacing: Spacing, count: usize) -> Result<Self, String> {
        let name = parameter.short();
        let (limits, whole) = match parameter.kind() {
            Kind::Real(limits) => (limits, false),
            Kind::Whole(limits) => (limits, true),
            Kind::Choice => return Err(format!("{name} has names, not a range: write them with commas between")),
        };
        for end in [from, to] {
            limits.check("", end).map_err(|e| e.to_string())?;
            if whole && end.fract() != 0.0 {
                return Err(format!("{name} is {end}, but must be a whole number"));
            }
        }
        if from > to {
            return Err(format!("{name} goes from {from} down to {to}: write the smaller end first"));
        }
        if spacing == Spacing::Log && from <= 0.0 {
            return Err(format!("{name} begins at 0, which has no logarithm: begin above it or use lin"));
        }
        if count == 0 || (count == 1 && from != to) {
            return Err(format!("{name} has two ends and needs at least 2 values"));
        }
        if count > MOST_VALUES {
            return Err(format!("{name} has {count} values, but at most {MOST_VALUES} can be swept"));
        }
        let mut values: Vec<Value> = vec![];
        for i in 0..count {
            let t = i as f64 / (count - 1).max(1) as f64;
            let x = match spacing {
                _ if i == 0 => from,
                _ if i + 1 == count => to,
                Spacing::Linear => tidy(from + (to - from) * t, 12),
                // libm's functions give the same numbers on every machine.
                Spacing::Log => tidy(libm::exp(libm::log(from) + (libm::log(to) - libm::log(from)) * t), 6),
            };
            let value = if whole { Value::Whole(x.round() as u32) } else { Value::Real(x) };
            if values.last() != Some(&value) {
                values.push(value);
            }
        }
        Self::new(parameter, values)
    }

    /// Reads an axis, for example `u=1e-5..1e-1:log:25`, `top_k=1..8`, `skew=0..2:lin:9` or `rule=sign,rms`.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what is allowed.
    pub fn parse(text: &str) -> Result<Self, String> {
        let shape = "write SETTING=FROM..TO, FROM..TO:lin:COUNT, FROM..TO:log:COUNT or a list with commas";
        let Some((name, values)) = text.split_once('=') else {
            return Err(format!("“{text}” has no `=`: {shape}"));
        };
        let Some(parameter) = Parameter::find(name) else {
            let all: Vec<&str> = Parameter::iter().map(Parameter::short).collect();
            return Err(format!("“{}” can't be swept; these can: {}", name.trim(), all.join(", ")));
        };
        let name = parameter.short();
        let Some((from, rest)) = values.split_once("..") else {
            let values = values.split(',').map(|v| parameter.read(v)).collect::<Result<_, _>>()?;
            return Self::new(parameter, values);
        };
        if matches!(parameter.kind(), Kind::Choice) {
            return Err(format!("{name} has names, not a range: write them with commas between"));
        }
        let mut parts = rest.trim_start_matches('=').split(':');
        let to = parts.next().unwrap_or_default();
        let end = |text: &str| parameter.read(text).map(|v| v.number().unwrap_or_default());
        if from.trim().is_empty() || to.trim().is_empty() {
            let which = if from.trim().is_empty() { "first" } else { "last" };
            return Err(format!("the range of {name} lacks its {which} value: {shape}"));
        }
        let (from, to) = (end(from)?, end(to)?);
        let count = |text: &str| {
            text.trim()
                .parse::<usize>()
                .ok()
                .ok_or_else(|| format!("“{text}” is no number of values for {name}: {shape}"))
        };
        let (mut spacing, mut wanted) = (Spacing::Linear, None);
        for part in parts {
            match part.trim() {
                "lin" | "linear" => spacing = Spacing::Linear,
                "log" => spacing = Spacing::Log,
                number if wanted.is_none() => wanted = Some(count(number)?),
                _ => return Err(format!("“{part}” is too much for {name}: {shape}")),
            }
        }
        let whole = matches!(parameter.kind(), Kind::Whole(_));
        let count = match wanted {
            Some(count) => count,
            None if whole && spacing == Spacing::Linear => (to - from).max(0.0) as usize + 1,
            None => return Err(format!("{name} needs a number of values: {name}={from}..{to}:{}:9", short(spacing))),
        };
        Self::range(parameter, from, to, spacing, count)
    }
}

fn short(spacing: Spacing) -> &'static str {
    if spacing == Spacing::Log { "log" } else { "lin" }
}

/// Rounds to a number of significant digits, so that files contain 0.3 and not 0.30000000000000004.
fn tidy(x: f64, digits: usize) -> f64 {
    format!("{x:.*e}", digits - 1).parse().unwrap_or(x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Rule;

    fn numbers(text: &str) -> Vec<f64> {
        Axis::parse(text).unwrap().values.iter().map(|v| v.number().unwrap()).collect()
    }

    #[test]
    fn ranges_and_lists() {
        let u = numbers("u=1e-5..1e-1:log:25");
        assert_eq!((u.len(), u[0], u[12], u[24]), (25, 1e-5, 1e-3, 0.1));
        assert!(u.windows(2).all(|w| (w[1] / w[0] - 10f64.powf(1.0 / 6.0)).abs() < 1e-4));
        assert_eq!(numbers("top_k=1..8"), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
        assert_eq!(numbers("K=1..=3"), [1.0, 2.0, 3.0]);
        assert_eq!(numbers("skew=0..2:lin:5"), [0.0, 0.5, 1.0, 1.5, 2.0]);
        assert_eq!(numbers("skew=0..0.3:4"), [0.0, 0.1, 0.2, 0.3]);
        assert_eq!(numbers("E=8..256:log:6"), [8.0, 16.0, 32.0, 64.0, 128.0, 256.0]);
        assert_eq!(numbers("K=1..4:log:9"), [1.0, 2.0, 3.0, 4.0], "what stands twice is left out");
        assert_eq!(numbers("rate=0.001, 0.01"), [0.001, 0.01]);
        assert_eq!(numbers("seed=7"), [7.0]);
        let rules = Axis::parse("rule=sign,centred-sign,RMS").unwrap();
        assert_eq!(rules.values, [Rule::Sign, Rule::CentredSign, Rule::Rms].map(Value::Rule));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, says) in [
            ("u", "no `=`"),
            ("temperature=1..2", "can't be swept"),
            ("u=1e-5..1e-1", "needs a number of values"),
            ("u=1e-5..2:log:3", "from 0 to 1"),
            ("u=0..1:log:3", "no logarithm"),
            ("u=1..0.1:log:3", "smaller end first"),
            ("u=0..1:1", "at least 2"),
            ("u=0..1:0", "at least 2"),
            ("u=0..1:2000", "at most 1000"),
            ("u=0..1:lin:3:4", "too much"),
            ("u=0..1:many", "no number of values"),
            ("u=nan", "from 0 to 1"),
            ("K=1.5..3", "no whole number"),
            ("K=0..3", "from 1 to 32"),
            ("K=1,2,1", "twice"),
            ("K=-1", "no whole number"),
            ("K=", "no whole number"),
            ("rule=sign..rms", "names, not a range"),
            ("rule=quick", "there are None, Sign"),
            ("u=1..", "the range of u lacks its last value"),
            ("u=..1:3", "the range of u lacks its first value"),
            ("rate=x", "“x” is no number for u"),
            ("u=,1", "nothing is no number for u"),
            ("E=many", "no whole number"),
        ] {
            let wrong = Axis::parse(text).unwrap_err();
            assert!(wrong.contains(says), "{text}: {wrong}");
        }
    }
}
