//! Findings about motion: a run that approaches balance too slowly, and a balance that itself keeps changing.

use super::super::metrics::IN_BALANCE;
use super::blocks::{Block, Blocks};
use super::chance::{OUT, chance, mean_load};
use super::{BLOCK, Context, Evidence, Verdict, WINDOW};

/// Blocks that must have passed before a pace is judged: 128 steps.
const FEWEST: usize = 8;
/// Balance that takes more than this many steps from the last change counts as slow. The published settings in this project's sources take
/// 45 to 340 steps here; a thousand is too long to wait.
const TOO_LONG: f64 = 1000.0;
/// The fall of MaxVio_16 per step must be at least this many of its standard errors.
const SURELY_FALLS: f64 = 4.0;
/// The bias of the busiest expert must have moved in one direction: this share of the length of its path must be net displacement.
const STRAIGHT: f64 = 0.9;

/// Number of consecutive displacements that are compared.
const LEGS: usize = 8;
/// The smallest mean cosine between consecutive displacements for a drift. Biases that fluctuate around a fixed place give −½; a random
/// walk gives 0.
const SAME_WAY: f64 = 0.4;
/// The smallest ratio of recent to earlier squared displacement for a drift. On the way to balance it falls.
const STILL_MOVES: f64 = 0.5;
/// The share of the recent displacement that must not lie along the earlier one. For biases still on their way to balance it is 0.
const NEW_WAY: f64 = 0.3;
/// The ratio of recent to earlier MaxVio below which the run counts as approaching balance.
const NOT_ARRIVING: f64 = 0.8;
/// Where biases do not move, the squared change of the loads must be this many times that of chance, and the change this share of the fair
/// share.
const BEYOND_CHANCE: f64 = 4.0;
const SEEN_IN_LOADS: f64 = 0.1;

/// Slow convergence: MaxVio_16 significantly falls towards balance, but so slowly that it would take more than [`TOO_LONG`] steps; and the
/// bias of the busiest expert has moved in one direction all the time, so the pace is set by the balancer.
pub(super) fn slow(blocks: &Blocks, cx: &Context) -> Option<Verdict> {
    if !cx.setting.moves || blocks.len() < FEWEST {
        return None;
    }
    let count = (blocks.len() / 2).max(FEWEST);
    let vio: Vec<f64> = blocks.last(count)?.map(|b| b.max_vio_16).collect();
    let (slope, error, now) = line(&vio);
    if now < OUT {
        return Some(Verdict::Absent);
    }
    let (pace, error) = (-slope / BLOCK as f64, error / BLOCK as f64);
    if pace <= 0.0 || pace < SURELY_FALLS * error {
        return Some(Verdict::Absent);
    }
    let missing = (now - IN_BALANCE) / pace;
    let elapsed = (blocks.len() * BLOCK) as f64;
    if missing + elapsed < TOO_LONG {
        return Some(Verdict::Absent);
    }
    let experts = blocks.experts()?;
    let mean = mean_load(blocks.last(WINDOW)?, experts);
    let busiest = (0..experts).max_by(|&a, &b| mean[a].total_cmp(&mean[b]))?;
    if straightness(blocks, busiest) < STRAIGHT {
        return Some(Verdict::Absent);
    }
    Some(Verdict::Seen(vec![busiest], Evidence::Slow { max_vio: now, pace: 100.0 * pace, missing }))
}

/// The least-squares line through evenly spaced values: its slope per value, the slope's standard error, and the line's value at the end.
fn line(values: &[f64]) -> (f64, f64, f64) {
    let n = values.len() as f64;
    let middle = (n - 1.0) / 2.0;
    let mean = values.iter().sum::<f64>() / n;
    let spread = n * (n * n - 1.0) / 12.0;
    let along: f64 = values.iter().enumerate().map(|(i, v)| (i as f64 - middle) * (v - mean)).sum();
    let slope = along / spread;
    let rest: f64 =
        values.iter().enumerate().map(|(i, v)| (v - mean - slope * (i as f64 - middle)).powi(2)).sum::<f64>();
    (slope, (rest / (n - 2.0) / spread).sqrt(), mean + slope * middle)
}

/// The net displacement of an expert's bias over the length of its path from block to block.
fn straightness(blocks: &Blocks, expert: usize) -> f64 {
    let at = |i: usize| blocks.get(i).map_or(0.0, |b| f64::from(b.bias[expert]));
    let way: f64 = (1..blocks.len()).map(|i| (at(i) - at(i - 1)).abs()).sum();
    if way > 0.0 { (at(blocks.len() - 1) - at(0)).abs() / way } else { 0.0 }
}

/// Drift: biases move without reaching balance, or, where they do not move, loads change.
pub(super) fn drifting(blocks: &Blocks, cx: &Context) -> Option<Verdict> {
    if cx.setting.moves { travelling(blocks) } else { shifting(blocks, cx) }
}

fn travelling(blocks: &Blocks) -> Option<Verdict> {
    let mut verdict = None;
    for every in [1, 2, 4, 7] {
        let Some(travel) = travels(blocks, every) else { continue };
        let steps = (LEGS * every * BLOCK) as u32;
        let max_vio = blocks.newest()?.max_vio_16;
        verdict = Some(match travel {
            Ok((travel, most)) => {
                return Some(Verdict::Seen(most, Evidence::Drifting { steps, travel, biases: true, max_vio }));
            }
            Err(()) => Verdict::Absent,
        });
    }
    verdict
}

/// The displacement of the biases over the last eight legs of `every` blocks each, and the three experts that moved most. `Err` where it is
/// no drift, `None` where there are too few blocks.
fn travels(blocks: &Blocks, every: usize) -> Option<Result<(f64, Vec<usize>), ()>> {
    let newest = blocks.len().checked_sub(1)?;
    let first = newest.checked_sub(LEGS * every)?;
    let places: Vec<&Block> = (0..=LEGS).filter_map(|i| blocks.get(first + i * every)).collect();
    let experts = places.first()?.bias.len();
    let leg = |i: usize, e: usize| f64::from(places[i + 1].bias[e] - places[i].bias[e]);
    let dot = |i: usize, j: usize| (0..experts).map(|e| leg(i, e) * leg(j, e)).sum::<f64>();
    let sizes: Vec<f64> = (0..LEGS).map(|i| dot(i, i)).collect();
    let mean = sizes.iter().sum::<f64>() / LEGS as f64;
    let along = (1..LEGS).map(|i| dot(i - 1, i)).sum::<f64>() / (LEGS - 1) as f64;
    if mean <= 0.0 || along < SAME_WAY * mean {
        return Some(Err(()));
    }
    let half = LEGS / 2;
    let (early, late): (f64, f64) = (sizes[..half].iter().sum(), sizes[half..].iter().sum());
    let whole = |from: usize, to: usize, e: usize| f64::from(places[to].bias[e] - places[from].bias[e]);
    let (mut both, mut second) = (0.0, 0.0);
    for e in 0..experts {
        let (a, b) = (whole(0, half, e), whole(half, LEGS, e));
        both += a * b;
        second += b * b;
    }
    let vio = |from: usize, to: usize| {
        let all = (from..to).filter_map(|i| blocks.get(i)).map(|b| b.max_vio_16);
        all.sum::<f64>() / (to - from).max(1) as f64
    };
    let middle = first + half * every;
    let arrives = vio(middle + 1, newest + 1) < NOT_ARRIVING * vio(first + 1, middle + 1);
    if late < STILL_MOVES * early || both > (1.0 - NEW_WAY) * second || arrives {
        return Some(Err(()));
    }
    let mut order: Vec<usize> = (0..experts).collect();
    order.sort_by(|&a, &b| whole(0, LEGS, b).abs().total_cmp(&whole(0, LEGS, a).abs()));
    order.truncate(3);
    let square = (0..experts).map(|e| whole(0, LEGS, e).powi(2)).sum::<f64>() / experts as f64;
    Some(Ok((square.sqrt(), order)))
}

/// Where biases do not move, the mean loads of two windows differ by chance alone unless the tokens change.
fn shifting(blocks: &Blocks, cx: &Context) -> Option<Verdict> {
    let chance = chance(blocks, cx)?;
    let experts = blocks.experts()?;
    let now = mean_load(blocks.last(WINDOW)?, experts);
    let before = mean_load((0..WINDOW).filter_map(|i| blocks.get(i)), experts);
    if blocks.len() < 2 * WINDOW {
        return None;
    }
    let square = now.iter().zip(&before).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / experts as f64;
    // An expert's variance grows with its load; the busiest can have several times that of the fair share.
    let loads = now.iter().zip(&before).map(|(a, b)| (1.0 + a.max(*b)).max(1.0)).sum::<f64>() / experts as f64;
    let by_chance = 2.0 * chance * loads / (WINDOW * BLOCK) as f64;
    let travel = square.sqrt();
    if square < BEYOND_CHANCE * by_chance || travel < SEEN_IN_LOADS || chance <= 0.0 {
        return Some(Verdict::Absent);
    }
    let mut order: Vec<usize> = (0..experts).collect();
    order.sort_by(|&a, &b| (now[b] - before[b]).abs().total_cmp(&(now[a] - before[a]).abs()));
    order.truncate(3);
    let max_vio = blocks.newest()?.max_vio_16;
    let steps = ((blocks.len() - WINDOW) * BLOCK) as u32;
    Some(Verdict::Seen(order, Evidence::Drifting { steps, travel, biases: false, max_vio }))
}
