//! Group-limited routing as in DeepSeek-V3: experts form groups of equal size; a token keeps the groups with the largest sum of their two
//! best biased scores and chooses its K experts within them.
//!
//! A biased score is the value part of the selection key, so group scores are integers and a common shift of the biases changes nothing.
//! Ties go to the lower group. A group of one expert has that expert's score. Shader twin: `shaders/shared/choose_groups.wgsl`.

use super::select::{INDEX_BITS, MAX_K, Selector, keep_largest};
use crate::settings::Groups;

/// The score of a group, from the keys of its experts.
fn score(keys: &[i32]) -> i64 {
    let (mut first, mut second) = (i32::MIN, i32::MIN);
    for &key in keys {
        second = second.max(key.min(first));
        first = first.max(key);
    }
    let value = |key: i32| i64::from(key >> INDEX_BITS);
    if keys.len() > 1 { value(first) + value(second) } else { value(first) }
}

/// A token's keys, group by group, and its groups with their scores, best first, ties to the lower group.
fn ranked(selector: &Selector, groups: Groups, scores: &[i32]) -> (Vec<i32>, Vec<(i64, usize)>) {
    let keys: Vec<i32> = scores.iter().enumerate().map(|(e, &s)| selector.key(e, s)).collect();
    let size = (scores.len() / groups.groups.max(1) as usize).max(1);
    let mut order: Vec<(i64, usize)> = keys.chunks_exact(size).map(score).zip(0..).collect();
    order.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    (keys, order)
}

/// One flag per group: whether a token keeps it.
#[must_use]
pub fn kept(selector: &Selector, groups: Groups, scores: &[i32]) -> Vec<bool> {
    let (_, order) = ranked(selector, groups, scores);
    let mut kept = vec![false; order.len()];
    order.iter().take(groups.kept as usize).for_each(|&(_, g)| kept[g] = true);
    kept
}

/// The `k` largest keys of a token among the experts of the groups it keeps, largest first.
pub fn top_k(selector: &Selector, groups: Groups, scores: &[i32], k: usize, out: &mut [i32; MAX_K]) {
    let (keys, order) = ranked(selector, groups, scores);
    let size = (keys.len() / order.len().max(1)).max(1);
    let top = &mut out[..k];
    top.fill(i32::MIN);
    let of_group = |&(_, g): &(i64, usize)| keys[g * size..(g + 1) * size].iter().copied();
    keep_largest(order.iter().take(groups.kept as usize).flat_map(of_group), top);
}

#[cfg(test)]
mod tests {
    use super::super::random::{Stream, pcg4d};
    use super::super::select::expert_of;
    use super::*;

    #[test]
    fn the_two_best_decide_and_ties_go_to_the_lower_group() {
        let none = Selector::unbiased(6);
        let groups = Groups { groups: 3, kept: 1 };
        assert_eq!(kept(&none, groups, &[900, 0, 500, 500, 499, 500]), [false, true, false]);
        assert_eq!(kept(&none, groups, &[500, 500, 900, 100, 0, 1000]), [true, false, false]);
    }

    /// Compares with a different formulation: sort everything.
    #[test]
    fn nobody_outside_the_kept_groups_is_chosen() {
        for i in 0..2000 {
            let dice = |j: u32, n: u32| pcg4d(i, j, Stream::Topic, 99)[0] % n;
            let (size, count) = (1 + dice(0, 9), 1 + dice(1, 12));
            let groups = Groups { groups: count, kept: 1 + dice(2, count) };
            let k = 1 + dice(3, (groups.kept * size).min(MAX_K as u32));
            let experts = size * count;
            let scores: Vec<i32> = (0..experts).map(|e| dice(10 + e, 40) as i32).collect();
            let bias: Vec<i64> = (0..experts).map(|e| i64::from(dice(500 + e, 30)) << 12).collect();
            let selector = Selector::new(crate::settings::Rule::Sign, &bias);
            let value = |e: u32| i64::from(scores[e as usize]) + (bias[e as usize] >> 12);
            let mut by_group: Vec<(i64, u32)> = (0..count)
                .map(|g| {
                    let mut v: Vec<i64> = (g * size..(g + 1) * size).map(value).collect();
                    v.sort_unstable_by(|a, b| b.cmp(a));
                    (-v.iter().take(2).sum::<i64>(), g)
                })
                .collect();
            by_group.sort_unstable();
            let best: Vec<u32> = by_group.iter().take(groups.kept as usize).map(|p| p.1).collect();
            let mut wanted: Vec<u32> = (0..experts).filter(|e| best.contains(&(e / size))).collect();
            wanted.sort_by_key(|&e| (-value(e), e));
            let mut out = [0; MAX_K];
            top_k(&selector, groups, &scores, k as usize, &mut out);
            let found: Vec<u32> = out[..k as usize].iter().map(|&q| expert_of(q) as u32).collect();
            assert_eq!(found, wanted[..k as usize], "{groups:?} of {experts}, K {k}");
        }
    }
}
