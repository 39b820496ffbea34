//! Findings in plain words. A cause is named only where it follows from the measurements and the settings.

use super::super::config::Rule;
use super::{Evidence, Finding, Kind};

impl Kind {
    /// The name on screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Diverged => "Diverged",
            Self::Dropping => "Dropped assignments",
            Self::Collapse => "Collapse",
            Self::Dead => "Dead experts",
            Self::Starving => "Starving experts",
            Self::Saturated => "Saturated",
            Self::Oscillating => "Oscillating",
            Self::Slow => "Slow convergence",
            Self::Drifting => "Drifting",
            Self::FloorReached => "Sampling floor reached",
        }
    }

    /// The name in data.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Diverged => "diverged",
            Self::Dropping => "dropping",
            Self::Collapse => "collapse",
            Self::Dead => "dead",
            Self::Starving => "starving",
            Self::Saturated => "saturated",
            Self::Oscillating => "oscillating",
            Self::Slow => "slow",
            Self::Drifting => "drifting",
            Self::FloorReached => "floor_reached",
        }
    }

    /// What the kind means, in a sentence.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Diverged => {
                "The numbers of the layer have become infinite or undefined. Nothing is learned any more."
            }
            Self::Dropping => {
                "More than 5 % of the assignments of 64 steps were dropped because their expert was full."
            }
            Self::Collapse => "Fewer than a quarter of all experts are effective over 64 steps, twice in a row.",
            Self::Dead => "Experts with less than 1 % of their fair load over 64 steps, twice in a row.",
            Self::Starving => {
                "Experts with less than a quarter of their fair load over 64 steps, twice in a row, and not recovering."
            }
            Self::Saturated => {
                "Biases further below the largest than the selection key can hold, in at least half of 64 steps."
            }
            Self::Oscillating => {
                "Loads swing back and forth across the fair share, with at least three times the variance of chance."
            }
            Self::Slow => "MaxVio falls steadily, but balance is more than a thousand steps from the last change.",
            Self::Drifting => {
                "The point of balance keeps moving: the biases travel without arriving or, if they stay, the loads travel."
            }
            Self::FloorReached => "Loads differ hardly more than they would by chance at perfect balance.",
        }
    }
}

impl Finding {
    /// The finding's name, in the singular for a single expert.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match (&self.evidence, self.kind) {
            (Evidence::Dead { count: 1, .. }, _) => "Dead expert",
            (Evidence::Starving { count: 1, .. }, _) => "Starving expert",
            (_, kind) => kind.name(),
        }
    }

    /// The measurements and, where it follows, the cause, in one line.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self.because() {
            Some(why) => format!("{}: {why}", self.measured()),
            None => self.measured(),
        }
    }

    /// The measurements, in words.
    #[must_use]
    pub fn measured(&self) -> String {
        let first = self.experts.first().copied().unwrap_or_default();
        match &self.evidence {
            Evidence::Diverged => "The learning layer has diverged to infinity".into(),
            Evidence::Dropping { share, count } => {
                let full = if *count == 1 { "expert is" } else { "experts are" };
                format!(
                    "{} of the assignments are dropped; {count} {full} full, expert {first} the most",
                    percent(*share)
                )
            }
            Evidence::Collapse { effective, of, share } => {
                let (n, share) = (self.experts.len(), percent(*share));
                let who = if n == 1 { format!("Expert {first} gets") } else { format!("{n} experts get") };
                format!("{who} {share} of all assignments; {effective:.1} of {of} experts are effective")
            }
            Evidence::Dead { count, share } if *share == 0.0 => {
                format!("{} got no token in 64 steps", self.who(*count))
            }
            Evidence::Dead { count, share } => {
                format!("{} got at most {} of the fair load over 64 steps", self.who(*count), percent(share.max(0.001)))
            }
            Evidence::Starving { count: 1, share } => {
                format!("Expert {first} got {} of its fair load over 64 steps", percent(*share))
            }
            Evidence::Starving { count, share } => {
                let least = percent(*share);
                format!(
                    "{} got less than a quarter of the fair load over 64 steps, the least {least}",
                    self.who(*count)
                )
            }
            Evidence::Saturated { count, spread } => {
                let who =
                    if *count == 1 { format!("Expert {first}’s bias is") } else { format!("{count} biases are") };
                format!("{who} beyond the range of the selection key; the biases span {}", small(*spread))
            }
            Evidence::Oscillating { swing, chance, period } => {
                let chance = if *chance > 0.0 { format!(", chance alone ±{}", small(*chance)) } else { String::new() };
                format!("Expert {first}’s load swings ±{} of fair every {period} steps{chance}", small(*swing))
            }
            Evidence::Slow { max_vio, pace, missing } => format!(
                "MaxVio is {max_vio:.2} and falls by {} in 100 steps; balance is about {} steps away",
                small(*pace),
                rounded(*missing)
            ),
            Evidence::Drifting { steps, travel, biases: true, max_vio } => format!(
                "The biases travelled {} in {steps} steps without arriving; MaxVio is {max_vio:.2}",
                small(*travel)
            ),
            Evidence::Drifting { steps, travel, biases: false, max_vio } => {
                format!("Loads moved by ±{} of fair in {steps} steps; MaxVio is {max_vio:.2}", small(*travel))
            }
            Evidence::FloorReached { max_vio, floor } => {
                format!(
                    "MaxVio is {max_vio:.2} on average; chance alone gives {floor:.2}, so no bias can do much better"
                )
            }
        }
    }

    /// The cause, where it follows from the measurements and the settings.
    #[must_use]
    pub fn because(&self) -> Option<String> {
        let s = &self.setting;
        let rate = small(s.rate);
        let idle = || {
            if s.frozen {
                Some("the biases are frozen".into())
            } else if s.rule == Rule::None && !s.world {
                Some("no balancing is chosen".into())
            } else if !s.moves && s.rule.has_step() {
                Some("the step size is 0".into())
            } else {
                None
            }
        };
        match &self.evidence {
            // In half a period the load moves to the other side, so the steps within it caused that. A longer swing may have other causes,
            // except under momentum, which by its nature continues a movement.
            Evidence::Oscillating { period: 2 | 3, .. } if s.rate > 0.0 && s.rule != Rule::Smebu => {
                Some(format!("a step of u = {rate} overshoots"))
            }
            Evidence::Oscillating { period: period @ 4..=8, .. } if s.rate > 0.0 && s.rule != Rule::Smebu => {
                Some(format!("{} steps of u = {rate} overshoot", period / 2))
            }
            Evidence::Oscillating { .. } if s.rate > 0.0 && s.rule == Rule::Smebu => {
                Some(format!("steps of λ = {rate} with momentum overshoot"))
            }
            Evidence::Slow { .. } if s.rate > 0.0 && matches!(s.rule, Rule::Sign | Rule::CentredSign) => {
                Some(format!("at u = {rate} a bias moves by {} in 100 steps", small(100.0 * s.rate)))
            }
            Evidence::Slow { .. } if s.rate > 0.0 => Some(format!("the step size is {rate}")),
            Evidence::Drifting { .. } if s.learns && s.drift == 0.0 => {
                Some("the router learns, so its scores move".into())
            }
            Evidence::Drifting { .. } if s.drift > 0.0 && !s.world => {
                Some(format!("a topic lasts {} steps", rounded(1000.0 / s.drift)))
            }
            Evidence::Dropping { .. }
            | Evidence::Collapse { .. }
            | Evidence::Dead { .. }
            | Evidence::Starving { .. } => idle(),
            Evidence::Saturated { .. } if s.rate >= 0.5 => {
                Some(format!("a step size of {rate} is as large as the scores"))
            }
            _ => None,
        }
    }

    fn who(&self, count: u32) -> String {
        match (count, self.experts.first()) {
            (1, Some(e)) => format!("Expert {e}"),
            _ => format!("{count} experts"),
        }
    }
}

fn percent(share: f64) -> String {
    let p = 100.0 * share;
    if p == 0.0 {
        "0 %".into()
    } else if p < 0.1 {
        "less than 0.1 %".into()
    } else if p < 9.95 {
        format!("{p:.1} %")
    } else {
        format!("{p:.0} %")
    }
}

/// Two significant digits, without trailing zeros.
fn small(x: f64) -> String {
    if x == 0.0 || !x.is_finite() {
        return "0".into();
    }
    let digits = (1.0 - x.abs().log10().floor()).clamp(0.0, 7.0) as usize;
    let text = format!("{x:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
}

/// A number of steps to two significant digits, with commas.
fn rounded(steps: f64) -> String {
    if steps > 1e6 {
        return "a million or more".into();
    }
    let unit = 10f64.powf((steps.max(1.0).log10().floor() - 1.0).max(0.0));
    let n = ((steps / unit).round() * unit) as u64;
    if n >= 1000 { format!("{},{:03}", n / 1000, n % 1000) } else { n.to_string() }
}
