//! How each kind of finding is distinguished from chance and from the other kinds. The thresholds are here, each with its reason;
//! `docs/findings.md` explains them.

use super::super::metrics::{DEAD, STARVING, entropy};
use super::blocks::Blocks;
use super::chance::{chance, mean_load};
use super::motion::{drifting, slow};
use super::swing::oscillating;
use super::{BLOCK, Context, Evidence, Kind, Verdict, WINDOW};
use std::collections::VecDeque;

/// Loads count as varying by chance alone while their mean square is at most this many times that of chance: √1.5, 22 % of MaxVio. The sign
/// rule at its published step size, which fluctuates with the chance it follows, reaches 1.3.
const FLOOR: f64 = 1.5;
/// From this ratio on a run is no longer at the floor. A rule that follows every batch as closely as possible doubles the variance, which
/// is not the floor.
const FLOOR_LEFT: f64 = 1.8;
/// Nor is the floor reported while MaxVio exceeds this many times its floor: a few experts may be far off while the others are even.
const NEAR: f64 = 1.3;
/// Dropped assignments are reported from this share on. A balanced router at capacity factor 1 drops about half of the sampling floor.
const DROPS: f64 = 0.05;
/// Below this share they are no longer reported.
const DROPS_END: f64 = 0.03;
/// An expert that will no longer be starving within this many windows, at its present pace, is not reported as starving.
const RECOVERS: f64 = 4.0;
/// With fewer tokens per expert and window than this, on average, nothing is said about an expert.
const FEWEST_TOKENS: f64 = 50.0;
/// A starving expert has recovered above this fraction of the fair share.
const FED: f64 = 0.35;
/// A dead expert has recovered above this fraction of the fair share.
const ALIVE: f64 = 0.03;

/// The number of blocks that a verdict covers, which gives the first step that shows it.
pub(super) fn looks_at(kind: Kind) -> usize {
    match kind {
        Kind::Dropping => WINDOW,
        Kind::Diverged => 1,
        Kind::Collapse | Kind::Dead | Kind::Starving => 2 * WINDOW,
        Kind::Saturated | Kind::Oscillating | Kind::FloorReached => WINDOW,
        Kind::Slow | Kind::Drifting => super::MOST,
    }
}

pub(super) fn judge(kind: Kind, blocks: &Blocks, recent: &VecDeque<(Vec<u32>, u32)>, cx: &Context) -> Verdict {
    let verdict = match kind {
        Kind::Diverged => diverged(blocks),
        Kind::Dropping => dropping(blocks),
        Kind::Collapse => collapse(blocks),
        Kind::Dead => hungry(blocks, true),
        Kind::Starving => hungry(blocks, false),
        Kind::Saturated => saturated(blocks),
        Kind::Oscillating => oscillating(blocks, recent, cx),
        Kind::Slow => slow(blocks, cx),
        Kind::Drifting => drifting(blocks, cx),
        Kind::FloorReached => floor(blocks, cx),
    };
    verdict.unwrap_or(Verdict::Absent)
}

fn diverged(blocks: &Blocks) -> Option<Verdict> {
    Some(if blocks.newest()?.diverged > 0 { Verdict::Seen(vec![], Evidence::Diverged) } else { Verdict::Absent })
}

/// A share of the assignments was dropped over a window.
fn dropping(blocks: &Blocks) -> Option<Verdict> {
    let window = blocks.last(WINDOW)?;
    let share = window.clone().map(|b| b.dropped).sum::<f64>() / WINDOW as f64;
    if share < DROPS_END {
        return Some(Verdict::Absent);
    }
    if share < DROPS {
        return Some(Verdict::Between);
    }
    let mut all = vec![0u64; blocks.experts()?];
    window.for_each(|b| all.iter_mut().zip(b.dropped_by.iter()).for_each(|(a, d)| *a += d));
    let mut order: Vec<usize> = (0..all.len()).filter(|&e| all[e] > 0).collect();
    order.sort_by_key(|&e| (std::cmp::Reverse(all[e]), e));
    let count = order.len() as u32;
    Some(Verdict::Seen(order, Evidence::Dropping { share, count }))
}

/// Each expert's load as a fraction of the fair share, over the last window and over the one before.
fn shares(blocks: &Blocks) -> Option<[Vec<f64>; 2]> {
    let experts = blocks.experts()?;
    let both = blocks.last(2 * WINDOW)?;
    let shares = |mean: Vec<f64>| mean.into_iter().map(|m| m + 1.0).collect();
    Some([shares(mean_load(both.clone().skip(WINDOW), experts)), shares(mean_load(both.take(WINDOW), experts))])
}

/// Fewer than a quarter of all experts are effective, in two windows in a row.
fn collapse(blocks: &Blocks) -> Option<Verdict> {
    let [now, before] = shares(blocks)?;
    let experts = now.len() as f64;
    let effective = |shares: &[f64]| {
        let parts: Vec<u64> = shares.iter().map(|s| (s * 1e6).max(0.0) as u64).collect();
        entropy(&parts).exp()
    };
    let (latest, earlier) = (effective(&now), effective(&before));
    if latest >= experts / 3.0 {
        return Some(Verdict::Absent);
    }
    if latest >= experts / 4.0 || earlier >= experts / 4.0 {
        return Some(Verdict::Between);
    }
    let mut order: Vec<usize> = (0..now.len()).collect();
    order.sort_by(|&a, &b| now[b].total_cmp(&now[a]));
    order.truncate(super::NAMED.min(latest.ceil() as usize).max(1));
    let share = order.iter().map(|&e| now[e]).sum::<f64>() / experts;
    Some(Verdict::Seen(order, Evidence::Collapse { effective: latest, of: now.len() as u32, share }))
}

/// Dead or starving experts: under a hundredth or a quarter of the fair share in two windows in a row, beyond chance, and not recovering.
fn hungry(blocks: &Blocks, dead: bool) -> Option<Verdict> {
    let [now, before] = shares(blocks)?;
    let tokens = blocks.newest()?.fair * (WINDOW * BLOCK) as f64;
    if tokens < FEWEST_TOKENS {
        return Some(Verdict::Absent);
    }
    // Three standard deviations of the count above the count.
    let surely = |share: f64| share + 3.0 * (share * tokens + 1.0).sqrt() / tokens < STARVING;
    let is = |e: usize| {
        let (a, b) = (now[e], before[e]);
        let grows = (a - b).max(0.0) * RECOVERS;
        let recovers = a + grows >= STARVING;
        let low = if dead { a < DEAD && b < DEAD } else { a >= DEAD && surely(a) && b < STARVING };
        low && surely(a) && !recovers
    };
    let mut found: Vec<usize> = (0..now.len()).filter(|&e| is(e)).collect();
    found.sort_by(|&a, &b| now[a].total_cmp(&now[b]));
    let shares = || found.iter().map(|&e| now[e]);
    let count = found.len() as u32;
    if count == 0 {
        let least = now.iter().copied().filter(|&s| dead || s >= DEAD).fold(f64::INFINITY, f64::min);
        let between = least < if dead { ALIVE } else { FED };
        return Some(if between { Verdict::Between } else { Verdict::Absent });
    }
    let evidence = if dead {
        Evidence::Dead { count, share: shares().fold(0.0, f64::max) }
    } else {
        Evidence::Starving { count, share: shares().fold(f64::INFINITY, f64::min) }
    };
    Some(Verdict::Seen(found, evidence))
}

/// A bias was beyond the range of the key in at least half of the steps of a window.
fn saturated(blocks: &Blocks) -> Option<Verdict> {
    let steps: u32 = blocks.last(WINDOW)?.map(|b| b.saturated).sum();
    if steps == 0 {
        return Some(Verdict::Absent);
    }
    if (steps as usize) < WINDOW * BLOCK / 2 {
        return Some(Verdict::Between);
    }
    let newest = blocks.newest()?;
    let mut order: Vec<usize> = (0..newest.bias.len()).collect();
    order.sort_by(|&a, &b| newest.bias[a].total_cmp(&newest.bias[b]));
    let (low, high) = (*order.first()?, *order.last()?);
    let spread = f64::from(newest.bias[high] - newest.bias[low]);
    order.truncate((newest.saturated_now as usize).max(1));
    Some(Verdict::Seen(order, Evidence::Saturated { count: newest.saturated_now.max(1), spread }))
}

/// The sampling floor is reached: the mean square of load / fair share − 1, which includes errors of the biases, is no larger than chance
/// makes it.
fn floor(blocks: &Blocks, cx: &Context) -> Option<Verdict> {
    if !cx.floor {
        return None;
    }
    let chance = chance(blocks, cx).filter(|c| *c > 0.0)?;
    let window = blocks.last(WINDOW)?;
    let mean = |of: fn(&super::blocks::Block) -> f64| window.clone().map(of).sum::<f64>() / WINDOW as f64;
    let ratio = mean(|b| b.square) / chance;
    if ratio > FLOOR_LEFT {
        return Some(Verdict::Absent);
    }
    if ratio > FLOOR {
        return Some(Verdict::Between);
    }
    let floor = mean(|b| b.floor);
    let max_vio = mean(|b| b.max_vio);
    if max_vio > NEAR * floor {
        return Some(Verdict::Between);
    }
    Some(Verdict::Seen(vec![], Evidence::FloorReached { max_vio, floor }))
}
