//! Runs of equal values that chance does not explain: warm-up tokens, dummy requests, padding.

use std::collections::HashMap;
use std::ops::Range;

/// The shortest run that is ever noticed.
const SHORTEST: usize = 16;
/// How unlikely a run of its length must be, if the value came up independently as often as it does outside the run.
const CHANCE: f64 = 1e-9;

/// The runs of equal values that chance does not explain, in order. A value that most tokens have is not one of them, however long it
/// lasts: a collapsed router sends everybody to the same experts.
pub(crate) fn unlikely(values: &[u64]) -> Vec<Range<usize>> {
    let mut long = vec![];
    let mut from = 0;
    for to in 1..=values.len() {
        if to == values.len() || values[to] != values[from] {
            if to - from >= SHORTEST {
                long.push(from..to);
            }
            from = to;
        }
    }
    if long.is_empty() {
        return long;
    }
    let mut within: HashMap<u64, usize> = HashMap::new();
    for run in &long {
        *within.entry(values[run.start]).or_default() += run.len();
    }
    let mut outside: HashMap<u64, usize> = within.keys().map(|&v| (v, 0)).collect();
    values.iter().for_each(|v| {
        if let Some(n) = outside.get_mut(v) {
            *n += 1;
        }
    });
    let all_within: usize = within.values().sum();
    let others = values.len() - all_within;
    if others == 0 {
        return vec![];
    }
    let share = |value: u64| {
        let seen = outside[&value] - within[&value];
        (seen + 1) as f64 / (others + 2) as f64
    };
    long.retain(|run| {
        let share = share(values[run.start]);
        values.len() as f64 * share.powf(run.len() as f64) < CHANCE
    });
    long
}

/// A hash of the bits of a row, the same for equal rows.
pub(crate) fn hash(row: impl Iterator<Item = u64>) -> u64 {
    row.fold(0xcbf2_9ce4_8422_2325, |hash, bits| {
        let mixed = (hash ^ bits).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ (mixed >> 29)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warm_up_is_a_run_and_collapse_is_none() {
        let mut values: Vec<u64> = (0..4000u64).map(|i| i.wrapping_mul(0x9e37_79b9) % 97).collect();
        assert_eq!(unlikely(&values), vec![]);
        values.splice(0..0, std::iter::repeat_n(5, 16_000));
        assert_eq!(unlikely(&values), vec![0..16_000]);
        // Nine tokens of ten go to the same expert: long runs of it are what such a router does.
        let collapsed: Vec<u64> =
            (0..4000u64).map(|i| u64::from(i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60 == 0)).collect();
        assert!(collapsed.windows(20).any(|w| w.iter().all(|&v| v == 0)));
        assert_eq!(unlikely(&collapsed), vec![]);
        assert_eq!(unlikely(&[3; 500]), vec![], "all tokens alike: there is nothing to compare them with");
    }
}
