//! Dynamic K (Su's MoE series, kexue.fm, post 10815): a token gets every expert with s + b > 0, and the biases both equalise the loads and
//! keep the mean number of experts per token at K.
//!
//! b ← b − u·[sign(F − Q) − mean sign(F − Q) + sign(|F̃| − K)], where F are the load shares, Q = 1/E and |F̃| is the mean number of experts
//! per token.

use super::Step;

/// Updates every bias, Q32. The mean of the signs is truncated toward zero.
pub fn update(bias: &mut [i64], loads: &[u32], step: Step) {
    let experts = loads.len().max(1) as i64;
    let total: i64 = loads.iter().map(|&l| i64::from(l)).sum();
    let over = |load: u32| (i64::from(load) * experts - total).signum();
    let mean = step.rate * loads.iter().map(|&l| over(l)).sum::<i64>() / experts;
    let too_many = (total - step.assignments as i64).signum();
    for (b, &load) in bias.iter_mut().zip(loads) {
        *b -= step.rate * (over(load) + too_many) - mean;
    }
}

/// The bias that every expert starts from, Q32: minus the score that about K in E scores exceed. `scores` are those of some tokens, Q20.
#[must_use]
pub fn start(mut scores: Vec<i32>, experts: u32, top_k: u32) -> i64 {
    if scores.is_empty() {
        return 0;
    }
    let above = (scores.len() as u64 * u64::from(top_k) / u64::from(experts.max(1))) as usize;
    let place = above.min(scores.len() - 1);
    let (_, &mut score, _) = scores.select_nth_unstable_by(place, |a, b| b.cmp(a));
    -(i64::from(score) << 12)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overloaded_experts_fall_and_too_many_lower_all() {
        let step = |assignments| Step { experts: 4, top_k: 1, assignments, rate: 100, derivative: 0 };
        let mut b = vec![0; 4];
        update(&mut b, &[10, 2, 2, 2], step(16));
        assert_eq!(b, [-150, 50, 50, 50], "mean sign is −1/2");
        let mut b = vec![0; 4];
        update(&mut b, &[5, 5, 5, 5], step(16));
        assert_eq!(b, [-100; 4]);
        update(&mut b, &[3, 3, 3, 3], step(16));
        assert_eq!(b, [0; 4]);
    }

    #[test]
    fn about_k_exceed_the_start() {
        let scores: Vec<i32> = (0..640).map(|i| i * 7919 % 1009).collect();
        let b = start(scores.clone(), 64, 6);
        assert_eq!(scores.iter().filter(|&&s| (i64::from(s) << 12) + b > 0).count(), 60);
    }
}
