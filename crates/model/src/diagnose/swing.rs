//! Oscillation: loads that swing by more than chance explains, reverse, and return.

use super::super::figures::remove_trend;
use super::blocks::Blocks;
use super::chance::{chance, mean_load};
use super::{BLOCK, Context, Evidence, Verdict, WINDOW};
use std::collections::VecDeque;

/// The ratio of the loads' variance to that of chance from which a swing counts as oscillation. A rule that follows every batch as closely
/// as possible (Quantile Balancing) adds the chance of the last batch to that of this one, which makes 2; anything beyond comes from the
/// step itself.
const EXCESS: f64 = 3.0;
/// Below this ratio the oscillation has ended.
const EXCESS_LEFT: f64 = 2.0;
/// A swing of less than a twentieth of the fair share is too small to matter.
const SMALLEST: f64 = 0.05;
/// The autocovariance half a period later must be at most minus this share of the swing's variance: the load is on the other side.
const BACK: f64 = 0.3;
/// The autocovariance a whole period later must be at least this share: the load is back.
const AGAIN: f64 = 0.2;
/// The longest half period that can be recognised within a window of 64 steps after its trend is removed.
const LONGEST_HALF: usize = 16;
/// The most experts examined closely, evenly spaced.
const LOOKED_AT: usize = 64;

pub(super) fn oscillating(blocks: &Blocks, recent: &VecDeque<(Vec<u32>, u32)>, cx: &Context) -> Option<Verdict> {
    if !cx.setting.moves {
        return None;
    }
    let steps = WINDOW * BLOCK;
    let chance = chance(blocks, cx)?;
    let experts = blocks.experts()?;
    let window = blocks.last(WINDOW)?;
    let square = window.clone().map(|b| b.square).sum::<f64>() / WINDOW as f64;
    let means = mean_load(window, experts).iter().map(|m| m * m).sum::<f64>() / experts as f64;
    // Where tokens are not drawn at random, a load cannot be nearer to the fair share than whole tokens allow; less than one token is no
    // swing.
    let smallest = if chance > 0.0 { SMALLEST } else { SMALLEST.max(1.0 / blocks.newest()?.fair.max(1e-9)) };
    let beyond = |variance: f64, excess: f64, least: f64| {
        variance >= excess * chance && (variance - chance).max(0.0).sqrt() >= least
    };
    // A cheap test first, which usually suffices.
    let all = (square - means) * steps as f64 / (steps - 1) as f64;
    if !beyond(all, EXCESS_LEFT, 0.8 * smallest) {
        return Some(Verdict::Absent);
    }
    if !beyond(all, EXCESS, smallest) || recent.len() < steps {
        return Some(Verdict::Between);
    }
    let stride = experts.div_ceil(LOOKED_AT);
    let scales: Vec<f64> = recent
        .iter()
        .skip(recent.len() - steps)
        .map(|(loads, dropped)| {
            let all: u64 = loads.iter().map(|&l| u64::from(l)).sum::<u64>() + u64::from(*dropped);
            experts as f64 / (all.max(1)) as f64
        })
        .collect();
    let rows: Vec<&Vec<u32>> = recent.iter().skip(recent.len() - steps).map(|(loads, _)| loads).collect();
    let mut sums = [0.0; 2 * LONGEST_HALF + 2];
    let (mut worst, mut most, mut n) = (0, 0.0, 0.0);
    let mut series = vec![0.0; steps];
    for expert in (0..experts).step_by(stride) {
        for ((x, row), scale) in series.iter_mut().zip(&rows).zip(&scales) {
            *x = row.get(expert).map_or(0.0, |&l| f64::from(l)) * scale;
        }
        remove_trend(&mut series);
        for (lag, sum) in sums.iter_mut().enumerate() {
            let products: f64 = series.iter().zip(&series[lag..]).map(|(a, b)| a * b).sum();
            *sum += products / (steps - lag) as f64;
        }
        let variance = series.iter().map(|x| x * x).sum::<f64>() / (steps - 2) as f64;
        n += 1.0;
        if variance > most {
            (worst, most) = (expert, variance);
        }
    }
    sums.iter_mut().for_each(|s| *s /= n);
    let variance = sums[0] * steps as f64 / (steps - 2) as f64;
    if !beyond(variance, EXCESS, smallest) {
        return Some(Verdict::Between);
    }
    let swing = variance - chance;
    let turn = |lag: usize| sums[lag] <= sums[lag + 1] && (lag == 1 || sums[lag] < sums[lag - 1]);
    let Some(half) = (1..=LONGEST_HALF).find(|&lag| turn(lag) && sums[lag] <= -BACK * swing) else {
        return Some(Verdict::Absent);
    };
    let peak = |lag: usize| sums[lag] >= sums[lag - 1] && sums[lag] >= sums[lag + 1];
    match (half + 1..=2 * LONGEST_HALF).find(|&lag| peak(lag) && sums[lag] >= AGAIN * swing) {
        Some(period) => Some(Verdict::Seen(
            vec![worst],
            Evidence::Oscillating { swing: most.sqrt(), chance: chance.sqrt(), period: period as u32 },
        )),
        None => Some(Verdict::Absent),
    }
}
