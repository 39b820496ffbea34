//! Checks whether biases and a rule's memory, as read from a file or a message, can belong to a variant.

use super::memory_limit;
use crate::config::Variant;
use crate::fixed::BIAS_ONE;
use crate::settings::{ConfigError, Rule};

/// The bound on |bias| in any state, Q32: ±2²⁰.
const MOST_BIAS: u64 = 1 << 52;

/// Checks that these biases (Q32), and this memory of the rule, can belong to the variant `of`. Error messages name the setting `what`, or
/// `place` for the range of a single bias.
pub(crate) fn biases(
    (what, place): (&str, &str),
    of: &Variant,
    bias: &[i64],
    memory: &[i64],
) -> Result<(), ConfigError> {
    let rule = of.balancer.rule;
    if bias.len() != of.router.experts as usize {
        return Err(wrong(what, "of another shape", "one bias per expert of every variant"));
    }
    if bias.iter().any(|b| b.unsigned_abs() > MOST_BIAS) {
        return Err(wrong(what, "a bias beyond ±2²⁰", "biases within ±2²⁰"));
    }
    let factors = 0..4 * BIAS_ONE;
    if rule == Rule::Multiplicative
        && let Some(b) = bias.iter().find(|b| !factors.contains(b))
    {
        let allowed = format!("from 0 to {} for the multiplicative rule", factors.end - 1);
        return Err(wrong(place, &b.to_string(), &allowed));
    }
    let most = memory_limit(rule);
    let fits = memory.len() == bias.len() && memory.iter().all(|m| m.unsigned_abs() <= most as u64);
    if !memory.is_empty() && (most == 0 || !fits) {
        let allowed = if most == 0 {
            format!("left out: {} remembers nothing", rule.short())
        } else {
            format!("one number within ±{most} per expert for {}", rule.short())
        };
        return Err(wrong(what, "a memory that does not fit the rule", &allowed));
    }
    Ok(())
}

fn wrong(setting: &str, value: &str, allowed: &str) -> ConfigError {
    ConfigError { setting: setting.into(), value: value.into(), allowed: allowed.into() }
}
