//! Runs of equal values that are too long to be chance: warm-up tokens, dummy requests, padding.

use std::collections::HashMap;
use std::ops::Range;

/// The shortest run that is ever reported.
const SHORTEST: usize = 16;
/// The largest probability of a reported run, if the value occurred as often as it does outside long runs, and repeated as often as other
/// values do.
const CHANCE: f64 = 1e-9;

/// Runs of equal values that are too long to be chance, in order. Runs of a value that most tokens have are not reported, however long they
/// are: a collapsed router sends all tokens to the same experts.
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
    // In some recordings tokens often choose the same experts as the token before, for example in code; then long runs of many values are
    // expected.
    let mut repeats = (0, 0);
    let mut repeats_of: HashMap<u64, (usize, usize)> = within.keys().map(|&v| (v, (0, 0))).collect();
    for (at, value) in values.iter().enumerate() {
        let again = usize::from(at > 0 && values[at - 1] == *value);
        repeats = (repeats.0 + again, repeats.1 + 1);
        if let Some(own) = repeats_of.get_mut(value) {
            *own = (own.0 + again, own.1 + 1);
        }
    }
    long.retain(|run| {
        let value = &values[run.start];
        let own = repeats_of[value];
        let seen = rate(outside[value] - within[value], others);
        let repeated = rate(repeats.0 - own.0, repeats.1 - own.1);
        values.len() as f64 * seen.max(repeated).powf(run.len() as f64) < CHANCE
    });
    long
}

/// An estimate of a probability that is neither 0 nor 1.
fn rate(count: usize, of: usize) -> f64 {
    (count + 1) as f64 / (of + 2) as f64
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
        // Most tokens go to the same expert; such a router has long runs of it.
        let collapsed: Vec<u64> =
            (0..4000u64).map(|i| u64::from(i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60 == 0)).collect();
        assert!(collapsed.windows(20).any(|w| w.iter().all(|&v| v == 0)));
        assert_eq!(unlikely(&collapsed), vec![]);
        // Each token has the value of the token before with a probability of 0.9.
        let random =
            |i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23).wrapping_mul(0xd6e8_feb8_6659_fd93) >> 32;
        let sticky: Vec<u64> = (0..4000)
            .scan(0, |last, i| {
                *last = if random(i) % 10 == 0 { random(i) % 64 } else { *last };
                Some(*last)
            })
            .collect();
        assert!(sticky.windows(30).any(|w| w.iter().all(|&v| v == w[0])));
        assert_eq!(unlikely(&sticky), vec![]);
        assert_eq!(unlikely(&[3; 500]), vec![], "all tokens alike: there is nothing to compare them with");
    }
}
